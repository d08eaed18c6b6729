"""Theorems on deficit round robin: the turns of any two tenants, the bypass and the pairwise gap that follow.

One tenant i is followed against any other tenant j, on the code's own step (`headgate.proofs.active_list`).
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.model.arbiters import DRR, Arrival, Tenants
from headgate.model.arbiters.drr import rest, stamp, start
from headgate.model.bounds import round_gap
from headgate.proofs.active_list import (
    CODE_TENANTS,
    PAIRS,
    Lists,
    Pair,
    Service,
    Turns,
    has_deficits,
    is_fair,
    is_ordered,
    known_numbers,
    lists_of,
    moved_by,
    service_of,
    turns_of,
)
from headgate.proofs.crowds import share_attack
from headgate.proofs.decoding import schedule_of
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import lift
from headgate.proofs.table import unit_tenants
from headgate.proofs.theorem import Obligation, Query, Theorem

__all__ = ["CODE_LIMIT", "QUANTA", "THEOREMS", "TURNS", "drr_from_rest_steps"]


def _drr_steps(count: int) -> list[Obligation]:
    """The list keeps its order, and the turns of either of two tenants stay within one of the other's."""
    lists = lists_of(count)
    sound = (*known_numbers(lists), is_ordered(lists), has_deficits(lists))
    name = f"N = {count}: "
    idle = attrs.evolve(lists, waiting=(lift(False),) * count)
    begin = attrs.evolve(idle, state=start(Tenants(count, tuple(range(count)), (0,) * count, lists.quanta)))
    rested = attrs.evolve(idle, state=rest(lists.state))
    service = service_of(lists)
    return [
        Obligation(name + "at first", known_numbers(lists), is_ordered(begin)),
        Obligation(name + "a busy period ends", (*sound, *(z3.Not(w) for w in lists.waiting)), is_ordered(rested)),
        *_drr_arrivals(lists, sound, name),
        Obligation(name + "a service, the list", (*sound, *service.sizes, z3.Or(*lists.waiting)),
                   is_ordered(service.after)),
        *(_drr_service(lists, sound, service, pair, name) for pair in PAIRS),
        *(_drr_anchor(lists, sound, pair, name) for pair in PAIRS),
    ]  # fmt: skip


def _drr_arrivals(lists: Lists, sound: tuple[Any, ...], name: str) -> list[Obligation]:
    ghosts = [turns_of(pair) for pair in PAIRS]
    given = (*sound, *(is_fair(lists, each, pair) for each, pair in zip(ghosts, PAIRS, strict=True)))
    obligations = []
    for who in range(len(lists.waiting)):
        state, _ = stamp(lists.state, who, Arrival(lift(0), lift(1), lift(1), lift(0)))
        waiting = tuple(lift(True) if k == who else w for k, w in enumerate(lists.waiting))
        after = attrs.evolve(lists, state=state, waiting=waiting)
        goal = z3.And(
            is_ordered(after), *(is_fair(after, each, pair) for each, pair in zip(ghosts, PAIRS, strict=True))
        )
        obligations.append(Obligation(f"{name}a request of tenant {who} arrives", given, goal))
    return obligations


def _drr_service(lists: Lists, sound: tuple[Any, ...], service: Service, pair: Pair, name: str) -> Obligation:
    """Tenant i is backlogged, so that it waits."""
    ghosts = turns_of(pair)
    given = (*sound, is_fair(lists, ghosts, pair), ghosts.completed >= 0, ghosts.own >= 0)
    goal = is_fair(service.after, moved_by(lists, ghosts, service, pair), pair)
    premises = (*given, *service.sizes, lists.waiting[pair[0]])
    return Obligation(f"{name}a service, the turns of {pair[0]} and {pair[1]}", premises, goal)


