"""The units of headgate: bytes and nanoseconds, so that 1 GB/s is 1 byte/ns.

Every quantity carries its unit twice: in the name of the field (`_ns`, `_bytes`) and in its type, one of the
aliases below. Numbers that come in are integers or exact decimals; numbers that are derived are Fractions.
There is no float in this room.
"""

from fractions import Fraction
from typing import Annotated, Any

import attrs

__all__ = [
    "Bytes",
    "BytesPerNs",
    "Celsius",
    "ExactNs",
    "Nanoseconds",
    "Number",
    "Unit",
    "exact_text",
    "parse_exact",
]


@attrs.frozen
class Unit:
    """The unit of an annotated number: its symbol, as it is printed."""

    symbol: str


# Aliases, not new classes: the rules run on terms and arrays too, and those keep their own type.
Bytes = Annotated[int, Unit("B")]
Nanoseconds = Annotated[int, Unit("ns")]
ExactNs = Annotated[Fraction, Unit("ns")]
BytesPerNs = Annotated[Fraction, Unit("B/ns")]
Celsius = Annotated[Fraction, Unit("C")]

# A number of whichever interpreter runs the rule: int or Fraction, a solver's term, an int64 array, an interval.
Number = Any


def exact_text(value: Fraction | int) -> int | str:
    """Return `value` as it stands in JSON: an integer, or the string "numerator/denominator"."""
    return value.numerator if value.denominator == 1 else f"{value.numerator}/{value.denominator}"


def parse_exact(value: object) -> Fraction:
    """Read what `exact_text` wrote: an integer, or a string such as "186326/15".

    Raises ValueError, with the value, for anything else (floats and booleans too).
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return Fraction(value)
    if isinstance(value, Fraction):
        return value
    if isinstance(value, str):
        top, slash, bottom = value.partition("/")
        if _is_integer(top) and (not slash or (_is_integer(bottom) and int(bottom) != 0)):
            return Fraction(int(top), int(bottom) if slash else 1)
    raise ValueError(f"expected an integer or a string such as '186326/15', got {value!r}")


def _is_integer(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= 4000
