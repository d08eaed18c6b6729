"""*Multi-Tenant KV Fabrics*, sections 2.5 and 6 to 9: what is built into the memory controller, banks and metrics."""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial

from headgate.model.capacity import essay_fitting
from headgate.model.memory.colours import room_for
from headgate.model.memory.conflicts import coloured_pairs, hit_any, uncoloured_pairs
from headgate.proofs.claims.claim import Check, Claim, Essay
from headgate.proofs.claims.quantities import H100_PEAK, H200_PEAK, percent

__all__ = ["CLAIMS"]

_claim = partial(Claim, essay=Essay.FABRICS)

TENANTS, BANKS, BANKS_EACH = 8, 16, 4
WATTS = Fraction(23, 1000)  # a GB/s


def _state_bytes() -> Sequence[Check]:
    a_channel = Fraction(TENANTS * 64, 8)
    return (
        Check("8 tenants of 64 bits", a_channel, "B a channel", "64"),
        Check("on 8 channels", 8 * a_channel, "B", "512"),
        Check("on 6 stacks of 16 channels", 96 * a_channel, "B"),
    )


def _grants() -> Sequence[Check]:
    granted = Fraction(8 * 64)
    return (
        Check("8 channels that grant 64 B a ns each", granted, "GB/s", ">= 3350"),
        Check("of the peak of an H100", percent(granted / H100_PEAK), "%"),
        Check("bytes that each grant of an H200 would have to be", H200_PEAK / 8, "B", "<= 64"),
    )


def _rtl() -> Sequence[Check]:
    return (
        Check("how long a bucket of 240 MB lasts at 120 GB/s, if nothing refills it", Fraction(240, 120), "ms"),
        Check(
            "grants in one cycle, where each tenant has tokens",
            Fraction(TENANTS),
            "grants",
            "<= 1",
            "the text above it",
        ),
    )


def _tenant_tag() -> Sequence[Check]:
    return (
        Check(
            "tenants of 120 GB/s that section 11 admits on an H100",
            essay_fitting(Fraction(120), H100_PEAK),
            "tenants",
            "<= 16",
            "section 11",
        ),
        Check("on an H200", essay_fitting(Fraction(120), H200_PEAK), "tenants", "<= 16", "section 11"),
    )


def _coverage() -> Sequence[Check]:
    return (
        Check("of the time demand exceeds the guarantee", Fraction(50), "%"),
        Check("of the time it exceeds the burst", Fraction(5), "%", "<= 1", "section 12, whose result is a p99"),
    )


