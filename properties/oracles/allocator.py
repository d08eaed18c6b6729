"""The coloured allocator in plain Python: dictionaries and sets, no counters that could drift.

`Allocator` takes the free page with the lowest number; `StackAllocator` is the same for large memories, without copies
and hand-overs, and takes the page that was freed last.
"""

__all__ = ["Allocator", "StackAllocator", "common_banks"]


class Allocator:
    """Every page that is not free stands in `granted` (page: tenant, lease) or is the target of the copy under way."""

    def __init__(self, pages: int, holders: list[int], quotas: list[int]) -> None:
        """Start with all `pages` free; page p is in bank p mod the number of banks."""
        self.pages, self.holders, self.quotas = pages, list(holders), list(quotas)
        self.granted: dict[int, tuple[int, int]] = {}
        self.draining: set[int] = set()
        self.leases = 0
        # The copy under way: source, target, tenant, lease.
        self.move: tuple[int, int, int, int] | None = None

    def bank(self, page: int) -> int:
        return page % len(self.holders)

    def free_pages(self, tenant: int) -> list[int]:
        """Return the free pages of the tenant's colour, in ascending order."""
        target = self.move[1] if self.move else None
        return [
            page
            for page in range(self.pages)
            if page not in self.granted
            and page != target
            and self.holders[self.bank(page)] == tenant
            and self.bank(page) not in self.draining
        ]

    def held(self, tenant: int) -> int:
        return sum(owner == tenant for owner, _ in self.granted.values())

    def allocate(self, tenant: int) -> tuple[str, int | None]:
        if self.held(tenant) >= self.quotas[tenant]:
            return "QUOTA_FULL", None
        found = self.free_pages(tenant)
        if not found:
            return "COLOUR_FULL", None
        self.granted[found[0]] = (tenant, self.leases)
        self.leases += 1
        return "DONE", found[0]

    def free(self, tenant: int, page: int, lease: int) -> tuple[str, int | None]:
        if self.granted.get(page) != (tenant, lease):
            return "NOT_OWNED", None
        del self.granted[page]
        return "DONE", page

    def drain(self, bank: int) -> tuple[str, int | None]:
        self.draining.add(bank)
        return "DONE", bank

    def begin_copy(self, page: int) -> tuple[str, int | None]:
        if self.move is not None:
            return "MOVING", None
        if page not in self.granted or self.bank(page) not in self.draining:
            return "NOT_OWNED", None
        tenant, lease = self.granted[page]
        found = self.free_pages(tenant)
        if not found:
            return "COLOUR_FULL", None
        self.move = (page, found[0], tenant, lease)
        return "DONE", found[0]

    def finish_copy(self) -> tuple[str, int | None]:
        if self.move is None:
            return "NOT_OWNED", None
        source, target, tenant, lease = self.move
        self.move = None
        if self.granted.get(source) == (tenant, lease):
            del self.granted[source]
            self.granted[target] = (tenant, lease)
        return "DONE", target

    def hand_over(self, bank: int, heir: int) -> tuple[str, int | None]:
        busy = {self.bank(page) for page in self.granted} | ({self.bank(self.move[1])} if self.move else set())
        if bank not in self.draining or bank in busy:
            return "NOT_EMPTY", None
        self.holders[bank] = heir
        self.draining.remove(bank)
        return "DONE", bank


class StackAllocator:
    """Free pages of a tenant in a list, the next one to grant at its end."""

    def __init__(self, pages: int, holders: list[int], quotas: list[int]) -> None:
        """Start with all `pages` free, the lowest number to be granted first; leases count the requests."""
        self.quotas, self.held = quotas, [0] * len(quotas)
        self.stacks: list[list[int]] = [[] for _ in quotas]
        for page in reversed(range(pages)):
            holder = holders[page % len(holders)]
            if holder >= 0:
                self.stacks[holder].append(page)
        self.granted: dict[int, tuple[int, int]] = {}
        self.leases = 0

    def allocate(self, tenant: int) -> tuple[str, int | None]:
        self.leases += 1
        if self.held[tenant] >= self.quotas[tenant]:
            return "QUOTA_FULL", None
        if not self.stacks[tenant]:
            return "COLOUR_FULL", None
        page = self.stacks[tenant].pop()
        self.granted[page] = (tenant, self.leases - 1)
        self.held[tenant] += 1
        return "DONE", page

    def free(self, tenant: int, page: int, lease: int) -> tuple[str, int | None]:
        if self.granted.get(page) != (tenant, lease):
            return "NOT_OWNED", None
        del self.granted[page]
        self.held[tenant] -= 1
        self.stacks[tenant].append(page)
        return "DONE", page


def common_banks(left: int, right: int) -> set[int]:
    """Return the bank numbers that two masks have in common, looked at bit by bit."""
    return {bank for bank in range(2000) if left & (1 << bank) and right & (1 << bank)}
