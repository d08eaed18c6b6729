"""The request table: a symbolic schedule of a few requests, served by the policy's own stamp and select.

Request k has a tenant, a size and the turn at whose beginning it arrives; turns are services, one after the other, on
a server of 1 byte a ns that is never idle before the last request is served. Requests arrive in table order. What the
table computes is which request each turn serves, so that any question about order, gaps or waits is a term.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import attrs
import z3

from headgate.model.algebra import all_, choose, not_, where
from headgate.model.arbiters import NO_STAMP, Arrival, Policy, Stamp, Tenants
from headgate.proofs.symbolic import lift

__all__ = ["Cost", "Table", "Turn", "apart", "gap_exceeds", "largest_sizes", "table", "unit_tenants"]


@attrs.frozen
class Turn:
    """One service: when it begins (ns), who waits then, and which request of which tenant and size is served."""

    at: Any
    waiting: tuple[Any, ...]
    tenant: Any
    request: Any
    size: Any


@attrs.frozen
class Table:
    """The free terms (tenants, sizes, arrival turns), the arrivals in ns, the turns, and what constrains them."""

    tenants: tuple[Any, ...]
    sizes: tuple[Any, ...]
    arrivals: tuple[Any, ...]
    turns: tuple[Turn, ...]
    constraints: tuple[Any, ...]

    @property
    def requests(self) -> list[tuple[Any, Any, Any]]:
        """The requests as (tenant, arrival, size)."""
        return list(zip(self.tenants, self.arrivals, self.sizes, strict=True))


def unit_tenants(count: int, largest: int) -> Tenants:
    """Return `count` equal tenants of weight 1, with quanta that cover `largest` bytes."""
    return Tenants(count, tuple(range(count)), (0,) * count, (largest,) * count)


# What a request costs, of its tenant and its size.
Cost = Callable[[Any, Any], Any]


def _size_alone(tenant: Any, size: Any) -> Any:
    return size


def table(policy: Policy, tenants: Tenants, count: int, largest: int, cost: Cost = _size_alone) -> Table:
    """Return the table of `count` requests of 1..`largest` bytes; unless `cost` says otherwise, all weights are 1."""
    owners = tuple(z3.Ints([f"owner{k}" for k in range(count)]))
    sizes = tuple(z3.Ints([f"size{k}" for k in range(count)]))
    turns_of = tuple(z3.Ints([f"turn{k}" for k in range(count)]))
    domain: list[Any] = [z3.And(o >= 0, o < tenants.count) for o in owners]
    domain += [z3.And(s >= 1, s <= largest) for s in sizes]
    domain += [turns_of[0] == 0, *(a <= b for a, b in pairwise(turns_of))]
    domain += [turn <= number for number, turn in enumerate(turns_of)]
    run = _Run(policy, tenants, owners, sizes, turns_of, cost)
    turns = tuple(run.turn(number) for number in range(count))
    arrivals = tuple(where(t == 0, 0, choose(t, [turn.at for turn in turns])) for t in turns_of)
    return Table(owners, sizes, arrivals, turns, (*domain, *run.constraints))


class _Run:
    """The run of a table: the state of the arbiter and the stamps given so far."""

    def __init__(
        self,
        policy: Policy,
        tenants: Tenants,
        owners: tuple[Any, ...],
        sizes: tuple[Any, ...],
        turns_of: tuple[Any, ...],
        cost: Cost,
    ) -> None:
        self.policy, self.tenants, self.cost = policy, tenants, cost
        self.owners, self.sizes, self.turns_of = owners, sizes, turns_of
        self.state: Any = policy.start(tenants)
        self.stamps: list[Stamp] = [NO_STAMP] * len(owners)
        self.served: list[Any] = [False] * len(owners)
        self.now: Any = lift(0)
        self.constraints: list[Any] = []

    def turn(self, number: int) -> Turn:
        """Stamp what arrives at the beginning of this turn, and serve one request."""
        for k in range(number, len(self.owners)) if number else range(len(self.owners)):
            self._stamp(k, self.turns_of[k] == number)
        heads, waiting, which = self._heads(number)
        found, tenant, self.state = self.policy.select(self.state, self.tenants, heads, waiting)
        self.constraints.append(lift(found))
        request = choose(tenant, which)
        size = choose(request, self.sizes)
        turn = Turn(self._cut("at", number, self.now), waiting, tenant, request, size)
        self.served = [z3.Or(lift(done), request == k) for k, done in enumerate(self.served)]
        self.now = turn.at + size
        return turn

    def _stamp(self, k: int, arrives: Any) -> None:
        arrival = Arrival(self.now, self.sizes[k], self.cost(self.owners[k], self.sizes[k]), k)
        state, stamp = self.policy.stamp(self.state, self.owners[k], arrival)
        self.state = where(arrives, state, self.state)
        self.stamps[k] = where(arrives, stamp, self.stamps[k])

    def _heads(self, number: int) -> tuple[tuple[Stamp, ...], tuple[Any, ...], list[Any]]:
        heads, waiting, which = [], [], []
        for tenant in range(self.tenants.count):
            head, index, some = NO_STAMP, lift(0), lift(False)
            for k in reversed(range(len(self.owners))):
                mine = all_(self.owners[k] == tenant, self.turns_of[k] <= number, not_(self.served[k]))
                head, index, some = where(mine, self.stamps[k], head), where(mine, k, index), z3.Or(mine, some)
            heads.append(head)
            waiting.append(some)
            which.append(index)
        return tuple(heads), tuple(waiting), which

    def _cut(self, name: str, number: int, term: Any) -> Any:
        """Name a term by a variable of its own, which keeps the nested terms small for the solver."""
        named = z3.Int(f"{name}{number}")
        self.constraints.append(named == term)
        return named


def largest_sizes(found: Table, count: int) -> list[Any]:
    """Return the largest size of each of the first `count` tenants (0 for one without requests)."""
    largest = []
    for tenant in range(count):
        most: Any = lift(0)
        for owner, size in zip(found.tenants, found.sizes, strict=True):
            most = where(z3.And(owner == tenant, size > most), size, most)
        largest.append(most)
    return largest


def gap_exceeds(found: Table, bound: Any) -> Any:
    """Return whether tenants 0 and 1 drift further apart than `bound` while both are backlogged."""
    cases = []
    turns: Sequence[Turn] = found.turns
    for first in range(len(turns)):
        both, drift = [], lift(0)
        for turn in turns[first:]:
            both += [turn.waiting[0], turn.waiting[1]]
            drift = drift + where(turn.tenant == 0, turn.size, where(turn.tenant == 1, -turn.size, 0))
            cases.append(z3.And(*both, z3.Or(drift > bound, -drift > bound)))
    return z3.Or(*cases)


def apart(found: Table, bound: Any, cost: Cost) -> Any:
    """Return whether the two tenants of a table drift further apart than `bound`, in cost, while both are backlogged.

    What every turn moves them apart has a name of its own, which is far faster where the cost is itself a choice. One
    service alone is within every bound that is asked for here, so that a window has two or more.
    """
    moved = z3.Ints([f"moved{number}" for number in range(len(found.turns))])
    terms = [
        name == where(turn.tenant == 0, cost(turn.tenant, turn.size), -cost(turn.tenant, turn.size))
        for name, turn in zip(moved, found.turns, strict=True)
    ]
    cases = []
    for first in range(len(found.turns)):
        both, drift = [*found.turns[first].waiting[:2]], moved[first]
        for name, turn in zip(moved[first + 1 :], found.turns[first + 1 :], strict=True):
            both, drift = [*both, *turn.waiting[:2]], drift + name
            cases.append(z3.And(*both, z3.Or(drift > bound, -drift > bound)))
    return z3.And(*terms, z3.Or(*cases))


def exact(number: Fraction) -> Any:
    """Return a constant term for an exact number."""
    return lift(int(number)) if number.denominator == 1 else lift(number)
