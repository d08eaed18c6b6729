"""What must hold of the simple arbiters, and what the essay's tag fails (AR-3 to AR-7, FQ-9)."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model import bounds
from headgate.model.arbiters import ARBITERS, Policy
from headgate.model.arbiters.drr import DRR, quanta_for
from headgate.model.arbiters.essay import ESSAY
from headgate.model.arbiters.fcfs import FCFS
from headgate.model.arbiters.round_robin import ROUND_ROBIN
from headgate.model.arbiters.sfq import SFQ
from headgate.model.arbiters.strict_priority import PRIORITY
from headgate.model.simulator import Server, simulate, tenants_of
from headgate.properties import strategies
from headgate.properties.arranged import tenants
from headgate.properties.measures import (
    Choice,
    Stamping,
    busy_spans,
    choices,
    file_positions,
    largest_of,
    pair_gaps,
    recorded_run,
    widest_gap,
)
from headgate.properties.strategies import Scenario
from headgate.spec.links import checks
from headgate.spec.vocabulary import Contract, Excess, Request, Service

SCENARIOS = strategies.scenarios(valid=True, admissible=None, best_effort=True)
# Everything is served in line, so that nothing but the arbiter decides.
IN_LINE = strategies.scenarios(excess=Excess.IN_LINE, valid=True, admissible=None)


def served(scenario: Scenario, policy: Policy) -> Iterator[tuple[Service, dict[int, Service]]]:
    """Yield every in-line service with the oldest of each tenant's that waited when it began, itself included."""
    services = recorded_run(scenario, policy).services
    for number, service in enumerate(services):
        oldest: dict[int, Service] = {}
        for other in services[number:]:
            if other.release_ns <= service.start_ns:
                oldest.setdefault(other.request.tenant, other)
        yield service, oldest


# Three tenants with a backlog each, the last with the best priority and the first request.
CONTENDED = Scenario(
    tenants(1, 1, 1, priorities=(2, 1, 0)),
    Server(Fraction(4)),
    (*[Request(2, 0, 4)] * 3, *[Request(0, 0, 4)] * 4, *[Request(1, 1, 8)] * 3, Request(2, 2, 4)),
)
# Tenants 1 and 2 arrive as the first service ends, and have to be there when the next is chosen.
AT_THE_END = Scenario(
    tenants(1, 1, 1, priorities=(1, 1, 0)),
    Server(Fraction(2)),
    (*[Request(0, 0, 8)] * 3, Request(1, 4, 8), Request(2, 4, 8)),
)


@checks("AR-3")
@given(SCENARIOS)
@example(CONTENDED)
@example(AT_THE_END)
def test_fcfs_serves_in_the_order_of_arrival(scenario: Scenario) -> None:
    """Services start in the order in which the requests were released, those of one instant in file order."""
    services = recorded_run(scenario, FCFS).services
    positions = file_positions(scenario, services)
    keys = [(service.release_ns, place) for service, place in zip(services, positions, strict=True)]
    assert keys == sorted(keys)


@checks("AR-4", "AR-7")
@given(SCENARIOS)
@example(CONTENDED)
@example(AT_THE_END)
def test_strict_priority_serves_the_best_that_waits(scenario: Scenario) -> None:
    """Nobody of a better priority waits when a service starts, and of the same priority nobody of a lower number."""
    for service, waiting in served(scenario, PRIORITY):
        ranks = [(scenario.contracts[tenant].priority, tenant) for tenant in waiting]
        tenant = service.request.tenant
        assert (scenario.contracts[tenant].priority, tenant) == min(ranks)


@checks("AR-5")
@given(SCENARIOS)
@example(CONTENDED)
@example(AT_THE_END)
def test_round_robin_goes_round_the_circle(scenario: Scenario) -> None:
    """The next served is the first that waits after the one served last; the circle begins with tenant 0."""
    count, last = len(scenario.contracts), len(scenario.contracts) - 1
    for service, waiting in served(scenario, ROUND_ROBIN):
        steps = {tenant: (tenant - last - 1) % count for tenant in waiting}
        assert steps[service.request.tenant] == min(steps.values())
        last = service.request.tenant


@checks("AR-5")
@given(SCENARIOS)
@example(CONTENDED)
def test_round_robin_serves_each_other_tenant_at_most_once_in_between(scenario: Scenario) -> None:
    """Between two services of a backlogged tenant there are at most N - 1 others, one of each tenant."""
    services = recorded_run(scenario, ROUND_ROBIN).services
    for tenant in range(len(scenario.contracts)):
        for between in between_services(services, tenant):
            assert len(between) == len(set(between)) < len(scenario.contracts)


def between_services(services: Sequence[Service], tenant: int) -> Iterator[list[int]]:
    """Yield the tenants served between two services of `tenant` throughout which it is backlogged."""
    own = [number for number, s in enumerate(services) if s.request.tenant == tenant]
    for begin, end in pairwise(own):
        if services[end].release_ns <= services[begin].finish_ns:
            yield [s.request.tenant for s in services[begin + 1 : end]]


# Deficit round robin.

