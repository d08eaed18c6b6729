"""Drivers for reviews: the adapters, the ones to start from, the published libraries, and the protocol."""

import asyncio
import contextlib
import importlib.metadata
import itertools
import json
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from headgate.benchmarks import review as benchmark
from headgate.cli.main import run
from headgate.cli.review import LANGUAGES
from headgate.properties.review import process, templates
from headgate.properties.review.adapters import (
    AsyncConsumer,
    AsyncGate,
    AsyncServer,
    AsyncShaper,
    Consumer,
    FakeClock,
    SimpyServer,
    VirtualLoop,
)
from headgate.properties.review.declaring import declare
from headgate.properties.review.hunt import PROFILES, Outcome, Profile, Review, hunt
from headgate.properties.review.targets import PythonTarget, load_factory
from headgate.properties.review.templates import NAMES, template
from headgate.spec.errors import InputError
from headgate.tests.json_schema import complaints

FEW = Profile(120, 30.0)


def reviewed(factory: Callable[..., object], role: str, profile: Profile = FEW, **declared: Any) -> Review:
    suite, declaration = declare(role, **declared)
    return hunt(suite, PythonTarget(factory, "here:it", declaration.clock, 2.0), declaration, profile)


def clause(found: Review) -> str | None:
    return found.violation and found.violation.clause


# ---- a clock that is told the time ----


class Limiter:
    """Takes a clock, or reads the module `time`; `stands_still` while it is full."""

    stands_still = False

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] | None = None) -> None:
        self.rate, self.burst, self.level = rate, burst, burst
        self.clock = clock
        self.last = self.read()

    def read(self) -> float:
        return self.clock() if self.clock else time.monotonic()

    def consume(self, size: int) -> bool:
        if size <= 0:
            return False
        if not (self.stands_still and self.level == self.burst):
            now = self.read()
            self.level, self.last = min(self.burst, self.level + (now - self.last) * self.rate), now
        if self.level < size:
            return False
        self.level -= size
        return True


class StandsStill(Limiter):
    stands_still = True


@pytest.mark.parametrize(("kind", "broken"), [(Limiter, None), (StandsStill, "TB-4")])
def test_a_limiter_with_a_clock_of_its_own(kind: type[Limiter], broken: str | None) -> None:
    def injected(rate: float, burst: float) -> Consumer:
        return Consumer(lambda clock: kind(rate, burst, clock), kind.consume)

    def patched(rate: float, burst: float) -> Consumer:
        return Consumer(lambda _: kind(rate, burst), kind.consume, patch=[f"{__name__}.time"])

    for factory in (injected, patched):
        assert clause(reviewed(factory, "bucket", clock="s", floats=True)) == broken


def test_a_patch_lasts_as_long_as_a_call() -> None:
    seen: list[object] = []
    real = time.monotonic

    def look(made: object, size: int) -> bool:
        seen.append(time.monotonic())
        if size == 2:
            raise ValueError("two")
        return True

    it = Consumer(lambda _: None, look, patch=[f"{__name__}.time.monotonic"])
    it.offer(7, 1)
    with pytest.raises(ValueError, match="two"):
        it.offer(8, 2)
    assert seen == [7, 8]
    assert time.monotonic is real


def test_a_fake_clock_stands_for_the_module_time() -> None:
    clock = FakeClock(2)
    clock.sleep(0.5)
    assert (clock(), clock.time(), clock.monotonic(), clock.time_ns()) == (2.5, 2.5, 2.5, 2_500_000_000)


def test_a_patch_that_names_nothing_is_refused() -> None:
    for path in ("nowhere.at.all", "json.no_such_clock", "time"):
        with pytest.raises(InputError):
            Consumer(lambda _: None, lambda *_: True, patch=[path])


# ---- simulated servers ----


class Environment:
    """As much of a simpy environment as the adapter uses: `peek`, `step`, `run`, and timeouts."""

    def __init__(self) -> None:
        self.now: float = 0
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.numbers = itertools.count()

    def later(self, wait: float, then: Callable[[], None]) -> None:
        self.events.append((self.now + wait, next(self.numbers), then))

    def peek(self) -> float:
        return min((event[0] for event in self.events), default=float("inf"))

    def step(self) -> None:
        event = min(self.events, key=lambda each: each[:2])
        self.events.remove(event)
        self.now = event[0]
        event[2]()

    def run(self, until: float) -> None:
        assert until > self.now
        while self.peek() < until:
            self.step()
        self.now = until


