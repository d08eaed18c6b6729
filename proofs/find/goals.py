"""The questions about an order of service as goals: a wait, a gap, a deficit, a difference.

Each is a list of cases over the turns of a request table; the schedule of a model is measured on the exact model, by
the same functions that a replay uses.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import combinations
from typing import Any

import attrs
import z3

from headgate.model.replay import Replay, replay
from headgate.model.simulator import effective_rate_of
from headgate.proofs.decoding import schedule_of
from headgate.proofs.find.question import DEFAULT_SPAN, Asked, Question
from headgate.proofs.find.search import Found, Goal
from headgate.proofs.find.staging import arbiter_parameters, policy_of, server_of, tenants_asked
from headgate.proofs.find.symmetry import orders_freely, same_instant_order
from headgate.proofs.table import Domain, Stage, Table, Turn, largest_sizes, requests, serve
from headgate.spec.units import exact_text

__all__ = ["goal_of"]

ROWS = 2


def goal_of(question: Question, count: int, check: Callable[[], None]) -> Goal:
    """Return the goal of a question about `count` requests; `check` is called again and again, and may raise."""
    stage = Stage(tenants_asked(question), question.all_weights, server_of(question))
    span = question.arrivals or DEFAULT_SPAN
    policies = [policy_of(named) for named in (question.policy, question.against) if named is not None]
    rows = ROWS if any(policy.name.startswith("fr-fcfs") for policy in policies) else 1
    domain = Domain(count, attrs.astuple(question.sizes), attrs.astuple(span), rows)
    asked = requests(stage, domain)
    tables = [serve(policy, stage, asked, f"p{number}_", check) for number, policy in enumerate(policies)]
    constraints = [*asked.constraints, *(term for each in tables for term in each.own_constraints)]
    if all(orders_freely(policy, stage) for policy in policies):
        constraints += same_instant_order(asked)
    about = _About(question, stage, tables, check)
    cases, beyond, step = about.terms()
    arrivals, sizes = asked.arrivals, asked.sizes
    smallest = (z3.Sum(sizes), arrivals[-1], *arrivals, *asked.tenants, *sizes, *(asked.rows if rows > 1 else ()))
    return Goal(tuple(constraints), tuple(cases), beyond, step, about.decode, smallest)


@attrs.frozen
class _About:
    """What a question is about: the tables of its policies."""

    question: Question
    stage: Stage
    tables: list[Table]
    check: Callable[[], None]

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns under the policy that is asked about."""
        return self.tables[0].turns

    def terms(self) -> tuple[list[tuple[Any, Any]], Any | None, Fraction]:
        """Return the cases, the violation and the step of the values."""
        scale = self.stage.scale
        if self.question.asked is Asked.WAIT:
            return list(self._waits()), None, Fraction(1, scale)
        if self.question.asked is Asked.GAP:
            drifts = list(self._drifts())
            return [(c, d) for c, d, _ in drifts], z3.Or(*(z3.And(c, d > b) for c, d, b in drifts)), Fraction(1, scale)
        if self.question.asked is Asked.DEFICIT:
            return self._deficits()
        return self._differences()

    def _victims(self) -> list[int]:
        victim = self.question.victim
        return list(range(self.question.tenants)) if victim is None else [victim]

    def _by_then(self, time: Any) -> Any:
        within = self.question.within_ns
        return True if within is None else time <= within * self.stage.scale

    def _waits(self) -> Iterator[tuple[Any, Any]]:
        table = self.tables[0]
        for number, turn in enumerate(self.turns):
            for k, (owner, arrival) in enumerate(zip(table.tenants, table.arrivals, strict=True)):
                mine = True if self.question.victim is None else owner == self.question.victim
                condition = z3.And(turn.request == k, mine, self._by_then(turn.at))
                # In the first turn nobody has waited.
                yield condition, (turn.at - arrival * self.stage.scale if number else z3.IntVal(0))

    def _runs(self) -> Iterator[tuple[int, list[Turn]]]:
        """Yield consecutive turns, with the number of the first."""
        for first in range(len(self.turns)):
            self.check()
            for last in range(first + 1, len(self.turns) + 1):
                yield first, list(self.turns[first:last])

    def _backlogged(self, turns: list[Turn], *tenants: int) -> list[Any]:
        waiting = [turn.waiting[tenant] for turn in turns for tenant in tenants]
        return [*waiting, *(turn.follows for turn in turns[1:]), self._by_then(turns[-1].end)]

    def _drifts(self) -> Iterator[tuple[Any, Any, Any]]:
        """Yield (condition, drift, bound) of two backlogged tenants; only runs that begin and end ahead count."""
        costs = [self.stage.cost(turn.tenant, turn.size) for turn in self.turns]
        largest = largest_sizes(self.tables[0], self.question.tenants)
        most = [self.stage.cost(z3.IntVal(t), size) for t, size in enumerate(largest)]
        for i, j in combinations(range(self.question.tenants), 2):
            if self.question.victim not in (None, i, j):
                continue
            for ahead, behind in ((i, j), (j, i)):
                for first, turns in self._runs():
                    drift: Any = z3.Sum([
                        z3.If(turn.tenant == ahead, cost, z3.If(turn.tenant == behind, -cost, 0))
                        for turn, cost in zip(turns, costs[first:], strict=False)
                    ])  # fmt: skip
                    ends = (turns[0].tenant == ahead, turns[-1].tenant == ahead)
                    yield z3.And(*ends, *self._backlogged(turns, i, j)), drift, most[i] + most[j]

    def _share(self, tenant: int) -> Fraction:
        weights = self.question.all_weights
        return weights[tenant] / sum(weights) * effective_rate_of(self.stage.server)

    def _deficits(self) -> tuple[list[tuple[Any, Any]], Any, Fraction]:
        scale, server = self.stage.scale, self.stage.server
        shares = {tenant: self._share(tenant) / scale for tenant in self._victims()}
        dark = Fraction(server.refresh.blackout) if server.refresh is not None else Fraction(0)
        rate = effective_rate_of(server)
        largest = largest_sizes(self.tables[0], self.question.tenants)
        allowed = {t: (self._share(t) / rate, self._share(t) * dark) for t in shares}
        numbers = [*shares.values(), *(n for pair in allowed.values() for n in pair)]
        step = Fraction(1, _common(numbers))
        cases, beyond = [], []
        for tenant, share in shares.items():
            others = z3.Sum([size for t, size in enumerate(largest) if t != tenant] or [z3.IntVal(0)])
            per_byte, blackout = (int(number / step) for number in allowed[tenant])
            bound = others * per_byte + blackout + largest[tenant] * int(1 / step)
            for condition, begin, turns in self._windows(tenant):
                got = z3.Sum([z3.If(turn.tenant == tenant, turn.size, 0) for turn in turns])
                lacks = (turns[-1].end - begin) * int(share / step) - got * int(1 / step)
                cases.append((condition, lacks))
                beyond.append(z3.And(condition, lacks > bound))
        return cases, z3.Or(*beyond), step

    def _windows(self, tenant: int) -> Iterator[tuple[Any, Any, list[Turn]]]:
        """Yield (condition, begin, turns): from the beginning of a turn, or from an arrival during the one before."""
        table, scale = self.tables[0], self.stage.scale
        for first, turns in self._runs():
            backlogged = self._backlogged(turns, tenant)
            yield z3.And(*backlogged), turns[0].at, turns
            if first == 0:
                continue
            before = self.turns[first - 1]
            for owner, arrival in zip(table.tenants, table.arrivals, strict=True):
                at = arrival * scale
                during = (owner == tenant, before.at < at, at < turns[0].at)
                yield z3.And(*during, *backlogged), at, turns

    def _differences(self) -> tuple[list[tuple[Any, Any]], Any, Fraction]:
        ours, theirs = (table.turns for table in self.tables)
        apart = [z3.And(a.tenant != b.tenant, self._by_then(a.at)) for a, b in zip(ours, theirs, strict=True)]
        count = z3.Sum([z3.If(a.tenant != b.tenant, 1, 0) for a, b in zip(ours, theirs, strict=True)])
        return [(z3.Or(*apart), count)], z3.Or(*apart), Fraction(1)

    # ---- from a model to a schedule ----

    def decode(self, model: z3.ModelRef, wanted: Fraction | None) -> Found:
        """Return the schedule of a model, measured; asked for a value, it asks for the one that it has."""
        choices = list(self._parameters())
        found = [self._measured(model, parameters, wanted) for parameters in choices]
        schedule, shown = max(found, key=lambda pair: (pair[1].violated, pair[1].observed))
        if wanted is None:
            return Found(schedule, shown.observed)
        # What is found is often more than was asked for.
        return Found(_asking(schedule, self.question, shown.observed), shown.observed)

    def _parameters(self) -> Iterator[Mapping[str, Any]]:
        """Yield the parameters of a schedule: one for each choice of tenants that the question leaves open."""
        base, question = arbiter_parameters(self.question), self.question
        if question.asked is Asked.GAP:
            for pair in combinations(range(question.tenants), 2):
                if question.victim in (None, *pair):
                    yield {**base, "pair": pair}
        elif question.asked is Asked.DEFICIT:
            for tenant in self._victims():
                yield {**base, "tenant": tenant}
        elif question.asked is Asked.WAIT and question.victim is not None:
            yield {**base, "tenant": question.victim}
        else:
            yield base

    def _measured(
        self, model: z3.ModelRef, parameters: Mapping[str, Any], wanted: Fraction | None
    ) -> tuple[Any, Replay]:
        question = self.question
        heading = ("AR-1", "", "arbiter", question.policy_name, question.asked.value)
        schedule = schedule_of(model, heading, {}, self.tables[0].asked.fields)
        named = dict(parameters)
        if question.asked is Asked.DIFFERENCE:
            named["against"] = policy_of(question.against or question.policy).name
        schedule = attrs.evolve(schedule, rule=question.policy_name, parameters=named)
        schedule = _asking(schedule, question, wanted)
        return schedule, replay(schedule, None if isinstance(question.policy, str) else question.policy)


