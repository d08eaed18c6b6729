"""Which questions make sense: the first thing that misfits, in one line. Loads no solver."""

from collections.abc import Collection, Iterator

import attrs

from headgate.model.arbiters import ARBITERS, Policy
from headgate.model.memory.eviction import POLICIES
from headgate.proofs.find.question import Asked, Question, Span
from headgate.proofs.find.staging import banks_asked, each_asked

__all__ = [
    "ADMISSIONS", "BUCKETS", "COLOURS", "MEMORY", "ORDERS", "TABLE", "idle", "is_of_steps", "misfit", "table_misfit",
]  # fmt: skip

# The questions that compare orders of service, and all that a table of requests answers.
ORDERS = (Asked.WAIT, Asked.GAP, Asked.DEFICIT, Asked.DIFFERENCE)
MEMORY = (Asked.EVICTION, Asked.CONFLICT)
TABLE = (*ORDERS, Asked.OVERRUN, Asked.OVERSUBSCRIPTION, *MEMORY)
BUCKETS = ("token", "essay", "paused")
ADMISSIONS = ("essay", "corrected", "no-tax")
COLOURS = ("essay", "coloured", "masks", "at-once")
MOST_TENANTS, MOST_REQUESTS, MOST_NUMBER = 16, 12, 10**9
MOST_QUEUES = 256  # of the step model
MOST_PAGES, MOST_BANKS = 64, 256
MOST_SECONDS = 10**6
# The numbers of a bucket.
BUCKET = ("rate", "depth", "level")

# What means nothing to a question, by its fields and numbers: an answer that is the same with and without it would seem
# to be about it. What is refused with a reason of its own is not among them.
IDLE = {
    Asked.DIFFERENCE: ("victim",),
    Asked.OVERRUN: ("tenants", "device", "level"),
    Asked.OVERSUBSCRIPTION: ("priorities", "requests", "sizes", "arrivals", "within_ns", "victim"),
    Asked.STARVATION: ("at_least", "maximise"),
    Asked.CONDITION: ("victim", "at_least", "maximise"),
}
IDLE_IN_STEPS = ("sizes", "within_ns", "against", "device")
IDLE_OF_BUCKETS_IN_STEPS = ("weights", "priorities")
# What a contract file says of tenants and server is taken where it means something.
OF_CONTRACTS = ("tenants", "weights", "priorities", "device")


def is_of_steps(question: Question) -> bool:
    """Whether the step model answers: where a number of steps is given, and where no table of requests could."""
    return question.steps is not None or (question.asked not in TABLE and question.requests is None)


def misfit(question: Question) -> str:
    """Return what misfits in a question of any kind; "" where nothing does."""
    return next(_misfits(question), "") or idle(question, _given(question))


def idle(question: Question, given: Collection[str]) -> str:
    """Return which of the fields and numbers that are `given` means nothing to the question; "" where all do."""
    without = next((name for name in _idle_names(question) if name in given), "")
    if not without:
        return ""
    name = {"maximise": "max", "within_ns": "within"}.get(without, without)
    kind = " of steps" if is_of_steps(question) else ""
    return f"{name}: expected for another question, since it means nothing to {question.asked.value}{kind}"


def _idle_names(question: Question) -> Iterator[str]:
    yield from IDLE.get(question.asked, ())
    if question.asked is not Asked.CONDITION:
        yield "shows"
    if is_of_steps(question):
        yield from IDLE_IN_STEPS
        if question.policy == "token":
            yield from IDLE_OF_BUCKETS_IN_STEPS
    if question.asked is Asked.CONFLICT and question.policy == "masks":
        yield "each"


def _given(question: Question) -> set[str]:
    """Return the names of what differs from its default: two tenants may be given, or not."""
    names = {field.name for field in attrs.fields(Question) if getattr(question, field.name) != field.default}
    return (names - set(OF_CONTRACTS if question.contracts is not None else ())) | set(question.parameters)


def table_misfit(question: Question) -> str:
    """Return what keeps a table of requests from answering; "" where nothing does."""
    return next(_table_misfits(question), "")


