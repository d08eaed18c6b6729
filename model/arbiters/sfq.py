"""Start-time fair queueing (SFQ).

Source: P. Goyal, H. M. Vin, H. Cheng, "Start-time fair queueing", SIGCOMM 1996; IEEE/ACM ToN 5(5), 1997.
"""

from typing import Any

import attrs

from headgate.model.algebra import best, choose, maximum, put
from headgate.model.arbiters.common import Arrival, Policy, Stamp, Tenants
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["SFQ", "FairQueue", "rest", "select", "stamp", "start"]


@attrs.frozen
class FairQueue:
    """State of a tag-based fair queue: its virtual time, and the last finish tag of every tenant."""

    virtual: Number
    last: tuple[Number, ...]


@implements("FQ-2")
def start(tenants: Tenants) -> FairQueue:
    """Return the first state: all tags at 0."""
    return FairQueue(0, (0,) * tenants.count)


@implements("FQ-1")
def stamp(state: FairQueue, tenant: Number, arrival: Arrival) -> tuple[FairQueue, Stamp]:
    """Return (state, stamp): start tag max(V, last finish tag of the tenant), finish tag one cost later."""
    begin = maximum(state.virtual, choose(tenant, state.last))
    end = begin + arrival.cost
    return FairQueue(state.virtual, put(tenant, state.last, end)), Stamp(begin, end, arrival.size, arrival.order)


@implements("FQ-2", "FQ-3", "ST-5", "ST-6")
def select(
    state: FairQueue, tenants: Tenants, heads: tuple[Stamp, ...], waiting: tuple[Any, ...]
) -> tuple[Any, Number, FairQueue]:
    """Return (found, tenant, state): the smallest start tag is served, and becomes the virtual time."""
    found, tenant, begin = best([head.begin for head in heads], waiting, tenants.order)
    return found, tenant, FairQueue(begin, state.last)


@implements("FQ-2")
def rest(state: FairQueue) -> FairQueue:
    """Return the state at the end of a busy period: the virtual time is the largest finish tag given."""
    virtual = state.virtual
    for last in state.last:
        virtual = maximum(virtual, last)
    return FairQueue(virtual, state.last)


SFQ = Policy("sfq", start, stamp, select, rest)
