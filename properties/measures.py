"""What the properties measure on a run: windows of traffic, uptime, gaps in service, and the log of an arbiter.

Each is the plain definition (every window, every pair), because it is what the clauses speak of.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

import attrs

from headgate.model.arbiters import NO_STAMP, Arrival, Policy, Stamp, Tenants
from headgate.model.fairness import worst_gap
from headgate.model.refresh import Refresh
from headgate.model.simulator import Server, simulate, tenants_of
from headgate.properties.strategies import Offer, Scenario
from headgate.spec.vocabulary import Contract, Execution, Request, Service

Bound = Callable[[Fraction], Any]
"""From the length of a closed window, in ns, to the most bytes that may fall into it."""


# Windows of traffic.


@attrs.frozen
class Sent:
    """Bytes that a gate let through, and when."""

    at: Fraction
    size: int


def arrivals_of(offers: Iterable[Offer]) -> list[Sent]:
    """Return the offers at their absolute times."""
    now, sent = Fraction(0), []
    for offer in offers:
        now += offer.elapsed
        sent.append(Sent(now, offer.size))
    return sent


def admitted(offers: Iterable[Offer], decisions: Iterable[bool]) -> list[Sent]:
    """Return the offers that were let through."""
    return [sent for sent, passed in zip(arrivals_of(offers), decisions, strict=True) if passed]


def required_decisions(offers: Sequence[Offer], decisions: Sequence[bool], bound: Bound) -> list[bool]:
    """Return what each decision had to be after those before it: yes iff no closed window then exceeds `bound`."""
    sent: list[Sent] = []
    required = []
    for at, passed in zip(arrivals_of(offers), decisions, strict=True):
        required.append(at.size <= room(sent, at.at, bound))
        if passed:
            sent.append(at)
    return required


def overrun(sent: Sequence[Sent], bound: Bound) -> Fraction:
    """Return by how many bytes the worst closed window of `sent` (ordered by time) exceeds `bound`; 0 if none does."""
    worst = Fraction(0)
    for first, begin in enumerate(sent):
        total = 0
        for last in sent[first:]:
            total += last.size
            worst = max(worst, total - Fraction(bound(last.at - begin.at)))
    return worst


def room(sent: Sequence[Sent], now: Fraction, bound: Bound) -> Fraction:
    """Return the most bytes that can be sent `now`, after `sent`, such that no closed window exceeds `bound`."""
    total, least = 0, Fraction(bound(Fraction(0)))
    for before in reversed(sent):
        total += before.size
        least = min(least, Fraction(bound(now - before.at)) - total)
    return least


def owed(sent: Sequence[Sent], now: Fraction, rate: Fraction) -> Fraction:
    """Return the bytes of `sent` that a private channel of `rate`, idle before, still has to send `now`.

    That is the most by which the bytes since some moment exceed what the channel sends from then on.
    """
    total, most = 0, Fraction(0)
    for before in reversed(sent):
        total += before.size
        most = max(most, total - rate * (now - before.at))
    return most


# Uptime of a server.


def uptime(refresh: Refresh | None, offset: Fraction, begin: Fraction, end: Fraction) -> Fraction:
    """Return the ns of [begin, end] outside the blackouts that begin at -offset + k intervals."""
    if refresh is None:
        return end - begin
    dark, first = Fraction(0), (begin + offset) // refresh.interval
    last = (end + offset) // refresh.interval
    for number in range(int(first), int(last) + 1):
        blackout = number * refresh.interval - offset
        dark += max(Fraction(0), min(end, blackout + refresh.blackout) - max(begin, blackout))
    return end - begin - dark


def is_first_moment(server: Server, finish: Fraction) -> bool:
    """Return whether the server was up right before `finish`, so that a service could not have ended sooner."""
    if server.refresh is None:
        return True
    phase = (finish + server.offset_ns) % server.refresh.interval
    return bool(phase == 0 or phase > server.refresh.blackout)


# Service.


def in_line(execution: Execution) -> list[Service]:
    """Return the services that were arbitrated (all but background traffic), in the order of their start."""
    return [service for service in execution.services if service.expected_ns is not None]


def largest_of(services: Sequence[Service], tenant: int) -> int:
    """Return the largest request of `tenant` among `services`, in bytes; 0 if there is none."""
    return max((s.request.bytes for s in services if s.request.tenant == tenant), default=0)


def file_positions(scenario: Scenario, services: Sequence[Service]) -> list[int]:
    """Return where the request of each service stands in the file; equal requests are counted in their order."""
    places: dict[Request, deque[int]] = {}
    for number, request in enumerate(scenario.requests):
        places.setdefault(request, deque()).append(number)
    return [places[service.request].popleft() for service in services]


def busy_spans(services: Sequence[Service], tenant: int) -> list[tuple[Fraction, Fraction]]:
    """Return the maximal periods in which `tenant` has a request released and not finished."""
    spans: list[tuple[Fraction, Fraction]] = []
    for service in sorted((s for s in services if s.request.tenant == tenant), key=lambda s: s.release_ns):
        if spans and service.release_ns <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], service.finish_ns))
        else:
            spans.append((service.release_ns, service.finish_ns))
    return spans


def widest_gap(services: Sequence[Service], weights: Sequence[Fraction], i: int, j: int) -> Fraction:
    """Return the largest surplus of normalised service of `i` over `j` in a window in which both are backlogged.

    Every window from the start of one service to the finish of another is tried; a service counts if it lies inside.
    """
    widest = Fraction(0)
    for begin_i, end_i in busy_spans(services, i):
        for begin_j, end_j in busy_spans(services, j):
            begin, end = max(begin_i, begin_j), min(end_i, end_j)
            inside = [
                s for s in services
                if s.request.tenant in (i, j) and begin <= s.start_ns and s.finish_ns <= end
            ]  # fmt: skip
            for first in range(len(inside)):
                surplus = Fraction(0)
                for service in inside[first:]:
                    sign = 1 if service.request.tenant == i else -1
                    surplus += sign * service.request.bytes / weights[service.request.tenant]
                    widest = max(widest, surplus)
    return widest


@attrs.frozen
class PairGap:
    """Two tenants: the gap between them by the definition and by the model, and what bounds it, all in ns."""

    widest: Fraction
    measured: Fraction
    bound: Fraction


def pair_gaps(scenario: Scenario, services: Sequence[Service]) -> Iterator[PairGap]:
    """Yield the gap of every pair of tenants; the bound is that of the largest requests that they had served."""
    weights = [contract.guaranteed_bytes_per_ns for contract in scenario.contracts]
    for i, j in combinations(range(len(weights)), 2):
        gap = worst_gap(services, weights, i, j)
        yield PairGap(
            max(widest_gap(services, weights, i, j), widest_gap(services, weights, j, i)),
            Fraction(0) if gap is None else gap.size_ns,
            largest_of(services, i) / weights[i] + largest_of(services, j) / weights[j],
        )


@attrs.frozen
class Lateness:
    """One request served in line: its size, the sum of the others' largest, and ns from expected arrival to finish."""

    tenant: int
    size: int
    others: int
    delay: Fraction


