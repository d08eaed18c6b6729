"""The request table: a symbolic schedule of a few requests, served by the policy's own stamp and select.

Request k has a tenant, a size (bytes) and an arrival (ns); requests arrive in table order, as in a file. Turns are
services. What the table computes is which request each turn serves, so that any question about order, gaps or waits is
a term. Two facts keep the terms small, both because every policy serves whenever something waits (theorem
arbiters-work-conserving). Before turn n exactly n requests have been served, so that the server is idle before it if
and only if request n has not come by the end of turn n - 1: when a turn begins does not depend on the policy's choices
but by their sizes. And requests 0..n have all come by turn n.

Times are whole numbers of `1 / scale` ns, so that weights and rates leave no fractions; sizes that policies see are
scaled alike, which changes no choice: every policy compares sums of these.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import attrs
import z3

from headgate.model.algebra import all_, any_, choose, maximum, not_, put, where
from headgate.model.arbiters import NO_STAMP, Arrival, Policy, Stamp, Tenants
from headgate.model.promise import goyal_expected_arrival
from headgate.model.refresh import Refresh, service_curve
from headgate.model.simulator import Server
from headgate.proofs.symbolic import lift

__all__ = [
    "Cost",
    "Domain",
    "Requests",
    "Stage",
    "Table",
    "Turn",
    "apart",
    "domain_of",
    "exact",
    "gap_exceeds",
    "largest_sizes",
    "requests",
    "serve",
    "table",
    "unit_tenants",
]

UNIT_SERVER = Server(Fraction(1))

# What a request costs, of its tenant and its size, in units of the table.
Cost = Callable[[Any, Any], Any]


@attrs.frozen
class Domain:
    """What may be sent: `count` requests of so many bytes, at so many ns, for rows below `rows`."""

    count: int
    sizes: tuple[int, int]
    arrivals: tuple[int, int]
    rows: int = 1


@attrs.frozen
class Stage:
    """Who serves whom: the tenants as the arbiter knows them, one weight each (bytes per ns), and the server.

    Blackouts begin at 0, interval and blackout apart; `scale` is how many units of the table's time a ns has.
    """

    tenants: Tenants
    weights: tuple[Fraction, ...]
    server: Server = UNIT_SERVER

    @property
    def scale(self) -> int:
        """The least scale at which everything is whole: costs, services, quanta and blackouts."""
        numbers = [1 / weight for weight in self.weights] + [1 / Fraction(self.server.peak_bytes_per_ns)]
        numbers += [Fraction(quantum) for quantum in self.tenants.quanta]
        if self.server.refresh is not None:
            numbers += [Fraction(self.server.refresh.interval), Fraction(self.server.refresh.blackout)]
        return math.lcm(*(number.denominator for number in numbers))

    @property
    def scaled_tenants(self) -> Tenants:
        """The tenants with quanta in the units of the table."""
        return attrs.evolve(self.tenants, quanta=tuple(int(q * self.scale) for q in self.tenants.quanta))

    def cost(self, owner: Any, size: Any) -> Any:
        """Return size over weight, in units of the table."""
        return choose(owner, [_times(size, self.scale / weight) for weight in self.weights])

    def work(self, size: Any) -> Any:
        """Return the time that a request takes when nothing is dark, in units of the table."""
        return _times(size, self.scale / Fraction(self.server.peak_bytes_per_ns))


@attrs.frozen
class Requests:
    """The free terms of a table, and what its domain says of them."""

    tenants: tuple[Any, ...]
    sizes: tuple[Any, ...]
    arrivals: tuple[Any, ...]
    rows: tuple[Any, ...]
    constraints: tuple[Any, ...]

    @property
    def fields(self) -> list[tuple[Any, Any, Any, Any]]:
        """The requests as (tenant, arrival, size, row)."""
        return list(zip(self.tenants, self.arrivals, self.sizes, self.rows, strict=True))


@attrs.frozen
class Turn:
    """One service: when it begins and ends, who waits at its beginning, which request of whom it serves.

    `follows` is whether it begins as the one before it ends. Times are in units of the table, `size` is in bytes.
    """

    at: Any
    end: Any
    follows: Any
    waiting: tuple[Any, ...]
    tenant: Any
    request: Any
    size: Any


@attrs.frozen
class Table:
    """The requests, the turns that a policy makes of them, and what constrains these."""

    asked: Requests
    turns: tuple[Turn, ...]
    own_constraints: tuple[Any, ...]

    @property
    def constraints(self) -> tuple[Any, ...]:
        """Everything that constrains requests and turns."""
        return (*self.asked.constraints, *self.own_constraints)

    @property
    def tenants(self) -> tuple[Any, ...]:
        """The tenants of the requests."""
        return self.asked.tenants

    @property
    def sizes(self) -> tuple[Any, ...]:
        """The sizes of the requests, in bytes."""
        return self.asked.sizes

    @property
    def arrivals(self) -> tuple[Any, ...]:
        """The arrivals of the requests, in ns."""
        return self.asked.arrivals

    @property
    def requests(self) -> list[tuple[Any, Any, Any]]:
        """The requests as (tenant, arrival, size)."""
        return list(zip(self.tenants, self.arrivals, self.sizes, strict=True))


def unit_tenants(count: int, largest: int) -> Tenants:
    """Return `count` equal tenants of weight 1, with quanta that cover `largest` bytes."""
    return Tenants(count, tuple(range(count)), (0,) * count, (largest,) * count)


def domain_of(count: int, largest: int) -> Domain:
    """Return the domain of `count` requests of 1..`largest` bytes that can keep a server of 1 byte a ns busy."""
    return Domain(count, (1, largest), (0, count * largest))


def table(policy: Policy, tenants: Tenants, count: int, largest: int, cost: Cost | None = None) -> Table:
    """Return the table of `count` requests of 1..`largest` bytes that keep the server busy from 0 to their end.

    Unless `cost` says otherwise, all weights are 1.
    """
    stage = Stage(tenants, (Fraction(1),) * tenants.count)
    found = serve(policy, stage, requests(stage, domain_of(count, largest)), cost=cost)
    busy = (found.arrivals[0] == 0, *(turn.follows for turn in found.turns[1:]))
    return attrs.evolve(found, own_constraints=(*found.own_constraints, *busy))


def requests(stage: Stage, domain: Domain) -> Requests:
    """Return `domain.count` requests of anybody, in order of arrival."""
    count = range(domain.count)
    owners = tuple(z3.Ints([f"owner{k}" for k in count]))
    sizes, arrivals = tuple(z3.Ints([f"size{k}" for k in count])), tuple(z3.Ints([f"arrival{k}" for k in count]))
    rows = tuple(z3.Ints([f"row{k}" for k in count])) if domain.rows > 1 else (lift(0),) * domain.count
    limits = [(owners, (0, stage.tenants.count - 1)), (sizes, domain.sizes), (arrivals, domain.arrivals)]
    limits += [(rows, (0, domain.rows - 1))] if domain.rows > 1 else []
    within = [z3.And(term >= least, term <= most) for terms, (least, most) in limits for term in terms]
    return Requests(owners, sizes, arrivals, rows, (*within, *(a <= b for a, b in pairwise(arrivals))))


def serve(
    policy: Policy,
    stage: Stage,
    asked: Requests,
    prefix: str = "",
    check: Callable[[], None] = lambda: None,
    cost: Cost | None = None,
) -> Table:
    """Return the turns in which `policy` serves the requests; `prefix` sets its terms apart from another policy's.

    `check` is called before every turn, and ends the work where it raises. `cost` stands for size over weight.
    """
    run = _Run(policy, stage, asked, prefix, cost or stage.cost)
    turns = []
    for number in range(len(asked.sizes)):
        check()
        turns.append(run.turn(number))
    return Table(asked, tuple(turns), tuple(run.constraints))


class _Run:
    """The run of a table: the state of the arbiter and the stamps given so far."""

    def __init__(self, policy: Policy, stage: Stage, asked: Requests, prefix: str, cost: Cost) -> None:
        self.policy, self.stage, self.asked, self.prefix, self.cost = policy, stage, asked, prefix, cost
        self.scale, self.tenants = stage.scale, stage.scaled_tenants
        self.arrivals = [_times(arrival, self.scale) for arrival in asked.arrivals]
        self.state: Any = policy.start(self.tenants)
        self.stamps: list[Stamp] = [NO_STAMP] * len(asked.sizes)
        self.came: list[Any] = [False] * len(asked.sizes)
        self.served: list[Any] = [False] * len(asked.sizes)
        # The expected arrival of the next request of a tenant that sends it in time (clause PR-2).
        self.expected: tuple[Any, ...] = (0,) * stage.tenants.count
        self.end: Any = 0
        self.constraints: list[Any] = []

    def turn(self, number: int) -> Turn:
        """Stamp what has come by the beginning of this turn, and serve one request."""
        self._rest(number)
        follows = self.arrivals[number] <= self.end
        at = self._named("at", number, maximum(self.end, self.arrivals[number]))
        self._stamp_arrivals(number, at)
        heads, waiting, which = self._heads()
        told = self.policy.advance(self.state, at)
        found, tenant, self.state = self.policy.select(told, self.tenants, heads, waiting)
        self.constraints.append(lift(found))
        tenant = self._named("tenant", number, tenant)
        request = self._named("request", number, choose(tenant, which))
        size = self._named("size", number, choose(request, self.asked.sizes))
        self.served = [any_(done, request == k) for k, done in enumerate(self.served)]
        self.end = self._finish(number, at, size)
        return Turn(at, self.end, follows, waiting, tenant, request, size)

    def _rest(self, number: int) -> None:
        """End the busy period, where nothing has come by the end of the last turn."""
        rested = self.policy.rest(self.policy.advance(self.state, self.end))
        self.state = where(self.end < self.arrivals[number], rested, self.state)

    def _stamp_arrivals(self, number: int, at: Any) -> None:
        for k in range(number, len(self.stamps)):
            came = True if k == number else self.arrivals[k] <= at
            now = all_(came, not_(self.came[k]))
            self._stamp(k, now)
            self.came[k] = came

    def _stamp(self, k: int, now: Any) -> None:
        owner, size, at = self.asked.tenants[k], self.asked.sizes[k], self.arrivals[k]
        cost = self.cost(owner, size)
        due = goyal_expected_arrival(at, choose(owner, self.expected), 0)
        arrival = Arrival(at, _times(size, self.scale), cost, k, due, self.asked.rows[k])
        state, stamp = self.policy.stamp(self.policy.advance(self.state, at), owner, arrival)
        self.state = where(now, state, self.state)
        self.stamps[k] = where(now, stamp, self.stamps[k])
        self.expected = where(now, put(owner, self.expected, due + cost), self.expected)

    def _heads(self) -> tuple[tuple[Stamp, ...], tuple[Any, ...], list[Any]]:
        heads, waiting, which = [], [], []
        for tenant in range(self.tenants.count):
            head, index, some = NO_STAMP, lift(0), lift(False)
            for k in reversed(range(len(self.stamps))):
                mine = all_(self.asked.tenants[k] == tenant, self.came[k], not_(self.served[k]))
                head, index, some = where(mine, self.stamps[k], head), where(mine, k, index), any_(mine, some)
            heads.append(head)
            waiting.append(some)
            which.append(index)
        return tuple(heads), tuple(waiting), which

    def _finish(self, number: int, at: Any, size: Any) -> Any:
        refresh, work = self.stage.server.refresh, self.stage.work(size)
        if refresh is None:
            return self._named("end", number, at + work)
        dark = Refresh(int(refresh.interval * self.scale), int(refresh.blackout * self.scale))
        begun, rest = self._split("begun", number, dark)
        ended, left = self._split("ended", number, dark)
        end = self._named("end", number, ended * dark.interval + left)
        self.constraints += [
            at == begun * dark.interval + rest, rest >= 0, rest < dark.interval,
            # The first instant at which the work is done, which lies outside the blackouts.
            left > dark.blackout, left <= dark.interval,
            service_curve(dark, ended, left) == service_curve(dark, begun, rest) + work,
        ]  # fmt: skip
        return end

    def _split(self, name: str, number: int, dark: Refresh) -> tuple[Any, Any]:
        """Return a time in two parts: whole intervals, and what is left."""
        intervals, rest = z3.Ints(f"{self.prefix}{name}{number} {self.prefix}{name}_rest{number}")
        self.constraints.append(intervals >= 0)
        return intervals, rest

    def _named(self, name: str, number: int, term: Any) -> Any:
        """Name a term by a variable of its own, which keeps the nested terms small for the solver."""
        named = z3.Int(f"{self.prefix}turn_{name}{number}")
        self.constraints.append(named == term)
        return named


def _times(term: Any, factor: Fraction | int) -> Any:
    """Return a term times a factor that is whole; ValueError if it is not, since what is cut off would decide."""
    exact = Fraction(factor)
    if exact.denominator != 1:
        raise ValueError(f"the scale does not clear {exact}")
    return term if exact == 1 else term * int(exact)


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
    """Return whether tenants 0 and 1, of weight 1, drift further apart than `bound` while both are backlogged."""
    cases = []
    turns: Sequence[Turn] = found.turns
    for first in range(len(turns)):
        both, drift = [], lift(0)
        for number, turn in enumerate(turns[first:]):
            both += [turn.waiting[0], turn.waiting[1], *([turn.follows] if number else [])]
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
