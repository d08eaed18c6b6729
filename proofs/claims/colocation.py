"""*MPS for Co-located Embedding + Generative Inference*: three runs, and what is concluded from them."""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial

from headgate.proofs.claims.claim import Check, Claim, Essay
from headgate.proofs.claims.quantities import H200_PEAK, exact, percent

__all__ = ["CLAIMS"]

_claim = partial(Claim, essay=Essay.COLOCATION)

RUN_1, RUN_2, RUN_3 = "Run 1", "Run 2", "Run 3"
# Run 3: tokens a second alone, with MPS, time-sliced; sequences a second alone, with MPS, time-sliced.
ALONE, MPS, SLICED = exact("195.2"), exact("143.3"), exact("78.2")
EMBED_ALONE, EMBED_MPS, EMBED_SLICED = exact("350.5"), exact("335.8"), exact("308.5")
# Run 2: tokens a second, and kernels of the generative model: how many, and how long in us.
BEFORE, WITH_MPS, WITH_SLICES = exact("61.4"), exact("24.7"), exact("28.2")
KERNEL_BEFORE, KERNEL_MPS, KERNEL_SLICED, KERNELS = exact("60.5"), exact("65.5"), exact("65.4"), 21_260
# The trace of run 3: kernels, their time and the whole of it in ms.
TRACED, TRACED_MS, SPAN_MS = 350_506, Fraction(1389), Fraction(14_994)


def _drop(after: Fraction | int, before: Fraction | int) -> Fraction:
    return percent(1 - Fraction(after) / Fraction(before))


def _run_1() -> Sequence[Check]:
    return (
        Check("354 of 869", _drop(354, 869), "%", "59"),
        Check("238 of 869", _drop(238, 869), "%", "73"),
        Check("481 of 869", _drop(481, 869), "%", "45"),
        Check("369 of 869", _drop(369, 869), "%", "58"),
    )


def _run_2() -> Sequence[Check]:
    return (
        Check("24.7 of 61.4 tokens a second", _drop(WITH_MPS, BEFORE), "%", "60"),
        Check("28.2 of 61.4", _drop(WITH_SLICES, BEFORE), "%", "54"),
        Check("65.5 for 60.5 us a kernel", percent(KERNEL_MPS / KERNEL_BEFORE - 1), "%", "8.3"),
        Check("65.4 us", percent(KERNEL_SLICED / KERNEL_BEFORE - 1), "%", "8.1"),
    )


def _overlap() -> Sequence[Check]:
    return (
        Check(
            "1165.8 ms of the kernels' time with MPS",
            percent(exact("1165.8") * 1000 / (KERNELS * KERNEL_MPS)),
            "%",
            "83.7",
        ),
        Check("1344.0 ms, time-sliced", percent(exact("1344.0") * 1000 / (KERNELS * KERNEL_SLICED)), "%", "96.7"),
    )


def _exclusive() -> Sequence[Check]:
    return (Check("of the kernels' time that overlaps, time-sliced", exact("96.7"), "%", "<= 0", "Run 2, nsys"),)


def _clocks_or_gaps() -> Sequence[Check]:
    rate, slower = WITH_MPS / BEFORE, KERNEL_BEFORE / KERNEL_MPS
    return (
        Check("drop that slower kernels explain", percent(1 - slower), "%"),
        Check("drop of the clock", _drop(2490, 2745), "%", ">= 59"),
        Check("of the time no generative kernel runs, if it did always before", percent(1 - rate / slower), "%"),
    )


def _windows() -> Sequence[Check]:
    return (
        Check("21,260 kernels over 24.7 tokens a second, with MPS", KERNELS / WITH_MPS, "kernels s/token"),
        Check("over 28.2, time-sliced", KERNELS / WITH_SLICES, "kernels s/token"),
    )


def _blocks() -> Sequence[Check]:
    return (
        Check("blocks a kernel, in the mean", Fraction(935), "blocks"),
        Check("77.2 % of 128 SMs", exact("0.772") * 128, "SMs"),
    )


def _run_3() -> Sequence[Check]:
    return (
        Check("generation with MPS", _drop(MPS, ALONE), "%", "26.6"),
        Check("generation, time-sliced", _drop(SLICED, ALONE), "%", "59.9"),
        Check("embedding with MPS", _drop(EMBED_MPS, EMBED_ALONE), "%", "4.2"),
        Check("embedding, time-sliced", _drop(EMBED_SLICED, EMBED_ALONE), "%", "12.0"),
        Check("what MPS keeps more of it", percent((MPS - SLICED) / ALONE), "points", "33"),
        Check("of embedding alone", percent(EMBED_MPS / EMBED_ALONE), "%", "96"),
    )


def _preserves() -> Sequence[Check]:
    return (
        Check("143.3 over 78.2 tokens a second", MPS / SLICED, "times", "2.3"),
        Check("loss over loss", (1 - SLICED / ALONE) / (1 - MPS / ALONE), "times"),
    )


def _weighted(generated: Fraction, embedded: Fraction) -> Fraction:
    return generated / ALONE + embedded / EMBED_ALONE


