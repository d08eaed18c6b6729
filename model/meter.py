"""The contract meter: which requests of a tenant are in contract.

With g the guaranteed rate, p >= g the burst rate, d the burst duration and M the largest request, the ledger U holds
the bytes that a private channel of rate g would still have to send. A request is in contract iff U with it stays
within M + (p - g) d and the peak bucket (rate p, depth M, full at first) holds it.
Source: this project; the two halves are a leaky and a token bucket (Cruz 1991), their meeting is exact (CM-4).
"""

from typing import Any

import attrs

from headgate.model.algebra import all_, maximum, minimum, where
from headgate.model.bucket import Bucket, full, refill
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = [
    "Meter",
    "MeterRates",
    "advance",
    "burst_allowance",
    "conforms",
    "drain",
    "fresh",
    "is_paced",
    "offer",
    "step",
    "window_bound",
]


@attrs.frozen
class MeterRates:
    """g and p in bytes per ns, M in bytes, and `allowance` = M + (p - g) d in bytes (see `burst_allowance`)."""

    guaranteed: Number
    burst: Number
    max_request: Number
    allowance: Number


@attrs.frozen
class Meter:
    """State: the ledger U in bytes, and the peak bucket."""

    ledger: Number
    peak: Bucket


@implements("CM-2")
def burst_allowance(guaranteed: Number, burst: Number, duration: Number, max_request: Number) -> Number:
    """Return M + (p - g) d: the most that the ledger may hold."""
    return max_request + (burst - guaranteed) * duration


@implements("CM-1")
def fresh(rates: MeterRates) -> Meter:
    """Return the meter as it starts: nothing owed, the peak bucket full."""
    return Meter(0, full(rates.max_request))


@implements("CM-1")
def drain(ledger: Number, rate: Number, elapsed: Number) -> Number:
    """Return a ledger after `elapsed` ns of a private channel of `rate` bytes a ns; never below 0."""
    return maximum(0, ledger - rate * elapsed)


@implements("CM-1")
def advance(meter: Meter, rates: MeterRates, elapsed: Number) -> Meter:
    """Return the meter after `elapsed` ns."""
    ledger = drain(meter.ledger, rates.guaranteed, elapsed)
    return Meter(ledger, refill(meter.peak, rates.burst, rates.max_request, elapsed))


@implements("CM-2")
def conforms(meter: Meter, rates: MeterRates, size: Number) -> Any:
    """Return whether a request of `size` bytes is in contract now."""
    return all_(meter.ledger + size <= rates.allowance, meter.peak.level >= size)


@implements("CM-6")
def is_paced(meter: Meter) -> Any:
    """Return whether a request that is in contract now is paced (nothing owed) rather than burst."""
    return meter.ledger <= 0


@implements("CM-3")
def offer(meter: Meter, rates: MeterRates, size: Number) -> tuple[Any, Meter]:
    """Return (in contract, meter): what is in contract is charged to both halves, what is not to neither."""
    admitted = conforms(meter, rates, size)
    return admitted, where(admitted, Meter(meter.ledger + size, Bucket(meter.peak.level - size)), meter)


@implements("CM-1", "CM-3")
def step(meter: Meter, rates: MeterRates, elapsed: Number, size: Number) -> tuple[Any, Meter]:
    """Return (in contract, meter) for a request of `size` bytes, `elapsed` ns after the one before it."""
    return offer(advance(meter, rates, elapsed), rates, size)


@implements("CM-4")
def window_bound(rates: MeterRates, elapsed: Number) -> Number:
    """Return the most in-contract bytes of a closed window of `elapsed` ns: min(M + p t, M + (p - g) d + g t)."""
    return minimum(
        rates.max_request + rates.burst * elapsed,
        rates.allowance + rates.guaranteed * elapsed,
    )
