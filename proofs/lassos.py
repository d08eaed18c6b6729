"""Searches for lassos: schedules of unit requests, tick by tick, that starve tenant 1 for ever.

In every tick (1 ns) each of two tenants sends nothing or up to `COPIES` requests of one byte, then
the policy's own stamp and select serve one. Prefix and loop are open, as is where the loop begins and how long it is.
What makes the loop one that repeats is what the replay checks on the exact rules (`headgate.model.lasso`).
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

import attrs
import z3

from headgate.model.algebra import where
from headgate.model.arbiters import NO_STAMP, Arrival, Policy, Stamp, Tenants
from headgate.model.arbiters.essay import EssayTag
from headgate.proofs.symbolic import decide, lift
from headgate.proofs.table import exact
from headgate.proofs.theorem import Query
from headgate.spec.vocabulary import Request, Schedule

__all__ = ["Heading", "Ticks", "behind_attack", "repeat_attack"]

VICTIM, COPIES = 1, 2
HALF = Fraction(1, 2)


@attrs.frozen
class Heading:
    """What a lasso is found for: clause, statement, policy, priorities, the largest memory row in use, the guarantees.

    Guarantees are in bytes per ns, of a channel of 1 byte a ns.
    """

    clause: str
    statement: str
    policy: Policy
    priorities: tuple[int, int] = (0, 0)
    last_row: int = 0
    guarantees: tuple[Fraction, Fraction] = (HALF, HALF)


@attrs.frozen
class _Slot:
    """A request that may be there: its tick, tenant, whether it is there, its row."""

    tick: int
    tenant: int
    present: Any
    row: Any


@attrs.frozen
class _Tick:
    """One tick: the state and who of the slots waits before what arrives; after it, who has a head; who is served."""

    before: Any
    queued: tuple[Any, ...]
    waiting: tuple[Any, ...]
    served: Any


class Ticks:
    """`count` ticks of a policy; `begin` and `length` of the loop are open."""

    def __init__(self, heading: Heading, count: int) -> None:
        self.heading, self.count = heading, count
        self.begin, self.length = z3.Ints("loop_from loop")
        self.slots = [self._slot(t, k, c) for t in range(count) for k in (0, 1) for c in range(COPIES)]
        self.constraints = [self.begin >= 0, self.length >= 1, self.end <= count, *self._domain(), *self._periodic()]
        self.tenants = Tenants(2, (0, 1), heading.priorities, (1, 1))
        self.state: Any = heading.policy.start(self.tenants)
        self.stamps: dict[int, Stamp] = {}
        self.served: list[Any] = [lift(False)] * len(self.slots)
        self.ticks = [self._tick(t) for t in range(count)]

    @property
    def end(self) -> Any:
        """Where the loop ends, in ns."""
        return self.begin + self.length

    def _slot(self, tick: int, tenant: int, copy: int) -> _Slot:
        name = f"{tick}_{tenant}_{copy}"
        return _Slot(tick, tenant, z3.Bool(f"sent{name}"), z3.Int(f"row{name}"))

    def _domain(self) -> list[Any]:
        rows = [z3.And(s.row >= 0, s.row <= z3.If(s.present, self.heading.last_row, 0)) for s in self.slots]
        pairs = zip(self.slots, self.slots[1:], strict=False)
        one_first = [z3.Implies(b.present, a.present) for a, b in pairs if (a.tick, a.tenant) == (b.tick, b.tenant)]
        return rows + one_first

    def _periodic(self) -> list[Any]:
        per_tick = 2 * COPIES
        return [
            z3.Implies(
                z3.And(self.length == length, self.begin + length <= slot.tick),
                z3.And(slot.present == earlier.present, slot.row == earlier.row),
            )
            for length in range(1, self.count)
            for slot, earlier in zip(self.slots[length * per_tick :], self.slots, strict=False)
        ]

    def _tick(self, tick: int) -> _Tick:
        before = self._named(tick)
        queued = tuple(self._queued(number, tick) for number in range(len(self.slots)))
        for number, slot in enumerate(self.slots):
            if slot.tick == tick:
                cost = exact(1 / self.heading.guarantees[slot.tenant])
                arrival = Arrival(lift(tick), lift(1), cost, lift(number), lift(0), slot.row)
                state, stamp = self.heading.policy.stamp(self.state, slot.tenant, arrival)
                self.state, self.stamps[number] = where(slot.present, state, self.state), stamp
        heads, waiting, which = zip(*(self._head(tenant, tick + 1) for tenant in (0, 1)), strict=True)
        _, chosen, self.state = self.heading.policy.select(self.state, self.tenants, heads, waiting)
        tenant, request = z3.Int(f"served{tick}"), z3.Int(f"request{tick}")
        self.constraints += [z3.Or(*waiting), tenant == chosen, request == where(tenant == 0, which[0], which[1])]
        self.served = [z3.Or(done, request == number) for number, done in enumerate(self.served)]
        return _Tick(before, queued, waiting, tenant)

    def _named(self, tick: int) -> Any:
        """Give the parts of the state names of their own, which keeps the terms small."""
        parts = []
        for field, value in attrs.asdict(self.state, recurse=False).items():
            named = z3.Int(f"{field}_{tick}")
            self.constraints.append(named == value)
            parts.append(named)
        self.state = type(self.state)(*parts)
        return self.state

    def _queued(self, number: int, tick: int) -> Any:
        """Return whether a slot has arrived before `tick` and is not served."""
        slot = self.slots[number]
        return z3.And(slot.present, z3.Not(self.served[number])) if slot.tick < tick else lift(False)

    def _head(self, tenant: int, tick: int) -> tuple[Stamp, Any, Any]:
        head, some, index = NO_STAMP, lift(False), lift(0)
        for number in reversed(range(len(self.slots))):
            if self.slots[number].tenant == tenant and self.slots[number].tick < tick:
                mine = self._queued(number, tick)
                head, index, some = (
                    where(mine, self.stamps[number], head),
                    where(mine, number, index),
                    z3.Or(mine, some),
                )
        return head, some, index

    # ---- questions ----

    def in_loop(self, slot: _Slot) -> Any:
        """Return whether a slot is a request of the first round."""
        return z3.And(slot.present, slot.tick >= self.begin, slot.tick < self.end)

    def sends(self, tenant: int, since: int = 0) -> Any:
        """Return how many requests of `tenant` a round has from tick `since` on."""
        own = [slot for slot in self.slots if slot.tenant == tenant and slot.tick >= since]
        return z3.Sum([z3.If(self.in_loop(slot), 1, 0) for slot in own])

    def query(self, *question: Any) -> Query:
        """Return the search for a lasso of which `question` holds."""
        there = [z3.And(slot.present, slot.tick < self.end) for slot in self.slots]
        bits = [z3.If(each, 1, 0) for each in there]
        rows = [z3.If(each, slot.row, 0) for each, slot in zip(there, self.slots, strict=True)]
        return Query(
            (*self.constraints, *question), self._decode, (z3.Sum(bits), self.length, self.begin, *bits, *rows)
        )

    def _decode(self, model: z3.ModelRef) -> Schedule:
        begin, length = (int(decide(model, term)) for term in (self.begin, self.length))
        heading = self.heading
        parameters = {
            "weights": heading.guarantees, "priorities": heading.priorities, "peak": 1, "tenant": VICTIM,
            "loop_from": begin, "loop": length,
        }  # fmt: skip
        requests = tuple(
            Request(slot.tenant, slot.tick, 1, int(decide(model, slot.row)))
            for slot in self.slots
            if slot.tick < begin + length and decide(model, slot.present)
        )
        return Schedule(
            heading.clause, heading.statement, "arbiter", heading.policy.name, "starvation", parameters, requests
        )


Attack = Callable[[Fraction], Query]


def repeat_attack(heading: Heading, ticks: int) -> Attack:
    """Return a search for a loop that leaves arbiter and queues as it found them, while the victim waits."""

    def attack(_: Fraction) -> Query:
        run = Ticks(heading, ticks)
        cases = [
            z3.And(run.begin == begin, run.length == length, _repeats(run, begin, begin + length))
            for begin in range(ticks)
            for length in range(1, ticks - begin)
        ]
        return run.query(z3.Or(*cases))

    return attack


def _repeats(run: Ticks, begin: int, end: int) -> Any:
    """The same state, and of the same slots of the victim some, and of nobody else any, wait at both ends."""
    first, last = run.ticks[begin], run.ticks[end]
    own = [number for number, slot in enumerate(run.slots) if slot.tenant == VICTIM]
    others = [number for number, slot in enumerate(run.slots) if slot.tenant != VICTIM]
    return z3.And(
        *_equal(first.before, last.before),
        z3.Or(*(first.queued[number] for number in own)),
        *(first.queued[number] == last.queued[number] for number in own),
        *(z3.Not(tick.queued[number]) for tick in (first, last) for number in others),
        *(tick.served != VICTIM for tick in run.ticks[begin:end]),
    )


def _equal(one: Any, other: Any) -> Iterator[Any]:
    pairs = zip(attrs.astuple(one), attrs.astuple(other), strict=True)
    return (lift(a) == lift(b) for a, b in pairs)


def behind_attack(heading: Heading, ticks: int) -> Attack:
    """Return a search for a loop that brings more work than it is long, and delays a victim that is in contract."""

    def attack(_: Fraction) -> Query:
        run = Ticks(heading, ticks)
        cases = [_falls_behind(run, first, count) for first in range(ticks) for count in range(2, ticks - first + 1)]
        return run.query(z3.Or(*cases), *_in_contract(run))

    return attack


def _falls_behind(run: Ticks, first: int, count: int) -> Any:
    """The `count` requests of a round are served from tick `first` on, and all who send them wait throughout."""
    own = run.ticks[first : first + count]
    prefix = [z3.Implies(slot.tick < run.begin, z3.Not(waits))
              for slot, waits in zip(run.slots, own[0].queued, strict=True)]  # fmt: skip
    shares = [z3.Sum([z3.If(tick.served == tenant, 1, 0) for tick in own]) == run.sends(tenant) for tenant in (0, 1)]
    after = run.ticks[first + count].before if first + count < run.count else run.state
    alike = [] if isinstance(after, EssayTag) else list(_equal(own[0].before, after))
    waiting = [lift(tick.waiting[tenant]) == (run.sends(tenant) > 0) for tick in own for tenant in (0, 1)]
    return z3.And(run.length < count, run.sends(0) + run.sends(1) == count, *prefix, *shares, *waiting, *alike,
                  *_by_arrival(run, first + count))  # fmt: skip


def _by_arrival(run: Ticks, until: int) -> list[Any]:
    """Of the essay's tag: up to tick `until` V is not ahead of an arrival, and never goes back."""
    if not isinstance(run.state, EssayTag):
        return []
    virtual = [tick.before.virtual for tick in run.ticks[:until]]
    sent = [z3.Or(*(slot.present for slot in run.slots if slot.tick == tick)) for tick in range(until)]
    not_ahead = [z3.Implies(some, at <= tick) for tick, (some, at) in enumerate(zip(sent, virtual, strict=True))]
    return [*not_ahead, *(a <= b for a, b in pairwise(virtual))]


def _in_contract(run: Ticks) -> list[Any]:
    """The victim sends in the loop alone, and its private channel is done with it as the loop ends."""
    silent = [z3.Not(z3.And(slot.present, slot.tick < run.begin)) for slot in run.slots if slot.tenant == VICTIM]
    own = run.heading.guarantees[VICTIM]
    left = [(run.end - tick) * own.numerator for tick in range(run.count)]
    drained = [run.sends(VICTIM, tick) * own.denominator <= most for tick, most in enumerate(left)]
    paced = [z3.Implies(run.sends(VICTIM, tick) > 0, done) for tick, done in enumerate(drained)]
    return [run.sends(VICTIM) >= 1, *silent, *paced]
