"""Colours: which banks are held for which tenant.

A colour is a mask over the bank numbers of a pseudo-channel, the same in every channel: bit b stands for bank b
(`page_color` of a contract file). Colours that are disjoint never share a bank, and there are only so many banks: t
tenants of b banks each have disjoint colours iff t b is at most their number.
Source: *Multi-Tenant KV Fabrics*, section 8, for colouring and for the assignment as written; the bound is the
pigeonhole principle.
"""

from collections.abc import Sequence
from typing import Any

import attrs

from headgate.model.algebra import where
from headgate.model.memory.pages import NOBODY
from headgate.spec.links import implements
from headgate.spec.units import Bytes, Number

__all__ = [
    "Dealing",
    "banks_of",
    "deal",
    "dealt_holders",
    "essay_mask",
    "holders_of",
    "is_dealt_to",
    "masks_of",
    "quota_in_pages",
    "room_for",
]


@attrs.frozen(eq=False)
class Dealing:
    """The first `next` banks have been dealt out."""

    next: Number


@implements("CO-3")
def deal(dealing: Dealing, count: Number, banks: Number) -> tuple[Any, Number, Dealing]:
    """Return (granted, first, dealing) after a tenant asked for `count` of `banks`.

    Granted iff so many are left; it gets first, ..., first + count - 1, and nobody else does.
    """
    granted = dealing.next + count <= banks
    return granted, dealing.next, where(granted, Dealing(dealing.next + count), dealing)


@implements("CO-3")
def is_dealt_to(first: Number, count: Number, bank: Number) -> tuple[Any, Any]:
    """Return the two conditions under which `bank` is one of the `count` dealt out from `first` on."""
    return first <= bank, bank < first + count


@implements("CO-3")
def room_for(count: Number, banks: Number, tenants: Number) -> Any:
    """Return whether `tenants` tenants of `count` banks each can have disjoint colours: t b <= m."""
    return tenants * count <= banks


@implements("CO-4")
def essay_mask(tenant: int, count: int, banks: int) -> int:
    """Return the essay's colour: tenant i gets banks i b, ..., i b + b - 1, begun anew where the banks end."""
    return sum({1 << (tenant * count + place) % banks for place in range(count)})


@implements("CO-3")
def dealt_holders(tenants: int, count: int, banks: int) -> tuple[int, ...]:
    """Return the tenant that each of `banks` banks is held for (or NOBODY) after each tenant asked for `count`."""
    whose = [bank // count for bank in range(banks)]
    return tuple(who if who < tenants and (who + 1) * count <= banks else NOBODY for who in whose)


def banks_of(mask: int) -> tuple[int, ...]:
    """Return the bank numbers of a mask, in ascending order."""
    return tuple(bank for bank in range(mask.bit_length()) if mask >> bank & 1)


@implements("CO-2")
def holders_of(masks: Sequence[int], banks: int) -> tuple[int, ...]:
    """Return the tenant that each of `banks` banks is held for, or NOBODY; the colours of `masks` must be disjoint.

    Raises ValueError, naming the two tenants and the bank, where they are not, and for a bank that is not there.
    """
    holders = [NOBODY] * banks
    for tenant, mask in enumerate(masks):
        for bank in banks_of(mask):
            if bank >= banks:
                raise ValueError(
                    f"page_color of tenant {tenant}: expected banks 0 to {banks - 1}, got bank {bank} (CO-1)"
                )
            if holders[bank] != NOBODY:
                words = f"disjoint colours, got bank {bank} in those of tenants {holders[bank]} and {tenant} (CO-2)"
                raise ValueError(f"page_color: expected {words}")
            holders[bank] = tenant
    return tuple(holders)


def masks_of(holders: Sequence[int], tenants: int) -> tuple[int, ...]:
    """Return the colour of each tenant; the inverse of `holders_of`."""
    return tuple(sum(1 << bank for bank, holder in enumerate(holders) if holder == tenant) for tenant in range(tenants))


@implements("AL-2")
def quota_in_pages(quota: Bytes | None, page: Bytes, pages: int) -> int:
    """Return a quota in whole pages of `page` bytes; without one, all `pages`."""
    return pages if quota is None else min(quota // page, pages)
