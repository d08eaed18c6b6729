"""The bounds that the policies give, as formulas: what theorems prove, properties test and judges hold against.

Sizes in bytes, rates in bytes per ns, results in ns. R is the effective rate of the server, B its longest blackout.
"""

from fractions import Fraction

from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["pairwise_gap", "promised_delay", "scfq_delay", "sfq_delay"]


@implements("FQ-4", "FQ-7")
def pairwise_gap(cost_i: Number, cost_j: Number) -> Number:
    """Return L_i / w_i + L_j / w_j, the largest gap in normalised service of two backlogged tenants."""
    return cost_i + cost_j


@implements("FQ-5")
def sfq_delay(largest: Number, others: Number, rate: Fraction, blackout: Number) -> Number:
    """Return (L + sum of the others' L) / R + B: from expected arrival to finish, if the guarantees sum to <= R."""
    return Fraction(largest + others) / rate + blackout


@implements("FQ-6")
def scfq_delay(largest: Number, others: Number, rate: Fraction, blackout: Number, guaranteed: Fraction) -> Number:
    """Return L / g + (sum of the others' L) / R + B: from expected arrival to finish under SCFQ.

    Source: S. J. Golestani 1994; Goyal, Vin, Cheng 1997, who compare it with SFQ's.
    """
    return Fraction(largest) / guaranteed + Fraction(others) / rate + blackout


def promised_delay(
    policy: str, largest: Number, others: Number, rate: Fraction, blackout: Number, guaranteed: Fraction
) -> Number | None:
    """Return the bound of `policy` from expected arrival to finish, or None for a policy that gives none."""
    if policy == "sfq":
        return sfq_delay(largest, others, rate, blackout)
    if policy == "scfq":
        return scfq_delay(largest, others, rate, blackout, guaranteed)
    return None
