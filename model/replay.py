"""Replay: run a schedule on the exact rules and say whether it shows what it claims.

Every counterexample passes here before anybody sees it. A schedule names a mechanism, a rule of it and a claim; the
replay returns what was observed, the bound that it was held against, and lanes of marks for a timeline. The parameter
`tighter_by` (default 0) makes the bound that much tighter: so is shown that a bound cannot be improved.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from importlib import import_module
from typing import Any

import attrs

from headgate.model.admission import Admitted, admits, check, commit, essay_admits, peak_admits
from headgate.model.admission import request as admission_request
from headgate.model.arbiters import ARBITERS, WFQ, Policy
from headgate.model.arbiters.wfq import wfq
from headgate.model.arbiters.wrong_tags import WRONG_TAGS
from headgate.model.bounds import pairwise_gap
from headgate.model.bucket import envelope, essay_offer, full, offer, refill
from headgate.model.capacity import Losses, kept_share
from headgate.model.channels import Addressed, Interleave, of_channel, simulate_channels, split
from headgate.model.fairness import worst_gap
from headgate.model.lasso import Lasso, rounds_needed, starved
from headgate.model.meter import Meter, MeterRates, advance, burst_allowance, fresh, window_bound
from headgate.model.meter import offer as meter_offer
from headgate.model.promise import goyal_expected_arrival
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
from headgate.model.simulator import Server, finish_time, simulate
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import Contract, Excess, Execution, Request, Schedule, Service

__all__ = [
    "CLAIMS",
    "Given",
    "Lane",
    "Mark",
    "Replay",
    "ReplayError",
    "losses_of",
    "replay",
    "serve",
    "server_of",
    "service_lanes",
]

# A replay walks time; a file that asks for more steps than this is refused.
MOST_STEPS = 1_000_000
# The files beside this one that hold further claims.
MODULES = ("replay_isolation", "replay_composed", "replay_memory")
# No timeline shows more blackouts than this.
MOST_MARKS = 1000
# A loop that needs more requests than this until it shows something is refused.
MOST_LOOPED = 20_000
MOST_CHANNELS = 1000
LOOPS = ("loop", "again")


class ReplayError(ValueError):
    """A schedule that does not say what its mechanism needs: the parameter, and what was expected."""


@attrs.frozen
class Mark:
    """Something on a timeline: a span, or an instant where `begin_ns == end_ns`; of a level, its `value` as well.

    Kinds: arrival, admitted, refused (instants), service, blackout, loop, violation, level (spans).
    """

    begin_ns: Fraction
    end_ns: Fraction
    kind: str
    text: str = ""
    value: Fraction | None = None


@attrs.frozen
class Lane:
    """One line of a timeline."""

    label: str
    marks: tuple[Mark, ...]


@attrs.frozen
class Replay:
    """What a replay showed: `violated` iff `observed` is beyond `bound` (both in `unit`)."""

    violated: bool
    observed: Fraction
    bound: Fraction
    unit: str
    finding: str
    lanes: tuple[Lane, ...]
    execution: Execution | None = None


def replay(schedule: Schedule, rule: str | None = None) -> Replay:
    """Run `schedule` under its own rule, or under `rule` of the same mechanism.

    Raises ReplayError, naming the parameter, where the schedule does not fit its mechanism.
    """
    claims = _claims()
    runner = claims.get((schedule.mechanism, schedule.claim))
    if runner is None:
        known = ", ".join(f"{mechanism}/{claim}" for mechanism, claim in claims)
        raise ReplayError(f"mechanism/claim: expected one of {known}, got {schedule.mechanism}/{schedule.claim}")
    return runner(Given(schedule, rule or schedule.rule))


def _claims() -> dict[tuple[str, str], Callable[["Given"], "Replay"]]:
    """Return every claim; files beside this one build on it, so that they are imported when first asked for."""
    claims = dict(CLAIMS)
    for name in MODULES:
        claims |= import_module(f"headgate.model.{name}").CLAIMS
    return claims


class Given:
    """The parameters of a schedule, checked as they are read."""

    def __init__(self, schedule: Schedule, rule: str) -> None:
        self.requests, self.rule, self._parameters = schedule.requests, rule, schedule.parameters

    def number(self, key: str, default: Fraction | None = None, least: Fraction | None = Fraction(0)) -> Fraction:
        given = self._parameters.get(key, default)
        if not isinstance(given, int | Fraction) or isinstance(given, bool):
            raise ReplayError(f"parameters.{key}: expected an exact number, got {given!r}")
        if least is not None and given < least:
            raise ReplayError(f"parameters.{key}: expected at least {least}, got {given}")
        return Fraction(given)

    def has(self, key: str) -> bool:
        return key in self._parameters

    def whole(self, key: str) -> int:
        given = self.number(key)
        if given != int(given):
            raise ReplayError(f"parameters.{key}: expected a whole number, got {given}")
        return int(given)

    def positive(self, key: str) -> Fraction:
        given = self.number(key)
        if given == 0:
            raise ReplayError(f"parameters.{key}: expected more than 0, got 0")
        return given

    def numbers(self, key: str, least: Fraction | None = None) -> list[Fraction]:
        """Return exact numbers of at least `least`; None: above 0."""
        given = self._parameters.get(key)
        if not isinstance(given, list | tuple) or not given:
            raise ReplayError(f"parameters.{key}: expected a list of exact numbers, got {given!r}")
        if not all(isinstance(n, int | Fraction) and not isinstance(n, bool) for n in given) or not all(
            n > 0 if least is None else n >= least for n in given
        ):
            words = "above 0" if least is None else f"of at least {least}"
            raise ReplayError(f"parameters.{key}: expected exact numbers {words}, got {given!r}")
        return [Fraction(n) for n in given]

    def values(self, key: str) -> list[Fraction]:
        given = self._parameters.get(key)
        if not isinstance(given, list | tuple):
            raise ReplayError(f"parameters.{key}: expected a list of exact numbers, got {given!r}")
        if not all(isinstance(n, int | Fraction) and not isinstance(n, bool) for n in given):
            raise ReplayError(f"parameters.{key}: expected exact numbers, got {given!r}")
        return [Fraction(n) for n in given]

    def priorities(self, tenants: int) -> list[int]:
        given = self._parameters.get("priorities", (0,) * tenants)
        if not isinstance(given, list | tuple) or len(given) != tenants:
            raise ReplayError(f"parameters.priorities: expected one for each of {tenants} tenants, got {given!r}")
        if not all(isinstance(n, int | Fraction) and 0 <= n <= 99 and n == int(n) for n in given):
            raise ReplayError(f"parameters.priorities: expected whole numbers from 0 to 99, got {given!r}")
        return [int(n) for n in given]

    def largest(self, tenants: int) -> list[int]:
        """Return the largest request of each tenant: as given, else the largest of all requests."""
        sent = max((request.bytes for request in self.requests), default=1)
        given = self._parameters.get("largest", (sent,) * tenants)
        if not isinstance(given, list | tuple) or len(given) != tenants:
            raise ReplayError(f"parameters.largest: expected one for each of {tenants} tenants, got {given!r}")
        if not all(isinstance(n, int | Fraction) and not isinstance(n, bool) and n > 0 and n == int(n) for n in given):
            raise ReplayError(f"parameters.largest: expected whole numbers above 0, got {given!r}")
        for number, request in enumerate(self.requests):
            if request.tenant < tenants and request.bytes > given[request.tenant]:
                raise ReplayError(f"requests[{number}].bytes: expected at most {given[request.tenant]}")
        return [int(n) for n in given]

    def list_of(self, key: str, default: list[Any]) -> list[Any]:
        given = self._parameters.get(key, default)
        if not isinstance(given, list | tuple):
            raise ReplayError(f"parameters.{key}: expected a list, got {given!r}")
        return list(given)

    def flags(self, key: str, tenants: int) -> list[bool]:
        given = self._parameters.get(key, (0,) * tenants)
        if not isinstance(given, list | tuple) or len(given) != tenants or not all(n in (0, 1) for n in given):
            raise ReplayError(f"parameters.{key}: expected 0 or 1 for each of {tenants} tenants, got {given!r}")
        return [n == 1 for n in given]

    def rule_of(self, *rules: str) -> str:
        if self.rule not in rules:
            raise ReplayError(f"rule: expected one of {', '.join(rules)}, got {self.rule}")
        return self.rule

    def tighter(self) -> Fraction:
        return self.number("tighter_by", Fraction(0))

    def elapsed(self) -> Iterator[tuple[Request, int]]:
        last = 0
        for request in self.requests:
            yield request, request.arrival_ns - last
            last = request.arrival_ns


Offers = list[tuple[Request, bool]]


@attrs.frozen
class _Held:
    """What a bucket held before an offer, or a ledger, and after it, in bytes."""

    before: Fraction
    after: Fraction


def _bucket_offers(given: Given) -> tuple[Offers, list[_Held]]:
    """Run the offers against the bucket; return what was admitted and the levels, for the timeline."""
    rate, depth = given.positive("rate"), given.positive("depth")
    rule = given.rule_of("token", "essay")
    bucket, offers, levels = full(depth), [], []
    for request, elapsed in given.elapsed():
        bucket = refill(bucket, rate, depth, elapsed)
        before = bucket.level
        if rule == "essay":
            admitted, bucket = essay_offer(
                bucket, request.bytes, given.number("sum_of_rates"), given.positive("capacity")
            )
        else:
            admitted, bucket = offer(bucket, request.bytes)
        offers.append((request, admitted))
        levels.append(_Held(Fraction(before), Fraction(bucket.level)))
    return offers, levels


Bound = Callable[[Fraction], Fraction]
# The pieces of a bound that is the least of several lines: (bytes at once, bytes a ns).
Lines = list[tuple[Fraction, Fraction]]


def _worst_window(
    offers: Offers, bound: Bound, lines: Lines
) -> tuple[Fraction, Fraction, tuple[Request, Request] | None]:
    """Return (admitted, bound, window) of the closed window whose admitted bytes are furthest above its bound.

    What is furthest above the least of some lines is furthest above one of them.
    """
    admitted = [request for request, ok in offers if ok]
    worst: tuple[Fraction, Fraction, tuple[Request, Request] | None] = (Fraction(0), bound(Fraction(0)), None)
    for line in lines:
        for opening, closing, total in _above(admitted, line):
            limit = bound(Fraction(closing.arrival_ns - opening.arrival_ns))
            if worst[2] is None or total - limit > worst[0] - worst[1]:
                worst = (total, limit, (opening, closing))
    return worst


def _above(admitted: list[Request], line: tuple[Fraction, Fraction]) -> Iterator[tuple[Request, Request, Fraction]]:
    """Yield (opening, closing, bytes) for each closing request: the window furthest above the line, in one pass."""
    before, rate = 0, line[1]
    best: tuple[Fraction, Request, int] | None = None
    for request in admitted:
        ahead = rate * request.arrival_ns - before
        if best is None or ahead > best[0]:
            best = (ahead, request, before)
        before += request.bytes
        yield best[1], request, Fraction(before - best[2])


def _overrun(given: Given, offers: Offers, level: Lane, bound: Bound, lines: Lines, what: str) -> Replay:
    total, limit, window = _worst_window(offers, bound, lines)
    limit -= given.tighter()
    lanes = [_offer_lane(offers), level]
    if window is None:
        return Replay(False, total, limit, "B", "nothing is admitted", tuple(lanes))
    begin, end = Fraction(window[0].arrival_ns), Fraction(window[1].arrival_ns)
    finding = (
        f"{exact_text(total)} B are admitted in the window [{begin}, {end}] ns, {what} allows {exact_text(limit)} B"
    )
    if total > limit:
        lanes.append(Lane("violation", (Mark(begin, end, "violation", "window"),)))
    return Replay(total > limit, total, limit, "B", finding, tuple(lanes))


def _offer_lane(offers: Offers) -> Lane:
    times = [Fraction(request.arrival_ns) for request, _ in offers]
    kinds = ["admitted" if ok else "refused" for _, ok in offers]
    texts = [f"{request.bytes} B" for request, _ in offers]
    marks = [Mark(at, at, kind, text) for at, kind, text in zip(times, kinds, texts, strict=True)]
    return Lane("offers", tuple(marks))


def _level_lane(label: str, offers: Offers, held: list[_Held], largest: Fraction) -> Lane:
    """Return what was left after each offer until the next; the first mark, an instant, gives the largest value."""
    times = [Fraction(request.arrival_ns) for request, _ in offers]
    marks = [Mark(at, at, "level", f"of {exact_text(largest)} B", largest) for at in times[:1]]
    for begin, end, level in zip(times, [*times[1:], *times[-1:]], held, strict=True):
        text = f"{exact_text(level.before)} B, then {exact_text(level.after)} B"
        marks.append(Mark(begin, end, "level", text, level.after))
    return Lane(label, tuple(marks))


def _bucket_overrun(given: Given) -> Replay:
    offers, levels = _bucket_offers(given)
    rate, depth = given.positive("rate"), given.positive("depth")
    level = _level_lane("level", offers, levels, depth)
    return _overrun(given, offers, level, lambda t: Fraction(envelope(rate, depth, t)), [(depth, rate)], "the envelope")


def _bucket_cut(given: Given) -> Replay:
    """Claim "burst-cut": of a burst at the contract's burst rate, no longer than d, a part is refused."""
    offers, levels = _bucket_offers(given)
    burst, duration = given.positive("burst"), given.positive("duration")
    _refuse_unless_burst(given, burst, duration)
    refused = [request for request, ok in offers if not ok]
    cut = Fraction(refused[0].arrival_ns) if refused else duration
    finding = f"the burst is cut at {exact_text(cut)} ns of {exact_text(duration)} ns"
    lanes = [_offer_lane(offers), _level_lane("level", offers, levels, given.positive("depth"))]
    if refused:
        lanes.append(Lane("violation", (Mark(cut, cut, "violation", "first refusal"),)))
    return Replay(bool(refused), cut, duration, "ns", finding, tuple(lanes))


