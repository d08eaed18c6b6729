"""Lassos and bypasses: what counts as shown, what does not, and what no file can make of them."""

import json
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Any

import attrs
import pytest

from headgate.cli.main import run
from headgate.model.arbiters import ARBITERS, FCFS, SFQ, Policy
from headgate.model.lasso import Lasso, Starved, starved
from headgate.model.simulator import Server
from headgate.spec.vocabulary import Contract, Excess, Request
from headgate.tests.test_cli_main import one_line

Text = pytest.CaptureFixture[str]
HALF = Fraction(1, 2)
CHANNEL = Server(Fraction(1))
A, B = Request(0, 0, 1), Request(1, 0, 1)
FLOOD = Lasso((), (A, A, B), 0, 2)


def shown(lasso: Lasso, policy: Policy | str, weight: Fraction = HALF) -> Starved:
    """Return what the lasso shows of tenant 1, of two with this guarantee, on a channel of one byte a ns."""
    contracts = [Contract(f"t{n}", weight, weight, Fraction(0), 8, n, excess=Excess.IN_LINE) for n in (0, 1)]
    return starved(lasso, 1, contracts, ARBITERS[policy] if isinstance(policy, str) else policy, CHANNEL)


def at(request: Request, arrival: int, size: int = 1) -> Request:
    return attrs.evolve(request, arrival_ns=arrival, bytes=size)


# ---- what is shown ----


def test_a_backlog_that_grows() -> None:
    """Three bytes come every 2 ns: 1 ns later with every round, from the first one on."""
    found = shown(FLOOD, "fcfs")
    assert (found.grows_ns, found.never_served) == (1, False)
    assert found.waits == ((0, 3), (2, 6))


def test_a_backlog_that_grows_behind_a_prefix() -> None:
    """The prefix is no round, and is served first."""
    lasso = Lasso((at(A, 0, 4),), tuple(at(r, 1) for r in FLOOD.loop), 1, 2)
    assert shown(lasso, "fcfs").grows_ns == 1


def test_tags_that_move_with_the_virtual_time() -> None:
    """A fair queue that lets its virtual time stand still serves its first tenant for ever: all tags are the same."""
    stuck = attrs.evolve(
        SFQ, stamp=lambda state, tenant, arrival: (state, SFQ.stamp(state, tenant, arrival)[1]),
    )  # fmt: skip
    lasso = Lasso((A, B), (at(A, 1),), 1, 1)
    assert shown(lasso, stuck).never_served
    assert shown(lasso, SFQ).grows_ns == 0


# ---- what is not ----


@pytest.mark.parametrize(
    ("lasso", "policy", "reason"),
    [
        # The flood of the prefix is over after some rounds.
        (Lasso((A, A, A, A, B), (at(A, 1),), 1, 2), "priority", "does not leave arbiter and queues as it found them"),
        (Lasso((), (A, B), 0, 2), "fcfs", "a round is served as fast as it comes"),
        (Lasso((A, B), (at(A, 1),), 1, 1), "fcfs", "it is served in the loop"),
        (Lasso((), (A, A, A), 0, 2), "fcfs", "it sends nothing in the loop"),
        (Lasso((), (A, A, B, B), 0, 2), "fcfs", "its own requests exceed its contract"),
        (Lasso((), (A, A, B), 0, 2), "sfq", "a stamp of sfq depends on more than its arrival"),
        (Lasso((), (A, A, B), 0, 2), "priority", "not every tenant is served as often as it sends"),
        # With tags of 4 for a request of 1, V is ahead of all that arrives.
        (Lasso((), (A, A, B, at(A, 1)), 0, 2), "essay", "V is ahead of an arrival"),
        (Lasso((A, B), (at(A, 1),), 1, 1), "early", "it is served in the loop"),
    ],
)
def test_what_is_not_shown_says_why(lasso: Lasso, policy: str, reason: str) -> None:
    found = shown(lasso, policy)
    assert found.grows_ns == 0
    assert not found.waits
    assert reason in found.finding


def test_a_policy_that_keeps_time_is_not_compared() -> None:
    """By priority, with a clock: its state may look the same, and yet it decides by the time."""
    timed = attrs.evolve(ARBITERS["priority"], name="by-the-clock")
    assert "what by-the-clock does next depends on the time" in shown(Lasso((B, B), (at(A, 1),), 1, 1), timed).finding


def test_who_does_not_always_wait_is_not_served_alike() -> None:
    """A tenant of the loop that has nothing waiting at a choice may have something at that choice a round later."""
    sparse = Lasso((), (B, at(A, 1), at(A, 1)), 0, 2)
    first = shown(sparse, "fcfs")
    assert first.grows_ns == 1
    assert first.waits[0][0] > 0, "not the first round: tenant 0 did not wait at its beginning"
    assert shown(sparse, attrs.evolve(FCFS, name="other")).grows_ns == 0


# ---- files ----


