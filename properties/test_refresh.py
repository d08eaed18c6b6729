"""What must hold of the refresh tax (RF-1 to RF-7)."""

import math
from fractions import Fraction

import attrs
from hypothesis import assume, example, given
from hypothesis import strategies as st

from headgate.model import refresh as tax
from headgate.model.arbiters.fcfs import FCFS
from headgate.model.refresh import Channel, Enclosure, Refresh
from headgate.model.simulator import Server, finish_time, simulate
from headgate.properties import strategies
from headgate.properties.measures import is_first_moment, uptime
from headgate.properties.oracles import refresh as plain
from headgate.spec.links import checks
from headgate.spec.vocabulary import Contract, Device, RefreshRule, Request

TIMES = st.one_of(st.integers(0, 80).map(Fraction), st.fractions(0, 80, max_denominator=6))
# A blackout of 3 ns at the beginning of every 10.
SMALL = Refresh(Fraction(10), Fraction(3))
HBM = Device("hbm", Fraction(4800), Fraction(295), Fraction(0), Fraction(3900))


@checks("RF-1")
@given(strategies.servers(), TIMES, st.integers(1, 60))
@example(Server(Fraction(1), SMALL), Fraction(0), 7)  # starts as the blackout does, ends as the next one begins
@example(Server(Fraction(1), SMALL), Fraction(0), 8)  # one byte more waits for the whole of the next blackout
@example(Server(Fraction(1), SMALL), Fraction(3), 1)  # starts on the last instant of a blackout
@example(Server(Fraction(1), SMALL), Fraction(2), 1)  # one ns before it
@example(Server(Fraction(1), SMALL), Fraction(9), 2)  # suspended by a blackout, then goes on
@example(Server(Fraction(1), SMALL, Fraction(7)), Fraction(3), 1)  # the same blackouts, counted from another origin
@example(Server(Fraction(1), SMALL, Fraction(7)), Fraction(3), 20_003)  # a thousand intervals and more
def test_service_takes_its_work_in_uptime_and_not_a_moment_more(server: Server, start: Fraction, size: int) -> None:
    """Between start and finish the server is up for size / rate ns exactly, and it is up right before the finish."""
    finish = finish_time(server, start, size)
    work = size / server.peak_bytes_per_ns
    assert uptime(server.refresh, server.offset_ns, start, finish) == work
    assert is_first_moment(server, finish)
    assert finish >= start + work


@checks("RF-1")
@given(strategies.refreshes(), TIMES, st.integers(0, 40))
@example(SMALL, Fraction(0), 0)
@example(SMALL, Fraction(3), 0)  # the end of a blackout is up
@example(SMALL, Fraction(10), 0)  # the end of an interval is the beginning of a blackout
def test_a_channel_changes_over_at_its_boundaries(refresh: Refresh, now: Fraction, offset: int) -> None:
    """Until the next boundary a channel is all up or all dark, and there it changes over."""
    channel = tax.phase_at(refresh, Fraction(offset), now)
    boundary = tax.until_boundary(channel, refresh)
    up = tax.is_up(channel, refresh)
    assert boundary > 0
    assert uptime(refresh, Fraction(offset), now, now + boundary) == (boundary if up else 0)
    served, after = tax.pass_time(channel, refresh, boundary)
    assert served == (boundary if up else 0)
    assert tax.is_up(after, refresh) != up
    assert after == tax.phase_at(refresh, Fraction(offset), now + boundary)


@checks("RF-1")
@given(strategies.refreshes(), st.fractions(0, 1, max_denominator=8), st.fractions(0, 1, max_denominator=8))
def test_time_may_be_cut_anywhere(refresh: Refresh, share: Fraction, cut: Fraction) -> None:
    """Passing some time at once serves as much as passing it in two steps."""
    channel = Channel(share * refresh.interval % refresh.interval)
    whole = tax.until_boundary(channel, refresh)
    served, after = tax.pass_time(channel, refresh, whole)
    first, between = tax.pass_time(channel, refresh, cut * whole)
    second, end = tax.pass_time(between, refresh, whole - cut * whole)
    assert (served, after) == (first + second, end)


@checks("RF-2")
@given(strategies.refreshes(), TIMES, TIMES)
@example(SMALL, Fraction(0), Fraction(10))
@example(SMALL, Fraction(0), Fraction(13))  # one interval and one blackout
@example(SMALL, Fraction(9), Fraction(4))  # a window that begins with the last ns before a blackout
def test_service_curve_is_the_least_of_any_window_and_attained(
    refresh: Refresh, begin: Fraction, length: Fraction
) -> None:
    """No window of t ns has less uptime than the curve at t, and the window that begins with a blackout has no more."""
    periods, rest = divmod(length, refresh.interval)
    least = tax.service_curve(refresh, periods, rest)
    assert uptime(refresh, Fraction(0), begin, begin + length) >= least
    assert uptime(refresh, Fraction(0), Fraction(0), length) == least


