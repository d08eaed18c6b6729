"""Theorems on how often a request that waits is passed over: capped row hits, turns, and what a priority decides.

Round robin's stands with the theorems on turns, SFQ's and SCFQ's with those on delay.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations
from typing import Any

import z3

from headgate.model.algebra import choose
from headgate.model.arbiters import EARLY, FR_FCFS_CAP, PRIORITY, SFQ, Arrival, Stamp, Tenants
from headgate.model.arbiters.early import Clock
from headgate.model.arbiters.fr_fcfs import CAP, OpenRow, fr_fcfs
from headgate.model.arbiters.sfq import FairQueue
from headgate.model.bounds import capped_bypass, sfq_delay
from headgate.proofs.crowds import capped_attack
from headgate.proofs.decoding import schedule_of
from headgate.proofs.invariants import invariant
from headgate.proofs.lassos import Heading
from headgate.proofs.symbolic import lift
from headgate.proofs.table import exact, table, unit_tenants
from headgate.proofs.theorem import Expect, Obligation, Query, Theorem

__all__ = ["THEOREMS"]

CODE_TENANTS = range(2, 9)
HALF = Fraction(1, 2)


def _heads(count: int) -> tuple[Stamp, ...]:
    return tuple(Stamp(*z3.Reals(f"begin{k} end{k} size{k}"), *z3.Ints(f"order{k} row{k}")) for k in range(count))


# ---- FR-FCFS with a cap ----


def _passed(state: OpenRow, cap: Any) -> Any:
    return invariant("passes", not_negative=lift(state.passed) >= 0, at_most_cap=lift(state.passed) <= cap)


def _still(older: Any, state: OpenRow, cap: Any) -> Any:
    """How many others may still go first: each of `older` comes after a row of passes, and one more row at the end."""
    return older * (1 + cap) + cap - state.passed


def _bypassed(done: Any, before: Any, older: Any, state: OpenRow, cap: Any) -> Any:
    return invariant("bypass", counted=done + _still(older, state, cap) <= capped_bypass(before, cap))


def _capped_step(count: int) -> list[Obligation]:
    """One request is followed: `victim` has it, its place is `own`, `older` of those that wait came before it."""
    cap, row, passed, victim, own, older, done, before = z3.Ints("cap row passed victim own older done before")
    waiting, heads, state = tuple(z3.Bools([f"waiting{k}" for k in range(count)])), _heads(count), OpenRow(row, passed)
    policy, tenants = fr_fcfs("fr-fcfs-cap", cap), unit_tenants(count, 1)
    _, served, after = policy.select(state, tenants, heads, waiting)
    place = choose(served, [head.order for head in heads])
    fewer = z3.If(place < own, older - 1, older)
    waits = (victim >= 0, victim < count, choose(victim, waiting), choose(victim, [h.order for h in heads]) <= own)
    given = (cap >= 0, older >= 0, done >= 0, _passed(state, cap))
    moved, _ = policy.stamp(state, 0, Arrival(lift(0), lift(1), lift(1), lift(0), lift(0), lift(0)))
    name = f"N = {count}: "
    return [
        Obligation(name + "a service keeps the count", (cap >= 0, _passed(state, cap), z3.Or(*waiting)),
                   _passed(after, cap)),
        Obligation(name + "another request is served",
                   (*given, *waits, place != own, _bypassed(done, before, older, state, cap)),
                   _bypassed(done + 1, before, fewer, after, cap)),
        Obligation(name + "an arrival and a rest change nothing", (cap >= 0,), z3.And(
            *(lift(new.passed) == passed for new in (moved, policy.rest(state))),
            *(lift(new.row) == row for new in (moved, policy.rest(state))))),
    ]  # fmt: skip


def _capped() -> list[Obligation]:
    cap, row, passed, older, done, before = z3.Ints("cap row passed older done before")
    state, first = OpenRow(row, passed), fr_fcfs("fr-fcfs-cap", cap).start(unit_tenants(2, 1))
    given = (cap >= 0, older >= 0, done >= 0, before >= 0, _passed(state, cap))
    return [
        Obligation("at first nothing is passed over", (cap >= 0,), _passed(first, cap)),
        *(step for count in CODE_TENANTS for step in _capped_step(count)),
        Obligation("a request arrives, and is followed", given, _bypassed(lift(0), before, before, state, cap)),
        Obligation("at most c in a row pass over the oldest", given, passed <= cap),
        Obligation("the bound", (*given, older * cap >= 0, _bypassed(done, before, older, state, cap)),
                   done <= capped_bypass(before, cap)),
    ]  # fmt: skip


# ---- what a priority decides ----


def _tie_orders(count: int) -> Sequence[tuple[int, ...]]:
    """Every order of ties for a few tenants; of more, the orders that are furthest apart (tenants are alike)."""
    every = tuple(range(count))
    return tuple(permutations(every)) if count <= 4 else (every, tuple(reversed(every)))


def _tags_first(count: int, order: tuple[int, ...]) -> Obligation:
    heads, waiting = _heads(count), tuple(z3.Bools([f"waiting{k}" for k in range(count)]))
    virtual, last = z3.Real("virtual"), tuple(z3.Reals([f"last{k}" for k in range(count)]))
    tenants = Tenants(count, order, tuple(z3.Ints([f"priority{k}" for k in range(count)])), (lift(1),) * count)
    _, served, after = SFQ.select(FairQueue(virtual, last), tenants, heads, waiting)
    begins = [head.begin for head in heads]
    tag = choose(served, begins)
    least = [z3.Implies(waits, tag <= begin) for waits, begin in zip(waiting, begins, strict=True)]
    kept = [lift(now) == before for now, before in zip(after.last, last, strict=True)]
    name = f"SFQ, ties in the order {', '.join(map(str, order))}"
    return Obligation(name, (z3.Or(*waiting),), z3.And(choose(served, waiting), after.virtual == tag, *least, *kept))


def _due_first(count: int) -> list[Obligation]:
    """*Early*, whatever the priorities: what is due goes first, by deadline; if nothing is, a priority decides."""
    heads, waiting, now = _heads(count), tuple(z3.Bools([f"waiting{k}" for k in range(count)])), z3.Real("now")
    priorities = tuple(z3.Ints([f"priority{k}" for k in range(count)]))
    due = [z3.And(waits, head.begin <= now) for waits, head in zip(waiting, heads, strict=True)]
    _, served, _ = EARLY.select(
        Clock(now), Tenants(count, tuple(range(count)), priorities, (lift(1),) * count), heads, waiting
    )
    deadline = choose(served, [head.end for head in heads])
    ahead = [z3.Implies(is_due, deadline <= head.end) for is_due, head in zip(due, heads, strict=True)]
    priority = choose(served, priorities)
    best = [z3.Implies(waits, priority <= own) for waits, own in zip(waiting, priorities, strict=True)]
    return [
        Obligation(f"early, N = {count}: something is due", (z3.Or(*due),), z3.And(choose(served, due), *ahead)),
        Obligation(f"early, N = {count}: nothing is", (z3.Or(*waiting), z3.Not(z3.Or(*due))),
                   z3.And(choose(served, waiting), *best)),
    ]  # fmt: skip


def _priorities() -> list[Obligation]:
    ties = [_tags_first(count, order) for count in CODE_TENANTS for order in _tie_orders(count)]
    return [*ties, *(step for count in CODE_TENANTS for step in _due_first(count))]


PROMISED = "A request in contract is done by EAT + (l + the others' L) / R, whatever the priorities and bursts."


def _burst_attack(tighter: Fraction) -> Query:
    """One byte of tenant 1 waits for a burst of tenant 0, which has the better priority; the channel serves 1 B/ns."""
    found = table(PRIORITY, Tenants(2, (0, 1), (0, 1), (1, 1)), 3, 1)
    bound = Fraction(sfq_delay(1, 1, Fraction(1), 0))
    heading = ("ST-3", PROMISED, "arbiter", "priority", "late")
    parameters = {"weights": (HALF, HALF), "priorities": (0, 1), "peak": 1, "tenant": 1,
                  "latency": bound, "tighter_by": tighter}  # fmt: skip
    own = [z3.If(owner == 1, 1, 0) for owner in found.tenants]
    late = [
        z3.And(turn.tenant == 1, turn.at + turn.size - choose(turn.request, found.arrivals) > exact(bound - tighter))
        for turn in found.turns
    ]
    smallest = (found.arrivals[-1], *found.arrivals, *found.tenants)
    return Query((*found.constraints, z3.Sum(own) == 1, z3.Or(*late)),
                 lambda model: schedule_of(model, heading, parameters, found.requests), smallest)  # fmt: skip


ANY_CODE = f"every horizon; N = {CODE_TENANTS[0]}..{CODE_TENANTS[-1]} tenants on the code's own step"
LIMIT = f"N = {CODE_TENANTS[0]}..{CODE_TENANTS[-1]}"
CAPPED = "With a cap c, a request that finds k before it is served after at most k + (k + 1) c others."

THEOREMS: Sequence[Theorem] = (
    Theorem(
        "fr-fcfs-cap-bypass", ("FR-3",), CAPPED, f"{ANY_CODE}; any cap",
        ("what comes later has a later place in the order of arrival",),
        obligations=_capped, attack=capped_attack(Heading("FR-3", CAPPED, FR_FCFS_CAP, last_row=1), CAP),
        invariants=("passes", "bypass"), limit=LIMIT, partner="arbiters-work-conserving",
        abstraction="one request is followed; of those that came before it only their number counts",
    ),
    Theorem(
        "priority-ties", ("FQ-3", "EA-1", "ST-6"),
        "Whatever the priorities, SFQ serves the smallest start tag, and early what is due by its deadline.",
        f"every state; N = {CODE_TENANTS[0]}..{CODE_TENANTS[-1]} tenants on the code's own step",
        obligations=_priorities, limit=LIMIT,
        unpaired="it says who is served, and bounds nothing",
    ),
    Theorem(
        "priority-burst", ("ST-3", "ST-6"), f"Under strict priority: {PROMISED[0].lower()}{PROMISED[1:]}",
        "three requests of two equal tenants", expect=Expect.REFUTED, attack=_burst_attack,
    ),
)  # fmt: skip
