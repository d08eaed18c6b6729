"""*Multi-Tenant KV Fabrics*, sections 1 to 5: the demand, the contract, the bucket and the tag."""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial

from headgate.model.arbiters import ARBITERS
from headgate.model.simulator import Server, simulate
from headgate.proofs.claims.claim import Check, Claim, Essay
from headgate.proofs.claims.quantities import (
    BURST,
    GB,
    GROUPED_HEADS,
    GUARANTEE,
    H100_PEAK,
    H200_PEAK,
    SEQUENCE_32K,
    TENANTS,
    exact,
    kv_bytes,
    percent,
)
from headgate.spec.vocabulary import Contract, Request

__all__ = ["CLAIMS"]

_claim = partial(Claim, essay=Essay.FABRICS)

TOKENS_A_SECOND = 3800
# Section 4: a guarantee of 120 GB/s, a burst of 400 GB/s for 2 ms, and 25 us.
DURATION_NS, LATENCY_NS = Fraction(2_000_000), Fraction(25_000)
# Section 1: what the prefill of 32k tokens moves.
PREFILL = Fraction(42 * GB)


def _decode_demand() -> Sequence[Check]:
    each = exact("1.3") * TOKENS_A_SECOND / 1000
    read = Fraction(TOKENS_A_SECOND * kv_bytes(1), GB)
    return (
        Check("1.3 MB for each of 3,800 tokens a second", each, "GB/s", "~5"),
        Check("eight tenants of a token's keys and values", TENANTS * read, "GB/s", "39.8"),
        Check("of the peak", percent(TENANTS * read / H100_PEAK), "%", "1.2"),
        Check("keys and values that one token adds", Fraction(kv_bytes(1), 10**6), "MB", "1.3"),
        Check("context at which one tenant reads the whole peak", H100_PEAK / read, "tokens"),
        Check("context at which eight do", H100_PEAK / read / TENANTS, "tokens"),
    )


def _prefill_size() -> Sequence[Check]:
    return (
        Check("keys and values of 32k tokens, every head its own", Fraction(kv_bytes(SEQUENCE_32K), GB), "GB", "~42"),
        Check("the same with 8 heads of keys and values", Fraction(kv_bytes(SEQUENCE_32K, GROUPED_HEADS), GB), "GB"),
    )


def _prefill_time() -> Sequence[Check]:
    return (
        Check("42 GB at the whole peak of an H100", PREFILL / H100_PEAK / 10**6, "ms", "~50"),
        Check("at the whole peak of an H200", PREFILL / H200_PEAK / 10**6, "ms"),
        Check(
            "at 24 % of the peak of an H100",
            PREFILL / (H100_PEAK * Fraction(24, 100)) / 10**6,
            "ms",
            "~50",
            "the same sentence",
        ),
        Check(
            "share of the peak that takes 50 ms",
            percent(PREFILL / (50 * 10**6) / H100_PEAK),
            "%",
            "~24",
            "the same sentence",
        ),
    )


def _queue_of_1200() -> Sequence[Check]:
    added = Fraction(84 - 20)
    return (
        Check("20 ms and the whole prefill of 42 GB before it", 20 + PREFILL / H100_PEAK / 10**6, "ms", ">= 84"),
        Check("20 ms and the 50 ms that section 1 gives the prefill", Fraction(20 + 50), "ms", ">= 84"),
        Check("the wait behind 1,200 requests, even of 2 MiB", 1200 * Fraction(2 << 20) / H100_PEAK / 10**6, "ms"),
        Check("size of each of 1,200 requests that take 64 ms", added * 10**6 * H100_PEAK / 1200 / 10**6, "MB"),
    )


def _four_times() -> Sequence[Check]:
    return (Check("84 ms over 20 ms", Fraction(84, 20), "times", "> 4"),)


def _sum_of_guarantees() -> Sequence[Check]:
    return (
        Check(
            "what admission leaves for guarantees (section 11)",
            Fraction(85),
            "% of the capacity",
            "> 100",
            "section 11",
        ),
    )


def _units() -> Sequence[Check]:
    return (
        Check("120 gigabits a second", GUARANTEE / 8, "GB/s"),
        Check("120 gigabytes a second", GUARANTEE, "GB/s"),
    )


