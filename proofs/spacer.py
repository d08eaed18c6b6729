"""Spacer as a second prover: it is told the steps and what must never happen, and finds an invariant by itself.

Where a theorem claims that its invariant is inductive, the same steps of the code are given to Z3's Spacer as Horn
clauses, without the invariant, from the code's own start. "Unsat" means that nothing bad can be reached: Spacer found
some invariant that is strong enough. It shares Z3's arithmetic with the first proof, but neither the invariant nor the
obligations, so it would notice a base case or a step that was forgotten.

Spacer is linear: products of two unknowns are scaled away, and what is fixed for that is said with the answer.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.model.algebra import where
from headgate.model.arbiters import Stamp, Tenants
from headgate.model.arbiters.fr_fcfs import OpenRow, fr_fcfs
from headgate.model.bounds import pairwise_gap
from headgate.model.bucket import Bucket, envelope, full, offer, refill
from headgate.model.heat import migration
from headgate.model.heat.placement import Home, place
from headgate.model.marker import Colour, Marker, MarkerRates, fresh, mark
from headgate.model.memory.eviction import Claims, Holdings, Policy, load
from headgate.model.refresh import Channel, Refresh, pass_time, service_curve
from headgate.proofs import flows as fair
from headgate.proofs.symbolic import lift, symbolic
from headgate.proofs.theorem import Recheck, Theorem

__all__ = ["NOT_ASKED", "SYSTEMS", "System", "ask", "spacer", "spacer_name"]

BACKSTOP_MS = 30_000


@attrs.frozen
class System:
    """A transition system: `steps` are (guard, values after), over `state` and any other constants as inputs."""

    state: tuple[Any, ...]
    start: tuple[Any, ...]
    guard: Any
    steps: tuple[tuple[Any, tuple[Any, ...]], ...]
    bad: Any
    fixed: str = ""


# ---- the systems ----


def _bucket() -> System:
    level, depth, admitted, granted, grant, size = z3.Reals("level depth admitted granted grant size")
    later = refill(Bucket(level), 1, depth, grant)
    ok, charged = offer(Bucket(level), size)
    return System(
        (level, depth, admitted, granted), (full(depth).level, depth, lift(0), lift(0)), depth > 0,
        (
            (grant >= 0, (later.level, depth, admitted, granted + grant)),
            (size > 0, (charged.level, depth, where(ok, admitted + size, admitted), granted)),
            (lift(True), (level, depth, lift(0), lift(0))),
        ),
        admitted > envelope(1, depth, granted), "time is counted in tokens",
    )  # fmt: skip


def _marker() -> System:
    names = "committed peak cbs pbs green in_peak granted_c granted_p grant_c grant_p size"
    committed, peak, cbs, pbs, green, in_peak, granted_c, granted_p, grant_c, grant_p, size = z3.Reals(names)
    first = fresh(MarkerRates(1, cbs, 1, pbs))
    colour, marked = mark(Marker(Bucket(committed), Bucket(peak)), size)
    greens = where(colour == int(Colour.GREEN), green + size, green)
    peaks = where(colour == int(Colour.RED), in_peak, in_peak + size)
    later = (refill(Bucket(committed), 1, cbs, grant_c).level, refill(Bucket(peak), 1, pbs, grant_p).level)
    after = (marked.committed.level, marked.peak.level, cbs, pbs, greens, peaks, granted_c, granted_p)
    nothing = (lift(0),) * 4
    return System(
        (committed, peak, cbs, pbs, green, in_peak, granted_c, granted_p),
        (first.committed.level, first.peak.level, cbs, pbs, *nothing), z3.And(cbs > 0, pbs > 0),
        (
            (z3.And(grant_c >= 0, grant_p >= grant_c),
             (*later, cbs, pbs, green, in_peak, granted_c + grant_c, granted_p + grant_p)),
            (size > 0, after),
            (lift(True), (committed, peak, cbs, pbs, *nothing)),
        ),
        z3.Or(green > envelope(1, cbs, granted_c), in_peak > envelope(1, pbs, granted_p)),
        "the tokens of both buckets are inputs, those of the peak at least the others",
    )  # fmt: skip


PERIOD, BLACKOUT = 7, 2


def _refresh() -> System:
    """A window that begins at any phase; its length is counted in intervals and a rest, so that nothing is divided."""
    phase, periods, rest, service = z3.Ints("phase periods rest service")
    refresh = Refresh(PERIOD, BLACKOUT)
    more, after = pass_time(Channel(phase), refresh, 1)
    is_whole = rest + 1 == PERIOD
    longer = (where(is_whole, periods + 1, periods), where(is_whole, 0, rest + 1))
    return System(
        (phase, periods, rest, service), (phase, lift(0), lift(0), lift(0)), z3.And(phase >= 0, phase < PERIOD),
        ((lift(True), (after.phase, *longer, service + more)),),
        service < service_curve(refresh, periods, rest), f"P = {PERIOD}, B = {BLACKOUT}, ns by ns",
    )  # fmt: skip


def _pair(name: str) -> Callable[[], System]:
    return lambda: _pair_system(name)


def _pair_system(name: str) -> System:
    """Two tenants on the code's own select while both are backlogged, from anywhere in the bracket, and the others."""
    discipline = {"sfq": fair.SFQ_DISCIPLINE, "scfq": fair.SCFQ_DISCIPLINE}[name]
    virtual, drift, cost, later = z3.Reals("virtual drift cost later")
    yes = lift(True)
    flows = [attrs.evolve(fair.flow_of(k), queued=yes, busy=yes, more=yes) for k in (0, 1)]

    def flat(now: Any, drift: Any, flows: Sequence[Any]) -> tuple[Any, ...]:
        return (now, drift, *(part for f in flows for part in (f.begin, f.cost, f.largest)))

    _, tenant, now, after = fair.serve(discipline, virtual, flows, cost)
    moved = drift + where(lift(tenant == 0), flows[0].cost, -flows[1].cost)
    fits = z3.And(cost > 0, *(z3.Implies(lift(tenant == k), cost <= f.largest) for k, f in enumerate(flows)))
    ahead = z3.And(virtual <= later, *(later <= discipline.chosen_tag(f) for f in flows))
    begins = [z3.And(f.cost > 0, f.cost <= f.largest, discipline.bracket(virtual, f)) for f in flows]
    gap = pairwise_gap(flows[0].largest, flows[1].largest)
    return System(
        flat(virtual, drift, flows), flat(virtual, lift(z3.RealVal(0)), flows), z3.And(*begins),
        ((fits, flat(now, moved, after)), (ahead, flat(later, drift, flows))),
        z3.Or(drift > gap, -drift > gap),
        f"two tenants and an environment, while both are backlogged; the bracket at first is {name}-code's",
    )  # fmt: skip


