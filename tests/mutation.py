"""Break each rule by hand and see who notices: the mutants, and the program that runs them.

A mutant replaces one piece of text in one module of the model. It is killed by a theorem that no longer gets its
verdict, properties left aside; where no theorem can, the mutant says so (`property_only`, with the reason), and a
property that fails kills it. A disagreement between two implementations does not count. The theorems of the clauses
that the broken function implements are asked first, then all others that run this function (`headgate.tests.reach`),
then the properties, those of these clauses first.

`python -m headgate.tests.mutation [ID ...]` runs them and prints the table; `--json` prints it for a machine, and
`--all` asks every theorem: also those that do not run the function, and slow ones where a reason is given; `--sample`
runs half of the mutants that a theorem kills and an eighth of the others, always the same ones. Each mutant lives in a
process of its own, forked before any module of headgate is imported.
"""

import argparse
import functools
import hashlib
import importlib
import importlib.util
import itertools
import json
import multiprocessing
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from headgate.tests.mutants import MUTANTS, Mutant
from headgate.tests.reach import Reach, place_of, reaches

__all__ = ["MUTANTS", "Mutant", "Outcome", "lines_of", "run", "sample"]


# A mutant that runs for ever is not killed by being stopped.
MOST_SECONDS = 600
QUICK_S = 0.5
# Examples of a property that has let a mutant of its own clauses pass.
MORE = 1000


@attrs.frozen
class Outcome:
    """What became of a mutant: its killer ("theorem NAME" or "property NAME"), or None if it survived.

    `property_only` is the reason that the mutant gives for having no theorem.
    """

    id: str
    killer: str | None
    seconds: float
    note: str = ""
    property_only: str = ""

    @property
    def fault(self) -> str:
        """What is wrong with the outcome, if anything is."""
        if self.killer is None:
            return f"survived: {self.note}"
        by_theorem = self.killer.startswith("theorem ")
        if by_theorem and self.property_only:
            return f"stale property_only: {self.killer} kills it"
        return "" if by_theorem or self.property_only else "no theorem kills it, and property_only gives no reason"


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


def _theorems(mutant: Mutant, known: Mapping[str, Reach] | None) -> Iterator[tuple[str, bool]]:
    """Yield (name, still as expected) for the theorems, those of the mutant's clauses first, then the quicker ones.

    Of those whose reach is `known`, only what reaches the change; a theorem that breaks down is not as expected. But a
    name that nothing defines is a slip of the mutant's own text: it is nobody's merit to notice it.
    """
    from headgate.proofs.catalogue import catalogue
    from headgate.proofs.runner import Limits, prove

    theorems = [theorem for theorem in catalogue() if known is None or _is_asked(known[theorem.id], mutant)]
    cost = {theorem.id: 0.0 if known is None else known[theorem.id].seconds for theorem in theorems}
    for theorem in sorted(theorems, key=lambda t: (not set(t.clauses) & set(mutant.clauses), cost[t.id])):
        try:
            yield f"theorem {theorem.id}", prove(theorem, Limits(backstop_ms=20_000)).as_expected
        except NameError:
            raise
        except Exception:
            yield f"theorem {theorem.id}", False


def _is_asked(reach: Reach, mutant: Mutant) -> bool:
    """Whether the theorem runs the change; whether a reason is stale, only quick theorems are asked."""
    is_quick = reach.seconds <= QUICK_S or not mutant.property_only
    return is_quick and reach.holds(f"headgate.model.{mutant.module}", _place(mutant))


@functools.cache
def _place(mutant: Mutant) -> str:
    """Return the function whose text the mutant changes; "" where it stands in none."""
    spec = importlib.util.find_spec(f"headgate.model.{mutant.module}")
    assert spec is not None
    assert spec.origin is not None
    text = Path(spec.origin).read_text(encoding="utf-8")
    return place_of(text, max(0, text.find(mutant.old)))


def _properties(mutant: Mutant) -> Iterator[tuple[str, bool]]:
    """Yield (name, still passes) for the properties, those of the mutant's clauses first.

    These are asked again, with more examples, before the others are: what they draw changes with the code around them.
    """
    yield from _properties_of(mutant.clauses, True)
    yield from _properties_of(mutant.clauses, True, MORE)
    yield from _properties_of(mutant.clauses, False)


def _properties_of(clauses: tuple[str, ...], linked: bool, examples: int = 0) -> Iterator[tuple[str, bool]]:
    """Yield (name, still passes) for the properties of `clauses` (`linked`), or for all the others."""
    from headgate.spec.links import CHECKS

    _import_properties()
    ours = {name for clause in clauses for name in CHECKS.get(clause, ())}
    for name in sorted({name for checked in CHECKS.values() for name in checked}):
        if name.startswith("headgate.properties.") and ".test_recordings." not in name and (name in ours) is linked:
            yield f"property {name.removeprefix('headgate.properties.')}", _passes(name, examples)


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


