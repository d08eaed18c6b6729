"""What must hold of the generic cell rate algorithm (GC-1 to GC-3)."""

from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model import bucket, gcra
from headgate.model.gcra import Gcra
from headgate.properties import strategies
from headgate.properties.measures import admitted, arrivals_of, overrun, owed, required_decisions
from headgate.properties.strategies import Gate, Offer
from headgate.spec.links import checks

GATES_WITH_OFFERS = strategies.gates().flatmap(lambda gate: st.tuples(st.just(gate), strategies.offers(gate)))

# After an idle spell the theoretical arrival time must not stay behind: a flood would pass that never conformed.
IDLE = (Gate(Fraction(1), 4), [Offer(0, 4), Offer(50, 4), Offer(0, 1)])
# Within the limit to the byte, one byte beyond it, and on the ns at which it fits again.
EDGES = (Gate(Fraction(2), 8), [Offer(0, 8), Offer(0, 1), Offer(3, 8), Offer(1, 8)])


def decisions(gate: Gate, offers: list[Offer]) -> tuple[list[bool], list[Gcra]]:
    """Return what the algorithm decides on each of `offers`, and its state when each was offered."""
    state, passed, states = gcra.fresh(), [], []
    limit = gate.depth / gate.rate
    for offer in offers:
        states.append(gcra.advance(state, offer.elapsed))
        decision, state = gcra.step(state, offer.size / gate.rate, limit, offer.elapsed)
        passed.append(decision)
    return passed, states


@checks("GC-1")
@given(GATES_WITH_OFFERS)
@example(IDLE)
def test_time_ahead_is_what_a_private_channel_still_has_to_send(drawn: tuple[Gate, list[Offer]]) -> None:
    """The theoretical arrival time is never in the past, and as far ahead as the conforming requests take to send."""
    gate, offers = drawn
    passed, states = decisions(gate, offers)
    for number, (state, now) in enumerate(zip(states, arrivals_of(offers), strict=True)):
        sent = admitted(offers[:number], passed[:number])
        assert state.ahead * gate.rate == owed(sent, now.at, gate.rate)


@checks("GC-2")
@given(GATES_WITH_OFFERS)
@example(IDLE)
@example(EDGES)
def test_conforming_iff_no_window_exceeds_the_envelope(drawn: tuple[Gate, list[Offer]]) -> None:
    """A request conforms exactly if no closed window of t ns then holds more than rate (limit + t) bytes."""
    gate, offers = drawn
    passed, _ = decisions(gate, offers)
    assert passed == required_decisions(offers, passed, lambda t: gate.depth + gate.rate * t)
    assert overrun(admitted(offers, passed), lambda t: gate.depth + gate.rate * t) == 0


@checks("GC-3")
@given(GATES_WITH_OFFERS)
@example(IDLE)
@example(EDGES)
def test_is_the_token_bucket_of_depth_rate_times_limit(drawn: tuple[Gate, list[Offer]]) -> None:
    """On the same offers it decides as the token bucket does, and time ahead and level always make up the limit."""
    gate, offers = drawn
    state, tokens = gcra.fresh(), bucket.full(gate.depth)
    for offer in offers:
        conforms, state = gcra.step(state, offer.size / gate.rate, gate.depth / gate.rate, offer.elapsed)
        passed, tokens = bucket.step(tokens, gate.rate, gate.depth, offer.elapsed, offer.size)
        assert conforms == passed
        assert state.ahead * gate.rate + tokens.level == gate.depth
