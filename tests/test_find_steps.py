"""The step engine: its steps are the event simulator's, its answers those of a search by hand, and depth is free."""

import itertools
import random
from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import attrs
import pytest
import z3

from headgate.model.algebra import each
from headgate.model.arbiters import ARBITERS, FQ_CODEL_REJOINS
from headgate.model.replay import ReplayError, replay
from headgate.model.steps import StepState, needs_no_tags, requests_of, run_steps, step_tenants, view
from headgate.proofs.catalogue import catalogue
from headgate.proofs.find.asking import Clock, ask
from headgate.proofs.find.question import Answer, Asked, Finding, Question, QuestionError, Span
from headgate.proofs.find.step_ceilings import THEOREMS, ceiling_of
from headgate.proofs.find.step_model import step_model
from headgate.proofs.find.steps import find
from headgate.proofs.symbolic import symbolic
from headgate.spec.expressions import parse_expression
from headgate.spec.schedules import parse_schedule, schedule_text
from headgate.spec.vocabulary import Schedule

TAGLESS = ("drr", "fq-codel", "fq-codel-rejoins", "priority", "round-robin", "vtc", "vtc-no-lift")
Rows = list[list[int]]


def asked(what: Asked, policy: str, queues: int, steps: int, assume: Sequence[str] = (), **more: Any) -> Question:
    """Return a question on steps; assumptions, and what a condition shows, are written out."""
    shows = more.pop("shows", None)
    return Question(
        what, policy, tenants=queues, steps=steps,
        assume=tuple(parse_expression(text, queues, steps) for text in assume),
        shows=None if shows is None else parse_expression(shows, queues, steps), **more,
    )  # fmt: skip


def answered(what: Asked, policy: str, queues: int, steps: int, assume: Sequence[str] = (), **more: Any) -> Answer:
    return ask(asked(what, policy, queues, steps, assume, **more))


# ---- the steps are the event simulator's ----


def test_policies_without_tags() -> None:
    """Whoever orders by tags, by arrival or by time is left out, and nobody else."""
    assert {name for name, policy in ARBITERS.items() if needs_no_tags(policy)} == set(TAGLESS)


def test_the_view_of_a_state_on_terms() -> None:
    """A loop on terms closes where it does on integers."""
    with symbolic():
        state = StepState(ARBITERS["drr"].start(step_tenants(2)), (z3.Int("a"), z3.Int("b")))
        assert len(view(state)) == len(view(StepState(state.policy, (0, 0))))


# ---- answers ----

RESTRICTED = ("aenq(0..3, t) == 1", "aenq(4, t) <= 1")


@pytest.mark.parametrize(
    ("policy", "same_step", "most"),
    [("fq-codel-rejoins", False, 8), ("fq-codel", False, 3), ("fq-codel-rejoins", True, 9), ("fq-codel", True, 3)],
)
def test_sparse_queue_of_fq_codel(policy: str, same_step: bool, most: int) -> None:
    """Four queues get one a step, the fifth what it likes, up to one: the largest number of its services, proved."""
    answer = answered(Asked.SERVICE, policy, 5, 14, RESTRICTED, victim=4, maximise=True, same_step=same_step)
    assert (answer.value, answer.bound, answer.proved_maximal) == (most, most, True)
    assert answer.replay is not None
    assert answer.replay.observed == most


def sparse_service(bits: Sequence[int], rejoins: bool, same_step: bool) -> int:
    """Return how often queue 2 is served, by two plain queues of numbers; queues 0 and 1 get one each step."""
    new: deque[int] = deque()
    old: deque[int] = deque()
    backlog, services = [0, 0, 0], 0

    def arrive(bit: int) -> None:
        for queue, count in enumerate((1, 1, bit)):
            if count and queue not in new and queue not in old:
                new.append(queue)
            backlog[queue] += count

    for bit in bits:
        if same_step:
            arrive(bit)
        while old and not new and not backlog[old[0]]:
            old.popleft()
        line = new or old
        if line:
            fresh, queue = line is new, line.popleft()
            backlog[queue] -= 1
            services += queue == 2
            if backlog[queue] or (fresh and not rejoins):
                old.append(queue)
        if not same_step:
            arrive(bit)
    return services


@pytest.mark.parametrize("same_step", [False, True])
@pytest.mark.parametrize("rejoins", [False, True])
def test_the_largest_is_that_of_all_schedules(rejoins: bool, same_step: bool) -> None:
    """All 2^9 schedules of the third queue, run by hand, have the maximum that the engine proves."""
    most = max(sparse_service(bits, rejoins, same_step) for bits in itertools.product((0, 1), repeat=9))
    policy = "fq-codel-rejoins" if rejoins else "fq-codel"
    assume = ("aenq(0..1, t) == 1", "aenq(2, t) <= 1")
    answer = answered(Asked.SERVICE, policy, 3, 9, assume, victim=2, maximise=True, same_step=same_step)
    assert (answer.value, answer.proved_maximal) == (most, True)


