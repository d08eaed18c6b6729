"""Search for small schedules after which the mistakes of servers that follow the fluid are seen.

`python -m headgate.tests.fluid_search` prints properties/review/suites/fluid.json, the same on every machine; a test
compares them. For every WFQ miniature that is wrong, schedules are drawn until that server is later than the fluid by
more than the bound (WQ-3); then the schedule is made as small as it gets, step by step. Every entry says the mistake
that it is the smallest for (`smallest_for`: no schedule that is `smaller` by one step shows it) and all the mistakes
that it shows. One mistake is searched for without regard to the others; of what is found, `chosen` keeps so many that
each is shown several times.
"""

import itertools
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import attrs

from headgate.model.bounds import gps_lateness
from headgate.model.gps import GpsRequest, departures
from headgate.tests.miniatures import MINIATURES

__all__ = ["MISTAKES", "Found", "chosen", "is_late", "search", "shown", "smaller", "text"]

Arrivals = tuple[tuple[int, int, int], ...]  # time, tenant, size

# By how many schedules each mistake is shown in the end, and of how many these are the smallest.
EACH, TRIED = 8, 12
# After so many draws the search gives up.
MOST_DRAWS = 100_000
SEED = 2  # one of the first few, with which the rarest mistake is soon found
WEIGHTS = ((1, 10, 1), (1, 3, 10), (1, 10, 10), (1, 1, 5), (10, 1, 3), (1, 1, 1), (1, 3), (10, 1), (1, 2, 3, 10))
LARGEST = 9

MISTAKES: Mapping[str, Callable[..., Any]] = {
    each.factory.__name__: each.factory for each in MINIATURES if each.clauses and each.declared.get("policy") == "wfq"
}


@attrs.frozen
class Found:
    """A schedule, in the order of its arrivals, the mistake that it is the smallest for, and all that it shows."""

    weights: tuple[int, ...]
    arrivals: Arrivals
    smallest_for: str
    shows: tuple[str, ...]


# ---- the server ----


def is_late(mistake: str, weights: Sequence[int], arrivals: Arrivals) -> bool:
    """Return whether a server with that mistake finishes a request later than WQ-3 allows, at a rate of a byte a ns."""
    return _is_late(MISTAKES[mistake], weights, arrivals, _latest(weights, arrivals))


def shown(weights: Sequence[int], arrivals: Arrivals) -> tuple[str, ...]:
    """Return the mistakes that a schedule shows."""
    latest = _latest(weights, arrivals)
    return tuple(name for name, factory in MISTAKES.items() if _is_late(factory, weights, arrivals, latest))


def _latest(weights: Sequence[int], arrivals: Arrivals) -> list[Fraction]:
    """Return until when each request has to be done."""
    rate, given = Fraction(1), [GpsRequest(who, Fraction(at), size) for at, who, size in arrivals]
    slack = gps_lateness(max(size for _, _, size in arrivals), rate, 0)
    return [done + slack for done in departures(given, [Fraction(weight) for weight in weights], rate)]


def _is_late(factory: Callable[..., Any], weights: Sequence[int], arrivals: Arrivals, latest: list[Fraction]) -> bool:
    """Run the server; return whether one of its requests is done after its `latest`."""
    server = factory(weights=list(weights))
    waiting: list[list[int]] = [[] for _ in weights]
    now, told = 0, 0
    for _ in arrivals:
        if not any(waiting):
            now = max(now, arrivals[told][0])
        told = _tell(server, arrivals, waiting, told, now)
        number = waiting[_tenant(server.dequeue(now))].pop(0)
        now += arrivals[number][2]
        if now > latest[number]:
            return True
        told = _tell(server, arrivals, waiting, told, now)
        if not any(waiting):
            server.dequeue(now)
    return False


def _tell(server: Any, arrivals: Arrivals, waiting: list[list[int]], told: int, now: int) -> int:
    """Enqueue what has come by `now`; return how many have been enqueued."""
    while told < len(arrivals) and arrivals[told][0] <= now:
        at, who, size = arrivals[told]
        server.enqueue(at, who, size)
        waiting[who].append(told)
        told += 1
    return told


def _tenant(answer: Any) -> int:
    return int(answer[0] if isinstance(answer, tuple) else answer)


# ---- what is drawn, and what is smaller ----


