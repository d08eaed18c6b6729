"""Adapters: what most libraries need to be reviewed, so that a driver has fewer than fifteen lines.

A limiter that reads a clock gets a `FakeClock`, injected or patched in (`Consumer`); a server that lives in a simpy
environment or on asyncio runs in virtual time (`SimpyServer`, and those whose names begin with Async). None of
these libraries is imported here.
"""

import asyncio
import contextlib
import importlib
import inspect
import math
import selectors
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from types import ModuleType
from typing import Any

import attrs

from headgate.spec.errors import InputError

__all__ = [
    "EPOCH",
    "AsyncConsumer",
    "AsyncGate",
    "AsyncServer",
    "AsyncShaper",
    "Consumer",
    "FakeClock",
    "SimpyServer",
    "VirtualLoop",
]


# ---- a clock that is told the time ----


class FakeClock:
    """A clock that stands still until it is told the time. It can be called, and stands in for the module `time`.

    `now` is in units of the declared clock; the names that end in _ns give a billion a unit, as if that were seconds.
    """

    def __init__(self, now: float = 0) -> None:
        """Start at `now`."""
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    time = monotonic = perf_counter = __call__

    def monotonic_ns(self) -> int:
        """Return the time in billionths."""
        return round(self.now * 1_000_000_000)

    time_ns = perf_counter_ns = monotonic_ns

    def sleep(self, span: float) -> None:
        """Let `span` pass."""
        self.now += span


@attrs.frozen
class _Place:
    """A name in a module or a class, and what stands for it while a call is made."""

    owner: Any
    name: str
    before: Any
    instead: Any


def _place(path: str, clock: FakeClock) -> _Place:
    """Return the place that a path such as "package.module.monotonic" names; InputError if there is none."""
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            owner: Any = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:-1]:
            owner = getattr(owner, part, None)
        if hasattr(owner, parts[-1]):
            before = getattr(owner, parts[-1])
            ns = parts[-1].endswith("_ns") and not isinstance(before, ModuleType)
            return _Place(owner, parts[-1], before, clock.monotonic_ns if ns else clock)
    raise InputError(path[:100], "the path of a clock that a module uses, such as package.module.monotonic")


@contextlib.contextmanager
def _patched(places: Sequence[_Place]) -> Iterator[None]:
    for place in places:
        setattr(place.owner, place.name, place.instead)
    try:
        yield
    finally:
        for place in places:
            setattr(place.owner, place.name, place.before)


# The least common multiple of 1 to 12: small enough that floats keep a billionth of a unit.
EPOCH = 27_720


class Consumer:
    """The role `bucket` for an object that is asked for tokens and reads a clock.

    `make(clock)` returns it, with `clock` injected where it takes one; `consume(made, size)` asks it for `size` tokens.
    `patch` names the clocks that it reads where it takes none, such as "kombu.utils.limits.monotonic", or the module
    `time` as it is known there: they are replaced for the time of a call, and of no other. So a thread of the library's
    own reads the real clock, and had better not be started.

    `epoch` is what the clock shows at time 0: more than 0 for code that works at no time so near to 1970. Where windows
    begin at multiples of their length, it has to be one: `EPOCH` is one of every length that is drawn.
    """

    def __init__(
        self,
        make: Callable[[FakeClock], Any],
        consume: Callable[[Any, int], Any],
        patch: Sequence[str] = (),
        epoch: float = 0,
    ) -> None:
        """Make the object, at time 0."""
        self.clock, self.consume, self.epoch = FakeClock(epoch), consume, epoch
        self.places = [_place(path, self.clock) for path in patch]
        with _patched(self.places):
            self.made = make(self.clock)

    def offer(self, now: float, size: int) -> bool:
        """Return whether it gives `size` tokens at `now`."""
        self.clock.now = now + self.epoch if self.epoch else now
        with _patched(self.places):
            answer: bool = self.consume(self.made, size)
        return answer


# ---- servers that keep their own time ----


RATES = "does the server's rate fit the declared one?"


class SimpyServer:
    """The role `arbiter` for a server in a simpy environment, which serves by itself: it is seen at what it begins.

    Its service has to take as long as the reviewer believes: `size` units of the clock, at the default rate of 1.
    `put(tenant, size)` gives it a packet; `in_service()` returns the packet that it serves, a new object each, or None;
    `tenant(packet)` says whose it is.
    """

    def __init__(
        self,
        environment: Any,
        put: Callable[[int, int], object],
        in_service: Callable[[], object],
        tenant: Callable[[Any], int] = lambda packet: int(packet.flow_id),
    ) -> None:
        """Drive `environment`, whose time is in units of the declared clock."""
        self.environment, self.put, self.in_service, self.tenant = environment, put, in_service, tenant
        self.seen: object = None

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        """Put a packet at `now`, before whatever happens at that instant."""
        if now > self.environment.now:
            self.environment.run(until=now)
        self.put(tenant, size)

    def dequeue(self, now: float) -> int | None:
        """Return whose packet it serves, once all that happens by `now` has happened."""
        if now > self.environment.now:
            self.environment.run(until=now)
        while self.environment.peek() <= now:
            self.environment.step()
        packet = self.in_service()
        if packet is None:
            return None
        if packet is self.seen:
            raise RuntimeError(f"a service has not ended by {now}; {RATES}")
        self.seen = packet
        return self.tenant(packet)


