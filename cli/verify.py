"""`headgate verify`: prove every theorem of the catalogue, and check what a contract file claims of itself.

Exit code 0: every theorem has the verdict that it should have, and the contracts hold; 1: one has not, and is shown;
2: bad usage or bad input; 3: something is unknown; 4: a counterexample that does not replay.
"""

import difflib
import fnmatch
import importlib.resources
import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import click

from headgate.cli.exits import BadInput, Exit, InternalFault, exit_for
from headgate.cli.output import Screen, format_option, json_text
from headgate.cli.places import OutputFolder, marked
from headgate.cli.proving import prove_all
from headgate.cli.smt2 import write_scripts
from headgate.cli.trust import trust_rows, trust_text
from headgate.cli.verify_report import annotations, refuse_foreign, write_report
from headgate.cli.verify_text import file_of, listing, report
from headgate.proofs.catalogue import catalogue
from headgate.proofs.contract_checks import contract_checks, is_judged
from headgate.proofs.contract_row import ContractCheck, settle, verdict_of
from headgate.proofs.manifest import manifest
from headgate.proofs.runner import ReplayMismatch
from headgate.proofs.theorem import Expect, Kind, Recheck, Result, Theorem
from headgate.spec.contracts import parse_contracts, read_contracts
from headgate.spec.schedules import schedule_text
from headgate.spec.vocabulary import ContractSet, Schedule, Verdict

__all__ = ["verify"]

DEFAULT_CONTRACTS = "h200_eight_tenants.toml"
# What a schedule that headgate wrote begins with.
WITNESS_MARK = '{\n  "format": '


@click.command(short_help="Prove every theorem, and check a contract file.")
@click.argument("contracts", metavar="[CONTRACTS.toml]", required=False)
@click.option("--only", "patterns", metavar="ID", multiple=True, help="Only these rows, such as 'sfq-*'; repeatable.")
@click.option("--witness", "folder", metavar="DIR", help="Write every schedule that was found to DIR/ID.json.")
@click.option("--smt2", "smt2_folder", metavar="DIR", help="Write every query as SMT-LIB to DIR, with an index.")
@click.option("--recheck", "is_rechecked", is_flag=True, help="Ask a second solver, cvc5, and Spacer as well.")
@click.option("--list", "listed", is_flag=True, help="List what would be proved, and prove nothing.")
@click.option("--trust", "trusted", is_flag=True, help="Say what each theorem takes for granted, and prove nothing.")
@click.option("--verbose", "-v", is_flag=True, help="Show statements, assumptions and timelines as well.")
@click.option("--report", "report_folder", metavar="DIR", help="Write an HTML page, JUnit XML and JSON to DIR.")
@format_option("github")
def verify(
    contracts: str | None,
    patterns: tuple[str, ...],
    folder: str | None,
    smt2_folder: str | None,
    is_rechecked: bool,
    listed: bool,
    trusted: bool,
    verbose: bool,
    report_folder: str | None,
    form: str,
) -> int:
    """Prove every theorem of headgate, and check that the device of a contract file can keep its promises.

    Of the file, the premises of each theorem that applies are decided with its own numbers, and what follows is said;
    a promise that no theorem keeps is attacked, and comes with the schedule that breaks it.

    Without CONTRACTS.toml, the shipped file of eight tenants on one H200 is checked. Rules that are known to be
    wrong, the essays' own, are expected to be refuted, by a schedule that `headgate replay` runs.

    Exit codes: 0 all as it should be, 1 something that should hold does not, 2 bad input, 3 something is unknown,
    4 a fault of headgate.
    """
    if listed or trusted:
        given = {"--list": listed and trusted, "--witness": folder, "--smt2": smt2_folder, "--recheck": is_rechecked,
                 "--report": report_folder, "--format github": form == "github"}  # fmt: skip
        _refuse_idle("--trust" if trusted else "--list", given)
    named = {"--witness": folder, "--smt2": smt2_folder, "--report": report_folder}
    folders = {option: OutputFolder(option, name) for option, name in named.items() if name is not None}
    agreed = read_contracts(contracts) if contracts is not None else _shipped()
    theorems, checks = _selected(patterns, agreed)
    if listed:
        click.echo(_list_as_json(theorems, checks) if form == "json" else listing(theorems, checks))
        return Exit.HOLDS
    if trusted:
        click.echo(_trust(theorems, patterns, form))
        return Exit.HOLDS
    _prepare(folders, theorems, checks)
    results = [_named(result) for result in prove_all(theorems, is_rechecked)]
    checks = _settled(checks)
    if "--witness" in folders:
        _write_witnesses(results, checks, folders["--witness"])
    verdict = _verdict(results, checks)
    if "--report" in folders:
        data = _as_json(results, checks, verdict)
        write_report(folders["--report"], results, checks, agreed.source, verdict, data)
    if form == "github":
        click.echo(annotations(results, checks, contracts, verdict))
    elif form == "json":
        click.echo(_as_json(results, checks, verdict))
    else:
        judged = None if is_judged(agreed) else agreed.policy
        click.echo(report(results, checks, agreed.source, judged, folder, verbose, Screen.of_stdout()))
    return exit_for(verdict)


def _refuse_idle(alone: str, given: Mapping[str, object]) -> None:
    idle = [option for option, value in given.items() if value]
    if idle:
        raise BadInput(f"{alone} proves nothing: expected it without {idle[0]}")


