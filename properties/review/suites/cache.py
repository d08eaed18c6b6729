"""The role `cache`: pages of several tenants in so many frames, and whose page goes when another comes in.

Judged on the frames (EV-1), the pins (EV-2), the owner of every victim (EV-3) and its floor (EV-5), and the page within
the owner, the least recently used one (EV-4). On a tie between owners any of them may lose its page.
"""

from collections import OrderedDict
from heapq import heappop, heappush
from typing import Any, Protocol

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from headgate.model.memory.eviction import POLICIES, Claims, may_leave
from headgate.properties.review.case import Asked, Call, Case, Errored, Violation
from headgate.properties.review.declared import Declared, plain
from headgate.properties.review.suites.common import Suite, ask, decision, refusable
from headgate.properties.review.targets import Session

__all__ = ["SUITE", "CacheLike"]


class CacheLike(Protocol):
    """An object that is given `frames` and of each tenant its floor (`floors`)."""

    def touch(self, tenant: int, page: int) -> bool:
        """Return whether a page is resident; if so, it is now the one used last."""

    def insert(self, tenant: int, page: int) -> list[int] | bool | None:
        """Bring in a page that is not resident. Return the (tenant, page) that went for it, None, or False: refused."""

    def evict(self, tenant: int, page: int) -> object:
        """Let a resident page go; one that is pinned is refused (False, or an error)."""

    def pin(self, tenant: int, page: int) -> object:
        """Let a resident page stay until it is unpinned."""

    def unpin(self, tenant: int, page: int) -> object:
        """Let a pinned page go again."""


Page = tuple[int, int]


class _Reference:
    """What is resident, by last use, and what is pinned; how many of each a tenant has is counted as it changes."""

    def __init__(self, case: Case, policy: str) -> None:
        self.frames = int(case.configuration["frames"])
        self.floors = tuple(int(floor) for floor in case.configuration["floors"])
        self.policy = POLICIES[policy]
        self.used: OrderedDict[Page, int] = OrderedDict()
        self.pinned: set[Page] = set()
        self.clock = 0
        self.resident, self.held = [0] * len(self.floors), [0] * len(self.floors)
        # Of each tenant the pages by last use, the oldest on top; what has changed since is passed over when it is met.
        self.ages: list[list[tuple[int, Page]]] = [[] for _ in self.floors]

    def use(self, page: Page) -> None:
        self.clock += 1
        self.resident[page[0]] += page not in self.used
        self.used[page] = self.clock
        self.used.move_to_end(page)
        self._loosen(page)

    def drop(self, page: Page) -> None:
        del self.used[page]
        self.resident[page[0]] -= 1

    def pin(self, page: Page) -> None:
        self.pinned.add(page)
        self.held[page[0]] += 1

    def unpin(self, page: Page) -> None:
        self.pinned.remove(page)
        self.held[page[0]] -= 1
        self._loosen(page)

    def _loosen(self, page: Page) -> None:
        if page not in self.pinned:
            heappush(self.ages[page[0]], (self.used[page], page))

    def oldest(self, tenant: int) -> Page | None:
        """Return the page of a tenant that was used before all others that may go."""
        ages = self.ages[tenant]
        while ages and (self.used.get(ages[0][1]) != ages[0][0] or ages[0][1] in self.pinned):
            heappop(ages)
        return ages[0][1] if ages else None

    def owners(self, asks: int) -> tuple[list[int], list[int]]:
        """Return who may lose a page for one of `asks`, and of these, who shall."""
        count = range(len(self.floors))
        resident = tuple(self.resident[k] + (k == asks) for k in count)
        floors = self.floors if self.policy.floored else (0,) * len(self.floors)
        may = [k for k in count if may_leave(resident[k], self.held[k] + (k == asks), floors[k])]
        oldest = [self.oldest(k) for k in count]
        ages = [0 if page is None else self.used[page] for page in oldest]
        keys = self.policy.keys(resident, Claims(floors, resident), ages)
        least = min((keys[k] for k in may), default=0)
        return may, [k for k in may if keys[k] == least]


def conduct(case: Case, session: Session, declared: Declared, log: list[Asked]) -> None:
    """Do what the case says, and judge each answer."""
    reference = _Reference(case, declared.policy)
    for call in case.calls:
        page = int(call.arguments["tenant"]), int(call.arguments["page"])
        if call.operation == "touch":
            _touch(reference, call, page, session, log)
        else:
            _by_place(reference, call.operation, page[1], session, log)


def _by_place(reference: _Reference, operation: str, place: int, session: Session, log: list[Asked]) -> None:
    """Pin, unpin or evict the page at a place: of the resident ones by last use, or of the pinned ones."""
    pinned = operation == "unpin"
    pages = sorted(reference.pinned) if pinned else list(reference.used)
    if not pages:
        return
    page = pages[place % len(pages)]
    call = Call(operation, {"tenant": page[0], "page": page[1]})
    if operation == "evict":
        _evict(reference, call, page, session, log)
    elif pinned or page not in reference.pinned:
        ask(session, call, log)
        (reference.unpin if pinned else reference.pin)(page)


def _touch(reference: _Reference, call: Call, page: Page, session: Session, log: list[Asked]) -> None:
    """Use a page, and bring it in where it is not resident."""
    hit = decision(call, ask(session, call, log))
    if hit != (page in reference.used):
        seen, instead = ("a hit", "a miss: it is not resident") if hit else ("a miss", "a hit: it is resident")
        raise Violation("EV-1", f"{call} is {seen}", instead)
    if not hit:
        insertion = Call("insert", call.arguments)
        gone = _gone(insertion, ask(session, insertion, log))
        if isinstance(gone, bool):
            _judge_refusal(reference, insertion, page[0])
            return
        _judge_victim(reference, insertion, page[0], gone)
        if gone is not None:
            reference.drop(gone)
    reference.use(page)


