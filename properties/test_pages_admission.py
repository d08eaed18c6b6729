"""What must hold of the admission of pages (PA-1 to PA-5)."""

import itertools

from hypothesis import assume, example, given
from hypothesis import strategies as st

from headgate.model.memory import pages_admission as pages
from headgate.model.memory.pages_admission import Tenancy
from headgate.properties.oracles import eviction as plain
from headgate.spec.links import checks

CROWDS = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4)), min_size=1, max_size=4)
ASKS = st.lists(st.integers(0, 3), max_size=24)


def come(crowd: list[tuple[int, int]], capacity: int) -> Tenancy:
    """Return the state after all came, each (prompt, pages more), by maximum."""
    state = pages.nobody(len(crowd))
    for who, (prompt, more) in enumerate(crowd):
        taken = sum(state.most)
        admitted, state = pages.admit(state, who, prompt, prompt + more, capacity)
        assert admitted == (taken + prompt + more <= capacity)
        assert sum(state.most) == taken + (prompt + more if admitted else 0)
    return state


@checks("PA-1", "PA-4")
@given(CROWDS, ASKS, st.integers(1, 16))
@example([(2, 2), (2, 2)], [0, 1, 0, 1, 0], 8)  # to the page
def test_whoever_is_admitted_by_maximum_has_every_page(
    crowd: list[tuple[int, int]], asks: list[int], capacity: int
) -> None:
    """Below its most a request is granted at once, at its most it is not; who ends makes room."""
    state = come(crowd, capacity)
    for who in (who for who in asks if who < len(crowd)):
        below = state.pages[who] < state.most[who]
        granted, after = pages.grow(state, who, capacity)
        assert granted == below
        assert after.pages[who] == state.pages[who] + granted
        assert sum(after.pages) <= capacity
        state = after
    ended = pages.end(state, 0)
    assert ended.pages == (0, *state.pages[1:])
    assert ended.most == (0, *state.most[1:])


@checks("PA-1")
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 12))
def test_more_than_fits_by_maximum_can_go_short(most: list[int], capacity: int) -> None:
    """The condition is exact: there is a state in which somebody wants a page that is not there iff they do not fit."""
    *others, last = most
    fits = pages.fits_by_maximum(Tenancy(tuple(others), tuple(others)), last, capacity)
    assert fits == (not plain.can_get_stuck(most, capacity))


@checks("PA-2")
@given(st.integers(1, 6), st.integers(1, 4), st.integers(2, 4))
@example(1, 1, 2)
def test_the_pages_of_now_let_everybody_wait(prompt: int, more: int, count: int) -> None:
    """Requests that fit when they come and grow in turns fill the memory, all of them short of their most."""
    capacity = count * (prompt + more)
    state = pages.nobody(count)
    for who in range(count):
        assert pages.fits_now(state, prompt, capacity)
        state = pages.seat(state, who, prompt, prompt + more + 1)
        assert not pages.is_stuck(state, capacity)
    assert not pages.fits_now(state, count * more + 1, capacity)
    for who in itertools.islice(itertools.cycle(range(count)), count * more):
        granted, state = pages.grow(state, who, capacity)
        assert granted
    assert pages.is_stuck(state, capacity)
    assert not any(pages.grow(state, who, capacity)[0] for who in range(count))
    assert not pages.is_stuck(pages.end(state, 0), capacity)
    assert not pages.is_stuck(pages.nobody(count), 0)


@checks("PA-2")
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=3), st.integers(1, 6))
def test_stuck_is_when_all_who_are_there_wait(requests: list[tuple[int, int]], capacity: int) -> None:
    """Somebody is there, nobody who is there is at its most, and no frame is free."""
    state = Tenancy(tuple(min(p, m) for p, m in requests), tuple(m for _, m in requests))
    there = [who for who, most in enumerate(state.most) if most > 0]
    waits = [who for who in there if state.pages[who] < state.most[who] and not pages.grow(state, who, capacity)[0]]
    assert pages.is_stuck(state, capacity) == (there != [] and waits == there)


