"""What must hold of the contract meter (CM-1 to CM-5 and CM-7; the classes, CM-6, are in test_policing)."""

import math
from fractions import Fraction

import attrs
from hypothesis import assume, example, given
from hypothesis import strategies as st

from headgate.model import bucket, meter
from headgate.model.bucket import Bucket
from headgate.model.meter import Meter, MeterRates
from headgate.properties import strategies
from headgate.properties.measures import admitted, arrivals_of, overrun, owed, required_decisions
from headgate.properties.strategies import Gate, Offer
from headgate.spec.links import checks
from headgate.spec.vocabulary import Contract


def aimed_offers(rates: MeterRates) -> st.SearchStrategy[tuple[MeterRates, list[Offer]]]:
    """Draw offers at the edges of both halves of the meter."""
    peak = Gate(rates.burst, rates.max_request)
    ledger = Gate(rates.guaranteed, math.floor(rates.allowance))
    return st.tuples(st.just(rates), strategies.offers(peak, ledger))


METERED = strategies.meter_rates().flatmap(aimed_offers)

# g 1, p 2, d 4, M 3: the ledger may hold 7. The last request but one fills it to the byte, the last is one byte beyond.
FULL_LEDGER = (
    MeterRates(Fraction(1), Fraction(2), 3, 7),
    [Offer(0, 3), Offer(2, 3), Offer(2, 3), Offer(1, 2), Offer(1, 1), Offer(0, 1)],
)
# No burst at all: p = g, so that the ledger and the peak bucket must decide alike.
NO_BURST = (
    MeterRates(Fraction(2), Fraction(2), 5, 5),
    [Offer(0, 5), Offer(2, 5), Offer(1, 5), Offer(9, 5), Offer(0, 1)],
)
# The ledger is nearly empty, but the peak bucket does not hold two requests at one instant.
PEAK_DECIDES = (MeterRates(Fraction(1), Fraction(4), 4, 64), [Offer(0, 4), Offer(0, 1), Offer(1, 4), Offer(0, 4)])
# What the peak bucket refuses must leave the ledger as it is, or the contract is spent on what was never admitted.
REFUSED_BY_PEAK = (
    MeterRates(Fraction(1), Fraction(2), 4, 6),
    [Offer(0, 4), Offer(0, 4), Offer(0, 4), Offer(2, 4), Offer(2, 2)],
)


def decisions(rates: MeterRates, offers: list[Offer]) -> tuple[list[bool], list[Meter]]:
    """Return what the meter decides on each of `offers`, and its state when each was offered."""
    state, passed, states = meter.fresh(rates), [], []
    for offer in offers:
        states.append(meter.advance(state, rates, offer.elapsed))
        decision, state = meter.step(state, rates, offer.elapsed, offer.size)
        passed.append(decision)
    return passed, states


@checks("CM-1")
@given(METERED)
@example(FULL_LEDGER)
@example(REFUSED_BY_PEAK)
def test_ledger_is_what_a_private_channel_still_has_to_send(drawn: tuple[MeterRates, list[Offer]]) -> None:
    """U is 0 at first, never negative, and always what a private channel of rate g has yet to send."""
    rates, offers = drawn
    passed, states = decisions(rates, offers)
    for number, (state, now) in enumerate(zip(states, arrivals_of(offers), strict=True)):
        sent = admitted(offers[:number], passed[:number])
        assert state.ledger == owed(sent, now.at, rates.guaranteed)
        assert 0 <= state.ledger <= rates.allowance


@checks("CM-2")
@given(METERED)
@example(FULL_LEDGER)
@example(PEAK_DECIDES)
def test_in_contract_iff_ledger_and_peak_bucket_have_room(drawn: tuple[MeterRates, list[Offer]]) -> None:
    """A request is in contract iff it lifts the ledger to at most the allowance and the peak bucket holds it."""
    rates, offers = drawn
    passed, states = decisions(rates, offers)
    for offer, decision, state in zip(offers, passed, states, strict=True):
        ledger_room = rates.allowance - state.ledger
        assert decision == (offer.size <= min(ledger_room, state.peak.level))


@checks("CM-2")
@given(strategies.contracts())
def test_allowance_is_largest_request_and_a_burst_less_what_the_guarantee_sends(contract: Contract) -> None:
    """A burst at rate p for d, less what leaves at rate g meanwhile, and one request more, is all the ledger holds."""
    g, p = contract.guaranteed_bytes_per_ns, contract.burst_bytes_per_ns
    d, largest = contract.burst_duration_ns, contract.max_request_bytes
    assert meter.burst_allowance(g, p, d, largest) + g * d == largest + p * d


@checks("CM-3")
@given(METERED)
@example(FULL_LEDGER)
@example(PEAK_DECIDES)
@example(REFUSED_BY_PEAK)
def test_charged_to_both_halves_or_to_neither(drawn: tuple[MeterRates, list[Offer]]) -> None:
    """What is in contract raises the ledger and lowers the peak bucket by its size; what is not changes nothing."""
    rates, offers = drawn
    state = meter.fresh(rates)
    for offer in offers:
        before = meter.advance(state, rates, offer.elapsed)
        passed, state = meter.offer(before, rates, offer.size)
        charge = offer.size if passed else 0
        assert state.ledger - before.ledger == charge
        assert before.peak.level - state.peak.level == charge


