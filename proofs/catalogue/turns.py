"""Theorems on service by turns: round robin's bypass, and the service curve of deficit round robin.

For DRR one tenant i is followed against any other tenant j, on the code's own step. Ghosts since an anchor: turns that
i began and completed, turns that j began, bytes of each put in service. A tenant that is ahead of i in the active list
has had at most as many turns as i completed, any other at most one more.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.model.algebra import choose
from headgate.model.arbiters import NO_STAMP, ROUND_ROBIN, Arrival, Stamp, Tenants
from headgate.model.arbiters.drr import ActiveList, rest, select, stamp, start
from headgate.model.arbiters.round_robin import Turn
from headgate.proofs.decoding import schedule_of
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import decide, lift
from headgate.proofs.theorem import Obligation, Query, Theorem
from headgate.spec.vocabulary import Schedule

__all__ = ["THEOREMS", "bypass_attack"]


def _round_robin_bypass() -> list[Obligation]:
    """The steps round the circle to a tenant that waits go down by one or more with every service of another."""
    return [_round_robin_step(count) for count in range(2, 17)]


def _round_robin_step(count: int) -> Obligation:
    waiting, last, victim = z3.Bools([f"waiting{k}" for k in range(count)]), z3.Int("last_served"), z3.Int("victim")
    tenants = Tenants(count, tuple(range(count)), (0,) * count, (lift(1),) * count)
    _, served, state = ROUND_ROBIN.select(Turn(last), tenants, (NO_STAMP,) * count, tuple(waiting))

    def distance(pointer: Any) -> Any:
        return z3.If(victim > pointer, victim - pointer, victim - pointer + count)

    given = (last >= 0, last < count, victim >= 0, victim < count, choose(victim, waiting))
    goal = z3.And(
        distance(last) >= 1,
        distance(last) <= count,
        z3.Implies(served != victim, distance(state.last) <= distance(last) - 1),
        z3.Implies(distance(last) == 1, served == victim),
    )
    return Obligation(f"N = {count}", given, goal)


def bypass_attack(count: int, others: int, ranked: bool = False) -> Query:
    """Return a search for tenants, backlogged from time 0 on, the last of which waits through `others` services.

    Who else is backlogged is free; the services are those of the code's own choice. With `ranked` every one of them
    brings the turn just one step closer, which is what the proof allows at the worst: the turn is then a constant, and
    sixteen tenants are as fast as four.
    """
    backlogged = z3.Bools([f"backlogged{k}" for k in range(count)])
    tenants = Tenants(count, tuple(range(count)), (0,) * count, (lift(1),) * count)
    state, chosen = ROUND_ROBIN.start(tenants), z3.Ints([f"served{number}" for number in range(others)])
    domain: list[Any] = [backlogged[-1]]
    for number, served in enumerate(chosen):  # a name of its own for every choice keeps the terms small for the solver
        found, choice, _ = ROUND_ROBIN.select(state, tenants, (NO_STAMP,) * count, tuple(backlogged))
        domain += [served == choice, lift(found), served != count - 1]
        domain += [served == number] if ranked else []
        state = Turn(number if ranked else served)
    statement = "Under round robin a tenant that waits is served after at most N - 1 services of others."
    parameters = {"weights": (1,) * count, "peak": 1, "others": count - 1, "tighter_by": max(0, count - others)}

    def decode(model: z3.ModelRef) -> Schedule:
        """Whoever is served sends as many requests as it is served; a request more of it would change no choice."""
        taken = [decide(model, served) for served in chosen]
        sent = [max(1, taken.count(k)) if decide(model, waits) else 0 for k, waits in enumerate(backlogged)]
        requests = [(tenant, 0, 1) for tenant, number in enumerate(sent) for _ in range(number)]
        return schedule_of(model, ("AR-5", statement, "arbiter", "round-robin", "bypass"), parameters, requests)

    return Query(tuple(domain), decode, (z3.Sum([z3.If(waits, 1, 0) for waits in backlogged]),))


def _bypass_of_four(tighter: Fraction) -> Query:
    return bypass_attack(4, 4 - int(tighter))


@attrs.frozen
class _Lists:
    """The active list of `count` tenants, who waits, and the numbers of the tenants (quanta, largest requests)."""

    state: ActiveList
    waiting: tuple[Any, ...]
    quanta: tuple[Any, ...]
    largest: tuple[Any, ...]


def _lists(count: int) -> _Lists:
    def reals(name: str) -> tuple[Any, ...]:
        return tuple(z3.Reals([f"{name}{k}" for k in range(count)]))

    ranks, active = z3.Ints([f"rank{k}" for k in range(count)]), z3.Bools([f"active{k}" for k in range(count)])
    state = ActiveList(reals("deficit"), tuple(active), tuple(ranks), z3.Int("next_rank"), z3.Int("whose_turn"))
    return _Lists(state, tuple(z3.Bools([f"waiting{k}" for k in range(count)])), reals("quantum"), reals("largest"))


def _ordered(lists: _Lists) -> Any:
    """Who waits is in the list, and whoever joins it comes last."""
    state, tenants = lists.state, range(len(lists.waiting))
    active, ranks = [lift(a) for a in state.active], [lift(r) for r in state.ranks]
    return invariant(
        "active list",
        ranks_given=z3.And(*(z3.Implies(active[x], ranks[x] < lift(state.next_rank)) for x in tenants)),
        who_waits_is_in=z3.And(*(z3.Implies(lists.waiting[x], active[x]) for x in tenants)),
    )


def _deficits(lists: _Lists) -> Any:
    """As theorem drr-deficits has it."""
    state = lists.state
    below = [
        z3.If(lift(state.turn == k), quantum + most, most)
        for k, (quantum, most) in enumerate(zip(lists.quanta, lists.largest, strict=True))
    ]
    return z3.And(*(z3.And(lift(d) >= 0, lift(d) < b) for d, b in zip(state.deficits, below, strict=True)))


@attrs.frozen
class _Turns:
    """Ghosts since the anchor: i's completed turns, whether its present one began before; j's turns; bytes of each."""

    completed: Any
    partial: Any
    begun: Any
    own: Any
    other: Any


def _turns() -> _Turns:
    completed, begun = z3.Reals("completed begun")
    return _Turns(completed, z3.Bool("partial"), begun, *z3.Reals("own other"))


def _fair(lists: _Lists, ghosts: _Turns) -> Any:
    """Tenant 0 is i, backlogged since the anchor; tenant 1 is j."""
    state = lists.state
    mine, theirs = lift(state.turn == 0), lift(state.turn == 1)
    ahead = z3.And(lift(state.active[1]), lift(state.ranks[1]) < lift(state.ranks[0]), z3.Not(theirs))
    counted = z3.And(mine, z3.Not(ghosts.partial))
    return invariant(
        "turns",
        at_most_one_more=ghosts.begun <= ghosts.completed + 1,
        none_more_if_ahead=z3.Implies(ahead, ghosts.begun <= ghosts.completed),
        partial_is_first=z3.Implies(ghosts.partial, z3.And(mine, ghosts.begun == 0, ghosts.completed == 0)),
        others_paid=ghosts.other + lift(state.deficits[1]) < ghosts.begun * lists.quanta[1] + lists.largest[1],
        own_paid=ghosts.own + lift(state.deficits[0]) >= (ghosts.completed + z3.If(counted, 1, 0)) * lists.quanta[0],
        listed=lift(state.active[0]),
    )


def _numbers(lists: _Lists) -> tuple[Any, ...]:
    return tuple(z3.And(m > 0, m <= q) for q, m in zip(lists.quanta, lists.largest, strict=True))


def _drr_steps(count: int) -> list[Obligation]:
    lists, ghosts = _lists(count), _turns()
    sound = (*_numbers(lists), _ordered(lists), _deficits(lists))
    given = (*sound, _fair(lists, ghosts), ghosts.completed >= 0, ghosts.own >= 0)
    name = f"N = {count}: "
    idle = attrs.evolve(lists, waiting=(lift(False),) * count)
    begin = attrs.evolve(idle, state=start(Tenants(count, tuple(range(count)), (0,) * count, lists.quanta)))
    rested = attrs.evolve(idle, state=rest(lists.state))
    return [
        Obligation(name + "at first", _numbers(lists), _ordered(begin)),
        Obligation(name + "a busy period ends", (*sound, *(z3.Not(w) for w in lists.waiting)), _ordered(rested)),
        *_drr_arrivals(lists, ghosts, given, name),
        *_drr_service(lists, ghosts, given, name),
        *_drr_anchor(lists, sound, name),
    ]


def _drr_arrivals(lists: _Lists, ghosts: _Turns, given: tuple[Any, ...], name: str) -> list[Obligation]:
    obligations = []
    for who in range(len(lists.waiting)):
        state, _ = stamp(lists.state, who, Arrival(lift(0), lift(1), lift(1), lift(0)))
        waiting = tuple(lift(True) if k == who else w for k, w in enumerate(lists.waiting))
        after = attrs.evolve(lists, state=state, waiting=waiting)
        goal = z3.And(_ordered(after), _fair(after, ghosts))
        obligations.append(Obligation(f"{name}a request of tenant {who} arrives", given, goal))
    return obligations


def _drr_service(lists: _Lists, ghosts: _Turns, given: tuple[Any, ...], name: str) -> list[Obligation]:
    """Tenant 0 is backlogged, so that it waits; what the served tenant leaves behind is anybody's guess."""
    count = len(lists.waiting)
    heads = tuple(Stamp(lift(0), lift(0), size, lift(0)) for size in z3.Reals([f"size{k}" for k in range(count)]))
    sizes = tuple(z3.And(h.size > 0, h.size <= m) for h, m in zip(heads, lists.largest, strict=True))
    tenants = Tenants(count, tuple(range(count)), (0,) * count, lists.quanta)
    _, served, state = select(lists.state, tenants, heads, lists.waiting)
    goes_on = z3.Or(*(z3.And(lift(lists.state.turn == k), lists.waiting[k], heads[k].size <= lists.state.deficits[k])
                      for k in range(count)))  # fmt: skip
    more = tuple(z3.Bool(f"more{k}") for k in range(count))
    waiting = tuple(z3.If(lift(served == k), more[k], lists.waiting[k]) for k in range(count))
    after = attrs.evolve(lists, state=state, waiting=waiting)
    moved = _moved(lists, ghosts, heads, served, goes_on)
    premises = (*given, *sizes, lists.waiting[0])
    return [
        Obligation(name + "a service, the list", premises, _ordered(after)),
        Obligation(name + "a service, the turns", premises, _fair(after, moved)),
    ]


