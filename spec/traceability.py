"""Which clause is implemented, tested and proved by what: computed from the code, never written down.

The functions that say `@implements` and the properties that say `@checks` must have been imported; the
theorems are handed in, since this room may not import the room that states them. A missing link is a hole unless
the clause declares it as a gap, with a reason; a gap that is declared although the link exists is stale.
"""

from collections.abc import Mapping, Sequence

import attrs

from headgate.spec.clauses import KINDS, Clause, clauses
from headgate.spec.links import CHECKS, IMPLEMENTS

__all__ = ["Row", "count_gaps", "faults", "holes", "rows", "stale_gaps", "unknown_ids"]

# What links to each kind: `headgate.spec.links` for the first two, the caller for the third.
Links = Mapping[str, Sequence[str]]


@attrs.frozen
class Row:
    """One line of the table: a clause, and by kind what links to it (dotted names, or ids of theorems)."""

    clause: Clause
    links: Mapping[str, tuple[str, ...]]

    @property
    def missing(self) -> tuple[str, ...]:
        """The kinds of which there is no link."""
        return tuple(kind for kind in KINDS if not self.links[kind])


def rows(
    theorems: Links,
    implements: Links = IMPLEMENTS,
    checks: Links = CHECKS,
    known: Mapping[str, Clause] | None = None,
) -> tuple[Row, ...]:
    """Return the table, a row a clause; `theorems` maps the id of each theorem to the clauses it proves."""
    proofs = _by_clause(theorems)
    tables = dict(zip(KINDS, (implements, checks, proofs), strict=True))
    return tuple(
        Row(clause, {kind: tuple(sorted(table.get(clause.id, ()))) for kind, table in tables.items()})
        for clause in (clauses() if known is None else known).values()
    )


def _by_clause(theorems: Links) -> dict[str, list[str]]:
    proofs: dict[str, list[str]] = {}
    for theorem, about in theorems.items():
        for clause in about:
            proofs.setdefault(clause, []).append(theorem)
    return proofs


def holes(table: Sequence[Row]) -> list[str]:
    """Return a line for every link that is missing and not declared as a gap."""
    return [
        f"{row.clause.id} ({row.clause.place}): expected a {kind} or '**Gap ({kind}).** reason', got neither"
        for row in table
        for kind in row.missing
        if kind not in row.clause.gaps
    ]


def stale_gaps(table: Sequence[Row]) -> list[str]:
    """Return a line for every gap that is declared although the link exists."""
    return [
        f"{row.clause.id} ({row.clause.place}): declares a gap ({kind}), but there is {row.links[kind][0]}"
        for row in table
        for kind in row.clause.gaps
        if row.links[kind]
    ]


def unknown_ids(
    theorems: Links,
    implements: Links = IMPLEMENTS,
    checks: Links = CHECKS,
    known: Mapping[str, Clause] | None = None,
) -> list[str]:
    """Return a line for every link to a clause that does not exist, and every theorem without a clause."""
    ids = clauses() if known is None else known
    named = [(name, clause) for table in (implements, checks) for clause in table for name in table[clause]]
    named += [(theorem, clause) for theorem, about in theorems.items() for clause in about]
    lines = [f"{name}: names clause {clause}, which does not exist" for name, clause in named if clause not in ids]
    return lines + [f"{theorem}: names no clause" for theorem, about in theorems.items() if not about]


def count_gaps(table: Sequence[Row]) -> int:
    """Return how many links are missing on purpose."""
    return sum(len(row.clause.gaps) for row in table)


def faults(theorems: Links) -> list[str]:
    """Return everything that is wrong with the traceability of what has been imported; empty if sound."""
    table = rows(theorems)
    return unknown_ids(theorems) + holes(table) + stale_gaps(table)
