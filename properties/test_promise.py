"""What must hold of the promise: expected arrivals, and that requests in contract keep to them (PR-1 to PR-4, PR-7)."""

from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model import bounds, promise
from headgate.model.arbiters import ARBITERS
from headgate.model.arbiters.sfq import SFQ
from headgate.model.refresh import Refresh
from headgate.model.simulator import Server, simulate
from headgate.properties import strategies
from headgate.properties.measures import (
    arrivals_of,
    in_line,
    largest_of,
    owed,
)
from headgate.properties.strategies import Offer, Scenario, long_run_rate
from headgate.spec.links import checks
from headgate.spec.vocabulary import TREATMENTS, Contract, Excess, Execution, Policing, Request, Service

SENT = strategies.gates().flatmap(lambda gate: st.tuples(st.just(gate.rate), strategies.offers(gate)))
# A burst, a request on the ns at which the channel would be idle, one on the ns before that, an idle spell.
SPELLS = (Fraction(2), [Offer(0, 4), Offer(0, 4), Offer(4, 6), Offer(2, 1), Offer(50, 3)])


@checks("PR-1")
@given(SENT)
@example(SPELLS)
def test_expected_arrival_is_when_a_private_channel_would_begin(drawn: tuple[Fraction, list[Offer]]) -> None:
    """X before a request is what a private channel of rate g has yet to send, and EAT is when that is sent."""
    rate, offers = drawn
    ledger: Fraction | int = 0
    arrivals = arrivals_of(offers)
    for number, (offer, now) in enumerate(zip(offers, arrivals, strict=True)):
        before, ledger = promise.charge(ledger, rate, offer.elapsed, offer.size)
        assert before == owed(arrivals[:number], now.at, rate)
        assert ledger - before == offer.size
        expected = promise.expected_arrival(now.at, before, 1 / rate)
        assert (expected - now.at) * rate == before


@checks("PR-2")
@given(SENT)
@example(SPELLS)
def test_expected_arrival_is_goyals(drawn: tuple[Fraction, list[Offer]]) -> None:
    """A + X / g is max(A, EAT of the request before + its size / g), for every request of every sequence."""
    rate, offers = drawn
    ledger: Fraction | int = 0
    previous, cost = Fraction(0), Fraction(0)
    for offer, now in zip(offers, arrivals_of(offers), strict=True):
        before, ledger = promise.charge(ledger, rate, offer.elapsed, offer.size)
        expected = promise.expected_arrival(now.at, before, 1 / rate)
        assert expected == promise.goyal_expected_arrival(now.at, previous, cost)
        assert expected == max(now.at, previous + cost)
        previous, cost = expected, offer.size / rate


@checks("PR-1", "PR-2")
@given(strategies.scenarios(best_effort=True, max_tenants=3))
def test_expected_arrivals_of_an_execution_follow_the_recursion(scenario: Scenario) -> None:
    """In line, every tenant's expected arrivals are Goyal's, A being the release."""
    execution = simulate(scenario.requests, scenario.contracts, SFQ, scenario.server)
    for tenant, contract in enumerate(scenario.contracts):
        previous = Fraction(0)
        for service in (s for s in in_line(execution) if s.request.tenant == tenant):
            expected = max(service.release_ns, previous)
            assert service.expected_ns == expected
            previous = expected + service.request.bytes / contract.guaranteed_bytes_per_ns


def delay_bound(scenario: Scenario, execution: Execution, service: Service) -> Fraction:
    """Return (l + sum of the others' L) / R + B, with one background request more if there are any."""
    tenant = service.request.tenant
    served = in_line(execution)
    others = sum(largest_of(served, j) for j in range(len(scenario.contracts)) if j != tenant)
    background = max((s.request.bytes for s in execution.services if s.expected_ns is None), default=0)
    refresh = scenario.server.refresh
    blackout = refresh.blackout if refresh is not None else Fraction(0)
    return (service.request.bytes + others + background) / long_run_rate(scenario.server) + blackout


