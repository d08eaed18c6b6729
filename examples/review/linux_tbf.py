"""The Linux kernel's token bucket filter (net/sched/sch_tbf.c), held to the role `shaper` by a recording of it.

    python -m headgate.examples.review.linux_tbf                       # judge the recording that is shipped
    sudo python -m headgate.examples.review.linux_tbf --record FILE    # record this kernel, and judge that

The kernel has a clock of its own, so that nothing can be asked of it twice: 300 datagrams are sent through a loopback
device of a fresh network namespace, and the kernel stamps each as it arrives behind the filter. What is recorded is
when each was sent, when it came, and its bytes with all headers, as the filter counts them. The verdict is that it
conforms: none leaves early, and none later than a timer of a busy machine may be, 1 ms.
"""

import argparse
import csv
import random
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from importlib import resources
from pathlib import Path

import attrs

from headgate.properties.review.case import Call, Case, Violation
from headgate.properties.review.declaring import declare
from headgate.properties.review.hunt import run_case
from headgate.properties.review.targets import PythonTarget
from headgate.spec.errors import InputError
from headgate.spec.reading import read_text

__all__ = ["Datagram", "judge", "main", "read", "record", "write"]

# 8 Mbit/s; what the filter admits at once; how late a timer may be.
RATE_BITS, BURST, SLACK_NS = 8_000_000, 16_000, 1_000_000
COLUMNS = ("sent_ns", "left_ns", "bytes")
HEADERS = 42  # Ethernet, IPv4 and UDP, which the filter counts
PORT, LEAD_NS, PATIENCE_S = 9, 50_000_000, 5
# Linux's numbers of options that Python does not name.
SO_SNDBUFFORCE, SO_RCVBUFFORCE, SO_TIMESTAMPNS = 32, 33, 35
MOST_BYTES = 1 << 22


@attrs.frozen
class Datagram:
    """When it was sent, when it left the filter (ns from the beginning), and its bytes with all headers."""

    sent_ns: int
    left_ns: int
    bytes: int


class _Recorded:
    """A shaper whose departures are known: it gives them in their order."""

    def __init__(self, datagrams: Sequence[Datagram]) -> None:
        self.departures: Iterator[int] = iter([datagram.left_ns for datagram in datagrams])

    def submit(self, now: int, size: int) -> int:
        """Return when the next datagram left."""
        return next(self.departures)


def judge(datagrams: Sequence[Datagram], burst: int = BURST) -> Violation | None:
    """Return what a recording breaks of the role `shaper`, or None; `burst` is the depth, in bytes."""
    span = max(datagram.sent_ns for datagram in datagrams)
    numbers = {"rate": Fraction(RATE_BITS, 8 * 10**9), "burst": Fraction(burst)}
    suite, declared = declare("shaper", numbers=numbers, clock="ns")
    declared = attrs.evolve(declared, tolerance=Fraction(SLACK_NS, span))
    calls = tuple(Call("submit", {"now_ns": each.sent_ns, "size": each.bytes}) for each in datagrams)
    target = PythonTarget(lambda **_: _Recorded(datagrams), "linux-tbf", declared.clock)
    try:
        run_case(suite, target, declared, Case(numbers, calls))
    except Violation as found:
        return found
    return None


def read(path: Path | str) -> list[Datagram]:
    """Return the rows of a recording; InputError, with the line, for what is none."""
    rows = list(csv.reader(read_text(path, MOST_BYTES).splitlines()))
    if not rows or tuple(rows[0]) != COLUMNS:
        raise InputError(f"{path}:1", f"the columns {', '.join(COLUMNS)}", ",".join(rows[0])[:60] if rows else "")
    datagrams: list[Datagram] = []
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(COLUMNS) or not all(part.isdecimal() and part.isascii() and len(part) < 19 for part in row):
            raise InputError(f"{path}:{number}", "three whole numbers", ",".join(row)[:60])
        datagrams.append(Datagram(*map(int, row)))
        if number > 2 and datagrams[-1].sent_ns < datagrams[-2].sent_ns:
            raise InputError(f"{path}:{number}", "rows in the order in which they were sent", row[0])
    if not datagrams or not datagrams[-1].sent_ns:
        raise InputError(str(path), "datagrams that are sent over some time", f"{len(datagrams)} rows")
    return datagrams


