"""The numpy interpreter beyond what the differential tests see: long batches, chunks, both forms, refusals."""

import subprocess
import sys
from fractions import Fraction
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.model import bucket, meter
from headgate.model.arbiters import ARBITERS, NO_STAMP, Arrival, Policy, Stamp, Tenants
from headgate.model.batch import (
    BatchOverflow,
    Traffic,
    arbiters,
    arrays,
    run_arbiter,
    run_bucket,
    run_head_of_line,
    run_meter,
    scaled,
)
from headgate.model.interval import INT64_MAX

OPEN = [policy for policy in ARBITERS.values() if not policy.exact_only]
ALL = pytest.mark.parametrize("policy", OPEN, ids=lambda policy: policy.name)
TIMELESS = pytest.mark.parametrize("policy", [p for p in OPEN if not p.keeps_time], ids=lambda policy: policy.name)
EIGHT = Tenants(8, (2, 0, 1, 3, 4, 5, 6, 7), (1, 1, 0, 1, 1, 1, 1, 1), (64,) * 8)


def backlog(count: int, depth: int, lanes: int, seed: int = 1) -> tuple[Any, Any]:
    """Return sizes and costs (tenants, requests, schedules), weights skewed."""
    dice = np.random.default_rng(seed)
    sizes = dice.integers(1, 65, (count, depth, lanes))
    return sizes, sizes * dice.choice([1, 3, 500], (count, 1, 1))


def at_once(sizes: Any, costs: Any) -> Traffic:
    """Return the same requests for the deep queues: all at time 0, the first ones of all tenants first."""
    count, depth, lanes = sizes.shape
    tenant = np.broadcast_to(np.arange(count)[None, :, None], (depth, count, lanes)).reshape(-1, lanes)
    size, cost = (table.transpose(1, 0, 2).reshape(-1, lanes) for table in (sizes, costs))
    return Traffic(tenant, np.zeros_like(size), size, cost, size)


def head_of_line_plainly(policy: Policy, tenants: Tenants, sizes: Any, costs: Any) -> list[int]:
    """Return who is served at every step of one schedule in the head-of-line form, by the reference rules."""
    count, depth = sizes.shape
    state, heads, taken = policy.start(tenants), [NO_STAMP] * count, [0] * count

    def next_head(state: Any, tenant: int) -> Any:
        place = taken[tenant]
        taken[tenant] += 1
        if place >= depth:
            return state
        arrival = Arrival(0, int(sizes[tenant, place]), int(costs[tenant, place]), place * count + tenant)
        state, heads[tenant] = policy.stamp(state, tenant, arrival)
        return state

    for tenant in range(count):
        state = next_head(state, tenant)
    served = []
    for _ in range(count * depth):
        waiting = tuple(place <= depth for place in taken)
        _, tenant, state = policy.select(state, tenants, tuple(heads), waiting)
        served.append(tenant)
        state = next_head(state, tenant)
    return served


@TIMELESS
def test_head_of_line_is_the_reference(policy: Policy) -> None:
    sizes, costs = backlog(8, 5, 12)
    served = run_head_of_line(policy, EIGHT, sizes, costs, 40)
    for lane in range(12):
        assert served[:, lane].tolist() == head_of_line_plainly(policy, EIGHT, sizes[:, :, lane], costs[:, :, lane])


@pytest.mark.parametrize("name", ["early", "wfq", "wf2q+"])
def test_what_needs_a_clock_is_refused_where_no_time_passes(name: str) -> None:
    sizes, costs = backlog(8, 2, 3)
    with pytest.raises(TypeError, match=r"none passes|not on arrays"):
        run_head_of_line(ARBITERS[name], EIGHT, sizes, costs, 16)


