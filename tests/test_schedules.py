"""Schedule files: every schedule comes back equal, and a file that is none is refused at its place."""

import json
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headgate.spec.errors import InputError
from headgate.spec.schedules import (
    FORMAT,
    LIMIT_BYTES,
    ScheduleFile,
    parse_schedule,
    read_schedule,
    schedule_text,
    write_schedule,
)
from headgate.spec.vocabulary import Request, Schedule

ESSAY = Schedule(
    clause="TB-7",
    statement="Two requests of a full bucket pass in one instant.",
    mechanism="bucket",
    rule="essay",
    claim="overrun",
    parameters={"rate": Fraction(186326, 15), "depth": 3, "weights": (1, Fraction(2, 3), "a word")},
    requests=(Request(0, 0, 3), Request(1, 0, 3)),
    name="flood",
)

words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=20).filter(
    lambda word: "/" not in word
)
scalars = st.integers() | st.fractions() | words
requests = st.lists(
    st.builds(
        Request,
        st.integers(0, 9),
        st.integers(0, 10**18),
        st.integers(1, 10**18),
        operation=st.sampled_from(("", "allocate", "hand-over")),
    ),
    max_size=6,
).map(lambda drawn: tuple(sorted(drawn, key=lambda request: request.arrival_ns)))
schedules = st.builds(
    Schedule,
    clause=st.from_regex(r"[A-Z]{2}-[0-9]{1,3}", fullmatch=True),
    statement=words,
    mechanism=words,
    rule=words,
    claim=words,
    parameters=st.dictionaries(
        st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,9}", fullmatch=True),
        scalars | st.lists(scalars, max_size=4).map(tuple),
        max_size=4,
    ),
    requests=requests,
    name=st.just("") | words,
)


@given(schedules)
@example(ESSAY)
@example(attrs.evolve(ESSAY, requests=()))  # "[]" is written on a line of its own
@example(attrs.evolve(ESSAY, parameters={"limit": 10**1000 - 1, "low": Fraction(-1, 10**1000 - 1)}))
def test_what_is_written_is_read(schedule: Schedule) -> None:
    """Every schedule comes back equal, its numbers exact."""
    assert parse_schedule(schedule_text(schedule)) == schedule


def test_through_a_file(tmp_path: Path) -> None:
    """The same by way of a file."""
    write_schedule(ESSAY, tmp_path / "s.json")
    assert read_schedule(tmp_path / "s.json") == ESSAY


def test_one_request_is_one_line() -> None:
    """So that a change of one request is a change of one line."""
    assert '\n    {"tenant": 1, "arrival_ns": 0, "bytes": 3}\n' in schedule_text(ESSAY)


@pytest.mark.parametrize("value", [True, 0.5, None, "1/2", [[1]], {}, 10**1000, Fraction(1, 10**1000)])
def test_what_the_form_cannot_hold_is_not_written(value: object) -> None:
    """A parameter that would not come back equal is refused with its value."""
    with pytest.raises(ValueError, match="parameter: expected"):
        schedule_text(attrs.evolve(ESSAY, parameters={"a": value}))


TEXT = schedule_text(ESSAY)
VALUE = 'expected an integer, a string such as "186326/15", a word, or a list of these'
LAST = '"bytes": 3}\n'

