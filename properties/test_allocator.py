"""What must hold of the allocator (AL-1 to AL-6) and of a re-colouring (CO-5 to CO-7)."""

import functools
import random
from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from headgate.model.memory import allocator
from headgate.model.memory import pages as rules
from headgate.model.memory.allocator import Memory, Rules
from headgate.model.memory.colours import quota_in_pages
from headgate.model.memory.pages import CLAUSES, NO_LEASE, NOBODY, Outcome
from headgate.model.replay import replay
from headgate.properties.oracles.allocator import Allocator
from headgate.spec.links import checks
from headgate.spec.vocabulary import Contract, Geometry, Request, Schedule

TENANTS = 3
places = st.integers(0, 11)


class Dealer(RuleBasedStateMachine):
    """Every operation, in any order, right or wrong: the table answers as the oracle, and keeps everything."""

    # What has been met, so that a test can ask whether everything is.
    met: ClassVar[Counter[tuple[str, Outcome]]] = Counter()

    @initialize(
        holders=st.lists(st.sampled_from((0, 0, 1, 1, 2, NOBODY)), min_size=2, max_size=5),
        rows=st.integers(1, 3),
        quotas=st.tuples(*(st.sampled_from((8, 4, 2, 1, 0)),) * TENANTS),
        asked=st.lists(st.sampled_from((0, 0, 1, 1, 2)), max_size=9),
    )
    def begin(self, holders: list[int], rows: int, quotas: tuple[int, ...], asked: list[int]) -> None:
        count = rows * len(holders)
        self.memory = allocator.fresh(count, holders, quotas)
        self.oracle = Allocator(count, holders, list(quotas))
        # What tenants believe: leases that they were given and have not given back, with tenant and page.
        self.live: dict[int, tuple[int, int]] = {}
        self.past: list[tuple[int, int, int]] = []
        for tenant in asked:
            self.allocate(tenant)

    @rule(bank=places, count=st.integers(1, 4))
    def allocate_in_turn(self, bank: int, count: int) -> None:
        """Whoever holds that bank asks for some pages."""
        holder = self.memory.banks[bank % len(self.memory.banks)].holder
        for _ in range(count):
            self.allocate(holder if holder != NOBODY else 0)

    @rule(tenant=st.integers(0, TENANTS - 1))
    def allocate(self, tenant: int) -> None:
        """A page is granted iff the quota and the colour allow, and never one that somebody has."""
        lease = self.oracle.leases
        within = self.oracle.held(tenant) < self.oracle.quotas[tenant]
        free = self.oracle.free_pages(tenant)
        outcome, page = self.told("allocate", allocator.allocate(self.memory, tenant), self.oracle.allocate(tenant))
        assert (outcome is Outcome.DONE) == (within and bool(free))
        assert (outcome is Outcome.QUOTA_FULL) == (not within)
        if outcome is Outcome.DONE:
            assert page not in [at for _, at in self.live.values()]
            self.live[lease] = (tenant, page)
            self.past.append((tenant, page, lease))

    @precondition(lambda self: self.past)
    @rule(number=places, tenant=st.none() | st.integers(0, TENANTS - 1), page=st.none() | places)
    def give_back(self, number: int, tenant: int | None, page: int | None) -> None:
        """Some lease that was given, shown again or not, by its tenant or another, for its page or another."""
        owner, at, lease = self.past[number % len(self.past)]
        _, at = self.live.get(lease, (owner, at))
        self.free(owner if tenant is None else tenant, at if page is None else page % self.oracle.pages, lease)

    @precondition(lambda self: self.memory.move.source != NOBODY)
    @rule()
    def give_back_what_is_copied(self) -> None:
        """The source by its lease, and the target by none: that is not a page yet."""
        move = self.memory.move
        self.free(move.tenant, move.target, NO_LEASE)
        self.free(move.tenant, move.source, move.lease)

    def free(self, tenant: int, page: int, lease: int) -> None:
        plain = self.oracle.free(tenant, page, lease)
        outcome, _ = self.told("free", allocator.free(self.memory, tenant, page, lease), plain)
        assert (outcome is Outcome.DONE) == (self.live.get(lease) == (tenant, page))
        if outcome is Outcome.DONE:
            del self.live[lease]

    @precondition(lambda self: self.oracle.granted)
    @rule(number=places, drained=st.sampled_from((True, True, False)), freed=st.booleans(), finished=st.booleans())
    def begin_copy(self, number: int, drained: bool, freed: bool, finished: bool) -> None:
        """Of a page that somebody has; mostly its bank drains. It may be freed, or the copy be finished, at once."""
        granted = sorted(self.oracle.granted)
        page = granted[number % len(granted)]
        if drained:
            self.drain(page)
        self.told("begin_copy", allocator.begin_copy(self.memory, page), self.oracle.begin_copy(page))
        if self.memory.move.source != NOBODY and freed:
            self.give_back_what_is_copied()
        if self.memory.move.source != NOBODY and finished:
            self.finish_copy()

    @precondition(lambda self: self.memory.move.source != NOBODY)
    @rule()
    def finish_copy(self) -> None:
        move = self.memory.move
        self.told("finish_copy", allocator.finish_copy(self.memory), self.oracle.finish_copy())
        kept = self.memory.pages[move.target].owner != NOBODY
        self.met["kept" if kept else "given up", Outcome.DONE] += 1
        moved = {lease: (owner, page) for page, (owner, lease) in self.oracle.granted.items()}
        self.live = {lease: moved[lease] for lease in self.live}

    @rule(page=places)
    def copy_or_finish_what_is_not_there(self, page: int) -> None:
        page %= self.oracle.pages
        if page not in self.oracle.granted:
            self.told("begin_copy", allocator.begin_copy(self.memory, page), self.oracle.begin_copy(page))
        if self.memory.move.source == NOBODY:
            self.told("finish_copy", allocator.finish_copy(self.memory), self.oracle.finish_copy())

    @rule(bank=places)
    def drain(self, bank: int) -> None:
        bank %= len(self.memory.banks)
        self.told("drain", allocator.drain(self.memory, bank), self.oracle.drain(bank))

    @rule(number=places, heir=st.integers(NOBODY, TENANTS - 1), drained=st.booleans())
    def hand_over(self, number: int, heir: int, drained: bool) -> None:
        """A bank that drains, if there is one, or any."""
        draining = [n for n, bank in enumerate(self.memory.banks) if bank.draining]
        bank = draining[number % len(draining)] if drained and draining else number % len(self.memory.banks)
        self.told("hand_over", allocator.hand_over(self.memory, bank, heir), self.oracle.hand_over(bank, heir))

    def told(self, what: str, ours: tuple[Any, Any, Memory], plain: tuple[str, int | None]) -> tuple[Outcome, Any]:
        """Take over the new memory; the outcome and the place are the oracle's, and a refusal changes nothing."""
        outcome = Outcome(ours[0])
        self.met[what, outcome] += 1
        assert outcome.name == plain[0]
        if outcome is Outcome.DONE:
            assert ours[1] == plain[1]
        else:
            assert as_plain(ours[2]) == as_plain(self.memory)
            assert CLAUSES[outcome]
        self.memory = ours[2]
        return outcome, ours[1]

    @invariant()
    def everything_is_kept(self) -> None:
        if not hasattr(self, "memory"):
            return
        assert_sound(self.memory)
        granted = {lease: (page.owner, n) for n, page in enumerate(self.memory.pages) if (lease := page.lease) >= 0}
        assert granted == self.live


