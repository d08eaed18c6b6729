"""How `headgate replay-workload` says what it found: a table for each policy, and the essay's figures beside them.

JSON keeps every number exact (an integer, or a string such as "186326/15"); the text rounds for reading only.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import attrs

from headgate.cli.output import Screen, json_text, table_lines
from headgate.model.memory.serving import PREEMPT, Outcome, Server, Share
from headgate.spec.reading import decimal_text
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import ContractSet, Verdict

__all__ = ["KINDS", "SHORT", "WHALE", "Replayed", "Setting", "as_json", "as_text", "eviction_rate", "merged", "part"]

KINDS = ("short", "middle", "whale")
SHORT, WHALE = 0, len(KINDS) - 1
ESSAY = "The Scheduling Tax of Multi-Tenant Inference"
NS_PER_S = 10**9
NOTHING = "-"


@attrs.frozen
class Setting:
    """What is replayed, on what, and how requests are told apart: `sizes` counts them by the most pages of each."""

    file: Path
    form: str
    agreed: ContractSet
    server: Server
    tenant_by: str
    short: int
    long: int
    sizes: Counter[int]

    def kind_of(self, pages: int) -> int:
        """Return the class of a request that comes to so many pages; one that is refused is the longest there is."""
        size = min(pages, self.server.capacity + 1)
        return SHORT if size <= self.short else WHALE if size > self.long else 1

    def verdict(self, runs: Sequence["Replayed"]) -> Verdict:
        """Return whether every token was in time: violated if one was late; else undecided if some may still be late.

        Of a request that is refused by name no token is owed. Where none was served, or none is promised by a time,
        nothing is shown.
        """
        shares = [share for run in runs for row in run.whole.shares for share in row]
        if any(share.first_late or share.next_late for share in shares):
            return Verdict.VIOLATED
        promised = self.server.kv.first_slo_ns is not None or self.server.kv.next_slo_ns is not None
        is_over = all(merged(_by_kind(run.whole)).done for run in runs) and not any(s.unfinished for s in shares)
        return Verdict.HOLDS if promised and is_over else Verdict.UNDECIDED


@attrs.frozen
class Replayed:
    """What a rule made of the workload, and of what is left of it without the whales."""

    rule: str
    whole: Outcome
    without: Outcome | None


def merged(shares: Iterable[Share]) -> Share:
    """Return the sum of some shares."""
    total = Share([0] * len(KINDS), [0] * len(KINDS))
    for share in shares:
        for field in attrs.fields(Share):
            old, more = getattr(total, field.name), getattr(share, field.name)
            both = [a + b for a, b in zip(old, more, strict=True)] if isinstance(old, list) else old + more
            setattr(total, field.name, both)
    return total


def _by_kind(outcome: Outcome) -> list[Share]:
    return [merged(row[kind] for row in outcome.shares) for kind in range(len(KINDS))]


def part(some: int, all_: int) -> Fraction | None:
    """Return a share of all, or None of nothing."""
    return Fraction(some, all_) if all_ else None


def eviction_rate(outcome: Outcome | None, kind: int) -> Fraction | None:
    """Return how many pages of a class were evicted for each use of one of its pages."""
    if outcome is None:
        return None
    share = _by_kind(outcome)[kind]
    return part(share.evicted, share.uses)


def held(outcome: Outcome, kind: int) -> Fraction | None:
    """Return the share of the memory in use, over time, that a class holds."""
    by_kind = _by_kind(outcome)
    return part(by_kind[kind].page_ticks, sum(share.page_ticks for share in by_kind))


def jain(values: Sequence[int]) -> Fraction | None:
    """Return Jain's index of fairness: 1 if all are equal, 1/n if one has everything (Jain, Chiu and Hawe 1984)."""
    return part(sum(values) ** 2, len(values) * sum(value * value for value in values))


def wanted(setting: Setting) -> Fraction | None:
    """Return the share of all pages that the whales among the admissible requests come to."""
    fits = {size: count for size, count in setting.sizes.items() if size <= setting.server.capacity}
    return part(
        sum(size * count for size, count in fits.items() if size > setting.long),
        sum(size * count for size, count in fits.items()),
    )


def growth(run: Replayed) -> Fraction | None:
    """Return how many times as often a page of a short request is evicted when whales are there."""
    there, alone = eviction_rate(run.whole, SHORT), eviction_rate(run.without, SHORT)
    return None if not alone or there is None else there / alone


# ---- JSON ----


def _exact(value: Fraction | int | None) -> int | str | None:
    return None if value is None else exact_text(value)


def as_json(setting: Setting, runs: Sequence[Replayed]) -> str:
    """Return the one object that a program reads."""
    results = [_workload_json(setting)]
    for run in runs:
        for outcome, whales in ((run.whole, True), (run.without, False)):
            if outcome is not None:
                results.append(_outcome_json(outcome, whales))
                results += _shares_json(setting, outcome, whales)
    results += [_claim_json(*claim) for run in runs for claim in _claims(run)]
    return json_text("replay-workload", setting.verdict(runs), results)


