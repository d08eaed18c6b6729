"""Lassos: finite schedules that starve a tenant for ever, and the induction that shows it.

A lasso is a prefix of requests and a loop of them that comes again every `length_ns`. It is run for a few rounds on
the exact rules, and there are two ways in which these few stand for all further ones.

*It repeats.* At the beginning of two rounds, before what arrives then, the arbiter's state, every queue and the rest
of the service that is on are the same; a request of the victim waits at both, and none of the victim's is served in
between. What follows depends on these and on what arrives, which comes again: so each round ends as it begins, and
that request is never served. The same means: of places in the order of arrival only the order counts, and the tags of
SFQ and SCFQ are relative to the virtual time (a finish tag that it has passed is as good as the virtual time, since
stamps use the larger of the two, and it never goes back).

*It falls behind.* A round brings more work than the server does in it. Let c0 be a choice at which nothing of the
prefix waits any more, and c1 the choice after as many services as a round has requests. Checked is that between them
each tenant of the loop is served as often as it sends in a round, and waits at every choice; that what choices depend
on is at c1 as it was at c0; and that a stamp depends on its arrival alone. Let the round of services take D. Then
choice k of the next round finds the same heads, one round later: they have arrived, since the server is later by D and
arrivals by `length_ns < D`; and those who waited wait. So it chooses alike, and every round of services takes D. A
victim whose ledger (clause PR-1) is no larger at the end of the loop than at its beginning is expected `length_ns`
later every round at most, and finishes D later: its lateness grows by `D - length_ns` or more with every round, for
ever.

A stamp depends on its arrival alone under FCFS and its kin. Under the essay's tag it does while V <= A, and choices do
not ask for V: checked is that V <= A for all that arrives until c1, and that V never goes back until then. After that,
V at an arrival is at most what it was at the same arrival of the round before, and one `length_ns`, as the arrival is;
so it goes on.

Nothing else counts as shown; so a lasso that is refused may starve all the same, and never the other way round.
Source: this project; lassos are the counterexamples of liveness, e.g. E. Clarke et al., *Model Checking*, 2018, ch. 4.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import attrs

from headgate.model.arbiters import Arrival, Policy, Stamp, Tenants
from headgate.model.arbiters.essay import EssayTag
from headgate.model.arbiters.sfq import FairQueue
from headgate.model.simulator import Server, simulate, tenants_of, weight_of
from headgate.spec.links import implements
from headgate.spec.units import ExactNs, Nanoseconds
from headgate.spec.vocabulary import Contract, Execution, Request, Service

__all__ = ["Lasso", "Starved", "rounds_needed", "starved"]

# Policies that know neither the time nor when a request is expected, so that what they do next is in state and queues.
TIMELESS = (
    *("sfq", "scfq", "drr", "round-robin", "vtc", "vtc-no-lift", "fq-codel", "fq-codel-rejoins"),
    *("fr-fcfs", "fr-fcfs-cap", "fcfs", "priority"),
)
# Policies whose stamp is made of the arrival alone, and changes nothing.
STAMPED_BY_ARRIVAL = ("round-robin", "fr-fcfs", "fr-fcfs-cap", "fcfs", "priority")


@attrs.frozen
class Lasso:
    """What arrives: the prefix once, and the loop, whose first round begins at `from_ns`, every `length_ns` again."""

    prefix: tuple[Request, ...]
    loop: tuple[Request, ...]
    from_ns: Nanoseconds
    length_ns: Nanoseconds

    def rounds(self, count: int) -> tuple[Request, ...]:
        """Return the prefix and so many rounds, ordered by arrival."""
        later = (
            attrs.evolve(request, arrival_ns=request.arrival_ns + number * self.length_ns)
            for number in range(count)
            for request in self.loop
        )
        return (*self.prefix, *later)

    def begins(self, number: int) -> int:
        """Return when round `number` begins, in ns."""
        return self.from_ns + number * self.length_ns


@attrs.frozen
class Starved:
    """What a lasso shows of its victim.

    `grows_ns`: by how much every round makes the victim later, 0 where that is not shown; `never_served`: whether
    a request of it is never served; `finding` says so, or why not. `waits` are waits that show it, up to `until_ns`.
    """

    grows_ns: ExactNs
    never_served: bool
    finding: str
    execution: Execution
    until_ns: ExactNs
    waits: tuple[tuple[ExactNs, ExactNs], ...] = ()


@attrs.frozen
class _Stamped:
    """A request was stamped at `at`: the virtual time is in `after`, the state that it left."""

    at: Any
    tenant: int
    stamp: Stamp
    after: Any


@attrs.frozen
class _Chosen:
    """A choice at `at`: the state before and after it, who waited, who was chosen (None: the busy period ended)."""

    at: Any
    before: Any
    after: Any
    waiting: tuple[Any, ...]
    tenant: int | None


class _Notes:
    """What the simulator asked of a policy, in order."""

    def __init__(self, policy: Policy) -> None:
        self.plain, self.now = policy, Fraction(0)
        self.events: list[_Stamped | _Chosen] = []
        self.policy = attrs.evolve(
            policy, stamp=self._stamp, select=self._select, rest=self._rest, advance=self._advance
        )

    def _advance(self, state: Any, now: Any) -> Any:
        self.now = now
        return self.plain.advance(state, now)

    def _stamp(self, state: Any, tenant: Any, arrival: Arrival) -> tuple[Any, Stamp]:
        after, stamp = self.plain.stamp(state, tenant, arrival)
        self.events.append(_Stamped(arrival.at, tenant, stamp, after))
        return after, stamp

    def _select(
        self, state: Any, tenants: Tenants, heads: tuple[Stamp, ...], waiting: tuple[Any, ...]
    ) -> tuple[Any, Any, Any]:
        found, tenant, after = self.plain.select(state, tenants, heads, waiting)
        self.events.append(_Chosen(self.now, state, after, waiting, tenant))
        return found, tenant, after

    def _rest(self, state: Any) -> Any:
        after = self.plain.rest(state)
        self.events.append(_Chosen(self.now, state, after, (), None))
        return after

    @property
    def choices(self) -> list[_Chosen]:
        """The choices of a request, one for each service."""
        return [event for event in self.events if isinstance(event, _Chosen) and event.tenant is not None]

    @property
    def stampings(self) -> Iterator[_Stamped]:
        """The stampings."""
        return (event for event in self.events if isinstance(event, _Stamped))


def rounds_needed(lasso: Lasso, server: Server) -> int:
    """Return how many rounds are run: enough for the prefix to be served, and six rounds of services after it."""
    work = sum(request.bytes for request in (*lasso.prefix, *lasso.loop * 6))
    return int(Fraction(work) / server.peak_bytes_per_ns / lasso.length_ns) + 3


@implements("ST-1")
def starved(
    lasso: Lasso, victim: int, contracts: Sequence[Contract], policy: Policy, server: Server, rounds: int | None = None
) -> Starved:
    """Return what the lasso shows of tenant `victim` on a server without blackouts; everything is served in line.

    The lasso has a request of every round in it; `rounds` are run (`rounds_needed` of them by default).
    """
    assert server.refresh is None
    rounds = rounds_needed(lasso, server) if rounds is None else rounds
    notes = _Notes(policy)
    execution = simulate(lasso.rounds(rounds), contracts, notes.policy, server)
    run = _Run(lasso, victim, contracts, notes, execution, rounds)
    until = Fraction(lasso.begins(2))
    for shown in (run.repeats, run.falls_behind):
        found = shown()
        if isinstance(found, Starved):
            return found
    words = f"the loop is not shown to starve tenant {victim}: {run.repeats()}; {run.falls_behind()}"
    return Starved(Fraction(0), False, words, execution, until)


class _Run:
    """A few rounds of a lasso, and the two ways to conclude from them."""

    def __init__(
        self, lasso: Lasso, victim: int, contracts: Sequence[Contract], notes: _Notes, execution: Execution, rounds: int
    ) -> None:
        self.lasso, self.victim, self.contracts, self.notes = lasso, victim, contracts, notes
        self.execution, self.rounds = execution, rounds
        self.services: Sequence[Service] = execution.services
        self.start: Any = notes.plain.start(tenants_of(contracts))

    # ---- the same state ----

    def repeats(self) -> Starved | str:
        """Return the request that is never served, or why the first round does not show one."""
        begin, end = self.lasso.begins(0), self.lasso.begins(1)
        served = [s for s in self.services if begin <= s.start_ns < end and s.request.tenant == self.victim]
        if served:
            return "it is served in the loop"
        waits = [s for s in self.services if s.request.tenant == self.victim and s.release_ns < begin <= s.start_ns]
        if not waits:
            return "it does not wait as the loop begins"
        if self.notes.plain.name not in TIMELESS:
            return f"what {self.notes.plain.name} does next depends on the time"
        if self._before(begin) != self._before(end):
            return "the loop does not leave arbiter and queues as it found them"
        wait = (waits[0].release_ns, Fraction(self.lasso.begins(2)))
        finding = (
            f"a request of tenant {self.victim} waits from {waits[0].release_ns} ns on, and is never served: "
            f"the loop [{begin}, {end}] ns leaves arbiter and queues as it found them"
        )
        return Starved(Fraction(self.lasso.length_ns), True, finding, self.execution, wait[1], (wait,))

    def _before(self, instant: int) -> tuple[Any, ...]:
        """Return what decides what follows, right before what arrives at `instant`."""
        state: Any = self.start
        queues: list[list[Stamp]] = [[] for _ in self.contracts]
        for event in self.notes.events:
            if event.at >= instant:
                break
            state = event.after
            if isinstance(event, _Stamped):
                queues[event.tenant].append(event.stamp)
            elif event.tenant is not None:
                queues[event.tenant].pop(0)
        rest = max((s.finish_ns - instant for s in self.services if s.start_ns < instant), default=Fraction(0))
        origin = state.virtual if isinstance(state, FairQueue) else 0
        places = sorted(stamp.order for queue in queues for stamp in queue)
        waiting = [[_relative(stamp, origin, places) for stamp in queue] for queue in queues]
        return max(rest, Fraction(0)), _since(state, origin), waiting

    # ---- a growing backlog ----

    def falls_behind(self) -> Starved | str:
        """Return by how much the victim gets later with every round, or why the rounds do not show that it does."""
        count, choices = len(self.lasso.loop), self.notes.choices
        prefix = [n for n, s in enumerate(self.services) if s.request.arrival_ns < self.lasso.from_ns]
        seen = [n for n, choice in enumerate(choices) if choice.at < self.lasso.begins(self.rounds)]
        reason = "the prefix is not served in time"
        for first in range(prefix[-1] + 1 if prefix else 0, len(seen) - 2 * count):
            begin, end = choices[first], choices[first + count]
            if end.at - begin.at <= self.lasso.length_ns:
                return "a round is served as fast as it comes"
            differs = self._differs(choices[first : first + count], begin, end)
            reason = self._not_by_arrival(end.at) or self._not_in_contract() or differs
            if not reason:
                return self._later(first, begin.at, end.at - begin.at)
            if reason is not differs:
                break
        return reason

    def _later(self, first: int, begin: Fraction, lasts: Fraction) -> Starved:
        """Return what the rounds of services from choice `first` on show, each of which `lasts` longer than it is."""
        count, length = len(self.lasso.loop), self.lasso.length_ns
        own = [s for s in self.services[first : first + 2 * count] if s.request.tenant == self.victim]
        waits = [(_expected(s), s.finish_ns) for s in (own[0], own[len(own) // 2])]
        finding = (
            f"every round of {length} ns brings service of {lasts} ns, and makes tenant {self.victim} later after "
            f"its expected arrival by {lasts - length} ns, for ever"
        )
        until = begin + 2 * lasts
        return Starved(Fraction(lasts - length), False, finding, self.execution, until, tuple(waits))

    def _differs(self, one: Sequence[_Chosen], begin: _Chosen, end: _Chosen) -> str:
        """Return why the choices of a round do not come again in the next one, if so."""
        sends = [sum(r.tenant == tenant for r in self.lasso.loop) for tenant in range(len(self.contracts))]
        if sends != [sum(c.tenant == tenant for c in one) for tenant in range(len(self.contracts))]:
            return "not every tenant is served as often as it sends"
        if not all(waits == (sent > 0) for c in one for waits, sent in zip(c.waiting, sends, strict=True)):
            return "not every tenant of the loop waits all the time"
        # The essay's virtual time is for stamps alone, see `_not_by_arrival`.
        is_same = begin.before == end.before or isinstance(begin.before, EssayTag)
        return "" if is_same else "the arbiter is not where it was"

    def _not_by_arrival(self, until: Any) -> str:
        """Return why stamps are not made of the arrival alone, if they are not."""
        name = self.notes.plain.name
        if name in STAMPED_BY_ARRIVAL:
            return ""
        if name != "essay":
            return f"a stamp of {name} depends on more than its arrival"
        virtual = [self.start.virtual, *(event.after.virtual for event in self.notes.events if event.at <= until)]
        late = any(event.after.virtual > event.at for event in self.notes.stampings if event.at <= until)
        return "V is ahead of an arrival" if late or any(a > b for a, b in pairwise(virtual)) else ""

    def _not_in_contract(self) -> str:
        """Return why the victim's ledger may grow with the rounds, if it may; the ledger is counted in ns here."""
        if not any(request.tenant == self.victim for request in self.lasso.loop):
            return "it sends nothing in the loop"
        before, after = (self._owed(self.lasso.begins(number)) for number in (0, 1))
        return "" if after <= before else "its own requests exceed its contract"

    def _owed(self, instant: int) -> Fraction:
        """Return how long a private channel of the victim's guarantee has still to send right before `instant`."""
        weight = weight_of(self.contracts[self.victim])
        own = [s for s in self.services if s.request.tenant == self.victim and s.request.arrival_ns < instant]
        return max([Fraction(0), *(_expected(s) + s.request.bytes / weight - instant for s in own)])


def _expected(service: Service) -> Fraction:
    assert service.expected_ns is not None, "served in line"
    return service.expected_ns


def _relative(stamp: Stamp, origin: Any, places: list[Any]) -> tuple[Any, ...]:
    return stamp.begin - origin, stamp.end - origin, stamp.size, places.index(stamp.order), stamp.row


def _since(state: Any, origin: Any) -> Any:
    """Return the state of a fair queue with its tags relative to the virtual time, any other state as it is."""
    if isinstance(state, FairQueue):
        return FairQueue(0, tuple(max(last - origin, 0) for last in state.last))
    return state
