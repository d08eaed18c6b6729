"""Theorems on placement by temperature: how often a page moves, and that it does move when it should."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import z3

from headgate.model.algebra import choose, where
from headgate.model.heat.placement import Home, average, essay_place, most_moves, place
from headgate.proofs.decoding import schedule_of
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Expect, Obligation, Query, Theorem
from headgate.spec.vocabulary import Schedule

__all__ = ["THEOREMS"]

STACKS = range(2, 9)
# The weight of an average that is the sample itself.
EVERY = Fraction(1)


def _average() -> list[Obligation]:
    before, sample, weight, cold, hot = z3.Reals("before sample weight cold hot")
    given = (weight >= 0, weight <= 1, cold <= before, before <= hot, cold <= sample, sample <= hot)
    after = average(before, sample, weight)
    return [
        Obligation("within the samples", given, z3.And(cold <= after, after <= hot)),
        Obligation("a spike moves it by its weight", given, z3.And(
            after - before <= weight * (hot - cold), before - after <= weight * (hot - cold))),
        Obligation("a weight of one is the sample", given, average(before, sample, lift(1)) == sample),
    ]  # fmt: skip


def _reals(name: str, stacks: int) -> tuple[Any, ...]:
    return tuple(z3.Reals([f"{name}{k}" for k in range(stacks)]))


def _follows() -> list[Obligation]:
    return [step for stacks in STACKS for step in _follows_step(stacks)]


def _follows_step(stacks: int) -> list[Obligation]:
    averages, band = _reals("average", stacks), z3.Real("band")
    stack, since, dwell = z3.Ints("stack since dwell")
    given = (stack >= 0, stack < stacks, since >= 0, dwell >= 0, band >= 0)
    moved, after = place(Home(stack, since), averages, band, dwell)
    own, name = choose(stack, averages), f"N = {stacks}: "
    there = choose(after.stack, averages)
    far = z3.Or(*(own - other > band for other in averages))
    return [
        Obligation(name + "moved iff it has stayed and a stack is cooler by more than the band", given,
                   moved == z3.And(since + 1 >= dwell, far)),
        Obligation(name + "to the coolest", (*given, moved), z3.And(*(there <= other for other in averages))),
        Obligation(name + "or not at all", (*given, z3.Not(moved)), z3.And(
            after.stack == stack, after.since == since + 1)),
        Obligation(name + "and nothing is cooler by more then", (*given, since + 1 >= dwell), z3.And(
            *(there - other <= band for other in averages))),
    ]  # fmt: skip


# ---- how often ----


def _counted(spent: Any, stayed: Any, since: Any, gaps: Sequence[Any], heat: Any, samples: Any) -> Any:
    """What holds after the first move: `spent` bands and `stayed` dwell times, for `heat` = 2 slew samples.

    The gap of a page's own stack is none, so that what is spent is never more than the heat.
    """
    return invariant(
        "moves",
        gap_is_left=z3.And(*(spent + gap <= heat for gap in gaps)),
        time_is_spent=stayed + since <= samples,
        since_counts=since >= 0,
    )


def _moves() -> list[Obligation]:
    return [step for stacks in STACKS for step in _moves_step(stacks)]


def _moves_step(stacks: int) -> list[Obligation]:
    averages, nexts = _reals("average", stacks), _reals("next", stacks)
    band, slew, spent, heat = z3.Reals("band slew spent heat")
    stack, since, dwell, samples, stayed = z3.Ints("stack since dwell samples stayed")
    given = (stack >= 0, stack < stacks, dwell >= 0, band >= 0, slew >= 0)
    slow = [z3.And(then - now <= slew, now - then <= slew) for now, then in zip(averages, nexts, strict=True)]

    def gaps(home: Any, temperatures: Sequence[Any]) -> list[Any]:
        return [choose(home, temperatures) - other for other in temperatures]

    moved, after = place(Home(stack, since), nexts, band, dwell)
    held = _counted(spent, stayed, since, gaps(stack, averages), heat, samples)
    then = _counted(where(moved, spent + band, spent), where(moved, stayed + dwell, stayed), after.since,
                    gaps(after.stack, nexts), heat + 2 * slew, samples + 1)  # fmt: skip
    first = _counted(lift(0), lift(0), after.since, gaps(after.stack, nexts), lift(0), lift(0))
    return [
        Obligation(f"N = {stacks}: at the first move", (*given, moved), first),
        Obligation(f"N = {stacks}: a sample", (*given, *slow, held), then),
        Obligation(f"N = {stacks}: a move spends more than a band", (*given, *slow, held, moved),
                   spent + band < heat + 2 * slew),
        Obligation(f"N = {stacks}: so n moves more have spent n bands and n dwell times", (*given, held),
                   z3.And(spent <= heat, stayed <= samples)),
    ]  # fmt: skip


def _moves_attack(tighter: Fraction) -> Query:
    """Three stacks, a degree a sample, a band of 3 C: two moves, two samples apart."""
    return _played("hysteresis", 3, 3, Fraction(3), 1, 1 + most_moves(2, Fraction(1), Fraction(3), 1) - int(tighter))


def _played(
    rule: str, stacks: int, samples: int, band: Fraction, dwell: int, least: int, weight: Fraction = EVERY
) -> Query:
    """Whole temperatures whose averages change by a degree a sample at the most, and at least so many moves."""
    spike = int(1 / weight)
    rows = [z3.Ints([f"t{at}_{k}" for k in range(stacks)]) for at in range(samples)]
    domain: list[Any] = [z3.And(t >= 0, t <= 20) for t in rows[0]]
    for before, after in pairwise(rows):
        domain += [z3.And(b - a <= spike, a - b <= spike, b >= 0) for a, b in zip(before, after, strict=True)]
    home, moves, averages = Home(0, 0), lift(0), tuple(map(z3.ToReal, rows[0]))
    for row in rows:
        averages = tuple(average(a, z3.ToReal(t), weight) for a, t in zip(averages, row, strict=True))
        if rule == "essay":
            moved, home = essay_place(home, averages, band, stacks - stacks // 2)
        elif rule == "coolest":
            moved, home = place(home, averages, 0, 0)
        else:
            moved, home = place(home, averages, band, dwell)
        moves = where(moved, moves + 1, moves)
    statements = {
        "hysteresis": ("PL-3", "A page moves at most as often as the averages cross the band."),
        "coolest": ("PL-4", "A page on the coolest stack moves as seldom as one with a band."),
        "essay": ("PL-5", "A page that the essay's trigger moves moves as seldom as one with a band."),
    }
    heading = (*statements[rule], "placement", rule, "moves")
    flat = [t for row in rows for t in row]
    parameters = {"stacks": stacks, "weight": weight, "band": band, "dwell": dwell, "temperatures": flat,
                  "tighter_by": int(rule == "hysteresis")}  # fmt: skip

    def decode(model: z3.ModelRef) -> Schedule:
        return schedule_of(model, heading, parameters, [])

    return Query((*domain, moves >= least), decode, tuple(flat))


def _coolest_attack(tighter: Fraction) -> Query:
    """Two stacks that take turns: a move with each of five samples, for a band of 6 C."""
    return _played("coolest", 2, 5, Fraction(6), 0, 5)


def _essay_attack(tighter: Fraction) -> Query:
    """Four stacks: a move with each of four samples, for the essay's 6 C and its weight of 0.2."""
    return _played("essay", 4, 4, Fraction(6), 0, 4, Fraction(1, 5))


