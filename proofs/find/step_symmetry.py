"""Which runs of the step model need not be searched, since exchanging queues that nobody asks about changes nothing.

Only whether there is a run, how large its value is, and how many requests it takes at least, are left as they are;
which queue is whose is not, so that whatever must hold of *every* run (an explanation, a loop) is searched in full.

Two kinds of policies, each with a reason of its own. All queues have the same span of arrivals.

* Lists (`drr`, `fq-codel`): a queue that is in no list has a state that does not tell which queue it is. Take a group
  of queues with nobody in between whom the question or an assumption names. Whenever some of them join, they may be
  renamed: of those outside the lists the first ones join, in the order in which they did. From then on each is served
  as the one was whose name it took, and whoever is named sees no difference, since of those that join in one step the
  lower number is ahead. A wait, or a blocking, lies within one stay in the lists, so that with no victim it only
  changes its queue.
* Token buckets: no queue sees another, so that all but those that are named may be silent.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import z3

from headgate.proofs.find.question import DEFAULT_COUNTS, Asked, Question
from headgate.proofs.find.step_model import TOKEN, StepModel
from headgate.proofs.symbolic import lift
from headgate.spec.expression_tree import quantities_of, span_of
from headgate.spec.expressions import Expression

__all__ = ["plain_runs"]

LISTS = ("drr", "fq-codel", "fq-codel-rejoins")


def plain_runs(model: StepModel) -> list[Any]:
    """Return what may be asked of a run beside what the question asks: runs that break it have a like that does not."""
    question = model.question
    if question.asked is Asked.STARVATION or not isinstance(question.policy, str):
        return []
    if question.policy == TOKEN:
        return [row[queue] == _least(question) for row in model.arrivals for queue in _unseen(question)]
    return list(_first_of_the_idle(model)) if question.policy in LISTS else []


def _least(question: Question) -> int:
    return (question.arrivals or DEFAULT_COUNTS).least


def _named(question: Question) -> set[int]:
    """Return the queues that the question, or what it assumes, speaks of."""
    named = set() if question.victim is None else {question.victim}
    shown = [question.shows] if question.asked is Asked.CONDITION else []
    for expression in (*question.assume, *shown):
        named |= set(_queues_of(expression))
    return named


def _queues_of(expression: Expression) -> Iterator[int]:
    for t in expression.times:
        for quantity in quantities_of(expression.condition):
            yield from span_of(quantity.queues, expression.names(t))


def _unseen(question: Question) -> list[int]:
    """Return the queues, each with a bucket of its own, that may be silent: of any that will do, the first is taken."""
    named = _named(question)
    anybody = question.victim is None and question.asked is not Asked.CONDITION
    # Anybody's value may be that of a queue which is named, or, of all the others alike, of the first.
    kept = {min(set(range(question.tenants)) - named, default=0)} if anybody else set()
    return [queue for queue in range(question.tenants) if queue not in named | kept]


def _pairs(count: int, named: set[int]) -> list[tuple[int, int]]:
    """Return the pairs of queues, the lower first, with nobody named between them."""
    pairs = combinations([queue for queue in range(count) if queue not in named], 2)
    return [(one, other) for one, other in pairs if not named & set(range(one, other))]


def _first_of_the_idle(model: StepModel) -> Iterator[Any]:
    """Yield that of two queues of a group which are in no list the first joins, if the second does."""
    question = model.question
    pairs = _pairs(question.tenants, _named(question))
    for state, row in zip(model.run.states, model.arrivals, strict=False):
        for one, other in pairs:
            idle = [z3.Not(_is_listed(state.policy, queue)) for queue in (one, other)]
            yield z3.Implies(z3.And(*idle, row[other] > 0), row[one] > 0)


def _is_listed(lists: Any, queue: int) -> Any:
    if hasattr(lists, "active"):
        return lift(lists.active[queue])
    return z3.Or(lift(lists.new[queue]), lift(lists.old[queue]))
