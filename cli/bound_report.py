"""What `headgate bound` found, and how it is said: tables for people, one JSON object for programs.

JSON keeps every number exact (an integer, or a string such as "186326/15"). The text rounds against the claim: delays
up, rates that are there and sizes that are allowed down.
"""

import functools
import math
import textwrap
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import attrs

from headgate.cli.output import Screen, json_text, shorten
from headgate.model.admission import ESSAY_SHARE
from headgate.model.adversaries import Stage
from headgate.model.bounds import guarantee_for_burst
from headgate.model.capacity import (
    Losses,
    admissible_below,
    essay_fitting,
    first_miss,
    fitting,
    supply,
)
from headgate.model.delays import (
    DELAY_BOUNDS,
    DELAY_POLICIES,
    Crowd,
    Delays,
    Vary,
    bounds_of,
    idle_delay,
    largest_request,
    more_with_latencies,
    shares,
)
from headgate.model.refresh import Enclosure, worst_refresh
from headgate.model.simulator import Server
from headgate.model.witness import Reached, why_not_closer, witness
from headgate.proofs.catalogue import catalogue
from headgate.proofs.theorem import Expect
from headgate.spec.schedules import schedule_text
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import Contract, ContractSet, Excess, Verdict

__all__ = ["PolicyRow", "Report", "TenantRow", "as_json", "as_text", "report_of"]

NOTHING = "-"
SIZES = (Vary.OWN, Vary.OTHERS, Vary.ALL)
# The clause that states each policy's bound from expected arrival to finish.
STATED_IN = {
    "sfq": "FQ-5", "scfq": "FQ-6", "early": "EA-2", "wfq": "WQ-7", "wf2q+": "WF-3", "drr": "BD-14", "drr-curve": "BD-4",
    "fcfs": "BD-6",
}  # fmt: skip
# Those whose own bound counts what the guarantees of the file leave.
SHARPER = ("scfq", "early", "wfq", "wf2q+", "drr")


@functools.cache
def proved_clauses() -> frozenset[str]:
    """Return the clauses that a theorem of the catalogue establishes."""
    return frozenset(c for theorem in catalogue() if theorem.expect is Expect.PROVED for c in theorem.clauses)


@attrs.frozen
class PolicyRow:
    """What one policy gives one tenant: any and own, and the largest requests (by whose they are) for its latency."""

    policy: str
    anywhere: Delays
    own: Delays
    sizes_anywhere: dict[Vary, int | None]
    sizes_own: dict[Vary, int | None]

    @property
    def is_proved(self) -> bool:
        """Whether a theorem gives the bound; else properties hold every execution to it."""
        sharper = {"BD-15"} if self.policy in SHARPER else set()
        return {STATED_IN[self.policy], *sharper} <= proved_clauses()


@attrs.frozen
class TenantRow:
    """What one tenant can count on. `kept` is None where the file's policy gives no bound, or nothing is promised."""

    contract: Contract
    worth: Fraction
    policies: tuple[PolicyRow, ...]
    idle_ns: Fraction | None
    kept: bool | None
    more: int
    more_kept: int | None


@attrs.frozen
class Report:
    """The whole answer. Without admission there are no bounds; `reached` is of the tenant `worst`, if there is one.

    `no_closer` says why what was reached is far below the bound, where it is.
    """

    agreed: ContractSet
    losses: Losses
    crowd: Crowd
    threshold: Enclosure | None
    essay_threshold: Enclosure | None
    tenants: tuple[TenantRow, ...]
    worst: TenantRow | None
    reached: Reached | None
    no_witness: str
    no_closer: str = ""

    @property
    def has_bound(self) -> bool:
        """Whether the file's policy gives a bound: first come, first served only behind shapers."""
        shaped = all(g.contract.excess is Excess.SHAPED for g in self.crowd.guaranteed)
        return self.agreed.policy in DELAY_POLICIES and (self.agreed.policy != "fcfs" or shaped)

    @property
    def verdict(self) -> Verdict:
        """Admissible, and every latency kept; open where the policy gives no bound."""
        if not self.crowd.is_admissible or any(row.kept is False for row in self.tenants):
            return Verdict.VIOLATED
        promised = any(row.contract.latency_slo_ns is not None for row in self.tenants)
        if promised and not self.has_bound and self.agreed.policy != "none":
            return Verdict.UNDECIDED
        return Verdict.HOLDS


