"""Theorems on eviction in counts: frames, pins, floors and max-min shares, whatever the score of the policy.

Most steps run the code's own `load` with a key of its own for every request, any number: what is shown holds for every
score. What is claimed for any number of requests follows one of them, or two, and the rest as an aggregate.
"""

from collections.abc import Sequence
from typing import Any

import attrs
import z3

from headgate.model.algebra import choose, same
from headgate.model.memory import eviction, sharing
from headgate.model.memory.eviction import POLICIES, Claims, Holdings, Loaded, Policy
from headgate.model.memory.sharing import SharedPage
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Obligation, Theorem

__all__ = ["THEOREMS"]

COUNTS = range(2, 17)


@attrs.frozen
class _Memory:
    """A memory of `count` requests, of which `who` asks for a page; every number is open."""

    state: Holdings
    claims: Claims
    capacity: Any
    who: Any
    keys: tuple[Any, ...]

    def policy(self, floored: bool) -> Policy:
        return Policy("any score", lambda *_: self.keys, floored)

    def load(self, policy: Policy) -> tuple[Loaded, Holdings]:
        return eviction.load(self.state, self.capacity, self.claims, self.who, policy, self.keys)


def _memory(count: int) -> _Memory:
    def ints(name: str) -> tuple[Any, ...]:
        return tuple(z3.Ints([f"{name}{k}" for k in range(count)]))

    keys = tuple(z3.Reals([f"key{k}" for k in range(count)]))
    claims = Claims(ints("floor"), ints("total"))
    return _Memory(Holdings(ints("resident"), ints("held")), claims, z3.Int("capacity"), z3.Int("who"), keys)


def _sound(state: Holdings, capacity: Any) -> Any:
    return invariant(
        "memory",
        within_capacity=lift(eviction.total(state.resident)) <= capacity,
        held_is_resident=z3.And(*(z3.And(lift(h) >= 0, lift(h) <= r) for h, r in _pairs(state))),
    )


def _pairs(state: Holdings) -> list[tuple[Any, Any]]:
    return list(zip(state.held, state.resident, strict=True))


def _domain(memory: _Memory) -> tuple[Any, ...]:
    count = len(memory.keys)
    floors = (*(f >= 0 for f in memory.claims.floors), sum(memory.claims.floors) <= memory.capacity)
    return (memory.capacity >= 1, memory.who >= 0, memory.who < count, *floors)


# ---- frames and pins ----


def _capacity() -> list[Obligation]:
    steps = [_capacity_step(count) for count in COUNTS]
    memory = _memory(2)
    first = Obligation("at first", (memory.capacity >= 1,), _sound(eviction.empty(2), memory.capacity))
    return [first, *steps, *_other_steps()]


def _capacity_step(count: int) -> Obligation:
    memory = _memory(count)
    loaded, after = memory.load(memory.policy(floored=True))
    state, before, there = memory.state, choose(memory.who, memory.state.resident), choose(memory.who, after.resident)
    lost = choose(loaded.owner, state.resident) + z3.If(lift(same(loaded.owner, memory.who)), 1, 0)
    goal = z3.And(
        _sound(after, memory.capacity),
        # what goes is neither pinned nor in flight, and the page that came in is in flight
        z3.Implies(loaded.evicted, lost > choose(loaded.owner, after.held)),
        z3.Or(loaded.refused, choose(memory.who, after.held) == choose(memory.who, state.held) + 1),
        z3.Implies(z3.Not(z3.Or(loaded.evicted, loaded.refused)), there == before + 1),
        # a frame is taken from somebody only where none is free, and then the memory stays full
        z3.Implies(eviction.total(state.resident) < memory.capacity, z3.Not(z3.Or(loaded.evicted, loaded.refused))),
    )
    return Obligation(f"N = {count}: a load", (*_domain(memory), _sound(state, memory.capacity)), goal)


