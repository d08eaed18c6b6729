"""cachetools' LRUCache, one for all tenants; nothing in it can be pinned.

    pip install cachetools
    headgate review headgate.examples.review.cachetools_lru:Cache --role cache --without pin

8.0.1 is conforming.
"""

from collections.abc import Sequence

__all__ = ["Cache"]


class Cache:
    """The pages are its keys; what goes for another is what is missing afterwards."""

    def __init__(self, frames: int, floors: Sequence[int]) -> None:
        """Make it; it knows no floors."""
        from cachetools import LRUCache

        self.kept = LRUCache(frames)

    def touch(self, tenant: int, page: int) -> bool:
        """Return whether a page is there, and use it."""
        return self.kept.get((tenant, page)) is not None

    def insert(self, tenant: int, page: int) -> tuple[int, int] | None:
        """Bring in a page; return the one that went for it."""
        before = set(self.kept)
        self.kept[tenant, page] = True
        return next(iter(before - set(self.kept)), None)

    def evict(self, tenant: int, page: int) -> None:
        """Let a page go."""
        del self.kept[tenant, page]
