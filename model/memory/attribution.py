"""Attribution: which evictions and admissions a missed deadline comes from.

A batch decodes in rounds. In a round every request that is due uses all its pages; a page that was evicted before is
loaded again, over one link, and the tokens of the round come out when the last page is there. So a request can be late
through its own pages or through those of others. A cause is *removed* by running the same thing again without it:

* an eviction, by giving the load that forced it a frame of its own;
* an admission, by leaving that request out.

`attribute` returns a set of causes without which the deadline is kept, and of which none can be left out.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import attrs

from headgate.model.memory.eviction import POLICIES
from headgate.model.memory.residency import Pool
from headgate.spec.links import implements
from headgate.spec.units import Nanoseconds

__all__ = ["Causes", "Eviction", "Job", "Machine", "Miss", "Run", "Token", "attribute", "missed", "run", "smallest"]

Cause = TypeVar("Cause")


@attrs.frozen
class Job:
    """A request of an inference server.

    It comes with `prompt` pages, gives `tokens` tokens, one in every `period`-th round, and has a page more after
    every `growth` of them (0: never). The first token is due `ttft_ns` after arrival, any other `itl_ns` after the one
    before.
    """

    arrival_ns: Nanoseconds
    prompt: int
    tokens: int
    ttft_ns: Nanoseconds
    itl_ns: Nanoseconds
    period: int = 1
    growth: int = 0
    floor: int = 0


@attrs.frozen
class Machine:
    """Frames, the ns of a round without loads and of each page that is loaded again, the most requests at a time."""

    capacity: int
    compute_ns: Nanoseconds
    reload_ns: Nanoseconds
    slots: int
    policy: str = "lru"
    within: str = "lru"


@attrs.frozen
class Token:
    """A token: of which job, its number there, when it came out, when it was due."""

    job: int
    number: int
    at_ns: Nanoseconds
    due_ns: Nanoseconds


@attrs.frozen(order=True)
class Eviction:
    """In round `round` page `page` of job `owner` went, for page `loaded` of job `cause`, which it used for `token`.

    What says which eviction it is, in a run that goes another way, is the load: the job, its token and its page.
    """

    round: int
    cause: int
    token: int
    loaded: int
    owner: int
    page: int


@attrs.frozen
class Causes:
    """Evictions, and jobs that were admitted."""

    evictions: frozenset[Eviction] = frozenset()
    admissions: frozenset[int] = frozenset()


@attrs.frozen
class Miss:
    """A deadline that was missed: token `number` of job `job` (0: the first, whose deadline is from arrival)."""

    job: int
    number: int


@attrs.frozen
class Run:
    """What happened: the tokens in order, the evictions, when jobs were admitted, and how many loads were refused."""

    tokens: tuple[Token, ...]
    evictions: tuple[Eviction, ...]
    admitted_ns: dict[int, Nanoseconds]
    refused: int = 0


@attrs.define
class _Seat:
    """A job that is in the batch: its number in the pool, its pages, the tokens so far, and when the last came out."""

    job: int
    pool: int
    pages: int
    since_round: int
    tokens: int = 0
    last_ns: int = 0
    loaded: set[int] = attrs.field(factory=set)


class _Server:
    def __init__(self, jobs: Sequence[Job], machine: Machine, without: Causes) -> None:
        self.jobs, self.machine, self.pool = (
            jobs,
            machine,
            Pool(machine.capacity, POLICIES[machine.policy], machine.within),
        )
        self.spares = {(e.cause, e.token, e.loaded) for e in without.evictions}
        left = [k for k in range(len(jobs)) if k not in without.admissions]
        self.waiting = sorted(left, key=lambda k: (jobs[k].arrival_ns, k))
        self.seats: list[_Seat] = []
        self.tokens: list[Token] = []
        self.evictions: list[Eviction] = []
        self.admitted: dict[int, int] = {}
        self.now = self.round = self.refused = 0

    def run(self) -> Run:
        while self.waiting or self.seats:
            if not self.seats:
                self.now = max(self.now, self.jobs[self.waiting[0]].arrival_ns)
            self._admit()
            self._decode()
            self.round += 1
        return Run(tuple(self.tokens), tuple(self.evictions), self.admitted, self.refused)

    def _admit(self) -> None:
        while self.waiting and len(self.seats) < self.machine.slots:
            job = self.jobs[self.waiting[0]]
            if job.arrival_ns > self.now:
                break
            number = self.pool.join(job.floor, job.prompt)
            self.admitted[self.waiting[0]] = self.now
            self.seats.append(_Seat(self.waiting.pop(0), number, job.prompt, self.round, last_ns=job.arrival_ns))

    def _decode(self) -> None:
        due = [s for s in self.seats if (self.round - s.since_round) % self.jobs[s.job].period == 0]
        loads = sum(self._touch(seat) for seat in due)
        self.now += self.machine.compute_ns + self.machine.reload_ns * loads
        for seat in due:
            self._emit(seat)
        for seat in [s for s in self.seats if s.tokens == self.jobs[s.job].tokens]:
            self.pool.leave(seat.pool)
            self.seats.remove(seat)

    def _touch(self, seat: _Seat) -> int:
        """Use all pages of a request; return how many had to be loaded again (new ones are computed, not loaded)."""
        again = 0
        for page in range(seat.pages):
            spare = (seat.job, seat.tokens, page) in self.spares
            hit, gone = self.pool.touch(seat.pool, page, spare)
            again += not hit and page in seat.loaded
            self.refused += not hit and gone is None and page not in self.pool.pages_of(seat.pool)
            seat.loaded.add(page)
            if gone is not None:
                owner = self._job_of(gone.owner)
                self.evictions.append(Eviction(self.round, seat.job, seat.tokens, page, owner, gone.page))
        return again

    def _job_of(self, number: int) -> int:
        return next(seat.job for seat in self.seats if seat.pool == number)

    def _emit(self, seat: _Seat) -> None:
        job = self.jobs[seat.job]
        due = seat.last_ns + (job.ttft_ns if seat.tokens == 0 else job.itl_ns)
        self.tokens.append(Token(seat.job, seat.tokens, self.now, due))
        seat.tokens, seat.last_ns = seat.tokens + 1, self.now
        if job.growth and seat.tokens % job.growth == 0:
            seat.pages += 1
            self.pool.grow(seat.pool)


def run(jobs: Sequence[Job], machine: Machine, without: Causes | None = None) -> Run:
    """Return what a server does with `jobs`, without those causes; jobs are admitted by arrival, then by number."""
    return _Server(jobs, machine, without or Causes()).run()


def missed(result: Run) -> list[Miss]:
    """Return the deadlines that were missed, in the order in which they were."""
    return [Miss(token.job, token.number) for token in result.tokens if token.at_ns > token.due_ns]


@implements("SA-1", "SA-2", "SA-3")
def attribute(jobs: Sequence[Job], machine: Machine, miss: Miss, result: Run | None = None) -> Causes:
    """Return the causes of a deadline that was missed: without them it is kept, and none of them can be left out.

    Evictions are preferred: an admission is named only where no evictions explain the miss by themselves, that of the
    job itself last of all. `result` is the run, if the caller has it. ValueError, if that deadline was not missed.
    """
    result = result or run(jobs, machine)
    if miss not in missed(result):
        raise ValueError(f"expected a deadline that was missed, got token {miss.number} of job {miss.job}")
    at = next(t.at_ns for t in result.tokens if (t.job, t.number) == (miss.job, miss.number))
    others = [k for k, when in result.admitted_ns.items() if when <= at and k != miss.job]

    def explains(chosen: Sequence[Eviction | int]) -> bool:
        return miss not in missed(run(jobs, machine, _causes(chosen)))

    everything: list[Eviction | int] = [*others, *result.evictions]
    for candidates in (everything[len(others) :], everything):
        if explains(candidates):
            return _causes(smallest(candidates, explains))
    return _causes([miss.job])


def _causes(chosen: Sequence[Eviction | int]) -> Causes:
    evictions = frozenset(each for each in chosen if isinstance(each, Eviction))
    return Causes(evictions, frozenset(each for each in chosen if isinstance(each, int)))


def smallest(candidates: Sequence[Cause], holds: Callable[[Sequence[Cause]], bool]) -> list[Cause]:
    """Return a part of `candidates` for which `holds`, as it does for all of them, and for none with one less.

    What comes first is left out first. Large pieces are tried before small ones, since a try costs a run.
    """
    kept, size = list(candidates), len(candidates)
    while size >= 1:
        left_out = False
        start = 0
        while start < len(kept):
            fewer = kept[:start] + kept[start + size :]
            if holds(fewer):
                kept, left_out = fewer, True
            else:
                start += size
        if size > 1:
            size = (size + 1) // 2
        elif not left_out:
            break
    return kept
