"""How what an arbiter did is judged: by the bound that belongs to its policy, never by another's."""

import itertools
from collections.abc import Callable, Mapping
from fractions import Fraction

import attrs

from headgate.model.bounds import gps_lateness, pairwise_gap, round_gap, vtc_gap, wfq_delay
from headgate.model.fairness import worst_gap, worst_waiting_gap
from headgate.model.gps import GpsRequest, departures
from headgate.model.promise import charge, expected_arrival
from headgate.properties.review.case import Violation
from headgate.properties.review.declared import number_text
from headgate.spec.vocabulary import Service

__all__ = ["JUDGES", "Run", "stays_in_the_list"]


@attrs.frozen
class Run:
    """What came out: the services in order, times in ns, the server's rate in bytes a ns, and the tenants' numbers."""

    services: tuple[Service, ...]
    rate: Fraction
    weights: tuple[Fraction, ...]
    priorities: tuple[int, ...]
    quanta: tuple[Fraction, ...]
    tolerance: Fraction


def _waiting_at(run: Run, number: int) -> list[Service]:
    """Return the services from `number` on whose requests wait when that one starts."""
    start = run.services[number].start_ns
    return [service for service in run.services[number:] if service.release_ns <= start]


def _fcfs(run: Run) -> None:
    """Whoever came first goes first; those of one instant in the order of their calls, which the file keeps."""
    for number, service in enumerate(run.services):
        first = min(each.release_ns for each in _waiting_at(run, number))
        if service.release_ns > first:
            late = f"serves a request that arrived at {service.release_ns} ns at {service.start_ns} ns"
            raise Violation("AR-3", late, f"the one that arrived at {first} ns")


def _priority(run: Run) -> None:
    """Nobody of a better priority waits when a request is served."""
    for number, service in enumerate(run.services):
        best = min(run.priorities[each.request.tenant] for each in _waiting_at(run, number))
        served = run.priorities[service.request.tenant]
        if served > best:
            raise Violation(
                "AR-4", f"serves priority {served} at {service.start_ns} ns", f"priority {best}, which waits"
            )


def _round_robin(run: Run) -> None:
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


def _gap(clause: str) -> Callable[[Run], None]:
    """Return the judge of the pairwise gap, at most L_i / w_i + L_j / w_j while both are backlogged."""

    def judge(run: Run) -> None:
        for i in range(len(run.weights)):
            for j in range(i + 1, len(run.weights)):
                bound = pairwise_gap(_largest_cost(run, i), _largest_cost(run, j))
                gap = worst_gap(run.services, run.weights, i, j)
                if gap is not None and gap.size_ns > bound * (1 + run.tolerance):
                    ahead = f"tenant {gap.ahead} gets {number_text(gap.size_ns)} more than tenant {gap.behind}"
                    seen = f"{ahead}, bytes over weight, in [{gap.begin_ns}, {gap.end_ns}] ns"
                    raise Violation(clause, seen, f"at most {number_text(Fraction(bound))} while both are backlogged")

    return judge


def _drr(run: Run) -> None:
    """Counted in rounds, two tenants that are backlogged are at most a turn and the largest request of each apart.

    Who has only a request in service is backlogged, says the clause; kernels take it off the list then, and when it
    comes back it joins the end. Which of the two an arbiter means it shows itself: off the list, nobody who comes back
    goes before those who waited all the while. Who lets one go on is held to the clause; the others, to it while both
    tenants wait. So the accused is neither right by the clause nor right as kernels are.
    """
    stays = stays_in_the_list(run)
    measured, words = (worst_gap, "are backlogged") if stays else (worst_waiting_gap, "wait")
    for i in range(len(run.quanta)):
        for j in range(i + 1, len(run.quanta)):
            bound = Fraction(round_gap(*(_largest(run, tenant) / run.quanta[tenant] for tenant in (i, j))))
            gap = measured(run.services, run.quanta, i, j)
            if gap is not None and gap.size_ns > bound * (1 + run.tolerance):
                ahead = f"tenant {gap.ahead} gets {number_text(gap.size_ns)} rounds more than tenant {gap.behind}"
                seen = f"{ahead}, bytes over quantum, in [{gap.begin_ns}, {gap.end_ns}] ns"
                raise Violation("AR-9", seen, f"at most {number_text(bound)} while both {words}")


