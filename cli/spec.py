"""`headgate spec`: the clauses, and what implements, tests and proves each of them.

Exit code 0: every link is there or a declared gap; 1: the links have faults, which are shown; 2: no such clause.
"""

import difflib
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import click

from headgate.cli.exits import BadInput, exit_for
from headgate.cli.links import import_rooms, theorems
from headgate.cli.output import Screen, format_option, json_text
from headgate.spec.clauses import KINDS, clauses
from headgate.spec.traceability import Row, count_gaps, faults, rows
from headgate.spec.vocabulary import Verdict

__all__ = ["spec"]

LABEL_WIDTH = 9


@click.command(short_help="Read the clauses, and what implements and proves them.")
@click.argument("clause", metavar="[CLAUSE]", required=False)
@format_option()
def spec(clause: str | None, form: str) -> int:
    """Print every clause with the functions, properties and theorems that link to it, or its declared gaps.

    With CLAUSE, such as TB-4, print that clause in full.

    Exit codes: 0 every link is there or declared as a gap, 1 some are not, 2 there is no such clause.
    """
    known = _known(clause) if clause is not None else None
    import_rooms()
    table, wrong = rows(theorems()), faults(theorems())
    if known is not None:
        table, wrong = tuple(row for row in table if row.clause.id == known), []
    verdict = Verdict.VIOLATED if wrong else Verdict.HOLDS
    if form == "json":
        click.echo(json_text("spec", verdict, [_result(row) for row in table]))
    elif known is not None:
        click.echo("\n".join(_in_full(table[0], Screen.of_stdout())))
    else:
        click.echo("\n".join(_table(table, wrong, Screen.of_stdout())))
    return exit_for(verdict)


def _known(given: str) -> str:
    """Return the id as it is written in the clauses; BadInput, with the nearest ids, where there is none."""
    wanted = given.strip().upper()
    if wanted in clauses():
        return wanted
    near = [each for each in clauses() if each.startswith(wanted[:3])] if wanted else []
    near = near[:9] or difflib.get_close_matches(wanted, clauses(), 4) or list(clauses())[:4]
    raise BadInput(f"spec: expected the id of a clause (such as {', '.join(near)}), got {given[:60]!r}")


# ---- text ----


def _table(table: Sequence[Row], wrong: Sequence[str], screen: Screen) -> Iterator[str]:
    mechanism = ""
    for row in table:
        if row.clause.mechanism != mechanism:
            mechanism = row.clause.mechanism
            yield screen.paint(mechanism.replace("-", " "), "title")
        yield f"  {row.clause.id.ljust(6)}{row.clause.title}"
        yield from (line for kind in KINDS for line in _links(row, kind, screen))
    for line in wrong:
        yield from textwrap.wrap(f"FAULT {line}", screen.width, subsequent_indent="  ")
    faulty = f", {len(wrong)} faults" if wrong else ""
    yield f"\n{len(table)} clauses, {sum(map(_count, table))} links, {count_gaps(table)} declared gaps{faulty}"


def _count(row: Row) -> int:
    return sum(len(names) for names in row.links.values())


def _links(row: Row, kind: str, screen: Screen) -> Iterator[str]:
    """Yield the lines of one kind of link: names without the part that says the room, or the reason of the gap."""
    names = [_short(name) for name in row.links[kind]]
    gap = row.clause.gaps.get(kind)
    words = " ".join(names) if names else f"gap: {' '.join(gap.split())}" if gap is not None else "MISSING"
    colour = "quiet" if names else "doubt" if gap is not None else "bad"
    label = " " * 4 + kind.ljust(LABEL_WIDTH)
    yield from (screen.paint(line, colour) for line in _wrapped(label, words, screen))


def _short(name: str) -> str:
    """`headgate.model.bucket.refill` as `bucket.refill`; ids of theorems stay."""
    for room in ("headgate.model.", "headgate.properties.", "headgate."):
        name = name.removeprefix(room)
    return name


def _wrapped(label: str, words: str, screen: Screen) -> list[str]:
    """Return the words after the label; a name is never broken, even where it leaves the screen."""
    width = screen.width - len(label)
    lines = textwrap.wrap(words, width, break_on_hyphens=False, break_long_words=False)
    return [(label if number == 0 else " " * len(label)) + line for number, line in enumerate(lines)]


def _in_full(row: Row, screen: Screen) -> Iterator[str]:
    clause = row.clause
    yield f"{screen.paint(f'{clause.id} {clause.title}', 'title')} ({clause.mechanism.replace('-', ' ')})"
    for label, text in (("Must hold", clause.must_hold), ("Why", clause.why), ("Source", clause.source)):
        yield ""
        for number, paragraph in enumerate(text.split("\n\n")):
            before = f"{label}: " if number == 0 else ""
            yield from textwrap.wrap(before + " ".join(paragraph.split()), screen.width, break_on_hyphens=False)
    yield ""
    for kind in KINDS:
        yield from _full_links(row, kind, screen)


def _full_links(row: Row, kind: str, screen: Screen) -> Iterator[str]:
    gap = row.clause.gaps.get(kind)
    lines = list(row.links[kind])
    if kind == "theorem":
        lines = [f"{name}: {_statement(name)}" for name in lines]
    if not lines:
        lines = [f"gap: {' '.join(gap.split())}" if gap is not None else "MISSING"]
    for number, line in enumerate(lines):
        label = kind if number == 0 else ""
        yield from _wrapped(f"  {label.ljust(LABEL_WIDTH)}", line, screen)


def _statement(theorem: str) -> str:
    from headgate.proofs.catalogue import catalogue

    return next(each.statement for each in catalogue() if each.id == theorem)


# ---- JSON ----


def _result(row: Row) -> dict[str, Any]:
    clause = row.clause
    return {
        "id": clause.id,
        "title": clause.title,
        "mechanism": clause.mechanism,
        "must_hold": clause.must_hold,
        "why": clause.why,
        "source": clause.source,
        **{kind: list(row.links[kind]) for kind in KINDS},
        "gaps": dict(clause.gaps),
        "missing": [kind for kind in row.missing if kind not in clause.gaps],
    }
