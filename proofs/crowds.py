"""Searches for schedules in which a request at the head of its queue is passed over as often as a bound allows."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import z3

from headgate.model.arbiters import NO_STAMP, Policy, Tenants
from headgate.model.bounds import capped_bypass
from headgate.proofs.decoding import schedule_of
from headgate.proofs.lassos import Heading, Ticks
from headgate.proofs.symbolic import decide, lift
from headgate.proofs.table import Table, exact, largest_sizes, table
from headgate.proofs.theorem import Query
from headgate.spec.vocabulary import Request, Schedule

__all__ = ["capped_attack", "circle_attack", "share_attack"]

Attack = Callable[[Fraction], Query]
Bound = Callable[[Any, Any], Any]


def share_attack(
    policy: Policy, tenants: Tenants, requests: int, heading: tuple[str, str], bound: Bound, victim: int = 1
) -> Attack:
    """Return a search for requests of 1 or 2 bytes by equal tenants in which tenant 0 gets more than it should.

    It counts what is served of it while one request of `victim` waits at the head; `bound` is of the largest requests
    of victim and tenant 0. `heading` is clause and statement.
    """
    whole = (*heading, "arbiter", policy.name, "bypass")

    def attack(tighter: Fraction) -> Query:
        found = table(policy, tenants, requests, 2)
        largest = largest_sizes(found, 2)
        most = bound(largest[victim], largest[0])
        parameters = {
            "weights": (1,) * tenants.count, "priorities": tenants.priorities, "largest": (2,) * tenants.count,
            "peak": 1, "tenant": victim, "other": 0, "most": most, "tighter_by": tighter,
        }  # fmt: skip

        def decode(model: z3.ModelRef) -> Schedule:
            return schedule_of(model, whole, parameters, found.requests)

        over = _passes(found, victim, most - exact(tighter))
        smallest = (z3.Sum(found.sizes), found.arrivals[-1], *found.arrivals, *found.tenants, *found.sizes)
        return Query((*found.constraints, over), decode, smallest)

    return attack


def _passes(found: Table, victim: int, most: Any) -> Any:
    """Return whether tenant 0 gets more than `most` bytes while one request of the victim waits at the head."""
    cases = []
    turns = found.turns
    for first in range(len(turns)):
        waits, total = [], lift(0)
        for turn in turns[first:]:
            waits += [turn.waiting[victim], turn.tenant != victim]
            total = total + z3.If(turn.tenant == 0, turn.size, 0)
            cases.append(z3.And(*waits, total > most))
    return z3.Or(*cases)


def circle_attack(policy: Policy, count: int, heading: tuple[str, str]) -> Attack:
    """Return a search for the one of `count` tenants, all of which send one request at 0, that waits for all others."""
    whole = (*heading, "arbiter", policy.name, "bypass")

    def attack(tighter: Fraction) -> Query:
        tenants, victim = Tenants(count, tuple(range(count)), (0,) * count, (1,) * count), z3.Int("victim")
        most = count - 1
        parameters = {"weights": (1,) * count, "peak": 1, "tenant": victim, "most": most, "tighter_by": tighter}

        def decode(model: z3.ModelRef) -> Schedule:
            return schedule_of(model, whole, parameters, [(k, 0, 1) for k in range(count)])

        before = _turns_before(policy, tenants, victim)
        within = (victim >= 0, victim < count)
        return Query((*within, before > most - exact(tighter)), decode, (victim,))

    return attack


def _turns_before(policy: Policy, tenants: Tenants, victim: Any) -> Any:
    """Return how many are served before the victim, by the code's own select, while everybody has one request."""
    state, waiting = policy.start(tenants), [True] * tenants.count
    before, passed = [], lift(False)
    for _ in range(tenants.count):
        _, served, state = policy.select(state, tenants, (NO_STAMP,) * tenants.count, tuple(waiting))
        waiting = [waits and served != k for k, waits in enumerate(waiting)]
        passed = z3.Or(passed, victim == served)
        before.append(z3.If(passed, 0, 1))
    return z3.Sum(before)


def capped_attack(heading: Heading, cap: int) -> Attack:
    """Return a search for a request of tenant 0 that finds nobody before it, and is passed over `cap` times."""

    def attack(tighter: Fraction) -> Query:
        run = Ticks(heading, cap + 2)
        most = capped_bypass(0, cap)
        waits, cases = [number for number, slot in enumerate(run.slots) if slot.tenant == 0], []
        for number in waits:
            first = run.slots[number].tick
            alone = [z3.Not(run.ticks[first].queued[other]) for other in range(number)]
            late = run.ticks[first : first + most]
            cases.append(z3.And(run.slots[number].present, *alone, *(tick.served != 0 for tick in late),
                                len(late) > most - exact(tighter)))  # fmt: skip
        quiet = [z3.Sum([z3.If(run.slots[number].present, 1, 0) for number in waits]) == 1,
                 run.begin == run.count - 1, run.length == 1]  # fmt: skip
        plain = run.query(*quiet, z3.Or(*cases))

        def decode(model: z3.ModelRef) -> Schedule:
            requests = tuple(
                Request(slot.tenant, slot.tick, 1, int(decide(model, slot.row)))
                for slot in run.slots
                if decide(model, slot.present)
            )
            parameters = {"weights": (1, 1), "peak": 1, "tenant": 0, "most": most, "tighter_by": tighter}
            return Schedule(heading.clause, heading.statement, "arbiter", heading.policy.name, "bypass", parameters,
                            requests)  # fmt: skip

        return Query(plain.constraints, decode, plain.smallest)

    return attack
