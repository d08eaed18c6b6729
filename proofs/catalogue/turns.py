"""Theorems on service by turns: round robin's bypass, and the service curve of deficit round robin.

For DRR one tenant i is followed against any other tenant j, on the code's own step. Ghosts since an anchor: turns that
i began and completed, turns that j began, bytes of each put in service. A tenant that is ahead of i in the active list
has had at most as many turns as i completed, any other at most one more.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.model.algebra import choose
from headgate.model.arbiters import DRR, NO_STAMP, ROUND_ROBIN, Arrival, Stamp, Tenants
from headgate.model.arbiters.drr import ActiveList, rest, select, stamp, start
from headgate.model.arbiters.round_robin import Turn
from headgate.model.bounds import drr_delay, drr_latency
from headgate.model.promise import goyal_expected_arrival
from headgate.proofs.crowds import circle_attack, share_attack
from headgate.proofs.decoding import schedule_of
from headgate.proofs.invariants import invariant
from headgate.proofs.quotients import cancelling, covers
from headgate.proofs.symbolic import decide, lift
from headgate.proofs.table import unit_tenants
from headgate.proofs.theorem import Obligation, Query, Theorem
from headgate.spec.vocabulary import Schedule

__all__ = ["THEOREMS", "bypass_attack"]


def _round_robin_bypass() -> list[Obligation]:
    """The steps round the circle to a tenant that waits go down by one or more with every service of another."""
    return [_round_robin_step(count) for count in range(2, 17)]


def _round_robin_step(count: int) -> Obligation:
    waiting, last, victim = z3.Bools([f"waiting{k}" for k in range(count)]), z3.Int("last_served"), z3.Int("victim")
    tenants = Tenants(count, tuple(range(count)), (0,) * count, (lift(1),) * count)
    _, served, state = ROUND_ROBIN.select(Turn(last), tenants, (NO_STAMP,) * count, tuple(waiting))

    def distance(pointer: Any) -> Any:
        return z3.If(victim > pointer, victim - pointer, victim - pointer + count)

    given = (last >= 0, last < count, victim >= 0, victim < count, choose(victim, waiting))
    goal = z3.And(
        distance(last) >= 1,
        distance(last) <= count,
        z3.Implies(served != victim, distance(state.last) <= distance(last) - 1),
        z3.Implies(distance(last) == 1, served == victim),
    )
    return Obligation(f"N = {count}", given, goal)


def bypass_attack(count: int, others: int, ranked: bool = False) -> Query:
    """Return a search for tenants, backlogged from time 0 on, the last of which waits through `others` services.

    Who else is backlogged is free; the services are those of the code's own choice. With `ranked` every one of them
    brings the turn just one step closer, which is what the proof allows at the worst: the turn is then a constant, and
    sixteen tenants are as fast as four.
    """
    backlogged = z3.Bools([f"backlogged{k}" for k in range(count)])
    tenants = Tenants(count, tuple(range(count)), (0,) * count, (lift(1),) * count)
    state, chosen = ROUND_ROBIN.start(tenants), z3.Ints([f"served{number}" for number in range(others)])
    domain: list[Any] = [backlogged[-1]]
    for number, served in enumerate(chosen):  # a name of its own for every choice keeps the terms small for the solver
        found, choice, _ = ROUND_ROBIN.select(state, tenants, (NO_STAMP,) * count, tuple(backlogged))
        domain += [served == choice, lift(found), served != count - 1]
        domain += [served == number] if ranked else []
        state = Turn(number if ranked else served)
    statement = "Under round robin a tenant that waits is served after at most N - 1 services of others."
    parameters = {
        "weights": (1,) * count,
        "peak": 1,
        "tenant": count - 1,
        "most": count - 1,
        "tighter_by": max(0, count - others),
    }

    def decode(model: z3.ModelRef) -> Schedule:
        """Whoever is served sends as many requests as it is served; a request more of it would change no choice."""
        taken = [decide(model, served) for served in chosen]
        sent = [max(1, taken.count(k)) if decide(model, waits) else 0 for k, waits in enumerate(backlogged)]
        requests = [(tenant, 0, 1) for tenant, number in enumerate(sent) for _ in range(number)]
        return schedule_of(model, ("AR-5", statement, "arbiter", "round-robin", "bypass"), parameters, requests)

    return Query(tuple(domain), decode, (z3.Sum([z3.If(waits, 1, 0) for waits in backlogged]),))


@attrs.frozen
class _Lists:
    """The active list of `count` tenants, who waits, and the numbers of the tenants (quanta, largest requests)."""

    state: ActiveList
    waiting: tuple[Any, ...]
    quanta: tuple[Any, ...]
    largest: tuple[Any, ...]


def _lists(count: int) -> _Lists:
    def reals(name: str) -> tuple[Any, ...]:
        return tuple(z3.Reals([f"{name}{k}" for k in range(count)]))

    ranks, active = z3.Ints([f"rank{k}" for k in range(count)]), z3.Bools([f"active{k}" for k in range(count)])
    state = ActiveList(reals("deficit"), tuple(active), tuple(ranks), z3.Int("next_rank"), z3.Int("whose_turn"))
    return _Lists(state, tuple(z3.Bools([f"waiting{k}" for k in range(count)])), reals("quantum"), reals("largest"))


def _ordered(lists: _Lists) -> Any:
    """Who waits is in the list, and whoever joins it comes last."""
    state, tenants = lists.state, range(len(lists.waiting))
    active, ranks = [lift(a) for a in state.active], [lift(r) for r in state.ranks]
    return invariant(
        "active list",
        ranks_given=z3.And(*(z3.Implies(active[x], ranks[x] < lift(state.next_rank)) for x in tenants)),
        who_waits_is_in=z3.And(*(z3.Implies(lists.waiting[x], active[x]) for x in tenants)),
    )


def _deficits(lists: _Lists) -> Any:
    """As theorem drr-deficits has it."""
    state = lists.state
    below = [
        z3.If(lift(state.turn == k), quantum + most, most)
        for k, (quantum, most) in enumerate(zip(lists.quanta, lists.largest, strict=True))
    ]
    return z3.And(*(z3.And(lift(d) >= 0, lift(d) < b) for d, b in zip(state.deficits, below, strict=True)))


@attrs.frozen
class _Turns:
    """Ghosts since the anchor: i's completed turns, whether its present one began before; j's turns; bytes of each."""

    completed: Any
    partial: Any
    begun: Any
    own: Any
    other: Any


def _turns() -> _Turns:
    completed, begun = z3.Reals("completed begun")
    return _Turns(completed, z3.Bool("partial"), begun, *z3.Reals("own other"))


def _fair(lists: _Lists, ghosts: _Turns) -> Any:
    """Tenant 0 is i, backlogged since the anchor; tenant 1 is j."""
    state = lists.state
    mine, theirs = lift(state.turn == 0), lift(state.turn == 1)
    ahead = z3.And(lift(state.active[1]), lift(state.ranks[1]) < lift(state.ranks[0]), z3.Not(theirs))
    counted = z3.And(mine, z3.Not(ghosts.partial))
    return invariant(
        "turns",
        at_most_one_more=ghosts.begun <= ghosts.completed + 1,
        none_more_if_ahead=z3.Implies(ahead, ghosts.begun <= ghosts.completed),
        partial_is_first=z3.Implies(ghosts.partial, z3.And(mine, ghosts.begun == 0, ghosts.completed == 0)),
        others_paid=ghosts.other + lift(state.deficits[1]) < ghosts.begun * lists.quanta[1] + lists.largest[1],
        own_paid=ghosts.own + lift(state.deficits[0]) >= (ghosts.completed + z3.If(counted, 1, 0)) * lists.quanta[0],
        listed=lift(state.active[0]),
    )


def _numbers(lists: _Lists) -> tuple[Any, ...]:
    return tuple(z3.And(m > 0, m <= q) for q, m in zip(lists.quanta, lists.largest, strict=True))


def _drr_steps(count: int) -> list[Obligation]:
    lists, ghosts = _lists(count), _turns()
    sound = (*_numbers(lists), _ordered(lists), _deficits(lists))
    given = (*sound, _fair(lists, ghosts), ghosts.completed >= 0, ghosts.own >= 0)
    name = f"N = {count}: "
    idle = attrs.evolve(lists, waiting=(lift(False),) * count)
    begin = attrs.evolve(idle, state=start(Tenants(count, tuple(range(count)), (0,) * count, lists.quanta)))
    rested = attrs.evolve(idle, state=rest(lists.state))
    return [
        Obligation(name + "at first", _numbers(lists), _ordered(begin)),
        Obligation(name + "a busy period ends", (*sound, *(z3.Not(w) for w in lists.waiting)), _ordered(rested)),
        *_drr_arrivals(lists, ghosts, given, name),
        *_drr_service(lists, ghosts, given, name),
        *_drr_anchor(lists, sound, name),
    ]


def _drr_arrivals(lists: _Lists, ghosts: _Turns, given: tuple[Any, ...], name: str) -> list[Obligation]:
    obligations = []
    for who in range(len(lists.waiting)):
        state, _ = stamp(lists.state, who, Arrival(lift(0), lift(1), lift(1), lift(0)))
        waiting = tuple(lift(True) if k == who else w for k, w in enumerate(lists.waiting))
        after = attrs.evolve(lists, state=state, waiting=waiting)
        goal = z3.And(_ordered(after), _fair(after, ghosts))
        obligations.append(Obligation(f"{name}a request of tenant {who} arrives", given, goal))
    return obligations


def _drr_service(lists: _Lists, ghosts: _Turns, given: tuple[Any, ...], name: str) -> list[Obligation]:
    """Tenant 0 is backlogged, so that it waits; what the served tenant leaves behind is anybody's guess."""
    count = len(lists.waiting)
    heads = tuple(Stamp(lift(0), lift(0), size, lift(0)) for size in z3.Reals([f"size{k}" for k in range(count)]))
    sizes = tuple(z3.And(h.size > 0, h.size <= m) for h, m in zip(heads, lists.largest, strict=True))
    tenants = Tenants(count, tuple(range(count)), (0,) * count, lists.quanta)
    _, served, state = select(lists.state, tenants, heads, lists.waiting)
    goes_on = z3.Or(*(z3.And(lift(lists.state.turn == k), lists.waiting[k], heads[k].size <= lists.state.deficits[k])
                      for k in range(count)))  # fmt: skip
    more = tuple(z3.Bool(f"more{k}") for k in range(count))
    waiting = tuple(z3.If(lift(served == k), more[k], lists.waiting[k]) for k in range(count))
    after = attrs.evolve(lists, state=state, waiting=waiting)
    moved = _moved(lists, ghosts, heads, served, goes_on)
    premises = (*given, *sizes, lists.waiting[0])
    return [
        Obligation(name + "a service, the list", premises, _ordered(after)),
        Obligation(name + "a service, the turns", premises, _fair(after, moved)),
    ]


