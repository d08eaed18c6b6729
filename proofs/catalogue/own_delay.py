"""Theorems on what the guarantees of one file leave: the delays of BD-15, sharper than those for any admissible set.

G is the sum of all guarantees, R the rate, B the blackout, c = l / g the own cost of the request that is followed. The
choices of the policies, and what each tenant can be given, are those of the theorems named in the assumptions; here it
is counted again. `way` are the bytes that were in the way when the count began.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import z3

from headgate.model.bounds import (
    drr_idle_delay,
    drr_second_turn_delay,
    released_delay,
    scfq_delay,
    wfq_delay,
)
from headgate.model.promise import goyal_expected_arrival
from headgate.proofs.catalogue.delay import scfq_from_rest_steps
from headgate.proofs.catalogue.turns import drr_from_rest_steps
from headgate.proofs.quotients import cancelling, covers
from headgate.proofs.theorem import Obligation, Query, Theorem
from headgate.spec.vocabulary import Request, Schedule

__all__ = ["THEOREMS"]


def _times() -> Obligation:
    factor, less, more = z3.Reals("any_factor less more")
    return Obligation("what is less is less by any factor", (factor >= 0, less <= more), factor * less <= factor * more)


# ---- by deadlines ----


def _demand_so_far() -> list[Obligation]:
    """What one tenant has been given of what is expected from s0 on, and by x; the last of it is one request."""
    expected, cost, given, since, now, own, largest = z3.Reals("expected cost given since now own largest")
    arrival, deadline, following, more = z3.Reals("arrival deadline following more")
    spaced = given <= expected + cost - since
    in_bytes = (own > 0, own * cost <= largest, more == given - cost)
    return [
        Obligation("all but the last was expected one after the other", (spaced, expected <= now),
                   given - cost <= now - since),
        Obligation("in bytes", (*in_bytes, own * more <= own * (now - since)),
                   own * (more + cost) <= own * (now - since) + largest),
        Obligation("nothing of a tenant is due before what it has begun", (expected + cost > deadline, cost > 0,
                   following > 0), goyal_expected_arrival(arrival, expected, cost) + following > deadline),
        _times(),
    ]  # fmt: skip


def _released() -> list[Obligation]:
    """Of `so_far` tenants (sum of guarantees) the releases count, of `full` all that is due; own earlier ones as well.

    The request is chosen y after s0, done f after s0, and expected a after s0.
    """
    rate, blackout, way, largest, so_far, full, own = z3.Reals("rate blackout way largest so_far full own")
    chosen, done, ahead, cost, size, lasts = z3.Reals("chosen done ahead cost size lasts")
    left, most = rate - so_far, z3.Real("most")
    positive = (rate > 0, own > 0, so_far >= 0, full >= 0, so_far + full + own <= rate, ahead >= 0, cost > 0,
                size > 0, rate * lasts == size)  # fmt: skip
    exact = rate * blackout + way + largest + full * cost
    by_then = (most == exact + (full + own) * ahead,)
    given = largest + so_far * chosen + full * (ahead + cost) + own * ahead
    waits = Obligation("until it is chosen", (*positive, *by_then, rate * (chosen - blackout) <= way + given),
                       left * chosen <= most)  # fmt: skip
    times = so_far * (left * chosen) <= so_far * most
    begins = rate * (done - lasts) <= most + so_far * chosen
    whole = left * (rate * (done - lasts)) <= left * (most + so_far * chosen)
    served = Obligation("what the server did until it is done", (*positive, *by_then,
                        rate * (done - blackout) <= way + given + size), begins)  # fmt: skip
    ends = Obligation("until it is done", (times, whole), rate * (left * (done - lasts)) <= rate * most)
    sooner = Obligation("what began before it was expected is made up for", (*positive, *by_then,
                        left * (done - lasts) <= most, (full + own) * ahead <= left * ahead),
                        left * (done - lasts - ahead) <= exact)  # fmt: skip
    return [
        waits,
        served,
        ends,
        Obligation("the guarantees leave that", positive, full + own <= left),
        sooner,
        *_released_formula(),
        cancelling(),
    ]


def _released_formula() -> list[Obligation]:
    rate, blackout, way, ahead, so_far, size = z3.Reals("rate blackout way ahead so_far size")
    begun, other, window, full = z3.Reals("begun other window full")
    given = (rate > 0, so_far >= 0, so_far < rate)
    whole = released_delay(size, ahead, way, so_far, rate, blackout)
    rest = released_delay(0, ahead, way, so_far, rate, blackout)
    return [
        covers("what is before it as a formula", given, rate - so_far, rest, rate * blackout + way + ahead),
        covers("its own time as a formula", (*given, size > 0), rate, released_delay(size, 0, 0, so_far, rate, 0),
               size),
        Obligation("the two are the bound", given, whole == released_delay(size, 0, 0, so_far, rate, 0) + rest),
        Obligation("who has begun is owed no more", (), (begun - other * window) + (full + other) * window ==
                   begun + full * window),
    ]  # fmt: skip


def _deadlines() -> list[Obligation]:
    return [*_demand_so_far(), *_released()]


# ---- by the tags of a fluid ----


def _worth() -> list[Obligation]:
    """l / r' times R is G c, for r' = g R / G; `formula` is l / r'."""
    rate, own, total, worth, size, cost, formula = z3.Reals("rate own total worth size cost formula")
    given = (rate > 0, own > 0, total >= own, worth > 0, worth * total == own * rate, own * cost == size)
    first = Obligation("the own share, times all guarantees", (*given, worth * formula >= size),
                       total * (worth * formula) >= total * (own * cost))  # fmt: skip
    goal = own * (rate * formula) >= own * (total * cost)
    return [
        first,
        Obligation("the own share, times the rate", (worth * total == own * rate, first.goal), goal),
        cancelling(),
    ]


