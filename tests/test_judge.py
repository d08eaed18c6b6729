"""The judge of recordings: the measured recordings, and small recordings with one thing wrong in each."""

from collections.abc import Sequence
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import attrs
import pytest

from headgate.properties.judge.compare import compare
from headgate.properties.judge.judging import judge_rows, policy_delay
from headgate.properties.judge.quantiles import MOST_DISTINCT, Quantiles, bucket_top
from headgate.properties.judge.report import Check, Report
from headgate.spec.contracts import read_contracts
from headgate.spec.recordings import Recording, Row
from headgate.spec.vocabulary import Contract, ContractSet, Device, Excess, Policing, Verdict

EXAMPLES = Path(str(files("headgate.examples")))


def judged(name: str, slo_us: int | None = None) -> Report:
    """Return the judgement of a shipped recording."""
    contracts = read_contracts(EXAMPLES / "h200_recordings.toml")
    if slo_us is not None:
        changed = [c if c.best_effort else attrs.evolve(c, latency_slo_ns=slo_us * 1000) for c in contracts.contracts]
        contracts = attrs.evolve(contracts, contracts=tuple(changed))
    with Recording(EXAMPLES / "recordings" / f"{name}.csv.gz", [c.name for c in contracts.contracts]) as recording:
        return judge_rows(recording, contracts)


# ---- measured on a real GPU ----


@pytest.mark.parametrize(
    ("name", "late", "arrival", "tail"),
    [
        ("solo", 5063, 20_745_433, (4175, 10_145, 17_090)),
        ("backlogged", 7355, 12_150_757, (5311, 15_357, 26_503)),
    ],
)
def test_h200(name: str, late: int, arrival: int, tail: tuple[int, int, int]) -> None:
    report = judged(name)
    total = report.guaranteed
    counts = {policing: total.classes[policing].requests for policing in Policing}
    assert counts == {Policing.PACED: 1909, Policing.BURST: 2843, Policing.EXCESS: 1314, Policing.REFUSED: 0}
    assert total.worst is not None
    assert (total.worst.ns, total.worst.row.arrival_ns) == (late, arrival)
    assert report.tenants[total.worst.row.tenant].name == "3"
    assert total.latency is not None
    assert (total.latency.p50_ns, total.latency.p99_ns, total.latency.max_ns) == tail
    assert total.latency.exact
    assert report.verdict is Verdict.HOLDS


def test_h200_by_six_us() -> None:
    assert judged("solo", 6).verdict is Verdict.HOLDS
    report = judged("backlogged", 6)
    assert report.verdict is Verdict.VIOLATED
    broken = [check.row for check in report.checks if check.judged and not check.kept]
    assert 12_150_757 in [row.arrival_ns for row in broken if row is not None]


def test_h200_idle_gaps_are_reported_and_not_judged() -> None:
    report = judged("solo")
    assert report.idle.longest_ns == 63
    assert find(report, "work-conservation").reason == "nothing is declared to arbitrate"


def test_h200_against_its_baseline() -> None:
    now, then = judged("backlogged"), judged("solo")
    *_, total = compare(now, then)
    assert (total.p99, total.max, total.worst) == (
        Fraction(15_357, 10_145),
        Fraction(26_503, 17_090),
        Fraction(7355, 5063),
    )
    prefill, *_ = compare(now, then)
    assert (prefill.p99, prefill.worst) == (None, None)


# ---- small ones: 1 byte is 1 ns, two tenants are promised half of it each ----

DEVICE = Device("plain", Fraction(1), Fraction(0), Fraction(0), Fraction(100))
HALF = Contract("a", Fraction(1, 2), Fraction(1, 2), Fraction(0), 10, latency_slo_ns=Fraction(100))


def contracts_of(policy: str, *tenants: Contract, device: Device = DEVICE) -> ContractSet:
    """Return a contract file; two equal tenants, where none are given."""
    tenants = tenants or (HALF, attrs.evolve(HALF, name="b"))
    return ContractSet(device, policy, tenants)


def rows_of(*rows: Sequence[int]) -> list[Row]:
    """Return rows from (tenant, arrival, start, finish, bytes)."""
    return [Row(number, *row) for number, row in enumerate(rows, 2)]


def find(report: Report, name: str, tenant: int | None = None) -> Check:
    """Return a check of a report."""
    return next(check for check in report.checks if check.id == name and tenant in (None, check.tenant))


def broken(report: Report) -> list[str]:
    """Return the ids of what is judged and broken."""
    return [check.id for check in report.checks if check.judged and not check.kept]


