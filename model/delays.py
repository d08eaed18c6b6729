"""What each policy owes each tenant of a set: worst delays, the largest requests for a latency, how many more fit.

Two figures stand side by side where they differ. `any`: whatever the guarantees of the others are, as long as the set
is admissible; the tenant is worth g. `own`: with the guarantees of this set, by which it is worth r' = g R / (sum of
all g), at least g (clause BD-1). Every delay is the largest of a few lines in one size that is left open (`Vary`), so
that the largest request is a closed form.
"""

import enum
import functools
import itertools
from collections.abc import Iterator, Sequence
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
from headgate.model.capacity import Supply, fitting
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
class Group:
    """So many tenants with the same contract."""

    contract: Contract
    count: int = 1


@attrs.frozen
class Crowd:
    """The tenants of a set in groups, and what there is for them; only those with a guarantee are `guaranteed`."""

    guaranteed: tuple[Group, ...]
    best_effort: tuple[Contract, ...]
    supply: Supply

    @staticmethod
    def of(contracts: Sequence[Contract], supply: Supply) -> "Crowd":
        """Return the crowd of a contract file, a group a tenant."""
        promised = tuple(Group(contract) for contract in contracts if not contract.best_effort)
        return Crowd(promised, tuple(c for c in contracts if c.best_effort), supply)

    @property
    def total(self) -> BytesPerNs:
        """The sum of the guarantees."""
        return sum((g.count * g.contract.guaranteed_bytes_per_ns for g in self.guaranteed), Fraction(0))

    @property
    def is_admissible(self) -> bool:
        """Whether the guarantees sum to at most the rate (clause AD-1)."""
        return self.total <= self.supply.rate

    def others(self, contract: Contract) -> Iterator[Group]:
        """Yield the groups without one tenant of `contract`."""
        for group in self.guaranteed:
            count = group.count - (group.contract is contract)
            if count:
                yield Group(group.contract, count)

    def and_more(self, contract: Contract, count: int) -> "Crowd":
        """Return the crowd with `count` more tenants that have the numbers of `contract`."""
        same = attrs.evolve(contract)  # equal, but not the same: `others` tells them apart
        return attrs.evolve(self, guaranteed=(*self.guaranteed, Group(same, count))) if count else self


@attrs.frozen
class _Other:
    """So many others with one guarantee and one largest request, a line in x."""

    size: Line
    rate: BytesPerNs
    count: int


@attrs.frozen
class _Sizes:
    """The sizes that a delay depends on, as lines in x; what is a largest of several comes as all of them.

    `each` are the others, those whose requests cost least (L / g) first.
    """

    own: Line
    others: Line
    longest: tuple[Line, ...]  # of the others, and of the background
    costs: tuple[Line, ...]  # L / g in ns
    background: tuple[Line, ...]
    each: tuple[_Other, ...]


# A report asks for the same sizes for every policy and figure of a tenant.
@functools.lru_cache(maxsize=16)
def _sizes(crowd: Crowd, contract: Contract, vary: Vary) -> _Sizes:
    others = list(crowd.others(contract))
    own = Line(Fraction(1)) if vary in (Vary.OWN, Vary.ALL) else Line(Fraction(0), Fraction(contract.max_request_bytes))
    open_others = vary in (Vary.OTHERS, Vary.ALL)

    def size(group: Group) -> Line:
        return Line(Fraction(1)) if open_others else Line(Fraction(0), Fraction(group.contract.max_request_bytes))

    each = [_Other(size(group), group.contract.guaranteed_bytes_per_ns, group.count) for group in others]
    background = [Line(Fraction(0), Fraction(c.max_request_bytes)) for c in crowd.best_effort]
    background += [size(group) for group in others if group.contract.excess is Excess.BACKGROUND]
    background += [own] if contract.excess is Excess.BACKGROUND else []
    costs = [own * (1 / contract.guaranteed_bytes_per_ns), *(other.size * (1 / other.rate) for other in each)]
    return _Sizes(
        own,
        sum((other.size * other.count for other in each), Line(Fraction(0))),
        _upper([Line(Fraction(0)), *(other.size for other in each), *background]),
        _upper(costs),
        _upper([Line(Fraction(0)), *background]),
        tuple(sorted(each, key=lambda other: other.size.at(1) / other.rate)),
    )


