"""ratelimit's decorator: a fixed window whose first begins with it. It counts calls, and knows no sizes.

    pip install ratelimit
    headgate review headgate.examples.review.ratelimit_decorator:make --role bucket --policy fixed-window \
        --clock s --float --largest 1

2.2.1 is conforming.
"""

from typing import Any

from headgate.properties.review.adapters import Consumer

__all__ = ["make"]


def make(burst: int, window: float) -> Consumer:
    """Return a function that may be called `burst` times in so many seconds."""
    from ratelimit import limits

    def function(clock: Any) -> Any:
        return limits(burst, window, clock, raise_on_limit=False)(lambda: True)

    return Consumer(function, lambda called, _: called() is True)