def _prepare(folders: Mapping[str, OutputFolder], theorems: Sequence[Theorem], checks: Sequence[ContractCheck]) -> None:
    """Refuse to write over what headgate did not write, and write the queries, which need no proof."""
    if "--witness" in folders:
        names = [*map(file_of, theorems), *map(file_of, checks)]
        folders["--witness"].refuse_foreign(names, marked(WITNESS_MARK))
    if "--report" in folders:
        refuse_foreign(folders["--report"])
    if "--smt2" in folders:
        write_scripts(theorems, folders["--smt2"])


def _trust(theorems: Sequence[Theorem], patterns: Sequence[str], form: str) -> str:
    if form == "json":
        return json_text("verify", Verdict.HOLDS, trust_rows(theorems))
    return trust_text(theorems, () if patterns else manifest(), Screen.of_stdout())


def _shipped() -> ContractSet:
    content = (importlib.resources.files("headgate.examples") / DEFAULT_CONTRACTS).read_text("utf-8")
    return parse_contracts(content, DEFAULT_CONTRACTS)


def _selected(patterns: Sequence[str], agreed: ContractSet) -> tuple[list[Theorem], list[ContractCheck]]:
    """Return the theorems and the rows of the contract file that the patterns ask for; all, where there is none."""
    theorems, checks = catalogue(), contract_checks(agreed)
    ids = [theorem.id for theorem in theorems] + [check.id for check in checks]
    ids += [check.id.removeprefix("contracts.") for check in checks]
    for pattern in patterns:
        if not fnmatch.filter(ids, pattern):
            near = difflib.get_close_matches(pattern, ids, 3, 0.6)
            hint = f" (did you mean {' or '.join(near)}?)" if near else " (see headgate verify --list)"
            raise BadInput(f"--only: expected the id of a theorem or a row{hint}, got {pattern[:60]!r}")

    def is_wanted(identifier: str) -> bool:
        names = {identifier, identifier.removeprefix("contracts.")}
        return not patterns or any(fnmatch.filter(names, pattern) for pattern in patterns)

    return [t for t in theorems if is_wanted(t.id)], [c for c in checks if is_wanted(c.id)]


def _named(result: Result) -> Result:
    """Give the witness the name of its theorem."""
    if result.witness is None:
        return result
    return attrs.evolve(result, witness=attrs.evolve(result.witness, name=result.theorem.id))


def _settled(checks: Sequence[ContractCheck]) -> list[ContractCheck]:
    """Return the rows, each that is not proved with the schedule that shows why, if one is found."""
    try:
        return [settle(check) for check in checks]
    except ReplayMismatch as failure:
        raise InternalFault(str(failure)) from failure


def _write_witnesses(results: Sequence[Result], checks: Sequence[ContractCheck], folder: OutputFolder) -> None:
    folder.make()
    found = [(file_of(result.theorem), result.witness) for result in results]
    found += [(file_of(check), check.witness) for check in checks]
    for name, witness in found:
        if witness is not None:
            folder.write(name, schedule_text(witness))


def _verdict(results: Sequence[Result], checks: Sequence[ContractCheck]) -> Verdict:
    """What is broken outweighs what is unknown."""
    wrong = {result.kind for result in results if not result.as_expected}
    wrong |= {verdict_of(checks)} - {Kind.PROVED}
    if not wrong:
        return Verdict.HOLDS
    return Verdict.UNDECIDED if wrong == {Kind.UNKNOWN} else Verdict.VIOLATED


# ---- JSON ----


def _as_json(results: Sequence[Result], checks: Sequence[ContractCheck], verdict: Verdict) -> str:
    rows = [_result(result) for result in results] + [_check(check) for check in checks]
    return json_text("verify", verdict, rows)


def _result(result: Result) -> dict[str, Any]:
    return {
        **_theorem(result.theorem),
        "verdict": result.kind.value,
        "seconds": round(result.seconds, 3),
        "solver": result.solver,
        "premises_satisfiable": result.premises_satisfiable,
        "tight": result.tight,
        "recheck": _second(result.recheck),
        "spacer": _second(result.spacer),
        "reason": result.reason,
        "witness": None if result.witness is None else _witness(result.witness),
        "instance": None,
    }


def _second(said: Recheck | None) -> dict[str, Any] | None:
    return None if said is None else {**attrs.asdict(said), "seconds": round(said.seconds, 3)}


def _theorem(theorem: Theorem) -> dict[str, Any]:
    return {
        "id": theorem.id,
        "clause": list(theorem.clauses),
        "statement": theorem.statement,
        "scope": theorem.scope,
        "assumptions": list(theorem.assumptions),
        "expected": theorem.expect.value,
    }


def _check(check: ContractCheck) -> dict[str, Any]:
    return {
        **_claimed(check),
        "verdict": check.kind.value,
        "seconds": 0,
        "solver": None,
        "premises_satisfiable": None,
        "tight": None,
        "recheck": None,
        "spacer": None,
        "reason": check.finding,
        "witness": None if check.witness is None else _witness(check.witness),
        "instance": {
            "theorem": check.theorem or None,
            "premises": [attrs.asdict(premise) for premise in check.premises],
            "follows": check.follows,
            "owed": check.owed,
        },
    }


def _claimed(check: ContractCheck) -> dict[str, Any]:
    return {
        "id": check.id,
        "clause": list(check.clauses),
        "statement": check.statement,
        "scope": check.scope,
        "assumptions": list(check.assumptions),
        "expected": Expect.PROVED.value,
    }


def _witness(schedule: Schedule) -> Any:
    return json.loads(schedule_text(schedule))


def _list_as_json(theorems: Sequence[Theorem], checks: Sequence[ContractCheck]) -> str:
    return json_text("verify", Verdict.HOLDS, [*map(_theorem, theorems), *map(_claimed, checks)])
