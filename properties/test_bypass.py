"""How often others go first: counted on executions, and at most N - 1 times under round robin (AR-5)."""

from fractions import Fraction

from hypothesis import example, given

from headgate.model.arbiters import ROUND_ROBIN
from headgate.model.replay import replay
from headgate.model.simulator import Server, simulate
from headgate.properties import strategies
from headgate.properties.strategies import Scenario
from headgate.spec.links import checks
from headgate.spec.vocabulary import Contract, Excess, Execution, Request, Schedule

SCENARIOS = strategies.scenarios(excess=Excess.IN_LINE, valid=True, admissible=None)
ONE = Contract("t", Fraction(1), Fraction(1), Fraction(0), 4)
# Everybody sends one request, and the last tenant waits for all others.
ROUND = Scenario((ONE,) * 4, Server(Fraction(4)), tuple(Request(tenant, 0, 4) for tenant in range(4)))
# Tenant 1 comes while tenant 0 is served twice, and again later: what was before it does not count.
LATER = Scenario((ONE,) * 2, Server(Fraction(4)), (*[Request(0, 0, 4)] * 3, Request(1, 1, 4), Request(1, 9, 4)))


def bypasses(execution: Execution) -> list[int]:
    """Return, for every service, how many of others began since its request came and its tenant's last one began."""
    found = []
    for service in execution.services:
        own = [
            s.start_ns for s in execution.services
            if s.request.tenant == service.request.tenant and s.start_ns < service.start_ns
        ]  # fmt: skip
        since = max([service.release_ns, *own])
        found.append(sum(
            since <= s.start_ns < service.start_ns and s.request.tenant != service.request.tenant
            for s in execution.services
        ))  # fmt: skip
    return found


@checks("AR-5")
@given(SCENARIOS)
@example(ROUND)
@example(LATER)
def test_a_tenant_waits_through_one_service_of_each_other_at_most(scenario: Scenario) -> None:
    """Round robin: while a request waits at the head, N - 1 services of others begin at most."""
    execution = simulate(scenario.requests, scenario.contracts, ROUND_ROBIN, scenario.server)
    assert max(bypasses(execution), default=0) <= len(scenario.contracts) - 1


@checks("AR-5")
@given(SCENARIOS)
@example(ROUND)
@example(LATER)
def test_a_replay_counts_as_many(scenario: Scenario) -> None:
    """The claim "bypass" of a schedule counts each request's own wait, no more and no less."""
    weights = [contract.guaranteed_bytes_per_ns for contract in scenario.contracts]
    for tenant in range(len(weights)):
        given = {"weights": weights, "peak": scenario.server.peak_bytes_per_ns, "tenant": tenant, "most": 0}
        shown = replay(Schedule("AR-5", "", "arbiter", "round-robin", "bypass", given, scenario.requests))
        assert shown.execution is not None
        own = [service.request.tenant == tenant for service in shown.execution.services]
        counts = [count for count, mine in zip(bypasses(shown.execution), own, strict=True) if mine]
        assert shown.observed == max(counts, default=0)
