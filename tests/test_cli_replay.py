"""`headgate replay`: draws what a schedule does, and refuses what is no schedule in one line."""

import builtins
import json
import subprocess
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import run
from headgate.tests.test_cli_main import PROGRAM, one_line

Text = pytest.CaptureFixture[str]


def shipped(name: str) -> str:
    """Return the text of a shipped schedule."""
    return (resources.files("headgate.examples") / "schedules" / f"{name}.json").read_text("utf-8")


@pytest.fixture
def schedule(tmp_path: Path) -> Callable[..., str]:
    """Return a function that writes a shipped schedule, changed, to a file."""

    def write(name: str = "essay-tag", **changes: Any) -> str:
        data = json.loads(shipped(name))
        for key, value in changes.items():
            if isinstance(value, dict) and key == "parameters":
                data["parameters"] |= value
            else:
                data[key] = value
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(data))
        return str(path)

    return write


def replayed_under_each_rule(file: str, rules: dict[str, int], capsys: Text) -> None:
    """Assert that each rule ends with its exit code, and says so on lines that fit."""
    for rule, code in rules.items():
        assert run(["replay", file, "--rule", rule]) == code, rule
        shown = capsys.readouterr().out
        assert shown.endswith("verdict: violated\n" if code else "verdict: holds\n")
        assert max(map(len, shown.splitlines())) <= 80


# ---- what it shows ----


@pytest.mark.parametrize(
    ("name", "right", "lanes"),
    [
        ("bucket-essay", "token", ("admitted", "level", "violation")),
        ("essay-tag", "sfq", ("tenant 0", "tenant 1", "violation")),
        ("refresh-essay-interval", "corrected", ("74 C", "76 C", "violation")),
        ("composed-no-tax", "corrected", ("tenant 0", "tenant 7", "violation")),
        ("colours-essay", "coloured", ("tenant 0", "tenant 4", "admitted", "violation")),
        ("allocator-owner-only", "coloured", ("tenant 0", "admitted", "violation")),
        ("allocator-at-once", "coloured", ("tenant 0", "tenant 1", "admitted", "violation")),
    ],
)
def test_a_refuted_rule_is_drawn_and_the_right_one_holds(
    name: str, right: str, lanes: tuple[str, ...], schedule: Callable[..., str], capsys: Text
) -> None:
    file = schedule(name)
    assert run(["replay", file]) == 1
    shown = capsys.readouterr().out
    assert all(f"\n  {lane}" in shown for lane in lanes)
    assert shown.endswith("verdict: violated\n")
    assert max(map(len, shown.splitlines())) <= 80
    assert run(["replay", file, "--rule", right]) == 0
    assert capsys.readouterr().out.endswith("verdict: holds\n")


def test_policy_is_another_word_for_rule(schedule: Callable[..., str], capsys: Text) -> None:
    assert run(["replay", schedule(), "--policy", "scfq"]) == 0
    assert "rule scfq (arbiter)" in capsys.readouterr().out


def test_a_claim_without_time_is_drawn_as_bars(schedule: Callable[..., str], capsys: Text) -> None:
    assert run(["replay", schedule("admission-essay")]) == 1
    shown = capsys.readouterr().out
    assert "guarantees" in shown
    assert "4073.846... B/ns" in shown


def test_hundreds_of_offers_fit_on_a_line(schedule: Callable[..., str], capsys: Text) -> None:
    assert run(["replay", schedule("bucket-essay-depth")]) == 1
    shown = capsys.readouterr().out
    assert "the burst is cut at 855000 ns of 2000000 ns" in shown
    assert len(shown.splitlines()) < 20


