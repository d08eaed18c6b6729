"""Theorems on several channels behind an interleave: what aiming at one breaks, what a stated imbalance restores.

Addresses are divided by the granule, which the solver does not follow: a request is how many of its bytes lie in a
channel. Where a schedule is searched for, they all lie in one, by the granule that a request begins in.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import attrs
import z3

from headgate.model.bounds import sfq_delay
from headgate.model.channels import channel_delay, of_channel
from headgate.model.meter import drain
from headgate.model.promise import expected_arrival, goyal_expected_arrival
from headgate.proofs.decoding import schedule_of
from headgate.proofs.invariants import invariant
from headgate.proofs.quotients import cancelling, covers
from headgate.proofs.symbolic import lift
from headgate.proofs.table import exact
from headgate.proofs.theorem import Expect, Obligation, Query, Theorem
from headgate.spec.vocabulary import Contract, Schedule

__all__ = ["THEOREMS"]

CHANNELS, GRANULE, REQUESTS = 2, 2, 2
AIMED = (
    "If the guarantees sum to at most the rate of all channels together, a request finishes within the bound of SFQ, "
    "even with the rate of one channel in it."
)


def _aimed(tighter: Fraction) -> Query:
    """One tenant that is promised the whole device, a granule a request; which granules is open, and so is when."""
    rate, guarantee = Fraction(1), Fraction(CHANNELS)
    bound = Fraction(sfq_delay(GRANULE, 0, rate, 0))
    places, arrivals = z3.Ints([f"place{k}" for k in range(REQUESTS)]), z3.Ints([f"at{k}" for k in range(REQUESTS)])
    constraints = [z3.And(p >= 0, p < CHANNELS * REQUESTS) for p in places]
    constraints += [arrivals[0] >= 0, *(b >= a for a, b in pairwise(arrivals))]
    expected, done, late = lift(0), [lift(0)] * CHANNELS, []
    for place, at in zip(places, arrivals, strict=True):
        expected = goyal_expected_arrival(at, expected, 0)
        for channel in range(CHANNELS):
            # A channel serves one byte a ns, in order: there is one tenant.
            finish = z3.If(done[channel] > at, done[channel], at) + GRANULE
            here = place % CHANNELS == channel
            late.append(z3.And(here, finish - expected > exact(bound - tighter)))
            done[channel] = z3.If(here, finish, done[channel])
        expected = expected + exact(GRANULE / guarantee)
    parameters = {
        "weights": (guarantee,), "channels": CHANNELS, "granule": GRANULE, "peak": rate, "tenant": 0,
        "addresses": tuple(place * GRANULE for place in places), "latency": bound, "tighter_by": tighter,
    }  # fmt: skip

    def decode(model: z3.ModelRef) -> Schedule:
        heading = ("CH-2", AIMED, "channels", "sfq", "late")
        return schedule_of(model, heading, parameters, [(0, at, GRANULE) for at in arrivals])

    return Query((*constraints, z3.Or(*late)), decode, (*arrivals, *places))


# ---- a stated imbalance ----


@attrs.frozen
class _Ledgers:
    """The ledgers of a tenant: of the device, and of one channel; since the channel's was empty: bytes, and tokens.

    `sent` are all of its bytes since then, `parts` those in the channel, `granted` what the guarantee gave.
    """

    whole: Any
    part: Any
    sent: Any
    parts: Any
    granted: Any


def _related(ledgers: _Ledgers, share: Any) -> Any:
    return invariant(
        "ledgers",
        channel_is_counted=ledgers.part == ledgers.parts - share * ledgers.granted,
        device_is_above=ledgers.whole >= ledgers.sent - ledgers.granted,
    )


def _imbalance() -> list[Obligation]:
    share, excess, guaranteed, elapsed, size, part = z3.Reals("share excess guaranteed elapsed size part")
    ledgers = _Ledgers(*z3.Reals("whole in_channel sent parts granted"))
    own = of_channel(Contract("", guaranteed, guaranteed), 1, share - 1).guaranteed_bytes_per_ns
    positive = (share > 0, guaranteed > 0, excess >= 0)
    given = (*positive, _related(ledgers, share))
    later = attrs.evolve(
        ledgers, whole=drain(ledgers.whole, guaranteed, elapsed), part=drain(ledgers.part, own, elapsed),
        granted=ledgers.granted + guaranteed * elapsed,
    )  # fmt: skip
    is_empty = own * elapsed >= ledgers.part
    more = attrs.evolve(
        ledgers, whole=ledgers.whole + size, part=ledgers.part + part, sent=ledgers.sent + size,
        parts=ledgers.parts + part,
    )  # fmt: skip
    window = ledgers.parts <= share * ledgers.sent + excess
    ahead = ledgers.part <= share * ledgers.whole + excess
    empty = _Ledgers(later.whole, lift(0), lift(0), lift(0), lift(0))
    return [
        Obligation("at first, and whenever the channel's ledger is empty", (*positive, ledgers.whole >= 0),
                   _related(_Ledgers(ledgers.whole, lift(0), lift(0), lift(0), lift(0)), share)),
        Obligation("time passes, and the channel's ledger does not run out", (*given, elapsed >= 0, z3.Not(is_empty)),
                   _related(later, share)),
        Obligation("time passes, and it runs out", (*given, elapsed >= 0, is_empty), z3.And(
            later.part == 0, _related(empty, share))),
        Obligation("a request arrives", (*given, size > 0, part >= 0, part <= size), _related(more, share)),
        *_ahead(ledgers, share, given, window, ahead),
        *_in_time(share, excess, guaranteed, ledgers, ahead),
    ]  # fmt: skip


def _ahead(ledgers: _Ledgers, share: Any, given: tuple[Any, ...], window: Any, ahead: Any) -> list[Obligation]:
    """The channel's ledger is the share of the device's, and what the window has more, at most."""
    scaled = share * ledgers.whole >= share * (ledgers.sent - ledgers.granted)
    return [
        Obligation("a share of what is more is more", given, scaled),
        Obligation("the channel is ahead by its excess at most", (*given, window, scaled), ahead),
    ]


def _in_time(share: Any, excess: Any, guaranteed: Any, ledgers: _Ledgers, ahead: Any) -> list[Obligation]:
    """By as much later is a part expected in its channel; there SFQ is done by its own bound."""
    arrival, rate, parts, blackout, finish = z3.Reals("arrival rate parts_of_all blackout finish")
    here, device, own, later, served = z3.Reals("here device own later served")
    channel = expected_arrival(arrival, ledgers.part, here)
    whole = expected_arrival(arrival, ledgers.whole, device)
    rates = (share > 0, guaranteed > 0, own == share * guaranteed, device * guaranteed == 1, here * own == 1)
    delayed = own * (channel - whole) <= excess
    bound = channel_delay(excess, own, parts, rate, blackout)
    all_guaranteed, channels, imbalance = z3.Reals("all_guaranteed channels imbalance")
    return [
        Obligation("a byte lasts in the channel as long as its share does in the device", rates,
                   device == share * here),
        Obligation("a part is expected by the excess later", (*rates, ahead, device == share * here, here > 0,
                   excess >= 0), delayed),
        covers("the excess as a formula", (own > 0,), own, channel_delay(excess, own, 0, lift(1), 0), excess),
        cancelling(),
        Obligation("the bound is the excess, and SFQ's in the channel", (own > 0, rate > 0),
                   bound == channel_delay(excess, own, 0, rate, 0) + sfq_delay(0, parts, rate, blackout)),
        Obligation("and so a part is done in time", (channel <= whole + later, finish <= channel + served),
                   finish <= whole + (later + served)),
        Obligation("guarantees that fit the device fit its channels", (channels > 0, imbalance >= 0, rate > 0,
                   channels * share == 1 + imbalance, (1 + imbalance) * all_guaranteed <= channels * rate),
                   channels * (share * all_guaranteed) <= channels * rate),
    ]  # fmt: skip


THEOREMS: Sequence[Theorem] = (
    Theorem(
        "channels-aimed", ("CH-2",), AIMED, "two granules of one tenant on two channels",
        expect=Expect.REFUTED, attack=_aimed,
        abstraction="a request of one granule, in the channel of its place; the replay divides its address",
    ),
    Theorem(
        "channels-imbalance", ("CH-3",),
        "With imbalance (1 + e) / n and b bytes, SFQ in every channel is done by EAT + b / g_c + sum of L / R_c + B.",
        "every horizon; any number of tenants, channels, sizes and imbalance; any server (R, B)",
        ("in a window a channel gets at most (1 + e) / n of what a tenant sends, and b bytes more",
         "in every channel SFQ is done by its bound (theorem sfq-delay), its rate R / n, its guarantees (1 + e) g / n"),
        obligations=_imbalance, invariants=("ledgers",),
        abstraction="a request is how many of its bytes lie in the channel; addresses are not divided",
        partner="arbiters-work-conserving",
    ),
)  # fmt: skip