def _asking(schedule: Any, question: Question, wanted: Fraction | None) -> Any:
    """Return the schedule with what is asked of it: at least `wanted`, or the question's own violation."""
    clause, statement = _claimed(question, wanted)
    parameters = dict(schedule.parameters)
    if wanted is not None:
        parameters["at_least"] = wanted
    name = f"find-{question.asked.value}-{question.policy_name}"
    return attrs.evolve(schedule, clause=clause, statement=statement, parameters=parameters, name=name)


def _claimed(question: Question, wanted: Fraction | None) -> tuple[str, str]:
    """Return the clause at stake and the statement that the schedule refutes."""
    number = "" if wanted is None else str(exact_text(wanted))
    if question.asked is Asked.WAIT:
        whose = "any request" if question.victim is None else f"a request of tenant {question.victim}"
        return "AR-1", f"Under {question.policy_name} {whose} waits less than {number} ns."
    if question.asked is Asked.GAP:
        bound = "at most L_i / w_i + L_j / w_j" if wanted is None else f"less than {number} ns"
        return "FQ-4", f"Under {question.policy_name} two backlogged tenants drift apart by {bound}."
    if question.asked is Asked.DEFICIT:
        bound = "but for what SFQ allows" if wanted is None else f"but for less than {number} B"
        return "FQ-5", f"Under {question.policy_name} a backlogged tenant gets its share of any window {bound}."
    against = policy_of(question.against or question.policy).name
    return "AR-7", f"{question.policy_name} and {against} serve the same requests in the same order."


def _common(numbers: list[Fraction]) -> int:
    return math.lcm(*(number.denominator for number in numbers))
