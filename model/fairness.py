"""How far two tenants drift apart: the pairwise gap of an execution, measured exactly.

Counted in an interval is only what starts and finishes in it, and an interval counts only while both tenants are
backlogged: each has a request that has been released and has not finished.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction

import attrs

from headgate.spec.links import implements
from headgate.spec.units import ExactNs
from headgate.spec.vocabulary import Service

__all__ = ["Gap", "backlogged_periods", "waiting_periods", "worst_gap", "worst_waiting_gap"]


@attrs.frozen
class Gap:
    """The largest gap in normalised service (ns): `ahead` got that much more than `behind` in [begin, end]."""

    size_ns: ExactNs
    ahead: int
    behind: int
    begin_ns: ExactNs
    end_ns: ExactNs


def backlogged_periods(services: Sequence[Service], tenant: int) -> list[tuple[Fraction, Fraction]]:
    """Return the maximal closed periods in which `tenant` has a request released and not finished."""
    return _merged((s.release_ns, s.finish_ns) for s in services if s.request.tenant == tenant)


def waiting_periods(services: Sequence[Service], tenant: int) -> list[tuple[Fraction, Fraction]]:
    """Return the maximal closed periods in which a request of `tenant` is released and not in service."""
    return _merged((s.release_ns, s.start_ns) for s in services if s.request.tenant == tenant)


def _merged(spans: Iterable[tuple[Fraction, Fraction]]) -> list[tuple[Fraction, Fraction]]:
    periods: list[tuple[Fraction, Fraction]] = []
    for begin, end in sorted(spans):
        if periods and begin <= periods[-1][1]:
            periods[-1] = (periods[-1][0], max(periods[-1][1], end))
        else:
            periods.append((begin, end))
    return periods


@implements("FQ-4", "FQ-7")
def worst_gap(
    services: Sequence[Service], weights: Sequence[Fraction], i: int, j: int, within: ExactNs | None = None
) -> Gap | None:
    """Return the largest gap between tenants `i` and `j`; None if they are never served while both are backlogged.

    Only intervals that are over by `within` (ns; None: at any time) count.
    """
    worst: Gap | None = None
    for begin, end in _common(backlogged_periods(services, i), backlogged_periods(services, j)):
        last = end if within is None else min(end, within)
        inside = [
            s for s in services
            if s.request.tenant in (i, j) and begin <= s.start_ns and s.finish_ns <= last
        ]  # fmt: skip
        for ahead, behind in ((i, j), (j, i)):
            gap = _largest_run(inside, weights, ahead, behind)
            if gap is not None and (worst is None or gap.size_ns > worst.size_ns):
                worst = gap
    return worst


@implements("VT-3")
def worst_waiting_gap(services: Sequence[Service], weights: Sequence[Fraction], i: int, j: int) -> Gap | None:
    """Return the largest gap between what `i` and `j` are charged while both wait; None if nothing is.

    A request is charged as a whole when it starts, and one in service does not wait.
    """
    worst: Gap | None = None
    for begin, end in _common(waiting_periods(services, i), waiting_periods(services, j)):
        inside = [s for s in services if s.request.tenant in (i, j) and begin <= s.start_ns <= end]
        for ahead, behind in ((i, j), (j, i)):
            gap = _largest_run(inside, weights, ahead, behind)
            if gap is not None and (worst is None or gap.size_ns > worst.size_ns):
                worst = gap
    return worst


def _common(
    left: list[tuple[Fraction, Fraction]], right: list[tuple[Fraction, Fraction]]
) -> list[tuple[Fraction, Fraction]]:
    both = [(max(a, c), min(b, d)) for a, b in left for c, d in right]
    return [(begin, end) for begin, end in both if begin < end]


def _largest_run(services: list[Service], weights: Sequence[Fraction], ahead: int, behind: int) -> Gap | None:
    """Return the consecutive services with the largest surplus of `ahead` over `behind` (Kadane's scan)."""
    worst: Gap | None = None
    surplus, begin = Fraction(0), None
    for service in sorted(services, key=lambda s: (s.start_ns, s.finish_ns)):
        if begin is None or surplus <= 0:
            surplus, begin = Fraction(0), service.start_ns
        cost = service.request.bytes / weights[service.request.tenant]
        surplus += cost if service.request.tenant == ahead else -cost
        if surplus > 0 and (worst is None or surplus > worst.size_ns):
            worst = Gap(surplus, ahead, behind, begin, service.finish_ns)
    return worst
