"""What must hold of the judge of recordings (RC-1 to RC-7), beside the plain judge that keeps everything in memory."""

import gzip
import json
import math
import tempfile
from collections import defaultdict, deque
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import attrs
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from headgate.model.arbiters import ARBITERS
from headgate.model.simulator import simulate
from headgate.properties import strategies
from headgate.properties.judge.compare import compare
from headgate.properties.judge.judging import judge_rows
from headgate.properties.judge.order import GapWatch, OrderWatch
from headgate.properties.judge.quantiles import Quantiles, nearest_rank
from headgate.properties.judge.report import TenantReport
from headgate.properties.judge.windows import IdleWatch, MissedWindow
from headgate.properties.oracles import judge as oracle
from headgate.properties.strategies import Scenario
from headgate.spec.errors import InputError
from headgate.spec.links import checks
from headgate.spec.recordings import COLUMNS, Recording, Row
from headgate.spec.vocabulary import Contract, ContractSet, Device, Excess, Request

PLAIN_DEVICE = Device("plain", Fraction(8), Fraction(0), Fraction(0), Fraction(100))
ORDERLY_POLICIES = (
    *("sfq", "early", "scfq", "wfq", "wf2q+", "drr", "round-robin", "vtc", "fq-codel"),
    *("fr-fcfs", "fr-fcfs-cap", "fcfs", "priority"),
)


@st.composite
def recordings(draw: DrawFn, tenants: int = 3, max_rows: int = 12) -> list[Row]:
    """Draw rows in order of arrival, dense in time, so that ties, overlaps and overtaking abound."""
    steps = draw(st.lists(st.integers(0, 6), min_size=1, max_size=max_rows))
    rows, now = [], 0
    for number, step in enumerate(steps):
        now += step
        start = now + draw(st.integers(0, 8))
        finish = start + draw(st.integers(0, 8))
        rows.append(Row(number + 2, draw(st.integers(0, tenants - 1)), now, start, finish, draw(st.integers(1, 12))))
    return rows


def plain(rows: Sequence[Row], tenant: int | None = None) -> list[oracle.Row]:
    """Return rows as the plain judge takes them; those of one tenant, if it is given."""
    return [(r.tenant, r.arrival_ns, r.start_ns, r.finish_ns, r.bytes) for r in rows if tenant in (None, r.tenant)]


def contract_set(contracts: Sequence[Contract], policy: str = "none", device: Device = PLAIN_DEVICE) -> ContractSet:
    """Return contracts as a file would give them."""
    return ContractSet(device, policy, tuple(contracts))


THREE = st.tuples(*(strategies.contracts(name=f"t{n}") for n in range(3)))

# A burst, an idle spell, and requests above the largest: every class, and a tie of arrivals.
ALL_CLASSES = (
    [Row(n + 2, 0, at, at, at + 1, size) for n, (at, size) in enumerate([(0, 4), (2, 4), (2, 4), (2, 5), (40, 4)])],
    tuple(Contract(f"t{n}", Fraction(1), Fraction(2), Fraction(4), 4) for n in range(3)),
)


# RC-1: rows.


def written(rows: Sequence[Row], names: Sequence[str], form: str, columns: Sequence[str], end: str = "\n") -> bytes:
    """Return rows as a file of one form: csv or jsonl, with or without .gz."""
    records = [dict(zip(COLUMNS, (names[row.tenant], *row[2:]), strict=True)) for row in rows]
    if form.startswith("jsonl"):
        lines = [json.dumps({column: record[column] for column in columns}) for record in records]
    else:
        lines = [",".join(columns), *(",".join(str(record[column]) for column in columns) for record in records)]
    content = "".join(line + end for line in lines).encode()
    return gzip.compress(content, mtime=0) if form.endswith(".gz") else content


