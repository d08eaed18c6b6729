"""What must hold of a lasso that is said to starve, of the rules that do, and of those that do not (ST-1 to ST-7)."""

from collections.abc import Iterator
from fractions import Fraction

import attrs
from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model.arbiters import ARBITERS
from headgate.model.bounds import early_delay, sfq_delay
from headgate.model.lasso import Lasso, rounds_needed, starved
from headgate.model.simulator import Server, simulate, tenants_of
from headgate.properties import strategies
from headgate.properties.measures import largest_of
from headgate.properties.strategies import Scenario, long_run_rate
from headgate.spec.links import checks
from headgate.spec.vocabulary import Contract, Excess, Request, Service

CHANNEL = Server(Fraction(1))
# The policies that are fair: whoever keeps to a contract is done by a bound under each, so that none may be accused.
KEEP_THE_PROMISE = ("sfq", "scfq", "early", "wfq", "wf2q+", "drr")


def equals(*priorities: int, weight: Fraction = Fraction(1, 2)) -> list[Contract]:
    """Return contracts of one guarantee, with these priorities, served in line."""
    return [
        Contract(f"t{n}", weight, weight, Fraction(0), 8, priority, excess=Excess.IN_LINE)
        for n, priority in enumerate(priorities)
    ]


@st.composite
def lassos(draw: st.DrawFn) -> Lasso:
    """Draw a lasso of a few small requests of two tenants; whoever is tenant 1 is the victim."""
    begin, length = draw(st.integers(0, 3)), draw(st.integers(1, 4))
    request = st.builds(Request, st.integers(0, 1), st.just(0), st.integers(1, 2), st.integers(0, 1))

    def at(first: int, last: int, least: int) -> list[Request]:
        sent = draw(st.lists(st.tuples(st.integers(first, last), request), min_size=least, max_size=4))
        return [Request(r.tenant, t, r.bytes, r.row) for t, r in sorted(sent, key=lambda pair: pair[0])]

    prefix = at(0, begin - 1, 0) if begin else []
    return Lasso(tuple(prefix), tuple(at(begin, begin + length - 1, 1)), begin, length)


def stream(policy: str) -> Lasso:
    """Return the lasso that the solver finds for `policy`."""
    if policy == "fr-fcfs":
        return Lasso((Request(1, 0, 1), Request(1, 0, 1, 1)), (Request(0, 1, 1),), 1, 1)
    if policy == "priority":
        return Lasso((Request(1, 0, 1), Request(1, 0, 1)), (Request(0, 1, 1),), 1, 1)
    return Lasso((), (Request(0, 0, 1), Request(0, 0, 1), Request(1, 0, 1)), 0, 2)


def own(services: tuple[Service, ...]) -> list[Service]:
    """Return the services of the victim."""
    return [service for service in services if service.request.tenant == 1]


def lateness(service: Service) -> Fraction:
    """Return how long after its expected arrival a service is done, in ns."""
    assert service.expected_ns is not None
    return service.finish_ns - service.expected_ns


GROWING = (Request(0, 0, 1, 1), Request(1, 1, 1), Request(0, 1, 2, 1), Request(1, 1, 2, 1))
UNEVEN = (Request(0, 1, 1), Request(0, 2, 2), Request(1, 3, 1, 1), Request(0, 3, 2, 1))
LATER = (Request(0, 4, 1, 1), Request(1, 4, 2), Request(0, 4, 2), Request(0, 5, 2))
TURNS = (Request(0, 1, 2, 1), Request(1, 1, 1), Request(0, 3, 2, 1))
BETWEEN = (Request(0, 1, 1), Request(1, 2, 1), Request(0, 4, 2, 1), Request(1, 4, 1, 1))


