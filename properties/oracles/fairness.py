"""The pairwise gap by brute force: every interval between two ends of services."""

import itertools
from collections.abc import Sequence
from fractions import Fraction

__all__ = ["is_backlogged", "largest_gap"]

# (tenant, released, started, finished, bytes)
Service = tuple[int, Fraction, Fraction, Fraction, int]


def is_backlogged(services: Sequence[Service], tenant: int, begin: Fraction, end: Fraction) -> bool:
    """Return whether at every instant of [begin, end] something of `tenant` is released and not finished.

    That can change at a release or a finish only: it is enough to look there, and half-way between.
    """
    ends = sorted({begin, end} | {t for s in services for t in (s[1], s[3]) if begin <= t <= end})
    instants = ends + [(a + b) / 2 for a, b in itertools.pairwise(ends)]
    return all(any(s[0] == tenant and s[1] <= instant <= s[3] for s in services) for instant in instants)


def largest_gap(
    services: Sequence[Service], weights: Sequence[Fraction], i: int, j: int, within: Fraction | None = None
) -> Fraction:
    """Return the largest difference in normalised service of tenants i and j while both are backlogged; 0 for none.

    Of all intervals that end by `within` (None: of all).
    """
    largest = Fraction(0)
    for begin in sorted({s[2] for s in services}):
        for end in sorted({s[3] for s in services if s[3] > begin and (within is None or s[3] <= within)}):
            if is_backlogged(services, i, begin, end) and is_backlogged(services, j, begin, end):
                got = {i: Fraction(0), j: Fraction(0)}
                for tenant, _, started, finished, size in services:
                    if tenant in got and begin <= started and finished <= end:
                        got[tenant] = got[tenant] + Fraction(size) / weights[tenant]
                largest = max(largest, abs(got[i] - got[j]))
    return largest
