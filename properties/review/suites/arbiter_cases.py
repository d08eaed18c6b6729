"""What an arbiter is offered: arrivals that aim at what goes wrong in arbiters."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, lcm
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from headgate.model.arbiters.drr import quanta_for
from headgate.properties.review.case import Call, Case
from headgate.properties.review.declared import Declared, plain
from headgate.properties.review.suites.arbiter_fluid import SKEWED, known, missed, near

__all__ = ["FOUND", "cases", "seeds"]


WEIGHTS = (1, 1, 2, 3, 5, 10)
LARGEST = 9
# What a case for an arbiter that follows the fluid is made of (see arbiter_fluid).
KINDS = ("near", "near", "missed", "shapes")
# Who comes back while its last request is in service: two notions of DRR differ in it.
SHAPES_OF_DRR = ("returns", "returns")
SHAPES = ("mingled", "flood", "return", "clocked", "together", "leaves", "misses", "misses")


def _declared_weights(declared: Declared) -> list[Any] | None:
    """Return the weights that are declared; quanta stand for them, and priorities say how many tenants there are."""
    numbers = declared.numbers
    if "weights" in numbers or "quanta" in numbers:
        return list(plain(numbers.get("weights") or numbers["quanta"]))
    return [1] * len(numbers["priorities"]) if "priorities" in numbers else None


@st.composite
def _cases(draw: DrawFn, declared: Declared) -> Case:
    fixed = {name: plain(value) for name, value in declared.numbers.items()}
    weights = _declared_weights(declared) or draw(st.lists(st.sampled_from(WEIGHTS), min_size=2, max_size=5))
    count = len(weights)
    configuration: dict[str, Any] = {"weights": weights, **fixed}
    if declared.policy == "priority" and "priorities" not in fixed:
        configuration["priorities"] = draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    if declared.policy == "drr":
        _add_quanta(configuration, draw(st.sampled_from((1, 2, 3, LARGEST))))
    if declared.policy == "wfq" and (kind := draw(st.sampled_from(KINDS))) != "shapes":
        return _aimed(draw, kind, configuration, declared)
    calls: list[tuple[int, int, int]] = []
    begin = 0
    shapes = SHAPES + (SHAPES_OF_DRR if declared.policy == "drr" else ())
    for _ in range(draw(st.integers(1, 3))):
        begin = _stretch(draw, draw(st.sampled_from(shapes)), count, begin, calls)
    return Case(configuration, _calls(calls, configuration, declared))


def _aimed(draw: DrawFn, kind: str, configuration: dict[str, Any], declared: Declared) -> Case:
    """Draw a case for an arbiter that follows the fluid; the weights, if they are not declared, belong to it."""
    own, arrivals = draw(st.sampled_from(known())) if kind == "near" else (draw(st.sampled_from(SKEWED)), [])
    if _declared_weights(declared) is None:
        configuration["weights"] = list(own)
    count = len(configuration["weights"])
    arrivals = [(at, who % count, size) for at, who, size in arrivals]
    drawn = near(draw, arrivals, count) if kind == "near" else missed(draw, count)
    return Case(configuration, _calls(drawn, configuration, declared))


def _add_quanta(configuration: dict[str, Any], largest: int) -> None:
    """Add whole quanta in proportion to the weights, the least of them `largest`, unless they are declared."""
    weights = tuple(Fraction(weight) for weight in configuration["weights"])
    quanta = quanta_for(weights, (largest,) * len(weights))
    configuration.setdefault("quanta", [ceil(quantum) for quantum in quanta])


def _stretch(draw: DrawFn, shape: str, count: int, begin: int, calls: list[tuple[int, int, int]]) -> int:
    """Add a stretch of arrivals (time, tenant, size) and return when the next may begin: during it, or after."""
    tenant, size = st.integers(0, count - 1), st.one_of(st.integers(1, 9), st.sampled_from((1, 9)))
    if shape == "mingled":
        for _ in range(draw(st.integers(1, 10))):
            calls.append((begin + draw(st.integers(0, 40)), draw(tenant), draw(size)))
    elif shape == "flood":
        who, each = draw(tenant), draw(size)
        calls += [(begin, who, each)] * draw(st.integers(2, 9))
        calls.append((begin + draw(st.integers(0, 9)), draw(tenant), draw(size)))
    elif shape == "return":
        who, busy = draw(tenant), draw(tenant)
        calls.append((begin, who, draw(size)))
        calls += [(begin, busy, draw(size)) for _ in range(draw(st.integers(1, 5)))]
        later = begin + draw(st.integers(1, 30))
        calls += [(later, who, draw(size)) for _ in range(draw(st.integers(1, 4)))]
    elif shape == "clocked":
        who, each = draw(tenant), draw(size)
        number = draw(st.integers(2, 6))
        calls += [(begin, who, each)] * number
        calls += [
            (begin + each * draw(st.integers(1, number)), draw(tenant), draw(size))
            for _ in range(draw(st.integers(1, 4)))
        ]
    elif shape == "leaves":
        _leaves(draw, count, begin, calls)
    elif shape == "misses":
        _misses(draw, count, begin, calls)
    elif shape == "returns":
        _returns(draw, count, begin, calls)
    else:
        calls += [(begin, each, draw(size)) for each in range(count) for _ in range(draw(st.integers(1, 2)))]
    last = max(at for at, _, _ in calls)
    return draw(st.sampled_from((begin, last, last + 1, last + 100)))


def _leaves(draw: DrawFn, count: int, begin: int, calls: list[tuple[int, int, int]]) -> None:
    """Let one tenant be backlogged, another come, go and come back, and a third come when the clocks differ.

    Who is served early leaves the queues before it leaves the fluid, and who is served late after it; a virtual time
    that takes the one for the other is wrong for whoever comes next.
    """
    order = draw(st.permutations(range(count)))
    stays, comes, last = order[0], order[1], order[-1]
    size, number = st.sampled_from((1, 1, 2, 4, LARGEST)), st.integers(1, 9)
    calls += [(begin, stays, draw(size))] * (1 + draw(number)) + [(begin, stays, draw(size))] * draw(number)
    now = begin
    for _ in range(draw(st.integers(1, 3))):
        calls += [(now, comes, draw(size))] * draw(number)
        now += draw(st.integers(1, 30))
    calls += [(now, last, draw(size))] * draw(st.integers(1, 3))


def _returns(draw: DrawFn, count: int, begin: int, calls: list[tuple[int, int, int]]) -> None:
    """Let one tenant be backlogged, and another come back whenever it is in service, a few small requests first."""
    order = draw(st.permutations(range(count)))
    stays, comes = order[0], order[-1]
    large, own, number = draw(st.integers(3, LARGEST)), draw(st.integers(1, LARGEST)), draw(st.integers(2, 9))
    at = begin
    for small in draw(st.lists(st.integers(1, 3), max_size=3)):
        calls.append((at, comes, small))
        at += max(1, small - 1)
    calls += [(begin, stays, large)] * (number + 1)
    calls += [(at + each * (large + own), comes, own) for each in range(number)]


def _misses(draw: DrawFn, count: int, begin: int, calls: list[tuple[int, int, int]]) -> None:
    """Let small requests miss a large one by a ns, and more come when it is done, or soon after.

    Then everybody is as late as the bound allows already, and one wrong tag is too many.
    """
    tenant, large, small = st.integers(0, count - 1), draw(st.integers(3, LARGEST)), st.integers(1, 2)
    calls.append((begin, draw(tenant), large))
    missed = [(begin + 1, draw(tenant), draw(small)) for _ in range(draw(st.integers(1, 4)))]
    calls += missed
    done = begin + large
    for _ in range(draw(st.integers(0, 3))):
        calls.append((done, draw(tenant), draw(st.sampled_from((1, large - 1, large)))))
        done += draw(st.sampled_from((0, 1, *(size for _, _, size in missed))))


def _calls(
    arrivals: Sequence[tuple[int, int, int]], configuration: Mapping[str, Any], declared: Declared
) -> tuple[Call, ...]:
    """Return the arrivals as calls, in their order; under DRR no request is larger than its tenant's quantum."""
    unit, quanta = declared.clock.unit_ns, configuration.get("quanta")
    ordered = sorted(arrivals, key=lambda arrival: arrival[0])
    return tuple(
        Call(
            "enqueue",
            {"now_ns": at * unit, "tenant": who, "size": max(1, min(size, int(quanta[who]))) if quanta else size},
        )
        for at, who, size in ordered
    )


