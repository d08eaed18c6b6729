"""The token bucket, twice: by the clock, and by its definition over windows; and the essay's bucket."""

from collections.abc import Sequence
from fractions import Fraction

__all__ = ["admitted", "admitted_by_windows", "essay_admitted", "paused_admitted"]

Number = Fraction | int


def admitted(requests: Sequence[tuple[Number, Number]], rate: Number, depth: Number) -> list[bool]:
    """Return which of `requests`, (time, bytes) in order, a bucket admits that is full at time 0."""
    answers = []
    tokens: Number = depth
    then: Number = 0
    for time, size in requests:
        tokens = tokens + rate * (time - then)
        then = time
        if tokens > depth:
            tokens = depth
        if tokens >= size:
            tokens = tokens - size
            answers.append(True)
        else:
            answers.append(False)
    return answers


def admitted_by_windows(requests: Sequence[tuple[Number, Number]], rate: Number, depth: Number) -> list[bool]:
    """Return the same from the definition: refused iff some closed window would get more than depth + rate * t."""
    answers: list[bool] = []
    for last, (now, size) in enumerate(requests):
        fits = size <= depth
        for first in range(last):
            begin = requests[first][0]
            inside = sum(requests[k][1] for k in range(first, last) if answers[k])
            if answers[first] and inside + size > depth + rate * (now - begin):
                fits = False
        answers.append(fits)
    return answers


def essay_admitted(
    requests: Sequence[tuple[Number, Number]], rate: Number, duration: Number, sum_of_rates: Number, capacity: Number
) -> list[bool]:
    """Return which of `requests` the essay's bucket lets through at once.

    *Multi-Tenant KV Fabrics*, section 5: capacity rate * duration; covered: charge; else, if the rates of all sum to
    less than the capacity of the link: let through and empty the bucket; else: queue.
    """
    answers = []
    tokens: Number = rate * duration
    then: Number = 0
    for time, size in requests:
        tokens = tokens + rate * (time - then)
        then = time
        if tokens > rate * duration:
            tokens = rate * duration
        if tokens >= size:
            tokens = tokens - size
            answers.append(True)
        elif sum_of_rates < capacity:
            tokens = 0
            answers.append(True)
        else:
            answers.append(False)
    return answers


def paused_admitted(requests: Sequence[tuple[Number, Number]], rate: Number, depth: Number) -> list[bool]:
    """Return which of `requests` a bucket admits that does not set its clock while it is full."""
    answers = []
    tokens: Number = depth
    clock: Number = 0
    for time, size in requests:
        if tokens < depth:
            tokens = min(depth, tokens + rate * (time - clock))
            clock = time
        fits = tokens >= size
        if fits:
            tokens = tokens - size
        answers.append(fits)
    return answers
