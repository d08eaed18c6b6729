"""The hunt: run a suite against a target, and shrink what it finds to the smallest case.

Hypothesis draws and shrinks; the same profile gives the same cases on every machine. The seeds of a suite always run
first. A violation is worth more than an error, and an error more than nothing: the hunt ends at the first of either,
shrunk among cases of its own kind.
"""

import contextlib
import enum
import time
from collections.abc import Callable, Iterator
from typing import Any

import attrs
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Flaky

from headgate.properties.review.case import Asked, Call, Case, Errored, Violation
from headgate.properties.review.declared import Declared
from headgate.properties.review.suites.common import Suite
from headgate.properties.review.targets import Target

__all__ = ["FEW_CASES", "PROFILES", "Outcome", "Profile", "Review", "conforms", "hunt", "hunt_only", "run_case"]


@attrs.frozen
class Profile:
    """How long a hunt is: cases at most, and the seconds after which no new case begins.

    `dice` is the seed of the draws; None draws afresh on every run.
    """

    cases: int
    seconds: float
    dice: int | None = 0


PROFILES = {
    "quick": Profile(300, 10.0),
    "ci": Profile(3_000, 60.0),
    "explore": Profile(10_000_000, float("inf"), None),
}


# How long a case is made smaller, by the draws and after them: enough for any that a person would read. It is the
# count that ends it, so that every machine ends with the same case; the seconds are for what is very slow.
SHRINK_SECONDS, MOST_SHRINKS, MOST_POLISH = 20.0, 250, 1_500
# So many cases are something to speak of.
FEW_CASES = 30
# Two numbers of a call are made smaller at once only in a case of no more calls.
FEW_CALLS = 6


class _Enough(BaseException):
    """The case is small enough, or time is up. Not an Exception, so that it ends the draws and counts as no fault."""


class Outcome(enum.Enum):
    """What a review concludes."""

    CONFORMING = "conforming"
    VIOLATING = "violating"
    ERRORED = "errored"


@attrs.define
class Tried:
    """How far the cases went: the most calls of one, the latest time, the longest list of its configuration."""

    calls: int = 0
    latest_ns: int = 0
    tenants: int = 0

    def add(self, case: Case) -> None:
        """Count a case in."""
        self.calls = max(self.calls, len(case.calls))
        self.latest_ns = max([self.latest_ns, *(call.arguments.get("now_ns", 0) for call in case.calls)])
        lists = (len(value) for value in case.configuration.values() if isinstance(value, list | tuple))
        self.tenants = max(self.tenants, *lists, 0)


@attrs.frozen
class Review:
    """The verdict: what was broken or went wrong, the smallest case that shows it, and what was asked and answered.

    `cases` is how many cases ran, and `tried` how far they went; `complete` is false where time ended the hunt before
    its last case.
    """

    outcome: Outcome
    suite: Suite
    declared: Declared
    target: str
    cases: int
    seconds: float
    complete: bool = True
    violation: Violation | None = None
    error: Errored | None = None
    case: Case | None = None
    asked: tuple[Asked, ...] = ()
    tried: Tried = attrs.field(factory=Tried)


def run_case(suite: Suite, target: Target, declared: Declared, case: Case) -> list[Asked]:
    """Run one case; return what was asked. Raises Violation or Errored."""
    log: list[Asked] = []
    with target.session(case.configuration, len(case.calls)) as session:
        suite.conduct(case, session, declared, log)
    return log


def conforms(suite: Suite, target: Target, declared: Declared, case: Case) -> bool:
    """Return whether one case shows nothing."""
    try:
        run_case(suite, target, declared, case)
    except (Violation, Errored):
        return False
    return True


def _worth(fault: Violation | Errored, log: list[Asked]) -> float:
    """Return for how many seconds a case is made smaller: not at all where no call led to the fault."""
    if isinstance(fault, Violation) or fault.kind == "crash":
        return SHRINK_SECONDS
    return SHRINK_SECONDS / 10 if log else 0.0


@attrs.define
class _Found:
    """What the last failing case showed; shrinking ends with the smallest."""

    fault: Violation | Errored
    case: Case
    asked: tuple[Asked, ...]