IN_TURN = rows_of(
    (0, 0, 0, 10, 10), (1, 0, 10, 20, 10), (0, 20, 20, 30, 10), (1, 20, 30, 40, 10)
)  # fmt: skip
ORDERLY = ("sfq", "scfq", "drr", "round-robin", "fcfs", "priority")


@pytest.mark.parametrize("policy", [*ORDERLY, "essay", "none"])
def test_in_turn_accuses_nobody(policy: str) -> None:
    report = judge_rows(IN_TURN, contracts_of(policy), tolerance_ns=0)
    assert report.verdict is Verdict.HOLDS
    assert report.declared == (policy != "none")


PAUSE = rows_of((0, 0, 0, 10, 10), (1, 9, 14, 24, 10))
OVERTAKEN = rows_of((0, 0, 10, 20, 10), (1, 0, 0, 5, 5), (0, 5, 5, 10, 5))
LATE_START = rows_of((0, 0, 20, 30, 10), (1, 1, 1, 11, 10), (1, 12, 12, 20, 8))
# Both wait all the time; tenant 0 is served five times before tenant 1 is.
UNFAIR = rows_of(
    *[(0, 0, 10 * n, 10 * n + 10, 10) for n in range(6)], (1, 0, 60, 70, 10), (1, 0, 70, 80, 10)
)  # fmt: skip


@pytest.mark.parametrize("policy", ORDERLY)
def test_a_pause_is_not_work_conserving(policy: str) -> None:
    report = judge_rows(PAUSE, contracts_of(policy), tolerance_ns=3)
    assert broken(report) == ["work-conservation"]
    assert (report.idle.total_ns, report.idle.longest_from_ns) == (4, 10)
    assert broken(judge_rows(PAUSE, contracts_of(policy), tolerance_ns=4)) == []


def test_a_blackout_excuses_a_pause() -> None:
    device = attrs.evolve(DEVICE, refresh_ns=Fraction(4), base_interval_ns=Fraction(1000))
    assert broken(judge_rows(PAUSE, contracts_of("drr", device=device), tolerance_ns=0)) == []


@pytest.mark.parametrize("policy", ORDERLY)
def test_overtaking_within_a_tenant(policy: str) -> None:
    report = judge_rows(OVERTAKEN, contracts_of(policy), tolerance_ns=0)
    assert "order" in broken(report)
    assert find(report, "order", 0).row == OVERTAKEN[2]
    assert "order" not in broken(judge_rows(OVERTAKEN, contracts_of(policy), tolerance_ns=5))


def test_fcfs_starts_in_order_of_arrival_across_tenants() -> None:
    report = judge_rows(LATE_START, contracts_of("fcfs"), tolerance_ns=0)
    assert "arrival-order" in broken(report)
    assert find(report, "arrival-order").row in LATE_START[1:]
    assert "arrival-order" not in [check.id for check in judge_rows(LATE_START, contracts_of("drr"), 0).checks]


@pytest.mark.parametrize("policy", ["sfq", "scfq"])
def test_a_tenant_that_is_served_far_ahead(policy: str) -> None:
    report = judge_rows(UNFAIR, contracts_of(policy), tolerance_ns=0)
    assert "pairwise-gap" in broken(report)
    gap = max(report.gaps, key=lambda gap: gap.size_ns)
    # 60 bytes at half a byte a ns, where 10 / (1/2) twice are allowed.
    assert (gap.ahead, gap.behind, gap.size_ns, gap.begin_ns, gap.end_ns) == (0, 1, 120, 0, 60)
    assert "pairwise-gap" not in broken(judge_rows(UNFAIR, contracts_of("drr"), tolerance_ns=0))


def test_the_delay_of_a_policy() -> None:
    # Tenant 1 is in contract and alone; SFQ promises 20 ns, and it took 25.
    rows = rows_of((1, 0, 0, 25, 10))
    report = judge_rows(rows, contracts_of("sfq"), tolerance_ns=4)
    assert broken(report) == ["delay-bound"]
    assert broken(judge_rows(rows, contracts_of("sfq"), tolerance_ns=5)) == []


@pytest.mark.parametrize("policy", ["early", "wfq", "wf2q+"])
def test_the_delay_of_deadlines(policy: str) -> None:
    # 10 / (1/2) of its own, one request of anybody, one of the background: 20 + 10 + 7 ns.
    batch = Contract("c", max_request_bytes=7, best_effort=True)
    tenants = (HALF, attrs.evolve(HALF, name="b"), batch)
    for finish, found in ((37, []), (38, ["delay-bound"])):
        report = judge_rows(rows_of((1, 0, 0, finish, 10)), contracts_of(policy, *tenants), tolerance_ns=0)
        assert broken(report) == found
    # What the tenant sends in excess moves its own expected arrival, and so excuses its own delay.
    flood = rows_of((1, 0, 0, 37, 10), (1, 0, 37, 57, 10), (1, 0, 57, 77, 10))
    assert broken(judge_rows(flood, contracts_of(policy, *tenants), tolerance_ns=0)) == []
    shaped = (HALF, attrs.evolve(HALF, name="b", excess=Excess.SHAPED), batch)
    check = find(judge_rows(rows_of((1, 0, 0, 38, 10)), contracts_of(policy, *shaped), tolerance_ns=0), "delay-bound")
    assert (check.kept, check.judged) == (False, False)


