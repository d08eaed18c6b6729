"""What a reader has to trust: theorem by theorem, and of headgate and its solvers as a whole."""

import re
from collections.abc import Iterator, Sequence

import attrs

from headgate.proofs.invariants import watching
from headgate.proofs.spacer import NOT_ASKED
from headgate.proofs.symbolic import symbolic
from headgate.proofs.theorem import Expect, Theorem

__all__ = ["TRUSTED_BASE", "Exactness", "Trust", "exactness", "rests_on", "trust_of"]

# An assumption names the theorems that show it: "(theorem sfq-code)", "the service curve of drr-service-curve".
_WORD = re.compile(r"[a-z0-9+]+(?:-[a-z0-9+]+)+")

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

    `rests_on` are the theorems that show what it assumes, and those that show what these do, each with its own limit:
    a claim for any number holds of the code only as far as they go. `shown` are the invariants that it shows inductive,
    `borrowed` those of other theorems that its premises use; `no_spacer` says why Spacer is not asked to find them by
    itself.
    """

    theorem: Theorem
    assumptions: tuple[str, ...]
    abstraction: str
    limit: str
    rests_on: tuple[tuple[str, str], ...]
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
    below = tuple((each.id, _limit(each)) for each in rests_on(theorem))
    return Trust(theorem, theorem.assumptions, theorem.abstraction, _limit(theorem), below, shown, borrowed, without)


def rests_on(theorem: Theorem) -> tuple[Theorem, ...]:
    """Return the theorems that the assumptions of `theorem` name, then those that theirs name, each once."""
    from headgate.proofs.catalogue import catalogue

    known = {each.id: each for each in catalogue()}

    def below(one: Theorem, seen: set[str]) -> Iterator[Theorem]:
        for name in _WORD.findall(" ".join(one.assumptions)):
            if name in known and name not in seen:
                seen.add(name)
                yield known[name]
                yield from below(known[name], seen)

    return tuple(below(theorem, {theorem.id}))


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
