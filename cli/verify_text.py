"""What `headgate verify` prints: a row a theorem, by mechanism, then the contracts, then what needs a closer look."""

import hashlib
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from headgate.cli.output import Screen, readable
from headgate.cli.replay import drawing
from headgate.model.replay import replay
from headgate.proofs.contract_row import ContractCheck
from headgate.proofs.theorem import Expect, Kind, Recheck, Result, Theorem
from headgate.spec.clauses import clauses
from headgate.spec.vocabulary import Schedule

__all__ = ["file_of", "listing", "report"]

GOOD, BAD, OPEN = ("✓", "+"), ("✗", "!"), ("?", "?")
CLAUSES_WIDTH, VERDICT_WIDTH, BY_WIDTH = 13, 21, 15


def report(
    results: Sequence[Result],
    checks: Sequence[ContractCheck],
    source: str,
    not_judged: str | None,
    folder: str | None,
    verbose: bool,
    screen: Screen,
) -> str:
    """Return the whole text. `not_judged` is the policy under which no promise is judged, if it is one."""
    lines: list[str] = []
    for mechanism, members in _by_mechanism(results):
        lines += ["", screen.paint(mechanism, "title")]
        for result in members:
            lines += _theorem_rows(result, _id_width(results), verbose, screen)
    if checks:
        lines += ["", screen.paint(f"contracts: {source}", "title")]
        lines += _contract_rows(checks, verbose, screen)
    if not_judged is not None and checks:
        lines.append(f"  policy {not_judged}: no arbiter to bound a delay; headgate trace judges a recording")
    for result in results:
        if not result.as_expected:
            lines += ["", *_closer(result, screen)]
    lines += _harm(checks, verbose, screen)
    lines += ["", *_summary(results, checks, folder, screen)]
    return "\n".join(lines).lstrip("\n")


def listing(theorems: Sequence[Theorem], checks: Sequence[ContractCheck]) -> str:
    """Return a line for each row that would be decided."""
    width = max(map(len, [*(theorem.id for theorem in theorems), *(check.id for check in checks)]), default=0)
    lines = []
    for theorem in theorems:
        expected = " (to be refuted)" if theorem.expect is Expect.REFUTED else ""
        lines.append(f"{theorem.id.ljust(width)}  {_names(theorem.clauses)}{expected}")
    return "\n".join([*lines, *(f"{check.id.ljust(width)}  {_names(check.clauses)}" for check in checks)])


