"""Tenants and scenarios that are arranged by hand, for the explicit examples of several arbiters."""

from fractions import Fraction

from headgate.model.simulator import Server
from headgate.properties.strategies import Scenario
from headgate.spec.vocabulary import Contract, Request

__all__ = ["FLOOD", "TIES", "tenants"]


def tenants(*guarantees: int, priorities: tuple[int, ...] = (), largest: int = 8) -> tuple[Contract, ...]:
    """Return contracts with these guarantees; their bursts do not matter here."""
    return tuple(
        Contract(f"t{n}", Fraction(g), Fraction(g), Fraction(0), largest, priority=priority)
        for n, (g, priority) in enumerate(zip(guarantees, priorities or (0,) * len(guarantees), strict=True))
    )


# A flood of one tenant and two requests of another: without the previous finish tag, the flood goes first as a whole.
FLOOD = Scenario(tenants(1, 1), Server(Fraction(2)), (*[Request(0, 0, 4)] * 6, Request(1, 0, 4), Request(1, 1, 4)))
# Equal tags of different priorities: by priority, and between equal priorities by tenant number.
TIES = Scenario(
    tenants(1, 1, 1, 1, priorities=(2, 1, 0, 1)), Server(Fraction(4)), tuple(Request(t, 0, 4) for t in range(4)) * 2
)
