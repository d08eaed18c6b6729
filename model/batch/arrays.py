"""The interpreter of rules on int64 arrays, and the driver of any step."""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import partial
from math import lcm
from typing import Any

import numpy as np
import numpy.typing as npt

from headgate.model.algebra import each, register
from headgate.model.interval import INT64_MAX, BatchOverflow, Extent, check

__all__ = ["CHUNK", "Integers", "Truths", "chunks", "common_scale", "integers", "run", "scaled"]

# Lanes worked on at a time: their states and a step's temporaries stay in the cache.
CHUNK = 4096

Integers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]


class _Arrays:
    """The interpreter: conditions are arrays of truth values."""

    def where(self, condition: Any, then: Any, otherwise: Any) -> Any:
        return np.where(condition, then, otherwise)

    def both(self, left: Any, right: Any) -> Any:
        return left & right

    def either(self, left: Any, right: Any) -> Any:
        return left | right

    def negate(self, condition: Any) -> Any:
        return ~condition

    def minimum(self, left: Any, right: Any) -> Any:
        return np.minimum(left, right)

    def maximum(self, left: Any, right: Any) -> Any:
        return np.maximum(left, right)


register(np.ndarray, _Arrays())
register(np.bool_, _Arrays())


# Scaling.


def common_scale(values: Iterable[Fraction | int]) -> int:
    """Return the least positive integer that makes an integer of each of `values` when multiplied by it."""
    return lcm(*[Fraction(value).denominator for value in values])


def scaled(values: Iterable[Fraction | int], scale: int) -> list[int]:
    """Return `values` times `scale`; ValueError, with the value, where that is not an integer."""
    results = []
    for value in values:
        exact = Fraction(value) * scale
        if exact.denominator != 1:
            raise ValueError(f"{value} times the scale {scale} is not an integer: take common_scale of all values")
        results.append(exact.numerator)
    return results


# Any step on arrays.


def run(
    start: Callable[[Any], Any], step: Callable[..., tuple[Any, Any]], parameters: Any, *inputs: npt.ArrayLike
) -> npt.NDArray[Any]:
    """Return what `step` gives for every step and schedule, an array (steps, schedules).

    start(parameters) -> state; step(state, parameters, *row) -> (result, state). Each of `inputs` is an array
    (steps, schedules); `parameters` is a record or tuple of integers, or of arrays (schedules,).
    Raises BatchOverflow before the first step if a number could leave int64.
    """
    rows = [integers(values, 2) for values in inputs]
    steps, lanes = rows[0].shape
    if any(values.shape != (steps, lanes) for values in rows):
        raise ValueError(f"expected arrays of one shape, got {[values.shape for values in rows]}")
    parameters = each(_parameter, parameters)
    if steps == 0 or lanes == 0:
        return np.empty((steps, lanes), np.int64)
    _check_machine(start, step, parameters, rows)
    results: npt.NDArray[Any] | None = None
    for part in chunks(lanes):
        own = each(partial(_lanes, part=part), parameters)
        state = start(own)
        for number in range(steps):
            result, state = step(state, own, *[values[number, part] for values in rows])
            if results is None:
                results = np.empty((steps, lanes), np.asarray(result).dtype)
            results[number, part] = result
    assert results is not None
    return results


def _check_machine(
    start: Callable[[Any], Any], step: Callable[..., tuple[Any, Any]], parameters: Any, rows: list[Integers]
) -> None:
    extent = Extent()
    own = each(lambda value: _span(extent, value), parameters)
    ends = [(int(values.min()), int(values.max())) for values in rows]
    check(extent, lambda s: step(s, own, *[extent.span(*e) for e in ends])[1], start(own), rows[0].shape[0])


def integers(values: npt.ArrayLike, dimensions: int) -> Integers:
    """Return `values` as int64; TypeError unless they are integers, OverflowError where one does not fit."""
    array = np.asarray(values)
    if array.dtype == object and all(type(value) is int for value in array.flat):
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"expected an array of integers, got {array.dtype}: scale exact numbers first")
    if array.ndim != dimensions:
        raise ValueError(f"expected an array of {dimensions} dimensions, got shape {array.shape}")
    if array.dtype.kind == "u" and array.size and int(array.max()) > INT64_MAX:
        raise BatchOverflow(f"{int(array.max())} does not fit int64: scale the inputs down")
    return array.astype(np.int64, copy=False)


def _parameter(value: Any) -> Any:
    if isinstance(value, np.ndarray | list):
        return integers(value, 1)
    if isinstance(value, bool | int):
        return value
    if isinstance(value, np.integer):
        return int(value)
    raise TypeError(f"expected an integer or an array of integers, got {value!r}: scale exact numbers first")


def _span(extent: Extent, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return extent.span(int(value.min()), int(value.max()))
    return value if isinstance(value, bool) else extent.span(value, value)


def _lanes(value: Any, part: slice) -> Any:
    return value[part] if isinstance(value, np.ndarray) else value


def chunks(lanes: int) -> Iterator[slice]:
    for first in range(0, lanes, CHUNK):
        yield slice(first, min(first + CHUNK, lanes))
