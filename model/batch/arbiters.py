"""Arbiters on arrays: in the head-of-line form, and with queues as deep as they get."""

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from headgate.model.algebra import each, where
from headgate.model.arbiters import NO_STAMP, Arrival, Policy, Stamp, Tenants
from headgate.model.batch.arrays import Integers, Truths, chunks, integers
from headgate.model.interval import Extent, Interval, Maybe, check, hull
from headgate.spec.units import Number

__all__ = ["Served", "Traffic", "run_arbiter", "run_head_of_line"]

STAMP_FIELDS = tuple(field.name for field in attrs.fields(Stamp))


def run_head_of_line(
    policy: Policy, tenants: Tenants, sizes: npt.ArrayLike, costs: npt.ArrayLike, steps: int
) -> Integers:
    """Return the tenant served at every step, an array (steps, schedules); all requests are there from the start.

    `sizes` and `costs` are (tenants, requests of one tenant, schedules). A tenant's next request is stamped when it
    becomes the head; requests count as arrived tenant by tenant, the first ones of all before the second ones.
    `steps` is at most the number of all requests. A policy that keeps time is refused: here none passes.
    """
    _refuse_exact_only(policy)
    if policy.keeps_time:
        raise TypeError(f"policy {policy.name} keeps time, and in the head-of-line form none passes")
    size_table, cost_table = integers(sizes, 3), integers(costs, 3)
    count, depth, lanes = size_table.shape
    if cost_table.shape != size_table.shape or count != tenants.count or not 0 <= steps <= count * depth:
        raise ValueError(f"sizes {size_table.shape}, costs {cost_table.shape}, {tenants.count} tenants, {steps} steps")
    served = np.empty((steps, lanes), np.int64)
    if lanes and depth:
        hulls = _Hull.of({"size": size_table, "cost": cost_table}, count * depth)
        _check_arbiter(policy, tenants, hulls, steps + count)
        for part in chunks(lanes):
            _serve_heads(policy, tenants, size_table[:, :, part], cost_table[:, :, part], served[:, part])
    return served


def _serve_heads(policy: Policy, tenants: Tenants, sizes: Integers, costs: Integers, served: Integers) -> None:
    """Serve one chunk in the head-of-line form; write into `served`."""
    count, depth, lanes = sizes.shape
    lane, flat_sizes, flat_costs = np.arange(lanes), np.ravel(sizes), np.ravel(costs)
    state, heads = policy.start(tenants), _Heads(_fields_read(policy, tenants), count, lanes)
    for tenant in range(count):
        arrival = Arrival(0, sizes[tenant, 0], costs[tenant, 0], tenant)
        state, stamp = policy.stamp(state, tenant, arrival)
        heads.write(tenant * lanes + lane, stamp)
    taken, waiting = np.ones(count * lanes, np.int64), np.ones((count, lanes), np.bool_)
    for number in range(len(served)):
        # Before `depth` services no tenant can have run dry.
        waits = (True,) * count if number < depth else tuple(waiting)
        _, tenant, state = policy.select(state, tenants, heads.stamps(), waits)
        served[number], state = tenant, _owned(state)
        own = tenant * lanes + lane
        position = taken.take(own)
        taken[own] = position + 1
        place = (tenant * depth + np.minimum(position, depth - 1)) * lanes + lane
        arrival = Arrival(0, flat_sizes.take(place), flat_costs.take(place), position * count + tenant)
        after, stamp = policy.stamp(state, tenant, arrival)
        present = position < depth
        state = after if number + 1 < depth else where(present, after, state)
        heads.write(own, stamp)
        waiting.reshape(-1)[own] = present


