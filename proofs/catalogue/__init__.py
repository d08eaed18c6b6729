"""The catalogue: every theorem of headgate, one file a mechanism. `catalogue()` lists them all."""

from headgate.proofs.theorem import Theorem

__all__ = ["catalogue"]

MODULES = (
    "buckets",
    "meter",
    "excess",
    "fair_queueing",
    "weighted",
    "delay",
    "deadlines",
    "fluid",
    "eligible",
    "circle",
    "turns",
    "turn_delay",
    "own_delay",
    "fq_codel",
    "arbitration",
    "bypass",
    "starvation",
    "doubling",
    "channels",
    "refresh",
    "refresh_modes",
    "admission",
    "composition",
    "allocator",
    "allocator_code",
    "colours",
    "safety",
    "eviction",
    "lru",
    "entitlements",
    "pages",
    "heat",
    "placement",
    "migration",
)


def catalogue() -> tuple[Theorem, ...]:
    """Return every theorem, in the order of the files and of their text."""
    from importlib import import_module

    theorems: list[Theorem] = []
    for name in MODULES:
        theorems += import_module(f"headgate.proofs.catalogue.{name}").THEOREMS
    return tuple(theorems)
