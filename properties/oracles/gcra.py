"""The generic cell rate algorithm as ITU-T I.371 draws it: virtual scheduling, with times on the clock."""

from collections.abc import Sequence
from fractions import Fraction

__all__ = ["conforming"]

Number = Fraction | int


def conforming(requests: Sequence[tuple[Number, Number]], limit: Number) -> list[bool]:
    """Return which of `requests`, (time, cost in ns) in order, conform; the tolerance of each is `limit` - its cost."""
    answers = []
    tat = Fraction(0)
    for time, cost in requests:
        tolerance = limit - cost
        if time < tat - tolerance or tolerance < 0:
            answers.append(False)
        else:
            answers.append(True)
            if tat < time:
                tat = Fraction(time)
            tat = tat + cost
    return answers