def test_json_is_exact(schedule: Callable[..., str], capsys: Text) -> None:
    assert run(["replay", schedule("refresh-essay-interval"), "--format", "json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert (shown["tool"], shown["command"], shown["verdict"]) == ("headgate", "replay", "violated")
    (result,) = shown["results"]
    assert result["clause"] == "RF-6"
    assert result["violated"] is True
    assert result["observed"] == "18720001/4800"
    assert result["bound"] == "20136001/4800"
    assert [lane["label"] for lane in result["lanes"]] == ["74 C", "76 C", "violation"]
    assert {mark["kind"] for lane in result["lanes"] for mark in lane["marks"]} == {"blackout", "service", "violation"}


def test_the_results_of_verify_can_be_replayed(tmp_path: Path, capsys: Text) -> None:
    assert run(["verify", "--only", "bucket-e*", "--format", "json"]) == 0
    file = tmp_path / "results.json"
    file.write_text(capsys.readouterr().out)
    assert run(["replay", str(file), "--id", "bucket-essay"]) == 1
    assert capsys.readouterr().out.startswith("bucket-essay\n")
    for arguments in (["--id", "bucket-exactness"], ["--id", "nothing"], []):
        assert run(["replay", str(file), *arguments]) == 2
        assert "the id of a result that has a witness" in one_line(capsys.readouterr().err)


# ---- bad input ----


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "expected some content, got an empty file"),
        (b"\n \n", "expected some content, got an empty file"),
        (b"\x80\x81", "expected UTF-8 text, got byte 0x80 at offset 0"),
        (b"{", "bad.json:1:2: expected valid JSON"),
        (b"[]", "expected a table of keys, got a list"),
        (b"7", "expected a table of keys, got 7"),
        (b"[" * 100_000, "nested a few levels deep"),
        (b'{"a":' * 100_000, "nested a few levels deep"),
        (b'{"format": 1, "format": 1}', "keys that occur once"),
        (b'{"tool": "headgate"}', "the id of a result that has a witness"),
        (b'{"tool": "headgate", "results": [7, {"id": 1.5}]}', "the id of a result that has a witness"),
        (b"{" + b"1" * 10_000, "valid JSON"),
    ],
)
def test_a_file_that_is_no_schedule(content: bytes, said: str, tmp_path: Path, capsys: Text) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(content)
    assert run(["replay", str(file)]) == 2
    line = one_line(capsys.readouterr().err)
    assert said in line
    assert str(file) in line


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "expected the format that this version reads (1), got 2"),
        ({"rule": "nonsense"}, "rule: expected one of sfq"),
        ({"rule": 7}, "rule: expected a word"),
        ({"claim": "x"}, "mechanism/claim: expected one of"),
        ({"clause": "hello"}, "clause: expected a clause such as TB-4"),
        ({"surprise": 1}, "surprise: expected a known key"),
        ({"parameters": {"peak": 1.5}}, "parameters.peak: expected an integer"),
        ({"parameters": {"peak": 0}}, "parameters.peak: expected more than 0"),
        ({"parameters": {"peak": "-1/2"}}, "parameters.peak: expected at least 0"),
        ({"parameters": {"peak": "1/0"}}, "parameters.peak: expected a denominator other than 0"),
        ({"parameters": {"peak": "many"}}, "parameters.peak: expected an exact number"),
        ({"parameters": {"peak": 10**2000}}, "parameters.peak: expected an integer"),
        ({"parameters": {"weights": []}}, "parameters.weights: expected a list of exact numbers"),
        ({"parameters": {"weights": [1]}}, "parameters.weights: expected at least two tenants"),
        ({"parameters": {"interval": 2, "blackout": 2}}, "parameters.blackout: expected less than the interval 2"),
        ({"requests": "none"}, "requests: expected a list"),
        ({"requests": [{"tenant": 0, "arrival_ns": 1.5, "bytes": 1}]}, "requests[0].arrival_ns: expected"),
        ({"requests": [{"tenant": 0, "arrival_ns": 0, "bytes": 0}]}, "requests[0].bytes: expected"),
        ({"requests": [{"tenant": 9, "arrival_ns": 0, "bytes": 1}]}, "requests[0].tenant: expected one of the 2"),
        ({"requests": [{"tenant": 0, "arrival_ns": 0, "bytes": 10**30}]}, "requests[0].bytes: expected"),
        ({"statement": "two\nlines"}, "statement: expected a sentence"),
        (
            {
                "parameters": {"interval": 2, "blackout": 1},
                "requests": [{"tenant": 0, "arrival_ns": 0, "bytes": 10**18}],
            },
            "requests: expected a backlog of at most 1000000 refresh intervals",
        ),
    ],
)
def test_a_schedule_that_does_not_fit(
    changes: dict[str, Any], said: str, schedule: Callable[..., str], capsys: Text
) -> None:
    file = schedule(**changes)
    assert run(["replay", file]) == 2
    line = one_line(capsys.readouterr().err)
    assert said in line
    assert line.startswith(file)


