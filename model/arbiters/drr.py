"""Deficit round robin (DRR), with the active list of its paper.

A tenant that becomes active joins the end of the list. The tenant at the head of the list gets its quantum once a
turn and is served while its deficit covers its next request; then it goes to the end of the list, keeping the rest
of its deficit, or leaves the list without it if nothing of it waits. Quanta are at least the largest request
(`quanta_for` computes the smallest such), so that every turn serves something.
Source: M. Shreedhar, G. Varghese, "Efficient fair queueing using deficit round robin", SIGCOMM 1995.
"""

from fractions import Fraction
from typing import Any

import attrs

from headgate.model.algebra import all_, any_, best, choose, not_, put, same, where
from headgate.model.arbiters.common import Arrival, Policy, Stamp, Tenants
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["DRR", "ActiveList", "quanta_for", "rest", "select", "stamp", "start"]


@attrs.frozen
class ActiveList:
    """State: per tenant its deficit (bytes), whether it is in the list and its rank there.

    `next_rank` is the rank of the end of the list; `turn` the tenant whose turn it is, -1 for none.
    """

    deficits: tuple[Number, ...]
    active: tuple[Any, ...]
    ranks: tuple[Number, ...]
    next_rank: Number
    turn: Number


@implements("AR-6")
def quanta_for(weights: tuple[Fraction, ...], largest: tuple[int, ...]) -> tuple[Fraction, ...]:
    """Return the smallest quanta (bytes) in proportion to `weights` that cover every tenant's largest request."""
    scale = max(Fraction(size) / weight for size, weight in zip(largest, weights, strict=True))
    return tuple(weight * scale for weight in weights)


@implements("AR-6")
def start(tenants: Tenants) -> ActiveList:
    """Return the first state: nobody active."""
    count = tenants.count
    return ActiveList((0,) * count, (False,) * count, (0,) * count, 0, -1)


@implements("AR-6")
def stamp(state: ActiveList, tenant: Number, arrival: Arrival) -> tuple[ActiveList, Stamp]:
    """Return (state, stamp): a tenant that was not active joins the end of the list, without deficit."""
    joins = not_(choose(tenant, state.active))
    joined = ActiveList(
        put(tenant, state.deficits, 0),
        put(tenant, state.active, True),
        put(tenant, state.ranks, state.next_rank),
        state.next_rank + 1,
        state.turn,
    )
    return where(joins, joined, state), Stamp(0, 0, arrival.size, arrival.order)


@implements("AR-6", "ST-5")
def select(
    state: ActiveList, tenants: Tenants, heads: tuple[Stamp, ...], waiting: tuple[Any, ...]
) -> tuple[Any, Number, ActiveList]:
    """Return (found, tenant, state): the tenant whose turn it is while its deficit lasts, else the next."""
    goes_on = any_(
        *[
            all_(same(state.turn, tenant), waiting[tenant], heads[tenant].size <= state.deficits[tenant])
            for tenant in range(tenants.count)
        ]
    )
    passed = _end_turn(state, waiting)
    _, following, _ = best(passed.ranks, waiting, tenants.order)
    given = _add(passed, following, tenants.quanta)
    turned = ActiveList(given, passed.active, passed.ranks, passed.next_rank, following)
    chosen = where(goes_on, state, turned)
    sizes = tuple(head.size for head in heads)
    served = _add(chosen, chosen.turn, tuple(-size for size in sizes))
    after = ActiveList(served, chosen.active, chosen.ranks, chosen.next_rank, chosen.turn)
    return any_(*waiting), chosen.turn, after


def _end_turn(state: ActiveList, waiting: tuple[Any, ...]) -> ActiveList:
    """Return the state after the turn that is on: back to the end of the list, or out of it."""
    over = [same(state.turn, tenant) for tenant in range(len(waiting))]
    back = [all_(ends, waits) for ends, waits in zip(over, waiting, strict=True)]
    out = [all_(ends, not_(waits)) for ends, waits in zip(over, waiting, strict=True)]
    return ActiveList(
        tuple(where(o, 0, deficit) for o, deficit in zip(out, state.deficits, strict=True)),
        tuple(all_(active, not_(o)) for o, active in zip(out, state.active, strict=True)),
        tuple(where(b, state.next_rank, rank) for b, rank in zip(back, state.ranks, strict=True)),
        where(any_(*back), state.next_rank + 1, state.next_rank),
        state.turn,
    )


def _add(state: ActiveList, tenant: Number, amounts: tuple[Number, ...]) -> tuple[Number, ...]:
    return put(tenant, state.deficits, choose(tenant, state.deficits) + choose(tenant, amounts))


@implements("AR-6")
def rest(state: ActiveList) -> ActiveList:
    """Return the state at the end of a busy period: nobody active, no deficit left."""
    count = len(state.active)
    return ActiveList((0,) * count, (False,) * count, state.ranks, state.next_rank, -1)


DRR = Policy("drr", start, stamp, select, rest)
