"""Steps about quotients, small enough for any solver: a bound is a sum of bytes over rates, a proof compares bytes."""

from typing import Any

import z3

from headgate.proofs.theorem import Obligation

__all__ = ["cancelling", "covers"]


def covers(name: str, premises: tuple[Any, ...], rate: Any, formula: Any, amount: Any) -> Obligation:
    """Return the step that `formula`, times its rate, is `amount` or more."""
    return Obligation(f"{name}, times its rate", (*premises, rate > 0), rate * formula >= amount)


def cancelling() -> Obligation:
    """Return the step that of two products by one positive rate the smaller has the smaller factor."""
    rate, factor, other = z3.Reals("any_rate factor other_factor")
    return Obligation("a rate cancels", (rate > 0, rate * factor <= rate * other), factor <= other)
