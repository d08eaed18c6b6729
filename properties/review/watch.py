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

from headgate.properties.review.case import Errored

__all__ = ["OutOfTime", "Watch", "watched"]

# How often the clock is looked at once time could be up, in seconds; again and again, since an exception that is raised
# inside a finaliser is lost.
TICK = 0.05
# Where Linux says how many ns this thread ran, and how many it waited for a processor that others had.
SCHEDULED = "/proc/thread-self/schedstat"


def queued() -> float:
    """Return for how many seconds this thread has waited for a processor; 0 where the system does not say."""
    try:
        with open(SCHEDULED, "rb") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


class OutOfTime(BaseException):
    """Time is up. Not an Exception, so that the implementation does not catch it by mistake."""


class Watch:
    """A stopwatch, and a context that it runs in: `with watch: implementation()`. Raises OutOfTime there.

    Alarms are there only where the system has them, and only in the main thread. On a machine that is busy with others
    what is waited for a processor does not count.
    """

    def __init__(self, seconds: float) -> None:
        self.left = seconds
        self.running = self.interrupted = False
        self.begun = 0.0
        self.queued = queued()

    def __enter__(self) -> None:
        """Let the implementation run."""
        self.begun = monotonic()
        self.running = True

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop the clock."""
        self.running = False
        self.left -= monotonic() - self.begun

    def ring(self, _signal: int, _frame: FrameType | None) -> None:
        """Look at the clock: time is up, if it is the implementation that runs, and has for too long."""
        if self.running and self.is_up(self.left - (monotonic() - self.begun)):
            raise OutOfTime

    def is_up(self, left: float) -> bool:
        """Return whether no time is left, the waits of the whole case given back; they are read only if it matters."""
        return left <= 0 and left + queued() - self.queued <= 0

    def interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        """Somebody wants to stop, which the implementation must not be taken for."""
        self.interrupted = True
        raise KeyboardInterrupt

    def is_ours(self, error: BaseException) -> bool:
        """Return whether an exception is not the implementation's own: time is up, or somebody pressed Ctrl-C."""
        return isinstance(error, OutOfTime) or (isinstance(error, KeyboardInterrupt) and self.interrupted)


@contextlib.contextmanager
def watched(seconds: float) -> Iterator[Watch]:
    """Return a context that holds a watch; Errored where the implementation takes longer than `seconds` in all.

    Whatever is printed meanwhile goes to the standard error.
    """
    watch, output = Watch(seconds), sys.stdout
    alarms = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGALRM, watch.ring) if alarms else None
    ours = alarms and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, watch.interrupt)
    if alarms:
        signal.setitimer(signal.ITIMER_REAL, seconds, TICK)  # before that it cannot have used up its time
    sys.stdout = sys.stderr
    try:
        yield watch
        if alarms and watch.is_up(watch.left):  # between two looks at the clock
            raise OutOfTime
    except OutOfTime:
        raise Errored("hang", f"a case did not end within {seconds:g} s") from None
    finally:
        sys.stdout = output
        if alarms:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
