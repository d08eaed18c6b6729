"""Theorems on delay: from expected arrival to finish, the share of a window, and how often others go first.

All of them follow what happens since an *anchor*: an instant t1 with virtual time V1 at which a request of tenant i
finds nothing of its tenant backlogged. Since then
* any other tenant j has had at most w_j (V - V1) + L_j bytes put in service (`share`, proved per tenant on the code);
* tenant i itself exactly w_i (V - V1), since its tags are contiguous (theorem deep-queues);
* its expected arrival time has moved on at least as fast as its tags;
* the server, busy all the while, has done R (t - t1 - B) bytes or more (theorem refresh-rate-latency).
The tenants that are not named are one aggregate: their weights sum to w, their largest requests to L.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.model.algebra import where
from headgate.model.arbiters import SCFQ, SFQ, Arrival, Tenants
from headgate.model.arbiters.sfq import FairQueue
from headgate.model.bounds import pairwise_gap, scfq_delay, sfq_delay
from headgate.model.promise import goyal_expected_arrival
from headgate.proofs.crowds import share_attack
from headgate.proofs.flows import (
    SCFQ_DISCIPLINE,
    SFQ_DISCIPLINE,
    Discipline,
    Flow,
    arrive,
    flow_of,
    near,
    next_head,
    serve,
    sound_flows,
)
from headgate.proofs.invariants import invariant
from headgate.proofs.quotients import cancelling, covers
from headgate.proofs.symbolic import lift
from headgate.proofs.table import unit_tenants
from headgate.proofs.theorem import Obligation, Query, Theorem
from headgate.spec.vocabulary import Request, Schedule

__all__ = ["THEOREMS", "scfq_from_rest_steps", "sfq_delay_steps", "sfq_share_steps"]


@attrs.frozen
class _Share:
    """The ghosts of one tenant since the anchor: cost put in service, and the finish tag of the last of it."""

    anchor: Any
    cost: Any
    finish: Any


def _share(number: int) -> _Share:
    return _Share(z3.Real("anchor"), *z3.Reals(f"given{number} finish{number}"))


def _bounded(discipline: Discipline, virtual: Any, flow: Flow, share: _Share) -> Any:
    """What was put in service since the anchor is covered by tags, and the tags by the virtual time.

    SFQ's tags begin at the anchor or later; SCFQ's may begin up to one request before it, and end by now.
    """
    slack = lift(0) if discipline is SFQ_DISCIPLINE else flow.largest
    return invariant(
        f"{discipline.policy.name} share",
        cost_covered=z3.Or(share.cost == 0, share.cost <= share.finish - share.anchor + slack),
        finish_before_head=z3.Or(share.cost == 0, share.finish <= flow.position),
        anchor_passed=share.anchor <= virtual,
    )


def _share_steps(discipline: Discipline) -> list[Obligation]:
    """Any one tenant (0) beside another (1) on the code; further ones are an environment, as for the gap."""
    virtual, cost, later = z3.Reals("virtual cost later")
    flows, share = [flow_of(0), flow_of(1)], _share(0)
    given = [*sound_flows(discipline, virtual, flows), _bounded(discipline, virtual, flows[0], share)]
    nothing = _Share(virtual, lift(0), flows[0].last)
    env = z3.And(virtual <= later, *(z3.Implies(f.queued, later <= discipline.chosen_tag(f)) for f in flows))
    idle = [attrs.evolve(flow, queued=flow.queued, busy=flow.queued) for flow in flows]
    most = share.cost <= virtual - share.anchor + flows[0].largest
    return [
        Obligation("the anchor, tenant not in service", tuple(given[:2]),
                   _bounded(discipline, virtual, flows[0], nothing)),
        _anchor_in_service(discipline, virtual, flows),
        Obligation("somebody else is served", (*given, env), z3.And(
            *sound_flows(discipline, later, idle), _bounded(discipline, later, idle[0], share))),
        *_share_arrivals(discipline, virtual, flows, share, given, cost),
        *(_share_service(discipline, virtual, flows, share, given, cost, order) for order in ((0, 1), (1, 0))),
        _share_rest(discipline, virtual, flows, share, given),
        Obligation("and so the share is bounded", tuple(given), most),
    ]  # fmt: skip


def _anchor_in_service(discipline: Discipline, virtual: Any, flows: list[Flow]) -> Obligation:
    """A request in service at the anchor counts in full: it began at V1 under SFQ, and ends at V1 under SCFQ."""
    size = z3.Real("in_service")
    flow = flows[0]
    end = virtual + size if discipline is SFQ_DISCIPLINE else virtual
    given = (*sound_flows(discipline, virtual, flows), size > 0, size <= flow.largest, end <= flow.position, flow.busy)
    return Obligation("the anchor, tenant in service", given,
                      _bounded(discipline, virtual, flow, _Share(virtual, size, end)))  # fmt: skip


def _share_arrivals(
    discipline: Discipline, virtual: Any, flows: list[Flow], share: _Share, given: list[Any], cost: Any
) -> list[Obligation]:
    obligations = []
    for who in (0, 1):
        after_virtual, after, _ = arrive(discipline, virtual, flows, who, cost)
        goal = _bounded(discipline, after_virtual, after[0], share)
        obligations.append(
            Obligation(f"a request of tenant {who} arrives", (*given, cost > 0, cost <= flows[who].largest), goal)
        )
    return obligations


def _share_service(
    discipline: Discipline,
    virtual: Any,
    flows: list[Flow],
    share: _Share,
    given: list[Any],
    cost: Any,
    order: tuple[int, int],
) -> Obligation:
    _, tenant, after_virtual, after = serve(discipline, virtual, flows, cost, order)
    mine = lift(tenant == 0)
    counted = _Share(
        share.anchor, z3.If(mine, share.cost + flows[0].cost, share.cost), z3.If(mine, flows[0].end, share.finish)
    )
    premises = (*given, z3.Or(flows[0].queued, flows[1].queued), next_head(flows, tenant, cost))
    name = f"one of the two is served, tenant {order[0]} on a tie"
    return Obligation(name, premises, _bounded(discipline, after_virtual, after[0], counted))


def _share_rest(discipline: Discipline, virtual: Any, flows: list[Flow], share: _Share, given: list[Any]) -> Obligation:
    state = discipline.policy.rest(FairQueue(virtual, tuple(flow.last for flow in flows)))
    idle = [attrs.evolve(flow, busy=lift(False)) for flow in flows]
    premises = (*given, *(z3.Not(flow.queued) for flow in flows))
    return Obligation("a busy period ends", premises, _bounded(discipline, state.virtual, idle[0], share))


def _summing() -> Obligation:
    """One tenant more in the aggregate: weights, largest requests and bytes add up."""
    passed, weight, largest, given = z3.Reals("passed weight largest given")
    more_weight, more_largest, more_given = z3.Reals("more_weight more_largest more_given")
    premises = (passed >= 0, weight > 0, more_weight >= 0, given <= weight * passed + largest,
                more_given <= more_weight * passed + more_largest)  # fmt: skip
    goal = given + more_given <= (weight + more_weight) * passed + (largest + more_largest)
    return Obligation("the shares of the others add up", premises, goal)


def _in_bytes() -> Obligation:
    """A share in cost is one in bytes: cost = bytes / weight."""
    cost, weight, passed, largest = z3.Reals("cost weight passed largest")
    premises = (weight > 0, cost <= passed + largest)
    return Obligation(
        "a share in cost is a share in bytes", premises, weight * cost <= weight * passed + weight * largest
    )


def _expected_moves(discipline: Discipline) -> list[Obligation]:
    """EAT - t1 >= S - V1 from the anchor on, by the code's stamp and Goyal's recursion.

    A request either is stamped where its tenant's last tag ends, or it is an anchor: that tag has been passed and
    nothing of the tenant is backlogged. In between the server is busy, since at the end of a busy period every tag
    has been passed.
    """
    virtual, begin, end, cost, next_cost = z3.Reals("virtual begin end cost next_cost")
    expected, arrival, began, anchor = z3.Reals("expected arrival began anchor")
    state = FairQueue(virtual, (end, z3.Real("last1")))
    _, stamp = discipline.policy.stamp(state, 0, Arrival(arrival, next_cost, next_cost, lift(0)))
    following = goyal_expected_arrival(arrival, expected, cost)
    costs = (end == begin + cost, cost > 0, next_cost > 0)
    before = invariant("expected arrival", moves_with_tags=expected - began >= begin - anchor)
    after = invariant("expected arrival", moves_with_tags=following - began >= stamp.begin - anchor)
    return [
        Obligation("behind the last tag, the expected arrival moves on as fast", (*costs, before, virtual <= end),
                   after),
        Obligation("past the last tag, a request is an anchor", (*costs, end <= virtual), z3.And(
            stamp.begin == virtual, following >= arrival)),
        *_backlogged_tags(discipline),
    ]  # fmt: skip


def _backlogged_tags(discipline: Discipline) -> list[Obligation]:
    virtual = z3.Real("virtual")
    flows = [flow_of(0), flow_of(1)]
    sound = sound_flows(discipline, virtual, flows)
    rested = discipline.policy.rest(FairQueue(virtual, tuple(flow.last for flow in flows)))
    idle = tuple(z3.Not(flow.queued) for flow in flows)
    return [
        Obligation("the last tag of a backlogged tenant is not passed", (*sound, flows[0].busy),
                   virtual <= flows[0].last),
        Obligation("at the end of a busy period every tag is", (*sound, *idle), z3.And(
            *(rested.virtual >= flow.last for flow in flows))),
    ]  # fmt: skip


def _own_share() -> Obligation:
    """A tenant that is backlogged from the anchor on has been given the way of its position (SFQ's bracket)."""
    virtual, anchor, begun, position, largest, given = z3.Reals("virtual anchor begun position largest given")
    premises = (
        near(SFQ_DISCIPLINE, anchor, begun, largest), near(SFQ_DISCIPLINE, virtual, position, largest),
        given == position - begun, largest > 0,
    )  # fmt: skip
    return Obligation("a backlogged tenant lags by one request at most", premises, given >= virtual - anchor - largest)


def _setting() -> dict[str, Any]:
    names = ("rate", "own", "rest", "others", "largest", "size", "blackout", "passed", "began", "expected", "finish",
             "others_given", "own_given", "background")  # fmt: skip
    return {name: z3.Real(name) for name in names}


def _common(n: dict[str, Any]) -> tuple[Any, ...]:
    """What is known at the finish: V - V1 = `passed`, the bytes put in service since the anchor, the server's work."""
    work = n["others_given"] + n["own_given"] + n["background"]
    return (
        n["rate"] > 0, n["own"] > 0, n["rest"] >= 0, n["own"] + n["rest"] <= n["rate"], n["blackout"] >= 0,
        n["size"] > 0, n["size"] <= n["largest"], n["others"] >= 0, n["passed"] >= 0, n["background"] >= 0,
        n["others_given"] <= n["rest"] * n["passed"] + n["others"],
        n["rate"] * (n["finish"] - n["began"] - n["blackout"]) <= work,
    )  # fmt: skip


def _sfq_conclusion() -> list[Obligation]:
    n = _setting()
    given = (
        *_common(n),
        n["own_given"] == n["own"] * n["passed"] + n["size"],
        invariant("expected arrival", moves_with_tags=n["expected"] - n["began"] >= n["passed"]),
    )
    late = n["rate"] * (n["finish"] - n["expected"])
    bound = n["size"] + n["others"] + n["background"] + n["rate"] * n["blackout"]
    promise = sfq_delay(n["largest"], n["others"] + n["background"], n["rate"], n["blackout"])
    return [
        Obligation("the request is done in time", given, late <= bound),
        covers("the bound as a formula", (n["size"] <= n["largest"],), n["rate"], promise, bound),
        cancelling(),
    ]


def _scfq_conclusion() -> list[Obligation]:
    """The tag that passed is the finish tag: the request's own cost is on top of its expected arrival."""
    n, cost = _setting(), z3.Real("cost")
    moved = invariant("expected arrival", moves_with_tags=n["expected"] - n["began"] >= n["passed"] - cost)
    given = (*_common(n), n["own_given"] == n["own"] * n["passed"], n["own"] * cost == n["size"], moved)
    late = n["rate"] * (n["finish"] - n["expected"] - cost)
    bound = n["others"] + n["background"] + n["rate"] * n["blackout"]
    rest = scfq_delay(0, n["others"] + n["background"], n["rate"], n["blackout"], n["own"])
    own = scfq_delay(n["largest"], 0, n["rate"], 0, n["own"])
    whole = scfq_delay(n["largest"], n["others"] + n["background"], n["rate"], n["blackout"], n["own"])
    return [
        Obligation("the request is done in time", given, late <= bound),
        Obligation("its cost is at most that of the largest", given, cost * n["own"] <= n["largest"]),
        covers("the share of the others as a formula", (n["own"] > 0,), n["rate"], rest, bound),
        covers("its own share as a formula", (n["rate"] > 0,), n["own"], own, n["largest"]),
        cancelling(),
        Obligation("the two are the bound", (n["rate"] > 0, n["own"] > 0), own + rest == whole),
    ]  # fmt: skip


def _share_conclusion() -> list[Obligation]:
    """A tenant backlogged from the anchor on has had V - V1 - l_i of cost, or more, put in service (the bracket)."""
    n, given_cost = _setting(), z3.Real("given_cost")
    window = n["finish"] - n["began"]
    work = n["others_given"] + n["own"] * given_cost
    given = (
        *_common(n)[:11], given_cost >= 0, n["own"] * given_cost >= n["own"] * n["passed"] - n["largest"],
        n["rate"] * (window - n["blackout"]) <= work,
    )  # fmt: skip
    promised = n["own"] * (n["rate"] * (window - n["blackout"]) - n["others"]) - n["rate"] * n["largest"]
    rest = Obligation(
        "what passed is at most what was given and one request", given,
        n["rest"] * n["own"] * n["passed"] <= n["rest"] * (n["own"] * given_cost + n["largest"]),
    )  # fmt: skip
    return [
        rest,
        Obligation("the share of the window", (*given, rest.goal), n["rate"] * n["own"] * given_cost >= promised),
    ]


def sfq_share_steps() -> list[Obligation]:
    """Return the steps of theorem sfq-share."""
    return [*_share_steps(SFQ_DISCIPLINE), _own_share(), _in_bytes(), _summing(), *_share_conclusion()]


def _delay(discipline: Discipline, conclusion: Callable[[], list[Obligation]]) -> Callable[[], list[Obligation]]:
    return lambda: [*_share_steps(discipline), _in_bytes(), _summing(), *_expected_moves(discipline), *conclusion()]


def sfq_delay_steps() -> list[Obligation]:
    """Return the steps of theorem sfq-delay."""
    return _delay(SFQ_DISCIPLINE, _sfq_conclusion)()


def scfq_from_rest_steps() -> list[Obligation]:
    """Return the steps by which a tenant that was not backlogged at the anchor has had w (V - V1) and no more of SCFQ.

    So it is with all of them where the server was at rest, or did background work, when the anchor came.
    """
    virtual, cost, later = z3.Reals("virtual cost later")
    flows, share = [flow_of(0), flow_of(1)], _share(0)
    sound = sound_flows(SCFQ_DISCIPLINE, virtual, flows)
    given = (*sound, _from_rest(virtual, flows[0], share))
    env = z3.And(virtual <= later, *(z3.Implies(f.queued, later <= f.end) for f in flows))
    idle = [attrs.evolve(flow, busy=flow.queued) for flow in flows]
    at_rest = [attrs.evolve(flow, queued=lift(False), busy=lift(False)) for flow in flows]
    steps = [
        Obligation("the anchor, at rest", tuple(sound_flows(SCFQ_DISCIPLINE, virtual, at_rest)),
                   _from_rest(virtual, at_rest[0], _Share(virtual, lift(0), virtual))),
        Obligation("from rest, somebody else is served", (*given, env), _from_rest(later, idle[0], share)),
    ]  # fmt: skip
    for who in (0, 1):
        after_virtual, after, _ = arrive(SCFQ_DISCIPLINE, virtual, flows, who, cost)
        arrives = (*given, cost > 0, cost <= flows[who].largest)
        goal = _from_rest(after_virtual, after[0], share)
        steps.append(Obligation(f"from rest, a request of tenant {who} arrives", arrives, goal))
    for order in ((0, 1), (1, 0)):
        _, tenant, after_virtual, after = serve(SCFQ_DISCIPLINE, virtual, flows, cost, order)
        counted = where(lift(tenant == 0), _Share(share.anchor, share.cost + flows[0].cost, flows[0].end), share)
        premises = (*given, z3.Or(flows[0].queued, flows[1].queued), next_head(flows, tenant, cost))
        name = f"from rest, one of the two is served, tenant {order[0]} on a tie"
        steps.append(Obligation(name, premises, _from_rest(after_virtual, after[0], counted)))
    covered = share.cost <= virtual - share.anchor
    return [*steps, Obligation("and so the share from rest has no request on top", given, covered)]


def _from_rest(virtual: Any, flow: Flow, share: _Share) -> Any:
    return invariant(
        "scfq share from rest",
        cost_covered=share.cost <= share.finish - share.anchor,
        finish_before_head=z3.Implies(flow.queued, share.finish <= flow.begin),
        finish_reached=share.finish <= virtual,
    )


def _bypass(discipline: Discipline) -> Callable[[], list[Obligation]]:
    """While a head waits the virtual time does not pass its tag, so that others get their share of its own cost."""

    def steps() -> list[Obligation]:
        virtual = z3.Real("virtual")
        flows, share = [flow_of(0), flow_of(1)], _share(1)
        waiting = flows[0]
        came = share.anchor <= waiting.begin, waiting.begin <= share.anchor + waiting.largest
        if discipline is SCFQ_DISCIPLINE:
            came = waiting.begin <= share.anchor, share.anchor <= waiting.end
        given = (*sound_flows(discipline, virtual, flows), _bounded(discipline, virtual, flows[1], share),
                 waiting.queued, *came)  # fmt: skip
        return [
            *_share_steps(discipline),
            Obligation("no tenant gets more than both largest costs while a head waits", given,
                       share.cost <= waiting.largest + flows[1].largest),
        ]  # fmt: skip

    return steps


def _late_attack(
    policy: str, clause: str, requests: tuple[Request, ...], latency: Fraction
) -> Callable[[Fraction], Query]:
    """Return the search whose one candidate is `requests`, by two tenants of 2/5 B/ns on a channel that serves 8/10.

    The worst case is known from the proof; the replay decides whether it is one.
    """

    def attack(tighter: Fraction) -> Query:
        weights = (Fraction(2, 5), Fraction(2, 5))
        channel = {"peak": Fraction(1), "interval": Fraction(10), "blackout": Fraction(2)}
        parameters = {**channel, "weights": weights, "tenant": 1, "latency": latency, "tighter_by": tighter}
        statement = f"Under {policy.upper()} a request finishes within its bound of its expected arrival."
        schedule = Schedule(clause, statement, "arbiter", policy, "late", parameters, requests)
        return Query((z3.BoolVal(True),), lambda model: schedule)

    return attack


def _share_attack(tighter: Fraction) -> Query:
    """Tenant 1 has just had its largest request when tenant 0 begins two of its own, one behind the other's back."""
    parameters = {"weights": (Fraction(1, 2),) * 2, "peak": Fraction(1), "tenant": 1, "tighter_by": tighter}
    requests = (Request(1, 0, 8), *(Request(who, 1, 8) for who in (0, 0, 1, 1)))
    statement = "Backlogged, a tenant gets g (t - B) - g (sum of the others' L) / R - L bytes or more under SFQ."
    schedule = Schedule("FQ-5", statement, "arbiter", "sfq", "deficit", parameters, requests)
    return Query((z3.BoolVal(True),), lambda model: schedule)


# Nine bytes behind the other tenant's eight, from the beginning of a blackout.
SFQ_WORST = _late_attack(
    "sfq", "FQ-5", (Request(0, 0, 8), Request(1, 0, 9)),
    Fraction(sfq_delay(9, 8, Fraction(4, 5), 2)),
)  # fmt: skip
# Nine bytes go into service just before, and four more of the same tenant win the tie.
SCFQ_WORST = _late_attack(
    "scfq", "FQ-6", (Request(0, 0, 9), Request(0, 0, 4), Request(1, 1, 4)),
    Fraction(scfq_delay(4, 9, Fraction(4, 5), 2, Fraction(2, 5))),
)  # fmt: skip

BOTH_COSTS = "While a request waits at the head under {}, any other tenant gets at most both their largest costs."
# A third tenant, which wins every tie, sets the virtual time; then tenant 0 wins a tie against tenant 1.
THIRD_FIRST = Tenants(3, (2, 0, 1), (1, 1, 0), (2, 2, 2))
ANY = "every horizon; any number of tenants, weights and sizes; any server of rate R and blackouts up to B"
AGGREGATE = "all tenants but two are an environment; their shares are one aggregate"
BUSY = (
    "the guarantees sum to at most R",
    "while something in contract waits the server does R (t - B) bytes or more in t ns (refresh-rate-latency)",
    "positions move by the cost served (theorems sfq-code, scfq-code)",
    "at most one request of the background is in the way, where there is a background",
)

THEOREMS: Sequence[Theorem] = (
    Theorem(
        "sfq-delay", ("FQ-5", "PR-3", "ST-6"),
        "Under SFQ every request finishes by EAT + (l + sum of the others' L) / R + B, plus L / R with a background.",
        ANY, BUSY, obligations=sfq_delay_steps, attack=SFQ_WORST,
        invariants=("sfq share", "expected arrival"), abstraction=AGGREGATE,
        partner="arbiters-work-conserving",
    ),
    Theorem(
        "scfq-delay", ("FQ-6",),
        "Under SCFQ every request finishes by EAT + l / g + (sum of the others' L) / R + B.",
        ANY, BUSY, obligations=_delay(SCFQ_DISCIPLINE, _scfq_conclusion), attack=SCFQ_WORST,
        step=Fraction(2), invariants=("scfq share", "expected arrival"), abstraction=AGGREGATE,
        partner="arbiters-work-conserving",
    ),
    Theorem(
        "sfq-share", ("FQ-4", "FQ-5"),
        "A backlogged tenant gets at least g (t - B) - g (sum of the others' L) / R - L bytes in any t ns under SFQ.",
        ANY, BUSY[:3], obligations=sfq_share_steps, attack=_share_attack,
        invariants=("sfq share",), abstraction=AGGREGATE,
        partner="sfq-pairwise-gap",
    ),
    Theorem(
        "sfq-bypass", ("FQ-3", "ST-5", "ST-6"),
        BOTH_COSTS.format("SFQ"), ANY, obligations=_bypass(SFQ_DISCIPLINE),
        attack=share_attack(SFQ, unit_tenants(2, 2), 4, ("FQ-3", BOTH_COSTS.format("SFQ")), pairwise_gap),
        invariants=("sfq share",), abstraction=AGGREGATE, partner="arbiters-work-conserving",
    ),
    Theorem(
        "scfq-bypass", ("FQ-6", "ST-5"),
        BOTH_COSTS.format("SCFQ"), ANY, obligations=_bypass(SCFQ_DISCIPLINE),
        attack=share_attack(SCFQ, THIRD_FIRST, 4, ("FQ-6", BOTH_COSTS.format("SCFQ")), pairwise_gap),
        invariants=("scfq share",), abstraction=AGGREGATE, partner="arbiters-work-conserving",
    ),
)  # fmt: skip
