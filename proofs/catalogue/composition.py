"""Theorems on the parts together: buckets, a fair queue and a channel with refresh; and what a wrong unit does to it.

The composition rests on what is proved of each part: how far a bucket lets a tenant get ahead of its rate (here, on the
bucket's code), how much the others are served in the meantime (`share` of theorem sfq-delay), and how much a window of
a channel with refresh serves (refresh-rate-latency). R appears as the solution of P R = C (P - B), never as a quotient.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.model.admission import admits
from headgate.model.algebra import maximum, where
from headgate.model.arbiters import VTC
from headgate.model.bounds import pairwise_gap
from headgate.model.bucket import Bucket, full, offer, refill, step
from headgate.model.composition import (
    bytes_to_decode,
    calculus_delay,
    composed_backlog,
    composed_delay,
    share_under_refresh,
)
from headgate.model.promise import goyal_expected_arrival
from headgate.model.refresh import Refresh, rate_latency, served_by
from headgate.proofs.catalogue.refresh import finish_of
from headgate.proofs.decoding import schedule_of
from headgate.proofs.invariants import invariant
from headgate.proofs.quotients import cancelling, covers
from headgate.proofs.symbolic import decide, lift
from headgate.proofs.table import apart, largest_sizes, table, unit_tenants
from headgate.proofs.theorem import Expect, Obligation, Query, Theorem
from headgate.spec.vocabulary import Schedule

__all__ = ["BURST_SHARE", "KIB_A_TOKEN", "THEOREMS", "TOKENS", "burst_attack"]

EIGHT = range(8)


# ---- the bucket and the expected arrival ----


def _alike(level: Any, rate: Any, depth: Any, due: Any, now: Any) -> Any:
    """What the bucket lacks is what a private channel of its rate would still have to send."""
    return invariant("bucket and expected arrival", lacks_what_is_owed=rate * maximum(0, due - now) == depth - level)


def _bucket_steps() -> list[Obligation]:
    """`due` is the expected arrival of the request before, and its size over rho: Goyal's recursion takes it up."""
    level, rate, depth, due, now = z3.Reals("level rho sigma due now")
    elapsed, size, cost, expected = z3.Reals("elapsed size cost expected")
    given = (rate > 0, depth > 0, _alike(level, rate, depth, due, now))
    later = refill(Bucket(level), rate, depth, elapsed)
    admitted, charged = offer(Bucket(level), size)
    came = goyal_expected_arrival(now, expected, due - expected)
    offered = (*given, size > 0, rate * cost == size, level <= depth)
    return [
        Obligation("at first nothing is owed", (rate > 0, depth > 0, due <= now),
                   _alike(full(depth).level, rate, depth, due, now)),
        Obligation("time passes", (*given, elapsed >= 0), _alike(later.level, rate, depth, due, now + elapsed)),
        Obligation("a request is offered", offered, _alike(
            charged.level, rate, depth, where(admitted, came + cost, due), now)),
        Obligation("what is admitted is expected in time", (*offered, admitted), rate * (came - now) <= depth - size),
    ]  # fmt: skip


# ---- eight tenants on one channel ----


@attrs.frozen
class _Eight:
    """Buckets and largest requests of eight tenants, of whom 0 is followed; the channel; R; and what passed."""

    depths: tuple[Any, ...]
    rates: tuple[Any, ...]
    largest: tuple[Any, ...]
    peak: Any
    refresh: Refresh
    effective: Any

    @property
    def others(self) -> Any:
        return z3.Sum(self.largest[1:])

    @property
    def numbers(self) -> tuple[Any, ...]:
        positive = (*self.depths, *self.rates, *self.largest, self.peak, self.effective)
        interval, blackout = self.refresh.interval, self.refresh.blackout
        return (
            *(number > 0 for number in positive), blackout > 0, interval > blackout,
            interval * self.effective == served_by(self.peak, self.refresh),
            lift(admits(self.rates, self.effective)),
        )  # fmt: skip


def _eight() -> _Eight:
    def eight(name: str) -> tuple[Any, ...]:
        return tuple(z3.Reals([f"{name}{k}" for k in EIGHT]))

    refresh = Refresh(*z3.Reals("interval blackout"))
    return _Eight(eight("sigma"), eight("rho"), eight("largest"), z3.Real("peak"), refresh, z3.Real("effective"))


