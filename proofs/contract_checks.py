"""What a contract file claims of itself, decided by exact arithmetic with the formulas of the model.

A row says whether the device has what all guarantees take together, and a row a tenant whether the bound that the
policy gives is within the latency that was promised. The bounds themselves are theorems of the catalogue; here they
are applied. A policy without such a bound leaves the promise open: that is unknown, since it may be broken.
"""

import itertools
import math
from fractions import Fraction

import attrs

from headgate.model.admission import admits, safe_capacity
from headgate.model.bounds import promised_delay
from headgate.model.memory.colours import banks_of
from headgate.proofs.theorem import Kind
from headgate.spec.units import BytesPerNs, ExactNs
from headgate.spec.vocabulary import POLICIES, Contract, ContractSet, Device, Excess

__all__ = ["ContractCheck", "contract_checks", "is_judged"]

# Every curve of tREFI is at its longest when cold; the essay's grows once on the way, so both ends count.
COLDEST_C = Fraction(-40)
NOT_ARBITRATED = "none"
CLAUSE_OF_BOUND = {"sfq": ("FQ-5",), "scfq": ("FQ-6",), "early": ("EA-2",), "wf2q+": ("WF-3",)}


@attrs.frozen
class ContractCheck:
    """One row: `kind` is proved, counterexample or unknown; `finding` the numbers, or why it is unknown.

    `assumptions` names the clauses whose bounds are applied.
    """

    id: str
    clauses: tuple[str, ...]
    statement: str
    scope: str
    kind: Kind
    finding: str
    assumptions: tuple[str, ...] = ()


def contract_checks(contracts: ContractSet) -> tuple[ContractCheck, ...]:
    """Return the rows of a contract file: admission, colours if there are any, a promise a tenant with a latency."""
    rate = capacity(contracts.device)
    admission = _admission(contracts, rate)
    promised = [c for c in contracts.guaranteed if c.latency_slo_ns is not None] if is_judged(contracts) else []
    fits = admission.kind is Kind.PROVED
    return (admission, *_colours(contracts), *(_promise(contracts, contract, rate, fits) for contract in promised))


def is_judged(contracts: ContractSet) -> bool:
    """Return whether an arbiter stands behind the promises; without one, only a recording can be judged."""
    return contracts.policy != NOT_ARBITRATED


def capacity(device: Device) -> BytesPerNs:
    """Return the least effective rate at any temperature up to the device's hottest."""
    hottest = device.max_temperature_c
    return min(safe_capacity(device, hottest), safe_capacity(device, min(COLDEST_C, hottest)))


def _scope(device: Device) -> str:
    return f"{device.name}, up to {_decimal(device.max_temperature_c)} C"


# ---- admission ----


def _admission(contracts: ContractSet, rate: BytesPerNs) -> ContractCheck:
    guarantees = [contract.guaranteed_bytes_per_ns for contract in contracts.guaranteed]
    total = sum(guarantees, Fraction(0))
    holds = bool(admits(guarantees, rate))
    # GB/s to three places, rounded against the claim: what is promised up, what is there down.
    words = f"{_decimal(_up(total))} GB/s of {_decimal(_down(rate))} GB/s"
    return ContractCheck(
        "contracts.admission",
        ("AD-1",),
        "The guarantees of all tenants are there at every temperature.",
        _scope(contracts.device),
        Kind.PROVED if holds else Kind.COUNTEREXAMPLE,
        words,
    )


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
        ),
    )


# ---- the promise ----


def _promise(contracts: ContractSet, contract: Contract, rate: BytesPerNs, fits: bool) -> ContractCheck:
    assert contract.latency_slo_ns is not None
    promised = contract.latency_slo_ns
    bound = _bound(contracts, contract, rate) if fits else None
    if bound is None:
        kind, finding = Kind.UNKNOWN, _why_open(contracts, rate, fits)
    else:
        kind = Kind.PROVED if bound <= promised else Kind.COUNTEREXAMPLE
        finding = f"at most {_us(bound)} us, {_us(promised)} us promised"
    bounds = _clause_of_bound(contracts.policy)
    return ContractCheck(
        f"contracts.promise.{contract.name}",
        ("PR-3", *bounds),
        f"Every request of {contract.name} in contract finishes within its latency of its expected arrival.",
        f"policy {contracts.policy}, {_scope(contracts.device)}",
        kind,
        finding,
        tuple(f"the delay bound of {clause}" for clause in bounds),
    )


def _bound(contracts: ContractSet, contract: Contract, rate: BytesPerNs) -> ExactNs | None:
    """Return the longest time from expected arrival to finish, or None for a policy that gives none.

    In-contract requests are at most the tenant's largest; a request in the background may have just begun.
    """
    others = sum(c.max_request_bytes for c in contracts.guaranteed if c is not contract)
    delay = promised_delay(
        contracts.policy,
        contract.max_request_bytes,
        others,
        rate,
        contracts.device.blackout_ns,
        contract.guaranteed_bytes_per_ns,
        max(c.max_request_bytes for c in contracts.guaranteed),
    )
    return None if delay is None else Fraction(delay) + Fraction(_largest_background(contracts)) / rate


def _largest_background(contracts: ContractSet) -> int:
    sizes = [c.max_request_bytes for c in contracts.contracts if c.best_effort or c.excess is Excess.BACKGROUND]
    return max(sizes, default=0)


def _why_open(contracts: ContractSet, rate: BytesPerNs, fits: bool) -> str:
    if not fits:
        return "no bound holds where the guarantees are not there (contracts.admission)"
    first = contracts.guaranteed[0]
    giving = [p for p in POLICIES if _bound(attrs.evolve(contracts, policy=p), first, rate) is not None]
    return f"the policy {contracts.policy} gives no proved bound on the delay, so the promise may be broken; " + (
        f"{', '.join(giving[:-1])} and {giving[-1]} give one"
    )


def _clause_of_bound(policy: str) -> tuple[str, ...]:
    return CLAUSE_OF_BOUND.get(policy, ())


# ---- numbers for people, rounded against the claim ----


def _up(value: Fraction) -> Fraction:
    return Fraction(math.ceil(value * 1000), 1000)


def _down(value: Fraction) -> Fraction:
    return Fraction(math.floor(value * 1000), 1000)


def _us(time: ExactNs) -> str:
    return _decimal(_up(time / 1000))


def _decimal(value: Fraction) -> str:
    """Return a number of at most three places."""
    digits = f"{abs(int(value * 1000)):04d}"
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-3]}.{digits[-3:]}".rstrip("0").rstrip(".")
