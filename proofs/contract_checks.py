"""What a contract file claims of itself, decided by exact arithmetic with the formulas of the model.

A row says whether the device has what all guarantees take together, and a row a tenant whether the bound that the
policy gives is within the latency that was promised. The bounds themselves are theorems of the catalogue; here they
are applied. What else follows from them stands in `headgate.proofs.contract_consequences`. A policy without a bound
leaves the promise open: that is unknown, unless a schedule breaks it.
"""

import itertools
import math
import re
from fractions import Fraction

import attrs

from headgate.model.admission import RULES, Room, admits, safe_capacity
from headgate.model.adversaries import Stage
from headgate.model.breach import breach
from headgate.model.capacity import Supply
from headgate.model.delays import DELAY_POLICIES, Crowd, bounds_of
from headgate.model.memory.colours import banks_of
from headgate.model.refresh import Refresh, effective_rate, worst_refresh
from headgate.model.simulator import Server
from headgate.proofs.catalogue import catalogue
from headgate.proofs.contract_consequences import Setting, consequences
from headgate.proofs.contract_row import ContractCheck, Premise, Sought
from headgate.proofs.figures import decimal, down, up, us, us_down
from headgate.proofs.theorem import Kind
from headgate.proofs.trust import rests_on
from headgate.spec.units import BytesPerNs, Celsius, ExactNs
from headgate.spec.vocabulary import POLICIES, Contract, ContractSet, Device, Excess, Request, Schedule

__all__ = ["contract_checks", "is_judged"]

# Every curve of tREFI is at its longest when cold; the essay's grows once on the way, so both ends count.
COLDEST_C = Fraction(-40)
NOT_ARBITRATED = "none"
# The theorem that gives a policy its bound, and the clauses that state it.
BOUNDS = {
    "sfq": ("sfq-delay", "FQ-5"),
    "early": ("deadlines-own-delay", "EA-2", "BD-15"),
    "scfq": ("scfq-own-delay", "FQ-6", "BD-15"),
    "wfq": ("wfq-own-delay", "WQ-7", "BD-15"),
    "wf2q+": ("deadlines-own-delay", "WF-3", "BD-15"),
    "drr": ("drr-own-delay", "BD-14", "BD-15"),
}
# A schedule that begins later than this has too many refresh intervals to be replayed.
MOST_INTERVALS = 500_000
# How the limit of a theorem begins whose proof runs the code for so many tenants.
_UP_TO = re.compile(r"N = 2\.\.(\d+)")


def contract_checks(contracts: ContractSet) -> tuple[ContractCheck, ...]:
    """Return the rows of a contract file: admission, a promise a tenant with a latency, and what else follows.

    Schedules that show a harm are not looked for yet: `headgate.proofs.contract_row.settle` does.
    """
    rate = capacity(contracts.device)
    setting = Setting(contracts, rate, _largest_background(contracts), scope_of(contracts.device))
    admission = _admission(setting)
    fits = admission.kind is Kind.PROVED
    promises: list[ContractCheck] = []
    if is_judged(contracts):
        promises = [_promise(setting, c, fits) for c in contracts.guaranteed if c.latency_slo_ns is not None]
        promises += [
            _delay(setting, c)
            for c in contracts.guaranteed
            if c.latency_slo_ns is None and fits and contracts.policy in BOUNDS
        ]
    rows = (admission, *_colours(contracts), *promises, *consequences(setting, fits))
    return tuple(_with_limit(row, len(contracts.guaranteed)) for row in rows)


def _with_limit(row: ContractCheck, tenants: int) -> ContractCheck:
    """Return the row; its scope says so where its theorem, or one below it, ran the code for fewer tenants."""
    known = {theorem.id: theorem for theorem in catalogue()}
    if row.kind is not Kind.PROVED or row.theorem not in known:
        return row
    below = (known[row.theorem], *rests_on(known[row.theorem]))
    most = {each.id: int(found[1]) for each in below if (found := _UP_TO.match(each.limit))}
    least = min(most, key=lambda name: most[name], default=None)
    if least is None or tenants <= most[least]:
        return row
    words = f"for {tenants} tenants by the abstract proof; the code's own step was checked for {most[least]} ({least})"
    return attrs.evolve(row, scope=f"{row.scope}; {words}")


