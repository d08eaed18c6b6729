"""The role `bucket`: something that admits or refuses, and promises an envelope.

Judged both ways against the reference, which follows the implementation's own decisions: never over (TB-4), never
under (TB-5). What the token bucket would decide on the same past is computed by the model itself; counters of windows
have judges of their own (WC-1 to WC-3).
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from itertools import product
from math import lcm
from typing import Any, Protocol

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from headgate.model.bucket import Bucket, full, refill
from headgate.properties.review.case import Asked, Call, Case, Errored, Violation
from headgate.properties.review.declared import Declared, number_text, plain
from headgate.properties.review.suites.bucket_places import Exact, FixedPlace, SlidingPlace, WeighedPlace, short
from headgate.properties.review.suites.bucket_windows import FixedWindows, SlidingWindow, WeighedWindows
from headgate.properties.review.suites.common import Suite, ask, decision, refusable
from headgate.properties.review.targets import Session

__all__ = ["SUITE", "BucketLike"]


class BucketLike(Protocol):
    """An object that decides on every offer at once."""

    def offer(self, now: float, size: int) -> bool:
        """Return whether `size` bytes (tokens) are admitted at `now`, in units of the declared clock."""


# ---- the reference ----


class _TokenBucket:
    """The envelope of one key: what a token bucket holds that was charged with what was admitted.

    It counts in parts of a byte that make whole numbers of the rate and the depth: the rule then runs on integers.
    `clause` is that of sizes which never fit. Where floats have the numbers of a case and it `brims`, as much as
    the depth is there whatever was rounded on the way: it is `exact` then, without a tolerance.
    """

    clause = "TB-6"

    def __init__(self, configuration: dict[str, Fraction], slack: Fraction) -> None:
        rate, depth = configuration["rate"], configuration["burst"]
        self.parts = lcm(rate.denominator, depth.denominator)
        self.rate, self.most = int(rate * self.parts), int(depth * self.parts)
        self.depth, self.slack = short(depth), short(slack * depth)
        self.state, self.last = full(self.most), 0
        self.exact, self.brims = False, True

    def level(self, now: int) -> Exact:
        """Return the bytes that may be admitted at `now`; a clock that went back gains nothing."""
        if now > self.last:
            self.brims |= self.state.level + self.rate * (now - self.last) > self.most
            self.state = refill(self.state, self.rate, self.most, now - self.last)
            self.last = now
        return self.state.level if self.parts == 1 else Fraction(self.state.level, self.parts)

    def take(self, size: int) -> None:
        """Charge what was admitted."""
        self.state, self.brims = Bucket(self.state.level - size * self.parts), False

    def soonest(self, size: int) -> Fraction:
        """Return how many ns from its last moment on it covers `size`."""
        return max(Fraction(0), Fraction(size * self.parts - self.state.level, self.rate))

    def hear(self, now: int, size: int, admitted: bool, back: bool) -> None:
        """Judge an answer, and charge what was admitted. To a time before the last one any refusal is right."""
        level = self.level(now)
        slack = 0 if self.exact and self.brims else self.slack
        if admitted and size > level + slack:
            over = f"admits {size} bytes at {now} ns, where {number_text(max(Fraction(0), level))} are left"
            raise Violation("TB-4", over, "a refusal: some window would hold more than its envelope")
        if not admitted and not back and size <= level - slack:
            under = f"refuses {size} bytes at {now} ns, where {number_text(level)} are left"
            raise Violation("TB-5", under, "admission: no window would exceed its envelope")
        if admitted:
            self.take(size)

    def saw(self, now: int, size: int) -> None:
        """Hear of an offer that must be refused; it changes nothing."""


REFERENCES: Mapping[str, Callable[[dict[str, Fraction], Fraction], "Reference"]] = {
    "token-bucket": _TokenBucket,
    "fixed-window": FixedPlace,
    "fixed-window-attempts": FixedPlace,
    "sliding-window": SlidingPlace,
    "sliding-window-counter": WeighedPlace,
}
Reference = _TokenBucket | FixedPlace | SlidingPlace | WeighedPlace


Judge = _TokenBucket | FixedWindows | SlidingWindow | WeighedWindows
JUDGES: Mapping[str, Callable[[dict[str, Fraction], Fraction], Judge]] = {
    "token-bucket": _TokenBucket,
    "fixed-window": FixedWindows,
    "fixed-window-attempts": partial(FixedWindows, attempts=True),
    "sliding-window": SlidingWindow,
    "sliding-window-counter": WeighedWindows,
}


def _numbers(case: Case, declared: Declared) -> dict[str, Fraction]:
    """Return the numbers of a case, exactly, in bytes and ns."""
    unit = declared.clock.unit_ns
    scale = {"burst": Fraction(1), "rate": Fraction(1, unit), "window": Fraction(unit)}
    return {
        name: declared.exact(case.configuration, name) * scale[name] for name in scale if name in case.configuration
    }


def _reference(case: Case, declared: Declared) -> Reference:
    return REFERENCES[declared.policy](_numbers(case, declared), declared.tolerance)


# ---- the judge ----

# Up to what time, in units, and down to what part of one, numbers count as those that floats have.
MOST_UNITS, LEAST_PART = 1 << 20, 16


def conduct(case: Case, session: Session, declared: Declared, log: list[Asked]) -> None:
    """Offer what the case says, and judge each decision."""
    kept: dict[object, Judge] = {}
    numbers, exact = _numbers(case, declared), declared.rounds and _floats_have(case, declared)
    session.prepare(case.calls)
    for call in case.calls:
        key = call.arguments.get("key", 0)
        judge = kept.get(key)
        if judge is None:
            judge = kept[key] = JUDGES[declared.policy](numbers, declared.tolerance)
            if isinstance(judge, _TokenBucket):
                judge.exact = exact
        if not _leaves_open(call, judge, declared):
            _offer(judge, call, session, log)


def _floats_have(case: Case, declared: Declared) -> bool:
    """Return whether floats have all numbers: the rate, for a divisor, is a power of two; times are short."""
    times = (Fraction(int(call.arguments["now_ns"]), declared.clock.unit_ns) for call in case.calls)
    return _is_power_of_two(declared.exact({"rate": 1, **case.configuration}, "rate")) and all(map(_is_short, times))


def _is_power_of_two(value: Fraction) -> bool:
    return value.numerator.bit_count() == value.denominator.bit_count() == 1


def _is_short(value: Fraction) -> bool:
    """Return whether a float has this number, with room for sums and products of a few such."""
    return value < MOST_UNITS and LEAST_PART % value.denominator == 0


def _leaves_open(call: Call, judge: Judge, declared: Declared) -> bool:
    """Return whether the call would leave open which time is the last: it must be refused, and the clock may go back.

    Whether what is refused counts as seen is for the implementation to say, so such a call is not made.
    """
    now, size = int(call.arguments["now_ns"]), int(call.arguments["size"])
    return declared.clock.goes_back and now > judge.last and not 0 < size <= judge.depth


def _offer(judge: Judge, call: Call, session: Session, log: list[Asked]) -> None:
    now, size = call.arguments["now_ns"], call.arguments["size"]
    assert isinstance(now, int)
    assert isinstance(size, int)
    if size <= 0 or size > judge.depth:
        _refuse(judge, call, size, session, log)
        judge.saw(now, size)
        return
    back = now < judge.last
    admitted = _granted(call, refusable(session, call, log)) if back else decision(call, ask(session, call, log))
    judge.hear(now, size, admitted, back)


def _refuse(judge: Judge, call: Call, size: int, session: Session, log: list[Asked]) -> None:
    """A size of 0 may be answered either way, a negative one too; what must not happen is seen in the next offers."""
    if _granted(call, refusable(session, call, log)) and size > judge.depth:
        most = f"a refusal: the depth is {number_text(judge.depth)}"
        raise Violation(judge.clause, f"admits {size} bytes at once", most)


def _granted(call: Call, answer: object) -> bool:
    """Return whether an offer that may be refused was admitted; None, or an error object, is a refusal."""
    try:
        return decision(call, answer)
    except Errored:
        return False


# ---- what is offered ----


@attrs.frozen
class _Aim:
    """How the next offer is placed: how long after the last, and how large, relative to what the reference holds."""

    wait: str
    wait_by: int
    size: str
    size_by: int


WAITS = ("none", "fits", "fits", "idle", "some", "some", "half")
SIZES = ("one", "level", "level", "all", "half", "some", "over", "zero", "negative")
WAITS_BY = (0, -1, 1, 0, -1, 1, 2, 3, 5, 9, 17, 40)
# How often the aims of a case are gone through: a fault that takes many calls to show is offered as many now and then.
REPEATS = (*(1,) * 15, 16)
# One draw an aim, the plainest first, rather than one a field: draws are what a review spends its time on.
_EVERY_AIM = [_Aim(*each) for each in product(WAITS, WAITS_BY, SIZES, range(4))]
_AIMS = st.sampled_from(_EVERY_AIM)


def _configurations(declared: Declared) -> SearchStrategy[dict[str, Any]]:
    """Draw the numbers that are not declared."""
    drawn: dict[str, SearchStrategy[Any]] = {"burst": st.integers(1, 40)}
    if declared.policy == "token-bucket":
        drawn["rate"] = st.integers(1, 12)
    else:
        drawn["window"] = st.integers(1, 12)
    given = {name: st.just(plain(value)) for name, value in declared.numbers.items()}
    return st.fixed_dictionaries({**drawn, **given})


@st.composite
def _cases(draw: DrawFn, declared: Declared) -> Case:
    configuration = draw(_configurations(declared))
    aims = draw(st.lists(_AIMS, min_size=1, max_size=12))
    keys = (
        draw(st.lists(st.integers(0, declared.keys), min_size=len(aims), max_size=len(aims))) if declared.keys else []
    )
    backs = (
        draw(st.lists(st.integers(0, 3), min_size=len(aims), max_size=len(aims))) if declared.clock.goes_back else []
    )
    times = draw(st.sampled_from(REPEATS))
    return _place(configuration, aims * times, keys * times, backs * times, declared)


def _place(
    configuration: dict[str, Any],
    aims: list[_Aim],
    keys: list[int],
    backs: list[int],
    declared: Declared,
    begin: int = 0,
) -> Case:
    """Turn aims into calls from `begin` on, by the reference that takes whatever it can."""
    case, now = Case(configuration, ()), begin
    kept: dict[int, Reference] = {}
    calls = []
    for number, aim in enumerate(aims):
        key = keys[number] if keys else 0
        reference = kept.setdefault(key, _reference(case, declared))
        level = reference.level(now)
        size = _size(aim, level, reference.depth)
        if declared.legal:
            size = min(max(1, size), int(reference.depth))
        now += _wait(aim, size, reference, declared)
        level = reference.level(now)
        if 0 < size <= level:
            reference.take(size)
        told = now - backs[number] * declared.clock.quantum_ns if backs else now
        calls.append(_call(max(0, told), size, key, declared))
    return Case(configuration, tuple(calls))


def _in_parts(case: Case, declared: Declared) -> Case:
    """Return the case with nothing in it that is larger than declared: in place of one offer there are several."""
    if not declared.largest:
        return case
    calls: list[Call] = []
    for call in case.calls:
        size, most = int(call.arguments["size"]), declared.largest
        parts = [most] * (size // most) + [size % most] * (size % most > 0)
        calls += [attrs.evolve(call, arguments={**call.arguments, "size": part}) for part in parts]
    most = MOST_CALLS + 3 * min(DEEPEST, int(declared.exact(case.configuration, "burst")))
    return attrs.evolve(case, calls=tuple(calls[:most]))


def _call(now: int, size: int, key: int, declared: Declared) -> Call:
    arguments: dict[str, int | str] = {"now_ns": now, "size": size}
    return Call("offer", {**arguments, "key": f"key{key}"} if declared.keys else arguments)


def _size(aim: _Aim, level: Exact, depth: Exact) -> int:
    whole = max(0, int(level))
    return {
        "one": 1,
        "level": max(1, whole + aim.size_by - 1),
        "all": max(1, int(depth)),
        "half": max(1, int(depth) // 2),
        "some": 1 + aim.size_by * max(1, int(depth) // 7),
        "over": int(depth) + 1 + aim.size_by,
        "zero": 0,
        "negative": -1 - aim.size_by * max(1, int(depth) // 3),
    }[aim.size]


def _wait(aim: _Aim, size: int, reference: Reference, declared: Declared) -> int:
    """Return how many ns to wait, in whole quanta of the clock."""
    quantum = declared.clock.quantum_ns
    step = declared.clock.unit_ns if isinstance(reference, _TokenBucket) else max(1, int(reference.length) // 4)
    if aim.wait == "none":
        return 0
    if aim.wait == "fits":
        exact = reference.soonest(min(size, int(reference.depth)))
        return (
            max(0, -(-exact.numerator // (exact.denominator * quantum)) + aim.wait_by * (abs(aim.wait_by) <= 1))
            * quantum
        )
    if aim.wait == "half":
        return max(1, step // (2 * quantum)) * quantum
    span = abs(aim.wait_by) * (step if aim.wait == "some" else 100 * step)
    return -(-span // quantum) * quantum


def cases(declared: Declared) -> SearchStrategy[Case]:
    """Draw cases for what was declared."""
    return _cases(declared).map(lambda case: _in_parts(case, declared))


# A bucket drained after an idle spell, and drained again at once: what was saved twice shows here.
_IDLE = [_Aim("idle", 3, "one", 0), _Aim("idle", 3, "all", 0), _Aim("none", 0, "one", 0), _Aim("none", 0, "all", 0)]
# The last quantum before it fits again, and the first at which it does.
_EDGE = [_Aim("none", 0, "all", 0), _Aim("fits", -1, "all", 0), _Aim("none", 0, "one", 0), _Aim("fits", 0, "all", 0)]
# Many small offers between two refills: a clock floored to a coarser unit shows here.
_SMALL = [_Aim("none", 0, "all", 0), *[_Aim("fits", 0, "one", 0)] * 5]
# Offers between two whole units of the clock: what is earned in part of one must not be lost.
_PARTS = [_Aim("none", 0, "all", 0), *[_Aim("half", 0, "one", 0)] * 3]
# A negative size must refund nothing.
_REFUND = [_Aim("none", 0, "all", 0), _Aim("none", 0, "negative", 3), _Aim("none", 0, "one", 0)]
# Two windows that are filled, so that what is rounded is known, and a third whose first offer is refused.
_WEIGHED = [
    _Aim("none", 0, "all", 0),
    *[_Aim("some", quarters, size, 1) for quarters, size in ((5, "all"), (2, "all"), (1, "one"), (1, "all"))],
]


# How many turns the steady case has, and to how many quanta times are rounded beyond 2^53 ns.
STEADY, COARSE = 100, 64
# How many calls a case has at most, where one offer becomes several, beside those that use up the depth thrice.
MOST_CALLS, DEEPEST = 200, 1_000


def seeds(declared: Declared) -> list[Case]:
    """Return the cases that are always run: the corners that the rules have."""
    if declared.policy == "token-bucket":
        configuration: dict[str, Any] = {"rate": 1, "burst": 3}
    else:
        configuration = {"window": 4, "burst": 3}
    configuration |= {name: plain(value) for name, value in declared.numbers.items()}
    made = [_place(configuration, aims, [], [], declared) for aims in (_IDLE, _EDGE, _SMALL, _PARTS, _REFUND)]
    if declared.policy == "sliding-window-counter":
        made.append(_place(configuration, _WEIGHED, [], [], declared))
    made += [_steady(configuration, declared), *_late(configuration, declared)]
    return [_in_parts(case, declared) for case in made]


def _steady(configuration: dict[str, Any], declared: Declared) -> Case:
    """Return a case that takes all there is as soon as there is any, and asks for one more each time.

    A rate that is a little too high, or one call too many that is not counted, adds up until it shows.
    """
    case, now, calls = Case(configuration, ()), 0, list[Call]()
    reference = _reference(case, declared)
    quantum = declared.clock.quantum_ns
    for _ in range(STEADY):
        level = int(reference.level(now))
        if 0 < level < int(reference.depth):
            calls.append(_call(now, level + 1, 0, declared))
        if level > 0:
            calls.append(_call(now, level, 0, declared))
            reference.take(level)
        wait = max(Fraction(quantum), reference.soonest(min(1, int(reference.depth))))
        now += -(-wait.numerator // (wait.denominator * quantum)) * quantum
    return Case(configuration, tuple(calls))


def _late(configuration: dict[str, Any], declared: Declared) -> list[Case]:
    """Return cases late in the life of a clock that counts whole units: when 32 bits of ns, us or ms are used up.

    Floats would lose units there, so that an implementation with floats inside is not asked. Beyond 2^53 ns, which
    JSON numbers and floats do not all have, the times and the decisions are coarse enough to be told by any.
    """
    if not declared.clock.whole or declared.tolerance:
        return []
    quantum = declared.clock.quantum_ns
    made = []
    for unit in (1, 1_000, 1_000_000):
        begin = -(-((1 << 32) - 2) * unit // quantum) * quantum
        made.append(_place(configuration, _EDGE, [], [], declared, begin))
    own = configuration if declared.numbers else {**configuration, "burst": 1024}
    reference = _reference(Case(own, ()), declared)
    reference.take(int(reference.depth))
    grain = quantum * COARSE
    fill = -(-2 * int(reference.soonest(int(reference.depth)) + 1) // grain) * grain
    if int(reference.depth) > 0 and fill > 4 * grain:
        begin = -(-(1 << 53) // grain) * grain
        twice = [_call(now, int(reference.depth), 0, declared) for now in (begin, begin + fill) for _ in range(2)]
        made.append(Case(own, tuple(twice)))
    return made


SUITE = Suite(
    "bucket",
    "admits or refuses each offer, and keeps an envelope",
    BucketLike,
    {"rate": "bytes a unit of the clock", "burst": "bytes at once", "window": "units of the clock (windows only)"},
    tuple(JUDGES),
    cases,
    conduct,
    seeds,
)