@checks("RF-3")
@given(strategies.refreshes(), st.integers(0, 4), st.fractions(0, 1, max_denominator=12))
@example(SMALL, 0, Fraction(0))
@example(SMALL, 2, Fraction(3, 10))
def test_rate_latency_is_the_best_line_under_the_curve(refresh: Refresh, periods: int, share: Fraction) -> None:
    """The line of the long-run rate after one blackout is never above the curve, and meets it after every blackout."""
    rest = share * refresh.interval if share < 1 else Fraction(0)
    curve = tax.service_curve(refresh, periods, rest)
    line = tax.rate_latency(refresh, periods * refresh.interval + rest) / refresh.interval
    assert line <= curve
    assert (line == curve) == (rest == refresh.blackout)
    end = periods * refresh.interval + refresh.blackout
    met = tax.service_curve(refresh, periods, refresh.blackout)
    assert tax.rate_latency(refresh, end) == refresh.interval * met


def encloses(enclosure: Enclosure, base: Fraction, exponent: Fraction) -> bool:
    """Return whether base 2**exponent is in the enclosure, by integer powers: no root is ever taken."""
    power = exponent.denominator
    true = base**power * Fraction(2) ** exponent.numerator
    return enclosure.low**power <= true <= enclosure.high**power


@checks("RF-4")
@given(strategies.devices(), strategies.temperatures(), strategies.temperatures())
@example(HBM, Fraction(85), Fraction(851, 10))  # the knee: from here on it shrinks
@example(HBM, Fraction(74), Fraction(76))  # where the essay's curve jumps
def test_interval_never_grows_with_temperature(device: Device, one: Fraction, other: Fraction) -> None:
    """Up to 85 C the interval is the base; above, hotter means shorter."""
    cold, hot = sorted((one, other))
    at_cold, at_hot = tax.refresh_interval(device, cold), tax.refresh_interval(device, hot)
    base = device.base_interval_ns
    if hot <= 85:
        assert at_cold == at_hot == Enclosure(base, base)
    elif cold < hot:
        assert at_hot.high <= at_cold.high
        assert at_hot.low <= at_cold.low
        assert at_hot.low < base


@checks("RF-4", "RF-5")
@given(st.integers(40, 4000).map(Fraction), strategies.temperatures(85, 105))
@example(Fraction(3900), Fraction(85))
@example(Fraction(3900), Fraction(95))
@example(Fraction(3900), Fraction(88))
def test_interval_halves_every_ten_degrees_above_the_knee(base: Fraction, temperature: Fraction) -> None:
    """At 85 C it is the base, at 95 C half of it, at 105 C a quarter, exactly; between as the powers of two say."""
    interval = tax.corrected_interval(base, temperature)
    assert encloses(interval, base, -(temperature - 85) / 10)
    assert encloses(tax.corrected_interval(base, temperature + 10), base / 2, -(temperature - 85) / 10)
    if temperature in (85, 95, 105):
        exact = base / Fraction(2) ** int((temperature - 85) / 10)
        assert interval == Enclosure(exact, exact)


@checks("RF-5")
@given(strategies.exponents())
@example(Fraction(0))
@example(Fraction(-1))  # whole exponents are exact
@example(Fraction(1, 2))
@example(Fraction(-1, 10))  # no finite number of bits
@example(Fraction(-1, 1 << 70))  # beyond the bits that are taken
def test_powers_of_two_are_enclosed_tightly(exponent: Fraction) -> None:
    """low**q <= 2**p <= high**q for an exponent p/q, no wider than 1e-17 of the value, and exact if it is whole."""
    enclosure = tax.power_of_two(exponent)
    if exponent.denominator <= 100:
        assert encloses(enclosure, Fraction(1), exponent)
    assert 0 < enclosure.low <= enclosure.high <= enclosure.low * (1 + Fraction(1, 10**17))
    assert (enclosure.low == enclosure.high) == (exponent.denominator == 1)


@checks("RF-5")
@given(strategies.devices(), strategies.temperatures())
@example(HBM, Fraction(949, 10))
def test_interval_is_enclosed_and_the_worse_end_is_used(device: Device, temperature: Fraction) -> None:
    """The enclosure of the interval is at most 2 ps wide and holds it; what is safe is reckoned from its low end."""
    interval = tax.refresh_interval(device, temperature)
    assert encloses(interval, device.base_interval_ns, -max(Fraction(0), temperature - 85) / 10)
    assert interval.high - interval.low <= Fraction(2, 1000)
    worst = tax.worst_refresh(device, temperature)
    assert worst == Refresh(interval.low, device.refresh_ns + device.overhead_ns)


