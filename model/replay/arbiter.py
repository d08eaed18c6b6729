"""Claims on an arbiter: the gap of two tenants, a request that is late or passed over."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from headgate.model.bounds import pairwise_gap
from headgate.model.fairness import worst_gap
from headgate.model.replay.form import Lane, Mark, Replay, ReplayError
from headgate.model.replay.given import Given, Runner
from headgate.model.replay.serving import lateness_shown, serve, service_lanes, tenant_of
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import Policing, Service

__all__ = ["CLAIMS"]


def _arbiter_gap(given: Given) -> Replay:
    """Claim "gap": two tenants i and j drift further apart than L_i / w_i + L_j / w_j while both are backlogged.

    They are those of `pair`, 0 and 1 unless given; only what is over by `within` counts. `entitled` gives the weights w
    where they are others than those that the arbiter divides by: what an arbiter charges that counts something else
    than bytes, tokens for example, is bytes over a weight of that arbiter's own.
    """
    weights = given.numbers("weights")
    if len(weights) < 2:
        raise ReplayError("parameters.weights: expected at least two tenants")
    execution = serve(given, weights)
    if given.has("entitled"):
        tenants, weights = len(weights), given.numbers("entitled")
        if len(weights) != tenants:
            raise ReplayError(f"parameters.entitled: expected one weight for each of {tenants} tenants")
    i, j = given.pair(len(weights))
    costs = [max((r.bytes for r in given.requests if r.tenant == t), default=0) / weights[t] for t in (i, j)]
    gap = worst_gap(execution.services, weights, i, j, given.within())
    violated, bound = given.judge(gap.size_ns if gap is not None else Fraction(0), Fraction(pairwise_gap(*costs)))
    lanes = list(service_lanes(execution, len(weights)))
    if gap is None:
        return Replay(False, Fraction(0), bound, "ns", "the tenants are never served while both wait",
                      tuple(lanes), execution)  # fmt: skip
    finding = (
        f"tenant {gap.ahead} gets {exact_text(gap.size_ns)} more than tenant {gap.behind} "
        f"in [{exact_text(gap.begin_ns)}, {exact_text(gap.end_ns)}] ns (bytes / weight), "
        f"{given.asked_for()} {exact_text(bound)}"
    )
    if violated:
        lanes.append(Lane("violation", (Mark(gap.begin_ns, gap.end_ns, "violation", "gap"),)))
    return Replay(violated, gap.size_ns, bound, "ns", finding, tuple(lanes), execution)


def _arbiter_late(given: Given) -> Replay:
    """Claim "late": a request of `tenant` finishes more than `latency` ns after its expected arrival.

    `largest` gives each tenant's largest request, where quanta depend on it; `best_effort` is 1 for a tenant that is
    served in the background, which has no expected arrival. With `excess`, `burst_rates` and `burst_durations` the
    requests are policed by these contracts, and only what is in contract can be late.
    """
    weights = given.numbers("weights")
    tenant = tenant_of(given, weights)
    execution = serve(given, weights)
    bound = given.number("latency") - given.tighter()
    lanes = list(service_lanes(execution, len(weights)))
    own = [s for s in execution.services if s.request.tenant == tenant and s.expected_ns is not None]
    if given.has("excess"):
        own = [s for s in own if s.policing in (Policing.PACED, Policing.BURST)]
    late = [(_lateness(s), s) for s in own]
    if not late:
        finding = f"nothing of tenant {tenant} is served in line"
        return Replay(False, Fraction(0), bound, "ns", finding, tuple(lanes), execution)
    observed, service = max(late, key=lambda pair: pair[0])
    return lateness_shown(f"of tenant {tenant}", observed, service.finish_ns, bound, lanes, execution)


def _lateness(service: Service) -> Fraction:
    assert service.expected_ns is not None
    return service.finish_ns - service.expected_ns


def _arbiter_bypass(given: Given) -> Replay:
    """Claim "bypass": while a request of `tenant` waits at the head of its queue, more than `most` others are started.

    With `other`, what is started of that tenant is counted instead, in bytes over its weight.
    """
    weights = given.numbers("weights")
    tenant = tenant_of(given, weights)
    other = tenant_of(given, weights, "other") if given.has("other") else None
    execution = serve(given, weights)
    bound = given.number("most") - given.tighter()
    lanes = list(service_lanes(execution, len(weights)))
    unit = "ns" if other is not None else "others"
    waits = list(_passed_over(execution.services, tenant, None if other is None else (other, weights[other])))
    if not waits:
        return Replay(False, Fraction(0), bound, unit, f"tenant {tenant} sends nothing", tuple(lanes), execution)
    observed, since, service = max(waits, key=lambda wait: wait[0])
    what = "requests of others are" if other is None else f"ns of tenant {other} (bytes / weight) are"
    finding = (
        f"{exact_text(observed)} {what} started while a request of tenant {tenant} waits at the head of its queue, "
        f"the bound is {exact_text(bound)}"
    )
    if observed > bound:
        lanes.append(Lane("violation", (Mark(since, service.start_ns, "violation", "passed over"),)))
    return Replay(observed > bound, observed, bound, unit, finding, tuple(lanes), execution)


def _passed_over(
    services: Sequence[Service], tenant: int, other: tuple[int, Fraction] | None
) -> Iterator[tuple[Fraction, Fraction, Service]]:
    """Yield for each request of `tenant` what was started of others while it was at the head, since when, and it."""
    head: int | None = None
    for number, service in enumerate(services):
        if service.request.tenant != tenant:
            continue
        since = service.release_ns if head is None else max(service.release_ns, services[head].start_ns)
        before = [s for s in services[0 if head is None else head + 1 : number] if s.start_ns >= since]
        head = number
        if other is None:
            yield Fraction(len(before)), since, service
        else:
            own = [s.request.bytes / other[1] for s in before if s.request.tenant == other[0]]
            yield sum(own, Fraction(0)), since, service


CLAIMS: dict[tuple[str, str], Runner] = {
    ("arbiter", "gap"): _arbiter_gap,
    ("arbiter", "late"): _arbiter_late,
    ("arbiter", "bypass"): _arbiter_bypass,
}
