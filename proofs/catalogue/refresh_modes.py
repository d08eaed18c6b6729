"""Theorems on refresh that is not at fixed instants, nor of the whole channel: put off, placed anywhere, bank by bank.

A controller that puts refreshes off is followed beside the channel that does not, on the code's `pass_time`: what it
owes is m blackouts at most, so that no window is worse by more. Placed anywhere in its interval, a blackout is
followed by the phase of the interval and the part of it that is done.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import attrs
import z3

from headgate.model.algebra import maximum, where
from headgate.model.refresh import (
    KNEE_C,
    Channel,
    Refresh,
    anywhere_rate_latency,
    jedec_interval,
    most_dark_is,
    pass_time,
    per_bank,
    postponed_curve,
    postponed_rate_latency,
    rate_latency,
    service_curve,
    table_interval,
    until_boundary,
)
from headgate.proofs.decoding import schedule_of
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Obligation, Query, Theorem
from headgate.spec.vocabulary import Schedule

__all__ = ["THEOREMS"]


# ---- put off ----


@attrs.frozen
class _Controller:
    """The phase of the channel that puts nothing off; refreshes due and not begun; what is left of that which is on."""

    phase: Any
    owed: Any
    left: Any


def _debt(controller: _Controller, refresh: Refresh) -> Any:
    """Ns of blackout by which the controller is behind the channel that puts nothing off."""
    on_time = maximum(0, refresh.blackout - controller.phase)
    return controller.owed * refresh.blackout + controller.left - on_time


def _bounded(controller: _Controller, refresh: Refresh, most: Any) -> Any:
    return invariant(
        "refresh debt",
        left_within=z3.And(controller.left >= 0, controller.left <= refresh.blackout, controller.owed >= 0),
        never_ahead=_debt(controller, refresh) >= 0,
        never_far_behind=_debt(controller, refresh) <= most * refresh.blackout,
    )


def _setting() -> tuple[Refresh, _Controller, Any, tuple[Any, ...]]:
    interval, blackout, phase, left = z3.Reals("interval blackout phase left")
    controller, most = _Controller(phase, z3.ToReal(z3.Int("owed")), left), z3.ToReal(z3.Int("most"))
    refresh = Refresh(interval, blackout)
    return refresh, controller, most, (blackout > 0, interval > blackout, most >= 0)


def _postponed_steps() -> list[Obligation]:
    """Refreshes are begun when the controller likes, and at once where more than m are due."""
    refresh, now, most, numbers = _setting()
    elapsed, served, on_time, debt_then = z3.Reals("elapsed served on_time debt_then")
    given = (*numbers, _bounded(now, refresh, most))
    dark = now.left > 0
    window = invariant("debt of a window", service_differs_by_debt=served - on_time == _debt(now, refresh) - debt_then)
    passes = (
        elapsed >= 0, elapsed <= until_boundary(Channel(now.phase), refresh), z3.Implies(dark, elapsed <= now.left),
        z3.Implies(z3.Not(dark), now.owed <= most),
    )  # fmt: skip
    more, channel = pass_time(Channel(now.phase), refresh, elapsed)
    due = now.phase + elapsed >= refresh.interval
    then = _Controller(channel.phase, where(due, now.owed + 1, now.owed), where(dark, now.left - elapsed, 0))
    begun = _Controller(now.phase, now.owed - 1, refresh.blackout)
    after = invariant(
        "debt of a window",
        service_differs_by_debt=(served + where(dark, 0, elapsed)) - (on_time + more)
        == _debt(then, refresh) - debt_then,
    )
    first = _Controller(lift(Fraction(0)), lift(Fraction(1)), lift(Fraction(0)))
    return [
        Obligation("at first one is due", numbers, _bounded(first, refresh, most)),
        Obligation("time passes", (*given, *passes), _bounded(then, refresh, most)),
        Obligation("a refresh begins", (*given, now.left == 0, now.owed >= 1), z3.And(
            _bounded(begun, refresh, most), _debt(begun, refresh) == _debt(now, refresh))),
        Obligation("a window begins", (*given, served == 0, on_time == 0, debt_then == _debt(now, refresh)), window),
        Obligation("the window as time passes", (*given, *passes, window), after),
    ]  # fmt: skip


def _postponed() -> list[Obligation]:
    refresh, now, most, numbers = _setting()
    served, on_time, debt_then, periods, rest = z3.Reals("served on_time debt_then periods rest")
    window = invariant("debt of a window", service_differs_by_debt=served - on_time == _debt(now, refresh) - debt_then)
    curve = service_curve(refresh, periods, rest)
    bound, length = postponed_curve(refresh, periods, rest, most), periods * refresh.interval + rest
    line = postponed_rate_latency(refresh, length, most)
    lengths = (*numbers, periods >= 0, rest >= 0, rest < refresh.interval)
    owed, up = most * refresh.blackout, refresh.interval - refresh.blackout
    return [
        *_postponed_steps(),
        Obligation("no more than m blackouts are owed at any time", (*numbers, _bounded(now, refresh, most)),
                   z3.And(_debt(now, refresh) >= 0, _debt(now, refresh) <= owed)),
        Obligation("a window has the service of the channel that puts nothing off, less m blackouts",
                   (*numbers, _bounded(now, refresh, most), window, debt_then <= owed, on_time >= curve, served >= 0),
                   served >= bound),
        Obligation("and one that begins with m put off, and ends with none, no more",
                   (*numbers, window, debt_then == owed, _debt(now, refresh) == 0, on_time == curve, curve >= owed),
                   served == bound),
        Obligation("the line of the curve", lengths, refresh.interval * curve >= rate_latency(refresh, length)),
        Obligation("the curve is above the line", (*lengths, refresh.interval * curve >= rate_latency(refresh, length),
                   bound >= curve - owed), refresh.interval * bound >= line),
        Obligation("and meets it where a blackout ends", (*lengths, rest == refresh.blackout, periods * up >= owed),
                   refresh.interval * bound == line),
        Obligation("the latency is B + m B / (1 - B / P)", (*numbers, periods * refresh.interval + rest
                   == refresh.blackout + z3.Real("late"), up * z3.Real("late") == owed * refresh.interval), line == 0),
    ]  # fmt: skip


INTERVAL, BLACKOUT, REFRESHES = 10, 3, 5


def _postponed_attack(tighter: Fraction) -> Query:
    """Refresh k is due at 10 k and begins in [10 k, 10 (k + m)], one after the other."""
    starts = z3.Ints([f"start{k}" for k in range(REFRESHES)])
    most, begin, window, periods = z3.Ints("most begin window periods")
    rest = window - INTERVAL * periods
    domain = [most >= 1, most <= 2, begin >= 0, window >= 1, periods >= 0, rest >= 0, rest < INTERVAL,
              begin + window <= INTERVAL * REFRESHES]  # fmt: skip
    domain += [z3.And(s >= INTERVAL * k, s <= INTERVAL * (k + most)) for k, s in enumerate(starts)]
    domain += [later >= sooner + BLACKOUT for sooner, later in pairwise(starts)]
    dark: Any = 0
    for start in starts:
        ends = maximum(begin, where(start + BLACKOUT <= begin + window, start + BLACKOUT, begin + window))
        dark = dark + maximum(0, ends - maximum(begin, start))
    curve = postponed_curve(Refresh(INTERVAL, BLACKOUT), periods, rest, most)
    domain.append(window - dark < curve + lift(tighter))
    heading = ("RF-10", "Every window gets at least the curve of refresh that is put off.", "refresh", "postponed",
               "put-off")  # fmt: skip
    parameters = {"interval": INTERVAL, "blackout": BLACKOUT, "postponed": most, "begin": begin, "window": window,
                  "starts": starts, "tighter_by": tighter}  # fmt: skip

    def decode(model: z3.ModelRef) -> Schedule:
        return schedule_of(model, heading, parameters, [])

    return Query(tuple(domain), decode, (most, window, begin, *starts))


# ---- anywhere in its interval ----


def _partly(refresh: Refresh, phase: Any, done: Any) -> Any:
    """So much of this interval's blackout is done, `phase` ns into the interval: it fits before and behind."""
    return invariant(
        "placed",
        has_fitted=z3.And(done >= 0, done <= phase, done <= refresh.blackout),
        will_fit=refresh.blackout - done <= refresh.interval - phase,
    )


