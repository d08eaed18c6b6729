"""The virtual token counter (VTC): serve the client that has been served least, and lift whoever comes back.

A request's size is its cost in virtual tokens (`token_cost`), charged as a whole when its service begins.
Source: Y. Sheng et al., "Fairness in serving large language models", OSDI 2024.
"""

from typing import Any

import attrs

from headgate.model.algebra import best, choose, maximum, put, where
from headgate.model.arbiters.common import Arrival, Policy, Stamp, Tenants
from headgate.model.arbiters.fcfs import rest
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["VTC", "VTC_NO_LIFT", "Counters", "select", "stamp", "stamp_without_lift", "start", "token_cost"]


@attrs.frozen
class Counters:
    """State: per client its counter and how many of its requests wait, and the client that went last.

    A counter is in virtual tokens over weight.
    """

    counters: tuple[Number, ...]
    queued: tuple[Number, ...]
    went_last: Number


@implements("VT-1")
def token_cost(prefill: Number, decode: Number, prefill_weight: Number, decode_weight: Number) -> Number:
    """Return what a request costs: its prefill tokens and its decode tokens, each times its weight."""
    return prefill_weight * prefill + decode_weight * decode


@implements("VT-1")
def start(tenants: Tenants) -> Counters:
    """Return the first state: all counters at 0, nobody waits."""
    return Counters((0,) * tenants.count, (0,) * tenants.count, 0)


@implements("VT-2")
def stamp(state: Counters, tenant: Number, arrival: Arrival) -> tuple[Counters, Stamp]:
    """Return (state, stamp): the client's counter is lifted to the least counter of those who wait.

    If nobody waits, to the counter of the client that went last. A client that waits itself is not below the least.
    """
    some, _, least = best(state.counters, [queued > 0 for queued in state.queued])
    lifted = maximum(choose(tenant, state.counters), where(some, least, choose(state.went_last, state.counters)))
    raised = Counters(put(tenant, state.counters, lifted), state.queued, state.went_last)
    return stamp_without_lift(raised, tenant, arrival)


@implements("VT-4")
def stamp_without_lift(state: Counters, tenant: Number, arrival: Arrival) -> tuple[Counters, Stamp]:
    """Return (state, stamp): the request is counted as waiting; its end is what it will be charged."""
    queued = put(tenant, state.queued, choose(tenant, state.queued) + 1)
    return Counters(state.counters, queued, state.went_last), Stamp(0, arrival.cost, arrival.size, arrival.order)


@implements("VT-1")
def select(
    state: Counters, tenants: Tenants, heads: tuple[Stamp, ...], waiting: tuple[Any, ...]
) -> tuple[Any, Number, Counters]:
    """Return (found, tenant, state): the smallest counter of those who wait; it is charged."""
    found, tenant, counter = best(state.counters, waiting, tenants.order)
    charged = put(tenant, state.counters, counter + choose(tenant, [head.end for head in heads]))
    queued = put(tenant, state.queued, choose(tenant, state.queued) - 1)
    return found, tenant, Counters(charged, queued, tenant)


VTC = Policy("vtc", start, stamp, select, rest)
VTC_NO_LIFT = Policy("vtc-no-lift", start, stamp_without_lift, select, rest)