# ---- asyncio ----


class _NoWait(selectors.DefaultSelector):
    """A selector that never waits: it moves its loop's time instead."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready now, after the time has passed for which it would have waited."""
        if timeout is None or timeout > 0:
            self.loop.pass_time(timeout)
        else:
            self.loop.go_round()
        return super().select(0)


# Two times that differ by less than this share are one to a server: it adds up waits, in floats.
SAME = 1e-12
# To what answers at an instant, only neighbours are: a timer's wait is a difference of floats.
NEXT = 2.0**-52
# A timer may be set for now, by a float that was rounded, and set again when it goes off a little too soon. On a real
# loop time passes meanwhile; here the least that there is passes each time, once it has gone round so often.
ROUNDS = 100


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time: `await asyncio.sleep(3600)` takes no time at all, and an hour has passed."""

    def __init__(self, same: float = SAME, patch: Sequence[str] = ()) -> None:
        """Start at time 0; times that differ by less than the share `same` are one.

        `patch` names clocks that show its time while it runs, as `Consumer` has it.
        """
        self.same, self.clock = same, FakeClock()
        self.places = [_place(path, self.clock) for path in patch]
        self.now, self.until, self.even_at_the_end = 0.0, 0.0, False
        self.rounds = 0
        self.out_of_time: BaseException | None = None
        self.begun: set[asyncio.Task[Any]] = set()
        selector = _NoWait()
        selector.loop = self
        super().__init__(selector)
        self.set_exception_handler(self._failed)
        self._set(0.0)

    def run_forever(self) -> None:
        """Run until it is stopped. What ends a review (that time is up) ends it here too, wherever it was raised."""
        self.rounds = 0
        with _patched(self.places):
            super().run_forever()
        if self.out_of_time is not None:
            ends, self.out_of_time = self.out_of_time, None
            raise ends

    def _failed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Note what asyncio does not let through where it is raised in a callback: it would only be logged."""
        error = context.get("exception")
        if isinstance(error, BaseException) and not isinstance(error, Exception | asyncio.CancelledError):
            self.out_of_time = error
            self.stop()
        else:
            self.default_exception_handler(context)

    def time(self) -> float:
        """Return the virtual time, in units of the declared clock."""
        return self.now

    def go_round(self) -> None:
        """Go on with what is ready, at the same time, or as good as that."""
        self.rounds += 1
        if self.rounds > ROUNDS:
            self._set(math.nextafter(self.now, math.inf))

    def _set(self, now: float) -> None:
        self.now = self.clock.now = now
        self._clock_resolution = math.ulp(now)  # a timer goes off at its time, not a little before

    def pass_time(self, wait: float | None) -> None:
        """Let time pass until the next timer, or stop where the run ends."""
        then = None if wait is None else self.now + wait
        last = self.until * (1 + self.same if self.even_at_the_end else 1 - self.same)
        if then is None or then > last:
            self.stop()  # the time is not moved yet: a timer that is due at the end would go off
        else:
            self._set(then)
            self.rounds = 0

    def advance(self, until: float, even_at_the_end: bool = False) -> None:
        """Run to `until`: what is due then is left for later, unless `even_at_the_end`."""
        if until > self.now or even_at_the_end:
            self.until, self.even_at_the_end = until, even_at_the_end
            self.run_forever()
            self._set(max(self.now, until))

    def begin(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start `work`; it is cancelled, at the latest, when the loop is closed."""
        task = self.create_task(work)
        self.begun.add(task)
        return task

    def finish(self, work: Coroutine[Any, Any, Any], within: float = float("inf")) -> Any:
        """Return what `work` returns; TimeoutError where nothing is left that could wake it by `within`."""
        task = self.begin(work)
        task.add_done_callback(lambda _: self.stop())
        self.until, self.even_at_the_end = within, True
        self.run_forever()
        if not task.done():
            task.cancel()
            self.run_until_complete(asyncio.gather(task, return_exceptions=True))
            raise TimeoutError(f"it waits for what does not happen by {within}")
        return task.result()

    def raise_what_failed(self) -> None:
        """Raise the error of something that was begun, if there is one."""
        for task in self.begun:
            if task.done() and not task.cancelled():
                task.result()

    def close(self) -> None:
        """Cancel what is left, and close."""
        if self.is_closed():
            return
        left = asyncio.all_tasks(self) | self.begun
        for task in left:
            task.cancel()
        if left:
            self.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        super().close()


class _OnALoop:
    """Something that is made on a loop of its own. `make()` may be a coroutine function or a plain one."""

    def __init__(self, make: Callable[[], Any], same: float = SAME, patch: Sequence[str] = ()) -> None:
        self.loop = VirtualLoop(same, patch)
        try:
            self.made = self.loop.finish(_awaited(make))
        except BaseException:
            self.loop.close()
            raise

    def close(self) -> None:
        """Close the loop."""
        self.loop.close()


async def _awaited(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what `function` returns, awaited where it can be; it runs on the loop in either case."""
    answer = function(*arguments)
    return await answer if inspect.isawaitable(answer) else answer


class AsyncConsumer(_OnALoop):
    """The role `bucket` for an object on asyncio: `consume(made, size)` returns an answer, or awaits it.

    An answer that takes time counts as a refusal: at that instant, the tokens were not to be had. What ends without an
    answer, as `acquire` does, has got them. `patch` names the clocks that it reads beside its loop's, as `Consumer` has
    it.
    """

    def __init__(self, make: Callable[[], Any], consume: Callable[[Any, int], Any], patch: Sequence[str] = ()) -> None:
        """Make the object, at time 0."""
        super().__init__(make, NEXT, patch)
        self.consume = consume

    def offer(self, now: float, size: int) -> bool:
        """Return whether it gives `size` tokens at `now`."""
        self.loop.advance(now, even_at_the_end=True)
        try:
            answer: bool | None = self.loop.finish(_awaited(self.consume, self.made, size), within=now)
        except TimeoutError:
            return False
        return True if answer is None else answer


class AsyncGate(_OnALoop):
    """The role `admission` for a semaphore on asyncio: `acquire(made, amount)` ends, or returns an answer, once it may.

    What takes time counts as a refusal, and is not waited for. `release(made, amount)` may be a coroutine too.
    It is one thread's: declare it with `--single-threaded`.
    """

    def __init__(
        self, make: Callable[[], Any], acquire: Callable[[Any, int], Any], release: Callable[[Any, int], Any]
    ) -> None:
        """Make the object, at time 0."""
        super().__init__(make, NEXT)
        self.acquire, self.give_back = acquire, release

    def request(self, tenant: int, amount: int) -> bool:
        """Return whether it gives `amount` at once."""
        try:
            answer: bool | None = self.loop.finish(_awaited(self.acquire, self.made, amount), within=self.loop.now)
        except TimeoutError:
            return False
        return True if answer is None else answer

    def release(self, tenant: int, amount: int) -> None:
        """Give `amount` back."""
        self.loop.finish(_awaited(self.give_back, self.made, amount))


class AsyncShaper:
    """The role `shaper` for a limiter on asyncio that is waited for: `acquire(made, size)` ends when it may go.

    A departure lies in the future, and the next submission may come before it. So each submission is answered on a
    limiter of its own, which is told all the earlier ones at their times.
    """

    def __init__(self, make: Callable[[], Any], acquire: Callable[[Any, int], Any], patch: Sequence[str] = ()) -> None:
        """Remember how it is made."""
        self.make, self.acquire, self.patch = make, acquire, patch
        self.told: list[tuple[float, int]] = []

    def submit(self, now: float, size: int) -> float:
        """Return when `size` bytes submitted at `now` may go."""
        self.told.append((now, size))
        fresh = _OnALoop(self.make, patch=self.patch)
        try:
            return self._last(fresh)
        finally:
            fresh.close()

    def _last(self, fresh: _OnALoop) -> float:
        loop = fresh.loop
        for at, size in self.told[:-1]:
            loop.advance(at, even_at_the_end=True)
            loop.begin(_awaited(self.acquire, fresh.made, size))
        loop.advance(self.told[-1][0], even_at_the_end=True)
        loop.finish(_awaited(self.acquire, fresh.made, self.told[-1][1]))
        return loop.now


class AsyncServer:
    """The role `arbiter` for a server on asyncio that serves by itself, at the declared rate, as `SimpyServer` does.

    `make(begins)` returns it, or a coroutine that does; it calls `begins(tenant)` whenever it begins a service.
    `put(made, tenant, size)` gives it a request, and may be a coroutine that ends when the request is served.
    """

    def __init__(self, make: Callable[[Callable[[int], None]], Any], put: Callable[[Any, int, int], Any]) -> None:
        """Make the server, at time 0."""
        self.begun: deque[int] = deque()
        self.on = _OnALoop(lambda: make(self.begun.append))
        self.put = put

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        """Give it a request at `now`, before whatever happens at that instant."""
        self.on.loop.advance(now)
        self.on.loop.begin(_awaited(self.put, self.on.made, tenant, size))

    def dequeue(self, now: float) -> int | None:
        """Return whose request it serves, once all that happens by `now` has happened."""
        self.on.loop.advance(now, even_at_the_end=True)
        self.on.loop.raise_what_failed()
        if len(self.begun) > 1:
            raise RuntimeError(f"{len(self.begun)} services begin by {now}, one was due; {RATES}")
        return self.begun.popleft() if self.begun else None

    def close(self) -> None:
        """Close the loop."""
        self.on.close()
