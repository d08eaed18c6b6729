"""The strategies do reach the corners at which rules go wrong, and draw nothing that is not valid.

Each corner is a predicate that holds for a stated number at least of a hundred examples, which is what the ci profile
draws: the properties see other draws than this test does, so that a corner must not hang on one lucky example.
"""

import functools
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

import attrs
import pytest
from hypothesis import Phase, find, given, seed, settings
from hypothesis import strategies as st

from headgate.model import bucket, meter
from headgate.model.arbiters.sfq import SFQ
from headgate.model.marker import Colour, MarkerRates
from headgate.model.marker import fresh as fresh_marker
from headgate.model.marker import step as mark
from headgate.model.policing import Policed, police
from headgate.model.refresh import Refresh, effective_rate
from headgate.model.simulator import Server, simulate
from headgate.properties import strategies
from headgate.properties.measures import arrivals_of, uptime
from headgate.properties.profiles import PROFILES
from headgate.properties.strategies import Gate, Offer, Scenario, Shape, long_run_rate
from headgate.spec.vocabulary import Contract, ContractSet, Device, Execution, Policing, RefreshRule, Request

CI = PROFILES["ci"]
# The draws of one run resemble one another, and depend on which modules have been imported (Hypothesis takes constants
# from them). What several runs draw hardly does.
RUNS = 5
SCENARIOS = strategies.scenarios(best_effort=True)


def draws(strategy: st.SearchStrategy[Any], runs: int = 1) -> list[Any]:
    """Return what so many runs of the ci profile draw from `strategy`, the same on every machine."""
    drawn: list[Any] = []
    for number in range(runs):

        @seed(number)
        @settings(CI, phases=[Phase.generate])
        @given(strategy)
        def collect(example: Any) -> None:
            drawn.append(example)

        collect()
    return drawn


@functools.cache
def scenarios() -> list[Scenario]:
    return draws(SCENARIOS, RUNS)


@functools.cache
def executions() -> list[tuple[Scenario, Execution]]:
    return [(s, simulate(s.requests, s.contracts, SFQ, s.server)) for s in scenarios()]


def total_guarantee(contracts: Iterable[Contract]) -> Fraction:
    return sum((contract.guaranteed_bytes_per_ns for contract in contracts), Fraction(0))


# Schedules: what the requests alone show.


def by_tenant(scenario: Scenario) -> list[list[Request]]:
    return [[r for r in scenario.requests if r.tenant == t] for t in range(len(scenario.contracts))]


def has_flood(scenario: Scenario) -> bool:
    """Four requests of one tenant at one instant, behind which another sends."""
    at_once = Counter((r.tenant, r.arrival_ns) for r in scenario.requests)
    return any(
        count >= 4 and any(r.tenant != tenant and r.arrival_ns >= at for r in scenario.requests)
        for (tenant, at), count in at_once.items()
    )


def comes_back_from_idle(scenario: Scenario) -> bool:
    """A tenant pauses for longer than its requests so far take at its guarantee, and comes back with a burst."""
    for contract, own in zip(scenario.contracts, by_tenant(scenario), strict=True):
        g = contract.guaranteed_bytes_per_ns
        for number, (before, after) in enumerate(itertools.pairwise(own), start=1):
            burst = [r for r in own[number:] if r.arrival_ns == after.arrival_ns]
            gap = after.arrival_ns - before.arrival_ns
            if g > 0 and len(burst) >= 3 and gap * g > sum(r.bytes for r in own[:number]):
                return True
    return False


def is_skewed(scenario: Scenario) -> bool:
    """Two tenants that both send, one with a thousand times the weight of the other."""
    sending = {r.tenant for r in scenario.requests}
    weights = [
        c.guaranteed_bytes_per_ns for t, c in enumerate(scenario.contracts) if t in sending and not c.best_effort
    ]
    return len(weights) >= 2 and max(weights) >= 1000 * min(weights)