def _anywhere() -> list[Obligation]:
    interval, blackout, phase, done, elapsed = z3.Reals("interval blackout phase done elapsed")
    phase_then, done_then, intervals, window, served = z3.Reals("phase_then done_then intervals window served")
    passed, dark = z3.Reals("passed dark")
    refresh = Refresh(interval, blackout)
    numbers = (blackout > 0, interval > blackout, phase >= 0, phase <= interval)
    now, then = _partly(refresh, phase, done), _partly(refresh, phase_then, done_then)
    line = anywhere_rate_latency(refresh, window)
    whole = interval * dark == blackout * passed
    counted = (window == passed + phase - phase_then, served == window - (dark + done - done_then), whole)
    end = phase + elapsed
    return [
        Obligation("an interval begins", numbers[:2], _partly(refresh, lift(Fraction(0)), lift(Fraction(0)))),
        Obligation("dark", (*numbers, now, elapsed >= 0, elapsed <= blackout - done), _partly(
            refresh, end, done + elapsed)),
        Obligation("not dark, while there is room behind", (*numbers, now, elapsed >= 0,
                   elapsed <= interval - phase - (blackout - done)), _partly(refresh, end, done)),
        Obligation("at its end the blackout is done", (*numbers, now, phase == interval), done == blackout),
        Obligation("what may be dark by now", (*numbers, now),
                   interval * done - blackout * phase <= blackout * (interval - blackout)),
        Obligation("what must have been then", (*numbers[:2], then, phase_then >= 0, phase_then <= interval),
                   interval * done_then - blackout * phase_then >= -blackout * (interval - blackout)),
        Obligation("whole intervals", (*numbers[:2], passed == intervals * interval, dark == intervals * blackout),
                   whole),
        Obligation("a window is above the line", (*numbers, *counted,
                   interval * done - blackout * phase <= blackout * (interval - blackout),
                   interval * done_then - blackout * phase_then >= -blackout * (interval - blackout)),
                   interval * served >= line),
        Obligation("and meets it from the end of one interval to the beginning of the next", (*numbers, *counted, now,
                   then, phase_then == interval - blackout, done_then == 0, phase == blackout, done == blackout),
                   interval * served == line),
    ]  # fmt: skip


