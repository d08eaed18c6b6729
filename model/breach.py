"""Schedules that break a latency: found by trying, one construction after the other, what policies are weak at.

Unlike those of `headgate.model.witness`, which show that a bound is not much too large, they need no bound: each is run
on the exact rules, under the contracts of everybody, and counts only if a request *in contract* is later than was
promised. That none is found proves nothing.
"""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

from headgate.model.adversaries import (
    MOST_REQUESTS,
    Draft,
    Stage,
    can_be_replayed,
    crowds,
    cut,
    dark_at,
    floods,
    overtaken,
    turns,
)
from headgate.model.arbiters import ARBITERS
from headgate.model.simulator import effective_rate_of
from headgate.model.witness import Reached, run_draft
from headgate.spec.units import ExactNs
from headgate.spec.vocabulary import Excess, Request

__all__ = ["breach"]

# The policies that let a backlog go first, whoever sent it.
EXPOSED = ("fcfs", "fr-fcfs", "fr-fcfs-cap", "priority", "essay", "vtc-no-lift")


def breach(policy: str, stage: Stage, latency: ExactNs, most: int = MOST_REQUESTS) -> Reached | None:
    """Return the first schedule that makes a request in contract more than `latency` ns late after it is expected.

    Where none does, the latest of those that were tried; None where nothing can be run. Schedules of more than `most`
    requests are passed over.
    """
    latest: Reached | None = None
    for draft in _drafts(policy, stage, latency) if policy in ARBITERS else ():
        if 0 < len(draft.requests) <= most and can_be_replayed(stage, draft):
            reached = run_draft(policy, stage, latency, draft)
            if reached.late_ns > latency:
                return reached
            if latest is None or reached.late_ns > latest.late_ns:
                latest = reached
    return latest


def _drafts(policy: str, stage: Stage, latency: ExactNs) -> Iterator[Draft]:
    yield from crowds(stage)
    yield from _behind_excess(stage)
    yield from _overloads(stage, latency)
    if policy in EXPOSED:
        yield from _pours(stage, latency)
        yield from _surges(stage, latency)
    else:
        yield from floods(stage)
        yield from overtaken(stage)
        yield from turns(stage) if policy == "drr" else ()


# ---- excess ----


def _behind_excess(stage: Stage) -> Iterator[Draft]:
    """Yield everybody's largest request at once, behind a background request of one of them.

    It is excess because it comes a ns before the tenant's peak bucket is full again; the next one is in contract.
    """
    senders = [n for n in stage.others if stage.contracts[n].excess is Excess.BACKGROUND]
    largest = max(senders, key=stage.size, default=None)
    if largest is None or stage.size(largest) <= stage.background:
        return
    size = stage.size(largest)
    full = math.ceil(size / stage.contracts[largest].burst_bytes_per_ns)
    begin = (Request(largest, 0, size), Request(largest, full - 1, size))
    rest = [Request(number, full, stage.size(number)) for number in stage.others]
    own, offset = stage.size(stage.victim), dark_at(stage.server.refresh, full - 1)
    yield Draft((*begin, *rest, Request(stage.victim, full, own)), offset)
    later = full + math.ceil(1 / stage.rate(stage.victim))
    yield Draft((*begin, Request(stage.victim, full, 1), *rest, Request(stage.victim, later, own)), offset)


def _pours(stage: Stage, latency: ExactNs) -> Iterator[Draft]:
    """Yield excess in line, all at once: first come, first served and strict priority let it go before the tenant's.

    Those who may send it are taken together, then the one of the best priority and the one with the largest requests.
    """
    senders = [n for n in stage.others if stage.contracts[n].excess is Excess.IN_LINE]
    if not senders:
        return
    best = min(senders, key=lambda number: stage.contracts[number].priority)
    groups = {tuple(senders), (best,), (max(senders, key=stage.size),)}
    total = math.ceil(latency * stage.server.peak_bytes_per_ns) + stage.size(stage.victim)
    for group in sorted(groups, key=len, reverse=True):
        each = -(-total // len(group))
        if sum(each // stage.size(number) for number in group) > MOST_REQUESTS:
            continue
        poured = [request for number in group for request in cut(number, each, stage.size(number))]
        yield Draft((*poured, Request(stage.victim, 1, stage.size(stage.victim))))


# ---- everybody in contract ----


def _surges(stage: Stage, latency: ExactNs) -> Iterator[Draft]:
    """Yield bursts of the others, all in contract: of everybody, and of those with a better priority.

    They last until their backlog takes longer than the latency to serve, or until a burst ends.
    """
    rate = effective_rate_of(stage.server)
    own = stage.own.priority
    better = [n for n in stage.others if stage.contracts[n].priority < own]
    for group in (stage.others, better):
        surplus = sum((stage.contracts[n].burst_bytes_per_ns for n in group), Fraction(0)) - rate
        if surplus <= 0:
            continue
        short = latency * rate - sum(stage.size(number) for number in group)
        for factor in (1, 2):
            until = max(1, math.ceil(short / surplus) * factor)
            yield from _sent(stage, until, [(n, stage.contracts[n].burst_bytes_per_ns) for n in group])


def _overloads(stage: Stage, latency: ExactNs) -> Iterator[Draft]:
    """Yield guarantees that the server has not, sent by all, until it is behind by the latency."""
    rate = effective_rate_of(stage.server)
    missing = sum((c.guaranteed_bytes_per_ns for c in stage.contracts), Fraction(0)) - rate
    if missing <= 0:
        return
    for factor in (1, 2):
        until = math.ceil(factor * latency * rate / missing) + 1
        yield from _sent(stage, until, [(n, stage.rate(n)) for n in stage.others], is_steady=True)


def _sent(
    stage: Stage, until: int, senders: Sequence[tuple[int, Fraction]], is_steady: bool = False
) -> Iterator[Draft]:
    """Yield the largest requests of `senders`, each at its rate; the tenant sends one at the end, or all along."""
    senders = [*senders, (stage.victim, stage.rate(stage.victim))] if is_steady else senders
    ends = {n: until if is_steady else min(until, math.floor(stage.contracts[n].burst_duration_ns)) for n, _ in senders}
    counts = {n: math.floor(ends[n] * rate / stage.size(n)) + 1 for n, rate in senders}
    if sum(counts.values()) >= MOST_REQUESTS:
        return
    sent = [
        Request(number, math.ceil(k * stage.size(number) / rate), stage.size(number))
        for number, rate in senders
        for k in range(counts[number])
    ]
    sent += [] if is_steady else [Request(stage.victim, until, stage.size(stage.victim))]
    yield Draft(tuple(sorted(sent, key=lambda request: request.arrival_ns)))
