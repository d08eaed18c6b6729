"""What a reader has to trust: theorem by theorem, and of headgate and its solvers as a whole."""

from collections.abc import Sequence

import attrs

from headgate.proofs.invariants import watching
from headgate.proofs.spacer import NOT_ASKED
from headgate.proofs.symbolic import symbolic
from headgate.proofs.theorem import Expect, Theorem

__all__ = ["TRUSTED_BASE", "Exactness", "Trust", "exactness", "trust_of"]

# What could be wrong and would not show in a verdict, and what stands against that.
TRUSTED_BASE = (
    ("the statements", "that an obligation says what its theorem says, and a theorem what its clause says",
     "mutants of every rule, invariants without a conjunct, bounds made one step tighter"),
    ("Z3", "that its unsat is unsat", "--recheck asks cvc5, --smt2 writes the queries for any other solver"),
    ("the symbolic interpreter", "that a rule on terms does what it does on numbers",
     "the three interpreters are tested against each other and against plain oracles"),
    ("reals for integers", "a proof over the reals holds for the integers that the code runs on",
     "the steps that are proved use sums, products, minima and comparisons alone; no division, no rounding"),
    ("the decoder and the replay", "that a schedule found is the schedule shown",
     "every witness is replayed on the exact rules; one that does not replay is an internal fault"),
    ("Python", "its integers and fractions", "they are exact; no float decides a verdict"),
)  # fmt: skip


@attrs.frozen
class Trust:
    """Of one theorem: what it assumes, what it abstracts, up to where it was checked, which invariants it rests on.

    `shown` are the invariants that it shows inductive, `borrowed` those of other theorems that its premises use;
    `no_spacer` says why Spacer is not asked to find them by itself.
    """

    theorem: Theorem
    assumptions: tuple[str, ...]
    abstraction: str
    limit: str
    shown: tuple[tuple[str, tuple[str, ...]], ...]
    borrowed: tuple[str, ...]
    no_spacer: str


@attrs.frozen
class Exactness:
    """A theorem that bounds something from one side, and the one from the other; itself, where it says both."""

    theorem: str
    partner: str

    @property
    def is_both(self) -> bool:
        """Whether the theorem is exact by itself."""
        return self.theorem == self.partner


def trust_of(theorem: Theorem) -> Trust:
    """Return what there is to trust in `theorem`; its obligations are built, and none is asked."""
    with symbolic(), watching() as seen:
        if theorem.obligations is not None:
            theorem.obligations()
    shown = tuple((name, tuple(seen[name])) for name in theorem.invariants if name in seen)
    borrowed = tuple(name for name in seen if name not in theorem.invariants)
    without = NOT_ASKED.get(theorem.id, "")
    return Trust(theorem, theorem.assumptions, theorem.abstraction, _limit(theorem), shown, borrowed, without)


def _limit(theorem: Theorem) -> str:
    """A refutation is a schedule, and needs no limit; a tight bound was shown tight in a small scope alone."""
    if theorem.expect is Expect.REFUTED:
        return ""
    if theorem.limit:
        return theorem.limit
    return "" if theorem.horizon is None else f"depth {theorem.horizon}"


def exactness(theorems: Sequence[Theorem]) -> list[Exactness]:
    """Return the table: every theorem that has another on its other side, with that partner."""
    return [Exactness(theorem.id, theorem.partner) for theorem in theorems if theorem.partner]
