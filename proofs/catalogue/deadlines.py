"""Theorems on policies that follow deadlines or counters: *early*, WFQ against its fluid, the virtual token counter.

The argument for deadlines tracks one request, due by d. Call what is due by d the *d-work*. Since s0, when d-work last
began to wait, the server has done what was in its way (at most one request) and d-work alone; no more d-work can have
come than R (d - s0); so it is done by d + Lmax / R + B.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.model.algebra import choose
from headgate.model.arbiters import Arrival, Stamp, Tenants
from headgate.model.arbiters.early import EARLY, Clock
from headgate.model.arbiters.vtc import VTC, Counters
from headgate.model.arbiters.wfq import select as wfq_select
from headgate.model.bounds import early_delay, gps_lateness, vtc_gap
from headgate.model.promise import goyal_expected_arrival
from headgate.proofs.invariants import invariant
from headgate.proofs.quotients import cancelling, covers
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Obligation, Query, Theorem
from headgate.spec.vocabulary import Request, Schedule

__all__ = ["THEOREMS"]

CODE_TENANTS = range(2, 9)


def _tenants(count: int) -> Tenants:
    return Tenants(count, tuple(range(count)), tuple(reversed(range(count))), (lift(1),) * count)


def _heads(count: int) -> tuple[Stamp, ...]:
    return tuple(Stamp(*z3.Reals(f"begin{k} end{k} size{k} order{k}")) for k in range(count))


def _chooses_d_work(select: Callable[..., Any], state: Any, now: Any, count: int) -> Obligation:
    """While some head is d-work, d-work is chosen; `now` is the time from which a head counts (None: always)."""
    waiting, heads, deadline = z3.Bools([f"waiting{k}" for k in range(count)]), _heads(count), z3.Real("deadline")
    counts = [
        z3.And(waits, head.end <= deadline, lift(True) if now is None else head.begin <= now)
        for waits, head in zip(waiting, heads, strict=True)
    ]
    _, tenant, _ = select(state, _tenants(count), heads, tuple(waiting))
    return Obligation(f"N = {count}: while d-work waits, d-work is chosen", (z3.Or(*counts),), choose(tenant, counts))


def _demand() -> list[Obligation]:
    """Requests of one tenant expected at or after s0 and due by d cost d - s0 at most, by Goyal's recursion."""
    expected, cost, given, since, deadline = z3.Reals("expected cost given since deadline")
    arrival, following = z3.Reals("arrival following")
    due = invariant("demand", spaced=given <= expected + cost - since)
    later = goyal_expected_arrival(arrival, expected, cost)
    after = invariant("demand", spaced=given + following <= later + following - since)
    _, stamp = EARLY.stamp(Clock(lift(0)), 0, Arrival(arrival, cost, cost, lift(0), expected))
    weight, total, more, window = z3.Reals("weight total more window")
    return [
        Obligation("the first request since s0", (cost > 0, expected >= since),
                   invariant("demand", spaced=cost <= expected + cost - since)),
        Obligation("and each next one", (cost > 0, following > 0, due), after),
        Obligation("a deadline is one cost after the expected arrival", (cost > 0,), z3.And(
            stamp.begin == expected, stamp.end == expected + cost)),
        Obligation("so the demand of a tenant", (due, expected + cost <= deadline), given <= deadline - since),
        Obligation("the demands add up", (weight > 0, window >= 0, total <= more * window, given <= window),
                   total + weight * given <= (more + weight) * window),
    ]  # fmt: skip


@attrs.frozen
class _Work:
    """Bytes since s0: done by the server, of d-work come, of d-work waiting, of what is in the way left."""

    done: Any
    come: Any
    waiting: Any
    left: Any


def _busy(work: _Work, in_way: Any) -> Any:
    return invariant(
        "d-work",
        done_is_accounted=work.done == (in_way - work.left) + (work.come - work.waiting),
        way_is_bounded=z3.And(work.left >= 0, work.left <= in_way),
        none_negative=work.waiting >= 0,
    )


def _busy_period() -> list[Obligation]:
    """While d-work waits, the server clears its way and then does d-work only (by the choice above)."""
    work = _Work(*z3.Reals("done come waiting left"))
    in_way, size, part = z3.Reals("in_way size part")
    kept = (_busy(work, in_way), in_way >= 0, size > 0, part >= 0)
    more = attrs.evolve(work, come=work.come + size, waiting=work.waiting + size)
    cleared = attrs.evolve(work, done=work.done + part, left=work.left - part)
    served = attrs.evolve(work, done=work.done + part, waiting=work.waiting - part)
    first = _Work(lift(0), size, size, in_way)
    return [
        Obligation("d-work begins to wait", (in_way >= 0, size > 0), _busy(first, in_way)),
        Obligation("more of it becomes due", kept, _busy(more, in_way)),
        Obligation("the way is cleared", (*kept, part <= work.left), _busy(cleared, in_way)),
        Obligation("d-work is served", (*kept, work.left == 0, part <= work.waiting), _busy(served, in_way)),
    ]


