"""Eviction, to be obvious: a list of pages by last use, shares by filling water, fewest misses by looking ahead.

A page is a pair (request, position); whose it is can be said otherwise.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from typing import Any

__all__ = ["Memory", "can_get_stuck", "fewest_possible_misses", "lru_hits", "max_min_shares"]

Page = tuple[Any, int]


class Memory:
    """`capacity` frames. `by_last_use` has the resident pages, the one that was used longest ago first."""

    def __init__(self, capacity: int, policy: str, within: str, floors: Sequence[int], totals: Sequence[int]) -> None:
        """Start empty."""
        self.capacity, self.policy, self.within = capacity, policy, within
        self.floors, self.totals = list(floors), list(totals)
        self.by_last_use: list[Page] = []
        self.pinned: set[Page] = set()

    def owner(self, page: Page) -> int:
        """Return whose a page is."""
        return int(page[0])

    def position(self, page: Page) -> int:
        """Return how far a page is from the beginning of its request."""
        return page[1]

    def count(self, request: int) -> int:
        """Return how many pages of a request are resident."""
        return len([page for page in self.by_last_use if self.owner(page) == request])

    def use(self, page: Page) -> tuple[str, Page | None]:
        """Return ("hit" or "fetched" or "refused", the page that was evicted for it)."""
        if page in self.by_last_use:
            self.by_last_use.remove(page)
            self.by_last_use.append(page)
            return "hit", None
        evicted = None
        if len(self.by_last_use) == self.capacity:
            evicted = self.choose_for(self.owner(page))
            if evicted is None:
                return "refused", None
            self.by_last_use.remove(evicted)
        self.by_last_use.append(page)
        return "fetched", evicted

    def choose_for(self, asker: int) -> Page | None:
        """Return the page that goes for a page of `asker`, or None."""
        candidates = []
        for request in range(len(self.floors)):
            pages = [page for page in self.by_last_use if self.owner(page) == request and page not in self.pinned]
            count = self.count(request) + (1 if request == asker else 0)
            above = count > self.floors[request] or self.policy not in ("resident", "lru-floor")
            if pages and above:
                candidates.append((self.urgency(pages, request, count), request != asker, request, pages))
        if not candidates:
            return None
        pages = min(candidates)[3]
        if self.within == "lru":
            return pages[0]
        if self.within == "mru":
            return pages[-1]
        return max(pages, key=self.position)

    def urgency(self, pages: list[Page], request: int, count: int) -> int:
        """Return a number that is small if the request should lose a page."""
        if self.policy in ("lru", "lru-floor"):
            return self.by_last_use.index(pages[0])
        if self.policy == "total":
            return -self.totals[request]
        return -count


def lru_hits(uses: Sequence[Page], capacity: int) -> list[bool]:
    """Return which uses are hits under LRU: since the last use of the page, fewer than `capacity` others were used."""
    hits = []
    for now, page in enumerate(uses):
        earlier = [before for before in range(now) if uses[before] == page]
        others = set(uses[earlier[-1] + 1 : now]) if earlier else None
        hits.append(others is not None and len(others) < capacity)
    return hits


def fewest_possible_misses(uses: Sequence[Page], capacity: int) -> int:
    """Return the misses of the best that anybody can do who fetches what is used: evict what is used again last."""
    resident: set[Page] = set()
    misses = 0
    for now, page in enumerate(uses):
        if page in resident:
            continue
        misses += 1
        if len(resident) == capacity:
            rest = list(uses[now + 1 :])
            resident.remove(max(resident, key=lambda p: rest.index(p) if p in rest else len(uses)))
        resident.add(page)
    return misses


def max_min_shares(demands: Sequence[int], floors: Sequence[int], capacity: int) -> list[Fraction]:
    """Return each max(floor, min(demand, level)), with the level at which they sum to `capacity` (or all demands)."""
    if sum(demands) <= capacity:
        return [Fraction(demand) for demand in demands]
    low, edges = Fraction(0), sorted({0, *demands, *floors})
    for edge in edges:
        if sum(shares_at(demands, floors, Fraction(edge))) <= capacity:
            low = Fraction(edge)
    rising = [k for k in range(len(demands)) if floors[k] <= low < demands[k]]
    short = capacity - sum(shares_at(demands, floors, low), Fraction(0))
    level = low + short / max(1, len(rising))
    return shares_at(demands, floors, level)


def shares_at(demands: Sequence[int], floors: Sequence[int], level: Fraction) -> list[Fraction]:
    """Return what each gets when the water stands at `level`."""
    return [max(Fraction(floor), min(Fraction(demand), level)) for demand, floor in zip(demands, floors, strict=True)]


def can_get_stuck(most: Sequence[int], capacity: int) -> bool:
    """Return whether in some state within the frames somebody wants a page, and there is none."""
    for pages in product(*(range(m + 1) for m in most)):
        wants = any(have < m for have, m in zip(pages, most, strict=True))
        if sum(pages) == capacity and wants:
            return True
    return False