def _by_mechanism(results: Iterable[Result]) -> list[tuple[str, list[Result]]]:
    """Group by the file of the first clause, in the order in which the groups first appear."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        known = clauses().get(result.theorem.clauses[0]) if result.theorem.clauses else None
        mechanism = known.mechanism.replace("-", " ") if known is not None else "other"
        groups.setdefault(mechanism, []).append(result)
    return list(groups.items())


def _id_width(results: Sequence[Result]) -> int:
    return max((len(result.theorem.id) for result in results), default=0)


def _names(ids: Sequence[str]) -> str:
    """Return clause ids in short: `CM-2, CM-4` of one mechanism as `CM-2,4`."""
    parts: list[str] = []
    prefix = ""
    for identifier in ids:
        head, _, number = identifier.partition("-")
        parts.append(number if head == prefix else identifier)
        prefix = head
    return ",".join(parts)


# ---- theorems ----


def _theorem_rows(result: Result, width: int, verbose: bool, screen: Screen) -> Iterator[str]:
    theorem = result.theorem
    signs, words, colour = _looks(result)
    head = f"{theorem.id.ljust(width)} {_names(theorem.clauses).ljust(CLAUSES_WIDTH)} "
    verdict = screen.paint(words.ljust(VERDICT_WIDTH), colour)
    yield f"  {screen.paint(screen.sign(*signs), colour)} {head}{verdict} {result.seconds:5.2f} s"
    if verbose:
        yield from _details(theorem.statement, screen)
    yield from _details(theorem.scope, screen, "quiet")
    yield from _second_opinions(result, verbose, screen)
    if verbose:
        yield from (line for assumed in theorem.assumptions for line in _details(f"assumes {assumed}", screen))
        yield from _evidence(result, screen)
    if result.witness is not None and result.kind is Kind.REFUTED_AS_EXPECTED:
        yield from _details(readable(replay(result.witness).finding), screen)
        if verbose:
            yield from _drawn(result.witness, screen)


def _looks(result: Result) -> tuple[tuple[str, str], str, str]:
    """Return (sign and plain sign, words, colour) of a verdict."""
    if result.kind is Kind.REFUTED_AS_EXPECTED:
        return GOOD, "refuted, as expected", "good"
    if result.kind is Kind.COUNTEREXAMPLE:
        return BAD, "COUNTEREXAMPLE", "bad"
    if result.kind is Kind.UNKNOWN:
        return OPEN, "UNKNOWN", "doubt"
    if not result.as_expected:
        return BAD, "PROVED unexpectedly", "bad"
    words = "proved" if result.kind is Kind.PROVED else f"holds to depth {result.theorem.horizon}"
    return GOOD, f"{words}, tight" if result.tight else words, "good"


def _second_opinions(result: Result, verbose: bool, screen: Screen) -> Iterator[str]:
    """Yield what is not plain agreement; with `verbose`, agreement as well."""
    for said in (result.recheck, result.spacer):
        if said is None or (said.agrees and not verbose):
            continue
        words = {True: "agrees", False: "DISAGREES", None: "gives no answer"}[said.agrees]
        colour = {True: "good", False: "bad", None: "doubt"}[said.agrees]
        why = f": {said.reason}" if said.reason else ""
        yield from _details(f"{said.solver} {words} ({said.seconds:.2f} s){why}", screen, colour)


def _evidence(result: Result, screen: Screen) -> Iterator[str]:
    if result.obligations:
        tight = "" if not result.tight else "; the bound one step tighter is broken by a schedule that replays"
        yield from _details(f"{result.obligations} obligations, their premises satisfiable{tight}", screen)


def _details(text: str, screen: Screen, colour: str | None = None) -> Iterator[str]:
    indent = " " * 6
    for line in textwrap.wrap(text, screen.width, initial_indent=indent, subsequent_indent=indent):
        yield screen.paint(line, colour)


def _drawn(schedule: Schedule, screen: Screen) -> list[str]:
    return ["", drawing(schedule, replay(schedule), screen), ""]


# ---- contracts ----


def _contract_rows(checks: Sequence[ContractCheck], verbose: bool, screen: Screen) -> Iterator[str]:
    """Yield the rows; of consequences a tenant that hold, only how many there are."""
    shown = [c for c in checks if verbose or c.owed or c.kind is not Kind.PROVED or "." not in _short(c)]
    width = max((len(_short(check)) for check in shown), default=0)
    for check in shown:
        yield from _check_rows(check, width, verbose, screen)
    hidden = [_short(check).partition(".")[0] for check in checks if check not in shown]
    if hidden:
        kinds = ", ".join(f"{hidden.count(kind)} of {kind}" for kind in dict.fromkeys(hidden))
        yield f"  more that follows (--verbose): {kinds}"


def _check_rows(check: ContractCheck, width: int, verbose: bool, screen: Screen) -> Iterator[str]:
    signs, words, colour = {
        Kind.PROVED: (GOOD, "holds", "good"),
        Kind.COUNTEREXAMPLE: (BAD, "VIOLATED", "bad"),
    }.get(check.kind, (OPEN, "UNKNOWN", "doubt"))
    head = f"{_short(check).ljust(width)} {_by(check).ljust(BY_WIDTH)} "
    fits = len(f"    {head}{words.ljust(8)} {check.finding}") <= screen.width
    verdict = screen.paint(words.ljust(8), colour) + f" {check.finding}" if fits else screen.paint(words, colour)
    yield f"  {screen.paint(screen.sign(*signs), colour)} {head}{verdict}"
    if not fits:
        yield from _details(check.finding, screen)
    if not verbose and check.kind is Kind.PROVED:
        return
    yield from _details(f"{check.statement} ({_names(check.clauses)})", screen)
    yield from _details(check.scope, screen, "quiet")
    for premise in check.premises:
        if verbose or not premise.met:
            met = "met" if premise.met else "NOT met"
            yield from _details(f"premise {met}: {premise.says}", screen, None if premise.met else colour)
    if check.follows:
        yield from _details(f"so {check.follows}", screen)


def _short(check: ContractCheck) -> str:
    return check.id.removeprefix("contracts.")


def _by(check: ContractCheck) -> str:
    """Return what decides the row: a theorem, or its clauses alone."""
    return check.theorem or _names(check.clauses)


def file_of(row: Theorem | ContractCheck) -> str:
    """Return the name of the file that holds the schedule of a row; tenants of any name have one of their own."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", row.id)
    return f"{plain}.json" if plain == row.id else f"{plain}-{hashlib.sha256(row.id.encode()).hexdigest()[:12]}.json"


