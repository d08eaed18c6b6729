"""What must hold of discrete steps: they are what the event simulator and the bucket do (DS-1 to DS-3)."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headgate.model.arbiters import ARBITERS
from headgate.model.simulator import Server, simulate
from headgate.model.step_gate import StepBucket, offered_steps, run_gate
from headgate.model.steps import needs_no_tags, requests_of, run_steps, step_tenants, view
from headgate.spec.links import checks
from headgate.spec.vocabulary import Contract, Excess

Rows = list[list[int]]

POLICY = pytest.mark.parametrize("name", sorted(name for name, policy in ARBITERS.items() if needs_no_tags(policy)))
# Each is run for every policy.
FEWER = settings(max_examples=max(1, settings().max_examples // 2))


@st.composite
def step_rows(draw: st.DrawFn) -> Rows:
    """Draw the arrivals of up to 12 steps and 4 queues, often none."""
    queues = draw(st.integers(1, 4))
    count = st.one_of(st.just(0), st.integers(0, 4))
    return draw(st.lists(st.lists(count, min_size=queues, max_size=queues), min_size=1, max_size=12))


def by_events(name: str, rows: Rows, priorities: Sequence[int], same_step: bool) -> list[int | None]:
    """Return who goes into service at each ns on the event simulator."""
    contracts = [Contract(str(k), Fraction(1), Fraction(1), Fraction(0), 1, p, excess=Excess.IN_LINE)
                 for k, p in enumerate(priorities)]  # fmt: skip
    run = simulate(requests_of(rows, same_step), contracts, ARBITERS[name], Server(Fraction(1)))
    starts = {int(s.start_ns): s.request.tenant for s in run.services}
    return [starts.get(step) for step in range(len(rows))]


# Queue 1 empties as it is served from NEW, comes back while it is in OLD, and the line falls idle in between.
IDLE_BETWEEN = [[1, 1], [0, 0], [0, 1], [0, 0], [0, 0], [1, 1], [2, 1]]


# Queue 0 is left in OLD, empty, as the line falls idle; then it and queue 1 join NEW, queue 0 first.
LEFT_IN_OLD = [[1, 0], [0, 0], [0, 0], [1, 1], [0, 0], [0, 0]]
# Two of queue 1 still wait as queue 2 comes back, and queue 0, ahead of them, was served last: VTC lifts to queue 1.
LIFTED = [[1, 3, 0], [0, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]


@checks("DS-1")
@POLICY
@FEWER
@given(rows=step_rows(), priorities=st.permutations(range(4)), same_step=st.booleans())
@example(rows=IDLE_BETWEEN, priorities=[1, 0, 2, 3], same_step=False)
@example(rows=IDLE_BETWEEN, priorities=[1, 0, 2, 3], same_step=True)
@example(rows=LEFT_IN_OLD, priorities=[0, 1, 2, 3], same_step=False)
@example(rows=LIFTED, priorities=[0, 1, 2, 3], same_step=False)
@example(rows=[[2, 2, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1]], priorities=[0, 1, 2, 3], same_step=False)
def test_steps_are_events(name: str, rows: Rows, priorities: list[int], same_step: bool) -> None:
    """Who is served in a step is who goes into service at that ns; who is blocked waits there, and is not served."""
    given_ = [priorities[k] for k in range(len(rows[0]))]
    run = run_steps(ARBITERS[name], step_tenants(len(rows[0]), given_), rows, same_step)
    chosen = [next((queue for queue, served in enumerate(row) if served), None) for row in run.served]
    assert chosen == by_events(name, rows, given_, same_step)
    backlog = [0] * len(rows[0])
    for step, row in enumerate(rows):
        waits = [n + (come if same_step else 0) for n, come in zip(backlog, row, strict=True)]
        assert list(run.blocked[step]) == [n > 0 and chosen[step] != queue for queue, n in enumerate(waits)]
        backlog = [n + come - (chosen[step] == queue) for queue, (n, come) in enumerate(zip(backlog, row, strict=True))]
        assert list(run.states[step + 1].backlog) == backlog
        assert [run.seen.of("backlog", queue, step) for queue in range(len(row))] == backlog


@checks("DS-2")
@POLICY
@FEWER
@given(data=st.data(), rows=step_rows(), more=step_rows(), same_step=st.booleans())
def test_states_of_one_view_fare_the_same(
    name: str, data: st.DataObject, rows: Rows, more: Rows, same_step: bool
) -> None:
    """Whatever schedules of two lengths left in states of one view, the same arrivals fare the same."""
    queues, tenants = len(rows[0]), step_tenants(len(rows[0]))
    more = [[*row, 0, 0, 0][:queues] for row in more]
    states = run_steps(ARBITERS[name], tenants, rows, same_step).states
    pairs = [(i, j) for i in range(len(states)) for j in range(i) if view(states[i]) == view(states[j])]
    if not pairs:
        return
    i, j = data.draw(st.sampled_from(pairs))
    later = [run_steps(ARBITERS[name], tenants, rows[:n] + more, same_step).served[n:] for n in (i, j)]
    assert later[0] == later[1]


@checks("DS-2")
@POLICY
def test_states_that_fare_differently_have_two_views(name: str) -> None:
    """Who was served last, who is ahead in a list, how many wait: where what follows differs, so does the view."""
    tenants, more = step_tenants(3), [[1, 1, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
    starts = [[list(row)] for row in [(0, 1, 1), (1, 1, 0), (1, 0, 1), (1, 0, 0), (0, 0, 1), (2, 0, 0), (2, 2, 0)]]
    # Queues 1 and 2 wait behind queue 0, in this order and in the other.
    starts += [[[1, 1, 0], [0, 0, 1]], [[1, 0, 1], [0, 1, 0]]]
    starts += [[[1, 0, 0], *start] for start in starts] + [[*start, [0, 0, 0]] for start in starts]
    found = []
    for start in starts:
        run = run_steps(ARBITERS[name], tenants, [*start, *more])
        found.append((run.served[len(start) :], view(run.states[len(start)])))
    assert all(one[0] == other[0] or one[1] != other[1] for one in found for other in found)
    assert any(one[0] != other[0] for one in found for other in found)


@checks("DS-3")
@given(
    rows=st.lists(st.lists(st.integers(0, 7), min_size=2, max_size=2), min_size=1, max_size=9),
    rate=st.integers(0, 4),
    depth=st.integers(0, 8),
    level=st.integers(0, 8),
    same_step=st.booleans(),
)
@example(rows=[[0, 9], [6, 0], [0, 0], [9, 0], [9, 9]], rate=3, depth=6, level=0, same_step=False)
@example(rows=[[0, 9], [6, 0], [0, 0], [9, 0], [9, 9]], rate=3, depth=6, level=0, same_step=True)
def test_a_drained_bucket_is_one_that_is_offered(
    rows: Rows, rate: int, depth: int, level: int, same_step: bool
) -> None:
    """What leaves in each step is what a bucket admits of requests one by one, and what a loop over tokens does."""
    rules = StepBucket(rate, depth, level)
    run = run_gate(rules, rows, same_step)
    assert [list(row) for row in run.seen.deq] == offered_steps(rules, rows, same_step)
    for queue in (0, 1):
        tokens, backlog = level, 0
        for step, row in enumerate(rows):
            tokens = min(depth, tokens + rate) if step else min(depth, tokens)
            backlog += row[queue] if same_step else 0
            gone = min(tokens, backlog)
            assert (run.seen.deq[step][queue], run.blocked[step][queue]) == (gone, backlog > 0 and gone == 0)
            tokens, backlog = tokens - gone, backlog - gone + (0 if same_step else row[queue])