def as_plain(memory: Memory) -> Any:
    """Return a memory as tuples, which can be compared."""
    return (
        [(page.owner, page.lease) for page in memory.pages],
        [(bank.holder, bank.draining, bank.used) for bank in memory.banks],
        [(account.held, account.copies, account.quota) for account in memory.accounts],
        (memory.leases, memory.move.source, memory.move.target, memory.move.tenant, memory.move.lease),
    )


def assert_sound(memory: Memory) -> None:
    """No bank has pages of two tenants, counters are what they count, and no quota is exceeded."""
    count = len(memory.banks)
    for number, bank in enumerate(memory.banks):
        owners = [page.owner for page in memory.pages[number::count] if page.owner != NOBODY]
        assert set(owners) <= {bank.holder}
        assert bank.used == len(owners)
    for tenant, account in enumerate(memory.accounts):
        own = [page for page in memory.pages if page.owner == tenant]
        assert account.held == sum(page.lease != NO_LEASE for page in own) <= account.quota
        assert account.copies == sum(page.lease == NO_LEASE for page in own)
    free = sum(page.owner == NOBODY for page in memory.pages)
    assert free + sum(a.held + a.copies for a in memory.accounts) == len(memory.pages)
    assert sum(account.copies for account in memory.accounts) == (memory.move.source != NOBODY)


