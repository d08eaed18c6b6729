"""Replays of the memory: who has which page, and in which bank.

A row of such a schedule is one operation: `allocate`; `free` (row: the lease to show, counted from 0); `drain` (row: a
bank); `copy` (row: a page); `switch`; `hand-over` (row: a bank; to the row's tenant). Time only orders them.

Claims: "shared-bank", pages of two tenants are in one bank at once; "owned-twice", a page was granted under two leases
that nobody has given back; "over-quota", a tenant has more pages than its quota. Rules: "coloured"; "essay" (colours of
`each` banks that begin anew where the banks end), "masks" (the `colours` as they are given, a mask a tenant),
"owner-only" (no lease is shown), "at-once" (banks change hands while pages are in them). `page_bytes`, if it is given,
says where in memory a page begins.
"""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import attrs

from headgate.model.memory import allocator
from headgate.model.memory import pages as rules
from headgate.model.memory.allocator import Memory, Rules, masked
from headgate.model.memory.colours import dealt_holders, essay_mask
from headgate.model.memory.pages import NOBODY, Outcome
from headgate.model.replay.form import Lane, Mark, Replay, ReplayError
from headgate.spec.vocabulary import Request

__all__ = ["CLAIMS"]

# A table of pages is written out, and every step looks through it.
MOST_PAGES = 4096
MOST_LOOKS = 10_000_000
OPERATIONS = ("allocate", "free", "drain", "copy", "switch", "hand-over")


@attrs.frozen
class _Grant:
    """A lease that was given: whose, for which page, and since when."""

    tenant: int
    page: int
    since: Fraction


@attrs.frozen
class _Moment:
    """What there is after an operation: the memory, and the leases that nobody has given back, by number."""

    request: Request
    outcome: Outcome
    place: int
    memory: Memory
    live: Mapping[int, _Grant]


def _whole(given: Any, key: str, least: int, most: int) -> int:
    value = given.number(key, least=None)
    if value.denominator != 1 or not least <= value <= most:
        raise ReplayError(f"parameters.{key}: expected a whole number from {least} to {most}, got {value}")
    return int(value)


def _list(given: Any, key: str, default: list[int], least: int, most: int) -> list[int]:
    values = given.list_of(key, default)
    numbers = [n for n in values if isinstance(n, int | Fraction) and not isinstance(n, bool)]
    if len(numbers) < len(values) or any(n != int(n) or not least <= n <= most for n in numbers):
        raise ReplayError(f"parameters.{key}: expected whole numbers from {least} to {most}, got {values!r}")
    return [int(n) for n in numbers]


def _run(given: Any) -> tuple[list[_Moment], list[int]]:
    """Run the operations; return a moment after each, and the quotas."""
    banks, rows = _whole(given, "banks", 1, MOST_PAGES), _whole(given, "rows", 1, MOST_PAGES)
    tenants = _whole(given, "tenants", 1, 64)
    if banks * rows > MOST_PAGES:
        raise ReplayError(f"parameters: expected at most {MOST_PAGES} pages (banks times rows), got {banks * rows}")
    if banks * rows * len(given.requests) > MOST_LOOKS:
        raise ReplayError(f"requests: expected at most {MOST_LOOKS // (banks * rows)} for so many pages")
    each = _whole(given, "each", 1, banks) if given.has("each") else 1
    holders = _list(given, "holders", list(dealt_holders(tenants, each, banks)), NOBODY, tenants - 1)
    quotas = _list(given, "quotas", [banks * rows] * tenants, 0, MOST_PAGES)
    if len(holders) != banks or len(quotas) != tenants:
        raise ReplayError("parameters: expected a holder for each bank, and a quota for each tenant")
    chosen: dict[str, Callable[[], Rules]] = {
        "coloured": Rules,
        "essay": lambda: masked([essay_mask(tenant, each, banks) for tenant in range(tenants)]),
        "masks": lambda: masked(_colours(given, tenants, banks)),
        "owner-only": lambda: Rules(free=rules.owner_frees),
        "at-once": lambda: Rules(hand_over=rules.at_once),
    }
    rule = chosen[given.rule_of(*chosen)]()
    return list(_moments(given.requests, allocator.fresh(banks * rows, holders, quotas), rule)), quotas


