"""Schedules as JSON files: what a solver finds and a person replays.

The form is published in `schemas/schedule.schema.json`. Numbers are exact: an integer, or a string such as
"186326/15"; a decimal point is refused. A parameter is such a number, a word, or a list of these.

A *lasso* (claim `starvation`) goes on for ever: the requests that arrive before `loop_from` (ns) are its prefix, the
others its loop, which comes again every `loop` ns; none arrives at `loop_from + loop` or later. `tenant` is the one
that is starved. What a replay checks, so that a few rounds stand for all, is said in `headgate.model.lasso`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, TypeGuard

import attrs

from headgate.spec.errors import InputError
from headgate.spec.reading import (
    MismatchError,
    Rule,
    Steps,
    parse_json,
    place_of,
    read_text,
    shown,
    structure,
    text,
    whole,
)
from headgate.spec.units import exact_text, parse_exact
from headgate.spec.vocabulary import Request, Schedule

__all__ = ["FORMAT", "LIMIT_BYTES", "parse_schedule", "read_schedule", "schedule_of", "schedule_text", "write_schedule"]

FORMAT = 1
LIMIT_BYTES = 16 * 2**20

# Fractions that solvers find can be long; a thousand digits is beyond all of them.
_MOST_DIGITS = 1000
_BEYOND = 10**_MOST_DIGITS
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_RATIO = re.compile(r"-?\d+/\d+", re.ASCII)
_LONGEST_WORD = 200
_LONGEST_LIST = 10_000
_VALUE = 'an integer, a string such as "186326/15", a word, or a list of these'
_WORD = text("a word of 1 to 200 printable characters", longest=200, accepts=lambda s: s != "" and s.isprintable())

_OPERATION = text(
    "an operation of at most 64 lower-case letters and hyphens",
    longest=64,
    accepts=lambda s: re.fullmatch(r"[a-z-]*", s) is not None,
)


def _value(given: object) -> object:
    if isinstance(given, list) and len(given) <= _LONGEST_LIST:
        return tuple(_scalar(each) for each in given)
    return _scalar(given)


def _scalar(given: object) -> int | Fraction | str:
    if isinstance(given, int) and not isinstance(given, bool) and abs(given) < _BEYOND:
        return given
    if isinstance(given, str) and _RATIO.fullmatch(given):
        return _ratio(given)
    if isinstance(given, str) and given.isprintable() and len(given) <= _LONGEST_WORD:
        return given
    raise MismatchError(_VALUE, shown(given))


def _ratio(given: str) -> Fraction:
    if max(len(side.lstrip("-")) for side in given.split("/")) > _MOST_DIGITS:
        raise MismatchError(f"at most {_MOST_DIGITS} digits a side", shown(given))
    try:
        return parse_exact(given)
    except ValueError as error:
        raise MismatchError("a denominator other than 0", shown(given)) from error


def _parameters(given: object) -> Mapping[str, object]:
    if not isinstance(given, dict):
        raise MismatchError("a table of parameters", shown(given))
    result = {}
    for key, value in given.items():
        if not _KEY.fullmatch(key):
            raise MismatchError("a name of letters, digits and underscores", shown(key), key)
        try:
            result[key] = _value(value)
        except MismatchError as error:
            raise MismatchError(error.expected, error.got, key) from error
    return result


def _format(given: object) -> int:
    if given is not True and given == FORMAT:
        return FORMAT
    raise MismatchError(f"the format that this version reads ({FORMAT})", shown(given))


@attrs.frozen
class RequestTable:
    """One request, as the file holds it."""

    tenant: Annotated[int, whole("a tenant number, 0 or more", most=10**6)]
    arrival_ns: Annotated[int, whole("an arrival in ns, 0 or more")]
    bytes: Annotated[int, whole("a size in bytes, 1 or more", least=1)]
    row: Annotated[int, whole("a memory row, 0 or more", most=10**9)] = 0
    operation: Annotated[str, _OPERATION] = ""


@attrs.frozen
class ScheduleFile:
    """A schedule, as the file holds it."""

    format: Annotated[int, Rule(f"the format, {FORMAT}", _format)]
    clause: Annotated[str, text("a clause such as TB-4", longest=8, accepts=re.compile(r"[A-Z]{2}-\d{1,3}").fullmatch)]
    statement: Annotated[str, text("a sentence of at most 1000 characters", longest=1000, accepts=str.isprintable)]
    mechanism: Annotated[str, _WORD]
    rule: Annotated[str, _WORD]
    claim: Annotated[str, _WORD]
    parameters: Annotated[Mapping[str, object], Rule("a table of parameters", _parameters)]
    requests: Annotated[tuple[RequestTable, ...], Rule("a list of requests")]
    name: Annotated[str, text("a name of at most 200 characters", longest=200, accepts=str.isprintable)] = ""


def read_schedule(path: Path | str) -> Schedule:
    """Return the schedule of a JSON file; InputError, with the place, for the first thing that misfits."""
    return parse_schedule(read_text(path, LIMIT_BYTES), str(path))


def parse_schedule(content: str, source: str = "<schedule>") -> Schedule:
    """Return the schedule of a JSON text, named `source` in messages; InputError as `read_schedule`."""
    return schedule_of(parse_json(content, source), source)


def schedule_of(data: object, source: str = "<schedule>") -> Schedule:
    """Return the schedule of the value of a JSON text (`headgate.spec.reading.parse_json`); InputError likewise."""

    def place(steps: Steps) -> str:
        return place_of(source, steps)

    file = structure(data, ScheduleFile, place)
    requests = tuple(Request(t.tenant, t.arrival_ns, t.bytes, t.row, t.operation) for t in file.requests)
    for number in range(1, len(requests)):
        last, arrival = requests[number - 1].arrival_ns, requests[number].arrival_ns
        if arrival < last:
            words = f"an arrival no earlier than the one before ({last})"
            raise InputError(place(["requests", number, "arrival_ns"]), words, str(arrival))
    fields = {field.name: getattr(file, field.name) for field in attrs.fields(ScheduleFile)}
    del fields["format"]
    return Schedule(**{**fields, "requests": requests})


def write_schedule(schedule: Schedule, path: Path | str) -> None:
    """Write `schedule` to a file that `read_schedule` reads back to an equal one; ValueError if it cannot."""
    Path(path).write_text(schedule_text(schedule), encoding="utf-8")


def schedule_text(schedule: Schedule) -> str:
    """Return `schedule` as JSON, one request a line, so that a change of one is a change of one line.

    Raises ValueError, with the value, for a parameter that the form cannot hold.
    """
    table = {
        "format": FORMAT,
        "name": schedule.name,
        "clause": schedule.clause,
        "statement": schedule.statement,
        "mechanism": schedule.mechanism,
        "rule": schedule.rule,
        "claim": schedule.claim,
        "parameters": {key: _plain(value) for key, value in schedule.parameters.items()},
    }
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in table.items()]
    rows = ",\n".join(f"    {json.dumps(_request(request))}" for request in schedule.requests)
    lines.append('  "requests": [' + (f"\n{rows}\n  ]" if rows else "]"))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _request(request: Request) -> dict[str, int | str]:
    """Return a request as the file holds it; row 0 and no operation are left out."""
    table = attrs.asdict(request)
    return {key: value for key, value in table.items() if value or key not in ("row", "operation")}


def _plain(value: object) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain_scalar(each) for each in value]
    return _plain_scalar(value)


def _plain_scalar(value: object) -> int | str:
    if _is_number(value) and max(abs(value.numerator), value.denominator) < _BEYOND:
        return exact_text(value)
    if isinstance(value, str) and not _RATIO.fullmatch(value):
        return value
    raise ValueError(f"parameter: expected {_VALUE}, got {type(value).__name__} {value!s:.60}")


def _is_number(value: object) -> TypeGuard[int | Fraction]:
    return isinstance(value, int | Fraction) and not isinstance(value, bool)
