"""Eviction: whose page leaves the fast memory when another one has to come in.

*The Scheduling Tax of Multi-Tenant Inference* asks for a policy that knows which request owns a page. Here a policy
first chooses the *owner* of the victim, from numbers that each request has, then the page within the owner
(`headgate.model.memory.frames`). This file is the first half, in counts: how many pages every request has in the fast
memory, and how many of them may not leave. Pages are counted in frames of one size; a key is any number, and the
smallest goes first.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from headgate.model.algebra import all_, any_, best, choose, not_, put, same, where
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = [
    "POLICIES",
    "Claims",
    "Holdings",
    "Loaded",
    "Policy",
    "empty",
    "land",
    "leave",
    "load",
    "may_leave",
    "pin",
    "total",
    "unpin",
    "victim",
]


@attrs.frozen
class Holdings:
    """Of each request: its pages in the fast memory, and how many of them may not leave (pinned or in flight)."""

    resident: tuple[Number, ...]
    held: tuple[Number, ...]


@attrs.frozen
class Claims:
    """Of each request: the pages that it is entitled to keep (its floor), and those that it has, resident or not."""

    floors: tuple[Number, ...]
    totals: tuple[Number, ...]


@attrs.frozen
class Loaded:
    """What became of a load: a page of `owner` was `evicted` for it, or it was `refused`; neither: a frame was free."""

    evicted: Any
    owner: Any
    refused: Any


Keys = Callable[[tuple[Number, ...], Claims, Sequence[Number]], Sequence[Number]]


@attrs.frozen
class Policy:
    """Who loses a page: the request with the smallest key, and with `floored` only one that is above its floor.

    `keys(resident, claims, oldest)` gives a key a request; `resident` counts the page that comes in, `oldest` is when
    the page of each request that has gone unused for longest was last used.
    """

    name: str
    keys: Keys
    floored: bool


def empty(requests: int) -> Holdings:
    """Return a memory in which so many requests have no page."""
    return Holdings((0,) * requests, (0,) * requests)


def total(pages: Sequence[Number]) -> Number:
    """Return the frames that are taken."""
    return sum(pages)


@implements("EV-2", "EV-5")
def may_leave(resident: Number, held: Number, floor: Number) -> Any:
    """Return whether a request has a page that may go: one that is not held, and more pages than its floor."""
    return all_(resident > held, resident > floor)


@implements("EV-3")
def victim(keys: Sequence[Number], eligible: Sequence[Any], who: Number) -> tuple[Any, Number]:
    """Return (found, owner): the eligible request of the smallest key; on a tie `who`, which asks, then the lower."""
    others = [all_(ok, not_(same(who, k))) for k, ok in enumerate(eligible)]
    found, owner, key = best(keys, others)
    own = all_(choose(who, eligible), any_(not_(found), choose(who, keys) <= key))
    return any_(found, own), where(own, who, owner)


@implements("EV-1", "EV-3", "EV-5", "EV-7")
def load(
    state: Holdings, capacity: Number, claims: Claims, who: Number, policy: Policy, oldest: Sequence[Number]
) -> tuple[Loaded, Holdings]:
    """Return (what became of it, state): request `who` brings in a page, which is in flight (held) until it lands.

    If every frame is taken, a page of the victim goes; if no page may go, the load is refused and nothing changes.
    """
    resident = put(who, state.resident, choose(who, state.resident) + 1)
    held = put(who, state.held, choose(who, state.held) + 1)
    floors = claims.floors if policy.floored else (0,) * len(resident)
    eligible = [may_leave(*pages) for pages in zip(resident, held, floors, strict=True)]
    found, owner = victim(policy.keys(resident, claims, oldest), eligible, who)
    full = total(state.resident) >= capacity
    evicted, refused = all_(full, found), all_(full, not_(found))
    fewer = put(owner, resident, choose(owner, resident) - 1)
    after = Holdings(where(evicted, fewer, resident), held)
    return Loaded(evicted, owner, refused), where(refused, state, after)


@implements("EV-2")
def land(state: Holdings, who: Number) -> Holdings:
    """Return the state after a page of `who` that was in flight has arrived: it may leave again."""
    return unpin(state, who)


@implements("EV-2")
def pin(state: Holdings, who: Number) -> tuple[Any, Holdings]:
    """Return (pinned, state): one more resident page of `who` may not leave, if it has one that may."""
    held = choose(who, state.held)
    can = held < choose(who, state.resident)
    return can, where(can, Holdings(state.resident, put(who, state.held, held + 1)), state)


@implements("EV-2")
def unpin(state: Holdings, who: Number) -> Holdings:
    """Return the state with one page of `who` fewer that may not leave (none, if there was none)."""
    held = choose(who, state.held)
    return Holdings(state.resident, put(who, state.held, where(held > 0, held - 1, held)))


@implements("EV-1")
def leave(state: Holdings, who: Number) -> Holdings:
    """Return the state after `who` has ended: its frames are free."""
    return Holdings(put(who, state.resident, 0), put(who, state.held, 0))


@implements("EV-3", "EV-10")
def _by_age(resident: tuple[Number, ...], claims: Claims, oldest: Sequence[Number]) -> Sequence[Number]:
    return oldest


@implements("EV-3", "EV-11")
def _by_total(resident: tuple[Number, ...], claims: Claims, oldest: Sequence[Number]) -> Sequence[Number]:
    return [-pages for pages in claims.totals]


@implements("EV-3", "EV-6")
def _by_resident(resident: tuple[Number, ...], claims: Claims, oldest: Sequence[Number]) -> Sequence[Number]:
    return [-pages for pages in resident]


# "total" is the essay's: the request with the largest footprint, resident or not, loses its pages first.
POLICIES: Mapping[str, Policy] = {
    policy.name: policy
    for policy in (
        Policy("lru", _by_age, floored=False),
        Policy("lru-floor", _by_age, floored=True),
        Policy("total", _by_total, floored=False),
        Policy("resident", _by_resident, floored=True),
        Policy("floorless", _by_resident, floored=False),
    )
}
