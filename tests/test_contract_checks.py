"""The rows of a contract file: arithmetic that can be done by hand."""

from fractions import Fraction

import attrs
import pytest

from headgate.proofs.contract_checks import ContractCheck, capacity, contract_checks
from headgate.proofs.theorem import Kind
from headgate.spec.vocabulary import Contract, ContractSet, Device, Excess, RefreshRule

# 100 B/ns, dark for 10 of 100 ns: 90 B/ns are there while it is cold.
COLD = Device("toy", Fraction(100), Fraction(10), Fraction(0), Fraction(100), max_temperature_c=Fraction(60))


def tenant(name: str, rate: int, largest: int, slo: int | None = 1000, **more: object) -> Contract:
    """Return a contract without a burst."""
    made = Contract(
        name, Fraction(rate), Fraction(rate), Fraction(0), largest, 0, None if slo is None else Fraction(slo)
    )
    return attrs.evolve(made, **more)


def rows(*contracts: Contract, device: Device = COLD, policy: str = "sfq") -> dict[str, ContractCheck]:
    """Return the rows by their id."""
    return {check.id: check for check in contract_checks(ContractSet(device, policy, contracts))}


def test_admission_is_exact() -> None:
    assert rows(tenant("a", 90, 9))["contracts.admission"].kind is Kind.PROVED
    assert rows(tenant("a", 90, 9), tenant("b", 1, 9))["contracts.admission"].kind is Kind.COUNTEREXAMPLE


def test_capacity_is_that_of_the_hottest() -> None:
    assert capacity(COLD) == 90
    assert capacity(attrs.evolve(COLD, max_temperature_c=Fraction(95))) == 80


def test_the_essay_s_interval_is_at_its_worst_when_cold() -> None:
    # At 80 C its interval is longer than at 20 C: what counts is the coldest end.
    essay = attrs.evolve(COLD, refresh_rule=RefreshRule.ESSAY, max_temperature_c=Fraction(80))
    assert capacity(essay) == 90
    assert capacity(attrs.evolve(essay, max_temperature_c=Fraction(95))) == 80


def test_colours_have_a_row_where_there_are_two() -> None:
    """Disjoint or not, with the bank and the tenants; a best-effort tenant's colour counts as well."""
    one, other = tenant("a", 1, 9, page_color=0b0011), tenant("b", 1, 9, page_color=0b1100)
    third = Contract("c", max_request_bytes=9, best_effort=True, page_color=0b1000)
    assert "contracts.colours" not in rows(one, tenant("d", 1, 9))
    assert rows(one, other)["contracts.colours"].kind is Kind.PROVED
    assert rows(one, other)["contracts.colours"].finding == "2 colours, 4 banks"
    found = rows(one, other, third)["contracts.colours"]
    assert (found.kind, found.finding) == (Kind.COUNTEREXAMPLE, "b and c share bank 3")


@pytest.mark.parametrize(("slo", "kind"), [(40, Kind.PROVED), (39, Kind.COUNTEREXAMPLE)])
def test_the_promise_is_exact(slo: int, kind: Kind) -> None:
    # (900 + 1800) / 90 + 10 = 40 ns.
    checks = rows(tenant("a", 30, 900, slo), tenant("b", 30, 1800, None))
    assert checks["contracts.promise.a"].kind is kind
    assert "contracts.promise.b" not in checks


@pytest.mark.parametrize(
    "other",
    [tenant("c", 1, 900, None, excess=Excess.BACKGROUND), Contract("c", max_request_bytes=900, best_effort=True)],
)
def test_a_request_in_the_background_costs_its_time(other: Contract) -> None:
    # One of 900 bytes may have just begun, 10 ns; of a tenant with a guarantee, one in line as well.
    line = 0 if other.best_effort else 10
    within, beyond = (
        rows(tenant("a", 30, 900, slo), other)["contracts.promise.a"].kind for slo in (30 + line, 29 + line)
    )
    assert (within, beyond) == (Kind.PROVED, Kind.COUNTEREXAMPLE)


def test_scfq_pays_for_a_small_share() -> None:
    # 900 / 30 + 1800 / 90 + 10 = 60 ns.
    others = tenant("b", 30, 1800, None)
    assert rows(tenant("a", 30, 900, 60), others, policy="scfq")["contracts.promise.a"].kind is Kind.PROVED
    check = rows(tenant("a", 30, 900, 59), others, policy="scfq")["contracts.promise.a"]
    assert check.kind is Kind.COUNTEREXAMPLE
    assert check.clauses == ("PR-3", "FQ-6")


@pytest.mark.parametrize("policy", ["fcfs", "priority", "drr", "round-robin", "essay", "wfq"])
def test_a_policy_without_a_bound_leaves_the_promise_open(policy: str) -> None:
    check = rows(tenant("a", 30, 900), policy=policy)["contracts.promise.a"]
    assert check.kind is Kind.UNKNOWN
    assert check.finding.endswith("; sfq, early, scfq and wf2q+ give one")


@pytest.mark.parametrize(("policy", "clause"), [("early", "EA-2"), ("wf2q+", "WF-3")])
def test_deadlines_pay_for_the_own_cost_and_one_request(policy: str, clause: str) -> None:
    # 900 / 30 + 1800 / 90 + 10 = 60 ns.
    others = tenant("b", 30, 1800, None)
    assert rows(tenant("a", 30, 900, 60), others, policy=policy)["contracts.promise.a"].kind is Kind.PROVED
    check = rows(tenant("a", 30, 900, 59), others, policy=policy)["contracts.promise.a"]
    assert check.kind is Kind.COUNTEREXAMPLE
    assert check.clauses == ("PR-3", clause)


def test_without_an_arbiter_no_promise_is_judged() -> None:
    assert set(rows(tenant("a", 30, 900), policy="none")) == {"contracts.admission"}


def test_without_the_guarantees_there_is_no_bound() -> None:
    assert rows(tenant("a", 91, 900))["contracts.promise.a"].kind is Kind.UNKNOWN


def test_a_device_that_is_always_dark_keeps_nothing() -> None:
    hot = attrs.evolve(COLD, base_interval_ns=Fraction(11), max_temperature_c=Fraction(95))
    checks = rows(tenant("a", 1, 900), device=hot)
    assert checks["contracts.admission"].kind is Kind.COUNTEREXAMPLE
    assert checks["contracts.promise.a"].kind is Kind.UNKNOWN
