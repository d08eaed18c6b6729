"""Theorems on service by turns: round robin's bypass; the service curve and the pairwise gap of deficit round robin.

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
from headgate.model.bounds import drr_delay, drr_latency, drr_request_delay, round_gap
from headgate.model.promise import goyal_expected_arrival
from headgate.proofs.crowds import circle_attack, share_attack
from headgate.proofs.decoding import schedule_of
from headgate.proofs.invariants import invariant
from headgate.proofs.quotients import cancelling, covers
from headgate.proofs.symbolic import decide, lift
from headgate.proofs.table import unit_tenants
from headgate.proofs.theorem import Obligation, Query, Theorem
from headgate.spec.vocabulary import Request, Schedule

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


# Tenant i, and the tenant j that it is held against; the code treats numbers alike but for ties.
_Pair = tuple[int, int]
PAIRS: tuple[_Pair, ...] = ((0, 1), (1, 0))
CODE_TENANTS = range(2, 9)


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
    """Who waits is in the list, whoever joins it comes last, and the two that are followed have places of their own."""
    state, tenants = lists.state, range(len(lists.waiting))
    active, ranks = [lift(a) for a in state.active], [lift(r) for r in state.ranks]
    return invariant(
        "active list",
        ranks_given=z3.And(*(z3.Implies(active[x], ranks[x] < lift(state.next_rank)) for x in tenants)),
        who_waits_is_in=z3.And(*(z3.Implies(lists.waiting[x], active[x]) for x in tenants)),
        places_differ=z3.Implies(z3.And(active[0], active[1]), ranks[0] != ranks[1]),
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


def _turns(pair: _Pair) -> _Turns:
    i, j = pair
    completed, begun = z3.Reals(f"completed{i} begun{j}")
    return _Turns(completed, z3.Bool(f"partial{i}"), begun, *z3.Reals(f"own{i} other{j}"))


def _fair(lists: _Lists, ghosts: _Turns, pair: _Pair) -> Any:
    """The ghosts of the pair (i, j), of which i has been backlogged since the anchor."""
    state, (i, j) = lists.state, pair
    mine, theirs = lift(state.turn == i), lift(state.turn == j)
    ahead = z3.And(lift(state.active[j]), lift(state.ranks[j]) < lift(state.ranks[i]), z3.Not(theirs))
    counted = z3.And(mine, z3.Not(ghosts.partial))
    return invariant(
        "turns",
        at_most_one_more=ghosts.begun <= ghosts.completed + 1,
        none_more_if_ahead=z3.Implies(ahead, ghosts.begun <= ghosts.completed),
        partial_is_first=z3.Implies(ghosts.partial, z3.And(mine, ghosts.begun == 0, ghosts.completed == 0)),
        others_paid=ghosts.other + lift(state.deficits[j]) < ghosts.begun * lists.quanta[j] + lists.largest[j],
        own_paid=ghosts.own + lift(state.deficits[i]) >= (ghosts.completed + z3.If(counted, 1, 0)) * lists.quanta[i],
        listed=lift(state.active[i]),
    )


def _numbers(lists: _Lists) -> tuple[Any, ...]:
    return tuple(z3.And(m > 0, m <= q) for q, m in zip(lists.quanta, lists.largest, strict=True))


def _drr_steps(count: int) -> list[Obligation]:
    """The list keeps its order, and the turns of either of two tenants stay within one of the other's."""
    lists = _lists(count)
    sound = (*_numbers(lists), _ordered(lists), _deficits(lists))
    name = f"N = {count}: "
    idle = attrs.evolve(lists, waiting=(lift(False),) * count)
    begin = attrs.evolve(idle, state=start(Tenants(count, tuple(range(count)), (0,) * count, lists.quanta)))
    rested = attrs.evolve(idle, state=rest(lists.state))
    service = _service(lists)
    return [
        Obligation(name + "at first", _numbers(lists), _ordered(begin)),
        Obligation(name + "a busy period ends", (*sound, *(z3.Not(w) for w in lists.waiting)), _ordered(rested)),
        *_drr_arrivals(lists, sound, name),
        Obligation(name + "a service, the list", (*sound, *service.sizes, z3.Or(*lists.waiting)),
                   _ordered(service.after)),
        *(_drr_service(lists, sound, service, pair, name) for pair in PAIRS),
        *(_drr_anchor(lists, sound, pair, name) for pair in PAIRS),
    ]  # fmt: skip


