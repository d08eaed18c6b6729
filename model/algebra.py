"""The small vocabulary in which every rule is written, so that one text runs on four kinds of numbers.

* int and Fraction: the reference, exact (nothing to register);
* solver terms: what is proved and searched (`headgate.proofs.symbolic` registers them);
* int64 arrays: a batch of schedules at once (`headgate.model.batch` registers them);
* intervals: how large the numbers of a batch can get (`headgate.model.interval` registers them).

A rule may use `+ - *`, comparisons, and the functions below. It may not use `if`, `and`, `or`, `not`, `min`,
`max`, `in`, `/` or `//` on numbers of the interpreter: those would decide, or round, where a term must stay open.
Records are frozen attrs classes; `where` maps over records and tuples.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from headgate.spec.units import Number

__all__ = [
    "Interpreter",
    "all_",
    "any_",
    "best",
    "choose",
    "each",
    "maximum",
    "minimum",
    "not_",
    "put",
    "register",
    "same",
    "where",
]


class Interpreter(Protocol):
    """What a kind of numbers must offer beside its operators; conditions are its own truth values or bool.

    It may offer `minimum(left, right)` and `maximum(left, right)` as well, where it knows better than to compare
    and choose: faster for arrays, narrower for intervals.
    """

    def where(self, condition: Any, then: Any, otherwise: Any) -> Any:
        """Return `then` where `condition` holds, else `otherwise`; both are numbers or truth values."""

    def both(self, left: Any, right: Any) -> Any:
        """Return the conjunction."""

    def either(self, left: Any, right: Any) -> Any:
        """Return the disjunction."""

    def negate(self, condition: Any) -> Any:
        """Return the negation."""


_interpreters: dict[type, Interpreter] = {}


def register(kind: type, interpreter: Interpreter) -> None:
    """Let conditions of type `kind` (and its subclasses) be decided by `interpreter`."""
    _interpreters[kind] = interpreter


def _interpreter(condition: Any) -> Interpreter:
    exact = _interpreters.get(type(condition))
    if exact is not None:
        return exact
    for kind in type(condition).__mro__:
        if kind in _interpreters:
            return _interpreters[kind]
    raise TypeError(f"no interpreter is registered for a condition of type {type(condition).__name__}")


def where(condition: Any, then: Any, otherwise: Any) -> Any:
    """Return `then` where `condition` holds, else `otherwise`; maps over tuples and records of equal shape."""
    if condition is True:
        return then
    if condition is False:
        return otherwise
    return _where(_interpreter(condition), condition, then, otherwise)


def _where(interpreter: Interpreter, condition: Any, then: Any, otherwise: Any) -> Any:
    if then is otherwise:
        return then
    if isinstance(then, tuple):
        return tuple(_where(interpreter, condition, a, b) for a, b in zip(then, otherwise, strict=True))
    fields = getattr(type(then), "__attrs_attrs__", None)
    if fields is not None:
        return type(then)(
            *[_where(interpreter, condition, getattr(then, f.name), getattr(otherwise, f.name)) for f in fields]
        )
    return interpreter.where(condition, then, otherwise)


def minimum(left: Number, right: Number) -> Number:
    """Return the smaller number (`left` on a tie)."""
    smaller = right < left
    if smaller is True:
        return right
    if smaller is False:
        return left
    return _extreme("minimum", smaller, left, right)


def maximum(left: Number, right: Number) -> Number:
    """Return the larger number (`left` on a tie)."""
    larger = right > left
    if larger is True:
        return right
    if larger is False:
        return left
    return _extreme("maximum", larger, left, right)


def _extreme(name: str, wins: Any, left: Number, right: Number) -> Number:
    interpreter = _interpreter(wins)
    own = getattr(interpreter, name, None)
    return interpreter.where(wins, right, left) if own is None else own(left, right)


def each(function: Callable[[Any], Any], value: Any) -> Any:
    """Return `value` with `function` of every number and truth value in it; maps over tuples and records."""
    if isinstance(value, tuple):
        return tuple(each(function, part) for part in value)
    fields = getattr(type(value), "__attrs_attrs__", None)
    if fields is not None:
        return type(value)(*[each(function, getattr(value, field.name)) for field in fields])
    return function(value)


def not_(condition: Any) -> Any:
    """Return the negation of `condition`."""
    if condition is True:
        return False
    if condition is False:
        return True
    return _interpreter(condition).negate(condition)


def all_(*conditions: Any) -> Any:
    """Return whether every condition holds (True for none)."""
    result: Any = True
    for condition in conditions:
        if condition is False or result is True:
            result = condition
        elif condition is not True and result is not False:
            result = _interpreter(condition).both(result, condition)
        if result is False:
            return False
    return result


def any_(*conditions: Any) -> Any:
    """Return whether some condition holds (False for none)."""
    result: Any = False
    for condition in conditions:
        if condition is True or result is False:
            result = condition
        elif condition is not False and result is not True:
            result = _interpreter(condition).either(result, condition)
        if result is True:
            return True
    return result


def best(
    keys: Sequence[Number], eligible: Sequence[Any], order: Sequence[int] | None = None
) -> tuple[Any, Number, Number]:
    """Return (found, index, key): the smallest key among the eligible; on a tie the first in `order`.

    `order` is a permutation of the positions (by default 0, 1, ...). A fold, because a solver handles it far
    better than one-hot selection. Where nothing is eligible, `found` is false and the rest means nothing.
    """
    positions = range(len(keys)) if order is None else order
    first = positions[0]
    found, index, key = eligible[first], first, keys[first]
    for position in positions[1:]:
        if eligible[position] is False:
            continue
        is_smaller = keys[position] < key
        if found is True and eligible[position] is True and type(is_smaller) is bool:
            index, key = (position, keys[position]) if is_smaller else (index, key)
            continue
        better = all_(eligible[position], any_(not_(found), is_smaller))
        if found is True and eligible[position] is True:
            key = minimum(key, keys[position])
        else:
            key = where(better, keys[position], key)
        index = where(better, position, index)
        found = any_(found, eligible[position])
    return found, index, key


def same(index: Any, position: int) -> Any:
    """Return whether `index`, a number of the interpreter, is `position`."""
    return index == position


def choose(index: Any, values: Sequence[Any]) -> Any:
    """Return `values[index]`, for an index of the interpreter (position 0 if it is out of range)."""
    if type(index) is int:
        return values[index]
    chosen = values[0]
    for position in range(1, len(values)):
        chosen = where(same(index, position), values[position], chosen)
    return chosen


def put(index: Any, values: Sequence[Any], value: Any) -> tuple[Any, ...]:
    """Return `values` with `value` at `index`, for an index of the interpreter."""
    if type(index) is int:
        return (*values[:index], value, *values[index + 1 :])
    return tuple(where(same(index, position), value, old) for position, old in enumerate(values))