def _gone(call: Call, answer: object) -> Page | bool | None:
    """Return the victim, None, or False where the page was refused."""
    if answer is None or answer is False:
        return None if answer is None else False
    if isinstance(answer, list | tuple) and len(answer) == 2 and all(type(each) is int for each in answer):
        return answer[0], answer[1]
    raise Errored("garbage", f"{call} returned {answer!r:.80}, expected a tenant and a page, None, or False")


def _judge_refusal(reference: _Reference, call: Call, asks: int) -> None:
    if len(reference.used) < reference.frames:
        raise Violation("EV-1", f"{call} is refused", f"a free frame: {len(reference.used)} are taken")
    may, _ = reference.owners(asks)
    if may:
        raise Violation("EV-1", f"{call} is refused", f"a victim: a page of tenant {may[0]} may go")


def _judge_victim(reference: _Reference, call: Call, asks: int, gone: Any) -> None:
    full = len(reference.used) >= reference.frames
    if gone is None:
        if full:
            raise Violation(
                "EV-1", f"{call} evicts nothing", f"a victim, or a refusal: all {reference.frames} are taken"
            )
        return
    seen = f"{call} evicts page {gone[1]} of tenant {gone[0]}"
    if gone not in reference.used or not full:
        raise Violation("EV-1", seen, "a page that is resident" if full else "a free frame: not all are taken")
    if gone in reference.pinned:
        raise Violation("EV-2", seen, "a page that is not pinned")
    may, shall = reference.owners(asks)
    if gone[0] not in may:
        raise Violation("EV-5", seen, f"no page of it: its floor is {reference.floors[gone[0]]}")
    if gone[0] not in shall:
        raise Violation("EV-3", seen, f"a page of tenant {' or '.join(map(str, shall))}")
    oldest = reference.oldest(gone[0])
    if oldest is not None and gone != oldest:
        raise Violation("EV-4", seen, f"page {oldest[1]}, which was used before it")


def _evict(reference: _Reference, call: Call, page: Page, session: Session, log: list[Asked]) -> None:
    if page not in reference.pinned:
        if ask(session, call, log) is False:
            raise Violation("EV-1", f"{call} is refused", "the page to go: it is resident, and not pinned")
        reference.drop(page)
    elif refusable(session, call, log) is True:
        raise Violation("EV-2", f"{call} lets the page go", "a refusal: it is pinned")


@st.composite
def _cases(draw: DrawFn, declared: Declared) -> Case:
    fixed = {name: plain(value) for name, value in declared.numbers.items()}
    tenants = len(fixed["floors"]) if "floors" in fixed else draw(st.integers(1, 3))
    # Floors that do not fit in the frames are refused by whoever looks, so that none such are drawn.
    least = max(1, sum(fixed.get("floors", ())))
    frames = fixed.get("frames") or draw(st.integers(least, least + 4))
    floors = fixed.get("floors") or _floors(draw, frames, tenants)
    who, which = st.integers(0, tenants - 1), st.integers(0, frames)
    what = st.sampled_from([name for name in (*["touch"] * 7, "pin", "unpin", "evict") if name not in declared.without])
    calls = st.lists(st.tuples(what, who, which), min_size=1, max_size=24)
    made = [Call(name, {"tenant": tenant, "page": page}) for name, tenant, page in draw(calls)]
    return Case({"frames": frames, "floors": floors}, tuple(made))


def _floors(draw: DrawFn, frames: int, tenants: int) -> list[int]:
    """Draw floors that fit in the frames."""
    floors: list[int] = []
    for _ in range(tenants):
        floors.append(draw(st.integers(0, frames - sum(floors))))
    return draw(st.permutations(floors))


def cases(declared: Declared) -> SearchStrategy[Case]:
    """Draw cases for what was declared."""
    return _cases(declared)


def seeds(declared: Declared) -> list[Case]:
    """Return the cases that are always run: a loop that does not fit, a whale and a minnow, everything pinned."""
    fixed = {name: plain(value) for name, value in declared.numbers.items()}
    frames = max(3, sum(fixed.get("floors", ())))
    numbers: dict[str, Any] = {"frames": frames, "floors": [0, 1], **fixed}
    frames, last = int(numbers["frames"]), len(numbers["floors"]) - 1

    def touch(tenant: int, page: int) -> Call:
        return Call("touch", {"tenant": tenant, "page": page})

    loop = [touch(0, page) for page in range(frames + 1)] * 2
    whale = [touch(last, 0), *(touch(0, page) for page in range(frames + 2)), touch(last, 0), touch(last, 1)]
    again = [*loop[:frames], touch(0, 0), touch(last, 9), touch(0, 0)]
    pins = [touch(0, 0), Call("pin", {"tenant": 0, "page": 0}), *loop, Call("evict", {"tenant": 0, "page": 0}), *loop]
    flood = [*(touch(0, page) for page in range(2 * frames)), *(touch(last, page) for page in range(frames))]
    made = [Case(numbers, tuple(each)) for each in (loop, whale, again, pins, flood)]
    return [_within(case, declared) for case in made]


def _within(case: Case, declared: Declared) -> Case:
    """Return the case without the calls of what the implementation lacks."""
    return attrs.evolve(case, calls=tuple(call for call in case.calls if call.operation not in declared.without))


SUITE = Suite(
    "cache",
    "keeps pages of several tenants in so many frames",
    CacheLike,
    {"frames": "pages that are resident at most", "floors": "pages that nobody else may evict, one a tenant"},
    ("lru", "lru-floor", "resident"),
    cases,
    conduct,
    seeds,
)
