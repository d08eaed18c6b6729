"""Inductive invariants as named conjuncts, so that each can be left out to see whether a proof misses it.

A theorem that holds because its invariant is strong enough should fail when the invariant is made weaker. What no
proof misses is either dead weight or a sign that the obligations do not ask what they should.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import z3

__all__ = ["dropping", "invariant", "watching"]

_DROPPED: ContextVar[tuple[str, str] | None] = ContextVar("dropped", default=None)
_SEEN: ContextVar[dict[str, list[str]] | None] = ContextVar("seen", default=None)


def invariant(name: str, **conjuncts: Any) -> Any:
    """Return the conjunction of `conjuncts`, without the one that is being dropped."""
    seen = _SEEN.get()
    if seen is not None:
        known = seen.setdefault(name, [])
        known += [each for each in conjuncts if each not in known]
    return z3.And(*(term for each, term in conjuncts.items() if (name, each) != _DROPPED.get()))


@contextmanager
def dropping(name: str, conjunct: str) -> Iterator[None]:
    """Within this context the invariant `name` lacks `conjunct`, in premises and in goals."""
    token = _DROPPED.set((name, conjunct))
    try:
        yield
    finally:
        _DROPPED.reset(token)


@contextmanager
def watching() -> Iterator[dict[str, list[str]]]:
    """Within this context the invariants that are built are noted: the names of their conjuncts by their own."""
    seen: dict[str, list[str]] = {}
    token = _SEEN.set(seen)
    try:
        yield seen
    finally:
        _SEEN.reset(token)