def _harm(checks: Sequence[ContractCheck], verbose: bool, screen: Screen) -> list[str]:
    """Return the schedule of the first row that is violated, or of all of them."""
    lines = []
    for check in [check for check in checks if check.witness is not None][: None if verbose else 1]:
        assert check.witness is not None
        lines += ["", screen.paint(f"{_short(check)}: {check.witness.statement}", "bad")]
        lines += _drawn(check.witness, screen)
        lines += _details(readable(replay(check.witness).finding), screen)
    return lines


# ---- what is not as it should be ----


def _closer(result: Result, screen: Screen) -> list[str]:
    """Return all that is known of a theorem that has not the verdict that it should have."""
    theorem = result.theorem
    lines = [screen.paint(f"{theorem.id}: {_looks(result)[1]}", "bad")]
    lines += [*_details(theorem.statement, screen), *_details(result.reason, screen)]
    if result.witness is not None:
        lines += _drawn(result.witness, screen)
        lines += _details(readable(replay(result.witness).finding), screen)
    return lines


def _summary(
    results: Sequence[Result], checks: Sequence[ContractCheck], folder: str | None, screen: Screen
) -> Iterator[str]:
    counts = [
        (sum(r.kind is Kind.PROVED for r in results), "proved"),
        (sum(r.kind is Kind.HOLDS_TO for r in results), "proved to a depth"),
        (sum(r.kind is Kind.REFUTED_AS_EXPECTED for r in results), "refuted as expected"),
        (sum(r.kind is Kind.COUNTEREXAMPLE for r in results), "with a counterexample"),
    ]
    parts = [f"{number} {what}" for number, what in counts if number]
    unknown = sum(r.kind is Kind.UNKNOWN for r in results)
    if results:
        yield f"{', '.join([*parts, f'{unknown} unknown'])} ({_seconds(results)} s, {results[0].solver})"
    yield from _agreement([r.recheck for r in results if r.recheck is not None])
    yield from _agreement([r.spacer for r in results if r.spacer is not None])
    if checks:
        owed = [c for c in checks if c.owed or c.kind is Kind.COUNTEREXAMPLE]
        held = sum(c.kind is Kind.PROVED for c in owed)
        yield f"contracts: {held} of {len(owed)} checks hold"
    if folder is not None:
        written = sum(r.witness is not None for r in results) + sum(c.witness is not None for c in checks)
        yield f"{written} schedules written to {folder}; replay one with: headgate replay {folder}/ID.json"


def _agreement(said: Sequence[Recheck]) -> Iterator[str]:
    if said:
        agrees, against = sum(s.agrees is True for s in said), sum(s.agrees is False for s in said)
        share = f"{agrees} of {len(said)} theorems ({100 * agrees / len(said):.1f} %)"
        seconds = sum(s.seconds for s in said)
        yield f"{said[0].solver} agrees on {share}, disagrees on {against or 'none'} ({seconds:.1f} s)"


def _seconds(results: Sequence[Result]) -> str:
    return f"{sum(result.seconds for result in results):.1f}"
