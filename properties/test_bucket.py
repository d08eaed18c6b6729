"""What must hold of the token bucket (TB-1 to TB-8), whatever is offered to it."""

from fractions import Fraction
from itertools import accumulate

from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model import bucket
from headgate.model.bucket import Bucket
from headgate.properties import strategies
from headgate.properties.measures import Sent, admitted, overrun, required_decisions
from headgate.properties.oracles import bucket as oracle
from headgate.properties.strategies import Gate, Offer
from headgate.spec.links import checks

GATES_WITH_OFFERS = strategies.gates().flatmap(lambda gate: st.tuples(st.just(gate), strategies.offers(gate)))

# A full bucket drained in one instant, one byte more, then the last ns before it holds one request again, and that ns.
EDGES = (Gate(Fraction(2), 8), [Offer(0, 8), Offer(0, 1), Offer(3, 8), Offer(1, 8)])
# After an idle spell a bucket holds its depth, however long the spell was.
IDLE = (Gate(Fraction(3), 5), [Offer(0, 5), Offer(100, 5), Offer(0, 1)])
# Same-instant requests count one by one.
FLOOD = (Gate(Fraction(1), 4), [Offer(0, 1)] * 6)


def decisions(gate: Gate, offers: list[Offer]) -> list[bool]:
    """Return what a bucket, full at first, decides on each of `offers`."""
    state, passed = bucket.full(gate.depth), []
    for offer in offers:
        decision, state = bucket.step(state, gate.rate, gate.depth, offer.elapsed, offer.size)
        passed.append(decision)
    return passed


@checks("TB-1")
@given(strategies.gates(), st.integers(0, 40))
@example(Gate(Fraction(1), 7), 0)  # offered before any time has passed
def test_bucket_starts_full(gate: Gate, elapsed: int) -> None:
    """A fresh bucket admits its whole depth, at whatever moment, and not one byte more."""
    assert bucket.offer(bucket.full(gate.depth), gate.depth)[0]
    assert not bucket.offer(bucket.full(gate.depth), gate.depth + 1)[0]
    assert bucket.step(bucket.full(gate.depth), gate.rate, gate.depth, elapsed, gate.depth)[0]
    assert not bucket.step(bucket.full(gate.depth), gate.rate, gate.depth, elapsed, gate.depth + 1)[0]


@checks("TB-2")
@given(strategies.gates(), st.fractions(0, 1, max_denominator=12), st.integers(0, 60), st.integers(0, 60))
@example(Gate(Fraction(2), 10), Fraction(0), 5, 1)  # full to the byte, then one ns that must add nothing
def test_refill_grows_at_the_rate_up_to_the_depth(gate: Gate, share: Fraction, first: int, second: int) -> None:
    """Until it is full a bucket gains rate times time exactly; then nothing; and time may be cut anywhere."""
    state = Bucket(share * gate.depth)
    later = bucket.refill(state, gate.rate, gate.depth, first)
    gained = gate.rate * first
    assert state.level <= later.level <= gate.depth
    assert later.level == gate.depth if state.level + gained >= gate.depth else later.level - state.level == gained
    in_two = bucket.refill(later, gate.rate, gate.depth, second)
    assert in_two == bucket.refill(state, gate.rate, gate.depth, first + second)


@checks("TB-3")
@given(st.integers(0, 60), st.integers(0, 60))
@example(5, 5)  # the level covers the request exactly
@example(5, 6)
def test_offer_charges_what_it_admits_and_nothing_else(level: int, size: int) -> None:
    """A request is admitted iff the level covers it; the level falls by its size, or not at all."""
    passed, after = bucket.offer(Bucket(level), size)
    assert passed == (size <= level)
    assert level - after.level == (size if passed else 0)
    assert after.level >= 0


@checks("TB-4")
@given(GATES_WITH_OFFERS)
@example(EDGES)
@example(IDLE)
@example(FLOOD)
def test_no_closed_window_exceeds_the_envelope(drawn: tuple[Gate, list[Offer]]) -> None:
    """In every closed window of t ns at most depth + rate t bytes are admitted."""
    gate, offers = drawn
    assert overrun(admitted(offers, decisions(gate, offers)), lambda t: gate.depth + gate.rate * t) == 0