def _drr_arrivals(lists: _Lists, sound: tuple[Any, ...], name: str) -> list[Obligation]:
    ghosts = [_turns(pair) for pair in PAIRS]
    given = (*sound, *(_fair(lists, each, pair) for each, pair in zip(ghosts, PAIRS, strict=True)))
    obligations = []
    for who in range(len(lists.waiting)):
        state, _ = stamp(lists.state, who, Arrival(lift(0), lift(1), lift(1), lift(0)))
        waiting = tuple(lift(True) if k == who else w for k, w in enumerate(lists.waiting))
        after = attrs.evolve(lists, state=state, waiting=waiting)
        goal = z3.And(_ordered(after), *(_fair(after, each, pair) for each, pair in zip(ghosts, PAIRS, strict=True)))
        obligations.append(Obligation(f"{name}a request of tenant {who} arrives", given, goal))
    return obligations


@attrs.frozen
class _Service:
    """One run of the code's select: heads and what is known of their sizes, who is served, the lists after it."""

    heads: tuple[Stamp, ...]
    sizes: tuple[Any, ...]
    served: Any
    goes_on: Any
    after: _Lists


def _service(lists: _Lists) -> _Service:
    """Run the code's select; what the tenant that is served leaves behind is anybody's guess."""
    count = len(lists.waiting)
    heads = tuple(Stamp(lift(0), lift(0), size, lift(0)) for size in z3.Reals([f"size{k}" for k in range(count)]))
    sizes = tuple(z3.And(h.size > 0, h.size <= m) for h, m in zip(heads, lists.largest, strict=True))
    tenants = Tenants(count, tuple(range(count)), (0,) * count, lists.quanta)
    _, served, state = select(lists.state, tenants, heads, lists.waiting)
    goes_on = z3.Or(*(z3.And(lift(lists.state.turn == k), lists.waiting[k], heads[k].size <= lists.state.deficits[k])
                      for k in range(count)))  # fmt: skip
    more = tuple(z3.Bool(f"more{k}") for k in range(count))
    waiting = tuple(z3.If(lift(served == k), more[k], lists.waiting[k]) for k in range(count))
    return _Service(heads, sizes, served, goes_on, attrs.evolve(lists, state=state, waiting=waiting))


def _drr_service(lists: _Lists, sound: tuple[Any, ...], service: _Service, pair: _Pair, name: str) -> Obligation:
    """Tenant i is backlogged, so that it waits."""
    ghosts = _turns(pair)
    given = (*sound, _fair(lists, ghosts, pair), ghosts.completed >= 0, ghosts.own >= 0)
    goal = _fair(service.after, _moved(lists, ghosts, service, pair), pair)
    premises = (*given, *service.sizes, lists.waiting[pair[0]])
    return Obligation(f"{name}a service, the turns of {pair[0]} and {pair[1]}", premises, goal)


def _moved(lists: _Lists, ghosts: _Turns, service: _Service, pair: _Pair) -> _Turns:
    i, j = pair
    ends, begins = z3.Not(service.goes_on), z3.And(z3.Not(service.goes_on), lift(service.served == j))
    over = z3.And(ends, lift(lists.state.turn == i))
    return _Turns(
        z3.If(z3.And(over, z3.Not(ghosts.partial)), ghosts.completed + 1, ghosts.completed),
        z3.And(ghosts.partial, service.goes_on),
        z3.If(begins, ghosts.begun + 1, ghosts.begun),
        z3.If(lift(service.served == i), ghosts.own + service.heads[i].size, ghosts.own),
        z3.If(lift(service.served == j), ghosts.other + service.heads[j].size, ghosts.other),
    )


