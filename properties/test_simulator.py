"""What must hold of the event simulator, under every policy (AR-1, AR-2, AR-7, PR-7, RF-1, TB-6)."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model.arbiters import ARBITERS
from headgate.model.policing import police
from headgate.model.refresh import Refresh
from headgate.model.simulator import Server, simulate, weight_of
from headgate.properties import strategies
from headgate.properties.measures import (
    Choice,
    Stamping,
    file_positions,
    in_line,
    is_first_moment,
    recorded_run,
    uptime,
)
from headgate.properties.strategies import Scenario
from headgate.spec.links import checks
from headgate.spec.vocabulary import Contract, Excess, Policing, Request, Service

SCENARIOS = strategies.scenarios(admissible=None, best_effort=True)
POLICIES = st.sampled_from(("sfq", *sorted(set(ARBITERS) - {"sfq"})))


def tenants(*treatments: Excess | None, largest: int = 8) -> tuple[Contract, ...]:
    """Return contracts that treat their excess so; None is a best-effort tenant."""
    return tuple(
        Contract(f"t{n}", max_request_bytes=largest, best_effort=True)
        if excess is None
        else Contract(f"t{n}", Fraction(1), Fraction(2), Fraction(4), largest, excess=excess)
        for n, excess in enumerate(treatments)
    )


# Two requests arrive as the first service ends, at 4 ns; one of them is of the tenant that has just been served.
AT_THE_END = Scenario(
    tenants(Excess.IN_LINE, Excess.IN_LINE),
    Server(Fraction(2)),
    (Request(0, 0, 8), Request(0, 0, 8), Request(1, 4, 8), Request(0, 4, 1), Request(1, 8, 1)),
)
# Background traffic waits first, and then whenever something in contract does.
BACKGROUND = Scenario(
    tenants(Excess.BACKGROUND, None),
    Server(Fraction(2)),
    (*[Request(1, 0, 8)] * 3, *[Request(0, 1, 8)] * 3, Request(0, 30, 8), Request(1, 30, 8)),
)
# Shaping releases a small request of tenant 0 long after it arrived, when tenant 1 is in service.
SHAPED = Scenario(
    tenants(Excess.SHAPED, Excess.IN_LINE),
    Server(Fraction(2), Refresh(Fraction(10), Fraction(3))),
    (*[Request(0, 0, 8)] * 4, Request(0, 0, 1), *[Request(1, 2, 8)] * 6),
)
REFUSED = Scenario(
    tenants(Excess.SHAPED, Excess.IN_LINE),
    Server(Fraction(2)),
    (Request(0, 0, 9), Request(1, 0, 0), Request(0, 0, 8), Request(1, 3, 9), Request(1, 3, 8)),
)


@checks("AR-1", "TB-6")
@given(SCENARIOS, POLICIES)
@example(REFUSED, "sfq")
@example(SHAPED, "sfq")
@example(BACKGROUND, "sfq")
def test_everything_is_served_once_or_refused(scenario: Scenario, policy: str) -> None:
    """Every request is served exactly once, but those that are empty or too large, which are refused, in file order."""
    execution = simulate(scenario.requests, scenario.contracts, ARBITERS[policy], scenario.server)
    largest = [contract.max_request_bytes for contract in scenario.contracts]
    fits = [1 <= request.bytes <= largest[request.tenant] for request in scenario.requests]
    kept = [request for request, fit in zip(scenario.requests, fits, strict=True) if fit]
    assert Counter(service.request for service in execution.services) == Counter(kept)
    assert list(execution.refused) == [r for r, fit in zip(scenario.requests, fits, strict=True) if not fit]
    assert all(service.policing is not Policing.REFUSED for service in execution.services)


@checks("AR-1")
@given(SCENARIOS, POLICIES)
@example(AT_THE_END, "sfq")
@example(BACKGROUND, "sfq")
@example(SHAPED, "sfq")
def test_one_at_a_time_and_never_idle_while_anything_waits(scenario: Scenario, policy: str) -> None:
    """Each service starts as the one before ends, or, if nothing is left waiting then, as the next is released."""
    services = simulate(scenario.requests, scenario.contracts, ARBITERS[policy], scenario.server).services
    free = Fraction(0)
    for number, service in enumerate(services):
        assert service.start_ns >= service.release_ns
        assert service.start_ns == max(free, min(other.release_ns for other in services[number:]))
        free = service.finish_ns


@checks("AR-1", "RF-1")
@given(SCENARIOS, POLICIES)
@example(SHAPED, "sfq")
def test_a_service_lasts_for_its_work_and_the_blackouts(scenario: Scenario, policy: str) -> None:
    """From start to finish the server is up for size / rate ns exactly: no byte is served in the dark."""
    server = scenario.server
    for service in simulate(scenario.requests, scenario.contracts, ARBITERS[policy], server).services:
        up = uptime(server.refresh, server.offset_ns, service.start_ns, service.finish_ns)
        assert up * server.peak_bytes_per_ns == service.request.bytes
        assert is_first_moment(server, service.finish_ns)


@checks("AR-2")
@given(SCENARIOS, POLICIES)
@example(AT_THE_END, "sfq")
@example(SHAPED, "sfq")
@example(BACKGROUND, "sfq")
def test_first_in_first_out_within_a_tenant_and_in_the_background(scenario: Scenario, policy: str) -> None:
    """In line, a tenant's requests start as they stand in the file; background requests by release, then as in it."""
    services = simulate(scenario.requests, scenario.contracts, ARBITERS[policy], scenario.server).services
    placed = list(zip(services, file_positions(scenario, services), strict=True))
    for tenant in range(len(scenario.contracts)):
        own = [place for s, place in placed if s.request.tenant == tenant and s.expected_ns is not None]
        assert own == sorted(own)
    background = [(s.release_ns, place) for s, place in placed if s.expected_ns is None]
    assert background == sorted(background)


