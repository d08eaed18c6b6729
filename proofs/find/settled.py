"""Theorems that answer a question without a search: which one settles what, with its scope checked.

A ceiling is a number that no value within the scope of a theorem exceeds; where no theorem speaks, a count of the
requests sets one. It answers a question that asks for more at once, and spares a search for the maximum everything
above it. Nothing here loads a solver: the theorems are proved by `headgate verify`, and a test holds every name here
against the catalogue.
"""

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations

import attrs

from headgate.model.arbiters import ARBITERS
from headgate.model.bounds import pairwise_gap
from headgate.model.simulator import effective_rate_of
from headgate.proofs.find.checking import MEMORY, is_of_steps
from headgate.proofs.find.question import Answer, Asked, Finding, Question
from headgate.proofs.find.staging import banks_asked, each_asked, masks_asked, server_of
from headgate.spec.units import exact_text

__all__ = ["THEOREMS", "Ceiling", "ceiling_of", "settled"]

ENGINE = "theorem"
# The code layer of arbiters-work-conserving has run so many tenants.
MOST_TENANTS = 8
GAPS = {"sfq": "sfq-pairwise-gap", "scfq": "scfq-pairwise-gap"}
SHARE, WORK, ENVELOPE, GATE = "sfq-share", "arbiters-work-conserving", "bucket-envelope", "admission-atomic"
FLOOR, COLOURS, PIGEONHOLE = "eviction-floor", "allocator-isolation", "colours-pigeonhole"
THEOREMS = (*GAPS.values(), SHARE, WORK, ENVELOPE, GATE, FLOOR, COLOURS, PIGEONHOLE)
# The policies of eviction that eviction-floor speaks of, and for how many requests of the server its steps are run.
FLOORED, MOST_FLOORED = ("resident", "lru-floor"), 16


@attrs.frozen
class Ceiling:
    """The largest value that a theorem allows ("": that counting the requests allows), in `unit`, and in words why.

    `is_natural` says that it is the very bound that the question's own violation goes beyond.
    """

    value: Fraction
    unit: str
    theorem: str
    why: str
    is_natural: bool = False

    @property
    def reason(self) -> str:
        """Why it holds, and by which theorem."""
        return f"{self.why} (theorem {self.theorem})" if self.theorem else self.why


def settled(question: Question) -> Answer | None:
    """Return the answer that a theorem gives, or None where none does."""
    # Of a violation of memory there is a least amount, so that where none is possible there is no largest one.
    if is_of_steps(question) or (question.maximise and question.asked not in MEMORY):
        return None
    ceiling = ceiling_of(question)
    if ceiling is None:
        return None
    wanted = question.at_least
    if not (ceiling.is_natural if wanted is None else wanted > ceiling.value):
        return None
    settles = f"theorem {ceiling.theorem}" if ceiling.theorem else "counting the requests"
    return Answer(
        question,
        Finding.IMPOSSIBLE,
        ENGINE if ceiling.theorem else "count",
        f"{settles} answers it, so that nothing was searched",
        bound=ceiling.value,
        unit=ceiling.unit,
        theorem=ceiling.theorem,
        established=(ceiling.why,),
    )


def ceiling_of(question: Question) -> Ceiling | None:
    """Return the ceiling that a theorem, or else a count, sets to the question's value; None where neither does."""
    rule = _CEILINGS.get(question.asked)
    return rule(question) if rule is not None else None


def _wait(question: Question) -> Ceiling | None:
    """While a request waits the server works, and what it works on is another request of the table."""
    server = server_of(question)
    if not _is_shipped(question) or question.tenants > MOST_TENANTS:
        return None
    if server.refresh is not None:
        return None
    others = question.most_requests - 1
    value = others * question.largest / Fraction(server.peak_bytes_per_ns)
    why = (
        f"while a request waits the server is never idle, so that it waits for at most {others} others "
        f"of at most {question.largest} B: {exact_text(value)} ns"
    )
    return Ceiling(value, "ns", WORK, why)


def _gap(question: Question) -> Ceiling | None:
    name = question.policy_name
    if name not in GAPS or not _is_shipped(question):
        return _counted_gap(question)
    costs = sorted((question.largest / weight for weight in question.all_weights), reverse=True)
    value = Fraction(pairwise_gap(*costs[:2]))
    if question.victim is not None:
        own = question.largest / question.all_weights[question.victim]
        others = [question.largest / w for t, w in enumerate(question.all_weights) if t != question.victim]
        value = Fraction(pairwise_gap(own, max(others)))
    why = f"two backlogged tenants drift apart by at most L_i / w_i + L_j / w_j, here {exact_text(value)} ns"
    return Ceiling(value, "ns", GAPS[name], why, is_natural=True)


