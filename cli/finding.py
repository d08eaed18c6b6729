"""Asks a question while the user waits."""

import sys
import time
from typing import TYPE_CHECKING

from headgate.cli.worker import Worker, wait_for
from headgate.proofs.find.asking import ask
from headgate.proofs.find.question import Answer, Question

if TYPE_CHECKING:
    from headgate.proofs.find.explain import Explanation

__all__ = ["ask_with_progress"]


class _Asker(Worker):
    """Asks; `said` is what was established last."""

    def __init__(self, question: Question, explain: bool, began: float) -> None:
        super().__init__()
        self.question, self.explain, self.began = question, explain, began
        self.explanation: Explanation | None = None
        self.answer: Answer | None = None
        self.said = ""

    def work(self) -> None:
        """Ask, and have the answer explained."""
        self.answer = ask(self.question, self._hear, self.began)
        if self.explain:
            from headgate.proofs.find.explain import explain_answer

            self.explanation = explain_answer(self.answer, self._hear, self.began)

    def _hear(self, sentence: str) -> None:
        self.said = sentence

    def interrupt(self) -> bool:
        """End the search under way, if the solver is loaded yet."""
        solver = sys.modules.get("z3")
        if solver is not None:
            solver.main_ctx().interrupt()
        return solver is not None


def ask_with_progress(
    question: Question, explain: bool = False, began: float | None = None
) -> "tuple[Answer, Explanation | None]":
    """Return the answer and, if it is to be explained and can be, why; what `ask` raises is raised here.

    The limit of the question counts from `began` (by `time.monotonic`; None: from now).
    """
    asker = _Asker(question, explain, began if began is not None else time.monotonic())
    wait_for(asker, lambda: _Status(asker))
    assert asker.answer is not None
    return asker.answer, asker.explanation


class _Status:
    """A line that says what was established last."""

    def __init__(self, asker: _Asker) -> None:
        from rich.console import Console
        from rich.status import Status

        self.asker = asker
        self.status = Status("", console=Console(stderr=True))
        self.status.start()

    def move(self, seconds: float) -> None:
        """Say it."""
        question = self.asker.question
        asked = f"{question.asked.value}, {question.policy_name}: {seconds:.0f} s"
        self.status.update(f"{asked}; {self.asker.said}" if self.asker.said else asked)

    def stop(self) -> None:
        """Take the line away."""
        self.status.stop()
