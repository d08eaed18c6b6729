"""The test vectors: what is committed is what is written, each has one answer, and each catches what it says."""

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import run
from headgate.examples import run_vectors
from headgate.model import simulator
from headgate.model.arbiters import tie_order
from headgate.properties.review.vectors import Vector, file_text, vector_files, vectors
from headgate.spec.clauses import clauses
from headgate.tests.json_schema import complaints

FOLDER = resources.files("headgate.examples") / "vectors"


def schema() -> Any:
    return json.loads((resources.files("headgate.spec") / "schemas" / "vectors.schema.json").read_text("utf-8"))


# ---- the files ----


def test_what_is_committed_is_what_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["vectors", str(tmp_path / "out")]) == 0
    written = {path.name: path.read_text("utf-8") for path in (tmp_path / "out").iterdir()}
    committed = {path.name: path.read_text("utf-8") for path in FOLDER.iterdir() if path.name.endswith(".json")}
    assert written == committed, "headgate vectors examples/vectors writes them anew"
    assert set(written) == set(vector_files())
    assert capsys.readouterr().out.count("vectors\n") == len(written)


@pytest.mark.parametrize("name", vector_files())
def test_a_file_keeps_its_schema(name: str) -> None:
    table = json.loads((FOLDER / name).read_text("utf-8"))
    assert complaints(table, schema()) == []
    assert json.loads(file_text(table)) == table


def test_the_schema_knows_no_other_keys() -> None:
    table = json.loads((FOLDER / "bucket.json").read_text("utf-8"))
    for place in (table, table["vectors"][0], table["vectors"][0]["configuration"]):
        place["acceptable"] = 1
        assert complaints(table, schema())
        del place["acceptable"]
    table["vectors"][0]["answers"][0] = 0.5
    assert complaints(table, schema())


def test_every_vector_says_why() -> None:
    found = vectors()
    assert len({each.id for each in found}) == len(found)
    for each in found:
        assert each.clause in clauses()
        assert each.why.endswith(".")
        assert each.catches
        assert each.role == "arbiter" or len(each.calls) == len(each.answers)


def test_the_answer_does_not_hang_on_a_tie(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {each.id: each.answers for each in vectors()}
    monkeypatch.setattr(simulator, "tie_order", lambda priorities: tuple(reversed(tie_order(priorities))))
    assert {each.id: each.answers for each in vectors()} == given


def test_the_command_lists_them_and_refuses_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["vectors", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["results"]) == len(vectors())
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        assert run(["vectors", str(place)]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


# ---- each catches what it says ----


class Bucket:
    """A right one; the wrong ones change a step of it."""

    def __init__(self, rate: int, burst: int) -> None:
        self.rate, self.burst, self.level, self.last = rate, burst, burst, 0

    def fill(self, now: int) -> None:
        self.level, self.last = min(self.burst, self.level + (now - self.last) * self.rate), now

    def covers(self, size: int) -> bool:
        return size <= self.level

    def offer(self, now: int, size: int) -> bool:
        self.fill(now)
        admitted = self.covers(size)
        self.level -= size if admitted else 0
        return admitted


class StartsEmpty(Bucket):
    def __init__(self, rate: int, burst: int) -> None:
        super().__init__(rate, burst)
        self.level = 0


class CountsAnInstantOnce(Bucket):
    def offer(self, now: int, size: int) -> bool:
        before, self.last_answer = self.last, getattr(self, "last_answer", False)
        self.last_answer = self.last_answer if now == before and self.last_answer else super().offer(now, size)
        return self.last_answer


class RoundsUp(Bucket):
    def covers(self, size: int) -> bool:
        return size <= self.level + self.rate


class SavesWithoutLimit(Bucket):
    def fill(self, now: int) -> None:
        self.level, self.last = self.level + (now - self.last) * self.rate, now


class StandsStill(Bucket):
    def fill(self, now: int) -> None:
        if self.level < self.burst:
            super().fill(now)


class ChargesRefusals(Bucket):
    def offer(self, now: int, size: int) -> bool:
        admitted = super().offer(now, size)
        self.level -= 0 if admitted else size
        return admitted


class FloorsTime(Bucket):
    def fill(self, now: int) -> None:
        super().fill(now) if (now - self.last) // 2 else None
        self.last = now


class LosesTheWait(Bucket):
    def offer(self, now: int, size: int) -> bool:
        before = self.level
        admitted = super().offer(now, size)
        self.level = self.level if admitted else before
        return admitted


class Borrows(Bucket):
    def covers(self, size: int) -> bool:
        return size <= self.level or (size > self.burst and self.level == self.burst)


WRONG = {
    "bucket-full-at-first": StartsEmpty,
    "bucket-one-instant": CountsAnInstantOnce,
    "bucket-last-ns-before-it-fits": RoundsUp,
    "bucket-idle-is-capped": SavesWithoutLimit,
    "bucket-idle-while-full": StandsStill,
    "bucket-refusal-is-free": ChargesRefusals,
    "bucket-small-steps": FloorsTime,
    "bucket-refused-steps": LosesTheWait,
    "bucket-beyond-the-depth": Borrows,
}


def holds(vector: Vector, factory: Callable[..., Any]) -> bool:
    made = factory(**vector.configuration)
    if vector.role == "arbiter":
        found = run_vectors.serve(vector.calls, made)
    else:
        found = [getattr(made, operation)(*given) for operation, *given in vector.calls]
    return len(found) == len(vector.answers) and all(map(run_vectors.right, found, vector.answers))


def of_role(role: str) -> list[Vector]:
    return [each for each in vectors() if each.role == role]


@pytest.mark.parametrize("vector", of_role("bucket"), ids=lambda vector: vector.id)
def test_a_right_bucket_passes_and_the_named_fault_does_not(vector: Vector) -> None:
    assert holds(vector, Bucket)
    assert not holds(vector, WRONG[vector.id])


class Sfq:
    """Start-time fair queueing; `forgets` is what a wrong one leaves out."""

    forgets = ""

    def __init__(self, weights: list[int]) -> None:
        self.weights, self.virtual, self.tags = weights, 0.0, [0.0] * len(weights)
        self.queues: list[list[tuple[float, int]]] = [[] for _ in weights]

    def enqueue(self, now: int, tenant: int, size: int) -> None:
        begin = {
            "finish": self.virtual,
            "return": self.tags[tenant],
        }.get(self.forgets, max(self.virtual, self.tags[tenant]))
        weight = self.weights[tenant]
        self.tags[tenant] = begin + (size * weight if self.forgets == "weight" else size / weight)
        self.queues[tenant].append((begin, size))

    def dequeue(self, now: int) -> int:
        begin, tenant = min((queue[0][0], number) for number, queue in enumerate(self.queues) if queue)
        self.virtual = begin
        self.queues[tenant].pop(0)
        return tenant


class ForgetsTheFinish(Sfq):
    forgets = "finish"


class PaysAbsence(Sfq):
    forgets = "return"


class TimesTheWeight(Sfq):
    forgets = "weight"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("sfq-flood", ForgetsTheFinish), ("sfq-return", PaysAbsence), ("sfq-weights", TimesTheWeight)],
)
def test_a_right_arbiter_passes_and_the_named_fault_does_not(name: str, wrong: type) -> None:
    [vector] = [each for each in vectors() if each.id == name]
    assert holds(vector, Sfq)
    assert not holds(vector, wrong)


