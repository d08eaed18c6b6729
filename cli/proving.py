"""Runs theorems while the user waits: with a display of progress, and so that Ctrl-C ends it at once.

The solver works in a thread of its own, since it hears no signal while it works in the main one. Whoever asks for a
second opinion gets it here as well: a disagreement takes the verdict away, whichever of the two is right.
"""

import sys
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
import z3

from headgate.cli.exits import BadInput, InternalFault
from headgate.proofs.recheck import SecondSolver, SolverMissing, recheck
from headgate.proofs.runner import ReplayMismatch, prove
from headgate.proofs.spacer import spacer
from headgate.proofs.theorem import Kind, Result, Theorem

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["prove_all"]

PROGRESS_AFTER_S = 1
LOOK_EVERY_S = 0.1


class _Worker(threading.Thread):
    """Proves one theorem after the other; `results` grows as it goes."""

    def __init__(self, theorems: Sequence[Theorem], second: SecondSolver | None = None) -> None:
        super().__init__(daemon=True)
        self.theorems, self.results, self.second = theorems, list[Result](), second
        self.failure: BaseException | None = None
        self.stopped = False

    def run(self) -> None:
        """Prove; what goes wrong is kept for the main thread."""
        try:
            for theorem in self.theorems:
                if self.stopped:
                    return
                result = prove(theorem)
                self.results.append(result if self.second is None else second_opinion(result, self.second))
        except BaseException as failure:
            self.failure = failure

    def stop(self) -> None:
        """End the query under way, and all that would follow."""
        self.stopped = True
        while self.is_alive():
            z3.main_ctx().interrupt()
            if self.second is not None:
                self.second.stop()
            self.join(LOOK_EVERY_S)


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
    worker = _Worker(theorems, second)
    worker.start()
    try:
        _wait(worker)
    except KeyboardInterrupt:
        worker.stop()
        raise
    if isinstance(worker.failure, ReplayMismatch):
        raise InternalFault(str(worker.failure)) from worker.failure
    if worker.failure is not None:
        raise worker.failure
    return worker.results


def _wait(worker: _Worker) -> None:
    """Wait for the worker; on a terminal, show where it is once that has taken more than a second."""
    begun, shown = time.monotonic(), None
    try:
        while worker.is_alive():
            worker.join(LOOK_EVERY_S)
            if shown is None and sys.stderr.isatty() and time.monotonic() - begun > PROGRESS_AFTER_S:
                shown = _progress(len(worker.theorems))
            if shown is not None:
                _move(*shown, worker)
    finally:
        if shown is not None:
            shown[0].stop()


def _progress(total: int) -> "tuple[Progress, Any]":
    from rich.console import Console
    from rich.progress import Progress

    progress = Progress(console=Console(stderr=True), transient=True)
    task = progress.add_task("theorems", total=total)
    progress.start()
    return progress, task


def _move(progress: "Progress", task: Any, worker: _Worker) -> None:
    done = len(worker.results)
    name = worker.theorems[min(done, len(worker.theorems) - 1)].id
    progress.update(task, completed=done, description=name)
