"""Theorems on the admission of bandwidth: where the essay's 0.85 rule is safe, and where it is not."""

from collections.abc import Sequence
from fractions import Fraction

import z3

from headgate.model.admission import (
    ESSAY_SHARE,
    Admitted,
    admits,
    check,
    commit,
    essay_admits,
    essay_rule_is_safe,
    release,
    request,
)
from headgate.model.refresh import Refresh, corrected_interval, served_by
from headgate.proofs.decoding import schedule_of
from headgate.proofs.invariants import invariant
from headgate.proofs.oversubscription import oversubscription_attack
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Expect, Obligation, Query, Theorem
from headgate.spec.vocabulary import Schedule

__all__ = ["THEOREMS"]

BLACKOUT_NS, BASE_NS = Fraction(295), Fraction(3900)
SAFE_C, UNSAFE_C = Fraction("94.877"), Fraction("94.878")
# The essays' H200: at 95 C, and when cold, where refresh is slowest.
PEAK = Fraction(4800)
HOT, COLD = Refresh(corrected_interval(BASE_NS, Fraction(95)).high, BLACKOUT_NS), Refresh(BASE_NS, BLACKOUT_NS)


def _threshold() -> list[Obligation]:
    total, peak, blackout, interval = z3.Reals("total peak blackout interval")
    numbers = (peak > 0, total > 0, blackout > 0, interval > blackout)
    # The effective rate times the interval, so that nothing is divided.
    left = peak * (interval - blackout)
    fits = admits([total * interval], left)
    safe, admitted = essay_rule_is_safe(blackout, interval), essay_admits([total], peak)
    edge = lift(ESSAY_SHARE) * peak
    return [
        Obligation("up to 0.15 whatever the rule admits is there", (*numbers, safe, admitted), fits),
        Obligation("above 0.15 a set that it admits is not", (*numbers, z3.Not(safe), total == edge),
                   z3.And(admitted, z3.Not(fits))),
    ]  # fmt: skip


def _temperature() -> list[Obligation]:
    """295 ns of 3.9 us, the essays' numbers: both ends of the enclosures are on their side of the threshold."""
    safe, unsafe = corrected_interval(BASE_NS, SAFE_C), corrected_interval(BASE_NS, UNSAFE_C)
    return [
        Obligation(f"safe at {float_text(SAFE_C)} C", (), lift(essay_rule_is_safe(BLACKOUT_NS, safe.low))),
        Obligation(f"unsafe at {float_text(UNSAFE_C)} C", (), lift(not essay_rule_is_safe(BLACKOUT_NS, unsafe.high))),
    ]


def float_text(number: Fraction) -> str:
    """Return an exact decimal with three places."""
    return f"{int(number)}.{int(number * 1000) % 1000:03d}"


def _atomic() -> list[Obligation]:
    total, guarantee, capacity = z3.Reals("total guarantee capacity")
    within = invariant("gate", within_capacity=total <= capacity)
    given = (capacity > 0, guarantee > 0, total >= 0, within)
    admitted, after = request(Admitted(total), guarantee, capacity)
    fewer = release(Admitted(total), guarantee)
    return [
        Obligation("at first nothing is admitted", (capacity > 0,),
                   invariant("gate", within_capacity=lift(0) <= capacity)),
        Obligation("a request", given, invariant("gate", within_capacity=after.total <= capacity)),
        Obligation("a tenant leaves", given, invariant("gate", within_capacity=fewer.total <= capacity)),
        Obligation("refused iff it would be too much", given, z3.Not(admitted) == (total + guarantee > capacity)),
        Obligation("the sum never exceeds the capacity", given, total <= capacity),
        Obligation("what is refused is not counted", (*given, z3.Not(admitted)), after.total == total),
        Obligation("what is admitted is counted", (*given, admitted), after.total == total + guarantee),
        Obligation("what leaves is given back", given, fewer.total == total - guarantee),
    ]  # fmt: skip