def _lateness() -> list[Obligation]:
    work, in_way = _Work(*z3.Reals("done come waiting left")), z3.Real("in_way")
    rate, blackout, largest, since, deadline, finish = z3.Reals("rate blackout largest since deadline finish")
    given = (
        rate > 0, blackout >= 0, in_way >= 0, in_way <= largest, _busy(work, in_way), deadline >= since,
        work.come <= rate * (deadline - since), rate * (finish - since - blackout) <= work.done,
    )  # fmt: skip
    late = rate * (finish - deadline) <= largest + rate * blackout
    return [
        Obligation("the tracked request is done in time", given, late),
        covers("the lateness as a formula", (), rate, gps_lateness(largest, rate, blackout), largest + rate * blackout),
        cancelling(),
    ]  # fmt: skip


def _early_bound() -> list[Obligation]:
    rate, blackout, largest, size, own = z3.Reals("rate blackout largest size own")
    waits = gps_lateness(largest, rate, blackout)
    bound = early_delay(size, largest, rate, blackout, own)
    positive = (rate > 0, own > 0, own <= rate, blackout >= 0, size > 0, size <= largest)
    lasts = z3.Real("lasts")
    return [
        Obligation("the bound is one cost and the lateness", positive,
                   bound == early_delay(size, 0, rate, 0, own) + waits),
        covers("the cost as a formula", (rate > 0, size > 0), own, early_delay(size, 0, rate, 0, own), size),
        Obligation("a request served before it is due is no later than the lateness",
                   (*positive, rate * (lasts - blackout) <= size), rate * lasts <= largest + rate * blackout),
    ]  # fmt: skip


def _early() -> list[Obligation]:
    now = z3.Real("now")
    choices = [_chooses_d_work(EARLY.select, Clock(now), now, count) for count in CODE_TENANTS]
    return [*choices, *_demand(), *_busy_period(), *_lateness(), *_early_bound()]


def _early_worst(tighter: Fraction) -> Query:
    """The largest request goes into service just before two others arrive; the last of them is late by all but 1/4."""
    latency = Fraction(early_delay(1, 64, Fraction(8), 0, Fraction(1)))
    parameters = {"weights": (Fraction(1), Fraction(6), Fraction(1)), "peak": Fraction(8), "tenant": 2,
                  "latency": latency, "tighter_by": tighter}  # fmt: skip
    requests = (Request(0, 0, 7), Request(0, 0, 64), Request(2, 1, 1), Request(1, 1, 6))
    statement = "Under *early* a request finishes by its expected arrival + l / g + Lmax / R + B."
    schedule = Schedule("EA-2", statement, "arbiter", "early", "late", parameters, requests)
    return Query((z3.BoolVal(True),), lambda model: schedule)


def _wfq() -> list[Obligation]:
    choices = [_chooses_d_work(wfq_select, None, None, count) for count in CODE_TENANTS]
    return [*choices, *_busy_period(), *_lateness()]


# ---- the virtual token counter ----


@attrs.frozen
class _Clients:
    """The counters, who waits, and the largest cost U of a request."""

    state: Counters
    waiting: tuple[Any, ...]
    most: Any


def _clients(count: int) -> _Clients:
    counters, queued = z3.Reals([f"counter{k}" for k in range(count)]), z3.Ints([f"queued{k}" for k in range(count)])
    return _Clients(Counters(tuple(counters), tuple(queued), z3.Int("went_last")), _waiting(queued), z3.Real("most"))