def tenants(*guarantees: int, excess: Excess = Excess.IN_LINE, largest: int = 10) -> tuple[Contract, ...]:
    """Return contracts with these guarantees and bursts at three times as much, for 4 ns."""
    return tuple(
        Contract(f"t{n}", Fraction(g), Fraction(3 * g), Fraction(4), largest, excess=excess)
        for n, g in enumerate(guarantees)
    )


# Everybody at once: the last to be served finishes at the bound exactly.
AT_THE_BOUND = Scenario(
    tenants(1, 1, 1), Server(Fraction(3)), (Request(0, 0, 10), Request(1, 0, 10), Request(2, 0, 10))
)
# As a blackout begins, and with one byte more than is served until the next one does.
INTO_A_SECOND_BLACKOUT = Scenario(
    tenants(1, 1, 1, largest=11),
    Server(Fraction(6), Refresh(Fraction(10), Fraction(5))),
    (Request(0, 0, 10), Request(1, 0, 10), Request(2, 0, 11)),
)
# The flood of one tenant, and another that keeps to its contract all along.
FLOODED = Scenario(
    tenants(1, 1),
    Server(Fraction(2)),
    (*[Request(0, 0, 10)] * 12, *[Request(1, 10 * k, 10) for k in range(6)]),
)
# Background traffic of a best-effort tenant is always in the way when something in contract arrives.
BEHIND_BACKGROUND = Scenario(
    (*tenants(1, 1), Contract("t2", max_request_bytes=20, best_effort=True)),
    Server(Fraction(2)),
    (*[Request(2, 0, 20)] * 6, *[Request(k % 2, 1 + 7 * k, 10) for k in range(6)]),
)
# A tenant that was idle comes back while the others have a backlog; its next request must not wait for all of it.
BACK_FROM_IDLE = Scenario(
    tenants(1, 3),
    Server(Fraction(4)),
    (Request(0, 0, 10), *[Request(1, 0, 10)] * 20, Request(0, 20, 10), Request(0, 31, 10)),
)


@checks("PR-3", "PR-4", "PR-7")
@given(strategies.scenarios(best_effort=True, valid=True))
@example(AT_THE_BOUND)
@example(INTO_A_SECOND_BLACKOUT)
@example(FLOODED)
@example(Scenario(tenants(1, 1, excess=Excess.SHAPED), FLOODED.server, FLOODED.requests))
@example(Scenario(tenants(1, 1, excess=Excess.BACKGROUND), FLOODED.server, FLOODED.requests))
@example(BEHIND_BACKGROUND)
@example(BACK_FROM_IDLE)
def test_requests_in_contract_are_done_in_time_whatever_the_others_do(scenario: Scenario) -> None:
    """Under SFQ, with guarantees of at most R in all, all that is in contract finishes by EAT and the bound."""
    execution = simulate(scenario.requests, scenario.contracts, SFQ, scenario.server)
    for service in execution.services:
        if service.policing in (Policing.PACED, Policing.BURST):
            assert service.expected_ns is not None
            bound = delay_bound(scenario, execution, service)
            assert promise.is_kept(service.finish_ns, service.expected_ns, bound)
            assert service.finish_ns <= service.expected_ns + bound


def slack_of_the_last(scenario: Scenario) -> Fraction:
    """Return how long before its bound the last request of `scenario`, which is in contract, finishes."""
    execution = simulate(scenario.requests, scenario.contracts, SFQ, scenario.server)
    last = execution.services[-1]
    assert last.policing is Policing.PACED
    assert last.expected_ns is not None
    return last.expected_ns + delay_bound(scenario, execution, last) - last.finish_ns


@checks("PR-3")
def test_the_bound_is_attained() -> None:
    """No smaller latency could be promised: without refresh it is met exactly, with refresh to less than a byte."""
    assert slack_of_the_last(AT_THE_BOUND) == 0
    slack = slack_of_the_last(INTO_A_SECOND_BLACKOUT)
    assert 0 <= slack * long_run_rate(INTO_A_SECOND_BLACKOUT.server) < 1


