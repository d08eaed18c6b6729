"""Brings the links of every clause together: imports the rooms, whose decorators fill the tables, and the theorems.

Here alone all modules are walked; `headgate spec` and the test of traceability share it.
"""

import pkgutil
from collections.abc import Mapping
from importlib import import_module

__all__ = ["import_rooms", "theorems"]

ROOMS = ("spec", "model", "proofs", "properties", "cli")
# Modules that act when they are imported.
LEFT_OUT = (".conftest", ".__main__")


def import_rooms() -> None:
    """Import every module of every room, so that all links are recorded."""
    for room in ROOMS:
        package = import_module(f"headgate.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"headgate.{room}."):
            if not module.name.endswith(LEFT_OUT):
                import_module(module.name)


def theorems() -> Mapping[str, tuple[str, ...]]:
    """Return the clauses of every theorem by its id."""
    from headgate.proofs.catalogue import catalogue

    return {theorem.id: tuple(theorem.clauses) for theorem in catalogue()}
