"""Shared pages: a prefix that several requests use is in memory once, and one of them is charged for it.

A page counts its users. It is charged to the lowest number among them, so that every resident page is charged once and
the counts of `headgate.model.memory.eviction` still add up to frames; when its payer ends, the next user pays. A page
that nobody uses any more is charged to nobody, and its frame is free.
"""

from collections.abc import Sequence
from typing import Any

import attrs

from headgate.model.algebra import all_, any_, best, put, same, where
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["SharedPage", "charges", "forget", "payer", "references", "share"]


@attrs.frozen
class SharedPage:
    """A page: whether it is resident, and of each request whether it uses it."""

    resident: Any
    users: tuple[Any, ...]


@implements("EV-13")
def references(page: SharedPage) -> Number:
    """Return how many requests use the page."""
    return sum(where(user, 1, 0) for user in page.users)


@implements("EV-13")
def payer(page: SharedPage) -> tuple[Any, Number]:
    """Return (found, request): who is charged for the page, the lowest number among its users."""
    found, who, _ = best(tuple(range(len(page.users))), page.users)
    return found, who


@implements("EV-13")
def share(page: SharedPage, who: Number) -> SharedPage:
    """Return the page with `who` among its users; it is in memory once, however many they are."""
    return SharedPage(page.resident, put(who, page.users, True))


@implements("EV-13")
def forget(page: SharedPage, who: Number) -> SharedPage:
    """Return the page without `who` among its users; with the last of them its frame becomes free."""
    users = put(who, page.users, False)
    return SharedPage(all_(page.resident, any_(*users)), users)


@implements("EV-13")
def charges(pages: Sequence[SharedPage], requests: int) -> tuple[Number, ...]:
    """Return how many resident pages each request is charged for."""
    charged: tuple[Number, ...] = (0,) * requests
    for page in pages:
        found, who = payer(page)
        counts = all_(page.resident, found)
        charged = tuple(n + where(all_(counts, same(who, k)), 1, 0) for k, n in enumerate(charged))
    return charged
