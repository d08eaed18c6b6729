"""Schedules that come close to a bound: how late a request of one tenant can be made, by what the others send.

Each construction fills the queue of a policy as badly for one tenant as its tags allow, and begins with a blackout. All
are run on the exact rules, and the worst is kept: it shows that the bound is not much too large, and nothing else. The
tenant itself keeps to its contract; the others send what they like, which is what the promise allows them. A bound
counts the blackouts at their mean rate and one more: where all that waits is served within one interval P between
blackouts of B, no schedule comes above P / (P + B) of it.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import attrs

from headgate.model.adversaries import (
    MOST_REQUESTS,
    Draft,
    Stage,
    bursts,
    can_be_replayed,
    crowds,
    due_before,
    floods,
    overtaken,
    turns,
)
from headgate.model.arbiters import ARBITERS
from headgate.model.replay import replay
from headgate.model.simulator import effective_rate_of, finish_time
from headgate.spec.units import ExactNs
from headgate.spec.vocabulary import Contract, Excess, Schedule

__all__ = ["CLOSE", "Reached", "run_draft", "why_not_closer", "witness"]

# The share of a bound from which a schedule counts as close to it.
CLOSE = Fraction(9, 10)
# Requests times tenants that all runs of an answer take together: a second or two.
MOST_WORK = 400_000


@attrs.frozen
class Reached:
    """A schedule, and how late it makes a request of the tenant."""

    schedule: Schedule
    late_ns: ExactNs


def witness(policy: str, stage: Stage, bound: ExactNs) -> Reached | None:
    """Return the schedule that makes a request of the tenant latest under `policy`; None where nothing can be run."""
    if policy not in ARBITERS:
        return None
    runs = [run_draft(policy, stage, bound, draft) for draft in _drafts(policy, stage)]
    latest = max(runs, key=lambda reached: reached.late_ns, default=None)
    return None if latest is None else _tightened(latest, bound)


def why_not_closer(policy: str, stage: Stage, bound: ExactNs, late: ExactNs) -> str:
    """Return why no schedule comes close to the bound; empty, where one does."""
    if late >= bound * CLOSE:
        return ""
    refresh = stage.server.refresh
    if refresh is not None:
        work = (bound - refresh.blackout) * effective_rate_of(stage.server)
        if late >= finish_time(stage.server, Fraction(0), work) * CLOSE:
            return "it counts blackouts at their mean rate, and what waits is served between few of them"
    if policy in ("early", "wf2q+"):
        count, most = due_before(stage), min(MOST_REQUESTS // 2, MOST_WORK // len(stage.contracts))
        if count > most:
            return f"{count} requests of others can be due before it, and those of at most {most} are tried"
        return "it counts a largest request of each other as due at once, and they come due one after the other"
    return f"of the schedules that were tried, of at most {MOST_REQUESTS} requests, none comes closer"


def _drafts(policy: str, stage: Stage) -> Iterator[Draft]:
    """Yield what can be run, for as long as the work lasts; what suits the policy comes first."""
    built = {"fcfs": (crowds, bursts), "drr": (turns, crowds, floods, overtaken)}
    built |= dict.fromkeys(("early", "wf2q+"), (crowds, overtaken, floods))
    drafts = (draft for drafts in built.get(policy, (crowds, floods, overtaken)) for draft in drafts(stage))
    left = MOST_WORK
    for draft in dict.fromkeys(drafts):
        work = len(draft.requests) * len(stage.contracts)
        if len(draft.requests) <= MOST_REQUESTS and work <= left and can_be_replayed(stage, draft):
            left -= work
            yield draft


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
