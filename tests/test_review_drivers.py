"""Drivers for reviews: the adapters, the ones to start from, the published libraries, and the protocol."""

import asyncio
import importlib.metadata
import itertools
import json
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import run
from headgate.properties.review.adapters import (
    AsyncConsumer,
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
from headgate.spec.errors import InputError

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
