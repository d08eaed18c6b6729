"""What must hold of eviction (EV-1 to EV-13)."""

import itertools
from collections import Counter
from collections.abc import Iterator

import attrs
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from headgate.model.memory import cycles, eviction, frames, sharing
from headgate.model.memory.cycles import Block
from headgate.model.memory.eviction import POLICIES, Claims, Holdings
from headgate.model.memory.frames import Frames, Layout, Touched
from headgate.model.memory.residency import Pool, Rhythm, run_steps
from headgate.properties.oracles import eviction as plain
from headgate.spec.links import checks

WITHIN = ("lru", "mru", "prefix")


@attrs.frozen
class Setting:
    """A memory, the requests (pages and floors of each), the policy, and the pages used, numbered over all requests."""

    capacity: int
    totals: tuple[int, ...]
    floors: tuple[int, ...]
    policy: str
    within: str
    uses: tuple[int, ...]

    @property
    def layout(self) -> Layout:
        pages = [(who, page) for who, total in enumerate(self.totals) for page in range(total)]
        return Layout(len(self.totals), tuple(who for who, _ in pages), tuple(page for _, page in pages))

    @property
    def claims(self) -> Claims:
        return Claims(self.floors, self.totals)


@st.composite
def settings(draw: DrawFn, *, policies: tuple[str, ...] = tuple(POLICIES), within: tuple[str, ...] = WITHIN) -> Setting:
    """Draw up to four requests of up to four pages, in too few frames more often than not, and floors that fit."""
    totals = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    capacity = draw(st.integers(1, max(1, sum(totals) - draw(st.integers(-1, 2)))))
    floors, left = [], capacity
    for total in totals:
        floors.append(draw(st.integers(0, min(total, left))))
        left -= floors[-1]
    uses = draw(st.lists(st.integers(0, sum(totals) - 1), min_size=1, max_size=24))
    if draw(st.booleans()):
        uses = [*range(sum(totals))] * 3  # everybody, in every step
    chosen = (draw(st.sampled_from(policies)), draw(st.sampled_from(within)))
    return Setting(capacity, tuple(totals), tuple(floors), *chosen, tuple(uses))


@attrs.frozen
class Step:
    """A use, the frames before and after it, and what became of it."""

    page: int
    touched: Touched
    before: Frames
    after: Frames


def play(setting: Setting, begin: Frames | None = None) -> Iterator[Step]:
    """Yield the uses of a setting, one after the other."""
    layout, policy = setting.layout, POLICIES[setting.policy]
    now = begin or frames.cold(len(layout.owners))
    for page in setting.uses:
        touched, after = frames.touch(now, layout, setting.capacity, setting.claims, page, policy, setting.within)
        yield Step(page, touched, now, after)
        now = after


def counts(setting: Setting, now: Frames) -> tuple[int, ...]:
    """Return the resident pages of each request."""
    return frames.holdings(now, setting.layout).resident


FULL = Setting(2, (2, 2), (1, 1), "resident", "lru", (0, 1, 2, 3))


@checks("EV-1")
@given(settings())
@example(FULL)
def test_frames_add_up(setting: Setting) -> None:
    """At most k pages are resident; a miss takes a free frame or a victim's; a refusal changes nothing."""
    for step in play(setting):
        before, after = sum(step.before.resident), sum(step.after.resident)
        assert after <= setting.capacity
        assert step.touched.hit == step.before.resident[step.page]
        assert after == before + (not (step.touched.hit or step.touched.evicted or step.touched.refused))
        assert step.after.resident[step.page] or step.touched.refused
        if step.touched.evicted or step.touched.refused:
            assert before == setting.capacity
        if step.touched.evicted:
            assert step.before.resident[step.touched.victim]
            assert not step.after.resident[step.touched.victim]
        gone = [a and not b for a, b in zip(step.before.resident, step.after.resident, strict=True)]
        assert sum(gone) == step.touched.evicted
    state = Holdings((2, 3), (1, 3))
    assert eviction.leave(state, 1) == Holdings((2, 0), (1, 0))