class _Hunt:
    """One hunt: counts the cases, keeps the time, and remembers the last fault."""

    def __init__(self, suite: Suite, target: Target, declared: Declared, profile: Profile) -> None:
        self.suite, self.target, self.declared, self.profile = suite, target, declared, profile
        self.begun = time.monotonic()
        self.cases, self.complete, self.tried = 0, True, Tried()
        self.found: _Found | None = None
        self.shrink_until = float("inf")
        self.shrinks = 0

    def shrink(self, case: Case) -> None:
        """Try a case that may be smaller than the one found. Raises what it shows, and _Enough in the end."""
        assert self.found is not None
        self.shrinks += 1
        if case == self.found.case:
            raise self.found.fault  # also where it would not fail a second time
        if self.shrinks > MOST_SHRINKS or time.monotonic() > self.shrink_until:
            raise _Enough
        self.try_case(case)

    def try_case(self, case: Case) -> None:
        """Run one case; remember and raise what it shows."""
        now = time.monotonic()
        if self.found is None:
            if now - self.begun > self.profile.seconds:
                self.complete = False
                return
            self.cases += 1
            self.tried.add(case)
        elif now > self.shrink_until:
            return
        log: list[Asked] = []
        try:
            with self.target.session(case.configuration, len(case.calls)) as session:
                self.suite.conduct(case, session, self.declared, log)
        except (Violation, Errored) as fault:
            if self.found is not None and type(fault) is not type(self.found.fault):
                return  # shrinking keeps to the kind that was found first
            if self.found is None:
                self.shrink_until = time.monotonic() + _worth(fault, log)
            self.found = _Found(fault, case, tuple(log))
            raise

    def pin_down(self) -> None:
        """Where it failed at calls that were sent together, run them one by one, to see at which."""
        if self.found is None or self.found.asked or not self.found.case.calls:
            return
        self.target.one_by_one()
        self.shrink_until = float("inf")
        with contextlib.suppress(Violation, Errored):
            self.try_case(self.found.case)
        self.shrink_until = time.monotonic() + _worth(self.found.fault, list(self.found.asked))

    def review(self) -> Review:
        """Return the verdict."""
        spent = time.monotonic() - self.begun
        base = (self.suite, self.declared, self.target.name, self.cases, spent, self.complete)
        if self.found is None:
            return Review(Outcome.CONFORMING, *base, tried=self.tried)
        fault, case, asked = self.found.fault, self.found.case, self.found.asked
        if isinstance(fault, Violation):
            return Review(Outcome.VIOLATING, *base, violation=fault, case=case, asked=asked, tried=self.tried)
        return Review(Outcome.ERRORED, *base, error=fault, case=case, asked=asked, tried=self.tried)


def hunt(
    suite: Suite,
    reached: Target,
    declared: Declared,
    profile: Profile,
    progress: Callable[[int], None] | None = None,
) -> Review:
    """Run the suite against the target until a case shows something, or the profile is done.

    `progress` is told after each case how many there were.
    """
    running = _Hunt(suite, reached, declared, profile)
    try:
        return _hunt(running, progress)
    finally:
        reached.close()


def hunt_only(suite: Suite, reached: Target, declared: Declared, profile: Profile, least: int) -> bool:
    """Return whether the cases that a profile draws show nothing; what one shows is not made smaller.

    False too where time ended it before there were so many.
    """
    running = _Hunt(suite, reached, declared, profile)
    running.shrinks = MOST_SHRINKS
    _draw(running, None)
    return running.found is None and running.cases >= least


def _hunt(running: _Hunt, progress: Callable[[int], None] | None) -> Review:
    for case in running.suite.seeds(running.declared):
        try:
            running.try_case(case)
        except (Violation, Errored):
            break
        if progress is not None:
            progress(running.cases)
    if running.found is None:
        _draw(running, progress)
    running.pin_down()
    if running.found is not None:
        _Polish(running).run()
    return running.review()


