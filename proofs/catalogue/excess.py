"""Theorems on excess: with any of the three treatments the promise is kept, with none of them it is not."""

from collections.abc import Sequence
from fractions import Fraction

import z3

from headgate.model.algebra import maximum, where
from headgate.model.bounds import sfq_delay
from headgate.model.bucket import Bucket
from headgate.model.meter import Meter, MeterRates, advance, fresh, is_paced, offer
from headgate.model.promise import charge, expected_arrival, goyal_expected_arrival, is_kept
from headgate.proofs.decoding import schedule_of
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Expect, Obligation, Query, Theorem
from headgate.spec.vocabulary import Schedule

__all__ = ["THEOREMS"]

REQUESTS, LARGEST = 3, 3


def _untreated(tighter: Fraction) -> Query:
    """One tenant of 1 B / ns without a burst, alone on a channel of 1 B / ns; the last request is in contract."""
    most = z3.Int("most")
    sizes = z3.Ints([f"size{k}" for k in range(REQUESTS)])
    arrivals = z3.Ints([f"arrival{k}" for k in range(REQUESTS)])
    domain = [most >= 1, most <= LARGEST, arrivals[0] >= 0]
    domain += [z3.And(size >= 1, size <= most) for size in sizes]
    rates = MeterRates(1, 1, most, most)
    meter: Meter = fresh(rates)
    ledger, now, finish, admitted, expected = lift(0), lift(0), lift(0), lift(False), lift(0)
    for arrival, size in zip(arrivals, sizes, strict=True):
        domain.append(arrival >= now)
        admitted, meter = offer(advance(meter, rates, arrival - now), rates, size)
        before, charged = charge(ledger, 1, arrival - now, size)
        expected, ledger = expected_arrival(arrival, before, 1), where(admitted, charged, before)
        now, finish = arrival, maximum(finish, arrival) + size
    latency = sfq_delay(most, 0, Fraction(1), 0) - lift(tighter)
    domain += [admitted, z3.Not(is_kept(finish, expected, latency))]
    heading = ("PR-4", "A request in contract finishes within its bound of its expected arrival, whatever the excess.",
               "policing", "untreated", "promise")  # fmt: skip
    parameters = {"guaranteed": 1, "burst": 1, "duration": 0, "max_request": most, "peak": 1, "tighter_by": tighter}
    requests = [(0, arrival, size) for arrival, size in zip(arrivals, sizes, strict=True)]

    def decode(model: z3.ModelRef) -> Schedule:
        return schedule_of(model, heading, parameters, requests)

    return Query(tuple(domain), decode, (most, z3.Sum(sizes), *arrivals, *sizes))


def _grows() -> list[Obligation]:
    """M bytes in contract at 0, then excess of any size, then M bytes in contract as soon as they can be."""
    guaranteed, burst, most, allowance, excess, elapsed = z3.Reals("guaranteed burst most allowance excess elapsed")
    rate, finish, latency, per_byte, expected = z3.Reals("rate finish latency per_byte expected")
    rates = MeterRates(guaranteed, burst, most, allowance)
    numbers = (guaranteed > 0, burst >= guaranteed, most > 0, allowance >= most, excess > 0,
               guaranteed * elapsed == most, guaranteed * per_byte == 1)  # fmt: skip
    first, owing = offer(fresh(rates), rates, most)
    second, still = offer(owing, rates, excess)
    later = advance(owing, rates, elapsed)
    third, _ = offer(later, rates, most)
    untreated, _ = charge(most, guaranteed, elapsed, most)
    in_line, _ = charge(most + excess, guaranteed, elapsed, most)
    return [
        Obligation("the first request is in contract", numbers, first),
        Obligation("whatever comes with it is excess, and is charged to no half of the meter", numbers, z3.And(
            z3.Not(second), still.ledger == owing.ledger, still.peak.level == owing.peak.level)),
        Obligation("when the channel of rate g is done the next is in contract, and paced",
                   (*numbers, burst * elapsed >= most), z3.And(third, is_paced(later))),
        Obligation("the burst rate fills the peak bucket by then", numbers, burst * elapsed >= most),
        Obligation("it is expected as it arrives", (*numbers, elapsed > 0),
                   expected_arrival(elapsed, untreated, per_byte) == elapsed),
        Obligation("in line it would be expected when the excess is paid for", numbers, z3.And(
            in_line == excess, guaranteed * (excess * per_byte) == excess)),
        Obligation("but it is served behind all of it, so that no latency holds",
                   (rate > 0, most > 0, latency > 0, elapsed > 0, rate * finish >= 2 * most + excess,
                    excess == rate * (latency + elapsed), expected == elapsed),
                   z3.Not(is_kept(finish, expected, latency))),
    ]  # fmt: skip


