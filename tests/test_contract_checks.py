"""The rows of a contract file: arithmetic that can be done by hand."""

from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import attrs
import pytest

from headgate.model.replay import replay
from headgate.proofs.catalogue import catalogue
from headgate.proofs.contract_checks import capacity, contract_checks
from headgate.proofs.contract_row import ContractCheck, Sought, settle, verdict_of
from headgate.proofs.runner import ReplayMismatch
from headgate.proofs.theorem import Kind
from headgate.spec.contracts import read_contracts
from headgate.spec.vocabulary import POLICIES, Contract, ContractSet, Device, Excess, RefreshRule

EXAMPLES = Path(str(files("headgate.examples")))

# 100 B/ns, dark for 10 of 100 ns: 90 B/ns are there while it is cold.
COLD = Device("toy", Fraction(100), Fraction(10), Fraction(0), Fraction(100), max_temperature_c=Fraction(60))


def tenant(name: str, rate: int, largest: int, slo: int | None = 1000, **more: object) -> Contract:
    """Return a contract without a burst."""
    made = Contract(
        name, Fraction(rate), Fraction(rate), Fraction(0), largest, 0, None if slo is None else Fraction(slo)
    )
    return attrs.evolve(made, **more)


def rows(*contracts: Contract, device: Device = COLD, policy: str = "sfq") -> dict[str, ContractCheck]:
    """Return the rows by their id, each with the schedule that breaks it, if one is found."""
    return {check.id: settle(check) for check in contract_checks(ContractSet(device, policy, contracts))}


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


@pytest.mark.parametrize("policy", ["sfq", "scfq", "early", "wf2q+", "wfq", "drr"])
def test_more_tenants_than_the_code_was_checked_for_are_said(policy: str) -> None:
    """The abstract proof is for any number of tenants, its link to the code is not; nobody should have to guess."""
    for count, more in ((8, False), (9, True)):
        found = rows(*(tenant(f"t{k}", 1, 9, 10**6) for k in range(count)), policy=policy)["contracts.promise.t0"]
        assert found.kind is Kind.PROVED
        said = f"for {count} tenants by the abstract proof; the code's own step was checked for 8 ("
        assert (said in found.scope) is more


@pytest.mark.parametrize(("slo", "kind"), [(40, Kind.PROVED), (39, Kind.UNKNOWN), (35, Kind.COUNTEREXAMPLE)])
def test_the_promise_is_exact(slo: int, kind: Kind) -> None:
    # (900 + 1800) / 90 + 10 = 40 ns; a schedule takes 10 ns of darkness and 27 ns at 100 B/ns, less 1 for its arrival.
    checks = rows(tenant("a", 30, 900, slo), tenant("b", 30, 1800, None))
    check = checks["contracts.promise.a"]
    assert check.kind is kind
    assert (check.witness is not None) == (kind is Kind.COUNTEREXAMPLE)
    assert [premise.met for premise in check.premises] == [True, kind is Kind.PROVED]
    assert check.follows == "a finishes by EAT + 0.04 us"
    assert "contracts.promise.b" not in checks
    assert (checks["contracts.delay.b"].kind, checks["contracts.delay.b"].owed) == (Kind.PROVED, False)


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
    assert (within, beyond) == (Kind.PROVED, Kind.UNKNOWN)


# Of a, 900 bytes at 30 of 90 B/ns, beside b with 1800 bytes at 30, 10 ns dark, so that G l / g is 1800 bytes.
PROMISED = {
    "sfq": (40, "FQ-5"),  # 900 + 1800
    "scfq": (50, "FQ-6", "BD-15"),  # 1800 + 1800
    "early": (40, "EA-2", "BD-15"),  # 1800 + 1800 - 900: b is then owed no more
    "wf2q+": (40, "WF-3", "BD-15"),
    "wfq": (40, "WQ-7", "BD-15"),
    "drr": (60, "BD-14", "BD-15"),  # 900 + 1800 + 1800: quanta are 1800 bytes
}


@pytest.mark.parametrize("policy", sorted(PROMISED))
def test_every_policy_with_a_bound_promises_it_exactly(policy: str) -> None:
    bound, *clauses = PROMISED[policy]
    others = tenant("b", 30, 1800, None)
    assert isinstance(bound, int)
    assert rows(tenant("a", 30, 900, bound), others, policy=policy)["contracts.promise.a"].kind is Kind.PROVED
    check = rows(tenant("a", 30, 900, bound - 1), others, policy=policy)["contracts.promise.a"]
    assert check.kind is Kind.UNKNOWN
    assert check.clauses == ("PR-3", *clauses)
    assert rows(tenant("a", 30, 900, None), others, policy=policy)["contracts.delay.a"].kind is Kind.PROVED