class _Heads:
    """The stamps at the heads of the queues: one flat table for each field that the policy reads."""

    def __init__(self, fields: tuple[str, ...], rows: int, lanes: int) -> None:
        """Make room for `rows` queues in every lane."""
        self.shape = (rows, lanes)
        self.tables = {name: np.zeros(rows * lanes, np.int64) for name in fields}

    def write(self, places: Integers, stamp: Stamp) -> None:
        """Put `stamp` at `places` (row times lanes plus lane)."""
        for name, table in self.tables.items():
            table[places] = getattr(stamp, name)

    def stamps(self) -> tuple[Stamp, ...]:
        """Return the stamps, one a row; they are views, so what is kept of them must be copied (`_owned`).

        What the policy was not seen to read is None: were it read after all, that would fail rather than mislead.
        """
        rows = [self.tables[name].reshape(self.shape) if name in self.tables else None for name in STAMP_FIELDS]
        return tuple(
            Stamp(*[None if field is None else field[number] for field in rows]) for number in range(self.shape[0])
        )


class _Spy:
    """A stamp of zeros that notes which of its fields are read."""

    def __init__(self) -> None:
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> int:
        self.read.add(name)
        return 0


def _fields_read(policy: Policy, tenants: Tenants) -> tuple[str, ...]:
    """Return the fields of a stamp that the policy's choice reads: keeping the others costs half of the time."""
    spy: Any = _Spy()
    policy.select(policy.start(tenants), tenants, (spy,) * tenants.count, (True,) * tenants.count)
    return tuple(name for name in STAMP_FIELDS if name in spy.read)


def _owned(state: Any) -> Any:
    """Return `state` with copies of the arrays that are views of a table."""
    return each(lambda leaf: leaf.copy() if isinstance(leaf, np.ndarray) and leaf.base is not None else leaf, state)


@attrs.frozen
class Traffic:
    """Requests of many schedules, arrays (requests, schedules), ordered by arrival within a schedule.

    `tenant` numbers; `at`, `cost` (size over weight), `service` (size over the server's rate) and `expected` (expected
    arrival times; None: 0) in one unit of time, `size` in the unit of DRR's quanta; `row` numbers (None: 0).
    """

    tenant: npt.ArrayLike
    at: npt.ArrayLike
    size: npt.ArrayLike
    cost: npt.ArrayLike
    service: npt.ArrayLike
    expected: npt.ArrayLike | None = None
    row: npt.ArrayLike | None = None

    def fields(self) -> dict[str, Integers]:
        """Return the arrays by name, all of them integers."""
        given = {field.name: getattr(self, field.name) for field in attrs.fields(Traffic)}
        none = np.zeros_like(integers(self.tenant, 2))
        return {name: none if values is None else integers(values, 2) for name, values in given.items()}


@attrs.frozen
class Served:
    """What the server did, arrays (requests, schedules) in order of service: which request, and when it started."""

    request: Integers
    start: Integers


def run_arbiter(policy: Policy, tenants: Tenants, traffic: Traffic) -> Served:
    """Return what a server without blackouts does: stamped on arrival, queues as deep as they get, non-preemptive.

    What arrives up to the instant at which a service ends is stamped before the next choice.
    Raises BatchOverflow before it starts if a number could leave int64.
    """
    _refuse_exact_only(policy)
    fields = traffic.fields()
    shape = fields["tenant"].shape
    _refuse_bad_traffic(fields, tenants.count)
    served = Served(np.empty(shape, np.int64), np.empty(shape, np.int64))
    if 0 in shape:
        return served
    hulls = _Hull.of(fields, shape[0])
    # An event is a stamp, a choice or a rest: each at most once a request.
    _check_arbiter(policy, tenants, hulls, 3 * shape[0])
    for part in chunks(shape[1]):
        own = Traffic(**{name: values[:, part] for name, values in fields.items()})
        _Lanes(policy, tenants, own).serve(served.request[:, part], served.start[:, part])
    return served


def _refuse_exact_only(policy: Policy) -> None:
    if policy.exact_only:
        raise TypeError(f"policy {policy.name} runs on integers and Fractions only, not on arrays")


def _refuse_bad_traffic(fields: dict[str, Integers], count: int) -> None:
    shapes = {name: values.shape for name, values in fields.items()}
    if len(set(shapes.values())) != 1:
        raise ValueError(f"expected arrays of one shape, got {shapes}")
    tenant, at = fields["tenant"], fields["at"]
    if tenant.size and not 0 <= tenant.min() <= tenant.max() < count:
        raise ValueError(f"expected tenants 0 to {count - 1}, got {tenant.min()} to {tenant.max()}")
    if (at[1:] < at[:-1]).any():
        raise ValueError("expected requests ordered by arrival")


