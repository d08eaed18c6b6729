"""The picture of `headgate bound --plot`: the bound of each policy against temperature and against request size.

Both panels are of the tenant that is worst off under the file's policy. Where a set is not admissible there is no
bound, and the lines end. The numbers are exact until they become places on the picture.
"""

import html
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction

import attrs

from headgate.cli.bound_report import Report
from headgate.cli.lanes import ticks
from headgate.cli.places import OutputFile
from headgate.model.capacity import supply
from headgate.model.delays import DELAY_POLICIES, Crowd, bounds_of
from headgate.spec.errors import InputError
from headgate.spec.vocabulary import Contract

__all__ = ["write_plot"]

WIDTH, PANEL, LEFT, RIGHT, TOP, GAP, DASH = 960, 260, 70, 40, 64, 60, 10
INK, GRID, SLO = "#1f2933", "#e4e7eb", "#c0392b"
COLOURS = ("#0b6e99", "#2f9e44", "#9c36b5", "#e67700", "#5c3d0a", "#868e96")
# First come, first served is left out: it counts the bursts of everybody, and would flatten all other lines.
SHOWN = tuple(policy for policy in DELAY_POLICIES if policy != "fcfs")
COLDEST_C, POINTS = 60, 46

Points = list[tuple[Fraction, Fraction]]


@attrs.frozen
class Panel:
    """A line a policy: (x, bound in us), and what x is."""

    title: str
    lines: dict[str, Points]
    slo_us: Fraction | None


def write_plot(report: Report, out: OutputFile) -> None:
    """Write the picture; InputError where there is no bound to draw, or the file cannot be written."""
    if not report.crowd.is_admissible or not report.tenants:
        raise InputError(out.place, "a set that is admissible", "one that is not")
    row = report.worst if report.worst is not None else report.tenants[0]
    panels = [_by_temperature(report, row.contract), _by_size(report, row.contract)]
    out.write(_svg(panels))


def _by_temperature(report: Report, contract: Contract) -> Panel:
    lines: dict[str, Points] = {policy: [] for policy in SHOWN}
    for step in range(POINTS):
        temperature = Fraction(COLDEST_C + step)
        there = supply(report.agreed.device, temperature, report.losses)
        crowd = attrs.evolve(report.crowd, supply=there)
        if crowd.is_admissible:
            for policy, points in lines.items():
                points.append((temperature, bounds_of(policy, crowd, contract, own=True).expected / 1000))
    return Panel(f"{contract.name}: worst delay (us) against temperature (C)", lines, _slo(contract))


def _by_size(report: Report, contract: Contract) -> Panel:
    lines: dict[str, Points] = {policy: [] for policy in SHOWN}
    largest = 4 * contract.max_request_bytes
    for step in range(1, POINTS + 1):
        size = max(1, largest * step // POINTS)
        changed = attrs.evolve(contract, max_request_bytes=size)
        groups = tuple(
            attrs.evolve(g, contract=changed) if g.contract is contract else g for g in report.crowd.guaranteed
        )
        crowd = Crowd(groups, report.crowd.best_effort, report.crowd.supply)
        for policy, points in lines.items():
            points.append((Fraction(size), bounds_of(policy, crowd, changed, own=True).expected / 1000))
    return Panel(f"{contract.name}: worst delay (us) against its largest request (bytes)", lines, _slo(contract))


def _slo(contract: Contract) -> Fraction | None:
    return None if contract.latency_slo_ns is None else contract.latency_slo_ns / 1000


# ---- SVG ----


def _svg(panels: Sequence[Panel]) -> str:
    height = TOP + len(panels) * (PANEL + GAP)
    body = "\n".join(line for n, panel in enumerate(panels) for line in _panel(panel, TOP + n * (PANEL + GAP)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="12" fill="{INK}">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n{_legend()}\n{body}\n</svg>\n'
    )


def _legend() -> str:
    marks = [*zip(COLOURS, SHOWN, strict=True), (SLO, "promised latency")]
    lines, x = [], LEFT
    for colour, words in marks:
        lines.append(f'<rect x="{x}" y="18" width="14" height="10" fill="{colour}"/>')
        lines.append(f'<text x="{x + 20}" y="27">{words}</text>')
        x += 60 + 7 * len(words)
    return "\n".join(lines)


def _panel(panel: Panel, top: int) -> Iterator[str]:
    across = [x for points in panel.lines.values() for x, _ in points]
    up = [y for points in panel.lines.values() for _, y in points]
    low, high = min(across, default=Fraction(0)), max(across, default=Fraction(1))
    wide, tall = (
        (high - low) or Fraction(1),
        max([*up, panel.slo_us or Fraction(0)], default=Fraction(1)) * Fraction(9, 8),
    )

    def place(x: Fraction, y: Fraction) -> str:
        return (
            f"{float(LEFT + (x - low) * (WIDTH - LEFT - RIGHT) / wide):.1f} {float(top + PANEL - y * PANEL / tall):.1f}"
        )

    yield f'<text x="{LEFT}" y="{top - 8}" font-weight="bold">{html.escape(panel.title)}</text>'
    for y in ticks(Fraction(0), tall, 1, Fraction(5)):
        yield f'<path d="M{place(low, y)}L{place(low + wide, y)}" stroke="{GRID}"/>'
        yield f'<text x="{LEFT - 6}" y="{place(low, y).split()[1]}" text-anchor="end">{float(y):,.4g}</text>'
    for x in ticks(low, low + wide, 1, Fraction(6)):
        at = place(x, Fraction(0)).split()[0]
        yield f'<text x="{at}" y="{top + PANEL + 16}" text-anchor="middle">{int(x):,}</text>'
    for colour, points, dashes in _dashed(panel.lines):
        path = "L".join(place(x, y) for x, y in points)
        if path:
            yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>'
    if panel.slo_us is not None:
        ends = (place(low, panel.slo_us), place(low + wide, panel.slo_us))
        yield f'<path d="M{ends[0]}L{ends[1]}" stroke="{SLO}" stroke-dasharray="6 4"/>'


def _dashed(lines: dict[str, Points]) -> Iterator[tuple[str, Points, str]]:
    """Yield the lines with their colours; of those that are the same, each has dashes in the gaps of the others."""
    alike: dict[tuple[tuple[Fraction, Fraction], ...], int] = Counter(tuple(points) for points in lines.values())
    before: dict[tuple[tuple[Fraction, Fraction], ...], int] = Counter()
    for colour, points in zip(COLOURS, lines.values(), strict=True):
        count, number = alike[tuple(points)], before[tuple(points)]
        before[tuple(points)] += 1
        gaps = f' stroke-dasharray="{DASH} {DASH * (count - 1)}" stroke-dashoffset="{-DASH * number}"'
        yield colour, points, gaps if count > 1 else ""