def test_the_bound_of_wfq_rests_on_the_rate_of_its_fluid() -> None:
    check = rows(tenant("a", 30, 900), policy="wfq")["contracts.promise.a"]
    assert any("the rate of the fluid" in premise.says for premise in check.premises)


@pytest.mark.parametrize("policy", ["fcfs", "priority", "round-robin", "essay", "vtc"])
def test_a_policy_without_a_bound_leaves_the_promise_open(policy: str) -> None:
    check = rows(tenant("a", 30, 900), policy=policy)["contracts.promise.a"]
    assert check.kind is Kind.UNKNOWN
    assert "; sfq, early, scfq, wfq, wf2q+ and drr give one" in check.finding
    assert not check.premises[-1].met


def test_without_an_arbiter_no_promise_is_judged() -> None:
    assert set(rows(tenant("a", 30, 900), policy="none")) == {"contracts.admission", "contracts.refresh"}


def test_without_the_guarantees_there_is_no_bound() -> None:
    assert rows(tenant("a", 91, 900))["contracts.promise.a"].kind is Kind.UNKNOWN


def test_a_device_that_is_always_dark_keeps_nothing() -> None:
    hot = attrs.evolve(COLD, base_interval_ns=Fraction(11), max_temperature_c=Fraction(95))
    checks = rows(tenant("a", 1, 900), device=hot)
    assert checks["contracts.admission"].kind is Kind.COUNTEREXAMPLE
    assert checks["contracts.promise.a"].kind is Kind.UNKNOWN


# ---- what breaks a file, shown by a schedule of its own tenants ----


