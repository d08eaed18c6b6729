"""Two clients at once, the same way every time: the second one asks while the first is at a chosen line.

What is traced is the first client's call; before its `step`-th line the second client's call is made, in a thread of
its own. If that waits for a lock which the first one holds, the first goes on, and both end.
"""

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["together"]

# For how long the second client may take before it is taken to wait for the first, and for both to end, in seconds.
PATIENCE, END = 0.05, 2.0


def together(
    first: Callable[[], Any], second: Callable[[], Any], step: int, passes: Callable[[BaseException], bool]
) -> tuple[Any, Any]:
    """Return both answers; an error of theirs is returned in place of its answer. TimeoutError if they never end.

    What `passes` says is not theirs is raised.
    """
    answers: list[Any] = [None, None]
    other = threading.Thread(target=_kept, args=(second, answers, 1, lambda _: False), daemon=True)
    lines = -1

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines
        if frame.f_code.co_filename == __file__:
            return trace if event == "call" else None
        if event == "line":
            lines += 1
            if lines == step:
                other.start()
                other.join(PATIENCE)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        _kept(first, answers, 0, passes)
    finally:
        sys.settrace(before)
    if other.ident is None:  # the first one was done before
        other.start()
    other.join(END)
    if other.is_alive():
        raise TimeoutError("two clients at once never end")
    return answers[0], answers[1]


def _kept(client: Callable[[], Any], answers: list[Any], place: int, passes: Callable[[BaseException], bool]) -> None:
    try:
        answers[place] = client()
    except BaseException as error:
        if passes(error):
            raise
        answers[place] = error