def _drr_anchor(lists: _Lists, sound: tuple[Any, ...], pair: _Pair, name: str) -> Obligation:
    """An interval may begin at any time; what is in service then counts in full for another tenant."""
    in_service, (i, j) = z3.Real("in_service"), pair
    mine, theirs = lift(lists.state.turn == i), lift(lists.state.turn == j)
    was = lift(lists.state.deficits[j]) + in_service < lists.quanta[j] + lists.largest[j]
    first = _Turns(lift(0), mine, z3.If(theirs, 1, 0), lift(0), z3.If(theirs, in_service, 0))
    given = (*sound, lift(lists.state.active[i]), in_service >= 0, z3.Implies(theirs, was))
    return Obligation(f"{name}an interval begins for {i} and {j}", given, _fair(lists, first, pair))


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
    rounds = Obligation("turns of the others", given, others * quantum * completed <= others * (own + largest))
    return [
        _drr_summing(),
        rounds,
        Obligation("the service curve", (*given, rounds.goal, deficit >= 0), total * own >= promised),
    ]


def _within_turns() -> Obligation:
    """What the ghosts say of the bytes of i (0) and of j (1)."""
    lists, ghosts = _lists(2), _turns(PAIRS[0])
    given = (*_numbers(lists), _deficits(lists), _fair(lists, ghosts, PAIRS[0]), ghosts.completed >= 0, ghosts.own >= 0)
    goal = z3.And(
        ghosts.own > ghosts.completed * lists.quanta[0] - lists.largest[0],
        ghosts.other < (ghosts.completed + 1) * lists.quanta[1] + lists.largest[1],
    )
    return Obligation("bytes are within turns", given, goal)


def _drr_summing() -> Obligation:
    turns, quanta, most, given = z3.Reals("turns quanta most given")
    quantum, largest, more, deficit = z3.Reals("quantum largest more deficit")
    premises = (turns >= 0, quantum > 0, deficit >= 0, more + deficit < turns * quantum + largest,
                given <= turns * quanta + most)  # fmt: skip
    goal = given + more <= turns * (quanta + quantum) + (most + largest)
    return Obligation("the bytes of the others add up", premises, goal)


def drr_from_rest_steps() -> list[Obligation]:
    """Return the steps by which turns pay for all that a tenant got since the list was empty, with no deficit."""
    return [step for count in CODE_TENANTS for step in _from_rest_steps(count)]


def _from_rest(lists: _Lists, ghosts: _Turns, who: int) -> Any:
    paid = ghosts.other + lift(lists.state.deficits[who]) <= ghosts.begun * lists.quanta[who]
    return invariant("turns from rest", all_is_paid=paid)


def _from_rest_steps(count: int) -> list[Obligation]:
    lists, pair, name = _lists(count), PAIRS[0], f"N = {count}: from rest, "
    ghosts, service, j = _turns(pair), _service(lists), pair[1]
    given = (*_numbers(lists), _ordered(lists), _deficits(lists), _from_rest(lists, ghosts, j))
    empty = attrs.evolve(lists, state=rest(lists.state))
    nothing = attrs.evolve(ghosts, begun=lift(0), other=lift(0))
    steps = [
        Obligation(name + "nobody is in the list", _numbers(lists), _from_rest(empty, nothing, j)),
        Obligation(name + "a service", (*given, *service.sizes, z3.Or(*lists.waiting)),
                   _from_rest(service.after, _moved(lists, ghosts, service, pair), j)),
    ]  # fmt: skip
    for who in range(count):
        state, _ = stamp(lists.state, who, Arrival(lift(0), lift(1), lift(1), lift(0)))
        after = attrs.evolve(lists, state=state)
        steps.append(Obligation(f"{name}a request of tenant {who} arrives", given, _from_rest(after, ghosts, j)))
    within = (ghosts.begun <= ghosts.completed + 1, lists.quanta[j] > 0)
    got = ghosts.other <= ghosts.begun * lists.quanta[j]
    return [*steps, Obligation(name + "its bytes", given, got), Obligation(name + "its turns", within,
            ghosts.begun * lists.quanta[j] <= (ghosts.completed + 1) * lists.quanta[j])]  # fmt: skip


