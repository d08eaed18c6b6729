"""How fast the interpreters run one rule: `python -m headgate.benchmarks.interpreters`.

Two machines: a token bucket, and SFQ with eight tenants (one decision is one choice and one stamp). Rates are the
median of the repeats, beside their ratios to the integer interpreter and to numpy written by hand in the same run;
only the ratios carry over to another machine.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from headgate.model import bucket
from headgate.model.arbiters import ARBITERS, NO_STAMP, Arrival, Tenants
from headgate.model.batch import CHUNK, Traffic, run_arbiter, run_bucket, run_head_of_line
from headgate.properties.oracles import bucket as bucket_oracle
from headgate.properties.oracles.arbiters import Sfq

__all__ = ["Line", "bucket_lines", "main", "sfq_lines"]

COUNT = 8
RATE, DEPTH = 120, 240_000
LARGEST = 4096

Table = npt.NDArray[np.int64]


@attrs.frozen
class Line:
    """One way to run a rule, and how many steps a second it makes."""

    name: str
    per_second: float


def measure(name: str, steps: int, repeats: int, work: Callable[[], object]) -> Line:
    """Return the median rate of `work`, which makes `steps` steps."""
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return Line(name, steps / statistics.median(seconds))


# The bucket.


def bucket_lines(schedules: int, steps: int, repeats: int) -> list[Line]:
    """Return the rates of the token bucket; the batch is `steps` requests in each of `schedules` schedules."""
    dice = np.random.default_rng(1)
    gaps, sizes = dice.integers(0, 1000, (steps, schedules)), dice.integers(64, 1 << 18, (steps, schedules))
    few = min(gaps.size, 20_000)
    rows = list(zip(gaps.ravel()[:few].tolist(), sizes.ravel()[:few].tolist(), strict=True))
    clock = np.cumsum(gaps.ravel()[:few]).tolist()
    requests = list(zip(clock, [size for _, size in rows], strict=True))
    return [
        measure("integer interpreter", few, repeats, lambda: bucket_on_integers(rows)),
        measure("plain oracle", few, repeats, lambda: bucket_oracle.admitted(requests, RATE, DEPTH)),
        measure("numpy interpreter", gaps.size, repeats, lambda: run_bucket(RATE, DEPTH, gaps, sizes)),
        measure("numpy by hand", gaps.size, repeats, lambda: bucket_by_hand(gaps, sizes)),
    ]


def bucket_on_integers(rows: Sequence[tuple[int, int]]) -> list[bool]:
    """Return the answers of the rule itself, one schedule."""
    state, answers = bucket.full(DEPTH), []
    for gap, size in rows:
        admitted, state = bucket.step(state, RATE, DEPTH, gap, size)
        answers.append(admitted)
    return answers


def bucket_by_hand(gaps: Table, sizes: Table) -> npt.NDArray[np.bool_]:
    """Return the same for a batch, in numpy without the rule; int64 is trusted to be wide enough."""
    admitted = np.empty(gaps.shape, np.bool_)
    for first in range(0, gaps.shape[1], CHUNK):
        part = slice(first, first + CHUNK)
        level = np.full(gaps[0, part].shape, DEPTH)
        for step in range(len(gaps)):
            level += RATE * gaps[step, part]
            np.minimum(level, DEPTH, out=level)
            covers = np.greater_equal(level, sizes[step, part], out=admitted[step, part])
            level -= sizes[step, part] * covers
    return admitted


# SFQ.


def sfq_lines(schedules: int, depth: int, repeats: int) -> list[Line]:
    """Return the rates of SFQ with eight tenants, each with `depth` requests in each of `schedules` schedules."""
    dice = np.random.default_rng(1)
    tenants = Tenants(COUNT, tuple(range(COUNT)), (0,) * COUNT, (LARGEST,) * COUNT)
    sizes = dice.integers(64, LARGEST + 1, (COUNT, depth, schedules))
    costs = sizes * dice.integers(1, 9, (COUNT, 1, 1))
    steps = COUNT * (depth - 1)
    few = sizes[:, :, : max(1, 4000 // (COUNT * depth))], costs[:, :, : max(1, 4000 // (COUNT * depth))]
    some = few[0].shape[2]
    backlog = traffic_of(sizes, costs, np.zeros((COUNT * depth, schedules), np.int64))
    # Arrivals at about the rate of the server, so that queues come and go.
    arrivals = np.sort(dice.integers(0, COUNT * depth * LARGEST // 2, (COUNT * depth, schedules)), axis=0)
    loaded = traffic_of(sizes, costs, arrivals)
    sfq = ARBITERS["sfq"]
    return [
        measure("integer interpreter", steps * some, repeats, lambda: sfq_on_integers(tenants, *few)),
        measure("plain oracle", steps * some, repeats, lambda: sfq_by_oracle(*few)),
        measure(
            "numpy interpreter, head of line",
            steps * schedules,
            repeats,
            lambda: run_head_of_line(sfq, tenants, sizes, costs, steps),
        ),
        measure("numpy interpreter, deep, backlog", sizes.size, repeats, lambda: run_arbiter(sfq, tenants, backlog)),
        measure("numpy interpreter, deep, arrivals", sizes.size, repeats, lambda: run_arbiter(sfq, tenants, loaded)),
        measure("numpy by hand", steps * schedules, repeats, lambda: sfq_by_hand(costs)),
    ]


def traffic_of(sizes: Table, costs: Table, at: Table) -> Traffic:
    """Return the requests in order of arrival, the first ones of all tenants first."""
    depth, schedules = sizes.shape[1:]
    tenant = np.broadcast_to(np.arange(COUNT)[None, :, None], (depth, COUNT, schedules)).reshape(-1, schedules)
    size, cost = (np.ascontiguousarray(t.transpose(1, 0, 2)).reshape(-1, schedules) for t in (sizes, costs))
    return Traffic(tenant, at, size, cost, size)


def sfq_on_integers(tenants: Tenants, sizes: Table, costs: Table) -> list[int]:
    """Return who is served in the head-of-line form, by the rules themselves, one schedule after the other."""
    policy, served = ARBITERS["sfq"], []
    for lane in range(sizes.shape[2]):
        size, cost = sizes[:, :, lane].tolist(), costs[:, :, lane].tolist()
        state, heads, taken = policy.start(tenants), [NO_STAMP] * COUNT, [1] * COUNT
        for tenant in range(COUNT):
            state, heads[tenant] = policy.stamp(state, tenant, Arrival(0, size[tenant][0], cost[tenant][0], tenant))
        for step in range(COUNT * (len(size[0]) - 1)):
            _, tenant, state = policy.select(state, tenants, tuple(heads), (True,) * COUNT)
            place = min(taken[tenant], len(size[0]) - 1)
            arrival = Arrival(0, size[tenant][place], cost[tenant][place], step)
            state, heads[tenant] = policy.stamp(state, tenant, arrival)
            taken[tenant] += 1
            served.append(tenant)
    return served


def sfq_by_oracle(sizes: Table, costs: Table) -> list[int]:
    """Return who is served, by the plain oracle: its size is the cost, its weights are 1."""
    served = []
    for lane in range(sizes.shape[2]):
        cost = costs[:, :, lane].tolist()
        oracle, taken = Sfq([1] * COUNT, [0] * COUNT), [1] * COUNT
        for tenant in range(COUNT):
            oracle.arrive((tenant, 0, cost[tenant][0]))
        for _ in range(COUNT * (len(cost[0]) - 1)):
            tenant = oracle.serve()[0]
            oracle.arrive((tenant, 0, cost[tenant][min(taken[tenant], len(cost[0]) - 1)]))
            taken[tenant] += 1
            served.append(tenant)
    return served


def sfq_by_hand(costs: Table) -> Table:
    """Return who is served, in numpy without the rules; the tenant stands in a tag's last bits, so it breaks ties."""
    count, depth, schedules = costs.shape
    served = np.empty((count * (depth - 1), schedules), np.int64)
    for first in range(0, schedules, CHUNK):
        own = np.ascontiguousarray(costs[:, :, first : first + CHUNK])
        lanes = own.shape[2]
        lane, flat = np.arange(lanes), own.reshape(-1)
        last, taken = own[:, 0].copy(), np.ones((count, lanes), np.int64)
        packed = np.repeat(np.arange(count)[:, None], lanes, axis=1)
        for step in range(len(served)):
            smallest = np.minimum.reduce(packed)
            tenant = smallest & (count - 1)
            place = tenant * lanes + lane
            position = np.minimum(taken.reshape(-1).take(place), depth - 1)
            begin = np.maximum(smallest >> 3, last.reshape(-1).take(place))
            packed.reshape(-1)[place] = (begin << 3) | tenant
            last.reshape(-1)[place] = begin + flat.take((tenant * depth + position) * lanes + lane)
            taken.reshape(-1)[place] = position + 1
            served[step, first : first + CHUNK] = tenant
    return served


def show(title: str, unit: str, lines: Sequence[Line]) -> None:
    """Print the rates, and their ratios to the two baselines."""
    integers, by_hand = lines[0].per_second, lines[-1].per_second
    print(f"{title:36}{unit:>16}{'x integer interpreter':>24}{'x numpy by hand':>18}")
    for line in lines:
        rate = line.per_second
        print(f"  {line.name:34}{rate:16,.0f}{rate / integers:24,.2f}{rate / by_hand:18,.3f}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m headgate.benchmarks.interpreters", description=__doc__)
    parser.add_argument("--schedules", type=int, default=16 * CHUNK, help="schedules in a batch")
    parser.add_argument("--steps", type=int, default=50, help="requests offered to a bucket")
    parser.add_argument("--depth", type=int, default=13, help="requests of one tenant")
    parser.add_argument("--repeats", type=int, default=5, help="runs, of which the median counts")
    given: Any = parser.parse_args(arguments)
    print(f"median of {given.repeats} runs; a batch is {given.schedules:,} schedules, one core\n")
    show("token bucket", "steps/s", bucket_lines(given.schedules, given.steps, given.repeats))
    print()
    show("SFQ, 8 tenants", "decisions/s", sfq_lines(given.schedules, given.depth, given.repeats))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
