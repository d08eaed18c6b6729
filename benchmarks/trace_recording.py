"""Measures the judge of recordings: rows a second, beside the csv module alone on the same file.

python -m headgate.benchmarks.trace_recording [--rows 400000]
"""

import argparse
import csv
import importlib.resources
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from headgate.benchmarks.generate_recording import write
from headgate.properties.judge.judging import judge_rows
from headgate.spec.contracts import read_contracts
from headgate.spec.recordings import Recording

__all__ = ["main", "measure"]


def measure(rows: int) -> list[tuple[str, float]]:
    """Return (what, rows a second of CPU) for the csv module, the reader and the judge."""
    contracts = read_contracts(Path(str(importlib.resources.files("headgate.examples") / "h200_recordings.toml")))
    names = [contract.name for contract in contracts.contracts]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording.csv"
        write(path, rows)

        def by_csv() -> None:
            with path.open(newline="") as file:
                for _ in csv.reader(file):
                    pass

        def by_reader() -> None:
            with Recording(path, names) as recording:
                for _ in recording:
                    pass

        def by_judge() -> None:
            with Recording(path, names) as recording:
                judge_rows(recording, contracts)

        runs = (("csv module", by_csv), ("headgate reader", by_reader), ("headgate judge", by_judge))
        return [(name, rows / _seconds(run)) for name, run in runs]


def _seconds(run: Callable[[], None]) -> float:
    begun = time.process_time()
    run()
    return time.process_time() - begun


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Measure the judge of recordings.")
    parser.add_argument("--rows", type=int, default=400_000)
    measured = measure(parser.parse_args().rows)
    baseline = measured[0][1]
    for name, rate in measured:
        print(f"{name:<16} {rate:>12,.0f} rows/s  {rate / baseline:6.3f} of the csv module")


if __name__ == "__main__":
    main()
