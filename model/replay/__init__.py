"""Replay: run a schedule on the exact rules and say whether it shows what it claims.

Every counterexample passes here before anybody sees it. A schedule names a mechanism, a rule of it and a claim; the
replay returns what was observed, the bound that it was held against, and lanes of marks for a timeline. The parameter
`tighter_by` (default 0) makes the bound that much tighter: so is shown that a bound cannot be improved. The parameter
`at_least`, where a claim heeds it, takes the place of the bound: shown is then what reaches it.
"""

from importlib import import_module

from headgate.model.arbiters import Policy
from headgate.model.replay.form import Lane, Mark, Replay, ReplayError
from headgate.model.replay.given import Given, Runner
from headgate.spec.vocabulary import Schedule

__all__ = ["Lane", "Mark", "Replay", "ReplayError", "replay"]

# The files of this folder that hold claims, imported when one is first asked for.
MODULES = (
    "policing",
    "arbiter",
    "starvation",
    "waits",
    "isolation",
    "channels",
    "refresh",
    "admission",
    "composed",
    "steps",
    "allocator",
    "eviction",
)


def replay(schedule: Schedule, rule: str | Policy | None = None) -> Replay:
    """Run `schedule` under its own rule, or under `rule` of the same mechanism, or under a policy of your own.

    Raises ReplayError, naming the parameter, where the schedule does not fit its mechanism.
    """
    claims = _claims()
    runner = claims.get((schedule.mechanism, schedule.claim))
    if runner is None:
        known = ", ".join(f"{mechanism}/{claim}" for mechanism, claim in claims)
        raise ReplayError(f"mechanism/claim: expected one of {known}, got {schedule.mechanism}/{schedule.claim}")
    if isinstance(rule, Policy):
        return runner(Given(schedule, rule.name, rule))
    return runner(Given(schedule, rule or schedule.rule))


def _claims() -> dict[tuple[str, str], Runner]:
    """Return every claim."""
    claims: dict[tuple[str, str], Runner] = {}
    for name in MODULES:
        claims |= import_module(f"headgate.model.replay.{name}").CLAIMS
    return claims
