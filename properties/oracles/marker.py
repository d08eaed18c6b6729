"""RFC 2698's two-rate three-colour marker, colour-blind, word for word."""

from collections.abc import Sequence
from fractions import Fraction

__all__ = ["colours"]

Number = Fraction | int


def colours(requests: Sequence[tuple[Number, Number]], cir: Number, cbs: Number, pir: Number, pbs: Number) -> list[str]:
    """Return "green", "yellow" or "red" for each of `requests`, (time, bytes) in order; both buckets full at 0."""
    answers = []
    tc, tp = cbs, pbs
    then: Number = 0
    for time, size in requests:
        tc = tc + cir * (time - then)
        if tc > cbs:
            tc = cbs
        tp = tp + pir * (time - then)
        if tp > pbs:
            tp = pbs
        then = time
        if tp - size < 0:
            answers.append("red")
        elif tc - size < 0:
            answers.append("yellow")
            tp = tp - size
        else:
            answers.append("green")
            tp = tp - size
            tc = tc - size
    return answers