def test_fq_codel_list_bug() -> None:
    """A queue gets 5 of 14 services although four others are always backlogged; the mended lists allow 4."""
    wanted = {"victim": 4, "at_least": Fraction(5)}
    found = answered(Asked.SERVICE, "fq-codel-rejoins", 5, 14, ["cenq(0..3, t) >= t"], **wanted)
    assert found.finding is Finding.FOUND
    assert found.replay is not None
    assert found.replay.observed >= 5
    assert (
        answered(Asked.SERVICE, "fq-codel", 5, 14, ["cenq(0..3, t) >= t + 1"], **wanted).finding is Finding.IMPOSSIBLE
    )


def test_strict_priority_blocks() -> None:
    """Queue 2 of 4 is blocked in 6 of 7 steps, and no longer: in step 0 nothing has come yet."""
    answer = answered(Asked.BLOCKED, "priority", 4, 7, victim=2, maximise=True, minimal=True)
    assert (answer.value, answer.proved_maximal) == (6, True)
    assert answer.schedule is not None
    assert len(answer.schedule.requests) == 7  # its own, and one for each step that it is blocked
    assert answered(Asked.BLOCKED, "priority", 4, 7, victim=0, at_least=Fraction(1)).finding is Finding.IMPOSSIBLE


def test_strict_priority_starves() -> None:
    """Two steps are enough for a loop: one more request of a better queue in each."""
    answer = answered(Asked.STARVATION, "priority", 4, 7, victim=2, minimal=True)
    assert answer.schedule is not None
    assert (answer.schedule.parameters["steps"], answer.schedule.parameters["loop"]) == (2, 1)
    assert answer.replay is not None
    assert not any(mark.kind == "service" for mark in answer.replay.lanes[2].marks), (
        "it waits for ever in the picture too"
    )
    assert [(r.tenant, r.arrival_ns) for r in answer.schedule.requests] in (
        [(0, 1), (2, 1), (0, 2)], [(0, 1), (2, 1), (1, 2)], [(1, 1), (2, 1), (0, 2)], [(1, 1), (2, 1), (1, 2)],
    )  # fmt: skip


@pytest.mark.parametrize("policy", ["priority", "fq-codel-rejoins"])
def test_a_loop_of_steps_is_a_loop_of_requests(policy: str) -> None:
    """The claim of lassos of requests, which has an induction of its own, says the same; weights add up to the peak."""
    answer = answered(Asked.STARVATION, policy, 3, 7, minimal=True)
    assert answer.schedule is not None
    found = answer.schedule.parameters
    steps, loop = found["steps"], found["loop"]
    assert isinstance(steps, int)
    assert isinstance(loop, int)
    parameters = {"weights": (Fraction(1, 3),) * 3, "priorities": found["priorities"], "peak": 1,
                  "tenant": found["tenant"], "loop_from": steps - loop + 1, "loop": loop}  # fmt: skip
    lasso = Schedule("AR-4", "starves", "arbiter", policy, "starvation", parameters, answer.schedule.requests)
    assert replay(lasso).violated
    assert not replay(lasso, "round-robin").violated


@pytest.mark.parametrize(
    ("policy", "queues", "starves"),
    [("fq-codel-rejoins", 3, True), ("fq-codel", 3, False), ("round-robin", 3, False), ("drr", 2, False)],
)
def test_who_starves(policy: str, queues: int, starves: bool) -> None:
    # Under a name of its own, so that no theorem answers.
    own = attrs.evolve(ARBITERS[policy], name="own")
    answer = ask(attrs.evolve(asked(Asked.STARVATION, policy, queues, 4), policy=own))
    assert answer.finding is (Finding.FOUND if starves else Finding.IMPOSSIBLE)


def test_theorems_answer_for_every_number_of_steps() -> None:
    """What a theorem rules out is not searched, and the maximum that it allows is shown to be reached."""
    assert set(THEOREMS) <= {theorem.id for theorem in catalogue()}
    for policy, most in (("round-robin", 2), ("fq-codel", 4)):
        above = answered(Asked.BLOCKED, policy, 3, 500, at_least=Fraction(most + 1))
        assert (above.finding, above.engine, above.bound) == (Finding.IMPOSSIBLE, "theorem", most)
        starves = answered(Asked.STARVATION, policy, 3, 500)
        assert (starves.finding, starves.theorem) == (Finding.IMPOSSIBLE, above.theorem)
        largest = answered(Asked.BLOCKED, policy, 3, 8, maximise=True)
        assert (largest.value, largest.proved_maximal, largest.theorem) == (most, True, above.theorem)
    # Under the name of another, a policy of one's own is searched.
    own = attrs.evolve(FQ_CODEL_REJOINS, name="fq-codel")
    question = attrs.evolve(asked(Asked.STARVATION, "priority", 3, 4), policy=own)
    assert ask(question).finding is Finding.FOUND