ONE = {"tenant": 0, "arrival_ns": 0, "bytes": 1}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rule": "sfq"}, "rule: expected one of coloured, essay, masks, owner-only, at-once, got sfq"),
        ({"rule": "masks"}, "parameters.colours: expected a mask for each of 2 tenants, got 0"),
        (
            {"rule": "masks", "parameters": {"colours": [1, 2]}},
            "parameters.colours: expected whole numbers from 1 to 1",
        ),
        ({"parameters": {"page_bytes": 0}}, "parameters.page_bytes: expected a whole number from 1"),
        ({"parameters": {"banks": 0}}, "parameters.banks: expected a whole number from 1 to 4096, got 0"),
        ({"parameters": {"rows": "1/2"}}, "parameters.rows: expected a whole number from 1 to 4096, got 1/2"),
        (
            {"parameters": {"rows": 4096, "banks": 2}},
            "parameters: expected at most 4096 pages (banks times rows), got 8192",
        ),
        ({"parameters": {"tenants": 65}}, "parameters.tenants: expected a whole number from 1 to 64, got 65"),
        ({"parameters": {"each": 2}}, "parameters.each: expected a whole number from 1 to 1, got 2"),
        ({"parameters": {"holders": 0}}, "parameters.holders: expected a list, got 0"),
        ({"parameters": {"holders": [2]}}, "parameters.holders: expected whole numbers from -1 to 1"),
        (
            {"parameters": {"holders": [0, 0]}},
            "parameters: expected a holder for each bank, and a quota for each tenant",
        ),
        ({"parameters": {"quotas": ["1/2", 1]}}, "parameters.quotas: expected whole numbers from 0 to 4096"),
        ({"requests": [ONE]}, "requests[0].operation: expected one of allocate, free, drain, copy, switch, hand-over"),
        ({"requests": [ONE | {"operation": "seize"}]}, "requests[0].operation: expected one of allocate"),
        (
            {"requests": [ONE | {"operation": "allocate", "tenant": 2}]},
            "requests[0].tenant: expected one of the 2 tenants",
        ),
        ({"requests": [ONE | {"operation": "drain", "row": 1}]}, "requests[0].row: expected less than 1, got 1"),
        ({"requests": [ONE | {"operation": "copy", "row": 2}]}, "requests[0].row: expected less than 2, got 2"),
        (
            {"parameters": {"rows": 4096}, "requests": [ONE | {"operation": "allocate"}] * 2442},
            "requests: expected at most 2441 for so many pages",
        ),
    ],
)
def test_operations_that_do_not_fit(
    changes: dict[str, Any], said: str, schedule: Callable[..., str], capsys: Text
) -> None:
    file = schedule("allocator-at-once", **changes)
    assert run(["replay", file]) == 2
    line = one_line(capsys.readouterr().err)
    assert said in line
    assert line.startswith(file)


def test_nothing_that_is_asked_for_is_no_violation(schedule: Callable[..., str], capsys: Text) -> None:
    assert run(["replay", schedule("allocator-at-once", requests=[])]) == 0
    assert "nothing is asked for" in capsys.readouterr().out


