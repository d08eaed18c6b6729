"""The two-rate three-colour marker, colour-blind.

Two buckets: the committed one (rate CIR, depth CBS) and the peak one (rate PIR, depth PBS). A request that the peak
bucket does not cover is red; one that only the committed bucket does not cover is yellow; else it is green.
Source: RFC 2698, section 3.
"""

import enum
from typing import Any

import attrs

from headgate.model.algebra import all_, not_, where
from headgate.model.bucket import Bucket, full, refill
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["Colour", "Marker", "MarkerRates", "advance", "fresh", "mark", "step"]


class Colour(enum.IntEnum):
    """The colours of RFC 2698; not the two halves of in-contract traffic."""

    GREEN = 0
    YELLOW = 1
    RED = 2


@attrs.frozen
class MarkerRates:
    """Rates in bytes per ns, depths in bytes; the peak rate is at least the committed one."""

    committed_rate: Number
    committed_depth: Number
    peak_rate: Number
    peak_depth: Number


@attrs.frozen
class Marker:
    """State of the marker: its two buckets."""

    committed: Bucket
    peak: Bucket


@implements("TC-1")
def fresh(rates: MarkerRates) -> Marker:
    """Return the marker as it starts: both buckets full."""
    return Marker(full(rates.committed_depth), full(rates.peak_depth))


@implements("TC-1")
def advance(marker: Marker, rates: MarkerRates, elapsed: Number) -> Marker:
    """Return the marker after `elapsed` ns."""
    return Marker(
        refill(marker.committed, rates.committed_rate, rates.committed_depth, elapsed),
        refill(marker.peak, rates.peak_rate, rates.peak_depth, elapsed),
    )


@implements("TC-2")
def mark(marker: Marker, size: Number) -> tuple[Number, Marker]:
    """Return (colour, marker): red charges nothing, yellow the peak bucket, green both."""
    in_peak = marker.peak.level >= size
    in_committed = marker.committed.level >= size
    green = all_(in_peak, in_committed)
    colour = where(not_(in_peak), int(Colour.RED), where(green, int(Colour.GREEN), int(Colour.YELLOW)))
    charged = where(in_peak, Bucket(marker.peak.level - size), marker.peak)
    committed = where(green, Bucket(marker.committed.level - size), marker.committed)
    return colour, Marker(committed, charged)


@implements("TC-1", "TC-2")
def step(marker: Marker, rates: MarkerRates, elapsed: Number, size: Number) -> tuple[Any, Marker]:
    """Return (colour, marker) for a request of `size` bytes, `elapsed` ns after the one before it."""
    return mark(advance(marker, rates, elapsed), size)
