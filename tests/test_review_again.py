"""A second look at a fault: whether it is seen again, and which other declaration would make it none."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from headgate.cli.main import run
from headgate.properties.review.again import Again, look_again
from headgate.properties.review.declaring import declare
from headgate.properties.review.hunt import PROFILES, Outcome, hunt
from headgate.properties.review.targets import PythonTarget, load_factory
from headgate.tests.miniatures.admission import Semaphore
from headgate.tests.miniatures.arbiter import Sfq
from headgate.tests.miniatures.bucket import Eager, StandsStill, WholeSeconds
from headgate.tests.miniatures.bucket_windows import FromTheStart, Incr, InThirds
from headgate.tests.miniatures.cache import Bare

HERE = "headgate.tests.test_review_again"


class Refunds(Eager):
    """What is negative is given back, as if it could be."""

    def offer(self, now: float, size: int) -> bool:
        self.fill(now)
        if size > self.level:
            return False
        self.level -= size
        return True


def looked(factory: Callable[..., Any], role: str, **declared: Any) -> Again:
    """Return the second look at what a review of CI finds, which has to be something."""
    suite, declaration = declare(role, **declared)
    found = hunt(suite, PythonTarget(factory, "here:it", declaration.clock), declaration, PROFILES["ci"])
    assert found.outcome is not Outcome.CONFORMING
    return look_again(found, lambda clock: PythonTarget(factory, "here:it", clock))


@pytest.mark.parametrize(
    ("factory", "role", "declared", "says"),
    [
        (Refunds, "bucket", {}, ("--legal-only", "--largest 1")),
        (StandsStill, "bucket", {}, ()),
        (FromTheStart, "bucket", {"policy": "fixed-window"}, ("--largest 1",)),
        (Incr, "bucket", {"policy": "fixed-window"}, ("--largest 1", "--policy fixed-window-attempts")),
        (WholeSeconds, "bucket", {"clock": "s", "floats": True}, ("no --float",)),
        (InThirds, "bucket", {"clock": "s"}, ("--float",)),
        (Semaphore, "admission", {"numbers": {"capacity": 4}}, ("--largest 1",)),
        (Bare, "cache", {"without": "evict"}, ()),
        (Sfq, "arbiter", {"policy": "fcfs"}, ()),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_what_else_it_might_be_declared(
    factory: Callable[..., Any], role: str, declared: dict[str, Any], says: tuple[str, ...]
) -> None:
    again = looked(factory, role, **declared)
    assert again.happens
    assert set(says) <= set(again.conforms_if)
    assert says or not again.conforms_if


class OnlyOnce(Eager):
    """It fails at one call of its life, and no case shows it twice."""

    calls: Iterator[int] = itertools.count()

    def offer(self, now: float, size: int) -> bool:
        return super().offer(now, size) or (0 < size <= self.burst and next(self.calls) == 7)


def test_what_is_not_seen_again_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    it: Any = load_factory(f"{HERE}:OnlyOnce")
    it.calls = itertools.count()
    assert run(["review", f"{HERE}:OnlyOnce", "--role", "bucket", "--profile", "quick"]) == 1
    assert "the same calls, made once more, did not show it" in " ".join(capsys.readouterr().out.split())
    it: Any = load_factory(f"{HERE}:OnlyOnce")
    it.calls = itertools.count()
    assert run(["review", f"{HERE}:OnlyOnce", "--role", "bucket", "--profile", "quick", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["results"][0]["happens_again"] is False


def test_the_verdict_names_the_other_declarations(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["review", f"{HERE}:FromTheStart", "--role", "bucket", "--policy", "fixed-window", "--profile", "quick"]
    assert run(asked) == 1
    assert "had it been declared with --largest 1" in " ".join(capsys.readouterr().out.split())
    assert run([*asked, "--format", "json"]) == 1
    assert "--largest 1" in json.loads(capsys.readouterr().out)["results"][0]["conforms_if"]
    assert run([*asked, "--largest", "1"]) == 0
    assert "would have been found" not in capsys.readouterr().out
