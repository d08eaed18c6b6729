"""What must hold of *early* (EA-1, EA-2), and of the clock that policies are given (AR-8)."""

from fractions import Fraction
from typing import Any

import attrs
from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model import bounds
from headgate.model.arbiters import ARBITERS, Arrival
from headgate.model.arbiters.early import EARLY
from headgate.model.arbiters.sfq import SFQ
from headgate.model.refresh import Refresh
from headgate.model.simulator import Server, effective_rate_of, simulate
from headgate.properties import strategies
from headgate.properties.arranged import TIES, tenants
from headgate.properties.measures import Choice, Stamping, blocked, choices, in_line, recorded_run
from headgate.properties.strategies import Scenario, long_run_rate
from headgate.spec.links import checks
from headgate.spec.vocabulary import Request

SCENARIOS = strategies.scenarios(valid=True, best_effort=True)

# Tenant 1 has the better priority and a flood, of which little is due; tenant 0 keeps to its rate.
SURPLUS = Scenario(
    tenants(1, 1, priorities=(1, 0)),
    Server(Fraction(4)),
    tuple(sorted([*[Request(1, 0, 8)] * 9, *[Request(0, 8 * k, 8) for k in range(4)]], key=lambda r: r.arrival_ns)),
)
# Nothing is due after the first round: the surplus goes by priority, between equals by number.
ALL_AHEAD = Scenario(
    tenants(1, 1, 1, priorities=(1, 0, 0)),
    Server(Fraction(6)),
    tuple(Request(t, 0, 8) for t in (0, 1, 2, 0, 1, 2, 0, 1, 2)),
)
# Deadlines and expected arrivals disagree: the later to be due has the smaller request.
SHORT_LAST = Scenario(
    tenants(1, 1, 6),
    Server(Fraction(8), Refresh(Fraction(10), Fraction(5))),
    (Request(2, 0, 8), Request(0, 0, 8), Request(1, 1, 1), Request(2, 1, 8)),
)


@checks("EA-1")
@given(SCENARIOS)
@example(SURPLUS)
@example(SHORT_LAST)
def test_a_request_is_due_from_its_expected_arrival_for_one_cost(scenario: Scenario) -> None:
    """EAT = max(A, that of the tenant's request before + its cost), and the deadline is one cost later."""
    free: dict[int, Fraction] = {}
    for event in recorded_run(scenario, EARLY).events:
        if isinstance(event, Stamping):
            g = scenario.contracts[event.tenant].guaranteed_bytes_per_ns
            expected = max(event.arrival.at, free.get(event.tenant, Fraction(0)))
            free[event.tenant] = expected + event.arrival.size / g
            assert (event.stamp.begin, event.stamp.end) == (expected, free[event.tenant])


@checks("EA-1")
@given(SCENARIOS)
@example(SURPLUS)
@example(ALL_AHEAD)
@example(SHORT_LAST)
@example(TIES)
def test_due_requests_go_by_deadline_and_the_rest_by_priority(scenario: Scenario) -> None:
    """The chosen one has the least deadline of what is due; if nothing is, the best priority, then number."""
    for tenant, heads, service in choices(recorded_run(scenario, EARLY)):
        ranks = {t: (scenario.contracts[t].priority, t) for t in heads}
        due = {t: (head.end, *ranks[t]) for t, head in heads.items() if head.begin <= service.start_ns}
        assert tenant == (min(due, key=due.__getitem__) if due else min(ranks, key=ranks.__getitem__))


@checks("EA-2")
@given(SCENARIOS)
@example(SURPLUS)
@example(ALL_AHEAD)
@example(SHORT_LAST)
@example(blocked((0, 2, 1)))
def test_every_request_finishes_by_its_deadline_and_one_request(scenario: Scenario) -> None:
    """With guarantees of at most R in all: EAT + l / g + L / R + B, background included in L."""
    rate, refresh = long_run_rate(scenario.server), scenario.server.refresh
    blackout = refresh.blackout if refresh is not None else Fraction(0)
    execution = simulate(scenario.requests, scenario.contracts, EARLY, scenario.server)
    largest = max((service.request.bytes for service in execution.services), default=0)
    for service in in_line(execution):
        g, size = scenario.contracts[service.request.tenant].guaranteed_bytes_per_ns, service.request.bytes
        bound = size / g + largest / rate + blackout
        assert service.expected_ns is not None
        assert service.finish_ns <= service.expected_ns + bound
        assert bounds.deadline_delay(size, largest, rate, blackout, g) == bound


