"""`headgate claims`: what the essays claim, computed again, and which of it stands.

Exit code 0: all that was asked for stands; 1: some of it is refuted, or contradicted by the essays themselves; 2: bad
usage; 3: some of it is open, and the rest stands.
"""

import difflib
import fnmatch
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import click

from headgate.cli.exits import BadInput, exit_for
from headgate.cli.output import Screen, format_option, json_text, number_text
from headgate.proofs.claims import Check, Claim, Finding, Standing, agrees, evidence, judge
from headgate.proofs.claims import claims as register
from headgate.proofs.manifest import manifest
from headgate.spec.clauses import clauses
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import Verdict

__all__ = ["claims"]

MARKS = {
    Standing.STANDS: ("✓", "+", "good"),
    Standing.REFUTED: ("✗", "x", "bad"),
    Standing.CONTRADICTED: ("≠", "!", "bad"),
    Standing.OPEN: ("?", "?", "doubt"),
}
MEANINGS = {
    Standing.STANDS: "every number comes out, or it is proved",
    Standing.REFUTED: "a number does not come out, or a theorem or a public fact is against it",
    Standing.CONTRADICTED: "the essays say something else in another place",
    Standing.OPEN: "what would decide it is not said",
}
LABEL_WIDTH = 12


@click.command(short_help="Which claims of the essays stand?")
@click.argument("wanted", metavar="[CLAIM]...", nargs=-1)
@click.option(
    "--verdict",
    "standing",
    type=click.Choice([each.value for each in Standing]),
    help="Only the claims with this verdict.",
)
@format_option()
def claims(wanted: Sequence[str], standing: str | None, form: str) -> int:
    """List the claims of the four essays on which headgate rests, each computed again, with its verdict.

    With CLAIM, such as FAB-8, print that claim in full: its numbers, what refutes or proves it, the rule that holds
    instead, and the schedule that shows it. A pattern, such as 'HOT-*', lists those that it matches.

    Exit codes: 0 all of it stands, 1 some of it is refuted or contradicted, 2 bad usage, 3 some of it is open.
    """
    chosen = [found for found in map(judge, _chosen(wanted)) if standing in (None, found.standing.value)]
    in_full = bool(wanted) and not any(_is_pattern(each) for each in wanted)
    verdict = _verdict(chosen)
    if form == "json":
        click.echo(json_text("claims", verdict, [_result(found) for found in chosen]))
    elif in_full:
        screen = Screen.of_stdout()
        click.echo("\n\n".join("\n".join(_full(found, screen)) for found in chosen) or _none(standing))
    else:
        click.echo("\n".join(_table(chosen, Screen.of_stdout())) or _none(standing))
    return exit_for(verdict)


def _verdict(found: Sequence[Finding]) -> Verdict:
    standings = {each.standing for each in found}
    if standings & {Standing.REFUTED, Standing.CONTRADICTED}:
        return Verdict.VIOLATED
    return Verdict.UNDECIDED if Standing.OPEN in standings else Verdict.HOLDS


def _is_pattern(given: str) -> bool:
    return any(sign in given for sign in "*?[")


def _chosen(wanted: Sequence[str]) -> list[Claim]:
    """Return the claims that are asked for, in their order; BadInput, with the nearest, where there is none."""
    known = {claim.id: claim for claim in register()}
    ids: set[str] = set()
    for given in wanted:
        matching = set(fnmatch.filter(known, given.strip().upper()))
        if not matching:
            near = difflib.get_close_matches(given.strip().upper(), known, 4, 0.5) or list(known)[:4]
            raise BadInput(f"claims: expected the id of a claim (such as {', '.join(near)}), got {given[:60]!r}")
        ids |= matching
    return [claim for claim in known.values() if not wanted or claim.id in ids]


def _none(standing: str | None) -> str:
    return f"none of them is {standing}"


# ---- text ----


def _table(found: Sequence[Finding], screen: Screen) -> Iterator[str]:
    essay = None
    for each in found:
        if each.claim.essay is not essay:
            essay = each.claim.essay
            yield from ([""] if each is not found[0] else [])
            yield screen.paint(essay.value, "title")
        yield from _row(each, screen)
    if found:
        yield ""
        yield from _legend(found, screen)


def _row(found: Finding, screen: Screen) -> Iterator[str]:
    fancy, plain, colour = MARKS[found.standing]
    label = f"  {screen.sign(fancy, plain)} {found.claim.id.ljust(8)}"
    lines = textwrap.wrap(found.claim.says, screen.width - len(label))
    for number, line in enumerate(lines):
        yield (screen.paint(label, colour) if number == 0 else " " * len(label)) + line


