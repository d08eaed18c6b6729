"""Arbiters that are right. Each is given the tenants' weights, takes `enqueue`, and answers `dequeue` by a tenant."""

import heapq
from collections import deque
from fractions import Fraction
from typing import Any

from headgate.tests.miniatures import correct

Numbers = list[Any]


@correct(policy="sfq")
class Sfq:
    """Start-time fair queueing: one heap, whole Fractions."""

    number: Any = Fraction

    def __init__(self, weights: Numbers, rate: float = 1) -> None:
        self.weights = [self.number(weight) for weight in weights]
        self.rate = self.number(rate)
        self.finish = [self.number(0) for _ in weights]
        self.virtual = self.number(0)
        self.heap: list[tuple[Any, int, int, int]] = []
        self.count = 0

    def start(self, tenant: int) -> Any:
        return max(self.virtual, self.finish[tenant])

    def cost(self, tenant: int, size: int) -> Any:
        return size / self.weights[tenant]

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        start = self.start(tenant)
        self.finish[tenant] = start + self.cost(tenant, size)
        self.push(start, self.finish[tenant], tenant, size)

    def push(self, start: Any, finish: Any, tenant: int, size: int) -> None:
        heapq.heappush(self.heap, (start, self.count, tenant, size))
        self.count += 1

    def dequeue(self, now: float) -> Any:
        if not self.heap:
            return None
        self.virtual, _, tenant, size = heapq.heappop(self.heap)
        return tenant, size


@correct(policy="sfq", tolerance="1/1000000000")
class FloatSfq(Sfq):
    """The same in floats."""

    number = float


@correct(policy="sfq")
class SfqAtHead:
    """Tags only for the heads of the queues, given when a request becomes the head; a scan finds the smallest."""

    def __init__(self, weights: Numbers) -> None:
        self.weights = [Fraction(weight) for weight in weights]
        self.queues: list[deque[int]] = [deque() for _ in weights]
        self.starts = [Fraction(0) for _ in weights]
        self.finish = [Fraction(0) for _ in weights]
        self.virtual = Fraction(0)

    def enqueue(self, now: int, tenant: int, size: int) -> None:
        self.queues[tenant].append(size)
        if len(self.queues[tenant]) == 1:
            self.starts[tenant] = max(self.virtual, self.finish[tenant])

    def dequeue(self, now: int) -> int | None:
        waiting = [tenant for tenant, queue in enumerate(self.queues) if queue]
        if not waiting:
            self.virtual = max(self.finish)
            return None
        tenant = min(waiting, key=lambda each: self.starts[each])
        self.virtual = self.starts[tenant]
        self.finish[tenant] = self.virtual + self.queues[tenant].popleft() / self.weights[tenant]
        self.starts[tenant] = self.finish[tenant]
        return tenant


@correct(policy="scfq")
class Scfq(Sfq):
    """Self-clocked fair queueing: by finish tags, and the virtual time is that of the request in service."""

    def push(self, start: Any, finish: Any, tenant: int, size: int) -> None:
        super().push(finish, finish, tenant, size)


@correct(policy="wfq")
class Wfq(Sfq):
    """WFQ after the exact fluid: virtual time goes through every departure of the fluid on its way."""

    def __init__(self, weights: Numbers, rate: float = 1) -> None:
        super().__init__(weights, rate)
        self.time = self.number(0)

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        self.advance(now)
        super().enqueue(now, tenant, size)

    def push(self, start: Any, finish: Any, tenant: int, size: int) -> None:
        heapq.heappush(self.heap, (finish, self.count, tenant, size))
        self.count += 1

    def dequeue(self, now: float) -> Any:
        return heapq.heappop(self.heap)[2] if self.heap else None

    def busy(self) -> list[int]:
        return [tenant for tenant, finish in enumerate(self.finish) if finish > self.virtual]

    def advance(self, now: float) -> None:
        while self.time < now and (busy := self.busy()):
            slope = self.rate / sum(self.weights[tenant] for tenant in busy)
            departure = min(self.finish[tenant] for tenant in busy)
            passes = self.time + (departure - self.virtual) / slope
            if passes > now:
                self.virtual += (now - self.time) * slope
                break
            self.virtual, self.time = departure, passes
        self.time = self.number(now)


@correct(policy="wfq", tolerance="1/1000000000")
class FloatWfq(Wfq):
    """The same in floats."""

    number = float