# ---- the recording ----


def record() -> list[Datagram]:
    """Return what the kernel's filter makes of a plan of bursts and pauses. Linux and root, in a fresh namespace."""
    for command in ("ip link set lo up", f"tc qdisc add dev lo root tbf rate {RATE_BITS}bit burst {BURST} limit 4mb"):
        subprocess.run(command.split(), check=True)
    dice = random.Random(1)
    pauses, sizes = (0, 0, 0, 200_000, 1_000_000, 4_000_000, 20_000_000), (100, 500, 1_500, 4_000, 9_000, BURST)
    plan = [(dice.choice(pauses), dice.choice(sizes)) for _ in range(300)]
    receiver, left = _receiver(), dict[int, int]()
    listener = threading.Thread(target=_listen, args=(receiver, left, len(plan)))
    listener.start()
    begun, sent = _send(plan)
    listener.join()
    if len(left) < len(plan):
        raise InputError("the recording", f"all {len(plan)} datagrams behind the filter", str(len(left)))
    return [Datagram(at, left[number] - begun, size) for number, (at, (_, size)) in
            enumerate(zip(sent, plan, strict=True))]  # fmt: skip


def _receiver() -> socket.socket:
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, MOST_BYTES)
    receiver.settimeout(PATIENCE_S)
    receiver.bind(("127.0.0.1", PORT))
    return receiver


def _listen(receiver: socket.socket, left: dict[int, int], count: int) -> None:
    """Note when the kernel handed each datagram on; its number is its first four bytes."""
    while len(left) < count:
        try:
            data, ancillary, _, _ = receiver.recvmsg(1 << 16, 1 << 10)
        except TimeoutError:
            return
        seconds, ns = struct.unpack("qq", ancillary[0][2])
        left[struct.unpack("I", data[:4])[0]] = seconds * 10**9 + ns


def _send(plan: Sequence[tuple[int, int]]) -> tuple[int, list[int]]:
    """Return when the plan began (ns of the epoch), and when each datagram was sent (ns since)."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, MOST_BYTES)
    begun = time.time_ns() + LEAD_NS
    due, sent = begun, []
    for number, (pause, size) in enumerate(plan):
        due += pause
        time.sleep(max(0, due - time.time_ns()) / 1e9)
        sent.append(time.time_ns() - begun)
        sender.sendto(struct.pack("I", number).ljust(size - HEADERS, b"."), ("127.0.0.1", PORT))
    return begun, sent


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge a recording, or make one; 0 if it conforms, 1 if not, 2 for bad input."""
    parser = argparse.ArgumentParser(description="Hold the Linux kernel's token bucket filter to the role shaper.")
    shipped = resources.files("headgate.examples") / "recordings" / "linux_tbf.csv"
    parser.add_argument("file", nargs="?", default=str(shipped))
    parser.add_argument("--record", action="store_true", help="record this kernel into the file first (root)")
    given = parser.parse_args(arguments)
    try:
        if given.record:
            _record_apart(Path(given.file))
        found = judge(read(given.file))
    except (InputError, OSError, subprocess.CalledProcessError) as error:
        print(f"linux_tbf: {error}", file=sys.stderr)
        return 2
    print(f"violating: {found}" if found else "conforming: every datagram leaves when it conforms, within 1 ms")
    return 1 if found else 0


def _record_apart(path: Path) -> None:
    """Record in a network namespace of its own, which ends with its process."""
    code = "from headgate.examples.review import linux_tbf; linux_tbf.write(linux_tbf.record())"
    done = subprocess.run(["unshare", "-n", sys.executable, "-c", code], check=True, capture_output=True, text=True)
    path.write_text(done.stdout, encoding="utf-8")


def write(datagrams: Sequence[Datagram]) -> None:
    """Print a recording as CSV."""
    print(",".join(COLUMNS))
    for datagram in datagrams:
        print(*attrs.astuple(datagram), sep=",")


if __name__ == "__main__":
    sys.exit(main())
