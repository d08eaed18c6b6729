"""The runs that a question on steps is about, as terms: the free arrivals, and what a run shows.

What is searched is `headgate.model.steps.run_steps` on the solver's terms: every number of arrivals per queue and step
is free within its span. Each step's state gets names of its own, which keeps the terms small.
"""

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import z3

from headgate.model.algebra import each
from headgate.model.arbiters import ARBITERS, Policy
from headgate.model.conditions import holds
from headgate.model.step_gate import StepBucket, run_gate
from headgate.model.steps import StepRun, run_steps, step_tenants
from headgate.proofs.find.checking import BUCKET
from headgate.proofs.find.question import DEFAULT_COUNTS, DEFAULT_STEPS, Asked, Question
from headgate.proofs.symbolic import lift

__all__ = [
    "BUCKET",
    "TOKEN",
    "StepModel",
    "policy_of",
    "run_question",
    "shows_at_least",
    "step_model",
    "steps_of",
]

# The policy that is no arbiter: each queue goes through a token bucket of its own, with these numbers.
TOKEN = "token"


@attrs.frozen
class StepModel:
    """All runs that a question is about: the free arrivals per step and queue, the run, and what constrains both.

    `policy` is None where queues go through token buckets. `domain` bounds the arrivals, `definitions` give names to
    the states, `assumed` are the question's assumptions.
    """

    question: Question
    policy: Policy | None
    arrivals: tuple[tuple[Any, ...], ...]
    run: StepRun
    domain: tuple[Any, ...]
    definitions: tuple[Any, ...]
    assumed: tuple[Any, ...]

    @property
    def constraints(self) -> tuple[Any, ...]:
        """All that holds of a run of the question."""
        return (*self.domain, *self.definitions, *self.assumed)

    def queues(self) -> Sequence[int]:
        """Return the queue in question, or all."""
        victim = self.question.victim
        return range(self.question.tenants) if victim is None else (victim,)


def policy_of(question: Question) -> Policy | None:
    """Return the arbiter of a question; None where queues go through token buckets."""
    return question.policy if isinstance(question.policy, Policy) else ARBITERS.get(question.policy)


def steps_of(question: Question) -> int:
    """Return of how many steps a question is asked."""
    return DEFAULT_STEPS if question.steps is None else question.steps


def step_model(question: Question, check: Callable[[], None] = lambda: None) -> StepModel:
    """Return the runs of `question` as terms, within `symbolic()`; `check` is called in each step, and may raise."""
    span = question.arrivals or DEFAULT_COUNTS
    arrivals = tuple(
        tuple(z3.Int(f"aenq_{queue}_{step}") for queue in range(question.tenants)) for step in range(steps_of(question))
    )
    domain = [z3.And(n >= span.least, n <= span.most) for row in arrivals for n in row]
    definitions: list[Any] = []

    def keep(step: int, part: Any) -> Any:
        def named(term: Any) -> Any:
            if not isinstance(term, z3.ExprRef) or z3.is_const(term):
                return term
            name = z3.FreshConst(term.sort(), f"step{step}")
            definitions.append(name == term)
            return name

        check()
        return each(named, part)

    run = run_question(question, arrivals, keep)
    assumed = tuple(lift(holds(expression, run.seen)) for expression in question.assume)
    return StepModel(question, policy_of(question), arrivals, run, tuple(domain), tuple(definitions), assumed)


def run_question(question: Question, arrivals: Sequence[Sequence[Any]], keep: Callable[[int, Any], Any]) -> StepRun:
    """Return the run of these arrivals; `keep` as in `headgate.model.steps.run_steps`."""
    policy, span = policy_of(question), question.arrivals or DEFAULT_COUNTS
    if policy is None:
        rules = StepBucket(*(int(question.parameters[key]) for key in BUCKET))
        return run_gate(rules, arrivals, question.same_step, keep)
    tenants = step_tenants(question.tenants, question.all_priorities)
    return run_steps(policy, tenants, arrivals, question.same_step, span.most, keep)


def shows_at_least(model: StepModel, value: int) -> Any:
    """Return whether a run shows what is asked for, to the amount of at least `value`."""
    question, run = model.question, model.run
    steps = range(len(run.served))
    if question.asked is Asked.CONDITION:
        return lift(holds(question.shows, run.seen))
    if value <= 0:
        return lift(True)
    if question.asked is Asked.SERVICE:
        return lift(run.seen.cdeq[-1][model.queues()[0]] >= value)
    cases = []
    for queue in model.queues():
        if question.asked is Asked.BLOCKED:
            rows = [[lift(run.blocked[step][queue]) for step in steps[begin : begin + value]] for begin in steps]
            cases += [z3.And(*row) for row in rows if len(row) == value]
        else:
            # What came by `begin` and is not gone by `end` was passed over in each step between.
            apart = value - 1 if question.same_step else value
            pairs = [(begin, begin + apart) for begin in steps if begin + apart in steps]
            cases += [lift(run.seen.cenq[b][queue] > run.seen.cdeq[e][queue]) for b, e in pairs]
    return z3.Or(*cases)
