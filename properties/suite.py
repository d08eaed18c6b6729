"""The suites as test classes: one line in a test file holds an implementation against the clauses.

    from headgate.properties import suite

    TestBucket = suite.bucket(make_bucket, rate=10, burst=20, clock="s", floats=True)

`make_bucket(rate=..., burst=...)` returns an object with the methods that the role asks for. What is not fixed is
drawn. The profile is what the environment's HEADGATE_PROFILE names: quick, ci (the default, the same cases on every
machine) or explore.
"""

import os
from collections.abc import Callable
from typing import Any

from headgate.properties.review.declaring import declare
from headgate.properties.review.hunt import PROFILES, Outcome, Review, hunt
from headgate.properties.review.report import review_text
from headgate.properties.review.targets import PythonTarget
from headgate.spec.errors import InputError

__all__ = [
    "ReviewFailed",
    "admission",
    "allocator",
    "arbiter",
    "bucket",
    "cache",
    "marker",
    "profile_name",
    "shaper",
]

VARIABLE = "HEADGATE_PROFILE"

Factory = Callable[..., Any]


class ReviewFailed(AssertionError):
    """The implementation does not conform; the text says what it did, and which call shows it."""

    def __init__(self, review: Review) -> None:
        super().__init__("\n" + review_text(review))
        self.review = review


def profile_name() -> str:
    """Return the profile that the environment names; InputError if there is none of that name."""
    name = os.environ.get(VARIABLE) or "ci"
    if name not in PROFILES:
        raise InputError(VARIABLE, f"one of {', '.join(PROFILES)}", repr(name)[:60])
    return name


def bucket(factory: Factory, policy: str | None = None, **declared: Any) -> type:
    """Return a test class for something with `offer(now, size) -> bool`.

    Policies: token-bucket (rate, burst); fixed-window, fixed-window-attempts, sliding-window and sliding-window-counter
    (window, burst).
    """
    return _class("bucket", factory, policy, declared)


def shaper(factory: Factory, policy: str | None = None, **declared: Any) -> type:
    """Return a test class for something with `submit(now, size) -> departure` (rate, burst)."""
    return _class("shaper", factory, policy, declared)


def marker(factory: Factory, policy: str | None = None, **declared: Any) -> type:
    """Return a test class for something with `mark(now, size) -> colour` (cir, cbs, pir, pbs)."""
    return _class("marker", factory, policy, declared)


def arbiter(factory: Factory, policy: str | None = None, **declared: Any) -> type:
    """Return a test class for something with `enqueue(now, tenant, size)` and `dequeue(now) -> tenant` (weights).

    Policies: sfq (the default), scfq, wfq, wf2q+, vtc, drr, round-robin, fcfs, priority.
    """
    return _class("arbiter", factory, policy, declared)


def allocator(factory: Factory, policy: str | None = None, **declared: Any) -> type:
    """Return a test class for something with `allocate(tenant, pages) -> pages` and `free(tenant, pages)`.

    Numbers: pages, banks, colors, quotas.
    """
    return _class("allocator", factory, policy, declared)


def cache(factory: Factory, policy: str | None = None, **declared: Any) -> type:
    """Return a test class for something with `touch`, `insert`, `evict`, `pin` and `unpin` (frames, floors).

    Policies: lru (the default), lru-floor, resident.
    """
    return _class("cache", factory, policy, declared)


def admission(factory: Factory, policy: str | None = None, **declared: Any) -> type:
    """Return a test class for something with `request(tenant, amount) -> bool` and `release(tenant, amount)`.

    A second client asks in the middle of a request, unless it is declared `single_threaded`.
    """
    return _class("admission", factory, policy, declared)


# What is declared beside the numbers of a role.
DECLARATIONS = (
    "clock", "floats", "goes_back", "tolerance", "keys", "legal_only", "single_threaded", "largest", "without",
)  # fmt: skip


def _class(role: str, factory: Factory, policy: str | None, declared: dict[str, Any]) -> type:
    how = {name: declared.pop(name) for name in DECLARATIONS if name in declared}
    suite, declaration = declare(role, policy, declared, **how)
    name = f"{factory.__module__}:{getattr(factory, '__qualname__', type(factory).__name__)}"

    def test_conforms(self: object) -> None:
        __tracebackhide__ = True
        target = PythonTarget(factory, name, declaration.clock)
        review = hunt(suite, target, declaration, PROFILES[profile_name()])
        if review.outcome is not Outcome.CONFORMING:
            raise ReviewFailed(review)

    test_conforms.__doc__ = f"Held against the clauses of the role {role} ({declaration.policy})."
    return type(f"Test{role.title()}", (), {"test_conforms": test_conforms, "__doc__": test_conforms.__doc__})
