"""Find on memory: pages that go of a tenant within its floor, and banks that tenants share.

That maxima are those of all schedules there are is held here too, on the oracles.
"""

import json
import random
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import attrs
import pytest

from headgate.cli.exits import Exit
from headgate.cli.main import run
from headgate.model.memory.colours import essay_mask
from headgate.model.memory.eviction import POLICIES
from headgate.model.replay import ReplayError, replay
from headgate.proofs.find import memory
from headgate.proofs.find.asking import Clock, ask
from headgate.proofs.find.question import Answer, Asked, Finding, Question
from headgate.proofs.find.search import Search
from headgate.proofs.find.settled import FLOORED
from headgate.proofs.symbolic import symbolic
from headgate.properties.oracles.eviction import Memory
from headgate.spec.schedules import read_schedule
from headgate.tests.test_cli_main import one_line

Text = pytest.CaptureFixture[str]
WITHOUT_FLOOR = sorted(set(POLICIES) - set(FLOORED))


def numbers(**given: int) -> dict[str, Fraction]:
    return {name: Fraction(number) for name, number in given.items()}


def find_loss(policy: str, **more: Any) -> Answer:
    return ask(Question(Asked.EVICTION, policy, **more))


def find_conflict(policy: str, tenants: int, banks: int, each: int = 1, **more: Any) -> Answer:
    return ask(Question(Asked.CONFLICT, policy, tenants, parameters=numbers(banks=banks, each=each), **more))


def find_overlap(colours: tuple[int, ...], banks: int, **more: Any) -> Answer:
    return ask(
        Question(Asked.CONFLICT, "masks", len(colours), colours=colours, parameters=numbers(banks=banks), **more)
    )


# ---- eviction ----


@pytest.mark.parametrize("policy", WITHOUT_FLOOR)
def test_the_smallest_loss_within_a_floor(policy: str) -> None:
    """One frame, which a tenant is entitled to, and the other one's page comes in."""
    answer = find_loss(policy, minimal=True)
    assert answer.schedule is not None
    assert (answer.value, len(answer.schedule.requests)) == (1, 2)
    assert answer.schedule.parameters["capacity"] == 1
    assert answer.established == ("no schedule of one request does it (proved)",)
    assert not replay(answer.schedule, "resident").violated


@pytest.mark.parametrize("policy", FLOORED)
def test_a_floor_is_kept_by_a_theorem_and_by_search(policy: str) -> None:
    for asked in (Question(Asked.EVICTION, policy), Question(Asked.EVICTION, policy, maximise=True)):
        answer = ask(asked)
        assert (answer.finding, answer.theorem) == (Finding.IMPOSSIBLE, "eviction-floor")
    with symbolic():
        goal = memory.eviction(Question(Asked.EVICTION, policy, 2), 4)
        assert Search(goal, Clock(None), 1).find(None) is None


def test_whose_pages_and_how_many() -> None:
    """The essay's policy takes what the largest request is entitled to, again and again, and nothing of the others."""
    given = {"parameters": numbers(frames=2), "floors": (2, 0), "pages": (2, 1), "requests": 5}
    largest = find_loss("total", maximise=True, victim=0, **given)
    assert (largest.value, largest.proved_maximal) == (3, True)
    assert largest.schedule is not None
    assert largest.schedule.parameters["tenant"] == 0
    assert find_loss("total", victim=1, **given).finding is Finding.IMPOSSIBLE
    assert find_loss("total", at_least=Fraction(3), minimal=True, **given).value == 3
    assert find_loss("total", at_least=Fraction(4), **given).finding is Finding.IMPOSSIBLE


def losses(question: Question, capacity: int, floors: tuple[int, ...], uses: list[tuple[int, int]]) -> int:
    """Return the most pages that a tenant of the question loses within its floor, by the oracle."""
    table = Memory(capacity, question.policy_name, "lru", floors, question.all_pages)
    lost = [0] * question.tenants
    for use in uses:
        _, gone = table.use(use)
        if gone is not None and table.count(gone[0]) < floors[gone[0]]:
            lost[gone[0]] += 1
    return max(lost) if question.victim is None else lost[question.victim]