@checks("ST-1")
@given(st.sampled_from(sorted(ARBITERS)), lassos(), st.integers(1, 6))
@example("fcfs", stream("fcfs"), 6)
@example("essay", stream("essay"), 6)
@example("priority", stream("priority"), 6)
@example("fr-fcfs", stream("fr-fcfs"), 6)
# What is left of the prefix grows smaller with every round: after a few of them the victim is served.
@example("priority", Lasso((*[Request(0, 0, 1)] * 4, Request(1, 0, 1)), (Request(0, 1, 1),), 1, 2), 6)
# A long request of the prefix is in service as the loop begins, and not as it ends.
@example("priority", Lasso((Request(0, 0, 3), Request(1, 0, 1)), (Request(0, 1, 1),), 1, 3), 6)
# The queues look the same, but the cap counts.
@example("fr-fcfs-cap", stream("fr-fcfs"), 6)
# Nothing of the victim is served in the first round of the loop alone, or only some of it is.
@example("round-robin", Lasso((Request(1, 0, 1), Request(1, 0, 1)), (Request(1, 1, 1), Request(0, 1, 1)), 1, 2), 6)
@example("fcfs", Lasso(GROWING, (Request(0, 3, 2),), 2, 2), 6)
# Its own requests exceed what it was promised.
@example("fcfs", Lasso((), (*[Request(0, 0, 1)] * 2, *[Request(1, 0, 1)] * 2), 0, 2), 6)
# Rounds of services that do not come again: some of the tenants do not wait, or it is another one's turn.
@example("fr-fcfs", Lasso((Request(0, 0, 2, 1), Request(1, 0, 2)), UNEVEN, 1, 3), 6)
@example("fr-fcfs", Lasso((Request(1, 1, 2), Request(1, 1, 2, 1)), LATER, 2, 4), 6)
@example("round-robin", Lasso((Request(1, 0, 1, 1), Request(1, 0, 2)), TURNS, 1, 3), 6)
# The prefix is served between two rounds.
@example("fcfs", Lasso((Request(1, 0, 2), Request(0, 0, 2, 1)), BETWEEN, 1, 4), 6)
def test_what_starves_in_a_few_rounds_starves_in_all(policy: str, lasso: Lasso, more: int) -> None:
    """Further rounds do as the first ones did; and no policy that keeps the promise is accused."""
    contracts = equals(0, 1)
    shown = starved(lasso, 1, contracts, ARBITERS[policy], CHANNEL)
    if policy in KEEP_THE_PROMISE:
        assert shown.grows_ns == 0
    if shown.grows_ns == 0:
        return
    rounds = rounds_needed(lasso, CHANNEL) + more
    services = simulate(lasso.rounds(rounds), contracts, ARBITERS[policy], CHANNEL).services
    victim = own(services)
    if shown.never_served:
        waited = [s for s in victim if s.release_ns == shown.waits[0][0] and s.start_ns >= lasso.begins(0)]
        assert waited[0].start_ns >= lasso.begins(rounds)
        return
    count = sum(request.tenant == 1 for request in lasso.loop)
    settled = [lateness(s) for s in victim if s.start_ns < lasso.begins(rounds)][-2 * count :]
    assert len(settled) == 2 * count
    for before, after in zip(settled, settled[count:], strict=False):
        assert after - before >= shown.grows_ns


@checks("ST-2")
@given(st.integers(2, 40), st.integers(2, 6))
@example(2, 2)
def test_first_come_first_served_is_late_without_bound(rounds: int, flood: int) -> None:
    """Tenant 1 sends a byte every 2 ns, as promised; tenant 0 sends `flood` in the same time: all wait alike."""
    lasso = Lasso((), (*[Request(0, 0, 1)] * flood, Request(1, 0, 1)), 0, 2)
    late = [lateness(s) for s in own(simulate(lasso.rounds(rounds), equals(0, 0), ARBITERS["fcfs"], CHANNEL).services)]
    assert late == [(flood - 1) * k + flood + 1 for k in range(rounds)]
    fair = own(simulate(lasso.rounds(rounds), equals(0, 0), ARBITERS["sfq"], CHANNEL).services)
    assert max(map(lateness, fair)) <= sfq_delay(1, 1, Fraction(1), Fraction(0))


