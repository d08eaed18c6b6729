"""Hypothesis profiles: how many examples a property gets, and whether a run can be repeated.

`load()` picks the one that the environment names in HYPOTHESIS_PROFILE. The conftest of every room with
tests calls it, so that a checkout and an installed wheel test alike.
"""

import os
from collections.abc import Mapping

from hypothesis import HealthCheck, settings

VARIABLE = "HYPOTHESIS_PROFILE"
DEFAULT = "ci"

# Where Hypothesis sees a CI it chooses another parent by itself; named, the parent is the same everywhere.
_PARENT = settings.get_profile("default")

PROFILES: Mapping[str, settings] = {
    # The same examples on every machine: a red run is a change in the code, never in the dice.
    "ci": settings(_PARENT, derandomize=True, max_examples=100, database=None, deadline=None),
    # While one writes: the same, shorter.
    "quick": settings(_PARENT, derandomize=True, max_examples=25, database=None, deadline=None),
    # The long search. Its dice are fresh, so it prints how to repeat what it finds.
    "soak": settings(
        _PARENT,
        derandomize=False,
        max_examples=10_000,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],  # nobody waits for it
    ),
}


def load(environ: Mapping[str, str] = os.environ) -> str:
    """Make the profile that the environment names the current one; return its name.

    Raises ValueError, with the value and what is known, if there is no such profile.
    """
    name = environ.get(VARIABLE) or DEFAULT
    if name not in PROFILES:
        raise ValueError(f"{VARIABLE}={name!r}: expected one of {', '.join(sorted(PROFILES))}")
    for each, profile in PROFILES.items():
        settings.register_profile(each, profile)
    settings.load_profile(name)
    return name
