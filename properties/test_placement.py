"""What must hold of placement by temperature (PL-1 to PL-5)."""

from fractions import Fraction
from itertools import combinations, pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model.heat.placement import Home, average, coolest, essay_place, most_moves, place
from headgate.properties.oracles import heat as plain
from headgate.spec.links import checks

TEMPERATURES = st.integers(60, 100)


@st.composite
def samples(draw: st.DrawFn) -> list[list[int]]:
    """Draw up to 20 samples of up to five stacks, that jump or creep, or take turns."""
    stacks = draw(st.integers(1, 5))
    if draw(st.booleans()):
        rows = [draw(st.lists(TEMPERATURES, min_size=stacks, max_size=stacks))]
        for _ in range(draw(st.integers(0, 19))):
            rows.append([t + draw(st.integers(-1, 1)) for t in rows[-1]])
        return rows
    return draw(st.lists(st.lists(TEMPERATURES, min_size=stacks, max_size=stacks), min_size=1, max_size=20))


@checks("PL-1")
@given(st.lists(TEMPERATURES, min_size=1, max_size=20), st.fractions(0, 1, max_denominator=10))
@example([60, 100, 60], Fraction(1, 5))
@example([60, 100], Fraction(1))
def test_an_average_stays_within_and_moves_by_its_weight(temperatures: list[int], weight: Fraction) -> None:
    """It is the weighted sum of all samples, each older one counting less by the same factor."""
    now = Fraction(temperatures[0])
    span = max(temperatures) - min(temperatures)
    for number, sample in enumerate(temperatures):
        before, now = now, average(now, sample, weight)
        assert min(temperatures) <= now <= max(temperatures)
        assert abs(now - before) <= weight * span
        older: Fraction = sum(
            (weight * (1 - weight) ** (number - k) * temperatures[k] for k in range(number + 1)), Fraction(0)
        )
        assert now == older + (1 - weight) ** (number + 1) * temperatures[0]


@checks("PL-2", "PL-3")
@given(samples(), st.integers(1, 8), st.integers(0, 4))
@example([[3, 0, 0], [2, 1, 0], [1, 2, 0]], 1, 0)
@example([[4, 0, 0], [3, 1, 0], [2, 4, 0]], 3, 1)  # two moves, two samples apart: the bound of two degrees a sample
@example([[9, 0], [0, 9], [9, 0]], 8, 2)  # the dwell time holds it
def test_moves_are_those_of_the_rule_and_bounded(rows: list[list[int]], band: int, dwell: int) -> None:
    """Of each window between two moves: no more than the heat and the dwell time allow."""
    home, moved_at, expected = Home(0, dwell), [], plain.moves_of(rows, band, dwell)
    for at, (row, to) in enumerate(zip(rows, expected, strict=True)):
        moved, home = place(home, row, band, dwell)
        assert moved == (to is not None)
        if moved:
            assert home == Home(to, 0)
            moved_at.append(at)
        if home.since >= dwell:
            assert row[home.stack] - min(row) <= band
    slew = max((abs(b - a) for k in range(len(rows[0])) for a, b in zip_column(rows, k)), default=0)
    for (i, first), (j, last) in combinations(enumerate(moved_at), 2):
        assert j - i + 1 <= most_moves(last - first, Fraction(slew), Fraction(band), dwell)
        assert 2 * slew * (last - first) > band * (j - i)
        assert last - first >= dwell * (j - i)


def zip_column(rows: list[list[int]], stack: int) -> list[tuple[int, int]]:
    """Return each temperature of a stack with the next."""
    column = [row[stack] for row in rows]
    return list(pairwise(column))


@checks("PL-3")
@given(st.integers(0, 50), st.integers(0, 4), st.integers(1, 9), st.integers(0, 5))
@example(2, 1, 3, 1)
@example(3, 1, 6, 0)
def test_the_bound_counts_what_fits(samples: int, slew: int, band: int, dwell: int) -> None:
    """The most moves, one after the other, that leave the heat for more than a band and the dwell time between two."""
    moves = 1
    while 2 * slew * samples > band * moves and samples >= max(1, dwell) * moves:
        moves += 1
    assert most_moves(samples, Fraction(slew), Fraction(band), dwell) == moves


@checks("PL-2")
@given(st.lists(TEMPERATURES, min_size=1, max_size=6))
@example([70, 70])
def test_the_coolest_is_the_first_of_the_least(temperatures: list[int]) -> None:
    assert coolest(temperatures) == (temperatures.index(min(temperatures)), min(temperatures))


@checks("PL-4")
def test_without_a_band_it_moves_with_every_sample() -> None:
    """Two stacks that take turns, by a degree."""
    home, always, rows = Home(0, 0), [], [[1, 0], [0, 1]] * 10
    for row in rows:
        moved, home = place(home, row, 0, 0)
        always.append(moved)
    assert all(always)
    assert sum(to is not None for to in plain.moves_of(rows, Fraction(6), 0)) == 0


@checks("PL-5")
@given(samples(), st.integers(0, 8), st.integers(1, 3))
@example([[1, 0, 0, 7], [0, 1, 0, 7], [1, 0, 0, 7]], 6, 2)  # three that are nearly equal below a hot one
@example([[9, 9], [0, 9]], 6, 1)
def test_the_essays_trigger(rows: list[list[int]], trigger: int, kept: int) -> None:
    """It moves a page out of the hotter part while the hottest and the coolest are apart, and to the coolest."""
    home = Home(0, 0)
    for row in rows:
        order = sorted(range(len(row)), key=lambda k: (row[k], k))
        leaves = max(row) - min(row) > trigger and home.stack not in order[:kept]
        before = home
        moved, home = essay_place(home, row, trigger, kept)
        assert moved == leaves
        assert home == (Home(order[0], 0) if leaves else Home(before.stack, before.since + 1))


@checks("PL-5")
def test_the_essays_trigger_thrashes() -> None:
    """Four stacks, one of them 7 C above three others that take turns by a degree: a move with every sample."""
    home = Home(0, 0)
    rows = [[int(k == at % 3) for k in range(3)] + [8] for at in range(12)]
    count = 0
    for row in rows:
        moved, home = essay_place(home, row, 6, 2)
        count += moved
    assert count >= most_moves(len(rows) - 1, Fraction(1), Fraction(6), 0)