def is_judged(contracts: ContractSet) -> bool:
    """Return whether an arbiter stands behind the promises; without one, only a recording can be judged."""
    return contracts.policy != NOT_ARBITRATED


def capacity(device: Device) -> BytesPerNs:
    """Return the least effective rate at any temperature up to the device's hottest."""
    return safe_capacity(device, worst_temperature(device))


def worst_temperature(device: Device) -> Celsius:
    """Return the temperature, of those up to the device's hottest, at which least is left."""
    ends = (device.max_temperature_c, min(COLDEST_C, device.max_temperature_c))
    return min(ends, key=lambda temperature: effective_rate(device, temperature))


def scope_of(device: Device) -> str:
    """Return the device and its temperatures in words."""
    return f"{device.name}, up to {decimal(device.max_temperature_c)} C"


def _server(device: Device) -> Server | None:
    """Return the channel at its worst temperature, or None if it is dark all the time."""
    refresh = worst_refresh(device, worst_temperature(device))
    if refresh.blackout >= refresh.interval:
        return None
    return Server(device.peak_bytes_per_ns, refresh if refresh.blackout else None)


# ---- colours ----


def _colours(contracts: ContractSet) -> tuple[ContractCheck, ...]:
    """Return the row on disjoint colours; none, where fewer than two tenants have one."""
    coloured = [(c.name, c.page_color) for c in contracts.contracts if c.page_color is not None]
    if len(coloured) < 2:
        return ()
    pairs = itertools.combinations(coloured, 2)
    shared = next(((one, other, banks_of(a & b)) for (one, a), (other, b) in pairs if a & b), None)
    words = (
        f"{len(coloured)} colours, {sum(mask.bit_count() for _, mask in coloured)} banks"
        if shared is None
        else f"{shared[0]} and {shared[1]} share bank {shared[2][0]}"
    )
    return (
        ContractCheck(
            "contracts.colours",
            ("CO-2",),
            "No two tenants' colours have a bank in common.",
            f"{len(coloured)} tenants with a page_color, {contracts.device.name}",
            Kind.PROVED if shared is None else Kind.COUNTEREXAMPLE,
            words,
            theorem="allocator-isolation",
        ),
    )


# ---- admission ----


def _admission(setting: Setting) -> ContractCheck:
    guarantees, rate = setting.guarantees, setting.rate
    holds = bool(admits(guarantees, rate))
    return ContractCheck(
        "contracts.admission",
        ("AD-1", "AD-4"),
        "The guarantees of all tenants are there at every temperature.",
        setting.scope,
        Kind.PROVED if holds else Kind.COUNTEREXAMPLE,
        _fitting_words(setting),
        theorem="admission-range",
        premises=(_fitting(setting),),
        follows=f"{decimal(down(rate - setting.total))} GB/s are left over at every temperature" if holds else "",
        seek=lambda: _behind(setting),
    )


def _fitting_words(setting: Setting) -> str:
    return f"{decimal(up(setting.total))} GB/s of {decimal(down(setting.rate))} GB/s"


def _fitting(setting: Setting) -> Premise:
    fits = bool(admits(setting.guarantees, setting.rate))
    verb = "sum to at most" if fits else "sum to more than"
    words = f"the guarantees, {decimal(up(setting.total))} GB/s, {verb} what is left, {decimal(down(setting.rate))}"
    return Premise(f"{words} GB/s", fits)


