"""Theorems on WF2Q+: what it serves, how late a request can be, and what a backlogged tenant gets.

The argument tracks one request, with finish tag d; *d-work* is what has a finish tag of at most d. Let t0 be the last
choice before the request is done at which the virtual time jumped or something else than d-work was chosen, or the
last time at which nobody waited; V0 is the virtual time then. Everything that is d-work and is served after t0 begins
at V0 or later, and the tags of a tenant do not overlap: so it is at most R (d - V0), and the request is done by
t0 + (what was in the way) / R + (d - V0) + B. After t0 the virtual time moves as the time does, and so is ahead of it
by V0 - t0; a tag is ahead of the expected arrival by that much at most.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.model.algebra import choose, where
from headgate.model.arbiters import Arrival, Stamp, Tenants
from headgate.model.arbiters.wf2q_plus import EligibleQueue, advance, rest, select, stamp, start
from headgate.model.bounds import deadline_delay, early_delay, gps_lateness, worst_case_lag
from headgate.model.promise import goyal_expected_arrival
from headgate.proofs.flows import Flow, flow_of
from headgate.proofs.invariants import invariant
from headgate.proofs.quotients import cancelling, covers
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Obligation, Query, Theorem
from headgate.spec.vocabulary import Request, Schedule

__all__ = ["THEOREMS"]

CODE_TENANTS = range(2, 9)


@attrs.frozen
class _Queues:
    """The virtual time, the time and the tenants; a flow is *busy* while the code holds it for backlogged."""

    virtual: Any
    now: Any
    flows: tuple[Flow, ...]

    @property
    def state(self) -> EligibleQueue:
        """The state of the code."""
        return EligibleQueue(
            self.virtual, self.now, tuple(f.last for f in self.flows), tuple(f.busy for f in self.flows)
        )

    def with_state(self, state: EligibleQueue, flows: Sequence[Flow]) -> "_Queues":
        """Return the queues after a step of the code."""
        told = zip(flows, state.last, state.backlogged, strict=True)
        after = tuple(attrs.evolve(f, last=lift(last), busy=lift(busy)) for f, last, busy in told)
        return _Queues(lift(state.virtual), lift(state.now), after)


def _queues(count: int) -> _Queues:
    virtual, now = z3.Reals("virtual now")
    return _Queues(virtual, now, tuple(flow_of(k) for k in range(count)))


def _tenants(count: int) -> Tenants:
    return Tenants(count, tuple(range(count)), (0,) * count, (lift(1),) * count)


def _sound(queues: _Queues, flow: Flow) -> Any:
    """Tags of a queue are contiguous, and a position is at most one cost of its tenant ahead of the virtual time."""
    kept = invariant(
        "eligible queue",
        who_waits_is_backlogged=z3.Implies(flow.queued, flow.busy),
        cost_within_largest=z3.Implies(flow.queued, flow.cost <= flow.largest),
        alone_ends_queue=z3.Implies(z3.And(flow.queued, z3.Not(flow.more)), flow.last == flow.end),
        head_near=flow.position <= queues.virtual + flow.largest,
    )
    return z3.And(flow.largest > 0, kept)


def _all_sound(queues: _Queues) -> Any:
    return z3.And(*(_sound(queues, flow) for flow in queues.flows))


# ---- the code's own steps ----


def _arrive(queues: _Queues, who: int, cost: Any) -> tuple[_Queues, Stamp]:
    state, made = stamp(queues.state, who, Arrival(queues.now, cost, cost, lift(0)))
    flow, last = queues.flows[who], state.last[who]
    yes = lift(True)
    first = Flow(made.begin, made.end - made.begin, flow.largest, yes, yes, lift(False), last)
    behind = attrs.evolve(flow, more=yes)
    flows = [where(flow.queued, behind, first) if k == who else other for k, other in enumerate(queues.flows)]
    return queues.with_state(state, flows), made


@attrs.frozen
class _Choice:
    """One run of the code's select: whether and who, the queues after it, and what is known of the next head."""

    found: Any
    tenant: Any
    after: _Queues
    next_head: Any


