"""The words of the model: contracts, devices, requests, schedules, executions, verdicts.

All of them are frozen records. A tenant is an index into the contracts (0, 1, ...); a name appears only where a
person reads or writes. Times are nanoseconds, sizes bytes, rates bytes per nanosecond (1 GB/s = 1 B/ns).
"""

import enum
from collections.abc import Mapping
from fractions import Fraction

import attrs

from headgate.spec.units import Bytes, BytesPerNs, Celsius, ExactNs, Nanoseconds

__all__ = [
    "POLICIES",
    "TREATMENTS",
    "Contract",
    "ContractSet",
    "Device",
    "Excess",
    "Execution",
    "Geometry",
    "KeyValue",
    "Policing",
    "RefreshRule",
    "Request",
    "Schedule",
    "Service",
    "Verdict",
]

# The policies that this version models, by the name that contract files use. "none": nothing arbitrates.
POLICIES = (
    "sfq",
    "early",
    "scfq",
    "wfq",
    "wf2q+",
    "drr",
    "round-robin",
    "vtc",
    "fq-codel",
    "fr-fcfs",
    "fr-fcfs-cap",
    "fcfs",
    "priority",
    "essay",
    "none",
)


class Excess(enum.Enum):
    """What becomes of a request that is out of contract (clause PR-4).

    UNTREATED is none of the three treatments: it keeps its place in the queue and is charged to nothing, so that no
    promise holds. It is there to be refuted; no contract file can ask for it.
    """

    SHAPED = "shaped"
    IN_LINE = "in-line"
    BACKGROUND = "background"
    UNTREATED = "untreated"


TREATMENTS = (Excess.SHAPED, Excess.IN_LINE, Excess.BACKGROUND)


class Policing(enum.Enum):
    """How the contract meter classes a request (clause CM-6)."""

    PACED = "paced"
    BURST = "burst"
    EXCESS = "excess"
    REFUSED = "refused"


class RefreshRule(enum.Enum):
    """Which curve gives the refresh interval at a temperature (clauses RF-4, RF-6, RF-8, RF-9)."""

    CORRECTED = "corrected"
    JEDEC = "jedec"
    TABLE = "table"
    ESSAY = "essay"


class Verdict(enum.Enum):
    """What a command concludes; the exit codes 0, 1 and 3 in this order."""

    HOLDS = "holds"
    VIOLATED = "violated"
    UNDECIDED = "undecided"


@attrs.frozen
class Contract:
    """What one tenant was promised, and what it may send in return.

    A best-effort tenant (`best_effort`) has no guarantee: its rates are 0, its traffic is background.
    `max_request_bytes` is also the depth of the peak bucket; `kv_floor_bytes` of the cache are its requests' to keep.
    """

    name: str
    guaranteed_bytes_per_ns: BytesPerNs = Fraction(0)
    burst_bytes_per_ns: BytesPerNs = Fraction(0)
    burst_duration_ns: ExactNs = Fraction(0)
    max_request_bytes: Bytes = 0
    priority: int = 0
    latency_slo_ns: ExactNs | None = None
    excess: Excess = Excess.IN_LINE
    best_effort: bool = False
    hbm_quota_bytes: Bytes | None = None
    cxl_quota_bytes: Bytes | None = None
    kv_floor_bytes: Bytes | None = None
    page_color: int | None = None


@attrs.frozen
class Geometry:
    """How the cells of a memory are laid out; each number is per unit of the one above it.

    A device has `stacks`, a stack `channels`, a channel `pseudo_channels`; each of these has `stack_ids` (the ranks of
    a tall stack) times `bank_groups` times `group_banks` banks, and a bank `rows` of `row_bytes`.
    """

    stacks: int
    channels: int
    pseudo_channels: int
    stack_ids: int
    bank_groups: int
    group_banks: int
    rows: int
    row_bytes: Bytes

    @property
    def banks(self) -> int:
        """Banks of one pseudo-channel: what a page colour is a mask over."""
        return self.stack_ids * self.bank_groups * self.group_banks

    @property
    def lanes(self) -> int:
        """Pseudo-channels of the device."""
        return self.stacks * self.channels * self.pseudo_channels

    @property
    def page_bytes(self) -> Bytes:
        """Bytes of one row of one bank in every pseudo-channel."""
        return self.lanes * self.row_bytes

    @property
    def pages(self) -> int:
        """Pages of the device."""
        return self.banks * self.rows

    @property
    def capacity_bytes(self) -> Bytes:
        """Bytes of the device."""
        return self.pages * self.page_bytes


