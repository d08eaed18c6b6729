"""Workloads: which requests came to a serving system, and how long they were, read as a stream.

A workload is a file of one of three forms, told by its first line. The last two are those of public traces.

* CSV with the columns `tenant`, `arrival_ns`, `prompt_tokens` and `output_tokens`;
* CSV with the columns `TIMESTAMP`, `ContextTokens` and `GeneratedTokens` (AzurePublicDataset, the traces of LLM
  inference; Patel et al., *Splitwise*, ISCA 2024);
* JSON lines with the keys `timestamp` (ms), `input_length`, `output_length` and `hash_ids`, an id for every 512 tokens
  of the prompt and what precedes them (Mooncake; Qin et al., FAST 2025).

Columns and keys may come in any order, others are ignored; rows are in order of arrival. Only one row is held at a
time, so that a workload of any length can be read.
"""

import datetime
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import attrs

from headgate.spec.errors import InputError
from headgate.spec.lines import LineFile, quoted
from headgate.spec.links import implements
from headgate.spec.reading import parse_json, shown
from headgate.spec.units import Nanoseconds

__all__ = ["BLOCK_TOKENS", "FORMS", "LONGEST_LINE_BYTES", "MOST_TOKENS", "Arrival", "Workload"]

# A prompt of a hundred million tokens has 200,000 hashes of up to ten characters.
LONGEST_LINE_BYTES = 2**22
MOST_TOKENS = 10**8
BLOCK_TOKENS = 512

_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[ T]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(?:\+00:00|Z)?", re.ASCII
)
_NS_PER_S, _NS_PER_MS = 10**9, 10**6


class Arrival(NamedTuple):
    """A request: its line in the file, when it came after the first, its tokens, and what else the form says of it.

    `tenant` is the name that the form gives (or None), `blocks` are the hashes of the prompt's prefixes, `mark` a
    number that depends on the text of the row only.
    """

    line: int
    arrival_ns: Nanoseconds
    prompt: int
    output: int
    tenant: str | None = None
    blocks: tuple[int, ...] = ()
    mark: int = 0


