"""What a question says of the server and the tenants, as the model wants it: the same records that a replay makes."""

from fractions import Fraction
from typing import Any

from headgate.model.arbiters import ARBITERS, Policy, Tenants
from headgate.model.memory.colours import dealt_holders, essay_mask, masks_of
from headgate.model.refresh import worst_refresh
from headgate.model.simulator import Server, effective_rate_of, tenants_of
from headgate.proofs.find.question import Question
from headgate.spec.vocabulary import Contract, Excess

__all__ = ["arbiter_parameters", "banks_asked", "each_asked", "masks_asked", "policy_of", "server_of", "tenants_asked"]


def server_of(question: Question) -> Server:
    """Return the channel: the device at its hottest, a blackout beginning at 0; without one, 1 byte a ns for ever."""
    device = question.device
    if device is None:
        return Server(Fraction(1))
    refresh = worst_refresh(device, device.max_temperature_c) if device.blackout_ns > 0 else None
    return Server(Fraction(device.peak_bytes_per_ns), refresh)


def tenants_asked(question: Question) -> Tenants:
    """Return what the arbiter knows of the tenants."""
    contracts = [
        Contract(str(tenant), weight, weight, Fraction(0), question.largest, priority, excess=Excess.IN_LINE)
        for tenant, (weight, priority) in enumerate(zip(question.all_weights, question.all_priorities, strict=True))
    ]
    return tenants_of(contracts, effective_rate_of(server_of(question)))


def policy_of(named: str | Policy) -> Policy:
    """Return the policy; KeyError where the name is not that of an arbiter."""
    return named if isinstance(named, Policy) else ARBITERS[named]


def arbiter_parameters(question: Question) -> dict[str, Any]:
    """Return the parameters that a schedule of an arbiter needs to be replayed."""
    server = server_of(question)
    parameters: dict[str, Any] = {
        "weights": question.all_weights,
        "priorities": question.all_priorities,
        "largest": (question.largest,) * question.tenants,
        "peak": server.peak_bytes_per_ns,
    }
    if server.refresh is not None:
        parameters |= {"interval": server.refresh.interval, "blackout": server.refresh.blackout}
    if question.within_ns is not None:
        parameters["within"] = question.within_ns
    return parameters


def banks_asked(question: Question) -> int:
    """Return how many banks there are: as given, else those of the device; 0 where neither says."""
    if "banks" in question.parameters:
        return int(question.parameters["banks"])
    geometry = question.device.geometry if question.device is not None else None
    return geometry.banks if geometry is not None else 0


def each_asked(question: Question) -> int:
    """Return how many banks each tenant asks for (by default one)."""
    return int(question.parameters.get("each", 1))


def masks_asked(question: Question) -> tuple[int, ...] | None:
    """Return the banks that each tenant's pages may lie in, as masks; None where that changes as time goes on."""
    banks, each, tenants = banks_asked(question), each_asked(question), question.tenants
    if question.policy == "masks":
        return question.colours
    if question.policy == "essay":
        return tuple(essay_mask(tenant, each, banks) for tenant in range(tenants))
    return masks_of(dealt_holders(tenants, each, banks), tenants) if question.policy == "coloured" else None