# Quanta of 10 and requests of 6: what is left of a turn has to last into the next, or tenant 0 gets 6 bytes for 10.
LEFT_OVER = Scenario(
    tenants(1, 1, largest=10),
    Server(Fraction(2)),
    (*[Request(0, 0, 6)] * 15, *[Request(1, 0, 10)] * 9),
)
# Tenant 0 leaves the list with 4 bytes of its quantum left, and comes back: it may not bring them along.
COMES_BACK = Scenario(
    tenants(1, 1, largest=10),
    Server(Fraction(2)),
    (
        Request(0, 0, 6),
        *[Request(1, 0, 10)] * 6,
        *[Request(0, 14, 7)] * 4,
    ),
)
# Quanta in proportion to the weights; the third joins in the middle of a round, at the end of the list.
WEIGHTED = Scenario(
    tenants(1, 3, 2, largest=6),
    Server(Fraction(6)),
    (*[Request(0, 0, 4)] * 6, *[Request(1, 0, 5)] * 12, *[Request(2, 2, 6)] * 6),
)


@checks("AR-6")
@given(strategies.tenant_sets())
@example(tenants(1, 3, largest=6))
def test_quanta_are_the_smallest_in_proportion_that_cover_every_request(contracts: tuple[Contract, ...]) -> None:
    """Quanta are to each other as the weights are, none is below its tenant's largest request, and one is just that."""
    weights = tuple(contract.guaranteed_bytes_per_ns for contract in contracts)
    largest = tuple(contract.max_request_bytes for contract in contracts)
    quanta = quanta_for(weights, largest)
    assert len({quantum / weight for quantum, weight in zip(quanta, weights, strict=True)}) == 1
    assert min(quantum - size for quantum, size in zip(quanta, largest, strict=True)) == 0
    assert tenants_of(contracts).quanta == quanta


@checks("AR-9")
@given(IN_LINE)
@example(LEFT_OVER)
@example(WEIGHTED)
def test_drr_keeps_two_backlogged_tenants_within_a_turn_and_their_largest(scenario: Scenario) -> None:
    """While both are backlogged, |W_i / Q_i - W_j / Q_j| is at most 1 + L_i / Q_i + L_j / Q_j."""
    log = recorded_run(scenario, DRR)
    quanta = tenants_of(scenario.contracts).quanta
    for i in range(len(quanta)):
        for j in range(len(quanta)):
            if i != j:
                gap = widest_gap(log.services, quanta, i, j)
                largest = [largest_of(log.services, tenant) / quanta[tenant] for tenant in (i, j)]
                assert gap <= 1 + sum(largest) == bounds.round_gap(*largest)


@checks("AR-6")
@given(IN_LINE)
@example(LEFT_OVER)
@example(COMES_BACK)
def test_drr_deficits_cover_what_is_served_and_are_lost_on_leaving(scenario: Scenario) -> None:
    """A deficit is never negative, always less than quantum and largest request, and 0 for who is not in the list."""
    log = recorded_run(scenario, DRR)
    quanta = tenants_of(scenario.contracts).quanta
    for event in log.events:
        if isinstance(event, Choice):
            for tenant, deficit in enumerate(event.after.deficits):
                assert 0 <= deficit < quanta[tenant] + max(1, largest_of(log.services, tenant))
                assert deficit == 0 or event.after.active[tenant]


@checks("AR-6")
@given(IN_LINE)
@example(LEFT_OVER)
@example(COMES_BACK)
@example(WEIGHTED)
def test_drr_turns_serve_the_quanta_and_nothing_is_lost_or_saved(scenario: Scenario) -> None:
    """In m turns since it became active a tenant got at most m quanta, and less by not more than its next request.

    Told from the services alone: while another tenant waits, a run of services of one tenant is one turn.
    """
    services = recorded_run(scenario, DRR).services
    quanta = tenants_of(scenario.contracts).quanta
    for tenant in range(len(quanta)):
        for begin, end in busy_spans(services, tenant):
            for turns, sent, next_size in contested_turns(services, tenant, begin, end):
                assert sent <= turns * quanta[tenant]
                if next_size is not None:
                    assert sent + next_size > turns * quanta[tenant]


def contested_turns(
    services: Sequence[Service], tenant: int, begin: Fraction, end: Fraction
) -> Iterator[tuple[int, int, int | None]]:
    """Yield (turns, bytes, next size) at the end of each turn of `tenant` in its backlogged period [begin, end].

    It stops at the first choice of `tenant` for which nobody else waited: there turns cannot be told apart.
    """
    inside = [n for n, s in enumerate(services) if begin <= s.start_ns and s.finish_ns <= end]
    own = [n for n in inside if services[n].request.tenant == tenant]
    turns = sent = 0
    for place, number in enumerate(own):
        turns += place == 0 or own[place - 1] != number - 1
        sent += services[number].request.bytes
        following = own[place + 1] if place + 1 < len(own) else None
        if not any(
            s.request.tenant != tenant and s.release_ns <= services[number].finish_ns for s in services[number + 1 :]
        ):
            return
        if following is None:
            yield turns, sent, None
        elif following != number + 1:
            yield turns, sent, services[following].request.bytes