def _race(tighter: Fraction) -> Query:
    """Two clients, both told yes before either is counted."""
    first, second, capacity = z3.Ints("first second capacity")
    nobody = Admitted(0)
    both = z3.And(check(nobody, first, capacity), check(nobody, second, capacity))
    total = commit(commit(nobody, first), second).total
    domain = (first >= 1, second >= 1, capacity >= 1, both, total > capacity - lift(tighter))
    heading = ("AD-3", "Clients that check and then act keep the capacity.", "admission", "check-then-act", "race")

    def decode(model: z3.ModelRef) -> Schedule:
        return schedule_of(model, heading, {"capacity": capacity, "guarantees": [first, second]}, [])

    return Query(domain, decode, (capacity, first, second))


def _range() -> list[Obligation]:
    """Whatever fits at the hottest temperature fits at any other, whose interval is no shorter."""
    total, peak, blackout, hottest, cooler, kept = z3.Reals("total peak blackout hottest cooler kept")
    given = (peak > 0, total > 0, blackout > 0, hottest > blackout, cooler >= hottest, kept > 0, kept <= 1)
    left = served_by(peak, Refresh(hottest, blackout)) * kept
    there = served_by(peak, Refresh(cooler, blackout)) * kept
    return [
        Obligation("an admitted set fits at every temperature", (*given, admits([total * hottest], left)),
                   admits([total * cooler], there)),
        Obligation("a set that is refused does not fit at the hottest",
                   (*given, z3.Not(admits([total * hottest], left))), total * hottest > left),
        Obligation("and what is kept is less than the peak", given, there < peak * cooler),
    ]  # fmt: skip


THEOREMS: Sequence[Theorem] = (
    Theorem(
        "admission-threshold", ("AD-1", "AD-2"),
        "0.85 of the peak is safe to promise iff the refresh takes at most 0.15 of the time.",
        "any rates, blackout and interval", obligations=_threshold, partner="admission-threshold",
    ),
    Theorem(
        "admission-temperature", ("AD-2", "RF-5"),
        "With 295 ns of 3.9 us the 0.85 rule is safe at 94.877 C and unsafe at 94.878 C.",
        "the essays' tRFC and tREFI, the corrected interval", obligations=_temperature,
        partner="admission-temperature",
    ),
    Theorem(
        "admission-essay", ("AD-2",), "What the essay's 0.85 rule admits is there at 95 C.",
        "the essays' H200, equal tenants of 120 GB/s", expect=Expect.REFUTED,
        attack=oversubscription_attack("essay", ("AD-2", "What 0.85 of the peak admits is there at 95 C."), PEAK, HOT),
    ),
    Theorem(
        "admission-atomic", ("AD-1", "AD-3"),
        "With check and commit in one step the guarantees never exceed the capacity; one is refused iff it would.",
        "every horizon; any number of clients, guarantees and capacity", obligations=_atomic,
        invariants=("gate",), partner="admission-atomic",
    ),
    Theorem(
        "admission-race", ("AD-3",), "Clients that check and then act keep the capacity.",
        "two clients", expect=Expect.REFUTED, attack=_race,
    ),
    Theorem(
        "admission-range", ("AD-1", "AD-4", "RF-4"),
        "A set that fits at the hottest temperature, migration and bubbles taken off, fits at every other.",
        "any rates, blackout, intervals and shares",
        ("the interval never grows with temperature (RF-4)",
         "migration and bubbles take the same share at all temperatures"),
        obligations=_range,
        unpaired="it compares two temperatures",
    ),
    Theorem(
        "admission-no-tax", ("AD-4",), "What the peak rate admits is there.",
        "the essays' H200 when cold, equal tenants of 120 GB/s", expect=Expect.REFUTED,
        attack=oversubscription_attack("no-tax", ("AD-4", "What the peak rate admits is there."), PEAK, COLD),
    ),
)  # fmt: skip
