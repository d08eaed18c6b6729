"""*Multi-Tenant KV Fabrics*, sections 2.5 and 6 to 9: what is built into the memory controller, banks and metrics."""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial

from headgate.model.capacity import essay_fitting
from headgate.model.memory.colours import room_for
from headgate.model.memory.conflicts import coloured_pairs, hit_any, uncoloured_pairs
from headgate.proofs.claims.claim import Check, Claim, Essay
from headgate.proofs.claims.quantities import H100_PEAK, H200_PEAK, TENANTS, WATTS, exact, percent

__all__ = ["CLAIMS"]

_claim = partial(Claim, essay=Essay.FABRICS)

BANKS, BANKS_EACH = 16, 4


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
        Check("8 channels that grant 64 B a ns each", granted, "GB/s", ">= 3350", "section 3 (figure 1)"),
        Check("of the peak of an H100", percent(granted / H100_PEAK), "%"),
        Check("bytes that each grant would have to be", H100_PEAK / 8, "B"),
        Check("96 channels that do", 12 * granted, "GB/s"),
    )


def _rtl() -> Sequence[Check]:
    return (
        Check("how long a bucket of 240 MB lasts at 120 GB/s, if nothing refills it", Fraction(240, 120), "ms"),
        Check("grants in one cycle, where each tenant has tokens", Fraction(TENANTS), "grants"),
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
        Check("of the time it exceeds the burst", Fraction(5), "%"),
        Check("what may exceed a p99, as in figure 3", Fraction(1), "%"),
    )


def _eight_of_four() -> Sequence[Check]:
    return (
        Check("banks that 8 tenants of 4 take", Fraction(TENANTS * BANKS_EACH), "banks", "<= 16"),
        Check("tenants that have four banks of their own", Fraction(BANKS // BANKS_EACH), "tenants"),
        Check("whether eight have room with two banks each", int(bool(room_for(2, BANKS, TENANTS))), "(1: yes)"),
    )


def _masks() -> Sequence[Check]:
    return (
        Check("banks of the mask 0x3", Fraction((0x3).bit_count()), "banks", "4", "section 8, of every tenant"),
        Check("the mask of banks 0 to 3", Fraction(0xF)),
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
        Check("the period over the 200 us of the local override (addendum, section 8)", period / exact("0.2"), "times"),
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
        fact=(
            "an instance has L2 banks and memory controllers that no other instance uses (NVIDIA's guide to MIG), as "
            "*MPS for Co-located Embedding + Generative Inference* says under Co-scheduling mechanisms"
        ),
    ),
    _claim(
        "FAB-26",
        section="6",
        says="Guarantee the median of the demand, and let its 95th percentile be the burst.",
        checks=_coverage,
        missing="which percentile is promised: demand is above even the burst for a twentieth of the time",
        corrected="The burst covers the percentile that is promised: no p99 follows from a p95.",
        clauses=("PR-3",),
    ),
    _claim(
        "FAB-27",
        section="7",
        says="The state of 8 tenants is 64 bytes a channel, and 512 bytes on an H200 with 8 channels.",
        checks=_state_bytes,
        fact="an H200 has 96 channels, 16 in each of six stacks (JESD238)",
        why="64 bytes a channel come out, for the buckets alone: no tags, virtual time or weights.",
    ),
    _claim(
        "FAB-28",
        section="7",
        says="An arbiter in each of 8 channels keeps up with one request a cycle at 1 GHz.",
        checks=_grants,
        corrected=(
            "At least seven grants a cycle and channel at 64 B on an H100, or requests of 419 B, or all 96 channels."
        ),
        why="The essay states no size; a memory is read 64 bytes at a time or less.",
    ),
    _claim(
        "FAB-29",
        section="7",
        says="The pseudo-RTL grants whoever has tokens, and takes them off.",
        checks=_rtl,
        missing=(
            "what stood in the head of its loop, which the page has lost: perhaps the refill, without which every "
            "tenant starves"
        ),
        why="It is called simplified, and leaves out the order of section 5.",
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
        why=(
            "Among the 128 banks that eight stacks of 16 would have they find room, but a tenant whose four banks "
            "are in one stack has an eighth of the bandwidth."
        ),
        corrected="t tenants of b banks each have colours of their own iff t b <= the banks.",
        clauses=("CO-3", "CO-4"),
        schedules=("colours-essay",),
    ),
    _claim(
        "FAB-31",
        section="8",
        says="HBM3e has 16 banks a stack and eight stacks.",
        fact=(
            "HBM3 has 16 banks in each of the 32 pseudo-channels of a stack, and more in a tall one (JESD238); eight "
            "stacks is right of a GB200, not of an H200, which has six (141 GB, 6 x 1024 bits)"
        ),
        clauses=("CO-1", "CT-2"),
    ),
    _claim(
        "FAB-32",
        section="4, 8",
        says="A tenant's page colour is 0x3, banks 0 and 1.",
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
            "what is counted, how many requests are in flight, and over how many banks: in 16, five requests "
            "would give the 23 %"
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
        missing="over which time the budget has to be kept: five whole bursts are over before a metric shows them",
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
