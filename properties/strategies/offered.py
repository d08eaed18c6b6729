"""Offers to one gate, aimed at the edges of what it holds."""

import math
from collections.abc import Sequence
from fractions import Fraction

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from headgate.model.marker import MarkerRates
from headgate.model.meter import MeterRates
from headgate.properties.strategies.numbers import AT_REAL_SCALE, MIB, rates
from headgate.properties.strategies.tenants import contracts
from headgate.spec.units import Bytes, Nanoseconds
from headgate.spec.vocabulary import Contract

__all__ = ["Gate", "Offer", "gates", "marker_rates", "meter_rates", "offers"]


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


_WAITS = st.sampled_from(("none", "few", "fits", "fills", "idle"))
_SIZES = st.sampled_from(("any", "held", "again", "held", "depth"))
_FEW_NS = st.integers(0, 12)
_NONE_OR_ONE = st.integers(0, 1)
_BURSTS = st.sampled_from((0, 0, 2, 0, 8, 4))


@st.composite
def gates(draw: DrawFn) -> Gate:
    """Draw the numbers of a token bucket."""
    if draw(AT_REAL_SCALE):
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
