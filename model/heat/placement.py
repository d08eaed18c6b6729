"""Placement by temperature: which stack a page is kept on, when the stacks warm and cool.

A page stays where it is until another stack has been cooler by more than a band, on average, and until it has stayed
long enough. Temperatures are in C and come once a sample; averages are exponentially weighted.
Sources: *Thermal Debt Is a Memory Problem*, section 5; hysteresis as in load balancing (Zhou 1988).
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import attrs

from headgate.model.algebra import all_, any_, best, choose, maximum, where
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["Home", "average", "coolest", "essay_place", "most_moves", "place"]


@attrs.frozen
class Home:
    """Where a page is: the stack, and for how many samples it has been there."""

    stack: Number
    since: Number


@implements("PL-1")
def average(before: Number, sample: Number, weight: Number) -> Number:
    """Return the exponentially weighted average after `sample`, which counts `weight` (0 to 1)."""
    return before + weight * (sample - before)


@implements("PL-2")
def coolest(averages: Sequence[Number]) -> tuple[Number, Number]:
    """Return (stack, average) of the coolest stack; on a tie the lower number."""
    _, stack, cold = best(averages, [True] * len(averages))
    return stack, cold


@implements("PL-2", "PL-3", "PL-4")
def place(home: Home, averages: Sequence[Number], band: Number, dwell: Number) -> tuple[Any, Home]:
    """Return (moved, home) after a sample: to the coolest stack, iff it is cooler by more than `band`.

    And iff the page has been where it is for `dwell` samples, this one included.
    """
    stack, cold = coolest(averages)
    stayed = home.since + 1
    moves = all_(choose(home.stack, averages) - cold > band, stayed >= dwell)
    return moves, Home(where(moves, stack, home.stack), where(moves, 0, stayed))


@implements("PL-5")
def essay_place(home: Home, averages: Sequence[Number], trigger: Number, kept: int) -> tuple[Any, Home]:
    """Return (moved, home) under the essay's rule: to the coolest stack, from all but the `kept` coolest ones.

    *Thermal Debt Is a Memory Problem*, section 5: only while the hottest and the coolest are further apart than
    `trigger`. On a tie the lower number counts as cooler.
    """
    stack, cold = coolest(averages)
    hot = averages[0]
    for temperature in averages[1:]:
        hot = maximum(hot, temperature)
    own, rank = choose(home.stack, averages), 0
    for number, temperature in enumerate(averages):
        before = any_(temperature < own, all_(temperature == own, number < home.stack))
        rank = rank + where(before, 1, 0)
    moves = all_(hot - cold > trigger, rank >= kept)
    return moves, Home(where(moves, stack, home.stack), where(moves, 0, home.since + 1))


@implements("PL-3")
def most_moves(samples: int, slew: Fraction, band: Fraction, dwell: int) -> int:
    """Return the most moves among so many samples and one more, if an average moves by `slew` at most in one.

    Between two moves a stack that was no cooler becomes cooler by more than `band`, so that (moves - 1) band is less
    than 2 slew (samples).
    """
    by_heat = max(0, math.ceil(2 * samples * Fraction(slew) / band) - 1)
    return 1 + min(by_heat, samples // max(1, dwell))
