"""Arbiters that are wrong, each by a bug that was seen in the wild."""

import heapq
from collections import deque
from fractions import Fraction
from typing import Any

from headgate.tests.miniatures import wrong
from headgate.tests.miniatures.arbiter import (
    Drr,
    Fcfs,
    KernelDrr,
    Numbers,
    Pointer,
    Priority,
    Queues,
    Scfq,
    Sfq,
    Vtc,
    Wf2qPlus,
    Wfq,
)

# ---- start tags ----


@wrong("FQ-4", policy="sfq")
class MissingFinish(Sfq):
    """max(V, A) + cost: the finish tag of the request before is forgotten."""

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        start = max(self.virtual, Fraction(now)) + self.cost(tenant, size)
        self.push(start, start, tenant, size)


@wrong("FQ-4", policy="sfq")
class RealTime(Sfq):
    """The clock on the wall is taken for virtual time."""

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        self.virtual = Fraction(now)
        super().enqueue(now, tenant, size)


@wrong("FQ-4", policy="sfq")
class KeyedBySize(Sfq):
    """A heap whose key begins with the size."""

    def push(self, start: Any, finish: Any, tenant: int, size: int) -> None:
        super().push(size, finish, tenant, size)


@wrong("FQ-4", policy="sfq")
class Unweighted(Sfq):
    """Weights are read, and never used."""

    def cost(self, tenant: int, size: int) -> Any:
        return Fraction(size)


@wrong("FQ-4", policy="sfq")
class WholeCosts(Sfq):
    """Costs are divided in whole numbers: of what is small, nothing is left."""

    def cost(self, tenant: int, size: int) -> Any:
        return size // self.weights[tenant]


@wrong("FQ-4", policy="sfq")
class ForgetsWhenIdle(Sfq):
    """When nothing waits it starts anew: virtual time is 0 again, the finish tags are not."""

    def dequeue(self, now: float) -> Any:
        found = super().dequeue(now)
        if not self.heap:
            self.virtual = Fraction(0)
        return found


@wrong("FQ-4", policy="sfq")
class Resumes(Sfq):
    """Who comes back goes on from its last finish tag, and is paid for its absence."""

    def start(self, tenant: int) -> Any:
        return self.finish[tenant]


@wrong("FQ-4", policy="sfq")
class InPairs(Sfq):
    """Whoever is served is served once more while it waits: a gap of one request too many, and no more."""

    again: int | None = None

    def dequeue(self, now: float) -> Any:
        second = [each for each in sorted(self.heap) if each[2] == self.again]
        if not second:
            found = super().dequeue(now)
            self.again = found and found[0]
            return found
        self.heap.remove(second[0])
        heapq.heapify(self.heap)
        self.again = None
        return second[0][2:]


@wrong("AR-2", policy="sfq")
class LastComesFirst(Sfq):
    """The one that came last goes first within a tenant."""

    def __init__(self, weights: Numbers) -> None:
        super().__init__(weights)
        self.stacks: list[list[int]] = [[] for _ in weights]

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        super().enqueue(now, tenant, size)
        self.stacks[tenant].append(size)

    def dequeue(self, now: float) -> Any:
        found = super().dequeue(now)
        return found and (found[0], self.stacks[found[0]].pop())


@wrong("AR-1", policy="sfq")
class DropsTheTenth(Sfq):
    """A queue that is full loses what comes."""

    def push(self, start: Any, finish: Any, tenant: int, size: int) -> None:
        if len(self.heap) < 9:
            super().push(start, finish, tenant, size)


@wrong("AR-1", policy="sfq")
class Hesitates(Sfq):
    """It waits for more before it serves a single request."""

    def dequeue(self, now: float) -> Any:
        return super().dequeue(now) if len(self.heap) > 1 or self.count % 2 else None


@wrong("AR-1", policy="fcfs")
class ServesTwice(Fcfs):
    """What it serves stays in the queue until the next one comes."""

    def dequeue(self, now: float) -> int | None:
        if len(self.queue) == 1:
            return self.queue[0]
        return super().dequeue(now)


@wrong("FQ-7", policy="scfq")
class ClockFromStart(Scfq):
    """Virtual time is the clock on the wall, and only ever grows: those who come back wait for nothing."""

    def start(self, tenant: int) -> Any:
        return self.finish[tenant]


# ---- the fluid ----