@attrs.frozen
class _Hull:
    """The ends of every number that reaches an arbiter, and how many requests there are."""

    sizes: tuple[int, int]
    costs: tuple[int, int]
    times: tuple[int, int]
    services: tuple[int, int]
    requests: int
    expected: tuple[int, int]
    rows: tuple[int, int]

    @staticmethod
    def of(fields: dict[str, Integers], count: int) -> "_Hull":
        """Return the hull of a traffic's fields; those that are not there are 0."""

        def ends(name: str) -> tuple[int, int]:
            values = fields.get(name)
            return (0, 0) if values is None else (int(values.min()), int(values.max()))

        return _Hull(ends("size"), ends("cost"), ends("at"), ends("service"), count, ends("expected"), ends("row"))


@attrs.frozen
class _Run:
    """State of an abstract run: the arbiter's, a stamp that holds every stamp given so far, and the clock."""

    state: Any
    stamp: Stamp
    now: Number


def _check_arbiter(policy: Policy, tenants: Tenants, hulls: _Hull, steps: int) -> None:
    """Raise BatchOverflow if `steps` stamps, choices and rests, in any order, can leave int64."""
    extent = Extent()

    def event(run: _Run) -> _Run:
        def fresh(value: Any) -> Any:
            return extent.span(value.low, value.high) if isinstance(value, Interval) else value

        now = extent.span(*hulls.times)
        sizes, costs, order = extent.span(*hulls.sizes), extent.span(*hulls.costs), extent.span(0, hulls.requests)
        arrival = Arrival(now, sizes, costs, order, extent.span(*hulls.expected), extent.span(*hulls.rows))
        told = policy.advance(run.state, now)
        state, stamp = policy.stamp(told, extent.span(0, tenants.count - 1), arrival)
        state, stamp = hull(extent, state, run.state), hull(extent, stamp, run.stamp)
        # An interval stands for one value, so every head is a hull of its own.
        heads = tuple(each(fresh, stamp) for _ in range(tenants.count))
        waiting = tuple(Maybe(extent) for _ in range(tenants.count))
        state = hull(extent, policy.advance(state, fresh(run.now)), state)
        state = hull(extent, policy.select(state, tenants, heads, waiting)[2], state)
        state = hull(extent, policy.rest(state), state)
        return _Run(state, stamp, run.now + extent.span(*hulls.services))

    check(extent, event, _Run(policy.start(tenants), NO_STAMP, extent.span(*hulls.times)), steps)


