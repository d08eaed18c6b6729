"""What must hold of buckets, a fair queue and a channel with refresh together (CP-1 to CP-5)."""

from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model.arbiters import SFQ, VTC
from headgate.model.composition import (
    Composition,
    backlogs,
    bytes_to_decode,
    calculus_delay,
    composed_backlog,
    delays,
    is_admitted,
    run,
    share_under_refresh,
)
from headgate.model.fairness import backlogged_periods, worst_gap
from headgate.model.refresh import Refresh
from headgate.model.simulator import Server, simulate
from headgate.properties import strategies
from headgate.properties.measures import uptime
from headgate.properties.oracles import bucket as bucket_oracle
from headgate.properties.strategies import Scenario, long_run_rate
from headgate.spec.links import checks
from headgate.spec.vocabulary import Contract, Excess, Request

SCENARIOS = strategies.scenarios(excess=Excess.IN_LINE, valid=True)
# How much deeper than its largest request a bucket is, in percent of that request.
DEEPER = st.sampled_from((0, 50, 100, 700))
DARK = Refresh(Fraction(10), Fraction(2))


def equal(count: int, rate: Fraction, largest: int, peak: int = 10) -> Scenario:
    """Return equal tenants on a channel that is dark for 2 of every 10 ns."""
    contracts = tuple(Contract(f"t{n}", rate, rate, Fraction(0), largest) for n in range(count))
    return Scenario(contracts, Server(Fraction(peak), DARK), ())


def burst(count: int, number: int, size: int) -> Scenario:
    """Return equal tenants that all send so many requests at the beginning of a blackout."""
    scenario = equal(count, Fraction(8, count), size)
    requests = tuple(Request(tenant, 0, size) for _ in range(number) for tenant in range(count))
    return Scenario(scenario.contracts, scenario.server, requests)


def composed(scenario: Scenario, deeper: int = 0) -> Composition:
    """Return the composition whose rates are the guarantees of a scenario."""
    depths = (c.max_request_bytes * Fraction(100 + deeper, 100) for c in scenario.contracts)
    rates = tuple(c.guaranteed_bytes_per_ns for c in scenario.contracts)
    return Composition(tuple(depths), rates, SFQ, scenario.server)


@checks("CP-1")
@given(SCENARIOS, DEEPER)
@example(burst(8, 2, 11), 100)
@example(burst(2, 8, 3), 700)
def test_no_request_is_later_than_the_composed_bound(scenario: Scenario, deeper: int) -> None:
    """From arrival to finish: what the bucket lets be ahead, everybody's largest request, and one blackout."""
    composition = composed(scenario, deeper)
    execution, rate = run(scenario.requests, composition), long_run_rate(scenario.server)
    largest = [0] * len(scenario.contracts)
    for service in execution.services:
        largest[service.request.tenant] = max(largest[service.request.tenant], service.request.bytes)
    for delay, stated, service in delays(execution, composition):
        tenant, size = service.request.tenant, service.request.bytes
        ahead = (composition.depths[tenant] - size) / composition.rates[tenant]
        others = sum(largest) - largest[tenant]
        assert delay == service.finish_ns - service.request.arrival_ns
        assert delay <= stated == ahead + (size + others) / rate + composition.blackout
        calculus = calculus_delay(composition.depths[tenant], others, rate, composition.blackout,
                                  composition.rates[tenant])  # fmt: skip
        assert calculus == composition.depths[tenant] / composition.rates[tenant] + others / rate + composition.blackout
        assert stated <= calculus


@checks("CP-1", "CP-2")
@given(SCENARIOS, DEEPER)
@example(burst(2, 8, 3), 0)
def test_what_is_served_is_what_the_buckets_admit(scenario: Scenario, deeper: int) -> None:
    """Tenant by tenant, in order."""
    composition = composed(scenario, deeper)
    execution = run(scenario.requests, composition)
    for tenant, (rate, depth) in enumerate(zip(composition.rates, composition.depths, strict=True)):
        own = [r for r in scenario.requests if r.tenant == tenant]
        kept = bucket_oracle.admitted([(r.arrival_ns, r.bytes) for r in own], rate, depth)
        served = [s.request for s in execution.services if s.request.tenant == tenant]
        assert served == [request for request, admitted in zip(own, kept, strict=True) if admitted]
    assert not execution.refused


