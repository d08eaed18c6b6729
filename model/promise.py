"""The promise: every request in contract finishes by its expected arrival time plus its latency.

The ledger X of a tenant holds the bytes, served in line before a request, that a private channel of the guaranteed
rate g would still have to send when it arrives; its expected arrival time is A + X / g.
Source: Goyal, Vin, Cheng 1996 (expected arrival time); the ledger form and the treatments of excess are this project's.
"""

from typing import Any

from headgate.model.algebra import maximum
from headgate.model.meter import drain
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["charge", "expected_arrival", "goyal_expected_arrival", "is_kept"]


@implements("PR-1")
def expected_arrival(arrival: Number, ledger: Number, ns_per_byte: Number) -> Number:
    """Return EAT = A + X / g in ns; `ledger` is X in bytes at `arrival`, `ns_per_byte` is 1 / g."""
    return arrival + ledger * ns_per_byte


@implements("PR-2")
def goyal_expected_arrival(arrival: Number, previous: Number, previous_cost: Number) -> Number:
    """Return max(A, EAT of the request before + its size / g), in ns."""
    return maximum(arrival, previous + previous_cost)


@implements("PR-1", "PR-6")
def charge(ledger: Number, rate: Number, elapsed: Number, size: Number) -> tuple[Number, Number]:
    """Return (X before, X after) a request of `size` bytes served in line, `elapsed` ns after the one before it."""
    before = drain(ledger, rate, elapsed)
    return before, before + size


@implements("PR-3")
def is_kept(finish: Number, expected: Number, latency: Number) -> Any:
    """Return whether a request that finished at `finish` kept a promise of `latency` ns from its expected arrival."""
    return finish <= expected + latency
