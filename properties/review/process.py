"""An implementation as a process that speaks JSON lines over its standard input and output, in any language.

headgate writes a line, the process answers with a line (the form: `spec/schemas/review-protocol.schema.json`):

    {"cmd": "start", "protocol": 1}                          -> {"ready": true}
    {"cmd": "configure", "seq": 1, "role": "bucket",
     "configuration": {"rate": 1, "burst": 3}}               -> {"seq": 1, "ok": true}
    {"cmd": "run", "seq": 2, "calls": [["offer", 0, 3]]}     -> {"seq": 2, "results": [true]}
    {"cmd": "stop"}                                          -> the process ends

A call that the implementation refuses by an error of its own is answered by {"raised": "why"} in place of a result.
What would be right is never sent. Whatever the process does is contained: it is given a time for every case, a length
for every line, and a process group of its own, which is killed with everything in it.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from headgate.properties.review.case import Call, Errored, Raised
from headgate.properties.review.declared import Clock
from headgate.properties.review.targets import Session, allowed
from headgate.spec.errors import InputError, one_line

__all__ = ["PROTOCOL", "ProcessTarget"]

PROTOCOL = 1
LONGEST_LINE = 1 << 20
# What a process says on its standard error is kept for the message, its end alone.
KEPT_ERROR = 500
MARK = "HEADGATE_REVIEW"
# How long a process may take to end by itself when it is told to, in seconds.
FAREWELL = 0.5
MOST_LOOKS = 20


class ProcessTarget:
    """An implementation behind `command`. One process serves all cases; after a fault a new one is started."""

    def __init__(self, command: Sequence[str], role: str, clock: Clock, seconds: float = 5.0) -> None:
        """Reach it by running `command`; it hangs where a case takes longer than `allowed` of `seconds`."""
        if not command:
            raise InputError("--exec", "a command such as 'node driver.js'")
        self.command, self.role, self.clock, self.seconds = list(command), role, clock, seconds
        self.name = " ".join(command)
        self._line: _Line | None = None
        self._batches = True

    def one_by_one(self) -> None:
        """From now on send one call a line, so that the last one sent is the one that it failed at."""
        self._batches = False

    @contextlib.contextmanager
    def session(self, configuration: Mapping[str, Any], calls: int = 0) -> Iterator[Session]:
        """Return a context that holds a freshly configured instance."""
        try:
            line = self._line or self._start()
            line.seconds = allowed(self.seconds, calls)
            line.until = time.monotonic() + line.seconds
            answer = line.ask({"cmd": "configure", "role": self.role, "configuration": dict(configuration)})
            if answer.get("ok") is not True:
                raise Errored("garbage", f"configure was answered by {_shown(answer)}, expected ok: true")
            yield _ProcessSession(line, self.clock, self._batches)
        except Errored as fault:
            if fault.kind != "crash":  # an error that it answered with leaves the process as it was
                self.close()
            raise

    def _start(self) -> "_Line":
        self._line = _Line(self.command, self.seconds)
        ready = self._line.exchange({"cmd": "start", "protocol": PROTOCOL})
        if ready.get("ready") is not True:
            raise Errored("garbage", f"start was answered by {_shown(ready)}, expected ready: true")
        return self._line

    def close(self) -> None:
        """End the process and everything that it started."""
        if self._line is not None:
            self._line.end()
            self._line = None


class _ProcessSession:
    def __init__(self, line: "_Line", clock: Clock, batches: bool) -> None:
        self.line, self.clock, self.batches = line, clock, batches
        self.ahead: deque[tuple[Call, Any]] = deque()

    def prepare(self, calls: Sequence[Call]) -> None:
        """Send calls that do not depend on answers in one line; `call` then hands out the answers in their order."""
        if calls and self.batches:
            self.ahead.extend(zip(calls, self._run(calls), strict=True))

    def together(self, first: Call, second: Call, step: int) -> tuple[object, object]:
        """Return both answers, one after the other: nobody can be in the middle of a line."""
        answers: list[object] = []
        for call in (first, second):
            try:
                answers.append(self.call(call))
            except Raised as error:
                answers.append(error)
        return answers[0], answers[1]

    def call(self, call: Call) -> object:
        if self.ahead:
            prepared, answer = self.ahead.popleft()
            assert prepared is call, "calls that were prepared are made in their order"
        else:
            [answer] = self._run([call])
        if isinstance(answer, dict):
            if set(answer) == {"raised"}:
                raise Raised(one_line(str(answer["raised"]))[:300])
            raise Errored("garbage", f"{call} was answered by {_shown(answer)}")
        return answer

    def _run(self, calls: Sequence[Call]) -> list[Any]:
        answer = self.line.ask({"cmd": "run", "calls": [self._words(call) for call in calls]})
        results = answer.get("results")
        if not isinstance(results, list) or len(results) != len(calls):
            raise Errored("garbage", f"{len(calls)} calls were answered by {_shown(answer)}, expected as many results")
        return results

    def _words(self, call: Call) -> list[Any]:
        values = [
            self.clock.time(value) if key == "now_ns" and isinstance(value, int) else value
            for key, value in call.arguments.items()
        ]
        return [call.operation, *values]


class _Line:
    """The process and its pipes. Nothing here blocks for longer than the time that is left."""

    def __init__(self, command: list[str], seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self.seconds, self.seq = seconds, 0
        self.mark = uuid.uuid4().hex
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True, env={**os.environ, MARK: self.mark},
            )  # fmt: skip
        except OSError as error:
            raise InputError("--exec", "a program that can be started", f"{command[0]!r}: {error.strerror}") from error
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.stdin, self.stdout, self.stderr = self.process.stdin, self.process.stdout, self.process.stderr
        self.selector = selectors.DefaultSelector()
        for pipe in (self.stdin, self.stdout, self.stderr):
            os.set_blocking(pipe.fileno(), False)
        self.selector.register(self.stdout, selectors.EVENT_READ)
        self.selector.register(self.stderr, selectors.EVENT_READ)
        self.received, self.said = bytearray(), b""

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return the answer that carries the number of this message."""
        self.seq += 1
        answer = self.exchange({**message, "seq": self.seq})
        if answer.get("seq") != self.seq:
            raise Errored("garbage", f"message {self.seq} was answered by {_shown(answer)}, expected its number")
        return answer

    def exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send one line and return the next that comes back."""
        self._send(json.dumps(message).encode() + b"\n")
        line = self._receive()
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            raise Errored("garbage", f"expected a line of JSON, got {_cut(line)}") from None
        if not isinstance(answer, dict):
            raise Errored("garbage", f"expected a JSON object, got {_cut(line)}")
        return answer

    def _send(self, data: bytes) -> None:
        """Write all of `data`; what arrives meanwhile is read, so that neither side waits for the other."""
        left = memoryview(data)
        self.selector.register(self.stdin, selectors.EVENT_WRITE)
        try:
            while left:
                for key, _ in self._ready():
                    if key.fileobj is self.stdin:
                        left = left[os.write(self.stdin.fileno(), left) :]
                    else:
                        self._read(key.fileobj)
        except (BrokenPipeError, ConnectionResetError):
            raise self._gone("it does not read its standard input any more") from None
        finally:
            self.selector.unregister(self.stdin)

    def _receive(self) -> bytes:
        """Return the next line, without its end."""
        while (end := self.received.find(b"\n")) < 0:
            if len(self.received) > LONGEST_LINE:
                raise Errored("garbage", f"a line of more than {LONGEST_LINE} bytes: {_cut(bytes(self.received))}")
            for key, _ in self._ready():
                self._read(key.fileobj)
        line = bytes(self.received[:end])
        del self.received[: end + 1]
        return line

    def _ready(self) -> list[tuple[selectors.SelectorKey, int]]:
        left = self.until - time.monotonic()
        found = self.selector.select(max(0.0, left)) if left > 0 else []
        if not found:
            raise Errored("hang", f"a case did not end within {self.seconds:g} s{self._error_text()}")
        return found

    def _read(self, pipe: Any) -> None:
        data = os.read(pipe.fileno(), 1 << 16)
        if pipe is self.stderr:
            self.said = (self.said + data)[-KEPT_ERROR:]
            if not data:
                self.selector.unregister(pipe)
        elif data:
            self.received += data
        else:
            raise self._gone("it closed its standard output")

    def _gone(self, what: str) -> Errored:
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self.process.wait(0.2)
            what = f"it was killed by signal {-code}" if code < 0 else f"it ended with exit code {code}"
        with contextlib.suppress(OSError):
            self.said = (self.said + (self.stderr.read(1 << 16) or b""))[-KEPT_ERROR:]
        return Errored("gone", what + self._error_text())

    def _error_text(self) -> str:
        last = self.said.decode(errors="replace").strip().splitlines()[-1:]
        return f"; its last words: {one_line(last[0])[:200]}" if last else ""

    def end(self) -> None:
        """Ask it to stop, then kill its group, and whatever carries its mark and has left the group."""
        with contextlib.suppress(OSError):
            os.write(self.stdin.fileno(), b'{"cmd": "stop"}\n')
        for pipe in (self.stdin, self.stdout, self.stderr):
            with contextlib.suppress(OSError):
                pipe.close()
        self.selector.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(FAREWELL)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        # What forked while its parent was being killed shows at the next look.
        for _ in range(MOST_LOOKS):
            strays = list(_marked(self.mark))
            if not strays:
                break
            for stray in strays:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(stray, signal.SIGKILL)


def _marked(mark: str) -> Iterator[int]:
    """Yield the processes that inherited `mark` (where /proc tells): those that left the group of their parent."""
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)
        except OSError:
            continue


def _shown(answer: object) -> str:
    return _cut(json.dumps(answer).encode())


def _cut(line: bytes) -> str:
    text = one_line(line[:80].decode(errors="replace"))
    return repr(text + ("..." if len(line) > 80 else ""))
