"""Theorems on fair queueing by tags: SFQ and SCFQ are fair to any pair of tenants, the essay's tag is not.

Two layers. The pair layer holds for any number of tenants: two tenants run on the code, all others are an
environment that may serve anybody whose tag is not above theirs. The code layer runs the code's own step for N = 2..8
tenants, shows that its invariant is inductive, and that what it does is what the pair layer allows.

A tenant's *position* is the start tag of its head, or its last finish tag while nothing of it waits. It moves by
exactly the cost of what is served, so that the service since any instant is the difference of two positions; the
bracket keeps every backlogged position near the virtual time. The rate of the server appears nowhere: all of it holds
under blackouts.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import attrs
import z3

from headgate.model.algebra import choose, where
from headgate.model.arbiters import ESSAY, SCFQ, SFQ, Arrival, Policy, Stamp, Tenants
from headgate.model.arbiters.sfq import FairQueue
from headgate.model.bounds import pairwise_gap
from headgate.proofs.decoding import schedule_of
from headgate.proofs.flows import (
    SCFQ_DISCIPLINE,
    SFQ_DISCIPLINE,
    Discipline,
    Flow,
    arrive,
    flow_of,
    near,
    next_head,
    queue_state,
    serve,
    sound_flows,
)
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import lift
from headgate.proofs.table import exact, gap_exceeds, largest_sizes, table, unit_tenants
from headgate.proofs.theorem import Expect, Obligation, Query, Theorem
from headgate.spec.vocabulary import Schedule

__all__ = ["THEOREMS"]

CODE_TENANTS = range(2, 9)


def _code_steps(discipline: Discipline, count: int) -> list[Obligation]:
    """The invariant of `count` tenants is inductive under the code's start, stamp, select and rest."""
    virtual, cost = z3.Reals("virtual cost")
    flows = [flow_of(k) for k in range(count)]
    sound = sound_flows(discipline, virtual, flows)
    name = f"N = {count}: "
    return [
        _code_start(discipline, count, name),
        *_code_arrivals(discipline, virtual, flows, sound, cost, name),
        *_code_services(discipline, virtual, flows, sound, cost, name),
        _code_rest(discipline, virtual, flows, sound, name),
    ]


def _code_start(discipline: Discipline, count: int, name: str) -> Obligation:
    tenants = Tenants(count, tuple(range(count)), (0,) * count, (lift(0),) * count)
    state = discipline.policy.start(tenants)
    idle = [
        attrs.evolve(flow_of(k), queued=lift(False), busy=lift(False), more=lift(False), last=lift(last))
        for k, last in enumerate(state.last)
    ]
    positive = tuple(flow.largest > 0 for flow in idle)
    return Obligation(name + "at first", positive, z3.And(*sound_flows(discipline, lift(state.virtual), idle)))


def _code_arrivals(
    discipline: Discipline, virtual: Any, flows: list[Flow], sound: list[Any], cost: Any, name: str
) -> list[Obligation]:
    obligations = []
    for who in range(len(flows)):
        after_virtual, after, stamp = arrive(discipline, virtual, flows, who, cost)
        given = (*sound, cost > 0, cost <= flows[who].largest)
        kept = z3.And(after_virtual == virtual, *sound_flows(discipline, after_virtual, after))
        backlogged = z3.Or(flows[who].queued, flows[who].busy)
        same = z3.Implies(
            backlogged, z3.And(after[who].position == flows[who].position, stamp.begin == flows[who].last)
        )
        obligations += [
            Obligation(f"{name}a request of tenant {who} arrives", given, kept),
            Obligation(
                f"{name}it joins its queue where that ends", given, z3.And(same, stamp.end == stamp.begin + cost)
            ),
        ]
    return obligations


def _code_services(
    discipline: Discipline, virtual: Any, flows: list[Flow], sound: list[Any], cost: Any, name: str
) -> list[Obligation]:
    found, tenant, after_virtual, after = serve(discipline, virtual, flows, cost)
    queued = [flow.queued for flow in flows]
    given = (*sound, z3.Or(*queued), next_head(flows, tenant, cost))
    served = [lift(tenant == k) for k in range(len(flows))]
    moves = [
        z3.If(is_served, new.position == old.position + old.cost, z3.Implies(old.queued, new.position == old.position))
        for is_served, old, new in zip(served, flows, after, strict=True)
    ]
    tag = choose(tenant, [discipline.chosen_tag(flow) for flow in flows])
    passes = [z3.Implies(flow.queued, tag <= discipline.chosen_tag(flow)) for flow in flows]
    steps = zip(sound_flows(discipline, after_virtual, after), range(len(flows)), strict=True)
    return [
        Obligation(name + "somebody who waits is served", (*sound, z3.Or(*queued)),
                   z3.And(lift(found), choose(tenant, queued))),
        *(Obligation(f"{name}a service, tenant {k}", given, goal) for goal, k in steps),
        Obligation(name + "the position moves by the cost of what is served", given, z3.And(*moves)),
        Obligation(name + "the virtual time is the tag served, never goes back, passes no waiting tag", given,
                   z3.And(after_virtual == tag, virtual <= after_virtual, *passes)),
    ]  # fmt: skip


