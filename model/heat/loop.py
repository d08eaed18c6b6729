"""The thermal loop of a memory stack: heat raises the temperature, and the temperature takes away power.

A stack is one thermal resistance R and one time constant tau: `tau T' = -(T - Ta) + R P(T)`. Temperatures are in C,
`heating` is R P, also in C. Time comes in steps of one length: over a step in which the heating does not change, a
distance from where it would end shrinks by the factor `decay = exp(-step / tau)`, a rational number below 1 here.
Sources: *Thermal Debt Is a Memory Problem*, section 3; K. J. Astrom and R. M. Murray, *Feedback Systems*, 2008, for
the small-gain argument; Ya. Z. Tsypkin, *Relay Control Systems*, 1984, for a relay behind a delay.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from headgate.model.algebra import maximum, minimum, where
from headgate.model.heat.enclosures import exponential, logarithm
from headgate.model.refresh import Enclosure
from headgate.spec.links import implements
from headgate.spec.units import Celsius, ExactNs, Number

__all__ = [
    "Reaction",
    "clipped",
    "delayed_step",
    "die_temperature",
    "drift",
    "is_monotone",
    "is_settled",
    "loop_gain",
    "relay",
    "relay_crossing",
    "relay_delay",
    "relay_period",
    "toward",
]

# What the heating does, in C, when the temperature that it reacts to is so far from the equilibrium.
Reaction = Callable[[Number], Number]
# Enclosures of a delay are no wider than this.
DELAY_WIDTH_NS = 1000


@implements("HT-1")
def drift(temperature: Number, ambient: Number, heating: Number) -> Number:
    """Return tau T', in C: how far below `ambient` + `heating` the temperature is."""
    return ambient + heating - temperature


@implements("HT-1", "HT-2")
def toward(temperature: Number, target: Number, decay: Number) -> Number:
    """Return the temperature a step later, if it goes to `target`: exact for a heating that does not change in it."""
    return target + decay * (temperature - target)


@implements("HT-1")
def is_monotone(gain: Number, decay: Number) -> Any:
    """Return whether steps are short enough for a loop without delay never to overshoot: (1 - decay) gain <= decay."""
    return gain <= decay * (1 + gain)


@implements("HT-1", "HT-8")
def is_settled(temperature: Number, ambient: Number, heating: Number) -> Any:
    """Return whether `temperature` is an equilibrium, `heating` being that at this temperature."""
    return drift(temperature, ambient, heating) == 0


@implements("HT-2", "HT-3")
def delayed_step(history: tuple[Number, ...], decay: Number, reaction: Reaction) -> tuple[Number, ...]:
    """Return the distances from the equilibrium a step later, the newest first.

    `history` has one more than the steps of the delay: the heating reacts to the oldest.
    """
    return (toward(history[0], reaction(history[-1]), decay), *history[:-1])


@implements("HT-2", "HT-3")
def clipped(gain: Number, limit: Number) -> Reaction:
    """Return the reaction against the distance, `gain` times as large, but never more than `limit` C."""
    return lambda distance: maximum(-limit, minimum(limit, -(gain * distance)))


@implements("HT-4")
def relay(limit: Number) -> Reaction:
    """Return the reaction that is `limit` C against the distance, however small that is."""
    return lambda distance: where(distance > 0, -limit, limit)


@implements("HT-2")
def loop_gain(resistance: Number, watts: Number, slope: Number) -> Number:
    """Return C of heating a C: `resistance` C/W, `watts` a B/ns, and the B/ns that a degree takes away."""
    return resistance * watts * slope


# ---- a relay behind a delay ----


@implements("HT-4")
def relay_crossing(decay: Number, delayed: Number, crossed: Number) -> tuple[Any, Any]:
    """Return whether a relay's swing has crossed the middle within c steps, and whether it had not a step before.

    `delayed` is decay**k for a delay of k steps, `crossed` is decay**c. The swing is c + k steps long, and turns at
    (1 - decay**(c + k)) / (1 + decay**(c + k)) times what the heating would reach.
    """
    return crossed * (2 - delayed) <= 1, crossed * (2 - decay * delayed) > decay


@implements("HT-4")
def relay_period(delay: ExactNs, constant: ExactNs) -> Enclosure:
    """Return the period in ns, 2 (delay + tau ln(2 - exp(-delay / tau))), of a relay behind `delay` ns."""
    left = exponential(-Fraction(delay) / constant)
    low, high = logarithm(2 - left.high).low, logarithm(2 - left.low).high
    return Enclosure(2 * (delay + constant * low), 2 * (delay + constant * high))


@implements("HT-4")
def relay_delay(period: ExactNs, constant: ExactNs) -> Enclosure:
    """Return an enclosure, at most 1 us wide, of the delay behind which a relay has this period."""
    low, high = 0, math.ceil(Fraction(period) / 2)
    while high - low > DELAY_WIDTH_NS:
        middle = (low + high) // 2
        at = relay_period(Fraction(middle), constant)
        # an enclosure that holds the period itself leaves both sides open
        low = middle if at.low < period else low
        high = middle if at.high > period else high
        if low == high:
            break
    return Enclosure(Fraction(low), Fraction(high))


# ---- the cooling water ----


@implements("HT-6", "HT-7")
def die_temperature(inlet: Celsius, offset: Celsius, heating: Celsius) -> Celsius:
    """Return the temperature of the die: that of the water, a constant, and the heating."""
    return inlet + offset + heating