def drawn_eviction(pick: random.Random) -> Question:
    tenants = pick.choice((2, 2, 3))
    pages = tuple(pick.randint(1, 2) for _ in range(tenants))
    capacity = pick.choice((None, pick.randint(1, 3)))
    floors = tuple(pick.randint(0, 1) for _ in pages)
    within = sum(floors) <= (capacity or 1)
    return Question(
        Asked.EVICTION, pick.choice(WITHOUT_FLOOR), tenants, pages=pages, requests=pick.randint(2, 4),
        parameters={} if capacity is None else numbers(frames=capacity), maximise=True,
        floors=floors if within and pick.random() < 0.6 else (), victim=pick.choice((None, pick.randrange(tenants))),
    )  # fmt: skip


def check_eviction(question: Question) -> None:
    """Find, and try every pool and every schedule: both say the same."""
    rows = [(who, page) for who, pages in enumerate(question.all_pages) for page in range(pages)]
    given = question.parameters.get("frames")
    pools = range(1, max(2, len(rows))) if given is None else (int(given),)
    entitled = [question.floors] if question.floors else list(product(*(range(p + 1) for p in question.all_pages)))
    largest = max(
        losses(question, capacity, floors, list(uses))
        for capacity in pools
        for floors in entitled
        if sum(floors) <= capacity
        for uses in product(rows, repeat=question.most_requests)
    )
    held_against(question, largest if largest else None)


def held_against(question: Question, largest: int | None) -> None:
    answer = ask(question)
    if largest is None:
        assert answer.finding is Finding.IMPOSSIBLE
        return
    assert (answer.finding, answer.value, answer.proved_maximal) == (Finding.FOUND, largest, True)
    more = attrs.evolve(question, maximise=False, at_least=Fraction(largest + 1))
    assert ask(more).finding is Finding.IMPOSSIBLE


@pytest.mark.parametrize("seed", range(12))
def test_the_largest_loss_is_that_of_all_schedules(seed: int) -> None:
    check_eviction(drawn_eviction(random.Random(seed)))


# ---- conflict ----


def test_the_essays_colours() -> None:
    """Eight tenants of four banks each, of 16: the fifth page granted is in a bank that somebody else is in."""
    answer = find_conflict("essay", 8, 16, 4, minimal=True)
    assert answer.schedule is not None
    assert [(r.operation, r.tenant) for r in answer.schedule.requests] == [("allocate", 0)] * 4 + [("allocate", 4)]
    assert answer.established == ("no schedule of up to 4 requests does it (proved)",)
    assert not replay(answer.schedule, "coloured").violated
    assert find_conflict("essay", 4, 16, 4).theorem == "allocator-isolation"


def test_disjoint_colours_are_settled() -> None:
    """By a theorem, which says as well for how many tenants there are none."""
    answer = find_conflict("coloured", 8, 16, 4)
    assert (answer.finding, answer.theorem, answer.bound) == (Finding.IMPOSSIBLE, "allocator-isolation", 1)
    assert "4 tenants of 8 cannot have any, as 8 times 4 is more than 16 banks" in answer.established[0]
    assert find_overlap((0b0011, 0b1100), 4, maximise=True).theorem == "allocator-isolation"
    with symbolic():
        goal = memory.conflict(Question(Asked.CONFLICT, "coloured", 2, parameters=numbers(banks=4, each=2)), 5)
        assert Search(goal, Clock(None), 1).find(None) is None


def test_banks_that_change_hands_at_once() -> None:
    answer = find_conflict("at-once", 2, 1, minimal=True)
    assert answer.schedule is not None
    assert [r.operation for r in answer.schedule.requests] == ["allocate", "hand-over", "allocate"]


def test_a_bank_of_many_rows() -> None:
    """Six tenants of a bank each, of two banks: three of them are in either."""
    assert find_conflict("essay", 6, 2, maximise=True, requests=6).value == 3
    assert find_conflict("essay", 6, 2, at_least=Fraction(4), requests=6).finding is Finding.IMPOSSIBLE


def meeting(masks: tuple[int, ...], banks: int, asks: tuple[int, ...]) -> int:
    """Return the most tenants in one bank after these asks: each is granted the first free page of its colour."""
    owners: dict[int, int] = {}
    for tenant in asks:
        page = next(p for p in range(10**6) if p not in owners and masks[tenant] >> p % banks & 1)
        owners[page] = tenant
    return max(len({owner for page, owner in owners.items() if page % banks == bank}) for bank in range(banks))


