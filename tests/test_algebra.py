"""The vocabulary of the rules says the same on every kind of numbers, and refuses conditions that it does not know."""

from fractions import Fraction
from typing import Any

import attrs
import numpy as np
import pytest
import z3
from hypothesis import given
from hypothesis import strategies as st

from headgate.model import (
    algebra,
    batch,  # noqa: F401  # registers arrays when it is imported
)
from headgate.model.interval import Extent, Interval
from headgate.proofs.symbolic import lift, symbolic, value

keys = st.lists(st.integers(-3, 3), min_size=1, max_size=6)


@attrs.frozen
class Pair:
    """A record with a tuple in it."""

    left: Any
    right: tuple[Any, ...]


def plain_best(keys_: list[int], eligible: list[bool], order: list[int]) -> tuple[int, int] | None:
    """Return (index, key) of the smallest eligible key, the first in `order` on a tie; None if there is none."""
    ranked = [(keys_[index], place, index) for place, index in enumerate(order) if eligible[index]]
    return (min(ranked)[2], min(ranked)[0]) if ranked else None


@st.composite
def selections(draw: st.DrawFn) -> tuple[list[int], list[bool], list[int]]:
    """Draw keys, who is eligible, and an order."""
    drawn = draw(keys)
    eligible = draw(st.lists(st.booleans(), min_size=len(drawn), max_size=len(drawn)))
    return drawn, eligible, draw(st.permutations(range(len(drawn))))


@given(selection=selections())
def test_best(selection: tuple[list[int], list[bool], list[int]]) -> None:
    keys_, eligible, order = selection
    expected = plain_best(keys_, eligible, order)
    for numbers, truths in arrangements(keys_, eligible):
        with symbolic():
            answer = algebra.best(numbers, truths, order)
        found, index, key = (plain(part) for part in answer)
        assert found == (expected is not None)
        assert expected is None or (index, key) == expected


def arrangements(keys_: list[int], eligible: list[bool]) -> list[tuple[list[Any], list[Any]]]:
    """Return the selection on ints, on terms and on arrays; numbers and truth values also of different kinds."""
    arrays = [np.array([key]) for key in keys_]
    terms = [lift(key) for key in keys_]
    return [
        (keys_, eligible),
        (terms, eligible),
        (terms, [lift(truth) for truth in eligible]),
        (keys_, [lift(truth) for truth in eligible]),
        (arrays, eligible),
        (arrays, [np.array([truth]) for truth in eligible]),
        (keys_, [np.array([truth]) for truth in eligible]),
    ]


def plain(number: Any) -> Any:
    """Return the only value of an array or a term."""
    return number.item() if isinstance(number, np.ndarray) else value(number)


@given(left=st.integers(-3, 3), right=st.integers(-3, 3))
def test_extremes(left: int, right: int) -> None:
    for lifted in (lambda n: n, Fraction, lift, lambda n: np.array([n])):
        with symbolic():
            smaller = algebra.minimum(lifted(left), lifted(right))
            larger = algebra.maximum(lifted(left), lifted(right))
        assert (plain(smaller), plain(larger)) == (min(left, right), max(left, right))


@given(values=st.lists(st.integers(), min_size=1, max_size=5), data=st.data())
def test_choose_and_put(values: list[int], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(values) - 1))
    replaced = (*values[:index], 7, *values[index + 1 :])
    small = [number % 1000 for number in values]
    assert algebra.choose(index, values) == values[index]
    assert algebra.put(index, values, 7) == replaced
    for position in (lift(index), np.array([index])):
        with symbolic():
            assert plain(algebra.choose(position, small)) == small[index]
            put = algebra.put(position, small, 7)
        assert [plain(algebra.where(True, part, part)) for part in put] == [n % 1000 for n in replaced]


@given(truths=st.lists(st.booleans(), max_size=4))
def test_connectives(truths: list[bool]) -> None:
    for lifted in (lambda t: t, lift, lambda t: np.array([t]), np.bool_):
        with symbolic():
            everything = algebra.all_(*[lifted(t) for t in truths])
            something = algebra.any_(*[lifted(t) for t in truths])
            negated = [algebra.not_(lifted(t)) for t in truths]
        assert truth(everything) is all(truths)
        assert truth(something) is any(truths)
        assert [truth(t) for t in negated] == [not t for t in truths]


def truth(condition: Any) -> bool:
    """Return a truth value of any kind as Python's."""
    return bool(plain(condition)) if not isinstance(condition, np.bool_) else bool(condition)


def test_records_are_chosen_field_by_field() -> None:
    chosen = algebra.where(np.array([True, False]), Pair(1, (2, 3)), Pair(4, (5, 3)))
    assert chosen.left.tolist() == [1, 4]
    assert chosen.right[0].tolist() == [2, 5]
    assert algebra.each(lambda number: number + 1, Pair(1, (2, (3,)))) == Pair(2, (3, (4,)))


def test_interval_choices_are_hulls() -> None:
    extent = Extent()
    number = extent.span(0, 4)
    chosen = algebra.where(number < 2, 10, 20)
    assert isinstance(chosen, Interval)
    assert (chosen.low, chosen.high) == (10, 20)
    assert algebra.where(number < 5, 10, 20) == 10


def test_an_unknown_condition_is_refused() -> None:
    with pytest.raises(TypeError, match="no interpreter is registered for a condition of type str"):
        algebra.where("yes", 1, 2)


def test_an_open_term_is_no_truth_value() -> None:
    x, y = z3.Int("x"), z3.Int("y")
    with symbolic(), pytest.raises(TypeError, match="branched on an open term"):
        bool(x == y)
