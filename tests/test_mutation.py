"""Every mutant of the rules is killed by a theorem or a property, and the unchanged model by none."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from headgate.tests.mutation import EVERY, EVERY_HELD, MUTANTS, Mutant, Outcome, lines_of, sample
from headgate.tests.reach import Reach, place_of


def outcomes(*arguments: str, timeout: int = 1500) -> list[Outcome]:
    """Run the mutants in a program of its own, since the model must not be imported before it is broken."""
    command = [sys.executable, "-m", "headgate.tests.mutation", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.stdout, done.stderr
    return [Outcome(**fields) for fields in json.loads(done.stdout)]


def test_there_are_enough_and_their_names_are_unique() -> None:
    assert len({mutant.id for mutant in MUTANTS}) == len(MUTANTS) >= 25


def test_what_a_mutant_replaces_stands_in_its_module_once() -> None:
    assert {mutant.id: count for mutant in MUTANTS if (count := text_of(mutant).count(mutant.old)) != 1} == {}


def text_of(mutant: Mutant) -> str:
    """Return the text of the module that the mutant changes."""
    spec = importlib.util.find_spec(f"headgate.model.{mutant.module}")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text("utf-8")


@pytest.mark.parametrize(("is_held", "every"), [(False, EVERY), (True, EVERY_HELD)])
def test_a_sample_is_as_large_as_it_says(is_held: bool, every: int) -> None:
    taken = {mutant.id for mutant in sample(MUTANTS)}
    these = [mutant.id for mutant in MUTANTS if bool(mutant.property_only) is is_held]
    assert len(these) < 2 * every * sum(each in taken for each in these) < 4 * len(these)


@pytest.mark.soak
def test_the_unchanged_model_survives() -> None:
    [outcome] = outcomes("unchanged")
    assert (outcome.killer, outcome.note) == (None, "survived")


def test_a_sample_of_mutants_is_killed(
    record_property: Callable[[str, object], None],
) -> None:
    check(outcomes("--sample"), record_property)


@pytest.mark.soak
def test_every_mutant_is_killed_by_a_theorem_or_says_why_not(record_property: Callable[[str, object], None]) -> None:
    check(outcomes(timeout=7200), record_property)


@pytest.mark.soak
def test_no_theorem_that_is_not_asked_would_kill_a_mutant(record_property: Callable[[str, object], None]) -> None:
    check(outcomes("--all", timeout=7200), record_property)


def check(found: list[Outcome], record_property: Callable[[str, object], None]) -> None:
    """Print who killed whom, and let nothing pass that survived, or has not the killer that it says."""
    record_property("table: mutants of the rules, and who killed them", "\n".join(lines_of(found)))
    assert [f"{outcome.id}: {outcome.fault}" for outcome in found if outcome.fault] == []


# ---- what a mutant's outcome may be ----


def test_a_killer_is_the_one_that_is_declared() -> None:
    by_theorem = Outcome("a", "theorem sfq-delay", 0.1)
    by_property = Outcome("a", "property test_sfq.test_x", 0.1)
    assert (by_theorem.fault, attrs.evolve(by_property, property_only="reason").fault) == ("", "")
    assert "no theorem kills it" in by_property.fault
    assert "stale" in attrs.evolve(by_theorem, property_only="reason").fault
    assert "survived" in Outcome("a", None, 0.1, "survived", "reason").fault


# ---- what a theorem reaches ----

SOURCE = """
LIMIT = 3

class Box:
    size: int = 1

    @property
    def twice(self) -> int:
        return 2 * self.size

def outer(n: int = 5) -> int:
    def inner() -> int:
        return n + LIMIT
    return inner()
"""


@pytest.mark.parametrize(
    ("text", "place"),
    [("= 3", ""), ("= 1", ""), ("2 *", "Box.twice"), ("= 5", ""), ("n + LIMIT", "outer"), ("return inner", "outer")],
)
def test_a_place_is_the_function_that_runs_it(text: str, place: str) -> None:
    assert place_of(SOURCE, SOURCE.index(text)) == place


def test_what_is_called_and_what_is_imported_is_reached() -> None:
    reach = Reach(frozenset({"headgate.model.bucket:offer"}), frozenset({"headgate.model.bucket"}), 0.1)
    assert reach.holds("headgate.model.bucket", "offer")
    assert reach.holds("headgate.model.bucket", ""), "what stands in no function may be anybody's"
    assert not reach.holds("headgate.model.bucket", "refill")
    assert not reach.holds("headgate.model.meter", "")
