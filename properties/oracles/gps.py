"""The fluid of generalised processor sharing, poured: queues of bytes, from event to event, without virtual time."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

__all__ = ["finishes", "served"]

# (tenant, time, bytes), in order of arrival
Request = tuple[int, Any, Any]


def finishes(requests: Sequence[Request], weights: Sequence[Any], rate: Any) -> list[Fraction]:
    """Return when each of `requests` is done."""
    done, _ = _pour(requests, weights, rate, None)
    return [done[number] for number in range(len(requests))]


def served(requests: Sequence[Request], weights: Sequence[Any], rate: Any, until: Any) -> list[Fraction]:
    """Return the bytes that each tenant has got by `until`."""
    return _pour(requests, weights, rate, until)[1]


def _pour(
    requests: Sequence[Request], weights: Sequence[Any], rate: Any, until: Any
) -> tuple[dict[int, Fraction], list[Fraction]]:
    now = Fraction(0)
    # Per tenant what is inside: [number, bytes left]; the first one is served.
    inside: list[list[list[Any]]] = [[] for _ in weights]
    got = [Fraction(0) for _ in weights]
    done: dict[int, Fraction] = {}
    coming = list(enumerate(requests))
    while until is None or now < until:
        while coming and coming[0][1][1] <= now:
            number, (tenant, _, size) = coming.pop(0)
            inside[tenant].append([number, Fraction(size)])
        busy = [tenant for tenant in range(len(weights)) if inside[tenant]]
        if not busy and not coming:
            break
        speed = {tenant: Fraction(rate) * weights[tenant] / sum(weights[j] for j in busy) for tenant in busy}
        events = [now + inside[tenant][0][1] / speed[tenant] for tenant in busy]
        if coming:
            events.append(Fraction(coming[0][1][1]))
        if until is not None:
            events.append(Fraction(until))
        event = min(events)
        for tenant in busy:
            poured = speed[tenant] * (event - now)
            got[tenant] = got[tenant] + poured
            inside[tenant][0][1] = inside[tenant][0][1] - poured
            if inside[tenant][0][1] == 0:
                done[inside[tenant].pop(0)[0]] = event
        now = event
    return done, got