def stays_in_the_list(run: Run) -> bool:
    """Return whether a tenant of whom nothing waited any more went on when it came back in time.

    That is, whether it is served twice in a row, though its second request came after the first service had begun, and
    a request of another waited from before then until after.
    """
    for number, (first, second) in enumerate(itertools.pairwise(run.services)):
        came_back = second.request.tenant == first.request.tenant and second.release_ns > first.start_ns
        if came_back and any(each.release_ns <= first.start_ns for each in run.services[number + 2 :]):
            return True
    return False


def _vtc(run: Run) -> None:
    """Of two clients that wait, none is charged more than 2 U beyond the other."""
    most = max(_largest_cost(run, tenant) for tenant in range(len(run.weights)))
    bound = Fraction(vtc_gap(most))
    for i in range(len(run.weights)):
        for j in range(i + 1, len(run.weights)):
            gap = worst_waiting_gap(run.services, run.weights, i, j)
            if gap is not None and gap.size_ns > bound * (1 + run.tolerance):
                ahead = f"client {gap.ahead} is charged {number_text(gap.size_ns)} more than client {gap.behind}"
                seen = f"{ahead} in [{gap.begin_ns}, {gap.end_ns}] ns, while both wait"
                raise Violation("VT-3", seen, f"at most {number_text(bound)}, twice the largest cost")


def _wf2q_plus(run: Run) -> None:
    """Every request finishes within l / r + L / R of its expected arrival, r its tenant's share of the rate."""
    total = sum(run.weights, Fraction(0))
    shares = [run.rate * weight / total for weight in run.weights]
    longest = max(s.request.bytes for s in run.services)
    ledgers: list[tuple[Fraction, Fraction]] = [(Fraction(0), Fraction(0))] * len(shares)
    for service in sorted(run.services, key=lambda s: s.release_ns):
        tenant, size, at = service.request.tenant, service.request.bytes, service.release_ns
        share, (ledger, since) = shares[tenant], ledgers[tenant]
        owed, after = charge(ledger, share, at - since, size)
        ledgers[tenant] = (Fraction(after), at)
        expected = Fraction(expected_arrival(at, owed, 1 / share))
        latest = expected + Fraction(wfq_delay(size, longest, run.rate, 0, share))
        if service.finish_ns > latest + run.tolerance * service.finish_ns:
            words = f"tenant {tenant} at {service.finish_ns} ns, expected to arrive at {number_text(expected)}"
            raise Violation("WF-3", f"finishes a request of {words}", f"by {number_text(latest)} ns")


def _largest_cost(run: Run, tenant: int) -> Fraction:
    return _largest(run, tenant) / run.weights[tenant]


def _largest(run: Run, tenant: int) -> Fraction:
    return Fraction(max((s.request.bytes for s in run.services if s.request.tenant == tenant), default=0))


def _wfq(run: Run) -> None:
    """Every request finishes at most the largest request over the rate after the exact fluid is done with it."""
    services = sorted(run.services, key=lambda service: service.release_ns)
    given = [GpsRequest(s.request.tenant, s.release_ns, s.request.bytes) for s in services]
    fluid = departures(given, run.weights, run.rate)
    largest = max(s.request.bytes for s in services)
    slack = Fraction(gps_lateness(largest, run.rate, 0))
    for service, done in zip(services, fluid, strict=True):
        if service.finish_ns > done + slack + run.tolerance * service.finish_ns:
            seen = f"finishes a request of tenant {service.request.tenant} at {service.finish_ns} ns"
            fluid_is_done = f"the fluid is done at {number_text(done)}"
            expected = (
                f"by {number_text(done + slack)} ns: {fluid_is_done}, the largest request takes {number_text(slack)}"
            )
            raise Violation("WQ-3", seen, expected)


JUDGES: Mapping[str, Callable[[Run], None]] = {
    "sfq": _gap("FQ-4"),
    "scfq": _gap("FQ-7"),
    "wfq": _wfq,
    "wf2q+": _wf2q_plus,
    "vtc": _vtc,
    "drr": _drr,
    "round-robin": _round_robin,
    "fcfs": _fcfs,
    "priority": _priority,
}
