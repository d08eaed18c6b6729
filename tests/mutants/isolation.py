"""Mutants of what isolation and admission rest on: gaps, fluids, eligibility, refresh, losses, excess."""

from headgate.tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

# Why no theorem kills some of them.
LEDGER = "a rule of accounting, a declared gap of the theorems (PR-6)"

MUTANTS = (
    Mutant("drr-gap-without-the-turn", "bounds", "return 1 + rounds_i + rounds_j", "return rounds_i + rounds_j",
           ("AR-9",)),
    Mutant("drr-turn-starts-with-two-quanta", "arbiters.drr", "given = _add(passed, following, tenants.quanta)",
           "given = _add(passed, following, tuple(2 * q for q in tenants.quanta))", ("AR-6", "AR-9")),
    Mutant("drr-turn-goes-to-the-front", "arbiters.drr", "where(b, state.next_rank, rank)",
           "where(b, -state.next_rank, rank)", ("AR-9",)),
    Mutant("drr-newcomer-keeps-its-place", "arbiters.drr", "put(tenant, state.ranks, state.next_rank)", "state.ranks",
           ("AR-9",)),
    Mutant("drr-delay-without-the-turn-of-others", "bounds",
           "return size * _ns_per_byte(share) + (quanta + others) * _ns_per_byte(rate) + blackout",
           "return size * _ns_per_byte(share) + others * _ns_per_byte(rate) + blackout", ("BD-14",)),
    Mutant("gps-tag-of-half-a-cost", "gps", "return attrs.evolve(fluid, last=last), begin, begin + cost",
           "return attrs.evolve(fluid, last=last), begin, begin + cost * Fraction(1, 2)", ("WQ-7",)),
    Mutant("wfq-lateness-without-the-blackout", "bounds", "return blackout + largest * _ns_per_byte(rate)",
           "return largest * _ns_per_byte(rate)", ("WQ-3", "WQ-7")),
    Mutant("wfq-lag-of-half-a-request", "bounds", "    return largest\n\n\n@implements(\"WF-4\")",
           "    return largest * Fraction(1, 2)\n\n\n@implements(\"WF-4\")", ("WQ-4",)),
    Mutant("wf2q-lag-of-one-request", "bounds", "return own + own + (largest", "return own + (largest", ("WF-4",)),
    Mutant("wf2q-waiting-forgotten", "arbiters.wf2q_plus",
           "EligibleQueue(virtual, state.now, state.last, tuple(waiting))",
           "EligibleQueue(virtual, state.now, state.last, state.backlogged)", ("WF-1",)),
    Mutant("wf2q-stamp-before-v", "arbiters.wf2q_plus", "maximum(state.virtual, last))", "last)", ("WF-1",)),
    Mutant("wf2q-jump-to-the-farthest", "arbiters.wf2q_plus", "best([head.begin for head in heads], waiting)",
           "best([-head.begin for head in heads], waiting)", ("WF-1",)),
    Mutant("refresh-anywhere-costs-one", "refresh", "(elapsed - 2 * refresh.blackout)", "(elapsed - refresh.blackout)",
           ("RF-12",)),
    Mutant("refresh-anywhere-costs-three", "refresh", "(elapsed - 2 * refresh.blackout)",
           "(elapsed - 3 * refresh.blackout)", ("RF-12",)),
    Mutant("refresh-postponed-once-too-often", "refresh", "rest) - postponed * refresh.blackout)",
           "rest) - (postponed + 1) * refresh.blackout)", ("RF-10",)),
    Mutant("refresh-table-upside-down", "refresh", "for limit, line in reversed(table):", "for limit, line in table:",
           ("RF-9",)),
    Mutant("losses-migration-forgotten", "capacity", "return (1 - losses.migration) * (1", "return (1", ("BD-11",)),
    Mutant("losses-bubble-forgotten", "capacity",
           "return (1 - losses.migration) * (1 - losses.bubble_ns / losses.period_ns)",
           "return 1 - losses.migration", ("BD-11",)),
    Mutant("losses-darkness-not-stretched", "capacity",
           "losses.bubble_ns + blackout / (1 - losses.bubble_ns / losses.period_ns)", "losses.bubble_ns + blackout",
           ("BD-11",)),
    Mutant("losses-bubble-is-no-darkness", "capacity", "return losses.bubble_ns + blackout / (", "return blackout / (",
           ("BD-11",)),
    Mutant("excess-untreated-is-charged", "policing", "self.ledger = before if untreated else charged",
           "self.ledger = charged", ("PR-4",)),
    Mutant("excess-in-line-is-not-charged", "policing", "self.ledger = before if untreated else charged",
           "self.ledger = charged if admitted else before", ("PR-4", "PR-6"),
           property_only=LEDGER),
)  # fmt: skip
