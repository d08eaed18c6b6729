"""Integers, Z3 on constants, numpy, the pool and the plain oracle say the same: eviction and admission of pages."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.model.algebra import each
from headgate.model.memory import eviction, pages_admission, sharing
from headgate.model.memory.batch import FREE, HIT, REFUSED, run_frames, use
from headgate.model.memory.eviction import POLICIES, Claims, Holdings
from headgate.model.memory.frames import cold
from headgate.model.memory.pages_admission import Tenancy
from headgate.model.memory.residency import Pool
from headgate.proofs.symbolic import lift, symbolic, value
from headgate.properties.oracles import eviction as plain
from headgate.properties.test_eviction import Setting, play, settings
from headgate.tests.interpreters import fewer, on_numbers
from headgate.tests.test_strategies import draws

ALL = pytest.mark.parametrize("policy", tuple(POLICIES))


def on_frames(setting: Setting) -> list[int]:
    """Return what became of each use, on the integers."""

    def step(state: Any, page: int) -> tuple[Any, Any]:
        return use(state, setting.layout, setting.capacity, setting.claims, page, setting.policy, setting.within)

    return on_numbers(cold(len(setting.layout.owners)), step, [(page,) for page in setting.uses])


def numbered(setting: Setting, page: tuple[int, int]) -> int:
    return sum(setting.totals[: page[0]]) + page[1]


@ALL
@given(data=st.data())
def test_frames_pool_and_oracle(policy: str, data: st.DataObject) -> None:
    setting = data.draw(settings(policies=(policy,)))
    expected = on_frames(setting)
    layout = setting.layout
    memory = plain.Memory(setting.capacity, policy, setting.within, setting.floors, setting.totals)
    pool = Pool(setting.capacity, POLICIES[policy], setting.within)
    for floor, total in zip(setting.floors, setting.totals, strict=True):
        pool.join(floor, total)
    for page, answer in zip(setting.uses, expected, strict=True):
        who, position = layout.owners[page], layout.positions[page]
        word, evicted = memory.use((who, position))
        codes = {
            "hit": HIT,
            "refused": REFUSED,
            "fetched": FREE if evicted is None else numbered(setting, evicted or (0, 0)),
        }
        assert answer == codes[word]
        hit, gone = pool.touch(who, position)
        assert hit == (answer == HIT)
        assert (None if gone is None else numbered(setting, (gone.owner, gone.page))) == (
            answer if answer >= 0 else None
        )
        assert pool.resident() == [memory.count(k) for k in range(layout.requests)]


@ALL
@fewer(10)
@given(data=st.data())
def test_arrays(policy: str, data: st.DataObject) -> None:
    """Four memories of one layout, with capacities and floors of their own."""
    setting = data.draw(settings(policies=(policy,)))
    capacities = [setting.capacity, 1, setting.capacity + 1, 3]
    floors = [[floor, 0, floor, min(floor, 1)] for floor in setting.floors]
    uses = np.array([setting.uses, setting.uses, setting.uses[::-1], setting.uses]).T
    got = run_frames(setting.layout, np.array(capacities), [np.array(f) for f in floors], setting.totals, uses, policy,
                     setting.within)  # fmt: skip
    for lane, capacity in enumerate(capacities):
        own = Setting(capacity, setting.totals, tuple(f[lane] for f in floors), policy, setting.within,
                      tuple(uses[:, lane].tolist()))  # fmt: skip
        assert got[:, lane].tolist() == on_frames(own)


@ALL
@fewer(25)
@given(data=st.data())
def test_terms(policy: str, data: st.DataObject) -> None:
    setting = data.draw(settings(policies=(policy,)))

    def step(state: Any, page: Any) -> tuple[Any, Any]:
        claims = each(whole, setting.claims)
        return use(state, setting.layout, whole(setting.capacity), claims, page, policy, setting.within)

    rows = [(page,) for page in setting.uses[:10]]
    assert on_whole_terms(cold(len(setting.layout.owners)), step, rows) == on_frames(setting)[:10]


def whole(number: Any) -> Any:
    """Lift an integer, or a truth value, to a constant of its own sort."""
    return lift(number)


def on_whole_terms(state: Any, step: Any, rows: Any) -> list[Any]:
    """Return the results on Z3's integers (a page is an index, so that numbers stay whole)."""
    results = []
    for row in rows:
        with symbolic():
            result, after = step(each(whole, state), *[whole(number) for number in row])
        results.append(value(result))
        state = each(value, after)
    return results


