"""The questions about memory as goals: a page that goes of a tenant within its floor, a bank that two tenants share.

Both run the code's own steps: `touch` on frames, `allocate` and `hand_over` on a table of pages. What a question does
not give is free: the frames, the floors, who uses which page; who asks for one, and which bank changes hands.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import reduce
from operator import or_
from typing import Any

import attrs
import z3

from headgate.model.algebra import all_, choose, each, same, where
from headgate.model.memory import allocator
from headgate.model.memory.allocator import Memory, Rules, masked
from headgate.model.memory.colours import banks_of, dealt_holders
from headgate.model.memory.eviction import POLICIES, Claims
from headgate.model.memory.frames import Layout, cold, holdings, layout_of, touch
from headgate.model.memory.pages import NOBODY, at_once
from headgate.proofs.decoding import schedule_of
from headgate.proofs.find.offers import decoder
from headgate.proofs.find.question import Question
from headgate.proofs.find.search import Found, Goal
from headgate.proofs.find.staging import banks_asked, each_asked, masks_asked
from headgate.proofs.symbolic import decide, lift
from headgate.spec.vocabulary import Schedule

__all__ = ["conflict", "eviction", "first_uses_in_order"]

EVICTION_CLAUSES = {"lru": "EV-10", "total": "EV-11"}
CONFLICT_CLAUSES = {"essay": "CO-4", "at-once": "CO-6"}


class _Names:
    """Gives the numbers of a state names of their own, which keeps the terms of the next step small."""

    def __init__(self) -> None:
        self.definitions: list[Any] = []

    def of(self, state: Any) -> Any:
        """Return `state` with a name for each of its terms."""
        return each(self._name, state)

    def _name(self, term: Any) -> Any:
        if not isinstance(term, z3.ExprRef) or z3.is_const(term):
            return term
        name = z3.FreshConst(term.sort(), "state")
        self.definitions.append(name == term)
        return name


# ---- eviction ----


def eviction(question: Question, count: int, check: Callable[[], None] = lambda: None) -> Goal:
    """Return the goal of pages that go of a tenant which is left with less than its floor, in `count` uses.

    `check` is called again and again, and may raise.
    """
    totals = question.all_pages
    layout, names = layout_of(totals), _Names()
    capacity, floors, free = _pool(question)
    claims, policy = Claims(floors, totals), POLICIES[question.policy_name]
    uses = tuple(z3.Ints([f"page{k}" for k in range(count)]))
    frames, losses = cold(len(layout.owners)), [lift(0)] * question.tenants
    for page in uses:
        check()
        touched, after = touch(frames, layout, capacity, claims, page, policy, "lru")
        left = choose(touched.owner, holdings(after, layout).resident)
        lost = names.of(lift(all_(touched.evicted, left < choose(touched.owner, floors))))
        owner = names.of(lift(touched.owner))
        losses = [n + where(all_(lost, same(owner, who)), 1, 0) for who, n in enumerate(losses)]
        frames = names.of(after)
    victims = range(question.tenants) if question.victim is None else (question.victim,)
    cases = [(losses[who] >= 1, losses[who]) for who in victims]
    parameters: dict[str, Any] = {"capacity": capacity, "floors": floors, "pages": totals}
    if question.victim is not None:
        parameters["tenant"] = question.victim
    heading = (EVICTION_CLAUSES.get(question.policy_name, "EV-5"), "", "eviction", question.policy_name, "losses")

    def decoded(model: z3.ModelRef) -> Schedule:
        rows = [(choose(lift(p), layout.owners), at, 1, choose(lift(p), layout.positions)) for at, p in enumerate(uses)]
        return schedule_of(model, heading, parameters, rows)

    there = [z3.And(page >= 0, page < len(layout.owners)) for page in uses]
    constraints = (*free, *there, *names.definitions, *first_uses_in_order(uses, layout))
    statement = f"By {question.policy_name} {{}} pages go of a request that has no more than its floor."
    smallest = (lift(capacity), lift(sum(floors)), *map(lift, floors), *uses)
    beyond = z3.Or(*(condition for condition, _ in cases))
    return Goal(constraints, tuple(cases), beyond, Fraction(1), decoder(question, decoded, statement), smallest)


def _pool(question: Question) -> tuple[Any, tuple[Any, ...], list[Any]]:
    """Return the frames, the floors, and the domain of those that are free.

    With a frame for every page nothing is ever evicted; a floor above all that a tenant has promises nothing more.
    """
    totals, domain = question.all_pages, []
    capacity: Any = z3.Int("capacity")
    if "frames" in question.parameters:
        capacity = int(question.parameters["frames"])
    else:
        domain += [capacity >= 1, capacity <= max(1, sum(totals) - 1)]
    floors: tuple[Any, ...] = question.floors
    if not floors:
        floors = tuple(z3.Ints([f"floor{k}" for k in range(question.tenants)]))
        domain += [z3.And(floor >= 0, floor <= total) for floor, total in zip(floors, totals, strict=True)]
    domain.append(lift(sum(floors) <= capacity))
    return capacity, floors, domain


def first_uses_in_order(uses: Sequence[Any], layout: Layout) -> list[Any]:
    """Return that of each owner's pages the one in front is used first, before the next is for the first time.

    Nothing is lost: a policy sees of an owner its counts and when its oldest page was used, and takes that page, so
    that exchanging two pages of one owner throughout a schedule changes nothing but their names. Positions are not
    looked at, as within an owner it is the page unused for longest that goes, and no two were last used at once.
    """
    later = [page for page in range(1, len(layout.owners)) if layout.owners[page] == layout.owners[page - 1]]
    return [
        z3.Implies(use == page, z3.Or(*(before == page - 1 for before in uses[:number])))
        for number, use in enumerate(uses)
        for page in later
    ]


# ---- conflict ----


@attrs.frozen
class _Asked:
    """An operation: `tenant` asks for a page or, where `is_hand` holds, `bank` is handed over to it."""

    is_hand: Any
    tenant: Any
    bank: Any


@attrs.frozen
class _Board:
    """The tenants and banks that are searched, by their numbers in the question, and the rule that they come to.

    Where colours stay as they are, `masks` are theirs over `banks`, and `parts` the tenants that can meet each other.
    """

    tenants: tuple[int, ...]
    banks: tuple[int, ...]
    holders: tuple[int, ...]
    rule: Rules
    masks: tuple[int, ...] = ()
    parts: tuple[tuple[int, ...], ...] = ()


def conflict(question: Question, count: int, check: Callable[[], None] = lambda: None) -> Goal:
    """Return the goal of a bank with pages of several tenants, after `count` operations; `check` as in `eviction`."""
    board, names = _board(question), _Names()
    if count <= _first_row(board):
        return _IMPOSSIBLE
    rows, tenants, banks = _rows(question, count), len(board.tenants), len(board.banks)
    memory = allocator.fresh(banks * rows, board.holders, [banks * rows] * tenants)
    asked = [
        _Asked(False if board.masks else z3.Bool(f"hand{k}"), z3.Int(f"tenant{k}"), z3.Int(f"bank{k}"))
        for k in range(count)
    ]
    domain = [z3.And(a.tenant >= 0, a.tenant < tenants, a.bank >= 0, a.bank < banks) for a in asked]
    domain += [z3.Implies(z3.Not(lift(a.is_hand)), a.bank == 0) for a in asked]
    for one in asked:
        check()
        granted = allocator.allocate(memory, one.tenant, board.rule)[2]
        handed = granted if board.masks else allocator.hand_over(memory, one.bank, one.tenant, board.rule)[2]
        memory = names.of(where(one.is_hand, handed, granted))
    met = [_tenants_in(memory, bank, tenants) for bank in range(banks)]
    statement = f"Under the rule {question.policy_name} {{}} tenants have pages in one bank."
    decode = decoder(question, _conflict_decoder(question, rows, board, asked), statement, "no two")
    hands = z3.Sum(*(z3.If(lift(a.is_hand), 1, 0) for a in asked), 0)
    smallest = (hands, *(a.tenant for a in asked), *(a.bank for a in asked))
    constraints = (*domain, *names.definitions, *_plain_orders(board, [a.tenant for a in asked]))
    cases = tuple((number >= 2, number) for number in met)
    return Goal(constraints, cases, z3.Or(*(shared for shared, _ in cases)), Fraction(1), decode, smallest)


def _never(model: z3.ModelRef, wanted: Fraction | None) -> Found:
    raise AssertionError("a goal that nothing reaches was reached")


_IMPOSSIBLE = Goal((z3.BoolVal(False),), (), z3.BoolVal(False), Fraction(1), _never, ())


def _board(question: Question) -> _Board:
    """Return what is searched: where colours stay as they are, one group of each kind of tenants that can meet.

    Tenants meet in a bank that both may use, so that what tenants of other groups ask for changes nothing, and what
    brings several groups together is brought by the requests of one of them, which are fewer. Of a group only the order
    of its banks counts, since the page with the lowest number is granted.
    """
    count, masks = question.tenants, masks_asked(question)
    if masks is None:
        holders = dealt_holders(count, each_asked(question), banks_asked(question))
        return _Board(tuple(range(count)), tuple(range(len(holders))), holders, Rules(hand_over=at_once))
    kinds: dict[tuple[int, ...], tuple[int, ...]] = {}
    for group in _meeting(masks):
        own = [masks[tenant] for tenant in group]
        kinds.setdefault(_numbered(own, _banks(own)), group)
    tenants = tuple(sorted(tenant for group in kinds.values() for tenant in group)) or tuple(range(count))
    banks = _banks([masks[tenant] for tenant in tenants])
    numbered = _numbered([masks[tenant] for tenant in tenants], banks)
    parts = tuple(tuple(tenants.index(tenant) for tenant in group) for group in kinds.values())
    return _Board(tenants, banks, (NOBODY,) * len(banks), masked(numbered), numbered, parts)


def _meeting(masks: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the groups of tenants that share banks with each other, through others as well; nobody who shares none."""
    groups: list[tuple[int, tuple[int, ...]]] = []
    for tenant, mask in enumerate(masks):
        joined = [group for group in groups if group[0] & mask]
        groups = [group for group in groups if not group[0] & mask]
        banks = reduce(or_, (others for others, _ in joined), mask)
        groups.append((banks, tuple(sorted([tenant, *(one for _, who in joined for one in who)]))))
    return [members for _, members in groups if len(members) > 1]


