"""Theorems on WFQ beside its fluid: the delay, the lag, and what becomes of WFQ if the fluid is too fast.

The virtual time of the fluid divides by a sum over a set that changes, so that here it is its contract (clause WQ-1):
while somebody is backlogged in it, it grows by R / (sum of their weights) in a ns, and a request leaves the fluid when
it reaches the finish tag. The tags themselves are those that the code gives.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import z3

from headgate.model import gps
from headgate.model.arbiters import Stamp, Tenants
from headgate.model.arbiters.wfq import select
from headgate.model.bounds import early_delay, gps_lag, gps_lateness, pairwise_gap, wfq_delay
from headgate.model.gps import Fluid
from headgate.model.promise import goyal_expected_arrival
from headgate.proofs.decoding import schedule_of
from headgate.proofs.invariants import invariant
from headgate.proofs.quotients import covers
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Expect, Obligation, Query, Theorem
from headgate.spec.vocabulary import Schedule

__all__ = ["THEOREMS"]


def _arrival(virtual: Any, last: Any, cost: Any) -> tuple[Any, Any]:
    """Run the code's arrival of a request of tenant 0; return its tags."""
    fluid = Fluid((1, 1), 1, 0, virtual, (last, z3.Real("last_of_another")))
    _, begin, end = gps.arrive(fluid, 0, cost)
    return begin, end


# ---- the delay, in the fluid and after it ----


def _pace() -> list[Obligation]:
    """If the guarantees sum to at most R, the virtual time moves at least as fast as the time."""
    rate, weights, slope, elapsed, moved, part = z3.Reals("rate weights slope elapsed moved part")
    kept = invariant("pace", not_slower=elapsed <= moved)
    return [
        Obligation("the slope is 1 or more", (weights > 0, weights <= rate, slope * weights == rate), slope >= 1),
        Obligation("from one departure to the next", (kept, part >= 0, slope >= 1),
                   invariant("pace", not_slower=elapsed + part <= moved + slope * part)),
    ]  # fmt: skip


def _fluid_delay() -> list[Obligation]:
    """The virtual time passes a start tag by the expected arrival: `began` is when it does, `left` when it passes F."""
    virtual, last, cost, arrival = z3.Reals("virtual last cost arrival")
    expected, expected_before, cost_before, began, left = z3.Reals("expected expected_before cost_before began left")
    begin, end = _arrival(virtual, last, cost)
    positive = (cost > 0, cost_before > 0, expected == goyal_expected_arrival(arrival, expected_before, cost_before))
    before = invariant("fluid", left_in_time=left <= expected_before + cost_before)
    return [
        Obligation("a tag is one cost long", (cost > 0,), end == begin + cost),
        Obligation("a request that finds nothing of its tenant begins at once", (*positive, last <= virtual), z3.And(
            begin == virtual, arrival <= expected)),
        Obligation("behind its tenant's last, when that leaves", (*positive, before, last > virtual), z3.And(
            begin == last, left <= expected)),
        Obligation("and leaves one cost later at most", (began <= expected, cost > 0, invariant(
            "pace", not_slower=left - began <= end - begin)), invariant("fluid", left_in_time=left <= expected + cost)),
    ]  # fmt: skip


def _delay() -> list[Obligation]:
    rate, blackout, largest, size, own = z3.Reals("rate blackout largest size own")
    finish, left, expected, cost = z3.Reals("finish left expected cost")
    positive = (rate > 0, own > 0, own <= rate, blackout >= 0, size > 0, size <= largest, own * cost == size)
    after = gps_lateness(largest, rate, blackout)
    own_part = early_delay(size, 0, rate, 0, own)
    late = z3.Real("late")
    return [
        *_pace(),
        *_fluid_delay(),
        covers("the cost as a formula", (rate > 0, size > 0), own, own_part, size),
        Obligation("the bound is one cost and the lateness", positive,
                   wfq_delay(size, largest, rate, blackout, own) == own_part + after),
        Obligation("the request is done in time", (invariant("fluid", left_in_time=left <= expected + cost),
                   finish <= left + late), finish <= expected + cost + late),
    ]  # fmt: skip


# ---- the lag ----


def _lag() -> list[Obligation]:
    """At t a tenant's first request that is not done has not begun, or its lag is that at its beginning or less.

    `before` is what the tenant had got by then; `left` is when the fluid is done with the request.
    """
    rate, size, largest, now, begin, finish, left = z3.Reals("rate size largest now begin finish left")
    fluid, packets, before, more = z3.Reals("fluid packets before more")
    given = (rate > 0, size > 0, size <= largest, finish <= left + largest / rate, rate * (finish - begin) == size)
    begins = rate * (begin - left) <= largest - size
    reached = z3.Or(fluid <= before + size, fluid - (before + size) <= rate * (now - left))
    return [
        Obligation("when it begins at the latest", given, begins),
        Obligation("the lag until it begins", (rate > 0, size > 0, size <= largest, begins, now <= begin, reached,
                   packets >= before), fluid - packets <= gps_lag(largest)),
        Obligation("while it is served the lag does not grow", (rate > 0, now >= 0, more <= rate * now,
                   fluid - packets <= gps_lag(largest)), (fluid + more) - (packets + rate * now) <= gps_lag(largest)),
    ]  # fmt: skip


