"""What must hold of several channels behind an interleave (CH-1 to CH-3)."""

from collections.abc import Sequence
from fractions import Fraction

import attrs
from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model.arbiters.sfq import SFQ
from headgate.model.channels import (
    Addressed,
    Interleave,
    channel_delay,
    of_channel,
    simulate_channels,
    split,
    spread,
)
from headgate.model.simulator import Server
from headgate.properties import strategies
from headgate.properties.measures import largest_of
from headgate.properties.oracles import channels as plain
from headgate.properties.oracles import promise
from headgate.properties.strategies import Scenario, long_run_rate
from headgate.spec.links import checks
from headgate.spec.vocabulary import Contract, Excess, Request

INTERLEAVES = st.builds(Interleave, st.integers(1, 4), st.integers(1, 6))


@checks("CH-1")
@given(INTERLEAVES, st.integers(0, 60), st.integers(1, 60))
@example(Interleave(3, 4), 3, 2)  # over a boundary of two granules
@example(Interleave(2, 4), 0, 24)
def test_every_byte_lies_in_one_channel(interleave: Interleave, address: int, size: int) -> None:
    """The shares are those that are counted byte by byte, and sum to the size."""
    n, k = interleave.channels, interleave.granule
    shares = spread(interleave, address, size)
    assert shares == tuple(plain.bytes_in(channel, address, size, n, k) for channel in range(n))
    assert sum(shares) == size


@checks("CH-1")
@given(
    strategies.scenarios(excess=Excess.IN_LINE, valid=True, max_stretches=2), INTERLEAVES, st.lists(st.integers(0, 40))
)
def test_every_channel_serves_its_parts(scenario: Scenario, interleave: Interleave, places: list[int]) -> None:
    """Each part once, in the channel where it lies, and nothing else; a part is its request but for the size."""
    requests = at_addresses(small(scenario), places)
    executions = simulate_channels(requests, scenario.contracts, SFQ, scenario.server, interleave)
    served = [sorted(s.request.bytes for s in execution.services) for execution in executions]
    parts = split(requests, interleave)
    assert served == [sorted(part.bytes for _, part in own) for own in parts]
    for own in parts:
        for place, part in own:
            assert attrs.evolve(part, bytes=requests[place].request.bytes) == requests[place].request
    total = sum(request.request.bytes for request in requests)
    assert sum(part.bytes for own in parts for _, part in own) == total


def small(scenario: Scenario) -> Scenario:
    """Return the scenario with sizes of at most 64 bytes: what lies where is the question here."""
    return attrs.evolve(scenario, requests=tuple(attrs.evolve(r, bytes=min(64, r.bytes)) for r in scenario.requests))


def at_addresses(scenario: Scenario, places: Sequence[int]) -> list[Addressed]:
    """Return the requests at `places`, in turn; those beyond follow where the tenant's last one ended."""
    ends: dict[int, int] = {}
    requests = []
    for number, request in enumerate(scenario.requests):
        address = places[number] if number < len(places) else ends.get(request.tenant, 0)
        ends[request.tenant] = address + request.bytes
        requests.append(Addressed(request, address))
    return requests


@checks("CH-2")
@given(st.integers(2, 30), st.integers(2, 4))
@example(2, 2)
def test_a_stride_that_meets_one_channel_breaks_an_aggregate_guarantee(count: int, channels: int) -> None:
    """One tenant alone, at the rate that it was promised: its lateness grows without end; spread out, it does not."""
    interleave = Interleave(channels, 8)
    contract = Contract("t0", Fraction(channels), Fraction(channels), Fraction(0), 8 * channels)
    own = of_channel(contract, channels, Fraction(0))
    # Eight bytes for every channel come in 8 ns, and every channel serves one byte a ns.
    aimed = [Addressed(Request(0, 8 * k, 8), 8 * channels * (channels * k + j)) for k in range(count)
             for j in range(channels)]  # fmt: skip
    sequence = [Addressed(Request(0, 8 * k, 8 * channels), 8 * channels * k) for k in range(count)]
    late = simulate_channels(aimed, [own], SFQ, Server(Fraction(1)), interleave)
    assert [len(execution.services) for execution in late] == [count * channels] + [0] * (channels - 1)
    assert late[0].services[-1].finish_ns - 8 * (count - 1) == 8 * channels * count - 8 * (count - 1) > 8 * count
    for execution in simulate_channels(sequence, [own], SFQ, Server(Fraction(1)), interleave):
        assert all(service.finish_ns == service.request.arrival_ns + 8 for service in execution.services)


