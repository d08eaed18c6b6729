"""Hypothesis strategies: contracts, devices, servers, offers to one gate, and schedules of many tenants.

Everything drawn is an exact integer or Fraction. Most of it is small, so that what a property shrinks to can be read;
a share is at real scale (GB/s, MiB, ms). Schedules are mixed from named shapes (`Shape`); tests/test_strategies.py
shows that every corner that a rule has is reached within the ci profile.
"""

import enum
import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from headgate.model.admission import safe_capacity
from headgate.model.marker import MarkerRates
from headgate.model.meter import MeterRates
from headgate.model.refresh import Refresh
from headgate.model.simulator import Server, finish_time
from headgate.spec.units import Bytes, Nanoseconds
from headgate.spec.vocabulary import (
    TREATMENTS,
    Contract,
    ContractSet,
    Device,
    Excess,
    RefreshRule,
    Request,
)

__all__ = [
    "Gate",
    "Offer",
    "Scenario",
    "Shape",
    "contract_sets",
    "contracts",
    "devices",
    "exponents",
    "gates",
    "long_run_rate",
    "marker_rates",
    "meter_rates",
    "offers",
    "rates",
    "refreshes",
    "scenarios",
    "schedules",
    "servers",
    "temperatures",
    "tenant_sets",
]

MIB = 1 << 20
SKEW = 1000


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
class Offer:
    """A request offered to one gate: ns after the offer before it, and bytes."""

    elapsed: Nanoseconds
    size: Bytes


@attrs.frozen
class Gate:
    """The numbers of a token bucket: bytes per ns and bytes."""

    rate: Fraction
    depth: Bytes


@attrs.frozen
class Scenario:
    """A schedule with the tenants and the server that it is given to."""

    contracts: tuple[Contract, ...]
    server: Server
    requests: tuple[Request, ...]


# Numbers.


def rates(largest: int = 12) -> SearchStrategy[Fraction]:
    """Rates in bytes per ns: small whole numbers, halves and thirds."""
    return st.builds(Fraction, st.integers(1, largest), st.sampled_from((1, 1, 2, 1, 3, 1)))


def temperatures(low: int = 25, high: int = 105) -> SearchStrategy[Fraction]:
    """Temperatures in C: the corners of the curves, whole degrees, and tenths."""
    corners = [Fraction(c) for c in (74, 75, 84, 85, 86, 95, 105) if low <= c <= high]
    tenths = st.integers(10 * low, 10 * high).map(lambda tenth: Fraction(tenth, 10))
    return st.one_of(st.sampled_from(corners), tenths) if corners else tenths


def exponents() -> SearchStrategy[Fraction]:
    """Exponents of two: whole numbers, and fractions with small denominators (as temperatures give)."""
    return st.builds(Fraction, st.integers(-400, 400), st.sampled_from((1, 2, 3, 10, 64, 100)))


_RATES = rates()
_EITHER = st.booleans()
# Not at the ends, because the ends of a range are drawn more often than the rest.
_AT_REAL_SCALE = st.sampled_from((False, False, True, False, False, True, False, False))

# Contracts.

_KINDS_OF_SETS = st.sampled_from(("any", "skewed", "even", "skewed", "any"))
_STEPS = st.sampled_from((1, 10, 100, SKEW)).map(Fraction)
_UP_TO_TWO = st.integers(0, 2)
_PRIORITIES = st.integers(0, 3)
_TREATMENTS = st.sampled_from(TREATMENTS)
_LATENCIES = st.sampled_from((None, Fraction(25_000)))
_DURATIONS = st.integers(0, 24)
_FACTORS = st.sampled_from((1, 2, 3, 4, 0, 0))
_PIECES, _LARGEST = st.integers(1, 8), st.integers(1, 40)
_REAL_GUARANTEES = st.sampled_from((40, 120, 400)).map(Fraction)
_REAL_DURATIONS = st.sampled_from((0, 5_000, 2_000_000))
_REAL_LARGEST = st.sampled_from((4096, 65536, 2 * MIB))


@st.composite
def contracts(
    draw: DrawFn,
    *,
    name: str = "t0",
    excess: Excess | None = None,
    best_effort: bool = False,
    real: bool | None = None,
) -> Contract:
    """Draw one contract.

    `excess` is how it treats its excess (None: in any of the three ways), `real` whether its numbers are at real scale
    (None: a share of them).
    """
    real = draw(_AT_REAL_SCALE) if real is None else real
    g = None if best_effort else draw(_guarantees(real))
    return _contract(draw, name, g, 1, real, excess)


