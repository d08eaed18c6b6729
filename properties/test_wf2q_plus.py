"""What must hold of WF2Q+ (WF-1 to WF-4)."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from hypothesis import example, given

from headgate.model import bounds
from headgate.model.arbiters.wf2q_plus import WF2Q_PLUS
from headgate.model.arbiters.wfq import WFQ
from headgate.model.refresh import Refresh
from headgate.model.simulator import Server
from headgate.properties import strategies
from headgate.properties.arranged import TIES, tenants
from headgate.properties.measures import (
    Choice,
    Stamping,
    blocked,
    busy_spans,
    choices,
    goyal_lateness,
    largest_of,
    recorded_run,
)
from headgate.properties.strategies import Scenario, long_run_rate
from headgate.spec.links import checks
from headgate.spec.vocabulary import Excess, Request, Service

# Everything is served in line, so that nothing but the arbiter decides.
SCENARIOS = strategies.scenarios(excess=Excess.IN_LINE, valid=True)
ANY_LOAD = strategies.scenarios(excess=Excess.IN_LINE, valid=True, admissible=None)
STEADY = strategies.scenarios(excess=Excess.IN_LINE, valid=True, dark=False)

# Alone, a tenant is soon far ahead of its rate: V has to jump, and does not come back.
ALONE = Scenario(
    tenants(1, 1, 2),
    Server(Fraction(4)),
    (*[Request(0, 0, 8)] * 5, *[Request(1, 3, 4)] * 3, *[Request(2, 6, 8)] * 3, Request(1, 40, 2)),
)
# Eleven tenants: the first sends ten at once, the others one each; it is served every second time.
IN_TURN = Scenario(
    tenants(10, *[1] * 10, largest=1),
    Server(Fraction(20)),
    (*[Request(0, 0, 1)] * 10, *[Request(t, 0, 1) for t in range(1, 11)]),
)
# The server is late with tenant 0, whose next requests come while it waits and while it is in service.
LATE = Scenario(
    tenants(2, 2, largest=16),
    Server(Fraction(4)),
    (
        Request(1, 0, 16),
        Request(0, 1, 2),
        Request(0, 3, 2),
        Request(0, 5, 2),
        Request(1, 6, 16),
        Request(0, 6, 2),
        Request(0, 7, 2),
    ),
)
REFRESHED = Scenario(
    tenants(1, 1, 2),
    Server(Fraction(8), Refresh(Fraction(8), Fraction(4)), Fraction(7)),
    (Request(0, 0, 8), Request(0, 0, 8), Request(1, 1, 4), Request(2, 1, 8), Request(2, 1, 8)),
)


@checks("WF-1", "WF-2")
@given(ANY_LOAD)
@example(ALONE)
@example(IN_TURN)
@example(TIES)
@example(LATE)
def test_tags_virtual_time_and_choice_are_the_definition(scenario: Scenario) -> None:
    """V runs with the time and jumps at choices; tags chain while backlogged; least F of the eligible goes first."""
    log = recorded_run(scenario, WF2Q_PLUS)
    chosen = choices(log)
    virtual, clock = Fraction(0), Fraction(0)
    finish: dict[int, Fraction] = {}
    backlogged: set[int] = set()
    for event in log.events:
        if isinstance(event, Stamping):
            virtual, clock = virtual + event.arrival.at - clock, event.arrival.at
            last = finish.get(event.tenant, Fraction(0))
            begin = last if event.tenant in backlogged else max(virtual, last)
            finish[event.tenant] = begin + event.arrival.size / scenario.contracts[event.tenant].guaranteed_bytes_per_ns
            assert (event.stamp.begin, event.stamp.end) == (begin, finish[event.tenant])
            backlogged.add(event.tenant)
        elif isinstance(event, Choice):
            tenant, heads, service = next(chosen)
            virtual, clock = virtual + service.start_ns - clock, service.start_ns
            virtual = max(virtual, min(head.begin for head in heads.values()))
            keys = {
                t: (head.end, scenario.contracts[t].priority, t) for t, head in heads.items() if head.begin <= virtual
            }
            assert tenant == min(keys, key=keys.__getitem__)
            backlogged = set(heads)
        else:
            backlogged = set()


@checks("WF-2")
def test_nobody_is_served_before_the_fluid_would_begin() -> None:
    """Where WFQ serves ten requests of the first tenant in a row, WF2Q+ serves it every second time."""
    served = [s.request.tenant for s in recorded_run(IN_TURN, WF2Q_PLUS).services]
    assert served[::2] == [0] * 10
    assert [s.request.tenant for s in recorded_run(IN_TURN, WFQ).services[:9]] == [0] * 9


@checks("WF-3")
@given(SCENARIOS)
@example(ALONE)
@example(LATE)
@example(REFRESHED)
@example(blocked((0, 2, 1)))
def test_every_request_finishes_by_its_expected_arrival_and_the_bound(scenario: Scenario) -> None:
    """With guarantees of at most R in all: EAT + l / g + L / R + B, EAT by Goyal's recursion."""
    rate, refresh = long_run_rate(scenario.server), scenario.server.refresh
    blackout = refresh.blackout if refresh is not None else Fraction(0)
    services = recorded_run(scenario, WF2Q_PLUS).services
    largest = max((largest_of(services, tenant) for tenant in range(len(scenario.contracts))), default=0)
    for late in goyal_lateness(scenario, services):
        g = scenario.contracts[late.tenant].guaranteed_bytes_per_ns
        assert late.delay <= late.size / g + largest / rate + blackout
        assert bounds.deadline_delay(late.size, largest, rate, blackout, g) >= late.delay