def _draw(running: _Hunt, progress: Callable[[int], None] | None) -> None:
    profile = running.profile

    @settings(
        max_examples=profile.cases,
        deadline=None,
        database=None,
        derandomize=profile.dice == 0,
        print_blob=False,
        # No climbing towards a score: it was no better at finding faults, and could go on for minutes without a case.
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(running.suite.cases(running.declared))
    def attempt(case: Case) -> None:
        if running.found is not None:
            running.shrink(case)
            return
        running.try_case(case)
        if not running.complete:
            raise _Enough
        if progress is not None:
            progress(running.cases)

    drawn: Callable[[], Any] = attempt if not profile.dice else seed(profile.dice)(attempt)
    # `running.found` holds the smallest; what fails only sometimes is a fault all the same.
    with contextlib.suppress(Violation, Errored, Flaky, _Enough):
        drawn()


class _Polish:
    """Makes the case found smaller where the draws could not: fewer calls, then shorter waits and smaller numbers."""

    def __init__(self, running: _Hunt) -> None:
        self.running = running
        self.tries = 0

    @property
    def calls(self) -> tuple[Call, ...]:
        """Return the calls of the smallest case so far."""
        assert self.running.found is not None
        return self.running.found.case.calls

    def run(self) -> None:
        """Go over the calls, and take every change that keeps the fault, until none does."""
        while self._fewer() | self._lesser():
            pass

    def _fewer(self) -> bool:
        """Leave out calls, many at once first; return whether any could be."""
        found, length = False, max(1, len(self.calls) // 2)
        while length:
            number = len(self.calls) - length
            while number >= 0:
                found |= self._stands((*self.calls[:number], *self.calls[number + length :]))
                number = min(number - 1 if length == 1 else number - length, len(self.calls) - length)
            length //= 2
        return found

    def _lesser(self) -> bool:
        """Make waits and numbers smaller; return whether any could be."""
        found = False
        for number in range(len(self.calls)):
            found |= any(self._stands(earlier) for earlier in self._earlier(self.calls, number))
            for argument, value in self.calls[number].arguments.items():
                if argument != "now_ns" and isinstance(value, int):
                    found |= any(
                        self._stands(self._changed(number, argument, less))
                        for less in _less(value, least=1 if argument == "size" else 0)
                    )
            found |= len(self.calls) <= FEW_CALLS and any(map(self._stands, self._sooner_and_smaller(number)))
        return found

    def _sooner_and_smaller(self, number: int) -> Iterator[tuple[Call, ...]]:
        """Yield the calls with a shorter wait before one of them, and its size smaller too: it may take both."""
        size = self.calls[number].arguments.get("size")
        for earlier in self._earlier(self.calls, number):
            for less in _less(size, least=1) if isinstance(size, int) else ():
                call = attrs.evolve(earlier[number], arguments={**earlier[number].arguments, "size": less})
                yield (*earlier[:number], call, *earlier[number + 1 :])

    def _changed(self, number: int, argument: str, value: int) -> tuple[Call, ...]:
        call = self.calls[number]
        changed = attrs.evolve(call, arguments={**call.arguments, argument: value})
        return (*self.calls[:number], changed, *self.calls[number + 1 :])

    def _earlier(self, calls: tuple[Call, ...], number: int) -> Iterator[tuple[Call, ...]]:
        """Yield the calls with a shorter wait before one of them; the waits after it stay."""
        times = [call.arguments.get("now_ns") for call in calls]
        before = times[number - 1] if number else 0
        here = times[number]
        if not isinstance(here, int) or not isinstance(before, int) or here <= before:
            return
        quantum = self.running.declared.clock.quantum_ns
        tenth = self.running.declared.clock.unit_ns // quantum // 10
        for wait in _less((here - before) // quantum, tenth=tenth):
            shift = here - before - wait * quantum
            yield (*calls[:number], *(_at(call, int(call.arguments["now_ns"]) - shift) for call in calls[number:]))

    def _stands(self, calls: tuple[Call, ...]) -> bool:
        assert self.running.found is not None
        self.tries += 1
        if self.tries > MOST_POLISH:
            return False
        try:
            self.running.try_case(attrs.evolve(self.running.found.case, calls=calls))
        except (Violation, Errored):
            return True
        return False


def _less(value: int, least: int = 0, tenth: int = 0) -> list[int]:
    """Return smaller numbers of the same sign to try, the smallest first; none below `least`.

    Of a time that is counted in finer parts than a `tenth` of its unit, whole units and tenths are preferred.
    """
    if value < 0:
        return [-less for less in _less(-value, 1)]
    if tenth > 1 and value >= tenth:
        whole = {value - value % part for part in (10 * tenth, tenth)}
        smaller = whole | {value // 2 // tenth * tenth, value - 1 if value % tenth else value - tenth}
        return sorted(less for less in {least} | smaller if least <= less < value)
    return sorted(less for less in {least, 1, value // 2, value - 1} if least <= less < value)


def _at(call: Call, now: int) -> Call:
    return attrs.evolve(call, arguments={**call.arguments, "now_ns": now})
