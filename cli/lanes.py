"""What all pictures of a replay share: which lanes are drawn, from when to when, in which unit, with ticks where."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from headgate.model.replay import Lane, Mark, Replay

__all__ = ["apart", "extent", "plain_number", "ticks", "unit_of", "unit_word"]

# A time of so many ns or more is shown in this unit, which is so many ns.
UNITS = ((10**10, "s", 10**9), (10**7, "ms", 10**6), (10**4, "us", 10**3), (0, "ns", 1))


def unit_of(end: Fraction, clock: str) -> tuple[str, int]:
    """Return the unit that suits an axis that ends at `end`, and its length in what `clock` counts."""
    units = UNITS if clock == "ns" else ((0, clock, 1),)
    return next((unit, size) for least, unit, size in units if end >= least)


def unit_word(shown: Replay) -> str:
    """Return what one tick of the replay's clock is called: "ns", "step" or "sample"."""
    return "ns" if shown.clock == "ns" else shown.clock.removesuffix("s")


def extent(lanes: Sequence[Lane]) -> tuple[Fraction, Fraction]:
    """Return from when to when an axis goes: from 0 where that is no further than it is long; never of no length."""
    marks = [mark for lane in lanes for mark in lane.marks]
    first = Fraction(min(plain_number(mark.begin_ns) for mark in marks))
    last = Fraction(max(plain_number(mark.end_ns) for mark in marks))
    begin = Fraction(0) if 0 <= first <= last - first else first
    return begin, last if last > begin else begin + 1


def plain_number(number: Fraction) -> Fraction | int:
    """Return a whole number as an integer, which is compared faster."""
    return number.numerator if number.denominator == 1 else number


def ticks(begin: Fraction, end: Fraction, size: int, most: Fraction) -> Iterator[Fraction]:
    """Yield round numbers of units of `size` from `begin` to `end`, about `most`; of ns or steps, whole ones."""
    begin, end = begin / size, end / size
    step = _round_step((end - begin) / most)
    if size == 1 and end - begin >= 1:
        step = max(step, Fraction(1))
    at = -(-begin // step) * step
    while at <= end:
        yield at
        at += step


def _round_step(least: Fraction) -> Fraction:
    """Return the least 1, 2 or 5 times a power of ten that is at least `least`."""
    step = Fraction(1)
    while step >= least:
        step /= 10
    while True:
        for factor in (1, 2, 5):
            if step * factor >= least:
                return step * factor
        step *= 10


def apart(lanes: Sequence[Lane]) -> list[Lane]:
    """Return the lanes that hold anything; what overlaps in one stands in several, of the same label."""
    return [Lane(lane.label, tuple(row)) for lane in lanes if lane.marks for row in _rows(lane.marks)]


def _rows(marks: Sequence[Mark]) -> list[list[Mark]]:
    rows: list[list[Mark]] = [[mark for mark in marks if mark.begin_ns == mark.end_ns or mark.kind == "level"]]
    ends: list[Fraction | None] = [None]
    spans = (mark for mark in marks if mark.begin_ns < mark.end_ns and mark.kind != "level")
    for mark in sorted(spans, key=lambda mark: (mark.begin_ns, mark.end_ns)):
        row = next((n for n, end in enumerate(ends) if end is None or end <= mark.begin_ns), len(rows))
        if row == len(rows):
            rows.append([])
            ends.append(None)
        rows[row].append(mark)
        ends[row] = mark.end_ns
    return rows
