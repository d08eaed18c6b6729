"""Classes of traffic: every schedule in one shows what was found, none of its conditions can go, and they read back."""

import itertools
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction

import attrs
import pytest

from headgate.model.arbiters import ARBITERS
from headgate.model.conditions import History, holds
from headgate.model.replay import replay
from headgate.model.steps import StepRun, run_steps, step_tenants
from headgate.proofs.find.asking import Clock, OutOfTimeError, ask
from headgate.proofs.find.explain import Explanation, _Bound, _rendered, explain
from headgate.proofs.find.question import Asked, Finding, Question, QuestionError, Span
from headgate.spec.expressions import parse_expression
from headgate.tests.test_find_steps import BUCKET, asked

Rows = list[list[int]]

BLOCKED = asked(Asked.BLOCKED, "priority", 4, 7, victim=2, at_least=Fraction(6))
ROUND_ROBIN = asked(
    Asked.CONDITION, "round-robin", 5, 10, ["cenq(1, 9) > cenq(2, 9)", "cenq(0..4, 4) >= 4", "cenq(0..4, 9) >= 8"],
    shows="cdeq(2, 5..9) - cdeq(1, 5..9) >= 3",
)  # fmt: skip


def explained(question: Question) -> Explanation:
    explanation = explain(question)
    assert explanation is not None
    return explanation


def test_why_strict_priority_blocks() -> None:
    """A better queue with one more request in every step, behind which one waits from the beginning: nothing else."""
    conditions = {condition.text for condition in explained(BLOCKED).conditions}
    assert conditions == {"t > 5 or cenq(0, t) >= t + 1", "cenq(2, 0) >= 1"}


def test_why_round_robin_favours() -> None:
    """All others are late by four steps."""
    conditions = {condition.text for condition in explained(ROUND_ROBIN).conditions}
    assert conditions == {"cenq(0..1, 3) <= 0", "cenq(3..4, 3) <= 0", "t > 3 or cenq(2, t) >= t + 1"}


def test_why_a_bucket_lets_more_than_its_refill_go() -> None:
    shows = "not deq(0, 0..5) <= 3"
    question = asked(Asked.CONDITION, "token", 1, 6, shows=shows, arrivals=Span(0, 10), parameters=BUCKET)
    explanation = explained(question)
    assert 1 <= len(explanation.conditions) <= 3
    denied = asked(Asked.CONDITION, "token", 1, 6, [explanation.text], shows="deq(0, 0..5) <= 3", arrivals=Span(0, 10),
                   parameters=BUCKET)  # fmt: skip
    assert ask(denied).finding is Finding.IMPOSSIBLE


def test_explanations_take_seconds() -> None:
    for question in (BLOCKED, ROUND_ROBIN):
        begun = time.process_time()
        explained(question)
        assert time.process_time() - begun < 10


@pytest.mark.parametrize("question", [BLOCKED, ROUND_ROBIN], ids=["blocked", "round-robin"])
def test_what_is_printed_can_be_assumed(question: Question) -> None:
    """The text reads back as one assumption; under it the claim is found, and its contrary is impossible."""
    text = explained(question).text
    assumed = parse_expression(text, question.tenants, question.steps or 0)
    under = attrs.evolve(question, assume=(*question.assume, assumed))
    assert ask(under).finding is Finding.FOUND
    if question.shows is not None:
        contrary = parse_expression(f"not ({question.shows.text})", question.tenants, question.steps or 0)
        assert ask(attrs.evolve(under, shows=contrary)).finding is Finding.IMPOSSIBLE


BITS = Span(0, 1)
SMALL = {
    "blocked": asked(Asked.BLOCKED, "priority", 2, 5, victim=1, at_least=Fraction(3), arrivals=BITS),
    "at once": asked(Asked.BLOCKED, "priority", 2, 5, victim=1, at_least=Fraction(4), arrivals=BITS, same_step=True),
    "service": asked(Asked.SERVICE, "round-robin", 2, 5, victim=1, at_least=Fraction(3), arrivals=BITS),
    "wait": asked(Asked.WAIT, "round-robin", 2, 5, victim=1, at_least=Fraction(2), arrivals=BITS),
    "assumed": asked(
        Asked.SERVICE, "fq-codel-rejoins", 2, 5, ["cenq(0, t) >= t"], victim=1, at_least=Fraction(2), arrivals=BITS
    ),
    "condition": asked(
        Asked.CONDITION, "fq-codel", 2, 5, shows="cdeq(1, 4) > cdeq(0, 4) and backlog(0, 4) >= 1", arrivals=BITS
    ),
    "sending anyway": asked(Asked.WAIT, "round-robin", 2, 4, victim=1, at_least=Fraction(2), arrivals=Span(1, 2)),
}


def schedules(question: Question) -> Iterator[Rows]:
    """Yield every schedule of a small question."""
    span, steps = question.arrivals or Span(0, 4), question.steps or 0
    cells = range(span.least, span.most + 1)
    for numbers in itertools.product(cells, repeat=question.tenants * steps):
        yield [list(numbers[i : i + question.tenants]) for i in range(0, len(numbers), question.tenants)]


def run_of(question: Question, rows: Rows) -> StepRun:
    tenants = step_tenants(question.tenants, question.all_priorities)
    return run_steps(ARBITERS[question.policy_name], tenants, rows, question.same_step)


def longest(flags: Sequence[bool]) -> int:
    """Return the longest run of true flags."""
    return max(len(part) for part in "".join("x" if flag else " " for flag in flags).split(" "))


