"""The problems on which headgate is measured beside other tools, one entry each.

An entry says what is asked, how headgate answers it, column by column, and what the nearest tool needs or lacks. An
answer is a sentence; where the problem is not solved as stated, the column raises `Unsolved`. To add a problem is to
add an entry to `PROBLEMS`.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import attrs

from headgate.benchmarks.peer_answers import (
    Unsolved,
    explained,
    found,
    hurried,
    impossible,
    none,
    on_steps,
    percent,
    proved,
    shown,
    witnessed,
)
from headgate.model.arbiters import SFQ
from headgate.model.composition import calculus_delay
from headgate.model.replay import replay
from headgate.proofs.catalogue.circle import bypass_attack
from headgate.proofs.catalogue.composition import TOKENS, burst_attack
from headgate.proofs.catalogue.weighted import SHORTEST, weighted_attack, wrong_tag_attack
from headgate.proofs.find.question import Asked, Question, Span
from headgate.spec.units import exact_text

__all__ = ["CHECKED", "CLASS", "FOUND", "PROBLEMS", "Peer", "Problem"]

# The columns: a schedule that shows it, a statement proved, and the class of traffic that causes it.
FOUND, CHECKED, CLASS = "schedule found", "implication checked", "class synthesised"


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

    `target` is the processor time, in seconds, that all columns together may take once everything is imported;
    `found_within`, the part of it for the schedule, where that has a target of its own.
    """

    id: str
    statement: str
    columns: Mapping[str, Callable[[], str]]
    peer: Peer
    target: Fraction
    found_within: Fraction | None = None


# ---- H1 ----

BUGGY, MENDED = "fq-codel-rejoins", "fq-codel"
# One arrival a step for the others, at most one for the fifth; the most services, by whether an arrival can be served
# in its own step.
SPARSE = ("aenq(0..3, t) == 1", "aenq(4, t) <= 1")
MOST = {(BUGGY, False): 8, (MENDED, False): 3, (BUGGY, True): 9, (MENDED, True): 3}


def _sparse_queue(policy: str, assume: Sequence[str], least: int, *, same_step: bool = False) -> Question:
    return on_steps(Asked.SERVICE, policy, 5, 14, assume, victim=4, at_least=Fraction(least), same_step=same_step)


def _favoured() -> str:
    _, run = shown(_sparse_queue(BUGGY, ["cenq(0..3, t) >= t"], 5), "five services")
    return f"{run.observed} of 14 services"


def _most_favoured() -> str:
    for (policy, same_step), services in MOST.items():
        what = f"{policy}, {'its own step' if same_step else 'the next step'}"
        shown(_sparse_queue(policy, SPARSE, services, same_step=same_step), f"{what}, {services} services")
        impossible(_sparse_queue(policy, SPARSE, services + 1, same_step=same_step), f"{what}, {services + 1} services")
    mended = proved("fq-codel-turns")()
    most = [MOST[policy, same_step] for same_step in (False, True) for policy in (BUGGY, MENDED)]
    return "one arrival a step: exactly {} and {} services at most, {} and {} in their own step; {}".format(
        *most, mended
    )


# ---- H2 ----

BLOCKED = 6


def _blocked(queues: int, victim: int, least: int) -> Question:
    return on_steps(Asked.BLOCKED, "priority", queues, 7, victim=victim, at_least=Fraction(least))


def _blocked_for_long() -> str:
    _, run = shown(_blocked(4, 2, BLOCKED), "blocked")
    return f"blocked for {run.observed} of 7 steps in a row"


def _blocked_no_longer(queues: int, victim: int) -> Callable[[], str]:
    def column() -> str:
        impossible(_blocked(queues, victim, BLOCKED + 1), f"{queues} queues, {BLOCKED + 1} steps")
        return f"{queues} queues: never blocked for {BLOCKED + 1} of 7 steps"

    return column


def _blocked_for_ever() -> str:
    loops = []
    for queues, victim in ((4, 2), (64, 62)):
        schedule, _ = shown(on_steps(Asked.STARVATION, "priority", queues, 7, victim=victim), f"{queues} queues")
        loops.append(f"{queues} queues, a loop of {schedule.parameters['loop']} after {schedule.parameters['steps']}")
    _, run = shown(_blocked(64, 62, BLOCKED), "64 queues, blocked")
    return f"for ever: {'; '.join(loops)}; 64 queues: blocked for {run.observed} steps"


# ---- H3a ----


def _less_for_more(least: int) -> Question:
    assume = ("cenq(1, 9) > cenq(2, 9)", "cenq(0..4, 4) >= 4", "cenq(0..4, 9) >= 8")
    shows = f"cdeq(2, 5..9) - cdeq(1, 5..9) >= {least}"
    return on_steps(Asked.CONDITION, "round-robin", 5, 10, assume, shows)


def _ahead() -> str:
    schedule, _ = shown(_less_for_more(3), "three services ahead")
    return f"{len(schedule.requests)} requests: three services ahead in each of the last five steps"


def _no_further_ahead() -> str:
    impossible(_less_for_more(4), "four services ahead")
    return "never four services ahead in all of the last five steps"


# ---- H3b ----

ROUND = range(2, 17)


def _longest_waits() -> str:
    for count in ROUND:
        _, shown = found(lambda: hurried(bypass_attack(count, count - 1, ranked=True)), f"N = {count}")  # noqa: B023
        if shown.observed != count - 1:
            raise Unsolved(f"N = {count}: expected a wait of {count - 1} services, got {shown.observed}")
    return f"N = {ROUND[0]}..{ROUND[-1]}: a wait of exactly N - 1 services each, all replayed"


