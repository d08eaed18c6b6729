"""Theorems on the allocator: who has which page, in which bank, and that nothing is lost, for any number of pages.

No quantifier: one page z stands for any (and p, q for any two), the pages that a step touches are x and y, and what is
known of two of them is that the same number means the same page, and the same bank number the same bank. Counts are
ghosts, changed by what the touched pages change.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import attrs
import z3

from headgate.model.algebra import where
from headgate.model.memory.pages import (
    DONE,
    NO_LEASE,
    NOBODY,
    Account,
    Bank,
    Page,
    allocate,
    copy,
    drain,
    free,
    hand_over,
    in_colour,
    switch,
)
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Obligation, Theorem

__all__ = ["THEOREMS", "is_owned", "one"]


@attrs.frozen(eq=False)
class _Cell:
    """A page by its number, the number of its bank, and the bank."""

    number: Any
    page: Page
    bank_number: Any
    bank: Bank


def _cell(name: str) -> _Cell:
    ints = z3.Ints(f"{name} {name}_owner {name}_lease {name}_bank {name}_holder {name}_used")
    number, owner, lease, bank, holder, used = ints
    return _Cell(number, Page(owner, lease), bank, Bank(holder, z3.Bool(f"{name}_draining"), used))


def _same_page(left: Page, right: Page) -> Any:
    return z3.And(left.owner == right.owner, left.lease == right.lease)


def _same_bank(left: Bank, right: Bank) -> Any:
    return z3.And(left.holder == right.holder, left.draining == right.draining, left.used == right.used)


def _congruent(*cells: _Cell) -> Any:
    """Return that the same number is the same page in the same bank, and the same bank number the same bank."""
    return z3.And(*(
        z3.And(
            z3.Implies(a.number == b.number, z3.And(_same_page(a.page, b.page), a.bank_number == b.bank_number)),
            z3.Implies(a.bank_number == b.bank_number, _same_bank(a.bank, b.bank)),
        )
        for a, b in combinations(cells, 2)
    ))  # fmt: skip


def _after(cell: _Cell, *touched: tuple[_Cell, Page, Bank]) -> _Cell:
    """Return `cell` after the touched cells have these pages and banks; the last one that is the same counts."""
    page, bank = cell.page, cell.bank
    for other, new_page, new_bank in touched:
        page = where(lift(cell.number == other.number), new_page, page)
        bank = where(lift(cell.bank_number == other.bank_number), new_bank, bank)
    return _Cell(cell.number, page, cell.bank_number, bank)


def is_owned(owner: Any) -> Any:
    """Return whether a page with this owner is not free."""
    return owner != NOBODY


def one(condition: Any) -> Any:
    """Return 1 where `condition` holds, else 0."""
    return z3.If(condition, z3.IntVal(1), z3.IntVal(0))


# ---- isolation: colours are kept at every step ----


def _coloured(cell: _Cell, others: Any) -> Any:
    """What holds of every page; `others` is how many other pages of its bank are not free."""
    return invariant(
        "coloured",
        in_colour=z3.Implies(is_owned(cell.page.owner), cell.bank.holder == cell.page.owner),
        counted=cell.bank.used == others + one(is_owned(cell.page.owner)),
        others_not_negative=others >= 0,
    )


def _isolation() -> list[Obligation]:
    """Any page z, the touched pages x and y; `others` counts the pages of z's bank that are not free, but for z."""
    z, x, y = (_cell(name) for name in "zxy")
    others, tenant, lease, heir, held, copies, quota = z3.Ints("others tenant lease heir held copies quota")
    account, holds = Account(held, copies, quota), _coloured(z, others)
    # Of every touched page the same holds, with a count of its own.
    of_x, of_y = _coloured(x, z3.Int("x_others")), _coloured(y, z3.Int("y_others"))
    given = (tenant >= 0, lease > NO_LEASE, heir >= NOBODY, _congruent(z, x, y), holds, of_x, of_y,
             *(_counts(other, z, others) for other in (x, y)))  # fmt: skip

    def kept(*touched: tuple[_Cell, Page, Bank]) -> Any:
        count = others
        for other, page, _ in touched:
            beside = z3.And(other.number != z.number, other.bank_number == z.bank_number)
            count = count + z3.If(beside, one(is_owned(page.owner)) - one(is_owned(other.page.owner)), 0)
        return _coloured(_after(z, *touched), count)

    granted, granted_bank = allocate(x.page, in_colour(x.bank, tenant), x.bank, account, tenant, lease)[1:3]
    freed, freed_bank = free(x.page, x.bank, account, tenant, lease)[1:3]
    _, target, roof, _ = copy(x.page, x.bank, y.page, y.bank, account, tenant)
    _, left, left_bank, moved, moved_bank, _ = switch(x.page, x.bank, y.page, y.bank, account, tenant, lease)
    handed = hand_over(x.bank, heir)[1]
    p, q = _cell("p"), _cell("q")
    both = (_coloured(p, z3.Int("p_others")), _coloured(q, z3.Int("q_others")), _congruent(p, q))
    no_page = _Cell(z.number, Page(lift(NOBODY), lift(NO_LEASE)), z.bank_number, Bank(heir, lift(False), lift(0)))
    return [
        Obligation("at first all pages are free", (heir >= NOBODY,), _coloured(no_page, lift(0))),
        Obligation("a page is granted", given, kept((x, granted, granted_bank))),
        Obligation("a page is freed", given, kept((x, freed, freed_bank))),
        Obligation("a bank begins to drain", given, kept((x, x.page, drain(x.bank)))),
        Obligation("a copy is begun", given, kept((y, target, roof))),
        Obligation("a copy is switched to", (*given, x.bank_number != y.bank_number),
                   kept((x, left, left_bank), (y, moved, moved_bank))),
        Obligation("a bank is handed over", given, kept((x, x.page, handed))),
        Obligation("pages of two tenants are in two banks",
                   (*both, is_owned(p.page.owner), is_owned(q.page.owner), p.page.owner != q.page.owner),
                   p.bank_number != q.bank_number),
        Obligation("a bank that is handed over has no page", (*both[:1], hand_over(p.bank, heir)[0] == DONE),
                   z3.Not(is_owned(p.page.owner))),
        Obligation("it is handed over iff it drains and is empty, and then it is the heir's", given, z3.And(
            (hand_over(x.bank, heir)[0] == DONE) == z3.And(x.bank.draining, x.bank.used <= 0),
            z3.Implies(hand_over(x.bank, heir)[0] == DONE, z3.And(handed.holder == heir, z3.Not(handed.draining))),
            z3.Implies(hand_over(x.bank, heir)[0] != DONE, _same_bank(handed, x.bank)))),
        Obligation("what is granted, or kept for a copy, is in the tenant's colour and no draining bank", given, z3.And(
            z3.Implies(_granted(x, account, tenant, lease), z3.And(x.bank.holder == tenant, z3.Not(x.bank.draining))),
            z3.Implies(copy(x.page, x.bank, y.page, y.bank, account, tenant)[0] == DONE, z3.And(
                y.bank.holder == tenant, x.bank_number != y.bank_number)))),
    ]  # fmt: skip