def _contract(draw: DrawFn, name: str, g: Fraction | None, grain: int, real: bool, excess: Excess | None) -> Contract:
    """Draw the rest of a contract with the guarantee `g` (None: best effort).

    `grain` (bytes) is a size that its largest request is often a multiple of.
    """
    largest, priority = _largest_request(draw, grain, real), draw(_PRIORITIES)
    if g is None:
        return Contract(name, max_request_bytes=largest, priority=priority, best_effort=True)
    return Contract(
        name=name,
        guaranteed_bytes_per_ns=g,
        burst_bytes_per_ns=_burst(draw, g, real),
        burst_duration_ns=Fraction(draw(_REAL_DURATIONS if real else _DURATIONS)),
        max_request_bytes=largest,
        priority=priority,
        latency_slo_ns=draw(_LATENCIES),
        excess=excess if excess is not None else draw(_TREATMENTS),
    )


def _guarantees(real: bool) -> SearchStrategy[Fraction]:
    return _REAL_GUARANTEES if real else _RATES


def _burst(draw: DrawFn, guaranteed: Fraction, real: bool) -> Fraction:
    """Draw a burst rate: the guarantee itself (no burst), a multiple of it, or any above it."""
    if real:
        return draw(st.sampled_from((guaranteed, max(guaranteed, Fraction(400)), 4 * guaranteed)))
    factor = draw(_FACTORS)
    return factor * guaranteed if factor > 0 else guaranteed + draw(_RATES)


def _largest_request(draw: DrawFn, grain: int, real: bool) -> int:
    if real:
        return draw(_REAL_LARGEST)
    return grain * draw(_PIECES) if draw(_EITHER) else draw(_LARGEST)


@st.composite
def tenant_sets(
    draw: DrawFn,
    *,
    min_tenants: int = 2,
    max_tenants: int = 8,
    excess: Excess | None = None,
    best_effort: bool = False,
) -> tuple[Contract, ...]:
    """Draw contracts of `min_tenants` to `max_tenants` guaranteed tenants, and with `best_effort` up to two more."""
    return _tenant_set(draw, draw(_AT_REAL_SCALE), min_tenants, max_tenants, excess, best_effort)


def _tenant_set(
    draw: DrawFn, real: bool, fewest: int, most: int, excess: Excess | None, best_effort: bool
) -> tuple[Contract, ...]:
    guarantees = _guarantees_of_a_set(draw, real, fewest, most)
    kinds: list[Fraction | None] = list(guarantees)
    if best_effort:
        for _ in range(draw(_UP_TO_TWO)):
            kinds.insert(draw(st.integers(0, len(kinds))), None)
    # Of this many bytes a server just fast enough makes whole ns.
    grain = sum(guarantees, Fraction(0)).numerator
    return tuple(_contract(draw, f"t{number}", g, grain, real, excess) for number, g in enumerate(kinds))


def _guarantees_of_a_set(draw: DrawFn, real: bool, fewest: int, most: int) -> list[Fraction]:
    """Draw guarantees: any, equal ones, or skewed ones (1:1000 among them)."""
    # Two or three tenants are enough for most bugs, so that larger sets are the exception.
    least, largest = draw(st.sampled_from(((fewest, 3), (fewest, 3), (4, most), (fewest, 3), (most, most))))
    count = draw(st.integers(max(fewest, min(least, most)), max(fewest, min(largest, most))))
    kind = draw(_KINDS_OF_SETS)
    if kind == "even":
        return [draw(_guarantees(real))] * count
    if kind == "skewed" and count > 1 and not real:
        steps = [Fraction(1), Fraction(SKEW), *(draw(_STEPS) for _ in range(count - 2))]
        return draw(st.permutations(steps))
    return [draw(_guarantees(real)) for _ in range(count)]


# Devices and servers.

# By how much a server that carries something is faster than it has to be: not at all, more often than not.
_SLACKS = st.sampled_from((Fraction(1), Fraction(1), Fraction(1), Fraction(5, 4), Fraction(2)))
_HALVES, _FEW = st.integers(4, 60), st.integers(1, 12)
_REAL_INTERVALS = st.sampled_from((Fraction(3900), Fraction(1950), Fraction(1_950_001, 1000)))
_REAL_BLACKOUTS = st.sampled_from((295, 385, 450)).map(Fraction)


@st.composite
def refreshes(draw: DrawFn) -> Refresh:
    """Draw blackouts: short ones and ones that take nearly everything; a share with the numbers of HBM."""
    return _refresh(draw, draw(_AT_REAL_SCALE))


