"""Replays of compositions: buckets, a fair queue and a channel with refresh, admitted by the rule at stake.

The rule is that of admission: "corrected" compares the rates with what refresh leaves, "no-tax" with the peak. A set
that the rule refuses was promised nothing, so that nothing is broken.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from headgate.model.arbiters import ARBITERS
from headgate.model.composition import (
    ADMISSIONS,
    Composition,
    backlogs,
    composed_backlog,
    delays,
    is_admitted,
    run,
)
from headgate.model.replay.form import Lane, Mark, Replay, ReplayError
from headgate.model.replay.serving import server_of, service_lanes
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import Execution

__all__ = ["CLAIMS"]


def _composed(given: Any) -> tuple[Composition, bool, Execution]:
    """Return the composition, whether its set is admitted, and what its channel does with what the buckets admit."""
    depths, rates = given.numbers("depths"), given.numbers("rates")
    if len(depths) != len(rates):
        raise ReplayError(f"parameters.rates: expected one for each of {len(depths)} buckets, got {len(rates)}")
    for number, request in enumerate(given.requests):
        if request.tenant >= len(rates):
            raise ReplayError(f"requests[{number}].tenant: expected one of the {len(rates)} tenants")
    composition = Composition(tuple(depths), tuple(rates), ARBITERS["sfq"], server_of(given))
    return composition, is_admitted(composition, given.rule_of(*ADMISSIONS)), run(given.requests, composition)


def _verdict(admitted: bool, over: bool, finding: str) -> tuple[bool, str]:
    return (over, finding) if admitted else (False, f"the rule refuses the set; {finding}")


def _delay(given: Any) -> Replay:
    """Claim "delay": a request that its bucket admits finishes later than CP-1 says.

    `tighter_part` makes the bound that part of itself tighter (1/10: nine tenths of it are left).
    """
    composition, admitted, execution = _composed(given)
    lanes = list(service_lanes(execution, len(composition.rates)))
    found = delays(execution, composition)
    if not found:
        return Replay(False, Fraction(0), Fraction(0), "ns", "nothing is admitted", tuple(lanes), execution)
    part = given.number("tighter_part", Fraction(0))
    if part > 1:
        raise ReplayError(f"parameters.tighter_part: expected at most 1, got {exact_text(part)}")
    keep = 1 - part
    observed, whole, service = max(found, key=lambda each: each[0] - each[1] * keep)
    bound = whole * keep - given.tighter()
    arrival = Fraction(service.request.arrival_ns)
    finding = (
        f"a request of tenant {service.request.tenant} finishes {exact_text(observed)} ns after it arrives, "
        f"the bound is {exact_text(bound)} ns"
    )
    violated, finding = _verdict(admitted, observed > bound, finding)
    if violated:
        lanes.append(Lane("violation", (Mark(arrival, service.finish_ns, "violation", "late"),)))
    return Replay(violated, observed, bound, "ns", finding, tuple(lanes), execution)


def _backlog(given: Any) -> Replay:
    """Claim "backlog": more bytes wait or remain in service at some instant than CP-2 says."""
    composition, admitted, execution = _composed(given)
    lanes = list(service_lanes(execution, len(composition.rates)))
    bound = Fraction(composed_backlog(sum(composition.depths), sum(composition.rates), composition.blackout))
    bound -= given.tighter()
    now, most = max(backlogs(execution, composition), key=lambda each: each[1], default=(0, Fraction(0)))
    finding = f"{exact_text(most)} B wait or remain in service at {now} ns, the bound is {exact_text(bound)} B"
    violated, finding = _verdict(admitted, most > bound, finding)
    if violated:
        lanes.append(Lane("violation", (Mark(Fraction(now), Fraction(now), "violation", "backlog"),)))
    return Replay(violated, most, bound, "B", finding, tuple(lanes), execution)


CLAIMS: dict[tuple[str, str], Callable[[Any], Replay]] = {
    ("composed", "delay"): _delay,
    ("composed", "backlog"): _backlog,
}
