"""What every arbiter has in common: the tenants it knows, the stamped request, and the five functions of a policy.

A policy is pure: `start` gives its first state, `stamp` is called once for every request, on its arrival, `select`
whenever the server is free and somebody waits, `rest` when the server is free and nobody waits (the end of a busy
period). Before each of them `advance` tells the exact time (clause AR-8); most policies do not care for it. The queues
are the caller's: first in first out within a tenant (clause AR-2), as deep as they get, and `select` sees the head of
each.
"""

from collections.abc import Callable
from typing import Any

import attrs

from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["NO_STAMP", "Arrival", "Policy", "Stamp", "Tenants", "tie_order", "unchanged"]


@attrs.frozen
class Tenants:
    """What an arbiter knows of its tenants: how many, who goes first on a tie, priorities (0 highest), quanta.

    `order` is a permutation of the tenant numbers; `quanta` (bytes) are used by DRR alone, `weights` (bytes per ns)
    and `reference` (bytes per ns, the rate of the fluid that it follows) by WFQ alone.
    """

    count: int
    order: tuple[int, ...]
    priorities: tuple[int, ...]
    quanta: tuple[Number, ...]
    weights: tuple[Number, ...] = ()
    reference: Number = 1


@attrs.frozen
class Arrival:
    """A request as it reaches the arbiter: when (ns), how many bytes, and its cost = bytes / weight.

    `order` counts the arrivals of all tenants, from 0; `expected` is its expected arrival time (ns, clause PR-1),
    `row` the memory row that it is for (FR-FCFS alone asks).
    """

    at: Number
    size: Number
    cost: Number
    order: Number
    expected: Number = 0
    row: Number = 0


@attrs.frozen
class Stamp:
    """A request in its queue: the tags that the policy gave it on arrival, its size, place in the order, and row."""

    begin: Number
    end: Number
    size: Number
    order: Number
    row: Number = 0


NO_STAMP = Stamp(0, 0, 0, 0)


@implements("AR-8")
def unchanged(state: Any, now: Number) -> Any:
    """Return `state`: for the policy that keeps no time, `now` (ns, never before the last one) means nothing."""
    return state


@attrs.frozen
class Policy:
    """One arbitration policy, as functions of its own state.

    start(tenants) -> state; stamp(state, tenant number, arrival) -> (state, stamp);
    select(state, tenants, heads, waiting) -> (found, tenant number, state); rest(state) -> state;
    advance(state, now) -> state. With `exact_only`, `stamp` and `advance` run on integers and Fractions alone.
    """

    name: str
    start: Callable[[Tenants], Any]
    stamp: Callable[[Any, Number, Arrival], tuple[Any, Stamp]]
    select: Callable[[Any, Tenants, tuple[Stamp, ...], tuple[Any, ...]], tuple[Any, Number, Any]]
    rest: Callable[[Any], Any]
    advance: Callable[[Any, Number], Any] = unchanged
    exact_only: bool = False

    @property
    def keeps_time(self) -> bool:
        """Whether the policy's choices depend on the time that it is told."""
        return self.advance is not unchanged


@implements("FQ-3", "AR-7")
def tie_order(priorities: tuple[int, ...]) -> tuple[int, ...]:
    """Return the tenant numbers by priority (0 first), then by number: who goes first on equal tags."""
    return tuple(sorted(range(len(priorities)), key=lambda tenant: (priorities[tenant], tenant)))
