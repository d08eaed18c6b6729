"""What an implementation under review is asked: a case is a configuration and a list of calls, plain data.

A case is made before anything is called, so that it can be printed, saved as a test vector, and sent to another
process. Times are whole nanoseconds and sizes whole bytes (or tokens); a target converts them to what was declared.
"""

from collections.abc import Mapping
from typing import Any

import attrs

__all__ = ["Asked", "Call", "Case", "Errored", "Raised", "Violation"]


@attrs.frozen
class Call:
    """One call: the operation's name and its arguments, in their order."""

    operation: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        """Return the call as a person writes it."""
        return f"{self.operation}({', '.join(f'{key}={value!r}' for key, value in self.arguments.items())})"


@attrs.frozen
class Case:
    """A configuration (what the factory is given) and the calls; of an arbiter, the arrivals."""

    configuration: Mapping[str, Any]
    calls: tuple[Call, ...]


@attrs.frozen
class Asked:
    """A call and what came back."""

    call: Call
    answer: object


class Violation(Exception):
    """The implementation broke a clause: which one, what it did, and what the clause asks for."""

    def __init__(self, clause: str, observed: str, expected: str) -> None:
        super().__init__(clause, observed, expected)
        self.clause, self.observed, self.expected = clause, observed, expected

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.clause}: {self.observed}; expected {self.expected}"


class Errored(Exception):
    """The implementation failed where it was asked something legal: it crashed, hung, ended, or answered nonsense.

    `kind` is "crash", "hang", "garbage" or "gone".
    """

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(kind, detail)
        self.kind, self.detail = kind, detail

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.kind}: {self.detail}"


class Raised(Exception):
    """The implementation raised an error of its own: a refusal where the call is not legal, a crash where it is."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