def _other_steps() -> list[Obligation]:
    """What happens to one request, of two; the rest of the memory does not move."""
    memory = _memory(2)
    given = (*_domain(memory), _sound(memory.state, memory.capacity))
    pinned, more = eviction.pin(memory.state, memory.who)
    steps = {
        "a page lands": eviction.land(memory.state, memory.who),
        "a page is unpinned": eviction.unpin(memory.state, memory.who),
        "a page is pinned": more,
        "a request ends": eviction.leave(memory.state, memory.who),
    }
    held, resident = (choose(memory.who, pages) for pages in (memory.state.held, memory.state.resident))
    obligations = [Obligation(name, given, _sound(after, memory.capacity)) for name, after in steps.items()]
    return [
        *obligations,
        Obligation("pinned iff a page may leave", given, lift(pinned) == (held < resident)),
        Obligation("so at most k pages are resident", given, eviction.total(memory.state.resident) <= memory.capacity),
    ]


# ---- the floor ----


def _floor() -> list[Obligation]:
    return [
        *(_floor_step(count) for count in COUNTS),
        *(_entitled_step(count) for count in COUNTS),
        _someone_is_above(),
    ]


def _floor_step(count: int) -> Obligation:
    """Whatever the score: the victim is above its floor, and nobody falls below its own who was not below before."""
    memory = _memory(count)
    _, after = memory.load(memory.policy(floored=True))
    pages = zip(memory.state.resident, after.resident, memory.claims.floors, strict=True)
    kept = [z3.Or(then >= now, then >= floor) for now, then, floor in pages]
    given = (*_domain(memory), _sound(memory.state, memory.capacity))
    return Obligation(f"N = {count}: nobody falls below its floor", given, z3.And(*kept))


def _entitled_step(count: int) -> Obligation:
    """A request below its floor gets its page, whatever the score, where nobody holds more than its floor."""
    memory = _memory(count)
    loaded, after = memory.load(memory.policy(floored=True))
    fair = [h <= f for h, f in zip(memory.state.held, memory.claims.floors, strict=True)]
    below = choose(memory.who, memory.state.resident) < choose(memory.who, memory.claims.floors)
    given = (*_domain(memory), _sound(memory.state, memory.capacity), *fair, below)
    more = choose(memory.who, after.resident) == choose(memory.who, memory.state.resident) + 1
    return Obligation(f"N = {count}: below its floor it is served", given, z3.And(z3.Not(lift(loaded.refused)), more))


def _someone_is_above() -> Obligation:
    own, others, floor, floors, capacity = z3.Ints("own others floor floors capacity")
    given = (own + others == capacity, floor + floors <= capacity, own < floor)
    return Obligation("any N: if one is below, the others together are above", given, others > floors)


def _whale() -> list[Obligation]:
    return [step for count in range(2, 9) for step in _whale_steps(count)]


def _whale_steps(count: int) -> list[Obligation]:
    """Request 0 has asked for so many pages that were not resident, and was refused none."""
    memory, asked = _memory(count), z3.Int("asked")
    floor, resident = memory.claims.floors[0], memory.state.resident[0]

    def kept(pages: Any, loads: Any) -> Any:
        return invariant("floor", reached_and_kept=z3.Or(pages >= floor, pages >= loads))

    loaded, after = memory.load(memory.policy(floored=True))
    loads = asked + z3.If(memory.who == 0, 1, 0)
    fair = [h <= f for h, f in zip(memory.state.held, memory.claims.floors, strict=True)]
    given = (*_domain(memory), *fair, asked >= 0)
    name = f"N = {count}: "
    return [
        Obligation(name + "at first", (asked == 0,), kept(lift(0), asked)),
        Obligation(name + "a load of anybody", (*given, kept(resident, asked)), kept(after.resident[0], loads)),
        Obligation(
            name + "refused only at its floor", (*given, kept(resident, asked), memory.who == 0, lift(loaded.refused)),
            resident >= floor,
        ),
        Obligation(name + "so it has its floor, or all it asked for", (*given, kept(resident, asked), resident < floor),
                   resident >= asked),
    ]  # fmt: skip


# ---- max-min ----


def _max_min() -> list[Obligation]:
    moves = [_transfer(count) for count in range(2, 9)]
    rests = [_at_rest(count) for count in range(2, 9)]
    return [*moves, _closer(), _closer_below(), *rests, *_shares()]


def _settling(memory: _Memory) -> tuple[Any, ...]:
    """Nothing is held, and every request is entitled to a page: one that has none may take another's only one."""
    return (*(held == 0 for held in memory.state.held), *(floor >= 1 for floor in memory.claims.floors))


