"""`headgate verify --trust`: what each theorem takes for granted, and what all of them rest on. It proves nothing."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from headgate.cli.output import Screen
from headgate.proofs.manifest import Statement
from headgate.proofs.theorem import Expect, Theorem
from headgate.proofs.trust import TRUSTED_BASE, Exactness, Trust, exactness, trust_of

__all__ = ["trust_rows", "trust_text"]


def trust_text(theorems: Sequence[Theorem], statements: Sequence[Statement], screen: Screen) -> str:
    """Return the whole text: the theorems, the table of exactness, the statements that are missing, the base."""
    lines = [line for theorem in theorems for line in _theorem(trust_of(theorem), screen)]
    lines += [*_exactness(exactness(theorems), screen), *_gaps(statements, screen), *_base(screen)]
    return "\n".join(lines).lstrip("\n")


def trust_rows(theorems: Sequence[Theorem]) -> list[dict[str, Any]]:
    """Return the same, theorem by theorem, for JSON."""
    return [_row(trust_of(theorem)) for theorem in theorems]


def _row(trust: Trust) -> dict[str, Any]:
    return {
        "id": trust.theorem.id,
        "statement": trust.theorem.statement,
        "scope": trust.theorem.scope,
        "assumptions": list(trust.assumptions),
        "abstraction": trust.abstraction,
        "limit": trust.limit,
        "rests_on": [{"theorem": name, "limit": limit} for name, limit in trust.rests_on],
        "invariants": {name: list(conjuncts) for name, conjuncts in trust.shown},
        "borrowed_invariants": list(trust.borrowed),
        "no_spacer": trust.no_spacer or None,
        "never_less": trust.theorem.partner or None,
        "unpaired": trust.theorem.unpaired or None,
    }


def _theorem(trust: Trust, screen: Screen) -> Iterator[str]:
    theorem = trust.theorem
    refuted = "to be refuted: " if theorem.expect is Expect.REFUTED else ""
    yield ""
    yield screen.paint(theorem.id, "title")
    yield from _wrapped("", f"{refuted}{theorem.statement}", screen)
    yield from _wrapped("for", theorem.scope, screen)
    for assumed in trust.assumptions:
        yield from _wrapped("assumes", assumed, screen)
    if trust.abstraction:
        yield from _wrapped("abstracts", trust.abstraction, screen)
    if trust.limit:
        yield from _wrapped("only up to", trust.limit, screen)
    if trust.rests_on:
        yield from _wrapped(
            "rests on", ", ".join(f"{name} ({limit})" if limit else name for name, limit in trust.rests_on), screen
        )
    for name, conjuncts in trust.shown:
        words = ", ".join(conjunct.replace("_", " ") for conjunct in conjuncts)
        yield from _wrapped("inductive", f"{name} ({words})", screen)
    if theorem.unpaired:
        yield from _wrapped("no partner", theorem.unpaired, screen)
    if trust.no_spacer:
        yield from _wrapped("no Spacer", trust.no_spacer, screen)
    if trust.borrowed:
        yield from _wrapped("borrows", f"the invariants of other theorems: {', '.join(trust.borrowed)}", screen)


def _exactness(table: Sequence[Exactness], screen: Screen) -> Iterator[str]:
    if not table:
        return
    yield from ("", screen.paint('Exactness: who says "never more", and who says "never less"', "title"))
    width = max(len(row.theorem) for row in table)
    for row in table:
        yield f"  {row.theorem.ljust(width)}  {'says both' if row.is_both else row.partner}"


def _gaps(statements: Sequence[Statement], screen: Screen) -> Iterator[str]:
    if not statements:
        return
    missing = [statement for statement in statements if statement.gap]
    settled = sum(any(True for _ in statement.theorems) for statement in statements)
    title = f"Statements: {settled} of {len(statements)} have theorems; these are not, or not wholly, covered"
    yield from ("", *(screen.paint(line, "title") for line in textwrap.wrap(title, screen.width)))
    for statement in missing:
        yield from _wrapped(statement.id, f"{statement.says} {statement.gap}", screen, 17)


def _base(screen: Screen) -> Iterator[str]:
    yield from ("", screen.paint("What all of them rest on, and what stands against an error there", "title"))
    for what, why, against in TRUSTED_BASE:
        yield from _wrapped("", f"{what}: {why}. {against[0].upper()}{against[1:]}.", screen)


def _wrapped(label: str, text: str, screen: Screen, width: int = 11) -> list[str]:
    indent = " " * (2 + (width if label else 0))
    first = f"  {label.ljust(width)}" if label else indent
    if len(first) > len(indent):
        first += " "
    return textwrap.wrap(text, screen.width, initial_indent=first, subsequent_indent=indent)