def report_of(agreed: ContractSet, losses: Losses) -> Report:
    """Return what can be said of a contract file."""
    device = agreed.device
    crowd = Crowd.of(agreed.contracts, supply(device, device.max_temperature_c, losses))
    report = Report(
        agreed,
        losses,
        crowd,
        admissible_below(device, crowd.total, losses),
        admissible_below(device, ESSAY_SHARE * device.peak_bytes_per_ns, losses),
        (),
        None,
        None,
        "a set that is not admissible",
    )
    rows = tuple(_tenants(report))
    report = attrs.evolve(report, tenants=rows)
    return _with_witness(report) if crowd.is_admissible and rows else report


def _tenants(report: Report) -> Iterator[TenantRow]:
    """Yield a row a tenant; those that differ in nothing but their names have the same."""
    found: dict[Contract, TenantRow] = {}
    for group in report.crowd.guaranteed:
        numbers = attrs.evolve(group.contract, name="", page_color=None)
        if numbers not in found:
            found[numbers] = _tenant(report, group.contract)
        yield attrs.evolve(found[numbers], contract=group.contract)


def _tenant(report: Report, contract: Contract) -> TenantRow:
    crowd, policy = report.crowd, report.agreed.policy
    more = fitting(contract.guaranteed_bytes_per_ns, crowd.supply.rate, crowd.total)
    if not crowd.is_admissible:
        return TenantRow(contract, contract.guaranteed_bytes_per_ns, (), None, None, 0, None)
    rows = tuple(_policy(name, crowd, contract) for name in DELAY_BOUNDS)
    slo, kept, more_kept = contract.latency_slo_ns, None, None
    if report.has_bound:
        figure = next(row for row in rows if row.policy == policy).own.expected
        kept = None if slo is None else figure <= slo
        more_kept = more_with_latencies(policy, crowd, contract)
    return TenantRow(contract, shares(crowd, contract)[1], rows, idle_delay(crowd, contract), kept, more, more_kept)


def _policy(policy: str, crowd: Crowd, contract: Contract) -> PolicyRow:
    return PolicyRow(
        policy,
        bounds_of(policy, crowd, contract, own=False),
        bounds_of(policy, crowd, contract, own=True),
        _sizes(policy, crowd, contract, own=False),
        _sizes(policy, crowd, contract, own=True),
    )


def _sizes(policy: str, crowd: Crowd, contract: Contract, own: bool) -> dict[Vary, int | None]:
    slo = contract.latency_slo_ns
    if slo is None:
        return {}
    alone = sum(group.count for group in crowd.guaranteed) == 1
    return {
        vary: largest_request(policy, crowd, contract, own, vary, slo)
        for vary in SIZES
        if not (alone and vary is Vary.OTHERS)
    }


def _with_witness(report: Report) -> Report:
    device, policy = report.agreed.device, report.agreed.policy
    if not report.has_bound:
        return attrs.evolve(report, no_witness=f"the policy {policy}, which gives no bound")

    def figure(row: TenantRow) -> Fraction:
        return next(each for each in row.policies if each.policy == policy).own.expected

    worst = max(report.tenants, key=lambda row: (figure(row) / (row.contract.latency_slo_ns or 10**18), figure(row)))
    report = attrs.evolve(report, worst=worst)
    if report.losses.bubble_ns:
        return attrs.evolve(report, no_witness="bubbles, which the simulator has not")
    peak = device.peak_bytes_per_ns * (1 - report.losses.migration)
    refresh = worst_refresh(device, device.max_temperature_c)
    stage = Stage.of(report.agreed.contracts, worst.contract, Server(peak, refresh if refresh.blackout else None))
    reached = witness(policy, stage, figure(worst))
    why = "" if reached is None else why_not_closer(policy, stage, figure(worst), reached.late_ns)
    no_witness = "a policy that is not modelled, too many tenants, or requests that a replay is not done with"
    return attrs.evolve(report, reached=reached, no_witness=no_witness, no_closer=why)


