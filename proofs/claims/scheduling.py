"""*The Scheduling Tax of Multi-Tenant Inference*: a whale and forty minnows."""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial

from headgate.model.memory.cycles import Block, lru_misses
from headgate.proofs.claims.claim import Check, Claim, Essay
from headgate.proofs.claims.quantities import GB, H100_PEAK, exact, kv_bytes, percent

__all__ = ["CLAIMS"]

_claim = partial(Claim, essay=Essay.SCHEDULING)

TOKENS_A_PAGE, MINNOWS = 32, 40
WHALE_PAGES, MINNOW_PAGES = 4000, 62
ALL_PAGES = WHALE_PAGES + MINNOWS * MINNOW_PAGES
# A model of 8 billion parameters in fp16: 32 layers, 8 heads of 128 numbers, 2 bytes a number.
SMALL_TOKEN = kv_bytes(1, heads=8, each=2, layers=32)
# A model of 70 billion parameters in FP8.
LARGE_TOKEN = kv_bytes(1, heads=8)


def _pages() -> Sequence[Check]:
    return (
        Check("128,000 tokens in pages of 32", Fraction(128_000, TOKENS_A_PAGE), "pages", "~4000"),
        Check("2,000 tokens", Fraction(2_000, TOKENS_A_PAGE), "pages", "~62"),
        Check("4,000 pages over 62", Fraction(WHALE_PAGES, MINNOW_PAGES), "times", "64"),
        Check("131,072 tokens over 2,048", Fraction(131_072, 2_048), "times", "64"),
    )


def _pool() -> Sequence[Check]:
    return (
        Check("the whale's pages", percent(Fraction(WHALE_PAGES, ALL_PAGES)), "%", "83"),
        Check("the minnows' pages", percent(Fraction(MINNOWS * MINNOW_PAGES, ALL_PAGES)), "%", "17"),
        Check("minnows beside whom the whale has 83 %", Fraction(WHALE_PAGES * 17, 83 * MINNOW_PAGES), "minnows", "40"),
    )


def _top_five() -> Sequence[Check]:
    share = Fraction(5, 100)
    return (
        Check("5 % that are 64 times as long", percent(share * 64 / (share * 64 + 1 - share)), "%", "~80"),
        Check("one of 41", percent(Fraction(64, 64 + MINNOWS)), "%"),
    )


def _diverges() -> Sequence[Check]:
    pages = [WHALE_PAGES] + [MINNOW_PAGES] * MINNOWS
    return (
        Check("share of the memory over share of the slots", Fraction(WHALE_PAGES, ALL_PAGES) * (MINNOWS + 1), "times"),
        Check("Jain's index of the pages", Fraction(sum(pages) ** 2, len(pages) * sum(each**2 for each in pages)), ""),
    )


def _fifty_others() -> Sequence[Check]:
    return (
        Check("128K over 2K", Fraction(128, 2), "requests", "> 50"),
        Check("32K over 2K", Fraction(32, 2), "requests"),
    )


def _step(token: int, weights: Fraction) -> Fraction:
    whale, others = Fraction(131_072 * token, GB), Fraction(MINNOWS * 2_048 * token, GB)
    return percent(whale / (whale + others + weights))


def _bandwidth() -> Sequence[Check]:
    return (
        Check("of the keys and values that a step reads", percent(Fraction(64, 64 + MINNOWS)), "%", "~40..60"),
        Check("of a step of an 8B model in fp16, weights included", _step(SMALL_TOKEN, exact("16.1")), "%", "~40..60"),
        Check("of a step of a 70B model in FP8", _step(LARGE_TOKEN, Fraction(70)), "%"),
        Check("what that step reads", Fraction((131_072 + MINNOWS * 2_048) * LARGE_TOKEN, GB) + 70, "GB"),
    )


def _lru_victims() -> Sequence[Check]:
    every_step = [Block(WHALE_PAGES), *[Block(MINNOW_PAGES)] * MINNOWS]
    enough, short = (lru_misses(every_step, frames, range(1, 2)) for frames in (ALL_PAGES, ALL_PAGES - 1))
    return (
        Check("misses of a step with frames for everybody", sum(enough), "pages"),
        Check("misses of the minnows with one frame less, all used in every step", sum(short[1:]), "pages"),
        Check("misses of the whale with one frame less", short[0], "pages", "<= 0"),
    )


def _one_promotion() -> Sequence[Check]:
    return (
        Check("promotions a step that a page of the whale costs, if it is missed", 1, ""),
        Check("of one of a minnow", 1, ""),
        Check("of what a step of the whale reads", percent(Fraction(1, WHALE_PAGES)), "%"),
        Check("of what a step of a minnow reads", percent(Fraction(1, MINNOW_PAGES)), "%"),
        Check("requests that stall where each minnow misses one", MINNOWS, "requests"),
        Check("where the whale misses as many", 1, "requests"),
    )


def _growth() -> Sequence[Check]:
    return (
        Check("steps from one new page to the next, with 41 requests", Fraction(TOKENS_A_PAGE, MINNOWS + 1), "steps"),
    )


def _baseline() -> Sequence[Check]:
    return (Check("pages that forty minnows alone have", Fraction(MINNOWS * MINNOW_PAGES), "pages"),)


def _promotion() -> Sequence[Check]:
    return (
        Check("HBM over PCIe 5.0 x16, 64 GB/s", H100_PEAK / 64, "times", "~10..50"),
        Check("HBM over a chip-to-chip link of 450 GB/s", H100_PEAK / 450, "times"),
    )