@pytest.mark.parametrize("rows", [PAUSE, OVERTAKEN, LATE_START, UNFAIR])
def test_nothing_but_the_promise_is_judged_without_policy_or_tolerance(rows: list[Row]) -> None:
    patient = [attrs.evolve(HALF, name=name, latency_slo_ns=Fraction(10**6)) for name in "ab"]
    for contracts, tolerance in ((contracts_of("none", *patient), 0), (contracts_of("sfq", *patient), None)):
        report = judge_rows(rows, contracts, tolerance)
        assert report.verdict is Verdict.HOLDS
        assert {check.id for check in report.checks if check.judged} == {"promise"}


@pytest.mark.parametrize(
    ("rows", "excess", "spared"),
    [
        (PAUSE, Excess.SHAPED, "work-conservation"),
        (OVERTAKEN, Excess.BACKGROUND, "order"),
        (UNFAIR, Excess.BACKGROUND, "pairwise-gap"),
        (UNFAIR, Excess.SHAPED, "pairwise-gap"),
        (UNFAIR, Excess.SHAPED, "delay-bound"),
    ],
)
def test_excess_that_is_not_in_line_is_an_excuse(rows: list[Row], excess: Excess, spared: str) -> None:
    contracts = contracts_of("sfq", *(attrs.evolve(HALF, name=name, excess=excess) for name in "ab"))
    check = find(judge_rows(rows, contracts, tolerance_ns=0), spared)
    assert not check.judged
    assert check.reason


def test_an_inexact_clock_cannot_tell_background_excess() -> None:
    contracts = contracts_of("sfq", attrs.evolve(HALF, excess=Excess.BACKGROUND), attrs.evolve(HALF, name="b"))
    rows = rows_of((0, 0, 0, 50, 10))
    assert broken(judge_rows(rows, contracts, tolerance_ns=0)) == ["delay-bound"]
    assert "inexact clock" in find(judge_rows(rows, contracts, tolerance_ns=1), "delay-bound", 0).reason


def test_services_that_the_clock_shows_without_a_length_end_a_gap() -> None:
    rows = rows_of((0, 0, 3, 3, 1), (1, 0, 6, 6, 1), (0, 0, 9, 12, 3))
    report = judge_rows(rows, contracts_of("drr"), tolerance_ns=3)
    assert (report.idle.total_ns, report.idle.longest_ns) == (9, 3)
    assert broken(report) == []


def test_overlapping_services_are_an_excuse_from_the_rules_of_one_server() -> None:
    rows = [row._replace(finish_ns=row.finish_ns + 2) for row in UNFAIR]
    report = judge_rows(rows, contracts_of("sfq"), tolerance_ns=0)
    assert not find(report, "pairwise-gap").kept
    assert "overlap" in find(report, "pairwise-gap").reason
    assert not find(report, "delay-bound").judged


def test_best_effort_traffic_may_be_reordered() -> None:
    contracts = contracts_of("sfq", Contract("a", max_request_bytes=10, best_effort=True), HALF)
    assert broken(judge_rows(OVERTAKEN, contracts, tolerance_ns=0)) == []


# ---- the promise ----


def test_a_request_above_the_largest_is_refused_and_charged() -> None:
    # 20 bytes take 40 ns at half a byte a ns: the next request is expected then, and is paced, for the meter is empty.
    report = judge_rows(rows_of((0, 0, 0, 20, 20), (0, 1, 20, 30, 10)), contracts_of("none"))
    tenant = report.tenants[0]
    assert [tenant.classes[policing].requests for policing in Policing] == [1, 0, 0, 1]
    assert tenant.worst is not None
    assert (tenant.worst.expected_ns, tenant.worst.ns, tenant.worst.policing) == (40, -10, Policing.PACED)


def test_the_tolerance_widens_the_promise() -> None:
    rows = rows_of((0, 0, 0, 103, 10))
    assert judge_rows(rows, contracts_of("none"), tolerance_ns=2).verdict is Verdict.VIOLATED
    assert judge_rows(rows, contracts_of("none"), tolerance_ns=3).verdict is Verdict.HOLDS


