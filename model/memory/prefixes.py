"""Prefixes: pages of prompts that several requests use, and pages that are found again after a request has ended.

A part is pages that the same requests use, in one go: those of one hash of a prompt, or those that are a request's own.
A part is there once, however many use it, and is charged as `headgate.model.memory.sharing` says: to the lowest number
among its users, the request that came first. With its last user its frames become free. What is in a free frame is
found there until somebody takes it; of the free frames, empty ones are taken first, then the one that has been free for
longest, and of those of one request the one furthest from its beginning, so that a prefix outlives what follows it.

Which parts are known at a time is bounded by the frames, and so is the list of those that were known and went.
"""

import bisect
from collections import OrderedDict
from collections.abc import Iterator, Sequence

import attrs

from headgate.model.memory.sharing import SharedPage, forget, payer, share
from headgate.spec.links import implements

__all__ = ["Account", "Block", "Key", "Part", "Prefixes", "join", "keys_of", "leave"]

# What is equal in two requests: the hash of the prefix that ends with the part, and how many pages of it there are.
Key = tuple[int, int]


@attrs.define(eq=False)
class Account:
    """Whose pages are counted together: how many frames they take."""

    resident: int = 0


@attrs.define(eq=False)
class Part:
    """Pages that are used together: `resident` counts them from the first, which are those that are in memory.

    `seen` pages were computed; the others are new, or had been `known`. `lost_to` and `unseated` say why those that
    were computed are not resident. `users` are in the order of their numbers, and `payer` is one of them.
    """

    pages: int
    key: Key | None = None
    resident: int = 0
    seen: int = 0
    known: bool = False
    unseated: int = 0
    lost_to: dict[int, int] = attrs.Factory(dict)
    users: list["Block"] = attrs.Factory(list)
    payer: "Block | None" = None


@attrs.define(eq=False)
class Block:
    """All pages of a request: its parts from the first page on, the last of them its own.

    `number` is the order of admission, `place` the place in the served order. `others` are the parts that it uses and
    does not pay for.
    """

    number: int
    account: Account = attrs.Factory(Account)
    keys: Sequence[Key] = ()
    place: int = -1
    parts: list[Part] = attrs.Factory(list)
    others: list[Part] = attrs.Factory(list)

    @property
    def own(self) -> Part:
        """The pages that are nobody else's."""
        return self.parts[-1]


def keys_of(hashes: Sequence[int], hash_tokens: int, prompt: int, page_tokens: int) -> Iterator[Key]:
    """Yield what a prompt can share, if each hash is that of so many tokens and of all before them.

    A page belongs to the hash of its last token. A page that is not full is written to, and the last token of a prompt
    is computed in any case, since the first output comes from it: so its page is the request's own.
    """
    full, begin = (prompt - 1) // page_tokens, 0
    for number, hash_ in enumerate(hashes, start=1):
        end = min(number * hash_tokens // page_tokens, full)
        if end > begin:
            yield hash_, end - begin
        begin = end


class Prefixes:
    """The parts that are known: those in use, and those that are `left` over in free frames, the oldest first."""

    def __init__(self, most_gone: int) -> None:
        """Know nothing; of parts that went, at most so many are remembered."""
        self.known: dict[Key, Part] = {}
        self.left: OrderedDict[Key, Part] = OrderedDict()
        self.spare = 0
        self._gone: OrderedDict[Key, None] = OrderedDict()
        self._most_gone = most_gone

    def shared(self, keys: Sequence[Key]) -> int:
        """Return how many pages of these are in use, so that they take no frame more."""
        parts = [part for key in keys if (part := self.known.get(key)) is not None]
        return sum(part.pages for part in parts if part.users)

    def part_of(self, key: Key) -> tuple[Part, int]:
        """Return (part, pages): the part of that key, which somebody begins to use, and its pages in free frames."""
        part = self.known.get(key)
        if part is None:
            part = self.known[key] = Part(key[1], key, known=key in self._gone)
            self._gone.pop(key, None)
        elif not part.users:
            del self.left[key]
            self.spare -= part.resident
            part.seen, part.known = part.resident, True
            return part, part.resident
        return part, 0

    @implements("WL-4")
    def set_aside(self, part: Part) -> None:
        """Let a part that nobody uses any more be found in the frames that it was in."""
        part.unseated = 0
        part.lost_to.clear()
        if part.key is None:
            return
        if part.resident:
            self.left[part.key] = part
            self.spare += part.resident
        else:
            self._forget(part.key)

    @implements("WL-4")
    def keep(self, frames: int) -> None:
        """Let no more pages be left over than there are free frames."""
        while self.spare > frames:
            key, part = next(iter(self.left.items()))
            gone = min(part.resident, self.spare - frames)
            part.resident -= gone
            self.spare -= gone
            if not part.resident:
                del self.left[key]
                self._forget(key)

    def _forget(self, key: Key) -> None:
        del self.known[key]
        self._gone[key] = None
        if len(self._gone) > self._most_gone:
            self._gone.popitem(last=False)


@implements("EV-13", "WL-4")
def join(part: Part, block: Block) -> None:
    """Let a block use a part too. Who pays is the lower of two: who paid before, who is the lowest, and the block."""
    if part.payer is None:
        part.users, part.payer = [block], block
        return
    both = sorted((part.payer, block), key=_number)
    page = SharedPage(True, tuple(each is not block for each in both))
    _, who = payer(share(page, both.index(block)))
    bisect.insort(part.users, block, key=_number)
    part.payer = both[int(who)]


@implements("EV-13", "WL-4")
def leave(part: Part, block: Block) -> bool:
    """Let a block use a part no more; return whether somebody still does. Who pays is the lowest of the rest."""
    users = part.users
    if len(users) == 1:
        users.clear()
        part.payer = None
        return False
    both = users[:2] if users[0] is block else [users[0], block]
    page = forget(SharedPage(True, (True, True)), both.index(block))
    _, who = payer(page)
    users.remove(block)
    part.payer = both[int(who)]
    return bool(page.resident)


def _number(block: Block) -> int:
    return block.number
