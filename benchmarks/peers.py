"""headgate beside the nearest tools, problem by problem: `python -m headgate.benchmarks.peers` (`make bench-peers`).

Every column of a problem is solved in a process of its own that begins cold, one core; the figure is the median of its
user CPU over the runs, imports included, and beside it the processor time of the solving alone. The figures of other
tools are those that `peer_problems` cites: they come from another machine, so that a ratio is an order of magnitude.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import attrs

from headgate.benchmarks.peer_answers import Unsolved
from headgate.benchmarks.peer_problems import CHECKED, CLASS, FOUND, PROBLEMS, Problem
from headgate.model.replay import MODULES
from headgate.proofs.catalogue import catalogue
from headgate.proofs.find.asking import ENGINES

__all__ = ["Measured", "main", "measure", "ratio", "solve"]

COLUMNS = (FOUND, CHECKED, CLASS)


@attrs.frozen
class Measured:
    """One column of a problem: what was found, and medians in seconds of the cold process and of the solving."""

    found: str
    cold: float
    solving: float


def solve(problem: Problem, column: str) -> tuple[str, float]:
    """Return what a column finds, and the processor time that it took in this process once everything was imported."""
    for module in (*ENGINES.values(), *(f"headgate.model.replay.{name}" for name in MODULES)):
        import_module(module)  # Otherwise imported by the first question, and the first replay.
    catalogue()  # what it imports is start-up, which the cold figure has
    begun = time.process_time()
    answer = problem.columns[column]()
    return answer, time.process_time() - begun


def measure(problem: Problem, column: str, runs: int) -> Measured:
    """Solve a column in `runs` cold processes. Raises Unsolved where one of them fails."""
    cold, solving, answer = [], [], ""
    for _ in range(runs):
        command = [sys.executable, "-P", "-m", "headgate.benchmarks.peers", "--solve", problem.id, column]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            text = process.stdout.read()
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise Unsolved(f"{problem.id}, {column}: {text.strip() or 'the process failed'}")
        told = json.loads(text)
        answer = told["found"]
        cold.append(used.ru_utime)
        solving.append(told["seconds"])
    return Measured(answer, statistics.median(cold), statistics.median(solving))


def ratio(problem: Problem, cold: float) -> str:
    """Return how many times as long the nearest tool takes; "more than" where it was stopped without an answer."""
    if problem.peer.seconds is None:
        return "-"
    more = ">" if problem.peer.unfinished else ""
    return f"{more}{float(problem.peer.seconds) / cold:,.0f} x"


def show(problem: Problem, measured: dict[str, Measured]) -> None:
    """Print one problem: a line a column, then the peer and the ratio to the slowest column."""
    print(f"{problem.id}  {problem.statement}")
    for column in COLUMNS:
        if column in measured:
            line = measured[column]
            print(f"  {column:22}{line.cold:7.2f} s cold{line.solving:8.2f} s solving   {line.found}")
        else:
            print(f"  {column:22}{'-':>9}")
    solving, cold = sum(line.solving for line in measured.values()), sum(line.cold for line in measured.values())
    met = "met" if solving <= problem.target else "MISSED"
    print(f"  {'all columns':22}{cold:7.2f} s cold{solving:8.2f} s solving   target {float(problem.target):g} s: {met}")
    if problem.found_within is not None and FOUND in measured:
        met = "met" if measured[FOUND].solving <= problem.found_within else "MISSED"
        print(f"  {'the schedule alone':22}{'':30}target {float(problem.found_within):g} s: {met}")
    peer = problem.peer
    figure = "" if peer.seconds is None else f"{'over ' if peer.unfinished else ''}{float(peer.seconds):g} s, "
    print(f"  {'nearest peer':22}{ratio(problem, cold):>9}         {peer.tool}: {figure}{peer.says}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print every problem; 0 if all are solved and within their targets, 1 if one is not."""
    parser = argparse.ArgumentParser(prog="python -m headgate.benchmarks.peers", description=__doc__)
    known = [problem.id for problem in PROBLEMS]
    parser.add_argument("--runs", type=int, default=5, help="cold processes a column, of which the median counts")
    parser.add_argument("--only", action="append", choices=known, help="a problem (more than once for several)")
    parser.add_argument("--solve", nargs=2, metavar=("ID", "COLUMN"), help="solve one column here, and print JSON")
    given: Any = parser.parse_args(arguments)
    if given.runs < 1:
        parser.error(f"argument --runs: expected 1 or more, got {given.runs}")
    problems = {problem.id: problem for problem in PROBLEMS}
    try:
        if given.solve is not None:
            return _solve_here(parser, problems, *given.solve)
        print(f"user CPU in seconds, median of {given.runs} cold processes a column, one core\n")
        for name in given.only or known:
            problem = problems[name]
            show(problem, {column: measure(problem, column, given.runs) for column in problem.columns})
    except Unsolved as reason:
        print(reason)
        return 1
    return 0


def _solve_here(parser: argparse.ArgumentParser, problems: dict[str, Problem], name: str, column: str) -> int:
    if name not in problems or column not in problems[name].columns:
        parser.error(f"argument --solve: expected a problem and one of its columns, got {name} {column}")
    answer, seconds = solve(problems[name], column)
    print(json.dumps({"found": answer, "seconds": seconds}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
