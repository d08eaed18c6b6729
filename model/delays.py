"""What each policy owes each tenant of a set: worst delays, the largest requests for a latency, how many more fit.

Two figures stand side by side where they differ. `any`: whatever the guarantees of the others are, as long as the set
is admissible; the tenant is worth g. `own`: with the guarantees of this set, by which it is worth r' = g R / (sum of
all g), at least g (clause BD-1). Every delay is the largest of a few lines in one size that is left open (`Vary`), so
that the largest request is a closed form.
"""

import bisect
import enum
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import attrs

from headgate.model.bounds import (
    Line,
    burst_wait,
    calculus_delay,
    drr_delay,
    drr_idle_delay,
    drr_latency,
    drr_request_delay,
    drr_second_turn_delay,
    early_delay,
    fcfs_delay,
    largest_within,
    own_rate,
    released_delay,
    scfq_delay,
    sfq_delay,
    wfq_delay,
)
from headgate.model.capacity import fitting
from headgate.model.crowd import Crowd, Group, Kind, Ranks
from headgate.spec.links import implements
from headgate.spec.units import BytesPerNs, ExactNs
from headgate.spec.vocabulary import Contract, Excess

__all__ = [
    "DELAY_BOUNDS",
    "DELAY_POLICIES",
    "Crowd",
    "Delays",
    "Group",
    "Vary",
    "bounds_of",
    "delay_lines",
    "idle_delay",
    "keeps_latencies",
    "largest_request",
    "more_with_latencies",
    "shares",
]

# The policies that give a bound. FCFS gives one only where every tenant is shaped.
DELAY_POLICIES = ("sfq", "early", "scfq", "wfq", "wf2q+", "drr", "fcfs")
# The same and, beside the sharper bound of DRR request by request, the one of its service curve.
DELAY_BOUNDS = (*DELAY_POLICIES[:-1], "drr-curve", DELAY_POLICIES[-1])


# Nobody is worth more than its weight where deadlines are absolute.
ABSOLUTE = ("early", "wf2q+")


class Vary(enum.Enum):
    """Whose largest request is left open: the tenant's own, that of all others alike, or that of everybody alike."""

    NONE = "none"
    OWN = "own"
    OTHERS = "others"
    ALL = "all"


@attrs.frozen
class _Sizes:
    """The sizes that a delay depends on, as lines in x; what is a largest of several comes as all of them.

    `ranks` are all tenants, the tenant itself being one of the kind `kind`; their sizes count `unit` each.
    """

    own: Line
    others: Line
    longest: tuple[Line, ...]  # of the others, and of the background
    costs: tuple[Line, ...]  # L / g in ns
    background: tuple[Line, ...]
    ranks: Ranks
    kind: Kind
    unit: Line


# A report asks for the same sizes for every policy and figure of a tenant.
@functools.lru_cache(maxsize=16)
def _sizes(crowd: Crowd, contract: Contract, vary: Vary) -> _Sizes:
    x, one = Line(Fraction(1)), Line(Fraction(0), Fraction(1))
    is_open, kind = vary in (Vary.OTHERS, Vary.ALL), Kind.of(contract)
    ranks, kind, unit = (crowd.open_ranks, kind.open, x) if is_open else (crowd.ranks, kind, one)
    own = x if vary in (Vary.OWN, Vary.ALL) else one * contract.max_request_bytes
    largest, excess = ranks.largest(kind), ranks.largest_background(kind)
    costliest = ranks.costliest(kind)
    background = [Line(Fraction(0)), one * max((c.max_request_bytes for c in crowd.best_effort), default=0)]
    background += [] if excess is None else [unit * excess.size]
    background += [own] if contract.excess is Excess.BACKGROUND else []
    return _Sizes(
        own,
        unit * ranks.size(len(ranks.kinds), kind),
        _upper(background if largest is None else [*background, unit * largest.size]),
        _upper([own * (1 / kind.rate), *([] if costliest is None else [unit * costliest.cost])]),
        _upper(background),
        ranks,
        kind,
        unit,
    )