@checks("PR-3", "FQ-5", "FQ-6")
@given(strategies.scenarios(excess=Excess.IN_LINE, valid=True), st.sampled_from(("sfq", "scfq", "early", "wf2q+")))
@example(AT_THE_BOUND, "sfq")
@example(INTO_A_SECOND_BLACKOUT, "sfq")
@example(BACK_FROM_IDLE, "scfq")
def test_the_delay_that_a_contract_may_promise_holds(scenario: Scenario, policy: str) -> None:
    """Told from the contracts alone, before there is any traffic: what a policy gives, every request in line keeps."""
    contracts = scenario.contracts
    largest = [contract.max_request_bytes for contract in contracts]
    refresh = scenario.server.refresh
    promised = [
        bounds.promised_delay(
            policy,
            size,
            sum(largest) - size,
            long_run_rate(scenario.server),
            refresh.blackout if refresh is not None else 0,
            contract.guaranteed_bytes_per_ns,
            max(largest),
        )
        for size, contract in zip(largest, contracts, strict=True)
    ]
    execution = simulate(scenario.requests, contracts, ARBITERS[policy], scenario.server)
    for service in in_line(execution):
        assert service.expected_ns is not None
        assert promise.is_kept(service.finish_ns, service.expected_ns, promised[service.request.tenant])


@checks("PR-3")
def test_what_the_policies_give_for_the_same_contract() -> None:
    """Ten bytes at 1 B/ns beside twenty of others, 3 B/ns in all, dark for 5 ns: SFQ 15 ns, SCFQ 10 + 20/3 + 5."""
    delays = {name: bounds.promised_delay(name, 10, 20, Fraction(3), 5, Fraction(1)) for name in ARBITERS}
    assert delays.pop("sfq") == 15
    assert delays.pop("scfq") == 15 + Fraction(20, 3)
    assert set(delays.values()) == {None}
    known = {name: bounds.promised_delay(name, 10, 20, Fraction(3), 5, Fraction(1), 20) for name in ARBITERS}
    assert known["early"] == known["wf2q+"] == 10 + Fraction(20, 3) + 5
    assert known["vtc"] is known["wfq"] is None


@checks("PR-3")
@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
@example(5, 3, 2)  # finished on the last moment
@example(5, 3, 1)
def test_a_promise_is_kept_up_to_its_last_moment(finish: int, expected: int, latency: int) -> None:
    """A request that finishes at EAT + latency keeps the promise; any later breaks it."""
    assert promise.is_kept(finish, expected, latency) == (finish - expected <= latency)


@checks("PR-4", "PR-6")
@given(st.integers(1, 6), st.sampled_from(TREATMENTS))
@example(6, Excess.IN_LINE)
def test_excess_delays_only_the_tenant_that_sends_it(flood: int, excess: Excess) -> None:
    """However much a tenant sends beyond its contract, another's steady traffic keeps the same bound."""
    steady = [Request(1, 10 * k, 10) for k in range(5)]
    scenario = Scenario(
        tenants(1, 1, excess=excess),
        Server(Fraction(2)),
        tuple(sorted([*[Request(0, 5, 10)] * (8 * flood), *steady], key=lambda r: r.arrival_ns)),
    )
    execution = simulate(scenario.requests, scenario.contracts, SFQ, scenario.server)
    for service in in_line(execution):
        if service.request.tenant == 1:
            assert service.expected_ns == service.request.arrival_ns
            assert service.finish_ns <= service.request.arrival_ns + delay_bound(scenario, execution, service)
    assert sum(s.request.bytes for s in execution.services) == 10 * (8 * flood + 5)


@checks("PR-4")
@given(st.integers(1, 20))
@example(1)
def test_without_a_treatment_the_promise_is_late_by_all_of_the_excess(flood: int) -> None:
    """The tenant's own next request in contract waits for the excess, and its expected arrival knows nothing of it."""
    requests = (*[Request(0, 0, 10)] * (1 + flood), Request(0, 10, 10))
    for excess in Excess:
        scenario = Scenario(tenants(1, excess=excess), Server(Fraction(1)), requests)
        execution = simulate(scenario.requests, scenario.contracts, SFQ, scenario.server)
        promised = [s for s in execution.services if s.policing in (Policing.PACED, Policing.BURST)]
        late = max(s.finish_ns - s.expected_ns for s in promised if s.expected_ns is not None)
        assert late == (10 * (1 + flood) if excess is Excess.UNTREATED else 10)