def drawn_conflict(pick: random.Random) -> Question:
    tenants, banks = pick.randint(2, 4), pick.randint(1, 4)
    essay, each = pick.random() < 0.4, pick.randint(1, banks)
    return Question(
        Asked.CONFLICT, "essay" if essay else "masks", tenants, requests=pick.randint(2, 5), maximise=True,
        parameters=numbers(banks=banks, each=each) if essay else numbers(banks=banks),
        colours=() if essay else tuple(pick.randrange(1, 1 << banks) for _ in range(tenants)),
    )  # fmt: skip


def check_conflict(question: Question) -> None:
    count, banks = question.tenants, int(question.parameters["banks"])
    masks = question.colours or tuple(essay_mask(t, int(question.parameters["each"]), banks) for t in range(count))
    if all(not masks[one] & masks[other] for one in range(count) for other in range(one)):
        assert ask(question).theorem == "allocator-isolation"
        return
    most = max(meeting(masks, banks, asks) for asks in product(range(count), repeat=question.most_requests))
    held_against(question, most if most > 1 else None)


@pytest.mark.parametrize("seed", range(12))
def test_the_most_tenants_are_those_of_all_schedules(seed: int) -> None:
    check_conflict(drawn_conflict(random.Random(seed)))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 300))
def test_the_largest_of_many_questions(seed: int) -> None:
    pick = random.Random(seed)
    if pick.random() < 0.5:
        check_eviction(drawn_eviction(pick))
    else:
        check_conflict(drawn_conflict(pick))