def read_back(content: bytes, form: str, names: Sequence[str]) -> list[Row]:
    """Return what the reader makes of a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"recording.{form}")
        path.write_bytes(content)
        with Recording(path, names) as recording:
            return list(recording)


FORMS = st.sampled_from(("csv", "csv.gz", "jsonl", "jsonl.gz"))
NAMES = ("chat", "0", "prefill ü")


@checks("RC-1")
@given(recordings(), FORMS, st.permutations(COLUMNS), st.sampled_from(("\n", "\r\n")))
def test_what_is_written_is_read(rows: list[Row], form: str, columns: list[str], end: str) -> None:
    """Every form, order of columns and end of line gives the same rows, each with its line."""
    first = 1 if form.startswith("jsonl") else 2
    expected = [row._replace(line=number) for number, row in enumerate(rows, first)]
    assert read_back(written(rows, NAMES, form, columns, end), form, NAMES) == expected


# Each fault: what stands in which column of a row instead, and a word of the answer.
FAULTS = {
    "unknown tenant": ("tenant", "chat2", "a tenant of the contracts"),
    "not a number": ("arrival_ns", "12ns", "arrival_ns"),
    "underscore": ("start_ns", "1_0", "start_ns"),
    "wide digits": ("finish_ns", "１２", "finish_ns"),
    "float": ("finish_ns", "1.5", "finish_ns"),
    "negative": ("arrival_ns", "-1", "arrival_ns"),
    "no bytes": ("bytes", "0", "bytes"),
    "empty": ("bytes", "", "bytes"),
    "a cell more": ("bytes", "1,1", "cells"),
    "too many digits": ("finish_ns", "1" * 19, "18 digits"),
    "out of reach": ("arrival_ns", "9" * 18, "start_ns at or after"),
    "finish before start": ("start_ns", "9" * 18, "finish_ns at or after"),
}


@checks("RC-1")
@given(recordings(), st.sampled_from(sorted(FAULTS)), st.data())
def test_a_fault_is_refused_with_its_line(rows: list[Row], fault: str, data: st.DataObject) -> None:
    """Wherever a fault stands, it is refused in one line that gives the file, the line and what was expected."""
    column, cell, answer = FAULTS[fault]
    lines = written(rows, NAMES, "csv", COLUMNS).decode().splitlines()
    at = data.draw(st.integers(1, len(rows)))
    cells = lines[at].split(",")
    cells[COLUMNS.index(column)] = cell
    lines[at] = ",".join(cells)
    with pytest.raises(InputError) as caught:
        read_back("\n".join(lines).encode() + b"\n", "csv", NAMES)
    assert f"recording.csv:{at + 1}: expected " in str(caught.value)
    assert answer in str(caught.value)
    assert "\n" not in str(caught.value)


@checks("RC-1")
@given(recordings(), FORMS, st.data())
def test_rows_out_of_order_are_refused(rows: list[Row], form: str, data: st.DataObject) -> None:
    """A row that arrived before the one above it is refused where it stands."""
    at = data.draw(st.integers(0, len(rows) - 1))
    late = rows[at]._replace(arrival_ns=0, start_ns=10**6, finish_ns=10**6)
    assume(rows[at].arrival_ns > 0)
    with pytest.raises(InputError, match="rows in order of arrival_ns"):
        read_back(written([*rows[: at + 1], late], NAMES, form, COLUMNS), form, NAMES)


@checks("RC-1")
@given(recordings(), st.data())
def test_a_torn_gzip_is_refused(rows: list[Row], data: st.DataObject) -> None:
    """A compressed recording that ends too soon is refused, however much of it could be read."""
    content = written(rows, NAMES, "csv.gz", COLUMNS)
    torn = content[: data.draw(st.integers(3, len(content) - 1))]
    with pytest.raises(InputError, match="an intact gzip file"):
        read_back(torn, "csv.gz", NAMES)


# RC-2: quantiles.


@checks("RC-2")
@given(st.lists(st.lists(st.integers(0, 40) | st.integers(0, 10**18), max_size=30), min_size=1, max_size=3))
def test_quantiles_are_those_of_a_sort(parts: list[list[int]]) -> None:
    """While the values fit, a quantile by nearest rank is that of all values sorted."""
    together = [value for part in parts for value in part]
    assume(together)
    kept = [Quantiles() for _ in parts]
    for quantiles, part in zip(kept, parts, strict=True):
        for value in part:
            quantiles.add(value)
    for percent in (1, 50, 99, 100):
        assert nearest_rank(kept, percent, 100) == oracle.nearest_rank(together, percent)


@checks("RC-2")
@given(st.lists(st.integers(0, 10**18), min_size=1, max_size=60), st.integers(1, 8))
def test_rounded_quantiles_are_within_a_thousandth(values: list[int], most_distinct: int) -> None:
    """Beyond that they are never too low and at most 0.1 % too high; the maximum is exact, and memory bounded."""
    quantiles = Quantiles(most_distinct)
    for value in values:
        quantiles.add(value)
    assert quantiles.exact == (len(set(values)) <= most_distinct)
    assert quantiles.maximum == max(values)
    for percent in (1, 50, 99, 100):
        exact = oracle.nearest_rank(values, percent)
        assert exact <= quantiles.quantile(percent, 100) <= exact + exact // 1000


# RC-3: lateness.


@checks("RC-3")
@given(recordings(), THREE)
@example(*ALL_CLASSES)
def test_classes_and_lateness_are_those_of_the_plain_judge(rows: list[Row], contracts: tuple[Contract, ...]) -> None:
    """Counts, bytes and the worst lateness agree with Goyal's recursion over the whole recording."""
    report = judge_rows(rows, contract_set(contracts))
    for contract, tenant in zip(contracts, report.tenants, strict=True):
        own = [row for row in rows if row.tenant == tenant.number]
        found = judged_plainly(own, contract)
        for policing, tally in tenant.classes.items():
            sizes = [row.bytes for row, (kind, _) in zip(own, found, strict=True) if kind == policing.value]
            assert (tally.requests, tally.bytes) == (len(sizes), sum(sizes))
        late = [ns for _, ns in found if ns is not None]
        assert (tenant.worst.ns if tenant.worst else None) == max(late, default=None)
        assert tenant.worst is None or tenant.worst.row in own