@checks("EA-2")
def test_the_bound_comes_within_two_bytes() -> None:
    """The largest request begins just before two others arrive; the last of them misses the bound by 2 bytes."""
    scenario = blocked((0, 2, 1))
    last = recorded_run(scenario, EARLY).services[-1]
    bound = bounds.deadline_delay(1, 64, Fraction(8), 0, Fraction(1))
    assert last.request == Request(2, 1, 1)
    assert last.expected_ns is not None
    assert (last.expected_ns + bound - last.finish_ns) * 8 == 2


@checks("EA-2")
@given(st.integers(2, 12))
@example(2)
def test_the_gap_of_two_tenants_is_not_promised(flood: int) -> None:
    """While nothing of either is due the better priority gets all of the surplus; SFQ shares it."""
    requests = (*[Request(0, 0, 8)] * (2 * flood), *[Request(1, 0, 8)] * (2 * flood))
    scenario = Scenario(tenants(1, 1, priorities=(1, 0)), Server(Fraction(1000)), requests)
    first = [s.request.tenant for s in recorded_run(scenario, EARLY).services[: flood + 1]]
    # One of each is due at once.
    assert first.count(1) == flood
    shared = [s.request.tenant for s in recorded_run(scenario, SFQ).services[: flood + 1]]
    assert abs(shared.count(0) - shared.count(1)) <= 2


# The clock.

POLICIES = st.sampled_from(sorted(ARBITERS))


@checks("AR-8")
@given(strategies.scenarios(best_effort=True), POLICIES)
@example(SURPLUS, "early")
@example(SHORT_LAST, "wf2q+")
def test_a_policy_is_told_the_time_of_everything_that_it_is_asked(scenario: Scenario, name: str) -> None:
    """The clock stands at the release when a request is stamped, at the start when one is chosen; never back."""
    policy, told = ARBITERS[name], [Fraction(0)]
    at_stamps: list[tuple[Any, Fraction]] = []
    at_choices: list[Fraction] = []

    def advance(state: Any, now: Fraction) -> Any:
        told.append(now)
        return policy.advance(state, now)

    def stamp(state: Any, tenant: int, arrival: Arrival) -> Any:
        at_stamps.append((arrival.at, told[-1]))
        return policy.stamp(state, tenant, arrival)

    def select(*asked: Any) -> Any:
        at_choices.append(told[-1])
        return policy.select(*asked)

    watched = attrs.evolve(policy, advance=advance, stamp=stamp, select=select)
    execution = simulate(scenario.requests, scenario.contracts, watched, scenario.server)
    assert told == sorted(told)
    assert all(at == clock for at, clock in at_stamps)
    assert at_choices == [service.start_ns for service in in_line(execution)]


@checks("AR-8")
@given(SCENARIOS)
@example(SURPLUS)
def test_a_policy_without_a_clock_is_not_changed_by_the_time(scenario: Scenario) -> None:
    """Between a choice and the next event the state of SFQ stays what it was."""
    states = [event for event in recorded_run(scenario, SFQ).events if isinstance(event, Choice | Stamping)]
    for event in states:
        assert SFQ.advance(event.after, 10**9) is event.after
    assert not SFQ.keeps_time
    assert EARLY.keeps_time


@checks("WQ-2")
@given(strategies.servers())
def test_the_reference_is_the_rate_that_refresh_leaves(server: Server) -> None:
    """The fluid that a policy is compared with has the long-run rate of the server."""
    assert effective_rate_of(server) == long_run_rate(server)
