"""The symbolic interpreter: the rules of the model run on Z3's terms.

Two traps of z3py are closed here. `bool(x == y)` on terms does not raise, it answers whether both are the same text;
inside `symbolic()` it raises, so that no rule can branch on a term unnoticed. And numbers of Python that meet in a
choice are lifted to terms of the right sort first.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import z3

from headgate.model.algebra import register

__all__ = ["decide", "lift", "symbolic", "value"]


def lift(number: Any) -> Any:
    """Return `number` as a term: bool, int and Fraction become constants, terms stay."""
    if isinstance(number, z3.ExprRef):
        return number
    if isinstance(number, bool):
        return z3.BoolVal(number)
    if isinstance(number, int):
        return z3.IntVal(number)
    if isinstance(number, Fraction):
        return z3.RealVal(number)
    raise TypeError(f"a rule used a value of type {type(number).__name__} beside terms: {number!r}")


class _Z3Interpreter:
    """Conditions are Z3's BoolRef."""

    def where(self, condition: Any, then: Any, otherwise: Any) -> Any:
        then, otherwise = lift(then), lift(otherwise)
        if then.eq(otherwise):
            return then
        return z3.If(condition, then, otherwise)

    def both(self, left: Any, right: Any) -> Any:
        return z3.And(left, right)

    def either(self, left: Any, right: Any) -> Any:
        return z3.Or(left, right)

    def negate(self, condition: Any) -> Any:
        return z3.Not(condition)


register(z3.BoolRef, _Z3Interpreter())


def _refuse_bool(term: z3.BoolRef) -> bool:
    if z3.is_true(term):
        return True
    if z3.is_false(term):
        return False
    raise TypeError(f"a rule branched on an open term: {term}")


@contextmanager
def symbolic() -> Iterator[None]:
    """Within this context a rule that branches on a term raises TypeError instead of going wrong."""
    original = z3.BoolRef.__bool__
    z3.BoolRef.__bool__ = _refuse_bool
    try:
        yield
    finally:
        z3.BoolRef.__bool__ = original


def value(term: Any) -> int | bool | Fraction:
    """Return what a constant term stands for; Python's own numbers pass. Raises ValueError for an open term."""
    if not isinstance(term, z3.ExprRef):
        return term  # type: ignore[no-any-return]
    constant = z3.simplify(term)
    if z3.is_true(constant) or z3.is_false(constant):
        return bool(z3.is_true(constant))
    if z3.is_int_value(constant):
        return int(constant.as_long())
    if z3.is_rational_value(constant):
        return Fraction(constant.numerator_as_long(), constant.denominator_as_long())
    raise ValueError(f"not a constant: {constant}")


def decide(model: z3.ModelRef, term: Any) -> int | bool | Fraction:
    """Return the value of `term` in `model`; what the model leaves open is filled in by the solver's default."""
    return value(model.eval(lift(term), model_completion=True))