@pytest.mark.parametrize("seed", range(8))
def test_plain_orders_lose_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest value is the same where pages and tenants that are alike are all searched."""
    pick = random.Random(50 + seed)
    question = drawn_eviction(pick) if seed % 2 else drawn_conflict(pick)
    first = ask(question)
    monkeypatch.setattr(memory, "first_uses_in_order", lambda *_: [])
    monkeypatch.setattr(memory, "_plain_orders", lambda *_: [])
    monkeypatch.setattr(memory, "_first_row", lambda *_: 0)
    again = ask(question)
    assert (first.finding, first.value, first.proved_maximal) == (again.finding, again.value, again.proved_maximal)


# ---- the command ----


def test_a_loss_is_saved_and_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Text) -> None:
    monkeypatch.chdir(tmp_path)
    place = Path("loss.json")
    assert run(["find", "eviction", "--policy", "lru", "--floors", "1,1", "--save", str(place)]) == Exit.VIOLATED
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith("found: 1 page (lru, 2 tenants, up to 4 requests)")
    assert "loses one page while it has no more than its floor of 1" in out
    assert f"headgate replay {place} --policy resident" in out
    assert run(["replay", str(place)]) == Exit.VIOLATED
    assert run(["replay", str(place), "--policy", "lru-floor"]) == Exit.HOLDS
    assert read_schedule(place).claim == "losses"
    assert run(["find", "eviction", "--policy", "resident", "--floors", "1,1"]) == Exit.HOLDS
    assert "impossible: a loss of pages within a floor, by theorem eviction-floor" in capsys.readouterr().out


def test_a_conflict_says_where_in_the_memory(tmp_path: Path, capsys: Text) -> None:
    place = tmp_path / "bank.json"
    asked = ["find", "conflict", "--colours", "0x3,0x2", "--device", "h200", "--save", str(place)]
    assert run(asked) == Exit.VIOLATED
    assert "which begin at bytes" in " ".join(capsys.readouterr().out.split())
    assert run(["replay", str(place)]) == Exit.VIOLATED
    assert run(["replay", str(place), "--policy", "coloured"]) == Exit.HOLDS


def test_the_colours_of_a_contract_file(tmp_path: Path, capsys: Text) -> None:
    """They are taken as they are, with the banks of its device."""
    rates = "guaranteed_gbps = 1\nburst_gbps = 1\nburst_duration_ms = 1\nmax_request_bytes = 1"
    tenant = f'[[tenant]]\nname = "{{0}}"\n{rates}\npage_color = {{1}}\n'
    place = tmp_path / "contracts.toml"
    for colours, code in (((1, 2), Exit.HOLDS), ((1, 3), Exit.VIOLATED)):
        rows = [tenant.format(name, colour) for name, colour in zip("ab", colours, strict=True)]
        place.write_text('[device]\nprofile = "h200"\n[arbiter]\npolicy = "sfq"\n' + "".join(rows))
        assert run(["find", "conflict", "--contracts", str(place), "--format", "json"]) == code
        result = json.loads(capsys.readouterr().out)["results"][0]
        assert (result["policy"], result["theorem"]) == ("masks", "allocator-isolation" if code == Exit.HOLDS else None)


def test_what_a_schedule_of_losses_shows() -> None:
    """As many as it says, of whom it says, and nothing where nobody is entitled to anything."""
    found = find_loss("lru", maximise=True, parameters=numbers(frames=1), floors=(0, 1), requests=4).schedule
    assert found is not None

    def changed(**parameters: Any) -> Any:
        return replay(attrs.evolve(found, parameters={**found.parameters, **parameters}))

    assert (changed().violated, changed().observed) == (True, 2)
    assert not changed(at_least=3).violated
    assert not changed(tenant=0).violated
    assert not changed(floors=(0, 0)).violated
    with pytest.raises(ReplayError, match=r"parameters\.tenant: expected one of the 2 tenants, got 2"):
        changed(tenant=2)


BAD = [
    ("eviction", "--policy: expected who serves"),
    ("eviction --policy sfq", "policy: expected a policy of eviction (lru, lru-floor, total, resident, floorless)"),
    ("eviction --policy lru --tenants 1", "eviction: expected at least 2 tenants, got 1"),
    ("eviction --policy lru --frames 0", "frames: expected a whole number from 1 to 256, got 0"),
    ("eviction --policy lru --frames x", "expected a number such as 40, 2.5 or 5/2, got 'x'"),
    ("eviction --policy lru --pages 1,0", "pages: expected 2 whole numbers from 1"),
    ("eviction --policy lru --pages 1/2,1", "--pages: expected whole numbers"),
    ("eviction --policy lru --pages 1,2 --tenants 3", "pages: expected 3 whole numbers from 1"),
    ("eviction --policy lru --floors 1,1/2", "--floors: expected whole numbers"),
    ("eviction --policy lru --floors 1,1 --frames 1", "floors: expected a sum of at most the 1 frames, got 2"),
    ("eviction --policy lru --at-least 0", "--at-least: expected 1 or more for eviction, got 0"),
    ("conflict --policy essay --banks 2 --at-least 1", "--at-least: expected 2 or more for conflict, got 1"),
    ("eviction --policy lru --sizes 1..2", "eviction: expected no weights, priorities, sizes or times"),
    ("eviction --policy lru --device h200", "eviction: expected no device"),
    ("eviction --policy lru --rate 1", "rate: expected for another question than eviction"),
    ("eviction --policy lru --banks 4", "banks: expected for the question conflict alone"),
    ("eviction --policy lru --horizon 4", "asked: expected one of service"),
    ("conflict", "--policy: expected who serves"),
    ("conflict --policy sfq --banks 4", "policy: expected a rule of colours (essay, coloured, masks, at-once), got"),
    ("conflict --policy essay", "banks: expected 1 to 256"),
    ("conflict --policy essay --banks 1/2", "banks: expected a whole number from 1 to 256, got 1/2"),
    ("conflict --policy essay --banks 4 --each 5", "each: expected at most the 4 banks that there are, got 5"),
    ("conflict --policy essay --banks 4 --colours 1,2", "colours: expected a mask a tenant for the rule masks"),
    ("conflict --policy masks --banks 4", "colours: expected a mask a tenant for the rule masks"),
    ("conflict --colours 1,zz --banks 4", "expected masks such as 0x3,0xc, got 'zz'"),
    ("conflict --colours 1,0 --banks 4", "colours: expected 2 masks over banks"),
    ("conflict --colours 1,0x10 --banks 4", "colours: expected masks over banks 0 to 3, got 0x10"),
    ("conflict --colours 1,2 --banks 4 --victim 1", "conflict: expected no victim"),
    ("wait --policy sfq --max --floors 1,1", "floors: expected for the question eviction alone"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "message"), BAD)
def test_bad_input_is_one_line(words: str, message: str, capsys: Text) -> None:
    assert run(["find", *words.split()]) == Exit.BAD_INPUT
    out, err = capsys.readouterr()
    assert out == ""
    assert message in one_line(err)
