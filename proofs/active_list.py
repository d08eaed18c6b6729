"""The active list of deficit round robin, as theorems follow it: one tenant i against any other tenant j.

Ghosts since an anchor: turns that i began and completed, turns that j began, bytes of each put in service. A tenant
that is ahead of i in the active list has had at most as many turns as i completed, any other at most one more.
"""

from typing import Any

import attrs
import z3

from headgate.model.arbiters import Stamp, Tenants
from headgate.model.arbiters.drr import ActiveList, select
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import lift

__all__ = [
    "CODE_TENANTS", "PAIRS", "Lists", "Pair", "Service", "Turns", "has_deficits", "is_fair", "is_ordered",
    "known_numbers", "lists_of", "moved_by", "service_of", "turns_of",
]  # fmt: skip

# Tenant i, and the tenant j that it is held against; the code treats numbers alike but for ties.
Pair = tuple[int, int]
PAIRS: tuple[Pair, ...] = ((0, 1), (1, 0))
CODE_TENANTS = range(2, 9)


@attrs.frozen
class Lists:
    """The active list of `count` tenants, who waits, and the numbers of the tenants (quanta, largest requests)."""

    state: ActiveList
    waiting: tuple[Any, ...]
    quanta: tuple[Any, ...]
    largest: tuple[Any, ...]


def lists_of(count: int) -> Lists:
    def reals(name: str) -> tuple[Any, ...]:
        return tuple(z3.Reals([f"{name}{k}" for k in range(count)]))

    ranks, active = z3.Ints([f"rank{k}" for k in range(count)]), z3.Bools([f"active{k}" for k in range(count)])
    state = ActiveList(reals("deficit"), tuple(active), tuple(ranks), z3.Int("next_rank"), z3.Int("whose_turn"))
    return Lists(state, tuple(z3.Bools([f"waiting{k}" for k in range(count)])), reals("quantum"), reals("largest"))


def is_ordered(lists: Lists) -> Any:
    """Who waits is in the list, whoever joins it comes last, and the two that are followed have places of their own."""
    state, tenants = lists.state, range(len(lists.waiting))
    active, ranks = [lift(a) for a in state.active], [lift(r) for r in state.ranks]
    return invariant(
        "active list",
        ranks_given=z3.And(*(z3.Implies(active[x], ranks[x] < lift(state.next_rank)) for x in tenants)),
        who_waits_is_in=z3.And(*(z3.Implies(lists.waiting[x], active[x]) for x in tenants)),
        places_differ=z3.Implies(z3.And(active[0], active[1]), ranks[0] != ranks[1]),
    )


def has_deficits(lists: Lists) -> Any:
    """As theorem drr-deficits has it."""
    state = lists.state
    below = [
        z3.If(lift(state.turn == k), quantum + most, most)
        for k, (quantum, most) in enumerate(zip(lists.quanta, lists.largest, strict=True))
    ]
    return z3.And(*(z3.And(lift(d) >= 0, lift(d) < b) for d, b in zip(state.deficits, below, strict=True)))


@attrs.frozen
class Turns:
    """Ghosts since the anchor: i's completed turns, whether its present one began before; j's turns; bytes of each."""

    completed: Any
    partial: Any
    begun: Any
    own: Any
    other: Any


def turns_of(pair: Pair) -> Turns:
    i, j = pair
    completed, begun = z3.Reals(f"completed{i} begun{j}")
    return Turns(completed, z3.Bool(f"partial{i}"), begun, *z3.Reals(f"own{i} other{j}"))


def is_fair(lists: Lists, ghosts: Turns, pair: Pair) -> Any:
    """The ghosts of the pair (i, j), of which i has been backlogged since the anchor."""
    state, (i, j) = lists.state, pair
    mine, theirs = lift(state.turn == i), lift(state.turn == j)
    ahead = z3.And(lift(state.active[j]), lift(state.ranks[j]) < lift(state.ranks[i]), z3.Not(theirs))
    counted = z3.And(mine, z3.Not(ghosts.partial))
    return invariant(
        "turns",
        at_most_one_more=ghosts.begun <= ghosts.completed + 1,
        none_more_if_ahead=z3.Implies(ahead, ghosts.begun <= ghosts.completed),
        partial_is_first=z3.Implies(ghosts.partial, z3.And(mine, ghosts.begun == 0, ghosts.completed == 0)),
        others_paid=ghosts.other + lift(state.deficits[j]) < ghosts.begun * lists.quanta[j] + lists.largest[j],
        own_paid=ghosts.own + lift(state.deficits[i]) >= (ghosts.completed + z3.If(counted, 1, 0)) * lists.quanta[i],
        listed=lift(state.active[i]),
    )


def known_numbers(lists: Lists) -> tuple[Any, ...]:
    return tuple(z3.And(m > 0, m <= q) for q, m in zip(lists.quanta, lists.largest, strict=True))


@attrs.frozen
class Service:
    """One run of the code's select: heads and what is known of their sizes, who is served, the lists after it."""

    heads: tuple[Stamp, ...]
    sizes: tuple[Any, ...]
    served: Any
    goes_on: Any
    after: Lists


def service_of(lists: Lists) -> Service:
    """Run the code's select; what the tenant that is served leaves behind is anybody's guess."""
    count = len(lists.waiting)
    heads = tuple(Stamp(lift(0), lift(0), size, lift(0)) for size in z3.Reals([f"size{k}" for k in range(count)]))
    sizes = tuple(z3.And(h.size > 0, h.size <= m) for h, m in zip(heads, lists.largest, strict=True))
    tenants = Tenants(count, tuple(range(count)), (0,) * count, lists.quanta)
    _, served, state = select(lists.state, tenants, heads, lists.waiting)
    goes_on = z3.Or(*(z3.And(lift(lists.state.turn == k), lists.waiting[k], heads[k].size <= lists.state.deficits[k])
                      for k in range(count)))  # fmt: skip
    more = tuple(z3.Bool(f"more{k}") for k in range(count))
    waiting = tuple(z3.If(lift(served == k), more[k], lists.waiting[k]) for k in range(count))
    return Service(heads, sizes, served, goes_on, attrs.evolve(lists, state=state, waiting=waiting))


def moved_by(lists: Lists, ghosts: Turns, service: Service, pair: Pair) -> Turns:
    i, j = pair
    ends, begins = z3.Not(service.goes_on), z3.And(z3.Not(service.goes_on), lift(service.served == j))
    over = z3.And(ends, lift(lists.state.turn == i))
    return Turns(
        z3.If(z3.And(over, z3.Not(ghosts.partial)), ghosts.completed + 1, ghosts.completed),
        z3.And(ghosts.partial, service.goes_on),
        z3.If(begins, ghosts.begun + 1, ghosts.begun),
        z3.If(lift(service.served == i), ghosts.own + service.heads[i].size, ghosts.own),
        z3.If(lift(service.served == j), ghosts.other + service.heads[j].size, ghosts.other),
    )