def _refuse_unless_burst(given: Given, burst: Fraction, duration: Fraction) -> None:
    sent = 0
    for number, request in enumerate(given.requests):
        if sent > burst * request.arrival_ns or request.arrival_ns > duration:
            raise ReplayError(f"requests[{number}]: expected a burst within burst rate and duration")
        sent += request.bytes


def _meter_window(given: Given) -> Replay:
    guaranteed, burst, largest = given.positive("guaranteed"), given.positive("burst"), given.positive("max_request")
    allowance = burst_allowance(guaranteed, burst, given.number("duration"), largest)
    rates = MeterRates(guaranteed, burst, largest, allowance)
    given.rule_of("contract")
    meter: Meter = fresh(rates)
    offers: Offers = []
    ledgers = []
    for request, elapsed in given.elapsed():
        meter = advance(meter, rates, elapsed)
        before = meter.ledger
        admitted, meter = meter_offer(meter, rates, request.bytes)
        offers.append((request, admitted))
        ledgers.append(_Held(Fraction(before), Fraction(meter.ledger)))
    lane = _level_lane("ledger", offers, ledgers, Fraction(rates.allowance))
    lines = [(rates.max_request, rates.burst), (rates.allowance, rates.guaranteed)]
    return _overrun(given, offers, lane, lambda t: Fraction(window_bound(rates, t)), lines, "the contract")


