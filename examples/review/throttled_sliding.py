"""throttled-py's sliding window in memory: two counters, the one of the window before weighed by what is left of it.

    pip install throttled-py
    headgate review headgate.examples.review.throttled_sliding:make --role bucket --policy sliding-window-counter \
        --clock s --float --legal-only

3.5.0 is violating (WC-3): the first request of a window is counted also where it is refused, so that the one after it
finds less room. The script for Redis in the same file counts it only where it is admitted.
"""

from datetime import timedelta
from typing import Any

from headgate.properties.review.adapters import Consumer

__all__ = ["make"]


def make(burst: int, window: float) -> Consumer:
    """Return a limit of `burst` in a window of so many seconds; it reads the module `time`."""
    from throttled import Throttled, per_duration, store

    def limiter(_clock: object) -> Any:
        quota = per_duration(timedelta(seconds=window), burst)
        return Throttled(key="all", using="sliding_window", quota=quota, store=store.MemoryStore())

    return Consumer(limiter, lambda limiter, size: not limiter.limit(cost=size).limited, ["throttled.utils.time"])
