"""The second solver: it agrees, it cannot be led to a false agreement, and a disagreement takes the verdict away."""

import json
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import z3

from headgate.cli import proving
from headgate.cli.main import run
from headgate.proofs import recheck as module
from headgate.proofs.catalogue import catalogue
from headgate.proofs.recheck import Answer, RecheckLimits, SecondSolver, Stopped, recheck
from headgate.proofs.theorem import Obligation, Query, Recheck, Theorem
from headgate.tests.test_cli_main import one_line

THEOREMS = {theorem.id: theorem for theorem in catalogue()}
X, Y = z3.Reals("x y")
Text = pytest.CaptureFixture[str]


def theorem(*obligations: Obligation, **changes: Any) -> Theorem:
    return Theorem("t", ("TB-4",), "s", "scope", obligations=lambda: list(obligations), **changes)


@pytest.fixture(scope="module")
def second() -> Iterator[SecondSolver]:
    """Return cvc5."""
    pytest.importorskip("cvc5", reason="the extra `recheck` is not installed")
    with SecondSolver() as solver:
        yield solver


class Scripted:
    """A second solver that says what it is told to, text by text."""

    name = "scripted 1"

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = list(answers), list[str]()

    def ask(self, text: str) -> Answer:
        self.asked.append(text)
        return Answer(self.answers.pop(0), 0.5, "too hard" if not self.answers else "")


@pytest.mark.parametrize("name", ["bucket-envelope", "bucket-essay", "marker-envelopes", "scfq-pairwise-gap"])
def test_it_agrees(name: str, second: SecondSolver) -> None:
    said = recheck(THEOREMS[name], second)
    assert (said.agrees, said.solver.split()[0]) == (True, "cvc5"), said.reason


def test_it_disagrees_with_what_is_wrong(second: SecondSolver) -> None:
    said = recheck(theorem(Obligation("step", (X > 1,), X > 2)), second)
    assert said.agrees is False
    assert said.reason == "t.000-step.goal is sat, expected unsat"


def test_it_disagrees_with_premises_that_contradict(second: SecondSolver) -> None:
    said = recheck(theorem(Obligation("step", (X > 1, X < 0), X > 2)), second)
    assert (said.agrees, said.reason) == (False, "t.000-step.premises is unsat, expected sat")


def test_a_witness_that_it_cannot_have_is_a_disagreement(second: SecondSolver) -> None:
    said = recheck(theorem(attack=lambda _: Query((X > 1, X < 0), lambda model: pytest.fail("not asked"))), second)
    assert (said.agrees, said.reason) == (False, "t.attack is unsat, expected sat")


def test_a_text_that_it_cannot_read_is_no_answer(second: SecondSolver) -> None:
    answer = second.ask("(assert (> x 0)) (check-sat)")
    assert answer.answer == "unknown"
    assert "'x'" in answer.reason


def test_two_answers_are_none(second: SecondSolver) -> None:
    assert second.ask("(set-logic ALL)(check-sat)(check-sat)").answer == "unknown"


def test_a_limit_ends_in_unknown() -> None:
    pytest.importorskip("cvc5", reason="the extra `recheck` is not installed")
    a, b, c = z3.Ints("a b c")
    hard = Obligation("Fermat", (a > 0, b > 0, c > 0), a * a * a + b * b * b != c * c * c)
    with SecondSolver(RecheckLimits(resources=20_000, backstop_ms=2_000)) as solver:
        said = recheck(theorem(hard), solver)
    assert said.agrees is None
    assert said.reason.startswith("t.000-fermat.goal: ")


# ---- what is done with a query that is too hard, by a solver that is told what to say ----

BOTH = theorem(Obligation("step", (X > 1,), z3.And(X > 0, X > -1)))


def test_a_goal_is_split_where_the_whole_is_too_hard() -> None:
    solver = Scripted("sat", "unknown", "unsat", "unsat", "")
    said = recheck(BOTH, solver)  # type: ignore[arg-type]
    assert (said.agrees, said.reason, said.seconds) == (True, "goals split into conjuncts", 2.0)
    assert len(solver.asked) == 4


def test_one_part_that_is_too_hard_leaves_it_open() -> None:
    said = recheck(BOTH, Scripted("sat", "unknown", "unsat", "unknown"))  # type: ignore[arg-type]
    assert (said.agrees, said.reason) == (None, "t.000-step.goal: too hard")


