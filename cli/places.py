"""Where a command writes: refused before anything is run, and a file written whole or not at all.

One meaning for every command. A file that a user names is written over, unless this command reads or writes it
already; of a folder, in which headgate chooses the names, only what headgate wrote is written over.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from headgate.spec.errors import InputError

__all__ = ["OutputFile", "OutputFolder", "marked"]

A_FILE = "a file in a folder that can be written"
A_FOLDER = "a folder, or one that can be made"


class OutputFile:
    """A file that a user names: see the top of this module."""

    def __init__(
        self,
        option: str,
        name: str | Path,
        others: Iterable[str | Path | None] = (),
        suffixes: tuple[str, ...] = (),
        is_new: bool = False,
    ) -> None:
        """Refuse, as an InputError that names `option`, what cannot be written, or is one of the `others`.

        `suffixes`: how its name has to end, if they are given; `is_new`: whatever is there already stays.
        """
        self.place, self.suffix, self.is_new = f"{option} {name}", Path(name).suffix, is_new
        if suffixes and self.suffix not in suffixes:
            raise InputError(self.place, f"a name that ends in {_or(suffixes)}")
        if self.suffix == ".png" and find_spec("matplotlib") is None:
            raise InputError(self.place, "matplotlib for .png (pip install 'headgate[plots]'), or a name in .svg")
        with _one_line(self.place, A_FILE):
            self.path, self.is_stream = _target(Path(name))
            if not _can_be_written(self.path, self.is_stream):
                raise InputError(self.place, A_FILE)
            if is_new and self.path.exists():
                raise InputError(self.place, "a file that is not there yet, lest one of yours be lost")
            if not self.is_stream and any(_is_same(self.path, other) for other in others if other is not None):
                raise InputError(self.place, "a file that this command does not read or write already")

    def write(self, text: str) -> None:
        """Write the file, what is no character as "?"; InputError where that fails, and what was there stays."""
        self.write_by(lambda path: path.write_text(text, "utf-8", "replace"))

    def write_by(self, write: Callable[[Path], object]) -> None:
        """Let `write` write a file beside this one, which takes its place once that is done."""
        partial = self.path if self.is_stream else self.path.with_name(f".headgate.{os.getpid()}")
        with _one_line(self.place, "a file that can be written"):
            try:
                write(partial)
                if not self.is_stream:
                    self._replace(partial)
            finally:
                if not self.is_stream:
                    with contextlib.suppress(OSError):
                        partial.unlink(missing_ok=True)

    def _replace(self, partial: Path) -> None:
        if self.is_new:
            self.path.touch(exist_ok=False)  # somebody else's may have come meanwhile
        elif self.path.exists():
            shutil.copymode(self.path, partial)
        partial.replace(self.path)


class OutputFolder:
    """A folder that a user names, for files that headgate names."""

    def __init__(self, option: str, name: str) -> None:
        """Refuse, as an InputError that names `option`, what is no folder that can be written, nor can become one."""
        self.option, self.place, self.path = option, f"{option} {name}", Path(name)
        with _one_line(self.place, A_FOLDER):
            if not name or not _can_hold(next(each for each in _upwards(self.path) if each.exists())):
                raise InputError(self.place, A_FOLDER)

    def refuse_foreign(self, names: Iterable[str], is_ours: Callable[[Path], bool]) -> None:
        """Refuse, before any is written, to write over a file that is none of ours."""
        for path in (self.path / name for name in names):
            with _one_line(f"{self.option} {path}", A_FILE):
                if not path.exists() and not path.is_symlink():
                    continue
                if not path.is_file() or not is_ours(path):
                    words = "a file that headgate wrote, or none; this is another"
                    raise InputError(f"{self.option} {path}", words)
                if not os.access(path, os.W_OK):
                    raise InputError(f"{self.option} {path}", "a file that can be written")

    def make(self) -> None:
        """Make the folder, if it is not there."""
        with _one_line(self.place, A_FOLDER):
            self.path.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, text: str) -> None:
        """Write a file of the folder, which is there."""
        OutputFile(self.option, self.path / name).write(text)


def marked(mark: str, within: int | None = None) -> Callable[[Path], bool]:
    """Return what says whether a file has `mark` among its first bytes: `within` so many, or at its very beginning."""
    head = mark.encode()

    def is_ours(path: Path) -> bool:
        with path.open("rb") as file:
            return head in file.read(within if within is not None else len(head))

    return is_ours


def _target(path: Path) -> tuple[Path, bool]:
    """Return what is to be replaced: behind links, as they stay. And whether it is no file, but a pipe or a device."""
    if path.exists() and not path.is_file():
        return path, not path.is_dir()
    return Path(os.path.realpath(path)), False


def _can_be_written(path: Path, is_stream: bool) -> bool:
    if is_stream:
        return os.access(path, os.W_OK)
    if path.is_dir() or not _can_hold(path.parent):
        return False
    return os.access(path, os.W_OK) if path.exists() else not path.is_symlink()  # a link to itself


def _can_hold(folder: Path) -> bool:
    """Whether files can be made in it."""
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _upwards(path: Path) -> tuple[Path, ...]:
    there = path.absolute()
    return (there, *there.parents)


def _is_same(path: Path, other: str | Path) -> bool:
    there = Path(os.path.realpath(other))
    return path == there or (path.exists() and there.exists() and path.samefile(there))


@contextlib.contextmanager
def _one_line(place: str, expected: str) -> Iterator[None]:
    """Say what the system refused (a name too long, a folder that may not be looked into) of which option."""
    try:
        yield
    except OSError as error:
        raise InputError(place, expected, error.strerror or "") from error


def _or(words: tuple[str, ...]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