@TIMELESS
def test_head_of_line_and_deep_queues_agree(policy: Policy) -> None:
    """Stamped at the head or on arrival: the same order, save for three.

    The essay's missing term shows only deep; a client of VTC with a single request comes back every time, and so does a
    queue of FQ-CoDel, which then joins NEW.
    """
    sizes, costs = backlog(8, 5, 300)
    traffic = at_once(sizes, costs)
    served = run_arbiter(policy, EIGHT, traffic)
    deep = np.take_along_axis(np.asarray(traffic.tenant), served.request, 0)
    agree = bool((deep == run_head_of_line(policy, EIGHT, sizes, costs, 40)).all())
    assert agree is (policy.name not in ("essay", "vtc", "fq-codel"))


@ALL
def test_chunks_do_not_show(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, costs = backlog(8, 4, 10)
    whole = run_arbiter(policy, EIGHT, at_once(sizes, costs))
    heads = None if policy.keeps_time else run_head_of_line(policy, EIGHT, sizes, costs, 20)
    monkeypatch.setattr(arrays, "CHUNK", 3)
    parts = run_arbiter(policy, EIGHT, at_once(sizes, costs))
    assert (whole.request == parts.request).all()
    assert (whole.start == parts.start).all()
    if heads is not None:
        assert (heads == run_head_of_line(policy, EIGHT, sizes, costs, 20)).all()


def test_a_policy_that_keeps_what_it_is_shown_is_not_changed_under_its_feet() -> None:
    """One tenant: the smallest key is the head's own tag, and a table that changes with the next request."""
    tenants = Tenants(1, (0,), (0,), (64,))
    sizes, costs = backlog(1, 6, 4)
    starts = run_arbiter(ARBITERS["sfq"], tenants, at_once(sizes, costs)).start
    assert (starts == np.cumsum(np.vstack([np.zeros((1, 4), int), sizes[0, :-1]]), axis=0)).all()


def test_what_a_policy_reads_unseen_fails_rather_than_misleads() -> None:
    """A choice that reads the sizes only once its state has moved: they were not kept."""
    sfq, one = ARBITERS["sfq"], Tenants(1, (0,), (0,), (64,))

    def select(state: Any, tenants: Tenants, heads: Any, waiting: Any) -> Any:
        if isinstance(state.virtual, np.ndarray):
            heads = tuple(attrs.evolve(head, begin=head.size + 1) for head in heads)
        return sfq.select(state, tenants, heads, waiting)

    sizes, costs = backlog(1, 3, 2)
    with pytest.raises(TypeError, match="NoneType"):
        run_head_of_line(attrs.evolve(sfq, select=select), one, sizes, costs, 3)


def test_parameters_may_differ_by_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "CHUNK", 2)
    depths, gaps, sizes = np.array([1, 2, 3]), np.zeros((3, 3), int), np.ones((3, 3), int)
    assert run_bucket(1, depths, gaps, sizes).sum(axis=0).tolist() == [1, 2, 3]


def test_a_long_batch_is_the_reference() -> None:
    """Ten thousand steps a schedule, at the scale of a real channel, on a sample of the lanes."""
    dice = np.random.default_rng(7)
    gaps, sizes = dice.integers(0, 1000, (10_000, 40)), dice.integers(1, 65_537, (10_000, 40))
    rates = meter.MeterRates(40, 400, 65_536, 65_536 + 360 * 2_000)
    got = run_meter(rates, gaps, sizes)
    assert 0 < got.mean() < 1
    for lane in (0, 39):
        state, answers = meter.fresh(rates), []
        for gap, size in zip(gaps[:, lane].tolist(), sizes[:, lane].tolist(), strict=True):
            answer, state = meter.step(state, rates, gap, size)
            answers.append(answer)
        assert got[:, lane].tolist() == answers


# Overflow: refused before it happens, never otherwise.


@given(rate=st.integers(1, 1 << 40), gap=st.integers(0, 1 << 40), depth=st.integers(1, 1 << 62))
def test_a_bucket_is_right_or_refused(rate: int, gap: int, depth: int) -> None:
    size = depth // 2 + 1
    state, expected = bucket.full(depth), []
    for elapsed in (0, gap, gap):
        answer, state = bucket.step(state, rate, depth, elapsed, size)
        expected.append(answer)
    try:
        got = run_bucket(rate, depth, [[0], [gap], [gap]], [[size]] * 3)
    except BatchOverflow:
        assert depth + rate * gap > INT64_MAX
    else:
        assert got[:, 0].tolist() == expected


