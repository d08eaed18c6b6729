"""How `headgate trace` says what it found: tables for people, one JSON object for programs.

JSON keeps every number exact (an integer, or a string such as "186326/15"); the text rounds for reading only.
"""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

import attrs

from headgate.cli.output import Screen, json_text, table_lines
from headgate.properties.judge.compare import Comparison, compare
from headgate.properties.judge.order import PairGap
from headgate.properties.judge.report import (
    Check,
    Delay,
    Lateness,
    Overtaken,
    Report,
    Tail,
    Tally,
    TenantReport,
    Total,
)
from headgate.properties.judge.windows import Missed, Span
from headgate.spec.recordings import Row
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import Excess, Policing, Verdict

__all__ = ["Shown", "as_json", "as_text"]

ALL_GUARANTEED = "all guaranteed"
NOTHING = "-"


@attrs.frozen
class Shown:
    """A report, the files that it is about, and its baseline, if there is one."""

    file: str
    contracts: str
    report: Report
    baseline_file: str | None = None
    baseline: Report | None = None

    def name(self, number: int) -> str:
        """Return the name of a tenant."""
        return self.report.tenants[number].name

    def comparisons(self) -> list[Comparison]:
        """Return the ratios to the baseline; none without one."""
        return [] if self.baseline is None else list(compare(self.report, self.baseline))


# ---- JSON ----


def as_json(shown: Shown) -> str:
    """Return the one object that a program reads."""
    report = shown.report
    results: list[dict[str, object]] = [_recording_json(shown)]
    results += [_check_json(shown, check) for check in report.checks]
    results += [_tenant_json(shown, tenant) for tenant in report.tenants]
    results.append({"kind": "guaranteed", **_total_json(shown, report.guaranteed)})
    results.append(
        {
            "kind": "machine",
            "waiting_and_idle": _span_json(report.idle),
            "overlapping_services": _span_json(report.overlap),
            "started_before_an_earlier_arrival": _overtaken_json(shown, report.arrivals),
        }
    )
    results += [_gap_json(shown, gap) for gap in report.gaps]
    results += [_comparison_json(comparison) for comparison in shown.comparisons()]
    return json_text("trace", report.verdict, results)


def _recording_json(shown: Shown) -> dict[str, object]:
    return {
        "kind": "recording",
        "file": shown.file,
        "contracts": shown.contracts,
        "baseline": shown.baseline_file,
        "policy": shown.report.policy,
        "tolerance_ns": shown.report.tolerance_ns,
        "excess": "judged as served in line",
    }


def _exact(value: Fraction | int | None) -> int | str | None:
    return None if value is None else exact_text(value)


def _row_json(shown: Shown, row: Row | None) -> dict[str, object] | None:
    return None if row is None else {**row._asdict(), "tenant": shown.name(row.tenant)}


def _check_json(shown: Shown, check: Check) -> dict[str, object]:
    verdict = (Verdict.HOLDS if check.kept else Verdict.VIOLATED).value
    return {
        "kind": "check",
        "id": check.id,
        "clause": check.clause,
        "tenant": None if check.tenant is None else shown.name(check.tenant),
        "statement": check.statement,
        "verdict": verdict if check.judged else "not judged",
        "seen": verdict,
        "reason": check.reason,
        "request": _row_json(shown, check.row),
    }


def _total_json(shown: Shown, total: Total | TenantReport) -> dict[str, object]:
    return {
        "requests": total.all.requests,
        "bytes": total.all.bytes,
        "offered_bytes_per_ns": _exact(total.offered_bytes_per_ns),
        "served_bytes_per_ns": _exact(total.served_bytes_per_ns),
        "classes": {policing.value: attrs.asdict(tally) for policing, tally in total.classes.items()},
        "latency": None if total.latency is None else attrs.asdict(total.latency),
        "worst_lateness": _lateness_json(shown, total.worst),
    }


def _tenant_json(shown: Shown, tenant: TenantReport) -> dict[str, object]:
    wait = tenant.wait
    return {
        "kind": "tenant",
        "tenant": tenant.name,
        "best_effort": tenant.best_effort,
        **_total_json(shown, tenant),
        "latency_slo_ns": _exact(tenant.slo_ns),
        "broken_promises": tenant.broken,
        "first_broken": _lateness_json(shown, tenant.first_broken),
        "policy_delay": _delay_json(shown, tenant.delay),
        "missed_window": _missed_json(tenant.missed),
        "longest_wait": None if wait is None else {"ns": wait.ns, "request": _row_json(shown, wait.row)},
        "started_before_an_earlier_one": _overtaken_json(shown, tenant.starts),
        "finished_before_an_earlier_one": _overtaken_json(shown, tenant.finishes),
    }


