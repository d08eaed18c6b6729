"""Discrete steps: queues as counters, a few arrivals a step, one service a step, on the policies' own functions.

Requests are of one byte and one weight, so that a queue is a count and its depth costs nothing. In each step the server
first serves one request of what arrived in earlier steps, then the arrivals of the step join, queue 0 first; with
`same_step` they join before the service. On the event simulator a step is a ns: what arrives in step t is there at
t + 1 (at t with `same_step`), and what is served in step t starts at t.
"""

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from headgate.model.algebra import all_, each, not_, same, where
from headgate.model.arbiters import Arrival, Policy, Stamp, Tenants, drr, fq_codel, vtc
from headgate.model.arbiters.fcfs import plain_stamp
from headgate.model.conditions import History, history
from headgate.spec.links import implements
from headgate.spec.units import Number
from headgate.spec.vocabulary import Request

__all__ = [
    "StepRun",
    "StepState",
    "UntaggedError",
    "needs_no_tags",
    "requests_of",
    "run_steps",
    "step_tenants",
    "view",
]

# The stamps of these are the same for all requests of one byte and weight 1, so a counter can stand for a queue.
_CONSTANT_STAMPS = (plain_stamp, drr.stamp, vtc.stamp, vtc.stamp_without_lift, fq_codel.stamp)


class UntaggedError(TypeError):
    """A policy asked for a tag of a request, or for its place in the order, where a queue is only a count."""


class _Untagged:
    """Stands for what a counter does not know; whoever compares it is refused."""

    def _refuse(self, *_: object) -> Any:
        raise UntaggedError("the policy orders requests by their tags or arrivals, which counts do not have")

    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = __add__ = __radd__ = __sub__ = __rsub__ = _refuse
    __hash__ = None  # type: ignore[assignment]  # what cannot be compared cannot be looked up either


_UNKNOWN: Any = _Untagged()


@attrs.frozen
class StepState:
    """Between two steps: the state of the policy, and how many requests wait in each queue."""

    policy: Any
    backlog: tuple[Number, ...]


@attrs.frozen
class StepRun:
    """A run: the state before each step and after the last one, who was served, who waited and was not.

    `served[t][q]` and `blocked[t][q]` are truth values; `blocked` means that q waited as the server chose another.
    """

    states: tuple[StepState, ...]
    served: tuple[tuple[Any, ...], ...]
    blocked: tuple[tuple[Any, ...], ...]
    seen: History


def step_tenants(count: int, priorities: Sequence[int] = ()) -> Tenants:
    """Return `count` tenants of weight 1 for requests of one byte; without priorities all are equal."""
    given = tuple(priorities) or (0,) * count
    order = tuple(sorted(range(count), key=lambda tenant: (given[tenant], tenant)))
    return Tenants(count, order, given, (1,) * count)


def needs_no_tags(policy: Policy) -> bool:
    """Whether counters can stand for the queues of this policy."""
    if policy.stamp not in _CONSTANT_STAMPS or policy.keeps_time or policy.exact_only:
        return False
    tenants = step_tenants(2)
    try:
        policy.select(policy.start(tenants), tenants, (_head(policy),) * 2, (True, True))
    except UntaggedError:
        return False
    return True


def _head(policy: Policy) -> Stamp:
    """Return the stamp that every request has."""
    first = policy.start(step_tenants(1))
    stamped = policy.stamp(first, 0, Arrival(_UNKNOWN, 1, 1, _UNKNOWN, _UNKNOWN, _UNKNOWN))[1]
    return attrs.evolve(stamped, order=_UNKNOWN, row=_UNKNOWN)


