"""Recordings: what a real scheduler did, one row a request, read as a stream.

A recording is CSV with a header, or JSON lines; either may be compressed with gzip. The columns are `tenant` (a name
of the contracts), `arrival_ns`, `start_ns`, `finish_ns` and `bytes`, in any order; others are ignored. Rows are
ordered by arrival, and the recording begins with nothing under way. Numbers are plain digits: no sign, no exponent,
no underscore. Only one row is held at a time, so that a recording of any length can be read.
"""

import gzip
import io
import json
import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple

from headgate.spec.errors import InputError
from headgate.spec.lines import LineFile, quoted, reason
from headgate.spec.links import implements
from headgate.spec.units import Bytes, Nanoseconds

__all__ = ["COLUMNS", "LONGEST_LINE_BYTES", "Recording", "Row"]

COLUMNS = ("tenant", "arrival_ns", "start_ns", "finish_ns", "bytes")
LONGEST_LINE_BYTES = 65_536
MOST_DIGITS = 18

_GZIP_MAGIC = b"\x1f\x8b"
_NUMBER = re.compile(rb"[0-9]{1,%d}" % MOST_DIGITS)
_WHOLE = f"a whole number of at most {MOST_DIGITS} digits"
_SHOWN_TENANTS = 12


class Row(NamedTuple):
    """One request as it was served; `line` is its place in the file, `tenant` its number among the contracts."""

    line: int
    tenant: int
    arrival_ns: Nanoseconds
    start_ns: Nanoseconds
    finish_ns: Nanoseconds
    bytes: Bytes


class Recording(LineFile):
    """An open recording: iterate once over its rows; use it as a context manager, or close it.

    Every fault raises InputError with the file and the line: when it is opened (the file, the header), or when
    its row is reached.
    """

    kind = "a recording"
    longest = LONGEST_LINE_BYTES

    def __init__(self, path: str | os.PathLike[str], tenants: Sequence[str]) -> None:
        """Open `path`, whose tenant column holds names from `tenants`."""
        super().__init__(path)
        self.tenants = tuple(tenants)
        self._number_of = {name.encode(): number for number, name in enumerate(tenants)}
        try:
            self.size_bytes = os.fstat(self._file.fileno()).st_size
            self._stream = self._decompressed()
            self._rows = self._open_rows()
        except BaseException:
            self.close()
            raise

    def position(self) -> int:
        """Return how many bytes of the file have been read, of `size_bytes`."""
        return self.size_bytes if self._file.closed else self._file.tell()

    @implements("RC-1")
    def __iter__(self) -> Iterator[Row]:
        """Yield the rows; they are in order of arrival, and each starts and finishes after it arrived."""
        earlier = -1
        for row in self._rows:
            _, tenant, arrival, start, finish, size = row
            if not (earlier <= arrival <= start <= finish and size) or tenant < 0:
                raise self._complain(row, earlier)
            earlier = arrival
            yield row
        if earlier < 0:
            raise InputError(self.path, "at least one request", "none after the header")

    # ---- lines ----

    def _decompressed(self) -> BinaryIO:
        file = self._file
        try:
            magic = file.peek(2)[:2]
        except OSError as error:
            raise InputError(self.path, "a recording that can be read", reason(error)) from error
        if magic == _GZIP_MAGIC or (magic and self.path.endswith(".gz")):
            return io.BufferedReader(gzip.GzipFile(fileobj=file), 1 << 16)
        return file

    def _unreadable(self, error: OSError | EOFError | zlib.error) -> InputError:
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            return super()._unreadable(error)
        return self._at("an intact gzip file", str(error))

    # ---- formats ----

    def _open_rows(self) -> Iterator[Row]:
        lines = self._lines(self._stream)
        first = self._first(lines)
        text = self._text(first)
        if text.startswith("{"):
            return self._json_rows(first, lines)
        return self._csv_rows(self._header(text), lines)

    def _header(self, text: str) -> list[str]:
        names = self._names(text)
        for name in COLUMNS:
            if name not in names:
                raise self._at(f"a header with the columns {','.join(COLUMNS)}", f"no {name} in {quoted(text)}")
        return names

    def _csv_rows(self, names: list[str], lines: Iterator[bytes]) -> Iterator[Row]:
        match = _pattern(names).fullmatch
        tenant_of = self._number_of.get
        for line in lines:
            found = match(line)
            if found is None:
                yield self._row_by_row(names, self._text(line))
                continue
            name, arrival, start, finish, size = found.group(*COLUMNS)
            tenant = tenant_of(name)
            if tenant is None:
                raise self._unknown(name.decode(errors="backslashreplace"))
            yield Row(self._line, tenant, int(arrival), int(start), int(finish), int(size))

    def _row_by_row(self, names: list[str], text: str) -> Row:
        """Return the row of a line that is not in the plain form: the last, a quoted one, or a wrong one."""
        cells = self._cells(text)
        if len(cells) != len(names):
            raise self._at(f"{len(names)} cells, as in the header", str(len(cells)))
        return self._row(dict(zip(names, cells, strict=True)))

    def _row(self, cells: Mapping[str, object]) -> Row:
        numbers = [self._whole(name, cells[name]) for name in COLUMNS[1:]]
        tenant = self._number_of.get(str(cells["tenant"]).encode(errors="surrogatepass"))
        if tenant is None:
            raise self._unknown(str(cells["tenant"]))
        return Row(self._line, tenant, *numbers)

    def _whole(self, name: str, cell: object) -> int:
        text = cell if isinstance(cell, str) else str(cell)
        if not _NUMBER.fullmatch(text.encode(errors="replace")):
            raise self._at(f"{name} to be {_WHOLE}", quoted(text))
        return int(text)

    def _json_rows(self, first: bytes, lines: Iterator[bytes]) -> Iterator[Row]:
        decode = _json_decoder()
        yield self._json_row(first, decode)
        for line in lines:
            yield self._json_row(line, decode)

    def _json_row(self, line: bytes, decode: Callable[[str], object]) -> Row:
        text = self._text(line)
        try:
            record = decode(text)
        except _DuplicateKeyError as error:
            raise self._at("each key once", f"two named {quoted(str(error))}") from error
        except (ValueError, RecursionError) as error:
            raise self._at("a JSON object on each line", quoted(text)) from error
        if not isinstance(record, dict):
            raise self._at("a JSON object on each line", quoted(text))
        for name in COLUMNS:
            if name not in record:
                raise self._at(f"an object with the keys {', '.join(COLUMNS)}", f"no {name}")
            kinds = (str, int) if name == "tenant" else (int,)
            if type(record[name]) not in kinds:
                wanted = "a tenant's name" if name == "tenant" else _WHOLE
                raise self._at(f"{name} to be {wanted}", _shown_json(record[name]))
        return self._row(record)

    # ---- complaints ----

    def _unknown(self, name: str) -> InputError:
        known = ", ".join(quoted(tenant) for tenant in self.tenants[:_SHOWN_TENANTS])
        more = len(self.tenants) - _SHOWN_TENANTS
        known += f" and {more} more" if more > 0 else ""
        return self._at(f"a tenant of the contracts ({known})", quoted(name))

    def _complain(self, row: Row, earlier: int) -> InputError:
        """Return what is wrong with a row that can be read."""
        if not row.bytes:
            return self._at("bytes to be at least 1", "0")
        if row.start_ns < row.arrival_ns:
            return self._at(f"start_ns at or after arrival_ns {row.arrival_ns}", str(row.start_ns))
        if row.finish_ns < row.start_ns:
            return self._at(f"finish_ns at or after start_ns {row.start_ns}", str(row.finish_ns))
        return self._at(f"rows in order of arrival_ns, {earlier} or later here", str(row.arrival_ns))


