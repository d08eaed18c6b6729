"""How a file becomes records: bounded in size, exact in its numbers, and every refusal with its place.

A record class says what its file must hold by annotating each field with a `Rule`. cattrs does the walking;
this module reads the text, checks shapes and keys, and turns the first thing that went wrong into one
`InputError`. Nothing in a file is ever evaluated, and no number becomes a float on its way in.
"""

import difflib
import json
import re
import tomllib
import typing
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn

from headgate.spec.errors import InputError

__all__ = [
    "LARGEST",
    "MismatchError",
    "Rule",
    "Steps",
    "Unreadable",
    "choice",
    "decimal_text",
    "exact",
    "flag",
    "parse_json",
    "parse_toml",
    "path_of",
    "place_of",
    "read_text",
    "shown",
    "structure",
    "text",
    "whole",
]

Steps = Sequence[str | int]
Record = TypeVar("Record")

# No quantity of this field is larger: 10^18 bytes is an exabyte, 10^18 ns 31 years.
LARGEST = 10**18

_MOST_DIGITS = 40
_LONGEST_INTEGER = 1001
_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,2})?", re.ASCII)
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_SHOWN_CHARACTERS = 60


@attrs.frozen
class Unreadable:
    """A number as written, with no exact value here: nan, inf, too many digits, a decimal in JSON."""

    text: str


class MismatchError(Exception):
    """A value broke its rule; `key` is where below the value, if the fault is a key of it."""

    def __init__(self, expected: str, got: str = "", key: str | None = None) -> None:
        super().__init__(expected, got, key)
        self.expected = expected
        self.got = got
        self.key = key


@attrs.frozen
class Rule:
    """What a value must be, in words, and the function that returns it checked or raises `MismatchError`.

    A rule without `read` only lends its words to a missing table or list.
    """

    expected: str
    read: Callable[[object], Any] | None = None


# ---- rules ----


def exact(expected: str, *, above: int | None = None, least: int | None = None, most: int = LARGEST) -> Rule:
    """Return the rule for an exact number (integer or decimal), read as a Fraction."""

    def read(value: object) -> Fraction:
        if isinstance(value, bool) or not isinstance(value, (int, Fraction)):
            raise MismatchError(expected, shown(value))
        _check_range(value, expected, above, least, most)
        return Fraction(value)

    return Rule(expected, read)


