"""Integers, Z3 on constants, numpy and the plain oracle say the same: the thermal loop, placement and migration."""

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headgate.model.algebra import each
from headgate.model.heat import loop, migration, placement
from headgate.model.heat.migration import ORDERS, Contents
from headgate.model.heat.placement import Home
from headgate.proofs.symbolic import lift, symbolic, value
from headgate.properties.oracles import heat as plain
from headgate.tests.interpreters import fewer, on_numbers, real

DISTANCES = st.integers(-9, 9).map(Fraction)


def exact(*numbers: Any) -> Any:
    """Return an array of Fractions, or of truth values, one lane each."""
    if isinstance(numbers[0], bool):
        return np.array(numbers)
    array = np.empty(len(numbers), object)
    array[:] = [Fraction(number) for number in numbers]
    return array


def first(array: Any) -> Any:
    return np.asarray(array).ravel()[0]


@fewer()
@given(st.lists(DISTANCES, min_size=1, max_size=4), st.sampled_from([Fraction(1, 2), Fraction(3, 4)]),
       st.integers(0, 6).map(Fraction), st.integers(0, 9).map(Fraction))  # fmt: skip
def test_the_loop(history: list[Fraction], decay: Fraction, gain: Fraction, limit: Fraction) -> None:
    """Four steps of a delayed loop; the second lane of the arrays has the distances of the other sign."""
    now, terms, steps = tuple(history), tuple(map(real, history)), 4
    lanes = tuple(exact(x, -x) for x in history)
    for _ in range(steps):
        now = loop.delayed_step(now, decay, loop.clipped(gain, limit))
        lanes = loop.delayed_step(lanes, exact(decay, decay), loop.clipped(exact(gain, gain), exact(limit, limit)))
        with symbolic():
            terms = loop.delayed_step(terms, real(decay), loop.clipped(real(gain), real(limit)))
        terms = tuple(real(value(term)) for term in terms)
    assert [value(term) for term in terms] == list(now)
    assert [lane.tolist() for lane in lanes] == [[x, -x] for x in now]
    expected = plain.swing_of(history, decay, gain, limit, steps)
    assert list(now) == expected[::-1][: len(history)]
    with symbolic():
        assert value(loop.is_monotone(real(gain), real(decay))) == loop.is_monotone(gain, decay)
        crossed = [value(part) for part in loop.relay_crossing(real(decay), real(decay**2), real(decay**3))]
    assert crossed == list(loop.relay_crossing(decay, decay**2, decay**3))


ROWS = st.integers(1, 4).flatmap(
    lambda stacks: st.lists(st.lists(st.integers(0, 9), min_size=stacks, max_size=stacks), min_size=1, max_size=6)
)


@fewer()
@given(ROWS, st.integers(1, 4), st.integers(0, 3))
def test_placement(rows: list[list[int]], band: int, dwell: int) -> None:
    """By both rules, on integers, terms and arrays; by the one with a band also as the plain version says."""

    def step(home: Any, row: Any) -> tuple[Any, Any]:
        return placement.place(home, row, band, dwell)

    def essay(home: Any, row: Any) -> tuple[Any, Any]:
        return placement.essay_place(home, row, band, 2)

    for rule in (step, essay):
        expected = on_numbers(Home(0, dwell), rule, [(row,) for row in rows])
        home, lanes = Home(0, dwell), Home(np.array([0, 0]), np.array([dwell, dwell]))
        for row, moved in zip(rows, expected, strict=True):
            with symbolic():
                said, after = rule(each(lift, home), [lift(t) for t in row])
            _, home = rule(home, row)
            assert value(said) == moved
            assert each(value, after) == home
            both, lanes = rule(lanes, [np.array([t, t]) for t in row])
            assert first(both) == moved
            assert each(first, lanes) == home
    to = plain.moves_of(rows, band, dwell)
    assert on_numbers(Home(0, dwell), step, [(row,) for row in rows]) == [stack is not None for stack in to]


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["begin", "copy", "copy", "write", "switch", "abort"]), st.integers(0, 1)), max_size=8
)


@fewer()
@given(st.sampled_from(sorted(ORDERS)), OPERATIONS)
def test_migration(name: str, operations: list[tuple[str, int]]) -> None:
    """Two blocks by every order, on integers, terms and arrays."""
    order = ORDERS[name]
    contents = migration.blank(2)
    for number, (operation, block) in enumerate(operations, 1):

        def do(now: Contents, at: Any, write: Any, operation: str = operation) -> Any:
            ways = {
                "begin": lambda: order.begin(now),
                "copy": lambda: order.copy_block(now, at),
                "write": lambda: order.write(now, at, write),
                "switch": lambda: order.switch(now)[1],
                "abort": lambda: migration.abort(now),
            }
            return ways[operation]()

        with symbolic():
            terms = do(each(lift, contents), lift(block), lift(number))
        lanes = do(each(lambda x: np.array([x, x]), contents), np.array([block, block]), np.array([number, number]))
        contents = do(contents, block, number)
        assert each(value, terms) == contents
        assert (
            each(lambda array: first(array).item() if hasattr(first(array), "item") else first(array), lanes)
            == contents
        )
        assert [migration.read(contents, k) for k in (0, 1)] == list(contents.home)