def _entitlement() -> System:
    """Two requests that load pages, under a score that changes with every load; of the first its loads are counted."""
    names = "own other capacity floor other_floor asked own_key other_key"
    own, other, capacity, floor, other_floor, asked, *keys = z3.Ints(names)
    policy = Policy("any score", lambda *_: keys, floored=True)
    claims, steps = Claims((floor, other_floor), (lift(0), lift(0))), []
    for who in (0, 1):
        _, after = load(Holdings((own, other), (lift(0), lift(0))), capacity, claims, who, policy, keys)
        steps.append((lift(True), (*after.resident, capacity, floor, other_floor, asked + (who == 0))))
    return System(
        (own, other, capacity, floor, other_floor, asked), (lift(0), lift(0), capacity, floor, other_floor, lift(0)),
        z3.And(capacity >= 1, floor >= 0, other_floor >= 0, floor + other_floor <= capacity), tuple(steps),
        z3.And(own < floor, own < asked), "two requests, nothing pinned",
    )  # fmt: skip


def _capped() -> System:
    row, passed, cap = z3.Ints("row passed cap")
    policy, tenants, here = fr_fcfs("fr-fcfs-cap", cap), Tenants(2, (0, 1), (0, 0), (1, 1)), OpenRow(row, passed)
    heads = tuple(Stamp(0, 0, 1, *z3.Ints(f"order{k} row{k}")) for k in (0, 1))
    waiting = tuple(z3.Bools("waiting0 waiting1"))
    _, _, served = policy.select(here, tenants, heads, waiting)
    first, rested = policy.start(tenants), policy.rest(here)
    return System(
        (row, passed, cap), (lift(first.row), lift(first.passed), cap), cap >= 0,
        ((z3.Or(*waiting), (served.row, served.passed, cap)), (lift(True), (rested.row, rested.passed, cap))),
        passed > cap, "two tenants; that no more than c in a row pass over the oldest, which all else follows from",
    )  # fmt: skip