@checks("EV-2")
@given(settings(), st.sets(st.integers(0, 15)))
@example(FULL, {0, 1})  # both frames are pinned: the rest is refused
def test_what_is_pinned_stays(setting: Setting, pinned: set[int]) -> None:
    """A page that is pinned once it is there is never evicted; where all that is there is pinned, a load is refused."""
    now, layout, policy = frames.cold(len(setting.layout.owners)), setting.layout, POLICIES[setting.policy]
    for page in setting.uses:
        before = now
        touched, now = frames.touch(now, layout, setting.capacity, setting.claims, page, policy, setting.within)
        assert all(now.resident[k] for k, held in enumerate(before.held) if held)
        assert not (touched.evicted and before.held[touched.victim])
        free = [r and not h for r, h in zip(before.resident, before.held, strict=True)]
        if not any(free) and sum(before.resident) == setting.capacity:
            assert touched.hit or touched.refused
        if now.resident[page] and page in pinned:
            now = attrs.evolve(now, held=(*now.held[:page], True, *now.held[page + 1 :]))


@checks("EV-2")
@given(settings())
def test_what_is_in_flight_stays(setting: Setting) -> None:
    """Fetched one after the other without landing, pages fill the memory, and then every load is refused."""
    layout, now = setting.layout, frames.cold(len(setting.layout.owners))
    for page in dict.fromkeys(setting.uses):
        room = sum(now.resident) < setting.capacity
        fetched, now = frames.fetch(
            now, layout, setting.capacity, setting.claims, page, POLICIES[setting.policy], "lru"
        )
        assert fetched.refused == (not room)
        assert now.resident[page] == now.held[page] == room
    landed = next((page for page, there in enumerate(now.resident) if there), None)
    assert landed is not None
    assert not frames.land_page(now, landed).held[landed]


@checks("EV-2")
@given(st.integers(0, 4), st.integers(0, 4))
def test_pins_are_counted(resident: int, held: int) -> None:
    """A pin takes a page that may leave, if there is one; unpinning gives it back, and never more."""
    assume(held <= resident)
    state = Holdings((resident, 9), (held, 9))
    pinned, more = eviction.pin(state, 0)
    assert pinned == (held < resident)
    assert more.held == (held + pinned, 9)
    assert eviction.unpin(state, 0).held == (max(0, held - 1), 9)
    assert eviction.land(more, 0).held == (max(0, held + pinned - 1), 9)


@checks("EV-3")
@given(settings())
@example(attrs.evolve(FULL, policy="total", totals=(2, 3), uses=(0, 1, 2, 3)))
def test_whose_page_goes(setting: Setting) -> None:
    """Nobody who has a page that may go is before the victim, by the number that the policy looks at."""
    layout = setting.layout
    for step in (step for step in play(setting) if step.touched.evicted):
        asker, owner = layout.owners[step.page], step.touched.owner
        last = step.before.last
        pages = [[p for p, o in enumerate(layout.owners) if o == k and step.before.resident[p]]
                 for k in range(layout.requests)]  # fmt: skip
        have = [len(own) + (k == asker) for k, own in enumerate(pages)]
        floored = POLICIES[setting.policy].floored
        may = [k for k, own in enumerate(pages) if own and (not floored or have[k] > setting.floors[k])]
        numbers = {
            "lru": [min((last[p] for p in own), default=0) for own in pages],
            "total": [-total for total in setting.totals],
            "resident": [-count for count in have],
        }
        numbers |= {"lru-floor": numbers["lru"], "floorless": numbers["resident"]}
        keys = [(number, k != asker, k) for k, number in enumerate(numbers[setting.policy]) if k in may]
        assert owner == min(keys)[2]


@checks("EV-4")
@given(settings())
@example(attrs.evolve(FULL, totals=(3, 2), within="mru", capacity=3, uses=(1, 0, 2, 3)))
def test_which_page_goes(setting: Setting) -> None:
    """Of the victim's pages the least recently used, the most recently used, or the furthest from the beginning."""
    for step in (step for step in play(setting) if step.touched.evicted):
        own = [p for p, o in enumerate(setting.layout.owners) if o == step.touched.owner and step.before.resident[p]]
        by_use = sorted(own, key=lambda page: step.before.last[page])
        assert step.touched.victim == {"lru": by_use[0], "mru": by_use[-1], "prefix": max(own)}[setting.within]


