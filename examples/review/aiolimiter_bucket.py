"""aiolimiter's AsyncLimiter, a bucket on asyncio that is waited for.

    pip install aiolimiter
    headgate review headgate.examples.review.aiolimiter_bucket:make --role bucket --clock s --float
    headgate review headgate.examples.review.aiolimiter_bucket:wait --role shaper --clock s --float

1.3.0 is conforming as a bucket. Among those who wait the smallest amount goes first: as a shaper, which keeps their
order (AR-2), it is conforming with --largest 1.
"""

from typing import Any

from headgate.properties.review.adapters import AsyncConsumer, AsyncShaper

__all__ = ["make", "wait"]


def make(rate: float, burst: float) -> AsyncConsumer:
    """Return a limiter of `burst` at once, and as much in as long as it takes at `rate` a second."""
    return AsyncConsumer(lambda: _limiter(rate, burst), lambda limiter, size: limiter.acquire(size))


def wait(rate: float, burst: float) -> AsyncShaper:
    """Return the same, asked when it lets go."""
    return AsyncShaper(lambda: _limiter(rate, burst), lambda limiter, size: limiter.acquire(size))


def _limiter(rate: float, burst: float) -> Any:
    from aiolimiter import AsyncLimiter

    return AsyncLimiter(burst, burst / rate)
