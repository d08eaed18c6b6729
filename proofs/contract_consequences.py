"""What else the theorems give the tenants of a contract file, in numbers: shares, gaps, bursts, what refresh leaves.

Nobody was promised these, so none of them decides about the file, but for two rules that are known to be wrong: the
essay's tag and the essay's refresh interval, which come with a schedule of the file's own tenants, or of its device.
"""

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction

import attrs

from headgate.model.admission import admits
from headgate.model.bounds import burst_wait, gps_lateness, pairwise_gap, sfq_delay, vtc_gap
from headgate.model.capacity import Supply
from headgate.model.delays import Crowd, bounds_of, shares
from headgate.model.replay import replay
from headgate.proofs.contract_row import ContractCheck, Premise, Sought
from headgate.proofs.figures import decimal, down, up, us
from headgate.proofs.theorem import Kind
from headgate.spec.units import BytesPerNs
from headgate.spec.vocabulary import Contract, ContractSet, Excess, RefreshRule, Request, Schedule

__all__ = ["Setting", "consequences"]

GAPS = {"sfq": ("sfq-pairwise-gap", "FQ-4"), "scfq": ("scfq-pairwise-gap", "FQ-7")}
# Up to how many tenants the theorem runs the code's own step.
MOST_VTC, MOST_ROUND_ROBIN = 6, 16
# Either side of the temperature at which the essay's interval jumps.
COOL_C, WARM_C = Fraction(74), Fraction(75)
MOST_ESSAY_REQUESTS = 2000


@attrs.frozen
class Setting:
    """A contract file with what its device keeps: R, the largest background request in bytes (0: none), the scope."""

    contracts: ContractSet
    rate: BytesPerNs
    background: int
    scope: str

    @property
    def guarantees(self) -> list[Fraction]:
        """The guarantees of all tenants that have one."""
        return [contract.guaranteed_bytes_per_ns for contract in self.contracts.guaranteed]

    @property
    def total(self) -> BytesPerNs:
        """The sum of the guarantees."""
        return sum(self.guarantees, Fraction(0))

    @property
    def behind_ns(self) -> Fraction:
        """The longest blackout, and one background request."""
        return Fraction(self.contracts.device.blackout_ns + Fraction(self.background) / self.rate)

    def others(self, contract: Contract) -> int:
        """Return the sum of the largest requests of all other tenants with a guarantee."""
        return sum(c.max_request_bytes for c in self.contracts.guaranteed if c is not contract)


def consequences(setting: Setting, fits: bool) -> Iterator[ContractCheck]:
    """Yield a row for each theorem that applies to the device, the policy or a tenant; `fits`: it is admissible."""
    yield _refresh(setting)
    policy = setting.contracts.policy
    if len(setting.contracts.guaranteed) > 1:
        yield from _between(setting, fits)
    if fits and policy in ("sfq", "drr"):
        yield from (_share(setting, contract) for contract in setting.contracts.guaranteed)
    yield from (_burst(setting, c) for c in setting.contracts.guaranteed if _has_burst(c))


def _row(
    setting: Setting,
    name: str,
    theorem: str,
    clauses: tuple[str, ...],
    statement: str,
    finding: str,
    premises: tuple[Premise, ...] = (),
) -> ContractCheck:
    met = all(premise.met for premise in premises)
    kind = Kind.PROVED if met else Kind.UNKNOWN
    scope = f"policy {setting.contracts.policy}, {setting.scope}"
    return ContractCheck(
        f"contracts.{name}", clauses, statement, scope, kind, finding,
        theorem=theorem, premises=premises, follows=finding if met else "", owed=False,
    )  # fmt: skip


# ---- the device ----