def _drr_anchor(lists: Lists, sound: tuple[Any, ...], pair: Pair, name: str) -> Obligation:
    """An interval may begin at any time; what is in service then counts in full for another tenant."""
    in_service, (i, j) = z3.Real("in_service"), pair
    mine, theirs = lift(lists.state.turn == i), lift(lists.state.turn == j)
    was = lift(lists.state.deficits[j]) + in_service < lists.quanta[j] + lists.largest[j]
    first = Turns(lift(0), mine, z3.If(theirs, 1, 0), lift(0), z3.If(theirs, in_service, 0))
    given = (*sound, lift(lists.state.active[i]), in_service >= 0, z3.Implies(theirs, was))
    return Obligation(f"{name}an interval begins for {i} and {j}", given, is_fair(lists, first, pair))


def _within_turns() -> Obligation:
    """What the ghosts say of the bytes of i (0) and of j (1)."""
    lists, ghosts = lists_of(2), turns_of(PAIRS[0])
    given = (
        *known_numbers(lists),
        has_deficits(lists),
        is_fair(lists, ghosts, PAIRS[0]),
        ghosts.completed >= 0,
        ghosts.own >= 0,
    )
    goal = z3.And(
        ghosts.own > ghosts.completed * lists.quanta[0] - lists.largest[0],
        ghosts.other < (ghosts.completed + 1) * lists.quanta[1] + lists.largest[1],
    )
    return Obligation("bytes are within turns", given, goal)


def drr_from_rest_steps() -> list[Obligation]:
    """Return the steps by which turns pay for all that a tenant got since the list was empty, with no deficit."""
    return [step for count in CODE_TENANTS for step in _from_rest_steps(count)]


def _from_rest(lists: Lists, ghosts: Turns, who: int) -> Any:
    paid = ghosts.other + lift(lists.state.deficits[who]) <= ghosts.begun * lists.quanta[who]
    return invariant("turns from rest", all_is_paid=paid)


def _from_rest_steps(count: int) -> list[Obligation]:
    lists, pair, name = lists_of(count), PAIRS[0], f"N = {count}: from rest, "
    ghosts, service, j = turns_of(pair), service_of(lists), pair[1]
    given = (*known_numbers(lists), is_ordered(lists), has_deficits(lists), _from_rest(lists, ghosts, j))
    empty = attrs.evolve(lists, state=rest(lists.state))
    nothing = attrs.evolve(ghosts, begun=lift(0), other=lift(0))
    steps = [
        Obligation(name + "nobody is in the list", known_numbers(lists), _from_rest(empty, nothing, j)),
        Obligation(name + "a service", (*given, *service.sizes, z3.Or(*lists.waiting)),
                   _from_rest(service.after, moved_by(lists, ghosts, service, pair), j)),
    ]  # fmt: skip
    for who in range(count):
        state, _ = stamp(lists.state, who, Arrival(lift(0), lift(1), lift(1), lift(0)))
        after = attrs.evolve(lists, state=state)
        steps.append(Obligation(f"{name}a request of tenant {who} arrives", given, _from_rest(after, ghosts, j)))
    within = (ghosts.begun <= ghosts.completed + 1, lists.quanta[j] > 0)
    got = ghosts.other <= ghosts.begun * lists.quanta[j]
    return [*steps, Obligation(name + "its bytes", given, got), Obligation(name + "its turns", within,
            ghosts.begun * lists.quanta[j] <= (ghosts.completed + 1) * lists.quanta[j])]  # fmt: skip


def _drr_bypass() -> list[Obligation]:
    """A request that waits at the head has had no turn since it came there; so every other tenant has had one at most.

    The anchor is the instant at which it became the head; nothing of its tenant is served while it waits.
    """
    lists, ghosts = lists_of(2), turns_of(PAIRS[0])
    whole = z3.Or(ghosts.completed == 0, ghosts.completed >= 1)
    given = (
        *known_numbers(lists),
        has_deficits(lists),
        is_fair(lists, ghosts, PAIRS[0]),
        ghosts.own == 0,
        ghosts.completed >= 0,
        whole,
    )
    goal = z3.And(ghosts.completed == 0, ghosts.begun <= 1, ghosts.other < lists.quanta[1] + lists.largest[1])
    return [Obligation("one turn each", given, goal)]


