"""Heat, to be obvious: a loop step by step, a page that looks for a cooler stack, a copy with a list of what is old."""

from collections.abc import Sequence
from fractions import Fraction

__all__ = ["Copy", "moves_of", "relay_turns", "swing_of"]


def swing_of(
    history: Sequence[Fraction], decay: Fraction, gain: Fraction, limit: Fraction, steps: int
) -> list[Fraction]:
    """Return all distances, oldest first: those that are remembered (given newest first), and `steps` more."""
    distances = list(reversed(history))
    delay = len(history) - 1
    for _ in range(steps):
        push = -gain * distances[-1 - delay]
        if push > limit:
            push = limit
        if push < -limit:
            push = -limit
        distances.append(push + (distances[-1] - push) * decay)
    return distances


def relay_turns(begin: Fraction, delay: int, decay: Fraction, steps: int) -> list[int]:
    """Return the steps at which a relay turned around, if it cooled toward -1 from `begin` and was on before."""
    distances, is_on, turns = [begin] * (delay + 1), begin <= 0, []
    for step in range(steps):
        wants_on = distances[-1 - delay] <= 0
        if wants_on != is_on:
            is_on = wants_on
            turns.append(step)
        target = 1 if is_on else -1
        distances.append(target + (distances[-1] - target) * decay)
    return turns


def moves_of(averages: Sequence[Sequence[Fraction | int]], band: Fraction | int, dwell: int) -> list[int | None]:
    """Return of each sample the stack that the page moves to, or None; it begins on stack 0 and may move at once."""
    stack, since, moves = 0, dwell, list[int | None]()
    for row in averages:
        since += 1
        coolest = min(range(len(row)), key=lambda k: (row[k], k))
        if row[stack] > row[coolest] + band and since >= dwell:
            stack, since = coolest, 0
            moves.append(stack)
        else:
            moves.append(None)
    return moves


class Copy:
    """A page in one of two frames. `old` has the blocks that are still to copy, or None where no copy is under way."""

    def __init__(self, blocks: int) -> None:
        """Start with a page that nobody has written (0), beside garbage."""
        self.frames = [[0] * blocks, [-1] * blocks]
        self.table = 0
        self.old: set[int] | None = None

    def do(self, operation: str, block: int, number: int) -> int | bool | None:
        """Return what a read sees, or whether the page table was switched."""
        if operation == "begin" and self.old is None:
            self.old = set(range(len(self.frames[0])))
        elif operation == "copy" and self.old is not None:
            self.frames[1 - self.table][block] = self.frames[self.table][block]
            self.old.discard(block)
        elif operation == "write":
            self.frames[self.table][block] = number
            if self.old is not None:
                self.old.add(block)
        elif operation == "abort":
            self.old = None
        elif operation == "switch":
            if self.old is None or self.old:
                return False
            self.table, self.old = 1 - self.table, None
            return True
        elif operation == "read":
            return self.frames[self.table][block]
        return None
