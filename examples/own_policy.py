"""A policy of one's own with a fault that is easy to write: it takes turns, but counts who was just served as next.

    headgate find starvation --policy headgate.examples.own_policy:select

With `<` in place of `<=` it is round robin, and no queue starves.
"""

from typing import Any

from headgate.model.algebra import best, where
from headgate.model.arbiters.round_robin import Turn

__all__ = ["select"]


def select(state: Any, tenants: Any, heads: Any, waiting: Any) -> Any:
    """Return (found, tenant, state): the first that waits, counted round the circle from `state.last`."""
    count = tenants.count
    steps = [where(state.last <= tenant, tenant, tenant + count) for tenant in range(count)]  # the fault
    found, tenant, _ = best(steps, waiting)
    return found, tenant, Turn(tenant)
