"""Where a command writes: refused in one line before its work begins, and no file of anybody's is lost."""

import os
from importlib import resources
from pathlib import Path

import pytest

from headgate.cli.main import run
from headgate.cli.places import OutputFile, OutputFolder, marked
from headgate.spec.errors import InputError
from headgate.tests.test_cli_main import one_line

Text = pytest.CaptureFixture[str]

EXAMPLES = resources.files("headgate.examples")
# Each option of a file: how it is typed, what is copied to the `input` that is read, and how the names end.
FILES = {
    "find --save": ("find gap --policy sfq --contracts {input} --save", "h200_eight_tenants.toml", ".json"),
    "find --picture": ("find gap --policy sfq --contracts {input} --picture", "h200_eight_tenants.toml", ".svg"),
    "replay --picture": ("replay {input} --picture", "schedules/essay-tag.json", ".json"),
    "bound --witness": ("bound {input} --witness", "h200_eight_tenants.toml", ".json"),
    "bound --plot": ("bound {input} --plot", "h200_eight_tenants.toml", ".svg"),
    "trace --plot": ("trace {input} --contracts {input} --plot", "h200_recordings.toml", ".svg"),
    "replay-workload --plot": ("replay-workload {input} --contracts {input} --plot", "h200_serving.toml", ".svg"),
    "review --output": ("review --init bucket --output", "h200_eight_tenants.toml", ".py"),
}
# Each option of a folder: how it is typed, and a file of the folder that headgate would write.
FOLDERS = {
    "verify --witness": ("verify --only bucket-essay --witness", "bucket-essay.json"),
    "verify --smt2": ("verify --only bucket-essay --smt2", "index.txt"),
    "verify --report": ("verify --only bucket-essay --report", "junit.xml"),
    "vectors DIR": ("vectors", "marker.json"),
}
WRITABLE = "expected a file in a folder that can be written"
WORK = (
    "headgate.cli.find.ask_with_progress",
    "headgate.cli.replay.run_schedule",
    "headgate.cli.bound.report_of",
    "headgate.properties.judge.judging.judge_rows",
    "headgate.cli.workload._setting",
    "headgate.properties.review.templates.template",
    "headgate.cli.verify.prove_all",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, in which no command gets as far as its work."""
    monkeypatch.chdir(tmp_path)
    for name in WORK:
        monkeypatch.setattr(name, lambda *_, **__: pytest.fail("the work has begun"))
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    """Return what stands in a folder, links by where they lead."""
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.read_text("utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def refusal(folder: Path, capsys: Text, words: list[str]) -> str:
    """Return the one line with which a command line is refused, which writes nothing."""
    before = contents(folder)
    assert run(words) == 2
    shown = capsys.readouterr()
    assert (shown.out, contents(folder)) == ("", before)
    return one_line(shown.err).removeprefix("headgate: ")


@pytest.mark.parametrize("option", FILES)
def test_a_file_that_cannot_be_written_is_refused_first(
    option: str, folder: Path, capsys: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed, example, suffix = FILES[option]
    read = f"input{suffix}"
    (folder / read).write_text((EXAMPLES / example).read_text("utf-8"), "utf-8")
    (folder / f"folder{suffix}").mkdir()
    (folder / f"loop{suffix}").symlink_to(f"loop{suffix}")
    words, flag = typed.format(input=read).split(), option.split()[1]

    def refused(name: str) -> str:
        return refusal(folder, capsys, [*words, name])

    for name in (f"nowhere/x{suffix}", f"{read}/x{suffix}"):
        assert refused(name) == f"{flag} {name}: {WRITABLE}"
    assert f"x{suffix}: {WRITABLE}, got File name too long" in refused("x" * 300 + suffix)
    assert refused("").startswith(f"{flag} : expected a ")
    for name in (f"folder{suffix}", f"loop{suffix}"):
        assert refused(name).startswith(f"{flag} {name}: expected a file ")
    if option == "review --output":
        assert refused(read).endswith("a file that is not there yet, lest one of yours be lost")
    else:
        (folder / f"link{suffix}").symlink_to(read)
        (folder / f"hard{suffix}").hardlink_to(folder / read)
        for name in (read, f"link{suffix}", f"hard{suffix}", f"./folder{suffix}/../{read}"):
            assert refused(name).endswith("a file that this command does not read or write already")
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    assert refused(f"x{suffix}") == f"{flag} x{suffix}: {WRITABLE}"


@pytest.mark.parametrize("words", [
    "find gap --policy sfq --save x.svg --picture x.svg",
    "bound input.toml --witness x.svg --plot ./x.svg",
])  # fmt: skip
def test_two_options_do_not_name_one_file(words: str, folder: Path, capsys: Text) -> None:
    (folder / "input.toml").write_text((EXAMPLES / "h200_eight_tenants.toml").read_text("utf-8"), "utf-8")
    assert "does not read or write already" in refusal(folder, capsys, words.split())
    (folder / "x.svg").write_text("as it was")
    assert "does not read or write already" in refusal(folder, capsys, words.split())


@pytest.mark.parametrize("option", FOLDERS)
def test_a_folder_that_cannot_be_written_is_refused_first(
    option: str, folder: Path, capsys: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed, name = FOLDERS[option]
    flag = option.split()[1]
    (folder / "taken").write_text("mine")
    (folder / "loop").symlink_to("loop")
    (folder / "foreign").mkdir()
    (folder / "foreign" / name).write_text("mine")
    (folder / "linked").mkdir()
    (folder / "linked" / name).symlink_to("nowhere")

    def refused(place: str) -> str:
        return refusal(folder, capsys, [*typed.split(), place])

    for place in ("taken", "taken/below", ""):
        assert refused(place) == f"{flag} {place}: expected a folder, or one that can be made"
    assert refused("x" * 300).endswith("File name too long")
    for place in ("foreign", "linked"):
        assert refused(place).startswith(f"{flag} {place}/{name}: expected a file that headgate wrote, or none")
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    assert refused("new") == f"{flag} new: expected a folder, or one that can be made"
    assert not (folder / "new").exists()


@pytest.mark.parametrize("option", FOLDERS)
def test_what_headgate_wrote_is_written_again(option: str, tmp_path: Path, capsys: Text) -> None:
    for _ in range(2):
        assert run([*FOLDERS[option][0].split(), str(tmp_path / "deep" / "down")]) == 0
    assert (tmp_path / "deep" / "down" / FOLDERS[option][1]).is_file()
    capsys.readouterr()


# ---- the two classes ----


def test_a_file_takes_the_place_of_the_old_one_behind_its_link(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    (tmp_path / "old").chmod(0o600)
    (tmp_path / "link").symlink_to("old")
    OutputFile("--out", tmp_path / "link").write("new")
    assert contents(tmp_path) == {"link": "old", "old": "new"}
    assert (tmp_path / "old").stat().st_mode & 0o777 == 0o600


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    def fill_up(path: Path) -> None:
        path.write_text("half of")
        raise OSError(28, "No space left on device")

    (tmp_path / "out").write_text("as it was")
    with pytest.raises(InputError, match=r"--out .*: expected a file that can be written, got No space left on device"):
        OutputFile("--out", tmp_path / "out").write_by(fill_up)
    assert contents(tmp_path) == {"out": "as it was"}


def test_a_new_file_never_replaces_one_that_came_meanwhile(tmp_path: Path) -> None:
    out = OutputFile("--out", tmp_path / "out", is_new=True)
    (tmp_path / "out").write_text("yours")
    with pytest.raises(InputError, match="got File exists"):
        out.write("ours")
    assert contents(tmp_path) == {"out": "yours"}


def test_a_device_is_written_to_and_stays_one() -> None:
    OutputFile("--save", os.devnull, [os.devnull]).write("gone")
    assert Path(os.devnull).is_char_device()


def test_a_mark_is_looked_for_where_it_belongs(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("; mine; headgate: ")
    assert not marked("; headgate: ")(path)
    assert marked("; headgate: ", within=100)(path)


def test_a_file_of_ours_that_is_kept_from_writing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").write_text("ours")
    out = OutputFolder("--out", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    with pytest.raises(InputError, match=r"--out .*x: expected a file that can be written"):
        out.refuse_foreign(["x"], lambda path: True)
