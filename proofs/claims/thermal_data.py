"""*Thermal Debt Is a Memory Problem*, sections 4, 6 and 8: its tables, and what is read from them."""

import itertools
from collections.abc import Sequence
from fractions import Fraction
from functools import partial

from headgate.model.heat.enclosures import exponential
from headgate.model.refresh import Enclosure, essay_interval
from headgate.proofs.claims.claim import Check, Claim, Essay
from headgate.proofs.claims.quantities import (
    BASE_NS,
    BLACKOUT_NS,
    GB,
    GROUPED_HEADS,
    H100_PEAK,
    RESISTANCE,
    SEQUENCE_32K,
    correlation,
    exact,
    kv_bytes,
    left_by_refresh,
    percent,
    scaled,
)

__all__ = ["CLAIMS"]

_claim = partial(Claim, essay=Essay.THERMAL)

# Table 1: die temperature in C, bandwidth in GB/s, latency in us, tokens a second.
TABLE = (
    (72, Fraction(2420), exact("1.18"), exact("28.4")),
    (78, Fraction(2285), exact("1.31"), exact("26.7")),
    (83, Fraction(2090), exact("1.56"), exact("24.1")),
    (88, Fraction(1840), exact("1.92"), exact("20.8")),
    (92, Fraction(1610), exact("2.38"), exact("17.6")),
)
WATTS_OF_GPU = 690


def _left(celsius: int) -> Enclosure:
    """Return the share of the peak that is left by the formula of section 3."""
    return left_by_refresh(essay_interval(BASE_NS, Fraction(celsius)), BLACKOUT_NS)


def _column(temperature: int, number: int) -> Fraction:
    return next(Fraction(row[number]) for row in TABLE if row[0] == temperature)


def _table_by_formula() -> Sequence[Check]:
    low, high = _left(92), _left(72)
    kept = Enclosure(percent(low.low / high.high), percent(low.high / high.low))
    return (
        Check("what is left at 92 C of the bandwidth at 72 C, by the formula", kept, "%", "66.5", "table 1"),
        *(Check(f"bandwidth at {row[0]} C by the formula", scaled(_left(row[0]), H100_PEAK), "GB/s") for row in TABLE),
    )


def _lost(first: int, second: int) -> Fraction:
    return percent(1 - _column(second, 1) / _column(first, 1))


def _per_two_degrees() -> Sequence[Check]:
    return (
        Check("from 78 to 83 C, two degrees of five", _lost(78, 83) * 2 / 5, "%", "4.15"),
        Check("from 83 to 88 C", _lost(83, 88) * 2 / 5, "%", "4.15"),
        Check(
            "from 83 to 88 C, of what it is at 72 C",
            percent((_column(83, 1) - _column(88, 1)) / _column(72, 1)) * 2 / 5,
            "%",
            "4.15",
        ),
    )


def _tokens_lost() -> Sequence[Check]:
    return (
        Check("tokens a second, from 72 to 92 C", percent(1 - _column(92, 3) / _column(72, 3)), "%", "33"),
        Check("bandwidth, from 72 to 92 C", _lost(72, 92), "%"),
    )


def _a100() -> Sequence[Check]:
    peak = Fraction(2039)
    return (
        Check("1960 GB/s, of the peak of an A100", percent(Fraction(1960) / peak), "%"),
        Check("what the formula leaves at 88 C, with a tRFC of 295 ns", scaled(_left(88), 100), "%"),
        Check(
            "the tRFC that leaves so much",
            scaled(essay_interval(BASE_NS, Fraction(88)), 1 - Fraction(1960) / peak),
            "ns",
        ),
    )


def _tax_at_88() -> Sequence[Check]:
    low, high = _left(88), _left(70)
    formula = Enclosure(percent(1 - low.high / high.low), percent(1 - low.low / high.high))
    return (
        Check("1 - B(88 C) / B(70 C), by the formula", formula, "%", "24", "section 3, the formula"),
        Check("1 - 1840 / 2420, by table 1", _lost(72, 88), "%", "24"),
    )


def _dollars() -> Sequence[Check]:
    return (
        Check("$3.00 over the bandwidth that is left at 88 C", 3 * _column(72, 1) / _column(88, 1), "$", "3.94"),
        Check(
            "$3.00 over the tokens that are left",
            3 * _column(72, 3) / _column(88, 3),
            "$",
            "3.94",
            "table 1, in tokens",
        ),
    )


def _inlet() -> Sequence[Check]:
    return (
        Check("degrees of the die for each of the water", Fraction(92 - 72, 55 - 40), "C", "<= 1"),
        Check("a die of 92 C on water of 55 C", Fraction(92), "C", "77..80", "section 3"),
    )


def _in_flight() -> Sequence[Check]:
    least, most = (_column(at, 1) * _column(at, 2) * 1000 for at in (72, 92))
    return (
        Check("bytes in flight at 72 C, bandwidth times latency", least / 10**6, "MB"),
        Check("bytes in flight at 92 C", most / 10**6, "MB"),
        Check("by which they grow", percent(most / least - 1), "%"),
    )


