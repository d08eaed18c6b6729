"""Integers, Z3 on constants, numpy and the plain oracles say the same: the allocator on a table, and on a pool."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headgate.benchmarks import allocator as benchmark
from headgate.model.algebra import each
from headgate.model.batch import run
from headgate.model.memory import allocator, pool
from headgate.model.memory.allocator import Memory
from headgate.model.memory.pages import DONE, Outcome
from headgate.proofs.symbolic import lift, symbolic, value
from headgate.properties.oracles.allocator import Allocator
from headgate.tests.interpreters import fewer

# (banks' holders, pages, quotas); rows are (kind, tenant, place, lease).
HOLDERS, PAGES, QUOTAS = (0, 1, 1), 6, (2, 3)
ROW = st.tuples(st.integers(0, 5), st.integers(0, 1), st.integers(0, PAGES - 1), st.integers(0, 4))
ROWS = st.lists(ROW, min_size=1, max_size=16)

# Page 0 is granted, its bank drains, it is copied to bank 1 once that is tenant 0's, switched to, and freed there.
MOVED = [(2, 0, 1, 0), (5, 0, 1, 0), (0, 0, 0, 0), (2, 0, 0, 0), (3, 0, 0, 0), (3, 0, 0, 0), (4, 0, 0, 0), (1, 0, 1, 0)]
# Freed while it is copied; its bank goes to tenant 1, who is granted the page.
GIVEN_UP = [*MOVED[:5], (1, 0, 0, 0), (5, 1, 0, 0), (0, 1, 0, 0), (4, 0, 0, 0)]
# The quota is full, then the page is freed twice.
TWICE = [(0, 0, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0), (1, 0, 0, 0), (0, 0, 0, 0), (1, 0, 0, 0)]


def start() -> Memory:
    return allocator.fresh(PAGES, HOLDERS, QUOTAS)


def by_oracle(rows: list[tuple[int, ...]]) -> list[int]:
    """Return what `allocator.step` answers: outcome and place in one number."""
    oracle, answers = Allocator(PAGES, list(HOLDERS), list(QUOTAS)), []
    for kind, tenant, place, lease in rows:
        bank = place if place < len(HOLDERS) else 0
        name, found = [
            lambda t=tenant: oracle.allocate(t),
            lambda t=tenant, p=place, n=lease: oracle.free(t, p, n),
            lambda b=bank: oracle.drain(b),
            lambda p=place: oracle.begin_copy(p),
            lambda: oracle.finish_copy(),
            lambda b=bank, t=tenant: oracle.hand_over(b, t),
        ][kind]()
        answers.append(int(Outcome[name]) * PAGES + (found or 0))
    return answers


def on_integers(rows: list[tuple[int, ...]]) -> list[int]:
    memory, answers = start(), []
    for row in rows:
        answer, memory = allocator.step(memory, *row)
        answers.append(answer)
    return answers


@given(ROWS)
@example(MOVED)
@example(GIVEN_UP)
@example(TWICE)
def test_integers_are_the_oracle(rows: list[tuple[int, ...]]) -> None:
    assert on_integers(rows) == by_oracle(rows)


@fewer(2)
@given(ROWS)
@example(MOVED)
@example(GIVEN_UP)
@example(TWICE)
def test_arrays_are_the_integers(rows: list[tuple[int, ...]]) -> None:
    """Three schedules at once: the rows, the same backwards, and turned by one."""
    lanes = [rows, rows[::-1], [*rows[1:], rows[0]]]
    columns = [np.array([[row[column] for row in lane] for lane in lanes], np.int64).T for column in range(4)]
    answers = run(lambda own: start(), lambda memory, own, *row: allocator.step(memory, *row), (0,), *columns)
    assert answers.T.tolist() == [on_integers(lane) for lane in lanes]


@fewer(10)
@given(st.lists(ROW, min_size=1, max_size=6))
@example(MOVED)
@example(GIVEN_UP)
def test_terms_are_the_integers(rows: list[tuple[int, ...]]) -> None:
    memory: Any = start()
    answers = []
    for row in rows:
        with symbolic():
            answer, after = allocator.step(each(lift, memory), *map(lift, row))
        answers.append(value(answer))
        memory = each(value, after)
    assert answers == on_integers(rows)


# The pool.


def test_every_refusal_is_met_in_a_pool() -> None:
    ours = pool.fresh(4, [0, 1], [1, 9])
    outcomes, places, leases = pool.grant(ours, [0, 1, 0, 1, 1])
    assert outcomes.tolist() == [DONE, DONE, Outcome.QUOTA_FULL, DONE, Outcome.COLOUR_FULL]
    assert (places[[0, 1, 3]].tolist(), leases.tolist()) == ([0, 1, 3], [0, 1, 2, 3, 4])
    assert pool.give_back(ours, [0, 1], [0, 3], [0, 1]).tolist() == [DONE, Outcome.NOT_OWNED]
    assert pool.give_back(ours, [0], [0], [0]).tolist() == [Outcome.NOT_OWNED]


@pytest.mark.parametrize(
    ("rows", "error", "words"),
    [
        (([0, 0], [1, 1], [0, 0]), ValueError, "expected no page twice in a run"),
        (([2], [0], [0]), ValueError, "tenants: expected 0 to 1, got 2 to 2"),
        (([0], [4], [0]), ValueError, "pages: expected 0 to 3, got 4 to 4"),
        (([0], [0.5], [0]), TypeError, "pages: expected a row of integers, got float64"),
    ],
)
def test_a_run_that_cannot_be_is_refused(rows: tuple[list[Any], ...], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        pool.give_back(pool.fresh(4, [0, 1], [1, 9]), *rows)


def test_the_benchmark_agrees_with_the_oracle(capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["--pages", "2048", "--operations", "30000", "--run", "700", "--sample", "30000"]) == 0
    printed = capsys.readouterr().out
    assert "x plain oracle" in printed
    assert "they agree, page by page" in printed


def test_the_traffic_of_the_benchmark_is_refused_in_every_way() -> None:
    traffic = benchmark.Traffic(2048, 700)
    rounds = [traffic.round() for _ in range(25)]
    met = {int(o) for each in rounds for o in (*each.granted[0], *each.outcomes)}
    assert met == {DONE, Outcome.QUOTA_FULL, Outcome.COLOUR_FULL, Outcome.NOT_OWNED}


def test_a_disagreement_of_the_benchmark_is_seen() -> None:
    traffic = benchmark.Traffic(64, 10)
    rounds = [traffic.round()]
    assert benchmark.agrees(rounds, 64, traffic.quotas)[0]
    assert not benchmark.agrees(rounds, 64, [0] * 8)[0]