@checks("AL-1", "AL-2", "AL-3", "AL-4", "AL-5", "CO-2", "CO-5")
def test_any_order_of_operations_keeps_everything() -> None:
    """Grants, frees that are right and wrong, copies and hand-overs, against the oracle and against their clauses."""
    run_state_machine_as_test(Dealer, settings=settings(stateful_step_count=40))


def deal(dice: random.Random, steps: int) -> None:
    """Let a Dealer do as the dice say: long runs that are full of copies, which a search by examples seldom meets."""
    dealer, any_number = Dealer(), functools.partial(dice.randrange, 12)
    holders = dice.choices((0, 0, 1, 1, 2, NOBODY), k=dice.randint(2, 5))
    quotas = (dice.choice((2, 4, 8)), dice.randint(0, 4), 8)
    dealer.begin(holders, dice.randint(1, 3), quotas, dice.choices(range(TENANTS), k=dice.randrange(10)))
    for _ in range(steps):
        dice.choice((
            lambda: dealer.allocate_in_turn(any_number(), dice.randint(1, 3)),
            lambda: dealer.allocate(dice.randrange(TENANTS)),
            lambda: dealer.past and dealer.give_back(any_number(), dice.choice((None, 0)), dice.choice((None, 1))),
            lambda: dealer.past and dealer.give_back(any_number(), None, None),
            lambda: dealer.oracle.granted and dealer.begin_copy(any_number(), dice.random() < 0.8, dice.random() < 0.3,
                                                                dice.random() < 0.5),
            lambda: dealer.memory.move.source != NOBODY and dealer.finish_copy(),
            lambda: dealer.copy_or_finish_what_is_not_there(any_number()),
            lambda: dealer.hand_over(any_number(), dice.randrange(NOBODY, TENANTS), dice.random() < 0.8),
        ))()  # fmt: skip
        dealer.everything_is_kept()


@checks("AL-1", "AL-2", "AL-3", "AL-4", "AL-5", "CO-2", "CO-5")
@given(st.integers(0, 2**32))
def test_long_runs_of_operations_keep_everything(seed: int) -> None:
    """The same, with more steps and more copies."""
    deal(random.Random(seed), 60)


@checks("AL-1", "AL-4")
def test_a_page_freed_twice_stays_with_who_has_it_now() -> None:
    """The first lease is shown again after the page was granted anew: refused, and nobody else is granted the page."""
    memory = allocator.fresh(1, [0], [1])
    memory = allocator.allocate(memory, 0)[2]
    memory = allocator.free(memory, 0, 0, 0)[2]
    _, _, memory = allocator.allocate(memory, 0)
    outcome, _, memory = allocator.free(memory, 0, 0, 0)
    assert outcome == Outcome.NOT_OWNED
    assert allocator.allocate(memory, 0)[0] == Outcome.QUOTA_FULL
    assert allocator.free(memory, 0, 0, 1)[0] == Outcome.DONE


def operations(*rows: tuple[str, int, int]) -> tuple[Request, ...]:
    return tuple(Request(tenant, at, 1, row, name) for at, (name, tenant, row) in enumerate(rows))


def schedule(rule_name: str, claim: str, parameters: Mapping[str, object], *rows: tuple[str, int, int]) -> Schedule:
    return Schedule("AL-1", "", "allocator", rule_name, claim, parameters, operations(*rows))


