"""Theorems on the page that goes: the stack of LRU, whales and minnows under it, and the misses of a step."""

from collections.abc import Sequence
from typing import Any

import attrs
import z3

from headgate.model.algebra import choose, where
from headgate.model.memory.cycles import fewest_misses, minnow_hits, starves, whale_hits
from headgate.model.memory.eviction import POLICIES, Claims, Policy
from headgate.model.memory.frames import Frames, Layout, Touched, cold, touch
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Obligation, Theorem

__all__ = ["THEOREMS"]


@attrs.frozen
class _Pages:
    """Pages of two requests in turns, or of one; of each, whether it was ever used. `page` is used next."""

    layout: Layout
    frames: Frames
    used: tuple[Any, ...]
    capacity: Any
    page: Any

    def touch(self, policy: Policy, within: str) -> tuple[Touched, Frames]:
        nothing = (0,) * self.layout.requests
        return touch(self.frames, self.layout, self.capacity, Claims(nothing, nothing), self.page, policy, within)

    def domain(self) -> tuple[Any, ...]:
        count = len(self.used)
        return (self.capacity >= 1, self.page >= 0, self.page < count, *(z3.Not(h) for h in self.frames.held))


def _pages(count: int, requests: int) -> _Pages:
    names = range(count)
    layout = Layout(requests, tuple(k % requests for k in names), tuple(k // requests for k in names))
    resident, used, held = (tuple(z3.Bools([f"{name}{k}" for k in names])) for name in ("resident", "used", "held"))
    frames = Frames(resident, tuple(z3.Ints([f"last{k}" for k in names])), held, z3.Int("clock"))
    return _Pages(layout, frames, used, z3.Int("capacity"), z3.Int("page"))


def _number(conditions: Sequence[Any]) -> Any:
    return sum(z3.If(lift(condition), 1, 0) for condition in conditions)


# ---- the stack ----


def _stack(frames: Frames, used: Sequence[Any], capacity: Any) -> Any:
    names = range(len(used))
    last, used = [lift(at) for at in frames.last], [lift(u) for u in used]

    def since(k: int) -> Any:
        """Return how many other pages were used since page k was."""
        return _number([z3.And(used[j], last[j] > last[k]) for j in names if j != k])

    return invariant(
        "stack",
        used_in_order=z3.And(*(z3.Implies(used[k], last[k] < frames.clock) for k in names)),
        no_two_at_once=z3.And(
            *(z3.Implies(z3.And(used[j], used[k]), last[j] != last[k]) for j in names for k in range(j))
        ),
        resident_iff_recent=z3.And(
            *(lift(frames.resident[k]) == z3.And(used[k], since(k) < capacity) for k in names)
        ),
    )  # fmt: skip


def _stack_steps() -> list[Obligation]:
    begin = _pages(3, 2)
    first = _stack(cold(3), (False,) * 3, begin.capacity)
    return [Obligation("at first", (begin.capacity >= 1,), first), *(_stack_step(count) for count in range(2, 6)),
            *_ranks()]  # fmt: skip


def _stack_step(count: int) -> Obligation:
    pages = _pages(count, 2)
    touched, after = pages.touch(POLICIES["lru"], "lru")
    used = tuple(z3.Or(u, pages.page == k) for k, u in enumerate(pages.used))
    since = _number([z3.And(u, at > choose(pages.page, pages.frames.last))
                     for u, at in zip(pages.used, pages.frames.last, strict=True)])  # fmt: skip
    given = (*pages.domain(), _stack(pages.frames, pages.used, pages.capacity))
    hits = lift(touched.hit) == z3.And(choose(pages.page, pages.used), since < pages.capacity)
    return Obligation(f"{count} pages: a use", given, z3.And(hits, _stack(after, used, pages.capacity)))


def _ranks() -> list[Obligation]:
    """For any number of pages: `rank` others were used since the page that is followed, `other` since the one used now.

    A miss evicts the page of rank k - 1, if there is one, since all of smaller rank are resident.
    """
    rank, other, capacity = z3.Ints("rank other capacity")
    resident, never = z3.Bools("resident never")
    hit = z3.And(z3.Not(never), other < capacity)
    passes = z3.Or(never, other > rank)
    evicted = z3.And(z3.Not(hit), rank == capacity - 1)
    after = where(passes, rank + 1, rank)
    given = (capacity >= 1, rank >= 0, other >= 0, other != rank, resident == (rank < capacity))
    stays = z3.And(resident, z3.Not(evicted))
    return [Obligation("any number of pages: a use of another", given, stays == (after < capacity))]


# ---- whale and minnows ----


def _whale_and_minnows() -> list[Obligation]:
    return [*_followed_whale(), *_followed_minnow(), *_edges(), *_small_cases()]


def _followed_minnow() -> list[Obligation]:
    """Each other minnow page is used once before this one is again; whale pages more often, but they count once."""
    whale, minnows, capacity = z3.Ints("W M capacity")
    seen, since, at, is_first = z3.Int("whale_seen"), z3.Int("minnows_seen"), z3.Int("at"), z3.Bool("is_first")

    def distinct(seen: Any, at: Any, is_first: Any) -> Any:
        return invariant("minnow", whale_counted_once=seen == z3.If(is_first, at, whale))

    given = (whale >= 1, minnows >= 1, distinct(seen, at, is_first))
    # A whale page adds to what was used since iff it was not yet: in the first pass over the whale after the minnow.
    one_more = z3.If(is_first, seen + 1, seen)
    hit = since + seen < capacity
    return [
        Obligation("the minnow is used", (whale >= 1, minnows >= 1), distinct(lift(0), lift(0), lift(True))),
        Obligation("minnow: a page of the whale", (*given, at < whale), distinct(one_more, at + 1, is_first)),
        Obligation("minnow: the whale begins again", (*given, at == whale),
                   distinct(seen, lift(0), lift(False))),
        Obligation("the minnow is used again", (*given, at == whale, since == minnows - 1),
                   hit == minnow_hits(capacity, whale, minnows)),
    ]  # fmt: skip


def _followed_whale() -> list[Obligation]:
    """Between two uses of a whale page: the other pages of the whale, and the minnows of one step, each once."""
    whale, beside, capacity, rest, before = z3.Ints("W m capacity rest before")
    given = (whale >= 1, beside >= 0, before >= 0, rest >= 0, before + rest == whale - 1)
    return [Obligation("the whale is used again", given,
                       (rest + beside + before < capacity) == whale_hits(capacity, whale, beside))]  # fmt: skip


def _edges() -> list[Obligation]:
    """Groups of sizes up to `largest`, `others` minnow pages in the other groups."""
    capacity, whale, largest, others, group = z3.Ints("capacity W largest others group")
    sizes = (whale >= 1, largest >= 1, others >= 0, group >= 0, group <= largest)
    minnows = largest + others
    starved = starves(capacity, whale, largest, minnows)
    between = z3.And(capacity >= whale + largest, capacity < whale + minnows)
    return [
        Obligation("starved iff k is between the edges", sizes, starved == between),
        Obligation("then the whale never misses", (*sizes, starved), whale_hits(capacity, whale, group)),
        Obligation("with one group nobody is starved", (*sizes, others == 0), z3.Not(starved)),
        Obligation("with two somebody is, for some k", (*sizes, others >= 1, capacity == whale + largest), starved),
        Obligation("if everybody is used in every step, all hit or all miss", sizes,
                   whale_hits(capacity, whale, minnows) == minnow_hits(capacity, whale, minnows)),
    ]  # fmt: skip


# (whale, groups of minnow pages) that the code itself runs, with an open capacity.
SMALL = ((1, (1, 1)), (2, (1, 1)), (1, (1, 1, 1)), (2, (2,)), (1, (2, 1)), (2, (1,)))


def _small_cases() -> list[Obligation]:
    return [_small_case(whale, groups) for whale, groups in SMALL]


def _small_case(whale: int, groups: tuple[int, ...]) -> Obligation:
    capacity, count = z3.Int("capacity"), whale + sum(groups)
    layout = Layout(2, (0,) * whale + (1,) * sum(groups), (*range(whale), *range(sum(groups))))
    frames, nothing = cold(count), (0, 0)
    wrong: list[Any] = []
    for period in range(3):
        page = whale
        for number, size in enumerate(groups):
            for used in (*range(whale), *range(page, page + size)):
                hit, frames = _use(frames, layout, capacity, Claims(nothing, nothing), used)
                if period == 2 and used >= whale:
                    wrong.append(hit != minnow_hits(capacity, whale, sum(groups)))
                elif period == 2:  # between two uses of the whale comes the group of the step before
                    wrong.append(hit != whale_hits(capacity, whale, groups[number - 1]))
            page += size
    return Obligation(f"whale {whale}, groups {groups}, on the code", (capacity >= 1,), z3.Not(z3.Or(*wrong)))


def _use(frames: Frames, layout: Layout, capacity: Any, claims: Claims, page: int) -> tuple[Any, Frames]:
    touched, after = touch(frames, layout, capacity, claims, page, POLICIES["lru"], "lru")
    return lift(touched.hit), after


# ---- misses of a step ----


def _held_back(pages: _Pages, frames: Frames, hits: Any, used: Sequence[Any]) -> Any:
    """Hits of this step, and resident pages that are still to come in it, are at most k."""
    waiting = [z3.And(lift(r), z3.Not(u)) for r, u in zip(frames.resident, used, strict=True)]
    return invariant("step", what_is_left=hits + _number(waiting) <= pages.capacity)


def _fewest() -> list[Obligation]:
    return [*(_fewest_step(count, within) for count in (2, 3, 4) for within in ("lru", "mru", "prefix")), *_counted()]


def _fewest_step(count: int, within: str) -> Obligation:
    """Whatever the score."""
    pages, hits = _pages(count, 2), z3.Int("hits")
    keys = z3.Reals("key0 key1")
    touched, after = pages.touch(Policy("any score", lambda *_: keys, False), within)

    used = tuple(z3.Or(u, pages.page == k) for k, u in enumerate(pages.used))
    kept = _held_back(pages, pages.frames, hits, pages.used)
    fits = _number(pages.frames.resident) <= pages.capacity
    given = (*pages.domain(), z3.Not(choose(pages.page, pages.used)), hits >= 0, fits, kept)
    more = hits + z3.If(lift(touched.hit), 1, 0)
    return Obligation(f"{count} pages, {within}: a use", given, _held_back(pages, after, more, used))


def _counted() -> list[Obligation]:
    pages, hits = _pages(3, 2), z3.Int("hits")
    touched, capacity = z3.Ints("S capacity")
    given = (hits >= 0, hits <= capacity, hits <= touched, capacity >= 1)
    done = (*pages.domain(), *pages.used, _held_back(pages, pages.frames, hits, pages.used))
    return [
        Obligation("3 pages: once all were used", done, hits <= pages.capacity),
        Obligation("so many misses at least", given, touched - hits >= fewest_misses(touched, capacity)),
    ]


def _prefix() -> list[Obligation]:
    return [*(_prefix_step(count) for count in range(2, 6)), _prefix_counted()]


def _prefix_step(count: int) -> Obligation:
    """The first k - 1 pages stay, and one frame goes from page to page of the rest: to the one that was used last."""
    pages, guest = _pages(count, 1), z3.Int("guest")
    touched, after = pages.touch(POLICIES["resident"], "prefix")

    def settled(frames: Frames, guest: Any) -> Any:
        at_home = [lift(r) == z3.Or(k < pages.capacity - 1, guest == k) for k, r in enumerate(frames.resident)]
        return invariant("prefix", first_pages_stay=z3.And(*at_home))

    later = z3.If(pages.page < pages.capacity - 1, guest, pages.page)
    given = (*pages.domain(), pages.capacity < count, settled(pages.frames, guest))
    hits = lift(touched.hit) == z3.Or(pages.page < pages.capacity - 1, pages.page == guest)
    return Obligation(f"{count} pages: a use", given, z3.And(hits, settled(after, later)))


def _prefix_counted() -> Obligation:
    """In a step the pages of the rest come one after the other, so that none meets itself in the frame of the guest."""
    pages, capacity, misses, at, guest = z3.Ints("S capacity misses at guest")
    given = (capacity >= 1, capacity < pages, at >= capacity - 1, at < pages, misses == at - (capacity - 1),
             z3.If(at == capacity - 1, guest == pages - 1, guest == at - 1))  # fmt: skip
    more = z3.If(at == guest, misses, misses + 1)
    at_last = z3.Implies(at == pages - 1, more == fewest_misses(pages, capacity) + 1)
    goal = z3.And(more == at + 1 - (capacity - 1), at_last)
    return Obligation("so many misses exactly", given, goal)


THEOREMS: Sequence[Theorem] = (
    Theorem(
        "lru-stack", ("EV-8",),
        "Under LRU a page is resident iff fewer than k other pages were used since it was.",
        "every horizon and capacity; N = 2..5 pages of two requests on the code's own step, ranks for any number",
        ("nothing is held",),
        obligations=_stack_steps, invariants=("stack",), limit="N = 2..5 pages on the code's own step",
        partner="lru-stack", abstraction="the ranks of two pages stand for the memory",
    ),
    Theorem(
        "lru-whale-and-minnows", ("EV-9",),
        "Under LRU a whale hits iff k >= W + m and a minnow iff k >= W + M, so minnows alone starve iff k is between.",
        "any W, M, k and groups, from EV-8; the code itself with up to four pages and any k",
        ("the whale is used in every step, each minnow page once a period, in a fixed order",),
        obligations=_whale_and_minnows, invariants=("minnow",), partner="lru-whale-and-minnows",
        limit="N = 2..5 pages on the code's own step (lru-stack), and six small pools",
        abstraction="the pages used since stand for the memory",
    ),
    Theorem(
        "step-fewest-misses", ("EV-12",),
        "Whatever the policy, a step that uses S pages once each has at least S - k misses.",
        "every state; N = 2..4 pages of two requests on the code's own step; any score", ("nothing is held",),
        obligations=_fewest, invariants=("step",), limit="N = 2..4 pages", partner="prefix-misses",
    ),
    Theorem(
        "prefix-misses", ("EV-4", "EV-12"),
        "A prefix keeps its first k - 1 pages, so that a step of S > k pages has exactly S - k + 1 misses.",
        "every horizon; N = 2..5 pages of one request on the code's own step; counted for any S and k",
        ("nothing is held", "the memory is full"),
        obligations=_prefix, invariants=("prefix",), limit="N = 2..5 pages on the code's own step",
        partner="step-fewest-misses",
    ),
)  # fmt: skip
