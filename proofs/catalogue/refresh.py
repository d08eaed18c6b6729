"""Theorems on the refresh tax.

The server's own step (`pass_time`) is followed with ghosts: how many blackouts began since the window did, the length
of the window and the service in it. `up(phase)` is the service since the last blackout began.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import z3

from headgate.model.algebra import maximum, where
from headgate.model.refresh import (
    Channel,
    Refresh,
    corrected_interval,
    essay_interval,
    is_up,
    pass_time,
    rate_latency,
    served_by,
    service_curve,
    until_boundary,
)
from headgate.proofs.decoding import schedule_of
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Expect, Obligation, Query, Theorem
from headgate.spec.vocabulary import Schedule

__all__ = ["THEOREMS", "finish_of"]


def _up(phase: Any, blackout: Any) -> Any:
    return maximum(0, phase - blackout)


def _in_range(phase: Any, refresh: Refresh) -> Any:
    return invariant("phase", not_negative=phase >= 0, before_interval=phase < refresh.interval)


def _setting() -> tuple[Refresh, Any, Any, tuple[Any, ...]]:
    """Return refresh, phase now, phase at the start of the window, and the premises on them."""
    interval, blackout, phase, begun = z3.Reals("interval blackout phase begun")
    refresh = Refresh(interval, blackout)
    return (
        refresh,
        phase,
        begun,
        (blackout > 0, interval > blackout, _in_range(phase, refresh), _in_range(begun, refresh)),
    )


def _served(refresh: Refresh, blackouts: Any, phase: Any, begun: Any) -> Any:
    up_time = refresh.interval - refresh.blackout
    return blackouts * up_time + _up(phase, refresh.blackout) - _up(begun, refresh.blackout)


def _window(refresh: Refresh, begun: Any, length: Any, service: Any, blackouts: Any, phase: Any) -> Any:
    """What the ghosts say of a window that began at phase `begun`."""
    return invariant(
        "window",
        length_counted=length == blackouts * refresh.interval + phase - begun,
        service_counted=service == _served(refresh, blackouts, phase, begun),
    )


def _steps() -> list[Obligation]:
    """The service of a window is a function of the phases at its ends and the blackouts begun in between."""
    refresh, phase, begun, given = _setting()
    blackouts, length, service, elapsed = z3.Reals("blackouts length service elapsed")
    channel = Channel(phase)
    premises = (
        *given,
        _window(refresh, begun, length, service, blackouts, phase),
        elapsed >= 0,
        elapsed <= until_boundary(channel, refresh),
    )
    more, after = pass_time(channel, refresh, elapsed)
    wrapped = where(phase + elapsed >= refresh.interval, blackouts + 1, blackouts)
    return [
        Obligation("a window begins", (*given, phase == begun),
                   _window(refresh, begun, lift(0), lift(0), lift(0), phase)),
        Obligation("time passes", premises, z3.And(
            _in_range(after.phase, refresh),
            _window(refresh, begun, length + elapsed, service + more, wrapped, after.phase))),
        Obligation("a boundary lies ahead", given, until_boundary(channel, refresh) > 0),
    ]  # fmt: skip


def _curve() -> list[Obligation]:
    """A window of k intervals and `rest` ns began k or k + 1 blackouts; in both cases the curve is a lower bound."""
    refresh, phase, begun, given = _setting()
    rest, periods, length, service, blackouts = z3.Reals("rest periods length service blackouts")
    window = (_window(refresh, begun, length, service, blackouts, phase), length == periods * refresh.interval + rest,
              rest >= 0, rest < refresh.interval)  # fmt: skip
    surplus = blackouts - periods
    cases = [
        Obligation(f"a window that begins k + {extra} blackouts", (*given, *window, surplus == extra),
                   service >= service_curve(refresh, periods, rest))
        for extra in (0, 1)
    ]  # fmt: skip
    only = Obligation(
        "there are no other cases", (*given, *window, surplus != 0, surplus != 1), z3.Not(z3.IsInt(surplus))
    )
    reached = Obligation(
        "the window that begins with a blackout gets no more", (*given, *window, begun == 0, phase == rest),
        service == service_curve(refresh, periods, rest),
    )  # fmt: skip
    return [*_steps(), *cases, only, reached]


def _rate_latency() -> list[Obligation]:
    refresh, _, _, given = _setting()
    periods, rest = z3.Reals("periods rest")
    window = periods * refresh.interval + rest
    curve = service_curve(refresh, periods, rest)
    lengths = (*given[:2], periods >= 0, rest >= 0, rest < refresh.interval)
    return [
        Obligation("the curve is above the line", lengths, refresh.interval * curve >= rate_latency(refresh, window)),
        Obligation("and meets it where a blackout ends", (*lengths, rest == refresh.blackout),
                   refresh.interval * curve == rate_latency(refresh, window)),
    ]  # fmt: skip


def _service_attack(tighter: Fraction) -> Query:
    refresh = Refresh(10, 3)
    offset, window = z3.Ints("offset window")
    channel, left, served = Channel(offset), window, 0
    for _ in range(4):
        elapsed = where(left < until_boundary(channel, refresh), left, until_boundary(channel, refresh))
        more, channel = pass_time(channel, refresh, elapsed)
        left, served = left - elapsed, served + more
    periods = where(window >= 10, 1, 0)
    curve = service_curve(refresh, periods, window - 10 * periods)
    domain = (offset >= 0, offset < 10, window >= 1, window < 20, left == 0, served < curve + lift(tighter))
    heading = ("RF-2", "Every window gets at least the service of the lower curve.", "refresh", "all-bank", "service")
    parameters = {"interval": 10, "blackout": 3, "offset": offset, "window": window, "tighter_by": tighter}

    def decode(model: z3.ModelRef) -> Schedule:
        return schedule_of(model, heading, parameters, [])

    return Query(domain, decode, (window, offset))


COLD_C, HOT_C = 74, 76


def finish_of(refresh: Refresh, work: Any, boundaries: int) -> tuple[Any, Any]:
    """Return (finish, done) of `work` ns of service from the start of a blackout, `boundaries` boundaries deep."""
    channel, now, left = Channel(Fraction(0)), lift(Fraction(0)), work
    for _ in range(boundaries):
        elapsed = until_boundary(channel, refresh)
        elapsed = where(z3.And(lift(is_up(channel, refresh)), left < elapsed), left, elapsed)
        elapsed = where(left <= 0, 0, elapsed)
        served, channel = pass_time(channel, refresh, elapsed)
        left, now = left - served, now + elapsed
    return now, left <= 0


def _hotter_attack(tighter: Fraction) -> Query:
    """The essays' H200: 4800 GB/s, blackouts of 295 ns, a base interval of 3900 ns."""
    peak, blackout, base = Fraction(4800), Fraction(295), Fraction(3900)
    size = z3.Int("size")
    work = z3.ToReal(size) * (1 / peak)
    cold, cold_done = finish_of(Refresh(essay_interval(base, Fraction(COLD_C)).high, blackout), work, 6)
    hot, hot_done = finish_of(Refresh(essay_interval(base, Fraction(HOT_C)).low, blackout), work, 6)
    domain = (size >= 1, cold_done, hot_done, hot < cold + lift(tighter))
    heading = ("RF-6", "The hotter the memory, the later a backlog is done.", "refresh", "essay", "hotter-sooner")
    parameters = {"peak": peak, "blackout": blackout, "base_interval": base, "cold_c": COLD_C, "hot_c": HOT_C}

    def decode(model: z3.ModelRef) -> Schedule:
        return schedule_of(model, heading, parameters, [(0, 0, size)])

    return Query(domain, decode, (size,))


