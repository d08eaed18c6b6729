"""What find says of small questions is what one finds by trying every schedule, on the oracles.

The questions are drawn at random with a fixed seed: policy, tenants, weights, priorities, domain, server and victim.
A hundred of them, of every kind, are asked in each run: here, in test_find_brute_steps and in test_find_memory.
"""

import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, combinations_with_replacement, product

import attrs
import pytest

from headgate.model.arbiters import ARBITERS
from headgate.model.simulator import effective_rate_of
from headgate.proofs.find.asking import ask
from headgate.proofs.find.question import Asked, Finding, Question, Span
from headgate.proofs.find.staging import server_of
from headgate.properties.oracles.bucket import admitted, essay_admitted, paused_admitted
from headgate.properties.oracles.fairness import Service, largest_gap
from headgate.properties.oracles.simulator import run
from headgate.properties.oracles.waiting import largest_shortfall, longest_wait
from headgate.spec.vocabulary import Contract, Device, Excess, RefreshRule, Request

POLICIES = sorted(name for name, policy in ARBITERS.items() if not policy.exact_only)
WEIGHTS = (Fraction(1), Fraction(2), Fraction(3), Fraction(1, 2))
# In each run, and in the long search.
FEW_SCHEDULES, MOST_SCHEDULES = 120, 700
KINDS = (Asked.WAIT, Asked.GAP, Asked.DEFICIT, Asked.DIFFERENCE)


def drawn(seed: int, most: int) -> Question:
    """Return a question of at most so many schedules, few enough to be tried one by one."""
    pick = random.Random(seed)
    while True:
        tenants = pick.choice((2, 2, 3))
        asked = KINDS[seed % len(KINDS)]
        low = pick.randint(1, 3)
        first = pick.randint(0, 2)
        question = Question(
            asked,
            pick.choice(POLICIES),
            tenants,
            weights=tuple(pick.choice(WEIGHTS) for _ in range(tenants)),
            priorities=tuple(pick.randint(0, 2) for _ in range(tenants)),
            requests=pick.randint(2, 4),
            sizes=Span(low, low + pick.randint(0, 2)),
            arrivals=Span(first, first + pick.randint(0, 4)),
            within_ns=pick.choice((None, None, pick.randint(1, 9))),
            victim=pick.choice((None, pick.randrange(tenants))) if asked is not Asked.DIFFERENCE else None,
            against=pick.choice(POLICIES) if asked is Asked.DIFFERENCE else None,
            maximise=True,
            device=pick.choice((None, None, toy(pick))),
        )
        if sum(1 for _ in schedules(question, most + 1)) <= most:
            return question


def toy(pick: random.Random) -> Device:
    """Return a server with a blackout of 1 or 2 ns in every 4 to 7."""
    return Device(
        "toy", Fraction(pick.choice((1, 2))), Fraction(pick.randint(1, 2)), Fraction(0), Fraction(pick.randint(4, 7)),
        RefreshRule.JEDEC, Fraction(70),
    )  # fmt: skip


def schedules(question: Question, most: int) -> Iterator[tuple[Request, ...]]:
    """Yield every schedule of the question's domain, at most so many."""
    rows = range(2) if any(name and name.startswith("fr-") for name in (question.policy, question.against)) else (0,)
    span, sizes = question.arrivals, question.sizes
    assert span is not None
    made = 0
    for count in range(1, question.most_requests + 1):
        for times in combinations_with_replacement(range(span.least, span.most + 1), count):
            each = product(range(question.tenants), range(sizes.least, sizes.most + 1), rows)
            for parts in product(list(each), repeat=count):
                yield tuple(Request(t, at, size, row) for at, (t, size, row) in zip(times, parts, strict=True))
                made += 1
                if made == most:
                    return


def served(question: Question, policy: object, requests: tuple[Request, ...]) -> list[Service]:
    """Return what the oracle of a policy makes of a schedule."""
    contracts = [
        Contract(str(t), weight, weight, Fraction(0), question.largest, priority, excess=Excess.IN_LINE)
        for t, (weight, priority) in enumerate(zip(question.all_weights, question.all_priorities, strict=True))
    ]
    server = server_of(question)
    refresh = server.refresh
    dark = None if refresh is None else (Fraction(refresh.interval), Fraction(refresh.blackout), Fraction(0))
    done = run(requests, contracts, str(policy), Fraction(server.peak_bytes_per_ns), dark)
    return [(requests[n].tenant, Fraction(requests[n].arrival_ns), a, b, requests[n].bytes) for n, a, b in done]


def value(question: Question, requests: tuple[Request, ...]) -> Fraction | None:
    """Return the value that a schedule shows, by the oracles; None where it shows none."""
    services = served(question, question.policy, requests)
    within = None if question.within_ns is None else Fraction(question.within_ns)
    weights = question.all_weights
    if question.asked is Asked.WAIT:
        return longest_wait(services, question.victim, within)
    if question.asked is Asked.GAP:
        pairs = [p for p in combinations(range(question.tenants), 2) if question.victim in (None, *p)]
        gaps = [largest_gap(services, weights, i, j, within) for i, j in pairs]
        return max(gaps) or None
    if question.asked is Asked.DEFICIT:
        rate = effective_rate_of(server_of(question))
        victims = range(question.tenants) if question.victim is None else (question.victim,)
        lacks = [largest_shortfall(services, t, weights[t] / sum(weights) * rate, within) for t in victims]
        return max((lack for lack in lacks if lack is not None), default=None)
    others = served(question, question.against, requests)
    apart = [a[0] != b[0] for a, b in zip(services, others, strict=True)]
    first = next((n for n, differs in enumerate(apart) if differs), None)
    if first is None or (within is not None and services[first][2] > within):
        return None
    return Fraction(sum(apart))


