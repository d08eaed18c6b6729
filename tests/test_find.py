"""Find by table of requests: minimal schedules, proved maxima, theorems at once, limits, and what may not be asked.

That maxima are those of all schedules there are is held in test_find_brute.
"""

import json
import subprocess
import sys
import time
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Any

import attrs
import pytest

from headgate.cli import find as face
from headgate.cli import worker
from headgate.cli.began import process_began
from headgate.cli.exits import Exit
from headgate.cli.main import run
from headgate.model.algebra import best
from headgate.model.arbiters import ARBITERS, ESSAY, FCFS, SFQ, Arrival, Policy, Stamp, Tenants
from headgate.model.replay import replay
from headgate.proofs.catalogue import catalogue
from headgate.proofs.find import asking, goals
from headgate.proofs.find.asking import Clock, NoReplayError, ask
from headgate.proofs.find.question import Answer, Asked, Finding, Question, QuestionError, Span
from headgate.proofs.find.search import Search
from headgate.proofs.find.settled import THEOREMS, Ceiling, ceiling_of
from headgate.proofs.find.staging import tenants_asked
from headgate.proofs.find.symmetry import orders_freely
from headgate.proofs.symbolic import symbolic
from headgate.proofs.table import Stage
from headgate.proofs.theorem import Expect
from headgate.spec.schedules import read_schedule
from headgate.tests.json_schema import complaints

MUST_SHOW = ("fcfs", "priority", "sfq", "scfq", "essay")


def find_gap(policy: str | Policy, **more: Any) -> Answer:
    return ask(Question(Asked.GAP, policy, **more))


# ---- minimal schedules ----


def test_the_essay_tag_needs_four_requests() -> None:
    answer = find_gap("essay", minimal=True, requests=6)
    assert answer.finding is Finding.FOUND
    assert answer.schedule is not None
    assert [(r.tenant, r.arrival_ns, r.bytes) for r in answer.schedule.requests] == [(0, 0, 1)] * 3 + [(1, 0, 1)]
    assert answer.established == ("no schedule of up to 3 requests does it (proved)",)
    assert not replay(answer.schedule, "sfq").violated


@pytest.mark.parametrize("policy", ["fcfs", "priority"])
def test_minimal_gaps_of_the_simple_policies(policy: str) -> None:
    """Two requests of two bytes in a row, while one byte of another tenant waits."""
    answer = find_gap(policy, minimal=True)
    assert answer.schedule is not None
    assert [(r.tenant, r.arrival_ns, r.bytes) for r in answer.schedule.requests] == [(0, 0, 2), (0, 0, 2), (1, 0, 1)]
    assert answer.established == ("no schedule of up to 2 requests does it (proved)",)
    assert not replay(answer.schedule, "sfq").violated


@pytest.mark.parametrize(("rule", "requests"), [("essay", 1), ("paused", 2)])
def test_minimal_overruns(rule: str, requests: int) -> None:
    answer = ask(Question(Asked.OVERRUN, rule, minimal=True))
    assert answer.schedule is not None
    assert len(answer.schedule.requests) == requests
    assert not replay(answer.schedule, "token").violated


def test_a_minimal_schedule_is_the_same_again() -> None:
    """Whatever the solver's seed."""
    found = {find_gap("fcfs", minimal=True, seed=seed).schedule.requests for seed in (1, 7)}  # type: ignore[union-attr]
    assert len(found) == 1


# ---- maxima ----


@pytest.mark.parametrize("policy", MUST_SHOW)
def test_the_longest_wait_is_proved(policy: str) -> None:
    answer = ask(Question(Asked.WAIT, policy, 3, requests=5, maximise=True))
    assert (answer.value, answer.bound, answer.proved_maximal) == (16, 16, True)
    assert answer.replay is not None
    assert answer.replay.observed == 16


