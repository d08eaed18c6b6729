"""How long a request waits, how far a tenant falls behind its share, and where two executions part: measured exactly.

What is not over by `within` (ns; None: at any time) is not counted.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import attrs

from headgate.model.fairness import backlogged_periods
from headgate.spec.units import BytesPerNs, ExactNs
from headgate.spec.vocabulary import Service

__all__ = ["Shortfall", "first_difference", "longest_wait", "worst_shortfall"]


@attrs.frozen
class Shortfall:
    """In [begin, end] the tenant got `bytes` fewer bytes than its share."""

    bytes: Fraction
    begin_ns: ExactNs
    end_ns: ExactNs


def longest_wait(services: Sequence[Service], tenant: int | None, within: ExactNs | None = None) -> Service | None:
    """Return the service whose request waited longest from its release to its start; None where there is none.

    Of one `tenant`, or of anybody (None). Where several waited equally long, the one that was served first.
    """
    longest: Service | None = None
    for service in services:
        if (tenant is None or service.request.tenant == tenant) and (within is None or service.start_ns <= within):
            wait = service.start_ns - service.release_ns
            if longest is None or wait > longest.start_ns - longest.release_ns:
                longest = service
    return longest


def worst_shortfall(
    services: Sequence[Service], tenant: int, share: BytesPerNs, within: ExactNs | None = None
) -> Shortfall | None:
    """Return how far `tenant` falls behind `share` bytes per ns, at worst, in a window in which it is backlogged.

    Counted is what starts and finishes in the window. A window begins at a release of the tenant or at the start of a
    service, and ends at the end of a service. None where nothing is served while the tenant is backlogged.
    """
    own = [service for service in services if service.request.tenant == tenant]
    worst: Shortfall | None = None
    for begin, end in _windows(services, tenant):
        if within is not None and end > within:
            continue
        got = sum(s.request.bytes for s in own if begin <= s.start_ns and s.finish_ns <= end)
        lacks = share * (end - begin) - got
        if worst is None or lacks > worst.bytes:
            worst = Shortfall(lacks, begin, end)
    return worst


def _windows(services: Sequence[Service], tenant: int) -> Iterator[tuple[Fraction, Fraction]]:
    for first, last in backlogged_periods(services, tenant):
        begins = {s.start_ns for s in services if s.start_ns >= first}
        begins |= {s.release_ns for s in services if s.request.tenant == tenant and s.release_ns >= first}
        for begin in sorted(begins):
            for service in services:
                if begin <= service.start_ns and service.finish_ns <= last:
                    yield begin, service.finish_ns


def first_difference(
    left: Sequence[Service], right: Sequence[Service], within: ExactNs | None = None
) -> tuple[Service, Service] | None:
    """Return the first services, in order of their start, in which two executions of the same requests part.

    None where they never do. Since tenants are served in order, executions are equal if the tenants are.
    """
    for ours, theirs in zip(left, right, strict=True):
        if within is not None and ours.start_ns > within:
            return None
        if ours.request.tenant != theirs.request.tenant:
            return ours, theirs
    return None
