"""The pytest plugin: `pytest --headgate bucket=package.module:factory` adds a test that holds it against the clauses.

What is declared follows the target, as in an address: `arbiter=package.module:make?policy=wfq&weights=1,2,4`. The flags
float, clock-goes-back, legal-only and single-threaded stand there without a value.
"""

import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest

__all__ = ["pytest_addoption", "pytest_collection_modifyitems", "pytest_configure"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("headgate", "hold an implementation against the model")
    group.addoption(
        "--headgate",
        action="append",
        default=[],
        metavar="ROLE=package.module:factory",
        help="review an implementation as a bucket, shaper, marker, arbiter, allocator, cache or admission; "
        "declare with ?policy=...&rate=...",
    )
    group.addoption(
        "--headgate-profile",
        default=None,
        choices=["quick", "ci", "explore"],
        help="how long a review is (ci: the same cases on every machine)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what cannot be read before anything is collected."""
    for given in config.getoption("--headgate"):
        if "=" not in given:
            raise pytest.UsageError(f"--headgate: expected ROLE=package.module:factory, got {given!r:.100}")


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add a test for each implementation named on the command line."""
    items.extend(_items(session, config))


def _items(session: pytest.Session, config: pytest.Config) -> Iterator[pytest.Item]:
    for given in config.getoption("--headgate"):
        role, _, target = given.partition("=")
        yield _ReviewItem.from_parent(session, name=f"headgate[{role}={target}]", role=role, target=target)


class HeadgateWarning(UserWarning):
    """A review says less than it might have."""


class _ReviewItem(pytest.Item):
    """One review as a test."""

    def __init__(self, *, role: str, target: str, **given: Any) -> None:
        super().__init__(**given)
        self.role, self.target = role, target

    def runtest(self) -> None:
        """Run the review; ReviewFailed unless it conforms."""
        from headgate.properties.review.hunt import PROFILES, Outcome, hunt
        from headgate.properties.review.report import extent
        from headgate.properties.review.targets import PythonTarget, load_factory
        from headgate.properties.suite import ReviewFailed, profile_name

        path, _, query = self.target.partition("?")
        suite, declared = _declared(self.role, query)
        profile = PROFILES[self.config.getoption("--headgate-profile") or profile_name()]
        reached = PythonTarget(load_factory(path), path, declared.clock)
        review = hunt(suite, reached, declared, profile)
        self.add_report_section("call", "headgate", f"{review.outcome.value}: {extent(review)}")
        if not review.complete:
            warnings.warn(HeadgateWarning(f"{self.name}: ended by time after {review.cases} cases"), stacklevel=1)
        if review.outcome is not Outcome.CONFORMING:
            raise ReviewFailed(review)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the review for people; a fault of headgate's own keeps its traceback."""
        from headgate.properties.suite import ReviewFailed
        from headgate.spec.errors import InputError

        if isinstance(excinfo.value, ReviewFailed | InputError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Return what stands in the heading of a failure."""
        return self.path, None, self.name


FLAGS = {
    "float": "floats",
    "clock-goes-back": "goes_back",
    "legal-only": "legal_only",
    "single-threaded": "single_threaded",
}
MOST = {"keys": 1_000, "largest": 99_999_999}


def _declared(role: str, query: str) -> tuple[Any, Any]:
    """Return the suite and what stands after the target; InputError, with the name, for what cannot be read."""
    from headgate.properties.review.declaring import declare
    from headgate.spec.errors import InputError

    how: dict[str, Any] = {}
    numbers: dict[str, str] = {}
    seen: set[str] = set()
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in seen:
            raise InputError(name[:60], "it once", f"a second one, {value!r:.60}")
        seen.add(name)
        if name in FLAGS:
            if value:
                raise InputError(name, "it without a value, or not at all", repr(value)[:60])
            how[FLAGS[name]] = True
        elif name in ("policy", "clock", "tolerance", "without"):
            how[name] = value
        elif name in MOST:
            how[name] = _count(name, value)
        else:
            numbers[name] = value
    return declare(role, numbers=numbers, **how)


def _count(name: str, value: str) -> int:
    from headgate.spec.errors import InputError

    if not (value.isascii() and value.isdecimal() and len(value) < 9 and int(value) <= MOST[name]):
        raise InputError(name, f"a whole number from 0 to {MOST[name]}", repr(value)[:60])
    return int(value)
