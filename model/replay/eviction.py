"""Replays of eviction and of the admission of pages.

A request of a schedule is a use of one page: `tenant` is the request of the server, `row` the page in it, `arrival_ns`
the step. For the admission of pages it is a page that `tenant` asks for (its first request brings its prompt).
"""

from fractions import Fraction

import attrs

from headgate.model.memory.eviction import POLICIES, Claims
from headgate.model.memory.frames import WITHIN, Frames, Layout, Touched, cold, holdings, layout_of, touch
from headgate.model.memory.pages_admission import (
    Tenancy,
    fits_by_maximum,
    fits_by_quota,
    fits_now,
    fits_now_and_quota,
    grow,
    is_stuck,
    nobody,
    seat,
)
from headgate.model.replay.form import Lane, Mark, Replay, ReplayError
from headgate.model.replay.given import Given
from headgate.spec.vocabulary import Request

__all__ = ["CLAIMS"]

# A use compares all pages, so that both numbers bound the work.
MOST_PAGES, MOST_USES = 256, 4096
MOST = 10**9


@attrs.frozen
class _Use:
    """A use of a page, what became of it, and the frames before and after."""

    request: Request
    touched: Touched
    before: Frames
    after: Frames


@attrs.frozen
class _Play:
    """The pages, what is promised, and all uses."""

    layout: Layout
    claims: Claims
    capacity: int
    uses: list[_Use]


def _whole(given: Given, key: str, least: int, most: int) -> int:
    number = given.number(key)
    if number.denominator != 1 or not least <= number <= most:
        raise ReplayError(f"parameters.{key}: expected a whole number from {least} to {most}, got {number}")
    return int(number)


def _counts(given: Given, key: str, least: int, many: int | None = None) -> tuple[int, ...]:
    """Return a list of whole numbers, one for each request."""
    numbers = given.parameter(key)
    if not isinstance(numbers, list | tuple) or not numbers or len(numbers) != (many or len(numbers)):
        raise ReplayError(f"parameters.{key}: expected a list, a number for each request, got {numbers!r}")
    for number in numbers:
        if not isinstance(number, int | Fraction) or number != int(number) or not least <= number <= MOST:
            raise ReplayError(f"parameters.{key}: expected whole numbers from {least} to {MOST}, got {number!r}")
    return tuple(int(number) for number in numbers)


def _within(given: Given) -> str:
    word = given.parameter("within")
    if word is None:
        return "lru"
    if not isinstance(word, str) or word not in WITHIN:
        raise ReplayError(f"parameters.within: expected one of {', '.join(WITHIN)}, got {word!r}")
    return word


def _play(given: Given) -> _Play:
    """Run the uses on the pages themselves, from an empty memory."""
    totals = _counts(given, "pages", 1)
    floors = _counts(given, "floors", 0, len(totals))
    capacity = _whole(given, "capacity", 1, MOST_PAGES)
    if sum(totals) > MOST_PAGES or len(given.requests) > MOST_USES:
        raise ReplayError(f"parameters.pages: expected at most {MOST_PAGES} pages and {MOST_USES} uses of them")
    if sum(floors) > capacity:
        raise ReplayError(f"parameters.floors: expected a sum of at most the capacity {capacity}, got {sum(floors)}")
    layout = layout_of(totals)
    claims, policy, within = Claims(floors, totals), POLICIES[given.rule_of(*POLICIES)], _within(given)
    frames, uses = cold(len(layout.owners)), []
    for number, request in enumerate(given.requests):
        if request.tenant >= len(totals) or request.row >= totals[request.tenant]:
            raise ReplayError(f"requests[{number}]: expected a page of one of the requests in parameters.pages")
        page = sum(totals[: request.tenant]) + request.row
        touched, after = touch(frames, layout, capacity, claims, page, policy, within)
        uses.append(_Use(request, touched, frames, after))
        frames = after
    return _Play(layout, claims, capacity, uses)


def _lanes(play: _Play) -> list[Lane]:
    """Return a lane a request, with a mark for each use, at its place in the schedule."""
    lanes = []
    for who in range(play.layout.requests):
        own = [(at, use) for at, use in enumerate(play.uses) if use.request.tenant == who]
        marks = [_mark(Fraction(at), use) for at, use in own]
        lanes.append(Lane(f"request {who}", tuple(marks)))
    return lanes


