"""What claims on a server share: the contracts, the channel, the execution, and its lanes."""

from collections.abc import Iterator
from fractions import Fraction

from headgate.model.arbiters import WFQ, Policy
from headgate.model.arbiters.wfq import wfq
from headgate.model.refresh import (
    Refresh,
)
from headgate.model.replay.form import Lane, Mark, Replay, ReplayError
from headgate.model.replay.given import MOST_STEPS, Given
from headgate.model.simulator import Server, simulate
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import Contract, Excess, Execution

__all__ = [
    "contracts_of",
    "lateness_shown",
    "refuse_long",
    "refuse_unfit",
    "serve",
    "server_of",
    "service_lanes",
    "tenant_of",
]


def serve(
    given: Given, weights: list[Fraction], policy: Policy | None = None, server: Server | None = None
) -> Execution:
    """Serve the requests; without contracts of their own everything is in line: only the arbiter is at stake.

    Policy and server are those of the schedule, unless they are given. `reference` is the rate of the fluid that WFQ
    follows, by default the effective rate of the server.
    """
    policy = policy or given.arbiter()
    reference = given.number("reference", Fraction(0))
    if policy is WFQ and reference > 0:
        policy = wfq(reference)
    refuse_unfit(given, weights)
    return simulate(given.requests, contracts_of(given, weights), policy, server or server_of(given))


def refuse_unfit(given: Given, weights: list[Fraction]) -> None:
    for number, request in enumerate(given.requests):
        if request.tenant >= len(weights):
            raise ReplayError(f"requests[{number}].tenant: expected one of the {len(weights)} tenants")


def contracts_of(given: Given, weights: list[Fraction]) -> list[Contract]:
    priorities = given.priorities(len(weights))
    largest, best_effort = given.largest(len(weights)), given.flags("best_effort", len(weights))
    bursts = [(weight, Fraction(0), Excess.IN_LINE) for weight in weights]
    if given.has("excess"):
        bursts = given.bursts(weights)
    return [
        Contract(str(tenant), max_request_bytes=largest[tenant], best_effort=True)
        if best_effort[tenant]
        else Contract(str(tenant), weight, burst, duration, largest[tenant], priorities[tenant], excess=excess)
        for tenant, (weight, (burst, duration, excess)) in enumerate(zip(weights, bursts, strict=True))
    ]


def server_of(given: Given) -> Server:
    interval, blackout = given.number("interval", Fraction(0)), given.number("blackout", Fraction(0))
    if blackout >= interval > 0:
        raise ReplayError(f"parameters.blackout: expected less than the interval {interval}, got {blackout}")
    refresh = Refresh(interval, blackout) if blackout > 0 and interval > 0 else None
    server = Server(given.positive("peak"), refresh, given.number("offset", Fraction(0)))
    refuse_long(given, server)
    return server


def refuse_long(given: Given, server: Server) -> None:
    if server.refresh is None:
        return
    up = (server.refresh.interval - server.refresh.blackout) * server.peak_bytes_per_ns
    if sum(request.bytes for request in given.requests) > up * MOST_STEPS:
        raise ReplayError(f"requests: expected a backlog of at most {MOST_STEPS} refresh intervals")


def service_lanes(execution: Execution, tenants: int, until: Fraction | None = None) -> Iterator[Lane]:
    """Yield a lane for each tenant, with what arrives, and is served before `until` (None: all of it)."""
    for tenant in range(tenants):
        own = [s for s in execution.services if s.request.tenant == tenant]
        arrivals = [Mark(s.release_ns, s.release_ns, "arrival", f"{s.request.bytes} B") for s in own]
        started = [s for s in own if until is None or s.start_ns < until]
        services = [Mark(s.start_ns, s.finish_ns, "service", f"{s.request.bytes} B") for s in started]
        yield Lane(f"tenant {tenant}", tuple(arrivals + services))


def tenant_of(given: Given, weights: list[Fraction], key: str = "tenant") -> int:
    tenant = int(given.number(key))
    if tenant >= len(weights) or tenant != given.number(key):
        raise ReplayError(f"parameters.{key}: expected one of the {len(weights)} tenants, got {tenant}")
    return tenant


def lateness_shown(
    whose: str, late_ns: Fraction, finish_ns: Fraction, bound: Fraction, lanes: list[Lane], run: Execution | None = None
) -> Replay:
    """Return the replay of the latest request: `whose` it is, by how much it is late, and when it is done."""
    finding = (
        f"a request {whose} finishes {exact_text(late_ns)} ns after its expected arrival, "
        f"the bound is {exact_text(bound)} ns"
    )
    if late_ns > bound:
        lanes = [*lanes, Lane("violation", (Mark(finish_ns - late_ns, finish_ns, "violation", "late"),))]
    return Replay(late_ns > bound, late_ns, bound, "ns", finding, tuple(lanes), run)
