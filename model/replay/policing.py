"""Claims on buckets and on the contract meter: a window that admits too much, a burst that is cut."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import attrs

from headgate.model.bucket import (
    envelope,
    paused_full,
    police,
)
from headgate.model.meter import Meter, MeterRates, advance, burst_allowance, fresh, window_bound
from headgate.model.meter import offer as meter_offer
from headgate.model.replay.form import Lane, Mark, Replay, ReplayError
from headgate.model.replay.given import Given, Runner
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import Request

__all__ = ["CLAIMS"]

Offers = list[tuple[Request, bool]]
Bound = Callable[[Fraction], Fraction]
# The pieces of a bound that is the least of several lines: (bytes at once, bytes a ns).
Lines = list[tuple[Fraction, Fraction]]


@attrs.frozen
class _Held:
    """What a bucket held before an offer, or a ledger, and after it, in bytes."""

    before: Fraction
    after: Fraction


def _bucket_offers(given: Given) -> tuple[Offers, list[_Held]]:
    """Run the offers against the bucket; return what was admitted and the levels, for the timeline."""
    rate, depth = given.positive("rate"), given.positive("depth")
    rule = given.rule_of("token", "essay", "paused")
    rates = (given.number("sum_of_rates"), given.positive("capacity")) if rule == "essay" else ()
    scale, (rate, depth) = _whole(rate, depth)
    bucket, offers, levels = paused_full(depth), [], []
    for request, elapsed in given.elapsed():
        before, admitted, bucket = police(rule, bucket, rate, depth, elapsed, request.bytes * scale, *rates)
        offers.append((request, admitted))
        levels.append(_Held(Fraction(before, scale), Fraction(bucket.level, scale)))
    return offers, levels


def _whole(*numbers: Fraction) -> tuple[int, list[Any]]:
    """Return a scale and the numbers times it, all whole: the rules run many times faster on integers."""
    scale = math.lcm(*(number.denominator for number in numbers))
    return scale, [int(number * scale) for number in numbers]


def _worst_window(
    offers: Offers, bound: Bound, lines: Lines
) -> tuple[Fraction, Fraction, tuple[Request, Request] | None]:
    """Return (admitted, bound, window) of the closed window whose admitted bytes are furthest above its bound.

    What is furthest above the least of some lines is furthest above one of them.
    """
    admitted = [request for request, ok in offers if ok]
    worst: tuple[Fraction, Fraction, tuple[Request, Request] | None] = (Fraction(0), bound(Fraction(0)), None)
    for line in lines if admitted else ():
        opening, closing, total = _furthest_above(admitted, line)
        limit = bound(Fraction(closing.arrival_ns - opening.arrival_ns))
        if worst[2] is None or total - limit > worst[0] - worst[1]:
            worst = (total, limit, (opening, closing))
    return worst


def _furthest_above(admitted: list[Request], line: tuple[Fraction, Fraction]) -> tuple[Request, Request, Fraction]:
    """Return (opening, closing, bytes) of the window whose bytes are furthest above the line, in one pass."""
    scale, (rate,) = _whole(line[1])
    before, opening, ahead, opened = 0, admitted[0], 0, 0
    found, most = (opening, opening, 0), 0
    for number, request in enumerate(admitted):
        due = rate * request.arrival_ns
        if number == 0 or due - before * scale > ahead:
            opening, ahead, opened = request, due - before * scale, before
        before += request.bytes
        above = before * scale - due + ahead
        if number == 0 or above > most:
            found, most = (opening, request, before - opened), above
    return found[0], found[1], Fraction(found[2])


def _overrun(given: Given, offers: Offers, level: Lane, bound: Bound, lines: Lines, what: str) -> Replay:
    within = given.within()
    counted = [(request, ok) for request, ok in offers if within is None or request.arrival_ns <= within]
    total, limit, window = _worst_window(counted, bound, lines)
    limit -= given.tighter()
    lanes = [_offer_lane(offers), level]
    if window is None:
        return Replay(False, total, limit, "B", "nothing is admitted", tuple(lanes))
    begin, end = Fraction(window[0].arrival_ns), Fraction(window[1].arrival_ns)
    finding = (
        f"{exact_text(total)} B are admitted in the window [{begin}, {end}] ns, {what} allows {exact_text(limit)} B"
    )
    violated, observed, limit = given.judge_excess(total, limit)
    if violated:
        lanes.append(Lane("violation", (Mark(begin, end, "violation", "window"),)))
    return Replay(violated, observed, limit, "B", finding, tuple(lanes))


def _offer_lane(offers: Offers) -> Lane:
    times = [Fraction(request.arrival_ns) for request, _ in offers]
    kinds = ["admitted" if ok else "refused" for _, ok in offers]
    texts = [f"{request.bytes} B" for request, _ in offers]
    marks = [Mark(at, at, kind, text) for at, kind, text in zip(times, kinds, texts, strict=True)]
    return Lane("offers", tuple(marks))


def _level_lane(label: str, offers: Offers, held: list[_Held], largest: Fraction) -> Lane:
    """Return what was left after each offer until the next; the first mark, an instant, gives the largest value."""
    times = [Fraction(request.arrival_ns) for request, _ in offers]
    marks = [Mark(at, at, "level", f"of {exact_text(largest)} B", largest) for at in times[:1]]
    for begin, end, level in zip(times, [*times[1:], *times[-1:]], held, strict=True):
        text = f"{exact_text(level.before)} B, then {exact_text(level.after)} B"
        marks.append(Mark(begin, end, "level", text, level.after))
    return Lane(label, tuple(marks))


def _bucket_overrun(given: Given) -> Replay:
    offers, levels = _bucket_offers(given)
    rate, depth = given.positive("rate"), given.positive("depth")
    level = _level_lane("level", offers, levels, depth)
    return _overrun(given, offers, level, lambda t: Fraction(envelope(rate, depth, t)), [(depth, rate)], "the envelope")


def _bucket_cut(given: Given) -> Replay:
    """Claim "burst-cut": of a burst at the contract's burst rate, no longer than d, a part is refused."""
    offers, levels = _bucket_offers(given)
    burst, duration = given.positive("burst"), given.positive("duration")
    _refuse_unless_burst(given, burst, duration)
    refused = [request for request, ok in offers if not ok]
    cut = Fraction(refused[0].arrival_ns) if refused else duration
    finding = f"the burst is cut at {exact_text(cut)} ns of {exact_text(duration)} ns"
    lanes = [_offer_lane(offers), _level_lane("level", offers, levels, given.positive("depth"))]
    if refused:
        lanes.append(Lane("violation", (Mark(cut, cut, "violation", "first refusal"),)))
    return Replay(bool(refused), cut, duration, "ns", finding, tuple(lanes))


