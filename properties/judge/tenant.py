"""One tenant of a recording: its contract's meter, its ledger, and what it saw.

The meter and the ledger X are the model's own functions, run on integers: bytes are multiplied by the common
denominator of the contract's rates, and times by the scaled rate, so that one unit of time is 1 / rate ns.
"""

import math
from fractions import Fraction

from headgate.model.meter import Meter, MeterRates, advance, fresh, is_paced, offer
from headgate.model.policing import meter_rates
from headgate.model.promise import charge, expected_arrival, is_kept
from headgate.properties.judge.order import OrderWatch
from headgate.properties.judge.quantiles import Quantiles, nearest_rank
from headgate.properties.judge.report import Lateness, Overtaken, Tail, Tally, TenantReport, Wait
from headgate.properties.judge.windows import MissedWindow
from headgate.spec.links import implements
from headgate.spec.recordings import Row
from headgate.spec.units import BytesPerNs, Nanoseconds
from headgate.spec.vocabulary import Contract, Policing

__all__ = ["ContractWatch", "TenantWatch", "TrafficSpan", "overtaken", "tail_of"]

_PAST_ALL = -(1 << 200)  # earlier than any lateness


class ContractWatch:
    """Which requests of a tenant are in contract, and how late they finish after their expected arrival.

    A request above the contract's largest is refused by the contract; since it was served all the same, it is
    charged to X like excess, and not to the meter.
    """

    def __init__(self, contract: Contract, tolerance_ns: Nanoseconds) -> None:
        """Start with nothing owed; a contract without a latency promises none."""
        exact = meter_rates(contract)
        numbers = [Fraction(n) for n in (exact.guaranteed, exact.burst, exact.max_request, exact.allowance)]
        self.scale = math.lcm(*(number.denominator for number in numbers))
        self.rates = MeterRates(*(int(number * self.scale) for number in numbers))
        self.largest = contract.max_request_bytes
        self.meter: Meter = fresh(self.rates)
        self.ledger = 0
        self.now = 0
        self.classes = {policing: Tally() for policing in Policing}
        self._paced, self._burst = self.classes[Policing.PACED], self.classes[Policing.BURST]
        self._excess, self._refused = self.classes[Policing.EXCESS], self.classes[Policing.REFUSED]
        slo = contract.latency_slo_ns
        self._limit = None if slo is None else math.floor((slo + tolerance_ns) * self.rates.guaranteed)
        self.broken = 0
        self._first_broken: tuple[int, int, bool, Row] | None = None
        self._worst_late = _PAST_ALL
        self._worst: tuple[int, int, bool, Row] | None = None

    @implements("RC-3")
    def add(self, row: Row) -> int | None:
        """Take the next request; return its lateness in 1 / `rates.guaranteed` ns if it is in contract, else None."""
        arrival, size, rates = row.arrival_ns, row.bytes * self.scale, self.rates
        elapsed, self.now = arrival - self.now, arrival
        meter = advance(self.meter, rates, elapsed)
        before, self.ledger = charge(self.ledger, rates.guaranteed, elapsed, size)
        if row.bytes > self.largest:
            self.meter = meter
            _count(self._refused, row)
            return None
        paced = is_paced(meter)
        admitted, self.meter = offer(meter, rates, size)
        if not admitted:
            _count(self._excess, row)
            return None
        _count(self._paced if paced else self._burst, row)
        expected = expected_arrival(arrival * rates.guaranteed, before, 1)
        return self._compare(row, expected, paced)

    def _compare(self, row: Row, expected: int, paced: bool) -> int:
        finish = row.finish_ns * self.rates.guaranteed
        late: int = finish - expected
        if late > self._worst_late:
            self._worst_late, self._worst = late, (late, expected, paced, row)
        if self._limit is not None and not is_kept(finish, expected, self._limit):
            self.broken += 1
            if self._first_broken is None:
                self._first_broken = (late, expected, paced, row)
        return late

    def worst(self) -> Lateness | None:
        """Return the request in contract that finished latest after its expected arrival; the first of equals."""
        return self._lateness(self._worst)

    def first_broken(self) -> Lateness | None:
        """Return the first request whose promise was broken."""
        return self._lateness(self._first_broken)

    def _lateness(self, found: tuple[int, int, bool, Row] | None) -> Lateness | None:
        if found is None:
            return None
        late, expected, paced, row = found
        rate = self.rates.guaranteed
        policing = Policing.PACED if paced else Policing.BURST
        return Lateness(Fraction(late, rate), Fraction(expected, rate), policing, row)


def _count(tally: Tally, row: Row) -> None:
    tally.requests += 1
    tally.bytes += row.bytes


