"""The problems on which headgate is measured beside other tools: each is solved, and within three times its target."""

import json
import subprocess
import sys
from fractions import Fraction

import attrs
import pytest

from headgate.benchmarks import peers
from headgate.benchmarks.peer_answers import Unsolved, explained, found, impossible, none, on_steps, proved, shown
from headgate.benchmarks.peer_problems import CHECKED, CLASS, FOUND, PROBLEMS, Peer, Problem
from headgate.model.arbiters import SFQ
from headgate.model.arbiters.wrong_tags import WRONG_TAGS
from headgate.model.replay import ReplayError, replay
from headgate.proofs.catalogue import catalogue
from headgate.proofs.catalogue.circle import bypass_attack
from headgate.proofs.catalogue.composition import burst_attack
from headgate.proofs.catalogue.weighted import SHORTEST, weighted_attack, wrong_tag_attack
from headgate.proofs.find.question import Asked, Question
from headgate.proofs.theorem import Query
from headgate.spec.schedules import parse_schedule, schedule_text
from headgate.spec.vocabulary import Request, Schedule

Text = pytest.CaptureFixture[str]
BY_ID = {problem.id: problem for problem in PROBLEMS}

# Words that each column has to say; a column that solves something smaller would not.
SAYS = {
    ("H1", FOUND): (" of 14 services",),
    ("H1", CHECKED): ("exactly 8 and 3 services at most, 9 and 3 in their own step", "proved: fq-codel-turns"),
    ("H2", FOUND): ("blocked for 6 of 7 steps",),
    ("H2", CHECKED): ("4 queues: never blocked for 7",),
    ("H2", CLASS): ("(t > 5 or cenq(0, t) >= t + 1)", "cenq(2, 0) >= 1"),
    ("H2-64", FOUND): ("4 queues, a loop of ", "64 queues, a loop of ", "64 queues: blocked for 6 steps"),
    ("H2-64", CHECKED): ("64 queues: never blocked for 7",),
    ("H3a", FOUND): ("three services ahead in each of the last five steps",),
    ("H3a", CHECKED): ("never four services ahead",),
    ("H3a", CLASS): ("cenq(0..1, 3) <= 0", "(t > 3 or cenq(2, t) >= t + 1)"),
    ("H4a", FOUND): ("more than 3 leave", "as many as 6"),
    ("H4a", CHECKED): ("never more than 6",),
    ("H4c", FOUND): ("2 requests: 2 B where 1 B are allowed",),
    ("H4c", CHECKED): ("never in fewer than 2 requests",),
    ("H3b", FOUND): ("N = 2..16", "exactly N - 1"),
    ("H3b", CHECKED): ("round-robin-bypass",),
    ("H4b", FOUND): ("the envelope of ", "is reached"),
    ("H4b", CHECKED): ("bucket-envelope",),
    ("H5", FOUND): ("is reached by 4 requests", *(f"{name} {count}" for name, count in SHORTEST.items())),
    ("H5", CHECKED): ("sfq-weighted-gap",),
    ("H6", FOUND): ("5 requests", "16 times the bytes"),
    ("H6", CHECKED): ("share-under-refresh",),
    ("H7", FOUND): ("114/5 of 23 ns, 99.13 %", "backlog of 32 B", "without the tax 8 ns, where 7 ns are promised"),
    ("H7", CHECKED): ("composed-delay, composed-backlog",),
}


def test_every_problem_stands_once() -> None:
    assert len(BY_ID) == len(PROBLEMS)
    assert {name for name, _ in SAYS} == set(BY_ID)
    for problem in PROBLEMS:
        assert set(problem.columns) <= set(peers.COLUMNS)
        assert problem.statement.endswith(".")
        assert problem.peer.says


