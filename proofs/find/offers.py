"""The questions about what is let in, as goals: a bucket that exceeds its envelope, guarantees that are not there.

The numbers of the mechanism are free unless the question gives them, so that a schedule comes with the smallest bucket,
or the guarantees, that show it.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import attrs
import z3

from headgate.model.admission import RULES, Room
from headgate.model.algebra import where
from headgate.model.bucket import (
    envelope,
    paused_full,
    police,
)
from headgate.model.replay import replay
from headgate.model.simulator import effective_rate_of
from headgate.proofs.decoding import schedule_of
from headgate.proofs.find.question import DEFAULT_SPAN, Question
from headgate.proofs.find.search import Found, Goal
from headgate.proofs.find.staging import server_of
from headgate.proofs.symbolic import lift
from headgate.proofs.table import exact
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import Schedule

__all__ = ["BUCKET_NUMBERS", "decoder", "overrun", "oversubscription"]

# The numbers of a bucket, and the values that they take where the question leaves them open. The last two are the
# essay's: the rates of all tenants together, and the capacity of the device.
BUCKET_NUMBERS = {"rate": (1, 4), "depth": (1, 8), "sum_of_rates": (1, 12), "capacity": (1, 16)}

Decoded = Callable[[z3.ModelRef], Schedule]


def overrun(question: Question, count: int) -> Goal:
    """Return the goal of more than depth + rate t in a closed window of t ns, of `count` offers."""
    span = question.arrivals or DEFAULT_SPAN
    arrivals, sizes = z3.Ints([f"arrival{k}" for k in range(count)]), z3.Ints([f"size{k}" for k in range(count)])
    domain = [z3.And(s >= question.sizes.least, s <= question.sizes.most) for s in sizes]
    domain += [z3.And(a >= span.least, a <= span.most) for a in arrivals]
    domain += [a <= b for a, b in pairwise(arrivals)]
    numbers, within = _numbers(question)
    admitted = _admitted(question.policy_name, numbers, arrivals, sizes)
    step = Fraction(1, math.lcm(*(Fraction(n).denominator for n in question.parameters.values())))
    cases = []
    for first in range(count):
        for last in range(first, count):
            inside = z3.Sum([where(admitted[k], sizes[k], 0) for k in range(first, last + 1)])
            most = envelope(numbers["rate"], numbers["depth"], arrivals[last] - arrivals[first])
            late = True if question.within_ns is None else arrivals[last] <= question.within_ns
            cases.append((z3.And(admitted[first], admitted[last], late), (inside - most) * int(1 / step)))
    clause = {"essay": "TB-7", "paused": "TB-8"}.get(question.policy_name, "TB-4")
    heading = (clause, "", "bucket", question.policy_name, "overrun")

    def decoded(model: z3.ModelRef) -> Schedule:
        requests = [(0, at, size) for at, size in zip(arrivals, sizes, strict=True)]
        schedule = schedule_of(model, heading, numbers, requests)
        given = {} if question.within_ns is None else {"within": question.within_ns}
        return attrs.evolve(schedule, parameters={**schedule.parameters, **given})

    beyond = z3.Or(*(z3.And(condition, excess > 0) for condition, excess in cases))
    free = [term for name, term in numbers.items() if name not in question.parameters]
    smallest = (z3.Sum(sizes), arrivals[-1], *free, *arrivals, *sizes)
    statement = "bytes above the envelope of its own depth and rate are admitted in any window"
    decode = decoder(question, decoded, f"Under the bucket {question.policy_name} {{}} {statement}.")
    return Goal((*domain, *within), tuple(cases), beyond, step, decode, smallest)


def _numbers(question: Question) -> tuple[dict[str, Any], list[Any]]:
    """Return the numbers of the bucket, and the domain of those that are free."""
    names = list(BUCKET_NUMBERS) if question.policy == "essay" else ["rate", "depth"]
    numbers: dict[str, Any] = {}
    domain: list[Any] = []
    for name in names:
        if name in question.parameters:
            given = Fraction(question.parameters[name])
            numbers[name] = exact(given)
        else:
            least, most = BUCKET_NUMBERS[name]
            numbers[name] = z3.Int(name)
            domain.append(z3.And(numbers[name] >= least, numbers[name] <= most))
    if "sum_of_rates" in numbers:
        domain.append(numbers["sum_of_rates"] >= numbers["rate"])
    return numbers, domain


def _admitted(rule: str, numbers: dict[str, Any], arrivals: Sequence[Any], sizes: Sequence[Any]) -> list[Any]:
    rate, depth = numbers["rate"], numbers["depth"]
    rates = (numbers["sum_of_rates"], numbers["capacity"]) if rule == "essay" else ()
    bucket, last, admitted = paused_full(depth), 0, []
    for at, size in zip(arrivals, sizes, strict=True):
        _, passes, bucket = police(rule, bucket, rate, depth, at - last, size, *rates)
        admitted.append(passes)
        last = at
    return admitted


def oversubscription(question: Question) -> Goal:
    """Return the goal of guarantees that the rule admits and that are not there, one a tenant.

    They are those that the question gives as weights, else whole numbers of at most the peak rate.
    """
    server = server_of(question)
    peak = Fraction(server.peak_bytes_per_ns)
    effective = effective_rate_of(server)
    free = [z3.Int(f"guarantee{k}") for k in range(question.tenants)] if not question.weights else []
    domain = [z3.And(g >= 1, g <= int(peak)) for g in free] + [a >= b for a, b in pairwise(free)]
    guarantees = free or [exact(weight) for weight in question.weights]
    total: Any = z3.ToReal(z3.Sum(free)) if free else lift(sum(question.weights, Fraction(0)))
    scale = math.lcm(effective.denominator, *(weight.denominator for weight in question.weights))
    excess = total * scale - int(effective * scale)
    parameters = {"peak": peak, "guarantees": guarantees, "blackout": 0, "interval": 1}
    if server.refresh is not None:
        parameters |= {"blackout": server.refresh.blackout, "interval": server.refresh.interval}
    heading = (
        "AD-2" if question.policy == "essay" else "AD-4",
        "",
        "admission",
        question.policy_name,
        "oversubscription",
    )
    decode = decoder(
        question,
        lambda model: schedule_of(model, heading, parameters, []),
        f"Of what the rule {question.policy_name} admits, {{}} B/ns are not there.",
    )
    admitted = RULES[question.policy_name]([total], Room(peak, effective, effective))
    beyond, smallest = z3.And(admitted, excess > 0), (z3.Sum(free), *free) if free else ()
    return Goal(tuple(domain), ((admitted, excess),), beyond, Fraction(1, scale), decode, smallest)


def decoder(
    question: Question, decoded: Decoded, statement: str, none: str = "no"
) -> Callable[[z3.ModelRef, Fraction | None], Found]:
    """Return what gives the schedule of a model; asked for an amount, it asks for the one that it has.

    `statement` is what the schedule refutes, with a place for how much: `none`, or fewer than the amount.
    """

    def decode(model: z3.ModelRef, wanted: Fraction | None) -> Found:
        schedule = attrs.evolve(decoded(model), name=f"find-{question.asked.value}-{question.policy_name}")
        if wanted is None:
            claimed = attrs.evolve(schedule, statement=statement.format(none))
            return Found(claimed, replay(claimed).observed)
        asks = attrs.evolve(schedule, parameters={**schedule.parameters, "at_least": wanted})
        reached = replay(asks).observed
        fewer = statement.format(f"fewer than {exact_text(reached)}")
        return Found(attrs.evolve(asks, statement=fewer, parameters={**asks.parameters, "at_least": reached}), reached)

    return decode
