"""`headgate verify --smt2 DIR`: every query of the theorems as a file, and an index of them."""

from collections.abc import Sequence

from headgate.cli.places import OutputFolder, marked
from headgate.proofs.smtlib import HEADER, index_text, scripts
from headgate.proofs.theorem import Theorem

__all__ = ["write_scripts"]

INDEX = "index.txt"


def write_scripts(theorems: Sequence[Theorem], folder: OutputFolder) -> int:
    """Write a file a query, and the index; return how many. InputError, before any is written, for a foreign file."""
    written = [script for theorem in theorems for script in scripts(theorem)]
    folder.refuse_foreign([INDEX, *(f"{script.name}.smt2" for script in written)], marked(HEADER))
    folder.make()
    for script in written:
        folder.write(f"{script.name}.smt2", script.text)
    folder.write(INDEX, index_text(written))
    return len(written)
