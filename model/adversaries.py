"""Constructions of schedules that make one tenant late: what the others send, and when, to each kind of policy.

Each fills the queue of a policy as badly for one tenant as its tags or turns allow, and begins with a blackout. The
tenant itself keeps to its contract; the others send what they like. They are run, and judged, elsewhere.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import attrs

from headgate.model.arbiters.drr import quanta_for
from headgate.model.bounds import pieces
from headgate.model.refresh import Refresh, served_by
from headgate.model.replay.given import MOST_STEPS
from headgate.model.simulator import Server, finish_time
from headgate.spec.reading import LARGEST
from headgate.spec.vocabulary import Contract, Excess, Request

__all__ = [
    "MOST_REQUESTS",
    "Draft",
    "Stage",
    "bursts",
    "can_be_replayed",
    "crowds",
    "cut",
    "dark_at",
    "due_before",
    "floods",
    "overtaken",
    "turns",
]

# Exact runs of more requests than this take too long for an answer at a terminal.
MOST_REQUESTS = 5000
ROUNDS = 3
# In so many small requests a tenant sends what keeps a server busy until its largest is due.
SMALL = 40
# Parts of the others' costs that are tried as the cost of a request, and how many of them.
PARTS = (Fraction(2, 3), Fraction(1, 3))
MOST_COSTS = 8


@attrs.frozen
class Stage:
    """What a construction works with: the tenants that were promised something, the background, the server.

    `background` is the largest background request (0: there is none); it is sent by a tenant of its own, the last.
    Where `policed`, what the others send in excess becomes what their own contracts make of it; else it is in line.
    """

    contracts: tuple[Contract, ...]
    victim: int
    background: int
    server: Server
    policed: bool = False

    @staticmethod
    def of(contracts: Sequence[Contract], victim: Contract, server: Server, policed: bool = False) -> "Stage":
        """Return the stage of a contract file."""
        promised = tuple(c for c in contracts if not c.best_effort)
        behind = [c for c in contracts if c.best_effort or (c.excess is Excess.BACKGROUND and not policed)]
        number = next(n for n, contract in enumerate(promised) if contract is victim)
        return Stage(promised, number, max((c.max_request_bytes for c in behind), default=0), server, policed)

    @property
    def own(self) -> Contract:
        """The contract of the tenant that is to be late."""
        return self.contracts[self.victim]

    @property
    def others(self) -> list[int]:
        """The numbers of the others."""
        return [number for number in range(len(self.contracts)) if number != self.victim]

    def size(self, number: int) -> int:
        """Return the largest request of a tenant, or of the background."""
        return self.contracts[number].max_request_bytes if number < len(self.contracts) else self.background

    def rate(self, number: int) -> Fraction:
        """Return the guarantee of a tenant."""
        return self.contracts[number].guaranteed_bytes_per_ns


@attrs.frozen
class Draft:
    """A construction: requests, and how long before 0 the last blackout began."""

    requests: tuple[Request, ...]
    offset: Fraction = Fraction(0)


def can_be_replayed(stage: Stage, draft: Draft) -> bool:
    """Return whether a schedule file can hold the draft, and its backlog is no longer than a replay may take."""
    refresh = stage.server.refresh
    up = None if refresh is None else served_by(stage.server.peak_bytes_per_ns, refresh)
    is_long = up is not None and sum(request.bytes for request in draft.requests) > up * MOST_STEPS
    return not is_long and all(request.arrival_ns <= LARGEST for request in draft.requests)


# ---- by start tags and finish tags ----


def crowds(stage: Stage) -> Iterator[Draft]:
    """Yield everybody's largest request at once, behind one that is just in service.

    A byte sent before puts the tenant's start tag behind those of the others, whoever wins a tie.
    """
    cover = len(stage.contracts) if stage.background else max(stage.others, key=stage.size, default=None)
    rest = [Request(number, 1, stage.size(number)) for number in stage.others if number != cover]
    begin = [] if cover is None else [Request(cover, 0, stage.size(cover))]
    own = stage.size(stage.victim)
    yield Draft((*begin, *rest, Request(stage.victim, 1, own)))
    later = 1 + math.ceil(1 / stage.rate(stage.victim))
    yield Draft((*begin, Request(stage.victim, 1, 1), *rest, Request(stage.victim, later, own)))


def floods(stage: Stage) -> Iterator[Draft]:
    """Yield backlogs of all others whose heads have just passed the finish tag in service, which one more tenant sets.

    The others are then served for as long as their tags are below that of the tenant's request, l / g ahead.
    """
    others, own = stage.others, stage.rate(stage.victim)
    if not others:
        return
    costs = {number: _cost(stage, number) for number in others}
    last = max(others, key=lambda number: costs[number])
    ahead = {n: math.floor(costs[last] * stage.rate(n)) - stage.size(n) + 1 for n in others if n != last}
    paid = {number: math.floor(stage.size(stage.victim) / own * stage.rate(number)) for number in others}
    if sum(pieces(ahead.get(n, 0), stage.size(n)) + pieces(paid[n], stage.size(n)) for n in others) > MOST_REQUESTS:
        return
    flood = [request for number in others for request in cut(number, ahead.get(number, 0), stage.size(number))]
    flood += [Request(number, 0, stage.size(number)) for number in others]
    for number in others:
        flood += cut(number, paid[number], stage.size(number))
    # The heads are at most a byte of theirs past the tag in service: so many bytes of its own put the tenant past them.
    first = 1 + math.ceil(own * max(1 / stage.rate(number) for number in others))
    offset = Fraction(0)
    for _ in range(ROUNDS):
        start = finish_time(attrs.evolve(stage.server, offset_ns=offset), Fraction(0), sum(ahead.values()))
        arrival = math.floor(start) + 1
        later = arrival + math.ceil(first / own)
        own_requests = (Request(stage.victim, arrival, first), Request(stage.victim, later, stage.size(stage.victim)))
        if first <= stage.size(stage.victim):
            yield Draft((*flood, *own_requests), offset)
        offset = dark_at(stage.server.refresh, arrival)


def cut(number: int, total: int, size: int, arrival: int = 0) -> list[Request]:
    """Return requests of at most `size` bytes that make up `total`, all at `arrival`."""
    whole, rest = divmod(total, size)
    return [Request(number, arrival, size)] * whole + ([Request(number, arrival, rest)] if rest else [])


def dark_at(refresh: Refresh | None, now: int) -> Fraction:
    """Return how long before 0 the last blackout begins, so that one begins at `now`."""
    return Fraction(0) if refresh is None else -now % Fraction(refresh.interval)


# ---- by deadlines ----


def overtaken(stage: Stage) -> Iterator[Draft]:
    """Yield a request that has just begun, and behind it all that can be due before that of the tenant.

    That is, of each of the others, less than L g' / g bytes, L the tenant's largest request; but for the one that has
    begun, which is due later. It is sent in requests as large as they come, in small ones with a largest when the
    server runs out of them, or in such as are due equally often.
    """
    window = stage.size(stage.victim) / stage.rate(stage.victim)
    gains = {number: stage.size(number) - window * stage.rate(number) for number in stage.others}
    first = max(gains, key=lambda number: gains[number], default=None)
    begun: list[int | None] = [None]
    begun += [first] if first is not None and gains[first] > 0 else []
    begun += [len(stage.contracts)] if stage.background else []
    for blocker in begun:
        arrival = 0 if blocker is None else 1
        begin = [] if blocker is None else [Request(blocker, 0, stage.size(blocker))]
        due = {n: math.ceil(window * stage.rate(n)) - 1 for n in stage.others if n != blocker}
        own = Request(stage.victim, arrival, stage.size(stage.victim))
        fitted = _fitted(stage, due)
        until = _runs_out(stage, 0 if blocker is None else stage.size(blocker))
        drafts = [{number: cut(number, total, stage.size(number)) for number, total in fitted.items()}]
        drafts += [_largest_last(stage, fitted, until)] if until else []
        costs = {_cost(stage, number) * part for number in fitted for part in PARTS}
        alike = (_alike(stage, fitted, cost) for cost in sorted(costs)[-MOST_COSTS:])
        drafts += [sizes for sizes in alike if sizes is not None]
        for sizes in drafts:
            sent = [attrs.evolve(request, arrival_ns=arrival) for each in sizes.values() for request in each]
            yield Draft((*begin, *sent, own))


def due_before(stage: Stage) -> int:
    """Return how many requests, as large as they come, the others can have due before the tenant's largest."""
    window = _cost(stage, stage.victim)
    return sum(pieces(math.ceil(window * stage.rate(number)), stage.size(number)) for number in stage.others)


