"""What must hold of the two-rate three-colour marker (TC-1 to TC-4)."""

from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model import marker
from headgate.model.marker import Colour, MarkerRates
from headgate.properties import strategies
from headgate.properties.measures import admitted, overrun, required_decisions, room
from headgate.properties.strategies import Gate, Offer
from headgate.spec.links import checks


def aimed_offers(rates: MarkerRates) -> st.SearchStrategy[tuple[MarkerRates, list[Offer]]]:
    """Draw offers at the edges of both buckets."""
    peak = Gate(rates.peak_rate, rates.peak_depth)
    committed = Gate(rates.committed_rate, rates.committed_depth)
    return st.tuples(st.just(rates), strategies.offers(peak, committed, nested=True))


MARKED = strategies.marker_rates().flatmap(aimed_offers)

# Green, then what only the peak bucket covers, then what neither does; later each bucket has refilled at its rate.
ALL_COLOURS = (
    MarkerRates(Fraction(1), 4, Fraction(2), 10),
    [Offer(0, 4), Offer(0, 5), Offer(0, 2), Offer(0, 1), Offer(2, 2), Offer(3, 5), Offer(1, 5)],
)
# The peak bucket is the smaller one: what it does not cover is red although the committed one does.
SMALL_PEAK = (MarkerRates(Fraction(1), 9, Fraction(3), 5), [Offer(0, 6), Offer(0, 5), Offer(0, 4), Offer(1, 4)])


def colours(rates: MarkerRates, offers: list[Offer]) -> list[int]:
    """Return the colour that a marker, fresh at first, gives each of `offers`."""
    state, given_colours = marker.fresh(rates), []
    for offer in offers:
        colour, state = marker.step(state, rates, offer.elapsed, offer.size)
        given_colours.append(colour)
    return given_colours


@checks("TC-1")
@given(strategies.marker_rates(), st.integers(0, 50))
@example(MarkerRates(Fraction(1), 4, Fraction(2), 10), 0)
def test_marker_starts_with_both_buckets_full(rates: MarkerRates, elapsed: int) -> None:
    """A fresh marker holds both depths, and time adds nothing to them."""
    fresh = marker.fresh(rates)
    assert (fresh.committed.level, fresh.peak.level) == (rates.committed_depth, rates.peak_depth)
    assert marker.advance(fresh, rates, elapsed) == fresh


@checks("TC-2")
@given(MARKED)
@example(ALL_COLOURS)
@example(SMALL_PEAK)
def test_a_colour_charges_its_buckets_only(drawn: tuple[MarkerRates, list[Offer]]) -> None:
    """Red charges neither bucket, yellow the peak one, green both; no level falls below 0."""
    rates, offers = drawn
    state = marker.fresh(rates)
    for offer in offers:
        before = marker.advance(state, rates, offer.elapsed)
        colour, state = marker.mark(before, offer.size)
        committed, peak = before.committed.level - state.committed.level, before.peak.level - state.peak.level
        assert peak == (0 if colour == Colour.RED else offer.size)
        assert committed == (offer.size if colour == Colour.GREEN else 0)
        assert min(state.committed.level, state.peak.level) >= 0


@checks("TC-1", "TC-3", "TC-4")
@given(MARKED)
@example(ALL_COLOURS)
@example(SMALL_PEAK)
def test_colours_keep_their_envelopes(drawn: tuple[MarkerRates, list[Offer]]) -> None:
    """Green bytes of any window of t ns are at most CBS + CIR t, green and yellow ones at most PBS + PIR t."""
    rates, offers = drawn
    marked = colours(rates, offers)
    green = admitted(offers, [colour == Colour.GREEN for colour in marked])
    passed = admitted(offers, [colour != Colour.RED for colour in marked])
    assert overrun(green, lambda t: rates.committed_depth + rates.committed_rate * t) == 0
    assert overrun(passed, lambda t: rates.peak_depth + rates.peak_rate * t) == 0


@checks("TC-1", "TC-2", "TC-3", "TC-4")
@given(MARKED)
@example(ALL_COLOURS)
@example(SMALL_PEAK)
def test_colours_are_as_good_as_the_envelopes_allow(drawn: tuple[MarkerRates, list[Offer]]) -> None:
    """A request is red iff the peak envelope has no room for it, and else yellow iff the committed one has none."""
    rates, offers = drawn
    marked = colours(rates, offers)
    passed = [colour != Colour.RED for colour in marked]
    assert passed == required_decisions(offers, passed, lambda t: rates.peak_depth + rates.peak_rate * t)
    at = admitted(offers, [True] * len(offers))
    for number, colour in enumerate(marked):
        green = [sent for sent, c in zip(at[:number], marked[:number], strict=True) if c == Colour.GREEN]
        held = room(green, at[number].at, lambda t: rates.committed_depth + rates.committed_rate * t)
        assert (colour == Colour.GREEN) == (passed[number] and at[number].size <= held)
