"""Files of lines: what recordings and workloads have in common, read as a stream and refused line by line.

Only one line is held at a time, and none that is longer than allowed; every fault says the file and the line.
"""

import csv
import os
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, ClassVar, Self

from headgate.spec.errors import InputError, one_line

__all__ = ["BYTE_ORDER_MARK", "LineFile", "quoted", "reason"]

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_SHOWN_CHARACTERS = 60


class LineFile:
    """An open file of lines; use it as a context manager, or close it.

    `kind` names what such a file is, with its article; `longest` is the most bytes of a line.
    """

    kind: ClassVar[str]
    longest: ClassVar[int]

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open `path`; InputError where that is not possible."""
        self.path = os.fspath(path)
        self._line = 0
        try:
            self._file = Path(path).open("rb")  # noqa: SIM115 - closed by close()
        except (OSError, ValueError) as error:
            raise InputError(self.path, f"{self.kind} that can be read", reason(error)) from error

    def __enter__(self) -> Self:
        """Return the file itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file; rows that were not read yet are gone."""
        self._file.close()

    def _first(self, lines: Iterator[bytes]) -> bytes:
        """Return the first line, without a mark of byte order."""
        first = next(lines, None)
        if first is None:
            raise InputError(self.path, self.kind, "an empty file" if not self._line else "empty lines")
        return first.removeprefix(BYTE_ORDER_MARK)

    def _lines(self, stream: BinaryIO) -> Iterator[bytes]:
        """Yield the lines with their ends, at most a byte longer than allowed each; empty ones only at the end."""
        empty = 0
        try:
            for line in iter(partial(stream.readline, self.longest + 1), b""):
                self._line += 1
                if line in (b"\n", b"\r\n"):
                    empty = empty or self._line
                    continue
                if empty:
                    raise InputError(f"{self.path}:{empty}", "a request", "an empty line")
                yield line
        except (OSError, EOFError, zlib.error) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError | EOFError | zlib.error) -> InputError:
        """Return what to say of a file that cannot be read on."""
        return self._at(f"{self.kind} that can be read", reason(error))

    def _at(self, expected: str, got: str = "") -> InputError:
        return InputError(f"{self.path}:{max(1, self._line)}", expected, got)

    def _text(self, line: bytes) -> str:
        """Return a line without its end, as text, or refuse it."""
        if len(line) > self.longest:
            raise self._at(f"lines of at most {self.longest} bytes", "a longer one")
        if b"\0" in line:
            raise self._at("text", "a NUL byte (a binary file?)")
        try:
            return line.decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise self._at("text in UTF-8", f"byte 0x{line[error.start]:02x}") from error

    def _names(self, text: str) -> list[str]:
        """Return the columns of a header, each of which stands there once."""
        names = self._cells(text)
        for name in names:
            if names.count(name) > 1:
                raise self._at("each column once", f"two named {quoted(name)}")
        return names

    def _cells(self, text: str) -> list[str]:
        try:
            return next(csv.reader([text], strict=True), [""])
        except csv.Error as error:
            raise self._at("cells between commas, quoted in pairs", str(error)) from error


def quoted(text: str) -> str:
    """Return `text` as a message shows it: quoted, on one line, cut where it is long."""
    cut = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."
    return f"'{one_line(cut.encode(errors='backslashreplace').decode())}'"


def reason(error: Exception) -> str:
    """Return why a file cannot be opened or read, in a few words."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "a directory"
    if isinstance(error, PermissionError):
        return "no permission"
    return (getattr(error, "strerror", None) or str(error)).lower()