def _refresh(draw: DrawFn, real: bool) -> Refresh:
    if real:
        return Refresh(draw(_REAL_INTERVALS), draw(_REAL_BLACKOUTS))
    if draw(_EITHER):
        # Of every few ns one is dark: the peak rate is then as round a number as the rate that is left.
        blackout = draw(_FEW)
        return Refresh(Fraction(blackout * draw(st.integers(2, 5))), Fraction(blackout))
    halves = draw(_HALVES)
    return Refresh(Fraction(halves, 2), Fraction(draw(st.integers(1, halves - 1)), 2))


@st.composite
def servers(draw: DrawFn, *, carrying: Fraction | None = None, dark: bool | None = None) -> Server:
    """Draw a server; with `carrying`, one whose long-run rate is that at least (exactly that, often).

    `dark` says whether it has blackouts (None: either).
    """
    return _server(draw, draw(_AT_REAL_SCALE), carrying, dark)


def _server(draw: DrawFn, real: bool, carrying: Fraction | None, dark: bool | None) -> Server:
    if dark is None:
        dark = draw(_EITHER)
    refresh = _refresh(draw, real) if dark else None
    if carrying is None:
        peak = draw(_RATES)
    else:
        share = Fraction(1) if refresh is None else 1 - refresh.blackout / refresh.interval
        peak = carrying / share * draw(_SLACKS)
    # An offset of more than one interval is as good as any.
    offset = 0 if refresh is None else draw(st.integers(0, math.ceil(2 * refresh.interval)))
    return Server(peak, refresh, Fraction(offset))


def long_run_rate(server: Server) -> Fraction:
    """Return the rate R that a server keeps in the long run, in bytes per ns."""
    refresh = server.refresh
    return server.peak_bytes_per_ns * (1 if refresh is None else 1 - refresh.blackout / refresh.interval)


@st.composite
def devices(draw: DrawFn, *, carrying: Fraction | None = None, rule: RefreshRule = RefreshRule.CORRECTED) -> Device:
    """Draw a device that serves something up to 105 C; with `carrying`, that rate at least up to its maximum."""
    kind = draw(st.sampled_from(("small", "no refresh", "real")))
    if kind == "real":
        peak = Fraction(draw(st.sampled_from((3350, 4800))))
        base, refresh = 3900, draw(st.sampled_from((260, 295, 350, 410)))
        overhead = draw(st.sampled_from((0, 34, 45)))
    elif kind == "small":
        peak, base = draw(rates()), draw(st.integers(40, 100))
        refresh, overhead = draw(st.integers(1, 5)), draw(st.integers(0, 4))
    else:
        peak, base, refresh, overhead = draw(rates()), draw(st.integers(1, 100)), 0, 0
    hottest = draw(temperatures(40, 105))
    device = Device("device", peak, Fraction(refresh), Fraction(overhead), Fraction(base), rule, hottest)
    if carrying is None or safe_capacity(device, hottest) >= carrying:
        return device
    return attrs.evolve(device, peak_bytes_per_ns=peak * carrying / safe_capacity(device, hottest))


@st.composite
def contract_sets(
    draw: DrawFn, *, min_tenants: int = 2, max_tenants: int = 8, admissible: bool = True, policy: str = "sfq"
) -> ContractSet:
    """Draw a whole contract file; with `admissible`, the device carries the guarantees at every temperature."""
    tenants = draw(tenant_sets(min_tenants=min_tenants, max_tenants=max_tenants, best_effort=True))
    total = sum((c.guaranteed_bytes_per_ns for c in tenants), Fraction(0))
    return ContractSet(draw(devices(carrying=total if admissible else None)), policy, tenants)


# Offers to one gate.

_WAITS = st.sampled_from(("none", "few", "fits", "fills", "idle"))
_SIZES = st.sampled_from(("any", "held", "again", "held", "depth"))
_FEW_NS = st.integers(0, 12)
_NONE_OR_ONE = st.integers(0, 1)
_BURSTS = st.sampled_from((0, 0, 2, 0, 8, 4))


@st.composite
def gates(draw: DrawFn) -> Gate:
    """Draw the numbers of a token bucket."""
    if draw(_AT_REAL_SCALE):
        return Gate(Fraction(120), draw(st.sampled_from((65536, 2 * MIB, 240_000_000))))
    return Gate(draw(rates()), draw(st.integers(1, 40)))


@st.composite
def marker_rates(draw: DrawFn) -> MarkerRates:
    """Draw the numbers of a two-rate three-colour marker; its depths are in either order."""
    committed, peak = draw(gates()), draw(gates())
    rate = committed.rate + draw(st.one_of(st.just(Fraction(0)), rates()))
    return MarkerRates(committed.rate, committed.depth, rate, peak.depth)


