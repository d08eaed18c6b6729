"""`--picture OUT`: what is written is read back here, and holds the timeline with its violation and its clause."""

import json
import re
import xml.etree.ElementTree as ET
from decimal import Decimal
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Any

import attrs
import pytest

from headgate.cli import picture_file, places
from headgate.cli.main import run
from headgate.cli.picture import picture
from headgate.cli.picture_file import PictureFile
from headgate.cli.traces import trace_text
from headgate.cli.vcd import BEYOND, UnwritableError, vcd_text
from headgate.model.replay import Lane, Mark, Replay, replay
from headgate.spec.errors import InputError
from headgate.spec.schedules import parse_schedule
from headgate.spec.vocabulary import Schedule
from headgate.tests.test_cli_main import one_line

Text = pytest.CaptureFixture[str]
SHIPPED = sorted(
    (file.name.removesuffix(".json"), file.read_text("utf-8"))
    for file in (resources.files("headgate.examples") / "schedules").iterdir()
    if file.name.endswith(".json")
)


def shipped(name: str) -> Schedule:
    """Return a shipped schedule."""
    return parse_schedule(dict(SHIPPED)[name], name)


def made(*lanes: Lane, clock: str = "ns") -> Replay:
    """Return a replay that shows `lanes`."""
    return Replay(True, Fraction(2), Fraction(1), "ns", "late $end", lanes, clock=clock)


def span(begin: Fraction | int, end: Fraction | int, kind: str = "service", value: Fraction | None = None) -> Mark:
    """Return a mark."""
    return Mark(Fraction(begin), Fraction(end), kind, "", value)


# ---- reading back ----


@attrs.define
class Dump:
    """What a VCD file holds: the tick's length in ns, and of each variable ("lane.name") its changes."""

    tick: Fraction = Fraction(0)
    comment: str = ""
    changes: dict[str, list[tuple[int, str]]] = attrs.field(factory=dict)

    def at(self, name: str) -> list[tuple[Fraction, str]]:
        """Return the changes of a variable, their times in ns; what holds before the first is left out."""
        return [(tick * self.tick, value) for tick, value in self.changes[name] if tick >= 0]


def read_vcd(text: str) -> Dump:
    """Read a value change dump; an AssertionError for what is none."""
    head, rest = text.split("$enddefinitions $end\n")
    dump, scopes, names = Dump(), [], {}
    for keyword, words in re.findall(r"\$(\w+) (.*?) ?\$end", head, re.DOTALL):
        if keyword == "scope":
            scopes.append(words.split()[1])
        elif keyword == "upscope":
            scopes.pop()
        elif keyword == "var":
            _, _, identifier, name = words.split()
            assert identifier not in names, "an identifier of its own"
            names[identifier] = f"{scopes[-1]}.{name}"
        elif keyword == "timescale":
            dump.tick = {"1 ps": Fraction(1, 1000), "1 fs": Fraction(1, 10**6)}[words]
        elif keyword == "comment":
            dump.comment += words + "\n"
    assert not scopes
    assert len(set(names.values())) == len(names)
    dump.changes = {name: [] for name in names.values()}
    tick = -1
    for line in rest.splitlines():
        if line.startswith("#"):
            assert int(line[1:]) > tick, "time goes on"
            tick = int(line[1:])
        elif not line.startswith("$"):
            value, identifier = line.split() if line[0] == "b" else (line[0], line[1:])
            dump.changes[names[identifier]].append((tick, value))
    return dump


def read_trace(text: str) -> list[dict[str, Any]]:
    """Read trace events, their numbers exact; an AssertionError for what are none."""
    events: list[dict[str, Any]] = json.loads(text, parse_float=Decimal)["traceEvents"]
    assert all({"ph", "name", "pid", "tid"} <= set(event) for event in events)
    assert all(("dur" in event) == (event["ph"] == "X") and ("ts" in event) == (event["ph"] != "M") for event in events)
    return events


# ---- every shipped schedule ----


