"""Admission of pages: which requests may be in memory together, when each of them grows a page at a time.

*The Scheduling Tax of Multi-Tenant Inference* admits a request if the budget of pages allows, at the moment when it
asks. A request that decodes goes on growing, so that what has to fit is the most that it can come to. Pages are counts;
nobody is evicted here: every page that was granted stays until its request ends, or is preempted.
"""

from collections.abc import Sequence
from typing import Any

import attrs

from headgate.model.algebra import all_, any_, best, choose, minimum, not_, put, where
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = [
    "Grown",
    "Tenancy",
    "admit",
    "end",
    "fits_by_maximum",
    "fits_by_quota",
    "fits_now",
    "fits_now_and_quota",
    "grow",
    "grow_or_preempt",
    "is_stuck",
    "nobody",
    "preemption_cost",
    "seat",
]


@attrs.frozen
class Tenancy:
    """Of each request that was admitted: its pages now, and the most it can come to (both 0: it is not there)."""

    pages: tuple[Number, ...]
    most: tuple[Number, ...]


@attrs.frozen
class Grown:
    """What became of a page that was asked for: it was `granted`, and for it `victim` lost `lost` pages (0: nobody)."""

    granted: Any
    victim: Any
    lost: Number


def nobody(requests: int) -> Tenancy:
    """Return a memory to which so many requests may come, and none has."""
    return Tenancy((0,) * requests, (0,) * requests)


@implements("PA-1")
def fits_by_maximum(state: Tenancy, most: Number, capacity: Number) -> Any:
    """Return whether the most pages of all who were admitted, and `most` beside them, are there."""
    return sum(state.most) + most <= capacity


@implements("PA-2")
def fits_now(state: Tenancy, prompt: Number, capacity: Number) -> Any:
    """Return whether a prompt fits beside the pages of this moment: what a gate sees that does not look ahead."""
    return sum(state.pages) + prompt <= capacity


@implements("PA-3")
def fits_now_and_quota(state: Tenancy, prompt: Number, capacity: Number, quota: Number) -> Any:
    """Return whether the essay's rule admits a prompt: it fits now, and is within the quota of a request."""
    return all_(fits_now(state, prompt, capacity), prompt <= quota)


@implements("PA-3")
def fits_by_quota(state: Tenancy, most: Number, capacity: Number, quota: Number) -> Any:
    """Return whether the most pages of a request are within its quota, and one quota for each is there."""
    there = sum(where(m > 0, 1, 0) for m in state.most)
    return all_(most <= quota, _times(there, quota, len(state.most)) + quota <= capacity)


def _times(count: Number, quota: Number, most: int) -> Number:
    """Return count * quota, for a count from 0 to `most`, without a product of two unknowns."""
    return sum(where(count > k, quota, 0) for k in range(most))


@implements("PA-4")
def seat(state: Tenancy, who: Number, prompt: Number, most: Number) -> Tenancy:
    """Return the state with `who` admitted, whether or not it fits: only `admit` may call this safely."""
    return Tenancy(put(who, state.pages, prompt), put(who, state.most, most))


@implements("PA-1", "PA-4")
def admit(state: Tenancy, who: Number, prompt: Number, most: Number, capacity: Number) -> tuple[Any, Tenancy]:
    """Return (admitted, state): `who`, which is not there, is checked by its maximum and seated in one step."""
    admitted = fits_by_maximum(state, most, capacity)
    return admitted, where(admitted, seat(state, who, prompt, most), state)


@implements("PA-1")
def end(state: Tenancy, who: Number) -> Tenancy:
    """Return the state after a request has ended: its pages are free, its place is given back."""
    return Tenancy(put(who, state.pages, 0), put(who, state.most, 0))


@implements("PA-1")
def grow(state: Tenancy, who: Number, capacity: Number) -> tuple[Any, Tenancy]:
    """Return (granted, state): `who` asks for a page more, and gets it iff a frame is free and it is below its most."""
    pages = choose(who, state.pages)
    granted = all_(pages < choose(who, state.most), sum(state.pages) < capacity)
    return granted, where(granted, Tenancy(put(who, state.pages, pages + 1), state.most), state)


@implements("PA-2")
def is_stuck(state: Tenancy, capacity: Number) -> Any:
    """Return whether somebody is there, everybody who is still has to grow, and no frame is free."""
    there = [most > 0 for most in state.most]
    growing = [any_(not_(t), p < m) for t, p, m in zip(there, state.pages, state.most, strict=True)]
    return all_(any_(*there), *growing, sum(state.pages) >= capacity)


@implements("PA-5")
def grow_or_preempt(state: Tenancy, who: Number, order: Sequence[Number], capacity: Number) -> tuple[Grown, Tenancy]:
    """Return (what became of it, state): as `grow`; without a free frame, the youngest request loses all its pages.

    `order` says when each was admitted (the larger, the younger). Only what is younger than `who` is preempted; if
    nothing is, `who` waits. Whoever was preempted keeps its place, holds no page, and begins again.
    """
    pages = choose(who, state.pages)
    asks = pages < choose(who, state.most)
    full = sum(state.pages) >= capacity
    younger = [all_(p > 0, at > choose(who, order)) for p, at in zip(state.pages, order, strict=True)]
    found, victim, _ = best([-at for at in order], younger)
    preempts = all_(asks, full, found)
    lost = where(preempts, choose(victim, state.pages), 0)
    emptied = where(preempts, put(victim, state.pages, 0), state.pages)
    granted = all_(asks, any_(not_(full), preempts))
    after = where(granted, put(who, emptied, choose(who, emptied) + 1), emptied)
    return Grown(granted, victim, lost), Tenancy(after, state.most)


@implements("PA-5")
def preemption_cost(lost: Number, recompute: Number, reload: Number) -> Number:
    """Return what it costs to have pages back, at so much a page: computed again, or copied out before and back in."""
    return lost * minimum(recompute, 2 * reload)