def _per_token() -> Sequence[Check]:
    least, most = (_column(at, 1) / _column(at, 3) for at in (72, 92))
    return (
        Check("bytes a token at 72 C", least, "GB"),
        Check("bytes a token at 92 C", most, "GB"),
        Check(
            "weights of a byte each, and the cache of 32k",
            Fraction(70 * GB + kv_bytes(SEQUENCE_32K, GROUPED_HEADS), GB),
            "GB",
        ),
    )


def _efficiency(row: tuple[int, Fraction, Fraction, Fraction]) -> Fraction:
    return row[1] / (WATTS_OF_GPU * _degrees(row[0]))


def _degrees(celsius: int) -> int:
    """Return by how many degrees the score is divided."""
    return max(1, celsius - 70)


def _correlations() -> Sequence[Check]:
    tokens = [row[3] for row in TABLE]
    return (
        Check(
            "r of bytes/J/C and tokens, in table 1",
            correlation([_efficiency(row) for row in TABLE], tokens),
            "",
            "0.94",
            "table 1",
        ),
        Check(
            "r of the bandwidth and tokens",
            correlation([row[1] for row in TABLE], tokens),
            "",
            "< 0.94",
            "table 1",
        ),
    )


def _every_degree() -> Sequence[Check]:
    return (
        Check("score at 72 C", _efficiency(TABLE[0]), "GB/J/C"),
        Check("score at 92 C", _efficiency(TABLE[-1]), "GB/J/C"),
        Check("range of the scores", _efficiency(TABLE[0]) / _efficiency(TABLE[-1]), "times"),
        Check("range of the tokens", _column(72, 3) / _column(92, 3), "times"),
        Check(
            "what the step from 70 to 71 C costs of the score",
            percent(1 - Fraction(_degrees(70), _degrees(71))),
            "%",
            "> 0",
        ),
    )


def _before_after() -> Sequence[Check]:
    return (
        Check("temperature", exact("79.6") - exact("84.2"), "C", "-4.6"),
        Check("bandwidth", percent(Fraction(2240, 2025) - 1), "%", "10.6"),
        Check("tokens", percent(exact("27.6") / exact("23.4") - 1), "%", "17.9"),
        Check("stalls", exact("8.9") - exact("14.3"), "points", "-5.4"),
        Check("P95", percent(exact("1.86") / exact("2.31") - 1), "%", "-19.5"),
        Check("power", percent(Fraction(678, 652) - 1), "%", "4.0"),
        Check("P50", exact("1.42") / exact("1.20"), "times", "1.18"),
        Check("P95", exact("2.31") / exact("1.86"), "times", "1.24"),
    )


def _between(temperature: Fraction, number: int) -> Fraction:
    """Return what table 1 says of a temperature between two of its rows, by a straight line."""
    for first, second in itertools.pairwise(TABLE):
        if first[0] <= temperature <= second[0]:
            share = (temperature - first[0]) / (second[0] - first[0])
            return Fraction(first[number]) + share * (Fraction(second[number]) - Fraction(first[number]))
    raise ValueError(f"expected a temperature of table 1, got {temperature} C")


def _between_the_tables() -> Sequence[Check]:
    before, after = (_between(exact(at), 3) for at in ("84.2", "79.6"))
    return (
        Check("tokens a second at 84.2 C, by table 1", before, "", "~23.4", "table 2"),
        Check("tokens a second at 79.6 C, by table 1", after, "", "~27.6", "table 2"),
        Check("so the gain would be", percent(after / before - 1), "%", "~17.9", "table 2"),
    )


def _end_to_end() -> Sequence[Check]:
    operations = Fraction(2 * 70 * GB * SEQUENCE_32K)
    return (Check("prefill of 32k on one H100 in FP8, at its peak", operations / (1979 * 10**12), "s"),)


def _stalls() -> Sequence[Check]:
    most = (1 - exact("0.089")) / (1 - exact("0.143"))
    return (Check("what stalls of 8.9 in place of 14.3 % of the time are worth", percent(most - 1), "%"),)


def _runaway() -> Sequence[Check]:
    latency = exact("1.9") * exact("1.18")
    hot = next(
        first[0] + (latency - first[2]) / (second[2] - first[2]) * (second[0] - first[0])
        for first, second in itertools.pairwise(TABLE)
        if first[2] <= latency <= second[2]
    )
    return (
        Check("where table 1 has 1.9 times the latency of 72 C", hot, "C"),
        Check("how much hotter in 600 ms", hot - 72, "C", "<= 16.5", "section 3: 0.15 C/W and 110 W"),
    )


def _transient() -> Sequence[Check]:
    left = exponential(Fraction(-400, 250))
    reached = Enclosure(1 - left.high, 1 - left.low)
    return (
        Check("share of its end that a step has reached after 400 ms", scaled(reached, 100), "%"),
        Check(
            "power that 8 C in 400 ms take",
            Enclosure(8 / RESISTANCE / reached.high, 8 / RESISTANCE / reached.low),
            "W",
        ),
        Check("power that 12 C take", Enclosure(12 / RESISTANCE / reached.high, 12 / RESISTANCE / reached.low), "W"),
    )


