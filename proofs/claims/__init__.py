"""The claims of the essays, one by one: which stand, which are refuted, and by what.

A module an essay; every number in them is computed when it is asked for, from what the essays state and from the rules
of `headgate.model`. No solver is needed: what a theorem says is looked up in the manifest.
"""

from headgate.proofs.claims.claim import Check, Claim, Essay, Finding, Standing, agrees, evidence, judge
from headgate.proofs.claims.register import claims

__all__ = ["Check", "Claim", "Essay", "Finding", "Standing", "agrees", "claims", "evidence", "judge"]
