"""The contract meter, twice: as two counters by the clock, and from its definition over windows."""

from collections.abc import Sequence
from fractions import Fraction

__all__ = ["classes", "in_contract", "in_contract_by_windows"]

Number = Fraction | int


def classes(requests: Sequence[tuple[Number, Number]], g: Number, p: Number, d: Number, largest: Number) -> list[str]:
    """Return "paced", "burst", "excess" or "refused" for each of `requests`, (time, bytes) in order.

    g and p are the guaranteed and the burst rate, d the burst duration, `largest` the largest request.
    """
    answers = []
    owed: Number = 0
    tokens: Number = largest
    then: Number = 0
    for time, size in requests:
        if size > largest or size <= 0:
            answers.append("refused")
            continue
        owed = owed - g * (time - then)
        if owed < 0:
            owed = 0
        tokens = tokens + p * (time - then)
        if tokens > largest:
            tokens = largest
        then = time
        if owed + size > largest + (p - g) * d or size > tokens:
            answers.append("excess")
            continue
        if owed == 0:
            answers.append("paced")
        else:
            answers.append("burst")
        owed = owed + size
        tokens = tokens - size
    return answers


def in_contract(
    requests: Sequence[tuple[Number, Number]], g: Number, p: Number, d: Number, largest: Number
) -> list[bool]:
    """Return which of `requests` are in contract."""
    return [name in ("paced", "burst") for name in classes(requests, g, p, d, largest)]


def in_contract_by_windows(
    requests: Sequence[tuple[Number, Number]], g: Number, p: Number, d: Number, largest: Number
) -> list[bool]:
    """Return the same from the definition, which needs no state.

    A request is refused iff admitting it would put the admitted bytes of some closed window [u, now], t long, above
    min(M + p t, M + (p - g) d + g t). Only windows that begin at an admitted request, or now, can be the fullest.
    """
    answers: list[bool] = []
    for last, (now, size) in enumerate(requests):
        fits = size <= largest
        for first in range(last):
            if not answers[first]:
                continue
            length = now - requests[first][0]
            inside = size
            for k in range(first, last):
                if answers[k]:
                    inside = inside + requests[k][1]
            if inside > min(largest + p * length, largest + (p - g) * d + g * length):
                fits = False
        answers.append(fits)
    return answers
