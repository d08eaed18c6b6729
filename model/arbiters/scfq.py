"""Self-clocked fair queueing (SCFQ): the virtual time is the finish tag of the request in service.

Source: S. J. Golestani, "A self-clocked fair queueing scheme for broadband applications", INFOCOM 1994.
"""

from typing import Any

from headgate.model.algebra import best
from headgate.model.arbiters.common import Policy, Stamp, Tenants
from headgate.model.arbiters.sfq import FairQueue, stamp, start
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["SCFQ", "rest", "select"]


@implements("FQ-6", "ST-5")
def select(
    state: FairQueue, tenants: Tenants, heads: tuple[Stamp, ...], waiting: tuple[Any, ...]
) -> tuple[Any, Number, FairQueue]:
    """Return (found, tenant, state): the smallest finish tag is served, and becomes the virtual time."""
    found, tenant, end = best([head.end for head in heads], waiting, tenants.order)
    return found, tenant, FairQueue(end, state.last)


@implements("FQ-6")
def rest(state: FairQueue) -> FairQueue:
    """Return the state at the end of a busy period: unchanged, since the last tag served is the largest given."""
    return state


SCFQ = Policy("scfq", start, stamp, select, rest)
