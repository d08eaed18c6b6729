"""What must hold of the fluid (WQ-1) and of WFQ after it (WQ-2 to WQ-7)."""

from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model import bounds, gps
from headgate.model.arbiters.sfq import SFQ
from headgate.model.arbiters.wfq import WFQ, wfq
from headgate.model.fairness import worst_gap
from headgate.model.gps import GpsRequest
from headgate.model.refresh import Refresh
from headgate.model.simulator import Server
from headgate.properties import strategies
from headgate.properties.arranged import TIES, tenants
from headgate.properties.measures import Stamping, blocked, choices, goyal_lateness, largest_of, recorded_run
from headgate.properties.oracles import gps as poured
from headgate.properties.strategies import Scenario, long_run_rate
from headgate.spec.links import checks
from headgate.spec.vocabulary import Excess, Request, Service

# Everything is served in line, so that nothing but the arbiter decides.
SCENARIOS = strategies.scenarios(excess=Excess.IN_LINE, valid=True)
ANY_LOAD = strategies.scenarios(excess=Excess.IN_LINE, valid=True, admissible=None)
STEADY = strategies.scenarios(excess=Excess.IN_LINE, valid=True, admissible=None, dark=False)

# The fluid goes idle, and comes back; in between a tenant goes idle while another goes on, which makes V faster.
SPELLS = Scenario(
    tenants(1, 3),
    Server(Fraction(2)),
    (Request(0, 0, 8), Request(1, 0, 3), Request(1, 3, 6), Request(0, 30, 5), Request(1, 31, 2), Request(0, 31, 1)),
)
# Eleven tenants: the first sends ten at once, the others one each. WFQ serves all ten before, the fluid does not.
FAR_AHEAD = Scenario(
    tenants(10, *[1] * 10, largest=1),
    Server(Fraction(1)),
    (*[Request(0, 0, 1)] * 10, *[Request(t, 0, 1) for t in range(1, 11)]),
)
# As the largest request begins, so does a blackout.
REFRESHED = Scenario(
    tenants(1, 1, 2),
    Server(Fraction(8), Refresh(Fraction(8), Fraction(4)), Fraction(7)),
    (Request(0, 0, 8), Request(0, 0, 8), Request(1, 1, 4), Request(2, 1, 8), Request(2, 1, 8)),
)


def weights_of(scenario: Scenario) -> list[Fraction]:
    """Return the weights of the tenants."""
    return [contract.guaranteed_bytes_per_ns for contract in scenario.contracts]


def in_the_fluid(scenario: Scenario, services: list[Service], rate: Fraction) -> list[Fraction]:
    """Return when the poured fluid of `rate` is done with the request of each service."""
    arrivals = sorted(range(len(services)), key=lambda n: services[n].release_ns)
    requests = [(services[n].request.tenant, services[n].release_ns, services[n].request.bytes) for n in arrivals]
    done = dict(zip(arrivals, poured.finishes(requests, weights_of(scenario), rate), strict=True))
    return [done[number] for number in range(len(services))]


@checks("WQ-1")
@given(ANY_LOAD)
@example(SPELLS)
@example(FAR_AHEAD)
def test_the_fluid_is_the_poured_one(scenario: Scenario) -> None:
    """Departures by virtual time are those of queues of bytes that are emptied in proportion to the weights."""
    rate, weights = long_run_rate(scenario.server), weights_of(scenario)
    requests = [GpsRequest(r.tenant, Fraction(r.arrival_ns), r.bytes) for r in scenario.requests]
    expected = poured.finishes([(r.tenant, r.at, r.size) for r in requests], weights, rate)
    assert gps.departures(requests, weights, rate) == expected


@checks("WQ-1")
@given(ANY_LOAD)
@example(SPELLS)
def test_virtual_time_stands_still_only_while_the_fluid_is_empty(scenario: Scenario) -> None:
    """It never goes back, and grows exactly while something is in the fluid."""
    rate, weights = long_run_rate(scenario.server), weights_of(scenario)
    fluid = gps.fresh(weights, rate)
    for request in scenario.requests:
        after = gps.advance(fluid, Fraction(request.arrival_ns))
        filled = any(last > fluid.virtual for last in fluid.last) and after.now > fluid.now
        assert (after.virtual > fluid.virtual) == filled
        fluid, begin, end = gps.arrive(after, request.tenant, request.bytes / weights[request.tenant])
        assert after.virtual <= begin < end