def _own_part_and_way(delay: Callable[..., Any]) -> list[Obligation]:
    """The formula is the tenant's own time at what it is worth, and what is in the way with a blackout at the rate."""
    rate, blackout, worth, size, way = z3.Reals("rate blackout worth size way")
    own, before = delay(size, 0, rate, 0, worth), delay(0, way, rate, blackout, worth)
    return [
        Obligation("its own part and the way as a formula", (rate > 0, worth > 0),
                   delay(size, way, rate, blackout, worth) == own + before),
        covers("its own part", (size > 0,), worth, own, size),
        covers("the way", (), rate, before, way + rate * blackout),
    ]  # fmt: skip


def _wfq() -> list[Obligation]:
    """The fluid is done with the request u after it is expected, and w after `begun` bytes of another tenant began.

    That tenant is backlogged in the fluid all the while, and gets `other` of its rate, none of which goes first.
    """
    rate, blackout, begun, other = z3.Reals("rate blackout begun other")
    since, late, done, work, cost = z3.Reals("since late done work cost")
    fluid, theirs = z3.Reals("fluid theirs")
    numbers = (rate > 0, other >= 0, other <= rate, since >= 0)
    served = work <= rate * since - other * since
    exact = rate * (done - blackout) <= rate * late + begun - other * late
    return [
        Obligation("what goes first", (*numbers, fluid <= rate * since, theirs >= other * since,
                   work <= fluid - theirs), served),
        Obligation("it began before the request was expected", (other >= 0, since >= late), other * since >= other *
                   late),
        Obligation("the request after what has begun", (*numbers, served, other * since >= other * late,
                   rate * (done - late + since - blackout) <= begun + work, ), rate * (done - late + since - blackout)
                   <= begun + rate * since - other * late),
        Obligation("from expected arrival", (*numbers, rate * (done - late + since - blackout) <=
                   begun + rate * since - other * late), exact),
        Obligation("what the fluid leaves of it", (rate > 0, other <= rate, late <= cost),
                   (rate - other) * late <= (rate - other) * cost),
        Obligation("the bound", (exact, (rate - other) * late <= (rate - other) * cost),
                   rate * (done - blackout) <= rate * cost + begun - other * cost),
        *_own_part_and_way(wfq_delay),
        *_worth(),
    ]  # fmt: skip