@checks("RF-6")
@given(strategies.devices(rule=RefreshRule.ESSAY), strategies.temperatures())
@example(HBM, Fraction(75))
def test_essay_interval_doubles_at_its_knee(device: Device, temperature: Fraction) -> None:
    """As written the interval is the base below 75 C, twice the base at 75 C, and halves every 10 C from there."""
    essay = attrs.evolve(device, refresh_rule=RefreshRule.ESSAY)
    interval, base = tax.refresh_interval(essay, temperature), device.base_interval_ns
    if temperature < 75:
        assert interval == Enclosure(base, base)
    else:
        assert encloses(interval, 2 * base, -(temperature - 75) / 10)
        assert interval.high - interval.low <= Fraction(2, 1000)
    assert tax.refresh_interval(essay, Fraction(75)).low > tax.refresh_interval(essay, Fraction(74)).high


@checks("RF-6")
@given(st.integers(2, 12))
@example(12)
def test_by_the_essay_a_hotter_memory_serves_a_backlog_sooner(count: int) -> None:
    """The same backlog, at 74 C and at 76 C: as written the hotter one is done first; corrected, neither is."""
    size, peak = 1 << 21, Fraction(4800)
    tenant = Contract("t0", Fraction(1), Fraction(1), Fraction(0), size)
    backlog = [Request(0, 0, size)] * (9 * count)

    def done(rule: RefreshRule, temperature: int) -> Fraction:
        device = attrs.evolve(HBM, refresh_rule=rule)
        server = Server(peak, tax.worst_refresh(device, Fraction(temperature)))
        return simulate(backlog, [tenant], FCFS, server).services[-1].finish_ns

    assert done(RefreshRule.ESSAY, 76) < done(RefreshRule.ESSAY, 74)
    assert done(RefreshRule.CORRECTED, 76) == done(RefreshRule.CORRECTED, 74)


TABLES = st.lists(st.tuples(st.integers(20, 110), st.integers(5, 40)), min_size=1, max_size=5).map(
    lambda lines: tuple(
        (Fraction(limit), Fraction(interval))
        for limit, interval in zip(
            sorted({line[0] for line in lines}), sorted((line[1] for line in lines), reverse=True), strict=False
        )
    )
)


@checks("RF-8")
@given(strategies.devices(rule=RefreshRule.JEDEC), strategies.temperatures())
@example(HBM, Fraction(85))
@example(HBM, Fraction(851, 10))
def test_jedec_has_one_hot_mode(device: Device, temperature: Fraction) -> None:
    """The base interval up to 85 C, half of it above; against RF-4, shorter below 95 C and longer beyond."""
    jedec = attrs.evolve(device, refresh_rule=RefreshRule.JEDEC)
    interval, base = tax.refresh_interval(jedec, temperature), device.base_interval_ns
    assert interval.low == interval.high == (base if temperature <= 85 else base / 2)
    corrected = tax.corrected_interval(base, temperature)
    if 85 < temperature <= 95:
        assert interval.high <= corrected.high
    elif temperature > 95:
        assert interval.low >= corrected.low


@checks("RF-9")
@given(TABLES, strategies.temperatures())
@example(((Fraction(85), Fraction(39)), (Fraction(95), Fraction(20))), Fraction(85))
@example(((Fraction(85), Fraction(39)), (Fraction(95), Fraction(20))), Fraction(96))
def test_a_table_gives_the_interval_of_its_line(
    table: tuple[tuple[Fraction, Fraction], ...], temperature: Fraction
) -> None:
    """Of the lines that cover the temperature the coldest; of none, the last. It never grows."""
    device = attrs.evolve(HBM, refresh_rule=RefreshRule.TABLE, refresh_table=table)
    interval = tax.refresh_interval(device, temperature)
    covering = [given for limit, given in table if limit >= temperature]
    assert interval.low == interval.high == max([*covering, table[-1][1]])
    assert tax.refresh_interval(device, temperature + 1).high <= interval.low


