"""What the drivers of ns.py's servers share: an environment, a server that takes a ns a byte, and its packets."""

import itertools
from collections.abc import Callable
from typing import Any

from headgate.properties.review.adapters import SimpyServer

__all__ = ["driver"]

# ns.py counts the rate in bits.
RATE = 8.0


class _Nobody:
    """Where packets go."""

    def put(self, packet: Any) -> None:
        """Take it."""


def driver(make: Callable[[Any], Any]) -> SimpyServer:
    """Return a driver of the server that `make(environment)` returns."""
    import simpy
    from ns.packet.packet import Packet

    environment, numbers = simpy.Environment(), itertools.count()
    server = make(environment)
    server.out = _Nobody()

    def put(tenant: int, size: int) -> None:
        server.put(Packet(environment.now, size, next(numbers), flow_id=tenant))

    return SimpyServer(environment, put, server.packet_in_service)
