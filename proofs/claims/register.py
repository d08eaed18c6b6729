"""The register: every claim, in the order of the essays and of their sections."""

import functools
from importlib import import_module

from headgate.proofs.claims.claim import Claim

__all__ = ["MODULES", "claims"]

MODULES = (
    "fabrics",
    "fabrics_device",
    "fabrics_results",
    "power",
    "thermal",
    "thermal_data",
    "thermal_policy",
    "colocation",
    "scheduling",
)


@functools.cache
def claims() -> tuple[Claim, ...]:
    """Return the claims of all essays."""
    modules = (import_module(f"headgate.proofs.claims.{name}") for name in MODULES)
    return tuple(claim for module in modules for claim in module.CLAIMS)
