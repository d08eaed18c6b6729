"""Serving a workload: requests come, are admitted, decode a token a step, and share the memory of one device.

A step uses all pages of every request that is there, and lasts as long as its bytes take: the weights, what the cache
holds, and pages that come back. The first step of a request writes its whole prompt. There is no compute here: it is a
device that memory alone holds up, so that times are least times.

Who may come is said by `headgate.model.memory.pages_admission`, who loses a page by `headgate.model.memory.eviction`
(in blocks, `headgate.model.memory.blocks`). The rule "preempt" evicts nothing: for a page more the youngest request is
emptied, and comes back when its pages fit. Prompts that begin alike have those pages together, and what a request
leaves is found again (`headgate.model.memory.prefixes`). Requests come first, first; only the next one is looked at, so
that what is held is what the device holds, however long the workload. Time is counted in ticks, so many a byte.
"""

import bisect
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction

import attrs

from headgate.model.memory.blocks import PREEMPT, Blocks
from headgate.model.memory.pages_admission import Tenancy, fits_by_maximum, fits_now, grow_or_preempt, nobody
from headgate.model.memory.prefixes import Account, Block, keys_of
from headgate.model.memory.served import ADMISSIONS, RULES, Job, Outcome, Server, Share, most_pages
from headgate.spec.links import implements
from headgate.spec.units import Nanoseconds

__all__ = ["ADMISSIONS", "PREEMPT", "RULES", "Job", "Outcome", "Server", "Share", "most_pages", "serve"]


@attrs.define(eq=False)
class _Group(Account):
    """The requests of one tenant and one class: how many are there, the pages that they use, and the frames."""

    share: Share = attrs.field(kw_only=True)
    there: int = 0
    pages: int = 0


@attrs.define(eq=False)
class _Seat(Block):
    """A request that was admitted. It holds `base + step - began` tokens in a step; `began` is -1 while it is emptied.

    `last` is when its last token came out, where that was not at the end of the step before; `seen` counts the pages
    that it had before it was emptied. While it waits, `asked` says when `shared` was counted: its pages that others
    have in use.
    """

    job: Job = attrs.field(kw_only=True)
    group: _Group = attrs.field(kw_only=True)
    most: int = 0
    began: int = -1
    base: int = 0
    given: int = 0
    pages: int = 0
    seen: int = 0
    last: int | None = None
    asked: int = -1
    shared: int = 0

    @property
    def share(self) -> Share:
        """What is counted of the likes of it."""
        return self.group.share

    def stored(self, step: int) -> int:
        """Return the tokens that it holds in a step."""
        return self.base + step - self.began


