"""Replays of heat: what they show, and what they refuse."""

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import run
from headgate.model.replay import replay
from headgate.model.replay.heat import CLAIMS
from headgate.spec.schedules import parse_schedule
from headgate.tests.test_cli_main import one_line
from headgate.tests.test_cli_replay import replayed_under_each_rule

Text = pytest.CaptureFixture[str]
Write = Callable[..., str]
FOLDER = resources.files("headgate.examples") / "schedules"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a shipped schedule, changed, to a file."""

    def file(name: str, operations: list[tuple[str, int]] | None = None, rule: str = "", **parameters: Any) -> str:
        data = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
        data["parameters"] |= parameters
        if operations is not None:
            data["requests"] = [
                {"tenant": 0, "arrival_ns": at, "bytes": 1, "operation": operation, "row": row}
                for at, (operation, row) in enumerate(operations)
            ]
        data["rule"] = rule or data["rule"]
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(data))
        return str(path)

    return file


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("thermal-delay-settles", {"as-given": 1, "small-gain": 0}),
        ("thermal-essay-latch", {"essay": 1, "corrected": 0}),
        ("thermal-essay-inlet", {"sweep": 1}),
        ("placement-coolest", {"coolest": 1, "hysteresis": 0, "essay": 0}),
        ("placement-essay", {"essay": 1, "coolest": 1, "hysteresis": 0}),
        ("migration-switch-first", {"switch-first": 1, "copy-first": 0, "unmarked": 0}),
        ("migration-overwritten", {"switch-first": 1, "copy-first": 0, "unmarked": 0}),
        ("migration-unmarked", {"unmarked": 1, "copy-first": 0}),
        ("migration-seven-reads", {"essay": 1, "corrected": 0}),
    ],
)
def test_who_breaks_a_shipped_schedule_and_who_does_not(
    name: str, rules: dict[str, int], write: Write, capsys: Text
) -> None:
    replayed_under_each_rule(write(name), rules, capsys)


def test_there_is_a_shipped_schedule_of_each_claim() -> None:
    files = [file for file in FOLDER.iterdir() if file.name.startswith(("thermal", "placement", "migration"))]
    shipped = [parse_schedule(file.read_text("utf-8")) for file in files]
    assert {(each.mechanism, each.claim) for each in shipped} == set(CLAIMS)
    assert all(replay(each).violated for each in shipped)


@pytest.mark.parametrize(
    ("name", "parameters", "code", "said"),
    [
        # half a swing, and a distance that does not move, are no swing
        ("thermal-delay-settles", {"steps": 2}, 0, "do not come back"),
        ("thermal-delay-settles", {"history": [0, 0]}, 0, "with a swing of 0 C"),
        ("thermal-delay-settles", {"steps": 8}, 1, "after 8 steps the distances come back"),
        ("thermal-essay-latch", {"ambient": 60}, 0, "rests at neither temperature"),
        ("thermal-essay-latch", {"cold": 75}, 0, "rests at 75 C and 75 C"),
        ("thermal-essay-inlet", {"dies": [72, 87]}, 0, "15 C of water warm the die by 15 C"),
        ("thermal-essay-inlet", {"dies": [72, 87], "tighter_by": 1}, 1, "15 C of water warm the die by 15 C"),
        # in the order of the water, not of the file
        ("thermal-essay-inlet", {"inlets": [55, 40], "dies": [92, 72]}, 1, "15 C of water warm the die by 20 C"),
        ("migration-seven-reads", {"reads": 13}, 0, "13 reads win 195, the copy costs 185"),
        ("migration-seven-reads", {"reads": 12}, 1, "12 reads win 180, the copy costs 185"),
        # a faster change of the averages allows for more moves
        ("placement-coolest", {"temperatures": [9, 0, 0, 9, 9, 0, 0, 9, 9, 0], "dwell": 0}, 0, "5 moves in 5 samples"),
    ],
)
def test_what_a_change_does(
    name: str, parameters: dict[str, Any], code: int, said: str, write: Write, capsys: Text
) -> None:
    assert run(["replay", write(name, **parameters)]) == code
    assert said in " ".join(capsys.readouterr().out.split())


def test_a_copy_that_is_complete_is_read(write: Write, capsys: Text) -> None:
    """Two blocks, one of them written anew after its copy; a switch before all are clean is refused."""
    done = [
        ("begin", 0),
        ("copy", 0),
        ("copy", 1),
        ("write", 0),
        ("switch", 0),
        ("copy", 0),
        ("switch", 0),
        ("read", 0),
    ]
    file = write("migration-unmarked", done, "copy-first", blocks=2)
    assert run(["replay", file]) == 0
    assert "0 reads do not return the last write" in capsys.readouterr().out
    assert run(["replay", write("migration-unmarked", done[:5] + done[7:], blocks=2)]) == 1
    lost = [*done[:5], ("abort", 0), ("read", 0), ("read", 1)]
    assert run(["replay", write("migration-unmarked", lost, blocks=2)]) == 1
    assert "a read of block 0 returns 0, the last write is 4" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("thermal-delay-settles", {"decay": 1}, "parameters.decay: expected less than 1, got 1"),
        ("thermal-delay-settles", {"decay": 0}, "parameters.decay: expected more than 0, got 0"),
        ("thermal-delay-settles", {"gain": -1}, "parameters.gain: expected at least 0, got -1"),
        ("thermal-delay-settles", {"history": []}, "parameters.history: expected 1 to 200 distances, got 0"),
        ("thermal-delay-settles", {"history": 3}, "parameters.history: expected a list of exact numbers, got 3"),
        ("thermal-delay-settles", {"steps": 0}, "parameters.steps: expected 1 to 200, got 0"),
        ("thermal-essay-latch", {"hot": 86}, "expected a temperature whose interval is rational, got 86"),
        ("thermal-essay-latch", {"hot": 10**9}, "expected temperatures of at most 200 C, got 1000000000"),
        ("thermal-essay-latch", {"watts": 0}, "parameters.watts: expected more than 0, got 0"),
        (
            "thermal-essay-inlet",
            {"dies": [72]},
            "parameters.dies: expected a temperature for each of two inlets or more",
        ),
        ("placement-coolest", {"stacks": 3}, "parameters.temperatures: expected 1 to 200 samples of 3 stacks"),
        ("placement-coolest", {"temperatures": []}, "parameters.temperatures: expected 1 to 200 samples of 2 stacks"),
        ("placement-coolest", {"weight": 2}, "parameters.weight: expected at most 1, got 2"),
        ("placement-coolest", {"band": 0}, "parameters.band: expected more than 0, got 0"),
        ("placement-coolest", {"dwell": -1}, "parameters.dwell: expected 0 to 1000000, got -1"),
        ("migration-unmarked", {"blocks": 0}, "parameters.blocks: expected 1 to 256, got 0"),
    ],
)
def test_a_schedule_that_does_not_fit(
    name: str, parameters: dict[str, Any], said: str, write: Write, capsys: Text
) -> None:
    assert run(["replay", write(name, **parameters)]) == 2
    assert said in one_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("operation", "row", "said"),
    [
        ("drain", 0, "requests[0].operation: expected one of begin, copy, write, switch, abort, read"),
        ("read", 1, "requests[0].row: expected one of 1 blocks, got 1"),
    ],
)
def test_an_operation_that_does_not_fit(operation: str, row: int, said: str, write: Write, capsys: Text) -> None:
    assert run(["replay", write("migration-unmarked", [(operation, row)])]) == 2
    assert said in one_line(capsys.readouterr().err)


@pytest.mark.parametrize("name", ["thermal-delay-settles", "placement-essay"])
def test_what_is_not_time_is_not_labelled_as_time(name: str, capsys: Text, tmp_path: Path) -> None:
    """Steps and samples are counted as such, on the axis and in pictures."""
    unit = "samples" if name.startswith("placement") else "steps"
    file = Path(str(resources.files("headgate.examples"))) / "schedules" / f"{name}.json"
    out = tmp_path / "p.svg"
    run(["replay", str(file), "--picture", str(out)])
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines() if line.split()[1:2] == ["0"]][:1] == [unit]
    assert f">{unit}<" in out.read_text("utf-8")
    run(["replay", str(file), "--format", "json"])
    assert json.loads(capsys.readouterr().out)["results"][0]["clock"] == unit