def _lateness_json(shown: Shown, late: Lateness | None) -> dict[str, object] | None:
    if late is None:
        return None
    return {
        "ns": _exact(late.ns),
        "expected_ns": _exact(late.expected_ns),
        "class": late.policing.value,
        "request": _row_json(shown, late.row),
    }


def _delay_json(shown: Shown, delay: Delay | None) -> dict[str, object] | None:
    if delay is None:
        return None
    declared = shown.report.policy == delay.policy
    return {"policy": delay.policy, "declared": declared, "ns": _exact(delay.ns), "reason": delay.reason}


def _missed_json(missed: Missed | None) -> dict[str, object] | None:
    if missed is None:
        return None
    return {
        "from_ns": missed.begin_ns,
        "to_ns": missed.end_ns,
        "owed_bytes": _exact(missed.owed_bytes),
        "served_bytes": missed.served_bytes,
        "backlog_includes_excess": True,
    }


def _span_json(span: Span) -> dict[str, object]:
    return {
        "total_ns": span.total_ns,
        "longest_ns": span.longest_ns,
        "longest_from_ns": span.longest_from_ns if span.longest_ns else None,
        "too_long": span.too_long,
    }


def _overtaken_json(shown: Shown, overtaken: Overtaken) -> dict[str, object]:
    early, late = overtaken.example or (None, None)
    return {
        "count": overtaken.count,
        "request": _row_json(shown, early),
        "overtook": _row_json(shown, late),
    }


def _gap_json(shown: Shown, gap: PairGap) -> dict[str, object]:
    return {
        "kind": "pair",
        "ahead": shown.name(gap.ahead),
        "behind": shown.name(gap.behind),
        "gap_ns": _exact(gap.size_ns),
        "from_ns": gap.begin_ns,
        "to_ns": gap.end_ns,
    }


def _comparison_json(comparison: Comparison) -> dict[str, object]:
    return {
        "kind": "comparison",
        "tenant": comparison.name,
        "p50": _exact(comparison.p50),
        "p99": _exact(comparison.p99),
        "max": _exact(comparison.max),
        "worst_lateness": _exact(comparison.worst),
    }


# ---- text ----


def as_text(shown: Shown, screen: Screen) -> str:
    """Return the tables and the verdict that a person reads."""
    return "\n".join(_lines(shown, screen))


def _lines(shown: Shown, screen: Screen) -> Iterator[str]:
    report = shown.report
    requests = sum(tenant.all.requests for tenant in report.tenants)
    names = len(report.tenants)
    yield f"{shown.file}, judged by {shown.contracts} (policy {report.policy}): {requests:,} requests, {names} tenants"
    yield from _section(screen, "Under contract: GB/s, requests, MB in brackets", _contracttable_lines(report))
    yield from _section(
        screen, "Latency from arrival; lateness of requests in contract (us)", _latencytable_lines(shown)
    )
    yield from _notes(report)
    yield from _section(screen, "Where each tenant fared worst (us, MB)", _worsttable_lines(report))
    if any(tenant.missed for tenant in report.tenants):
        yield "  window: backlogged, and furthest below the guarantee; its backlog includes excess"
    if shown.baseline is not None:
        yield from _section(screen, f"Tails, times those of {shown.baseline_file}", _ratiotable_lines(shown))
    yield ""
    yield from _machine_lines(shown)
    yield ""
    yield from _verdict_lines(shown, screen)


