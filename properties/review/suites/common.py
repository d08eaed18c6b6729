"""What the suites share: the form of a suite, and how answers are read."""

import contextlib
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Protocol

import attrs
from hypothesis.strategies import SearchStrategy

from headgate.properties.review.case import Asked, Call, Case, Errored, Raised
from headgate.properties.review.declared import Declared
from headgate.properties.review.targets import Session
from headgate.properties.review.watch import OutOfTime

__all__ = ["Conduct", "Suite", "ask", "decision", "number", "refusable"]


class Conduct(Protocol):
    """Runs one case: calls the session, judges each answer. Raises Violation or Errored."""

    def __call__(self, case: Case, session: Session, declared: Declared, log: list[Asked]) -> None:
        """Run `case`, adding each call and its answer to `log`."""


@attrs.frozen
class Suite:
    """What belongs to a role.

    `numbers` are its parameters, by name, with what they mean; `policies` what an implementation may be declared to
    be, the first by default; `cases` draws a case; `seeds` are cases that are always run first.
    """

    role: str
    summary: str
    protocol: type
    numbers: Mapping[str, str]
    policies: tuple[str, ...]
    cases: Callable[[Declared], SearchStrategy[Case]]
    conduct: Conduct
    seeds: Callable[[Declared], list[Case]]


def ask(session: Session, call: Call, log: list[Asked]) -> object:
    """Return the answer to a legal call, and note it: an error that it raises is a crash."""
    try:
        answer = _answer(session, call, log)
    except Raised as error:
        raise Errored("crash", f"{call} raised {error.detail}") from error
    log.append(Asked(call, answer))
    return answer


def refusable(session: Session, call: Call, log: list[Asked]) -> object:
    """Return the answer to a call that may be refused, and note it; False where it raised an error."""
    try:
        answer = _answer(session, call, log)
    except Raised:
        return False
    log.append(Asked(call, answer))
    return answer


def _answer(session: Session, call: Call, log: list[Asked]) -> object:
    try:
        return session.call(call)
    except Raised as error:
        log.append(Asked(call, f"raised {error.detail}"))
        raise
    except Errored as fault:
        log.append(Asked(call, fault.kind))
        raise
    except OutOfTime:
        log.append(Asked(call, "hang"))
        raise


def decision(call: Call, answer: object) -> bool:
    """Return a yes or no; Errored for anything else. numpy's truth values, 0 and 1 count."""
    if isinstance(answer, bool):
        return answer
    with contextlib.suppress(Exception):  # whatever came back may have an equality of its own
        if answer in (0, 1):
            return bool(answer)
    raise Errored("garbage", f"{call} returned {answer!r:.80}, expected true or false")


def number(call: Call, answer: object) -> Fraction:
    """Return an exact number; Errored for anything else."""
    if isinstance(answer, int | float | Fraction) and not isinstance(answer, bool):
        try:
            return Fraction(answer)
        except (OverflowError, ValueError):
            pass  # an infinity, or not a number
    raise Errored("garbage", f"{call} returned {answer!r:.80}, expected a finite number")
