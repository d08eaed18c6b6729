"""Weighted fair queueing (WFQ, also PGPS): in the order in which an exact fluid would finish.

Every request is stamped with its finish tag in the fluid of `headgate.model.gps`; the smallest tag goes first. The
fluid's rate is a parameter: the effective rate of the server by default. It may be lower than that of the server, but
not higher, or a tenant that comes later is served only after all that came before it (clause WQ-5). Following the fluid
takes integers and Fractions; choosing does not.
Sources: A. Demers, S. Keshav, S. Shenker, "Analysis and simulation of a fair queueing algorithm", SIGCOMM 1989;
Parekh and Gallager 1993.
"""

from typing import Any

from headgate.model import gps
from headgate.model.algebra import best
from headgate.model.arbiters.common import Arrival, Policy, Stamp, Tenants
from headgate.model.arbiters.fcfs import rest
from headgate.model.gps import Fluid
from headgate.spec.links import implements
from headgate.spec.units import BytesPerNs, Number

__all__ = ["WFQ", "select", "stamp", "wfq"]


@implements("WQ-2")
def stamp(state: Fluid, tenant: int, arrival: Arrival) -> tuple[Fluid, Stamp]:
    """Return (state, stamp): the tags that the request has in the fluid."""
    state, begin, end = gps.arrive(state, tenant, arrival.cost)
    return state, Stamp(begin, end, arrival.size, arrival.order)


@implements("WQ-2")
def select(
    state: Fluid, tenants: Tenants, heads: tuple[Stamp, ...], waiting: tuple[Any, ...]
) -> tuple[Any, Number, Fluid]:
    """Return (found, tenant, state): the smallest finish tag."""
    found, tenant, _ = best([head.end for head in heads], waiting, tenants.order)
    return found, tenant, state


@implements("WQ-2", "WQ-5", "WQ-6")
def wfq(reference: BytesPerNs | None = None) -> Policy:
    """Return WFQ after a fluid of the rate `reference` (None: the reference that the tenants come with)."""

    def start(tenants: Tenants) -> Fluid:
        """Return the first state: an empty fluid."""
        return gps.fresh(tenants.weights, tenants.reference if reference is None else reference)

    return Policy("wfq", start, stamp, select, rest, gps.advance, exact_only=True)


WFQ = wfq()
