"""The problems on which headgate is measured beside other tools, one entry each.

An entry says what is asked, how headgate answers it, column by column, and what the nearest tool needs or lacks. An
answer is a sentence; where the problem is not solved as stated, the column raises `Unsolved`. To add a problem is to
add an entry to `PROBLEMS`.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction

import attrs

from headgate.model.arbiters import SFQ
from headgate.model.composition import calculus_delay
from headgate.model.replay import Replay, replay
from headgate.proofs.catalogue import catalogue
from headgate.proofs.catalogue.composition import TOKENS, burst_attack
from headgate.proofs.catalogue.turns import bypass_attack
from headgate.proofs.catalogue.weighted import SHORTEST, weighted_attack, wrong_tag_attack
from headgate.proofs.runner import Limits, prove, search
from headgate.proofs.symbolic import symbolic
from headgate.proofs.theorem import Kind, Query
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import Schedule

__all__ = ["CHECKED", "CLASS", "FOUND", "PROBLEMS", "Peer", "Problem", "Unsolved"]

# The columns: a schedule that shows it, a statement proved, and the class of traffic that causes it.
FOUND, CHECKED, CLASS = "schedule found", "implication checked", "class synthesised"


class Unsolved(Exception):
    """A column whose problem is not solved as it is stated."""


@attrs.frozen
class Peer:
    """The nearest tool: name and year or version, its figure, and whether that is all it took or where it was stopped.

    `seconds` is user CPU, None where there is none to compare; `says` is what the figure is for, and what is missing.
    """

    tool: str
    says: str
    seconds: Fraction | None = None
    unfinished: bool = False


@attrs.frozen
class Problem:
    """A problem: `columns` are what headgate does, each a function that returns what it found.

    `target` is the processor time, in seconds, that all columns together may take once everything is imported.
    """

    id: str
    statement: str
    columns: Mapping[str, Callable[[], str]]
    peer: Peer
    target: Fraction


# ---- what the entries are made of ----


def found(query: Callable[[], Query], what: str) -> tuple[Schedule, Replay]:
    """Return the schedule that answers `query`, and its replay; Unsolved where there is none."""
    with symbolic():
        schedule = search(query(), Limits(), what)
    if schedule is None:
        raise Unsolved(f"{what}: expected a schedule, found none")
    return schedule, replay(schedule)


def none(query: Callable[[], Query], what: str) -> None:
    """Return if no schedule answers `query`; Unsolved where one does."""
    with symbolic():
        if search(query(), Limits(), what) is not None:
            raise Unsolved(f"{what}: expected no schedule, found one")


def hurried(query: Query) -> Query:
    """Return the query without making what it finds small."""
    return attrs.evolve(query, smallest=())


def proved(*names: str) -> Callable[[], str]:
    """Return a column that proves theorems of the catalogue."""

    def column() -> str:
        theorems = {theorem.id: theorem for theorem in catalogue()}
        for name in names:
            if theorems[name].obligations is None:
                raise Unsolved(f"{name}: expected a proof, got a theorem that is to be refuted")
            result = prove(attrs.evolve(theorems[name], attack=None))
            if result.kind is not Kind.PROVED:
                raise Unsolved(f"{name}: expected a proof, got {result.kind.value} ({result.reason})")
        return f"proved: {', '.join(names)}"

    return column


def witnessed(name: str) -> Schedule:
    """Return the schedule that the attack of a theorem finds: of one that is proved, with the bound a step tighter."""
    theorem = next(theorem for theorem in catalogue() if theorem.id == name)
    assert theorem.attack is not None, f"{name} has no attack"
    attack, tighter = theorem.attack, Fraction(0) if theorem.obligations is None else theorem.step
    return found(lambda: attack(tighter), name)[0]


def percent(part: Fraction, whole: Fraction) -> str:
    """Return the exact share, and the percentage rounded down to hundredths."""
    hundredths = part * 10_000 // whole
    return f"{exact_text(part)} of {exact_text(whole)} ns, {hundredths // 100}.{hundredths % 100:02} %"


# ---- H3b ----

ROUND = range(2, 17)


def _longest_waits() -> str:
    for count in ROUND:
        _, shown = found(lambda: hurried(bypass_attack(count, count - 1, ranked=True)), f"N = {count}")  # noqa: B023
        if shown.observed != count - 1:
            raise Unsolved(f"N = {count}: expected a wait of {count - 1} services, got {shown.observed}")
    return f"N = {ROUND[0]}..{ROUND[-1]}: a wait of exactly N - 1 services each, all replayed"


# ---- H4b ----


def _full_bucket() -> str:
    shown = replay(witnessed("bucket-envelope"))
    whole = shown.bound + 1
    if shown.observed != whole:
        raise Unsolved(f"expected the envelope of {whole} B to be reached, got {shown.observed} B")
    return f"the envelope of {whole} B is reached"


# ---- H5 ----


def _worst_gap() -> str:
    none(lambda: weighted_attack(SFQ, 3, 2, attained=True), "the worst gap in three requests")
    schedule, shown = found(lambda: hurried(weighted_attack(SFQ, 4, 2, attained=True)), "the worst gap")
    whole = shown.bound + Fraction(str(schedule.parameters["tighter_by"]))
    if shown.observed != whole:
        raise Unsolved(f"expected the bound {whole} to be reached, got {shown.observed}")
    for name, requests in SHORTEST.items():
        none(lambda: wrong_tag_attack(name, requests - 1), f"{name}, one request fewer")  # noqa: B023
        found(lambda: hurried(wrong_tag_attack(name, requests)), name)  # noqa: B023
    shortest = ", ".join(f"{name} {requests}" for name, requests in SHORTEST.items())
    return f"the bound {whole} is reached by {len(schedule.requests)} requests; fewest for a mutant: {shortest}"


# ---- H6 ----


def _tokens() -> str:
    shown = replay(witnessed("bytes-not-tokens"))
    execution = shown.execution
    assert execution is not None
    served = [s.request for s in execution.services[:4]]
    read = [sum(r.bytes for r in served if r.tenant == tenant) for tenant in (0, 1)]
    times = Fraction(read[1], read[0])
    if times != Fraction(TOKENS[1], TOKENS[0]):
        raise Unsolved(f"expected {TOKENS[1] // TOKENS[0]} times the bytes, got {times}")
    return f"{len(execution.services)} requests: a token each in turn, and {times} times the bytes"


# ---- H7 ----


def _nearly_late() -> str:
    schedule, shown = found(lambda: burst_attack(Fraction(99, 100), 4), "a burst")
    late, bound = shown.observed, shown.bound / (1 - Fraction(str(schedule.parameters["tighter_part"])))
    peak = Fraction(str(schedule.parameters["peak"]))
    blackout = Fraction(str(schedule.parameters["blackout"]))
    rate = peak * (1 - blackout / Fraction(str(schedule.parameters["interval"])))
    size, depth = schedule.requests[0].bytes, schedule.parameters["depths"][0]  # type: ignore[index]
    calculus = calculus_delay(depth, 7 * size, rate, blackout, Fraction(1))
    backlog = replay(witnessed("composed-backlog")).observed
    no_tax = replay(witnessed("composed-no-tax"))
    return (
        f"a delay of {percent(late, bound)} (network calculus: {exact_text(Fraction(calculus))} ns); "
        f"backlog of {backlog} B reached; without the tax {no_tax.observed} ns, where {no_tax.bound} ns are promised"
    )


NOBODY = "none of FPerf, CountBuffy, CCAC, Quint or Prosa states it"

PROBLEMS: tuple[Problem, ...] = (
    Problem(
        "H3b",
        "For every horizon, N = 2..16: a continuously backlogged queue waits at most N - 1 services under round robin.",
        {FOUND: _longest_waits, CHECKED: proved("round-robin-bypass")},
        Peer("FPerf (NSDI 2023)", "a bounded question on 5 queues, 10 steps; no proof for every horizon", Fraction(95)),
        Fraction(1),
    ),
    Problem(
        "H4b",
        "For all depths B, rates r and times t a token bucket admits at most B + r t, and as much as that.",
        {FOUND: _full_bucket, CHECKED: proved("bucket-envelope")},
        Peer("FPerf (NSDI 2023)", "stopped on a bounded question, one bucket and 6 steps", Fraction(300), True),
        Fraction(1, 5),
    ),
    Problem(
        "H5",
        "N = 2, 4, 8, weights in [1, 16] and sizes free: |W_i / w_i - W_j / w_j| <= L_i / w_i + L_j / w_j; the worst "
        "gap, and the shortest schedule against every wrong tag.",
        {FOUND: _worst_gap, CHECKED: proved("sfq-weighted-gap")},
        Peer("none", NOBODY),
        Fraction(2),
    ),
    Problem(
        "H6",
        "Fair in tokens, contexts of 256 and 4096 tokens: 16 times the bytes; fair in bytes, every share is kept under "
        "the refresh tax.",
        {
            FOUND: _tokens,
            CHECKED: proved("share-under-refresh", "sfq-share", "refresh-service-curve", "refresh-rate-latency"),
        },
        Peer("none", NOBODY),
        Fraction(1),
    ),
    Problem(
        "H7",
        "Eight symbolic buckets, fair queueing over C (1 - tax): delay and backlog for ever, no more than network "
        "calculus; a schedule at 90 % or more; and one against the rule that forgets the tax.",
        {
            FOUND: _nearly_late,
            CHECKED: proved("composed-delay", "composed-backlog", "bucket-envelope", "sfq-delay",
                            "refresh-service-curve", "refresh-rate-latency"),
        },
        Peer("network calculus (DNC, panco, Nancy, Saihu)", "the bound for given numbers, without a schedule"),
        Fraction(3),
    ),
)  # fmt: skip