def _budget() -> System:
    """Migration's bucket, charged with what is read and what is written."""
    level, depth, moved, granted, grant, size = z3.Reals("level depth moved granted grant size")
    ok, after = migration.afford(Bucket(level), 1, depth, grant, size)
    then = (after.level, depth, where(ok, moved + migration.traffic(size), moved), granted + grant)
    return System(
        (level, depth, moved, granted), (full(depth).level, depth, lift(0), lift(0)), depth > 0,
        ((z3.And(grant >= 0, size > 0), then), (lift(True), (level, depth, lift(0), lift(0)))),
        moved > envelope(1, depth, granted), "time is counted in tokens",
    )  # fmt: skip


def _copied() -> System:
    """One block of a page, with its last write; the page table is the frame that is called home."""
    home, away, last, number = z3.Ints("home away last number")
    clean, moving = z3.Bools("clean moving")
    page = migration.Contents((home,), (away,), (clean,), moving)

    def flat(after: migration.Contents, written: Any) -> tuple[Any, ...]:
        return (after.home[0], after.away[0], lift(after.clean[0]), lift(after.moving), lift(written))

    steps = [migration.begin(page), migration.copy_block(page, 0), migration.switch(page)[1], migration.abort(page)]
    return System(
        (home, away, clean, moving, last), flat(migration.blank(1), 0), lift(True),
        (*((lift(True), flat(after, last)) for after in steps),
         (lift(True), flat(migration.write(page, 0, number), number))),
        migration.read(page, 0) != last, "one block",
    )  # fmt: skip


def _placed() -> System:
    """Two stacks, from the first move on: bands and dwell times that the further moves have spent."""
    a, b, c, d, band, slew, spent, heat = z3.Reals("a b c d band slew spent heat")
    stack, since, dwell, stayed, samples = z3.Ints("stack since dwell stayed samples")
    slow = [z3.And(then - now <= slew, now - then <= slew) for now, then in ((a, c), (b, d))]
    moved, home = place(Home(stack, since), (c, d), band, dwell)
    then = (c, d, home.stack, home.since, where(moved, spent + band, spent), heat + 2 * slew,
            where(moved, stayed + dwell, stayed), samples + 1, band, slew, dwell)  # fmt: skip
    first = z3.And(band >= 0, slew >= 0, dwell >= 0, stack == z3.If(a <= b, 0, 1))
    return System(
        (a, b, stack, since, spent, heat, stayed, samples, band, slew, dwell),
        (a, b, stack, lift(0), lift(Fraction(0)), lift(Fraction(0)), lift(0), lift(0), band, slew, dwell), first,
        ((z3.And(*slow), then),), z3.Or(spent > heat, stayed > samples), "two stacks",
    )  # fmt: skip


SYSTEMS: Mapping[str, Callable[[], System]] = {
    "bucket-envelope": _bucket,
    "marker-envelopes": _marker,
    "refresh-service-curve": _refresh,
    "sfq-pairwise-gap": _pair("sfq"),
    "scfq-pairwise-gap": _pair("scfq"),
    "eviction-entitlement": _entitlement,
    "fr-fcfs-cap-bypass": _capped,
    "migration-budget": _budget,
    "migration-reads": _copied,
    "placement-moves": _placed,
}