def lasso_file(tmp_path: Path, **changes: Any) -> str:
    data = json.loads((resources.files("headgate.examples") / "schedules" / "fcfs-starves.json").read_text("utf-8"))
    data["parameters"] |= changes.pop("parameters", {})
    path = tmp_path / "lasso.json"
    path.write_text(json.dumps(data | changes))
    return str(path)


@pytest.mark.parametrize("name", ["fcfs", "priority", "essay", "fr-fcfs"])
def test_a_shipped_lasso_is_drawn(name: str, capsys: Text) -> None:
    file = str(resources.files("headgate.examples") / "schedules" / f"{name}-starves.json")
    assert run(["replay", file]) == 1
    text = capsys.readouterr().out
    assert all(word in text for word in ("\n  loop ", "again", "\n  violation ", "verdict: violated"))
    assert max(map(len, text.splitlines())) <= 80
    assert run(["replay", file, "--rule", "sfq"]) == 0
    assert "is not shown to starve tenant 1" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parameters": {"loop": 0}}, "parameters.loop: expected more than 0, got 0"),
        ({"parameters": {"loop": 1}}, "requests[1].arrival_ns: expected less than the end of the loop 1"),
        ({"parameters": {"loop": "1/2"}}, "parameters.loop: expected a whole number, got 1/2"),
        ({"parameters": {"loop_from": -1}}, "parameters.loop_from: expected at least 0"),
        ({"parameters": {"loop_from": 2}}, "requests: expected some in the loop, got none"),
        ({"parameters": {"tenant": 2}}, "parameters.tenant: expected one of the 2 tenants, got 2"),
        ({"parameters": {"weights": [1, 1]}}, "parameters.weights: expected guarantees of at most the peak 1"),
        ({"parameters": {"interval": 9, "blackout": 1}}, "parameters.blackout: expected none"),
        ({"requests": [{"tenant": 0, "arrival_ns": 0, "bytes": 10**15}]}, "parameters.loop: expected at most 20000"),
        ({"requests": [{"tenant": 2, "arrival_ns": 0, "bytes": 1}]}, "requests[0].tenant: expected one of the 2"),
        ({"rule": "token"}, "rule: expected one of sfq"),
    ],
)
def test_a_lasso_that_does_not_fit(changes: dict[str, Any], said: str, tmp_path: Path, capsys: Text) -> None:
    assert run(["replay", lasso_file(tmp_path, **changes)]) == 2
    assert said in one_line(capsys.readouterr().err)


# ---- the claim that a request is passed over ----


def bypass_file(tmp_path: Path, rule: str, **parameters: Any) -> str:
    """Return the file of a schedule in which tenant 1, in service, has one request more, and tenant 0 sends three."""
    sent = [(1, 0), (1, 0), (0, 1), (0, 1), (0, 1)]
    given = {"weights": [1, 2], "peak": 1, "tenant": 1, "most": 1} | parameters
    requests = [{"tenant": t, "arrival_ns": a, "bytes": 2} for t, a in sent]
    return lasso_file(tmp_path, clause="ST-5", rule=rule, claim="bypass", requests=requests, parameters=given)


@pytest.mark.parametrize(
    ("rule", "parameters", "observed"),
    [
        ("fcfs", {}, 0),
        ("sfq", {}, 1),
        ("sfq", {"other": 0}, 2),
        ("priority", {"priorities": [0, 1]}, 3),
        ("priority", {"priorities": [0, 1], "other": 0}, 6),
        ("priority", {"priorities": [0, 1], "tenant": 0}, 0),
    ],
)
def test_who_is_passed_over(rule: str, parameters: dict[str, Any], observed: int, tmp_path: Path, capsys: Text) -> None:
    code = run(["replay", bypass_file(tmp_path, rule, **parameters), "--format", "json"])
    [result] = json.loads(capsys.readouterr().out)["results"]
    assert result["observed"] == observed
    assert (result["violated"], code == 1) == (observed > 1,) * 2


def test_a_bypass_is_drawn_and_its_bound_can_be_made_tighter(tmp_path: Path, capsys: Text) -> None:
    assert run(["replay", bypass_file(tmp_path, "sfq", tighter_by=1)]) == 1
    assert "passed over" in capsys.readouterr().out
    assert run(["replay", bypass_file(tmp_path, "sfq", weights=[1, 2, 1], priorities=[0, 0, 0], tenant=2)]) == 0
    assert "tenant 2 sends nothing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"other": 2}, "parameters.other: expected one of the 2 tenants, got 2"),
        ({"most": "x"}, "parameters.most: expected an exact number"),
    ],
)
def test_a_bypass_that_does_not_fit(parameters: dict[str, Any], said: str, tmp_path: Path, capsys: Text) -> None:
    assert run(["replay", bypass_file(tmp_path, "sfq", **parameters)]) == 2
    assert said in one_line(capsys.readouterr().err)
