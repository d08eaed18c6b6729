"""How large the numbers of a batch can get: the rules run on intervals, before they run on int64.

An `Interval` holds every value that some schedule of the batch can have at one place of a rule; a comparison that
is not the same for all of them is a `Maybe`, and choosing under it is the hull. So the largest magnitude on the way
is known to be an upper bound, and a batch that could leave int64 is refused before it starts (`check`).

A bucket is charged only where it covers the request, and the hull must not forget that, or the level would seem to
fall without end. Therefore every interval is a value of its own (`uid`), a sum or difference remembers its operands
(`origin`), and a `Maybe` remembers which value was found to be at most which.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from headgate.model.algebra import register, where

__all__ = ["INT64_MAX", "BatchOverflow", "Extent", "Interval", "Maybe", "check", "hull"]

INT64_MAX = (1 << 63) - 1
# Widening jumps to here: far beyond any sensible number, with room left for a sum of two.
FAR = 1 << 61
WIDEN_AFTER = 4

State = TypeVar("State")


class BatchOverflow(OverflowError):
    """A batch was refused, because a number on the way could leave int64."""


class Extent:
    """The largest magnitude that any interval of one analysis has had, and the numbering of its intervals."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self.largest = 0
        self.numbers = itertools.count()

    def span(self, low: int, high: int) -> "Interval":
        """Return a new interval [low, high], all ends included."""
        return Interval(low, high, self)


class Interval:
    """Every integer in [low, high]; `origin` is (operation, left, right) of the value, if it has one."""

    __slots__ = ("extent", "high", "low", "origin", "uid")
    __hash__ = None  # type: ignore[assignment]  # `==` is a rule's comparison

    def __init__(self, low: int, high: int, extent: Extent, origin: tuple[Any, ...] | None = None) -> None:
        """Note the magnitude of the new interval in `extent`."""
        self.low, self.high, self.extent, self.origin = low, high, extent, origin
        self.uid = next(extent.numbers)
        extent.largest = max(extent.largest, -low, high)

    def __repr__(self) -> str:
        return f"[{self.low}, {self.high}]"

    def __add__(self, other: Any) -> "Interval":
        low, high = _ends(other)
        return Interval(self.low + low, self.high + high, self.extent, ("+", _key(self), _key(other)))

    def __radd__(self, other: Any) -> "Interval":
        return self.__add__(other)

    def __sub__(self, other: Any) -> "Interval":
        low, high = _ends(other)
        return Interval(self.low - high, self.high - low, self.extent, ("-", _key(self), _key(other)))

    def __rsub__(self, other: int) -> "Interval":
        return Interval(other - self.high, other - self.low, self.extent, ("-", _key(other), _key(self)))

    def __neg__(self) -> "Interval":
        return Interval(-self.high, -self.low, self.extent)

    def __mul__(self, other: Any) -> "Interval":
        low, high = _ends(other)
        products = (self.low * low, self.low * high, self.high * low, self.high * high)
        return Interval(min(products), max(products), self.extent)

    def __rmul__(self, other: Any) -> "Interval":
        return self.__mul__(other)

    def __lt__(self, other: Any) -> Any:
        low, high = _ends(other)
        if self.high < low:
            return True
        return False if self.low >= high else Maybe(self.extent, ((self, other),))

    def __le__(self, other: Any) -> Any:
        low, high = _ends(other)
        if self.high <= low:
            return True
        return False if self.low > high else Maybe(self.extent, ((self, other),))

    def __gt__(self, other: Any) -> Any:
        low, high = _ends(other)
        if self.low > high:
            return True
        return False if self.high <= low else Maybe(self.extent, ((other, self),))

    def __ge__(self, other: Any) -> Any:
        low, high = _ends(other)
        if self.low >= high:
            return True
        return False if self.high < low else Maybe(self.extent, ((other, self),))

    def __eq__(self, other: object) -> Any:
        low, high = _ends(other)
        if self.low == self.high == low == high:
            return True
        return False if self.high < low or high < self.low else Maybe(self.extent)

    def __ne__(self, other: object) -> Any:
        equal = self == other
        return not equal if isinstance(equal, bool) else equal


class Maybe:
    """A condition that holds in some of the schedules; where it does, each (smaller, larger) of `facts` is so."""

    __slots__ = ("extent", "facts")

    def __init__(self, extent: Extent, facts: tuple[tuple[Any, Any], ...] = ()) -> None:
        """Keep what is known where the condition holds."""
        self.extent, self.facts = extent, facts

    def __bool__(self) -> bool:
        raise TypeError("a condition over intervals may be neither true nor false: use the functions of the algebra")


