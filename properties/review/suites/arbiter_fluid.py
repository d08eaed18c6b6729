"""What an arbiter that follows the fluid is offered: schedules that show a wrong virtual time, and neighbours.

A wrong virtual time shows only where two things come together: the fluid and the server disagree about who is
backlogged (who is served early has left the queues and is still in the fluid, who is served late the other way round),
so that a tag comes out wrong; and a request is as late already as the bound allows, so that one that goes before it
wrongly makes it too late. What is drawn blindly has both once in a thousand times. The schedules of `fluid.json` have
both: `python -m headgate.tests.fluid_search` searches for them with servers that are wrong, makes each as small as it
gets, and writes beside it for which mistake it is the smallest, and which it shows. What breaks the bound by another
mistake is found in them too, or near them.
"""

import functools
import json
from collections.abc import Callable, Sequence
from importlib.resources import files

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

__all__ = ["SKEWED", "Arrivals", "known", "missed", "near"]

Arrivals = list[tuple[int, int, int]]  # time, tenant, size

# Weights of which one is far from the others.
SKEWED = ((1, 10, 1), (1, 3, 10), (1, 10, 10), (1, 1, 5), (1, 3), (1, 10), (1, 2, 3, 10))
LARGEST = 9

_TIMES = st.sampled_from((1, 1, 1, 2))
_SIZES = st.sampled_from((1, 1, 2, 3, 5, LARGEST))
_LARGE = st.integers(3, LARGEST)
_FEW = st.integers(1, 3)
_LATER = st.sampled_from((0, 1, 2, 4, LARGEST))


@functools.cache
def known() -> tuple[tuple[list[int], Arrivals], ...]:
    """Return the schedules of `fluid.json`: weights, and arrivals in their order."""
    text = (files("headgate.properties.review.suites") / "fluid.json").read_text(encoding="utf-8")
    return tuple(
        (each["weights"], [(at, who, size) for at, who, size in each["arrivals"]]) for each in json.loads(text)
    )


def missed(draw: DrawFn, count: int) -> Arrivals:
    """Draw a large request, small ones that miss it by a ns, and more when it is done, or soon after."""
    tenant, large = st.integers(0, count - 1), draw(_LARGE)
    size = st.sampled_from((1, 1, 1, 2, 2, 3, large - 1, large))
    arrivals: Arrivals = [(0, draw(tenant), large)]
    at = 1
    for _ in range(draw(_FEW) + 1):
        for _ in range(draw(_FEW)):
            arrivals += [(at, draw(tenant), draw(size))] * draw(_TIMES)
        at = max(at, large) + draw(st.sampled_from((0, 0, 1, 2)))
    return arrivals


def near(draw: DrawFn, arrivals: Arrivals, count: int) -> Arrivals:
    """Draw a neighbour of a schedule: one or a few changes, as `CHANGES` lists them."""
    found = list(arrivals)
    for change in draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=4)):
        change(draw, found, count)
    return found


def _shift(draw: DrawFn, arrivals: Arrivals, count: int) -> None:
    """Let an arrival, and all after it, come sooner or later."""
    place, by = draw(_place(arrivals)), draw(st.sampled_from((1, -1, 2, 3, 5)))
    arrivals[place:] = [(max(0, at + by), who, size) for at, who, size in arrivals[place:]]


def _scale(draw: DrawFn, arrivals: Arrivals, count: int) -> None:
    """Make times and sizes twice or three times as large."""
    by = draw(st.sampled_from((2, 3)))
    arrivals[:] = [(at * by, who, size * by) for at, who, size in arrivals]


def _hand_on(draw: DrawFn, arrivals: Arrivals, count: int) -> None:
    """Let an arrival be another tenant's."""
    place = draw(_place(arrivals))
    at, _, size = arrivals[place]
    arrivals[place] = (at, draw(st.integers(0, count - 1)), size)


def _resize(draw: DrawFn, arrivals: Arrivals, count: int) -> None:
    place = draw(_place(arrivals))
    at, who, _ = arrivals[place]
    arrivals[place] = (at, who, draw(_SIZES))


def _repeat(draw: DrawFn, arrivals: Arrivals, count: int) -> None:
    place = draw(_place(arrivals))
    arrivals[place:place] = [arrivals[place]] * draw(_FEW)


def _drop(draw: DrawFn, arrivals: Arrivals, count: int) -> None:
    if len(arrivals) > 1:
        del arrivals[draw(_place(arrivals))]


def _add(draw: DrawFn, arrivals: Arrivals, count: int) -> None:
    """Add what comes with the last one, or soon after."""
    at = max(each for each, _, _ in arrivals) + draw(_LATER)
    arrivals += [(at, draw(st.integers(0, count - 1)), draw(_SIZES))] * draw(_FEW)


def _place(arrivals: Sequence[object]) -> st.SearchStrategy[int]:
    return st.integers(0, len(arrivals) - 1)


CHANGES: tuple[Callable[[DrawFn, Arrivals, int], None], ...] = (
    _add, _add, _shift, _resize, _repeat, _hand_on, _drop, _scale,
)  # fmt: skip
