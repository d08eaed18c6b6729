"""The engine for tables of a few requests, with arrivals in ns: every schedule of the domain at once, by Z3.

A question about up to K requests is asked of K requests, and of each smaller number, since a schedule of fewer is not
always the beginning of one of more.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction

import attrs

from headgate.proofs.find.asking import Clock, NoReplayError, OutOfTimeError
from headgate.proofs.find.checking import MEMORY, table_misfit
from headgate.proofs.find.goals import goal_of
from headgate.proofs.find.memory import conflict, eviction
from headgate.proofs.find.offers import overrun, oversubscription
from headgate.proofs.find.question import Answer, Asked, Finding, Progress, Question
from headgate.proofs.find.search import Found, Goal, Search
from headgate.proofs.find.settled import ceiling_of
from headgate.proofs.symbolic import symbolic
from headgate.spec.units import exact_text

__all__ = ["NAME", "find", "refuses"]

NAME = "request table"
WHY = "it searches every schedule of {count} at once: {open} are open"
OPEN = {Asked.EVICTION: "tenants, pages, and the frames and floors not given", Asked.CONFLICT: "tenants and operations"}
UNITS = {
    Asked.WAIT: "ns",
    Asked.GAP: "ns",
    Asked.DEFICIT: "B",
    Asked.DIFFERENCE: "differences",
    Asked.OVERRUN: "B",
    Asked.OVERSUBSCRIPTION: "B/ns",
    Asked.EVICTION: "pages",
    Asked.CONFLICT: "tenants",
}


def refuses(question: Question) -> str:
    """Return why this engine cannot answer `question`; "" where it can."""
    return table_misfit(question)


def find(question: Question, clock: Clock, tell: Progress) -> Answer:
    """Return the answer to `question` within the time of `clock`."""
    with symbolic():
        return _Run(question, clock, tell).answer()


class _Run:
    """A question on its way to an answer: what is established so far.

    Numbers of requests are gone through from one upwards: what few requests show is found at once, and is a lower bound
    for more of them.
    """

    def __init__(self, question: Question, clock: Clock, tell: Progress) -> None:
        self.question, self.clock, self.tell = question, clock, tell
        # Guarantees are asked for once, all together.
        self.most = 1 if question.asked is Asked.OVERSUBSCRIPTION else question.most_requests
        self.unit = UNITS[question.asked]
        self.ceiling = ceiling_of(question)
        self.best: Found | None = None
        self.step = Fraction(1)
        # Up to so many requests everything is searched: nothing does it, or nothing is above the best.
        self.searched = 0
        # What is proved out of reach for one more request than that.
        self.next_bound: Fraction | None = None
        self.is_shrunk = True
        # Up to so many requests do not reach the maximum, where the fewest were asked for.
        self.too_few = 0

    def answer(self) -> Answer:
        """Search; where the time runs out, say what is established by then."""
        try:
            return self._maximum() if self.question.maximise else self._threshold()
        except OutOfTimeError:
            return self._answer(Finding.UNDECIDED if self.best is None else Finding.FOUND)

    def _search(self, count: int) -> Search:
        self.clock.check()
        goal = _goal(self.question, count, self.clock.check)
        self.step = goal.step
        return Search(goal, self.clock, self.question.seed)

    # ---- is there one ----

    def _threshold(self) -> Answer:
        wanted = self.question.at_least
        for count in range(1, self.most + 1):
            search = self._search(count)
            self.best = self._smallest(search, wanted) if self.question.minimal else search.find(wanted)
            if self.best is not None:
                return self._answer(Finding.FOUND)
            self.searched = count
            self.tell(self._searched())
        return self._answer(Finding.IMPOSSIBLE)

    def _smallest(self, search: Search, wanted: Fraction | None) -> Found | None:
        found = search.smallest(wanted)
        self.is_shrunk = not search.is_cut_short
        return found

    # ---- the largest of all ----

    def _maximum(self) -> Answer:
        for count in range(1, self.most + 1):
            if not self._is_at_ceiling():
                self._climb(self._search(count), count)
            self.searched = count
        if self.best is None:
            return self._answer(Finding.IMPOSSIBLE)
        if self.question.minimal:
            self._fewest(self.best.value)
        return self._answer(Finding.FOUND, proved=True)

    def _is_at_ceiling(self) -> bool:
        return self.ceiling is not None and self.best is not None and self.best.value >= self.ceiling.value

    def _climb(self, search: Search, count: int) -> None:
        """Bring the two ends together: what a schedule shows, and what is proved out of reach of `count` requests."""
        bound = self._ceiling(count)
        self.next_bound = None
        if bound is not None and (self.best is None or bound > self.best.value):
            if self._take(search.find(bound)):
                return
            bound -= self.step
        if not self._take(search.find(None if self.best is None else self.best.value + self.step, any_value=True)):
            return
        while bound is None or (self.best is not None and self.best.value < bound):
            wanted = self._between(bound)
            if not self._take(search.find(wanted), bound):
                bound = self.next_bound = wanted - self.step
                self.tell(f"at most {self._text(bound)} (proved for {_requests(count)})")

    def _ceiling(self, count: int) -> Fraction | None:
        """Return the ceiling of so many requests, as a value that can be reached."""
        ceiling = ceiling_of(attrs.evolve(self.question, requests=count))
        return None if ceiling is None else ceiling.value // self.step * self.step

    def _between(self, bound: Fraction | None) -> Fraction:
        assert self.best is not None
        low = self.best.value
        if bound is None:
            return low + max(self.step, abs(low))
        return low + self.step * max(1, (bound - low) / self.step // 2)

    def _take(self, found: Found | None, bound: Fraction | None = None) -> bool:
        if found is None:
            return False
        proved = [bound] if bound is not None else []
        proved += [self.ceiling.value] if self.ceiling is not None else []
        if proved and found.value > min(proved):
            words = f"it shows {self._text(found.value)}, nothing above {self._text(min(proved))} is possible"
            raise NoReplayError(f"a schedule contradicts what is proved: {words}")
        if self.best is None or found.value > self.best.value:
            self.best = found
            self.tell(f"at least {self._text(found.value)} (a schedule shows it)")
        return True

    def _fewest(self, value: Fraction) -> None:
        """Replace the best schedule by the smallest that reaches the same."""
        for count in range(1, self.most + 1):
            found = self._smallest(self._search(count), value)
            if found is not None:
                self.best, self.too_few = found, count - 1
                return

    # ---- the answer ----

    def _text(self, value: Fraction) -> str:
        return f"{exact_text(value)} {self.unit}"

    def _searched(self) -> str:
        scope = _requests(self.searched, "up to ")
        if self.question.asked is Asked.OVERSUBSCRIPTION:
            scope = f"{self.question.tenants} tenants"
        if not self.question.maximise:
            return f"no schedule of {scope} does it (proved)"
        if self.best is None:
            return f"no schedule of {scope} shows any (proved)"
        return f"no schedule of {scope} goes above {self._text(self.best.value)} (proved)"

    def _established(self, proved: bool) -> Iterator[str]:
        if self.too_few:
            yield f"no schedule of {_requests(self.too_few, 'up to ')} reaches it (proved)"
        if proved and self._is_at_ceiling():
            assert self.ceiling is not None
            yield self.ceiling.reason
            return
        if self.searched and (self.best is None or not self.question.maximise or proved):
            yield self._searched()
        if self.question.maximise and not proved:
            yield from self._open()
        if not self.is_shrunk:
            yield "time ran out while the schedule was made smaller"

    def _open(self) -> Iterator[str]:
        if self.searched and self.best is not None:
            # The best may come from more requests than have been searched in full.
            yield f"all schedules of {_requests(self.searched, 'up to ')} have been searched"
        if self.next_bound is not None:
            bound = self._text(self.next_bound)
            yield f"with {_requests(self.searched + 1)} nothing is above {bound} (proved)"
        if self.ceiling is not None:
            yield self.ceiling.reason

    def _answer(self, finding: Finding, proved: bool = False) -> Answer:
        best, ceiling = self.best, self.ceiling
        bound = best.value if proved and best is not None else ceiling.value if ceiling is not None else None
        cited = ceiling is not None and self.question.maximise and (not proved or self._is_at_ceiling())
        return Answer(
            self.question,
            finding,
            NAME,
            self._why(),
            value=best.value if best is not None else None,
            bound=bound,
            unit=self.unit,
            proved_maximal=proved,
            schedule=best.schedule if best is not None else None,
            theorem=ceiling.theorem if ceiling is not None and cited else "",
            established=tuple(self._established(proved)),
        )

    def _why(self) -> str:
        if self.question.asked is Asked.OVERSUBSCRIPTION:
            return f"it searches the guarantees of {self.question.tenants} tenants all at once"
        free = OPEN.get(self.question.asked, "arrivals, tenants and sizes")
        return WHY.format(count=_requests(self.most, "up to "), open=free)


def _goal(question: Question, count: int, check: Callable[[], None]) -> Goal:
    if question.asked is Asked.OVERRUN:
        return overrun(question, count)
    if question.asked is Asked.OVERSUBSCRIPTION:
        return oversubscription(question)
    if question.asked in MEMORY:
        return (eviction if question.asked is Asked.EVICTION else conflict)(question, count, check)
    return goal_of(question, count, check)


def _requests(count: int, before: str = "") -> str:
    return "one request" if count == 1 else f"{before}{count} requests"
