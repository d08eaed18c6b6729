"""From names and values, as options, keywords and addresses give them, to what is declared of an implementation."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from headgate.properties.review.declared import CLOCKS, Clock, Declared
from headgate.properties.review.suites import suite_of
from headgate.properties.review.suites.common import Suite
from headgate.spec.errors import InputError

__all__ = ["LISTS", "declare"]

# An exact number as people write it, and as Python prints a float; short enough to be computed with.
EXACT = re.compile(r"[+-]?\d{1,40}(/0*[1-9]\d{0,39}|(\.\d{1,40})?([eE][+-]?\d{1,2})?)", re.ASCII)
# Numbers that are one a tenant.
LISTS = ("weights", "priorities", "quanta", "colors", "quotas", "floors")
# Those of which one may be 0, and those that are counts.
MAY_BE_0 = ("priorities", "colors", "quotas", "floors")
WHOLE = ("priorities", "colors", "quotas", "floors", "pages", "banks", "frames")
# A float rounds; what is nearer than this, relative to the depth or the time, accuses nobody.
FLOAT_TOLERANCE = Fraction(1, 10**9)


def declare(
    role: str,
    policy: str | None = None,
    numbers: Mapping[str, Any] | None = None,
    clock: str = "ns",
    floats: bool = False,
    goes_back: bool = False,
    tolerance: Any = None,
    keys: int = 0,
    legal_only: bool = False,
) -> tuple[Suite, Declared]:
    """Return the suite of `role` and the declaration; InputError, with the name, for what does not fit.

    Numbers may be whole, Fractions, floats as they are written, or texts such as "0.5" and "1,2,4".
    """
    try:
        suite = suite_of(role)
    except KeyError:
        from headgate.properties.review.suites import ROLES

        raise InputError("role", f"one of {', '.join(ROLES)}", repr(role)[:60]) from None
    policy = policy or suite.policies[0]
    if policy not in suite.policies:
        raise InputError("policy", f"one of {', '.join(suite.policies)} for the role {role}", repr(policy)[:60])
    if clock not in CLOCKS:
        raise InputError("clock", f"one of {', '.join(CLOCKS)}", repr(clock)[:60])
    given = {name: _number(name, value, suite) for name, value in (numbers or {}).items()}
    if tolerance is None:
        exact = FLOAT_TOLERANCE if floats else Fraction(0)
    else:
        exact = _exact("tolerance", tolerance)
        if exact < 0:
            raise InputError("tolerance", "0 or more", repr(tolerance)[:60])
    hand = Clock(CLOCKS[clock], not floats, goes_back)
    return suite, Declared(role, policy, given, hand, exact, keys, legal_only)


def _number(name: str, value: Any, suite: Suite) -> Any:
    if name not in suite.numbers:
        raise InputError(name, f"one of the numbers of the role {suite.role}: {', '.join(suite.numbers)}")
    if name not in LISTS:
        exact = _exact(name, value)
        if exact <= 0:
            raise InputError(name, "a number above 0", repr(value)[:60])
        return _counted(name, exact)
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not parts:
        raise InputError(name, "numbers, one a tenant", repr(value)[:60])
    values = tuple(_counted(name, _exact(name, part)) for part in parts)
    if any(each < 0 or (each == 0 and name not in MAY_BE_0) for each in values):
        raise InputError(name, "numbers above 0", repr(value)[:60])
    return values


def _counted(name: str, value: Fraction) -> Fraction:
    if name in WHOLE and value.denominator != 1:
        raise InputError(name, "a whole number", str(value)[:60])
    return value


def _exact(name: str, value: Any) -> Fraction:
    if not EXACT.fullmatch(str(value)):
        raise InputError(name, "an exact number such as 10, 0.5 or 1/3", repr(value)[:60])
    return Fraction(str(value))