def _upper(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return the lines that can be the largest at some x > 0: of equal slopes the highest, and none below another."""
    kept: list[Line] = []
    for line in sorted(lines, key=lambda line: (-line.slope, -line.offset)):
        if not kept or line.offset > kept[-1].offset:
            kept.append(line)
    return tuple(kept)


@attrs.frozen
class _Worth:
    """What a tenant is worth: a rate r, and (F - Q) / Q, how many bytes of the others a byte of its turn goes with."""

    rate: BytesPerNs
    turns: Fraction


@implements("BD-1")
def shares(crowd: Crowd, contract: Contract) -> tuple[BytesPerNs, BytesPerNs]:
    """Return (g, r'): what the tenant is worth in any admissible set, and in this one."""
    g = contract.guaranteed_bytes_per_ns
    return g, own_rate(g, crowd.supply.rate, crowd.total)


def _worth(crowd: Crowd, contract: Contract, own: bool) -> _Worth:
    rate = shares(crowd, contract)[own]
    return _Worth(rate, crowd.supply.rate / rate - 1)


@implements("BD-3", "BD-4", "BD-6", "BD-14", "BD-15", "WF-3")
def delay_lines(policy: str, crowd: Crowd, contract: Contract, own: bool, vary: Vary, at: int = 1) -> tuple[Line, ...]:
    """Return the bound from expected arrival to finish, the largest of its lines in the size that varies.

    The delay is that of the tenant's largest request. Of several bounds it is the one that is least at the size `at`;
    it holds at every size of at least that. Background traffic is in the way with one request (clause PR-7).
    """
    sizes = _sizes(crowd, contract, vary)
    return _upper(_bound(policy, crowd, contract, own, sizes, sizes.own, at))


def _bound(
    policy: str, crowd: Crowd, contract: Contract, own: bool, sizes: _Sizes, size: Line, at: int = 1
) -> list[Line]:
    """Return the lines for a request of `size`, the tenant's largest being `sizes.own`."""
    if own and policy in ABSOLUTE:
        return _released(crowd, contract, sizes, size, at)
    if own and policy == "drr":
        return list(_drr_own(crowd, contract, sizes, size))
    return list(_lines(policy, crowd, contract, own, sizes, size))


def _lines(policy: str, crowd: Crowd, contract: Contract, own: bool, sizes: _Sizes, size: Line) -> Iterator[Line]:
    """Yield lines that hold from expected arrivals at the rate that the tenant is worth."""
    rate, worth, blackout = crowd.supply.rate, _worth(crowd, contract, own), Line(Fraction(0), crowd.supply.blackout_ns)
    if policy == "sfq":
        for background in sizes.background:
            yield sfq_delay(size, sizes.others + background, rate, blackout)
    elif policy == "scfq":
        for in_way in _in_way(sizes):
            yield scfq_delay(size, in_way, rate, blackout, worth.rate)
    elif policy in ("early", "wf2q+"):
        for longest in sizes.longest:
            yield early_delay(size, longest, rate, blackout, contract.guaranteed_bytes_per_ns)
    elif policy == "wfq":
        for longest in _begun(sizes, size) if own else sizes.longest:
            yield wfq_delay(size, longest, rate, blackout, worth.rate)
    elif policy == "drr":
        for cost, in_way in itertools.product(sizes.costs, _in_way(sizes)):
            quanta = cost * (contract.guaranteed_bytes_per_ns * worth.turns)
            yield drr_request_delay(size, worth.rate, quanta, in_way, rate, blackout)
    elif policy == "drr-curve":
        for cost, background in itertools.product(sizes.costs, sizes.background):
            quantum = cost * contract.guaranteed_bytes_per_ns
            latency = drr_latency(quantum, sizes.own, sizes.others + background, worth.turns, rate, blackout)
            yield drr_delay(size, latency, worth.rate)
    elif policy == "fcfs":
        for background in sizes.background:
            yield fcfs_delay(sizes.own + sizes.others + background + _aggregate_burst(crowd), rate, blackout)
    else:
        raise ValueError(f"expected a policy that gives a bound ({', '.join(DELAY_BOUNDS)}), got {policy!r}")


def _in_way(sizes: _Sizes) -> tuple[Line, ...]:
    """What the others have left over from before, or one background request: where one is in service, nobody waited."""
    return _upper([sizes.others, *sizes.background])


def _begun(sizes: _Sizes, size: Line, since: int = 0) -> list[Line]:
    """What may be in the way by having begun: a background request, or one of another that is then owed no more.

    What is due later than the request of `size` was begun in the place of all that its tenant could send by then.
    Those others count whose cost is of place `since` or later.
    """
    window, ranks = size * (1 / sizes.kind.rate), sizes.ranks
    others = [kind for kind in ranks.begun(sizes.kind) if ranks.places[kind] >= since]
    return [*sizes.background, *(sizes.unit * kind.size + window * -kind.rate for kind in others)]


@implements("BD-15")
def _released(crowd: Crowd, contract: Contract, sizes: _Sizes, size: Line, at: int) -> list[Line]:
    """Return the bound that is least at `at`, of one for every number of others that are counted by their releases.

    These are the cheapest; the rest is counted by all that is due before the request, from which is taken what has
    begun. One more, of cost c, makes a delay D before the request's own time shorter iff c + D is less than the window
    in which the others are due. From where that is not so any more it never is again, as D grows and so does c. Nor
    does anybody whose request could be in the way as having begun: its cost alone is more than the window.
    """
    ranks, supply = sizes.ranks, crowd.supply
    window, everybody = size * (1 / sizes.kind.rate), ranks.rate(len(ranks.kinds), sizes.kind)

    def ahead(count: int) -> Line:
        rest = everybody - ranks.rate(count, sizes.kind)
        return sizes.unit * ranks.size(count, sizes.kind) + window * rest

    in_way, unit, most = _at(_begun(sizes, size), at), sizes.unit.at(at), window.at(at)

    def is_last(count: int) -> bool:
        released = ranks.rate(count, sizes.kind)
        late = released_delay(0, ahead(count).at(at), in_way, released, supply.rate, supply.blackout_ns)
        return bool(unit * ranks.kinds[count].cost + late >= most)

    count = bisect.bisect_left(range(len(ranks.kinds)), True, key=is_last)
    released, blackout = ranks.rate(count, sizes.kind), Line(Fraction(0), supply.blackout_ns)
    return [
        released_delay(size, ahead(count), begun, released, supply.rate, blackout)
        for begun in _upper(_begun(sizes, size, count))
    ]


@implements("BD-15")
def _drr_own(crowd: Crowd, contract: Contract, sizes: _Sizes, size: Line) -> Iterator[Line]:
    """Yield the lines of a request that its tenant's first turn pays for, and of one that waits for the second.

    With room to spare, waiting for a second turn is worse for small quanta: they are at least the own largest request.
    """
    supply, blackout, g = crowd.supply, Line(Fraction(0), crowd.supply.blackout_ns), contract.guaranteed_bytes_per_ns
    own_cost = sizes.own * (1 / g)
    small = 2 * crowd.total - g < supply.rate
    for in_way in _in_way(sizes):
        for cost in sizes.costs:
            yield drr_idle_delay(size, cost * (crowd.total - g), in_way, supply.rate, blackout)
        for cost in (own_cost,) if small else sizes.costs:
            late = (cost * g + size * -1) * (1 / g)
            quanta = cost * (crowd.total - g)
            yield drr_second_turn_delay(size, cost * g, quanta, in_way, supply.rate, blackout, late)


@implements("BD-6")
@functools.lru_cache(maxsize=4)
def _aggregate_burst(crowd: Crowd) -> Fraction:
    """Return the most by which sum of min(p t, (p - g) d + g t) is ahead of R t; the M of every tenant come on top.

    A sum of concave curves is ahead most at an end of one of the bursts, or at 0. Those whose bursts have ended send
    at g, those before them at p.
    """
    contracts = sorted(crowd.guaranteed, key=lambda group: group.contract.burst_duration_ns)
    slope = sum((g.count * g.contract.burst_bytes_per_ns for g in contracts), -crowd.supply.rate)
    ahead, most = Fraction(0), Fraction(0)
    for group in contracts:
        c = group.contract
        excess = group.count * (c.burst_bytes_per_ns - c.guaranteed_bytes_per_ns)
        most = max(most, slope * c.burst_duration_ns + ahead)
        slope, ahead = slope - excess, ahead + excess * c.burst_duration_ns
    return most


# ---- the figures of one tenant ----


@attrs.frozen
class Delays:
    """The worst delays of a tenant under a policy, in ns.

    From expected arrival (so from arrival, for what is paced), from arrival at the end of a full burst in contract, and
    the latter by network calculus.
    """

    expected: ExactNs
    burst: ExactNs
    calculus: ExactNs


@implements("BD-2", "BD-3")
def expected_delay(policy: str, crowd: Crowd, contract: Contract, own: bool) -> ExactNs:
    """Return the worst delay of a tenant from expected arrival under `policy`; the set must be admissible."""
    return _at(delay_lines(policy, crowd, contract, own, Vary.NONE), 1)


@implements("BD-2", "BD-3", "BD-7")
def bounds_of(policy: str, crowd: Crowd, contract: Contract, own: bool) -> Delays:
    """Return the worst delays of a tenant under `policy`; the set must be admissible."""
    expected = expected_delay(policy, crowd, contract, own)
    if policy == "fcfs":
        return Delays(expected, expected, expected)
    rate = shares(crowd, contract)[own and policy not in ABSOLUTE]
    burst, duration, largest = contract.burst_bytes_per_ns, contract.burst_duration_ns, contract.max_request_bytes
    # A request of one byte ends a burst no sooner than a large one, and a delay is a line in its size.
    ends = (
        burst_wait(size, largest, rate, burst, duration) + _delay_of(policy, crowd, contract, own, size)
        for size in (1, largest)
    )
    latency = _delay_of(policy, crowd, contract, own, 0)
    return Delays(expected, max(ends), calculus_delay(latency, largest, rate, burst, duration))


def _delay_of(policy: str, crowd: Crowd, contract: Contract, own: bool, size: int) -> ExactNs:
    """Return the worst delay of a request of `size` bytes, from expected arrival at what the tenant is worth."""
    sizes, line = _sizes(crowd, contract, Vary.NONE), Line(Fraction(0), Fraction(size))
    if policy in ABSOLUTE:
        return _at(_bound(policy, crowd, contract, own, sizes, line), 1)
    return _at(tuple(_lines(policy, crowd, contract, own, sizes, line)), 1)


def _at(lines: Sequence[Line], x: int) -> Fraction:
    return max(line.at(x) for line in lines)


@implements("BD-5")
def idle_delay(crowd: Crowd, contract: Contract) -> ExactNs:
    """Return the worst delay from arrival under DRR of a request that meets nothing of its own tenant."""
    sizes = _sizes(crowd, contract, Vary.NONE)
    scale = _at(sizes.costs, 1)
    quanta = (crowd.total - contract.guaranteed_bytes_per_ns) * scale
    in_way = _at(_in_way(sizes), 1)
    return Fraction(
        drr_idle_delay(contract.max_request_bytes, quanta, in_way, crowd.supply.rate, crowd.supply.blackout_ns)
    )


@implements("BD-8")
def largest_request(
    policy: str, crowd: Crowd, contract: Contract, own: bool, vary: Vary, latency: ExactNs
) -> int | None:
    """Return the largest request, in whole bytes, at which the delay from expected arrival is at most `latency`.

    None where one byte is too large. Whose request it is, is said by `vary`, which is not NONE; where it is that of the
    others, there must be one.
    """
    found = None
    lines = delay_lines(policy, crowd, contract, own, vary)
    # Where the bound of some split ends, that of another may still hold; each is within the latency up to one size.
    while _at(lines, (found or 0) + 1) <= latency:
        found = largest_within(lines, latency)
        assert found is not None
        lines = delay_lines(policy, crowd, contract, own, vary, found + 1)
    return found


# ---- the set ----


@implements("BD-10")
def keeps_latencies(policy: str, crowd: Crowd) -> bool:
    """Return whether the set is admissible and every promised latency is within the bound of `policy`."""
    return crowd.is_admissible and all(_keeps(policy, crowd, contract) for contract in crowd.promised)


def _keeps(policy: str, crowd: Crowd, contract: Contract) -> bool:
    assert contract.latency_slo_ns is not None
    return expected_delay(policy, crowd, contract, own=True) <= contract.latency_slo_ns


@implements("BD-10")
def more_with_latencies(policy: str, crowd: Crowd, contract: Contract) -> int:
    """Return how many more tenants such as `contract` can come before a latency cannot be kept under `policy`.

    Every bound grows with the number of tenants, so that what a tenant bears is found by halving, and only where it
    does not bear what all before it did. The newcomers bear what `contract` does.
    """
    with_more = functools.cache(lambda count: crowd.and_more(contract, count))
    most = fitting(contract.guaranteed_bytes_per_ns, crowd.supply.rate, crowd.total)
    for promised in crowd.promised:
        if most and not _keeps(policy, with_more(most), promised):
            breaks = functools.partial(_breaks, policy, with_more, promised)
            most = bisect.bisect_left(range(1, most), True, key=breaks)
    return most


def _breaks(policy: str, with_more: Callable[[int], Crowd], contract: Contract, count: int) -> bool:
    return not _keeps(policy, with_more(count), contract)
