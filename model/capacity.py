"""Capacity: what a device keeps for its tenants, up to which temperature, and how many tenants that is.

Refresh, migration and bubbles each take a share of the peak rate. The interval between refreshes is irrational at
most temperatures, so that a temperature at which a set stops being admissible comes as a rational enclosure.
Sources: *Thermal Debt Is a Memory Problem*, for the curve, the migrations and the bubbles;
*Multi-Tenant KV Fabrics*, section 11, for the rule of 0.85.
"""

import math
from fractions import Fraction

import attrs

from headgate.model.admission import ESSAY_SHARE, Room
from headgate.model.refresh import HALVING_C, KNEE_C, Enclosure, Refresh, effective_rate, power_of_two, served_by
from headgate.spec.links import implements
from headgate.spec.units import BytesPerNs, Celsius, ExactNs
from headgate.spec.vocabulary import Device

__all__ = [
    "HOTTEST_C",
    "NO_LOSSES",
    "Losses",
    "Supply",
    "admissible_below",
    "essay_fitting",
    "first_miss",
    "fits_at",
    "fitting",
    "kept_share",
    "longest_dark",
    "room_of",
    "supply",
]

# The range in which a threshold is looked for: the reader's own.
COLDEST_C, HOTTEST_C = Fraction(-40), Fraction(150)
THRESHOLD_WIDTH_C = Fraction(1, 1000)


@attrs.frozen
class Losses:
    """What is lost beside refresh: a share to migration; of every `period_ns` a bubble of `bubble_ns` (0: none)."""

    migration: Fraction = Fraction(0)
    bubble_ns: ExactNs = Fraction(0)
    period_ns: ExactNs = Fraction(1)


NO_LOSSES = Losses()


@attrs.frozen
class Supply:
    """What is left for the tenants: at least `rate` (t - `blackout_ns`) bytes in every window of t ns."""

    rate: BytesPerNs
    blackout_ns: ExactNs


@implements("BD-11")
def kept_share(losses: Losses) -> Fraction:
    """Return (1 - migration) (1 - bubble / period): the share of the effective rate that is kept."""
    return (1 - losses.migration) * (1 - losses.bubble_ns / losses.period_ns)


@implements("BD-11")
def longest_dark(losses: Losses, blackout: ExactNs) -> ExactNs:
    """Return bubble + B / (1 - bubble / period): a bubble, and then a blackout, which other bubbles stretch."""
    return losses.bubble_ns + blackout / (1 - losses.bubble_ns / losses.period_ns)


@implements("AD-4")
def room_of(peak: BytesPerNs, refresh: Refresh, losses: Losses = NO_LOSSES) -> Room:
    """Return what a device of `peak` bytes per ns has for guarantees, with one interval between refreshes."""
    refreshed = Fraction(served_by(peak, refresh)) / refresh.interval
    return Room(peak, refreshed, refreshed * kept_share(losses))


@implements("BD-11")
def supply(device: Device, hottest: Celsius, losses: Losses = NO_LOSSES) -> Supply:
    """Return the rate and the latency that hold at every temperature up to `hottest`.

    The interval is at its longest when cold, and the essay's curve grows once on the way, so both ends count.
    """
    rate = min(effective_rate(device, hottest), effective_rate(device, min(COLDEST_C, hottest)))
    return Supply(rate * kept_share(losses), longest_dark(losses, device.blackout_ns))


# ---- temperature ----


@implements("BD-9")
def fits_at(device: Device, total: BytesPerNs, temperature: Celsius, losses: Losses = NO_LOSSES) -> bool | None:
    """Return whether guarantees of `total` fit the corrected curve at `temperature`; None where its enclosure is open.

    They fit iff B <= (1 - total / what is kept of the peak) tREFI(T).
    """
    spare = 1 - total / (device.peak_bytes_per_ns * kept_share(losses))
    factor = power_of_two(-max(Fraction(0), temperature - KNEE_C) / HALVING_C)
    if device.blackout_ns <= spare * device.base_interval_ns * factor.low:
        return True
    return None if device.blackout_ns <= spare * device.base_interval_ns * factor.high else False


@implements("BD-9")
def admissible_below(device: Device, total: BytesPerNs, losses: Losses = NO_LOSSES) -> Enclosure | None:
    """Return an enclosure, at most 0.001 C wide, of the hottest temperature at which guarantees of `total` fit.

    None if they fit up to 150 C; below -40 C, where they fit at no temperature, both ends are -40 C. The essay's
    interval is nowhere shorter than the corrected one and equal to it from 85 C, so it has the same threshold.
    """
    low, high = COLDEST_C, HOTTEST_C
    if fits_at(device, total, low, losses) is not True:
        return Enclosure(low, low)
    if fits_at(device, total, high, losses) is not False:
        return None
    while high - low > THRESHOLD_WIDTH_C:
        middle, fits = _decided(device, total, losses, low, high)
        low, high = (middle, high) if fits else (low, middle)
    return Enclosure(low, high)


def _decided(device: Device, total: BytesPerNs, losses: Losses, low: Celsius, high: Celsius) -> tuple[Celsius, bool]:
    """Return a temperature inside (low, high) and whether the guarantees fit there.

    The curve is open only within some 1e-16 of one temperature, so that of two one is decided.
    """
    for share in (Fraction(1, 2), Fraction(1, 3)):
        middle = low + (high - low) * share
        fits = fits_at(device, total, middle, losses)
        if fits is not None:
            return middle, fits
    raise ArithmeticError(f"expected an enclosure that decides between {low} and {high} C")


# ---- how many ----


@implements("BD-10")
def fitting(guaranteed: BytesPerNs, rate: BytesPerNs, taken: BytesPerNs = Fraction(0)) -> int:
    """Return how many tenants of `guaranteed` fit into `rate` beside guarantees that sum to `taken`."""
    return max(0, math.floor((rate - taken) / guaranteed))


@implements("BD-12")
def essay_fitting(guaranteed: BytesPerNs, peak: BytesPerNs) -> int:
    """Return how many tenants of `guaranteed` the essay's rule admits: 0.85 of the peak rate, whatever is left."""
    return fitting(guaranteed, ESSAY_SHARE * peak)


@implements("BD-12")
def first_miss(total: BytesPerNs, rate: BytesPerNs, latency: ExactNs) -> tuple[ExactNs, ExactNs] | None:
    """Return (arrival, departure) of the first bytes that are later by `latency`, if all send their guarantees.

    Fluid, from 0 on, at the mean rate: what came by t is served at t total / rate. None where the rate suffices.
    """
    if total <= rate:
        return None
    arrival = latency * rate / (total - rate)
    return arrival, arrival + latency
