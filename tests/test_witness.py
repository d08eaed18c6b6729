"""Schedules that come close to the bounds of a contract file, under every policy, or the reason why none does."""

import random
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import attrs
import pytest

from headgate.cli.bound_report import Report, report_of
from headgate.model.capacity import Losses
from headgate.model.delays import DELAY_POLICIES
from headgate.model.replay import replay
from headgate.model.witness import CLOSE
from headgate.spec.contracts import read_contracts
from headgate.spec.devices import profile
from headgate.spec.vocabulary import Contract, ContractSet, Device, Excess

EXAMPLES = Path(str(files("headgate.examples")))
NEVER_DARK = Device("toy", Fraction(1000), Fraction(0), Fraction(0), Fraction(1000), max_temperature_c=Fraction(60))
SIZES = (32768, 65536, 262144, 2**20)
FILES = range(3)
# By deadlines the requests of the others come due one after the other, which no closed form follows.
SHARP = [policy for policy in DELAY_POLICIES if policy not in ("early", "wf2q+")]


def drawn(seed: int, device: Device, policy: str) -> ContractSet:
    """Return a contract file of two to four tenants that fit, the same for the same `seed`."""
    numbers = random.Random(seed)
    rate = device.peak_bytes_per_ns * Fraction(3, 4) * Fraction(numbers.choice((50, 80, 100)), 100)
    weights = [numbers.randint(1, 8) for _ in range(numbers.randint(2, 4))]
    contracts = []
    for number, weight in enumerate(weights):
        g, burst = rate * weight / sum(weights), numbers.choice((1, 3))
        excess = numbers.choice((Excess.SHAPED, Excess.IN_LINE, Excess.BACKGROUND))
        contracts.append(
            Contract(f"t{number}", g, g * burst, Fraction(1000), numbers.choice(SIZES), numbers.randint(0, 2),
                     Fraction(10**6), Excess.SHAPED if policy == "fcfs" else excess)
        )  # fmt: skip
    if numbers.random() < 0.4:
        contracts.append(Contract("rest", max_request_bytes=numbers.choice(SIZES), best_effort=True))
    return ContractSet(device, policy, tuple(contracts))


def reached(agreed: ContractSet) -> tuple[Report, Fraction]:
    """Return the report, and which share of its bound the schedule reaches, which is replayed."""
    report = report_of(agreed, Losses())
    assert report.reached is not None
    again = replay(report.reached.schedule)
    assert again.violated
    assert again.observed == report.reached.late_ns
    bound = report.reached.schedule.parameters["latency"]
    assert isinstance(bound, Fraction)
    return report, again.observed / bound


@pytest.mark.parametrize("name", ["h200_eight_tenants.toml", "h200_serving.toml"])
@pytest.mark.parametrize("policy", [policy for policy in DELAY_POLICIES if policy != "fcfs"])
def test_a_shipped_file_has_a_schedule_close_to_its_bound_under_every_policy(name: str, policy: str) -> None:
    report, share = reached(attrs.evolve(read_contracts(str(EXAMPLES / name)), policy=policy))
    assert CLOSE <= share <= 1
    assert report.no_closer == ""


@pytest.mark.parametrize("policy", DELAY_POLICIES)
def test_a_file_has_a_schedule_close_to_its_bound_or_a_reason(policy: str) -> None:
    for seed in FILES:
        report, share = reached(drawn(seed, profile("h200"), policy))
        assert share <= 1
        assert (share >= CLOSE) == (report.no_closer == ""), seed


@pytest.mark.parametrize("policy", SHARP)
def test_where_it_is_never_dark_every_bound_but_those_of_deadlines_is_reached(policy: str) -> None:
    for seed in FILES:
        _, share = reached(drawn(seed, NEVER_DARK, policy))
        assert CLOSE <= share <= 1, seed


def test_where_more_requests_are_due_than_are_tried_that_is_the_reason() -> None:
    small = [Contract(f"t{n}", g, g, Fraction(0), size) for n, (g, size) in enumerate(((Fraction(700), 64),) * 2)]
    large = Contract("large", Fraction(1), Fraction(1), Fraction(0), 2**16)
    report, share = reached(ContractSet(profile("h200"), "early", (*small, large)))
    assert report.worst is not None
    assert report.worst.contract is large
    assert share < CLOSE
    # 65,536 ns of 700 B/ns each, in requests of 64 B.
    assert report.no_closer == "1433600 requests of others can be due before it, and those of at most 2500 are tried"