def _granted(cell: _Cell, account: Account, tenant: Any, lease: Any) -> Any:
    return allocate(cell.page, in_colour(cell.bank, tenant), cell.bank, account, tenant, lease)[0] == DONE


def _counts(other: _Cell, z: _Cell, others: Any) -> Any:
    """Return that a page that is not free is counted: it is one of the others of its bank."""
    beside = z3.And(other.number != z.number, other.bank_number == z.bank_number, is_owned(other.page.owner))
    return z3.Implies(beside, others >= 1)


# ---- leases: no page is owned twice ----


def _lease(p: _Cell, z: _Cell, tenant: Any, lease: Any, leases: Any) -> Any:
    """What holds while `lease` of `tenant` on p has not been given back; z is any page."""
    return invariant(
        "lease",
        kept=z3.And(p.page.owner == tenant, p.page.lease == lease),
        alone=z3.Implies(z.number != p.number, z.page.lease != lease),
        given_before=z3.And(lease > NO_LEASE, lease < leases),
    )


def _dead(z: _Cell, lease: Any, leases: Any) -> Any:
    """What holds once a lease has been given back; z is any page."""
    return invariant("dead lease", nowhere=z.page.lease != lease, given_before=z3.And(lease > NO_LEASE, lease < leases))


def _leases() -> list[Obligation]:
    """The grant of `lease` to `owner` on p; z any page; x, y touched by `tenant`, who shows `shown`."""
    p, z, x, y, r = (_cell(name) for name in ("p", "z", "x", "y", "r"))
    owner, lease, leases, tenant, shown = z3.Ints("owner lease leases tenant shown")
    account = Account(*z3.Ints("held copies quota"))
    each = tuple(_lease(p, cell, owner, lease, leases) for cell in (z, x, y))
    given = (owner >= 0, tenant >= 0, _congruent(p, z, x, y), *each, x.number != y.number)
    granted = allocate(x.page, in_colour(x.bank, tenant), x.bank, account, tenant, leases)
    freed = free(x.page, x.bank, account, tenant, shown)
    copied = copy(x.page, x.bank, y.page, y.bank, account, tenant)
    moved = switch(x.page, x.bank, y.page, y.bank, account, tenant, shown)
    own_free = free(p.page, p.bank, account, owner, lease)
    alive = z3.And(moved[0] == DONE, x.page.owner == tenant, x.page.lease == shown)
    now_at = where(z3.And(alive, lift(x.number == p.number)), y, p)
    dead = (leases >= 0, tenant >= 0, _congruent(z, x, y), *(_dead(cell, lease, leases) for cell in (z, x, y)),
            x.number != y.number)  # fmt: skip

    def kept(at: _Cell, later: Any, *touched: tuple[_Cell, Page, Bank]) -> Any:
        return _lease(_after(at, *touched), _after(z, *touched), owner, lease, later)

    def gone(later: Any, *touched: tuple[_Cell, Page, Bank]) -> Any:
        return _dead(_after(z, *touched), lease, later)

    later = where(granted[0] == DONE, leases + 1, leases)
    two = _lease(p, z, owner, lease, leases), _lease(r, z, tenant, shown, leases), _congruent(p, r)
    fresh_grant = (leases >= 0, tenant >= 0, _congruent(x, z), granted[0] == DONE, z.page.lease < leases)
    return [
        Obligation("a lease begins", fresh_grant,
                   _lease(_after(x, (x, *granted[1:3])), _after(z, (x, *granted[1:3])), tenant, leases, later)),
        Obligation("a page is granted", given, kept(p, later, (x, *granted[1:3]))),
        Obligation("another lease is given back", (*given, z3.Or(tenant != owner, shown != lease)),
                   kept(p, leases, (x, *freed[1:3]))),
        Obligation("a copy is begun", given, kept(p, leases, (y, *copied[1:3]))),
        Obligation("a copy is switched to, and the page is elsewhere", (*given, shown > NO_LEASE),
                   kept(now_at, leases, (x, *moved[1:3]), (y, *moved[3:5]))),
        Obligation("two leases are on two pages", (*two, p.number == r.number),
                   z3.And(owner == tenant, lease == shown)),
        Obligation("nobody else is granted the page", (*given, granted[0] == DONE), x.number != p.number),
        Obligation("its tenant may give it back", given, z3.And(own_free[0] == DONE, own_free[1].owner == NOBODY)),
        Obligation("then the lease is on no page", given,
                   _dead(_after(z, (p, *own_free[1:3])), lease, leases)),
        Obligation("and on none that is granted later", dead, gone(later, (x, *granted[1:3]))),
        Obligation("or freed", dead, gone(leases, (x, *freed[1:3]))),
        Obligation("or kept for a copy", dead, gone(leases, (y, *copied[1:3]))),
        Obligation("or switched to", dead, gone(leases, (x, *moved[1:3]), (y, *moved[3:5]))),
        Obligation("so it is not given back a second time", (*dead, shown == lease), freed[0] != DONE),
    ]  # fmt: skip


