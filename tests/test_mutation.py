"""Every mutant of the rules is killed by a theorem or a property, and the unchanged model by none."""

import json
import subprocess
import sys
from collections.abc import Callable

from headgate.tests.mutation import MUTANTS


def outcomes(*arguments: str) -> list[dict[str, object]]:
    """Run the mutants in a program of its own, since the model must not be imported before it is broken."""
    command = [sys.executable, "-m", "headgate.tests.mutation", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1500, check=False)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


def test_there_are_enough_and_their_names_are_unique() -> None:
    assert len({mutant.id for mutant in MUTANTS}) == len(MUTANTS) >= 25


def test_the_unchanged_model_survives() -> None:
    [outcome] = outcomes("unchanged")
    assert (outcome["killer"], outcome["note"]) == (None, "survived")


def test_every_mutant_is_killed(record_property: Callable[[str, object], None]) -> None:
    found = outcomes()
    lines = [f"{outcome['id']:34} {outcome['killer'] or 'SURVIVED: ' + str(outcome['note'])}" for outcome in found]
    record_property("table: mutants of the rules, and who killed them", "\n".join(lines))
    assert [outcome["id"] for outcome in found if not outcome["killer"]] == []