class Packet:
    def __init__(self, flow_id: int, size: int) -> None:
        self.flow_id, self.size = flow_id, size


class Simulated:
    """A server of strict priority; `last_come` makes it serve the newest first, `slow` at half its rate."""

    def __init__(self, environment: Environment, priorities: list[int], last_come: bool, slow: bool) -> None:
        self.environment, self.priorities, self.last_come, self.slow = environment, priorities, last_come, slow
        self.waiting: list[Packet] = []
        self.current: Packet | None = None
        self.woken = False

    def put(self, tenant: int, size: int) -> None:
        self.waiting.append(Packet(tenant, size))
        if self.current is None and not self.woken:
            self.woken = True
            self.environment.later(0, self.next)

    def next(self) -> None:
        self.woken, self.current = False, None
        if self.waiting:
            best = min(self.waiting, key=lambda packet: self.priorities[packet.flow_id])
            self.current = self.waiting[-1] if self.last_come else best
            self.waiting.remove(self.current)
            self.environment.later(self.current.size * (2 if self.slow else 1), self.next)


@pytest.mark.parametrize(
    ("last_come", "slow", "broken"), [(False, False, None), (True, False, "AR-4"), (False, True, "crash")]
)
def test_a_server_in_simulated_time(last_come: bool, slow: bool, broken: str | None) -> None:
    def make(weights: list[int], priorities: list[int]) -> SimpyServer:
        environment = Environment()
        server = Simulated(environment, priorities, last_come, slow)
        return SimpyServer(environment, server.put, lambda: server.current)

    found = reviewed(make, "arbiter", policy="priority")
    assert (found.error.kind if found.error else clause(found)) == broken
    assert "rate" in str(found.error) or not slow


# ---- asyncio ----


def test_a_loop_in_virtual_time_takes_no_time() -> None:
    loop = VirtualLoop()

    async def day() -> float:
        await asyncio.sleep(86_400)
        return asyncio.get_running_loop().time()

    begun = time.monotonic()
    assert loop.finish(day()) == 86_400
    with pytest.raises(TimeoutError):
        loop.finish(day(), within=100_000)
    with pytest.raises(TimeoutError):
        loop.finish(asyncio.Event().wait())
    loop.close()
    assert time.monotonic() - begun < 5


def test_a_timer_that_is_set_again_for_now_lets_the_least_of_times_pass() -> None:
    loop = VirtualLoop()
    rounds = itertools.count()
    done = asyncio.Event()

    def again(due: float) -> None:
        if loop.time() < due and next(rounds) < 10_000:
            loop.call_at(loop.time(), again, due)  # what is left of the wait was rounded away
        else:
            done.set()

    loop.advance(1000)
    due = loop.time() + 1e-12
    loop.call_soon(again, due)
    loop.finish(done.wait())
    assert (due <= loop.time() < due + 1e-11, next(rounds) < 1_000) == (True, True)
    loop.close()


def test_a_callback_that_never_ends_hangs(capfd: pytest.CaptureFixture[str]) -> None:
    def make(rate: float, burst: float) -> AsyncConsumer:
        def never() -> None:
            while True:
                time.sleep(0.01)

        async def consume(limiter: Limiter, size: int) -> None:
            asyncio.get_running_loop().call_soon(never)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        return AsyncConsumer(lambda: Limiter(rate, burst, lambda: 0), consume)

    suite, declared = declare("bucket", clock="s", floats=True)
    found = hunt(suite, PythonTarget(make, "here:it", declared.clock, 0.2), declared, FEW)
    assert found.error is not None
    assert (found.error.kind, len(found.asked)) == ("hang", 1)
    assert "OutOfTime" not in capfd.readouterr().err


def test_an_answer_is_that_of_its_instant() -> None:
    def make() -> AsyncConsumer:
        async def acquire(_: object, size: int) -> None:
            await asyncio.sleep(size * 5e-10)

        return AsyncConsumer(object, acquire)

    it = make()
    assert it.offer(1000.0, 0) is True
    assert it.offer(1000.0, 1) is False
    it.close()


