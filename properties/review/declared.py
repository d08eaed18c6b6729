"""What a reviewer declares of an implementation: its role, its policy, its numbers, its clock, its tolerance.

What is not declared is drawn. An implementation is judged by what was declared, never by what it might have meant.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import attrs

from headgate.spec.units import exact_text

__all__ = ["CLOCKS", "Clock", "Declared", "plain"]


# A fraction of more characters is written with a point, and so many digits after it at most.
SHORT, PLACES = 9, 9


@attrs.frozen
class Clock:
    """The clock that the implementation reads: ns a unit, and whether a time is a whole number of units or a float.

    With `goes_back` it may be offered a time before the last one; else times never go back.
    """

    unit_ns: int = 1
    whole: bool = True
    goes_back: bool = False

    @property
    def quantum_ns(self) -> int:
        """The least difference of two times, in ns."""
        return self.unit_ns if self.whole else 1

    def time(self, now_ns: int) -> int | float:
        """Return a time as the implementation is given it."""
        return now_ns // self.unit_ns if self.whole else now_ns / self.unit_ns

    def nanoseconds(self, time: float) -> Fraction:
        """Return a time that the implementation gave, exactly."""
        return Fraction(time) * self.unit_ns


CLOCKS: Mapping[str, int] = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}


@attrs.frozen
class Declared:
    """The declaration.

    `numbers` are the parameters of the role that are fixed, such as rate and burst; what is not there is drawn.
    `tolerance` is relative: for a bucket a share of its depth, for times a share of the span of the case. `keys` is how
    many keys share the implementation (0: it knows none). With `legal_only` nothing is offered that must be refused,
    and nothing released that is not held; with `largest` nothing but 1 to so many at a time (0: whatever there is).
    With `single_threaded` nobody asks in the middle of another's call. What it is `without` is not called. It `rounds`
    where floats alone are the reason for the tolerance: what they have exactly, such as a full bucket, needs none.
    """

    role: str
    policy: str
    numbers: Mapping[str, Any] = attrs.field(factory=dict)
    clock: Clock = Clock()
    tolerance: Fraction = Fraction(0)
    keys: int = 0
    legal_only: bool = False
    single_threaded: bool = False
    largest: int = 0
    without: tuple[str, ...] = ()
    rounds: bool = False

    @property
    def legal(self) -> bool:
        """Return whether nothing is offered that must be refused."""
        return self.legal_only or self.largest > 0

    def exact(self, configuration: Mapping[str, Any], name: str) -> Any:
        """Return a number of a case as it was declared (the implementation may have got a float instead), or drawn."""
        value = self.numbers.get(name, configuration[name])
        return tuple(map(Fraction, value)) if isinstance(value, tuple | list) else Fraction(value)


def plain(value: Any) -> Any:
    """Return a number as an implementation is given it: whole where it is, else a float; tuples become lists."""
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    return value


def number_text(value: Fraction | int) -> str:
    """Return an exact number for a message: a long fraction with its point, "about" where it does not end soon."""
    text, scaled = str(exact_text(value)), value * 10**PLACES
    if len(text) <= SHORT or value.denominator == 1:
        return text
    whole, part = divmod(abs(int(scaled)), 10**PLACES)
    sign, about = "-" * (value < 0), "about " * (scaled.denominator != 1)
    return f"{about}{sign}{whole}.{part:0{PLACES}}".rstrip("0").rstrip(".")