def _choose(queues: _Queues) -> _Choice:
    heads = tuple(Stamp(f.begin, f.end, f.cost, lift(0)) for f in queues.flows)
    waiting = tuple(f.queued for f in queues.flows)
    found, tenant, state = select(queues.state, _tenants(len(heads)), heads, waiting)
    cost, flows, known = z3.Real("next_cost"), [], []
    for k, flow in enumerate(queues.flows):
        mine, still_more, end = lift(tenant == k), z3.Bool(f"still_more{k}"), flow.end + cost
        flows.append(
            where(mine, attrs.evolve(flow, begin=flow.end, cost=cost, queued=flow.more, more=still_more), flow)
        )
        fits = z3.And(cost > 0, cost <= flow.largest, z3.If(still_more, flow.last > end, flow.last == end))
        known.append(z3.Implies(z3.And(mine, flow.more), fits))
    return _Choice(found, tenant, queues.with_state(state, flows), z3.And(*known))


def _code(count: int) -> list[Obligation]:
    """What the clauses WF-1 and WF-2 say, and the invariant of the queues."""
    queues, cost, later = _queues(count), z3.Real("cost"), z3.Real("later")
    sound, name = _all_sound(queues), f"N = {count}: "
    first = start(_tenants(count))
    idle = tuple(attrs.evolve(f, queued=lift(False), more=lift(False)) for f in queues.flows)
    begun = queues.with_state(first, idle)
    told = queues.with_state(advance(queues.state, later), queues.flows)
    resting = attrs.evolve(queues, flows=tuple(attrs.evolve(f, queued=lift(False)) for f in queues.flows))
    rested = resting.with_state(rest(resting.state), resting.flows)
    return [
        Obligation(name + "at first", tuple(f.largest > 0 for f in idle), _all_sound(begun)),
        Obligation(name + "time passes", (sound, later >= queues.now), z3.And(
            _all_sound(told), told.virtual - told.now == queues.virtual - queues.now, told.now == later)),
        Obligation(name + "a busy period ends", (_all_sound(resting),), z3.And(
            _all_sound(rested), rested.virtual == queues.virtual, *(z3.Not(f.busy) for f in rested.flows))),
        *(_code_arrival(queues, sound, who, cost, name) for who in range(count)),
        *_code_choice(queues, sound, name),
    ]  # fmt: skip


def _code_arrival(queues: _Queues, sound: Any, who: int, cost: Any, name: str) -> Obligation:
    after, made = _arrive(queues, who, cost)
    flow = queues.flows[who]
    begin = z3.If(flow.busy, flow.last, z3.If(queues.virtual > flow.last, queues.virtual, flow.last))
    contiguous = z3.Implies(flow.queued, made.begin == flow.last)
    tags = z3.And(made.begin == begin, made.end == begin + cost, contiguous, after.virtual == queues.virtual)
    given = (sound, cost > 0, cost <= flow.largest)
    return Obligation(f"{name}a request of tenant {who} arrives", given, z3.And(tags, _all_sound(after)))


def _code_choice(queues: _Queues, sound: Any, name: str) -> list[Obligation]:
    chosen, flows = _choose(queues), queues.flows
    some = z3.Or(*(f.queued for f in flows))
    virtual = chosen.after.virtual
    nearest = z3.Or(*(z3.And(f.queued, virtual == f.begin) for f in flows))
    jumps = z3.And(nearest, *(z3.Implies(f.queued, virtual <= f.begin) for f in flows))
    begun = [z3.And(f.queued, f.begin <= virtual) for f in flows]
    end = choose(chosen.tenant, [f.end for f in flows])
    return [
        Obligation(name + "the virtual time stands, or jumps to the nearest head", (sound, some), z3.And(
            virtual >= queues.virtual, z3.Or(virtual == queues.virtual, jumps))),
        Obligation(name + "somebody who waits and has begun is served", (sound, some), z3.And(
            lift(chosen.found), choose(chosen.tenant, begun))),
        Obligation(name + "of those, the smallest finish tag", (sound, some), z3.And(
            *(z3.Implies(z3.And(f.queued, f.begin <= virtual), end <= f.end) for f in flows))),
        Obligation(name + "the queues after a choice", (sound, some, chosen.next_head), z3.And(
            _all_sound(chosen.after), *(new.busy == old.queued for new, old in
                                        zip(chosen.after.flows, flows, strict=True)))),
    ]  # fmt: skip


