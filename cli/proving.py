"""Runs theorems while the user waits.

Whoever asks for a second opinion gets it here as well: a disagreement takes the verdict away, whichever of the two is
right.
"""

from collections.abc import Sequence

import attrs
import z3

from headgate.cli.exits import BadInput, InternalFault
from headgate.cli.worker import Worker, wait_for
from headgate.proofs.recheck import SecondSolver, SolverMissing, recheck
from headgate.proofs.runner import ReplayMismatch, prove
from headgate.proofs.spacer import spacer
from headgate.proofs.theorem import Kind, Result, Theorem

__all__ = ["prove_all"]


class _Prover(Worker):
    """Proves one theorem after the other; `results` grows as it goes."""

    def __init__(self, theorems: Sequence[Theorem], second: SecondSolver | None = None) -> None:
        super().__init__()
        self.theorems, self.results, self.second = theorems, list[Result](), second
        self.stopped = False

    def work(self) -> None:
        """Prove."""
        for theorem in self.theorems:
            if self.stopped:
                return
            result = prove(theorem)
            self.results.append(result if self.second is None else second_opinion(result, self.second))

    def interrupt(self) -> bool:
        """End the query under way, and all that would follow."""
        self.stopped = True
        z3.main_ctx().interrupt()
        if self.second is not None:
            self.second.stop()
        return True


def second_opinion(result: Result, second: SecondSolver) -> Result:
    """Return `result` with what the second solver and Spacer say of its theorem; a disagreement makes it unknown."""
    with_it = attrs.evolve(result, recheck=recheck(result.theorem, second), spacer=spacer(result.theorem))
    for said in (with_it.recheck, with_it.spacer):
        if said is not None and said.agrees is False:
            reason = f"{said.solver} DISAGREES with {result.solver}: {said.reason}; one of them is wrong"
            return attrs.evolve(with_it, kind=Kind.UNKNOWN, reason=reason)
    return with_it


def prove_all(theorems: Sequence[Theorem], is_rechecked: bool = False) -> list[Result]:
    """Return the result of every theorem, in order; with the second solver's opinion, if `is_rechecked`.

    Raises InternalFault where a counterexample does not replay, BadInput where the second solver is not installed.
    """
    if not is_rechecked:
        return _prove_all(theorems, None)
    try:
        second = SecondSolver()
    except SolverMissing as missing:
        raise BadInput(f"--recheck: {missing}") from missing
    with second:
        return _prove_all(theorems, second)


def _prove_all(theorems: Sequence[Theorem], second: SecondSolver | None) -> list[Result]:
    z3.set_param("ctrl_c", False)  # the solver would swallow the signal, and answer unknown
    prover = _Prover(theorems, second)
    try:
        wait_for(prover, lambda: _Bar(prover))
    except ReplayMismatch as failure:
        raise InternalFault(str(failure)) from failure
    return prover.results


class _Bar:
    """A bar of the theorems that are done, and which one is under way."""

    def __init__(self, prover: _Prover) -> None:
        from rich.console import Console
        from rich.progress import Progress

        self.prover = prover
        self.progress = Progress(console=Console(stderr=True), transient=True)
        self.task = self.progress.add_task("theorems", total=len(prover.theorems))
        self.progress.start()

    def move(self, seconds: float) -> None:
        """Show where the prover is."""
        theorems, done = self.prover.theorems, len(self.prover.results)
        self.progress.update(self.task, completed=done, description=theorems[min(done, len(theorems) - 1)].id)

    def stop(self) -> None:
        """Take the bar away."""
        self.progress.stop()
