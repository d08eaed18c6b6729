"""Theorems on FQ-CoDel's lists: who waits is passed by each other twice at most, and what becomes of it by the fault.

A tenant i that waits and another one v: how often v can still be served before i is counted down by every service of v,
and nothing but a service of i sets it up again. From OLD, ahead of i: twice, since v may empty, leave, and come back
into NEW. From NEW, ahead of i, or from outside of the lists if i is in OLD: once. Behind i: never.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.model.algebra import all_
from headgate.model.arbiters import FQ_CODEL, FQ_CODEL_REJOINS, NO_STAMP, Arrival, Policy, Tenants
from headgate.model.arbiters.fq_codel import Lists, rest, stamp, start
from headgate.model.bounds import fq_codel_bypass, fq_codel_turns
from headgate.model.steps import requests_of
from headgate.proofs.find.question import Asked, Question, Span
from headgate.proofs.find.step_model import StepModel, step_model
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import decide, lift
from headgate.proofs.theorem import Expect, Obligation, Query, Theorem
from headgate.spec.vocabulary import Schedule

__all__ = ["THEOREMS"]

CODE_TENANTS = range(2, 6)


def _lists(count: int) -> Lists:
    """Return an arbitrary state."""
    everybody = range(count)
    return Lists(
        tuple(z3.Ints([f"queued{k}" for k in everybody])),
        tuple(z3.Bools([f"new{k}" for k in everybody])),
        tuple(z3.Bools([f"old{k}" for k in everybody])),
        tuple(tuple(lift(False) if i == j else z3.Bool(f"ahead{i}_{j}") for j in everybody) for i in everybody),
    )


def _each(terms: Iterable[Any]) -> Any:
    return lift(all_(*terms))


def _sound(state: Lists) -> Any:
    """Who waits is in a list; of two in lists one is ahead, NEW before OLD, and the order has no circle."""
    everybody = range(len(state.queued))
    new, old = [lift(n) for n in state.new], [lift(o) for o in state.old]
    triples = [(i, j, k) for i in everybody for j in everybody for k in everybody if len({i, j, k}) == 3]
    pairs = [(i, j) for i in everybody for j in everybody if i != j]
    ahead = {(i, j): lift(state.ahead[i][j]) for i, j in pairs}
    listed = [z3.Or(n, o) for n, o in zip(new, old, strict=True)]
    waits = [lift(n) > 0 for n in state.queued]
    return invariant(
        "fq-codel lists",
        counts=_each(lift(n) >= 0 for n in state.queued),
        who_waits_is_in=_each(z3.Implies(waits[k], listed[k]) for k in everybody),
        new_waits=_each(z3.Implies(new[k], waits[k]) for k in everybody),
        in_one_list=_each(z3.Not(z3.And(new[k], old[k])) for k in everybody),
        only_who_is_in=_each(z3.Implies(ahead[i, j], z3.And(listed[i], listed[j])) for i, j in pairs),
        one_is_ahead=_each(
            z3.Implies(z3.And(listed[i], listed[j]), z3.Xor(ahead[i, j], ahead[j, i])) for i, j in pairs
        ),
        new_before_old=_each(z3.Implies(z3.And(new[i], old[j]), ahead[i, j]) for i, j in pairs),
        no_circle=_each(z3.Implies(z3.And(ahead[i, j], ahead[j, k]), ahead[i, k]) for i, j, k in triples),
    )


def _still(state: Lists, waits: int, other: int) -> Any:
    """Return how often `other` can still be served before `waits`, which waits."""
    before = lift(state.ahead[other][waits])
    old, new = lift(state.old[other]), lift(state.new[other])
    in_new = z3.If(z3.And(new, before), 1, 0)
    in_old = z3.If(old, z3.If(before, fq_codel_turns(), 0), 1)
    return z3.If(lift(state.new[waits]), in_new, in_old)


def _pairs(count: int) -> list[tuple[int, int]]:
    return [(i, v) for i in range(count) for v in range(count) if i != v]


def _tenants(count: int) -> Tenants:
    return Tenants(count, tuple(range(count)), (0,) * count, (1,) * count)


def _turns_steps(count: int) -> list[Obligation]:
    state = _lists(count)
    given, name = _sound(state), f"N = {count}: "
    nobody_waits = [lift(n) == 0 for n in state.queued]
    return [
        Obligation(name + "at first", (), _sound(start(_tenants(count)))),
        Obligation(name + "a busy period ends", (given, *nobody_waits), _sound(rest(state))),
        *(_arrival(state, who, name) for who in range(count)),
        *_service(state, name),
    ]


def _arrival(state: Lists, who: int, name: str) -> Obligation:
    """A request lets nobody be served more often before one that waits already."""
    after, _ = stamp(state, who, Arrival(lift(0), lift(1), lift(1), lift(0)))
    no_more = _each(z3.Implies(lift(state.queued[i]) > 0, _still(after, i, v) <= _still(state, i, v))
                    for i, v in _pairs(len(state.queued)))  # fmt: skip
    return Obligation(f"{name}a request of tenant {who} arrives", (_sound(state),), z3.And(_sound(after), no_more))


def _service(state: Lists, name: str) -> list[Obligation]:
    """Each service of another counts down; one ahead of nobody is the one that is served."""
    count = len(state.queued)
    waiting = tuple(lift(n) > 0 for n in state.queued)
    _, served, after = FQ_CODEL.select(state, _tenants(count), (NO_STAMP,) * count, waiting)
    served = lift(served)
    down = _each(
        z3.Implies(
            z3.And(waiting[i], served != i),
            _still(after, i, v) <= _still(state, i, v) - z3.If(served == v, 1, 0),
        )
        for i, v in _pairs(count)
    )
    bounded = _each(z3.And(_still(state, i, v) >= 0, _still(state, i, v) <= fq_codel_turns()) for i, v in _pairs(count))
    all_others = _each(
        z3.Sum(*(_still(state, i, v) for v in range(count) if v != i)) <= fq_codel_bypass(count) for i in range(count)
    )
    given = (_sound(state), z3.Or(*waiting))
    return [
        Obligation(name + "a service, the lists", given, _sound(after)),
        Obligation(name + "a service, the turns", given, z3.And(down, bounded, all_others)),
    ]


# ---- schedules ----


def _turns_attack(policy: Policy, clause: str, steps: int, tighter: Fraction) -> Query:
    """Two queues: the second is served more than twice while the first waits, and is not served."""
    question = Question(Asked.BLOCKED, policy, tenants=2, steps=steps, victim=0, arrivals=Span(0, 2), maximise=True)
    model = step_model(question)
    run, more_than = model.run, fq_codel_turns() - tighter
    cases = []
    for begin in range(steps):
        for end in range(begin + 1, steps + 1):
            times = z3.Sum(*(z3.If(lift(run.served[t][1]), 1, 0) for t in range(begin, end)))
            cases.append(z3.And(*(lift(run.blocked[t][0]) for t in range(begin, end)), times > int(more_than)))
    arrivals = [n for row in model.arrivals for n in row]
    decode = _Decoder(model, clause, int(tighter))
    return Query((*model.constraints, z3.Or(*cases)), decode, (z3.Sum(*arrivals), *arrivals))


@attrs.frozen
class _Decoder:
    model: StepModel
    clause: str
    tighter: int

    def __call__(self, found: z3.ModelRef) -> Schedule:
        rows = [[int(decide(found, n)) for n in row] for row in self.model.arrivals]
        parameters = {"weights": (1, 1), "peak": 1, "steps": len(rows), "tenant": 0, "tighter_by": self.tighter}
        statement = "Between two services of a tenant that waits no other is served more than twice."
        name = self.model.question.policy_name
        return Schedule(self.clause, statement, "steps", name, "turns", parameters, requests_of(rows))


THEOREMS: Sequence[Theorem] = (
    Theorem(
        "fq-codel-turns", ("FC-3",),
        "Between two services of a tenant that waits, FQ-CoDel's lists serve every other at most twice.",
        "every horizon; N = 2..5 tenants on the code's own step", ("a turn is one request",),
        obligations=lambda: [step for count in CODE_TENANTS for step in _turns_steps(count)],
        attack=lambda tighter: _turns_attack(FQ_CODEL, "FC-3", 5, tighter),
        invariants=("fq-codel lists",), limit="N = 2..5", partner="arbiters-work-conserving",
    ),
    Theorem(
        "fq-codel-rejoins", ("FC-4",),
        "Where a queue that empties is forgotten at once, no other is served more than twice before one that waits.",
        "two tenants, a few steps", expect=Expect.REFUTED,
        attack=lambda tighter: _turns_attack(FQ_CODEL_REJOINS, "FC-4", 5, tighter),
    ),
)  # fmt: skip