@pytest.mark.parametrize("policy", ["round-robin", "fq-codel"])
def test_the_search_agrees_with_the_theorems(policy: str) -> None:
    """Searched under another name, nothing is above what the theorem allows."""
    own = attrs.evolve(ARBITERS[policy], name="own")
    question = attrs.evolve(asked(Asked.BLOCKED, policy, 3, 8, maximise=True), policy=own)
    answer = ask(question)
    ceiling = ceiling_of(asked(Asked.BLOCKED, policy, 3, 8))
    assert ceiling is not None
    assert (answer.value, answer.theorem) == (ceiling.blocked(3), "")


def test_sixty_four_queues() -> None:
    answer = answered(Asked.BLOCKED, "priority", 64, 7, victim=62, at_least=Fraction(6))
    assert answer.finding is Finding.FOUND


def test_round_robin_gives_more_to_who_sends_less() -> None:
    """Queue 2 is served 3 times more than queue 1 in the last five steps, although it got less in all."""
    assume = ["cenq(1, 9) > cenq(2, 9)", "cenq(0..4, 4) >= 4", "cenq(0..4, 9) >= 8"]
    shows = "cdeq(2, 5..9) - cdeq(1, 5..9) >= 3"
    answer = answered(Asked.CONDITION, "round-robin", 5, 10, assume, shows=shows)
    assert answer.finding is Finding.FOUND
    impossible = answered(Asked.CONDITION, "round-robin", 5, 10, [*assume, "backlog(1, t) >= 2"], shows=shows)
    assert impossible.finding is Finding.IMPOSSIBLE


def test_waits() -> None:
    """Under round robin each other goes before the head of a queue once, and before the next in it once more.

    The first of queue 1 finds one other before it, since nothing of it was served before.
    """
    one = ["cenq(0..2, T-1) <= 1"]
    assert answered(Asked.WAIT, "round-robin", 3, 8, one, maximise=True).value == 2
    two = ["cenq(1, T-1) <= 2"]
    assert answered(Asked.WAIT, "round-robin", 3, 9, two, victim=1, maximise=True).value == 4
    assert answered(Asked.WAIT, "round-robin", 3, 9, two, victim=1, maximise=True, same_step=True).value == 4


def test_arrivals_within_a_span() -> None:
    """With at least one a step for each of two queues, no queue can be served in every step but the first."""
    exact = {"arrivals": Span(1, 2), "victim": 0, "maximise": True}
    assert answered(Asked.SERVICE, "round-robin", 2, 7, **exact).value == 3
    assert answered(Asked.SERVICE, "round-robin", 2, 7, victim=0, maximise=True).value == 6


BUCKET = {key: Fraction(value) for key, value in {"rate": 3, "depth": 6, "level": 0}.items()}


def test_more_than_the_refill_leaves_a_bucket_in_a_step() -> None:
    """Tokens of two steps go at once; more than the depth never."""
    assume = ["cenq(0, 2) >= 3", "cenq(0, 3) >= 6"]
    wanted = {"arrivals": Span(0, 10), "parameters": BUCKET}
    found = answered(Asked.CONDITION, "token", 1, 6, assume, shows="not deq(0, 0..5) <= 3", **wanted)
    assert found.finding is Finding.FOUND
    never = answered(Asked.CONDITION, "token", 1, 6, assume, shows="not deq(0, 0..5) <= 6", **wanted)
    assert never.finding is Finding.IMPOSSIBLE


def test_all_that_a_bucket_lets_through() -> None:
    """In 6 steps 3 tokens come in each but the first; what waits too long is full by then."""
    wanted = {"arrivals": Span(0, 10), "parameters": BUCKET, "victim": 0, "maximise": True}
    assert answered(Asked.SERVICE, "token", 1, 6, **wanted).value == 15
    assert answered(Asked.SERVICE, "token", 1, 6, ["aenq(0, 0..3) == 0"], **wanted).value == 6
    # The last of ten in step 1 find ten before them, of which three leave in each step from the first on.
    assert answered(Asked.WAIT, "token", 1, 6, **wanted).value == 4