class _Lanes:
    """One chunk of a deep-queue run: every lane is a schedule with a clock, an arbiter and queues of its own.

    Tables are flat, row by row; what a lane must not do in this round it writes into a last row that nobody reads.
    A queue is a chain: the number of its head, and for every request the next one of the same tenant.
    """

    def __init__(self, policy: Policy, tenants: Tenants, traffic: Traffic) -> None:
        """Start with empty queues, at the first arrival of every lane."""
        self.policy, self.tenants = policy, tenants
        fields = traffic.fields()
        tenant = fields["tenant"]
        self.requests, self.lanes = tenant.shape
        self.lane = np.arange(self.lanes)
        # One row more, so that a lane whose requests have all arrived reads something harmless.
        self.known = {name: _with_last_row(values) for name, values in fields.items()}
        self.following = _following(tenant, tenants.count)
        self.state: Any = policy.start(tenants)
        read = _fields_read(policy, tenants)
        self.stamps = _Heads(read, self.requests + 1, self.lanes)
        self.heads = _Heads(read, tenants.count + 1, self.lanes)
        self.head = np.full((tenants.count + 1) * self.lanes, self.requests)
        self.waiting = np.zeros((tenants.count + 1, self.lanes), np.bool_)
        self.arrived = np.zeros(self.lanes, np.int64)
        self.done = np.zeros(self.lanes, np.int64)
        self.now = self.known["at"][: self.lanes].copy()

    def serve(self, request: Integers, start: Integers) -> None:
        """Serve everything; write into `request` and `start`."""
        order = np.empty((self.requests + 1) * self.lanes, np.int64)
        begin = np.empty((self.requests + 1) * self.lanes, np.int64)
        arriving = self._is_due()
        while True:
            if arriving.any():
                self._stamp(arriving)
                arriving = self._is_due()
            waits = np.logical_or.reduce(self.waiting[:-1])
            serving = ~arriving & waits
            if serving.any():
                self._serve(serving, order, begin)
            idle = ~arriving & ~waits
            if idle.any():
                ends = idle & (self.arrived >= self.requests)
                if ends.all():
                    break
                if not (idle == ends).all():
                    self._idle(idle)
            arriving = self._is_due()
        request[:], start[:] = order.reshape(-1, self.lanes)[:-1], begin.reshape(-1, self.lanes)[:-1]

    def _is_due(self) -> Truths:
        at = self.known["at"].take(self.arrived * self.lanes + self.lane)
        due: Truths = (self.arrived < self.requests) & (at <= self.now)
        return due

    def _stamp(self, arriving: Truths) -> None:
        place = self.arrived * self.lanes + self.lane
        names = ("tenant", "at", "size", "cost", "expected", "row")
        tenant, at, size, cost, expected, row = (self.known[name].take(place) for name in names)
        told = self.policy.advance(self.state, at)
        state, stamp = self.policy.stamp(told, tenant, Arrival(at, size, cost, self.arrived, expected, row))
        self._change(arriving, state)
        queue = tenant * self.lanes + self.lane
        first = arriving & ~self.waiting.reshape(-1).take(queue)
        head = np.where(first, queue, self.tenants.count * self.lanes + self.lane)
        kept = np.where(arriving, place, self.requests * self.lanes + self.lane)
        self.stamps.write(kept, stamp)
        self.heads.write(head, stamp)
        self.head[head] = self.arrived
        self.waiting.reshape(-1)[head] = True
        self.arrived = self.arrived + arriving

    def _serve(self, serving: Truths, order: Integers, begin: Integers) -> None:
        waiting = tuple(self.waiting[:-1])
        told = self.policy.advance(self.state, self.now)
        _, tenant, state = self.policy.select(told, self.tenants, self.heads.stamps()[:-1], waiting)
        state = _owned(state)
        self._change(serving, state)
        queue = np.where(serving, tenant, self.tenants.count) * self.lanes + self.lane
        served = self.head.take(queue)
        place = served * self.lanes + self.lane
        kept = np.where(serving, self.done, self.requests) * self.lanes + self.lane
        order[kept], begin[kept] = served, self.now
        self.now = self.now + self.known["service"].take(place) * serving
        self.done = self.done + serving
        follower = self.following.take(place)
        self.head[queue] = follower
        self.waiting.reshape(-1)[queue] = follower < self.arrived
        source = follower * self.lanes + self.lane
        for name, table in self.heads.tables.items():
            table[queue] = self.stamps.tables[name].take(source)

    def _idle(self, idle: Truths) -> None:
        self._change(idle, self.policy.rest(self.policy.advance(self.state, self.now)))
        at = self.known["at"].take(self.arrived * self.lanes + self.lane)
        self.now = np.where(idle, np.maximum(self.now, at), self.now)

    def _change(self, lanes: Truths, state: Any) -> None:
        self.state = state if lanes.all() else where(lanes, state, self.state)


def _with_last_row(table: Integers) -> Integers:
    """Return the table, flat, its last row twice."""
    return np.ravel(np.concatenate([table, table[-1:]]))


def _following(tenant: Integers, count: int) -> Integers:
    """Return, flat, for every request the number of its tenant's next one in the lane; the number of all for none."""
    requests, lanes = tenant.shape
    lane = np.arange(lanes)
    following = np.full((requests + 1, lanes), requests)
    upcoming = np.full((count, lanes), requests)
    for number in range(requests - 1, -1, -1):
        following[number] = upcoming[tenant[number], lane]
        upcoming[tenant[number], lane] = number
    return np.ravel(following)