# ---- the runner ----


def test_the_runner_is_short_and_stands_alone() -> None:
    text = Path(run_vectors.__file__).read_text("utf-8")
    assert "import headgate" not in text
    assert "from headgate" not in text
    assert len([line for line in text.splitlines() if line.strip()]) <= 47


@pytest.mark.parametrize(
    ("name", "policy", "factory", "code", "fault"),
    [
        ("bucket", "token-bucket", "Bucket", 0, ""),
        ("bucket", "token-bucket", "StandsStill", 1, "bucket-idle-while-full TB-4: [True, True, True, True]"),
        ("arbiter", "sfq", "Sfq", 0, ""),
        ("arbiter", "sfq", "ForgetsTheFinish", 1, "sfq-flood FQ-1: "),
        ("arbiter", "fcfs", "NobodyThere", 1, "fcfs-order AR-3: "),
    ],
)
def test_the_runner_tells_right_from_wrong(name: str, policy: str, factory: str, code: int, fault: str) -> None:
    with resources.as_file(FOLDER) as folder:
        target = f"headgate.tests.test_vectors:{factory}"
        command = [sys.executable, run_vectors.__file__, str(folder / f"{name}.json"), policy, target]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert done.stderr == ""
    assert fault in done.stdout
    assert (code == 0) == all(line.endswith("holds") for line in done.stdout.splitlines())


def test_the_runner_finds_a_driver_in_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from headgate.tests.test_vectors import Bucket\n")
    with resources.as_file(FOLDER) as folder:
        command = [sys.executable, run_vectors.__file__, str(folder / "bucket.json"), "token-bucket", "mine:Bucket"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_runner_refuses_a_policy_without_vectors() -> None:
    with resources.as_file(FOLDER) as folder:
        command = [sys.executable, run_vectors.__file__, str(folder / "arbiter.json"), "sqf", "json:loads"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "'sfq'" in done.stderr


@pytest.mark.parametrize("words", [(), ("--help",), ("bucket.json", "token-bucket")], ids=len)
def test_the_runner_says_how_it_is_called(words: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, run_vectors.__file__, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: python run_vectors.py ")
    assert len(done.stderr.splitlines()) == 1


class NobodyThere(Sfq):
    """Always names tenant 0, waiting or not."""

    def dequeue(self, now: int) -> int:
        return 0


def test_a_shaper_may_round_up_to_the_next_ns() -> None:
    assert run_vectors.right(1, "1/3")
    assert run_vectors.right(1 / 3, "1/3")
    assert not run_vectors.right(0, "1/3")
    assert not run_vectors.right(2, "1/3")