def _colours(given: Any, tenants: int, banks: int) -> list[int]:
    masks = _list(given, "colours", [], 1, (1 << banks) - 1)
    if len(masks) != tenants:
        raise ReplayError(f"parameters.colours: expected a mask for each of {tenants} tenants, got {len(masks)}")
    return masks


def _moments(requests: tuple[Request, ...], memory: Memory, rule: Rules) -> Iterator[_Moment]:
    live: dict[int, _Grant] = {}
    given: dict[int, _Grant] = {}
    for number, request in enumerate(requests):
        _check(number, request, memory)
        lease = request.row
        outcome, place, after = _operate(memory, request, rule, given)
        granted = request.operation == "allocate" and outcome == Outcome.DONE
        if granted:
            given[memory.leases] = live[memory.leases] = _Grant(request.tenant, place, Fraction(request.arrival_ns))
        # Its tenant has done with it, whatever the rule makes of that.
        if request.operation == "free" and lease in live and live[lease].tenant == request.tenant:
            del live[lease]
        memory = after
        live = {n: attrs.evolve(g, page=_place_of(memory, n, g.page)) for n, g in live.items()}
        yield _Moment(request, Outcome(outcome), place, memory, dict(live))


def _place_of(memory: Memory, lease: int, otherwise: int) -> int:
    """Return where the page under `lease` is now."""
    return next((p for p, page in enumerate(memory.pages) if page.lease == lease), otherwise)


def _check(number: int, request: Request, memory: Memory) -> None:
    if request.operation not in OPERATIONS:
        raise ReplayError(f"requests[{number}].operation: expected one of {', '.join(OPERATIONS)}")
    if not 0 <= request.tenant < len(memory.accounts):
        raise ReplayError(f"requests[{number}].tenant: expected one of the {len(memory.accounts)} tenants")
    places = {"drain": len(memory.banks), "hand-over": len(memory.banks), "copy": len(memory.pages)}
    if request.row >= places.get(request.operation, request.row + 1):
        raise ReplayError(f"requests[{number}].row: expected less than {places[request.operation]}, got {request.row}")


def _operate(memory: Memory, request: Request, rule: Rules, given: Mapping[int, _Grant]) -> tuple[Any, Any, Memory]:
    tenant, row = request.tenant, request.row
    place = _place_of(memory, row, given[row].page) if row in given else 0
    ways: dict[str, Callable[[], tuple[Any, Any, Memory]]] = {
        "allocate": lambda: allocator.allocate(memory, tenant, rule),
        "free": lambda: allocator.free(memory, tenant, place, row, rule),
        "drain": lambda: allocator.drain(memory, row),
        "copy": lambda: allocator.begin_copy(memory, row),
        "switch": lambda: allocator.finish_copy(memory),
        "hand-over": lambda: allocator.hand_over(memory, row, tenant, rule),
    }
    return ways[request.operation]()


# What the claims count.


def _tenants_of_bank(moment: _Moment) -> tuple[int, int, dict[int, int]]:
    """Return the most tenants that have pages in one bank, which bank, and the first page of each of them."""
    count = len(moment.memory.banks)
    owners: dict[int, dict[int, int]] = {}
    for place, page in enumerate(moment.memory.pages):
        if page.owner != NOBODY:
            owners.setdefault(place % count, {}).setdefault(page.owner, place)
    bank = max(owners, key=lambda n: len(owners[n]), default=0)
    found = owners.get(bank, {})
    return len(found), bank, {tenant: found[tenant] for tenant in sorted(found)}


def _leases_of_page(moment: _Moment) -> tuple[int, str]:
    """Return the most live leases that one page was granted under, and which they are."""
    leases: dict[int, list[int]] = {}
    for number, grant in moment.live.items():
        leases.setdefault(grant.page, []).append(number)
    page = max(leases, key=lambda p: len(leases[p]), default=0)
    return len(leases.get(page, ())), f"page {page} is granted under leases {_and(leases.get(page, []))}"


