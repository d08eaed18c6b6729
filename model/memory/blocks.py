"""Blocks: all pages of a request, used in one go in every decode step.

Attention reads every page of a request at once. So while a request is served, none of its own pages may go (they are
pinned, clause EV-2), and which of the others' pages go is a question of owners, and of how far a page is from the
beginning of its request: the furthest goes first. Requests are served in one fixed order, step after step. Then counts
say everything, and pages can leave in runs: as many of one part of an owner as the policy would take one by one. That
this is what `headgate.model.memory.eviction.load` does page by page, and what a pool of pages does
(`headgate.model.memory.residency`), is tested (`tests/test_workload.py`, `properties/test_workload.py`).

The owner of a page that several requests use is who is charged for it (`headgate.model.memory.prefixes`).
"""

import attrs

from headgate.model.memory import prefixes
from headgate.model.memory.eviction import POLICIES
from headgate.model.memory.prefixes import Block, Part, Prefixes
from headgate.spec.links import implements

__all__ = ["PREEMPT", "Blocks", "Used"]

PREEMPT = "preempt"


@attrs.define(eq=False)
class Used:
    """What the use of a block came to: its misses, by cause; those for which no page could go; who lost pages.

    Of the `missed` pages, `new` ones and those that were `known` before are computed, the others come back: `unseated`
    ones, for which there was no frame, and those that had gone for a page of a kind (`lost`). `evicted` has (place,
    pages).
    """

    missed: int = 0
    new: int = 0
    known: int = 0
    unseated: int = 0
    lost: dict[int, int] = attrs.Factory(dict)
    refused: int = 0
    evicted: list[tuple[int, int]] = attrs.Factory(list)

    @property
    def again(self) -> int:
        """The pages that come back from outside."""
        return self.missed - self.new - self.known

    def count_computed(self, part: Part) -> None:
        """Count the pages of a part that are computed now."""
        computed = part.pages - part.seen
        self.known += computed if part.known else 0
        self.new += 0 if part.known else computed
        part.seen = part.pages

    def count_gone(self, part: Part) -> None:
        """Count the pages of a part that were computed before, and are not in memory."""
        self.unseated += part.unseated
        for kind, lost in part.lost_to.items():
            self.lost[kind] = self.lost.get(kind, 0) + lost
        part.unseated = 0
        part.lost_to.clear()


NOTHING = Used()


