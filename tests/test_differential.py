"""Integers, Z3 on constants, numpy and the plain oracle say the same: policing, the promise and refresh."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from headgate.model import bucket, gcra, marker, meter, promise, refresh
from headgate.model.algebra import each
from headgate.model.batch import (
    common_scale,
    run_bucket,
    run_essay_bucket,
    run_gcra,
    run_ledger,
    run_marker,
    run_meter,
    run_refresh,
    scaled,
)
from headgate.proofs.symbolic import symbolic, value
from headgate.properties import oracles
from headgate.properties.oracles import bucket as bucket_oracle
from headgate.properties.oracles import gcra as gcra_oracle
from headgate.properties.oracles import marker as marker_oracle
from headgate.properties.oracles import meter as meter_oracle
from headgate.properties.oracles import promise as promise_oracle
from headgate.properties.oracles import refresh as refresh_oracle
from headgate.tests.interpreters import (
    Rows,
    Step,
    clocked,
    columns,
    fewer,
    gaps,
    lanes_of,
    on_numbers,
    on_terms,
    rates,
    real,
    scale_of,
    schedules,
)

LARGEST = 8

depths = st.one_of(st.integers(1, 20).map(Fraction), st.fractions(1, 20, max_denominator=3))


def agree_on_terms(start: Any, step: Step, rows: Rows) -> None:
    """Assert that Z3 on constants answers like the integers."""
    assert on_terms(start, step, rows) == on_numbers(start, step, rows)


def scales(rows_of_lanes: list[Rows], numbers: list[Fraction]) -> tuple[int, int]:
    """Return a scale for times and one for rates; sizes take their product."""
    return scale_of(rows_of_lanes, 0), common_scale(numbers)


# The bucket.


def bucket_step(rate: Fraction, depth: Fraction) -> Step:
    def step(state: Any, gap: Any, size: Any) -> tuple[Any, Any]:
        return bucket.step(state, rate, depth, gap, size)

    return step


# The third request finds exactly its size; the fourth comes with it; then one byte too many after an idle spell.
@example(
    rows=[(Fraction(0), 8), (Fraction(2), 2), (Fraction(0), 1), (Fraction(1000), 9)],
    rate=Fraction(1),
    depth=Fraction(8),
)
@given(rows=schedules(LARGEST), rate=rates(), depth=depths)
def test_bucket(rows: Rows, rate: Fraction, depth: Fraction) -> None:
    lanes = lanes_of(rows)
    expected = [on_numbers(bucket.full(depth), bucket_step(rate, depth), lane) for lane in lanes]
    for lane, answers in zip(lanes, expected, strict=True):
        assert answers == bucket_oracle.admitted(clocked(lane), rate, depth)
        assert answers == bucket_oracle.admitted_by_windows(clocked(lane), rate, depth)
    time, speed = scales(lanes, [rate, depth])
    (rate_,), (depth_,) = scaled([rate], speed), scaled([depth], time * speed)
    got = run_bucket(rate_, depth_, columns(lanes, 0, time), columns(lanes, 1, time * speed))
    assert got.T.tolist() == expected


@fewer()
@given(rows=schedules(LARGEST), rate=rates(), depth=depths)
def test_bucket_on_terms(rows: Rows, rate: Fraction, depth: Fraction) -> None:
    agree_on_terms(bucket.full(depth), bucket_step(rate, depth), rows)


def essay_step(rate: Fraction, duration: Fraction, total: Fraction, capacity: Fraction) -> Step:
    depth = bucket.essay_depth(rate, duration)

    def step(state: Any, gap: Any, size: Any) -> tuple[Any, Any]:
        return bucket.essay_offer(bucket.refill(state, rate, depth, gap), size, total, capacity)

    return step


@given(rows=schedules(LARGEST), rate=rates(), duration=rates(), total=rates(), capacity=rates())
def test_essay_bucket(rows: Rows, rate: Fraction, duration: Fraction, total: Fraction, capacity: Fraction) -> None:
    lanes, depth = lanes_of(rows), bucket.essay_depth(rate, duration)
    step = essay_step(rate, duration, total, capacity)
    expected = [on_numbers(bucket.full(depth), step, lane) for lane in lanes]
    for lane, answers in zip(lanes, expected, strict=True):
        assert answers == bucket_oracle.essay_admitted(clocked(lane), rate, duration, total, capacity)
    time, speed = scales(lanes, [rate, depth, total, capacity])
    rate_, total_, capacity_ = scaled([rate, total, capacity], speed)
    (depth_,) = scaled([depth], time * speed)
    rows_ = columns(lanes, 0, time), columns(lanes, 1, time * speed)
    got = run_essay_bucket(rate_, depth_, total_, capacity_, *rows_)
    assert got.T.tolist() == expected


@fewer()
@given(rows=schedules(LARGEST), rate=rates(), duration=rates(), total=rates(), capacity=rates())
def test_essay_bucket_on_terms(
    rows: Rows, rate: Fraction, duration: Fraction, total: Fraction, capacity: Fraction
) -> None:
    depth = bucket.essay_depth(rate, duration)
    agree_on_terms(bucket.full(depth), essay_step(rate, duration, total, capacity), rows)


# The marker.


def marker_step(rates_: marker.MarkerRates) -> Step:
    def step(state: Any, gap: Any, size: Any) -> tuple[Any, Any]:
        return marker.step(state, rates_, gap, size)

    return step


@st.composite
def marker_rates(draw: st.DrawFn) -> marker.MarkerRates:
    """Draw rates and depths, the peak rate at least the committed one."""
    cir = draw(rates())
    return marker.MarkerRates(cir, draw(depths), cir + draw(rates()) - Fraction(1, 4), draw(depths))


@given(rows=schedules(LARGEST), rates_=marker_rates())
def test_marker(rows: Rows, rates_: marker.MarkerRates) -> None:
    lanes = lanes_of(rows)
    cir, cbs, pir, pbs = (rates_.committed_rate, rates_.committed_depth, rates_.peak_rate, rates_.peak_depth)
    expected = [on_numbers(marker.fresh(rates_), marker_step(rates_), lane) for lane in lanes]
    for lane, answers in zip(lanes, expected, strict=True):
        names = [marker.Colour(answer).name.lower() for answer in answers]
        assert names == marker_oracle.colours(clocked(lane), cir, cbs, pir, pbs)
    time, speed = scales(lanes, [cir, cbs, pir, pbs])
    cir_, pir_ = scaled([cir, pir], speed)
    cbs_, pbs_ = scaled([cbs, pbs], time * speed)
    got = run_marker(
        marker.MarkerRates(cir_, cbs_, pir_, pbs_), columns(lanes, 0, time), columns(lanes, 1, time * speed)
    )
    assert got.T.tolist() == expected


@fewer()
@given(rows=schedules(LARGEST), rates_=marker_rates())
def test_marker_on_terms(rows: Rows, rates_: marker.MarkerRates) -> None:
    agree_on_terms(marker.fresh(rates_), marker_step(rates_), rows)


# The cell rate algorithm.


def gcra_step(limit: Fraction) -> Step:
    def step(state: Any, gap: Any, cost: Any) -> tuple[Any, Any]:
        return gcra.step(state, cost, limit, gap)

    return step


@given(rows=st.lists(st.tuples(gaps(), rates()), min_size=1, max_size=12), limit=depths)
def test_gcra(rows: Rows, limit: Fraction) -> None:
    lanes = lanes_of(rows)
    expected = [on_numbers(gcra.fresh(), gcra_step(limit), lane) for lane in lanes]
    for lane, answers in zip(lanes, expected, strict=True):
        assert answers == gcra_oracle.conforming(clocked(lane), limit)
    time = common_scale([limit, *[number for row in rows for number in row]])
    got = run_gcra(scaled([limit], time)[0], columns(lanes, 0, time), columns(lanes, 1, time))
    assert got.T.tolist() == expected


@fewer()
@given(rows=st.lists(st.tuples(gaps(), rates()), min_size=1, max_size=12), limit=depths)
def test_gcra_on_terms(rows: Rows, limit: Fraction) -> None:
    agree_on_terms(gcra.fresh(), gcra_step(limit), rows)


# The contract meter and the promise.


def meter_step(rates_: meter.MeterRates) -> Step:
    def step(state: Any, gap: Any, size: Any) -> tuple[Any, Any]:
        return meter.step(state, rates_, gap, size)

    return step


contracts = st.tuples(rates(), st.one_of(st.just(Fraction(0)), rates()), st.one_of(st.just(Fraction(0)), rates()))


# A full burst: p for d from an empty ledger is in contract to the last byte, and the next byte is not.
@example(
    rows=[(Fraction(0), 8), (Fraction(2), 8), (Fraction(2), 8), (Fraction(2), 8)],
    contract=(Fraction(1), Fraction(3), Fraction(4)),
)
@given(rows=schedules(LARGEST), contract=contracts)
def test_meter(rows: Rows, contract: tuple[Fraction, Fraction, Fraction]) -> None:
    g, surplus, d = contract
    p, lanes = g + surplus, lanes_of(rows)
    rates_ = meter.MeterRates(g, p, LARGEST, meter.burst_allowance(g, p, d, LARGEST))
    expected = [on_numbers(meter.fresh(rates_), meter_step(rates_), lane) for lane in lanes]
    for lane, answers in zip(lanes, expected, strict=True):
        assert answers == meter_oracle.in_contract(clocked(lane), g, p, d, LARGEST)
        assert answers == meter_oracle.in_contract_by_windows(clocked(lane), g, p, d, LARGEST)
    time, speed = scales(lanes, [g, p, rates_.allowance])
    g_, p_ = scaled([g, p], speed)
    m_, allowance_ = scaled([LARGEST, rates_.allowance], time * speed)
    got = run_meter(meter.MeterRates(g_, p_, m_, allowance_), columns(lanes, 0, time), columns(lanes, 1, time * speed))
    assert got.T.tolist() == expected


@fewer()
@given(rows=schedules(LARGEST), contract=contracts)
def test_meter_on_terms(rows: Rows, contract: tuple[Fraction, Fraction, Fraction]) -> None:
    g, surplus, d = contract
    rates_ = meter.MeterRates(g, g + surplus, LARGEST, meter.burst_allowance(g, g + surplus, d, LARGEST))
    agree_on_terms(meter.fresh(rates_), meter_step(rates_), rows)


def ledger_step(rate: Fraction) -> Step:
    def step(ledger: Any, gap: Any, size: Any) -> tuple[Any, Any]:
        return promise.charge(ledger, rate, gap, size)

    return step


@given(rows=schedules(LARGEST), g=rates())
def test_expected_arrivals(rows: Rows, g: Fraction) -> None:
    lanes = lanes_of(rows)
    expected = [on_numbers(0, ledger_step(g), lane) for lane in lanes]
    for lane, ledgers in zip(lanes, expected, strict=True):
        requests = clocked(lane)
        assert ledgers == promise_oracle.ledgers(requests, g)
        arrivals = [promise.expected_arrival(at, X, 1 / g) for (at, _), X in zip(requests, ledgers, strict=True)]
        assert arrivals == promise_oracle.expected_arrivals(requests, g)
        assert arrivals == promise_oracle.expected_arrivals_by_windows(requests, g)
    time, speed = scales(lanes, [g])
    got = run_ledger(scaled([g], speed)[0], columns(lanes, 0, time), columns(lanes, 1, time * speed))
    assert [[Fraction(X, time * speed) for X in lane] for lane in got.T.tolist()] == expected


@fewer()
@given(rows=schedules(LARGEST), g=rates())
def test_expected_arrivals_on_terms(rows: Rows, g: Fraction) -> None:
    agree_on_terms(0, ledger_step(g), rows)
    recursion = promise_oracle.expected_arrivals(clocked(rows), g)
    costs = [Fraction(0), *[Fraction(size) / g for _, size in rows[:-1]]]

    def step(previous: Any, arrival: Any, cost: Any) -> tuple[Any, Any]:
        expected = promise.goyal_expected_arrival(arrival, previous, cost)
        return expected, expected

    goyal = [(at, cost) for (at, _), cost in zip(clocked(rows), costs, strict=True)]
    assert on_numbers(Fraction(0), step, goyal) == recursion
    agree_on_terms(Fraction(0), step, goyal)


# Refresh.


@st.composite
def blackouts(draw: st.DrawFn) -> tuple[refresh.Refresh, Fraction]:
    """Draw an interval, a blackout (possibly none, possibly all of it) and a phase, boundaries often."""
    part = draw(st.sampled_from((1, 1, 2, 3)))
    interval = draw(st.integers(1, 12))
    blackout = draw(st.integers(0, interval))
    phase = draw(st.one_of(st.just(0), st.just(min(blackout, interval - 1)), st.integers(0, interval - 1)))
    return refresh.Refresh(Fraction(interval, part), Fraction(blackout, part)), Fraction(phase, part)


def stretches(blackouts_: refresh.Refresh, phase: Fraction, wanted: list[Fraction]) -> Rows:
    """Return `wanted`, each cut at the boundary of a blackout that it would cross."""
    rows, now = [], phase
    for elapsed in wanted:
        begun = now % blackouts_.interval
        boundary = blackouts_.blackout if begun < blackouts_.blackout else blackouts_.interval
        assert refresh.until_boundary(refresh.Channel(begun), blackouts_) == boundary - begun
        cut = min(elapsed, boundary - begun)
        rows.append((cut,))
        now += cut
    return rows


@given(drawn=blackouts(), wanted=st.lists(gaps(), min_size=1, max_size=12))
def test_time_passes_alike(drawn: tuple[refresh.Refresh, Fraction], wanted: list[Fraction]) -> None:
    blackouts_, phase = drawn
    rows = stretches(blackouts_, phase, wanted)

    def step(channel: Any, elapsed: Any) -> tuple[Any, Any]:
        return refresh.pass_time(channel, blackouts_, elapsed)

    served = on_numbers(refresh.Channel(phase), step, rows)
    scale = common_scale([blackouts_.interval, blackouts_.blackout, phase, *[row[0] for row in rows]])
    interval, blackout, begin = scaled([blackouts_.interval, blackouts_.blackout, phase], scale)
    now = begin
    for answer, elapsed in zip(served, scaled([row[0] for row in rows], scale), strict=True):
        assert answer * scale == refresh_oracle.service(now, elapsed, interval, blackout)
        now += elapsed
    got = run_refresh(refresh.Refresh(interval, blackout), begin, columns([rows], 0, scale))
    assert [Fraction(answer, scale) for answer in got[:, 0].tolist()] == served


@fewer()
@given(drawn=blackouts(), wanted=st.lists(gaps(), min_size=1, max_size=12))
def test_time_passes_alike_on_terms(drawn: tuple[refresh.Refresh, Fraction], wanted: list[Fraction]) -> None:
    blackouts_, phase = drawn

    def step(channel: Any, elapsed: Any) -> tuple[Any, Any]:
        return refresh.pass_time(channel, blackouts_, elapsed)

    agree_on_terms(refresh.Channel(phase), step, stretches(blackouts_, phase, wanted))


@given(interval=st.integers(1, 9), dark=st.integers(0, 9), length=st.integers(0, 30))
def test_service_curve(interval: int, dark: int, length: int) -> None:
    assume(dark <= interval)
    blackouts_ = refresh.Refresh(interval, dark)
    least = refresh_oracle.least_service(length, interval, dark)
    assert refresh.service_curve(blackouts_, length // interval, length % interval) == least
    periods, rest = np.divmod(np.arange(length + 1), interval)
    curve = [refresh_oracle.least_service(t, interval, dark) for t in range(length + 1)]
    assert refresh.service_curve(blackouts_, periods, rest).tolist() == curve


@given(interval=st.integers(2, 5), dark=st.integers(1, 4), most=st.integers(0, 2), length=st.integers(0, 18))
def test_postponed_curve(interval: int, dark: int, most: int, length: int) -> None:
    assume(dark < interval)
    blackouts_ = refresh.Refresh(interval, dark)
    least = length - refresh_oracle.most_dark(length, interval, dark, most)
    periods, rest = divmod(length, interval)
    assert refresh.postponed_curve(blackouts_, periods, rest, most) == least
    assert refresh.postponed_curve(blackouts_, np.array([periods]), np.array([rest]), most).tolist() == [least]
    with symbolic():
        numbers = [real(number) for number in (periods, rest, most)]
        curve = refresh.postponed_curve(each(real, blackouts_), *numbers)
    assert value(curve) == least


@given(
    limits=st.lists(st.integers(0, 40), min_size=1, max_size=4, unique=True),
    intervals=st.lists(st.integers(1, 99), min_size=4, max_size=4),
    temperature=st.fractions(-1, 42, max_denominator=2),
)
def test_interval_by_lines(limits: list[int], intervals: list[int], temperature: Fraction) -> None:
    table = [(Fraction(limit), Fraction(interval)) for limit, interval in zip(sorted(limits), intervals, strict=False)]
    by_line = refresh.table_interval(table, temperature)
    assert by_line.low == by_line.high == refresh_oracle.interval_at([*table], temperature)
    two = [(Fraction(85), Fraction(intervals[0])), (Fraction(1000), Fraction(intervals[0], 2))]
    stepped = refresh.jedec_interval(Fraction(intervals[0]), 2 * temperature + 40)
    assert stepped.low == stepped.high == refresh_oracle.interval_at([*two], 2 * temperature + 40)


temperatures = st.one_of(
    st.sampled_from([Fraction(t) for t in (74, 75, 76, 85, 86, 95, 105)]),
    st.fractions(60, 110, max_denominator=20),
)


@pytest.mark.parametrize("base", [Fraction(3900), Fraction(7800), Fraction(39, 10)])
@given(temperature=temperatures)
def test_refresh_interval_encloses_the_curve(base: Fraction, temperature: Fraction) -> None:
    corrected = refresh.corrected_interval(base, temperature)
    if temperature <= 85:
        assert corrected.low == corrected.high == base
    else:
        assert refresh_oracle.encloses_halving(corrected.low, corrected.high, base, temperature - 85)
    essay = refresh.essay_interval(base, temperature)
    if temperature < 75:
        assert essay.low == essay.high == base
    else:
        assert refresh_oracle.encloses_halving(essay.low, essay.high, 2 * base, temperature - 75)
    # The grid is a thousandth of a ns; an enclosure spans at most two of its cells.
    assert max(corrected.high - corrected.low, essay.high - essay.low) <= Fraction(2, 1000)


def test_oracles_stand_alone() -> None:
    """What checks the model may not lean on it."""
    for path in sorted(p for p in __import__("pathlib").Path(oracles.__path__[0]).glob("*.py")):
        assert "headgate.model" not in path.read_text("utf-8"), path.name