@correct(policy="wfq")
class PouredWfq:
    """WFQ without virtual time: at every choice the fluid is poured anew, as if nobody else came."""

    def __init__(self, weights: Numbers) -> None:
        self.weights = [Fraction(weight) for weight in weights]
        self.came: list[tuple[int, int, int]] = []
        self.waiting: list[int] = []

    def enqueue(self, now: int, tenant: int, size: int) -> None:
        self.waiting.append(len(self.came))
        self.came.append((now, tenant, size))

    def dequeue(self, now: int) -> int | None:
        if not self.waiting:
            return None
        done = self.departures()
        first = min(self.waiting, key=lambda number: done[number])
        self.waiting.remove(first)
        return self.came[first][1]

    def departures(self) -> dict[int, Fraction]:
        left: list[deque[list[Any]]] = [deque() for _ in self.weights]  # number, and what is left of it
        done: dict[int, Fraction] = {}
        now, to_come = Fraction(0), deque(enumerate(self.came))
        while to_come or any(left):
            while to_come and to_come[0][1][0] <= now:
                number, (_, tenant, size) = to_come.popleft()
                left[tenant].append([number, Fraction(size)])
            busy = [tenant for tenant, queue in enumerate(left) if queue]
            total = sum((self.weights[tenant] for tenant in busy), Fraction(0))
            steps = [left[tenant][0][1] * total / self.weights[tenant] for tenant in busy]
            step = min(steps + [to_come[0][1][0] - now for _ in to_come])
            now += step
            for tenant in busy:
                left[tenant][0][1] -= step * self.weights[tenant] / total
                if left[tenant][0][1] == 0:
                    done[left[tenant].popleft()[0]] = now
        return done


@correct(policy="wf2q+")
class Wf2qPlus:
    """WF2Q+: of those whose start tag has come, the smallest finish tag."""

    def __init__(self, weights: Numbers, rate: int = 1) -> None:
        self.shares = [Fraction(weight) * rate / sum(weights) for weight in weights]
        self.queues: list[deque[tuple[Fraction, Fraction]]] = [deque() for _ in weights]
        self.finish = [Fraction(0) for _ in weights]
        self.virtual, self.time = Fraction(0), 0

    def advance(self, now: int) -> None:
        self.virtual, self.time = self.virtual + now - self.time, now

    def enqueue(self, now: int, tenant: int, size: int) -> None:
        self.advance(now)
        start = self.finish[tenant] if self.queues[tenant] else max(self.virtual, self.finish[tenant])
        self.finish[tenant] = start + size / self.shares[tenant]
        self.queues[tenant].append((start, self.finish[tenant]))

    def dequeue(self, now: int) -> int | None:
        self.advance(now)
        heads = {tenant: queue[0] for tenant, queue in enumerate(self.queues) if queue}
        if not heads:
            return None
        self.virtual = max(self.virtual, min(start for start, _ in heads.values()))
        ready = [tenant for tenant, (start, _) in heads.items() if start <= self.virtual]
        tenant = min(ready, key=lambda each: heads[each][1])
        self.queues[tenant].popleft()
        return tenant


class Queues:
    """First in, first out within a tenant; `choose` says of whom the next one is."""

    def __init__(self, weights: Numbers, **_: Any) -> None:
        self.weights = [Fraction(weight) for weight in weights]
        self.queues: list[deque[int]] = [deque() for _ in weights]

    def waiting(self) -> list[int]:
        return [tenant for tenant, queue in enumerate(self.queues) if queue]

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        self.queues[tenant].append(size)

    def dequeue(self, now: float) -> int | None:
        if not self.waiting():
            return None
        tenant = self.choose()
        self.serve(tenant, self.queues[tenant].popleft())
        return tenant

    def choose(self) -> int:
        raise NotImplementedError

    def serve(self, tenant: int, size: int) -> None:
        pass


@correct(policy="vtc")
class Vtc(Queues):
    """The virtual token counter, with the lift."""

    def __init__(self, weights: Numbers) -> None:
        super().__init__(weights)
        self.counters = [Fraction(0) for _ in weights]
        self.last = 0

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        if not self.queues[tenant]:
            self.lift(tenant)
        super().enqueue(now, tenant, size)

    def lift(self, tenant: int) -> None:
        others = [self.counters[each] for each in self.waiting()] or [self.counters[self.last]]
        self.counters[tenant] = max(self.counters[tenant], min(others))

    def choose(self) -> int:
        return min(self.waiting(), key=lambda tenant: self.counters[tenant])

    def serve(self, tenant: int, size: int) -> None:
        self.counters[tenant] += size / self.weights[tenant]
        self.last = tenant


@correct(policy="round-robin")
class RoundRobin(Queues):
    """A list of those who wait; whoever was served goes to its end."""

    def __init__(self, weights: Numbers) -> None:
        super().__init__(weights)
        self.turn: deque[int] = deque()

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        super().enqueue(now, tenant, size)
        if tenant not in self.turn:
            self.turn.append(tenant)

    def choose(self) -> int:
        return self.turn.popleft()

    def serve(self, tenant: int, size: int) -> None:
        if self.queues[tenant]:
            self.turn.append(tenant)


@correct(policy="round-robin")
class Pointer(Queues):
    """A pointer that goes round the circle."""

    at = -1

    def choose(self) -> int:
        count = len(self.queues)
        self.at = next(t for t in ((self.at + 1 + step) % count for step in range(count)) if self.queues[t])
        return self.at


