"""Mutants of what breaks a contract file: the claims of its schedules, and the search for them."""

from headgate.tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

SEARCH = "a search: it proves nothing, and what it finds is confirmed by the replay"

MUTANTS = (
    Mutant("behind-counts-from-zero", "replay.admission", "late = finish - private", "late = finish", ("AD-1",),
           property_only="no theorem replays this claim: its schedules come from a contract file"),
    Mutant("behind-forgets-the-last", "replay.admission",
           "sum(r.bytes for r in given.requests if r.tenant == tenant) for tenant in range(len(guarantees))]",
           "sum(r.bytes for r in given.requests if r.tenant == 0) for tenant in range(len(guarantees))]", ("AD-1",),
           property_only="no theorem replays this claim: its schedules come from a contract file"),
    Mutant("breach-without-excess", "breach", "yield from _pours(stage, latency)", "yield from ()", ("PR-3",),
           property_only=SEARCH),
    Mutant("wf2q-bound-at-the-own-rate", "delays", 'ABSOLUTE = ("early", "wf2q+")', 'ABSOLUTE = ("early",)', ("BD-2",),
           property_only="BD-2 is arithmetic on CM-4, a declared gap of the theorems"),
)  # fmt: skip
