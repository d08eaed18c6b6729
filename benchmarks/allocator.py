"""How fast a million pages are dealt out: `python -m headgate.benchmarks.allocator`.

Eight tenants of four banks ask for pages and give them back, in runs of mixed tenants, some of them with leases that
they have given back before. The rules run on arrays; the first rounds are told to the plain oracle as well, which must
answer the same, page by page. Rates are beside their ratio to that oracle's; only the ratio carries over to another
machine.
"""

import argparse
import time
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from headgate.model.memory import pool as memory
from headgate.model.memory.pages import DONE, Outcome
from headgate.properties.oracles.allocator import StackAllocator

__all__ = ["Round", "Traffic", "agrees", "main"]

TENANTS, BANKS = 8, 32
HOLDERS = [bank // (BANKS // TENANTS) for bank in range(BANKS)]
# One free in so many is repeated a round later.
REPEATED = 50

Table = npt.NDArray[np.int64]


@attrs.frozen
class Round:
    """What was asked in a round, and answered: first the grants, then the frees."""

    tenants: Table
    granted: tuple[Table, Table, Table]
    freed: tuple[Table, Table, Table]
    outcomes: Table


class Traffic:
    """Rounds of `size` grants and about as many frees, on a pool of `pages` pages."""

    def __init__(self, pages: int, size: int, seed: int = 1) -> None:
        """Begin with an empty pool; every other tenant has half of its colour for a quota, the rest all of it."""
        self.quotas = [pages // (2 * TENANTS), pages] * (TENANTS // 2)
        self.pool = memory.fresh(pages, HOLDERS, self.quotas)
        self.size, self.dice = size, np.random.default_rng(seed)
        self.live: Table = np.zeros((0, 3), np.int64)
        self.repeated: Table = np.zeros((0, 3), np.int64)
        self.seconds, self.operations = 0.0, 0

    def round(self) -> Round:
        """Run a round; `seconds` counts the rules, not the making of the traffic."""
        tenants = self.dice.integers(0, TENANTS, self.size)
        begun = time.perf_counter()
        granted = memory.grant(self.pool, tenants)
        self.seconds += time.perf_counter() - begun
        done = granted[0] == DONE
        self.live = np.concatenate([self.live, np.stack([tenants[done], granted[1][done], granted[2][done]], axis=1)])
        leaves = self.dice.random(len(self.live)) * max(1, len(self.live)) < self.size * 3 / 4
        frees = self._with_repeats(self.live[leaves])
        self.live, self.repeated = self.live[~leaves], self.live[leaves][::REPEATED]
        tenant, place, lease = (np.ascontiguousarray(column) for column in frees.T)
        begun = time.perf_counter()
        outcomes = memory.give_back(self.pool, tenant, place, lease)
        self.seconds += time.perf_counter() - begun
        self.operations += len(tenants) + len(frees)
        return Round(tenants, granted, (tenant, place, lease), outcomes)

    def _with_repeats(self, frees: Table) -> Table:
        """Return the frees, and those of the round before that are repeated; no page twice."""
        again = self.repeated[~np.isin(self.repeated[:, 1], frees[:, 1])]
        both = np.concatenate([frees, again])
        return both[self.dice.permutation(len(both))]


def agrees(rounds: Sequence[Round], pages: int, quotas: Sequence[int]) -> tuple[bool, int, float]:
    """Return whether the plain oracle answers the same, to how many operations, and its seconds."""
    oracle, same, count, seconds = StackAllocator(pages, HOLDERS, list(quotas)), True, 0, 0.0
    for each in rounds:
        tenants, frees = each.tenants.tolist(), [column.tolist() for column in each.freed]
        begun = time.perf_counter()
        grants = [oracle.allocate(tenant) for tenant in tenants]
        backs = [oracle.free(*row) for row in zip(*frees, strict=True)]
        seconds += time.perf_counter() - begun
        outcomes, places, _ = (column.tolist() for column in each.granted)
        told = [(Outcome(o).name, p if o == DONE else None) for o, p in zip(outcomes, places, strict=True)]
        same = same and told == grants and [Outcome(o).name for o in each.outcomes.tolist()] == [b[0] for b in backs]
        count += len(grants) + len(backs)
    return same, count, seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the rates; 0 if the oracle agrees."""
    parser = argparse.ArgumentParser(prog="python -m headgate.benchmarks.allocator", description=__doc__)
    parser.add_argument("--pages", type=int, default=2**20, help="pages of the memory")
    parser.add_argument("--operations", type=int, default=10**7, help="grants and frees")
    parser.add_argument("--run", type=int, default=50_000, help="grants in a run")
    parser.add_argument("--sample", type=int, default=500_000, help="operations that the oracle is told as well")
    given: Any = parser.parse_args(arguments)
    traffic, sample = Traffic(given.pages, given.run), list[Round]()
    begun = time.perf_counter()
    while traffic.operations < given.operations:
        wanted = traffic.operations < given.sample
        each = traffic.round()
        if wanted:
            sample.append(each)
    wall = time.perf_counter() - begun
    same, told, seconds = agrees(sample, given.pages, traffic.quotas)
    rate, plain = traffic.operations / traffic.seconds, told / seconds
    print(f"{given.pages:,} pages, {traffic.operations:,} operations: {traffic.seconds:.2f} s of rules, {wall:.2f} s")
    print(f"  numpy interpreter {rate:16,.0f} operations/s{rate / plain:10.2f} x plain oracle")
    print(f"  plain oracle      {plain:16,.0f} operations/s{1:10.2f}   on {told:,} operations")
    print(f"  they {'agree' if same else 'DISAGREE'}, page by page")
    return 0 if same else 1


if __name__ == "__main__":
    raise SystemExit(main())