def judged_plainly(rows: Sequence[Row], contract: Contract) -> list[tuple[str, Fraction | None]]:
    """Return class and lateness of one tenant's rows, by the plain judge."""
    g, p = contract.guaranteed_bytes_per_ns, contract.burst_bytes_per_ns
    return oracle.lateness(plain(rows), g, p, contract.burst_duration_ns, contract.max_request_bytes)


@checks("RC-3")
@given(recordings(), THREE, st.integers(0, 12), st.integers(0, 3))
def test_a_promise_is_broken_iff_a_request_in_contract_is_too_late(
    rows: list[Row], contracts: tuple[Contract, ...], slo: int, tolerance: int
) -> None:
    """The verdict is that of the latencies, to the ns, whatever else the recording shows."""
    contracts = tuple(attrs.evolve(contract, latency_slo_ns=Fraction(slo)) for contract in contracts)
    report = judge_rows(rows, contract_set(contracts), tolerance)
    broken = []
    for tenant in report.tenants:
        found = judged_plainly([row for row in rows if row.tenant == tenant.number], contracts[tenant.number])
        broken.append(sum(ns is not None and ns > slo + tolerance for _, ns in found))
    assert [tenant.broken for tenant in report.tenants] == broken
    assert (report.verdict.value == "violated") == any(broken)


# RC-4: the missed window.


@checks("RC-4")
@given(recordings(tenants=1), strategies.rates())
def test_the_missed_window_is_the_worst_of_all(rows: list[Row], g: Fraction) -> None:
    """No window of one backlog missed more; what is owed and served in the one that is named adds up."""
    watch = MissedWindow(g)
    for row in rows:
        watch.add(row.arrival_ns, row.finish_ns, row.bytes)
    missed, worst = watch.worst(), oracle.worst_deficit(plain(rows), g)
    if missed is None:
        assert worst == 0
        return
    assert missed.missed_bytes == worst
    assert missed.owed_bytes == g * (missed.end_ns - missed.begin_ns)
    assert missed.served_bytes == sum(r.bytes for r in rows if missed.begin_ns < r.finish_ns < missed.end_ns)