def test_guarantees_that_are_not_there_fall_behind() -> None:
    check = rows(tenant("a", 60, 900), tenant("b", 31, 900, None))["contracts.admission"]
    assert check.witness is not None
    assert (check.witness.claim, check.witness.parameters["latency"]) == ("behind", 1000)
    shown = replay(check.witness)
    assert shown.violated
    # One byte a ns is missing: it takes 1000 ns * 90 B/ns until the device is that late.
    assert [r.bytes // 90_000 for r in check.witness.requests] == [60, 31]
    sooner = tuple(attrs.evolve(request, bytes=request.bytes * 9 // 10) for request in check.witness.requests)
    assert not replay(attrs.evolve(check.witness, requests=sooner)).violated


def test_what_is_missing_by_too_little_is_shown_by_the_rule_that_admits_it() -> None:
    rate = Fraction(90) + Fraction(1, 10**9)
    slowly = attrs.evolve(tenant("a", 90, 900), guaranteed_bytes_per_ns=rate, burst_bytes_per_ns=rate)
    check = rows(slowly)["contracts.admission"]
    assert check.witness is not None
    assert (check.witness.rule, check.witness.claim) == ("no-tax", "oversubscription")


# 60 of 90 B/ns, so that everything is admissible: what is wrong is the policy. "a" has the worse priority.
STARVED = (
    tenant("a", 30, 900, 2000, priority=1),
    attrs.evolve(tenant("b", 30, 1800, None), burst_bytes_per_ns=Fraction(200), burst_duration_ns=Fraction(10**5)),
)


@pytest.mark.parametrize("excess", [Excess.IN_LINE, Excess.SHAPED])
@pytest.mark.parametrize("policy", ["fcfs", "fr-fcfs", "priority", "essay"])
def test_a_policy_that_starves_is_shown_to(policy: str, excess: Excess) -> None:
    contracts = (STARVED[0], attrs.evolve(STARVED[1], excess=excess))
    check = rows(*contracts, policy=policy)["contracts.promise.a"]
    assert check.kind is Kind.COUNTEREXAMPLE
    assert check.witness is not None
    assert check.witness.rule == policy
    assert replay(check.witness).violated
    # The same requests are no harm under the arbiter that is recommended.
    assert not replay(check.witness, "sfq").violated


@pytest.mark.parametrize("policy", ["sfq", "scfq", "early", "wfq", "wf2q+", "drr", "round-robin", "vtc"])
def test_no_other_policy_is_accused(policy: str) -> None:
    assert rows(*STARVED, policy=policy)["contracts.promise.a"].kind in (Kind.PROVED, Kind.UNKNOWN)


def test_behind_shapers_first_come_first_served_is_not_accused() -> None:
    shaped = [attrs.evolve(tenant(name, 30, 900, 100), excess=Excess.SHAPED) for name in "ab"]
    check = rows(*shaped, policy="fcfs")["contracts.promise.a"]
    assert check.kind is Kind.UNKNOWN
    assert "properties hold EAT + 0.03 us" in check.finding


def test_the_essays_tag_lets_its_tenants_drift_apart() -> None:
    check = rows(tenant("a", 30, 900, None), tenant("b", 30, 1800, None), policy="essay")["contracts.gap"]
    assert (check.kind, check.theorem) == (Kind.COUNTEREXAMPLE, "essay-tag")
    assert check.witness is not None
    assert not replay(check.witness, "sfq").violated
    assert verdict_of([check]) is Kind.COUNTEREXAMPLE


@pytest.mark.parametrize(("hottest", "kind"), [(74, Kind.PROVED), (75, Kind.COUNTEREXAMPLE)])
def test_the_essays_interval_rewards_heat(hottest: int, kind: Kind) -> None:
    device = attrs.evolve(COLD, refresh_rule=RefreshRule.ESSAY, max_temperature_c=Fraction(hottest))
    assert rows(tenant("a", 30, 900), device=device)["contracts.refresh"].kind is kind


def test_a_latency_that_others_in_contract_exceed_is_broken_under_the_real_contracts() -> None:
    # The excess of "b" is background: one of it is in service when everybody comes, and "b" is in contract again.
    behind = attrs.evolve(tenant("b", 30, 1800, None), excess=Excess.BACKGROUND)
    check = rows(tenant("a", 30, 900, 52), behind)["contracts.promise.a"]
    assert check.kind is Kind.COUNTEREXAMPLE
    assert check.witness is not None
    assert check.witness.parameters["excess"] == ["in-line", "background"]


# ---- consequences ----


def test_consequences_in_numbers() -> None:
    bursty = attrs.evolve(tenant("a", 30, 900), burst_bytes_per_ns=Fraction(60), burst_duration_ns=Fraction(1000))
    found = rows(bursty, tenant("b", 45, 1800, None))
    assert found["contracts.refresh"].follows == "at least 90 GB/s (t - 0.01 us) in any t"
    # 900 / 30 + 1800 / 45, and 1800 / 90 + 10.
    assert found["contracts.gap"].follows == "at most 0.07 us between a and b, less between others"
    assert found["contracts.share.a"].follows == "at least 30 GB/s (t - 0.03 us) - 900 B"
    assert found["contracts.burst.a"].follows == "60000 B in 1 us are in contract, expected up to 1 us later"
    assert "contracts.burst.b" not in found
    assert found["contracts.share.a"].theorem == "sfq-share"
    # Q = 1200 and 1800, r = 36: 10 + (1800 + 3/2 (1200 + 900)) / 90 ns.
    drr = rows(bursty, tenant("b", 45, 1800, None), policy="drr")["contracts.share.a"]
    assert drr.follows == "at least 36 GB/s (t - 0.065 us)"
    assert not any(check.owed for name, check in found.items() if name.split(".")[1] in ("share", "burst", "gap"))


def test_a_theorem_up_to_six_clients_says_nothing_of_seven() -> None:
    many = [tenant(name, 1, 9, None) for name in "abcdefg"]
    assert rows(*many[:6], policy="vtc")["contracts.gap"].kind is Kind.PROVED
    check = rows(*many, policy="vtc")["contracts.gap"]
    assert (check.kind, check.follows) == (Kind.UNKNOWN, "")
    assert verdict_of([check]) is Kind.PROVED, "nobody was promised it"


@pytest.mark.parametrize("policy", POLICIES)
def test_every_theorem_that_is_named_exists_and_has_the_verdict_that_it_is_named_for(policy: str) -> None:
    refuted = {theorem.id: theorem.expect.value == "refuted" for theorem in catalogue()}
    for check in rows(*STARVED, policy=policy).values():
        if check.theorem:
            assert refuted[check.theorem] == (check.theorem == "essay-tag")
        assert check.kind is not Kind.PROVED or all(premise.met for premise in check.premises)


def test_the_broken_example_is_broken_where_its_comments_say() -> None:
    agreed = read_contracts(EXAMPLES / "h200_broken.toml")
    kinds = {check.id: settle(check).kind for check in contract_checks(agreed)}
    names = {"admission", "refresh", "promise.chat", "promise.search"}
    assert {name for name, kind in kinds.items() if kind is Kind.COUNTEREXAMPLE} == {f"contracts.{n}" for n in names}


def test_a_schedule_that_does_not_show_its_claim_is_a_fault_of_headgate() -> None:
    broken = rows(*STARVED, policy="fcfs")["contracts.promise.a"]
    assert broken.witness is not None
    harmless = attrs.evolve(broken.witness, rule="sfq")
    row = attrs.evolve(broken, kind=Kind.UNKNOWN, witness=None, seek=lambda: Sought(harmless))
    with pytest.raises(ReplayMismatch, match=r"contracts\.promise\.a"):
        settle(row)
