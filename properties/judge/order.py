"""Order: whether a later request overtook an earlier one, and how far two backlogged tenants drifted apart.

Times of a recording may be a little off. `tolerance_ns` says by how much the difference of two of them may be: what
lies within it accuses nobody.
"""

import heapq
import math
from collections import deque
from collections.abc import Sequence
from fractions import Fraction

import attrs

from headgate.spec.links import implements
from headgate.spec.recordings import Row
from headgate.spec.units import ExactNs, Nanoseconds

__all__ = ["GapWatch", "OrderWatch", "PairGap"]


@implements("RC-6")
class OrderWatch:
    """Requests that started (or finished) before one that had arrived earlier; those of one instant may swap.

    Held are the earlier arrivals within the tolerance whose instant is later than that of every one before them.
    """

    def __init__(self, tolerance_ns: Nanoseconds) -> None:
        """Start with nothing seen."""
        self._tolerance = tolerance_ns
        self._recent: deque[tuple[int, int, Row]] = deque()  # arrival, instant, request; instants go up
        self._highest = -1
        self._settled: tuple[int, Row] | None = None
        self.count = 0
        self.ahead_ns: Nanoseconds = 0
        self.example: tuple[Row, Row] | None = None

    def add(self, row: Row, instant: Nanoseconds) -> None:
        """Take the next request with the instant at stake; arrivals do not go back."""
        recent, tolerance = self._recent, self._tolerance
        before = row.arrival_ns - tolerance
        while recent and recent[0][0] < before:
            _, latest, earlier = recent.popleft()
            self._settled = (latest, earlier)
        if instant > self._highest:
            self._highest = instant
            recent.append((row.arrival_ns, instant, row))
        elif self._settled is not None and instant < self._settled[0] - tolerance:
            self._note(row, instant, self._settled)

    def _note(self, row: Row, instant: int, settled: tuple[int, Row]) -> None:
        latest, earlier = settled
        self.count += 1
        if latest - instant > self.ahead_ns:
            self.ahead_ns, self.example = latest - instant, (row, earlier)


@attrs.frozen
class PairGap:
    """The largest gap in normalised service: `ahead` got `size_ns` more than `behind` in [begin, end]."""

    ahead: int
    behind: int
    size_ns: ExactNs
    begin_ns: Nanoseconds
    end_ns: Nanoseconds


# What happens at an instant, in the order in which it is taken: a service that ends as its tenant's backlog ends
# is still inside it, and a backlog that ends as the next begins is two.
_FINISH, _LEAVE, _JOIN = 0, 1, 2


@implements("RC-6")
class GapWatch:
    """The pairwise gap of jointly backlogged tenants; counted are services that start and finish in the interval.

    Backlogs are taken shorter by the tolerance at both ends, so that what counts as joint is. Costs (size over
    weight) are kept as integers, in units of 1 / `scale` ns.
    """

    def __init__(self, weights: Sequence[Fraction], tolerance_ns: Nanoseconds) -> None:
        """Start idle, with the weight of each tenant (0: a tenant that takes no part)."""
        self._tolerance = tolerance_ns
        self._members = [number for number, weight in enumerate(weights) if weight > 0]
        self._scale = math.lcm(*(weights[n].numerator for n in self._members), 1)
        self._costs = [self._scale * w.denominator // w.numerator if w > 0 else 0 for w in weights]
        self._events: list[tuple[int, int, int, int, int]] = []  # instant, kind, tenant, start, size
        self._backlog = [0] * len(weights)
        self._since = [0] * len(weights)
        self._runs = {(i, j): _Run() for i in self._members for j in self._members if i != j}

    def add(self, row: Row) -> None:
        """Take the next request of any tenant; arrivals do not go back."""
        self._run_before(row.arrival_ns)
        if not self._costs[row.tenant]:
            return
        join, leave = row.arrival_ns + self._tolerance, row.finish_ns - self._tolerance
        if join < leave:
            heapq.heappush(self._events, (join, _JOIN, row.tenant, 0, 0))
            heapq.heappush(self._events, (leave, _LEAVE, row.tenant, 0, 0))
        heapq.heappush(self._events, (row.finish_ns, _FINISH, row.tenant, row.start_ns, row.bytes))

    def gaps(self) -> list[PairGap]:
        """Return the largest gap of every ordered pair that has one, after the last request."""
        while self._events:
            self._take(heapq.heappop(self._events))
        return [
            PairGap(i, j, Fraction(run.worst, self._scale), run.begin, run.end)
            for (i, j), run in self._runs.items()
            if run.worst > 0
        ]

    def _run_before(self, now: int) -> None:
        while self._events and self._events[0][0] < now:
            self._take(heapq.heappop(self._events))

    def _take(self, event: tuple[int, int, int, int, int]) -> None:
        instant, kind, tenant, start, size = event
        if kind == _JOIN:
            self._backlog[tenant] += 1
            if self._backlog[tenant] == 1:
                self._since[tenant] = instant
        elif kind == _LEAVE:
            self._backlog[tenant] -= 1
        else:
            self._serve(tenant, start, instant, size * self._costs[tenant])

    def _serve(self, tenant: int, start: int, finish: int, cost: int) -> None:
        if not self._backlog[tenant]:
            return
        for other in self._members:
            joint = max(self._since[tenant], self._since[other])
            if other == tenant or not self._backlog[other] or start < joint:
                continue
            self._runs[tenant, other].add(cost, start, finish, joint)
            self._runs[other, tenant].add(-cost, start, finish, joint)


@attrs.define
class _Run:
    """Kadane's scan over the services of one pair in one joint backlog."""

    surplus: int = 0
    since: int = 0
    joint: int = -1
    worst: int = 0
    begin: int = 0
    end: int = 0

    def add(self, cost: int, start: int, finish: int, joint: int) -> None:
        """Add a service that gives the leader `cost` (negative: that gives it to the other)."""
        if joint != self.joint or self.surplus <= 0:
            self.surplus, self.since, self.joint = 0, start, joint
        self.surplus += cost
        if self.surplus > self.worst:
            self.worst, self.begin, self.end = self.surplus, self.since, finish
