"""What must hold of the thermal loop (HT-1 to HT-8)."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from headgate.model.heat import loop
from headgate.model.heat.enclosures import exponential, logarithm
from headgate.model.heat.loop import clipped, delayed_step, relay, toward
from headgate.model.refresh import Refresh, corrected_interval, essay_interval, served_by
from headgate.properties.oracles import heat as plain
from headgate.spec.links import checks

DECAYS = st.fractions(Fraction(1, 20), Fraction(19, 20), max_denominator=20)
DISTANCES = st.fractions(-20, 20, max_denominator=4)
GAINS = st.fractions(0, 1, max_denominator=8)
HALF, ONE = Fraction(1, 2), Fraction(1)


@checks("HT-1")
@given(st.fractions(0, 6, max_denominator=4), DECAYS, DISTANCES, DISTANCES, DISTANCES)
@example(ONE, HALF, Fraction(8), Fraction(0), Fraction(0))  # the longest step that does not overshoot
@example(Fraction(3, 2), HALF, Fraction(8), Fraction(0), Fraction(0))  # and one that does
def test_without_delay_nothing_turns_around(
    gain: Fraction, decay: Fraction, begin: Fraction, ambient: Fraction, offset: Fraction
) -> None:
    """A trajectory is monotone, and stays on its side of the equilibrium, iff steps are short enough."""

    def heating(temperature: Fraction) -> Fraction:
        return offset - gain * temperature

    rest = (ambient + offset) / (1 + gain)
    assert loop.is_settled(rest, ambient, heating(rest))
    assume(begin != rest)
    assert loop.drift(begin, ambient, heating(begin)) * (begin - rest) <= -((begin - rest) ** 2)
    path = [begin]
    for _ in range(6):
        path.append(toward(path[-1], ambient + heating(path[-1]), decay))
    sides = [(now - rest) * (begin - rest) for now in path]
    assert all(side >= 0 for side in sides) == loop.is_monotone(gain, decay)
    if loop.is_monotone(gain, decay):
        assert len({now < then for now, then in pairwise(path) if now != then}) == 1


@checks("HT-2")
@given(st.lists(DISTANCES, min_size=1, max_size=6), DECAYS, GAINS, st.fractions(0, 20, max_denominator=2))
@example([Fraction(1), Fraction(-1)], HALF, ONE, Fraction(9))  # the widest that a gain of one can keep for a step
@example([Fraction(1)] * 6, Fraction(1, 20), ONE, Fraction(9))  # nearly no memory, five steps late
def test_a_small_gain_never_widens_a_swing(
    history: list[Fraction], decay: Fraction, gain: Fraction, limit: Fraction
) -> None:
    """The largest distance that is remembered never grows, and below a gain of one it shrinks."""
    now, widest = tuple(history), max(map(abs, history))
    for step in range(3 * len(history)):
        now = delayed_step(now, decay, clipped(gain, limit))
        assert abs(now[0]) <= (gain + decay * (1 - gain)) * widest
        if (step + 1) % len(history) == 0:
            widest = max(map(abs, now))
    assert loop.loop_gain(Fraction(3, 20), Fraction(23, 1000), Fraction(50)) == Fraction(69, 400)


@checks("HT-2", "HT-3")
@given(st.lists(DISTANCES, min_size=1, max_size=5), DECAYS, st.fractions(0, 9, max_denominator=4), st.integers(0, 20))
@example([Fraction(3), ONE], HALF, Fraction(5), 5)
def test_a_loop_goes_step_by_step(history: list[Fraction], decay: Fraction, gain: Fraction, limit: int) -> None:
    """The distances are those of the plain version, the newest first."""
    now, steps = tuple(history), 8
    for _ in range(steps):
        now = delayed_step(now, decay, clipped(gain, limit))
    expected = plain.swing_of(history, decay, gain, Fraction(limit), steps)
    assert list(now) == expected[::-1][: len(history)]


@checks("HT-3")
def test_a_large_gain_swings_for_ever() -> None:
    """3, -1, -3, 1 and again; with a gain of one it dies away."""
    begun = now = (Fraction(3), ONE)
    seen = list[Fraction]()
    for _ in range(4):
        now = delayed_step(now, HALF, clipped(5, 5))
        seen.append(now[0])
    assert now == begun
    assert [int(distance) for distance in seen] == [-1, -3, 1, 3]
    for _ in range(20):
        now = delayed_step(now, HALF, clipped(1, 5))
    assert abs(now[0]) < Fraction(1, 100)


@checks("HT-4")
@given(st.integers(1, 12), st.integers(1, 19), st.integers(1, 40))
@example(2, 1, 1)
@example(12, 19, 1)
def test_a_relay_swings_as_its_steps_say(delay: int, twentieths: int, most: int) -> None:
    """From its own turning point a swing repeats iff its steps cross the middle when they should."""
    decay = Fraction(twentieths, 20)
    for crossing in range(1, most):
        whole = decay ** (crossing + delay)
        height = (1 - whole) / (1 + whole)
        crossed, not_before = loop.relay_crossing(decay, decay**delay, decay**crossing)
        # it comes down from its turning point; what is remembered of the way up was above 0 for `delay` steps
        path = [height]
        for _ in range(crossing + delay):
            path.append(toward(path[-1], Fraction(-1), decay))
        assert path[-1] == -height
        assert (path[crossing] <= 0, path[crossing - 1] > 0) == (crossed, not_before)


@checks("HT-4")
@given(st.integers(1, 30))
@example(9)
def test_a_relay_swings_within_its_enclosure(delay: int) -> None:
    """Simulated in steps of 10 ms with tau = 250 ms, two swings take what the formula says, for up to a step more."""
    step, constant = Fraction(10), Fraction(250)
    decay = Fraction(int(exponential(-step / constant).low * 2**40), 2**40)
    turns = turns_of(delay, decay, 12 * (delay + 12))
    period = (turns[-1] - turns[-3]) * step
    assert loop.relay_period(delay * step, constant).low <= period
    assert period <= loop.relay_period((delay + 1) * step, constant).high
    assert turns_of(delay, HALF, 40) == plain.relay_turns(ONE, delay, HALF, 40)


def turns_of(delay: int, decay: Fraction, steps: int) -> list[int]:
    """Return the steps at which a relay turned around, from a distance of 1; distances are rounded to 2**-80."""
    now, side, turns = (ONE,) * (delay + 1), -1, []
    for at in range(steps):
        if relay(1)(now[-1]) != side:
            side = -side
            turns.append(at)
        now = delayed_step(now, decay, relay(1))
        now = (Fraction(round(now[0] * 2**80), 2**80), *now[1:])
    return turns


@checks("HT-4")
@given(st.integers(1, 1000), st.integers(1, 1000))
@example(300, 250)
def test_a_delay_has_its_period(period: int, constant: int) -> None:
    """The period of the delay of a period is that period, as far as the enclosures go."""
    ms = 1_000_000
    delay = loop.relay_delay(Fraction(period * ms), Fraction(constant * ms))
    assert 0 <= delay.high - delay.low <= 1000
    low = loop.relay_period(delay.low, Fraction(constant * ms)).low
    high = loop.relay_period(delay.high, Fraction(constant * ms)).high
    assert low <= period * ms <= high


DIGITS = 10**40
E = Fraction(27182818284590452353602874713526624977572, DIGITS)
LN_2 = Fraction(6931471805599453094172321214581765680755, DIGITS)


@checks("HT-5")
@given(st.fractions(-8, 8, max_denominator=50), st.fractions(-8, 8, max_denominator=50))
@example(ONE, Fraction(-1))
@example(Fraction(0), Fraction(1, 2))
def test_exponentials_multiply(left: Fraction, right: Fraction) -> None:
    """The enclosure of a sum and the product of the enclosures have a number in common, and both are narrow."""
    a, b, both = exponential(left), exponential(right), exponential(left + right)
    assert a.low * b.low <= both.high
    assert both.low <= a.high * b.high
    assert both.high - both.low <= both.low * Fraction(1, 10**30)
    assert (both.low == both.high) == (left + right == 0)
    assert exponential(ONE).low <= E + Fraction(1, DIGITS)
    assert exponential(ONE).high >= E


@checks("HT-5")
@given(st.fractions(1, 2, max_denominator=100))
@example(ONE)
@example(Fraction(2))
def test_logarithms_undo_exponentials(number: Fraction) -> None:
    """The exponential of the enclosure holds the number; ln 2 has its digits; narrow."""
    found = logarithm(number)
    assert exponential(found.low).low <= number <= exponential(found.high).high
    assert found.high - found.low <= Fraction(1, 10**30)
    assert logarithm(Fraction(2)).low <= LN_2 + Fraction(1, DIGITS)
    assert logarithm(Fraction(2)).high >= LN_2


@checks("HT-5")
def test_logarithms_of_other_numbers_are_refused() -> None:
    for number in (Fraction(1, 2), Fraction(5, 2)):
        with pytest.raises(ValueError, match=f"expected a number from 1 to 2, got {number}"):
            logarithm(number)


@checks("HT-6", "HT-7")
@given(DISTANCES, st.fractions(0, 30, max_denominator=4), DISTANCES, st.fractions(0, 5, max_denominator=8))
@example(Fraction(40), Fraction(15), Fraction(7), Fraction(0))  # at a constant power the slope is one
def test_warmer_water_warms_by_no_more_than_itself(
    cool: Fraction, more: Fraction, offset: Fraction, gain: Fraction
) -> None:
    """With a heating that falls in proportion, the die goes up by the share 1 / (1 + gain) of the water's rise."""
    dies = []
    for inlet in (cool, cool + more):
        die = (inlet + offset) / (1 + gain)
        assert loop.die_temperature(inlet, offset, -gain * die) == die
        dies.append(die)
    assert 0 <= dies[1] - dies[0] <= more


@checks("HT-8")
def test_the_essays_interval_latches() -> None:
    """Under one and the same water the stack rests at 75 C and half a degree below; not with the corrected one."""

    def heating(interval: Fraction) -> Fraction:
        rate = served_by(Fraction(3350), Refresh(interval, 295)) / interval
        heat: Fraction = Fraction(3, 20) * Fraction(23, 1000) * rate
        return heat

    base = Fraction(3900)
    ambient = 75 - heating(essay_interval(base, Fraction(75)).low)
    cold = ambient + heating(essay_interval(base, Fraction(74)).low)
    assert Fraction(43, 100) < 75 - cold < Fraction(44, 100)
    assert loop.is_settled(cold, ambient, heating(essay_interval(base, cold).low))
    assert loop.is_settled(Fraction(75), ambient, heating(essay_interval(base, Fraction(75)).low))
    assert not loop.is_settled(Fraction(75), ambient, heating(corrected_interval(base, Fraction(75)).low))
