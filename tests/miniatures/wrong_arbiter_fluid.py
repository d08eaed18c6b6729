"""Arbiters that follow the fluid wrongly: who counts as active, from which tag on, and how fast virtual time runs.

`headgate.tests.fluid_search` finds the schedules of properties/review/suites/fluid.json with these, and with those of
wrong_arbiter.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from headgate.tests.miniatures import wrong
from headgate.tests.miniatures.arbiter import Numbers, Wfq


class Flows(Wfq):
    """Virtual time as it must be, but for `counted`: whose weights slow it down."""

    def counted(self, busy: list[int]) -> Sequence[int]:
        return busy

    def total(self, busy: list[int]) -> Any:
        return sum(self.weights[tenant] for tenant in self.counted(busy))

    def advance(self, now: float) -> None:
        while self.time < now and (busy := self.busy()):
            slope = self.rate / self.total(busy)
            departure = min(self.finish[tenant] for tenant in busy)
            passes = self.time + (departure - self.virtual) / slope
            if passes > now:
                self.virtual += (now - self.time) * slope
                break
            self.virtual, self.time = departure, passes
            self.leave([tenant for tenant in busy if self.finish[tenant] <= departure])
        self.time = self.number(now)

    def leave(self, tenants: list[int]) -> None:
        """Hear of who has left the fluid."""


class Queueing(Flows):
    """Knows how many of a tenant wait in the server."""

    def __init__(self, weights: Numbers, rate: float = 1) -> None:
        super().__init__(weights, rate)
        self.queued = [0] * len(weights)
        self.serving: int | None = None

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        super().enqueue(now, tenant, size)
        self.queued[tenant] += 1

    def dequeue(self, now: float) -> Any:
        self.serving = super().dequeue(now)
        if self.serving is not None:
            self.queued[self.serving] -= 1
        return self.serving


@wrong("WQ-3", policy="wfq")
class ForgetsTheFluid(Queueing):
    """Who comes back to an empty queue starts at the virtual time, though the fluid is not done with it."""

    def start(self, tenant: int) -> Any:
        return super().start(tenant) if self.queued[tenant] else self.virtual


@wrong("WQ-3", policy="wfq")
class GoesOnInTheQueue(Queueing):
    """While something of its own waits a tenant goes on from its last finish tag, though the fluid is done with it."""

    def start(self, tenant: int) -> Any:
        return self.finish[tenant] if self.queued[tenant] else super().start(tenant)


@wrong("WQ-3", policy="wfq")
class ActiveInEither(Queueing):
    """Who waits in the server counts as active too."""

    def counted(self, busy: list[int]) -> Sequence[int]:
        return [tenant for tenant, count in enumerate(self.queued) if count or tenant in busy]


@wrong("WQ-3", policy="wfq")
class ActiveInBoth(Queueing):
    """Active is who is in the fluid and also in the server."""

    def busy(self) -> list[int]:
        return [tenant for tenant in super().busy() if self.queued[tenant] or tenant == self.serving]

    def dequeue(self, now: float) -> Any:
        self.advance(now)
        return super().dequeue(now)


@wrong("WQ-3", policy="wfq")
class AddsWeightsTwice(Queueing):
    """The sum of weights is kept by adding and taking off: who comes back to an empty queue is added once more."""

    def __init__(self, weights: Numbers, rate: float = 1) -> None:
        super().__init__(weights, rate)
        self.sum = Fraction(0)

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        comes_back = not self.queued[tenant]
        super().enqueue(now, tenant, size)
        if comes_back:
            self.sum += self.weights[tenant]

    def total(self, busy: list[int]) -> Any:
        return max(self.sum, super().total(busy))

    def leave(self, tenants: list[int]) -> None:
        self.sum -= sum(self.weights[tenant] for tenant in tenants)

    def advance(self, now: float) -> None:
        super().advance(now)
        if not self.busy():
            self.sum = Fraction(0)


@wrong("WQ-3", policy="wfq")
class CountsHeads(Flows):
    """Virtual time is slowed down by how many are active, whatever they weigh."""

    def total(self, busy: list[int]) -> Any:
        return len(busy) * sum(self.weights) / len(self.weights)


@wrong("WQ-3", policy="wfq")
class WholeVirtualTime(Flows):
    """Virtual time is kept in whole numbers."""

    def advance(self, now: float) -> None:
        super().advance(now)
        self.virtual = Fraction(int(self.virtual))