SLOW = {"H1": pytest.mark.soak}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=SLOW.get(name, ())) for name in sorted({name for name, _ in SAYS})]
)
def test_a_problem_is_solved_in_time(name: str) -> None:
    """The budget is three times the target, so that a busy machine does not make it fail."""
    problem, spent = BY_ID[name], 0.0
    for column in problem.columns:
        answer, seconds = peers.solve(problem, column)
        spent += seconds
        for words in SAYS[name, column]:
            assert words in answer, answer
    assert spent <= 3 * problem.target


@pytest.mark.parametrize("name", ["H1", "H2", "H3a"])
def test_the_schedule_alone_is_found_in_time(name: str) -> None:
    within = BY_ID[name].found_within
    assert within is not None
    answer, spent = peers.solve(BY_ID[name], FOUND)
    assert all(words in answer for words in SAYS[name, FOUND]), answer
    assert spent <= 3 * within


# ---- what the answers rest on ----


@pytest.mark.parametrize("count", [2, 5, 16])
def test_round_robin_waits_through_all_others_and_no_more(count: int) -> None:
    schedule, shown = found(lambda: bypass_attack(count, count - 1, ranked=True), "wait")
    assert shown.observed == count - 1
    assert {request.tenant for request in schedule.requests} == set(range(count))
    as_stated = attrs.evolve(schedule, parameters={**schedule.parameters, "tighter_by": 0})
    assert not replay(as_stated).violated


def test_round_robin_never_waits_longer() -> None:
    none(lambda: bypass_attack(5, 5), "a wait of five services")


@pytest.mark.parametrize("name", sorted(SHORTEST))
def test_a_wrong_tag_is_shown_by_so_many_requests_and_sfq_keeps_them_fair(name: str) -> None:
    """The schedule is read back from its file, replays, and is no violation under SFQ and SCFQ."""
    schedule, shown = found(lambda: wrong_tag_attack(name, SHORTEST[name]), name)
    assert len(schedule.requests) == SHORTEST[name]
    assert shown.violated
    assert replay(parse_schedule(schedule_text(schedule))).observed == shown.observed
    assert not replay(schedule, "sfq").violated
    assert not replay(schedule, "scfq").violated


def test_every_wrong_tag_is_searched() -> None:
    assert set(SHORTEST) == set(WRONG_TAGS)


def test_sfq_has_no_schedule_beyond_its_gap() -> None:
    none(lambda: weighted_attack(SFQ, 4, 2, attained=False), "a gap above the bound")


def test_the_burst_is_as_late_as_it_gets() -> None:
    """One hundredth less of the bound is shown by a schedule, the whole of it by none."""
    schedule, _ = found(lambda: burst_attack(Fraction(99, 100), 4), "99 %")
    assert len(schedule.requests) == 24
    none(lambda: burst_attack(Fraction(1), 4), "the whole bound")


# ---- the claims ----


def two(claim: str, **parameters: object) -> Schedule:
    """Return two tenants that send a byte each."""
    given = {"depths": (4, 4), "rates": (1, 1), "peak": 4, **parameters}
    requests = (Request(0, 0, 1), Request(1, 0, 1))
    return Schedule("CP-1", "s.", "composed", "corrected", claim, given, requests)


def test_a_set_that_is_refused_was_promised_nothing() -> None:
    shown = replay(two("delay", rates=(3, 3), tighter_by=100))
    assert not shown.violated
    assert shown.finding.startswith("the rule refuses the set; ")
    assert replay(two("delay", rates=(2, 2), tighter_by=100)).violated


def test_what_no_bucket_admits_is_no_violation() -> None:
    assert replay(attrs.evolve(two("delay"), requests=(Request(0, 0, 5),))).finding == "nothing is admitted"
    assert not replay(attrs.evolve(two("backlog"), requests=())).violated


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (two("delay", rates=(1,)), "parameters.rates: expected one for each of 2 buckets, got 1"),
        (two("backlog", depths=(4,), rates=(4,)), "requests[1].tenant: expected one of the 1 tenants"),
        (attrs.evolve(two("delay"), rule="sfq"), "rule: expected one of corrected, no-tax, got sfq"),
        (two("delay", tighter_part=2), "parameters.tighter_part: expected at most 1, got 2"),
        (
            Schedule("CP-4", "s.", "arbiter", "vtc", "gap", {"weights": (1, 1), "entitled": (1,), "peak": 1}, ()),
            "parameters.entitled: expected one weight for each of 2 tenants",
        ),
    ],
)
def test_a_schedule_that_does_not_fit_is_refused(schedule: Schedule, message: str) -> None:
    with pytest.raises(ReplayError) as refusal:
        replay(schedule)
    assert str(refusal.value) == message