def test_the_smallest_schedule_of_a_maximum() -> None:
    """Fewest requests first: those that it waits for, and itself."""
    answer = ask(Question(Asked.WAIT, "fcfs", requests=4, sizes=Span(1, 6), within_ns=6, maximise=True, minimal=True))
    assert (answer.value, answer.proved_maximal) == (6, True)
    assert answer.schedule is not None
    assert [(r.arrival_ns, r.bytes) for r in answer.schedule.requests] == [(0, 6), (0, 1)]
    assert "no schedule of one request reaches it (proved)" in answer.established


def test_a_maximum_that_no_theorem_knows() -> None:
    answer = find_gap("drr", requests=4, maximise=True)
    assert (answer.proved_maximal, answer.theorem) == (True, "")
    assert answer.value is not None
    assert answer.established == (f"no schedule of up to 4 requests goes above {answer.value} ns (proved)",)
    assert find_gap("drr", requests=4, at_least=answer.value + 1).finding is Finding.IMPOSSIBLE


@pytest.mark.parametrize("policy", [*MUST_SHOW, "drr", "vtc", "early", "wf2q+"])
def test_the_solver_agrees_with_the_ceiling_of_a_theorem(policy: str) -> None:
    """The theorems spare the search; here it is done all the same."""
    for asked in (Asked.WAIT, Asked.GAP, Asked.DEFICIT):
        question = Question(asked, policy, 2, requests=3, sizes=Span(1, 3), maximise=True)
        ceiling = ceiling_of(question)
        if ceiling is not None:
            with symbolic():
                goal = goals.goal_of(question, 3, lambda: None)
                assert Search(goal, Clock(None), 1).find(ceiling.value + goal.step) is None


def test_a_smaller_victim_has_a_maximum_of_its_own() -> None:
    """The best priority waits for one request in service, the worst for everybody."""
    waits = [
        ask(Question(Asked.WAIT, "priority", 2, requests=3, victim=victim, maximise=True, sizes=Span(4, 4))).value
        for victim in (0, 1)
    ]
    assert waits == [8, 8]
    within = ask(Question(Asked.WAIT, "priority", 2, requests=3, victim=1, maximise=True, within_ns=5))
    assert within.value == 5


def test_maxima_of_admission() -> None:
    question = Question(Asked.OVERSUBSCRIPTION, "essay", 2, maximise=True, device=_device())
    answer = ask(question)
    assert answer.proved_maximal
    assert answer.value == Fraction(85, 100) * 100 - Fraction(100 * 2, 4)
    assert ask(attrs.evolve(question, policy="corrected", maximise=False)).theorem == "admission-atomic"


def _device() -> Any:
    from headgate.spec.vocabulary import Device, RefreshRule

    return Device("toy", Fraction(100), Fraction(2), Fraction(0), Fraction(4), RefreshRule.JEDEC, Fraction(70))


# ---- theorems at once ----


def test_the_theorems_that_answer_are_proved_ones() -> None:
    known = {theorem.id: theorem for theorem in catalogue()}
    for name in THEOREMS:
        assert known[name].expect is Expect.PROVED
        assert known[name].obligations is not None