def _moved(lists: _Lists, ghosts: _Turns, heads: tuple[Stamp, ...], served: Any, goes_on: Any) -> _Turns:
    ends, begins = z3.Not(goes_on), z3.And(z3.Not(goes_on), lift(served == 1))
    over = z3.And(ends, lift(lists.state.turn == 0))
    return _Turns(
        z3.If(z3.And(over, z3.Not(ghosts.partial)), ghosts.completed + 1, ghosts.completed),
        z3.And(ghosts.partial, goes_on),
        z3.If(begins, ghosts.begun + 1, ghosts.begun),
        z3.If(lift(served == 0), ghosts.own + heads[0].size, ghosts.own),
        z3.If(lift(served == 1), ghosts.other + heads[1].size, ghosts.other),
    )


def _drr_anchor(lists: _Lists, sound: tuple[Any, ...], name: str) -> list[Obligation]:
    """An interval may begin at any time; what is in service then counts in full for another tenant."""
    in_service = z3.Real("in_service")
    mine, theirs = lift(lists.state.turn == 0), lift(lists.state.turn == 1)
    was = lift(lists.state.deficits[1]) + in_service < lists.quanta[1] + lists.largest[1]
    first = _Turns(lift(0), mine, z3.If(theirs, 1, 0), lift(0), z3.If(theirs, in_service, 0))
    given = (*sound, lift(lists.state.active[0]), in_service >= 0, z3.Implies(theirs, was))
    return [Obligation(name + "an interval begins", given, _fair(lists, first))]


