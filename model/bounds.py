"""The bounds that the policies give, as formulas: what theorems prove, properties test and judges hold against.

Sizes in bytes, rates in bytes per ns, results in ns. R is the effective rate of the server, B its longest blackout.
They are written with `+` and `*` alone in what may stay open, so that one text runs on numbers and on `Line`s: the
largest request for which a bound is within a latency is then a closed form, and not a search.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import attrs

from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = [
    "Line",
    "burst_wait",
    "calculus_delay",
    "capped_bypass",
    "deadline_delay",
    "drr_delay",
    "drr_idle_delay",
    "drr_latency",
    "drr_request_delay",
    "drr_second_turn_delay",
    "early_delay",
    "fcfs_delay",
    "fq_codel_bypass",
    "fq_codel_turns",
    "gps_lag",
    "gps_lateness",
    "guarantee_for_burst",
    "largest_within",
    "own_rate",
    "pairwise_gap",
    "pieces",
    "promised_delay",
    "released_delay",
    "round_gap",
    "scfq_delay",
    "sfq_delay",
    "vtc_gap",
    "wfq_delay",
    "worst_case_lag",
]


@attrs.frozen
class Line:
    """The number `slope x + offset` of an x that is open: a size in bytes, or a delay in ns."""

    slope: Fraction
    offset: Fraction = Fraction(0)

    def __add__(self, other: Any) -> "Line":
        """Return the sum of two lines, or of a line and a number."""
        if isinstance(other, Line):
            return Line(self.slope + other.slope, self.offset + other.offset)
        return Line(self.slope, self.offset + other)

    __radd__ = __add__

    def __mul__(self, factor: Any) -> "Line":
        """Return the line times a number."""
        return Line(self.slope * factor, self.offset * factor)

    __rmul__ = __mul__

    def at(self, x: Fraction | int) -> Fraction:
        """Return the number at `x`."""
        return self.slope * x + self.offset


def _ns_per_byte(rate: Fraction) -> Fraction:
    return Fraction(1) / rate


@implements("FQ-4", "FQ-7")
def pairwise_gap(cost_i: Number, cost_j: Number) -> Number:
    """Return L_i / w_i + L_j / w_j, the largest gap in normalised service of two backlogged tenants."""
    return cost_i + cost_j


@implements("AR-9")
def round_gap(rounds_i: Number, rounds_j: Number) -> Number:
    """Return 1 + L_i / Q_i + L_j / Q_j: the largest gap, in rounds, of two backlogged tenants under DRR."""
    return 1 + rounds_i + rounds_j


# ---- from expected arrival to finish, if the guarantees sum to at most R ----


@implements("FQ-5")
def sfq_delay(largest: Number, others: Number, rate: Fraction, blackout: Number) -> Number:
    """Return (L + sum of the others' L) / R + B: from expected arrival to finish, if the guarantees sum to <= R."""
    return (largest + others) * _ns_per_byte(rate) + blackout


@implements("FQ-6")
def scfq_delay(largest: Number, others: Number, rate: Fraction, blackout: Number, guaranteed: Fraction) -> Number:
    """Return L / g + (sum of the others' L) / R + B: from expected arrival to finish under SCFQ.

    Source: S. J. Golestani 1994; Goyal, Vin, Cheng 1997, who compare it with SFQ's.
    """
    return largest * _ns_per_byte(guaranteed) + others * _ns_per_byte(rate) + blackout


@implements("BD-3", "WF-3")
def deadline_delay(size: Number, longest: Number, rate: Fraction, blackout: Number, guaranteed: Fraction) -> Number:
    """Return l / g + Lmax / R + B: the time of a private channel of rate g, one request in the way, one blackout.

    `longest` is Lmax, the largest request of any tenant.
    """
    return size * _ns_per_byte(guaranteed) + longest * _ns_per_byte(rate) + blackout


@implements("BD-3", "EA-2")
def early_delay(size: Number, longest: Number, rate: Fraction, blackout: Number, guaranteed: Fraction) -> Number:
    """Return the bound of *early*, which serves what is due by EAT + l / g; `guaranteed` is g itself.

    Source: non-preemptive earliest deadline first (J. Liebeherr, D. Wrege, D. Ferrari 1996); this project.
    """
    return deadline_delay(size, longest, rate, blackout, guaranteed)


@implements("BD-3", "WQ-7")
def wfq_delay(size: Number, longest: Number, rate: Fraction, blackout: Number, guaranteed: Fraction) -> Number:
    """Return the bound of WFQ against a fluid reference of rate R; `guaranteed` is g, or `own_rate`.

    Source: A. K. Parekh, R. G. Gallager 1993, theorem 1; the blackout is this project's.
    """
    return deadline_delay(size, longest, rate, blackout, guaranteed)


@implements("BD-4")
def drr_latency(
    quantum: Number, largest: Number, others: Number, turns: Fraction, rate: Fraction, blackout: Number
) -> Number:
    """Return the latency of the service curve of DRR: B + (sum of the others' L + (F - Q) / Q (Q + L)) / R.

    Q is the tenant's quantum, F the sum of all, `turns` is (F - Q) / Q.
    Source: M. Boyer, G. Stea, W. Mangoua Sofack, "Deficit round robin with network calculus", 2012.
    """
    return (others + turns * (quantum + largest)) * _ns_per_byte(rate) + blackout


@implements("BD-4")
def drr_delay(size: Number, latency: Number, share: Fraction) -> Number:
    """Return l / r + latency, r = Q R / F: a request of `size` bytes on the service curve of DRR."""
    return size * _ns_per_byte(share) + latency


@implements("BD-14")
def drr_request_delay(
    size: Number, share: Fraction, quanta: Number, others: Number, rate: Fraction, blackout: Number
) -> Number:
    """Return l / r + (sum of the others' Q + L) / R + B, r = Q R / F: the delay of one request from expected arrival.

    `quanta` is the sum of the others' quanta, `others` that of their largest requests. It is below `drr_delay` by
    (F - Q) L / (Q R): a request that a tenant's turns have paid for is served in the last of them.
    Source: this project.
    """
    return size * _ns_per_byte(share) + (quanta + others) * _ns_per_byte(rate) + blackout


@implements("BD-5")
def drr_idle_delay(size: Number, quanta: Number, others: Number, rate: Fraction, blackout: Number) -> Number:
    """Return (l + sum of the others' Q + L) / R + B: from arrival at an empty queue of one's own, if l <= Q.

    `quanta` is the sum of the others' quanta, `others` that of their largest requests.
    Source: M. Shreedhar, G. Varghese 1995, for the turns; the bound is this project's.
    """
    return (size + quanta + others) * _ns_per_byte(rate) + blackout


@implements("BD-15")
def released_delay(
    size: Number, ahead: Number, in_way: Number, released: Fraction, rate: Fraction, blackout: Number
) -> Number:
    """Return (R B + `in_way` + `ahead`) / (R - `released`) + l / R: from expected arrival to finish, by deadlines.

    `ahead` are the bytes of others that may be due before the request: of some tenants all, of the rest one request
    and what follows it at the rate `released`, the sum of their guarantees. `in_way` is what has just begun.
    Source: this project; the counting is that of the demand of J. Liebeherr, D. Wrege, D. Ferrari 1996.
    """
    return size * _ns_per_byte(rate) + (rate * blackout + in_way + ahead) * _ns_per_byte(rate - released)


@implements("BD-15")
def drr_second_turn_delay(
    size: Number, quantum: Number, quanta: Number, others: Number, rate: Fraction, blackout: Number, cost: Number
) -> Number:
    """Return (2 q + Q + `others`) / R + B - (Q - l) / g: a request of DRR that its tenant's first turn cannot pay for.

    `quanta` (q) is the sum of the others' quanta, `others` what they had left or what was in the way, and `cost` is
    (Q - l) / g: the request follows that much of its own tenant, and is expected no sooner. Source: this project.
    """
    return (quanta + quanta + quantum + others) * _ns_per_byte(rate) + blackout + cost * -1


@implements("BD-6")
def fcfs_delay(burst: Number, rate: Fraction, blackout: Number) -> Number:
    """Return burst / R + B: the delay in one queue for all, if no more than `burst` bytes ever wait at rate R.

    Source: R. Cruz 1991; J.-Y. Le Boudec, P. Thiran 2001, section 1.4.
    """
    return burst * _ns_per_byte(rate) + blackout


def promised_delay(
    policy: str,
    largest: Number,
    others: Number,
    rate: Fraction,
    blackout: Number,
    guaranteed: Fraction,
    longest: Number | None = None,
) -> Number | None:
    """Return the proved bound of `policy` from expected arrival to finish, or None for a policy that has none.

    `longest` is the largest request of anybody, which *early* and WF2Q+ need. No promise rests on WFQ's bound (WQ-7):
    it is that of a fluid at this very rate, which a contract does not state, and a faster one has none (WQ-6).
    """
    if policy == "sfq":
        return sfq_delay(largest, others, rate, blackout)
    if policy == "scfq":
        return scfq_delay(largest, others, rate, blackout, guaranteed)
    if policy in ("early", "wf2q+") and longest is not None:
        return deadline_delay(largest, longest, rate, blackout, guaranteed)
    return None


# ---- against a fluid, and against a counter ----


@implements("WQ-3", "WQ-5")
def gps_lateness(largest: Number, rate: Fraction, blackout: Number) -> Number:
    """Return L / R + B: how much later than the fluid of rate R a request finishes under WFQ."""
    return blackout + largest * _ns_per_byte(rate)


@implements("WQ-4")
def gps_lag(largest: Number) -> Number:
    """Return L: how many bytes less than in the fluid a tenant may have got under WFQ."""
    return largest


@implements("WF-4")
def worst_case_lag(own: Number, largest: Number, guaranteed: Fraction, rate: Fraction) -> Number:
    """Return 2 L_i + (L - L_i) g / C: how many bytes less than g t a backlogged tenant may get in t ns under WF2Q+."""
    return own + own + (largest - own) * guaranteed * _ns_per_byte(rate)


@implements("FR-3")
def capped_bypass(before: int, cap: int) -> int:
    """Return k + (k + 1) c: after how many others a request that finds k before it is served at the latest."""
    return before + (before + 1) * cap


@implements("FC-3")
def fq_codel_bypass(count: int) -> int:
    """Return 2 (N - 1): after how many others the request at the head of a queue is served at the latest."""
    return fq_codel_turns() * (count - 1)


@implements("FC-3")
def fq_codel_turns() -> int:
    """Return 2: how often one other tenant is served between two services of a tenant that waits, at most."""
    return 2


@implements("VT-3")
def vtc_gap(cost: Number) -> Number:
    """Return 2 U, for U the largest cost: the largest gap of two waiting clients under VTC."""
    return 2 * cost


# ---- around them ----


@implements("BD-1")
def own_rate(guaranteed: Fraction, rate: Fraction, total: Fraction) -> Fraction:
    """Return r' = g R / (sum of all g): what a tenant's weight is worth where all are backlogged."""
    return Fraction(guaranteed) * rate / total


@implements("BD-2")
def burst_wait(size: Number, largest: Number, guaranteed: Fraction, burst: Fraction, duration: Fraction) -> Number:
    """Return (M - l + max(0, p - g) d) / g: the most by which the EAT of a request in contract is after its arrival.

    It is that of a request of `size` bytes, l, that ends a full burst.
    """
    excess = max(Fraction(0), Fraction(burst) - guaranteed) * duration
    return (largest + size * -1 + excess) * _ns_per_byte(guaranteed)


@implements("BD-7")
def calculus_delay(
    latency: Number, largest: Number, guaranteed: Fraction, burst: Fraction, duration: Fraction
) -> Number:
    """Return T + (M + max(0, p - g) d) / g: how far min(M + p t, M + (p - g) d + g t) is ahead of g (t - T).

    Source: J.-Y. Le Boudec, P. Thiran 2001, section 1.4 (the horizontal deviation); R. Cruz 1991.
    """
    return latency + burst_wait(0, largest, guaranteed, burst, duration)


@implements("BD-8")
def largest_within(delays: Sequence[Line], latency: Fraction) -> int | None:
    """Return the largest whole x of 1 or more at which every delay is at most `latency`, or None if 1 is too large.

    At least one delay grows with x, and none shrinks.
    """
    if any(delay.at(1) > latency for delay in delays):
        return None
    return min((latency - delay.offset) // delay.slope for delay in delays if delay.slope > 0)


@implements("BD-8")
def pieces(total: int, largest: int) -> int:
    """Return into how many requests of at most `largest` bytes `total` bytes have to be cut."""
    return -(-total // largest)


@implements("BD-13")
def guarantee_for_burst(burst: Fraction, duration: Fraction, latency: Fraction) -> Fraction:
    """Return p d / (d + S): the least guarantee at which a fluid burst of rate p for d is done S after it came."""
    return Fraction(burst) * duration / (duration + latency)
