"""ns.py's static priority server, which runs in a simpy environment and gives the larger number the priority.

    pip install ns.py
    headgate review headgate.examples.review.nspy_priority:make --role arbiter --policy priority

0.4.3 is conforming.
"""

from collections.abc import Sequence

from headgate.examples.review.nspy import RATE, driver
from headgate.properties.review.adapters import SimpyServer

__all__ = ["make"]


def make(weights: Sequence[float], priorities: Sequence[int]) -> SimpyServer:
    """Return a server for as many tenants as there are priorities, 0 the best; it knows no weights."""
    from ns.scheduler.sp import SPServer

    return driver(lambda environment: SPServer(environment, RATE, [-priority for priority in priorities]))