@attrs.frozen
class Device:
    """One memory channel: its peak rate and its refresh; of the whole memory, its `geometry` where it is known.

    A refresh takes `refresh_ns` (tRFC) plus `overhead_ns` (close and reopen the rows) out of every interval.
    `base_interval_ns` is tREFI when cold. `provenance` names the source of every number, by field. `refresh_table` is
    there under the rule TABLE alone: (up to which temperature, interval), the coldest first.
    """

    name: str
    peak_bytes_per_ns: BytesPerNs
    refresh_ns: ExactNs
    overhead_ns: ExactNs
    base_interval_ns: ExactNs
    refresh_rule: RefreshRule = RefreshRule.CORRECTED
    max_temperature_c: Celsius = Fraction(95)
    provenance: Mapping[str, str] = attrs.field(factory=dict, eq=False)
    refresh_table: tuple[tuple[Celsius, ExactNs], ...] = ()
    geometry: Geometry | None = None

    @property
    def blackout_ns(self) -> ExactNs:
        """Length of one refresh blackout."""
        return self.refresh_ns + self.overhead_ns


@attrs.frozen
class KeyValue:
    """What a model that is served does with memory: its KV cache, its weights, and when its tokens are due.

    A token leaves `token_bytes` in the cache, a page holds `page_tokens` of them; a step reads `weight_bytes` beside
    the cache. The first token is due `first_slo_ns` after arrival, any other `next_slo_ns` after the one before
    (None: not promised). A page that comes back comes at `link_bytes_per_ns` (None: at the rate of the memory).
    """

    token_bytes: Bytes
    page_tokens: int
    weight_bytes: Bytes
    first_slo_ns: ExactNs | None = None
    next_slo_ns: ExactNs | None = None
    link_bytes_per_ns: BytesPerNs | None = None

    @property
    def page_bytes(self) -> Bytes:
        """Bytes of a page of the cache."""
        return self.token_bytes * self.page_tokens


@attrs.frozen
class ContractSet:
    """A contract file: the device, the arbiter's policy, the tenants in file order, and the cache, if declared."""

    device: Device
    policy: str
    contracts: tuple[Contract, ...]
    source: str = "<contracts>"
    kv: KeyValue | None = None

    @property
    def guaranteed(self) -> tuple[Contract, ...]:
        """The tenants that were promised something."""
        return tuple(c for c in self.contracts if not c.best_effort)

    def index(self, name: str) -> int:
        """Return the tenant number of `name`; KeyError where no contract has that name."""
        for number, contract in enumerate(self.contracts):
            if contract.name == name:
                return number
        raise KeyError(name)


@attrs.frozen
class Request:
    """One memory request: `tenant` asks for `bytes` at `arrival_ns`. Same-instant requests keep their order.

    `row` is the memory row that it is for; only FR-FCFS asks. `operation` is what is asked for, where a mechanism knows
    more than one thing; `row` is then the number that it is about.
    """

    tenant: int
    arrival_ns: Nanoseconds
    bytes: Bytes
    row: int = 0
    operation: str = ""


@attrs.frozen
class Service:
    """What became of one request.

    `release_ns` is when it joined the arbiter's queue (later than its arrival only if it was shaped),
    `expected_ns` its expected arrival time (clause PR-1; None for background traffic). Times are exact.
    """

    request: Request
    policing: Policing
    release_ns: ExactNs
    start_ns: ExactNs
    finish_ns: ExactNs
    expected_ns: ExactNs | None = None


@attrs.frozen
class Execution:
    """What a server did: the services in the order in which they were started, and the requests refused."""

    services: tuple[Service, ...]
    refused: tuple[Request, ...] = ()


@attrs.frozen
class Schedule:
    """Requests, the rule that they are given to, and what they are meant to show.

    `mechanism` and `rule` name the rule (such as "bucket" and "essay"), `parameters` its numbers (exact; the
    keys are the mechanism's own), `clause` the clause at stake, `claim` the question of the replay
    (such as "overrun" or "gap").
    """

    clause: str
    statement: str
    mechanism: str
    rule: str
    claim: str
    parameters: Mapping[str, object]
    requests: tuple[Request, ...]
    name: str = ""