def _banks(masks: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted({bank for mask in masks for bank in banks_of(mask)}))


def _numbered(masks: Sequence[int], banks: Sequence[int]) -> tuple[int, ...]:
    """Return the masks over `banks`, which are numbered anew in their order."""
    return tuple(sum(1 << number for number, bank in enumerate(banks) if mask >> bank & 1) for mask in masks)


def _plain_orders(board: _Board, tenants: Sequence[Any]) -> list[Any]:
    """Return that the tenants ask in an order than which no smaller one does the same.

    All are of one group, as `_board` says. Tenants of one colour are alike: the lower number asks first. Two that ask
    one after the other and cannot meet do so in either order. The least of all orders that do the same keeps both.
    """
    masks = board.masks
    pairs = [(one, other) for other in range(len(masks)) for one in range(other)]
    alike = [(one, other) for one, other in pairs if masks[one] == masks[other]]
    apart = [(one, other) for one, other in pairs if not masks[one] & masks[other]]
    plain: list[Any] = []
    if len(board.parts) > 1:
        plain.append(z3.Or(*(z3.And(*(_is_one_of(t, part) for t in tenants)) for part in board.parts)))
    for number, tenant in enumerate(tenants):
        plain += [z3.Implies(tenant == b, z3.Or(*(before == a for before in tenants[:number]))) for a, b in alike]
        if number:
            plain += [z3.Not(z3.And(tenants[number - 1] == b, tenant == a)) for a, b in apart]
    return plain


