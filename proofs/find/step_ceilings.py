"""Theorems that bound what steps can show, however many: such a question needs no search, or only a short one."""

from collections.abc import Callable

import attrs

from headgate.model.bounds import fq_codel_bypass
from headgate.proofs.find.question import Asked, Question

__all__ = ["THEOREMS", "StepCeiling", "ceiling_of"]


@attrs.frozen
class StepCeiling:
    """The most steps in a row for which a queue can be blocked, and the theorem that says so, up to `most` queues."""

    theorem: str
    most: int
    blocked: Callable[[int], int]


# The services of others between two of a queue that waits are the steps in a row in which it is blocked.
_CEILINGS = {
    "round-robin": StepCeiling("round-robin-bypass", 16, lambda queues: queues - 1),
    "fq-codel": StepCeiling("fq-codel-turns", 5, fq_codel_bypass),
}
THEOREMS = tuple(ceiling.theorem for ceiling in _CEILINGS.values())


def ceiling_of(question: Question) -> StepCeiling | None:
    """Return the ceiling of a question about a queue that is blocked, or starves; None where no theorem gives one."""
    # A policy of one's own may bear any name.
    ceiling = _CEILINGS.get(question.policy) if isinstance(question.policy, str) else None
    if ceiling is None or question.asked not in (Asked.BLOCKED, Asked.STARVATION) or question.tenants > ceiling.most:
        return None
    return ceiling
