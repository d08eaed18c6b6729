"""Quantiles of a stream in bounded memory: exact up to 65,536 distinct values, then within 0.1 %.

Both forms are a sorted array of values with their counts. Where the exact form would outgrow its bound, values are
rounded up to buckets: 1,024 to every power of two, so that a bucket is narrower than a thousandth of its values.
"""

import heapq
import itertools
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter

from headgate.spec.links import implements

__all__ = ["MOST_DISTINCT", "Quantiles", "bucket_top", "nearest_rank"]

MOST_DISTINCT = 65_536
BUCKET_BITS = 10


def bucket_top(value: int) -> int:
    """Return the largest value of the bucket of `value` >= 0: less than value / 1024 above it."""
    spare = max(0, value.bit_length() - 1 - BUCKET_BITS)
    return value | ((1 << spare) - 1)


class Quantiles:
    """The distribution of whole numbers >= 0 (below 2**63) that are added one by one."""

    def __init__(self, most_distinct: int = MOST_DISTINCT) -> None:
        """Start empty; exact while there are at most `most_distinct` different values."""
        self.most_distinct = most_distinct
        self.exact = True
        self.count = 0
        self.maximum = 0
        self._values = array("q")
        self._counts = array("q")

    def add(self, value: int) -> None:
        """Count `value` once more."""
        self.count += 1
        if value > self.maximum:
            self.maximum = value
        if not self.exact:
            value = bucket_top(value)
        values = self._values
        place = bisect_left(values, value)
        if place < len(values) and values[place] == value:
            self._counts[place] += 1
            return
        values.insert(place, value)
        self._counts.insert(place, 1)
        if self.exact and len(values) > self.most_distinct:
            self._round()

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Yield (value, count) in ascending order of value."""
        return zip(self._values, self._counts, strict=True)

    def quantile(self, numerator: int, denominator: int) -> int:
        """Return the quantile `numerator / denominator` by nearest rank (see `nearest_rank`)."""
        return nearest_rank([self], numerator, denominator)

    def _round(self) -> None:
        self.exact = False
        values, counts = array("q"), array("q")
        for top, pairs in itertools.groupby(self.pairs(), key=lambda pair: bucket_top(pair[0])):
            values.append(top)
            counts.append(sum(count for _, count in pairs))
        self._values, self._counts = values, counts


@implements("RC-2")
def nearest_rank(parts: Sequence[Quantiles], numerator: int, denominator: int) -> int:
    """Return the value of rank ceil(n q) among the n values of all `parts`; n > 0, 0 < q <= 1.

    Exact where all parts are; else at most 0.1 % above the exact value, and never above the largest.
    """
    rank = -(-sum(part.count for part in parts) * numerator // denominator)
    merged: Iterable[tuple[int, int]] = heapq.merge(*(part.pairs() for part in parts), key=itemgetter(0))
    for value, count in merged:
        rank -= count
        if rank <= 0:
            return min(value, max(part.maximum for part in parts))
    raise ValueError("expected at least one value")
