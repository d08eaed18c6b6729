"""A review in words: the verdict, the clause, the smallest case, and how to see it without headgate."""

import json
import textwrap
from collections.abc import Callable
from typing import Any

from headgate.properties.review.case import Asked, Call
from headgate.properties.review.hunt import Outcome, Review
from headgate.spec.clauses import clauses

__all__ = ["extent", "review_text", "snippet"]

COLOURS = {Outcome.CONFORMING: "good", Outcome.VIOLATING: "bad", Outcome.ERRORED: "doubt"}

Paint = Callable[[str, str], str]
"""From a text and what it means (good, bad, doubt, title) to the text as the output shows it."""


def _plain(text: str, _meaning: str) -> str:
    return text


def review_text(found: Review, width: int = 80, paint: Paint = _plain) -> str:
    """Return the review for people, in lines of about `width` characters."""
    article = "an" if found.suite.role[0] in "aeiou" else "a"
    words = f"{found.target} as {article} {found.suite.role} ({found.declared.policy})"
    lines = [f"{words}: {paint(found.outcome.value, COLOURS[found.outcome])}"]
    if found.violation is not None:
        clause = clauses()[found.violation.clause]
        lines += ["", paint(f"{clause.id} {clause.title}", "title"), *_wrapped(clause.must_hold, width)]
        lines += ["", f"observed  {found.violation.observed}", f"expected  {found.violation.expected}"]
    if found.error is not None:
        lines += ["", *_wrapped(str(found.error), width)]
    if found.case is not None and found.asked:
        given = ", ".join(f"{key}={value}" for key, value in found.case.configuration.items())
        lines += ["", f"the smallest case found ({len(found.asked)} calls; {given})", *_calls(found.asked, paint)]
        lines += ["", "without headgate", *(f"    {line}" for line in snippet(found).splitlines())]
    lines += ["", *textwrap.wrap(extent(found), width)]
    return "\n".join(lines)


def extent(found: Review) -> str:
    """Return how much was tried, and how far it went: what is beyond is not said."""
    cut = "" if found.complete else ", ended by time"
    tried = found.tried
    bounds = [f"{tried.calls} calls" * (tried.calls > 0), f"{tried.tenants} tenants" * (tried.tenants > 0)]
    bounds += [f"times up to {tried.latest_ns} ns" * (tried.latest_ns > 0)]
    reach = ", ".join(filter(None, bounds))
    return f"{found.cases} cases in {found.seconds:.1f} s{cut}" + (f"; at most {reach}" if reach else "")


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), width - 2, initial_indent="  ", subsequent_indent="  ")


def _calls(asked: tuple[Asked, ...], paint: Paint) -> list[str]:
    width = max((len(str(each.call)) for each in asked), default=0)
    lines = [f"  {each.call!s:{width}}  -> {_short(each.answer, 60)}" for each in asked]
    return [*lines[:-1], paint(lines[-1], "bad")]


def _short(answer: object, most: int) -> str:
    text = repr(answer)
    return text if len(text) <= most else text[: most - 3] + "..."


def snippet(found: Review) -> str:
    """Return what shows the same without headgate: a Python program, or the lines to send to the process."""
    assert found.case is not None
    calls = [_arguments(found, each.call) for each in found.asked]
    module, colon, name = found.target.partition(":")
    if not colon:
        return _lines(found, calls)
    given = ", ".join(f"{key}={value!r}" for key, value in found.case.configuration.items())
    lines = [f"from {module} import {name.split('.')[0]}", f"it = {name}({given})"]
    for each, arguments in zip(found.asked, calls, strict=True):
        words = ", ".join(repr(argument) for argument in arguments)
        lines.append(f"print(it.{each.call.operation}({words}))  # {_short(each.answer, 40)}")
    return "\n".join(lines)


def _lines(found: Review, calls: list[list[Any]]) -> str:
    assert found.case is not None
    configure = {"cmd": "configure", "seq": 1, "role": found.suite.role}
    told = json.dumps({**configure, "configuration": found.case.configuration})
    run = [[each.call.operation, *values] for each, values in zip(found.asked, calls, strict=True)]
    return told + "\n" + json.dumps({"cmd": "run", "seq": 2, "calls": run})


def _arguments(found: Review, call: Call) -> list[Any]:
    """Return the arguments as the implementation is given them."""
    clock = found.declared.clock
    return [
        clock.time(value) if key == "now_ns" and isinstance(value, int) else value
        for key, value in call.arguments.items()
    ]
