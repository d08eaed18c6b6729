"""`headgate trace`: did this run keep the contracts?

Exit code 0: every rule that is judged was kept; 1: one was broken, and is shown; 2: bad usage or bad input.
"""

import re
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from headgate.cli.exits import exit_for
from headgate.cli.output import Screen, format_option
from headgate.spec.errors import InputError
from headgate.spec.recordings import Recording, Row
from headgate.spec.vocabulary import ContractSet

if TYPE_CHECKING:
    from headgate.cli import trace_plot

__all__ = ["trace"]

PROGRESS_AFTER_S = 1
ROWS_BETWEEN_LOOKS = 16_384
_TIME_US = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)


@click.command(short_help="Did this run keep the contracts?")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--contracts", required=True, type=click.Path(path_type=Path), help="The contract file (TOML) to judge by."
)
@click.option(
    "--baseline", type=click.Path(path_type=Path), help="Another recording: print the ratios of the tails to its own."
)
@click.option(
    "--tolerance-ns",
    type=click.IntRange(0, 10**18),
    help="By how much the difference of two recorded times may be wrong. With a policy, also asks for the policy's "
    "own rules to be judged.",
)
@click.option("--slo-us", metavar="US", help="Judge by this latency instead of each contract's own.")
@click.option("--plot", metavar="OUT", help="Draw the tails over time (.svg; .png needs matplotlib).")
@format_option()
def trace(
    file: Path,
    contracts: Path,
    baseline: Path | None,
    tolerance_ns: int | None,
    slo_us: str | None,
    plot: str | None,
    form: str,
) -> int:
    """Judge the recording FILE: did every request in contract keep its promise?

    FILE is CSV with a header or JSON lines, plain or .gz: tenant, arrival_ns, start_ns, finish_ns, bytes, a row for
    each request, in order of arrival. It begins with nothing under way.

    A broken promise always decides. What the policy owes beyond it is judged if the contracts name a policy and
    --tolerance-ns is given; under the policy "none" it is reported only.

    Exit codes: 0 holds, 1 violated and shown, 2 bad input.
    """
    from headgate.cli import trace_report
    from headgate.properties.judge.judging import judge_rows

    agreed = _agreed(contracts, slo_us)
    inputs = [path for path in (file, contracts, baseline) if path is not None]
    picture = None if plot is None else _picture(plot, inputs, agreed)
    with Recording(file, [contract.name for contract in agreed.contracts]) as recording:
        observe = None if picture is None else picture.observe
        report = judge_rows(_with_progress(recording), agreed, tolerance_ns, observe)
    before = None
    if baseline is not None:
        with Recording(baseline, recording.tenants) as recording:
            before = judge_rows(_with_progress(recording), agreed, tolerance_ns)
    if picture is not None:
        picture.write(report)
    shown = trace_report.Shown(str(file), agreed.source, report, None if baseline is None else str(baseline), before)
    click.echo(trace_report.as_json(shown) if form == "json" else trace_report.as_text(shown, Screen.of_stdout()))
    return exit_for(report.verdict)


def _agreed(path: Path, slo_us: str | None) -> ContractSet:
    """Return the contracts of a file, with the latency of the command line where it gives one."""
    from headgate.spec.contracts import read_contracts

    slo = None
    if slo_us is not None:
        if not _TIME_US.fullmatch(slo_us) or not Fraction(slo_us):
            raise InputError("--slo-us", "a time above 0, in us, such as 25 or 12.5", repr(slo_us[:60]))
        slo = Fraction(slo_us) * 1000
    agreed = read_contracts(path)
    if slo is None:
        return agreed
    contracts = [c if c.best_effort else attrs.evolve(c, latency_slo_ns=slo) for c in agreed.contracts]
    return attrs.evolve(agreed, contracts=tuple(contracts))


def _picture(out: str, inputs: list[Path], contracts: ContractSet) -> "trace_plot.Picture":
    from headgate.cli.trace_plot import Picture

    return Picture(out, inputs, contracts)


# ---- progress ----


def _with_progress(recording: Recording) -> Iterator[Row]:
    """Yield the rows; on a terminal, show how far the file is read once that has taken more than a second."""
    if not sys.stderr.isatty():
        yield from recording
        return
    begun, show, stop = time.monotonic(), None, None
    try:
        for number, row in enumerate(recording):
            if not number % ROWS_BETWEEN_LOOKS:
                if show is not None:
                    show(recording.position())
                elif time.monotonic() - begun > PROGRESS_AFTER_S:
                    show, stop = _bar(recording)
            yield row
    finally:
        if stop is not None:
            stop()


def _bar(recording: Recording) -> tuple[Callable[[int], None], Callable[[], None]]:
    """Start a progress bar on stderr; return how to move it and how to take it away."""
    from rich.console import Console
    from rich.progress import Progress

    progress = Progress(console=Console(stderr=True), transient=True)
    task = progress.add_task(Path(recording.path).name, total=recording.size_bytes or None)
    progress.start()
    return lambda position: progress.update(task, completed=position), progress.stop
