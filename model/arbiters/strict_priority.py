"""Strict priority, non-preemptive: the best priority that waits is served, 0 first.

*Multi-Tenant KV Fabrics*, section 4, resolves contention so. Ties go to the lower tenant number.
"""

from typing import Any

from headgate.model.algebra import best
from headgate.model.arbiters.common import Policy, Stamp, Tenants
from headgate.model.arbiters.fcfs import NoState, plain_stamp, rest, start
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["PRIORITY", "select"]


@implements("AR-4", "ST-3")
def select(
    state: NoState, tenants: Tenants, heads: tuple[Stamp, ...], waiting: tuple[Any, ...]
) -> tuple[Any, Number, NoState]:
    """Return (found, tenant, state): the tenant of the best priority among those that wait."""
    found, tenant, _ = best(tenants.priorities, waiting)
    return found, tenant, state


PRIORITY = Policy("priority", start, plain_stamp, select, rest)
