"""Runs of the step model that are left out because they are like others: no answer changes, and some are left out."""

import random
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import attrs
import pytest
import z3

from headgate.model.arbiters import ARBITERS
from headgate.model.steps import StepRun
from headgate.proofs.find import steps
from headgate.proofs.find.asking import ask
from headgate.proofs.find.question import Answer, Asked, Question, Span
from headgate.proofs.find.step_model import run_question, step_model
from headgate.proofs.find.step_symmetry import LISTS, plain_runs
from headgate.proofs.symbolic import symbolic
from headgate.spec.expressions import parse_expression

Rows = tuple[tuple[int, ...], ...]
# Queues, steps, the victim, and whether arrivals are served in their own step.
SHAPES = ((3, 4, 2, False), (3, 3, 1, True), pytest.param((4, 3, 3, False), marks=pytest.mark.soak))
BUCKET = {name: Fraction(number) for name, number in {"rate": 1, "depth": 3, "level": 1}.items()}
ASSUMED = ("cenq({0}, T-1) <= 2", "aenq({0}, t) <= 1", "backlog({0}, t) <= 2", "cenq({0}, t) >= t")


def drawn(seed: int) -> Question:
    """Return a question about lists or buckets, of few queues and steps; half of them assume something of a queue."""
    pick = random.Random(seed)
    policy, queues, count = pick.choice((*LISTS, "token")), pick.randint(2, 4), pick.randint(3, 5)
    asked = pick.choice((Asked.SERVICE, Asked.BLOCKED, Asked.WAIT))
    victim = pick.randrange(queues) if asked is Asked.SERVICE or pick.random() < 0.6 else None
    about = pick.choice((None, pick.choice(ASSUMED).format(pick.randrange(queues))))
    return Question(
        asked, policy, queues, steps=count, arrivals=Span(pick.choice((0, 0, 1)), 2), victim=victim, maximise=True,
        assume=() if about is None else (parse_expression(about, queues, count),), same_step=pick.random() < 0.3,
        parameters=BUCKET if policy == "token" else {},
    )  # fmt: skip


def alike(one: Answer, other: Answer) -> bool:
    """Whether two answers to one question say the same, but for whose schedule they show."""
    return all(getattr(one, name) == getattr(other, name) for name in ("finding", "value", "bound", "proved_maximal"))


def check(question: Question, patch: pytest.MonkeyPatch) -> None:
    """The largest value, whether there is a larger one, and the fewest requests: the same where all is searched."""
    with_all: list[Answer] = []
    without: list[Answer] = []
    for answers, plain in ((with_all, lambda model: []), (without, plain_runs)):
        patch.setattr(steps, "plain_runs", plain)
        largest = ask(attrs.evolve(question, minimal=True))
        answers.append(largest)
        if largest.value is not None:
            answers.append(ask(attrs.evolve(question, maximise=False, at_least=largest.value + 1)))
    assert all(alike(one, other) for one, other in zip(with_all, without, strict=True))
    sizes = [answers[0].schedule and len(answers[0].schedule.requests) for answers in (with_all, without)]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("seed", range(8))
