"""token-bucket's Limiter with its storage in memory; it reads the module `time` by name, and keeps a bucket a key.

    pip install token-bucket
    headgate review headgate.examples.review.token_bucket_lib:make --role bucket --clock s --float --keys 2

0.4.0 is conforming: its levels are floats, so that a share of 1e-9 of the depth accuses nobody (what --float declares).
"""

from headgate.properties.review.adapters import Consumer

__all__ = ["Limiter", "make"]


class Limiter(Consumer):
    """An offer with a key."""

    def offer(self, now: float, size: int, key: str = "all") -> bool:
        """Return whether the bucket of `key` gives `size` tokens at `now`."""
        self.consume = lambda limiter, wanted: limiter.consume(key, wanted)
        return super().offer(now, size)


def make(rate: float, burst: int) -> Limiter:
    """Return buckets of `rate` tokens a second and `burst` tokens."""
    from token_bucket import Limiter as Library
    from token_bucket import MemoryStorage

    return Limiter(lambda _clock: Library(rate, burst, MemoryStorage()), Library.consume, ["token_bucket.storage.time"])
