"""Gates. Each is given a capacity: `request(tenant, amount)`, `release(tenant, amount)`."""

import threading
from collections import defaultdict
from typing import Any

from headgate.tests.miniatures import correct, wrong


@correct()
class Locked:
    """One sum, behind one lock."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.total = capacity, 0
        self.held: defaultdict[int, int] = defaultdict(int)
        self.lock = threading.Lock()

    def request(self, tenant: int, amount: int) -> bool:
        with self.lock:
            if amount <= 0 or self.total + amount > self.capacity:
                return False
            self.total += amount
            self.held[tenant] += amount
            return True

    def release(self, tenant: int, amount: int) -> Any:
        with self.lock:
            if not 0 < amount <= self.held[tenant]:
                raise ValueError(f"tenant {tenant} has {self.held[tenant]}")
            self.total -= amount
            self.held[tenant] -= amount
            return None


@correct(single_threaded=True)
class Unlocked:
    """One sum, for one thread."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.held: defaultdict[int, int] = defaultdict(int)

    def request(self, tenant: int, amount: int) -> bool:
        total = sum(self.held.values())
        admitted = 0 < amount <= self.capacity - total
        if admitted:
            self.held[tenant] += amount
        return admitted

    def release(self, tenant: int, amount: int) -> bool:
        if not 0 < amount <= self.held[tenant]:
            return False
        self.held[tenant] -= amount
        return True


@correct()
class Reentrant(Locked):
    """What is left, behind a lock that may be taken twice."""

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self.left = capacity
        self.gate = threading.RLock()

    def request(self, tenant: int, amount: int) -> bool:
        with self.gate:
            admitted = 0 < amount <= self.left
            self.left -= amount * admitted
            self.held[tenant] += amount * admitted
            return admitted

    def release(self, tenant: int, amount: int) -> bool:
        with self.gate:
            given = 0 < amount <= self.held[tenant]
            self.left += amount * given
            self.held[tenant] -= amount * given
            return given


@correct()
class Tokens:
    """A token for every unit: taking one is atomic, and who does not get all puts back, behind the lock of its turn."""

    def __init__(self, capacity: int) -> None:
        self.tokens = list(range(capacity))
        self.held: defaultdict[int, list[int]] = defaultdict(list)
        self.turn = threading.Semaphore(1)

    def request(self, tenant: int, amount: int) -> bool:
        with self.turn:
            if not 0 < amount <= len(self.tokens):
                return False
            self.held[tenant] += [self.tokens.pop() for _ in range(amount)]
            return True

    def release(self, tenant: int, amount: int) -> bool:
        with self.turn:
            if not 0 < amount <= len(self.held[tenant]):
                return False
            self.tokens += [self.held[tenant].pop() for _ in range(amount)]
            return True


@correct()
class CompareAndSwap:
    """Optimistic: it looks without a lock, and begins again if somebody else was faster."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.grants = capacity, ()  # type: tuple[int, tuple[tuple[int, int], ...]]
        self.lock = threading.Lock()

    def swap(self, old: tuple[tuple[int, int], ...], new: tuple[tuple[int, int], ...]) -> bool:
        with self.lock:
            if self.grants is not old:
                return False
            self.grants = new
            return True

    def request(self, tenant: int, amount: int) -> bool:
        while True:
            seen = self.grants
            if amount <= 0 or sum(given for _, given in seen) + amount > self.capacity:
                return False
            if self.swap(seen, (*seen, (tenant, amount))):
                return True

    def release(self, tenant: int, amount: int) -> bool:
        while True:
            seen = self.grants
            held = sum(given for who, given in seen if who == tenant)
            if not 0 < amount <= held:
                return False
            if self.swap(seen, (*seen, (tenant, -amount))):
                return True


# ---- wrong ----


@wrong("AD-3")
class CheckThenAct(Locked):
    """It checks without the lock, and takes it only to add."""

    def request(self, tenant: int, amount: int) -> bool:
        fits = 0 < amount <= self.capacity - self.total
        if fits:
            with self.lock:
                self.total += amount
                self.held[tenant] += amount
        return fits


@wrong("AD-3")
class ReadThenWrite(Locked):
    """The sum is read, and written back as if nobody had changed it."""

    def request(self, tenant: int, amount: int) -> bool:
        total = self.total
        if amount <= 0 or total + amount > self.capacity:
            return False
        self.held[tenant] += amount
        self.total = total + amount
        return True


@wrong("AD-3")
class TakesFirst(Locked):
    """It adds, looks, and takes back: in between others are refused what fits."""

    def request(self, tenant: int, amount: int) -> bool:
        if amount <= 0:
            return False
        self.total += amount
        if self.total > self.capacity:
            self.total -= amount
            return False
        self.held[tenant] += amount
        return True


@wrong("AD-3")
class Strict(Locked):
    """The last unit is never given."""

    def request(self, tenant: int, amount: int) -> bool:
        return self.total + amount < self.capacity and super().request(tenant, amount)


@wrong("AD-3")
class OffByOne(Locked):
    """One unit more than there is."""

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity + 1)


@wrong("AD-3")
class ReleasesMore(Locked):
    """Who releases more than it has is believed."""

    def release(self, tenant: int, amount: int) -> Any:
        with self.lock:
            self.total = max(0, self.total - amount)
            self.held[tenant] -= amount


@wrong("AD-3")
class ReleasesTwice(Locked):
    """A release is counted twice."""

    def release(self, tenant: int, amount: int) -> Any:
        super().release(tenant, amount)
        self.total = max(0, self.total - amount)


@wrong("AD-3")
class ForgetsReleases(Locked):
    """What is released is not free again."""

    def release(self, tenant: int, amount: int) -> Any:
        with self.lock:
            self.held[tenant] -= min(amount, self.held[tenant])


@wrong("AD-3")
class ByTenant(Locked):
    """Every tenant is checked against the whole capacity."""

    def request(self, tenant: int, amount: int) -> bool:
        with self.lock:
            fits = 0 < amount <= self.capacity - self.held[tenant]
            self.held[tenant] += amount * fits
            return fits


@wrong("AD-3")
class NegativeAmounts(Locked):
    """A negative amount makes room."""

    def request(self, tenant: int, amount: int) -> bool:
        with self.lock:
            if self.total + amount > self.capacity:
                return False
            self.total += amount
            self.held[tenant] += amount
            return True


@wrong("AD-3")
class FivePercentOver(Locked):
    """It oversubscribes: who is to use all of it at once?"""

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity + max(1, capacity // 20))


@correct(largest=1)
class Semaphore:
    """A semaphore, which takes one at a time, and does not know who had it."""

    def __init__(self, capacity: int) -> None:
        self.free = threading.BoundedSemaphore(capacity)

    def request(self, tenant: int, amount: int) -> bool:
        return self.free.acquire(blocking=False)

    def release(self, tenant: int, amount: int) -> None:
        self.free.release()


@wrong("AD-3", largest=1)
class OneTooMany(Semaphore):
    """A semaphore of one more."""

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity + 1)


@correct(legal_only=True)
class Trusting:
    """It takes its callers at their word: what comes back was held, and nothing is asked that is too much."""

    def __init__(self, capacity: int) -> None:
        self.free, self.lock = capacity, threading.Lock()

    def request(self, tenant: int, amount: int) -> bool:
        with self.lock:
            if amount > self.free:
                return False
            self.free -= amount
            return True

    def release(self, tenant: int, amount: int) -> None:
        with self.lock:
            self.free += amount
