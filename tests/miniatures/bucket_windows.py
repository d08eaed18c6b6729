"""More counters of windows, as published ones are, and a bucket on a clock of floats. See `bucket`."""

import math
from collections import defaultdict

from headgate.tests.miniatures import correct, wrong
from headgate.tests.miniatures.bucket import Eager, Weighed, Windows


@correct(policy="fixed-window-attempts")
class Incr:
    """It counts first, and looks at the number then; what can never fit is refused before."""

    def __init__(self, window: int, burst: int) -> None:
        self.window, self.burst = window, burst
        self.used: defaultdict[int, int] = defaultdict(int)

    def offer(self, now: int, size: int) -> bool:
        if not 0 < size <= self.burst:
            return False
        self.used[now // self.window] += size
        return self.used[now // self.window] <= self.burst


@wrong("WC-1", policy="fixed-window-attempts")
class CountsTheAdmitted(Windows):
    """What it refuses is forgotten."""


@correct(policy="fixed-window", clock="s", floats=True, largest=1)
class FromTheStart:
    """Its first window begins with it; it is asked for one at a time, and knows no sizes."""

    def __init__(self, window: float, burst: int) -> None:
        self.window, self.burst = window, burst
        self.begun, self.used = 0.0, 0

    def offer(self, now: float, size: int) -> bool:
        if now - self.begun >= self.window:
            self.begun, self.used = now, 0
        self.used += 1
        return self.used <= self.burst


@correct(policy="sliding-window-counter", tolerance="1e-9")
class WeighedExactly(Weighed):
    """A weighed sum of two counters."""


@correct(policy="sliding-window-counter")
class WeighedDown:
    """A weighed sum of two counters, of which the share is rounded down."""

    def __init__(self, window: int, burst: int) -> None:
        self.window, self.burst = window, burst
        self.used: defaultdict[int, int] = defaultdict(int)

    def before(self, now: int) -> int:
        number, into = divmod(now, self.window)
        return self.used[number - 1] * (self.window - into) // self.window

    def offer(self, now: int, size: int) -> bool:
        number = now // self.window
        fits = size > 0 and self.before(now) + self.used[number] + size <= self.burst
        self.used[number] += size * fits
        return fits


@wrong("WC-3", policy="sliding-window-counter")
class CountsTheFirst(WeighedDown):
    """The first offer of a window is counted, admitted or not."""

    def offer(self, now: int, size: int) -> bool:
        first = now // self.window not in self.used
        fits = super().offer(now, size)
        if first and not fits and size > 0:
            self.used[now // self.window] = size
        return fits


@wrong("WC-3", policy="sliding-window-counter", largest=1)
class CountsTheFirstOfOnes(CountsTheFirst):
    """The same, asked for one at a time."""


@wrong("WC-3", policy="sliding-window-counter")
class NeverForgets(WeighedDown):
    """The whole of the window before counts, until it is over."""

    def before(self, now: int) -> int:
        return self.used[now // self.window - 1]


@wrong("WC-3", policy="sliding-window-counter")
class ForgetsTheWindow(WeighedDown):
    """Of the window before nothing counts."""

    def before(self, now: int) -> int:
        return 0


@correct(clock="s", floats=True)
class InThirds(Eager):
    """It counts thirds of a second, which floats have not."""

    def fill(self, now: float) -> None:
        self.level = min(self.burst, self.level + (now / 3 - self.last / 3) * self.rate * 3)
        self.last = now


@wrong("TB-5", clock="s", floats=True)
class NeverEmpty(Eager):
    """What is exactly enough is not, by a comparison without its equality."""

    def offer(self, now: float, size: int) -> bool:
        self.fill(now)
        return size < self.level and super().offer(now, size)


@wrong("WC-1", policy="fixed-window", clock="s", floats=True)
class NeverFull:
    """One less than the depth, by a comparison without its equality."""

    def __init__(self, window: float, burst: int) -> None:
        self.window, self.burst = window, burst
        self.number, self.used = 0, 0

    def offer(self, now: float, size: int) -> bool:
        if math.floor(now / self.window) != self.number:
            self.number, self.used = math.floor(now / self.window), 0
        if not 0 < size < self.burst - self.used:
            return False
        self.used += size
        return True
