"""What must hold of the admission of bandwidth (AD-1, AD-2)."""

from fractions import Fraction

import attrs
from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model import admission
from headgate.model.refresh import effective_rate, refresh_interval, worst_refresh
from headgate.properties import strategies
from headgate.properties.measures import uptime
from headgate.spec.links import checks
from headgate.spec.vocabulary import Device, RefreshRule

H200 = Device("h200", Fraction(4800), Fraction(295), Fraction(0), Fraction(3900))
GUARANTEES = st.lists(strategies.rates(), max_size=8)


@checks("AD-1")
@given(strategies.devices(), GUARANTEES, strategies.temperatures(25, 105))
@example(H200, [Fraction(120)] * 33, Fraction(95))  # the most tenants of 120 GB/s that fit
@example(H200, [Fraction(120)] * 34, Fraction(95))
def test_an_admitted_set_fits_at_every_temperature_of_the_range(
    device: Device, guarantees: list[Fraction], temperature: Fraction
) -> None:
    """Admitted up to the device's maximum, the guarantees sum to no more than what any lower temperature leaves."""
    hottest = device.max_temperature_c
    admitted = admission.admits(guarantees, admission.safe_capacity(device, hottest))
    inside = min(temperature, hottest)
    refresh = worst_refresh(device, inside)
    served = device.peak_bytes_per_ns * uptime(refresh, Fraction(0), Fraction(0), refresh.interval)
    if admitted:
        assert sum(guarantees) * refresh.interval <= served
    else:
        assert sum(guarantees) > effective_rate(device, hottest)


@checks("AD-1")
@given(strategies.devices(), strategies.rates())
@example(H200, Fraction(120))
def test_a_set_is_admitted_up_to_the_last_byte(device: Device, one: Fraction) -> None:
    """Guarantees that sum to the safe capacity exactly are admitted, any more are not; an empty set always is."""
    capacity = admission.safe_capacity(device, device.max_temperature_c)
    assert admission.admits([], capacity)
    assert admission.admits([capacity / 2, capacity / 2], capacity)
    assert not admission.admits([capacity, one / 10**9], capacity)


@checks("AD-2")
@given(strategies.devices(), strategies.temperatures(), st.integers(1, 10))
@example(attrs.evolve(H200, refresh_ns=Fraction(585)), Fraction(85), 1)  # 0.15 of the interval exactly
@example(attrs.evolve(H200, refresh_ns=Fraction(586)), Fraction(85), 1)
@example(H200, Fraction(9487, 100), 1)
@example(H200, Fraction(9488, 100), 1)
def test_essay_rule_is_safe_iff_all_that_it_admits_fits(device: Device, temperature: Fraction, count: int) -> None:
    """A set at the essay's limit, 0.85 of the peak rate, is admitted by it; it fits iff the rule is called safe."""
    limit = Fraction(85, 100) * device.peak_bytes_per_ns
    refresh = worst_refresh(device, temperature)
    served = device.peak_bytes_per_ns * uptime(refresh, Fraction(0), Fraction(0), refresh.interval)
    assert admission.essay_admits([limit / count] * count, device.peak_bytes_per_ns)
    assert not admission.essay_admits([limit, Fraction(1, 10**9)], device.peak_bytes_per_ns)
    fits = limit * refresh.interval <= served
    assert admission.essay_rule_is_safe(refresh.blackout, refresh.interval) == fits


@checks("AD-2")
def test_threshold_of_the_essay_rule_lies_between_94_87_and_94_88_degrees() -> None:
    """295 ns every 3,900 ns, halving above 85 C: safe at 94.87 C, for every point of the enclosure; not at 94.88 C."""
    safe = refresh_interval(H200, Fraction(9487, 100))
    unsafe = refresh_interval(H200, Fraction(9488, 100))
    assert admission.essay_rule_is_safe(H200.blackout_ns, safe.low)
    assert not admission.essay_rule_is_safe(H200.blackout_ns, unsafe.high)


@checks("AD-2")
def test_thirty_four_tenants_are_admitted_by_the_essay_and_do_not_fit() -> None:
    """34 tenants of 120 GB/s are 0.85 of an H200 exactly, and more than it serves at 95 C; 33 are the most that fit."""
    guarantees = [Fraction(120)] * 34
    assert admission.essay_admits(guarantees, H200.peak_bytes_per_ns)
    safe = admission.safe_capacity(H200, Fraction(95))
    assert not admission.admits(guarantees, safe)
    assert admission.admits(guarantees[:33], safe)


@checks("AD-3")
@given(st.lists(st.fractions(Fraction(1, 10), 500, max_denominator=10), min_size=1, max_size=12), st.integers(1, 1000))
@example([Fraction(3), Fraction(3)], 5)  # each fits, both do not
@example([Fraction(5)], 5)  # to the byte
def test_a_gate_admits_whatever_fits_and_nothing_more(guarantees: list[Fraction], capacity: int) -> None:
    """One by one, each is admitted iff it fits beside those that were; what leaves makes room again."""
    gate, taken = admission.Admitted(Fraction(0)), Fraction(0)
    for guarantee in guarantees:
        admitted, gate = admission.request(gate, guarantee, capacity)
        assert admitted == (taken + guarantee <= capacity)
        taken += guarantee if admitted else 0
        assert gate.total == taken <= capacity
    for guarantee in guarantees[:1]:
        room = admission.release(gate, min(guarantee, taken))
        assert admission.check(room, min(guarantee, taken), capacity)


@checks("AD-3")
def test_two_clients_that_check_before_they_commit_are_both_told_yes() -> None:
    """Each of two guarantees of 3 fits into 5, and both are counted."""
    gate, three = admission.Admitted(Fraction(0)), Fraction(3)
    assert admission.check(gate, three, 5)
    assert admission.commit(admission.commit(gate, three), three).total > 5


@checks("AD-4")
@given(
    strategies.devices(), strategies.temperatures(), strategies.temperatures(), st.fractions(0, 1, max_denominator=9)
)
def test_what_fits_when_hot_fits_when_cool(device: Device, one: Fraction, other: Fraction, share: Fraction) -> None:
    """A set admitted at the hotter temperature fits at the cooler one; the peak rate itself never fits."""
    corrected = attrs.evolve(device, refresh_rule=RefreshRule.CORRECTED)
    hot, cool = max(one, other), min(one, other)
    total = share * admission.safe_capacity(corrected, hot)
    assert admission.admits([total], admission.safe_capacity(corrected, cool))
    assert admission.peak_admits([corrected.peak_bytes_per_ns], corrected.peak_bytes_per_ns)
    if corrected.blackout_ns > 0:
        assert not admission.admits([corrected.peak_bytes_per_ns], admission.safe_capacity(corrected, cool))