@fewer(2)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=4),
    st.lists(st.integers(-3, 3), min_size=4, max_size=4),
    st.integers(0, 3),
    st.integers(1, 12),
    st.booleans(),
)
def test_loads_in_counts(
    requests: list[tuple[int, int, int]], keys: list[int], who: int, capacity: int, floored: bool
) -> None:
    """A load, with any keys and pins: integers, terms, arrays."""
    who, keys = who % len(requests), keys[: len(requests)]
    state = Holdings(tuple(r for r, _, _ in requests), tuple(min(r, h) for r, h, _ in requests))
    claims = Claims(tuple(f for _, _, f in requests), (0,) * len(requests))
    policy = eviction.Policy("any score", lambda *_: keys, floored)
    loaded, after = eviction.load(state, capacity, claims, who, policy, keys)
    numbers = (loaded.evicted, loaded.evicted and loaded.owner, loaded.refused, after)
    with symbolic():
        terms = eviction.load(each(whole, state), whole(capacity), each(whole, claims), whole(who), policy, keys)
    said = each(value, terms[0])
    assert (said.evicted, said.evicted and said.owner, said.refused, each(value, terms[1])) == numbers
    arrays = eviction.load(each(wide, state), wide(capacity), each(wide, claims), wide(who), policy, keys)
    assert each(first, arrays[1]) == after
    assert (first(arrays[0].evicted), first(arrays[0].refused)) == (loaded.evicted, loaded.refused)


def wide(number: int) -> Any:
    return np.array([number, number])


def first(array: Any) -> Any:
    return np.asarray(array).ravel()[0].item()


CROWDS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=4)


@fewer()
@given(CROWDS, st.integers(0, 3), st.integers(1, 3), st.integers(0, 3), st.integers(1, 9), st.permutations(range(4)))
def test_admission_of_pages(
    crowd: list[tuple[int, int]], who: int, prompt: int, more: int, capacity: int, ages: list[int]
) -> None:
    """Every step of the gate on integers, terms and arrays."""
    who %= len(crowd)
    order, quota = tuple(ages[: len(crowd)]), 1 + more
    state = Tenancy(tuple(pages for pages, _ in crowd), tuple(pages + rest for pages, rest in crowd))

    def everything(state: Any, who: Any, prompt: Any, most: Any, capacity: Any, order: Any, quota: Any) -> Any:
        empty = pages_admission.end(state, who)
        grown, after = pages_admission.grow_or_preempt(state, who, order, capacity)
        return (
            pages_admission.admit(empty, who, prompt, most, capacity),
            pages_admission.grow(state, who, capacity),
            (grown.granted, grown.lost, after),
            pages_admission.fits_now(state, prompt, capacity),
            pages_admission.fits_now_and_quota(state, prompt, capacity, quota),
            pages_admission.fits_by_quota(state, most, capacity, quota),
            pages_admission.is_stuck(state, capacity),
            pages_admission.preemption_cost(prompt, most, quota),
        )

    given_ = (state, who, prompt, prompt + more, capacity, order, quota)
    numbers = everything(*given_)
    with symbolic():
        terms = everything(*[each(whole, part) for part in given_])
    assert each(value, terms) == numbers
    assert each(first, everything(*[each(wide, part) for part in given_])) == numbers


@given(
    st.lists(st.tuples(st.booleans(), st.lists(st.booleans(), min_size=3, max_size=3)), max_size=5), st.integers(0, 2)
)
def test_shared_pages(drawn: list[tuple[bool, list[bool]]], who: int) -> None:
    """Charges, references and who forgets, on integers and terms."""
    pages = tuple(sharing.SharedPage(resident, tuple(users)) for resident, users in drawn)

    def everything(pages: Any, who: Any) -> Any:
        after = [sharing.forget(page, who) for page in pages] + [sharing.share(page, who) for page in pages]
        references = tuple(sharing.references(page) for page in pages)
        return sharing.charges(pages, 3), sharing.charges(after, 3), references

    with symbolic():
        terms = everything(each(whole, pages), whole(who))
    assert each(value, terms) == everything(pages, who)


CORNERS = {
    "a page of another goes": lambda s, steps: any(
        t.evicted and t.owner != s.layout.owners[page] for page, t in zip(s.uses, steps, strict=True)
    ),
    "a page of one's own goes": lambda s, steps: any(
        t.evicted and t.owner == s.layout.owners[page] for page, t in zip(s.uses, steps, strict=True)
    ),
    "a use is refused": lambda s, steps: any(t.refused for t in steps),
    "a frame stays free": lambda s, steps: not any(t.evicted or t.refused for t in steps),
    "floors take all frames": lambda s, steps: sum(s.floors) == s.capacity,
    "nobody has a floor": lambda s, steps: not any(s.floors),
    "a hit after an eviction": lambda s, steps: any(
        t.hit and any(before.evicted for before in steps[:k]) for k, t in enumerate(steps)
    ),
    "one frame": lambda s, steps: s.capacity == 1,
}


def test_settings_reach_the_corners() -> None:
    """Of a hundred settings, as many as a property draws, each corner is in five at least."""
    drawn = [(setting, [step.touched for step in play(setting)]) for setting in draws(settings())]
    for name, is_there in CORNERS.items():
        assert sum(bool(is_there(setting, steps)) for setting, steps in drawn) >= 5, name
