"""Replays of eviction and of the admission of pages: what they show, and what they refuse."""

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import run
from headgate.model.replay import replay
from headgate.model.replay.eviction import CLAIMS
from headgate.spec.schedules import parse_schedule
from headgate.tests.test_cli_main import one_line
from headgate.tests.test_cli_replay import replayed_under_each_rule

Text = pytest.CaptureFixture[str]
Write = Callable[..., str]


def shipped(name: str) -> dict[str, Any]:
    """Return a shipped schedule, as the file holds it."""
    text = (resources.files("headgate.examples") / "schedules" / f"{name}.json").read_text("utf-8")
    data = json.loads(text)
    assert isinstance(data, dict)
    return data


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a shipped schedule, changed, to a file."""

    def file(name: str, requests: list[dict[str, int]] | None = None, rule: str = "", **parameters: Any) -> str:
        data = shipped(name)
        data["parameters"] |= parameters
        data["requests"] = data["requests"] if requests is None else requests
        data["rule"] = rule or data["rule"]
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(data))
        return str(path)

    return file


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("eviction-lru-starves", {"lru": 1, "resident": 0, "lru-floor": 0}),
        ("eviction-total-starves", {"total": 1, "resident": 0, "lru-floor": 0, "floorless": 0, "lru": 1}),
        ("eviction-floorless", {"floorless": 1, "resident": 0, "lru": 0, "total": 0, "lru-floor": 0}),
        ("pages-now", {"now": 1, "maximum": 0}),
        ("pages-now-quota", {"now-quota": 1, "quota": 0, "maximum": 0}),
        ("pages-race", {"check-then-act": 1, "maximum": 0}),
    ],
)
def test_who_breaks_a_shipped_schedule_and_who_does_not(
    name: str, rules: dict[str, int], write: Write, capsys: Text
) -> None:
    replayed_under_each_rule(write(name), rules, capsys)


def test_hits_and_misses_are_drawn_in_the_lane_of_their_request(write: Write, capsys: Text) -> None:
    assert run(["replay", write("eviction-lru-starves")]) == 1
    lines = capsys.readouterr().out.splitlines()
    lanes = {line.split("  ")[1]: line for line in lines if line.startswith("  request")}
    assert lanes["request 0"].count("●") == 10
    assert lanes["request 1"].count("×") == 6
    assert any("for ever" in line for line in lines)
    assert any("● hit   × miss" in line for line in lines)


def test_a_cycle_that_has_not_settled_starves_nobody(write: Write, capsys: Text) -> None:
    """Twice round, the first time from an empty memory: that it goes on so is not shown yet."""
    requests = [{"tenant": 0, "arrival_ns": 0, "bytes": 1}, {"tenant": 1, "arrival_ns": 0, "bytes": 1}] * 2
    file = write("eviction-lru-starves", requests, capacity=1, floors=[0, 1], pages=[1, 1], cycle=2)
    assert run(["replay", file]) == 1
    file = write("eviction-lru-starves", [requests[1]] * 2, capacity=1, floors=[0, 1], pages=[1, 1], cycle=1)
    assert run(["replay", file]) == 0
    assert "has 1 hits in 1 uses" in capsys.readouterr().out


def test_within_says_which_page_goes(write: Write, capsys: Text) -> None:
    """A request of two pages in one frame less: with MRU one of them is hit in every other round."""
    requests = [{"tenant": 0, "arrival_ns": 0, "bytes": 1, "row": row} for row in (0, 1, 2) * 4]
    parts = {"capacity": 3, "floors": [0, 3], "pages": [3, 3], "cycle": 3, "who": 1}
    mixed = [*requests[:3], *[{**row, "tenant": 1} for row in requests]]
    assert run(["replay", write("eviction-lru-starves", mixed, **parts, within="prefix")]) == 0
    assert "has 3 hits" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("eviction-lru-starves", {"capacity": 0}, "parameters.capacity: expected a whole number from 1 to 256, got 0"),
        ("eviction-lru-starves", {"capacity": "1/2"}, "parameters.capacity: expected a whole number"),
        ("eviction-lru-starves", {"capacity": 10**9}, "parameters.capacity: expected a whole number from 1 to 256"),
        ("eviction-lru-starves", {"pages": []}, "parameters.pages: expected a list"),
        ("eviction-lru-starves", {"pages": 2}, "parameters.pages: expected a list"),
        ("eviction-lru-starves", {"pages": [2, 0]}, "parameters.pages: expected whole numbers from 1"),
        ("eviction-lru-starves", {"pages": [2, "1/2"]}, "parameters.pages: expected whole numbers from 1"),
        ("eviction-lru-starves", {"pages": [2, "two"]}, "parameters.pages: expected whole numbers from 1"),
        ("eviction-lru-starves", {"pages": [200, 200]}, "parameters.pages: expected at most 256 pages"),
        ("eviction-lru-starves", {"pages": [1, 2]}, "requests[1]: expected a page of one of the requests"),
        ("eviction-lru-starves", {"floors": [1]}, "parameters.floors: expected a list, a number for each request"),
        ("eviction-lru-starves", {"floors": [2, 2]}, "expected a sum of at most the capacity 3, got 4"),
        (
            "eviction-lru-starves",
            {"floors": [1, 1]},
            "parameters.floors: expected at least 2, the pages that request 1 uses",
        ),
        ("eviction-lru-starves", {"who": 2}, "parameters.who: expected a whole number from 0 to 1, got 2"),
        ("eviction-lru-starves", {"cycle": 4}, "parameters.cycle: expected the last 4 uses to be those before them"),
        ("eviction-lru-starves", {"cycle": 18}, "parameters.cycle: expected the last 18 uses to be those before them"),
        ("eviction-lru-starves", {"within": "fifo"}, "parameters.within: expected one of lru, mru, prefix"),
        ("eviction-lru-starves", {"within": 3}, "parameters.within: expected one of lru, mru, prefix"),
        ("pages-now", {"prompts": [1]}, "parameters.most: expected a list, a number for each request"),
        ("pages-now", {"most": [0, 1]}, "parameters.most: expected whole numbers from 1"),
        ("pages-now", {"prompts": [9, 9]}, "parameters.most: expected at least the prompt of each request"),
        ("pages-now", {"prompts": [1] * 300, "most": [1] * 300}, "parameters.prompts: expected at most 256 requests"),
        ("pages-now", {"prompts": [1], "most": [1]}, "requests[1].tenant: expected one of 1 requests"),
        ("pages-now-quota", {"quota": 0}, "parameters.quota: expected a whole number from 1"),
    ],
)
def test_a_schedule_that_does_not_fit(
    name: str, parameters: dict[str, Any], said: str, write: Write, capsys: Text
) -> None:
    assert run(["replay", write(name, **parameters)]) == 2
    assert said in one_line(capsys.readouterr().err)


def test_a_victim_that_is_never_used_is_refused(write: Write, capsys: Text) -> None:
    requests = [{"tenant": 0, "arrival_ns": 0, "bytes": 1}] * 2
    assert run(["replay", write("eviction-lru-starves", requests, cycle=1)]) == 2
    assert "expected a use of request 1 in the cycle" in one_line(capsys.readouterr().err)


def test_a_rule_of_another_mechanism_is_refused(write: Write, capsys: Text) -> None:
    assert run(["replay", write("eviction-floorless", rule="sfq")]) == 2
    assert "rule: expected one of lru" in one_line(capsys.readouterr().err)
    assert run(["replay", write("pages-now", rule="lru")]) == 2
    assert "rule: expected one of maximum" in one_line(capsys.readouterr().err)


def test_nothing_evicted_is_nothing_broken(write: Write, capsys: Text) -> None:
    assert run(["replay", write("eviction-floorless", [])]) == 0
    assert "no load takes a page of another" in capsys.readouterr().out


def test_every_claim_has_a_shipped_schedule() -> None:
    """Each is found by a theorem, and shown by a schedule that anyone can replay; losses are what `find` looks for."""
    for mechanism, claim in set(CLAIMS) - {("eviction", "losses")}:
        names = [file.name for file in (resources.files("headgate.examples") / "schedules").iterdir()]
        known = [parse_schedule(json.dumps(shipped(name[:-5]))) for name in names]
        some = [schedule for schedule in known if (schedule.mechanism, schedule.claim) == (mechanism, claim)]
        assert some, (mechanism, claim)
        assert replay(some[0]).violated
