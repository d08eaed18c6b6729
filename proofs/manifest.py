"""The manifest: what should be established, held against what is.

A statement, a theorem and its verdict are written down apart from the catalogue, so that a theorem that goes missing,
changes its verdict or was never asked for shows. `faults` compares the two.
"""

import tomllib
from collections.abc import Iterator, Sequence
from importlib import resources

import attrs
import cattrs

from headgate.proofs.theorem import Expect, Theorem

__all__ = ["VERDICTS", "Statement", "expected_verdict", "faults", "manifest", "parse_manifest"]

VERDICTS = ("proved", "holds_to", "refuted")


@attrs.frozen
class Statement:
    """One statement, where it comes from, the theorems that settle it by verdict, and what is missing, if anything."""

    id: str
    says: str
    source: str
    proved: tuple[str, ...] = ()
    holds_to: tuple[str, ...] = ()
    refuted: tuple[str, ...] = ()
    scope: str = ""
    limit: str = ""
    gap: str = ""

    @property
    def theorems(self) -> Iterator[tuple[str, str]]:
        """The theorems, each with the verdict that it should have."""
        return ((name, verdict) for verdict in VERDICTS for name in getattr(self, verdict))


def manifest() -> tuple[Statement, ...]:
    """Return the shipped manifest."""
    return parse_manifest((resources.files("headgate.proofs") / "manifest.toml").read_text("utf-8"))


def parse_manifest(content: str) -> tuple[Statement, ...]:
    """Return the statements of a manifest; an unknown key is an error."""
    converter = cattrs.Converter(forbid_extra_keys=True)
    return converter.structure(tomllib.loads(content)["statement"], tuple[Statement, ...])


def expected_verdict(theorem: Theorem) -> str:
    """Return the verdict that a theorem claims for itself."""
    if theorem.expect is Expect.REFUTED:
        return "refuted"
    return "proved" if theorem.horizon is None else "holds_to"


def faults(statements: Sequence[Statement], theorems: Sequence[Theorem]) -> list[str]:
    """Return a line for everything in which the manifest and the catalogue differ."""
    verdicts = {theorem.id: expected_verdict(theorem) for theorem in theorems}
    listed = {name for statement in statements for name, _ in statement.theorems}
    lines = [line for statement in statements for line in _faults_of(statement, verdicts)]
    ids = [statement.id for statement in statements]
    lines += [f"{name}: two statements of this id" for name in sorted({n for n in ids if ids.count(n) > 1})]
    return [*lines, *(f"{name}: no statement lists this theorem" for name in verdicts if name not in listed)]


def _faults_of(statement: Statement, verdicts: dict[str, str]) -> Iterator[str]:
    for name, verdict in statement.theorems:
        if name not in verdicts:
            yield f"{statement.id}: names theorem {name}, which does not exist"
        elif verdicts[name] != verdict:
            yield f"{statement.id}: expects {name} to be {verdict}, the theorem says {verdicts[name]}"
    settled = any(True for _ in statement.theorems)
    if not settled and not statement.gap:
        yield f"{statement.id}: expected theorems or a gap with its reason, got neither"
    if settled and not statement.scope:
        yield f"{statement.id}: expected a scope"
