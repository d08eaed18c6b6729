"""How waits, shortfalls and differences are measured: against the oracles, on executions of every kind."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.model.arbiters import ARBITERS
from headgate.model.refresh import Refresh
from headgate.model.replay import ReplayError, replay
from headgate.model.simulator import Server, simulate
from headgate.model.waiting import first_difference, longest_wait, worst_shortfall
from headgate.properties.oracles import waiting as oracle
from headgate.spec.vocabulary import Contract, Request, Schedule, Service

REQUESTS = st.lists(
    st.builds(Request, st.integers(0, 2), st.integers(0, 9), st.integers(1, 4)), min_size=1, max_size=8
).map(lambda sent: tuple(sorted(sent, key=lambda request: request.arrival_ns)))
SERVERS = st.sampled_from([Server(Fraction(1)), Server(Fraction(2), Refresh(5, 2)), Server(Fraction(1, 2))])
WITHIN = st.none() | st.integers(0, 20).map(Fraction)


def executed(requests: tuple[Request, ...], policy: str, server: Server) -> tuple[Service, ...]:
    contracts = [Contract(str(t), Fraction(1), Fraction(1), max_request_bytes=4, priority=2 - t) for t in range(3)]
    return simulate(requests, contracts, ARBITERS[policy], server).services


def plain(services: Sequence[Service]) -> list[tuple[int, Fraction, Fraction, Fraction, int]]:
    return [(s.request.tenant, s.release_ns, s.start_ns, s.finish_ns, s.request.bytes) for s in services]


@given(REQUESTS, st.sampled_from(["sfq", "priority", "fcfs"]), SERVERS, st.sampled_from([None, 0, 2]), WITHIN)
def test_the_longest_wait(
    requests: tuple[Request, ...], policy: str, server: Server, tenant: int | None, within: Fraction | None
) -> None:
    services = executed(requests, policy, server)
    found = longest_wait(services, tenant, within)
    measured = None if found is None else found.start_ns - found.release_ns
    assert measured == oracle.longest_wait(plain(services), tenant, within)


@given(REQUESTS, st.sampled_from(["sfq", "priority", "fcfs"]), SERVERS, WITHIN)
def test_the_worst_shortfall(
    requests: tuple[Request, ...], policy: str, server: Server, within: Fraction | None
) -> None:
    services, share = executed(requests, policy, server), Fraction(1, 3)
    found = worst_shortfall(services, 1, share, within)
    measured = None if found is None else found.bytes
    assert measured == oracle.largest_shortfall(plain(services), 1, share, within)
    if found is not None:
        got = sum(
            s.request.bytes
            for s in services
            if s.request.tenant == 1 and found.begin_ns <= s.start_ns and s.finish_ns <= found.end_ns
        )
        assert found.bytes == share * (found.end_ns - found.begin_ns) - got


@given(REQUESTS, SERVERS)
def test_orders_part_where_tenants_do(requests: tuple[Request, ...], server: Server) -> None:
    ours, theirs = executed(requests, "fcfs", server), executed(requests, "priority", server)
    apart = first_difference(ours, theirs)
    orders = [[s.request for s in services] for services in (ours, theirs)]
    assert (apart is None) == (orders[0] == orders[1])
    if apart is not None:
        assert apart[0].start_ns == apart[1].start_ns
        assert first_difference(ours, theirs, apart[0].start_ns) == apart
        assert first_difference(ours, theirs, apart[0].start_ns - 1) is None
    assert first_difference(ours, ours) is None


def schedule(claim: str, **parameters: object) -> Schedule:
    given = {"weights": (1, 1), "peak": 1, **parameters}
    sent = (Request(0, 0, 4), Request(1, 0, 2))
    return Schedule("AR-1", "It is so.", "arbiter", "fcfs", claim, given, sent)


def test_a_wait_is_replayed() -> None:
    shown = replay(schedule("wait", at_least=4))
    assert (shown.violated, shown.observed, shown.bound) == (True, 4, 4)
    assert shown.finding == "a request of tenant 1 waits 4 ns, from 0 to 4 ns; asked for was 4 ns"
    assert not replay(schedule("wait", at_least=5)).violated
    assert not replay(schedule("wait", at_least=1, tenant=0)).violated
    assert replay(schedule("wait", at_least=1, within=3)).observed == 0


def test_a_deficit_is_replayed() -> None:
    """Half of 4 ns is 2 bytes, none of which came; SFQ allows half of the other's 4, and its own 2."""
    shown = replay(schedule("deficit", tenant=1))
    assert (shown.violated, shown.observed, shown.bound) == (False, 2, 4)
    assert replay(schedule("deficit", tenant=1, at_least=2)).violated
    assert not replay(schedule("deficit", tenant=1, at_least=2, within=3)).violated


def test_a_difference_is_replayed() -> None:
    assert not replay(schedule("difference", against="fcfs")).violated
    shown = replay(schedule("difference", against="priority", priorities=(1, 0)))
    assert (shown.violated, shown.observed) == (True, 2)
    assert shown.finding == "at 0 ns fcfs serves a request of tenant 0, priority one of tenant 1"
    assert not replay(schedule("difference", against="priority", priorities=(1, 0)), "priority").violated


def test_a_gap_of_any_pair() -> None:
    sent = tuple(Request(tenant, 0, 1) for tenant in (2, 2, 2, 1))
    given = {"weights": (1, 1, 1), "peak": 1, "pair": (1, 2)}
    shown = replay(Schedule("FQ-4", "It is so.", "arbiter", "fcfs", "gap", given, sent))
    assert (shown.violated, shown.observed, shown.bound) == (True, 3, 2)
    within = replay(Schedule("FQ-4", "It is so.", "arbiter", "fcfs", "gap", {**given, "within": 2}, sent))
    assert (within.violated, within.observed) == (False, 2)


@pytest.mark.parametrize(
    ("claim", "parameters", "message"),
    [
        ("wait", {}, "parameters.at_least: expected an exact number"),
        ("wait", {"at_least": 1, "tenant": 2}, "parameters.tenant: expected one of the 2 tenants, got 2"),
        ("deficit", {}, "parameters.tenant: expected one of the 2 tenants, got none"),
        ("difference", {}, "parameters.against: expected one of sfq, "),
        ("difference", {"against": "frob"}, "parameters.against: expected one of sfq, "),
        ("gap", {"pair": (0, 0)}, "parameters.pair: expected two of the 2 tenants"),
        ("gap", {"pair": (0, 2)}, "parameters.pair: expected two of the 2 tenants"),
        ("gap", {"pair": (0, "1")}, "parameters.pair: expected two of the 2 tenants"),
        ("gap", {"pair": 1}, "parameters.pair: expected two of the 2 tenants"),
    ],
)
def test_a_parameter_that_misfits_is_named(claim: str, parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ReplayError) as refusal:
        replay(schedule(claim, **parameters))
    assert str(refusal.value).startswith(message)