def _eight_of_four() -> Sequence[Check]:
    return (
        Check("banks that 8 tenants of 4 take", Fraction(TENANTS * BANKS_EACH), "banks", "<= 16"),
        Check("tenants that have four banks of their own", Fraction(BANKS // BANKS_EACH), "tenants"),
        Check("whether eight have room with two banks each", int(bool(room_for(2, BANKS, TENANTS))), "(1: yes)"),
    )


def _masks() -> Sequence[Check]:
    return (
        Check("banks of the mask 0x3", Fraction((0x3).bit_count()), "banks", "4", "section 8"),
        Check("the mask of banks 0 to 3", Fraction(0xF), "", "3", "section 8"),
    )


def _conflicts() -> Sequence[Check]:
    n, k = TENANTS, BANKS // BANKS_EACH
    return (
        Check("a request meets one of seven others in 16 banks", percent(hit_any(n, BANKS)), "%"),
        Check("one of four others", percent(hit_any(5, BANKS)), "%", "~23"),
        Check(
            "pairs with four colours, of those without",
            percent(Fraction(coloured_pairs(n, k)) / uncoloured_pairs(n)),
            "%",
        ),
        Check("pairs that fall from 23 to 4", percent(Fraction(4, 23)), "%"),
    )


def _metrics() -> Sequence[Check]:
    period, burst = Fraction(10), Fraction(2)
    return (
        Check("bursts within one period of the metrics", period / burst, "bursts"),
        Check("what flows at the burst rate before anybody sees it", 400 * period / 1000, "GB"),
        Check("the period, for the local override of 200 us", period, "ms", "<= 0.2", "addendum, section 8"),
    )


def _watts() -> Sequence[Check]:
    return (
        Check("0.023 W a GB/s", 1000 * WATTS, "pJ/B"),
        Check("a bit", 1000 * WATTS / 8, "pJ"),
        Check("the whole peak of an H100", WATTS * H100_PEAK, "W"),
    )


CLAIMS = (
    _claim(
        "FAB-24",
        section="2.5",
        says="A tag of 4 bits names the tenant of a request.",
        checks=_tenant_tag,
        corrected="Five or six bits, or a rule that admits 16 tenants at most.",
    ),
    _claim(
        "FAB-25",
        section="2.5",
        says="MIG shares the memory controllers between its instances.",
        against=(
            "*MPS for Co-located Embedding + Generative Inference*, Co-scheduling mechanisms: a hard "
            "partition of SMs and memory"
        ),
    ),
    _claim(
        "FAB-26",
        section="6",
        says="Guarantee the median of the demand, and let its 95th percentile be the burst.",
        checks=_coverage,
        why="One request in twenty exceeds even the burst, so that no promise on the 99th percentile follows.",
        corrected="The burst covers the percentile that is promised.",
        clauses=("PR-3",),
    ),
    _claim(
        "FAB-27",
        section="7",
        says="The state of 8 tenants is 64 bytes a channel, 512 bytes in all.",
        checks=_state_bytes,
        missing="the tags, the virtual time, weights and a second bucket; and an H200 has 96 channels, not 8",
    ),
    _claim(
        "FAB-28",
        section="7",
        says="An arbiter that decides once a cycle at 1 GHz keeps up.",
        checks=_grants,
        corrected=(
            "At least seven grants a cycle and channel at 64 B on an H100, or larger requests, or all 96 channels."
        ),
    ),
    _claim(
        "FAB-29",
        section="7",
        says="The pseudo-RTL grants whoever has tokens, and takes them off.",
        checks=_rtl,
        against="section 5, by which buckets are refilled and requests ordered; nothing in it does either",
        why="It is called simplified; as it stands every tenant starves once its bucket is empty.",
        corrected="Refill first, then the smallest tag of those that may; a grant is taken back when it was used.",
        clauses=("TB-2", "FQ-3", "AR-1"),
    ),
    _claim(
        "FAB-30",
        section="8",
        says="Eight tenants with four banks of their own each share no bank of sixteen.",
        checks=_eight_of_four,
        refuted_by=("colours-essay",),
        proved_by=("colours-pigeonhole", "allocator-isolation"),
        corrected="t tenants of b banks each have colours of their own iff t b <= the banks.",
        clauses=("CO-3", "CO-4"),
        schedules=("colours-essay",),
    ),
    _claim(
        "FAB-31",
        section="8",
        says="HBM3e has 16 banks a stack and eight stacks.",
        fact=(
            "an H200 has six stacks (141 GB, 6 x 1024 bits), and HBM3 16 banks a pseudo-channel and stack ID (JESD238)"
        ),
        clauses=("CO-1", "CT-2"),
    ),
    _claim(
        "FAB-32",
        section="4, 8",
        says="A page colour of 0x3 is the four banks of a tenant.",
        checks=_masks,
        corrected="A colour is a mask over the banks; the masks of two tenants have no bit in common.",
        clauses=("CO-2", "CT-1"),
    ),
    _claim(
        "FAB-33",
        section="8",
        says="Colours bring the rate of bank conflicts from 23 % down to 4 %.",
        checks=_conflicts,
        missing=(
            "what is counted, how many requests are in flight, and over how many banks: no reading with 16 "
            "banks gives both"
        ),
        corrected="With k disjoint colours (n - k) / (n - 1) of the pairs remain, none of them of two tenants.",
        proved_by=("colours-price", "allocator-isolation"),
        clauses=("CO-8", "CO-9"),
    ),
    _claim(
        "FAB-34",
        section="9",
        says="Metrics every 10 ms close the loop.",
        checks=_metrics,
        corrected="A period of half a burst at most, or enforcement where the requests are.",
    ),
    _claim(
        "FAB-35",
        section="9",
        says="The power is the bytes times 0.023 W/GB/s and a baseline.",
        checks=_watts,
        missing="that the bytes are bytes a second, and what the baseline is",
    ),
)