def _moved(lists: _Lists, ghosts: _Turns, heads: tuple[Stamp, ...], served: Any, goes_on: Any) -> _Turns:
    ends, begins = z3.Not(goes_on), z3.And(z3.Not(goes_on), lift(served == 1))
    over = z3.And(ends, lift(lists.state.turn == 0))
    return _Turns(
        z3.If(z3.And(over, z3.Not(ghosts.partial)), ghosts.completed + 1, ghosts.completed),
        z3.And(ghosts.partial, goes_on),
        z3.If(begins, ghosts.begun + 1, ghosts.begun),
        z3.If(lift(served == 0), ghosts.own + heads[0].size, ghosts.own),
        z3.If(lift(served == 1), ghosts.other + heads[1].size, ghosts.other),
    )


def _drr_anchor(lists: _Lists, sound: tuple[Any, ...], name: str) -> list[Obligation]:
    """An interval may begin at any time; what is in service then counts in full for another tenant."""
    in_service = z3.Real("in_service")
    mine, theirs = lift(lists.state.turn == 0), lift(lists.state.turn == 1)
    was = lift(lists.state.deficits[1]) + in_service < lists.quanta[1] + lists.largest[1]
    first = _Turns(lift(0), mine, z3.If(theirs, 1, 0), lift(0), z3.If(theirs, in_service, 0))
    given = (*sound, lift(lists.state.active[0]), in_service >= 0, z3.Implies(theirs, was))
    return [Obligation(name + "an interval begins", given, _fair(lists, first))]


