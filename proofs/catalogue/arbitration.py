"""Theorems on what every arbiter's choice must be: work conserving, and by the policy's own key."""

from collections.abc import Callable, Sequence
from typing import Any

import z3

from headgate.model.algebra import choose, each
from headgate.model.arbiters import ARBITERS, FCFS, NO_STAMP, PRIORITY, ROUND_ROBIN, Arrival, Policy, Stamp, Tenants
from headgate.model.arbiters.drr import DRR, ActiveList, rest, select, stamp, start
from headgate.model.arbiters.fcfs import NoState
from headgate.model.arbiters.round_robin import Turn
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Obligation, Theorem

__all__ = ["THEOREMS"]

CODE_TENANTS = range(2, 9)


def _heads(count: int) -> tuple[Stamp, ...]:
    return tuple(Stamp(*z3.Reals(f"begin{k} end{k} size{k} order{k}")) for k in range(count))


def _waiting(count: int) -> tuple[Any, ...]:
    return tuple(z3.Bools([f"waiting{k}" for k in range(count)]))


def _tenants(count: int) -> Tenants:
    """Return tenants whose better priorities have the higher numbers, so that order and number differ."""
    order = tuple(reversed(range(count)))
    return Tenants(count, order, tuple(reversed(range(count))), tuple(z3.Reals([f"quantum{k}" for k in range(count)])))


def _any_state(policy: Policy, count: int) -> tuple[Any, tuple[Any, ...]]:
    """Return an arbitrary state of the policy, and what its type promises of it."""
    if policy is ROUND_ROBIN:
        last = z3.Int("last_served")
        return Turn(last), (last >= 0, last < count)
    if policy is DRR:
        return _drr_state(count)
    if policy in (FCFS, PRIORITY):
        return NoState(), ()
    return each(_fresh, policy.start(_tenants(count))), ()


def _fresh(first: Any) -> Any:
    """Return an open term of the kind of `first`."""
    return z3.FreshBool("state") if isinstance(first, bool) else z3.FreshReal("state")


def _drr_state(count: int) -> tuple[ActiveList, tuple[Any, ...]]:
    deficits = tuple(z3.Reals([f"deficit{k}" for k in range(count)]))
    ranks = tuple(z3.Ints([f"rank{k}" for k in range(count)]))
    turn, next_rank = z3.Int("whose_turn"), z3.Int("next_rank")
    state = ActiveList(deficits, tuple(z3.Bools([f"active{k}" for k in range(count)])), ranks, next_rank, turn)
    return state, (turn >= -1, turn < count)


def _serves(policy: Policy, count: int) -> Obligation:
    state, typed = _any_state(policy, count)
    waiting = _waiting(count)
    found, tenant, _ = policy.select(state, _tenants(count), _heads(count), waiting)
    some = z3.Or(*waiting)
    goal = z3.And(lift(found) == some, z3.Implies(some, choose(tenant, waiting)))
    return Obligation(f"{policy.name}, N = {count}", (*typed, some), goal)


def _serve_steps() -> list[Obligation]:
    return [_serves(policy, count) for policy in ARBITERS.values() for count in CODE_TENANTS]


def _least(policy: Policy, key: Callable[[Tenants, Sequence[Stamp], int], Any], count: int) -> Obligation:
    """The tenant chosen has the least key of those that wait; the lower number wins a tie of priorities."""
    tenants, heads, waiting = _tenants(count), _heads(count), _waiting(count)
    state, typed = _any_state(policy, count)
    _, tenant, _ = policy.select(state, tenants, heads, waiting)
    keys = [key(tenants, heads, k) for k in range(count)]
    chosen = choose(tenant, [lift(k) for k in keys])
    goal = z3.And(*(z3.Implies(waits, chosen <= k) for waits, k in zip(waiting, keys, strict=True)))
    return Obligation(f"{policy.name}, N = {count}", (*typed, z3.Or(*waiting)), goal)


def _fcfs_steps() -> list[Obligation]:
    return [_least(FCFS, lambda _, heads, k: heads[k].order, count) for count in CODE_TENANTS]


def _priority_steps() -> list[Obligation]:
    return [_least(PRIORITY, lambda tenants, _, k: tenants.priorities[k], count) for count in CODE_TENANTS]


def _round_robin(count: int) -> Obligation:
    """Nobody who waits stands between the tenant served last and the one served next; the pointer follows."""
    waiting, last = _waiting(count), z3.Int("last_served")
    _, tenant, state = ROUND_ROBIN.select(Turn(last), _tenants(count), _heads(count), waiting)
    chosen = z3.If(tenant > last, tenant - last, tenant - last + count)
    steps = [z3.If(k > last, k - last, k - last + count) for k in range(count)]
    first = z3.And(*(z3.Implies(waits, chosen <= k) for waits, k in zip(waiting, steps, strict=True)))
    given = (last >= 0, last < count, z3.Or(*waiting))
    return Obligation(f"N = {count}", given, z3.And(first, state.last == tenant))


