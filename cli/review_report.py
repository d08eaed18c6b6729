"""What `headgate review` prints."""

from typing import Any

from headgate.cli.output import Screen, json_text
from headgate.properties.review.hunt import Outcome, Review
from headgate.properties.review.report import review_text, snippet
from headgate.spec.vocabulary import Verdict

__all__ = ["as_json", "as_text"]

VERDICTS = {
    Outcome.CONFORMING: Verdict.HOLDS,
    Outcome.VIOLATING: Verdict.VIOLATED,
    Outcome.ERRORED: Verdict.UNDECIDED,
}


def as_text(found: Review, screen: Screen) -> str:
    """Return the review for people."""
    return review_text(found, screen.width, screen.paint)


def as_json(found: Review) -> str:
    """Return the review as the object that every command prints."""
    result: dict[str, Any] = {
        "id": found.target,
        "role": found.suite.role,
        "policy": found.declared.policy,
        "outcome": found.outcome.value,
        "cases": found.cases,
        "complete": found.complete,
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
    return json_text("review", VERDICTS[found.outcome], [result])


def _plain(answer: object) -> Any:
    if answer is None or isinstance(answer, bool | int | float | str):
        return answer
    return [_plain(each) for each in answer] if isinstance(answer, tuple | list) else repr(answer)