def _drr_curve() -> list[Obligation]:
    """Bytes of i against the bytes beta that the server did: the other tenants are one aggregate."""
    own, beta, quantum, largest, others, other_largest = z3.Reals("own beta quantum largest others other_largest")
    completed, other, deficit = z3.Reals("completed other deficit")
    given = (
        quantum > 0, largest > 0, largest <= quantum, others >= 0, other_largest >= 0, completed >= 0,
        own > completed * quantum - largest, other <= (completed + 1) * others + other_largest, beta <= own + other,
    )  # fmt: skip
    total = quantum + others
    promised = quantum * beta - quantum * other_largest - others * (quantum + largest)
    lists, ghosts = _lists(2), _turns()
    counts = Obligation(
        "bytes are within turns",
        (*_numbers(lists), _deficits(lists), _fair(lists, ghosts), ghosts.completed >= 0, ghosts.own >= 0),
        z3.And(
            ghosts.own > ghosts.completed * lists.quanta[0] - lists.largest[0],
            ghosts.other <= (ghosts.completed + 1) * lists.quanta[1] + lists.largest[1],
        ),
    )
    rounds = Obligation("turns of the others", given, others * quantum * completed <= others * (own + largest))
    return [
        counts,
        _drr_summing(),
        rounds,
        Obligation("the service curve", (*given, rounds.goal, deficit >= 0), total * own >= promised),
    ]


def _drr_summing() -> Obligation:
    turns, quanta, most, given = z3.Reals("turns quanta most given")
    quantum, largest, more, deficit = z3.Reals("quantum largest more deficit")
    premises = (turns >= 0, quantum > 0, deficit >= 0, more + deficit < turns * quantum + largest,
                given <= turns * quanta + most)  # fmt: skip
    goal = given + more <= turns * (quanta + quantum) + (most + largest)
    return Obligation("the bytes of the others add up", premises, goal)


THEOREMS: Sequence[Theorem] = (
    Theorem(
        "round-robin-bypass", ("AR-5",),
        "Under round robin a tenant that waits is served after at most N - 1 services of others.",
        "every horizon; N = 2..16 tenants on the code's own step", obligations=_round_robin_bypass,
        attack=_bypass_of_four,
        limit="N = 2..16", partner="arbiters-work-conserving",
    ),
    Theorem(
        "drr-service-curve", ("AR-6",),
        "Of beta bytes of service, DRR gives a backlogged tenant at least (Q beta - Q L' - (F - Q)(Q + L)) / F.",
        "every horizon; the turns on the code's own step for N = 2..4, the curve for any number of tenants",
        ("quanta are at least the largest request; F is their sum, L' the sum of the others' largest requests",),
        obligations=lambda: [*(step for count in (2, 3, 4) for step in _drr_steps(count)), *_drr_curve()],
        invariants=("active list", "turns"), limit="N = 2..4 on the code's own step",
        abstraction="one tenant is followed against any other; the rest are an aggregate",
    ),
)  # fmt: skip
