"""Caches. Each is given frames and floors: `touch`, `insert`, `evict`, `pin`, `unpin`, all of (tenant, page)."""

from collections import OrderedDict
from typing import Any

from headgate.tests.miniatures import correct, wrong

Page = tuple[int, int]


@correct(policy="lru")
class Ordered:
    """A dictionary in the order of use."""

    def __init__(self, frames: int, floors: list[int]) -> None:
        self.frames, self.floors = frames, floors
        self.pages: OrderedDict[Page, None] = OrderedDict()
        self.pinned: set[Page] = set()

    def touch(self, tenant: int, page: int) -> bool:
        hit = (tenant, page) in self.pages
        if hit:
            self.pages.move_to_end((tenant, page))
        return hit

    def insert(self, tenant: int, page: int) -> Any:
        victim = None
        if self.is_full():
            victim = self.victim(tenant)
            if victim is None:
                return False
            del self.pages[victim]
        self.pages[tenant, page] = None
        return victim

    def is_full(self) -> bool:
        return len(self.pages) >= self.frames

    def loose(self) -> list[Page]:
        return [page for page in self.pages if page not in self.pinned]

    def count(self, tenant: int) -> int:
        return sum(page[0] == tenant for page in self.pages)

    def victim(self, asks: int) -> Page | None:
        return next(iter(self.loose()), None)

    def evict(self, tenant: int, page: int) -> bool:
        if (tenant, page) in self.pinned:
            return False
        del self.pages[tenant, page]
        return True

    def pin(self, tenant: int, page: int) -> None:
        self.pinned.add((tenant, page))

    def unpin(self, tenant: int, page: int) -> None:
        self.pinned.discard((tenant, page))


@correct(policy="lru")
class Ages:
    """A clock, when each page was used last, and a scan for the smallest; a pin is a count."""

    def __init__(self, frames: int, floors: list[int]) -> None:
        self.frames, self.clock = frames, 0
        self.ages: dict[Page, int] = {}
        self.pins: dict[Page, int] = {}

    def use(self, page: Page) -> None:
        self.clock += 1
        self.ages[page] = self.clock

    def touch(self, tenant: int, page: int) -> bool:
        if (tenant, page) not in self.ages:
            return False
        self.use((tenant, page))
        return True

    def insert(self, tenant: int, page: int) -> Any:
        gone: list[int] | None = None
        if len(self.ages) == self.frames:
            free = [each for each in self.ages if not self.pins.get(each)]
            if not free:
                return False
            victim = min(free, key=self.ages.__getitem__)
            del self.ages[victim]
            gone = list(victim)
        self.use((tenant, page))
        return gone

    def evict(self, tenant: int, page: int) -> None:
        if self.pins.get((tenant, page)):
            raise RuntimeError("pinned")
        del self.ages[tenant, page]

    def pin(self, tenant: int, page: int) -> None:
        self.pins[tenant, page] = self.pins.get((tenant, page), 0) + 1

    def unpin(self, tenant: int, page: int) -> None:
        self.pins[tenant, page] -= 1


@correct(policy="lru-floor")
class Floored(Ordered):
    """Who is at its floor loses nothing, the page that comes in counted."""

    def above(self, tenant: int, asks: int) -> bool:
        return self.count(tenant) + (tenant == asks) > self.floors[tenant]

    def victim(self, asks: int) -> Page | None:
        return next((page for page in self.loose() if self.above(page[0], asks)), None)


@correct(policy="lru-floor")
class Careful(Floored):
    """It refuses floors that do not fit in the frames."""

    def __init__(self, frames: int, floors: list[int]) -> None:
        if sum(floors) > frames:
            raise ValueError(f"floors of {sum(floors)} pages in {frames} frames")
        super().__init__(frames, floors)


@correct(policy="resident")
class LargestFirst(Floored):
    """Whoever has the most resident pages loses its oldest; who asks goes first on a tie."""

    def victim(self, asks: int) -> Page | None:
        owners = {page[0] for page in self.loose() if self.above(page[0], asks)}
        if not owners:
            return None
        owner = max(owners, key=lambda each: (self.size(each, asks), each == asks, -each))
        return next(page for page in self.loose() if page[0] == owner)

    def size(self, tenant: int, asks: int) -> int:
        return self.count(tenant) + (tenant == asks)


# ---- wrong ----


@wrong("EV-1")
class OneTooMany(Ordered):
    """It has one frame more than there is."""

    def is_full(self) -> bool:
        return len(self.pages) > self.frames


@wrong("EV-1")
class OneTooFew(Ordered):
    """The last frame is never used."""

    def is_full(self) -> bool:
        return len(self.pages) >= max(1, self.frames - 1)


