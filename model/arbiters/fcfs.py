"""First come, first served: what a plain memory controller queue does.

*Multi-Tenant KV Fabrics*, section 1, has it as the baseline.
"""

from typing import Any

import attrs

from headgate.model.algebra import best
from headgate.model.arbiters.common import Arrival, Policy, Stamp, Tenants
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["FCFS", "NoState", "plain_stamp", "rest", "select", "start"]


@attrs.frozen
class NoState:
    """State of a policy that keeps none."""


def start(tenants: Tenants) -> NoState:
    """Return the first state."""
    return NoState()


def plain_stamp(state: Any, tenant: Number, arrival: Arrival) -> tuple[Any, Stamp]:
    """Return (state, stamp) without tags: size and order of arrival alone."""
    return state, Stamp(0, 0, arrival.size, arrival.order)


@implements("AR-3", "ST-2")
def select(
    state: NoState, tenants: Tenants, heads: tuple[Stamp, ...], waiting: tuple[Any, ...]
) -> tuple[Any, Number, NoState]:
    """Return (found, tenant, state): the head that arrived first."""
    found, tenant, _ = best([head.order for head in heads], waiting, tenants.order)
    return found, tenant, state


def rest(state: Any) -> Any:
    """Return the state at the end of a busy period: unchanged."""
    return state


FCFS = Policy("fcfs", start, plain_stamp, select, rest)
