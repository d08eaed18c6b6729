"""Mutants of discrete steps, and of the conditions on them."""

from headgate.tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

# Why no theorem kills some of them.
STEPS = "two runs of one policy, held against each other, a declared gap of the theorems (DS-1)"
VIEW = "it follows from what policies compare, a declared gap of the theorems (DS-2)"
GATE = "held against the bucket of TB-3, a declared gap of the theorems (DS-3)"

MUTANTS = (
    Mutant("steps-never-at-once", "steps", "if same_step:\n            state", "if False:\n            state",
           ("DS-1",),
           property_only=STEPS),
    Mutant("steps-never-rest", "steps", "where(found, after, self.policy.rest(state.policy))",
           "where(found, after, state.policy)", ("DS-1",),
           property_only=STEPS),
    Mutant("steps-serve-for-nothing", "steps", "where(c, n - 1, n)", "where(c, n, n)", ("DS-1",)),
    Mutant("steps-blocked-when-served", "steps", "all_(waits, not_(s))", "all_(waits, True)", ("DS-1",),
           property_only=STEPS),
    Mutant("steps-one-stamp", "steps", "for place in range(self.most):", "for place in range(min(1, self.most)):",
           ("DS-1",),
           property_only=STEPS),
    Mutant("steps-a-ns-late", "steps", "later = 0 if same_step else 1", "later = 1", ("DS-1",),
           property_only=STEPS),
    Mutant("steps-view-without-lists", "steps", "*inner.active, *before, inner.turn)", "*inner.active, inner.turn)",
           ("DS-2",),
           property_only=VIEW),
    Mutant("steps-view-without-turn", "steps", "*inner.active, *before, inner.turn)", "*inner.active, *before)",
           ("DS-2",),
           property_only=VIEW),
    Mutant("steps-view-without-counters", "steps", "return (*state.backlog, *ahead, inner.went_last)",
           "return (*state.backlog, inner.went_last)", ("DS-2",),
           property_only=VIEW),
    Mutant("steps-view-without-state", "steps", "return (*state.backlog, *parts)", "return (*state.backlog,)",
           ("DS-2",),
           property_only=VIEW),
    Mutant("steps-view-without-backlog", "steps", "return (*state.backlog, *parts)", "return (*parts,)", ("DS-2",),
           property_only=VIEW),
    Mutant("gate-lets-all-go", "step_gate", "gone = minimum(backlog, bucket.level)", "gone = minimum(backlog, backlog)",
           ("DS-3",),
           property_only=GATE),
    Mutant("gate-charges-nothing", "step_gate", "Bucket(bucket.level - gone)", "bucket", ("DS-3",),
           property_only=GATE),
    Mutant("gate-refills-at-first", "step_gate", "rules.depth, 1 if step else 0) for bucket",
           "rules.depth, 1) for bucket", ("DS-3",),
           property_only=GATE),
    Mutant("gate-always-in-the-step", "step_gate", "tuple(n + come if same_step else n for",
           "tuple(n + come for", ("DS-3",),
           property_only=GATE),
)  # fmt: skip