def _drr_bypass() -> list[Obligation]:
    """A request that waits at the head has had no turn since it came there; so every other tenant has had one at most.

    The anchor is the instant at which it became the head; nothing of its tenant is served while it waits.
    """
    lists, ghosts = _lists(2), _turns(PAIRS[0])
    whole = z3.Or(ghosts.completed == 0, ghosts.completed >= 1)
    given = (
        *_numbers(lists),
        _deficits(lists),
        _fair(lists, ghosts, PAIRS[0]),
        ghosts.own == 0,
        ghosts.completed >= 0,
        whole,
    )
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


def _drr_turns() -> list[Obligation]:
    return [*(step for count in CODE_TENANTS for step in _drr_steps(count)), _within_turns()]


def _drr_gap() -> list[Obligation]:
    """In rounds: bytes over quanta. What is said of (i, j) holds of (j, i) as well."""
    own, other, completed, quantum, largest = z3.Reals("own other completed quantum largest")
    own_rounds, other_rounds, own_most, other_most = z3.Reals("own_rounds other_rounds own_most other_most")
    counted = (quantum > 0, largest > 0, completed >= 0)
    ahead = (other_rounds < completed + 1 + other_most, own_rounds > completed - own_most)
    gap = round_gap(own_most, other_most)
    return [
        Obligation("the rounds of the one that waits", (*counted, own == quantum * own_rounds,
                   largest == quantum * own_most, own > completed * quantum - largest), ahead[1]),
        Obligation("the rounds of the other", (*counted, other == quantum * other_rounds,
                   largest == quantum * other_most, other < (completed + 1) * quantum + largest), ahead[0]),
        Obligation("the gap", ahead, other_rounds - own_rounds < gap),
    ]  # fmt: skip


def _gap_attack(tighter: Fraction) -> Query:
    """Three tenants with quanta of their largest request L: the least L at which a gap of 3 - 2 / L rounds will do.

    Tenant 0 saves all but a byte of a quantum, and then spends two, while tenant 1 saves as much; that one comes when
    tenant 0 is back in the list, which takes a third.
    """
    most = z3.Int("most")
    sizes = [(0, 0, 1), (0, 0, most), (0, 0, most - 1), (0, 0, most), (2, 0, 1), (1, 2, 1), (1, 2, most)]
    domain = (most >= 2, (3 * most - 2) > lift(Fraction(round_gap(1, 1)) - tighter) * most)
    heading = ("AR-9", "Two backlogged tenants drift apart by at most 1 + L_i / Q_i + L_j / Q_j rounds.", "arbiter",
               "drr", "round-gap")  # fmt: skip
    parameters = {"weights": (1,) * 3, "peak": 1, "tighter_by": tighter}
    return Query(domain, lambda model: schedule_of(model, heading, parameters, sizes), (most,))


# ---- the delay of one request ----


def _drr_request() -> list[Obligation]:
    """A request that ends `target` bytes after the anchor of its tenant is served before `target` is exceeded by turns.

    At the anchor nothing of the tenant is backlogged, so that it joins the list without a deficit.
    """
    return [*(step for count in CODE_TENANTS for step in _drr_paid(count)), *_drr_request_delay()]


def _paid(target: Any, turns: _Turns, quantum: Any) -> Any:
    return invariant("turns to pay", not_yet_paid=target > turns.completed * quantum)


def _drr_paid(count: int) -> list[Obligation]:
    """A turn ends only if its deficit does not cover the head, which is the request itself or before it."""
    lists, target, name = _lists(count), z3.Real("target"), f"N = {count}: "
    service, sound = _service(lists), (*_numbers(lists), _ordered(lists), _deficits(lists))
    steps = []
    for pair in PAIRS:
        ghosts, i = _turns(pair), pair[0]
        given = (*sound, _fair(lists, ghosts, pair), ghosts.completed >= 0, ghosts.own >= 0, *service.sizes,
                 lists.waiting[i], target >= ghosts.own + service.heads[i].size,
                 _paid(target, ghosts, lists.quanta[i]))  # fmt: skip
        moved = _moved(lists, ghosts, service, pair)
        steps.append(
            Obligation(f"{name}a service, while tenant {i} waits", given, _paid(target, moved, lists.quanta[i]))
        )
    begin = attrs.evolve(_turns(PAIRS[0]), completed=lift(0))
    first = Obligation(name + "the anchor", (target > 0,), _paid(target, begin, lists.quanta[0]))
    return [first, *steps]