# ---- H4a ----


def _at_once(most: int) -> Question:
    bucket = {"rate": Fraction(3), "depth": Fraction(6), "level": Fraction(0)}
    assume, shows = ("cenq(0, 2) >= 3", "cenq(0, 3) >= 6"), f"not deq(0, 0..5) <= {most}"
    return on_steps(Asked.CONDITION, "token", 1, 6, assume, shows, arrivals=Span(0, 10), parameters=bucket)


def _more_than_the_refill() -> str:
    shown(_at_once(3), "more than 3")
    shown(_at_once(5), "more than 5")
    return "more than 3 leave in one step; as many as 6"


def _no_more_than_the_depth() -> str:
    impossible(_at_once(6), "more than 6")
    return "never more than 6 leave in one step"


# ---- H4b ----


def _full_bucket() -> str:
    shown = replay(witnessed("bucket-envelope"))
    whole = shown.bound + 1
    if shown.observed != whole:
        raise Unsolved(f"expected the envelope of {whole} B to be reached, got {shown.observed} B")
    return f"the envelope of {whole} B is reached"


# ---- H4c ----

PAUSED = 2


def _stopped_clock() -> str:
    schedule, run = shown(Question(Asked.OVERRUN, "paused", requests=PAUSED, minimal=True), "a stopped clock")
    if replay(schedule, "token").violated:
        raise Unsolved("expected a bucket whose clock goes on to keep its envelope")
    return f"{len(schedule.requests)} requests: {run.observed} B where {run.bound} B are allowed"


def _stopped_clock_in_fewer() -> str:
    impossible(Question(Asked.OVERRUN, "paused", requests=PAUSED - 1), "a stopped clock, one request fewer")
    return f"never in fewer than {PAUSED} requests"


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
        "H1",
        "FQ-CoDel's lists with the bug, N = 5, T = 14, four queues with cenq(t) >= t: the fifth gets 5 services; "
        "the most of all, and the mended lists for every horizon.",
        {FOUND: _favoured, CHECKED: _most_favoured},
        Peer("FPerf (NSDI 2023)", "stopped; CountBuffy (2026) about 13 s a check", Fraction(157), True),
        Fraction(8),
        Fraction(1),
    ),
    Problem(
        "H2",
        "Strict priority, N = 4, T = 7: queue 2 is blocked for more than 5 steps in a row.",
        {
            FOUND: _blocked_for_long,
            CHECKED: _blocked_no_longer(4, 2),
            CLASS: explained(lambda: _blocked(4, 2, BLOCKED)),
        },
        Peer("FPerf (NSDI 2023)", "an older commit, its main branch aborts; CountBuffy (2026) 25 ms a check",
             Fraction(21)),
        Fraction(1, 2),
        Fraction(1, 20),
    ),
    Problem(
        "H2-64",
        "Strict priority: a queue that is blocked for ever, a prefix and a loop, of 4 queues and of 64; T = 7 of 64.",
        {FOUND: _blocked_for_ever, CHECKED: _blocked_no_longer(64, 62)},
        Peer("none", "FPerf and CountBuffy ask of a fixed number of steps, and have no loop"),
        Fraction(2),
    ),
    Problem(
        "H3a",
        "Round robin, N = 5, T = 10: queue 2 is 3 services ahead of queue 1 in each of the last 5 steps, although "
        "queue 1 received more, and every queue 4 or more in the first 5 steps and 8 or more in all.",
        {FOUND: _ahead, CHECKED: _no_further_ahead, CLASS: explained(lambda: _less_for_more(3))},
        Peer("FPerf (NSDI 2023)", "a class of traffic", Fraction(95)),
        Fraction(2),
        Fraction(1, 2),
    ),
    Problem(
        "H3b",
        "For every horizon, N = 2..16: a continuously backlogged queue waits at most N - 1 services under round robin.",
        {FOUND: _longest_waits, CHECKED: proved("round-robin-bypass")},
        Peer("FPerf (NSDI 2023)", "a bounded question on 5 queues, 10 steps; no proof for every horizon", Fraction(95)),
        Fraction(1),
    ),
    Problem(
        "H4a",
        "A bucket of 6 tokens, none at first, 3 more a step, T = 6, cenq >= 3 by the third step, >= 6 by the fourth: "
        "more than 3 leave in one step.",
        {FOUND: _more_than_the_refill, CHECKED: _no_more_than_the_depth},
        Peer("FPerf (NSDI 2023)", "stopped without an answer", Fraction(300), True),
        Fraction(1, 5),
    ),
    Problem(
        "H4b",
        "For all depths B, rates r and times t a token bucket admits at most B + r t, and as much as that.",
        {FOUND: _full_bucket, CHECKED: proved("bucket-envelope")},
        Peer("FPerf (NSDI 2023)", "stopped on a bounded question, one bucket and 6 steps", Fraction(300), True),
        Fraction(1, 5),
    ),
    Problem(
        "H4c",
        "A token bucket whose clock stands still while it is full admits more than B + r t: the shortest schedule.",
        {FOUND: _stopped_clock, CHECKED: _stopped_clock_in_fewer},
        Peer("CrossHair, Hypothesis", "each finds it within 100 s; neither says that nothing shorter does"),
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