def _upper(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return the lines that can be the largest at some x > 0: of equal slopes the highest, and none below another."""
    highest: dict[Fraction, Fraction] = {}
    for line in lines:
        highest[line.slope] = max(line.offset, highest.get(line.slope, line.offset))
    best = [Line(slope, offset) for slope, offset in highest.items()]
    return tuple(
        line for line in best if not any(other.slope > line.slope and other.offset >= line.offset for other in best)
    )


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
def delay_lines(policy: str, crowd: Crowd, contract: Contract, own: bool, vary: Vary) -> tuple[tuple[Line, ...], ...]:
    """Return bounds from expected arrival to finish, each the largest of its lines in the size that varies.

    The delay is that of the tenant's largest request; the least of the bounds is the one that counts. Background
    traffic is in the way with one request (clause PR-7).
    """
    sizes = _sizes(crowd, contract, vary)
    return tuple(_upper(lines) for lines in _bounds(policy, crowd, contract, own, sizes, sizes.own))


def _bounds(
    policy: str, crowd: Crowd, contract: Contract, own: bool, sizes: _Sizes, size: Line
) -> Iterator[Sequence[Line]]:
    """Yield bounds for a request of `size`, the tenant's largest being `sizes.own`."""
    if own and policy in ABSOLUTE:
        yield from _released(crowd, contract, sizes, size)
    elif own and policy == "drr":
        yield list(_drr_own(crowd, contract, sizes, size))
    else:
        yield list(_lines(policy, crowd, contract, own, sizes, size))


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
        for longest in _begun(contract, sizes, sizes.each, size) if own else sizes.longest:
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


def _begun(contract: Contract, sizes: _Sizes, others: Sequence[_Other], size: Line) -> tuple[Line, ...]:
    """What may be in the way by having begun: a background request, or one of another that is then owed no more.

    What is due later than the request of `size` was begun in the place of all that its tenant could send by then.
    """
    window = size * (1 / contract.guaranteed_bytes_per_ns)
    return (*sizes.background, *(other.size + window * -other.rate for other in others))


@implements("BD-15")
def _released(crowd: Crowd, contract: Contract, sizes: _Sizes, size: Line) -> Iterator[Sequence[Line]]:
    """Yield a bound for every number of others that are counted by what they can be expected to send so far.

    The rest is counted by all that is due before the request. Each is a bound; those whose requests cost least gain
    most by the first count.
    """
    supply, blackout = crowd.supply, Line(Fraction(0), crowd.supply.blackout_ns)
    window = size * (1 / contract.guaranteed_bytes_per_ns)
    begun = list(_begun_by_the_last(contract, sizes, size))
    released, rest = Fraction(0), sum((other.count * other.rate for other in sizes.each), Fraction(0))
    sent = Line(Fraction(0))
    for count in range(len(sizes.each) + 1):
        ahead = sent + window * rest
        yield [
            released_delay(size, ahead, in_way, released, supply.rate, blackout)
            for in_way in begun[len(sizes.each) - count]
        ]
        for other in sizes.each[count : count + 1]:
            released, rest = released + other.count * other.rate, rest - other.count * other.rate
            sent += other.size * other.count


def _begun_by_the_last(contract: Contract, sizes: _Sizes, size: Line) -> Iterator[tuple[Line, ...]]:
    """Yield what may be in the way by having begun, with none of the others, with the last of them, and so on to all.

    Only what can be the largest is kept, so that a set of many tenants costs no more than it has kinds.
    """
    found = _upper(_begun(contract, sizes, (), size))
    yield found
    for other in reversed(sizes.each):
        found = _upper([*found, *_begun(contract, sizes, (other,), size)])
        yield found


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
def _aggregate_burst(crowd: Crowd) -> Fraction:
    """Return the most by which sum of min(p t, (p - g) d + g t) is ahead of R t; the M of every tenant come on top.

    A sum of concave curves is ahead most at an end of one of the bursts, or at 0.
    """
    ends = {group.contract.burst_duration_ns for group in crowd.guaranteed} | {Fraction(0)}
    return max(sum((g.count * _sent(g.contract, t) for g in crowd.guaranteed), -crowd.supply.rate * t) for t in ends)


def _sent(contract: Contract, elapsed: ExactNs) -> Fraction:
    g, p, d = contract.guaranteed_bytes_per_ns, contract.burst_bytes_per_ns, contract.burst_duration_ns
    return min(p * elapsed, (p - g) * d + g * elapsed)


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
    return min(_at(lines, 1) for lines in delay_lines(policy, crowd, contract, own, Vary.NONE))


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
        return min(_at(lines, 1) for lines in _bounds(policy, crowd, contract, own, sizes, line))
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
    found = [largest_within(lines, latency) for lines in delay_lines(policy, crowd, contract, own, vary)]
    return max((size for size in found if size is not None), default=None)


# ---- the set ----


@implements("BD-10")
def keeps_latencies(policy: str, crowd: Crowd) -> bool:
    """Return whether the set is admissible and every promised latency is within the bound of `policy`."""
    if not crowd.is_admissible:
        return False
    return all(
        group.contract.latency_slo_ns is None
        or expected_delay(policy, crowd, group.contract, own=True) <= group.contract.latency_slo_ns
        for group in crowd.guaranteed
    )


@implements("BD-10")
def more_with_latencies(policy: str, crowd: Crowd, contract: Contract) -> int:
    """Return how many more tenants such as `contract` can come before a latency cannot be kept under `policy`.

    Every bound grows with the number of tenants, so that it is found by halving.
    """
    least, most = 0, fitting(contract.guaranteed_bytes_per_ns, crowd.supply.rate, crowd.total)
    while least < most:
        middle = (least + most + 1) // 2
        if keeps_latencies(policy, crowd.and_more(contract, middle)):
            least = middle
        else:
            most = middle - 1
    return least
