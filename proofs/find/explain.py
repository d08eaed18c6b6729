"""From one schedule to a class of traffic: a short list of conditions on arrivals that always bring what was found.

The schedule that is found first is made plain: few queues send, few requests, and late. Its arrivals are then written
as bounds on `cenq`, which say all of them exactly. Whatever is not needed goes, and what is needed is weakened as far
as the claim bears it: a smaller number, a later step. Bounds that lie on a line are one condition, and equal ones of
neighbouring queues are. What is printed is read again, and everything is shown of the text that is read: that every
schedule of the class shows the claim (unsatisfiable otherwise), that there is one (it replays on the exact model), and
that without any one of its conditions another schedule comes in that does not show it.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any

import attrs
import z3

from headgate.model.conditions import holds
from headgate.model.replay import Replay, replay
from headgate.proofs.find.asking import Clock, NoReplayError, OutOfTimeError, stopping
from headgate.proofs.find.question import Answer, Asked, Finding, Progress, Question, QuestionError
from headgate.proofs.find.step_model import StepModel, shows_at_least, step_model
from headgate.proofs.find.steps import Search, refuses, schedule_of
from headgate.proofs.symbolic import lift, symbolic
from headgate.spec.expressions import Expression, parse_expression
from headgate.spec.vocabulary import Schedule

__all__ = ["EXPLAINED", "Explanation", "explain", "explain_answer"]

EXPLAINED = (Asked.SERVICE, Asked.BLOCKED, Asked.WAIT, Asked.CONDITION)
# So many bounds on a line make one condition.
LEAST_LINE = 3
# A step of a search for the plainest schedule; what takes longer stays as it was found.
PLAIN_MS = 2000


@attrs.frozen
class Explanation:
    """A class of traffic: every schedule within the question that satisfies `conditions` shows at least `value`.

    Each is text that can be given as an assumption. `schedule` is one of the class, `replay` its exact run.
    """

    question: Question
    value: Fraction
    conditions: tuple[Expression, ...]
    schedule: Schedule
    replay: Replay

    @property
    def text(self) -> str:
        """The conditions as one expression."""
        parts = [expression.text for expression in self.conditions]
        return " and ".join(f"({part})" if " or " in part else part for part in parts)


@attrs.frozen
class _Bound:
    """`cenq(queue, step)` is at least (`most` False) or at most `number`."""

    queue: int
    step: int
    number: int
    most: bool

    def of(self, model: StepModel) -> Any:
        """Return it as a term."""
        come = lift(model.run.seen.cenq[self.step][self.queue])
        return come <= self.number if self.most else come >= self.number


def explain(
    question: Question,
    value: Fraction | None = None,
    clock: Clock | None = None,
    tell: Progress = lambda sentence: None,
) -> Explanation | None:
    """Return a class of traffic that always shows at least `value` (by default what is asked for); None: there is none.

    Raises QuestionError for a question that cannot be explained, OutOfTimeError when the time is up.
    """
    if question.asked not in EXPLAINED:
        known = ", ".join(asked.value for asked in EXPLAINED)
        raise QuestionError(f"asked: expected one of {known} for an explanation, got {question.asked.value}")
    refusal = refuses(question)
    if refusal:
        raise QuestionError(refusal)
    wanted = question.at_least if value is None else value
    if wanted is None and question.asked is not Asked.CONDITION:
        raise QuestionError("at_least: expected a number for an explanation")
    least = -int(-wanted // 1) if wanted is not None else 1
    with symbolic():
        return _Explainer(question, least, clock or Clock(None), tell).explanation()


def explain_answer(
    answer: Answer, tell: Progress = lambda sentence: None, began: float | None = None
) -> Explanation | None:
    """Explain what was found, in what is left of the question's time; None where nothing was, or time ran out.

    That counts from `began`, by `time.monotonic`; None: now is the end of the time that the answer took.
    """
    question = answer.question
    if answer.finding is not Finding.FOUND:
        return None
    clock = Clock(question.limit_seconds, time.monotonic() - answer.seconds if began is None else began)
    try:
        with stopping(clock):
            return explain(question, answer.value if question.maximise else None, clock, tell)
    except OutOfTimeError:
        return None


class _Explainer:
    def __init__(self, question: Question, least: int, clock: Clock, tell: Progress) -> None:
        self.question, self.least, self.clock, self.tell = question, least, clock, tell
        self.model = step_model(question, clock.check)
        self.claim = shows_at_least(self.model, least)
        self.refuting = z3.SimpleSolver()
        self.refuting.set("random_seed", question.seed)
        self.refuting.set("ctrl_c", False)
        self.refuting.add(*self.model.constraints, z3.Not(self.claim))
        self.literals: dict[_Bound, str] = {}

    def explanation(self) -> Explanation | None:
        search = Search(self.model, self.clock)
        arrivals = search.arrivals(self.claim)
        if arrivals is None:
            return None
        arrivals = self._plain(search, arrivals)
        self.tell(f"a schedule of {sum(map(sum, arrivals))} requests")
        bounds = self._needed(_bounds(arrivals, self.question))
        bounds = self._needed(self._weakened(bounds))
        self.tell(f"{len(bounds)} bounds on arrivals are enough")
        texts = list(_rendered(bounds, len(arrivals)))
        return self._checked(texts, arrivals)

    # ---- a plain schedule ----

    def _plain(self, search: Search, arrivals: list[list[int]]) -> list[list[int]]:
        """Return a schedule in which few queues send, the first ones rather than the last, little, and late."""
        silent: list[Any] = [self.claim]
        for queue in reversed(range(self.question.tenants)):
            quiet = lift(self.model.run.seen.cenq[-1][queue] <= self._least_of_span() * len(arrivals))
            fewer = search.arrivals(*silent, quiet)
            if fewer is not None:
                silent, arrivals = [*silent, quiet], fewer
        sent = [n for row in self.model.arrivals for n in row]
        arrivals = search.smallest(sent, arrivals, *silent, each_ms=PLAIN_MS)
        few = z3.Sum(*sent) <= sum(map(sum, arrivals))
        come = [lift(n) for row in self.model.run.seen.cenq for n in row]
        return search.smallest(come, arrivals, *silent, few, each_ms=PLAIN_MS)

    def _least_of_span(self) -> int:
        return self.question.arrivals.least if self.question.arrivals is not None else 0

    # ---- bounds ----

    def _enough(self, bounds: Iterable[_Bound]) -> list[_Bound] | None:
        """Return those of `bounds` from which the claim was seen to follow; None: it does not follow from all."""
        given = {self._literal(bound): bound for bound in bounds}
        literals = [z3.Bool(name) for name in given]
        self.clock.check()
        left = self.clock.left_ms()
        if left is not None:
            self.refuting.set("timeout", left)
        answer = self.refuting.check(*literals)
        if answer == z3.unknown:
            raise OutOfTimeError
        return None if answer == z3.sat else [given[str(literal)] for literal in self.refuting.unsat_core()]

    def _literal(self, bound: _Bound) -> str:
        """Return the name of a literal that stands for `bound`."""
        if bound not in self.literals:
            self.literals[bound] = f"bound{len(self.literals)}"
            self.refuting.add(z3.Implies(z3.Bool(self.literals[bound]), bound.of(self.model)))
        return self.literals[bound]

    def _needed(self, bounds: Sequence[_Bound]) -> list[_Bound]:
        """Return a part of `bounds` that is enough, and of which nothing can go."""
        kept = self._enough(bounds)
        if kept is None:
            raise NoReplayError("the arrivals of a schedule do not show what the schedule shows")
        for group in _groups(kept):
            fewer = self._enough([bound for bound in kept if bound not in group])
            if fewer is not None:
                kept = [bound for bound in kept if bound in fewer]
        return kept

    def _weakened(self, bounds: list[_Bound]) -> list[_Bound]:
        """Return bounds that are each as weak as they can be with the others, which are weakened in turn."""
        weak = list(bounds)
        for place in range(len(weak)):
            while True:
                rest = [*weak[:place], *weak[place + 1 :]]
                steps = _weaker(weak[place], len(self.model.arrivals), self._most_by(weak[place].step))
                weaker = next((bound for bound in steps if self._enough([*rest, bound]) is not None), None)
                if weaker is None:
                    break
                weak[place] = weaker
        return list(dict.fromkeys(weak))

    def _most_by(self, step: int) -> int:
        span = self.question.arrivals
        return (step + 1) * (span.most if span is not None else 4)

    # ---- the text ----

    def _checked(self, texts: list[str], arrivals: list[list[int]]) -> Explanation:
        """Show of the text, read again, all that is claimed of it; what the shapes have made needless goes."""
        steps = len(arrivals)
        conditions = [parse_expression(text, self.question.tenants, steps) for text in texts]
        terms = {c.text: lift(holds(c, self.model.run.seen)) for c in conditions}
        for condition in list(conditions):
            rest = [other for other in conditions if other is not condition]
            if not self._outside(terms[other.text] for other in rest):
                conditions = rest
        if self._outside(terms[condition.text] for condition in conditions):
            raise NoReplayError("the conditions, as they are written, do not bring what they should")
        schedule = schedule_of(self.model, arrivals, self.least)
        assumed = tuple(condition.text for condition in conditions)
        given = schedule.parameters.get("assume", ())
        assert isinstance(given, tuple)
        schedule = attrs.evolve(schedule, parameters={**schedule.parameters, "assume": (*given, *assumed)})
        shown = replay(schedule, self.model.policy)
        if not shown.violated:
            raise NoReplayError(f"the schedule of the class does not replay: {shown.finding}")
        return Explanation(self.question, Fraction(self.least), tuple(conditions), schedule, shown)

    def _outside(self, terms: Iterable[Any]) -> bool:
        """Whether some schedule satisfies all `terms` and does not show the claim."""
        self.clock.check()
        self.refuting.push()
        self.refuting.add(*terms)
        answer = self.refuting.check()
        self.refuting.pop()
        if answer == z3.unknown:
            raise OutOfTimeError
        return bool(answer == z3.sat)


def _bounds(arrivals: list[list[int]], question: Question) -> list[_Bound]:
    """Return bounds that say these arrivals exactly, those that are least telling first."""
    steps, span = len(arrivals), question.arrivals
    least, most = (span.least, span.most) if span is not None else (0, 4)
    lower, upper = [], []
    for queue in range(question.tenants):
        come = 0
        for step in range(steps):
            now = arrivals[step][queue]
            come += now
            if now > least:
                lower.append(_Bound(queue, step, come, most=False))
            if come < most * (step + 1) and (step + 1 == steps or arrivals[step + 1][queue] > least):
                upper.append(_Bound(queue, step, come, most=True))
    return upper + lower


def _groups(bounds: list[_Bound]) -> Iterator[list[_Bound]]:
    """Yield what to leave out, the most at once first: all upper bounds, those of a queue, each bound from the last."""
    yield [bound for bound in bounds if bound.most]
    for most in (True, False):
        for queue in sorted({bound.queue for bound in bounds}, reverse=True):
            yield [bound for bound in bounds if bound.queue == queue and bound.most is most]
    for bound in sorted(bounds, key=lambda b: (b.most, b.step, b.queue), reverse=True):
        yield [bound]


def _weaker(bound: _Bound, steps: int, most: int) -> Iterator[_Bound]:
    """Yield bounds that are a little weaker: by one, or by one step."""
    if bound.most:
        if bound.number + 1 < most:
            yield attrs.evolve(bound, number=bound.number + 1)
        if bound.step > 0:
            yield attrs.evolve(bound, step=bound.step - 1)
    else:
        if bound.number > 1:
            yield attrs.evolve(bound, number=bound.number - 1)
        if bound.step + 1 < steps:
            yield attrs.evolve(bound, step=bound.step + 1)


# ---- shapes ----


def _rendered(bounds: list[_Bound], steps: int) -> Iterator[str]:
    """Yield the bounds as expressions: lines, then ranges of queues, then one by one."""
    texts: dict[tuple[str, str], list[int]] = {}
    for (queue, most), own in groupby(
        sorted(bounds, key=lambda b: (b.queue, b.most, b.step)), lambda b: (b.queue, b.most)
    ):
        sign = "<=" if most else ">="
        for run in _lines(list(own)):
            before, step, number = _line(run, steps) if len(run) >= LEAST_LINE else _point(run[0])
            texts.setdefault((before, f"{step}) {sign} {number}"), []).append(queue)
    for (before, rest), queues in texts.items():
        for low, high in _neighbours(queues):
            yield f"{before}cenq({low if low == high else f'{low}..{high}'}, {rest}"


def _lines(points: list[_Bound]) -> Iterator[list[_Bound]]:
    """Cut the bounds of one queue, by step, into runs on a line over steps without a hole; others stand alone."""
    while points:
        length = min(2, len(points))
        slope = points[1].number - points[0].number if length == 2 else 0
        while length < len(points) and points[length].number - points[length - 1].number == slope:
            length += 1
        whole = [point.step for point in points[:length]] == list(range(points[0].step, points[0].step + length))
        if length < LEAST_LINE or not whole:
            length = 1
        yield points[:length]
        points = points[length:]


def _line(run: list[_Bound], steps: int) -> tuple[str, str, str]:
    """Return (guard, step, number) of bounds on a line."""
    first, last, slope = run[0].step, run[-1].step, run[1].number - run[0].number
    guards = ([f"t < {first}"] if first > 0 else []) + ([f"t > {last}"] if last < steps - 1 else [])
    offset = run[0].number - slope * first
    product = "t" if slope == 1 else f"{slope} * t"
    number = product if offset == 0 else f"{product} {'+' if offset > 0 else '-'} {abs(offset)}"
    return "".join(f"{guard} or " for guard in guards), "t", number if slope else str(offset)


def _point(bound: _Bound) -> tuple[str, str, str]:
    return "", str(bound.step), str(bound.number)


def _neighbours(queues: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of every run of consecutive numbers."""
    low = high = queues[0]
    for queue in queues[1:]:
        if queue != high + 1:
            yield low, high
            low = queue
        high = queue
    yield low, high
