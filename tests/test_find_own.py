"""Find and replay with a policy of the user's own: what is taken for one, what is refused, and what is found."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headgate.cli.exits import Exit
from headgate.cli.main import run
from headgate.model.arbiters import ARBITERS, FCFS, SFQ, Tenants
from headgate.model.arbiters.own import policy_of
from headgate.model.batch import run_head_of_line
from headgate.proofs.find.asking import ask
from headgate.proofs.find.own import is_own, unfit
from headgate.proofs.find.question import Asked, Question

EXAMPLE = "headgate.examples.own_policy:select"
MODULE = """
import attrs
from headgate.model.algebra import best
from headgate.model.arbiters import SFQ, Policy
from headgate.model.arbiters.fcfs import plain_stamp, rest
from headgate.model.arbiters.round_robin import start

def fcfs(tenants, heads, k):
    return heads[k].order

def smallest(tenants, heads, k):
    return heads[k].size

def halved(tenants, heads, k):
    return heads[k].size / 2

def inexact(tenants, heads, k):
    return 0.5

def branching(tenants, heads, k):
    return 0 if heads[k].size == 1 else 1

def idle(state, tenants, heads, waiting):
    found, tenant, _ = best([head.size for head in heads], waiting)
    return False, tenant, state

# It serves once after an arrival, and then idles.
def tired(state, tenants, heads, waiting):
    found, tenant, _ = best([head.size for head in heads], waiting)
    return state.last < tenants.count, tenant, attrs.evolve(state, last=tenants.count)

def wake(state, tenant, arrival):
    return attrs.evolve(state, last=0), plain_stamp(state, tenant, arrival)[1]

once = Policy("once", start, wake, tired, rest)

def anybody(state, tenants, heads, waiting):
    return True, 0, state

def reshaped(state, tenants, heads, waiting):
    found, tenant, _ = best([head.size for head in heads], waiting)
    return found, tenant, tenant

sfq = SFQ
number = 7

def two(a, b):
    return a
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a module of policies."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("mine", "worse"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "mine.py").write_text(MODULE, "utf-8")
    return tmp_path