def _code_rest(discipline: Discipline, virtual: Any, flows: list[Flow], sound: list[Any], name: str) -> Obligation:
    idle = [attrs.evolve(flow, busy=lift(False)) for flow in flows]
    state = discipline.policy.rest(queue_state(virtual, idle))
    after = [attrs.evolve(flow, last=state.last[k]) for k, flow in enumerate(idle)]
    given = (*sound, *(z3.Not(flow.queued) for flow in flows))
    goal = z3.And(state.virtual >= virtual, *sound_flows(discipline, state.virtual, after))
    return Obligation(name + "a busy period ends", given, goal)


@attrs.frozen
class _Pair:
    """The ghosts of the pair layer: positions and virtual time when the interval began, service since."""

    begun: tuple[Any, Any]
    virtual: Any
    service: tuple[Any, Any]


def _pair_setting(discipline: Discipline) -> tuple[Any, list[Flow], _Pair, list[Any]]:
    virtual, begun_virtual = z3.Reals("virtual begun_virtual")
    flows = [flow_of(0), flow_of(1)]
    pair = _Pair(tuple(z3.Reals("begun0 begun1")), begun_virtual, tuple(z3.Reals("service0 service1")))
    sound = sound_flows(discipline, virtual, flows)
    return virtual, flows, pair, [*sound, *(flow.busy for flow in flows), _counted(discipline, flows, pair)]


def _counted(discipline: Discipline, flows: Sequence[Flow], pair: _Pair) -> Any:
    """The service of each is how far its position moved, from one that was in the bracket."""
    counts = [
        z3.And(
            invariant("service", is_the_move=served == flow.position - begun),
            near(discipline, pair.virtual, begun, flow.largest),
        )
        for flow, begun, served in zip(flows, pair.begun, pair.service, strict=True)
    ]
    return z3.And(*counts)


def _pair_steps(discipline: Discipline) -> list[Obligation]:
    virtual, flows, pair, given = _pair_setting(discipline)
    cost, later = z3.Reals("cost later")
    gap = pairwise_gap(flows[0].largest, flows[1].largest)
    drift = pair.service[0] - pair.service[1]
    both = [flow.queued for flow in flows]
    others = [z3.And(virtual <= later, *(later <= discipline.chosen_tag(flow) for flow in flows))]
    begins = _Pair((flows[0].position, flows[1].position), virtual, (lift(0), lift(0)))
    return [
        Obligation("an interval begins while both are backlogged", tuple(given[:4]),
                   _counted(discipline, flows, begins)),
        Obligation("a third tenant is served", (*given, *both, *others), z3.And(
            *sound_flows(discipline, later, flows), _counted(discipline, flows, pair))),
        *_pair_arrivals(discipline, virtual, flows, pair, given, cost),
        _pair_service(discipline, virtual, flows, pair, [*given, *both], cost),
        Obligation("the gap is bounded", tuple(given), z3.And(drift <= gap, -drift <= gap)),
    ]  # fmt: skip


def _pair_arrivals(
    discipline: Discipline, virtual: Any, flows: list[Flow], pair: _Pair, given: list[Any], cost: Any
) -> list[Obligation]:
    obligations = []
    for who in (0, 1):
        after_virtual, after, _ = arrive(discipline, virtual, flows, who, cost)
        kept = z3.And(*sound_flows(discipline, after_virtual, after), _counted(discipline, after, pair))
        premises = (*given, cost > 0, cost <= flows[who].largest)
        obligations.append(Obligation(f"a request of tenant {who} arrives", premises, kept))
    return obligations


def _pair_service(
    discipline: Discipline, virtual: Any, flows: list[Flow], pair: _Pair, given: list[Any], cost: Any
) -> Obligation:
    _, tenant, after_virtual, after = serve(discipline, virtual, flows, cost)
    service = tuple(
        served + where(lift(tenant == k), flow.cost, lift(0))
        for k, (served, flow) in enumerate(zip(pair.service, flows, strict=True))
    )
    counted = _Pair(pair.begun, pair.virtual, (service[0], service[1]))
    goal = z3.And(*sound_flows(discipline, after_virtual, after), _counted(discipline, after, counted))
    return Obligation("one of the two is served", (*given, next_head(flows, tenant, cost)), goal)


