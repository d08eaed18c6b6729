"""Theorems on the contract meter and the expected arrival time.

Ghosts as for buckets: admitted bytes A and granted bytes of an arbitrary window, and for each half the window that
carries its excess. The ledger is shown to be exactly the largest admitted-minus-drained of all windows that end now:
the bytes that a private channel of the guaranteed rate would still have to send (Reich's formula).
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import attrs
import z3

from headgate.model.algebra import maximum, where
from headgate.model.bucket import Bucket
from headgate.model.meter import (
    Meter,
    MeterRates,
    advance,
    burst_allowance,
    drain,
    fresh,
    is_paced,
    offer,
    step,
    window_bound,
)
from headgate.model.promise import charge, expected_arrival, goyal_expected_arrival
from headgate.proofs.decoding import offers_schedule
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Obligation, Query, Theorem

__all__ = ["THEOREMS"]


@attrs.frozen
class _Ghost:
    """Per half of the meter: bytes granted in the window, and the window (bytes, grants) that carries the excess."""

    granted: Any
    carried: Any
    carried_granted: Any


def _ghost(name: str) -> _Ghost:
    return _Ghost(*z3.Reals(f"{name}_granted {name}_carried {name}_carried_granted"))


def _carries(name: str, excess: Any, admitted: Any, ghost: _Ghost) -> Any:
    """The excess is an upper bound of this window's, and is reached by the window that carries it."""
    return invariant(
        name,
        excess_not_negative=excess >= 0,
        window_below_excess=admitted - ghost.granted <= excess,
        excess_reached=ghost.carried - ghost.carried_granted == excess,
    )


def _later(excess: Any, grant: Any, ghost: _Ghost) -> _Ghost:
    """A window whose excess is used up gives way to one that begins now."""
    anew = excess - grant <= 0
    return _Ghost(ghost.granted + grant, where(anew, 0, ghost.carried), where(anew, 0, ghost.carried_granted + grant))


def _charged(ghost: _Ghost, size: Any) -> _Ghost:
    return _Ghost(ghost.granted, ghost.carried + size, ghost.carried_granted)


def _setting() -> tuple[MeterRates, Meter, _Ghost, _Ghost, Any, Any, Any, tuple[Any, ...]]:
    """Return rates, meter, the two ghosts, admitted, elapsed, size, and the premises on them (the last: invariant)."""
    g, p, duration, largest, ledger, level = z3.Reals("g p duration largest ledger level")
    admitted, elapsed, size = z3.Reals("admitted elapsed size")
    rates = MeterRates(g, p, largest, burst_allowance(g, p, duration, largest))
    meter, slow, fast = Meter(ledger, Bucket(level)), _ghost("ledger"), _ghost("peak")
    numbers = (g > 0, p >= g, duration >= 0, largest > 0, elapsed >= 0, size > 0, size <= largest)
    return rates, meter, slow, fast, admitted, elapsed, size, (*numbers, _exact(rates, meter, slow, fast, admitted))


def _exact(rates: MeterRates, meter: Meter, slow: _Ghost, fast: _Ghost, admitted: Any) -> Any:
    short = rates.max_request - meter.peak.level
    return z3.And(
        _carries("ledger", meter.ledger, admitted, slow),
        _carries("peak excess", short, admitted, fast),
    )


def _ledger_steps() -> list[Obligation]:
    rates, meter, slow, fast, admitted, elapsed, size, given = _setting()
    short = rates.max_request - meter.peak.level
    zero = _Ghost(lift(0), lift(0), lift(0))
    later = advance(meter, rates, elapsed)
    slow_later = _later(meter.ledger, rates.guaranteed * elapsed, slow)
    fast_later = _later(short, rates.burst * elapsed, fast)
    ok, charged = offer(meter, rates, size)
    more = where(ok, size, 0)
    fluid = maximum(0, meter.ledger - rates.guaranteed * elapsed)
    return [
        Obligation("at first nothing is owed", given[:4], _exact(rates, fresh(rates), zero, zero, lift(0))),
        Obligation("time passes", given, _exact(rates, later, slow_later, fast_later, admitted)),
        Obligation("the ledger drains as a private channel does", given, later.ledger == fluid),
        Obligation("a request is offered", given,
                   _exact(rates, charged, _charged(slow, more), _charged(fast, more), admitted + more)),
        Obligation("a window may begin at any time", given, _exact(rates, meter, attrs.evolve(slow, granted=lift(0)),
                                                                   attrs.evolve(fast, granted=lift(0)), lift(0))),
        Obligation("the ledger, and what the peak bucket lacks, are the largest excess of all windows", given, z3.And(
            admitted - slow.granted <= meter.ledger, slow.carried - slow.carried_granted == meter.ledger,
            admitted - fast.granted <= short, fast.carried - fast.carried_granted == short)),
        Obligation("excess is charged to neither half", (*given, z3.Not(ok)), z3.And(
            charged.ledger == meter.ledger, charged.peak.level == meter.peak.level)),
    ]  # fmt: skip


