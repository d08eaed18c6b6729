"""The token bucket: the single-rate one, the essay's as written, and one whose clock stands still while it is full.

A bucket holds `level` tokens, one a byte. The rule is in two steps, time passing and a request being offered,
so that same-instant requests are offers with no time between them.
Source: J. Turner, "New directions in communications" (1986); R. Cruz, "A calculus for network delay" (1991).
"""

from typing import Any

import attrs

from headgate.model.algebra import all_, any_, minimum, where
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = [
    "Bucket",
    "PausedBucket",
    "envelope",
    "essay_depth",
    "essay_offer",
    "full",
    "offer",
    "paused_full",
    "paused_refill",
    "police",
    "refill",
    "step",
]


@attrs.frozen
class Bucket:
    """State of a bucket: the bytes that it would admit now."""

    level: Number


@implements("TB-1")
def full(depth: Number) -> Bucket:
    """Return the bucket as it starts: full."""
    return Bucket(depth)


@implements("TB-2")
def refill(bucket: Bucket, rate: Number, depth: Number, elapsed: Number) -> Bucket:
    """Return the bucket after `elapsed` ns: `rate` bytes a ns more, never above `depth`."""
    return Bucket(minimum(depth, bucket.level + rate * elapsed))


@implements("TB-3")
def offer(bucket: Bucket, size: Number) -> tuple[Any, Bucket]:
    """Return (admitted, bucket): a request of `size` bytes is admitted iff the level covers it, and is charged."""
    admitted = bucket.level >= size
    return admitted, where(admitted, Bucket(bucket.level - size), bucket)


@implements("TB-2", "TB-3")
def step(bucket: Bucket, rate: Number, depth: Number, elapsed: Number, size: Number) -> tuple[Any, Bucket]:
    """Return (admitted, bucket) for a request of `size` bytes, `elapsed` ns after the one before it."""
    return offer(refill(bucket, rate, depth, elapsed), size)


@implements("TB-4")
def envelope(rate: Number, depth: Number, elapsed: Number) -> Number:
    """Return the most bytes that a bucket may admit in a closed window of `elapsed` ns."""
    return depth + rate * elapsed


@implements("TB-7", "CM-7")
def essay_depth(rate: Number, burst_duration: Number) -> Number:
    """Return the essay's bucket capacity: rate times burst duration."""
    return rate * burst_duration


@implements("TB-7")
def essay_offer(bucket: Bucket, size: Number, sum_of_rates: Number, capacity: Number) -> tuple[Any, Bucket]:
    """Return (admitted, bucket) under the essay's rule as written.

    *Multi-Tenant KV Fabrics*, section 5: below the level, admit and charge; else, where the rates of all
    tenants sum to less than the capacity, admit all the same and empty the bucket; else queue.
    """
    covered = bucket.level >= size
    borrowed = all_(bucket.level < size, sum_of_rates < capacity)
    after = where(covered, Bucket(bucket.level - size), where(borrowed, Bucket(0), bucket))
    return any_(covered, borrowed), after


@attrs.frozen
class PausedBucket:
    """State of a bucket whose clock stands still while it is full: its level, and the ns that it has not counted."""

    level: Number
    uncounted: Number


@implements("TB-8")
def paused_full(depth: Number) -> PausedBucket:
    """Return such a bucket as it starts: full, its clock at the time."""
    return PausedBucket(depth, 0)


@implements("TB-8")
def paused_refill(bucket: PausedBucket, rate: Number, depth: Number, elapsed: Number) -> PausedBucket:
    """Return such a bucket after `elapsed` ns: while it is full it keeps them, and counts all of them later."""
    since = bucket.uncounted + elapsed
    refilled = refill(Bucket(bucket.level), rate, depth, since)
    after: PausedBucket = where(
        bucket.level >= depth, PausedBucket(bucket.level, since), PausedBucket(refilled.level, 0)
    )
    return after


def police(
    rule: str, bucket: PausedBucket, rate: Number, depth: Number, elapsed: Number, size: Number, *rates: Number
) -> tuple[Number, Any, PausedBucket]:
    """Return (level before, admitted, bucket) of an offer under "token", "essay" or "paused".

    `rates` are those of the essay's rule: the sum of all rates, and the capacity. Only "paused" has uncounted time.
    """
    if rule == "paused":
        refilled = paused_refill(bucket, rate, depth, elapsed)
    else:
        refilled = PausedBucket(refill(Bucket(bucket.level), rate, depth, elapsed).level, bucket.uncounted)
    here = Bucket(refilled.level)
    admitted, after = essay_offer(here, size, *rates) if rule == "essay" else offer(here, size)
    return refilled.level, admitted, PausedBucket(after.level, refilled.uncounted)
