"""Which schedules need not be searched because others behave alike.

Requests of different tenants that arrive at the same instant may stand in any order in the file. For a policy that does
not care, it is enough to search those in which they stand in the order of their tenants. Whether a policy cares is not
looked up but proved, of its own stamp and select, in any state: that two stamps of different tenants can be exchanged,
and that no choice depends on the place in the file.
"""

from collections.abc import Iterator
from itertools import pairwise
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
    tenants = stage.tenants
    if tenants.count < 2:
        return False
    state = each(_fresh, policy.start(tenants))
    at = z3.FreshInt("at")
    first, second = (_arrival(at, name) for name in ("first", "second"))
    one = _after(policy, state, (0, first), (1, second))
    other = _after(policy, state, (1, second), (0, first))
    kept = z3.And(*(lift(a == b) for a, b in zip(one, other, strict=True)))
    solver = z3.SimpleSolver()
    solver.set("timeout", PROOF_MS)
    solver.add(first.size > 0, second.size > 0, z3.Not(kept))
    return solver.check() == z3.unsat and not _reads_order(policy, stage, state)


def _fresh(first: Any) -> Any:
    return z3.FreshBool("state") if isinstance(first, bool) else z3.FreshInt("state")


def _arrival(at: Any, name: str) -> Arrival:
    size, cost, expected, row = z3.Ints(f"{name}_size {name}_cost {name}_expected {name}_row")
    return Arrival(at, size, cost, 0, expected, row)


def _after(policy: Policy, state: Any, *arrivals: tuple[int, Arrival]) -> list[Any]:
    """Return the numbers of the state after the stamps, and those of the stamps by tenant, without their order."""
    stamps: dict[int, Stamp] = {}
    for tenant, arrival in arrivals:
        state, stamps[tenant] = policy.stamp(policy.advance(state, arrival.at), tenant, arrival)
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