@checks("EV-5")
@given(settings(policies=("resident", "lru-floor")))
@example(attrs.evolve(FULL, floors=(2, 0)))
@example(attrs.evolve(FULL, uses=(0, 1, 2, 3, 0, 1, 2, 3)))
def test_nobody_falls_below_its_floor(setting: Setting) -> None:
    """A victim keeps its floor; a request below its own gets every page; nobody else is ever refused without reason."""
    for step in play(setting):
        asker = setting.layout.owners[step.page]
        before, after = counts(setting, step.before), counts(setting, step.after)
        if step.touched.evicted:
            assert after[step.touched.owner] >= setting.floors[step.touched.owner]
        if before[asker] < setting.floors[asker]:
            assert not step.touched.refused
            assert after[asker] == before[asker] + (not step.touched.hit)
        for was, now, floor in zip(before, after, setting.floors, strict=True):
            assert now >= min(was, floor)
        if step.touched.refused:
            others = zip(before, setting.floors, range(len(before)), strict=True)
            assert all(have <= floor for have, floor, who in others if who != asker)


@checks("EV-5")
def test_floorless_breaks_a_floor() -> None:
    """A whale with a floor of 3 of 4 frames loses a page to the second of a request without any floor."""
    setting = Setting(4, (4, 4), (3, 0), "floorless", "lru", (0, 1, 2, 3, 4, 5))
    *_, last = play(setting)
    assert counts(setting, last.after) == (2, 2)
    *_, last = play(attrs.evolve(setting, policy="resident"))
    assert counts(setting, last.after) == (3, 1)


@checks("EV-6")
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 4)), min_size=1, max_size=5), st.integers(0, 12))
@example([(9, 1), (1, 1), (1, 1)], 2)
@example([(7, 4), (7, 1), (7, 1)], 1)
def test_shares_come_within_a_page_of_max_min(requests: list[tuple[int, int]], more: int) -> None:
    """Requests that use all their pages in every step settle within a page of the shares that water filling gives."""
    demands, floors = [pages for pages, _ in requests], [min(pages, floor) for pages, floor in requests]
    capacity = sum(floors) + more
    rhythms = [Rhythm(pages, floor=floor) for pages, floor in zip(demands, floors, strict=True)]
    tally = run_steps(rhythms, capacity, "resident", "lru", 8)
    again = run_steps(rhythms, capacity, "resident", "lru", 9)
    assert tally.resident == again.resident
    assert all(gone.owner == gone.cause for gone in again.evictions[len(tally.evictions) :])
    shares = plain.max_min_shares(demands, floors, capacity)
    assert sum(shares) == min(capacity, sum(demands)) == sum(tally.resident)
    assert all(abs(have - share) <= 1 for have, share in zip(tally.resident, shares, strict=True))


@checks("EV-6")
def test_shares_of_the_essay() -> None:
    """4,000 and 40 times 62 pages: in 4,819 frames the whale has 2,339, in 2,000 all have 48 or 49."""
    requests = [Rhythm(4000, floor=1), *[Rhythm(62, floor=1)] * 40]
    settled = run_steps(requests, 4819, "resident", "lru", 1)
    assert settled.resident == [2339] + [62] * 40
    tight = run_steps(requests, 2000, "resident", "lru", 1)
    assert Counter(tight.resident) == {48: 9, 49: 32}


@checks("EV-7")
@given(settings(policies=("resident", "lru-floor")))
@example(attrs.evolve(FULL, floors=(2, 0), uses=(2, 3, 0, 1)))  # who comes late takes what it is entitled to
def test_who_asks_reaches_its_floor(setting: Setting) -> None:
    """Each request has as many pages as it asked for, or its floor, at any time."""
    asked = [0] * len(setting.totals)
    for step in play(setting):
        asked[setting.layout.owners[step.page]] += not step.touched.hit
        for have, loads, floor in zip(counts(setting, step.after), asked, setting.floors, strict=True):
            assert have >= min(loads, floor)


