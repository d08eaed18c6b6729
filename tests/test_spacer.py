"""Spacer: it finds invariants by itself, and what is reachable is no agreement."""

import json

import attrs
import pytest
import z3

from headgate.cli import proving
from headgate.cli.main import run
from headgate.proofs.catalogue import catalogue
from headgate.proofs.spacer import NOT_ASKED, SYSTEMS, System, ask, spacer
from headgate.proofs.symbolic import lift, symbolic
from headgate.proofs.theorem import Recheck

THEOREMS = {theorem.id: theorem for theorem in catalogue()}


def system(name: str) -> System:
    with symbolic():
        return SYSTEMS[name]()


@pytest.mark.parametrize("name", SYSTEMS)
def test_it_agrees(name: str) -> None:
    said = spacer(THEOREMS[name])
    assert said is not None
    assert said.agrees is True, said.reason
    assert said.reason, "what is fixed is said"


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_system_can_be_in_some_state(name: str) -> None:
    """A start that contradicts itself would agree with everything."""
    assert ask(attrs.evolve(system(name), bad=lift(True))) == (False, "it reaches what the theorem excludes")


@pytest.mark.parametrize("name", ["bucket-envelope", "refresh-service-curve"])
def test_every_step_can_be_taken_and_the_bound_is_reached(name: str) -> None:
    """With `>=` for `>` (and `<=` for `<`) the bad states are reached: the bound cannot be made tighter."""
    found = system(name)
    left, right = found.bad.children()
    assert ask(attrs.evolve(found, bad=z3.And(left == right, left > 0)))[0] is False


@pytest.mark.parametrize("name", ["sfq-pairwise-gap", "scfq-pairwise-gap"])
def test_half_the_gap_is_passed(name: str) -> None:
    found = system(name)
    _, drift, *flows = found.state
    assert ask(attrs.evolve(found, bad=drift > flows[2]))[0] is False


def test_every_invariant_is_asked_for_or_says_why_not() -> None:
    with_invariant = {theorem.id for theorem in catalogue() if theorem.invariants}
    assert with_invariant == {*SYSTEMS, *NOT_ASKED}
    assert not set(SYSTEMS) & set(NOT_ASKED)
    assert spacer(THEOREMS["sfq-code"]) is None


@pytest.mark.parametrize("agrees", [True, False])
def test_a_disagreement_takes_the_verdict_away(
    agrees: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("cvc5", reason="the extra `recheck` is not installed")
    monkeypatch.setattr(proving, "spacer", lambda _: Recheck("Spacer", agrees, 0.0, "it reaches it"))
    assert run(["verify", "--only", "bucket-envelope", "--recheck", "--format", "json"]) == (0 if agrees else 3)
    [row] = json.loads(capsys.readouterr().out)["results"]
    assert row["spacer"]["agrees"] is agrees
    assert ("Spacer DISAGREES with z3" in row["reason"]) is not agrees