def _scfq() -> list[Obligation]:
    """`passed` is how far the virtual time came from the anchor to the request's finish tag, its own cost or more."""
    rate, own, rest, way, blackout = z3.Reals("rate own rest way blackout")
    passed, cost, done, expected, others = z3.Reals("passed cost done expected others")
    numbers = (rate > 0, own > 0, rest >= 0, own + rest <= rate, passed >= cost, cost > 0)
    spare = (own + rest) * (passed - cost) <= rate * (passed - cost)
    return [
        *scfq_from_rest_steps(),
        Obligation("what the guarantees leave", numbers, spare),
        Obligation("the request is done in time", (*numbers, spare, others <= rest * passed + way,
                   rate * expected >= rate * (passed - cost), rate * (done - blackout) <= others + own * passed),
                   rate * (done - expected - blackout) <= (own + rest) * cost + way),
        *_own_part_and_way(scfq_delay),
        *_worth(),
    ]  # fmt: skip


# ---- by turns ----


def _drr() -> list[Obligation]:
    """The tenant has completed so many turns since the anchor; `target` is what it sent since, the request included.

    `later` is (Q - l) / g: by so much the request is expected after the anchor if its first turn did not pay for it.
    """
    quantum, quanta, way, rate, own, rest, blackout = z3.Reals("quantum quanta way rate own rest blackout")
    completed, target, size, waits, done, later, more = z3.Reals("completed target size waits done later more")
    numbers = (quantum > 0, quanta >= 0, rate > 0, own > 0, rest >= 0, own + rest <= rate, waits >= 0, size > 0,
               quanta * own == quantum * rest)  # fmt: skip
    served = rate * (done - blackout) <= target + (completed + 1) * quanta + way
    paced = own * waits >= target - size
    behind = more == waits - later
    spare, turns = rate - own, completed - 1
    sent = z3.Real("sent")
    return [
        *drr_from_rest_steps(),
        Obligation("the server is no slower than the guarantee", numbers, rate * waits >= own * waits),
        Obligation("in the first turn", (*numbers, served, paced, rate * waits >= own * waits, completed == 0),
                   rate * (done - waits - blackout) <= size + quanta + way),
        Obligation("after it, the request is expected later", (*numbers, paced, behind, own * later == quantum - size,
                   sent == target - quantum, target >= completed * quantum), z3.And(
                   own * more >= sent, sent >= turns * quantum)),
        Obligation("a turn of its own is paid for", numbers, spare * quantum >= quanta * own),
        _times(),
        Obligation("and so are those of the others", (own > 0, spare * (own * more) >= spare * (turns * quantum),
                   turns * (spare * quantum) >= turns * (quanta * own)), own * (spare * more) >= own *
                   (turns * quanta)),
        Obligation("in a later turn", (*numbers, served, behind, own * more >= sent, sent == target - quantum,
                   spare * more >= turns * quanta), rate * (done - waits + later - blackout) <= 2 * quanta + quantum +
                   way),
        covers("the first as a formula", (), rate, drr_idle_delay(size, quanta, way, rate, blackout),
               size + quanta + way + rate * blackout),
        covers("the second as a formula", (), rate, drr_second_turn_delay(size, quantum, quanta, way, rate, blackout,
               later), 2 * quanta + quantum + way + rate * (blackout - later)),
        cancelling(),
    ]  # fmt: skip


# ---- schedules that are as late as that, but for whole ns ----


def _late(policy: str, latency: Fraction, requests: tuple[Request, ...]) -> Callable[[Fraction], Query]:
    """Two tenants of 1/4 B/ns each, of at most 16 and 8 bytes, on a channel of 1 B/ns that is never dark."""

    def attack(tighter: Fraction) -> Query:
        parameters = {"weights": (Fraction(1, 4),) * 2, "peak": Fraction(1), "tenant": 1, "largest": (16, 8),
                      "latency": latency, "tighter_by": tighter}  # fmt: skip
        statement = f"Under {policy} a request finishes within what the guarantees of its file leave."
        schedule = Schedule("BD-15", statement, "arbiter", policy, "late", parameters, requests)
        return Query((z3.BoolVal(True),), lambda model: schedule)

    return attack


