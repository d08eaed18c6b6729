"""The judges of buckets that count in windows: fixed ones (WC-1), a sliding one by a log (WC-2) or two counters (WC-3).

Where fixed windows begin, and to which of two windows their common instant belongs, is an implementation's own choice,
as long as it is always the same one. So every choice is followed, and accused is what agrees with none.
"""

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from math import floor

import attrs

from headgate.properties.review.case import Violation
from headgate.properties.review.declared import number_text

__all__ = ["FixedWindows", "SlidingWindow", "WeighedWindows"]


@attrs.frozen
class _Counter:
    """One choice, and where it stands: when its window began (None: there was none yet), and what it holds.

    Windows begin at multiples of their length, or, `by_offer`, with the first offer after the one before has ended; the
    first of these may have begun with the counter itself, at 0. An instant at which one ends belongs to the next one,
    or, `closed`, still to it.
    """

    by_offer: bool
    closed: bool
    begin: Fraction | None = None
    used: int = 0

    def ends(self, end: Fraction, now: Fraction) -> bool:
        """Return whether a window that ends at `end` is over."""
        return now > end or (now == end and not self.closed)


class FixedWindows:
    """At most `burst` bytes in each of the windows that follow one another.

    What is refused counts as well where it is a counter of `attempts`.
    """

    clause = "WC-1"

    def __init__(self, configuration: dict[str, Fraction], tolerance: Fraction, attempts: bool = False) -> None:
        """Take numbers of ns and bytes; `tolerance` is a share of the depth, and of the time."""
        self.depth, self.length = configuration["burst"], configuration["window"]
        self.tolerance, self.attempts, self.last = tolerance, attempts, 0
        self.choices = {_Counter(by_offer, closed) for by_offer in (False, True) for closed in (False, True)}
        self.choices |= {_Counter(True, closed, Fraction(0)) for closed in (False, True)}
        self.settled = -1  # at what time all choices have been told which window is open

    def hear(self, now: int, size: int, admitted: bool, back: bool) -> None:
        """Judge an answer; Violation where no choice gives it. To a time before the last one any refusal is right."""
        self.last = max(self.last, now)
        slack = floor(self.tolerance * self.depth)  # sizes are whole bytes, whatever the clock is
        after: set[_Counter] = set()
        rooms: list[Fraction] = []
        for choice in self.choices:
            for open_now in [choice] if self.last == self.settled else self._windows(choice):
                room = self.depth - open_now.used
                rooms.append(room)
                if admitted and size <= room + slack:
                    after.add(attrs.evolve(open_now, used=open_now.used + size))
                elif not admitted and (back or size > room - slack):
                    after.add(attrs.evolve(open_now, used=open_now.used + size * self.attempts))
        if not after:
            _accuse(self.clause, now, size, admitted, max(rooms) if admitted else min(rooms))
        self.choices, self.settled = after, self.last

    def saw(self, now: int, size: int) -> None:
        """Hear of an offer that no window may admit; it may have begun one all the same, and be an attempt."""
        self.last, self.settled = max(self.last, now), -1
        counts = {0, max(0, size)} if self.attempts else {0}
        self.choices |= {
            attrs.evolve(later, used=later.used + count)
            for choice in self.choices if choice.by_offer or self.attempts
            for later in self._windows(choice)
            for count in counts
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
        slack = floor(self.tolerance * self.depth)  # sizes are whole bytes, whatever the clock is
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

    def saw(self, now: int, size: int = 0) -> None:
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


@attrs.frozen
class _Pair:
    """What a window and the one before it admitted; of the latter's share whole bytes alone count, if `floored`."""

    floored: bool
    number: int = 0
    before: int = 0
    used: int = 0

    def at(self, number: int) -> "_Pair":
        """Return the pair once the window of this number has come."""
        if number == self.number:
            return self
        return attrs.evolve(self, number=number, before=self.used if number == self.number + 1 else 0, used=0)


class WeighedWindows:
    """Two counters for a sliding window: the one before is weighed by the share of it that the window still covers."""

    clause = "WC-3"

    def __init__(self, configuration: dict[str, Fraction], tolerance: Fraction) -> None:
        """Take numbers of ns and bytes; `tolerance` is a share of the depth, and of the time."""
        self.depth, self.length = configuration["burst"], configuration["window"]
        self.tolerance, self.last = tolerance, 0
        self.choices = {_Pair(floored) for floored in (False, True)}

    def hear(self, now: int, size: int, admitted: bool, back: bool) -> None:
        """Judge an answer; Violation where no choice gives it. To a time before the last one any refusal is right."""
        self.saw(now)
        part = self.tolerance * self.depth
        after: set[_Pair] = set()
        rooms: list[Fraction] = []
        for pair, room in self._rooms():
            rooms.append(room)
            byte = floor(part) if pair.floored else part
            if admitted and size <= room + byte:
                after.add(attrs.evolve(pair, used=pair.used + size))
            elif not admitted and (back or size > room - byte):
                after.add(pair)
        if not after:
            _accuse(self.clause, now, size, admitted, max(rooms) if admitted else min(rooms))
        self.choices = after

    def saw(self, now: int, size: int = 0) -> None:
        """Hear of an offer that no window may admit; it changes nothing."""
        self.last = max(self.last, now)

    def _rooms(self) -> Iterator[tuple[_Pair, Fraction]]:
        """Yield each choice with the room that it has now; where floats cannot tell an end, or a whole byte, both."""
        now, part = Fraction(self.last), self.tolerance * self.depth
        near = self.tolerance * max(now, self.length)
        for moment in {max(Fraction(0), now - near), now, now + near}:
            number = int(moment // self.length)
            for choice in self.choices:
                if number < choice.number:
                    continue
                pair = choice.at(number)
                share = pair.before * (number + 1 - moment / self.length)
                for counts in (
                    {Fraction(floor(share - part)), Fraction(floor(share + part))} if pair.floored else {share}
                ):
                    yield pair, self.depth - pair.used - max(Fraction(0), counts)


def _accuse(clause: str, now: int, size: int, admitted: bool, room: Fraction) -> None:
    left = number_text(max(Fraction(0), room))
    if admitted:
        seen, instead = f"admits {size} bytes at {now} ns, where at most {left} are left", "a refusal: a window is full"
    else:
        seen, instead = f"refuses {size} bytes at {now} ns, where at least {left} are left", "admission: they fit"
    raise Violation(clause, seen, instead)
