"""Refresh, by walking through time; and the temperature curve, by comparing whole powers."""

from fractions import Fraction

__all__ = ["encloses_halving", "finish", "is_dark", "least_service", "service"]

Number = Fraction | int


def is_dark(time: Number, interval: Number, blackout: Number, offset: Number = 0) -> bool:
    """Return whether `time` is in a blackout: one begins at -`offset` and at every `interval` before and after."""
    since = time + offset
    while since < 0:
        since = since + interval
    while since >= interval:
        since = since - interval
    return since < blackout


def service(begin: int, length: int, interval: int, blackout: int) -> int:
    """Return the ns of [begin, begin + length) that are not dark, counted one by one."""
    count = 0
    for time in range(begin, begin + length):
        if not is_dark(time, interval, blackout):
            count = count + 1
    return count


def least_service(length: int, interval: int, blackout: int) -> int:
    """Return the least service of a window of `length` ns, over all the phases at which it can begin."""
    return min(service(begin, length, interval, blackout) for begin in range(interval))


def finish(start: Number, work: Number, interval: Number, blackout: Number, offset: Number = 0) -> Fraction:
    """Return when `work` ns of service, begun at `start`, are done: blackout by blackout."""
    now, left = Fraction(start), Fraction(work)
    dark_from = Fraction(-offset)
    while dark_from + interval <= now:
        dark_from = dark_from + interval
    while left > 0:
        dark_until = dark_from + blackout
        if now < dark_until:
            now = dark_until
        next_dark = dark_from + interval
        if now + left <= next_dark:
            return now + left
        left = left - (next_dark - now)
        now = next_dark
        dark_from = next_dark
    return now


def encloses_halving(low: Fraction, high: Fraction, base: Fraction, degrees: Fraction) -> bool:
    """Return whether low <= base * 2**(-degrees/10) <= high, exactly.

    With degrees = a/b, both sides to the power of 10 b are rational: (x / base)**(10 b) against 2**(-a).
    """
    power = 10 * degrees.denominator
    target = Fraction(1, 2) ** degrees.numerator
    return (low / base) ** power <= target <= (high / base) ** power