def test_one_part_that_fails_is_a_disagreement() -> None:
    said = recheck(BOTH, Scripted("sat", "unknown", "unsat", "sat", ""))  # type: ignore[arg-type]
    assert said.agrees is False


def test_a_model_is_confirmed_where_none_is_found() -> None:
    solver = Scripted("unknown", "sat", "unsat", "")
    said = recheck(theorem(Obligation("step", (X > 1,), X > 0)), solver)  # type: ignore[arg-type]
    assert (said.agrees, said.reason) == (True, "models of Z3 confirmed")
    assert solver.asked[1].count("(assert") == solver.asked[0].count("(assert") + 1


def test_a_model_that_is_not_confirmed_is_no_disagreement() -> None:
    solver = Scripted("unknown", "unsat", "unsat", "")
    assert recheck(theorem(Obligation("step", (X > 1,), X > 0)), solver).agrees is None  # type: ignore[arg-type]


def test_the_same_question_is_asked_once() -> None:
    steps = [Obligation(name, (X > 1,), X > 0) for name in ("one", "two")]
    solver = Scripted("sat", "unsat", "")
    assert recheck(theorem(*steps), solver).agrees is True  # type: ignore[arg-type]
    assert len(solver.asked) == 2


# ---- the process ----


def test_a_crash_is_contained_and_the_next_query_answered() -> None:
    program = "import sys, os\nfor line in sys.stdin: os._exit(9)"
    with SecondSolver(command=(sys.executable, "-c", program)) as solver:
        assert [solver.ask("x").reason for _ in range(2)] == ["it crashed", "it crashed"]


def test_a_hang_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE_S", 0)
    with SecondSolver(RecheckLimits(backstop_ms=200), (sys.executable, "-c", "import time; time.sleep(60)")) as solver:
        assert solver.ask("x") == Answer("unknown", 0.0, "it did not stop when its time was over")


def test_once_it_is_told_to_stop_it_starts_nothing() -> None:
    with SecondSolver(command=(sys.executable, "-c", "import time; time.sleep(60)")) as solver:
        threading.Timer(0.2, solver.stop).start()
        assert solver.ask("x").reason == "it crashed"
        with pytest.raises(Stopped):
            solver.ask("x")


# ---- the command ----


def test_json_says_what_it_says(capsys: Text) -> None:
    pytest.importorskip("cvc5", reason="the extra `recheck` is not installed")
    assert run(["verify", "--only", "bucket-essay", "--recheck", "--format", "json"]) == 0
    [row] = json.loads(capsys.readouterr().out)["results"]
    assert (row["recheck"]["agrees"], row["recheck"]["solver"][:4]) == (True, "cvc5")


@pytest.mark.parametrize(("agrees", "code"), [(True, 0), (None, 0), (False, 3)])
def test_a_disagreement_is_loud_and_undecided(
    agrees: bool | None, code: int, monkeypatch: pytest.MonkeyPatch, capsys: Text
) -> None:
    pytest.importorskip("cvc5", reason="the extra `recheck` is not installed")
    monkeypatch.setattr(proving, "recheck", lambda *_: Recheck("cvc5 0", agrees, 0.0, "t.000 is sat, expected unsat"))
    assert run(["verify", "--only", "bucket-envelope", "--recheck"]) == code
    out = " ".join(capsys.readouterr().out.split())
    assert ("DISAGREES with z3" in out) == (agrees is False)
    assert ("UNKNOWN" in out) == (agrees is False)
    assert f"cvc5 0 agrees on {int(agrees is True)} of 1 theorems" in out


def test_without_cvc5_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, capsys: Text) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert run(["verify", "--only", "bucket-essay", "--recheck"]) == 2
    assert "pip install 'headgate[recheck]'" in one_line(capsys.readouterr().err)


@pytest.mark.soak
def test_it_agrees_on_nearly_all_and_disagrees_on_none(second: SecondSolver, record_property: Any) -> None:
    said = {theorem.id: recheck(theorem, second) for theorem in catalogue()}
    lines = [f"{name:32} {one.agrees!s:5} {one.seconds:6.2f} s  {one.reason}" for name, one in said.items()]
    record_property("table: what cvc5 says of each theorem", "\n".join(lines))
    assert [name for name, one in said.items() if one.agrees is False] == []
    assert sum(one.agrees is True for one in said.values()) >= 0.95 * len(said), lines
    assert sum(one.seconds for one in said.values()) <= 300
