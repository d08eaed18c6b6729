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
from hypothesis import HealthCheck, Phase, given, seed, settings, target

from headgate.properties.review.case import Asked, Call, Case, Errored, Violation
from headgate.properties.review.declared import Declared
from headgate.properties.review.suites.common import Suite
from headgate.properties.review.targets import Target

__all__ = ["PROFILES", "Outcome", "Profile", "Review", "conforms", "hunt", "run_case"]


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


# How long a case is made smaller, by the draws and after them: enough for any that a person would read.
SHRINK_SECONDS, MOST_POLISH = 20.0, 2_000


class Outcome(enum.Enum):
    """What a review concludes."""

    CONFORMING = "conforming"
    VIOLATING = "violating"
    ERRORED = "errored"


@attrs.frozen
class Review:
    """The verdict: what was broken or went wrong, the smallest case that shows it, and what was asked and answered.

    `cases` is how many cases ran; `complete` is false where time ended the hunt before its last case.
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


def run_case(suite: Suite, target: Target, declared: Declared, case: Case) -> list[Asked]:
    """Run one case; return what was asked. Raises Violation or Errored."""
    log: list[Asked] = []
    with target.session(case.configuration) as session:
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
        self.cases, self.complete = 0, True
        self.found: _Found | None = None
        self.shrink_until = float("inf")

    def try_case(self, case: Case) -> float | None:
        """Run one case; remember and raise what it shows, or return how close it came."""
        now = time.monotonic()
        if self.found is None:
            if now - self.begun > self.profile.seconds:
                self.complete = False
                return None
            self.cases += 1
        elif now > self.shrink_until:
            return None
        log: list[Asked] = []
        try:
            with self.target.session(case.configuration) as session:
                return self.suite.conduct(case, session, self.declared, log)
        except (Violation, Errored) as fault:
            if self.found is not None and type(fault) is not type(self.found.fault):
                return None  # shrinking keeps to the kind that was found first
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
            return Review(Outcome.CONFORMING, *base)
        fault, case, asked = self.found.fault, self.found.case, self.found.asked
        if isinstance(fault, Violation):
            return Review(Outcome.VIOLATING, *base, violation=fault, case=case, asked=asked)
        return Review(Outcome.ERRORED, *base, error=fault, case=case, asked=asked)


def hunt(
    suite: Suite,
    reached: Target,
    declared: Declared,
    profile: Profile,
    progress: Callable[[int], None] | None = None,
) -> Review:
    """Run the suite against the target until a case shows something, or the profile is done."""
    running = _Hunt(suite, reached, declared, profile)
    try:
        return _hunt(running, progress)
    finally:
        reached.close()


def _hunt(running: _Hunt, progress: Callable[[int], None] | None) -> Review:
    for case in running.suite.seeds(running.declared):
        try:
            running.try_case(case)
        except (Violation, Errored):
            break
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
        phases=(Phase.generate, Phase.target, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(running.suite.cases(running.declared))
    def attempt(case: Case) -> None:
        score = running.try_case(case)
        if score is not None:
            target(score)
        if progress is not None and running.found is None:
            progress(running.cases)

    drawn: Callable[[], Any] = attempt if not profile.dice else seed(profile.dice)(attempt)
    with contextlib.suppress(Violation, Errored):  # running.found holds the smallest
        drawn()


class _Polish:
    """Makes the case found smaller where the draws could not: fewer calls, then shorter waits and smaller numbers."""

    def __init__(self, running: _Hunt) -> None:
        self.running = running
        self.tries = 0

    def run(self) -> None:
        """Take the first change that keeps the fault, until none does."""
        while any(self._stands(smaller) for smaller in self._smaller()):
            pass

    def _smaller(self) -> Iterator[Case]:
        assert self.running.found is not None
        case = self.running.found.case
        calls = case.calls
        for number in range(len(calls)):
            yield attrs.evolve(case, calls=(*calls[:number], *calls[number + 1 :]))
        for number in range(len(calls)):
            for earlier in self._earlier(calls, number):
                yield attrs.evolve(case, calls=earlier)
            for argument, value in calls[number].arguments.items():
                if argument != "now_ns" and isinstance(value, int):
                    for less in _less(value, least=1 if argument == "size" else 0):
                        changed = attrs.evolve(calls[number], arguments={**calls[number].arguments, argument: less})
                        yield attrs.evolve(case, calls=(*calls[:number], changed, *calls[number + 1 :]))

    def _earlier(self, calls: tuple[Call, ...], number: int) -> Iterator[tuple[Call, ...]]:
        """Yield the calls with a shorter wait before one of them; the waits after it stay."""
        times = [call.arguments.get("now_ns") for call in calls]
        before = times[number - 1] if number else 0
        here = times[number]
        if not isinstance(here, int) or not isinstance(before, int) or here <= before:
            return
        quantum = self.running.declared.clock.quantum_ns
        for wait in _less((here - before) // quantum):
            shift = here - before - wait * quantum
            yield (*calls[:number], *(_at(call, int(call.arguments["now_ns"]) - shift) for call in calls[number:]))

    def _stands(self, case: Case) -> bool:
        self.tries += 1
        if self.tries > MOST_POLISH:
            return False
        try:
            self.running.try_case(case)
        except (Violation, Errored):
            return True
        return False


def _less(value: int, least: int = 0) -> list[int]:
    """Return smaller numbers of the same sign to try, the smallest first; none below `least`."""
    if value < 0:
        return [-less for less in _less(-value, 1)]
    return sorted(less for less in {least, 1, value // 2, value - 1} if least <= less < value)


def _at(call: Call, now: int) -> Call:
    return attrs.evolve(call, arguments={**call.arguments, "now_ns": now})
