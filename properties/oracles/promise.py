"""The expected arrival time, twice: by Goyal's recursion, and from the definition of the ledger over windows."""

from collections.abc import Sequence
from fractions import Fraction

__all__ = ["expected_arrivals", "expected_arrivals_by_windows", "ledgers"]

Number = Fraction | int


def expected_arrivals(requests: Sequence[tuple[Number, Number]], g: Number) -> list[Fraction]:
    """Return EAT = max(A, EAT of the one before + its size / g) for each of `requests`, (time, bytes) in order."""
    answers: list[Fraction] = []
    for number, (time, _) in enumerate(requests):
        expected = Fraction(time)
        if number > 0:
            earliest = answers[number - 1] + Fraction(requests[number - 1][1]) / g
            if earliest > expected:
                expected = earliest
        answers.append(expected)
    return answers


def ledgers(requests: Sequence[tuple[Number, Number]], g: Number) -> list[Fraction]:
    """Return X before each of `requests`: the most by which what came since some instant exceeds g times the time."""
    answers = []
    for last, (now, _) in enumerate(requests):
        owed = Fraction(0)
        for first in range(last):
            since = Fraction(sum(requests[k][1] for k in range(first, last)) - g * (now - requests[first][0]))
            if since > owed:
                owed = since
        answers.append(owed)
    return answers


def expected_arrivals_by_windows(requests: Sequence[tuple[Number, Number]], g: Number) -> list[Fraction]:
    """Return A + X / g for each of `requests`."""
    return [time + owed / g for (time, _), owed in zip(requests, ledgers(requests, g), strict=True)]