def _aggregate() -> Sequence[Check]:
    return (
        Check("weighted speed-up with MPS, one a dedicated GPU", _weighted(MPS, EMBED_MPS), "GPUs", "> 1"),
        Check("time-sliced", _weighted(SLICED, EMBED_SLICED), "GPUs", "> 1"),
        Check("mean slow-down of the two with MPS", (ALONE / MPS + EMBED_ALONE / EMBED_MPS) / 2, "times"),
    )


def _good_result() -> Sequence[Check]:
    return (
        Check("what generation loses with MPS; 5 would be good", _drop(MPS, ALONE), "%", "> 5"),
        Check("embedding with MPS, of embedding alone", percent(EMBED_MPS / EMBED_ALONE), "%", "96"),
        Check("what time slices keep of generation, of what MPS keeps", SLICED / MPS, "", "< 1"),
        Check("of embedding", EMBED_SLICED / EMBED_MPS, "", "< 1"),
    )


def _bandwidth() -> Sequence[Check]:
    return (
        Check(
            "18 % and 19 %, each by what is left of it with MPS",
            MPS / ALONE * 18 + EMBED_MPS / EMBED_ALONE * 19,
            "%",
            "~32",
        ),
        Check("time-sliced", SLICED / ALONE * 18 + EMBED_SLICED / EMBED_ALONE * 19, "%", "~24"),
    )


def _slices() -> Sequence[Check]:
    return (
        Check(
            "100 % and 62 % of the SMs, by what is left, time-sliced",
            SLICED / ALONE + EMBED_SLICED / EMBED_ALONE * Fraction(62, 100),
            "GPUs",
            "<= 1",
        ),
        Check("with MPS, which overlaps", MPS / ALONE + EMBED_MPS / EMBED_ALONE * Fraction(62, 100), "GPUs", "> 1"),
    )


def _trace() -> Sequence[Check]:
    kinds = (66_815, 121_104, 40_089, 28_493, 53_730, 40_275)
    times = tuple(map(exact, ("455.8", "364.6", "206.4", "182.9", "124.0", "55.9")))
    return (
        Check("kernels of all kinds", Fraction(sum(kinds)), "", "350506"),
        Check("their time", sum(times, Fraction(0)), "ms", "1389"),
        Check("mean", TRACED_MS * 1000 / TRACED, "us", "4.0"),
        Check("idle", percent(1 - TRACED_MS / SPAN_MS), "%", "90.7"),
        Check("mean gap", (SPAN_MS - TRACED_MS) * 1000 / TRACED, "us", "38.8"),
        *(
            Check("share of a kind", percent(each / sum(times, Fraction(0))), "%", said)
            for each, said in zip(times, ("32.8", "26.2", "14.9", "13.2", "8.9", "4.0"), strict=True)
        ),
    )


def _idle() -> Sequence[Check]:
    tokens = Fraction(53_730, 4 * 48 + 1)
    each = TRACED_MS / tokens
    return (
        Check("tokens in the trace, at 193 norms a token of 48 layers", tokens, "tokens"),
        Check("tokens a second in the trace", tokens / SPAN_MS * 1000, "", ">= 195.2", "Run 3, step 1"),
        Check("kernel time a token", each, "ms"),
        Check("of the time a kernel runs, at 195.2 tokens a second", percent(each * ALONE / 1000), "%", "9.3"),
    )


def _per_sm() -> Sequence[Check]:
    return (
        Check("H100", Fraction(3350, 132), "GB/s a SM", "~25"),
        Check("4090", Fraction(1008, 128), "GB/s a SM", "~8"),
        Check(
            "bytes a SM keeps in flight for its share, of those of a 4090, at one latency",
            Fraction(3350, 132) / Fraction(1008, 128),
            "times",
            "<= 1",
        ),
    )


def _weights() -> Sequence[Check]:
    passes = EMBED_MPS / 8
    return (
        Check("forward passes a second", passes, ""),
        Check("bytes of weights that they read", passes * exact("14.4"), "GB/s"),
        Check("of the peak", percent(passes * exact("14.4") / H200_PEAK), "%"),
    )


def _clock() -> Sequence[Check]:
    return (
        Check("from 2760 to 2325 MHz with MPS, for a loss of 59 % or more", _drop(2325, 2760), "%", ">= 59"),
        Check("from 2760 to 2700 MHz time-sliced, for a loss of 45 % or more", _drop(2700, 2760), "%", ">= 45"),
    )


def _switches() -> Sequence[Check]:
    return (Check("50 us of a slice of 2 ms", percent(Fraction(50, 2000)), "%"),)


def _llama() -> Sequence[Check]:
    rate = BEFORE * exact("16.06")
    return (Check("61.4 tokens a second of 16.06 GB, of 1008 GB/s", percent(rate / 1008), "%", "~100"),)


def _qwen() -> Sequence[Check]:
    rate = Fraction(869, 8) * exact("6.17")
    return (
        Check(
            "869 tokens a second, 8 at a time, of 6.17 GB, of 1008 GB/s",
            percent(rate / 1008),
            "%",
        ),
    )