def active_tenants(scenario: Scenario) -> int:
    return len({r.tenant for r in scenario.requests})


def beyond_the_largest(scenario: Scenario, more: int) -> bool:
    return any(r.bytes == scenario.contracts[r.tenant].max_request_bytes + more for r in scenario.requests)


def ties(scenario: Scenario, same_priority: bool) -> bool:
    """Two guaranteed tenants send at one instant."""
    first = {(r.arrival_ns, r.tenant) for r in scenario.requests if not scenario.contracts[r.tenant].best_effort}
    return any(
        i < j and at == other and (scenario.contracts[i].priority == scenario.contracts[j].priority) == same_priority
        for at, i in first
        for other, j in first
    )


def is_fully_booked(scenario: Scenario) -> bool:
    return long_run_rate(scenario.server) == total_guarantee(scenario.contracts)


SCHEDULE_CORNERS: dict[str, tuple[Callable[[Scenario], bool], int]] = {
    "a flood": (has_flood, 14),
    "back after an idle spell": (comes_back_from_idle, 2),
    "weights of 1 to 1000": (is_skewed, 2),
    "three tenants or more": (lambda s: active_tenants(s) >= 3, 16),
    "five tenants or more": (lambda s: active_tenants(s) >= 5, 2),
    "eight guaranteed tenants": (lambda s: sum(not c.best_effort for c in s.contracts) == 8, 4),
    "the largest request": (lambda s: beyond_the_largest(s, 0), 29),
    "one byte beyond the largest": (lambda s: beyond_the_largest(s, 1), 4),
    "an empty request": (lambda s: any(r.bytes == 0 for r in s.requests), 2),
    "one byte": (lambda s: any(r.bytes == 1 for r in s.requests), 17),
    "a tie between priorities": (lambda s: ties(s, same_priority=False), 15),
    "a tie within a priority": (lambda s: ties(s, same_priority=True), 5),
    "fully booked": (is_fully_booked, 22),
    "room to spare": (lambda s: not is_fully_booked(s), 11),
    "no refresh": (lambda s: s.server.refresh is None, 19),
    "refresh": (lambda s: s.server.refresh is not None, 14),
    "a best-effort tenant": (lambda s: any(c.best_effort for c in s.contracts), 21),
    "real scale": (lambda s: any(c.max_request_bytes >= 65536 for c in s.contracts), 5),
    "milliseconds of burst": (lambda s: any(c.burst_duration_ns >= 10**6 for c in s.contracts), 3),
    "no burst at all": (lambda s: any(c.burst_duration_ns == 0 and not c.best_effort for c in s.contracts), 11),
    "a longer schedule": (lambda s: len(s.requests) >= 20, 5),
}


@pytest.mark.parametrize("corner", SCHEDULE_CORNERS)
def test_schedules_reach(corner: str) -> None:
    """The corner is reached by at least the stated number of a hundred examples."""
    reaches, least = SCHEDULE_CORNERS[corner]
    assert sum(map(reaches, scenarios())) >= least * RUNS


# Schedules: what their execution shows.


def arrives_at_an_end(scenario: Scenario, execution: Execution) -> bool:
    """A request arrives at the instant at which a service ends, while something else has been waiting."""
    ends = {s.finish_ns for s in execution.services}
    return any(
        r.arrival_ns in ends and any(s.release_ns < r.arrival_ns <= s.start_ns for s in execution.services)
        for r in scenario.requests
    )


def has_backlog_beside_single_requests(scenario: Scenario, execution: Execution) -> bool:
    """One tenant has five requests waiting, while another's single ones come and go."""
    for service in execution.services:
        waiting = Counter(s.request.tenant for s in execution.services if s.release_ns <= service.start_ns < s.start_ns)
        tenant = service.request.tenant
        if waiting[tenant] == 0 and any(count >= 5 for other, count in waiting.items() if other != tenant):
            return True
    return False


