"""A recording beside its baseline: the ratios of the tails."""

from collections.abc import Iterator
from fractions import Fraction

import attrs

from headgate.properties.judge.report import Lateness, Report, Tail
from headgate.spec.links import implements

__all__ = ["Comparison", "compare"]


@attrs.frozen
class Comparison:
    """How many times its baseline a tenant's tail is; None where either is missing or not above 0.

    `name` is None for all guaranteed tenants together; `worst` is the worst lateness.
    """

    name: str | None
    p50: Fraction | None
    p99: Fraction | None
    max: Fraction | None
    worst: Fraction | None


@implements("RC-7")
def compare(report: Report, baseline: Report) -> Iterator[Comparison]:
    """Yield the ratios of each tenant, then of all guaranteed tenants together; both under the same contracts."""
    for tenant, before in zip(report.tenants, baseline.tenants, strict=True):
        yield _compare(tenant.name, _figures(tenant.latency, tenant.worst), _figures(before.latency, before.worst))
    now, then = report.guaranteed, baseline.guaranteed
    yield _compare(None, _figures(now.latency, now.worst), _figures(then.latency, then.worst))


def _compare(name: str | None, now: list[Fraction | None], then: list[Fraction | None]) -> Comparison:
    return Comparison(name, *(_ratio(a, b) for a, b in zip(now, then, strict=True)))


def _figures(tail: Tail | None, late: Lateness | None) -> list[Fraction | None]:
    tails = [None] * 3 if tail is None else [Fraction(ns) for ns in (tail.p50_ns, tail.p99_ns, tail.max_ns)]
    return [*tails, None if late is None else late.ns]


def _ratio(now: Fraction | None, then: Fraction | None) -> Fraction | None:
    if now is None or then is None or now <= 0 or then <= 0:
        return None
    return now / then
