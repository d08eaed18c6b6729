"""Claims on discrete steps: how often a queue is served, how long it is blocked, what an expression says, a loop.

Added to the claims of `headgate.model.replay`. A step is a ns on the event simulator (`headgate.model.steps`): what
arrives at t + 1 ns belongs to step t (`same_step` 1: at t), what starts at t is served in step t; only the first
`steps` steps count. `weights` and `peak` are 1, requests are of one byte. `assume` are expressions that must hold of
the run, `tenant` is the queue in question, and `at_least` takes the place of a bound. Under the rule "token" each queue
goes through a bucket of its own, with `rate`, `depth` and `level` in requests, and is offered to it one by one.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import groupby

import attrs

from headgate.model.algebra import all_
from headgate.model.bounds import fq_codel_turns
from headgate.model.conditions import History, history, holds
from headgate.model.replay.form import Lane, Mark, Replay, ReplayError
from headgate.model.replay.given import Given, Runner
from headgate.model.replay.serving import serve, service_lanes
from headgate.model.step_gate import StepBucket, offered_steps
from headgate.model.steps import needs_no_tags, requests_of, run_steps, step_tenants, view
from headgate.spec.errors import InputError
from headgate.spec.expressions import Expression, parse_expression
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import Execution

__all__ = ["CLAIMS"]

MOST_STEPS = 10_000
# A loop is run so many times on the event simulator; that its state comes back is checked beside.
LOOPS = 3


@attrs.frozen
class _Steps:
    """A schedule as steps: who arrived, who was served, and the run on the event simulator (None: of buckets)."""

    given: Given
    queues: int
    same_step: bool
    seen: History
    execution: Execution | None

    @property
    def steps(self) -> int:
        return len(self.seen.aenq)

    @property
    def lanes(self) -> list[Lane]:
        if self.execution is not None:
            return [self._within(lane) for lane in service_lanes(self.execution, self.queues)]
        return [self._lane(queue) for queue in range(self.queues)]

    def _within(self, lane: Lane) -> Lane:
        """Return the lane without what is served when the steps are over: of a loop it would never be."""
        return Lane(lane.label, tuple(m for m in lane.marks if m.kind != "service" or m.begin_ns < self.steps))

    def _lane(self, queue: int) -> Lane:
        later, marks = 0 if self.same_step else 1, []
        for step in range(self.steps):
            come, gone = self.seen.aenq[step][queue], self.seen.deq[step][queue]
            marks += [Mark(Fraction(step + later), Fraction(step + later), "arrival", "1 B")] * int(come)
            if gone:
                marks.append(Mark(Fraction(step), Fraction(step + 1), "service", f"{gone} B"))
        return Lane(f"tenant {queue}", tuple(marks))

    def waits(self, queue: int, step: int) -> bool:
        """Whether something of `queue` waits as step `step` chooses."""
        come = self.seen.cenq[step][queue] - (0 if self.same_step else self.seen.aenq[step][queue])
        return bool(come > self.seen.cdeq[step][queue] - self.seen.deq[step][queue])

    def blocked(self, queue: int, step: int) -> bool:
        """Whether something of `queue` waits, and nothing of it is served."""
        return self.waits(queue, step) and self.seen.deq[step][queue] == 0

    def span(self, begin: int, end: int, text: str) -> Lane:
        """Return a violation from the beginning of step `begin` to that of step `end`."""
        return Lane("violation", (Mark(Fraction(begin), Fraction(end), "violation", text),))


def _read(given: Given, repeated: int = 0) -> _Steps:
    """Run the schedule; with `repeated`, what arrives in the last so many steps comes LOOPS times."""
    weights = given.numbers("weights")
    if any(weight != 1 for weight in weights) or given.positive("peak") != 1:
        raise ReplayError("parameters.weights: expected weights and a peak of 1, since a step serves one request")
    same_step = given.whole_within("same_step", least=0, most=1, default=0) == 1
    rows = _rows(given, len(weights), same_step)
    rows += rows[len(rows) - repeated :] * (LOOPS - 1) if repeated else []
    if given.rule == "token":
        gone = offered_steps(_bucket(given), rows, same_step)
        return _Steps(given, len(weights), same_step, history(rows, gone), None)
    given.requests = requests_of(rows, same_step)
    execution = serve(given, weights)
    served = [[0] * len(weights) for _ in rows]
    for service in execution.services:
        if service.start_ns < len(rows):
            served[int(service.start_ns)][service.request.tenant] += 1
    return _Steps(given, len(weights), same_step, history(rows, served), execution)


def _rows(given: Given, queues: int, same_step: bool) -> list[list[int]]:
    """Return the arrivals per step and queue."""
    steps = given.whole_within("steps", least=1, most=MOST_STEPS)
    rows = [[0] * queues for _ in range(steps)]
    for number, request in enumerate(given.requests):
        step = request.arrival_ns - (0 if same_step else 1)
        if request.bytes != 1 or request.tenant >= queues or not 0 <= step < steps:
            words = f"one byte, in one of {steps} steps, of one of {queues} tenants"
            raise ReplayError(f"requests[{number}]: expected {words}")
        rows[step][request.tenant] += 1
    return rows


def _bucket(given: Given) -> StepBucket:
    return StepBucket(*(given.whole_within(key, least=0, most=10**9) for key in ("rate", "depth", "level")))


def _expressions(given: Given, key: str, queues: int, steps: int) -> list[Expression]:
    try:
        return [parse_expression(text, queues, steps, f"parameters.{key}") for text in given.words(key)]
    except InputError as error:
        raise ReplayError(str(error)) from error


Observed = tuple[int, Fraction, str, Lane | None]


def _claim(observe: Callable[[_Steps], Observed], unit: str) -> Callable[[Given], Replay]:
    """Return the claim that what `observe` measures is beyond its bound; it returns (number, bound, finding, lane)."""

    def run(given: Given) -> Replay:
        steps = _read(given)
        observed, usual, finding, lane = observe(steps)
        violated, bound = given.judge(Fraction(observed), usual)
        if unit != "times":  # a condition holds or does not
            finding += f"; {given.asked_for()} {exact_text(bound)}"
        broken = _broken(steps, steps.steps)
        lanes = steps.lanes + ([lane] if violated and lane is not None and not broken else [])
        return Replay(violated and not broken, Fraction(observed), bound, unit, broken or finding, tuple(lanes),
                      steps.execution, "steps")  # fmt: skip

    return run


def _broken(steps: _Steps, count: int) -> str:
    """Return which assumption the first `count` steps of the run break; "" where they keep all."""
    seen = History(*(table[:count] for table in attrs.astuple(steps.seen, recurse=False)))
    for expression in _expressions(steps.given, "assume", steps.queues, count):
        if not holds(expression, seen):
            return f"the run breaks the assumption {expression.text}"
    return ""


def _queues(steps: _Steps) -> list[int]:
    """Return the queue in question, or all where none is."""
    tenant = steps.given.tenant("tenant", steps.queues)
    return list(range(steps.queues)) if tenant is None else [tenant]


def _only(steps: _Steps) -> int:
    tenant = steps.given.tenant("tenant", steps.queues)
    if tenant is None:
        raise ReplayError(f"parameters.tenant: expected one of the {steps.queues} tenants, got none")
    return tenant


def _service(steps: _Steps) -> Observed:
    """Claim "service": the queue is served at least so many times."""
    queue = _only(steps)
    times = int(steps.seen.cdeq[-1][queue])
    finding = f"queue {queue} is served {times} times in {steps.steps} steps"
    return times, Fraction(steps.steps), finding, steps.span(0, steps.steps, "service")


def _spells(flags: list[bool]) -> Iterator[tuple[int, int]]:
    """Yield (length, first step) of every run of true flags, and (0, 0)."""
    yield 0, 0
    for flag, group in groupby(enumerate(flags), key=lambda pair: pair[1]):
        places = [place for place, _ in group]
        if flag:
            yield len(places), places[0]


def _blocked(steps: _Steps) -> Observed:
    """Claim "blocked": the queue waits and is not served for so many steps in a row (more than N - 1)."""
    found = [(spell, queue) for queue in _queues(steps)
             for spell in _spells([steps.blocked(queue, t) for t in range(steps.steps)])]  # fmt: skip
    (length, first), queue = max(found, key=lambda pair: pair[0][0])
    finding = f"queue {queue} waits and is not served for {length} steps in a row, from step {first}"
    return length, Fraction(steps.queues - 1), finding, steps.span(first, first + length, "blocked")


def _wait(steps: _Steps) -> Observed:
    """Claim "wait": a request of the queue (of any, if none is given) is passed over in so many steps."""
    waited, since, queue = max((_longest_wait(steps, queue) for queue in _queues(steps)), key=lambda each: each[0])
    finding = f"a request of queue {queue} waits {waited} steps, from step {since}"
    return waited, Fraction(steps.steps), finding, steps.span(since, since + waited, "waits")


def _longest_wait(steps: _Steps, queue: int) -> tuple[int, int, int]:
    """Return (steps, the first of them, queue) of the request of `queue` that waits longest."""
    longest, gone = (0, 0, queue), 0
    for step in range(steps.steps):
        begin = step if steps.same_step else step + 1
        # The last that came in this step goes in the first step by whose end as many are gone as had come.
        gone = max(gone, step)
        while gone < steps.steps and steps.seen.cdeq[gone][queue] < steps.seen.cenq[step][queue]:
            gone += 1
        if steps.seen.aenq[step][queue] and gone - begin > longest[0]:
            longest = (gone - begin, begin, queue)
    return longest


def _turns(steps: _Steps) -> Observed:
    """Claim "turns": while the queue waits and is not served, one other is served so many times (more than 2)."""
    queue, most, since, begun = _only(steps), (0, 0, 0, 0), 0, [0] * steps.queues
    for step in range(steps.steps):
        if not steps.blocked(queue, step):
            begun, since = [0] * steps.queues, step + 1
            continue
        begun = [times + int(steps.seen.deq[step][other]) for other, times in enumerate(begun)]
        most = max(most, *((times, other, since, step + 1) for other, times in enumerate(begun)))
    times, other, first, last = most
    finding = f"queue {other} is served {times} times while queue {queue} waits, from step {first}"
    return times, Fraction(fq_codel_turns()), finding, steps.span(first, last, "turns")


def _condition(steps: _Steps) -> Observed:
    """Claim "condition": what `shows` says holds of the run."""
    shown = _expressions(steps.given, "shows", steps.queues, steps.steps)
    holding = all_(*(holds(expression, steps.seen) for expression in shown))
    finding = f"it {'holds' if holding else 'does not hold'} that " + " and ".join(e.text for e in shown)
    return int(holding), Fraction(0), finding, steps.span(0, steps.steps, "holds")


def _starvation(given: Given) -> Replay:
    """Claim "starvation": the last `loop` steps come again and again, and the queue waits for ever.

    The state after the loop is that before it, in all that the policy's choices depend on, so what happens in it does.
    """
    length = given.whole_within("loop", least=1, most=MOST_STEPS)
    first = given.whole_within("steps", least=length, most=MOST_STEPS) - length
    policy = given.arbiter()
    if not needs_no_tags(policy):
        raise ReplayError(f"rule: expected a policy whose queues can be counts, got {policy.name}")
    steps = _read(given, length)
    queue, looping = _only(steps), range(first, steps.steps)
    run = run_steps(policy, step_tenants(steps.queues, given.priorities(steps.queues)), steps.seen.aenq,
                    steps.same_step)  # fmt: skip
    returns = view(run.states[first]) == view(run.states[first + length])
    waits = all(steps.blocked(queue, step) for step in looping)
    finding = (
        f"from step {first} on, {length} steps repeat for ever, and queue {queue} waits in all of them"
        if returns and waits
        else f"queue {queue} is served in the loop"
        if returns
        else "the state after the loop is another than before it"
    )
    lanes = steps.lanes + ([steps.span(first, steps.steps, "for ever")] if returns and waits else [])
    broken = _broken(steps, first + length)
    observed = Fraction(1 if returns and waits and not broken else 0)
    return Replay(bool(observed), observed, Fraction(0), "loops", broken or finding, tuple(lanes), steps.execution,
                  "steps")  # fmt: skip


CLAIMS: dict[tuple[str, str], Runner] = {
    ("steps", "service"): _claim(_service, "requests"),
    ("steps", "blocked"): _claim(_blocked, "steps"),
    ("steps", "wait"): _claim(_wait, "steps"),
    ("steps", "turns"): _claim(_turns, "requests"),
    ("steps", "condition"): _claim(_condition, "times"),
    ("steps", "starvation"): _starvation,
}