@wrong("EV-2")
class PinsAreNames(Ordered):
    """A pinned page is evicted like any other."""

    def loose(self) -> list[Page]:
        return list(self.pages)


@wrong("EV-2")
class EvictsPinned(Ordered):
    """A pinned page stays when others come, and goes when it is told to."""

    def evict(self, tenant: int, page: int) -> bool:
        del self.pages[tenant, page]
        return True


@wrong("EV-3 EV-4", policy="lru")
class FirstIn(Ordered):
    """A use does not count: first in, first out."""

    def touch(self, tenant: int, page: int) -> bool:
        return (tenant, page) in self.pages


@wrong("EV-3 EV-4", policy="lru")
class MostRecent(Ordered):
    """The page that was used last goes."""

    def victim(self, asks: int) -> Page | None:
        return next(reversed(self.loose()), None)


@wrong("EV-3", policy="lru")
class OwnPagesOnly(Ordered):
    """Who asks loses a page of its own, if it has any."""

    def victim(self, asks: int) -> Page | None:
        own = [page for page in self.loose() if page[0] == asks]
        return next(iter(own or self.loose()), None)


@wrong("EV-3 EV-4", policy="lru")
class UnpinnedIsNew(Ordered):
    """Whoever is unpinned is taken for used."""

    def unpin(self, tenant: int, page: int) -> None:
        super().unpin(tenant, page)
        self.pages.move_to_end((tenant, page))


@wrong("EV-5", policy="lru-floor")
class NoFloor(Floored):
    """The floor is not looked at."""

    def above(self, tenant: int, asks: int) -> bool:
        return True


@wrong("EV-5", policy="lru-floor")
class BelowTheFloor(Floored):
    """At its floor a tenant still loses a page: >= for >."""

    def above(self, tenant: int, asks: int) -> bool:
        return self.count(tenant) + (tenant == asks) >= self.floors[tenant]


@wrong("EV-1 EV-3", policy="lru-floor")
class FloorForAll(Floored):
    """The largest floor is everybody's."""

    def above(self, tenant: int, asks: int) -> bool:
        return self.count(tenant) + (tenant == asks) > max(self.floors)


@wrong("EV-3 EV-5", policy="resident")
class SampledOnce(LargestFirst):
    """The footprint is what a tenant had when it brought in its first page."""

    def __init__(self, frames: int, floors: list[int]) -> None:
        super().__init__(frames, floors)
        self.sizes: dict[int, int] = {}

    def insert(self, tenant: int, page: int) -> Any:
        gone = super().insert(tenant, page)
        self.sizes.setdefault(tenant, self.count(tenant))
        return gone

    def size(self, tenant: int, asks: int) -> int:
        return self.sizes.get(tenant, 0) + (tenant == asks)


@wrong("EV-3", policy="resident")
class EverBroughtIn(LargestFirst):
    """The footprint is all that a tenant ever brought in, resident or not."""

    def __init__(self, frames: int, floors: list[int]) -> None:
        super().__init__(frames, floors)
        self.ever: set[Page] = set()

    def insert(self, tenant: int, page: int) -> Any:
        self.ever.add((tenant, page))
        return super().insert(tenant, page)

    def size(self, tenant: int, asks: int) -> int:
        return sum(page[0] == tenant for page in self.ever)


@correct(policy="lru", without="pin,evict")
class Bare:
    """Two methods, as a cache of results has them."""

    def __init__(self, frames: int, floors: list[int]) -> None:
        self.frames = frames
        self.pages: OrderedDict[Page, None] = OrderedDict()

    def touch(self, tenant: int, page: int) -> bool:
        hit = (tenant, page) in self.pages
        if hit:
            self.pages.move_to_end((tenant, page))
        return hit

    def insert(self, tenant: int, page: int) -> Page | None:
        self.pages[tenant, page] = None
        return self.pages.popitem(last=False)[0] if len(self.pages) > self.frames else None


@wrong("EV-4", policy="lru", without=["pin"])
class SecondChance(Ordered):
    """A hand goes round, and passes over who was used since it last came: not the least recently used page goes."""

    def __init__(self, frames: int, floors: list[int]) -> None:
        super().__init__(frames, floors)
        self.used: set[Page] = set()

    def touch(self, tenant: int, page: int) -> bool:
        self.used |= {(tenant, page)} & self.pages.keys()
        return (tenant, page) in self.pages

    def victim(self, asks: int) -> Page | None:
        while next(iter(self.pages)) in self.used:
            oldest = next(iter(self.pages))
            self.used.remove(oldest)
            self.pages.move_to_end(oldest)
        return next(iter(self.pages))

    def pin(self, tenant: int, page: int) -> None:
        raise AssertionError("it is without")
