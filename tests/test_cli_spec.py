"""`headgate spec`: every clause with its links, computed from the code."""

import json

import pytest

from headgate.cli import spec as face
from headgate.cli.main import run
from headgate.spec.clauses import clauses
from headgate.tests.test_cli_main import one_line

Text = pytest.CaptureFixture[str]


def test_the_table_has_every_clause_and_counts_the_gaps(capsys: Text) -> None:
    assert run(["spec"]) == 0
    out = capsys.readouterr().out
    gaps = sum(len(clause.gaps) for clause in clauses().values())
    assert all(f"\n  {name.ljust(6)}{clause.title}\n" in out for name, clause in clauses().items())
    assert out.splitlines()[-1].startswith(f"{len(clauses())} clauses, ")
    assert out.splitlines()[-1].endswith(f" links, {gaps} declared gaps")


@pytest.mark.parametrize("given", ["TB-4", "tb-4", " TB-4 "])
def test_one_clause_in_full(given: str, capsys: Text) -> None:
    assert run(["spec", given]) == 0
    out = capsys.readouterr().out
    assert out.startswith("TB-4 The envelope (token bucket)\n")
    assert "headgate.model.bucket.envelope" in out
    assert "bucket-envelope: A token bucket admits" in out
    assert "headgate.properties.test_bucket." in out


def test_a_gap_is_shown_with_its_reason(capsys: Text) -> None:
    name, clause = next((name, clause) for name, clause in clauses().items() if clause.gaps)
    assert run(["spec", name]) == 0
    reason = " ".join(next(iter(clause.gaps.values())).split())
    assert f"gap: {reason}" in " ".join(capsys.readouterr().out.split())


def test_json_has_the_links(capsys: Text) -> None:
    assert run(["spec", "TB-4", "--format", "json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["command"], printed["verdict"]) == ("spec", "holds")
    (row,) = printed["results"]
    assert row["theorem"] == ["bucket-envelope"]
    assert row["missing"] == []


@pytest.mark.parametrize("given", ["TB-99", "tb99", "", "x" * 500, "TB-4\n"])
def test_an_unknown_clause_names_the_nearest(given: str, capsys: Text) -> None:
    code = run(["spec", given])
    if given.strip().upper() in clauses():
        assert code == 0
        return
    assert code == 2
    line = one_line(capsys.readouterr().err)
    assert "expected the id of a clause (such as " in line
    assert len(line) < 250


def test_a_hole_is_a_violation(monkeypatch: pytest.MonkeyPatch, capsys: Text) -> None:
    monkeypatch.setattr(face, "faults", lambda _: ["XY-1 (x.md:1): expected a theorem"])
    assert run(["spec"]) == 1
    assert "FAULT XY-1" in capsys.readouterr().out
