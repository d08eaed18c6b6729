"""Searches for sets of guarantees that a rule of admission lets in, and that are not there."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import z3

from headgate.model.admission import RULES, admits
from headgate.model.capacity import NO_LOSSES, Losses, room_of
from headgate.model.refresh import Refresh
from headgate.proofs.decoding import schedule_of
from headgate.proofs.theorem import Query
from headgate.spec.units import BytesPerNs
from headgate.spec.vocabulary import Schedule

__all__ = ["oversubscription_attack"]

# The essays' tenant, in GB/s; 64 of them are more than any of their devices has.
EACH, MOST = 120, 64


def oversubscription_attack(
    rule: str, heading: tuple[str, str], peak: BytesPerNs, refresh: Refresh, losses: Losses = NO_LOSSES
) -> Callable[[Fraction], Query]:
    """Return the search for the least n equal tenants of 120 GB/s that the rule admits and that do not fit.

    `heading` is clause and statement.
    """
    room, whole = room_of(peak, refresh, losses), (*heading, "admission", rule, "oversubscription")
    parameters = {"peak": peak, "blackout": refresh.blackout, "interval": refresh.interval}
    if losses != NO_LOSSES:
        parameters |= {"migration": losses.migration, "bubble": losses.bubble_ns, "period": losses.period_ns}

    def attack(tighter: Fraction) -> Query:
        count = z3.Int("count")
        total: Any = EACH * z3.ToReal(count)
        beyond = z3.Not(admits([total], room.kept - tighter))
        domain = (count >= 1, count <= MOST, RULES[rule]([total], room), beyond)

        def decode(model: z3.ModelRef) -> Schedule:
            many = model.eval(count, model_completion=True).as_long()
            return schedule_of(model, whole, {**parameters, "guarantees": [EACH] * many}, [])

        return Query(domain, decode, (count,))

    return attack