def _refuse_unless_burst(given: Given, burst: Fraction, duration: Fraction) -> None:
    sent = 0
    for number, request in enumerate(given.requests):
        if sent > burst * request.arrival_ns or request.arrival_ns > duration:
            raise ReplayError(f"requests[{number}]: expected a burst within burst rate and duration")
        sent += request.bytes


def _meter_window(given: Given) -> Replay:
    guaranteed, burst, largest = given.positive("guaranteed"), given.positive("burst"), given.positive("max_request")
    allowance = burst_allowance(guaranteed, burst, given.number("duration"), largest)
    rates = MeterRates(guaranteed, burst, largest, allowance)
    given.rule_of("contract")
    scale, numbers = _whole(guaranteed, burst, largest, Fraction(allowance))
    scaled = MeterRates(*numbers)
    meter: Meter = fresh(scaled)
    offers: Offers = []
    ledgers = []
    for request, elapsed in given.elapsed():
        meter = advance(meter, scaled, elapsed)
        before = meter.ledger
        admitted, meter = meter_offer(meter, scaled, request.bytes * scale)
        offers.append((request, admitted))
        ledgers.append(_Held(Fraction(before, scale), Fraction(meter.ledger, scale)))
    lane = _level_lane("ledger", offers, ledgers, Fraction(rates.allowance))
    lines = [(rates.max_request, rates.burst), (rates.allowance, rates.guaranteed)]
    return _overrun(given, offers, lane, lambda t: Fraction(window_bound(rates, t)), lines, "the contract")


CLAIMS: dict[tuple[str, str], Runner] = {
    ("bucket", "overrun"): _bucket_overrun,
    ("bucket", "burst-cut"): _bucket_cut,
    ("meter", "overrun"): _meter_window,
}
