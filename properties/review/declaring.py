"""From names and values, as options, keywords and addresses give them, to what is declared of an implementation."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from headgate.properties.review.declared import CLOCKS, Clock, Declared, plain
from headgate.properties.review.suites import suite_of
from headgate.properties.review.suites.common import Suite
from headgate.spec.errors import InputError

__all__ = ["LISTS", "WITHOUT", "declare"]

# An exact number as people write it, and as Python prints a float; short enough to be computed with.
EXACT = re.compile(r"[+-]?\d{1,40}(/0*[1-9]\d{0,39}|(\.\d{1,40})?([eE][+-]?\d{1,2})?)", re.ASCII)
# Numbers that are one a tenant.
LISTS = ("weights", "priorities", "quanta", "colors", "quotas", "floors")
# Those of which one may be 0, and those that are counts.
MAY_BE_0 = ("priorities", "colors", "quotas", "floors")
WHOLE = ("priorities", "colors", "quotas", "floors", "pages", "banks", "frames")
# What is counted one by one, for a review fills it: the rule is the same for fewer.
MOST = {"pages": 10_000, "banks": 1_000, "frames": 10_000}
MOST_TENANTS = 100
# What a size is compared with: nothing smaller than 1 is ever offered.
AT_LEAST_1 = ("burst", "cbs", "pbs", "quanta", "capacity")
# What some policies of a role have no use for: those that have.
USED_BY = {
    ("bucket", "rate"): ("token-bucket",),
    ("bucket", "window"): ("fixed-window", "fixed-window-attempts", "sliding-window", "sliding-window-counter"),
    ("arbiter", "priorities"): ("priority",),
    ("arbiter", "quanta"): ("drr",),
}
# What some roles alone may declare.
ONLY = {
    "keys": ("bucket",),
    "legal-only": ("bucket", "admission"),
    "clock-goes-back": ("bucket",),
    "single-threaded": ("admission",),
    "largest": ("bucket", "shaper", "admission"),
    "without": ("cache",),
}
# Methods that a cache may lack; what cannot be pinned is not unpinned either.
WITHOUT = {"pin": ("pin", "unpin"), "evict": ("evict",)}
# What is drawn is not larger, unless it is declared; more than that at a time is no matter.
MOST_AT_A_TIME = 10**9
# A float rounds; what is nearer than this, relative to the depth or the time, accuses nobody. It holds too where a
# declared number, such as 1/3, reaches the implementation as the float next to it.
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
    single_threaded: bool = False,
    largest: int = 0,
    without: Any = (),
) -> tuple[Suite, Declared]:
    """Return the suite of `role` and the declaration; InputError, with the name, for what does not fit.

    Numbers may be whole, Fractions, floats as they are written, or texts such as "0.5" and "1,2,4"; `without` names
    methods, as a list or with commas.
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
    flags = {"keys": keys, "legal-only": legal_only, "clock-goes-back": goes_back, "single-threaded": single_threaded}
    for name, flag in {**flags, "largest": largest, "without": without}.items():
        if flag and role not in ONLY[name]:
            raise InputError(name, f"it with the role {' or '.join(ONLY[name])} alone", f"the role {role}")
    if not 0 <= largest <= MOST_AT_A_TIME:
        raise InputError("largest", f"a whole number from 1 to {MOST_AT_A_TIME}", repr(largest)[:60])
    given = {name: _number(name, value, suite) for name, value in (numbers or {}).items()}
    _check(role, policy, given)
    rounded = any(_is_rounded(value) for value in given.values())
    exact = FLOAT_TOLERANCE if floats or rounded else Fraction(0)
    if tolerance is not None:
        own = _exact("tolerance", tolerance)
        if own < 0:
            raise InputError("tolerance", "0 or more", repr(tolerance)[:60])
        exact = max(own, exact) if rounded else own
    hand = Clock(CLOCKS[clock], not floats, goes_back)
    lacks, rounds = _without(without), tolerance is None and floats
    return suite, Declared(role, policy, given, hand, exact, keys, legal_only, single_threaded, largest, lacks, rounds)


def _without(names: Any) -> tuple[str, ...]:
    """Return the methods that are not called."""
    listed = names.split(",") if isinstance(names, str) and names else list(names)
    if not set(listed) <= set(WITHOUT):
        raise InputError("without", f"some of {', '.join(WITHOUT)}, with commas", repr(names)[:60])
    return tuple(method for name in WITHOUT if name in listed for method in WITHOUT[name])


def _is_rounded(value: Any) -> bool:
    """Return whether a number reaches the implementation as a float that differs from it."""
    if isinstance(value, tuple):
        return any(map(_is_rounded, value))
    return bool(Fraction(plain(value)) != value)


def _shown(value: Any) -> str:
    return ",".join(map(str, value) if isinstance(value, tuple) else [str(value)])[:60]


def _check(role: str, policy: str, given: Mapping[str, Any]) -> None:
    """Refuse numbers that do not go together, as a careful implementation would."""
    for name, value in given.items():
        if policy not in USED_BY.get((role, name), (policy,)):
            raise InputError(name, f"it with the policy {' or '.join(USED_BY[role, name])} alone", f"policy {policy}")
        if name in MOST and value > MOST[name]:
            raise InputError(name, f"at most {MOST[name]}, with which the rule is the same", _shown(value))
        if name in AT_LEAST_1 and min(value if isinstance(value, tuple) else (value,)) < 1:
            raise InputError(name, "at least 1, the least size that is offered", _shown(value))
    lists = {name: len(value) for name, value in given.items() if name in LISTS}
    if len(set(lists.values())) > 1:
        words = ", ".join(f"{name} for {count}" for name, count in lists.items())
        raise InputError(" and ".join(lists), "numbers for the same tenants", words)
    for name, count in lists.items():
        least = 2 if role == "arbiter" else 1
        if not least <= count <= MOST_TENANTS:
            raise InputError(name, f"numbers of {least} to {MOST_TENANTS} tenants, with commas", f"of {count}")
        if name == "quotas" and "colors" not in lists and count > given.get("banks", count):
            raise InputError("banks", f"a bank for each of the {count} tenants", str(given["banks"]))
    if role == "marker" and given.get("pir", 0) < given.get("cir", 0) and "pir" in given:
        raise InputError("pir", "no less than the cir (RFC 2698, section 2)", f"{given['pir']} and {given['cir']}")


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