def check(question: Question) -> None:
    """Find, and try every schedule: both say the same."""
    values = [value(question, requests) for requests in schedules(question, MOST_SCHEDULES + 1)]
    largest = max((v for v in values if v is not None), default=None)
    answer = ask(question)
    if largest is None:
        assert answer.finding is Finding.IMPOSSIBLE
        return
    assert (answer.finding, answer.value, answer.proved_maximal) == (Finding.FOUND, largest, True)
    assert answer.schedule is not None
    if question.asked is not Asked.DIFFERENCE:
        more = attrs.evolve(question, maximise=False, at_least=largest + Fraction(1, 1000))
        assert ask(more).finding is Finding.IMPOSSIBLE
        least = attrs.evolve(question, maximise=False, at_least=largest, minimal=True)
        assert ask(least).finding is Finding.FOUND


@pytest.mark.parametrize("seed", range(40))
def test_the_maximum_is_that_of_all_schedules(seed: int) -> None:
    check(drawn(seed, FEW_SCHEDULES))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 1200))
def test_the_maximum_is_that_of_all_schedules_of_many_questions(seed: int) -> None:
    check(drawn(seed, MOST_SCHEDULES))


@pytest.mark.parametrize("seed", range(9))
def test_the_largest_overrun_is_that_of_all_offers(seed: int) -> None:
    """Bucket, sizes and times are small enough to try them all."""
    rule, pick = ("token", "essay", "paused")[seed % 3], random.Random(seed)
    rate, depth = pick.choice((Fraction(1), Fraction(2), Fraction(1, 2))), Fraction(pick.randint(2, 4))
    numbers = {"rate": rate, "depth": depth}
    if rule == "essay":
        numbers |= {"sum_of_rates": 2 * rate, "capacity": Fraction(3)}
    question = Question(
        Asked.OVERRUN, rule, requests=3, sizes=Span(1, 3), arrivals=Span(0, 3), maximise=True, parameters=numbers
    )
    largest = Fraction(-100)
    for times in combinations_with_replacement(range(4), 3):
        for sizes in product(range(1, 4), repeat=3):
            offers = list(zip(times, sizes, strict=True))
            passed = {
                "token": lambda o: admitted(o, rate, depth),
                "paused": lambda o: paused_admitted(o, rate, depth),
                "essay": lambda o: essay_admitted(o, rate, depth / rate, 2 * rate, 3),
            }[rule](offers)
            for first, last in combinations_with_replacement(range(3), 2):
                if passed[first] and passed[last]:
                    sent = sum(offers[k][1] for k in range(first, last + 1) if passed[k])
                    largest = max(largest, sent - depth - rate * (times[last] - times[first]))
    answer = ask(question)
    assert (answer.value, answer.proved_maximal) == (largest, True)


def test_an_oversubscription_of_given_guarantees_is_that_of_their_sum() -> None:
    """Any exact numbers, whole or not, of more than the peak or less than 1."""
    pick, met = random.Random(1), set()
    for _ in range(24):
        device = attrs.evolve(toy(pick), peak_bytes_per_ns=Fraction(6))
        left = 6 * (1 - device.blackout_ns / device.base_interval_ns)
        given = tuple(Fraction(pick.randint(1, 9), pick.choice((1, 2, 3, 4))) for _ in range(pick.randint(1, 3)))
        question = Question(Asked.OVERSUBSCRIPTION, "no-tax", len(given), weights=given, device=device)
        expected = left < sum(given) <= 6
        for asked in (question, attrs.evolve(question, minimal=True)):
            assert (ask(asked).finding is Finding.FOUND) == expected
        most = ask(attrs.evolve(question, maximise=True))
        assert most.value == (sum(given) - left if sum(given) <= 6 else None)
        met.add((expected, sum(given) > 6, sum(given).denominator > 1))
    assert {(True, False, True), (True, False, False), (False, False, True), (False, True, True)} <= met


@pytest.mark.parametrize("seed", range(6))
def test_the_largest_oversubscription_is_that_of_all_guarantees(seed: int) -> None:
    """Whole guarantees of at most the peak; what is there is the peak less the share of the blackouts."""
    pick, rule = random.Random(seed), ("essay", "no-tax")[seed % 2]
    device = attrs.evolve(toy(pick), peak_bytes_per_ns=Fraction(pick.randint(3, 8)))
    peak, left = device.peak_bytes_per_ns, 1 - device.blackout_ns / device.base_interval_ns
    tenants = pick.randint(1, 3)
    admitted = [
        sum(given)
        for given in product(range(1, int(peak) + 1), repeat=tenants)
        if sum(given) <= (peak if rule == "no-tax" else Fraction(85, 100) * peak)
    ]
    answer = ask(Question(Asked.OVERSUBSCRIPTION, rule, tenants, maximise=True, device=device))
    if not admitted:
        assert answer.finding is Finding.IMPOSSIBLE
        return
    assert (answer.value, answer.proved_maximal) == (max(admitted) - peak * left, True)
