"""The one place that asks the solver, and the one that decides what its answers mean.

Limits are counted in the solver's own resource units with a fixed seed, so that a verdict does not depend on how busy
the machine is; the wall clock is a backstop. A schedule that the solver finds and the exact rules do not confirm is an
internal fault (`ReplayMismatch`), never a verdict.
"""

import time
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.model.replay import Replay, replay
from headgate.proofs.symbolic import symbolic
from headgate.proofs.theorem import Expect, Kind, Obligation, Query, Result, Theorem
from headgate.spec.vocabulary import Schedule

__all__ = ["Limits", "ReplayMismatch", "prove", "search", "solver_name"]


@attrs.frozen
class Limits:
    """How much one query may cost: solver resource units, and milliseconds as a backstop."""

    resources: int = 60_000_000
    backstop_ms: int = 60_000
    seed: int = 1


class ReplayMismatch(Exception):
    """The solver's schedule does not show, on the exact rules, what the solver claims."""


class _Undecided(Exception):
    """A query ran into its limit, or the solver gave up; carries the reason."""


def solver_name() -> str:
    """Return the solver and its version."""
    return f"z3 {z3.get_version_string()}"


def prove(theorem: Theorem, limits: Limits | None = None) -> Result:
    """Decide `theorem`. Raises ReplayMismatch where a witness does not replay."""
    limits = limits or Limits()
    begun = time.process_time()
    with symbolic():
        try:
            result = _refute(theorem, limits) if theorem.expect is Expect.REFUTED else _establish(theorem, limits)
        except _Undecided as reason:
            result = Result(theorem, Kind.UNKNOWN, 0.0, solver_name(), reason=str(reason))
    return attrs.evolve(result, seconds=time.process_time() - begun)


def _refute(theorem: Theorem, limits: Limits) -> Result:
    assert theorem.attack is not None, f"{theorem.id}: a theorem that should be refuted needs an attack"
    witness = search(theorem.attack(Fraction(0)), limits, theorem.id)
    if witness is None:
        reason = "expected a refutation, but no schedule within the scope breaks the claim"
        return Result(theorem, Kind.UNKNOWN, 0.0, solver_name(), reason=reason)
    return Result(theorem, Kind.REFUTED_AS_EXPECTED, 0.0, solver_name(), True, None, witness)


def _establish(theorem: Theorem, limits: Limits) -> Result:
    assert theorem.obligations is not None, f"{theorem.id}: a theorem that should hold needs obligations"
    obligations = theorem.obligations()
    for obligation in obligations:
        if _model(obligation.premises, limits) is None:
            reason = f"{obligation.name}: the premises contradict each other"
            return Result(theorem, Kind.UNKNOWN, 0.0, solver_name(), False, reason=reason)
    failed = _first_failure(obligations, limits)
    if failed is not None:
        return _failed(theorem, failed, limits)
    tight, witness = _tightness(theorem, limits)
    kind = Kind.PROVED if theorem.horizon is None else Kind.HOLDS_TO
    if tight is False:
        reason = f"proved, but no schedule breaks the bound made {theorem.step} tighter"
        return Result(theorem, Kind.UNKNOWN, 0.0, solver_name(), True, False, None, reason, len(obligations))
    return Result(theorem, kind, 0.0, solver_name(), True, tight, witness, "", len(obligations))


def _first_failure(obligations: Iterable[Obligation], limits: Limits) -> Obligation | None:
    for obligation in obligations:
        if _model((*obligation.premises, z3.Not(obligation.goal)), limits, obligation.name) is not None:
            return obligation
    return None


def _failed(theorem: Theorem, obligation: Obligation, limits: Limits) -> Result:
    """A failed step is not yet a counterexample: only a schedule that replays is.

    An attack that is one fixed schedule is always found, whether it breaks the bound or not.
    """
    reason = f"{obligation.name} is not proved, and no schedule within the scope of the attack breaks the claim"
    if theorem.attack is not None:
        try:
            witness = search(theorem.attack(Fraction(0)), limits, theorem.id)
        except ReplayMismatch as mismatch:
            witness, reason = None, f"{obligation.name} is not proved, and {mismatch}"
        if witness is not None:
            reason = f"{obligation.name} fails"
            return Result(theorem, Kind.COUNTEREXAMPLE, 0.0, solver_name(), True, None, witness, reason)
    return Result(theorem, Kind.UNKNOWN, 0.0, solver_name(), True, reason=reason)


def _tightness(theorem: Theorem, limits: Limits) -> tuple[bool | None, Schedule | None]:
    if theorem.attack is None:
        return None, None
    witness = search(theorem.attack(theorem.step), limits, f"{theorem.id} (tightness)")
    return witness is not None, witness


def search(query: Query, limits: Limits, name: str) -> Schedule | None:
    """Return a schedule that answers `query` and replays, or None where none exists."""
    model = _smallest_model(query, limits, name)
    if model is None:
        return None
    schedule = query.decode(model)
    shown = replay(schedule)
    if not shown.violated:
        raise ReplayMismatch(f"{name}: the schedule found does not replay: {_describe(shown)}")
    return schedule


def _describe(shown: Replay) -> str:
    return f"observed {shown.observed} {shown.unit}, bound {shown.bound} {shown.unit}"


def _smallest_model(query: Query, limits: Limits, name: str) -> z3.ModelRef | None:
    """Return a model, made small greedily: each term in turn is brought down to its least value."""
    constraints = list(query.constraints)
    model = _model(constraints, limits, name)
    if model is None:
        return None
    for term in query.smallest:
        model = _least(constraints, term, model, limits)
        constraints.append(term == model.eval(term, model_completion=True))
    return model


def _least(constraints: Sequence[Any], term: Any, model: z3.ModelRef, limits: Limits) -> z3.ModelRef:
    """Bring the integer `term` down by bisection; a query that stays open ends the search early."""
    low, high = 0, model.eval(term, model_completion=True).as_long()
    while low < high:
        middle = (low + high) // 2
        try:
            smaller = _model((*constraints, term <= middle, term >= low), limits)
        except _Undecided:
            return model
        if smaller is None:
            low = middle + 1
        else:
            model = smaller
            high = model.eval(term, model_completion=True).as_long()
    return model


def _model(constraints: Iterable[Any], limits: Limits, name: str = "premises") -> z3.ModelRef | None:
    """Return a model, or None where there is none; raises _Undecided on the solver's unknown."""
    terms = list(constraints)
    reason = ""
    # The plain solver is faster on these terms than the default strategy, which is tried where it gives up.
    for solver in (z3.SimpleSolver(), z3.Solver()):
        solver.set("rlimit", limits.resources)
        solver.set("timeout", limits.backstop_ms)
        solver.set("random_seed", limits.seed)
        solver.set("ctrl_c", False)  # the solver would swallow the signal, and answer unknown
        solver.add(*terms)
        answer = solver.check()
        if answer == z3.sat:
            return solver.model()
        if answer == z3.unsat:
            return None
        reason = solver.reason_unknown()
    raise _Undecided(f"{name}: the solver gave up ({reason})")