def _arbiter_gap(given: Given) -> Replay:
    """Claim "gap": tenants 0 and 1 drift further apart than L_0 / w_0 + L_1 / w_1 while both are backlogged.

    `entitled` gives the weights w where they are others than those that the arbiter divides by: what an arbiter charges
    that counts something else than bytes, tokens for example, is bytes over a weight of that arbiter's own.
    """
    weights = given.numbers("weights")
    if len(weights) < 2:
        raise ReplayError("parameters.weights: expected at least two tenants")
    execution = serve(given, weights)
    if given.has("entitled"):
        tenants, weights = len(weights), given.numbers("entitled")
        if len(weights) != tenants:
            raise ReplayError(f"parameters.entitled: expected one weight for each of {tenants} tenants")
    largest = [max((r.bytes for r in given.requests if r.tenant == t), default=0) for t in (0, 1)]
    bound = Fraction(pairwise_gap(largest[0] / weights[0], largest[1] / weights[1])) - given.tighter()
    gap = worst_gap(execution.services, weights, 0, 1)
    lanes = list(service_lanes(execution, len(weights)))
    if gap is None:
        return Replay(False, Fraction(0), bound, "ns", "the tenants are never served while both wait",
                      tuple(lanes), execution)  # fmt: skip
    finding = (
        f"tenant {gap.ahead} gets {exact_text(gap.size_ns)} more than tenant {gap.behind} "
        f"in [{exact_text(gap.begin_ns)}, {exact_text(gap.end_ns)}] ns (bytes / weight), "
        f"the bound is {exact_text(bound)}"
    )
    if gap.size_ns > bound:
        lanes.append(Lane("violation", (Mark(gap.begin_ns, gap.end_ns, "violation", "gap"),)))
    return Replay(gap.size_ns > bound, gap.size_ns, bound, "ns", finding, tuple(lanes), execution)