def _monotone() -> list[Obligation]:
    """2**(-x/10) enters only as a factor in (0, 1] that does not grow with the temperature."""
    base, blackout, cool, warm, peak = z3.Reals("base blackout cool warm peak")
    given = (base > 0, blackout > 0, peak > 0, cool <= 1, warm <= cool, base * warm > blackout)
    left, right = base * cool, base * warm
    cold, hot = Refresh(left, blackout), Refresh(right, blackout)
    at_85, at_95 = corrected_interval(Fraction(3900), Fraction(85)), corrected_interval(Fraction(3900), Fraction(95))
    return [
        Obligation("a shorter interval leaves no higher rate", given,
                   served_by(peak, hot) * left <= served_by(peak, cold) * right),
        Obligation("and never more than the peak, never less than none", given, z3.And(
            served_by(peak, cold) >= 0, served_by(peak, cold) <= peak * left)),
        Obligation("the interval halves from 85 to 95 C", (), lift(at_95.low * 2 <= at_85.low <= at_95.high * 2)),
    ]  # fmt: skip


ANY = "every horizon; any interval, blackout and phase"

THEOREMS: Sequence[Theorem] = (
    Theorem(
        "refresh-service-curve", ("RF-1", "RF-2"),
        "Every window of t ns gets at least floor(t / P)(P - B) + max(0, t mod P - B) ns of service; one gets no more.",
        ANY, ("blackouts are periodic: one of B ns at the beginning of every P ns",),
        obligations=_curve, attack=_service_attack, invariants=("phase", "window"), partner="refresh-service-curve",
    ),
    Theorem(
        "refresh-rate-latency", ("RF-3",), "The service curve is at least (1 - B / P)(t - B), and meets it.",
        "every window", ("the curve of refresh-service-curve",), obligations=_rate_latency,
        partner="refresh-rate-latency",
    ),
    Theorem(
        "refresh-monotone", ("RF-4", "RF-7"),
        "A shorter refresh interval never leaves more bandwidth; the corrected interval halves from 85 to 95 C.",
        "any rates and intervals", ("2**(-x/10) does not grow with x",), obligations=_monotone,
        unpaired="it compares two rates",
    ),
    Theorem(
        "refresh-essay-interval", ("RF-6",), "Under the essay's tREFI(T) a hotter memory never finishes sooner.",
        f"the essays' H200 at {COLD_C} and {HOT_C} C, three refresh intervals",
        expect=Expect.REFUTED, attack=_hotter_attack,
    ),
)  # fmt: skip