# The other's 16 bytes have just begun: (1/2 * 32 + 16 - 32/4) / 1 = 24 ns.
BEGUN = (Request(0, 0, 16), Request(1, 1, 8))
DUE = Fraction(released_delay(8, 8, 8, Fraction(0), Fraction(1), 0))
# As much again wins the tie: (1/2 * 32 + 16) / 1 = 32 ns.
TIED = (Request(0, 0, 16), Request(0, 0, 8), Request(1, 1, 8))
SELF_CLOCKED = Fraction(scfq_delay(8, 16, Fraction(1), 0, Fraction(1, 2)))
# Quanta of 16: of the other's first turn 15 bytes are left over for its second, which has just begun.
LEFT_OVER = (Request(0, 0, 1), Request(0, 0, 16), Request(0, 0, 15), Request(1, 2, 8))
TURNS = Fraction(drr_idle_delay(8, 16, 16, Fraction(1), 0))

SCOPE = "every horizon; any number of tenants, guarantees and sizes; any server of rate R and blackouts up to B"
SERVER = "while something in contract waits the server does R (t - B) bytes or more in t ns (refresh-rate-latency)"
SUM = "the guarantees sum to G, at most R"
ONE_WAY = "where a background request is in the way, nobody was backlogged when it began (clause PR-7)"

THEOREMS: Sequence[Theorem] = (
    Theorem(
        "deadlines-own-delay", ("BD-15", "EA-2", "WF-3"),
        "Under *early* and WF2Q+ every request finishes by EAT + (R B + W + A) / (R - T) + l / R, for any split of the "
        "others.", SCOPE,
        (SUM, SERVER, "the others are split at will: T is the sum of the guarantees of some, A the sum of their L and "
         "of the g' l / g of the rest; W is the largest of 0, a background request and the L - g' l / g of the rest",
         "in V for WF2Q+, in ns for *early*: a tenant has no more d-work than d - s0 costs, and d-work is chosen while "
         "it waits (steps of early-delay and wf2q-plus-delay)",
         "a request that was begun before it was expected, and is due by d, is counted as d-work from its beginning"),
        obligations=_deadlines, attack=_late("early", DUE, BEGUN), step=Fraction(2),
        abstraction="one request is tracked; those who are counted alike are one aggregate",
        partner="arbiters-work-conserving",
    ),
    Theorem(
        "wfq-own-delay", ("BD-15", "WQ-7"),
        "Under WFQ every request finishes by EAT + (G l / g + W) / R + B, W the largest of 0, a background request and "
        "the others' L - g' l / g.", SCOPE,
        (SUM, SERVER, "the fluid has the constant rate R, and a backlogged tenant is worth g R / G in it or more",
         "it is done with a request at EAT + G l / (g R) (theorem wfq-delay, at the rates g R / G)",
         "what has begun and is due later is the last such; what is served after it goes first in the fluid as well"),
        obligations=_wfq, attack=_late("wfq", DUE, BEGUN), step=Fraction(2),
        abstraction="the fluid is its contract", partner="arbiters-work-conserving",
    ),
    Theorem(
        "scfq-own-delay", ("BD-15", "FQ-6"),
        "Under SCFQ every request finishes by EAT + (G l / g + V) / R + B, V the larger of a background request and "
        "the sum of the others' L.", SCOPE,
        (SUM, SERVER, "the others' shares and expected arrivals are those of theorem scfq-delay", ONE_WAY),
        obligations=_scfq, attack=_late("scfq", SELF_CLOCKED, TIED), step=Fraction(2),
        invariants=("scfq share from rest",), abstraction="the tenants that are not named are one aggregate",
        partner="arbiters-work-conserving",
    ),
    Theorem(
        "drr-own-delay", ("BD-15", "BD-14"),
        "Under DRR every request finishes by EAT + (l + q + V) / R + B, or EAT + (2 q + Q + V) / R + B - (Q - l) / g.",
        SCOPE,
        (SUM, SERVER, "quanta are in proportion to the guarantees, and at least the largest request; q is the sum of "
         "the others'", "V is the larger of a background request and the sum of the others' L",
         "turns are one apart at most, and what they pay for is served in them (drr-turns and drr-request-delay)",
         ONE_WAY),
        obligations=_drr, attack=_late("drr", TURNS, LEFT_OVER), step=Fraction(3),
        invariants=("turns from rest",), limit="N = 2..8 for the turns on the code's own step",
        abstraction="one tenant is followed against any other; the rest are an aggregate",
        partner="arbiters-work-conserving",
    ),
)  # fmt: skip
