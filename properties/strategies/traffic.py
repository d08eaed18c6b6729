"""Schedules of many tenants, mixed from named shapes, and scenarios: with their tenants and a server."""

import enum
import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from headgate.model.simulator import Server, finish_time
from headgate.properties.strategies.machines import draw_server
from headgate.properties.strategies.numbers import AT_REAL_SCALE, EITHER
from headgate.properties.strategies.tenants import draw_tenants
from headgate.spec.vocabulary import Contract, Excess, Request

__all__ = ["Scenario", "Shape", "scenarios", "schedules"]


class Shape(enum.Enum):
    """What a stretch of a schedule looks like."""

    MINGLED = "requests of any tenants at any times"
    TOGETHER = "every tenant at one instant"
    FLOOD = "many requests of one tenant at one instant"
    RETURN = "a tenant comes back after an idle spell, while others have gone on or not"
    BACKLOG = "a long backlog of one tenant, single requests of another"
    PACED = "steady traffic at the guaranteed rate, or just within it"
    ON_OFF = "bursts at the burst rate for the burst duration, an idle spell between them"
    EXCESS = "a tenant at twice its burst rate"
    CLOCKED = "arrivals at the very instants at which services end"


# Some shapes often miss their aim, because another stretch or another tenant comes between.
SHAPES = (*Shape, Shape.CLOCKED, Shape.PACED)


@attrs.frozen
class Scenario:
    """A schedule with the tenants and the server that it is given to."""

    contracts: tuple[Contract, ...]
    server: Server
    requests: tuple[Request, ...]


_VALID_SIZES = st.sampled_from(("any", "largest", "any", "smallest"))
_ANY_SIZES = st.sampled_from(("any", "largest", "beyond", "any", "largest", "empty", "any", "smallest"))


@st.composite
def schedules(
    draw: DrawFn,
    tenants: Sequence[Contract],
    server: Server,
    *,
    shapes: Sequence[Shape] = SHAPES,
    max_stretches: int = 3,
    valid: bool = False,
) -> tuple[Request, ...]:
    """Draw requests, ordered by arrival: stretches of `shapes`, one over or after another.

    With `valid`, every size is from 1 to the tenant's largest request; else some are one byte beyond, or empty.
    """
    requests: list[Request] = []
    begin, kinds = 0, st.sampled_from(shapes)
    for _ in range(draw(st.integers(1, max_stretches))):
        stretch = _Stretch(draw, tenants, server, begin, valid)
        _SHAPES[draw(kinds)](stretch)
        requests += stretch.requests
        begin = _next_beginning(draw, begin, requests)
    return tuple(sorted(requests, key=lambda request: request.arrival_ns))


def _next_beginning(draw: DrawFn, begin: int, requests: Sequence[Request]) -> int:
    """Draw when the next stretch begins: with the one before, a little later, or long after everything so far."""
    last = max((request.arrival_ns for request in requests), default=begin)
    earliest, latest = draw(
        st.sampled_from(((begin, begin + 20), (begin, begin), (last, last), (last + 1, 2 * last + 200)))
    )
    return draw(st.integers(earliest, latest))


