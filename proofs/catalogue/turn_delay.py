"""Theorems on what the turns of deficit round robin promise: its service curve, and the delay of every request."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.model.bounds import drr_delay, drr_latency, drr_request_delay
from headgate.model.promise import goyal_expected_arrival
from headgate.proofs.active_list import (
    CODE_TENANTS,
    PAIRS,
    Turns,
    has_deficits,
    is_fair,
    is_ordered,
    known_numbers,
    lists_of,
    moved_by,
    service_of,
    turns_of,
)
from headgate.proofs.catalogue.turns import CODE_LIMIT, QUANTA, TURNS
from headgate.proofs.invariants import invariant
from headgate.proofs.quotients import cancelling, covers
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Obligation, Query, Theorem
from headgate.spec.vocabulary import Request, Schedule

__all__ = ["THEOREMS"]


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


def _drr_summing() -> Obligation:
    turns, quanta, most, given = z3.Reals("turns quanta most given")
    quantum, largest, more, deficit = z3.Reals("quantum largest more deficit")
    premises = (turns >= 0, quantum > 0, deficit >= 0, more + deficit < turns * quantum + largest,
                given <= turns * quanta + most)  # fmt: skip
    goal = given + more <= turns * (quanta + quantum) + (most + largest)
    return Obligation("the bytes of the others add up", premises, goal)


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


# ---- the delay of one request ----


def _drr_request() -> list[Obligation]:
    """A request that ends `target` bytes after the anchor of its tenant is served before `target` is exceeded by turns.

    At the anchor nothing of the tenant is backlogged, so that it joins the list without a deficit.
    """
    return [*(step for count in CODE_TENANTS for step in _drr_paid(count)), *_drr_request_delay()]


def _paid(target: Any, turns: Turns, quantum: Any) -> Any:
    return invariant("turns to pay", not_yet_paid=target > turns.completed * quantum)


def _drr_paid(count: int) -> list[Obligation]:
    """A turn ends only if its deficit does not cover the head, which is the request itself or before it."""
    lists, target, name = lists_of(count), z3.Real("target"), f"N = {count}: "
    service, sound = service_of(lists), (*known_numbers(lists), is_ordered(lists), has_deficits(lists))
    steps = []
    for pair in PAIRS:
        ghosts, i = turns_of(pair), pair[0]
        given = (*sound, is_fair(lists, ghosts, pair), ghosts.completed >= 0, ghosts.own >= 0, *service.sizes,
                 lists.waiting[i], target >= ghosts.own + service.heads[i].size,
                 _paid(target, ghosts, lists.quanta[i]))  # fmt: skip
        moved = moved_by(lists, ghosts, service, pair)
        steps.append(
            Obligation(f"{name}a service, while tenant {i} waits", given, _paid(target, moved, lists.quanta[i]))
        )
    begin = attrs.evolve(turns_of(PAIRS[0]), completed=lift(0))
    first = Obligation(name + "the anchor", (target > 0,), _paid(target, begin, lists.quanta[0]))
    return [first, *steps]


def _drr_request_delay() -> list[Obligation]:
    """`target` is what the tenant sent since the anchor, the request of `size` included; EAT - t1 is what it waits."""
    target, size, quantum, quanta, others, completed = z3.Reals("target size quantum quanta others completed")
    own, other, rate, blackout, lasts, waits = z3.Reals("own other rate blackout lasts waits")
    begun, per_byte, before, arrival, expected = z3.Reals("begun per_byte before arrival expected")
    turns, total, share = Turns(completed, z3.Bool("partial"), begun, own, other), quantum + quanta, z3.Real("share")
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


NAMES = "F is the sum of the quanta, L' the sum of the others' largest requests"

THEOREMS: Sequence[Theorem] = (
    Theorem(
        "drr-service-curve", ("AR-6",),
        "Of beta bytes of service, DRR gives a backlogged tenant at least (Q beta - Q L' - (F - Q)(Q + L)) / F.",
        "every horizon; any number of tenants", (QUANTA, NAMES, TURNS), obligations=_drr_curve,
        abstraction="one tenant is followed against any other; the rest are an aggregate",
        partner="drr-pairwise-gap",
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
