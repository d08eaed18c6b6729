"""Claims on a channel with refresh: what it serves in a window, hot and cold."""

from fractions import Fraction

from headgate.model.refresh import (
    Channel,
    Refresh,
    corrected_interval,
    essay_interval,
    is_up,
    pass_time,
    service_curve,
    until_boundary,
)
from headgate.model.replay.form import Lane, Mark, Replay, ReplayError
from headgate.model.replay.given import MOST_STEPS, Given, Runner
from headgate.model.replay.serving import refuse_long
from headgate.model.simulator import Server, finish_time
from headgate.spec.units import exact_text

__all__ = ["CLAIMS", "window_lane"]

# Hotter is no memory, and intervals halve with every 10 C.
MOST_C = 1000
# No timeline shows more blackouts than this.
MOST_MARKS = 1000


def _refresh_hotter(given: Given) -> Replay:
    """Claim "hotter-sooner": the same backlog finishes sooner at the higher temperature."""
    curve = {"essay": essay_interval, "corrected": corrected_interval}[given.rule_of("essay", "corrected")]
    finishes, lanes = [], []
    for key in ("cold_c", "hot_c"):
        temperature = given.number(key, least=None)
        if abs(temperature) > MOST_C:
            raise ReplayError(f"parameters.{key}: expected {-MOST_C} to {MOST_C} C, got {exact_text(temperature)}")
        # The end of the enclosure that serves less when hot, more when cold: the verdict holds for both in full.
        interval = curve(given.positive("base_interval"), temperature)
        refresh = Refresh(interval.low if key == "hot_c" else interval.high, given.positive("blackout"))
        if refresh.blackout >= refresh.interval:
            raise ReplayError(f"parameters.blackout: expected less than the interval {refresh.interval}")
        server = Server(given.positive("peak"), refresh)
        refuse_long(given, server)
        finishes.append(finish_time(server, Fraction(0), sum(request.bytes for request in given.requests)))
        lanes.append(_backlog_lane(f"{exact_text(temperature)} C", refresh, finishes[-1]))
    cold, hot = finishes
    finding = f"the backlog is done after {exact_text(cold)} ns when cold, {exact_text(hot)} ns when hot"
    bound = cold + given.tighter()
    if hot < bound:
        lanes.append(Lane("violation", (Mark(hot, cold, "violation", "sooner when hot"),)))
    return Replay(hot < bound, hot, bound, "ns", finding, tuple(lanes))


def _backlog_lane(label: str, refresh: Refresh, finish: Fraction) -> Lane:
    marks: list[Mark] = []
    now = Fraction(0)
    while now < finish and len(marks) < MOST_MARKS:
        dark = now + refresh.blackout
        marks.append(Mark(now, min(dark, finish), "blackout"))
        if dark < finish:
            marks.append(Mark(dark, min(now + refresh.interval, finish), "service"))
        now += refresh.interval
    return Lane(label, tuple(marks))


def _refresh_service(given: Given) -> Replay:
    """Claim "service": a window of `window` ns gets no more service than the lower curve, or less."""
    refresh = Refresh(given.positive("interval"), given.positive("blackout"))
    given.rule_of("all-bank")
    window, offset = given.positive("window"), given.number("offset", Fraction(0))
    if refresh.blackout >= refresh.interval or offset >= refresh.interval:
        raise ReplayError("parameters: expected blackout and offset below the interval")
    if window > refresh.interval * MOST_STEPS:
        raise ReplayError(f"parameters.window: expected at most {MOST_STEPS} intervals")
    served = _service_in(refresh, Channel(offset), window)
    curve = Fraction(service_curve(refresh, window // refresh.interval, window % refresh.interval))
    bound = curve + given.tighter()
    finding = (
        f"{exact_text(served)} ns of service in a window of {exact_text(window)} ns, the curve says {exact_text(bound)}"
    )
    lane = window_lane(refresh, offset, window)
    violation = Lane("violation", (Mark(Fraction(0), window, "violation", "less service"),) if served < bound else ())
    return Replay(served < bound, served, bound, "ns", finding, (lane, violation))


def window_lane(refresh: Refresh, offset: Fraction, window: Fraction) -> Lane:
    """Return the blackouts and the service of a window that begins `offset` ns after a blackout began."""
    marks: list[Mark] = []
    channel, now = Channel(offset), Fraction(0)
    while now < window and len(marks) < MOST_MARKS:
        elapsed = min(until_boundary(channel, refresh), window - now)
        kind = "service" if is_up(channel, refresh) else "blackout"
        marks.append(Mark(now, now + elapsed, kind))
        now, (_, channel) = now + elapsed, pass_time(channel, refresh, elapsed)
    return Lane("window", tuple(marks))


def _service_in(refresh: Refresh, channel: Channel, window: Fraction) -> Fraction:
    served = Fraction(0)
    while window > 0:
        elapsed = min(until_boundary(channel, refresh), window)
        up, channel = pass_time(channel, refresh, elapsed)
        served, window = served + up, window - elapsed
    return served


CLAIMS: dict[tuple[str, str], Runner] = {
    ("refresh", "hotter-sooner"): _refresh_hotter,
    ("refresh", "service"): _refresh_service,
}
