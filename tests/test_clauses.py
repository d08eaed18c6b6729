"""The clauses: all there, well formed, and readable; and a malformed file is refused at its line."""

from collections import Counter

import pytest

from headgate.spec.clauses import KINDS, clauses, parse_clauses
from headgate.spec.errors import InputError

# How many clauses each mechanism has; ids are never given twice, nor given again when a clause goes.
MECHANISMS = {
    "AD": ("admission", 4),
    "AL": ("allocator", 6),
    "AR": ("arbitration", 9),
    "SA": ("attribution", 3),
    "BD": ("bounds", 15),
    "CH": ("channels", 3),
    "CO": ("colours", 9),
    "CP": ("composition", 5),
    "CM": ("contract-meter", 7),
    "CT": ("contracts", 2),
    "EA": ("early", 2),
    "EV": ("eviction", 13),
    "FQ": ("fair-queueing", 9),
    "FC": ("fq-codel", 4),
    "FR": ("fr-fcfs", 3),
    "GC": ("gcra", 3),
    "HT": ("heat", 8),
    "MG": ("migration", 7),
    "PA": ("pages-admission", 5),
    "PL": ("placement", 5),
    "PR": ("promise", 7),
    "RC": ("recordings", 7),
    "RF": ("refresh", 12),
    "ST": ("starvation", 8),
    "DS": ("steps", 3),
    "TC": ("three-colour-marker", 4),
    "TB": ("token-bucket", 8),
    "VT": ("vtc", 4),
    "WC": ("window-counters", 3),
    "WF": ("wf2q-plus", 4),
    "WQ": ("wfq", 7),
    "WL": ("workload", 4),
}
REFUTED = {
    "AD-2",
    "AL-6",
    "CH-2",
    "CO-4",
    "CO-6",
    "CP-3",
    "CP-4",
    "CM-7",
    "EV-10",
    "EV-11",
    "FQ-9",
    "FC-4",
    "FR-2",
    "HT-3",
    "HT-7",
    "HT-8",
    "MG-4",
    "MG-5",
    "MG-7",
    "PA-2",
    "PL-4",
    "PL-5",
    "RF-6",
    "ST-2",
    "ST-3",
    "ST-4",
    "ST-7",
    "TB-7",
    "TB-8",
    "VT-4",
    "WQ-6",
}


def test_every_clause_is_there() -> None:
    """The ids are these, numbered from 1 without holes, in the file of their mechanism."""
    expected = {f"{prefix}-{n}": name for prefix, (name, count) in MECHANISMS.items() for n in range(1, count + 1)}
    assert {clause.id: clause.mechanism for clause in clauses().values()} == expected


def test_clauses_stand_in_order() -> None:
    """Within a file the numbers rise."""
    for prefix in MECHANISMS:
        numbers = [int(name.split("-")[1]) for name in clauses() if name.startswith(prefix)]
        assert numbers == sorted(numbers)


def test_refuted_clauses_say_so() -> None:
    """What does not hold is marked where it is stated, and nothing else is."""
    assert {clause.id for clause in clauses().values() if clause.must_hold.startswith("(Refuted")} == REFUTED


def test_prose_is_prose() -> None:
    """No clause is a stub, no two say the same, and no label is left inside a text."""
    texts = [text for c in clauses().values() for text in (c.must_hold, c.why, c.source, *c.gaps.values())]
    assert all("**" not in text for text in texts)
    assert all(len(clause.must_hold.split()) > 8 for clause in clauses().values())
    assert max(Counter(clause.must_hold for clause in clauses().values()).values()) == 1


GOOD = """# A mechanism

What it is.

## XY-1 First

**Must hold.** One
and more.

A second paragraph.

**Why.** Because.

**Source.** Somebody.

**Gap (theorem).** It is a definition.

## XY-2 Second

**Must hold.** Two.

**Why.** Because.

**Source.** Somebody.
"""


def test_a_file_is_read() -> None:
    """Labels end up in their fields, a paragraph without one continues the label before it."""
    first, second = parse_clauses(GOOD, "some-thing.md")
    assert (first.id, first.title, first.mechanism, first.place) == ("XY-1", "First", "some-thing", "some-thing.md:5")
    assert first.must_hold == "One\nand more.\n\nA second paragraph."
    assert (first.why, first.source, first.gaps) == ("Because.", "Somebody.", {"theorem": "It is a definition."})
    assert (second.id, second.gaps) == ("XY-2", {})


BAD = [
    (
        "## XY-1 First",
        "## XY-01 First",
        "x.md:5: expected a heading such as '## TB-4 The envelope', got '## XY-01 First'",
    ),
    ("## XY-1 First", "## XY-1", "x.md:5: expected a heading such as '## TB-4 The envelope', got '## XY-1'"),
    ("## XY-2 Second", "## XY-1 Second", "x.md:18: expected an id of its own, got XY-1 of x.md:5"),
    ("**Why.** Because.\n\n", "", "x.md:5: XY-1: expected a paragraph '**Why.** ...', got none"),
    ("**Must hold.** Two", "Two", "x.md:20: expected a label such as '**Must hold.** ', got 'Two.'"),
    (
        "**Gap (theorem).**",
        "**Gap (proof).**",
        "x.md:16: expected a label such as '**Must hold.** ', got '**Gap (proof).** It is a definition.'",
    ),
    (
        "**Gap (theorem).** It is a definition.",
        "**Gap (theorem).**",
        "x.md:16: expected a label such as '**Must hold.** ', got '**Gap (theorem).**'",
    ),
    ("**Gap (theorem).** It", "**Why.** It", "x.md:16: expected one 'Why' in a clause, got a second"),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD)
def test_a_malformed_file_is_refused(old: str, new: str, message: str) -> None:
    """The line says which file and line, and what was expected there."""
    assert old in GOOD
    with pytest.raises(InputError) as refusal:
        parse_clauses(GOOD.replace(old, new, 1), "x.md")
    assert str(refusal.value) == message


def test_a_file_without_clauses_is_refused() -> None:
    """An empty file is a mistake, not a mechanism without rules."""
    with pytest.raises(InputError, match=r"x\.md: expected a clause, got none"):
        parse_clauses("# Nothing\n", "x.md")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_gap_can_be_declared(kind: str) -> None:
    """A gap names the link that is missing."""
    text = GOOD.replace("**Gap (theorem).**", f"**Gap ({kind}).**")
    assert parse_clauses(text, "x.md")[0].gaps == {kind: "It is a definition."}