# ---- bank by bank ----


def _banks() -> list[Obligation]:
    """Refreshes begin at 0, p, 2 p, ...; that of number n is of bank n modulo the banks."""
    interval, blackout, phase, elapsed, now = z3.Reals("interval blackout phase elapsed now")
    banks, most, first, turn = (z3.ToReal(term) for term in z3.Ints("banks most first turn"))
    own = per_bank(interval, blackout, banks)
    numbers = (interval > 0, blackout > 0, banks >= 1, most >= 0, most < banks)
    few = lift(most_dark_is(interval, blackout, most))
    begun, last = first * interval, (first + most) * interval
    both = z3.And(begun <= now, now < begun + blackout, last <= now, now < last + blackout)
    alone = (*numbers, blackout < own.interval, phase >= 0, phase < own.interval, elapsed >= 0)
    channel = Channel(phase)
    served, after = pass_time(channel, own, elapsed)
    return [
        Obligation("a bank is dark again after as many turns as there are banks", numbers,
                   (first + banks) * interval == begun + own.interval),
        Obligation("it is a channel with one blackout in that time", (*alone, elapsed <= until_boundary(channel, own)),
                   z3.And(after.phase >= 0, after.phase < own.interval, served >= 0, served <= elapsed,
                          z3.Implies(phase < blackout, served == 0), z3.Implies(phase >= blackout, served == elapsed))),
        Obligation("of k + 1 refreshes in a row the first is over when the last begins, where b <= k p",
                   (*numbers, first >= 0, few), z3.Not(both)),
        Obligation("and is not where b > k p", (*numbers, first >= 0, z3.Not(few), now == last), both),
        Obligation("those in between are dark with both", (*numbers, both, turn >= first, turn <= first + most),
                   z3.And(turn * interval <= now, now < turn * interval + blackout)),
    ]  # fmt: skip


