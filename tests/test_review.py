"""Reviews: what is right passes, what is wrong is shown by the smallest case, and what fails is contained."""

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from headgate.cli.main import run
from headgate.properties.review.case import Case
from headgate.properties.review.declaring import declare
from headgate.properties.review.hunt import PROFILES, Outcome, Review, hunt
from headgate.properties.review.process import ProcessTarget
from headgate.properties.review.targets import PythonTarget
from headgate.spec.errors import InputError
from headgate.tests.miniatures.bucket import Eager


class Bucket(Eager):
    """A token bucket as one would write it, which says what it does not take."""

    def offer(self, now: float, size: int) -> bool:
        if size <= 0:
            raise ValueError("a size above 0")
        self.fill(now)
        if self.level < size:
            return False
        self.level -= size
        return True


class StandsStill(Bucket):
    """Its clock does not advance while it is full."""

    def fill(self, now: float) -> None:
        if self.level < self.burst:
            super().fill(now)


class Refunds(Bucket):
    """A negative size gives tokens back."""

    def offer(self, now: float, size: int) -> bool:
        self.fill(now)
        if self.level >= size:
            self.level -= size
            return True
        return False


class Crashes(Bucket):
    """It fails at a call that is legal."""

    def offer(self, now: float, size: int) -> bool:
        if now > 20:
            raise KeyError("late")
        return super().offer(now, size)


class Hangs(Bucket):
    """It does not come back."""

    def offer(self, now: float, size: int) -> bool:
        while now > 20:
            pass
        return super().offer(now, size)


class Babbles(Bucket):
    """It answers what is neither yes nor no."""

    def offer(self, now: float, size: int) -> bool:
        return "yes"  # type: ignore[return-value]


def reviewed(factory: Callable[..., object], **declared: object) -> Review:
    suite, declaration = declare("bucket", **declared)  # type: ignore[arg-type]
    seconds = 0.5 if factory is Hangs else 30.0
    target = PythonTarget(factory, f"{__name__}:{factory.__name__}", declaration.clock, seconds)
    return hunt(suite, target, declaration, PROFILES["quick"])


def test_a_bucket_conforms_on_every_clock() -> None:
    for how in ({}, {"clock": "s", "floats": True}, {"numbers": {"rate": 3, "burst": 10}}):
        found = reviewed(Bucket, **how)
        assert found.outcome is Outcome.CONFORMING
        # A busy machine may end it before its last case; then it says so.
        assert found.cases >= PROFILES["quick"].cases or (found.cases > 20 and not found.complete)


@pytest.mark.parametrize(("wrong", "clause", "calls"), [(StandsStill, "TB-4", 2), (Refunds, "TB-4", 3)])
def test_a_wrong_bucket_is_shown_by_its_smallest_case(wrong: type, clause: str, calls: int) -> None:
    found = reviewed(wrong)
    assert found.outcome is Outcome.VIOLATING
    assert found.violation is not None
    assert (found.violation.clause, len(found.asked)) == (clause, calls)


@pytest.mark.parametrize(("faulty", "kind"), [(Crashes, "crash"), (Hangs, "hang"), (Babbles, "garbage")])
def test_what_fails_is_contained(faulty: type, kind: str) -> None:
    found = reviewed(faulty)
    assert (found.outcome, found.error and found.error.kind) == (Outcome.ERRORED, kind)


def test_the_same_profile_gives_the_same_case() -> None:
    assert reviewed(StandsStill).case == reviewed(StandsStill).case