@wrong("WQ-3", policy="wfq")
class ActiveInTheServer(Wfq):
    """Virtual time grows by who waits in the server, not by who waits in the fluid."""

    def __init__(self, weights: Numbers, rate: float = 1) -> None:
        super().__init__(weights, rate)
        self.queued = [0] * len(weights)
        self.serving: int | None = None

    def advance(self, now: float) -> None:
        busy = [tenant for tenant, count in enumerate(self.queued) if count or tenant == self.serving]
        if busy:
            self.virtual += (Fraction(now) - self.time) * self.rate / sum(self.weights[tenant] for tenant in busy)
        self.time = Fraction(now)

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        super().enqueue(now, tenant, size)
        self.queued[tenant] += 1

    def dequeue(self, now: float) -> Any:
        self.advance(now)
        self.serving = super().dequeue(now)
        if self.serving is not None:
            self.queued[self.serving] -= 1
        return self.serving


@wrong("WQ-3", policy="wfq")
class ActiveInTheQueues(ActiveInTheServer):
    """The same, and whoever is in service does not count."""

    def dequeue(self, now: float) -> Any:
        found = super().dequeue(now)
        self.serving = None
        return found


@wrong("WQ-3", policy="wfq")
class AllAreActive(Wfq):
    """Virtual time grows as if everybody were backlogged."""

    def busy(self) -> list[int]:
        return list(range(len(self.weights))) if super().busy() else []

    def advance(self, now: float) -> None:
        self.virtual += (Fraction(now) - self.time) * self.rate / sum(self.weights)
        self.time = Fraction(now)


@wrong("WQ-3", policy="wfq")
class FluidInRealTime(Wfq):
    """Virtual time is real time."""

    def advance(self, now: float) -> None:
        self.virtual = self.time = Fraction(now)


@wrong("WQ-3", policy="wfq")
class OneDeparture(Wfq):
    """On its way virtual time takes one step, as if nobody left the fluid meanwhile."""

    def advance(self, now: float) -> None:
        busy = self.busy()
        if busy:
            self.virtual += (Fraction(now) - self.time) * self.rate / sum(self.weights[tenant] for tenant in busy)
        self.time = Fraction(now)


@wrong("WQ-3", policy="wfq")
class StampsAtTheHead(Wfq):
    """A request is stamped when it becomes the head of its queue, not when it comes."""

    def __init__(self, weights: Numbers, rate: float = 1) -> None:
        super().__init__(weights, rate)
        self.queues: list[deque[int]] = [deque() for _ in weights]

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        self.queues[tenant].append(size)
        if len(self.queues[tenant]) == 1:
            super().enqueue(now, tenant, size)

    def dequeue(self, now: float) -> Any:
        tenant = super().dequeue(now)
        if tenant is not None:
            self.queues[tenant].popleft()
            if self.queues[tenant]:
                super().enqueue(now, tenant, self.queues[tenant][0])
        return tenant


@wrong("WF-3", policy="wf2q+")
class NoVirtualTime(Wf2qPlus):
    """A start tag goes on from the last finish tag, however long ago that was."""

    def enqueue(self, now: int, tenant: int, size: int) -> None:
        virtual, self.virtual = self.virtual, Fraction(0)
        super().enqueue(now, tenant, size)
        self.virtual += virtual


@wrong("WF-3", policy="wf2q+")
class ByStart(Wf2qPlus):
    """The heaviest is not before the others: of the eligible, the largest finish tag goes first."""

    def dequeue(self, now: int) -> int | None:
        waiting = [tenant for tenant, queue in enumerate(self.queues) if queue]
        if not waiting:
            return None
        tenant = max(waiting, key=lambda each: self.queues[each][0][1])
        self.queues[tenant].popleft()
        return tenant


# ---- counters and turns ----


@wrong("VT-3", policy="vtc")
class NoLift(Vtc):
    """A counter is not lifted when its client comes back."""

    def lift(self, tenant: int) -> None:
        pass


@wrong("VT-3", policy="vtc")
class BeginsAnew(Vtc):
    """The counter of a client of whom nothing waits is thrown away."""

    def lift(self, tenant: int) -> None:
        self.counters[tenant] = Fraction(0)


@wrong("VT-3", policy="vtc")
class CountsRequests(Vtc):
    """Every request costs the same, whatever its tokens."""

    def serve(self, tenant: int, size: int) -> None:
        super().serve(tenant, 1)


@wrong("VT-3", policy="vtc")
class KeepsAfterOne(Vtc):
    """Whoever was served is served once more if it waits, to spare the search for the smallest counter."""

    turn, again = -1, False

    def choose(self) -> int:
        self.again = not self.again and self.turn >= 0 and bool(self.queues[self.turn])
        if not self.again:
            self.turn = super().choose()
        return self.turn


@wrong("AR-5", policy="round-robin")
class AlwaysFromTheFirst(Pointer):
    """The pointer begins at the first tenant every time."""

    def choose(self) -> int:
        self.at = -1
        return super().choose()


