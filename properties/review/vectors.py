"""Test vectors: fixed cases with their answers, for implementations that would rather read a file than be asked.

Every vector names its clause, says why it exists and which kind of fault it catches. The answers come from the
reference model; where two answers would be right (a tie between tenants), there is no vector. Written by
`headgate vectors`, in the form of `spec/schemas/vectors.schema.json`.
"""

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import attrs

from headgate.model.arbiters import ARBITERS
from headgate.model.arbiters.drr import quanta_for
from headgate.model.bucket import full, refill
from headgate.model.bucket import offer as bucket_offer
from headgate.model.bucket import step as bucket_step
from headgate.model.marker import Colour, MarkerRates
from headgate.model.marker import fresh as fresh_marker
from headgate.model.marker import step as marker_step
from headgate.model.simulator import Server, simulate
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import Contract, Request

__all__ = ["FORMAT", "Vector", "file_text", "vector_files", "vectors"]

FORMAT = 1


@attrs.frozen
class Vector:
    """One vector. `calls` are lists of an operation and its arguments; `answers` are one a call.

    Times are whole ns, sizes bytes, rates bytes a ns. Of an arbiter, `calls` are the arrivals and `answers` the
    services in their order, (tenant, size, start), of a server of 1 byte a ns that asks whenever it is free, after it
    has enqueued whatever has arrived by then.
    """

    id: str
    role: str
    policy: str
    clause: str
    why: str
    catches: str
    configuration: Mapping[str, Any]
    calls: tuple[tuple[Any, ...], ...]
    answers: tuple[Any, ...]


def vectors() -> list[Vector]:
    """Return every vector, in the order of the files."""
    return [*_buckets(), *_shapers(), *_markers(), *_arbiters()]


def vector_files() -> dict[str, dict[str, Any]]:
    """Return the files, by name: one a role."""
    files: dict[str, dict[str, Any]] = {}
    for vector in vectors():
        file = files.setdefault(f"{vector.role}.json", {"format": FORMAT, "role": vector.role, "vectors": []})
        table = attrs.asdict(vector)
        del table["role"]
        file["vectors"].append(table)
    return files


def file_text(table: Mapping[str, Any]) -> str:
    """Return a file as it is written: a field a line, so that a change of one answer is a change of one line."""
    head = "".join(f" {json.dumps(key)}: {json.dumps(table[key])},\n" for key in ("format", "role"))
    blocks = [
        ",\n".join(f"   {json.dumps(key)}: {json.dumps(value)}" for key, value in vector.items())
        for vector in table["vectors"]
    ]
    return "{\n" + head + ' "vectors": [\n  {\n' + "\n  },\n  {\n".join(blocks) + "\n  }\n ]\n}\n"


# ---- buckets ----

_BUCKETS = (
    ("full-at-first", "TB-1", "A bucket that nobody has used holds its depth.", "starts empty, or warms up",
     (2, 10), ((0, 10), (0, 1))),
    ("one-instant", "TB-2", "Requests of one instant see no refill between them.", "counts an instant once",
     (1, 3), ((0, 1), (0, 1), (0, 1), (0, 1))),
    ("last-ns-before-it-fits", "TB-5", "It fits in the ns in which the level reaches its size, not one before.",
     "rounds time or level up or down", (2, 8), ((0, 8), (3, 8), (4, 8))),
    ("idle-is-capped", "TB-2", "After an idle spell the bucket holds its depth, however long the spell was.",
     "saves without a limit", (3, 5), ((0, 5), (1000, 5), (1000, 1))),
    ("idle-while-full", "TB-4", "The time that passes while the bucket is full is worth nothing.",
     "a clock that stands still while the bucket is full, so that idle time counts twice",
     (1, 4), ((100, 4), (100, 1), (101, 1), (101, 1))),
    ("refusal-is-free", "TB-3", "A refused request leaves the level as it is.", "charges what it refuses",
     (1, 4), ((0, 3), (0, 2), (0, 1))),
    ("small-steps", "TB-2", "Refills add up, however often it is asked.", "time floored to a coarser unit",
     (1, 2), ((0, 2), (1, 1), (2, 1), (3, 1), (3, 1), (4, 1))),
    ("refused-steps", "TB-2", "Asking in vain costs no time.", "a refusal moves the clock without the refill",
     (1, 8), ((0, 8), (3, 8), (6, 8), (8, 8))),
    ("beyond-the-depth", "TB-6", "A request larger than the depth never passes.", "lets a large request borrow",
     (5, 4), ((0, 5), (1000, 5), (1000, 4))),
)  # fmt: skip


