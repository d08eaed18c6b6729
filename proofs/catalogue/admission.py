"""Theorems on the admission of bandwidth: where the essay's 0.85 rule is safe, and where it is not."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import z3

from headgate.model.admission import ESSAY_SHARE, admits, essay_admits, essay_rule_is_safe
from headgate.model.refresh import corrected_interval
from headgate.proofs.decoding import schedule_of
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Expect, Obligation, Query, Theorem
from headgate.spec.vocabulary import Schedule

__all__ = ["THEOREMS"]

BLACKOUT_NS, BASE_NS = Fraction(295), Fraction(3900)
SAFE_C, UNSAFE_C = Fraction("94.877"), Fraction("94.878")


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


def _attack(tighter: Fraction) -> Query:
    """The essays' H200 at 95 C: n equal tenants of 120 GB/s, the least n that is admitted and not there."""
    peak, count = Fraction(4800), z3.Int("count")
    interval = corrected_interval(BASE_NS, Fraction(95)).high
    total: Any = 120 * z3.ToReal(count)
    effective = peak * (1 - BLACKOUT_NS / interval)
    domain = (count >= 1, count <= 64, essay_admits([total], peak), z3.Not(admits([total], effective - tighter)))
    heading = ("AD-2", "What 0.85 of the peak admits is there at 95 C.", "admission", "essay", "oversubscription")
    parameters = {"peak": peak, "blackout": BLACKOUT_NS, "interval": interval}

    def decode(model: z3.ModelRef) -> Schedule:
        many = model.eval(count, model_completion=True).as_long()
        return schedule_of(model, heading, {**parameters, "guarantees": [120] * many}, [])

    return Query(domain, decode, (count,))


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
    ),
    Theorem(
        "admission-essay", ("AD-2",), "What the essay's 0.85 rule admits is there at 95 C.",
        "the essays' H200, equal tenants of 120 GB/s", expect=Expect.REFUTED, attack=_attack,
    ),
)  # fmt: skip
