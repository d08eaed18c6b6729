"""The picture of `headgate replay-workload --plot`: who holds the memory, and how often short requests are evicted."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from headgate.cli.markup import Markup, tag
from headgate.cli.workload_report import KINDS, SHORT, Replayed, Setting, eviction_rate, held, part

__all__ = ["picture"]

WIDTH, LABEL, BAR, HEAD = 900, 240, 20, 40
COLOURS = ("#0b6e99", "#2f9e44", "#c0392b")
INK = "#1f2933"

# A bar: its label, and (length, colour, what it says) of each of its pieces.
Bar = tuple[str, list[tuple[Fraction, str, str]]]


def picture(setting: Setting, runs: Sequence[Replayed]) -> str:
    """Return the picture, as SVG."""
    counts = [setting.kind_of(size) for size in setting.sizes.elements()]
    requests = [part(counts.count(kind), len(counts)) for kind in range(len(KINDS))]
    shares = [("of the requests", requests)]
    shares += [(f"of the memory, {run.rule}", [held(run.whole, kind) for kind in range(len(KINDS))]) for run in runs]
    bars = [(label, [_piece(*each) for each in zip(row, COLOURS, KINDS, strict=True)]) for label, row in shares]
    panels = [("Share of each class", bars), ("Pages of short requests evicted for each use of one", _rates(runs))]
    height = sum(HEAD + BAR * 2 * len(rows) for _, rows in panels) + HEAD
    drawn, top = [*_legend()], HEAD
    for title, rows in panels:
        drawn += _panel(title, rows, top)
        top += HEAD + BAR * 2 * len(rows)
    box = tag("rect", width=WIDTH, height=height, fill="white")
    whole = tag(
        "svg", box, *drawn, xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {height}", width=WIDTH,
        height=height, font_family="sans-serif", font_size=12, fill=INK,
    )  # fmt: skip
    return whole + "\n"


def _piece(share: Fraction | None, colour: str, name: str) -> tuple[Fraction, str, str]:
    return share or Fraction(0), colour, f"{name}: {float((share or 0) * 100):.1f} %"


def _rates(runs: Sequence[Replayed]) -> list[Bar]:
    rows: list[Bar] = []
    for run in runs:
        for words, outcome, colour in (("with whales", run.whole, COLOURS[2]), ("without", run.without, COLOURS[0])):
            rate = eviction_rate(outcome, SHORT)
            if rate is not None:
                rows.append((f"{run.rule}, {words}", [(rate, colour, f"{float(rate):.3g}")]))
    return rows


def _legend() -> Iterator[Markup]:
    for number, (colour, name) in enumerate(zip(COLOURS, KINDS, strict=True)):
        yield tag("rect", x=LABEL + 100 * number, y=10, width=14, height=10, fill=colour)
        yield tag("text", name, x=LABEL + 20 + 100 * number, y=19)


def _panel(title: str, rows: Sequence[Bar], top: int) -> Iterator[Markup]:
    yield tag("text", title, x=10, y=top + 16, font_weight="bold")
    longest = max((sum((length for length, _, _ in pieces), Fraction(0)) for _, pieces in rows), default=Fraction(0))
    scale = Fraction(WIDTH - LABEL - 90) / (longest or 1)
    for number, (label, pieces) in enumerate(rows):
        y, x = top + HEAD - 10 + BAR * 2 * number, Fraction(LABEL)
        yield tag("text", label, x=LABEL - 8, y=y + 14, text_anchor="end")
        for length, colour, words in pieces:
            wide = length * scale
            yield tag(
                "rect",
                tag("title", words),
                x=f"{float(x):.1f}",
                y=y,
                width=f"{float(wide):.1f}",
                height=BAR,
                fill=colour,
            )
            x += wide
        if len(pieces) == 1:
            yield tag("text", pieces[0][2], x=f"{float(x) + 6:.1f}", y=y + 14)