@ALL
def test_an_arbiter_is_refused_before_its_tags_overflow(policy: Policy) -> None:
    sizes, costs = backlog(3, 4, 2)
    three = Tenants(3, (0, 1, 2), (0, 0, 0), (64,) * 3)
    traffic = at_once(sizes, costs)
    huge = np.full_like(np.asarray(traffic.service), 1 << 62)
    with pytest.raises(BatchOverflow, match="take fewer steps"):
        run_arbiter(policy, three, Traffic(traffic.tenant, traffic.at, traffic.size, traffic.cost, huge))
    if policy.name in ("sfq", "scfq"):
        with pytest.raises(BatchOverflow, match="take fewer steps"):
            run_head_of_line(policy, three, sizes, np.full_like(costs, 1 << 61), 12)


def test_a_real_channel_is_not_refused() -> None:
    """4,800 GB/s, a scale of 1000, requests of 2 MiB whose cost at 1 GB/s is 2 ms, 40 ms of arrivals, 60 requests."""
    dice, scale = np.random.default_rng(3), 1000
    at = np.sort(dice.integers(0, 40_000_000, (60, 2)), axis=0) * scale
    size = np.full((60, 2), 2 << 20)
    traffic = Traffic(dice.integers(0, 8, (60, 2)), at, size, size * scale, size * scale // 4800)
    eight = Tenants(8, tuple(range(8)), (0,) * 8, (2 << 20,) * 8)
    for policy in OPEN:
        assert run_arbiter(policy, eight, traffic).request.shape == (60, 2)


def test_what_is_not_an_integer_is_refused() -> None:
    with pytest.raises(TypeError, match="array of integers, got float64"):
        run_bucket(1, 1, [[0.5]], [[1]])
    with pytest.raises(TypeError, match="got Fraction"):
        run_bucket(Fraction(1, 2), 1, [[0]], [[1]])
    with pytest.raises(BatchOverflow, match="does not fit"):
        run_bucket(1, 1, np.array([[1 << 63]], np.uint64), [[1]])
    with pytest.raises(ValueError, match="1/2 times the scale 3 is not an integer"):
        scaled([Fraction(1, 2)], 3)


def test_bad_shapes_and_traffic_are_refused() -> None:
    one = Tenants(1, (0,), (0,), (1,))
    with pytest.raises(ValueError, match="one shape"):
        run_bucket(1, 1, [[0, 0]], [[1]])
    with pytest.raises(ValueError, match="2 dimensions"):
        run_bucket(1, 1, [0], [1])
    with pytest.raises(ValueError, match="tenants 0 to 0, got 1 to 1"):
        run_arbiter(ARBITERS["fcfs"], one, Traffic([[1]], [[0]], [[1]], [[1]], [[1]]))
    with pytest.raises(ValueError, match="ordered by arrival"):
        run_arbiter(ARBITERS["fcfs"], one, Traffic([[0], [0]], [[1], [0]], [[1], [1]], [[1], [1]], [[1], [1]]))
    with pytest.raises(ValueError, match="2 steps"):
        run_head_of_line(ARBITERS["fcfs"], one, [[[1]]], [[[1]]], 2)


def test_empty_batches_are_empty() -> None:
    none = np.empty((0, 3), int)
    assert run_bucket(1, 1, none, none).shape == (0, 3)
    one = Tenants(1, (0,), (0,), (1,))
    assert run_arbiter(ARBITERS["sfq"], one, Traffic(none, none, none, none, none)).request.shape == (0, 3)


def test_the_rules_do_not_load_numpy() -> None:
    """Only a batch needs it; a command that starts fast does not."""
    code = "import sys, headgate.model.simulator, headgate.model.interval; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_stamp_fields_are_those_of_the_record() -> None:
    assert arbiters.STAMP_FIELDS == ("begin", "end", "size", "order", "row")
    assert Stamp(1, 2, 3, 4).order == 4