class _Stretch:
    """One stretch of a schedule under construction."""

    def __init__(self, draw: DrawFn, tenants: Sequence[Contract], server: Server, begin: int, valid: bool) -> None:
        self.draw, self.tenants, self.server = draw, tenants, server
        self.begin, self.valid = begin, valid
        self.requests: list[Request] = []

    def count(self, fewest: int, most: int) -> int:
        """Draw how many."""
        return self.draw(st.integers(fewest, most))

    def pick(self) -> int:
        """Draw a tenant."""
        return self.count(0, len(self.tenants) - 1)

    def other(self, tenant: int) -> int:
        """Draw another tenant than `tenant`, where there is one."""
        return (tenant + self.count(1, max(1, len(self.tenants) - 1))) % len(self.tenants)

    def size(self, tenant: int) -> int:
        """Draw a size: the largest, the smallest or any; where it need not be valid, also one byte beyond, or none."""
        largest = self.tenants[tenant].max_request_bytes
        kind = self.draw(_VALID_SIZES if self.valid else _ANY_SIZES)
        if kind == "any":
            return self.count(1, largest)
        return {"largest": largest, "smallest": 1, "beyond": largest + 1, "empty": 0}[kind]

    def fair_size(self, tenant: int) -> int:
        """Draw a size that is not refused, the largest as often as not."""
        largest = self.tenants[tenant].max_request_bytes
        return largest if self.draw(EITHER) else self.count(1, largest)

    def send(self, tenant: int, after: int, size: int) -> None:
        """Add a request, `after` ns after the beginning of the stretch."""
        self.requests.append(Request(tenant, self.begin + after, size))

    def rate(self, tenant: int, burst: bool = False) -> Fraction:
        """Return the guaranteed or the burst rate of `tenant` (1 for a best-effort tenant)."""
        contract = self.tenants[tenant]
        rate = contract.burst_bytes_per_ns if burst else contract.guaranteed_bytes_per_ns
        return rate if rate > 0 else Fraction(1)

    def service_ns(self, size: int) -> int:
        """Return about how long `size` bytes are in service, in whole ns, one at least."""
        return max(1, math.floor(size / self.server.peak_bytes_per_ns))


def _mingled(stretch: _Stretch) -> None:
    width = stretch.service_ns(max(c.max_request_bytes for c in stretch.tenants)) * 4
    for _ in range(stretch.count(1, 12)):
        tenant = stretch.pick()
        stretch.send(tenant, stretch.count(0, width), stretch.size(tenant))


def _together(stretch: _Stretch) -> None:
    for _ in range(stretch.count(1, 2)):
        for tenant in range(len(stretch.tenants)):
            stretch.send(tenant, 0, stretch.fair_size(tenant))


def _flood(stretch: _Stretch) -> None:
    tenant = stretch.pick()
    for _ in range(stretch.count(4, 10)):
        stretch.send(tenant, 0, stretch.size(tenant))
    victim = stretch.other(tenant)
    if stretch.draw(st.booleans()):
        stretch.send(victim, 0, stretch.fair_size(victim))


def _return(stretch: _Stretch) -> None:
    back, busy = stretch.pick(), stretch.pick()
    stretch.send(back, 0, stretch.fair_size(back))
    backlog = 0
    for _ in range(stretch.count(0, 8)):
        size = stretch.fair_size(busy)
        stretch.send(busy, 0, size)
        backlog += stretch.service_ns(size)
    soon = stretch.count(1, max(1, backlog))
    long = stretch.count(100, 100_000)
    gap = stretch.draw(st.sampled_from((soon, long)))
    for _ in range(stretch.count(3, 6)):
        stretch.send(back, gap, stretch.fair_size(back))
    stretch.send(busy, gap, stretch.fair_size(busy))


def _backlog(stretch: _Stretch) -> None:
    heavy = stretch.pick()
    light = stretch.other(heavy)
    each = stretch.fair_size(heavy)
    for _ in range(stretch.count(5, 10)):
        stretch.send(heavy, 0, each)
    apart = max(1, stretch.service_ns(each) * stretch.count(1, 3))
    for number in range(stretch.count(1, 5)):
        stretch.send(light, number * apart, stretch.fair_size(light))


def _paced(stretch: _Stretch) -> None:
    _at_rate(stretch, stretch.pick(), burst=False)
    if stretch.draw(st.booleans()):
        _at_rate(stretch, stretch.pick(), burst=False)


def _at_rate(stretch: _Stretch, tenant: int, burst: bool) -> None:
    sent = 0
    slack = stretch.draw(st.sampled_from((0, 0, 1)))
    for number in range(stretch.count(2, 8)):
        size = stretch.fair_size(tenant)
        stretch.send(tenant, math.ceil(sent / stretch.rate(tenant, burst)) + slack * number, size)
        sent += size


