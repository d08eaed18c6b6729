"""Where an address lies: stack, channel, pseudo-channel, bank, row, and back.

The bytes of one row lie together; the next row's worth is in the next pseudo-channel, and so on through all channels of
all stacks. A *page* is one row of one bank number in every pseudo-channel of the device, so that each page is served by
all channels at once, and its bank number is its colour. Pages go round the banks, and then to the next row.

Divisions of addresses: integers only. The way back (`address_of`) divides nothing and runs on any numbers.
Source: Liu et al., "A software memory partition approach for eliminating bank-level interference", PACT 2012, for
colouring by the bank bits of an address.
"""

import attrs

from headgate.spec.links import implements
from headgate.spec.units import Number
from headgate.spec.vocabulary import Geometry

__all__ = ["Location", "address_of", "bank_of_page", "location_of", "nested", "page_of", "shares_bank"]


@attrs.frozen(eq=False)
class Location:
    """Where a byte lies; `bank` counts through stack IDs and bank groups of a pseudo-channel, `column` is in bytes."""

    stack: Number
    channel: Number
    pseudo_channel: Number
    bank: Number
    row: Number
    column: Number


@implements("CO-1")
def location_of(geometry: Geometry, address: int) -> Location:
    """Return where `address` lies; ValueError, with the address, for one beyond the device."""
    if not 0 <= address < geometry.capacity_bytes:
        raise ValueError(f"address: expected 0 to {geometry.capacity_bytes - 1}, got {address}")
    rest, column = divmod(address, geometry.row_bytes)
    rest, pseudo_channel = divmod(rest, geometry.pseudo_channels)
    rest, channel = divmod(rest, geometry.channels)
    rest, stack = divmod(rest, geometry.stacks)
    row, bank = divmod(rest, geometry.banks)
    return Location(stack, channel, pseudo_channel, bank, row, column)


def nested(outer: Number, size: Number, inner: Number) -> Number:
    """Return the number of `inner` (below `size`) within `outer`."""
    return outer * size + inner


@implements("CO-1")
def address_of(geometry: Geometry, place: Location) -> Number:
    """Return the address of `place`; the inverse of `location_of`."""
    banks = nested(place.row, geometry.banks, place.bank)
    stacks = nested(banks, geometry.stacks, place.stack)
    channels = nested(stacks, geometry.channels, place.channel)
    pseudo_channels = nested(channels, geometry.pseudo_channels, place.pseudo_channel)
    return nested(pseudo_channels, geometry.row_bytes, place.column)


@implements("CO-1")
def page_of(geometry: Geometry, address: int) -> int:
    """Return the number of the page that `address` lies in."""
    return address // geometry.page_bytes


@implements("CO-1")
def bank_of_page(page: int, banks: int) -> int:
    """Return the bank number of a page, one for all channels."""
    return page % banks


@implements("CO-2")
def shares_bank(left: Location, right: Location) -> bool:
    """Return whether two locations are in one physical bank, and so wait for each other's rows."""
    return (left.stack, left.channel, left.pseudo_channel, left.bank) == (
        right.stack,
        right.channel,
        right.pseudo_channel,
        right.bank,
    )