CLAIMS = (
    _claim(
        "MPS-1",
        section=RUN_1,
        says="Generation drops by 59 to 73 % with MPS and by 45 to 58 % time-sliced.",
        checks=_run_1,
    ),
    _claim("MPS-2", section=RUN_2, says="It drops by 60 and 54 %, and kernels take 8 % longer.", checks=_run_2),
    _claim("MPS-3", section=RUN_2, says="83.7 and 96.7 % of the kernels' time overlap.", checks=_overlap),
    _claim(
        "MPS-4",
        section="Co-scheduling mechanisms",
        says="Time slices run one process at a time.",
        checks=_exclusive,
        why="Run 2 notes it itself. A kernel that is taken off the SMs goes on counting: two need not run at once.",
        corrected="Overlap is counted of the time for which kernels are on SMs.",
    ),
    _claim(
        "MPS-5",
        section=RUN_2,
        says="Fewer kernels run because the clock is lower, not because each takes longer.",
        checks=_clocks_or_gaps,
        corrected="More than half of the time no generative kernel runs: it waits, at any clock.",
    ),
    _claim(
        "MPS-6",
        section=RUN_2,
        says="21,260 kernels are counted with MPS and time-sliced.",
        checks=_windows,
        missing="the windows: at different rates the same count is another length of time",
    ),
    _claim(
        "MPS-7",
        section=RUN_2,
        says="An occupancy of 77 % is 77 % of the SMs.",
        checks=_blocks,
        missing="what is counted: kernels, or their time; with 935 blocks in the mean many a kernel covers all SMs",
    ),
    _claim(
        "MPS-8", section=RUN_1, says="Lower clocks halved the bandwidth in use and destroyed generation.", checks=_clock
    ),
    _claim("MPS-9", section=RUN_3, says="The percentages of run 3.", checks=_run_3),
    _claim(
        "MPS-10",
        section=RUN_3,
        says="MPS preserves 2.3 times more of generation than time slices.",
        checks=_preserves,
        corrected="1.83 times; 2.25 is the ratio of the losses.",
    ),
    _claim(
        "MPS-11",
        section="What we're trying to prove",
        says="Together, two workloads do more a GPU than on a GPU each (run 3).",
        checks=_aggregate,
    ),
    _claim(
        "MPS-12",
        section=f"{RUN_3}, conclusion",
        says="That decode leaves idle SMs to embedding is validated in part.",
        checks=_good_result,
        why="By what the first test calls a good result. By the key metric, work a GPU, it gains 69 % (MPS-11).",
    ),
    _claim("MPS-13", section=RUN_3, says="18, 32, 24 and 19 % of the bandwidth are in use.", checks=_bandwidth),
    _claim(
        "MPS-14", section=RUN_3, says="In run 3 processes take turns without MPS, and overlap with it.", checks=_slices
    ),
    _claim("MPS-15", section="nsys kernel trace results", says="The figures of the trace.", checks=_trace),
    _claim(
        "MPS-16",
        section="nsys kernel trace results",
        says="SMs are used 9.3 % of the time, whatever dmon says.",
        checks=_idle,
        why=(
            "The trace is of a mode in which a token takes ten times as long. Its gaps are launches, which the runs "
            "that were compared do without; their kernels fill the time."
        ),
    ),
    _claim(
        "MPS-17",
        section="nsys kernel trace results",
        says="Of all kernels only one saturates the SMs.",
        against="the line after the next, where flash attention does as well",
    ),
    _claim(
        "MPS-18",
        section="nsys kernel trace results",
        says="The embedding model's weights compete for the bandwidth.",
        checks=_weights,
        missing="how much that takes of generation: it is an eighth of the peak, and 32 % are in use",
    ),
    _claim(
        "MPS-19",
        section="Why this is likely 4090-specific",
        says="More bandwidth a SM means that decode needs fewer SMs.",
        checks=_per_sm,
        why="By Little's law each SM has to keep more in flight, so that more of them are needed.",
    ),
    _claim(
        "MPS-20",
        section=f"{RUN_2}, conclusion",
        says="The hypothesis is falsified on a 4090.",
        missing="what the embedding model does alone there, without which nothing says what the two are worth together",
        why="By the first test's own measure, 5 % of generation, it is.",
    ),
    _claim(
        "MPS-21",
        section="Co-scheduling mechanisms",
        says="Context switches take 25 to 50 us.",
        checks=_switches,
        missing="the length of a slice; at 2 ms they take 2.5 % of the time, and generation loses 59.9 %",
    ),
    _claim(
        "MPS-22",
        section="Assumptions",
        says="Neither workload is starved.",
        missing="the two numbers, X seconds and Y ms, by which it would be judged",
        clauses=("PR-3", "ST-5"),
    ),
    _claim("MPS-23", section=RUN_2, says="Llama 8B uses all of the bandwidth at 61.4 tokens a second.", checks=_llama),
    _claim(
        "MPS-24",
        section=RUN_1,
        says="Qwen 3B uses 81 to 93 % of the bandwidth.",
        checks=_qwen,
        missing="what is counted, bytes or the time in which the memory is busy, and how many requests there were",
    ),
)
