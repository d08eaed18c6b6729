"""Which functions of the model a theorem reaches: only these can change its verdict.

A theorem is decided once under a profiler that notes every function called, those of the proofs included. What stands
in no function counts as reached if the module is: one of its functions was called, or a method that attrs made for one
of its records, or plain data of it (a number, a text, a tuple of these) is imported by name into a module that is.
"""

import ast
import importlib
import re
import sys
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import attrs

__all__ = ["Reach", "place_of", "reaches"]

PLAIN = (int, str, Fraction, tuple, frozenset)
_MADE_BY_ATTRS = re.compile(r"headgate\.[\w.]+(?=\.\w+>)")


@attrs.frozen
class Reach:
    """What deciding a theorem runs: functions as "module:name" and modules by their full name; the seconds it takes."""

    functions: frozenset[str]
    modules: frozenset[str]
    seconds: float

    def holds(self, module: str, place: str) -> bool:
        """Return whether a change at `place` of a module ("": in no function) can change the verdict."""
        return module in self.modules if not place else f"{module}:{place}" in self.functions


def place_of(source: str, offset: int) -> str:
    """Return the function, or the method of a class, that holds the character at `offset`; "" where none does."""
    line = source.count("\n", 0, offset) + 1
    names = []
    body: Sequence[ast.AST] = ast.parse(source).body
    while True:
        inside = [n for n in body if isinstance(n, ast.ClassDef | ast.FunctionDef) and _first(n) <= line <= _last(n)]
        if not inside:
            return ""
        names.append(inside[0].name)
        if isinstance(inside[0], ast.FunctionDef):
            return ".".join(names)
        body = inside[0].body


def _first(node: ast.ClassDef | ast.FunctionDef) -> int:
    return node.body[0].lineno if isinstance(node, ast.FunctionDef) else node.lineno


def _last(node: ast.ClassDef | ast.FunctionDef) -> int:
    return node.end_lineno or node.lineno


def reaches() -> dict[str, Reach]:
    """Return what each theorem of the catalogue reaches, by its id; all of them are decided."""
    from headgate.proofs.catalogue import catalogue
    from headgate.proofs.runner import prove

    found = {}
    for theorem in catalogue():
        called: set[CodeType] = set()

        def note(frame: FrameType, event: str, _: Any, called: set[CodeType] = called) -> None:
            if event == "call":
                called.add(frame.f_code)

        sys.setprofile(note)
        try:
            seconds = prove(theorem).seconds
        finally:
            sys.setprofile(None)
        functions = _functions(called)
        modules = {name.partition(":")[0] for name in functions} | _of_records(called)
        found[theorem.id] = Reach(frozenset(functions), _with_data(modules), seconds)
    return found


def _functions(called: Iterable[CodeType]) -> set[str]:
    """Return the functions of headgate among them; one that stands inside another is called by its name."""
    files = {sys.modules[name].__file__: name for name in list(sys.modules) if _is_ours(name)}
    ours = [code for code in called if code.co_filename in files]
    return {f"{files[code.co_filename]}:{code.co_qualname.partition('.<locals>')[0]}" for code in ours}


def _of_records(called: Iterable[CodeType]) -> set[str]:
    made = [_MADE_BY_ATTRS.search(code.co_filename) for code in called]
    return {match.group() for match in made if match is not None}


def _is_ours(name: str) -> bool:
    return name.startswith("headgate.") and getattr(sys.modules[name], "__file__", None) is not None


def _with_data(modules: set[str]) -> frozenset[str]:
    """Return the modules with those whose plain data they import, and so on."""
    reached, to_do = set(modules), list(modules)
    while to_do:
        for other in _sources_of_data(to_do.pop()) - reached:
            reached.add(other)
            to_do.append(other)
    return frozenset(reached)


def _sources_of_data(name: str) -> set[str]:
    module = importlib.import_module(name)
    assert module.__file__ is not None
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {
        node.module
        for node in imports
        if node.module is not None and node.module.startswith("headgate.") and _gives_data(node.module, node.names)
    }


def _gives_data(name: str, aliases: Sequence[ast.alias]) -> bool:
    module = importlib.import_module(name)
    return any(isinstance(getattr(module, alias.name, None), PLAIN) for alias in aliases)
