"""The refresh tax: blackouts of a memory channel, the interval between them, and the service that is left.

Every `interval` ns a blackout of `blackout` ns begins, in which nothing is served; the request in service waits and
then goes on (clause RF-1). The interval shrinks as the memory heats; its curve is irrational, so that it enters as
a rational enclosure (clause RF-5), and what is safe is computed from the end that serves less.
Sources: JESD235/JESD238 (HBM refresh); *Thermal Debt Is a Memory Problem*, section 3, for the essay's curve.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import attrs

from headgate.model.algebra import maximum, where
from headgate.spec.links import implements
from headgate.spec.units import BytesPerNs, Celsius, ExactNs, Number
from headgate.spec.vocabulary import Device, RefreshRule

__all__ = [
    "Channel",
    "Enclosure",
    "Refresh",
    "anywhere_rate_latency",
    "corrected_interval",
    "effective_rate",
    "essay_interval",
    "is_up",
    "jedec_interval",
    "most_dark_is",
    "pass_time",
    "per_bank",
    "phase_at",
    "postponed_curve",
    "postponed_rate_latency",
    "power_of_two",
    "rate_latency",
    "refresh_interval",
    "served_by",
    "service_curve",
    "table_interval",
    "until_boundary",
    "worst_refresh",
]

KNEE_C = 85
ESSAY_KNEE_C = 75
HALVING_C = 10
# Enclosures end on this grid, so that the fractions of a long simulation stay short.
GRID_PER_NS = 1000


@attrs.frozen
class Enclosure:
    """A number known to lie in [low, high]."""

    low: Fraction
    high: Fraction


@attrs.frozen
class Refresh:
    """The blackouts of a channel: one of `blackout` ns at the beginning of every `interval` ns."""

    interval: Number
    blackout: Number


@attrs.frozen
class Channel:
    """State: ns since the last blackout began, in [0, interval)."""

    phase: Number


@implements("RF-1")
def is_up(channel: Channel, refresh: Refresh) -> Any:
    """Return whether the channel serves now: the blackout is over from its last ns on."""
    return channel.phase >= refresh.blackout


@implements("RF-1")
def until_boundary(channel: Channel, refresh: Refresh) -> Number:
    """Return the ns until the blackout ends, or, outside one, until the next begins."""
    return where(is_up(channel, refresh), refresh.interval - channel.phase, refresh.blackout - channel.phase)


@implements("RF-1")
def pass_time(channel: Channel, refresh: Refresh, elapsed: Number) -> tuple[Number, Channel]:
    """Return (ns of service, channel) after `elapsed` ns; `elapsed` is at most `until_boundary`."""
    served = where(is_up(channel, refresh), elapsed, 0)
    phase = channel.phase + elapsed
    return served, Channel(where(phase >= refresh.interval, 0, phase))


def phase_at(refresh: Refresh, offset: ExactNs, now: ExactNs) -> Channel:
    """Return the channel at `now`, if a blackout begins at -`offset` (integers and Fractions only)."""
    return Channel((now + offset) % refresh.interval)


@implements("RF-2")
def service_curve(refresh: Refresh, periods: Number, rest: Number) -> Number:
    """Return the least ns of service in any window of `periods` intervals and `rest` ns, 0 <= rest < interval."""
    return periods * (refresh.interval - refresh.blackout) + maximum(0, rest - refresh.blackout)


@implements("RF-3")
def rate_latency(refresh: Refresh, elapsed: Number) -> Number:
    """Return interval times the ns of service that (1 - blackout / interval)(elapsed - blackout) promises."""
    return (refresh.interval - refresh.blackout) * (elapsed - refresh.blackout)


@implements("RF-10")
def postponed_curve(refresh: Refresh, periods: Number, rest: Number, postponed: Number) -> Number:
    """Return the least ns of service in such a window if up to `postponed` refreshes may be put off at a time."""
    return maximum(0, service_curve(refresh, periods, rest) - postponed * refresh.blackout)


@implements("RF-10")
def postponed_rate_latency(refresh: Refresh, elapsed: Number, postponed: Number) -> Number:
    """Return interval times the ns of service that the rate promises after B + m B / (1 - B / interval)."""
    return rate_latency(refresh, elapsed) - postponed * refresh.blackout * refresh.interval


@implements("RF-12")
def anywhere_rate_latency(refresh: Refresh, elapsed: Number) -> Number:
    """Return interval times the ns of service that (1 - blackout / interval)(elapsed - 2 blackout) promises."""
    return (refresh.interval - refresh.blackout) * (elapsed - 2 * refresh.blackout)


@implements("RF-11")
def per_bank(interval: Number, blackout: Number, banks: Number) -> Refresh:
    """Return the blackouts of one bank, if every `interval` ns the next of the `banks` is refreshed for `blackout`."""
    return Refresh(interval * banks, blackout)


@implements("RF-11")
def most_dark_is(interval: Number, blackout: Number, banks: Number) -> Any:
    """Return whether never more than `banks` of the banks are dark at a time."""
    return blackout <= banks * interval


@implements("RF-5")
def power_of_two(exponent: Fraction) -> Enclosure:
    """Return a rational enclosure of 2**exponent, some 1e-17 wide relative to its value.

    The fraction of the exponent is taken bit by bit: 2**(1/2), 2**(1/4), ... are square roots of integers, rounded
    down for the low end and up for the high one.
    """
    whole = math.floor(exponent)
    bits, scale = 64, 1 << 128
    rest = math.floor((exponent - whole) * (1 << bits))
    low = high = scale
    root_low = root_high = 2 * scale
    for position in range(bits - 1, -1, -1):
        root_low = math.isqrt(root_low * scale)
        root_high = math.isqrt(root_high * scale) + 1
        if rest >> position & 1:
            low = low * root_low // scale
            high = high * root_high // scale + 1
    exact = rest == (exponent - whole) * (1 << bits)
    if not exact:
        high = high * root_high // scale + 1
    shift = Fraction(2) ** whole
    if low == scale and exact:
        return Enclosure(shift, shift)
    return Enclosure(shift * Fraction(low, scale), shift * Fraction(high, scale))


@implements("RF-4")
def corrected_interval(base: ExactNs, temperature: Celsius) -> Enclosure:
    """Return tREFI in ns: `base` up to 85 C, halved for every 10 C above."""
    return _halved(base, temperature - KNEE_C) if temperature > KNEE_C else Enclosure(base, base)


@implements("RF-6")
def essay_interval(base: ExactNs, temperature: Celsius) -> Enclosure:
    """Return tREFI in ns as the essay writes it: `base` below 75 C, from there on 2 base 2**(-(T - 75)/10).

    *Thermal Debt Is a Memory Problem*, section 3: at 75 C the interval jumps up by a factor of two.
    """
    if temperature < ESSAY_KNEE_C:
        return Enclosure(base, base)
    return _halved(2 * base, temperature - ESSAY_KNEE_C)


@implements("RF-8")
def jedec_interval(base: ExactNs, temperature: Celsius) -> Enclosure:
    """Return tREFI in ns by JEDEC's two steps: `base` up to 85 C, half of it above."""
    interval = where(temperature > KNEE_C, base / 2, base)
    return Enclosure(interval, interval)


