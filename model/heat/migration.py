"""Migration: a page is copied to another stack block by block, while others read and write it.

The page table says which frame a reader sees, and it is switched when every block of the new frame is the same as the
old one's: a block that is written after it was copied has to be copied again. Who owns the frames is said by the rules
of re-colouring (`headgate.model.memory.pages`): a target is kept for the copy, and becomes the page, or free again.
A block holds the number of the write that it was last written by. Sizes in bytes, times in ns.
Source: *Thermal Debt Is a Memory Problem*, sections 5 and 7; pre-copy, then switch is Clark et al. 2005.
"""

from collections.abc import Callable
from typing import Any

import attrs

from headgate.model import bucket
from headgate.model.algebra import all_, choose, put, where
from headgate.model.bucket import Bucket
from headgate.model.memory import pages
from headgate.model.memory.pages import NO_LEASE, Account, Bank, Page
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = [
    "ORDERS",
    "Contents",
    "Frames",
    "Order",
    "abort",
    "abort_frames",
    "afford",
    "begin",
    "begin_frames",
    "blank",
    "copy_block",
    "essay_begin",
    "essay_switch",
    "read",
    "switch",
    "switch_frames",
    "traffic",
    "unmarked_write",
    "wins_back",
    "write",
]

NEVER = NO_LEASE - 1


# ---- the budget ----


@implements("MG-1")
def traffic(size: Number) -> Number:
    """Return the bytes that moving `size` bytes puts on the memory: each is read once and written once."""
    return 2 * size


@implements("MG-1")
def afford(budget: Bucket, rate: Number, depth: Number, elapsed: Number, size: Number) -> tuple[Any, Bucket]:
    """Return (granted, budget): `size` bytes are copied iff their traffic fits what `elapsed` ns have refilled.

    `rate` is the share of the peak that migration may take, `depth` the traffic that it may take at once.
    """
    return bucket.step(budget, rate, depth, elapsed, traffic(size))


@implements("MG-6", "MG-7")
def wins_back(reads: Number, hot: Number, cold: Number) -> Any:
    """Return whether so many reads at `cold` ns each, in place of `hot`, win back the copy: one read, one write."""
    return reads * (hot - cold) >= hot + cold


# ---- what a reader sees ----


@attrs.frozen
class Contents:
    """The blocks of the frame that the page table names, and of the other one, during a copy.

    A block of `away` is `clean` if it was copied and not written since.
    """

    home: tuple[Number, ...]
    away: tuple[Number, ...]
    clean: tuple[Any, ...]
    moving: Any


def blank(blocks: int, garbage: int = -1) -> Contents:
    """Return a page that nobody has written (0), and another frame with whatever was there."""
    return Contents((0,) * blocks, (garbage,) * blocks, (False,) * blocks, False)


@implements("MG-2")
def begin(contents: Contents) -> Contents:
    """Return the contents after a copy was begun: no block is copied yet. Without effect while one is under way."""
    none = tuple(all_(contents.moving, clean) for clean in contents.clean)
    return Contents(contents.home, contents.away, none, True)


@implements("MG-2")
def copy_block(contents: Contents, block: Number) -> Contents:
    """Return the contents after `block` was copied, if a copy is under way."""
    away = put(block, contents.away, choose(block, contents.home))
    copied = Contents(contents.home, away, put(block, contents.clean, True), contents.moving)
    after: Contents = where(contents.moving, copied, contents)
    return after


@implements("MG-2")
def write(contents: Contents, block: Number, number: Number) -> Contents:
    """Return the contents after write `number` of `block`: what was copied of it is copied no more."""
    home = put(block, contents.home, number)
    return Contents(home, contents.away, put(block, contents.clean, False), contents.moving)


@implements("MG-2")
def switch(contents: Contents) -> tuple[Any, Contents]:
    """Return (switched, contents): the page table names the other frame, iff every block of it is clean."""
    done = all_(contents.moving, *contents.clean)
    switched = Contents(contents.away, contents.home, contents.clean, False)
    return done, where(done, switched, contents)


