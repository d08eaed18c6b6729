"""Serving a workload, to be obvious: every page by itself, every token by itself, times as fractions.

A request is a tuple (arrival in ns, prompt, output, tenant, class).
"""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from headgate.properties.oracles.eviction import Memory

__all__ = ["Plain", "serve"]


class Plain:
    """A request that is being served."""

    def __init__(self, number: int, job: Sequence[int]) -> None:
        """Nothing is stored, no token was given."""
        self.number = number
        self.arrival, self.prompt, self.output, self.tenant, self.kind = job
        self.stored = self.given = self.pages = self.seen = 0
        self.last: Fraction | None = None
        self.why: dict[int, str] = {}

    @property
    def who(self) -> tuple[int, int]:
        """Whose it is."""
        return self.tenant, self.kind


class _Device:
    def __init__(self, capacity: int, page_tokens: int, slots: int, admission: str, rule: str, many: int) -> None:
        self.capacity, self.page_tokens, self.slots = capacity, page_tokens, slots
        self.admission, self.rule = admission, rule
        self.there: list[Plain] = []
        self.emptied: list[Plain] = []
        self.counts: Counter[tuple[tuple[int, int], str]] = Counter()
        self.memory = Memory(capacity, rule, "lru", [capacity // slots] * many, [0] * many)

    def pages_for(self, tokens: int) -> int:
        return -(-tokens // self.page_tokens)

    def most(self, plain: Plain) -> int:
        return self.pages_for(plain.prompt + plain.output - 1)

    def fits(self, plain: Plain) -> bool:
        if len(self.there) == self.slots:
            return False
        now = sum(r.pages for r in self.there) + self.pages_for(plain.prompt + plain.given)
        if self.admission == "maximum":
            return sum(self.most(r) for r in self.there) + self.most(plain) <= self.capacity
        if self.admission == "slots" and self.rule != "preempt":
            return True
        return now <= self.capacity

    def join(self, plain: Plain) -> None:
        plain.stored = plain.prompt + plain.given
        self.there = sorted([*self.there, plain], key=lambda r: r.number)
        self.take(plain, self.pages_for(plain.stored))

    def take(self, plain: Plain, pages: int) -> None:
        if self.rule == "preempt":
            for page in range(plain.pages, pages):
                self.counts[plain.who, "recomputed" if page < plain.seen else "fresh"] += 1
                plain.seen = max(plain.seen, page + 1)
        plain.pages = pages
        self.memory.totals[plain.number] = pages

    def grow(self) -> list[Plain]:
        waits = []
        for plain in list(self.there):
            if plain not in self.there:
                continue
            pages = self.pages_for(plain.stored + 1)
            if self.rule == "preempt" and pages > plain.pages and sum(r.pages for r in self.there) == self.capacity:
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
        plain.pages = 0
        self.there.remove(plain)
        self.emptied = sorted([*self.emptied, plain], key=lambda r: r.number)

    def use(self, plain: Plain) -> int:
        """Use every page of a request; return how many came from outside."""
        again = 0
        memory = self.memory
        memory.pinned = {page for page in memory.by_last_use if page[0] == plain.number}
        for position in range(plain.pages):
            page = (plain.number, position)
            said, gone = memory.use(page)
            if said == "hit":
                self.counts[plain.who, "hits"] += 1
                continue
            self.counts[plain.who, plain.why.get(position, "fresh")] += 1
            again += position in plain.why
            plain.why[position] = "unseated"
            if said == "fetched":
                memory.pinned.add(page)
            if gone is not None:
                owner = next(r for r in self.there if r.number == gone[0])
                self.counts[owner.who, f"evicted by {plain.kind}"] += 1
                owner.why[gone[1]] = f"lost to {plain.kind}"
        memory.pinned = set()
        return again

    def held(self, plain: Plain) -> int:
        return plain.pages if self.rule == "preempt" else self.memory.count(plain.number)

    def leave(self, plain: Plain) -> None:
        self.there.remove(plain)
        self.memory.by_last_use = [page for page in self.memory.by_last_use if page[0] != plain.number]
        self.memory.totals[plain.number] = 0


def serve(
    jobs: Sequence[Sequence[int]],
    *,
    rule: str,
    capacity: int,
    page_tokens: int,
    slots: int,
    admission: str,
    rate: Fraction,
    link: Fraction,
    token_bytes: int,
    weight_bytes: int,
    first_slo: Fraction,
    next_slo: Fraction,
    until: int | None,
) -> tuple[Fraction, Counter[tuple[tuple[int, int], str]], Counter[tuple[int, int]]]:
    """Return (the end in ns, what was counted, the pages times ns that were held)."""
    device = _Device(capacity, page_tokens, slots, admission, rule, len(jobs))
    waiting = [Plain(number, job) for number, job in enumerate(jobs)]
    held: Counter[tuple[int, int]] = Counter()
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
            held[plain.who] += device.held(plain) * took  # type: ignore[assignment]
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
