"""Timelines: what a schedule looks like at 80 columns, line for line, and that every picture keeps to its screen."""

from fractions import Fraction
from importlib import resources

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headgate.cli.output import Screen, number_text, readable, table_lines
from headgate.cli.timeline import bars, timeline
from headgate.model.replay import Lane, Mark, replay
from headgate.spec.schedules import parse_schedule

FANCY, PLAIN = Screen(80), Screen(60, unicode=False)


def drawn(name: str, screen: Screen) -> str:
    """Return the timeline of a shipped schedule."""
    text = (resources.files("headgate.examples") / "schedules" / f"{name}.json").read_text("utf-8")
    return timeline(replay(parse_schedule(text)).lanes, screen)


GOLDEN = {
    ("essay-tag", FANCY): """
  ns         0               1                2                3               4
             ┬───────────────┬────────────────┬────────────────┬───────────────┬
  tenant 0   3
             ┣━━━━━ 1 B ━━━━━┫┣━━━━━ 1 B ━━━━━┫┣━━━━ 1 B ━━━━━┫
  tenant 1   ▼
                                                               ┣━━━━━ 1 B ━━━━━┫
  violation  ◄━━━━━━━━━━━━━━━━━━━━━ gap ━━━━━━━━━━━━━━━━━━━━━━►
  ▼ arrival (2 to 9, +: so many)   ┣━┫ service
""",
    ("essay-tag", PLAIN): """
  ns         0          1           2           3          4
             +----------+-----------+-----------+----------+
  tenant 0   3
             [== 1 B ===][== 1 B ===][== 1 B ==]
  tenant 1   v
                                                [== 1 B ===]
  violation  <-------------- gap -------------->
  v arrival (2 to 9, +: so many)   [=] service
""",
    ("refresh-essay-interval", FANCY): """
  ns         0            1000            2000            3000            4000
             ┬──────────────┬───────────────┬───────────────┬───────────────┬───
  74 C       ░░░░░┣━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┫░░░░┃
  76 C       ░░░░░┣━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┫
  violation                                                sooner when hot ◄━━━►
  ┣━┫ service   ░ blackout
""",
    ("bucket-essay-depth", FANCY): """
  us         0              500             1000             1500
             ┬───────────────┬────────────────┬────────────────┬────────────────
  admitted   ██████████████████████▇█████▅▃▃▃▁▃▃▃▃▁▃▃▃▃▁▃▃▁▃▃▃▃▁▃▃▃▃▁▃▃▃▃▁▃▃▃▃▁▃
  refused                                ▃▆▆▆█▆▆▆▆█▆▆▆▆█▆▅█▆▆▆▆█▆▆▆▆█▆▆▆▆█▆▆▆▆█▆
  level      █▇▇▇▇▆▆▆▅▅▅▅▄▄▄▄▃▃▃▂▂▂▂▁▁▁▁▁·▁····▁····▁····▁·▁··▁·▁··▁·▁··▁·▁··▁·▁
  violation                              ▲ first refusal
  ● × one offer (2 to 9, +, bars: so many)
""",
}


@pytest.mark.parametrize(("name", "screen"), GOLDEN)
def test_it_looks_like_this(name: str, screen: Screen) -> None:
    assert drawn(name, screen) == GOLDEN[name, screen].strip("\n")


def test_services_too_short_for_boxes_are_drawn_as_their_share() -> None:
    services = [Mark(Fraction(n), Fraction(n) + Fraction(1, 4), "service", "1 B") for n in range(400)]
    (_, _, row, legend) = timeline([Lane("busy", tuple(services))], FANCY).splitlines()
    assert set(row.removeprefix("  busy").strip()) == {"░"}
    assert legend.strip() == "░▒▓█ share of the time in service"


def test_of_many_lanes_the_violation_is_always_shown() -> None:
    lanes = [Lane(f"tenant {n}", (Mark(Fraction(n), Fraction(n + 1), "service"),)) for n in range(60)]
    picture = timeline([*lanes, Lane("violation", (Mark(Fraction(3), Fraction(3), "violation", "here"),))], FANCY)
    assert "▲ here" in picture
    assert "and 21 more lanes" in picture


def test_nothing_is_drawn_of_nothing() -> None:
    assert timeline([], FANCY) == ""
    assert timeline([Lane("empty", ())], FANCY) == ""


def test_colour_changes_no_sign() -> None:
    import click

    coloured = drawn("essay-tag", Screen(80, colour=True))
    assert "\x1b[31m" in coloured
    assert click.unstyle(coloured) == drawn("essay-tag", FANCY)


times = st.fractions(0, 10**6, max_denominator=9) | st.integers(0, 10**18).map(Fraction)
kinds = st.sampled_from(["arrival", "admitted", "refused", "service", "blackout", "violation", "level"])
texts = st.text("ab 1", max_size=20)


@st.composite
def marks(draw: st.DrawFn) -> Mark:
    """A mark of any kind, anywhere."""
    begin, end = sorted(draw(st.tuples(times, times)))
    return Mark(begin, end, draw(kinds), draw(texts), draw(st.none() | st.fractions(-5, 99, max_denominator=3)))


@given(
    st.lists(st.builds(Lane, texts, st.lists(marks(), max_size=6).map(tuple)), max_size=5),
    st.builds(Screen, st.integers(50, 160), st.booleans()),
)
# One instant: a scale has no length of its own.
@example([Lane("x", (Mark(Fraction(5), Fraction(5), "arrival"),))], FANCY)
# An arrow whose text fits on neither side.
@example(
    [Lane("x", (Mark(Fraction(0), Fraction(9), "arrival"), Mark(Fraction(4), Fraction(4), "violation", "a" * 70)))],
    FANCY,
)
def test_every_picture_keeps_to_its_screen(lanes: list[Lane], screen: Screen) -> None:
    picture = timeline(lanes, screen)
    assert all(len(line) <= screen.width for line in picture.splitlines())
    assert screen.unicode or picture.isascii()


def test_bars_are_in_proportion() -> None:
    picture = bars(
        [("half", Fraction(1), "1", None), ("whole", Fraction(2), "2", None), ("none", Fraction(0), "0", None)], FANCY
    )
    half, whole, none = picture.splitlines()
    assert abs(2 * half.count("█") - whole.count("█")) <= 1
    assert none.count("█") == 0
    assert max(map(len, picture.splitlines())) <= 80


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Fraction(5), "5"),
        (Fraction(-5, 2), "-2.5"),
        (Fraction(1, 3), "0.333..."),
        (Fraction(-1, 3), "-0.333..."),
        (Fraction(20136001, 4800), "4195.000..."),
    ],
)
def test_numbers_for_people(number: Fraction, text: str) -> None:
    assert number_text(number) == text
    assert readable(f"after {number} ns") == f"after {text} ns"


def test_a_table_that_a_terminal_is_too_narrow_for_goes_on_below() -> None:
    rows = [["tenant", "a" * 20, "b" * 20, "c" * 20], ["t", "1", "2", "3"]]
    whole = list(table_lines(rows))
    assert list(table_lines(rows, Screen(50))) == whole, "what reads a pipe gets a line a row"
    assert list(table_lines(rows, Screen(80, measured=True))) == whole
    narrow = list(table_lines(rows, Screen(60, measured=True)))
    assert narrow == [
        f"  tenant  {'a' * 20}  {'b' * 20}",
        f"  t{'1':>27}{'2':>22}",
        f"  tenant  {'c' * 20}",
        f"  t{'3':>27}",
    ]
    assert max(map(len, table_lines(rows, Screen(50, measured=True)))) <= 50
