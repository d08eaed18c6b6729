"""Theorems on policing by buckets: the single-rate token bucket, the essay's, RFC 2698's marker, the GCRA.

The ghosts of the proofs: A, the bytes admitted in a window, and G, the tokens granted in it (rate times its length);
both are 0 where the window begins, and the window is arbitrary. The excess D is the largest admitted-minus-granted of
all windows that end now, or 0: it is carried by one window, which begins anew whenever D falls to 0.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import z3

from headgate.model.algebra import maximum, where
from headgate.model.bucket import (
    Bucket,
    PausedBucket,
    envelope,
    essay_depth,
    essay_offer,
    full,
    offer,
    paused_full,
    paused_refill,
    refill,
    step,
)
from headgate.model.gcra import Gcra
from headgate.model.gcra import advance as gcra_advance
from headgate.model.gcra import fresh as gcra_fresh
from headgate.model.gcra import offer as gcra_offer
from headgate.model.marker import Colour, Marker, MarkerRates, advance, fresh, mark
from headgate.proofs.decoding import offers_schedule
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Expect, Obligation, Query, Theorem

__all__ = ["THEOREMS"]


def _numbers() -> tuple[Any, ...]:
    """Return (level, rate, depth, elapsed, size, admitted, granted) as free reals."""
    return tuple(z3.Reals("level rate depth elapsed size admitted granted"))


def _sound(level: Any, depth: Any, admitted: Any, granted: Any, name: str = "bucket") -> Any:
    return invariant(
        name,
        level_not_negative=level >= 0,
        level_within_depth=level <= depth,
        admitted_within_tokens=admitted + level <= depth + granted,
    )


def _exact(level: Any, depth: Any, excess: Any, window: tuple[Any, Any], carrying: tuple[Any, Any]) -> Any:
    """Level and excess make up the depth; `window` is any (admitted, granted), `carrying` reaches the excess."""
    return invariant(
        "bucket excess",
        excess_not_negative=excess >= 0,
        level_and_excess=level + excess == depth,
        window_below_excess=window[0] - window[1] <= excess,
        excess_reached=carrying[0] - carrying[1] == excess,
    )


def _envelope() -> list[Obligation]:
    level, rate, depth, elapsed, size, admitted, granted = _numbers()
    given = (rate > 0, depth > 0, elapsed >= 0, size > 0, _sound(level, depth, admitted, granted))
    later = refill(Bucket(level), rate, depth, elapsed)
    ok, charged = offer(Bucket(level), size)
    window = z3.Real("window")
    return [
        Obligation("a bucket starts full", (depth > 0,), _sound(full(depth).level, depth, lift(0), lift(0))),
        Obligation("a window may begin at any time", given, _sound(level, depth, lift(0), lift(0))),
        Obligation("time passes", given, _sound(later.level, depth, admitted, granted + rate * elapsed)),
        Obligation("a request is offered", given,
                   _sound(charged.level, depth, where(ok, admitted + size, admitted), granted)),
        Obligation("the invariant gives the envelope", (*given, window >= 0, granted == rate * window),
                   admitted <= envelope(rate, depth, window)),
    ]  # fmt: skip


def _exactness() -> list[Obligation]:
    level, rate, depth, elapsed, size, admitted, granted = _numbers()
    excess, carried, carried_granted = z3.Reals("excess carried carried_granted")
    window, carrying = (admitted, granted), (carried, carried_granted)
    exact = _exact(level, depth, excess, window, carrying)
    given = (rate > 0, depth > 0, elapsed >= 0, size > 0, size <= depth, exact)
    nothing = (lift(0), lift(0))
    grant = rate * elapsed
    later = refill(Bucket(level), rate, depth, elapsed)
    left = maximum(0, excess - grant)
    anew = excess - grant <= 0
    ok, charged = offer(Bucket(level), size)
    more = where(ok, size, 0)
    return [
        Obligation("at first nothing is in excess", (depth > 0,),
                   _exact(full(depth).level, depth, lift(0), nothing, nothing)),
        Obligation("time passes", given, _exact(later.level, depth, left, (admitted, granted + grant), (
            where(anew, 0, carried), where(anew, 0, carried_granted + grant)))),
        Obligation("a request is offered", given, _exact(charged.level, depth, excess + more, (
            admitted + more, granted), (carried + more, carried_granted))),
        Obligation("a window that begins now is within the excess", given,
                   _exact(level, depth, excess, nothing, carrying)),
        Obligation("what is admitted keeps every window within the envelope", (*given, ok),
                   admitted + size <= depth + granted),
        Obligation("what is refused would put some window above it", (*given, z3.Not(ok)),
                   carried + size > depth + carried_granted),
    ]  # fmt: skip


def _offers(count: int, largest: int) -> tuple[list[Any], list[Any], list[Any]]:
    """Return (arrivals, sizes, constraints): `count` offers in order, at 0..largest ns, of 1..largest bytes."""
    arrivals, sizes = z3.Ints([f"t{k}" for k in range(count)]), z3.Ints([f"s{k}" for k in range(count)])
    domain = [z3.And(s >= 1, s <= largest) for s in sizes] + [arrivals[0] >= 0, arrivals[-1] <= largest]
    domain += [a <= b for a, b in pairwise(arrivals)]
    return arrivals, sizes, domain


def _token_attack(tighter: Fraction) -> Query:
    rate, depth = z3.Ints("rate depth")
    arrivals, sizes, domain = _offers(3, 8)
    bucket, total, last = full(depth), 0, 0
    for at, size in zip(arrivals, sizes, strict=True):
        ok, bucket = step(bucket, rate, depth, at - last, size)
        total, last = total + where(ok, size, 0), at
    over = total > envelope(rate, depth, arrivals[-1] - arrivals[0]) - lift(tighter)
    domain += [rate >= 1, rate <= 4, depth >= 1, depth <= 8, over]
    heading = ("TB-4", "A token bucket keeps its envelope.", "bucket", "token", "overrun")
    decode = offers_schedule(heading, {"rate": rate, "depth": depth, "tighter_by": tighter}, arrivals, sizes)
    return Query(tuple(domain), decode, (arrivals[-1], z3.Sum(sizes), depth, rate, *arrivals, *sizes))


def _essay_attack(tighter: Fraction) -> Query:
    rate, depth, others, capacity = z3.Ints("rate depth others capacity")
    arrivals, sizes, domain = _offers(1, 8)
    admitted, _ = essay_offer(full(depth), sizes[0], rate + others, capacity)
    over = where(admitted, sizes[0], 0) > envelope(rate, depth, 0) - lift(tighter)
    domain += [rate >= 1, rate <= 4, depth >= 1, depth <= 8, others >= 0, others <= 8, capacity <= 16, over]
    heading = ("TB-7", "The essay's bucket keeps the envelope of its own depth and rate.", "bucket", "essay", "overrun")
    parameters = {"rate": rate, "depth": depth, "sum_of_rates": rate + others, "capacity": capacity}
    decode = offers_schedule(heading, parameters, arrivals, sizes)
    return Query(tuple(domain), decode, (arrivals[0], sizes[0], capacity, depth, rate, others))


def _paused_attack(tighter: Fraction) -> Query:
    rate, depth = z3.Ints("rate depth")
    arrivals, sizes, domain = _offers(2, 8)
    clock, total, last = paused_full(depth), 0, 0
    for at, size in zip(arrivals, sizes, strict=True):
        clock = paused_refill(clock, rate, depth, at - last)
        ok, charged = offer(Bucket(clock.level), size)
        clock = PausedBucket(charged.level, clock.uncounted)
        total, last = total + where(ok, size, 0), at
    over = total > envelope(rate, depth, arrivals[-1] - arrivals[0]) - lift(tighter)
    domain += [rate >= 1, rate <= 4, depth >= 1, depth <= 8, over]
    statement = "A bucket whose clock stands still while it is full keeps its envelope."
    heading = ("TB-8", statement, "bucket", "paused", "overrun")
    decode = offers_schedule(heading, {"rate": rate, "depth": depth, "tighter_by": tighter}, arrivals, sizes)
    return Query(tuple(domain), decode, (z3.Sum(sizes), arrivals[-1], depth, rate, *arrivals, *sizes))


def _essay_depth_attack(tighter: Fraction) -> Query:
    """The essay's own contract: a burst of 2 MB requests at 400 GB/s for 2 ms, a bucket of 120 GB/s times 2 ms."""
    guaranteed, burst, duration, size = 120, 400, 2_000_000, 2_000_000
    arrivals = [number * size // burst for number in range(burst * duration // size)]
    refused = z3.Bool("refused")
    bucket, last, some = full(essay_depth(guaranteed, duration)), 0, False
    for at in arrivals:
        ok, bucket = step(bucket, guaranteed, essay_depth(guaranteed, duration), at - last, size)
        some, last = some or not ok, at
    parameters = {"rate": guaranteed, "depth": essay_depth(guaranteed, duration), "burst": burst, "duration": duration}
    heading = ("CM-7", "A bucket of depth g d lets a burst at p pass for d.", "bucket", "token", "burst-cut")
    decode = offers_schedule(heading, parameters, arrivals, [size] * len(arrivals))
    return Query((refused == some, refused), decode)


def _marker_state() -> tuple[MarkerRates, Marker, Any, Any, Any, tuple[Any, ...]]:
    cir, cbs, pir, pbs, committed, peak = z3.Reals("cir cbs pir pbs committed peak")
    green, in_peak, granted_c, granted_p = z3.Reals("green in_peak granted_c granted_p")
    elapsed, size = z3.Reals("elapsed size")
    given = (cir > 0, cbs > 0, pir >= cir, pbs > 0, elapsed >= 0, size > 0)
    rates = MarkerRates(cir, cbs, pir, pbs)
    return rates, Marker(Bucket(committed), Bucket(peak)), elapsed, size, (green, in_peak, granted_c, granted_p), given


def _marker() -> list[Obligation]:
    rates, marker, elapsed, size, (green, in_peak, granted_c, granted_p), numbers = _marker_state()

    def sound(after: Marker, greens: Any, peaks: Any, committed: Any, peak: Any) -> Any:
        return z3.And(_sound(after.committed.level, rates.committed_depth, greens, committed, "committed bucket"),
                      _sound(after.peak.level, rates.peak_depth, peaks, peak, "peak bucket"))  # fmt: skip

    given = (*numbers, sound(marker, green, in_peak, granted_c, granted_p))
    zero, first = lift(0), fresh(rates)
    later = advance(marker, rates, elapsed)
    colour, marked = mark(marker, size)
    is_green, is_red = colour == int(Colour.GREEN), colour == int(Colour.RED)
    greens, peaks = where(is_green, green + size, green), where(is_red, in_peak, in_peak + size)
    committed, peak = granted_c + rates.committed_rate * elapsed, granted_p + rates.peak_rate * elapsed
    covered = z3.And(marker.committed.level >= size, marker.peak.level >= size)
    return [
        Obligation("a marker starts full", given[:4], sound(first, zero, zero, zero, zero)),
        Obligation("a window may begin at any time", given, sound(marker, zero, zero, zero, zero)),
        Obligation("time passes", given, sound(later, green, in_peak, committed, peak)),
        Obligation("a request is marked", given, sound(marked, greens, peaks, granted_c, granted_p)),
        Obligation("green iff both buckets cover it", given, is_green == covered),
        Obligation("red iff the peak bucket does not", given, is_red == (marker.peak.level < size)),
        Obligation("the invariant gives both envelopes", given, z3.And(
            green <= envelope(rates.committed_rate, rates.committed_depth, 0) + granted_c,
            in_peak <= envelope(rates.peak_rate, rates.peak_depth, 0) + granted_p)),
    ]  # fmt: skip


def _marker_exactness() -> list[Obligation]:
    """Each bucket's level and the excess of its own traffic make up its depth, as for a bucket alone."""
    rates, marker, elapsed, size, _, numbers = _marker_state()
    over_c, over_p = z3.Reals("over_c over_p")

    def exact(after: Marker, committed: Any, peak: Any) -> Any:
        return invariant(
            "marker excess",
            committed_level_and_excess=after.committed.level + committed == rates.committed_depth,
            peak_level_and_excess=after.peak.level + peak == rates.peak_depth,
        )

    given = (*numbers, exact(marker, over_c, over_p))
    left_c = maximum(0, over_c - rates.committed_rate * elapsed)
    left_p = maximum(0, over_p - rates.peak_rate * elapsed)
    colour, marked = mark(marker, size)
    green, red = where(colour == int(Colour.GREEN), size, 0), where(colour == int(Colour.RED), 0, size)
    return [
        Obligation("at first nothing is in excess", given[:4], exact(fresh(rates), lift(0), lift(0))),
        Obligation("time passes", given, exact(advance(marker, rates, elapsed), left_c, left_p)),
        Obligation("a request is marked", given, exact(marked, over_c + green, over_p + red)),
        Obligation("red iff the excess would pass PBS", given,
                   (colour == int(Colour.RED)) == (over_p + size > rates.peak_depth)),
        Obligation("green iff neither excess would pass its depth", given, (colour == int(Colour.GREEN)) == z3.And(
            over_p + size <= rates.peak_depth, over_c + size <= rates.committed_depth)),
    ]  # fmt: skip


def _gcra() -> list[Obligation]:
    ahead, rate, level, limit, elapsed, size, cost = z3.Reals("ahead rate level limit elapsed size cost")
    depth = rate * limit

    def alike(state: Gcra, bucket: Bucket) -> Any:
        return invariant(
            "gcra and bucket",
            level_and_ahead=bucket.level + rate * state.ahead == depth,
        )

    given = (rate > 0, limit > 0, elapsed >= 0, size > 0, rate * cost == size, alike(Gcra(ahead), Bucket(level)))
    later, refilled = gcra_advance(Gcra(ahead), elapsed), refill(Bucket(level), rate, depth, elapsed)
    conforms, charged = gcra_offer(Gcra(ahead), cost, limit)
    admitted, bucket = offer(Bucket(level), size)
    return [
        Obligation("both start alike", given[:2], alike(Gcra(lift(gcra_fresh().ahead)), full(depth))),
        Obligation("time passes", given, alike(later, refilled)),
        Obligation("both decide alike", given, conforms == admitted),
        Obligation("both are charged alike", given, alike(charged, bucket)),
    ]  # fmt: skip


THEOREMS: Sequence[Theorem] = (
    Theorem(
        "bucket-envelope", ("TB-1", "TB-2", "TB-3", "TB-4"),
        "A token bucket admits at most depth + rate t bytes in any closed window of t ns.",
        "every horizon; rate, depth, times and sizes are any positive reals",
        obligations=_envelope, attack=_token_attack, invariants=("bucket",), partner="bucket-exactness",
    ),
    Theorem(
        "bucket-exactness", ("TB-3", "TB-5"),
        "A token bucket refuses a request iff admitting it would put some closed window above the envelope.",
        "every horizon; rate, depth, times and sizes are any positive reals", obligations=_exactness,
        invariants=("bucket excess",), partner="bucket-exactness",
    ),
    Theorem(
        "bucket-essay", ("TB-7",), "The essay's bucket keeps the envelope of its own depth and rate.",
        "one offer; numbers up to 16", expect=Expect.REFUTED, attack=_essay_attack,
    ),
    Theorem(
        "bucket-paused", ("TB-8",), "A bucket whose clock stands still while it is full keeps its envelope.",
        "two offers; numbers up to 8", expect=Expect.REFUTED, attack=_paused_attack,
    ),
    Theorem(
        "bucket-essay-depth", ("CM-7",), "A bucket of the essay's depth g d lets a burst at p pass for d.",
        "the essay's contract: 120 and 400 GB/s, 2 ms, in requests of 2 MB",
        expect=Expect.REFUTED, attack=_essay_depth_attack,
    ),
    Theorem(
        "marker-envelopes", ("TC-1", "TC-2", "TC-3", "TC-4"),
        "Green keeps CBS + CIR t, green and yellow together keep PBS + PIR t; the colours are exact.",
        "every horizon; all rates, depths, times and sizes, PIR >= CIR", obligations=_marker,
        invariants=("committed bucket", "peak bucket"), partner="marker-exactness",
    ),
    Theorem(
        "marker-exactness", ("TC-1", "TC-2"),
        "A request is red iff it would put what is not red above PBS + PIR t, green iff it fits both envelopes.",
        "every horizon; all rates, depths, times and sizes, PIR >= CIR",
        ("the largest excess of all windows is the Lindley excess (theorem bucket-exactness)",),
        obligations=_marker_exactness, invariants=("marker excess",), partner="marker-exactness",
    ),
    Theorem(
        "gcra-is-a-bucket", ("GC-1", "GC-2", "GC-3"),
        "The GCRA with limit L decides as the token bucket of depth rate L.",
        "every horizon; all rates, limits, times and sizes", ("cost = size / rate",), obligations=_gcra,
        invariants=("gcra and bucket",), partner="gcra-is-a-bucket",
    ),
)  # fmt: skip
