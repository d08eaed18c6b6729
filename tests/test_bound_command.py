"""`headgate bound`: its verdicts become exit codes, its numbers are exact in JSON, and bad input is one line."""

import json
from collections.abc import Callable
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.bound_plot import _dashed
from headgate.cli.main import run
from headgate.model import delays
from headgate.model.capacity import supply
from headgate.model.delays import delay_lines
from headgate.model.replay import replay
from headgate.spec.contracts import parse_contracts
from headgate.spec.schedules import read_schedule
from headgate.spec.units import parse_exact
from headgate.tests.test_cli_main import one_line

Text = pytest.CaptureFixture[str]
TENANT = (
    '[[tenant]]\nname = "{name}"\nguaranteed_gbps = 120\nburst_gbps = 400\nburst_duration_ms = 2\n'
    "latency_slo_us = 25\nmax_request_bytes = 65536\n"
)


@pytest.fixture
def contracts(tmp_path: Path) -> Callable[..., str]:
    """Return a function that writes a file of so many tenants of 120 GB/s."""

    def write(count: int = 8, profile: str = "h200-essay", policy: str = "sfq") -> str:
        tenants = "".join(TENANT.format(name=f"t{number}") for number in range(count))
        path = tmp_path / "contracts.toml"
        path.write_text(f'[device]\nprofile = "{profile}"\n[arbiter]\npolicy = "{policy}"\n{tenants}')
        return str(path)

    return write


