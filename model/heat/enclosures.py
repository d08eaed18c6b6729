"""Rational enclosures of the exponential and the logarithm: the only irrational functions of the thermal loop.

Both are sums of positive terms, so that what was summed is a lower bound, and a geometric rest on top an upper one.
Source: R. E. Moore, *Interval Analysis*, 1966, for outward rounding.
"""

from fractions import Fraction

from headgate.model.refresh import Enclosure
from headgate.spec.links import implements

__all__ = ["exponential", "logarithm"]

TERMS = 34
# Numbers are counted in units of 1 / ONE, and rounded outward to them.
ONE = 1 << 128


@implements("HT-5")
def exponential(exponent: Fraction) -> Enclosure:
    """Return an enclosure of e**exponent; the ends of e**0 are exact."""
    top, bottom, halvings = abs(exponent.numerator), exponent.denominator, 0
    while 2 * top > bottom:
        bottom, halvings = 2 * bottom, halvings + 1
    low = high = term_low = term_high = ONE
    for number in range(1, TERMS):
        term_low = term_low * top // (bottom * number)
        term_high = _up(term_high * top, bottom * number)
        low, high = low + term_low, high + term_high
    # each further term is less than half of the one before
    high += term_high
    for _ in range(halvings):
        low, high = low * low // ONE, _up(high * high, ONE)
    if exponent < 0:
        low, high = ONE * ONE // high, _up(ONE * ONE, low)
    return Enclosure(Fraction(low, ONE), Fraction(high, ONE))


@implements("HT-5")
def logarithm(number: Fraction) -> Enclosure:
    """Return an enclosure of the natural logarithm of a number from 1 to 2; the ends of ln 1 are exact.

    Raises ValueError, with the number, for any other.
    """
    if not 1 <= number <= 2:
        raise ValueError(f"expected a number from 1 to 2, got {number}")
    # ln y = 2 artanh z = 2 (z + z**3 / 3 + z**5 / 5 + ...), z <= 1/3
    top, bottom = number.numerator - number.denominator, number.numerator + number.denominator
    power_low, power_high = ONE * top // bottom, _up(ONE * top, bottom)
    low = high = 0
    for odd in range(1, 2 * TERMS + 1, 2):
        low, high = low + 2 * power_low // odd, high + _up(2 * power_high, odd)
        power_low = power_low * top**2 // bottom**2
        power_high = _up(power_high * top**2, bottom**2)
    # each further term is at most a ninth of the one before
    return Enclosure(Fraction(low, ONE), Fraction(high + 2 * power_high, ONE))


def _up(top: int, bottom: int) -> int:
    """Return top / bottom, rounded up."""
    return -(-top // bottom)