def meter_rates() -> SearchStrategy[MeterRates]:
    """Draw the numbers of a contract meter, its allowance from the definition M + (p - g) d."""

    def numbers(contract: Contract) -> MeterRates:
        g, p, largest = (
            contract.guaranteed_bytes_per_ns,
            contract.burst_bytes_per_ns,
            contract.max_request_bytes,
        )
        return MeterRates(g, p, largest, largest + (p - g) * contract.burst_duration_ns)

    return contracts().map(numbers)


@st.composite
def offers(draw: DrawFn, *gates: Gate, nested: bool = False, max_offers: int = 16) -> list[Offer]:
    """Draw offers aimed at the edges of `gates`: what just fits, one byte more, the ns at which it fits again.

    A request is reckoned to be charged to all gates if all cover it; with `nested`, to each whose predecessors and
    itself do. Sizes and times that aim at nothing are mixed in.
    """
    levels = [Fraction(gate.depth) for gate in gates]
    drawn: list[Offer] = []
    # A burst at the rate of the first gate, in its largest requests: it empties the others.
    burst = draw(_BURSTS)
    for number in range(burst + draw(st.integers(1, max_offers - burst))):
        before = drawn[-1].size if drawn else 1
        first = gates[0]
        if number < burst:
            elapsed = math.ceil((first.depth - levels[0]) / first.rate)
        else:
            elapsed = _wait(draw, gates, levels, before)
        levels = [
            min(Fraction(gate.depth), level + gate.rate * elapsed) for gate, level in zip(gates, levels, strict=True)
        ]
        size = first.depth if number < burst else _aimed_size(draw, gates, levels, before)
        levels = _charged(levels, size, nested)
        drawn.append(Offer(elapsed, size))
    return drawn


def _wait(draw: DrawFn, gates: Sequence[Gate], levels: Sequence[Fraction], size: int) -> int:
    """Draw a time: none, a few ns, until a gate holds `size` or all it can or one ns less, an idle spell."""
    kind = draw(_WAITS)
    if kind in ("none", "few"):
        return 0 if kind == "none" else draw(_FEW_NS)
    if kind == "idle":
        return 10 * max(math.ceil(gate.depth / gate.rate) for gate in gates)
    number = draw(st.integers(0, len(gates) - 1))
    gate = gates[number]
    aim = min(size, gate.depth) if kind == "fits" else gate.depth
    return max(0, math.ceil((aim - levels[number]) / gate.rate) - draw(_NONE_OR_ONE))


def _aimed_size(draw: DrawFn, gates: Sequence[Gate], levels: Sequence[Fraction], before: int) -> int:
    """Draw a size: what a gate just holds or its depth, or a byte more; the size before; anything in between."""
    kind = draw(_SIZES)
    if kind == "again":
        return before
    gate = draw(st.integers(0, len(gates) - 1))
    if kind == "any":
        return draw(st.integers(1, min(gate.depth for gate in gates)))
    edge = math.floor(levels[gate]) if kind == "held" else gates[gate].depth
    return max(1, edge + draw(_NONE_OR_ONE))


def _charged(levels: Sequence[Fraction], size: int, nested: bool) -> list[Fraction]:
    covers = [level >= size for level in levels]
    if nested:
        return [level - size if all(covers[: n + 1]) else level for n, level in enumerate(levels)]
    return [level - size for level in levels] if all(covers) else list(levels)


# Schedules of many tenants.

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
        return largest if self.draw(_EITHER) else self.count(1, largest)

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
    real = draw(_AT_REAL_SCALE)
    tenants = _tenant_set(draw, real, min_tenants, max_tenants, excess, best_effort)
    total = sum((c.guaranteed_bytes_per_ns for c in tenants), Fraction(0))
    server = _server(draw, real, total, dark)
    if admissible is None:
        admissible = draw(_EITHER)
    if not admissible:
        # A server is at most twice as fast as it has to be.
        server = attrs.evolve(server, peak_bytes_per_ns=server.peak_bytes_per_ns / draw(st.sampled_from((3, 10))))
    requests = draw(schedules(tenants, server, shapes=shapes, max_stretches=max_stretches, valid=valid))
    return Scenario(tenants, server, requests)


st.register_type_strategy(Contract, contracts())
st.register_type_strategy(Device, devices())
st.register_type_strategy(Refresh, refreshes())
st.register_type_strategy(Server, servers())
st.register_type_strategy(ContractSet, contract_sets())
st.register_type_strategy(Scenario, scenarios())
