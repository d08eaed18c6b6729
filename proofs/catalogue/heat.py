"""Theorems on the thermal loop: what settles, what swings, and how far warm water carries.

The heating is any number that obeys what is said of it, so that what is shown holds for every curve of that kind. The
factor of a step is any number between 0 and 1; where a time constant is meant, it enters as a rational enclosure.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import z3

from headgate.model.heat import loop
from headgate.model.heat.loop import clipped, delayed_step, drift, is_settled, relay_crossing, toward
from headgate.model.refresh import Refresh, corrected_interval, essay_interval, served_by
from headgate.proofs.decoding import schedule_of
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Expect, Obligation, Query, Theorem
from headgate.spec.vocabulary import Schedule

__all__ = ["THEOREMS"]

# ---- without a delay ----


def _no_delay() -> list[Obligation]:
    cool, warm, ambient, at_cool, at_warm = z3.Reals("cool warm ambient at_cool at_warm")
    falling = (cool <= warm, at_warm <= at_cool)
    slower, faster = drift(cool, ambient, at_cool), drift(warm, ambient, at_warm)
    return [
        Obligation("two trajectories approach each other", falling, faster - slower <= cool - warm),
        Obligation("there is one equilibrium", (*falling, is_settled(cool, ambient, at_cool),
                                                is_settled(warm, ambient, at_warm)), cool == warm),
        Obligation("above it the temperature falls", (*falling, is_settled(cool, ambient, at_cool)),
                   faster <= cool - warm),
        Obligation("below it the temperature rises", (*falling, is_settled(warm, ambient, at_warm)),
                   slower >= warm - cool),
        *_short_steps(),
    ]  # fmt: skip


def _short_steps() -> list[Obligation]:
    """In short steps order is kept, so that a trajectory that rose once rises again, and never returns.

    For that its next value stands for the warmer of the two. `kept`, `lost` and `most` are three products.
    """
    cool, warm, ambient, at_cool, at_warm, gain, decay = z3.Reals("cool warm ambient at_cool at_warm gain decay")
    factor, less, more, kept, lost, most = z3.Reals("factor less more kept lost most")
    apart = toward(warm, ambient + at_warm, decay) - toward(cool, ambient + at_cool, decay)
    return [
        Obligation("a step keeps its part of the distance, and loses its part of the heating", (),
                   apart == decay * (warm - cool) - (1 - decay) * (at_cool - at_warm)),
        Obligation("a factor keeps order", (factor >= 0, less <= more), factor * less <= factor * more),
        Obligation("steps are short enough iff the gain loses no more than is kept", (),
                   loop.is_monotone(gain, decay) == ((1 - decay) * gain <= decay)),
        Obligation("so order is kept, and distances shrink", (lost >= 0, lost <= most, most <= kept),
                   z3.And(kept - lost >= 0, kept - lost <= kept)),
        Obligation("short steps suffice, whatever the gain", (gain >= 0, (1 - decay) * (1 + gain) <= 1),
                   loop.is_monotone(gain, decay)),
    ]  # fmt: skip


# ---- with one ----


def _size(number: Any) -> Any:
    return z3.If(number < 0, -number, number)


def _small_gain() -> list[Obligation]:
    newest, oldest, reaction, decay, gain, widest = z3.Reals("newest oldest reaction decay gain widest")
    after = toward(newest, reaction, decay)
    given = (decay > 0, decay < 1, gain >= 0, gain <= 1, widest > 0, _size(oldest) <= widest,
             _size(reaction) <= gain * _size(oldest))  # fmt: skip
    shrunk = (gain + decay * (1 - gain)) * widest
    return [
        Obligation("never wider", (*given, _size(newest) <= widest), _size(after) <= widest),
        Obligation("less wide after a step", (*given, _size(newest) <= widest), _size(after) <= shrunk),
        Obligation("and after the next ones", (*given, _size(newest) <= shrunk), _size(after) <= shrunk),
        Obligation("by a factor below one", (gain >= 0, gain < 1, decay > 0, decay < 1),
                   gain + decay * (1 - gain) < 1),
        # A swing that keeps its height for ever has to have come to it from that height, and so on back in time; but
        # the distance that it reacts to, which is among them, has to be the opposite one.
        Obligation("its height was there the step before", (*given, _size(newest) <= widest, after == widest),
                   newest == widest),
        Obligation("and the opposite of it the delay before",
                   (*given, reaction * oldest <= 0, _size(newest) <= widest, after == widest), oldest == -widest),
        *_on_histories(), *_gains(),
    ]  # fmt: skip


def _on_histories() -> list[Obligation]:
    """The code's own step, with the code's own reaction."""
    decay, gain, widest, limit, one = z3.Reals("decay gain widest limit one")
    given = (decay > 0, decay < 1, gain >= 0, gain <= 1, widest > 0, limit >= 0)
    answer = clipped(gain, limit)(one)
    steps = [
        Obligation("the clipped reaction is within its gain, and against the distance", given,
                   z3.And(_size(answer) <= gain * _size(one), answer * one <= 0)),
    ]  # fmt: skip
    for delay in DELAYS:
        before = tuple(z3.Reals([f"before{k}" for k in range(delay + 1)]))
        after = delayed_step(before, decay, clipped(gain, limit))
        steps += [
            Obligation(f"a delay of {delay} steps: never wider", (*given, *(_size(x) <= widest for x in before)),
                       z3.And(*(_size(x) <= widest for x in after))),
            Obligation(f"a delay of {delay} steps: what is remembered", given, z3.And(
                lift(len(after) == delay + 1), *(a == b for a, b in zip(after[1:], before, strict=False)))),
        ]  # fmt: skip
    return steps


DELAYS = range(5)
# The essay's stack: 0.15 C/W, 23 mW a GB/s, 3350 GB/s, blackouts of 295 ns every 3.9 us; 50 GB/s a degree in its table.
RESISTANCE, WATTS, PEAK, BLACKOUT, BASE = Fraction(3, 20), Fraction(23, 1000), Fraction(3350), 295, Fraction(3900)
TABLE_SLOPE = Fraction(50)


def _gains() -> list[Obligation]:
    """The essay's own gains. The tax is convex in the temperature, so that a secant beyond 88 C is steeper than it."""
    at_88, at_89 = corrected_interval(BASE, Fraction(88)), corrected_interval(BASE, Fraction(89))
    warm = served_by(PEAK, Refresh(at_88.high, BLACKOUT)) / at_88.high
    hot = served_by(PEAK, Refresh(at_89.low, BLACKOUT)) / at_89.low
    formula = loop.loop_gain(RESISTANCE, WATTS, warm - hot)
    table = loop.loop_gain(RESISTANCE, WATTS, TABLE_SLOPE)
    return [
        Obligation("the gain of the essay's formula at 88 C", (), lift(Fraction(7, 100) < formula < Fraction(8, 100))),
        Obligation("the gain of the essay's table", (), lift(table == Fraction(69, 400))),
    ]


