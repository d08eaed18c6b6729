"""Whatever an implementation does is its own: what it raises, what it prints, and the time that it takes."""

import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import run
from headgate.properties.review import watch as watch_module
from headgate.properties.review.case import Call, Case, Errored
from headgate.properties.review.declaring import declare
from headgate.properties.review.hunt import PROFILES, Outcome, hunt, run_case
from headgate.properties.review.targets import PythonTarget
from headgate.properties.review.watch import watched


class Own(BaseException):
    """An exception that is not an Exception."""


class Bucket:
    """A token bucket that raises, prints, or sleeps."""

    raises: type[BaseException] | None = None

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst, self.level, self.last = rate, burst, burst, 0.0

    def offer(self, now: float, size: int) -> bool:
        if self.raises is not None:
            raise self.raises
        print("an offer of", size)
        if not 0 < size <= self.burst:
            return False
        self.level, self.last = min(self.burst, self.level + (now - self.last) * self.rate), now
        if self.level < size:
            return False
        self.level -= size
        return True


@pytest.mark.parametrize("raised", [Own, GeneratorExit, SystemExit, KeyboardInterrupt, ValueError])
def test_what_it_raises_is_a_crash(raised: type[BaseException]) -> None:
    suite, declared = declare("bucket")
    factory = type("Raises", (Bucket,), {"raises": raised})
    found = hunt(suite, PythonTarget(factory, "here:Raises", declared.clock), declared, PROFILES["quick"])
    assert found.outcome is Outcome.ERRORED
    assert found.error is not None
    assert (found.error.kind, raised.__name__ in found.error.detail) == ("crash", True)


@pytest.mark.parametrize("raised", [Own, GeneratorExit, KeyboardInterrupt])
def test_what_a_factory_raises_is_a_crash(raised: type[BaseException]) -> None:
    def make(**_: object) -> object:
        raise raised

    suite, declared = declare("bucket")
    with pytest.raises(Errored, match="crash: the factory"):
        run_case(suite, PythonTarget(make, "here:make", declared.clock), declared, Case({"rate": 1, "burst": 1}, ()))


def test_two_clients_that_raise_are_contained() -> None:
    class Gate:
        def __init__(self, capacity: float) -> None: ...

        def request(self, tenant: int, amount: int) -> bool:
            raise Own

    suite, declared = declare("admission")
    both = Call("together", {"tenant": 0, "amount": 1, "other": 1, "others": 1, "step": 0})
    with pytest.raises(Errored, match=r"crash.*Own"):
        run_case(suite, PythonTarget(Gate, "here:Gate", declared.clock), declared, Case({"capacity": 1}, (both,)))


@pytest.fixture
def heard() -> Iterator[None]:
    """Hear SIGINT, which a shell lets those ignore that it starts in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_a_real_interrupt_ends_the_review() -> None:
    class Interrupted(Bucket):
        def offer(self, now: float, size: int) -> bool:
            signal.raise_signal(signal.SIGINT)
            return True

    suite, declared = declare("bucket")
    with pytest.raises(KeyboardInterrupt):
        hunt(suite, PythonTarget(Interrupted, "here:it", declared.clock), declared, PROFILES["quick"])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_only_its_own_time_counts() -> None:
    with watched(0.2) as watch:
        time.sleep(0.3)
        with watch:
            pass
    with pytest.raises(Errored, match="hang"):
        _sleep_twice()


def test_what_is_waited_for_a_processor_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = iter([0.0, *[10.0] * 1_000])
    monkeypatch.setattr("headgate.properties.review.watch.queued", lambda: next(waits))
    with watched(0.2) as watch, watch:
        time.sleep(0.3)
    waits = iter([0.0, *[0.05] * 1_000])
    with pytest.raises(Errored, match="hang"), watched(0.2) as watch, watch:
        time.sleep(0.3)


def test_a_system_that_does_not_say_who_waits_is_asked_for_the_time_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert watch_module.queued() >= 0
    monkeypatch.setattr(watch_module, "SCHEDULED", "/nowhere")
    assert watch_module.queued() == 0


def _sleep_twice() -> None:
    with watched(0.2) as watch:
        for _ in range(2):
            with watch:
                time.sleep(0.15)


def test_a_case_of_many_calls_is_given_more_time() -> None:
    class Slow(Bucket):
        def offer(self, now: float, size: int) -> bool:
            time.sleep(0.004)
            return super().offer(now, size)

    suite, declared = declare("bucket")
    longest = max(suite.seeds(declared), key=lambda case: len(case.calls))
    assert len(longest.calls) * 0.004 > 0.3
    assert len(run_case(suite, PythonTarget(Slow, "here:Slow", declared.clock, 0.3), declared, longest)) == 199


def test_a_cache_of_many_frames_is_judged_in_time() -> None:
    suite, declared = declare("cache", numbers={"frames": 3000})
    begun = time.process_time()
    for case in suite.seeds(declared):
        run_case(suite, PythonTarget(Quick, "here:Quick", declared.clock), declared, case)
    assert time.process_time() - begun < 5


class Quick:
    """A cache that takes a constant time for a call."""

    def __init__(self, frames: int, floors: list[int]) -> None:
        self.frames, self.pages = frames, dict[tuple[int, int], bool]()

    def touch(self, tenant: int, page: int) -> bool:
        hit = (tenant, page) in self.pages
        if hit:
            self.pages[tenant, page] = self.pages.pop((tenant, page))
        return hit

    def insert(self, tenant: int, page: int) -> Any:
        gone = None
        if len(self.pages) >= self.frames:
            gone = next((each for each, pinned in self.pages.items() if not pinned), None)
            if gone is None:
                return False
            del self.pages[gone]
        self.pages[tenant, page] = False
        return gone

    def evict(self, tenant: int, page: int) -> bool:
        return not self.pages[tenant, page] and not self.pages.pop((tenant, page))

    def pin(self, tenant: int, page: int) -> None:
        self.pages[tenant, page] = True

    def unpin(self, tenant: int, page: int) -> None:
        self.pages[tenant, page] = False


def test_what_it_prints_is_not_in_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    body = "print('imported')\nfrom headgate.tests.test_review_contained import Bucket\n"
    (tmp_path / "prints_much.py").write_text(body)
    monkeypatch.chdir(tmp_path)
    command = ["review", "prints_much:Bucket", "--role", "bucket", "--profile", "quick", "--format", "json"]
    assert run(command) == 0
    shown = capfd.readouterr()
    assert json.loads(shown.out)["verdict"] == "holds"
    assert "imported" in shown.err
    assert "an offer of" in shown.err
    assert sys.stdout is not sys.stderr