def _drr_curve() -> list[Obligation]:
    """Bytes of i against the bytes beta that the server did: the other tenants are one aggregate."""
    own, beta, quantum, largest, others, other_largest = z3.Reals("own beta quantum largest others other_largest")
    completed, other, deficit = z3.Reals("completed other deficit")
    given = (
        quantum > 0, largest > 0, largest <= quantum, others >= 0, other_largest >= 0, completed >= 0,
        own > completed * quantum - largest, other <= (completed + 1) * others + other_largest, beta <= own + other,
    )  # fmt: skip
    total = quantum + others
    promised = quantum * beta - quantum * other_largest - others * (quantum + largest)
    lists, ghosts = _lists(2), _turns()
    counts = Obligation(
        "bytes are within turns",
        (*_numbers(lists), _deficits(lists), _fair(lists, ghosts), ghosts.completed >= 0, ghosts.own >= 0),
        z3.And(
            ghosts.own > ghosts.completed * lists.quanta[0] - lists.largest[0],
            ghosts.other <= (ghosts.completed + 1) * lists.quanta[1] + lists.largest[1],
        ),
    )
    rounds = Obligation("turns of the others", given, others * quantum * completed <= others * (own + largest))
    return [
        counts,
        _drr_summing(),
        rounds,
        Obligation("the service curve", (*given, rounds.goal, deficit >= 0), total * own >= promised),
    ]


