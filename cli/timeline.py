"""Timelines in a terminal: the lanes of a replay, scaled to the width of the screen.

Spans are drawn as boxes with their text inside where it fits, or, where they are shorter than two characters, as the
share of each character that they cover. Instants that fall on one character are counted; where they are many, the
counts are drawn as bars. Positions are computed exactly.
"""

import functools
from collections.abc import Iterator, Sequence
from fractions import Fraction

import attrs

from headgate.cli.lanes import extent, plain_number, ticks, unit_of
from headgate.cli.output import Screen
from headgate.model.replay import Lane, Mark
from headgate.spec.reading import decimal_text

__all__ = ["bars", "timeline"]

MOST_LANES = 40
LEAST_BETWEEN_TICKS = 11
BLOCKS, PLAIN_BLOCKS = " ▁▂▃▄▅▆▇█", " .:-=+*#%"
SHARES, PLAIN_SHARES = " ░▒▓█", " .-=#"

# Rows of instants, in the order in which a lane shows them: kind, sign, plain sign, colour, what it means.
INSTANTS = (
    ("arrival", "▼", "v", None, "arrival"),
    ("admitted", "●", "o", "good", "admitted"),
    ("refused", "×", "x", "bad", "refused"),
    ("hit", "●", "o", "good", "hit"),
    ("miss", "×", "x", "bad", "miss"),
)
# A level or a ledger is drawn as a row of bars.
LEVEL = "level"


