"""What must hold of the allocator on arrays: a run is what its operations are one by one (AL-1 to AL-5)."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model.memory import pool
from headgate.model.memory.pages import DONE, NOBODY, Outcome
from headgate.properties.oracles.allocator import StackAllocator
from headgate.spec.links import checks

RUNS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 2), max_size=8),
        st.lists(st.tuples(st.integers(0, 30), st.sampled_from(("own", "other", "late"))), max_size=8),
    ),
    min_size=1,
    max_size=6,
)


@checks("AL-1", "AL-2", "AL-3", "AL-4", "AL-5")
@given(RUNS)
@example([([0, 1, 0, 1, 2, 0, 0], [(0, "own"), (1, "own")]), ([0, 0], [(0, "own"), (1, "other")])])
def test_a_pool_in_runs_is_the_oracle_one_by_one(runs: list[tuple[list[int], list[tuple[int, str]]]]) -> None:
    """Grants of all tenants mixed, and frees: of the own page, of another's, under a lease given back before."""
    holders, quotas, count = [0, NOBODY, 1, 1], [9, 3, 2], 16
    ours, plain = pool.fresh(count, holders, quotas), StackAllocator(count, holders, quotas)
    grants: list[tuple[int, int, int]] = []
    for tenants, frees in runs:
        outcomes, places, leases = pool.grant(ours, np.array(tenants, np.int64))
        for tenant, outcome, place, lease in zip(tenants, outcomes, places, leases, strict=True):
            name, page = plain.allocate(tenant)
            assert Outcome(outcome).name == name
            if outcome == DONE:
                assert place == page
                grants.append((tenant, int(place), int(lease)))
        rows = {place: row for row in wanted(grants, frees) for place in (row[1],)}
        columns = np.array(list(rows.values()), np.int64).reshape(-1, 3).T
        told = [plain.free(*row)[0] for row in rows.values()]
        assert [Outcome(o).name for o in pool.give_back(ours, *columns)] == told
        assert_same(ours, plain)


def wanted(grants: list[tuple[int, int, int]], frees: list[tuple[int, str]]) -> list[tuple[int, int, int]]:
    """Return (tenant, page, lease) of some grants, right or wrong."""
    rows = []
    for number, how in frees if grants else ():
        tenant, page, lease = grants[number % len(grants)]
        rows.append(((tenant + (how == "other")) % 3, page, lease - (how == "late")))
    return rows


def assert_same(ours: pool.Pool, plain: StackAllocator) -> None:
    owned = {page: (int(ours.owner[page]), int(ours.lease[page])) for page in np.flatnonzero(ours.owner != NOBODY)}
    assert owned == plain.granted
    assert ours.held.tolist() == plain.held == [sum(t == owner for owner, _ in owned.values()) for t in range(3)]
    assert ours.used.tolist() == [sum(page % 4 == bank for page in owned) for bank in range(4)]
    for tenant, first in enumerate(ours.first):
        assert ours.stack[first : first + ours.free[tenant]].tolist() == plain.stacks[tenant]
