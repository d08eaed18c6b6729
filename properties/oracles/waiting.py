"""How long a request waits, and how far a tenant falls behind its share: every request, every window."""

from collections.abc import Sequence
from fractions import Fraction

from headgate.properties.oracles.fairness import Service, is_backlogged

__all__ = ["largest_shortfall", "longest_wait"]


def longest_wait(services: Sequence[Service], tenant: int | None, within: Fraction | None = None) -> Fraction | None:
    """Return the longest time from release to start, of one tenant or of all; None where nothing counts."""
    waits = [
        start - released
        for who, released, start, _, _ in services
        if (tenant is None or who == tenant) and (within is None or start <= within)
    ]
    return max(waits, default=None)


def largest_shortfall(
    services: Sequence[Service], tenant: int, share: Fraction, within: Fraction | None = None
) -> Fraction | None:
    """Return the most bytes that `tenant` lacks of its share in a window in which it is backlogged; None for none.

    Windows begin at a release of the tenant or at a start, and end at a finish of what starts in them.
    """
    begins = {released for who, released, _, _, _ in services if who == tenant} | {
        start for _, _, start, _, _ in services
    }
    lacks = []
    for begin in begins:
        for _, _, start, end, _ in services:
            if begin <= start and (within is None or end <= within) and is_backlogged(services, tenant, begin, end):
                got = sum(s[4] for s in services if s[0] == tenant and begin <= s[2] and s[3] <= end)
                lacks.append(share * (end - begin) - got)
    return max(lacks, default=None)