TWICE = (("allocate", 0, 0), ("free", 0, 0), ("allocate", 0, 0), ("free", 0, 0), ("allocate", 0, 0))


@checks("AL-6")
@given(st.integers(0, 3))
@example(0)
def test_a_free_by_owner_alone_grants_a_page_twice(others: int) -> None:
    """However many pages were granted before: with the lease shown, it does not."""
    before = tuple(("allocate", 0, 0) for _ in range(others))
    repeated = tuple((name, tenant, row + others if name == "free" else 0) for name, tenant, row in TWICE)
    parameters = {"banks": 1, "rows": 1 + others, "tenants": 1}
    assert replay(schedule("owner-only", "owned-twice", parameters, *before, *repeated)).violated
    assert not replay(schedule("coloured", "owned-twice", parameters, *before, *repeated)).violated


@checks("CO-6")
@given(st.integers(1, 3), st.integers(1, 3))
def test_a_bank_that_is_handed_over_at_once_is_shared(first: int, second: int) -> None:
    """The pages of the tenant before are still in it; handed over when it is empty, it is not shared."""
    parameters = {"banks": 1, "rows": 6, "tenants": 2, "holders": [0]}
    rows = (*[("allocate", 0, 0)] * first, ("hand-over", 1, 0), *[("allocate", 1, 0)] * second)
    found = replay(schedule("at-once", "shared-bank", parameters, *rows))
    assert found.violated
    assert found.observed == 2
    assert not replay(schedule("coloured", "shared-bank", parameters, *rows)).violated
    assert not replay(schedule("at-once", "shared-bank", parameters, *rows[first:])).violated
    frees = [("free", 0, lease) for lease in range(first)]
    emptied = (*rows[:first], ("drain", 0, 0), *frees, *rows[first:])
    found = replay(schedule("coloured", "shared-bank", parameters, *emptied))
    assert not found.violated
    assert found.observed == 1


@checks("AL-2")
@given(st.integers(0, 2**31), st.integers(1, 2**20), st.integers(1, 2**20))
@example(8192 * 2**20, 192 * 1024, 786432)  # 8192 MB on an H200
def test_a_quota_is_whole_pages(quota: int, page: int, pages: int) -> None:
    """So many pages fit into the quota, and one more does not, unless there are no more."""
    count = quota_in_pages(quota, page, pages)
    assert count * page <= quota
    assert count == pages or (count + 1) * page > quota
    assert quota_in_pages(None, page, pages) == pages


@checks("AL-2", "CO-2")
def test_contracts_give_colours_and_quotas() -> None:
    """Masks, and megabytes of a page of one row in each of 4 channels."""
    geometry = Geometry(2, 2, 1, 1, 2, 2, 8, 1024)
    contracts = [
        Contract("a", page_color=0b0101, hbm_quota_bytes=3 * 4096 + 4095),
        Contract("b", page_color=0b0010),
        Contract("c"),
    ]
    memory = allocator.memory_of(contracts, geometry, 8)
    assert [bank.holder for bank in memory.banks] == [0, 1, 0, NOBODY]
    assert [account.quota for account in memory.accounts] == [3, 32, 32]
    assert [allocator.allocate(memory, tenant)[0] for tenant in range(3)] == [0, 0, Outcome.COLOUR_FULL]


# Re-colouring.

colourings = st.integers(1, 4).flatmap(
    lambda banks: st.tuples(*(st.lists(st.integers(NOBODY, 2), min_size=banks, max_size=banks),) * 2)
)