# ---- JSON ----


def as_json(report: Report) -> str:
    """Return the one object that a program reads."""
    rows = [_set_json(report), *(_tenant_json(report, row) for row in report.tenants)]
    rows += [_witness_json(report)] if report.reached is not None else []
    return json_text("bound", report.verdict, rows)


def _set_json(report: Report) -> dict[str, Any]:
    device, crowd = report.agreed.device, report.crowd
    slos = [g.contract.latency_slo_ns for g in crowd.guaranteed if g.contract.latency_slo_ns is not None]
    miss = first_miss(crowd.total, crowd.supply.rate, min(slos)) if slos else None
    return {
        "kind": "set",
        "contracts": report.agreed.source,
        "policy": report.agreed.policy,
        "device": device.name,
        "temperature_c": exact_text(device.max_temperature_c),
        "peak_bytes_per_ns": exact_text(device.peak_bytes_per_ns),
        "migration": exact_text(report.losses.migration),
        "bubble_ns": exact_text(report.losses.bubble_ns),
        "bubble_period_ns": exact_text(report.losses.period_ns) if report.losses.bubble_ns else None,
        "rate_bytes_per_ns": exact_text(crowd.supply.rate),
        "blackout_ns": exact_text(crowd.supply.blackout_ns),
        "guaranteed_bytes_per_ns": exact_text(crowd.total),
        "admissible": crowd.is_admissible,
        "deficit_bytes_per_ns": exact_text(max(Fraction(0), crowd.total - crowd.supply.rate)),
        "first_miss_ns": None if miss is None else [exact_text(miss[0]), exact_text(miss[1])],
        "admissible_below_c": _enclosure_json(report.threshold),
        "essay_rule": {
            "admits": crowd.total <= ESSAY_SHARE * device.peak_bytes_per_ns,
            "safe_below_c": _enclosure_json(report.essay_threshold),
        },
    }


def _enclosure_json(found: Enclosure | None) -> list[int | str] | None:
    return None if found is None else [exact_text(found.low), exact_text(found.high)]


def _tenant_json(report: Report, row: TenantRow) -> dict[str, Any]:
    contract, crowd = row.contract, report.crowd
    g, p, d = contract.guaranteed_bytes_per_ns, contract.burst_bytes_per_ns, contract.burst_duration_ns
    slo = contract.latency_slo_ns
    burst = None if slo is None or not d else exact_text(guarantee_for_burst(p, d, slo))
    return {
        "kind": "tenant",
        "tenant": contract.name,
        "guaranteed_bytes_per_ns": exact_text(g),
        "worth_bytes_per_ns": exact_text(row.worth),
        "latency_slo_ns": None if slo is None else exact_text(slo),
        "kept": row.kept,
        "fit_alone": fitting(g, crowd.supply.rate),
        "fit_by_the_essays_rule": essay_fitting(g, report.agreed.device.peak_bytes_per_ns),
        "more_fit": row.more,
        "more_fit_with_latencies": row.more_kept,
        "guarantee_for_latency_in_a_burst": burst,
        "drr_from_an_empty_queue_ns": None if row.idle_ns is None else exact_text(row.idle_ns),
        "policies": [_policy_json(each) for each in row.policies],
    }


