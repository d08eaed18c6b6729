"""Tenants of a tag-based fair queue as terms, and the code's own steps on them.

A queue is its head, its last finish tag and whether more wait behind; what follows the head is any request that fits.
A *discipline* is a tag policy with the bracket that it keeps around its virtual time. Theorems on fairness, delay and
bypass are built of these steps.
"""

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import z3

from headgate.model.algebra import where
from headgate.model.arbiters import SCFQ, SFQ, Arrival, Policy, Stamp, Tenants
from headgate.model.arbiters.sfq import FairQueue
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import lift

__all__ = [
    "SCFQ_DISCIPLINE",
    "SFQ_DISCIPLINE",
    "Discipline",
    "Flow",
    "arrive",
    "flow_of",
    "near",
    "next_head",
    "queue_state",
    "serve",
    "sound_flows",
]


@attrs.frozen
class Flow:
    """One tenant: its head's stamp and cost, the largest cost, whether something waits, or at least is in service.

    `more` says that requests wait behind the head; `last` is the tenant's last finish tag.
    """

    begin: Any
    cost: Any
    largest: Any
    queued: Any
    busy: Any
    more: Any
    last: Any

    @property
    def end(self) -> Any:
        """Finish tag of the head."""
        return self.begin + self.cost

    @property
    def position(self) -> Any:
        """Start tag of the head, or the last finish tag while nothing waits."""
        return where(self.queued, self.begin, self.last)


def flow_of(number: int) -> Flow:
    begin, cost, largest, last = z3.Reals(f"begin{number} cost{number} largest{number} last{number}")
    queued, busy, more = z3.Bools(f"queued{number} busy{number} more{number}")
    return Flow(begin, cost, largest, queued, busy, more, last)


@attrs.frozen
class Discipline:
    """A tag policy, and the bracket that it keeps around its virtual time."""

    policy: Policy
    bracket: Callable[[Any, Flow], Any]
    chosen_tag: Callable[[Flow], Any]


def _sfq_bracket(virtual: Any, flow: Flow) -> Any:
    return invariant(
        "sfq bracket",
        head_not_passed=z3.Implies(flow.queued, virtual <= flow.begin),
        head_near=z3.Implies(flow.queued, flow.begin <= virtual + flow.largest),
        service_not_passed=z3.Implies(z3.And(z3.Not(flow.queued), flow.busy), virtual <= flow.last),
        finish_near=z3.Implies(z3.Not(flow.queued), flow.last <= virtual + flow.largest),
    )


def _scfq_bracket(virtual: Any, flow: Flow) -> Any:
    return invariant(
        "scfq bracket",
        head_reached=z3.Implies(flow.queued, flow.begin <= virtual),
        head_not_passed=z3.Implies(flow.queued, virtual <= flow.end),
        service_ends_now=z3.Implies(z3.And(z3.Not(flow.queued), flow.busy), flow.last == virtual),
        finish_passed=z3.Implies(z3.Not(flow.queued), flow.last <= virtual),
    )


SFQ_DISCIPLINE = Discipline(SFQ, _sfq_bracket, lambda flow: flow.begin)
SCFQ_DISCIPLINE = Discipline(SCFQ, _scfq_bracket, lambda flow: flow.end)


def _shape(flow: Flow) -> Any:
    """What holds of any queue whose stamps are contiguous: each begins where the one before it ends."""
    kept = invariant(
        "queue",
        cost_positive=z3.Implies(flow.queued, flow.cost > 0),
        cost_within_largest=z3.Implies(flow.queued, flow.cost <= flow.largest),
        alone_ends_queue=z3.Implies(z3.And(flow.queued, z3.Not(flow.more)), flow.last == flow.end),
        others_end_later=z3.Implies(z3.And(flow.queued, flow.more), flow.last > flow.end),
    )
    return z3.And(flow.largest > 0, kept)


def sound_flows(discipline: Discipline, virtual: Any, flows: Sequence[Flow]) -> list[Any]:
    return [z3.And(_shape(flow), discipline.bracket(virtual, flow)) for flow in flows]


def queue_state(virtual: Any, flows: Sequence[Flow]) -> FairQueue:
    return FairQueue(virtual, tuple(flow.last for flow in flows))


def arrive(
    discipline: Discipline, virtual: Any, flows: Sequence[Flow], who: int, cost: Any
) -> tuple[Any, list[Flow], Stamp]:
    """Run the code's stamp for a request of `who`; return (virtual, flows, stamp)."""
    state, stamp = discipline.policy.stamp(queue_state(virtual, flows), who, Arrival(lift(0), cost, cost, lift(0)))
    flow = flows[who]
    first = Flow(
        stamp.begin, stamp.end - stamp.begin, flow.largest, lift(True), lift(True), lift(False), state.last[who]
    )
    behind = attrs.evolve(flow, more=lift(True), last=state.last[who])
    after = [attrs.evolve(other, last=state.last[k]) for k, other in enumerate(flows)]
    after[who] = where(flow.queued, behind, first)
    return state.virtual, after, stamp


def serve(
    discipline: Discipline, virtual: Any, flows: Sequence[Flow], cost: Any, order: tuple[int, ...] | None = None
) -> tuple[Any, Any, Any, list[Flow]]:
    """Run the code's select; return (found, tenant, virtual, flows). The next head, if any, costs `cost`.

    Ties go by `order`, by default that of the numbers.
    """
    count = len(flows)
    tenants = Tenants(count, order or tuple(range(count)), (0,) * count, (lift(0),) * count)
    heads = tuple(Stamp(flow.begin, flow.end, flow.cost, lift(0)) for flow in flows)
    state = queue_state(virtual, flows)
    found, tenant, state = discipline.policy.select(state, tenants, heads, tuple(flow.queued for flow in flows))
    after = []
    for k, flow in enumerate(flows):
        still_more = z3.And(flow.more, z3.Bool(f"still_more{k}"))
        popped = Flow(flow.end, cost, flow.largest, flow.more, lift(True), still_more, state.last[k])
        passed = attrs.evolve(flow, busy=flow.queued, last=state.last[k])
        after.append(where(lift(tenant == k), popped, passed))
    return found, tenant, state.virtual, after


def next_head(flows: Sequence[Flow], tenant: Any, cost: Any) -> Any:
    """What is known of the request behind the head that was served: its cost, and where the queue ends."""
    cases = []
    for k, flow in enumerate(flows):
        end, still_more = flow.end + cost, z3.Bool(f"still_more{k}")
        queue = z3.And(cost > 0, cost <= flow.largest, z3.If(still_more, flow.last > end, flow.last == end))
        cases.append(z3.Implies(z3.And(lift(tenant == k), flow.more), queue))
    return z3.And(*cases)


def near(discipline: Discipline, virtual: Any, position: Any, largest: Any) -> Any:
    """The bracket of a backlogged position: SFQ keeps it above the virtual time, SCFQ below."""
    if discipline.policy is SFQ:
        return invariant("anchor", not_below=virtual <= position, not_above=position <= virtual + largest)
    return invariant("anchor", not_below=virtual - largest <= position, not_above=position <= virtual)