def test_no_answer_changes(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    check(drawn(seed), monkeypatch)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 1200))
def test_no_answer_of_many_changes(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    check(drawn(seed), monkeypatch)


def is_plain(question: Question, arrivals: list[list[int]]) -> bool:
    """Whether a run is among those that are searched."""
    with symbolic():
        model = step_model(question)
        given = [
            term == n for row, ns in zip(model.arrivals, arrivals, strict=True) for term, n in zip(row, ns, strict=True)
        ]
        solver = z3.SimpleSolver()
        solver.add(*model.constraints, *plain_runs(model), *given)
        return bool(solver.check() == z3.sat)


def joins_in_order(question: Question, rows: Rows, seen: StepRun) -> bool:
    """Whether, of two queues in no list between which nobody is named, the second joins only with the first."""
    for state, row in zip(seen.states, rows, strict=False):
        lists: Any = state.policy
        listed = getattr(lists, "active", None) or tuple(a or b for a, b in zip(lists.new, lists.old, strict=True))
        for one, other in combinations(range(question.tenants), 2):
            between = question.victim in range(one, other + 1)
            if row[other] and not (row[one] or listed[one] or listed[other] or between):
                return False
    return True


@pytest.mark.parametrize("policy", LISTS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_whatever_the_victim_sees_it_sees_in_a_plain_run(policy: str, shape: tuple[int, int, int, bool]) -> None:
    """All runs of none or one arrival: each has a like among the plain ones, of as few requests."""
    queues, count, victim, same_step = shape
    question = Question(Asked.BLOCKED, policy, queues, steps=count, victim=victim, same_step=same_step)
    fewest: dict[Any, int] = {}
    plain: dict[Any, int] = {}
    for numbers in product((0, 1), repeat=queues * count):
        rows = tuple(numbers[at : at + queues] for at in range(0, len(numbers), queues))
        seen = run_question(question, rows, lambda step, part: part)
        trace = tuple((row[victim], served[victim]) for row, served in zip(rows, seen.served, strict=True))
        fewest[trace] = min(fewest.get(trace, 99), sum(numbers))
        if joins_in_order(question, rows, seen):
            plain[trace] = min(plain.get(trace, 99), sum(numbers))
    assert plain == fewest


def test_what_is_asked_of_the_solver_is_that_order() -> None:
    pick = random.Random(7)
    for _ in range(30):
        question = Question(Asked.BLOCKED, pick.choice(LISTS), 4, steps=3, victim=pick.randrange(4))
        rows = tuple(tuple(pick.randrange(2) for _ in range(4)) for _ in range(3))
        seen = run_question(question, rows, lambda step, part: part)
        assert is_plain(question, [list(row) for row in rows]) == joins_in_order(question, rows, seen)


@pytest.mark.parametrize("policy", LISTS)
def test_the_first_of_those_outside_the_lists_joins(policy: str) -> None:
    """Queues 0 and 1 are alike, and so are 3 and 4; 2 is the victim, and stands between them."""
    question = Question(Asked.BLOCKED, policy, 5, steps=2, victim=2, at_least=Fraction(1))
    nothing = [0] * 5
    assert is_plain(question, [[1, 0, 1, 1, 0], nothing])
    assert is_plain(question, [[1, 1, 0, 0, 0], nothing])
    assert is_plain(question, [[0, 0, 1, 1, 0], [0, 0, 0, 0, 1]]), "3 is in a list by then"
    assert not is_plain(question, [[0, 1, 1, 1, 0], nothing])
    assert not is_plain(question, [[1, 0, 1, 0, 2], nothing])
    named = attrs.evolve(question, assume=(parse_expression("aenq(1, t) <= 1", 5, 2),))
    assert is_plain(named, [[0, 1, 1, 1, 0], nothing])


def test_buckets_of_others_are_silent() -> None:
    question = Question(Asked.WAIT, "token", 3, steps=2, at_least=Fraction(1), parameters=BUCKET)
    assert is_plain(question, [[4, 0, 0], [0, 0, 0]])
    assert not is_plain(question, [[4, 0, 1], [0, 0, 0]])
    assert is_plain(attrs.evolve(question, victim=2), [[0, 0, 4], [0, 0, 0]])


def test_who_is_searched_in_full() -> None:
    """Loops, policies that know their queues by number, and policies of one's own, whatever their name."""
    questions: list[Any] = [
        Question(Asked.STARVATION, "drr", 3, steps=3),
        Question(Asked.BLOCKED, "round-robin", 3, steps=3, maximise=True),
        Question(Asked.BLOCKED, "vtc", 3, steps=3, maximise=True),
        Question(Asked.BLOCKED, attrs.evolve(ARBITERS["round-robin"], name="drr"), 3, steps=3, maximise=True),
    ]
    for question in questions:
        with symbolic():
            assert plain_runs(step_model(question)) == []