def _buckets() -> Iterator[Vector]:
    for name, clause, why, catches, (rate, burst), offers in _BUCKETS:
        state, last, answers = full(burst), 0, []
        for now, size in offers:
            admitted, state = bucket_step(state, rate, burst, now - last, size)
            last = now
            answers.append(admitted)
        calls = tuple(("offer", now, size) for now, size in offers)
        numbers = {"rate": rate, "burst": burst}
        yield Vector(f"bucket-{name}", "bucket", "token-bucket", clause, why, catches, numbers, calls, tuple(answers))


# ---- shapers ----

_SHAPERS = (
    ("burst-then-rate", "TB-5", "The depth leaves at once, the rest as the rate allows.", "paces what may burst",
     (1, 3), ((0, 3), (0, 3), (0, 1))),
    ("in-order", "AR-2", "A small request does not pass a large one that waits.", "lets what fits go first",
     (1, 4), ((0, 4), (0, 4), (1, 1))),
    ("after-an-idle-spell", "TB-4", "An idle spell is worth the depth and no more.", "saves without a limit",
     (2, 4), ((0, 4), (100, 4), (100, 4))),
    ("between-two-ns", "TB-5", "A departure is the exact instant, or the first whole ns after it.",
     "rounds early", (3, 4), ((0, 4), (0, 2))),
)  # fmt: skip


def _shapers() -> Iterator[Vector]:
    for name, clause, why, catches, (rate, burst), submitted in _SHAPERS:
        state, last, answers = full(burst), Fraction(0), []
        for now, size in submitted:
            begin = max(Fraction(now), last)
            state = refill(state, rate, burst, begin - last)
            departure = begin + max(Fraction(0), (size - Fraction(state.level)) / rate)
            _, state = bucket_offer(refill(state, rate, burst, departure - begin), size)
            last = departure
            answers.append(exact_text(departure))
        calls = tuple(("submit", now, size) for now, size in submitted)
        numbers = {"rate": rate, "burst": burst}
        yield Vector(f"shaper-{name}", "shaper", "token-bucket", clause, why, catches, numbers, calls, tuple(answers))


# ---- markers ----

_MARKERS = (
    ("every-colour", "TC-2", "Green charges both buckets, yellow the peak bucket, red none.", "charges red",
     (1, 4, 2, 6), ((0, 4), (0, 2), (0, 1), (1, 1), (1, 1), (1, 1))),
    ("peak-first", "TC-2", "What exceeds the peak bucket is red, even if the committed bucket covers it.",
     "asks the committed bucket first", (1, 8, 1, 4), ((0, 5), (0, 4), (0, 1))),
    ("yellow-spares-the-committed", "TC-2", "A yellow packet leaves the committed bucket as it is.",
     "charges the committed bucket for yellow", (1, 3, 4, 12), ((0, 4), (0, 3), (0, 1))),
    ("two-rates", "TC-1", "Each bucket fills at its own rate, up to its own depth.", "one clock for both depths",
     (1, 4, 3, 6), ((0, 4), (0, 2), (2, 2), (2, 2), (2, 2), (100, 4), (100, 2), (100, 1))),
)  # fmt: skip


def _markers() -> Iterator[Vector]:
    for name, clause, why, catches, numbers, packets in _MARKERS:
        rates = MarkerRates(*numbers)
        state, last, answers = fresh_marker(rates), 0, []
        for now, size in packets:
            colour, state = marker_step(state, rates, now - last, size)
            last = now
            answers.append(Colour(int(colour)).name.lower())
        calls = tuple(("mark", now, size) for now, size in packets)
        given = dict(zip(("cir", "cbs", "pir", "pbs"), numbers, strict=True))
        yield Vector(f"marker-{name}", "marker", "rfc2698", clause, why, catches, given, calls, tuple(answers))


# ---- arbiters ----

_FLOOD = ((0, 0, 3), (0, 0, 3), (0, 0, 3), (1, 1, 4), (1, 1, 2))
_BACK = ((0, 0, 2), (0, 0, 2), (0, 0, 2), (0, 0, 2), (5, 1, 3), (5, 1, 3), (5, 1, 3))
_THREE = ((0, 0, 7), (0, 0, 7), (1, 1, 3), (2, 2, 5), (8, 1, 3), (9, 2, 5), (12, 1, 4))