def _window_steps() -> list[Obligation]:
    rates, meter, slow, fast, admitted, _, size, given = _setting()
    window, slow_window, fast_window = z3.Reals("window slow_window fast_window")
    ok, _ = offer(meter, rates, size)
    here = (window >= 0, slow.granted == rates.guaranteed * window, fast.granted == rates.burst * window)
    above_slow = slow.carried + size > window_bound_of(rates.allowance, rates.guaranteed, slow_window)
    above_fast = fast.carried + size > window_bound_of(rates.max_request, rates.burst, fast_window)
    carrying = (slow.carried_granted == rates.guaranteed * slow_window,
                fast.carried_granted == rates.burst * fast_window,
                slow_window >= 0, fast_window >= 0)  # fmt: skip
    smaller = z3.And(
        window_bound(rates, slow_window) <= window_bound_of(rates.allowance, rates.guaranteed, slow_window),
        window_bound(rates, fast_window) <= window_bound_of(rates.max_request, rates.burst, fast_window),
    )
    return [
        Obligation("what is admitted keeps every window within its bound", (*given, *here, ok),
                   admitted + size <= window_bound(rates, window)),
        Obligation("what is refused would put some window above its half", (*given, *carrying, z3.Not(ok)),
                   z3.Or(above_slow, above_fast)),
        Obligation("and so above the bound", (*given[:4], slow_window >= 0, fast_window >= 0), smaller),
    ]  # fmt: skip


def window_bound_of(depth: Any, rate: Any, window: Any) -> Any:
    """Return one half of the window bound: depth + rate * window."""
    return depth + rate * window


def _window_attack(tighter: Fraction) -> Query:
    count, largest = 3, 6
    g, p, duration, most = z3.Ints("g p duration most")
    arrivals, sizes = z3.Ints([f"t{k}" for k in range(count)]), z3.Ints([f"s{k}" for k in range(count)])
    rates = MeterRates(g, p, most, burst_allowance(g, p, duration, most))
    meter, total, last = fresh(rates), 0, 0
    for at, size in zip(arrivals, sizes, strict=True):
        ok, meter = step(meter, rates, at - last, size)
        total, last = total + where(ok, size, 0), at
    domain = [z3.And(s >= 1, s <= most) for s in sizes] + [a <= b for a, b in pairwise(arrivals)]
    domain += [g >= 1, g <= 2, p >= g, p <= 3, duration >= 0, duration <= 3, most >= 1, most <= largest]
    domain += [arrivals[0] == 0, arrivals[-1] <= 4]
    domain += [total > window_bound(rates, arrivals[-1] - arrivals[0]) - lift(tighter)]
    heading = ("CM-4", "The meter admits at most its window bound.", "meter", "contract", "overrun")
    parameters = {"guaranteed": g, "burst": p, "duration": duration, "max_request": most, "tighter_by": tighter}
    smallest = (arrivals[-1], z3.Sum(sizes), most, g, p, duration, *arrivals, *sizes)
    return Query(tuple(domain), offers_schedule(heading, parameters, arrivals, sizes), smallest)


