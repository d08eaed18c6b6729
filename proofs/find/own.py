"""What must hold of a policy of one's own before an answer about it can be believed: the first thing that does not.

An engine takes for granted that a rule leaves open what is open, and that a server with work serves somebody who waits;
of a policy that idles it would search only those schedules in which it does not. Both are proved of the policy's own
functions, for any numbers in its state, which is more than it can reach.
"""

from typing import Any

from headgate.model.algebra import any_, choose, each
from headgate.model.arbiters import ARBITERS, NO_STAMP, Arrival, Policy, Stamp, Tenants
from headgate.model.interval import Extent, Maybe
from headgate.model.steps import step_tenants
from headgate.proofs.find.checking import is_of_steps
from headgate.proofs.find.question import Question
from headgate.proofs.find.staging import server_of, tenants_asked
from headgate.spec.errors import one_line
from headgate.spec.loading import FOREIGN

__all__ = ["is_own", "unfit"]

PROOF_MS = 2000
WIDE = 1_000_000
RULES = "a rule over + - * and headgate.model.algebra (where, best, choose), as every policy is"

SCALED = (
    "weights and device: expected such that every byte costs and takes whole ns (weights such as 1 or 1/2), since the "
    "numbers in a policy of one's own cannot be scaled"
)


def is_own(named: "str | Policy | None") -> bool:
    """Whether `named` is a policy that headgate does not ship."""
    return isinstance(named, Policy) and ARBITERS.get(named.name) is not named


def unfit(question: Question) -> str:
    """Return why a policy of one's own cannot be asked about; "" where it can, and at once for any other."""
    own = [named for named in (question.policy, question.against) if isinstance(named, Policy) and is_own(named)]
    if not own:
        return ""
    if is_of_steps(question):
        tenants = step_tenants(question.tenants, question.all_priorities)
    else:
        tenants = tenants_asked(question)
        if _is_scaled(question, tenants):
            return SCALED
    return next((refusal for policy in own if (refusal := _unfit(policy, tenants))), "")


def _is_scaled(question: Question, tenants: Tenants) -> bool:
    from headgate.proofs.table import Stage

    return Stage(tenants, question.all_weights, server_of(question)).scale != 1


def _unfit(policy: Policy, tenants: Tenants) -> str:
    try:
        _on_intervals(policy, tenants)
        serves = _always_serves(policy, tenants)
    except FOREIGN as error:
        got = one_line(f"{type(error).__name__}: {error}")[:200]
        return f"policy {policy.name}: expected {RULES}, got {got}"
    if not serves:
        return f"policy {policy.name}: expected one that serves a tenant that waits whenever one does, which is not so"
    return ""


def _on_intervals(policy: Policy, tenants: Tenants) -> None:
    """Run each function once on intervals, which neither divide nor round."""
    extent = Extent()

    def wide(value: Any) -> Any:
        return Maybe(extent) if isinstance(value, bool) else extent.span(0, WIDE)

    state = each(wide, policy.start(tenants))
    waiting = tuple(Maybe(extent) for _ in range(tenants.count))
    _run(policy, tenants, state, each(wide, Arrival(0, 0, 0, 0)), each(wide, (NO_STAMP,) * tenants.count), waiting)


def _always_serves(policy: Policy, tenants: Tenants) -> bool:
    """Return whether it is proved that, where somebody waits, `select` finds one who does."""
    import z3

    from headgate.proofs.symbolic import lift, symbolic

    def fresh(value: Any) -> Any:
        return z3.FreshBool("own") if isinstance(value, bool) else z3.FreshInt("own")

    with symbolic():
        waiting = tuple(z3.FreshBool("waits") for _ in range(tenants.count))
        state, arrival = each(fresh, policy.start(tenants)), each(fresh, Arrival(0, 0, 0, 0))
        found, tenant = _run(policy, tenants, state, arrival, each(fresh, (NO_STAMP,) * tenants.count), waiting)
        chosen = z3.And(
            lift(found), lift(choose(lift(tenant), waiting)), lift(tenant >= 0), lift(tenant < len(waiting))
        )
        solver = z3.SimpleSolver()
        solver.set("timeout", PROOF_MS)
        solver.add(lift(any_(*waiting)), z3.Not(chosen))
        return bool(solver.check() == z3.unsat)


def _run(
    policy: Policy, tenants: Tenants, state: Any, arrival: Any, heads: tuple[Any, ...], waiting: tuple[Any, ...]
) -> tuple[Any, Any]:
    """Return what `select` finds, and whom; TypeError where a function returns another shape."""
    told = policy.advance(state, arrival.at)
    stamped, stamp = policy.stamp(told, 0, arrival)
    if not isinstance(stamp, Stamp):
        raise TypeError(f"stamp returned {type(stamp).__name__} in place of a Stamp")
    # Of any state, not only of one that a stamp leaves: somebody may wait since long before.
    found, tenant, after = policy.select(state, tenants, heads, waiting)
    for name, seen in (("advance", told), ("stamp", stamped), ("select", after), ("rest", policy.rest(after))):
        if _shape(seen) != _shape(state):
            raise TypeError(f"{name} returned a state of another shape than start")
    return found, tenant


def _shape(value: Any) -> Any:
    """Return the records and tuples of a state, without its numbers."""
    if isinstance(value, tuple):
        return tuple(_shape(part) for part in value)
    fields = getattr(type(value), "__attrs_attrs__", None)
    return None if fields is None else (type(value), *(_shape(getattr(value, field.name)) for field in fields))