# Each choice has one winner: no two tenants are equal when one of them is picked. The virtual token counter has no
# vectors therefore: it lifts whoever comes back to the very counter of another.
_ARBITERS = (
    ("fcfs", "order", "AR-3", "Whoever came first goes first.", "a heap keyed by size or tenant",
     (1, 1), ((0, 1, 5), (1, 0, 3), (2, 1, 1), (3, 0, 2))),
    ("priority", "preemption", "AR-4", "The best priority that waits goes next; nothing in service is cut.",
     "serves by arrival, or cuts a service", (1, 1, 1), ((0, 2, 7), (1, 1, 3), (2, 0, 5), (3, 2, 1), (8, 0, 3))),
    ("round-robin", "a-turn-each", "AR-5", "One request a turn.", "starts over at the first tenant", (1, 1, 1), _THREE),
    ("drr", "carries-the-rest", "AR-6", "What is left of a quantum is kept for the next turn.",
     "forgets the deficit at the end of a turn", (1, 1), ((0, 0, 4), *[(1, 1, 3)] * 4, *[(2, 0, 4)] * 3)),
    ("drr", "leaves-without-it", "AR-6", "Whoever has nothing left to send leaves without the rest of its quantum.",
     "keeps a deficit for a tenant that has gone", (1, 1),
     ((0, 0, 1), (1, 1, 4), (1, 1, 4), (20, 1, 4), (21, 0, 3), (21, 0, 2), (22, 1, 4))),
    ("sfq", "flood", "FQ-1", "A tag begins no earlier than the finish tag of the one before it.",
     "forgets the finish tag of the request before", (1, 1), _FLOOD),
    ("sfq", "return", "FQ-2", "Who comes back is tagged from the virtual time of now.",
     "pays idle time as a credit", (1, 1), _BACK),
    ("sfq", "weights", "FQ-1", "A tag grows by size over weight.", "multiplies by the weight", (1, 3), _FLOOD),
    ("scfq", "flood", "FQ-6", "Served by finish tags; the virtual time is that of the request in service.",
     "stamps with real time", (1, 1), (*_FLOOD[:4], (1, 1, 1))),
    ("scfq", "weights", "FQ-6", "A tag grows by size over weight.", "forgets the weight", (2, 5, 3), _THREE),
    ("wfq", "leaves-the-fluid", "WQ-1", "The virtual time slows down as tenants join the fluid, not the queue.",
     "takes the active set from packets in the queue", (1, 2, 4), _THREE),
    ("wfq", "return", "WQ-2", "A tenant that comes back is tagged from the fluid's virtual time.",
     "tags after the server instead of the fluid", (2, 1), _BACK),
    ("wf2q+", "begun-by-now", "WF-1", "Of the requests that the fluid has begun, the one that it ends first goes next.",
     "takes the smallest finish tag, begun or not, as WFQ does", (2, 5, 3),
     ((0, 1, 5), (1, 1, 4), (1, 1, 5), (1, 1, 6), (2, 0, 2), (2, 2, 5), (3, 2, 2))),
)  # fmt: skip


def _arbiters() -> Iterator[Vector]:
    for policy, name, clause, why, catches, weights, arrivals in _ARBITERS:
        largest = max(size for _, _, size in arrivals)
        shares = [Fraction(weight, sum(weights)) for weight in weights]
        contracts = [
            Contract(f"t{number}", share, share, max_request_bytes=largest, priority=number)
            for number, share in enumerate(shares)
        ]
        requests = [Request(tenant, at, size) for at, tenant, size in arrivals]
        run = simulate(requests, contracts, ARBITERS[policy], Server(Fraction(1)))
        answers = tuple((s.request.tenant, s.request.bytes, exact_text(s.start_ns)) for s in run.services)
        numbers: dict[str, Any] = {"weights": list(weights)}
        if policy == "priority":
            numbers["priorities"] = list(range(len(weights)))
        if policy == "drr":
            given = quanta_for(tuple(shares), (largest,) * len(weights))
            numbers["quanta"] = [exact_text(quantum) for quantum in given]
        calls = tuple(("enqueue", at, tenant, size) for at, tenant, size in arrivals)
        yield Vector(f"{policy}-{name}", "arbiter", policy, clause, why, catches, numbers, calls, answers)
