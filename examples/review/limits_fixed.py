"""limits' fixed window in memory, which begins with the first hit after the one before has ended.

    pip install limits
    headgate review headgate.examples.review.limits_fixed:make --role bucket --policy fixed-window-attempts \
        --clock s --float --legal-only

5.8.0 is conforming. What it refuses counts as well, as documented: as a fixed-window it would be violating (WC-1), by a
hit of a cost that does not fit and a smaller one that would have.
"""

from types import SimpleNamespace
from typing import Any

from headgate.properties.review.adapters import EPOCH, Consumer

__all__ = ["make"]


def make(burst: int, window: int) -> Consumer:
    """Return a limit of `burst` in a window of so many seconds; it reads the module `time`."""
    from limits import RateLimitItemPerSecond
    from limits.storage import MemoryStorage
    from limits.strategies import FixedWindowRateLimiter

    def limiter(_clock: object) -> Any:
        storage = MemoryStorage()
        storage.timer.cancel()  # its thread clears away what has expired, by the real clock
        storage.timer = SimpleNamespace(is_alive=lambda: True)
        return FixedWindowRateLimiter(storage)

    def hit(limiter: Any, size: int) -> Any:
        return limiter.hit(RateLimitItemPerSecond(burst, window), cost=size)

    return Consumer(limiter, hit, ["limits.storage.memory.time"], EPOCH)
