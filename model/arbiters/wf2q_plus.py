"""WF2Q+: the smallest finish tag among the requests that a fluid would have begun by now.

Weights are absolute rates, and the virtual time runs with the real one: the rates may sum to at most the effective rate
of the server. Where every head lies in the future, it jumps to the nearest.
Source: J. C. R. Bennett, H. Zhang, "Hierarchical packet fair queueing algorithms", SIGCOMM 1996; IEEE/ACM Transactions
on Networking 5(5), 1997.
"""

from typing import Any

import attrs

from headgate.model.algebra import all_, best, choose, maximum, put, where
from headgate.model.arbiters.common import Arrival, Policy, Stamp, Tenants
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["WF2Q_PLUS", "EligibleQueue", "advance", "rest", "select", "stamp", "start"]


@attrs.frozen
class EligibleQueue:
    """State: the virtual time and the time (ns); per tenant its last finish tag, and whether it is backlogged.

    Backlogged is who waits, and who has had a request in service since the last choice.
    """

    virtual: Number
    now: Number
    last: tuple[Number, ...]
    backlogged: tuple[Any, ...]


@implements("WF-1")
def start(tenants: Tenants) -> EligibleQueue:
    """Return the first state: all clocks and tags at 0."""
    return EligibleQueue(0, 0, (0,) * tenants.count, (False,) * tenants.count)


@implements("AR-8", "WF-1")
def advance(state: EligibleQueue, now: Number) -> EligibleQueue:
    """Return the state at `now`: the virtual time has grown by as much as the time."""
    return EligibleQueue(state.virtual + (now - state.now), now, state.last, state.backlogged)


@implements("WF-1")
def stamp(state: EligibleQueue, tenant: Number, arrival: Arrival) -> tuple[EligibleQueue, Stamp]:
    """Return (state, stamp): it begins where the tenant's last one ends, but not before V if the tenant was idle."""
    last = choose(tenant, state.last)
    begin = where(choose(tenant, state.backlogged), last, maximum(state.virtual, last))
    end = begin + arrival.cost
    after = EligibleQueue(state.virtual, state.now, put(tenant, state.last, end), put(tenant, state.backlogged, True))
    return after, Stamp(begin, end, arrival.size, arrival.order)


@implements("WF-1", "WF-2")
def select(
    state: EligibleQueue, tenants: Tenants, heads: tuple[Stamp, ...], waiting: tuple[Any, ...]
) -> tuple[Any, Number, EligibleQueue]:
    """Return (found, tenant, state): the smallest finish tag of those that have begun, once one has."""
    found, _, nearest = best([head.begin for head in heads], waiting)
    virtual = maximum(state.virtual, nearest)
    eligible = [all_(waits, head.begin <= virtual) for waits, head in zip(waiting, heads, strict=True)]
    _, tenant, _ = best([head.end for head in heads], eligible, tenants.order)
    return found, tenant, EligibleQueue(virtual, state.now, state.last, tuple(waiting))


@implements("WF-1")
def rest(state: EligibleQueue) -> EligibleQueue:
    """Return the state at the end of a busy period: nobody is backlogged."""
    return EligibleQueue(state.virtual, state.now, state.last, (False,) * len(state.backlogged))


WF2Q_PLUS = Policy("wf2q+", start, stamp, select, rest, advance)