# ---- d-work since t0 ----


@attrs.frozen
class _Since:
    """Ghosts of one tenant since t0: the virtual time then, the cost of its d-work put in service, where that ends."""

    anchor: Any
    given: Any
    reached: Any


def _since(number: int) -> _Since:
    return _Since(z3.Real("anchor"), *z3.Reals(f"given{number} reached{number}"))


def _d_work(queues: _Queues, flow: Flow, since: _Since, deadline: Any) -> Any:
    """What was put in service is covered by tags from V0 to d, and what is still to come begins where those end."""
    to_come = z3.Or(
        flow.last >= since.reached, flow.last >= deadline, z3.And(z3.Not(flow.busy), queues.virtual >= since.reached)
    )
    return invariant(
        "d-work since",
        cost_covered=since.given <= since.reached - since.anchor,
        within_deadline=z3.Or(since.given == 0, since.reached <= deadline),
        head_begins_later=z3.Implies(z3.And(flow.queued, flow.end <= deadline), since.reached <= flow.begin),
        next_begins_later=z3.Implies(z3.Not(flow.queued), to_come),
    )


def _deadline_steps(count: int) -> list[Obligation]:
    queues, (deadline, cost, later) = _queues(count), z3.Reals("deadline cost later")
    sound, ghosts, name = _all_sound(queues), [_since(k) for k in range(count)], f"N = {count}: "

    def kept(after: _Queues, since: Sequence[_Since]) -> list[Any]:
        return [_d_work(after, f, ghost, deadline) for f, ghost in zip(after.flows, since, strict=True)]

    given = (sound, *kept(queues, ghosts))
    told = queues.with_state(advance(queues.state, later), queues.flows)
    arrivals = [
        Obligation(f"{name}a request of tenant {who} arrives", (*given, cost > 0, cost <= queues.flows[who].largest),
                   z3.And(*kept(_arrive(queues, who, cost)[0], ghosts)))
        for who in range(count)
    ]  # fmt: skip
    chosen = _choose(queues)
    some = z3.Or(*(f.queued for f in queues.flows))
    served = choose(chosen.tenant, [f.end for f in queues.flows]) <= deadline
    is_first = z3.Or(z3.Not(served), chosen.after.virtual > queues.virtual)
    fresh, moved = [], []
    for k, (flow, ghost) in enumerate(zip(queues.flows, ghosts, strict=True)):
        mine = z3.And(lift(chosen.tenant == k), served)
        begin = _Since(chosen.after.virtual, lift(0), chosen.after.virtual)
        fresh.append(where(mine, _Since(begin.anchor, flow.cost, flow.end), begin))
        moved.append(where(mine, _Since(ghost.anchor, ghost.given + flow.cost, flow.end), ghost))
    choice = (sound, some, chosen.next_head)
    when = advance(queues.state, later).virtual
    at_rest = [_Since(when, lift(0), when)] * count
    resting = attrs.evolve(queues, flows=tuple(attrs.evolve(f, queued=lift(False)) for f in queues.flows))
    rested = resting.with_state(advance(rest(resting.state), later), resting.flows)
    return [
        Obligation(name + "t0 is when nobody has waited for a while", (_all_sound(resting), later >= queues.now),
                   z3.And(*kept(rested, at_rest))),
        *(Obligation(f"{name}t0 is a choice, tenant {k}", (*choice, is_first), goal)
          for k, goal in enumerate(kept(chosen.after, fresh))),
        *(Obligation(f"{name}a choice of d-work, tenant {k}", (*given, *choice[1:], z3.Not(is_first)), goal)
          for k, goal in enumerate(kept(chosen.after, moved))),
        *arrivals,
        Obligation(name + "time passes", (*given, later >= queues.now), z3.And(*kept(told, ghosts))),
    ]  # fmt: skip


