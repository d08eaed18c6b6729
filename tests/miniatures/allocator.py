"""Allocators. Each is given pages, banks, colours and quotas; `allocate(tenant, pages)`, `free(tenant, pages)`."""

from collections import Counter
from typing import Any

from headgate.tests.miniatures import correct, wrong

Numbers = list[int]


@correct()
class Owners:
    """A list of owners, looked through from the lowest page on."""

    def __init__(self, pages: int, banks: int, colors: Numbers, quotas: Numbers) -> None:
        self.banks, self.colors, self.quotas = banks, colors, quotas
        self.owners: list[int | None] = [None] * pages

    def in_colour(self, tenant: int, page: int) -> bool:
        return bool(self.colors[tenant] >> page % self.banks & 1)

    def is_free(self, tenant: int, page: int) -> bool:
        return self.owners[page] is None and self.in_colour(tenant, page)

    def held(self, tenant: int) -> int:
        return self.owners.count(tenant)

    def within(self, tenant: int, pages: int) -> bool:
        return self.held(tenant) + pages <= self.quotas[tenant]

    def allocate(self, tenant: int, pages: int) -> Any:
        found = [page for page in range(len(self.owners)) if self.is_free(tenant, page)][:pages]
        if len(found) < pages or not self.within(tenant, pages):
            return None
        for page in found:
            self.owners[page] = tenant
        return found

    def free(self, tenant: int, pages: Numbers) -> Any:
        if any(self.owners[page] != tenant for page in pages):
            return False
        for page in pages:
            self.owners[page] = None
        return True


@correct()
class Careful(Owners):
    """It refuses a tenant without a bank."""

    def __init__(self, pages: int, banks: int, colors: Numbers, quotas: Numbers) -> None:
        if not all(colors):
            raise ValueError(f"a bank for every tenant, got {colors}")
        super().__init__(pages, banks, colors, quotas)


@correct()
class Stacks:
    """A stack of free pages for each tenant; who frees what it does not have gets an error."""

    def __init__(self, pages: int, banks: int, colors: Numbers, quotas: Numbers) -> None:
        self.left = list(quotas)
        self.stacks = [[page for page in range(pages) if mask >> page % banks & 1] for mask in colors]
        self.owned: list[set[int]] = [set() for _ in colors]

    def allocate(self, tenant: int, pages: int) -> Any:
        stack = self.stacks[tenant]
        if pages > self.left[tenant] or pages > len(stack):
            return []
        granted = [stack.pop() for _ in range(pages)]
        self.left[tenant] -= pages
        self.owned[tenant].update(granted)
        return granted

    def free(self, tenant: int, pages: Numbers) -> None:
        if not self.owned[tenant].issuperset(pages) or len(set(pages)) < len(pages):
            raise KeyError(f"tenant {tenant} does not have all of {pages}")
        self.owned[tenant].difference_update(pages)
        self.stacks[tenant] += pages
        self.left[tenant] += len(pages)


@correct()
class Bits:
    """One whole number a tenant, a bit a page."""

    def __init__(self, pages: int, banks: int, colors: Numbers, quotas: Numbers) -> None:
        self.quotas = quotas
        self.open = [sum(1 << p for p in range(pages) if mask >> p % banks & 1) for mask in colors]
        self.used = [0] * len(colors)

    def allocate(self, tenant: int, pages: int) -> Any:
        free, granted = self.open[tenant] & ~self.used[tenant], []
        while free and len(granted) < pages:
            low = free & -free
            granted.append(low.bit_length() - 1)
            free ^= low
        if len(granted) < pages or self.used[tenant].bit_count() + pages > self.quotas[tenant]:
            return False
        self.used[tenant] |= sum(1 << page for page in granted)
        return tuple(granted)

    def free(self, tenant: int, pages: Numbers) -> bool:
        mask = sum(1 << page for page in set(pages))
        if self.used[tenant] & mask != mask:
            return False
        self.used[tenant] ^= mask
        return True


@correct()
class RoundTheBanks(Owners):
    """The emptiest bank first, the last page of it."""

    def allocate(self, tenant: int, pages: int) -> Any:
        taken: list[int] = []
        if not self.within(tenant, pages):
            return None
        while len(taken) < pages:
            used = Counter(page % self.banks for page, owner in enumerate(self.owners) if owner is not None)
            free = [page for page in range(len(self.owners)) if self.is_free(tenant, page)]
            if not free:
                for page in taken:
                    self.owners[page] = None
                return None
            page = min(free, key=lambda each: (used[each % self.banks], -each))
            self.owners[page] = tenant
            taken.append(page)
        return taken


# ---- wrong ----


