"""*Thermal Debt Is a Memory Problem*, sections 2, 5 to 9: moving pages, bubbles, telemetry, devices."""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial

from headgate.model.heat.loop import loop_gain
from headgate.model.heat.migration import wins_back
from headgate.model.refresh import essay_interval
from headgate.proofs.claims.claim import Check, Claim, Essay
from headgate.proofs.claims.quantities import (
    BASE_NS,
    BLACKOUT_NS,
    GB,
    GROUPED_HEADS,
    H100_PEAK,
    RESISTANCE,
    SEQUENCE_32K,
    WATTS,
    exact,
    kv_bytes,
    left_by_refresh,
    percent,
)

__all__ = ["CLAIMS"]

_claim = partial(Claim, essay=Essay.THERMAL)


def _fewest_reads(hot: Fraction, cold: Fraction) -> int:
    """Return after how many reads a copy is won back."""
    return next(reads for reads in range(1, 10_000) if wins_back(reads, hot, cold))


def _seven_reads() -> Sequence[Check]:
    left = [left_by_refresh(essay_interval(BASE_NS, Fraction(celsius)), BLACKOUT_NS) for celsius in (88, 74)]
    hot, cold = (1 / each.low for each in left)
    return (
        Check(
            "reads, each 15 % shorter, that win back a read and a write",
            _fewest_reads(Fraction(100), Fraction(85)),
            "reads",
            "7",
        ),
        Check("reads that win back the old read alone", -(-Fraction(100) // 15), "reads"),
        Check(
            "reads from 88 to 74 C, by the formula of section 3", _fewest_reads(hot, cold), "reads", "7", "section 3"
        ),
    )


def _sinks() -> Sequence[Check]:
    most = Fraction(5, 1000) * Fraction(15, 100)
    return (
        Check(
            "0.5 % of the bytes, each 15 % faster, at the most",
            percent(1 / (1 - most) - 1),
            "%",
            ">= 10.6",
            "section 8",
        ),
    )


def _bubbles() -> Sequence[Check]:
    cost = Fraction(2, 50)
    return (
        Check("bandwidth that the bubbles take", percent(cost), "%"),
        Check(
            "what 0.6 C, 4 % of 15 C, are worth at 50 GB/s a degree, of 1840 GB/s",
            percent(exact("0.6") * 50 / 1840),
            "%",
            ">= 4",
        ),
        Check(
            "a bubble, in latencies of 25 us", Fraction(2000, 25), "", "<= 1", "*Multi-Tenant KV Fabrics*, section 4"
        ),
    )


def _averages() -> Sequence[Check]:
    lag = (1 - exact("0.2")) / exact("0.2") * 50
    return (
        Check("mean lag of the average, at 50 ms a sample", lag, "ms"),
        Check("and the sampling, half a sample", lag + 25, "ms"),
        Check(
            "gain of the loop where a degree takes 50 GB/s",
            loop_gain(RESISTANCE, WATTS, Fraction(50)),
            "",
            "< 1",
        ),
    )


def _budget() -> Sequence[Check]:
    sinks = Fraction(kv_bytes(SEQUENCE_32K, GROUPED_HEADS)) * Fraction(5, 1000)
    moved = Fraction(28, 1000) * 2240 * GB
    return (
        Check("2.8 %, of the budget", exact("2.8"), "%", "< 5"),
        Check("2.8 % of 2240 GB/s", moved / GB, "GB/s"),
        Check("0.5 % of a cache of 32k", sinks / 10**6, "MB"),
        Check("how often that would be moved, a second", moved / sinks, "times"),
        Check("how often a temperature is read, a second (section 7)", Fraction(1000, 50), "times"),
    )


def _half_the_stacks() -> Sequence[Check]:
    kept = -(-5 // 2)
    return (
        Check("stacks that are kept of five", Fraction(kept), "stacks"),
        Check("of the peak, for what is kept to them", percent(Fraction(kept, 5)), "%"),
        Check("of the peak", Fraction(kept, 5) * H100_PEAK, "GB/s"),
    )


def _stacks() -> Sequence[Check]:
    return (
        Check("stacks of 24 GB in 141 GB", -(-Fraction(141) // 24), "stacks", "8"),
        Check("6 stacks of 1024 bits at 6.25 Gb/s", Fraction(6 * 1024) * exact("6.25") / 8 / 1000, "TB/s", "4.8"),
        Check("8 stacks at 5.2 Gb/s", Fraction(8 * 1024) * exact("5.2") / 8 / 1000, "TB/s", "4.8"),
    )


def _per_stack() -> Sequence[Check]:
    written = [0] * 8
    return (
        Check(
            "largest difference of the eight numbers that the poller writes",
            max(written) - min(written),
            "C",
            "> 6",
            "section 7, the code",
        ),
    )


CLAIMS = (
    _claim(
        "HOT-39",
        section="5",
        says="A sink page that moves from 88 to 74 C wins back its migration in 7 reads.",
        checks=_seven_reads,
        refuted_by=("migration-seven-reads",),
        proved_by=("migration-pays",),
        corrected="In n reads to come, n >= (hot + cold) / (hot - cold): 13 where each is 15 % shorter.",
        clauses=("MG-6", "MG-7"),
        schedules=("migration-seven-reads",),
    ),
    _claim(
        "HOT-40",
        section="5",
        says="The pages with most of the attention, 0.5 %, bring 10.6 % of the bandwidth.",
        checks=_sinks,
        why="Dense attention reads every page in every step: sinks as often as others.",
    ),
    _claim(
        "HOT-41",
        section="5",
        says="Averages with a weight of 0.2 keep the policy from reacting to spikes.",
        checks=_averages,
        missing="a band and a dwell time; harmless only as long as the gain is below one",
        corrected="Averages with a band, and a time for which a page stays.",
        proved_by=("placement-moves", "placement-average"),
        clauses=("PL-1", "PL-2", "HT-2"),
    ),
    _claim(
        "HOT-42",
        section="5",
        says="A trigger of 6 C between the averages of stacks moves no page to and fro.",
        refuted_by=("placement-essay",),
        proved_by=("placement-moves", "placement-follows"),
        why="Stacks that take turns at being the cooler ones move a page every time, as long as another one is hot.",
        corrected="A band that the difference has to cross, and a dwell time.",
        clauses=("PL-5", "PL-3"),
        schedules=("placement-essay",),
    ),
    _claim(
        "HOT-43",
        section="5, 8",
        says="Migrations stay within 5 % of the bandwidth, at 2.8 %.",
        checks=_budget,
        missing="what is moved: 0.5 % of one cache would be moved 2,300 times a second",
        corrected="A budget is a bucket: a share of the peak, and so much at once.",
        proved_by=("migration-budget",),
        clauses=("MG-1",),
    ),
    _claim(
        "HOT-44",
        section="5",
        says="New pages go to the cooler half of the stacks.",
        checks=_half_the_stacks,
        missing="what it costs: traffic that is kept to three of five stacks has 60 % of the peak",
        clauses=("CH-2",),
        schedules=("channels-aimed",),
    ),
    _claim(
        "HOT-45",
        section="6",
        says="A bubble of 2 ms every 50 ms lets the stacks cool, which pays.",
        checks=_bubbles,
        corrected="It takes 4 % of the bandwidth and returns about 2 %, by table 1.",
        clauses=("BD-11",),
        schedules=("admission-mitigated",),
    ),
    _claim(
        "HOT-46",
        section="5",
        says="The poller hands every stack's temperature to the policy.",
        checks=_per_stack,
        against="section 2, by which only an H200 tells stacks apart; the results are of an H100",
        why="The code writes zeros, so that no two stacks ever differ and nothing is moved.",
    ),
    _claim(
        "HOT-47",
        section="2, 9",
        says="The temperature of the memory is NVML_MEMORY_TEMP_C, and not in `nvidia-smi dmon`.",
        fact="NVML has it as the field NVML_FI_DEV_MEMORY_TEMP, and dmon as the column mtemp (NVIDIA's documentation)",
    ),
    _claim(
        "HOT-48",
        section="7",
        says="Switching the page table when the copy is enqueued risks no correctness.",
        refuted_by=("migration-switch-first", "migration-overwritten"),
        proved_by=("migration-frames",),
        why="The fence that the text speaks of is not in the code; one that waits for earlier readers is not enough.",
        corrected="The switch comes after the copy is complete, if nothing was written since.",
        clauses=("MG-2", "MG-4", "MG-5"),
        schedules=("migration-switch-first", "migration-overwritten"),
    ),
    _claim(
        "HOT-49",
        section="9",
        says="An H200 has eight stacks.",
        checks=_stacks,
        why="Eight would be 192 GB, or faster than the 4.8 TB/s of an H200.",
        corrected="Six of 24 GB; five in an H100.",
        clauses=("CT-2",),
    ),
)