@checks("AR-7")
@given(SCENARIOS, POLICIES)
@example(AT_THE_END, "sfq")
@example(SHAPED, "sfq")
def test_arrivals_are_stamped_in_order_and_before_the_next_choice(scenario: Scenario, policy: str) -> None:
    """What is released up to the instant of a choice has been stamped by then, nothing later has, and all in order."""
    log = recorded_run(scenario, ARBITERS[policy])
    services = iter(log.services)
    last_choice, previous = Fraction(-1), Fraction(0)
    for event in log.events:
        if isinstance(event, Choice):
            last_choice = next(services).start_ns
            assert previous <= last_choice
        elif isinstance(event, Stamping):
            assert previous <= event.arrival.at
            assert event.arrival.at > last_choice
            previous = event.arrival.at
    assert next(services, None) is None


@checks("AR-7")
@given(SCENARIOS, POLICIES)
@example(AT_THE_END, "sfq")
@example(SHAPED, "sfq")
def test_an_arbiter_is_told_size_cost_and_place_of_every_request(scenario: Scenario, policy: str) -> None:
    """Arrivals are numbered from 0 as they are released; a cost is a size over the tenant's guaranteed rate."""
    log = recorded_run(scenario, ARBITERS[policy])
    stampings = [event for event in log.events if isinstance(event, Stamping)]
    waiting = sorted(log.services, key=lambda s: s.release_ns)
    assert [event.arrival.order for event in stampings] == list(range(len(waiting)))
    told = sorted((event.arrival.at, event.tenant, event.arrival.size) for event in stampings)
    assert told == sorted((s.release_ns, s.request.tenant, s.request.bytes) for s in waiting)
    for event in stampings:
        contract = scenario.contracts[event.tenant]
        assert event.arrival.cost * contract.guaranteed_bytes_per_ns == event.arrival.size
        assert weight_of(contract) == contract.guaranteed_bytes_per_ns


@checks("PR-7")
@given(SCENARIOS, POLICIES)
@example(BACKGROUND, "sfq")
def test_background_is_served_only_when_nothing_waits_in_line(scenario: Scenario, policy: str) -> None:
    """When a background request starts, everything in line that was released by then has been served."""
    services = simulate(scenario.requests, scenario.contracts, ARBITERS[policy], scenario.server).services
    for number, service in enumerate(services):
        if service.expected_ns is None:
            assert waiting_in_line(services, number) == []


def waiting_in_line(services: Sequence[Service], number: int) -> list[Service]:
    """Return what was in line when service `number` started, and started later."""
    begin = services[number].start_ns
    return [s for s in services[number + 1 :] if s.expected_ns is not None and s.release_ns <= begin]


@checks("PR-7")
@given(SCENARIOS, POLICIES)
@example(BACKGROUND, "sfq")
def test_background_delays_what_is_in_line_by_one_request_at_most(scenario: Scenario, policy: str) -> None:
    """Between the release of a request in line and its start at most one background request is in service."""
    services = simulate(scenario.requests, scenario.contracts, ARBITERS[policy], scenario.server).services
    background = [s for s in services if s.expected_ns is None]
    for service in services:
        if service.expected_ns is not None:
            in_the_way = [s for s in background if s.finish_ns > service.release_ns and s.start_ns < service.start_ns]
            assert len(in_the_way) <= 1


@checks("PR-1", "CM-6")
@given(SCENARIOS, POLICIES)
@example(SHAPED, "sfq")
@example(BACKGROUND, "sfq")
def test_policing_is_settled_before_the_arbiter_sees_anything(scenario: Scenario, policy: str) -> None:
    """Class, release and expected arrival of every service are those of policing, whatever the arbiter does."""
    execution = simulate(scenario.requests, scenario.contracts, ARBITERS[policy], scenario.server)
    policed = list(police(scenario.requests, scenario.contracts))
    for service, place in zip(execution.services, file_positions(scenario, execution.services), strict=True):
        p = policed[place]
        assert (service.policing, service.release_ns) == (p.policing, p.release_ns)
        assert service.expected_ns == p.expected_ns
    starts = [service.start_ns for service in execution.services]
    assert all(earlier <= later for earlier, later in pairwise(starts))
    assert len(in_line(execution)) == sum(p.expected_ns is not None for p in policed)
