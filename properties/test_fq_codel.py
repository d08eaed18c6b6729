"""What must hold of FQ-CoDel's lists, and what fails where a queue that empties is forgotten (FC-1 to FC-4)."""

from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model import bounds
from headgate.model.arbiters.fq_codel import FQ_CODEL, FQ_CODEL_REJOINS, Lists
from headgate.model.simulator import Server
from headgate.properties import strategies
from headgate.properties.measures import Choice, Log, Stamping, choices, recorded_run
from headgate.properties.oracles.arbiters import FqCodel, FqCodelRejoins
from headgate.properties.strategies import Scenario
from headgate.spec.links import checks
from headgate.spec.vocabulary import Contract, Excess, Request

ANY_LOAD = strategies.scenarios(excess=Excess.IN_LINE, valid=True, admissible=None)


def tenants(count: int) -> tuple[Contract, ...]:
    """Return contracts of equal guarantees for requests of one byte."""
    return tuple(Contract(f"t{n}", Fraction(1), Fraction(1), Fraction(0), 1) for n in range(count))


def sparse(count: int, others: int) -> Scenario:
    """Return a backlog of `others` tenants, and `count` requests of the last one, each as soon as it has had its turn.

    The first comes while the others' first turns are on, and is served after them, at `others` ns.
    """
    backlog = [Request(n, 0, 1) for n in range(others) for _ in range(count)]
    own = [Request(others, at, 1) for at in (1, *range(others + 1, others + count))]
    return Scenario(tenants(others + 1), Server(Fraction(1)), (*backlog, *own))


# Two that are backlogged, and one that comes back as soon as it was served: from OLD, and at once again from NEW.
TWICE = Scenario(
    tenants(3), Server(Fraction(1)),
    tuple(sorted([*[Request(0, 0, 1)] * 9, *[Request(1, 0, 1)] * 9, *[Request(2, at, 1) for at in (1, 3, 6, 7, 10)]],
                 key=lambda request: request.arrival_ns)),
)  # fmt: skip


def lists_of(state: Lists) -> tuple[list[int], list[int]]:
    """Return NEW and OLD, in the order of service."""
    everybody = range(len(state.queued))

    def in_order(members: tuple[bool, ...]) -> list[int]:
        own = [k for k in everybody if members[k]]
        return sorted(own, key=lambda k: sum(state.ahead[j][k] for j in own))

    return in_order(state.new), in_order(state.old)


@checks("FC-1", "FC-2")
@given(st.booleans(), ANY_LOAD)
@example(False, sparse(12, 2))
@example(True, sparse(12, 2))
@example(False, TWICE)
@example(True, TWICE)
def test_the_lists_are_those_of_the_standard(rejoins: bool, scenario: Scenario) -> None:
    """After every event NEW and OLD hold whom two plain queues hold, in their order, and so does the choice."""
    policy = FQ_CODEL_REJOINS if rejoins else FQ_CODEL
    plain = (FqCodelRejoins if rejoins else FqCodel)([], [])
    for event in recorded_run(scenario, policy).events:
        if isinstance(event, Stamping):
            plain.arrive((event.tenant, event.arrival.at, event.arrival.size))
        elif isinstance(event, Choice):
            assert plain.serve()[0] == event.tenant
        else:
            plain.idle()
        assert lists_of(event.after) == (list(plain.new), list(plain.old))


def turns_between(log: Log) -> list[tuple[int, int]]:
    """Return (most services of one other, services of all others) before each service, while its tenant waits."""
    found = []
    since: dict[int, list[int]] = {}
    for tenant, heads, _ in choices(log):
        for other in heads:
            since.setdefault(other, [])
            if other != tenant:
                since[other].append(tenant)
        counts = [since[tenant].count(other) for other in set(since[tenant])]
        found.append((max(counts, default=0), len(since.pop(tenant))))
    return found


@checks("FC-3")
@given(ANY_LOAD)
@example(sparse(12, 2))
@example(TWICE)
def test_nobody_is_served_more_than_twice_between(scenario: Scenario) -> None:
    """While a tenant waits, each other is served twice at most, and all of them 2 (N - 1) times."""
    for one, all_others in turns_between(recorded_run(scenario, FQ_CODEL)):
        assert one <= 2
        assert all_others <= bounds.fq_codel_bypass(len(scenario.contracts))


# Tenant 0 waits from 3 ns on while both others empty in OLD, and come back once more.
ALL_TWICE = Scenario(
    tenants(3), Server(Fraction(1)),
    tuple(Request(*each, 1) for each in [(1, 1), (2, 1), (0, 2), (0, 3), (1, 4), (1, 5), (2, 5), (2, 7)]),
)  # fmt: skip


@checks("FC-3")
def test_the_bounds_are_attained() -> None:
    """One that comes back at the right moments is served twice before a backlogged tenant, and so may all others be."""
    assert max(turns_between(recorded_run(TWICE, FQ_CODEL)))[0] == 2
    assert max(turns_between(recorded_run(ALL_TWICE, FQ_CODEL))) == (2, bounds.fq_codel_bypass(3))


@checks("FC-4")
@given(st.integers(4, 40))
@example(4)
def test_who_is_forgotten_at_once_starves_the_others(length: int) -> None:
    """One request at a time is served as it comes, however long that goes on; the lists are the same after each."""
    log = recorded_run(sparse(length, 2), FQ_CODEL_REJOINS)
    served = [tenant for tenant, _, _ in choices(log)]
    assert served[2 : length + 2] == [2] * length
    states = [lists_of(event.after) for event in log.events if isinstance(event, Choice)]
    assert states[2 : length + 2] == [([], [0, 1])] * length
    assert max(turns_between(log))[0] == length
