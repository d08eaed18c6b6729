"""What must hold of policing: the classes, the refusals, and the three ways to treat excess (CM-6, PR-4 to PR-7)."""

from collections.abc import Sequence
from fractions import Fraction

import attrs
from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model.bucket import Bucket
from headgate.model.meter import Meter, MeterRates, advance, conforms
from headgate.model.policing import Policed, first_conforming, police
from headgate.model.simulator import Server
from headgate.properties import strategies
from headgate.properties.measures import Sent, owed, room
from headgate.properties.strategies import Scenario
from headgate.spec.links import checks
from headgate.spec.vocabulary import Contract, Excess, Policing, Request

IN_CONTRACT = (Policing.PACED, Policing.BURST)
SCENARIOS = strategies.scenarios(best_effort=True, max_tenants=3, admissible=None)

# g 1, p 2, d 4, M 3: the ledger may hold 7.
TENANT = Contract("t0", Fraction(1), Fraction(2), Fraction(4), 3)
# Paced; burst; excess by the peak bucket alone; burst up to the full ledger; excess by the ledger; paced again.
CLASSES = [(0, 3), (2, 3), (2, 1), (4, 3), (5, 2), (6, 1), (12, 3)]
# Each has to wait for the peak bucket, and later for the ledger; the small one may not overtake the large one.
HELD = [(0, 3), (0, 3), (0, 3), (0, 3), (0, 1), (1, 3), (20, 2), (60, 3)]
REFUSED = [(0, 4), (0, 0), (0, -1), (0, 3), (0, 4), (3, 3)]


def traffic(requests: Sequence[tuple[int, int]], excess: Excess) -> Scenario:
    """Return (arrival, size) pairs as the requests of one tenant that treats its excess so."""
    sent = tuple(Request(0, arrival, size) for arrival, size in requests)
    return Scenario((attrs.evolve(TENANT, excess=excess),), Server(Fraction(2)), sent)


def policed_by_tenant(scenario: Scenario) -> list[tuple[Contract, list[Policed]]]:
    """Return, for every tenant, what became of its requests, in their order."""
    policed = list(police(scenario.requests, scenario.contracts))
    assert [p.request for p in policed] == list(scenario.requests)
    return [
        (contract, [p for p in policed if p.request.tenant == tenant])
        for tenant, contract in enumerate(scenario.contracts)
    ]


def charged(policed: Sequence[Policed], in_contract_only: bool) -> list[Sent]:
    """Return what was charged to U (what is in contract), or to X (all that is served in line)."""
    return [
        Sent(p.release_ns, p.request.bytes)
        for p in policed
        if (p.policing in IN_CONTRACT if in_contract_only else p.expected_ns is not None)
    ]


def contract_room(contract: Contract, sent: Sequence[Sent], now: Fraction) -> Fraction:
    """Return the most bytes that are in contract `now`, after the in-contract bytes `sent`."""
    g, p = contract.guaranteed_bytes_per_ns, contract.burst_bytes_per_ns
    d, largest = contract.burst_duration_ns, contract.max_request_bytes
    return room(sent, now, lambda t: min(largest + p * t, largest + (p - g) * d + g * t))


@checks("CM-6", "TB-6")
@given(SCENARIOS)
@example(traffic(REFUSED, Excess.IN_LINE))
@example(traffic(REFUSED, Excess.SHAPED))  # or it would be held for ever
@example(traffic(REFUSED, Excess.BACKGROUND))
def test_refused_iff_empty_or_larger_than_the_largest_and_charged_to_nothing(scenario: Scenario) -> None:
    """A request of 1 byte to M bytes is never refused, any other is; and what is refused changes nothing else."""
    for contract, policed in policed_by_tenant(scenario):
        kept = [p for p in policed if 1 <= p.request.bytes <= contract.max_request_bytes]
        assert [p for p in policed if p.policing is not Policing.REFUSED] == kept
        alone = [attrs.evolve(p.request, tenant=0) for p in kept]
        without = list(police(alone, [contract]))
        assert [attrs.evolve(p, request=attrs.evolve(p.request, tenant=0)) for p in kept] == without


@checks("CM-6", "PR-4")
@given(SCENARIOS)
@example(traffic(CLASSES, Excess.IN_LINE))
@example(traffic(CLASSES, Excess.BACKGROUND))
@example(traffic(HELD, Excess.SHAPED))
def test_classes_are_what_the_windows_and_the_ledger_say(scenario: Scenario) -> None:
    """Excess iff the contract's windows have no room; else paced if a private channel of rate g is idle, else burst."""
    for contract, policed in policed_by_tenant(scenario):
        kept = [p for p in policed if p.policing is not Policing.REFUSED]
        for number, p in enumerate(kept):
            if contract.best_effort:
                assert p.policing is Policing.EXCESS
                continue
            sent = charged(kept[:number], in_contract_only=True)
            fits = p.request.bytes <= contract_room(contract, sent, p.release_ns)
            idle = owed(sent, p.release_ns, contract.guaranteed_bytes_per_ns) == 0
            expected = (Policing.PACED if idle else Policing.BURST) if fits else Policing.EXCESS
            assert p.policing is expected