# ---- conservation and quotas ----


@attrs.frozen(eq=False)
class _Counts:
    """Ghosts: all pages, the free ones, those that accounts hold and copy; one tenant's pages; one bank's used."""

    total: Any
    free: Any
    held: Any
    copies: Any
    own: Any
    used: Any


def _conserved(counts: _Counts, account: Account, bank: Bank) -> Any:
    return invariant(
        "counts",
        pages=counts.free + counts.held + counts.copies == counts.total,
        account=counts.own == account.held + account.copies,
        bank=counts.used == bank.used,
        quota=account.held <= account.quota,
    )


def _conservation() -> list[Obligation]:
    """Tenant t and bank b stand for any; x and y are touched by `tenant`, whose account is t's if it is t."""
    x, y, b = _cell("x"), _cell("y"), _cell("b")
    t, tenant, lease = z3.Ints("t tenant lease")
    tracked, account = Account(*z3.Ints("t_held t_copies t_quota")), Account(*z3.Ints("held copies quota"))
    counts = _Counts(*z3.Ints("all free all_held all_copies own used"))
    same = z3.Implies(
        t == tenant, z3.And(*(getattr(tracked, f) == getattr(account, f) for f in ("held", "copies", "quota")))
    )
    here = (t >= 0, tenant >= 0, same, _congruent(x, y, b), x.number != y.number)
    given = (*here, _conserved(counts, tracked, b.bank))

    def kept(after: Account, *touched: tuple[_Cell, Page, Bank]) -> Any:
        now = counts
        for cell, page, _ in touched:
            fewer = one(page.owner == NOBODY) - one(cell.page.owner == NOBODY)
            mine = one(page.owner == t) - one(cell.page.owner == t)
            there = z3.If(cell.bank_number == b.bank_number, fewer, 0)
            now = attrs.evolve(now, free=now.free + fewer, own=now.own + mine, used=now.used - there)
        now = attrs.evolve(
            now, held=now.held + after.held - account.held, copies=now.copies + after.copies - account.copies
        )
        return _conserved(now, where(lift(t == tenant), after, tracked), _after(b, *touched).bank)

    granted = allocate(x.page, in_colour(x.bank, tenant), x.bank, account, tenant, lease)
    freed = free(x.page, x.bank, account, tenant, lease)
    copied = copy(x.page, x.bank, y.page, y.bank, account, tenant)
    moved = switch(x.page, x.bank, y.page, y.bank, account, tenant, lease)
    nothing = _Counts(counts.total, counts.total, *(lift(0),) * 4)
    return [
        Obligation("at first all pages are free", (tracked.quota >= 0,), _conserved(
            nothing, Account(lift(0), lift(0), tracked.quota), Bank(lift(0), lift(False), lift(0)))),
        Obligation("a page is granted", given, kept(granted[3], (x, *granted[1:3]))),
        Obligation("a page is freed", given, kept(freed[3], (x, *freed[1:3]))),
        Obligation("a copy is begun", given, kept(copied[3], (y, *copied[1:3]))),
        Obligation("a copy is switched to", (*given, lease > NO_LEASE, x.bank_number != y.bank_number),
                   kept(moved[5], (x, *moved[1:3]), (y, *moved[3:5]))),
        Obligation("no page is lost", given, counts.free + counts.held + counts.copies == counts.total),
        Obligation("an account counts its tenant's pages", given, counts.own == tracked.held + tracked.copies),
        Obligation("a bank counts its pages", given, counts.used == b.bank.used),
        Obligation("no tenant has more than its quota", given, tracked.held <= tracked.quota),
    ]  # fmt: skip


