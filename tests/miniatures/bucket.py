"""Buckets. Each is given rate and burst (or window and burst), and decides on `offer(now, size)`."""

import math
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from headgate.tests.miniatures import correct, wrong


@correct()
class Eager:
    """The level is brought up to date at every offer."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self.level, self.last = burst, 0.0

    def fill(self, now: float) -> None:
        self.level, self.last = min(self.burst, self.level + (now - self.last) * self.rate), now

    def offer(self, now: float, size: int) -> bool:
        if not 0 < size <= self.burst:
            return False
        self.fill(now)
        if size > self.level:
            return False
        self.level -= size
        return True


@correct(clock="s", floats=True)
class InSeconds(Eager):
    """The same, with a clock of seconds."""


@correct()
class Gcra:
    """No level at all: the theoretical arrival time (GCRA), in Fractions."""

    def __init__(self, rate: int, burst: int) -> None:
        self.increment, self.limit = Fraction(1, rate), Fraction(burst, rate)
        self.arrival = Fraction(0)

    def offer(self, now: int, size: int) -> bool:
        if size <= 0:
            raise ValueError(f"a size above 0, got {size}")
        after = max(Fraction(now), self.arrival) + size * self.increment
        if after > now + self.limit:
            return False
        self.arrival = after
        return True


@correct(goes_back=True)
class FullAt:
    """Lazy: it remembers when it will be full again, as an expiry; whole numbers, in parts of a byte's time."""

    def __init__(self, rate: int, burst: int) -> None:
        self.rate, self.burst = rate, burst
        self.full_at = self.newest = 0  # in ns times rate

    def offer(self, now: int, size: int) -> bool | None:
        if size <= 0 or size > self.burst:
            return None
        self.newest = max(self.newest, now)
        missing = max(0, self.full_at - self.newest * self.rate)
        if missing + size > self.burst:
            return False
        self.full_at = self.newest * self.rate + missing + size
        return True


@correct()
class ByDefinition:
    """The envelope as it is written: no window that ends now may hold more than burst + rate * length."""

    def __init__(self, rate: int, burst: int) -> None:
        self.rate, self.burst = rate, burst
        self.log: list[tuple[int, int]] = []

    def offer(self, now: int, size: int) -> bool:
        total = size
        if size <= 0 or size > self.burst:
            return False
        for at, given in reversed(self.log):
            total += given
            if total > self.burst + self.rate * (now - at):
                return False
        self.log.append((now, size))
        return True


