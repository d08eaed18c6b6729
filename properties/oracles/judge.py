"""The judge of recordings with everything in memory: every sort, every window, every instant.

A row is (tenant, arrival, start, finish, bytes); rows are in order of arrival.
"""

import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction

from headgate.properties.oracles.meter import classes
from headgate.properties.oracles.promise import expected_arrivals

__all__ = ["gap_between", "idle_spans", "lateness", "nearest_rank", "overlaps", "overtakers", "worst_deficit"]

Row = tuple[int, int, int, int, int]
Number = Fraction | int


def nearest_rank(values: Sequence[int], percent: int) -> int:
    """Return the smallest value that at least so many percent of `values` do not exceed."""
    for value in sorted(values):
        if 100 * sum(other <= value for other in values) >= percent * len(values):
            return value
    raise AssertionError("no values")


def lateness(rows: Sequence[Row], g: Number, p: Number, d: Number, largest: int) -> list[tuple[str, Fraction | None]]:
    """Return (class, finish - EAT) of one tenant's rows; None for what is not in contract."""
    requests = [(arrival, size) for _, arrival, _, _, size in rows]
    answers: list[tuple[str, Fraction | None]] = []
    for row, kind, expected in zip(
        rows, classes(requests, g, p, d, largest), expected_arrivals(requests, g), strict=True
    ):
        answers.append((kind, row[3] - expected if kind in ("paced", "burst") else None))
    return answers


def worst_deficit(rows: Sequence[Row], g: Number) -> Fraction:
    """Return the most by which g (end - begin) exceeds what finishes in (begin, end), over windows of one backlog."""
    worst = Fraction(0)
    instants = sorted({row[1] for row in rows} | {row[3] for row in rows})
    for begin, end in itertools.combinations(instants, 2):
        if all(_covered(rows, a) for a in instants if begin <= a < end):
            served = sum(row[4] for row in rows if begin < row[3] < end)
            worst = max(worst, Fraction(g * (end - begin) - served))
    return worst


def _covered(rows: Sequence[Row], instant: int) -> bool:
    """Whether some request is under way right after `instant`."""
    return any(row[1] <= instant < row[3] for row in rows)


def idle_spans(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """Return the maximal spans in which some request waits and none is in service; a start ends one."""
    return _spans(rows, lambda waiting, serving: waiting > 0 and serving == 0, {row[2] for row in rows})


def overlaps(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """Return the maximal spans in which two requests or more are in service."""
    return _spans(rows, lambda waiting, serving: serving > 1, set())


def _spans(rows: Sequence[Row], holds: Callable[[int, int], bool], breaks: set[int]) -> list[tuple[int, int]]:
    instants = sorted({time for row in rows for time in row[1:4]})
    spans: list[tuple[int, int]] = []
    for begin, end in itertools.pairwise(instants):
        waiting = sum(row[1] <= begin and end <= row[2] for row in rows)
        serving = sum(row[2] <= begin and end <= row[3] for row in rows)
        if holds(waiting, serving):
            if spans and spans[-1][1] == begin and begin not in breaks:
                begin = spans.pop()[0]
            spans.append((begin, end))
    return spans


def overtakers(rows: Sequence[Row], column: int, tolerance: int) -> list[Row]:
    """Return the rows whose time in `column` (2: start, 3: finish) is before that of a row that arrived earlier.

    Both by more than the tolerance.
    """
    return [
        row
        for row in rows
        if any(other[1] + tolerance < row[1] and row[column] + tolerance < other[column] for other in rows)
    ]


def gap_between(rows: Sequence[Row], weights: Sequence[Fraction], ahead: int, behind: int, tolerance: int) -> Fraction:
    """Return the most that `ahead` got beyond `behind`, in bytes over weight, while both were backlogged.

    Backlogs are shorter by the tolerance at both ends, and those that only touch are two. What is over when a joint
    backlog begins is not in it.
    """
    worst = Fraction(0)
    for begin, end in _joint(_backlogs(rows, ahead, tolerance), _backlogs(rows, behind, tolerance)):
        inside = [row for row in rows if row[0] in (ahead, behind) and begin <= row[2] and begin < row[3] <= end]
        inside.sort(key=lambda row: (row[3], row[0], row[2], row[4]))
        costs = [row[4] / weights[row[0]] * (1 if row[0] == ahead else -1) for row in inside]
        for first, last in itertools.combinations(range(len(costs) + 1), 2):
            worst = max(worst, Fraction(sum(costs[first:last])))
    return worst


def _backlogs(rows: Sequence[Row], tenant: int, tolerance: int) -> list[tuple[int, int]]:
    spans = sorted((row[1] + tolerance, row[3] - tolerance) for row in rows if row[0] == tenant)
    periods: list[tuple[int, int]] = []
    for begin, end in spans:
        if begin >= end:
            continue
        if periods and begin < periods[-1][1]:
            periods[-1] = (periods[-1][0], max(periods[-1][1], end))
        else:
            periods.append((begin, end))
    return periods


def _joint(left: Sequence[tuple[int, int]], right: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    both = [(max(a, c), min(b, d)) for a, b in left for c, d in right]
    return [(begin, end) for begin, end in both if begin <= end]
