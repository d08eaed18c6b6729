"""The event simulator: turns a schedule into an execution, exactly.

One non-preemptive channel with refresh blackouts. Requests are policed (`policing`), stamped on arrival, and queued
first in first out within their tenant, as deep as they get; background traffic has one queue of its own. Whatever
arrives up to the instant at which a service ends is stamped before the next choice (clause AR-7). Times are exact.
"""

import heapq
import math
from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import attrs

from headgate.model.algebra import minimum
from headgate.model.arbiters import NO_STAMP, Arrival, Policy, Stamp, Tenants, tie_order
from headgate.model.arbiters.drr import quanta_for
from headgate.model.policing import Policed, police
from headgate.model.refresh import Refresh, is_up, pass_time, phase_at, served_by, until_boundary
from headgate.spec.links import implements
from headgate.spec.units import BytesPerNs, ExactNs
from headgate.spec.vocabulary import Contract, Execution, Policing, Request, Service

__all__ = ["Server", "effective_rate_of", "finish_time", "simulate", "tenants_of"]


@attrs.frozen
class Server:
    """A channel: its peak rate, its blackouts (None: it never goes dark), and how long before 0 the last one began."""

    peak_bytes_per_ns: BytesPerNs
    refresh: Refresh | None = None
    offset_ns: ExactNs = Fraction(0)


@implements("RF-1")
def finish_time(server: Server, start: ExactNs, size: Fraction | int) -> ExactNs:
    """Return when a request of `size` bytes that goes into service at `start` is done, blackouts included."""
    work = Fraction(size) / server.peak_bytes_per_ns
    refresh = server.refresh
    if refresh is None:
        return start + work
    channel, now = phase_at(refresh, server.offset_ns, start), start
    # Whole intervals leave the phase as it was; what is left of the work says when it is done.
    interval, up = Fraction(refresh.interval), Fraction(refresh.interval - refresh.blackout)
    whole = max(0, math.ceil(work / up) - 1)
    now, work = now + whole * interval, work - whole * up
    while work > 0:
        elapsed = until_boundary(channel, refresh)
        if is_up(channel, refresh):
            elapsed = minimum(elapsed, work)
        served, channel = pass_time(channel, refresh, elapsed)
        work, now = work - served, now + elapsed
    return now


def tenants_of(contracts: Sequence[Contract], reference: BytesPerNs = Fraction(1)) -> Tenants:
    """Return what the arbiter knows of `contracts`; weights are guaranteed rates, quanta in proportion to them.

    `reference` is the rate of the fluid that WFQ follows, in bytes per ns.
    """
    priorities = tuple(contract.priority for contract in contracts)
    weights = tuple(weight_of(contract) for contract in contracts)
    # A best-effort tenant takes no turn, so its requests make no quantum larger.
    largest = tuple(0 if contract.best_effort else contract.max_request_bytes for contract in contracts)
    quanta = quanta_for(weights, largest)
    return Tenants(len(contracts), tie_order(priorities), priorities, quanta, weights, reference)


def weight_of(contract: Contract) -> Fraction:
    """Return the weight of a tenant: its guaranteed rate (1 for a best-effort tenant, whose queue stays empty)."""
    return contract.guaranteed_bytes_per_ns if not contract.best_effort else Fraction(1)


def effective_rate_of(server: Server) -> Fraction:
    """Return the long-run rate that the blackouts leave of the peak rate, in bytes per ns."""
    if server.refresh is None:
        return server.peak_bytes_per_ns
    left: Fraction = served_by(server.peak_bytes_per_ns, server.refresh) / Fraction(server.refresh.interval)
    return left


@implements("AR-1", "AR-2", "AR-7", "AR-8", "PR-7")
def simulate(requests: Sequence[Request], contracts: Sequence[Contract], policy: Policy, server: Server) -> Execution:
    """Return what `server` under `policy` does with `requests` (ordered by arrival), policed by `contracts`."""
    policed = list(police(requests, contracts))
    refused = tuple(p.request for p in policed if p.policing is Policing.REFUSED)
    run = _Run(contracts, policy, server, [p for p in policed if p.policing is not Policing.REFUSED])
    return Execution(tuple(run.services()), refused)


class _Run:
    """One run: the queues, and the state of the arbiter."""

    def __init__(self, contracts: Sequence[Contract], policy: Policy, server: Server, policed: list[Policed]) -> None:
        self.contracts, self.policy, self.server = contracts, policy, server
        self.tenants = tenants_of(contracts, effective_rate_of(server))
        self.state: Any = policy.start(self.tenants)
        self.queues: list[deque[tuple[Stamp, Policed]]] = [deque() for _ in contracts]
        self.background: deque[Policed] = deque()
        self.to_come = [(p.release_ns, number, p) for number, p in enumerate(policed)]
        heapq.heapify(self.to_come)
        self.stamped = 0

    def services(self) -> list[Service]:
        """Serve everything; return the services in order of their start."""
        now, done = Fraction(0), []
        while True:
            self._stamp_arrivals(now)
            self.state = self.policy.advance(self.state, now)
            policed = self._next()
            if policed is not None:
                finish = finish_time(self.server, now, policed.request.bytes)
                done.append(_service(policed, now, finish))
                now = finish
            elif self.to_come:
                now = self.to_come[0][0]
            else:
                return done

    def _stamp_arrivals(self, now: Fraction) -> None:
        while self.to_come and self.to_come[0][0] <= now:
            policed = heapq.heappop(self.to_come)[2]
            if policed.background or policed.expected_ns is None:
                self.background.append(policed)
                continue
            tenant, size = policed.request.tenant, policed.request.bytes
            cost = Fraction(size) / weight_of(self.contracts[tenant])
            row = policed.request.row
            arrival = Arrival(policed.release_ns, size, cost, self.stamped, policed.expected_ns, row)
            told = self.policy.advance(self.state, policed.release_ns)
            self.state, stamp = self.policy.stamp(told, tenant, arrival)
            self.queues[tenant].append((stamp, policed))
            self.stamped += 1

    def _next(self) -> Policed | None:
        waiting = tuple(bool(queue) for queue in self.queues)
        if any(waiting):
            heads = tuple(queue[0][0] if queue else NO_STAMP for queue in self.queues)
            _, tenant, self.state = self.policy.select(self.state, self.tenants, heads, waiting)
            return self.queues[tenant].popleft()[1]
        self.state = self.policy.rest(self.state)
        return self.background.popleft() if self.background else None


def _service(policed: Policed, start: Fraction, finish: Fraction) -> Service:
    return Service(policed.request, policed.policing, policed.release_ns, start, finish, policed.expected_ns)