def _waiting(queued: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(lift(q) > 0 for q in queued)


def _near_floor(clients: _Clients) -> Any:
    """No counter is more than U above any that waits, or above that of the client that went last if nobody does."""
    state, count = clients.state, len(clients.waiting)
    counters = [lift(c) for c in state.counters]
    nobody = z3.Not(z3.Or(*clients.waiting))
    last = choose(state.went_last, counters)
    return invariant(
        "counters",
        near_those_who_wait=z3.And(*(
            z3.Implies(clients.waiting[y], counters[x] <= counters[y] + clients.most)
            for x in range(count) for y in range(count)
        )),
        near_the_last=z3.Implies(nobody, z3.And(*(c <= last + clients.most for c in counters))),
    )  # fmt: skip


def _typed(clients: _Clients) -> tuple[Any, ...]:
    state, count = clients.state, len(clients.waiting)
    never_negative = (lift(q) >= 0 for q in state.queued)
    return (clients.most > 0, *never_negative, lift(state.went_last) >= 0, lift(state.went_last) < count)


def _vtc_steps(count: int) -> list[Obligation]:
    clients, costs = _clients(count), z3.Reals([f"cost{k}" for k in range(count)])
    given = (*_typed(clients), _near_floor(clients), *(z3.And(c > 0, c <= clients.most) for c in costs))
    heads = tuple(Stamp(lift(0), cost, cost, lift(0)) for cost in costs)
    _, tenant, state = VTC.select(clients.state, _tenants(count), heads, clients.waiting)
    served = attrs.evolve(clients, state=state, waiting=_waiting(state.queued))
    begin = VTC.start(_tenants(count))
    name, some = f"N = {count}: ", z3.Or(*clients.waiting)
    moves = [
        z3.Implies(waits, lift(state.counters[k]) == lift(clients.state.counters[k]) +
                   z3.If(lift(tenant == k), costs[k], 0))
        for k, waits in enumerate(clients.waiting)
    ]  # fmt: skip
    return [
        Obligation(name + "at first", (clients.most > 0,), _near_floor(
            _Clients(begin, _waiting(begin.queued), clients.most))),
        Obligation(name + "a service", (*given, some), _near_floor(served)),
        Obligation(name + "a counter moves by the cost served", (*given, some), z3.And(*moves)),
        *[_vtc_arrival(clients, given, who, name) for who in range(count)],
    ]  # fmt: skip


def _vtc_arrival(clients: _Clients, given: tuple[Any, ...], who: int, name: str) -> Obligation:
    cost = z3.Real("arriving")
    state, _ = VTC.stamp(clients.state, who, Arrival(lift(0), cost, cost, lift(0)))
    after = attrs.evolve(clients, state=state, waiting=_waiting(state.queued))
    kept = z3.Implies(clients.waiting[who], lift(state.counters[who]) == lift(clients.state.counters[who]))
    return Obligation(f"{name}a request of client {who} arrives", given, z3.And(_near_floor(after), kept))


def _vtc_gap() -> Obligation:
    """Two clients that wait from one instant to another: what each was charged is how far its counter moved."""
    then_i, then_j, now_i, now_j, most = z3.Reals("then_i then_j now_i now_j most")

    def near(i: Any, j: Any) -> Any:
        return _near_floor(_Clients(Counters((i, j), (1, 1), 0), (lift(True), lift(True)), most))

    drift = (now_i - then_i) - (now_j - then_j)
    bound = vtc_gap(most)
    return Obligation("the gap of two clients that wait", (most > 0, near(then_i, then_j), near(now_i, now_j)),
                      z3.And(drift <= bound, -drift <= bound))  # fmt: skip


ANY = "every horizon; any number of tenants, weights and sizes; any server of rate R and blackouts up to B"
CODE = f"the choice on the code's own step for N = {CODE_TENANTS[0]}..{CODE_TENANTS[-1]}"
LIMIT = f"N = {CODE_TENANTS[0]}..{CODE_TENANTS[-1]} for the code's own choice"
SERVER = "while something in contract waits the server does R (t - B) bytes or more in t ns (refresh-rate-latency)"

THEOREMS: Sequence[Theorem] = (
    Theorem(
        "early-delay", ("EA-1", "EA-2", "PR-3", "ST-6"),
        "Under *early* every request finishes by EAT + l / g + Lmax / R + B.",
        f"{ANY}; {CODE}",
        ("the guarantees sum to at most R", SERVER, "Lmax is the largest request of anybody, background included"),
        obligations=_early, attack=_early_worst, step=Fraction(1, 2), invariants=("demand", "d-work"), limit=LIMIT,
        abstraction="one request is tracked; all that is due by its deadline is one quantity",
        partner="arbiters-work-conserving",
    ),
    Theorem(
        "wfq-lateness", ("WQ-2", "WQ-3", "WQ-5"),
        "Under WFQ every request finishes by the fluid's finish plus L / R + B.",
        f"{ANY}; {CODE}",
        ("the fluid has the constant rate R: by d it has done all d-work that has come since s0, so that is at most "
         "R (d - s0)", "finish tags are in the order of the fluid's finish times", SERVER),
        obligations=_wfq, invariants=("d-work",), limit=LIMIT,
        abstraction="the fluid is its contract; its virtual time is not followed",
        partner="arbiters-work-conserving",
    ),
    Theorem(
        "vtc-gap", ("VT-1", "VT-2", "VT-3"),
        "Under the virtual token counter two clients that wait drift apart by at most 2 U, U the largest cost.",
        "every horizon; N = 2..6 clients on the code's own step, any costs",
        obligations=lambda: [*(step for count in range(2, 7) for step in _vtc_steps(count)), _vtc_gap()],
        invariants=("counters",), limit="N = 2..6", partner="arbiters-work-conserving",
    ),
)  # fmt: skip
