"""Claims on the order in which an arbiter serves: how long a request waits, what a tenant lacks, where orders part.

Added to the claims of `headgate.model.replay`, whose parameters they share: `weights`, `priorities`, `peak` and the
blackouts, `within` (ns) by when what counts must be over, and `at_least` in place of a bound.
"""

from fractions import Fraction

from headgate.model.replay.form import Lane, Mark, Replay, ReplayError
from headgate.model.replay.given import Given, Runner
from headgate.model.replay.serving import serve, server_of, service_lanes
from headgate.model.simulator import effective_rate_of
from headgate.model.waiting import first_difference, longest_wait, worst_shortfall
from headgate.spec.units import exact_text

__all__ = ["CLAIMS"]


def _wait(given: Given) -> Replay:
    """Claim "wait": a request of `tenant` (of anybody, if it is not given) waits `at_least` so many ns."""
    weights = given.numbers("weights")
    execution = serve(given, weights)
    lanes = list(service_lanes(execution, len(weights)))
    asked = given.number("at_least", least=None) - given.tighter()
    service = longest_wait(execution.services, given.tenant("tenant", len(weights)), given.within())
    if service is None:
        return Replay(False, Fraction(0), asked, "ns", "nothing is served that counts", tuple(lanes), execution)
    waited = Fraction(service.start_ns - service.release_ns)
    finding = (
        f"a request of tenant {service.request.tenant} waits {exact_text(waited)} ns, "
        f"from {exact_text(service.release_ns)} to {exact_text(service.start_ns)} ns; {given.asked_for()} "
        f"{exact_text(asked)} ns"
    )
    if waited >= asked:
        lanes.append(Lane("violation", (Mark(service.release_ns, service.start_ns, "violation", "waits"),)))
    return Replay(waited >= asked, waited, asked, "ns", finding, tuple(lanes), execution)


def _deficit(given: Given) -> Replay:
    """Claim "deficit": backlogged, `tenant` gets fewer bytes than its share of a window, by more than SFQ allows.

    Its share is w R / (sum of all w), R the effective rate; SFQ's bound (clause FQ-5) is that times (sum of the others'
    largest requests) / R and the longest blackout, and its own largest request. `lag` (bytes) is another bound.
    """
    weights = given.numbers("weights")
    tenant = given.tenant("tenant", len(weights))
    if tenant is None:
        raise ReplayError(f"parameters.tenant: expected one of the {len(weights)} tenants, got none")
    execution = serve(given, weights)
    rate = effective_rate_of(server_of(given))
    share = weights[tenant] / sum(weights) * rate
    largest = [max((r.bytes for r in given.requests if r.tenant == t), default=0) for t in range(len(weights))]
    dark = given.number("blackout", Fraction(0))
    allowed = share * (Fraction(sum(largest) - largest[tenant]) / rate + dark) + largest[tenant]
    allowed = given.number("lag", allowed)
    lanes = list(service_lanes(execution, len(weights)))
    short = worst_shortfall(execution.services, tenant, share, given.within())
    observed = short.bytes if short is not None else Fraction(0)
    violated, bound = given.judge(observed, allowed)
    if short is None:
        finding = f"nothing is served while tenant {tenant} is backlogged"
        return Replay(False, observed, bound, "B", finding, tuple(lanes), execution)
    finding = (
        f"tenant {tenant} gets {exact_text(observed)} B less than its share of {exact_text(share)} B/ns "
        f"in [{exact_text(short.begin_ns)}, {exact_text(short.end_ns)}] ns; {given.asked_for()} {exact_text(bound)} B"
    )
    if violated:
        lanes.append(Lane("violation", (Mark(short.begin_ns, short.end_ns, "violation", "deficit"),)))
    return Replay(violated, observed, bound, "B", finding, tuple(lanes), execution)


def _difference(given: Given) -> Replay:
    """Claim "difference": the policy and the one that `against` names serve the same requests in different orders."""
    weights = given.numbers("weights")
    arbiter, other = given.arbiter(), given.arbiter("against")
    execution, against = serve(given, weights), serve(given, weights, other)
    lanes = [*service_lanes(execution, len(weights))]
    lanes += [Lane(f"{lane.label}, {other.name}"[:40], lane.marks) for lane in service_lanes(against, len(weights))]
    apart = first_difference(execution.services, against.services, given.within())
    if apart is None:
        finding = f"{arbiter.name} and {other.name} serve in the same order"
        return Replay(False, Fraction(0), Fraction(0), "differences", finding, tuple(lanes), execution)
    ours, theirs = apart
    tenants = [[service.request.tenant for service in each.services] for each in (execution, against)]
    count = sum(a != b for a, b in zip(*tenants, strict=True))
    finding = (
        f"at {exact_text(ours.start_ns)} ns {arbiter.name} serves a request of tenant {ours.request.tenant}, "
        f"{other.name} one of tenant {theirs.request.tenant}"
    )
    at = min(ours.start_ns, theirs.start_ns)
    lanes.append(Lane("violation", (Mark(at, max(ours.finish_ns, theirs.finish_ns), "violation", "different"),)))
    return Replay(True, Fraction(count), Fraction(0), "differences", finding, tuple(lanes), execution)


CLAIMS: dict[tuple[str, str], Runner] = {
    ("arbiter", "wait"): _wait,
    ("arbiter", "deficit"): _deficit,
    ("arbiter", "difference"): _difference,
}
