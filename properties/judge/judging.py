"""The judge of recordings: did this run keep the contracts?

It takes the rows of a recording one by one and holds only what is in flight. A broken promise always decides. What
an arbiter owes beyond that (its own delay bound, work conservation, order, the pairwise gap) is judged only where a
policy and a tolerance are declared, and only where no correct implementation could be accused; else it is reported,
with the reason.
"""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

import attrs

from headgate.model.admission import admits, safe_capacity
from headgate.model.bounds import deadline_delay, early_delay, pairwise_gap, promised_delay, wfq_delay
from headgate.model.refresh import effective_rate
from headgate.properties.judge.order import GapWatch, OrderWatch, PairGap
from headgate.properties.judge.report import Check, Delay, Report, Tally, TenantReport, Total
from headgate.properties.judge.tenant import TenantWatch, TrafficSpan, overtaken, tail_of
from headgate.properties.judge.windows import IdleWatch
from headgate.spec.recordings import Row
from headgate.spec.units import BytesPerNs, Celsius, Nanoseconds
from headgate.spec.vocabulary import ContractSet, Excess, Policing

__all__ = ["Judge", "Observer", "judge_rows", "policy_delay"]

# Sees each row with its lateness in whole ns, rounded up; None if it is not in contract.
Observer = Callable[[Row, Nanoseconds | None], None]

FAIR_POLICIES = ("sfq", "scfq")
# Their bound follows the own cost and one request of anybody. WFQ's and WF2Q+'s are held by properties.
DEADLINE_POLICIES = {"early": early_delay, "wfq": wfq_delay, "wf2q+": deadline_delay}
# The essay's rule, as written, lets a tenant's small request overtake its large one.
ORDERLY_POLICIES = (
    *("sfq", "early", "scfq", "wfq", "wf2q+", "drr", "round-robin", "vtc", "fq-codel"),
    *("fr-fcfs", "fr-fcfs-cap", "fcfs", "priority"),
)
COLD_C: Celsius = Fraction(0)


def judge_rows(
    rows: Iterable[Row],
    contracts: ContractSet,
    tolerance_ns: Nanoseconds | None = None,
    observe: Observer | None = None,
) -> Report:
    """Return the judgement of `rows` (in order of arrival) under `contracts`; see `Judge`."""
    judge = Judge(contracts, tolerance_ns)
    if observe is None:
        for row in rows:
            judge.add(row)
    else:
        for row in rows:
            observe(row, judge.add_and_tell(row))
    return judge.report()