@checks("TB-4")
@given(strategies.gates(), st.fractions(0, 50, max_denominator=6))
@example(Gate(Fraction(2), 3), Fraction(0))  # a window of no length still holds the depth
def test_the_envelope_is_attained(gate: Gate, elapsed: Fraction) -> None:
    """A window of t ns can hold depth + rate t bytes: the depth at once, the rest on its last instant, if it fits."""
    state = bucket.offer(bucket.full(gate.depth), gate.depth)[1]
    rest = min(Fraction(gate.depth), gate.rate * elapsed)
    assert bucket.step(state, gate.rate, gate.depth, elapsed, rest)[0]
    assert bucket.envelope(gate.rate, gate.depth, rest / gate.rate) == gate.depth + rest


@checks("TB-3", "TB-5")
@given(GATES_WITH_OFFERS)
@example(EDGES)
@example(IDLE)
@example(FLOOD)
def test_refused_iff_admitting_breaks_the_envelope(drawn: tuple[Gate, list[Offer]]) -> None:
    """A request is admitted exactly if no closed window that ends with it would then exceed the envelope."""
    gate, offers = drawn
    decided = decisions(gate, offers)
    assert decided == required_decisions(offers, decided, lambda t: gate.depth + gate.rate * t)


@checks("TB-7")
@given(strategies.gates(), st.fractions(0, 1, max_denominator=9), st.integers(2, 6))
@example(Gate(Fraction(120), 240_000_000), Fraction(99, 100), 4)  # the essay's own contract
def test_essay_bucket_admits_floods_without_bound(gate: Gate, load: Fraction, flood: int) -> None:
    """Where the rates sum to less than the capacity, the essay's bucket admits every request of a flood of its depth.

    The second of them breaks the envelope already; and all tenants together may do so at once.
    """
    capacity = gate.rate * 10
    state, sent = bucket.full(gate.depth), []
    for _ in range(flood):
        passed, state = bucket.essay_offer(state, gate.depth, load * capacity, capacity)
        if passed:
            sent.append(Sent(Fraction(0), gate.depth))
    broken = overrun(sent, lambda t: gate.depth + gate.rate * t)
    assert broken == ((flood - 1) * gate.depth if load < 1 else 0)


@checks("TB-7")
def test_essay_depth_is_rate_times_duration() -> None:
    """The essay's own numbers: 120 GB/s for 2 ms are 240 MB."""
    assert bucket.essay_depth(120, 2_000_000) == 240_000_000


@checks("TB-7")
@given(st.integers(0, 60), st.integers(1, 60))
@example(0, 1)
@example(5, 5)
def test_essay_bucket_queues_only_where_nothing_can_be_borrowed(level: int, size: int) -> None:
    """At full load the essay's bucket is the token bucket; below it, a request beyond the level empties it."""
    assert bucket.essay_offer(Bucket(level), size, 10, 10) == bucket.offer(Bucket(level), size)
    passed, after = bucket.essay_offer(Bucket(level), size, 9, 10)
    assert passed
    assert after.level == max(0, level - size)


@checks("TB-8")
@given(GATES_WITH_OFFERS)
@example(EDGES)
@example((Gate(Fraction(1), 4), [Offer(4, 4), Offer(0, 4)]))  # the idle spell is paid for after the bucket is empty
@example((Gate(Fraction(1), 4), [Offer(3, 1), Offer(0, 1), Offer(0, 4)]))
def test_a_paused_bucket_pays_for_the_time_that_it_was_full(drawn: tuple[Gate, list[Offer]]) -> None:
    """It decides as the plain version does, which admits whatever the token bucket admits, and more."""
    gate, offers = drawn
    state, decided, times = bucket.paused_full(gate.depth), [], list(accumulate(offer.elapsed for offer in offers))
    for offer in offers:
        state = bucket.paused_refill(state, gate.rate, gate.depth, offer.elapsed)
        passed, charged = bucket.offer(Bucket(state.level), offer.size)
        state = bucket.PausedBucket(charged.level, state.uncounted)
        decided.append(passed)
    sent = [(time, offer.size) for time, offer in zip(times, offers, strict=True)]
    assert decided == oracle.paused_admitted(sent, gate.rate, gate.depth)


@checks("TB-8")
@given(strategies.gates())
@example(Gate(Fraction(3), 4))
def test_a_paused_bucket_admits_twice_its_depth_after_an_idle_spell(gate: Gate) -> None:
    """However small the rate: a spell that is long enough to fill it fills it twice."""
    spell = -(-gate.depth // gate.rate)
    idle = bucket.paused_refill(bucket.paused_full(gate.depth), gate.rate, gate.depth, spell)
    passed, charged = bucket.offer(Bucket(idle.level), gate.depth)
    again = bucket.paused_refill(bucket.PausedBucket(charged.level, idle.uncounted), gate.rate, gate.depth, 0)
    assert passed
    assert again.level == gate.depth
