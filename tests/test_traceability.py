"""Every clause is implemented, tested and proved by something, or says why not; and the check can complain."""

from collections.abc import Mapping, Sequence

import pytest

from headgate.cli.links import import_rooms, theorems
from headgate.spec.clauses import Clause, parse_clauses
from headgate.spec.traceability import count_gaps, faults, holes, rows, stale_gaps, unknown_ids


def test_no_hole_no_unknown_id_no_stale_gap() -> None:
    """The table of this very code is sound."""
    import_rooms()
    assert faults(theorems()) == []


# ---- the check itself, on a tiny book of two clauses ----

BOOK = """
## XY-1 First

**Must hold.** One.

**Why.** Because.

**Source.** Somebody.

## XY-2 Second

**Must hold.** Two.

**Why.** Because.

**Source.** Somebody.

**Gap (theorem).** It is a definition.
"""
MODEL = {"XY-1": ["m.one"], "XY-2": ["m.two"]}
CHECKS = {"XY-1": ["p.b", "p.a"], "XY-2": ["p.two"]}
PROOFS = {"T": ("XY-1",)}


@pytest.fixture
def book() -> dict[str, Clause]:
    """Return the two clauses by id."""
    return {clause.id: clause for clause in parse_clauses(BOOK, "xy.md")}


def test_a_sound_table(book: dict[str, Clause]) -> None:
    """Nothing to complain of, one gap, and links in alphabetical order."""
    table = rows(PROOFS, MODEL, CHECKS, book)
    assert holes(table) == stale_gaps(table) == unknown_ids(PROOFS, MODEL, CHECKS, book) == []
    assert count_gaps(table) == 1
    assert table[0].links == {"model": ("m.one",), "property": ("p.a", "p.b"), "theorem": ("T",)}
    assert table[1].missing == ("theorem",)


@pytest.mark.parametrize(
    ("proofs", "model", "checks", "line"),
    [
        (
            PROOFS,
            {"XY-2": ["m.two"]},
            CHECKS,
            "XY-1 (xy.md:2): expected a model or '**Gap (model).** reason', got neither",
        ),
        (
            PROOFS,
            MODEL,
            {"XY-1": ["p"]},
            "XY-2 (xy.md:10): expected a property or '**Gap (property).** reason', got neither",
        ),
        ({}, MODEL, CHECKS, "XY-1 (xy.md:2): expected a theorem or '**Gap (theorem).** reason', got neither"),
    ],
)
def test_a_hole(
    book: dict[str, Clause],
    proofs: Mapping[str, Sequence[str]],
    model: Mapping[str, Sequence[str]],
    checks: Mapping[str, Sequence[str]],
    line: str,
) -> None:
    """A missing link of any kind is a hole, unless it is declared."""
    assert holes(rows(proofs, model, checks, book)) == [line]


def test_a_stale_gap(book: dict[str, Clause]) -> None:
    """A gap that is declared although the theorem exists."""
    table = rows({"T": ("XY-1", "XY-2")}, MODEL, CHECKS, book)
    assert stale_gaps(table) == ["XY-2 (xy.md:10): declares a gap (theorem), but there is T"]


def test_unknown_ids(book: dict[str, Clause]) -> None:
    """A function, a property and a theorem that name a clause that does not exist, and a theorem that names none."""
    lines = unknown_ids({"T": ("XY-3",), "U": ()}, {"XY-4": ["m"]}, {"XY-5": ["p"]}, book)
    assert lines == [
        "m: names clause XY-4, which does not exist",
        "p: names clause XY-5, which does not exist",
        "T: names clause XY-3, which does not exist",
        "U: names no clause",
    ]