def whole(expected: str, *, least: int = 0, most: int = LARGEST) -> Rule:
    """Return the rule for an integer."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise MismatchError(expected, shown(value))
        _check_range(value, expected, None, least, most)
        return value

    return Rule(expected, read)


def _check_range(value: int | Fraction, expected: str, above: int | None, least: int | None, most: int) -> None:
    if (above is not None and value <= above) or (least is not None and value < least):
        raise MismatchError(expected, shown(value))
    if not -most <= value <= most:
        limit = ", at most 10^18" if most == LARGEST else ""
        raise MismatchError(expected + limit, shown(value))


def text(expected: str, *, longest: int, accepts: Callable[[str], bool] = bool) -> Rule:
    """Return the rule for a string of at most `longest` characters that `accepts` allows."""

    def read(value: object) -> str:
        if not isinstance(value, str) or len(value) > longest or not accepts(value):
            raise MismatchError(expected, shown(value))
        return value

    return Rule(expected, read)


def choice(expected: str, values: Iterable[str]) -> Rule:
    """Return the rule for one of a few words."""
    allowed = tuple(values)
    words = f"{expected} ({', '.join(allowed)})"

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise MismatchError(words, shown(value))
        return value

    return Rule(words, read)


def flag(expected: str = "true or false") -> Rule:
    """Return the rule for a truth value."""

    def read(value: object) -> bool:
        if not isinstance(value, bool):
            raise MismatchError(expected, shown(value))
        return value

    return Rule(expected, read)


# ---- text ----


def read_text(path: Path | str, limit: int) -> str:
    """Return the UTF-8 text of a file of at most `limit` bytes; InputError for anything else."""
    place = str(path)
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except IsADirectoryError as error:
        raise InputError(place, "a readable file", "a directory") from error
    except OSError as error:
        raise InputError(place, "a readable file", (error.strerror or "an error").lower()) from error
    except ValueError as error:  # a NUL in the path
        raise InputError(place, "the path of a file", str(error)) from error
    return _decoded(data, place, limit)


def _decoded(data: bytes, place: str, limit: int) -> str:
    if len(data) > limit:
        raise InputError(place, f"a file of at most {limit} bytes", "a larger one")
    try:
        decoded = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"byte 0x{data[error.start]:02x} at offset {error.start}"
        raise InputError(place, "UTF-8 text", found) from error
    if not decoded.strip():
        raise InputError(place, "some content", "an empty file")
    return decoded


def parse_toml(content: str, source: str) -> dict[str, Any]:
    """Return the tables of a TOML text, decimals as Fractions; InputError, with the line, if malformed."""
    try:
        return tomllib.loads(content, parse_float=_decimal)
    except tomllib.TOMLDecodeError as error:
        _raise_malformed(str(error), source, content)
    except RecursionError as error:
        raise InputError(source, "TOML nested a few levels deep", "hundreds of levels") from error
    except ValueError as error:  # Python refuses integers of thousands of digits
        raise InputError(source, "integers of at most 18 digits", "one of thousands") from error


def _raise_malformed(message: str, source: str, content: str) -> NoReturn:
    found = _TOML_PLACE.search(message)
    line, column = (found.group(1), found.group(2)) if found else (None, None)
    if line is None:
        line, column = str(content.count("\n") + 1), str(len(content) - content.rfind("\n"))
    reason = _clipped(_TOML_PLACE.sub("", message))
    raise InputError(f"{source}:{line}:{column}", f"valid TOML ({_lower(reason)})")


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _decimal(written: str) -> Fraction | Unreadable:
    digits = written.replace("_", "")
    if len(digits) > _MOST_DIGITS or not _DECIMAL.fullmatch(digits):
        return Unreadable(written)
    return Fraction(digits)


def parse_json(content: str, source: str) -> Any:
    """Return the value of a JSON text; floats become `Unreadable`, keys that occur twice are refused."""
    try:
        return json.loads(
            content,
            parse_float=Unreadable,
            parse_constant=Unreadable,
            parse_int=lambda digits: int(digits) if len(digits) <= _LONGEST_INTEGER else Unreadable(digits),
            object_pairs_hook=_distinct,
        )
    except json.JSONDecodeError as error:
        place = f"{source}:{error.lineno}:{error.colno}"
        raise InputError(place, f"valid JSON ({_lower(error.msg)})") from error
    except MismatchError as error:
        raise InputError(source, error.expected, error.got) from error
    except RecursionError as error:
        raise InputError(source, "JSON nested a few levels deep", "hundreds of levels") from error


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise MismatchError("keys that occur once", f"{shown(twice)} twice")
    return table


# ---- what stood there ----


def shown(value: object) -> str:
    """Return how a message shows a value that was refused: short, and never a whole table or list."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Fraction):
        return decimal_text(value)
    if isinstance(value, str):
        return f'"{_clipped(value)}"'
    if isinstance(value, Unreadable):
        return _clipped(value.text)
    return {type(None): "null", dict: "a table", list: "a list"}.get(type(value), "a date or a time")


def _clipped(written: str) -> str:
    return written if len(written) <= _SHOWN_CHARACTERS else written[:_SHOWN_CHARACTERS] + "..."


def decimal_text(value: int | Fraction) -> str:
    """Return `value` as an exact decimal where it has a short one, else as numerator/denominator."""
    exactly = Fraction(value)
    if max(abs(exactly.numerator), exactly.denominator).bit_length() > 4 * _MOST_DIGITS:
        return f"a number of {_MOST_DIGITS} digits or more"
    places = next((n for n in range(_MOST_DIGITS) if 10**n % exactly.denominator == 0), None)
    if places is None:
        return f"{exactly.numerator}/{exactly.denominator}"
    digits = str(abs(int(exactly * 10**places))).rjust(places + 1, "0")
    sign = "-" if exactly < 0 else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


# ---- records ----


def structure(data: object, record: type[Record], place: Callable[[Steps], str]) -> Record:
    """Return `data` as a `record`; InputError, at `place(steps to it)`, for the first thing that misfits."""
    try:
        return _converter.structure(data, record)
    except (cattrs.BaseValidationError, MismatchError) as error:
        steps, cause = _first(error)
        raise _input_error(cause, steps, place) from error