@checks("AR-6")
@given(IN_LINE)
@example(WEIGHTED)
@example(COMES_BACK)
@example(CONTENDED)
def test_drr_turns_go_by_the_order_of_the_active_list(scenario: Scenario) -> None:
    """A turn goes to who has been in the list for longest: since joining, or since the last turn ended."""
    log = recorded_run(scenario, DRR)
    waiting_at_choice = (frozenset(heads) for _, heads, _ in choices(log))
    place: dict[int, int] = {}
    turn: int | None = None
    for number, event in enumerate(log.events):
        if isinstance(event, Stamping):
            # The tenant whose turn it is stays where it is until the turn ends.
            if event.tenant != turn:
                place.setdefault(event.tenant, number)
        elif isinstance(event, Choice):
            waiting = next(waiting_at_choice)
            if event.tenant != turn:
                if turn in waiting:
                    place[turn] = number
                assert place[event.tenant] == min(place[tenant] for tenant in waiting)
                turn = event.tenant
                del place[turn]
        else:
            turn = None


# The essay's tag.


@checks("FQ-9")
@given(st.integers(3, 12), st.integers(1, 6))
@example(3, 1)  # four requests are enough
def test_essay_tag_breaks_every_bound_on_the_gap(flood: int, size: int) -> None:
    """A flood of one tenant and one request of another, equal weights: as written the flood goes first as a whole.

    The gap is the whole flood; under SFQ, on the same schedule, it stays within the bound.
    """
    requests = (*[Request(0, 0, size)] * flood, Request(1, 0, size))
    scenario = Scenario(tenants(1, 1), Server(Fraction(2)), requests)
    (as_written,) = pair_gaps(scenario, recorded_run(scenario, ESSAY).services)
    (corrected,) = pair_gaps(scenario, recorded_run(scenario, SFQ).services)
    assert as_written.widest == as_written.measured == flood * size
    assert as_written.widest > as_written.bound == 2 * size
    assert corrected.widest <= corrected.bound


@checks("FQ-9")
@given(st.integers(2, 30))
@example(2)
def test_essay_tag_lets_a_victim_wait_for_the_whole_flood(flood: int) -> None:
    """A request of size 2 behind n unit requests finishes at n + 2; with its share of the channel, at 4."""
    requests = (*[Request(0, 0, 1)] * flood, Request(1, 0, 2))
    scenario = Scenario(tenants(1, 1), Server(Fraction(1)), requests)
    finish = {s.request.tenant: s.finish_ns for s in recorded_run(scenario, ESSAY).services}
    assert finish[1] == flood + 2
    fair = {s.request.tenant: s.finish_ns for s in recorded_run(scenario, SFQ).services}
    assert fair[1] <= 4


@checks("FQ-9")
@given(IN_LINE)
@example(CONTENDED)
@example(AT_THE_END)
def test_essay_tag_counts_nothing_of_the_past(scenario: Scenario) -> None:
    """A tag is max(V, A) + size / weight, V the tag served last, and the smallest tag of the heads goes first."""
    log = recorded_run(scenario, ESSAY)
    chosen = ((heads[tenant].end, heads) for tenant, heads, _ in choices(log))
    virtual = Fraction(0)
    for event in log.events:
        if isinstance(event, Stamping):
            weight = scenario.contracts[event.tenant].guaranteed_bytes_per_ns
            assert event.stamp.end == max(virtual, event.arrival.at) + event.stamp.size / weight
        elif isinstance(event, Choice):
            virtual, heads = next(chosen)
            assert virtual == min(head.end for head in heads.values())


def waits_for(ratio: int, policy: str) -> int:
    """Return how many requests go before the victim's one, which costs `ratio` times as much as each of a rival's.

    The rival sends twice what the channel serves; weights are small, so that arrival times never exceed the tags.
    """
    weight = Fraction(1, 10**6)
    contracts = [
        Contract(name, w, w, max_request_bytes=2) for name, w in (("victim", weight / ratio), ("rival", weight))
    ]
    requests = [Request(0, 0, 2), *(Request(1, at, 2) for at in range(2**ratio))]
    services = simulate(requests, contracts, ARBITERS[policy], Server(Fraction(1))).services
    return next(number for number, service in enumerate(services) if service.request.tenant == 0)


@checks("FQ-9", "ST-8")
def test_the_wait_under_the_essay_tag_doubles_with_every_step_of_the_size_ratio() -> None:
    """A conforming request waits for 2^(K - 1) - 1 others, K the ratio of the costs; for none under SFQ."""
    for ratio in range(2, 12):
        assert waits_for(ratio, "essay") == 2 ** (ratio - 1) - 1
        assert waits_for(ratio, "sfq") == 0


@pytest.mark.soak
def test_the_wait_doubles_up_to_a_ratio_of_sixteen() -> None:
    """The longest of the family: 32,767 requests go first."""
    for ratio in range(12, 17):
        assert waits_for(ratio, "essay") == 2 ** (ratio - 1) - 1