def _first_row(board: _Board) -> int:
    """Return how many requests are granted pages of the first row, whoever asks: of as many banks as any may use.

    The second page of a bank has a higher number than the first one of every bank. Where banks change hands: none.
    """
    return min((mask.bit_count() for mask in board.masks), default=0)


def _is_one_of(term: Any, numbers: Sequence[int]) -> Any:
    return z3.Or(*(term == number for number in numbers))


def _rows(question: Question, count: int) -> int:
    """Return how many rows let as many tenants as are asked for, or as could, have a page each in one bank."""
    most = question.tenants if question.maximise else question.at_least or 2
    return max(2, min(-int(-most // 1), question.tenants, count))


def _tenants_in(memory: Memory, bank: int, tenants: int) -> Any:
    pages = memory.pages[bank :: len(memory.banks)]
    return z3.Sum(*(
        z3.If(z3.Or(*(lift(page.owner == tenant) for page in pages)), 1, 0) for tenant in range(tenants)
    ))  # fmt: skip


def _conflict_decoder(
    question: Question, rows: int, board: _Board, asked: Sequence[_Asked]
) -> Callable[[z3.ModelRef], Schedule]:
    name, banks = question.policy_name, banks_asked(question)
    heading = (CONFLICT_CLAUSES.get(name, "CO-2"), "", "allocator", name, "shared-bank")
    parameters: dict[str, Any] = {"banks": banks, "rows": rows, "tenants": question.tenants}
    parameters |= {"colours": question.colours} if name == "masks" else {"each": each_asked(question)}
    geometry = question.device.geometry if question.device is not None else None
    if geometry is not None and geometry.banks == banks:
        parameters["page_bytes"] = geometry.page_bytes

    def decoded(model: z3.ModelRef) -> Schedule:
        lines = [(choose(a.tenant, board.tenants), at, 1, a.bank) for at, a in enumerate(asked)]
        found = schedule_of(model, heading, parameters, lines)
        names = ["hand-over" if decide(model, lift(a.is_hand)) else "allocate" for a in asked]
        requests = [attrs.evolve(r, operation=n) for r, n in zip(found.requests, names, strict=True)]
        return attrs.evolve(found, requests=tuple(requests))

    return decoded