@implements("RF-9")
def table_interval(table: Sequence[tuple[Celsius, ExactNs]], temperature: Celsius) -> Enclosure:
    """Return the interval of the first line (up to which temperature, interval) that covers `temperature`.

    The last line holds for all that is hotter.
    """
    interval = table[-1][1]
    for limit, line in reversed(table):
        interval = where(temperature <= limit, line, interval)
    return Enclosure(interval, interval)


def _halved(base: ExactNs, degrees: Celsius) -> Enclosure:
    factor = power_of_two(-Fraction(degrees) / HALVING_C)
    low = Fraction(math.floor(base * factor.low * GRID_PER_NS), GRID_PER_NS)
    high = Fraction(math.ceil(base * factor.high * GRID_PER_NS), GRID_PER_NS)
    return Enclosure(low, high)


@implements("RF-4", "RF-6", "RF-8", "RF-9")
def refresh_interval(device: Device, temperature: Celsius) -> Enclosure:
    """Return the device's tREFI at `temperature`, by the rule that it declares."""
    if device.refresh_rule is RefreshRule.ESSAY:
        return essay_interval(device.base_interval_ns, temperature)
    if device.refresh_rule is RefreshRule.JEDEC:
        return jedec_interval(device.base_interval_ns, temperature)
    if device.refresh_rule is RefreshRule.TABLE:
        return table_interval(device.refresh_table, temperature)
    return corrected_interval(device.base_interval_ns, temperature)


@implements("RF-5")
def worst_refresh(device: Device, temperature: Celsius) -> Refresh:
    """Return the blackouts at `temperature`, from the end of the enclosure that serves less."""
    return Refresh(refresh_interval(device, temperature).low, device.blackout_ns)


@implements("RF-7")
def served_by(peak: Number, refresh: Refresh) -> Number:
    """Return the bytes that a channel of `peak` bytes a ns serves in one refresh interval."""
    return peak * (refresh.interval - refresh.blackout)


@implements("RF-7")
def effective_rate(device: Device, temperature: Celsius) -> BytesPerNs:
    """Return the long-run rate that is left at `temperature`, never more than the true one; 0 if none is left."""
    refresh = worst_refresh(device, temperature)
    # An interval of less than the grid is taken for none.
    if refresh.interval <= refresh.blackout:
        return Fraction(0)
    rate: Fraction = served_by(device.peak_bytes_per_ns, refresh) / Fraction(refresh.interval)
    return rate
