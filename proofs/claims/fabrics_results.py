"""*Multi-Tenant KV Fabrics*, sections 1, 10 to 12: admission, the case study, and what it is said to gain."""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial

from headgate.model.admission import ESSAY_SHARE
from headgate.model.capacity import admissible_below
from headgate.model.refresh import effective_rate
from headgate.proofs.claims.claim import Check, Claim, Essay
from headgate.proofs.claims.quantities import (
    BURST,
    GB,
    GUARANTEE,
    H100_PEAK,
    H200_PEAK,
    MIB,
    SEQUENCE_32K,
    TENANTS,
    WATTS,
    exact,
    kv_bytes,
    percent,
)
from headgate.spec.devices import profile

__all__ = ["CLAIMS"]

_claim = partial(Claim, essay=Essay.FABRICS)


def _reserve() -> Sequence[Check]:
    device = profile("h100-essay")
    below = admissible_below(device, ESSAY_SHARE * device.peak_bytes_per_ns)
    assert below is not None
    left = percent(effective_rate(device, Fraction(95)) / device.peak_bytes_per_ns)
    return (
        Check("up to which temperature 85 % of the peak are there", below, "C", ">= 95"),
        Check("what is left of the peak at 95 C", left, "%", ">= 85"),
    )


def _together() -> Sequence[Check]:
    return (
        Check("eight guarantees of 120 GB/s", TENANTS * GUARANTEE, "GB/s", "> 3350", "section 4"),
        Check("tenants whose guarantees exceed the peak of an H100", -(-H100_PEAK // GUARANTEE), "tenants"),
        Check("eight bursts", TENANTS * BURST, "GB/s"),
        Check("85 % of that peak", ESSAY_SHARE * H100_PEAK, "GB/s"),
    )


def _power_falls() -> Sequence[Check]:
    rise = WATTS * (Fraction(87, 100) - Fraction(58, 100)) * H100_PEAK
    return (
        Check("what the formula of section 9 adds from 58 to 87 % of an H100", rise, "W", "<= -9", "section 9"),
        Check("bandwidth of 78 W by that formula, without a baseline", 78 / WATTS, "GB/s"),
    )


def _rack() -> Sequence[Check]:
    return (
        Check("78 - 69 W in 72 GPUs", Fraction((78 - 69) * 72), "W", "648"),
        Check("the least of 5 to 10 W a GPU", Fraction(5 * 72), "W"),
        Check("the most", Fraction(10 * 72), "W"),
    )


def _joules() -> Sequence[Check]:
    return (
        Check("648 W of a rack of 120 kW (addendum, section 1)", percent(Fraction(648, 120_000)), "%", "4.2"),
        Check("the rack of which they are 4.2 %", 648 / exact("0.042") / 1000, "kW"),
    )


def _tail() -> Sequence[Check]:
    return (
        Check("84 ms over 23 ms", Fraction(84, 23), "times", "3.6"),
        Check("112 ms over 29 ms", Fraction(112, 29), "times"),
    )


def _throughput() -> Sequence[Check]:
    return (
        Check("from 58 to 87 % of the bandwidth", percent(Fraction(87, 58) - 1), "%"),
        Check("in percentage points", Fraction(87 - 58), "points"),
    )


def _utilisation() -> Sequence[Check]:
    device = profile("h100-essay")
    below = admissible_below(device, Fraction(87, 100) * device.peak_bytes_per_ns)
    assert below is not None
    return (Check("up to which temperature 87 % of the peak are there", below, "C"),)


def _spill() -> Sequence[Check]:
    half = Fraction(kv_bytes(SEQUENCE_32K), 2)
    return (Check("half of a sequence of 32k over 64 GB/s, in every step", half / 64 / 10**6, "ms"),)


def _capacity() -> Sequence[Check]:
    quotas = Fraction(TENANTS * 8192 * MIB, GB)
    return (
        Check("eight quotas of 8 GiB", quotas, "GB"),
        Check("and weights of 70 GB", quotas + 70, "GB"),
    )


CLAIMS = (
    _claim(
        "FAB-36",
        section="11",
        says="Guarantees up to 0.85 of the capacity may be admitted.",
        checks=_reserve,
        refuted_by=("admission-essay", "admission-mitigated"),
        proved_by=("admission-threshold", "admission-safety"),
        corrected=(
            "Their sum is at most the least effective rate of the range of temperatures, less migration and bubbles."
        ),
        clauses=("AD-1", "AD-2", "AD-4"),
        schedules=("admission-essay", "admission-mitigated"),
    ),
    _claim(
        "FAB-37",
        section="11",
        says="Eight tenants that start their prefill together exceed the capacity with their guarantees.",
        checks=_together,
        corrected="Of contracts as in section 4 it is the bursts that exceed 85 % of the peak: 3,200 GB/s.",
        clauses=("AD-1", "BD-10"),
    ),
    _claim(
        "FAB-38",
        section="figures 1 and 3",
        says="The results are of an H200 with 3.35 TB/s.",
        checks=lambda: (
            Check("the peak of an H200", H200_PEAK / 1000, "TB/s", "3.35", "*MPS for Co-located Embedding*, run 3"),
        ),
    ),
    _claim(
        "FAB-39",
        section="10",
        says="Power falls from 78 to 69 W while the bandwidth in use rises from 58 to 87 %.",
        checks=_power_falls,
        corrected="A term for activations beside the one for bytes.",
    ),
    _claim("FAB-40", section="10", says="5 to 10 W a GPU are 648 W a rack.", checks=_rack),
    _claim("FAB-41", section="10", says="648 W a rack are 4.2 % of the joules a token.", checks=_joules),
    _claim("FAB-42", section="12", says="The tail latency becomes 3.6 times better.", checks=_tail, clauses=("RC-7",)),
    _claim(
        "FAB-43",
        section="12",
        says="Throughput rises by 28 to 31 percent.",
        checks=_throughput,
        missing=(
            "of what, and how it comes about: the only cause that is given, section 10, is half as much bandwidth "
            "again; 29 are its percentage points"
        ),
    ),
    _claim(
        "FAB-44",
        section="10",
        says="87 % of the bandwidth are in use.",
        checks=_utilisation,
        clauses=("RF-7",),
        missing="the temperature: above 92.8 C so much is not there",
    ),
    _claim(
        "FAB-45",
        section="10",
        says="With half of the cache on CXL the tail is 112 ms without the fabric and 29 ms with it.",
        checks=_spill,
        missing="the length of the contexts; a latency of 320 ns says nothing about a bandwidth",
    ),
    _claim(
        "FAB-46",
        section="2.5",
        says="Throttling in software improves the p99 by 18 % and costs 22 % of the throughput.",
        missing="a model, a load and a horizon",
    ),
    _claim(
        "FAB-47",
        section="4",
        says="8 GiB of HBM a tenant can be promised to eight tenants.",
        checks=_capacity,
        missing="the weights and the device: with 70 GB of weights an H100 is too small, and 2 GB are left of an H200",
        corrected="The quotas and the weights together fit into the memory.",
        clauses=("AL-2", "PA-1"),
    ),
)