def _arbiter_late(given: Given) -> Replay:
    """Claim "late": a request of `tenant` finishes more than `latency` ns after its expected arrival.

    `largest` gives each tenant's largest request, where quanta depend on it; `best_effort` is 1 for a tenant that is
    served in the background, which has no expected arrival.
    """
    weights = given.numbers("weights")
    tenant = _tenant(given, weights)
    execution = serve(given, weights)
    bound = given.number("latency") - given.tighter()
    lanes = list(service_lanes(execution, len(weights)))
    late = [(_lateness(s), s) for s in execution.services if s.request.tenant == tenant and s.expected_ns is not None]
    if not late:
        finding = f"nothing of tenant {tenant} is served in line"
        return Replay(False, Fraction(0), bound, "ns", finding, tuple(lanes), execution)
    observed, service = max(late, key=lambda pair: pair[0])
    finding = (
        f"a request of tenant {tenant} finishes {exact_text(observed)} ns after its expected arrival, "
        f"the bound is {exact_text(bound)} ns"
    )
    if observed > bound:
        lanes.append(Lane("violation", (Mark(service.finish_ns - observed, service.finish_ns, "violation", "late"),)))
    return Replay(observed > bound, observed, bound, "ns", finding, tuple(lanes), execution)


def _arbiter_starvation(given: Given) -> Replay:
    """Claim "starvation": a tenant that keeps to its contract is never served again, or later and later for ever.

    The requests from `loop_from` ns on are a loop, which comes again every `loop` ns; those before it are the prefix.
    `tenant` is the victim. `headgate.model.lasso` says what is checked, and why that is enough for ever.
    """
    weights = given.numbers("weights")
    victim, lasso = _tenant(given, weights), _lasso(given)
    _refuse_unfit(given, weights)
    contracts, server = _contracts(given, weights), server_of(given)
    if server.refresh is not None:
        raise ReplayError("parameters.blackout: expected none, since a loop is shown on a server that never goes dark")
    if sum(weights) > server.peak_bytes_per_ns:
        raise ReplayError(f"parameters.weights: expected guarantees of at most the peak {server.peak_bytes_per_ns}")
    rounds = rounds_needed(lasso, server)
    if rounds * len(lasso.loop) > MOST_LOOPED:
        raise ReplayError(f"parameters.loop: expected at most {MOST_LOOPED} requests until the loop shows, got more")
    shown = starved(lasso, victim, contracts, ARBITERS[given.rule_of(*ARBITERS)], server, rounds)
    early = tuple(s for s in shown.execution.services if s.release_ns < shown.until_ns)
    lanes = list(service_lanes(Execution(early), len(weights), shown.until_ns))
    spans = [(Fraction(lasso.begins(number)), Fraction(lasso.begins(number + 1))) for number in (0, 1)]
    lanes.append(Lane("loop", tuple(Mark(*span, "loop", text) for span, text in zip(spans, LOOPS, strict=True))))
    if shown.waits:
        text = "never served" if shown.never_served else "later"
        lanes.append(Lane("violation", tuple(Mark(*wait, "violation", text) for wait in shown.waits)))
    is_starved = shown.grows_ns > 0
    return Replay(is_starved, shown.grows_ns, Fraction(0), "ns", shown.finding, tuple(lanes), shown.execution)