def _full_burst() -> list[Obligation]:
    """Within the burst the request before was sent in full at p: `sent` bytes in `since` ns, since >= sent / p."""
    g, p, duration, largest, ledger, level = z3.Reals("g p duration largest ledger level")
    sent, since, size, following, pause = z3.Reals("sent since size following pause")
    rates = MeterRates(g, p, largest, burst_allowance(g, p, duration, largest))
    numbers = (
        g > 0,
        p >= g,
        duration >= 0,
        largest > 0,
        size > 0,
        size <= largest,
        following > 0,
        following <= largest,
    )
    meter = Meter(ledger, Bucket(level))

    def within(state: Meter, bytes_sent: Any, elapsed: Any) -> Any:
        return invariant(
            "burst",
            ledger_within_surplus=state.ledger <= (p - g) * elapsed,
            peak_full=state.peak.level == largest,
            sent_within_rate=bytes_sent <= p * elapsed,
            time_not_negative=elapsed >= 0,
        )

    given = (*numbers, within(meter, sent, since), since <= duration)
    ok, charged = offer(meter, rates, size)
    paced = (pause >= 0, p * pause >= size)
    later = advance(charged, rates, pause)
    return [
        Obligation("the burst begins", numbers, within(fresh(rates), lift(0), lift(0))),
        Obligation("a request of the burst is in contract", given, ok),
        Obligation(
            "so is the next, sent no faster than p", (*given, *paced), within(later, sent + size, since + pause)
        ),
    ]


def _classes() -> list[Obligation]:
    ledger, level, g, elapsed = z3.Reals("ledger level g elapsed")
    given = (ledger >= 0, g > 0, elapsed >= 0)
    drained = drain(ledger, g, elapsed)
    return [
        Obligation("paced iff nothing is owed", given, is_paced(Meter(drained, Bucket(level))) == (drained == 0)),
        Obligation("nothing is owed iff the channel had the time", given, (drained == 0) == (g * elapsed >= ledger)),
    ]


def _expected_steps() -> list[Obligation]:
    g, per_byte, ledger, elapsed, arrival, size = z3.Reals("g per_byte ledger elapsed arrival size")
    given = (g > 0, per_byte * g == 1, ledger >= 0, elapsed >= 0, size > 0)
    before, after = charge(ledger, g, 0, size)
    now = expected_arrival(arrival, before, per_byte)
    later, _ = charge(after, g, elapsed, size)
    following = expected_arrival(arrival + elapsed, later, per_byte)
    # Products of three unknowns are too much for some solvers: what g and 1 / g make of them is a step of its own.
    left = ledger + size - g * elapsed
    made = (left * per_byte == (ledger + size) * per_byte - elapsed, (left >= 0) == (left * per_byte >= 0))
    return [
        Obligation("what is left, in time", given[:2], made[0]),
        Obligation("what is left, and its sign", given[:2], made[1]),
        Obligation("the first request is expected when it arrives", given,
                   expected_arrival(arrival, 0, per_byte) == arrival),
        Obligation("each next one as Goyal has it", (*given, *made),
                   following == goyal_expected_arrival(arrival + elapsed, now, size * per_byte)),
        Obligation("never before it arrives", given, now >= arrival),
    ]  # fmt: skip


ANY = "every horizon; any g > 0, p >= g, d >= 0, M > 0, times and sizes up to M"

THEOREMS: Sequence[Theorem] = (
    Theorem(
        "meter-ledger-exact", ("CM-1", "CM-3"),
        "U is exactly what a private channel of rate g would still have to send; excess is charged to neither half.",
        ANY, obligations=_ledger_steps, invariants=("ledger", "peak excess"), partner="meter-ledger-exact",
    ),
    Theorem(
        "meter-window", ("CM-2", "CM-4"),
        "A request is refused iff it would put some closed window above min(M + p t, M + (p - g) d + g t).",
        ANY, ("the invariant of meter-ledger-exact",), obligations=_window_steps, attack=_window_attack,
        partner="meter-window",
    ),
    Theorem(
        "meter-full-burst", ("CM-5",), "A burst at p for d from rest is wholly in contract.",
        ANY, ("each request is sent no sooner than the one before it takes at p",), obligations=_full_burst,
        invariants=("burst",),
        partner="meter-window",
    ),
    Theorem(
        "meter-classes", ("CM-6",), "A request in contract is paced iff the private channel would be idle.",
        "every state", obligations=_classes,
        unpaired="two forms of one definition",
    ),
    Theorem(
        "expected-arrival", ("PR-1", "PR-2"),
        "A + X / g equals Goyal's max(A, EAT of the request before + its size / g).",
        "every horizon; any g, times and sizes", obligations=_expected_steps,
        unpaired="an equation",
    ),
)  # fmt: skip