def _server(eight: _Eight, window: Any, up: Any, done: Any) -> list[Obligation]:
    """Of a channel that is busy for a window, of which `up` ns were light: R (window - B) bytes or more are done."""
    interval, curve = eight.refresh.interval, rate_latency(eight.refresh, window)
    given = (*eight.numbers[-4:-1], eight.peak > 0, interval * up >= curve, done == eight.peak * up)
    scaled = interval * (eight.effective * (window - eight.refresh.blackout))
    named = z3.Real("curve")
    return [
        Obligation("light is worth its bytes", (eight.peak > 0, interval * up >= named),
                   eight.peak * (interval * up) >= eight.peak * named),
        Obligation("the curve in bytes", given, scaled == eight.peak * curve),
        Obligation("what is done, times the interval",
                   (*given, eight.peak * (interval * up) >= eight.peak * curve, scaled == eight.peak * curve),
                   scaled <= interval * done),
        cancelling(),
    ]  # fmt: skip


def _composed_delay() -> list[Obligation]:
    eight = _eight()
    window, up, done = z3.Reals("window up done")
    return [*_bucket_steps(), *_server(eight, window, up, done), *_late(eight), *_below_calculus(eight)]


def _late(eight: _Eight) -> list[Obligation]:
    """From the anchor on: what passed of the virtual time, what everybody was served, and the request's own times."""
    passed, began, expected, finish, arrival, size = z3.Reals("passed began expected finish arrival size")
    given = z3.Reals([f"given{k}" for k in EIGHT])
    rate, blackout = eight.effective, eight.refresh.blackout
    total = z3.Real("total")
    shares = [given[k] <= eight.rates[k] * passed + eight.largest[k] for k in EIGHT[1:]]
    own = given[0] == eight.rates[0] * passed + size
    fits = z3.Sum(eight.rates) * passed <= rate * passed
    bound = size + eight.others + rate * blackout
    late = rate * (finish - expected) <= bound
    rho, sigma = eight.rates[0], eight.depths[0]
    ahead = rho * (expected - arrival) <= sigma - size
    promise = composed_delay(sigma, size, eight.others, rate, blackout, rho)
    sizes = (size > 0, size <= eight.largest[0], rate > 0, rho > 0)
    own_part = composed_delay(sigma, size, -size, rate, 0, rho)
    rest_part = composed_delay(size, size, eight.others, rate, blackout, rho)
    return [
        Obligation("what passed, times the rates", (*eight.numbers, passed >= 0), fits),
        Obligation("the services of all eight add up", (*shares, own, total == z3.Sum(given), fits), z3.And(
            total <= rate * passed + size + eight.others)),
        Obligation("the request is late by so much", (
            rate > 0, rate * (finish - began - blackout) <= total, total <= rate * passed + size + eight.others,
            expected - began >= passed, rate * (expected - began) >= rate * passed), late),
        Obligation("a longer time is more bytes", (rate > 0, expected - began >= passed),
                   rate * (expected - began) >= rate * passed),
        covers("the part of the others", sizes, rate, rest_part, bound),
        covers("the part of the bucket", (*sizes, ahead), rho, own_part, rho * (expected - arrival)),
        Obligation("the two parts are the bound", (rate > 0, rho > 0), own_part + rest_part == promise),
    ]  # fmt: skip


def _below_calculus(eight: _Eight) -> list[Obligation]:
    """Network calculus counts the whole burst at rho, this bound the request itself at R, which is no less."""
    size, rate, rho, sigma = z3.Real("size"), eight.effective, eight.rates[0], eight.depths[0]
    blackout, others = eight.refresh.blackout, z3.Real("others")
    given = (rate > 0, rho > 0, rho <= rate, size > 0)
    exact, theirs = z3.Reals("exact theirs")
    mine = composed_delay(sigma, size, others, rate, blackout, rho)
    calculus = calculus_delay(sigma, others, rate, blackout, rho)
    return [
        Obligation("no rate is above the sum", eight.numbers, rho <= rate),
        Obligation("the difference, times both rates", given,
                   rho * rate * (calculus - mine) == (rate - rho) * size),
        Obligation("the size is worth no less at R", given, (rate - rho) * size >= 0),
        Obligation("a positive factor goes", (*given, rho * rate * (theirs - exact) >= 0), theirs >= exact),
    ]  # fmt: skip


# ---- the backlog ----