def _lasso(given: Given) -> Lasso:
    begin, length = given.whole("loop_from"), given.whole("loop")
    if length == 0:
        raise ReplayError("parameters.loop: expected more than 0, got 0")
    for number, request in enumerate(given.requests):
        if request.arrival_ns >= begin + length:
            raise ReplayError(f"requests[{number}].arrival_ns: expected less than the end of the loop {begin + length}")
    prefix = tuple(r for r in given.requests if r.arrival_ns < begin)
    loop = given.requests[len(prefix) :]
    if not loop:
        raise ReplayError("requests: expected some in the loop, got none")
    return Lasso(prefix, loop, begin, length)


def _arbiter_bypass(given: Given) -> Replay:
    """Claim "bypass": while a request of `tenant` waits at the head of its queue, more than `most` others are started.

    With `other`, what is started of that tenant is counted instead, in bytes over its weight.
    """
    weights = given.numbers("weights")
    tenant = _tenant(given, weights)
    other = _tenant(given, weights, "other") if given.has("other") else None
    execution = serve(given, weights)
    bound = given.number("most") - given.tighter()
    lanes = list(service_lanes(execution, len(weights)))
    unit = "ns" if other is not None else "others"
    waits = list(_passed_over(execution.services, tenant, None if other is None else (other, weights[other])))
    if not waits:
        return Replay(False, Fraction(0), bound, unit, f"tenant {tenant} sends nothing", tuple(lanes), execution)
    observed, since, service = max(waits, key=lambda wait: wait[0])
    what = "requests of others are" if other is None else f"ns of tenant {other} (bytes / weight) are"
    finding = (
        f"{exact_text(observed)} {what} started while a request of tenant {tenant} waits at the head of its queue, "
        f"the bound is {exact_text(bound)}"
    )
    if observed > bound:
        lanes.append(Lane("violation", (Mark(since, service.start_ns, "violation", "passed over"),)))
    return Replay(observed > bound, observed, bound, unit, finding, tuple(lanes), execution)


