"""What `headgate review` prints: the verdict, the clause, the smallest case, and how to see it without headgate."""

import json
import textwrap
from typing import Any

from headgate.cli.output import Screen, json_text, shorten
from headgate.properties.review.case import Asked, Call
from headgate.properties.review.hunt import Outcome, Review
from headgate.spec.vocabulary import Verdict

__all__ = ["as_json", "as_text", "snippet"]

COLOURS = {Outcome.CONFORMING: "good", Outcome.VIOLATING: "bad", Outcome.ERRORED: "doubt"}


def as_text(found: Review, screen: Screen) -> str:
    """Return the review for people."""
    words = f"{found.target} as a {found.suite.role} ({found.declared.policy})"
    lines = [f"{words}: {screen.paint(found.outcome.value, COLOURS[found.outcome])}"]
    if found.violation is not None:
        clause, title, why = _clause(found.violation.clause)
        lines += ["", screen.paint(f"{clause} {title}", "title"), *_wrapped(why, screen)]
        lines += ["", f"observed  {found.violation.observed}", f"expected  {found.violation.expected}"]
    if found.error is not None:
        lines += ["", *_wrapped(str(found.error), screen)]
    if found.case is not None and found.asked:
        given = ", ".join(f"{key}={value}" for key, value in found.case.configuration.items())
        lines += ["", f"the smallest case found ({len(found.asked)} calls; {given})", *_calls(found.asked, screen)]
        lines += ["", "without headgate", *(f"    {line}" for line in snippet(found).splitlines())]
    lines += ["", _ending(found)]
    return "\n".join(lines)


def _ending(found: Review) -> str:
    cut = "" if found.complete else ", ended by time"
    return f"{found.cases} cases in {found.seconds:.1f} s{cut}"


def _clause(name: str) -> tuple[str, str, str]:
    from headgate.spec.clauses import clauses

    clause = clauses()[name]
    return clause.id, clause.title, clause.must_hold


def _wrapped(text: str, screen: Screen) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), screen.width - 2, initial_indent="  ", subsequent_indent="  ")


def _calls(asked: tuple[Asked, ...], screen: Screen) -> list[str]:
    width = max((len(str(each.call)) for each in asked), default=0)
    last = len(asked) - 1
    lines = []
    for number, each in enumerate(asked):
        line = f"  {each.call!s:{width}}  {screen.sign('→', '->')} {shorten(repr(each.answer), 60)}"
        lines.append(screen.paint(line, "bad") if number == last else line)
    return lines


def snippet(found: Review) -> str:
    """Return what shows the same without headgate: a Python program, or the lines to send to the process."""
    assert found.case is not None
    calls = [_arguments(found, each.call) for each in found.asked]
    module, colon, name = found.target.partition(":")
    if not colon:
        configure = {"cmd": "configure", "seq": 1, "role": found.suite.role}
        told = json.dumps({**configure, "configuration": found.case.configuration})
        told_calls = [[each.call.operation, *values] for each, values in zip(found.asked, calls, strict=True)]
        run = json.dumps({"cmd": "run", "seq": 2, "calls": told_calls})
        return f"{told}\n{run}"
    given = ", ".join(f"{key}={value!r}" for key, value in found.case.configuration.items())
    lines = [f"from {module} import {name.split('.')[0]}", f"it = {name}({given})"]
    for each, arguments in zip(found.asked, calls, strict=True):
        words = ", ".join(repr(argument) for argument in arguments)
        lines.append(f"print(it.{each.call.operation}({words}))  # {shorten(repr(each.answer), 40)}")
    return "\n".join(lines)


def _arguments(found: Review, call: Call) -> list[Any]:
    """Return the arguments as the implementation is given them."""
    clock = found.declared.clock
    return [
        clock.time(value) if key == "now_ns" and isinstance(value, int) else value
        for key, value in call.arguments.items()
    ]


def as_json(found: Review) -> str:
    """Return the review as the object that every command prints."""
    verdict = {
        Outcome.CONFORMING: Verdict.HOLDS,
        Outcome.VIOLATING: Verdict.VIOLATED,
        Outcome.ERRORED: Verdict.UNDECIDED,
    }[found.outcome]
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
    return json_text("review", verdict, [result])


def _plain(answer: object) -> Any:
    if answer is None or isinstance(answer, bool | int | float | str):
        return answer
    return [_plain(each) for each in answer] if isinstance(answer, tuple | list) else repr(answer)