def _drr_sound(state: ActiveList, quanta: Sequence[Any], largest: Sequence[Any]) -> Any:
    """Deficits are never negative; below Q + L for the tenant whose turn it is, below L for the others."""
    each = [
        invariant(
            "deficits",
            not_negative=deficit >= 0,
            below_largest=z3.Implies(z3.Not(lift(state.turn == k)), deficit < most),
            below_quantum_and_largest=z3.Implies(lift(state.turn == k), deficit < quantum + most),
        )
        for k, (deficit, quantum, most) in enumerate(zip(state.deficits, quanta, largest, strict=True))
    ]
    return z3.And(*each)


def _drr_steps(count: int) -> list[Obligation]:
    tenants, heads, waiting = _tenants(count), _heads(count), _waiting(count)
    state, typed = _drr_state(count)
    largest = z3.Reals([f"largest{k}" for k in range(count)])
    sizes = [z3.And(h.size > 0, h.size <= most, most <= q, most > 0)
             for h, most, q in zip(heads, largest, tenants.quanta, strict=True)]  # fmt: skip
    sound = _drr_sound(state, tenants.quanta, largest)
    # The head of the tenant whose turn it is may have come after the last service; then its deficit may cover it.
    given = (*typed, *sizes, sound)
    _, tenant, after = select(state, tenants, heads, waiting)
    size, before, now = (choose(tenant, values) for values in ([h.size for h in heads], state.deficits, after.deficits))
    goes_on = lift(state.turn == tenant)
    spent = z3.If(z3.And(goes_on, size <= before), now == before - size,
                  now == before + choose(tenant, tenants.quanta) - size)  # fmt: skip
    joined, _ = stamp(state, 0, Arrival(lift(0), lift(1), lift(1), lift(0)))
    return [
        Obligation(f"N = {count}: at first", tuple(sizes), _drr_sound(start(tenants), tenants.quanta, largest)),
        Obligation(f"N = {count}: a service", (*given, z3.Or(*waiting)), _drr_sound(after, tenants.quanta, largest)),
        Obligation(f"N = {count}: what is served is paid for", (*given, z3.Or(*waiting)), spent),
        Obligation(
            f"N = {count}: no deficit is negative, none reaches quantum plus largest",
            given,
            z3.And(
                *(
                    z3.And(deficit >= 0, deficit < quantum + most)
                    for deficit, quantum, most in zip(state.deficits, tenants.quanta, largest, strict=True)
                )
            ),
        ),
        Obligation(f"N = {count}: a request arrives", given, _drr_sound(joined, tenants.quanta, largest)),
        Obligation(f"N = {count}: a busy period ends", given, _drr_sound(rest(state), tenants.quanta, largest)),
    ]


def _stamps_nothing() -> list[Obligation]:
    at, size, cost, order = z3.Reals("at size cost order")
    plain = [
        policy.stamp(_any_state(policy, 2)[0], 0, Arrival(at, size, cost, order))[1] for policy in (FCFS, PRIORITY)
    ]
    kept = [z3.And(made.order == order, made.size == size, made.begin == NO_STAMP.begin) for made in plain]
    return [Obligation("a stamp keeps size and order of arrival", (size > 0,), z3.And(*kept))]


LIMIT = f"N = {CODE_TENANTS[0]}..{CODE_TENANTS[-1]}"
CODE = f"every state; N = {CODE_TENANTS[0]}..{CODE_TENANTS[-1]} tenants on the code's own step"

THEOREMS: Sequence[Theorem] = (
    Theorem(
        "arbiters-work-conserving", ("AR-1",), "Whenever somebody waits, every policy serves somebody who waits.",
        CODE, limit=LIMIT, obligations=_serve_steps,
        unpaired="it is what stands on the other side of upper bounds: a server that is never idle for nothing",
    ),
    Theorem(
        "fcfs-order", ("AR-3",), "First come, first served serves the head that arrived first.",
        CODE, limit=LIMIT, obligations=lambda: [*_fcfs_steps(), *_stamps_nothing()],
        unpaired="it says who is served, and bounds nothing",
    ),
    Theorem(
        "priority-order", ("AR-4",), "Strict priority serves the best priority that waits.",
        CODE, limit=LIMIT, obligations=_priority_steps,
        unpaired="it says who is served, and bounds nothing",
    ),
    Theorem(
        "round-robin-order", ("AR-5",), "Round robin passes over nobody who waits.",
        CODE, limit=LIMIT, obligations=lambda: [_round_robin(count) for count in CODE_TENANTS],
        unpaired="it says who is served, and bounds nothing",
    ),
    Theorem(
        "drr-deficits", ("AR-6",),
        "Under DRR no deficit is negative, none reaches the quantum plus the largest request, and service is paid for.",
        CODE, ("quanta are at least the largest request",),
        obligations=lambda: [step for count in CODE_TENANTS for step in _drr_steps(count)],
        invariants=("deficits",), limit=LIMIT, partner="arbiters-work-conserving",
    ),
)  # fmt: skip