# Theorems with an inductive invariant that Spacer is not asked, and why.
NOT_ASKED: Mapping[str, str] = {
    "bucket-exactness": "the window that carries the excess begins anew by a choice that Spacer would have to guess",
    "marker-exactness": "its two halves are those of bucket-exactness",
    "gcra-is-a-bucket": "rate times time is a product of two unknowns, and cannot be scaled away on both sides",
    "meter-ledger-exact": "two windows, each with its own rate: products of two unknowns",
    "meter-full-burst": "the surplus p - g times the time is a product of two unknowns",
    "sfq-code": "its claim is the invariant itself",
    "scfq-code": "its claim is the invariant itself",
    "drr-deficits": "its claim is the invariant itself",
    "essay-wait-doubles": "its rounds double: Spacer finds no invariant in half a minute",
    "sfq-delay": "weights times virtual time are products of unknowns",
    "scfq-delay": "as for sfq-delay",
    "sfq-share": "as for sfq-delay",
    "sfq-bypass": "a step from the invariant of sfq-delay to its bound",
    "scfq-bypass": "a step from the invariant of scfq-delay to its bound",
    "admission-atomic": "its claim is the invariant itself",
    "admission-safety": "its invariant is that of admission-atomic, its delays are those of sfq-delay",
    "early-delay": "rates times deadlines are products of unknowns",
    "wfq-lateness": "as for early-delay",
    "wfq-delay": "slopes times times are products of unknowns",
    "wf2q-plus-code": "its claim is the invariant itself",
    "wf2q-plus-delay": "weights times virtual time are products of unknowns",
    "refresh-postponed": "refreshes owed times the blackout are products of unknowns",
    "refresh-anywhere": "its claim is a step from an invariant of one interval to any window",
    "vtc-gap": "its claim is one step from the invariant itself",
    "fq-codel-turns": "its claim is a count that goes down with every service, on one step",
    "allocator-isolation": "one page stands for all: what is not touched would be a state without an end",
    "allocator-leases": "as for allocator-isolation",
    "allocator-conservation": "as for allocator-isolation",
    "allocator-code": "its claim is the invariant itself",
    "colours-pigeonhole": "tenants times banks is a product of two unknowns",
    "channels-imbalance": "shares times ledgers are products of unknowns",
    "drr-delay": "guarantees times time are products of unknowns",
    "sfq-weighted-gap": "sfq-pairwise-gap is asked of the same steps, in cost",
    "composed-delay": "rates times what is owed are products of unknowns",
    "eviction-capacity": "its claim is the invariant itself",
    "lru-stack": "its claim is the invariant itself",
    "lru-whale-and-minnows": "its claim is one step from the invariant itself",
    "step-fewest-misses": "its claim is the invariant itself",
    "prefix-misses": "its claim is the invariant itself",
    "pages-maximum": "its claim is one step from the invariant itself",
    "pages-quota": "its claim is one step from the invariant itself",
    "pages-preemption": "its claim is one step from the invariant itself",
    "drr-request-delay": "as for drr-turns",
    "drr-own-delay": "as for drr-turns",
    "scfq-own-delay": "as for sfq-delay",
    "drr-turns": "turns times quanta are products of unknowns",
}


# ---- the prover ----


def spacer_name() -> str:
    """Return the method, and the solver that it is part of."""
    return f"Spacer (z3 {z3.get_version_string()})"


def spacer(theorem: Theorem) -> Recheck | None:
    """Ask Spacer of a theorem; None, where there is nothing to ask it (NOT_ASKED says why)."""
    if theorem.id not in SYSTEMS:
        return None
    begun = time.process_time()
    with symbolic():
        system = SYSTEMS[theorem.id]()
        agrees, reason = ask(system)
    return Recheck(spacer_name(), agrees, time.process_time() - begun, reason or system.fixed)


def ask(system: System) -> tuple[bool | None, str]:
    """Return whether nothing bad can be reached (None: no answer), and why not."""
    engine = z3.Fixedpoint()
    engine.set(engine="spacer", timeout=BACKSTOP_MS, ctrl_c=False)
    state = [z3.Const(f"{now}!now", now.sort()) for now in system.state]
    names = list(zip(system.state, state, strict=True))
    after = [z3.Const(f"{now}!then", now.sort()) for now in system.state]
    reached = z3.Function("reached", *(now.sort() for now in system.state), z3.BoolSort())
    engine.register_relation(reached)

    def here(term: Any) -> Any:
        return z3.substitute(lift(term), *names)

    def equal(values: Sequence[Any]) -> list[Any]:
        return [then == _cast(here(value), then) for then, value in zip(after, values, strict=True)]

    rules = [(z3.And(here(system.guard), *equal(system.start)), reached(*after))]
    rules += [(z3.And(reached(*state), here(g), *equal(values)), reached(*after)) for g, values in system.steps]
    bad = z3.Function("bad", z3.BoolSort())
    engine.register_relation(bad)
    rules.append((z3.And(reached(*state), here(system.bad)), bad()))
    for body, head in rules:
        engine.declare_var(*_constants(body), *after)
        engine.rule(head, body)
    try:
        answer = engine.query(bad())
    except z3.Z3Exception as stopped:
        return None, f"it gave up ({stopped.value.decode() if isinstance(stopped.value, bytes) else stopped.value})"
    if answer == z3.unsat:
        return True, ""
    if answer == z3.sat:
        return False, "it reaches what the theorem excludes"
    return None, engine.reason_unknown() or "it gives no reason"


def _cast(value: Any, like: Any) -> Any:
    return z3.ToReal(value) if like.sort() == z3.RealSort() and value.sort() == z3.IntSort() else value


def _constants(term: Any) -> list[Any]:
    """Return the free constants of `term`."""
    found, seen, stack = {}, set[int](), [term]
    while stack:
        each = stack.pop()
        if each.get_id() in seen:
            continue
        seen.add(each.get_id())
        stack += each.children()
        if z3.is_const(each) and each.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            found[each.get_id()] = each
    return list(found.values())
