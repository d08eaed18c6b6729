"""ns.py's server of deficit round robin, which runs in a simpy environment.

    pip install ns.py
    headgate review headgate.examples.review.nspy_drr:make --role arbiter --policy drr

0.4.3 is conforming.
"""

from collections.abc import Sequence

from headgate.examples.review.nspy import RATE, driver
from headgate.properties.review.adapters import SimpyServer

__all__ = ["make"]


def make(weights: Sequence[float], quanta: Sequence[float] = ()) -> SimpyServer:
    """Return a server with these quanta in bytes; without them, with its own, in proportion to the weights."""
    from ns.scheduler.drr import DRRServer

    class Server(DRRServer):  # type: ignore[misc]
        """Its quanta are the least one times weight / the least weight."""

        MIN_QUANTUM = min(quanta) if quanta else DRRServer.MIN_QUANTUM

    return driver(lambda environment: Server(environment, RATE, list(quanta or weights)))
