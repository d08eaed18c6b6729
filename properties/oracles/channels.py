"""The interleave, byte by byte."""

__all__ = ["bytes_in"]


def bytes_in(channel: int, address: int, size: int, channels: int, granule: int) -> int:
    """Return how many of the `size` bytes from `address` on lie in `channel`."""
    count = 0
    for byte in range(address, address + size):
        if (byte // granule) % channels == channel:
            count = count + 1
    return count
