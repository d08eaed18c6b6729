"""What must hold of start-time fair queueing (FQ-1 to FQ-5, FQ-8)."""

from fractions import Fraction

from hypothesis import example, given

from headgate.model import bounds
from headgate.model.arbiters.sfq import SFQ
from headgate.model.refresh import Refresh
from headgate.model.simulator import Server
from headgate.properties import strategies
from headgate.properties.arranged import FLOOD, TIES, tenants
from headgate.properties.measures import (
    Choice,
    Log,
    Stamping,
    choices,
    goyal_lateness,
    pair_gaps,
    recorded_run,
    tags_at_the_head,
)
from headgate.properties.strategies import Scenario, long_run_rate
from headgate.spec.links import checks
from headgate.spec.vocabulary import Excess, Request

# Everything is served in line, so that nothing but the arbiter decides.
SCENARIOS = strategies.scenarios(excess=Excess.IN_LINE, valid=True)
ANY_LOAD = strategies.scenarios(excess=Excess.IN_LINE, valid=True, admissible=None)

# Tenant 1 comes late to a backlog of tenant 0: its start tag is the virtual time, and no credit of the past.
LATE = Scenario(tenants(1, 1), Server(Fraction(2)), (*[Request(0, 0, 4)] * 8, *[Request(1, 9, 4)] * 4))
# After a busy period the virtual time is the largest finish tag given: nobody is ahead by what was before.
AFTER_REST = Scenario(
    tenants(1, 4),
    Server(Fraction(5)),
    (Request(0, 0, 8), Request(1, 0, 8), *[Request(1, 50, 8)] * 5, *[Request(0, 50, 8)] * 2),
)
# Two tenants in turn, one at the least weight: the gap comes to both bounds, one after the other.
LOPSIDED = Scenario(
    tenants(1, 3, largest=6),
    Server(Fraction(4), Refresh(Fraction(10), Fraction(4))),
    (*[Request(0, 0, 6)] * 4, *[Request(1, 0, 6)] * 12),
)

# Tenant 0 is backlogged without a break: its next request arrives at the instant at which the one before is done.
UNBROKEN = Scenario(
    tenants(1, 1), Server(Fraction(2)), (Request(1, 0, 4), Request(1, 0, 4), Request(0, 1, 4), Request(0, 4, 4))
)


def start_tag_due(log: Log) -> list[tuple[Stamping, Fraction]]:
    """Return every stamping with the start tag that was due: max(V, the tenant's previous finish tag).

    V is told from the execution: the start tag of the request that went into service last, or, where that one had
    finished before and nobody waited, the largest finish tag given.
    """
    due: list[tuple[Stamping, Fraction]] = []
    virtual, largest, waiting, finish = Fraction(0), Fraction(0), 0, Fraction(0)
    finished: dict[int, Fraction] = {}
    served = ((head[tenant].begin, service) for tenant, head, service in choices(log))
    for event in log.events:
        if isinstance(event, Choice):
            virtual, service = next(served)
            waiting, finish = waiting - 1, service.finish_ns
        elif isinstance(event, Stamping):
            if waiting == 0 and event.arrival.at > finish:
                virtual = max(virtual, largest)
            due.append((event, max(virtual, finished.get(event.tenant, Fraction(0)))))
            finished[event.tenant] = event.stamp.end
            waiting, largest = waiting + 1, max(largest, event.stamp.end)
    return due


@checks("FQ-1", "FQ-2")
@given(SCENARIOS)
@example(FLOOD)
@example(LATE)
@example(AFTER_REST)
def test_start_tag_is_the_virtual_time_or_the_previous_finish_tag(scenario: Scenario) -> None:
    """S = max(V, F of the tenant's request before), F = S + size / weight, for every request as it arrives."""
    log = recorded_run(scenario, SFQ)
    for stamping, due in start_tag_due(log):
        weight = scenario.contracts[stamping.tenant].guaranteed_bytes_per_ns
        assert stamping.stamp.begin == due
        assert stamping.stamp.end == due + stamping.stamp.size / weight


@checks("FQ-2")
@given(SCENARIOS)
@example(LATE)
@example(AFTER_REST)
def test_virtual_time_never_goes_back_and_never_passes_a_waiting_request(scenario: Scenario) -> None:
    """Start tags go into service in order, and V never exceeds the start tag of anything that waits."""
    virtual = Fraction(0)
    for tenant, heads, _ in choices(recorded_run(scenario, SFQ)):
        assert heads[tenant].begin >= virtual
        virtual = heads[tenant].begin
        assert all(virtual <= head.begin for head in heads.values())


@checks("FQ-3", "AR-7")
@given(SCENARIOS)
@example(TIES)
@example(FLOOD)
def test_smallest_start_tag_goes_first_then_priority_then_number(scenario: Scenario) -> None:
    """Of the oldest requests of all tenants that wait, the chosen one has the least start tag, priority and number."""
    for tenant, heads, service in choices(recorded_run(scenario, SFQ)):
        keys = [(head.begin, scenario.contracts[t].priority, t) for t, head in heads.items()]
        assert (heads[tenant].begin, scenario.contracts[tenant].priority, tenant) == min(keys)
        assert (service.request.tenant, service.request.bytes) == (tenant, heads[tenant].size)


@checks("FQ-4")
@given(ANY_LOAD)
@example(FLOOD)
@example(LATE)
@example(AFTER_REST)
@example(LOPSIDED)
@example(UNBROKEN)
def test_no_two_backlogged_tenants_drift_apart(scenario: Scenario) -> None:
    """On any server, in every interval in which both are backlogged, the gap is at most L_i / w_i + L_j / w_j."""
    for gap in pair_gaps(scenario, recorded_run(scenario, SFQ).services):
        assert gap.widest <= gap.bound
        assert gap.measured == gap.widest


@checks("FQ-4")
def test_the_gap_bound_is_attained() -> None:
    """Tenant 1 is alone when it is served first; then tenant 0 is served twice in a row: the bound and not less."""
    requests = (Request(1, 0, 8), Request(1, 0, 8), Request(0, 1, 8), Request(0, 1, 8))
    scenario = Scenario(tenants(1, 1), Server(Fraction(2)), requests)
    (gap,) = pair_gaps(scenario, recorded_run(scenario, SFQ).services)
    assert gap.widest == gap.measured == gap.bound == bounds.pairwise_gap(8, 8) == 16


@checks("FQ-5")
@given(SCENARIOS)
@example(FLOOD)
@example(LATE)
@example(AFTER_REST)
@example(TIES)
def test_every_request_finishes_by_its_expected_arrival_and_the_bound(scenario: Scenario) -> None:
    """With guarantees of at most R in all: EAT + (l + sum of the others' L) / R + B, EAT by Goyal's recursion."""
    rate = long_run_rate(scenario.server)
    refresh = scenario.server.refresh
    blackout = refresh.blackout if refresh is not None else Fraction(0)
    for late in goyal_lateness(scenario, recorded_run(scenario, SFQ).services):
        assert late.delay <= (late.size + late.others) / rate + blackout
        assert bounds.sfq_delay(late.size, late.others, rate, blackout) == (late.size + late.others) / rate + blackout


@checks("FQ-8")
@given(SCENARIOS)
@example(FLOOD)
@example(LATE)
@example(AFTER_REST)
def test_stamping_at_the_head_gives_the_same_tags(scenario: Scenario) -> None:
    """However deep the queues, every request gets the tags that it would get on reaching the head of its queue."""
    log = recorded_run(scenario, SFQ)
    assert tags_at_the_head(log, SFQ) == [event.stamp for event in log.events if isinstance(event, Stamping)]