@checks("RF-10")
@given(st.integers(2, 6), st.integers(1, 4), st.integers(0, 3), st.integers(0, 26))
@example(5, 2, 2, 5)  # just the backlog of refreshes
@example(5, 2, 1, 7)  # where the line of the rate-latency form touches the curve
def test_postponed_refresh_costs_what_was_put_off(interval: int, blackout: int, most: int, length: int) -> None:
    """The least service over all the ways in which refreshes can be put off is the curve."""
    assume(blackout < interval)
    curve = tax.postponed_curve(Refresh(interval, blackout), length // interval, length % interval, most)
    assert curve == length - plain.most_dark(length, interval, blackout, most)
    assert interval * curve >= tax.postponed_rate_latency(Refresh(interval, blackout), length, most)


@checks("RF-10")
@given(st.integers(1, 9), st.integers(0, 5), st.integers(1, 9))
@example(4, 3, 1)
def test_the_postponed_line_touches_its_curve(blackout: int, most: int, up: int) -> None:
    """At t = n P + B the curve has no more than the line, once it is above 0: no smaller latency will do."""
    refresh = Refresh(blackout + up, blackout)
    periods = most * blackout // up + 1
    elapsed = periods * refresh.interval + blackout
    line = tax.postponed_rate_latency(refresh, elapsed, most)
    assert line == refresh.interval * tax.postponed_curve(refresh, periods, blackout, most) > 0
    latency = blackout + most * blackout * Fraction(refresh.interval, up)
    assert tax.postponed_rate_latency(refresh, latency, most) == 0


@checks("RF-11")
@given(st.integers(1, 6), st.integers(1, 20), st.integers(1, 6))
@example(3, 5, 4)  # two banks at a time
@example(4, 4, 3)  # one ends as the next begins
def test_banks_go_dark_in_turn(interval: int, blackout: int, banks: int) -> None:
    """Ns by ns: every bank is a channel of its own, and as many are dark at most as the rule says."""
    own = tax.per_bank(interval, blackout, banks)
    assume(blackout < own.interval)
    most = 0
    for now in range(banks * interval, 3 * banks * interval):
        dark = [plain.is_dark(now, own.interval, own.blackout, -bank * interval) for bank in range(banks)]
        begun = [bank for bank in range(banks) if (now - bank * interval) % (banks * interval) < blackout]
        assert [bank for bank in range(banks) if dark[bank]] == begun
        most = max(most, sum(dark))
    for count in range(banks + 1):
        assert tax.most_dark_is(interval, blackout, count) == (most <= count)


@checks("RF-12")
@given(st.integers(2, 6), st.integers(1, 5), st.lists(st.integers(0, 5), min_size=3, max_size=6))
@example(5, 2, [3, 0, 3])  # at the end of one interval and at the beginning of the next
def test_a_blackout_anywhere_in_its_interval_costs_two(interval: int, blackout: int, places: list[int]) -> None:
    """No window gets less than the line, wherever the blackouts lie; back to back they take it to nothing at 2 B."""
    assume(blackout < interval)
    begins = [interval * k + min(place, interval - blackout) for k, place in enumerate(places)]
    dark = [any(at <= now < at + blackout for at in begins) for now in range(interval * len(places))]
    refresh = Refresh(interval, blackout)
    for first in range(len(dark)):
        for last in range(first, len(dark)):
            served = dark[first:last].count(False)
            assert interval * served >= tax.anywhere_rate_latency(refresh, last - first)
    assert tax.anywhere_rate_latency(refresh, 2 * blackout) == 0


@checks("RF-7")
@given(strategies.devices(), strategies.temperatures(), st.integers(1, 5))
@example(HBM, Fraction(95), 1)
@example(attrs.evolve(HBM, overhead_ns=Fraction(34)), Fraction(95), 1)  # the overhead is part of the blackout
@example(attrs.evolve(HBM, refresh_ns=Fraction(0)), Fraction(95), 1)  # no refresh: the peak rate is left
@example(attrs.evolve(HBM, refresh_ns=Fraction(5000)), Fraction(95), 1)  # nothing but refresh: nothing is left
def test_effective_rate_is_what_whole_intervals_serve(device: Device, temperature: Fraction, periods: int) -> None:
    """What is served in whole intervals, peak rate times uptime, is the effective rate times their length."""
    rate = tax.effective_rate(device, temperature)
    interval = tax.refresh_interval(device, temperature).low
    blackout = device.refresh_ns + device.overhead_ns
    length = periods * interval
    up = uptime(Refresh(interval, blackout), Fraction(0), Fraction(0), length) if blackout < interval else 0
    assert rate * length == device.peak_bytes_per_ns * up
    assert 0 <= rate <= device.peak_bytes_per_ns
    # With the other end of the enclosure, more would be left: the rate never exceeds the true one.
    longer = tax.refresh_interval(device, temperature).high
    assert rate <= max(Fraction(0), device.peak_bytes_per_ns * (1 - blackout / longer))


@checks("RF-7")
def test_effective_rate_of_the_h200_at_95_degrees() -> None:
    """4,800 GB/s, 295 ns every 1,950 ns: 52960/13 GB/s, less at most what the enclosure gives away."""
    rate, true = tax.effective_rate(HBM, Fraction(95)), Fraction(52960, 13)
    assert true - Fraction(1, 1000) <= rate <= true
    assert math.floor(rate) == 4073