def goyal_lateness(scenario: Scenario, services: Sequence[Service]) -> Iterator[Lateness]:
    """Yield every in-line service; its expected arrival is max(release, the one before + its size / g)."""
    largest = [largest_of(services, tenant) for tenant in range(len(scenario.contracts))]
    due = [Fraction(0) for _ in largest]
    for service in services:
        tenant, size = service.request.tenant, service.request.bytes
        expected = max(service.release_ns, due[tenant])
        due[tenant] = expected + size / scenario.contracts[tenant].guaranteed_bytes_per_ns
        yield Lateness(tenant, size, sum(largest) - largest[tenant], service.finish_ns - expected)


def blocked(order: tuple[int, int, int]) -> Scenario:
    """Return a run that comes close to l / g + L / R; `order` says where the tenants x, a and b stand.

    x is alone until just before 1, and then begins its largest request; at 1 come a and b with equal deadlines.
    """
    guarantees = (Fraction(1), Fraction(1), Fraction(6))
    contracts: list[Contract] = [Contract("")] * 3
    for name, place, g in zip("xab", order, guarantees, strict=True):
        contracts[place] = Contract(name, g, g, Fraction(0), 64)
    x, a, b = order
    requests = (Request(x, 0, 7), Request(x, 0, 64), Request(a, 1, 1), Request(b, 1, 6))
    return Scenario(tuple(contracts), Server(Fraction(8)), requests)


