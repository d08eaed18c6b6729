"""Frames: the pages themselves, so that a policy can say which page of its victim goes.

A page belongs to one request and has a position in it (0: the first of the prompt). `touch` is what attention does to
every page of a request in a decode step; what is not resident is fetched, and is in flight until it lands.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from headgate.model.algebra import all_, best, choose, not_, put, same, where
from headgate.model.memory.eviction import Claims, Holdings, Policy, load
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = [
    "WITHIN",
    "Frames",
    "Layout",
    "Touched",
    "cold",
    "fetch",
    "holdings",
    "land_page",
    "layout_of",
    "oldest",
    "touch",
]


@attrs.frozen
class Layout:
    """Of each page: the request that owns it, and its position there. `requests` is how many there are."""

    requests: int
    owners: tuple[Number, ...]
    positions: tuple[int, ...]


@attrs.frozen
class Frames:
    """Of each page: whether it is resident, when it was last used, whether it may not leave; and uses so far."""

    resident: tuple[Any, ...]
    last: tuple[Number, ...]
    held: tuple[Any, ...]
    clock: Number


@attrs.frozen
class Touched:
    """What became of a touch: a `hit`, or a page was fetched, for which page `victim` of `owner` was `evicted`.

    `refused`: every frame is taken, and no page may leave.
    """

    hit: Any
    evicted: Any
    victim: Any
    owner: Any
    refused: Any


# Which page of its owner goes: the one with the smallest of these, from (last use, position).
WITHIN: Mapping[str, Callable[[Number, int], Number]] = {
    "lru": lambda last, position: last,
    "mru": lambda last, position: -last,
    "prefix": lambda last, position: -position,
}


def layout_of(totals: Sequence[int]) -> Layout:
    """Return the layout of requests with so many pages each: those of request 0 first, by position."""
    owners = tuple(who for who, pages in enumerate(totals) for _ in range(pages))
    return Layout(len(totals), owners, tuple(place for pages in totals for place in range(pages)))


def cold(pages: int) -> Frames:
    """Return a memory in which nothing is resident."""
    return Frames((False,) * pages, (0,) * pages, (False,) * pages, 0)


def _count(flags: Sequence[Any], layout: Layout, request: int) -> Number:
    return sum(where(all_(f, same(o, request)), 1, 0) for f, o in zip(flags, layout.owners, strict=True))


@implements("EV-1")
def holdings(frames: Frames, layout: Layout) -> Holdings:
    """Return the counts: of each request its resident pages, and those of them that may not leave."""
    resident = tuple(_count(frames.resident, layout, k) for k in range(layout.requests))
    stay = [all_(*both) for both in zip(frames.resident, frames.held, strict=True)]
    return Holdings(resident, tuple(_count(stay, layout, k) for k in range(layout.requests)))


def _free(frames: Frames, layout: Layout, request: Number) -> list[Any]:
    """Return, page by page, whether it is resident, of that request, and may leave."""
    return [
        all_(resident, not_(held), same(owner, request))
        for resident, held, owner in zip(frames.resident, frames.held, layout.owners, strict=True)
    ]


def oldest(frames: Frames, layout: Layout) -> list[Number]:
    """Return of each request when the page that may leave and has gone unused for longest was last used."""
    return [best(frames.last, _free(frames, layout, k))[2] for k in range(layout.requests)]


@implements("EV-4")
def fetch(
    frames: Frames, layout: Layout, capacity: Number, claims: Claims, page: Number, policy: Policy, within: str
) -> tuple[Touched, Frames]:
    """Return (what became of it, frames): `page`, which is not resident, comes in and is in flight.

    The policy says whose page goes for it if need be, `within` which one of them.
    """
    who = choose(page, layout.owners)
    loaded, _ = load(holdings(frames, layout), capacity, claims, who, policy, oldest(frames, layout))
    keys = [WITHIN[within](last, at) for last, at in zip(frames.last, layout.positions, strict=True)]
    _, goes, _ = best(keys, _free(frames, layout, loaded.owner))
    fewer = where(loaded.evicted, put(goes, frames.resident, False), frames.resident)
    there = Frames(
        put(page, fewer, True), put(page, frames.last, frames.clock), put(page, frames.held, True), frames.clock + 1
    )
    touched = Touched(False, loaded.evicted, goes, loaded.owner, loaded.refused)
    return touched, where(loaded.refused, attrs.evolve(frames, clock=frames.clock + 1), there)


@implements("EV-2")
def land_page(frames: Frames, page: Number) -> Frames:
    """Return the frames after `page`, which was in flight, has arrived: it may leave again."""
    return Frames(frames.resident, frames.last, put(page, frames.held, False), frames.clock)


@implements("EV-1", "EV-4", "EV-8")
def touch(
    frames: Frames, layout: Layout, capacity: Number, claims: Claims, page: Number, policy: Policy, within: str
) -> tuple[Touched, Frames]:
    """Return (what became of it, frames): `page` is used; if it is not resident, it is fetched first, and lands."""
    hit = choose(page, frames.resident)
    fetched, there = fetch(frames, layout, capacity, claims, page, policy, within)
    used = Frames(frames.resident, put(page, frames.last, frames.clock), frames.held, frames.clock + 1)
    evicted, refused = all_(not_(hit), fetched.evicted), all_(not_(hit), fetched.refused)
    return Touched(hit, evicted, fetched.victim, fetched.owner, refused), where(hit, used, land_page(there, page))
