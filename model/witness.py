"""Schedules that come close to a bound: how late a request of one tenant can be made, by what the others send.

Each construction fills the queue of a policy as badly for one tenant as its tags allow, and begins with a blackout. All
are run on the exact rules, and the worst is kept: it shows that the bound is not much too large, and nothing else. The
tenant itself keeps to its contract; the others send what they like, which is what the promise allows them. Where all
that waits is served within one interval P between blackouts of B, no schedule comes above P / (P + B) of a bound, which
counts the blackouts at their mean rate and one more.
"""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import attrs

from headgate.model.arbiters import ARBITERS
from headgate.model.refresh import Refresh
from headgate.model.replay import replay
from headgate.model.simulator import Server, finish_time
from headgate.spec.units import ExactNs
from headgate.spec.vocabulary import Contract, Excess, Request, Schedule

__all__ = ["MOST_REQUESTS", "Draft", "Reached", "Stage", "crowds", "cut", "dark_at", "floods", "run_draft", "witness"]

# Exact runs of more requests than this take too long for an answer at a terminal.
MOST_REQUESTS = 5000
ROUNDS = 3


@attrs.frozen
class Reached:
    """A schedule, and how late it makes a request of the tenant."""

    schedule: Schedule
    late_ns: ExactNs


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


def witness(policy: str, stage: Stage, bound: ExactNs) -> Reached | None:
    """Return the schedule that makes a request of the tenant latest under `policy`; None where nothing can be run."""
    if policy not in ARBITERS:
        return None
    runs = [run_draft(policy, stage, bound, draft) for draft in _drafts(policy, stage)]
    latest = max(runs, key=lambda reached: reached.late_ns, default=None)
    return None if latest is None else _tightened(latest, bound)


def _drafts(policy: str, stage: Stage) -> Iterator[Draft]:
    drafts = [*crowds(stage), *(floods(stage) if policy != "fcfs" else _bursts(stage))]
    yield from (draft for draft in drafts if len(draft.requests) <= MOST_REQUESTS)


def run_draft(policy: str, stage: Stage, latency: ExactNs, draft: Draft) -> Reached:
    """Return how late the draft makes a request of the tenant, with a schedule that claims more than `latency` ns."""
    schedule = _schedule(policy, stage, latency, draft)
    return Reached(schedule, replay(schedule).observed)


def _tightened(reached: Reached, bound: ExactNs) -> Reached:
    """Return what was reached with a bound so much tighter that the schedule is beyond it.

    That is as much as the run shows, or a tenth where it shows more than nine.
    """
    late = reached.late_ns
    tighter = bound / 10 if late * 10 > bound * 9 else bound - late * Fraction(99, 100)
    parameters = {**reached.schedule.parameters, "tighter_by": tighter}
    return Reached(attrs.evolve(reached.schedule, parameters=parameters), late)


def _schedule(policy: str, stage: Stage, bound: ExactNs, draft: Draft) -> Schedule:
    extra = 1 if stage.background else 0
    refresh = stage.server.refresh
    parameters: dict[str, object] = {
        "weights": [c.guaranteed_bytes_per_ns for c in stage.contracts] + [Fraction(1)] * extra,
        "priorities": [*_ranks(stage.contracts), *[0] * extra],
        "largest": [c.max_request_bytes for c in stage.contracts] + [stage.background] * extra,
        "best_effort": [0] * len(stage.contracts) + [1] * extra,
        "peak": stage.server.peak_bytes_per_ns,
        "tenant": stage.victim,
        "latency": bound,
    }
    if stage.policed:
        parameters |= _policing(stage, extra)
    if refresh is not None:
        parameters |= {"interval": refresh.interval, "blackout": refresh.blackout, "offset": draft.offset}
    return Schedule(
        clause="PR-3",
        statement=f"How late a request of tenant {stage.victim} can be made that keeps to its contract.",
        mechanism="arbiter",
        rule=policy,
        claim="late",
        parameters=parameters,
        requests=draft.requests,
        name=f"late-{policy}",
    )


def _ranks(contracts: Sequence[Contract]) -> list[int]:
    """Return the priorities, counted from 0 without gaps: only their order counts, and schedules hold them up to 99."""
    known = sorted({contract.priority for contract in contracts})
    return [min(99, known.index(contract.priority)) for contract in contracts]


def _policing(stage: Stage, extra: int) -> dict[str, object]:
    return {
        "burst_rates": [c.burst_bytes_per_ns for c in stage.contracts] + [Fraction(1)] * extra,
        "burst_durations": [c.burst_duration_ns for c in stage.contracts] + [Fraction(0)] * extra,
        "excess": [c.excess.value for c in stage.contracts] + [Excess.BACKGROUND.value] * extra,
    }


# ---- constructions ----


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
    costs = {number: stage.size(number) / stage.rate(number) for number in others}
    last = max(others, key=lambda number: costs[number])
    ahead = {n: math.floor(costs[last] * stage.rate(n)) - stage.size(n) + 1 for n in others if n != last}
    if sum(size / stage.size(number) for number, size in ahead.items()) > MOST_REQUESTS:
        return
    flood = [request for number in others for request in cut(number, ahead.get(number, 0), stage.size(number))]
    flood += [Request(number, 0, stage.size(number)) for number in others]
    for number in others:
        flood += cut(number, math.floor(stage.size(stage.victim) / own * stage.rate(number)), stage.size(number))
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


def cut(number: int, total: int, size: int) -> list[Request]:
    """Return requests of at most `size` bytes that make up `total`."""
    whole, rest = divmod(total, size)
    return [Request(number, 0, size)] * whole + ([Request(number, 0, rest)] if rest else [])


def dark_at(refresh: Refresh | None, now: int) -> Fraction:
    """Return how long before 0 the last blackout begins, so that one begins at `now`."""
    return Fraction(0) if refresh is None else -now % Fraction(refresh.interval)


def _bursts(stage: Stage) -> Iterator[Draft]:
    """All others send a full burst, and the tenant one request at the end of it."""
    for end in sorted({stage.contracts[number].burst_duration_ns for number in stage.others}):
        now = math.ceil(end)
        sent: list[Request] = []
        for number in stage.others:
            contract = stage.contracts[number]
            times = min(now, math.floor(contract.burst_duration_ns)) * contract.burst_bytes_per_ns
            if len(sent) + times / stage.size(number) > MOST_REQUESTS:
                return
            count = math.floor(times / stage.size(number)) + 1
            apart = stage.size(number) / contract.burst_bytes_per_ns
            sent += [Request(number, math.ceil(k * apart), stage.size(number)) for k in range(count)]
        sent.sort(key=lambda request: request.arrival_ns)
        yield Draft(
            (*sent, Request(stage.victim, max(now, sent[-1].arrival_ns if sent else 0), stage.size(stage.victim)))
        )