def _backlog() -> list[Obligation]:
    """In a busy period of `window` ns the buckets admit what their envelopes allow, and the channel does its curve."""
    eight = _eight()
    window, up, done = z3.Reals("window up done")
    came, rate, blackout = z3.Reals([f"came{k}" for k in EIGHT]), eight.effective, eight.refresh.blackout
    rates, depths = z3.Sum(eight.rates), z3.Sum(eight.depths)
    envelopes = [came[k] <= eight.depths[k] + eight.rates[k] * window for k in EIGHT]
    total, sum_of_rates = z3.Reals("total sum_of_rates")
    most = composed_backlog(depths, sum_of_rates, blackout)
    short = (*envelopes, total == z3.Sum(came), sum_of_rates == rates, window >= 0, done >= 0)
    excess = total <= depths + sum_of_rates * window
    work, room = rate * (window - blackout) <= done, sum_of_rates * (window - blackout) <= rate * (window - blackout)
    return [
        *_server(eight, window, up, done),
        Obligation("what came is within the envelopes", short, excess),
        Obligation("the rates leave room", (sum_of_rates <= rate, window >= blackout), room),
        Obligation("a window within a blackout", (excess, window <= blackout, sum_of_rates > 0, done >= 0),
                   total - done <= most),
        Obligation("a longer one", (excess, work, room), total - done <= most),
    ]  # fmt: skip


# C = 10 B/ns, dark for 2 of every 10 ns: 8 B/ns are left, so that eight tenants have 1 B/ns each.
PEAK, INTERVAL, DARK = 10, 10, 2
CHANNEL = {"peak": PEAK, "interval": INTERVAL, "blackout": DARK}


def _backlog_attack(tighter: Fraction) -> Query:
    """Eight full buckets are emptied when a blackout begins, and offered more when it ends; depths, offers are free."""
    depths, sizes = z3.Ints([f"depth{k}" for k in EIGHT]), z3.Ints([f"size{k}" for k in EIGHT])
    domain = [z3.And(number >= 1, number <= 4) for number in (*depths, *sizes)]
    came: Any = lift(0)
    for depth, size in zip(depths, sizes, strict=True):
        first, bucket = step(full(depth), 1, depth, 0, depth)
        second, _ = step(bucket, 1, depth, DARK, size)
        came = came + where(first, depth, 0) + where(second, size, 0)
    over = came > composed_backlog(z3.Sum(depths), len(EIGHT), DARK) - lift(int(tighter))
    statement = "No more than the sum of the depths and the rates times B ever waits or remains in service."
    requests = [(k, 0, depth) for k, depth in enumerate(depths)] + [(k, DARK, size) for k, size in enumerate(sizes)]
    parameters = {**CHANNEL, "depths": depths, "rates": (1,) * len(EIGHT), "tighter_by": tighter}

    def decode(model: z3.ModelRef) -> Schedule:
        return schedule_of(model, ("CP-2", statement, "composed", "corrected", "backlog"), parameters, requests)

    return Query((*domain, over), decode, (*depths, *sizes))


# ---- schedules of eight equal tenants ----

BURST_SHARE = Fraction(9, 10)
DELAY = "Every request that its bucket admits finishes by (sigma - l) / rho + (l + the others' L) / R + B."


def burst_attack(share: Fraction, periods: int) -> Query:
    """Return a search for a burst of eight equal tenants whose last byte is later than so large a share of the bound.

    Every tenant sends two requests or more at the beginning of a blackout, as many as its bucket holds; how many, and
    their size, is free. SFQ serves them in rounds, and the last tenant last: by when, the channel's own step says.
    """
    number, size = z3.Ints("number size")
    # Rates of 1 B/ns: a bucket of so many bytes lets so many ns be ahead. The product is a choice among few.
    depth = _product(number, size, MOST)
    # The bound of the last request: (sigma - l) / 1 + 8 l / 8 + B.
    held, each = z3.ToReal(depth), z3.ToReal(size)
    bound = composed_delay(held, each, 7 * each, Fraction(8), DARK, Fraction(1))
    work = held * Fraction(len(EIGHT), PEAK)
    finish, done = finish_of(Refresh(Fraction(INTERVAL), Fraction(DARK)), work, 2 * periods)
    domain = (number >= 2, number <= MOST, size >= 1, size <= MOST, done, finish > bound * lift(share))
    parameters = {**CHANNEL, "rates": (1,) * len(EIGHT), "depths": (depth,) * len(EIGHT), "tighter_part": 1 - share}

    def decode(model: z3.ModelRef) -> Schedule:
        requests = [(tenant, 0, size) for _ in range(int(decide(model, number))) for tenant in EIGHT]
        return schedule_of(model, ("CP-1", DELAY, "composed", "corrected", "delay"), parameters, requests)

    return Query(domain, decode, (number, size))


