"""What policies without a floor break: the code's own pages, with the capacity, the floors and the uses left open."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.model.algebra import choose, where
from headgate.model.memory.eviction import POLICIES, Claims
from headgate.model.memory.frames import Frames, Layout, Touched, cold, holdings, touch
from headgate.proofs.decoding import schedule_of
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Expect, Query, Theorem
from headgate.spec.vocabulary import Schedule

__all__ = ["THEOREMS"]


@attrs.frozen
class _Case:
    """Requests with so many pages each, a policy, and how many uses it takes to break the claim.

    With `alike` all floors are the same: then no policy can be excused by what the floors are.
    """

    totals: tuple[int, ...]
    policy: str
    uses: int
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
    """The last use takes a page of `victim`, which is at or under its floor."""

    def attack(tighter: Fraction) -> Query:
        capacity, claims, given = _claims(case)
        pages = tuple(z3.Ints([f"page{k}" for k in range(case.uses)]))
        before, touched = _play(case, capacity, claims, pages)[-1]
        who = choose(pages[-1], case.layout.owners)
        left = choose(touched.owner, holdings(before, case.layout).resident)
        left = left + where(lift(touched.owner == who), 1, 0) - 1
        broken = z3.And(lift(touched.evicted), lift(touched.owner == victim), left < claims.floors[victim])
        there = tuple(z3.And(page >= 0, page < len(case.layout.owners)) for page in pages)
        parameters = {"capacity": capacity, "floors": claims.floors, "pages": case.totals}
        heading = (clause, statement, "eviction", case.policy, "floor")

        def decode(model: z3.ModelRef) -> Schedule:
            return schedule_of(model, heading, parameters, _rows(case, pages, range(case.uses)))

        return Query((*given, *there, broken), decode, (capacity, sum(claims.floors), *claims.floors, *pages))

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


KEEPS = "No page of a request at or under its floor is evicted."
# A whale of two pages in every step, two minnow pages in turns; and whales of which a smaller part is in use, beside a
# minnow that asks for more than its floor, the same for both: a policy that counts what is resident spares these.
MINNOWS = _Case((2, 2), "lru", 2)
IDLE_WHALE = _Case((3, 2), "total", 3, alike=True)
WHALE = _Case((4, 3), "total", 5, alike=True)

THEOREMS: Sequence[Theorem] = (
    Theorem(
        "eviction-lru-floor", ("EV-5", "EV-10"), KEEPS[:-1] + " by LRU.",
        "two requests of two pages, two uses", expect=Expect.REFUTED, attack=_floor(MINNOWS, 1, "EV-10", KEEPS),
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
        attack=_starved(WHALE, ((0, 1, 4, 5, 6),), 0, "EV-11",
                        "By total footprint a whale whose pages in use fit into its floor has hits."),
    ),
    Theorem(
        "eviction-total-floor", ("EV-11",), KEEPS[:-1] + " by total footprint.",
        "a whale of three pages and a minnow of two with the same floor, three uses", expect=Expect.REFUTED,
        attack=_floor(IDLE_WHALE, 0, "EV-11", KEEPS),
    ),
    Theorem(
        "eviction-floorless", ("EV-5",), KEEPS[:-1] + " by resident footprint alone.",
        "two requests of two pages, two uses", expect=Expect.REFUTED,
        attack=_floor(attrs.evolve(MINNOWS, policy="floorless"), 0, "EV-5", KEEPS),
    ),
)  # fmt: skip
