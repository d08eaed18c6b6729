"""The file of `--picture OUT`: a replay as SVG, PNG, trace events or VCD, by how its name ends.

Each cites the clause and marks the moment of the violation. SVG, traces and VCD are written here; PNG by matplotlib.
"""

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.cli.output import number_text, readable
from headgate.cli.picture import COLOURS, MOST_LANES, MOST_MARKS, page
from headgate.cli.places import OutputFile
from headgate.cli.traces import trace_text
from headgate.cli.vcd import UnwritableError, vcd_text
from headgate.model.replay import Lane, Mark, Replay
from headgate.spec.errors import InputError
from headgate.spec.vocabulary import Schedule

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PictureFile"]

SUFFIXES = (".svg", ".png", ".json", ".vcd")


class PictureFile:
    """Where a picture goes: refused before anything is run, and written whole or not at all."""

    def __init__(self, out: str, others: Iterable[str | None]) -> None:
        """Refuse an `out` that is no picture, cannot be written, or is one of the `others` that a command names."""
        self.out = OutputFile("--picture", out, others, SUFFIXES)

    def refuse_without_time(self) -> None:
        """Refuse a form that is one of times, for what has none."""
        if self.out.suffix in (".json", ".vcd"):
            raise InputError(self.out.place, "a name in .svg or .png, as time plays no part in this schedule")

    def write(self, schedule: Schedule, shown: Replay) -> None:
        """Write the picture of `schedule` run; InputError where the form cannot hold it, or the file be written."""
        try:
            content = self._content(schedule, shown)
            if content is None:
                self.out.write_by(lambda path: _write_png(path, schedule, shown))
            else:
                self.out.write(content)
        except (OverflowError, ValueError) as error:
            # Too large for a float of matplotlib's, or of more than the 4300 digits that Python writes.
            raise InputError(self.out.place, "a replay of numbers of a few digits") from error

    def _content(self, schedule: Schedule, shown: Replay) -> str | None:
        """Return the text of the file; None for what is no text."""
        if self.out.suffix == ".png":
            return None
        if self.out.suffix == ".svg":
            return page(shown, _heading(schedule, shown)) + "\n"
        if not any(lane.marks for lane in shown.lanes):
            self.refuse_without_time()
        if self.out.suffix == ".json":
            return trace_text(schedule, shown)
        try:
            return vcd_text(schedule, shown)
        except UnwritableError as error:
            raise InputError(self.out.place, str(error)) from error


def _heading(schedule: Schedule, shown: Replay) -> list[str]:
    verdict = "violated" if shown.violated else "holds"
    words = [
        f"{schedule.clause} {verdict}: {schedule.statement}",
        f"rule {schedule.rule} ({schedule.mechanism}); {readable(shown.finding)}",
    ]
    drawn = [lane for lane in shown.lanes if lane.marks]
    if len(drawn) > MOST_LANES or any(len(lane.marks) > MOST_MARKS for lane in drawn):
        words.append(f"drawn are the first {MOST_LANES} lanes, and the first {MOST_MARKS} marks of each")
    return [line for text in words for line in textwrap.wrap(text, 110)]


# ---- PNG ----


def _write_png(out: Path, schedule: Schedule, shown: Replay) -> None:
    from matplotlib.figure import Figure

    lanes = [lane for lane in shown.lanes if lane.marks]
    kept = [*lanes[:MOST_LANES], *(lane for lane in lanes[MOST_LANES:] if lane.label == "violation")]
    figure = Figure(figsize=(10, 1.6 + 0.35 * max(2, len(kept))), layout="constrained")
    axes = figure.subplots()
    axes.set_title("\n".join(_heading(schedule, shown)), loc="left", fontsize=8, parse_math=False)
    if kept:
        _draw_lanes(axes, kept, shown.clock)
    else:
        _draw_bars(axes, shown)
    with out.open("wb") as file:
        figure.savefig(file, format="png", dpi=120)


def _draw_lanes(axes: "Axes", lanes: Sequence[Lane], clock: str) -> None:
    for number, lane in enumerate(lanes):
        top = max((mark.value for mark in lane.marks if mark.value is not None), default=None) or 1
        for mark in lane.marks[:MOST_MARKS]:
            _draw_mark(axes, mark, number, 0.8 * float((mark.value if mark.value is not None else top) / top))
    axes.set_yticks(range(len(lanes)), [_plain(lane.label) for lane in lanes])
    axes.invert_yaxis()
    axes.set_xlabel(clock)


def _draw_mark(axes: "Axes", mark: Mark, number: int, height: float) -> None:
    colour, begin, wide = COLOURS.get(mark.kind, "#1f2933"), float(mark.begin_ns), float(mark.end_ns - mark.begin_ns)
    if wide:
        axes.broken_barh([(begin, wide)], (number + 0.4, -height), facecolor=colour, edgecolor="white")
    else:
        axes.plot([begin], [number], marker="v", color=colour, linestyle="")


def _draw_bars(axes: "Axes", shown: Replay) -> None:
    rows = {"observed": shown.observed, "bound": shown.bound}
    labels = [f"{name}: {number_text(value)}" for name, value in rows.items()]
    colours = [COLOURS["violation" if shown.violated else "admitted"], COLOURS["service"]]
    axes.barh(labels, [float(value) for value in rows.values()], color=colours)
    axes.invert_yaxis()
    axes.set_xlabel(_plain(shown.unit))


def _plain(words: str) -> str:
    """Return words in which no dollar sign starts a formula."""
    return words.replace("$", r"\$")