# RC-5: work conservation.


@checks("RC-5")
@given(recordings(), st.integers(0, 4))
def test_idle_gaps_are_those_of_the_plain_judge(rows: list[Row], allowed: int) -> None:
    """In all, at most, and how many longer than allowed: as found instant by instant."""
    watch = IdleWatch(allowed)
    for row in rows:
        watch.add(row.arrival_ns, row.start_ns, row.finish_ns)
    watch.end()
    for span, found in ((watch.idle, oracle.idle_spans(plain(rows))), (watch.overlap, oracle.overlaps(plain(rows)))):
        lengths = [end - begin for begin, end in found]
        assert (span.total_ns, span.longest_ns) == (sum(lengths), max(lengths, default=0))
        assert span.too_long == sum(length > allowed for length in lengths)
        assert not lengths or (span.longest_from_ns, span.longest_from_ns + span.longest_ns) in found


# RC-6: order, and what a correct arbiter shows.


@checks("RC-6")
@given(recordings(), st.integers(0, 4))
def test_overtakers_are_those_of_the_plain_judge(rows: list[Row], tolerance: int) -> None:
    """Starts and finishes before those of an earlier request, beyond the tolerance, are all counted, and no others."""
    for column, instants in ((2, [row.start_ns for row in rows]), (3, [row.finish_ns for row in rows])):
        watch = OrderWatch(tolerance)
        for row, instant in zip(rows, instants, strict=True):
            watch.add(row, instant)
        assert watch.count == len(oracle.overtakers(plain(rows), column, tolerance))


@checks("RC-6")
@given(recordings(), st.tuples(*[strategies.rates()] * 3), st.integers(0, 3))
def test_gaps_are_those_of_the_plain_judge(rows: list[Row], weights: tuple[Fraction, ...], tolerance: int) -> None:
    """The largest gap of every pair agrees with a search of all intervals."""
    watch = GapWatch(weights, tolerance)
    for row in rows:
        watch.add(row)
    found = {(gap.ahead, gap.behind): gap.size_ns for gap in watch.gaps()}
    for i in range(3):
        for j in range(3):
            if i != j:
                assert found.get((i, j), 0) == oracle.gap_between(plain(rows), weights, i, j, tolerance)


def sound_scenarios() -> st.SearchStrategy[Scenario]:
    """Draw scenarios in which every rule is judged for some, and excused for others."""
    return st.one_of(
        strategies.scenarios(best_effort=True, excess=Excess.IN_LINE),
        strategies.scenarios(best_effort=True),
    )


def recorded(scenario: Scenario, policy: str) -> tuple[list[Row], ContractSet]:
    """Return what a correct implementation does, as a recording in whole ns, and its contracts in the same clock."""
    execution = simulate(scenario.requests, scenario.contracts, ARBITERS[policy], scenario.server)
    times = [time for service in execution.services for time in (service.start_ns, service.finish_ns)]
    tick = math.lcm(*(time.denominator for time in times))
    served: dict[Request, deque[tuple[int, int]]] = defaultdict(deque)
    for service in execution.services:
        served[service.request].append((int(service.start_ns * tick), int(service.finish_ns * tick)))
    rows = []
    for number, request in enumerate(scenario.requests, 2):
        if served[request]:
            start, finish = served[request].popleft()
            rows.append(Row(number, request.tenant, request.arrival_ns * tick, start, finish, request.bytes))
    return rows, _clocked(scenario, policy, tick)


