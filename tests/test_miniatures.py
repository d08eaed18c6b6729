"""A review tells right from wrong: every wrong miniature is caught by its clause, and no right one is accused."""

import functools
import json
import statistics
import time
from collections.abc import Callable
from fractions import Fraction
from importlib.resources import files
from typing import Any

import pytest

from headgate.model.arbiters import ARBITERS, NO_STAMP, Arrival, Stamp, Tenants
from headgate.properties.review.case import Call, Case
from headgate.properties.review.declaring import declare
from headgate.properties.review.hunt import PROFILES, Outcome, Profile, Review, hunt, run_case
from headgate.properties.review.suites.arbiter_cases import FOUND
from headgate.properties.review.suites.arbiter_judges import Run, stays_in_the_list
from headgate.properties.review.targets import PythonTarget
from headgate.spec.vocabulary import Policing, Request, Service
from headgate.tests.miniatures import MINIATURES, ROLES, Miniature, of_role

SHORT = Profile(40, 60.0)
SEEDS = (1, 2, 3, 4, 5)
WRONG = [each for each in MINIATURES if each.clauses]
CORRECT = [each for each in MINIATURES if not each.clauses]


def reviewed(one: Miniature, profile: Profile) -> Review:
    suite, declared = declare(one.role, **one.declared)
    return hunt(suite, PythonTarget(one.factory, f"{__name__}:{one.name}", declared.clock), declared, profile)


@functools.cache
def caught(name: str) -> tuple[Review, float]:
    """Return the review of a wrong miniature by the profile of CI, and the CPU seconds it took, shrinking included."""
    begun = time.process_time()
    found = reviewed(next(each for each in WRONG if each.name == name), PROFILES["ci"])
    return found, time.process_time() - begun


def test_every_role_has_enough_of_both() -> None:
    for role in ROLES:
        assert len(of_role(role, right=False)) >= 8, role
        assert len(of_role(role, right=True)) >= 4, role
    assert len({each.name for each in MINIATURES}) == len(MINIATURES)


@pytest.mark.parametrize("wrong", WRONG, ids=lambda one: one.name)
def test_what_is_wrong_is_caught(wrong: Miniature, record_property: Callable[[str, object], None]) -> None:
    found, seconds = caught(wrong.name)
    assert found.outcome is Outcome.VIOLATING, found.error
    assert found.violation is not None
    assert found.case is not None
    assert found.violation.clause in wrong.clauses
    row = {"clause": found.violation.clause, "cases": found.cases, "calls": len(found.case.calls)}
    record_property("table", f"{wrong.name} {row} in {seconds:.2f} s")


@pytest.mark.parametrize("role", ROLES)
def test_it_takes_little_time(role: str) -> None:
    assert statistics.median(caught(each.name)[1] for each in of_role(role, right=False)) < 2


@pytest.mark.parametrize("right", CORRECT, ids=lambda one: one.name)
def test_what_is_right_is_not_accused(right: Miniature) -> None:
    found = reviewed(right, SHORT)
    assert found.outcome is Outcome.CONFORMING, found.violation or found.error


def test_a_kernel_forgets_a_deficit_while_the_last_request_is_in_service() -> None:
    """Tenant 0 comes back at 6 ns, when all it has is in service: in the list of a kernel it is the last then."""
    suite, declared = declare("arbiter", "drr")
    calls = [(0, 1, 3)] * 3 + [(0, 0, 5), (6, 0, 1), (12, 0, 1)]
    told = tuple(Call("enqueue", {"now_ns": at, "tenant": who, "size": size}) for at, who, size in calls)
    kernel = next(each for each in CORRECT if each.name == "arbiter-KernelDrr")
    target = PythonTarget(kernel.factory, kernel.name, declared.clock)
    run_case(suite, target, declared, Case({"weights": [5, 1], "quanta": [15, 3]}, told))


@pytest.mark.parametrize("name", ["arbiter-Drr", "arbiter-PopsWhenDone", "arbiter-Overdraws"])
def test_who_lets_one_go_on_that_came_back_in_service_is_held_to_the_clause(name: str) -> None:
    """Tenant 0 comes back at 1 ns, in the middle of its service, and goes on though tenant 1 waits from the first."""
    assert _stays(name, came_back=1)
    assert not _stays(name, came_back=0)  # then its queue was never empty


@pytest.mark.parametrize("name", ["arbiter-KernelDrr", "arbiter-CircleDrr"])
def test_a_kernel_lets_nobody_go_on_that_came_back_in_service(name: str) -> None:
    assert not _stays(name, came_back=1)
    assert not _stays(name, came_back=0)


def _stays(name: str, came_back: int) -> bool:
    suite, declared = declare("arbiter", "drr")
    calls = [(0, 0, 2), (0, 1, 9), (0, 1, 9), (came_back, 0, 2)]
    told = tuple(Call("enqueue", {"now_ns": at, "tenant": who, "size": size}) for at, who, size in calls)
    one = next(each for each in CORRECT if each.name == name)
    case = Case({"weights": [1, 1], "quanta": [9, 9]}, told)
    asked = run_case(suite, PythonTarget(one.factory, name, declared.clock), declared, case)
    order = [each.answer for each in asked if each.call.operation == "dequeue" and each.answer is not None]
    return stays_in_the_list(_run(calls, order))


