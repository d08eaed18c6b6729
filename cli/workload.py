"""`headgate replay-workload`: what each rule of the memory makes of a trace of requests.

Exit code 0: every token kept its deadline under every rule that was replayed; 1: some did not, and are counted; 2: bad
usage or bad input.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from headgate.cli.exits import exit_for
from headgate.cli.output import Screen, format_option
from headgate.cli.places import OutputFile
from headgate.cli.workload_report import KINDS, WHALE, Replayed, Setting, as_json, as_text
from headgate.model.capacity import supply
from headgate.model.memory.serving import ADMISSIONS, PREEMPT, RULES, Job, Outcome, Server, most_pages, serve
from headgate.spec.contracts import read_contracts
from headgate.spec.errors import InputError
from headgate.spec.vocabulary import ContractSet, KeyValue
from headgate.spec.workloads import Arrival, Workload

__all__ = ["replay_workload"]

TENANT_BY = ("column", "round-robin", "hash", "length")
USUAL = ("lru", "total", "resident", PREEMPT)
NS_PER_MS = 10**6


@click.command("replay-workload", short_help="Serve a trace of requests: who is evicted, who is late?")
@click.argument("file", metavar="WORKLOAD", type=click.Path(path_type=Path))
@click.option(
    "--contracts", required=True, type=click.Path(path_type=Path), help="The contract file (TOML), with a [kv] table."
)
@click.option(
    "--policy",
    "rules",
    type=click.Choice(RULES),
    multiple=True,
    help=f"Who loses a page; repeatable.  [default: {', '.join(USUAL)}]",
)
@click.option(
    "--tenant-by",
    type=click.Choice(TENANT_BY),
    help="Whose a request is: the column of the file, each in turn, the text of its row, or its class of length.",
)
@click.option(
    "--admission",
    type=click.Choice(ADMISSIONS),
    default="now",
    show_default=True,
    help="What has to fit to be admitted.",
)
@click.option(
    "--slots", type=click.IntRange(1, 4096), default=256, show_default=True, help="The most requests at a time."
)
@click.option(
    "--pages", type=click.IntRange(1, 10**9), help="The pages of the cache, instead of what the device leaves."
)
@click.option("--until-ms", type=click.IntRange(1, 10**12), help="Stop after so long; who is not done is counted.")
@click.option("--plot", metavar="OUT.svg", help="Draw who holds the memory, and how often short requests are evicted.")
@format_option()
def replay_workload(
    file: Path,
    contracts: Path,
    rules: tuple[str, ...],
    tenant_by: str | None,
    admission: str,
    slots: int,
    pages: int | None,
    until_ms: int | None,
    plot: str | None,
    form: str,
) -> int:
    """Serve the requests of WORKLOAD from the memory of a contract file's device, once under each policy.

    WORKLOAD is CSV with the columns tenant, arrival_ns, prompt_tokens, output_tokens; or a trace as Azure publishes it
    (TIMESTAMP, ContextTokens, GeneratedTokens), or as Mooncake does (JSON lines). The [kv] table of the contract file
    says what a token takes, how large a page is, what the weights take, and when tokens are due.

    A step lasts as long as its bytes take; nothing is computed, so that times are least times. Requests are of three
    classes: short (up to the median), middle, and whale (the longest 5 %); each policy that evicts is replayed without
    the whales as well.

    Exit codes: 0 every token in time, 1 some late, 2 bad input, 3 undecided (nothing promised, or nothing done).
    """
    agreed = read_contracts(contracts)
    drawn = None if plot is None else OutputFile("--plot", plot, (file, contracts), (".svg",))
    setting = _setting(file, agreed, tenant_by, _server(agreed, pages, slots, admission))
    until = None if until_ms is None else until_ms * NS_PER_MS
    runs = []
    for rule in dict.fromkeys(rules or USUAL):
        whole = _served(setting, rule, until, with_whales=True)
        without = None if rule == PREEMPT else _served(setting, rule, until, with_whales=False)
        runs.append(Replayed(rule, whole, without))
    if drawn is not None:
        from headgate.cli.workload_plot import picture

        drawn.write(picture(setting, runs))
    click.echo(as_json(setting, runs) if form == "json" else as_text(setting, runs, Screen.of_stdout()))
    return exit_for(setting.verdict(runs))


def _server(agreed: ContractSet, pages: int | None, slots: int, admission: str) -> Server:
    kv = agreed.kv
    if kv is None:
        raise InputError(agreed.source, "a [kv] table with bytes_per_token, tokens_per_page and weight_bytes", "none")
    rate = supply(agreed.device, agreed.device.max_temperature_c).rate
    if rate <= 0:
        raise InputError(agreed.source, "a device that refresh leaves some rate", "none at its highest temperature")
    capacity = pages or _room(agreed, kv)
    return Server(capacity, rate, kv, slots, admission, _floors(agreed, kv, capacity))


def _floors(agreed: ContractSet, kv: KeyValue, capacity: int) -> tuple[int | None, ...]:
    """Return the whole pages that the requests of each tenant keep, where the file says so."""
    stated = [contract.kv_floor_bytes for contract in agreed.contracts]
    floors = tuple(None if each is None else each // kv.page_bytes for each in stated)
    pages = sum(each or 0 for each in floors)
    if pages > capacity:
        words = f"floors (kv_floor_mb) of at most the {capacity} pages of the cache in all"
        raise InputError(agreed.source, words, f"{pages} pages")
    return floors if any(each is not None for each in floors) else ()


def _room(agreed: ContractSet, kv: KeyValue) -> int:
    """Return the pages that fit beside the weights."""
    geometry = agreed.device.geometry
    if geometry is None:
        raise InputError(agreed.source, "a device profile, which says how large the memory is, or --pages", "neither")
    pages = (geometry.capacity_bytes - kv.weight_bytes) // kv.page_bytes
    if pages < 1:
        words = f"weights that leave room for a page of {kv.page_bytes} bytes in {geometry.capacity_bytes}"
        raise InputError(f"{agreed.source}: kv.weight_bytes", words, str(kv.weight_bytes))
    return pages


# ---- tenants and classes ----


def _setting(file: Path, agreed: ContractSet, tenant_by: str | None, server: Server) -> Setting:
    """Return what is replayed; reads the file once, for its classes of length."""
    sizes: Counter[int] = Counter()
    with Workload(file) as workload:
        has_tenants = workload.form.tenant is not None
        if tenant_by == "column" and not has_tenants:
            raise InputError("--tenant-by column", "a workload with a column tenant", f"one as of {workload.form.name}")
        chosen = tenant_by or ("column" if has_tenants else "round-robin")
        names = [contract.name for contract in agreed.contracts]
        for arrival in workload:
            if chosen == "column" and arrival.tenant not in names:
                known = ", ".join(f"'{name}'" for name in names[:12])
                got = f"'{str(arrival.tenant)[:60]}'"
                raise InputError(f"{file}:{arrival.line}", f"a tenant of the contracts ({known})", got)
            pages = most_pages(arrival.prompt, arrival.output, server.kv.page_tokens)
            sizes[min(pages, server.capacity + 1)] += 1  # all that are refused count as one size
        return Setting(file, workload.form.name, agreed, server, chosen, _at(sizes, 50), _at(sizes, 95), sizes)


def _at(sizes: Counter[int], percent: int) -> int:
    """Return the least size that so many percent of the requests do not exceed (nearest rank)."""
    seen, total = 0, sizes.total()
    for size in sorted(sizes):
        seen += sizes[size]
        if seen * 100 >= total * percent:
            return size
    raise AssertionError("a percentage of at most 100 is reached")


def _jobs(setting: Setting, workload: Workload, with_whales: bool) -> Iterator[Job]:
    names = {contract.name: number for number, contract in enumerate(setting.agreed.contracts)}
    for number, arrival in enumerate(workload):
        kind = setting.kind_of(most_pages(arrival.prompt, arrival.output, setting.server.kv.page_tokens))
        if kind == WHALE and not with_whales:
            continue
        tenant = _tenant(setting.tenant_by, arrival, number, kind, names)
        yield Job(arrival.arrival_ns, arrival.prompt, arrival.output, tenant, kind, arrival.blocks)


def _tenant(by: str, arrival: Arrival, number: int, kind: int, names: dict[str, int]) -> int:
    if by == "column":
        return names[str(arrival.tenant)]
    if by == "length":
        return min(kind, len(names) - 1)
    return (number if by == "round-robin" else arrival.mark) % len(names)


def _served(setting: Setting, rule: str, until: int | None, with_whales: bool) -> Outcome:
    with Workload(setting.file) as workload:
        jobs = _jobs(setting, workload, with_whales)
        tenants = len(setting.agreed.contracts)
        return serve(jobs, setting.server, rule, tenants, len(KINDS), until)