def _bucket_depth() -> Sequence[Check]:
    depth, needed = GUARANTEE * DURATION_NS, (BURST - GUARANTEE) * DURATION_NS
    return (
        Check("how long a burst of 400 GB/s lasts on a depth of g d", depth / (BURST - GUARANTEE) / 10**6, "ms", "2.0"),
        Check("the depth of the essay, g d", depth / 10**6, "MB"),
        Check("the depth that a whole burst needs, (p - g) d", needed / 10**6, "MB"),
    )


def _too_large() -> Sequence[Check]:
    return (
        Check("the depth, where a chunk of section 6 is 5.25 GB", GUARANTEE * DURATION_NS / 10**6, "MB", ">= 5250"),
    )


def _prefill_chunks() -> Sequence[Check]:
    chunk, volume = PREFILL / 8, BURST * DURATION_NS
    return (
        Check("a chunk of 4k tokens", chunk / GB, "GB"),
        Check("of what a burst may carry", chunk / volume, "times", "<= 1", "section 4"),
        Check("chunks that would each fit into a burst", -(-PREFILL // volume), "chunks"),
        Check("how long a chunk takes at the burst rate", chunk / BURST / 10**6, "ms", "<= 2.0", "section 4"),
    )


def _interleave() -> Sequence[Check]:
    chunk = PREFILL / 8
    return (
        Check("a chunk in service, at the whole peak", chunk / H100_PEAK / 1000, "us", "<= 25", "section 4"),
        Check("bytes that 25 us are worth", LATENCY_NS * H100_PEAK / 10**6, "MB"),
        Check("chunks of at most that", -(-PREFILL // (LATENCY_NS * H100_PEAK)), "chunks", "<= 8", "section 6"),
    )


def _finish(policy: str, requests: Sequence[Request]) -> Fraction:
    """Return when the last of two equal tenants is done with its only request, on a channel of 1 B/ns."""
    contracts = [Contract(name, Fraction(1, 2), Fraction(1, 2), max_request_bytes=2) for name in ("many", "one")]
    execution = simulate(requests, contracts, ARBITERS[policy], Server(Fraction(1)))
    return next(each.finish_ns for each in execution.services if each.request.tenant == 1)


def _one_behind_many() -> Sequence[Check]:
    """A hundred requests of 1 B, and one of 2 B of another tenant, all at once."""
    requests = [Request(0, 0, 1)] * 100 + [Request(1, 0, 2)]
    return tuple(
        Check(f"one request of 2 B is done beside a hundred of 1 B, under {policy}", _finish(policy, requests), "ns")
        for policy in ("essay", "sfq", "wfq")
    )


def _one_after_many() -> Sequence[Check]:
    """A hundred requests of 1 B, and one of another tenant 1 ns later."""
    requests = [Request(0, 0, 1)] * 100 + [Request(1, 1, 1)]
    return tuple(
        Check(f"one request that comes 1 ns after a hundred is done, under {policy}", _finish(policy, requests), "ns")
        for policy in ("essay", "fcfs", "sfq")
    )


def _share_within() -> Sequence[Check]:
    share, largest = GUARANTEE / H100_PEAK, Fraction(4096)
    window = largest / (Fraction(3, 100) * share * H100_PEAK)
    return (Check("a window from which 4 KiB are 3 % of a share of 120 GB/s", window / 1000, "us"),)


def _tiers() -> Sequence[Check]:
    return (
        Check(
            "a decode step, 64 requests at 3,800 tokens a second",
            Fraction(64_000, TOKENS_A_SECOND),
            "ms",
            "< 10",
            "section 1",
        ),
        Check("the p99 of a decode step (section 1)", Fraction(20), "ms", "< 10", "section 1"),
    )


def _quotas() -> Sequence[Check]:
    spilled = Fraction(32768 << 20)
    return (
        Check("both quotas, in sequences of 32k", Fraction((8192 + 32768) << 20, kv_bytes(SEQUENCE_32K)), "sequences"),
        Check("a step that reads what is on CXL at 128 GB/s", spilled / 128 / 10**6, "ms", "<= 29", "section 10"),
    )


def _own_prefill() -> Sequence[Check]:
    return (
        Check("42 GB within 50 ms, its own demand", PREFILL / (50 * 10**6), "GB/s", "<= 400", "section 1"),
        Check("42 GB at the burst rate, if it lasted", PREFILL / BURST / 10**6, "ms", "<= 50", "section 1"),
        Check("42 GB at the guarantee", PREFILL / GUARANTEE / 10**6, "ms"),
    )


def _latency_scale() -> Sequence[Check]:
    return (
        Check("20 ms over 25 us", Fraction(20_000, 25), "times"),
        Check("112 ms (section 10) over 25 us", Fraction(112_000, 25), "times"),
    )


CLAIMS = (
    _claim(
        "FAB-1",
        section="1",
        says="Decode reads 1.3 MB a token, 5 GB/s a tenant; eight tenants take 1.2 % of the peak.",
        checks=_decode_demand,
        why="1.3 MB is what a token adds to the cache. A step reads the whole context, so many times as much.",
        corrected="A decode step reads context * bytes a token: at 673 tokens one tenant reads all of 3.35 TB/s.",
        clauses=("WL-3", "CP-4"),
        schedules=("bytes-not-tokens",),
        fact="dense attention reads the keys and values of every earlier token in each step (Vaswani et al. 2017)",
    ),
    _claim(
        "FAB-2",
        section="1",
        says="The prefill of a context of 32k moves roughly 42 GB.",
        checks=_prefill_size,
        why="It is the size of the cache where every head has keys and values of its own, a byte a number.",
    ),
    _claim(
        "FAB-3",
        section="1",
        says="These 42 GB keep the memory busy for about 50 ms at its full rate, at 24 % of it.",
        checks=_prefill_time,
        why="50 ms belong to a quarter of the peak, and 12.5 ms to the whole of it.",
        corrected="12.5 ms at the full rate of an H100, or 52 ms at 24 % of it.",
    ),
    _claim(
        "FAB-4",
        section="1",
        says="Behind 1,200 memory requests the p99 of decode rises from 20 to 84 ms under FCFS.",
        checks=_queue_of_1200,
        why="A memory that never idles delays a step by what the prefill moves at most, however often it waits.",
        corrected="The wait is the backlog over the effective rate; a count of requests says nothing without sizes.",
        clauses=("BD-6", "ST-2"),
    ),
    _claim("FAB-5", section="1", says="From 20 to 84 ms is more than four times.", checks=_four_times),
    _claim(
        "FAB-6",
        section="4",
        says="Guarantees are enforced, and priority decides when their sum exceeds the capacity.",
        checks=_sum_of_guarantees,
        corrected="Where the guarantees fit, priority orders the surplus and nothing else.",
        why="With the admission rule of section 11 the sum never exceeds it; without, no guarantee can be enforced.",
        clauses=("AD-1", "ST-6", "EA-1"),
        schedules=("priority-starves", "priority-burst"),
    ),
    _claim(
        "FAB-7",
        section="4",
        says="A contract guarantees 120 `gbps`.",
        checks=_units,
        missing="whether a `gbps` is a gigabit or, as the text says, a gigabyte a second: a factor of 8",
        corrected="One unit everywhere: bytes and nanoseconds; 1 GB/s is 1 byte/ns.",
        clauses=("CT-1",),
    ),
    _claim(
        "FAB-8",
        section="5",
        says="A bucket of depth g d carries a burst at the burst rate for its duration d.",
        checks=_bucket_depth,
        refuted_by=("bucket-essay-depth",),
        why="The depth is a burst duration's worth. What the branch after it lets pass is another matter (FAB-9).",
        corrected="The depth is M + (p - g) d beside a peak bucket of rate p.",
        clauses=("CM-2", "CM-5", "CM-7"),
        schedules=("bucket-essay-depth",),
    ),
    _claim(
        "FAB-9",
        section="5",
        says="The contract is kept where a short bucket admits, and is set to 0, while the guarantees leave room.",
        refuted_by=("bucket-essay",),
        why="Nothing bounds what is admitted so: under the rule of section 11 there always is room.",
        corrected="Two buckets, both charged for what is in contract; where either is short, it is not.",
        clauses=("TB-7", "TB-4", "CM-3"),
        schedules=("bucket-essay",),
    ),
    _claim(
        "FAB-10",
        section="5",
        says="What the bucket cannot admit is queued until it can.",
        checks=_too_large,
        proved_by=("bucket-exactness",),
        why="A request larger than the depth is never admitted, and all behind it wait for ever, such as a chunk.",
        corrected="It is refused at submission, or cut into pieces there.",
        clauses=("TB-6", "CT-1"),
    ),
    _claim(
        "FAB-11",
        section="6",
        says="A prefill of 32k, in 8 chunks of 4k, goes through burst contracts chunk by chunk.",
        checks=_prefill_chunks,
        corrected="At least 53 chunks for a burst of 2 ms at 400 GB/s.",
        clauses=("BD-8",),
    ),
    _claim(
        "FAB-12",
        section="2.5 (figure 4)",
        says="To interleave every 4k tokens is enough for the others' latency.",
        checks=_interleave,
        why="A chunk in service is not interrupted: it alone takes 63 times the 25 us of section 4.",
        corrected="No request larger than what the latency leaves: R (latency - blackout) less the others' requests.",
        clauses=("BD-8", "FQ-5"),
    ),
    _claim(
        "FAB-13",
        section="5",
        says="The finish tag max(V, A) + s / w makes the queue fair.",
        refuted_by=("essay-tag", "essay-starves"),
        why="The finish of the tenant's own last request is missing: all that arrive together get the same tag.",
        checks=_one_behind_many,
        proved_by=("sfq-pairwise-gap", "sfq-code", "essay-wait-doubles"),
        corrected="S = max(V, F of the one before), F = S + s / w.",
        clauses=("FQ-9", "FQ-1", "ST-8"),
        schedules=("essay-tag", "essay-starves"),
    ),
    _claim(
        "FAB-14",
        section="5",
        says="Arrival times may stand in the tag beside the virtual time.",
        checks=_one_after_many,
        against="section 1 blames the order of arrival for the latency, and this is that order where A is the larger",
        why="A is a time, s / w are bytes, and of V neither is said.",
        corrected="The arrival enters through V alone, the virtual time when the request comes.",
        clauses=("FQ-1", "FQ-2"),
    ),
    _claim(
        "FAB-15",
        section="5",
        says="A tenant's weight is its share of the guarantees.",
        missing="whether the equal weights of section 10 are those of equal guarantees, for decode and prefill alike",
        clauses=("FQ-1",),
    ),
    _claim(
        "FAB-16",
        section="5",
        says="Isolation is within 3 % of the target share, against 340 % under FCFS.",
        checks=_share_within,
        missing="over which window, with which requests, of which load",
        corrected="A backlogged tenant is at most a constant behind its share, in every window.",
        clauses=("FQ-4",),
        proved_by=("sfq-pairwise-gap", "sfq-share"),
    ),
    _claim(
        "FAB-17",
        section="2.5",
        says="Banks of one's own end interference but waste capacity, so that they are not the answer.",
        against="section 8, which gives each tenant four banks of its own",
        clauses=("CO-9",),
    ),
    _claim(
        "FAB-18",
        section="2.5",
        says="The fair queue shares what is unused automatically.",
        against=(
            "section 8, which keeps each tenant to its banks; and section 5 queues what exceeds a bucket, though "
            "the memory may be idle, once the guarantees reach the capacity"
        ),
        corrected="The meter colours, and never holds back what the server has time for; the fair queue decides.",
        clauses=("AR-1", "CM-6"),
    ),
    _claim(
        "FAB-19",
        section="3",
        says="Keys and values belong in HBM if they are used again within 10 ms, in CXL up to 200 ms.",
        checks=_tiers,
        why="A decode step uses every page again after 17 to 20 ms: all of them would go to CXL.",
        corrected="The threshold has to exceed the longest time between two tokens.",
    ),
    _claim(
        "FAB-20",
        section="4",
        says="8 GiB of HBM and 32 GiB of CXL are a quota that a tenant decodes with.",
        checks=_quotas,
        why="In full it is one sequence of 32k, four fifths of it on CXL, and every step reads all of it.",
        corrected="What is on CXL, read once a step, has to fit the time between tokens.",
        clauses=("WL-3",),
    ),
    _claim(
        "FAB-21",
        section="3 (figure 1), 10",
        says="CXL 2.0 gives 128 GB/s.",
        missing="the width, and whether both directions are counted: x16 has 64 GB/s in each",
    ),
    _claim(
        "FAB-22",
        section="4, 6",
        says="A burst contract, of 400 GB/s for 2 ms, is what a prefill needs.",
        checks=_own_prefill,
        corrected="The burst rate has to be the demand of the prefill, or it takes longer: 105 ms at the least.",
        clauses=("CM-5",),
    ),
    _claim(
        "FAB-23",
        section="4",
        says="The contract promises a latency of 25 us.",
        checks=_latency_scale,
        missing="whether of a memory request or of a token: the results that are reported are 800 to 4,480 times it",
        corrected="Two promises: one a memory request, from its expected arrival, and one a token, which adds them up.",
        clauses=("PR-3", "WL-3", "BD-13"),
    ),
)
