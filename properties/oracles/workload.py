"""Serving a workload, to be obvious: every page by itself, every token by itself, times as fractions.

A request is a tuple (arrival in ns, prompt, output, tenant, class, hashes of its prefixes). A page is a pair (what it
is of, position): of a request, by number, or of a prefix, by its hashes and how many pages the last of them has.
"""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from headgate.properties.oracles.eviction import Memory, Page

__all__ = ["Plain", "repeated_pages", "serve"]

Who = tuple[int, int]


class Plain:
    """A request that is being served."""

    def __init__(self, number: int, job: Sequence[Any], page_tokens: int, hash_tokens: int) -> None:
        """Nothing is stored, no token was given."""
        self.number = number
        self.arrival, self.prompt, self.output, self.tenant, self.kind, hashes = job
        self.stored = self.given = self.pages = self.seen = 0
        self.last: Fraction | None = None
        self.page_tokens = page_tokens
        # Page by page: whose the last token is, for pages before the one of the last token of the prompt.
        of = [(page + 1) * page_tokens - 1 for page in range((self.prompt - 1) // page_tokens)]
        shared = [tuple(hashes[: last // hash_tokens + 1]) for last in of if last // hash_tokens < len(hashes)]
        self.names: list[Any] = [(chain, shared.count(chain)) for chain in shared]

    @property
    def who(self) -> Who:
        """Whose it is."""
        return self.tenant, self.kind

    def first(self, count: int) -> list[Page]:
        """Return its first pages."""
        return [(self.names[at] if at < len(self.names) else self.number, at) for at in range(count)]


class _Shared(Memory):
    """A memory in which pages have users, the lowest of which owns them, and `left` is what free frames have."""

    def __init__(self, capacity: int, rule: str, floors: Sequence[int]) -> None:
        super().__init__(capacity, rule, "prefix", floors, [0] * len(floors))
        self.users: dict[Page, set[int]] = {}
        self.left: list[Page] = []
        self.gone: list[Any] = []
        self.known: set[Page] = set()

    def owner(self, page: Page) -> int:
        return min(self.users[page])

    def share(self, page: Page, number: int) -> str:
        """Let a request use a page too; return where it was found."""
        found = "nowhere"
        if page in self.users:
            found = "used"
        elif page in self.left:
            found = "left"
            self.left.remove(page)
            self.by_last_use.append(page)
        if page in self.by_last_use:
            self.by_last_use.remove(page)
            self.by_last_use.append(page)
        self.users.setdefault(page, set()).add(number)
        return found

    def forget(self, page: Page, number: int) -> None:
        """Let a request use a page no more."""
        self.users[page].remove(number)
        if self.users[page]:
            return
        del self.users[page]
        self.known.discard(page)
        if page in self.by_last_use:
            self.by_last_use.remove(page)
            if page[0] != number:
                self.left.append(page)

    def make_room(self) -> None:
        """Let what is left over be in free frames only."""
        while len(self.by_last_use) + len(self.left) > self.capacity:
            page = self.left.pop(0)
            if page[0] not in [other[0] for other in self.left]:
                self.remember(page[0])

    def remember(self, name: Any) -> None:
        """Remember that nothing is left of a prefix; of so many as there are frames."""
        self.gone = [*self.gone, name][-self.capacity :]


class _Device:
    def __init__(
        self,
        capacity: int,
        page_tokens: int,
        slots: int,
        admission: str,
        rule: str,
        promised: Sequence[int | None],
        many: int,
    ) -> None:
        self.capacity, self.page_tokens, self.slots = capacity, page_tokens, slots
        self.admission, self.rule = admission, rule
        self.there: list[Plain] = []
        self.emptied: list[Plain] = []
        self.counts: Counter[tuple[Who, str]] = Counter()
        self.memory, self.promised = _Shared(capacity, rule, [0] * many), promised
        self.why: dict[Page, str] = {}

    def pages_for(self, tokens: int) -> int:
        return -(-tokens // self.page_tokens)

    def most(self, plain: Plain) -> int:
        return self.pages_for(plain.prompt + plain.output - 1)

    def fits(self, plain: Plain) -> bool:
        if len(self.there) == self.slots:
            return False
        if self.admission == "maximum":
            return len({page for r in [*self.there, plain] for page in r.first(self.most(r))}) <= self.capacity
        if self.admission == "slots" and self.rule != "preempt":
            return True
        return len({*self.in_use(), *plain.first(self.pages_for(plain.prompt + plain.given))}) <= self.capacity

    def in_use(self) -> set[Page]:
        return {page for plain in self.there for page in plain.first(plain.pages)}

    def join(self, plain: Plain) -> None:
        plain.stored = plain.prompt + plain.given
        self.there = sorted([*self.there, plain], key=lambda r: r.number)
        found = self.take(plain, self.pages_for(plain.stored))
        if not plain.seen:
            self.counts[plain.who, "prompt_pages"] += plain.pages
            self.counts[plain.who, "found_used"] += found["used"]
            self.counts[plain.who, "found_left"] += found["left"]

    def take(self, plain: Plain, pages: int) -> Counter[str]:
        """Let a request have so many pages, and where nothing is ever evicted, have them in memory."""
        memory = self.memory
        found: Counter[str] = Counter()
        new = plain.first(pages)[plain.pages :]
        known = [*memory.gone, *(page[0] for page in memory.left)]
        for page in new:
            where = memory.share(page, plain.number)
            found[where] += 1
            if where == "nowhere" and page[0] in known:
                memory.known.add(page)
        memory.gone = [name for name in memory.gone if name not in [page[0] for page in new]]
        plain.pages = pages
        self.count_pages()
        if self.rule == "preempt":
            for page in [page for page in new if page not in memory.by_last_use]:
                memory.by_last_use.append(page)
                again = page[1] < plain.seen
                self.counts[plain.who, "recomputed" if again else self.first_time(page)] += 1
            memory.make_room()
        return found

    def first_time(self, page: Page) -> str:
        return "forgotten" if page in self.memory.known else "fresh"

    def count_pages(self) -> None:
        owners = Counter(self.memory.owner(page) for page in self.in_use())
        self.memory.totals = [owners[number] for number in range(len(self.memory.totals))]
        for plain in self.there:
            mine = [r for r in self.there if r.tenant == plain.tenant]
            floor = self.promised[plain.tenant] if self.promised else None
            rest = self.capacity - sum(each for each in self.promised if each is not None)
            self.memory.floors[plain.number] = rest // self.slots if floor is None else floor // len(mine)

    def grow(self) -> list[Plain]:
        waits = []
        for plain in list(self.there):
            if plain not in self.there:
                continue
            pages = self.pages_for(plain.stored + 1)
            if self.rule == "preempt" and pages > plain.pages and len(self.in_use()) == self.capacity:
                youngest = self.there[-1]
                if youngest is plain:
                    waits.append(plain)
                    continue
                self.empty(youngest)
            plain.stored += 1
            self.take(plain, pages)
        return waits

    def empty(self, plain: Plain) -> None:
        self.counts[plain.who, "preempted"] += 1
        self.counts[plain.who, "preempted_pages"] += plain.pages
        plain.seen = plain.pages
        self.leave(plain)
        self.emptied = sorted([*self.emptied, plain], key=lambda r: r.number)

    def use(self, plain: Plain) -> int:
        """Use every page of a request; return how many came from outside."""
        again = 0
        memory = self.memory
        pages = plain.first(plain.pages)
        memory.pinned = {page for page in memory.by_last_use if page in pages}
        for page in pages:
            said, gone = memory.use(page)
            if said == "hit":
                self.counts[plain.who, "hits"] += 1
                continue
            self.counts[plain.who, self.why.get(page) or self.first_time(page)] += 1
            again += page in self.why
            self.why[page] = "unseated"
            if said == "fetched":
                memory.pinned.add(page)
            if gone is not None:
                loser = next(r for r in self.there if r.number == memory.owner(gone))
                self.counts[loser.who, f"evicted by {plain.kind}"] += 1
                self.why[gone] = f"lost to {plain.kind}"
            memory.make_room()
        memory.pinned = set()
        return again

    def leave(self, plain: Plain) -> None:
        memory = self.memory
        self.there.remove(plain)
        pages = plain.first(plain.pages)
        for page in reversed(pages):
            memory.forget(page, plain.number)
            if page in memory.users:
                continue
            self.why.pop(page, None)
            of = [each for each in pages if each[0] == page[0]]
            if page == of[0] and page[0] != plain.number and not any(each in memory.left for each in of):
                memory.remember(page[0])
        plain.pages = 0
        self.count_pages()


def repeated_pages(jobs: Sequence[Sequence[Any]], page_tokens: int, hash_tokens: int) -> int:
    """Return how many pages of prompts have come before: what is found if nothing ever goes."""
    seen: set[Page] = set()
    repeated = 0
    for number, job in enumerate(jobs):
        plain = Plain(number, job, page_tokens, hash_tokens)
        pages = plain.first(len(plain.names))
        repeated += len(seen.intersection(pages))
        seen.update(pages)
    return repeated


def serve(
    jobs: Sequence[Sequence[Any]],
    *,
    rule: str,
    capacity: int,
    page_tokens: int,
    hash_tokens: int,
    slots: int,
    floors: Sequence[int | None],
    admission: str,
    rate: Fraction,
    link: Fraction,
    token_bytes: int,
    weight_bytes: int,
    first_slo: Fraction,
    next_slo: Fraction,
    until: int | None,
) -> tuple[Fraction, Counter[tuple[Who, str]], Counter[Who]]:
    """Return (the end in ns, what was counted, the pages times ns that were paid for)."""
    device = _Device(capacity, page_tokens, slots, admission, rule, floors, len(jobs))
    waiting = [Plain(number, job, page_tokens, hash_tokens) for number, job in enumerate(jobs)]
    held: Counter[Who] = Counter()
    counts, now = device.counts, Fraction(0)
    for plain in waiting:
        counts[plain.who, "requests"] += 1
    for plain in [plain for plain in waiting if device.most(plain) > capacity]:
        counts[plain.who, "refused"] += 1
        waiting.remove(plain)
    while (until is None or now < until) and (waiting or device.there or device.emptied):
        waits = device.grow()
        while device.emptied and device.fits(device.emptied[0]):
            device.join(device.emptied.pop(0))
        while not device.emptied and waiting and waiting[0].arrival <= now and device.fits(waiting[0]):
            device.join(waiting.pop(0))
        if not device.there:
            now = max(now, Fraction(waiting[0].arrival))
            continue
        again = 0 if rule == "preempt" else sum(device.use(plain) for plain in device.there)
        stored = sum(plain.stored for plain in device.there)
        took = (weight_bytes + token_bytes * stored) / rate + again * token_bytes * page_tokens / link
        now += took
        for plain in device.there:
            held[plain.who] += device.memory.count(plain.number) * took  # type: ignore[assignment]
        for plain in [plain for plain in device.there if plain not in waits]:
            counts[plain.who, "uses"] += plain.pages
            counts[plain.who, "tokens"] += 1
            plain.given += 1
            if plain.last is None:
                counts[plain.who, "first_late"] += now - plain.arrival > first_slo
            else:
                counts[plain.who, "next_late"] += now - plain.last > next_slo
            plain.last = now
            if plain.given == plain.output:
                counts[plain.who, "done"] += 1
                device.leave(plain)
    for plain in [*waiting, *device.there, *device.emptied]:
        counts[plain.who, "unfinished"] += 1
    return now, counts, held
