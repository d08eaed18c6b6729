"""Round robin: one request a turn, from the first waiting tenant after the one served last.

Source: J. Nagle, "On packet switches with infinite storage", RFC 970 (1985).
"""

from typing import Any

import attrs

from headgate.model.algebra import best, where
from headgate.model.arbiters.common import Policy, Stamp, Tenants
from headgate.model.arbiters.fcfs import plain_stamp, rest
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["ROUND_ROBIN", "Turn", "select", "start"]


@attrs.frozen
class Turn:
    """State: the tenant served last."""

    last: Number


def start(tenants: Tenants) -> Turn:
    """Return the first state: tenant 0 comes next."""
    return Turn(tenants.count - 1)


@implements("AR-5", "ST-5", "ST-7")
def select(
    state: Turn, tenants: Tenants, heads: tuple[Stamp, ...], waiting: tuple[Any, ...]
) -> tuple[Any, Number, Turn]:
    """Return (found, tenant, state): the fewest steps round the circle after the tenant served last."""
    steps = [where(state.last < tenant, tenant, tenant + tenants.count) for tenant in range(tenants.count)]
    found, tenant, _ = best(steps, waiting)
    return found, tenant, Turn(tenant)


ROUND_ROBIN = Policy("round-robin", start, plain_stamp, select, rest)
