"""Which schedules need not be searched because others behave alike.

Requests of different tenants that arrive at the same instant may stand in any order in the file. For a policy that does
not care, it is enough to search those in which they stand in the order of their tenants. Whether a policy cares is not
looked up but proved, of its own stamp and select, in any state: that two stamps of different tenants can be exchanged,
and that no choice depends on the place in the file.
"""

from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Any

import attrs
import z3

from headgate.model.algebra import each
from headgate.model.arbiters import Arrival, Policy, Stamp
from headgate.proofs.symbolic import lift
from headgate.proofs.table import Requests, Stage

__all__ = ["orders_freely", "same_instant_order"]

PROOF_MS = 500


def same_instant_order(asked: Requests) -> list[Any]:
    """Return that requests of one instant stand in the order of their tenants."""
    later = zip(pairwise(asked.arrivals), pairwise(asked.tenants), strict=True)
    return [z3.Implies(a == b, left <= right) for (a, b), (left, right) in later]


def orders_freely(policy: Policy, stage: Stage) -> bool:
    """Return whether it is proved that the order of same-instant requests of different tenants changes nothing."""
    state = each(_fresh, policy.start(stage.tenants))
    pairs = list(combinations(range(stage.tenants.count), 2))
    exchanged = all(_can_be_exchanged(policy, state, *pair) for pair in pairs)
    return bool(pairs) and exchanged and not _reads_order(policy, stage, state)


def _can_be_exchanged(policy: Policy, state: Any, left: int, right: int) -> bool:
    """Return whether two requests of one instant, one behind the other, are proved to be stamped alike either way.

    Then what differs is the place in the file that each stamp hands on, and nothing else: also where a policy makes
    more of its place, since here the places are any two numbers.
    """
    at, earlier, later = z3.Ints("at earlier later")
    first, second = _arrival(at, "first"), _arrival(at, "second")
    one = _after(policy, state, (left, first, earlier), (right, second, later))
    other = _after(policy, state, (right, second, earlier), (left, first, later))
    kept = z3.And(*(lift(a == b) for a, b in zip(one, other, strict=True)))
    solver = z3.SimpleSolver()
    solver.set("timeout", PROOF_MS)
    solver.add(first.size > 0, second.size > 0, earlier < later, z3.Not(kept))
    return bool(solver.check() == z3.unsat)


def _fresh(first: Any) -> Any:
    return z3.FreshBool("state") if isinstance(first, bool) else z3.FreshInt("state")


def _arrival(at: Any, name: str) -> Arrival:
    size, cost, expected, row = z3.Ints(f"{name}_size {name}_cost {name}_expected {name}_row")
    return Arrival(at, size, cost, 0, expected, row)


def _after(policy: Policy, state: Any, *arrivals: tuple[int, Arrival, Any]) -> list[Any]:
    """Return the numbers of the state after the stamps, and those of the stamps by tenant, without their order."""
    stamps: dict[int, Stamp] = {}
    for tenant, arrival, place in arrivals:
        placed = attrs.evolve(arrival, order=place)
        state, stamps[tenant] = policy.stamp(policy.advance(state, arrival.at), tenant, placed)
    numbers = list(_numbers(state))
    for tenant in sorted(stamps):
        stamp = stamps[tenant]
        numbers += [stamp.begin, stamp.end, stamp.size, stamp.row]
    return numbers


def _numbers(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for part in value:
            yield from _numbers(part)
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from _numbers(getattr(value, field.name))
    else:
        yield value


def _reads_order(policy: Policy, stage: Stage, state: Any) -> bool:
    """Return whether a choice, or the state after it, mentions the place of a head in the file."""
    count = stage.tenants.count
    orders = z3.Ints([f"order_of{k}" for k in range(count)])
    heads = tuple(_head(k, order) for k, order in enumerate(orders))
    waiting = tuple(z3.Bools([f"waits{k}" for k in range(count)]))
    chosen = policy.select(state, stage.scaled_tenants, heads, waiting)
    return any(_mentions(lift(number), orders) for number in _numbers(chosen))


def _head(number: int, order: Any) -> Stamp:
    begin, end, size, row = z3.Ints(f"begin_of{number} end_of{number} size_of{number} row_of{number}")
    return Stamp(begin, end, size, order, row)


def _mentions(term: Any, wanted: list[Any]) -> bool:
    seen: set[int] = set()
    todo = [term]
    while todo:
        part = todo.pop()
        if part.get_id() in seen:
            continue
        seen.add(part.get_id())
        if any(part.eq(each) for each in wanted):
            return True
        todo += part.children()
    return False