def _delay_settles(tighter: Fraction) -> Query:
    """Gain 5, a delay of one step, half of every distance kept: find what comes back with the opposite sign."""
    limit, half, gain, decay = 5, 2, Fraction(5), Fraction(1, 2)
    history = z3.Ints("newest before")
    begun = tuple(map(z3.ToReal, history))
    after = begun
    for _ in range(half):
        after = delayed_step(after, decay, clipped(gain, limit))
    domain = (*(then == -now for then, now in zip(after, begun, strict=True)), *(x > 0 for x in history),
              history[0] <= limit + lift(int(tighter)))  # fmt: skip
    heading = ("HT-3", "A loop with a delay settles, whatever its gain.", "thermal", "as-given", "swing")
    parameters = {"gain": gain, "decay": decay, "limit": limit, "steps": 2 * half, "history": list(history)}

    def decode(model: z3.ModelRef) -> Schedule:
        return schedule_of(model, heading, parameters, [])

    return Query(domain, decode, tuple(history))


# ---- a relay behind a delay ----

NS_PER_MS, CONSTANT_MS = Fraction(1_000_000), Fraction(250)
PERIODS_MS = ((Fraction(300), Fraction(86)), (Fraction(400), Fraction(239, 2)), (Fraction(500), Fraction(155)))