def test_a_page_is_copied_and_freed_where_it_is_then(schedule: Callable[..., str], capsys: Text) -> None:
    """A tenant shows its lease, and the page is found in the bank that it was moved to."""
    rows = [("allocate", 0, 0), ("drain", 0, 0), ("copy", 0, 0), ("switch", 0, 0), ("free", 0, 0), ("hand-over", 1, 0)]
    asked = [
        {"tenant": tenant, "arrival_ns": at, "bytes": 1, "row": row, "operation": name}
        for at, (name, tenant, row) in enumerate([*rows, ("allocate", 1, 0), ("free", 0, 0)])
    ]
    parameters = {"banks": 2, "holders": [0, 0]}
    file = schedule("allocator-at-once", rule="coloured", parameters=parameters, requests=asked)
    assert run(["replay", file, "--format", "json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    texts = [mark["text"] for lane in result["lanes"] for mark in lane["marks"] if mark["kind"] != "arrival"]
    own = ["allocate: 0", "drain: 0", "copy: 1", "switch: 1", "free: 1", "free: not owned (AL-4)"]
    assert texts == [*own, "hand-over: 0", "allocate: 0"]


def test_numbers_of_a_thousand_digits_are_no_fault(schedule: Callable[..., str], capsys: Text) -> None:
    file = schedule(parameters={"weights": [10**999, "1/" + "9" * 999], "peak": "7/" + "3" * 999})
    assert run(["replay", file]) in (0, 1, 2)
    assert "Traceback" not in capsys.readouterr().err


def test_a_rule_of_the_command_line_must_exist(schedule: Callable[..., str], capsys: Text) -> None:
    assert run(["replay", schedule(), "--rule", "nonsense"]) == 2
    assert "got nonsense" in one_line(capsys.readouterr().err)


def test_id_belongs_to_results(schedule: Callable[..., str], capsys: Text) -> None:
    assert run(["replay", schedule(), "--id", "essay-tag"]) == 2
    assert "--id is given" in one_line(capsys.readouterr().err)


def test_no_file_there(tmp_path: Path, capsys: Text) -> None:
    for path, said in ((tmp_path / "none.json", "no such file"), (tmp_path, "got a directory")):
        assert run(["replay", str(path)]) == 2
        assert said in one_line(capsys.readouterr().err)


def test_no_permission(schedule: Callable[..., str], monkeypatch: pytest.MonkeyPatch, capsys: Text) -> None:
    file, real = schedule(), builtins.open

    def guarded(path: Any, *arguments: Any, **options: Any) -> Any:
        if str(path) == file:
            raise PermissionError(13, "Permission denied", file)
        return real(path, *arguments, **options)

    # An ordinary user is refused by the system; root never is.
    monkeypatch.setattr(builtins, "open", guarded)
    assert run(["replay", file]) == 2
    assert "permission denied" in one_line(capsys.readouterr().err)


@pytest.mark.skipif(not Path("/dev/stdin").exists(), reason="this system has no /dev/stdin")
def test_standard_input() -> None:
    done = subprocess.run(
        [*PROGRAM, "replay", "-"], input=shipped("essay-tag"), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stdout.startswith("essay-tag\n")


# ---- the claim that a request is late ----

LATE = {
    "mechanism": "arbiter", "rule": "sfq", "claim": "late",
    "parameters": {"weights": [1, 1], "peak": 2, "tenant": 1, "latency": 2},
}  # fmt: skip


def late_schedule(tmp_path: Path, requests: Any = None, **parameters: Any) -> str:
    """Return the file of a schedule in which tenant 1 is served 3 ns after its expected arrival."""
    data = json.loads(shipped("essay-tag"))
    data |= LATE | {"requests": requests or [{"tenant": t, "arrival_ns": 0, "bytes": 3} for t in (0, 1)]}
    data["parameters"] = data["parameters"] | parameters
    path = tmp_path / "late.json"
    path.write_text(json.dumps(data))
    return str(path)


@pytest.mark.parametrize("key", ["cold_c", "hot_c"])
def test_no_memory_is_as_hot_as_that(key: str, tmp_path: Path, capsys: Text) -> None:
    data = json.loads(shipped("refresh-essay-interval"))
    data["parameters"][key] = 10**12
    path = tmp_path / "hot.json"
    path.write_text(json.dumps(data))
    assert run(["replay", str(path)]) == 2
    assert f"parameters.{key}: expected -1000 to 1000 C, got 1000000000000" in capsys.readouterr().err


# What ends a program must not end in a verdict: 0 would say that all is well.
ENDS = "import sys\n\nimport attrs\n\nfrom headgate.model.arbiters import FCFS\n\n"
RAISES = ENDS + "def end(*_):\n    sys.exit(0)\n\nserves = attrs.evolve(FCFS, select=end)\n"


@pytest.mark.parametrize(("text", "said"), [
    ("raise SystemExit(0)\n", "expected a module that can be imported, got SystemExit: 0"),
    (RAISES, "got SystemExit: 0"),
    (RAISES.replace("sys.exit(0)", "raise GeneratorExit"), "got GeneratorExit"),
], ids=["import", "exit", "generator"])  # fmt: skip
@pytest.mark.parametrize("command", [["replay", "essay-tag.json"], ["find", "gap"]], ids=lambda c: c[0])
def test_a_policy_that_ends_the_program_gives_no_verdict(
    text: str, said: str, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Text
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"ends_{command[0]}_{len(text)}"
    (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "essay-tag.json").write_text(shipped("essay-tag"))
    assert run([*command, "--policy", f"{name}:serves"]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert said in shown.err


def test_a_late_request_is_shown(tmp_path: Path, capsys: Text) -> None:
    assert run(["replay", late_schedule(tmp_path)]) == 1
    shown = capsys.readouterr().out
    assert "finishes 3 ns after its expected arrival, the bound is 2" in " ".join(shown.split())
    assert "violation" in shown
    assert run(["replay", late_schedule(tmp_path, latency=3)]) == 0
    assert run(["replay", late_schedule(tmp_path, latency=3, tighter_by="1/2")]) == 1


def test_what_is_served_in_the_background_is_never_late(tmp_path: Path, capsys: Text) -> None:
    assert run(["replay", late_schedule(tmp_path, best_effort=[0, 1])]) == 0
    assert "nothing of tenant 1 is served in line" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"tenant": 2}, "expected one of the 2 tenants"),
        ({"tenant": "1/2"}, "expected one of the 2 tenants"),
        ({"best_effort": [0, 2]}, "expected 0 or 1"),
        ({"largest": [3]}, "expected one for each of 2 tenants"),
        ({"largest": [3, "1/2"]}, "expected whole numbers above 0"),
        ({"largest": [3, 2]}, "requests[1].bytes: expected at most 2"),
    ],
)
def test_a_late_claim_that_does_not_fit(parameters: dict[str, Any], said: str, tmp_path: Path, capsys: Text) -> None:
    assert run(["replay", late_schedule(tmp_path, **parameters)]) == 2
    assert said in one_line(capsys.readouterr().err)


def test_a_rule_that_is_misspelt_is_told_by_its_option(capsys: Text) -> None:
    file = str(resources.files("headgate.examples") / "schedules" / "essay-tag.json")
    assert run(["replay", file, "--rule", "sqf"]) == 2
    line = one_line(capsys.readouterr().err)
    assert line.startswith("--rule: expected one of sfq, ")
    assert line.rstrip().endswith("got sqf (did you mean sfq?)")