@checks("ST-3")
@given(st.integers(1, 40))
@example(1)
def test_a_stream_of_a_better_priority_is_served_alone(rounds: int) -> None:
    """However long it is, all of it goes before a request of the worse priority, which sends nothing else."""
    requests = [Request(0, 0, 1), Request(1, 0, 1), *(Request(0, k, 1) for k in range(1, rounds))]
    services = simulate(requests, equals(0, 1), ARBITERS["priority"], CHANNEL).services
    assert [s.request.tenant for s in services] == [0] * rounds + [1]


@checks("ST-3")
@given(st.integers(2, 40))
@example(2)
def test_a_burst_in_contract_goes_before_what_was_promised(size: int) -> None:
    """A burst of a better priority, all of it in contract: strict priority breaks the bound that SFQ keeps."""
    contracts = [
        Contract("bursts", Fraction(1, 2), Fraction(size), Fraction(1), size, 0, excess=Excess.IN_LINE),
        Contract("waits", Fraction(1, 2), Fraction(1, 2), Fraction(0), 1, 1, excess=Excess.IN_LINE),
    ]
    requests = [*[Request(0, 0, 1)] * size, Request(1, 0, 1)]
    bound = sfq_delay(1, 1, Fraction(1), Fraction(0))
    late = {
        policy: lateness(own(simulate(requests, contracts, ARBITERS[policy], CHANNEL).services)[0])
        for policy in ("priority", "sfq")
    }
    assert all(s.policing.value != "excess" for s in simulate(requests, contracts, ARBITERS["sfq"], CHANNEL).services)
    assert late["sfq"] <= bound < late["priority"] == size + 1


@checks("ST-4")
@given(st.integers(2, 40), st.integers(2, 6))
@example(2, 2)
def test_the_essay_tag_is_late_without_bound(rounds: int, flood: int) -> None:
    """Behind the arrivals, V plays no part: as under first come, first served."""
    lasso = Lasso((), (*[Request(0, 0, 1)] * flood, Request(1, 0, 1)), 0, 2)
    late = [lateness(s) for s in own(simulate(lasso.rounds(rounds), equals(0, 0), ARBITERS["essay"], CHANNEL).services)]
    assert late == [(flood - 1) * k + flood + 1 for k in range(rounds)]


# ---- what keeps the others from it ----

ANY_LOAD = strategies.scenarios(excess=Excess.IN_LINE, valid=True, admissible=None, max_stretches=2)
# Tenant 1 has just gone into service, and is passed over by all that tenant 0 is allowed.
PASSED = Scenario(
    tuple(equals(0, 0)), CHANNEL, (*[Request(1, 0, 4)] * 2, *[Request(0, 1, 4)] * 3, *[Request(0, 1, 3)] * 3)
)
CIRCLE = Scenario(
    tuple(equals(*[0] * 5, weight=Fraction(1, 5))), CHANNEL, tuple(Request(t, 0, 4) for t in range(5)) * 2
)


def at_the_head(services: tuple[Service, ...]) -> Iterator[tuple[Service, list[Service]]]:
    """Yield every service with those of others that were started while it waited at the head of its queue."""
    for number, service in enumerate(services):
        before = services[:number]
        last = max((n for n, s in enumerate(before) if s.request.tenant == service.request.tenant), default=-1)
        yield service, [s for s in before[last + 1 :] if s.start_ns >= service.release_ns]


