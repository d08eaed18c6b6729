"""*Thermal Debt Is a Memory Problem*, sections 1 to 3: the loop from temperature to power and back."""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial

from headgate.model.capacity import admissible_below
from headgate.model.heat.loop import loop_gain, relay_delay
from headgate.model.refresh import Enclosure, corrected_interval, essay_interval
from headgate.proofs.claims.claim import Check, Claim, Essay
from headgate.proofs.claims.quantities import (
    BASE_NS,
    BLACKOUT_NS,
    FULL_HEADS,
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
    scaled,
)
from headgate.spec.devices import profile

__all__ = ["CLAIMS"]

_claim = partial(Claim, essay=Essay.THERMAL)

CONSTANT_NS = Fraction(250 * 10**6)


def _tax(interval: Enclosure) -> Enclosure:
    """Return what refresh takes of the time, in percent."""
    return Enclosure(percent(BLACKOUT_NS / interval.high), percent(BLACKOUT_NS / interval.low))


def _essay(celsius: int) -> Enclosure:
    return essay_interval(BASE_NS, Fraction(celsius))


def _corrected(celsius: int) -> Enclosure:
    return corrected_interval(BASE_NS, Fraction(celsius))


def _two_intervals() -> Sequence[Check]:
    return (
        Check("295 ns of 3.9 us", percent(Fraction(295, 3900)), "%", "7.5"),
        Check("295 ns of 1.95 us", percent(Fraction(295, 1950)), "%", "15.1"),
    )


def _interval() -> Sequence[Check]:
    return (
        Check("tREFI just below 75 C", BASE_NS, "ns"),
        Check("tREFI at 75 C, as it is written", _essay(75), "ns", "<= 3900"),
        Check("tREFI at 85 C, as it is written", _essay(85), "ns"),
        Check("tREFI at 85 C, corrected", _corrected(85), "ns"),
    )


def _knee() -> Sequence[Check]:
    return (
        Check("tax at 72 C, by the formula", _tax(_essay(72)), "%"),
        Check("tax at 78 C, by the formula", _tax(_essay(78)), "%", "> 7.57"),
        Check("tax at 78 C, corrected", _tax(_corrected(78)), "%"),
    )


def _past_85() -> Sequence[Check]:
    device = profile("h100-essay")
    below = admissible_below(device, Fraction(82, 100) * device.peak_bytes_per_ns)
    assert below is not None
    return (
        Check("tax at 85 C", _tax(_essay(85)), "%", "> 18"),
        Check("tax at 90 C", _tax(_essay(90)), "%", "> 18"),
        Check("where it reaches 18 %", below, "C", "<= 85"),
    )


def _cache_traffic() -> Sequence[Check]:
    layer = Fraction(SEQUENCE_32K * 8192 * 2 * 2 * 64, 8 * GB)
    right = Fraction(kv_bytes(SEQUENCE_32K, GROUPED_HEADS), GB)
    return (
        Check("the product as it is written, a layer", layer, "GB", "~4.2"),
        Check("4.2 GB in 80 layers, written and read", 2 * 80 * exact("4.2"), "GB", "~336"),
        Check("keys and values of 8 heads, a byte a number, all layers", right, "GB"),
        Check("336 GB over that", 336 / right, "times", "<= 1"),
    )


def _two_essays() -> Sequence[Check]:
    eight = kv_bytes(SEQUENCE_32K, GROUPED_HEADS)
    return (
        Check("8 heads of keys and values", Fraction(eight, GB), "GB"),
        Check("64 heads", Fraction(kv_bytes(SEQUENCE_32K, FULL_HEADS), GB), "GB"),
        Check("336 GB over 42 GB", Fraction(336, 42), "times", "<= 1", "*Multi-Tenant KV Fabrics*, section 1"),
    )


def _memory_bound() -> Sequence[Check]:
    operations = Fraction(2 * 70 * GB * SEQUENCE_32K)
    moved = Fraction(70 * GB + kv_bytes(SEQUENCE_32K, GROUPED_HEADS))
    ridge = Fraction(1979 * 10**12, 3350 * GB)
    return (
        Check("operations a byte, of a prefill of 32k", operations / moved, "FLOP/B", "< 591"),
        Check("operations a byte at which an H100 is balanced, in FP8", ridge, "FLOP/B"),
    )


def _stack_heat() -> Sequence[Check]:
    return (
        Check("0.15 C/W and 100 W above a plate of 62 C", 62 + RESISTANCE * 100, "C", "77..80"),
        Check("with 110 W", 62 + RESISTANCE * 110, "C", "77..80"),
    )


