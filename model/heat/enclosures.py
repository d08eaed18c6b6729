"""Rational enclosures of the exponential and the logarithm: the only irrational functions of the thermal loop.

Both are sums of positive terms, so that what was summed is a lower bound, and a geometric rest on top an upper one.
Source: R. E. Moore, *Interval Analysis*, 1966, for outward rounding.
"""

import math
from fractions import Fraction

from headgate.model.refresh import Enclosure
from headgate.spec.links import implements

__all__ = ["exponential", "logarithm"]

TERMS = 34
# Ends are rounded outward to this grid, so that fractions stay short.
GRID = 1 << 128


@implements("HT-5")
def exponential(exponent: Fraction) -> Enclosure:
    """Return an enclosure of e**exponent; the ends of e**0 are exact."""
    halvings = 0
    size = abs(exponent)
    while size > Fraction(1, 2):
        size, halvings = size / 2, halvings + 1
    total, term = Fraction(1), Fraction(1)
    for number in range(1, TERMS):
        term = term * size / number
        total += term
    # each further term is less than half of the one before
    grown = _outward(total, total + term)
    for _ in range(halvings):
        grown = _outward(grown.low * grown.low, grown.high * grown.high)
    return grown if exponent >= 0 else _outward(1 / grown.high, 1 / grown.low)


@implements("HT-5")
def logarithm(number: Fraction) -> Enclosure:
    """Return an enclosure of the natural logarithm of a number from 1 to 2; the ends of ln 1 are exact.

    Raises ValueError, with the number, for any other.
    """
    if not 1 <= number <= 2:
        raise ValueError(f"expected a number from 1 to 2, got {number}")
    # ln y = 2 artanh z = 2 (z + z**3 / 3 + z**5 / 5 + ...), z <= 1/3
    ratio = (number - 1) / (number + 1)
    square, power, total = ratio * ratio, ratio, Fraction(0)
    for place in range(TERMS):
        total += 2 * power / (2 * place + 1)
        power *= square
    return _outward(total, total + 2 * power / (1 - square))


def _outward(low: Fraction, high: Fraction) -> Enclosure:
    return Enclosure(Fraction(math.floor(low * GRID), GRID), Fraction(math.ceil(high * GRID), GRID))