def _passed_over(
    services: Sequence[Service], tenant: int, other: tuple[int, Fraction] | None
) -> Iterator[tuple[Fraction, Fraction, Service]]:
    """Yield for each request of `tenant` what was started of others while it was at the head, since when, and it."""
    head: int | None = None
    for number, service in enumerate(services):
        if service.request.tenant != tenant:
            continue
        since = service.release_ns if head is None else max(service.release_ns, services[head].start_ns)
        before = [s for s in services[0 if head is None else head + 1 : number] if s.start_ns >= since]
        head = number
        if other is None:
            yield Fraction(len(before)), since, service
        else:
            own = [s.request.bytes / other[1] for s in before if s.request.tenant == other[0]]
            yield sum(own, Fraction(0)), since, service


def _channels_late(given: Given) -> Replay:
    """Claim "late" of several channels: a request finishes more than `latency` ns after its expected arrival.

    `channels` and `granule` are the interleave, `addresses` say where each request begins; `weights` are guarantees of
    the device as a whole, and so is the expected arrival. `peak` is that of one channel; the rule arbitrates in each.
    """
    weights = given.numbers("weights")
    tenant = _tenant(given, weights)
    given.rule_of(*ARBITERS)
    _refuse_unfit(given, weights)
    interleave, addressed = _interleave(given), _addressed(given)
    contracts, server = _contracts(given, weights), server_of(given)
    channels = [of_channel(contract, interleave.channels, Fraction(0)) for contract in contracts]
    runs = simulate_channels(addressed, channels, ARBITERS[given.rule], server, interleave)
    expected = _expected_of_device(given.requests, weights)
    bound, lanes = given.number("latency") - given.tighter(), []
    late: list[tuple[Fraction, Service]] = []
    for number, (run, parts) in enumerate(zip(runs, split(addressed, interleave), strict=True)):
        marks = [Mark(s.release_ns, s.release_ns, "arrival", f"{s.request.bytes} B") for s in run.services]
        marks += [Mark(s.start_ns, s.finish_ns, "service", f"{s.request.bytes} B") for s in run.services]
        lanes.append(Lane(f"channel {number}", tuple(marks)))
        places = [place for place, part in parts if part.tenant == tenant]
        own = [s for s in run.services if s.request.tenant == tenant]
        late += [(s.finish_ns - expected[place], s) for place, s in zip(places, own, strict=True)]
    if not late:
        return Replay(False, Fraction(0), bound, "ns", f"tenant {tenant} sends nothing", tuple(lanes))
    observed, service = max(late, key=lambda pair: pair[0])
    finding = (
        f"a request of tenant {tenant} finishes {exact_text(observed)} ns after its expected arrival, "
        f"the bound is {exact_text(bound)} ns"
    )
    if observed > bound:
        lanes.append(Lane("violation", (Mark(service.finish_ns - observed, service.finish_ns, "violation", "late"),)))
    return Replay(observed > bound, observed, bound, "ns", finding, tuple(lanes))


