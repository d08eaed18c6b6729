"""The essay's virtual finish time as written: max(V, arrival) + size / weight, without the tenant's last tag.

*Multi-Tenant KV Fabrics*, section 5. It leaves V undefined: here V is the tag of the request in service, 0 at first.
"""

from typing import Any

import attrs

from headgate.model.algebra import best, maximum
from headgate.model.arbiters.common import Arrival, Policy, Stamp, Tenants
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["ESSAY", "EssayTag", "rest", "select", "stamp", "start"]


@attrs.frozen
class EssayTag:
    """State: the virtual time."""

    virtual: Number


def start(tenants: Tenants) -> EssayTag:
    """Return the first state: the virtual time at 0."""
    return EssayTag(0)


@implements("FQ-9", "ST-4", "ST-8")
def stamp(state: EssayTag, tenant: Number, arrival: Arrival) -> tuple[EssayTag, Stamp]:
    """Return (state, stamp) with the tag as the essay computes it."""
    begin = maximum(state.virtual, arrival.at)
    return state, Stamp(begin, begin + arrival.cost, arrival.size, arrival.order)


@implements("FQ-9", "ST-8")
def select(
    state: EssayTag, tenants: Tenants, heads: tuple[Stamp, ...], waiting: tuple[Any, ...]
) -> tuple[Any, Number, EssayTag]:
    """Return (found, tenant, state): the smallest tag is served, and becomes the virtual time."""
    found, tenant, end = best([head.end for head in heads], waiting, tenants.order)
    return found, tenant, EssayTag(end)


def rest(state: EssayTag) -> EssayTag:
    """Return the state at the end of a busy period: unchanged."""
    return state


ESSAY = Policy("essay", start, stamp, select, rest)