def policed(scenario: Scenario) -> list[list[Policed]]:
    all_ = list(police(scenario.requests, scenario.contracts))
    return [[p for p in all_ if p.request.tenant == t] for t in range(len(scenario.contracts))]


def is_steady(scenario: Scenario, execution: Execution) -> bool:
    """A tenant sends three requests running at its guarantee: each as the private channel has sent the one before."""
    for contract, own in zip(scenario.contracts, by_tenant(scenario), strict=True):
        for run in (own[n : n + 3] for n in range(len(own) - 2)):
            gaps = [
                (b.arrival_ns - a.arrival_ns) * contract.guaranteed_bytes_per_ns - a.bytes
                for a, b in itertools.pairwise(run)
            ]
            if all(0 <= gap <= 2 * contract.guaranteed_bytes_per_ns for gap in gaps):
                return True
    return False


def has_class(*classes: Policing) -> Callable[[Scenario, Execution], bool]:
    """Some tenant's requests are of all these classes."""
    return lambda scenario, execution: any(set(classes) <= {p.policing for p in own} for own in policed(scenario))


def waits_for_shaping(scenario: Scenario, execution: Execution) -> bool:
    return any(p.release_ns > p.request.arrival_ns for own in policed(scenario) for p in own)


def is_suspended(scenario: Scenario, execution: Execution) -> bool:
    """A blackout begins while a request is in service."""
    server = scenario.server
    return any(
        uptime(server.refresh, server.offset_ns, s.start_ns, s.start_ns + Fraction(1, 1000)) > 0
        and s.finish_ns - s.start_ns > s.request.bytes / server.peak_bytes_per_ns
        for s in execution.services
    )


def starts_in_the_dark(scenario: Scenario, execution: Execution) -> bool:
    server = scenario.server
    return any(
        uptime(server.refresh, server.offset_ns, s.start_ns, s.start_ns + Fraction(1, 1000)) == 0
        for s in execution.services
    )


def goes_idle_and_wakes(scenario: Scenario, execution: Execution) -> bool:
    return any(b.start_ns > a.finish_ns for a, b in itertools.pairwise(execution.services))


def background_is_in_the_way(scenario: Scenario, execution: Execution) -> bool:
    """Something in line is released while a background request is in service."""
    return any(
        b.expected_ns is None and a.expected_ns is not None and b.start_ns < a.release_ns < b.finish_ns
        for a in execution.services
        for b in execution.services
    )


RUN_CORNERS: dict[str, tuple[Callable[[Scenario, Execution], bool], int]] = {
    "an arrival at a service's end": (arrives_at_an_end, 1),
    "a backlog beside single requests": (has_backlog_beside_single_requests, 5),
    "steady traffic at the guarantee": (is_steady, 4),
    "a burst": (has_class(Policing.BURST), 18),
    "a burst and excess": (has_class(Policing.BURST, Policing.EXCESS), 9),
    "paced, burst and excess": (has_class(Policing.PACED, Policing.BURST, Policing.EXCESS), 9),
    "excess and refused": (has_class(Policing.EXCESS, Policing.REFUSED), 1),
    "waiting for shaping": (waits_for_shaping, 7),
    "suspended by a blackout": (is_suspended, 4),
    "started in a blackout": (starts_in_the_dark, 9),
    "idle and busy again": (goes_idle_and_wakes, 19),
    "background in the way": (background_is_in_the_way, 3),
}


@pytest.mark.parametrize("corner", RUN_CORNERS)
def test_runs_reach(corner: str) -> None:
    """The corner is reached by at least the stated number of a hundred examples."""
    reaches, least = RUN_CORNERS[corner]
    assert sum(reaches(scenario, execution) for scenario, execution in executions()) >= least * RUNS


@pytest.mark.parametrize("shape", Shape)
def test_every_shape_alone_is_drawn_and_valid(shape: Shape) -> None:
    """Each shape makes schedules, ordered by arrival, for any tenants and server."""
    drawn = draws(strategies.scenarios(shapes=[shape], best_effort=True, min_tenants=1, max_tenants=3))
    assert all(is_valid(scenario) for scenario in drawn)
    assert sum(bool(scenario.requests) for scenario in drawn) >= 90