def _mark(at: Fraction, use: _Use) -> Mark:
    page = f"page {use.request.row}"
    if use.touched.hit:
        return Mark(at, at, "hit", page)
    return Mark(at, at, "miss", f"{page}: refused" if use.touched.refused else f"{page}: fetched")


def _floor(given: Given) -> Replay:
    """Claim "floor": a load of another takes a page of a request that has no more than its floor."""
    play, tighter = _play(given), given.tighter()
    lanes = _lanes(play)
    worst: tuple[Fraction, Fraction, int, int] | None = None
    for at, use in enumerate(play.uses):
        owner = int(use.touched.owner)
        if not use.touched.evicted or owner == use.request.tenant:
            continue
        left = Fraction(holdings(use.after, play.layout).resident[owner])
        bound = play.claims.floors[owner] + tighter
        if worst is None or left - bound < worst[0] - worst[1]:
            worst = (left, bound, owner, at)
    if worst is None:
        return Replay(False, Fraction(0), Fraction(0), "pages", "no load takes a page of another", tuple(lanes))
    left, bound, owner, at = worst
    if left < bound:
        lanes.append(Lane("violation", (Mark(Fraction(at), Fraction(at), "violation", "below its floor"),)))
    finding = f"an eviction leaves request {owner} with {left} pages, its floor is {bound}"
    return Replay(left < bound, left, bound, "pages", finding, tuple(lanes))


def _losses(given: Given) -> Replay:
    """Claim "losses": so many pages go of a request that is left with less than its floor.

    Of `tenant` or, if it is not given, of whoever loses most; `at_least` says how many (1).
    """
    play, asked = _play(given), given.number("at_least", Fraction(1), least=None)
    who, lanes = given.tenant("tenant", play.layout.requests), _lanes(play)
    lost: list[list[int]] = [[] for _ in range(play.layout.requests)]
    for at, use in enumerate(play.uses):
        owner = int(use.touched.owner)
        if use.touched.evicted and holdings(use.after, play.layout).resident[owner] < play.claims.floors[owner]:
            lost[owner].append(at)
    worst = max(range(len(lost)), key=lambda each: len(lost[each])) if who is None else who
    observed = Fraction(len(lost[worst]))
    if observed >= asked:
        marks = [Mark(Fraction(at), Fraction(at), "violation", "below its floor") for at in lost[worst]]
        lanes.append(Lane("violation", tuple(marks)))
    pages = "one page" if observed == 1 else f"{observed} pages"
    finding = f"request {worst} loses {pages} while it has no more than its floor of {play.claims.floors[worst]}"
    return Replay(observed >= asked, observed, asked, "pages", finding, tuple(lanes))


def _starved(given: Given) -> Replay:
    """Claim "starved": a request whose pages in use fit into its floor misses at every use, in a cycle that repeats."""
    play = _play(given)
    who = _whole(given, "who", 0, play.layout.requests - 1)
    cycle = _whole(given, "cycle", 1, MOST_USES)
    used = [(use.request.tenant, use.request.row) for use in play.uses]
    if len(used) < 2 * cycle or used[-cycle:] != used[-2 * cycle : -cycle]:
        raise ReplayError(f"parameters.cycle: expected the last {cycle} uses to be those before them")
    own = [use for use in play.uses[-cycle:] if use.request.tenant == who]
    if not own:
        raise ReplayError(f"parameters.who: expected a use of request {who} in the cycle")
    if play.claims.floors[who] < (pages := len({use.request.row for use in own})):
        raise ReplayError(f"parameters.floors: expected at least {pages}, the pages that request {who} uses")
    for_ever = _order(play.uses[-1].after) == _order(play.uses[-cycle].before)
    hits, bound = Fraction(sum(bool(use.touched.hit) for use in own)), 1 + given.tighter()
    lanes = _lanes(play)
    starved = for_ever and hits < bound
    if starved:
        begin, end = Fraction(len(used) - cycle), Fraction(len(used) - 1)
        lanes.append(Lane("violation", (Mark(begin, end, "violation", "for ever"),)))
    again = "which repeats for ever" if for_ever else "which does not repeat yet"
    finding = (
        f"request {who}, its pages in use within its floor, has {hits} hits in {len(own)} uses of a cycle, {again}"
    )
    return Replay(starved, hits, bound, "hits", finding, tuple(lanes))