def _behind(setting: Setting) -> Sought:
    """Return a backlog that falls behind; where it grows too slowly to be replayed, the rule that would admit it."""
    contracts, device, rate = setting.contracts, setting.contracts.device, setting.rate
    server = _server(device)
    refresh = worst_refresh(device, worst_temperature(device))
    promised = [c.latency_slo_ns for c in contracts.guaranteed if c.latency_slo_ns is not None]
    latency = max([*promised, refresh.blackout])
    if server is not None:
        # Whole bytes: the private channels may be done a byte each too early.
        missing = setting.total - rate
        until = math.floor((latency * rate + len(setting.guarantees)) / missing) + 1
        sizes = [max(1, math.floor(g * until)) for g in setting.guarantees]
        if until * setting.total / rate < MOST_INTERVALS * refresh.interval and max(sizes) < 10**18:
            words = (
                f"{_fitting_words(setting)}: after {us(Fraction(until))} us of it the device is more than "
                f"{us_down(latency)} us behind"
            )
            return Sought(_backlog(setting, refresh, latency, sizes), words)
    room = Room(device.peak_bytes_per_ns, rate, rate)
    rule = next((name for name in ("essay", "no-tax") if RULES[name](setting.guarantees, room)), None)
    if rule is None:
        return Sought(None)
    parameters = {"guarantees": setting.guarantees, "peak": device.peak_bytes_per_ns, **_dark(refresh)}
    statement = "A rule that admits the guarantees of the file admits what is there."
    return Sought(Schedule("AD-1", statement, "admission", rule, "oversubscription", parameters, ()))


def _backlog(setting: Setting, refresh: Refresh, latency: ExactNs, sizes: list[int]) -> Schedule:
    device = setting.contracts.device
    parameters: dict[str, object] = {"guarantees": setting.guarantees, "latency": latency}
    parameters |= {"peak": device.peak_bytes_per_ns, **_dark(refresh)}
    requests = tuple(Request(number, 0, size) for number, size in enumerate(sizes))
    statement = "What the tenants send at their guarantees is served as fast as that, but for the largest latency."
    return Schedule("AD-1", statement, "admission", "work-conserving", "behind", parameters, requests)


def _dark(refresh: Refresh) -> dict[str, object]:
    return {"interval": refresh.interval, "blackout": refresh.blackout}


# ---- the promise ----


def _promise(setting: Setting, contract: Contract, fits: bool) -> ContractCheck:
    assert contract.latency_slo_ns is not None
    promised, policy = contract.latency_slo_ns, setting.contracts.policy
    bound = _bound(setting, policy, contract) if fits else None
    kept = bound is not None and bound <= promised
    finding = f"EAT + {us(bound)} us, {us(promised)} us promised" if bound is not None else ""
    return attrs.evolve(
        _about(setting, contract, "promise", bound),
        statement=f"Every request of {contract.name} in contract finishes within its latency of its expected arrival.",
        kind=Kind.PROVED if kept else Kind.UNKNOWN,
        finding=finding or _why_open(setting, contract, fits),
        premises=(*_premises(setting, bound), *(() if bound is None else (_within(bound, promised),))),
        seek=None if _is_held(setting, contract, fits) else lambda: _late(setting, contract, bound),
    )


def _delay(setting: Setting, contract: Contract) -> ContractCheck:
    """A tenant without a latency has the bound of the policy all the same."""
    bound = _bound(setting, setting.contracts.policy, contract)
    assert bound is not None
    return attrs.evolve(
        _about(setting, contract, "delay", bound), finding=f"EAT + {us(bound)} us, no latency promised", owed=False
    )


def _about(setting: Setting, contract: Contract, what: str, bound: ExactNs | None) -> ContractCheck:
    theorem, *clauses = BOUNDS.get(setting.contracts.policy, ("",))
    return ContractCheck(
        f"contracts.{what}.{contract.name}",
        ("PR-3", *clauses),
        f"Every request of {contract.name} in line finishes within the delay of the policy of its expected arrival.",
        f"policy {setting.contracts.policy}, {setting.scope}",
        Kind.PROVED,
        "",
        tuple(f"the delay bound of {clause}" for clause in clauses),
        theorem=theorem,
        premises=_premises(setting, bound),
        follows="" if bound is None else f"{contract.name} finishes by EAT + {us(bound)} us",
    )