def _drr_summing() -> Obligation:
    turns, quanta, most, given = z3.Reals("turns quanta most given")
    quantum, largest, more, deficit = z3.Reals("quantum largest more deficit")
    premises = (turns >= 0, quantum > 0, deficit >= 0, more + deficit < turns * quantum + largest,
                given <= turns * quanta + most)  # fmt: skip
    goal = given + more <= turns * (quanta + quantum) + (most + largest)
    return Obligation("the bytes of the others add up", premises, goal)


def _drr_bypass() -> list[Obligation]:
    """A request that waits at the head has had no turn since it came there; so every other tenant has had one at most.

    The anchor is the instant at which it became the head; nothing of its tenant is served while it waits.
    """
    lists, ghosts = _lists(2), _turns()
    whole = z3.Or(ghosts.completed == 0, ghosts.completed >= 1)
    given = (*_numbers(lists), _deficits(lists), _fair(lists, ghosts), ghosts.own == 0, ghosts.completed >= 0, whole)
    goal = z3.And(ghosts.completed == 0, ghosts.begun <= 1, ghosts.other < lists.quanta[1] + lists.largest[1])
    return [Obligation("one turn each", given, goal)]


def _drr_delay() -> list[Obligation]:
    """A request on the curve: its tenant has put `sent` bytes in service since `began`, when its backlog began.

    The request is the last of them, and done at `finish`; by then the server has done `beta` bytes.
    """
    names = "quantum others largest other_largest rate blackout own beta sent size began expected finish share"
    n = {name: z3.Real(name) for name in names.split()}
    total = n["quantum"] + n["others"]
    late = n["quantum"] * n["other_largest"] + n["others"] * (n["quantum"] + n["largest"])
    positive = (n["quantum"] > 0, n["others"] >= 0, n["rate"] > 0, n["own"] > 0, n["size"] > 0,
                n["sent"] >= n["size"], n["own"] * total <= n["quantum"] * n["rate"])  # fmt: skip
    served = (total * n["sent"] >= n["quantum"] * n["beta"] - late,
              n["rate"] * (n["finish"] - n["began"] - n["blackout"]) <= n["beta"])  # fmt: skip
    worked = n["quantum"] * n["rate"] * (n["finish"] - n["began"] - n["blackout"]) <= total * n["sent"] + late
    earned = n["quantum"] * n["rate"] * (n["expected"] - n["began"]) >= total * (n["sent"] - n["size"])
    lateness = n["quantum"] * n["rate"] * (n["finish"] - n["expected"] - n["blackout"])
    return [
        *_expected_of_backlog(),
        Obligation("what the server did until the request is done", (*positive, *served), worked),
        *_earned(n, total, positive, earned),
        Obligation("the request is done in time", (*positive, worked, earned), lateness <= total * n["size"] + late),
        *_drr_formula(n, total, late),
    ]


def _earned(n: dict[str, Any], total: Any, positive: tuple[Any, ...], earned: Any) -> list[Obligation]:
    """What the tenant's share does until the request is expected is all that came before it in the backlog, or more."""
    factor, less, more = z3.Reals("any_factor less more")
    since, before = n["expected"] - n["began"], n["sent"] - n["size"]
    kept = (n["own"] > 0, before >= 0, _paced(n["own"], since, before))
    times = (n["quantum"] * n["rate"] * since >= n["own"] * total * since, total * (n["own"] * since) >= total * before)
    return [
        Obligation("it is expected after its backlog began", kept, since >= 0),
        Obligation("what is less is less by any factor", (factor >= 0, less <= more), factor * less <= factor * more),
        Obligation("what its share does until it is expected", (*positive, *times), earned),
    ]