def _legend(found: Sequence[Finding], screen: Screen) -> Iterator[str]:
    counted = Counter(each.standing for each in found)
    for standing, (fancy, plain, colour) in MARKS.items():
        if counted[standing]:
            words = f"{counted[standing]:4} {standing.value}: {MEANINGS[standing]}"
            yield screen.paint(f"{screen.sign(fancy, plain)}", colour) + words
    yield f"  {len(found):3} claims; headgate claims {found[0].claim.id} shows one in full"


def _full(found: Finding, screen: Screen) -> Iterator[str]:
    claim = found.claim
    yield from textwrap.wrap(f"{claim.id} {claim.says}", screen.width, subsequent_indent="  ")
    cited = f"{claim.essay.value}, {_place(claim.section)}"
    yield from textwrap.wrap(cited, screen.width, initial_indent="  ", subsequent_indent="    ")
    if found.checks:
        yield ""
        yield from (line for check in found.checks for line in _number(check, screen))
    yield ""
    parts = (
        ("against it", claim.against),
        ("fact", claim.fact),
        ("missing", claim.missing),
        ("why", claim.why),
        ("instead", claim.corrected),
    )
    yield from (line for label, text in parts if text for line in _labelled(label, text, screen))
    for verdict, names, says in _statements(claim):
        yield from _labelled(verdict, f"{', '.join(names)}: {says}", screen)
    for clause in claim.clauses:
        yield from _labelled("clause", f"{clause} {clauses()[clause].title}", screen)
    for name in claim.schedules:
        yield from _labelled("replay", f"examples/schedules/{name}.json", screen)
    colour = MARKS[found.standing][2]
    yield screen.paint(f"verdict: {found.standing.value}", colour)


def _statements(claim: Claim) -> Iterator[tuple[str, list[str], str]]:
    """Yield the statements that its theorems settle: the verdict, the theorems, and what is stated."""
    settled: dict[tuple[str, str], list[str]] = {}
    says = {name: each.says for each in reversed(manifest()) for name, _ in each.theorems}
    for name, verdict in evidence(claim):
        settled.setdefault((verdict, says[name]), []).append(name)
    yield from ((verdict, names, stated) for (verdict, stated), names in settled.items())


def _place(section: str) -> str:
    return f"section {section}" if section[0].isdigit() else section


def _number(check: Check, screen: Screen) -> Iterator[str]:
    """Yield what a number is, and beside it what it comes to and what is said of it."""
    value = f"{_value(check)} {check.unit}".strip()
    held = "" if not check.says else f"said: {check.says}" + (f" ({check.where})" if check.where else "")
    right = f"{value}   {held}" if held else value
    wrong = bool(held) and not agrees(check)
    mark = screen.sign("✗", "x") if wrong else " "
    lines = textwrap.wrap(f"{check.what}:", screen.width - 6)
    said = [f"  {mark} {lines[0]}", *(f"    {line}" for line in lines[1:])]
    joined = f"{said[-1]} {right}"
    if len(joined) <= screen.width:
        yield from said[:-1]
        yield screen.paint(joined, "bad" if wrong else None)
    else:
        yield from said
        yield from textwrap.wrap(right, screen.width, initial_indent=" " * 6, subsequent_indent=" " * 8)


def _value(check: Check) -> str:
    low, high = (number_text(end) for end in check.ends)
    return low if low == high else f"{low} to {high}"


def _labelled(label: str, text: str, screen: Screen) -> Iterator[str]:
    lines = textwrap.wrap(text, screen.width - LABEL_WIDTH - 2, break_on_hyphens=False)
    for number, line in enumerate(lines):
        yield f"  {(label if number == 0 else '').ljust(LABEL_WIDTH)}{line}"


# ---- JSON ----


def _result(found: Finding) -> dict[str, Any]:
    claim = found.claim
    return {
        "id": claim.id,
        "essay": claim.essay.value,
        "section": claim.section,
        "says": claim.says,
        "verdict": found.standing.value,
        "numbers": [_json_number(check) for check in found.checks],
        "refuted_by": list(claim.refuted_by),
        "proved_by": list(claim.proved_by),
        "fact": claim.fact,
        "against": claim.against,
        "missing": claim.missing,
        "why": claim.why,
        "corrected": claim.corrected,
        "clauses": list(claim.clauses),
        "schedules": list(claim.schedules),
    }


def _json_number(check: Check) -> dict[str, Any]:
    low, high = (exact_text(end) for end in check.ends)
    return {
        "what": check.what,
        "value": low if low == high else {"low": low, "high": high},
        "unit": check.unit,
        "says": check.says,
        "where": check.where,
        "agrees": agrees(check),
    }
