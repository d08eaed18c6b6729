"""Works while the user waits: with a display of progress, and so that Ctrl-C ends it at once.

The solver works in a thread of its own, since it hears no signal while it works in the main one.
"""

import sys
import threading
import time
from collections.abc import Callable
from typing import Protocol

__all__ = ["Display", "Worker", "wait_for"]

PROGRESS_AFTER_S = 1
LOOK_EVERY_S = 0.05


class Worker(threading.Thread):
    """A thread that works; whoever inherits says what its work is, and how to end it."""

    def __init__(self) -> None:
        """Begin nothing yet."""
        super().__init__(daemon=True)
        self.failure: BaseException | None = None

    def work(self) -> None:
        """Work."""
        raise NotImplementedError

    def interrupt(self) -> bool:
        """End what is under way; return whether there is something to wait for."""
        raise NotImplementedError

    def run(self) -> None:
        """Work; what goes wrong is kept for the main thread."""
        try:
            self.work()
        except BaseException as failure:
            self.failure = failure


class Display(Protocol):
    """What is shown of a worker, from now on."""

    def move(self, seconds: float) -> None:
        """Show where it is, so long after it began."""

    def stop(self) -> None:
        """Take the display away."""


def wait_for(worker: Worker, display: Callable[[], Display]) -> None:
    """Let the worker work to its end; on a terminal, show where it is once that has taken more than a second.

    Raises what went wrong in it; on Ctrl-C ends it, and lets the interrupt go on.
    """
    worker.start()
    try:
        _watch(worker, display)
    except KeyboardInterrupt:
        # Again and again, as it may have been between two queries.
        while worker.is_alive() and worker.interrupt():
            worker.join(LOOK_EVERY_S)
        raise
    if worker.failure is not None:
        raise worker.failure


def _watch(worker: Worker, display: Callable[[], Display]) -> None:
    begun, shown = time.monotonic(), None
    try:
        while worker.is_alive():
            worker.join(LOOK_EVERY_S)
            if shown is None and sys.stderr.isatty() and time.monotonic() - begun > PROGRESS_AFTER_S:
                shown = display()
            if shown is not None:
                shown.move(time.monotonic() - begun)
    finally:
        if shown is not None:
            shown.stop()