@checks("WQ-2")
@given(ANY_LOAD)
@example(SPELLS)
@example(TIES)
@example(FAR_AHEAD)
def test_the_first_to_leave_the_fluid_goes_first(scenario: Scenario) -> None:
    """Of the heads, the one that the poured fluid of the effective rate is done with first; then by priority."""
    log = recorded_run(scenario, WFQ)
    done = in_the_fluid(scenario, log.services, long_run_rate(scenario.server))
    by_tenant: dict[int, list[Fraction]] = {}
    for service, finish in zip(log.services, done, strict=True):
        by_tenant.setdefault(service.request.tenant, []).append(finish)
    for tenant, heads, _ in choices(log):
        ranks = {t: (by_tenant[t][0], scenario.contracts[t].priority, t) for t in heads}
        assert tenant == min(ranks, key=ranks.__getitem__)
        by_tenant[tenant].pop(0)


@checks("WQ-3")
@given(STEADY)
@example(SPELLS)
@example(FAR_AHEAD)
@example(blocked((0, 2, 1)))
def test_nothing_is_later_than_in_the_fluid_by_more_than_one_request(scenario: Scenario) -> None:
    """On a constant rate, under any load: finish <= F + L / R."""
    services = recorded_run(scenario, WFQ).services
    rate = scenario.server.peak_bytes_per_ns
    largest = max((service.request.bytes for service in services), default=0)
    for service, finish in zip(services, in_the_fluid(scenario, services, rate), strict=True):
        assert service.finish_ns <= finish + largest / rate
        assert bounds.gps_lateness(largest, rate, 0) == largest / rate


@checks("WQ-3", "WQ-7")
def test_the_lateness_comes_within_two_bytes() -> None:
    """The largest request begins just before two others arrive; the last of them is late by all of it but 2 bytes."""
    scenario = blocked((0, 2, 1))
    services = recorded_run(scenario, WFQ).services
    finish = in_the_fluid(scenario, services, Fraction(8))[-1]
    assert (finish + bounds.gps_lateness(64, Fraction(8), 0) - services[-1].finish_ns) * 8 == 2
    assert finish == 1 + 1  # its expected arrival and its cost: so near is the bound of WQ-7


@checks("WQ-4")
@given(STEADY)
@example(SPELLS)
@example(FAR_AHEAD)
@example(blocked((0, 2, 1)))
def test_no_tenant_is_behind_the_fluid_by_more_than_one_request(scenario: Scenario) -> None:
    """At the start and the finish of every service: bytes in the fluid - bytes served <= L."""
    services = recorded_run(scenario, WFQ).services
    rate, weights = scenario.server.peak_bytes_per_ns, weights_of(scenario)
    requests = sorted(((s.request.tenant, s.release_ns, s.request.bytes) for s in services), key=lambda r: r[1])
    largest = max((service.request.bytes for service in services), default=0)
    sent = [Fraction(0) for _ in weights]
    for service in services:
        for at, bytes_ in ((service.start_ns, 0), (service.finish_ns, service.request.bytes)):
            sent[service.request.tenant] += bytes_
            fluid = poured.served(requests, weights, rate, at)
            assert max(f - s for f, s in zip(fluid, sent, strict=True)) <= bounds.gps_lag(largest) == largest


@checks("WQ-4")
def test_a_tenant_may_be_far_ahead_of_the_fluid() -> None:
    """No bound the other way: after nine ns the first has got nine bytes, and five in the fluid."""
    services = recorded_run(FAR_AHEAD, WFQ).services
    assert [s.request.tenant for s in services[:9]] == [0] * 9
    requests = [(s.request.tenant, s.release_ns, s.request.bytes) for s in services]
    assert poured.served(requests, weights_of(FAR_AHEAD), Fraction(1), Fraction(9))[0] == Fraction(9, 2)


