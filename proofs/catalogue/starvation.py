"""Theorems on starvation: lassos for what starves, and what keeps the others from it."""

from collections.abc import Sequence
from fractions import Fraction

from headgate.model.arbiters import ESSAY, FCFS, FR_FCFS, PRIORITY, ROUND_ROBIN
from headgate.proofs.lassos import Heading, behind_attack, repeat_attack
from headgate.proofs.theorem import Expect, Theorem

__all__ = ["THEOREMS"]

LATE = "A tenant that keeps to its contract is late by a bounded time, whatever the others send."
SERVED = "A request that waits is served after finitely many others, whatever the others send."
THIRDS = (Fraction(1, 3), Fraction(2, 3))
TICKS = "lassos of unit requests by two equal tenants, up to {} ns long"

THEOREMS: Sequence[Theorem] = (
    Theorem(
        "fcfs-starves", ("ST-2",), f"Under FCFS: {LATE[0].lower()}{LATE[1:]}", TICKS.format(5),
        expect=Expect.REFUTED, attack=behind_attack(Heading("ST-2", LATE, FCFS), 5),
    ),
    Theorem(
        "priority-starves", ("ST-3",), f"Under strict priority: {SERVED[0].lower()}{SERVED[1:]}", TICKS.format(4),
        expect=Expect.REFUTED, attack=repeat_attack(Heading("ST-3", SERVED, PRIORITY, (0, 1)), 4),
    ),
    Theorem(
        "essay-starves", ("ST-4", "FQ-9"), f"Under the essay's tag: {LATE[0].lower()}{LATE[1:]}", TICKS.format(5),
        expect=Expect.REFUTED, attack=behind_attack(Heading("ST-4", LATE, ESSAY), 5),
    ),
    Theorem(
        "fr-fcfs-starves", ("FR-2",), f"Under FR-FCFS without a cap: {SERVED[0].lower()}{SERVED[1:]}", TICKS.format(4),
        expect=Expect.REFUTED, attack=repeat_attack(Heading("FR-2", SERVED, FR_FCFS, last_row=1), 4),
    ),
    Theorem(
        "round-robin-starves", ("ST-7", "AR-5"), f"Under round robin: {LATE[0].lower()}{LATE[1:]}",
        "lassos of unit requests by two tenants of which one is promised twice as much, up to 6 ns long",
        expect=Expect.REFUTED, attack=behind_attack(Heading("ST-7", LATE, ROUND_ROBIN, guarantees=THIRDS), 6),
    ),
)  # fmt: skip
