"""Broken invariants: without any one conjunct of its invariant, a theorem is no longer proved."""

from collections.abc import Callable

import pytest
import z3

from headgate.proofs.catalogue import catalogue
from headgate.proofs.invariants import dropping, invariant, watching
from headgate.proofs.runner import Limits, _first_failure, _Undecided
from headgate.proofs.symbolic import symbolic
from headgate.proofs.theorem import Theorem

THEOREMS = {theorem.id: theorem for theorem in catalogue()}
LIMITS = Limits(resources=3_000_000, backstop_ms=10_000)

# What its own theorem does not miss: another theorem of the same proof that does, or the reason why it stands there.
NOT_MISSED = {
    ("meter-full-burst", "burst", "sent_within_rate"):
        "it ties the elapsed time to a burst at p; the decision needs only the time",
    ("sfq-pairwise-gap", "queue", "others_end_later"): "theorem sfq-code",
    ("sfq-code", "sfq bracket", "head_near"): "theorem sfq-pairwise-gap",
    ("scfq-pairwise-gap", "queue", "cost_positive"): "theorem deep-queues",
    ("scfq-pairwise-gap", "queue", "others_end_later"): "theorem scfq-code",
    ("scfq-pairwise-gap", "scfq bracket", "finish_passed"): "theorem scfq-code",
    ("scfq-code", "queue", "cost_positive"): "theorem deep-queues",
    ("scfq-code", "queue", "cost_within_largest"): "theorem scfq-pairwise-gap",
    ("scfq-code", "scfq bracket", "head_reached"): "theorem scfq-pairwise-gap",
    ("wf2q-plus-code", "eligible queue", "head_near"): "theorem wf2q-plus-share",
}  # fmt: skip


def conjuncts(theorem: Theorem) -> dict[str, list[str]]:
    """Return the conjuncts of every invariant that the obligations of `theorem` are built from."""
    with symbolic(), watching() as seen:
        if theorem.obligations is not None:
            theorem.obligations()
    return seen


CASES = [
    (name, owner, conjunct)
    for name, theorem in THEOREMS.items()
    if theorem.invariants
    for owner, found in conjuncts(theorem).items()
    if owner in theorem.invariants
    for conjunct in found
]


def failure_without(theorem: Theorem, owner: str, conjunct: str) -> str | None:
    """Return the obligation that is not proved without that conjunct; None, where all are."""
    assert theorem.obligations is not None
    with symbolic(), dropping(owner, conjunct):
        try:
            failed = _first_failure(theorem.obligations(), LIMITS)
        except _Undecided as reason:
            return str(reason)
    return None if failed is None else failed.name


@pytest.mark.parametrize(("name", "owner", "conjunct"), CASES)
def test_a_theorem_misses_every_conjunct(
    name: str, owner: str, conjunct: str, record_property: Callable[[str, object], None]
) -> None:
    missed = failure_without(THEOREMS[name], owner, conjunct)
    declared = NOT_MISSED.get((name, owner, conjunct))
    said = f"missed by: {missed}" if missed is not None else f"not missed here: {declared}"
    record_property("row: mutants of the invariants, and what misses each conjunct",
                    f"{name:20} {owner + ' without ' + conjunct:44} {said}")  # fmt: skip
    assert (missed is None) == (declared is not None), f"missed by {missed}, declared: {declared}"
    if declared is not None and declared.startswith("theorem "):
        assert failure_without(THEOREMS[declared.removeprefix("theorem ")], owner, conjunct) is not None


def test_what_is_declared_exists() -> None:
    assert set(NOT_MISSED) <= set(CASES)


def test_every_invariant_is_shown_inductive_by_some_theorem() -> None:
    shown = {owner for theorem in catalogue() for owner in theorem.invariants}
    used = {owner for theorem in catalogue() for owner in conjuncts(theorem)}
    assert used == shown
    for theorem in catalogue():
        assert set(theorem.invariants) <= set(conjuncts(theorem)), theorem.id


def test_a_conjunct_is_dropped_only_where_it_is_asked_for() -> None:
    x = z3.Real("x")
    whole = invariant("i", above=x > 0, below=x < 1)
    with dropping("i", "above"):
        assert invariant("i", above=x > 0, below=x < 1).eq(z3.And(x < 1))
        assert invariant("other", above=x > 0).eq(z3.And(x > 0))
    assert invariant("i", above=x > 0, below=x < 1).eq(whole)
