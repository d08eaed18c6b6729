"""How an implementation is reached: here, as a Python object that a factory makes. `process` reaches one over stdio.

Whatever it does is contained: an error of its own becomes `Raised`, a call that does not come back `Errored`.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from headgate.properties.review.case import Call, Errored, Raised
from headgate.properties.review.declared import Clock
from headgate.properties.review.interleave import together
from headgate.properties.review.watch import Watch, watched
from headgate.spec.errors import InputError, one_line
from headgate.spec.loading import load_object

__all__ = ["PythonTarget", "Session", "Target", "allowed", "load_factory"]

LONGEST_DETAIL = 300
# How many calls the time for a case is for, and how many times that time a longer one is given at most.
USUAL_CALLS, MOST_TIMES = 20, 10
# For how long an implementation may put away what it has, at least, in seconds.
FAREWELL = 0.1


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

    def session(self, configuration: Mapping[str, Any], calls: int = 0) -> contextlib.AbstractContextManager[Session]:
        """Return a context that holds a fresh instance. Raises Errored if it cannot be made, or takes too long.

        It is given more time for a case of many `calls`.
        """

    def one_by_one(self) -> None:
        """Make no call before the answer to the one before it is there, even where calls were prepared."""

    def close(self) -> None:
        """End what is kept between sessions."""


def allowed(seconds: float, calls: int) -> float:
    """Return how many seconds a case may take: more for one of many calls, though never beyond all patience."""
    return seconds * min(max(calls / USUAL_CALLS, 1), MOST_TIMES)


class PythonTarget:
    """An implementation in this process: `factory(**configuration)` returns an object with the role's methods."""

    def __init__(self, factory: Callable[..., Any], name: str, clock: Clock, seconds: float = 5.0) -> None:
        """Reach it through `factory`; it hangs where a case takes its own code longer than `allowed` of `seconds`."""
        self.factory, self.name, self.clock, self.seconds = factory, name, clock, seconds

    @contextlib.contextmanager
    def session(self, configuration: Mapping[str, Any], calls: int = 0) -> Iterator[Session]:
        """Return a context that holds a fresh instance, and stops whatever takes too long."""
        with watched(allowed(self.seconds, calls)) as watch:
            try:
                with watch:
                    made = self.factory(**configuration)
            except BaseException as error:
                if watch.is_ours(error):
                    raise
                given = ", ".join(f"{key}={value!r}" for key, value in configuration.items())
                raise Errored("crash", f"the factory, called with {given}, raised {_words(error)}") from error
            try:
                yield _Instance(made, self.clock, watch)
            finally:
                _close(made, watch)

    def one_by_one(self) -> None:
        """Calls are always made one by one."""

    def close(self) -> None:
        """Nothing is kept."""


class _Instance:
    def __init__(self, made: Any, clock: Clock, watch: Watch) -> None:
        self.made, self.clock, self.watch = made, clock, watch
        self.methods: dict[str, Callable[..., Any]] = {}

    def prepare(self, calls: Sequence[Call]) -> None:
        """Nothing is gained by knowing."""

    def together(self, first: Call, second: Call, step: int) -> tuple[object, object]:
        """Return both answers, the second call made before the `step`-th line of the first."""
        one, two = self._bound(first), self._bound(second)
        try:
            with self.watch:
                return together(one, two, step, self.watch.is_ours)
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
            with self.watch:
                return method(*values)
        except BaseException as error:
            if self.watch.is_ours(error):
                raise
            raise Raised(_words(error)) from error

    def _method(self, operation: str) -> Callable[..., Any]:
        try:
            with self.watch:
                found: Callable[..., Any] | None = getattr(self.made, operation, None)
        except BaseException as error:
            if self.watch.is_ours(error):
                raise
            raise Errored("crash", f"its {operation} cannot be looked up: {_words(error)}") from error
        if not callable(found):
            raise Errored("garbage", f"expected an object with a method {operation}, got {type(self.made).__name__}")
        self.methods[operation] = found
        return found


def _close(made: Any, watch: Watch) -> None:
    """Let the implementation put away what it has, also where its time is up; what it says to that is no matter."""
    watch.left = max(watch.left, FAREWELL)
    try:
        with watch:
            closing = getattr(made, "close", None)
            if callable(closing):
                closing()
    except BaseException as error:
        if watch.is_ours(error):
            raise


def _words(error: BaseException) -> str:
    try:
        said = str(error)
    except Exception:
        said = ""
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return one_line(text)[:LONGEST_DETAIL]


def load_factory(path: str) -> Callable[..., Any]:
    """Return the object that `package.module:factory` names; InputError, with the place, where there is none.

    The current folder comes first, as it does for `python -m`.
    """
    with contextlib.redirect_stdout(sys.stderr):  # the standard output is for the verdict
        found = load_object(path, "package.module:factory")
    if not callable(found):
        raise InputError(
            path[:100], "something that can be called and returns the implementation", type(found).__name__
        )
    factory: Callable[..., Any] = found
    return factory