def excess_of(
    parts: Sequence[tuple[int, Request]], requests: Sequence[Addressed], tenant: int, share: Fraction
) -> Fraction:
    """Return by how much a channel's part of what `tenant` sends exceeds its share, over all runs of its requests."""
    here = {place: part.bytes for place, part in parts}
    worst = total = Fraction(0)
    for place, addressed in enumerate(requests):
        if addressed.request.tenant == tenant:
            total = max(Fraction(0), total) + here.get(place, 0) - share * addressed.request.bytes
            worst = max(worst, total)
    return worst


@checks("CH-3")
@given(
    strategies.scenarios(excess=Excess.IN_LINE, valid=True, max_stretches=2),
    INTERLEAVES,
    st.lists(st.integers(0, 40)),
    st.sampled_from((Fraction(0), Fraction(1, 10), Fraction(1))),
)
def test_a_stated_imbalance_restores_the_guarantee(
    scenario: Scenario, interleave: Interleave, places: list[int], imbalance: Fraction
) -> None:
    """In every channel, every part of a request is done by the request's EAT and the bound."""
    requests = at_addresses(small(scenario), places)
    n, share = interleave.channels, (1 + imbalance) / interleave.channels
    own = [of_channel(contract, n, imbalance) for contract in scenario.contracts]
    server = attrs.evolve(scenario.server, peak_bytes_per_ns=scenario.server.peak_bytes_per_ns * share)
    blackout = server.refresh.blackout if server.refresh is not None else Fraction(0)
    for whole, part in zip(scenario.contracts, own, strict=True):
        assert part.guaranteed_bytes_per_ns * n == whole.guaranteed_bytes_per_ns * (1 + imbalance)
        assert part.burst_bytes_per_ns * n == whole.burst_bytes_per_ns * (1 + imbalance)
    expected = expected_arrivals(requests, scenario.contracts)
    executions = simulate_channels(requests, own, SFQ, server, interleave)
    for execution, parts in zip(executions, split(requests, interleave), strict=True):
        largest = [largest_of(execution.services, tenant) for tenant in range(len(own))]
        places_left = {tenant: [p for p, part in parts if part.tenant == tenant] for tenant in range(len(own))}
        for service in execution.services:
            tenant = service.request.tenant
            g, excess = own[tenant].guaranteed_bytes_per_ns, excess_of(parts, requests, tenant, share)
            bound = channel_delay(excess, g, sum(largest), long_run_rate(server), blackout)
            assert bound == excess / g + sum(largest) / long_run_rate(server) + blackout
            assert service.finish_ns <= expected[places_left[tenant].pop(0)] + bound


def expected_arrivals(requests: Sequence[Addressed], contracts: Sequence[Contract]) -> dict[int, Fraction]:
    """Return the expected arrival of every request, of the device as a whole, by its place."""
    found: dict[int, Fraction] = {}
    for tenant, contract in enumerate(contracts):
        own = [place for place, addressed in enumerate(requests) if addressed.request.tenant == tenant]
        sent = [(requests[place].request.arrival_ns, requests[place].request.bytes) for place in own]
        due = promise.expected_arrivals(sent, contract.guaranteed_bytes_per_ns)
        found.update(zip(own, due, strict=True))
    return found


@checks("CH-3")
def test_the_channel_bound_is_attained() -> None:
    """Two tenants send one granule each to one of two channels: the second is done at its bound."""
    interleave, imbalance = Interleave(2, 8), Fraction(0)
    contracts = [Contract(f"t{n}", Fraction(1), Fraction(1), Fraction(0), 8) for n in range(2)]
    own = [of_channel(contract, 2, imbalance) for contract in contracts]
    requests = [Addressed(Request(tenant, 0, 8), 0) for tenant in (0, 1)]
    first, second = simulate_channels(requests, own, SFQ, Server(Fraction(1)), interleave)
    assert second.services == ()
    # Before the request nothing has been sent: its own excess does not count against it.
    assert first.services[-1].finish_ns == channel_delay(0, Fraction(1, 2), 16, Fraction(1), Fraction(0)) == 16
