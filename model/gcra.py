"""The generic cell rate algorithm, for requests of any size.

The state is how far the theoretical arrival time lies in the future, in ns; a request of cost c (its size over the
rate, in ns) conforms iff the time ahead and c together stay within the limit. For cells of one size, with increment
T and tolerance tau, the limit is T + tau.
Source: ITU-T I.371, annex A (virtual scheduling); ATM Forum TM 4.1.
"""

from typing import Any

import attrs

from headgate.model.algebra import maximum, where
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["Gcra", "advance", "fresh", "offer", "step"]


@attrs.frozen
class Gcra:
    """State: theoretical arrival time minus now, in ns, never negative."""

    ahead: Number


@implements("GC-1")
def fresh() -> Gcra:
    """Return the state as it starts: the theoretical arrival time is not in the future."""
    return Gcra(0)


@implements("GC-1")
def advance(state: Gcra, elapsed: Number) -> Gcra:
    """Return the state after `elapsed` ns."""
    return Gcra(maximum(0, state.ahead - elapsed))


@implements("GC-2")
def offer(state: Gcra, cost: Number, limit: Number) -> tuple[Any, Gcra]:
    """Return (conforming, state): conforming iff the time ahead with `cost` is within `limit`, and then charged."""
    conforming = state.ahead + cost <= limit
    return conforming, where(conforming, Gcra(state.ahead + cost), state)


@implements("GC-1", "GC-2")
def step(state: Gcra, cost: Number, limit: Number, elapsed: Number) -> tuple[Any, Gcra]:
    """Return (conforming, state) for a request of `cost` ns, `elapsed` ns after the one before it."""
    return offer(advance(state, elapsed), cost, limit)