def test_a_policy_of_ones_own() -> None:
    """A policy that the catalogue lacks is searched, and replayed, as it is."""
    own = attrs.evolve(FQ_CODEL_REJOINS, name="mine")
    question = attrs.evolve(asked(Asked.STARVATION, "priority", 3, 4), policy=own)
    answer = ask(question)
    assert answer.finding is Finding.FOUND
    assert answer.schedule is not None
    assert answer.schedule.rule == "mine"


def test_out_of_time_is_undecided() -> None:
    question = asked(Asked.SERVICE, "vtc", 4, 40, victim=3, maximise=True, limit_seconds=Fraction(1, 2))
    answer = ask(question)
    assert not answer.proved_maximal
    assert answer.finding is Finding.UNDECIDED or (answer.bound is not None and answer.value < answer.bound)  # type: ignore[operator]


def test_progress_is_told() -> None:
    told: list[str] = []
    find(asked(Asked.BLOCKED, "priority", 3, 5, victim=2, maximise=True), Clock(None), told.append)
    assert told[0].startswith("at least")
    assert told[-1] in ("at least 4 steps", "at most 4 steps")


def test_depth_costs_nothing() -> None:
    """Buffers of 10, 100 and 1000: the solver's work for the same questions grows by less than half.

    Of three seeds the luckiest counts, for each question: luck is what differs most between two runs.
    """
    work = []
    for depth in (10, 100, 1000):
        assume = (f"backlog(0..2, t) <= {depth}", "cenq(0..1, t) >= t")
        total = 0
        for times, possible in ((4, True), (6, True), (7, False)):
            least = []
            for seed in (1, 2, 3):
                begun = solver_work()
                wanted = {"victim": 2, "at_least": Fraction(times), "seed": seed}
                answer = answered(Asked.SERVICE, "fq-codel-rejoins", 3, 9, assume, **wanted)
                assert (answer.finding is Finding.FOUND) is possible
                least.append(solver_work() - begun)
            total += min(least)
        work.append(total)
    assert max(work) < 1.5 * work[0], work


def solver_work() -> int:
    """Return the resource units that the solver has used so far."""
    units: int = z3.SimpleSolver().statistics().get_key_value("rlimit count")
    return units


# ---- what is refused, and what does not replay ----