def _transfer(count: int) -> Obligation:
    """An eviction from somebody else: it has at least two pages more than who asks, or who asks is below its floor."""
    memory = _memory(count)
    loaded, _ = memory.load(POLICIES["resident"])
    own, his = choose(memory.who, memory.state.resident), choose(loaded.owner, memory.state.resident)
    given = (*_domain(memory), _sound(memory.state, memory.capacity), *_settling(memory),
             lift(loaded.evicted), z3.Not(lift(same(loaded.owner, memory.who))))  # fmt: skip
    below = own < choose(memory.who, memory.claims.floors)
    goal = z3.And(his > choose(loaded.owner, memory.claims.floors), z3.Or(below, his >= own + 2))
    return Obligation(f"N = {count}: whom a page is taken from", given, goal)


def _closer() -> Obligation:
    """A page that moves from his to own lowers the sum of the squares; the other requests do not move."""
    own, his, rest = z3.Ints("own his rest")
    before, after = own * own + his * his + rest, (own + 1) * (own + 1) + (his - 1) * (his - 1) + rest
    return Obligation("a move lowers the sum of squares", (own >= 0, his >= own + 2), after <= before - 2)


def _closer_below() -> Obligation:
    """Or it lowers what is missing to the floors, which no other move raises."""
    own, his, floor, his_floor = z3.Ints("own his floor his_floor")

    def missing(pages: Any, least: Any) -> Any:
        return z3.If(pages < least, least - pages, 0)

    before = missing(own, floor) + missing(his, his_floor)
    after = missing(own + 1, floor) + missing(his - 1, his_floor)
    goal = z3.And(after <= before, z3.Implies(own < floor, after == before - 1))
    given = (own >= 0, his > his_floor, his_floor >= 0)
    return Obligation("a move below the floor lowers what is missing", given, goal)


def _at_rest(count: int) -> Obligation:
    """Where a load moves nothing, nobody above its floor has two pages more than who asks, who is not below its own."""
    memory = _memory(count)
    loaded, _ = memory.load(POLICIES["resident"])
    own = choose(memory.who, memory.state.resident)
    given = (*_domain(memory), _sound(memory.state, memory.capacity), *_settling(memory),
             eviction.total(memory.state.resident) == memory.capacity,
             z3.Not(z3.And(lift(loaded.evicted), z3.Not(lift(same(loaded.owner, memory.who))))))  # fmt: skip
    others = zip(memory.state.resident, memory.claims.floors, strict=True)
    even = [z3.Implies(pages > floor, pages <= own + 1) for pages, floor in others]
    goal = z3.And(own >= choose(memory.who, memory.claims.floors), *even)
    return Obligation(f"N = {count}: at rest", given, goal)


def _shares() -> list[Obligation]:
    """At rest each request is within a page of its max-min share max(floor, min(demand, level)), for any N.

    The shares sum to k, as the resident pages do; each of them is compared with one request that is further off.
    """
    own, his, floor, his_floor, demand, his_demand = z3.Reals("own his floor his_floor demand his_demand")
    level, others, their_shares, capacity = z3.Reals("level others their_shares capacity")

    def share(least: Any, most: Any) -> Any:
        capped = z3.If(most < level, most, level)
        return z3.If(capped < least, least, capped)

    mine, his_share = share(floor, demand), share(his_floor, his_demand)
    each = (floor >= 0, his_floor >= 0, floor <= demand, his_floor <= his_demand, level >= 0,
            own <= demand, his <= his_demand)  # fmt: skip
    settled = (
        z3.Implies(own < demand, z3.And(own >= floor, z3.Implies(his > his_floor, his <= own + 1))),
        z3.Implies(his < his_demand, z3.And(his >= his_floor, z3.Implies(own > floor, own <= his + 1))),
    )
    full = (own + others == capacity, mine + their_shares == capacity)
    return [
        Obligation("if one is more than a page short, nobody is above its share",
                   (*each, *settled, own < mine - 1), his <= his_share),
        Obligation("if one is more than a page above, nobody is below its share",
                   (*each, *settled, own > mine + 1), his >= his_share),
        Obligation("so none is short", (*full, others <= their_shares), own >= mine),
        Obligation("and none is above", (*full, others >= their_shares), own <= mine),
        _summing(),
    ]  # fmt: skip


