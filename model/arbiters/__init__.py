"""The arbiters: one file a policy, each a pure state machine over stamped heads of queues."""

from headgate.model.arbiters.common import NO_STAMP, Arrival, Policy, Stamp, Tenants, tie_order
from headgate.model.arbiters.drr import DRR
from headgate.model.arbiters.essay import ESSAY
from headgate.model.arbiters.fcfs import FCFS
from headgate.model.arbiters.round_robin import ROUND_ROBIN
from headgate.model.arbiters.scfq import SCFQ
from headgate.model.arbiters.sfq import SFQ
from headgate.model.arbiters.strict_priority import PRIORITY

__all__ = [
    "ARBITERS",
    "DRR",
    "ESSAY",
    "FCFS",
    "NO_STAMP",
    "PRIORITY",
    "ROUND_ROBIN",
    "SCFQ",
    "SFQ",
    "Arrival",
    "Policy",
    "Stamp",
    "Tenants",
    "tie_order",
]

ARBITERS = {policy.name: policy for policy in (SFQ, SCFQ, DRR, ROUND_ROBIN, FCFS, PRIORITY, ESSAY)}