# The log of an arbiter.


@attrs.frozen
class Stamping:
    """A request was stamped: the state before and after."""

    tenant: int
    arrival: Arrival
    stamp: Stamp
    before: Any
    after: Any


@attrs.frozen
class Choice:
    """A tenant was chosen, its head goes into service: the state before and after."""

    tenant: int
    before: Any
    after: Any


@attrs.frozen
class Rest:
    """The server was free and nobody waited in line."""

    before: Any
    after: Any


Event = Stamping | Choice | Rest


@attrs.frozen
class Log:
    """What an arbiter did in a run: its events in order, the in-line services, and the contracts of the tenants."""

    events: list[Event]
    services: list[Service]
    contracts: tuple[Contract, ...]


def recorded_run(scenario: Scenario, policy: Policy) -> Log:
    """Run the simulator with `policy` and write down each of its steps."""
    events: list[Event] = []

    def stamp(state: Any, tenant: int, arrival: Arrival) -> tuple[Any, Stamp]:
        after, given = policy.stamp(state, tenant, arrival)
        events.append(Stamping(tenant, arrival, given, state, after))
        return after, given

    def select(
        state: Any, known: Tenants, heads: tuple[Stamp, ...], waiting: tuple[bool, ...]
    ) -> tuple[bool, int, Any]:
        found, tenant, after = policy.select(state, known, heads, waiting)
        events.append(Choice(tenant, state, after))
        return found, tenant, after

    def rest(state: Any) -> Any:
        after = policy.rest(state)
        events.append(Rest(state, after))
        return after

    watched = attrs.evolve(policy, stamp=stamp, select=select, rest=rest)
    execution = simulate(scenario.requests, scenario.contracts, watched, scenario.server)
    return Log(events, in_line(execution), scenario.contracts)


def choices(log: Log) -> Iterator[tuple[int, dict[int, Stamp], Service]]:
    """Yield (tenant chosen, the oldest stamp of every tenant that waits, the service) for every choice.

    Who waits is reckoned from the stamps given and the choices made, not from what the simulator hands over.
    """
    queues: dict[int, deque[Stamp]] = {tenant: deque() for tenant in range(len(log.contracts))}
    served = iter(log.services)
    for event in log.events:
        if isinstance(event, Stamping):
            queues[event.tenant].append(event.stamp)
        elif isinstance(event, Choice):
            yield event.tenant, {t: queue[0] for t, queue in queues.items() if queue}, next(served)
            queues[event.tenant].popleft()


def tags_at_the_head(log: Log, policy: Policy) -> list[Stamp]:
    """Return the stamps, in the order of arrival, of a run in which a request is stamped on reaching the head.

    The arrivals, the choices and the ends of busy periods are those of `log`; AssertionError if `policy`, on those
    stamps, chooses another tenant.
    """
    tenants = tenants_of(log.contracts)
    state = policy.start(tenants)
    queues: list[deque[Arrival]] = [deque() for _ in log.contracts]
    heads: list[Stamp] = [NO_STAMP for _ in log.contracts]
    given: dict[Any, Stamp] = {}

    def stamp_head(tenant: int) -> None:
        nonlocal state
        state, heads[tenant] = policy.stamp(state, tenant, queues[tenant][0])
        given[queues[tenant][0].order] = heads[tenant]

    for event in log.events:
        if isinstance(event, Stamping):
            queues[event.tenant].append(event.arrival)
            if len(queues[event.tenant]) == 1:
                stamp_head(event.tenant)
        elif isinstance(event, Choice):
            waiting = tuple(bool(queue) for queue in queues)
            _, tenant, state = policy.select(state, tenants, tuple(heads), waiting)
            assert tenant == event.tenant
            queues[tenant].popleft()
            if queues[tenant]:
                stamp_head(tenant)
        else:
            state = policy.rest(state)
    return [given[order] for order in sorted(given)]