def _passes(name: str, examples: int) -> bool:
    """Whether a property passes, with so many examples (0: as many as it says)."""
    module, _, function = name.rpartition(".")
    check = getattr(sys.modules[module], function)
    if examples and getattr(check, "is_hypothesis_test", False):
        check = _more(check, examples)
    for arguments in _parameters(check):
        try:
            check(**arguments)
        except NameError:
            raise
        except Exception:
            return False
    return True


def _more(check: Any, examples: int) -> Any:
    """Return a property with so many examples, unless it has settings of its own."""
    import hypothesis

    if getattr(check, "_hypothesis_internal_settings_applied", False):
        return check
    return hypothesis.settings(max_examples=examples)(check)


def _parameters(check: Any) -> Iterator[dict[str, Any]]:
    """Yield the arguments that pytest would call a property with: the plain parametrizations of one name each."""
    marks = [mark.args for mark in getattr(check, "pytestmark", ()) if mark.name == "parametrize"]
    for choice in itertools.product(*(values for _, values in marks)):
        yield {name: value for (name, _), value in zip(marks, choice, strict=True)}


class _OutOfTime(BaseException):
    """Time is up; no check may take it for its own failure."""


def _out_of_time(*_: object) -> None:
    raise _OutOfTime(f"nobody noticed within {MOST_SECONDS} s")


def _judge(task: tuple[Mutant, Mapping[str, Reach] | None]) -> Outcome:
    """Run in a fresh process: import the mutant, then ask the theorems and the properties."""
    mutant, known = task
    begun = time.monotonic()
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.alarm(MOST_SECONDS)
    sys.meta_path.insert(0, _MutantFinder(mutant))  # type: ignore[arg-type]
    try:
        importlib.import_module(f"headgate.model.{mutant.module}")
        for name, fine in itertools.chain(_theorems(mutant, known), _properties(mutant)):
            if not fine:
                return Outcome(mutant.id, name, time.monotonic() - begun, "", mutant.property_only)
    except (Exception, _OutOfTime) as error:
        note = f"{type(error).__name__}: {error}"
        return Outcome(mutant.id, None, time.monotonic() - begun, note, mutant.property_only)
    return Outcome(mutant.id, None, time.monotonic() - begun, "survived", mutant.property_only)


UNCHANGED = Mutant("unchanged", "bucket", "return Bucket(depth)", "return Bucket(depth)", ("TB-1",))


# To know what theorems reach costs as much as to ask all of them of so many mutants.
FEW = 1


def run(mutants: Sequence[Mutant], asks_all: bool = False, workers: int = 2) -> list[Outcome]:
    """Judge `mutants`, each in a process of its own; the outcomes keep their order.

    Unless `asks_all`, a theorem that does not run what a mutant changes is not asked about it.
    """
    # What is slow to import and is not headgate's is shared by all forks.
    for name in ("hypothesis", "numpy", "z3"):
        importlib.import_module(name)
    context = multiprocessing.get_context("fork")
    with context.Pool(workers, maxtasksperchild=1) as pool:
        known = None if asks_all or len(mutants) <= FEW else pool.apply(reaches)
        return pool.map(_judge, [(mutant, known) for mutant in mutants], chunksize=1)


def lines_of(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield the table: a line a mutant, by whom it was killed, and why by no theorem; then how many."""
    for outcome in outcomes:
        kind, _, name = (outcome.killer or "").partition(" ")
        why = outcome.fault or outcome.property_only
        yield f"{outcome.id:36} {kind or 'SURVIVED':8} {name:32} {outcome.seconds:5.1f} s  {why}".rstrip()
    by = [(outcome.killer or "nobody").partition(" ")[0] for outcome in outcomes]
    kinds = f"{by.count('theorem')} by a theorem alone, {by.count('property')} by a property"
    yield f"{len(by) - by.count('nobody')} of {len(by)} mutants killed: {kinds}"


# Of the mutants that a theorem should kill, and of those that only the slower properties can: one in so many.
EVERY, EVERY_HELD = 2, 8


def sample(mutants: Sequence[Mutant]) -> list[Mutant]:
    """Return one in `EVERY` of those that a theorem should kill, one in `EVERY_HELD` of the others, by their ids."""

    def is_taken(mutant: Mutant) -> bool:
        place = hashlib.sha256(mutant.id.encode()).digest()[0]
        return place % (EVERY_HELD if mutant.property_only else EVERY) == 0

    return [mutant for mutant in mutants if is_taken(mutant)]


def main() -> int:
    """Run the mutants named on the command line (all by default); 0 if every one is killed."""
    parser = argparse.ArgumentParser(description="Run the mutants of the model.")
    parser.add_argument("ids", nargs="*")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--sample", action="store_true")
    given = parser.parse_args()
    chosen = [m for m in (*MUTANTS, UNCHANGED) if m.id in given.ids] if given.ids else list(MUTANTS)
    outcomes = run(sample(chosen) if given.sample else chosen, given.all)
    if given.json:
        print(json.dumps([attrs.asdict(outcome) for outcome in outcomes]))
    else:
        print("\n".join(lines_of(outcomes)))
    return 1 if any(outcome.fault for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