def _clocked(scenario: Scenario, policy: str, tick: int) -> ContractSet:
    refresh = scenario.server.refresh
    device = Device(
        "clocked",
        scenario.server.peak_bytes_per_ns / tick,
        Fraction(0) if refresh is None else refresh.blackout * tick,
        Fraction(0),
        Fraction(1) if refresh is None else refresh.interval * tick,
        max_temperature_c=Fraction(85),
    )
    contracts = [
        attrs.evolve(
            contract,
            guaranteed_bytes_per_ns=contract.guaranteed_bytes_per_ns / tick,
            burst_bytes_per_ns=contract.burst_bytes_per_ns / tick,
            burst_duration_ns=contract.burst_duration_ns * tick,
            latency_slo_ns=None,
        )
        for contract in scenario.contracts
    ]
    return contract_set(contracts, policy, device)


@checks("RC-3", "RC-5", "RC-6")
@pytest.mark.parametrize("policy", [*ORDERLY_POLICIES, "essay"])
@given(data=st.data())
def test_no_correct_arbiter_is_accused(policy: str, data: st.DataObject) -> None:
    """What the reference simulator does under a policy holds against every rule that is judged, with no tolerance."""
    rows, contracts = recorded(data.draw(sound_scenarios()), policy)
    report = judge_rows(rows, contracts, tolerance_ns=0)
    assert report.declared
    assert [check for check in report.checks if check.judged and not check.kept] == []


def misread(rows: Sequence[Row], tenants: int, errors: Sequence[tuple[int, int, int]]) -> list[Row]:
    """Return rows as an inexact clock records them: every time off by its error, a tenant's rows in their order."""
    earlier, found = [0] * tenants, []
    for row, (late, slow, long) in zip(rows, errors, strict=True):
        arrival = max(earlier[row.tenant], row.arrival_ns + late)
        start = max(arrival, row.start_ns + slow)
        earlier[row.tenant] = arrival
        found.append(row._replace(arrival_ns=arrival, start_ns=start, finish_ns=max(start, row.finish_ns + long)))
    return sorted(found, key=lambda row: row.arrival_ns)


@checks("RC-3", "RC-5", "RC-6")
@pytest.mark.parametrize("policy", ORDERLY_POLICIES)
@given(data=st.data())
def test_an_inexact_clock_accuses_nobody(policy: str, data: st.DataObject) -> None:
    """With every time off by half the tolerance at most, nothing that a correct arbiter does is a violation.

    Found so: an inexact clock lets excess that a correct arbiter keeps in the background seem to be in contract, and
    two services that the clock shows without a length make one long gap.
    """
    rows, contracts = recorded(data.draw(sound_scenarios()), policy)
    error = data.draw(st.integers(0, 3) | st.integers(0, 200))
    errors = data.draw(st.lists(st.tuples(*[st.integers(-error, error)] * 3), min_size=len(rows), max_size=len(rows)))
    found = misread(rows, len(contracts.contracts), errors)
    report = judge_rows(found, contracts, tolerance_ns=2 * error)
    assert [check for check in report.checks if check.judged and not check.kept] == []


# RC-7: tails against a baseline.


@checks("RC-7")
@given(recordings(), recordings(), THREE)
def test_ratios_are_exact_quotients(rows: list[Row], baseline: list[Row], contracts: tuple[Contract, ...]) -> None:
    """Each ratio is the quotient of two numbers of the reports; where there is no quotient, there is no ratio."""
    now, then = (judge_rows(each, contract_set(contracts)) for each in (rows, baseline))
    found = list(compare(now, then))
    assert [comparison.name for comparison in found] == [*(c.name for c in contracts), None]
    for comparison, tenant, before in zip(found, now.tenants, then.tenants, strict=False):
        for name in ("p50", "p99", "max"):
            a, b = (_tail(report, f"{name}_ns") for report in (tenant, before))
            assert getattr(comparison, name) == (Fraction(a, b) if a and b else None)
    assert all(comparison.max == 1 for comparison in compare(now, now) if comparison.max is not None)


def _tail(report: TenantReport, name: str) -> int:
    return getattr(report.latency, name, 0)
