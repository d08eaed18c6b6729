"""What every command's output shares: the option --format, the JSON object, and what the terminal can show."""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeVar

import attrs
import click

from headgate.spec.reading import decimal_text
from headgate.spec.vocabulary import Verdict

__all__ = ["Screen", "format_option", "json_text", "number_text", "readable", "shorten", "table_lines", "version"]

Command = TypeVar("Command", bound=Callable[..., Any])

_FRACTION = re.compile(r"-?\d+/\d+", re.ASCII)

DEFAULT_WIDTH, LEAST_WIDTH, MOST_WIDTH = 80, 50, 160
COLOURS = {
    "good": {"fg": "green"},
    "bad": {"fg": "red", "bold": True},
    "doubt": {"fg": "yellow"},
    "quiet": {"dim": True},
    "title": {"bold": True},
}


def format_option(*more: str) -> Callable[[Command], Command]:
    """Return a decorator that adds `--format text|json`, and `more` kinds, passed on as `form`."""
    kinds = click.Choice(["text", "json", *more])
    return click.option("--format", "form", type=kinds, default="text", show_default=True, help="How to print.")


def version() -> str:
    """Return the installed version."""
    from importlib import metadata  # slow to load, so only where it is needed

    return metadata.version("headgate")


def json_text(command: str, verdict: Verdict, results: Sequence[Mapping[str, Any]]) -> str:
    """Return the object that `--format json` prints, a result a line."""
    head = {"tool": "headgate", "version": version(), "command": command, "verdict": verdict.value}
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    rows = ",\n".join(f"    {json.dumps(result)}" for result in results)
    lines.append('  "results": [' + (f"\n{rows}\n  ]" if rows else "]"))
    return "{\n" + ",\n".join(lines) + "\n}"


def shorten(text: str, most: int) -> str:
    """Return `text`, its end replaced where it is longer than `most` characters."""
    return text if len(text) <= most else text[: most - 3] + "..."


def number_text(value: Fraction) -> str:
    """Return a number for people: exact where it has a short decimal, else cut after three places ("...")."""
    exact = decimal_text(value)
    if "/" not in exact:
        return exact
    sign = "-" if value < 0 else ""
    return f"{sign}{int(abs(value))}.{int(abs(value) * 1000) % 1000:03d}..."


def readable(text: str) -> str:
    """Return `text` with every fraction in it written as `number_text` does."""
    return _FRACTION.sub(lambda match: number_text(Fraction(match.group())), text)


@attrs.frozen
class Screen:
    """What the output can show: characters a line (`measured`: no more than that), signs beyond ASCII, colours."""

    width: int = DEFAULT_WIDTH
    unicode: bool = True
    colour: bool = False
    measured: bool = False

    @staticmethod
    def of_stdout() -> "Screen":
        """Return what standard output can show. NO_COLOR and COLUMNS are heeded."""
        terminal = sys.stdout.isatty()
        measured = terminal or "COLUMNS" in os.environ
        width = shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns if measured else DEFAULT_WIDTH
        plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        return Screen(max(LEAST_WIDTH, min(width, MOST_WIDTH)), _is_unicode(), terminal and not plain, measured)

    def paint(self, text: str, colour: str | None) -> str:
        """Return `text` in a colour of `COLOURS`, if this screen has colours."""
        if not self.colour or colour is None or not text:
            return text
        return click.style(text, **COLOURS[colour])  # type: ignore[arg-type]

    def sign(self, fancy: str, plain: str) -> str:
        """Return the sign that this screen can show."""
        return fancy if self.unicode else plain

    def signs(self, fancy: str, plain: str) -> tuple[str, ...]:
        """Return the signs, one a character, that this screen can show."""
        return tuple(self.sign(fancy, plain))


def _is_unicode() -> bool:
    try:
        "✓━┫▁█▼…".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def table_lines(rows: Sequence[Sequence[str]], screen: Screen | None = None) -> Iterator[str]:
    """Yield the rows in columns: the first to the left, the others to the right.

    What is too wide for a measured `screen` goes on below, with the first column again.
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    room = screen.width if screen is not None and screen.measured else None
    for columns in _parts(widths, room):
        for row in rows:
            cells = [row[0].ljust(widths[0]), *(row[column].rjust(widths[column]) for column in columns)]
            yield "  " + "  ".join(cells).rstrip()


def _parts(widths: Sequence[int], room: int | None) -> list[list[int]]:
    """Return the columns that stand beside the first one, those together that fit."""
    parts: list[list[int]] = [[]]
    taken = 2 + widths[0]
    for column, width in enumerate(widths[1:], 1):
        if room is not None and parts[-1] and taken + 2 + width > room:
            parts.append([])
            taken = 2 + widths[0]
        parts[-1].append(column)
        taken += 2 + width
    return parts
