"""Composition: buckets, a fair queue and a channel with refresh together, and what one can count on then.

Every tenant has a token bucket (depth sigma, rate rho), what passes it is queued by a fair queue whose weights are the
rates, and the channel goes dark for B in every P ns, so that R = C (1 - B / P) is left. A set is admitted if its rates
sum to at most R; the rule that forgets the tax compares them with C.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import attrs

from headgate.model.admission import RULES, Room
from headgate.model.arbiters import Policy
from headgate.model.bounds import deadline_delay, sfq_delay
from headgate.model.bucket import envelope, full, step
from headgate.model.refresh import Refresh, service_curve
from headgate.model.simulator import Server, effective_rate_of, simulate
from headgate.spec.links import implements
from headgate.spec.units import BytesPerNs, ExactNs, Number
from headgate.spec.vocabulary import Contract, Excess, Execution, Request, Service

__all__ = [
    "ADMISSIONS",
    "Composition",
    "backlogs",
    "bytes_to_decode",
    "calculus_delay",
    "composed_backlog",
    "composed_delay",
    "delays",
    "gated",
    "is_admitted",
    "run",
    "share_under_refresh",
]

ADMISSIONS = ("corrected", "no-tax")


# ---- the bounds ----


@implements("CP-1")
def composed_delay(
    burst: Number, size: Number, others: Number, rate: Fraction, blackout: Number, guaranteed: Fraction
) -> Number:
    """Return (sigma - l) / rho + (l + sum of the others' L) / R + B: from arrival to finish, in ns.

    `burst` is sigma and `guaranteed` rho, those of the tenant; `others` is the sum of the others' largest requests.
    Source: R. Cruz 1991 for the bucket, Goyal, Vin, Cheng 1997, theorem 4, for SFQ; the composition is this project's.
    """
    return deadline_delay(burst + size * -1, size + others, rate, blackout, guaranteed)


@implements("CP-1")
def calculus_delay(burst: Number, others: Number, rate: Fraction, blackout: Number, guaranteed: Fraction) -> Number:
    """Return sigma / rho + (sum of the others' L) / R + B: the horizontal deviation of network calculus, in ns.

    Source: J.-Y. Le Boudec, P. Thiran 2001, sections 1.4 and 2.1.
    """
    return deadline_delay(burst, others, rate, blackout, guaranteed)


@implements("CP-2")
def composed_backlog(bursts: Number, rates: Number, blackout: Number) -> Number:
    """Return (sum of sigma) + (sum of rho) B: the most bytes that ever wait or are in service, of all tenants.

    It is the vertical deviation of network calculus. Source: Le Boudec and Thiran 2001, section 1.4.
    """
    return envelope(rates, bursts, blackout)


@implements("CP-5")
def share_under_refresh(
    guaranteed: Number, elapsed: Number, own: Number, others: Number, rate: Fraction, blackout: Number
) -> Number:
    """Return g (t - B - (sum of the others' L) / R) - L: the bytes that a backlogged tenant gets in any t ns.

    `own` is the tenant's own largest request. Source: Goyal, Vin, Cheng 1997, theorem 2; the blackout as in RF-3.
    """
    return guaranteed * (elapsed - sfq_delay(0, others, rate, blackout)) - own


@implements("CP-4")
def bytes_to_decode(context: Number, bytes_a_token: Number) -> Number:
    """Return what is read to decode one token: the whole context of so many tokens, in bytes."""
    return context * bytes_a_token


# ---- the run ----


@attrs.frozen
class Composition:
    """Buckets of so many bytes and bytes per ns, one a tenant, in front of `policy` on `server`."""

    depths: tuple[Fraction, ...]
    rates: tuple[BytesPerNs, ...]
    policy: Policy
    server: Server

    @property
    def effective(self) -> BytesPerNs:
        """R, the rate that the blackouts leave."""
        return effective_rate_of(self.server)

    @property
    def blackout(self) -> ExactNs:
        """B, the length of a blackout."""
        return Fraction(0) if self.server.refresh is None else Fraction(self.server.refresh.blackout)


@implements("CP-3")
def is_admitted(composition: Composition, admission: str) -> bool:
    """Return whether the set passes admission: its rates fit R ("corrected"), or C ("no-tax")."""
    peak, effective = composition.server.peak_bytes_per_ns, composition.effective
    return bool(RULES[admission](composition.rates, Room(peak, effective, effective)))


@implements("CP-1", "CP-2")
def gated(requests: Sequence[Request], composition: Composition) -> Iterator[Request]:
    """Yield the requests (ordered by arrival) that the bucket of their tenant admits."""
    buckets = [full(depth) for depth in composition.depths]
    last = [0] * len(buckets)
    for request in requests:
        tenant = request.tenant
        rate, depth = composition.rates[tenant], composition.depths[tenant]
        elapsed = request.arrival_ns - last[tenant]
        admitted, buckets[tenant] = step(buckets[tenant], rate, depth, elapsed, request.bytes)
        last[tenant] = request.arrival_ns
        if admitted:
            yield request


@implements("CP-1", "CP-2")
def run(requests: Sequence[Request], composition: Composition) -> Execution:
    """Return what the queue and the channel do with the requests that the buckets admit."""
    admitted = list(gated(requests, composition))
    contracts = [
        Contract(str(tenant), rate, rate, Fraction(0), size, excess=Excess.IN_LINE)
        for tenant, (rate, size) in enumerate(zip(composition.rates, _largest(admitted, composition), strict=True))
    ]
    return simulate(admitted, contracts, composition.policy, composition.server)


def _largest(admitted: Sequence[Request], composition: Composition) -> list[int]:
    """Return the largest request of each tenant; 1 byte for one that sends none, which has to have a quantum."""
    return [
        max((r.bytes for r in admitted if r.tenant == tenant), default=1) for tenant in range(len(composition.rates))
    ]


# ---- what a run shows ----


@implements("CP-1")
def delays(execution: Execution, composition: Composition) -> list[tuple[ExactNs, ExactNs, Service]]:
    """Return (time from arrival to finish, its bound, service) of every request, in ns."""
    sent = [s.request for s in execution.services]
    largest = [max((r.bytes for r in sent if r.tenant == t), default=0) for t in range(len(composition.rates))]
    return [
        (
            s.finish_ns - s.request.arrival_ns,
            Fraction(
                composed_delay(
                    composition.depths[s.request.tenant],
                    s.request.bytes,
                    sum(largest) - largest[s.request.tenant],
                    composition.effective,
                    composition.blackout,
                    composition.rates[s.request.tenant],
                )
            ),
            s,
        )
        for s in execution.services
    ]


@implements("CP-2")
def backlogs(execution: Execution, composition: Composition) -> list[tuple[int, Fraction]]:
    """Return (ns, bytes that have come and are not served yet) at every arrival, that of the instant included.

    A request in service counts with what is left of it.
    """
    server, services = composition.server, execution.services
    found = []
    for now in sorted({s.request.arrival_ns for s in services}):
        came = sum(s.request.bytes for s in services if s.request.arrival_ns <= now)
        done = sum((_served(server, s, Fraction(now)) for s in services if s.start_ns < now), Fraction(0))
        found.append((now, came - done))
    return found


def _served(server: Server, service: Service, now: ExactNs) -> Fraction:
    """Return the bytes of `service` that have been served by `now`, which is after its start."""
    if service.finish_ns <= now:
        return Fraction(service.request.bytes)
    return server.peak_bytes_per_ns * (_up(server, now) - _up(server, service.start_ns))


def _up(server: Server, now: ExactNs) -> Fraction:
    """Return the ns of service since the beginning of the blackout before 0."""
    refresh: Refresh | None = server.refresh
    if refresh is None:
        return now
    since = now + server.offset_ns
    return Fraction(service_curve(refresh, since // refresh.interval, since % refresh.interval))
