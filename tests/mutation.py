"""Break each rule by hand and see who notices: the mutants, and the program that runs them.

A mutant replaces one piece of text in one module of the model. It is killed by a theorem that no longer gets its
verdict, or by a property that fails; a disagreement between two implementations does not count. Who may kill it is
computed: the theorems and properties of the clauses that the broken function implements, then all the others.

`python -m headgate.tests.mutation [ID ...]` runs them and prints the table; `--json` prints it for a machine. Each
mutant lives in a process of its own, forked before any module of headgate is imported.
"""

import argparse
import importlib
import importlib.util
import itertools
import json
import multiprocessing
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

__all__ = ["MUTANTS", "Mutant", "Outcome", "run"]


# A mutant that runs for ever is not killed by being stopped.
MOST_SECONDS = 600


@attrs.frozen
class Mutant:
    """`old` is replaced by `new` in headgate.model.`module`; `clauses` are those of the broken rule."""

    id: str
    module: str
    old: str
    new: str
    clauses: tuple[str, ...]


@attrs.frozen
class Outcome:
    """What became of a mutant: its killer ("theorem NAME" or "property NAME"), or None if it survived."""

    id: str
    killer: str | None
    seconds: float
    note: str = ""


MUTANTS = (
    Mutant("bucket-starts-empty", "bucket", "return Bucket(depth)", "return Bucket(0 * depth)", ("TB-1",)),
    Mutant("bucket-refill-dropped", "bucket", "bucket.level + rate * elapsed", "bucket.level", ("TB-2",)),
    Mutant("bucket-depth-ignored", "bucket", "minimum(depth, bucket.level + rate * elapsed)",
           "bucket.level + rate * elapsed", ("TB-2",)),
    Mutant("bucket-strict", "bucket", "admitted = bucket.level >= size", "admitted = bucket.level > size", ("TB-3",)),
    Mutant("bucket-not-charged", "bucket", "return admitted, where(admitted, Bucket(bucket.level - size), bucket)",
           "return admitted, bucket", ("TB-3",)),
    Mutant("bucket-refusal-charged", "bucket", "return admitted, where(admitted, Bucket(bucket.level - size), bucket)",
           "return admitted, where(admitted, Bucket(bucket.level - size), Bucket(0 * size))", ("TB-3",)),
    Mutant("bucket-envelope-loose", "bucket", "return depth + rate * elapsed", "return depth + depth + rate * elapsed",
           ("TB-4",)),
    Mutant("marker-green-spares-peak", "marker", "where(in_peak, Bucket(marker.peak.level - size), marker.peak)",
           "where(all_(in_peak, not_(green)), Bucket(marker.peak.level - size), marker.peak)", ("TC-2",)),
    Mutant("marker-yellow-charges-committed", "marker", "where(green, Bucket(marker.committed.level - size)",
           "where(in_peak, Bucket(marker.committed.level - size)", ("TC-2",)),
    Mutant("marker-strict-peak", "marker", "in_peak = marker.peak.level >= size", "in_peak = marker.peak.level > size",
           ("TC-2",)),
    Mutant("marker-peak-at-committed-rate", "marker", "refill(marker.peak, rates.peak_rate",
           "refill(marker.peak, rates.committed_rate", ("TC-1",)),
    Mutant("gcra-ahead-negative", "gcra", "maximum(0, state.ahead - elapsed)", "state.ahead - elapsed", ("GC-1",)),
    Mutant("gcra-strict", "gcra", "state.ahead + cost <= limit", "state.ahead + cost < limit", ("GC-2",)),
    Mutant("gcra-refusal-charged", "gcra", "where(conforming, Gcra(state.ahead + cost), state)",
           "Gcra(state.ahead + cost)", ("GC-2",)),
    Mutant("meter-ledger-negative", "meter", "maximum(0, ledger - rate * elapsed)", "ledger - rate * elapsed",
           ("CM-1",)),
    Mutant("meter-drains-at-burst-rate", "meter", "drain(meter.ledger, rates.guaranteed, elapsed)",
           "drain(meter.ledger, rates.burst, elapsed)", ("CM-1",)),
    Mutant("meter-allowance-without-M", "meter", "return max_request + (burst - guaranteed) * duration",
           "return (burst - guaranteed) * duration", ("CM-2",)),
    Mutant("meter-allowance-of-the-essay", "meter", "return max_request + (burst - guaranteed) * duration",
           "return max_request + guaranteed * duration", ("CM-2",)),
    Mutant("meter-ledger-strict", "meter", "meter.ledger + size <= rates.allowance",
           "meter.ledger + size < rates.allowance", ("CM-2",)),
    Mutant("meter-peak-unchecked", "meter", "all_(meter.ledger + size <= rates.allowance, meter.peak.level >= size)",
           "all_(meter.ledger + size <= rates.allowance)", ("CM-2",)),
    Mutant("meter-peak-not-charged", "meter", "Bucket(meter.peak.level - size)), meter)", "meter.peak), meter)",
           ("CM-3",)),
    Mutant("meter-excess-charged", "meter", "where(admitted, Meter(", "where(meter.ledger >= 0, Meter(", ("CM-3",)),
    Mutant("meter-excess-charged-to-ledger", "meter", ", Bucket(meter.peak.level - size)), meter)",
           ", Bucket(meter.peak.level - size)), Meter(meter.ledger + size, meter.peak))", ("CM-3",)),
    Mutant("meter-window-one-half", "meter", "rates.allowance + rates.guaranteed * elapsed,",
           "rates.allowance + rates.burst * elapsed,", ("CM-4",)),
    Mutant("meter-nothing-is-paced", "meter", "return meter.ledger <= 0", "return meter.ledger < 0", ("CM-6",)),
    Mutant("eat-without-ledger", "promise", "return arrival + ledger * ns_per_byte", "return arrival + 0 * ledger",
           ("PR-1",)),
    Mutant("eat-ledger-forgets", "promise", "return before, before + size", "return before, 0 * before + size",
           ("PR-1",)),
    Mutant("eat-ledger-after", "promise", "return before, before + size", "return before + size, before + size",
           ("PR-1",)),
    Mutant("promise-kept-late", "promise", "return finish <= expected + latency",
           "return finish <= expected + latency + latency", ("PR-3",)),
    Mutant("shaped-one-early", "policing", "math.ceil(drained)", "math.floor(drained)", ("PR-5",)),
    Mutant("shaped-peak-forgotten", "policing", ", math.ceil(refilled))", ")", ("PR-5",)),
    Mutant("shaped-one-late", "policing", "return max(0, math.ceil", "return max(1, math.ceil", ("PR-5",)),
    Mutant("excess-in-line-not-charged", "policing", "before, self.ledger = charge(",
           "before, self.ledger = (charge if admitted else lambda x, g, t, s: charge(x, g, t, 0))(", ("PR-6",)),
    Mutant("background-charged", "policing", "self.ledger = drain(self.ledger, self.rates.guaranteed, elapsed)",
           "self.ledger = drain(self.ledger, self.rates.guaranteed, elapsed) + request.bytes", ("PR-7",)),
    Mutant("largest-refused", "policing", "0 < size <= contract.max_request_bytes",
           "0 < size < contract.max_request_bytes", ("CM-6",)),
    Mutant("too-large-admitted", "policing", "0 < size <= contract.max_request_bytes", "0 < size", ("CM-6",)),
    Mutant("sfq-without-previous-finish", "arbiters.sfq", "maximum(state.virtual, choose(tenant, state.last))",
           "maximum(state.virtual, state.virtual)", ("FQ-1",)),
    Mutant("sfq-virtual-on-arrival", "arbiters.sfq", "return FairQueue(state.virtual, put(tenant, state.last, end))",
           "return FairQueue(begin, put(tenant, state.last, end))", ("FQ-1", "FQ-2")),
    Mutant("sfq-virtual-stands-still", "arbiters.sfq", "return found, tenant, FairQueue(begin, state.last)",
           "return found, tenant, state", ("FQ-2",)),
    Mutant("sfq-by-finish-tag", "arbiters.sfq", "[head.begin for head in heads]", "[head.end for head in heads]",
           ("FQ-3",)),
    Mutant("sfq-ties-by-number", "arbiters.sfq", "waiting, tenants.order)", "waiting)", ("FQ-3",)),
    Mutant("sfq-rest-forgotten", "arbiters.sfq", "virtual = maximum(virtual, last)", "virtual = virtual", ("FQ-2",)),
    Mutant("scfq-virtual-of-start", "arbiters.scfq", "FairQueue(end, state.last)",
           "FairQueue(choose(tenant, [head.begin for head in heads]), state.last)", ("FQ-6",)),
    Mutant("scfq-by-start-tag", "arbiters.scfq", "[head.end for head in heads]", "[head.begin for head in heads]",
           ("FQ-6",)),
    Mutant("ties-by-worst-priority", "arbiters.common", "(priorities[tenant], tenant)", "(-priorities[tenant], tenant)",
           ("FQ-3",)),
    Mutant("ties-by-higher-number", "arbiters.common", "(priorities[tenant], tenant)", "(priorities[tenant], -tenant)",
           ("AR-7",)),
    Mutant("fcfs-last-first", "arbiters.fcfs", "[head.order for head in heads]", "[-head.order for head in heads]",
           ("AR-3",)),
    Mutant("priority-reversed", "arbiters.strict_priority", "best(tenants.priorities, waiting)",
           "best([-p for p in tenants.priorities], waiting)", ("AR-4",)),
    Mutant("round-robin-stands-still", "arbiters.round_robin", "return found, tenant, Turn(tenant)",
           "return found, tenant, state", ("AR-5",)),
    Mutant("round-robin-serves-again", "arbiters.round_robin", "where(state.last < tenant, tenant",
           "where(state.last <= tenant, tenant", ("AR-5",)),
    Mutant("drr-quantum-not-added", "arbiters.drr", "given = _add(passed, following, tenants.quanta)",
           "given = passed.deficits", ("AR-6",)),
    Mutant("drr-not-charged", "arbiters.drr", "tuple(-size for size in sizes)", "tuple(0 * size for size in sizes)",
           ("AR-6",)),
    Mutant("drr-deficit-kept-on-leaving", "arbiters.drr", "tuple(where(o, 0, deficit) for o, deficit",
           "tuple(where(o, deficit, deficit) for o, deficit", ("AR-6",)),
    Mutant("drr-deficit-lost-on-turning", "arbiters.drr", "tuple(where(o, 0, deficit) for o, deficit in zip(out,",
           "tuple(where(o, 0, deficit) for o, deficit in zip(over,", ("AR-6",)),
    Mutant("drr-turn-never-ends", "arbiters.drr", "where(b, state.next_rank, rank)", "where(b, rank, rank)", ("AR-6",)),
    Mutant("early-everything-is-due", "arbiters.early", "head.begin <= state.now", "head.begin <= head.begin",
           ("EA-1",)),
    Mutant("early-by-expected-arrival", "arbiters.early", "[head.end for head in heads]",
           "[head.begin for head in heads]", ("EA-1",)),
    Mutant("early-surplus-by-number", "arbiters.early", "best(tenants.priorities, waiting)",
           "best([0 for _ in heads], waiting)", ("EA-1",)),
    Mutant("early-deadline-from-arrival", "arbiters.early", "Stamp(arrival.expected, arrival.expected + arrival.cost",
           "Stamp(arrival.expected, arrival.at + arrival.cost", ("EA-1",)),
    Mutant("early-ties-by-number", "arbiters.early", "due, tenants.order)", "due)", ("EA-1",)),
    Mutant("early-clock-stands-still", "arbiters.early", "return Clock(now)", "return state", ("AR-8", "EA-1")),
    Mutant("clock-not-told-before-a-stamp", "simulator", "told = self.policy.advance(self.state, policed.release_ns)",
           "told = self.state", ("AR-8",)),
    Mutant("clock-not-told-before-a-choice", "simulator", "self.state = self.policy.advance(self.state, now)",
           "self.state = self.state", ("AR-8",)),
    Mutant("time-changes-who-keeps-none", "arbiters.common", "    return state\n", "    return None\n", ("AR-8",)),
    Mutant("gps-slope-of-all-weights", "gps", "sum(fluid.weights[tenant] for tenant in backlogged)",
           "sum(fluid.weights)", ("WQ-1",)),
    Mutant("gps-departure-passed-over", "gps", "if idle_at <= now:", "if idle_at == now:", ("WQ-1",)),
    Mutant("gps-without-previous-finish", "gps", "max(fluid.virtual, fluid.last[tenant])", "fluid.virtual", ("WQ-1",)),
    Mutant("gps-runs-while-empty", "gps", "return attrs.evolve(fluid, now=now)",
           "return attrs.evolve(fluid, now=now, virtual=fluid.virtual + now - fluid.now)", ("WQ-1",)),
    Mutant("wfq-by-start-tag", "arbiters.wfq", "[head.end for head in heads]", "[head.begin for head in heads]",
           ("WQ-2",)),
    Mutant("wfq-ties-by-number", "arbiters.wfq", "waiting, tenants.order)", "waiting)", ("WQ-2",)),
    Mutant("wfq-reference-ignored", "arbiters.wfq", "tenants.reference if reference is None else reference",
           "tenants.reference", ("WQ-6",)),
    Mutant("wfq-reference-of-the-peak", "simulator", "tenants_of(contracts, effective_rate_of(server))",
           "tenants_of(contracts, server.peak_bytes_per_ns)", ("WQ-2",)),
    Mutant("wf2q-serves-who-has-not-begun", "arbiters.wf2q_plus", "head.begin <= virtual", "head.begin <= head.begin",
           ("WF-2",)),
    Mutant("wf2q-by-start-tag", "arbiters.wf2q_plus", "[head.end for head in heads]", "[head.begin for head in heads]",
           ("WF-2",)),
    Mutant("wf2q-virtual-never-jumps", "arbiters.wf2q_plus", "maximum(state.virtual, nearest)",
           "maximum(state.virtual, state.virtual)", ("WF-1",)),
    Mutant("wf2q-jump-forgotten", "arbiters.wf2q_plus", "EligibleQueue(virtual, state.now, state.last, tuple(waiting))",
           "EligibleQueue(state.virtual, state.now, state.last, tuple(waiting))", ("WF-1",)),
    Mutant("wf2q-virtual-without-time", "arbiters.wf2q_plus", "state.virtual + (now - state.now)", "state.virtual",
           ("WF-1",)),
    Mutant("wf2q-charged-for-being-late", "arbiters.wf2q_plus", "where(choose(tenant, state.backlogged), last,",
           "where(False, last,", ("WF-1",)),
    Mutant("wf2q-idle-time-is-credit", "arbiters.wf2q_plus", "where(choose(tenant, state.backlogged), last,",
           "where(True, last,", ("WF-1",)),
    Mutant("wf2q-rest-forgotten", "arbiters.wf2q_plus", "state.last, (False,) * len(state.backlogged))",
           "state.last, state.backlogged)", ("WF-1",)),
    Mutant("vtc-not-charged", "arbiters.vtc", "counter + choose(tenant, [head.end for head in heads])", "counter",
           ("VT-1",)),
    Mutant("vtc-ties-by-number", "arbiters.vtc", "waiting, tenants.order)", "waiting)", ("VT-1",)),
    Mutant("vtc-decode-at-prefill-weight", "arbiters.vtc", "decode_weight * decode", "prefill_weight * decode",
           ("VT-1",)),
    Mutant("vtc-lift-forgotten", "arbiters.vtc", "raised = Counters(put(tenant, state.counters, lifted)",
           "raised = Counters(state.counters", ("VT-2",)),
    Mutant("vtc-lift-lowers", "arbiters.vtc", "maximum(choose(tenant, state.counters), where(", "(where(",
           ("VT-2",)),
    Mutant("vtc-lift-to-nothing-when-empty", "arbiters.vtc", ", choose(state.went_last, state.counters))", ", 0)",
           ("VT-2",)),
    Mutant("vtc-waits-for-ever", "arbiters.vtc", "choose(tenant, state.queued) - 1", "choose(tenant, state.queued)",
           ("VT-2",)),
    Mutant("fr-fcfs-no-row-stays-open", "arbiters.fr_fcfs", "OpenRow(choose(tenant, [head.row for head in heads])",
           "OpenRow(state.row", ("FR-1",)),
    Mutant("fr-fcfs-hit-of-nobody", "arbiters.fr_fcfs", "all_(waits, head.row == state.row)", "head.row == state.row",
           ("FR-1",)),
    Mutant("fr-fcfs-youngest-hit", "arbiters.fr_fcfs", "best(orders, hits)", "best([-order for order in orders], hits)",
           ("FR-1",)),
    Mutant("fr-fcfs-cap-one-more", "arbiters.fr_fcfs", "state.passed < cap", "state.passed <= cap", ("FR-3",)),
    Mutant("fr-fcfs-cap-never-again", "arbiters.fr_fcfs", "where(is_oldest, 0,", "where(is_oldest, state.passed,",
           ("FR-1",)),
    Mutant("capped-bypass-loose", "bounds", "before + (before + 1) * cap", "before + (before + 2) * cap", ("FR-3",)),
    Mutant("refresh-blackout-one-longer", "refresh", "return channel.phase >= refresh.blackout",
           "return channel.phase > refresh.blackout", ("RF-1",)),
    Mutant("refresh-blackout-serves", "refresh", "served = where(is_up(channel, refresh), elapsed, 0)",
           "served = elapsed", ("RF-1",)),
    Mutant("refresh-never-wraps", "refresh", "where(phase >= refresh.interval, 0, phase)",
           "where(phase > refresh.interval, 0, phase)", ("RF-1",)),
    Mutant("refresh-curve-optimistic", "refresh", "maximum(0, rest - refresh.blackout)", "rest", ("RF-2",)),
    Mutant("refresh-curve-pessimistic", "refresh", "+ maximum(0, rest - refresh.blackout)", "", ("RF-2",)),
    Mutant("refresh-latency-forgotten", "refresh", "* (elapsed - refresh.blackout)", "* elapsed", ("RF-3",)),
    Mutant("refresh-knee-moved", "refresh", "KNEE_C = 85\n", "KNEE_C = 95\n", ("RF-4",)),
    Mutant("refresh-halved-per-20", "refresh", "HALVING_C = 10\n", "HALVING_C = 20\n", ("RF-4",)),
    Mutant("refresh-enclosure-not-above", "refresh", "high = high * root_high // scale + 1\n    shift",
           "high = low\n    shift", ("RF-5",)),
    Mutant("refresh-worst-is-best", "refresh", "Refresh(refresh_interval(device, temperature).low",
           "Refresh(refresh_interval(device, temperature).high", ("RF-5",)),
    Mutant("refresh-jedec-knee-too-low", "refresh", "base / 2 if temperature > KNEE_C",
           "base / 2 if temperature >= KNEE_C", ("RF-8",)),
    Mutant("refresh-jedec-not-halved", "refresh", "base / 2 if", "base if", ("RF-8",)),
    Mutant("refresh-table-line-too-low", "refresh", "if temperature <= limit)", "if temperature < limit)", ("RF-9",)),
    Mutant("refresh-table-first-line-beyond", "refresh", "table[-1][1])", "table[0][1])", ("RF-9",)),
    Mutant("refresh-postponed-for-nothing", "refresh", "rest) - postponed * refresh.blackout)", "rest))", ("RF-10",)),
    Mutant("refresh-postponed-negative", "refresh", "maximum(0, service_curve(", "maximum(-9, service_curve(",
           ("RF-10",)),
    Mutant("refresh-postponed-latency", "refresh", "- postponed * refresh.blackout * refresh.interval",
           "- postponed * refresh.blackout", ("RF-10",)),
    Mutant("refresh-bank-as-often-as-all", "refresh", "Refresh(interval * banks, blackout)",
           "Refresh(interval, blackout)", ("RF-11",)),
    Mutant("refresh-banks-strictly-apart", "refresh", "return blackout <= banks * interval",
           "return blackout < banks * interval", ("RF-11",)),
    Mutant("refresh-rate-without-tax", "refresh", "return peak * (refresh.interval - refresh.blackout)",
           "return peak * refresh.interval", ("RF-7",)),
    Mutant("admission-strict", "admission", "return sum(guarantees) <= capacity", "return sum(guarantees) < capacity",
           ("AD-1",)),
    Mutant("admission-share-moved", "admission", "Fraction(85, 100)", "Fraction(90, 100)", ("AD-2",)),
    Mutant("admission-threshold-moved", "admission", "blackout <= (1 - ESSAY_SHARE) * interval",
           "blackout <= ESSAY_SHARE * interval", ("AD-2",)),
    Mutant("admission-commit-forgotten", "admission", "where(admitted, commit(state, guarantee), state)", "state",
           ("AD-3",)),
    Mutant("admission-commit-unchecked", "admission", "where(admitted, commit(state, guarantee), state)",
           "commit(state, guarantee)", ("AD-3",)),
    Mutant("admission-release-forgotten", "admission", "return Admitted(state.total - guarantee)",
           "return Admitted(state.total)", ("AD-3",)),
    Mutant("simulator-arrival-after-choice", "simulator", "while self.to_come and self.to_come[0][0] <= now:",
           "while self.to_come and (self.to_come[0][0] < now or (self.to_come[0][0] == now and not any(self.queues) "
           "and not self.background)):", ("AR-7",)),
    Mutant("simulator-newest-first", "simulator", "return self.queues[tenant].popleft()[1]",
           "return self.queues[tenant].pop()[1]", ("AR-2",)),
    Mutant("simulator-background-first", "simulator", "        if any(waiting):",
           "        if any(waiting) and not self.background:", ("PR-7",)),
    Mutant("simulator-no-blackouts", "simulator", "    if refresh is None:", "    if refresh is None or work > 0:",
           ("RF-1",)),
    Mutant("channels-one-granule-off", "channels", "granule % interleave.channels",
           "(granule + 1) % interleave.channels", ("CH-1",)),
    Mutant("channels-granule-not-cut", "channels", "min(size, interleave.granule - offset)",
           "min(size, interleave.granule)", ("CH-1",)),
    Mutant("channels-whole-request-each", "channels", "attrs.evolve(addressed.request, bytes=share)",
           "addressed.request", ("CH-1",)),
    Mutant("channels-delay-without-excess", "channels", "Fraction(excess) / guaranteed + Fraction(parts)",
           "0 * guaranteed + Fraction(parts)", ("CH-3",)),
    Mutant("channels-share-of-the-whole", "channels", "share = (1 + imbalance) / channels", "share = 1 + imbalance",
           ("CH-3",)),
    Mutant("gap-bound-of-one", "bounds", "return cost_i + cost_j", "return cost_i + 0 * cost_j", ("FQ-4",)),
    Mutant("gap-bound-loose", "bounds", "return cost_i + cost_j", "return cost_i + cost_j + cost_j", ("FQ-4",)),
    Mutant("delay-bound-without-blackout", "bounds", "return (largest + others) * _ns_per_byte(rate) + blackout",
           "return (largest + others) * _ns_per_byte(rate)", ("FQ-5",)),
    Mutant("deadline-bound-without-own", "bounds", "return size * _ns_per_byte(guaranteed) + longest *",
           "return longest *", ("EA-2",)),
    Mutant("gps-lateness-without-blackout", "bounds", "return blackout + largest * _ns_per_byte(rate)",
           "return largest * _ns_per_byte(rate)", ("WQ-5",)),
    Mutant("gps-lag-loose", "bounds", "    return largest\n", "    return largest + 1\n", ("WQ-4",)),
    Mutant("worst-case-lag-without-others", "bounds", "return own + own + (largest - own) * guaranteed",
           "return own + 0 * guaranteed",
           ("WF-4",)),
    Mutant("vtc-gap-of-one", "bounds", "return 2 * cost", "return cost", ("VT-3",)),
    Mutant("delay-bound-without-others", "bounds", "return (largest + others) * _ns_per_byte(rate)",
           "return largest * _ns_per_byte(rate)", ("FQ-5",)),
)  # fmt: skip


