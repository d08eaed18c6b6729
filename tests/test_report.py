"""The report and the annotations: complete, well formed, and escaped whatever a name holds."""

import html.parser
import json
from fractions import Fraction
from importlib import resources
from pathlib import Path
from xml.etree import ElementTree

import attrs
import pytest

from headgate.cli.main import run
from headgate.cli.markup import Markup, tag
from headgate.cli.picture import picture
from headgate.cli.places import OutputFolder
from headgate.cli.verify_report import annotations, write_report
from headgate.model.replay import Lane, Mark, Replay, replay
from headgate.proofs.catalogue import catalogue
from headgate.proofs.contract_row import ContractCheck, Premise
from headgate.proofs.theorem import Kind, Recheck, Result
from headgate.spec.schedules import parse_schedule
from headgate.spec.vocabulary import Verdict
from headgate.tests.json_schema import complaints
from headgate.tests.test_cli_main import one_line
from headgate.tests.test_cli_verify import schema

Text = pytest.CaptureFixture[str]
NASTY = "<script>alert(1)</script>&\"'\x00::error,%\n"
VOID = {"meta"}


class Reader(html.parser.HTMLParser):
    """Reads a page: the elements in it, and whether each is closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open, self.seen, self.words = list[str](), list[str](), list[str]()
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.outside += [value for key, value in attrs if key in ("src", "href") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def nasty() -> tuple[list[Result], list[ContractCheck]]:
    """Return rows that are not as they should be, with names that break out of anything that does not escape."""
    theorem = attrs.evolve(catalogue()[0], id=NASTY, statement=NASTY, scope=NASTY, assumptions=(NASTY,))
    unknown = Result(theorem, Kind.UNKNOWN, 0.1, NASTY, reason=NASTY, recheck=Recheck(NASTY, False, 0.1, NASTY))
    counterexample = attrs.evolve(unknown, kind=Kind.COUNTEREXAMPLE, recheck=None)
    check = ContractCheck(NASTY, ("AD-1",), NASTY, NASTY, Kind.COUNTEREXAMPLE, NASTY, (NASTY,), NASTY,
                          (Premise(NASTY, False),), NASTY)  # fmt: skip
    return [unknown, counterexample], [check]


def test_a_report_is_complete(tmp_path: Path, capsys: Text) -> None:
    folder = tmp_path / "deep" / "report"
    assert run(["verify", "--only", "bucket-*", "--only", "contracts.*", "--report", str(folder)]) == 0
    capsys.readouterr()
    page = read((folder / "index.html").read_text("utf-8"))
    assert page.seen.count("details") == 5
    assert page.seen.count("svg") == 4
    assert page.outside == [], "a page that needs nothing else"
    assert "bucket-essay-depth" in page.words
    suites = ElementTree.parse(folder / "junit.xml").getroot()
    assert [(s.get("name"), s.get("failures"), s.get("errors")) for s in suites] == [
        ("theorems", "0", "0"), ("contracts", "0", "0"),
    ]  # fmt: skip
    assert len(suites.findall("testsuite/testcase")) == 5 + 8 + 15, "theorems, checks, and what follows"
    assert complaints(json.loads((folder / "report.json").read_text("utf-8")), schema("result")) == []


def test_a_report_shows_what_breaks_a_contract_file(tmp_path: Path, capsys: Text) -> None:
    broken = str(resources.files("headgate.examples") / "h200_broken.toml")
    assert run(["verify", broken, "--only", "contracts.*", "--report", str(tmp_path)]) == 1
    assert run(["verify", broken, "--only", "contracts.*", "--format", "github"]) == 1
    page = read((tmp_path / "index.html").read_text("utf-8"))
    assert page.seen.count("svg") == 4, "a picture of each schedule"
    assert "NOT met" in page.words
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()[1]
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("4", "1", "0")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "premise not met: the guarantees, 4020 GB/s, sum to more" in (failure.text or "")
    annotated = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("::error file=") for line in annotated) == 5


def test_a_report_is_written_again_but_replaces_no_foreign_file(tmp_path: Path, capsys: Text) -> None:
    for _ in range(2):
        assert run(["verify", "--only", "bucket-essay", "--report", str(tmp_path)]) == 0
    capsys.readouterr()
    (tmp_path / "junit.xml").write_text("<testsuites/>")
    assert run(["verify", "--only", "bucket-essay", "--report", str(tmp_path)]) == 2
    assert "junit.xml: expected a file that headgate wrote" in one_line(capsys.readouterr().err)
    (tmp_path / "taken").write_text("")
    assert run(["verify", "--only", "bucket-essay", "--report", str(tmp_path / "taken")]) == 2


def test_nothing_that_a_name_holds_gets_out(tmp_path: Path) -> None:
    results, checks = nasty()
    write_report(OutputFolder("--report", str(tmp_path)), results, checks, NASTY, Verdict.VIOLATED, "{}")
    text = (tmp_path / "index.html").read_text("utf-8")
    page = read(text)
    assert "script" not in page.seen
    assert page.seen.count("details") == 2
    assert text.count('<details open="open">') == 2, "what is not as it should be is shown at once"
    suites = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert [(suite.get("failures"), suite.get("errors")) for suite in suites] == [("1", "1"), ("1", "0")]
    assert "\N{REPLACEMENT CHARACTER}" in suites[0][0].get("name", "")


def test_annotations_are_one_line_each(capsys: Text) -> None:
    results, checks = nasty()
    lines = annotations(results, checks, "a,b:c.toml", Verdict.VIOLATED).split("\n")
    assert [line.split(" ")[0] for line in lines] == ["::error", "::error", "::error", "::notice"]
    assert lines[2].startswith(
        "::error file=a%2Cb%3Ac.toml,title=<script>alert(1)</script>&\"'\x00%3A%3Aerror%2C%25%0A"
    )
    assert run(["verify", "--only", "bucket-essay", "--format", "github"]) == 0
    assert capsys.readouterr().out.startswith("::notice title=headgate verify::holds. 1 of 1 theorems")


def test_annotations_show_where_the_contracts_stand(tmp_path: Path, capsys: Text) -> None:
    text = (resources.files("headgate.examples") / "h200_eight_tenants.toml").read_text("utf-8")
    file = tmp_path / "mine.toml"
    file.write_text(text.replace("= 320", "= 3200"))
    assert run(["verify", str(file), "--only", "contracts.admission", "--format", "github"]) == 1
    assert capsys.readouterr().out.startswith(f"::error file={file},title=contracts.admission%3A violated::")


# ---- pictures and markup ----


def test_every_shipped_schedule_can_be_drawn() -> None:
    for file in (resources.files("headgate.examples") / "schedules").iterdir():
        drawn = read(picture(replay(parse_schedule(file.read_text("utf-8"), file.name))))
        assert {"rect", "path", "circle"} & set(drawn.seen), file.name


def test_a_picture_escapes_and_scales() -> None:
    marks = (Mark(Fraction(0), Fraction(5), "service", NASTY), Mark(Fraction(5), Fraction(5), "arrival", NASTY))
    level = Mark(Fraction(0), Fraction(5), "level", "", Fraction(3))
    lanes = tuple(Lane(NASTY, (*marks, level)) for _ in range(40))
    shown = Replay(True, Fraction(2), Fraction(1), "B", NASTY, (*lanes, Lane("violation", marks)))
    drawn = read(picture(shown))
    assert "script" not in drawn.seen
    assert "violation" in drawn.words, "however many lanes there are"
    assert read(picture(attrs.evolve(shown, lanes=(Lane("one", marks[1:]),)))).seen.count("path") == 1


def test_text_is_escaped_and_markup_is_not() -> None:
    assert tag("p", "<b>", tag("i", "&"), class_='"', open=None) == '<p class="&quot;">&lt;b&gt;<i>&amp;</i></p>'
    assert isinstance(tag("p"), Markup)


def test_the_workflow_runs_what_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Text) -> None:
    """The command of the workflow example is one that headgate understands; here its contract file is not there."""
    monkeypatch.chdir(tmp_path)
    text = (resources.files("headgate.examples") / "github-workflow.yml").read_text("utf-8")
    [command] = [line.split("- run: headgate ")[1] for line in text.splitlines() if "- run: headgate " in line]
    words = command.split()
    assert words[0] == "verify"
    assert run(words) == 2
    assert "contracts.toml: expected a readable file" in one_line(capsys.readouterr().err)