# Offers to one gate.


@functools.cache
def bucket_offers() -> list[tuple[Gate, list[Offer]]]:
    return draws(strategies.gates().flatmap(lambda gate: st.tuples(st.just(gate), strategies.offers(gate))), RUNS)


def levels(gate: Gate, offers: Sequence[Offer]) -> list[tuple[Offer, Fraction]]:
    """Return the offers with the level that each met."""
    state, met = bucket.full(gate.depth), []
    for offer in offers:
        state = bucket.refill(state, gate.rate, gate.depth, offer.elapsed)
        met.append((offer, Fraction(state.level)))
        _, state = bucket.offer(state, offer.size)
    return met


def meets(difference: Callable[[Offer, Fraction, Gate], bool]) -> Callable[[Gate, Sequence[Offer]], bool]:
    return lambda gate, offers: any(difference(offer, level, gate) for offer, level in levels(gate, offers))


def fits_again_to_the_ns(gate: Gate, offers: Sequence[Offer]) -> bool:
    """A request is refused, and the same is offered again at the first whole ns at which it is held."""
    met = levels(gate, offers)
    return any(
        a.size > level and b.size == a.size and held >= b.size > held - gate.rate
        for (a, level), (b, held) in itertools.pairwise(met)
    )


GATE_CORNERS: dict[str, tuple[Callable[[Gate, Sequence[Offer]], bool], int]] = {
    "the level to the byte": (meets(lambda o, level, gate: o.size == level < gate.depth), 11),
    "one byte beyond the level": (meets(lambda o, level, gate: level < o.size < level + 2 and o.size < gate.depth), 15),
    "the depth": (meets(lambda o, level, gate: o.size == level == gate.depth), 29),
    "one byte beyond the depth": (meets(lambda o, level, gate: o.size == gate.depth + 1), 17),
    "same-instant offers": (lambda gate, offers: any(o.elapsed == 0 for o in offers[1:]), 26),
    "a flood": (lambda gate, offers: sum(o.elapsed == 0 for o in offers) >= 4, 16),
    "full again": (meets(lambda o, level, gate: o.elapsed > 0 and level == gate.depth), 28),
    "an idle spell": (meets(lambda o, level, gate: o.elapsed * gate.rate >= 10 * gate.depth), 19),
    "real scale": (lambda gate, offers: gate.depth >= 65536, 6),
    "a depth that takes no whole ns": (lambda gate, offers: (gate.depth / gate.rate).denominator > 1, 21),
    "the ns at which it fits again": (fits_again_to_the_ns, 4),
}


@pytest.mark.parametrize("corner", GATE_CORNERS)
def test_offers_reach(corner: str) -> None:
    """The corner is reached by at least the stated number of a hundred examples."""
    reaches, least = GATE_CORNERS[corner]
    assert sum(reaches(gate, offers) for gate, offers in bucket_offers()) >= least * RUNS


def test_offers_to_a_meter_reach_both_halves() -> None:
    """The ledger is filled to the byte and offered one more, and each half refuses what the other would hold."""

    def aimed(rates: meter.MeterRates) -> st.SearchStrategy[tuple[meter.MeterRates, list[Offer]]]:
        gates = (Gate(rates.burst, rates.max_request), Gate(rates.guaranteed, int(rates.allowance)))
        return st.tuples(st.just(rates), strategies.offers(*gates))

    seen: Counter[str] = Counter()
    for rates, offers in draws(strategies.meter_rates().flatmap(aimed), RUNS):
        state, corners = meter.fresh(rates), set()
        for offer in offers:
            state = meter.advance(state, rates, offer.elapsed)
            room, held = rates.allowance - state.ledger, state.peak.level
            corners |= {
                name
                for name, met in (
                    ("ledger full", room == offer.size <= held),
                    ("ledger over", room < offer.size <= held),
                    ("ledger over by a byte", room < offer.size < room + 2),
                    ("peak empty", held == offer.size < room),
                    ("peak over", held < offer.size <= room),
                    ("both over", offer.size > max(room, held)),
                )
                if met
            }
            _, state = meter.offer(state, rates, offer.size)
        seen.update(corners)
    assert {name: count for name, count in seen.items() if count >= 4 * RUNS}.keys() == {
        "ledger full",
        "ledger over",
        "ledger over by a byte",
        "peak empty",
        "peak over",
        "both over",
    }


