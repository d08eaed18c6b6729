"""Generalised processor sharing (GPS): the ideal in which everybody is served at once, in proportion to weights.

A fluid of rate R serves every backlogged tenant at the rate R w / (sum of the weights of the backlogged). Its virtual
time grows by R / (that sum) in a ns, and stands still while nobody is backlogged; a request leaves the fluid when the
virtual time reaches its finish tag. A tenant goes idle in the fluid at moments that are no integers, and dividing by a
sum of weights has no place in the algebra: but for the tags of an arrival, all of it runs on integers and Fractions
only.
Source: A. K. Parekh, R. G. Gallager, "A generalized processor sharing approach to flow control in integrated services
networks: the single-node case", IEEE/ACM Transactions on Networking 1(3), 1993.
"""

from collections.abc import Sequence
from fractions import Fraction

import attrs

from headgate.model.algebra import maximum
from headgate.spec.links import implements
from headgate.spec.units import BytesPerNs, ExactNs

__all__ = ["Fluid", "GpsRequest", "advance", "arrive", "departures", "fresh"]

Exact = Fraction | int


@attrs.frozen
class Fluid:
    """State: the time and the virtual time (ns), and every tenant's last finish tag; weights and rate stay."""

    weights: tuple[Exact, ...]
    rate: Exact
    now: Exact
    virtual: Exact
    last: tuple[Exact, ...]


@attrs.frozen
class GpsRequest:
    """A request for the fluid alone: its tenant, when it arrives (ns), and its size (bytes)."""

    tenant: int
    at: ExactNs
    size: int


@implements("WQ-1")
def fresh(weights: Sequence[Exact], rate: Exact) -> Fluid:
    """Return the fluid as it starts: empty, at time 0."""
    return Fluid(tuple(weights), rate, 0, 0, (0,) * len(weights))


@implements("WQ-1")
def advance(fluid: Fluid, now: Exact) -> Fluid:
    """Return the fluid at `now`, exactly, through every departure on the way; `now` is not before its time."""
    while fluid.now < now:
        fluid = _flow(fluid, now)
    return fluid


@implements("WQ-1")
def arrive(fluid: Fluid, tenant: int, cost: Exact) -> tuple[Fluid, Exact, Exact]:
    """Return (fluid, start tag, finish tag) of a request that arrives now: max(V, last finish tag), a cost later."""
    begin = maximum(fluid.virtual, fluid.last[tenant])
    last = (*fluid.last[:tenant], begin + cost, *fluid.last[tenant + 1 :])
    return attrs.evolve(fluid, last=last), begin, begin + cost


def _flow(fluid: Fluid, now: Exact) -> Fluid:
    """Return the fluid at `now`, or at the first moment before at which a tenant goes idle."""
    backlogged = [tenant for tenant, last in enumerate(fluid.last) if last > fluid.virtual]
    if not backlogged:
        return attrs.evolve(fluid, now=now)
    slope = Fraction(fluid.rate) / sum(fluid.weights[tenant] for tenant in backlogged)
    first = min(fluid.last[tenant] for tenant in backlogged)
    idle_at = fluid.now + (first - fluid.virtual) / slope
    if idle_at <= now:
        return attrs.evolve(fluid, now=idle_at, virtual=first)
    return attrs.evolve(fluid, now=now, virtual=fluid.virtual + (now - fluid.now) * slope)


@implements("WQ-1")
def departures(requests: Sequence[GpsRequest], weights: Sequence[BytesPerNs], rate: BytesPerNs) -> list[Fraction]:
    """Return when each of `requests` (ordered by arrival) leaves the fluid, in ns."""
    fluid, finish = fresh(weights, rate), [Fraction(0)] * len(requests)
    inside: dict[int, Exact] = {}
    for number, request in enumerate(requests):
        fluid = _drain(fluid, request.at, inside, finish)
        fluid, _, inside[number] = arrive(fluid, request.tenant, request.size / Fraction(weights[request.tenant]))
    # In the time that all the work there is would take, what is left is done.
    work = sum((Fraction(request.size) for request in requests), Fraction(0))
    _drain(fluid, fluid.now + work / rate, inside, finish)
    return finish


def _drain(fluid: Fluid, until: Exact, inside: dict[int, Exact], finish: list[Fraction]) -> Fluid:
    """Return the fluid at `until`; what leaves on the way goes from `inside` (finish tags), its time into `finish`."""
    while fluid.now < until:
        after = _flow(fluid, until)
        for number, tag in list(inside.items()):
            if tag <= after.virtual:
                share = Fraction(tag - fluid.virtual) / (after.virtual - fluid.virtual)
                finish[number] = fluid.now + (after.now - fluid.now) * share
                del inside[number]
        fluid = after
    return fluid
