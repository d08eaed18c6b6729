"""The engine for tables of a few requests, with arrivals in ns: every schedule of the domain at once, by Z3.

A question about up to K requests is asked of K requests, and of each smaller number, since a schedule of fewer is not
always the beginning of one of more.
"""

from collections.abc import Callable
from fractions import Fraction

from headgate.proofs.find.asking import Clock, OutOfTimeError
from headgate.proofs.find.checking import table_misfit
from headgate.proofs.find.question import Answer, Asked, Finding, Progress, Question
from headgate.proofs.find.search import Found, Goal, Search
from headgate.proofs.find.settled import ceiling_of
from headgate.proofs.symbolic import symbolic
from headgate.spec.units import exact_text

__all__ = ["NAME", "find", "refuses"]

NAME = "request table"
WHY = "it searches every schedule of up to {count} requests at once: arrivals, tenants and sizes are open"
UNITS = {
    Asked.WAIT: "ns",
    Asked.GAP: "ns",
    Asked.DEFICIT: "B",
    Asked.DIFFERENCE: "differences",
    Asked.OVERRUN: "B",
    Asked.OVERSUBSCRIPTION: "B/ns",
}


def refuses(question: Question) -> str:
    """Return why this engine cannot answer `question`; "" where it can."""
    return table_misfit(question)


def find(question: Question, clock: Clock, tell: Progress) -> Answer:
    """Return the answer to `question` within the time of `clock`."""
    with symbolic():
        return _Run(question, clock, tell).answer()


class _Run:
    """A question on its way to an answer: what is established so far."""

    def __init__(self, question: Question, clock: Clock, tell: Progress) -> None:
        self.question, self.clock, self.tell = question, clock, tell
        self.most = question.most_requests
        self.established: list[str] = []
        self.unit = UNITS[question.asked]
        self.ceiling = ceiling_of(question)
        self.bound = self.ceiling.value if self.ceiling is not None else None
        self.best: Found | None = None
        self._searches: dict[int, Search] = {}

    def answer(self) -> Answer:
        """Search; where the time runs out, say what is established by then."""
        try:
            return self._maximum() if self.question.maximise else self._threshold()
        except OutOfTimeError:
            if self.best is not None:
                return self._answer(Finding.FOUND)
            return self._answer(Finding.UNDECIDED)

    def _search(self, count: int) -> Search:
        self.clock.check()
        if count not in self._searches:
            self._searches[count] = Search(_goal(self.question, count), self.clock, self.question.seed)
        return self._searches[count]

    def _note(self, sentence: str) -> None:
        self.established.append(sentence)
        self.tell(sentence)

    # ---- is there one ----

    def _threshold(self) -> Answer:
        wanted = self.question.at_least
        up = range(1, self.most + 1)
        for count in up if self.question.minimal else reversed(up):
            search = self._search(count)
            self.best = search.smallest(wanted) if self.question.minimal else search.find(wanted)
            if self.best is not None:
                return self._answer(Finding.FOUND)
            self._note(f"no schedule of {_requests(count)} does it (proved)")
        return self._answer(Finding.IMPOSSIBLE)

    # ---- the largest of all ----

    def _maximum(self) -> Answer:
        self._climb(self._search(self.most))
        for count in reversed(range(1, self.most)):
            self._improve(count)
        assert self.best is not None
        self._note(f"no schedule reaches {self._text(self._above())} (proved)")
        if self.question.minimal:
            self._fewest()
        return self._answer(Finding.FOUND, proved=True)

    def _climb(self, search: Search) -> None:
        """Bring the two ends together: what a schedule shows, and what is proved out of reach."""
        if self.bound is not None and self._take(search.find(self.bound)):
            return
        if self.bound is not None:
            self.bound -= search.goal.step
        if self.best is None:
            self._take(search.find(self._least_value(search)))
        while self.best is None or self.bound is None or self.best.value < self.bound:
            self._step(search)

    def _step(self, search: Search) -> None:
        step = search.goal.step
        assert self.best is not None
        low = self.best.value
        if self.bound is None:
            wanted = low + max(step, abs(low))
        else:
            wanted = low + step * max(1, (self.bound - low) / step // 2)
        if not self._take(search.find(wanted)):
            self.bound = wanted - step
            self.tell(f"at most {self._text(self.bound)} (proved for {_requests(self.most)})")

    def _least_value(self, search: Search) -> Fraction:
        """A value so low that every schedule has it."""
        return Fraction(-(10**6)) if self.question.asked is Asked.DEFICIT else Fraction(0)

    def _take(self, found: Found | None) -> bool:
        if found is None:
            return False
        if self.best is None or found.value > self.best.value:
            self.best = found
            self.tell(f"at least {self._text(found.value)} (a schedule shows it)")
        return True

    def _improve(self, count: int) -> None:
        """Look whether fewer requests do better; the theorem's ceiling, where it was reached, already says no."""
        if self.ceiling is not None and self.best is not None and self.best.value == self.ceiling.value:
            return
        while self._take(self._search(count).find(self._above())):
            pass

    def _above(self) -> Fraction:
        assert self.best is not None
        return self.best.value + self._search(self.most).goal.step

    def _fewest(self) -> None:
        assert self.best is not None
        for count in range(1, self.most + 1):
            found = self._search(count).smallest(self.best.value)
            if found is not None:
                self.best = found
                return
            self._note(f"{_requests(count)} cannot reach it (proved)")

    # ---- the answer ----

    def _text(self, value: Fraction) -> str:
        return f"{exact_text(value)} {self.unit}"

    def _answer(self, finding: Finding, proved: bool = False) -> Answer:
        theorem = self.ceiling.theorem if self.ceiling is not None and self._is_by_theorem(proved) else ""
        if theorem and self.ceiling is not None:
            self.established.append(f"{self.ceiling.why} (theorem {theorem})")
        best = self.best
        return Answer(
            self.question,
            finding,
            NAME,
            WHY.format(count=self.most),
            value=best.value if best is not None else None,
            bound=best.value if proved and best is not None else self.bound,
            unit=self.unit,
            proved_maximal=proved,
            schedule=best.schedule if best is not None else None,
            theorem=theorem,
            established=tuple(self.established),
        )

    def _is_by_theorem(self, proved: bool) -> bool:
        """Whether the upper end comes from the theorem alone."""
        assert self.ceiling is not None
        return self.question.maximise and self.bound == self.ceiling.value


def _goal(question: Question, count: int) -> Goal:
    from headgate.proofs.find.goals import goal_of

    builders: dict[Asked, Callable[[Question, int], Goal]] = {}
    return builders.get(question.asked, goal_of)(question, count)


def _requests(count: int) -> str:
    return "one request" if count == 1 else f"{count} requests"