def _code_layer(discipline: Discipline) -> Callable[[], list[Obligation]]:
    return lambda: [step for count in CODE_TENANTS for step in _code_steps(discipline, count)]


def _normalised() -> list[Obligation]:
    """Costs are sizes over weights: a bound in costs is the bound of the clause."""
    size_i, size_j, most_i, most_j, weight_i, weight_j = z3.Reals("size_i size_j most_i most_j weight_i weight_j")
    given = (weight_i > 0, weight_j > 0, size_i > 0, size_i <= most_i, size_j > 0, size_j <= most_j)
    gap = pairwise_gap(most_i / weight_i, most_j / weight_j)
    return [
        Obligation("a cost is at most the largest size over the weight", given, z3.And(
            size_i / weight_i <= most_i / weight_i, size_j / weight_j <= most_j / weight_j,
            gap * weight_i * weight_j == most_i * weight_j + most_j * weight_i)),
    ]  # fmt: skip


def _gap_attack(policy: Policy, tenants: Tenants, requests: int, clause: str) -> Callable[[Fraction], Query]:
    """Return a search for requests of 1 or 2 bytes by equal tenants that drive tenants 0 and 1 apart."""
    statement = "Two backlogged tenants drift apart by at most L_i / w_i + L_j / w_j."
    heading = (clause, statement, "arbiter", policy.name, "gap")
    weights, priorities = (1,) * tenants.count, tenants.priorities

    def attack(tighter: Fraction) -> Query:
        found = table(policy, tenants, requests, 2)
        most = largest_sizes(found, 2)
        over = gap_exceeds(found, pairwise_gap(most[0], most[1]) - exact(tighter))
        parameters = {"weights": weights, "priorities": priorities, "peak": 1, "tighter_by": tighter}

        def decode(model: z3.ModelRef) -> Schedule:
            return schedule_of(model, heading, parameters, found.requests)

        smallest = (z3.Sum(found.sizes), found.arrivals[-1], *found.arrivals, *found.tenants, *found.sizes)
        return Query((*found.constraints, over), decode, smallest)

    return attack


def _deep_queues(discipline: Discipline, depth: int) -> list[Obligation]:
    """Requests stamped on arrival, `depth` deep, get the tags that they would get at the head of the queue."""
    virtual = z3.Real("virtual")
    costs, clocks = z3.Reals([f"cost{k}" for k in range(depth)]), z3.Reals([f"clock{k}" for k in range(depth)])
    other = flow_of(1)
    first = attrs.evolve(flow_of(0), queued=lift(False), more=lift(False), busy=lift(False))
    given: list[Any] = [*sound_flows(discipline, virtual, [first, other]), clocks[0] == virtual]
    state = queue_state(virtual, [first, other])
    stamps: list[Stamp] = []
    for cost, clock in zip(costs, clocks, strict=True):
        given += [cost > 0, cost <= first.largest, clock >= virtual]
        if stamps:
            given.append(clock <= discipline.chosen_tag(attrs.evolve(first, begin=stamps[0].begin, cost=costs[0])))
        state, stamp = discipline.policy.stamp(FairQueue(clock, state.last), 0, Arrival(lift(0), cost, cost, lift(0)))
        stamps.append(stamp)
    given += [a <= b for a, b in pairwise(clocks)]
    equal = _head_stamps_equal(discipline, first, other, stamps, costs)
    return [Obligation(f"{discipline.policy.name}: {depth} requests", tuple(given), equal)]


def _head_stamps_equal(
    discipline: Discipline, first: Flow, other: Flow, stamps: Sequence[Stamp], costs: Sequence[Any]
) -> Any:
    """Serve them one by one; each next one is stamped when it becomes the head."""
    equal = []
    for served, waiting, cost in zip(stamps, stamps[1:], costs[1:], strict=False):
        tenants = unit_tenants(2, 1)
        state = FairQueue(lift(0), (served.end, other.last))
        _, _, state = discipline.policy.select(state, tenants, (served, served), (True, False))
        _, stamp = discipline.policy.stamp(state, 0, Arrival(lift(0), cost, cost, lift(0)))
        equal += [stamp.begin == waiting.begin, stamp.end == waiting.end]
    return z3.And(*equal)


