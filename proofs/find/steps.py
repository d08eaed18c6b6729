"""The engine for discrete steps: queues are counters, so that neither their depth nor what waits in them costs time."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.model.arbiters import ARBITERS
from headgate.model.replay import Replay, replay
from headgate.model.steps import needs_no_tags, requests_of, view
from headgate.proofs.find.asking import Clock, NoReplayError, OutOfTimeError
from headgate.proofs.find.question import DEFAULT_COUNTS, Answer, Asked, Finding, Progress, Question
from headgate.proofs.find.step_ceilings import ceiling_of
from headgate.proofs.find.step_model import (
    BUCKET,
    TOKEN,
    StepModel,
    policy_of,
    run_question,
    shows_at_least,
    step_model,
    steps_of,
)
from headgate.proofs.find.step_symmetry import plain_runs
from headgate.proofs.symbolic import decide, lift, symbolic
from headgate.proofs.symbolic import value as constant
from headgate.spec.vocabulary import Schedule

__all__ = ["NAME", "Search", "find", "refuses", "schedule_of"]

NAME = "steps"
WHY = "queues are counters, so that their depth costs nothing"
MOST_STEPS = 1000
FOR_EVER_MS = 2**32 - 1  # what the solver takes for no limit
LONGEST_WORD = 200  # of an expression, as a schedule's file can hold it
# The clause that a schedule of a policy is filed under.
CLAUSES = {
    "priority": "AR-4", "round-robin": "AR-5", "drr": "AR-6", "vtc": "VT-3", "vtc-no-lift": "VT-4",
    "fq-codel": "FC-3", "fq-codel-rejoins": "FC-4",
    TOKEN: "TB-2",
}  # fmt: skip
UNITS = {
    Asked.SERVICE: "requests",
    Asked.BLOCKED: "steps",
    Asked.WAIT: "steps",
    Asked.CONDITION: "times",
    Asked.STARVATION: "loops",
}


def refuses(question: Question) -> str:
    """Return why this engine cannot answer the question; "" where it can."""
    if question.asked not in UNITS:
        return f"asked: expected one of {', '.join(a.value for a in UNITS)} for steps, got {question.asked.value}"
    if isinstance(question.policy, str) and question.policy not in (*ARBITERS, TOKEN):
        return f"policy: expected a policy ({', '.join(ARBITERS)}) or {TOKEN}, got {question.policy[:60]!r}"
    policy = policy_of(question)
    if policy is None:
        return _refuses_bucket(question) or _refuses_goal(question)
    if not needs_no_tags(policy):
        known = ", ".join(name for name, policy in ARBITERS.items() if needs_no_tags(policy))
        return f"policy: expected one that needs no tags ({known}) for steps, got {question.policy_name}"
    if not 1 <= steps_of(question) <= MOST_STEPS:
        return f"steps: expected 1 to {MOST_STEPS}, got {question.steps}"
    if any(weight != 1 for weight in question.all_weights):
        return "weights: expected all 1, since a step serves one request"
    if question.victim is not None and not 0 <= question.victim < question.tenants:
        return f"victim: expected one of {question.tenants} queues, got {question.victim}"
    return _refuses_goal(question)


def _refuses_bucket(question: Question) -> str:
    if question.asked is Asked.STARVATION:
        return f"asked: expected another question than starvation of the policy {TOKEN}, which serves who waits"
    for key in BUCKET:
        number = question.parameters.get(key)
        if number is None or number != int(number) or not 0 <= number < 10**9:
            return f"parameters: expected {', '.join(BUCKET)}, each a whole number of requests, got {key} = {number}"
    return ""


def _refuses_goal(question: Question) -> str:
    wanted = question.at_least is not None or question.maximise
    if question.asked in (Asked.SERVICE, Asked.BLOCKED, Asked.WAIT) and not wanted:
        return f"at_least: expected a number, or to maximise, for {question.asked.value}"
    if question.asked is Asked.SERVICE and question.victim is None:
        return "victim: expected the queue whose services are counted"
    if question.asked is Asked.CONDITION and question.shows is None:
        return "shows: expected an expression"
    for expression in (*question.assume, *([question.shows] if question.shows is not None else [])):
        if (expression.queues, expression.steps) != (question.tenants, steps_of(question)):
            return f"assume: expected an expression on {question.tenants} queues and {steps_of(question)} steps"
        if len(expression.text) > LONGEST_WORD:
            return f"assume: expected expressions of at most {LONGEST_WORD} characters; give several"
    return ""


class Search:
    """A solver that holds the runs of a question, and the schedules that it gives."""

    def __init__(self, model: StepModel, clock: Clock, plain: Sequence[Any] = ()) -> None:
        """Pose the question; `plain` leaves out runs that are like others (`headgate.proofs.find.step_symmetry`)."""
        self.model, self.clock = model, clock
        # An interrupt that came after the last answer of an earlier question is pending: an empty question takes it.
        z3.SimpleSolver().check()
        self.solver = z3.SimpleSolver()
        self.solver.set("random_seed", model.question.seed)
        self.solver.set("ctrl_c", False)
        self.solver.add(*model.constraints, *plain)

    def arrivals(self, *more: Any, at_most_ms: int | None = None) -> list[list[int]] | None:
        """Return arrivals for which `more` holds as well, None if there are none; OutOfTimeError without an answer."""
        self.clock.check()
        limits = [ms for ms in (self.clock.left_ms(), at_most_ms) if ms is not None]
        self.solver.set("timeout", min(limits, default=FOR_EVER_MS))
        self.solver.push()
        self.solver.add(*more)
        answer = self.solver.check()
        found = self.solver.model() if answer == z3.sat else None
        self.solver.pop()
        if answer == z3.unknown:
            raise OutOfTimeError
        if found is None:
            return None
        return [[int(decide(found, n)) for n in row] for row in self.model.arrivals]

    def fewest(self, arrivals: list[list[int]], *more: Any) -> list[list[int]]:
        """Return arrivals of the fewest requests, given some."""
        return self.smallest([n for row in self.model.arrivals for n in row], arrivals, *more)

    def smallest(
        self, terms: Sequence[Any], arrivals: list[list[int]], *more: Any, each_ms: int | None = None
    ) -> list[list[int]]:
        """Return arrivals with the smallest sum of `terms`, which are theirs; given some.

        With `each_ms` a try that takes longer counts as failed, so that the sum is only small.
        """
        total = z3.Sum(*terms)
        low, high = 0, self._sum(terms, arrivals)
        while low < high:
            middle = (low + high) // 2
            try:
                fewer = self.arrivals(*more, total <= middle, at_most_ms=each_ms)
            except OutOfTimeError:
                if each_ms is None or self.clock.is_up:
                    raise
                fewer = None
            if fewer is None:
                low = middle + 1
            else:
                arrivals, high = fewer, self._sum(terms, fewer)
        return arrivals

    def _sum(self, terms: Sequence[Any], arrivals: list[list[int]]) -> int:
        names = [n for row in self.model.arrivals for n in row]
        numbers = [z3.IntVal(n) for row in arrivals for n in row]
        given = list(zip(names, numbers, strict=True))
        return int(constant(z3.substitute(z3.Sum(*terms), *given)))


def find(question: Question, clock: Clock, tell: Progress) -> Answer:
    """Answer the question; out of time, with what is established by then."""
    settled = _settled(question)
    if settled is not None:
        return settled
    with symbolic():
        model = step_model(question, clock.check)
        search = Search(model, clock, plain_runs(model))
        if question.asked is Asked.STARVATION:
            return _lasso(model, search)
        if question.asked is Asked.CONDITION:
            return _one(model, search, 1)
        return _most(model, search, tell) if question.maximise else _one(model, search, _least(question))


def _settled(question: Question) -> Answer | None:
    """Return the answer that a theorem gives for every number of steps, if one does."""
    ceiling = ceiling_of(question)
    if ceiling is None or question.maximise:
        return None
    most = ceiling.blocked(question.tenants)
    if question.asked is Asked.BLOCKED and _least(question) <= most:
        return None
    why = f"theorem {ceiling.theorem} answers for every number of steps, so that nothing was searched"
    certain = f"no queue that waits is blocked for more than {most} steps in a row, however many there are"
    return Answer(question, Finding.IMPOSSIBLE, "theorem", why, None, Fraction(most), "steps",
                  theorem=ceiling.theorem, established=(certain,))  # fmt: skip


def _least(question: Question) -> int:
    """Return the least whole number that is enough."""
    assert question.at_least is not None
    return -int(-question.at_least // 1)


def _one(model: StepModel, search: Search, value: int) -> Answer:
    wanted = shows_at_least(model, value)
    arrivals = search.arrivals(wanted)
    if arrivals is None:
        return _impossible(model, value)
    if model.question.minimal:
        arrivals = search.fewest(arrivals, wanted)
    return _found(model, arrivals, value)


def _impossible(model: StepModel, value: int) -> Answer:
    question, unit = model.question, UNITS[model.question.asked]
    scope = f"every schedule of {len(model.arrivals)} steps and {question.tenants} queues was searched"
    return Answer(question, Finding.IMPOSSIBLE, NAME, WHY, None, Fraction(value - 1), unit, established=(scope,))


def _most(model: StepModel, search: Search, tell: Progress) -> Answer:
    """Bring the largest value that is shown and the smallest that is refuted together; by then it is proved."""
    unit, steps = UNITS[model.question.asked], len(model.arrivals)
    # A service is of one request, but for buckets.
    top = steps * (model.question.arrivals or DEFAULT_COUNTS).most if model.policy is None else steps
    ceiling = ceiling_of(model.question)
    best: Answer | None = None
    low, high = -1, top if ceiling is None else min(top, ceiling.blocked(model.question.tenants))  # shown; not refuted
    try:
        while low < high:
            middle = low + 1 if low < 0 else (low + high + 1) // 2
            wanted = shows_at_least(model, middle)
            arrivals = search.arrivals(wanted)
            if arrivals is None:
                high = middle - 1
                tell(f"at most {high} {unit}")
            else:
                if model.question.minimal:
                    arrivals = search.fewest(arrivals, wanted)
                best = _found(model, arrivals, middle)
                assert best.value is not None
                low = int(best.value)
                tell(f"at least {low} {unit}")
    except OutOfTimeError:
        if best is None:
            raise
        certain = (f"at least {low} {unit}", f"at most {high} {unit}")
        return attrs.evolve(best, bound=Fraction(high), established=certain)
    if best is None:
        return _impossible(model, 0)
    by_theorem = ceiling is not None and low == ceiling.blocked(model.question.tenants)
    proved = f"no schedule of {'any number of' if by_theorem else steps} steps shows more than {low} {unit}"
    theorem = ceiling.theorem if ceiling is not None and by_theorem else ""
    return attrs.evolve(best, bound=best.value, proved_maximal=True, theorem=theorem, established=(proved,))


def _lasso(model: StepModel, search: Search) -> Answer:
    """Look for the shortest schedule that ends in the state that it was in before, its queue blocked since then.

    Assumptions speak of all steps, so with them only a schedule of all of them will do.
    """
    count = len(model.arrivals)
    for end in [count] if model.question.assume else range(1, count + 1):
        closes = z3.Or(*_closing(model, end))
        arrivals = search.arrivals(closes)
        if arrivals is not None:
            if model.question.minimal:
                arrivals = search.fewest(arrivals, closes, *_nothing_after(model, end))
            queue, begin = _loop(model, arrivals[:end])
            return _found(model, arrivals[:end], 1, {"tenant": queue, "loop": end - begin})
    scope = f"no schedule of {count} steps or fewer comes back to its state with the queue blocked all the while"
    return Answer(model.question, Finding.IMPOSSIBLE, NAME, WHY, unit="loops", established=(scope,))


def _closing(model: StepModel, end: int) -> Iterator[Any]:
    """Yield the condition of every loop that ends before step `end`."""
    views = [view(state) for state in model.run.states[: end + 1]]
    for begin in range(end):
        returns = [lift(a) == lift(b) for a, b in zip(views[begin], views[end], strict=True)]
        blocked = [[lift(model.run.blocked[t][queue]) for t in range(begin, end)] for queue in model.queues()]
        yield z3.And(*returns, z3.Or(*(z3.And(*steps) for steps in blocked)))


def _loop(model: StepModel, arrivals: list[list[int]]) -> tuple[int, int]:
    """Return the queue that is blocked in the shortest loop at the end of these arrivals, and where it begins."""
    question = model.question
    run = run_question(question, arrivals, lambda step, part: part)
    blocked = [False] * question.tenants
    for begin in reversed(range(len(arrivals))):
        row = run.blocked[begin]
        blocked = [now and (before or begin == len(arrivals) - 1) for now, before in zip(row, blocked, strict=True)]
        if view(run.states[begin]) == view(run.states[-1]) and any(blocked[queue] for queue in model.queues()):
            return next(queue for queue in model.queues() if blocked[queue]), begin
    raise NoReplayError("the loop found does not come back to its state")


def _nothing_after(model: StepModel, end: int) -> Iterator[Any]:
    span = model.question.arrivals or DEFAULT_COUNTS
    return (n == span.least for row in model.arrivals[end:] for n in row)


def _found(model: StepModel, arrivals: list[list[int]], value: int, more: dict[str, int] | None = None) -> Answer:
    """Return the answer of these arrivals, as the exact model runs them; NoReplayError where it shows less."""
    schedule = schedule_of(model, arrivals, value, more)
    shown: Replay = replay(schedule, model.policy)
    if not shown.violated:
        raise NoReplayError(f"the schedule found does not replay: {shown.finding}")
    unit = UNITS[model.question.asked]
    return Answer(model.question, Finding.FOUND, NAME, WHY, shown.observed, None, unit, schedule=schedule, replay=shown)


_STATEMENTS: dict[Asked, Callable[[Question, int], str]] = {
    Asked.SERVICE: lambda q, value: f"Queue {q.victim} is served {value} times.",
    Asked.BLOCKED: lambda q, value: f"A queue waits and is not served for {value} steps in a row.",
    Asked.WAIT: lambda q, value: f"A request waits {value} steps.",
    Asked.CONDITION: lambda q, value: f"It holds that {q.shows.text}.",
    Asked.STARVATION: lambda q, value: "A queue waits for ever.",
}


def schedule_of(
    model: StepModel, arrivals: list[list[int]], value: int, more: dict[str, int] | None = None
) -> Schedule:
    """Return the schedule of these arrivals, which shows `value`; `more` are parameters of its claim."""
    question = model.question
    parameters: dict[str, Any] = {
        "weights": (1,) * question.tenants,
        "peak": 1,
        "steps": len(arrivals),
        "same_step": int(question.same_step),
        "priorities": question.all_priorities,
    }
    if question.victim is not None:
        parameters["tenant"] = question.victim
    if question.asked in (Asked.SERVICE, Asked.BLOCKED, Asked.WAIT):
        parameters["at_least"] = value
    if question.assume:
        parameters["assume"] = tuple(expression.text for expression in question.assume)
    if question.asked is Asked.CONDITION:
        parameters["shows"] = (question.shows.text,)
    if model.policy is None:
        parameters |= {key: question.parameters[key] for key in BUCKET}
    name = question.policy_name
    return Schedule(
        CLAUSES.get(name, "AR-1"), _STATEMENTS[question.asked](question, value), "steps", name, question.asked.value,
        parameters | (more or {}), requests_of(arrivals, question.same_step), f"{question.asked.value}-{name}",
    )  # fmt: skip
