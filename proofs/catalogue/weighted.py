"""Weighted fairness, stated in bytes and weights: SFQ keeps it on the code's own step, and tags with one error do not.

The proof counts service in cost (bytes over weight), where a tenant's position moves by exactly what it is served, and
returns to bytes at the end. The searches keep the weights of two tenants free: both sides of every comparison are
multiplied by the product of the weights, so that a request of tenant 0 costs its size times the weight of tenant 1.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.model.algebra import where
from headgate.model.arbiters import SFQ, Policy
from headgate.model.arbiters.wrong_tags import WRONG_TAGS
from headgate.model.bounds import pairwise_gap
from headgate.proofs.catalogue.fair_queueing import _code_steps
from headgate.proofs.decoding import schedule_of
from headgate.proofs.flows import SFQ_DISCIPLINE, Flow, arrive, flow_of, near, next_head, serve, sound_flows
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import lift
from headgate.proofs.table import apart, largest_sizes, table, unit_tenants
from headgate.proofs.theorem import Obligation, Query, Theorem
from headgate.spec.vocabulary import Schedule

__all__ = ["HEAVIEST", "SHORTEST", "THEOREMS", "weighted_attack", "wrong_tag_attack"]

TENANTS = (2, 4, 8)
HEAVIEST = 16


# ---- the proof ----


@attrs.frozen
class _Since:
    """Ghosts of one tenant: its position when the interval began, the cost it was served since, whether it counts."""

    begun: Any
    service: Any
    counted: Any


def _since(number: int) -> _Since:
    return _Since(z3.Real(f"begun{number}"), z3.Real(f"service{number}"), z3.Bool(f"counted{number}"))


def _kept(virtual: Any, flow: Flow, since: _Since) -> Any:
    """A tenant that has been backlogged since the interval began was served the way of its position."""
    return z3.Implies(
        since.counted,
        invariant(
            "weighted service",
            is_the_move=since.service == flow.position - since.begun,
            backlogged=flow.busy,
            begun_near=near(SFQ_DISCIPLINE, virtual, since.begun, flow.largest),
        ),
    )


def _steps(count: int) -> list[Obligation]:
    virtual, begun, cost = z3.Reals("virtual begun_virtual cost")
    flows, ghosts = [flow_of(k) for k in range(count)], [_since(k) for k in range(count)]
    sound = sound_flows(SFQ_DISCIPLINE, virtual, flows)
    kept = [_kept(begun, flow, since) for flow, since in zip(flows, ghosts, strict=True)]
    name = f"N = {count}: "
    first = [_kept(virtual, flow, _Since(flow.position, lift(0), flow.busy)) for flow in flows]
    return [
        *_code_steps(SFQ_DISCIPLINE, count),
        Obligation(name + "an interval begins", tuple(sound), z3.And(*first)),
        *_arrivals(virtual, begun, flows, ghosts, (*sound, *kept), cost, name),
        *_service(virtual, begun, flows, ghosts, (*sound, *kept), cost, name),
        Obligation(name + "any two of them are within both largest costs", (*sound, *kept, ghosts[0].counted,
                   ghosts[-1].counted), _within(ghosts[0].service - ghosts[-1].service,
                   pairwise_gap(flows[0].largest, flows[-1].largest))),
    ]  # fmt: skip


def _within(drift: Any, gap: Any) -> Any:
    return z3.And(drift <= gap, -drift <= gap)


def _arrivals(
    virtual: Any, begun: Any, flows: list[Flow], ghosts: list[_Since], given: tuple[Any, ...], cost: Any, name: str
) -> list[Obligation]:
    obligations = []
    for who in range(len(flows)):
        _, after, _ = arrive(SFQ_DISCIPLINE, virtual, flows, who, cost)
        goal = z3.And(*(_kept(begun, flow, since) for flow, since in zip(after, ghosts, strict=True)))
        premises = (*given, cost > 0, cost <= flows[who].largest)
        obligations.append(Obligation(f"{name}a request of tenant {who} arrives, the service", premises, goal))
    return obligations


def _service(
    virtual: Any, begun: Any, flows: list[Flow], ghosts: list[_Since], given: tuple[Any, ...], cost: Any, name: str
) -> list[Obligation]:
    _, tenant, _, after = serve(SFQ_DISCIPLINE, virtual, flows, cost)
    premises = (*given, z3.Or(*(flow.queued for flow in flows)), next_head(flows, tenant, cost))
    obligations = []
    for k, (old, new, since) in enumerate(zip(flows, after, ghosts, strict=True)):
        mine = lift(tenant == k)
        counted = z3.And(since.counted, new.busy)
        moved = _Since(since.begun, where(mine, since.service + old.cost, since.service), counted)
        obligations.append(Obligation(f"{name}a service, what tenant {k} got", premises, _kept(begun, new, moved)))
    return obligations


def _in_bytes() -> list[Obligation]:
    """Service in cost is bytes over weight, and so is the largest request."""
    weight, other, cost, size, service, given = z3.Reals("weight other cost size service given")
    weights = (weight >= 1, weight <= HEAVIEST, other >= 1, other <= HEAVIEST)
    theirs, theirs_given, largest, theirs_largest = z3.Reals("theirs theirs_given largest theirs_largest")
    most, theirs_most = z3.Reals("most theirs_most")
    bytes_of = (given == weight * service, theirs_given == other * theirs, most == weight * largest,
                theirs_most == other * theirs_largest)  # fmt: skip
    drift, gap = service - theirs, pairwise_gap(largest, theirs_largest)
    scaled = z3.And(weight * other * drift <= weight * other * gap, -(weight * other * drift) <= weight * other * gap)
    crossed = _within(given * other - theirs_given * weight, most * other + theirs_most * weight)
    return [
        Obligation("a service adds its bytes", (*weights, given == weight * service, size == weight * cost),
                   given + size == weight * (service + cost)),
        Obligation("the weights multiply the gap", (*weights, _within(drift, gap)), scaled),
        Obligation("and so the gap in bytes", (*weights, *bytes_of, scaled), crossed),
    ]  # fmt: skip


# ---- the searches ----


def weighted_attack(policy: Policy, requests: int, largest: int, attained: bool) -> Query:
    """Return a search for weights in 1..16 and requests that drive two backlogged tenants apart.

    With `attained` the gap has to reach the bound, for two different weights; else it has to exceed it.
    """
    weights = tuple(z3.Ints("weight0 weight1"))

    def cost(tenant: Any, size: Any) -> Any:
        other = where(tenant == 0, weights[1], weights[0])
        return _times(other, size, largest)

    found = table(policy, unit_tenants(2, largest), requests, largest, cost)
    most = largest_sizes(found, 2)
    bound = pairwise_gap(cost(lift(0), most[0]), cost(lift(1), most[1])) - (1 if attained else 0)
    domain = [z3.And(weight >= 1, weight <= HEAVIEST) for weight in weights]
    domain += [weights[0] != weights[1]] if attained else []
    over = apart(found, bound, cost)
    statement = "Two backlogged tenants drift apart by at most L_i / w_i + L_j / w_j."
    heading = ("FQ-4", statement, "arbiter", policy.name, "gap")
    tighter = Fraction(1, HEAVIEST**2) if attained else Fraction(0)
    parameters = {"weights": weights, "peak": 1, "tighter_by": tighter}

    def decode(model: z3.ModelRef) -> Schedule:
        return schedule_of(model, heading, parameters, found.requests)

    smallest = (z3.Sum(found.sizes), z3.Sum(weights), *found.arrivals, *found.tenants, *found.sizes,
                *weights)  # fmt: skip
    return Query((*found.constraints, *domain, over), decode, smallest)


def _times(other: Any, size: Any, largest: int) -> Any:
    """Return other * size for sizes of at most `largest`, without a product of two unknowns; 0 for none."""
    total = other
    for number in range(2, largest + 1):
        total = where(size == number, number * other, total)
    return where(size == 0, 0, total)


def _attack(tighter: Fraction) -> Query:
    return weighted_attack(SFQ, 4, 2, attained=tighter > 0)


# The wrong tags, and the fewest requests that show each of them: of 1 or 2 bytes, with weights in 1..16.
SHORTEST: Mapping[str, int] = {
    "sfq-without-finish": 3,
    "scfq-without-finish": 4,
    "sfq-without-virtual": 5,
    "sfq-of-unit-cost": 4,
    "sfq-without-weight": 4,
    "sfq-virtual-of-finish": 4,
}


def wrong_tag_attack(name: str, requests: int) -> Query:
    """Return the search for a schedule of so many requests that breaks the gap under a wrong tag."""
    return weighted_attack(WRONG_TAGS[name], requests, 2, attained=False)


THEOREMS: Sequence[Theorem] = (
    Theorem(
        "sfq-weighted-gap", ("FQ-4",),
        "Under SFQ, of weights in [1, 16], |W_i / w_i - W_j / w_j| is at most L_i / w_i + L_j / w_j in bytes.",
        "every horizon; N = 2, 4, 8 tenants on the code's own step, all weights and sizes free",
        ("the requests of a queue are stamped contiguously (theorem deep-queues)",),
        obligations=lambda: [*(step for count in TENANTS for step in _steps(count)), *_in_bytes()],
        attack=_attack, step=Fraction(1, HEAVIEST**2), invariants=("queue", "sfq bracket", "weighted service"),
        abstraction="a queue is its head, its last finish tag and whether more wait",
        limit="N = 2..8 by doubling (2, 4, 8)", partner="arbiters-work-conserving",
    ),
)  # fmt: skip
