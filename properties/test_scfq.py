"""What must hold of self-clocked fair queueing (FQ-6 to FQ-8)."""

from fractions import Fraction

from hypothesis import example, given

from headgate.model import bounds
from headgate.model.arbiters.scfq import SCFQ
from headgate.model.refresh import Refresh
from headgate.model.simulator import Server
from headgate.properties import strategies
from headgate.properties.arranged import FLOOD, TIES, tenants
from headgate.properties.measures import (
    Choice,
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

# Tenant 1 comes late to a backlog of tenant 0: it starts from the finish tag in service, without credit.
LATE = Scenario(tenants(1, 1), Server(Fraction(2)), (*[Request(0, 0, 4)] * 8, *[Request(1, 9, 4)] * 4))
# A small share pays for the self-clock: its first request waits for nearly a whole cost of its own.
SMALL_SHARE = Scenario(
    tenants(1, 7),
    Server(Fraction(16), Refresh(Fraction(10), Fraction(5))),
    (*[Request(1, 0, 8)] * 10, Request(0, 1, 8)),
)


@checks("FQ-6")
@given(SCENARIOS)
@example(FLOOD)
@example(LATE)
def test_tags_begin_at_the_finish_tag_in_service_or_the_previous_one(scenario: Scenario) -> None:
    """S = max(V, F of the tenant's request before), F = S + size / weight, V the finish tag that was served last."""
    log = recorded_run(scenario, SCFQ)
    served = (heads[tenant].end for tenant, heads, _ in choices(log))
    virtual = Fraction(0)
    finished: dict[int, Fraction] = {}
    for event in log.events:
        if isinstance(event, Choice):
            virtual = next(served)
        elif isinstance(event, Stamping):
            weight = scenario.contracts[event.tenant].guaranteed_bytes_per_ns
            assert event.stamp.begin == max(virtual, finished.get(event.tenant, Fraction(0)))
            assert event.stamp.end == event.stamp.begin + event.stamp.size / weight
            finished[event.tenant] = event.stamp.end


@checks("FQ-6")
@given(SCENARIOS)
@example(TIES)
@example(FLOOD)
@example(LATE)
def test_smallest_finish_tag_goes_first_and_tags_never_go_back(scenario: Scenario) -> None:
    """Of the oldest requests of all tenants, the least finish tag, priority and number; V only grows."""
    virtual = Fraction(0)
    for tenant, heads, service in choices(recorded_run(scenario, SCFQ)):
        keys = [(head.end, scenario.contracts[t].priority, t) for t, head in heads.items()]
        assert (heads[tenant].end, scenario.contracts[tenant].priority, tenant) == min(keys)
        assert (service.request.tenant, service.request.bytes) == (tenant, heads[tenant].size)
        assert heads[tenant].end >= virtual
        virtual = heads[tenant].end


@checks("FQ-7")
@given(ANY_LOAD)
@example(FLOOD)
@example(LATE)
@example(SMALL_SHARE)
def test_no_two_backlogged_tenants_drift_apart(scenario: Scenario) -> None:
    """On any server, in every interval in which both are backlogged, the gap is at most L_i / w_i + L_j / w_j."""
    for gap in pair_gaps(scenario, recorded_run(scenario, SCFQ).services):
        assert gap.widest <= gap.bound
        assert gap.measured == gap.widest


@checks("FQ-7")
def test_the_gap_comes_within_a_byte_of_its_bound() -> None:
    """Tenant 0 is just ahead, and then tenant 1 is served twice in a row before it: all of the bound but a byte."""
    requests = (Request(0, 0, 8), Request(1, 0, 8), Request(0, 0, 8), Request(1, 0, 7))
    scenario = Scenario(tenants(1, 1), Server(Fraction(2)), requests)
    (gap,) = pair_gaps(scenario, recorded_run(scenario, SCFQ).services)
    assert gap.widest == gap.measured == gap.bound - 1 == 15
    assert bounds.pairwise_gap(8, 8) == gap.bound


@checks("FQ-6")
@given(SCENARIOS)
@example(FLOOD)
@example(LATE)
@example(SMALL_SHARE)
def test_every_request_finishes_by_its_expected_arrival_and_the_bound(scenario: Scenario) -> None:
    """With guarantees of at most R in all: EAT + l / g + (sum of the others' L) / R + B, EAT by Goyal's recursion."""
    rate = long_run_rate(scenario.server)
    refresh = scenario.server.refresh
    blackout = refresh.blackout if refresh is not None else Fraction(0)
    for late in goyal_lateness(scenario, recorded_run(scenario, SCFQ).services):
        g = scenario.contracts[late.tenant].guaranteed_bytes_per_ns
        bound = late.size / g + late.others / rate + blackout
        assert late.delay <= bound
        assert bounds.scfq_delay(late.size, late.others, rate, blackout, g) == bound


@checks("FQ-8")
@given(SCENARIOS)
@example(FLOOD)
@example(LATE)
def test_stamping_at_the_head_gives_the_same_tags(scenario: Scenario) -> None:
    """However deep the queues, every request gets the tags that it would get on reaching the head of its queue."""
    log = recorded_run(scenario, SCFQ)
    assert tags_at_the_head(log, SCFQ) == [event.stamp for event in log.events if isinstance(event, Stamping)]
