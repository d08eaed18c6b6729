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
from headgate.spec.vocabulary import Device

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
