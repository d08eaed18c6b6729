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


def made(*lanes: Lane) -> Replay:
    """Return a replay that shows `lanes`."""
    return Replay(True, Fraction(2), Fraction(1), "ns", "late $end", lanes)


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
    events = [event for event in read_trace(trace_text(schedule, shown)) if event["ph"] != "M"]
    assert len(events) == sum(len(lane.marks) for lane in lanes)
    assert len({event["tid"] for event in events}) == len(lanes)
    assert any(event["name"].startswith(f"{schedule.clause} violated") for event in events)
    dump = read_vcd(vcd_text(schedule, shown))
    assert f"{schedule.clause} violated" in dump.comment
    where = next(lane for lane in lanes if any(mark.kind == "violation" for mark in lane.marks))
    begins = sorted(mark.begin_ns for mark in where.marks if mark.kind == "violation")
    variable = f"{re.sub(r'[^a-zA-Z0-9]', '_', where.label)}.{schedule.clause.replace('-', '_')}_violated_at"
    assert [at for at, _ in dump.at(variable)] == [at // dump.tick * dump.tick for at in begins]


# ---- trace events ----


def test_a_trace_is_exact_where_decimals_are() -> None:
    long, third = span(Fraction(10**15 + 1), 10**15 + 3), span(Fraction(1, 3), 1)
    level = span(0, 5, "level", Fraction(5, 2))
    shown = made(Lane("tenant 0", (long, third, span(7, 7, "arrival"))), Lane("level", (level,)))
    first, second, arrival, counter = (e for e in read_trace(trace_text(shipped("essay-tag"), shown)) if e["ph"] != "M")
    assert (first["ts"], first["dur"]) == (Decimal("1000000000000.001"), Decimal("0.002"))
    assert (second["ts"], second["args"]["begin_ns"]) == (Decimal("0.000333333"), "1/3")
    assert (arrival["ph"], arrival["s"], arrival["ts"]) == ("i", "t", Decimal("0.007"))
    assert (counter["ph"], counter["args"]) == ("C", {"level": Decimal("2.5")})


# ---- VCD ----


def test_a_dump_is_exact_in_ps_or_else_in_fs() -> None:
    schedule = shipped("essay-tag")
    for part, tick in ((8, 1000), (1000, 1000), (10**6, 10**6)):
        dump = read_vcd(vcd_text(schedule, made(Lane("t", (span(Fraction(1, part), 3), span(3, 4), span(6, 8))))))
        assert dump.tick == Fraction(1, tick)
        assert dump.at("t.service") == [(Fraction(1, part), "1"), (4, "0"), (6, "1"), (8, "0")]
        assert [at for at, _ in dump.at("t.service_at")] == [Fraction(1, part), 3, 6], "spans that meet are told apart"
        assert "rounded" not in dump.comment


def test_a_dump_says_what_it_rounds_and_refuses_what_it_cannot_hold() -> None:
    schedule = shipped("essay-tag")
    dump = read_vcd(vcd_text(schedule, made(Lane("t", (span(Fraction(1, 3), 1),)))))
    assert dump.at("t.service") == [(Fraction(333333, 10**6), "1"), (1, "0")]
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
    assert dump.at("l.level") == [
        (0, "b101"), (1, f"b{2**bits - 2:b}"), (2, f"b{2**40:b}"), (3, "bx"), (9, "b111"),
    ]  # fmt: skip
    assert "levels that are not whole are rounded down" in dump.comment


def test_many_lanes_of_one_name_have_names_of_their_own() -> None:
    lanes = [Lane("tenant 1", (span(0, 1), span(0, 0, "arrival"))) for _ in range(120)]
    assert len(read_vcd(vcd_text(shipped("essay-tag"), made(*lanes))).changes) == 360


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