def _covered() -> list[Obligation]:
    """The tracked request is among what was served, so that d is after V0; no tenant had more than its tags cover."""
    anchor, deadline, given, reached = z3.Reals("anchor deadline given reached")
    own_given, own_reached, weight, total, more, window = z3.Reals("own_given own_reached weight total more window")
    queues, flow = _queues(1), flow_of(0)
    others = _d_work(queues, flow, _Since(anchor, given, reached), deadline)
    own = _d_work(queues, flow, _Since(anchor, own_given, own_reached), deadline)
    return [
        Obligation("the tracked request itself", (own, own_given > 0), own_given <= deadline - anchor),
        Obligation("the d-work of a tenant", (others, deadline >= anchor), given <= deadline - anchor),
        Obligation("the bytes add up", (weight > 0, window >= 0, total <= more * window, given <= window),
                   total + weight * given <= (more + weight) * window),
    ]  # fmt: skip


def _lateness() -> list[Obligation]:
    """In the tenants' virtual time: V at the finish is at most d + Lmax / R + B."""
    rate, blackout, largest, in_way, served = z3.Reals("rate blackout largest in_way served")
    since, anchor, finish, deadline, virtual = z3.Reals("since anchor finish deadline virtual")
    given = (
        rate > 0, blackout >= 0, in_way >= 0, in_way <= largest, virtual - finish == anchor - since,
        served <= rate * (deadline - anchor), rate * (finish - since - blackout) <= in_way + served,
    )  # fmt: skip
    return [
        Obligation("by when the tracked request is done", given,
                   rate * (virtual - deadline) <= largest + rate * blackout),
        covers("the lateness as a formula", (), rate, gps_lateness(largest, rate, blackout), largest + rate * blackout),
        cancelling(),
    ]  # fmt: skip


def _expected() -> list[Obligation]:
    """A start tag is no further ahead of the expected arrival than the virtual time is of the time, then or later."""
    queues = _queues(2)
    cost, cost_before, expected, ahead = z3.Reals("cost cost_before expected ahead")
    _, made = stamp(queues.state, 0, Arrival(queues.now, cost, cost, lift(0)))
    following = goyal_expected_arrival(queues.now, expected, cost_before)
    before = invariant("tags ahead", by_no_more=queues.flows[0].last - ahead <= expected + cost_before)
    so_far = queues.virtual - queues.now <= ahead
    return [
        Obligation("a request arrives", (before, so_far, cost > 0, cost_before > 0), z3.And(
            made.begin - ahead <= following,
            invariant("tags ahead", by_no_more=made.end - ahead <= following + cost))),
        Obligation("the first of its tenant", (queues.flows[0].last == 0, queues.now >= 0, ahead >= 0, so_far,
                   cost > 0), invariant("tags ahead", by_no_more=made.end - ahead <= queues.now + cost)),
    ]  # fmt: skip


def _delay_bound() -> list[Obligation]:
    rate, blackout, largest, size, own, late = z3.Reals("rate blackout largest size own late")
    finish, virtual, deadline, expected, cost = z3.Reals("finish virtual deadline expected cost")
    ahead = virtual - finish
    positive = (rate > 0, own > 0, own <= rate, blackout >= 0, size > 0, size <= largest)
    own_part = early_delay(size, 0, rate, 0, own)
    return [
        Obligation("the request is done in time", (virtual <= deadline + late, invariant(
            "tags ahead", by_no_more=deadline - ahead <= expected + cost)), finish <= expected + cost + late),
        covers("its cost as a formula", (rate > 0, size > 0), own, own_part, size),
        Obligation("the bound is its cost and the lateness", positive,
                   deadline_delay(size, largest, rate, blackout, own) ==
                   own_part + gps_lateness(largest, rate, blackout)),
    ]  # fmt: skip