MOST = 12


def _product(left: Any, right: Any, most: int) -> Any:
    """Return left * right for 1 <= left <= `most`, without a product of two unknowns."""
    total: Any = lift(0)
    for k in range(1, most + 1):
        total = where(left == k, k * right, total)
    return total


def _burst(tighter: Fraction) -> Query:
    return burst_attack(Fraction(1) - tighter, 4)


def _no_tax_attack(tighter: Fraction) -> Query:
    """Eight equal tenants that share the whole peak send a request of a full bucket every time that it has filled."""
    rounds, size = z3.Int("rounds"), 5
    rate = Fraction(PEAK, len(EIGHT))
    apart = int(size / rate)
    work = z3.ToReal(rounds) * Fraction(size * len(EIGHT), PEAK)
    finish, done = finish_of(Refresh(Fraction(INTERVAL), Fraction(DARK)), work, 8)
    left = Fraction(PEAK * (INTERVAL - DARK), INTERVAL)
    bound = composed_delay(size, size, 7 * size, left, DARK, rate)
    domain = (rounds >= 1, rounds <= 6, done, finish - z3.ToReal(rounds - 1) * apart > lift(Fraction(bound) - tighter))
    parameters = {**CHANNEL, "rates": (rate,) * len(EIGHT), "depths": (size,) * len(EIGHT), "tighter_by": tighter}

    def decode(model: z3.ModelRef) -> Schedule:
        requests = [(k, apart * n, size) for n in range(int(decide(model, rounds))) for k in EIGHT]
        return schedule_of(model, ("CP-3", DELAY, "composed", "no-tax", "delay"), parameters, requests)

    return Query(domain, decode, (rounds,))


# ---- bytes and tokens ----

# Contexts of two tenants in tokens, and what a token of them takes to read.
TOKENS = (256, 4096)
KIB_A_TOKEN = 512
# What is read for a token that is decoded: 128 MiB and 16 times as much. The search counts in the former.
UNIT = bytes_to_decode(TOKENS[0], KIB_A_TOKEN * 1024)
TIMES = bytes_to_decode(TOKENS[1], KIB_A_TOKEN * 1024) // UNIT
# Two turns of each, and one request more, for a tenant that has nothing waiting is not backlogged.
TURNS = 5


def _tokens_attack(tighter: Fraction) -> Query:
    """Requests of one token each, whose sizes are what is read for it; the counter is charged one token for each."""

    def bytes_of(tenant: Any, size: Any) -> Any:
        return where(tenant == 0, size, TIMES * size)

    found = table(VTC, unit_tenants(2, 1), TURNS, 1, cost=lambda tenant, size: lift(1))
    bound = pairwise_gap(1, TIMES) - int(tighter)
    over = apart(found, lift(bound), bytes_of)
    both = [count > 0 for count in largest_sizes(found, 2)]
    at_once = [arrival == 0 for arrival in found.arrivals]
    sizes = [UNIT * bytes_of(owner, size) for owner, size in zip(found.tenants, found.sizes, strict=True)]
    ratio = z3.Or(*(_in_ratio(found.turns[:last]) for last in range(2, len(found.turns))))
    statement = "Two backlogged tenants drift apart by at most the sum of their largest requests in bytes."
    heading = ("CP-4", statement, "arbiter", "vtc", "gap")
    # The counter is divided by a weight; so a token's bytes are the weight, and every request costs one.
    parameters = {"weights": (UNIT, UNIT * TIMES), "entitled": (1, 1), "peak": UNIT, "tighter_by": tighter}

    def decode(model: z3.ModelRef) -> Schedule:
        requests = list(zip(found.tenants, found.arrivals, sizes, strict=True))
        return schedule_of(model, heading, parameters, requests)

    return Query((*found.constraints, *both, *at_once, over, ratio), decode, found.tenants)


def _in_ratio(turns: Sequence[Any]) -> Any:
    """Both wait at every one of these turns, and each is served as often as the other: in bytes, 16 to 1."""
    waiting = [each for turn in turns for each in turn.waiting]
    balance = z3.Sum([z3.If(turn.tenant == 0, 1, -1) for turn in turns])
    return z3.And(*waiting, balance == 0)


