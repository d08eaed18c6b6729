"""The command line as a whole: it starts fast, ends with the right code, and never shows a traceback."""

import importlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import click
import pytest

from headgate.cli import main as face
from headgate.cli.exits import Exit, InternalFault
from headgate.cli.main import COMMANDS, run

PROGRAM = [sys.executable, "-m", "headgate.cli"]
HEAVY = (
    "z3",
    "hypothesis",
    "numpy",
    "rich",
    "cattrs",
    "pytest",
    "importlib.metadata",
    "headgate.model",
    "headgate.proofs",
)


def one_line(text: str) -> str:
    """Return the only line of a refusal, and insist that it is one."""
    assert text.startswith("headgate: ")
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert "Traceback" not in text
    return text.removeprefix("headgate: ").rstrip("\n")


# ---- help ----


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())  # a long summary takes two lines
    assert all(name in out and entry.summary in out for name, entry in COMMANDS.items())
    assert "Exit codes" in out


@pytest.mark.parametrize("name", COMMANDS)
def test_a_summary_is_that_of_the_command(name: str) -> None:
    command = getattr(importlib.import_module(COMMANDS[name].module), name.replace("-", "_"))
    assert isinstance(command, click.Command)
    assert command.short_help == COMMANDS[name].summary


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_its_exit_codes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    out = capsys.readouterr().out
    assert "Exit codes" in out
    assert "--format [text|json" in out


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; from headgate.cli.main import run; code = run(['--help']);"
        f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules]); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.endswith("LOADED []\n")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("headgate 0.")


def test_no_command_shows_the_help_and_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Commands:" in said.err


# ---- bad usage ----


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verfy"], "did you mean verify?"),
        (["frobnicate"], f"expected a command ({', '.join(COMMANDS)}), got 'frobnicate'"),
        (["--frob"], "No such option '--frob' (see headgate --help)"),
        (["verify", "--frob"], "No such option '--frob'"),
        (["verify", "a.toml", "b.toml"], "unexpected extra argument"),
        (["verify", "--format", "xml"], "'xml' is not one of 'text', 'json'"),
        (["verify", "--only"], "Option '--only' requires an argument"),
        (["replay"], "Missing argument 'SCHEDULE.json'"),
        (["trace", "x.csv"], "Missing option '--contracts'"),
        (["replay", "a\x00b"], "a file"),
        (["frob\nnicate"], "expected a command"),
    ],
)
def test_bad_usage_is_one_line(arguments: Sequence[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert said in one_line(captured.err)
    assert captured.out == ""


# ---- how it ends ----


@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [
        (InternalFault("sfq-gap: the schedule found does not replay"), 4, "this is a fault of headgate"),
        (ZeroDivisionError("division\nby zero"), 4, "internal fault: ZeroDivisionError: division"),
        (RecursionError(), 4, "internal fault: RecursionError (HEADGATE_DEBUG=1 shows where)"),
        (OSError(28, "No space left on device", "/there"), 2, "/there: no space left on device"),
        (PermissionError(13, "Permission denied", "/there"), 2, "/there: permission denied"),
    ],
)
def test_what_goes_wrong_is_one_line(
    failure: Exception, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise failure

    monkeypatch.delenv("HEADGATE_DEBUG", raising=False)
    monkeypatch.setattr(face.headgate, "invoke", fail)
    assert run(["spec"]) == code
    assert said in one_line(capsys.readouterr().err)


def test_a_traceback_is_there_for_those_who_ask(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setenv("HEADGATE_DEBUG", "1")
    monkeypatch.setattr(face.headgate, "invoke", fail)
    assert run(["spec"]) == Exit.INTERNAL_FAULT
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), click.Abort()])
def test_ctrl_c_ends_quietly(
    stop: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise stop

    monkeypatch.setattr(face.headgate, "invoke", interrupted)
    assert run(["spec"]) == 130
    assert capsys.readouterr().err == ""


def test_a_reader_that_goes_away_is_no_fault() -> None:
    process = subprocess.Popen([*PROGRAM, "verify", "--list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(timeout=60) == 141
    assert process.stderr.read() == b""
    process.stderr.close()


def test_a_closed_output_is_no_fault() -> None:
    command = f"{' '.join(map(shlex.quote, PROGRAM))} verify --list >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*PROGRAM, "verify", "--list"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert done.returncode == 2
    assert "no space left on device" in one_line(done.stderr)


# A sum of three cubes: the solver looks for it until its limit.
HARD = """
import signal
import sys
import z3
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job inherits that it is ignored
from headgate.cli import verify
from headgate.cli.main import run
from headgate.proofs.theorem import Obligation, Theorem
x, y, z = z3.Ints("x y z")
cubes = Obligation("cubes", (x > 10, y < -10), x * x * x + y * y * y + z * z * z != 33)
verify.catalogue = lambda: (Theorem("cubes", ("TB-1",), "None.", "any", obligations=lambda: [cubes]),)
print("ready", flush=True)
sys.exit(run(["verify", "--only", "cubes"]))
"""


def test_ctrl_c_reaches_the_solver() -> None:
    process = subprocess.Popen([sys.executable, "-c", HARD], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "")
    assert time.monotonic() - begun < 10


# The rest of the program, which takes a while to load, and then says whether it hears Ctrl-C.
LOADING = """
import signal
import sys
import time
import types
signal.signal(signal.SIGINT, signal.{before})
class Loading:
    def find_spec(self, name, path, target=None):
        if name == "headgate.cli.main":
            print("ready", flush=True)
            time.sleep({seconds})
            sys.modules[name] = types.SimpleNamespace(main=lambda: print(signal.getsignal(signal.SIGINT).name
                if isinstance(signal.getsignal(signal.SIGINT), signal.Handlers) else "heard"))
            import importlib.machinery
            return importlib.machinery.ModuleSpec(name, self)
    def create_module(self, spec):
        return sys.modules[spec.name]
    def exec_module(self, module):
        pass
sys.meta_path.insert(0, Loading())
from headgate.cli.start import main
main()
"""


def test_ctrl_c_is_silent_even_while_the_program_is_loaded() -> None:
    program = LOADING.format(before="default_int_handler", seconds=60)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30) == ("", "")
        assert process.returncode == -signal.SIGINT, "a shell says 130"


@pytest.mark.parametrize(("before", "after"), [("default_int_handler", "heard"), ("SIG_IGN", "SIG_IGN")])
def test_once_it_is_loaded_the_program_hears_what_it_heard(before: str, after: str) -> None:
    program = LOADING.format(before=before, seconds=0)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"ready\n{after}\n"


def test_a_terminal_of_few_signs_is_enough() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [*PROGRAM, "verify", "--only", "bucket-*", "-v"], capture_output=True, env=environment, timeout=60, check=True
    )
    assert done.stdout.isascii()
    assert b"violation" in done.stdout
    assert done.stderr == b""