@correct(policy="drr")
class Drr(Queues):
    """Deficit round robin: the quantum is given when a turn begins."""

    def __init__(self, weights: Numbers, quanta: Numbers) -> None:
        super().__init__(weights)
        self.quanta, self.deficits = quanta, [0] * len(weights)
        self.turn: deque[int] = deque()
        self.begun = False

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        if tenant not in self.turn:
            self.turn.append(tenant)
            self.joined(tenant)
        super().enqueue(now, tenant, size)

    def joined(self, tenant: int) -> None:
        self.deficits[tenant] = 0

    def choose(self) -> int:
        while True:
            tenant = self.turn[0]
            if not self.begun:
                self.deficits[tenant] += self.quantum(tenant)
                self.begun = True
            if self.queues[tenant] and self.queues[tenant][0] <= self.deficits[tenant]:
                return tenant
            self.turn.popleft()
            self.begun = False
            self.pass_on(tenant)

    def quantum(self, tenant: int) -> Any:
        return self.quanta[tenant]

    def pass_on(self, tenant: int) -> None:
        if self.queues[tenant]:
            self.turn.append(tenant)
        else:
            self.deficits[tenant] = 0

    def serve(self, tenant: int, size: int) -> None:
        self.deficits[tenant] -= size


@correct(policy="drr")
class KernelDrr(Queues):
    """Deficit round robin as kernels have it: a quantum on joining, and one more when the deficit falls short."""

    def __init__(self, weights: Numbers, quanta: Numbers) -> None:
        super().__init__(weights)
        self.quanta, self.deficits = quanta, [0] * len(weights)
        self.turn: deque[int] = deque()

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        if tenant not in self.turn:
            self.join(tenant)
            self.deficits[tenant] = self.quanta[tenant]
        super().enqueue(now, tenant, size)

    def join(self, tenant: int) -> None:
        self.turn.append(tenant)

    def choose(self) -> int:
        while self.queues[self.turn[0]][0] > self.deficits[self.turn[0]]:
            self.deficits[self.turn[0]] += self.quanta[self.turn[0]]
            self.turn.rotate(-1)
        return self.turn[0]

    def serve(self, tenant: int, size: int) -> None:
        self.deficits[tenant] -= size
        if not self.queues[tenant]:
            self.turn.popleft()


@correct(policy="drr")
class CircleDrr(Queues):
    """Deficit round robin without a list: a pointer goes round, and who has nothing left loses its turn at once."""

    def __init__(self, weights: Numbers, quanta: Numbers) -> None:
        super().__init__(weights)
        self.quanta, self.deficits = quanta, [0] * len(weights)
        self.at, self.begun = 0, False

    def choose(self) -> int:
        while not (self.begun and self.queues[self.at] and self.queues[self.at][0] <= self.deficits[self.at]):
            self.at = (self.at + 1) % len(self.queues)
            self.begun = bool(self.queues[self.at])
            self.deficits[self.at] += self.quanta[self.at] if self.begun else 0
        return self.at

    def serve(self, tenant: int, size: int) -> None:
        self.deficits[tenant] -= size
        if not self.queues[tenant]:
            self.deficits[tenant], self.begun = 0, False


@correct(policy="drr")
class Overdraws(Drr):
    """A request is served while any deficit is left, and what it takes too much is missing from the next turn."""

    def choose(self) -> int:
        while True:
            tenant = self.turn[0]
            if not self.begun:
                self.deficits[tenant] += self.quantum(tenant)
                self.begun = True
            if self.queues[tenant] and self.deficits[tenant] > 0:
                return tenant
            self.turn.popleft()
            self.begun = False
            self.pass_on(tenant)


@correct(policy="drr")
class PopsWhenDone(Drr):
    """What is in service stays in its queue until it is done, so that its tenant stays in the list."""

    serving: int | None = None

    def choose(self) -> int:
        if self.serving is not None:
            self.queues[self.serving].popleft()
        self.serving = super().choose()
        return self.serving

    def waiting(self) -> list[int]:
        return [tenant for tenant, queue in enumerate(self.queues) if len(queue) > (1 if tenant == self.serving else 0)]

    def dequeue(self, now: float) -> int | None:
        if not self.waiting():
            if self.serving is not None:
                self.queues[self.serving].popleft()
            self.serving = None
            return None
        tenant = self.choose()
        self.serve(tenant, self.queues[tenant][0])
        return tenant


@correct(policy="fcfs")
class Fcfs:
    """One queue."""

    def __init__(self, weights: Numbers) -> None:
        self.queue: deque[int] = deque()

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        self.queue.append(tenant)

    def dequeue(self, now: float) -> int | None:
        return self.queue.popleft() if self.queue else None


@correct(policy="priority")
class Priority:
    """A heap by priority, then by arrival."""

    def __init__(self, weights: Numbers, priorities: list[int]) -> None:
        self.priorities = priorities
        self.heap: list[tuple[int, int, int]] = []
        self.count = 0

    def rank(self, tenant: int) -> int:
        return self.priorities[tenant]

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        self.count += 1
        heapq.heappush(self.heap, (self.rank(tenant), self.count, tenant))

    def dequeue(self, now: float) -> int | None:
        return heapq.heappop(self.heap)[2] if self.heap else None
