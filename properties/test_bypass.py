"""How often others go first: counted on executions, and at most N - 1 times under round robin (AR-5)."""

from fractions import Fraction

from hypothesis import example, given

from headgate.model.arbiters import ROUND_ROBIN
from headgate.model.simulator import Server, simulate
from headgate.properties import strategies
from headgate.properties.strategies import Scenario
from headgate.spec.links import checks
from headgate.spec.vocabulary import Contract, Excess, Execution, Request

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
