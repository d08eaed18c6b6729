"""`headgate trace`, as it is typed: what it prints, how it ends, and what it leaves on the disk."""

import gzip
import io
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from headgate.cli import places
from headgate.cli import trace as command
from headgate.cli.main import run
from headgate.cli.trace_plot import MOST_SLICES, Slices
from headgate.spec.recordings import Row

EXAMPLES = Path(str(files("headgate.examples")))
CONTRACTS = str(EXAMPLES / "h200_recordings.toml")
SOLO = str(EXAMPLES / "recordings" / "solo.csv.gz")
BACKLOGGED = str(EXAMPLES / "recordings" / "backlogged.csv.gz")
HEADER = "tenant,arrival_ns,start_ns,finish_ns,bytes"


Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Typed:
    """Return what runs `headgate trace` and gives back (exit code, stdout, stderr)."""

    def type_(*arguments: str) -> tuple[int, str, str]:
        code = run(["trace", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return type_


def refused(typed: Typed, *arguments: str) -> str:
    """Return the one line with which a command line is refused."""
    code, out, err = typed(*arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


def recording(folder: Path, *lines: str) -> str:
    """Write a recording."""
    path = folder / "r.csv"
    path.write_text("".join(f"{line}\n" for line in (HEADER, *lines)), "utf-8")
    return str(path)


# ---- what it says ----


def test_h200_keeps_the_contract(typed: Typed) -> None:
    code, out, err = typed(BACKLOGGED, "--contracts", CONTRACTS, "--baseline", SOLO)
    assert (code, err) == (0, "")
    total = re.search(r"all guaranteed +6,066 .* 1,909 \(.*\) +2,843 \(.*\) +1,314 \(", out)
    assert total, out
    assert re.search(r"all guaranteed +5\.311 +15\.357 +26\.503 +7\.355", out)
    assert re.search(r"all guaranteed +1\.272 +1\.514 +1\.551 +1\.453", out)
    assert "HOLDS" in out
    assert "tenant 3, arrival 12,150,757 ns" in out


def test_h200_breaks_a_shorter_latency(typed: Typed) -> None:
    assert typed(SOLO, "--contracts", CONTRACTS, "--slo-us", "6")[0] == 0
    code, out, _ = typed(BACKLOGGED, "--contracts", CONTRACTS, "--slo-us", "6")
    assert code == 1
    accused = out[out.index("VIOLATED") :].splitlines()[1]
    assert accused.startswith("  tenant 3, arrival 12,150,757 ns")
    assert "finished 7,355 ns after its expected arrival" in accused


def test_json_is_one_object_with_exact_numbers(typed: Typed) -> None:
    arguments = (BACKLOGGED, "--contracts", CONTRACTS, "--baseline", SOLO, "--slo-us", "6", "--format", "json")
    code, out, _ = typed(*arguments)
    found = json.loads(out, parse_float=pytest.fail)
    assert code == 1
    assert {key: found[key] for key in ("tool", "command", "verdict")} == {
        "tool": "headgate",
        "command": "trace",
        "verdict": "violated",
    }
    by_kind: dict[str, list[dict[str, object]]] = {}
    for result in found["results"]:
        by_kind.setdefault(result["kind"], []).append(result)
    assert {*by_kind} == {"recording", "check", "tenant", "guaranteed", "machine", "comparison"}
    (total,) = by_kind["guaranteed"]
    assert total["latency"] == {"p50_ns": 5311, "p99_ns": 15357, "max_ns": 26503, "exact": True}
    assert total["worst_lateness"]["ns"] == 7355  # type: ignore[index]
    assert by_kind["comparison"][-1]["worst_lateness"] == "7355/5063"
    verdicts = [check["verdict"] for check in by_kind["check"] if check["id"] == "promise"]
    assert verdicts == ["violated"] * 3


def test_a_policy_is_judged_only_with_a_tolerance(typed: Typed, tmp_path: Path) -> None:
    contracts = tmp_path / "c.toml"
    contracts.write_text(Path(CONTRACTS).read_text("utf-8").replace('policy = "none"', 'policy = "fcfs"'), "utf-8")
    file = recording(tmp_path, "1,0,9000,9500,8", "2,1000,1000,9000,8")
    assert typed(file, "--contracts", str(contracts))[0] == 0
    code, out, _ = typed(file, "--contracts", str(contracts), "--tolerance-ns", "0")
    assert code == 1
    assert "VIOLATED RC-5: no request waits while nothing is in service" in out
    assert "VIOLATED RC-6: requests of all tenants start in order of arrival" in out


def test_approximate_quantiles_are_marked(typed: Typed, tmp_path: Path) -> None:
    lines = [f"1,{n},{n},{n + n * 7},1" for n in range(70_000)]
    _, out, _ = typed(recording(tmp_path, *lines), "--contracts", CONTRACTS)
    assert re.search(r"\n  1 +~245\.\d+ +~48[0-9]\.\d+ +489\.993 ", out)
    assert "at most 0.1 % too high" in out


# ---- bad input ----


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (["9,0,0,1,1"], ":2: expected a tenant of the contracts ('0', '1', '2', '3'), got '9'"),
        (["1,0,2,1,1"], ":2: expected finish_ns at or after start_ns 2, got 1"),
        (["1,5,5,6,1", "1,4,5,6,1"], ":3: expected rows in order of arrival_ns, 5 or later here, got 4"),
        ([], ": expected at least one request, got none after the header"),
    ],
)
def test_a_bad_recording(typed: Typed, tmp_path: Path, lines: list[str], answer: str) -> None:
    file = recording(tmp_path, *lines)
    assert refused(typed, file, "--contracts", CONTRACTS) == f"headgate: {file}{answer}\n"


def test_files_that_are_none(typed: Typed, tmp_path: Path) -> None:
    assert "a directory" in refused(typed, str(tmp_path), "--contracts", CONTRACTS)
    assert "no such file" in refused(typed, str(tmp_path / "none"), "--contracts", CONTRACTS)
    assert "none.toml" in refused(typed, SOLO, "--contracts", str(tmp_path / "none.toml"))
    assert "no such file" in refused(typed, SOLO, "--contracts", CONTRACTS, "--baseline", str(tmp_path / "none"))


@pytest.mark.parametrize("slo", ["0", "-1", "x", "nan", "1e3", "", "1_0", "9" * 40])
def test_a_bad_latency(typed: Typed, slo: str) -> None:
    assert "--slo-us: expected a time above 0" in refused(typed, SOLO, "--contracts", CONTRACTS, "--slo-us", slo)


def test_bad_usage(typed: Typed) -> None:
    assert "--contracts" in refused(typed, SOLO)
    assert "--tolerance-ns" in refused(typed, SOLO, "--contracts", CONTRACTS, "--tolerance-ns", "-1")


# ---- the picture ----


def test_a_picture(typed: Typed, tmp_path: Path) -> None:
    out = tmp_path / "p.svg"
    assert typed(BACKLOGGED, "--contracts", CONTRACTS, "--plot", str(out))[0] == 0
    root = ElementTree.parse(out).getroot()
    words = " ".join(element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text"))
    assert "3: latest 7.355 us after its expected arrival" in words
    assert out.stat().st_size < 200_000
    assert [path.name for path in tmp_path.iterdir()] == ["p.svg"]


def test_the_axes_of_a_picture_have_round_numbers(typed: Typed, tmp_path: Path) -> None:
    out = tmp_path / "p.svg"
    assert typed(SOLO, "--contracts", CONTRACTS, "--plot", str(out))[0] == 0
    words = [element.text or "" for element in ElementTree.parse(out).iter("{http://www.w3.org/2000/svg}text")]
    assert "0: no requests" in words
    assert {"0", "10", "20", "30", "40"} <= set(words)
    assert not [word for word in words if re.fullmatch(r"[0-9]+[.][0-9]+", word)]


def test_a_picture_as_png(typed: Typed, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "p.png"
    assert typed(SOLO, "--contracts", CONTRACTS, "--plot", str(out))[0] == 0
    assert out.read_bytes().startswith(b"\x89PNG")


def test_a_png_without_matplotlib(typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "find_spec", lambda name: None)
    answer = refused(typed, SOLO, "--contracts", CONTRACTS, "--plot", str(tmp_path / "p.png"))
    assert "headgate[plots]" in answer


def test_no_picture_of_a_bad_recording(typed: Typed, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    old = folder / "p.svg"
    old.write_text("as it was", "utf-8")
    refused(typed, recording(tmp_path, "1,0,0,1,1", "1,0,0,x,1"), "--contracts", CONTRACTS, "--plot", str(old))
    assert old.read_text("utf-8") == "as it was"
    assert list(folder.iterdir()) == [old]


def test_pictures_that_cannot_be_written(typed: Typed, tmp_path: Path) -> None:
    file = tmp_path / "r.svg"
    file.write_text(f"{HEADER}\n1,0,0,1,1\n", "utf-8")
    (tmp_path / "folder.svg").mkdir()
    for out, answer in (
        (tmp_path / "p.jpg", "ends in .svg or .png"),
        (tmp_path / "none" / "p.svg", "a file in a folder that can be written"),
        (tmp_path / "folder.svg", "a file in a folder that can be written"),
        (file, "does not read or write already"),
    ):
        assert answer in refused(typed, str(file), "--contracts", CONTRACTS, "--plot", str(out))
    assert file.read_text("utf-8").startswith(HEADER)


def test_a_disk_that_fills_up_leaves_nothing(
    typed: Typed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(self: Path, *_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    answer = refused(typed, SOLO, "--contracts", CONTRACTS, "--plot", str(tmp_path / "p.svg"))
    assert "No space left on device" in answer
    assert list(tmp_path.iterdir()) == []


def test_slices_stay_few_and_keep_every_maximum() -> None:
    slices = Slices(1)
    for number in range(10_000):
        slices.add(Row(2, 0, 1000 * number, 1000 * number, 1000 * number + number, 1), number // 2)
    assert len(slices.latency[0]) <= MOST_SLICES
    assert max(slices.latency[0]) == 9_999
    assert max(slices.lateness[0]) == 4_999
    place = (1000 * 5_000) // slices.width_ns
    assert slices.latency[0][place] >= 5_000


# ---- time, and the terminal ----


def test_it_does_not_keep_one_waiting() -> None:
    """The whole command on 14,649 rows; 2 s are promised, on a machine that does nothing else."""
    line = [sys.executable, "-m", "headgate.cli", "trace", BACKLOGGED, "--contracts", CONTRACTS]
    begun = os.times()
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    ended = os.times()
    assert done.returncode == 0, done.stderr
    assert ended.children_user + ended.children_system - begun.children_user - begun.children_system < 2


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_progress_on_a_terminal_after_a_while(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(command, "PROGRESS_AFTER_S", 0)
    monkeypatch.setattr(command, "ROWS_BETWEEN_LOOKS", 1000)
    monkeypatch.setenv("TERM", "xterm")
    assert run(["trace", BACKLOGGED, "--contracts", CONTRACTS]) == 0
    assert "backlogged.csv.gz" in terminal.getvalue()


def test_no_progress_elsewhere(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PROGRESS_AFTER_S", 0)
    monkeypatch.setattr(command, "ROWS_BETWEEN_LOOKS", 1000)
    assert typed(BACKLOGGED, "--contracts", CONTRACTS)[2] == ""


def test_a_compressed_recording_is_judged_like_a_plain_one(typed: Typed, tmp_path: Path) -> None:
    plain = tmp_path / "solo.csv"
    plain.write_bytes(gzip.decompress(Path(SOLO).read_bytes()))
    first, second = (typed(file, "--contracts", CONTRACTS)[1] for file in (SOLO, str(plain)))
    assert first.partition("\n")[2] == second.partition("\n")[2]
