"""The role `arbiter`: queues requests of several tenants, and says which goes next.

The conductor is the server: it enqueues every arrival at its time, and asks for the next request whenever the one
before is done. What came out is judged by the bound that belongs to the declared policy, never by another's: order for
FCFS and priorities, the pairwise gap for SFQ and SCFQ, lateness behind the exact fluid for WFQ. Work conservation, and
first in, first out within a tenant, are asked of all.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Protocol

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from headgate.model.bounds import gps_lateness, pairwise_gap, vtc_gap, wfq_delay
from headgate.model.fairness import worst_gap, worst_waiting_gap
from headgate.model.gps import GpsRequest, departures
from headgate.model.promise import charge, expected_arrival
from headgate.properties.review.case import Asked, Call, Case, Errored, Violation
from headgate.properties.review.declared import Declared, number_text, plain
from headgate.properties.review.suites.common import Suite, ask
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


@attrs.frozen
class _Run:
    """What came out: the services in order, times in ns, the server's rate in bytes a ns, and the tenants' numbers."""

    services: tuple[Service, ...]
    rate: Fraction
    weights: tuple[Fraction, ...]
    priorities: tuple[int, ...]
    tolerance: Fraction


class _Conductor:
    """The server: one request at a time, and the queues as they must be."""

    def __init__(self, case: Case, session: Session, declared: Declared, log: list[Asked]) -> None:
        self.session, self.log, self.clock = session, log, declared.clock
        self.weights = tuple(Fraction(weight) for weight in case.configuration["weights"])
        self.rate = Fraction(case.configuration.get("rate", 1)) / declared.clock.unit_ns
        self.to_come = deque(case.calls)
        self.queues: list[deque[Request]] = [deque() for _ in self.weights]

    def services(self) -> list[Service]:
        """Run to the end; return the services in the order of their start."""
        now, done = Fraction(0), []
        while self.to_come or any(self.queues):
            if not any(self.queues):
                now = max(now, Fraction(int(self.to_come[0].arguments["now_ns"])))
            self._enqueue(now)
            request = self._dequeue(now)
            finish = now + self._duration(request.bytes)
            arrival = Fraction(request.arrival_ns)
            done.append(Service(request, Policing.PACED, arrival, now, finish))
            now = finish
        return done

    def _duration(self, size: int) -> Fraction:
        """Return how long a service takes, in whole quanta of the clock, so that its end can be told."""
        quantum = self.clock.quantum_ns
        exact = Fraction(size) / self.rate
        return Fraction(-(-exact.numerator // (exact.denominator * quantum)) * quantum)

    def _enqueue(self, now: Fraction) -> None:
        while self.to_come and int(self.to_come[0].arguments["now_ns"]) <= now:
            call = self.to_come.popleft()
            ask(self.session, call, self.log)
            tenant, size = int(call.arguments["tenant"]), int(call.arguments["size"])
            self.queues[tenant].append(Request(tenant, int(call.arguments["now_ns"]), size))

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


def conduct(case: Case, session: Session, declared: Declared, log: list[Asked]) -> float | None:
    """Serve what the case says, and judge the whole; return how close it came to the bound (1: reached)."""
    conductor = _Conductor(case, session, declared, log)
    services = conductor.services()
    priorities = tuple(case.configuration.get("priorities", (0,) * len(conductor.weights)))
    run = _Run(tuple(services), conductor.rate, conductor.weights, priorities, declared.tolerance)
    return JUDGES[declared.policy](run) if services else None


# ---- the judges ----


def _waiting_at(run: _Run, number: int) -> list[Service]:
    """Return the services from `number` on whose requests wait when that one starts."""
    start = run.services[number].start_ns
    return [service for service in run.services[number:] if service.release_ns <= start]


def _fcfs(run: _Run) -> None:
    """Whoever came first goes first; those of one instant in the order of their calls, which the file keeps."""
    for number, service in enumerate(run.services):
        first = min(each.release_ns for each in _waiting_at(run, number))
        if service.release_ns > first:
            late = f"serves a request that arrived at {service.release_ns} ns at {service.start_ns} ns"
            raise Violation("AR-3", late, f"the one that arrived at {first} ns")


def _priority(run: _Run) -> None:
    """Nobody of a better priority waits when a request is served."""
    for number, service in enumerate(run.services):
        best = min(run.priorities[each.request.tenant] for each in _waiting_at(run, number))
        served = run.priorities[service.request.tenant]
        if served > best:
            raise Violation(
                "AR-4", f"serves priority {served} at {service.start_ns} ns", f"priority {best}, which waits"
            )


def _round_robin(run: _Run) -> None:
    """While a tenant waits, every other is served at most once before it; whoever keeps the list and the pointer."""
    for tenant in range(len(run.weights)):
        since: dict[int, int] = {}
        for number, service in enumerate(run.services):
            waits = any(each.request.tenant == tenant for each in _waiting_at(run, number))
            if not waits or service.request.tenant == tenant:
                since = {}
                continue
            other = service.request.tenant
            since[other] = since.get(other, 0) + 1
            if since[other] > 1:
                twice = f"serves tenant {other} twice by {service.start_ns} ns while tenant {tenant} waits"
                raise Violation("AR-5", twice, "one request a turn of everybody who waits")


def _gap(clause: str) -> Callable[[_Run], float]:
    """Return the judge of the pairwise gap, at most L_i / w_i + L_j / w_j while both are backlogged."""

    def judge(run: _Run) -> float:
        score = 0.0
        for i in range(len(run.weights)):
            for j in range(i + 1, len(run.weights)):
                bound = pairwise_gap(_largest_cost(run, i), _largest_cost(run, j))
                gap = worst_gap(run.services, run.weights, i, j)
                score = max(score, float(gap.size_ns / bound) if gap is not None else 0.0)
                if gap is not None and gap.size_ns > bound * (1 + run.tolerance):
                    ahead = f"tenant {gap.ahead} gets {number_text(gap.size_ns)} more than tenant {gap.behind}"
                    seen = f"{ahead}, bytes over weight, in [{gap.begin_ns}, {gap.end_ns}] ns"
                    raise Violation(clause, seen, f"at most {number_text(Fraction(bound))} while both are backlogged")
        return score

    return judge


def _vtc(run: _Run) -> float:
    """Of two clients that wait, none is charged more than 2 U beyond the other."""
    most = max(_largest_cost(run, tenant) for tenant in range(len(run.weights)))
    bound, score = Fraction(vtc_gap(most)), 0.0
    for i in range(len(run.weights)):
        for j in range(i + 1, len(run.weights)):
            gap = worst_waiting_gap(run.services, run.weights, i, j)
            score = max(score, float(gap.size_ns / bound) if gap is not None else 0.0)
            if gap is not None and gap.size_ns > bound * (1 + run.tolerance):
                ahead = f"client {gap.ahead} is charged {number_text(gap.size_ns)} more than client {gap.behind}"
                seen = f"{ahead} in [{gap.begin_ns}, {gap.end_ns}] ns, while both wait"
                raise Violation("VT-3", seen, f"at most {number_text(bound)}, twice the largest cost")
    return score


def _wf2q_plus(run: _Run) -> float:
    """Every request finishes within l / r + L / R of its expected arrival, r its tenant's share of the rate."""
    total = sum(run.weights, Fraction(0))
    shares = [run.rate * weight / total for weight in run.weights]
    longest = max(s.request.bytes for s in run.services)
    ledgers: list[tuple[Fraction, Fraction]] = [(Fraction(0), Fraction(0))] * len(shares)
    score = 0.0
    for service in sorted(run.services, key=lambda s: s.release_ns):
        tenant, size, at = service.request.tenant, service.request.bytes, service.release_ns
        share, (ledger, since) = shares[tenant], ledgers[tenant]
        owed, after = charge(ledger, share, at - since, size)
        ledgers[tenant] = (Fraction(after), at)
        expected = Fraction(expected_arrival(at, owed, 1 / share))
        latest = expected + Fraction(wfq_delay(size, longest, run.rate, 0, share))
        score = max(score, float((service.finish_ns - at) / (latest - at)))
        if service.finish_ns > latest + run.tolerance * service.finish_ns:
            words = f"tenant {tenant} at {service.finish_ns} ns, expected to arrive at {number_text(expected)}"
            raise Violation("WF-3", f"finishes a request of {words}", f"by {number_text(latest)} ns")
    return score


