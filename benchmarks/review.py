"""How many offers a second a review makes and judges: `python -m headgate.benchmarks.review`.

A token bucket in this process, and the same in another one over standard input and output, in cases as long as those
that are drawn (12 offers) and much longer ones. Rates are the median of the repeats, with their ratios to the bucket
called without a judge in the same run, and to what is aimed at; only the ratios carry over to another machine.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from headgate.benchmarks.interpreters import Line, measure
from headgate.properties.review.case import Call, Case
from headgate.properties.review.declared import Declared
from headgate.properties.review.declaring import declare
from headgate.properties.review.hunt import Outcome, Profile, hunt, run_case
from headgate.properties.review.process import ProcessTarget
from headgate.properties.review.suites.common import Suite
from headgate.properties.review.targets import PythonTarget, Target
from headgate.properties.review.templates import template

__all__ = ["AIMS", "lines", "main"]

RATE, BURST = 3, 10
# Offers a second that a review is to make at least, by the beginning of a line's name.
AIMS = {"in process": 100_000, "through stdio": 10_000}


class Bucket:
    """What is reviewed."""

    def __init__(self, rate: float, burst: float) -> None:
        """Start full, at time 0."""
        self.rate, self.burst, self.level, self.last = rate, burst, burst, 0.0

    def offer(self, now: float, size: int) -> bool:
        """Return whether `size` tokens are admitted at `now`."""
        if not 0 < size <= self.burst:
            return False
        self.level, self.last = min(self.burst, self.level + (now - self.last) * self.rate), now
        if self.level < size:
            return False
        self.level -= size
        return True


def case_of(offers: int, unit_ns: int) -> Case:
    """Return a case that keeps a bucket busy: about as much is refused as is admitted."""
    calls = (Call("offer", {"now_ns": number * unit_ns, "size": 1 + number * 5 % 9}) for number in range(offers))
    return Case({"rate": RATE, "burst": BURST}, tuple(calls))


def judged(suite: Suite, target: Target, declared: Declared, case: Case, times: int) -> Callable[[], None]:
    """Return what runs `case` so many times."""

    def work() -> None:
        for _ in range(times):
            run_case(suite, target, declared, case)

    return work


def lines(offers: int, repeats: int) -> list[Line]:
    """Return the rates, the bucket alone first; each of about `offers` offers."""
    suite, whole = declare("bucket")
    _, floats = declare("bucket", clock="s", floats=True)
    long, short = case_of(offers, 1), case_of(12, 1)
    times = max(1, offers // 12)
    here, seconds = PythonTarget(Bucket, "bucket", whole.clock), PythonTarget(Bucket, "bucket", floats.clock)
    in_seconds = case_of(offers, floats.clock.unit_ns)
    found = [
        measure("the bucket alone", offers, repeats, lambda: alone(long)),
        measure("in process, a long case", offers, repeats, judged(suite, here, whole, long, 1)),
        measure("in process, floats", offers, repeats, judged(suite, seconds, floats, in_seconds, 1)),
        measure("in process, cases of 12", 12 * times, repeats, judged(suite, here, whole, short, times)),
    ]
    with tempfile.TemporaryDirectory() as folder:
        driver = Path(folder) / "driver.py"
        driver.write_text(template(suite, "stdio-python"), "utf-8")
        there = ProcessTarget([sys.executable, str(driver)], "bucket", whole.clock)
        try:
            run_case(suite, there, whole, short)  # the process is started before anything is measured
            cases = judged(suite, there, whole, short, times)
            thousands = judged(suite, there, whole, attrs.evolve(long, calls=long.calls[:1000]), max(1, offers // 1000))
            served = min(1000, offers) * max(1, offers // 1000)
            found.append(measure("through stdio, cases of 12", 12 * times, repeats, cases))
            found.append(measure("through stdio, cases of 1000", served, repeats, thousands))
            there.one_by_one()
            found.append(measure("a call a line, cases of 12", 12 * times, repeats, cases))
        finally:
            there.close()
    return found


def alone(case: Case) -> None:
    """Make the calls of `case`, and judge nothing."""
    bucket = Bucket(RATE, BURST)
    for call in case.calls:
        bucket.offer(int(call.arguments["now_ns"]), int(call.arguments["size"]))


def drawn(cases: int, repeats: int) -> Line:
    """Return how many cases a second a whole review runs, their draws included."""
    suite, declared = declare("bucket")
    target = PythonTarget(Bucket, "bucket", declared.clock)

    def work() -> None:
        found = hunt(suite, target, declared, Profile(cases, float("inf")))
        assert found.outcome is Outcome.CONFORMING, "the bucket of the benchmark is right"

    return measure("a whole review, its draws included", cases, repeats, work)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the rates."""
    parser = argparse.ArgumentParser(prog="python -m headgate.benchmarks.review", description=__doc__)
    parser.add_argument("--offers", type=int, default=12_000, help="offers a measurement")
    parser.add_argument("--repeats", type=int, default=5, help="runs, of which the median counts")
    given: Any = parser.parse_args(arguments)
    found = lines(given.offers, given.repeats)
    print(f"{'a bucket under review':36}{'offers/s':>12}{'x the bucket alone':>22}{'x the aim':>12}")
    for line in found:
        aims = [aim for begin, aim in AIMS.items() if line.name.startswith(begin)]
        ratio = f"{line.per_second / aims[0]:12.1f}" if aims else ""
        print(f"  {line.name:34}{line.per_second:12,.0f}{line.per_second / found[0].per_second:22.3f}{ratio}")
    whole = drawn(max(1, given.offers // 40), given.repeats)
    print(f"\n  {whole.name:34}{whole.per_second:12,.0f} cases/s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
