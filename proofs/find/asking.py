"""Puts a question to the engine that can answer it, keeps it in time, and lets no answer out that does not replay.

Proved theorems are looked at first, which takes no search at all. An engine is a module with three names: `NAME`,
`refuses(question)`, why it cannot answer this one ("" where it can), and `find(question, clock, tell)`. A search that
runs out of time is undecided, and says what it had established by then.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from importlib import import_module
from typing import Protocol, cast

import attrs

from headgate.model.replay import replay
from headgate.proofs.find.checking import is_of_steps, misfit, table_misfit
from headgate.proofs.find.own import unfit
from headgate.proofs.find.question import Answer, Finding, Progress, Question, QuestionError
from headgate.proofs.find.settled import settled

__all__ = ["ENGINES", "Clock", "Engine", "NoReplayError", "OutOfTimeError", "ask", "engine_of"]

# By the mode of the question: asked of a number of requests, or of a number of steps.
ENGINES = {"requests": "headgate.proofs.find.requests", "steps": "headgate.proofs.find.steps"}
# How often a solver that does not hear is told again that its time is up.
INSIST_EVERY_S = 0.05


class OutOfTimeError(Exception):
    """The limit of a question was reached in the middle of a search."""


class NoReplayError(Exception):
    """A schedule that an engine found does not show, on the exact model, what the engine claims."""


class Clock:
    """How much time is left, by the wall clock; None for ever."""

    def __init__(self, limit_seconds: Fraction | None, began: float | None = None) -> None:
        """Start with the whole limit left, or with what is left of it if it counts from `began`."""
        self.begun = time.monotonic()
        since = self.begun if began is None else began
        self.until = None if limit_seconds is None else since + float(limit_seconds)

    @property
    def seconds(self) -> float:
        """The seconds since the question was asked."""
        return time.monotonic() - self.begun

    @property
    def is_up(self) -> bool:
        """Whether no time is left."""
        return self.until is not None and time.monotonic() >= self.until

    def left_ms(self) -> int | None:
        """Return the whole ms that are left, at least 1; None for ever."""
        return None if self.until is None else max(1, int((self.until - time.monotonic()) * 1000))

    def check(self) -> None:
        """Raise OutOfTimeError where no time is left."""
        if self.is_up:
            raise OutOfTimeError


class Engine(Protocol):
    """What the module of an engine must offer."""

    NAME: str

    def refuses(self, question: Question) -> str:
        """Return why this engine cannot answer the question, as a QuestionError would say it; "" where it can."""

    def find(self, question: Question, clock: Clock, tell: Progress) -> Answer:
        """Answer the question; on a limit an undecided answer, or the best lower bound so far.

        It need not catch OutOfTimeError as long as nothing is established yet.
        """


def engine_of(question: Question) -> Engine:
    """Return the engine for a question; QuestionError where none can answer it."""
    engine = cast(Engine, import_module(ENGINES["steps" if is_of_steps(question) else "requests"]))
    refusal = engine.refuses(question)
    if refusal:
        raise QuestionError(refusal)
    return engine


def ask(question: Question, tell: Progress = lambda sentence: None, began: float | None = None) -> Answer:
    """Answer `question`; `tell` hears what is established as the search goes on.

    Its limit counts from `began`, by `time.monotonic`; None: from now.

    Raises QuestionError where the question cannot be answered, NoReplayError where the engine contradicts the model.
    """
    clock = Clock(question.limit_seconds, began)
    refusal = misfit(question) or ("" if is_of_steps(question) else table_misfit(question))
    if refusal:
        raise QuestionError(refusal)
    refusal = unfit(question)
    if refusal:
        raise QuestionError(refusal)
    at_once = settled(question)
    if at_once is not None:
        return attrs.evolve(at_once, seconds=clock.seconds)
    engine = engine_of(question)
    try:
        with stopping(clock):
            answer = engine.find(question, clock, tell)
    except OutOfTimeError:
        answer = Answer(question, Finding.UNDECIDED, engine.NAME, "", established=("nothing: the time was too short",))
    return attrs.evolve(checked(answer), seconds=clock.seconds)


def checked(answer: Answer) -> Answer:
    """Return `answer` with the exact run of its schedule; NoReplayError where that shows something else."""
    if answer.schedule is None:
        return answer
    policy = answer.question.policy
    shown = answer.replay or replay(answer.schedule, None if isinstance(policy, str) else policy)
    if not shown.violated or (answer.value is not None and shown.observed != answer.value):
        claimed = f"{answer.value} {answer.unit}" if answer.value is not None else "a violation"
        raise NoReplayError(
            f"the schedule found does not replay: claimed {claimed}, observed {shown.observed} {shown.unit}, "
            f"bound {shown.bound}"
        )
    return attrs.evolve(answer, replay=shown)


@contextmanager
def stopping(clock: Clock) -> Iterator[None]:
    """Interrupt the solver when the time is up, again and again until the search has ended.

    The solver's own time limit is not heard in every phase of its work.
    """
    if clock.until is None:
        yield
        return
    ended = threading.Event()

    def watch(until: float) -> None:
        if ended.wait(max(0.0, until - time.monotonic())):
            return
        while not ended.wait(INSIST_EVERY_S):
            solver = sys.modules.get("z3")
            if solver is not None:
                solver.main_ctx().interrupt()

    watchdog = threading.Thread(target=watch, args=(clock.until,), daemon=True)
    watchdog.start()
    try:
        yield
    finally:
        ended.set()
        watchdog.join()