REFUSED = [
    (asked(Asked.GAP, "priority", 3, 4), "asked: expected one of"),
    (asked(Asked.BLOCKED, "fifo", 3, 4, maximise=True), "policy: expected a policy"),
    (asked(Asked.BLOCKED, "sfq", 3, 4, maximise=True), "policy: expected one that needs no tags"),
    (asked(Asked.BLOCKED, "fcfs", 3, 4, maximise=True), "policy: expected one that needs no tags"),
    (asked(Asked.BLOCKED, "early", 3, 4, maximise=True), "policy: expected one that needs no tags"),
    (asked(Asked.BLOCKED, "priority", 3, 0, maximise=True), "steps: expected 1 to 1000"),
    (asked(Asked.BLOCKED, "priority", 3, 4, maximise=True, weights=(Fraction(2),) * 3), "weights: expected all 1"),
    (asked(Asked.BLOCKED, "priority", 3, 4, maximise=True, victim=3), "victim: expected a tenant from 0 to 2"),
    (asked(Asked.BLOCKED, "priority", 3, 4), "at_least: expected a number"),
    (asked(Asked.SERVICE, "priority", 3, 4, maximise=True), "victim: expected the queue"),
    (asked(Asked.STARVATION, "token", 1, 4), "asked: expected another question than starvation"),
    (asked(Asked.WAIT, "token", 1, 4, maximise=True, parameters={"rate": Fraction(1, 2)}), "parameters: expected rate"),
    (asked(Asked.WAIT, "token", 1, 4, maximise=True, parameters={"rate": Fraction(1)}), "parameters: expected rate"),
    (asked(Asked.CONDITION, "priority", 3, 4), "shows: expected an expression"),
    (
        attrs.evolve(asked(Asked.BLOCKED, "priority", 3, 4, maximise=True), assume=(parse_expression("t >= 0", 2, 4),)),
        "assume: expected an expression on 3 queues and 4 steps",
    ),
    (
        asked(Asked.BLOCKED, "priority", 3, 4, ["1 > 0 and " * 20 + "1 > 0"], maximise=True),
        "assume: expected expressions of at most 200 characters",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("question", "words"), REFUSED, ids=range(len(REFUSED)))
def test_refusals(question: Question, words: str) -> None:
    with pytest.raises(QuestionError) as refusal:
        ask(question)
    assert str(refusal.value).startswith(words)
    assert "\n" not in str(refusal.value)


def schedule_of(what: Asked, **more: Any) -> Schedule:
    """Return a schedule that the engine found, as it reads back from its file."""
    answer = answered(what, "priority", 3, 5, ["aenq(2, t) <= 1"], **more)
    assert answer.schedule is not None
    again = parse_schedule(schedule_text(answer.schedule))
    assert attrs.asdict(again) == attrs.asdict(parse_schedule(schedule_text(again)))
    return again


SHOWN = {
    "service": {"victim": 2, "at_least": Fraction(2)},
    "blocked": {"victim": 2, "at_least": Fraction(3)},
    "wait": {"victim": 2, "at_least": Fraction(3)},
    "starvation": {},
    "condition": {"shows": "deq(2, 3) == 1 and backlog(0..1, 1) == 0"},
}


@pytest.mark.parametrize("claim", SHOWN)
def test_schedules_replay_from_their_files(claim: str) -> None:
    schedule = schedule_of(Asked(claim), **SHOWN[claim])
    assert replay(schedule).violated
    # The same arrivals under an assumption that they break show nothing.
    broken = {**schedule.parameters, "assume": ("cenq(0, T-1) >= 99",)}
    shown = replay(attrs.evolve(schedule, parameters=broken))
    assert not shown.violated
    assert "breaks the assumption" in shown.finding
    # What is asked for one step more is not shown, unless it was not the largest.
    if claim in ("service", "blocked", "wait"):
        more = {**schedule.parameters, "at_least": 6}
        assert not replay(attrs.evolve(schedule, parameters=more)).violated


def test_a_loop_that_does_not_close_shows_nothing() -> None:
    schedule = schedule_of(Asked.STARVATION)
    least = attrs.evolve(schedule, requests=schedule.requests[:-1])
    assert not replay(least).violated
    fair = replay(schedule, "round-robin")
    assert not fair.violated


BROKEN = [
    ({"weights": (1, 2, 1)}, "parameters.weights: expected weights and a peak of 1"),
    ({"peak": 2}, "parameters.weights: expected weights and a peak of 1"),
    ({"steps": 0}, "parameters.steps: expected 1 to 10000, got 0"),
    ({"steps": Fraction(1, 2)}, "parameters.steps: expected a whole number"),
    ({"steps": 1}, "requests["),
    ({"same_step": 2}, "parameters.same_step: expected 0 to 1"),
    ({"tenant": 3}, "parameters.tenant: expected one of the 3 tenants"),
    ({"assume": ("cenq(0, t",)}, "parameters.assume, column 10: expected ')'"),
    ({"assume": (3,)}, "parameters.assume: expected a list of words"),
]


@pytest.mark.parametrize(("change", "message"), BROKEN, ids=range(len(BROKEN)))
def test_a_schedule_that_misfits_is_refused(change: dict[str, Any], message: str) -> None:
    schedule = schedule_of(Asked.BLOCKED, victim=2, at_least=Fraction(3))
    with pytest.raises(ReplayError) as refusal:
        replay(attrs.evolve(schedule, parameters={**schedule.parameters, **change}))
    assert str(refusal.value).startswith(message)


def test_random_schedules_are_counted_as_the_expressions_say() -> None:
    """What the claims count on the event simulator is what the expressions say of the run of the steps."""
    dice = random.Random(3)
    for _ in range(40):
        rows = [[dice.randrange(3) * dice.randrange(2) for _ in range(3)] for _ in range(6)]
        run = run_steps(ARBITERS["fq-codel"], step_tenants(3), rows)
        served = int(run.seen.cdeq[-1][2])
        expression = (f"cdeq(2, T-1) == {served}",)
        parameters = {
            "weights": (1, 1, 1),
            "peak": 1,
            "steps": 6,
            "tenant": 2,
            "at_least": served,
            "assume": expression,
        }
        schedule = Schedule("FC-1", "counts", "steps", "fq-codel", "service", parameters, requests_of(rows))
        shown = replay(schedule)
        assert (shown.violated, shown.observed) == (True, served)


def test_keeps_are_only_names() -> None:
    """Every name of the model is defined, and nothing else is added to it."""
    question = asked(Asked.BLOCKED, "fq-codel", 3, 4, maximise=True)
    with symbolic():
        model = step_model(question)
        leaves: list[Any] = []
        each(leaves.append, model.run.states[-1])
    defined = {str(definition.arg(0)) for definition in model.definitions}
    assert {str(leaf) for leaf in leaves if isinstance(leaf, z3.ExprRef)} <= defined
    assert all(z3.is_eq(definition) for definition in model.definitions)
