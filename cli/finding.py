"""Asks a question while the user waits: with a display of progress, and so that Ctrl-C ends it at once.

The solver works in a thread of its own, since it hears no signal while it works in the main one.
"""

import sys
import threading
import time
from typing import TYPE_CHECKING

from headgate.proofs.find.asking import ask
from headgate.proofs.find.question import Answer, Question

if TYPE_CHECKING:
    from rich.status import Status

    from headgate.proofs.find.explain import Explanation

__all__ = ["ask_with_progress"]

PROGRESS_AFTER_S = 1
LOOK_EVERY_S = 0.05


class _Worker(threading.Thread):
    """Asks; `said` is what was established last."""

    def __init__(self, question: Question, explain: bool, began: float | None) -> None:
        super().__init__(daemon=True)
        self.question, self.explain, self.began = question, explain, began
        self.explanation: Explanation | None = None
        self.answer: Answer | None = None
        self.failure: BaseException | None = None
        self.said = ""

    def run(self) -> None:
        """Ask; what goes wrong is kept for the main thread."""
        try:
            self.answer = ask(self.question, self._hear, self.began)
            if self.explain:
                from headgate.proofs.find.explain import explain_answer

                self.explanation = explain_answer(self.answer, self._hear, self.began)
        except BaseException as failure:
            self.failure = failure

    def _hear(self, sentence: str) -> None:
        self.said = sentence

    def stop(self) -> None:
        """End the search under way."""
        solver = sys.modules.get("z3")
        while self.is_alive() and solver is not None:
            solver.main_ctx().interrupt()
            self.join(LOOK_EVERY_S)


def ask_with_progress(
    question: Question, explain: bool = False, began: float | None = None
) -> "tuple[Answer, Explanation | None]":
    """Return the answer and, if it is to be explained and can be, why; what `ask` raises is raised here.

    The limit of the question counts from `began` (by `time.monotonic`; None: from now).
    """
    worker = _Worker(question, explain, began if began is not None else time.monotonic())
    worker.start()
    try:
        _wait(worker)
    except KeyboardInterrupt:
        worker.stop()
        raise
    if worker.failure is not None:
        raise worker.failure
    assert worker.answer is not None
    return worker.answer, worker.explanation


def _wait(worker: _Worker) -> None:
    """Wait for the worker; on a terminal, show where it is once that has taken more than a second."""
    begun, shown = time.monotonic(), None
    try:
        while worker.is_alive():
            worker.join(LOOK_EVERY_S)
            if shown is None and sys.stderr.isatty() and time.monotonic() - begun > PROGRESS_AFTER_S:
                shown = _status()
            if shown is not None:
                shown.update(_line(worker, time.monotonic() - begun))
    finally:
        if shown is not None:
            shown.stop()


def _line(worker: _Worker, seconds: float) -> str:
    asked = f"{worker.question.asked.value}, {worker.question.policy_name}: {seconds:.0f} s"
    return f"{asked}; {worker.said}" if worker.said else asked


def _status() -> "Status":
    from rich.console import Console
    from rich.status import Status

    status = Status("", console=Console(stderr=True))
    status.start()
    return status