class _MutantFinder:
    """Imports the mutated module from its changed text; everything else as always."""

    def __init__(self, mutant: Mutant) -> None:
        self.name, self.mutant = f"headgate.model.{mutant.module}", mutant

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != self.name:
            return None
        sys.meta_path.remove(self)  # type: ignore[arg-type]
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert isinstance(spec.loader, SourceFileLoader)
        spec.loader = _MutantLoader(spec.loader.name, spec.loader.path, self.mutant)
        return spec


class _MutantLoader(SourceFileLoader):
    def __init__(self, name: str, path: str, mutant: Mutant) -> None:
        super().__init__(name, path)
        self.mutant = mutant

    def get_code(self, fullname: str) -> Any:
        text = Path(self.path).read_text(encoding="utf-8")
        found = text.count(self.mutant.old)
        if found != 1:
            raise ImportError(f"mutant {self.mutant.id}: its text occurs {found} times in {self.path}")
        changed = text.replace(self.mutant.old, self.mutant.new)
        if "choose(" in self.mutant.new and "import best\n" in changed:
            changed = changed.replace("import best\n", "import best, choose\n")
        return self.source_to_code(changed.encode(), self.path)


def _theorems(clauses: tuple[str, ...], linked: bool) -> Iterator[tuple[str, bool]]:
    """Yield (name, still as expected) for the theorems of `clauses` (`linked`), or for all the others."""
    from headgate.proofs.catalogue import catalogue
    from headgate.proofs.runner import Limits, ReplayMismatch, prove

    for theorem in catalogue():
        if bool(set(theorem.clauses) & set(clauses)) is linked:
            try:
                yield f"theorem {theorem.id}", prove(theorem, Limits(backstop_ms=20_000)).as_expected
            except ReplayMismatch:
                yield f"theorem {theorem.id}", False