@attrs.frozen
class Form:
    """A form of workload files: its columns, and whether a row names its tenant."""

    name: str
    arrival: str
    prompt: str
    output: str
    tenant: str | None = None
    blocks: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a file of this form must have."""
        named = (self.tenant, self.arrival, self.prompt, self.output, self.blocks)
        return tuple(name for name in named if name is not None)


OWN = Form("headgate", "arrival_ns", "prompt_tokens", "output_tokens", tenant="tenant")
AZURE = Form("azure", "TIMESTAMP", "ContextTokens", "GeneratedTokens")
MOONCAKE = Form("mooncake", "timestamp", "input_length", "output_length", blocks="hash_ids")
FORMS = (OWN, AZURE, MOONCAKE)


class Workload(LineFile):
    """An open workload: iterate once over its arrivals; use it as a context manager, or close it.

    Every fault raises InputError with the file and the line: when it is opened (the file, the header), or when its row
    is reached. `form` says which kind of file it is.
    """

    kind = "a workload"
    longest = LONGEST_LINE_BYTES

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open `path`."""
        super().__init__(path)
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    @implements("WL-1")
    def __iter__(self) -> Iterator[Arrival]:
        """Yield the requests, in order of arrival; the first comes at 0."""
        begin: int | None = None
        earlier = 0
        for mark, cells in self._rows:
            at = self._arrival(cells[self.form.arrival])
            begin = at if begin is None else begin
            if at - begin < earlier:
                raise self._at(
                    f"rows in order of {self.form.arrival}", f"one that is {begin + earlier - at} ns earlier"
                )
            earlier = at - begin
            yield Arrival(
                self._line,
                earlier,
                self._tokens(cells, self.form.prompt),
                self._tokens(cells, self.form.output),
                None if self.form.tenant is None else str(cells[self.form.tenant]),
                self._blocks(cells),
                mark,
            )
        if begin is None:
            raise InputError(self.path, "at least one request", "none after the header")

    # ---- lines ----

    def _open(self) -> None:
        lines = self._lines(self._file)
        first = self._first(lines)
        text = self._text(first)
        if text.startswith("{"):
            self.form = MOONCAKE
            self._rows = self._json_rows(first, lines)
            return
        names = self._names(text)
        self.form = self._form(names, text)
        self._rows = self._csv_rows(names, lines)

    def _form(self, names: list[str], text: str) -> Form:
        for form in FORMS:
            if form is not MOONCAKE and set(form.columns) <= set(names):
                return form
        known = " or ".join(",".join(form.columns) for form in (OWN, AZURE))
        raise self._at(f"a header with the columns {known}, or JSON lines", quoted(text))

    def _csv_rows(self, names: list[str], lines: Iterator[bytes]) -> Iterator[tuple[int, Mapping[str, object]]]:
        for line in lines:
            text = self._text(line)
            cells = self._cells(text)
            if len(cells) != len(names):
                raise self._at(f"{len(names)} cells, as in the header", str(len(cells)))
            yield zlib.crc32(text.encode()), dict(zip(names, cells, strict=True))

    def _json_rows(self, first: bytes, lines: Iterator[bytes]) -> Iterator[tuple[int, Mapping[str, object]]]:
        yield self._json_row(first)
        for line in lines:
            yield self._json_row(line)

    def _json_row(self, line: bytes) -> tuple[int, Mapping[str, object]]:
        text = self._text(line)
        try:
            record = parse_json(text, self.path)
        except InputError as error:
            raise self._at("a JSON object on each line, its keys once each", quoted(text)) from error
        if not isinstance(record, dict):
            raise self._at("a JSON object on each line", quoted(text))
        for name in MOONCAKE.columns:
            if name not in record:
                raise self._at(f"an object with the keys {', '.join(MOONCAKE.columns)}", f"no {name}")
        return zlib.crc32(text.encode()), record

    # ---- cells ----

    def _arrival(self, cell: object) -> Nanoseconds:
        """Return the instant that a cell states, in ns from some beginning of time."""
        if self.form is AZURE:
            return self._moment(str(cell))
        return self._whole(self.form.arrival, cell) * (_NS_PER_MS if self.form is MOONCAKE else 1)

    def _moment(self, text: str) -> Nanoseconds:
        found = _MOMENT.fullmatch(text)
        wanted = f"{self.form.arrival} to be a time such as 2023-11-16 18:15:46.6805900"
        if found is None:
            raise self._at(wanted, quoted(text))
        *numbers, rest = found.groups()
        year, month, day, hour, minute, second = map(int, numbers)
        try:
            moment = datetime.datetime(year, month, day, hour, minute, second)
        except ValueError as error:
            raise self._at(wanted, quoted(text)) from error
        whole = moment - datetime.datetime(1970, 1, 1)
        return (whole.days * 86400 + whole.seconds) * _NS_PER_S + int((rest or "0").ljust(9, "0"))

    def _tokens(self, cells: Mapping[str, object], name: str) -> int:
        tokens = self._whole(name, cells[name])
        if not 1 <= tokens <= MOST_TOKENS:
            raise self._at(f"{name} to be 1 to 10^8 tokens", str(tokens))
        return tokens

    def _whole(self, name: str, cell: object) -> int:
        if type(cell) is int and 0 <= cell < 10**18:
            return cell
        if isinstance(cell, str) and self.form is not MOONCAKE and _NUMBER.fullmatch(cell):
            return int(cell)
        got = shown(cell) if not isinstance(cell, str) else quoted(cell)
        raise self._at(f"{name} to be a whole number, 0 or more, of at most 18 digits", got)

    def _blocks(self, cells: Mapping[str, object]) -> tuple[int, ...]:
        """Return the hashes of the prompt's prefixes: as many as it has begun blocks, all different."""
        name = self.form.blocks
        if name is None:
            return ()
        listed = cells[name]
        if not isinstance(listed, list) or any(type(each) is not int or not 0 <= each < 10**18 for each in listed):
            got = "another one" if isinstance(listed, list) else shown(listed)
            raise self._at(f"{name} to be a list of whole numbers, 0 or more, of at most 18 digits", got)
        tokens = self._tokens(cells, self.form.prompt)
        if len(listed) != -(-tokens // BLOCK_TOKENS):
            raise self._at(f"{name} to have one number for every {BLOCK_TOKENS} of {tokens} tokens", f"{len(listed)}")
        if len(set(listed)) < len(listed):
            raise self._at(f"{name} to differ, since each is of what precedes it too", "the same one twice")
        return tuple(listed)
