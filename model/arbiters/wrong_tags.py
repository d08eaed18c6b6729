"""Tags with one thing wrong each: what implementations of fair queueing get wrong, as rules to be searched and run.

They are no policies to choose: no contract file names them. A schedule may, so that what was found against one of them
can be replayed. Each is start-time or self-clocked fair queueing but for one line.
"""

from collections.abc import Mapping
from typing import Any

from headgate.model.algebra import best, choose, put
from headgate.model.arbiters import scfq, sfq
from headgate.model.arbiters.common import Arrival, Policy, Stamp, Tenants
from headgate.model.arbiters.sfq import FairQueue
from headgate.spec.units import Number

__all__ = ["WRONG_TAGS"]


def _stamp_without_finish(state: FairQueue, tenant: Number, arrival: Arrival) -> tuple[FairQueue, Stamp]:
    """Return (state, stamp): the start tag is V alone, whatever the tenant has waiting."""
    end = state.virtual + arrival.cost
    return FairQueue(state.virtual, put(tenant, state.last, end)), Stamp(
        state.virtual, end, arrival.size, arrival.order
    )


def _stamp_without_virtual(state: FairQueue, tenant: Number, arrival: Arrival) -> tuple[FairQueue, Stamp]:
    """Return (state, stamp): the start tag is the tenant's last finish tag alone, so that idle time is credit."""
    begin = choose(tenant, state.last)
    end = begin + arrival.cost
    return FairQueue(state.virtual, put(tenant, state.last, end)), Stamp(begin, end, arrival.size, arrival.order)


def _stamp_of_unit_cost(state: FairQueue, tenant: Number, arrival: Arrival) -> tuple[FairQueue, Stamp]:
    """Return (state, stamp): every request costs the same, whatever its size and the weight."""
    return sfq.stamp(state, tenant, Arrival(arrival.at, arrival.size, 1, arrival.order))


def _stamp_of_size(state: FairQueue, tenant: Number, arrival: Arrival) -> tuple[FairQueue, Stamp]:
    """Return (state, stamp): the cost is the size, the weight is forgotten."""
    return sfq.stamp(state, tenant, Arrival(arrival.at, arrival.size, arrival.size, arrival.order))


def _select_of_finish(
    state: FairQueue, tenants: Tenants, heads: tuple[Stamp, ...], waiting: tuple[Any, ...]
) -> tuple[Any, Number, FairQueue]:
    """Return (found, tenant, state): the smallest start tag is served, but V is its finish tag."""
    found, tenant, _ = best([head.begin for head in heads], waiting, tenants.order)
    return found, tenant, FairQueue(choose(tenant, [head.end for head in heads]), state.last)


def _policies() -> tuple[Policy, ...]:
    return (
        Policy("sfq-without-finish", sfq.start, _stamp_without_finish, sfq.select, sfq.rest),
        Policy("scfq-without-finish", sfq.start, _stamp_without_finish, scfq.select, scfq.rest),
        Policy("sfq-without-virtual", sfq.start, _stamp_without_virtual, sfq.select, sfq.rest),
        Policy("sfq-of-unit-cost", sfq.start, _stamp_of_unit_cost, sfq.select, sfq.rest),
        Policy("sfq-without-weight", sfq.start, _stamp_of_size, sfq.select, sfq.rest),
        Policy("sfq-virtual-of-finish", sfq.start, sfq.stamp, _select_of_finish, sfq.rest),
    )


WRONG_TAGS: Mapping[str, Policy] = {policy.name: policy for policy in _policies()}