def place_of(source: str, steps: Steps) -> str:
    """Return the place of a key as people write it, such as `file.json: requests[3].bytes`."""
    path = path_of(steps)
    return f"{source}: {path}" if path else source


def path_of(steps: Steps) -> str:
    """Return the keys and indices of `steps` as one path, such as `requests[3].bytes`."""
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{_key(step)}" if path else _key(step)
    return path


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", name) else shown(name)


def _first(error: BaseException) -> tuple[list[str | int], BaseException]:
    steps: list[str | int] = []
    while isinstance(error, cattrs.BaseValidationError):
        error = error.exceptions[0]
        steps += [_step(note) for note in getattr(error, "__notes__", ()) if _step(note) is not None]
    return steps, error


def _step(note: object) -> Any:
    if isinstance(note, cattrs.AttributeValidationNote):
        return note.name
    return note.index if isinstance(note, cattrs.IterableValidationNote) else None


def _input_error(cause: BaseException, steps: list[str | int], place: Callable[[Steps], str]) -> InputError:
    if isinstance(cause, MismatchError):
        where = steps if cause.key is None else [*steps, cause.key]
        return InputError(place(where), cause.expected, cause.got)
    if isinstance(cause, KeyError):  # cattrs looked for a field that has no default
        return InputError(place(steps), _words_for(cause), "nothing")
    raise cause


def _words_for(missing: KeyError) -> str:
    for note in missing.__notes__:
        rule = _rule(getattr(note, "type", None))
        if rule is not None:
            return rule.expected
    return "a value"


def _rule(kind: object) -> Rule | None:
    return next((mark for mark in getattr(kind, "__metadata__", ()) if isinstance(mark, Rule)), None)


def _has_reader(kind: object) -> bool:
    rule = _rule(kind)
    return rule is not None and rule.read is not None


def _has_words_only(kind: object) -> bool:
    rule = _rule(kind)
    return rule is not None and rule.read is None


def _shape_reader(kind: Any) -> Callable[[object, object], Any]:
    """Return the reader of a table or list that a rule lends its words to."""
    expected, inner = getattr(_rule(kind), "expected", ""), typing.get_args(kind)[0]
    walk = _converter.get_structure_hook(inner)
    shape = list if _is_list(inner) else dict

    def read(value: object, _: object) -> Any:
        if not isinstance(value, shape):
            raise MismatchError(expected, shown(value))
        return walk(value, inner)

    return read


def _reader(kind: Any) -> Callable[[object, object], Any]:
    read: Any = getattr(_rule(kind), "read", None)  # a function, since `_has_reader` chose this kind
    return lambda value, _: read(value)


def _record_reader(record: Any) -> Callable[[object, object], Any]:
    walk = make_dict_structure_fn(record, _converter)
    keys = [field.name for field in attrs.fields(record)]

    def read(value: object, kind: object) -> Any:
        if not isinstance(value, dict):
            raise MismatchError("a table of keys", shown(value))
        for key in value:
            if key not in keys:
                raise MismatchError(_known_keys(key, keys), key=key)
        return walk(value, kind)

    return read


def _known_keys(key: str, keys: Sequence[str]) -> str:
    near = difflib.get_close_matches(key, keys, 1) if len(key) <= _SHOWN_CHARACTERS else []
    return f"a known key (did you mean {near[0]}?)" if near else f"a known key ({', '.join(keys)})"


def _is_list(kind: object) -> bool:
    return typing.get_origin(kind) is tuple


def _list_reader(kind: Any) -> Callable[[object, object], Any]:
    item = typing.get_args(kind)[0]
    kind_of_list = list.__class_getitem__(item)
    as_list = _converter.get_structure_hook(kind_of_list)

    def read(value: object, _: object) -> Any:
        if not isinstance(value, list):
            raise MismatchError("a list", shown(value))
        return tuple(as_list(value, kind_of_list))

    return read


_converter = cattrs.Converter()
_converter.register_structure_hook_factory(attrs.has, _record_reader)
_converter.register_structure_hook_factory(_is_list, _list_reader)
_converter.register_structure_hook_factory(_has_words_only, _shape_reader)
_converter.register_structure_hook_factory(_has_reader, _reader)