def _delay() -> list[Obligation]:
    steps = [step for count in CODE_TENANTS for step in _deadline_steps(count)]
    return [*steps, *_covered(), *_lateness(), *_expected(), *_delay_bound()]


def _worst(tighter: Fraction) -> Query:
    """The largest request goes into service just before two others arrive; the last of them is late by all but 2 B."""
    channel = {"weights": (Fraction(1), Fraction(6), Fraction(1)), "peak": Fraction(8), "tenant": 2}
    latency = Fraction(deadline_delay(1, 64, Fraction(8), 0, Fraction(1)))
    requests = (Request(0, 0, 7), Request(0, 0, 64), Request(2, 1, 1), Request(1, 1, 6))
    parameters = {**channel, "latency": latency, "tighter_by": tighter}
    statement = "Under WF2Q+ a request finishes by its expected arrival + l / g + L / R + B."
    schedule = Schedule("WF-3", statement, "arbiter", "wf2q+", "late", parameters, requests)
    return Query((z3.BoolVal(True),), lambda model: schedule)


# ---- what a backlogged tenant gets ----


def _moves(count: int) -> list[Obligation]:
    """The position of a backlogged tenant moves by the cost of what is served, and by nothing else."""
    queues, cost, name = _queues(count), z3.Real("cost"), f"N = {count}: "
    sound, chosen = _all_sound(queues), _choose(queues)
    moves = [
        z3.If(lift(chosen.tenant == k), new.position == old.position + old.cost,
              z3.Implies(old.queued, new.position == old.position))
        for k, (old, new) in enumerate(zip(queues.flows, chosen.after.flows, strict=True))
    ]  # fmt: skip
    arrived, _ = _arrive(queues, 0, cost)
    some = z3.Or(*(f.queued for f in queues.flows))
    return [
        Obligation(name + "a service", (sound, some, chosen.next_head), z3.And(*moves)),
        Obligation(name + "an arrival behind a backlog", (sound, queues.flows[0].busy, cost > 0),
                   arrived.flows[0].position == queues.flows[0].position),
    ]  # fmt: skip


def _share() -> list[Obligation]:
    """From t1, when the next request p of the tenant waits, to t2, when the first that is not done, u, begins or waits.

    Between a beginning and an end of its services the tenant is owed less and less, since g <= C: so no other instants
    are worse.
    """
    rate, own, size, most, largest = z3.Reals("rate own size most largest")
    first, begin, cost, most_cost, window, got = z3.Reals("first begin cost most_cost window got")
    virtual_then, virtual_now, virtual_end = z3.Reals("virtual_then virtual_now virtual_end")
    queues, flow = _queues(1), flow_of(0)
    numbers = (rate > 0, own > 0, own <= rate, size > 0, size <= most, most <= largest)
    lag = worst_case_lag(most, largest, own, rate)
    exact = 2 * most * rate + (largest - most) * own
    ends = rate * (virtual_end - (begin + cost)) <= largest
    starts = rate * (virtual_now - begin - cost) <= largest - size
    moved = begin - first >= window - cost - most_cost - (virtual_now - begin - cost)
    return [
        Obligation("the first position is near", (_sound(queues, flow),),
                   flow.position <= queues.virtual + flow.largest),
        Obligation("when the last begins", (*numbers, ends, rate * (virtual_end - virtual_now) >= size), starts),
        Obligation("how far the position moves", (first <= virtual_then + most_cost,
                   virtual_now - virtual_then >= window), moved),
        Obligation("so many bytes", (*numbers, got == own * (begin - first), own * cost == size,
                   own * most_cost == most, moved),
                   got >= own * window - size - most - own * (virtual_now - begin - cost)),
        Obligation("what is late, in bytes", (*numbers, starts),
                   rate * (own * (virtual_now - begin - cost)) <= own * (largest - size)),
        Obligation("a smaller request is no worse", numbers,
                   rate * size + own * (largest - size) <= rate * most + own * (largest - most)),
        _share_bound(),
        covers("the lag as a formula", numbers, rate, lag, exact),
        cancelling(),
    ]  # fmt: skip


