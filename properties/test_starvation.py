"""What must hold of a lasso that is said to starve, and of the rules that do (ST-1 to ST-4)."""

from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model.arbiters import ARBITERS
from headgate.model.bounds import sfq_delay
from headgate.model.lasso import Lasso, rounds_needed, starved
from headgate.model.simulator import Server, simulate
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


@checks("ST-1")
@given(st.sampled_from(sorted(ARBITERS)), lassos(), st.integers(1, 6))
@example("fcfs", stream("fcfs"), 6)
@example("essay", stream("essay"), 6)
@example("priority", stream("priority"), 6)
@example("fr-fcfs", stream("fr-fcfs"), 6)
# What is left of the prefix grows smaller with every round: after a few of them the victim is served.
@example("priority", Lasso((*[Request(0, 0, 1)] * 4, Request(1, 0, 1)), (Request(0, 1, 1),), 1, 2), 6)
# The essay's tag keeps apart what sizes differ: V is ahead of the arrivals.
@example("essay", Lasso((Request(1, 0, 2),), (Request(0, 1, 1), Request(0, 1, 1)), 1, 1), 6)
# Requests of the largest size go to the tenant that is to be late: by turns it gets more than its share.
@example("round-robin", Lasso((), (Request(0, 0, 2), Request(0, 0, 2), Request(1, 0, 1), Request(1, 1, 1)), 0, 4), 6)
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