def _properties(clauses: tuple[str, ...], linked: bool) -> Iterator[tuple[str, bool]]:
    """Yield (name, still passes) for the properties of `clauses` (`linked`), or for all the others."""
    from headgate.spec.links import CHECKS

    _import_properties()
    ours = {name for clause in clauses for name in CHECKS.get(clause, ())}
    for name in sorted({name for checked in CHECKS.values() for name in checked}):
        if name.startswith("headgate.properties.") and ".test_recordings." not in name and (name in ours) is linked:
            yield f"property {name.removeprefix('headgate.properties.')}", _passes(name)


def _import_properties() -> None:
    """Import every property of the model under settings of our own: nothing shrinks, nothing is timed."""
    import hypothesis

    import headgate.properties

    # A property takes its settings from the profile that is loaded when it is imported.
    settings = hypothesis.settings(
        derandomize=True, database=None, deadline=None, max_examples=100, print_blob=False,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    hypothesis.settings.register_profile("mutants", settings)
    hypothesis.settings.load_profile("mutants")
    folder = Path(next(iter(headgate.properties.__path__)))
    for file in sorted(folder.glob("test_*.py")):
        if file.stem != "test_recordings":
            importlib.import_module(f"headgate.properties.{file.stem}")


def _passes(name: str) -> bool:
    module, _, function = name.rpartition(".")
    check = getattr(sys.modules[module], function)
    for arguments in _parameters(check):
        try:
            check(**arguments)
        except Exception:
            return False
    return True


def _parameters(check: Any) -> Iterator[dict[str, Any]]:
    """Yield the arguments that pytest would call a property with: the plain parametrizations of one name each."""
    marks = [mark.args for mark in getattr(check, "pytestmark", ()) if mark.name == "parametrize"]
    for choice in itertools.product(*(values for _, values in marks)):
        yield {name: value for (name, _), value in zip(marks, choice, strict=True)}


class _OutOfTime(BaseException):
    """Time is up; no check may take it for its own failure."""


def _out_of_time(*_: object) -> None:
    raise _OutOfTime(f"nobody noticed within {MOST_SECONDS} s")


def _judge(mutant: Mutant) -> Outcome:
    """Run in a fresh process: import the mutant, then ask the theorems and the properties."""
    begun = time.monotonic()
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.alarm(MOST_SECONDS)
    sys.meta_path.insert(0, _MutantFinder(mutant))  # type: ignore[arg-type]
    try:
        for linked in (True, False):
            for checks in (_theorems, _properties):
                for name, fine in checks(mutant.clauses, linked):
                    if not fine:
                        return Outcome(mutant.id, name, time.monotonic() - begun)
    except (Exception, _OutOfTime) as error:
        return Outcome(mutant.id, None, time.monotonic() - begun, f"{type(error).__name__}: {error}")
    return Outcome(mutant.id, None, time.monotonic() - begun, "survived")


UNCHANGED = Mutant("unchanged", "bucket", "return Bucket(depth)", "return Bucket(depth)", ("TB-1",))


def run(mutants: Iterable[Mutant], workers: int = 2) -> list[Outcome]:
    """Judge `mutants`, each in a process of its own; the outcomes keep their order."""
    # What is slow to import and is not headgate's is shared by all forks.
    for name in ("hypothesis", "numpy", "z3"):
        importlib.import_module(name)
    context = multiprocessing.get_context("fork")
    with context.Pool(workers, maxtasksperchild=1) as pool:
        return pool.map(_judge, list(mutants), chunksize=1)


def _print_table(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        print(f"{outcome.id:34} {outcome.killer or 'SURVIVED ' + outcome.note:60} {outcome.seconds:5.1f} s")
    killed = sum(outcome.killer is not None for outcome in outcomes)
    print(f"{killed} of {len(outcomes)} mutants killed")


def main() -> int:
    """Run the mutants named on the command line (all by default); 0 if every one is killed."""
    parser = argparse.ArgumentParser(description="Run the mutants of the model.")
    parser.add_argument("ids", nargs="*")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    chosen = [m for m in (*MUTANTS, UNCHANGED) if m.id in given.ids] if given.ids else list(MUTANTS)
    outcomes = run(chosen)
    if given.json:
        print(json.dumps([attrs.asdict(outcome) for outcome in outcomes]))
    else:
        _print_table(outcomes)
    return 0 if all(outcome.killer for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