def _summing() -> Obligation:
    pages, shares, more, share = z3.Reals("pages shares more share")
    return Obligation("the others add up", (pages <= shares, more <= share), pages + more <= shares + share)


# ---- shared pages ----


def _shared() -> list[Obligation]:
    return [step for count in range(2, 9) for step in _shared_steps(count)]


def _shared_steps(count: int) -> list[Obligation]:
    """A page is charged to one of its users, the lowest, as long as it has any; `who` joins them, or leaves."""
    page = SharedPage(z3.Bool("resident"), tuple(z3.Bools([f"uses{k}" for k in range(count)])))
    other = SharedPage(z3.Bool("other_resident"), tuple(z3.Bools([f"uses_other{k}" for k in range(count)])))
    who = z3.Int("who")
    is_used, name = z3.Or(*page.users), f"N = {count}: "
    found, payer = sharing.payer(page)
    without, given = sharing.forget(page, who), (who >= 0, who < count)
    counted = [z3.If(z3.And(p.resident, z3.Or(*p.users)), 1, 0) for p in (page, other)]
    lowest = [
        z3.Implies(z3.And(lift(found), payer == k), z3.Not(page.users[j])) for k in range(count) for j in range(k)
    ]
    left = [z3.And(uses, who != k) for k, uses in enumerate(page.users)]
    return [
        Obligation(name + "the charges sum to the frames", given,
                   sum(sharing.charges((page, other), count)) == sum(counted)),
        Obligation(name + "it has a payer iff it is used, the lowest of its users", given,
                   z3.And(lift(found) == is_used, z3.Implies(is_used, choose(payer, page.users)), *lowest)),
        Obligation(name + "its frame is free once the last user left", given,
                   lift(without.resident) == z3.And(page.resident, z3.Or(*left))),
        Obligation(name + "the next user pays", (*given, page.resident, z3.Or(*left)),
                   sum(sharing.charges((without,), count)) == 1),
        Obligation(name + "one more user costs no frame", (*given, page.resident, is_used),
                   sum(sharing.charges((sharing.share(page, who),), count)) == 1),
    ]  # fmt: skip


THEOREMS: Sequence[Theorem] = (
    Theorem(
        "eviction-capacity", ("EV-1", "EV-2"),
        "Whatever the score: at most k pages are resident, and none that is pinned or in flight is evicted.",
        "every horizon; N = 2..16 requests on the code's own step; any capacity, pins and keys",
        obligations=_capacity, invariants=("memory",), limit="N = 2..16", partner="eviction-capacity",
    ),
    Theorem(
        "eviction-floor", ("EV-5",),
        "Whatever the score: no load leaves a request with fewer pages than before and than its floor, and none that "
        "is below it is refused.",
        "every state; N = 2..16 requests on the code's own step; that somebody else is above, for any number",
        ("the floors sum to at most k", "for the second half: nobody holds more pages than its floor"),
        obligations=_floor, limit="N = 2..16", partner="eviction-floor",
    ),
    Theorem(
        "eviction-entitlement", ("EV-7",),
        "A request that asked for n pages and released none has at least min(n, its floor), whatever the others do.",
        "every horizon; N = 2..8 requests on the code's own step; any score",
        ("the floors sum to at most k", "nobody holds more pages than its floor"),
        obligations=_whale, invariants=("floor",), limit="N = 2..8",
        partner="eviction-capacity",
    ),
    Theorem(
        "eviction-max-min", ("EV-3", "EV-6"),
        "Evicting from the largest resident footprint comes to rest with each request at most a page from its max-min.",
        "any capacity, floors and demands; moves and rest on the code's own step for N = 2..8, shares for any N",
        ("the floors sum to at most k, each is a page at least and within its demand", "nothing is held",
         "requests keep using all their pages"),
        obligations=_max_min, limit="N = 2..8 on the code's own step", partner="eviction-max-min",
        abstraction="one request is followed against any other; the shares of the rest are an aggregate",
    ),
    Theorem(
        "eviction-shared", ("EV-13",),
        "A page that several requests use is charged to the lowest of them alone, so that charges sum to frames.",
        "every state; N = 2..8 requests on the code's own step, two pages (sums add up page by page)",
        obligations=_shared, limit="N = 2..8",
        unpaired="an equation",
    ),
)  # fmt: skip
