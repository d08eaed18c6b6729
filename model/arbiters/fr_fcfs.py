"""First ready, first come, first served (FR-FCFS): what waits for the row that is open goes before what came first.

Real memory controllers do so, since a row hit needs no precharge and no activate. With a cap, at most that many
requests in a row may pass over the oldest one. Rows are those of one bank; the time that a hit saves is not modelled.
Sources: S. Rixner et al., "Memory access scheduling", ISCA 2000; O. Mutlu, T. Moscibroda, "Stall-time fair memory
access scheduling for chip multiprocessors", MICRO 2007, for the cap.
"""

from typing import Any

import attrs

from headgate.model.algebra import all_, best, choose, where
from headgate.model.arbiters.common import Arrival, Policy, Stamp, Tenants
from headgate.model.arbiters.fcfs import rest
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["FR_FCFS", "FR_FCFS_CAP", "OpenRow", "fr_fcfs", "stamp", "start"]

NO_ROW = -1
# The cap of Mutlu and Moscibroda 2007.
CAP = 4


@attrs.frozen
class OpenRow:
    """State: the row that is open (-1: none yet), and how many requests in a row have passed over the oldest one."""

    row: Number
    passed: Number


def start(tenants: Tenants) -> OpenRow:
    """Return the first state: no row is open."""
    return OpenRow(NO_ROW, 0)


@implements("FR-1")
def stamp(state: OpenRow, tenant: Number, arrival: Arrival) -> tuple[OpenRow, Stamp]:
    """Return (state, stamp): size, order of arrival and row."""
    return state, Stamp(0, 0, arrival.size, arrival.order, arrival.row)


@implements("FR-1", "FR-2", "FR-3")
def fr_fcfs(name: str, cap: int | None = None) -> Policy:
    """Return FR-FCFS in which at most `cap` requests in a row pass over the oldest (None: any number)."""

    def select(
        state: OpenRow, tenants: Tenants, heads: tuple[Stamp, ...], waiting: tuple[Any, ...]
    ) -> tuple[Any, Number, OpenRow]:
        """Return (found, tenant, state): the oldest head for the open row, or else, or at the cap, the oldest."""
        orders = [head.order for head in heads]
        hits = [all_(waits, head.row == state.row) for waits, head in zip(waiting, heads, strict=True)]
        found, oldest, first = best(orders, waiting)
        some, ready, _ = best(orders, hits)
        may_pass = True if cap is None else state.passed < cap
        tenant = where(all_(some, may_pass), ready, oldest)
        is_oldest = choose(tenant, orders) <= first
        passed = 0 if cap is None else where(is_oldest, 0, state.passed + 1)
        return found, tenant, OpenRow(choose(tenant, [head.row for head in heads]), passed)

    return Policy(name, start, stamp, select, rest)


FR_FCFS = fr_fcfs("fr-fcfs")
FR_FCFS_CAP = fr_fcfs("fr-fcfs-cap", CAP)