@checks("ST-5")
@given(st.sampled_from(("round-robin", "sfq", "scfq", "drr")), ANY_LOAD)
@example("round-robin", CIRCLE)
@example("sfq", PASSED)
@example("scfq", PASSED)
@example("drr", PASSED)
def test_a_head_is_passed_over_no_more_than_its_policy_allows(policy: str, scenario: Scenario) -> None:
    """By N - 1 requests of others; by the largest costs of both; by less than a quantum and a largest request."""
    services = simulate(scenario.requests, scenario.contracts, ARBITERS[policy], scenario.server).services
    tenants = tenants_of(scenario.contracts)
    largest = [largest_of(services, tenant) for tenant in range(tenants.count)]
    for service, others in at_the_head(services):
        if policy == "round-robin":
            assert len(others) <= tenants.count - 1
            continue
        own = service.request.tenant
        for tenant in {other.request.tenant for other in others}:
            passed = sum(other.request.bytes for other in others if other.request.tenant == tenant)
            if policy == "drr":
                assert passed < tenants.quanta[tenant] + largest[tenant]
            else:
                costs = largest[own] / tenants.weights[own] + largest[tenant] / tenants.weights[tenant]
                assert passed / tenants.weights[tenant] <= costs


@checks("ST-5")
def test_as_often_as_allowed() -> None:
    """Round robin and SFQ reach their counts."""
    services = simulate(CIRCLE.requests, CIRCLE.contracts, ARBITERS["round-robin"], CHANNEL).services
    assert max(len(others) for _, others in at_the_head(services)) == 4
    services = simulate(PASSED.requests, PASSED.contracts, ARBITERS["sfq"], CHANNEL).services
    assert max(sum(s.request.bytes for s in others) for _, others in at_the_head(services)) == 8


@checks("ST-6")
@given(
    st.sampled_from(("sfq", "early")),
    strategies.scenarios(excess=Excess.IN_LINE, valid=True, max_stretches=2),
    st.lists(st.integers(0, 9), min_size=8, max_size=8),
)
@example("sfq", Scenario(tuple(equals(0, 1)), CHANNEL, (*[Request(0, 0, 8)] * 6, Request(1, 0, 1))), [0, 1] * 4)
@example("early", Scenario(tuple(equals(0, 1)), CHANNEL, (*[Request(0, 0, 8)] * 6, Request(1, 0, 1))), [0, 1] * 4)
def test_no_priority_breaks_what_was_promised(policy: str, scenario: Scenario, priorities: list[int]) -> None:
    """Whatever the priorities, every request is done by the bound of its policy."""
    contracts = [attrs.evolve(c, priority=p) for c, p in zip(scenario.contracts, priorities, strict=False)]
    services = simulate(scenario.requests, contracts, ARBITERS[policy], scenario.server).services
    refresh, rate = scenario.server.refresh, long_run_rate(scenario.server)
    blackout = Fraction(0) if refresh is None else refresh.blackout
    largest = [largest_of(services, tenant) for tenant in range(len(contracts))]
    for service in services:
        size, tenant = service.request.bytes, service.request.tenant
        own = contracts[tenant].guaranteed_bytes_per_ns
        bound = (
            sfq_delay(size, sum(largest) - largest[tenant], rate, blackout)
            if policy == "sfq"
            else early_delay(size, max(largest), rate, blackout, own)
        )
        assert lateness(service) <= bound


@checks("ST-7")
@given(st.integers(3, 40))
@example(3)
def test_turns_are_late_without_bound_where_more_was_promised(rounds: int) -> None:
    """Tenant 1 is promised two bytes in 3 ns, and sends them; turns leave it three in 6."""
    contracts = [attrs.evolve(c, guaranteed_bytes_per_ns=Fraction(n, 3)) for n, c in enumerate(equals(0, 0), 1)]
    lasso = Lasso((), (Request(1, 0, 1), Request(0, 1, 1), Request(1, 1, 1), Request(0, 2, 1)), 0, 3)
    served = own(simulate(lasso.rounds(rounds), contracts, ARBITERS["round-robin"], CHANNEL).services)
    late = [lateness(service) for service in served]
    assert [after - before for before, after in zip(late[2:], late[4:], strict=False)] == [1] * (len(late) - 4)
    mended = own(simulate(lasso.rounds(rounds), contracts, ARBITERS["drr"], CHANNEL).services)
    assert max(map(lateness, mended)) < 12