def printed(capsys: Text, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
    """Return the results of a run as JSON."""
    assert run(["bound", *arguments, "--format", "json"]) == code
    results: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["results"]
    return results


# ---- numbers ----


def test_thirty_four_tenants_are_too_many(contracts: Callable[..., str], capsys: Text) -> None:
    (found, *rows) = printed(capsys, contracts(34), code=1)
    assert (found["admissible"], found["essay_rule"]["admits"]) == (False, True)
    assert found["deficit_bytes_per_ns"] == "80/13"
    assert found["first_miss_ns"] == [16_550_000, 16_575_000]
    low, high = (parse_exact(end) for end in found["admissible_below_c"])
    assert low < Fraction("94.87727") < high <= low + Fraction(1, 1000)
    assert (rows[0]["fit_alone"], rows[0]["fit_by_the_essays_rule"], rows[0]["policies"]) == (33, 34, [])


def test_thirty_three_fit_until_migration_and_bubbles_come(contracts: Callable[..., str], capsys: Text) -> None:
    results = printed(capsys, contracts(33))
    assert (results[0]["admissible"], results[1]["more_fit"]) == (True, 0)
    what_if = ("--what-if", "migration=0.05", "--what-if", "bubble_ms=2/50")
    found = printed(capsys, contracts(30), *what_if, code=1)
    # They fit, but no latency of 25 us survives a bubble of 2 ms.
    assert (found[0]["admissible"], found[1]["kept"], found[1]["fit_alone"]) == (True, False, 30)
    h100 = printed(capsys, contracts(22, "h100-essay"), *what_if, code=1)
    assert (h100[0]["admissible"], h100[1]["fit_alone"]) == (False, 21)


def test_the_sizes_for_25_us(contracts: Callable[..., str], capsys: Text) -> None:
    rows = {row["policy"]: row for row in printed(capsys, contracts(8, "h100-essay"))[1]["policies"]}
    assert rows["wfq"]["any"]["largest_request_bytes"]["all"] == 2_844_543
    assert rows["sfq"]["any"]["largest_request_bytes"]["all"] == 8_780_172
    assert rows["scfq"]["any"]["largest_request_bytes"]["all"] == 2_288_486
    assert rows["drr-curve"]["own"]["largest_request_bytes"]["all"] == 2_422_116
    assert rows["drr"]["own"]["largest_request_bytes"]["all"] == 3_192_790
    small = printed(capsys, contracts(8, "h100-essay"), "--what-if", "tenant.t0.max_request_bytes=4096")[1]
    wfq = next(row for row in small["policies"] if row["policy"] == "wfq")
    assert wfq["any"]["largest_request_bytes"]["others"] == 70_144_334
    assert small["guarantee_for_latency_in_a_burst"] == "32000/81"


def test_what_is_proved_is_told_from_what_properties_hold(contracts: Callable[..., str], capsys: Text) -> None:
    rows = {row["policy"]: row for row in printed(capsys, contracts(policy="wf2q+"))[1]["policies"]}
    assert {name for name, row in rows.items() if not row["proved"]} == {"fcfs"}
    # Both have absolute deadlines, so that they give the same.
    assert (rows["wf2q+"]["any"], rows["wf2q+"]["own"]) == (rows["early"]["any"], rows["early"]["own"])
    assert run(["bound", contracts(policy="wf2q+")]) == 0
    shown = capsys.readouterr().out
    assert "\n  fcfs~ " in shown
    assert "~ held by properties, not proved" in " ".join(shown.split())


# ---- verdicts ----


def test_the_shipped_file_holds_and_fits_on_a_screen(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    file = str(resources.files("headgate.examples") / "h200_eight_tenants.toml")
    monkeypatch.chdir(Path(file).parent)
    assert run(["bound", "h200_eight_tenants.toml"]) == 0
    shown = capsys.readouterr().out
    assert shown.endswith("HOLDS: every latency is kept\n")
    assert max(map(len, shown.splitlines())) <= 80


def test_a_latency_that_cannot_be_kept(contracts: Callable[..., str], capsys: Text) -> None:
    assert run(["bound", contracts(), "--what-if", "tenant.t3.latency_slo_us=0.3"]) == 1
    assert "VIOLATED: under sfq the latency cannot be kept for t3" in capsys.readouterr().out


@pytest.mark.parametrize(("policy", "code"), [("none", 0), ("priority", 3), ("fcfs", 3), ("drr", 0), ("scfq", 0)])
def test_policies_with_a_bound_and_without(policy: str, code: int, contracts: Callable[..., str], capsys: Text) -> None:
    assert run(["bound", contracts(policy=policy)]) == code
    assert ("UNDECIDED" in capsys.readouterr().out) == (code == 3)


def test_first_come_first_served_is_judged_behind_shapers(contracts: Callable[..., str]) -> None:
    shaped = [argument for n in range(8) for argument in ("--what-if", f"tenant.t{n}.excess=shaped")]
    assert run(["bound", contracts(policy="fcfs"), *shaped]) == 0


def test_a_higher_temperature(contracts: Callable[..., str], capsys: Text) -> None:
    assert run(["bound", contracts(33), "--temperature", "98"]) == 1
    assert "do NOT fit" in capsys.readouterr().out


# ---- files ----


def test_the_witness_replays(contracts: Callable[..., str], tmp_path: Path, capsys: Text) -> None:
    out = tmp_path / "late.json"
    found = printed(capsys, contracts(), "--witness", str(out))[-1]
    assert Fraction(9, 10) < parse_exact(found["ratio"]) <= 1
    shown = replay(read_schedule(out))
    assert shown.violated
    assert shown.observed == parse_exact(found["late_ns"])
    assert run(["replay", str(out)]) == 1
    assert "after its expected arrival" in " ".join(capsys.readouterr().out.split())


def test_the_picture(contracts: Callable[..., str], tmp_path: Path) -> None:
    out = tmp_path / "bounds.svg"
    assert run(["bound", contracts(), "--plot", str(out)]) == 0
    drawn = out.read_text("utf-8")
    assert drawn.startswith("<svg ")
    assert drawn.count("<path d=") > 15


def test_lines_of_the_picture_that_are_the_same_are_all_seen() -> None:
    """Each has its dashes where the others have gaps."""
    same, other = [(Fraction(0), Fraction(1))], [(Fraction(0), Fraction(2))]
    lines = {"a": same, "b": other, "c": same, "d": other, "e": other, "f": [(Fraction(1), Fraction(1))]}
    dashes = [dashes for _, _, dashes in _dashed(lines)]
    assert dashes[0] == ' stroke-dasharray="10 10" stroke-dashoffset="0"'
    assert dashes[2] == ' stroke-dasharray="10 10" stroke-dashoffset="-10"'
    assert [line.split('"')[1:4:2] for line in (dashes[1], dashes[3], dashes[4])] == [
        ["10 20", "0"], ["10 20", "-10"], ["10 20", "-20"],
    ]  # fmt: skip
    assert dashes[5] == ""


# ---- numbers at the ends of what a file may say ----

NEVER_DARK = "peak_gbps = 1000\ntrfc_ns = 0.000000001\ntrefi_ns = 1000000000"
SLOW = "peak_gbps = 0.00000001\ntrfc_ns = 100\ntrefi_ns = 1000"
FAST = "peak_gbps = 1000000000000000000\ntrfc_ns = 1\ntrefi_ns = 1000"
# Halved by heat, an interval of a thousandth of a ns is below the grid of intervals.
SHORT = "peak_gbps = 1000\ntrfc_ns = 0.0001\ntrefi_ns = 0.001"
H200 = 'profile = "h200"'
LIMITS = {
    "a request of 10^18 bytes": (H200, ((100, 10**18), (100, 65536)), 1),
    "requests of 10^17 bytes and of 64": (H200, ((100, 10**17), (5, 64)), 1),
    "a device that is hardly ever dark": (NEVER_DARK, ((100, 10**18), (100, 65536)), 1),
    "a device of an hour for some bytes": (SLOW, ((0.000000001, 64), (0.000000001, 2**20)), 1),
    "a device that is always dark": (SHORT, ((100, 2**24), (100, 2**20)), 1),
    "guarantees of 10^17 GB/s": (FAST, ((10**17, 10**18), (10**17, 1)), 0),
    "guarantees 10^9 apart": (H200, ((1000, 65536), (0.000001, 65536)), 0),
}


@pytest.mark.parametrize("name", LIMITS)
def test_no_number_of_a_file_is_too_much(name: str, tmp_path: Path, capsys: Text) -> None:
    device, tenants, code = LIMITS[name]
    rows = [
        f'[[tenant]]\nname = "t{n}"\nguaranteed_gbps = {rate:.9f}\nmax_request_bytes = {size}\nlatency_slo_us = 100\n'
        for n, (rate, size) in enumerate(tenants)
    ]
    path = tmp_path / "contracts.toml"
    for policy in ("sfq", "early"):
        path.write_text(f'[device]\n{device}\n[arbiter]\npolicy = "{policy}"\n{"".join(rows)}')
        assert printed(capsys, str(path), code=code)


def many(count: int) -> str:
    """Return a contract file of so many tenants, no two of which are alike."""
    rows = [
        f'[[tenant]]\nname = "t{n}"\nguaranteed_gbps = {1 + n % 7}.{n:03}\nmax_request_bytes = {4096 + n * 37 % 1009}\n'
        f"latency_slo_us = {4000 + n}\n"
        for n in range(count)
    ]
    return f'[device]\nprofile = "h200"\n[arbiter]\npolicy = "early"\n{"".join(rows)}'


def test_bounds_of_many_tenants_are_asked_for_as_often_as_there_are_pairs_at_most(monkeypatch: Any) -> None:
    asked: list[int] = []
    for count in (8, 32):
        calls: list[str] = []

        def counted(policy: str, *rest: Any, **named: Any) -> Any:
            calls.append(policy)  # noqa: B023  # used up before the next round
            return delay_lines(policy, *rest, **named)

        monkeypatch.setattr(delays, "delay_lines", counted)
        agreed = parse_contracts(many(count))
        there = delays.Crowd.of(agreed.contracts, supply(agreed.device, agreed.device.max_temperature_c))
        found = [delays.more_with_latencies("early", there, group.contract) for group in there.guaranteed]
        assert min(found) > 0
        asked.append(len(calls))
    assert asked[1] <= 16 * asked[0]


def test_thousands_of_tenants_of_a_few_kinds_are_answered_and_of_their_own_kind_refused(
    tmp_path: Path, capsys: Text
) -> None:
    alike = [f'[[tenant]]\nname = "t{n}"\nguaranteed_gbps = 1\nmax_request_bytes = 4096\n' for n in range(2000)]
    path = tmp_path / "contracts.toml"
    path.write_text(f'[device]\nprofile = "h200"\n[arbiter]\npolicy = "sfq"\n{"".join(alike)}')
    assert len(printed(capsys, str(path))) == 2001
    path.write_text(many(301))
    assert run(["bound", str(path)]) == 2
    assert "at most 300 tenants that differ in more than their names, got 301" in one_line(capsys.readouterr().err)


# ---- bad input ----


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--what-if", "tenant.t9.priority=1"], "NAME being that of a tenant"),
        (["--what-if", "tenant.t0.latency_slo=1"], "did you mean latency_slo_us?"),
        (["--what-if", "tenant.t0.max_request_bytes=0"], "1 or more"),
        (["--what-if", "device.max_temperature_c=hot"], "a temperature from -40 to 150"),
        (["--temperature", "400"], "a temperature from -40 to 150"),
        (["--what-if", "migration=1"], "less than 1"),
        (["--what-if", "bubble_ms=50/2"], "shorter than the period"),
        (["--what-if", "bubble_ms=2"], "LENGTH/PERIOD"),
        (["--what-if", "nothing"], "KEY=VALUE"),
        (["--what-if", "moon.phase=1"], "device.KEY"),
        (["--plot", "bounds.png"], "ends in .svg"),
        (["--plot", "/no/such/folder/x.svg"], "a folder that can be written"),
        (["--witness", "late.json", "--what-if", "arbiter.policy=priority"], "gives no bound"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], said: str, contracts: Callable[..., str], capsys: Text, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["bound", contracts(), *arguments]) == 2
    assert said in one_line(capsys.readouterr().err)
    assert not (tmp_path / "late.json").exists()


def test_a_file_that_is_not_there(capsys: Text) -> None:
    assert run(["bound", "none.toml"]) == 2
    assert "no such file" in one_line(capsys.readouterr().err)
