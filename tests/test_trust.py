"""`headgate verify --trust`: it hides nothing, and proves nothing."""

import json
import re

import pytest

from headgate.cli import verify as face
from headgate.cli.main import run
from headgate.proofs.catalogue import catalogue
from headgate.proofs.manifest import manifest
from headgate.proofs.trust import TRUSTED_BASE, exactness, rests_on, trust_of

Text = pytest.CaptureFixture[str]
THEOREMS = {theorem.id: theorem for theorem in catalogue()}


def test_everything_is_said_and_nothing_proved(monkeypatch: pytest.MonkeyPatch, capsys: Text) -> None:
    monkeypatch.setattr(face, "prove_all", None)
    assert run(["verify", "--trust"]) == 0
    out = capsys.readouterr().out
    words = " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 80
    for theorem in catalogue():
        assert theorem.id in out
        assert all(part in words for part in (*theorem.assumptions, theorem.abstraction) if "-" not in part)
    for statement in manifest():
        assert not statement.gap or f"\n  {statement.id} " in out
    for what, _, _ in TRUSTED_BASE:
        assert f"\n  {what}: " in out


def test_only_narrows_it(capsys: Text) -> None:
    assert run(["verify", "--trust", "--only", "sfq-*"]) == 0
    out = capsys.readouterr().out
    assert "only up to N = 2..8" in out
    assert "abstracts" in out
    assert "bucket-envelope" not in out


def test_json_has_a_row_a_theorem(capsys: Text) -> None:
    assert run(["verify", "--trust", "--format", "json"]) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)["results"]}
    assert set(rows) == set(THEOREMS)
    assert rows["bucket-envelope"]["never_less"] == "bucket-exactness"
    assert "level_within_depth" in rows["bucket-envelope"]["invariants"]["bucket"]
    assert rows["deep-queues-unrolled"]["borrowed_invariants"] == ["queue", "sfq bracket", "scfq bracket"]


def test_what_is_borrowed_is_said_with_its_limit(capsys: Text) -> None:
    assert run(["verify", "--trust", "--only", "drr-delay"]) == 0
    assert " drr-turns (N = 2..8)," in capsys.readouterr().out
    below = {each.id for each in rests_on(THEOREMS["composed-delay"])}
    assert below >= {"sfq-delay", "sfq-code", "deep-queues"}


def test_the_theorems_that_assumptions_name_are_there() -> None:
    named = [(theorem.id, name) for theorem in catalogue() for assumption in theorem.assumptions
             for names in re.findall(r"theorems? ([a-z0-9+, -]+?)(?= with |\))", assumption)
             for name in names.split(", ")]  # fmt: skip
    assert len(named) > 20
    for where, name in named:
        assert name in {each.id for each in rests_on(THEOREMS[where])}, (where, name)


def test_what_is_checked_up_to_a_size_says_so() -> None:
    for theorem in catalogue():
        bounded = "N = 2.." in theorem.scope + theorem.limit or theorem.horizon is not None
        assert bool(trust_of(theorem).limit) == bounded, theorem.id


def test_the_table_of_exactness() -> None:
    table = {row.theorem: row for row in exactness(catalogue())}
    assert table["meter-window"].is_both
    assert not table["marker-envelopes"].is_both
