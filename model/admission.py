"""Admission of bandwidth: which sets of guarantees a device can keep.

*Multi-Tenant KV Fabrics*, section 11, admits up to 0.85 of the capacity; what is safe is the effective rate at the
hottest temperature of the range, since the corrected interval never grows with temperature (clause RF-4).
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from headgate.model.refresh import effective_rate
from headgate.spec.links import implements
from headgate.spec.units import BytesPerNs, Celsius, Number
from headgate.spec.vocabulary import Device

__all__ = ["ESSAY_SHARE", "admits", "essay_admits", "essay_rule_is_safe", "safe_capacity"]

ESSAY_SHARE = Fraction(85, 100)


@implements("AD-1")
def admits(guarantees: Sequence[Number], capacity: Number) -> Any:
    """Return whether the guarantees (bytes per ns) sum to at most `capacity`."""
    return sum(guarantees) <= capacity


@implements("AD-2")
def essay_admits(guarantees: Sequence[Number], peak: Number) -> Any:
    """Return whether the essay's rule admits the guarantees: they sum to at most 0.85 of the peak rate."""
    return sum(guarantees) <= ESSAY_SHARE * peak


@implements("AD-2")
def essay_rule_is_safe(blackout: Number, interval: Number) -> Any:
    """Return whether 0.85 of the peak rate is there: iff the refresh takes at most 0.15 of the time."""
    return blackout <= (1 - ESSAY_SHARE) * interval


@implements("AD-1")
def safe_capacity(device: Device, hottest: Celsius) -> BytesPerNs:
    """Return the rate that is there at every temperature up to `hottest` (corrected interval only)."""
    return effective_rate(device, hottest)
