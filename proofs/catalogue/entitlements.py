"""What policies without a floor break: the code's own pages, with the capacity, the floors and the uses left open."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.model.algebra import choose
from headgate.model.memory.eviction import POLICIES, Claims
from headgate.model.memory.frames import Frames, Layout, Touched, cold, holdings, touch
from headgate.proofs.decoding import schedule_of
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Expect, Query, Theorem
from headgate.spec.vocabulary import Schedule

__all__ = ["THEOREMS"]


@attrs.frozen
class _Case:
    """Requests with so many pages each, a policy, and by whom the uses are that break the claim.

    With `alike` all floors are the same: then no policy can be excused by what the floors are.
    """

    totals: tuple[int, ...]
    policy: str
    by: tuple[int, ...] = ()
    alike: bool = False

    @property
    def layout(self) -> Layout:
        owners = tuple(who for who, pages in enumerate(self.totals) for _ in range(pages))
        return Layout(len(self.totals), owners, tuple(page for pages in self.totals for page in range(pages)))


def _claims(case: _Case) -> tuple[Any, Claims, tuple[Any, ...]]:
    """Return the capacity, the claims, and what holds of them: floors within what there is, and within the requests."""
    capacity, floors = z3.Int("capacity"), tuple(z3.Ints([f"floor{k}" for k in range(len(case.totals))]))
    given = (capacity >= 1, sum(floors) <= capacity,
             *(z3.And(f >= 0, f <= t) for f, t in zip(floors, case.totals, strict=True)),
             *(floor == floors[0] for floor in floors[1:] if case.alike))  # fmt: skip
    return capacity, Claims(floors, case.totals), given


def _play(case: _Case, capacity: Any, claims: Claims, pages: Sequence[Any]) -> list[tuple[Frames, Touched]]:
    """Return, use by use, the frames before it and what became of it."""
    frames, played = cold(len(case.layout.owners)), []
    for page in pages:
        touched, after = touch(frames, case.layout, capacity, claims, page, POLICIES[case.policy], "lru")
        played.append((frames, touched))
        frames = after
    return played


def _rows(case: _Case, pages: Sequence[Any], steps: Sequence[int]) -> list[tuple[Any, Any, Any, Any]]:
    layout = case.layout
    return [(choose(lift(p), layout.owners), at, 1, choose(lift(p), layout.positions))
            for p, at in zip(pages, steps, strict=True)]  # fmt: skip


def _floor(case: _Case, victim: int, clause: str, statement: str) -> Callable[[Fraction], Query]:
    """The last use, by another, takes a page of `victim`, which is at or under its floor; all before it found room."""

    def attack(tighter: Fraction) -> Query:
        capacity, claims, given = _claims(case)
        pages = tuple(z3.Ints([f"page{k}" for k in range(len(case.by))]))
        *first, (before, touched) = _play(case, capacity, claims, pages)
        left = choose(touched.owner, holdings(before, case.layout).resident) - 1
        broken = z3.And(lift(touched.evicted), lift(touched.owner == victim), left < claims.floors[victim])
        calm = tuple(z3.Not(lift(z3.Or(lift(use.evicted), lift(use.hit)))) for _, use in first)
        there = tuple(z3.Or(*(page == own for own, owner in enumerate(case.layout.owners) if owner == by))
                      for page, by in zip(pages, case.by, strict=True))  # fmt: skip
        parameters = {"capacity": capacity, "floors": claims.floors, "pages": case.totals}
        heading = (clause, statement, "eviction", case.policy, "floor")

        def decode(model: z3.ModelRef) -> Schedule:
            return schedule_of(model, heading, parameters, _rows(case, pages, range(len(case.by))))

        return Query((*given, *there, *calm, broken), decode, (capacity, sum(claims.floors), *claims.floors, *pages))

    return attack


def _starved(
    case: _Case, cycle: Sequence[Sequence[int]], victim: int, clause: str, statement: str
) -> Callable[[Fraction], Query]:
    """In the third round of a cycle of steps `victim` has no hit and the others no miss.

    All pages that `victim` uses fit into its floor. The floors take all that there is.
    """

    def attack(tighter: Fraction) -> Query:
        capacity, claims, given = _claims(case)
        pages, steps = _rounds(cycle, 3)
        played = _play(case, capacity, claims, pages)
        last = len(pages) * 2 // 3
        hits = [(case.layout.owners[pages[p]], lift(played[p][1].hit)) for p in range(last, len(pages))]
        starved = z3.And(*(z3.Not(hit) if who == victim else hit for who, hit in hits))
        in_use = {page for page in pages if case.layout.owners[page] == victim}
        entitled = claims.floors[victim] >= len(in_use)
        parameters = {"capacity": capacity, "floors": claims.floors, "pages": case.totals, "cycle": len(pages) // 3,
                      "who": victim}  # fmt: skip
        heading = (clause, statement, "eviction", case.policy, "starved")

        def decode(model: z3.ModelRef) -> Schedule:
            return schedule_of(model, heading, parameters, _rows(case, pages, steps))

        return Query((*given, entitled, sum(claims.floors) == capacity, starved), decode, (capacity, *claims.floors))

    return attack


def _rounds(cycle: Sequence[Sequence[int]], rounds: int) -> tuple[list[int], list[int]]:
    """Return the pages used in so many rounds of a cycle of steps, and the step of each use."""
    pages = [page for _ in range(rounds) for step in cycle for page in step]
    numbered = [step for _ in range(rounds) for step in cycle]
    return pages, [number for number, step in enumerate(numbered) for _ in step]


KEEPS = "No load leaves a request with fewer pages than before and than its floor."
# A whale of two pages in every step, two minnow pages in turns. Else request 1 is the victim, and what breaks its floor
# is the policy: in each case another one would spare it. LRU takes the page that is oldest though its owner has no
# other; total footprint that of a whale of which a smaller part is here, beside one that asks for more than the same
# floor; resident footprint that of who has more pages and a floor for all of them, though a use is recent.
MINNOWS = _Case((2, 2), "lru")
OLDEST = _Case((2, 2), "lru", (1, 0, 0), alike=True)
IDLE_WHALE = _Case((2, 3), "total", (0, 1, 0), alike=True)
WHALE = _Case((3, 4), "total", alike=True)
ENTITLED = _Case((4, 3), "floorless", (0, 1, 1, 1, 0))

THEOREMS: Sequence[Theorem] = (
    Theorem(
        "eviction-lru-floor", ("EV-5", "EV-10"), f"By LRU: {KEEPS[0].lower()}{KEEPS[1:]}",
        "two requests of two pages with the same floor, three uses", expect=Expect.REFUTED,
        attack=_floor(OLDEST, 1, "EV-10", KEEPS),
    ),
    Theorem(
        "eviction-lru-starves", ("EV-10",),
        "Under LRU a minnow whose pages all fit into its floor has hits.",
        "a whale of two pages in every step, two minnow pages in turns, for ever", expect=Expect.REFUTED,
        attack=_starved(MINNOWS, ((0, 1, 2), (0, 1, 3)), 1, "EV-10",
                        "Under LRU a minnow whose pages all fit into its floor has hits."),
    ),
    Theorem(
        "eviction-total-starves", ("EV-11",),
        "By total footprint a whale whose pages in use fit into its floor has hits.",
        "a whale of four pages that uses two, a minnow of three, in every step, for ever; the floors are the same",
        expect=Expect.REFUTED,
        attack=_starved(WHALE, ((0, 1, 2, 3, 4),), 1, "EV-11",
                        "By total footprint a whale whose pages in use fit into its floor has hits."),
    ),
    Theorem(
        "eviction-total-floor", ("EV-11",), f"By total footprint: {KEEPS[0].lower()}{KEEPS[1:]}",
        "a whale of three pages and a minnow of two with the same floor, three uses", expect=Expect.REFUTED,
        attack=_floor(IDLE_WHALE, 1, "EV-11", KEEPS),
    ),
    Theorem(
        "eviction-floorless", ("EV-5",), f"By resident footprint alone: {KEEPS[0].lower()}{KEEPS[1:]}",
        "requests of four and three pages, five uses", expect=Expect.REFUTED, attack=_floor(ENTITLED, 1, "EV-5", KEEPS),
    ),
)  # fmt: skip
