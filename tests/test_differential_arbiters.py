"""Integers, Z3 on constants, numpy and the plain oracle say the same: every policy, and whole runs."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model.algebra import each
from headgate.model.arbiters import ARBITERS, Policy
from headgate.model.batch import Traffic, common_scale, run_arbiter, scaled
from headgate.model.fairness import worst_gap
from headgate.model.policing import police
from headgate.model.refresh import Refresh
from headgate.model.simulator import Server, simulate, tenants_of
from headgate.proofs.symbolic import lift, symbolic, value
from headgate.properties.oracles import fairness as fairness_oracle
from headgate.properties.oracles import simulator as simulator_oracle
from headgate.properties.oracles.arbiters import ORACLES
from headgate.spec.vocabulary import Contract, Excess, Policing, Request
from headgate.tests.interpreters import Recording, fewer, rates, real

LARGEST = 6
PEAK = Fraction(2)

ALL = pytest.mark.parametrize("policy", ARBITERS.values(), ids=lambda policy: policy.name)
OPEN = pytest.mark.parametrize(
    "policy", [policy for policy in ARBITERS.values() if not policy.exact_only], ids=lambda policy: policy.name
)


def test_every_policy_has_an_oracle() -> None:
    assert set(ORACLES) == set(ARBITERS)


# Weights of one, skewed a thousandfold, and rates that are no integers.
weights = st.one_of(st.just(Fraction(1)), st.just(Fraction(1000)), rates())


def tenant(name: str, weight: Fraction, priority: int = 0, **more: Any) -> Contract:
    """Return a contract whose traffic is all served in line."""
    return Contract(name, weight, weight, max_request_bytes=LARGEST, priority=priority, **more)


tenant_sets = st.lists(st.tuples(weights, st.integers(0, 2)), min_size=1, max_size=4).map(
    lambda drawn: [tenant(str(number), *each_) for number, each_ in enumerate(drawn)]
)


@st.composite
def requests_of(draw: st.DrawFn, count: int, longest: int = 14) -> list[Request]:
    """Draw requests in order of arrival: the same instant often, idle spells, and sizes at the largest."""
    step = st.one_of(st.just(0), st.integers(0, 4), st.just(50))
    size = st.one_of(st.integers(1, LARGEST), st.just(LARGEST), st.just(2))
    row = st.integers(0, 2)
    drawn = draw(st.lists(st.tuples(step, st.integers(0, count - 1), size, row), min_size=1, max_size=longest))
    now, requests = 0, []
    for gap, tenant_, bytes_, row_ in drawn:
        now += gap
        requests.append(Request(tenant_, now, bytes_, row_))
    return requests


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[Contract], list[Request]]:
    """Draw contracts and requests."""
    contracts = draw(tenant_sets)
    return contracts, draw(requests_of(len(contracts)))


def number_of(requests: Sequence[Request]) -> dict[int, int]:
    """Return the place of every request object."""
    return {id(request): number for number, request in enumerate(requests)}


def reference(contracts: Sequence[Contract], requests: list[Request], policy: Policy, server: Server) -> list[Any]:
    """Return (number of the request, start, finish) in order of service, by the reference model."""
    numbers = number_of(requests)
    execution = simulate(requests, contracts, policy, server)
    return [(numbers[id(s.request)], s.start_ns, s.finish_ns) for s in execution.services]


def batched(contracts: Sequence[Contract], schedules: Sequence[list[Request]], policy: Policy) -> list[Any]:
    """Return the same (without finishes) for every schedule, by the numpy interpreter."""
    tenants = tenants_of(contracts)
    costs = [[Fraction(r.bytes) / contracts[r.tenant].guaranteed_bytes_per_ns for r in rs] for rs in schedules]
    services = [[r.bytes / PEAK for r in rs] for rs in schedules]
    expected = [[policed.expected_ns or Fraction(0) for policed in police(rs, contracts)] for rs in schedules]
    time = common_scale(number for rows in (*costs, *services, *expected) for number in rows)
    size = common_scale(tenants.quanta)

    def table(lanes: Sequence[Sequence[Any]], scale: int) -> Any:
        return np.array([scaled(lane, scale) for lane in lanes], np.int64).T

    traffic = Traffic(
        table([[r.tenant for r in rs] for rs in schedules], 1),
        table([[r.arrival_ns for r in rs] for rs in schedules], time),
        table([[r.bytes for r in rs] for rs in schedules], size),
        table(costs, time),
        table(services, time),
        table(expected, time),
        table([[r.row for r in rs] for rs in schedules], 1),
    )
    served = run_arbiter(policy, attrs.evolve(tenants, quanta=tuple(scaled(tenants.quanta, size))), traffic)
    return [
        [(request, Fraction(start, time)) for request, start in zip(requests, starts, strict=True)]
        for requests, starts in zip(served.request.T.tolist(), served.start.T.tolist(), strict=True)
    ]


def lanes_of(requests: list[Request]) -> list[list[Request]]:
    """Return three schedules of one length: as drawn, the sizes backwards, and all at one instant."""
    sizes = [request.bytes for request in reversed(requests)]
    backwards = [attrs.evolve(request, bytes=size) for request, size in zip(requests, sizes, strict=True)]
    return [requests, backwards, [attrs.evolve(request, arrival_ns=3) for request in requests]]


@ALL
# The second of tenant 0 arrives as the first one ends, beside one of tenant 1: stamped before the choice.
@example(
    run=([tenant("a", Fraction(1)), tenant("b", Fraction(1))], [Request(0, 0, 4), Request(1, 2, 4), Request(0, 2, 4)])
)
@given(run=runs())
def test_run(policy: Policy, run: tuple[list[Contract], list[Request]]) -> None:
    contracts, requests = run
    lanes = lanes_of(requests)
    expected = [reference(contracts, lane, policy, Server(PEAK)) for lane in lanes]
    for lane, services in zip(lanes, expected, strict=True):
        assert services == simulator_oracle.run(lane, contracts, policy.name, PEAK)
    if policy.exact_only:
        with pytest.raises(TypeError, match="integers and Fractions only"):
            batched(contracts, lanes, policy)
    else:
        assert batched(contracts, lanes, policy) == [[service[:2] for service in services] for services in expected]


@OPEN
@fewer()
@given(run=runs())
def test_run_on_terms(policy: Policy, run: tuple[list[Contract], list[Request]]) -> None:
    contracts, requests = run
    recording = Recording()
    simulate(requests[:8], contracts, recording.of(policy), Server(PEAK))
    state = policy.start(tenants_of(contracts))
    for name, arguments, answer in recording.calls:
        with symbolic():
            given_ = on_constants(name, each(real, state), arguments)
            got = getattr(policy, name)(*given_)
        got = each(value, got)
        assert got == answer
        state = {"stamp": lambda a: a[0], "select": lambda a: a[2]}.get(name, lambda a: a)(got)


def on_constants(name: str, state: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments of one call with every number a constant of Z3, and `state` for the first."""
    if name == "stamp":
        _, tenant_, arrival = arguments
        return state, lift(tenant_), each(real, arrival)
    if name == "select":
        _, tenants, heads, waiting = arguments
        return state, tenants, each(real, heads), each(real, waiting)
    if name == "advance":
        return state, real(arguments[1])
    return (state,)


