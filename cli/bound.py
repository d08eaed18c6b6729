"""`headgate bound`: what an operator can count on with a contract file, in numbers.

Exit code 0: the set is admissible, and the policy of the file keeps every latency; 1: it is not, or one cannot be kept;
2: bad usage or bad input; 3: the policy gives no bound, so that the latencies stay open.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import attrs
import click

from headgate.cli.bound_report import Report, as_json, as_text, report_of
from headgate.cli.exits import exit_for
from headgate.cli.output import Screen, format_option
from headgate.cli.places import OutputFile
from headgate.model.capacity import Losses
from headgate.spec.contracts import LIMIT_BYTES, contracts_of
from headgate.spec.errors import InputError
from headgate.spec.reading import parse_toml, read_text
from headgate.spec.schedules import schedule_text
from headgate.spec.vocabulary import ContractSet

__all__ = ["bound"]

NS_PER_MS = 10**6
MOST_DIFFERENT = 300


@click.command(short_help="How late can each tenant be, and how many more fit?")
@click.argument("contracts", metavar="CONTRACTS.toml")
@click.option("--temperature", metavar="T", help="The hottest that the device gets, in C, instead of the file's own.")
@click.option(
    "--what-if",
    "changes",
    metavar="KEY=VALUE",
    multiple=True,
    help="Change a number of the file, such as device.peak_gbps=3350 or tenant.chat.latency_slo_us=50, or take away "
    "migration=SHARE or bubble_ms=LENGTH/PERIOD; repeatable.",
)
@click.option(
    "--witness", metavar="FILE", help="Write the schedule that comes close to the bound, for headgate replay."
)
@click.option("--plot", metavar="OUT.svg", help="Draw the bounds against temperature and request size.")
@format_option()
def bound(
    contracts: str, temperature: str | None, changes: tuple[str, ...], witness: str | None, plot: str | None, form: str
) -> int:
    """Say what the device of a contract file keeps: rates, worst delays, largest requests, temperatures, room for more.

    Two figures stand side by side: "any" holds whatever the guarantees of the other tenants are, as long as the set is
    admissible; "own" with the guarantees of this file. Numbers are rounded up, never in favour; JSON has them exact.

    Exit codes: 0 admissible and every latency kept, 1 not so, 2 bad input, 3 the policy gives no bound.
    """
    agreed, losses = _changed(contracts, temperature, changes)
    saved = None if witness is None else OutputFile("--witness", witness, (contracts,))
    drawn = None if plot is None else OutputFile("--plot", plot, (contracts, witness), (".svg",))
    _refuse_many(agreed)
    report = report_of(agreed, losses)
    if saved is not None:
        _write_witness(report, saved)
    if drawn is not None:
        from headgate.cli.bound_plot import write_plot

        write_plot(report, drawn)
    click.echo(as_json(report) if form == "json" else as_text(report, Screen.of_stdout()))
    return exit_for(report.verdict)


def _refuse_many(agreed: ContractSet) -> None:
    """Refuse more tenants than can be held against each other in half a minute; those that are alike count once."""
    different = {attrs.evolve(contract, name="", page_color=None) for contract in agreed.guaranteed}
    if len(different) > MOST_DIFFERENT:
        words = f"at most {MOST_DIFFERENT} tenants that differ in more than their names"
        raise InputError(f"{agreed.source}: tenant", words, str(len(different)))


def _write_witness(report: Report, out: OutputFile) -> None:
    if report.reached is None:
        raise InputError(out.place, "a set and a policy that a schedule can be made for", report.no_witness)
    out.write(schedule_text(report.reached.schedule))


# ---- what if ----


def _changed(path: str, temperature: str | None, changes: Sequence[str]) -> tuple[ContractSet, Losses]:
    """Return the contracts of the file, with every change made, and what is lost beside refresh."""
    tables = parse_toml(read_text(path, LIMIT_BYTES), path)
    losses = Losses()
    for change in changes:
        key, equals, written = change.partition("=")
        place = f"--what-if {change[:80]}"
        if not equals or not key or not written:
            raise InputError(place, "KEY=VALUE, such as tenant.chat.max_request_bytes=65536")
        if key == "migration":
            losses = attrs.evolve(losses, migration=_share(_value(written), place))
        elif key == "bubble_ms":
            losses = attrs.evolve(losses, **_bubble(written, place))
        else:
            _set(tables, key, _value(written), place)
    if temperature is not None:
        _set(tables, "device.max_temperature_c", _value(temperature), "--temperature")
    source = path if not changes and temperature is None else f"{path}, changed by the command line"
    return contracts_of(tables, source), losses


def _value(written: str) -> Any:
    """Return what is written as TOML would read it; a bare word is a text."""
    try:
        tables = parse_toml(f"value = {written}", "--what-if")
    except InputError:
        return written
    return tables["value"] if len(tables) == 1 else written


def _share(value: Any, place: str) -> Fraction:
    if isinstance(value, int | Fraction) and not isinstance(value, bool) and 0 <= value < 1:
        return Fraction(value)
    raise InputError(place, "a share of 0 or more and less than 1, such as 0.05")


def _bubble(written: str, place: str) -> dict[str, Fraction]:
    length, _, period = (_value(part.strip()) if part != "/" else part for part in written.partition("/"))
    numbers = [n for n in (length, period) if isinstance(n, int | Fraction) and not isinstance(n, bool)]
    if len(numbers) < 2 or not 0 <= numbers[0] < numbers[1] <= 10**9:
        raise InputError(place, "LENGTH/PERIOD in ms, the bubble shorter than the period, such as 2/50")
    return {"bubble_ns": Fraction(numbers[0]) * NS_PER_MS, "period_ns": Fraction(numbers[1]) * NS_PER_MS}


def _set(tables: dict[str, Any], key: str, value: Any, place: str) -> None:
    """Change one number of the tables; what it must be is for the reader of contract files to say."""
    room, _, rest = key.partition(".")
    if room in ("device", "arbiter") and rest and "." not in rest:
        table = tables.setdefault(room, {})
        if isinstance(table, dict):
            table[rest] = value
            return
    if room == "tenant":
        name, _, last = rest.rpartition(".")
        listed = tables.get("tenant")
        found = [t for t in listed if isinstance(t, dict) and t.get("name") == name] if isinstance(listed, list) else []
        if found and last:
            found[0][last] = value
            return
        raise InputError(place, "tenant.NAME.KEY, NAME being that of a tenant of the file")
    raise InputError(place, "device.KEY, arbiter.policy, tenant.NAME.KEY, migration or bubble_ms")
