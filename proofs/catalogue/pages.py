"""Theorems on the admission of pages: by the most pages that a request can come to, and what less than that breaks."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.model.algebra import all_, choose, where
from headgate.model.memory.pages_admission import (
    Tenancy,
    admit,
    end,
    fits_by_maximum,
    fits_by_quota,
    fits_now,
    fits_now_and_quota,
    grow,
    grow_or_preempt,
    is_stuck,
    nobody,
    seat,
)
from headgate.proofs.decoding import schedule_of
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Expect, Obligation, Query, Theorem
from headgate.spec.vocabulary import Schedule

__all__ = ["THEOREMS"]

COUNTS = range(2, 9)


@attrs.frozen
class _Gate:
    """`count` requests, of which `who` comes, grows or ends; every number is open."""

    state: Tenancy
    who: Any
    capacity: Any
    prompt: Any
    most: Any

    def domain(self) -> tuple[Any, ...]:
        within = (self.prompt >= 1, self.prompt <= self.most)
        return (self.capacity >= 1, self.who >= 0, self.who < len(self.state.most), *within)


def _gate(count: int) -> _Gate:
    pages, most = (tuple(z3.Ints([f"{name}{k}" for k in range(count)])) for name in ("pages", "most"))
    return _Gate(Tenancy(pages, most), *z3.Ints("who capacity prompt its_most"))


def _kept(state: Tenancy, capacity: Any) -> Any:
    pairs = list(zip(state.pages, state.most, strict=True))
    return invariant(
        "pages",
        most_within_capacity=lift(sum(state.most)) <= capacity,
        each_within_its_most=z3.And(*(z3.And(lift(p) >= 0, lift(p) <= m) for p, m in pairs)),
    )


# ---- by maximum ----


def _maximum() -> list[Obligation]:
    gate = _gate(2)
    first = Obligation("at first nobody is there", (gate.capacity >= 1,), _kept(nobody(2), gate.capacity))
    return [first, *(step for count in COUNTS for step in _maximum_steps(count)), *_any_number()]


def _maximum_steps(count: int) -> list[Obligation]:
    gate = _gate(count)
    kept = _kept(gate.state, gate.capacity)
    not_there = choose(gate.who, gate.state.most) == 0
    pages, most = choose(gate.who, gate.state.pages), choose(gate.who, gate.state.most)
    admitted, seated = admit(gate.state, gate.who, gate.prompt, gate.most, gate.capacity)
    granted, grown = grow(gate.state, gate.who, gate.capacity)
    given, name = (*gate.domain(), kept), f"N = {count}: "
    too_much = lift(sum(gate.state.most)) + gate.most > gate.capacity
    return [
        Obligation(name + "one comes", (*given, not_there), _kept(seated, gate.capacity)),
        Obligation(name + "refused iff it would be too much", (*given, not_there), z3.Not(lift(admitted)) == too_much),
        Obligation(name + "one grows", given, _kept(grown, gate.capacity)),
        Obligation(name + "below its most it is granted", (*given, pages < most),
                   z3.And(lift(granted), choose(gate.who, grown.pages) == pages + 1)),
        Obligation(name + "one ends", given, _kept(end(gate.state, gate.who), gate.capacity)),
        Obligation(name + "pages are never oversubscribed", given, lift(sum(gate.state.pages)) <= gate.capacity),
    ]  # fmt: skip


def _any_number() -> list[Obligation]:
    """One request and the rest; and why the condition is needed: once the others are at their most, it is short.

    The one is the first whose most goes over the capacity, so that those before it fit.
    """
    pages, most, others, their_most, capacity = z3.Ints("pages most others their_most capacity")
    within = (pages >= 0, pages <= most, others >= 0, others <= their_most)
    rest = capacity - their_most
    return [
        Obligation("any N: below its most it is granted", (*within, most + their_most <= capacity, pages < most),
                   pages + others < capacity),
        Obligation("any N: else a schedule refuses somebody",
                   (most + their_most > capacity, most >= 1, their_most >= 0, their_most <= capacity),
                   z3.And(rest >= 0, rest < most)),
    ]  # fmt: skip


# ---- by quota ----


def _quota() -> list[Obligation]:
    return [step for count in range(2, 9) for step in _quota_steps(count)]


def _quota_steps(count: int) -> list[Obligation]:
    """Where everybody is admitted by quota, the most pages of all fit, which is what growth needs."""
    gate, quota = _gate(count), z3.Int("quota")
    there = [m > 0 for m in gate.state.most]

    def within(state: Tenancy) -> Any:
        counted = sum(where(lift(m) > 0, quota, 0) for m in state.most)
        each = [z3.And(lift(m) >= 0, lift(m) <= quota) for m in state.most]
        within_capacity = lift(counted) <= gate.capacity
        return invariant("quotas", each_within_quota=z3.And(*each), quotas_within_capacity=within_capacity)

    fits = lift(fits_by_quota(gate.state, gate.most, gate.capacity, quota))
    seated = seat(gate.state, gate.who, gate.prompt, gate.most)
    not_there = choose(gate.who, gate.state.most) == 0
    given, name = (*gate.domain(), quota >= 1, within(gate.state)), f"N = {count}: "
    full = lift(sum(where(t, quota, 0) for t in there)) + quota > gate.capacity
    return [
        Obligation(name + "one comes", (*given, not_there, fits), within(seated)),
        Obligation(name + "one ends", given, within(end(gate.state, gate.who))),
        Obligation(name + "then what they can come to fits", given, lift(sum(gate.state.most)) <= gate.capacity),
        Obligation(name + "refused iff it is above its quota, or the quotas are given out", given,
                   z3.Not(fits) == z3.Or(gate.most > quota, full)),
    ]  # fmt: skip


# ---- preemption ----


def _preemption() -> list[Obligation]:
    return [step for count in range(2, 7) for step in _preemption_steps(count)]


def _preemption_steps(count: int) -> list[Obligation]:
    """Request 0 is the oldest."""
    gate = _gate(count)
    order = tuple(z3.Ints([f"order{k}" for k in range(count)]))
    oldest = (*(order[0] < at for at in order[1:]), gate.state.most[0] <= gate.capacity)
    pages, most = gate.state.pages, gate.state.most

    def counted(state: Tenancy) -> Any:
        return invariant("preemption", within_capacity=lift(sum(state.pages)) <= gate.capacity)

    grown, after = grow_or_preempt(gate.state, gate.who, order, gate.capacity)
    asks = pages[0] < most[0]
    given, name = (*gate.domain(), counted(gate.state), *oldest), f"N = {count}: "
    youngest = [z3.Or(p <= 0, at <= choose(grown.victim, order)) for p, at in zip(pages, order, strict=True)]
    taken = [lift(now) - then for now, then in zip(pages, after.pages, strict=True)]
    emptied = [z3.And(lift(then) == 0, lift(now) > 0) for now, then in zip(pages, after.pages, strict=True)]
    return [
        Obligation(name + "the pages still fit", given, counted(after)),
        Obligation(name + "pages are never oversubscribed", given, sum(pages) <= gate.capacity),
        Obligation(name + "the oldest is granted every page", (*given, gate.who == 0, asks),
                   z3.And(lift(grown.granted), after.pages[0] == pages[0] + 1)),
        Obligation(name + "the oldest is never emptied", (*given, pages[0] >= 1, pages[0] <= most[0]),
                   after.pages[0] >= pages[0]),
        Obligation(name + "at most one is emptied, and the loss is what it held", given,
                   z3.And(sum(z3.If(e, 1, 0) for e in emptied) <= 1,
                          sum(z3.If(t > 0, t, 0) for t in taken) == lift(grown.lost))),
        Obligation(name + "it is the youngest that has pages", (*given, lift(grown.lost) > 0), z3.And(*youngest)),
        Obligation(name + "nobody is emptied for nothing",
                   (*given, z3.Or(sum(pages) < gate.capacity, choose(gate.who, pages) >= choose(gate.who, most))),
                   lift(grown.lost) == 0),
    ]  # fmt: skip


# ---- what less than that breaks ----


def _stuck(rule: str, clause: str, statement: str) -> Callable[[Fraction], Query]:
    """Two requests come; each asks for pages until nobody can go on. The numbers are open."""

    def attack(tighter: Fraction) -> Query:
        capacity, quota = z3.Ints("capacity quota")
        prompts, most = (tuple(z3.Ints([f"{name}{k}" for k in (0, 1)])) for name in ("prompt", "most"))
        state, fits = nobody(2), []
        for who, (prompt, pages) in enumerate(zip(prompts, most, strict=True)):
            now = fits_now(state, prompt, capacity)
            fits.append(now if rule == "now" else fits_now_and_quota(state, prompt, capacity, quota))
            state = seat(state, who, prompt, pages)
        granted = []
        for who in (0, 1):
            ok, state = grow(state, who, capacity)
            granted.append(lift(ok))
        alone = [z3.And(p >= 1, p <= m, m <= capacity) for p, m in zip(prompts, most, strict=True)]
        domain = (capacity >= 1, quota >= 1, *alone, all_(*fits), *granted, is_stuck(state, capacity))
        parameters = {"capacity": capacity, "prompts": prompts, "most": most}
        parameters |= {"quota": quota} if rule == "now-quota" else {}
        heading = (clause, statement, "pages", rule, "stuck")

        def decode(model: z3.ModelRef) -> Schedule:
            return schedule_of(model, heading, parameters, [(0, 0, 1), (1, 1, 1)])

        return Query(domain, decode, (capacity, sum(most), *most, *prompts, quota))

    return attack


def _race(tighter: Fraction) -> Query:
    """Two requests, both checked before either is seated."""
    capacity, first, second = z3.Ints("capacity first second")
    empty = nobody(2)
    both = z3.And(fits_by_maximum(empty, first, capacity), fits_by_maximum(empty, second, capacity))
    state = seat(seat(empty, 0, 1, first), 1, 1, second)
    domain = (capacity >= 1, first >= 1, second >= 1, both, lift(sum(state.most)) > capacity)
    heading = (
        "PA-4",
        "Requests that are checked and then seated keep the capacity.",
        "pages",
        "check-then-act",
        "over",
    )
    parameters = {"capacity": capacity, "prompts": (1, 1), "most": (first, second)}

    def decode(model: z3.ModelRef) -> Schedule:
        return schedule_of(model, heading, parameters, [])

    return Query(domain, decode, (capacity, first, second))


NOW = "Of requests whose prompts fit when they come, some can go on until it ends."

THEOREMS: Sequence[Theorem] = (
    Theorem(
        "pages-maximum", ("PA-1", "PA-4"),
        "Admitted iff the most pages of all sum to at most k, whoever asks for a page has it; else somebody has not.",
        "every horizon; N = 2..8 requests on the code's own step, one request and the rest for any number",
        ("nobody asks for more than its most",),
        obligations=_maximum, invariants=("pages",), limit="N = 2..8 on the code's own step", partner="pages-maximum",
    ),
    Theorem(
        "pages-quota", ("PA-3",),
        "Admitted by a quota of their most pages, all fit into k; one is refused iff above it or the quotas are out.",
        "every horizon; N = 2..8 requests on the code's own step", obligations=_quota,
        invariants=("quotas",), limit="N = 2..8", partner="pages-quota",
    ),
    Theorem(
        "pages-preemption", ("PA-5",),
        "With preemption of the youngest the oldest is granted every page and loses none; a page empties at most one.",
        "every horizon; N = 2..6 requests on the code's own step",
        ("the oldest by itself fits into k",),
        obligations=_preemption, invariants=("preemption",), limit="N = 2..6", partner="pages-preemption",
    ),
    Theorem(
        "pages-now", ("PA-2",), NOW, "two requests, a page more each", expect=Expect.REFUTED,
        attack=_stuck("now", "PA-2", NOW),
    ),
    Theorem(
        "pages-now-quota", ("PA-3",), "Of requests within their quota " + NOW[12:], "two requests, a page more each",
        expect=Expect.REFUTED, attack=_stuck("now-quota", "PA-3", "Of requests within their quota " + NOW[12:]),
    ),
    Theorem(
        "pages-race", ("PA-4",), "Requests that are checked and then seated keep the capacity.", "two requests",
        expect=Expect.REFUTED, attack=_race,
    ),
)  # fmt: skip