@checks("WQ-5")
@given(ANY_LOAD)
@example(REFRESHED)
@example(SPELLS)
def test_with_refresh_one_blackout_later(scenario: Scenario) -> None:
    """With the fluid at the effective rate R: finish <= F + L / R + B."""
    services = recorded_run(scenario, WFQ).services
    rate, refresh = long_run_rate(scenario.server), scenario.server.refresh
    blackout = refresh.blackout if refresh is not None else Fraction(0)
    largest = max((service.request.bytes for service in services), default=0)
    for service, finish in zip(services, in_the_fluid(scenario, services, rate), strict=True):
        assert service.finish_ns <= finish + bounds.gps_lateness(largest, rate, blackout)
        assert bounds.gps_lateness(largest, rate, blackout) == largest / rate + blackout


@checks("WQ-6")
@given(st.integers(1, 6).map(lambda tens: 10 * tens))
@example(10)
def test_a_fluid_faster_than_the_server_starves_whoever_comes_later(count: int) -> None:
    """Ten times too fast: 0.9 n to nothing, where SFQ gives 0.9 n to each, in twice the time."""
    late = count // 10
    requests = (*[Request(0, 0, 1)] * count, *[Request(1, late, 1)] * count)
    scenario = Scenario(tenants(1, 1, largest=1), Server(Fraction(1)), requests)
    services = recorded_run(scenario, wfq(Fraction(10))).services
    assert [s.request.tenant for s in services] == [0] * count + [1] * count
    gap = worst_gap(services, weights_of(scenario), 0, 1)
    assert gap is not None
    assert gap.size_ns >= count - late
    for fair in (SFQ, WFQ):
        both = recorded_run(scenario, fair).services
        during = [s.request.tenant for s in both if late <= s.start_ns and s.finish_ns <= 2 * count - late]
        assert abs(during.count(0) - during.count(1)) <= 1
        assert during.count(0) >= count - late - 1


@checks("WQ-7")
@given(SCENARIOS)
@example(SPELLS)
@example(REFRESHED)
@example(blocked((0, 2, 1)))
def test_every_request_finishes_by_its_expected_arrival_and_the_bound(scenario: Scenario) -> None:
    """With guarantees of at most R in all: EAT + l / g + L / R + B, EAT by Goyal's recursion."""
    rate, refresh = long_run_rate(scenario.server), scenario.server.refresh
    blackout = refresh.blackout if refresh is not None else Fraction(0)
    services = recorded_run(scenario, WFQ).services
    largest = max((largest_of(services, tenant) for tenant in range(len(scenario.contracts))), default=0)
    for late in goyal_lateness(scenario, services):
        g = scenario.contracts[late.tenant].guaranteed_bytes_per_ns
        assert late.delay <= late.size / g + largest / rate + blackout
        assert bounds.deadline_delay(late.size, largest, rate, blackout, g) >= late.delay


@checks("WQ-2")
@given(ANY_LOAD)
@example(SPELLS)
def test_tags_are_those_of_the_fluid(scenario: Scenario) -> None:
    """A stamp is what the fluid of the effective rate gives at that time."""
    fluid = gps.fresh(weights_of(scenario), long_run_rate(scenario.server))
    for event in recorded_run(scenario, WFQ).events:
        if isinstance(event, Stamping):
            fluid = gps.advance(fluid, event.arrival.at)
            fluid, begin, end = gps.arrive(fluid, event.tenant, event.arrival.cost)
            assert (event.stamp.begin, event.stamp.end) == (begin, end)


@checks("WQ-1")
@given(st.integers(1, 9), st.integers(1, 40), st.integers(0, 40))
@example(1, 1, 5)
def test_the_virtual_time_stands_still_while_the_fluid_is_empty(weight: int, size: int, idle: int) -> None:
    """Before the first request, and after the last is done, V is what it was."""
    empty = gps.advance(gps.fresh((Fraction(weight),), 1), idle)
    assert empty.virtual == 0
    served, _, finish = gps.arrive(empty, 0, Fraction(size, weight))
    assert gps.advance(served, idle + size + 7).virtual == finish
