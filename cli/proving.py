"""Runs theorems while the user waits: with a display of progress, and so that Ctrl-C ends it at once.

The solver works in a thread of its own, since it hears no signal while it works in the main one.
"""

import sys
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import z3

from headgate.cli.exits import InternalFault
from headgate.proofs.runner import ReplayMismatch, prove
from headgate.proofs.theorem import Result, Theorem

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["prove_all"]

PROGRESS_AFTER_S = 1
LOOK_EVERY_S = 0.1


class _Worker(threading.Thread):
    """Proves one theorem after the other; `results` grows as it goes."""

    def __init__(self, theorems: Sequence[Theorem]) -> None:
        super().__init__(daemon=True)
        self.theorems, self.results = theorems, list[Result]()
        self.failure: BaseException | None = None
        self.stopped = False

    def run(self) -> None:
        """Prove; what goes wrong is kept for the main thread."""
        try:
            for theorem in self.theorems:
                if self.stopped:
                    return
                self.results.append(prove(theorem))
        except BaseException as failure:
            self.failure = failure

    def stop(self) -> None:
        """End the query under way, and all that would follow."""
        self.stopped = True
        while self.is_alive():
            z3.main_ctx().interrupt()
            self.join(LOOK_EVERY_S)


def prove_all(theorems: Sequence[Theorem]) -> list[Result]:
    """Return the result of every theorem, in order.

    Raises InternalFault where a counterexample does not replay.
    """
    z3.set_param("ctrl_c", False)  # the solver would swallow the signal, and answer unknown
    worker = _Worker(theorems)
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
