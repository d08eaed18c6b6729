"""The role `allocator`: deals out the pages of a memory, in the colours and within the quotas of its tenants.

Page p lies in bank `p mod banks`; a colour is a mask over the banks. Every page that is granted is put to the rules of
`headgate.model.memory.pages`, which say whether it may be; a refusal is judged by whether there was room (AL-3).
"""

from typing import Any, Protocol

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from headgate.model.memory import pages as rules
from headgate.model.memory.colours import holders_of
from headgate.model.memory.pages import DONE, NO_LEASE, NOBODY, QUOTA_FULL, Account, Bank, Page
from headgate.properties.review.case import Asked, Call, Case, Errored, Violation
from headgate.properties.review.declared import Declared, plain
from headgate.properties.review.suites.common import Suite, ask, refusable
from headgate.properties.review.targets import Session
from headgate.spec.errors import InputError

__all__ = ["SUITE", "AllocatorLike"]


class AllocatorLike(Protocol):
    """An object that is given `pages`, `banks`, and of each tenant its colour (`colors`) and quota (`quotas`)."""

    def allocate(self, tenant: int, pages: int) -> list[int] | None:
        """Return so many pages for `tenant`, all or none: None where colour or quota is full."""

    def free(self, tenant: int, pages: list[int]) -> object:
        """Take back pages that `tenant` has; anything else is refused (False, or an error) and changes nothing.

        A page that is named twice is not had twice: whether it is then refused or taken back, it is counted once.
        """


class _Reference:
    """The memory as it must be, by the grants that the implementation made."""

    def __init__(self, case: Case) -> None:
        numbers = case.configuration
        banks, self.quotas = int(numbers["banks"]), [int(quota) for quota in numbers["quotas"]]
        try:
            holders = holders_of([int(mask) for mask in numbers["colors"]], banks)
        except ValueError as error:
            raise InputError("colors", "disjoint colours of banks that are there", str(error)) from None
        self.pages = [Page(NOBODY, NO_LEASE)] * int(numbers["pages"])
        self.banks = [Bank(holder, False, 0) for holder in holders]
        self.accounts = [Account(0, 0, quota) for quota in self.quotas]
        self.leases = 0
        self.mine: list[set[int]] = [set() for _ in self.quotas]
        # How many pages a tenant's colour has: nobody else is given any of them.
        self.colour = [0] * len(self.quotas)
        for number, holder in enumerate(holders):
            if holder != NOBODY:
                self.colour[holder] += len(range(number, len(self.pages), banks))
        self.freed: list[tuple[int, int]] = []  # tenant and page, the last one at the end

    def held(self, tenant: int) -> list[int]:
        return sorted(self.mine[tenant])

    def foreign(self, tenant: int) -> list[int]:
        return sorted(page for who, pages in enumerate(self.mine) if who != tenant for page in pages)

    def room(self, tenant: int) -> int:
        """Return how many pages the tenant may still have."""
        return min(self.colour[tenant], self.quotas[tenant]) - len(self.mine[tenant])

    def grant(self, tenant: int, number: int) -> None:
        """Let the tenant have a page; Violation where it may not."""
        seen = f"grants page {number} to tenant {tenant}"
        if not 0 <= number < len(self.pages):
            raise Violation("AL-5", seen, f"one of the pages 0 to {len(self.pages) - 1}")
        page, at = self.pages[number], number % len(self.banks)
        mine = rules.in_colour(self.banks[at], tenant)
        outcome, after, bank, account = rules.allocate(
            page, mine, self.banks[at], self.accounts[tenant], tenant, self.leases
        )
        if outcome == QUOTA_FULL:
            raise Violation("AL-2", seen, f"a refusal: its quota is {self.quotas[tenant]} pages, which it has")
        if outcome != DONE and page.owner != NOBODY:
            raise Violation("AL-1", seen, f"a page that is free: tenant {page.owner} has it")
        if outcome != DONE:
            raise Violation("CO-2", seen, f"a page of its colour: bank {at} is held for another, or for nobody")
        self.pages[number], self.banks[at], self.accounts[tenant] = after, bank, account
        self.mine[tenant].add(number)
        self.leases += 1

    def free(self, tenant: int, number: int) -> None:
        page, at = self.pages[number], number % len(self.banks)
        _, self.pages[number], self.banks[at], self.accounts[tenant] = rules.free(
            page, self.banks[at], self.accounts[tenant], tenant, page.lease
        )
        self.mine[tenant].remove(number)
        self.freed.append((tenant, number))


