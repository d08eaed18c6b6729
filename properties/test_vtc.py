"""What must hold of the virtual token counter (VT-1 to VT-3), and what it fails without its lift (VT-4)."""

from collections.abc import Sequence
from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model import bounds
from headgate.model.arbiters import Policy
from headgate.model.arbiters.vtc import VTC, VTC_NO_LIFT, token_cost
from headgate.model.fairness import worst_waiting_gap
from headgate.model.simulator import Server
from headgate.properties import strategies
from headgate.properties.arranged import TIES, tenants
from headgate.properties.measures import Choice, Stamping, choices, largest_of, recorded_run
from headgate.properties.strategies import Scenario
from headgate.spec.links import checks
from headgate.spec.vocabulary import Excess, Request, Service

ANY_LOAD = strategies.scenarios(excess=Excess.IN_LINE, valid=True, admissible=None)

# Client 1 comes late to a backlog; client 0 comes back to nobody after an idle time.
RETURNS = Scenario(
    tenants(1, 2),
    Server(Fraction(2)),
    (*[Request(0, 0, 4)] * 8, *[Request(1, 9, 4)] * 4, Request(1, 60, 8), Request(0, 70, 2), *[Request(1, 70, 8)] * 3),
)
# A single request at a time, each come before the one before it is done: it never waits for long, and is lifted.
ONE_AT_A_TIME = Scenario(
    tenants(1, 1),
    Server(Fraction(1)),
    (Request(1, 0, 1), *[Request(0, 0, 8)] * 4, Request(1, 1, 1), Request(1, 9, 1), Request(1, 18, 1)),
)


@checks("VT-1")
@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3), st.integers(0, 3))
@example(3, 5, 1, 2)
def test_a_cost_counts_prefill_and_decode(prefill: int, decode: int, w_p: int, w_q: int) -> None:
    """Every prefill token adds w_p, every decode token w_q."""
    cost = token_cost(prefill, decode, w_p, w_q)
    assert token_cost(prefill + 1, decode, w_p, w_q) - cost == w_p
    assert token_cost(prefill, decode + 1, w_p, w_q) - cost == w_q
    assert token_cost(0, 0, w_p, w_q) == 0


def follow(scenario: Scenario, policy: Policy, lifts: bool) -> None:
    """Assert that counters, lifts and choices of a run are those of the definition."""
    log = recorded_run(scenario, policy)
    counters = [Fraction(0) for _ in scenario.contracts]
    waiting: list[int] = []
    last, chosen = 0, choices(log)
    for event in log.events:
        if isinstance(event, Stamping):
            if lifts and event.tenant not in waiting:
                floor = min(counters[t] for t in waiting) if waiting else counters[last]
                counters[event.tenant] = max(counters[event.tenant], floor)
            waiting.append(event.tenant)
            assert event.after.counters == tuple(counters)
        elif isinstance(event, Choice):
            tenant, heads, service = next(chosen)
            assert set(heads) == set(waiting)
            assert tenant == min(heads, key=lambda t: (counters[t], scenario.contracts[t].priority, t))
            counters[tenant] += service.request.bytes / scenario.contracts[tenant].guaranteed_bytes_per_ns
            assert event.after.counters == tuple(counters)
            waiting.remove(tenant)
            last = tenant


@checks("VT-1", "VT-2")
@given(ANY_LOAD)
@example(RETURNS)
@example(TIES)
@example(ONE_AT_A_TIME)
def test_counters_and_lifts_are_the_definition(scenario: Scenario) -> None:
    """The least counter goes first and is charged; who had nothing in the queue is lifted to the least there."""
    follow(scenario, VTC, lifts=True)


@checks("VT-4")
@given(ANY_LOAD)
@example(RETURNS)
def test_without_the_lift_counters_are_what_has_been_served(scenario: Scenario) -> None:
    """A counter is the sum of the costs served, whenever they were."""
    follow(scenario, VTC_NO_LIFT, lifts=False)


def waits(services: Sequence[Service], client: int) -> list[tuple[Fraction, Fraction]]:
    """Return the maximal periods in which a request of `client` waits: from a release to a start."""
    spans: list[tuple[Fraction, Fraction]] = []
    for service in sorted((s for s in services if s.request.tenant == client), key=lambda s: s.release_ns):
        if spans and service.release_ns <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], service.start_ns))
        else:
            spans.append((service.release_ns, service.start_ns))
    return spans


