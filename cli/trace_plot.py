"""The picture of `headgate trace --plot`: the tails of each tenant over time.

A panel a tenant: the largest latency and the largest lateness in each slice of time, the promised latency as a line,
the window in which the tenant missed most of its guarantee shaded, the latest request marked. Slices double in width
as the recording goes on, so that memory stays bounded. SVG is written here; PNG is left to matplotlib.
"""

import html
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import attrs

from headgate.cli.lanes import ticks
from headgate.cli.places import OutputFile
from headgate.properties.judge.report import Report, TenantReport
from headgate.spec.recordings import Row
from headgate.spec.vocabulary import ContractSet

__all__ = ["MOST_SLICES", "Picture", "Slices"]

MOST_SLICES = 512
FIRST_WIDTH_NS = 1024
NS_PER_US = 1000.0

WIDTH, PANEL, LEFT, RIGHT, TOP, GAP = 960, 150, 70, 20, 64, 46
INK, GRID, LATENCY, LATENESS, SLO, MISSED = "#1f2933", "#e4e7eb", "#9fb3c8", "#0b6e99", "#c0392b", "#f6c453"


class Slices:
    """The largest latency and lateness of each tenant in slices of time; at most MOST_SLICES of them."""

    def __init__(self, tenants: int) -> None:
        """Start with nothing seen."""
        self.width_ns = FIRST_WIDTH_NS
        self.begin_ns: int | None = None
        self.latency: list[list[int]] = [[] for _ in range(tenants)]  # -1 where nothing came
        self.lateness: list[list[int]] = [[] for _ in range(tenants)]

    def add(self, row: Row, late: int | None) -> None:
        """Take the next request, and its lateness in ns if it is in contract."""
        if self.begin_ns is None:
            self.begin_ns = row.arrival_ns
        place = (row.arrival_ns - self.begin_ns) // self.width_ns
        while place >= MOST_SLICES:
            self._double()
            place //= 2
        _raise(self.latency[row.tenant], place, row.finish_ns - row.arrival_ns)
        if late is not None:
            _raise(self.lateness[row.tenant], place, late)

    def _double(self) -> None:
        self.width_ns *= 2
        for series in (self.latency, self.lateness):
            series[:] = [[max(s[n : n + 2]) for n in range(0, len(s), 2)] for s in series]


def _raise(slices: list[int], place: int, value: int) -> None:
    if place >= len(slices):
        slices.extend([-1] * (place + 1 - len(slices)))
    if value > slices[place]:
        slices[place] = value


class Picture:
    """A picture in the making: sees each row, and is written at the end, whole or not at all."""

    def __init__(self, out: str, inputs: Sequence[Path], contracts: ContractSet) -> None:
        """Refuse, before a long run, an `out` that cannot be written or that is one of the `inputs`."""
        self.out = OutputFile("--plot", out, inputs, (".svg", ".png"))
        self.contracts = contracts
        self.slices = Slices(len(contracts.contracts))

    def observe(self, row: Row, late: int | None) -> None:
        """Take the next request, and its lateness in ns if it is in contract."""
        self.slices.add(row, late)

    def write(self, report: Report) -> None:
        """Write the picture of `report`; a failure leaves no half-written file."""
        panels = list(_panels(report, self.slices))
        if self.out.suffix == ".png":
            self.out.write_by(lambda path: _write_png(path, panels))
        else:
            self.out.write(_svg(panels))


@attrs.frozen
class Panel:
    """What one tenant's panel shows, in us from the first arrival; times are (begin, end)."""

    title: str
    latency: list[tuple[float, float]]
    lateness: list[tuple[float, float]]
    span: float
    slice: float
    slo: float | None
    missed: tuple[float, float] | None
    worst: tuple[float, float] | None

    @property
    def top(self) -> float:
        """The highest value, with some room above."""
        values = [value for _, value in [*self.latency, *self.lateness]]
        return 1.12 * max([*values, self.slo or 0.0, 0.001])


def _panels(report: Report, slices: Slices) -> Iterator[Panel]:
    begin = slices.begin_ns or 0
    width = slices.width_ns / NS_PER_US
    span = width * max(len(series) for series in slices.latency)

    def us(time: int) -> float:
        return (time - begin) / NS_PER_US

    for tenant in report.tenants:
        missed, worst = tenant.missed, tenant.worst
        latency = _points(slices.latency[tenant.number], width)
        yield Panel(
            title=_title(tenant) if latency else f"{tenant.name}: no requests",
            latency=latency,
            lateness=_points(slices.lateness[tenant.number], width),
            span=span,
            slice=width,
            slo=None if tenant.slo_ns is None else float(tenant.slo_ns) / NS_PER_US,
            missed=None if missed is None else (us(missed.begin_ns), us(missed.end_ns)),
            worst=None if worst is None else (us(worst.row.arrival_ns), max(0.0, float(worst.ns) / NS_PER_US)),
        )


