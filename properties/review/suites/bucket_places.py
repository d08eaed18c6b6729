"""Where offers to counters of windows are placed: what each holds if it admits whatever it can.

It decides nothing: a case that is placed badly only shows less.
"""

from collections import deque
from fractions import Fraction

__all__ = ["Exact", "FixedPlace", "SlidingPlace", "WeighedPlace", "short"]

Exact = Fraction | int


def short(value: Exact) -> Exact:
    """Return the same number, as an integer if it is one: integers are many times faster."""
    return int(value) if value.denominator == 1 else value


class FixedPlace:
    """Where offers to a counter of windows are placed: windows at multiples of their length, `burst` bytes in each."""

    def __init__(self, configuration: dict[str, Fraction], slack: Fraction) -> None:
        self.depth, self.length = short(configuration["burst"]), configuration["window"]
        self.slack = short(slack * self.depth)
        self.used, self.number, self.last = Fraction(0), 0, 0

    def level(self, now: int) -> Exact:
        self.last = max(self.last, now)
        number = self.last // self.length
        if number != self.number:
            self.number, self.used = number, Fraction(0)
        return self.depth - self.used

    def take(self, size: int) -> None:
        self.used += size

    def soonest(self, size: int) -> Fraction:
        return Fraction(0) if self.used + size <= self.depth else (self.number + 1) * self.length - self.last


class SlidingPlace:
    """Where offers to a log are placed: at most `burst` bytes in any window (t - length, t]."""

    def __init__(self, configuration: dict[str, Fraction], slack: Fraction) -> None:
        self.depth, self.length = short(configuration["burst"]), configuration["window"]
        self.slack = short(slack * self.depth)
        self.log: deque[tuple[int, int]] = deque()
        self.used, self.last = 0, 0

    def level(self, now: int) -> Exact:
        self.last = max(self.last, now)
        while self.log and self.log[0][0] <= self.last - self.length:
            self.used -= self.log.popleft()[1]
        return self.depth - self.used

    def take(self, size: int) -> None:
        self.log.append((self.last, size))
        self.used += size

    def soonest(self, size: int) -> Fraction:
        free = self.depth - self.used
        for at, given in self.log:
            if free >= size:
                break
            free += given
            if free >= size:
                return at + self.length - self.last
        return Fraction(0)


class WeighedPlace:
    """Where offers to a sliding window counter are placed: of the window before, what is left of it counts."""

    def __init__(self, configuration: dict[str, Fraction], slack: Fraction) -> None:
        self.depth, self.length = short(configuration["burst"]), configuration["window"]
        self.slack = short(slack * self.depth)
        self.before, self.used, self.number, self.last = 0, 0, 0, 0

    def level(self, now: int) -> Exact:
        self.last = max(self.last, now)
        number = int(self.last // self.length)
        if number != self.number:
            self.before, self.used = self.used if number == self.number + 1 else 0, 0
            self.number = number
        return self.depth - self.used - self.before * (number + 1 - self.last / self.length)

    def take(self, size: int) -> None:
        self.used += size

    def soonest(self, size: int) -> Fraction:
        number, before, room = self.number, self.before, self.depth - self.used - size
        if room < 0:
            number, before, room = number + 1, self.used, self.depth - size
        share = min(Fraction(1), Fraction(room) / before) if before else Fraction(1)
        return max(Fraction(0), (number + 1 - share) * self.length - self.last)
