"""What `headgate review` prints."""

import contextlib
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from headgate.cli.output import Screen, json_text
from headgate.properties.review.again import Again
from headgate.properties.review.hunt import Outcome, Profile, Review
from headgate.properties.review.report import review_text, snippet
from headgate.spec.vocabulary import Verdict

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["as_json", "as_text", "progress_of"]

# What a second look says where there was none.
LOOKED = Again()
# When a display of progress begins, and how often it changes at most, in seconds.
PROGRESS_AFTER_S, PROGRESS_EVERY_S = 1, 0.1

VERDICTS = {
    Outcome.CONFORMING: Verdict.HOLDS,
    Outcome.VIOLATING: Verdict.VIOLATED,
    Outcome.ERRORED: Verdict.UNDECIDED,
}


def as_text(found: Review, screen: Screen, again: Again = LOOKED) -> str:
    """Return the review for people, with what a second look says."""
    return "\n".join([review_text(found, screen.width, screen.paint), *_second(again, screen.width)])


def _second(again: Again, width: int) -> list[str]:
    if not again.happens:
        words = "the same calls, made once more, did not show it: does it run threads, or read a clock of its own?"
    elif again.conforms_if:
        others = ", or with ".join(again.conforms_if)
        words = f"nothing would have been found, in more cases than it took, had it been declared with {others}"
    else:
        return []
    return textwrap.wrap(words, width)


def as_json(found: Review, again: Again = LOOKED) -> str:
    """Return the review as the object that every command prints."""
    result: dict[str, Any] = {
        "id": found.target,
        "role": found.suite.role,
        "policy": found.declared.policy,
        "outcome": found.outcome.value,
        "cases": found.cases,
        "complete": found.complete,
        "longest_case": found.tried.calls,
        "latest_ns": found.tried.latest_ns,
        "seconds": round(found.seconds, 3),
    }
    if found.violation is not None:
        result["clause"] = found.violation.clause
        result |= {"observed": found.violation.observed, "expected": found.violation.expected}
    if found.error is not None:
        result |= {"error": found.error.kind, "detail": found.error.detail}
    if found.case is not None:
        result["configuration"] = found.case.configuration
        result["calls"] = [
            {"operation": each.call.operation, **each.call.arguments, "answer": _plain(each.answer)}
            for each in found.asked
        ]
        result["snippet"] = snippet(found)
        result |= {"happens_again": again.happens, "conforms_if": list(again.conforms_if)}
    return json_text("review", VERDICTS[found.outcome], [result])


def _plain(answer: object) -> Any:
    if answer is None or isinstance(answer, bool | int | float | str):
        return answer
    return [_plain(each) for each in answer] if isinstance(answer, tuple | list) else repr(answer)


@contextlib.contextmanager
def progress_of(profile: Profile) -> Iterator[Callable[[int], None]]:
    """Return a context that holds what is told of every case; on a terminal it shows how many there were."""
    begun = time.monotonic()
    shown: Progress | None = None
    until = begun + PROGRESS_AFTER_S

    def tell(cases: int) -> None:
        nonlocal shown, until
        now = time.monotonic()
        if now < until or not sys.stderr.isatty():
            return
        shown, until = shown or _progress(profile), now + PROGRESS_EVERY_S
        shown.update(shown.task_ids[0], completed=cases, description=f"{cases} cases")
        shown.refresh()

    try:
        yield tell
    finally:
        if shown is not None:
            shown.stop()


def _progress(profile: Profile) -> "Progress":
    from rich.console import Console
    from rich.progress import Progress

    # No thread, and no hand on the standard streams: these belong to the implementation while it runs.
    still: dict[str, Any] = {"auto_refresh": False, "redirect_stdout": False, "redirect_stderr": False}
    progress = Progress(console=Console(stderr=True), transient=True, **still)
    progress.add_task("cases", total=profile.cases)
    progress.start()
    return progress