@checks("CO-5", "CO-7")
@given(colourings, st.integers(1, 3), st.lists(st.integers(0, 2), max_size=9), st.booleans())
@example(([0, 0], [0, 1]), 2, [0, 0], False)  # both pages fit into the bank that stays
@example(([0, 0], [0, 1]), 2, [0, 0, 0], False)  # one does not
@example(([0, 1], [1, 0]), 1, [0], False)  # bank 1 is empty: it is handed over first, and has room then
@example(([0, 1], [1, 0]), 1, [0, 1], False)  # nowhere to go
@example(([0, 0], [1, 0]), 2, [0, 0], True)  # a copy is under way when it begins
def test_a_recolouring_keeps_everything_and_ends(
    colouring: tuple[list[int], list[int]], rows: int, asked: list[int], copying: bool
) -> None:
    """At every step; after one step a bank, two a page, one a bank; or at a colour that is full."""
    holders, target = colouring
    memory = allocator.fresh(rows * len(holders), holders, [99] * 3)
    for tenant in asked:
        memory = allocator.allocate(memory, tenant)[2]
    if copying:
        memory = allocator.drain(memory, 0)[2]
        memory = allocator.begin_copy(memory, 0)[2]
    held, under_way = [account.held for account in memory.accounts], memory.move.source != NOBODY
    moving = [n for n, (old, new) in enumerate(zip(holders, target, strict=True)) if old != new]
    inside = [page.owner for n, page in enumerate(memory.pages) if n % len(holders) in moving and page.owner != NOBODY]
    fits = all(inside.count(tenant) <= room_kept(memory, tenant, target) for tenant in range(3))
    steps = list(allocator.recolouring(memory, target))
    for _, outcome, state in steps:
        assert_sound(state)
        assert [account.held for account in state.accounts] == held
        assert outcome in (Outcome.DONE, Outcome.COLOUR_FULL)
    refused = [what for what, outcome, _ in steps if outcome != Outcome.DONE]
    if fits and not under_way:
        assert not refused
    if refused:
        assert refused == ["copy"] == [steps[-1][0]]
        return
    after = steps[-1][2] if steps else memory
    assert [after.banks[n].holder for n in moving] == [target[n] for n in moving]
    if not under_way:
        assert len(steps) == 2 * len(moving) + 2 * len(inside)


def room_kept(memory: Memory, tenant: int, target: list[int]) -> int:
    """Return the free pages in the banks that `tenant` has and keeps, and that do not drain."""
    count = len(memory.banks)
    return sum(
        page.owner == NOBODY
        for number, page in enumerate(memory.pages)
        if (bank := memory.banks[number % count]).holder == tenant == target[number % count] and not bank.draining
    )


@checks("CO-5")
@given(st.booleans(), st.booleans())
@example(True, True)
def test_a_page_that_is_freed_while_it_is_copied_is_free_for_good(regranted: bool, drained: bool) -> None:
    """Also if its place was granted anew since: what is there now was not copied."""
    memory = allocator.fresh(4, [0, 0], [4])
    memory = allocator.allocate(memory, 0)[2]
    memory = allocator.drain(memory, 0)[2]
    outcome, target, memory = allocator.begin_copy(memory, 0)
    assert (outcome, target) == (Outcome.DONE, 1)
    outcome, _, still = allocator.begin_copy(memory, 0)
    assert outcome == Outcome.MOVING
    assert as_plain(still) == as_plain(memory)
    memory = allocator.free(memory, 0, 0, 0)[2]
    if drained:
        memory = allocator.hand_over(memory, 0, 0)[2]
    if regranted:
        memory = allocator.allocate(memory, 0)[2]
    outcome, _, memory = allocator.finish_copy(memory)
    assert outcome == Outcome.DONE
    assert_sound(memory)
    assert [page.lease for page in memory.pages if page.owner != NOBODY] == [1] * regranted
    assert allocator.finish_copy(memory)[0] == Outcome.NOT_OWNED


@checks("AL-2")
@given(st.integers(0, 3), st.integers(1, 5))
def test_the_replay_sees_a_quota_that_is_exceeded(quota: int, asked: int) -> None:
    """By the rule it never is; with a free that counts what it did not free, it would be."""
    parameters = {"banks": 1, "rows": 8, "tenants": 1, "quotas": [quota]}
    rows = [("allocate", 0, 0)] * asked
    found = replay(schedule("coloured", "over-quota", parameters, *rows))
    assert not found.violated
    assert found.observed == 0


def test_rules_that_are_taken_by_default_are_the_sound_ones() -> None:
    """The refuted rules are asked for by name only."""
    assert (Rules().free, Rules().hand_over) == (rules.free, rules.hand_over)