def _misfits(question: Question) -> Iterator[str]:
    count = question.tenants
    most = MOST_QUEUES if is_of_steps(question) else MOST_TENANTS
    if not 1 <= count <= most:
        yield f"tenants: expected 1 to {most}, got {count}"
    if question.requests is not None and question.steps is not None:
        yield "expected a number of requests or of steps, got both"
    if question.weights and (len(question.weights) != count or min(question.weights) <= 0):
        yield f"weights: expected {count} numbers above 0, one a tenant"
    if question.priorities and (len(question.priorities) != count or not set(question.priorities) <= set(range(100))):
        yield f"priorities: expected {count} whole numbers from 0 to 99, one a tenant"
    if question.victim is not None and not 0 <= question.victim < count:
        yield f"victim: expected a tenant from 0 to {count - 1}, got {question.victim}"
    if question.maximise and question.at_least is not None:
        yield "expected a value to reach or the largest one, got both"
    for name, span, least in (("sizes", question.sizes, 1), ("arrivals", question.arrivals, 0)):
        if span is not None and not least <= span.least <= span.most <= MOST_NUMBER:
            yield f"{name}: expected A..B with {least} <= A <= B <= {MOST_NUMBER}, got {span}"
    if question.within_ns is not None and question.within_ns < 0:
        yield f"within: expected 0 ns or more, got {question.within_ns}"
    if question.limit_seconds is not None and not 0 < question.limit_seconds <= MOST_SECONDS:
        yield f"limit: expected more than 0 and at most {MOST_SECONDS} seconds, got {question.limit_seconds}"
    if question.steps is not None and question.steps < 1:
        yield f"steps: expected 1 to 1000, got {question.steps}"
    for name in BUCKET:
        number = question.parameters.get(name)
        if number is not None and question.asked not in (Asked.OVERRUN, *MEMORY) and question.policy != "token":
            words = "of a bucket alone (the question overrun, the policy token)"
            yield f"{name}: expected {words}, got {question.policy_name}"
        if number is not None and name != "level" and number <= 0:
            yield f"{name}: expected more than 0, got {number}"
    for name, asked in _OF_MEMORY.items():
        if question.asked is not asked and (name in question.parameters or getattr(question, name, None)):
            yield f"{name}: expected for the question {asked.value} alone"


def _table_misfits(question: Question) -> Iterator[str]:
    if question.asked not in TABLE:
        yield f"{question.asked.value}: expected a number of steps (a horizon), which this question is asked of"
    if question.assume or question.same_step:
        yield "assumptions and same-step service are of the step model: expected a number of steps (a horizon)"
    most = MOST_BANKS if question.asked is Asked.CONFLICT else MOST_REQUESTS
    if question.requests is not None and not 1 <= question.requests <= most:
        yield f"requests: expected 1 to {most}, got {question.requests}"
    if question.asked is Asked.WAIT and question.at_least is None and not question.maximise:
        yield "wait: expected at least how many ns, or the largest of all"
    if question.asked in (Asked.GAP, Asked.DEFICIT) and question.tenants < 2:
        yield f"{question.asked.value}: expected at least 2 tenants, got {question.tenants}"
    if (question.asked is Asked.DIFFERENCE) != (question.against is not None):
        yield "a second policy: expected one for a difference, and for nothing else"
    if question.asked in MEMORY:
        yield from _memory_misfits(question)
    elif question.asked in ORDERS:
        yield from _policy_misfits(question)
    elif question.asked is Asked.OVERRUN and (question.weights or question.priorities or question.victim is not None):
        yield "overrun: expected no weights, priorities or victim, since a bucket has one tenant"
    elif question.asked is Asked.OVERRUN and question.policy not in BUCKETS:
        yield f"policy: expected a bucket ({', '.join(BUCKETS)}), got {question.policy_name}"
    elif question.asked is Asked.OVERSUBSCRIPTION and question.policy not in ADMISSIONS:
        yield f"policy: expected a rule of admission ({', '.join(ADMISSIONS)}), got {question.policy_name}"
    elif question.asked is Asked.OVERSUBSCRIPTION and question.device is None:
        yield "oversubscription: expected a device, whose rate there is (such as h200)"


