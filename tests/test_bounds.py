"""The numbers of the essays, recomputed: on their own profiles, exactly."""

from fractions import Fraction

import attrs
import pytest

from headgate.model import bounds, capacity
from headgate.model.adversaries import Stage
from headgate.model.capacity import Losses, Supply
from headgate.model.delays import Crowd, Vary, bounds_of, delay_lines, largest_request
from headgate.model.refresh import Refresh
from headgate.model.simulator import Server
from headgate.model.witness import witness
from headgate.spec.devices import profile
from headgate.spec.vocabulary import Contract

HOT, SLO, G = Fraction(95), Fraction(25_000), Fraction(120)
H100, H200 = "h100-essay", "h200-essay"
COOLED = Losses(Fraction(5, 100), Fraction(2_000_000), Fraction(50_000_000))
# 40 GiB, the prefill of 42.95 GB.
PREFILL = 40 * 2**30


def crowd(device: str, count: int, largest: int = 65536) -> Crowd:
    """Return so many tenants of 120 GB/s on a device at 95 C."""
    same = [Contract(f"t{n}", G, Fraction(400), Fraction(2_000_000), largest, latency_slo_ns=SLO) for n in range(count)]
    return Crowd.of(same, capacity.supply(profile(device), HOT))


def largest(policy: str, there: Crowd, vary: Vary, own: bool = False) -> int | None:
    """Return the largest request of the first tenant for 25 us."""
    return largest_request(policy, there, there.guaranteed[0].contract, own, vary, SLO)


# ---- admission ----


def test_the_essays_rule_is_safe_up_to_94_877_degrees() -> None:
    device = profile(H200)
    found = capacity.admissible_below(device, Fraction(85, 100) * device.peak_bytes_per_ns)
    assert found is not None
    # 85 + 10 log2(3.9 * 0.15 / 0.295) = 94.87727...
    assert found.low < Fraction("94.87727") < found.high <= found.low + Fraction(1, 1000)


def test_of_thirty_four_tenants_that_the_rule_admits_thirty_three_fit() -> None:
    there, peak = capacity.supply(profile(H200), HOT), profile(H200).peak_bytes_per_ns
    assert there.rate == Fraction(52960, 13)
    assert capacity.essay_fitting(G, peak) == 34
    assert 34 * G - there.rate == Fraction(80, 13)
    assert capacity.fitting(G, there.rate) == 33
    arrival, departure = capacity.first_miss(34 * G, there.rate, SLO) or (None, None)
    assert (arrival, departure) == (Fraction(331, 20) * 10**6, Fraction(663, 40) * 10**6)


def test_an_h100_has_room_for_twenty_three_either_way() -> None:
    there, peak = capacity.supply(profile(H100), HOT), profile(H100).peak_bytes_per_ns
    assert there.rate == Fraction(110885, 39)
    assert capacity.essay_fitting(G, peak) == capacity.fitting(G, there.rate) == 23


@pytest.mark.parametrize(("device", "count"), [(H100, 21), (H200, 30)])
def test_migration_and_the_bubble_take_some_away(device: str, count: int) -> None:
    there = capacity.supply(profile(device), HOT, COOLED)
    assert capacity.fitting(G, there.rate) == count
    assert there.rate / profile(device).peak_bytes_per_ns == Fraction(6289, 8125)
    # The bubble is a blackout of 2 ms, so that no latency of 25 us is left.
    assert there.blackout_ns > 2_000_000


def test_migration_and_the_bubble_break_the_rule_when_cold() -> None:
    device = profile(H200)
    there = capacity.supply(device, Fraction(25), COOLED)
    assert there.rate / device.peak_bytes_per_ns == Fraction(13699, 16250) < Fraction(85, 100)
    found = capacity.admissible_below(device, Fraction(85, 100) * device.peak_bytes_per_ns, COOLED)
    assert found is not None
    assert found.low == found.high


# ---- the latency of 25 us ----


def test_wfq_with_all_requests_alike() -> None:
    there = crowd(H100, 8)
    (line,) = delay_lines("wfq", there, there.guaranteed[0].contract, False, Vary.ALL)
    assert (SLO - line.offset) / line.slope == Fraction(328729671, 115565000) * 10**6
    assert largest("wfq", there, Vary.ALL) == 2_844_543


