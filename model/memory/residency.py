"""Residency over time: requests of thousands of pages, in and out of the fast memory.

The owner of a victim is chosen by `headgate.model.memory.eviction.victim`, as everywhere. The page within the owner is
found in a queue by last use instead of by comparing all pages, since a whale has thousands; that the two agree is
tested (`tests/test_differential_eviction.py`).
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from headgate.model.memory.eviction import POLICIES, Claims, Policy, may_leave, victim
from headgate.spec.links import implements

__all__ = ["Evicted", "Pool", "Rhythm", "Tally", "run_steps"]


@attrs.frozen
class Evicted:
    """A page that went: `page` of request `owner`, for a page of request `cause`."""

    owner: int
    page: int
    cause: int


@attrs.frozen
class Rhythm:
    """A request of so many pages, which are touched in every `period`-th step, from step `phase` on; and its floor."""

    pages: int
    period: int = 1
    phase: int = 0
    floor: int = 0


class Pool:
    """The fast memory: `capacity` frames, and who has what in them."""

    def __init__(self, capacity: int, policy: Policy, within: str) -> None:
        """Start empty; `within` says which page of its owner goes ("lru", "mru" or "prefix")."""
        self.capacity, self.policy, self.within = capacity, policy, within
        self._pages: list[OrderedDict[int, int]] = []
        self._pinned: list[set[int]] = []
        self._floors: list[int] = []
        self._totals: list[int] = []
        self._taken = self._clock = 0

    def join(self, floor: int, total: int) -> int:
        """Return the number of a new request; `total` is how many pages it has, resident or not."""
        self._pages.append(OrderedDict())
        self._pinned.append(set())
        self._floors.append(floor)
        self._totals.append(total)
        return len(self._pages) - 1

    def grow(self, who: int) -> None:
        """Let a request have one page more, which is not resident yet."""
        self._totals[who] += 1

    def leave(self, who: int) -> None:
        """Let a request end: its frames are free, and it is entitled to none."""
        self._taken -= len(self._pages[who])
        self._pages[who].clear()
        self._pinned[who].clear()
        self._floors[who] = self._totals[who] = 0

    def pin(self, who: int, page: int) -> None:
        """Let a resident page stay until it is unpinned."""
        if page in self._pages[who]:
            self._pinned[who].add(page)

    def unpin(self, who: int, page: int) -> None:
        """Let a page leave again."""
        self._pinned[who].discard(page)

    def resident(self) -> list[int]:
        """Return how many pages of each request are resident."""
        return [len(pages) for pages in self._pages]

    def pages_of(self, who: int) -> set[int]:
        """Return which pages of a request are resident."""
        return set(self._pages[who])

    @implements("EV-1", "EV-3", "EV-4")
    def touch(self, who: int, page: int, spare: bool = False) -> tuple[bool, Evicted | None]:
        """Return (hit, eviction): a page is used; if it is not resident, it is fetched, unless no page may go for it.

        With `spare` a frame more is there for good, if it is needed now: nothing goes.
        """
        self._clock += 1
        own = self._pages[who]
        if page in own:
            own[page] = self._clock
            own.move_to_end(page)
            return True, None
        gone = None
        if self._taken >= self.capacity:
            owner = self._victim(who)
            if owner is None:
                return False, None
            if spare:
                self.capacity += 1
            else:
                gone = Evicted(owner, self._page_of(owner), who)
                del self._pages[owner][gone.page]
                self._taken -= 1
        own[page] = self._clock
        self._taken += 1
        return False, gone

    def _victim(self, who: int) -> int | None:
        resident = tuple(len(pages) + (k == who) for k, pages in enumerate(self._pages))
        held = [len(pages) + (k == who) for k, pages in enumerate(self._pinned)]
        claims = Claims(tuple(self._floors), tuple(self._totals))
        floors = self._floors if self.policy.floored else [0] * len(resident)
        eligible = [may_leave(*each) for each in zip(resident, held, floors, strict=True)]
        found, owner = victim(self.policy.keys(resident, claims, _Oldest(self)), eligible, who)
        return owner if found else None

    def __len__(self) -> int:
        """Return how many requests there are, or were."""
        return len(self._pages)

    def oldest(self, who: int) -> int:
        """Return when the page of a request that may leave and has gone unused for longest was last used."""
        return next((at for _, at in self._free(who, False)), 0)

    def _free(self, who: int, newest: bool) -> Iterator[tuple[int, int]]:
        """Yield (page, last use) of the pages that may leave, by last use."""
        pages = self._pages[who]
        order = reversed(pages) if newest else iter(pages)
        return ((page, pages[page]) for page in order if page not in self._pinned[who])

    def _page_of(self, owner: int) -> int:
        if self.within == "prefix":
            return max(page for page, _ in self._free(owner, False))
        return next(self._free(owner, newest=self.within == "mru"))[0]


class _Oldest(Sequence[int]):
    """The ages that LRU goes by, request by request, looked up where a policy asks for them."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def __len__(self) -> int:
        return len(self.pool)

    def __getitem__(self, who: Any) -> Any:
        return self.pool.oldest(who)


@attrs.frozen
class Tally:
    """Of some steps: the misses of each request in each step, the pages that are resident at the end, all evictions."""

    misses: list[list[int]]
    resident: list[int]
    evictions: list[Evicted]


@implements("EV-1", "EV-12")
def run_steps(rhythms: Sequence[Rhythm], capacity: int, policy: str, within: str, steps: int) -> Tally:
    """Return what happens in so many decode steps, from an empty memory.

    In a step the requests that are due touch all their pages, in the order of requests and positions.
    """
    pool = Pool(capacity, POLICIES[policy], within)
    for rhythm in rhythms:
        pool.join(rhythm.floor, rhythm.pages)
    misses, evictions = [], []
    for step in range(steps):
        missed = [0] * len(rhythms)
        for who, rhythm in enumerate(rhythms):
            if step < rhythm.phase or (step - rhythm.phase) % rhythm.period:
                continue
            for page in range(rhythm.pages):
                hit, gone = pool.touch(who, page)
                missed[who] += not hit
                evictions += [gone] if gone else []
        misses.append(missed)
    return Tally(misses, pool.resident(), evictions)