# ---- the share under refresh ----


def _share_under_refresh() -> list[Obligation]:
    """What is done in the window was put in service in it; the others got their shares, the rest is the tenant's."""
    eight = _eight()
    window, up, done, passed, own_cost = z3.Reals("window up done passed own_cost")
    others, rest, largest, others_given = z3.Reals("others rest own_largest others_given")
    rate, blackout, weight = eight.effective, eight.refresh.blackout, z3.Real("weight")
    own = weight * own_cost
    server = rate * (window - blackout) <= others_given + own
    premises = (
        rate > 0, weight > 0, rest >= 0, rest + weight <= rate, others >= 0, largest > 0, passed >= 0, own_cost >= 0,
        blackout > 0, others_given <= rest * passed + others, own >= weight * passed - largest, server,
    )  # fmt: skip
    behind = rest * (weight * passed) <= rest * (own + largest)
    scaled = weight * (rate * (window - blackout) - others) - rate * largest
    share = share_under_refresh(weight, window, largest, others, rate, blackout)
    return [
        *_server(eight, window, up, done),
        Obligation("the others got what passed, and so did the tenant but for one request", premises, behind),
        Obligation("the share, times the rate", (*premises, behind), rate * own >= scaled),
        Obligation("the share as a formula", (rate > 0, weight > 0), rate * share == scaled),
        cancelling(),
    ]  # fmt: skip


SCOPE = "every horizon; eight tenants of any depths, rates and sizes, any peak, interval and blackout"
PARTS = (
    "the rates sum to at most R = C (1 - B / P)",
    "what other tenants and the tenant itself are served while the virtual time passes (theorem sfq-delay)",
    "the expected arrival moves on as fast as the tags (theorem sfq-delay)",
    "a window of the channel is light for the curve's ns (theorem refresh-rate-latency)",
)
ATTACKS: tuple[Callable[[Fraction], Query], ...] = (_burst, _backlog_attack, _no_tax_attack, _tokens_attack)

THEOREMS: Sequence[Theorem] = (
    Theorem(
        "composed-delay", ("CP-1", "PR-3"),
        "Behind its bucket a request finishes at most (sigma - l) / rho + (l + the others' L) / R + B after it "
        "arrives, which is no more than network calculus gives.",
        SCOPE, PARTS, obligations=_composed_delay, attack=_burst, step=1 - BURST_SHARE,
        invariants=("bucket and expected arrival",), partner="sfq-share",
        abstraction="the queue and the channel are what is proved of each; the bucket runs on its code",
    ),
    Theorem(
        "composed-backlog", ("CP-2",),
        "Behind eight buckets at most (sum of sigma) + (sum of rho) B bytes ever wait or remain in service.",
        SCOPE, (PARTS[0], "every bucket keeps its envelope (theorem bucket-envelope)", PARTS[3],
                "the channel is busy while anything waits (theorem arbiters-work-conserving)"),
        obligations=_backlog, attack=_backlog_attack, partner="arbiters-work-conserving",
        abstraction="the busy period that the instant lies in; the buckets are their envelopes",
    ),
    Theorem(
        "composed-no-tax", ("CP-3",),
        "If the rates sum to at most the peak, every request that its bucket admits finishes by the bound.",
        "eight equal tenants on a channel that is dark for 2 of every 10 ns, up to six requests each",
        expect=Expect.REFUTED, attack=_no_tax_attack,
    ),
    Theorem(
        "bytes-not-tokens", ("CP-4",),
        "Of two tenants that are charged by the token, none reads more bytes than the largest requests excuse.",
        "contexts of 256 and 4096 tokens of 512 KiB, five requests of one token each",
        expect=Expect.REFUTED, attack=_tokens_attack,
    ),
    Theorem(
        "share-under-refresh", ("CP-5",),
        "Under SFQ in bytes a backlogged tenant gets g (t - B - (sum of the others' L) / R) - L or more in any t ns of "
        "a channel with refresh.",
        "every horizon; any number of tenants, weights and sizes, any peak, interval and blackout",
        (*PARTS[:2], PARTS[3], "the position of a backlogged tenant lags by one request (theorem sfq-share)"),
        obligations=_share_under_refresh,
        abstraction="the others are one aggregate; the channel is what is proved of it",
        partner="sfq-pairwise-gap",
    ),
)  # fmt: skip