def _relay() -> list[Obligation]:
    """Half a swing goes from `height` toward -1 by the factor `whole`, which is `crossed` and then `delayed`."""
    height, decay, delayed, crossed, whole = z3.Reals("height decay delayed crossed whole")
    start, target, later, times = z3.Reals("start target later times")
    swing = (whole > 0, whole < 1, crossed > 0, crossed < 1, height * (1 + whole) == 1 - whole)
    has_crossed, _ = relay_crossing(decay, delayed, crossed)
    _, had_not = relay_crossing(decay, delayed, later * decay)
    return [
        Obligation("steps add up", (), toward(toward(start, target, crossed), target, delayed)
                   == toward(start, target, crossed * delayed)),
        Obligation("half a period turns the swing over", swing, toward(height, lift(-1), whole) == -height),
        Obligation("its height is below what the heating would reach", swing, z3.And(height > 0, height < 1)),
        Obligation("what it takes to cross the middle", swing,
                   (toward(height, lift(-1), crossed) <= 0) == (2 * crossed <= 1 + whole)),
        Obligation("it has crossed", (), (2 * crossed <= 1 + crossed * delayed) == has_crossed),
        # a step before, the factor was `later`, and with the step it is later * decay
        Obligation("a decay cancels", (decay > 0,), (decay * times > decay) == (times > 1)),
        Obligation("and had not, a step before", (), had_not == (decay * (later * (2 - decay * delayed)) > decay)),
        Obligation("which is what it takes", (), (later * (2 - decay * delayed) > 1)
                   == (2 * later > 1 + later * decay * delayed)),
        *(_period(period, delay) for period, delay in PERIODS_MS),
    ]  # fmt: skip


def _period(period: Fraction, delay: Fraction) -> Obligation:
    """The period of this delay is within half a millisecond; the delay of this period within a quarter."""
    constant = CONSTANT_MS * NS_PER_MS
    found = loop.relay_period(delay * NS_PER_MS, constant)
    needed = loop.relay_delay(period * NS_PER_MS, constant)
    half, quarter = NS_PER_MS / 2, NS_PER_MS / 4
    is_near = period * NS_PER_MS - half < found.low <= found.high < period * NS_PER_MS + half
    is_needed = delay * NS_PER_MS - quarter < needed.low <= needed.high < delay * NS_PER_MS + quarter
    return Obligation(f"a period of {period} ms needs a delay of {delay} ms", (), lift(is_near and is_needed))


# ---- warm water ----


def _inlet() -> list[Obligation]:
    cool, warm, offset, at_cool, at_warm = z3.Reals("cool warm offset at_cool at_warm")
    low, high = loop.die_temperature(cool, offset, at_cool), loop.die_temperature(warm, offset, at_warm)
    # the heating at the two temperatures of the die, and not at those of the water
    falling = (z3.Implies(low <= high, at_warm <= at_cool), z3.Implies(high <= low, at_cool <= at_warm))
    given = (cool <= warm, *falling)
    return [
        Obligation("no more than the water", given, high - low <= warm - cool),
        Obligation("no less than before", given, high >= low),
        Obligation("with a constant heating exactly as much", (*given, at_cool == at_warm), high - low == warm - cool),
    ]


