"""What several claims count with: units, the devices and models that the essays name, and sizes of a KV cache."""

from collections.abc import Sequence
from fractions import Fraction
from math import isqrt

from headgate.model.refresh import Enclosure

__all__ = [
    "BASE_NS",
    "BLACKOUT_NS",
    "BURST",
    "FULL_HEADS",
    "GB",
    "GROUPED_HEADS",
    "GUARANTEE",
    "H100_PEAK",
    "H200_PEAK",
    "MIB",
    "PERCENT",
    "RESISTANCE",
    "SEQUENCE_32K",
    "TENANTS",
    "WATTS",
    "correlation",
    "exact",
    "kv_bytes",
    "left_by_refresh",
    "percent",
    "root",
    "scaled",
]

GB = 10**9
MIB = 1 << 20
PERCENT = 100
# Peaks in B/ns, as the essays state them for the H100 and the H200.
H100_PEAK, H200_PEAK = Fraction(3350), Fraction(4800)
# A model of 70 billion parameters: 80 layers, 64 heads of 128 numbers each, 8 with keys and values of their own.
LAYERS, HEAD_NUMBERS = 80, 128
FULL_HEADS, GROUPED_HEADS = 64, 8
SEQUENCE_32K = 32 * 1024
# *Thermal Debt Is a Memory Problem*, section 3: a refresh and the interval of a cool stack in ns, and C/W of a stack.
# *Multi-Tenant KV Fabrics*, sections 9, 4 and 1: W a GB/s, the contract of its example in GB/s, and how many have it.
BLACKOUT_NS, BASE_NS = 295, Fraction(3900)
RESISTANCE, WATTS = Fraction("0.15"), Fraction("0.023")
GUARANTEE, BURST, TENANTS = Fraction(120), Fraction(400), 8


def exact(text: str) -> Fraction:
    """Return an exact decimal, such as "3.35"."""
    return Fraction(text)


def percent(share: Fraction | int) -> Fraction:
    """Return a share in percent."""
    return Fraction(share) * PERCENT


def kv_bytes(tokens: int, heads: int = FULL_HEADS, each: int = 1, layers: int = LAYERS) -> int:
    """Return the bytes of the keys and values of so many tokens, `each` bytes a number."""
    return 2 * layers * heads * HEAD_NUMBERS * each * tokens


def scaled(number: Enclosure, factor: Fraction | int) -> Enclosure:
    """Return an enclosure times a factor that is not negative."""
    return Enclosure(number.low * factor, number.high * factor)


def left_by_refresh(interval: Enclosure, blackout: Fraction | int) -> Enclosure:
    """Return the share of the time that refresh leaves: 1 - blackout / interval."""
    return Enclosure(1 - blackout / interval.low, 1 - blackout / interval.high)


def root(number: Fraction) -> Enclosure:
    """Return an enclosure of a square root, 1e-12 wide."""
    scale = 10**12
    whole = isqrt(number.numerator * scale * scale // number.denominator)
    return Enclosure(Fraction(whole, scale), Fraction(whole + 1, scale))


def correlation(left: Sequence[Fraction], right: Sequence[Fraction]) -> Enclosure:
    """Return Pearson's r of two series that rise or fall together."""
    count = len(left)
    one, other = sum(left, Fraction(0)) / count, sum(right, Fraction(0)) / count
    both = sum(((a - one) * (b - other) for a, b in zip(left, right, strict=True)), Fraction(0))
    if both < 0:
        raise ValueError("expected series that rise or fall together")
    spread = sum(((a - one) * (a - one) for a in left), Fraction(0)) * sum(
        ((b - other) * (b - other) for b in right), Fraction(0)
    )
    return root(both * both / spread)