class _Run:
    def __init__(self, server: Server, rule: str, jobs: Iterator[Job], tenants: int, kinds: int) -> None:
        self.server, self.rule, self.jobs = server, rule, jobs
        self.evicts, self.memory = rule != PREEMPT, Blocks(server.capacity, rule)
        self.shares = [[Share([0] * kinds, [0] * kinds) for _ in range(kinds)] for _ in range(tenants)]
        self.groups = [[_Group(share=share) for share in row] for row in self.shares]
        link = server.kv.link_bytes_per_ns or server.rate
        self.scale = math.lcm(server.rate.numerator, link.numerator)
        self.byte_ticks = self.scale // server.rate.numerator * server.rate.denominator
        self.page_ticks = self.scale // link.numerator * link.denominator * server.kv.page_bytes
        self.first_slo, self.next_slo = (
            None if slo is None else slo * self.scale for slo in (server.kv.first_slo_ns, server.kv.next_slo_ns)
        )
        self.seats: list[_Seat] = []
        self.emptied: list[_Seat] = []
        self.grows: dict[int, list[tuple[_Seat, int]]] = defaultdict(list)
        self.ends: dict[int, list[tuple[_Seat, int]]] = defaultdict(list)
        self.now = self.step = self.numbers = self.changes = 0
        self.stored = self.most = self.most_taken = self.loaded = self.found = self.freed = 0
        self.head: _Seat | None = None
        self._advance()

    # ---- who comes ----

    @implements("WL-1")
    def _advance(self) -> None:
        """Look at the next request; those that are larger than all of the memory are refused (PA-1)."""
        self.head = None
        for job in self.jobs:
            group = self.groups[job.tenant][job.kind]
            group.share.requests += 1
            page_tokens = self.server.kv.page_tokens
            most = most_pages(job.prompt, job.output, page_tokens)
            if fits_by_maximum(nobody(1), most, self.server.capacity):
                keys = tuple(keys_of(job.blocks, job.hash_tokens, job.prompt, page_tokens))
                self.head = _Seat(self.numbers, group, keys, job=job, group=group, most=most)
                self.numbers += 1
                return
            group.share.refused += 1

    def _pages_for(self, tokens: int) -> int:
        return -(-tokens // self.server.kv.page_tokens)

    @implements("WL-4")
    def _fits(self, seat: _Seat) -> bool:
        """Return whether the gate lets a request in; what the rules add up over all requests is handed in added up.

        A page that others have in use is counted once.
        """
        server, memory = self.server, self.memory
        if len(self.seats) >= server.slots:
            return False
        if server.admission == "slots" and self.evicts:
            return True
        if seat.asked != self.changes:
            seat.asked, seat.shared = self.changes, memory.prefixes.shared(seat.keys)
        there = Tenancy((memory.wanted,), (self.most,))
        if server.admission == "maximum":
            return bool(fits_by_maximum(there, seat.most - seat.shared, server.capacity))
        pages = self._pages_for(seat.job.prompt + seat.given)
        return bool(fits_now(there, pages - seat.shared, server.capacity))

    def _admit(self) -> list[_Seat]:
        """Admit who waits, those that were emptied before, first; return them."""
        came: list[_Seat] = []
        while self.emptied:
            seat = self.emptied[0]
            if not self._fits(seat):
                return came
            self._join(self.emptied.pop(0))
            came.append(seat)
        while self.head is not None and self.head.job.arrival_ns * self.scale <= self.now:
            seat = self.head
            if not self._fits(seat):
                break
            self._join(seat)
            came.append(seat)
            self._advance()
        return came

    @implements("WL-4")
    def _join(self, seat: _Seat) -> None:
        seat.began, seat.base = self.step, seat.job.prompt + seat.given
        seat.pages = self._pages_for(seat.base)
        place = len(self.seats) if self.evicts else bisect.bisect(self.seats, seat.number, key=lambda s: s.number)
        self.seats.insert(place, seat)
        used, left = self.memory.join(seat, seat.pages - sum(pages for _, pages in seat.keys), place)
        self.found += left
        if not seat.seen:
            seat.share.prompt_pages += seat.pages
            seat.share.found_used += used
            seat.share.found_left += left
        seat.group.there += 1
        seat.group.pages += seat.pages
        self._entitle(seat.job.tenant, [seat])
        self.stored += seat.base
        self.most += seat.most - used
        self.changes += 1
        if not self.evicts:
            self._use_one(seat)
        self._plan(seat)

    def _plan(self, seat: _Seat) -> None:
        """Note in which steps a request has a page more, and gives its last token."""
        grows = seat.began + seat.pages * self.server.kv.page_tokens + 1 - seat.base
        ends = seat.began + seat.job.output - seat.given - 1
        if grows <= ends:
            self.grows[grows].append((seat, seat.began))
        self.ends[ends].append((seat, seat.began))

    def _part(self, seat: _Seat) -> None:
        """Take a request out: pages that nobody else uses are free."""
        wanted = self.memory.wanted
        self.freed += self.memory.leave(seat)
        self.most -= seat.most - (seat.pages - (wanted - self.memory.wanted))
        seat.group.there -= 1
        seat.group.pages -= seat.pages
        self.stored -= seat.stored(self.step)
        del self.seats[seat.place]
        self._entitle(seat.job.tenant, [])
        self.changes += 1
        seat.began = -1

    def _entitle(self, tenant: int, came: list[_Seat]) -> None:
        """Let the requests of a tenant be entitled to their floors, where these depend on how many there are."""
        floors = self.server.floors
        if not self.memory.floored:
            return
        has_own = bool(floors) and floors[tenant] is not None
        floor = self.server.floor(tenant, max(1, sum(group.there for group in self.groups[tenant])))
        for seat in self.seats if has_own else came:
            if seat.job.tenant == tenant:
                self.memory.floors[seat.place] = floor

    # ---- a page more ----

    def _grow(self) -> tuple[list[_Seat], list[_Seat]]:
        """Let requests have the page that their next token needs; return those that have it, and those that wait."""
        grown, waits = [], []
        planned = [seat for seat, began in self.grows.pop(self.step, ()) if seat.began == began]
        for seat in sorted(planned, key=lambda s: s.number):
            if seat.began < 0:  # emptied just now, for an older one
                continue
            if not self.evicts and not self._granted(seat):
                self._wait(seat)
                waits.append(seat)
                continue
            seat.pages += 1
            seat.group.pages += 1
            self.memory.grow(seat)
            if not self.evicts:
                self._use_one(seat)
            grown.append(seat)
            grows = self.step + self.server.kv.page_tokens
            if grows <= seat.began + seat.job.output - seat.given - 1:
                self.grows[grows].append((seat, seat.began))
        return grown, waits

    @implements("PA-5")
    def _granted(self, seat: _Seat) -> bool:
        """Return whether there is a frame for a page more, the youngest request emptied for it if it must be."""
        if self.memory.wanted < self.server.capacity:
            return True
        # Of the youngest nobody else pays for a page: those that it pays for are those that its end makes free.
        crowd = Tenancy(tuple(self.memory.pages), tuple(s.most for s in self.seats))
        order = [s.number for s in self.seats]
        grown, _ = grow_or_preempt(crowd, seat.place, order, self.server.capacity)
        if grown.lost:
            self._empty(self.seats[grown.victim])
        return bool(grown.granted)

    def _empty(self, seat: _Seat) -> None:
        seat.share.preempted += 1
        seat.share.preempted_pages += seat.pages
        seat.last = self.now if seat.last is None else seat.last
        seat.given += self.step - seat.began
        seat.seen = seat.pages
        self._part(seat)
        bisect.insort(self.emptied, seat, key=lambda s: s.number)

    def _wait(self, seat: _Seat) -> None:
        """Leave a request out of this step: all that was planned for it comes a step later."""
        seat.last = self.now if seat.last is None else seat.last
        self.stored -= 1
        seat.began += 1
        self._plan(seat)

    # ---- a step ----

    def run(self, until_ns: Nanoseconds | None) -> Outcome:
        until = None if until_ns is None else until_ns * self.scale
        while until is None or self.now < until:
            late = [seat for seat in self.seats if seat.last is not None] if not self.evicts else []
            grown, waits = self._grow()
            came = self._admit()
            if not self.seats:
                if self.head is None:
                    break
                self.now = max(self.now, self.head.job.arrival_ns * self.scale)
                continue
            again = self._use(grown, came) if self.memory.taken < self.memory.wanted else 0
            self._pass(again, waits, [*came, *(seat for seat in late if seat.began >= 0)])
            self._end()
        return self._outcome()

    def _use(self, grown: list[_Seat], came: list[_Seat]) -> int:
        """Let every request use its pages; return how many came back from outside."""
        memory, new = self.memory, [*grown, *came]
        if memory.wanted <= memory.capacity:
            lacked = sum(memory.pages[seat.place] - memory.resident[seat.place] for seat in new)
            if lacked == memory.wanted - memory.taken:  # nobody else lacks a page, and there is a frame for each
                return sum(self._use_one(seat) for seat in new)
        return sum(self._use_one(seat) for seat in list(self.seats))

    def _use_one(self, seat: _Seat) -> int:
        taken = self.memory.taken
        used = self.memory.use(seat, seat.job.kind)
        if not used.missed:
            return 0
        share, kind = seat.share, seat.job.kind
        self.loaded += self.memory.taken - taken + sum(pages for _, pages in used.evicted)
        if seat.seen:  # it was emptied: what it had before is computed again
            new = max(0, seat.pages - seat.seen)
            share.fresh += new
            share.recomputed += used.missed - new
            seat.seen = 0
            return 0
        share.fresh += used.new
        share.forgotten += used.known
        share.unseated += used.unseated
        if used.lost:
            for other, lost in used.lost.items():
                share.lost_to[other] += lost
        for owner, pages in used.evicted:
            self.seats[owner].share.evicted_by[kind] += pages
        return used.again

    @implements("WL-3")
    def _pass(self, again: int, waits: Sequence[_Seat], special: Sequence[_Seat]) -> None:
        """Let the time of a step pass, and every request that does not wait give a token."""
        kv = self.server.kv
        took = (kv.weight_bytes + kv.token_bytes * self.stored) * self.byte_ticks + again * self.page_ticks
        late = self.next_slo is not None and took > self.next_slo
        for groups in self.groups:
            for group in groups:
                if group.there:
                    share = group.share
                    share.uses += group.pages
                    share.page_ticks += group.resident * took
                    share.tokens += group.there
                    if late:
                        share.next_late += group.there
        self.now += took
        for seat in waits:
            seat.share.tokens -= 1
            seat.share.uses -= seat.pages
        # Counted above as if their last token had come out with the step before.
        for seat in dict.fromkeys((*waits, *special)):
            seat.share.next_late -= late
        for seat in dict.fromkeys(seat for seat in special if seat not in waits):
            if seat.last is None:
                first = self.first_slo is not None and self.now - seat.job.arrival_ns * self.scale > self.first_slo
                seat.share.first_late += first
            else:
                seat.share.next_late += self.next_slo is not None and self.now - seat.last > self.next_slo
                seat.last = None
        self.most_taken = max(self.most_taken, self.memory.taken)

    def _end(self) -> None:
        """Let those go that have given their last token; the others hold a token more in the next step."""
        self.memory.end_round()
        for seat, began in self.ends.pop(self.step, ()):
            if seat.began == began:
                seat.share.done += 1
                self._part(seat)
        self.step += 1
        self.stored += len(self.seats)

    @implements("WL-1")
    def _outcome(self) -> Outcome:
        """Count who has not finished, and give the outcome."""
        left = self.memory.taken
        for seat in [*self.seats, *self.emptied]:
            seat.share.unfinished += 1
        while self.head is not None:
            self.head.share.unfinished += 1
            self._advance()
        end = Fraction(self.now, self.scale)
        return Outcome(
            self.rule,
            self.shares,
            end,
            self.step,
            self.most_taken,
            self.loaded,
            self.found,
            self.freed,
            left,
            self.scale,
        )


@implements("WL-1", "WL-2", "WL-3")
def serve(
    jobs: Iterator[Job],
    server: Server,
    rule: str,
    tenants: int,
    kinds: int,
    until_ns: Nanoseconds | None = None,
) -> Outcome:
    """Return what `rule` (a policy of eviction, or "preempt") makes of requests in order of arrival.

    Ends when all are done, or with the step in which `until_ns` comes.
    """
    return _Run(server, rule, jobs, tenants, kinds).run(until_ns)