def _stack_power() -> Sequence[Check]:
    return (
        Check("78 W at 58 % of the bandwidth", Fraction(78), "W", "90..110", "*Multi-Tenant KV Fabrics*, section 10"),
        Check("69 W at 87 %", Fraction(69), "W", "90..110", "*Multi-Tenant KV Fabrics*, section 10"),
        Check("2.4 TB/s of the peak of an H100", percent(2400 / H100_PEAK), "%"),
        Check("0.023 W a GB/s at 2.4 TB/s, without a baseline", WATTS * 2400, "W"),
    )


def _stall() -> Sequence[Check]:
    lost = 1 / exact("0.85") - 1
    return (
        Check("stall of a ms that is all memory", 1000 * lost, "us"),
        Check("memory part of a ms that stalls for 120 us", Fraction(120) / lost, "us"),
    )


def _cools() -> Sequence[Check]:
    return (
        Check("15 % of 2.4 TB/s, in the stacks", RESISTANCE * WATTS * 2400 * Fraction(15, 100), "C", "1..2"),
        Check("50 W, if all of it were the stacks'", RESISTANCE * 50, "C"),
    )


def _frequencies() -> Sequence[Check]:
    return (
        Check("a period of 300 ms", Fraction(1000, 300), "Hz", "10..30", "section 2"),
        Check("a period of 500 ms", Fraction(1000, 500), "Hz", "10..30", "section 2"),
        Check("the most that polling every 50 ms can see", Fraction(1000, 100), "Hz", ">= 30", "section 2"),
    )


def _gain() -> Sequence[Check]:
    change = left_by_refresh(_essay(88), BLACKOUT_NS), left_by_refresh(_essay(89), BLACKOUT_NS)
    formula = scaled(Enclosure(change[0].low - change[1].high, change[0].high - change[1].low), H100_PEAK)
    return (
        Check(
            "gain of the loop at 88 C, by the formula",
            scaled(formula, loop_gain(RESISTANCE, WATTS, Fraction(1))),
            "",
            "> 1",
        ),
        Check(
            "gain where a degree takes 50 GB/s, as in table 1", loop_gain(RESISTANCE, WATTS, Fraction(50)), "", "> 1"
        ),
        Check(
            "the same where 2 C follow 15 % of 2.4 TB/s, as the essay says",
            2 / (RESISTANCE * 2400) * 50,
            "",
            "> 1",
        ),
    )


def _period() -> Sequence[Check]:
    return tuple(
        Check(
            f"delay behind which a relay swings in {ms} ms",
            scaled(relay_delay(Fraction(ms * 10**6), CONSTANT_NS), Fraction(1, 10**6)),
            "ms",
        )
        for ms in (300, 400, 500)
    )


def _latch() -> Sequence[Check]:
    gained = (percent(Fraction(295, 3900)) - percent(Fraction(295, 7800))) / 100 * H100_PEAK
    return (
        Check("bandwidth that is gained at 75 C on the way up", gained, "GB/s", "<= 0"),
        Check("heating that comes with it", RESISTANCE * WATTS * gained, "C", "<= 0"),
    )


def _one_degree() -> Sequence[Check]:
    before, after = left_by_refresh(_corrected(88), BLACKOUT_NS), left_by_refresh(_corrected(90), BLACKOUT_NS)
    lost = Enclosure(before.low - after.high, before.high - after.low)
    return (
        Check("bandwidth that 2 C more take at 88 C", scaled(lost, 100), "%", ">= 15"),
        Check("by table 1, at 50 GB/s a degree", percent(Fraction(2 * 50, 1840)), "%", ">= 15", "table 1"),
    )


def _sag() -> Sequence[Check]:
    return (Check("from 2.1 to 1.7 of the nominal rate", percent(1 - Fraction(17, 21)), "%"),)


