"""`headgate find` on discrete steps: expressions, explanations, and what is refused about them."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import run
from headgate.tests.test_cli_main import one_line

Text = pytest.CaptureFixture[str]

BLOCKED = ["find", "blocked", "--policy", "priority", "--tenants", "4", "--horizon", "7", "--victim", "2"]
BUCKET = ["find", "condition", "--policy", "token", "--tenants", "1", "--horizon", "6", "--arrivals", "0..10",
          "--rate", "3", "--depth", "6"]  # fmt: skip


def test_a_schedule_and_why(capsys: Text) -> None:
    """The conditions are printed so that they can be pasted back."""
    assert run([*BLOCKED, "--at-least", "6", "--explain"]) == 1
    shown = capsys.readouterr().out
    assert "found: 6 steps (priority, 4 queues, 7 steps)" in shown
    assert "why: every schedule that keeps these shows it, and none can go" in shown
    conditions = [line.split('"')[1] for line in shown.splitlines() if line.startswith("  --assume ")]
    assert conditions == ["t > 5 or cenq(0, t) >= t + 1", "cenq(2, 0) >= 1"]
    pasted = [part for text in conditions for part in ("--assume", text)]
    assert run([*BLOCKED, "--at-least", "6", *pasted, "--explain"]) == 1
    assert "why: every schedule of the question shows it" in capsys.readouterr().out


def test_why_of_a_maximum(capsys: Text) -> None:
    assert run([*BLOCKED, "--max", "--explain"]) == 0
    shown = capsys.readouterr().out
    assert "maximum: 6 steps, proved maximal" in shown
    assert '  --assume "cenq(2, 0) >= 1"' in shown


def test_why_of_nothing(capsys: Text) -> None:
    assert run([*BLOCKED, "--at-least", "7", "--explain"]) == 0
    assert "why: nothing was found" in capsys.readouterr().out


def test_why_in_json(capsys: Text) -> None:
    """A bucket that is left to fill lets more than its refill go at once."""
    asked = [*BUCKET, "--level", "0", "--shows", "not deq(0, 0..5) <= 3", "--format", "json"]
    assert run([*asked, "--explain"]) == 1
    result = json.loads(capsys.readouterr().out)["results"][0]
    assert result["explanation"]
    assert result["witness"]["parameters"]["level"] == 0
    assert run(asked) == 1
    assert json.loads(capsys.readouterr().out)["results"][0]["explanation"] is None


def test_a_loop_is_kept_and_replayed(tmp_path: Path, capsys: Text) -> None:
    file = str(tmp_path / "loop.json")
    asked = ["find", "starvation", "--policy", "fq-codel-rejoins", "--tenants", "3", "--horizon", "6", "--save", file]
    assert run([*asked, "--minimal"]) == 1
    assert run(["replay", file]) == 1
    assert "repeat for ever, and queue" in " ".join(capsys.readouterr().out.split())
    assert run(["replay", file, "--rule", "fq-codel"]) == 0


REFUSED = [
    ([*BLOCKED, "--max", "--assume", "cenq(0, t >= t"], "--assume, column 11: expected ')', got '>='"),
    ([*BLOCKED, "--max", "--assume", "cenq(4, t) >= t"], "--assume, column 6: expected queues in 0..3, got 4"),
    ([*BLOCKED, "--max", "--assume", "__import__('os')"], "--assume, column 1: expected a number, a name or one of"),
    (["find", "wait", "--policy", "sfq", "--max", "--requests", "3", "--explain"], "--explain: expected --horizon"),
    (["find", "starvation", "--policy", "priority", "--explain"], "--explain: expected service, blocked, wait"),
    ([*BUCKET, "--shows", "deq(0, 1) > 1"], "parameters: expected rate, depth, level"),
    (["find", "wait", "--policy", "sfq", "--tenants", "0", "--max"], "--tenants: expected 1 to 16, got 0"),
    ([*BLOCKED, "--max", "--tenants", "0"], "--tenants: expected 1 to 256, got 0"),
    (["find", "wait", "--policy", "round-robin", "--horizon", "0", "--max"], "--horizon: expected 1 to 1000, got 0"),
    (["find", "wait", "--policy", "sfq", "--max", "--requests", "0"], "--requests: expected 1 to 12, got 0"),
    (["find", "wait", "--policy", "sfq", "--max", "--limit", "99999999999"], "--limit: expected more than 0"),
    (["find", "wait", "--policy", "sfq", "--max", "--shows", "deq(0, 1) > 1"], "--shows: expected --horizon STEPS"),
    (["find", "overrun", "--policy", "essay", "--rate", "0"], "--rate: expected more than 0, got 0"),
    (["find", "overrun", "--policy", "token", "--depth", "0"], "--depth: expected more than 0, got 0"),
    (["find", "overrun", "--policy", "token", "--weights", "1,2"], "overrun: expected no weights, priorities or"),
    (["find", "gap", "--policy", "sfq", "--rate", "3"], "--rate: expected of a bucket alone"),
    (["find"], "Missing argument 'QUESTION'. Choose from: wait, gap,"),
]  # fmt: skip

# Each question in its shortest form, and every option that means nothing to it and has no refusal of its own.
STEPS = {"--sizes": "1..4", "--within": "9", "--against": "fcfs", "--device": "h200"}
SHOWS = {"--shows": "deq(0, 1) > 1"}
IDLE = {
    "difference --policy sfq --against fcfs": {"--victim": "0"},
    "overrun --policy token": {"--tenants": "2", "--device": "h200", "--level": "1"},
    "oversubscription --policy essay --device h200": {
        "--priorities": "0,0", "--requests": "4", "--sizes": "1..4", "--arrivals": "0..15", "--within": "9",
        "--victim": "0",
    },
    "conflict --policy masks --colours 0x1,0x1 --banks 2": {"--each": "1"},
    "service --policy round-robin --horizon 4 --victim 0 --max": {**STEPS, **SHOWS},
    "blocked --policy round-robin --horizon 4 --max": {**STEPS, **SHOWS},
    "wait --policy round-robin --horizon 4 --max": {**STEPS, **SHOWS},
    "starvation --policy priority --horizon 4": {**STEPS, **SHOWS, "--at-least": "1", "--max": ""},
    "condition --policy round-robin --horizon 4 --shows deq(0,1)>=1": {
        **STEPS, "--victim": "0", "--at-least": "1", "--max": "",
    },
    "blocked --policy token --tenants 2 --horizon 4 --rate 1 --depth 1 --level 0 --max": {
        **STEPS, **SHOWS, "--weights": "1,1", "--priorities": "0,0",
    },
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=range(len(REFUSED)))
def test_refusals(arguments: list[str], message: str, capsys: Text) -> None:
    assert run(arguments) == 2
    assert one_line(capsys.readouterr().err).startswith(message)


@pytest.mark.parametrize(
    ("asked", "option", "value"), [(asked, *option) for asked, options in IDLE.items() for option in options.items()]
)
def test_what_means_nothing_is_refused(asked: str, option: str, value: str, capsys: Text) -> None:
    """A default that is typed as well: whoever types it takes it for something."""
    assert run(["find", *asked.split(), option, *([value] if value else [])]) == 2
    said = one_line(capsys.readouterr().err)
    assert said.startswith(f"{option}: expected for another question, since it means nothing to {asked.split()[0]}")


@pytest.mark.parametrize("asked", IDLE)
def test_each_of_them_is_a_question(asked: str, capsys: Text) -> None:
    assert run(["find", *asked.split()]) in (0, 1)
    assert capsys.readouterr().err == ""


def test_what_a_contract_file_says_is_taken_where_it_means_something(capsys: Text) -> None:
    """A rule of admission knows guarantees, and no priorities."""
    from importlib import resources

    place = str(resources.files("headgate.examples") / "h200_broken.toml")
    assert run(["find", "oversubscription", "--policy", "no-tax", "--contracts", place]) in (0, 1)
    assert capsys.readouterr().err == ""


def test_a_person_sees_where(monkeypatch: pytest.MonkeyPatch, capsys: Text) -> None:
    """On a terminal a caret stands under the token."""

    def a_terminal(*_: Any) -> bool:
        return True

    monkeypatch.setattr(sys.stderr, "isatty", a_terminal)
    assert run([*BLOCKED, "--max", "--assume", "cenq(0, t >= t"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "headgate: --assume, column 11: expected ')', got '>='", "cenq(0, t >= t", "          ^",
    ]  # fmt: skip