def _workload_json(setting: Setting) -> dict[str, object]:
    server = setting.server
    return {
        "kind": "workload",
        "file": str(setting.file),
        "form": setting.form,
        "contracts": setting.agreed.source,
        "requests": setting.sizes.total(),
        "tenants": [contract.name for contract in setting.agreed.contracts],
        "tenant_by": setting.tenant_by,
        "capacity_pages": server.capacity,
        "page_bytes": server.kv.page_bytes,
        "rate_bytes_per_ns": _exact(server.rate),
        "slots": server.slots,
        "admission": server.admission,
        "short_up_to_pages": setting.short,
        "whale_above_pages": setting.long,
        "whale_share_of_pages": _exact(wanted(setting)),
    }


def _outcome_json(outcome: Outcome, whales: bool) -> dict[str, object]:
    tenants = [merged(row) for row in outcome.shares]
    return {
        "kind": "replay",
        "policy": outcome.rule,
        "whales": whales,
        "end_ns": _exact(outcome.end_ns),
        "steps": outcome.steps,
        "most_pages_taken": outcome.most_taken,
        "fairness_tokens": _exact(jain([share.tokens for share in tenants])),
        "fairness_bytes": _exact(jain([share.page_ticks for share in tenants])),
    }


def _shares_json(setting: Setting, outcome: Outcome, whales: bool) -> Iterator[dict[str, object]]:
    page = setting.server.kv.page_bytes
    for contract, row in zip(setting.agreed.contracts, outcome.shares, strict=True):
        for name, share in zip(KINDS, row, strict=True):
            yield {
                "kind": "share",
                "policy": outcome.rule,
                "whales": whales,
                "tenant": contract.name,
                "class": name,
                "requests": share.requests,
                "done": share.done,
                "refused": share.refused,
                "refused_by": "PA-1" if share.refused else None,
                "unfinished": share.unfinished,
                "tokens": share.tokens,
                "byte_ns": _exact(Fraction(share.page_ticks * page, outcome.ticks_per_ns)),
                "uses": share.uses,
                "hits": share.hits,
                "misses": {
                    "new": share.fresh,
                    "forgotten": share.forgotten,
                    "evicted": dict(zip(KINDS, share.lost_to, strict=True)),
                    "no_frame": share.unseated,
                    "preempted": share.recomputed,
                },
                "evicted_for": dict(zip(KINDS, share.evicted_by, strict=True)),
                "preemptions": share.preempted,
                "preempted_pages": share.preempted_pages,
                "ttft_late": share.first_late,
                "itl_late": share.next_late,
                "prompt_pages": share.prompt_pages,
                "prompt_pages_found": {"in_use": share.found_used, "left_over": share.found_left},
            }


def _claim_json(policy: str, section: str, said: str, name: str, measured: Fraction | None) -> dict[str, object]:
    return {
        "kind": "claim",
        "policy": policy,
        "essay": ESSAY,
        "section": section,
        "said": said,
        "figure": name,
        "measured": _exact(measured),
    }


def _claims(run: Replayed) -> Iterator[tuple[str, str, str, str, Fraction | None]]:
    yield run.rule, "Abstract", "about 80 %", "share of the memory that the whales hold", held(run.whole, WHALE)
    if run.without is not None:
        words = "evictions of short requests with whales, times those without"
        yield run.rule, "Abstract", "2 to 4 times", words, growth(run)


# ---- text ----


def as_text(setting: Setting, runs: Sequence[Replayed], screen: Screen) -> str:
    """Return the tables that a person reads."""
    return "\n".join(_lines(setting, runs, screen))


def _lines(setting: Setting, runs: Sequence[Replayed], screen: Screen) -> Iterator[str]:
    server, kv = setting.server, setting.server.kv
    names = len(setting.agreed.contracts)
    yield f"{setting.file} ({setting.form}), served by {setting.agreed.source}"
    yield f"  {setting.sizes.total():,} requests; {names} tenants, by {setting.tenant_by}"
    yield f"  {server.capacity:,} pages of {kv.page_bytes:,} bytes; {_rounded(server.rate, 3)} GB/s"
    yield f"  admission {server.admission}, {server.slots} slots"
    yield f"  short: up to {setting.short:,} pages; whale: more than {setting.long:,}, the longest 5 % at most"
    for run in runs:
        yield ""
        yield screen.paint(_title(run), "title")
        yield from table_lines(_rows(run), screen)
        yield from _missed_lines(run)
    yield ""
    yield screen.paint("Memory held over time, by class in %; Jain's index over tenants", "title")
    yield from table_lines(_fairness(runs, "page_ticks"), screen)
    yield ""
    yield screen.paint("Tokens, by class in %; Jain's index over tenants", "title")
    yield from table_lines(_fairness(runs, "tokens"), screen)
    yield ""
    yield from _prefixes(setting, runs, screen)
    yield from _essay(setting, runs, screen)
    yield ""
    yield from _verdict(setting, runs, screen)


def _title(run: Replayed) -> str:
    seconds = _rounded(run.whole.end_ns / NS_PER_S, 3)
    return f"{run.rule}: {run.whole.steps:,} steps, {seconds} s, at most {run.whole.most_taken:,} pages taken"