@pytest.mark.parametrize(("device", "size", "pieces"), [(H100, 70_144_334, 613), (H200, 100_505_315, 428)])
def test_wfq_with_own_requests_of_4_kib(device: str, size: int, pieces: int) -> None:
    assert largest("wfq", crowd(device, 8, 4096), Vary.OTHERS) == size
    assert bounds.pieces(PREFILL, size) == pieces


def test_sfq_with_eight_and_with_twenty_three_tenants() -> None:
    assert largest("sfq", crowd(H100, 8), Vary.ALL) == 8_780_172
    assert largest("sfq", crowd(H200, 8), Vary.ALL) == 12_580_546
    assert largest("sfq", crowd(H100, 23), Vary.ALL) == 3_053_973
    assert bounds.pieces(PREFILL, 8_780_172) == 4892


def test_scfq_and_drr_with_eight_tenants() -> None:
    assert largest("scfq", crowd(H100, 8), Vary.ALL) == 2_288_486
    assert largest("drr-curve", crowd(H100, 8), Vary.ALL, own=True) == 2_422_116
    # 22 requests of everybody's size, not 29.
    assert largest("drr", crowd(H100, 8), Vary.ALL, own=True) == 3_192_790


def test_drr_with_equal_tenants_is_three_n_minus_two_requests_and_four_n_minus_three_by_its_curve() -> None:
    there = crowd(H100, 8)
    sharp, curve = (bounds_of(name, there, there.guaranteed[0].contract, own=True) for name in ("drr", "drr-curve"))
    assert sharp.expected == Fraction(22 * 65536) / there.supply.rate + 295
    assert curve.expected == Fraction(29 * 65536) / there.supply.rate + 295


def test_a_burst_and_a_latency() -> None:
    burst, duration = Fraction(400), Fraction(2_000_000)
    assert bounds.burst_wait(1, 1, G, burst, duration) == Fraction(14, 3) * 10**6
    least = bounds.guarantee_for_burst(burst, duration, SLO)
    assert least == Fraction(32000, 81)
    rates = [capacity.supply(profile(device), HOT).rate for device in (H100, H200)]
    assert [capacity.fitting(least, rate) for rate in rates] == [7, 10]
    # What a bucket may let through at once, so that 25 us suffice behind it.
    assert G * (SLO - 295) == 2_964_600


def test_shaped_first_come_first_served() -> None:
    rate = capacity.supply(profile(H100), HOT).rate
    assert round(bounds.fcfs_delay(8 * 240_000_000, rate, 0)) == 675_294


# ---- schedules ----


@pytest.mark.parametrize("policy", ["sfq", "scfq", "fcfs"])
@pytest.mark.parametrize("count", [2, 8, 16])
def test_a_schedule_comes_close_to_the_bound(policy: str, count: int) -> None:
    device = profile(H200)
    contracts = [Contract(f"t{n}", G, G, Fraction(0), 65536) for n in range(count)]
    there = Crowd.of(contracts, capacity.supply(device, HOT))
    bound = bounds_of(policy, there, contracts[count // 2], own=True).expected
    server = Server(device.peak_bytes_per_ns, Refresh(Fraction(1950), Fraction(295)))
    reached = witness(policy, Stage.of(contracts, contracts[count // 2], server), bound)
    assert reached is not None
    assert Fraction(9, 10) <= reached.late_ns / bound <= 1


def test_a_tenant_alone_has_a_schedule_too() -> None:
    alone = Contract("t", G, G, Fraction(0), 4096)
    there = Crowd.of([alone], Supply(Fraction(200), Fraction(0)))
    bound = bounds_of("sfq", there, alone, own=True).expected
    reached = witness("sfq", Stage.of([alone], alone, Server(Fraction(200))), bound)
    assert reached is not None
    assert reached.late_ns == bound
    assert witness("none", Stage.of([alone], alone, Server(Fraction(200))), bound) is None


def test_a_set_with_more_of_a_tenant_counts_it_as_many_times() -> None:
    three, eight = crowd(H200, 3), crowd(H200, 8)
    first, same = three.guaranteed[0].contract, eight.guaranteed[0].contract
    assert three.and_more(first, 5).total == eight.total
    assert bounds_of("sfq", three.and_more(first, 5), first, own=True) == bounds_of("sfq", eight, same, own=True)
    assert three.and_more(first, 0) is three
    assert not attrs.evolve(three, supply=Supply(Fraction(1), Fraction(0))).is_admissible