def _paced(own: Any, since: Any, before: Any) -> Any:
    return invariant("backlog", one_after_the_other=own * since >= before)


def _expected_of_backlog() -> list[Obligation]:
    """While a tenant is backlogged its requests are expected one cost after the other, or later."""
    own, before, began, expected, size, cost, arrival = z3.Reals("own before began expected size cost arrival")
    given = (own > 0, size > 0, own * cost == size, _paced(own, expected - began, before))
    later = goyal_expected_arrival(arrival, expected, cost)
    return [
        Obligation("a backlog begins", (own > 0, arrival >= began), _paced(own, arrival - began, 0)),
        Obligation("another request of it", given, _paced(own, later - began, before + size)),
    ]


def _drr_formula(n: dict[str, Any], total: Any, late: Any) -> list[Obligation]:
    """The bound of the model is that of the proof: l / r and the latency, with r = Q R / F and (F - Q) / Q turns."""
    turns, share = z3.Real("turns"), n["share"]
    given = (n["quantum"] > 0, n["others"] >= 0, n["rate"] > 0, share > 0, n["size"] > 0, share * total ==
             n["quantum"] * n["rate"], turns * n["quantum"] == n["others"])  # fmt: skip
    latency = drr_latency(n["quantum"], n["largest"], n["other_largest"], turns, n["rate"], lift(0))
    own = drr_delay(n["size"], lift(0), share)
    return [
        covers("the latency as a formula", given, n["rate"], latency,
               n["other_largest"] + turns * (n["quantum"] + n["largest"])),
        Obligation("its turns", given,
                   n["quantum"] * (n["other_largest"] + turns * (n["quantum"] + n["largest"])) == late),
        covers("its own cost as a formula", given, share, own, n["size"]),
        Obligation("the two are the bound", given, own + latency == drr_delay(n["size"], latency, share)),
        cancelling(),
    ]  # fmt: skip


CIRCLE = "Under round robin a tenant that waits is served after at most N - 1 services of others."
ONE_TURN = "While a request waits at the head under DRR, any other tenant gets less than Q + L bytes, at most one turn."

THEOREMS: Sequence[Theorem] = (
    Theorem(
        "round-robin-bypass", ("AR-5", "ST-5"), CIRCLE,
        "every horizon; N = 2..16 tenants on the code's own step", obligations=_round_robin_bypass,
        attack=circle_attack(ROUND_ROBIN, 16, ("ST-5", CIRCLE)), limit="N = 2..16", partner="arbiters-work-conserving",
    ),
    Theorem(
        "drr-delay", ("BD-4",),
        "Under DRR every request finishes by EAT + l / r + B + (sum of the others' L + (F - Q) / Q (Q + L)) / R.",
        "every horizon; any number of tenants, quanta, sizes and server (R, B), sum of guarantees at most R",
        ("the service curve of drr-service-curve", "r = Q R / F is at least the guarantee, as quanta are in proportion",
         "while something in contract waits the server does R (t - B) bytes or more in t ns (refresh-rate-latency)"),
        obligations=_drr_delay, invariants=("backlog",),
    ),
    Theorem(
        "drr-bypass", ("AR-6", "ST-5"), ONE_TURN, "every horizon; any number of tenants",
        ("the invariants of drr-service-curve", "quanta are at least the largest request"),
        obligations=_drr_bypass, step=Fraction(2), partner="arbiters-work-conserving",
        attack=share_attack(DRR, unit_tenants(2, 2), 5, ("ST-5", ONE_TURN), lambda _, own: 2 + own),
        abstraction="one tenant is followed against any other",
    ),
    Theorem(
        "drr-service-curve", ("AR-6",),
        "Of beta bytes of service, DRR gives a backlogged tenant at least (Q beta - Q L' - (F - Q)(Q + L)) / F.",
        "every horizon; the turns on the code's own step for N = 2..4, the curve for any number of tenants",
        ("quanta are at least the largest request; F is their sum, L' the sum of the others' largest requests",),
        obligations=lambda: [*(step for count in (2, 3, 4) for step in _drr_steps(count)), *_drr_curve()],
        invariants=("active list", "turns"), limit="N = 2..4 on the code's own step",
        abstraction="one tenant is followed against any other; the rest are an aggregate",
    ),
)  # fmt: skip