def _points(slices: Sequence[int], width: float) -> list[tuple[float, float]]:
    return [(n * width, value / NS_PER_US) for n, value in enumerate(slices) if value >= 0]


def _title(tenant: TenantReport) -> str:
    if tenant.best_effort:
        return f"{tenant.name} (best effort)"
    if tenant.worst is None:
        return f"{tenant.name}: nothing in contract"
    latest = f"{tenant.name}: latest {float(tenant.worst.ns) / NS_PER_US:,.3f} us after its expected arrival"
    return latest + (f", {tenant.broken:,} promises broken" if tenant.broken else "")


# ---- SVG ----


def _svg(panels: Sequence[Panel]) -> str:
    height = TOP + len(panels) * (PANEL + GAP) + 24
    body = "\n".join(
        line for number, panel in enumerate(panels) for line in _panel(panel, TOP + number * (PANEL + GAP))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="12" fill="{INK}">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n{_legend()}\n{body}\n'
        f'<text x="{(WIDTH + LEFT - RIGHT) / 2}" y="{height - 8}" text-anchor="middle">'
        "ms after the first arrival</text>\n</svg>\n"
    )


def _legend() -> str:
    marks = (
        (LATENCY, "largest latency (us)"),
        (LATENESS, "largest lateness after the expected arrival (us)"),
        (SLO, "promised latency"),
        (MISSED, "furthest below its guarantee"),
    )
    lines, x = [], float(LEFT)
    for colour, words in marks:
        lines.append(f'<rect x="{x:.0f}" y="18" width="14" height="10" fill="{colour}"/>')
        lines.append(f'<text x="{x + 20:.0f}" y="27">{words}</text>')
        x += 44 + 6.3 * len(words)
    return "\n".join(lines)


def _panel(panel: Panel, top: int) -> Iterator[str]:
    across = (WIDTH - LEFT - RIGHT) / panel.span
    up = PANEL / panel.top

    def x(time: float) -> float:
        return LEFT + time * across

    def y(value: float) -> float:
        return top + PANEL - value * up

    yield f'<text x="{LEFT}" y="{top - 8}" font-weight="bold">{html.escape(panel.title)}</text>'
    yield from _axes(panel, top, x(panel.span))
    if panel.missed is not None:
        wide = max(2.0, x(panel.missed[1]) - x(panel.missed[0]))
        yield f'<rect x="{x(panel.missed[0]):.1f}" y="{top}" width="{wide:.1f}" height="{PANEL}" fill="{MISSED}"/>'
    wide = max(0.8, panel.slice * across)
    for colour, points in ((LATENCY, panel.latency), (LATENESS, panel.lateness)):
        bars = "".join(f"M{x(t):.1f} {top + PANEL}v{-v * up:.1f}h{wide:.1f}v{v * up:.1f}z" for t, v in points)
        yield f'<path d="{bars}" fill="{colour}"/>'
    if panel.slo is not None:
        yield f'<path d="M{LEFT} {y(panel.slo):.1f}H{WIDTH - RIGHT}" stroke="{SLO}" stroke-dasharray="6 4"/>'
    if panel.worst is not None:
        time, late = panel.worst
        yield f'<circle cx="{x(time):.1f}" cy="{y(late):.1f}" r="4" fill="none" stroke="{SLO}" stroke-width="2"/>'


def _axes(panel: Panel, top: int, right: float) -> Iterator[str]:
    for value in ticks(Fraction(0), Fraction(panel.top), 1, Fraction(4)) if panel.latency else ():
        y = top + PANEL - PANEL * float(value) / panel.top
        yield f'<path d="M{LEFT} {y:.1f}H{right:.1f}" stroke="{GRID}"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{float(value):,.4g}</text>'
    for time in ticks(Fraction(0), Fraction(panel.span), 1000, Fraction(8)):
        x = LEFT + (right - LEFT) * float(time) * NS_PER_US / panel.span
        yield f'<text x="{x:.1f}" y="{top + PANEL + 14}" text-anchor="middle">{float(time):,.4g}</text>'


# ---- PNG ----


def _write_png(out: Path, panels: Sequence[Panel]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 2.2 * len(panels)), layout="constrained")
    for axes, panel in zip(figure.subplots(len(panels), squeeze=False)[:, 0], panels, strict=True):
        axes.set_title(panel.title, loc="left", fontsize=9)
        for colour, points in ((LATENCY, panel.latency), (LATENESS, panel.lateness)):
            axes.bar([t for t, _ in points], [v for _, v in points], panel.slice, align="edge", color=colour)
        if panel.missed is not None:
            axes.axvspan(*panel.missed, color=MISSED)
        if panel.slo is not None:
            axes.axhline(panel.slo, color=SLO, linestyle="--", linewidth=1)
        axes.set_ylabel("us")
        axes.set_xlim(0.0, panel.span)
    figure.supxlabel("us after the first arrival", fontsize=9)
    with out.open("wb") as file:
        figure.savefig(file, format="png", dpi=120)
