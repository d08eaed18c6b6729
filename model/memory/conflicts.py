"""How often requests meet in a bank: exact rates for random traffic, with and without colours.

Each of n requests in flight goes to a bank of its tenant's colour, all of them equally likely, whatever the others do.
Two of them that are in the same bank are a *conflict*: one waits for the other's row. Colours take away the conflicts
between tenants, and raise those within a tenant, since each has fewer banks to itself.

Counts are kept as numerators where that says the same without a division: those run on any numbers.
"""

from collections.abc import Sequence
from fractions import Fraction

import attrs

from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = [
    "Load",
    "between",
    "coloured_pairs",
    "hit_any",
    "own_pairs",
    "pair_rate",
    "same_bank_pairs",
    "uncoloured_pairs",
]


@attrs.frozen
class Load:
    """A tenant's requests in flight, and the mask of banks that they go to."""

    requests: int
    mask: int


@implements("CO-8")
def pair_rate(left: int, right: int) -> Fraction:
    """Return the chance that a request of colour `left` and one of colour `right` meet: |A and B| / (|A| |B|)."""
    return Fraction((left & right).bit_count(), left.bit_count() * right.bit_count())


@implements("CO-8")
def same_bank_pairs(loads: Sequence[Load]) -> Fraction:
    """Return the expected number of pairs of requests that are in the same bank."""
    return sum((own_pairs(load) for load in loads), between(loads))


@implements("CO-9")
def own_pairs(load: Load) -> Fraction:
    """Return the expected number of pairs of one tenant's requests in the same bank."""
    return Fraction(load.requests * (load.requests - 1), 2) * pair_rate(load.mask, load.mask)


@implements("CO-8")
def between(loads: Sequence[Load]) -> Fraction:
    """Return the expected number of pairs of requests of different tenants in the same bank."""
    rates = (
        one.requests * other.requests * pair_rate(one.mask, other.mask)
        for number, one in enumerate(loads)
        for other in loads[:number]
    )
    return sum(rates, Fraction(0))


@implements("CO-8")
def uncoloured_pairs(requests: Number) -> Number:
    """Return n (n - 1): 2 m times the expected pairs of n requests over all m banks."""
    return requests * (requests - 1)


@implements("CO-8")
def coloured_pairs(requests: Number, tenants: Number) -> Number:
    """Return n (n - k): 2 m times the expected pairs where k tenants have n / k requests and m / k banks each."""
    return requests * (requests - tenants)


@implements("CO-8")
def hit_any(requests: int, banks: int) -> Fraction:
    """Return the chance that one of `requests` meets another over `banks` banks: 1 - (1 - 1/m)^(n - 1)."""
    return 1 - (1 - Fraction(1, banks)) ** (requests - 1)
