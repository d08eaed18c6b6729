"""What must hold of the schedules that break a contract file: they accuse nobody who keeps it (AD-1, PR-3)."""

from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model import delays
from headgate.model.adversaries import Stage
from headgate.model.breach import breach
from headgate.model.capacity import Supply
from headgate.model.delays import Crowd
from headgate.model.refresh import Refresh
from headgate.model.replay import replay
from headgate.model.simulator import Server
from headgate.properties import strategies
from headgate.properties.strategies import Scenario, long_run_rate
from headgate.spec.links import checks
from headgate.spec.vocabulary import Contract, Excess, Request, Schedule

HELD = ("sfq", "scfq", "early", "wfq", "wf2q+", "drr")
# So many requests are enough for a bound of a few tenants to be broken, if it can be.
SHORT = 100


def blackout_of(server: Server) -> Fraction:
    """Return the longest blackout."""
    return Fraction(0) if server.refresh is None else Fraction(server.refresh.blackout)


def backlog(guarantees: list[Fraction], server: Server, until: int, latency: Fraction) -> Schedule:
    """Return what private channels of the guarantees send until then, whole bytes of it, for the claim "behind"."""
    parameters: dict[str, object] = {"guarantees": guarantees, "peak": server.peak_bytes_per_ns, "latency": latency}
    if server.refresh is not None:
        parameters |= {"interval": server.refresh.interval, "blackout": server.refresh.blackout}
    requests = tuple(Request(number, 0, max(1, int(g * until))) for number, g in enumerate(guarantees))
    return Schedule("AD-1", "falls behind", "admission", "work-conserving", "behind", parameters, requests)


@checks("AD-1")
@given(st.lists(strategies.rates(), min_size=1, max_size=5), strategies.servers(), st.integers(1, 5000))
@example([Fraction(9)], Server(Fraction(10), Refresh(Fraction(10), Fraction(1))), 1)  # fits exactly, in the blackout
@example([Fraction(9), Fraction(1, 2)], Server(Fraction(10), Refresh(Fraction(10), Fraction(1))), 5000)
def test_a_set_falls_behind_iff_it_does_not_fit(guarantees: list[Fraction], server: Server, until: int) -> None:
    """What fits is never later than a blackout; what does not is later than any latency in the end."""
    rate, total, latency = long_run_rate(server), sum(guarantees, Fraction(0)), blackout_of(server)
    if total <= rate:
        assert not replay(backlog(guarantees, server, max(until, int(1 / min(guarantees)) + 1), latency)).violated
    else:
        late = latency + until
        enough = int((late * rate + len(guarantees)) / (total - rate)) + 1
        assert replay(backlog(guarantees, server, enough, late)).violated


def tenant(name: str, excess: Excess, priority: int = 0, burst: int = 8) -> Contract:
    """Return a tenant of 1 B/ns with requests of 10 B."""
    return Contract(name, Fraction(1), Fraction(burst), Fraction(20), 10, priority, excess=excess)


# One whose excess is in service when everybody else comes, and comes itself in contract.
BACKGROUND = Scenario((tenant("a", Excess.IN_LINE), tenant("b", Excess.BACKGROUND)), Server(Fraction(2)), ())
SHAPED = Scenario((tenant("a", Excess.IN_LINE), tenant("b", Excess.SHAPED)), Server(Fraction(2)), ())
DARK = Scenario(BACKGROUND.contracts, Server(Fraction(4), Refresh(Fraction(10), Fraction(5))), ())


@checks("PR-3", "PR-7")
@given(strategies.scenarios(best_effort=True, max_tenants=4, max_stretches=1), st.sampled_from(HELD))
@example(BACKGROUND, "sfq")
@example(BACKGROUND, "early")
@example(SHAPED, "scfq")
@example(DARK, "sfq")
@example(DARK, "wfq")
def test_no_schedule_breaks_a_bound_that_holds(scenario: Scenario, policy: str) -> None:
    """Whatever is tried against an admissible set under its own contracts stays within the bound of the policy."""
    supply = Supply(long_run_rate(scenario.server), blackout_of(scenario.server))
    crowd = Crowd.of(scenario.contracts, supply)
    victim = next(contract for contract in scenario.contracts if not contract.best_effort)
    bound = delays.bounds_of(policy, crowd, victim, own=True).expected
    found = breach(policy, Stage.of(scenario.contracts, victim, scenario.server, policed=True), bound, SHORT)
    assert found is None or found.late_ns <= bound


@checks("PR-3", "AR-4")
@given(st.integers(1, 400), st.sampled_from(("fcfs", "priority", "essay")), st.booleans())
@example(400, "priority", True)
def test_what_starves_is_found(latency: int, policy: str, dark: bool) -> None:
    """A tenant beside one whose excess is in line is made later than any latency by a policy that starves it."""
    contracts = (tenant("a", Excess.IN_LINE, priority=1), tenant("b", Excess.IN_LINE))
    server = DARK.server if dark else SHAPED.server
    found = breach(policy, Stage.of(contracts, contracts[0], server, policed=True), Fraction(latency))
    assert found is not None
    assert found.late_ns > latency
    assert replay(found.schedule).violated
    assert replay(found.schedule).observed == found.late_ns
    bound = delays.bounds_of("sfq", Crowd.of(contracts, Supply(long_run_rate(server), blackout_of(server))),
                             contracts[0], own=False).expected  # fmt: skip
    assert replay(found.schedule, "sfq").observed <= bound
