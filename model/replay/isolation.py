"""Claims of schedules about isolation: the gap in rounds, refresh put off or bank by bank, untreated excess, and
sets of tenants that are admitted."""

from collections.abc import Callable
from fractions import Fraction

import attrs

from headgate.model.admission import admits
from headgate.model.arbiters import ARBITERS
from headgate.model.arbiters.drr import quanta_for
from headgate.model.bounds import round_gap, sfq_delay
from headgate.model.capacity import Supply, kept_share, longest_dark
from headgate.model.fairness import worst_gap
from headgate.model.refresh import Refresh, most_dark_is, per_bank, postponed_curve, served_by
from headgate.model.replay.admission import losses_of
from headgate.model.replay.form import Lane, Mark, Replay, ReplayError
from headgate.model.replay.given import MOST_STEPS, Given
from headgate.model.replay.serving import lateness_shown, refuse_long, serve, service_lanes
from headgate.model.simulator import Server, finish_time, simulate
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import Contract, Excess, Execution, Policing, Service

__all__ = ["CLAIMS"]

# No timeline shows more banks than this.
MOST_BANKS = 64


def _round_gap(given: Given) -> Replay:
    """Claim "round-gap": tenants 0 and 1 drift further apart than 1 + L_0 / Q_0 + L_1 / Q_1 rounds.

    A round is a quantum of bytes; quanta are those of DRR, whatever the rule.
    """
    weights = given.numbers("weights")
    if len(weights) < 2:
        raise ReplayError("parameters.weights: expected at least two tenants")
    largest = given.largest(len(weights))
    quanta = quanta_for(tuple(weights), tuple(largest))
    execution = serve(given, weights)
    bound = Fraction(round_gap(largest[0] / quanta[0], largest[1] / quanta[1])) - given.tighter()
    gap = worst_gap(execution.services, quanta, 0, 1)
    lanes = list(service_lanes(execution, len(weights)))
    if gap is None:
        finding = "the tenants are never served while both wait"
        return Replay(False, Fraction(0), bound, "rounds", finding, tuple(lanes), execution)
    finding = (
        f"tenant {gap.ahead} gets {exact_text(gap.size_ns)} rounds more than tenant {gap.behind} "
        f"in [{exact_text(gap.begin_ns)}, {exact_text(gap.end_ns)}] ns, the bound is {exact_text(bound)}"
    )
    if gap.size_ns > bound:
        lanes.append(Lane("violation", (Mark(gap.begin_ns, gap.end_ns, "violation", "gap"),)))
    return Replay(gap.size_ns > bound, gap.size_ns, bound, "rounds", finding, tuple(lanes), execution)