def _drr_request_delay() -> list[Obligation]:
    """`target` is what the tenant sent since the anchor, the request of `size` included; EAT - t1 is what it waits."""
    target, size, quantum, quanta, others, completed = z3.Reals("target size quantum quanta others completed")
    own, other, rate, blackout, lasts, waits = z3.Reals("own other rate blackout lasts waits")
    begun, per_byte, before, arrival, expected = z3.Reals("begun per_byte before arrival expected")
    turns, total, share = _Turns(completed, z3.Bool("partial"), begun, own, other), quantum + quanta, z3.Real("share")
    numbers = (quantum > 0, quanta >= 0, others >= 0, rate > 0, blackout >= 0, size > 0, completed >= 0)
    turned = z3.Real("turned")
    has_turned = (quantum > 0, quanta >= 0, turned == completed * quantum)
    fewer = Obligation("turns that are paid for", (*has_turned, _paid(target, turns, quantum)),
                       quanta * turned <= quanta * target)  # fmt: skip
    taken = Obligation("the bytes of the others", (*has_turned, other <= (completed + 1) * quanta + others),
                       quantum * other <= quanta * turned + quantum * quanta + quantum * others)  # fmt: skip
    paid = Obligation("the turns of the others", (fewer.goal, taken.goal),
                      quantum * other <= (target + quantum) * quanta + quantum * others)  # fmt: skip
    late = quantum * (rate * (lasts - waits - blackout))
    exact = total * size + quantum * (quanta + others)
    waited = rate * (quantum * waits) >= total * (target - size)
    bound = drr_request_delay(size, share, quanta, others, rate, blackout)
    following = goyal_expected_arrival(arrival, expected, size * per_byte)
    return [
        Obligation("an expected arrival is what was sent over the share", (per_byte > 0, size > 0,
                   expected >= before * per_byte), following >= (before + size) * per_byte),
        fewer,
        taken,
        paid,
        Obligation("the request is done in time", (*numbers, paid.goal, own <= target, waited,
                   rate * (lasts - blackout) <= own + other), late <= exact),
        covers("the bound, but for the own share", numbers, rate, drr_request_delay(0, share, quanta, others, rate,
               blackout), quanta + others + rate * blackout),
        covers("the own share", (size > 0, rate > 0), share, drr_request_delay(size, share, 0, 0, rate, 0), size),
        Obligation("the two are the bound", (share > 0, rate > 0), bound == drr_request_delay(
            size, share, 0, 0, rate, 0) + drr_request_delay(0, share, quanta, others, rate, blackout)),
        *_below_the_curve(),
        Obligation("what the share is worth", (*numbers, share > 0, share * total == quantum * rate,
                   share * waits >= target - size), quantum * rate * waits >= total * (target - size)),
    ]  # fmt: skip


def _below_the_curve() -> list[Obligation]:
    """The bound is below that of the service curve (BD-4), by (F - Q) L / (Q R)."""
    size, share, rate, quantum, largest = z3.Reals("size share rate quantum largest")
    quanta, others, blackout, turns = z3.Reals("quanta others blackout turns_of_others")
    more = turns * (quantum + largest)
    latency, sharper = drr_latency(quantum, largest, others, turns, rate, blackout), quanta + others
    own = drr_delay(size, 0, share)
    return [
        Obligation("turns of the others", (quantum > 0, largest > 0, quanta >= 0, turns * quantum == quanta),
                   more >= quanta),
        covers("the latency of the curve", (more >= quanta,), rate, latency, sharper + rate * blackout),
        Obligation("with the own share", (share > 0, rate > 0), own + latency == drr_delay(size, latency, share)),
    ]  # fmt: skip