def _premises(setting: Setting, bound: ExactNs | None) -> tuple[Premise, ...]:
    fitting = _fitting(setting)
    if bound is not None and setting.contracts.policy == "wfq":
        rate = f"{decimal(down(setting.rate))} GB/s, is that of the server"
        return fitting, Premise(f"the rate of the fluid that the tags follow, {rate} at its hottest", True)
    if bound is not None or not fitting.met:
        return (fitting,)
    return fitting, Premise(f"the policy {setting.contracts.policy} has a bound that is proved", False)


def _held(setting: Setting, contract: Contract) -> ExactNs | None:
    """Return the bound of a policy that properties hold every execution to, proved or not; None where there is none."""
    contracts = setting.contracts
    shaped = all(c.excess is Excess.SHAPED for c in contracts.guaranteed)
    if contracts.policy not in DELAY_POLICIES or (contracts.policy == "fcfs" and not shaped):
        return None
    return _own_delay(setting, contracts.policy, contract)


def _own_delay(setting: Setting, policy: str, contract: Contract) -> ExactNs:
    """Return the longest time from expected arrival to finish, with the guarantees of the file and its background."""
    contracts = setting.contracts
    crowd = Crowd.of(contracts.contracts, Supply(setting.rate, contracts.device.blackout_ns))
    return bounds_of(policy, crowd, contract, own=True).expected


def _is_held(setting: Setting, contract: Contract, fits: bool) -> bool:
    """Return whether a search for a schedule is in vain: properties hold a bound that is within the latency."""
    held = _held(setting, contract) if fits else None
    return held is not None and contract.latency_slo_ns is not None and held <= contract.latency_slo_ns


def _within(bound: ExactNs, promised: ExactNs) -> Premise:
    words = "is within" if bound <= promised else "is above"
    return Premise(f"the bound, {us(bound)} us, {words} the latency, {us(promised)} us", bound <= promised)


def _bound(setting: Setting, policy: str, contract: Contract) -> ExactNs | None:
    """Return the longest time from expected arrival to finish, or None for a policy without one that is proved.

    In-contract requests are at most the tenant's largest; a request in the background may have just begun.
    """
    return _own_delay(setting, policy, contract) if policy in BOUNDS else None


def _largest_background(contracts: ContractSet) -> int:
    sizes = [c.max_request_bytes for c in contracts.contracts if c.best_effort or c.excess is Excess.BACKGROUND]
    return max(sizes, default=0)


def _why_open(setting: Setting, contract: Contract, fits: bool) -> str:
    if not fits:
        return "no bound holds where the guarantees are not there (contracts.admission)"
    policy, held = setting.contracts.policy, _held(setting, contract)
    giving = [p for p in POLICIES if _bound(setting, p, contract) is not None]
    others = f"{', '.join(giving[:-1])} and {giving[-1]} give one"
    if held is not None:
        return f"{policy} gives no proved bound on the delay, properties hold EAT + {us(held)} us; {others}"
    return f"{policy} gives no proved bound on the delay, so the promise may be broken; {others}"


def _late(setting: Setting, contract: Contract, bound: ExactNs | None) -> Sought:
    """Return the schedule that makes the tenant later than was promised, or how late the worst of those tried does."""
    server = _server(setting.contracts.device)
    if server is None or contract.latency_slo_ns is None:
        return Sought(None)
    stage = Stage.of(setting.contracts.contracts, contract, server, policed=True)
    reached = breach(setting.contracts.policy, stage, contract.latency_slo_ns)
    if reached is None:
        return Sought(None)
    if reached.late_ns <= contract.latency_slo_ns:
        return Sought(None, f"the worst schedule that was tried is {us_down(reached.late_ns)} us late")
    promised = f"{us(contract.latency_slo_ns)} us promised"
    most = promised if bound is None else f"EAT + {us(bound)} us, {promised}"
    return Sought(_told(reached.schedule, contract), f"{most}, {us_down(reached.late_ns)} us late in a schedule")


def _told(schedule: Schedule, contract: Contract) -> Schedule:
    words = f"Every request of {contract.name} in contract finishes by its expected arrival + latency."
    return attrs.evolve(schedule, statement=words)
