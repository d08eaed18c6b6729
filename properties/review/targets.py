"""How an implementation is reached: here, as a Python object that a factory makes. `process` reaches one over stdio.

Whatever it does is contained: an error of its own becomes `Raised`, a call that does not come back `Errored`.
"""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import FrameType
from typing import Any, Protocol

from headgate.properties.review.case import Call, Errored, Raised
from headgate.properties.review.declared import Clock
from headgate.properties.review.interleave import together
from headgate.spec.errors import InputError, one_line
from headgate.spec.loading import load_object

__all__ = ["PythonTarget", "Session", "Target", "load_factory"]

LONGEST_DETAIL = 300


class Session(Protocol):
    """One configured instance of the implementation."""

    def prepare(self, calls: Sequence[Call]) -> None:
        """Be told of calls that will be made in this order, whatever the answers are."""

    def call(self, call: Call) -> object:
        """Return its answer. Raises Raised for an error of its own, Errored where it failed."""

    def together(self, first: Call, second: Call, step: int) -> tuple[object, object]:
        """Return both answers, the second call made in the middle of the first, at `step`, where that can be done.

        An error of its own stands in place of an answer. Raises Errored where they never end.
        """


class Target(Protocol):
    """An implementation under review."""

    name: str

    def session(self, configuration: Mapping[str, Any]) -> contextlib.AbstractContextManager[Session]:
        """Return a context that holds a fresh instance. Raises Errored if it cannot be made, or takes too long."""

    def one_by_one(self) -> None:
        """Make no call before the answer to the one before it is there, even where calls were prepared."""

    def close(self) -> None:
        """End what is kept between sessions."""


class PythonTarget:
    """An implementation in this process: `factory(**configuration)` returns an object with the role's methods."""

    def __init__(self, factory: Callable[..., Any], name: str, clock: Clock, seconds: float = 5.0) -> None:
        """Reach it through `factory`; a case that takes longer than `seconds` hangs."""
        self.factory, self.name, self.clock, self.seconds = factory, name, clock, seconds

    @contextlib.contextmanager
    def session(self, configuration: Mapping[str, Any]) -> Iterator[Session]:
        """Return a context that holds a fresh instance, and stops whatever takes too long."""
        with _limit(self.seconds):
            try:
                made = self.factory(**configuration)
            except (Exception, SystemExit) as error:
                given = ", ".join(f"{key}={value!r}" for key, value in configuration.items())
                raise Errored("crash", f"the factory, called with {given}, raised {_words(error)}") from error
            try:
                yield _Instance(made, self.clock)
            finally:
                closing = getattr(made, "close", None)
                if callable(closing):
                    with contextlib.suppress(Exception):
                        closing()

    def one_by_one(self) -> None:
        """Calls are always made one by one."""

    def close(self) -> None:
        """Nothing is kept."""


class _Instance:
    def __init__(self, made: Any, clock: Clock) -> None:
        self.made, self.clock = made, clock
        self.methods: dict[str, Callable[..., Any]] = {}

    def prepare(self, calls: Sequence[Call]) -> None:
        """Nothing is gained by knowing."""

    def together(self, first: Call, second: Call, step: int) -> tuple[object, object]:
        """Return both answers, the second call made before the `step`-th line of the first."""
        try:
            return together(self._bound(first), self._bound(second), step)
        except TimeoutError as error:
            raise Errored("hang", str(error)) from None

    def _bound(self, call: Call) -> Callable[[], object]:
        """Return the call, ready to be made; nothing of headgate's is among its lines."""
        return partial(self.methods.get(call.operation) or self._method(call.operation), *call.arguments.values())

    def call(self, call: Call) -> object:
        method = self.methods.get(call.operation) or self._method(call.operation)
        arguments = call.arguments
        time = arguments.get("now_ns")
        values: list[Any] = list(arguments.values())
        if isinstance(time, int):
            values[0] = self.clock.time(time)  # a time always comes first
        try:
            return method(*values)
        except (Exception, SystemExit) as error:
            raise Raised(_words(error)) from error

    def _method(self, operation: str) -> Callable[..., Any]:
        found: Callable[..., Any] | None = getattr(self.made, operation, None)
        if not callable(found):
            raise Errored("garbage", f"expected an object with a method {operation}, got {type(self.made).__name__}")
        self.methods[operation] = found
        return found


def _words(error: BaseException) -> str:
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return one_line(text)[:LONGEST_DETAIL]


class _OutOfTime(BaseException):
    """Time is up. Not an Exception, so that the implementation does not catch it by mistake."""


@contextlib.contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Stop what takes longer than `seconds`; only where the system can (the main thread of a Unix process)."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise _OutOfTime

    def disarm() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    before = signal.signal(signal.SIGALRM, stop)
    try:
        try:
            # Again and again, since an exception that is raised inside a finaliser is lost.
            signal.setitimer(signal.ITIMER_REAL, seconds, max(seconds, 0.1))
            yield
        finally:
            disarm()
    except _OutOfTime:
        disarm()  # where the machine is slow, time is up a second time before the first is dealt with
        raise Errored("hang", f"a case did not end within {seconds:g} s") from None


def load_factory(path: str) -> Callable[..., Any]:
    """Return the object that `package.module:factory` names; InputError, with the place, where there is none.

    The current folder comes first, as it does for `python -m`.
    """
    found = load_object(path, "package.module:factory")
    if not callable(found):
        raise InputError(
            path[:100], "something that can be called and returns the implementation", type(found).__name__
        )
    factory: Callable[..., Any] = found
    return factory
