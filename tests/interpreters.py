"""How the differential tests run one rule on every kind of numbers, and what they draw.

Not a test itself. A machine is `step(state, *row) -> (result, state)`; a schedule is a list of rows.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import attrs
import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from headgate.model.algebra import each
from headgate.model.arbiters import Policy
from headgate.model.batch import common_scale, scaled
from headgate.proofs.symbolic import lift, symbolic, value

Step = Callable[..., tuple[Any, Any]]
Rows = Sequence[tuple[Any, ...]]


def fewer(share: int = 4) -> settings:
    """Return the current profile with a `share`-th of its examples: a solver's terms are slow to build."""
    return settings(max_examples=max(1, settings().max_examples // share))


def on_numbers(state: Any, step: Step, rows: Rows) -> list[Any]:
    """Return the results of the reference: ints and Fractions."""
    results = []
    for row in rows:
        result, state = step(state, *row)
        results.append(result)
    return results


def on_terms(state: Any, step: Step, rows: Rows) -> list[Any]:
    """Return the results of the same on Z3's constants, every number and truth value lifted."""
    results = []
    for row in rows:
        with symbolic():
            result, after = step(each(real, state), *[real(number) for number in row])
        results.append(value(result))
        state = each(value, after)
    return results


def real(number: Any) -> Any:
    """Lift a number to a real constant, and a truth value to a Boolean one."""
    return lift(number if isinstance(number, bool) else Fraction(number))


def columns(rows_of_lanes: Sequence[Rows], column: int, scale: int) -> Any:
    """Return one column of several schedules of equal length, an array (steps, schedules) of scaled integers."""
    lanes = [scaled([row[column] for row in rows], scale) for rows in rows_of_lanes]
    return np.array(lanes, np.int64).T


def scale_of(rows_of_lanes: Sequence[Rows], column: int) -> int:
    """Return the common scale of one column."""
    return common_scale(row[column] for rows in rows_of_lanes for row in rows)


def lanes_of(rows: Rows) -> list[Rows]:
    """Return three schedules of one length: `rows`, its times with its sizes backwards, and a shift of it."""
    gaps = [row[0] for row in rows]
    backwards = [(gap, *row[1:]) for gap, row in zip(gaps, reversed(rows), strict=True)]
    return [rows, backwards, [*rows[1:], rows[0]]]


def clocked(rows: Rows) -> list[tuple[Fraction, Any]]:
    """Return (time, size) for rows of (time since the one before, size)."""
    now, requests = Fraction(0), []
    for gap, size in rows:
        now += gap
        requests.append((now, size))
    return requests


def gaps() -> st.SearchStrategy[Fraction]:
    """Times between requests: none, a few ns, parts of a ns, an idle spell."""
    return st.one_of(
        st.just(Fraction(0)),
        st.integers(0, 6).map(Fraction),
        st.fractions(0, 6, max_denominator=4),
        st.just(Fraction(1000)),
    )


def sizes(largest: int) -> st.SearchStrategy[int]:
    """Sizes up to the largest, the largest often, and one beyond it."""
    return st.one_of(st.integers(1, largest), st.just(largest), st.just(largest + 1))


def rates() -> st.SearchStrategy[Fraction]:
    """Positive rates, whole or not."""
    return st.one_of(st.integers(1, 5).map(Fraction), st.fractions(Fraction(1, 4), 5, max_denominator=4))


def schedules(largest: int, length: int = 12) -> st.SearchStrategy[list[tuple[Fraction, int]]]:
    """Rows of (time since the one before, size)."""
    return st.lists(st.tuples(gaps(), sizes(largest)), min_size=1, max_size=length)


@attrs.define
class Recording:
    """What a policy was asked and what it answered, in order: (function, arguments, answer)."""

    calls: list[tuple[str, tuple[Any, ...], Any]] = attrs.field(factory=list)

    def of(self, policy: Policy) -> Policy:
        """Return `policy`, recorded."""
        return attrs.evolve(
            policy,
            stamp=self._recorded("stamp", policy.stamp),
            select=self._recorded("select", policy.select),
            rest=self._recorded("rest", policy.rest),
            advance=self._recorded("advance", policy.advance),
        )

    def _recorded(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            answer = function(*arguments)
            self.calls.append((name, arguments, answer))
            return answer

        return call