def test_offers_to_a_marker_reach_every_colour() -> None:
    """Green, yellow and red each in a good share of the draws, and all three together in some."""

    def aimed(rates: MarkerRates) -> st.SearchStrategy[tuple[MarkerRates, list[Offer]]]:
        gates = (Gate(rates.peak_rate, rates.peak_depth), Gate(rates.committed_rate, rates.committed_depth))
        return st.tuples(st.just(rates), strategies.offers(*gates, nested=True))

    seen: Counter[frozenset[int]] = Counter()
    for rates, offers in draws(strategies.marker_rates().flatmap(aimed)):
        state, colours = fresh_marker(rates), set()
        for offer in offers:
            colour, state = mark(state, rates, offer.elapsed, offer.size)
            colours.add(colour)
        seen[frozenset(colours)] += 1
    for colour in Colour:
        assert sum(count for colours, count in seen.items() if colour in colours) >= 20
    assert seen[frozenset(Colour)] >= 10


# Contracts, devices, servers: valid, and at their own corners.


def is_valid_contract(contract: Contract) -> bool:
    if contract.best_effort:
        return contract.guaranteed_bytes_per_ns == 0 and contract.max_request_bytes >= 1
    return (
        0 < contract.guaranteed_bytes_per_ns <= contract.burst_bytes_per_ns
        and contract.burst_duration_ns >= 0
        and contract.max_request_bytes >= 1
        and contract.priority >= 0
    )


def is_valid(scenario: Scenario) -> bool:
    arrivals = [request.arrival_ns for request in scenario.requests]
    return (
        all(map(is_valid_contract, scenario.contracts))
        and len({contract.name for contract in scenario.contracts}) == len(scenario.contracts)
        and arrivals == sorted(arrivals)
        and all(arrival >= 0 for arrival in arrivals)
        and all(type(r.arrival_ns) is int and type(r.bytes) is int for r in scenario.requests)
        and all(r.tenant in range(len(scenario.contracts)) for r in scenario.requests)
    )


def test_scenarios_are_valid_and_as_loaded_as_asked_for() -> None:
    assert all(map(is_valid, scenarios()))
    assert all(total_guarantee(s.contracts) <= long_run_rate(s.server) for s in scenarios())
    for overloaded in draws(strategies.scenarios(admissible=False)):
        assert total_guarantee(overloaded.contracts) > long_run_rate(overloaded.server)
    loads = [
        total_guarantee(s.contracts) <= long_run_rate(s.server) for s in draws(strategies.scenarios(admissible=None))
    ]
    assert 25 <= sum(loads) <= 75


def test_valid_schedules_hold_nothing_that_is_refused() -> None:
    for scenario in draws(strategies.scenarios(valid=True)):
        assert all(1 <= r.bytes <= scenario.contracts[r.tenant].max_request_bytes for r in scenario.requests)


def test_contracts_are_valid_and_of_every_kind() -> None:
    drawn = draws(st.from_type(Contract))
    assert all(map(is_valid_contract, drawn))
    assert min(Counter(contract.excess for contract in drawn).values()) >= 15
    assert sum(contract.burst_bytes_per_ns == contract.guaranteed_bytes_per_ns for contract in drawn) >= 5
    assert all(c.best_effort for c in draws(strategies.contracts(best_effort=True)))


