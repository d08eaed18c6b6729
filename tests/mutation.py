"""Break each rule by hand and see who notices: the mutants, and the program that runs them.

A mutant replaces one piece of text in one module of the model. It is killed by a theorem that no longer gets its
verdict, or by a property that fails; a disagreement between two implementations does not count. Who may kill it is
computed: the theorems and properties of the clauses that the broken function implements, then all the others.

`python -m headgate.tests.mutation [ID ...]` runs them and prints the table; `--json` prints it for a machine. Each
mutant lives in a process of its own, forked before any module of headgate is imported.
"""

import argparse
import importlib
import importlib.util
import itertools
import json
import multiprocessing
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from headgate.tests.mutants import MUTANTS, Mutant

__all__ = ["MUTANTS", "Mutant", "Outcome", "run"]


# A mutant that runs for ever is not killed by being stopped.
MOST_SECONDS = 600


@attrs.frozen
class Outcome:
    """What became of a mutant: its killer ("theorem NAME" or "property NAME"), or None if it survived."""

    id: str
    killer: str | None
    seconds: float
    note: str = ""


class _MutantFinder:
    """Imports the mutated module from its changed text; everything else as always."""

    def __init__(self, mutant: Mutant) -> None:
        self.name, self.mutant = f"headgate.model.{mutant.module}", mutant

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != self.name:
            return None
        sys.meta_path.remove(self)  # type: ignore[arg-type]
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert isinstance(spec.loader, SourceFileLoader)
        spec.loader = _MutantLoader(spec.loader.name, spec.loader.path, self.mutant)
        return spec


class _MutantLoader(SourceFileLoader):
    def __init__(self, name: str, path: str, mutant: Mutant) -> None:
        super().__init__(name, path)
        self.mutant = mutant

    def get_code(self, fullname: str) -> Any:
        text = Path(self.path).read_text(encoding="utf-8")
        found = text.count(self.mutant.old)
        if found != 1:
            raise ImportError(f"mutant {self.mutant.id}: its text occurs {found} times in {self.path}")
        changed = text.replace(self.mutant.old, self.mutant.new)
        if "choose(" in self.mutant.new and "import best\n" in changed:
            changed = changed.replace("import best\n", "import best, choose\n")
        return self.source_to_code(changed.encode(), self.path)


def _theorems(clauses: tuple[str, ...], linked: bool) -> Iterator[tuple[str, bool]]:
    """Yield (name, still as expected) for the theorems of `clauses` (`linked`), or for all the others."""
    from headgate.proofs.catalogue import catalogue
    from headgate.proofs.runner import Limits, ReplayMismatch, prove

    for theorem in catalogue():
        if bool(set(theorem.clauses) & set(clauses)) is linked:
            try:
                yield f"theorem {theorem.id}", prove(theorem, Limits(backstop_ms=20_000)).as_expected
            except ReplayMismatch:
                yield f"theorem {theorem.id}", False


def _properties(clauses: tuple[str, ...], linked: bool) -> Iterator[tuple[str, bool]]:
    """Yield (name, still passes) for the properties of `clauses` (`linked`), or for all the others."""
    from headgate.spec.links import CHECKS

    _import_properties()
    ours = {name for clause in clauses for name in CHECKS.get(clause, ())}
    for name in sorted({name for checked in CHECKS.values() for name in checked}):
        if name.startswith("headgate.properties.") and ".test_recordings." not in name and (name in ours) is linked:
            yield f"property {name.removeprefix('headgate.properties.')}", _passes(name)


def _import_properties() -> None:
    """Import every property of the model under settings of our own: nothing shrinks, nothing is timed."""
    import hypothesis

    import headgate.properties

    # A property takes its settings from the profile that is loaded when it is imported.
    settings = hypothesis.settings(
        derandomize=True, database=None, deadline=None, max_examples=100, print_blob=False,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    hypothesis.settings.register_profile("mutants", settings)
    hypothesis.settings.load_profile("mutants")
    folder = Path(next(iter(headgate.properties.__path__)))
    for file in sorted(folder.glob("test_*.py")):
        if file.stem != "test_recordings":
            importlib.import_module(f"headgate.properties.{file.stem}")


def _passes(name: str) -> bool:
    module, _, function = name.rpartition(".")
    check = getattr(sys.modules[module], function)
    for arguments in _parameters(check):
        try:
            check(**arguments)
        except Exception:
            return False
    return True


def _parameters(check: Any) -> Iterator[dict[str, Any]]:
    """Yield the arguments that pytest would call a property with: the plain parametrizations of one name each."""
    marks = [mark.args for mark in getattr(check, "pytestmark", ()) if mark.name == "parametrize"]
    for choice in itertools.product(*(values for _, values in marks)):
        yield {name: value for (name, _), value in zip(marks, choice, strict=True)}


class _OutOfTime(BaseException):
    """Time is up; no check may take it for its own failure."""


def _out_of_time(*_: object) -> None:
    raise _OutOfTime(f"nobody noticed within {MOST_SECONDS} s")


def _judge(mutant: Mutant) -> Outcome:
    """Run in a fresh process: import the mutant, then ask the theorems and the properties."""
    begun = time.monotonic()
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.alarm(MOST_SECONDS)
    sys.meta_path.insert(0, _MutantFinder(mutant))  # type: ignore[arg-type]
    try:
        for linked in (True, False):
            for checks in (_theorems, _properties):
                for name, fine in checks(mutant.clauses, linked):
                    if not fine:
                        return Outcome(mutant.id, name, time.monotonic() - begun)
    except (Exception, _OutOfTime) as error:
        return Outcome(mutant.id, None, time.monotonic() - begun, f"{type(error).__name__}: {error}")
    return Outcome(mutant.id, None, time.monotonic() - begun, "survived")


UNCHANGED = Mutant("unchanged", "bucket", "return Bucket(depth)", "return Bucket(depth)", ("TB-1",))


def run(mutants: Iterable[Mutant], workers: int = 2) -> list[Outcome]:
    """Judge `mutants`, each in a process of its own; the outcomes keep their order."""
    # What is slow to import and is not headgate's is shared by all forks.
    for name in ("hypothesis", "numpy", "z3"):
        importlib.import_module(name)
    context = multiprocessing.get_context("fork")
    with context.Pool(workers, maxtasksperchild=1) as pool:
        return pool.map(_judge, list(mutants), chunksize=1)


def _print_table(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        print(f"{outcome.id:34} {outcome.killer or 'SURVIVED ' + outcome.note:60} {outcome.seconds:5.1f} s")
    killed = sum(outcome.killer is not None for outcome in outcomes)
    print(f"{killed} of {len(outcomes)} mutants killed")


def main() -> int:
    """Run the mutants named on the command line (all by default); 0 if every one is killed."""
    parser = argparse.ArgumentParser(description="Run the mutants of the model.")
    parser.add_argument("ids", nargs="*")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    chosen = [m for m in (*MUTANTS, UNCHANGED) if m.id in given.ids] if given.ids else list(MUTANTS)
    outcomes = run(chosen)
    if given.json:
        print(json.dumps([attrs.asdict(outcome) for outcome in outcomes]))
    else:
        _print_table(outcomes)
    return 0 if all(outcome.killer for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