def _largest_cost(run: _Run, tenant: int) -> Fraction:
    sizes = [service.request.bytes for service in run.services if service.request.tenant == tenant]
    return Fraction(max(sizes, default=0)) / run.weights[tenant]


def _wfq(run: _Run) -> float:
    """Every request finishes at most the largest request over the rate after the exact fluid is done with it."""
    services = sorted(run.services, key=lambda service: service.release_ns)
    given = [GpsRequest(s.request.tenant, s.release_ns, s.request.bytes) for s in services]
    fluid = departures(given, run.weights, run.rate)
    largest = max(s.request.bytes for s in services)
    slack, score = Fraction(gps_lateness(largest, run.rate, 0)), 0.0
    for service, done in zip(services, fluid, strict=True):
        score = max(score, float((service.finish_ns - done) / slack))
        if service.finish_ns > done + slack + run.tolerance * service.finish_ns:
            seen = f"finishes a request of tenant {service.request.tenant} at {service.finish_ns} ns"
            fluid_is_done = f"the fluid is done at {number_text(done)}"
            expected = (
                f"by {number_text(done + slack)} ns: {fluid_is_done}, the largest request takes {number_text(slack)}"
            )
            raise Violation("WQ-3", seen, expected)
    return score


JUDGES: Mapping[str, Callable[[_Run], float | None]] = {
    "sfq": _gap("FQ-4"),
    "scfq": _gap("FQ-7"),
    "wfq": _wfq,
    "wf2q+": _wf2q_plus,
    "vtc": _vtc,
    "round-robin": _round_robin,
    "fcfs": _fcfs,
    "priority": _priority,
}