def _late_attack(tighter: Fraction) -> Query:
    """Tenant 0 has all but a byte of two turns when tenant 1 comes, with a byte and then its largest request."""
    latency = Fraction(drr_request_delay(8, Fraction(1, 2), 8, 8, Fraction(1), 0))
    parameters = {"weights": (Fraction(1, 2),) * 2, "peak": Fraction(1), "tenant": 1, "latency": latency,
                  "tighter_by": tighter}  # fmt: skip
    requests = (*(Request(0, 0, size) for size in (1, 8, 7, 8)), Request(1, 2, 1), Request(1, 2, 8))
    statement = "Under DRR a request finishes by its expected arrival + l / r + (sum of the others' Q + L) / R + B."
    schedule = Schedule("BD-14", statement, "arbiter", "drr", "late", parameters, requests)
    return Query((z3.BoolVal(True),), lambda model: schedule)


CODE_LIMIT = f"N = {CODE_TENANTS[0]}..{CODE_TENANTS[-1]}"
QUANTA = "quanta are at least the largest request"
NAMES = "F is the sum of the quanta, L' the sum of the others' largest requests"
TURNS = "turns pay for bytes, and are one apart at most (theorem drr-turns)"
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
        partner="arbiters-work-conserving",
    ),
    Theorem(
        "drr-bypass", ("AR-6", "ST-5"), ONE_TURN, "every horizon; any number of tenants",
        ("the invariants of drr-turns", "quanta are at least the largest request"),
        obligations=_drr_bypass, step=Fraction(2), partner="arbiters-work-conserving",
        attack=share_attack(DRR, unit_tenants(2, 2), 5, ("ST-5", ONE_TURN), lambda _, own: 2 + own),
        abstraction="one tenant is followed against any other",
    ),
    Theorem(
        "drr-turns", ("AR-6",),
        "While a tenant waits, DRR begins at most one turn more of another than it completes; turns pay for bytes.",
        f"every horizon; {CODE_LIMIT} tenants on the code's own step", (QUANTA,),
        obligations=_drr_turns, invariants=("active list", "turns"), limit=CODE_LIMIT,
        abstraction="one tenant is followed against one other, which may be of the lower number or of the higher",
        partner="arbiters-work-conserving",
    ),
    Theorem(
        "drr-service-curve", ("AR-6",),
        "Of beta bytes of service, DRR gives a backlogged tenant at least (Q beta - Q L' - (F - Q)(Q + L)) / F.",
        "every horizon; any number of tenants", (QUANTA, NAMES, TURNS), obligations=_drr_curve,
        abstraction="one tenant is followed against any other; the rest are an aggregate",
        partner="drr-pairwise-gap",
    ),
    Theorem(
        "drr-pairwise-gap", ("AR-9",),
        "Under DRR two backlogged tenants drift apart by at most 1 + L_i / Q_i + L_j / Q_j rounds.",
        "every horizon; any number of tenants, quanta, sizes and server rates", (QUANTA, TURNS),
        obligations=_drr_gap, attack=_gap_attack, step=Fraction(1, 10), partner="arbiters-work-conserving",
    ),
    Theorem(
        "drr-request-delay", ("BD-14",),
        "Under DRR every request finishes by EAT + l / r + (sum of the others' Q + L) / R + B, r = Q R / F.",
        f"every horizon; any number of tenants; {CODE_LIMIT} tenants on the code's own step",
        (QUANTA, TURNS, "the guarantees sum to at most R, and quanta are in proportion to them, so that r is g or more",
         "while something in contract waits the server does R (t - B) bytes or more in t ns (refresh-rate-latency)"),
        obligations=_drr_request, attack=_late_attack, step=Fraction(4), invariants=("turns to pay",), limit=CODE_LIMIT,
        abstraction="one tenant is followed against any other; the rest are an aggregate",
        partner="arbiters-work-conserving",
    ),
)  # fmt: skip
