"""A claim of the essays as data, and how it is judged: by numbers that are computed again, by theorems, by facts.

The verdict is computed, never written down. A claim is *refuted* where a number does not come out, a theorem refutes
the rule, or a public fact says otherwise; *contradicted* where the essays themselves say something else in another
place; *open* where what would decide it is not said; and it *stands* where every number comes out, or it is proved.
"""

import enum
import operator
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction

import attrs

from headgate.model.refresh import Enclosure

__all__ = ["Check", "Claim", "Essay", "Finding", "Standing", "agrees", "evidence", "judge"]


class Essay(enum.Enum):
    """Where claims come from: the title, and how the parts of an essay are cited."""

    FABRICS = "Multi-Tenant KV Fabrics"
    POWER = "The Power Contract SLO, the addendum of Multi-Tenant KV Fabrics"
    THERMAL = "Thermal Debt Is a Memory Problem"
    COLOCATION = "MPS for Co-located Embedding + Generative Inference"
    SCHEDULING = "The Scheduling Tax of Multi-Tenant Inference"


class Standing(enum.Enum):
    """The verdict on a claim."""

    STANDS = "stands"
    REFUTED = "refuted"
    CONTRADICTED = "contradicted"
    OPEN = "open"


@attrs.frozen
class Check:
    """One number: what it is, what it comes to, and what is said of it.

    `says` is the figure as it is printed: "39.8" (agreed with where rounding or cutting off gives it), "20..50",
    "> 18", "<= 5", "~42" or "~40..60" (within a twentieth); "" where nothing is said, and the number is there to be
    read. `where` names the other place of the essays that says it, if it is not the claim itself.
    """

    what: str
    value: Fraction | int | Enclosure
    unit: str = ""
    says: str = ""
    where: str = ""

    @property
    def ends(self) -> tuple[Fraction, Fraction]:
        """Return the least and the largest that the value can be: the same, unless it is irrational."""
        if isinstance(self.value, Enclosure):
            return self.value.low, self.value.high
        return Fraction(self.value), Fraction(self.value)


@attrs.frozen
class Claim:
    """A claim, in this project's words, and what decides it.

    `section` is where it stands, `checks` computes its numbers. `refuted_by` are theorems that refute it as it is
    written, `proved_by` those that prove the rule that holds, as claimed or as corrected. `fact` is a public fact, with
    its source, that refutes it; `against` what the essays say elsewhere, with the place; `missing` what would have to
    be said before it could be decided. `corrected` is the rule that does hold, `clauses` where it stands, `schedules`
    the shipped schedules that show the fault.
    """

    id: str
    essay: Essay
    section: str
    says: str
    checks: Callable[[], Sequence[Check]] = tuple
    refuted_by: tuple[str, ...] = ()
    proved_by: tuple[str, ...] = ()
    fact: str = ""
    against: str = ""
    missing: str = ""
    why: str = ""
    corrected: str = ""
    clauses: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()


@attrs.frozen
class Finding:
    """A claim, its numbers as they were computed now, and the verdict that follows from them."""

    claim: Claim
    checks: tuple[Check, ...]
    standing: Standing


def judge(claim: Claim) -> Finding:
    """Compute the numbers of a claim, and return the verdict."""
    checks = tuple(claim.checks())
    return Finding(claim, checks, _standing(claim, [check for check in checks if not agrees(check)]))


def _standing(claim: Claim, failing: Sequence[Check]) -> Standing:
    if claim.refuted_by or claim.fact or any(not check.where for check in failing):
        return Standing.REFUTED
    if claim.against or failing:
        return Standing.CONTRADICTED
    return Standing.OPEN if claim.missing else Standing.STANDS


def agrees(check: Check) -> bool:
    """Return whether what is said of a number is true of it, wherever in its enclosure it lies."""
    return not check.says or all(_is_said_of(end, check.says) for end in check.ends)


COMPARED = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


def _is_said_of(value: Fraction, says: str) -> bool:
    for sign, holds in COMPARED.items():
        if says.startswith(sign):
            return bool(holds(value, _decimal(says.removeprefix(sign))[0]))
    about = says.startswith("~")
    least, dots, most = says.removeprefix("~").partition("..")
    if not dots:
        return _is_printed(value, least, about)
    between = _decimal(least)[0] <= value <= _decimal(most)[0]
    return between or _is_printed(value, least, about) or _is_printed(value, most, about)


def _is_printed(value: Fraction, text: str, about: bool) -> bool:
    """Return whether the value is printed so: rounded or cut off, or within a twentieth where it is about so."""
    number, place = _decimal(text)
    if about:
        return abs(value - number) * 20 <= abs(number)
    rounded = abs(value - number) * 2 <= place
    cut_off = 0 <= abs(value) - abs(number) < place and value * number >= 0
    return rounded or cut_off


def _decimal(text: str) -> tuple[Fraction, Fraction]:
    """Return a printed number, and what its last place is worth."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(f"expected a decimal figure, got {text!r}") from None
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return Fraction(number), Fraction(10) ** exponent


def evidence(claim: Claim) -> Iterator[tuple[str, str]]:
    """Yield the theorems that a claim rests on, each with the verdict that it must have."""
    yield from ((name, "refuted") for name in claim.refuted_by)
    yield from ((name, "proved") for name in claim.proved_by)
