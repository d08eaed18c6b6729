"""What must hold of FR-FCFS with a cap, and what it fails without one (FR-1 to FR-3)."""

from collections.abc import Sequence
from fractions import Fraction

import attrs
from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model import bounds
from headgate.model.arbiters.fr_fcfs import CAP, FR_FCFS, FR_FCFS_CAP, fr_fcfs
from headgate.model.simulator import Server
from headgate.properties import strategies
from headgate.properties.measures import Choice, Log, choices, recorded_run
from headgate.properties.strategies import Scenario
from headgate.spec.links import checks
from headgate.spec.vocabulary import Contract, Excess, Request

ANY_LOAD = strategies.scenarios(excess=Excess.IN_LINE, valid=True, admissible=None)
ROWS = st.lists(st.integers(0, 2), min_size=1, max_size=7)
CAPS = st.one_of(st.none(), st.integers(0, 3))


def tenants(count: int, largest: int = 8) -> tuple[Contract, ...]:
    """Return contracts of equal guarantees; their bursts do not matter here."""
    return tuple(Contract(f"t{n}", Fraction(1), Fraction(1), Fraction(0), largest) for n in range(count))


def with_rows(scenario: Scenario, rows: Sequence[int]) -> Scenario:
    """Return the scenario with the rows dealt out to its requests in turn."""
    dealt = tuple(attrs.evolve(r, row=rows[n % len(rows)]) for n, r in enumerate(scenario.requests))
    return attrs.evolve(scenario, requests=dealt)


def streaming(hits: int) -> Scenario:
    """Return a stream of tenant 0 through row 1, the next always there, and one miss of tenant 1 at 1 ns."""
    stream = [Request(0, 0, 4, 1), *(Request(0, 4 * k + 2, 4, 1) for k in range(hits - 1))]
    requests = sorted([*stream, Request(1, 1, 4, 2)], key=lambda request: request.arrival_ns)
    return Scenario(tenants(2), Server(Fraction(1)), tuple(requests))


# Hits of two other tenants pass over the miss of the first in turn; then there are misses alone.
MIXED = Scenario(
    tenants(3),
    Server(Fraction(2)),
    (*[Request(0, 0, 4, k % 2) for k in range(6)], *[Request(1, 0, 4, 1)] * 6, *[Request(2, 1, 8, 1)] * 6),
)


@checks("FR-1")
@given(CAPS, ANY_LOAD, ROWS)
@example(None, MIXED, [0, 1, 1])
@example(1, MIXED, [0, 1, 1])
@example(CAP, streaming(12), [1, 2, 1, 1, 1, 1, 1])
def test_the_oldest_hit_goes_first_or_the_oldest(cap: int | None, scenario: Scenario, rows: list[int]) -> None:
    """Of the heads: the oldest for the open row, but for the cap; the row of what is served is open from then on."""
    open_row, passed = -1, 0
    policy = fr_fcfs("fr-fcfs", cap)
    for tenant, heads, service in choices(recorded_run(with_rows(scenario, rows), policy)):
        oldest = min(heads, key=lambda t: heads[t].order)
        hits = {t: head.order for t, head in heads.items() if head.row == open_row}
        expected = min(hits, key=hits.__getitem__) if hits and (cap is None or passed < cap) else oldest
        assert tenant == expected
        assert heads[tenant].row == service.request.row
        open_row, passed = service.request.row, 0 if tenant == oldest else passed + 1


@checks("FR-2")
@given(st.integers(2, 40))
@example(2)
def test_a_stream_of_hits_starves_a_miss(hits: int) -> None:
    """However long the stream, all of it goes before the miss, and the arbiter is where it was after each."""
    log = recorded_run(streaming(hits), FR_FCFS)
    assert [s.request.tenant for s in log.services] == [0] * hits + [1]
    states = [event.after for event in log.events if isinstance(event, Choice)][:-1]
    assert states[1:] == [states[0]] * (hits - 1)
    queues = [{t: head.row for t, head in heads.items()} for _, heads, _ in choices(log)]
    assert queues[1:-1] == [{0: 1, 1: 2}] * (hits - 1)


def bypassed(log: Log) -> list[tuple[int, int]]:
    """Return for every request how many waited before it as it was stamped, and how many were served before it."""
    found = []
    for number, service in enumerate(log.services):
        earlier = [n for n in range(number) if log.services[n].start_ns >= service.release_ns]
        before = [n for n in earlier if log.services[n].release_ns <= service.release_ns]
        found.append((len(before), len(earlier)))
    return found


@checks("FR-3")
@given(st.integers(0, CAP), ANY_LOAD, ROWS)
@example(1, MIXED, [0, 1, 1])
@example(CAP, streaming(12), [1, 2, 1, 1, 1, 1, 1])
def test_with_a_cap_the_wait_is_bounded(cap: int, scenario: Scenario, rows: list[int]) -> None:
    """At most c in a row pass over the oldest; a request that finds k before it waits for k + (k + 1) c at most."""
    log = recorded_run(with_rows(scenario, rows), fr_fcfs("fr-fcfs-cap", cap))
    passed = 0
    for tenant, heads, _ in choices(log):
        passed = 0 if heads[tenant].order == min(head.order for head in heads.values()) else passed + 1
        assert passed <= cap
    for before, others in bypassed(log):
        assert others <= bounds.capped_bypass(before, cap) == before + (before + 1) * cap


@checks("FR-3")
def test_the_bound_is_attained() -> None:
    """The miss finds nobody before it, and c hits go first."""
    for policy, others in ((FR_FCFS_CAP, CAP), (fr_fcfs("fr-fcfs", 2), 2)):
        log = recorded_run(streaming(12), policy)
        assert [s.request.tenant for s in log.services].index(1) == others + 1
        assert bounds.capped_bypass(0, others) == others