def test_what_is_declared_is_checked() -> None:
    for wrong in ({"policy": "leaky"}, {"numbers": {"weights": "1,2"}}, {"numbers": {"rate": "0"}}, {"clock": "h"}):
        with pytest.raises(InputError):
            declare("bucket", **wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        declare("fridge")


# ---- another process ----

DRIVER = """
import json, sys
class Bucket:
    def __init__(self, rate, burst): self.rate, self.burst, self.level, self.last = rate, burst, burst, 0
    def offer(self, now, size):
        if size <= 0: raise ValueError("size")
        self.level, self.last = min(self.burst, self.level + (now - self.last) * self.rate), now
        if self.level < size: return False
        self.level -= size
        return True
for line in sys.stdin:
    message = json.loads(line)
    if message["cmd"] == "start":
        answer = {"ready": True}
    elif message["cmd"] == "configure":
        it, answer = Bucket(**message["configuration"]), {"seq": message["seq"], "ok": True}
    elif message["cmd"] == "run":
        results = []
        for operation, *arguments in message["calls"]:
            try:
                results.append(getattr(it, operation)(*arguments))
            except ValueError as error:
                results.append({"raised": str(error)})
        answer = {"seq": message["seq"], "results": results}
    else:
        break
    print(json.dumps(answer), flush=True)
"""

START = "import sys; sys.stdin.readline(); print('{\"ready\": true}', flush=True); "
FAULTS = {
    "ends at once": ("", "gone"),
    "hangs": ("import time; time.sleep(60)", "hang"),
    "says nothing sensible": ("print('hello', flush=True); import time; time.sleep(60)", "garbage"),
    "never ends a line": ("import sys\nwhile True: sys.stdout.write('x' * 65536)", "garbage"),
    "answers out of order": (START + 'print(\'{"seq": 7, "ok": true}\', flush=True); sys.stdin.read()', "garbage"),
    "closes its input": (START + "import os, time; os.close(0); time.sleep(60)", "hang|gone"),
    "leaves children": ("import os, time\nos.fork()\nif os.fork() == 0: os.setsid()\ntime.sleep(60)", "hang"),
}


def process(code: str, seconds: float = 5.0) -> Review:
    suite, declaration = declare("bucket")
    target = ProcessTarget([sys.executable, "-c", textwrap.dedent(code)], "bucket", declaration.clock, seconds)
    return hunt(suite, target, declaration, PROFILES["quick"])


def test_a_process_conforms() -> None:
    assert process(DRIVER).outcome is Outcome.CONFORMING


@pytest.mark.parametrize("fault", FAULTS)
def test_a_process_that_fails_is_contained_and_leaves_nothing(fault: str) -> None:
    code, kinds = FAULTS[fault]
    marked = f"mark = 'headgate-orphan-{time.monotonic_ns()}'\n"
    found = process(marked + code, 0.7)
    assert found.outcome is Outcome.ERRORED
    assert found.error is not None
    assert found.error.kind in kinds.split("|")
    assert "\n" not in str(found.error)
    assert _running(marked.split("'")[1]) == []


def _running(mark: str) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "cmdline").read_text() and (folder / "stat").read_text().split(")")[1][1] != "Z":
                found.append(folder.name)
        except OSError:
            continue
    return found


# ---- the command, and pytest ----

MODULE = """
class Bucket:
    def __init__(self, rate, burst): self.rate, self.burst, self.level, self.last = rate, burst, burst, 0
    def offer(self, now, size):
        if not 0 < size <= self.burst: return False
        if not self.stands_still or self.level < self.burst:
            self.level, self.last = min(self.burst, self.level + (now - self.last) * self.rate), now
        if self.level < size: return False
        self.level -= size
        return True
    stands_still = False
class StandsStill(Bucket):
    stands_still = True
"""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"reviewed_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return name


def test_the_command_shows_clause_case_and_snippet(elsewhere: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["review", f"{elsewhere}:StandsStill", "--role", "bucket", "--profile", "quick"]) == 1
    shown = capsys.readouterr().out
    assert "TB-4 The envelope" in shown
    assert "without headgate" in shown
    snippet = "\n".join(line[4:] for line in shown.splitlines() if line.startswith("    "))
    done = subprocess.run([sys.executable, "-c", snippet], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
    assert run(["review", f"{elsewhere}:Bucket", "--role", "bucket", "--profile", "quick"]) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--role", "bucket"],
        ["nowhere:Bucket", "--role", "bucket"],
        ["nowhere", "--role", "bucket"],
        ["json:loads", "--role", "bucket", "--rate", "many"],
        ["json:loads", "--role", "bucket", "--policy", "sfq"],
        ["json:loads", "--role", "bucket", "--weights", "1"],
        ["--exec", "no-such-program-anywhere", "--role", "bucket"],
        ["--exec", "'", "--role", "bucket"],
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["review", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1


def test_pytest_reviews_what_its_command_line_names(elsewhere: str) -> None:
    plugin = [] if _registered() else ["-p", "headgate.properties.review.plugin"]
    command = [sys.executable, "-m", "pytest", "-q", *plugin, "-p", "no:cacheprovider", "--headgate-profile", "quick"]
    named = ["--headgate", f"bucket={elsewhere}:Bucket?rate=2", "--headgate", f"bucket={elsewhere}:StandsStill"]
    done = subprocess.run([*command, *named], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout
    assert "TB-4 The envelope" in done.stdout


def _registered() -> bool:
    from importlib.metadata import entry_points

    return any(entry.value == "headgate.properties.review.plugin" for entry in entry_points(group="pytest11"))


def test_a_case_is_plain_data() -> None:
    suite, declaration = declare("bucket", numbers={"rate": "1/2"})
    case = suite.seeds(declaration)[0]
    assert isinstance(case, Case)
    assert case.configuration["rate"] == 0.5
    assert Fraction(case.configuration["rate"]) == Fraction(1, 2)
