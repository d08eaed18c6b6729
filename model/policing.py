"""What happens to requests before the arbiter sees them: metering, and one of three ways to treat excess.

A tenant's requests are policed in their own order and by its own contract alone; other tenants play no part.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

import attrs

from headgate.model.meter import Meter, MeterRates, advance, burst_allowance, drain, fresh, is_paced, offer
from headgate.model.promise import charge, expected_arrival
from headgate.spec.links import implements
from headgate.spec.units import ExactNs
from headgate.spec.vocabulary import Contract, Excess, Policing, Request

__all__ = ["Policed", "TenantPolicer", "first_conforming", "meter_rates", "police"]


@attrs.frozen
class Policed:
    """A request with its class, when it is released to the arbiter, and its expected arrival (None: background)."""

    request: Request
    policing: Policing
    release_ns: ExactNs
    expected_ns: ExactNs | None
    background: bool = False


def meter_rates(contract: Contract) -> MeterRates:
    """Return the numbers of a contract's meter."""
    g, p = contract.guaranteed_bytes_per_ns, contract.burst_bytes_per_ns
    allowance = burst_allowance(g, p, contract.burst_duration_ns, contract.max_request_bytes)
    return MeterRates(g, p, contract.max_request_bytes, allowance)


@implements("PR-5")
def first_conforming(meter: Meter, rates: MeterRates, size: int) -> int:
    """Return the least whole ns from now at which a request of `size` <= M is in contract (integers, Fractions)."""
    ledger_over = meter.ledger + size - rates.allowance
    peak_short = size - meter.peak.level
    drained: Fraction = Fraction(ledger_over) / rates.guaranteed
    refilled: Fraction = Fraction(peak_short) / rates.burst
    return max(0, math.ceil(drained), math.ceil(refilled))


class TenantPolicer:
    """The meter and the ledger of one tenant over time."""

    def __init__(self, contract: Contract) -> None:
        """Start with nothing owed and a full peak bucket."""
        self.contract = contract
        self.rates = meter_rates(contract)
        self.meter = fresh(self.rates)
        self.ledger: Fraction | int = 0
        self.now: Fraction | int = 0

    @implements("CM-6", "PR-4")
    def police(self, request: Request) -> Policed:
        """Return what becomes of `request`, the tenant's next; arrivals must not go back."""
        contract, size = self.contract, request.bytes
        if not 0 < size <= contract.max_request_bytes:
            return Policed(request, Policing.REFUSED, Fraction(request.arrival_ns), None)
        if contract.best_effort:
            return Policed(request, Policing.EXCESS, Fraction(request.arrival_ns), None, background=True)
        release = max(request.arrival_ns, self.now)
        meter = advance(self.meter, self.rates, release - self.now)
        if contract.excess is Excess.SHAPED:
            wait = first_conforming(meter, self.rates, size)
            meter = advance(meter, self.rates, wait)
            release += wait
        return self._admit(request, release, meter)

    def _admit(self, request: Request, release: int | Fraction, meter: Meter) -> Policed:
        paced = is_paced(meter)
        admitted, self.meter = offer(meter, self.rates, request.bytes)
        elapsed, self.now = release - self.now, release
        if not admitted and self.contract.excess is Excess.BACKGROUND:
            self.ledger = drain(self.ledger, self.rates.guaranteed, elapsed)
            return Policed(request, Policing.EXCESS, Fraction(release), None, background=True)
        before, charged = charge(self.ledger, self.rates.guaranteed, elapsed, request.bytes)
        untreated = not admitted and self.contract.excess is Excess.UNTREATED
        self.ledger = before if untreated else charged
        expected = expected_arrival(release, before, 1 / Fraction(self.rates.guaranteed))
        policing = (Policing.PACED if paced else Policing.BURST) if admitted else Policing.EXCESS
        return Policed(request, policing, Fraction(release), Fraction(expected))


@implements("PR-4")
def police(requests: Iterable[Request], contracts: Sequence[Contract]) -> Iterator[Policed]:
    """Police `requests` (ordered by arrival), each by the contract of its tenant; yields them in the same order."""
    policers = [TenantPolicer(contract) for contract in contracts]
    for request in requests:
        yield policers[request.tenant].police(request)
