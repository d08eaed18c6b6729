"""Exact numbers of every kind: rates, temperatures, exponents, and how often they are at real scale."""

from fractions import Fraction

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

__all__ = ["AT_REAL_SCALE", "EITHER", "MIB", "RATES", "SKEW", "exponents", "rates", "temperatures"]

MIB = 1 << 20
SKEW = 1000


def rates(largest: int = 12) -> SearchStrategy[Fraction]:
    """Rates in bytes per ns: small whole numbers, halves and thirds."""
    return st.builds(Fraction, st.integers(1, largest), st.sampled_from((1, 1, 2, 1, 3, 1)))


def temperatures(low: int = 25, high: int = 105) -> SearchStrategy[Fraction]:
    """Temperatures in C: the corners of the curves, whole degrees, and tenths."""
    corners = [Fraction(c) for c in (74, 75, 84, 85, 86, 95, 105) if low <= c <= high]
    tenths = st.integers(10 * low, 10 * high).map(lambda tenth: Fraction(tenth, 10))
    return st.one_of(st.sampled_from(corners), tenths) if corners else tenths


def exponents() -> SearchStrategy[Fraction]:
    """Exponents of two: whole numbers, and fractions with small denominators (as temperatures give)."""
    return st.builds(Fraction, st.integers(-400, 400), st.sampled_from((1, 2, 3, 10, 64, 100)))


RATES = rates()
EITHER = st.booleans()
# Not at the ends, because the ends of a range are drawn more often than the rest.
AT_REAL_SCALE = st.sampled_from((False, False, True, False, False, True, False, False))