def _cascade() -> Sequence[Check]:
    pool = -(-Fraction(WHALE_PAGES * 100) // 83)
    return (
        Check("a pool of which 4,000 pages are 83 %", pool, "pages"),
        Check("pages of idle minnows that leave it under LRU", ALL_PAGES - pool, "pages"),
        Check("the largest pool from which all of them leave", Fraction(WHALE_PAGES), "pages"),
    )


CLAIMS = (
    _claim(
        "TAX-1",
        section="abstract; Two definitions of fair",
        says="128K are 4,000 pages and 2K are 62: 64 times as many.",
        checks=_pages,
        why="About: 2,000 tokens take 63 pages, the last one not full, and 131,072 take 4,096.",
        clauses=("WL-2",),
    ),
    _claim(
        "TAX-2",
        section="figure 1",
        says="The whale has 83 % of the pages beside forty minnows.",
        checks=_pool,
        corrected="61.7 %, and the minnows 38.3 %.",
    ),
    _claim("TAX-3", section="abstract", says="The longest 5 % take about 80 % of the memory.", checks=_top_five),
    _claim(
        "TAX-4",
        section="subtitle",
        says="What the scheduler calls fair differs from the memory's view by up to 64 times.",
        checks=_diverges,
        missing="between which two figures: pairwise it is 64, of the shares 25",
    ),
    _claim(
        "TAX-5",
        section="The asymmetry is structural",
        says="A request with much retrieved text can hold more than fifty others together.",
        checks=_fifty_others,
        why="One of more than 100K does, beside requests of 2K; one of 32K holds as much as sixteen.",
    ),
    _claim(
        "TAX-6",
        section="2",
        says="One long request can take 40 to 60 % of the bandwidth.",
        checks=_bandwidth,
        why="It can: with 8 billion parameters it is so, and with 70 billion it is a fifth.",
        clauses=("WL-3",),
    ),
    _claim(
        "TAX-7",
        section="The connection to KV-cache eviction research; figure 2",
        says="LRU always evicts the minnows' pages and never the whale's.",
        checks=_lru_victims,
        proved_by=("lru-stack", "lru-whale-and-minnows"),
        why=(
            "In a continuous batch everybody's pages are used in every step: with one frame too few LRU "
            "misses all, the whale's too."
        ),
        corrected=(
            "A page is missed iff at least as many other pages as there are frames were used since; minnows lose "
            "where they skip steps."
        ),
        clauses=("EV-8", "EV-9", "EV-10"),
        schedules=("eviction-lru-starves",),
    ),
    _claim(
        "TAX-8",
        section="What a memory-fair policy would look like",
        says="Evicting by the total footprint, the whale's pages first, is fair.",
        refuted_by=("eviction-total-floor", "eviction-total-starves"),
        proved_by=("eviction-max-min", "eviction-floor"),
        why="As an order, which the table has it be, it lets the whale lose every conflict: it starves.",
        corrected="From whoever has most resident pages above its floor: it ends at the max-min fair shares.",
        clauses=("EV-11", "EV-3", "EV-5", "EV-6"),
        schedules=("eviction-total-starves",),
    ),
    _claim(
        "TAX-9",
        section="The connection to KV-cache eviction research",
        says="A page of a large request is cheaper to evict.",
        checks=_one_promotion,
        missing="what a miss costs: one promotion, whoever has the page; or a share of the request's own step",
        corrected="What counts is how many requests stall, and that everybody keeps a floor.",
        clauses=("EV-12", "EV-5"),
    ),
    _claim(
        "TAX-10",
        section="What a memory-fair policy would look like",
        says="A request is admitted if its pages fit the budget and its own quota.",
        checks=_growth,
        refuted_by=("pages-now-quota", "pages-now"),
        proved_by=("pages-maximum", "pages-quota"),
        why="A request grows while it decodes; a quota helps if it bounds the most pages, and all of them fit.",
        corrected="The most pages that all who are admitted can come to have to fit; or somebody is preempted.",
        clauses=("PA-1", "PA-2", "PA-3", "PA-5"),
        schedules=("pages-now", "pages-now-quota"),
    ),
    _claim(
        "TAX-11",
        section="abstract",
        says="Beside whales short requests are evicted 2 to 4 times as often.",
        checks=_baseline,
        missing="how often without them: forty minnows alone fit, so that it is never",
    ),
    _claim("TAX-12", section="1", says="Bringing a page back is 10 to 50 times slower.", checks=_promotion),
    _claim(
        "TAX-13",
        section="2",
        says="A request of 128K can saturate a single channel.",
        missing="how many channels there are, and how addresses are spread over them",
        clauses=("CH-1", "CH-2"),
        schedules=("channels-aimed",),
    ),
    _claim(
        "TAX-14",
        section="figure 2",
        says="A whale's prefill pushes the minnows' pages out once the pool is 90 % full.",
        checks=_cascade,
        missing="the size of the pool",
        clauses=("EV-9",),
    ),
    _claim(
        "TAX-15",
        section="3; What a memory-fair policy would look like",
        says="Late tokens can be traced to the evictions behind them.",
        missing="how",
        corrected=(
            "By the fewest evictions and admissions without which the token is not late: each is left out, "
            "and all is run again."
        ),
        clauses=("SA-1", "SA-2", "SA-3"),
    ),
)
