"""A whole run, the slow way: police every tenant, then let the server choose, one request after the other.

Policing goes over all earlier requests of the tenant each time, shaping tries one ns after the other, and a finish
walks from blackout to blackout.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from headgate.properties.oracles import meter, promise, refresh
from headgate.properties.oracles.arbiters import ORACLES, Oracle
from headgate.spec.vocabulary import Contract, Excess, Request

__all__ = ["police", "run"]


def police(requests: Sequence[Request], contracts: Sequence[Contract]) -> list[dict[str, Any]]:
    """Return for each request its class, release and expected arrival (None: background)."""
    answers: list[dict[str, Any]] = [{} for _ in requests]
    for tenant, contract in enumerate(contracts):
        own = [number for number, request in enumerate(requests) if request.tenant == tenant]
        charged: list[tuple[Any, Any]] = []
        in_line: list[tuple[Any, Any]] = []
        for number in own:
            answers[number] = _police_one(requests[number], contract, charged, in_line)
    return answers


def _police_one(
    request: Request, contract: Contract, charged: list[tuple[Any, Any]], in_line: list[tuple[Any, Any]]
) -> dict[str, Any]:
    """Return what becomes of one request; `charged` was in contract before it, `in_line` was served in line."""
    release, size = request.arrival_ns, request.bytes
    if size <= 0 or size > contract.max_request_bytes:
        return {"class": "refused", "release": release, "expected": None}
    if contract.best_effort:
        return {"class": "excess", "release": release, "expected": None}
    if contract.excess is Excess.SHAPED:
        if in_line and in_line[-1][0] > release:
            release = in_line[-1][0]
        while _class(charged, release, size, contract) == "excess":
            release = release + 1
    name = _class(charged, release, size, contract)
    if name == "excess" and contract.excess is Excess.BACKGROUND:
        return {"class": name, "release": release, "expected": None}
    in_line.append((release, size))
    if name != "excess":
        charged.append((release, size))
    expected = promise.expected_arrivals(in_line, contract.guaranteed_bytes_per_ns)[-1]
    return {"class": name, "release": release, "expected": expected}


def _class(charged: list[tuple[Any, Any]], now: int, size: int, contract: Contract) -> str:
    g, p = contract.guaranteed_bytes_per_ns, contract.burst_bytes_per_ns
    history = [*charged, (now, size)]
    return meter.classes(history, g, p, contract.burst_duration_ns, contract.max_request_bytes)[-1]


def run(
    requests: Sequence[Request],
    contracts: Sequence[Contract],
    policy: str,
    peak: Fraction,
    blackouts: tuple[Fraction, Fraction, Fraction] | None = None,
) -> list[tuple[int, Fraction, Fraction]]:
    """Return (number of the request, start, finish) in order of service.

    `blackouts` is (interval, blackout, offset). Requests refused are left out.
    """
    policed = police(requests, contracts)
    left = [n for n in range(len(requests)) if policed[n]["class"] != "refused"]
    left.sort(key=lambda n: (policed[n]["release"], n))
    arbiter, now = _arbiter(contracts, policy), Fraction(0)
    arbiter.rate = Fraction(peak)
    if blackouts is not None:
        interval, blackout, _ = blackouts
        arbiter.rate = peak * (interval - blackout) / Fraction(interval)
    background: list[int] = []
    names: list[tuple[Any, int]] = []
    done = []
    while left or arbiter.waiting or background:
        while left and policed[left[0]]["release"] <= now:
            number = left.pop(0)
            if policed[number]["expected"] is None:
                background.append(number)
            else:
                seen = (requests[number].tenant, policed[number]["release"], requests[number].bytes)
                arbiter.row = requests[number].row
                arbiter.arrive(seen)
                names.append((seen, number))
        arbiter.now = now
        if arbiter.waiting:
            chosen = _named(names, arbiter.serve())
        else:
            arbiter.idle()
            if not background:
                now = Fraction(policed[left[0]]["release"])
                continue
            chosen = background.pop(0)
        finish = _finish(now, requests[chosen].bytes / Fraction(peak), blackouts)
        done.append((chosen, now, finish))
        now = finish
    return done


def _arbiter(contracts: Sequence[Contract], policy: str) -> Oracle:
    weights = [c.guaranteed_bytes_per_ns if not c.best_effort else Fraction(1) for c in contracts]
    turn = max(Fraction(c.max_request_bytes) / w for c, w in zip(contracts, weights, strict=True))
    return ORACLES[policy](weights, [c.priority for c in contracts], [w * turn for w in weights])


def _named(names: list[tuple[Any, int]], served: Any) -> int:
    """Return the number of the request that `served` is: the oldest that looks like it."""
    for place, (seen, number) in enumerate(names):
        if seen == served:
            names.pop(place)
            return number
    raise LookupError(f"the arbiter invented {served}")


def _finish(start: Fraction, work: Fraction, blackouts: tuple[Fraction, Fraction, Fraction] | None) -> Fraction:
    if blackouts is None:
        return start + work
    return refresh.finish(start, work, *blackouts)
