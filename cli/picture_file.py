"""The file of `--picture OUT`: a replay as SVG, PNG, trace events or VCD, by how its name ends.

Each cites the clause and marks the moment of the violation. SVG, traces and VCD are written here; PNG by matplotlib.
"""

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from headgate.cli.lanes import apart, extent, ticks, unit_of
from headgate.cli.output import number_text, readable
from headgate.cli.picture import COLOURS, CROSSES, MOST_LANES, MOST_MARKS, TICKS, colour_of, kept, page, told, visible
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
MARKERS = {"arrival": "v", "admitted": "o", "refused": "x", "hit": "o", "miss": "x", "violation": "D"}
CHARACTERS = 110  # so many fit beside each other


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
    drawn = apart(shown.lanes)
    if len(drawn) > MOST_LANES or any(len(lane.marks) > MOST_MARKS for lane in drawn):
        words.append(f"drawn are the first {MOST_LANES} lanes, and the first {MOST_MARKS} marks of each")
    return [line for text in words for line in textwrap.wrap(text, 110)]


# ---- PNG ----


def _write_png(out: Path, schedule: Schedule, shown: Replay) -> None:
    from matplotlib.figure import Figure

    lanes = kept(apart(shown.lanes))
    figure = Figure(figsize=(10, 1.6 + 0.35 * max(2, len(lanes))), layout="constrained")
    axes = figure.subplots()
    axes.set_title(visible("\n".join(_heading(schedule, shown))), loc="left", fontsize=8, parse_math=False)
    if lanes:
        _draw_lanes(axes, lanes, shown.clock)
    else:
        _draw_bars(axes, shown)
    with out.open("wb") as file:
        figure.savefig(file, format="png", dpi=120)


def _draw_lanes(axes: "Axes", lanes: Sequence[Lane], clock: str) -> None:
    begin, end = extent(lanes)
    unit, size = unit_of(end, clock)
    length = float((end - begin) / size)
    for number, lane in enumerate(lanes):
        marks = [
            _Drawn(mark, float(mark.begin_ns / size), float(mark.end_ns / size)) for mark in lane.marks[:MOST_MARKS]
        ]
        _draw_levels(axes, [each for each in marks if each.mark.kind == "level"], number, length)
        spans = [each for each in marks if each.mark.kind != "level" and each.begin < each.end]
        for each in spans:
            _draw_span(axes, each, number, length)
        instants = [each for each in marks if each.mark.kind != "level" and each.begin == each.end]
        _draw_instants(axes, instants, number, (float(end / size), length), beside=not spans)
    axes.set_yticks(range(len(lanes)), [_plain(lane.label) for lane in lanes])
    axes.set_ylim(len(lanes) - 0.4, -0.6)
    axes.set_xlim(float(begin / size) - length / 60, float(end / size) + length / 60)
    axes.set_xticks([float(at) for at in ticks(begin, end, size, TICKS)])
    axes.set_xlabel(unit)
    _draw_legend(axes, {mark.kind for lane in lanes for mark in lane.marks})


@attrs.frozen
class _Drawn:
    """A mark, and from where to where it is drawn."""

    mark: Mark
    begin: float
    end: float


def _draw_levels(axes: "Axes", marks: Sequence[_Drawn], number: int, length: float) -> None:
    """Draw a level from a line at 0; what is less hangs below it."""
    values = [each.mark.value or Fraction(0) for each in marks]
    low, high = min([*values, Fraction(0)]), max([*values, Fraction(0)])
    for each, value in zip(marks, values, strict=True):
        share, zero = float(value / ((high - low) or 1)), float(-low / ((high - low) or 1))
        spans = [(each.begin, each.end - each.begin or length / 200)]
        axes.broken_barh(spans, (number + 0.4 - 0.8 * zero, -0.8 * share), color=colour_of("level"))


def _draw_span(axes: "Axes", drawn: _Drawn, number: int, length: float) -> None:
    mark, wide = drawn.mark, drawn.end - drawn.begin
    # A white edge tells spans that meet apart; of a short one it would leave nothing.
    edge = "white" if wide / length > 0.01 else colour_of(mark.kind)
    axes.broken_barh([(drawn.begin, wide)], (number - 0.25, 0.6), facecolor=colour_of(mark.kind), edgecolor=edge)
    if mark.text and wide / length * CHARACTERS > len(mark.text) + 2:
        middle = drawn.begin + wide / 2
        axes.text(middle, number + 0.05, _plain(mark.text), color="white", ha="center", va="center", fontsize=8)


def _draw_instants(axes: "Axes", marks: Sequence[_Drawn], number: int, ends: tuple[float, float], beside: bool) -> None:
    """Draw what arrives above the rest, and what is refused below it; how many, and what, where there is room."""
    at_once: dict[float, list[Mark]] = {}
    for each in sorted(marks, key=lambda each: each.begin):
        at_once.setdefault(each.begin, []).append(each.mark)
    until, length = ends
    following = [*list(at_once)[1:], until]
    for (at, here), after in zip(at_once.items(), following, strict=False):
        kinds = Counter(mark.kind for mark in here)
        for kind in kinds:
            above = -0.4 if kind == "arrival" and (not beside or len(kinds) > 1) else 0.0
            place = number + (0.2 if kind in CROSSES else above)
            sign = MARKERS.get(kind, "o")
            axes.plot([at], [place], marker=sign, markersize=5, color=colour_of(kind), linestyle="", zorder=3)
        words = told(here, max(kinds.values()), beside)
        if (after - at) * CHARACTERS > (len(words) + 2) * length:
            low = number + (0.0 if beside else -0.4)
            axes.annotate(_plain(words), (at, low), (6, 0), textcoords="offset points", va="center", fontsize=7)


def _draw_legend(axes: "Axes", kinds: set[str]) -> None:
    signs = [kind for kind in MARKERS if kind in kinds - {"violation"}]
    for kind in signs:
        axes.plot([], [], marker=MARKERS[kind], color=colour_of(kind), linestyle="", label=kind)
    if signs:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8, frameon=False)


def _draw_bars(axes: "Axes", shown: Replay) -> None:
    rows = {"observed": shown.observed, "bound": shown.bound}
    labels = [f"{name}: {number_text(value)}" for name, value in rows.items()]
    colours = [COLOURS["violation" if shown.violated else "admitted"], COLOURS["service"]]
    axes.barh(labels, [float(value) for value in rows.values()], color=colours)
    axes.invert_yaxis()
    axes.set_xlabel(_plain(shown.unit))


def _plain(words: str) -> str:
    """Return words in which no dollar sign starts a formula."""
    return visible(words).replace("$", r"\$")