@wrong("AR-5", policy="round-robin")
class StaysWhenAlone(Pointer):
    """Whoever was served is served again while it waits, three times at most."""

    times = 0

    def choose(self) -> int:
        if self.at >= 0 and self.queues[self.at] and self.times < 2:
            self.times += 1
            return self.at
        self.times = 0
        return super().choose()


@wrong("AR-5", policy="round-robin")
class TwoATurn(Pointer):
    """Whoever was served is served once more if it waits: two a turn, and never three."""

    second = False

    def choose(self) -> int:
        self.second = not self.second and self.at >= 0 and bool(self.queues[self.at])
        return self.at if self.second else super().choose()


@wrong("AR-9", policy="drr")
class KeepsDeficit(Drr):
    """Who leaves the list keeps its deficit, and adds to it at every turn without a request."""

    def joined(self, tenant: int) -> None:
        self.deficits[tenant] += self.quanta[tenant]

    def pass_on(self, tenant: int) -> None:
        if self.queues[tenant]:
            self.turn.append(tenant)


@wrong("AR-9", policy="drr")
class TwoQuanta(Drr):
    """Two quanta a turn."""

    def quantum(self, tenant: int) -> Any:
        return 2 * self.quanta[tenant]


@wrong("AR-9", policy="drr")
class OneQuantum(Drr):
    """The same quantum for everybody."""

    def quantum(self, tenant: int) -> Any:
        return max(self.quanta)


@wrong("AR-9", policy="drr")
class OneATurn(Drr):
    """One request a turn, whatever the deficit."""

    def serve(self, tenant: int, size: int) -> None:
        super().serve(tenant, size)
        self.turn.popleft()
        self.begun = False
        self.pass_on(tenant)


@wrong("AR-9", policy="drr")
class LosesTheRest(Drr):
    """What is left of a deficit is lost at the end of a turn."""

    def pass_on(self, tenant: int) -> None:
        super().pass_on(tenant)
        self.deficits[tenant] = 0


@wrong("AR-9", policy="drr")
class ReturnsToTheHead(KernelDrr):
    """Who is new is the next in turn: and so is always who has one request in service and another on its way."""

    last = -1

    def join(self, tenant: int) -> None:
        turn_is_on = bool(self.turn) and self.turn[0] == self.last
        self.turn.insert(1 if turn_is_on else 0, tenant)

    def serve(self, tenant: int, size: int) -> None:
        super().serve(tenant, size)
        self.last = tenant


@wrong("AR-9", policy="drr")
class ForgetsWhoMayReturn(Drr):
    """Whose queue was empty once in its turn loses the rest at its end, though it came back in time."""

    emptied = False

    def serve(self, tenant: int, size: int) -> None:
        super().serve(tenant, size)
        self.emptied |= not self.queues[tenant]

    def pass_on(self, tenant: int) -> None:
        super().pass_on(tenant)
        if self.emptied:
            self.deficits[tenant] = 0
        self.emptied = False


@wrong("AR-3", policy="fcfs")
class ByTenant(Queues):
    """First come, first served within a tenant, and the first tenant before the others."""

    def choose(self) -> int:
        return self.waiting()[0]


@wrong("AR-3", policy="fcfs")
class Stack(Fcfs):
    """Last in, first out."""

    def dequeue(self, now: float) -> int | None:
        return self.queue.pop() if self.queue else None


@wrong("AR-4", policy="priority")
class LargestFirst(Priority):
    """The larger number is taken for the better priority."""

    def rank(self, tenant: int) -> int:
        return -self.priorities[tenant]


@wrong("AR-4", policy="priority")
class TwoLevels(Priority):
    """Neighbouring priorities share a queue."""

    def rank(self, tenant: int) -> int:
        return self.priorities[tenant] // 2


@wrong("AR-4", policy="priority")
class OverlooksTheInstant(Priority):
    """What comes at the very instant of a choice is looked at only at the next one, unless nothing else waits."""

    def __init__(self, weights: Numbers, priorities: list[int]) -> None:
        super().__init__(weights, priorities)
        self.fresh: list[tuple[float, int]] = []

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        self.fresh.append((now, tenant))

    def dequeue(self, now: float) -> int | None:
        seen = [each for each in self.fresh if each[0] < now]
        if not seen and not self.heap:
            seen = self.fresh
        self.fresh = [each for each in self.fresh if each not in seen]
        for at, tenant in seen:
            super().enqueue(at, tenant, 0)
        return super().dequeue(now)


@wrong("AR-4", policy="priority")
class Inherits(Priority):
    """The rank of a queue is that of the first that came, until it is empty."""

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        self.count += 1
        rank = self.rank(tenant) if not self.heap else max(self.rank(tenant), self.heap[0][0])
        heapq.heappush(self.heap, (rank, self.count, tenant))