def _contiguous(discipline: Discipline) -> list[Obligation]:
    """The step of an induction on the depth: behind a queue or at its head, the tag is where the queue ends."""
    virtual, cost = z3.Reals("virtual cost")
    flows = [flow_of(0), flow_of(1)]
    given = (*sound_flows(discipline, virtual, flows), flows[0].queued, cost > 0, cost <= flows[0].largest)
    _, _, stamp = arrive(discipline, virtual, flows, 0, cost)
    head = Stamp(flows[0].begin, flows[0].end, flows[0].cost, lift(0))
    state = FairQueue(virtual, (flows[0].end, flows[1].last))
    _, _, state = discipline.policy.select(state, unit_tenants(2, 1), (head, head), (True, False))
    _, at_head = discipline.policy.stamp(state, 0, Arrival(lift(0), cost, cost, lift(0)))
    name = discipline.policy.name
    return [
        Obligation(
            f"{name}: on arrival, a request is stamped where its queue ends", given, stamp.begin == flows[0].last
        ),
        Obligation(f"{name}: at the head, where the one before it ends", given, at_head.begin == flows[0].end),
    ]


ANY = "every horizon; any number of tenants, weights, sizes and server rates, blackouts included"
CODE = f"every horizon; N = {CODE_TENANTS[0]}..{CODE_TENANTS[-1]} tenants on the code's own step"
PAIR = ("a third tenant that is served has a tag between the virtual time and the tags of those who wait "
        "(proved of the code for N = 2..8)",)  # fmt: skip
ENVIRONMENT = "all tenants but two are an environment that serves anybody whose tag is not above those who wait"
HEADS = "a queue is its head, its last finish tag and whether more wait; what follows the head is any request that fits"
CODE_LIMIT = f"N = {CODE_TENANTS[0]}..{CODE_TENANTS[-1]}"
QUEUES = ("the requests of a queue are stamped contiguously (theorem deep-queues)",)


# SCFQ reaches its bound where a third tenant wins a tie against one of the two: it needs a better priority.
THIRD_FIRST = Tenants(3, (2, 0, 1), (1, 1, 0), (2, 2, 2))


def _fairness(
    discipline: Discipline, clauses: tuple[str, ...], gap_clause: str, attack: Callable[[Fraction], Query]
) -> tuple[Theorem, Theorem]:
    name = discipline.policy.name
    return (
        Theorem(
            f"{name}-pairwise-gap", (gap_clause,),
            f"Under {name.upper()} two backlogged tenants drift apart by at most L_i / w_i + L_j / w_j.",
            ANY, (*PAIR, *QUEUES), obligations=lambda: [*_pair_steps(discipline), *_normalised()],
            attack=attack, invariants=("queue", f"{name} bracket", "service", "anchor"), abstraction=ENVIRONMENT,
            partner="arbiters-work-conserving",
        ),
        Theorem(
            f"{name}-code", (*clauses, gap_clause),
            f"The code of {name.upper()} keeps the invariant of {name}-pairwise-gap.",
            CODE, QUEUES, obligations=_code_layer(discipline),
            invariants=("queue", f"{name} bracket"), abstraction=HEADS, limit=CODE_LIMIT,
            unpaired=f"an invariant of the code; what it bounds stands in {name}-pairwise-gap",
        ),
    )  # fmt: skip


THEOREMS: Sequence[Theorem] = (
    *_fairness(SFQ_DISCIPLINE, ("FQ-1", "FQ-2", "FQ-3"), "FQ-4", _gap_attack(SFQ, unit_tenants(2, 2), 5, "FQ-4")),
    *_fairness(SCFQ_DISCIPLINE, ("FQ-6",), "FQ-7", _gap_attack(SCFQ, THIRD_FIRST, 4, "FQ-7")),
    Theorem(
        "deep-queues", ("FQ-8",),
        "Stamping on arrival, however deep the queue, gives the tags of stamping at the head, under SFQ and SCFQ.",
        "every horizon and depth", ("the invariants of sfq-code and scfq-code",),
        obligations=lambda: [*_contiguous(SFQ_DISCIPLINE), *_contiguous(SCFQ_DISCIPLINE)],
        unpaired="an equation",
    ),
    Theorem(
        "deep-queues-unrolled", ("FQ-8",),
        "Three requests stamped one by one on arrival have the tags of stamping at the head, under SFQ and SCFQ.",
        "queues up to 3 deep, any tags before", horizon=3, limit="queues 3 deep",
        obligations=lambda: [*_deep_queues(SFQ_DISCIPLINE, 3), *_deep_queues(SCFQ_DISCIPLINE, 3)],
        unpaired="an equation",
    ),
    Theorem(
        "essay-tag", ("FQ-9",),
        "Under the essay's tag two backlogged tenants drift apart by at most L_i / w_i + L_j / w_j.",
        "four requests of two equal tenants",
        expect=Expect.REFUTED, attack=_gap_attack(ESSAY, unit_tenants(2, 2), 4, "FQ-9"),
    ),
)  # fmt: skip