@implements("DS-1")
def run_steps(
    policy: Policy,
    tenants: Tenants,
    arrivals: Sequence[Sequence[Number]],
    same_step: bool = False,
    most: int | None = None,
    keep: Callable[[int, Any], Any] = lambda step, part: part,
) -> StepRun:
    """Return what happens when `arrivals[t][q]` requests of queue q arrive in step t, at most `most` at a time.

    `most` is needed where the arrivals are not integers. `keep(step, part)` may replace whatever the next step builds
    on by something equal: a solver gives it names.
    """
    most = max((int(n) for row in arrivals for n in row), default=0) if most is None else most
    machine = _Machine(policy, tenants, most)
    state = StepState(policy.start(tenants), (0,) * tenants.count)
    states, served, blocked = [state], [], []
    for step, row in enumerate(arrivals):
        if same_step:
            state = keep(step, machine.arrive(state, row))
        waiting = tuple(n > 0 for n in state.backlog)
        choice, state = machine.serve(state, waiting)
        choice = keep(step, choice)
        if not same_step:
            state = machine.arrive(state, row)
        state = keep(step, state)
        states.append(state)
        served.append(choice)
        blocked.append(tuple(all_(waits, not_(s)) for waits, s in zip(waiting, choice, strict=True)))
    departures = [tuple(where(s, 1, 0) for s in row) for row in served]
    return StepRun(tuple(states), tuple(served), tuple(blocked), history(arrivals, departures))


@implements("DS-1")
def requests_of(arrivals: Sequence[Sequence[int]], same_step: bool = False) -> tuple[Request, ...]:
    """Return the requests that these arrivals, per step and queue, are on the event simulator."""
    later = 0 if same_step else 1
    return tuple(
        Request(queue, step + later, 1)
        for step, row in enumerate(arrivals)
        for queue, n in enumerate(row)
        for _ in range(n)
    )


@implements("DS-2")
def view(state: StepState) -> tuple[Any, ...]:
    """Return all of `state` that later choices depend on: in two states of one view the same arrivals fare the same.

    Ranks in a list count by their order alone, counters by what they are ahead of another.
    """
    inner = state.policy
    if isinstance(inner, drr.ActiveList):
        pairs = [(i, j) for i in range(len(inner.ranks)) for j in range(len(inner.ranks)) if i != j]
        before = (all_(inner.active[i], inner.active[j], inner.ranks[i] < inner.ranks[j]) for i, j in pairs)
        return (*state.backlog, *inner.deficits, *inner.active, *before, inner.turn)
    if isinstance(inner, vtc.Counters):
        ahead = (counter - inner.counters[0] for counter in inner.counters[1:])
        return (*state.backlog, *ahead, inner.went_last)
    parts: list[Any] = []
    each(parts.append, inner)
    return (*state.backlog, *parts)


class _Machine:
    def __init__(self, policy: Policy, tenants: Tenants, most: int) -> None:
        self.policy, self.tenants, self.most = policy, tenants, most
        self.heads = (_head(policy),) * tenants.count

    def serve(self, state: StepState, waiting: tuple[Any, ...]) -> tuple[tuple[Any, ...], StepState]:
        """Serve one request; nobody waits: the busy period is over."""
        found, queue, after = self.policy.select(state.policy, self.tenants, self.heads, waiting)
        chosen = tuple(all_(waits, same(queue, q)) for q, waits in enumerate(waiting))
        backlog = tuple(where(c, n - 1, n) for c, n in zip(chosen, state.backlog, strict=True))
        return chosen, StepState(where(found, after, self.policy.rest(state.policy)), backlog)

    def arrive(self, state: StepState, row: Sequence[Number]) -> StepState:
        inner = state.policy
        for queue, count in enumerate(row):
            inner = self._stamped(inner, queue, count)
        return StepState(inner, tuple(n + count for n, count in zip(state.backlog, row, strict=True)))

    def _stamped(self, inner: Any, queue: int, count: Number) -> Any:
        if self.policy.stamp is plain_stamp:
            return inner
        if self.policy.stamp is fq_codel.stamp:
            return where(count > 0, fq_codel.arrive(inner, queue, count), inner)
        for place in range(self.most):
            arrival = Arrival(_UNKNOWN, 1, 1, _UNKNOWN, _UNKNOWN, _UNKNOWN)
            inner = where(count > place, self.policy.stamp(inner, queue, arrival)[0], inner)
        return inner
