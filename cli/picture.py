"""A replay as an SVG picture: a lane a line over a common axis of time, or two bars where time plays no part."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import attrs

from headgate.cli.markup import Markup, join, tag
from headgate.cli.output import number_text, readable
from headgate.model.replay import Lane, Mark, Replay

__all__ = ["COLOURS", "page", "picture"]

WIDTH, LABEL, LANE, TOP, LINE = 760, 120, 26, 26, 16
MOST_LANES, MOST_MARKS, TICKS = 24, 600, 5
COLOURS = {
    "service": "#0b6e99", "blackout": "#9fb3c8", "violation": "#c0392b", "level": "#f6c453",
    "loop": "#6b4c9a", "arrival": "#1f2933", "admitted": "#2e8540", "refused": "#c0392b",
    "hit": "#2e8540", "miss": "#c0392b",
}  # fmt: skip


@attrs.frozen
class _Axis:
    begin: Fraction
    end: Fraction

    def x(self, at: Fraction) -> str:
        """Return the place of an instant, in pixels."""
        return _px(LABEL + (at - self.begin) * (WIDTH - LABEL - 10) / (self.end - self.begin))


def _px(value: Fraction | int) -> str:
    return f"{float(value):.1f}"


def picture(shown: Replay) -> Markup:
    """Return the picture of a replay, to stand in a page that says what it is of."""
    height, drawn = _drawn(shown)
    return _svg(height, shown, drawn)


def page(shown: Replay, heading: Sequence[str]) -> Markup:
    """Return the picture of a replay as a file of its own, under the lines of a heading."""
    height, drawn = _drawn(shown)
    above = LINE * len(heading) + 12
    ground = tag("rect", width=WIDTH, height=above + height, fill="white")
    lines = [_text(4, LINE * (number + 1), line) for number, line in enumerate(heading)]
    moved = tag("g", drawn, transform=f"translate(0 {above})")
    return _svg(above + height, shown, ground, *lines, moved, font_family="sans-serif", font_size="12")


def _drawn(shown: Replay) -> tuple[int, Markup]:
    """Return the height of what is drawn, and what it is."""
    lanes = [lane for lane in shown.lanes if lane.marks]
    return _timeline(lanes, shown.clock) if lanes else _bars(shown)


def _svg(height: int, shown: Replay, *children: str, **attributes: object) -> Markup:
    return tag(
        "svg", tag("title", readable(shown.finding)), *children, **attributes,
        xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {height}", width=WIDTH, height=height, role="img",
    )  # fmt: skip


def _text(x: str | int, y: int, words: str, anchor: str = "start") -> Markup:
    return tag("text", words, x=x, y=y, text_anchor=anchor)


# ---- lanes ----


def _timeline(lanes: Sequence[Lane], clock: str) -> tuple[int, Markup]:
    kept = [*lanes[:MOST_LANES], *(lane for lane in lanes[MOST_LANES:] if lane.label == "violation")]
    marks = [mark for lane in lanes for mark in lane.marks]
    begin, end = min(mark.begin_ns for mark in marks), max(mark.end_ns for mark in marks)
    axis = _Axis(begin, end if end > begin else begin + 1)
    height = TOP + LANE * len(kept) + 8
    rows = [_row(lane, TOP + LANE * number, axis) for number, lane in enumerate(kept)]
    return height, join(*_ticks(axis, height, clock), *rows)


def _ticks(axis: _Axis, height: int, clock: str) -> Iterator[Markup]:
    for number in range(TICKS):
        at = axis.begin + (axis.end - axis.begin) * number / (TICKS - 1)
        yield tag("line", x1=axis.x(at), x2=axis.x(at), y1=TOP - 6, y2=height - 4, stroke="#e4e7eb")
        words = f"{number_text(at)} {clock}" if number == TICKS - 1 else number_text(at)
        yield _text(axis.x(at), TOP - 12, words, "end" if number == TICKS - 1 else "middle")


def _row(lane: Lane, y: int, axis: _Axis) -> Markup:
    top = max((mark.value for mark in lane.marks if mark.value is not None), default=Fraction(0))
    drawn = [_mark(mark, y, axis, top) for mark in lane.marks[:MOST_MARKS]]
    return tag("g", _text(0, y + 16, lane.label[:18]), *drawn)


def _mark(mark: Mark, y: int, axis: _Axis, top: Fraction) -> Markup:
    colour, left, right = COLOURS.get(mark.kind, "#1f2933"), axis.x(mark.begin_ns), axis.x(mark.end_ns)
    if mark.kind == "level":
        share = (mark.value or Fraction(0)) / top if top else Fraction(0)
        high = share * (LANE - 8)
        return _box(left, right, _px(y + LANE - 6 - high), _px(high), colour, mark.text)
    if mark.begin_ns == mark.end_ns:
        return tag("circle", tag("title", f"{mark.kind} {mark.text}".strip()), cx=left, cy=y + 11, r=4, fill=colour)
    box = _box(left, right, str(y + 3), str(LANE - 10), colour, mark.text)
    fits = mark.text and float(right) - float(left) > 8 * len(mark.text) + 6
    middle = _px((Fraction(left) + Fraction(right)) / 2)
    words = tag("text", mark.text, x=middle, y=y + 15, text_anchor="middle", fill="#fff") if fits else Markup()
    return join(box, words)


def _box(left: str, right: str, y: str, height: str, colour: str, words: str) -> Markup:
    width = _px(max(Fraction(right) - Fraction(left), Fraction(1)))
    return tag("rect", tag("title", words), x=left, y=y, width=width, height=height, fill=colour, stroke="#fff")


# ---- bars ----


def _bars(shown: Replay) -> tuple[int, Markup]:
    """Draw what was observed and the bound that it is held against."""
    rows = [
        ("observed", shown.observed, "violation" if shown.violated else "admitted"),
        ("bound", shown.bound, "service"),
    ]
    most = max(abs(value) for _, value, _ in rows) or Fraction(1)
    drawn = []
    for number, (label, value, kind) in enumerate(rows):
        y, width = 10 + number * LANE, max(Fraction(0), value) * 440 / most
        bar = tag("rect", x=LABEL, y=y, width=_px(width), height=LANE - 10, fill=COLOURS[kind])
        words = _text(_px(LABEL + 8 + width), y + 13, f"{number_text(value)} {shown.unit}")
        drawn.append(tag("g", _text(0, y + 13, label), bar, words))
    return 10 + LANE * len(rows), join(*drawn)
