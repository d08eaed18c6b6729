"""From a solver's model to a schedule: every term is evaluated, nothing is left open."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import z3

from headgate.proofs.symbolic import decide
from headgate.spec.vocabulary import Request, Schedule

__all__ = ["offers_schedule", "schedule_of"]


def schedule_of(
    model: z3.ModelRef,
    heading: tuple[str, str, str, str, str],
    parameters: Mapping[str, Any],
    requests: Sequence[tuple[Any, ...]],
) -> Schedule:
    """Return the schedule whose tenants, arrivals (ns), sizes (bytes), rows and parameters are terms of `model`.

    `heading` is (clause, statement, mechanism, rule, claim).
    """
    clause, statement, mechanism, rule, claim = heading
    rows = [[int(decide(model, term)) for term in request] for request in requests]
    decoded = [Request(tenant, at, size, page[0] if page else 0) for tenant, at, size, *page in rows]
    exact = {key: _exact(model, term) for key, term in parameters.items()}
    return Schedule(clause, statement, mechanism, rule, claim, exact, tuple(decoded))


def _exact(model: z3.ModelRef, term: Any) -> object:
    if isinstance(term, list | tuple):
        return tuple(_exact(model, part) for part in term)
    return Fraction(decide(model, term))


def offers_schedule(
    heading: tuple[str, str, str, str, str],
    parameters: Mapping[str, Any],
    arrivals: Sequence[Any],
    sizes: Sequence[Any],
) -> Callable[[z3.ModelRef], Schedule]:
    """Return a decoder for offers of one tenant."""

    def decode(model: z3.ModelRef) -> Schedule:
        return schedule_of(model, heading, parameters, [(0, at, s) for at, s in zip(arrivals, sizes, strict=True)])

    return decode
