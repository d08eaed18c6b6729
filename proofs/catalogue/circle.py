"""Theorems on round robin: whoever waits is served once the turn has come round."""

from collections.abc import Sequence
from typing import Any

import z3

from headgate.model.algebra import choose
from headgate.model.arbiters import NO_STAMP, ROUND_ROBIN, Tenants
from headgate.model.arbiters.round_robin import Turn
from headgate.proofs.crowds import circle_attack
from headgate.proofs.decoding import schedule_of
from headgate.proofs.symbolic import decide, lift
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


CIRCLE = "Under round robin a tenant that waits is served after at most N - 1 services of others."

THEOREMS: Sequence[Theorem] = (
    Theorem(
        "round-robin-bypass", ("AR-5", "ST-5"), CIRCLE,
        "every horizon; N = 2..16 tenants on the code's own step", obligations=_round_robin_bypass,
        attack=circle_attack(ROUND_ROBIN, 16, ("ST-5", CIRCLE)), limit="N = 2..16", partner="arbiters-work-conserving",
    ),
)  # fmt: skip