@checks("CP-2")
@given(SCENARIOS, DEEPER)
@example(burst(8, 2, 11), 100)
def test_no_more_than_the_composed_backlog_waits(scenario: Scenario, deeper: int) -> None:
    """At every arrival, the instant of it included: what came less what the channel has done since."""
    composition = composed(scenario, deeper)
    execution, server = run(scenario.requests, composition), scenario.server
    bound = sum(composition.depths) + sum(composition.rates) * composition.blackout
    assert composed_backlog(sum(composition.depths), sum(composition.rates), composition.blackout) == bound
    found = dict(backlogs(execution, composition))
    assert set(found) == {service.request.arrival_ns for service in execution.services}
    for now, stated in found.items():
        left = Fraction(0)
        for service in execution.services:
            if service.request.arrival_ns <= now:
                up = uptime(server.refresh, server.offset_ns, service.start_ns, max(service.start_ns, Fraction(now)))
                left += max(Fraction(0), service.request.bytes - up * server.peak_bytes_per_ns)
        assert stated == left <= bound


@checks("CP-3")
@given(st.integers(1, 8), st.integers(1, 9), st.integers(2, 8))
@example(2, 5, 8)
def test_without_the_tax_the_delay_grows(dark: int, size: int, count: int) -> None:
    """Tenants that share the peak send a full bucket whenever it has filled: each time they are later by the tax."""
    peak = Fraction(count)  # a byte a ns for each
    contract = Contract("t", Fraction(1), Fraction(1), Fraction(0), size)
    scenario = Scenario((contract,) * count, Server(peak, Refresh(Fraction(10), Fraction(dark))), ())
    composition = composed(scenario)
    assert is_admitted(composition, "no-tax")
    assert not is_admitted(composition, "corrected")
    # In 10 n ns the channel falls behind by n blackouts; the bound is passed when that is more than it.
    bound = Fraction(count * size) / (peak * (10 - dark) / 10) + dark
    rounds = 2 + int(10 * (bound + 20) / (size * dark))
    requests = [Request(tenant, number * size, size) for number in range(rounds) for tenant in range(count)]
    found = delays(run(requests, composition), composition)
    assert max(delay for delay, _, _ in found) > bound
    assert {stated for _, stated, _ in found} == {bound}


@checks("CP-4")
@given(st.integers(1, 64), st.integers(2, 64), st.integers(4, 12))
@example(256, 16, 4)
def test_fair_in_tokens_is_unfair_in_bytes(small: int, times: int, each: int) -> None:
    """Charged a token for a token, a tenant with a context so many times as long reads so many times as much."""
    sizes = (bytes_to_decode(small, 512), bytes_to_decode(small * times, 512))
    assert sizes[1] == times * sizes[0] == times * small * 512
    requests = tuple(Request(tenant, 0, sizes[tenant]) for _ in range(each) for tenant in (0, 1))
    entitled = [Fraction(1), Fraction(1)]

    def gap(weights: tuple[int, int]) -> Fraction:
        contracts = [Contract(str(k), Fraction(w), Fraction(w), Fraction(0), sizes[k]) for k, w in enumerate(weights)]
        execution = simulate(requests, contracts, VTC, Server(Fraction(1)))
        served = [s.request.tenant for s in execution.services]
        if weights == sizes:
            assert served == [0, 1] * each
        worst = worst_gap(execution.services, entitled, 0, 1)
        assert worst is not None
        return worst.size_ns

    # While both are backlogged: from the first of tenant 1 to the last of tenant 0, each served in turn.
    assert gap(sizes) >= (each - 1) * sizes[0] * (times - 1)
    assert gap((1, 1)) <= sum(sizes)


@checks("CP-5")
@given(SCENARIOS)
@example(burst(2, 8, 3))
@example(burst(8, 2, 11))
def test_a_backlogged_tenant_keeps_its_share_under_refresh(scenario: Scenario) -> None:
    """In every window between two events of a backlogged period, its own ends left out."""
    execution = simulate(scenario.requests, scenario.contracts, SFQ, scenario.server)
    rate = long_run_rate(scenario.server)
    blackout = Fraction(0) if scenario.server.refresh is None else Fraction(scenario.server.refresh.blackout)
    largest = [c.max_request_bytes for c in scenario.contracts]
    for tenant, contract in enumerate(scenario.contracts):
        own = [s for s in execution.services if s.request.tenant == tenant]
        guaranteed, others = contract.guaranteed_bytes_per_ns, sum(largest) - largest[tenant]
        for begin, end in backlogged_periods(execution.services, tenant):
            instants = sorted({begin, end, *(s.start_ns for s in own if begin <= s.start_ns <= end)})
            for first in instants[:20]:
                for last in (instant for instant in instants[-20:] if instant > first):
                    served = sum(s.request.bytes for s in own if first < s.start_ns < last)
                    share = guaranteed * (last - first - blackout - Fraction(others) / rate) - largest[tenant]
                    stated = share_under_refresh(guaranteed, last - first, largest[tenant], others, rate, blackout)
                    assert served >= share == stated