def _deficit(question: Question) -> Ceiling | None:
    if question.policy_name != "sfq" or not _is_shipped(question):
        return _counted_deficit(question)
    server, weights = server_of(question), question.all_weights
    rate = effective_rate_of(server)
    dark = Fraction(server.refresh.blackout) if server.refresh is not None else Fraction(0)
    share = weights[question.victim] if question.victim is not None else max(weights)
    late = Fraction((question.tenants - 1) * question.largest) / rate + dark
    value = share / sum(weights) * rate * late + question.largest
    why = (
        "a backlogged tenant gets its share of any window but for g (B + sum of the others' L / R) + L: "
        f"here {exact_text(value)} B"
    )
    return Ceiling(value, "B", SHARE, why, is_natural=True)


def _counted_gap(question: Question) -> Ceiling:
    """Of the requests one at least is that of the tenant that waits."""
    others = question.most_requests - 1
    value = others * question.largest / min(question.all_weights)
    why = f"while a tenant waits, another gets at most the other {_requests(others)}: {exact_text(value)} ns"
    return Ceiling(value, "ns", "", why)


def _counted_deficit(question: Question) -> Ceiling | None:
    """While a tenant waits the server works: on its own requests, which are no loss, and on the others."""
    server, weights = server_of(question), question.all_weights
    if server.refresh is not None:
        return None
    share = weights[question.victim] if question.victim is not None else max(weights)
    others = question.most_requests - 1
    value = share / sum(weights) * others * question.largest
    why = (
        f"a backlogged tenant waits for at most the other {_requests(others)}, of which its share "
        f"is {exact_text(value)} B"
    )
    return Ceiling(value, "B", "", why)


def _requests(count: int) -> str:
    return "one request" if count == 1 else f"{count} requests"


def _overrun(question: Question) -> Ceiling | None:
    if question.policy != "token":
        return None
    why = "a token bucket admits at most depth + rate t bytes in any closed window of t ns"
    return Ceiling(Fraction(0), "B", ENVELOPE, why, is_natural=True)


def _oversubscription(question: Question) -> Ceiling | None:
    if question.policy != "corrected":
        return None
    why = "with check and commit in one step the guarantees never exceed the capacity"
    return Ceiling(Fraction(0), "B/ns", GATE, why, is_natural=True)


def _eviction(question: Question) -> Ceiling | None:
    if question.policy not in FLOORED or question.tenants > MOST_FLOORED:
        return None
    why = "no page goes of a tenant at or under its floor, whichever page is asked for"
    return Ceiling(Fraction(0), "pages", FLOOR, why, is_natural=True)


def _conflict(question: Question) -> Ceiling | None:
    """Where colours are disjoint, each bank is held for one tenant, and it is held for that one for ever."""
    masks = masks_asked(question)
    if masks is None or any(left & right for left, right in combinations(masks, 2)):
        return None
    why = "no two tenants' pages are ever in one bank where their colours are disjoint"
    missing = masks.count(0)
    if missing:
        why += (
            f"; {_tenants(missing)} of {question.tenants} cannot have any, as {question.tenants} times "
            f"{each_asked(question)} is more than {banks_asked(question)} banks (theorem {PIGEONHOLE})"
        )
    return Ceiling(Fraction(1), "tenants", COLOURS, why, is_natural=True)


def _tenants(count: int) -> str:
    return "one tenant" if count == 1 else f"{count} tenants"


def _is_shipped(question: Question) -> bool:
    """Whether the policy is one that the theorems speak of, and not one that only bears its name."""
    return isinstance(question.policy, str) or ARBITERS.get(question.policy.name) is question.policy


_CEILINGS: dict[Asked, Callable[[Question], Ceiling | None]] = {
    Asked.WAIT: _wait,
    Asked.GAP: _gap,
    Asked.DEFICIT: _deficit,
    Asked.OVERRUN: _overrun,
    Asked.OVERSUBSCRIPTION: _oversubscription,
    Asked.EVICTION: _eviction,
    Asked.CONFLICT: _conflict,
}
