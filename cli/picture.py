"""A replay as an SVG picture: a lane a line over a common axis of time, or two bars where time plays no part."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction

import attrs

from headgate.cli.lanes import apart, extent, ticks, unit_of
from headgate.cli.markup import Markup, join, tag
from headgate.cli.output import number_text, readable
from headgate.model.replay import Lane, Mark, Replay

__all__ = [
    "COLOURS",
    "CROSSES",
    "MOST_LANES",
    "MOST_MARKS",
    "TICKS",
    "colour_of",
    "kept",
    "page",
    "picture",
    "told",
    "visible",
]

WIDTH, LEFT, LABEL, LANE, TOP, LINE, BOX = 760, 4, 120, 30, 26, 16, 16
MOST_LANES, MOST_MARKS, TICKS = 24, 600, Fraction(8)
COLOURS = {
    "service": "#0b6e99", "blackout": "#9fb3c8", "violation": "#c0392b", "level": "#f6c453",
    "loop": "#6b4c9a", "arrival": "#1f2933", "admitted": "#2e8540", "refused": "#c0392b",
    "hit": "#2e8540", "miss": "#c0392b",
}  # fmt: skip


# Characters that XML 1.0 has no place for: a viewer refuses the whole file.
NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@attrs.frozen
class _Axis:
    begin: Fraction
    end: Fraction

    def x(self, at: Fraction) -> str:
        """Return the place of an instant, in pixels."""
        return _px(LABEL + (at - self.begin) * (WIDTH - LABEL - 16) / (self.end - self.begin))


def colour_of(kind: str) -> str:
    """Return the colour of a kind of mark."""
    return COLOURS.get(kind, "#1f2933")


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
    whole = _svg(above + height, shown, ground, *lines, moved, font_family="sans-serif", font_size="12")
    return Markup(visible(whole))


def visible(text: str) -> str:
    """Return text with a sign in the place of every character that neither a picture nor XML can hold."""
    return NO_XML.sub("\ufffd", text)


def _drawn(shown: Replay) -> tuple[int, Markup]:
    """Return the height of what is drawn, and what it is."""
    lanes = apart(shown.lanes)
    return _timeline(lanes, shown.clock) if lanes else _bars(shown)


def _svg(height: int, shown: Replay, *children: str, **attributes: object) -> Markup:
    return tag(
        "svg", tag("title", readable(shown.finding)), *children, **attributes,
        xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {height}", width=WIDTH, height=height, role="img",
    )  # fmt: skip


def _text(x: str | int, y: int, words: str, anchor: str = "start") -> Markup:
    return tag("text", words, x=x, y=y, text_anchor=anchor)


# ---- lanes ----


def kept(lanes: Sequence[Lane]) -> list[Lane]:
    """Return the lanes that are drawn: no more than `MOST_LANES`, but every violation."""
    return [*lanes[:MOST_LANES], *(lane for lane in lanes[MOST_LANES:] if lane.label == "violation")]


def _timeline(lanes: Sequence[Lane], clock: str) -> tuple[int, Markup]:
    axis, drawn = _Axis(*extent(lanes)), kept(lanes)
    foot = TOP + LANE * len(drawn) + 8
    rows = [_row(lane, TOP + LANE * number, axis) for number, lane in enumerate(drawn)]
    legend = _legend({kind for lane in drawn for kind in _kinds(lane)}, foot)
    return foot + (LINE + 6 if legend else 0), join(*_ticks(axis, foot, clock), *rows, *legend)


def _ticks(axis: _Axis, foot: int, clock: str) -> Iterator[Markup]:
    unit, size = unit_of(axis.end, clock)
    yield _text(LEFT, TOP - 12, unit)
    for at in ticks(axis.begin, axis.end, size, TICKS):
        x = axis.x(at * size)
        yield tag("line", x1=x, x2=x, y1=TOP - 6, y2=foot - 4, stroke="#e4e7eb")
        yield _text(x, TOP - 12, number_text(at), "middle")


def _row(lane: Lane, y: int, axis: _Axis) -> Markup:
    """Draw a lane: levels, spans, and instants last, that nothing may hide them."""
    marks = lane.marks[:MOST_MARKS]
    levels = [mark for mark in marks if mark.kind == "level"]
    spans = [mark for mark in marks if mark.kind != "level" and mark.begin_ns < mark.end_ns]
    instants = [mark for mark in marks if mark.kind != "level" and mark.begin_ns == mark.end_ns]
    drawn = [*_levels(levels, y, axis), *(_span(mark, y, axis) for mark in spans)]
    return tag("g", _text(LEFT, y + 20, lane.label[:18]), *drawn, *_instants(instants, y, axis, beside=not spans))


def _span(mark: Mark, y: int, axis: _Axis) -> Markup:
    left, right = axis.x(mark.begin_ns), axis.x(mark.end_ns)
    # A white edge tells spans that meet apart; of a short one it would leave nothing.
    edge = "#fff" if Fraction(right) - Fraction(left) > 3 else None
    box = _box(left, right, str(y + 8), str(BOX), colour_of(mark.kind), mark.text, stroke=edge)
    if mark.kind != "violation" or _fits(left, right, mark.text):
        return join(box, _inside(left, right, str(y + 20), mark.text, "#fff"))
    if Fraction(right) + 8 * len(mark.text) < WIDTH:
        return join(box, _text(_px(Fraction(right) + 6), y + 20, mark.text))
    return join(box, _text(_px(Fraction(left) - 6), y + 20, mark.text, "end"))


def _fits(left: str, right: str, words: str) -> bool:
    return float(right) - float(left) > 8 * len(words) + 6


def _inside(left: str, right: str, y: str, words: str, colour: str) -> Markup:
    """Return words in the middle of a box, where they fit."""
    if not words or not _fits(left, right, words):
        return Markup()
    middle = _px((Fraction(left) + Fraction(right)) / 2)
    return tag("text", words, x=middle, y=y, text_anchor="middle", fill=colour)


def _box(left: str, right: str, y: str, height: str, colour: str, words: str, stroke: str | None = None) -> Markup:
    width = _px(max(Fraction(right) - Fraction(left), Fraction(2)))
    title = (tag("title", words),) if words else ()
    return tag("rect", *title, x=left, y=y, width=width, height=height, fill=colour, stroke=stroke)


def _levels(marks: Sequence[Mark], y: int, axis: _Axis) -> Iterator[Markup]:
    """Draw a level as high as its share of the highest, from a line at 0, and below that where it is less."""
    values = [mark.value or Fraction(0) for mark in marks]
    low, high = min([*values, Fraction(0)]), max([*values, Fraction(0)])
    scale = Fraction(LANE - 6) / ((high - low) or 1)
    zero = y + LANE - 3 + low * scale
    for mark, value in zip(marks, values, strict=True):
        left, right = axis.x(mark.begin_ns), axis.x(mark.end_ns)
        if mark.begin_ns == mark.end_ns:
            right = _px(Fraction(left) + 3)
        top = zero - max(value, Fraction(0)) * scale
        tall = max(abs(value) * scale, Fraction(1))
        number = number_text(value)
        words = f"{number} ({mark.text})" if mark.text else number
        yield _box(left, right, _px(top), _px(tall), colour_of("level"), words)
        # In the bar, or, where that is too flat, on the side of 0 or of the bar where there is room.
        below = top + tall / 2 + 4 if tall >= 12 else (zero if value < 0 else top) - 3
        yield _inside(left, right, _px(below), number, "#1f2933")


def _instants(marks: Sequence[Mark], y: int, axis: _Axis, beside: bool) -> Iterator[Markup]:
    """Draw signs, with what they say beside them where there is room; above the spans of a lane, unless `beside`."""
    at_once: dict[str, list[Mark]] = {}
    for mark in sorted(marks, key=lambda mark: mark.begin_ns):
        at_once.setdefault(axis.x(mark.begin_ns), []).append(mark)
    places, free = [Fraction(x) for x in at_once], Fraction(LABEL)
    if 6 * len(places) > WIDTH - LABEL:
        yield from (_stroke(kind, x, y) for x, here in at_once.items() for kind in {mark.kind: None for mark in here})
        return
    for (x, here), at, following in zip(at_once.items(), places, [*places[1:], Fraction(WIDTH)], strict=False):
        kinds = Counter(mark.kind for mark in here)
        for kind in kinds:
            middle = y + (16 if kind == "violation" or (beside and (kind != "arrival" or len(kinds) == 1)) else 4)
            middle += 9 if beside and kind in CROSSES and len(kinds) > 1 else 0
            title = ", ".join(dict.fromkeys(mark.text for mark in here if mark.kind == kind and mark.text))
            yield _sign(kind, x, middle, tag("title", f"{kind} {title}".strip()))
        words, baseline = told(here, max(kinds.values()), beside), y + (20 if beside else 8)
        wide = 6 * len(words)
        if at + 10 + wide < following - 6:
            yield _small(_px(at + 8), baseline, words)
            free = at + 10 + wide
        elif free < at - 10 - wide:
            yield _small(_px(at - 8), baseline, words, "end")
        free = max(free, at + 6)


def _stroke(kind: str, x: str, y: int) -> Markup:
    """Return the sign of one of very many: what was refused or missed stands lower than the others."""
    return tag("path", d=f"M{x} {y + (17 if kind in CROSSES else 6)}v9", stroke=colour_of(kind))


def told(here: Sequence[Mark], most: int, beside: bool) -> str:
    """Return how many of a kind are there, where they are several, and what they say, if that is short."""
    kinds = Counter(mark.kind for mark in here if mark.kind != "arrival")
    if len(kinds) > 1:
        return ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    said = dict.fromkeys(mark.text for mark in here if mark.text)
    texts = [text for text in said if not any(other != text and other.startswith(text) for other in said)]
    if not beside or not texts or len(texts) > 2:
        return str(most) if most > 1 else ""
    return f"{most} x {texts[0]}" if most > 1 and len(texts) == 1 else ", ".join(texts)


def _small(x: str, y: int, words: str, anchor: str = "start") -> Markup:
    return tag("text", words, x=x, y=y, text_anchor=anchor, font_size="10") if words else Markup()


# The sign of an instant, around the point (0, 0); what is none of these is a dot.
SIGNS = {"arrival": "M-4 -4H4L0 4z", "violation": "M0 -6L6 0L0 6L-6 0z"}
CROSSES = ("refused", "miss")


def _sign(kind: str, x: str, y: int, *children: Markup) -> Markup:
    place, colour = {"transform": f"translate({x} {y})"}, colour_of(kind)
    if kind in CROSSES:
        return tag("path", *children, d="M-4 -4L4 4M-4 4L4 -4", stroke=colour, stroke_width=2, **place)
    if kind in SIGNS:
        return tag("path", *children, d=SIGNS[kind], fill=colour, stroke="#fff", **place)
    return tag("circle", *children, cx=x, cy=y, r=4, fill=colour, stroke="#fff")


def _kinds(lane: Lane) -> set[str]:
    """Return which kinds of a lane have to be explained: neither its label nor the words beside a mark do."""
    kinds = {mark.kind for mark in lane.marks} - {"level", "loop", "violation"}
    return kinds if kinds != {"arrival"} else set()


def _legend(kinds: set[str], foot: int) -> list[Markup]:
    """Say what the signs are, those that a lane's label does not."""
    drawn, x = [], LABEL
    for kind in COLOURS:
        if kind not in kinds:
            continue
        if kind in ("service", "blackout"):
            drawn.append(tag("rect", x=x - 6, y=foot + 1, width=12, height=10, fill=colour_of(kind)))
        else:
            drawn.append(_sign(kind, str(x), foot + 6))
        drawn.append(_small(str(x + 10), foot + 10, kind))
        x += 40 + 7 * len(kind)
    return drawn


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
        drawn.append(tag("g", _text(LEFT, y + 13, label), bar, words))
    return 10 + LANE * len(rows), join(*drawn)
