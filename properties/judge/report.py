"""What the judge of recordings reports: frozen records of exact numbers, each with the request that shows it."""

import attrs

from headgate.properties.judge.order import PairGap
from headgate.properties.judge.windows import Missed, Span
from headgate.spec.recordings import Row
from headgate.spec.units import Bytes, BytesPerNs, ExactNs, Nanoseconds
from headgate.spec.vocabulary import Excess, Policing, Verdict

__all__ = [
    "Check",
    "Delay",
    "Lateness",
    "Overtaken",
    "Report",
    "Tail",
    "Tally",
    "TenantReport",
    "Total",
    "Wait",
]


@attrs.define
class Tally:
    """How many requests, and their bytes."""

    requests: int = 0
    bytes: Bytes = 0


@attrs.frozen
class Tail:
    """Latency (finish - arrival) by nearest rank; `exact` is false where p50 and p99 may be up to 0.1 % too high."""

    p50_ns: Nanoseconds
    p99_ns: Nanoseconds
    max_ns: Nanoseconds
    exact: bool


@attrs.frozen
class Lateness:
    """How long after its expected arrival time (clause PR-1) a request finished; negative if it was before."""

    ns: ExactNs
    expected_ns: ExactNs
    policing: Policing
    row: Row


@attrs.frozen
class Wait:
    """The longest time from arrival to start."""

    ns: Nanoseconds
    row: Row


@attrs.frozen
class Overtaken:
    """Requests that came before an earlier one, beyond the tolerance; the one furthest ahead and whom it overtook."""

    count: int
    example: tuple[Row, Row] | None


@attrs.frozen
class Delay:
    """What `policy` promises from expected arrival to finish: `ns`, or None with the reason."""

    policy: str
    ns: ExactNs | None
    reason: str = ""


@attrs.frozen
class TenantReport:
    """One tenant of the recording; what hangs on a contract is None for a best-effort tenant."""

    name: str
    number: int
    best_effort: bool
    excess: Excess
    all: Tally
    classes: dict[Policing, Tally]
    largest_bytes: Bytes
    offered_bytes_per_ns: BytesPerNs | None
    served_bytes_per_ns: BytesPerNs | None
    latency: Tail | None
    wait: Wait | None
    starts: Overtaken
    finishes: Overtaken
    slo_ns: ExactNs | None = None
    broken: int = 0
    first_broken: Lateness | None = None
    worst: Lateness | None = None
    missed: Missed | None = None
    delay: Delay | None = None


@attrs.frozen
class Total:
    """All guaranteed tenants together."""

    all: Tally
    classes: dict[Policing, Tally]
    offered_bytes_per_ns: BytesPerNs | None
    served_bytes_per_ns: BytesPerNs | None
    latency: Tail | None
    worst: Lateness | None


@attrs.frozen
class Check:
    """A rule, whether the recording keeps it, and whether that is judged; if not, `reason` says why.

    `tenant` is the number of the tenant at stake, if it is one; `row` the request that shows a breach.
    """

    id: str
    clause: str
    statement: str
    kept: bool
    judged: bool
    reason: str = ""
    tenant: int | None = None
    row: Row | None = None


@attrs.frozen
class Report:
    """The whole judgement of one recording."""

    policy: str
    tolerance_ns: Nanoseconds
    declared: bool
    tenants: tuple[TenantReport, ...]
    guaranteed: Total
    idle: Span
    overlap: Span
    arrivals: Overtaken
    gaps: tuple[PairGap, ...]
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """VIOLATED iff a rule that is judged is broken."""
        broken = any(check.judged and not check.kept for check in self.checks)
        return Verdict.VIOLATED if broken else Verdict.HOLDS
