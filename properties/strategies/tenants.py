"""Contracts, alone and in sets."""

from fractions import Fraction

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from headgate.properties.strategies.numbers import AT_REAL_SCALE, EITHER, MIB, RATES, SKEW
from headgate.spec.vocabulary import TREATMENTS, Contract, Excess

__all__ = ["contracts", "draw_tenants", "tenant_sets"]

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
    real = draw(AT_REAL_SCALE) if real is None else real
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
    return _REAL_GUARANTEES if real else RATES


def _burst(draw: DrawFn, guaranteed: Fraction, real: bool) -> Fraction:
    """Draw a burst rate: the guarantee itself (no burst), a multiple of it, or any above it."""
    if real:
        return draw(st.sampled_from((guaranteed, max(guaranteed, Fraction(400)), 4 * guaranteed)))
    factor = draw(_FACTORS)
    return factor * guaranteed if factor > 0 else guaranteed + draw(RATES)


def _largest_request(draw: DrawFn, grain: int, real: bool) -> int:
    if real:
        return draw(_REAL_LARGEST)
    return grain * draw(_PIECES) if draw(EITHER) else draw(_LARGEST)


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
    return draw_tenants(draw, draw(AT_REAL_SCALE), min_tenants, max_tenants, excess, best_effort)


def draw_tenants(
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