def _policy_json(row: PolicyRow) -> dict[str, Any]:
    figures = {"any": (row.anywhere, row.sizes_anywhere), "own": (row.own, row.sizes_own)}
    return {
        "policy": row.policy,
        "proved": row.is_proved,
        **{
            name: {
                "from_expected_arrival_ns": exact_text(found.expected),
                "from_arrival_in_a_burst_ns": exact_text(found.burst),
                "network_calculus_ns": exact_text(found.calculus),
                "largest_request_bytes": {vary.value: size for vary, size in sizes.items()},
            }
            for name, (found, sizes) in figures.items()
        },
    }


def _witness_json(report: Report) -> dict[str, Any]:
    import json

    assert report.reached is not None
    assert report.worst is not None
    late, bound = report.reached.late_ns, report.reached.schedule.parameters["latency"]
    assert isinstance(bound, Fraction)
    return {
        "kind": "witness",
        "tenant": report.worst.contract.name,
        "late_ns": exact_text(late),
        "bound_ns": exact_text(bound),
        "ratio": exact_text(late / bound),
        "why_not_closer": report.no_closer or None,
        "schedule": json.loads(schedule_text(report.reached.schedule)),
    }


# ---- text ----


def as_text(report: Report, screen: Screen) -> str:
    """Return the tables and the verdict that a person reads."""
    lines = [*_set_lines(report, screen)]
    for row in report.tenants if report.crowd.is_admissible else ():
        lines += ["", *_tenant_lines(report, row, screen)]
    if report.crowd.is_admissible:
        lines += ["", *_legend(screen)]
    lines += ["", *_witness_lines(report, screen), *_verdict_lines(report, screen)]
    return "\n".join(lines)


def _set_lines(report: Report, screen: Screen) -> Iterator[str]:
    device, crowd = report.agreed.device, report.crowd
    yield screen.paint(shorten(f"{report.agreed.source} (policy {report.agreed.policy})", screen.width), "title")
    yield (
        f"{device.name} up to {up(device.max_temperature_c)} C: {down(crowd.supply.rate)} of "
        f"{down(device.peak_bytes_per_ns)} GB/s are left, dark for at most {up(crowd.supply.blackout_ns)} ns"
    )
    verdict = "fit" if crowd.is_admissible else "do NOT fit"
    yield f"guarantees of {up(crowd.total)} GB/s {verdict}; {_threshold(report.threshold, 'they fit')}"
    admits = "admits" if crowd.total <= ESSAY_SHARE * device.peak_bytes_per_ns else "refuses"
    yield f"the rule of 0.85 {admits} them; {_threshold(report.essay_threshold, 'it is safe')}"
    yield from _deficit(report)


def _threshold(found: Enclosure | None, what: str) -> str:
    if found is None:
        return f"{what} up to 150 C"
    if found.low == found.high:
        return f"{what} at no temperature"
    return f"{what} up to {_places(found.low, 4, math.floor)} to {_places(found.high, 4, math.ceil)} C"


def _deficit(report: Report) -> Iterator[str]:
    crowd = report.crowd
    slos = [g.contract.latency_slo_ns for g in crowd.guaranteed if g.contract.latency_slo_ns is not None]
    if crowd.is_admissible:
        return
    yield f"{up(crowd.total - crowd.supply.rate)} GB/s are missing"
    miss = first_miss(crowd.total, crowd.supply.rate, min(slos)) if slos and crowd.supply.rate > 0 else None
    if miss is not None:
        yield (
            f"if all send their guarantees, what arrives at {up(miss[0] / 1000)} us is the first to leave "
            f"{up(min(slos) / 1000)} us later"
        )


def _tenant_lines(report: Report, row: TenantRow, screen: Screen) -> Iterator[str]:
    contract, slo = row.contract, row.contract.latency_slo_ns
    promised = "no latency promised" if slo is None else f"{up(slo / 1000)} us promised"
    yield screen.paint(shorten(contract.name, 30), "title") + (
        f": {down(contract.guaranteed_bytes_per_ns)} GB/s, worth {down(row.worth)} here; {promised}"
    )
    head = ["  us", "any", "own", "burst any", "burst own", "calculus", "largest B"]
    rows = [head, *(_cells(report, row, each) for each in row.policies)]
    for cells in rows:
        yield cells[0] + cells[1].rjust(20 - len(cells[0])) + "".join(f"{cell:>11}" for cell in cells[2:])
    yield f"  {_more(report, row)}"


