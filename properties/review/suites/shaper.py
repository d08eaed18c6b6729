"""The role `shaper`: something that holds each submission until it conforms, and says when it leaves.

Judged against the earliest departure that keeps order and envelope, computed from the departures that the
implementation gave before: neither early (TB-4) nor late (TB-5), and in order (AR-2).
"""

from fractions import Fraction
from typing import Any, Protocol

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from headgate.model.bucket import Bucket, full, refill
from headgate.properties.review.case import Asked, Call, Case, Violation
from headgate.properties.review.declared import Declared, number_text, plain
from headgate.properties.review.suites.common import Suite, ask, number, refusable
from headgate.properties.review.targets import Session

__all__ = ["SUITE", "ShaperLike"]


# How many calls a seed has at most, where the depth is submitted bit by bit.
MOST_CALLS = 500


class ShaperLike(Protocol):
    """An object that is told of every submission, and answers at once when it will leave."""

    def submit(self, now: float, size: int) -> float:
        """Return the departure of `size` bytes submitted at `now`, both in units of the declared clock."""


class _Reference:
    """The earliest departure: the bucket, charged at the departures given so far."""

    def __init__(self, case: Case, declared: Declared) -> None:
        self.rate: Fraction = declared.exact(case.configuration, "rate") / declared.clock.unit_ns
        self.depth: Fraction = declared.exact(case.configuration, "burst")
        self.bucket, self.last = full(self.depth), Fraction(0)

    def earliest(self, now: int, size: int) -> Fraction:
        """Return the first instant, not before the last departure, at which the bucket covers `size`."""
        begin = max(Fraction(now), self.last)
        held = refill(self.bucket, self.rate, self.depth, begin - self.last)
        return begin + max(Fraction(0), (size - Fraction(held.level)) / self.rate)

    def leave(self, departure: Fraction, size: int) -> None:
        """Charge `size` at its departure; what left too early, within the tolerance, is charged all the same."""
        elapsed = max(Fraction(0), departure - self.last)
        held = refill(self.bucket, self.rate, self.depth, elapsed)
        self.bucket, self.last = Bucket(held.level - size), max(departure, self.last)


def conduct(case: Case, session: Session, declared: Declared, log: list[Asked]) -> None:
    """Submit what the case says, and judge each departure."""
    reference = _Reference(case, declared)
    span = max((int(call.arguments["now_ns"]) for call in case.calls), default=0)
    session.prepare(case.calls)
    for call in case.calls:
        now, size = int(call.arguments["now_ns"]), int(call.arguments["size"])
        if size <= 0 or size > reference.depth:
            refusable(session, call, log)
            return  # what comes of it is not said; no clause speaks of what follows
        departure = number(call, ask(session, call, log)) * declared.clock.unit_ns
        earliest = reference.earliest(now, size)
        slack = declared.tolerance * max(span, int(earliest), 1)
        if departure < reference.last - slack:
            raise Violation(
                "AR-2", _departs(departure), f"no sooner than the one before it, {number_text(reference.last)} ns"
            )
        if departure < earliest - slack:
            raise Violation("TB-4", _departs(departure), f"no sooner than {number_text(earliest)} ns, when it conforms")
        # A clock of whole units can tell the departure at the next unit only.
        late = departure - earliest - slack
        if late >= declared.clock.unit_ns if declared.clock.whole else late > 0:
            raise Violation("TB-5", _departs(departure), f"at {number_text(earliest)} ns, when it conforms")
        reference.leave(max(departure, earliest - slack), size)


def _departs(departure: Fraction) -> str:
    return f"departs at {number_text(departure)} ns"


@st.composite
def _cases(draw: DrawFn, declared: Declared) -> Case:
    given = {name: st.just(plain(value)) for name, value in declared.numbers.items()}
    configuration = draw(st.fixed_dictionaries({"rate": st.integers(1, 12), "burst": st.integers(1, 40), **given}))
    depth, quantum = int(configuration["burst"]), declared.clock.quantum_ns
    fill = max(1, int(Fraction(depth) / Fraction(configuration["rate"])) * declared.clock.unit_ns // quantum)
    wait = st.one_of(st.just(0), st.integers(0, 3), st.integers(0, fill), st.just(100 * fill))
    most = min(depth, declared.largest or depth)
    size = st.one_of(st.integers(1, most), st.just(most), st.just(1))
    calls, now = [], 0
    for gap, bytes_ in draw(st.lists(st.tuples(wait, size), min_size=1, max_size=12)):
        now += gap * quantum
        calls.append(Call("submit", {"now_ns": now, "size": bytes_}))
    return Case(configuration, tuple(calls))


def cases(declared: Declared) -> SearchStrategy[Case]:
    """Draw cases for what was declared."""
    return _cases(declared)


def seeds(declared: Declared) -> list[Case]:
    """Return the cases that are always run: a flood, and a flood after an idle spell."""
    numbers: dict[str, Any] = {"rate": 1, "burst": 3} | {name: plain(v) for name, v in declared.numbers.items()}
    depth, unit = int(numbers["burst"]), declared.clock.unit_ns
    most = min(depth, declared.largest or depth)
    once = min(-(-depth // most), MOST_CALLS // 5)
    flood = tuple(Call("submit", {"now_ns": 0, "size": most}) for _ in range(3 * once))
    later = tuple(Call("submit", {"now_ns": 1000 * unit, "size": most}) for _ in range(2 * once))
    return [Case(numbers, flood), Case(numbers, (*flood[:once], *later))]


SUITE = Suite(
    "shaper",
    "holds each submission until it conforms, and says when it leaves",
    ShaperLike,
    {"rate": "bytes a unit of the clock", "burst": "bytes at once"},
    ("token-bucket",),
    cases,
    conduct,
    seeds,
)