THEOREMS: Sequence[Theorem] = (
    Theorem(
        "placement-average", ("PL-1",),
        "An average stays within the samples, and one sample moves it by at most its weight times their span.",
        "any samples, any weight from 0 to 1", obligations=_average, partner="placement-average",
    ),
    Theorem(
        "placement-follows", ("PL-2",),
        "A page moves iff it has stayed and a stack is cooler by more than the band, and to the coolest one.",
        "one step of the code, from any state", obligations=_follows, partner="placement-follows",
        limit="N = 2..8 stacks",
    ),
    Theorem(
        "placement-moves", ("PL-3",),
        "In n samples and one more a page moves at most 1 + max(0, min(ceil(2 v n / band) - 1, floor(n / dwell))) "
        "times, a dwell time of 0 counting as 1.",
        "every horizon; any temperatures, slew rate v, band and dwell time", ("no average moves by more than v",),
        obligations=_moves, attack=_moves_attack, invariants=("moves",), partner="placement-follows",
        limit="N = 2..8 stacks on the code's own step",
    ),
    Theorem(
        "placement-coolest", ("PL-4",), "A page on the coolest stack moves as seldom as one with a band.",
        "two stacks, a degree a sample, five samples", expect=Expect.REFUTED, attack=_coolest_attack,
    ),
    Theorem(
        "placement-essay", ("PL-5",), "A page that the essay's trigger moves moves as seldom as one with a band.",
        "four stacks, averages of weight 0.2, four samples", expect=Expect.REFUTED, attack=_essay_attack,
    ),
)  # fmt: skip