@pytest.mark.parametrize(("kind", "broken"), [(Limiter, None), (StandsStill, "TB-4")])
def test_a_limiter_on_asyncio(kind: type[Limiter], broken: str | None) -> None:
    def make(rate: float, burst: float) -> AsyncConsumer:
        async def made() -> Limiter:
            return kind(rate, burst, asyncio.get_running_loop().time)

        async def consume(limiter: Limiter, size: int) -> bool:
            while not limiter.consume(size):
                await asyncio.sleep(1 if size > 0 else float(burst))
            return True

        return AsyncConsumer(made, consume)

    # What waits for its tokens, rather than being refused, takes them later: it is asked for its answer only.
    def asked(rate: float, burst: float) -> AsyncConsumer:
        return AsyncConsumer(lambda: kind(rate, burst, asyncio.get_running_loop().time), Limiter.consume)

    assert clause(reviewed(asked, "bucket", clock="s", floats=True)) == broken
    assert clause(reviewed(make, "bucket", clock="s", floats=True, legal_only=True)) == broken


class OneMore(asyncio.Semaphore):
    """A semaphore that gives one more."""

    def __init__(self, value: int) -> None:
        super().__init__(value + 1)


@pytest.mark.parametrize(("kind", "broken"), [(asyncio.Semaphore, None), (OneMore, "AD-3")])
def test_a_semaphore_on_asyncio(kind: type[asyncio.Semaphore], broken: str | None) -> None:
    def make(capacity: int) -> AsyncGate:
        return AsyncGate(lambda: kind(capacity), lambda gate, _: gate.acquire(), lambda gate, _: gate.release())

    assert clause(reviewed(make, "admission", largest=1, single_threaded=True)) == broken


