"""The arbiters: one file a policy, each a pure state machine over stamped heads of queues."""

from headgate.model.arbiters.common import NO_STAMP, Arrival, Policy, Stamp, Tenants, tie_order
from headgate.model.arbiters.drr import DRR
from headgate.model.arbiters.early import EARLY
from headgate.model.arbiters.essay import ESSAY
from headgate.model.arbiters.fcfs import FCFS
from headgate.model.arbiters.fq_codel import FQ_CODEL, FQ_CODEL_REJOINS
from headgate.model.arbiters.fr_fcfs import FR_FCFS, FR_FCFS_CAP
from headgate.model.arbiters.round_robin import ROUND_ROBIN
from headgate.model.arbiters.scfq import SCFQ
from headgate.model.arbiters.sfq import SFQ
from headgate.model.arbiters.strict_priority import PRIORITY
from headgate.model.arbiters.vtc import VTC, VTC_NO_LIFT
from headgate.model.arbiters.wf2q_plus import WF2Q_PLUS
from headgate.model.arbiters.wfq import WFQ

__all__ = [
    "ARBITERS",
    "DRR",
    "EARLY",
    "ESSAY",
    "FCFS",
    "FQ_CODEL",
    "FQ_CODEL_REJOINS",
    "FR_FCFS",
    "FR_FCFS_CAP",
    "NO_STAMP",
    "PRIORITY",
    "ROUND_ROBIN",
    "SCFQ",
    "SFQ",
    "VTC",
    "VTC_NO_LIFT",
    "WF2Q_PLUS",
    "WFQ",
    "Arrival",
    "Policy",
    "Stamp",
    "Tenants",
    "tie_order",
]

_FAIR = (SFQ, EARLY, SCFQ, WFQ, WF2Q_PLUS, DRR, ROUND_ROBIN, VTC, FQ_CODEL)
_OTHERS = (FQ_CODEL_REJOINS, VTC_NO_LIFT, FR_FCFS, FR_FCFS_CAP, FCFS, PRIORITY, ESSAY)
ARBITERS = {policy.name: policy for policy in (*_FAIR, *_OTHERS)}