class _Dice:
    """Draws that are the same under every version of Python: of `random`, only `random()` is promised to be."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed).random

    def of(self, choices: Sequence[Any]) -> Any:
        return choices[int(self.random() * len(choices))]


def _drawn(dice: _Dice) -> tuple[tuple[int, ...], Arrivals]:
    """Return weights and arrivals: small requests miss a large one by a ns, more come when it is done, or soon after.

    Then everybody is as late as the bound allows already, and one wrong tag is too many.
    """
    weights = dice.of(WEIGHTS)
    count, large = len(weights), dice.of(range(2, LARGEST + 1))
    arrivals = [(0, dice.of(range(count)), large)]
    at = 1
    for _ in range(dice.of((2, 3))):
        sizes = dice.of(((1, 1, 2, 2, 3), (1, 2, 3, large - 1, large), (large - 1, large, large)))
        who = dice.of((range(count), range(count), (dice.of(range(count)),)))
        for _ in range(dice.of((1, 2, 3))):
            arrivals += [(at, dice.of(who), dice.of(sizes))] * dice.of((1, 1, 1, 2, 3))
        at = max(at, large) + dice.of((0, 0, 1, 2))
    return weights, tuple(arrivals)


def _varied(dice: _Dice, weights: tuple[int, ...], arrivals: Arrivals) -> tuple[tuple[int, ...], Arrivals]:
    """Return a neighbour of a schedule: other weights, and one to three of its arrivals changed, repeated or added."""
    weights = dice.of([each for each in WEIGHTS if len(each) == len(weights)])
    changed = list(arrivals)
    for _ in range(dice.of((1, 2, 3))):
        number, size = dice.of(range(len(changed))), dice.of(range(1, LARGEST + 1))
        at, who, own = changed[number]
        other = dice.of(range(len(weights)))
        changed[number : number + 1] = dice.of(
            ([(at, who, size)], [(at, other, own)], [(at, who, own)] * 2, [(at, who, own), (at, other, size)])
        )
    by = dice.of((0, 0, 1, 2))
    last = changed[-1][0]
    return weights, tuple((at + by if at == last else at, who, size) for at, who, size in changed)


def smaller(arrivals: Arrivals) -> Iterator[Arrivals]:
    """Yield what is smaller by a step: an arrival less, a shorter wait before one, smaller sizes of one or of many."""
    for number, (at, who, size) in enumerate(arrivals):
        if len(arrivals) > 1:
            yield arrivals[:number] + arrivals[number + 1 :]
        before = arrivals[number - 1][0] if number else 0
        for by in sorted({at - before, 1}, reverse=True) if at > before else ():
            yield _sooner(arrivals, number, by)
        for less in sorted({1, size // 2, size - 1}) if size > 1 else ():
            yield (*arrivals[:number], (at, who, less), *arrivals[number + 1 :])
    for least in sorted({size for _, _, size in arrivals} - {1}):
        lower = tuple((at, who, size - (size >= least)) for at, who, size in arrivals)
        yield lower
        for number in range(1, len(lower)):
            if lower[number][0] > lower[number - 1][0]:
                yield _sooner(lower, number, 1)


def _sooner(arrivals: Arrivals, number: int, by: int) -> Arrivals:
    """Return arrivals of which one, and all after it, come `by` ns sooner."""
    return arrivals[:number] + tuple((at - by, who, size) for at, who, size in arrivals[number:])


def _smallest(mistake: str, weights: tuple[int, ...], arrivals: Arrivals) -> Arrivals:
    """Return arrivals made smaller until no step leaves the mistake to be seen."""
    while True:
        found = next((less for less in smaller(arrivals) if is_late(mistake, weights, less)), None)
        if found is None:
            return arrivals
        arrivals = found


# ---- the search ----


def search(mistake: str) -> list[Found]:
    """Return the `EACH` smallest of the schedules that are the smallest for that mistake, of `TRIED` that are found."""
    dice, kept = _Dice(SEED), dict[Any, Found]()
    for _ in range(MOST_DRAWS):
        if len(kept) == TRIED:
            return sorted(kept.values(), key=_size)[:EACH]
        weights, arrivals = _draw(dice, list(kept.values()))
        if is_late(mistake, weights, arrivals):
            arrivals = _smallest(mistake, weights, arrivals)
            kept.setdefault(_shape(weights, arrivals), Found(weights, arrivals, mistake, shown(weights, arrivals)))
    raise RuntimeError(f"{MOST_DRAWS} draws, and no {TRIED} schedules that show {mistake}")


def _shape(weights: tuple[int, ...], arrivals: Arrivals) -> tuple[Any, ...]:
    """Return what two schedules differ in if it is worth keeping both: the weights, and who comes after whom."""
    return weights, tuple(who for who, _ in itertools.groupby(who for _, who, _ in arrivals))


def _draw(dice: _Dice, kept: Sequence[Found]) -> tuple[tuple[int, ...], Arrivals]:
    """Draw afresh, or every other time a neighbour of what is known."""
    if kept and dice.of((True, False)):
        base = dice.of(kept)
        return _varied(dice, base.weights, base.arrivals)
    return _drawn(dice)


def _size(found: Found) -> tuple[Any, ...]:
    return len(found.arrivals), sum(size for _, _, size in found.arrivals), found.weights, found.arrivals


def chosen(found: Mapping[str, Sequence[Found]]) -> list[Found]:
    """Return the schedules to keep: one of each mistake, and more of those that are shown least, until enough are."""
    shows = Counter(name for each in found.values() for one in each for name in one.shows)
    kept: list[Found] = []
    for mistake in sorted(found, key=lambda name: (shows[name], name)):
        for own in found[mistake]:
            known = any((each.weights, each.arrivals) == (own.weights, own.arrivals) for each in kept)
            first = all(each.smallest_for != mistake for each in kept)
            if not known and (first or sum(mistake in each.shows for each in kept) < EACH):
                kept.append(own)
    return kept


def text(schedules: Sequence[Found]) -> str:
    """Return the file: one schedule a line."""
    return "[\n" + ",\n".join(f"  {json.dumps(attrs.asdict(each))}" for each in schedules) + "\n]\n"


if __name__ == "__main__":
    sys.stdout.write(text(chosen({mistake: search(mistake) for mistake in MISTAKES})))
