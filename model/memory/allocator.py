"""The allocator on a table of pages: it looks for a page, and one operation is one step.

The table is small enough to be written out (a solver's terms, a batch of schedules, a replay);
`headgate.model.memory.pool` runs the same rules on a million pages. Page p lies in bank `p mod banks`. What is searched
for is the free page of the tenant's colour with the lowest number; any other would do.

At most one copy is under way at a time. A re-colouring is a list of steps (`recolouring`), each of which keeps
everything: drain, then copy and switch page by page, then hand over.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs

from headgate.model.algebra import all_, best, choose, put, where
from headgate.model.memory import pages as rules
from headgate.model.memory.colours import banks_of, holders_of, quota_in_pages
from headgate.model.memory.pages import DONE, MOVING, NO_LEASE, NOBODY, Account, Bank, Page
from headgate.spec.links import implements
from headgate.spec.units import Number
from headgate.spec.vocabulary import Contract, Geometry

__all__ = [
    "Memory",
    "Move",
    "Operation",
    "Rules",
    "allocate",
    "begin_copy",
    "drain",
    "finish_copy",
    "free",
    "fresh",
    "hand_over",
    "masked",
    "memory_of",
    "recolouring",
    "step",
]


@attrs.frozen(eq=False)
class Move:
    """The copy under way: from which page to which (NOBODY: none), whose, and under which lease it began."""

    source: Number
    target: Number
    tenant: Number
    lease: Number


@attrs.frozen(eq=False)
class Memory:
    """The pages, the banks, the tenants' accounts, how many leases were given, and the copy under way."""

    pages: tuple[Page, ...]
    banks: tuple[Bank, ...]
    accounts: tuple[Account, ...]
    leases: Number
    move: Move


NO_MOVE = Move(NOBODY, NOBODY, NOBODY, NO_LEASE)


@attrs.frozen
class Rules:
    """Which rule is taken where the literature has a wrong one as well."""

    free: Callable[..., Any] = rules.free
    hand_over: Callable[..., Any] = rules.hand_over
    mine: Callable[[Bank, int, Number], Any] = lambda bank, number, tenant: rules.in_colour(bank, tenant)


CORRECT = Rules()


def masked(masks: Sequence[int]) -> Rules:
    """Return rules that take colours as they are: tenant i's pages go to the banks of `masks[i]`, whoever else's do."""
    banks = [frozenset(banks_of(mask)) for mask in masks]

    def mine(bank: Bank, number: int, tenant: Number) -> Any:
        return choose(tenant, [number in own for own in banks])

    return Rules(mine=mine)


@implements("AL-5")
def fresh(count: int, holders: Sequence[Number], quotas: Sequence[Number]) -> Memory:
    """Return `count` free pages over `len(holders)` banks, each held for its holder; `quotas` are in pages."""
    return Memory(
        tuple(Page(NOBODY, NO_LEASE) for _ in range(count)),
        tuple(Bank(holder, False, 0) for holder in holders),
        tuple(Account(0, 0, quota) for quota in quotas),
        0,
        NO_MOVE,
    )


@implements("AL-2", "CO-2")
def memory_of(contracts: Sequence[Contract], geometry: Geometry, rows: int) -> Memory:
    """Return a memory with the colours and quotas of `contracts`, `rows` rows a bank; ValueError as `holders_of`."""
    count = geometry.banks * rows
    quotas = [quota_in_pages(c.hbm_quota_bytes, geometry.page_bytes, count) for c in contracts]
    return fresh(count, holders_of([c.page_color or 0 for c in contracts], geometry.banks), quotas)


def _bank_number(memory: Memory, page: Number) -> Number:
    """Return in which bank `page` lies."""
    if type(page) is int:
        return page % len(memory.banks)
    return choose(page, [place % len(memory.banks) for place in range(len(memory.pages))])


@implements("AL-1", "AL-3")
def allocate(memory: Memory, tenant: Number, rule: Rules = CORRECT) -> tuple[Number, Number, Memory]:
    """Return (outcome, page, memory) after `tenant` asked for a page; the page means nothing unless DONE."""
    mine = [rule.mine(bank, number, tenant) for number, bank in enumerate(memory.banks)]
    own = [mine[place % len(mine)] for place in range(len(memory.pages))]
    fits = [all_(page.owner == NOBODY, m) for page, m in zip(memory.pages, own, strict=True)]
    _, place, _ = best(range(len(fits)), fits)
    number = _bank_number(memory, place)
    outcome, page, bank, account = rules.allocate(
        choose(place, memory.pages),
        choose(place, own),
        choose(number, memory.banks),
        choose(tenant, memory.accounts),
        tenant,
        memory.leases,
    )
    after = _written(memory, [(place, page)], [(number, bank)], tenant, account)
    leases = where(outcome == DONE, memory.leases + 1, memory.leases)
    return outcome, place, attrs.evolve(after, leases=leases)


@implements("AL-4")
def free(
    memory: Memory, tenant: Number, place: Number, lease: Number, rule: Rules = CORRECT
) -> tuple[Number, Number, Memory]:
    """Return (outcome, page, memory) after `tenant` gave back the page at `place`, granted under `lease`."""
    number = _bank_number(memory, place)
    outcome, page, bank, account = rule.free(
        choose(place, memory.pages), choose(number, memory.banks), choose(tenant, memory.accounts), tenant, lease
    )
    return outcome, place, _written(memory, [(place, page)], [(number, bank)], tenant, account)


@implements("CO-5")
def drain(memory: Memory, number: Number) -> tuple[Number, Number, Memory]:
    """Return (outcome, bank, memory): nothing new is placed in bank `number` from now on."""
    after = put(number, memory.banks, rules.drain(choose(number, memory.banks)))
    return DONE, number, attrs.evolve(memory, banks=after)