def conduct(case: Case, session: Session, declared: Declared, log: list[Asked]) -> None:
    """Do what the case says, and judge each answer."""
    reference = _Reference(case)
    for call in case.calls:
        tenant, number = int(call.arguments["tenant"]), int(call.arguments["pages"])
        if number <= 0 and call.operation in ("allocate", "free"):
            continue
        if call.operation == "allocate":
            _allocate(reference, call, tenant, number, session, log)
        elif call.operation == "free":
            held = reference.held(tenant)
            begin = int(call.arguments["from"]) % max(1, len(held))
            _free(reference, tenant, held[begin : begin + number], session, log)
        else:
            _free_wrongly(reference, call.operation, tenant, number, session, log)


def _allocate(reference: _Reference, call: Call, tenant: int, count: int, session: Session, log: list[Asked]) -> None:
    answer, room = ask(session, call, log), reference.room(tenant)
    if answer is None or answer is False or answer == []:
        if count <= room:
            raise Violation("AL-3", f"refuses tenant {tenant} {count} pages", f"pages: there is room for {room}")
        return
    whole = isinstance(answer, list | tuple) and all(type(each) is int for each in answer)
    if not whole:
        raise Errored("garbage", f"{call} returned {answer!r:.80}, expected a list of pages, or None")
    granted: list[int] = list(answer)  # type: ignore[call-overload]  # a list or a tuple, as was just seen
    for number in granted:
        reference.grant(tenant, number)
    if len(granted) != count:
        raise Violation("AL-3", f"grants {len(granted)} pages to tenant {tenant}", f"{count}, or none")


def _free(reference: _Reference, tenant: int, pages: list[int], session: Session, log: list[Asked]) -> None:
    if not pages:
        return
    answer = ask(session, Call("free", {"tenant": tenant, "pages": pages}), log)
    if answer is False:
        raise Violation(
            "AL-4", f"does not take pages {pages} back from tenant {tenant}", "them to be free: it has them"
        )
    for number in pages:
        reference.free(tenant, number)


def _free_wrongly(
    reference: _Reference, operation: str, tenant: int, number: int, session: Session, log: list[Asked]
) -> None:
    """Free a page a second time, or one of somebody else, alone or after an own one.

    What is said then matters less than what comes of it.
    """
    own = reference.held(tenant)
    if operation == "free_twice":
        _free_twice(reference, tenant, own[number % len(own)] if own else None, session, log)
        return
    if operation == "free_again":
        pages = [page for who, page in reference.freed if who == tenant and reference.pages[page].owner != tenant]
    else:
        pages = reference.foreign(tenant)
    if not pages or (operation == "free_mixed" and not own):
        return
    page = pages[-1 - number % len(pages)]
    given = [own[number % len(own)], page] if operation == "free_mixed" else [page]
    answer = refusable(session, Call("free", {"tenant": tenant, "pages": given}), log)
    if answer is True:
        seen = f"takes {_words(given)} back from tenant {tenant}"
        raise Violation("AL-4", seen, f"a refusal: the tenant does not have page {page}")


def _free_twice(reference: _Reference, tenant: int, page: int | None, session: Session, log: list[Asked]) -> None:
    """Free an own page twice in one list, then once more.

    Whether such a list is refused, and whether it is then free all the same, is for the implementation to say; it is
    free after both, and counted once.
    """
    if page is None:
        return
    twice = refusable(session, Call("free", {"tenant": tenant, "pages": [page, page]}), log)
    again = refusable(session, Call("free", {"tenant": tenant, "pages": [page]}), log)
    if twice is not False and again is True:
        seen = f"takes page {page} back from tenant {tenant}, which it did before"
        raise Violation("AL-4", seen, "a refusal: the tenant does not have it any more")
    reference.free(tenant, page)