@checks("PR-5")
@given(SCENARIOS)
@example(traffic(HELD, Excess.SHAPED))
def test_shaped_requests_are_released_as_soon_as_they_conform_and_in_order(scenario: Scenario) -> None:
    """Released at the first whole ns, after arrival and the release before, at which it conforms; never as excess."""
    for contract, policed in policed_by_tenant(scenario):
        if contract.excess is not Excess.SHAPED or contract.best_effort:
            continue
        sent: list[Sent] = []
        for p in (p for p in policed if p.policing is not Policing.REFUSED):
            first = max(Fraction(p.request.arrival_ns), sent[-1].at if sent else Fraction(0))
            assert p.policing in IN_CONTRACT
            assert p.release_ns >= first
            assert p.release_ns.denominator == 1
            assert p.request.bytes <= contract_room(contract, sent, p.release_ns)
            if p.release_ns > first:
                assert p.request.bytes > contract_room(contract, sent, p.release_ns - 1)
            sent.append(Sent(p.release_ns, p.request.bytes))


@st.composite
def meters(draw: st.DrawFn) -> tuple[MeterRates, Meter, int]:
    """Draw a meter in any state that it can reach, and a request that it can hold."""
    rates = draw(strategies.meter_rates())
    share, held = (draw(st.fractions(0, 1, max_denominator=12)) for _ in range(2))
    state = Meter(share * rates.allowance, Bucket(held * rates.max_request))
    return rates, state, draw(st.integers(1, rates.max_request))


@checks("PR-5")
@given(meters())
@example((MeterRates(Fraction(1), Fraction(2), 3, 7), Meter(7, Bucket(3)), 3))  # waits for the ledger: 3 ns
@example((MeterRates(Fraction(1), Fraction(2), 3, 7), Meter(0, Bucket(0)), 3))  # waits for the peak bucket: 1.5 ns
@example((MeterRates(Fraction(1), Fraction(2), 3, 7), Meter(4, Bucket(3)), 3))  # waits for nothing, to the byte
def test_the_wait_is_the_least_whole_number_of_ns(drawn: tuple[MeterRates, Meter, int]) -> None:
    """After the wait the request is in contract, one ns sooner it is not."""
    rates, state, size = drawn
    wait = first_conforming(state, rates, size)
    assert conforms(advance(state, rates, wait), rates, size)
    assert wait == 0 or not conforms(advance(state, rates, wait - 1), rates, size)


@checks("PR-4")
@given(SCENARIOS)
@example(traffic(CLASSES, Excess.IN_LINE))
@example(traffic(CLASSES, Excess.BACKGROUND))
def test_excess_goes_where_the_contract_says(scenario: Scenario) -> None:
    """Only shaping moves a release; excess is background iff the contract says so; best effort is always background."""
    for contract, policed in policed_by_tenant(scenario):
        for p in policed:
            excess = p.policing is Policing.EXCESS
            background = excess and (contract.best_effort or contract.excess is Excess.BACKGROUND)
            assert p.background == background
            assert (p.expected_ns is None) == (background or p.policing is Policing.REFUSED)
            if contract.excess is not Excess.SHAPED or contract.best_effort:
                assert p.release_ns == p.request.arrival_ns


@checks("PR-6", "PR-7")
@given(SCENARIOS)
@example(traffic(CLASSES, Excess.IN_LINE))  # the excess moves what comes after it
@example(traffic(CLASSES, Excess.BACKGROUND))  # and here it does not
@example(traffic(HELD, Excess.SHAPED))
def test_all_that_is_served_in_line_is_charged_and_background_is_not(scenario: Scenario) -> None:
    """X is what a private channel of rate g has yet to send of all that is served in line, excess included, no more."""
    for contract, policed in policed_by_tenant(scenario):
        for number, p in enumerate(policed):
            if p.expected_ns is None:
                continue
            before = charged(policed[:number], in_contract_only=contract.excess is not Excess.IN_LINE)
            g = contract.guaranteed_bytes_per_ns
            assert p.expected_ns == p.release_ns + owed(before, p.release_ns, g) / g


@checks("CM-6")
@given(SCENARIOS, st.integers(0, 2))
@example(attrs.evolve(traffic(CLASSES, Excess.IN_LINE), contracts=(TENANT, TENANT)), 0)
def test_a_tenant_is_policed_by_its_own_traffic_alone(scenario: Scenario, pick: int) -> None:
    """What becomes of a tenant's requests is the same if nobody else sends any."""
    tenant = pick % len(scenario.contracts)
    own = [request for request in scenario.requests if request.tenant == tenant]
    among_others = [p for p in police(scenario.requests, scenario.contracts) if p.request.tenant == tenant]
    assert list(police(own, scenario.contracts)) == among_others