@pytest.mark.parametrize("name", [name for name, _ in SHIPPED])
def test_every_mark_is_there_and_the_violation_names_its_clause(name: str) -> None:
    schedule = shipped(name)
    shown = replay(schedule)
    lanes = [lane for lane in shown.lanes if lane.marks]
    if not lanes:
        return
    events = [event for event in read_trace(trace_text(schedule, shown)) if event["ph"] not in "MC"]
    events = [event for event in events if event["cat"] != "scale"]
    assert len(events) == sum(mark.kind != "level" for lane in lanes for mark in lane.marks)
    assert any(event["name"].startswith(f"{schedule.clause} violated") for event in events)
    dump = read_vcd(vcd_text(schedule, shown))
    assert f"{schedule.clause} violated" in dump.comment
    where = next(lane for lane in lanes if any(mark.kind == "violation" for mark in lane.marks))
    begins = sorted(mark.begin_ns for mark in where.marks if mark.kind == "violation")
    variable = f"{re.sub(r'[^a-zA-Z0-9]', '_', where.label)}.{schedule.clause.replace('-', '_')}_violated_at"
    assert [at for at, _ in dump.at(variable)] == list(dict.fromkeys(at // dump.tick * dump.tick for at in begins))


# ---- trace events ----


def test_a_trace_is_exact_where_decimals_are() -> None:
    long, third = span(Fraction(10**15 + 1), 10**15 + 3), span(Fraction(1, 3), 1)
    level = span(0, 5, "level", Fraction(5, 2))
    shown = made(Lane("tenant 0", (long, third, span(7, 7, "arrival"))), Lane("level", (level,)))
    events = [e for e in read_trace(trace_text(shipped("essay-tag"), shown)) if e["ph"] != "M"]
    arrival, second, first, counter, last = events
    assert (first["ts"], first["dur"]) == (Decimal("1000000000000.001"), Decimal("0.002"))
    assert (second["ts"], second["args"]["begin_ns"]) == (Decimal("0.000333333"), "1/3")
    assert (arrival["ph"], arrival["s"], arrival["ts"]) == ("i", "t", Decimal("0.007"))
    assert (counter["ph"], counter["args"]) == ("C", {"value": Decimal("2.5")})
    assert (last["ts"], last["args"]) == (Decimal("0.005"), {"value": Decimal("2.5")}), "where it ends"


def test_what_overlaps_has_tracks_of_its_own() -> None:
    """Perfetto drops a slice that begins within another and ends after it."""
    shown = made(Lane("violation", (span(0, 3), span(2, 6), span(3, 4), span(2, 2, "arrival"))), Lane("empty", ()))
    events = read_trace(trace_text(shipped("essay-tag"), shown))
    tracks = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert list(tracks.values()) == ["violation, track"] * 2
    drawn = {(e["ph"], e["ts"]): e["tid"] for e in events if e["ph"] in "Xi"}
    first, second = tracks
    ns = {at: Decimal(at) / 1000 for at in (0, 2, 3)}
    assert drawn == {("X", ns[0]): first, ("X", ns[3]): first, ("i", ns[2]): first, ("X", ns[2]): second}


@pytest.mark.parametrize(
    ("clock", "end", "note", "at"),
    [
        ("steps", Fraction(4), "1 step is drawn as 1 ns", "0.001"),
        ("samples", Fraction(4), "1 sample is drawn as 1 ns", "0.001"),
        ("ns", Fraction(5, 2), "1 ns is drawn as 1 us", "1"),
        ("ns", Fraction(2 * 10**4 + 1, 2), None, "0.001"),
        ("ns", Fraction(4), None, "0.001"),
    ],
)
def test_an_axis_that_is_no_axis_of_ns_says_so(clock: str, end: Fraction, note: str | None, at: str) -> None:
    """Perfetto shows nothing shorter than a ns, and knows of nothing but time."""
    shown = made(Lane("t", (span(1, end),)), clock=clock)
    drawn = [event for event in read_trace(trace_text(shipped("essay-tag"), shown)) if event["ph"] == "X"]
    assert [event["name"] for event in drawn] == ([note] if note else []) + ["service"]
    assert drawn[-1]["ts"] == Decimal(at)
    assert drawn[-1]["args"][f"begin_{clock.rstrip('s') if clock != 'ns' else clock}"] == 1


# ---- SVG ----

SVG = "{http://www.w3.org/2000/svg}"


def svg(*lanes: Lane, clock: str = "ns") -> list[ET.Element]:
    """Return the elements of the picture of some lanes, in the order in which they are drawn."""
    return list(ET.fromstring(picture(made(*lanes, clock=clock))).iter())


def words(elements: list[ET.Element]) -> list[str]:
    """Return what is written."""
    return [element.text or "" for element in elements if element.tag == f"{SVG}text"]


def test_no_span_hides_an_instant_and_what_is_at_once_is_counted() -> None:
    at = [span(2, 2, "arrival")] * 3
    drawn = svg(Lane("t", (*at, span(0, 4), span(4, 8))))
    kinds = [element.tag.removeprefix(SVG) for element in drawn if element.tag in (f"{SVG}rect", f"{SVG}path")]
    assert kinds == ["rect", "rect", "path", "rect", "path"], "the last two are the legend"
    assert "3" in words(drawn)


def test_levels_below_zero_hang_from_the_line_of_zero() -> None:
    values = (Fraction(3), Fraction(-3), Fraction(0))
    drawn = svg(Lane("l", tuple(span(n, n + 1, "level", value) for n, value in enumerate(values))), clock="steps")
    above, below, none = [element for element in drawn if element.tag == f"{SVG}rect"]
    assert float(above.get("height", 0)) == float(below.get("height", 0)) > 5
    assert (
        float(above.get("y", 0)) + float(above.get("height", 0)) == float(below.get("y", 0)) == float(none.get("y", 0))
    )
    assert [text for text in words(drawn) if text not in ("steps", "l")] == ["0", "1", "2", "3", "3", "-3", "0"]


def test_spans_that_overlap_are_drawn_one_below_the_other() -> None:
    drawn = svg(Lane("violation", (span(0, 3, "violation"), span(2, 6, "violation"))))
    first, second = [float(element.get("y", 0)) for element in drawn if element.tag == f"{SVG}rect"]
    assert first < second
    assert words(drawn).count("violation") == 2


def test_what_is_admitted_and_what_is_refused_at_once_are_told_apart() -> None:
    offers = Lane("offers", (span(0, 0, "admitted"), span(0, 0, "refused"), span(0, 0, "admitted")))
    drawn = svg(offers)
    assert "2 admitted, 1 refused" in words(drawn)
    circle = next(element for element in drawn if element.tag == f"{SVG}circle")
    cross = next(element for element in drawn if element.tag == f"{SVG}path")
    assert float(cross.get("transform", "").rpartition(" ")[2].rstrip(")")) > float(circle.get("cy", 0))


def test_the_shortest_span_is_seen() -> None:
    """A white edge around a box of a pixel or two would be all of it."""
    short, long, _ = [e for e in svg(Lane("t", (span(0, 1), span(1, 10**6)))) if e.tag == f"{SVG}rect"]
    assert (short.get("stroke"), long.get("stroke")) == (None, "#fff")
    assert float(short.get("width", 0)) >= 2


def test_an_axis_has_round_numbers_in_the_unit_that_suits() -> None:
    assert words(svg(Lane("t", (span(0, 1995000),))))[:5] == ["us", "0", "500", "1000", "1500"]
    assert words(svg(Lane("t", (span(0, 5),)), clock="samples"))[:7] == ["samples", "0", "1", "2", "3", "4", "5"]


def test_what_does_not_fit_stands_beside_it_or_is_left_to_a_tooltip() -> None:
    late = Mark(Fraction(99), Fraction(100), "violation", "too late")
    marks = [Mark(Fraction(n), Fraction(n), "hit", "page 0") for n in range(100)]
    drawn = words(
        svg(Lane("violation", (late,)), Lane("few", (*marks[::40], span(100, 100))), Lane("many", tuple(marks)))
    )
    assert "too late" in drawn
    assert drawn.count("page 0") == 3


@pytest.mark.parametrize("suffix", [".svg", ".png", ".json", ".vcd"])
def test_a_statement_may_hold_any_character(suffix: str, tmp_path: Path) -> None:
    if suffix == ".png":
        pytest.importorskip("matplotlib")
    out = tmp_path / f"x{suffix}"
    PictureFile(str(out), ()).write(
        attrs.evolve(shipped("essay-tag"), statement="\x00 \ud800 <&"), made(Lane("t", (span(0, 1),)))
    )
    if suffix == ".svg":
        assert "\ufffd \ufffd <&" in words(list(ET.fromstring(out.read_bytes()).iter()))[0]
    assert out.stat().st_size > 100


# ---- PNG ----


@pytest.mark.parametrize("name", ["essay-starves", "thermal-delay-settles", "bucket-paused", "colours-essay"])
def test_a_png_of_every_kind_of_mark(name: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "x.png"
    PictureFile(str(out), ()).write(shipped(name), replay(shipped(name)))
    assert out.read_bytes().startswith(b"\x89PNG")


# ---- VCD ----


def test_a_dump_is_exact_in_ps_or_else_in_fs() -> None:
    schedule = shipped("essay-tag")
    for part, tick in ((8, 1000), (1000, 1000), (10**6, 10**6)):
        dump = read_vcd(vcd_text(schedule, made(Lane("t", (span(Fraction(1, part), 3), span(3, 4), span(6, 8))))))
        assert dump.tick == Fraction(1, tick)
        assert dump.at("t.t_service") == [(Fraction(1, part), "1"), (4, "0"), (6, "1"), (8, "0")]
        assert [at for at, _ in dump.at("t.t_service_at")] == [Fraction(1, part), 3, 6], (
            "spans that meet are told apart"
        )
        assert "rounded" not in dump.comment


def test_a_dump_says_what_it_rounds_and_refuses_what_it_cannot_hold() -> None:
    schedule = shipped("essay-tag")
    dump = read_vcd(vcd_text(schedule, made(Lane("t", (span(Fraction(1, 3), 1),)))))
    assert dump.at("t.t_service") == [(Fraction(333333, 10**6), "1"), (1, "0")]
    assert "rounded down" in dump.comment
    for mark in (span(0, Fraction(BEYOND, 1000)), span(-1, 0)):
        with pytest.raises(UnwritableError, match="times from 0 to"):
            vcd_text(schedule, made(Lane("t", (mark,))))
    far = Fraction(BEYOND, 10**6)
    assert read_vcd(vcd_text(schedule, made(Lane("t", (span(Fraction(1, 3), far),))))).tick == Fraction(1, 1000)


def test_levels_are_integers_of_enough_bits() -> None:
    values = [Fraction(5), Fraction(-3, 2), Fraction(2**40), Fraction(7)]
    marks = [span(n, n + 1, "level", value) for n, value in enumerate(values[:3])]
    dump = read_vcd(vcd_text(shipped("essay-tag"), made(Lane("l", (*marks, span(9, 9, "level", values[3]))))))
    bits = 42
    assert dump.at("l.l_level") == [
        (0, "b101"), (1, f"b{2**bits - 2:b}"), (2, f"b{2**40:b}"), (3, "bx"), (9, "b111"),
    ]  # fmt: skip
    assert "levels that are not whole are rounded down" in dump.comment


def test_many_lanes_of_one_name_have_names_of_their_own() -> None:
    lanes = [Lane("tenant 1", (span(0, 1), span(0, 0, "arrival"))) for _ in range(120)]
    assert len(read_vcd(vcd_text(shipped("essay-tag"), made(*lanes))).changes) == 360


def test_names_tell_lanes_apart_and_what_is_at_once_is_counted() -> None:
    """A viewer shows the last part of a name only, and of events at one instant a single arrow."""
    text = vcd_text(
        shipped("essay-tag"),
        made(
            Lane("tenant 0", (span(0, 0, "arrival"), span(0, 0, "arrival"))),
            Lane("level", (span(0, 0, "level", Fraction(3)),)),
        ),
    )
    dump = read_vcd(text)
    assert set(dump.changes) == {"tenant_0.tenant_0_arrival_at", "tenant_0.tenant_0_arrival_at_once", "level.level"}
    assert dump.at("tenant_0.tenant_0_arrival_at_once") == [(0, "b10")]
    assert text.endswith("#1000\n"), "some time passes after what happens last"


@pytest.mark.parametrize("clock", ["steps", "samples"])
def test_a_dump_of_steps_says_so_where_it_is_seen(clock: str) -> None:
    text = vcd_text(shipped("essay-tag"), made(Lane("t", (span(1, 3),)), clock=clock))
    dump, unit = read_vcd(text), clock.removesuffix("s")
    assert f"a {unit} is written as 1 ns" in dump.comment
    assert f"$scope module headgate_1_{unit}_is_1_ns $end" in text
    assert dump.at(f"{clock}.{clock}") == [(0, "b0"), (1, "b1"), (2, "b10"), (3, "b11")]


# ---- the option ----


@pytest.mark.parametrize("suffix", [".svg", ".png", ".json", ".perfetto.json", ".vcd"])
def test_a_picture_is_written_beside_what_is_printed(suffix: str, tmp_path: Path, capsys: Text) -> None:
    if suffix == ".png":
        pytest.importorskip("matplotlib")
    file, out = tmp_path / "essay.json", tmp_path / f"out{suffix}"
    file.write_text(dict(SHIPPED)["essay-tag"])
    assert run(["replay", str(file)]) == 1
    printed = capsys.readouterr().out
    assert run(["replay", str(file), "--picture", str(out)]) == 1
    assert capsys.readouterr().out == printed
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["essay.json", out.name])
    content = out.read_bytes()
    if suffix == ".png":
        assert content.startswith(b"\x89PNG")
        return
    clause = shipped("essay-tag").clause
    assert f"{clause} violated" in content.decode()
    if suffix == ".svg":
        fills = [element.get("fill") for element in ET.fromstring(content).iter()]
        assert picture_file.COLOURS["violation"] in fills


@pytest.mark.parametrize("suffix", [".svg", ".png", ".json", ".vcd"])
def test_where_time_plays_no_part_there_are_bars_or_one_line(suffix: str, tmp_path: Path, capsys: Text) -> None:
    if suffix == ".png":
        pytest.importorskip("matplotlib")
    file, out = tmp_path / "a.json", tmp_path / f"out{suffix}"
    file.write_text(dict(SHIPPED)["admission-essay"])
    code = run(["replay", str(file), "--picture", str(out)])
    assert out.exists() == (suffix in (".svg", ".png"))
    assert code == (1 if out.exists() else 2)
    if not out.exists():
        assert "time plays no part" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("x.gif", "a name that ends in .svg, .png, .json or .vcd"),
        ("x", "a name that ends in"),
        ("nowhere/x.svg", "a file in a folder that can be written"),
        ("essay.json", "a file that this command does not read or write already"),
    ],
)
def test_what_is_no_picture_is_refused(
    out: str, words: str, tmp_path: Path, capsys: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("essay.json").write_text(dict(SHIPPED)["essay-tag"])
    assert run(["replay", "essay.json", "--picture", out]) == 2
    assert words in one_line(capsys.readouterr().err)
    assert [path.name for path in tmp_path.iterdir()] == ["essay.json"]


def test_a_png_without_matplotlib(tmp_path: Path, capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "find_spec", lambda name: None)
    file = tmp_path / "essay.json"
    file.write_text(dict(SHIPPED)["essay-tag"])
    assert run(["replay", str(file), "--picture", str(tmp_path / "x.png")]) == 2
    assert "headgate[plots]" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize("suffix", [".png", ".json", ".vcd"])
def test_numbers_beyond_all_forms_are_refused_and_the_old_file_stays(suffix: str, tmp_path: Path) -> None:
    if suffix == ".png":
        pytest.importorskip("matplotlib")
    out = tmp_path / f"x{suffix}"
    out.write_text("as it was")
    with pytest.raises(InputError, match=r"--picture .*: expected (a replay of numbers|times from 0)"):
        PictureFile(str(out), ()).write(shipped("essay-tag"), made(Lane("t", (span(0, 10**5000),))))
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(out.name, "as it was")]


def test_what_is_found_is_drawn_too(tmp_path: Path, capsys: Text) -> None:
    out = tmp_path / "found.vcd"
    asked = "find wait --policy priority --tenants 2 --requests 2 --victim 1 --at-least 2 --picture"
    assert run([*asked.split(), str(out)]) == 1
    assert "violated" in read_vcd(out.read_text("utf-8")).comment
    assert run([*asked.split(), str(out), "--save", str(out)]) == 2
    assert "does not read or write already" in capsys.readouterr().err
