"""The schedules for arbiters that follow the fluid show mistakes, also those that they were not made for."""

import json
import math
from fractions import Fraction
from importlib.resources import files
from typing import Any

import attrs
import pytest

from headgate.properties.review.declaring import declare
from headgate.properties.review.hunt import Outcome, Profile, conforms, hunt
from headgate.properties.review.suites.arbiter_fluid import known
from headgate.properties.review.suites.common import Suite
from headgate.properties.review.targets import PythonTarget
from headgate.tests.fluid_search import MISTAKES, Found, chosen, is_late, search, smaller, text
from headgate.tests.miniatures import MINIATURES
from headgate.tests.miniatures.arbiter import Numbers, Wfq
from headgate.tests.miniatures.wrong_arbiter_fluid import Flows

WRONG = [each for each in MINIATURES if each.clauses and each.declared.get("policy") == "wfq"]


def without_seeds() -> Suite:
    suite, _ = declare("arbiter", "wfq")
    return attrs.evolve(suite, seeds=lambda _: [])


# ---- mistakes that the schedules were not made for ----


class RoundsUp(Flows):
    """Virtual time is rounded up."""

    def advance(self, now: float) -> None:
        super().advance(now)
        self.virtual = Fraction(math.ceil(self.virtual))


class HeardAtService(Wfq):
    """Virtual time is brought up to date only when a request goes into service."""

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        start = self.start(tenant)
        self.finish[tenant] = start + self.cost(tenant, size)
        self.push(start, self.finish[tenant], tenant, size)

    def dequeue(self, now: float) -> Any:
        self.advance(now)
        return super().dequeue(now)


class JoinsEarly(Flows):
    """Who comes counts as active for the time before."""

    coming: int | None = None

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        self.coming = tenant
        self.advance(now)
        self.coming = None
        super().enqueue(now, tenant, size)

    def counted(self, busy: list[int]) -> list[int]:
        return busy if self.coming is None or self.coming in busy else [*busy, self.coming]


class JoinsLate(Flows):
    """Who came last counts as active from the next arrival on."""

    last: int | None = None

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        super().enqueue(now, tenant, size)
        self.last = tenant

    def counted(self, busy: list[int]) -> list[int]:
        return [tenant for tenant in busy if tenant != self.last] or busy


class CountsRequests(Flows):
    """Every request in the fluid adds the weight of its tenant."""

    def __init__(self, weights: Numbers, rate: float = 1) -> None:
        super().__init__(weights, rate)
        self.tags: list[tuple[Any, int]] = []

    def push(self, start: Any, finish: Any, tenant: int, size: int) -> None:
        super().push(start, finish, tenant, size)
        self.tags.append((finish, tenant))

    def total(self, busy: list[int]) -> Any:
        return sum(self.weights[tenant] for finish, tenant in self.tags if finish > self.virtual)


UNSEEN = (RoundsUp, HeardAtService, JoinsEarly, JoinsLate, CountsRequests)


@pytest.mark.parametrize("dice", [1, 2])
@pytest.mark.parametrize("unseen", UNSEEN)
def test_an_unseen_mistake_takes_some_hundreds_of_draws(unseen: type[Wfq], dice: int) -> None:
    _, declared = declare("arbiter", "wfq")
    target = PythonTarget(unseen, unseen.__name__, declared.clock)
    found = hunt(without_seeds(), target, declared, Profile(800, float("inf"), dice))
    assert found.outcome is Outcome.VIOLATING


@pytest.mark.soak
@pytest.mark.parametrize("dice", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("wrong", WRONG, ids=lambda one: one.name)
def test_no_seed_is_needed(wrong: Any, dice: int) -> None:
    _, declared = declare("arbiter", "wfq")
    target = PythonTarget(wrong.factory, wrong.name, declared.clock)
    assert hunt(without_seeds(), target, declared, Profile(1_000, float("inf"), dice)).outcome is Outcome.VIOLATING


# ---- where the schedules come from ----


def shipped() -> list[Found]:
    """Return the file, with the reasons why its schedules are there."""
    entry = files("headgate.properties.review.suites") / "fluid.json"
    return [
        Found(tuple(each["weights"]), tuple(map(tuple, each["arrivals"])), each["smallest_for"], tuple(each["shows"]))
        for each in json.loads(entry.read_text(encoding="utf-8"))
    ]


def test_every_schedule_shows_the_mistakes_that_it_says() -> None:
    """By the judge of the reviews, which the search does not call."""
    suite, declared = declare("arbiter", "wfq")
    cases = suite.seeds(declared)[-len(known()) :]
    counts = dict.fromkeys(MISTAKES, 0)
    for case, found in zip(cases, shipped(), strict=True):
        broken = tuple(
            name
            for name, factory in MISTAKES.items()
            if not conforms(suite, PythonTarget(factory, name, declared.clock), declared, case)
        )
        assert broken == found.shows
        assert found.smallest_for in broken
        for name in broken:
            counts[name] += 1
    assert {name: count for name, count in counts.items() if count < 6} == {}


def test_no_schedule_could_be_smaller() -> None:
    for found in shipped():
        less = [each for each in smaller(found.arrivals) if is_late(found.smallest_for, found.weights, each)]
        assert less == [], found


def test_every_mistake_has_a_schedule_of_its_own() -> None:
    assert {found.smallest_for for found in shipped()} == set(MISTAKES)
    assert len({(found.weights, found.arrivals) for found in shipped()}) == len(shipped())


# Mistakes whose schedules are found in a second or two.
SOON = ("AllAreActive", "CountsHeads", "FluidInRealTime")


@pytest.mark.parametrize("mistake", SOON)
def test_the_search_finds_the_schedules_that_are_shipped(mistake: str) -> None:
    found = search(mistake)
    own = [each for each in shipped() if each.smallest_for == mistake]
    assert own == [each for each in found if each in own]


@pytest.mark.soak
def test_the_file_is_what_the_search_writes() -> None:
    text_of_file = (files("headgate.properties.review.suites") / "fluid.json").read_text(encoding="utf-8")
    assert text(chosen({mistake: search(mistake) for mistake in MISTAKES})) == text_of_file