@correct(keys=3)
class Keyed:
    """One leaky counter a key, which runs down."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self.counters: defaultdict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))

    def offer(self, now: float, size: int, key: str) -> int:
        height, last = self.counters[key]
        height = max(0, height - (now - last) * self.rate)
        fits = size > 0 and height + size <= self.burst
        self.counters[key] = (height + size * fits, now)
        return int(fits)


@correct(policy="fixed-window")
class Windows:
    """A counter a window."""

    def __init__(self, window: int, burst: int) -> None:
        self.window, self.burst = window, burst
        self.used: defaultdict[int, int] = defaultdict(int)

    def offer(self, now: int, size: int) -> bool:
        fits = size > 0 and self.used[now // self.window] + size <= self.burst
        self.used[now // self.window] += size * fits
        return fits


@correct(policy="sliding-window")
class Sliding:
    """A log of what was admitted."""

    def __init__(self, window: int, burst: int) -> None:
        self.window, self.burst = window, burst
        self.log: deque[tuple[int, int]] = deque()

    def offer(self, now: int, size: int) -> bool:
        while self.log and self.log[0][0] <= now - self.window:
            self.log.popleft()
        if size <= 0 or sum(given for _, given in self.log) + size > self.burst:
            return False
        self.log.append((now, size))
        return True


# ---- wrong ----


@wrong("TB-4 TB-5", clock="s", floats=True)
class WholeSeconds(Eager):
    """Time is floored to seconds."""

    def fill(self, now: float) -> None:
        super().fill(math.floor(now))


@wrong("TB-4")
class StandsStill(Eager):
    """Its clock does not advance while it is full."""

    def fill(self, now: float) -> None:
        if self.level < self.burst:
            super().fill(now)


@wrong("TB-4", keys=4)
class Forgets:
    """State is kept for the two keys that were used last; who is forgotten is full again."""

    def __init__(self, rate: float, burst: float) -> None:
        self.make: Callable[[], Eager] = lambda: Eager(rate, burst)
        self.kept: OrderedDict[str, Any] = OrderedDict()

    def offer(self, now: float, size: int, key: str) -> bool:
        bucket = self.kept.pop(key, None) or self.make()
        self.kept[key] = bucket
        if len(self.kept) > 2:
            self.kept.popitem(last=False)
        return bucket.offer(now, size)


@wrong("TB-5", keys=2)
class OneForAll(Eager):
    """All keys share one bucket."""

    def offer(self, now: float, size: int, key: str = "") -> bool:
        return super().offer(now, size)


@wrong("TB-4 TB-5")
class FixedWindow:
    """A counter that is reset every burst / rate, called a token bucket."""

    def __init__(self, rate: float, burst: float) -> None:
        self.window, self.burst = burst / rate, burst
        self.number, self.used = 0.0, 0

    def offer(self, now: float, size: int) -> bool:
        if now // self.window != self.number:
            self.number, self.used = now // self.window, 0
        if size <= 0 or self.used + size > self.burst:
            return False
        self.used += size
        return True


@wrong("TB-4")
class Refunds(Eager):
    """A negative size gives tokens back."""

    def offer(self, now: float, size: int) -> bool:
        self.fill(now)
        if size > self.level:
            return False
        self.level -= size
        return True


@wrong("TB-4 TB-6")
class Uncapped(Eager):
    """It saves without a limit."""

    def fill(self, now: float) -> None:
        self.level, self.last = self.level + (now - self.last) * self.rate, now


@wrong("TB-5")
class Strict(Eager):
    """It asks for more than the size, not for the size: > where >= is meant."""

    def offer(self, now: float, size: int) -> bool:
        self.fill(now)
        if size <= 0 or not self.level > size:
            return False
        self.level -= size
        return True


@wrong("TB-5")
class ChargesRefusals(Eager):
    """Who is refused pays all the same, with what is there."""

    def offer(self, now: float, size: int) -> bool:
        if size <= 0 or size > self.burst:
            return False
        self.fill(now)
        fits = size <= self.level
        self.level = max(0, self.level - size)
        return fits


@wrong("TB-5")
class RefreshesOnRefusal(Eager):
    """A refusal begins the wait anew: its time advances, and the tokens of it are lost."""

    def offer(self, now: float, size: int) -> bool:
        before = self.level
        if not super().offer(now, size):
            self.level, self.last = min(self.level, before), now
            return False
        return True


@wrong("TB-5", clock="s", floats=True)
class WholeTokens(Eager):
    """Parts of a token are dropped at every offer, while its time advances."""

    def fill(self, now: float) -> None:
        self.level, self.last = min(self.burst, self.level + int((now - self.last) * self.rate)), now


@wrong("TB-4 TB-5", clock="s", floats=True)
class Hundredths(Eager):
    """The level is kept to two places: what is rounded away or on adds up."""

    def fill(self, now: float) -> None:
        super().fill(now)
        self.level = round(self.level, 2)


@wrong("TB-5")
class StartsEmpty(Eager):
    """It has nothing in the beginning."""

    def __init__(self, rate: float, burst: float) -> None:
        super().__init__(rate, burst)
        self.level = 0.0


@wrong("TB-4 TB-5", goes_back=True)
class TwiceTheTime(Eager):
    """A time before the last one sets the clock back, and the same time fills it twice."""

    def fill(self, now: float) -> None:
        self.level, self.last = min(self.burst, self.level + max(0, now - self.last) * self.rate), now


@wrong("TB-6")
class LargeOnesPass(Eager):
    """What is larger than the burst goes through when it is full, so as not to wait for ever."""

    def offer(self, now: float, size: int) -> bool:
        self.fill(now)
        if size <= 0 or size > self.level < self.burst:
            return False
        self.level -= size
        return True


@wrong("TB-6")
class OneBeyond(Eager):
    """A bucket of `burst` and one more is taken for one of `burst`, where it is full."""

    def offer(self, now: float, size: int) -> bool:
        self.fill(now)
        if size == self.burst + 1 and self.level == self.burst:
            self.level = 0
            return True
        return super().offer(now, size)


@wrong("TB-4")
class NoDebt(Eager):
    """Whoever finds a token is admitted whole, and the rest of the size is forgiven."""

    def offer(self, now: float, size: int) -> bool:
        self.fill(now)
        if not 0 < size <= self.burst or self.level < 1:
            return False
        self.level = max(0, self.level - size)
        return True


@wrong("TB-4 TB-5", policy="sliding-window")
class Weighed:
    """A sliding window as a weighed sum of two counters."""

    def __init__(self, window: int, burst: int) -> None:
        self.window, self.burst = window, burst
        self.used: defaultdict[int, int] = defaultdict(int)

    def offer(self, now: int, size: int) -> bool:
        number, into = divmod(now, self.window)
        before = self.used[number - 1] * (self.window - into) / self.window
        fits = size > 0 and before + self.used[number] + size <= self.burst
        self.used[number] += size * fits
        return fits
