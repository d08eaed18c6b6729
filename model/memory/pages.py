"""Pages, banks and accounts, and the rules for one page: granted, freed, moved to another bank.

A page is granted under a *lease*, a number that is never given twice; who frees it has to show it. A tenant has a page
of a bank only while the bank is held for that tenant, so two tenants never meet in a bank. A bank changes hands when it
is empty: first it *drains* (nothing new is placed in it), its pages are copied one by one to other banks of their
tenant and switched over, and then it is handed over.

Every rule here is about what it touches: one page (or the two of a move), their banks, one account. Who looks for a
page, and in which order, is not said here (`headgate.model.memory.allocator`, `headgate.model.memory.pool`).
"""

import enum
from collections.abc import Mapping
from typing import Any

import attrs

from headgate.model.algebra import all_, not_, where
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = [
    "CLAUSES",
    "NOBODY",
    "NO_LEASE",
    "Account",
    "Bank",
    "Outcome",
    "Page",
    "allocate",
    "at_once",
    "copy",
    "drain",
    "free",
    "hand_over",
    "in_colour",
    "owner_frees",
    "switch",
]

NOBODY = -1
NO_LEASE = -1


class Outcome(enum.IntEnum):
    """What became of an operation; all but DONE leave everything as it was."""

    DONE = 0
    QUOTA_FULL = 1
    COLOUR_FULL = 2
    NOT_OWNED = 3
    NOT_EMPTY = 4
    MOVING = 5


CLAUSES: Mapping[Outcome, str] = {
    Outcome.QUOTA_FULL: "AL-2",
    Outcome.COLOUR_FULL: "AL-3",
    Outcome.NOT_OWNED: "AL-4",
    Outcome.NOT_EMPTY: "CO-5",
    Outcome.MOVING: "CO-5",
}
"""The clause that every refusal rests on."""

DONE, QUOTA_FULL, COLOUR_FULL, NOT_OWNED, NOT_EMPTY, MOVING = map(int, Outcome)


@attrs.frozen(eq=False)
class Page:
    """Who has a page (NOBODY: it is free), and under which lease (NO_LEASE: free, or kept for a copy under way)."""

    owner: Number
    lease: Number


@attrs.frozen(eq=False)
class Bank:
    """For whom a bank is held, whether it drains, and how many of its pages are not free."""

    holder: Number
    draining: Any
    used: Number


@attrs.frozen(eq=False)
class Account:
    """The pages that a tenant has, those that are kept for copies under way, and its quota; all in pages."""

    held: Number
    copies: Number
    quota: Number


@implements("CO-2")
def in_colour(bank: Bank, tenant: Number) -> Any:
    """Return whether a page of `bank` may be placed there for `tenant`: it is held for the tenant, and stays so."""
    return all_(bank.holder == tenant, not_(bank.draining))


@implements("AL-1", "AL-2", "AL-3")
def allocate(
    page: Page, mine: Any, bank: Bank, account: Account, tenant: Number, lease: Number
) -> tuple[Number, Page, Bank, Account]:
    """Return (outcome, page, bank, account) after `tenant` asked for a page and `page` of `bank` was found.

    `mine` is whether the page is of the tenant's colour (`in_colour`); `lease` a number that was never given. DONE iff
    the tenant is below its quota, and the page is free and of its colour; QUOTA_FULL goes before COLOUR_FULL.
    """
    within = account.held < account.quota
    done = all_(within, page.owner == NOBODY, mine)
    outcome = where(done, DONE, where(within, COLOUR_FULL, QUOTA_FULL))
    return (
        outcome,
        where(done, Page(tenant, lease), page),
        where(done, Bank(bank.holder, bank.draining, bank.used + 1), bank),
        where(done, Account(account.held + 1, account.copies, account.quota), account),
    )


@implements("AL-4")
def free(page: Page, bank: Bank, account: Account, tenant: Number, lease: Number) -> tuple[Number, Page, Bank, Account]:
    """Return (outcome, page, bank, account) after `tenant` gave back `page` of `bank`, granted under `lease`.

    DONE iff the page is the tenant's under that very lease, which a second time it is not; else NOT_OWNED.
    """
    done = all_(page.owner == tenant, page.lease == lease, lease > NO_LEASE)
    return _given_back(done, page, bank, account)


