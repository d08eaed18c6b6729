"""Blocks: all pages of a request, used in one go in every decode step.

Attention reads every page of a request at once. So while a request is served, none of its own pages may go (they are
pinned, clause EV-2), and which of the others' pages go is a question of owners alone. Requests are served in one fixed
order, step after step. Then counts say everything, and pages can leave in runs: as many of one owner as the policy
would take one by one. That this is what `headgate.model.memory.eviction.load` does page by page, and what a pool of
pages does (`headgate.model.memory.residency`), is tested (`tests/test_workload.py`, `properties/test_workload.py`).
"""

import attrs

from headgate.model.memory.eviction import POLICIES, Policy
from headgate.spec.links import implements

__all__ = ["Blocks", "Used"]


@attrs.frozen
class Used:
    """What the use of a block came to: its misses, those for which no page could go, and (owner, pages) evicted."""

    missed: int
    refused: int
    evicted: list[tuple[int, int]]


class Blocks:
    """The fast memory, in counts: of each block its pages and how many of them are resident; the served order.

    Every block keeps at least `floor` pages against others, where the policy has floors.
    """

    def __init__(self, capacity: int, policy: str, floor: int) -> None:
        """Start empty."""
        self.capacity = capacity
        self.policy: Policy = POLICIES[policy]
        self.floor = floor if self.policy.floored else 0
        self.pages: list[int] = []
        self.resident: list[int] = []
        self.taken = 0
        find = {"lru": self._oldest, "lru-floor": self._oldest, "total": self._largest_total}
        self._victim = find.get(policy, self._most_resident)

    def join(self, pages: int) -> None:
        """Add a block, which has no page in memory yet, at the end of the order."""
        self.pages.append(pages)
        self.resident.append(0)

    @implements("EV-1")
    def leave(self, who: int) -> None:
        """Let a block end: its frames are free, and those behind it move up."""
        del self.pages[who]
        self.taken -= self.resident.pop(who)

    @implements("EV-1", "EV-2", "EV-3", "EV-5", "WL-2")
    def use(self, who: int) -> Used:
        """Use all pages of a block: each one that is missing takes a free frame, or one of a victim, or none."""
        missed = self.pages[who] - self.resident[who]
        left = missed - min(missed, self.capacity - self.taken)
        self.taken += missed - left
        evicted = []
        while left:
            owner, run = self._victim(who)
            if not run:
                break
            run = min(run, left)
            self.resident[owner] -= run
            evicted.append((owner, run))
            left -= run
        self.resident[who] = self.pages[who] - left
        return Used(missed, left, evicted)

    # ---- whose pages go: (owner, how many one after the other); 0 where no page may go ----

    @implements("EV-10")
    def _oldest(self, who: int) -> tuple[int, int]:
        """Return the block that was used longest ago: the first after `who` in the order, then from its beginning."""
        for part in (range(who + 1, len(self.resident)), range(who)):
            for other in part:
                if self.resident[other] > self.floor:
                    return other, self.resident[other] - self.floor
        return who, 0

    @implements("EV-11")
    def _largest_total(self, who: int) -> tuple[int, int]:
        """Return the block of the most pages that has one which may go; on a tie the lower number."""
        owner, most = who, 0
        for other, pages in enumerate(self.pages):
            if pages > most and self.resident[other] > self.floor and other != who:
                owner, most = other, pages
        return owner, self.resident[owner] - self.floor if most else 0

    @implements("EV-6")
    def _most_resident(self, who: int) -> tuple[int, int]:
        """Return the block of the most resident pages; on a tie the lower number. It goes on until another has more."""
        owner, most, second = who, self.floor, self.floor
        for other, resident in enumerate(self.resident):
            if other == who or resident <= second:
                continue
            if resident > most:
                owner, most, second = other, resident, most
            else:
                second = resident
        return owner, max(1, most - second) if most > self.floor else 0
