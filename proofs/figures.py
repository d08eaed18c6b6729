"""Numbers for people, at most three places, rounded against the claim: what is promised up, what is there down."""

import math
from fractions import Fraction

from headgate.spec.units import ExactNs

__all__ = ["decimal", "down", "up", "us", "us_down"]


def up(value: Fraction | int) -> Fraction:
    """Return the next thousandth at or above `value`."""
    return Fraction(math.ceil(value * 1000), 1000)


def down(value: Fraction | int) -> Fraction:
    """Return the next thousandth at or below `value`."""
    return Fraction(math.floor(value * 1000), 1000)


def us(time: ExactNs) -> str:
    """Return a time in us, rounded up."""
    return decimal(up(time / 1000))


def us_down(time: ExactNs) -> str:
    """Return a time in us, rounded down."""
    return decimal(down(time / 1000))


def decimal(value: Fraction) -> str:
    """Return a number of at most three places."""
    digits = f"{abs(int(value * 1000)):04d}"
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-3]}.{digits[-3:]}".rstrip("0").rstrip(".")