def test_no_latency_no_promise() -> None:
    contract = attrs.evolve(HALF, latency_slo_ns=None)
    report = judge_rows(rows_of((0, 0, 0, 10**9, 10)), contracts_of("none", contract))
    assert report.verdict is Verdict.HOLDS
    assert "promise" not in [check.id for check in report.checks]


def test_a_fraction_of_a_ns_decides() -> None:
    third = attrs.evolve(HALF, guaranteed_bytes_per_ns=Fraction(3), burst_bytes_per_ns=Fraction(30),
                         burst_duration_ns=Fraction(10), latency_slo_ns=Fraction(10, 3))  # fmt: skip
    rows = rows_of((0, 0, 0, 1, 10), (0, 1, 1, 7, 10))  # expected at 10/3, finished at 7: 11/3 late
    report = judge_rows(rows, contracts_of("none", third))
    assert report.tenants[0].worst is not None
    assert report.tenants[0].worst.ns == Fraction(11, 3)
    assert report.verdict is Verdict.VIOLATED
    enough = attrs.evolve(third, latency_slo_ns=Fraction(11, 3))
    assert judge_rows(rows, contracts_of("none", enough)).verdict is Verdict.HOLDS


# ---- what the policy would give ----


def test_delay_of_the_policies() -> None:
    largest = [0, 0, 0]
    batch = Contract("c", max_request_bytes=7, best_effort=True)
    tenants = (HALF, attrs.evolve(HALF, name="b", max_request_bytes=4), batch)
    deadlines = (("early", 37), ("wfq", 37), ("wf2q+", 37))
    for policy, expected in (("sfq", 21), ("none", 21), ("scfq", 31), *deadlines, ("drr", None), ("priority", None)):
        delay = policy_delay(contracts_of(policy, *tenants), 0, largest)
        assert delay.ns == expected
        assert delay.policy == ("sfq" if policy == "none" else policy)
    # A request above the contract's largest counts as it was sent.
    assert policy_delay(contracts_of("sfq", *tenants), 0, [0, 14, 0]).ns == 31


def test_no_delay_for_a_set_that_the_device_cannot_keep() -> None:
    tenants = [attrs.evolve(HALF, name=str(n)) for n in range(3)]
    delay = policy_delay(contracts_of("sfq", *tenants), 0, [0, 0, 0])
    assert delay.ns is None
    assert "more than the device keeps" in delay.reason


# ---- what it counts ----


def test_rates_and_a_tenant_without_requests() -> None:
    report = judge_rows(rows_of((0, 10, 10, 20, 10), (0, 30, 40, 60, 10)), contracts_of("none"))
    first, second = report.tenants
    assert (first.offered_bytes_per_ns, first.served_bytes_per_ns) == (1, Fraction(20, 50))
    assert (second.all.requests, second.latency, second.wait, second.worst, second.missed) == (
        0,
        None,
        None,
        None,
        None,
    )
    assert report.guaranteed.all.requests == 2


def test_the_window_that_was_missed() -> None:
    # Backlogged from 0 to 100; from 10 to 90 nothing finishes: 40 bytes are owed.
    rows = rows_of((0, 0, 0, 10, 10), (0, 0, 10, 90, 10), (0, 0, 90, 100, 10))
    missed = judge_rows(rows, contracts_of("none")).tenants[0].missed
    assert missed is not None
    assert (missed.begin_ns, missed.end_ns, missed.owed_bytes, missed.served_bytes) == (10, 90, 40, 0)


def test_buckets_are_narrower_than_a_thousandth() -> None:
    for value in (0, 1, 1023, 1024, 2047, 2048, 2049, 10**6, 10**12, 10**18):
        assert value <= bucket_top(value) <= value + value // 1024
        assert bucket_top(bucket_top(value)) == bucket_top(value)


def test_quantiles_of_more_values_than_are_kept() -> None:
    quantiles = Quantiles()
    for value in range(MOST_DISTINCT):
        quantiles.add(value)
    assert quantiles.exact
    assert quantiles.quantile(99, 100) == -(-MOST_DISTINCT * 99 // 100) - 1
    quantiles.add(MOST_DISTINCT)
    assert not quantiles.exact
    for value in range(MOST_DISTINCT, 3 * MOST_DISTINCT):
        quantiles.add(value)
    assert quantiles.maximum == quantiles.quantile(1, 1) == 3 * MOST_DISTINCT - 1
    assert sum(1 for _ in quantiles.pairs()) < MOST_DISTINCT // 4


def test_no_quantile_of_nothing() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        Quantiles().quantile(1, 2)