def _run(calls: list[tuple[int, int, int]], order: list[Any]) -> Run:
    """Return the services of `calls` in this order of tenants, at a byte a ns."""
    queues = {who: [(at, size) for at, of, size in calls if of == who] for _, who, _ in calls}
    services, now = [], 0
    for who in order:
        at, size = queues[who].pop(0)
        arrival = Fraction(at)
        services.append(Service(Request(who, at, size), Policing.PACED, arrival, Fraction(now), Fraction(now + size)))
        now += size
    return Run(tuple(services), Fraction(1), (), (), (Fraction(9), Fraction(9)), Fraction(0))


@pytest.mark.soak
@pytest.mark.parametrize("right", CORRECT, ids=lambda one: one.name)
@pytest.mark.parametrize("dice", SEEDS)
def test_what_is_right_is_not_accused_by_many_cases(right: Miniature, dice: int) -> None:
    """Ten thousand cases in all."""
    found = reviewed(right, Profile(2_000, float("inf"), dice))
    assert found.outcome is Outcome.CONFORMING, found.violation or found.error


@pytest.mark.soak
@pytest.mark.parametrize("wrong", of_role("arbiter", right=False), ids=lambda one: one.name)
@pytest.mark.parametrize("dice", SEEDS)
def test_what_is_wrong_is_caught_by_any_dice(wrong: Miniature, dice: int) -> None:
    found = reviewed(wrong, Profile(PROFILES["ci"].cases, float("inf"), dice))
    assert found.outcome is Outcome.VIOLATING


def test_what_the_solver_found_is_offered_to_every_arbiter() -> None:
    shipped = []
    for entry in (files("headgate.examples") / "schedules").iterdir():
        told = json.loads(entry.read_text(encoding="utf-8"))
        if told["mechanism"] == "arbiter" and len(told["requests"]) <= 60 and len(told["parameters"]["weights"]) > 1:
            weights = [float(Fraction(weight)) for weight in told["parameters"]["weights"]]
            shipped.append(
                (weights, [(each["arrival_ns"], each["tenant"], each["bytes"]) for each in told["requests"]])
            )
    assert shipped
    assert [each for each in shipped if each not in FOUND] == []


# ---- the model itself ----


class Modelled:
    """A policy of the reference model, run as somebody's implementation; tags in floats, or exact."""

    def __init__(self, policy: str, number: Callable[[Any], Any], **configuration: Any) -> None:
        self.policy, self.number = ARBITERS[policy], number
        weights, rate = configuration["weights"], configuration.get("rate", 1)
        total = 1 if policy != "wf2q+" else sum(weights) / number(rate)
        self.weights = tuple(number(weight) / total for weight in weights)
        count, priorities = len(weights), tuple(configuration.get("priorities", (0,) * len(weights)))
        quanta = tuple(configuration.get("quanta", weights))
        self.tenants = Tenants(count, tuple(range(count)), priorities, quanta, self.weights, number(rate))
        self.state = self.policy.start(self.tenants)
        self.queues: list[list[Stamp]] = [[] for _ in weights]
        self.stamped = 0

    def enqueue(self, now: float, tenant: int, size: int) -> None:
        state = self.policy.advance(self.state, self.number(now))
        cost = self.number(size) / self.weights[tenant]
        self.state, stamp = self.policy.stamp(state, tenant, Arrival(self.number(now), size, cost, self.stamped))
        self.stamped += 1
        self.queues[tenant].append(stamp)

    def dequeue(self, now: float) -> int | None:
        self.state = self.policy.advance(self.state, self.number(now))
        waiting = tuple(bool(queue) for queue in self.queues)
        if not any(waiting):
            self.state = self.policy.rest(self.state)
            return None
        heads = tuple(queue[0] if queue else NO_STAMP for queue in self.queues)
        _, tenant, self.state = self.policy.select(self.state, self.tenants, heads, waiting)
        self.queues[tenant].pop(0)
        return int(tenant)


def modelled(policy: str, floats: bool, profile: Profile) -> Review:
    number: Callable[[Any], Any] = float if floats else Fraction
    suite, declared = declare("arbiter", policy, tolerance="1/1000000000" if floats else None)
    factory = functools.partial(Modelled, policy, number)
    return hunt(suite, PythonTarget(factory, f"{__name__}:{policy}", declared.clock), declared, profile)


POLICIES = ("sfq", "scfq", "wfq", "wf2q+", "vtc", "drr", "round-robin", "fcfs", "priority")


@pytest.mark.parametrize("policy", POLICIES)
def test_the_model_is_not_accused(policy: str) -> None:
    found = modelled(policy, False, SHORT)
    assert found.outcome is Outcome.CONFORMING, found.violation or found.error


@pytest.mark.soak
@pytest.mark.parametrize("floats", [False, True])
@pytest.mark.parametrize("policy", POLICIES)
def test_the_model_is_not_accused_by_many_cases(policy: str, floats: bool) -> None:
    found = modelled(policy, floats, Profile(5_000, float("inf"), 7))
    assert found.outcome is Outcome.CONFORMING, found.violation or found.error