@implements("CO-5")
def begin_copy(memory: Memory, place: Number) -> tuple[Number, Number, Memory]:
    """Return (outcome, target, memory) after a copy of the page at `place` was begun; MOVING where one is under way."""
    source = choose(place, memory.pages)
    home = choose(_bank_number(memory, place), memory.banks)
    tenant = where(source.owner == NOBODY, 0, source.owner)
    count = len(memory.banks)
    fits = [
        all_(page.owner == NOBODY, rules.in_colour(memory.banks[position % count], tenant))
        for position, page in enumerate(memory.pages)
    ]
    _, target, _ = best(range(len(fits)), fits)
    number = _bank_number(memory, target)
    outcome, page, roof, account = rules.copy(
        source,
        home,
        choose(target, memory.pages),
        choose(number, memory.banks),
        choose(tenant, memory.accounts),
        tenant,
    )
    after = _written(memory, [(target, page)], [(number, roof)], tenant, account)
    after = attrs.evolve(after, move=Move(place, target, tenant, source.lease))
    idle = memory.move.source == NOBODY
    begun = all_(idle, outcome == DONE)
    return where(idle, outcome, MOVING), target, where(begun, after, memory)


@implements("CO-5")
def finish_copy(memory: Memory) -> tuple[Number, Number, Memory]:
    """Return (outcome, target, memory) after the copy under way was switched to, or given up; NOT_OWNED without one."""
    move, none = memory.move, memory.move.source == NOBODY
    here, there = where(none, 0, move.source), where(none, 0, move.target)
    tenant = where(none, 0, move.tenant)
    home, roof = _bank_number(memory, here), _bank_number(memory, there)
    outcome, source, source_bank, target, target_bank, account = rules.switch(
        choose(here, memory.pages),
        choose(home, memory.banks),
        choose(there, memory.pages),
        choose(roof, memory.banks),
        choose(tenant, memory.accounts),
        tenant,
        move.lease,
    )
    moved = _written(
        memory, [(here, source), (there, target)], [(home, source_bank), (roof, target_bank)], tenant, account
    )
    after = attrs.evolve(moved, move=NO_MOVE)
    return where(none, rules.NOT_OWNED, outcome), there, where(none, memory, after)


@implements("CO-5")
def hand_over(memory: Memory, number: Number, heir: Number, rule: Rules = CORRECT) -> tuple[Number, Number, Memory]:
    """Return (outcome, bank, memory) after bank `number` was to be held for `heir`; NOT_EMPTY while pages are in it."""
    outcome, bank = rule.hand_over(choose(number, memory.banks), heir)
    return outcome, number, attrs.evolve(memory, banks=put(number, memory.banks, bank))


def _written(
    memory: Memory,
    pages: Sequence[tuple[Number, Page]],
    banks: Sequence[tuple[Number, Bank]],
    tenant: Number,
    account: Account,
) -> Memory:
    """Return `memory` with these pages, banks and this account in their places."""
    all_pages, all_banks = memory.pages, memory.banks
    for place, page in pages:
        all_pages = put(place, all_pages, page)
    for number, bank in banks:
        all_banks = put(number, all_banks, bank)
    return Memory(all_pages, all_banks, put(tenant, memory.accounts, account), memory.leases, memory.move)


# One step of any kind, for machines that are told what to do by numbers.


class Operation:
    """The numbers of the operations."""

    ALLOCATE, FREE, DRAIN, BEGIN_COPY, FINISH_COPY, HAND_OVER = range(6)


@implements("AL-5")
def step(memory: Memory, kind: Number, tenant: Number, place: Number, lease: Number) -> tuple[Number, Memory]:
    """Return (outcome and place in one number, memory) after one operation.

    `place` is the page to free or to copy, the bank to drain or to hand over to `tenant`; what an operation does not
    ask for is ignored. The number is `outcome * pages + place`, with place 0 for what is not granted.
    """
    bank = where(place < len(memory.banks), place, 0)
    ways = (
        allocate(memory, tenant),
        free(memory, tenant, place, lease),
        drain(memory, bank),
        begin_copy(memory, place),
        finish_copy(memory),
        hand_over(memory, bank, tenant),
    )
    outcome, where_to, after = choose(kind, ways)
    return outcome * len(memory.pages) + where(outcome == DONE, where_to, 0), after


# Re-colouring as a whole, on integers.


@implements("CO-7")
def recolouring(memory: Memory, holders: Sequence[int]) -> Iterator[tuple[str, Number, Memory]]:
    """Yield (what, outcome, memory) after every step on the way to `holders`, one holder a bank.

    Banks that keep their holder are left alone; the others drain together, and are handed over one after the other,
    each as soon as it is empty. It stops where a step is refused: then the tenant has no room left in its other banks,
    and it can be taken up again once something is freed. Integers only.
    """
    moving = [n for n, (bank, heir) in enumerate(zip(memory.banks, holders, strict=True)) if bank.holder != heir]
    for number in moving:
        _, _, memory = drain(memory, number)
        yield "drain", DONE, memory
    if memory.move.source != NOBODY:
        outcome, _, memory = finish_copy(memory)
        yield "switch", outcome, memory
    while moving:
        number = next((n for n in moving if memory.banks[n].used == 0), moving[0])
        for place in range(number, len(memory.pages), len(memory.banks)):
            if memory.pages[place].owner != NOBODY:
                for what in ("copy", "switch"):
                    outcome, _, memory = begin_copy(memory, place) if what == "copy" else finish_copy(memory)
                    yield what, outcome, memory
                    if outcome != DONE:
                        return
        outcome, _, memory = hand_over(memory, number, holders[number])
        yield "hand-over", outcome, memory
        moving.remove(number)