def _interleave(given: Given) -> Interleave:
    channels, granule = given.whole("channels"), given.whole("granule")
    if not (1 <= channels <= MOST_CHANNELS and granule >= 1):
        raise ReplayError(f"parameters.channels, granule: expected 1 to {MOST_CHANNELS}, and 1 or more")
    parts = sum(request.bytes // granule + 2 for request in given.requests)
    if parts > MOST_STEPS:
        raise ReplayError(f"parameters.granule: expected at most {MOST_STEPS} granules in all, got more")
    return Interleave(channels, granule)


def _addressed(given: Given) -> list[Addressed]:
    addresses = given.values("addresses")
    if len(addresses) != len(given.requests) or not all(n >= 0 and n == int(n) for n in addresses):
        raise ReplayError(f"parameters.addresses: expected {len(given.requests)} whole numbers, 0 or more")
    return [Addressed(r, int(address)) for r, address in zip(given.requests, addresses, strict=True)]


def _expected_of_device(requests: Sequence[Request], weights: list[Fraction]) -> list[Fraction]:
    """Return the expected arrivals of clause PR-1, by the guarantees of the device as a whole."""
    done: dict[int, Fraction] = {}
    expected = []
    for request in requests:
        at = Fraction(goyal_expected_arrival(Fraction(request.arrival_ns), done.get(request.tenant, Fraction(0)), 0))
        expected.append(at)
        done[request.tenant] = at + request.bytes / weights[request.tenant]
    return expected


def _lateness(service: Service) -> Fraction:
    assert service.expected_ns is not None
    return service.finish_ns - service.expected_ns


def _tenant(given: Given, weights: list[Fraction], key: str = "tenant") -> int:
    tenant = int(given.number(key))
    if tenant >= len(weights) or tenant != given.number(key):
        raise ReplayError(f"parameters.{key}: expected one of the {len(weights)} tenants, got {tenant}")
    return tenant


def serve(
    given: Given, weights: list[Fraction], policy: Policy | None = None, server: Server | None = None
) -> Execution:
    """Serve the requests with everything in contract: only the arbiter is at stake.

    Policy and server are those of the schedule, unless they are given. `reference` is the rate of the fluid that WFQ
    follows, by default the effective rate of the server.
    """
    rules = {**ARBITERS, **WRONG_TAGS}
    policy = policy or rules[given.rule_of(*rules)]
    reference = given.number("reference", Fraction(0))
    if policy is WFQ and reference > 0:
        policy = wfq(reference)
    _refuse_unfit(given, weights)
    return simulate(given.requests, _contracts(given, weights), policy, server or server_of(given))


def _refuse_unfit(given: Given, weights: list[Fraction]) -> None:
    for number, request in enumerate(given.requests):
        if request.tenant >= len(weights):
            raise ReplayError(f"requests[{number}].tenant: expected one of the {len(weights)} tenants")


def _contracts(given: Given, weights: list[Fraction]) -> list[Contract]:
    priorities = given.priorities(len(weights))
    largest, best_effort = given.largest(len(weights)), given.flags("best_effort", len(weights))
    return [
        Contract(str(tenant), max_request_bytes=largest[tenant], best_effort=True)
        if best_effort[tenant]
        else Contract(
            str(tenant), weight, weight, Fraction(0), largest[tenant], priorities[tenant], excess=Excess.IN_LINE
        )
        for tenant, weight in enumerate(weights)
    ]


def server_of(given: Given) -> Server:
    interval, blackout = given.number("interval", Fraction(0)), given.number("blackout", Fraction(0))
    if blackout >= interval > 0:
        raise ReplayError(f"parameters.blackout: expected less than the interval {interval}, got {blackout}")
    refresh = Refresh(interval, blackout) if blackout > 0 and interval > 0 else None
    server = Server(given.positive("peak"), refresh, given.number("offset", Fraction(0)))
    _refuse_long(given, server)
    return server


def service_lanes(execution: Execution, tenants: int, until: Fraction | None = None) -> Iterator[Lane]:
    """Yield a lane for each tenant, with what arrives, and is served before `until` (None: all of it)."""
    for tenant in range(tenants):
        own = [s for s in execution.services if s.request.tenant == tenant]
        arrivals = [Mark(s.release_ns, s.release_ns, "arrival", f"{s.request.bytes} B") for s in own]
        started = [s for s in own if until is None or s.start_ns < until]
        services = [Mark(s.start_ns, s.finish_ns, "service", f"{s.request.bytes} B") for s in started]
        yield Lane(f"tenant {tenant}", tuple(arrivals + services))


def _refresh_hotter(given: Given) -> Replay:
    """Claim "hotter-sooner": the same backlog finishes sooner at the higher temperature."""
    curve = {"essay": essay_interval, "corrected": corrected_interval}[given.rule_of("essay", "corrected")]
    finishes, lanes = [], []
    for key in ("cold_c", "hot_c"):
        temperature = given.number(key)
        # The end of the enclosure that serves less when hot, more when cold: the verdict holds for both in full.
        interval = curve(given.positive("base_interval"), temperature)
        refresh = Refresh(interval.low if key == "hot_c" else interval.high, given.positive("blackout"))
        if refresh.blackout >= refresh.interval:
            raise ReplayError(f"parameters.blackout: expected less than the interval {refresh.interval}")
        server = Server(given.positive("peak"), refresh)
        _refuse_long(given, server)
        finishes.append(finish_time(server, Fraction(0), sum(request.bytes for request in given.requests)))
        lanes.append(_backlog_lane(f"{exact_text(temperature)} C", refresh, finishes[-1]))
    cold, hot = finishes
    finding = f"the backlog is done after {exact_text(cold)} ns when cold, {exact_text(hot)} ns when hot"
    bound = cold + given.tighter()
    if hot < bound:
        lanes.append(Lane("violation", (Mark(hot, cold, "violation", "sooner when hot"),)))
    return Replay(hot < bound, hot, bound, "ns", finding, tuple(lanes))


def _refuse_long(given: Given, server: Server) -> None:
    if server.refresh is None:
        return
    up = (server.refresh.interval - server.refresh.blackout) * server.peak_bytes_per_ns
    if sum(request.bytes for request in given.requests) > up * MOST_STEPS:
        raise ReplayError(f"requests: expected a backlog of at most {MOST_STEPS} refresh intervals")


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


def _admission_over(given: Given) -> Replay:
    """Claim "oversubscription": the rule admits guarantees that sum to more than what is left of the peak rate.

    Refresh takes `blackout` of every `interval`, `migration` a share, a bubble of `bubble` its part of every `period`.
    """
    guarantees, peak = given.numbers("guarantees"), given.positive("peak")
    refreshed = peak * (1 - given.number("blackout") / given.positive("interval"))
    effective = refreshed * kept_share(losses_of(given))
    rule: dict[str, Callable[[], Any]] = {
        "essay": lambda: essay_admits(guarantees, peak),
        "corrected": lambda: admits(guarantees, effective),
        "no-tax": lambda: peak_admits(guarantees, peak),
        "no-losses": lambda: admits(guarantees, refreshed),
    }
    admitted = rule[given.rule_of(*rule)]()
    total, bound = sum(guarantees, Fraction(0)), effective - given.tighter()
    verb = "admits" if admitted else "refuses"
    finding = f"the rule {verb} {exact_text(total)} B/ns of guarantees, {exact_text(bound)} B/ns are there"
    return Replay(bool(admitted) and total > bound, total, bound, "B/ns", finding, ())


def losses_of(given: Given) -> Losses:
    """Return what migration and bubbles take, by default nothing."""
    losses = Losses(given.number("migration", Fraction(0)), given.number("bubble", Fraction(0)),
                    given.number("period", Fraction(1)))  # fmt: skip
    if losses.migration >= 1 or losses.bubble_ns >= losses.period_ns:
        raise ReplayError("parameters: expected a migration below 1, and a bubble below its period")
    return losses


def _admission_race(given: Given) -> Replay:
    """Claim "race": clients that ask at the same time are admitted to more than the capacity.

    Under the rule "check-then-act" all of them check before any of them commits.
    """
    guarantees, capacity = given.numbers("guarantees"), given.positive("capacity")
    gate = Admitted(Fraction(0))
    if given.rule_of("check-then-act", "atomic") == "atomic":
        for guarantee in guarantees:
            _, gate = admission_request(gate, guarantee, capacity)
    else:
        for guarantee in [g for g in guarantees if check(gate, g, capacity)]:
            gate = commit(gate, guarantee)
    bound = capacity - given.tighter()
    finding = f"{exact_text(gate.total)} B/ns are admitted, the capacity is {exact_text(bound)} B/ns"
    return Replay(gate.total > bound, gate.total, bound, "B/ns", finding, ())


CLAIMS: dict[tuple[str, str], Callable[[Given], Replay]] = {
    ("bucket", "overrun"): _bucket_overrun,
    ("bucket", "burst-cut"): _bucket_cut,
    ("meter", "overrun"): _meter_window,
    ("arbiter", "gap"): _arbiter_gap,
    ("arbiter", "late"): _arbiter_late,
    ("arbiter", "starvation"): _arbiter_starvation,
    ("arbiter", "bypass"): _arbiter_bypass,
    ("channels", "late"): _channels_late,
    ("refresh", "hotter-sooner"): _refresh_hotter,
    ("refresh", "service"): _refresh_service,
    ("admission", "oversubscription"): _admission_over,
    ("admission", "race"): _admission_race,
}
