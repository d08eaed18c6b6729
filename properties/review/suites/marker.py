"""The role `marker`: RFC 2698's two-rate three-colour marker, colour-blind.

Judged against the reference, which follows the colours that the implementation gave: TC-2, and so TC-3 and TC-4.
"""

from fractions import Fraction
from typing import Any, Protocol

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from headgate.model.bucket import Bucket
from headgate.model.marker import Marker, MarkerRates, advance, fresh
from headgate.properties.review.case import Asked, Call, Case, Errored, Violation
from headgate.properties.review.declared import Declared, number_text, plain
from headgate.properties.review.suites.common import Suite, ask
from headgate.properties.review.targets import Session

__all__ = ["SUITE", "MarkerLike"]

COLOURS = ("green", "yellow", "red")


class MarkerLike(Protocol):
    """An object that gives every packet a colour at once."""

    def mark(self, now: float, size: int) -> str:
        """Return "green", "yellow" or "red" (or 0, 1, 2) for `size` bytes at `now`, in units of the declared clock."""


def conduct(case: Case, session: Session, declared: Declared, log: list[Asked]) -> None:
    """Mark what the case says, and judge each colour."""
    unit = declared.clock.unit_ns
    cir, cbs, pir, pbs = (declared.exact(case.configuration, name) for name in ("cir", "cbs", "pir", "pbs"))
    rates = MarkerRates(cir / unit, cbs, pir / unit, pbs)
    state, last = fresh(rates), 0
    session.prepare(case.calls)
    for call in case.calls:
        now, size = int(call.arguments["now_ns"]), int(call.arguments["size"])
        state, last = advance(state, rates, now - last), now
        colour = _colour(call, ask(session, call, log))
        allowed = _allowed(state, rates, size, declared.tolerance)
        if colour not in allowed:
            committed, peak = (number_text(Fraction(bucket.level)) for bucket in (state.committed, state.peak))
            held = f"the committed bucket holds {committed}, the peak bucket {peak}"
            raise Violation("TC-2", f"marks {size} bytes at {now} ns {colour}", f"{' or '.join(allowed)}: {held}")
        state = _charged(state, size, colour)


def _colour(call: Call, answer: object) -> str:
    if isinstance(answer, str) and answer.lower() in COLOURS:
        return answer.lower()
    if isinstance(answer, int) and 0 <= answer <= 2:
        return COLOURS[answer]
    raise Errored("garbage", f"{call} returned {answer!r:.80}, expected green, yellow or red")


def _allowed(state: Marker, rates: MarkerRates, size: int, tolerance: Fraction) -> list[str]:
    """Return the colours that the rule gives with each bucket within the tolerance of what it holds."""
    found = set()
    for peak in (-tolerance, tolerance):
        for committed in (-tolerance, tolerance):
            if Fraction(state.peak.level) + peak * rates.peak_depth < size:
                found.add("red")
            elif Fraction(state.committed.level) + committed * rates.committed_depth < size:
                found.add("yellow")
            else:
                found.add("green")
    return [colour for colour in COLOURS if colour in found]


def _charged(state: Marker, size: int, colour: str) -> Marker:
    peak = Bucket(state.peak.level - (size if colour != "red" else 0))
    return Marker(Bucket(state.committed.level - (size if colour == "green" else 0)), peak)


@st.composite
def _cases(draw: DrawFn, declared: Declared) -> Case:
    fixed = {name: plain(value) for name, value in declared.numbers.items()}
    cir, cbs, pbs = draw(st.integers(1, 8)), draw(st.integers(1, 24)), draw(st.integers(1, 24))
    numbers = {"cbs": cbs, "pbs": pbs, **_rates(fixed, cir, draw(st.integers(0, 8))), **fixed}
    quantum = declared.clock.quantum_ns
    fill = max(1, int(Fraction(numbers["pbs"]) / Fraction(numbers["pir"])) * declared.clock.unit_ns // quantum)
    wait = st.one_of(st.just(0), st.integers(0, 3), st.integers(0, fill), st.just(50 * fill))
    largest = int(max(numbers["cbs"], numbers["pbs"]))
    size = st.one_of(st.integers(1, largest + 1), st.sampled_from((1, int(numbers["cbs"]), int(numbers["pbs"]))))
    calls, now = [], 0
    for gap, bytes_ in draw(st.lists(st.tuples(wait, size), min_size=1, max_size=12)):
        now += gap * quantum
        calls.append(Call("mark", {"now_ns": now, "size": bytes_}))
    return Case(numbers, tuple(calls))


def _rates(fixed: dict[str, Any], cir: int, more: int) -> dict[str, Any]:
    """Return rates of which the peak is no less than the committed one, as RFC 2698 demands, whatever is fixed."""
    if "pir" in fixed:
        return {"cir": min(cir, fixed["pir"])}
    return {"cir": cir, "pir": fixed.get("cir", cir) + more}


def cases(declared: Declared) -> SearchStrategy[Case]:
    """Draw cases for what was declared."""
    return _cases(declared)


def seeds(declared: Declared) -> list[Case]:
    """Return the cases that are always run: every colour from full buckets, the peak bucket the smaller one too."""
    unit = declared.clock.unit_ns
    fixed = {name: plain(value) for name, value in declared.numbers.items()}
    numbers: dict[str, Any] = {"cbs": 4, "pbs": 6, **_rates(fixed, 1, 1), **fixed}
    sizes = (int(numbers["cbs"]), 2, 1, 1)
    once = tuple(Call("mark", {"now_ns": 0, "size": size}) for size in sizes)
    again = tuple(Call("mark", {"now_ns": 100 * unit, "size": size}) for size in sizes)
    return [Case(numbers, (*once, *again))]


SUITE = Suite(
    "marker",
    "gives every packet a colour by RFC 2698",
    MarkerLike,
    {"cir": "bytes a unit of the clock", "cbs": "bytes", "pir": "bytes a unit of the clock", "pbs": "bytes"},
    ("rfc2698",),
    cases,
    conduct,
    seeds,
)