class Waits:
    """A shaper on asyncio: it sleeps until its bucket covers what leaves; `early` by that much."""

    def __init__(self, rate: float, burst: float, early: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.rate, self.burst, self.level, self.last, self.early = rate, burst, burst, 0.0, early

    async def acquire(self, size: int) -> None:
        begin = max(self.loop.time(), self.last)
        level = min(self.burst, self.level + (begin - self.last) * self.rate)
        leaves = begin + max(0.0, (size - level) / self.rate)
        self.level = min(self.burst, level + (leaves - begin) * self.rate) - size
        self.last = leaves
        await asyncio.sleep(max(0.0, leaves - self.early - self.loop.time()))


@pytest.mark.parametrize(("early", "broken"), [(0.0, None), (0.25, "TB-4")])
def test_a_shaper_on_asyncio(early: float, broken: str | None) -> None:
    def make(rate: float, burst: float) -> AsyncShaper:
        async def made() -> Waits:
            return Waits(rate, burst, early)

        return AsyncShaper(made, Waits.acquire)

    assert clause(reviewed(make, "shaper", clock="s", floats=True)) == broken


class Worker:
    """A server on asyncio: one task takes from a queue, first come first served, or `last_come`."""

    def __init__(self, begins: Callable[[int], None], last_come: bool, slow: float) -> None:
        self.begins, self.last_come, self.slow = begins, last_come, slow
        self.queue: deque[tuple[int, int, asyncio.Event]] = deque()
        self.some = asyncio.Event()
        self.task = asyncio.get_running_loop().create_task(self.work())

    async def put(self, tenant: int, size: int) -> None:
        done = asyncio.Event()
        self.queue.append((tenant, size, done))
        self.some.set()
        await done.wait()

    async def work(self) -> None:
        while True:
            await self.some.wait()
            tenant, size, done = self.queue.pop() if self.last_come else self.queue.popleft()
            self.begins(tenant)
            await asyncio.sleep(size * self.slow)
            done.set()
            if not self.queue:
                self.some.clear()


@pytest.mark.parametrize(
    ("last_come", "slow", "broken"), [(False, 1, None), (True, 1, "AR-3"), (False, 2, "AR-1"), (False, 0.25, "crash")]
)
def test_a_server_on_asyncio(last_come: bool, slow: float, broken: str | None) -> None:
    def make(weights: list[int]) -> AsyncServer:
        async def made(begins: Callable[[int], None]) -> Worker:
            return Worker(begins, last_come, slow)

        return AsyncServer(made, Worker.put)

    found = reviewed(make, "arbiter", policy="fcfs")
    assert (found.error.kind if found.error else clause(found)) == broken


# ---- drivers to start from ----


def written(role: str, language: str, folder: Path) -> Path:
    suffix = {"javascript": "js", "go": "go"}.get(language, "py")
    path = folder / f"driver_{language.replace('-', '_')}_{role}.{suffix}"
    assert run(["review", "--init", role, "--language", language, "--output", str(path)]) == 0
    return path


@pytest.mark.parametrize("role", NAMES)
def test_a_python_driver_conforms(role: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(role, "python", tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert reviewed(load_factory(f"{path.stem}:{NAMES[role]}"), role).outcome is Outcome.CONFORMING
    assert f"driver:{NAMES[role]} --role {role}" in path.read_text("utf-8")


def command_of(language: str, path: Path) -> list[str]:
    """Return the command that runs a driver; the test is left out where its language is not there."""
    if language == "stdio-python":
        return [sys.executable, str(path)]
    program = {"javascript": "node", "go": "go"}[language]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    if language == "javascript":
        return [program, str(path)]
    built = path.with_suffix("")
    subprocess.run([program, "build", "-o", str(built), str(path)], check=True, cwd=path.parent)
    return [str(built)]


def exchanged(role: str, command: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[Review, list[Any], list[Any]]:
    """Return the review of a process, and what the two sides said."""
    said: list[Any] = []
    answered: list[Any] = []
    exchange = process._Line.exchange

    def noted(line: Any, message: dict[str, Any]) -> dict[str, Any]:
        said.append(message)
        answered.append(exchange(line, message))
        return dict(answered[-1])

    monkeypatch.setattr(process._Line, "exchange", noted)
    suite, declaration = declare(role)
    target = process.ProcessTarget(command, role, declaration.clock)
    return hunt(suite, target, declaration, Profile(40, 30.0)), said, answered


@pytest.mark.parametrize("language", ["stdio-python", "javascript", "go"])
def test_a_process_driver_conforms_and_keeps_the_protocol(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = json.loads((resources.files("headgate.spec") / "schemas" / "review-protocol.schema.json").read_text())
    for role in templates.LINES[language][2]:
        with monkeypatch.context() as patch:
            command = command_of(language, written(role, language, tmp_path))
            found, said, answered = exchanged(role, command, patch)
        assert found.outcome is Outcome.CONFORMING, found.error
        assert [line for each in said for line in complaints(each, {"$ref": "#/$defs/message"}, schema)] == []
        assert [line for each in answered for line in complaints(each, {"$ref": "#/$defs/reply"}, schema)] == []
        assert len(said) > 40
        assert complaints({**said[1], "expected": [True]}, schema), "what would be right is never sent"


def test_what_javascript_promises_is_waited_for(tmp_path: Path) -> None:
    path = written("bucket", "javascript", tmp_path)
    command = command_of("javascript", path)
    text = path.read_text("utf-8")
    path.write_text(text.replace("  offer(now, size) {", "  async offer(now, size) {\n    await null;"), "utf-8")
    assert path.read_text("utf-8") != text
    suite, declaration = declare("bucket")
    target = process.ProcessTarget(command, "bucket", declaration.clock)
    assert hunt(suite, target, declaration, Profile(40, 30.0)).outcome is Outcome.CONFORMING


def test_the_protocol_as_told_keeps_its_schema() -> None:
    schema = json.loads((resources.files("headgate.spec") / "schemas" / "review-protocol.schema.json").read_text())
    told = " ".join((process.__doc__ or "").split())
    found = []
    for begin in (n for n, sign in enumerate(told) if sign == "{"):
        with contextlib.suppress(ValueError):
            found.append(json.JSONDecoder().raw_decode(told, begin)[0])
    whole = [each for each in found if {"cmd", "ready", "ok", "results"} & set(each)]
    assert len(whole) == 7
    assert [line for each in whole for line in complaints(each, schema)] == []


def test_every_language_has_its_templates() -> None:
    assert LANGUAGES == templates.LANGUAGES == tuple(templates.LINES)
    known = {language: set(bodies) for language, (_, _, bodies, _) in templates.LINES.items()}
    assert known["python"] == known["stdio-python"] == set(NAMES)
    assert known["javascript"] == known["go"] == {"bucket", "shaper", "marker", "arbiter"}


def test_a_driver_never_replaces_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written("bucket", "python", tmp_path)
    text = path.read_text("utf-8")
    capsys.readouterr()
    for wrong in (["bucket", "--output", str(path)], ["fridge"], ["bucket", "--output", str(path / "below")]):
        assert run(["review", "--init", *wrong]) == 2
        captured = capsys.readouterr()
        assert (captured.out, len(captured.err.splitlines())) == ("", 1)
    assert path.read_text("utf-8") == text
    assert run(["review", "--init", "bucket"]) == 0
    assert capsys.readouterr().out == text


def test_a_role_without_a_driver_in_a_language_says_in_which() -> None:
    suite, _ = declare("allocator")
    with pytest.raises(InputError, match="one of python, stdio-python for the role allocator, got 'go'"):
        template(suite, "go")


# ---- published libraries ----

SECONDS = {"clock": "s", "floats": True}
WINDOWS = {"policy": "fixed-window", **SECONDS}
# Of each: the library, the driver and what it makes, the role, what is declared, and the clause and the calls by which
# the version that is named there is violating, if it is.
PUBLISHED: dict[str, tuple[str, str, str, dict[str, Any], tuple[str, int] | None]] = {
    "kombu": ("kombu", "kombu_bucket:make", "bucket", SECONDS, None),
    "token-bucket": ("token-bucket", "token_bucket_lib:make", "bucket", {**SECONDS, "keys": 2}, None),
    "ns.py-priority": ("ns.py", "nspy_priority:make", "arbiter", {"policy": "priority"}, None),
    "ns.py-drr": ("ns.py", "nspy_drr:make", "arbiter", {"policy": "drr"}, None),
    "aiolimiter": ("aiolimiter", "aiolimiter_bucket:make", "bucket", SECONDS, None),
    "aiolimiter-shaper": ("aiolimiter", "aiolimiter_bucket:wait", "shaper", SECONDS, ("AR-2", 3)),
    "aiolimiter-ones": ("aiolimiter", "aiolimiter_bucket:wait", "shaper", {**SECONDS, "largest": 1}, None),
    "cachetools": ("cachetools", "cachetools_lru:Cache", "cache", {"without": "pin"}, None),
    "limits": ("limits", "limits_fixed:make", "bucket", {**WINDOWS, "legal_only": True}, ("WC-1", 3)),
    "limits-attempts": (
        "limits",
        "limits_fixed:make",
        "bucket",
        {**WINDOWS, "policy": "fixed-window-attempts", "legal_only": True},
        None,
    ),
    "ratelimit": ("ratelimit", "ratelimit_decorator:make", "bucket", {**WINDOWS, "largest": 1}, None),
    "throttled": (
        "throttled-py",
        "throttled_sliding:make",
        "bucket",
        {**WINDOWS, "policy": "sliding-window-counter", "legal_only": True},
        ("WC-3", 3),
    ),
}


def published(name: str, profile: Profile) -> Review:
    """Review a library, where it is installed; headgate does not depend on it."""
    library, driver, role, declared, _ = PUBLISHED[name]
    try:
        importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{library} is not installed: pip install {library}")
    return reviewed(load_factory(f"headgate.examples.review.{driver}"), role, profile, **declared)


def expected(name: str) -> tuple[str, int] | None:
    """Return what is known of the version that is installed: by what clause it is violating, in how many calls."""
    library, *_, known = PUBLISHED[name]
    if library == "kombu" and tuple(map(int, importlib.metadata.version("kombu").split(".")[:2])) < (5, 7):
        return "TB-4", 2
    return known


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_library_is_judged_as_it_should_be(name: str) -> None:
    begun = time.process_time()
    found = published(name, PROFILES["quick"])
    assert (found.violation and (found.violation.clause, len(found.asked))) == expected(name), found.error
    assert found.outcome is not Outcome.ERRORED
    assert time.process_time() - begun < 10


@pytest.mark.soak
@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_library_stands_ten_thousand_cases(name: str) -> None:
    found = published(name, Profile(10_000, float("inf"), None))
    assert clause(found) == (expected(name) or (None,))[0], found.error or found.violation
    assert found.outcome is Outcome.VIOLATING or found.cases >= 10_000


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_driver_says_how_it_is_run(name: str) -> None:
    library, driver, role, *_ = PUBLISHED[name]
    module = importlib.import_module(f"headgate.examples.review.{driver.partition(':')[0]}")
    said = module.__doc__ or ""
    assert f"headgate review headgate.examples.review.{driver} --role {role}" in said
    assert f"pip install {library}\n" in said


# ---- how fast ----


def test_the_benchmark_prints_every_way_with_its_ratios(capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["--offers", "24", "--repeats", "1"]) == 0
    printed = capsys.readouterr().out
    for name in ("the bucket alone", "in process, floats", "through stdio, cases of 12", "a call a line", "cases/s"):
        assert name in printed
    rows = [line.split() for line in printed.splitlines() if line.startswith(("  in process", "  through stdio"))]
    assert len(rows) == 5
    assert all(float(row[-1]) > 0 for row in rows)