def _policy_misfits(question: Question) -> Iterator[str]:
    known = ", ".join(name for name, policy in ARBITERS.items() if not policy.exact_only)
    for named in (question.policy, question.against):
        if isinstance(named, str) and named not in ARBITERS:
            yield f"policy: expected one of {known}, got {named[:60]!r}"
        elif named is not None:
            policy = named if isinstance(named, Policy) else ARBITERS[named]
            if policy.exact_only:
                yield f"policy: {policy.name} runs on exact numbers alone, which leaves nothing open; expected {known}"


# What the questions about memory are asked with, and no other question is.
_OF_MEMORY = {
    "frames": Asked.EVICTION, "floors": Asked.EVICTION, "pages": Asked.EVICTION,
    "banks": Asked.CONFLICT, "each": Asked.CONFLICT, "colours": Asked.CONFLICT,
}  # fmt: skip


def _memory_misfits(question: Question) -> Iterator[str]:
    name = question.asked.value
    known = COLOURS if question.asked is Asked.CONFLICT else tuple(POLICIES)
    if question.policy not in known:
        kind = "a rule of colours" if question.asked is Asked.CONFLICT else "a policy of eviction"
        yield f"policy: expected {kind} ({', '.join(known)}), got {question.policy_name[:60]}"
    if question.tenants < 2:
        yield f"{name}: expected at least 2 tenants, got {question.tenants}"
    least = 2 if question.asked is Asked.CONFLICT else 1
    if question.at_least is not None and question.at_least < least:
        yield f"at_least: expected {least} or more for {name}, got {question.at_least}"
    timed = (question.weights, question.priorities, question.arrivals, question.within_ns is not None)
    if any(timed) or question.sizes != Span(1, 4):
        yield f"{name}: expected no weights, priorities, sizes or times, since all pages are alike"
    for key, number in question.parameters.items():
        if _OF_MEMORY.get(key) is not question.asked:
            yield f"{key}: expected for another question than {name}"
        if number != int(number) or not 1 <= number <= MOST_BANKS:
            yield f"{key}: expected a whole number from 1 to {MOST_BANKS}, got {number}"
    yield from _eviction_misfits(question) if question.asked is Asked.EVICTION else _conflict_misfits(question)


def _eviction_misfits(question: Question) -> Iterator[str]:
    count, frames = question.tenants, question.parameters.get("frames")
    if question.device is not None:
        yield "eviction: expected no device, since pages are counted in frames"
    if len(question.all_pages) != count or min(question.all_pages) < 1 or sum(question.all_pages) > MOST_PAGES:
        yield f"pages: expected {count} whole numbers from 1, one a tenant, {MOST_PAGES} in all at most"
    if question.floors and (len(question.floors) != count or min(question.floors) < 0):
        yield f"floors: expected {count} whole numbers from 0, one a tenant"
    if sum(question.floors) > (MOST_BANKS if frames is None else frames):
        most = MOST_BANKS if frames is None else frames
        yield f"floors: expected a sum of at most the {most} frames, got {sum(question.floors)}"


def _conflict_misfits(question: Question) -> Iterator[str]:
    count, banks, each = question.tenants, banks_asked(question), each_asked(question)
    if question.victim is not None:
        yield "conflict: expected no victim, since it takes two"
    if not 1 <= banks <= MOST_BANKS:
        yield f"banks: expected 1 to {MOST_BANKS}, or a device whose geometry says how many (such as h200), got {banks}"
    if each > banks:
        yield f"each: expected at most the {banks} banks that there are, got {each}"
    if (question.policy == "masks") != bool(question.colours):
        yield "colours: expected a mask a tenant for the rule masks, and for no other"
    if question.colours and (len(question.colours) != count or min(question.colours) < 1):
        yield f"colours: expected {count} masks over banks, one a tenant, each of a bank at least"
    beyond = [mask for mask in question.colours if mask >> banks]
    if beyond:
        yield f"colours: expected masks over banks 0 to {banks - 1}, got {beyond[0]:#x}"
