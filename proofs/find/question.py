"""A question that `headgate find` can be asked, and the answer: plain records, so that reading them loads no solver.

A question fixes a policy, the tenants and the domain of what is sent; everything within that domain is searched. It is
asked either of a table of `requests` requests with arrivals in ns, or of `steps` discrete steps of queue counts.
"""

import enum
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import attrs

from headgate.spec.units import Bytes, Nanoseconds
from headgate.spec.vocabulary import ContractSet, Device, Schedule

if TYPE_CHECKING:
    from headgate.model.arbiters import Policy
    from headgate.model.replay import Replay

__all__ = [
    "DEFAULT_COUNTS",
    "DEFAULT_PAGES",
    "DEFAULT_REQUESTS",
    "DEFAULT_SPAN",
    "DEFAULT_STEPS",
    "Answer",
    "Asked",
    "Finding",
    "Progress",
    "Question",
    "QuestionError",
    "Span",
]


class Asked(enum.Enum):
    """What is looked for."""

    WAIT = "wait"  # a request that waits long for its service to begin
    GAP = "gap"  # two backlogged tenants whose normalised service drifts apart
    DEFICIT = "deficit"  # a backlogged tenant that gets less than its share of a window
    OVERRUN = "overrun"  # more admitted in a window than the envelope of the bucket
    STARVATION = "starvation"  # a tenant that waits for ever: a prefix and a loop
    BLOCKED = "blocked"  # a backlogged queue that is not served for many steps in a row
    SERVICE = "service"  # a queue that is served more often than a number of times
    CONDITION = "condition"  # steps of which an expression holds
    OVERSUBSCRIPTION = "oversubscription"  # guarantees that are admitted and not there
    DIFFERENCE = "difference"  # two policies that serve the same arrivals in a different order
    EVICTION = "eviction"  # a page that goes of a tenant which has no more than its floor
    CONFLICT = "conflict"  # a bank in which two tenants have pages


class Finding(enum.Enum):
    """How a question was answered."""

    FOUND = "found"
    IMPOSSIBLE = "impossible"
    UNDECIDED = "undecided"


class QuestionError(ValueError):
    """A question that nobody can answer: which field of it, and what was expected. One line."""


@attrs.frozen
class Span:
    """The whole numbers from `least` to `most`."""

    least: int
    most: int

    def __str__(self) -> str:
        """Return it as the command line has it."""
        return f"{self.least}..{self.most}"


DEFAULT_REQUESTS = 4
DEFAULT_OPERATIONS = 12  # on a table of pages; more where a tenant has so many banks to fill before a second row
DEFAULT_STEPS = 10
DEFAULT_SPAN = Span(0, 15)  # arrivals of a request table, in ns
DEFAULT_COUNTS = Span(0, 4)  # arrivals per queue and step of the step model
DEFAULT_PAGES = 2  # pages of a tenant, in a question of eviction


@attrs.frozen
class Question:
    """What is asked, and of which schedules.

    `policy` is a name (of an arbiter, a bucket, a rule of admission, of eviction or of colours) or a `Policy` of your
    own; `against` is the second one of a difference. `weights` are bytes per ns (empty: all 1), `priorities` 0 for the
    best (empty: by tenant number under strict priority, else all 0). `requests` or `steps` says how long schedules get,
    neither: the engine's own default. `arrivals` are ns in a table of requests, and arrivals per queue and step in the
    step model (None: the default of either). `within_ns`: what is shown must be over by then. `same_step`: what arrives
    in a step can be served in it.

    A schedule is wanted whose value is at least `at_least`; None asks for the question's own violation (more than
    the bound that should hold), or, with `maximise`, for the largest value of all. `minimal` asks for the smallest one.
    `parameters` are exact numbers of the mechanism that are given (such as the rate of a bucket); what is not given is
    free. So are `floors`, the pages that each tenant is entitled to; `pages` are those that it has (empty: two each),
    and `colours` masks over the banks, one a tenant. `assume` are parsed expressions that every schedule must satisfy,
    `shows` the one that a condition is about. Nothing is searched longer than `limit_seconds` (None: without limit).
    """

    asked: Asked
    policy: "str | Policy"
    tenants: int = 2
    weights: tuple[Fraction, ...] = ()
    priorities: tuple[int, ...] = ()
    requests: int | None = None
    steps: int | None = None
    sizes: Span = Span(1, 4)
    arrivals: Span | None = None
    within_ns: Nanoseconds | None = None
    same_step: bool = False
    victim: int | None = None
    at_least: Fraction | None = None
    maximise: bool = False
    against: "str | Policy | None" = None
    device: Device | None = None
    contracts: ContractSet | None = None
    parameters: Mapping[str, Fraction] = attrs.field(factory=dict, eq=False)
    floors: tuple[int, ...] = ()
    pages: tuple[int, ...] = ()
    colours: tuple[int, ...] = ()
    assume: tuple[Any, ...] = ()
    shows: Any = None
    limit_seconds: Fraction | None = None
    minimal: bool = False
    seed: int = 1

    @property
    def policy_name(self) -> str:
        """The name of the policy."""
        return self.policy if isinstance(self.policy, str) else self.policy.name

    @property
    def all_weights(self) -> tuple[Fraction, ...]:
        """One weight a tenant, in bytes per ns."""
        return self.weights or (Fraction(1),) * self.tenants

    @property
    def all_priorities(self) -> tuple[int, ...]:
        """One priority a tenant, 0 the best; under strict priority, unless given, the tenant's number."""
        if self.priorities:
            return self.priorities
        return tuple(range(self.tenants)) if self.policy_name == "priority" else (0,) * self.tenants

    @property
    def all_pages(self) -> tuple[int, ...]:
        """How many pages each tenant has."""
        return self.pages or (DEFAULT_PAGES,) * self.tenants

    @property
    def most_requests(self) -> int:
        """How many requests a table may have."""
        if self.requests is None and self.asked is Asked.CONFLICT:
            each = min((mask.bit_count() for mask in self.colours), default=int(self.parameters.get("each", 1)))
            return max(DEFAULT_OPERATIONS, each + 1)
        return DEFAULT_REQUESTS if self.requests is None else self.requests

    @property
    def largest(self) -> Bytes:
        """The largest request of anybody."""
        return self.sizes.most


# Told what is established so far, as one sentence, whenever there is more of it.
Progress = Callable[[str], None]


@attrs.frozen
class Answer:
    """What became of a question.

    FOUND: `schedule` shows `value` (in `unit`), and `replay` is its run on the exact model. IMPOSSIBLE: proved for the
    whole domain, or by `theorem` for more than that. UNDECIDED: time ran out. `bound` is the best upper bound of the
    value that is established, `proved_maximal` that nothing in the domain is above `value`. `engine` answered because
    of `why`; `established` says in sentences what is certain, whatever the verdict.
    """

    question: Question
    finding: Finding
    engine: str
    why: str
    value: Fraction | None = None
    bound: Fraction | None = None
    unit: str = ""
    proved_maximal: bool = False
    schedule: Schedule | None = None
    replay: "Replay | None" = None
    theorem: str = ""
    established: tuple[str, ...] = ()
    seconds: float = 0.0
