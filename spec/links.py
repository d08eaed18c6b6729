"""Who claims to implement or to check which clause.

A function of the model says `@implements("TB-2")`, a property `@checks("TB-2")`; a theorem carries its clause as
data. The tables below are filled when those modules are imported; `headgate.spec.traceability` reads them.
"""

from collections.abc import Callable
from typing import TypeVar

__all__ = ["CHECKS", "IMPLEMENTS", "checks", "implements"]

IMPLEMENTS: dict[str, list[str]] = {}
CHECKS: dict[str, list[str]] = {}

Function = TypeVar("Function", bound=Callable[..., object])


def implements(*clauses: str) -> Callable[[Function], Function]:
    """Record that the decorated function of the model implements `clauses`."""
    return _recorder(IMPLEMENTS, clauses)


def checks(*clauses: str) -> Callable[[Function], Function]:
    """Record that the decorated property checks `clauses`."""
    return _recorder(CHECKS, clauses)


def _recorder(table: dict[str, list[str]], clauses: tuple[str, ...]) -> Callable[[Function], Function]:
    def record(function: Function) -> Function:
        # A wrapper's qualified name may say where it was made; then its plain name is where it is found.
        name = function.__name__ if "<locals>" in function.__qualname__ else function.__qualname__
        where = f"{function.__module__}.{name}"
        for clause in clauses:
            known = table.setdefault(clause, [])
            if where not in known:
                known.append(where)
        return function

    return record