def _share_bound() -> Obligation:
    """The steps before it, put together; everything is in bytes times C, `of_` what the rest of L takes of them."""
    rate_got, rate_owed, rate_late, rate_size, rate_most = z3.Reals("rate_got rate_owed rate_late rate_size rate_most")
    of_size, of_most = z3.Reals("of_size of_most")
    given = (rate_got >= rate_owed - rate_size - rate_most - rate_late, rate_late <= of_size,
             rate_size + of_size <= rate_most + of_most)  # fmt: skip
    return Obligation("the share", given, rate_got >= rate_owed - (2 * rate_most + of_most))


def _fair() -> list[Obligation]:
    return [*(step for count in CODE_TENANTS for step in _moves(count)), *_share()]


def _least_share(tighter: Fraction) -> Query:
    """Behind a request of 64 bytes a tenant of 1/4 B/ns lacks 33/2 bytes of its share; the bound is 71/4."""
    lag = Fraction(worst_case_lag(1, 64, Fraction(1, 4), Fraction(1)))
    parameters = {"weights": (Fraction(3, 4), Fraction(1, 4)), "peak": Fraction(1), "tenant": 1, "lag": lag,
                  "tighter_by": tighter}  # fmt: skip
    sent = ((1, 0, 1), (0, 1, 1), (1, 1, 1), (1, 1, 1), (0, 2, 4), (0, 2, 64), (1, 5, 1))
    statement = "At a constant rate C WF2Q+ gives a backlogged tenant g t - 2 L_i - (L - L_i) g / C bytes or more."
    schedule = Schedule("WF-4", statement, "arbiter", "wf2q+", "deficit", parameters, tuple(Request(*r) for r in sent))
    return Query((z3.BoolVal(True),), lambda model: schedule)


ANY = "every horizon; any number of tenants, weights and sizes"
CODE = f"N = {CODE_TENANTS[0]}..{CODE_TENANTS[-1]} tenants on the code's own step"
LIMIT = f"N = {CODE_TENANTS[0]}..{CODE_TENANTS[-1]} on the code's own step"
HEADS = "a queue is its head, its last finish tag and whether more wait; what follows the head is any request that fits"

THEOREMS: Sequence[Theorem] = (
    Theorem(
        "wf2q-plus-code", ("WF-1", "WF-2"),
        "WF2Q+ moves its virtual time with the clock or to the nearest head, and serves the least tag that has begun.",
        f"every horizon; {CODE}", obligations=lambda: [step for count in CODE_TENANTS for step in _code(count)],
        invariants=("eligible queue",), abstraction=HEADS, limit=LIMIT,
        unpaired="it says who is served, and bounds nothing",
    ),
    Theorem(
        "wf2q-plus-delay", ("WF-3", "PR-3"),
        "Under WF2Q+ every request finishes by EAT + l / g + L / R + B.",
        f"{ANY}; any server of rate R and blackouts up to B; {CODE}",
        ("the guarantees sum to at most R",
         "while something in contract waits the server does R (t - B) bytes or more in t ns (refresh-rate-latency)",
         "L is the largest request of anybody, background included", "the queues are those of wf2q-plus-code"),
        obligations=_delay, attack=_worst, invariants=("d-work since", "tags ahead"), limit=LIMIT, abstraction=HEADS,
        partner="arbiters-work-conserving",
    ),
    Theorem(
        "wf2q-plus-share", ("WF-4",),
        "At a constant rate C WF2Q+ gives a backlogged tenant at least g t - 2 L_i - (L - L_i) g / C bytes in t ns.",
        f"{ANY}; {CODE}",
        ("the guarantees sum to at most C", "the queues are those of wf2q-plus-code",
         "when a request is done the virtual time is at most L / C past its finish tag (a step of wf2q-plus-delay)"),
        obligations=_fair, attack=_least_share, step=Fraction(3, 2), limit=LIMIT, abstraction=HEADS,
        unpaired="it holds of every tenant at once, so that what one gets more another would lack",
    ),
)  # fmt: skip