CLAIMS = (
    _claim(
        "HOT-21",
        section="4",
        says="Table 1 is what the formula of section 3 says.",
        checks=_table_by_formula,
        clauses=("RF-7",),
        why=(
            "The formula loses 5 % from 72 to 92 C, the table 33 %. It would take a tRFC of about 980 ns, three times "
            "the stated one, a peak of 2,690 GB/s, and no piece below 75 C."
        ),
    ),
    _claim(
        "HOT-22",
        section="4 (table 1)",
        says="At 83 C 2 C cost 4.15 % of the bandwidth.",
        checks=_per_two_degrees,
        corrected="3.4 % below 83 C and 4.8 % above; 4.13 %, the nearest, is of the bandwidth at 72 C.",
    ),
    _claim(
        "HOT-23",
        section="4",
        says="33 % of the tokens a second are lost from 72 to 92 C.",
        checks=_tokens_lost,
        corrected="38 %; a third is the loss of bandwidth.",
    ),
    _claim(
        "HOT-24",
        section="4",
        says="An A100 still delivers 1960 GB/s at 88 C.",
        checks=_a100,
        missing="its tRFC, which is called relaxed: 123 ns would do, where that of an H100, 295 ns, leaves 91 %",
    ),
    _claim("HOT-25", section="4", says="At 88 C the tax, 1 - B(88 C) / B(70 C), is 24 %.", checks=_tax_at_88),
    _claim(
        "HOT-26",
        section="4",
        says="An H100 for $3.00 costs $3.94 per sustained token once it is hot.",
        checks=_dollars,
        corrected="$4.10 by the tokens of table 1; $3.94 is by the bandwidth.",
    ),
    _claim(
        "HOT-27",
        section="4",
        says="Water of 40 to 55 C drives the die from 72 to 92 C at a constant power.",
        checks=_inlet,
        refuted_by=("thermal-essay-inlet",),
        proved_by=("thermal-inlet",),
        corrected="No more degrees of the die than of the water.",
        clauses=("HT-6", "HT-7"),
        schedules=("thermal-essay-inlet",),
    ),
    _claim(
        "HOT-28",
        section="3",
        says="The depth of prefetch is limited by the L2.",
        checks=_in_flight,
        missing="the depth, and where it binds: in table 1 what is in flight grows by a third from 72 to 92 C",
    ),
    _claim(
        "HOT-29",
        section="4",
        says="Tokens a second follow the bandwidth.",
        checks=_per_token,
        missing="what else a token takes: its bytes are not constant, and 10 to 16 GB more than weights and cache",
    ),
    _claim(
        "HOT-30",
        section="6",
        says="Bytes/J/C correlates with tokens better than the bandwidth does, r = 0.94.",
        checks=_correlations,
        why="The data are not given, but for the five rows of table 1.",
    ),
    _claim(
        "HOT-31",
        section="6",
        says="Each degree beyond 70 C lowers the score.",
        checks=_every_degree,
        why=(
            "71 C scores as 70 C does; the next degree halves the score, and the rest has a range ten times "
            "that of the tokens."
        ),
        corrected="Weigh by what refresh leaves, 1 - tRFC / tREFI(T).",
        clauses=("RF-7",),
    ),
    _claim("HOT-32", section="8 (table 2)", says="The differences of table 2.", checks=_before_after),
    _claim(
        "HOT-33",
        section="8 (table 2)",
        says="From 84.2 to 79.6 C tokens rise by 17.9 %.",
        checks=_between_the_tables,
        corrected="By 11 % in table 1, and 2.8 % of the bandwidth go to migrations.",
    ),
    _claim(
        "HOT-34",
        section="8",
        says="A request of 32k takes 1.42 s in the median, and 1.20 s after the patch.",
        checks=_end_to_end,
        missing="over how many GPUs: one H100 needs 2.3 s for the prefill alone",
    ),
    _claim(
        "HOT-35",
        section="8 (table 2)",
        says="Stalls of 8.9 in place of 14.3 % bring 17.9 % more tokens.",
        checks=_stalls,
        missing="what else brings it, and of what the stalls are a share: section 2 counts misses a cycle, not time",
    ),
    _claim(
        "HOT-36",
        section="8 (figure 3)",
        says="Without it latency runs away by 1.9 times in 600 ms.",
        checks=_runaway,
        against="section 3, where the feedback is negative",
    ),
    _claim(
        "HOT-37",
        section="9",
        says="A burst of prefill heats a stack by 8 to 12 C in less than 400 ms.",
        checks=_transient,
        missing="the power of the step: 67 to 100 W within the stacks",
    ),
    _claim("HOT-38", section="2", says="Temperature and stalls correlate with r = 0.91.", missing="the series"),
)
