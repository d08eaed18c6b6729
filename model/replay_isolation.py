"""Claims of schedules about isolation: the gap in rounds."""

from collections.abc import Callable
from fractions import Fraction

from headgate.model.arbiters.drr import quanta_for
from headgate.model.bounds import round_gap
from headgate.model.fairness import worst_gap
from headgate.model.replay import Given, Lane, Mark, Replay, ReplayError, serve, service_lanes
from headgate.spec.units import exact_text

__all__ = ["CLAIMS"]


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


CLAIMS: dict[tuple[str, str], Callable[[Given], Replay]] = {
    ("arbiter", "round-gap"): _round_gap,
}
