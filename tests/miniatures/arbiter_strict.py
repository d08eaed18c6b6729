"""Arbiters that refuse what they cannot have, as careful ones do, and one that has room for five tenants only."""

from fractions import Fraction
from typing import Any

from headgate.tests.miniatures import correct, wrong
from headgate.tests.miniatures.arbiter import Drr, Numbers, Sfq, Wfq


def whole(numbers: Numbers) -> Numbers:
    """Return the numbers; ValueError if one is not a whole number above 0."""
    if not all(isinstance(each, int) and each > 0 for each in numbers):
        raise ValueError(f"whole numbers above 0, got {numbers}")
    return numbers


@correct(policy="sfq")
class WholeWeights(Sfq):
    """Weights as a kernel has them."""

    def __init__(self, weights: Numbers, rate: float = 1) -> None:
        super().__init__(whole(weights), rate)


@correct(policy="drr", numbers={"rate": "10", "quanta": "15,25"})
class WithinTheQuantum(Drr):
    """Whole quanta, and no request that is larger than its tenant's."""

    def __init__(self, weights: Numbers, quanta: Numbers, **_: Any) -> None:
        super().__init__(weights, whole(quanta))

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        if not 0 < size <= self.quanta[tenant]:
            raise ValueError(f"a request of {size} bytes, where the quantum is {self.quanta[tenant]}")
        super().enqueue(now, tenant, size)


@correct(policy="drr")
class DrawnQuanta(WithinTheQuantum):
    """The same, of whatever quanta are drawn."""


@wrong("FQ-4", policy="sfq")
class FiveTenants(Sfq):
    """Finish tags in a table of five; whoever comes after these is tagged as if nothing had gone before."""

    def start(self, tenant: int) -> Any:
        return max(self.virtual, self.finish[tenant]) if tenant < 5 else self.virtual


@correct(policy="sfq", numbers={"weights": "1/3,2/3,1/7"})
class ThirdsOfSfq(Sfq):
    """The weights that were declared, exactly, by a configuration of its own."""

    def __init__(self, weights: Numbers, rate: float = 1) -> None:
        super().__init__([Fraction(1, 3), Fraction(2, 3), Fraction(1, 7)], rate)


@correct(policy="wfq", numbers={"weights": "1/3,2/3,1/7", "rate": "1/3"})
class FloatsOfWfq(Wfq):
    """The floats next to these, as it was given them, and exact from there on."""
