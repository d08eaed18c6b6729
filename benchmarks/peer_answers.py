"""What the problems beside other tools are answered with: searches, proofs and replays that must succeed.

Where one does not, `Unsolved` says what was expected; a column of `peer_problems` never tells of less than it solved.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import attrs

from headgate.model.replay import Replay, replay
from headgate.proofs.catalogue import catalogue
from headgate.proofs.find.asking import ask
from headgate.proofs.find.explain import explain
from headgate.proofs.find.question import Asked, Finding, Question
from headgate.proofs.runner import Limits, prove, search
from headgate.proofs.symbolic import symbolic
from headgate.proofs.theorem import Kind, Query
from headgate.spec.expressions import parse_expression
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import Schedule

__all__ = [
    "Unsolved", "explained", "found", "hurried", "impossible", "none", "on_steps", "percent", "proved", "shown",
    "witnessed",
]  # fmt: skip


class Unsolved(Exception):
    """A column whose problem is not solved as it is stated."""


def found(query: Callable[[], Query], what: str) -> tuple[Schedule, Replay]:
    """Return the schedule that answers `query`, and its replay; Unsolved where there is none."""
    with symbolic():
        schedule = search(query(), Limits(), what)
    if schedule is None:
        raise Unsolved(f"{what}: expected a schedule, found none")
    return schedule, replay(schedule)


def none(query: Callable[[], Query], what: str) -> None:
    """Return if no schedule answers `query`; Unsolved where one does."""
    with symbolic():
        if search(query(), Limits(), what) is not None:
            raise Unsolved(f"{what}: expected no schedule, found one")


def hurried(query: Query) -> Query:
    """Return the query without making what it finds small."""
    return attrs.evolve(query, smallest=())


def proved(*names: str) -> Callable[[], str]:
    """Return a column that proves theorems of the catalogue."""

    def column() -> str:
        theorems = {theorem.id: theorem for theorem in catalogue()}
        for name in names:
            if theorems[name].obligations is None:
                raise Unsolved(f"{name}: expected a proof, got a theorem that is to be refuted")
            result = prove(attrs.evolve(theorems[name], attack=None))
            if result.kind is not Kind.PROVED:
                raise Unsolved(f"{name}: expected a proof, got {result.kind.value} ({result.reason})")
        return f"proved: {', '.join(names)}"

    return column


def on_steps(
    asked: Asked, policy: str, queues: int, steps: int, assume: Sequence[str] = (), shows: str = "", **more: Any
) -> Question:
    """Return a question on discrete steps; `more` are fields of it."""
    assumed = tuple(parse_expression(text, queues, steps) for text in assume)
    shown = parse_expression(shows, queues, steps) if shows else None
    return Question(asked, policy, tenants=queues, steps=steps, assume=assumed, shows=shown, **more)


def shown(question: Question, what: str) -> tuple[Schedule, Replay]:
    """Return the schedule that answers a question, and its replay; Unsolved where there is none."""
    answer = ask(question)
    if answer.finding is not Finding.FOUND or answer.schedule is None:
        raise Unsolved(f"{what}: expected a schedule, got {answer.finding.value}")
    run = replay(answer.schedule)
    if not run.violated:
        raise Unsolved(f"{what}: expected a schedule that replays, got {run.finding}")
    return answer.schedule, run


def impossible(question: Question, what: str) -> None:
    """Return if it is proved that no schedule answers a question; Unsolved where that is not so."""
    finding = ask(question).finding
    if finding is not Finding.IMPOSSIBLE:
        raise Unsolved(f"{what}: expected a proof that there is none, got {finding.value}")


def explained(question: Callable[[], Question]) -> Callable[[], str]:
    """Return a column that finds a class of traffic of which every schedule shows what is asked for."""

    def column() -> str:
        explanation = explain(question())
        if explanation is None:
            raise Unsolved("expected a class of traffic, found none")
        if not replay(explanation.schedule).violated:
            raise Unsolved(f"expected a schedule of the class to show it, got {explanation.replay.finding}")
        return explanation.text

    return column


def witnessed(name: str) -> Schedule:
    """Return the schedule that the attack of a theorem finds: of one that is proved, with the bound a step tighter."""
    theorem = next(theorem for theorem in catalogue() if theorem.id == name)
    assert theorem.attack is not None, f"{name} has no attack"
    attack, tighter = theorem.attack, Fraction(0) if theorem.obligations is None else theorem.step
    return found(lambda: attack(tighter), name)[0]


def percent(part: Fraction, whole: Fraction) -> str:
    """Return the exact share, and the percentage rounded down to hundredths."""
    hundredths = part * 10_000 // whole
    return f"{exact_text(part)} of {exact_text(whole)} ns, {hundredths // 100}.{hundredths % 100:02} %"