def cases(declared: Declared) -> SearchStrategy[Case]:
    """Draw cases for what was declared."""
    return _cases(declared)


# A flood of small requests, and a larger one of another tenant: a tag that forgets the finish of the one before.
_FLOOD = [(0, 0, 1)] * 9 + [(0, 1, 2)]
# A tenant that was idle comes back: it must not be paid for its absence, nor pay for the others' presence.
_RETURN = [(0, 0, 1)] * 12 + [(6, 1, 1)] * 8
# A tenant leaves the fluid between two departures and comes back before the server has served it.
_LEAVES = [(0, 0, 9), (0, 1, 1), (0, 2, 9), (3, 1, 1), (4, 1, 9), (9, 2, 9)]


# One tenant comes and goes, and the other comes for the first time with much: its tags must not be of long ago.
_SPARSE = [(0, 0, 9), (30, 0, 9), (60, 0, 9), *[(90, 1, 9)] * 6, (90, 0, 1)]
# Of each quantum of nine a request of five leaves four; whoever forgets them falls behind round by round.
_RESTS = [(0, 0, 5)] * 14 + [(0, 1, 9)] * 10
# Who comes back while it is in service goes on at first, and then leaves four of nine at the end of every turn.
_RETURNS = [
    (0, 0, 2),
    *[(0, 1, 9)] * 11,
    (1, 0, 2),
    (3, 0, 5),
    (5, 0, 5),
    *[(19 + 14 * each, 0, 5) for each in range(9)],
]
# More tenants than a table of a few has room for, each with a few requests: a fault in those that come last.
MANY = 17
_MANY = [(0, who, 3) for who in reversed(range(MANY)) for _ in range(3)] + [(5, who, 1) for who in (0, 9, MANY - 1)]
# What the solver found, as the schedules that are shipped have it (a test compares them): weights, and arrivals.
FOUND: list[tuple[list[Any], list[tuple[int, int, int]]]] = [
    (
        [134217728, 2147483648],
        [(0, 0, 134217728), (0, 0, 134217728), (0, 0, 134217728), (0, 1, 2147483648), (0, 1, 2147483648)],
    ),
    ([0.5, 0.5], [(0, 0, 1), (0, 0, 1), (0, 1, 1)]),
    ([1, 1], [(0, 0, 1), (0, 0, 1), (0, 0, 1), (0, 1, 1)]),
    ([0.5, 0.5], [(0, 1, 1), (1, 0, 1), (1, 0, 1)]),
    ([0.5, 0.5], [(0, 1, 1), (0, 1, 1), (1, 0, 1)]),
    ([0.3333333333333333, 0.6666666666666666], [(0, 1, 1), (1, 0, 1), (1, 1, 1), (2, 0, 1)]),
    ([1, 1], [(0, 0, 1), (0, 0, 1), (0, 0, 1), (0, 0, 1), (1, 1, 1), (1, 1, 1), (1, 1, 1), (1, 1, 1)]),
]
# Virtual times that go wrong: by who waits in the server instead of in the fluid (the light one is passed over by one
# who came back), in one step past a departure, by tags that are given at the head of the queue.
_CLOCKS: list[tuple[list[int], list[tuple[int, int, int]]]] = [
    ([1, 10, 1], [(0, 0, 3), (1, 1, 1), (1, 2, 1), (4, 1, 3)]),
    ([1, 3], [(0, 0, 5), (1, 1, 1), (6, 0, 1), (6, 1, 4), (6, 1, 5)]),
    ([1, 5, 1], [(0, 0, 6), (1, 2, 2), (1, 1, 1), (1, 1, 1)]),
]