@checks("WF-3")
def test_the_bound_comes_within_two_bytes() -> None:
    """The largest request begins just before two others arrive; the last of them misses the bound by 2 bytes."""
    last = recorded_run(blocked((0, 2, 1)), WF2Q_PLUS).services[-1]
    bound = bounds.deadline_delay(1, 64, Fraction(8), 0, Fraction(1))
    assert last.request == Request(2, 1, 1)
    assert (1 + bound - last.finish_ns) * 8 == 2


def shortfalls(services: Sequence[Service], tenant: int, rate: Fraction) -> Iterator[Fraction]:
    """Yield g t less the bytes that `tenant` gets, for all intervals in which it is backlogged that can be worst.

    What it gets grows only while it is in service: the worst intervals begin and end where a service does.
    """
    own = [s for s in services if s.request.tenant == tenant]
    for begin, end in busy_spans(services, tenant):
        inside = [s for s in own if begin <= s.release_ns and s.finish_ns <= end]
        instants = sorted({begin, end} | {t for s in inside for t in (s.start_ns, s.finish_ns)})
        owed = [rate * t - sum(s.request.bytes for s in inside if s.finish_ns <= t) for t in instants]
        for first, before in enumerate(owed):
            for after in owed[first:]:
                yield after - before


@checks("WF-4")
@given(STEADY)
@example(ALONE)
@example(LATE)
@example(IN_TURN)
def test_a_backlogged_tenant_gets_its_rate_but_for_a_little(scenario: Scenario) -> None:
    """On a constant rate C, in every interval of t ns in which it is backlogged: g t - 2 L_i - (L - L_i) g / C."""
    services = recorded_run(scenario, WF2Q_PLUS).services
    rate = scenario.server.peak_bytes_per_ns
    largest = max((service.request.bytes for service in services), default=0)
    for tenant, contract in enumerate(scenario.contracts):
        g, own = contract.guaranteed_bytes_per_ns, largest_of(services, tenant)
        bound = 2 * own + (largest - own) * g / rate
        assert bounds.worst_case_lag(own, largest, g, rate) == bound
        assert max(shortfalls(services, tenant, g), default=0) <= bound