def found(words: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the one result that a command prints as JSON."""
    run([*words.split(), "--format", "json"])
    (result,) = json.loads(capsys.readouterr().out)["results"]
    return dict(result)


def test_the_example_starves_and_its_schedule_replays(capsys: pytest.CaptureFixture[str]) -> None:
    result = found(f"find starvation --policy {EXAMPLE} --save loop.json", capsys)
    replayed = f"headgate replay - --id {result['id']} --policy {EXAMPLE}"
    assert (result["verdict"], result["replay"]) == ("found", replayed)
    assert found(f"replay loop.json --policy {EXAMPLE}", capsys)["violated"]
    assert not found("replay loop.json --policy round-robin", capsys)["violated"]
    assert run(["replay", "loop.json"]) == Exit.BAD_INPUT, "nothing is imported because a file says so"
    assert "rule: expected" in capsys.readouterr().err


def test_a_key_that_is_fcfs_and_one_that_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    same = "find difference --policy mine:fcfs --against fcfs --requests 2"
    assert run(same.split()) == Exit.HOLDS
    apart = "find difference --policy mine:smallest --against fcfs --requests 3 --save apart.json"
    assert run(apart.split()) == Exit.VIOLATED
    capsys.readouterr()
    assert found("replay apart.json --policy mine:smallest", capsys)["violated"]


# Requests of one instant are searched in one order only where that is proved to lose nothing: not of a policy that
# keeps its place in the line as a tag, nor of one that tells apart two tenants which are not the first.
PLACES = """
from headgate.model.algebra import best, where
from headgate.model.arbiters import Policy, Stamp
from headgate.model.arbiters.fcfs import rest
from headgate.model.arbiters.round_robin import Turn, start

def in_line(state, tenant, arrival):
    return state, Stamp(arrival.order, 0, arrival.size, arrival.order)

def by_tag(state, tenants, heads, waiting):
    found, who, _ = best([head.begin for head in heads], waiting, tenants.order)
    return found, who, state

def note(state, tenant, arrival):
    return Turn(where(tenant == 0, state.last, tenant)), Stamp(0, 0, arrival.size, arrival.order)

def last_goes_last(state, tenants, heads, waiting):
    keys = [5] + [where(state.last == k, k + 10, k) for k in range(1, tenants.count)]
    found, who, _ = best(keys, waiting)
    return found, who, state

tag = Policy("tag", start, in_line, by_tag, rest)
later = Policy("later", start, note, last_goes_last, rest)
"""


@pytest.mark.parametrize(("name", "tenants"), [("tag", 2), ("later", 3)])
def test_a_policy_that_minds_the_order_of_an_instant_is_searched_in_every_order(
    name: str, tenants: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "places.py").write_text(PLACES)
    asked = f"find difference --policy places:{name} --against priority --tenants {tenants} --requests 2"
    assert found(f"{asked} --sizes 1..1 --arrivals 0..0", capsys)["verdict"] == "found"
    sys.modules.pop("places")


def test_the_second_of_a_difference_is_one_of_headgates(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["find", "difference", "--policy", "fcfs", "--against", "mine:smallest"]) == Exit.BAD_INPUT
    assert "--against: expected a policy of headgate's" in capsys.readouterr().err


def test_no_theorem_speaks_of_a_policy_object_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["find", "gap", "--policy", "mine:sfq", "--requests", "2", "--format", "json"]) == Exit.HOLDS
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert (result["policy"], result.get("theorem") or "") == ("mine:sfq", "")
    assert not is_own(SFQ)
    assert is_own("sfq") is False


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ("nowhere:x", "nowhere: expected a module that can be imported"),
        ("mine:absent", "expected an object absent in mine"),
        ("mine:", "mine:: expected package.module:NAME"),
        ("mine:number", "expected a Policy, a function select(state, tenants, heads, waiting)"),
        ("mine:two", "got 2 parameters"),
        ("mine:halved", "got TypeError: unsupported operand"),
        ("mine:inexact", "a key must be an exact number"),
        ("mine:branching", "expected a rule over + - *"),
        ("mine:idle", "expected one that serves a tenant that waits whenever one does"),
        ("mine:once", "expected one that serves a tenant that waits whenever one does"),
        ("mine:anybody", "expected one that serves a tenant that waits whenever one does"),
        ("mine:reshaped", "select returned a state of another shape than start"),
    ],
)
def test_what_is_refused_in_one_line(policy: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["find", "gap", "--policy", policy, "--requests", "2"]) == Exit.BAD_INPUT
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_weights_that_would_be_scaled_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A number in the policy, such as a threshold, would mean something else in the units of the table."""
    assert run(["find", "gap", "--policy", "mine:smallest", "--weights", "2,1", "--requests", "2"]) == Exit.BAD_INPUT
    assert "cannot be scaled" in capsys.readouterr().err
    assert run(["find", "gap", "--policy", "mine:smallest", "--weights", "1,1/2", "--requests", "1"]) == Exit.HOLDS


def test_a_policy_that_fails_in_a_replay_is_told_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["find", "gap", "--policy", "fcfs", "--save", "gap.json"]) == Exit.VIOLATED
    capsys.readouterr()
    (folder / "worse.py").write_text("def key(tenants, heads, k):\n    return 1 // 0\n", "utf-8")
    assert run(["replay", "gap.json", "--policy", "worse:key"]) == Exit.BAD_INPUT
    said = capsys.readouterr().err
    assert "got ZeroDivisionError" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", [name for name, policy in ARBITERS.items() if not policy.exact_only])
def test_no_policy_of_headgate_is_refused_as_ones_own(name: str) -> None:
    own = policy_of(ARBITERS[name], f"mine:{name}")
    assert unfit(Question(Asked.GAP, own, 3)) == ""


def test_a_key_runs_on_arrays_as_well() -> None:
    own = policy_of(lambda tenants, heads, k: heads[k].order, "mine:fcfs")
    tenants, sizes = Tenants(2, (0, 1), (0, 0), (1, 1)), np.arange(1, 13).reshape(2, 3, 2)
    served = [run_head_of_line(policy, tenants, sizes, sizes, 6).tolist() for policy in (own, FCFS)]
    assert served[0] == served[1]


def test_a_shipped_policy_object_is_believed() -> None:
    assert ask(Question(Asked.GAP, SFQ, requests=2)).theorem == "sfq-pairwise-gap"
