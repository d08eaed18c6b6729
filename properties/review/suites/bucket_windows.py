"""The judges of buckets that count in windows: a counter of fixed windows (WC-1), and a log of a sliding one (WC-2).

Where fixed windows begin, and to which of two windows their common instant belongs, is an implementation's own choice,
as long as it is always the same one. So every choice is followed, and accused is what agrees with none.
"""

from collections import deque
from collections.abc import Iterator
from fractions import Fraction

import attrs

from headgate.properties.review.case import Violation
from headgate.properties.review.declared import number_text

__all__ = ["FixedWindows", "SlidingWindow"]


@attrs.frozen
class _Counter:
    """One choice, and where it stands: when its window began (None: there was none yet), and what it holds.

    Windows begin at multiples of their length, or, `by_offer`, with the first offer after the one before has ended. An
    instant at which one ends belongs to the next one, or, `closed`, still to it.
    """

    by_offer: bool
    closed: bool
    begin: Fraction | None = None
    used: int = 0

    def ends(self, end: Fraction, now: Fraction) -> bool:
        """Return whether a window that ends at `end` is over."""
        return now > end or (now == end and not self.closed)


class FixedWindows:
    """At most `burst` bytes in each of the windows that follow one another."""

    clause = "WC-1"

    def __init__(self, configuration: dict[str, Fraction], tolerance: Fraction) -> None:
        """Take numbers of ns and bytes; `tolerance` is a share of the depth, and of the time."""
        self.depth, self.length = configuration["burst"], configuration["window"]
        self.tolerance, self.last = tolerance, 0
        self.choices = {_Counter(by_offer, closed) for by_offer in (False, True) for closed in (False, True)}

    def hear(self, now: int, size: int, admitted: bool, back: bool) -> None:
        """Judge an answer; Violation where no choice gives it. To a time before the last one any refusal is right."""
        self.last = max(self.last, now)
        slack = self.tolerance * self.depth
        after: set[_Counter] = set()
        rooms: list[Fraction] = []
        for choice in self.choices:
            for open_now in self._windows(choice):
                room = self.depth - open_now.used
                rooms.append(room)
                if admitted and size <= room + slack:
                    after.add(attrs.evolve(open_now, used=open_now.used + size))
                elif not admitted and (back or size > room - slack):
                    after.add(open_now)
        if not after:
            _accuse(self.clause, now, size, admitted, max(rooms) if admitted else min(rooms))
        self.choices = after

    def saw(self, now: int) -> None:
        """Hear of an offer that no window may admit; it may have begun one all the same."""
        self.last = max(self.last, now)
        self.choices |= {
            attrs.evolve(later, used=0)
            for choice in self.choices if choice.by_offer
            for later in self._windows(choice)
        }  # fmt: skip

    def _windows(self, choice: _Counter) -> Iterator[_Counter]:
        """Yield the choice with the window of now open; where floats cannot tell an end from now, with either."""
        now = Fraction(self.last)
        slack = self.tolerance * max(now, self.length)
        found = set()
        for moment in {now - slack, now, now + slack}:
            begin = self._begin(choice, moment)
            if begin is None:
                begin = now  # it is this offer that begins it
            if choice.begin is None or begin >= choice.begin:
                found.add(begin)
        for begin in found:
            yield choice if begin == choice.begin else attrs.evolve(choice, begin=begin, used=0)

    def _begin(self, choice: _Counter, moment: Fraction) -> Fraction | None:
        """Return when the window of `moment` began; None if none is open that offers begin."""
        if choice.by_offer:
            over = choice.begin is None or choice.ends(choice.begin + self.length, moment)
            return None if over else choice.begin
        number = moment // self.length
        if choice.closed and moment == number * self.length:
            number -= 1
        return number * self.length


class SlidingWindow:
    """A log: at most `burst` bytes in any window of the length, one that is as old as that counted, or not."""

    clause = "WC-2"

    def __init__(self, configuration: dict[str, Fraction], tolerance: Fraction) -> None:
        """Take numbers of ns and bytes; `tolerance` is a share of the depth, and of the time."""
        self.depth, self.length = configuration["burst"], configuration["window"]
        self.tolerance, self.last = tolerance, 0
        self.log: deque[tuple[int, int]] = deque()
        self.choices = {False, True}  # whether the window is closed

    def hear(self, now: int, size: int, admitted: bool, back: bool) -> None:
        """Judge an answer; Violation where no choice gives it. To a time before the last one any refusal is right."""
        self.saw(now)
        slack = self.tolerance * self.depth
        rooms = {closed: self._rooms(closed) for closed in self.choices}
        if admitted:
            after = {closed for closed, (_, most) in rooms.items() if size <= most + slack}
        else:
            after = {closed for closed, (least, _) in rooms.items() if back or size > least - slack}
        if not after:
            room = max(most for _, most in rooms.values()) if admitted else min(least for least, _ in rooms.values())
            _accuse(self.clause, now, size, admitted, room)
        self.choices = after
        if admitted:
            self.log.append((self.last, size))

    def saw(self, now: int) -> None:
        """Hear of an offer that no window may admit."""
        self.last = max(self.last, now)
        while self.log and self.last - self.log[0][0] > self.length + self._slack():
            self.log.popleft()

    def _slack(self) -> Fraction:
        return self.tolerance * max(Fraction(self.last), self.length)

    def _rooms(self, closed: bool) -> tuple[Fraction, Fraction]:
        """Return the least and the most bytes for which there is room, as far as floats can tell."""
        least = most = self.depth
        for at, size in self.log:
            age = self.last - at
            if age < self.length - self._slack() or (age == self.length - self._slack() and closed):
                most -= size
            if age < self.length + self._slack() or (age == self.length + self._slack() and closed):
                least -= size
        return least, most


def _accuse(clause: str, now: int, size: int, admitted: bool, room: Fraction) -> None:
    left = number_text(max(Fraction(0), room))
    if admitted:
        seen, instead = f"admits {size} bytes at {now} ns, where at most {left} are left", "a refusal: a window is full"
    else:
        seen, instead = f"refuses {size} bytes at {now} ns, where at least {left} are left", "admission: they fit"
    raise Violation(clause, seen, instead)
