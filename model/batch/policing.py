"""Buckets, meters and refresh on arrays. Scale so that a rate times a time is in the units of the sizes."""

from typing import Any

import numpy.typing as npt

from headgate.model import bucket, gcra, marker, meter, promise, refresh
from headgate.model.batch.arrays import Integers, Truths, run
from headgate.spec.units import Number

__all__ = ["run_bucket", "run_essay_bucket", "run_gcra", "run_ledger", "run_marker", "run_meter", "run_refresh"]


def run_bucket(rate: Number, depth: Number, elapsed: npt.ArrayLike, sizes: npt.ArrayLike) -> Truths:
    """Return which requests a token bucket admits, full at first; `elapsed` is the time since the one before."""

    def step(state: bucket.Bucket, own: Any, time: Number, size: Number) -> tuple[Any, bucket.Bucket]:
        return bucket.step(state, own[0], own[1], time, size)

    return run(lambda own: bucket.full(own[1]), step, (rate, depth), elapsed, sizes)


def run_essay_bucket(
    rate: Number, depth: Number, sum_of_rates: Number, capacity: Number, elapsed: npt.ArrayLike, sizes: npt.ArrayLike
) -> Truths:
    """Return which requests the essay's bucket admits at once, full at first."""

    def step(state: bucket.Bucket, own: Any, time: Number, size: Number) -> tuple[Any, bucket.Bucket]:
        return bucket.essay_offer(bucket.refill(state, own[0], own[1], time), size, own[2], own[3])

    return run(lambda own: bucket.full(own[1]), step, (rate, depth, sum_of_rates, capacity), elapsed, sizes)


def run_marker(rates: marker.MarkerRates, elapsed: npt.ArrayLike, sizes: npt.ArrayLike) -> Integers:
    """Return the colour of every request (`marker.Colour`)."""
    return run(marker.fresh, marker.step, rates, elapsed, sizes)


def run_gcra(limit: Number, elapsed: npt.ArrayLike, costs: npt.ArrayLike) -> Truths:
    """Return which requests conform; a cost is a size over the rate, in the unit of time."""

    def step(state: gcra.Gcra, own: Any, time: Number, cost: Number) -> tuple[Any, gcra.Gcra]:
        return gcra.step(state, cost, own[0], time)

    return run(lambda own: gcra.fresh(), step, (limit,), elapsed, costs)


def run_meter(rates: meter.MeterRates, elapsed: npt.ArrayLike, sizes: npt.ArrayLike) -> Truths:
    """Return which requests are in contract; those that are not are not charged."""
    return run(meter.fresh, meter.step, rates, elapsed, sizes)


def run_ledger(rate: Number, elapsed: npt.ArrayLike, sizes: npt.ArrayLike) -> Integers:
    """Return X before every request, all of them served in line: the expected arrival is A + X / g."""

    def step(ledger: Number, own: Any, time: Number, size: Number) -> tuple[Any, Any]:
        return promise.charge(ledger, own[0], time, size)

    return run(lambda own: 0, step, (rate,), elapsed, sizes)


def run_refresh(blackouts: refresh.Refresh, phase: Number, elapsed: npt.ArrayLike) -> Integers:
    """Return the time served in every stretch of `elapsed`; none may cross a boundary of a blackout."""

    def step(channel: refresh.Channel, own: Any, time: Number) -> tuple[Any, refresh.Channel]:
        return refresh.pass_time(channel, own[0], time)

    return run(lambda own: refresh.Channel(own[1]), step, (blackouts, phase), elapsed)
