"""`headgate verify`: its verdicts become exit codes, its JSON has the published form, its witnesses replay."""

import json
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import attrs
import pytest

from headgate.cli import proving, worker
from headgate.cli import verify as face
from headgate.cli.main import run
from headgate.proofs.catalogue import catalogue
from headgate.proofs.runner import ReplayMismatch
from headgate.proofs.theorem import Expect, Kind, Result, Theorem
from headgate.spec.schedules import parse_schedule
from headgate.tests.json_schema import complaints
from headgate.tests.test_cli_main import one_line

Text = pytest.CaptureFixture[str]
REFUTED = ("bucket-essay", "essay-tag", "refresh-essay-interval")


def schema(name: str) -> Any:
    """Return a published schema."""
    return json.loads((resources.files("headgate.spec") / "schemas" / f"{name}.schema.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Any, Path]:
    """Return the exit code, the object and the folder of witnesses of a run over everything."""
    folder = tmp_path_factory.mktemp("witnesses") / "deep" / "er"
    with pytest.MonkeyPatch.context() as patch:
        printed: list[str] = []
        patch.setattr(face.click, "echo", printed.append)
        code = run(["verify", "--format", "json", "--witness", str(folder)])
    return code, json.loads(printed[0]), folder


# ---- the whole run ----


def test_everything_is_as_it_should_be(everything: tuple[int, Any, Path]) -> None:
    code, printed, _ = everything
    assert code == 0
    assert printed["verdict"] == "holds"
    assert [row["id"] for row in printed["results"] if row["verdict"] in ("unknown", "counterexample")] == []
    assert [row["id"] for row in printed["results"][: len(catalogue())]] == [t.id for t in catalogue()]


def test_json_has_the_published_form(everything: tuple[int, Any, Path]) -> None:
    _, printed, _ = everything
    assert complaints(printed, schema("result")) == []
    witnesses = [row["witness"] for row in printed["results"] if row["witness"] is not None]
    assert [line for each in witnesses for line in complaints(each, schema("schedule"))] == []


def test_the_published_form_refuses_others(everything: tuple[int, Any, Path]) -> None:
    _, printed, _ = everything
    first = printed["results"][0]
    for wrong in ({"verdict": "maybe"}, {"clause": []}, {"seconds": "fast"}, {"surprise": 1}, {"witness": 7}):
        changed = {**printed, "results": [{**first, **wrong}]}
        assert len(complaints(changed, schema("result"))) == 1
    del first["scope"]
    assert complaints(printed, schema("result")) != []


def test_the_essays_rules_are_refuted_by_schedules_that_replay(everything: tuple[int, Any, Path], capsys: Text) -> None:
    _, printed, folder = everything
    rows = {row["id"]: row for row in printed["results"]}
    for name in REFUTED:
        assert (rows[name]["verdict"], rows[name]["expected"]) == ("refuted_as_expected", "refuted")
        assert run(["replay", str(folder / f"{name}.json")]) == 1
        assert "violation" in capsys.readouterr().out


def test_every_witness_is_written_and_replays(everything: tuple[int, Any, Path], capsys: Text) -> None:
    _, printed, folder = everything
    named = {row["id"]: row["witness"] for row in printed["results"] if row["witness"] is not None}
    assert {file.stem for file in folder.iterdir()} == set(named)
    for name, witness in named.items():
        text = (folder / f"{name}.json").read_text("utf-8")
        assert parse_schedule(text) == parse_schedule(json.dumps(witness))
        assert run(["replay", str(folder / f"{name}.json")]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_the_shipped_schedules_are_those_that_the_solver_finds(everything: tuple[int, Any, Path]) -> None:
    _, _, folder = everything
    shipped = {
        file.name: file.read_text("utf-8") for file in (resources.files("headgate.examples") / "schedules").iterdir()
    }
    assert {f"{name}.json" for name in REFUTED} <= set(shipped)
    for name, text in shipped.items():
        assert (folder / name).read_text("utf-8") == text, (
            f"headgate verify --witness examples/schedules --only {name[:-5]}"
        )


# ---- text ----


def test_text_fits_and_sums_up(capsys: Text) -> None:
    assert run(["verify", "--only", "bucket-*", "--only", "contracts.*"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "token bucket\n" in out
    assert "refuted, as expected" in out
    assert "2 B are admitted in the window [0, 0] ns, the envelope allows 1 B" in out
    assert "2 proved, 3 refuted as expected, 0 unknown" in out
    assert "contracts: h200_eight_tenants.toml" in out
    assert "8 of 8 checks hold" in out


def test_verbose_shows_statements_assumptions_and_timelines(capsys: Text) -> None:
    assert run(["verify", "--only", "refresh-*", "-v"]) == 0
    out = capsys.readouterr().out
    assert "assumes blackouts are periodic" in out
    assert "obligations, their premises satisfiable; the bound one step tighter is" in out
    assert "sooner when hot ◄" in out
    assert max(map(len, out.splitlines())) <= 80


def test_list_proves_nothing(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face, "prove_all", None)
    assert run(["verify", "--list"]) == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()][: len(catalogue())] == [t.id for t in catalogue()]
    assert "(to be refuted)" in out
    assert run(["verify", "--list", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["results"][0]["id"] == catalogue()[0].id


def test_an_unknown_id_is_bad_usage(capsys: Text) -> None:
    assert run(["verify", "--only", "bucket-esay"]) == 2
    assert "did you mean bucket-essay" in one_line(capsys.readouterr().err)


# ---- what is not as it should be ----


def fake(**changes: Any) -> Callable[[Theorem], Result]:
    """Return a prover that says of every theorem what `changes` say."""
    return lambda theorem: attrs.evolve(Result(theorem, Kind.PROVED, 0.0, "z3 0", True), **changes)


def holding() -> tuple[Theorem, ...]:
    """Return two theorems that should hold."""
    return tuple(t for t in catalogue() if t.id in ("bucket-exactness", "meter-window"))


def witness() -> Any:
    """Return a schedule that replays."""
    return parse_schedule((resources.files("headgate.examples") / "schedules" / "bucket-essay.json").read_text("utf-8"))


def test_a_counterexample_is_a_violation_and_is_drawn(monkeypatch: pytest.MonkeyPatch, capsys: Text) -> None:
    monkeypatch.setattr(face, "catalogue", holding)
    monkeypatch.setattr(proving, "prove", fake(kind=Kind.COUNTEREXAMPLE, witness=witness(), reason="time passes fails"))
    assert run(["verify"]) == 1
    out = capsys.readouterr().out
    assert "COUNTEREXAMPLE" in out
    assert "time passes fails" in out
    assert "▲ window" in out
    assert "2 with a counterexample, 0 unknown" in out
    assert run(["verify", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "violated"


def test_unknown_is_never_success(monkeypatch: pytest.MonkeyPatch, capsys: Text) -> None:
    monkeypatch.setattr(face, "catalogue", holding)
    monkeypatch.setattr(proving, "prove", fake(kind=Kind.UNKNOWN, reason="the solver gave up (timeout)"))
    assert run(["verify"]) == 3
    out = capsys.readouterr().out
    assert "the solver gave up (timeout)" in out
    assert "2 unknown" in out
    assert run(["verify", "--format", "json"]) == 3
    assert json.loads(capsys.readouterr().out)["verdict"] == "undecided"


def test_a_refuted_rule_that_is_proved_is_a_violation(monkeypatch: pytest.MonkeyPatch, capsys: Text) -> None:
    wrong = tuple(t for t in catalogue() if t.expect is Expect.REFUTED)
    monkeypatch.setattr(face, "catalogue", lambda: wrong)
    monkeypatch.setattr(proving, "prove", fake())
    assert run(["verify"]) == 1
    assert "PROVED unexpectedly" in capsys.readouterr().out


def test_a_counterexample_that_does_not_replay_is_our_fault(monkeypatch: pytest.MonkeyPatch, capsys: Text) -> None:
    def mismatch(theorem: Theorem) -> Result:
        raise ReplayMismatch(f"{theorem.id}: the schedule found does not replay")

    monkeypatch.setattr(proving, "prove", mismatch)
    assert run(["verify", "--only", "bucket-essay"]) == 4
    assert "this is a fault of headgate" in one_line(capsys.readouterr().err)


def test_a_prover_that_fails_is_our_fault(monkeypatch: pytest.MonkeyPatch, capsys: Text) -> None:
    def fail(theorem: Theorem) -> Result:
        raise ZeroDivisionError(theorem.id)

    monkeypatch.setattr(proving, "prove", fail)
    assert run(["verify", "--only", "bucket-essay"]) == 4
    assert "internal fault: ZeroDivisionError: bucket-essay" in one_line(capsys.readouterr().err)


# ---- contract files ----


def contract_file(folder: Path, *changes: tuple[str, str]) -> str:
    """Write the shipped contract file, with some words replaced, and return its path."""
    text = (resources.files("headgate.examples") / "h200_eight_tenants.toml").read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "contracts.toml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (("= 320", "= 320"), 0, "8 of 8 checks hold"),
        (("= 320", "= 3200"), 1, "4930 GB/s of 3707.076 GB/s"),
        (("= 12.5", "= 10"), 1, "EAT + 10.274 us, 10 us promised, 10.253 us late in a schedule"),
        (('"sfq"', '"fcfs"'), 1, "25 us promised, 32.574 us late in a schedule"),
        (('"sfq"', '"wfq"'), 0, "promise.code wfq-own-delay holds EAT + 5.26 us, 12.5 us promised"),
        (('"sfq"', '"drr"'), 3, "EAT + 13.894 us, 12.5 us promised"),
        (('"sfq"', '"vtc"'), 3, "vtc gives no proved bound on the delay"),
        (('"sfq"', '"none"'), 0, "no arbiter to bound a delay; headgate trace judges a recording"),
    ],
)
def test_contracts_decide(change: tuple[str, str], code: int, said: str, tmp_path: Path, capsys: Text) -> None:
    assert run(["verify", contract_file(tmp_path, change), "--only", "contracts.*"]) == code
    assert said in " ".join(capsys.readouterr().out.split())


BROKEN = ("admission", "promise.chat", "promise.search", "refresh")


def broken_file() -> str:
    """Return the path of the shipped file that cannot be kept."""
    return str(resources.files("headgate.examples") / "h200_broken.toml")


def test_what_cannot_be_kept_is_shown_by_schedules_that_replay(tmp_path: Path, capsys: Text) -> None:
    arguments = ["verify", broken_file(), "--only", "contracts.*", "--witness", str(tmp_path / "w"), "--format", "json"]
    assert run(arguments) == 1
    printed = json.loads(capsys.readouterr().out)
    assert complaints(printed, schema("result")) == []
    found = {row["id"].removeprefix("contracts."): row for row in printed["results"]}
    assert tuple(sorted(name for name, row in found.items() if row["witness"])) == tuple(sorted(BROKEN))
    for name in BROKEN:
        assert found[name]["verdict"] == "counterexample"
        assert not all(premise["met"] for premise in found[name]["instance"]["premises"])
        assert run(["replay", str(tmp_path / "w" / f"contracts.{name}.json")]) == 1
    assert found["promise.prefill"]["verdict"] == "unknown"


def test_the_first_harm_is_drawn_and_with_verbose_all(capsys: Text) -> None:
    for verbose, drawn in (([], 1), (["--verbose"], 4)):
        assert run(["verify", broken_file(), "--only", "contracts.*", *verbose]) == 1
        out = capsys.readouterr().out
        assert out.count("  violation  ") == drawn
        assert "premise NOT met: the guarantees, 4020 GB/s, sum to more than what is left" in out
        assert "contracts: 0 of 5 checks hold" in out


def test_tenants_of_any_name_have_files_of_their_own(tmp_path: Path, capsys: Text) -> None:
    file = tmp_path / "c.toml"
    tenants = Path(broken_file()).read_text("utf-8").replace('"chat"', '"a/b"').replace('"search"', '"a b"')
    file.write_text(tenants)
    assert run(["verify", str(file), "--only", "contracts.promise.*", "--witness", str(tmp_path / "w")]) == 1
    capsys.readouterr()
    written = sorted(path.name for path in (tmp_path / "w").iterdir())
    assert len(written) == 2
    assert all(run(["replay", str(tmp_path / "w" / name)]) == 1 for name in written)


def test_a_contract_file_that_is_none_is_refused(tmp_path: Path, capsys: Text) -> None:
    file = tmp_path / "contracts.toml"
    file.write_text("[device")
    for path, said in (
        (file, "contracts.toml:1:8"),
        (tmp_path, "got a directory"),
        (tmp_path / "none", "no such file"),
    ):
        assert run(["verify", str(path)]) == 2
        assert said in one_line(capsys.readouterr().err)


def test_progress_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Text) -> None:
    monkeypatch.setattr(worker, "PROGRESS_AFTER_S", 0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert run(["verify", "--only", "bucket-essay"]) == 0
    out, err = capsys.readouterr()
    assert "bucket-essay" in out
    assert "bucket-essay" in err


def test_witnesses_need_a_folder(tmp_path: Path, capsys: Text) -> None:
    file = tmp_path / "taken"
    file.write_text("")
    assert run(["verify", "--only", "bucket-essay", "--witness", str(file)]) == 2
    assert str(file) in one_line(capsys.readouterr().err)


@pytest.mark.parametrize(("words", "said"), [
    ("--list --trust", "--trust proves nothing: expected it without --list"),
    ("--list --witness w", "--list proves nothing: expected it without --witness"),
    ("--trust --recheck", "--trust proves nothing: expected it without --recheck"),
    ("--trust --format github", "--trust proves nothing: expected it without --format github"),
    ("--witness some/w", "--witness some/w: expected a folder, or one that can be made"),
    ("--witness w --smt2 some", "--smt2 some: expected a folder, or one that can be made"),
    ("--report=", "--report : expected a folder, or one that can be made"),
])  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_is_written(
    words: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Text
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("some").write_text("a file")
    assert run(["verify", "--only", "bucket-essay", *words.split()]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert said in shown.err
    assert [path.name for path in tmp_path.iterdir()] == ["some"]


def test_the_current_folder_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["verify", "--only", "bucket-essay", "--witness", "."]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["bucket-essay.json"]
