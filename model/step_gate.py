"""Token buckets in discrete steps: each step brings tokens, and as much leaves as waits and is covered.

Every queue has a bucket of its own. The bucket holds `level` tokens in step 0; each later step begins with `rate` more,
up to `depth`. What leaves is the lesser of backlog and tokens, so that a queue is a count here as well.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import attrs

from headgate.model.algebra import all_, minimum
from headgate.model.bucket import Bucket, offer, refill
from headgate.model.conditions import history
from headgate.model.steps import StepRun, StepState
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["StepBucket", "drain", "offered_steps", "run_gate"]


@attrs.frozen
class StepBucket:
    """The numbers of a bucket, in requests: tokens a step, the most that it holds, and what it holds in step 0."""

    rate: Number
    depth: Number
    level: Number


@implements("DS-3")
def drain(bucket: Bucket, backlog: Number) -> tuple[Number, Bucket]:
    """Return (gone, bucket): as many of `backlog` requests as the tokens cover, each charged one."""
    gone = minimum(backlog, bucket.level)
    return gone, Bucket(bucket.level - gone)


@implements("DS-3")
def run_gate(
    rules: StepBucket,
    arrivals: Sequence[Sequence[Number]],
    same_step: bool = False,
    keep: Callable[[int, Any], Any] = lambda step, part: part,
) -> StepRun:
    """Return what leaves when `arrivals[t][q]` requests of queue q arrive in step t; `keep` as in `run_steps`."""
    count = len(arrivals[0])
    state = StepState((Bucket(rules.level),) * count, (0,) * count)
    states, departures, blocked = [state], [], []
    for step, row in enumerate(arrivals):
        buckets = tuple(refill(bucket, rules.rate, rules.depth, 1 if step else 0) for bucket in state.policy)
        before = tuple(n + come if same_step else n for n, come in zip(state.backlog, row, strict=True))
        drained = [drain(bucket, n) for bucket, n in zip(buckets, before, strict=True)]
        gone = keep(step, tuple(each for each, _ in drained))
        left = tuple(n - out if same_step else n - out + come
                     for n, out, come in zip(before, gone, row, strict=True))  # fmt: skip
        state = keep(step, StepState(tuple(bucket for _, bucket in drained), left))
        states.append(state)
        departures.append(gone)
        blocked.append(tuple(all_(n > 0, out <= 0) for n, out in zip(before, gone, strict=True)))
    served = tuple(tuple(out > 0 for out in gone) for gone in departures)
    return StepRun(tuple(states), served, tuple(blocked), history(arrivals, departures))


def offered_steps(rules: StepBucket, arrivals: Sequence[Sequence[int]], same_step: bool = False) -> list[list[int]]:
    """Return how many of each queue leave in each step, where they are offered to the bucket one by one."""
    gone = [[0] * len(arrivals[0]) for _ in arrivals]
    for queue in range(len(arrivals[0])):
        bucket, backlog = Bucket(Fraction(rules.level)), 0
        for step, row in enumerate(arrivals):
            bucket = refill(bucket, rules.rate, rules.depth, 1 if step else 0)
            backlog += row[queue] if same_step else 0
            while backlog:
                admitted, bucket = offer(bucket, 1)
                if not admitted:
                    break
                gone[step][queue] += 1
                backlog -= 1
            backlog += 0 if same_step else row[queue]
    return gone
