"""The theorem on how long a request waits under the essay's tag: twice as long for every step of the ratio of costs.

A victim sends one request at 0. A rival, whose requests cost a K-th of it, sends one at 0 and two within every service.
The proof follows the rounds in which all requests of one tag are served: each has twice as many as the one before.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.model.arbiters import ESSAY, Arrival, Stamp, Tenants
from headgate.model.arbiters.essay import EssayTag
from headgate.proofs.decoding import schedule_of
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import lift
from headgate.proofs.table import Domain, Stage, exact, requests, serve
from headgate.proofs.theorem import Obligation, Query, Theorem

__all__ = ["THEOREMS"]

VICTIM, RIVAL = 0, 1
TENANTS = Tenants(2, (VICTIM, RIVAL), (0, 0), (1, 1))
SCALED = "arrival times never exceed the tags: weights are small beside the bytes that are sent in a ns"


@attrs.frozen
class _Rounds:
    """The rival's queue within a round: its requests have tag `tag`, or the next tag; costs are in those of the rival.

    `size` is how many requests the round has, `served` how many of them are, `queued` and `behind` how many of this tag
    and of the next one wait, `waits` how many have been served since the victim came.
    """

    tag: Any
    size: Any
    served: Any
    queued: Any
    behind: Any
    waits: Any


def _rounds() -> _Rounds:
    return _Rounds(*z3.Ints("tag size served queued behind waits"))


def _counted(now: _Rounds) -> Any:
    """What holds at every choice; `size` is 2^(tag - 1), which is to say 1 in the first round, and doubled by the next.

    So size - 1 requests were served in the rounds before.
    """
    return invariant(
        "rounds", queue=now.queued == now.size - now.served, twice=now.behind == 2 * now.served,
        waits=now.waits == now.size - 1 + now.served,
    )  # fmt: skip


def _arrive(virtual: Any, tenant: int, cost: Any, at: Any) -> Stamp:
    """Return the code's stamp of a request that comes when the virtual time is `virtual`."""
    _, stamp = ESSAY.stamp(EssayTag(virtual), tenant, Arrival(at, lift(1), cost, lift(0), at, lift(0)))
    return stamp


def _serve_one(virtual: Any, victim: Any, rival: Any) -> tuple[Any, Any]:
    """Return (who is served, the virtual time after it) by the code's choice between two tags, both waiting."""
    heads = tuple(Stamp(lift(0), tag, lift(1), lift(0), lift(0)) for tag in (victim, rival))
    _, tenant, after = ESSAY.select(EssayTag(virtual), TENANTS, heads, (lift(True), lift(True)))
    return tenant, after.virtual


def _following(now: _Rounds) -> _Rounds:
    """Return the same choice as the first of the next round, once this one is served."""
    return _Rounds(now.tag + 1, 2 * now.size, lift(0), now.behind, lift(0), now.waits)


def _obligations() -> Sequence[Obligation]:
    ratio, virtual, at = z3.Ints("ratio virtual at")
    now = _rounds()
    here = (ratio >= 2, now.tag >= 1, _counted(now))
    tenant, after = _serve_one(virtual, ratio, now.tag)
    came = _arrive(after, RIVAL, lift(1), at)
    then = _Rounds(now.tag, now.size, now.served + 1, now.queued - 1, now.behind + 2, now.waits + 1)
    first = _Rounds(lift(1), lift(1), lift(0), lift(1), lift(0), lift(0))
    start = ESSAY.start(TENANTS).virtual
    last, _ = _serve_one(virtual, ratio, ratio)
    return [
        Obligation("the first two tags, and the first round", (ratio >= 2,), z3.And(
            _arrive(start, VICTIM, ratio, lift(0)).end == ratio,
            _arrive(start, RIVAL, lift(1), lift(0)).end == first.tag, _counted(first))),
        Obligation("before the round of its own tag the victim is passed over, and two more come with the next tag",
                   (*here, now.tag < ratio, now.queued > 0, at >= 0, at <= now.tag),
                   z3.And(tenant == RIVAL, after == now.tag, came.end == now.tag + 1, _counted(then))),
        Obligation("a round that is served leaves the next one, twice as large",
                   (*here, now.served == now.size),
                   z3.And(now.queued == 0, _counted(_following(now)))),
        Obligation("in the round of its own tag the victim goes first, after 2^(K - 1) - 1 others",
                   (*here, now.tag == ratio, now.served == 0), z3.And(last == VICTIM, now.waits == now.size - 1)),
    ]  # fmt: skip


STATEMENT = (
    "Under the essay's tag a request can wait for 2^(K - 1) - 1 others, K >= 2 its cost in those of a rival that sends "
    "twice what is served."
)
RATIO, BYTES = 3, 2
WEIGHTS = (Fraction(1, 10**6 * RATIO), Fraction(1, 10**6))


def _attack(tighter: Fraction) -> Query:
    """K = 3: the victim waits longer than for three others, of 2 ns each."""
    count = 2**RATIO
    stage = Stage(TENANTS, WEIGHTS)
    asked = requests(stage, Domain(count, (BYTES, BYTES), (0, count - 2)))
    found = serve(ESSAY, stage, asked)
    sent = [asked.tenants[0] == VICTIM, asked.arrivals[0] == 0]
    for number in range(1, count):
        sent += [asked.tenants[number] == RIVAL, asked.arrivals[number] == number - 1]
    least = BYTES * (2 ** (RATIO - 1) - 1) + 1
    asked = exact((least - tighter) * stage.scale)
    waits = [z3.And(turn.tenant == VICTIM, turn.at >= asked) for turn in found.turns]
    parameters = {"weights": WEIGHTS, "priorities": TENANTS.priorities, "peak": 1, "tenant": VICTIM,
                  "at_least": least, "tighter_by": tighter}  # fmt: skip
    heading = ("ST-8", STATEMENT, "arbiter", "essay", "wait")
    return Query((*found.constraints, *sent, z3.Or(*waits)),
                 lambda model: schedule_of(model, heading, parameters, found.requests))  # fmt: skip


THEOREMS: Sequence[Theorem] = (
    Theorem(
        "essay-wait-doubles", ("ST-8", "FQ-9"), STATEMENT,
        "every K; a victim with one request, a rival with one at first and two a service, ties to the victim",
        (SCALED,), obligations=_obligations, attack=_attack, invariants=("rounds",), partner="essay-wait-doubles",
        abstraction="the rival's queue is two counts: of the tag that is served, and of the next one",
    ),
)  # fmt: skip