CLAIMS = (
    _claim(
        "HOT-1",
        section="1",
        says="Prefill begins at 2.1 times the nominal rate and sags to 1.7.",
        checks=_sag,
        missing="what the nominal rate is, and at which temperatures; table 1 loses as much from 72 to 85 C",
    ),
    _claim(
        "HOT-2",
        section="1",
        says="Inference is bound by memory during prefill.",
        checks=_memory_bound,
        why="A prefill of 32k does a hundred times the work a byte at which an H100 is balanced.",
        corrected=(
            "Prefill is bound by compute, as *MPS for Co-located Embedding + Generative Inference* says under"
            " Key risks."
        ),
    ),
    _claim(
        "HOT-3",
        section="1",
        says="A refresh locks a bank.",
        against="section 3, where it locks a pseudo-channel",
        corrected="All-bank refresh stops the channel, per-bank refresh one bank: two taxes.",
        clauses=("RF-7", "RF-11"),
    ),
    _claim(
        "HOT-4",
        section="1, 3",
        says="The loop swings at 2 to 3 Hz, with a period of 300 to 500 ms.",
        checks=_frequencies,
    ),
    _claim(
        "HOT-5",
        section="3",
        says="By JEDEC the refresh interval halves with each 10 C beyond 85 C.",
        missing="a standard that goes on: data sheets halve it once, above 85 C",
        clauses=("RF-8", "RF-4"),
    ),
    _claim(
        "HOT-6",
        section="3",
        says="The prefill of 32k tokens moves 4.2 GB a layer and 336 GB in all.",
        checks=_cache_traffic,
        corrected="2 * layers * heads with keys and values * numbers a head * bytes * tokens: 5.4 GB.",
    ),
    _claim(
        "HOT-7",
        section="3",
        says="The prefill of 32k tokens of a 70B model moves 336 GB.",
        checks=_two_essays,
        why="In the other essay it is an eighth of that; 8 heads of keys and values have an eighth again.",
    ),
    _claim("HOT-8", section="3", says="Prefill at 2.4 TB/s dissipates 90 to 110 W in the stacks.", checks=_stack_power),
    _claim(
        "HOT-9",
        section="3",
        says="At 100 W and 0.15 C/W a stack on a plate of 62 C reaches 77 to 80 C.",
        checks=_stack_heat,
    ),
    _claim(
        "HOT-10",
        section="3",
        says="The controller increases tREFI when it is hot.",
        against="the sentence after it, by which refreshes come more often, and figure 1",
        corrected="tREFI falls.",
        clauses=("RF-4",),
        proved_by=("refresh-monotone",),
    ),
    _claim(
        "HOT-11",
        section="3",
        says="From 3.9 to 1.95 us refresh takes 7.5 and then 15.1 %.",
        checks=_two_intervals,
        clauses=("RF-7",),
    ),
    _claim(
        "HOT-12",
        section="3",
        says="15 % less bandwidth are 120 us of stall a ms.",
        checks=_stall,
        missing="which part of the ms is memory: it is 680 us of it",
    ),
    _claim("HOT-13", section="3", says="50 W less, and the stacks cool by 1 to 2 C.", checks=_cools),
    _claim(
        "HOT-14",
        section="3",
        says="A degree or two of cooling makes the bandwidth recover.",
        checks=_one_degree,
        corrected="Two degrees are worth a percent or two of the bandwidth, or five by table 1, not fifteen.",
        clauses=("RF-7",),
    ),
    _claim(
        "HOT-15",
        section="3",
        says="It is a loop of negative feedback with delay, which oscillates with the thermal RC.",
        checks=_gain,
        why="With a gain of one or less no delay makes a loop swing.",
        proved_by=("thermal-no-delay", "thermal-small-gain"),
        corrected="It takes a relay: refresh that is switched in steps, behind a delay.",
        clauses=("HT-1", "HT-2", "HT-4"),
    ),
    _claim(
        "HOT-16",
        section="3",
        says="The period is 300 to 500 ms with a time constant of 250 ms.",
        checks=_period,
        missing="a relay and its delay: 86 to 155 ms",
        proved_by=("thermal-relay",),
        clauses=("HT-4",),
    ),
    _claim(
        "HOT-17",
        section="3",
        says="tREFI(T) is 3.9 us below 75 C, and from there on 7.8 us halved every 10 C.",
        checks=_interval,
        refuted_by=("refresh-essay-interval",),
        proved_by=("refresh-monotone", "refresh-steps"),
        why="At 75 C it jumps to twice what it was; the two pieces meet at 85 C.",
        corrected="3.9 us up to 85 C, halved for every 10 C above.",
        clauses=("RF-6", "RF-4"),
        schedules=("refresh-essay-interval",),
    ),
    _claim(
        "HOT-18",
        section="3",
        says="The feedback is negative.",
        checks=_latch,
        refuted_by=("thermal-essay-latch",),
        why=(
            "By its own formula the bandwidth jumps up at 75 C, and the heating with it: a stack has two "
            "places to rest at."
        ),
        clauses=("HT-8",),
        schedules=("thermal-essay-latch",),
    ),
    _claim(
        "HOT-19",
        section="3",
        says="The formula explains the knee at 78 C.",
        checks=_knee,
        clauses=("RF-6",),
        why="By the formula the bandwidth is better at 78 C than at 72 C; corrected, it is flat up to 85 C.",
    ),
    _claim(
        "HOT-20",
        section="3",
        says="Past 85 C more than 18 % of the bandwidth are gone.",
        checks=_past_85,
        why="So it is in table 1, beside 72 C. By the formula, from which it is concluded, it begins at 97.5 C.",
        clauses=("BD-9",),
    ),
)
