"""The second opinion: every query of a theorem goes to cvc5, as SMT-LIB, and its answers are held against Z3's.

cvc5 agrees with a theorem iff it gives the expected answer to each of its queries. One opposite answer is a
disagreement; where it gives up, that is said, and counts for nothing. Two things may be done with a query that is too
hard as a whole, and both leave its meaning as it is: a goal is asked conjunct by conjunct, and where Z3 found a model,
cvc5 is asked whether that model is one.
"""

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from fractions import Fraction
from importlib.util import find_spec
from typing import IO, Any

import attrs
import z3

from headgate.proofs.smtlib import Script, parts, scripts
from headgate.proofs.symbolic import lift, symbolic
from headgate.proofs.theorem import Recheck, Theorem

__all__ = ["Answer", "RecheckLimits", "SecondSolver", "SolverMissing", "Stopped", "recheck"]

WORKER = "headgate.proofs.cvc5_worker"
# The worker ends a query by itself; one that does not is ended this much later.
GRACE_S = 10
WHOLE, BY_PARTS, AT_MODEL = "", "goals split into conjuncts", "models of Z3 confirmed"


@attrs.frozen
class RecheckLimits:
    """How much one query may cost: cvc5's resource units, and milliseconds as a backstop."""

    resources: int = 3_000_000
    backstop_ms: int = 10_000


@attrs.frozen
class Answer:
    """What the second solver said: sat, unsat or unknown with a reason; `seconds` is its processor time."""

    answer: str
    seconds: float
    reason: str = ""


class SolverMissing(Exception):
    """cvc5 is not installed."""


class Stopped(Exception):
    """The second solver was told to stop."""


