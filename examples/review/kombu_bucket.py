"""kombu's TokenBucket, whose clock is a function of its module.

    pip install kombu
    headgate review headgate.examples.review.kombu_bucket:make --role bucket --clock s --float

5.6.2 is violating (TB-4): its clock stands still while it is full, so that an idle spell is paid out twice. 5.7.0 is
conforming.
"""

from typing import Any

from headgate.properties.review.adapters import Consumer

__all__ = ["make"]


def make(rate: float, burst: int) -> Consumer:
    """Return a bucket of `rate` tokens a second and `burst` tokens."""
    from kombu.utils.limits import TokenBucket

    def consume(bucket: Any, size: int) -> Any:
        if size <= 0:
            raise ValueError(f"expected a size above 0, got {size}")  # kombu leaves that to its callers
        return bucket.can_consume(size)

    return Consumer(lambda _clock: TokenBucket(rate, burst), consume, patch=["kombu.utils.limits.monotonic"])
