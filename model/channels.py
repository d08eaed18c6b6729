"""Several channels behind an address interleave: each is a server of its own, with an arbiter of its own.

Addresses go round the channels in granules. What a request has in one channel is one request there; it is done when
its last part is. What a contract says of the device as a whole, a channel can keep only for its share: a tenant that
aims at one channel gets no more than that channel (clause CH-2). Integers and Fractions only, since addresses are
divided.
Source: B. R. Rau, "Pseudo-randomly interleaved memory", ISCA 1991, for interleaves and what strides do to them.
"""

from collections.abc import Sequence
from fractions import Fraction

import attrs

from headgate.model.arbiters import Policy
from headgate.model.simulator import Server, simulate
from headgate.spec.links import implements
from headgate.spec.units import Bytes, BytesPerNs, Number
from headgate.spec.vocabulary import Contract, Execution, Request

__all__ = ["Addressed", "Interleave", "channel_delay", "of_channel", "simulate_channels", "split", "spread"]


@attrs.frozen
class Interleave:
    """How many channels there are, and how many bytes lie in one before the next one follows."""

    channels: int
    granule: Bytes


@attrs.frozen
class Addressed:
    """A request, and the address of its first byte."""

    request: Request
    address: int


@implements("CH-1")
def spread(interleave: Interleave, address: int, size: Bytes) -> tuple[Bytes, ...]:
    """Return how many of the `size` bytes from `address` on lie in each channel."""
    shares = [0] * interleave.channels
    while size > 0:
        granule, offset = divmod(address, interleave.granule)
        part = min(size, interleave.granule - offset)
        shares[granule % interleave.channels] += part
        address, size = address + part, size - part
    return tuple(shares)


@implements("CH-1")
def split(requests: Sequence[Addressed], interleave: Interleave) -> list[list[tuple[int, Request]]]:
    """Return what every channel gets: (place in `requests`, its part of that request), in the same order."""
    parts: list[list[tuple[int, Request]]] = [[] for _ in range(interleave.channels)]
    for place, addressed in enumerate(requests):
        shares = spread(interleave, addressed.address, addressed.request.bytes)
        for part, share in zip(parts, shares, strict=True):
            if share:
                part.append((place, attrs.evolve(addressed.request, bytes=share)))
    return parts


@implements("CH-2", "CH-3")
def of_channel(contract: Contract, channels: int, imbalance: Fraction) -> Contract:
    """Return the contract that one channel holds a tenant to: (1 + imbalance) / channels of its rates."""
    share = (1 + imbalance) / channels
    return attrs.evolve(
        contract,
        guaranteed_bytes_per_ns=contract.guaranteed_bytes_per_ns * share,
        burst_bytes_per_ns=contract.burst_bytes_per_ns * share,
    )


@implements("CH-1")
def simulate_channels(
    requests: Sequence[Addressed], contracts: Sequence[Contract], policy: Policy, server: Server, interleave: Interleave
) -> list[Execution]:
    """Return what each channel does: `server` and `contracts` are those of one of them."""
    return [simulate([part for _, part in own], contracts, policy, server) for own in split(requests, interleave)]


@implements("CH-3")
def channel_delay(excess: Number, guaranteed: BytesPerNs, parts: Number, rate: BytesPerNs, blackout: Number) -> Number:
    """Return b / g_c + (sum of the largest parts) / R_c + B: from expected arrival to finish under SFQ everywhere.

    g_c and R_c (bytes per ns) are the tenant's rate in one channel and that of the channel; b (bytes) is by how much a
    channel's part of what the tenant sends can exceed its share.
    """
    return excess * (Fraction(1) / guaranteed) + parts * (Fraction(1) / rate) + blackout
