"""A row of `headgate verify CONTRACTS.toml`: a theorem or a clause, held against one contract file.

Its premises are decided by exact arithmetic with the file's own numbers. Where they are met, what follows is said in
numbers; where they are not, a schedule is looked for that shows the harm, and only one that replays is shown.
"""

from collections.abc import Callable, Sequence

import attrs

from headgate.model.replay import replay
from headgate.proofs.runner import ReplayMismatch
from headgate.proofs.theorem import Kind
from headgate.spec.schedules import parse_schedule, schedule_text
from headgate.spec.vocabulary import Schedule

__all__ = ["ContractCheck", "Premise", "Sought", "settle", "verdict_of"]


@attrs.frozen
class Premise:
    """One premise with the file's numbers, and whether it is met."""

    says: str
    met: bool


@attrs.frozen
class Sought:
    """What the search for a schedule brought: the one that shows the harm, if there is one, and words on it.

    The words replace the finding where there is a schedule, and come after it where there is none.
    """

    schedule: Schedule | None
    words: str = ""


@attrs.frozen
class ContractCheck:
    """One row: `kind` is proved, counterexample or unknown; `finding` the numbers, or why it is unknown.

    `theorem` is the one that is instantiated ("": the clause alone decides), `premises` what it asks of the file,
    `follows` what it gives. `assumptions` names the clauses whose bounds are applied. `seek` looks for a schedule that
    shows the harm where the row is not proved, and `witness` is what it found. What is not `owed` is a consequence that
    nobody was promised: that it is open leaves the verdict of the file as it is.
    """

    id: str
    clauses: tuple[str, ...]
    statement: str
    scope: str
    kind: Kind
    finding: str
    assumptions: tuple[str, ...] = ()
    theorem: str = ""
    premises: tuple[Premise, ...] = ()
    follows: str = ""
    owed: bool = True
    witness: Schedule | None = None
    seek: Callable[[], Sought] | None = attrs.field(default=None, eq=False, repr=False)


def settle(check: ContractCheck) -> ContractCheck:
    """Return the row with the schedule that shows its harm, if one is found; it is then violated.

    Raises ReplayMismatch where the schedule does not show on the exact rules, read back from its file, what it claims.
    """
    if check.kind is Kind.PROVED or check.seek is None or check.witness is not None:
        return check
    sought = check.seek()
    if sought.schedule is None:
        return attrs.evolve(check, finding="; ".join(part for part in (check.finding, sought.words) if part))
    finding = sought.words or check.finding
    witness = attrs.evolve(sought.schedule, name=check.id)
    shown = replay(parse_schedule(schedule_text(witness), check.id))
    if not shown.violated:
        raise ReplayMismatch(f"{check.id}: the schedule does not show its claim: {shown.finding}")
    return attrs.evolve(check, kind=Kind.COUNTEREXAMPLE, finding=finding, witness=witness)


def verdict_of(checks: Sequence[ContractCheck]) -> Kind:
    """Return what the rows say together: what is broken outweighs what is unknown of what was promised."""
    kinds = {check.kind for check in checks if check.owed or check.kind is Kind.COUNTEREXAMPLE}
    return next((kind for kind in (Kind.COUNTEREXAMPLE, Kind.UNKNOWN) if kind in kinds), Kind.PROVED)
