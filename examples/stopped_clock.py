"""A token bucket with a fault that a published library has: its clock stands still while it is full.

    headgate review headgate.examples.stopped_clock:Bucket --role bucket

After an idle spell the time that has passed is counted twice, so that a burst of twice the depth gets through.
"""

__all__ = ["Bucket"]


class Bucket:
    """A token bucket of `rate` bytes a ns and `burst` bytes, full at first."""

    def __init__(self, rate: int, burst: int) -> None:
        """Start full, at time 0."""
        self.rate, self.burst = rate, burst
        self.level, self.last = burst, 0

    def offer(self, now: int, size: int) -> bool:
        """Return whether `size` bytes are admitted at `now` ns."""
        if not 0 < size <= self.burst:
            return False
        if self.level < self.burst:  # the fault: a full bucket forgets to look at the clock
            self.level = min(self.burst, self.level + (now - self.last) * self.rate)
            self.last = now
        if self.level < size:
            return False
        self.level -= size
        return True
