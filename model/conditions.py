"""Conditions on what happened in discrete steps, for every kind of numbers: one meaning of an assumption.

The search asks them of the solver's terms, and the replay of the integers that the event simulator gave.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

import attrs

from headgate.model.algebra import all_, any_, not_
from headgate.spec.expression_tree import (
    Both,
    Comparison,
    Condition,
    Constant,
    Either,
    Negative,
    Not,
    Operation,
    Quantity,
    Span,
    Term,
    Variable,
    ranges_of,
    span_of,
)
from headgate.spec.expressions import Expression
from headgate.spec.units import Number

__all__ = ["History", "history", "holds"]

Table = tuple[tuple[Number, ...], ...]


@attrs.frozen
class History:
    """Packets per step and queue: arrivals and departures in the step, and in all steps up to and with it."""

    aenq: Table
    deq: Table
    cenq: Table
    cdeq: Table

    def of(self, name: str, queue: int, step: int) -> Number:
        """Return a quantity by its name (`headgate.spec.expressions.QUANTITIES`)."""
        if name == "backlog":
            return self.cenq[step][queue] - self.cdeq[step][queue]
        table: Table = getattr(self, name)
        return table[step][queue]


def history(arrivals: Sequence[Sequence[Number]], departures: Sequence[Sequence[Number]]) -> History:
    """Return the history of these arrivals and departures, per step and queue."""
    tables = tuple(tuple(tuple(row) for row in rows) for rows in (arrivals, departures))
    return History(*tables, *(_summed(table) for table in tables))


def _summed(table: Table) -> Table:
    return tuple(accumulate(table, lambda total, row: tuple(a + b for a, b in zip(total, row, strict=True))))


def holds(expression: Expression, seen: History) -> Any:
    """Return whether `expression` holds of what was seen, at every step that it speaks of."""
    return all_(*(_holds(expression.condition, seen, expression.names(t)) for t in expression.times))


def _holds(condition: Condition, seen: History, names: Mapping[str, int]) -> Any:
    match condition:
        case Not(part):
            return not_(_holds(part, seen, names))
        case Both(parts):
            return all_(*(_holds(part, seen, names) for part in parts))
        case Either(parts):
            return any_(*(_holds(part, seen, names) for part in parts))
        case Comparison():
            return all_(*_compared(condition, seen, names))


def _compared(comparison: Comparison, seen: History, names: Mapping[str, int]) -> Iterator[Any]:
    queues, steps = ranges_of(comparison, names)
    for queue in queues or range(1):
        for step in steps or range(1):
            left, right = (_value(side, seen, names, queue, step) for side in (comparison.left, comparison.right))
            yield _compare(comparison.sign, left, right)


def _compare(sign: str, left: Number, right: Number) -> Any:
    match sign:
        case "<=":
            return left <= right
        case ">=":
            return left >= right
        case "<":
            return left < right
        case ">":
            return left > right
        case "==":
            return all_(left <= right, left >= right)
    return any_(left < right, left > right)


def _value(term: Term, seen: History, names: Mapping[str, int], queue: int, step: int) -> Any:
    """Return the value of `term`; `queue` and `step` are those of the comparison's ranges."""

    def inside(part: Term) -> Any:
        return _value(part, seen, names, queue, step)

    def place(span: Span, gone_through: int) -> int:
        return span_of(span, names)[0] if span.high is None else gone_through

    match term:
        case Constant(value):
            return value
        case Variable(name):
            return names[name]
        case Negative(part):
            return -inside(part)
        case Operation(sign, left, right):
            a, b = inside(left), inside(right)
            return a + b if sign == "+" else a - b if sign == "-" else a * b
        case Quantity(name, queues, steps):
            return seen.of(name, place(queues, queue), place(steps, step))
