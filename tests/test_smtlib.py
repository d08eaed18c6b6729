"""SMT-LIB: every query of the catalogue is a text that stands by itself, always the same, and says what it is."""

import re
from fractions import Fraction
from pathlib import Path

import pytest
import z3

from headgate.cli.main import run
from headgate.proofs.catalogue import catalogue
from headgate.proofs.smtlib import HEADER, Script, _without_single, parts, script_text, scripts
from headgate.proofs.theorem import Obligation, Query, Theorem
from headgate.tests.test_cli_main import one_line

THEOREMS = {theorem.id: theorem for theorem in catalogue()}
SMALL = ("bucket-envelope", "bucket-essay", "expected-arrival", "meter-window", "admission-threshold")
X, Y = z3.Reals("x y")


@pytest.mark.parametrize("name", SMALL)
def test_z3_reads_back_what_was_written(name: str) -> None:
    """The text asks what the terms ask: it has the answer that is expected."""
    for script in scripts(THEOREMS[name]):
        solver = z3.SimpleSolver()
        solver.add(z3.parse_smt2_string(script.text))
        assert str(solver.check()) == script.expected, script.name


def test_every_obligation_is_written_twice_and_an_attack_once() -> None:
    found = scripts(THEOREMS["bucket-envelope"])
    assert [script.expected for script in found] == ["sat", "unsat"] * 5 + ["sat"]
    assert found[-1].name == "bucket-envelope.attack"
    assert "one step tighter" in found[-1].text
    assert "breaks the claim" in scripts(THEOREMS["bucket-essay"])[0].text


def test_the_text_does_not_depend_on_what_was_done_before() -> None:
    first = [script.text for script in scripts(THEOREMS["meter-window"])]
    _ = [z3.Real(f"other{k}") * k > 1 for k in range(100)]
    assert [script.text for script in scripts(THEOREMS["meter-window"])] == first


def test_a_text_begins_with_what_it_means() -> None:
    text = scripts(THEOREMS["bucket-envelope"])[1].text
    assert text.startswith(f"{HEADER}bucket-envelope: a bucket starts full\n; unsat: the premises entail the goal.")
    assert "(set-logic ALL)" in text
    assert text.endswith("(check-sat)\n")
    assert not re.search(r"(?m)^[^;].*sat\b(?!\))", text), "what is expected stands in the comment alone"
    assert scripts(THEOREMS["bucket-envelope"])[1].question.startswith("(set-info :smt-lib-version 2.6)")
    declared = re.findall(r"\(declare-fun (\S+) ", text)
    assert declared == sorted(declared)


def test_names_are_unique_files() -> None:
    names = [script.name for name in SMALL for script in scripts(THEOREMS[name])]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9.-]{1,120}", name) for name in names)


def test_a_name_of_two_sorts_is_declared_as_each_query_has_it() -> None:
    whole = z3.Int("x")
    theorem = Theorem(
        "t", ("TB-4",), "s", "scope",
        obligations=lambda: [Obligation("real", (X > 1,), X > 0), Obligation("int", (whole > 1,), whole > 0)],
        attack=lambda _: Query((whole > 2,), lambda model: pytest.fail("not asked")),
    )  # fmt: skip
    declared = [re.findall(r"declare-fun x \(\) (\w+)", script.text)[0] for script in scripts(theorem)]
    assert declared == ["Real", "Real", "Int", "Int", "Int"]


def test_lists_of_one_are_written_as_what_they_hold() -> None:
    assert _without_single("(and (+ x) (or (and (> x 1))))") == "(and x (> x 1))"
    assert _without_single("(let ((a (and b))) (- a))") == "(let ((a b)) (- a))"
    assert _without_single("(and (or |a (b| c))") == "(or |a (b| c)"


def test_constants_of_python_become_terms() -> None:
    text = script_text([True, Fraction(1, 3) < X], ["c"], {"x": "Real"})
    assert "(assert true)" in text
    assert "(/ 1.0 3.0)" in text


def test_parts_together_say_what_the_whole_says() -> None:
    goal = z3.And(X > 0, z3.Implies(Y > 0, z3.And(X > 1, z3.And(X > 2, Y > 1))), True)
    found = parts(goal)
    assert len(found) == 5
    solver = z3.Solver()
    solver.add(z3.And(*found) != goal)
    assert solver.check() == z3.unsat


# ---- the command ----


def test_smt2_writes_files_and_their_index(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "deep" / "queries"
    assert run(["verify", "--only", "bucket-e*", "--smt2", str(folder)]) == 0
    files = {file.name for file in folder.glob("*.smt2")}
    index = (folder / "index.txt").read_text().splitlines()
    assert {line.split()[1] for line in index[1:]} == files
    assert run(["verify", "--only", "bucket-e*", "--smt2", str(folder)]) == 0
    capsys.readouterr()


def test_smt2_replaces_no_foreign_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "index.txt").write_text("mine")
    assert run(["verify", "--only", "bucket-essay", "--smt2", str(tmp_path)]) == 2
    assert "expected a file that headgate wrote" in one_line(capsys.readouterr().err)
    assert [file.name for file in tmp_path.iterdir()] == ["index.txt"]
    assert (tmp_path / "index.txt").read_text() == "mine"


@pytest.mark.soak
def test_every_query_of_the_catalogue_is_read_back() -> None:
    found: list[Script] = [script for theorem in catalogue() for script in scripts(theorem)]
    assert len({script.name for script in found}) == len(found)
    for script in found:
        assert len(z3.parse_smt2_string(script.text)) == len(script.constraints)