class SecondSolver:
    """cvc5 in a process of its own, started when it is first asked, and anew after a crash or a hang."""

    def __init__(self, limits: RecheckLimits | None = None, command: Sequence[str] = ()) -> None:
        """Raise SolverMissing where there is no cvc5; `command` stands in for the worker in tests."""
        if not command and find_spec("cvc5") is None:
            raise SolverMissing("expected cvc5 (pip install 'headgate[recheck]')")
        self.limits, self._command = limits or RecheckLimits(), tuple(command) or (sys.executable, "-P", "-m", WORKER)
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()
        self._name = ""
        self._stopped = False

    @property
    def name(self) -> str:
        """The solver and its version."""
        if not self._name:
            asked = subprocess.run([*self._command, "--version"], capture_output=True, text=True, check=False)
            self._name = asked.stdout.strip() or "cvc5"
        return self._name

    def ask(self, text: str) -> Answer:
        """Answer one query. Raises Stopped once `stop` was called."""
        if self._stopped:
            raise Stopped
        query = {"text": text, "resources": self.limits.resources, "backstop_ms": self.limits.backstop_ms}
        process = self._started()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(query) + "\n")
            process.stdin.flush()
            line = self._lines.get(timeout=self.limits.backstop_ms / 1000 + GRACE_S)
            return Answer(**json.loads(line))
        except queue.Empty:
            reason = "it did not stop when its time was over"
        except (OSError, ValueError, TypeError):
            reason = "it crashed"
        self.close()
        return Answer("unknown", 0.0, reason)

    def stop(self) -> None:
        """Answer nothing any more, not even the query under way; for another thread to call."""
        self._stopped = True
        self.close()

    def close(self) -> None:
        """End the process; whoever waits for an answer gets none."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    _close(stream)

    def __enter__(self) -> "SecondSolver":
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """End the process."""
        self.close()

    def _started(self) -> "subprocess.Popen[str]":
        if self._process is None:
            pipe = subprocess.PIPE
            self._lines = queue.Queue()
            self._process = subprocess.Popen(
                self._command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, start_new_session=True
            )
            threading.Thread(target=_read, args=(self._process, self._lines), daemon=True).start()
        return self._process


def _read(process: "subprocess.Popen[str]", lines: "queue.Queue[str]") -> None:
    """Pass on the lines of the process; an empty one says that it has ended."""
    assert process.stdout is not None
    with contextlib.suppress(OSError, ValueError):
        for line in process.stdout:
            lines.put(line)
    lines.put("")


def _close(stream: IO[str]) -> None:
    with contextlib.suppress(OSError, ValueError):
        stream.close()


# ---- a theorem ----


def recheck(theorem: Theorem, solver: SecondSolver) -> Recheck:
    """Ask `solver` every query of `theorem`."""
    known: dict[str, tuple[Answer, str]] = {}
    seconds, open_queries, ways = 0.0, list[str](), set[str]()
    for script in scripts(theorem):
        question = script.question
        if question not in known:
            known[question] = _ask(script, solver)
            seconds += known[question][0].seconds
        answer, way = known[question]
        ways.add(way)
        if answer.answer == "unknown":
            open_queries.append(f"{script.name}: {answer.reason}")
        elif answer.answer != script.expected:
            reason = f"{script.name} is {answer.answer}, expected {script.expected}"
            return Recheck(solver.name, False, seconds, reason)
    agrees = None if open_queries else True
    return Recheck(solver.name, agrees, seconds, "; ".join(open_queries or sorted(ways - {WHOLE})))


def _ask(script: Script, solver: SecondSolver) -> tuple[Answer, str]:
    """Return the answer, and the way in which it was got."""
    whole = solver.ask(script.question)
    if whole.answer != "unknown":
        return whole, WHOLE
    if script.expected == "unsat":
        second, way = _by_parts(script, solver), BY_PARTS
    else:
        second, way = _at_model(script, solver), AT_MODEL
    spent = whole.seconds + second.seconds
    if second.answer == "unknown":
        return attrs.evolve(second, seconds=spent, reason=second.reason or whole.reason), WHOLE
    return attrs.evolve(second, seconds=spent), way


def _by_parts(script: Script, solver: SecondSolver) -> Answer:
    """Ask for each conjunct of the goal by itself: all of them follow iff the goal does."""
    *premises, negated = script.constraints
    conjuncts = parts(negated.children()[0])
    if len(conjuncts) == 1:
        return Answer("unknown", 0.0)
    seconds = 0.0
    for conjunct in conjuncts:
        answer = solver.ask(attrs.evolve(script, constraints=(*premises, z3.Not(conjunct))).question)
        seconds += answer.seconds
        if answer.answer != "unsat":
            return attrs.evolve(answer, seconds=seconds)
    return Answer("unsat", seconds)


def _at_model(script: Script, solver: SecondSolver) -> Answer:
    """Ask whether the model that Z3 finds is one: every constant is given its value, and only the truth is asked."""
    with symbolic():
        model = _model(script.constraints)
        if model is None:
            return Answer("unknown", 0.0)
        values = [constant() == value for constant in model.decls() if (value := _exact(model[constant])) is not None]
    answer = solver.ask(attrs.evolve(script, constraints=(*script.constraints, *values)).question)
    # That this model is none says nothing of others: only a confirmation counts.
    return answer if answer.answer == "sat" else Answer("unknown", answer.seconds, answer.reason or "")


def _model(constraints: Sequence[Any]) -> z3.ModelRef | None:
    solver = z3.SimpleSolver()
    solver.set("rlimit", 60_000_000)
    solver.set("ctrl_c", False)  # the solver would swallow the signal, and answer unknown
    solver.set("random_seed", 1)
    solver.add(*(lift(constraint) for constraint in constraints))
    return solver.model() if solver.check() == z3.sat else None


def _exact(value: Any) -> Any:
    """Return a value that SMT-LIB can write exactly, or None; what is left open is free for the solver to choose."""
    if z3.is_int_value(value) or z3.is_true(value) or z3.is_false(value):
        return value
    if z3.is_rational_value(value):
        return lift(Fraction(value.numerator_as_long(), value.denominator_as_long()))
    return None
