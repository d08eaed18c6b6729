"""The role `admission`: a gate that admits amounts up to a capacity, all in one step.

Never over, and never refusing what fits (AD-3). Where the implementation is a Python object, a second client also asks
in the middle of a request: the answers must be those of one order of the two (unless it is declared to be used by one
thread alone).
"""

from fractions import Fraction
from typing import Any, Protocol

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from headgate.model.admission import Admitted, check, commit, release, request
from headgate.properties.review.case import Asked, Call, Case, Errored, Violation
from headgate.properties.review.declared import Declared, number_text, plain
from headgate.properties.review.suites.common import Suite, ask, decision, refusable
from headgate.properties.review.targets import Session

__all__ = ["SUITE", "AdmissionLike"]


# How many requests take all that there is, at most, where each may take but a part.
MOST_CALLS = 500


class AdmissionLike(Protocol):
    """An object that is given the `capacity`."""

    def request(self, tenant: int, amount: int) -> bool:
        """Return whether `amount` more is admitted for `tenant`."""

    def release(self, tenant: int, amount: int) -> object:
        """Give back what `tenant` has; more than that is refused (False, or an error) and changes nothing."""


class _Reference:
    """The gate as it must be, by what the implementation admitted."""

    def __init__(self, case: Case, declared: Declared) -> None:
        self.capacity = declared.exact(case.configuration, "capacity")
        self.slack = declared.tolerance * self.capacity
        self.state = Admitted(Fraction(0))
        self.held: dict[int, int] = {}

    def ways(self, state: Admitted, amount: int) -> set[bool]:
        """Return the answers that are right, within the tolerance."""
        return {bool(check(state, amount, self.capacity + slack)) for slack in (-self.slack, self.slack)}

    def take(self, tenant: int, amount: int) -> None:
        self.state = commit(self.state, amount)
        self.held[tenant] = self.held.get(tenant, 0) + amount


def conduct(case: Case, session: Session, declared: Declared, log: list[Asked]) -> None:
    """Ask what the case says, and judge each answer."""
    reference = _Reference(case, declared)
    for call in case.calls:
        tenant, amount = int(call.arguments["tenant"]), int(call.arguments["amount"])
        if declared.legal and not _is_legal(reference, call, tenant, amount):
            continue
        if call.operation == "release":
            _release(reference, call, tenant, amount, session, log)
        elif call.operation == "together":
            _together(reference, call, session, log)
        elif amount <= 0:
            refusable(session, call, log)
        else:
            _request(reference, call, tenant, amount, session, log)


def _is_legal(reference: _Reference, call: Call, tenant: int, amount: int) -> bool:
    """Return whether callers who keep to the rules make this call."""
    if call.operation == "release":
        return 0 < amount <= reference.held.get(tenant, 0)
    return all(0 < each <= reference.capacity for each in (amount, int(call.arguments.get("others", amount))))


def _request(reference: _Reference, call: Call, tenant: int, amount: int, session: Session, log: list[Asked]) -> None:
    admitted = decision(call, ask(session, call, log))
    if admitted not in reference.ways(reference.state, amount):
        _accuse(reference, call, admitted)
    if admitted:
        reference.take(tenant, amount)


def _accuse(reference: _Reference, call: Call, admitted: bool) -> None:
    total, capacity = number_text(Fraction(reference.state.total)), number_text(reference.capacity)
    what, instead = ("admits", "a refusal") if admitted else ("refuses", "admission")
    raise Violation("AD-3", f"{call}: {what}", f"{instead}: {total} of {capacity} are taken")


def _release(reference: _Reference, call: Call, tenant: int, amount: int, session: Session, log: list[Asked]) -> None:
    held = reference.held.get(tenant, 0)
    if 0 < amount <= held:
        if ask(session, call, log) is False:
            raise Violation("AD-3", f"{call}: refuses", f"the amount to be free: the tenant has {held}")
        reference.state = release(reference.state, amount)
        reference.held[tenant] = held - amount
    elif refusable(session, call, log) is True:
        raise Violation("AD-3", f"{call}: accepts", f"a refusal: the tenant has {held}")