@checks("PA-3")
@given(CROWDS, ASKS, st.integers(1, 6), st.integers(1, 16))
@example([(2, 2), (2, 2), (1, 1)], [0, 1], 4, 8)
def test_quotas_of_the_most_pages_are_enough(
    crowd: list[tuple[int, int]], asks: list[int], quota: int, capacity: int
) -> None:
    """Admitted iff within the quota, and a quota is left; then every page below the most is granted."""
    state = pages.nobody(len(crowd))
    for who, (prompt, more) in enumerate(crowd):
        there = sum(most > 0 for most in state.most)
        fits = pages.fits_by_quota(state, prompt + more, capacity, quota)
        assert fits == (prompt + more <= quota and (there + 1) * quota <= capacity)
        state = pages.seat(state, who, prompt, prompt + more) if fits else state
    for who in (who for who in asks if who < len(crowd)):
        below = state.pages[who] < state.most[who]
        granted, state = pages.grow(state, who, capacity)
        assert granted == below


@checks("PA-3")
@given(st.integers(0, 5), st.integers(1, 5), st.integers(1, 5), st.integers(1, 8))
def test_the_essays_quota_bounds_the_prompt(taken: int, prompt: int, quota: int, capacity: int) -> None:
    """It admits what fits now and is within the quota, and so lets everybody wait as without one."""
    state = Tenancy((taken, 0), (taken, 0))
    admitted = pages.fits_now_and_quota(state, prompt, capacity, quota)
    assert admitted == (prompt <= quota and taken + prompt <= capacity)
    full = pages.seat(pages.seat(pages.nobody(2), 0, 2, 3), 1, 2, 3)
    assert pages.fits_now_and_quota(Tenancy((2, 0), (3, 0)), 2, 4, 2)
    assert pages.is_stuck(full, 4)


@checks("PA-4")
def test_two_requests_that_are_checked_before_either_is_seated() -> None:
    """Each of two that come to 3 pages fits into 5, both together do not; one after the other the second is refused."""
    empty = pages.nobody(2)
    assert pages.fits_by_maximum(empty, 3, 5)
    assert sum(pages.seat(pages.seat(empty, 0, 1, 3), 1, 1, 3).most) > 5
    _, state = pages.admit(empty, 0, 1, 3, 5)
    admitted, after = pages.admit(state, 1, 1, 3, 5)
    assert not admitted
    assert after == state


@checks("PA-5")
@given(CROWDS, ASKS, st.integers(1, 10), st.permutations(range(4)))
@example([(1, 3), (1, 3)], [1, 1, 0, 0, 0, 1], 4, [0, 1, 2, 3])
@example([(1, 3)] * 3, [0, 1, 2, 0], 3, [0, 1, 2, 3])  # two are younger, one of them is the youngest
def test_the_youngest_is_emptied_for_older_ones(
    crowd: list[tuple[int, int]], asks: list[int], capacity: int, ages: list[int]
) -> None:
    """Who asks gets a page iff a frame is free or somebody younger has pages, of whom the youngest loses all."""
    count = len(crowd)
    order = ages[:count]
    state = Tenancy((0,) * count, tuple(prompt + more for prompt, more in crowd))
    oldest = order.index(min(order))
    for who in (who for who in asks if who < count):
        grown, after = pages.grow_or_preempt(state, who, order, capacity)
        below = state.pages[who] < state.most[who]
        full = sum(state.pages) == capacity
        younger = [k for k in range(count) if state.pages[k] > 0 and order[k] > order[who]]
        assert grown.granted == (below and (not full or bool(younger)))
        expected = list(state.pages)
        if below and full and younger:
            victim = max(younger, key=lambda k: order[k])
            assert (grown.victim, grown.lost) == (victim, state.pages[victim])
            expected[victim] = 0
        else:
            assert grown.lost == 0
        expected[who] += bool(grown.granted)
        assert after == Tenancy(tuple(expected), state.most)
        assert sum(after.pages) <= capacity
        if who == oldest and below and state.most[who] <= capacity:
            assert grown.granted
        assert after.pages[oldest] >= state.pages[oldest]
        state = after


@checks("PA-5")
@given(st.integers(0, 9), st.integers(0, 99), st.integers(0, 99))
@example(3, 10, 5)
def test_what_preemption_costs(lost: int, recompute: int, reload: int) -> None:
    """The cheaper of computing the pages again, and of copying them out and back in."""
    assume(recompute + reload > 0)
    out_and_in = lost * reload + lost * reload
    assert pages.preemption_cost(lost, recompute, reload) == min(lost * recompute, out_and_in)