class _DuplicateKeyError(Exception):
    """A key stands twice in a JSON object."""


class _Inexact:
    """A JSON number that is not an integer, or not a number of at most so many digits; `text` as it was written."""

    def __init__(self, text: str) -> None:
        self.text = text


def _json_decoder() -> Callable[[str], object]:
    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        record = dict(items)
        if len(record) < len(items):
            names = [name for name, _ in items]
            raise _DuplicateKeyError(next(name for name in names if names.count(name) > 1))
        return record

    def whole(text: str) -> object:
        return int(text) if len(text) <= MOST_DIGITS else _Inexact(text)

    decoder = json.JSONDecoder(object_pairs_hook=pairs, parse_int=whole, parse_float=_Inexact, parse_constant=_Inexact)
    return decoder.decode


def _pattern(names: Sequence[str]) -> re.Pattern[bytes]:
    """Return the plain form of a line: no quotes, plain digits in the columns of numbers, an end of line."""
    cells = []
    for name in names:
        if name == "tenant":
            cells.append(rb'(?P<tenant>[^,"\r\n\0]*)')
        elif name in COLUMNS:
            cells.append(rb"(?P<%s>[0-9]{1,%d})" % (name.encode(), MOST_DIGITS))
        else:
            cells.append(rb'[^,"\r\n\0]*')
    return re.compile(rb",".join(cells) + rb"\r?\n")


def _shown_json(value: object) -> str:
    if isinstance(value, _Inexact):
        return quoted(value.text)
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return f"the string {quoted(value)}" if isinstance(value, str) else json.dumps(value)
