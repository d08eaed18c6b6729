"""Admission of bandwidth: which sets of guarantees a device can keep.

*Multi-Tenant KV Fabrics*, section 11, admits up to 0.85 of the capacity; what is safe is the effective rate at the
hottest temperature of the range, since the corrected interval never grows with temperature (clause RF-4).
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import attrs

from headgate.model.algebra import where
from headgate.model.refresh import effective_rate
from headgate.spec.links import implements
from headgate.spec.units import BytesPerNs, Celsius, Number
from headgate.spec.vocabulary import Device

__all__ = [
    "ESSAY_SHARE",
    "RULES",
    "Admitted",
    "Room",
    "admits",
    "check",
    "commit",
    "essay_admits",
    "essay_rule_is_safe",
    "peak_admits",
    "release",
    "request",
    "safe_capacity",
]

ESSAY_SHARE = Fraction(85, 100)


@implements("AD-1")
def admits(guarantees: Sequence[Number], capacity: Number) -> Any:
    """Return whether the guarantees (bytes per ns) sum to at most `capacity`."""
    return sum(guarantees) <= capacity


@attrs.frozen
class Admitted:
    """State of the gate: the sum of the guarantees that have been admitted, in bytes per ns."""

    total: Number


@implements("AD-3")
def check(state: Admitted, guarantee: Number, capacity: Number) -> Any:
    """Return whether `guarantee` fits beside what has been admitted."""
    return admits([state.total, guarantee], capacity)


@implements("AD-3")
def commit(state: Admitted, guarantee: Number) -> Admitted:
    """Return the gate with `guarantee` admitted, whether or not it fits: only `request` may call this safely."""
    return Admitted(state.total + guarantee)


@implements("AD-3")
def request(state: Admitted, guarantee: Number, capacity: Number) -> tuple[Any, Admitted]:
    """Return (admitted, state): check and commit as one step, so that nobody else comes in between."""
    admitted = check(state, guarantee, capacity)
    return admitted, where(admitted, commit(state, guarantee), state)


@implements("AD-3")
def release(state: Admitted, guarantee: Number) -> Admitted:
    """Return the gate after a tenant that was admitted with `guarantee` has left."""
    return Admitted(state.total - guarantee)


@implements("AD-4")
def peak_admits(guarantees: Sequence[Number], peak: Number) -> Any:
    """Return whether a rule that forgets the refresh tax admits: the guarantees sum to at most the peak rate."""
    return admits(guarantees, peak)


@implements("AD-2")
def essay_admits(guarantees: Sequence[Number], peak: Number) -> Any:
    """Return whether the essay's rule admits the guarantees: they sum to at most 0.85 of the peak rate."""
    return sum(guarantees) <= ESSAY_SHARE * peak


@attrs.frozen
class Room:
    """What a device has, in bytes per ns: its `peak`, what refresh leaves of it, and what migration and bubbles do."""

    peak: Number
    refreshed: Number
    kept: Number


# Whether a rule admits guarantees, by its name in schedules. What it admits is there iff it fits what is kept.
RULES: Mapping[str, Callable[[Sequence[Number], Room], Any]] = {
    "essay": lambda guarantees, room: essay_admits(guarantees, room.peak),
    "corrected": lambda guarantees, room: admits(guarantees, room.kept),
    "no-tax": lambda guarantees, room: peak_admits(guarantees, room.peak),
    "no-losses": lambda guarantees, room: admits(guarantees, room.refreshed),
}


@implements("AD-2")
def essay_rule_is_safe(blackout: Number, interval: Number) -> Any:
    """Return whether 0.85 of the peak rate is there: iff the refresh takes at most 0.15 of the time."""
    return blackout <= (1 - ESSAY_SHARE) * interval


@implements("AD-1")
def safe_capacity(device: Device, hottest: Celsius) -> BytesPerNs:
    """Return the rate that is there at every temperature up to `hottest` (corrected interval only)."""
    return effective_rate(device, hottest)