class Judge:
    """The judge, fed row by row.

    `tolerance_ns` says by how much the difference of two recorded times may be wrong. Declaring it (0 too), with a
    policy other than "none", asks for the policy's own rules to be judged.
    """

    def __init__(self, contracts: ContractSet, tolerance_ns: Nanoseconds | None = None) -> None:
        """Start with nothing seen."""
        tolerance = tolerance_ns or 0
        self.contracts, self.tolerance = contracts, tolerance
        self.declared = tolerance_ns is not None and contracts.policy != "none"
        self.tenants = [TenantWatch(n, c, tolerance) for n, c in enumerate(contracts.contracts)]
        # A server that waits for a blackout to end before it starts the next request is not idle by choice.
        blackout = contracts.device.blackout_ns if contracts.policy != "none" else 0
        self.idle = IdleWatch(tolerance + blackout)
        self.arrivals = OrderWatch(tolerance)
        self.gaps: GapWatch | None = None
        if contracts.policy in FAIR_POLICIES:
            self.gaps = GapWatch([c.guaranteed_bytes_per_ns for c in contracts.contracts], tolerance)

    def add(self, row: Row) -> int | None:
        """Take the next row; return its lateness in 1 / (scaled rate) ns if it is in contract, else None."""
        self.idle.add(row.arrival_ns, row.start_ns, row.finish_ns)
        tenant = self.tenants[row.tenant]
        if tenant.promise is not None:
            self.arrivals.add(row, row.start_ns)
        if self.gaps is not None:
            self.gaps.add(row)
        return tenant.add(row)

    def add_and_tell(self, row: Row) -> Nanoseconds | None:
        """Take the next row; return its lateness in whole ns, rounded up, if it is in contract, else None."""
        late = self.add(row)
        promise = self.tenants[row.tenant].promise
        return None if late is None or promise is None else -(-late // promise.rates.guaranteed)

    def report(self) -> Report:
        """Return the judgement, after the last row."""
        self.idle.end()
        tenants = tuple(self._with_delay(watch.report()) for watch in self.tenants)
        report = Report(
            policy=self.contracts.policy,
            tolerance_ns=self.tolerance,
            declared=self.declared,
            tenants=tenants,
            guaranteed=self._total(tenants),
            idle=self.idle.idle,
            overlap=self.idle.overlap,
            arrivals=overtaken(self.arrivals),
            gaps=tuple(self.gaps.gaps()) if self.gaps else (),
            checks=(),
        )
        return attrs.evolve(report, checks=tuple(_Checks(self.contracts, report).all()))

    def _with_delay(self, tenant: TenantReport) -> TenantReport:
        if tenant.best_effort:
            return tenant
        largest = [watch.span.largest for watch in self.tenants]
        return attrs.evolve(tenant, delay=policy_delay(self.contracts, tenant.number, largest))

    def _total(self, tenants: Sequence[TenantReport]) -> Total:
        span, latencies = TrafficSpan(), []
        for watch in self.tenants:
            if watch.promise is not None:
                span.join(watch.span)
                latencies.append(watch.latency)
        reports = [tenant for tenant in tenants if not tenant.best_effort]
        late = [tenant.worst for tenant in reports if tenant.worst is not None]
        return Total(
            all=span.all,
            classes={policing: _sum([t.classes[policing] for t in reports]) for policing in Policing},
            offered_bytes_per_ns=span.offered(),
            served_bytes_per_ns=span.served(),
            latency=tail_of(latencies),
            worst=max(late, key=lambda worst: worst.ns, default=None),
        )


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.requests += tally.requests
        total.bytes += tally.bytes
    return total


# ---- what the policy promises ----


def policy_delay(contracts: ContractSet, number: int, largest: Sequence[int]) -> Delay:
    """Return the delay that the policy promises tenant `number`; for the policy "none", what SFQ would promise.

    `largest` is the largest request that each tenant sent, in bytes: one above the contract's counts as it is. Traffic
    of best-effort tenants, and excess that is background, adds the largest of its requests once.
    """
    policy = "sfq" if contracts.policy == "none" else contracts.policy
    sizes = [max(c.max_request_bytes, sent) for c, sent in zip(contracts.contracts, largest, strict=True)]
    rate = _safe_rate(contracts)
    if not admits([contract.guaranteed_bytes_per_ns for contract in contracts.guaranteed], rate):
        return Delay(policy, None, "the guarantees sum to more than the device keeps")
    flows = [n for n, contract in enumerate(contracts.contracts) if not contract.best_effort and n != number]
    behind = [
        size
        for size, contract in zip(sizes, contracts.contracts, strict=True)
        if contract.best_effort or contract.excess is Excess.BACKGROUND
    ]
    guaranteed, blackout = contracts.contracts[number].guaranteed_bytes_per_ns, contracts.device.blackout_ns
    background = max(behind, default=0)
    if policy in DEADLINE_POLICIES:
        longest = max(sizes[n] for n in (*flows, number))
        late = blackout + Fraction(background) / rate
        return Delay(policy, Fraction(DEADLINE_POLICIES[policy](sizes[number], longest, rate, late, guaranteed)))
    others = sum(sizes[n] for n in flows) + background
    bound = promised_delay(policy, sizes[number], others, rate, blackout, guaranteed)
    return Delay(policy, None, f"{policy} promises none") if bound is None else Delay(policy, Fraction(bound))


def _safe_rate(contracts: ContractSet) -> BytesPerNs:
    """Return the least effective rate up to the device's hottest temperature (the essay's interval has two ends)."""
    device = contracts.device
    return min(effective_rate(device, COLD_C), safe_capacity(device, device.max_temperature_c))


# ---- what is judged ----


class _Checks:
    """The rules that a recording can be held to, each with what it shows and whether it is judged."""

    def __init__(self, contracts: ContractSet, report: Report) -> None:
        self.contracts, self.report = contracts, report
        self.policy = report.policy
        ways = {contract.excess for contract in contracts.guaranteed}
        self.shaped, self.background = Excess.SHAPED in ways, Excess.BACKGROUND in ways

    def all(self) -> Iterable[Check]:
        """Yield every check: the promises first."""
        yield from self.promises()
        if self.policy in (*FAIR_POLICIES, *DEADLINE_POLICIES):
            yield from self.delays()
        if self.policy in FAIR_POLICIES:
            yield self.pairwise()
        yield self.work_conservation()
        yield from self.orders()
        if self.policy == "fcfs":
            yield self.arrival_order()

    def _check(
        self, name: str, clause: str, statement: str, kept: bool, excuses: dict[str, bool], **shown: object
    ) -> Check:
        """Return a check that is judged unless one of `excuses` (reason to whether it applies) speaks against it."""
        common = {
            "nothing is declared to arbitrate": self.policy == "none",
            "no tolerance is declared": not self.report.declared,
        }
        reason = next((why for why, applies in (common | excuses).items() if applies), "")
        return Check(name, clause, statement, kept, not reason, reason, **shown)  # type: ignore[arg-type]

    def promises(self) -> Iterable[Check]:
        """Every request in contract finishes by its expected arrival plus its latency; always judged."""
        for tenant in self.report.tenants:
            if tenant.best_effort or tenant.slo_ns is None:
                continue
            row = None if not tenant.broken or tenant.worst is None else tenant.worst.row
            statement = "every request in contract finishes by its expected arrival + SLO"
            yield Check("promise", "RC-3", statement, not tenant.broken, True, "", tenant.number, row)

    @property
    def _overlap(self) -> dict[str, bool]:
        longest = self.report.overlap.longest_ns
        why = "services overlap, so that the server is not one that serves a request at a time"
        return {why: longest > self.report.tolerance_ns}

    def delays(self) -> Iterable[Check]:
        """Every request in contract finishes by its expected arrival plus the delay of the policy."""
        for tenant in self.report.tenants:
            if tenant.delay is None or tenant.delay.ns is None or tenant.worst is None:
                continue
            kept = tenant.worst.ns <= tenant.delay.ns + self.report.tolerance_ns
            statement = f"every request in contract finishes by its expected arrival + the delay of {self.policy}"
            row = None if kept else tenant.worst.row
            excess = self.contracts.contracts[tenant.number].excess
            blurred = excess is Excess.BACKGROUND and self.report.tolerance_ns > 0
            excuses = {
                **self._overlap,
                "a shaper, whose releases are not recorded, holds its excess": excess is Excess.SHAPED,
                "its excess is background, and an inexact clock cannot tell it from the rest": blurred,
            }
            yield self._check("delay-bound", "RC-3", statement, kept, excuses, tenant=tenant.number, row=row)

    def work_conservation(self) -> Check:
        """Nothing waits while nothing is in service, but for the tolerance and one blackout."""
        excuses = {
            "the essay's rule is not held to it": self.policy == "essay",
            "a shaper holds requests on purpose": self.shaped,
        }
        statement = "no request waits while nothing is in service"
        return self._check("work-conservation", "RC-5", statement, not self.report.idle.too_long, excuses)

    def orders(self) -> Iterable[Check]:
        """A tenant's requests start in the order in which they came; finishes may cross on several channels."""
        for tenant in self.report.tenants:
            excess = self.contracts.contracts[tenant.number].excess
            excuses = {
                "the essay's rule does not keep it": self.policy not in ORDERLY_POLICIES,
                "its traffic is background": tenant.best_effort,
                "its excess has a queue of its own": excess is Excess.BACKGROUND,
            }
            row = tenant.starts.example[0] if tenant.starts.example else None
            statement = "requests of a tenant start in order of arrival"
            kept = not tenant.starts.count
            yield self._check("order", "RC-6", statement, kept, excuses, tenant=tenant.number, row=row)

    def arrival_order(self) -> Check:
        """Under fcfs, requests of all guaranteed tenants start in the order in which they came."""
        excuses = {
            "a shaper holds requests on purpose": self.shaped,
            "excess has a queue of its own": self.background,
        }
        arrivals = self.report.arrivals
        row = arrivals.example[0] if arrivals.example else None
        statement = "requests of all tenants start in order of arrival"
        return self._check("arrival-order", "RC-6", statement, not arrivals.count, excuses, row=row)

    def pairwise(self) -> Check:
        """No two backlogged tenants drift further apart than L_i / w_i + L_j / w_j."""
        excuses = {
            **self._overlap,
            "a shaper holds requests on purpose": self.shaped,
            "excess has a queue of its own": self.background,
        }
        kept = all(gap.size_ns <= self.gap_bound(gap) for gap in self.report.gaps)
        statement = "two backlogged tenants drift apart by L_i / w_i + L_j / w_j at most"
        return self._check("pairwise-gap", "RC-6", statement, kept, excuses)

    def gap_bound(self, gap: PairGap) -> Fraction:
        """Return the largest gap that a correct arbiter may show between two tenants, with the tolerance.

        Within the tolerance of either end of an interval, services may be on the wrong side of it: what the channel
        moves at its peak in that time, taken at the smaller weight.
        """
        weights = [self.contracts.contracts[n].guaranteed_bytes_per_ns for n in (gap.ahead, gap.behind)]
        costs = [self._largest(n) / w for n, w in zip((gap.ahead, gap.behind), weights, strict=True)]
        slack = 2 * self.report.tolerance_ns * self.contracts.device.peak_bytes_per_ns / min(weights)
        return Fraction(pairwise_gap(*costs)) + slack

    def _largest(self, number: int) -> int:
        return max(self.contracts.contracts[number].max_request_bytes, self.report.tenants[number].largest_bytes)