def seeds(declared: Declared) -> list[Case]:
    """Return the cases that are always run: the corners that arbiters have, and what the solver found."""
    made = [_seed([1, 1, 1], arrivals, declared) for arrivals in (_FLOOD, _RETURN, _LEAVES, _SPARSE, _RESTS)]
    made += [_seed([1] * MANY, _MANY, declared)]
    made += [_seed([1, 1], _RETURNS, declared)] if declared.policy == "drr" else []
    made += [_seed(own, arrivals, declared) for own, arrivals in _CLOCKS]
    made += [_seed(_whole(own), arrivals, declared) for own, arrivals in FOUND]
    return made + [_seed(own, arrivals, declared) for own, arrivals in known() if declared.policy == "wfq"]


def _whole(weights: Sequence[Any]) -> list[int]:
    """Return weights in the same proportion that are whole, as those of a kernel have to be."""
    exact = [Fraction(weight).limit_denominator(1_000) for weight in weights]
    scale = lcm(*(weight.denominator for weight in exact))
    return [int(weight * scale) for weight in exact]


def _seed(weights: Sequence[Any], arrivals: Sequence[tuple[int, int, int]], declared: Declared) -> Case:
    """Return a case of these arrivals, under what is declared."""
    own = _declared_weights(declared) or list(weights)
    configuration: dict[str, Any] = {"weights": own, **{name: plain(value) for name, value in declared.numbers.items()}}
    if declared.policy == "priority":
        configuration.setdefault("priorities", list(range(len(own))))
    if declared.policy == "drr":
        _add_quanta(configuration, max(size for _, _, size in arrivals))
    told = [(at, who, size) for at, who, size in arrivals if who < len(own)]
    return Case(configuration, _calls(told, configuration, declared))