def _section(screen: Screen, title: str, rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield ""
    yield screen.paint(title, "title")
    yield from table_lines(rows, screen)


def _decimal(value: Fraction | int | None, places: int, unit: int = 1) -> str:
    """Return value / unit with so many places, for reading; half-way goes to the even digit."""
    if value is None:
        return NOTHING
    scaled = round(Fraction(value) * 10**places / unit)
    whole, rest = divmod(abs(scaled), 10**places)
    return f"{'-' if scaled < 0 else ''}{whole:,}" + (f".{rest:0{places}d}" if places else "")


def _us(value: Fraction | int | None) -> str:
    return _decimal(value, 3, 1000)


def _contracttable_lines(report: Report) -> list[list[str]]:
    rows = [["tenant", "requests", "offered", "served", *(policing.value for policing in Policing)]]
    parts: list[tuple[str, TenantReport | Total]] = [(_named(tenant), tenant) for tenant in report.tenants]
    for name, part in [*parts, (ALL_GUARANTEED, report.guaranteed)]:
        rates = [_decimal(rate, 1) for rate in (part.offered_bytes_per_ns, part.served_bytes_per_ns)]
        classes = [_tally(part.classes.get(policing)) for policing in Policing]
        rows.append([name, f"{part.all.requests:,}", *rates, *classes])
    return rows


def _named(tenant: TenantReport) -> str:
    return f"{tenant.name} (best effort)" if tenant.best_effort else tenant.name


def _tally(tally: Tally | None) -> str:
    if tally is None:
        return NOTHING
    return f"{tally.requests:,} ({_decimal(tally.bytes, 1, 10**6)})" if tally.requests else "0"


def _latencytable_lines(shown: Shown) -> list[list[str]]:
    report = shown.report
    rows = [["tenant", "p50", "p99", "max", "latest", "SLO", "broken", _delay_head(report)]]
    for tenant in report.tenants:
        contract = [_us(tenant.slo_ns), f"{tenant.broken:,}" if tenant.slo_ns else NOTHING, _delay(tenant.delay)]
        rows.append([_named(tenant), *_tail(tenant.latency), _late(tenant.worst), *contract])
    total = report.guaranteed
    broken = sum(tenant.broken for tenant in report.tenants)
    rows.append([ALL_GUARANTEED, *_tail(total.latency), _late(total.worst), "", f"{broken:,}", ""])
    return rows


def _delay_head(report: Report) -> str:
    return "SFQ would give" if report.policy == "none" else f"{report.policy} gives"


def _delay(delay: Delay | None) -> str:
    return NOTHING if delay is None else _us(delay.ns)


def _late(late: Lateness | None) -> str:
    return _us(None if late is None else late.ns)


def _tail(tail: Tail | None) -> list[str]:
    if tail is None:
        return [NOTHING] * 3
    about = "" if tail.exact else "~"
    return [about + _us(tail.p50_ns), about + _us(tail.p99_ns), _us(tail.max_ns)]


def _notes(report: Report) -> Iterator[str]:
    tails = [tenant.latency for tenant in report.tenants if tenant.latency is not None]
    if not all(tail.exact for tail in tails):
        yield "  ~: more than 65,536 different values, so at most 0.1 % too high; max is exact"
    names = [t.name for t in report.tenants if not t.best_effort and t.excess is not Excess.IN_LINE]
    if names:
        yield f"  excess is judged as served in line, although shaped or background by contract: {', '.join(names)}"
    reasons = {t.delay.reason for t in report.tenants if t.delay is not None and t.delay.ns is None}
    for reason in sorted(reasons):
        yield f"  {_delay_head(report)}: no bound, {reason}"
    if report.policy == "none" and any(tenant.best_effort for tenant in report.tenants):
        yield "  SFQ would keep best-effort traffic in the background; under the policy none it competes like any other"


def _worsttable_lines(report: Report) -> list[list[str]]:
    heads = ["tenant", "longest wait", "of arrival", "window from", "to", "owed", "served", "finished early"]
    rows = [heads]
    for tenant in report.tenants:
        wait, missed = tenant.wait, tenant.missed
        waited = [NOTHING] * 2 if wait is None else [_us(wait.ns), _us(wait.row.arrival_ns)]
        window = [NOTHING] * 4
        if missed is not None:
            sizes = [_decimal(size, 3, 10**6) for size in (missed.owed_bytes, missed.served_bytes)]
            window = [_us(missed.begin_ns), _us(missed.end_ns), *sizes]
        rows.append([_named(tenant), *waited, *window, f"{tenant.finishes.count:,}"])
    return rows


def _ratiotable_lines(shown: Shown) -> list[list[str]]:
    rows = [["tenant", "p50", "p99", "max", "latest"]]
    for found in shown.comparisons():
        ratios = [_decimal(ratio, 3) for ratio in (found.p50, found.p99, found.max, found.worst)]
        rows.append([found.name or ALL_GUARANTEED, *ratios])
    return rows


def _machine_lines(shown: Shown) -> Iterator[str]:
    idle, overlap = shown.report.idle, shown.report.overlap
    if idle.total_ns:
        yield (
            f"Waiting with nothing in service: {_us(idle.total_ns)} us in all, at most {idle.longest_ns:,} ns on end"
            f" (from {idle.longest_from_ns:,} ns)"
        )
    else:
        yield "Waiting with nothing in service: never"
    yield f"Two or more in service at once: {_us(overlap.total_ns)} us in all"
    for gap in sorted(shown.report.gaps, key=lambda gap: -gap.size_ns)[:1]:
        yield (
            f"Furthest apart: {shown.name(gap.ahead)} was {_us(gap.size_ns)} us of its own rate ahead of "
            f"{shown.name(gap.behind)} (from {gap.begin_ns:,} to {gap.end_ns:,} ns)"
        )


def _verdict_lines(shown: Shown, screen: Screen) -> Iterator[str]:
    report = shown.report
    for check in _grouped(report.checks):
        if not check.judged:
            seen = "kept all the same" if check.kept else "not kept"
            yield f"Reported, not judged: {check.statement}: {seen} ({check.reason})"
    if report.verdict is Verdict.VIOLATED:
        broken = [check for check in report.checks if check.judged and not check.kept]
        yield from _breaches(shown, broken, screen)
        return
    kept = "; ".join(dict.fromkeys(check.statement for check in report.checks if check.judged))
    yield screen.paint("HOLDS", "good") + f": {kept or 'nothing was promised'}{_latest(shown)}"


def _grouped(checks: Iterable[Check]) -> list[Check]:
    """Return one check of each kind and reason: a broken one, where there is one."""
    groups: dict[tuple[str, str, bool], Check] = {}
    for check in checks:
        key = (check.id, check.reason, check.judged)
        if key not in groups or (groups[key].kept and not check.kept):
            groups[key] = check
    return list(groups.values())


def _latest(shown: Shown) -> str:
    worst = shown.report.guaranteed.worst
    return "" if worst is None else f"\n  the latest: {_request(shown, worst.row)} {_finish(worst)}"


def _request(shown: Shown, row: Row) -> str:
    return f"tenant {shown.name(row.tenant)}, arrival {row.arrival_ns:,} ns ({row.bytes:,} bytes, line {row.line:,}),"


def _finish(late: Lateness) -> str:
    way = "after" if late.ns >= 0 else "before"
    return (
        f"finished {_decimal(abs(late.ns), 0)} ns {way} its expected arrival at {_decimal(late.expected_ns, 0)} ns"
        f" ({late.policing.value})"
    )


def _breaches(shown: Shown, broken: list[Check], screen: Screen) -> Iterator[str]:
    """Yield what was broken, rule by rule, the latest request of each first."""
    for statement in dict.fromkeys(check.statement for check in broken):
        checks = sorted((c for c in broken if c.statement == statement), key=lambda c: -_lateness(shown, c))
        yield screen.paint("VIOLATED", "bad") + f" {checks[0].clause}: {statement}"
        for check in checks:
            yield from _breach(shown, check)


def _lateness(shown: Shown, check: Check) -> Fraction:
    worst = None if check.tenant is None else shown.report.tenants[check.tenant].worst
    return Fraction(0) if worst is None else worst.ns


def _breach(shown: Shown, check: Check) -> Iterator[str]:
    tenant = None if check.tenant is None else shown.report.tenants[check.tenant]
    if tenant is not None and tenant.worst is not None and check.id in ("promise", "delay-bound"):
        promised = None if tenant.delay is None else tenant.delay.ns
        limit = tenant.slo_ns if check.id == "promise" else promised
        yield f"  {_request(shown, tenant.worst.row)} {_finish(tenant.worst)}; allowed are {_decimal(limit, 0)} ns"
    elif check.row is not None:
        yield f"  {_request(shown, check.row)} started before one that had come earlier"
    if tenant is not None and check.id == "promise" and tenant.broken > 1 and tenant.first_broken is not None:
        first = _request(shown, tenant.first_broken.row).rstrip(",")
        yield f"    {tenant.broken:,} requests of tenant {tenant.name} broke it; the first: {first}"