def _refresh(setting: Setting) -> ContractCheck:
    device = setting.contracts.device
    grows = device.refresh_rule is RefreshRule.ESSAY and device.max_temperature_c >= WARM_C
    shrinks = Premise("the refresh interval never grows with the temperature", not grows)
    if grows:
        words = f"by the essay's rule the interval jumps up at {decimal(WARM_C)} C"
        row = _row(setting, "refresh", "refresh-monotone", ("RF-4", "RF-6"),
                   "A hotter memory never finishes a backlog sooner.", words, (shrinks,))  # fmt: skip
        return attrs.evolve(row, seek=lambda: _hotter(setting))
    words = f"at least {decimal(down(setting.rate))} GB/s (t - {us(device.blackout_ns)} us) in any t"
    return _row(setting, "refresh", "refresh-rate-latency", ("RF-3", "RF-7"),
                "Every window of t ns serves at least R (t - B) bytes.", words, (shrinks,))  # fmt: skip


def _hotter(setting: Setting) -> Sought:
    device = setting.contracts.device
    parameters: dict[str, object] = {
        "base_interval": device.base_interval_ns, "blackout": device.blackout_ns, "peak": device.peak_bytes_per_ns,
        "cold_c": COOL_C, "hot_c": WARM_C,
    }  # fmt: skip
    backlog = math.ceil(device.peak_bytes_per_ns * (device.base_interval_ns - device.blackout_ns)) + 1
    schedule = Schedule("RF-6", "A hotter memory never finishes a backlog sooner.", "refresh", "essay",
                        "hotter-sooner", parameters, (Request(0, 0, backlog),))  # fmt: skip
    return Sought(schedule) if device.blackout_ns and replay(schedule).violated else Sought(None)


# ---- between tenants ----


def _between(setting: Setting, fits: bool) -> Iterator[ContractCheck]:
    """What the policy keeps of any two tenants, or of all."""
    contracts, policy = setting.contracts.guaranteed, setting.contracts.policy
    count = len(contracts)
    largest = max(c.max_request_bytes for c in contracts)
    if policy in GAPS or policy == "essay":
        yield _gap(setting)
    if policy == "vtc":
        few = Premise(f"at most {MOST_VTC} clients, there are {count}", count <= MOST_VTC)
        gap = Fraction(vtc_gap(max(map(_cost, contracts))))
        yield _row(setting, "gap", "vtc-gap", ("VT-3",), "Two clients that wait drift apart by at most 2 U.",
                   f"at most {us(gap)} us of a guarantee", (few,))  # fmt: skip
    if policy == "round-robin":
        few = Premise(f"at most {MOST_ROUND_ROBIN} tenants, there are {count}", count <= MOST_ROUND_ROBIN)
        yield _row(setting, "turns", "round-robin-bypass", ("AR-5",),
                   "A tenant that waits is served after at most N - 1 others.", f"at most {count - 1} others go first",
                   (few,))  # fmt: skip
    if policy == "wfq" and fits:
        late = Fraction(gps_lateness(largest, setting.rate, setting.behind_ns))
        yield _row(setting, "lateness", "wfq-lateness", ("WQ-5",),
                   "Every request finishes by the fluid's finish plus L / R + B.",
                   f"at most {us(late)} us after a fluid of {decimal(down(setting.rate))} GB/s")  # fmt: skip


def _cost(contract: Contract) -> Fraction:
    """Return L / g in ns."""
    return contract.max_request_bytes / contract.guaranteed_bytes_per_ns


def _gap(setting: Setting) -> ContractCheck:
    contracts, policy = setting.contracts.guaranteed, setting.contracts.policy
    worst = sorted(contracts, key=_cost)[-2:]
    gap = Fraction(pairwise_gap(*map(_cost, worst)))
    statement = "Two backlogged tenants drift apart by at most L_i / g_i + L_j / g_j of normalised service."
    words = f"at most {us(gap)} us between {worst[0].name} and {worst[1].name}, less between others"
    if policy in GAPS:
        theorem, clause = GAPS[policy]
        return _row(setting, "gap", theorem, (clause,), statement, words)
    tag = Premise("the tag takes the tenant's last finish into account", False)
    row = _row(
        setting, "gap", "essay-tag", ("FQ-9",), statement, "the essay's tag lets two tenants drift apart", (tag,)
    )
    return attrs.evolve(row, seek=lambda: _drift(setting))


