"""Every mutant of the model, one file a group of mechanisms. `MUTANTS` lists them all."""

import importlib
import pkgutil

from headgate.tests.mutants.mutant import Mutant

__all__ = ["MUTANTS", "Mutant"]

# The files of this folder, in the order of their names; a group is a file with a tuple MUTANTS.
GROUPS = [module.name for module in pkgutil.iter_modules(__path__) if module.name != "mutant"]
MUTANTS: tuple[Mutant, ...] = tuple(
    mutant for name in GROUPS for mutant in importlib.import_module(f"{__name__}.{name}").MUTANTS
)