def test_a_theorem_answers_before_a_solver_is_loaded() -> None:
    script = (
        "import sys; from headgate.cli.main import run\n"
        "code = run('find gap --policy sfq --tenants 3 --at-least 9'.split())\n"
        "assert not {'z3', 'hypothesis', 'numpy', 'rich'} & set(sys.modules), set(sys.modules)\n"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("impossible: a gap of 9 or more, by theorem sfq-pairwise-gap")


def test_a_theorem_is_not_stretched() -> None:
    """Not to a policy that only bears the name, not to a server with blackouts, not to the bound itself."""
    bound = find_gap("sfq", tenants=2, requests=4, at_least=Fraction(8))
    assert (bound.finding, bound.theorem) == (Finding.FOUND, "")
    impostor = attrs.evolve(FCFS, name="sfq")
    assert find_gap(impostor, minimal=True).finding is Finding.FOUND
    assert ceiling_of(Question(Asked.WAIT, "fcfs", 2, device=_device())) is None
    counted = ceiling_of(Question(Asked.GAP, "fcfs", 2))
    assert counted is not None
    assert (counted.value, counted.theorem, counted.is_natural) == (12, "", False)
    assert ceiling_of(Question(Asked.WAIT, "fcfs", 9)) is None


def test_a_question_below_the_ceiling_is_searched() -> None:
    answer = find_gap("sfq", requests=3, at_least=Fraction(15, 2))
    assert (answer.finding, answer.theorem) == (Finding.IMPOSSIBLE, "")
    assert answer.established == ("no schedule of up to 3 requests does it (proved)",)


# ---- your own policy ----


def test_a_policy_of_your_own() -> None:
    """SFQ that forgets to stamp behind the tenant's last tag, as the essay does."""

    def stamp(state: Any, tenant: Any, arrival: Arrival) -> tuple[Any, Stamp]:
        return state, Stamp(state.virtual, state.virtual + arrival.cost, arrival.size, arrival.order)

    forgetful = attrs.evolve(SFQ, name="forgetful", stamp=stamp)
    answer = find_gap(forgetful, minimal=True)
    assert answer.schedule is not None
    assert (answer.schedule.rule, len(answer.schedule.requests)) == ("forgetful", 3)
    assert replay(answer.schedule, forgetful).violated
    assert not replay(answer.schedule, "sfq").violated


def test_two_policies_that_are_one() -> None:
    """A policy under another name is the same; one that breaks its ties the other way is not."""

    def select(state: Any, tenants: Tenants, heads: Any, waiting: Any) -> Any:
        found, tenant, begin = best([head.begin for head in heads], waiting, tuple(reversed(tenants.order)))
        return found, tenant, attrs.evolve(state, virtual=begin)

    mirrored = attrs.evolve(SFQ, name="mirrored", select=select)
    same = attrs.evolve(SFQ, name="same")
    assert ask(Question(Asked.DIFFERENCE, "sfq", against=same, requests=3)).finding is Finding.IMPOSSIBLE
    apart = ask(Question(Asked.DIFFERENCE, mirrored, against="sfq", requests=3, minimal=True))
    assert apart.schedule is not None
    assert {request.arrival_ns for request in apart.schedule.requests} == {0}
    assert not replay(apart.schedule, "sfq").violated


def test_a_schedule_that_does_not_replay_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    decode = goals._About.decode

    def wrong(self: Any, model: Any, wanted: Any) -> Any:
        found = decode(self, model, wanted)
        one = found.schedule.requests[0]
        return attrs.evolve(found, schedule=attrs.evolve(found.schedule, requests=(attrs.evolve(one, bytes=1),)))

    monkeypatch.setattr(goals._About, "decode", wrong)
    with pytest.raises(NoReplayError, match="does not replay"):
        find_gap("fcfs")
    assert run(["find", "gap", "--policy", "fcfs"]) == Exit.INTERNAL_FAULT


def test_a_schedule_above_a_proved_ceiling_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the two is wrong, and nobody may be told either."""
    from headgate.proofs.find import requests

    def too_low(question: Question) -> Ceiling:
        return Ceiling(Fraction(2), "ns", "sfq-pairwise-gap", "it is said")

    monkeypatch.setattr(requests, "ceiling_of", too_low)
    with pytest.raises(NoReplayError, match=r"it shows \d+ ns, nothing above 2 ns is possible"):
        find_gap("fcfs", maximise=True, sizes=Span(4, 4))


# ---- symmetry ----


def test_who_cares_for_the_order_of_one_instant() -> None:
    """Proved of each policy's own stamp and select; what uses the place in the file, or a shared counter, does."""
    question = Question(Asked.GAP, "sfq", 3)
    stage = Stage(tenants_asked(question), question.all_weights)
    with symbolic():
        free = {name for name, policy in ARBITERS.items() if not policy.exact_only and orders_freely(policy, stage)}
    assert free >= {"sfq", "scfq", "essay", "priority", "round-robin", "early"}
    assert not free & {"fcfs", "fr-fcfs", "fr-fcfs-cap", "drr", "vtc", "fq-codel"}


# ---- time ----


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_limit_is_kept_and_what_is_established_is_said(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An hour's question; the bound on the time is generous, since machines are busy."""
    begun = time.monotonic()
    asked = ["deficit", "--policy", "sfq", "--tenants", "4", "--requests", "12", "--at-least", "69/10", "--limit", "1"]
    code = run(["find", *asked, "--format", form])
    assert code == Exit.UNDECIDED
    assert time.monotonic() - begun < 15
    out = capsys.readouterr().out
    assert "requests does it (proved)" in out or "request does it (proved)" in out
    assert ("undecided: a deficit of 6.9 or more" if form == "text" else '"verdict": "undecided"') in out


SLOW = {
    "a search": "deficit --policy sfq --tenants 4 --requests 12 --at-least 69/10",
    "many terms": "blocked --policy fq-codel-rejoins --tenants 16 --horizon 60 --max",
    "a large table": "conflict --policy at-once --device h200 --each 8 --tenants 4",
}


@pytest.mark.parametrize("words", SLOW.values(), ids=SLOW)
def test_a_limit_counts_from_when_the_process_began(words: str) -> None:
    """Start-up is within it, and so is what is done before a solver is asked; there is slack for a busy machine."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "headgate.cli", "find", *words.split(), "--limit", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (Exit.UNDECIDED, "")
    assert time.monotonic() - begun < 7


def test_a_limit_that_is_over_before_the_command_begins(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["gap", "--policy", "essay", "--tenants", "4", "--requests", "12", "--max", "--limit", "5"]
    assert run(["find", *words], time.monotonic() - 6) == Exit.UNDECIDED
    assert capsys.readouterr().out.startswith("undecided: the largest gap")


def test_when_a_process_began() -> None:
    """A new one says so itself; this one began so long ago that a limit counts from now."""
    script = "import time; from headgate.cli.began import process_began; print(-process_began() + time.monotonic())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert 0 <= float(done.stdout) < 5
    before = process_began()
    assert 0 <= time.monotonic() - before < 5


def test_only_a_lower_bound_is_undecided(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["find", "gap", "--policy", "essay", "--tenants", "4", "--requests", "12", "--max", "--limit", "2"])
    assert code == Exit.UNDECIDED
    out = capsys.readouterr().out
    assert out.startswith("at least: ")
    assert "not proved maximal" in out


def test_the_solver_works_again_after_it_was_stopped() -> None:
    """An interrupt that comes late must not answer the next question."""
    hard = Question(Asked.GAP, "essay", 4, requests=12, maximise=True, limit_seconds=Fraction(1, 2))
    for _ in range(3):
        assert not ask(hard).proved_maximal
        assert find_gap("essay", minimal=True).value == 3


def test_a_clock() -> None:
    clock = Clock(Fraction(1, 1000))
    time.sleep(0.002)
    assert clock.is_up
    assert clock.left_ms() == 1
    with pytest.raises(asking.OutOfTimeError):
        clock.check()
    assert Clock(None).left_ms() is None


# ---- the command ----


def test_found_saved_and_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "w.json"
    asked = f"find wait --policy priority --tenants 3 --victim 2 --at-least 12 --save {place}"
    assert run(asked.split()) == Exit.VIOLATED
    out = capsys.readouterr().out
    assert out.startswith("found: 12 ns (priority, 3 tenants, up to 4 requests of 1..4 B)\n")
    assert f"headgate replay {place} --policy sfq" in " ".join(out.split())
    assert "┣" in out
    assert run(["replay", str(place)]) == Exit.VIOLATED
    assert run(["replay", str(place), "--policy", "sfq"]) in (Exit.HOLDS, Exit.VIOLATED)
    assert read_schedule(place).parameters["at_least"] == 12


def test_json_can_be_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["find", "gap", "--policy", "essay", "--minimal", "--format", "json"]) == Exit.VIOLATED
    out = capsys.readouterr().out
    data = json.loads(out)
    (result,) = data["results"]
    assert (data["command"], data["verdict"]) == ("find", "violated")
    assert (result["verdict"], result["value"], result["proved_maximal"]) == ("found", 3, False)
    place = tmp_path / "out.json"
    place.write_text(out)
    assert run(["replay", str(place), "--id", result["id"]]) == Exit.VIOLATED
    assert run(["replay", str(place), "--id", result["id"], "--policy", "scfq"]) == Exit.HOLDS


PRINTED = (
    "gap --policy essay --minimal",
    "gap --policy sfq --at-least 99",
    "oversubscription --policy essay --device h200 --max",
    "deficit --policy fcfs --weights 1/2,1/3 --max --requests 3",
    "blocked --policy priority --tenants 3 --horizon 4 --victim 2 --at-least 3 --explain",
    "starvation --policy priority --horizon 4",
    "eviction --policy lru",
    "conflict --colours 1,1 --banks 2",
)


def schema(name: str) -> Any:
    """Return a published schema."""
    return json.loads((resources.files("headgate.spec") / "schemas" / f"{name}.schema.json").read_text("utf-8"))


@pytest.mark.parametrize("words", PRINTED)
def test_json_has_the_published_form(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(["find", *words.split(), "--format", "json"])
    data = json.loads(capsys.readouterr().out)
    assert complaints(data, schema("find")) == []
    (result,) = data["results"]
    assert result["witness"] is None or complaints(result["witness"], schema("schedule")) == []


def test_the_published_form_refuses_others(capsys: pytest.CaptureFixture[str]) -> None:
    run(["find", "gap", "--policy", "sfq", "--at-least", "99", "--format", "json"])
    data = json.loads(capsys.readouterr().out)
    wrong: list[dict[str, Any]] = [{"value": 1.5}, {"question": "frob"}, {"surprise": 1}, {"established": [""]}]
    for change in wrong:
        assert complaints({**data, "results": [{**data["results"][0], **change}]}, schema("find")) != []
    assert set(schema("find")["$defs"]["result"]["properties"]["question"]["enum"]) == {a.value for a in Asked}


def test_a_picture_that_needs_time_is_refused_before_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Guarantees are admitted at no time; an SVG shows them as bars."""

    def searched(*_: Any) -> Any:
        raise AssertionError("it was searched")

    words = "find oversubscription --policy essay --device h200 --picture"
    assert run([*words.split(), str(tmp_path / "bars.svg")]) == Exit.VIOLATED
    capsys.readouterr()
    monkeypatch.setattr(face, "ask_with_progress", searched)
    for name in ("a.json", "a.vcd"):
        assert run([*words.split(), str(tmp_path / name)]) == Exit.BAD_INPUT
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert "expected a name in .svg or .png, as time plays no part" in err


def test_exit_codes_of_a_maximum(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["find", "wait", "--policy", "fcfs", "--requests", "2", "--max", "--format", "json"]) == Exit.HOLDS
    data = json.loads(capsys.readouterr().out)
    assert data["verdict"] == "holds"
    assert data["results"][0]["proved_maximal"] is True
    assert data["results"][0]["theorem"] == "arbiters-work-conserving"


def test_a_contract_file_says_who_shares_what(capsys: pytest.CaptureFixture[str]) -> None:
    """Weights, priorities, policy and device are those of the file; its best-effort tenant has no share."""
    from importlib import resources

    place = str(resources.files("headgate.examples") / "h200_eight_tenants.toml")
    assert run(["find", "gap", "--contracts", place, "--sizes", "1..65536"]) == Exit.HOLDS
    assert "sfq-pairwise-gap" in capsys.readouterr().out
    asked = ["find", "gap", "--contracts", place, "--policy", "fcfs", "--sizes", "65536..65536", "--requests", "4"]
    assert run(asked) == Exit.VIOLATED
    assert "7 tenants" in capsys.readouterr().out


BAD = [
    ("frob", "Invalid value for 'QUESTION'"),
    ("gap", "--policy: expected who serves"),
    ("gap --policy frob", "policy: expected one of sfq, "),
    ("gap --policy wfq", "policy: wfq runs on exact numbers alone"),
    ("gap --policy sfq --tenants 1", "gap: expected at least 2 tenants, got 1"),
    ("gap --policy sfq --tenants 99", "tenants: expected 1 to 16, got 99"),
    ("gap --policy sfq --requests 0", "requests: expected 1 to 12, got 0"),
    ("gap --policy sfq --weights 1,0", "weights: expected 2 numbers above 0"),
    ("gap --policy sfq --weights 1,2,3 --tenants 2", "weights: expected 2 numbers above 0"),
    ("gap --policy sfq --weights 1,nan", "expected a number such as 40, 2.5 or 5/2, got 'nan'"),
    ("gap --policy sfq --priorities 1,1/2", "--priorities: expected whole numbers"),
    ("gap --policy sfq --sizes 4", "expected A..B"),
    ("gap --policy sfq --sizes 4..1", "sizes: expected A..B with 1 <= A <= B"),
    ("gap --policy sfq --arrivals 3..2", "arrivals: expected A..B with 0 <= A <= B"),
    ("gap --policy sfq --victim 2", "victim: expected a tenant from 0 to 1, got 2"),
    (
        "gap --policy sfq --max --at-least 3",
        "got both (--at-least or --max)",
    ),
    ("gap --policy sfq --victim 7", "--victim: expected a tenant"),
    ("gap --policy sfq --limit 0", "limit: expected more than 0 and at most 1000000 seconds"),
    ("gap --policy sfq --within -1", "within: expected 0 ns or more"),
    ("gap --policy sfq --against fcfs", "a second policy: expected one for a difference"),
    ("difference --policy sfq", "a second policy: expected one for a difference, and for nothing else (--against)"),
    ("wait --policy sfq", "wait: expected at least how many ns, or the largest of all"),
    ("wait --policy sfq --max --same-step", "expected a number of steps"),
    ("wait --policy sfq --max --assume 1>=0", "--assume: expected --horizon STEPS"),
    ("starvation --policy sfq --requests 3", "starvation: expected a number of steps"),
    ("overrun --policy sfq", "policy: expected a bucket (token, essay, paused), got sfq"),
    ("oversubscription --policy sfq", "policy: expected a rule of admission (essay, corrected, no-tax), got sfq"),
    ("oversubscription --policy essay", "oversubscription: expected a device"),
    ("gap --policy sfq --requests 3 --horizon 3", "expected a number of requests or of steps, got both"),
    ("gap --policy sfq --device frob", "device profile: expected one of"),
    (
        "gap --policy sfq --save /nowhere/x.json",
        "--save /nowhere/x.json: expected a file in a folder that can be written",
    ),
    ("gap --contracts nowhere.toml", "nowhere.toml"),
]


@pytest.mark.parametrize(("words", "message"), BAD)
def test_bad_input_is_one_line(words: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["find", *words.split()]) == Exit.BAD_INPUT
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


def test_a_question_of_python_is_refused_alike() -> None:
    with pytest.raises(QuestionError, match="victim: expected a tenant"):
        ask(Question(Asked.GAP, ESSAY, victim=5))


def test_progress_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """After a while it says how long it has taken and what is established; standard output stays clean."""
    monkeypatch.setattr(worker, "PROGRESS_AFTER_S", 0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert run(["find", "gap", "--policy", "fcfs", "--requests", "4", "--max"]) == Exit.HOLDS
    out, err = capsys.readouterr()
    assert out.startswith("maximum: ")
    assert "gap, fcfs: " in err


def test_exit_of_every_answer() -> None:
    question = Question(Asked.GAP, "sfq")
    most = attrs.evolve(question, maximise=True)
    expected = [
        (Answer(question, Finding.FOUND, "", ""), 1),
        (Answer(question, Finding.IMPOSSIBLE, "", ""), 0),
        (Answer(question, Finding.UNDECIDED, "", ""), 3),
        (Answer(most, Finding.FOUND, "", "", proved_maximal=True), 0),
        (Answer(most, Finding.FOUND, "", ""), 3),
        (Answer(most, Finding.UNDECIDED, "", ""), 3),
        (Answer(most, Finding.IMPOSSIBLE, "", ""), 0),
    ]
    assert [int(face.exit_of(answer)) for answer, _ in expected] == [code for _, code in expected]
