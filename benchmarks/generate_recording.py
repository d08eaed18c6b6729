"""Writes a recording of any length for the judge: three decodes and a prefill, as in the shipped H200 recordings.

    python -m headgate.benchmarks.generate_recording OUT.csv --rows 4000000

The same arguments give the same bytes on every machine. Rows are written as they are made; OUT may end in .gz.
"""

import argparse
import gzip
import io
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import IO

__all__ = ["generate", "main", "write"]

HEADER = "tenant,arrival_ns,start_ns,finish_ns,bytes\n"
DECODES = ("1", "2", "3")
DECODE_BYTES, PREFILL_BYTES = 2 << 20, 16 << 20
MEAN_GAP_NS = 5_000
PREFILL_SHARE = 0.25
TICK_NS = 32


def generate(rows: int, seed: int = 1) -> Iterator[tuple[str, int, int, int, int]]:
    """Yield `rows` requests, ordered by arrival: Poisson arrivals, a serial server a tenant, service of 3 to 8 us."""
    dice = random.Random(seed)
    now, free = 0, dict.fromkeys(("0", *DECODES), 0)
    for _ in range(rows):
        now += int(-math.log(1.0 - dice.random()) * MEAN_GAP_NS)
        tenant = "0" if dice.random() < PREFILL_SHARE else DECODES[int(dice.random() * len(DECODES))]
        start = _tick(max(now, free[tenant]))
        free[tenant] = _tick(start + 3_000 + int(5_000 * dice.random() ** 4))
        yield tenant, now, start, free[tenant], PREFILL_BYTES if tenant == "0" else DECODE_BYTES


def _tick(time: int) -> int:
    return -(-time // TICK_NS) * TICK_NS


def write(out: Path, rows: int, seed: int = 1) -> None:
    """Write a recording of `rows` requests to `out`."""
    with _open(out) as file:
        file.write(HEADER)
        file.writelines(f"{t},{a},{s},{f},{b}\n" for t, a, s, f, b in generate(rows, seed))


def _open(out: Path) -> IO[str]:
    if out.suffix != ".gz":
        return out.open("w", encoding="ascii", newline="")
    return io.TextIOWrapper(gzip.GzipFile(filename="", fileobj=out.open("wb"), mode="wb", mtime=0), "ascii")


def main() -> None:
    """Read the arguments and write the file."""
    parser = argparse.ArgumentParser(description="Write a recording for `headgate trace`.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    write(arguments.out, arguments.rows, arguments.seed)


if __name__ == "__main__":
    main()