@checks("EV-8")
@given(settings(policies=("lru",), within=("lru",)))
@example(Setting(3, (2, 2), (0, 0), "lru", "lru", (0, 1, 2, 0, 1, 3) * 3))
def test_a_page_is_resident_iff_few_were_used_since(setting: Setting) -> None:
    """Hits are those of the definition by distinct pages in between."""
    layout = setting.layout
    pages = [(layout.owners[page], layout.positions[page]) for page in setting.uses]
    assert [step.touched.hit for step in play(setting)] == plain.lru_hits(pages, setting.capacity)


def rhythms_of(blocks: list[Block]) -> list[Rhythm]:
    """Return blocks as requests."""
    return [Rhythm(block.pages, block.period, block.phase) for block in blocks]


@checks("EV-8")
@given(
    st.lists(st.builds(Block, st.integers(1, 4), st.integers(1, 3), st.integers(0, 2)), min_size=1, max_size=5),
    st.integers(1, 16),
)
def test_blocks_miss_by_their_reuse_distance(blocks: list[Block], capacity: int) -> None:
    """Counting what lies in between gives the misses of the pages themselves, step by step."""
    tally = run_steps(rhythms_of(blocks), capacity, "lru", "lru", 8)
    for step, misses in enumerate(tally.misses):
        assert cycles.lru_misses(blocks, capacity, range(step, step + 1)) == misses


@checks("EV-9")
@given(st.integers(1, 5), st.lists(st.integers(1, 3), min_size=1, max_size=4), st.integers(-1, 1), st.booleans())
@example(2, [1, 1], 0, False)  # the least pool in which the minnows starve alone
@example(3, [2, 1], 0, False)  # groups that differ by a page
@example(3, [2], 0, True)
def test_edges_of_whale_and_minnows(whale: int, parts: list[int], off: int, upper: bool) -> None:
    """On both sides of each edge the pages do what the formulas say."""
    minnows, period = sum(parts), len(parts)
    capacity = max(1, whale + (minnows if upper else max(parts)) + off)
    blocks = [Block(whale), *(Block(pages, period, phase) for phase, pages in enumerate(parts))]
    misses = run_steps(rhythms_of(blocks), capacity, "lru", "lru", 3 * period).misses[2 * period :]
    for step, missed in enumerate(misses):
        between = parts[step - 1]  # the group of the step before
        assert missed[0] == (0 if cycles.whale_hits(capacity, whale, between) else whale)
        part = parts[step]
        assert missed[1 + step] == (0 if cycles.minnow_hits(capacity, whale, minnows) else part)
    only_minnows = all(missed[0] == 0 and sum(missed) > 0 for missed in misses)
    assert cycles.starves(capacity, whale, max(parts), minnows) == only_minnows