def _essay_inlet(tighter: Fraction) -> Query:
    """The ends of the essay's sweep."""
    inlets, dies = (40, 55), (72, 92)
    heading = ("HT-7", "The essay's sweep warms the die by no more than the water.", "thermal", "sweep", "inlet")
    parameters = {"inlets": inlets, "dies": dies}
    domain = (lift(dies[1] - dies[0]) > inlets[1] - inlets[0] - lift(tighter),)

    def decode(model: z3.ModelRef) -> Schedule:
        return schedule_of(model, heading, parameters, [])

    return Query(domain, decode)


def _latch(tighter: Fraction) -> Query:
    """The essay's stack under the water that lets it rest at 75 C: does it rest somewhere else as well?"""
    ambient, cold, hot = z3.Real("ambient"), z3.Real("cold"), Fraction(75)

    def heating(interval: Fraction) -> Fraction:
        heat: Fraction = RESISTANCE * WATTS * served_by(PEAK, Refresh(interval, BLACKOUT)) / interval
        return heat

    below, at = heating(essay_interval(BASE, hot - 1).low), heating(essay_interval(BASE, hot).low)
    domain = (is_settled(cold, ambient, lift(below)), is_settled(lift(hot), ambient, lift(at)),
              cold < hot - lift(tighter))  # fmt: skip
    heading = ("HT-8", "Under the essay's tREFI(T) a stack has one equilibrium.", "thermal", "essay", "latch")
    parameters = {"peak": PEAK, "blackout": BLACKOUT, "base_interval": BASE, "resistance": RESISTANCE, "watts": WATTS,
                  "ambient": ambient, "cold": cold, "hot": hot}  # fmt: skip

    def decode(model: z3.ModelRef) -> Schedule:
        return schedule_of(model, heading, parameters, [])

    return Query(domain, decode)


FALLING = "the heating never grows with the temperature"

THEOREMS: Sequence[Theorem] = (
    Theorem(
        "thermal-no-delay", ("HT-1",),
        "A loop without delay has one equilibrium and goes toward it from one side; nothing oscillates.",
        "every horizon; any heating that never grows with the temperature", (FALLING,), obligations=_no_delay,
        unpaired="it says where a loop goes, and bounds no amount",
    ),
    Theorem(
        "thermal-small-gain", ("HT-2",),
        "Behind any delay a gain of one or less never widens a swing, and none keeps its height; below one it shrinks.",
        "every horizon; any reaction within the gain, linear or not, any delay",
        ("the heating is constant within a step", "it reacts against the distance"), obligations=_small_gain,
        limit="N = 2..5 remembered distances, and one, on the code's own step; any number on the newest and the oldest",
        unpaired="above a gain of one the refuted thermal-delay-settles has a loop that does not settle",
    ),
    Theorem(
        "thermal-delay-settles", ("HT-3",), "A loop with a delay settles, whatever its gain.",
        "a gain of 5, a delay of one step, a limit of 5 C", expect=Expect.REFUTED, attack=_delay_settles,
    ),
    Theorem(
        "thermal-relay", ("HT-4",),
        "Behind k steps of delay a relay turns after c + k iff d^c (2 - d^k) <= 1 < d^(c - 1) (2 - d^(k + 1)).",
        "every horizon; any delay and decay", ("the swing is symmetric",), obligations=_relay,
        partner="thermal-relay",
    ),
    Theorem(
        "thermal-inlet", ("HT-6",),
        "Warmer water warms the die by no more than itself, and at a constant power by as much.",
        "any two temperatures of the water", (FALLING,), obligations=_inlet, partner="thermal-inlet",
    ),
    Theorem(
        "thermal-essay-inlet", ("HT-7",), "The essay's sweep warms the die by no more than the water.",
        "the ends of its Table 1", expect=Expect.REFUTED, attack=_essay_inlet,
    ),
    Theorem(
        "thermal-essay-latch", ("HT-8",), "Under the essay's tREFI(T) a stack has one equilibrium.",
        "the essay's stack, at 75 C and below", expect=Expect.REFUTED, attack=_latch,
    ),
)  # fmt: skip