@wrong("CO-2")
class NoColour(Owners):
    """The mask is not looked at."""

    def in_colour(self, tenant: int, page: int) -> bool:
        return True


@wrong("CO-2 AL-3")
class MaskOverPages(Owners):
    """The mask is taken over pages in a row, not over banks."""

    def in_colour(self, tenant: int, page: int) -> bool:
        return bool(self.colors[tenant] >> page * self.banks // len(self.owners) & 1)


@wrong("CO-2 AL-3")
class ShiftedMask(Owners):
    """Banks are counted from 1."""

    def in_colour(self, tenant: int, page: int) -> bool:
        return bool(self.colors[tenant] >> 1 + page % self.banks & 1)


@wrong("AL-2")
class NoQuota(Owners):
    """The quota is not looked at."""

    def within(self, tenant: int, pages: int) -> bool:
        return True


@wrong("AL-2")
class QuotaAfter(Owners):
    """The quota is asked before the pages of this request are counted."""

    def within(self, tenant: int, pages: int) -> bool:
        return self.held(tenant) < self.quotas[tenant]


@wrong("AL-3")
class QuotaOffByOne(Owners):
    """The last page of the quota is never given."""

    def within(self, tenant: int, pages: int) -> bool:
        return self.held(tenant) + pages < self.quotas[tenant]


@wrong("AL-3")
class KeepsWhatItRefuses(Owners):
    """A request that does not fit keeps the pages that were found for it."""

    def allocate(self, tenant: int, pages: int) -> Any:
        found = [page for page in range(len(self.owners)) if self.is_free(tenant, page)][:pages]
        for page in found:
            self.owners[page] = tenant
        if len(found) < pages or self.held(tenant) > self.quotas[tenant]:
            return None
        return found


@wrong("AL-3")
class Partly(Owners):
    """Where not all pages are there, it gives what there is."""

    def allocate(self, tenant: int, pages: int) -> Any:
        left = self.quotas[tenant] - self.held(tenant)
        return super().allocate(tenant, min(pages, left)) if left else None


@wrong("AL-1 AL-4")
class FreedTwice(Stacks):
    """A page that is freed twice is in the stack twice."""

    def free(self, tenant: int, pages: Numbers) -> None:
        self.stacks[tenant] += pages
        self.left[tenant] += len(pages)


@wrong("AL-4")
class AnybodysPage(Owners):
    """Whoever asks may free a page."""

    def free(self, tenant: int, pages: Numbers) -> Any:
        for page in pages:
            self.owners[page] = None
        return True


@wrong("AL-2 AL-3 AL-4")
class CounterDrifts(Owners):
    """A free that is refused lowers the account all the same."""

    def __init__(self, pages: int, banks: int, colors: Numbers, quotas: Numbers) -> None:
        super().__init__(pages, banks, colors, quotas)
        self.counts = [0] * len(colors)

    def held(self, tenant: int) -> int:
        return self.counts[tenant]

    def allocate(self, tenant: int, pages: int) -> Any:
        granted = super().allocate(tenant, pages)
        self.counts[tenant] += len(granted or [])
        return granted

    def free(self, tenant: int, pages: Numbers) -> Any:
        self.counts[tenant] = max(0, self.counts[tenant] - len(pages))
        return super().free(tenant, pages)


@wrong("AL-3 AL-4")
class Leaks(Owners):
    """Of several pages that are freed at once, the last one is lost."""

    def free(self, tenant: int, pages: Numbers) -> Any:
        return super().free(tenant, pages[: max(1, len(pages) - 1)])


@wrong("AL-4")
class FreesBeforeItRefuses(Owners):
    """It frees the pages of a list one by one, until it meets one that is not the tenant's."""

    def free(self, tenant: int, pages: Numbers) -> Any:
        for page in pages:
            if self.owners[page] != tenant:
                return False
            self.owners[page] = None
        return True


@wrong("AL-2")
class CountsEveryName(Owners):
    """The counter of its quota goes down by the length of the list, which may name a page twice."""

    def __init__(self, pages: int, banks: int, colors: Numbers, quotas: Numbers) -> None:
        super().__init__(pages, banks, colors, quotas)
        self.counts: Counter[int] = Counter()

    def held(self, tenant: int) -> int:
        return self.counts[tenant]

    def allocate(self, tenant: int, pages: int) -> Any:
        granted = super().allocate(tenant, pages)
        self.counts[tenant] += len(granted or ())
        return granted

    def free(self, tenant: int, pages: Numbers) -> Any:
        freed = super().free(tenant, pages)
        self.counts[tenant] -= len(pages) * bool(freed)
        return freed