class _Intervals:
    """The interpreter: choosing is the hull, of what the condition leaves of either side."""

    def where(self, condition: Maybe, then: Any, otherwise: Any) -> Any:
        if isinstance(then, bool | Maybe):
            return then if isinstance(then, bool) and then is otherwise else Maybe(condition.extent)
        low, high = _refined(then, condition.facts)
        if low > high:
            return otherwise
        other_low, other_high = _ends(otherwise)
        return Interval(min(low, other_low), max(high, other_high), condition.extent)

    def both(self, left: Maybe, right: Maybe) -> Maybe:
        return Maybe(left.extent, left.facts + right.facts)

    def either(self, left: Maybe, right: Maybe) -> Maybe:
        return Maybe(left.extent)

    def negate(self, condition: Maybe) -> Maybe:
        return Maybe(condition.extent)

    def minimum(self, left: Any, right: Any) -> Interval:
        low, high = map(min, zip(_ends(left), _ends(right), strict=True))
        return Interval(low, high, _extent(left, right))

    def maximum(self, left: Any, right: Any) -> Interval:
        low, high = map(max, zip(_ends(left), _ends(right), strict=True))
        return Interval(low, high, _extent(left, right))


register(Maybe, _Intervals())


def _ends(value: Any) -> tuple[int, int]:
    return (value.low, value.high) if isinstance(value, Interval) else (value, value)


def _extent(left: Any, right: Any) -> Extent:
    extent: Extent = left.extent if isinstance(left, Interval) else right.extent
    return extent


def _key(value: Any) -> tuple[str, int]:
    return ("value", value.uid) if isinstance(value, Interval) else ("constant", value)


def _is_same(left: Any, right: Any) -> bool:
    """Return whether both are one value in every schedule: the same, or the same operation on the same operands."""
    if _key(left) == _key(right):
        return True
    return isinstance(left, Interval) and isinstance(right, Interval) and left.origin is not None and (
        left.origin == right.origin
    )  # fmt: skip


def _refined(value: Any, facts: tuple[tuple[Any, Any], ...]) -> tuple[int, int]:
    """Return the ends of `value` where `facts` hold: cut at what it is at most, at least, or the difference of."""
    low, high = _ends(value)
    for smaller, larger in facts:
        if _is_same(value, smaller):
            high = min(high, _ends(larger)[1])
        if _is_same(value, larger):
            low = max(low, _ends(smaller)[0])
        if isinstance(value, Interval) and value.origin == ("-", _key(larger), _key(smaller)):
            low = max(low, 0)
    return low, high


def hull(extent: Extent, left: State, right: State) -> State:
    """Return the smallest record that holds both; every number of it is a value of its own."""
    joined: State = where(Maybe(extent), left, right)
    return joined


def check(extent: Extent, step: Callable[[State], State], state: State, steps: int) -> None:
    """Run `step` from `state` for `steps` steps, or until the hull of the states stays as it is.

    Raises BatchOverflow if a number on the way can leave int64. A step must make its inputs anew each time
    (`Extent.span`), since an interval stands for one value.
    """
    for number in range(1, steps + 1):
        after = hull(extent, step(state), state)
        if extent.largest > INT64_MAX:
            raise BatchOverflow(
                f"after {number} of {steps} steps a number could reach {extent.largest}, beyond int64:"
                f" scale the inputs down by at least {extent.largest // INT64_MAX + 1}, or take fewer steps"
            )
        if _spans(after) == _spans(state) or (_is_widening(number) and _stays(extent, step, state, after)):
            return
        state = after


def _is_widening(number: int) -> bool:
    """Return whether widening is tried after step `number`: rarely, since it costs a step and seldom works later."""
    return number >= WIDEN_AFTER and number & (number - 1) == 0


def _stays(extent: Extent, step: Callable[[State], State], before: State, after: State) -> bool:
    """Return whether the state can be seen never to leave a box: `after`, each moving end pushed far out.

    A box that one step maps into itself holds every later state, however many steps there are.
    """
    seen = extent.largest
    box = _pushed(extent, before, after)
    holds = _spans(hull(extent, step(box), box)) == _spans(box) and extent.largest <= INT64_MAX
    if not holds:
        extent.largest = seen
    return holds


def _pushed(extent: Extent, before: Any, after: Any) -> Any:
    if isinstance(after, tuple):
        return tuple(_pushed(extent, b, a) for b, a in zip(before, after, strict=True))
    fields = getattr(type(after), "__attrs_attrs__", None)
    if fields is not None:
        pairs = [(getattr(before, f.name), getattr(after, f.name)) for f in fields]
        return type(after)(*[_pushed(extent, b, a) for b, a in pairs])
    if isinstance(after, bool | Maybe):
        return after
    (old_low, old_high), (low, high) = _ends(before), _ends(after)
    if low < old_low:
        low = 0 if low >= 0 else min(low, -FAR)
    return Interval(low, high if high == old_high else max(high, FAR), extent)


def _spans(state: Any) -> list[Any]:
    """Return the ends of every number in `state`, and its truth values (None where they are open)."""
    return list(_leaves(state))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for part in value:
            yield from _leaves(part)
    elif (fields := getattr(type(value), "__attrs_attrs__", None)) is not None:
        for field in fields:
            yield from _leaves(getattr(value, field.name))
    elif isinstance(value, Maybe):
        yield None
    else:
        yield value if isinstance(value, bool) else _ends(value)
