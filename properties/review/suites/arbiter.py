"""The role `arbiter`: queues requests of several tenants, and says which goes next.

The conductor is the server: it enqueues every arrival at its time, and asks for the next request whenever the one
before is done. What came out is judged by the bound that belongs to the declared policy, never by another's: order for
FCFS and priorities, the pairwise gap for SFQ and SCFQ, lateness behind the exact fluid for WFQ. Work conservation, and
first in, first out within a tenant, are asked of all.
"""

from collections import deque
from fractions import Fraction
from typing import Protocol

import attrs

from headgate.properties.review.case import Asked, Call, Case, Errored, Violation
from headgate.properties.review.declared import Declared
from headgate.properties.review.suites.arbiter_cases import cases, seeds
from headgate.properties.review.suites.arbiter_judges import JUDGES, Run
from headgate.properties.review.suites.common import Suite, ask, refusable
from headgate.properties.review.targets import Session
from headgate.spec.vocabulary import Policing, Request, Service

__all__ = ["SUITE", "ArbiterLike"]


class ArbiterLike(Protocol):
    """An object that holds one queue a tenant, and picks. Tenants are 0, 1, ...; the factory is given their weights."""

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        """Take a request of `size` bytes of `tenant` at `now`, in units of the declared clock."""

    def dequeue(self, now: float) -> int | tuple[int, int] | None:
        """Return the tenant (or tenant and size) of the request that goes into service at `now`; None if none waits."""


# ---- the conductor ----


class _Conductor:
    """The server: one request at a time, and the queues as they must be."""

    def __init__(self, case: Case, session: Session, declared: Declared, log: list[Asked]) -> None:
        self.session, self.log, self.clock = session, log, declared.clock
        self.weights = declared.exact(case.configuration, "weights")
        self.rate = declared.exact({"rate": 1, **case.configuration}, "rate") / declared.clock.unit_ns
        self.whole = declared.policy != "drr"
        self.to_come = deque(self._whole(call) for call in case.calls)
        self.queues: list[deque[Request]] = [deque() for _ in self.weights]

    def services(self) -> list[Service]:
        """Run to the end; return the services in the order of their start."""
        now, done = Fraction(0), []
        while self.to_come or any(self.queues):
            if not any(self.queues):
                now = max(now, Fraction(int(self.to_come[0].arguments["now_ns"])))
            self._enqueue(now)
            request = self._dequeue(now)
            finish = now + request.bytes / self.rate
            arrival = Fraction(request.arrival_ns)
            done.append(Service(request, Policing.PACED, arrival, now, finish))
            now = finish
            self._enqueue(now)
            if not any(self.queues):
                self._rest(now)
        return done

    def _whole(self, call: Call) -> Call:
        """Return the call with the next size that is served in whole quanta of the clock, so that the end can be told.

        Were it the service that is rounded, the server would be slower than its rate, and every bound too tight. Under
        DRR, to which the time is nothing, sizes stay: none may grow beyond its quantum.
        """
        if not self.whole:
            return call
        least, size = (self.rate * self.clock.quantum_ns).numerator, int(call.arguments["size"])
        return attrs.evolve(call, arguments={**call.arguments, "size": -(-size // least) * least})

    def _enqueue(self, now: Fraction) -> None:
        while self.to_come and int(self.to_come[0].arguments["now_ns"]) <= now:
            call = self.to_come.popleft()
            ask(self.session, call, self.log)
            tenant, size = int(call.arguments["tenant"]), int(call.arguments["size"])
            self.queues[tenant].append(Request(tenant, int(call.arguments["now_ns"]), size))

    def _rest(self, now: Fraction) -> None:
        """Ask once where nothing waits, as a server that is free does: it tells the end of a busy period."""
        call = Call("dequeue", {"now_ns": int(now)})
        answer = refusable(self.session, call, self.log)
        if answer is not None and answer is not False:
            tenant, _ = _picked(call, answer, len(self.queues))
            raise Violation("AR-1", f"serves tenant {tenant} at {now} ns", "nobody: nothing waits")

    def _dequeue(self, now: Fraction) -> Request:
        call = Call("dequeue", {"now_ns": int(now)})
        tenant, size = _picked(call, ask(self.session, call, self.log), len(self.queues))
        waiting = [number for number, queue in enumerate(self.queues) if queue]
        if tenant is None:
            words = ", ".join(str(number) for number in waiting)
            raise Violation("AR-1", f"serves nobody at {now} ns", f"a request of a tenant that waits: {words}")
        if not self.queues[tenant]:
            raise Violation("AR-1", f"serves tenant {tenant} at {now} ns, of whom nothing waits", f"one of {waiting}")
        request = self.queues[tenant].popleft()
        if size is not None and size != request.bytes:
            seen = f"serves {size} bytes of tenant {tenant} at {now} ns"
            raise Violation("AR-2", seen, f"its oldest request, {request.bytes} bytes")
        return request


def _picked(call: Call, answer: object, tenants: int) -> tuple[int | None, int | None]:
    """Return (tenant, size) of an answer: a tenant, a pair, or None."""
    if answer is None:
        return None, None
    size: object = None
    if isinstance(answer, tuple | list) and len(answer) == 2:
        answer, size = answer
    whole = isinstance(answer, int) and not isinstance(answer, bool) and 0 <= answer < tenants
    if not whole or not (size is None or isinstance(size, int)):
        raise Errored("garbage", f"{call} returned {answer!r:.80}, expected a tenant from 0 to {tenants - 1}, or None")
    return int(str(answer)), size if isinstance(size, int) else None


def conduct(case: Case, session: Session, declared: Declared, log: list[Asked]) -> None:
    """Serve what the case says, and judge the whole."""
    conductor = _Conductor(case, session, declared, log)
    services = conductor.services()
    priorities = tuple(case.configuration.get("priorities", (0,) * len(conductor.weights)))
    quanta = declared.exact({"quanta": (), **case.configuration}, "quanta")
    run = Run(tuple(services), conductor.rate, conductor.weights, priorities, quanta, declared.tolerance)
    if services:
        JUDGES[declared.policy](run)


SUITE = Suite(
    "arbiter",
    "queues requests of several tenants, and picks the next",
    ArbiterLike,
    {
        "weights": "one a tenant",
        "rate": "bytes a unit of the clock that the server serves (1)",
        "priorities": "one a tenant, 0 the best (priority alone)",
        "quanta": "bytes, one a tenant, none below its largest request (drr alone)",
    },
    ("sfq", "scfq", "wfq", "wf2q+", "vtc", "drr", "round-robin", "fcfs", "priority"),
    cases,
    conduct,
    seeds,
)
