"""Every arbiter as one list of what waits: `arrive` adds a request, `serve` takes one, `idle` ends a busy period.

A request is (tenant, time, bytes). Among the requests of one tenant the first to arrive is always served first. On
equal tags the lower priority number goes first, then the lower tenant number.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from headgate.properties.oracles import gps, promise

__all__ = [
    "ORACLES",
    "Drr",
    "Early",
    "Essay",
    "Fcfs",
    "FqCodel",
    "FqCodelRejoins",
    "FrFcfs",
    "FrFcfsCap",
    "Oracle",
    "Priority",
    "RoundRobin",
    "Scfq",
    "Sfq",
    "Vtc",
    "VtcNoLift",
    "Wf2qPlus",
    "Wfq",
]

Request = tuple[int, Any, Any]


class Oracle:
    """What all have in common: who the tenants are, and the list of what waits.

    `now` is the time of the next choice, `row` the row of the next to arrive and `rate` the effective rate of the
    server, for those who need them.
    """

    row: int = 0
    now: Any = Fraction(0)
    rate: Any = Fraction(1)

    def __init__(self, weights: Sequence[Any], priorities: Sequence[int], quanta: Sequence[Any] = ()) -> None:
        """Start with nothing waiting."""
        self.weights, self.priorities, self.quanta = list(weights), list(priorities), list(quanta)
        self.waiting: list[Request] = []

    def arrive(self, request: Request) -> None:
        """Let `request` join."""
        self.waiting.append(request)

    def serve(self) -> Request:
        """Take out and return the request that is served next."""
        raise NotImplementedError

    def idle(self) -> None:
        """Note that the server is free and nothing waits."""

    def first_of(self, tenant: int) -> Request | None:
        """Return the oldest waiting request of `tenant`."""
        for request in self.waiting:
            if request[0] == tenant:
                return request
        return None

    def heads(self) -> list[int]:
        """Return where in the list the oldest request of each tenant stands."""
        found: dict[int, int] = {}
        for number, request in enumerate(self.waiting):
            if request[0] not in found:
                found[request[0]] = number
        return list(found.values())

    def tie(self, number: int) -> tuple[int, int]:
        """Return what decides between equals: the priority, then the tenant."""
        tenant = self.waiting[number][0]
        return self.priorities[tenant], tenant


class Fcfs(Oracle):
    """First come, first served."""

    def serve(self) -> Request:
        """Take the oldest."""
        return self.waiting.pop(0)


class Priority(Oracle):
    """Strict priority."""

    def serve(self) -> Request:
        """Take the oldest of the first tenant, by priority and then by number, that has any."""
        by_priority = sorted(range(len(self.priorities)), key=lambda tenant: (self.priorities[tenant], tenant))
        for tenant in by_priority:
            request = self.first_of(tenant)
            if request is not None:
                self.waiting.remove(request)
                return request
        raise LookupError("nothing waits")


class RoundRobin(Oracle):
    """One request a turn: the tenants stand in a ring."""

    def __init__(self, weights: Sequence[Any], priorities: Sequence[int], quanta: Sequence[Any] = ()) -> None:
        """Start with tenant 0 at the front of the ring."""
        super().__init__(weights, priorities, quanta)
        self.ring = list(range(len(self.weights)))

    def serve(self) -> Request:
        """Turn the ring until its front has a request; who was served goes to the back."""
        for tenant in list(self.ring):
            request = self.first_of(tenant)
            if request is not None:
                while self.ring[-1] != tenant:
                    self.ring.append(self.ring.pop(0))
                self.waiting.remove(request)
                return request
        raise LookupError("nothing waits")


class _Tagged(Oracle):
    """Requests with a start tag and a finish tag, given on arrival."""

    def __init__(self, weights: Sequence[Any], priorities: Sequence[int], quanta: Sequence[Any] = ()) -> None:
        """Start with all clocks at 0."""
        super().__init__(weights, priorities, quanta)
        self.v: Any = Fraction(0)
        self.last_finish: list[Any] = [Fraction(0)] * len(self.weights)
        self.tags: list[tuple[Any, Any]] = []

    def arrive(self, request: Request) -> None:
        """Tag `request`: S = max(v, finish tag of the tenant's last), F = S + size / weight."""
        tenant, _, size = request
        start = self.v
        if self.last_finish[tenant] > start:
            start = self.last_finish[tenant]
        finish = start + Fraction(size) / self.weights[tenant]
        self.last_finish[tenant] = finish
        self.waiting.append(request)
        self.tags.append((start, finish))

    def take_smallest(self, which: int) -> tuple[Request, tuple[Any, Any]]:
        """Take out the request with the smallest tag (0 start, 1 finish); the oldest of a tenant goes first."""
        chosen = 0
        for number in range(1, len(self.waiting)):
            if self.rank(number, which) < self.rank(chosen, which):
                chosen = number
        return self.waiting.pop(chosen), self.tags.pop(chosen)

    def rank(self, number: int, which: int) -> tuple[Any, int, int]:
        """Return what decides: the tag, then the priority, then the tenant."""
        tenant = self.waiting[number][0]
        return self.tags[number][which], self.priorities[tenant], tenant


class Sfq(_Tagged):
    """Start-time fair queueing."""

    def serve(self) -> Request:
        """Take the smallest start tag; it is v from now on."""
        request, (start, _) = self.take_smallest(0)
        self.v = start
        return request

    def idle(self) -> None:
        """At the end of a busy period v is the largest finish tag given."""
        for finish in self.last_finish:
            if finish > self.v:
                self.v = finish


class Scfq(_Tagged):
    """Self-clocked fair queueing."""

    def serve(self) -> Request:
        """Take the smallest finish tag; it is v from now on."""
        request, (_, finish) = self.take_smallest(1)
        self.v = finish
        return request


class Essay(Oracle):
    """The tag of *Multi-Tenant KV Fabrics*, section 5, as written; V is the tag of the request in service."""

    def __init__(self, weights: Sequence[Any], priorities: Sequence[int], quanta: Sequence[Any] = ()) -> None:
        """Start with V at 0."""
        super().__init__(weights, priorities, quanta)
        self.v: Any = Fraction(0)
        self.tags: list[Any] = []

    def arrive(self, request: Request) -> None:
        """Tag `request` with max(V, arrival) + size / weight."""
        tenant, time, size = request
        begin = time
        if self.v > begin:
            begin = self.v
        self.waiting.append(request)
        self.tags.append(begin + Fraction(size) / self.weights[tenant])

    def serve(self) -> Request:
        """Take the smallest tag among the oldest requests of each tenant."""
        oldest: dict[int, int] = {}
        for number, request in enumerate(self.waiting):
            if request[0] not in oldest:
                oldest[request[0]] = number
        ranked = sorted((self.tags[n], self.priorities[tenant], tenant, n) for tenant, n in oldest.items())
        number = ranked[0][3]
        self.v = self.tags.pop(number)
        return self.waiting.pop(number)


class Drr(Oracle):
    """Deficit round robin: the loop of the paper, with its list. A tenant in its turn counts as active."""

    def __init__(self, weights: Sequence[Any], priorities: Sequence[int], quanta: Sequence[Any] = ()) -> None:
        """Start with an empty list."""
        super().__init__(weights, priorities, quanta)
        self.active: list[int] = []
        self.deficit: list[Any] = [Fraction(0)] * len(self.weights)
        self.in_turn: int | None = None
        self.sending = self.send()

    def arrive(self, request: Request) -> None:
        """Enqueue; who is not active joins the list at its end, without deficit."""
        tenant = request[0]
        if tenant not in self.active and tenant != self.in_turn:
            self.active.append(tenant)
            self.deficit[tenant] = Fraction(0)
        self.waiting.append(request)

    def send(self) -> Iterator[Request]:
        """Yield what is sent, one after the other; arrivals happen in between."""
        while True:
            tenant = self.active.pop(0)
            self.in_turn = tenant
            self.deficit[tenant] = self.deficit[tenant] + self.quanta[tenant]
            request = self.first_of(tenant)
            while request is not None and request[2] <= self.deficit[tenant]:
                self.deficit[tenant] = self.deficit[tenant] - request[2]
                self.waiting.remove(request)
                yield request
                request = self.first_of(tenant)
            self.in_turn = None
            if request is None:
                self.deficit[tenant] = Fraction(0)
            else:
                self.active.append(tenant)

    def serve(self) -> Request:
        """Go on with the loop until it sends."""
        return next(self.sending)

    def idle(self) -> None:
        """The loop has ended its turn: nobody is active, no deficit is left."""
        self.active = []
        self.in_turn = None
        self.deficit = [Fraction(0)] * len(self.weights)
        self.sending = self.send()


class Early(Oracle):
    """Earliest deadline first among what is due; the rest by priority. Expected arrivals by Goyal's recursion."""

    def __init__(self, weights: Sequence[Any], priorities: Sequence[int], quanta: Sequence[Any] = ()) -> None:
        """Start with nothing seen."""
        super().__init__(weights, priorities, quanta)
        self.seen: list[list[tuple[Any, Any]]] = [[] for _ in self.weights]
        self.expected: list[Any] = []

    def arrive(self, request: Request) -> None:
        """Note when it is expected, after all that its tenant has sent."""
        tenant, time, size = request
        self.seen[tenant].append((time, size))
        self.waiting.append(request)
        self.expected.append(promise.expected_arrivals(self.seen[tenant], self.weights[tenant])[-1])

    def deadline(self, number: int) -> Any:
        """Return when it would be done if its tenant had the guarantee to itself."""
        tenant, _, size = self.waiting[number]
        return self.expected[number] + Fraction(size) / self.weights[tenant]

    def serve(self) -> Request:
        """Take the nearest deadline of what is due; if nothing is, the best priority."""
        due = [n for n in self.heads() if self.expected[n] <= self.now]
        if due:
            number = min(due, key=lambda n: (self.deadline(n), self.tie(n)))
        else:
            number = min(self.heads(), key=self.tie)
        self.expected.pop(number)
        return self.waiting.pop(number)


class Wfq(Oracle):
    """In the order in which a fluid, poured anew at every choice and without later arrivals, is done with them."""

    def __init__(self, weights: Sequence[Any], priorities: Sequence[int], quanta: Sequence[Any] = ()) -> None:
        """Start with nothing poured."""
        super().__init__(weights, priorities, quanta)
        self.poured: list[Request] = []
        self.numbers: list[int] = []

    def arrive(self, request: Request) -> None:
        """Pour it in as well."""
        self.numbers.append(len(self.poured))
        self.poured.append(request)
        self.waiting.append(request)

    def serve(self) -> Request:
        """Take the one that the fluid is done with first."""
        done = gps.finishes(self.poured, self.weights, self.rate)
        number = min(self.heads(), key=lambda n: (done[self.numbers[n]], self.tie(n)))
        self.numbers.pop(number)
        return self.waiting.pop(number)


class Wf2qPlus(Oracle):
    """WF2Q+: of what may have begun, the smallest finish tag."""

    def __init__(self, weights: Sequence[Any], priorities: Sequence[int], quanta: Sequence[Any] = ()) -> None:
        """Start with all clocks at 0."""
        super().__init__(weights, priorities, quanta)
        self.v: Any = Fraction(0)
        self.clock: Any = Fraction(0)
        self.finish: list[Any] = [Fraction(0)] * len(self.weights)
        self.tags: list[tuple[Any, Any]] = []
        self.in_service: int | None = None

    def tick(self, time: Any) -> None:
        """Let v run with the time."""
        self.v = self.v + time - self.clock
        self.clock = time

    def arrive(self, request: Request) -> None:
        """Tag it: from the tenant's last tag, or from v if nothing of the tenant waits or is in service."""
        tenant, time, size = request
        self.tick(time)
        start = self.finish[tenant]
        if self.first_of(tenant) is None and self.in_service != tenant and self.v > start:
            start = self.v
        self.finish[tenant] = start + Fraction(size) / self.weights[tenant]
        self.waiting.append(request)
        self.tags.append((start, self.finish[tenant]))

    def serve(self) -> Request:
        """Take the smallest finish tag of the heads whose start tag v has reached; v jumps if it has reached none."""
        self.tick(self.now)
        heads = self.heads()
        nearest = min(self.tags[n][0] for n in heads)
        if nearest > self.v:
            self.v = nearest
        number = min((n for n in heads if self.tags[n][0] <= self.v), key=lambda n: (self.tags[n][1], self.tie(n)))
        self.tags.pop(number)
        self.in_service = self.waiting[number][0]
        return self.waiting.pop(number)

    def idle(self) -> None:
        """Nothing is in service any more."""
        self.in_service = None


class VtcNoLift(Oracle):
    """The client that has been served least, ever."""

    def __init__(self, weights: Sequence[Any], priorities: Sequence[int], quanta: Sequence[Any] = ()) -> None:
        """Start with all counters at 0."""
        super().__init__(weights, priorities, quanta)
        self.counter: list[Any] = [Fraction(0)] * len(self.weights)
        self.last = 0

    def serve(self) -> Request:
        """Take the oldest of the client with the smallest counter, and charge it."""
        number = min(self.heads(), key=lambda n: (self.counter[self.waiting[n][0]], self.tie(n)))
        tenant, _, size = self.waiting[number]
        self.counter[tenant] = self.counter[tenant] + Fraction(size) / self.weights[tenant]
        self.last = tenant
        return self.waiting.pop(number)


class Vtc(VtcNoLift):
    """The same with the lift of algorithm 2 of the paper."""

    def arrive(self, request: Request) -> None:
        """Lift a client that has nothing in the queue: to the least there, or to the one that left it last."""
        if self.first_of(request[0]) is None:
            present = [self.counter[other[0]] for other in self.waiting]
            floor = min(present) if present else self.counter[self.last]
            if floor > self.counter[request[0]]:
                self.counter[request[0]] = floor
        self.waiting.append(request)


class FrFcfs(Oracle):
    """The oldest head that hits the open row; if there is none, or the oldest was passed over too often, the oldest."""

    cap: int | None = None

    def __init__(self, weights: Sequence[Any], priorities: Sequence[int], quanta: Sequence[Any] = ()) -> None:
        """Start with no row open."""
        super().__init__(weights, priorities, quanta)
        self.rows: list[int] = []
        self.open_row: int | None = None
        self.passed = 0

    def arrive(self, request: Request) -> None:
        """Note the row."""
        self.waiting.append(request)
        self.rows.append(self.row)

    def serve(self) -> Request:
        """Take a hit, or the oldest; the list is in order of arrival."""
        number = 0
        hits = [n for n in self.heads() if self.rows[n] == self.open_row]
        if hits and (self.cap is None or self.passed < self.cap):
            number = min(hits)
        if number == 0:
            self.passed = 0
        else:
            self.passed = self.passed + 1
        self.open_row = self.rows.pop(number)
        return self.waiting.pop(number)


class FrFcfsCap(FrFcfs):
    """The same with a cap of four."""

    cap = 4


class FqCodel(Oracle):
    """The two lists of RFC 8290, as lists of tenants; one request a turn."""

    forgets = False

    def __init__(self, weights: Sequence[Any], priorities: Sequence[int], quanta: Sequence[Any] = ()) -> None:
        """Start with empty lists."""
        super().__init__(weights, priorities, quanta)
        self.new: deque[int] = deque()
        self.old: deque[int] = deque()

    def arrive(self, request: Request) -> None:
        """Enqueue; who is in no list joins NEW."""
        self.waiting.append(request)
        if request[0] not in self.new and request[0] not in self.old:
            self.new.append(request[0])

    def serve(self) -> Request:
        """Take one of the head of NEW, or else of OLD; who is empty at the head of OLD leaves."""
        came_from_new = bool(self.new)
        tenant = self.new.popleft() if came_from_new else self.old.popleft()
        request = self.first_of(tenant)
        if request is None:
            return self.serve()
        self.waiting.remove(request)
        if self.first_of(tenant) is not None or (came_from_new and not self.forgets):
            self.old.append(tenant)
        return request

    def idle(self) -> None:
        """All that is left in OLD is empty."""
        self.old.clear()


class FqCodelRejoins(FqCodel):
    """The same, where a queue that empties is forgotten at once."""

    forgets = True


ORACLES: dict[str, type[Oracle]] = {
    "fcfs": Fcfs,
    "priority": Priority,
    "round-robin": RoundRobin,
    "sfq": Sfq,
    "scfq": Scfq,
    "essay": Essay,
    "drr": Drr,
    "early": Early,
    "wfq": Wfq,
    "wf2q+": Wf2qPlus,
    "vtc": Vtc,
    "vtc-no-lift": VtcNoLift,
    "fq-codel": FqCodel,
    "fq-codel-rejoins": FqCodelRejoins,
    "fr-fcfs": FrFcfs,
    "fr-fcfs-cap": FrFcfsCap,
}
