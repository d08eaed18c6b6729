"""Miniatures: implementations of a page at most, right and wrong, that a review has to tell apart.

A wrong one carries a bug that was seen in the wild, and the clauses by one of which it must be caught; a right one is
written as somebody else would write it, and must never be accused. One file a role; wrong arbiters have files of
their own.
"""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import attrs

__all__ = ["MINIATURES", "ROLES", "Miniature", "correct", "of_role", "wrong"]

ROLES = ("bucket", "shaper", "marker", "arbiter", "allocator", "cache", "admission")


@attrs.frozen
class Miniature:
    """A miniature: its role, what it is declared to be, and the clauses it breaks (none: it is right)."""

    role: str
    factory: Callable[..., Any]
    clauses: tuple[str, ...]
    declared: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Return its name, for a test and a table."""
        return f"{self.role}-{self.factory.__name__}"


MINIATURES: list[Miniature] = []


def wrong(clauses: str, **declared: Any) -> Callable[[Any], Any]:
    """Enter a class as wrong: it must be caught by one of `clauses` (written "TB-4 TB-5")."""
    return _entered(tuple(clauses.split()), declared)


def correct(**declared: Any) -> Callable[[Any], Any]:
    """Enter a class as right."""
    return _entered((), declared)


def _entered(clauses: tuple[str, ...], declared: dict[str, Any]) -> Callable[[Any], Any]:
    def enter(factory: Any) -> Any:
        role = factory.__module__.rpartition(".")[2].removeprefix("wrong_").partition("_")[0]
        MINIATURES.append(Miniature(role, factory, clauses, declared))
        return factory

    return enter


def of_role(role: str, right: bool) -> list[Miniature]:
    """Return the miniatures of a role that are right, or those that are wrong."""
    return [each for each in MINIATURES if each.role == role and (not each.clauses) == right]


for _role in (*ROLES, "bucket_windows", "arbiter_strict", "wrong_arbiter", "wrong_arbiter_fluid"):
    importlib.import_module(f"headgate.tests.miniatures.{_role}")