# ---- what is offered ----


@st.composite
def _cases(draw: DrawFn, declared: Declared) -> Case:
    fixed = {name: plain(value) for name, value in declared.numbers.items()}
    count = len(fixed["weights"]) if "weights" in fixed else draw(st.integers(2, 5))
    weights = fixed.get("weights") or draw(
        st.lists(st.sampled_from((1, 1, 2, 3, 5, 10)), min_size=count, max_size=count)
    )
    configuration: dict[str, Any] = {"weights": weights, **fixed}
    if declared.policy == "priority" and "priorities" not in fixed:
        configuration["priorities"] = draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    calls: list[tuple[int, int, int]] = []
    begin = 0
    for _ in range(draw(st.integers(1, 3))):
        begin = _stretch(draw, count, begin, calls)
    return Case(configuration, _calls(calls, declared))


def _stretch(draw: DrawFn, count: int, begin: int, calls: list[tuple[int, int, int]]) -> int:
    """Add a stretch of arrivals (time, tenant, size) and return when the next may begin: during it, or after."""
    shape = draw(st.sampled_from(("mingled", "flood", "return", "clocked", "together")))
    tenant, size = st.integers(0, count - 1), st.one_of(st.integers(1, 9), st.sampled_from((1, 9)))
    if shape == "mingled":
        for _ in range(draw(st.integers(1, 10))):
            calls.append((begin + draw(st.integers(0, 40)), draw(tenant), draw(size)))
    elif shape == "flood":
        who, each = draw(tenant), draw(size)
        calls += [(begin, who, each)] * draw(st.integers(2, 9))
        calls.append((begin + draw(st.integers(0, 9)), draw(tenant), draw(size)))
    elif shape == "return":
        who, busy = draw(tenant), draw(tenant)
        calls.append((begin, who, draw(size)))
        calls += [(begin, busy, draw(size)) for _ in range(draw(st.integers(1, 5)))]
        later = begin + draw(st.integers(1, 30))
        calls += [(later, who, draw(size)) for _ in range(draw(st.integers(1, 4)))]
    elif shape == "clocked":
        who, each = draw(tenant), draw(size)
        number = draw(st.integers(2, 6))
        calls += [(begin, who, each)] * number
        calls += [
            (begin + each * draw(st.integers(1, number)), draw(tenant), draw(size))
            for _ in range(draw(st.integers(1, 4)))
        ]
    else:
        calls += [(begin, each, draw(size)) for each in range(count) for _ in range(draw(st.integers(1, 2)))]
    last = max(at for at, _, _ in calls)
    return draw(st.sampled_from((begin, last, last + 1, last + 100)))


def _calls(arrivals: Sequence[tuple[int, int, int]], declared: Declared) -> tuple[Call, ...]:
    unit = declared.clock.unit_ns
    ordered = sorted(arrivals, key=lambda arrival: arrival[0])
    return tuple(Call("enqueue", {"now_ns": at * unit, "tenant": who, "size": size}) for at, who, size in ordered)


def cases(declared: Declared) -> SearchStrategy[Case]:
    """Draw cases for what was declared."""
    return _cases(declared)


# A flood of small requests, and a larger one of another tenant: a tag that forgets the finish of the one before.
_FLOOD = [(0, 0, 1)] * 9 + [(0, 1, 2)]
# A tenant that was idle comes back: it must not be paid for its absence, nor pay for the others' presence.
_RETURN = [(0, 0, 1)] * 12 + [(6, 1, 1)] * 8
# A tenant leaves the fluid between two departures and comes back before the server has served it.
_LEAVES = [(0, 0, 9), (0, 1, 1), (0, 2, 9), (3, 1, 1), (4, 1, 9), (9, 2, 9)]


def seeds(declared: Declared) -> list[Case]:
    """Return the cases that are always run."""
    fixed = {name: plain(value) for name, value in declared.numbers.items()}
    count = len(fixed.get("weights", (1, 1, 1)))
    made = []
    for arrivals in (_FLOOD, _RETURN, _LEAVES):
        configuration: dict[str, Any] = {"weights": [1] * count, **fixed}
        if declared.policy == "priority":
            configuration.setdefault("priorities", list(range(count)))
        told = [(at, who, size) for at, who, size in arrivals if who < count]
        made.append(Case(configuration, _calls(told, declared)))
    return made


SUITE = Suite(
    "arbiter",
    "queues requests of several tenants, and picks the next",
    ArbiterLike,
    {
        "weights": "one a tenant",
        "rate": "bytes a unit of the clock that the server serves (1)",
        "priorities": "one a tenant, 0 the best (priority alone)",
    },
    ("sfq", "scfq", "wfq", "wf2q+", "vtc", "round-robin", "fcfs", "priority"),
    cases,
    conduct,
    seeds,
)
