"""What LRU does when requests come back at their own rhythm: how many other pages lie between two uses of a page.

Requests that decode together touch all their pages in a fixed order, in every step or in every p-th. Under LRU a page
is resident iff fewer than k other pages were used since it was (clause EV-8); so misses need no simulation page by
page, only the reuse distance of a block of pages that are always touched together.
"""

from collections.abc import Sequence
from typing import Any

import attrs

from headgate.model.algebra import all_, maximum, not_
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = [
    "Block",
    "fewest_misses",
    "groups",
    "lru_misses",
    "minnow_hits",
    "reuse_distance",
    "starves",
    "whale_hits",
    "whale_with_minnows",
]


@attrs.frozen
class Block:
    """So many pages, touched one after the other in every `period`-th step, from step `phase` on."""

    pages: int
    period: int = 1
    phase: int = 0

    def is_due(self, step: int) -> bool:
        """Return whether it is touched in that step."""
        return step >= self.phase and (step - self.phase) % self.period == 0


def groups(pages: int, period: int) -> list[int]:
    """Return so many pages in `period` groups that differ by at most a page, the larger ones first."""
    least, more = divmod(pages, period)
    return [least + (number < more) for number in range(period)]


def whale_with_minnows(whale: int, minnows: int, period: int) -> list[Block]:
    """Return a whale that is touched in every step, and minnow pages a `period`-th of which is."""
    parts = groups(minnows, period)
    return [Block(whale), *(Block(pages, period, phase) for phase, pages in enumerate(parts))]


@implements("EV-8")
def reuse_distance(blocks: Sequence[Block], index: int, step: int) -> int | None:
    """Return how many other pages are used between two uses of a page of that block, the later one in `step`.

    None where it was not used before. In a step the blocks are touched in their order.
    """
    own, earlier = blocks[index], step - blocks[index].period
    if earlier < own.phase:
        return None
    between = own.pages - 1
    for number, block in enumerate(blocks):
        first, last = earlier + (number < index), step - (number > index)
        if number != index and any(block.is_due(s) for s in range(first, last + 1)):
            between += block.pages
    return between


@implements("EV-9")
def lru_misses(blocks: Sequence[Block], capacity: int, steps: range) -> list[int]:
    """Return of each block the misses under LRU in those steps, after all the steps before them."""
    misses = [0] * len(blocks)
    for step in steps:
        for index, block in enumerate(blocks):
            if block.is_due(step):
                distance = reuse_distance(blocks, index, step)
                misses[index] += 0 if distance is not None and distance < capacity else block.pages
    return misses


@implements("EV-9")
def whale_hits(capacity: Number, whale: Number, beside: Number) -> Any:
    """Return whether a whale that is touched in every step, beside so many minnow pages of a step, hits under LRU."""
    return capacity >= whale + beside


@implements("EV-9")
def minnow_hits(capacity: Number, whale: Number, minnows: Number) -> Any:
    """Return whether a minnow that is touched once while all minnow pages are, and the whale, hits under LRU."""
    return capacity >= whale + minnows


@implements("EV-9")
def starves(capacity: Number, whale: Number, beside: Number, minnows: Number) -> Any:
    """Return whether every minnow misses at every touch while the whale never misses.

    `beside` are the most minnow pages that are touched in one step, `minnows` all of them.
    """
    return all_(whale_hits(capacity, whale, beside), not_(minnow_hits(capacity, whale, minnows)))


@implements("EV-12")
def fewest_misses(touched: Number, capacity: Number) -> Number:
    """Return S - k: the fewest misses, under any policy, of a step that touches S pages once each (0 at least)."""
    return maximum(0, touched - capacity)