@checks("CM-4")
@given(METERED)
@example(FULL_LEDGER)
@example(NO_BURST)
@example(PEAK_DECIDES)
def test_no_closed_window_exceeds_its_bound(drawn: tuple[MeterRates, list[Offer]]) -> None:
    """The in-contract bytes of a closed window of t ns are at most min(M + p t, M + (p - g) d + g t)."""
    rates, offers = drawn
    sent = admitted(offers, decisions(rates, offers)[0])
    assert overrun(sent, lambda t: rates.max_request + rates.burst * t) == 0
    assert overrun(sent, lambda t: rates.allowance + rates.guaranteed * t) == 0
    assert overrun(sent, lambda t: meter.window_bound(rates, t)) == 0


@checks("CM-4")
@given(METERED)
@example(FULL_LEDGER)
@example(NO_BURST)
@example(PEAK_DECIDES)
@example(REFUSED_BY_PEAK)
def test_excess_iff_admitting_breaks_the_window_bound(drawn: tuple[MeterRates, list[Offer]]) -> None:
    """A request is excess exactly if with it some closed window that ends now would exceed the bound."""
    rates, offers = drawn
    passed, _ = decisions(rates, offers)

    def bound(t: Fraction) -> Fraction:
        return Fraction(min(rates.max_request + rates.burst * t, rates.allowance + rates.guaranteed * t))

    assert passed == required_decisions(offers, passed, bound)
    assert all(meter.window_bound(rates, Fraction(t)) == bound(Fraction(t)) for t in range(40))


def burst(rates: MeterRates, duration: Fraction, sizes: list[int]) -> list[bool]:
    """Return what a fresh meter decides on requests of `sizes` in turn, spaced at rate p, until `duration` is over."""
    state, now, passed = meter.fresh(rates), Fraction(0), []
    elapsed, number = Fraction(0), 0
    while now <= duration:
        size = sizes[number % len(sizes)]
        decision, state = meter.step(state, rates, elapsed, size)
        passed.append(decision)
        elapsed, number = size / rates.burst, number + 1
        now += elapsed
    return passed


@checks("CM-5")
@given(strategies.contracts(), st.lists(st.fractions(0, 1, max_denominator=8), min_size=1, max_size=5))
# The essay's contract: 120 and 400 GB/s, 2 ms, in the largest requests that 2 MiB allow.
@example(Contract("essay", Fraction(120), Fraction(400), Fraction(2_000_000), 2 << 20), [Fraction(1)])
def test_a_full_burst_is_in_contract(contract: Contract, shares: list[Fraction]) -> None:
    """From rest, requests of any size up to M at rate p for the whole of d are in contract, the last at d included."""
    largest = contract.max_request_bytes
    sizes = [max(1, math.ceil(share * largest)) for share in shares]
    requests = contract.burst_bytes_per_ns * contract.burst_duration_ns * len(sizes) / sum(sizes)
    assume(requests <= 400)
    g, p, d = contract.guaranteed_bytes_per_ns, contract.burst_bytes_per_ns, contract.burst_duration_ns
    rates = MeterRates(g, p, largest, meter.burst_allowance(g, p, d, largest))
    assert all(burst(rates, d, sizes))


@checks("CM-1", "CM-5")
@given(METERED)
@example(FULL_LEDGER)
def test_after_an_idle_spell_a_meter_is_fresh(drawn: tuple[MeterRates, list[Offer]]) -> None:
    """Once the ledger could drain and the peak bucket refill, the past is forgotten: the next burst is whole again."""
    rates, offers = drawn
    state = meter.fresh(rates)
    for offer in offers:
        _, state = meter.step(state, rates, offer.elapsed, offer.size)
    idle = max(state.ledger / rates.guaranteed, (rates.max_request - state.peak.level) / rates.burst)
    assert meter.advance(state, rates, idle) == meter.fresh(rates) == Meter(0, Bucket(rates.max_request))


@checks("CM-7")
@given(st.integers(1, 12), st.integers(3, 5), st.integers(8, 24))
@example(120, 4, 24)
def test_essay_depth_cuts_a_burst_short(guaranteed: int, factor: int, duration: int) -> None:
    """With the essay's allowance, g d, a burst at p > 2 g runs dry g d / (p - g) after it began, before d is over."""
    g, p, d = Fraction(guaranteed), Fraction(factor * guaranteed), Fraction(duration)
    rates = MeterRates(g, p, 1, bucket.essay_depth(g, d))
    dry = g * d / (p - g)
    passed = burst(attrs.evolve(rates, max_request=1), d, [1])
    first = passed.index(False)
    assert dry - 1 / p <= first / p <= dry + 1 / p
    assert dry < d


@checks("CM-7")
def test_essay_depth_of_the_essay_lasts_six_sevenths_of_a_millisecond() -> None:
    """120 and 400 GB/s and 2 ms: 240 MB are drained after 6/7 ms; the corrected allowance lasts the whole 2 ms."""
    g, p, d, largest = Fraction(120), Fraction(400), Fraction(2_000_000), 1_000_000
    as_written = MeterRates(g, p, largest, bucket.essay_depth(g, d))
    corrected = MeterRates(g, p, largest, meter.burst_allowance(g, p, d, largest))
    first = burst(as_written, d, [largest]).index(False)
    each = largest / p
    assert Fraction(6, 7) * 10**6 - each <= first * each <= Fraction(6, 7) * 10**6 + each
    assert all(burst(corrected, d, [largest]))