@checks("EV-9")
def test_edges_of_the_essay() -> None:
    """4,000 and 2,480 pages: the minnows alone miss iff 4000 + ceil(2480 / p) <= k < 6480; for k = 4,819 iff p >= 4."""
    for period in range(1, 42):
        parts = cycles.groups(2480, period)
        low = 4000 - (-2480 // period)
        assert max(parts) == low - 4000
        for capacity in (low - 1, low, 6479, 6480, 4819):
            starves = cycles.starves(capacity, 4000, max(parts), 2480)
            assert starves == (low <= capacity < 6480)
            blocks = cycles.whale_with_minnows(4000, 2480, period)
            if period <= 8:
                misses = cycles.lru_misses(blocks, capacity, range(2 * period, 3 * period))
                assert starves == (misses == [0, *parts])
        assert cycles.starves(4819, 4000, max(parts), 2480) == (period >= 4)


@checks("EV-9")
@pytest.mark.parametrize(
    "case", [(3, 4819, False), (4, 4819, True), (4, 4619, False), (4, 6479, True), (4, 6480, False)]
)
def test_edges_of_the_essay_page_by_page(case: tuple[int, int, bool]) -> None:
    """The same pages, one by one: the whale without a miss, and every minnow page missed, or not."""
    period, capacity, starves = case
    blocks = cycles.whale_with_minnows(4000, 2480, period)
    misses = run_steps(rhythms_of(blocks), capacity, "lru", "lru", 2 * period).misses[period:]
    missed = [sum(own) for own in zip(*misses, strict=True)]
    assert missed == cycles.lru_misses(blocks, capacity, range(period, 2 * period))
    assert starves == (missed == [0, *cycles.groups(2480, period)])


@checks("EV-9")
@pytest.mark.parametrize("capacity", [6479, 6480])
def test_where_everybody_decodes_all_miss_or_none(capacity: int) -> None:
    """A page short of 6,480, every page is missed in every step, the whale's included; with all of them none is."""
    misses = run_steps([Rhythm(4000), Rhythm(2480)], capacity, "lru", "lru", 2).misses[-1]
    assert misses == ([0, 0] if capacity == 6480 else [4000, 2480])


@checks("EV-9")
def test_a_whale_that_arrives_pushes_out_idle_minnows() -> None:
    """Of 2,480 idle pages as many go as are short of 6,480: 1,661 in the essay's 4,819 frames, all of them in 4,000."""
    for capacity, gone in ((6480, 0), (4819, 1661), (4000, 2480), (3000, 2480)):
        requests = [Rhythm(2480, period=9), Rhythm(4000, period=9, phase=1)]
        tally = run_steps(requests, capacity, "lru", "lru", 2)
        assert min(2480, max(0, 6480 - capacity)) == gone
        assert tally.resident[0] == 2480 - gone


@checks("EV-10")
def test_lru_starves_minnows_within_their_floors() -> None:
    """Used in every fourth step, with floors that leave the whale 2,339: under LRU no minnow page is ever hit."""
    blocks = cycles.whale_with_minnows(4000, 2480, 4)
    requests = [Rhythm(b.pages, b.period, b.phase, 2339 if b.period == 1 else b.pages) for b in blocks]
    assert sum(request.floor for request in requests) == 4819
    lru = run_steps(requests, 4819, "lru", "lru", 8)
    assert [missed[0] for missed in lru.misses[1:]] == [0] * 7
    assert [sum(missed[1:]) for missed in lru.misses[4:]] == [620] * 4
    fair = run_steps(requests, 4819, "lru-floor", "lru", 6)
    assert [sum(missed[1:]) for missed in fair.misses[4:]] == [0, 0]


@checks("EV-11")
@given(st.integers(2, 8), st.lists(st.integers(1, 3), min_size=1, max_size=4), st.integers(1, 16))
@example(4, [1, 1], 4)
def test_total_footprint_leaves_the_whale_what_the_others_do_not_want(
    whale: int, others: list[int], capacity: int
) -> None:
    """The whale keeps k less the pages of all others, whatever its floor is, and none where they want all."""
    assume(whale > max(others) and capacity < whale + sum(others))
    floors = min(whale, capacity)
    requests = [Rhythm(whale, floor=floors), *(Rhythm(pages) for pages in others)]
    assert run_steps(requests, capacity, "total", "lru", 3).resident[0] == max(0, capacity - sum(others))


@checks("EV-12")
@given(st.integers(2, 8), st.integers(1, 8), st.sampled_from(tuple(POLICIES)), st.integers(1, 3))
@example(8, 5, "resident", 1)
def test_misses_of_a_step(pages: int, capacity: int, policy: str, requests: int) -> None:
    """No policy has fewer than S - k; for one request LRU has all, a prefix one more than S - k, MRU at most that."""
    everything = pages * requests
    fewest = cycles.fewest_misses(everything, capacity)
    for within in WITHIN:
        tally = run_steps([Rhythm(pages)] * requests, capacity, policy, within, 12)
        totals = [sum(missed) for missed in tally.misses]
        assert min(totals) >= fewest == max(0, everything - capacity)
        uses = [(who, page) for _ in range(12) for who in range(requests) for page in range(pages)]
        assert sum(totals) >= plain.fewest_possible_misses(uses, capacity)
        if requests == 1 and pages > capacity:
            exact = {"lru": {pages}, "prefix": {fewest + 1}, "mru": {fewest, fewest + 1}}[within]
            assert set(totals[2:]) <= exact


@checks("EV-12")
def test_misses_of_a_whale_by_what_goes_within_it() -> None:
    """A whale of 200 and 40 minnows of 3 pages, 260 frames: LRU misses 200 a step, a prefix 61, MRU 60 or 61."""
    requests = [Rhythm(200), *[Rhythm(3)] * 40]
    misses = {within: run_steps(requests, 260, "resident", within, 6).misses[2:] for within in WITHIN}
    assert {sum(step) for step in misses["lru"]} == {200}
    assert {sum(step) for step in misses["prefix"]} == {61}
    assert {sum(step) for step in misses["mru"]} == {60}
    assert all(step[1:] == [0] * 40 for within in WITHIN for step in misses[within])


@checks("EV-12")
def test_mru_reaches_the_optimum_within_a_request() -> None:
    """A request of 20 pages in 14 frames: in 19 steps, 20 times 19 uses, 20 times 6 misses; more than 6 a step."""
    misses = [sum(step) for step in run_steps([Rhythm(20)], 14, "resident", "mru", 42).misses[4:]]
    assert sum(misses[:19]) == sum(misses[19:]) == 20 * 6
    assert set(misses) == {6, 7}


@checks("EV-13")
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 2)), max_size=24))
@example([(True, 0, 0), (True, 0, 1), (False, 0, 0), (False, 0, 1)])
def test_a_shared_page_is_charged_once(moves: list[tuple[bool, int, int]]) -> None:
    """Charges sum to the frames that are taken; the payer is the lowest user; who nobody uses is free."""
    pages = [sharing.SharedPage(True, (False,) * 3) for _ in range(10)]
    users: list[set[int]] = [set() for _ in pages]
    for joins, page, who in moves:
        pages[page] = (sharing.share if joins else sharing.forget)(pages[page], who)
        users[page] = users[page] | {who} if joins else users[page] - {who}
        charged = sharing.charges(pages, 3)
        assert charged == tuple(
            sum(p.resident and bool(u) and min(u) == k for p, u in zip(pages, users, strict=True)) for k in range(3)
        )
        used = [bool(u) for u in users]
        assert sum(charged) == sum(p.resident and u for p, u in zip(pages, used, strict=True))
        found, payer = sharing.payer(pages[page])
        assert found == used[page]
        assert not found or payer == min(users[page])
        assert sharing.references(pages[page]) == len(users[page])
        if not joins:
            assert pages[page].resident == (pages[page].resident and used[page])
            assert used[page] or not pages[page].resident


@checks("EV-1", "EV-2")
@given(settings(), st.sets(st.integers(0, 15), max_size=2))
def test_the_pool_keeps_pins_and_frees_frames(setting: Setting, pinned: set[int]) -> None:
    """A page that is pinned while it is resident stays until it is unpinned; who leaves has no page."""
    layout = setting.layout
    pool = Pool(setting.capacity, POLICIES[setting.policy], setting.within)
    for floor, total in zip(setting.floors, setting.totals, strict=True):
        pool.join(floor, total)
    stay: set[tuple[int, int]] = set()
    for page in setting.uses:
        who, position = layout.owners[page], layout.positions[page]
        pool.touch(who, position)
        if page in pinned and position in pool.pages_of(who):
            pool.pin(who, position)
            stay.add((who, position))
        assert all(position in pool.pages_of(who) for who, position in stay)
        assert sum(pool.resident()) <= setting.capacity
    for who, position in itertools.islice(stay, 1):
        pool.unpin(who, position)
    pool.leave(0)
    assert pool.resident()[0] == 0
    free = setting.capacity - sum(pool.resident())
    newcomer = pool.join(0, free)
    assert [pool.touch(newcomer, page) for page in range(free)] == [(False, None)] * free