def _cost(stage: Stage, number: int) -> Fraction:
    return stage.size(number) / stage.rate(number)


def _runs_out(stage: Stage, before: int) -> Fraction:
    """Return when the server runs out of `before` bytes, of what was sent in a blackout, and of the others' guarantees.

    Forever, here 0, where the guarantees are all that it serves.
    """
    refresh, peak = stage.server.refresh, stage.server.peak_bytes_per_ns
    spare = peak - sum(stage.rate(number) for number in stage.others)
    return (before + (0 if refresh is None else peak * refresh.blackout)) / spare if spare > 0 else Fraction(0)


def _largest_last(stage: Stage, totals: dict[int, int], until: Fraction) -> dict[int, list[Request]]:
    """Return small requests that keep the server busy, and largest ones that are due just before it runs out."""
    drafts: dict[int, list[Request]] = {}
    for number, total in totals.items():
        size = stage.size(number)
        small = min(math.floor(until * stage.rate(number) * (SMALL - 1) / SMALL), max(0, total - size))
        drafts[number] = [*cut(number, small, max(1, min(size, small // SMALL))), *cut(number, total - small, size)]
    return drafts


def _alike(stage: Stage, totals: dict[int, int], cost: Fraction) -> dict[int, list[Request]] | None:
    """Return requests of at most one cost, so that nobody's leave a gap that the others cannot fill.

    None where they are too many.
    """
    sizes = {n: max(1, min(stage.size(n), math.floor(cost * stage.rate(n)))) for n in totals}
    if sum(pieces(total, sizes[number]) for number, total in totals.items()) > MOST_REQUESTS:
        return None
    return {number: cut(number, total, sizes[number]) for number, total in totals.items()}


def _fitted(stage: Stage, totals: dict[int, int]) -> dict[int, int]:
    """Return `totals`, in bytes, cut down where they would take too many requests; the fewest requests come first."""
    left, fitted = MOST_REQUESTS // 2, {}
    for number in sorted(totals, key=lambda number: totals[number] / Fraction(stage.size(number))):
        fitted[number] = min(totals[number], max(0, left) * stage.size(number))
        left -= -(-fitted[number] // stage.size(number))
    return {number: fitted[number] for number in totals}


# ---- by turns ----


def turns(stage: Stage) -> Iterator[Draft]:
    """Yield others whose turns under deficit round robin are all to come, with the deficits of all but one request.

    The tenant comes when the first of these turns has begun, with a request for its own first turn, or with one more
    byte before it than that pays for.
    """
    weights = tuple(contract.guaranteed_bytes_per_ns for contract in stage.contracts)
    quanta = quanta_for(weights, tuple(contract.max_request_bytes for contract in stage.contracts))
    for count in (1, 2):
        own = _own_turns(stage, quanta[stage.victim], count)
        if own is not None and stage.others:
            yield from _leftover(stage, quanta, own, count)
        if own is not None and stage.background:
            begin = Request(len(stage.contracts), 0, stage.background)
            sent = {number: math.floor(quanta[number] * count) for number in stage.others}
            flood = [
                request
                for number, total in _fitted(stage, sent).items()
                for request in cut(number, total, stage.size(number), 1)
            ]
            yield Draft((begin, *flood, *(attrs.evolve(request, arrival_ns=1) for request in own)))


def _own_turns(stage: Stage, quantum: Fraction, count: int) -> list[Request] | None:
    """Return the tenant's requests, the last of which is served in its turn `count`; None where they are too many."""
    size = stage.size(stage.victim)
    before = 0 if count == 1 else math.floor(quantum) - size + 1
    if before > MOST_REQUESTS // 4 * size:
        return None
    return [*cut(stage.victim, before, size), Request(stage.victim, 0, size)]


def _leftover(stage: Stage, quanta: Sequence[Fraction], own: list[Request], count: int) -> Iterator[Draft]:
    totals = {number: math.floor(quanta[number]) * (count + 1) + stage.size(number) for number in stage.others}
    whole = [number for number, fitted in _fitted(stage, totals).items() if fitted == totals[number]]
    flood: list[Request] = []
    spent: dict[int, int] = {}
    for number in whole:
        size, quantum = stage.size(number), quanta[number]
        spent[number] = math.floor(quantum) - size + 1
        left = math.floor(quantum * (count + 1)) - spent[number]
        flood += [*cut(number, spent[number], size), Request(number, 0, size), *cut(number, left - size, size)]
    offset = Fraction(0)
    for _ in range(ROUNDS):
        start = finish_time(attrs.evolve(stage.server, offset_ns=offset), Fraction(0), sum(spent.values()))
        arrival = math.floor(start) + 1
        yield Draft((*flood, *(attrs.evolve(request, arrival_ns=arrival) for request in own)), offset)
        offset = dark_at(stage.server.refresh, arrival)


# ---- in one queue ----


def bursts(stage: Stage) -> Iterator[Draft]:
    """Yield the full bursts of all others, behind a background request, and the tenant's request at an end of one.

    Until then the tenant sends nothing, or all that its guarantee pays for.
    """
    begin = [Request(len(stage.contracts), 0, stage.background)] if stage.background else []
    for end in sorted({Fraction(0), *(stage.contracts[number].burst_duration_ns for number in stage.others)}):
        last = math.ceil(end)
        sent: list[Request] = []
        counts = (_sent_by(stage.contracts[n], Fraction(last)) // stage.size(n) for n in stage.others)
        if any(count > MOST_REQUESTS for count in itertools.accumulate(counts)):
            return
        for number in stage.others:
            sent += _burst(number, stage.contracts[number], last)
        own, size = stage.rate(stage.victim), stage.size(stage.victim)
        steps = math.floor(last * own / size)
        paced = [Request(stage.victim, math.ceil(k * size / own), size) for k in range(min(steps, MOST_REQUESTS))]
        for before in ([], paced) if paced else ([],):
            moved = [attrs.evolve(r, arrival_ns=r.arrival_ns + len(begin)) for r in (*sent, *before)]
            moved.sort(key=lambda request: request.arrival_ns)
            now = max(last, math.ceil(len(before) * size / own)) + len(begin)
            yield Draft((*begin, *moved, Request(stage.victim, now, size)))


def _sent_by(contract: Contract, now: Fraction) -> Fraction:
    g, p, d = contract.guaranteed_bytes_per_ns, contract.burst_bytes_per_ns, contract.burst_duration_ns
    return min(p * now, (p - g) * d + g * now)


def _burst(number: int, contract: Contract, last: int) -> list[Request]:
    """Return the tenant's largest requests from 0 to `last`, as soon as shaping lets them through."""
    g, p, d = contract.guaranteed_bytes_per_ns, contract.burst_bytes_per_ns, contract.burst_duration_ns
    size = contract.max_request_bytes
    count = math.floor(_sent_by(contract, Fraction(last)) / size) + 1
    times = (max(k * size / p, (k * size - (p - g) * d) / g) for k in range(count))
    return [Request(number, math.ceil(time), size) for time in times]
