"""Intervals hold whatever a rule can compute, know what a comparison implies, and refuse in time."""

import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from headgate.model import algebra, bucket, gcra, meter
from headgate.model.interval import INT64_MAX, BatchOverflow, Extent, Interval, Maybe, check, hull

OPERATIONS: list[Callable[[Any, Any], Any]] = [
    operator.add,
    operator.sub,
    operator.mul,
    algebra.minimum,
    algebra.maximum,
    lambda a, b: -a,
    lambda a, b: algebra.where(a < b, a - b, b),
    lambda a, b: algebra.where(b <= a, a - b, a),
    lambda a, b: algebra.where(algebra.all_(a + b <= 5, a >= 0), a + b, 5),
    lambda a, b: algebra.where(algebra.any_(a < b, a == b), b - a, a),
    lambda a, b: algebra.where(algebra.not_(a > b), 7 - a, b + 1),
    lambda a, b: algebra.where(a != b, 1, 2),
]


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, int, int]:
    """Draw (low, a number in between, high)."""
    low, inside, high = sorted(draw(st.lists(st.integers(-9, 9), min_size=3, max_size=3)))
    return low, inside, high


@pytest.mark.parametrize("operation", OPERATIONS, ids=range(len(OPERATIONS)))
@given(left=spans(), right=spans())
def test_an_interval_holds_what_numbers_give(
    operation: Callable[[Any, Any], Any], left: tuple[int, int, int], right: tuple[int, int, int]
) -> None:
    extent = Extent()
    wide = operation(extent.span(left[0], left[2]), extent.span(right[0], right[2]))
    exact = operation(left[1], right[1])
    low, high = (wide.low, wide.high) if isinstance(wide, Interval) else (wide, wide)
    assert low <= exact <= high
    assert extent.largest >= abs(exact) or not isinstance(wide, Interval)


@pytest.mark.parametrize("name", ["lt", "le", "gt", "ge", "eq", "ne"])
@given(left=spans(), right=spans())
def test_a_comparison_is_decided_only_if_it_is_always_so(
    name: str, left: tuple[int, int, int], right: tuple[int, int, int]
) -> None:
    extent, compare = Extent(), getattr(operator, name)
    answer = compare(extent.span(left[0], left[2]), extent.span(right[0], right[2]))
    answers = {compare(a, b) for a in range(left[0], left[2] + 1) for b in range(right[0], right[2] + 1)}
    assert answers == ({answer} if isinstance(answer, bool) else {True, False})


def test_a_maybe_is_no_truth_value() -> None:
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(Extent().span(0, 2) < 1)


def test_what_a_comparison_implies_is_kept() -> None:
    extent = Extent()
    level, size = extent.span(0, 10), extent.span(1, 20)
    left = algebra.where(level >= size, level - size, level)
    assert (left.low, left.high) == (0, 10)
    # The same difference of other values is not what was compared.
    other = algebra.where(level >= size, level - extent.span(1, 20), level)
    assert other.low == -20


def bucket_step(extent: Extent, rate: int, longest: int, largest: int) -> Callable[[bucket.Bucket], bucket.Bucket]:
    def step(state: bucket.Bucket) -> bucket.Bucket:
        return bucket.step(state, rate, 1000, extent.span(0, longest), extent.span(1, largest))[1]

    return step


@given(exponent=st.integers(1, 64), longest=st.integers(1, 1000))
def test_a_bucket_is_refused_exactly_if_its_refill_can_leave_int64(exponent: int, longest: int) -> None:
    extent, rate = Extent(), 1 << exponent
    largest = 1000 + rate * longest
    if largest > INT64_MAX:
        with pytest.raises(BatchOverflow, match="beyond int64: scale the inputs down by at least"):
            check(extent, bucket_step(extent, rate, longest, 2000), bucket.full(1000), 10**6)
    else:
        check(extent, bucket_step(extent, rate, longest, 2000), bucket.full(1000), 10**6)


def test_reasonable_input_is_not_refused() -> None:
    """120 GB/s, bursts of 400 GB/s for 2 ms, gaps up to 40 ms, requests up to 64 KiB, a scale of 1000."""
    extent, scale = Extent(), 1000
    rates = meter.MeterRates(120 * scale, 400 * scale, 65536 * scale, (65536 + 280 * 2_000_000) * scale)

    def step(state: meter.Meter) -> meter.Meter:
        return meter.step(state, rates, extent.span(0, 40_000_000), extent.span(scale, 65536 * scale))[1]

    check(extent, step, meter.fresh(rates), 10**9)
    assert extent.largest <= INT64_MAX


def test_growth_without_end_is_refused_when_it_gets_there() -> None:
    """A counter gains at most 2**60 a step: seven steps fit, the eighth does not."""
    extent = Extent()

    def step(state: tuple[Any]) -> tuple[Any]:
        return (state[0] + extent.span(0, 1 << 60),)

    check(extent, step, (0,), 7)
    with pytest.raises(BatchOverflow, match="after 8 of 9 steps"):
        check(Extent(), step, (0,), 9)


def test_a_slow_bounded_growth_is_seen_to_be_bounded() -> None:
    """The time ahead creeps up to its limit in a billion steps; widening sees the limit at once."""
    extent = Extent()

    def step(state: gcra.Gcra) -> gcra.Gcra:
        return gcra.step(state, extent.span(1, 1), 10**9, extent.span(0, 0))[1]

    check(extent, step, gcra.fresh(), 10**12)


@given(left=spans(), right=spans())
def test_hull(left: tuple[int, int, int], right: tuple[int, int, int]) -> None:
    extent = Extent()
    assume(left != right)
    joined = hull(extent, (extent.span(*left[::2]), True), (extent.span(*right[::2]), False))
    assert (joined[0].low, joined[0].high) == (min(left[0], right[0]), max(left[2], right[2]))
    assert isinstance(joined[1], Maybe)