def _words(pages: list[int]) -> str:
    return f"page{'s' * (len(pages) > 1)} {' and '.join(map(str, pages))}"


@st.composite
def _cases(draw: DrawFn, declared: Declared) -> Case:
    fixed = {name: plain(value) for name, value in declared.numbers.items()}
    given = fixed.get("colors") or fixed.get("quotas")
    tenants = len(given) if given else draw(st.integers(1, min(3, fixed.get("banks", 3))))
    least = max((mask.bit_length() for mask in fixed.get("colors", ())), default=tenants)
    banks = fixed.get("banks") or draw(st.integers(max(1, least), max(1, least) + 3))
    # A bank for each tenant, and the rest for any of them, or for nobody: `tenants`.
    others = draw(st.lists(st.integers(0, tenants), min_size=max(0, banks - tenants), max_size=max(0, banks - tenants)))
    dealt = draw(st.permutations([*range(tenants), *others]))
    colors = [sum(1 << bank for bank, who in enumerate(dealt) if who == tenant) for tenant in range(tenants)]
    pages = fixed.get("pages") or banks * draw(st.integers(1, 3))
    quotas = draw(st.lists(st.integers(1, 8), min_size=tenants, max_size=tenants))
    numbers: dict[str, Any] = {"pages": pages, "banks": banks, "colors": colors, "quotas": quotas, **fixed}
    who, few = st.integers(0, tenants - 1), st.integers(1, 4)
    calls = st.one_of(
        st.builds(lambda t, n: Call("allocate", {"tenant": t, "pages": n}), who, few),
        st.builds(lambda t, n: Call("allocate", {"tenant": t, "pages": n}), who, st.integers(1, 9)),
        st.builds(lambda t, n, f: Call("free", {"tenant": t, "pages": n, "from": f}), who, few, st.integers(0, 5)),
        st.builds(
            lambda o, t, n: Call(o, {"tenant": t, "pages": n}),
            st.sampled_from(("free_again", "free_foreign", "free_mixed", "free_twice")), who, st.integers(0, 2),
        ),
    )  # fmt: skip
    return Case(numbers, tuple(draw(st.lists(calls, min_size=1, max_size=14))))


def cases(declared: Declared) -> SearchStrategy[Case]:
    """Draw cases for what was declared."""
    return _cases(declared)


def seeds(declared: Declared) -> list[Case]:
    """Return the cases that are always run: filled up to the brim, a double free, another's page freed."""
    fixed = {name: plain(value) for name, value in declared.numbers.items()}
    numbers: dict[str, Any] = {"pages": 8, "banks": 4, "colors": [3, 12], "quotas": [3, 4], **fixed}
    if {"colors", "banks"} & set(fixed) or len(numbers["quotas"]) != 2:
        return []
    own = min(int(numbers["quotas"][0]), int(numbers["pages"]))
    fill = [Call("allocate", {"tenant": 0, "pages": 1})] * (own + 1)
    again = Call("free_again", {"tenant": 0, "pages": 0})
    free = Call("free", {"tenant": 0, "pages": 1, "from": 0})
    foreign = Call("free_foreign", {"tenant": 1, "pages": 0})
    other = [Call("allocate", {"tenant": 1, "pages": 2})] * 3
    mixed, twice = (Call(name, {"tenant": 0, "pages": 0}) for name in ("free_mixed", "free_twice"))
    offered = (
        [*fill, *other],
        [*fill, free, again, *fill],
        [*fill, foreign, *other],
        [*fill, *other, mixed, *[free] * own],
        [*fill, twice, *fill],
    )
    return [Case(numbers, tuple(each)) for each in offered]


SUITE = Suite(
    "allocator",
    "deals out pages in colours and within quotas",
    AllocatorLike,
    {
        "pages": "pages in all",
        "banks": "banks",
        "colors": "masks over the banks, one a tenant",
        "quotas": "pages, one a tenant",
    },
    ("coloured",),
    cases,
    conduct,
    seeds,
)