def test_contract_sets_are_admissible_if_asked_to_be() -> None:
    drawn = draws(st.from_type(ContractSet), RUNS)
    assert all(2 <= len(s.guaranteed) <= 8 for s in drawn)
    # Between the few and the most, one size is as good as another.
    sizes = {len(s.guaranteed) for s in drawn}
    assert sizes >= {2, 3, 8}
    assert sizes & set(range(4, 8))
    for contract_set in drawn:
        device = contract_set.device
        rate = effective_rate(device, device.max_temperature_c)
        assert total_guarantee(contract_set.contracts) <= rate
    exact = [effective_rate(s.device, s.device.max_temperature_c) == total_guarantee(s.contracts) for s in drawn]
    assert sum(exact) >= 30 * RUNS
    anyhow = draws(strategies.contract_sets(admissible=False))
    assert (
        sum(total_guarantee(s.contracts) > effective_rate(s.device, s.device.max_temperature_c) for s in anyhow) >= 30
    )


def test_devices_serve_something_at_every_temperature_drawn() -> None:
    drawn: list[Device] = [*draws(st.from_type(Device)), *draws(strategies.devices(rule=RefreshRule.ESSAY))]
    assert all(effective_rate(device, Fraction(105)) > 0 for device in drawn)
    assert sum(device.blackout_ns == 0 for device in drawn) >= 20
    assert sum(device.overhead_ns > 0 for device in drawn) >= 20
    assert sum(device.peak_bytes_per_ns >= 3350 for device in drawn) >= 20
    assert all(device.max_temperature_c <= 105 for device in drawn)


def test_temperatures_reach_the_corners_of_the_curves() -> None:
    drawn = draws(strategies.temperatures())
    assert {Fraction(c) for c in (74, 75, 85, 86, 95, 105)} <= set(drawn)
    assert any(temperature.denominator > 1 for temperature in drawn)
    assert all(25 <= temperature <= 105 for temperature in drawn)


def test_servers_are_dark_for_part_of_the_time_or_never() -> None:
    drawn: list[Server] = draws(st.from_type(Server), RUNS)
    assert 20 * RUNS <= sum(server.refresh is None for server in drawn) <= 80 * RUNS
    dark = [server.refresh for server in drawn if server.refresh is not None]
    assert all(0 < refresh.blackout < refresh.interval for refresh in dark)
    assert any(2 * refresh.blackout > refresh.interval for refresh in dark)
    assert sum(refresh.interval >= 1950 for refresh in dark) >= 2
    assert any(server.offset_ns > 0 for server in drawn)
    assert all(0 < refresh.blackout < refresh.interval for refresh in draws(st.from_type(Refresh)))
    for server in draws(strategies.servers(carrying=Fraction(7, 2))):
        assert long_run_rate(server) >= Fraction(7, 2)


def test_exponents_are_whole_and_broken() -> None:
    drawn = draws(strategies.exponents())
    assert sum(exponent.denominator == 1 for exponent in drawn) >= 10
    assert sum(exponent.denominator > 2 for exponent in drawn) >= 30


def test_offers_are_valid() -> None:
    for gate, offers in bucket_offers():
        assert gate.rate > 0
        assert gate.depth >= 1
        assert all(offer.elapsed >= 0 and offer.size >= 1 for offer in offers)
        assert len(arrivals_of(offers)) == len(offers) >= 1


# What is found shrinks to what can be read.


def test_a_scenario_shrinks_to_a_few_requests_at_once() -> None:
    """Asked for a flood beside another tenant, Hypothesis comes down to few tenants and requests, and no refresh."""
    simplest = find(strategies.scenarios(shapes=[Shape.FLOOD]), has_flood, settings=CI)
    assert len(simplest.contracts) <= 3
    assert len(simplest.requests) <= 8
    assert simplest.server.refresh is None
    assert {request.arrival_ns for request in simplest.requests} == {0}


def test_records_are_frozen() -> None:
    for record in (scenarios()[0], Offer(0, 1), Gate(Fraction(1), 1)):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            record.anything = 0