def _rows(run: Replayed) -> list[list[str]]:
    rows = [["class", "requests", "refused", "hits %", "evicted", "preempted", "TTFT late", "ITL late"]]
    for name, share in zip(KINDS, _by_kind(run.whole), strict=True):
        late = (share.evicted, share.preempted, share.first_late, share.next_late)
        hits = _percent(part(share.hits, share.uses), 4)
        rows.append([name, f"{share.requests:,}", f"{share.refused:,}", hits, *(f"{n:,}" for n in late)])
    return rows


def _missed_lines(run: Replayed) -> Iterator[str]:
    for name, share in zip(KINDS, _by_kind(run.whole), strict=True):
        lost = [f"{lost:,} for a {kind}" for kind, lost in zip(KINDS, share.lost_to, strict=True) if lost]
        reasons = [f"{share.fresh:,} new", *([f"{share.forgotten:,} forgotten"] if share.forgotten else []), *lost]
        reasons += [f"{share.unseated:,} without a frame"] if share.unseated else []
        reasons += [f"{share.recomputed:,} preempted"] if share.recomputed else []
        yield f"  {name} misses: {', '.join(reasons)}"


def _fairness(runs: Sequence[Replayed], counted: str) -> list[list[str]]:
    rows = [["policy", *KINDS, "index"]]
    for run in runs:
        by_kind = [getattr(share, counted) for share in _by_kind(run.whole)]
        index = jain([getattr(merged(shares), counted) for shares in run.whole.shares])
        cells = [_percent(part(each, sum(by_kind)), 1) for each in by_kind]
        rows.append([run.rule, *cells, NOTHING if index is None else _rounded(index, 4)])
    return rows


def _prefixes(setting: Setting, runs: Sequence[Replayed], screen: Screen) -> Iterator[str]:
    shares = [merged(_by_kind(run.whole)) for run in runs]
    if not any(share.found_used + share.found_left + share.forgotten for share in shares):
        return
    rows = [["prompts, in pages", "all", "found %", "in use", "left over", "forgotten"]]
    for run, share in zip(runs, shares, strict=True):
        found = _percent(part(share.found_used + share.found_left, share.prompt_pages), 4)
        counts = (share.found_used, share.found_left, share.forgotten)
        rows.append([run.rule, f"{share.prompt_pages:,}", found, *(f"{count:,}" for count in counts)])
    yield from table_lines(rows, screen)
    yield "  a page that several use is there once and charged to who came first, then the next (EV-13, WL-4)"
    yield ""


def _essay(setting: Setting, runs: Sequence[Replayed], screen: Screen) -> Iterator[str]:
    yield screen.paint(f"{ESSAY}, abstract, and what was measured", "title")
    rows = [["", "essay", *(run.rule for run in runs)]]
    rows.append(
        ["memory held by the longest 5 %", "about 80 %", *(f"{_percent(held(r.whole, WHALE), 1)} %" for r in runs)]
    )
    for words in ("with", "without"):
        rates = [eviction_rate(run.whole if words == "with" else run.without, SHORT) for run in runs]
        cells = [NOTHING if rate is None or run.rule == PREEMPT else _rounded(rate * 10**6, 1)
                 for rate, run in zip(rates, runs, strict=True)]  # fmt: skip
        rows.append([f"short evicted per 10^6 uses, {words} whales", "", *cells])
    times = [growth(run) for run in runs]
    rows.append(["times as many with whales", "2 to 4", *(NOTHING if t is None else _rounded(t, 2) for t in times)])
    yield from table_lines(rows, screen)
    yield f"  the longest 5 % come to {_percent(wanted(setting), 1)} % of the pages of all requests"


def _verdict(setting: Setting, runs: Sequence[Replayed], screen: Screen) -> Iterator[str]:
    for run in runs:
        total = merged(_by_kind(run.whole))
        yield (
            f"{run.rule}: {total.requests:,} requests = {total.done:,} done + {total.refused:,} refused (PA-1)"
            f" + {total.unfinished:,} unfinished"
        )
    kv = setting.server.kv
    if kv.first_slo_ns is None and kv.next_slo_ns is None:
        yield "no token is promised by a time: [kv] has no ttft_slo_ms and no itl_slo_ms"
    elif setting.verdict(runs) is Verdict.HOLDS:
        yield f"{screen.paint('HOLDS', 'good')}: every token of what was not refused is in time, under every policy"
    elif setting.verdict(runs) is Verdict.UNDECIDED:
        yield f"{screen.paint('UNDECIDED', 'doubt')}: no token is late, but requests are unfinished, or none is done"
    else:
        late = [merged(_by_kind(run.whole)) for run in runs]
        counts = ", ".join(f"{r.rule} {t.first_late + t.next_late:,}" for r, t in zip(runs, late, strict=True))
        yield f"{screen.paint('VIOLATED', 'bad')}: tokens come too late: {counts}"


def _percent(value: Fraction | None, places: int) -> str:
    return NOTHING if value is None else _rounded(value * 100, places)


def _rounded(value: Fraction, places: int) -> str:
    """Return a number for reading, with at most so many places."""
    return decimal_text(round(Fraction(value), places))