def _drr_turns() -> list[Obligation]:
    return [*(step for count in CODE_TENANTS for step in _drr_steps(count)), _within_turns()]


def _drr_gap() -> list[Obligation]:
    """In rounds: bytes over quanta. What is said of (i, j) holds of (j, i) as well."""
    own, other, completed, quantum, largest = z3.Reals("own other completed quantum largest")
    own_rounds, other_rounds, own_most, other_most = z3.Reals("own_rounds other_rounds own_most other_most")
    counted = (quantum > 0, largest > 0, completed >= 0)
    ahead = (other_rounds < completed + 1 + other_most, own_rounds > completed - own_most)
    gap = round_gap(own_most, other_most)
    return [
        Obligation("the rounds of the one that waits", (*counted, own == quantum * own_rounds,
                   largest == quantum * own_most, own > completed * quantum - largest), ahead[1]),
        Obligation("the rounds of the other", (*counted, other == quantum * other_rounds,
                   largest == quantum * other_most, other < (completed + 1) * quantum + largest), ahead[0]),
        Obligation("the gap", ahead, other_rounds - own_rounds < gap),
    ]  # fmt: skip


def _gap_attack(tighter: Fraction) -> Query:
    """Three tenants with quanta of their largest request L: the least L at which a gap of 3 - 2 / L rounds will do.

    Tenant 0 saves all but a byte of a quantum, and then spends two, while tenant 1 saves as much; that one comes when
    tenant 0 is back in the list, which takes a third.
    """
    most = z3.Int("most")
    sizes = [(0, 0, 1), (0, 0, most), (0, 0, most - 1), (0, 0, most), (2, 0, 1), (1, 2, 1), (1, 2, most)]
    domain = (most >= 2, (3 * most - 2) > lift(Fraction(round_gap(1, 1)) - tighter) * most)
    heading = ("AR-9", "Two backlogged tenants drift apart by at most 1 + L_i / Q_i + L_j / Q_j rounds.", "arbiter",
               "drr", "round-gap")  # fmt: skip
    parameters = {"weights": (1,) * 3, "peak": 1, "tighter_by": tighter}
    return Query(domain, lambda model: schedule_of(model, heading, parameters, sizes), (most,))


CODE_LIMIT = f"N = {CODE_TENANTS[0]}..{CODE_TENANTS[-1]}"
QUANTA = "quanta are at least the largest request"
TURNS = "turns pay for bytes, and are one apart at most (theorem drr-turns)"
ONE_TURN = "While a request waits at the head under DRR, any other tenant gets less than Q + L bytes, at most one turn."

THEOREMS: Sequence[Theorem] = (
    Theorem(
        "drr-bypass", ("AR-6", "ST-5"), ONE_TURN, "every horizon; any number of tenants",
        ("the invariants of drr-turns", "quanta are at least the largest request"),
        obligations=_drr_bypass, step=Fraction(2), partner="arbiters-work-conserving",
        attack=share_attack(DRR, unit_tenants(2, 2), 5, ("ST-5", ONE_TURN), lambda _, own: 2 + own),
        abstraction="one tenant is followed against any other",
    ),
    Theorem(
        "drr-turns", ("AR-6",),
        "While a tenant waits, DRR begins at most one turn more of another than it completes; turns pay for bytes.",
        f"every horizon; {CODE_LIMIT} tenants on the code's own step", (QUANTA,),
        obligations=_drr_turns, invariants=("active list", "turns"), limit=CODE_LIMIT,
        abstraction="one tenant is followed against one other, which may be of the lower number or of the higher",
        partner="arbiters-work-conserving",
    ),
    Theorem(
        "drr-pairwise-gap", ("AR-9",),
        "Under DRR two backlogged tenants drift apart by at most 1 + L_i / Q_i + L_j / Q_j rounds.",
        "every horizon; any number of tenants, quanta, sizes and server rates", (QUANTA, TURNS),
        obligations=_drr_gap, attack=_gap_attack, step=Fraction(1, 10), partner="arbiters-work-conserving",
    ),
)  # fmt: skip
