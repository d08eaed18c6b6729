"""*Early*: earliest deadline first among what is due; priority decides who gets the surplus.

A request is due from its expected arrival time (clause PR-1): from then on its tenant's guarantee stands behind it, and
its deadline is EAT + size / g. What is served before that is surplus, and goes to the best priority.
Source: this project; the deadlines are those of Virtual Clock (L. Zhang, SIGCOMM 1990).
"""

from typing import Any

import attrs

from headgate.model.algebra import all_, best, where
from headgate.model.arbiters.common import Arrival, Policy, Stamp, Tenants
from headgate.model.arbiters.fcfs import rest
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["EARLY", "Clock", "advance", "select", "stamp", "start"]


@attrs.frozen
class Clock:
    """State: the time (ns)."""

    now: Number


def start(tenants: Tenants) -> Clock:
    """Return the first state: time 0."""
    return Clock(0)


@implements("AR-8", "EA-1")
def advance(state: Clock, now: Number) -> Clock:
    """Return the state at `now`."""
    return Clock(now)


@implements("EA-1")
def stamp(state: Clock, tenant: Number, arrival: Arrival) -> tuple[Clock, Stamp]:
    """Return (state, stamp): it begins to be due at its expected arrival, and ends one cost later."""
    return state, Stamp(arrival.expected, arrival.expected + arrival.cost, arrival.size, arrival.order)


@implements("EA-1", "ST-6")
def select(
    state: Clock, tenants: Tenants, heads: tuple[Stamp, ...], waiting: tuple[Any, ...]
) -> tuple[Any, Number, Clock]:
    """Return (found, tenant, state): the smallest deadline of what is due, or else the best priority that waits."""
    due = [all_(waits, head.begin <= state.now) for waits, head in zip(waiting, heads, strict=True)]
    some, urgent, _ = best([head.end for head in heads], due, tenants.order)
    found, first, _ = best(tenants.priorities, waiting)
    return found, where(some, urgent, first), state


EARLY = Policy("early", start, stamp, select, rest, advance)
