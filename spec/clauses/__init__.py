"""The numbered clauses: what must hold, why, and after whom; read from the Markdown files of this folder.

One file is one mechanism. A clause is a heading such as `## TB-4 The envelope`, and paragraphs that begin with a
label: **Must hold.**, **Why.**, **Source.**, and **Gap (theorem).**, **Gap (property).** or **Gap (model).** with
the reason where that link is missing on purpose.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from itertools import pairwise

import attrs

from headgate.spec.errors import InputError

__all__ = ["KINDS", "Clause", "clauses", "parse_clauses"]

# The links that a clause must have, in the order in which they are shown.
KINDS = ("model", "property", "theorem")

_HEADING = re.compile(r"## ([A-Z]{2}-[1-9]\d*) (\S.*)")
_LABEL = re.compile(r"\*\*(Must hold|Why|Source|Gap \((?:model|property|theorem)\))\.\*\* (?=\S)")
_PROSE = ("Must hold", "Why", "Source")


@attrs.frozen
class Clause:
    """One clause. `gaps` maps a kind of link to the reason why it is missing on purpose."""

    id: str
    title: str
    mechanism: str
    must_hold: str
    why: str
    source: str
    gaps: Mapping[str, str] = attrs.field(factory=dict, eq=False)
    place: str = ""


@functools.cache
def clauses() -> Mapping[str, Clause]:
    """Return every shipped clause by its id, in the order of the files and within them."""
    folder = resources.files("headgate.spec.clauses")
    found: dict[str, Clause] = {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".md"):
            for clause in parse_clauses(file.read_text(encoding="utf-8"), file.name):
                _refuse_second(clause, found)
                found[clause.id] = clause
    return found


def _refuse_second(clause: Clause, found: Mapping[str, Clause]) -> None:
    if clause.id in found:
        raise InputError(clause.place, "an id of its own", f"{clause.id} of {found[clause.id].place}")


def parse_clauses(content: str, source: str) -> tuple[Clause, ...]:
    """Return the clauses of one file; InputError, with file and line, where it is malformed."""
    found: dict[str, Clause] = {}
    for clause in _sections(content, source):
        _refuse_second(clause, found)
        found[clause.id] = clause
    if not found:
        raise InputError(source, "a clause", "none")
    return tuple(found.values())


def _sections(content: str, source: str) -> Iterator[Clause]:
    lines = content.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("## ")]
    for start, end in pairwise([*starts, len(lines)]):
        place = f"{source}:{start + 1}"
        heading = _HEADING.fullmatch(lines[start].rstrip())
        if heading is None:
            raise InputError(place, "a heading such as '## TB-4 The envelope'", f"'{lines[start]}'")
        labels = _labelled(lines[start + 1 : end], source, start + 2)
        yield _clause(heading, labels, source.removesuffix(".md"), place)


def _labelled(lines: list[str], source: str, first: int) -> dict[str, str]:
    """Return the text under each label; a paragraph without one belongs to the label before it."""
    labels: dict[str, str] = {}
    label = None
    for number, paragraph in _paragraphs(lines, first):
        match = _LABEL.match(paragraph)
        place = f"{source}:{number}"
        if match is None and (label is None or paragraph.startswith("**")):
            raise InputError(place, "a label such as '**Must hold.** '", f"'{paragraph[:40]}'")
        if match is None:
            labels[str(label)] += "\n\n" + paragraph
            continue
        label = match.group(1)
        if label in labels:
            raise InputError(place, f"one '{label}' in a clause", "a second")
        labels[label] = paragraph[match.end() :]
    return labels


def _paragraphs(lines: list[str], first: int) -> Iterator[tuple[int, str]]:
    block: list[str] = []
    for number, line in enumerate([*lines, ""], first):
        if line.strip():
            block.append(line.rstrip())
        elif block:
            yield number - len(block), "\n".join(block)
            block = []


def _clause(heading: re.Match[str], labels: Mapping[str, str], mechanism: str, place: str) -> Clause:
    for label in _PROSE:
        if label not in labels:
            raise InputError(f"{place}: {heading.group(1)}", f"a paragraph '**{label}.** ...'", "none")
    gaps = {kind: labels[f"Gap ({kind})"] for kind in KINDS if f"Gap ({kind})" in labels}
    must_hold, why, source = (labels[label] for label in _PROSE)
    return Clause(heading.group(1), heading.group(2), mechanism, must_hold, why, source, gaps, place)