def _on_off(stretch: _Stretch) -> None:
    tenant = stretch.pick()
    contract = stretch.tenants[tenant]
    begin = 0
    for _ in range(stretch.count(1, 3)):
        sent, after = 0, 0
        for _ in range(8):
            size = stretch.fair_size(tenant)
            stretch.send(tenant, begin + after, size)
            sent += size
            after = math.ceil(sent / stretch.rate(tenant, burst=True))
            if after > contract.burst_duration_ns:
                break
        drained = math.ceil(sent / stretch.rate(tenant))
        begin += stretch.draw(st.sampled_from((drained, drained - 1, drained + 50)))
        begin = max(begin, 0)


def _excess(stretch: _Stretch) -> None:
    tenant = stretch.pick()
    largest = stretch.tenants[tenant].max_request_bytes
    apart = math.floor(largest / (2 * stretch.rate(tenant, burst=True)))
    for number in range(stretch.count(3, 9)):
        stretch.send(tenant, number * apart, largest)


def _clocked(stretch: _Stretch) -> None:
    heavy, size = _whole_ns(stretch)
    ends: list[int] = []
    finish = Fraction(stretch.begin)
    for _ in range(stretch.count(2, 6)):
        stretch.send(heavy, 0, size)
        finish = finish_time(stretch.server, finish, size)
        ends.append(math.floor(finish) - stretch.begin)
    for _ in range(stretch.count(1, 5)):
        tenant = stretch.pick()
        stretch.send(tenant, stretch.draw(st.sampled_from(ends)), min(size, stretch.tenants[tenant].max_request_bytes))


def _whole_ns(stretch: _Stretch) -> tuple[int, int]:
    """Draw a tenant and a size of it that is served at once and in whole ns; where there is none, any tenant."""
    piece = stretch.server.peak_bytes_per_ns.numerator
    fitting = [
        tenant
        for tenant, contract in enumerate(stretch.tenants)
        if contract.max_request_bytes >= piece and (contract.best_effort or contract.excess is not Excess.SHAPED)
    ]
    tenant = stretch.draw(st.sampled_from(fitting)) if fitting else stretch.pick()
    largest = stretch.tenants[tenant].max_request_bytes
    return tenant, piece * stretch.count(1, largest // piece) if largest >= piece else largest


_SHAPES: dict[Shape, Callable[[_Stretch], None]] = {
    Shape.MINGLED: _mingled,
    Shape.TOGETHER: _together,
    Shape.FLOOD: _flood,
    Shape.RETURN: _return,
    Shape.BACKLOG: _backlog,
    Shape.PACED: _paced,
    Shape.ON_OFF: _on_off,
    Shape.EXCESS: _excess,
    Shape.CLOCKED: _clocked,
}


@st.composite
def scenarios(
    draw: DrawFn,
    *,
    min_tenants: int = 2,
    max_tenants: int = 8,
    admissible: bool | None = True,
    excess: Excess | None = None,
    best_effort: bool = False,
    dark: bool | None = None,
    shapes: Sequence[Shape] = SHAPES,
    max_stretches: int = 3,
    valid: bool = False,
) -> Scenario:
    """Draw tenants, a server and a schedule.

    With `admissible`, the guarantees sum to at most the long-run rate of the server; with False to more; with None
    to either. `excess` is the treatment of every tenant (None: of each its own).
    """
    real = draw(AT_REAL_SCALE)
    tenants = draw_tenants(draw, real, min_tenants, max_tenants, excess, best_effort)
    total = sum((c.guaranteed_bytes_per_ns for c in tenants), Fraction(0))
    server = draw_server(draw, real, total, dark)
    if admissible is None:
        admissible = draw(EITHER)
    if not admissible:
        # A server is at most twice as fast as it has to be.
        server = attrs.evolve(server, peak_bytes_per_ns=server.peak_bytes_per_ns / draw(st.sampled_from((3, 10))))
    requests = draw(schedules(tenants, server, shapes=shapes, max_stretches=max_stretches, valid=valid))
    return Scenario(tenants, server, requests)