class Blocks:
    """The fast memory, in counts: of each block the pages that it pays for, and how many of them are resident.

    `wanted` pages are those of all blocks, each once, and `taken` of them are resident. Under the policy "preempt"
    nobody loses a page, and nobody may want one that is not there.
    """

    def __init__(self, capacity: int, policy: str) -> None:
        """Start empty."""
        self.capacity = capacity
        self.floored = policy != PREEMPT and POLICIES[policy].floored
        self.blocks: list[Block] = []
        self.pages: list[int] = []
        self.resident: list[int] = []
        self.floors: list[int] = []
        self.wanted = self.taken = 0
        self.prefixes = Prefixes(capacity)
        # Of parts that others use: the number of who used them last, in this round or the one before, and has ended.
        self.late: dict[Part, int] = {}
        find = {"lru": self._oldest, "lru-floor": self._oldest, "total": self._largest_total}
        self._victim = find.get(policy, self._most_resident)

    @implements("WL-4")
    def join(self, block: Block, own: int, place: int | None = None, floor: int = 0) -> tuple[int, int]:
        """Add a block, by default at the end of the order; return the pages that it found in use, and left over.

        It has `own` pages beside those of its keys. What it found left over takes frames at once. The block keeps at
        least `floor` pages against others, where the policy has floors (`floors` may be changed).
        """
        place = len(self.blocks) if place is None else place
        self.blocks.insert(place, block)
        self.pages.insert(place, 0)
        self.resident.insert(place, 0)
        self.floors.insert(place, floor if self.floored else 0)
        self._number_from(place)
        block.parts, block.others = [], []
        used = left = 0
        for key in block.keys:
            part, found = self.prefixes.part_of(key)
            if part.users:
                used += part.pages
            left += found
            self._share(part, block)
        own_part = Part(own)
        self._share(own_part, block)
        return used, left

    def _share(self, part: Part, block: Block) -> None:
        before = part.payer
        prefixes.join(part, block)
        block.parts.append(part)
        if before is None:
            self.wanted += part.pages
            self.taken += part.resident
        if part.payer is block:
            self._charge(part, before, block)
        else:
            block.others.append(part)

    def _charge(self, part: Part, old: Block | None, new: Block | None) -> None:
        """Let another block pay for a part, or nobody."""
        for block, sign in ((old, -1), (new, 1)):
            if block is not None:
                self.pages[block.place] += sign * part.pages
                self.resident[block.place] += sign * part.resident
                block.account.resident += sign * part.resident
        if new is not None and part in new.others:
            new.others.remove(part)
        if old is not None and old in part.users:
            old.others.append(part)

    def grow(self, block: Block) -> None:
        """Let a block have one page more of its own, which is not resident yet."""
        block.own.pages += 1
        self.pages[block.place] += 1
        self.wanted += 1

    @implements("EV-1", "WL-4")
    def leave(self, block: Block) -> int:
        """Let a block end, and those behind it move up; return how many frames are free now that were not.

        What others use, they pay for; the prompt's pages are found in the free frames until those are taken.
        """
        freed = 0
        for part in reversed(block.parts):
            before = part.payer
            is_used = prefixes.leave(part, block)
            if before is block:
                self._charge(part, before, part.payer)
            if is_used and block.number > part.users[-1].number:
                self.late[part] = max(block.number, self.late.get(part, -1))
            if not is_used:
                freed += part.resident
                self.wanted -= part.pages
                self.prefixes.set_aside(part)
        self.taken -= freed
        place = block.place
        del self.blocks[place], self.pages[place], self.resident[place], self.floors[place]
        self._number_from(place)
        return freed

    def _number_from(self, place: int) -> None:
        for number in range(place, len(self.blocks)):
            self.blocks[number].place = number

    def end_round(self) -> None:
        """Say that everybody has used their pages once more."""
        self.late.clear()

    def lacks(self, block: Block) -> bool:
        """Return whether a page that the block uses is not resident."""
        place = block.place
        if self.resident[place] < self.pages[place]:
            return True
        return any(part.resident < part.pages for part in block.others)

    @implements("EV-1", "EV-2", "EV-3", "EV-5", "WL-2")
    def use(self, block: Block, kind: int = 0) -> Used:
        """Use all pages of a block: each one that is missing takes a free frame, or one of a victim, or none.

        What goes, goes for a page of that `kind`.
        """
        if not self.lacks(block):
            return NOTHING
        used = Used()
        for part in block.parts:
            if part.resident < part.pages:
                self._bring(part, block, kind, used)
        self.prefixes.keep(self.capacity - self.taken)
        return used

    def _bring(self, part: Part, block: Block, kind: int, used: Used) -> None:
        missed = left = part.pages - part.resident
        used.missed += missed
        if part.seen < part.pages:
            used.count_computed(part)
        if part.unseated or part.lost_to:
            used.count_gone(part)
        free = min(missed, self.capacity - self.taken)
        if free:
            self.taken += free
            self._land(part, free)
            left -= free
        while left:
            victim, run = self._victim(block, part)
            if victim is None or not run:
                part.unseated = left
                used.refused += left
                break
            run = min(run, left, victim.resident)
            self._land(victim, -run)
            victim.lost_to[kind] = victim.lost_to.get(kind, 0) + run
            used.evicted.append((_payer(victim).place, run))
            self._land(part, run)
            left -= run

    def _land(self, part: Part, pages: int) -> None:
        part.resident += pages
        payer = _payer(part)
        self.resident[payer.place] += pages
        payer.account.resident += pages

    # ---- whose pages go: (the part they are of, how many one after the other); None where no page may go ----

    def _held(self, block: Block) -> dict[int, int]:
        """Return, of who else pays for pages that a block uses, how many of them are resident."""
        held: dict[int, int] = {}
        for part in block.others:
            place = _payer(part).place
            held[place] = held.get(place, 0) + part.resident
        return held

    def _furthest(self, owner: int, block: Block) -> Part | None:
        """Return the part of an owner that is furthest from the beginning and has a page which `block` does not use."""
        payer = self.blocks[owner]
        for part in reversed(payer.parts):
            if part.resident and part.payer is payer and (len(part.users) == 1 or block not in part.users):
                return part
        return None

    @implements("EV-10")
    def _oldest(self, block: Block, incoming: Part) -> tuple[Part | None, int]:
        """Return the pages of who has one that was used longest ago: by the first after `block` in the order."""
        who, asker = block.place, _payer(incoming).place
        after, late = self._oldest_left(block, asker)
        for place in (*range(who + 1, len(self.blocks)), *range(who)):
            last = self.blocks[place]
            if late is not None and (place < who or after < last.number):
                break
            has = self.resident[place] if self._above(place, asker) > 0 else 0
            for part in last.parts if has or len(last.others) > 1 else last.others:
                if not part.resident or (self.late and self._is_late(part, block)):
                    continue
                if len(part.users) > 1 and (block in part.users or self._last_user(part, who) is not last):
                    continue
                owner = _payer(part).place
                if self._above(owner, asker) > 0:
                    return self._furthest(owner, block), self._above(owner, asker)
        if late is None:
            return None, 0
        owner = _payer(late).place
        return self._furthest(owner, block), self._above(owner, asker)

    def _above(self, place: int, asker: int) -> int:
        return self.resident[place] + (place == asker) - self.floors[place]

    def _oldest_left(self, block: Block, asker: int) -> tuple[int, Part | None]:
        """Return (number, part): of the pages that were last used by who has ended since, those that were first."""
        oldest: tuple[int, Part | None] = (0, None)
        for part, number in reversed(self.late.items()):
            if not part.resident or block in part.users or not self._is_late(part, block):
                continue
            if self._above(_payer(part).place, asker) > 0 and (oldest[1] is None or number < oldest[0]):
                oldest = number, part
        return oldest

    def _is_late(self, part: Part, block: Block) -> bool:
        """Return whether nobody has used a part since somebody did who has ended."""
        number, users = self.late.get(part, -1), part.users
        return bool(users) and users[-1].number < number and users[0].number > block.number

    def _last_user(self, part: Part, who: int) -> Block:
        """Return who used a part last before the turn of `who`."""
        before = [user for user in part.users if user.place < who]
        return max(before or part.users, key=_place)

    @implements("EV-11")
    def _largest_total(self, block: Block, incoming: Part) -> tuple[Part | None, int]:
        """Return pages of the block of the most that has one which may go; on a tie who asks, then the lower number."""
        owner = None
        most, asker, held = 0, _payer(incoming).place, self._held(block)
        for place, pages in enumerate(self.pages):
            if pages < most or (pages == most and place != asker) or place == block.place:
                continue
            if self.resident[place] > held.get(place, 0):
                owner, most = place, pages
        return (None, 0) if owner is None else (self._furthest(owner, block), most)

    @implements("EV-6")
    def _most_resident(self, block: Block, incoming: Part) -> tuple[Part | None, int]:
        """Return pages of the block of the most resident ones; on a tie who asks, then the lower number.

        It goes on until another has more.
        """
        owner, who, asker, held = None, block.place, _payer(incoming).place, self._held(block)
        most = second = 0
        for place, resident in enumerate(self.resident):
            if (resident <= second and place != asker) or place == who:  # it changes nothing
                continue
            count = resident + (place == asker)
            if count <= self.floors[place] or resident <= held.get(place, 0):
                continue
            if count > most or (count == most and place == asker):
                owner, most, second = place, count, most
            else:
                second = max(second, count)
        if owner is None:
            return None, 0
        is_close = held.get(asker, 0) < self.resident[asker] and asker != block.place
        run = 1 if is_close else max(1, min(most - second, most - self.floors[owner]))
        return self._furthest(owner, block), run


def _payer(part: Part) -> Block:
    assert part.payer is not None
    return part.payer


def _place(block: Block) -> int:
    return block.place
