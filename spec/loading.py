"""Reaches an object of the user's own code by its name, `package.module:NAME`: from the command line, never a file."""

import importlib
import sys
from pathlib import Path
from typing import Any

from headgate.spec.errors import InputError, one_line

__all__ = ["FOREIGN", "load_object"]

# What code of others may raise and is not headgate's fault. Some scripts end the program as soon as they are imported;
# that must not pass for a verdict.
FOREIGN = (Exception, SystemExit, GeneratorExit)

LONGEST_DETAIL = 300


def load_object(path: str, form: str = "package.module:NAME") -> Any:
    """Return what `path` names; InputError, with the place, where there is none. `form` is how a path is expected.

    The current folder comes first, as it does for `python -m`.
    """
    module_name, _, name = path.partition(":")
    if not module_name or not name:
        raise InputError(path[:100], form)
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module_name)
    except FOREIGN as error:
        words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise InputError(module_name, "a module that can be imported", one_line(words)[:LONGEST_DETAIL]) from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise InputError(path[:100], f"an object {part} in {module_name}")
        found = getattr(found, part)
    return found