@attrs.frozen(slots=False)
class _Scale:
    """Maps [begin, end] ns to `columns` characters."""

    begin: Fraction
    end: Fraction
    columns: int

    def column(self, at: Fraction) -> int:
        """Return the character in which `at` falls; the end belongs to the last one."""
        offset, per = self._units
        ahead = at.numerator * self.begin.denominator - self.begin.numerator * at.denominator
        return min(self.columns - 1, ahead * offset // (at.denominator * per))

    @functools.cached_property
    def _units(self) -> tuple[int, int]:
        """What columns and the length come to in whole numbers: many marks are placed, so no Fraction is made."""
        length = self.end - self.begin
        return self.columns * length.denominator, self.begin.denominator * length.numerator

    def edges(self, mark: Mark) -> tuple[int, int]:
        """Return the first character of a span and the one after its last."""
        per = (self.end - self.begin) / self.columns
        first = round((mark.begin_ns - self.begin) / per)
        last = round((mark.end_ns - self.begin) / per)
        first = min(first, self.columns - 1)
        return first, max(first + 1, last)


@attrs.frozen
class _Line:
    """A line before it is put together: its label, its characters, its colour."""

    label: str
    body: str
    colour: str | None = None


def timeline(lanes: Sequence[Lane], screen: Screen, clock: str = "ns") -> str:
    """Return the lanes as lines of at most the screen's width, under an axis; empty where nothing is marked.

    The axis counts what `clock` says; times get the unit that suits them.
    """
    shown = [lane for lane in lanes if lane.marks]
    if not shown:
        return ""
    label_width = min(16, max(len(lane.label) for lane in shown) + 1)
    scale = _scale(shown, screen.width - label_width - 3)
    lines = [*_axis(scale, screen, clock)]
    for lane in _fewer(shown):
        lines += _lane(lane, scale, screen)
    hidden = len(shown) - len(_fewer(shown))
    text = [_put_together(line, label_width, screen) for line in lines]
    if hidden:
        text.append(f"  and {hidden} more lanes, which --format json shows")
    legend = _legend(shown, scale, screen)
    return "\n".join([*text, *(screen.paint(line, "quiet") for line in legend)])


def _put_together(line: _Line, label_width: int, screen: Screen) -> str:
    label = line.label[:label_width].ljust(label_width)
    body = line.body.rstrip()
    return f"  {label} {screen.paint(body, line.colour)}".rstrip()


def _fewer(lanes: Sequence[Lane]) -> Sequence[Lane]:
    """The lanes that are drawn: the violation is always among them."""
    if len(lanes) <= MOST_LANES:
        return lanes
    violations = [lane for lane in lanes if lane.label == "violation"]
    return [*lanes[: MOST_LANES - len(violations)], *violations]


def _scale(lanes: Sequence[Lane], columns: int) -> _Scale:
    return _Scale(*extent(lanes), columns)


# ---- the axis ----


def _axis(scale: _Scale, screen: Screen, clock: str) -> Iterator[_Line]:
    unit, size = unit_of(scale.end, clock)
    numbers, line = [" "] * (scale.columns + 12), [screen.sign("─", "-")] * scale.columns
    free = 0
    for tick in ticks(scale.begin, scale.end, size, Fraction(scale.columns, LEAST_BETWEEN_TICKS)):
        column, text = scale.column(tick * size), decimal_text(tick)
        line[column] = screen.sign("┬", "+")
        start = max(0, min(column - len(text) // 2, scale.columns - len(text)))
        if start >= free:
            numbers[start : start + len(text)] = text
            free = start + len(text) + 2
    yield _Line(unit, "".join(numbers), "quiet")
    yield _Line("", "".join(line), "quiet")


# ---- lanes ----


def _lane(lane: Lane, scale: _Scale, screen: Screen) -> Iterator[_Line]:
    """Yield the lines of a lane: one for each kind of instant, one for the spans, one for a level."""
    lines = [line for kind in INSTANTS for line in _instants(lane, kind, scale, screen)]
    lines += _spans(lane, scale, screen)
    lines += _levels(lane, scale, screen)
    for number, line in enumerate(lines):
        yield attrs.evolve(line, label=line.label or (lane.label if number == 0 else ""))


def _instants(
    lane: Lane, kind: tuple[str, str, str, str | None, str], scale: _Scale, screen: Screen
) -> Iterator[_Line]:
    name, fancy, plain, colour, _ = kind
    counts = [0] * scale.columns
    for mark in lane.marks:
        if mark.kind == name:
            counts[scale.column(mark.begin_ns)] += 1
    if not any(counts):
        return
    label = "" if name in ("arrival", "hit", "miss") else name
    if _is_dense(counts):
        yield _Line(label, _blocks([Fraction(n) for n in counts], Fraction(max(counts)), screen), colour)
    else:
        yield _Line(label, "".join(_count(n, screen.sign(fancy, plain)) for n in counts), colour)


def _is_dense(counts: Sequence[int]) -> bool:
    filled = [n for n in counts if n]
    return len(filled) * 2 > len(counts) and max(filled) > 1


def _count(number: int, sign: str) -> str:
    return " " if number == 0 else sign if number == 1 else str(number) if number < 10 else "+"


def _blocks(values: Sequence[Fraction], top: Fraction, screen: Screen) -> str:
    """Return a character a value, as high as its share of `top`; what is above 0 never looks like 0."""
    signs = screen.sign(BLOCKS, PLAIN_BLOCKS)
    steps = len(signs) - 1
    return "".join(signs[0 if v <= 0 else max(1, min(steps, round(v * steps / top)))] for v in values)


def _levels(lane: Lane, scale: _Scale, screen: Screen) -> Iterator[_Line]:
    """A level: each mark holds a value from its begin to its end; a character shows the least of those it covers."""
    marks = [mark for mark in lane.marks if mark.kind == LEVEL and mark.value is not None]
    if not marks:
        return
    cells: list[Fraction | int | None] = [None] * scale.columns
    values = [plain_number(mark.value) for mark in marks if mark.value is not None]
    for mark, value in zip(marks, values, strict=True):
        first = scale.column(mark.begin_ns)
        for column in range(first, (scale.column(mark.end_ns) if mark.end_ns != mark.begin_ns else first) + 1):
            held = cells[column]
            if held is None or value < held:
                cells[column] = value
    drawn = _blocks([Fraction(cell or 0) for cell in cells], max(Fraction(max(values)), Fraction(1)), screen)
    empty = screen.sign("·", "_")
    body = "".join(empty if cell is not None and cell <= 0 else sign for cell, sign in zip(cells, drawn, strict=True))
    yield _Line("", body)


# ---- spans ----


def _spans(lane: Lane, scale: _Scale, screen: Screen) -> Iterator[_Line]:
    spans = _spans_of(lane)
    if spans:
        boxes = _are_wide(spans, scale)
        body = _boxes(spans, scale, screen) if boxes else _coverage(spans, scale, screen)
        yield _Line("", body)
    for mark in lane.marks:
        if mark.kind == "violation":
            yield _Line("", _violation(mark, scale, screen), "bad")


def _spans_of(lane: Lane) -> list[Mark]:
    return [mark for mark in lane.marks if mark.kind in ("service", "blackout", "loop")]


def _are_wide(spans: Sequence[Mark], scale: _Scale) -> bool:
    """Whether at least half of the services are two characters wide or more."""
    services = [mark for mark in spans if mark.kind == "service"] or list(spans)
    least = 2 * (scale.end - scale.begin) / scale.columns
    return 2 * sum(mark.end_ns - mark.begin_ns >= least for mark in services) >= len(services)


def _boxes(spans: Sequence[Mark], scale: _Scale, screen: Screen) -> str:
    cells = [" "] * scale.columns
    for mark in spans:
        first, last = scale.edges(mark)
        draw = _dark if mark.kind == "blackout" else _box
        cells[first:last] = draw(last - first, mark.text, screen)
    return "".join(cells[: scale.columns])


def _dark(width: int, _: str, screen: Screen) -> str:
    return screen.sign("░", ".") * width


def _box(width: int, text: str, screen: Screen) -> str:
    """Return a box of that many characters, with its text inside where it fits."""
    left, middle, right = screen.signs("┣━┫", "[=]")
    if width == 1:
        return screen.sign("┃", "|")
    inside = f" {text} " if text and len(text) + 2 <= width - 2 else ""
    return left + inside.center(width - 2, middle) + right


def _coverage(spans: Sequence[Mark], scale: _Scale, screen: Screen) -> str:
    """Return how much of each character's time was service."""
    per = (scale.end - scale.begin) / scale.columns
    covered = [Fraction(0)] * scale.columns
    for mark in spans:
        if mark.kind != "service":
            continue
        for column in range(scale.column(mark.begin_ns), scale.column(mark.end_ns) + 1):
            left = scale.begin + column * per
            shared = min(mark.end_ns, left + per) - max(mark.begin_ns, left)
            covered[column] += max(Fraction(0), shared)
    signs = screen.sign(SHARES, PLAIN_SHARES)
    most = len(signs) - 1
    return "".join(signs[0 if c <= 0 else max(1, min(most, round(c * most / per)))] for c in covered)


def _violation(mark: Mark, scale: _Scale, screen: Screen) -> str:
    """Return an arrow over the span, or a pointer to the instant, with its text inside or beside it."""
    if mark.begin_ns == mark.end_ns:
        return _beside(scale.column(mark.begin_ns), screen.sign("▲", "^"), mark.text, scale.columns)
    first, last = scale.edges(mark)
    width = last - first
    left, middle, right = screen.signs("◄━►", "<->")
    if width < len(mark.text) + 6:
        arrow = left + middle * (width - 2) + right if width > 1 else screen.sign("▲", "^")
        return _beside(first, arrow, mark.text, scale.columns)
    return " " * first + left + f" {mark.text} ".center(width - 2, middle) + right


def _beside(column: int, sign: str, text: str, columns: int) -> str:
    """Return the sign in its column, and the text after it, or before it, or not at all, as the screen allows."""
    if column + len(sign) + 1 + len(text) <= columns:
        return " " * column + sign + f" {text}"
    if len(text) + 1 <= column:
        return " " * (column - len(text) - 1) + f"{text} {sign}"
    return " " * column + sign


# ---- what the signs mean ----


def _legend(lanes: Sequence[Lane], scale: _Scale, screen: Screen) -> list[str]:
    kinds = {mark.kind for lane in lanes for mark in lane.marks}
    words = []
    if "arrival" in kinds:
        words.append(f"{screen.sign('▼', 'v')} arrival (2 to 9, +: so many)")
    if kinds & {"admitted", "refused"}:
        words.append(f"{screen.sign('● ×', 'o x')} one offer (2 to 9, +, bars: so many)")
    if kinds & {"hit", "miss"}:
        words.append(f"{screen.sign('●', 'o')} hit   {screen.sign('×', 'x')} miss (2 to 9, +, bars: so many)")
    spans = [spans for lane in lanes if (spans := _spans_of(lane))]
    boxes = [_are_wide(each, scale) for each in spans]
    if "service" in kinds and any(boxes):
        words.append(f"{screen.sign('┣━┫', '[=]')} service")
    if not all(boxes):
        words.append(f"{screen.sign(SHARES, PLAIN_SHARES).strip()} share of the time in service")
    if "blackout" in kinds and any(boxes):
        words.append(f"{screen.sign('░', '.')} blackout")
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) + 3 > screen.width:
            lines.append("")
        lines[-1] += f"{'   ' if lines[-1] else '  '}{word}"
    return [line for line in lines if line]


def bars(rows: Sequence[tuple[str, Fraction, str, str | None]], screen: Screen) -> str:
    """Return a bar a row (label, value, what is written behind it, colour), in proportion to the largest value."""
    top = max((value for _, value, _, _ in rows), default=Fraction(0))
    label_width = max(len(label) for label, _, _, _ in rows)
    columns = screen.width - label_width - max(len(text) for _, _, text, _ in rows) - 5
    lines = []
    for label, value, text, colour in rows:
        length = 0 if top <= 0 or value <= 0 else max(1, round(value * columns / top))
        bar = screen.sign("█", "#") * length
        lines.append(f"  {label.ljust(label_width)} {screen.paint(bar, colour)} {text}")
    return "\n".join(lines)