BAD = {
    "size of 0": (LAST, '"bytes": 0}\n', "requests[1].bytes: expected a size in bytes, 1 or more, got 0"),
    "size with a point": (LAST, '"bytes": 1.0}\n', "requests[1].bytes: expected a size in bytes, 1 or more, got 1.0"),
    "size true": (LAST, '"bytes": true}\n', "requests[1].bytes: expected a size in bytes, 1 or more, got true"),
    "size a string": (LAST, '"bytes": "3"}\n', 'requests[1].bytes: expected a size in bytes, 1 or more, got "3"'),
    "an operation of capitals": (
        LAST,
        '"bytes": 3, "operation": "FREE"}\n',
        'requests[1].operation: expected an operation of at most 64 lower-case letters and hyphens, got "FREE"',
    ),
    "size missing": (', "bytes": 3}\n', "}\n", "requests[1].bytes: expected a size in bytes, 1 or more, got nothing"),
    "size too large": (
        LAST,
        f'"bytes": {10**19}}}\n',
        f"requests[1].bytes: expected a size in bytes, 1 or more, at most 10^18, got {10**19}",
    ),
    "size of thousands of digits": (
        LAST,
        f'"bytes": {"9" * 5000}}}\n',
        f"requests[1].bytes: expected a size in bytes, 1 or more, got {'9' * 60}...",
    ),
    "unknown key": (LAST, '"byte": 3}\n', "requests[1].byte: expected a known key (did you mean bytes?)"),
    "tenant below 0": (
        '"tenant": 1',
        '"tenant": -1',
        "requests[1].tenant: expected a tenant number, 0 or more, got -1",
    ),
    "out of order": (
        '"tenant": 0, "arrival_ns": 0',
        '"tenant": 0, "arrival_ns": 9',
        "requests[1].arrival_ns: expected an arrival no earlier than the one before (9), got 0",
    ),
    "a float": ('"186326/15"', "0.1", f"parameters.rate: {VALUE}, got 0.1"),
    "not a number": ('"186326/15"', "NaN", f"parameters.rate: {VALUE}, got NaN"),
    "null": ('"186326/15"', "null", f"parameters.rate: {VALUE}, got null"),
    "a list in a list": ('"186326/15"', "[[1]]", f"parameters.rate: {VALUE}, got a list"),
    "an object": ('"186326/15"', "{}", f"parameters.rate: {VALUE}, got a table"),
    "division by 0": ("186326/15", "1/0", 'parameters.rate: expected a denominator other than 0, got "1/0"'),
    "a long fraction": (
        "186326/15",
        "1" * 1001 + "/3",
        f'parameters.rate: expected at most 1000 digits a side, got "{"1" * 60}..."',
    ),
    "a key to run": (
        '"rate"',
        '"__class__"',
        'parameters.__class__: expected a name of letters, digits and underscores, got "__class__"',
    ),
    "a word of control characters": ("a word", "\\u001b[2J", f'parameters.weights: {VALUE}, got "\\x1b[2J"'),
    "clause": ("TB-7", "7", 'clause: expected a clause such as TB-4, got "7"'),
    "rule missing": ('  "rule": "essay",\n', "", "rule: expected a word of 1 to 200 printable characters, got nothing"),
    "format missing": ('  "format": 1,\n', "", "format: expected the format, 1, got nothing"),
    "format of later": ('"format": 1', '"format": 2', "format: expected the format that this version reads (1), got 2"),
    "format true": (
        '"format": 1',
        '"format": true',
        "format: expected the format that this version reads (1), got true",
    ),
    "unknown key at the top": ('"claim"', '"klaim"', "klaim: expected a known key (did you mean claim?)"),
    "requests are no list": (TEXT[TEXT.index("[\n") :], "3}", "requests: expected a list of requests, got 3"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_schedule_gets_its_line(case: str) -> None:
    """Every bad input is refused with this very line."""
    old, new, message = BAD[case]
    assert old in TEXT
    with pytest.raises(InputError) as refusal:
        parse_schedule(TEXT.replace(old, new, 1), "s.json")
    assert str(refusal.value) == f"s.json: {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "s.json: expected a table of keys, got a list"),
        ("{", "s.json:1:2: expected valid JSON (expecting property name enclosed in double quotes)"),
        ('{"a": 1, "a": 2}', 's.json: expected keys that occur once, got "a" twice'),
        ('{"parameters": ' + "[" * 200_000, "s.json: expected JSON nested a few levels deep, got hundreds of levels"),
    ],
)
def test_what_is_no_schedule_at_all(text: str, message: str) -> None:
    """Malformed, ambiguous and bottomless texts."""
    with pytest.raises(InputError) as refusal:
        parse_schedule(text, "s.json")
    assert str(refusal.value) == message


def test_a_file_too_large(tmp_path: Path) -> None:
    """A file is not read beyond its limit."""
    (tmp_path / "s.json").write_bytes(b" " * (LIMIT_BYTES + 1))
    with pytest.raises(InputError, match="a larger one"):
        read_schedule(tmp_path / "s.json")


# ---- the published schema ----


def test_a_row_is_written_only_where_there_is_one() -> None:
    """Row 0 is left out, any other comes back."""
    rows = attrs.evolve(ESSAY, requests=(Request(0, 0, 3), Request(1, 0, 3, 7)))
    assert '"bytes": 3}' in schedule_text(rows)
    assert '"bytes": 3, "row": 7}' in schedule_text(rows)
    assert parse_schedule(schedule_text(rows)) == rows


def schema() -> Any:
    """Return the published schema."""
    return json.loads((resources.files("headgate.spec") / "schemas" / "schedule.schema.json").read_text("utf-8"))


def test_the_schema_has_the_keys_of_the_reader() -> None:
    """Key by key, required and optional, at both levels; none may be added."""
    top = schema()
    fields = attrs.fields(ScheduleFile)
    assert list(top["properties"]) == [*json.loads(TEXT)]
    assert set(top["required"]) == {field.name for field in fields if field.default is attrs.NOTHING}
    assert top["properties"]["format"] == {"const": FORMAT}
    item = top["properties"]["requests"]["items"]
    keys = attrs.fields(Request)
    assert set(item["properties"]) == {field.name for field in keys}
    assert set(item["required"]) == {field.name for field in keys if field.default is attrs.NOTHING}
    assert top["additionalProperties"] is item["additionalProperties"] is False