def _put_off(given: Given) -> Replay:
    """Claim "put-off": a window gets less service than the curve of refresh that may be put off.

    Refresh k is due at k intervals, and begins at `starts[k]`; no more than `postponed` are put off at a time.
    """
    refresh = Refresh(given.positive("interval"), given.positive("blackout"))
    given.rule_of("postponed")
    most, begin, window = given.number("postponed"), given.number("begin"), given.positive("window")
    starts = _starts(given, refresh, most)
    if begin + window > refresh.interval * len(starts):
        raise ReplayError(f"parameters.starts: expected every refresh that is due by {exact_text(begin + window)} ns")
    end = begin + window
    blackouts = [(max(begin, s), min(end, s + refresh.blackout)) for s in starts]
    served = window - sum((max(Fraction(0), b - a) for a, b in blackouts), Fraction(0))
    curve = postponed_curve(refresh, window // refresh.interval, window % refresh.interval, most)
    bound = Fraction(curve) + given.tighter()
    finding = (
        f"{exact_text(served)} ns of service in [{exact_text(begin)}, {exact_text(end)}] ns, "
        f"the curve says {exact_text(bound)}"
    )
    dark = Lane("refresh", tuple(Mark(s, s + refresh.blackout, "blackout") for s in starts))
    violation = Lane("violation", (Mark(begin, end, "violation", "less service"),) if served < bound else ())
    return Replay(served < bound, served, bound, "ns", finding, (dark, violation))


def _starts(given: Given, refresh: Refresh, most: Fraction) -> list[Fraction]:
    starts = given.numbers("starts", least=Fraction(0))
    free = Fraction(0)
    for number, start in enumerate(starts):
        first, last = max(free, number * refresh.interval), (number + most) * refresh.interval
        if not first <= start <= last:
            words = f"expected from {exact_text(first)} to {exact_text(last)}, got {exact_text(start)}"
            raise ReplayError(f"parameters.starts[{number}]: {words}")
        free = start + refresh.blackout
    return starts


def _dark_banks(given: Given) -> Replay:
    """Claim "dark-banks": more than `most` banks are dark at a time, though b <= most p.

    Where b is larger nothing is claimed, and nothing is violated.
    """
    interval, blackout = given.positive("interval"), given.positive("blackout")
    given.rule_of("per-bank")
    banks, most = given.positive("banks"), given.number("most")
    if banks != int(banks) or banks > MOST_BANKS:
        raise ReplayError(f"parameters.banks: expected a whole number of at most {MOST_BANKS}, got {exact_text(banks)}")
    own = per_bank(interval, blackout, banks)
    if blackout >= own.interval:
        raise ReplayError(f"parameters.blackout: expected less than {exact_text(own.interval)}")
    claimed = bool(most_dark_is(interval, blackout, most))
    # Most are dark when one of them has just begun; in this turn all of them have been refreshed before.
    begun = [[number * interval - back * own.interval for back in (0, 1)] for number in range(int(banks))]
    now = (banks - 1) * interval
    dark = sum(any(at <= now < at + blackout for at in times) for times in begun)
    bound = most - given.tighter()
    finding = f"{dark} banks are dark at {exact_text(now)} ns, the bound is {exact_text(bound)}"
    lanes = [
        Lane(f"bank {number}", tuple(Mark(max(at, Fraction(0)), at + blackout, "blackout") for at in times
                                     if at + blackout > 0))
        for number, times in enumerate(begun)
    ]  # fmt: skip
    violated = claimed and dark > bound
    if violated:
        lanes.append(Lane("violation", (Mark(now, now, "violation", "too many dark"),)))
    return Replay(violated, Fraction(dark), bound, "banks", finding, tuple(lanes))


def _promise(given: Given) -> Replay:
    """Claim "promise": a request in contract of a tenant that is alone finishes later than its bound (SFQ's).

    The rule is the treatment of the tenant's excess; in the background, its largest request may be in the way.
    """
    treatment = Excess(given.rule_of(*(way.value for way in Excess)))
    guaranteed, most = given.positive("guaranteed"), given.positive("max_request")
    burst, peak = given.positive("burst"), given.positive("peak")
    if most != int(most) or burst < guaranteed or peak < guaranteed:
        raise ReplayError("parameters: expected a whole max_request, and burst and peak of at least guaranteed")
    contract = Contract("0", guaranteed, burst, given.number("duration"), int(most), excess=treatment)
    if any(request.tenant for request in given.requests):
        raise ReplayError("requests: expected tenant 0 alone")
    execution = simulate(given.requests, [contract], ARBITERS["sfq"], Server(peak))
    behind = most if treatment is Excess.BACKGROUND else Fraction(0)
    bound = Fraction(sfq_delay(most, behind, peak, 0)) - given.tighter()
    lanes = list(service_lanes(execution, 1))
    promised = [s for s in execution.services if s.policing in (Policing.PACED, Policing.BURST)]
    late = [(s.finish_ns - s.expected_ns, s.finish_ns) for s in promised if s.expected_ns is not None]
    observed, finish = max(late, default=(Fraction(0), Fraction(0)))
    return lateness_shown("in contract", observed, finish, bound, lanes, execution)


def _safety(given: Given) -> Replay:
    """Claim "safety": a set that the rule admits, served by SFQ, is later than what the rule takes for granted.

    Everything is there at 0, when a bubble begins, and behind it a blackout; the clock of refresh stands still in a
    bubble. Under the rule "no-losses" refresh alone is counted.
    """
    weights, losses = given.numbers("weights"), losses_of(given)
    interval, blackout, peak = given.positive("interval"), given.number("blackout"), given.positive("peak")
    if any(request.arrival_ns for request in given.requests):
        raise ReplayError("requests: expected all of them at 0 ns")
    if blackout >= interval:
        raise ReplayError(f"parameters.blackout: expected less than the interval {exact_text(interval)}")
    refresh = Refresh(interval, blackout)
    refreshed = Fraction(served_by(peak, refresh)) / interval
    granted = {
        "corrected": Supply(refreshed * kept_share(losses), longest_dark(losses, blackout)),
        "no-losses": Supply(refreshed, blackout),
    }
    supply = granted[given.rule_of(*granted)]
    served = Server(peak * (1 - losses.migration), refresh if blackout else None)
    refuse_long(given, served)
    execution = serve(given, weights, ARBITERS["sfq"], served)
    clock = Server(Fraction(1), Refresh(losses.period_ns, losses.bubble_ns)) if losses.bubble_ns else None
    outside = losses.period_ns - losses.bubble_ns
    if clock is not None and execution.services and execution.services[-1].finish_ns > MOST_STEPS * outside:
        raise ReplayError(f"requests: expected a backlog of at most {MOST_STEPS} periods of bubbles")
    services = [_behind_bubbles(service, clock) for service in execution.services]
    execution = attrs.evolve(execution, services=tuple(services))
    if not admits(weights, supply.rate):
        finding = "the rule does not admit the guarantees"
        return Replay(False, Fraction(0), Fraction(0), "ns", finding, tuple(service_lanes(execution, len(weights))))
    return _latest(given, execution, supply)


def _behind_bubbles(service: Service, clock: Server | None) -> Service:
    """Return a service whose times were counted outside bubbles; `clock` serves a ns a ns, but for them."""
    if clock is None:
        return service
    start, finish = (finish_time(clock, Fraction(0), at) for at in (service.start_ns, service.finish_ns))
    return attrs.evolve(service, start_ns=start, finish_ns=finish)


def _latest(given: Given, execution: Execution, supply: Supply) -> Replay:
    """Hold every service against SFQ's bound at what the rule takes for granted; the furthest above it counts."""
    largest = given.largest(len(given.numbers("weights")))
    lanes = list(service_lanes(execution, len(largest)))
    late = []
    for service in execution.services:
        if service.expected_ns is not None:
            others = sum(largest) - largest[service.request.tenant]
            bound = sfq_delay(service.request.bytes, others, supply.rate, supply.blackout_ns) - given.tighter()
            late.append((service.finish_ns - service.expected_ns, Fraction(bound), service.finish_ns))
    if not late:
        return Replay(False, Fraction(0), Fraction(0), "ns", "nothing is served", tuple(lanes), execution)
    observed, bound, finish = max(late, key=lambda each: each[0] - each[1])
    return lateness_shown("of an admitted set", observed, finish, bound, lanes, execution)


CLAIMS: dict[tuple[str, str], Callable[[Given], Replay]] = {
    ("arbiter", "round-gap"): _round_gap,
    ("refresh", "put-off"): _put_off,
    ("refresh", "dark-banks"): _dark_banks,
    ("policing", "promise"): _promise,
    ("admission", "safety"): _safety,
}
