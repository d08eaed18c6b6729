"""Time for the code under review, and for nothing else: what headgate spends on judging is not the implementation's.

While that code runs, what it prints goes to the standard error, since the verdict is on the standard output; an alarm
ends it once it has used up its time; and a Ctrl-C is told from a KeyboardInterrupt of its own.
"""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from time import monotonic  # by name, lest an implementation put a clock of its own in its place
from types import FrameType, TracebackType
from typing import Any

from headgate.properties.review.case import Errored

__all__ = ["OutOfTime", "Watch", "watched"]

# An alarm is repeated after so many seconds, since an exception that is raised inside a finaliser is lost.
AGAIN = 0.1


class OutOfTime(BaseException):
    """Time is up. Not an Exception, so that the implementation does not catch it by mistake."""


class Watch:
    """A stopwatch, and a context that it runs in: `with watch: implementation()`. Raises OutOfTime there.

    Alarms are there only where the system has them, and only in the main thread.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = self.left = seconds
        self.alarms = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
        self.running = self.interrupted = False
        self.begun = 0.0
        self.output: Any = None

    def __enter__(self) -> None:
        """Let the implementation run."""
        self.output, sys.stdout = sys.stdout, sys.stderr
        self.begun, self.running = monotonic(), True
        if self.alarms:
            signal.setitimer(signal.ITIMER_REAL, max(self.left, 1e-6), AGAIN)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop the clock; what the implementation left in the place of the standard output is no matter."""
        self.running = False
        if self.alarms:
            signal.setitimer(signal.ITIMER_REAL, 0)
        sys.stdout = self.output
        self.left -= monotonic() - self.begun

    def ring(self, _signal: int, _frame: FrameType | None) -> None:
        """Time is up, if it is the implementation that runs."""
        if self.running:
            raise OutOfTime

    def interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        """Somebody wants to stop, which the implementation must not be taken for."""
        self.interrupted = True
        raise KeyboardInterrupt

    def is_ours(self, error: BaseException) -> bool:
        """Return whether an exception is not the implementation's own: time is up, or somebody pressed Ctrl-C."""
        return isinstance(error, OutOfTime) or (isinstance(error, KeyboardInterrupt) and self.interrupted)


@contextlib.contextmanager
def watched(seconds: float) -> Iterator[Watch]:
    """Return a context that holds a watch; Errored where the implementation takes longer than `seconds` in all."""
    watch = Watch(seconds)
    replaced = []
    if watch.alarms:
        for number, handler in ((signal.SIGALRM, watch.ring), (signal.SIGINT, watch.interrupt)):
            if number == signal.SIGALRM or signal.getsignal(number) is signal.default_int_handler:
                replaced.append((number, signal.signal(number, handler)))
    try:
        yield watch
    except OutOfTime:
        raise Errored("hang", f"a case did not end within {seconds:g} s") from None
    finally:
        for number, before in replaced:
            signal.signal(number, before)
