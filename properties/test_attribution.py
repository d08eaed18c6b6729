"""What must hold of the attribution of missed deadlines (SA-1 to SA-3)."""

import itertools

import attrs
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from headgate.model.memory.attribution import (
    Causes,
    Job,
    Machine,
    Miss,
    attribute,
    missed,
    run,
    smallest,
)
from headgate.spec.links import checks

JOBS = st.lists(
    st.builds(
        Job,
        arrival_ns=st.sampled_from((0, 0, 0, 15, 40)),
        prompt=st.integers(1, 4),
        tokens=st.integers(1, 4),
        ttft_ns=st.integers(10, 60),
        itl_ns=st.integers(10, 60),
        period=st.sampled_from((1, 1, 2, 3)),
        growth=st.sampled_from((0, 0, 1, 2)),
    ),
    min_size=1,
    max_size=4,
)
MACHINES = st.builds(
    Machine,
    capacity=st.integers(1, 9),
    compute_ns=st.integers(5, 20),
    reload_ns=st.integers(1, 12),
    slots=st.integers(1, 4),
    policy=st.sampled_from(("lru", "resident", "total")),
    within=st.sampled_from(("lru", "mru")),
)
# A whale of three pages and two minnows of two that are used in every other round, in five frames.
WHALE = [Job(0, 3, 4, 100, 30), *[Job(0, 2, 2, 60, 45, period=2)] * 2]
SMALL = Machine(5, 10, 7, 3)


@checks("SA-1", "SA-2", "SA-3")
@given(JOBS, MACHINES)
@example(WHALE, SMALL)
@example([Job(0, 1, 3, 9, 9), Job(0, 1, 1, 30, 9)], Machine(9, 10, 1, 1))  # one waits for the slot of the other
@example([Job(0, 1, 1, 9, 9)], Machine(9, 10, 1, 1))  # too slow by itself
def test_causes_are_complete_sound_and_minimal(jobs: list[Job], machine: Machine) -> None:
    """Every miss has a set; without it the deadline is kept; with any cause of it left in, it is missed."""
    result = run(jobs, machine)
    for miss in missed(result)[:3]:
        causes = attribute(jobs, machine, miss, result)
        assert causes.evictions or causes.admissions
        assert causes.evictions <= set(result.evictions)
        assert causes.admissions <= set(result.admitted_ns)
        assert miss not in missed(run(jobs, machine, causes))
        for eviction in causes.evictions:
            fewer = attrs.evolve(causes, evictions=causes.evictions - {eviction})
            assert miss in missed(run(jobs, machine, fewer))
        for admission in causes.admissions:
            fewer = attrs.evolve(causes, admissions=causes.admissions - {admission})
            assert miss in missed(run(jobs, machine, fewer))


@checks("SA-3")
@given(JOBS, MACHINES)
@example(WHALE, SMALL)
@example([Job(0, 1, 3, 9, 9), Job(0, 1, 1, 30, 9)], Machine(9, 10, 1, 1))
def test_an_admission_is_named_only_where_evictions_are_not_enough(jobs: list[Job], machine: Machine) -> None:
    """Nor is the late request's own, where the admissions of others together with evictions are."""
    result = run(jobs, machine)
    everybody = frozenset(result.admitted_ns)
    for miss in missed(result)[:3]:
        causes = attribute(jobs, machine, miss, result)
        evictions = Causes(frozenset(result.evictions))
        assert (causes.admissions == frozenset()) == (miss not in missed(run(jobs, machine, evictions)))
        if miss.job in causes.admissions:
            assert causes == Causes(admissions=frozenset({miss.job}))
            at = next(t.at_ns for t in result.tokens if (t.job, t.number) == (miss.job, miss.number))
            others = frozenset(k for k in everybody - {miss.job} if result.admitted_ns[k] <= at)
            assert miss in missed(run(jobs, machine, Causes(evictions.evictions, others)))


@checks("SA-2")
@given(JOBS, MACHINES)
@example(WHALE, SMALL)
def test_what_it_means_to_remove_a_cause(jobs: list[Job], machine: Machine) -> None:
    """The load that forced an eviction has a frame of its own; who is not admitted gives no token and costs no time."""
    together = [attrs.evolve(job, arrival_ns=0) for job in jobs]
    ample = attrs.evolve(machine, slots=len(jobs))
    result = run(together, ample)
    calm = run(together, ample, Causes(frozenset(result.evictions)))
    assert calm.evictions == ()
    if not result.refused:
        assert {token.at_ns % machine.compute_ns for token in calm.tokens} == {0}
    alone = run(jobs, machine, Causes(admissions=frozenset(range(1, len(jobs)))))
    assert alone == run(jobs[:1], machine)


@checks("SA-1")
@given(JOBS, MACHINES)
@example(WHALE, SMALL)
def test_tokens_come_out_when_the_last_page_of_the_round_is_there(jobs: list[Job], machine: Machine) -> None:
    """Every job gives its tokens in order; each is due its ITL after the one before, the first TTFT after arrival."""
    result = run(jobs, machine)
    for number, job in enumerate(jobs):
        own = [token for token in result.tokens if token.job == number]
        assert [token.number for token in own] == list(range(job.tokens))
        assert result.admitted_ns[number] >= job.arrival_ns
        assert own[0].due_ns == job.arrival_ns + job.ttft_ns
        assert own[0].at_ns >= result.admitted_ns[number] + machine.compute_ns
        for before, after in itertools.pairwise(own):
            assert after.due_ns == before.at_ns + job.itl_ns
            assert after.at_ns >= before.at_ns + job.period * machine.compute_ns
    late = [Miss(t.job, t.number) for t in result.tokens if t.at_ns > t.due_ns]
    assert missed(result) == late


@checks("SA-1")
def test_a_minnow_is_late_by_what_the_whale_pushed_out() -> None:
    """In the pool of EV-10, much smaller, the minnow's pages come over the link in every round, and the whale's never.

    Two pages of a whale, two minnows of a page in turns, three frames: 10 ns a round, 7 more for a page.
    """
    jobs = [Job(0, 2, 8, 100, 100), Job(0, 1, 4, 100, 25, period=2), Job(10, 1, 4, 100, 25, period=2)]
    machine = Machine(3, 10, 7, 3)
    result = run(jobs, machine)
    late = missed(result)
    assert {miss.job for miss in late} == {1, 2}
    for miss in late:
        causes = attribute(jobs, machine, miss, result)
        assert causes.admissions == frozenset()
        assert {eviction.owner for eviction in causes.evictions} <= {1, 2}
    assert {eviction.owner for eviction in result.evictions if eviction.round > 3} == {1, 2}
    fair = run(jobs, attrs.evolve(machine, policy="resident"))
    assert {eviction.owner for eviction in fair.evictions} == {0}


@checks("SA-3")
@given(st.lists(st.integers(0, 20), max_size=24, unique=True), st.sets(st.integers(0, 20)))
def test_the_smallest_part_is_found(candidates: list[int], needed: set[int]) -> None:
    """Where a part is needed and enough, exactly it is found."""
    assume(needed <= set(candidates))
    assert set(smallest(candidates, lambda part: needed <= set(part))) == needed


@checks("SA-1")
@pytest.mark.parametrize("miss", [Miss(0, 0), Miss(7, 0)])
def test_only_what_was_missed_is_attributed(miss: Miss) -> None:
    """A deadline that was kept, or that is nobody's, is refused with its number."""
    with pytest.raises(ValueError, match=f"expected a deadline that was missed, got token 0 of job {miss.job}"):
        attribute(WHALE, SMALL, miss)