# Whole runs: policing, the three treatments of excess, best effort, blackouts.

treatments = st.sampled_from(list(Excess))


@st.composite
def policed_contracts(draw: st.DrawFn) -> list[Contract]:
    """Draw one to three contracts, each with a way to treat excess; now and then a best-effort tenant."""
    contracts = []
    for number in range(draw(st.integers(1, 3))):
        g = draw(rates())
        surplus, duration = draw(st.one_of(st.just(Fraction(0)), rates())), Fraction(draw(st.integers(0, 6)), 2)
        contracts.append(
            Contract(
                str(number),
                g,
                g + surplus,
                duration,
                max_request_bytes=draw(st.integers(3, LARGEST)),
                priority=draw(st.integers(0, 2)),
                excess=draw(treatments),
            )
        )
    if draw(st.booleans()):
        contracts.append(Contract("rest", max_request_bytes=LARGEST, priority=1, best_effort=True))
    return contracts


@st.composite
def policed_runs(draw: st.DrawFn) -> tuple[list[Contract], list[Request], Server]:
    """Draw contracts, requests (some beyond what a tenant may send) and a server, often with blackouts."""
    contracts = draw(policed_contracts())
    requests = draw(requests_of(len(contracts), 12))
    if draw(st.booleans()):
        return contracts, requests, Server(PEAK)
    part = draw(st.sampled_from((1, 2, 3)))
    interval = draw(st.integers(2, 9))
    blackout, offset = draw(st.integers(0, interval - 1)), draw(st.integers(0, interval - 1))
    return (
        contracts,
        requests,
        Server(PEAK, Refresh(Fraction(interval, part), Fraction(blackout, part)), Fraction(offset, part)),
    )


@ALL
@given(run=policed_runs())
def test_policed_run(policy: Policy, run: tuple[list[Contract], list[Request], Server]) -> None:
    contracts, requests, server = run
    refresh = server.refresh
    blackouts = None if refresh is None else (refresh.interval, refresh.blackout, server.offset_ns)
    expected = simulator_oracle.run(requests, contracts, policy.name, PEAK, blackouts)
    assert reference(contracts, requests, policy, server) == expected


@given(run=policed_runs())
def test_policing_of_a_run(run: tuple[list[Contract], list[Request], Server]) -> None:
    contracts, requests, server = run
    policed = simulator_oracle.police(requests, contracts)
    execution, numbers = simulate(requests, contracts, ARBITERS["sfq"], server), number_of(requests)
    for service in execution.services:
        own = policed[numbers[id(service.request)]]
        assert service.policing is Policing(own["class"])
        assert (service.release_ns, service.expected_ns) == (own["release"], own["expected"])
    refused = [request for request, own in zip(requests, policed, strict=True) if own["class"] == "refused"]
    assert list(execution.refused) == refused


@pytest.mark.parametrize("name", ["sfq", "essay", "fcfs"])
@fewer(2)
@given(run=policed_runs())
def test_pairwise_gap(name: str, run: tuple[list[Contract], list[Request], Server]) -> None:
    contracts, requests, server = run
    services = simulate(requests, contracts, ARBITERS[name], server).services
    speeds = [contract.guaranteed_bytes_per_ns or Fraction(1) for contract in contracts]
    plain = [(s.request.tenant, s.release_ns, s.start_ns, s.finish_ns, s.request.bytes) for s in services]
    for i in range(len(contracts)):
        for j in range(i):
            gap = worst_gap(services, speeds, i, j)
            assert (gap.size_ns if gap else 0) == fairness_oracle.largest_gap(plain, speeds, i, j)
