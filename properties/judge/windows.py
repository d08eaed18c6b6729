"""Where service was missed: the window of a backlogged tenant that fell most below its guarantee, and idle gaps.

Both are swept in order of time while rows come in order of arrival: whatever happens before an arrival is settled
when that arrival is read, so that only the requests in flight are held.
"""

import heapq
from fractions import Fraction

import attrs

from headgate.spec.links import implements
from headgate.spec.units import Bytes, Nanoseconds

__all__ = ["IdleWatch", "Missed", "MissedWindow", "Span"]

# A finish and its size travel in one integer, so that the heap compares integers; sizes have at most 18 digits.
_SIZE_BITS = 60
_SIZE_MASK = (1 << _SIZE_BITS) - 1


@attrs.frozen
class Missed:
    """In (begin, end) a backlogged tenant was owed so many bytes at its guaranteed rate, and got so many."""

    begin_ns: Nanoseconds
    end_ns: Nanoseconds
    owed_bytes: Fraction
    served_bytes: Bytes

    @property
    def missed_bytes(self) -> Fraction:
        """What was owed and not served."""
        return self.owed_bytes - self.served_bytes


@implements("RC-4")
class MissedWindow:
    """The window with the largest g (end - begin) - bytes that finish within, while the tenant is backlogged.

    The tenant is backlogged from the arrival of a request (included) to its finish (excluded). Excess counts as
    backlog like anything else. The scan is Kadane's: the deficit of the best window that ends now is kept, and a
    window that is not short begins anew at the next finish.
    """

    def __init__(self, guaranteed: Fraction) -> None:
        """Start idle; `guaranteed` is g in bytes per ns."""
        self._rate, self._scale = guaranteed.numerator, guaranteed.denominator
        self._finishes: list[int] = []
        self._now = self._since = 0
        self._deficit = 0  # in 1 / scale bytes, like the worst
        self._worst = 0
        self._window = (0, 0)

    def add(self, arrival: Nanoseconds, finish: Nanoseconds, size: Bytes) -> None:
        """Take the tenant's next request; arrivals do not go back, sizes are below 2**60."""
        self._serve_before(arrival)
        if not self._finishes:
            self._now = self._since = arrival
            self._deficit = 0
        heapq.heappush(self._finishes, finish << _SIZE_BITS | size)

    def worst(self) -> Missed | None:
        """Return the worst window after the last request; None if nothing was ever owed."""
        if self._finishes:
            self._serve_before((max(self._finishes) >> _SIZE_BITS) + 1)
        if not self._worst:
            return None
        begin, end = self._window
        owed = self._rate * (end - begin)
        return Missed(begin, end, Fraction(owed, self._scale), (owed - self._worst) // self._scale)

    def _serve_before(self, now: Nanoseconds) -> None:
        finishes = self._finishes
        while finishes and finishes[0] >> _SIZE_BITS < now:
            event = heapq.heappop(finishes)
            self._serve(event >> _SIZE_BITS, event & _SIZE_MASK)

    def _serve(self, finish: Nanoseconds, size: Bytes) -> None:
        if finish > self._now:
            self._deficit += self._rate * (finish - self._now)
            self._now = finish
            if self._deficit > self._worst:
                self._worst = self._deficit
                self._window = (self._since, finish)
        self._deficit -= size * self._scale
        if self._deficit <= 0:
            self._deficit = 0
            self._since = finish


@attrs.define
class Span:
    """How long a condition held: in all, the longest time on end and when that began, and how often too long."""

    total_ns: Nanoseconds = 0
    longest_ns: Nanoseconds = 0
    longest_from_ns: Nanoseconds = 0
    too_long: int = 0
    since_ns: Nanoseconds | None = None

    def observe(self, holds: bool, begin: Nanoseconds, allowed: Fraction | int) -> None:
        """Take note that the condition held, or not, from `begin` on; the times of calls go up."""
        if holds:
            if self.since_ns is None:
                self.since_ns = begin
            return
        if self.since_ns is None:
            return
        length = begin - self.since_ns
        self.total_ns += length
        self.too_long += length > allowed
        if length > self.longest_ns:
            self.longest_ns, self.longest_from_ns = length, self.since_ns
        self.since_ns = None


@implements("RC-5")
class IdleWatch:
    """Work conservation: for how long some request waited while nothing was in service.

    A request waits from its arrival to its start, and is in service from its start to its finish. `idle` is the time
    in which one waits and none is in service; a start ends it, even of a service so short that the clock shows no time
    for it. `overlap` is the time in which two or more are in service.
    """

    def __init__(self, allowed_ns: Fraction | int) -> None:
        """Start idle; gaps of more than `allowed_ns` are counted as too long."""
        self._allowed = allowed_ns
        self._events: list[int] = []  # twice the time, plus 1 for a start
        self._now = 0
        self._waiting = self._serving = 0
        self.idle, self.overlap = Span(), Span()

    def add(self, arrival: Nanoseconds, start: Nanoseconds, finish: Nanoseconds) -> None:
        """Take the next request of any tenant; arrivals do not go back."""
        self._run_to(arrival)
        self._waiting += 1
        heapq.heappush(self._events, start << 1 | 1)
        heapq.heappush(self._events, finish << 1)

    def end(self) -> None:
        """Settle what is still in flight after the last request."""
        if self._events:
            self._run_to((max(self._events) >> 1) + 1)

    def _run_to(self, now: Nanoseconds) -> None:
        events = self._events
        while events and events[0] >> 1 <= now:
            event = heapq.heappop(events)
            self._pass(event >> 1)
            if event & 1:
                if self.idle.since_ns is not None:
                    self.idle.observe(False, self._now, self._allowed)
                self._waiting -= 1
                self._serving += 1
            else:
                self._serving -= 1
        self._pass(now)

    def _pass(self, now: Nanoseconds) -> None:
        """Let the present state last until `now`."""
        if now > self._now:
            waiting, serving = self._waiting, self._serving
            self.idle.observe(serving == 0 and waiting > 0, self._now, self._allowed)
            self.overlap.observe(serving > 1, self._now, self._allowed)
            self._now = now
