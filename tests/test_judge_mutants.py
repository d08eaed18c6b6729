"""Every judge that is broken by hand is noticed: it accuses a right miniature, or lets a wrong one pass."""

import hashlib

import pytest

from headgate.properties.review.suites import suite_of
from headgate.tests.judge_mutants import JUDGE_MUTANTS, JudgeMutant, killed, suite_with, text_of
from headgate.tests.miniatures import MINIATURES, ROLES

BY_NAME = {each.name: each for each in MINIATURES}
# A wrong miniature that passes takes all the cases of a profile: of the mutants, one in so many runs in CI, with few.
EVERY = 4


def in_sample(mutant: JudgeMutant) -> bool:
    return hashlib.sha256(mutant.id.encode()).digest()[0] % EVERY == 0


def test_what_a_mutant_replaces_stands_in_its_module_once() -> None:
    assert {
        each.id: text_of(each).count(each.old) for each in JUDGE_MUTANTS if text_of(each).count(each.old) != 1
    } == {}
    assert len({each.id for each in JUDGE_MUTANTS}) == len(JUDGE_MUTANTS)
    assert {each.role for each in JUDGE_MUTANTS} == set(ROLES)


def test_each_is_killed_by_a_miniature_of_its_role() -> None:
    assert [each.id for each in JUDGE_MUTANTS if BY_NAME[each.by].role != each.role] == []
    assert any(map(in_sample, JUDGE_MUTANTS))


def test_what_is_loaded_stays_as_it_is() -> None:
    mutant = next(each for each in JUDGE_MUTANTS if each.module)
    whole = suite_of(mutant.role)
    assert suite_with(mutant).conduct is not whole.conduct
    assert suite_of(mutant.role) is whole


@pytest.mark.parametrize("mutant", [each for each in JUDGE_MUTANTS if in_sample(each)], ids=lambda one: one.id)
def test_a_broken_judge_is_noticed(mutant: JudgeMutant) -> None:
    assert killed(mutant, BY_NAME[mutant.by], "quick")


@pytest.mark.soak
@pytest.mark.parametrize("mutant", JUDGE_MUTANTS, ids=lambda one: one.id)
def test_every_broken_judge_is_noticed(mutant: JudgeMutant) -> None:
    assert killed(mutant, BY_NAME[mutant.by])


@pytest.mark.soak
@pytest.mark.parametrize("by", sorted({each.by for each in JUDGE_MUTANTS}))
def test_nobody_notices_where_nothing_is_broken(by: str) -> None:
    role = BY_NAME[by].role
    unchanged = next(each for each in JUDGE_MUTANTS if each.role == role)
    same = JudgeMutant("unchanged", role, unchanged.old, unchanged.old, by, unchanged.module)
    assert not killed(same, BY_NAME[by])