def _together(reference: _Reference, call: Call, session: Session, log: list[Asked]) -> None:
    """Let a second client ask in the middle of a request: some order of the two must explain both answers."""
    told = call.arguments
    first = Call("request", {"tenant": told["tenant"], "amount": told["amount"]})
    second = Call("request", {"tenant": told["other"], "amount": told["others"]})
    if int(told["amount"]) <= 0 or int(told["others"]) <= 0:
        return
    one, two = session.together(first, second, int(told["step"]))
    log += [Asked(first, one), Asked(second, two)]
    for asked, answer in ((first, one), (second, two)):
        if isinstance(answer, BaseException):
            raise Errored("crash", f"{asked} raised {type(answer).__name__}: {answer}")
    answers = [decision(first, one), decision(second, two)]
    calls = [first, second]
    if not any(_explains(reference, [(calls[k], answers[k]) for k in order]) for order in ((0, 1), (1, 0))):
        total, capacity = number_text(Fraction(reference.state.total)), number_text(reference.capacity)
        seen = f"{first} and {second}, one in the middle of the other: {answers[0]} and {answers[1]}"
        raise Violation("AD-3", seen, f"what one of them after the other would give: {total} of {capacity} are taken")
    for asked, admitted in zip(calls, answers, strict=True):
        if admitted:
            reference.take(int(asked.arguments["tenant"]), int(asked.arguments["amount"]))


def _explains(reference: _Reference, order: list[tuple[Call, bool]]) -> bool:
    state = reference.state
    for call, admitted in order:
        amount = int(call.arguments["amount"])
        if admitted not in reference.ways(state, amount):
            return False
        _, state = request(state, amount, state.total + amount if admitted else state.total)
    return True


@st.composite
def _cases(draw: DrawFn, declared: Declared) -> Case:
    capacity = plain(declared.numbers.get("capacity")) or draw(st.integers(1, 40))
    whole = max(1, int(capacity))
    who = st.integers(0, 2)
    most = declared.largest or whole + 1
    sizes = (st.integers(1, whole), st.just(whole), st.just(max(1, whole // 2)), st.just(whole + 1))
    amount = st.one_of(*sizes).map(lambda drawn: min(drawn, most))
    calls: list[Call] = []
    kinds = ("request", "request", "request", "release", *["together"] * (not declared.single_threaded), "illegal")
    for _ in range(draw(st.integers(1, 10))):
        what = draw(st.sampled_from(kinds))
        if what == "together":
            both = {"tenant": draw(who), "amount": draw(amount), "other": draw(who), "others": draw(amount)}
            calls.append(Call("together", {**both, "step": draw(st.integers(0, 8))}))
        elif what == "illegal":
            calls.append(Call("request", {"tenant": draw(who), "amount": draw(st.sampled_from((0, -1, -whole)))}))
        else:
            calls.append(Call(what, {"tenant": draw(who), "amount": draw(amount)}))
    return Case({"capacity": capacity}, tuple(calls))


def cases(declared: Declared) -> SearchStrategy[Case]:
    """Draw cases for what was declared."""
    return _cases(declared)


def seeds(declared: Declared) -> list[Case]:
    """Return the cases that are always run: full to the brim, more released than is held, two at once."""
    capacity = plain(declared.numbers.get("capacity")) or 4
    whole = max(1, int(capacity))
    part = min(whole, declared.largest or whole)
    most: dict[str, Any] = {"tenant": 0, "amount": part}
    one: dict[str, Any] = {"tenant": 1, "amount": 1}
    ask_all, ask_one = [Call("request", most)] * min(-(-whole // part), MOST_CALLS), Call("request", one)
    brim = (*ask_all, ask_one, Call("release", most), ask_one)
    more = (ask_one, Call("release", {"tenant": 1, "amount": min(2, declared.largest or 2)}), *ask_all)
    together = {**most, "other": 1, "others": part}
    both = [(*ask_all[:-1], Call("together", {**together, "step": step})) for step in range(6)]
    return [Case({"capacity": capacity}, each) for each in (brim, more, *([] if declared.single_threaded else both))]


SUITE = Suite(
    "admission",
    "admits amounts up to a capacity",
    AdmissionLike,
    {"capacity": "what is there to be given out"},
    ("capacity",),
    cases,
    conduct,
    seeds,
)