def widest_lead(services: Sequence[Service], weights: Sequence[Fraction], ahead: int, behind: int) -> Fraction:
    """Return the most that `ahead` is charged beyond `behind` in an interval in which both wait throughout."""
    widest = Fraction(0)
    for begin_a, end_a in waits(services, ahead):
        for begin_b, end_b in waits(services, behind):
            begin, end = max(begin_a, begin_b), min(end_a, end_b)
            inside = [s for s in services if begin <= s.start_ns <= end and s.request.tenant in (ahead, behind)]
            for first in range(len(inside)):
                lead = Fraction(0)
                for service in inside[first:]:
                    cost = service.request.bytes / weights[service.request.tenant]
                    lead += cost if service.request.tenant == ahead else -cost
                    widest = max(widest, lead)
    return widest


@checks("VT-3")
@given(ANY_LOAD)
@example(RETURNS)
@example(ONE_AT_A_TIME)
def test_two_waiting_clients_stay_within_their_largest_costs(scenario: Scenario) -> None:
    """On any server: at most the largest cost of the one and that of the other, and so at most 2 U."""
    services = recorded_run(scenario, VTC).services
    weights = [contract.guaranteed_bytes_per_ns for contract in scenario.contracts]
    costs = [largest_of(services, client) / weight for client, weight in enumerate(weights)]
    for f in range(len(weights)):
        for g in range(len(weights)):
            if f != g:
                assert widest_lead(services, weights, f, g) <= costs[f] + costs[g] <= bounds.vtc_gap(max(costs))
            if f < g:
                widest = max(widest_lead(services, weights, f, g), widest_lead(services, weights, g, f))
                measured = worst_waiting_gap(services, weights, f, g)
                # Where both wait at one instant alone, nothing is charged in an interval.
                assert measured is None or measured.size_ns <= widest


@checks("VT-3")
def test_the_gap_comes_within_a_byte_of_its_bound() -> None:
    """Client 0 is just ahead; then client 1 is served twice in a row: all of 2 U but a byte."""
    requests = (Request(0, 0, 8), Request(0, 0, 8), Request(1, 0, 7), Request(1, 0, 8), Request(1, 0, 8))
    services = recorded_run(Scenario(tenants(1, 1), Server(Fraction(2)), requests), VTC).services
    assert widest_lead(services, [Fraction(1)] * 2, 1, 0) == bounds.vtc_gap(8) - 1


@checks("VT-4")
@given(st.integers(3, 20))
@example(3)
def test_without_the_lift_who_comes_back_is_served_alone(away: int) -> None:
    """After n requests of client 0 alone, n of client 1 go first, however many of client 0 wait; with the lift, one."""
    requests = (*[Request(0, 0, 4)] * (2 * away), *[Request(1, 2 * away - 1, 4)] * (2 * away))
    scenario = Scenario(tenants(1, 1), Server(Fraction(2)), requests)
    weights = [Fraction(1)] * 2
    alone = recorded_run(scenario, VTC_NO_LIFT).services
    assert [s.request.tenant for s in alone[: 2 * away]] == [0] * away + [1] * away
    assert widest_lead(alone, weights, 1, 0) >= 4 * away > bounds.vtc_gap(4)
    assert widest_lead(recorded_run(scenario, VTC).services, weights, 1, 0) <= bounds.vtc_gap(4)


@checks("VT-3")
@given(st.integers(2, 12))
@example(2)
def test_a_client_with_one_request_at_a_time_comes_back_every_time(rounds: int) -> None:
    """It sends the next one as the last one is being served, and so never waits beside itself: it gets 1 for 8."""
    # The flood's requests take 8 ns, its own 1: it is served every 9 ns, and has the next one sent by then.
    own = [Request(1, 9 * k, 1) for k in range(rounds)]
    requests = sorted([*[Request(0, 0, 8)] * (2 * rounds), *own], key=lambda r: r.arrival_ns)
    scenario = Scenario(tenants(1, 1, priorities=(1, 0)), Server(Fraction(1)), tuple(requests))
    services = recorded_run(scenario, VTC).services
    assert [s.request.tenant for s in services[: 2 * rounds]] == [1, 0] * rounds