THEOREMS: Sequence[Theorem] = (
    Theorem(
        "allocator-isolation", ("CO-2", "CO-5"),
        "No two tenants' pages are ever in one bank: in any order of grants, frees, copies and hand-overs.",
        "every horizon; any number of pages, banks and tenants",
        ("the steps are atomic, one at a time", "a page counts itself among those of its bank that are not free"),
        obligations=_isolation, invariants=("coloured",),
        abstraction="the pages of a bank that are not free, counted by what each step changes",
        partner="allocator-exactness",
    ),
    Theorem(
        "allocator-leases", ("AL-1", "AL-4", "CO-5"),
        "A granted page is its tenant's until that tenant frees it, and granted to nobody before; a free is done once.",
        "every horizon; any number of pages, banks, tenants and leases",
        ("the steps are atomic, one at a time",),
        obligations=_leases, invariants=("lease", "dead lease"),
        partner="allocator-exactness",
    ),
    Theorem(
        "allocator-conservation", ("AL-2", "AL-5", "CO-5"),
        "Free, owned and copied pages are always all pages, counters are exact, and each tenant has at most its quota.",
        "every horizon; any number of pages, banks and tenants",
        ("the steps are atomic, one at a time",),
        obligations=_conservation, invariants=("counts",), partner="allocator-exactness",
        abstraction="sums over pages and tenants, changed by what each step changes",
    ),
)  # fmt: skip