def _cells(report: Report, row: TenantRow, each: PolicyRow) -> list[str]:
    mark = ("*" if each.policy == report.agreed.policy else "") + ("" if each.is_proved else "~")
    figures = [each.anywhere.expected, each.own.expected, each.anywhere.burst, each.own.burst, each.own.calculus]
    size = each.sizes_own.get(Vary.OWN)
    largest = NOTHING if row.contract.latency_slo_ns is None else "none" if size is None else f"{size}"
    return [f"  {each.policy}{mark}", *(up(figure / 1000) for figure in figures), largest]


def _more(report: Report, row: TenantRow) -> str:
    fit = "1 more such tenant fits by its guarantee"
    if row.more != 1:
        fit = f"{row.more} more such tenants fit by their guarantees"
    return fit if row.more_kept is None else f"{fit}, {row.more_kept} with every latency kept"


def _legend(screen: Screen) -> list[str]:
    words = (
        "* the policy of the file. any, own: the worst delay from expected arrival, whatever the guarantees of the "
        "others are, and with those of this file. burst: from arrival, at the end of a full burst. calculus: the same "
        "by network calculus (own). largest B: the largest request for the latency (own). drr-curve: drr by its "
        "service curve. fcfs: if all were shaped. "
        "~ held by properties, not proved."
    )
    return textwrap.wrap(words, screen.width)


def _witness_lines(report: Report, screen: Screen) -> Iterator[str]:
    if report.reached is None or report.worst is None:
        return
    late, bound = report.reached.late_ns, report.reached.schedule.parameters["latency"]
    assert isinstance(bound, Fraction)
    share = _places(100 * late / bound, 1, math.floor)
    yield (
        f"a schedule makes {shorten(report.worst.contract.name, 30)} {down(late / 1000)} us late: "
        f"{share} % of its bound"
    )
    if report.no_closer:
        yield from textwrap.wrap(f"none is shown that reaches 90 %: {report.no_closer}", screen.width)


def _verdict_lines(report: Report, screen: Screen) -> Iterator[str]:
    verdict = report.verdict
    if verdict is Verdict.HOLDS:
        judged = report.has_bound
        yield screen.paint("HOLDS", "good") + (": every latency is kept" if judged else ": the guarantees fit")
    elif verdict is Verdict.UNDECIDED:
        yield screen.paint("UNDECIDED", "doubt") + f": the policy {report.agreed.policy} gives no bound on the delay"
    elif not report.crowd.is_admissible:
        yield screen.paint("VIOLATED", "bad") + ": the guarantees are more than what is there"
    else:
        broken = [shorten(row.contract.name, 30) for row in report.tenants if row.kept is False]
        listed = ", ".join(broken[:8]) + (f" and {len(broken) - 8} more" if len(broken) > 8 else "")
        yield (
            screen.paint("VIOLATED", "bad") + f": under {report.agreed.policy} the latency cannot be kept for {listed}"
        )


# ---- numbers for people ----


def up(value: Fraction) -> str:
    """Return a number to three places, rounded up."""
    return _places(value, 3, math.ceil)


def down(value: Fraction) -> str:
    """Return a number to three places, rounded down."""
    return _places(value, 3, math.floor)


def _places(value: Fraction, places: int, rounded: Any) -> str:
    scaled = int(rounded(Fraction(value) * 10**places))
    whole, rest = divmod(abs(scaled), 10**places)
    return f"{'-' if scaled < 0 else ''}{whole}" + (f".{rest:0{places}d}".rstrip("0").rstrip(".") if rest else "")
