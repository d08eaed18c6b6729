"""Claims on admission: guarantees that are not there, two clients at once, a device that falls behind."""

from fractions import Fraction

from headgate.model.admission import RULES, Admitted, check, commit
from headgate.model.admission import request as admission_request
from headgate.model.capacity import Losses, room_of
from headgate.model.refresh import Refresh
from headgate.model.replay.form import Lane, Mark, Replay, ReplayError
from headgate.model.replay.given import Given, Runner
from headgate.model.replay.serving import server_of
from headgate.model.simulator import finish_time
from headgate.spec.units import exact_text

__all__ = ["CLAIMS", "losses_of"]


def _admission_over(given: Given) -> Replay:
    """Claim "oversubscription": the rule admits guarantees that sum to more than what is left of the peak rate.

    Refresh takes `blackout` of every `interval`, `migration` a share, a bubble of `bubble` its part of every `period`.
    """
    guarantees, peak = given.numbers("guarantees"), given.positive("peak")
    blackout, interval = given.number("blackout"), given.positive("interval")
    room = room_of(peak, Refresh(interval, blackout), losses_of(given))
    admitted = RULES[given.rule_of(*RULES)](guarantees, room)
    total, bound = sum(guarantees, Fraction(0)), room.kept - given.tighter()
    verb = "admits" if admitted else "refuses"
    finding = f"the rule {verb} {exact_text(total)} B/ns of guarantees, {exact_text(bound)} B/ns are there"
    violated, observed, bound = given.judge_excess(total, bound)
    return Replay(bool(admitted) and violated, observed, bound, "B/ns", finding, ())


def _admission_behind(given: Given) -> Replay:
    """Claim "behind": what private channels of the guarantees have sent by some time, the device sends later.

    One request a tenant holds all that it sends at its guarantee, so that whoever is served last has a part that is
    more than `latency` ns late, whatever the order. A device that has R for them is late by one blackout at most.
    """
    guarantees, latency = given.numbers("guarantees"), given.number("latency") - given.tighter()
    given.rule_of("work-conserving")
    for number, request in enumerate(given.requests):
        if request.tenant >= len(guarantees) or request.arrival_ns:
            raise ReplayError(f"requests[{number}]: expected one of the {len(guarantees)} tenants, at 0 ns")
    server = server_of(given)
    sent = [sum(r.bytes for r in given.requests if r.tenant == tenant) for tenant in range(len(guarantees))]
    private = max((size / rate for size, rate in zip(sent, guarantees, strict=True)), default=Fraction(0))
    finish = finish_time(server, Fraction(0), sum(sent))
    late = finish - private
    finding = (
        f"what guarantees of {exact_text(sum(guarantees, Fraction(0)))} B/ns send in {exact_text(private)} ns takes "
        f"the device {exact_text(finish)} ns: {exact_text(late)} ns late, the bound is {exact_text(latency)} ns"
    )
    lanes = [
        Lane("guarantees", (Mark(Fraction(0), private, "service", f"{sum(sent)} B"),)),
        Lane("device", (Mark(Fraction(0), finish, "service", f"{sum(sent)} B"),)),
    ]
    if late > latency:
        lanes.append(Lane("violation", (Mark(private, finish, "violation", "late"),)))
    return Replay(late > latency, late, latency, "ns", finding, tuple(lanes))


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


CLAIMS: dict[tuple[str, str], Runner] = {
    ("admission", "oversubscription"): _admission_over,
    ("admission", "race"): _admission_race,
    ("admission", "behind"): _admission_behind,
}
