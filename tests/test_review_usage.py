"""What is asked for in vain is refused in one line: by the command, by the plugin, and by `headgate vectors`."""

import io
import json
import subprocess
import sys
from fractions import Fraction
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from headgate.cli.main import run
from headgate.cli.output import Screen
from headgate.cli.review_report import as_json, as_text, progress_of
from headgate.properties.review.declared import number_text
from headgate.properties.review.declaring import declare
from headgate.properties.review.hunt import PROFILES, Outcome, Profile, hunt
from headgate.properties.review.plugin import _declared
from headgate.properties.review.targets import PythonTarget
from headgate.spec.errors import InputError
from headgate.tests.miniatures.admission import Unlocked
from headgate.tests.miniatures.arbiter import Sfq
from headgate.tests.miniatures.bucket import Eager

HERE = "headgate.tests.miniatures"
PLUGIN = "headgate.properties.review.plugin"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([f"{HERE}.arbiter:Sfq", "--role", "arbiter", "--weights", "1"], "weights: expected numbers of 2 to 100"),
        (
            ["json:loads", "--role", "arbiter", "--policy", "priority", "--weights", "1,1", "--priorities", "0,1,2"],
            "weights and priorities: expected numbers for the same tenants",
        ),
        ([f"{HERE}.arbiter:Sfq", "--role", "arbiter", "--quanta", "9,9"], "quanta: expected it with the policy drr"),
        (
            [f"{HERE}.arbiter:Sfq", "--role", "arbiter", "--priorities", "0,1"],
            "priorities: expected it with the policy",
        ),
        ([f"{HERE}.bucket:Eager", "--role", "bucket", "--window", "3"], "window: expected it with the policy fixed"),
        ([f"{HERE}.bucket:Eager", "--role", "bucket", "--case-seconds", "nan"], "--case-seconds: expected"),
        (
            [f"{HERE}.bucket:Eager", "--role", "bucket", "--single-threaded"],
            "single-threaded: expected it with the role",
        ),
        ([f"{HERE}.arbiter:Sfq", "--role", "arbiter", "--keys", "2"], "keys: expected it with the role bucket"),
        ([f"{HERE}.arbiter:Sfq", "--role", "arbiter", "--legal-only"], "legal-only: expected it with the role bucket"),
        (
            [f"{HERE}.arbiter:Sfq", "--role", "arbiter", "--largest", "1"],
            "largest: expected it with the role",
        ),
        ([f"{HERE}.bucket:Eager", "--role", "bucket", "--without", "pin"], "without: expected it with the role cache"),
        ([f"{HERE}.cache:Ages", "--role", "cache", "--without", "pin,touch"], "without: expected some of pin, evict"),
        ([f"{HERE}.cache:Ages", "--role", "cache", "--frames", "1000000"], "frames: expected at most 10000"),
        (["json:loads", "--role", "allocator", "--pages", "1000000"], "pages: expected at most 10000"),
        (["json:loads", "--role", "allocator", "--banks", "2", "--quotas", "1,1,1"], "banks: expected a bank for each"),
        (["json:loads", "--role", "marker", "--cir", "5", "--pir", "4"], "pir: expected no less than the cir"),
        (["json:loads", "--role", "shaper", "--burst", "1/3"], "burst: expected at least 1"),
        (["json:loads", "--role", "arbiter", "--policy", "drr", "--quanta", "9,0.5"], "quanta: expected at least 1"),
        (["json:loads", "--role", "bucket", "--language", "go"], "--language: expected it with --init"),
        (["json:loads", "--role", "bucket", "--output", "x"], "--output: expected it with --init"),
        (["json:loads", "--init", "bucket"], "--init: expected it without an implementation"),
        (["--init", "bucket", "--format", "json"], "--init: expected it without --format json"),
        (["--init", "bucket", "--role", "bucket"], "--init: expected it without --role"),
        (["--init", "bucket", "--exec", "true"], "--init: expected it without --exec"),
        (["--init", "bucket", "--rate", "3"], "--init: expected it without --rate: it writes a driver"),
        (["--init", "bucket", "--clock", "ns", "--keys", "0"], "--init: expected it without --clock and --keys"),
        (["--init", "cache", "--language", "go"], "--language: expected one of python, stdio-python"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_has_no_meaning_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["review", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"headgate: {said}")
    assert len(captured.err.splitlines()) == 1


@pytest.mark.parametrize(
    "query", ["keys=abc", "keys=2000", "float=false", "rate=1&rate=2", "legal-only=1", "largest=-1", "rate="]
)
def test_the_plugin_refuses_what_cannot_be_read(query: str) -> None:
    with pytest.raises(InputError, match=f"^{query.partition('=')[0]}: expected "):
        _declared("bucket", query)


def test_the_plugin_reads_what_can_be() -> None:
    _, declared = _declared("bucket", "float&keys=3&rate=1/3&legal-only")
    assert (declared.clock.whole, declared.keys, declared.legal_only) == (False, 3, True)


def test_a_test_that_time_ended_says_so(tmp_path: Path) -> None:
    """The profile is shortened before the plugin reads it."""
    (tmp_path / "conftest.py").write_text(
        "from headgate.properties.review import hunt\nhunt.PROFILES['quick'] = hunt.Profile(10**6, 0.2)\n"
    )
    plugin = [] if any(entry.value == PLUGIN for entry in entry_points(group="pytest11")) else ["-p", PLUGIN]
    command = [sys.executable, "-m", "pytest", "-q", *plugin, "-p", "no:cacheprovider", "--headgate-profile", "quick"]
    named = ["--headgate", f"bucket={HERE}.bucket:Eager"]
    done = subprocess.run([*command, *named], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ended by time after" in done.stdout


def test_a_gate_for_one_thread_is_reviewed_as_one() -> None:
    outcomes = []
    for single in (False, True):
        suite, declared = declare("admission", single_threaded=single)
        target = PythonTarget(Unlocked, "here:Unlocked", declared.clock)
        outcomes.append(hunt(suite, target, declared, PROFILES["quick"]).outcome)
    assert outcomes == [Outcome.VIOLATING, Outcome.CONFORMING]


def test_the_verdict_says_how_far_it_went() -> None:
    suite, declared = declare("bucket")
    found = hunt(suite, PythonTarget(Eager, "here:Eager", declared.clock), declared, Profile(20, 60.0))
    assert (found.tried.calls, found.tried.latest_ns > 2**53) == (199, True)
    assert f"at most 199 calls, times up to {found.tried.latest_ns} ns" in as_text(found, Screen.of_stdout())
    assert json.loads(as_json(found))["results"][0]["longest_case"] == 199
    suite, declared = declare("arbiter")
    found = hunt(suite, PythonTarget(Sfq, "here:Sfq", declared.clock), declared, Profile(5, 60.0))
    assert "17 tenants" in " ".join(as_text(found, Screen.of_stdout()).split())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_sees_how_many_cases_there_were(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr("headgate.cli.review_report.PROGRESS_AFTER_S", 0)
    with progress_of(Profile(50, 60.0)) as progress:
        progress(7)
    assert ("7 cases" in shown.getvalue()) == terminal


def test_vectors_do_not_go_where_they_were_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["vectors", ""]) == 2
    (tmp_path / "bucket.json").write_text('{"mine": true}')
    assert run(["vectors", "."]) == 2
    assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()] == ["headgate", "headgate"]
    assert [path.name for path in tmp_path.iterdir()] == ["bucket.json"]
    (tmp_path / "bucket.json").unlink()
    assert run(["vectors", "."]) == run(["vectors", "."]) == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("5/2", "5/2"),
        ("1000000000", "1000000000"),
        ("500000001/500000000", "1.000000002"),
        ("-42671875/128", "-333374.0234375"),
        ("1000001/3000001", "about 0.333333555"),
        ("1/300000000000", "about 0"),
    ],
)
def test_a_long_fraction_is_written_with_its_point(value: str, text: str) -> None:
    assert number_text(Fraction(value)) == text