def _order(frames: Frames) -> list[int]:
    """Return the resident pages, the one that has gone unused for longest first: all that the future depends on."""
    pages = [page for page, resident in enumerate(frames.resident) if resident]
    return sorted(pages, key=lambda page: int(frames.last[page]))


# ---- admission of pages ----


@attrs.frozen
class _Crowd:
    """Requests that come, and the rule that they come to."""

    prompts: tuple[int, ...]
    most: tuple[int, ...]
    capacity: int


def _crowd(given: Given) -> _Crowd:
    prompts = _counts(given, "prompts", 1)
    most = _counts(given, "most", 1, len(prompts))
    if any(m < p for p, m in zip(prompts, most, strict=True)):
        raise ReplayError("parameters.most: expected at least the prompt of each request")
    if len(prompts) > MOST_PAGES:
        raise ReplayError(f"parameters.prompts: expected at most {MOST_PAGES} requests")
    return _Crowd(prompts, most, _whole(given, "capacity", 1, MOST))


def _fits(given: Given, crowd: _Crowd, state: Tenancy, who: int) -> bool:
    prompt, most, k = crowd.prompts[who], crowd.most[who], crowd.capacity
    rule = given.rule_of("maximum", "now", "now-quota", "quota", "check-then-act")
    if rule == "now":
        return bool(fits_now(state, prompt, k))
    if rule == "now-quota":
        return bool(fits_now_and_quota(state, prompt, k, _whole(given, "quota", 1, MOST)))
    if rule == "quota":
        return bool(fits_by_quota(state, most, k, _whole(given, "quota", 1, MOST)))
    return bool(fits_by_maximum(state, most, k))


def _seated(given: Given, crowd: _Crowd) -> Tenancy:
    """Return who is there once all have come; under "check-then-act" all are checked before any is seated."""
    state = nobody(len(crowd.prompts))
    before = state
    for who, (prompt, most) in enumerate(zip(crowd.prompts, crowd.most, strict=True)):
        seen = before if given.rule == "check-then-act" else state
        if _fits(given, crowd, seen, who):
            state = seat(state, who, prompt, most)
    return state


def _stuck(given: Given) -> Replay:
    """Claim "stuck": after the pages that are asked for, everybody waits for a page that only an end would free."""
    crowd = _crowd(given)
    state = _seated(given, crowd)
    marks: list[Mark] = []
    for number, request in enumerate(given.requests):
        if request.tenant >= len(crowd.prompts):
            raise ReplayError(f"requests[{number}].tenant: expected one of {len(crowd.prompts)} requests")
        granted, state = grow(state, request.tenant, crowd.capacity)
        at = Fraction(number)
        marks.append(Mark(at, at, "admitted" if granted else "refused", f"request {request.tenant}"))
    stuck = bool(is_stuck(state, crowd.capacity))
    lanes = [Lane("pages asked for", tuple(marks))] if marks else []
    taken, bound = Fraction(sum(state.pages)), Fraction(crowd.capacity)
    waits = sum(most > 0 for most in state.most)
    finding = f"{taken} of {bound} pages are taken" + (f", and all {waits} requests wait for another" if stuck else "")
    if stuck and marks:
        end = Fraction(len(marks))
        lanes.append(Lane("violation", (Mark(end, end, "violation", "stuck"),)))
    return Replay(stuck, taken, bound, "pages", finding, tuple(lanes))


def _over(given: Given) -> Replay:
    """Claim "over": the most pages of those who are admitted sum to more than there are."""
    crowd = _crowd(given)
    state = _seated(given, crowd)
    most, bound = Fraction(sum(state.most)), crowd.capacity - given.tighter()
    finding = f"those who are admitted can come to {most} pages, there are {bound}"
    return Replay(most > bound, most, bound, "pages", finding, ())


CLAIMS = {
    ("eviction", "floor"): _floor,
    ("eviction", "losses"): _losses,
    ("eviction", "starved"): _starved,
    ("pages", "stuck"): _stuck,
    ("pages", "over"): _over,
}
