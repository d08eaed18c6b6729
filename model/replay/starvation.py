"""The claim that a tenant starves: a loop of requests that may come again for ever."""

from fractions import Fraction

from headgate.model.arbiters import ARBITERS
from headgate.model.lasso import Lasso, rounds_needed, starved
from headgate.model.replay.form import Lane, Mark, Replay, ReplayError
from headgate.model.replay.given import Given, Runner
from headgate.model.replay.serving import contracts_of, refuse_unfit, server_of, service_lanes, tenant_of
from headgate.spec.vocabulary import Execution

__all__ = ["CLAIMS"]

# A loop that needs more requests than this until it shows something is refused.
MOST_LOOPED = 20_000
LOOPS = ("loop", "again")


def _arbiter_starvation(given: Given) -> Replay:
    """Claim "starvation": a tenant that keeps to its contract is never served again, or later and later for ever.

    The requests from `loop_from` ns on are a loop, which comes again every `loop` ns; those before it are the prefix.
    `tenant` is the victim. `headgate.model.lasso` says what is checked, and why that is enough for ever.
    """
    weights = given.numbers("weights")
    victim, lasso = tenant_of(given, weights), _lasso(given)
    refuse_unfit(given, weights)
    contracts, server = contracts_of(given, weights), server_of(given)
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


CLAIMS: dict[tuple[str, str], Runner] = {
    ("arbiter", "starvation"): _arbiter_starvation,
}
