"""The suites, one file a role: what is offered to an implementation of the role, and how its answers are judged."""

import importlib

from headgate.properties.review.suites.common import Suite

__all__ = ["ROLES", "suite_of"]

ROLES = ("bucket", "shaper", "marker", "arbiter", "allocator", "cache", "admission")


def suite_of(role: str) -> Suite:
    """Return the suite of a role; KeyError where there is none."""
    if role not in ROLES:
        raise KeyError(role)
    suite: Suite = importlib.import_module(f"headgate.properties.review.suites.{role}").SUITE
    return suite