def _and(numbers: list[int]) -> str:
    return " and ".join(map(str, numbers)) or "none"


def _replay(given: Any, count: Callable[[_Moment], tuple[int, str]], bound: int, unit: str, short: str) -> Replay:
    moments, _ = _run(given)
    worst = max(moments, key=lambda moment: count(moment)[0], default=None)
    if worst is None:
        limit = given.judge(Fraction(0), Fraction(bound))[1]
        return Replay(False, Fraction(0), limit, unit, "nothing is asked for", ())
    observed, finding = count(worst)
    lanes = [*_lanes(moments)]
    violated, limit = given.judge(Fraction(observed), Fraction(bound))
    if violated:
        shows = [given.judge(Fraction(count(moment)[0]), Fraction(bound))[0] for moment in moments]
        broken = [Fraction(m.request.arrival_ns) for m, is_shown in zip(moments, shows, strict=True) if is_shown]
        lanes.append(Lane("violation", (Mark(broken[0], broken[-1], "violation", short),)))
    finding = f"{finding}; {given.asked_for()} {limit}"
    return Replay(violated, Fraction(observed), limit, unit, finding, tuple(lanes))


def _lanes(moments: list[_Moment]) -> Iterator[Lane]:
    """Yield a lane a tenant: when it asked, and what was granted or refused."""
    for tenant in sorted({moment.request.tenant for moment in moments}):
        marks = []
        for moment in (m for m in moments if m.request.tenant == tenant):
            at, name, done = (
                Fraction(moment.request.arrival_ns),
                moment.request.operation,
                moment.outcome == Outcome.DONE,
            )
            marks.append(Mark(at, at, "arrival", name))
            marks.append(Mark(at, at, "admitted", f"{name}: {moment.place}") if done else _refused(at, moment))
        yield Lane(f"tenant {tenant}", tuple(marks))


def _refused(at: Fraction, moment: _Moment) -> Mark:
    name = moment.outcome.name.lower().replace("_", " ")
    return Mark(at, at, "refused", f"{moment.request.operation}: {name} ({rules.CLAUSES[moment.outcome]})")


def _shared_bank(given: Any) -> Replay:
    """Claim "shared-bank": pages of two tenants, or of `at_least` so many, are in one bank at once."""
    size = _whole(given, "page_bytes", 1, 10**15) if given.has("page_bytes") else None

    def count(moment: _Moment) -> tuple[int, str]:
        most, bank, found = _tenants_of_bank(moment)
        if most < 2:
            return most, f"bank {bank} has pages of tenant {_and(list(found))}"
        words = f"bank {bank} has pages {_and(list(found.values()))} of tenants {_and(list(found))}"
        at = "" if size is None else f", which begin at bytes {_and([page * size for page in found.values()])}"
        return most, words + at

    return _replay(given, count, 1, "tenants", "a shared bank")


def _owned_twice(given: Any) -> Replay:
    """Claim "owned-twice": a page is granted while a lease of it has not been given back."""
    return _replay(given, _leases_of_page, 1, "leases", "two leases")


def _over_quota(given: Any) -> Replay:
    """Claim "over-quota": a tenant has more pages than its quota; observed is the excess."""
    quotas = _run(given)[1]

    def excess(moment: _Moment) -> tuple[int, str]:
        held = [0] * len(quotas)
        for page in moment.memory.pages:
            if page.owner != NOBODY and page.lease != rules.NO_LEASE:
                held[page.owner] += 1
        tenant = max(range(len(quotas)), key=lambda t: held[t] - quotas[t])
        words = f"tenant {tenant} has {held[tenant]} pages of a quota of {quotas[tenant]}"
        return max(0, held[tenant] - quotas[tenant]), words

    return _replay(given, excess, 0, "pages", "over its quota")


CLAIMS: Mapping[tuple[str, str], Callable[[Any], Replay]] = {
    ("allocator", "shared-bank"): _shared_bank,
    ("allocator", "owned-twice"): _owned_twice,
    ("allocator", "over-quota"): _over_quota,
}
