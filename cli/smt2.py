"""`headgate verify --smt2 DIR`: every query of the theorems as a file, and an index of them."""

from collections.abc import Sequence
from pathlib import Path

from headgate.cli.exits import BadInput
from headgate.proofs.smtlib import HEADER, index_text, scripts
from headgate.proofs.theorem import Theorem

__all__ = ["write_scripts"]

INDEX = "index.txt"


def write_scripts(theorems: Sequence[Theorem], folder: Path) -> int:
    """Write a file a query, and the index; return how many. BadInput, before any is written, for a foreign file."""
    written = [script for theorem in theorems for script in scripts(theorem)]
    names = [INDEX, *(f"{script.name}.smt2" for script in written)]
    for path in (folder / name for name in names):
        _refuse_foreign(path)
    folder.mkdir(parents=True, exist_ok=True)
    for script in written:
        (folder / f"{script.name}.smt2").write_text(script.text, encoding="utf-8")
    (folder / INDEX).write_text(index_text(written), encoding="utf-8")
    return len(written)


def _refuse_foreign(path: Path) -> None:
    """A file that headgate did not write is not replaced."""
    if not path.exists():
        return
    if path.is_file():
        with path.open("rb") as file:
            if file.read(len(HEADER)) == HEADER.encode():
                return
    raise BadInput(f"--smt2 {path}: expected a file that headgate wrote, or none; this is another")
