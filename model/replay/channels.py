"""Claims on several channels behind an interleave."""

from collections.abc import Sequence
from fractions import Fraction

from headgate.model.arbiters import ARBITERS
from headgate.model.channels import Addressed, Interleave, of_channel, simulate_channels, split
from headgate.model.promise import goyal_expected_arrival
from headgate.model.replay.form import Lane, Mark, Replay, ReplayError
from headgate.model.replay.given import MOST_STEPS, Given, Runner
from headgate.model.replay.serving import contracts_of, lateness_shown, refuse_unfit, server_of, tenant_of
from headgate.spec.vocabulary import Request, Service

__all__ = ["CLAIMS"]

MOST_CHANNELS = 1000


def _channels_late(given: Given) -> Replay:
    """Claim "late" of several channels: a request finishes more than `latency` ns after its expected arrival.

    `channels` and `granule` are the interleave, `addresses` say where each request begins; `weights` are guarantees of
    the device as a whole, and so is the expected arrival. `peak` is that of one channel; the rule arbitrates in each.
    """
    weights = given.numbers("weights")
    tenant = tenant_of(given, weights)
    given.rule_of(*ARBITERS)
    refuse_unfit(given, weights)
    interleave, addressed = _interleave(given), _addressed(given)
    contracts, server = contracts_of(given, weights), server_of(given)
    channels = [of_channel(contract, interleave.channels, Fraction(0)) for contract in contracts]
    runs = simulate_channels(addressed, channels, ARBITERS[given.rule], server, interleave)
    expected = _expected_of_device(given.requests, weights)
    bound, lanes = given.number("latency") - given.tighter(), []
    late: list[tuple[Fraction, Service]] = []
    for number, (run, parts) in enumerate(zip(runs, split(addressed, interleave), strict=True)):
        marks = [Mark(s.release_ns, s.release_ns, "arrival", f"{s.request.bytes} B") for s in run.services]
        marks += [Mark(s.start_ns, s.finish_ns, "service", f"{s.request.bytes} B") for s in run.services]
        lanes.append(Lane(f"channel {number}", tuple(marks)))
        places = [place for place, part in parts if part.tenant == tenant]
        own = [s for s in run.services if s.request.tenant == tenant]
        late += [(s.finish_ns - expected[place], s) for place, s in zip(places, own, strict=True)]
    if not late:
        return Replay(False, Fraction(0), bound, "ns", f"tenant {tenant} sends nothing", tuple(lanes))
    observed, service = max(late, key=lambda pair: pair[0])
    return lateness_shown(f"of tenant {tenant}", observed, service.finish_ns, bound, lanes)


def _interleave(given: Given) -> Interleave:
    channels, granule = given.whole("channels"), given.whole("granule")
    if not (1 <= channels <= MOST_CHANNELS and granule >= 1):
        raise ReplayError(f"parameters.channels, granule: expected 1 to {MOST_CHANNELS}, and 1 or more")
    parts = sum(request.bytes // granule + 2 for request in given.requests)
    if parts > MOST_STEPS:
        raise ReplayError(f"parameters.granule: expected at most {MOST_STEPS} granules in all, got more")
    return Interleave(channels, granule)


def _addressed(given: Given) -> list[Addressed]:
    addresses = given.values("addresses")
    if len(addresses) != len(given.requests) or not all(n >= 0 and n == int(n) for n in addresses):
        raise ReplayError(f"parameters.addresses: expected {len(given.requests)} whole numbers, 0 or more")
    return [Addressed(r, int(address)) for r, address in zip(given.requests, addresses, strict=True)]


def _expected_of_device(requests: Sequence[Request], weights: list[Fraction]) -> list[Fraction]:
    """Return the expected arrivals of clause PR-1, by the guarantees of the device as a whole."""
    done: dict[int, Fraction] = {}
    expected = []
    for request in requests:
        at = Fraction(goyal_expected_arrival(Fraction(request.arrival_ns), done.get(request.tenant, Fraction(0)), 0))
        expected.append(at)
        done[request.tenant] = at + request.bytes / weights[request.tenant]
    return expected


CLAIMS: dict[tuple[str, str], Runner] = {
    ("channels", "late"): _channels_late,
}