def _banks_attack(tighter: Fraction) -> Query:
    interval, blackout, banks, most, now = z3.Ints("interval blackout banks most now")
    domain = [interval >= 1, interval <= 4, blackout >= 1, blackout <= 12, banks >= 2, banks <= 4, most >= 1,
              blackout < banks * interval, now >= 0, now < banks * interval,
              lift(most_dark_is(interval, blackout, most))]  # fmt: skip
    dark: Any = 0
    for bank in range(4):
        # The last refresh of this bank was in this turn of all banks, or in the one before.
        begun = where(bank * interval <= now, bank * interval, (bank - banks) * interval)
        dark = dark + where(z3.And(lift(bank) < banks, now < begun + blackout), 1, 0)
    domain.append(dark > most - lift(tighter))
    heading = ("RF-11", "No more than k banks are dark at a time where b <= k p.", "refresh", "per-bank", "dark-banks")
    parameters = {"interval": interval, "blackout": blackout, "banks": banks, "most": most, "tighter_by": tighter}

    def decode(model: z3.ModelRef) -> Schedule:
        return schedule_of(model, heading, parameters, [])

    return Query(tuple(domain), decode, (banks, most, interval, blackout, now))


# ---- in steps ----

LINES = range(2, 9)


def _steps() -> list[Obligation]:
    base, cool, hot = z3.Reals("base cool hot")
    cold, warm = jedec_interval(base, cool), jedec_interval(base, hot)
    jedec = [
        Obligation("JEDEC's steps", (base > 0, cool <= hot), warm.low <= cold.low),
        Obligation("the base interval up to the knee, half of it above", (base > 0, cool <= KNEE_C, hot > KNEE_C),
                   z3.And(cold.low == base, cold.high == base, warm.low * 2 == base, warm.high * 2 == base)),
    ]  # fmt: skip
    return [*jedec, *(step for count in LINES for step in _table(count, cool, hot))]


def _table(count: int, cool: Any, hot: Any) -> list[Obligation]:
    limits, intervals = z3.Reals([f"limit{k}" for k in range(count)]), z3.Reals([f"line{k}" for k in range(count)])
    table = tuple(zip(limits, intervals, strict=True))
    rises = [a < b for a, b in pairwise(limits)]
    falls = [a >= b for a, b in pairwise(intervals)]
    at = table_interval(table, cool).low
    first = [
        z3.Implies(z3.And(cool <= limit, *(cool > lower for lower in limits[:k])), at == interval)
        for k, (limit, interval) in enumerate(table)
    ]
    last = z3.Implies(cool > limits[-1], at == intervals[-1])
    given = (*rises, *falls, intervals[-1] > 0)
    return [
        Obligation(f"a table of {count}: the first line that covers, or the last", given, z3.And(*first, last)),
        Obligation(f"a table of {count}: never longer when hotter", (*given, cool <= hot),
                   table_interval(table, hot).low <= at),
    ]  # fmt: skip


THEOREMS: Sequence[Theorem] = (
    Theorem(
        "refresh-postponed", ("RF-10",),
        "If up to m refreshes are put off at a time, every window gets beta(t) - m B of service or more; one no more.",
        "every horizon; any interval, blackout, phase and m",
        ("the controller begins a refresh that is due when it likes, at once where more than m are due, none sooner",
         "a window of the channel that puts nothing off gets beta(t) or more (refresh-service-curve)"),
        obligations=_postponed, attack=_postponed_attack, invariants=("refresh debt", "debt of a window"),
        partner="refresh-postponed",
        abstraction="the controller is any that keeps to this; the channel beside it runs the code",
    ),
    Theorem(
        "refresh-anywhere", ("RF-12",),
        "With one blackout anywhere in every interval each window gets (1 - B / P)(t - 2 B) or more; one gets no more.",
        "every horizon; any interval and blackout", obligations=_anywhere, invariants=("placed",),
        partner="refresh-anywhere",
    ),
    Theorem(
        "refresh-per-bank", ("RF-11",),
        "Under per-bank refresh a bank is a channel of its own, and at most k banks are dark at a time iff b <= k p.",
        "every horizon; any interval, blackout and number of banks", obligations=_banks, attack=_banks_attack,
        partner="refresh-per-bank",
    ),
    Theorem(
        "refresh-steps", ("RF-8", "RF-9"),
        "Under JEDEC's steps and under a table the interval never grows with the temperature.",
        f"any base interval and temperatures; tables of N = {LINES[0]}..{LINES[-1]} lines whose intervals never grow",
        limit=f"N = {LINES[0]}..{LINES[-1]} lines of a table", obligations=_steps,
        unpaired="it compares two intervals",
    ),
)  # fmt: skip