def _drift(setting: Setting) -> Sought:
    """Return a flood of one tenant, all of it tagged alike, that goes before a larger cost of another tenant."""
    flooding = [c for c in setting.contracts.guaranteed if c.excess is Excess.IN_LINE]
    for ahead, behind in itertools.product(flooding, setting.contracts.guaranteed):
        size = min(ahead.max_request_bytes, math.ceil(_cost(behind) * ahead.guaranteed_bytes_per_ns) - 1)
        if ahead is behind or size < 1:
            continue
        cost = size / ahead.guaranteed_bytes_per_ns
        count = math.floor((cost + _cost(behind)) / cost) + 1
        if count <= MOST_ESSAY_REQUESTS:
            return Sought(_flood(setting, ahead, behind, size, count), f"{ahead.name} gets ahead of {behind.name}")
    return Sought(None)


def _flood(setting: Setting, ahead: Contract, behind: Contract, size: int, count: int) -> Schedule:
    weights = [ahead.guaranteed_bytes_per_ns, behind.guaranteed_bytes_per_ns]
    requests = (*[Request(0, 0, size)] * count, Request(1, 0, behind.max_request_bytes))
    statement = f"{ahead.name} and {behind.name}, backlogged, drift apart by at most L_i / w_i + L_j / w_j."
    parameters: dict[str, object] = {"weights": weights, "peak": setting.contracts.device.peak_bytes_per_ns}
    return Schedule("FQ-9", statement, "arbiter", "essay", "gap", parameters, requests)


# ---- a tenant ----


def _share(setting: Setting, contract: Contract) -> ContractCheck:
    """What a backlogged tenant gets of any window, whatever the others send."""
    others, guaranteed = setting.others(contract), contract.guaranteed_bytes_per_ns
    fits = Premise(f"the guarantees, {decimal(up(setting.total))} GB/s, sum to at most what is left",
                   bool(admits(setting.guarantees, setting.rate)))  # fmt: skip
    if setting.contracts.policy == "sfq":
        latency = Fraction(sfq_delay(0, others, setting.rate, setting.behind_ns))
        words = f"at least {decimal(down(guaranteed))} GB/s (t - {us(latency)} us) - {contract.max_request_bytes} B"
        return _row(setting, f"share.{contract.name}", "sfq-share", ("FQ-5",),
                    f"{contract.name}, backlogged, gets g (t - B) - g (sum of the others' L) / R - L in any t ns.",
                    words, (fits,))  # fmt: skip
    supply = Supply(setting.rate, setting.contracts.device.blackout_ns)
    crowd = Crowd.of(setting.contracts.contracts, supply)
    rate = shares(crowd, contract)[1]
    latency = bounds_of("drr-curve", crowd, contract, own=True).expected - contract.max_request_bytes / rate
    return _row(setting, f"share.{contract.name}", "drr-service-curve", ("AR-6", "BD-4"),
                f"{contract.name}, backlogged, gets the service curve of its quantum.",
                f"at least {decimal(down(rate))} GB/s (t - {us(latency)} us)", (fits,))  # fmt: skip


def _has_burst(contract: Contract) -> bool:
    return contract.burst_bytes_per_ns > contract.guaranteed_bytes_per_ns and contract.burst_duration_ns > 0


def _burst(setting: Setting, contract: Contract) -> ContractCheck:
    g, p, d = contract.guaranteed_bytes_per_ns, contract.burst_bytes_per_ns, contract.burst_duration_ns
    largest = contract.max_request_bytes
    owed = Fraction(burst_wait(largest, largest, g, p, d))
    above = Premise(f"the burst, {decimal(down(p))} GB/s, is at least the guarantee, {decimal(up(g))} GB/s", p >= g)
    words = f"{math.floor(p * d)} B in {us(d)} us are in contract, expected up to {us(owed)} us later"
    return _row(setting, f"burst.{contract.name}", "meter-full-burst", ("CM-5", "BD-2"),
                f"A burst of {contract.name} at p for d from rest is wholly in contract.", words, (above,))  # fmt: skip
