"""What find says of steps is what one finds by trying all arrivals: on the oracles, and loops on two plain servers."""

import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Any

import attrs
import pytest

from headgate.proofs.find.asking import ask
from headgate.proofs.find.question import Asked, Finding, Question, Span
from headgate.properties.oracles.simulator import run
from headgate.spec.expressions import parse_expression
from headgate.spec.vocabulary import Contract, Excess, Request

POLICIES = ("drr", "fq-codel", "fq-codel-rejoins", "priority", "round-robin", "vtc", "vtc-no-lift")
KINDS = (Asked.SERVICE, Asked.BLOCKED, Asked.WAIT, Asked.CONDITION, Asked.STARVATION)
MOST_RUNS = 300
Rows = tuple[tuple[int, ...], ...]


def drawn(seed: int) -> Question:
    """Return a question whose arrivals are few enough to be tried one by one."""
    pick, asked = random.Random(seed), KINDS[seed % len(KINDS)]
    while True:
        queues, count, span = pick.randint(1, 3), pick.randint(2, 5), Span(pick.choice((0, 0, 1)), pick.randint(1, 2))
        policy = pick.choice(("priority", "round-robin") if asked is Asked.STARVATION else POLICIES)
        victim = pick.randrange(queues) if asked is Asked.SERVICE or pick.random() < 0.5 else None
        question = Question(
            asked, policy, queues, steps=count, arrivals=span, same_step=pick.random() < 0.4,
            priorities=tuple(pick.randint(0, 2) for _ in range(queues)) if pick.random() < 0.4 else (),
            victim=None if asked is Asked.CONDITION else victim,
            maximise=asked in (Asked.SERVICE, Asked.BLOCKED, Asked.WAIT),
            assume=(parse_expression(f"cenq({pick.randrange(queues)}, T-1) <= {pick.randint(1, 4)}", queues, count),)
            if pick.random() < 0.4 and asked is not Asked.STARVATION and span.least == 0 else (),
        )  # fmt: skip
        if (span.most - span.least + 1) ** (queues * count) <= MOST_RUNS:
            return question


def all_rows(question: Question) -> Iterator[Rows]:
    """Yield the arrivals of the question, those that break its assumption left out; it is written as `drawn` does."""
    span, count = question.arrivals, question.steps
    assert span is not None
    assert count is not None
    for numbers in product(range(span.least, span.most + 1), repeat=question.tenants * count):
        rows = tuple(numbers[at : at + question.tenants] for at in range(0, len(numbers), question.tenants))
        sums = [sum(row[queue] for row in rows) for queue in range(question.tenants)]
        texts = [expression.text for expression in question.assume]
        if all(sums[int(text[5])] <= int(text.split("<=")[1]) for text in texts):
            yield rows


def services(question: Question, rows: Rows) -> list[tuple[int, int, int]]:
    """Return (queue, when it was there, when it was served) of each request, by the oracle of the policy."""
    later = 0 if question.same_step else 1
    requests = [
        Request(q, step + later, 1) for step, row in enumerate(rows) for q, n in enumerate(row) for _ in range(n)
    ]
    contracts = [
        Contract(str(q), Fraction(1), Fraction(1), Fraction(0), 1, priority, excess=Excess.IN_LINE)
        for q, priority in enumerate(question.all_priorities)
    ]
    done = run(requests, contracts, str(question.policy), Fraction(1))
    return [(requests[n].tenant, requests[n].arrival_ns, int(begin)) for n, begin, _ in done]


def value(question: Question, rows: Rows) -> int:
    """Return what a run shows, counted service by service."""
    served, count = services(question, rows), len(rows)
    queues = range(question.tenants) if question.victim is None else (question.victim,)
    if question.asked is Asked.SERVICE:
        return sum(q in queues and begin < count for q, _, begin in served)
    if question.asked is Asked.WAIT:
        return max((min(begin, count) - at for q, at, begin in served if q in queues and at < count), default=0)
    return max(longest_blocking([s for s in served if s[0] == q], count) for q in queues)


def longest_blocking(own: list[tuple[int, int, int]], count: int) -> int:
    """Return the most steps in a row in which one of these waits and none is served."""
    longest = now = 0
    for step in range(count):
        waits = any(at <= step <= begin for _, at, begin in own)
        now = now + 1 if waits and all(begin != step for _, _, begin in own) else 0
        longest = max(longest, now)
    return longest


def starves(question: Question, rows: Rows) -> bool:
    """Whether the server comes back to a state of before, a queue of the question having waited all the while."""
    order = sorted(range(question.tenants), key=lambda queue: (question.all_priorities[queue], queue))
    backlog, last = [0] * question.tenants, question.tenants - 1
    states, blocked = [(tuple(backlog), last)], []
    for row in rows:
        if question.same_step:
            backlog = [n + come for n, come in zip(backlog, row, strict=True)]
        circle = [(last + 1 + step) % question.tenants for step in range(question.tenants)]
        waiting = [queue for queue in (order if question.policy == "priority" else circle) if backlog[queue]]
        blocked.append(set(waiting[1:]))
        if waiting:
            backlog[waiting[0]] -= 1
        # At the end of a busy period round robin begins anew; who was served last matters to it alone.
        last = waiting[0] if waiting and question.policy != "priority" else last
        if not question.same_step:
            backlog = [n + come for n, come in zip(backlog, row, strict=True)]
        states.append((tuple(backlog), last))
    asked = set(range(question.tenants)) if question.victim is None else {question.victim}
    return any(
        states[begin] == states[end] and asked.intersection(*blocked[begin:end])
        for end in range(len(states))
        for begin in range(end)
    )


def check(seed: int) -> None:
    question = drawn(seed)
    runs = list(all_rows(question))
    if question.asked is Asked.STARVATION:
        found = any(starves(question, rows) for rows in runs)
        assert ask(question).finding is (Finding.FOUND if found else Finding.IMPOSSIBLE)
    elif question.asked is Asked.CONDITION:
        check_condition(question, runs, random.Random(seed))
    elif runs:
        check_most(question, max(value(question, rows) for rows in runs))
    else:
        assert ask(question).finding is Finding.IMPOSSIBLE


def check_most(question: Question, most: int) -> None:
    answer = ask(question)
    assert (answer.value, answer.proved_maximal) == (most, True)
    more = attrs.evolve(question, maximise=False, at_least=Fraction(most + 1))
    assert ask(more).finding is Finding.IMPOSSIBLE


def check_condition(question: Question, runs: list[Rows], pick: random.Random) -> None:
    """One queue is served more often than another by so much: asked for as much as there is, and for one more."""
    count, one, other = len(runs[0]) if runs else 0, pick.randrange(question.tenants), pick.randrange(question.tenants)
    apart = [sum((q == one) - (q == other) for q, _, begin in services(question, r) if begin < count) for r in runs]
    for wanted in (max(apart, default=0), max(apart, default=0) + 1):
        text = f"cdeq({one}, T-1) - cdeq({other}, T-1) >= {wanted}"
        shows: Any = parse_expression(text, question.tenants, question.steps or 0)
        expected = Finding.FOUND if any(d >= wanted for d in apart) else Finding.IMPOSSIBLE
        assert ask(attrs.evolve(question, shows=shows)).finding is expected


@pytest.mark.parametrize("seed", range(25))
def test_steps_are_those_of_all_arrivals(seed: int) -> None:
    check(seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 1200))
def test_steps_are_those_of_all_arrivals_of_many_questions(seed: int) -> None:
    check(seed)
