"""Mutants of what an operator asks for: admission and the bounds."""

from headgate.tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

# Why no theorem kills some of them.
FORMULA = "the formula of a clause that has no theorem; its size is held against executions"

MUTANTS = (
    Mutant("capped-bypass-loose", "bounds", "before + (before + 1) * cap", "before + (before + 2) * cap", ("FR-3",),
           property_only=FORMULA),
    Mutant("admission-strict", "admission", "return sum(guarantees) <= capacity", "return sum(guarantees) < capacity",
           ("AD-1",)),
    Mutant("admission-share-moved", "admission", "Fraction(85, 100)", "Fraction(90, 100)", ("AD-2",)),
    Mutant("admission-threshold-moved", "admission", "blackout <= (1 - ESSAY_SHARE) * interval",
           "blackout <= ESSAY_SHARE * interval", ("AD-2",)),
    Mutant("admission-commit-forgotten", "admission", "where(admitted, commit(state, guarantee), state)", "state",
           ("AD-3",)),
    Mutant("admission-commit-unchecked", "admission", "where(admitted, commit(state, guarantee), state)",
           "commit(state, guarantee)", ("AD-3",)),
    Mutant("admission-release-forgotten", "admission", "return Admitted(state.total - guarantee)",
           "return Admitted(state.total)", ("AD-3",)),
    Mutant("rule-of-the-peak-pays-tax", "admission", "peak_admits(guarantees, room.peak)",
           "peak_admits(guarantees, room.refreshed)", ("AD-4",)),
    Mutant("rule-of-the-essay-pays-losses", "admission", "essay_admits(guarantees, room.peak)",
           "essay_admits(guarantees, room.kept)", ("AD-2",)),
    Mutant("room-forgets-losses", "capacity", "Room(peak, refreshed, refreshed * kept_share(losses))",
           "Room(peak, refreshed, refreshed)", ("AD-4",)),
    Mutant("gap-bound-of-one", "bounds", "return cost_i + cost_j", "return cost_i + 0 * cost_j", ("FQ-4",)),
    Mutant("gap-bound-loose", "bounds", "return cost_i + cost_j", "return cost_i + cost_j + cost_j", ("FQ-4",)),
    Mutant("delay-bound-without-blackout", "bounds", "return (largest + others) * _ns_per_byte(rate) + blackout",
           "return (largest + others) * _ns_per_byte(rate)", ("FQ-5",)),
    Mutant("deadline-bound-without-own", "bounds", "return size * _ns_per_byte(guaranteed) + longest *",
           "return longest *", ("EA-2",)),
    Mutant("gps-lateness-without-blackout", "bounds", "return blackout + largest * _ns_per_byte(rate)",
           "return largest * _ns_per_byte(rate)", ("WQ-5",)),
    Mutant("gps-lag-loose", "bounds", "    return largest\n", "    return largest + 1\n", ("WQ-4",),
           property_only=FORMULA),
    Mutant("worst-case-lag-without-others", "bounds", "return own + own + (largest - own) * guaranteed",
           "return own + 0 * guaranteed",
           ("WF-4",)),
    Mutant("vtc-gap-of-one", "bounds", "return 2 * cost", "return cost", ("VT-3",)),
    Mutant("delay-bound-without-others", "bounds", "return (largest + others) * _ns_per_byte(rate)",
           "return largest * _ns_per_byte(rate)", ("FQ-5",)),
)  # fmt: skip