@implements("AL-6")
def owner_frees(
    page: Page, bank: Bank, account: Account, tenant: Number, lease: Number
) -> tuple[Number, Page, Bank, Account]:
    """As `free`, but with no lease to show: whoever has the page gives it back, also if it was granted anew since."""
    return _given_back(all_(page.owner == tenant, page.lease > NO_LEASE), page, bank, account)


def _given_back(done: Any, page: Page, bank: Bank, account: Account) -> tuple[Number, Page, Bank, Account]:
    return (
        where(done, DONE, NOT_OWNED),
        where(done, Page(NOBODY, NO_LEASE), page),
        where(done, Bank(bank.holder, bank.draining, bank.used - 1), bank),
        where(done, Account(account.held - 1, account.copies, account.quota), account),
    )


# Re-colouring.


@implements("CO-5")
def drain(bank: Bank) -> Bank:
    """Return the bank, in which nothing new is placed from now on; its holder stays."""
    return Bank(bank.holder, True, bank.used)


@implements("CO-5")
def copy(
    source: Page, home: Bank, target: Page, roof: Bank, account: Account, tenant: Number
) -> tuple[Number, Page, Bank, Account]:
    """Return (outcome, target, roof, account) after a copy of `source` in `home` was begun into `target` in `roof`.

    DONE iff the source is the tenant's in a draining bank, and the target free and of its colour. The target is kept
    for the tenant, but is not yet a page of its: there is no lease on it, and the quota does not count it.
    """
    has = all_(source.owner == tenant, source.lease > NO_LEASE, home.draining)
    done = all_(has, target.owner == NOBODY, in_colour(roof, tenant))
    return (
        where(done, DONE, where(has, COLOUR_FULL, NOT_OWNED)),
        where(done, Page(tenant, NO_LEASE), target),
        where(done, Bank(roof.holder, roof.draining, roof.used + 1), roof),
        where(done, Account(account.held, account.copies + 1, account.quota), account),
    )


@implements("CO-5")
def switch(
    source: Page, home: Bank, target: Page, roof: Bank, account: Account, tenant: Number, lease: Number
) -> tuple[Number, Page, Bank, Page, Bank, Account]:
    """Return (outcome, source, home, target, roof, account) after a copy was done, and the page is the target now.

    `lease` is that of the source when the copy began. If the tenant has freed the page since, the copy is given up: a
    lease is never given twice, so whatever the source holds now is not what was copied. NOT_OWNED where there is no
    copy.
    """
    done = all_(target.owner == tenant, target.lease == NO_LEASE)
    alive = all_(done, source.owner == tenant, source.lease == lease)
    given_up = all_(done, not_(alive))
    return (
        where(done, DONE, NOT_OWNED),
        where(alive, Page(NOBODY, NO_LEASE), source),
        where(alive, Bank(home.holder, home.draining, home.used - 1), home),
        where(alive, Page(tenant, lease), where(given_up, Page(NOBODY, NO_LEASE), target)),
        where(given_up, Bank(roof.holder, roof.draining, roof.used - 1), roof),
        where(done, Account(account.held, account.copies - 1, account.quota), account),
    )


@implements("CO-5")
def hand_over(bank: Bank, heir: Number) -> tuple[Number, Bank]:
    """Return (outcome, bank) after `bank` was to be held for `heir` (or NOBODY): DONE iff it drains and is empty."""
    done = all_(bank.draining, bank.used <= 0)
    return where(done, DONE, NOT_EMPTY), where(done, Bank(heir, False, bank.used), bank)


@implements("CO-6")
def at_once(bank: Bank, heir: Number) -> tuple[Number, Bank]:
    """As `hand_over`, but whatever is in the bank: the colour is looked at when a page is granted, and then only."""
    return DONE, Bank(heir, False, bank.used)
