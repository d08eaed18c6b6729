"""Shapers. Each is given rate and burst, and says at once when `submit(now, size)` will leave."""

import math
from fractions import Fraction

from headgate.tests.miniatures import correct, wrong


@correct(floats=True)
class Eager:
    """A bucket that is brought forward to each departure."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self.level, self.last = burst, 0.0

    def begin(self, now: float) -> float:
        """Return from when on a submission is looked at, with the bucket brought there."""
        begin = max(now, self.last)
        self.level = min(self.burst, self.level + (begin - self.last) * self.rate)
        return begin

    def submit(self, now: float, size: int) -> float:
        if not 0 < size <= self.burst:
            raise ValueError(f"a size from 1 to {self.burst}, got {size}")
        begin = self.begin(now)
        wait = max(0.0, (size - self.level) / self.rate)
        self.level += wait * self.rate - size
        self.last = begin + wait
        return self.last


@correct(clock="s", floats=True)
class InSeconds(Eager):
    """The same, with a clock of seconds."""


@correct()
class Exact:
    """One number: when the bucket was, or would have been, empty; in Fractions."""

    def __init__(self, rate: int, burst: int) -> None:
        self.rate, self.burst = rate, burst
        self.empty, self.last = Fraction(-burst, rate), Fraction(0)

    def submit(self, now: int, size: int) -> Fraction:
        if not 0 < size <= self.burst:
            raise ValueError("size")
        begin = max(Fraction(now), self.last)
        since = max(self.empty, begin - Fraction(self.burst, self.rate))
        self.empty = since + Fraction(size, self.rate)
        self.last = max(begin, self.empty)
        return self.last


@correct()
class WholeTicks:
    """It leaves at whole ns only, and is charged there: the first one at which it conforms."""

    def __init__(self, rate: int, burst: int) -> None:
        self.rate, self.burst = rate, burst
        self.level, self.last = burst, 0

    def submit(self, now: int, size: int) -> int:
        if not 0 < size <= self.burst:
            raise ValueError("size")
        begin = max(now, self.last)
        self.level = min(self.burst, self.level + (begin - self.last) * self.rate)
        wait = max(0, -((self.level - size) // self.rate))
        self.level = min(self.burst, self.level + wait * self.rate) - size
        self.last = begin + wait
        return self.last


@correct()
class ByDefinition:
    """The first instant at which no window that ends there holds more than burst + rate * length."""

    def __init__(self, rate: int, burst: int) -> None:
        self.rate, self.burst = rate, burst
        self.log: list[tuple[Fraction, int]] = []

    def submit(self, now: int, size: int) -> Fraction:
        if not 0 < size <= self.burst:
            raise ValueError("size")
        at, total = max(Fraction(now), self.log[-1][0] if self.log else Fraction(0)), size
        for left, given in reversed(self.log):
            total += given
            at = max(at, left + Fraction(total - self.burst, self.rate))
        self.log.append((at, size))
        return at


# ---- wrong ----


@wrong("TB-4", floats=True)
class PassesOn(Eager):
    """What has to wait is charged, and sent at once."""

    def submit(self, now: float, size: int) -> float:
        super().submit(now, size)
        return now


@wrong("AR-2 TB-4", floats=True)
class FromNow(Eager):
    """The wait is counted from now on, whatever is still to leave."""

    def begin(self, now: float) -> float:
        super().begin(now)
        return now


@wrong("TB-4", floats=True)
class TwiceTheTime(Eager):
    """It empties at the departure, but its clock stays at the submission: the wait fills it a second time."""

    def submit(self, now: float, size: int) -> float:
        begin = self.begin(now)
        leaves = super().submit(now, size)
        self.last = begin
        return leaves


@wrong("TB-5")
class NextTick(Exact):
    """What has to wait leaves a unit of the clock after the first at which it may."""

    def submit(self, now: int, size: int) -> Fraction:
        leaves = super().submit(now, size)
        return leaves if leaves == now else Fraction(math.floor(leaves) + 1)


@wrong("TB-5", floats=True)
class NoBurst(Eager):
    """A leaky bucket that spaces everything: an idle spell saves nothing."""

    def submit(self, now: float, size: int) -> float:
        self.last = max(now, self.last) + size / self.rate
        return self.last


@wrong("TB-4", floats=True)
class KeepsCredit(Eager):
    """An idle spell fills it beyond its depth."""

    def begin(self, now: float) -> float:
        begin = max(now, self.last)
        self.level += (begin - self.last) * self.rate
        return begin


@wrong("TB-4")
class RoundsDown(Exact):
    """The departure is cut to whole ns, which is before it conforms."""

    def submit(self, now: int, size: int) -> Fraction:
        return Fraction(math.floor(super().submit(now, size)))


@wrong("TB-5", clock="s", floats=True)
class TimerTicks(Eager):
    """It leaves at the next tick of a timer of 10 ms."""

    def submit(self, now: float, size: int) -> float:
        self.last = math.ceil(super().submit(now, size) * 100) / 100
        return self.last


@wrong("AR-2", floats=True)
class Overtakes(Eager):
    """What fits is sent at once, though something larger waits before it."""

    def submit(self, now: float, size: int) -> float:
        if self.last > now and size == 1:
            return now
        return super().submit(now, size)


@wrong("TB-5", floats=True)
class WaitsUntilFull(Eager):
    """What does not fit waits until the bucket is full."""

    def submit(self, now: float, size: int) -> float:
        begin = self.begin(now)
        wait = (self.burst - self.level) / self.rate if self.level < size else 0.0
        self.level, self.last = self.level + wait * self.rate - size, begin + wait
        return self.last


@wrong("TB-5", floats=True)
class StartsEmpty(Eager):
    """It has nothing in the beginning."""

    def __init__(self, rate: float, burst: float) -> None:
        super().__init__(rate, burst)
        self.level = 0.0


@wrong("TB-4 TB-5")
class WholeWait(Eager):
    """The wait is a whole number of ns, rounded to the nearest."""

    def submit(self, now: float, size: int) -> float:
        begin = self.begin(now)
        wait = round(max(0.0, (size - self.level) / self.rate))
        self.level, self.last = max(0.0, self.level + wait * self.rate - size), begin + wait
        return self.last