# ---- a fluid that is faster than the server ----


def _family() -> tuple[Any, Any, Any]:
    """Return (fluid's rate, requests of each, arrival of the second tenant); the server does 1 B / ns.

    Two equal tenants of `count` requests of 1 byte: the first is there from 0, and alone until the second comes.
    """
    return z3.Int("reference"), z3.Int("count"), z3.Int("second")


def _gap(reference: Any, count: Any, second: Any) -> Any:
    """How much the first gets after the second came, before that gets anything: all up to the second's first tag."""
    virtual = reference * second
    reached = z3.If(count <= virtual + 1, count, virtual + 1)
    return reached - second


def _nominal(tighter: Fraction) -> Query:
    reference, count, second = _family()
    bound = Fraction(pairwise_gap(1, 1)) - tighter
    domain = (reference >= 2, reference <= 16, second >= 1, count <= 64, count >= reference * second,
              _gap(reference, count, second) > lift(bound))  # fmt: skip
    heading = ("WQ-6", "Two backlogged tenants drift apart by at most L_i / w_i + L_j / w_j.", "arbiter", "wfq", "gap")
    parameters = {"weights": (1, 1), "peak": 1, "reference": reference, "tighter_by": tighter}

    def decode(model: z3.ModelRef) -> Schedule:
        many, at = (model.eval(term, model_completion=True).as_long() for term in (count, second))
        requests = [(0, 0, 1)] * many + [(1, at, 1)] * many
        return schedule_of(model, heading, parameters, requests)

    return Query(domain, decode, (count, reference, second))


def _grows() -> list[Obligation]:
    """The first tenant's finish tags are 1, 2, ...; the second's begin where the virtual time is when it comes."""
    reference, second, served, bound = z3.Reals("reference second served bound")
    number = z3.Real("number")
    first_begin, first_end = _arrival(lift(0), number, lift(1))
    late_begin, late_end = _arrival(reference * second, lift(0), lift(1))
    tenants = Tenants(2, (0, 1), (0, 0), (lift(1), lift(1)))
    heads = (Stamp(served, served + 1, lift(1), lift(0)), Stamp(late_begin, late_end, lift(1), lift(1)))
    _, tenant, _ = select(gps.fresh((1, 1), 1), tenants, heads, (True, True))
    fast = (reference > 1, second > 0)
    return [
        Obligation("the tags of the first", (number >= 0,), z3.And(first_begin == number, first_end == number + 1)),
        Obligation("the first tag of the second", fast, late_end == reference * second + 1),
        Obligation("until then the first is served", (*fast, served >= second, served <= reference * second),
                   lift(tenant == 0)),
        Obligation("no number bounds what it gets", (reference > 1, bound > 0, (reference - 1) * second > bound),
                   (reference * second + 1) - second > bound),
        Obligation("since the second may come as late as that", (reference > 1, bound > 0,
                   (reference - 1) * second == bound + 1), z3.And(second > 0, (reference - 1) * second > bound)),
    ]  # fmt: skip


FLUID = "the fluid keeps its contract (WQ-1): it grows by R / (sum of the backlogged weights) in a ns"

THEOREMS: Sequence[Theorem] = (
    Theorem(
        "wfq-delay", ("WQ-7", "PR-3"),
        "Under WFQ every request finishes by EAT + l / g + L / R + B.",
        "every horizon; any number of tenants, weights and sizes; any server of rate R and blackouts up to B",
        ("the guarantees sum to at most R, the rate of the fluid", FLUID,
         "a request finishes by the fluid's finish plus L / R + B (theorem wfq-lateness)"),
        obligations=_delay, invariants=("pace", "fluid"), abstraction="the fluid is its contract",
        partner="arbiters-work-conserving",
    ),
    Theorem(
        "wfq-lag", ("WQ-4",),
        "On a channel of constant rate R no tenant is more than L bytes behind the fluid of rate R under WFQ.",
        "every horizon; any number of tenants, weights and sizes",
        ("the fluid serves a tenant at R at most", "a request finishes by the fluid's finish plus L / R (theorem "
         "wfq-lateness with B = 0)"),
        obligations=_lag, abstraction="the fluid is its contract", partner="arbiters-work-conserving",
    ),
    Theorem(
        "wfq-nominal", ("WQ-6",),
        "With a fluid at the nominal rate of a slower server WFQ keeps two tenants within their largest costs.",
        "two equal tenants of n unit requests, a fluid of 2 to 16 times the rate; n and the second's arrival are free",
        expect=Expect.REFUTED, attack=_nominal,
    ),
    Theorem(
        "wfq-nominal-grows", ("WQ-6",),
        "With a fluid faster than the server no number bounds the gap of two equal backlogged tenants under WFQ.",
        "any rate of the fluid above that of the server; two equal tenants of unit requests, the second coming later",
        ("alone in the fluid, a tenant moves its virtual time by the fluid's rate over its weight (WQ-1)",
         "the server is never idle, and does 1 byte in a ns"),
        obligations=_grows, partner="wfq-nominal-grows",
        abstraction="the virtual time has its closed form; the replay of wfq-nominal runs the fluid",
    ),
)  # fmt: skip
