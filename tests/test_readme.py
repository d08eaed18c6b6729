"""The README tells the truth: its commands print what it shows, and its Python runs.

In a checkout the README is a file; an installed wheel carries it as the description in its metadata.
"""

import contextlib
import io
import re
import shlex
import sys
from collections.abc import Iterator
from importlib import metadata, resources
from pathlib import Path

import pytest

from headgate.cli.main import COMMANDS, run

HERE = Path(__file__).resolve().parents[1]


def readme() -> str:
    """Return the text of the README."""
    if (HERE / "pyproject.toml").is_file():
        return (HERE / "README.md").read_text("utf-8")
    described = metadata.metadata("headgate").get_payload()
    assert isinstance(described, str)
    return described


def blocks(kind: str) -> Iterator[str]:
    """Yield the fenced blocks of one kind, and of the unmarked kind for an empty string."""
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", readme(), re.MULTILINE | re.DOTALL)
    yield from (body for word, body in fences if word == kind)


def sessions() -> list[tuple[str, list[str]]]:
    """Return every command that is shown, and the lines that it is shown to print."""
    shown = [block.rstrip("\n").split("\n") for block in blocks("console")]
    assert all(first.startswith("$ headgate ") for first, *_ in shown)
    return [(first.removeprefix("$ headgate "), lines) for first, *lines in shown]


def settled(line: str) -> str:
    """Return a line without what differs from run to run: how long a proof took."""
    return re.sub(r"\d+\.\d\d s$", "", line).rstrip()


def test_every_command_is_shown() -> None:
    assert {command.split()[0] for command, _ in sessions()} == set(COMMANDS)


@pytest.mark.parametrize("command", [command for command, _ in sessions()])
def test_a_command_prints_what_is_shown(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(str(resources.files("headgate.examples"))).parent)
    monkeypatch.delenv("COLUMNS", raising=False)
    code = run(shlex.split(command))
    printed = iter([settled(line) for line in capsys.readouterr().out.splitlines()])
    for line in dict(sessions())[command]:
        # Three dots stand for lines that are left out; all others appear, in this order.
        assert line == "..." or settled(line) in printed, f"not printed, or not in this place: {line}"
    assert code == (1 if command.startswith(("replay", "review", "claims")) else 0)


def test_the_newcomers_path_leads_to_a_verdict(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    (path,) = blocks("sh")
    for line in path.splitlines():
        assert run(shlex.split(line.removeprefix("headgate "))) == 0
    assert "driver:Bucket as a bucket (token-bucket): conforming" in capsys.readouterr().out


def test_the_python_runs_and_prints_what_is_shown() -> None:
    (script,) = blocks("python")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(script, "README.md", "exec"), {})
    assert out.getvalue() in blocks("")


def test_every_make_target_exists() -> None:
    makefile = HERE / "Makefile"
    named = re.findall(r"^make (\w+)", readme(), re.MULTILINE)
    assert set(named) >= {"verify", "test"}
    if makefile.is_file():
        assert all(f"\n{target}:" in makefile.read_text("utf-8") for target in named)


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", readme())
    assert links
    if (HERE / "pyproject.toml").is_file():
        assert [link for link in links if not (HERE / link).exists()] == []
