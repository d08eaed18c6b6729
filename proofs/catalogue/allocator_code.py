"""Theorems on the allocator's code as it is run, on small tables of pages; and what is wrong with other rules."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

import attrs
import z3

from headgate.model.algebra import where
from headgate.model.memory import allocator as table
from headgate.model.memory.allocator import Memory, Move, Rules
from headgate.model.memory.pages import (
    COLOUR_FULL,
    DONE,
    NO_LEASE,
    NOBODY,
    QUOTA_FULL,
    Account,
    Bank,
    Page,
    at_once,
    owner_frees,
)
from headgate.proofs.catalogue.allocator import is_owned, one
from headgate.proofs.decoding import schedule_of
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import decide, lift
from headgate.proofs.theorem import Expect, Obligation, Query, Theorem
from headgate.spec.vocabulary import Request, Schedule

__all__ = ["THEOREMS"]

# ---- exactness, on the table as it is run ----


def _table(pages: int, banks: int, tenants: int) -> Memory:
    """Return a table of constants."""
    cells = tuple(Page(*z3.Ints(f"owner{k} lease{k}")) for k in range(pages))
    rooms = tuple(Bank(z3.Int(f"holder{k}"), z3.Bool(f"draining{k}"), z3.Int(f"used{k}")) for k in range(banks))
    accounts = tuple(Account(*z3.Ints(f"held{k} copies{k} quota{k}")) for k in range(tenants))
    return Memory(cells, rooms, accounts, z3.Int("leases"), Move(*z3.Ints("from to whose under")))


def _equal(left: Any, right: Any) -> Any:
    """Return that two records or tuples of terms are equal."""
    if isinstance(left, tuple):
        return z3.And(*(_equal(a, b) for a, b in zip(left, right, strict=True)))
    if hasattr(type(left), "__attrs_attrs__"):
        return z3.And(*(_equal(getattr(left, f.name), getattr(right, f.name)) for f in attrs.fields(type(left))))
    return lift(left) == lift(right)


TABLES = ((2, 1), (3, 2), (4, 2), (5, 3), (6, 3))


def _exactness() -> list[Obligation]:
    return [obligation for pages, banks in TABLES for obligation in _exact(pages, banks)]


def _exact(pages: int, banks: int) -> list[Obligation]:
    memory, tenant = _table(pages, banks, 2), z3.Int("tenant")
    given = (tenant >= 0, tenant < 2)
    outcome, place, after = table.allocate(memory, tenant)
    account = where(lift(tenant == 0), memory.accounts[0], memory.accounts[1])
    fits = [z3.And(page.owner == NOBODY, memory.banks[k % banks].holder == tenant,
                   z3.Not(memory.banks[k % banks].draining)) for k, page in enumerate(memory.pages)]  # fmt: skip
    within, some = account.held < account.quota, z3.Or(*fits)
    written = [
        z3.If(place == k, _equal(new, Page(tenant, memory.leases)), _equal(new, old))
        for k, (new, old) in enumerate(zip(after.pages, memory.pages, strict=True))
    ]
    name = f"{pages} pages in {banks} banks"
    return [
        Obligation(f"{name}: granted iff below the quota and a page of the colour is free", given,
                   (lift(outcome) == DONE) == z3.And(within, some)),
        Obligation(f"{name}: a refusal names what is missing", given, z3.And(
            (lift(outcome) == QUOTA_FULL) == z3.Not(within),
            (lift(outcome) == COLOUR_FULL) == z3.And(within, z3.Not(some)))),
        Obligation(f"{name}: a refusal changes nothing", (*given, lift(outcome) != DONE), _equal(after, memory)),
        Obligation(f"{name}: a grant changes the page that it names", (*given, lift(outcome) == DONE), z3.And(
            *written, *(z3.Implies(place == k, fit) for k, fit in enumerate(fits)), place >= 0, place < pages)),
    ]  # fmt: skip


# ---- every step of the code, on the table as it is run ----


def _sound(memory: Memory) -> Any:
    """What holds of a table between two operations."""
    count, move = len(memory.banks), memory.move
    homes = [memory.banks[place % count] for place in range(len(memory.pages))]
    owned = [is_owned(page.owner) for page in memory.pages]
    idle = z3.And(lift(move.source == NOBODY), lift(move.target == NOBODY))
    places = range(len(memory.pages))
    copied = [
        z3.And(move.source == a, move.target == b, memory.pages[b].owner == move.tenant,
               memory.pages[b].lease == NO_LEASE)
        for a in places for b in places if a % count != b % count
    ]  # fmt: skip
    return invariant(
        "table",
        in_colour=z3.And(*(
            z3.Implies(o, h.holder == p.owner) for o, h, p in zip(owned, homes, memory.pages, strict=True)
        )),
        banks_count=z3.And(*(
            bank.used == z3.Sum([one(owned[k]) for k in places if k % count == number])
            for number, bank in enumerate(memory.banks)
        )),
        accounts_count=z3.And(*(
            account.held + account.copies == z3.Sum([one(page.owner == tenant) for page in memory.pages])
            for tenant, account in enumerate(memory.accounts)
        )),
        quota=z3.And(*(account.held <= account.quota for account in memory.accounts)),
        leases_differ=z3.And(*(
            z3.Implies(a.lease == b.lease, a.lease == NO_LEASE) for a, b in combinations(memory.pages, 2)
        )),
        leases_given=z3.And(memory.leases >= 0, *(page.lease < memory.leases for page in memory.pages)),
        one_copy=z3.Or(idle, z3.And(move.lease > NO_LEASE, move.tenant >= 0, move.tenant < len(memory.accounts), *(
            [z3.Or(*copied)] if copied else [lift(False)]))),
        kept_for_the_copy=z3.And(*_kept_for_the_copy(memory)),
        owners=z3.And(*(z3.And(p.owner >= NOBODY, p.owner < len(memory.accounts)) for p in memory.pages)),
    )  # fmt: skip


def _kept_for_the_copy(memory: Memory) -> list[Any]:
    """Return of each page: if it is kept for a copy, it is for the one under way."""
    return [
        z3.Implies(z3.And(is_owned(page.owner), page.lease == NO_LEASE), memory.move.target == place)
        for place, page in enumerate(memory.pages)
    ]


def _code() -> list[Obligation]:
    return [obligation for pages, banks in CODE_TABLES for obligation in _steps_of(pages, banks)]


CODE_TABLES = ((2, 2), (3, 2), (4, 2))


def _steps_of(pages: int, banks: int) -> list[Obligation]:
    memory, name = _table(pages, banks, 2), f"{pages} pages in {banks} banks"
    tenant, place, number, lease, heir = z3.Ints("tenant place number shown heir")
    quotas = tuple(account.quota >= 0 for account in memory.accounts)
    given = (tenant >= 0, tenant < 2, place >= 0, place < pages, number >= 0, number < banks, heir >= NOBODY, heir < 2,
             *quotas, _sound(memory))  # fmt: skip
    first = table.fresh(pages, [bank.holder for bank in memory.banks], [account.quota for account in memory.accounts])
    after = {
        "a page is granted": table.allocate(memory, tenant)[2],
        "a page is freed": table.free(memory, tenant, place, lease)[2],
        "a bank begins to drain": table.drain(memory, number)[2],
        "a copy is begun": table.begin_copy(memory, place)[2],
        "a copy is switched to": table.finish_copy(memory)[2],
        "a bank is handed over": table.hand_over(memory, number, heir)[2],
    }
    shared = [
        z3.And(is_owned(a.owner), is_owned(b.owner), a.owner != b.owner)
        for (i, a), (j, b) in combinations(enumerate(memory.pages), 2) if i % banks == j % banks
    ]  # fmt: skip
    return [
        Obligation(f"{name}: at first", quotas, _sound(first)),
        *(Obligation(f"{name}: {what}", given, _sound(later)) for what, later in after.items()),
        Obligation(f"{name}: no bank has pages of two tenants", given, z3.Not(z3.Or(*shared, lift(False)))),
        Obligation(f"{name}: no tenant has more than its quota", given,
                   z3.And(*(account.held <= account.quota for account in memory.accounts))),
        Obligation(f"{name}: no page is kept for a copy that is not under way", given,
                   z3.And(*_kept_for_the_copy(memory))),
        Obligation(f"{name}: no lease is on two pages", given, z3.And(*(
            z3.Not(z3.And(a.lease == b.lease, a.lease > NO_LEASE)) for a, b in combinations(memory.pages, 2)))),
        Obligation(f"{name}: accounts and banks count all pages that are not free", given,
                   z3.Sum([bank.used for bank in memory.banks])
                   == z3.Sum([account.held + account.copies for account in memory.accounts])),
    ]  # fmt: skip


# ---- refuted: a page freed twice, and colours that are looked at when pages are granted ----


def _twice(tighter: Fraction) -> Query:
    """One tenant, one page, a free that asks for the owner only: two leases that nobody gave back are on the page."""
    return _unrolled(5, Rules(free=owner_frees), "owner-only", tighter)


def _unrolled(count: int, rule: Rules, name: str, tighter: Fraction) -> Query:
    memory = table.fresh(1, [0], [1])
    frees, shown = z3.Bools([f"free{k}" for k in range(count)]), z3.Ints([f"shown{k}" for k in range(count)])
    live: list[Any] = []
    domain: list[Any] = []
    for is_free, lease in zip(frees, shown, strict=True):
        granted, _, allocated = table.allocate(memory, 0, rule)
        _, _, freed = table.free(memory, 0, 0, lease, rule)
        domain += [lease >= 0, lease < memory.leases + one(z3.Not(is_free)), z3.Implies(z3.Not(is_free), lease == 0)]
        begun = z3.And(z3.Not(is_free), lift(granted) == DONE)
        live = [z3.And(alive, z3.Not(z3.And(is_free, lease == k))) for k, alive in enumerate(live)]
        # Lease k is given by the operation that finds k leases given before it.
        live = [*live, lift(False)]
        live = [z3.Or(alive, z3.And(begun, lift(memory.leases) == k)) for k, alive in enumerate(live)]
        memory = where(is_free, freed, allocated)
    domain.append(z3.Sum([one(alive) for alive in live]) > 1 - lift(int(tighter)))
    heading = ("AL-6", "A free that asks for the owner alone grants no page twice.", "allocator", name, "owned-twice")
    parameters = {"banks": 1, "rows": 1, "tenants": 1, "holders": [0], "quotas": [1]}

    def decode(model: z3.ModelRef) -> Schedule:
        found = schedule_of(model, heading, parameters, [(0, k, 1) for k in range(count)])
        names = ["free" if decide(model, is_free) else "allocate" for is_free in frees]
        rows = [int(decide(model, lease)) for lease in shown]
        return attrs.evolve(found, requests=_named(found.requests, names, rows))

    return Query(tuple(domain), decode, tuple(shown))


def _named(requests: Sequence[Request], operations: Sequence[str], rows: Sequence[int]) -> tuple[Request, ...]:
    lines = zip(requests, operations, rows, strict=True)
    return tuple(attrs.evolve(request, operation=name, row=row) for request, name, row in lines)


def _at_once(tighter: Fraction) -> Query:
    """Two tenants and one bank of two pages: grants, and hand-overs that do not look into the bank."""
    count, rule = 3, Rules(hand_over=at_once)
    memory = table.fresh(2, [0], [2, 2])
    hands, tenants = z3.Bools([f"hand{k}" for k in range(count)]), z3.Ints([f"tenant{k}" for k in range(count)])
    domain: list[Any] = [z3.And(t >= 0, t < 2) for t in tenants]
    for is_hand, tenant in zip(hands, tenants, strict=True):
        handed = table.hand_over(memory, 0, tenant, rule)[2]
        memory = where(is_hand, handed, table.allocate(memory, tenant, rule)[2])
    first, second = memory.pages
    shared = z3.And(is_owned(first.owner), is_owned(second.owner), first.owner != second.owner)
    domain += [one(shared) + 1 > 1 - lift(int(tighter))]
    heading = ("CO-6", "Colours that are looked at when a page is granted keep two tenants out of one bank.",
               "allocator", "at-once", "shared-bank")  # fmt: skip
    parameters = {"banks": 1, "rows": 2, "tenants": 2, "holders": [0], "quotas": [2, 2]}

    def decode(model: z3.ModelRef) -> Schedule:
        found = schedule_of(model, heading, parameters, [(t, k, 1) for k, t in enumerate(tenants)])
        names = ["hand-over" if decide(model, is_hand) else "allocate" for is_hand in hands]
        return attrs.evolve(found, requests=_named(found.requests, names, [0] * count))

    return Query(tuple(domain), decode, tuple(tenants))


THEOREMS: Sequence[Theorem] = (
    Theorem(
        "allocator-exactness", ("AL-3",),
        "A page is granted iff its tenant is below the quota and its colour has a free page; refusals change nothing.",
        "one step of the code, from any state", obligations=_exactness, partner="allocator-exactness",
        limit="N = 2..6 pages in up to 3 banks",
    ),
    Theorem(
        "allocator-code", ("AL-1", "AL-2", "AL-5", "CO-2", "CO-5"),
        "Every operation of the code keeps colours, quotas, counters and leases, with at most one copy under way.",
        "one step of the code, from any state that is sound", obligations=_code, invariants=("table",),
        partner="allocator-exactness", limit="N = 2..4 pages in 2 banks, two tenants",
    ),
    Theorem(
        "allocator-owner-only", ("AL-6",), "A free that asks for the owner alone grants no page twice.",
        "one tenant, one page, five operations", expect=Expect.REFUTED, attack=_twice,
    ),
    Theorem(
        "allocator-at-once", ("CO-6",),
        "Colours that are looked at when a page is granted keep two tenants out of one bank.",
        "two tenants, one bank of two pages, three operations", expect=Expect.REFUTED, attack=_at_once,
    ),
)  # fmt: skip