def shows(question: Question, rows: Rows, run: StepRun) -> bool:
    """Whether a run shows what is asked for, counted by hand."""
    if question.asked is Asked.CONDITION:
        return holds(question.shows, run.seen) is True
    assert question.at_least is not None
    assert question.victim is not None
    own = question.victim
    if question.asked is Asked.SERVICE:
        return sum(row[own] for row in run.served) >= question.at_least
    if question.asked is Asked.BLOCKED:
        return longest([row[own] for row in run.blocked]) >= question.at_least
    first = 0 if question.same_step else 1
    come = [step + first for step, row in enumerate(rows) for _ in range(row[own])]
    gone = [step for step, row in enumerate(run.served) if row[own]]
    gone += [len(rows)] * (len(come) - len(gone))
    return any(end - begin >= question.at_least for begin, end in zip(come, gone, strict=True))


@pytest.mark.parametrize("name", SMALL)
def test_the_class_is_what_it_is_said_to_be(name: str) -> None:
    """All schedules of the class show it, some are in it, and without a condition some that do not show it come in."""
    question = SMALL[name]
    explanation = explained(question)
    inside, spoilt = 0, [0] * len(explanation.conditions)
    for rows in schedules(question):
        run = run_of(question, rows)
        if not all(holds(assumption, run.seen) for assumption in question.assume):
            continue
        kept = [holds(condition, run.seen) is True for condition in explanation.conditions]
        if all(kept):
            inside += 1
            assert shows(question, rows, run), rows
        elif kept.count(False) == 1 and not shows(question, rows, run):
            spoilt[kept.index(False)] += 1
    assert inside > 0
    assert all(spoilt), explanation.text


def test_the_schedule_of_a_class_replays_under_it() -> None:
    explanation = explained(BLOCKED)
    assert explanation.schedule.parameters["assume"] == tuple(c.text for c in explanation.conditions)
    assert replay(explanation.schedule).violated
    assert explanation.replay.observed >= explanation.value == 6
    # Without its first request the run is out of the class.
    fewer = attrs.evolve(explanation.schedule, requests=explanation.schedule.requests[1:])
    assert not replay(fewer).violated


def test_what_is_impossible_has_no_class() -> None:
    assert explain(attrs.evolve(BLOCKED, at_least=Fraction(7))) is None


def test_what_always_happens_needs_no_condition() -> None:
    """Where every queue sends in every step, one is served in all but the first, whatever else comes."""
    question = asked(Asked.SERVICE, "priority", 2, 4, victim=0, at_least=Fraction(3), arrivals=Span(1, 2))
    explanation = explained(question)
    assert (explanation.conditions, explanation.text) == ((), "")


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (asked(Asked.STARVATION, "priority", 3, 4), "asked: expected one of service"),
        (asked(Asked.BLOCKED, "priority", 3, 4, maximise=True), "at_least: expected a number"),
        (asked(Asked.BLOCKED, "sfq", 3, 4, at_least=Fraction(1)), "policy: expected one that needs no tags"),
    ],
)
def test_refusals(question: Question, words: str) -> None:
    with pytest.raises(QuestionError) as refusal:
        explain(question)
    assert str(refusal.value).startswith(words)


def test_no_time_is_no_explanation() -> None:
    with pytest.raises(OutOfTimeError):
        explain(BLOCKED, clock=Clock(Fraction(0)))


def bounds(queue: int, points: dict[int, int], most: bool = False) -> list[_Bound]:
    return [_Bound(queue, step, number, most) for step, number in points.items()]


def test_shapes() -> None:
    """Lines over steps without a hole, equal bounds of neighbours, and what stands alone."""
    line = bounds(0, {1: 3, 2: 5, 3: 7}) + bounds(1, {1: 3, 2: 5, 3: 7}) + bounds(3, {1: 3, 2: 5, 3: 7})
    assert list(_rendered(line, 5)) == [
        "t < 1 or t > 3 or cenq(0..1, t) >= 2 * t + 1",
        "t < 1 or t > 3 or cenq(3, t) >= 2 * t + 1",
    ]
    assert list(_rendered(bounds(2, {0: 0, 1: 1, 2: 2}, most=True), 3)) == ["cenq(2, t) <= t"]
    assert list(_rendered(bounds(2, {1: 2, 2: 2, 3: 2}), 9)) == ["t < 1 or t > 3 or cenq(2, t) >= 2"]
    assert list(_rendered(bounds(2, {3: 1, 4: 2, 5: 3}), 6)) == ["t < 3 or cenq(2, t) >= t - 2"]
    assert list(_rendered(bounds(2, {0: 1, 2: 2, 4: 3}), 6)) == [
        "cenq(2, 0) >= 1", "cenq(2, 2) >= 2", "cenq(2, 4) >= 3",
    ]  # fmt: skip


@pytest.mark.parametrize("points", [{0: 1, 1: 2, 2: 3, 4: 4, 5: 9}, {1: 4, 2: 4, 3: 5, 4: 6}, {2: 1}])
def test_shapes_say_what_the_bounds_say(points: dict[int, int]) -> None:
    texts = list(_rendered(bounds(0, points), 6))
    for numbers in itertools.product((0, 1, 5), repeat=6):
        rows = [[n] for n in numbers]
        seen = run_steps_seen(rows)
        said = all(holds(parse_expression(text, 1, 6), seen) for text in texts)
        assert said == all(seen.cenq[step][0] >= number for step, number in points.items())


def run_steps_seen(rows: Rows) -> History:
    """Return the history of one queue."""
    return run_of(asked(Asked.BLOCKED, "priority", 1, len(rows)), rows).seen