def test_charged_by_the_byte_two_tenants_read_alike() -> None:
    """What refutes fairness in tokens is fair where the counter's weights are the entitled ones."""
    schedule, shown = found(lambda: _attack("bytes-not-tokens"), "tokens")
    assert shown.violated
    for rule in ("vtc", "sfq", "scfq"):
        in_bytes = attrs.evolve(schedule, parameters={**schedule.parameters, "weights": (1, 1)})
        assert not replay(in_bytes, rule).violated


def _attack(name: str) -> Query:
    theorem = next(theorem for theorem in catalogue() if theorem.id == name)
    assert theorem.attack is not None
    return theorem.attack(Fraction(0))


# ---- the benchmark ----


def test_it_prints_every_column_and_a_ratio(capsys: Text) -> None:
    assert peers.main(["--runs", "1", "--only", "H4b"]) == 0
    printed = capsys.readouterr().out
    for words in ("H4b  For all depths", FOUND, CHECKED, "target 0.2 s", ">", "FPerf (NSDI 2023): over 300 s"):
        assert words in printed


def test_a_cold_process_says_what_it_found() -> None:
    command = [sys.executable, "-P", "-m", "headgate.benchmarks.peers", "--solve", "H4b", CHECKED]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert told["found"] == "proved: bucket-envelope"
    assert told["seconds"] > 0


def test_a_problem_that_is_not_solved_is_said(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsolved() -> str:
        raise Unsolved("expected a schedule, found none")

    problem = Problem("X", "It is.", {FOUND: unsolved}, Peer("p", "s"), Fraction(1))
    monkeypatch.setattr(peers, "PROBLEMS", (problem,))
    assert peers.main(["--solve", "X", FOUND]) == 1
    assert capsys.readouterr().out == "expected a schedule, found none\n"


@pytest.mark.parametrize("arguments", [["--solve", "H4b", "no column"], ["--runs", "0"], ["--only", "H0"]])
def test_bad_usage_is_two(arguments: list[str], capsys: Text) -> None:
    with pytest.raises(SystemExit) as stop:
        peers.main(arguments)
    assert stop.value.code == 2
    assert "expected" in capsys.readouterr().err or arguments[0] == "--only"


def test_what_is_not_proved_is_not_solved() -> None:
    with pytest.raises(Unsolved, match="essay-tag: expected a proof"):
        proved("essay-tag")()
    with pytest.raises(Unsolved, match="expected no schedule, found one"):
        none(lambda: bypass_attack(3, 2), "a wait")
    with pytest.raises(Unsolved, match="expected a proof that there is none, got found"):
        impossible(Question(Asked.OVERRUN, "paused", requests=2), "two requests")
    with pytest.raises(Unsolved, match="expected a schedule, got impossible"):
        shown(Question(Asked.OVERRUN, "paused", requests=1), "one request")
    with pytest.raises(Unsolved, match="expected a class of traffic, found none"):
        explained(lambda: on_steps(Asked.BLOCKED, "priority", 2, 3, victim=0, at_least=Fraction(1)))()
    with pytest.raises(Unsolved, match="expected a schedule, found none"):
        found(lambda: bypass_attack(3, 3), "a wait")


def test_a_ratio_is_more_than_where_the_peer_was_stopped() -> None:
    assert peers.ratio(BY_ID["H4b"], 0.5) == ">600 x"
    assert peers.ratio(BY_ID["H3b"], 0.5) == "190 x"
    assert peers.ratio(BY_ID["H5"], 0.5) == "-"
