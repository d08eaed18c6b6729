"""What a review asks can be drawn by anybody, by the type of its role."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.properties.cases import CASES, ArbiterCase, BucketCase, Case, cases
from headgate.properties.review.declaring import declare
from headgate.properties.review.hunt import conforms
from headgate.properties.review.suites import ROLES
from headgate.properties.review.targets import PythonTarget
from headgate.spec.errors import InputError
from headgate.tests.miniatures import of_role

OPERATIONS = {
    "bucket": {"offer"},
    "shaper": {"submit"},
    "marker": {"mark"},
    "arbiter": {"enqueue"},
    "allocator": {"allocate", "free", "free_again", "free_foreign", "free_mixed", "free_twice"},
    "cache": {"touch", "insert", "evict", "pin", "unpin"},
    "admission": {"request", "release", "together"},
}


def test_every_role_has_a_type() -> None:
    assert tuple(CASES) == ROLES


@pytest.mark.parametrize("role", ROLES)
def test_a_case_is_drawn_by_its_type(role: str) -> None:
    seen: set[str] = set()
    right = min(of_role(role, right=True), key=lambda each: len(each.declared))
    suite, declared = declare(role, **right.declared)
    target = PythonTarget(right.factory, right.name, declared.clock)

    @given(st.from_type(CASES[role]))
    def look(case: Case) -> None:
        assert type(case) is CASES[role]
        seen.update(call.operation for call in case.calls)
        assert conforms(suite, target, declared, case)

    look()
    assert seen
    assert seen <= OPERATIONS[role]


def test_a_case_of_any_role() -> None:
    kinds = set()

    # Enough that a role of seven is missed once in a hundred thousand million runs, whatever the profile.
    @settings(max_examples=200)
    @given(st.from_type(Case))
    def look(case: Case) -> None:
        kinds.add(type(case))

    look()
    assert kinds == set(CASES.values())


@given(cases("arbiter", "wfq", weights=[1, 10, 1]))
def test_weights_of_ones_own(case: Case) -> None:
    assert isinstance(case, ArbiterCase)
    assert case.configuration["weights"] == [1, 10, 1]
    assert {call.arguments["tenant"] for call in case.calls} <= {0, 1, 2}


@given(cases("bucket", rate=10, burst=20, clock="us", keys=2))
def test_a_clock_and_keys_of_ones_own(case: Case) -> None:
    assert isinstance(case, BucketCase)
    assert case.configuration == {"rate": 10, "burst": 20}
    assert all(call.arguments["now_ns"] % 1000 == 0 and "key" in call.arguments for call in case.calls)


def test_what_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="role"):
        cases("toaster")
    with pytest.raises(InputError, match="rate"):
        cases("cache", rate=1)
