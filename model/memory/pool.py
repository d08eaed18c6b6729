"""The allocator on arrays: a million pages, operations in runs.

A run is operations of one kind, one after the other: grants, or frees of pages that differ. What the rules of
`headgate.model.memory.pages` say of each is what they would say of it in its turn, since the accounts of a run are
counted up beforehand; so a run is one call of the rule on arrays of int64. Free pages of a tenant are kept in a stack,
and the one that was freed last is granted first. A lease is the number of the request for it.

A `Pool` changes in place. Numbers stay below the number of pages, or of requests, so nothing can leave int64.
"""

from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt

from headgate.model.algebra import all_
from headgate.model.batch.arrays import Integers  # and the arrays registered with the algebra
from headgate.model.memory import pages as rules
from headgate.model.memory.pages import DONE, NO_LEASE, NOBODY, Account, Bank, Page
from headgate.spec.links import implements

__all__ = ["Pool", "fresh", "give_back", "grant"]


@attrs.define(eq=False)
class Pool:
    """The pages (owner, lease), the banks (holder, used), the accounts (held, quota), and a stack of free pages each.

    The stack of tenant t lies in `stack` from `first[t]` on, and holds `free[t]` pages; `asked` counts requests.
    """

    owner: Integers
    lease: Integers
    holder: Integers
    used: Integers
    held: Integers
    quota: Integers
    stack: Integers
    first: Integers
    free: Integers
    asked: int = 0


@implements("AL-5")
def fresh(count: int, holders: Sequence[int], quotas: Sequence[int]) -> Pool:
    """Return `count` free pages, page p in bank `p mod len(holders)`; of each tenant, the lowest is granted first."""
    holder, tenants = np.array(holders, np.int64), len(quotas)
    colour = holder[np.arange(count) % len(holder)]
    descending = np.arange(count)[::-1]
    stack = descending[np.argsort(colour[descending], kind="stable")]
    free = np.bincount(colour[colour != NOBODY], minlength=tenants).astype(np.int64)
    stack = stack[int((colour == NOBODY).sum()) :]
    return Pool(
        np.full(count, NOBODY), np.full(count, NO_LEASE), holder, np.zeros(len(holder), np.int64),
        np.zeros(tenants, np.int64), np.array(quotas, np.int64), stack, np.cumsum(free) - free, free,
    )  # fmt: skip


@implements("AL-1", "AL-3")
def grant(pool: Pool, tenants: npt.ArrayLike) -> tuple[Integers, Integers, Integers]:
    """Return (outcomes, pages, leases) after each of `tenants`, in this order, asked for a page.

    Page and lease mean nothing unless DONE. Raises ValueError for a tenant that is not there.
    """
    tenant = _within("tenant", tenants, len(pool.quota))
    turn = _turns(tenant)
    # Within a run of grants a tenant is granted all that it gets before it is refused for the first time.
    most = np.minimum(pool.quota - pool.held, pool.free)[tenant]
    turn = np.minimum(turn, most)
    found = turn < pool.free[tenant]
    top = pool.first[tenant] + pool.free[tenant] - 1 - turn
    place = pool.stack[np.where(found, top, 0)] if len(pool.stack) else np.zeros(len(tenant), np.int64)
    number, lease = place % len(pool.holder), pool.asked + np.arange(len(tenant))
    page, bank = Page(pool.owner[place], pool.lease[place]), Bank(pool.holder[number], False, pool.used[number])
    account = Account(pool.held[tenant] + turn, 0, pool.quota[tenant])
    mine = all_(found, rules.in_colour(bank, tenant))
    outcome, new_page, new_bank, new_account = rules.allocate(page, mine, bank, account, tenant, lease)
    done = np.asarray(outcome == DONE)
    _write(pool, place[done], Page(new_page.owner[done], new_page.lease[done]))
    _count(pool, tenant, new_account.held - account.held, number, new_bank.used - bank.used)
    pool.free -= np.bincount(tenant[done], minlength=len(pool.free))
    pool.asked += len(tenant)
    return np.asarray(outcome), place, lease


@implements("AL-4")
def give_back(pool: Pool, tenants: npt.ArrayLike, places: npt.ArrayLike, leases: npt.ArrayLike) -> Integers:
    """Return the outcomes after each of `tenants` gave back the page at its place under its lease, in this order.

    Raises ValueError for a tenant or a page that is not there, and for a page that stands in the run twice.
    """
    tenant, place = _within("tenant", tenants, len(pool.quota)), _within("page", places, len(pool.owner))
    lease = _within("lease", leases, None)
    if len(np.unique(place)) != len(place):
        raise ValueError("pages: expected no page twice in a run")
    number = place % len(pool.holder)
    page, bank = Page(pool.owner[place], pool.lease[place]), Bank(pool.holder[number], False, pool.used[number])
    account = Account(pool.held[tenant], 0, pool.quota[tenant])
    outcome, new_page, new_bank, new_account = rules.free(page, bank, account, tenant, lease)
    done = np.asarray(outcome == DONE)
    _write(pool, place[done], Page(new_page.owner[done], new_page.lease[done]))
    _count(pool, tenant, new_account.held - account.held, number, new_bank.used - bank.used)
    own = tenant[done]
    pool.stack[pool.first[own] + pool.free[own] + _turns(own)] = place[done]
    pool.free += np.bincount(own, minlength=len(pool.free))
    return np.asarray(outcome)


def _turns(tenant: Integers) -> Integers:
    """Return how many earlier ones in the run are of the same tenant."""
    order = np.argsort(tenant, kind="stable")
    ordered = tenant[order]
    begins = np.searchsorted(ordered, ordered)
    turns = np.empty(len(tenant), np.int64)
    turns[order] = np.arange(len(tenant)) - begins
    return turns


def _write(pool: Pool, places: Integers, pages: Page) -> None:
    pool.owner[places], pool.lease[places] = pages.owner, pages.lease


def _count(pool: Pool, tenant: Integers, held: Integers, number: Integers, used: Integers) -> None:
    """Let accounts and banks change by what the rule changed them, operation by operation."""
    np.add.at(pool.held, tenant, held)
    np.add.at(pool.used, number, used)


def _within(what: str, values: npt.ArrayLike, count: int | None) -> Integers:
    """Return `values` as int64; TypeError unless they are integers, ValueError for one that is not below `count`."""
    array = np.asarray(values)
    if array.size == 0:
        return np.zeros(0, np.int64)
    if array.dtype.kind != "i" or array.ndim != 1:
        raise TypeError(f"{what}s: expected a row of integers, got {array.dtype} of shape {array.shape}")
    if count is not None and not 0 <= array.min() <= array.max() < count:
        raise ValueError(f"{what}s: expected 0 to {count - 1}, got {array.min()} to {array.max()}")
    return array.astype(np.int64, copy=False)