def _treated() -> list[Obligation]:
    """The ledger X of what is served in line, in each treatment, and the promise that a policy's bound then keeps."""
    guaranteed, burst, most, allowance, elapsed, size = z3.Reals("guaranteed burst most allowance elapsed size")
    level, owed, in_line, per_byte, arrival, expected = z3.Reals("level owed in_line per_byte arrival expected")
    rates = MeterRates(guaranteed, burst, most, allowance)
    numbers = (guaranteed > 0, burst >= guaranteed, most > 0, allowance >= most, elapsed >= 0, size > 0, owed >= 0,
               level >= 0, level <= most)  # fmt: skip
    admitted, after = offer(advance(Meter(owed, Bucket(level)), rates, elapsed), rates, size)
    before, charged = charge(owed, guaranteed, elapsed, size)
    line_before, line_charged = charge(in_line, guaranteed, elapsed, size)
    now = arrival + elapsed
    previous = expected_arrival(arrival, in_line - size, per_byte)
    cost = size * per_byte
    goyal = goyal_expected_arrival(now, previous, cost)
    finish, bound, latency = z3.Reals("finish bound latency")
    return [
        Obligation("shaped: what is released is in contract, and X stays the ledger U", (*numbers, admitted), z3.And(
            after.ledger == charged, before <= owed)),
        Obligation("background: excess is charged to neither, and X stays the ledger U", numbers,
                   after.ledger == where(admitted, charged, before)),
        Obligation("in line: X, charged with everything, is never below the ledger U", (*numbers, in_line >= owed),
                   z3.And(line_charged >= after.ledger, line_before >= before)),
        Obligation("in line: so it is expected as Goyal's recursion says, one cost after what came before it",
                   (*numbers, in_line >= size, guaranteed * per_byte == 1, per_byte > 0,
                    (in_line - guaranteed * elapsed) * per_byte == in_line * per_byte - elapsed),
                   expected_arrival(now, line_before, per_byte) == goyal),
        Obligation("and what finishes within the policy's bound of it is kept to its latency",
                   (finish <= expected + bound, bound <= latency), is_kept(finish, expected, latency)),
    ]  # fmt: skip


THEOREMS: Sequence[Theorem] = (
    Theorem(
        "promise-treated", ("PR-3", "PR-4"),
        "With excess shaped, charged in line or in the background X is what is served in line, and the promise is kept "
        "where the latency covers the policy's bound.",
        "every horizon; any contract with M + (p - g) d of M or more, any meter, ledger, time and size",
        ("the bounds of sfq-delay or early-delay hold from the expected arrival that X gives, L / R more with a "
         "background", "the queue of a tenant is first in, first out (AR-2)"), obligations=_treated,
        partner="arbiters-work-conserving",
    ),
    Theorem(
        "promise-untreated", ("PR-4",),
        "With excess neither shaped nor charged in line nor in the background the promise is kept.",
        f"one tenant, {REQUESTS} requests of up to {LARGEST} bytes",
        expect=Expect.REFUTED, attack=_untreated,
    ),
    Theorem(
        "promise-untreated-grows", ("PR-4",),
        "With excess that gets no treatment no latency is kept: a request in contract is late by all of the excess.",
        "any contract with M + (p - g) d of M or more, any rate of the channel, any excess",
        ("the queue of a tenant is first in, first out (AR-2)",), obligations=_grows,
        partner="promise-untreated-grows",
    ),
)  # fmt: skip
