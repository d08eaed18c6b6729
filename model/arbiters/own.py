"""A policy of the user's own: what of their code is taken for a policy, and how one is made of a function.

Three forms are accepted. A `Policy`, as it is; a function `select(state, tenants, heads, waiting)` that returns
(found, tenant number, state), where `state.last` is the tenant served last, to be replaced by `Turn(tenant)`; or a
function `key(tenants, heads, k)` that returns the key of tenant k: the smallest key that waits is served, on a tie the
first in the tenants' order. Functions are told apart by how many parameters they have; their heads bear the size and
the order of arrival, and no tags. All of them are written over `headgate.model.algebra`, as every rule is, and pure.
"""

import inspect
from collections.abc import Callable
from typing import Any

import attrs

from headgate.model.algebra import best
from headgate.model.arbiters import fcfs, round_robin
from headgate.model.arbiters.common import Policy, Stamp, Tenants
from headgate.model.arbiters.fcfs import NoState, plain_stamp, rest
from headgate.spec.errors import InputError
from headgate.spec.units import Number

__all__ = ["FORMS", "Key", "policy_of"]

FORMS = "a Policy, a function select(state, tenants, heads, waiting), or a function key(tenants, heads, k)"
_SELECT, _KEY = 4, 3  # parameters

Key = Callable[[Tenants, tuple[Stamp, ...], int], Number]


def policy_of(found: Any, name: str) -> Policy:
    """Return the policy that `found` is or makes, under `name`; InputError, one line, for anything else."""
    if isinstance(found, Policy):
        return attrs.evolve(found, name=name)
    parameters = _parameters(found)
    if parameters == _SELECT:
        return Policy(name, round_robin.start, plain_stamp, found, rest)
    if parameters == _KEY:
        return Policy(name, fcfs.start, plain_stamp, _by_key(found), rest)
    raise InputError(name, FORMS, type(found).__name__ if parameters is None else f"{parameters} parameters")


def _parameters(found: Any) -> int | None:
    """Return how many parameters a function has; None for what is none."""
    if not callable(found) or isinstance(found, type):
        return None
    try:
        return len(inspect.signature(found).parameters)
    except (TypeError, ValueError):
        return None


def _by_key(key: Key) -> Callable[..., tuple[Any, Number, NoState]]:
    """Return the select that serves the smallest key of those that wait."""

    def select(
        state: NoState, tenants: Tenants, heads: tuple[Stamp, ...], waiting: tuple[Any, ...]
    ) -> tuple[Any, Number, NoState]:
        keys = [key(tenants, heads, tenant) for tenant in range(tenants.count)]
        if any(isinstance(number, bool | float) for number in keys):
            raise TypeError("a key must be an exact number, neither a float nor a truth value")
        found, tenant, _ = best(keys, waiting, tenants.order)
        return found, tenant, state

    return select