@implements("MG-2")
def abort(contents: Contents) -> Contents:
    """Return the contents after the copy was given up: the page table has not changed, so nothing else has to."""
    return Contents(contents.home, contents.away, contents.clean, False)


@implements("MG-2")
def read(contents: Contents, block: Number) -> Number:
    """Return the number of the write that a reader of `block` sees."""
    return choose(block, contents.home)


# ---- other orders, which lose writes ----


@implements("MG-4")
def essay_begin(contents: Contents) -> Contents:
    """Return the contents after a copy was begun by the essay: the page table is switched as the copy is enqueued.

    *Thermal Debt Is a Memory Problem*, section 7. The blocks of `away` are copied home from then on.
    """
    begun = Contents(contents.away, contents.home, (False,) * len(contents.clean), True)
    after: Contents = where(contents.moving, contents, begun)
    return after


@implements("MG-4")
def _essay_copy(contents: Contents, block: Number) -> Contents:
    home = put(block, contents.home, choose(block, contents.away))
    copied = Contents(home, contents.away, put(block, contents.clean, True), contents.moving)
    after: Contents = where(contents.moving, copied, contents)
    return after


@implements("MG-4")
def essay_switch(contents: Contents) -> tuple[Any, Contents]:
    """Return (done, contents): the essay's copy is over once every block was copied; the page table stays."""
    done = all_(contents.moving, *contents.clean)
    return done, where(done, abort(contents), contents)


@implements("MG-4")
def _essay_write(contents: Contents, block: Number, number: Number) -> Contents:
    return Contents(put(block, contents.home, number), contents.away, contents.clean, contents.moving)


@implements("MG-5")
def unmarked_write(contents: Contents, block: Number, number: Number) -> Contents:
    """Return the contents after a write that leaves a copied block marked as clean."""
    return Contents(put(block, contents.home, number), contents.away, contents.clean, contents.moving)


@attrs.frozen
class Order:
    """An order of copying, writing and switching."""

    begin: Callable[[Contents], Contents] = begin
    copy_block: Callable[[Contents, Number], Contents] = copy_block
    write: Callable[[Contents, Number, Number], Contents] = write
    switch: Callable[[Contents], tuple[Any, Contents]] = switch


ORDERS = {
    "copy-first": Order(),
    "switch-first": Order(essay_begin, _essay_copy, _essay_write, essay_switch),
    "unmarked": Order(write=unmarked_write),
}


# ---- who owns the frames ----


@attrs.frozen(eq=False)
class Frames:
    """The frame of a page and the one that it is copied to, their banks, and the account of the tenant."""

    source: Page
    home: Bank
    target: Page
    roof: Bank
    account: Account


@implements("MG-3")
def begin_frames(frames: Frames, tenant: Number) -> tuple[Number, Frames]:
    """Return (outcome, frames) after the target was kept for a copy, by the rule of re-colouring."""
    outcome, target, roof, account = pages.copy(
        frames.source, frames.home, frames.target, frames.roof, frames.account, tenant
    )
    return outcome, Frames(frames.source, frames.home, target, roof, account)


@implements("MG-3")
def switch_frames(frames: Frames, contents: Contents, tenant: Number, lease: Number) -> tuple[Any, Contents, Frames]:
    """Return (switched, contents, frames): the target is the page, under the same lease, iff its blocks are clean."""
    done, after = switch(contents)
    moved = Frames(*_moved(frames, tenant, lease))
    return done, after, where(done, moved, frames)


@implements("MG-3")
def abort_frames(frames: Frames, contents: Contents, tenant: Number) -> tuple[Contents, Frames]:
    """Return (contents, frames) after a copy was given up: the target is free, the page where it was."""
    # no page is ever under that lease, so that the rule of re-colouring gives the copy up
    freed = Frames(*_moved(frames, tenant, NEVER))
    return abort(contents), where(contents.moving, freed, frames)


def _moved(frames: Frames, tenant: Number, lease: Number) -> tuple[Page, Bank, Page, Bank, Account]:
    _, source, home, target, roof, account = pages.switch(
        frames.source, frames.home, frames.target, frames.roof, frames.account, tenant, lease
    )
    return source, home, target, roof, account