class TrafficSpan:
    """Requests, bytes and the times between which they came and were served."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.all = Tally()
        self.largest = 0
        self.first_arrival = self.last_arrival = 0
        self.first_start = self.last_finish = 0

    def add(self, row: Row) -> None:
        """Take the next request; arrivals do not go back."""
        if not self.all.requests:
            self.first_arrival, self.first_start = row.arrival_ns, row.start_ns
        _count(self.all, row)
        self.last_arrival = row.arrival_ns
        self.first_start = min(self.first_start, row.start_ns)
        self.last_finish = max(self.last_finish, row.finish_ns)
        self.largest = max(self.largest, row.bytes)

    def join(self, other: "TrafficSpan") -> None:
        """Take the requests of another span in."""
        if not other.all.requests:
            return
        if not self.all.requests:
            self.first_arrival, self.first_start = other.first_arrival, other.first_start
        self.all = Tally(self.all.requests + other.all.requests, self.all.bytes + other.all.bytes)
        self.first_arrival = min(self.first_arrival, other.first_arrival)
        self.first_start = min(self.first_start, other.first_start)
        self.last_arrival = max(self.last_arrival, other.last_arrival)
        self.last_finish = max(self.last_finish, other.last_finish)

    def offered(self) -> BytesPerNs | None:
        """Return the bytes over the time from the first arrival to the last; None if that is no time."""
        return _rate(self.all.bytes, self.last_arrival - self.first_arrival)

    def served(self) -> BytesPerNs | None:
        """Return the bytes over the time from the first start to the last finish; None if that is no time."""
        return _rate(self.all.bytes, self.last_finish - self.first_start)


def _rate(size: int, elapsed: int) -> Fraction | None:
    return Fraction(size, elapsed) if elapsed > 0 else None


class TenantWatch:
    """Everything that one tenant's report needs, fed request by request."""

    def __init__(self, number: int, contract: Contract, tolerance_ns: Nanoseconds) -> None:
        """Start with nothing seen; a best-effort tenant has no contract to watch."""
        self.number, self.contract = number, contract
        self.span = TrafficSpan()
        self.latency = Quantiles()
        self.starts, self.finishes = OrderWatch(tolerance_ns), OrderWatch(tolerance_ns)
        self.wait: Wait | None = None
        self._longest_wait = -1
        self.promise: ContractWatch | None = None
        self.window: MissedWindow | None = None
        if not contract.best_effort:
            self.promise = ContractWatch(contract, tolerance_ns)
            self.window = MissedWindow(contract.guaranteed_bytes_per_ns)

    def add(self, row: Row) -> int | None:
        """Take the tenant's next request; return its lateness as `ContractWatch.add` does."""
        self.span.add(row)
        self.latency.add(row.finish_ns - row.arrival_ns)
        waited = row.start_ns - row.arrival_ns
        if waited > self._longest_wait:
            self._longest_wait, self.wait = waited, Wait(waited, row)
        self.starts.add(row, row.start_ns)
        self.finishes.add(row, row.finish_ns)
        if self.promise is None or self.window is None:
            return None
        self.window.add(row.arrival_ns, row.finish_ns, row.bytes)
        return self.promise.add(row)

    def report(self) -> TenantReport:
        """Return what was seen, after the last request."""
        span, promise = self.span, self.promise
        return TenantReport(
            name=self.contract.name,
            number=self.number,
            best_effort=self.contract.best_effort,
            excess=self.contract.excess,
            all=span.all,
            classes={} if promise is None else promise.classes,
            largest_bytes=span.largest,
            offered_bytes_per_ns=span.offered(),
            served_bytes_per_ns=span.served(),
            latency=tail_of([self.latency]),
            wait=self.wait,
            starts=overtaken(self.starts),
            finishes=overtaken(self.finishes),
            slo_ns=self.contract.latency_slo_ns if promise else None,
            broken=promise.broken if promise else 0,
            first_broken=promise.first_broken() if promise else None,
            worst=promise.worst() if promise else None,
            missed=self.window.worst() if self.window else None,
        )


def overtaken(watch: OrderWatch) -> Overtaken:
    """Return what an order watch saw."""
    return Overtaken(watch.count, watch.example)


def tail_of(parts: list[Quantiles]) -> Tail | None:
    """Return the tail of all `parts` together; None if they are empty."""
    parts = [part for part in parts if part.count]
    if not parts:
        return None
    return Tail(
        nearest_rank(parts, 50, 100),
        nearest_rank(parts, 99, 100),
        max(part.maximum for part in parts),
        all(part.exact for part in parts),
    )
