"""The searches: is there a schedule, what is the largest value of all, which schedule is the smallest.

A goal is posed to the solver once for each number of requests; the value that is wanted is a variable of its own, so
that what the solver learns at one value serves at the next. Every yes carries a schedule whose value is measured on the
exact model, which is often more than was asked; every no is a proof for all schedules of the domain.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.proofs.find.asking import Clock, OutOfTimeError
from headgate.spec.vocabulary import Schedule

__all__ = ["Found", "Goal", "Search"]

# Less than any value: asks a replay for whatever a schedule shows.
LOWEST = Fraction(-(10**12))


@attrs.frozen
class Found:
    """A schedule, and its value, measured on the exact model."""

    schedule: Schedule
    value: Fraction


@attrs.frozen
class Goal:
    """A question as terms, for one number of requests.

    `cases`: each a condition and a value, a whole number of `step`s, that a schedule reaches where it holds. `beyond`
    is the question's own violation (None: it has none). `decode` gives the schedule of a model; asked for a value of at
    least `wanted` (None: for the violation), it says so in its parameters and measures it. `smallest` are integer terms
    to keep small, what makes a schedule easy to read first.
    """

    constraints: tuple[Any, ...]
    cases: tuple[tuple[Any, Any], ...]
    beyond: Any | None
    step: Fraction
    decode: Callable[[z3.ModelRef, Fraction | None], Found]
    smallest: tuple[Any, ...]


class Search:
    """A goal before the solver."""

    def __init__(self, goal: Goal, clock: Clock, seed: int) -> None:
        """Pose the goal."""
        self.goal, self.clock = goal, clock
        self.is_cut_short = False
        # An interrupt that came after the last answer of an earlier question is pending: an empty question takes it.
        z3.SimpleSolver().check()
        # The plain solver is faster on these terms than the default strategy.
        self.solver = z3.SimpleSolver()
        self.solver.set("random_seed", seed)
        self.solver.set("ctrl_c", False)  # the solver would swallow the signal, and answer unknown
        self.solver.add(*goal.constraints)
        self.wanted = z3.Int("wanted")
        self.reached = z3.Bool("reached")
        reaches = [z3.And(condition, value >= self.wanted) for condition, value in goal.cases]
        self.solver.add(z3.Implies(self.reached, z3.Or(*reaches)))

    def find(self, at_least: Fraction | None, any_value: bool = False) -> Found | None:
        """Return a schedule whose value is at least that, or None, which is a proof that there is none.

        None asks for the violation or, with `any_value`, for any value at all. Raises OutOfTimeError where the solver
        does not know, which is where the time is up.
        """
        lowest = at_least is None and any_value
        asked = [z3.Or(*(condition for condition, _ in self.goal.cases))] if lowest else self._asked(at_least)
        model = self._model(asked, ())
        return None if model is None else self.goal.decode(model, LOWEST if lowest else at_least)

    def smallest(self, at_least: Fraction | None) -> Found | None:
        """Return the smallest such schedule: each term in turn is brought down to its least value.

        Where the time runs out on the way, the one that was reached; then `is_cut_short`.
        """
        asked = self._asked(at_least)
        model = self._model(asked, ())
        if model is None:
            return None
        fixed: list[Any] = []
        try:
            for term in self.goal.smallest:
                model = self._least(term, model, asked, fixed)
                fixed.append(term == model.eval(term, model_completion=True))
        except OutOfTimeError:
            self.is_cut_short = True
        return self.goal.decode(model, at_least)

    def _asked(self, at_least: Fraction | None) -> list[Any]:
        if at_least is None:
            assert self.goal.beyond is not None
            return [self.goal.beyond]
        # Values are whole numbers of steps, so that the next one above does as well.
        steps = at_least / self.goal.step
        return [self.reached, self.wanted == -(-steps.numerator // steps.denominator)]

    def _least(self, term: Any, model: z3.ModelRef, asked: Sequence[Any], fixed: Sequence[Any]) -> z3.ModelRef:
        low, high = 0, model.eval(term, model_completion=True).as_long()
        while low < high:
            middle = (low + high) // 2
            smaller = self._model(asked, (*fixed, term <= middle))
            if smaller is None:
                low = middle + 1
            else:
                model, high = smaller, smaller.eval(term, model_completion=True).as_long()
        return model

    def _model(self, asked: Sequence[Any], more: Sequence[Any]) -> z3.ModelRef | None:
        self.clock.check()
        left = self.clock.left_ms()
        if left is not None:
            self.solver.set("timeout", left)
        self.solver.push()
        try:
            self.solver.add(*asked, *more)
            answer = self.solver.check()
            if answer == z3.sat:
                return self.solver.model()
            if answer == z3.unsat:
                return None
            raise OutOfTimeError(self.solver.reason_unknown())
        finally:
            self.solver.pop()
