"""Theorems as data: what is claimed, under which assumptions, and the queries that decide it.

A theorem that should hold has *obligations*: each is proved by showing that its premises with the negated goal are
unsatisfiable, after its premises alone were shown satisfiable. Its *attack* searches a small scope for a schedule that
breaks the claim; with the bound made one `step` tighter it must find one, which shows the bound tight. A theorem that
should be refuted has the attack alone. What a query finds is a schedule; the runner replays it before it counts.
"""

import enum
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.spec.vocabulary import Schedule

__all__ = ["Expect", "Kind", "Obligation", "Query", "Recheck", "Result", "Theorem"]


class Expect(enum.Enum):
    """What a theorem's verdict should be."""

    PROVED = "proved"
    REFUTED = "refuted"


class Kind(enum.Enum):
    """The verdicts of the runner. Unknown is never success."""

    PROVED = "proved"
    HOLDS_TO = "holds_to"
    COUNTEREXAMPLE = "counterexample"
    UNKNOWN = "unknown"
    REFUTED_AS_EXPECTED = "refuted_as_expected"


@attrs.frozen
class Obligation:
    """One step of a proof: `premises` entail `goal`. Unsat of the negation means proved; sat, that the step fails."""

    name: str
    premises: tuple[Any, ...]
    goal: Any


@attrs.frozen
class Query:
    """A search: sat means that `decode` gives a schedule.

    `smallest` are integer terms to keep small, in this order: first what makes a schedule easy to read, then every
    other free term, so that the schedule found does not depend on what the solver did before.
    """

    constraints: tuple[Any, ...]
    decode: Callable[[z3.ModelRef], Schedule]
    smallest: tuple[Any, ...] = ()


@attrs.frozen
class Theorem:
    """A claim about the code of the model.

    `scope` says for how many tenants, which horizon, which numbers; `assumptions` what the proof takes for granted.
    `horizon` is set where the claim is proved only up to that depth. `attack(tighter)` searches for a schedule that
    breaks the bound made `tighter` tighter, `step` is the least amount for which it must find one.

    What a reader has to trust is said here as well: `invariants` names those that it shows inductive (each conjunct of
    them can be left out, see `headgate.proofs.invariants`), `abstraction` what stands for the code where the proof does
    not run it, `limit` up to where it was checked ("N = 2..8"). `partner` is the theorem that says "never less" where
    this one says "never more", or the other way round; itself where it says both. What is to be proved has one, or says
    in `unpaired` why nothing stands on its other side: so no bound, upper or lower, escapes by its wording.
    """

    id: str
    clauses: tuple[str, ...]
    statement: str
    scope: str
    assumptions: tuple[str, ...] = ()
    expect: Expect = Expect.PROVED
    obligations: Callable[[], Sequence[Obligation]] | None = None
    attack: Callable[[Fraction], Query] | None = None
    step: Fraction = Fraction(1)
    horizon: int | None = None
    invariants: tuple[str, ...] = ()
    abstraction: str = ""
    limit: str = ""
    partner: str = ""
    unpaired: str = ""


@attrs.frozen
class Recheck:
    """What a second prover says of a theorem: True, False, or None where it gives no answer; then `reason` says why."""

    solver: str
    agrees: bool | None
    seconds: float
    reason: str = ""


@attrs.frozen
class Result:
    """What the runner concluded about a theorem.

    `witness` is the schedule that refutes it, or, where it is proved, the one that shows its bound tight.
    `seconds` is processor time; `solver` names the solver and its version. `recheck` and `spacer` are None where
    the second solver, or the second method, was not asked.
    """

    theorem: Theorem
    kind: Kind
    seconds: float
    solver: str
    premises_satisfiable: bool | None = None
    tight: bool | None = None
    witness: Schedule | None = None
    reason: str = ""
    obligations: int = 0
    recheck: Recheck | None = None
    spacer: Recheck | None = None

    @property
    def as_expected(self) -> bool:
        """Whether this is the verdict that the theorem should have."""
        good = (Kind.PROVED, Kind.HOLDS_TO) if self.theorem.expect is Expect.PROVED else (Kind.REFUTED_AS_EXPECTED,)
        return self.kind in good
