"""How an answer of `headgate find` is printed: a verdict in a line, the timeline, what is certain, how to go on."""

import json
import textwrap
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from headgate.cli.output import Screen, json_text, number_text, readable
from headgate.proofs.find.question import Answer, Asked, Finding, Question
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import Verdict

if TYPE_CHECKING:
    from headgate.proofs.find.explain import Explanation

__all__ = ["as_json", "as_text", "explained_text", "verdict_of"]

# What is there or not, rather than so much of it.
UNCOUNTED = {Asked.CONDITION: "steps of which it holds", Asked.STARVATION: "a queue that waits for ever"}
# What an amount of it is called, where that is not the question's own name.
NAMES = {Asked.EVICTION: "loss of pages within a floor", Asked.CONFLICT: "bank shared by tenants"}
# The rule to try for each question, where there is one.
CORRECT = {
    Asked.OVERSUBSCRIPTION: "corrected",
    Asked.OVERRUN: "token",
    Asked.EVICTION: "resident",
    Asked.CONFLICT: "coloured",
}
# A policy that the same arrivals are worth a look under: what corrects the one that was asked about.
FIXES = {"fq-codel-rejoins": "fq-codel", "vtc-no-lift": "vtc"}


def as_text(answer: Answer, saved: str | None, screen: Screen) -> str:
    """Return the answer for people; `saved` is the file of its schedule."""
    lines = [*_wrapped(_headline(answer, screen), screen)]
    if answer.schedule is not None and answer.replay is not None:
        from headgate.cli.replay import drawing

        lines += ["", drawing(answer.schedule, answer.replay, screen), ""]
        lines += _wrapped(readable(answer.replay.finding), screen)
    lines += ["", *(line for sentence in _certain(answer) for line in _wrapped(f"- {sentence}", screen))]
    lines += _wrapped(f"engine: {answer.engine}; {answer.why} ({answer.seconds:.2f} s)", screen)
    lines += [line for hint in _hints(answer, saved) for line in _wrapped(hint, screen)]
    return "\n".join(lines)


def _wrapped(text: str, screen: Screen) -> list[str]:
    return textwrap.wrap(text, screen.width, subsequent_indent="  ", break_on_hyphens=False) or [""]


def _headline(answer: Answer, screen: Screen) -> str:
    word, colour = _word(answer)
    return f"{screen.paint(word, colour)}: {_said(answer)}"


def _word(answer: Answer) -> tuple[str, str]:
    if answer.finding is Finding.UNDECIDED:
        return "undecided", "doubt"
    if answer.finding is Finding.IMPOSSIBLE:
        return "impossible", "good"
    if answer.question.maximise:
        return ("maximum", "good") if answer.proved_maximal else ("at least", "doubt")
    return "found", "bad"


def _said(answer: Answer) -> str:
    question = answer.question
    about = scope_text(question)
    if answer.finding is Finding.FOUND and question.asked in UNCOUNTED:
        return f"{UNCOUNTED[question.asked]} ({about})"
    if answer.finding is Finding.FOUND and answer.value is not None:
        value = f"{number_text(answer.value)} {_unit(answer)}"
        if question.maximise:
            proved = "proved maximal" if answer.proved_maximal else "not proved maximal"
            return f"{value}, {proved} ({about})"
        return f"{value} ({about})"
    if answer.finding is Finding.IMPOSSIBLE and answer.theorem:
        return f"{_wanted(question)}, by theorem {answer.theorem} ({about})"
    if answer.finding is Finding.IMPOSSIBLE:
        how = "proved by counting" if answer.engine == "count" else "proved by search"
        return f"{_wanted(question)}; {how} ({about})"
    return f"{_wanted(question)}; stopped after {answer.seconds:.1f} s ({about})"


def _unit(answer: Answer) -> str:
    """Return the unit, as one is called where it is one: a page, not pages."""
    return answer.unit[:-1] if answer.value == 1 and answer.unit.endswith("s") and answer.unit != "ns" else answer.unit


def _wanted(question: Question) -> str:
    name = NAMES.get(question.asked, question.asked.value)
    if question.maximise:
        return f"the largest {name}"
    article = "an" if name[0] in "aeiou" else "a"
    if question.at_least is None:
        return f"{article} {name}"
    return f"{article} {name} of {number_text(question.at_least)} or more"


def scope_text(question: Question) -> str:
    """Return in words of which schedules a question is asked."""
    named = question.policy_name
    if question.against is not None:
        other = question.against if isinstance(question.against, str) else question.against.name
        named = f"{named} against {other}"
    if question.asked is Asked.OVERSUBSCRIPTION:
        return f"{named}, {_many(question.tenants, 'tenant')}"
    if question.asked in (Asked.EVICTION, Asked.CONFLICT):
        return f"{named}, {_many(question.tenants, 'tenant')}, up to {_many(question.most_requests, 'request')}"
    if question.steps is not None:
        return f"{named}, {_many(question.tenants, 'queue')}, {_many(question.steps, 'step')}"
    tenants = "" if question.asked is Asked.OVERRUN else f"{_many(question.tenants, 'tenant')}, "
    span = f" at {question.arrivals} ns" if question.arrivals is not None else ""
    return f"{named}, {tenants}up to {_many(question.most_requests, 'request')} of {question.sizes} B{span}"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _certain(answer: Answer) -> Iterator[str]:
    for sentence in answer.established:
        yield readable(sentence)
    if answer.theorem:
        yield f"headgate verify --only {answer.theorem} proves that theorem"
    if answer.finding is Finding.UNDECIDED and not answer.established:
        yield "nothing is established yet: give it a longer --limit, or a smaller question"


def _hints(answer: Answer, saved: str | None) -> Iterator[str]:
    if answer.schedule is None:
        return
    name = saved or f"{answer.schedule.name}.json".replace(":", "-")
    if saved is None:
        yield f"keep it: the same question with --save {name}"
    if not isinstance(answer.question.policy, str):
        yield f"replay it: headgate replay {name} --policy {answer.question.policy_name}"
    fix = _fix(answer)
    yield f"the same arrivals under {fix}: headgate replay {name} --policy {fix}"


def _fix(answer: Answer) -> str:
    """Return a rule that the same arrivals are worth a look under."""
    name, asked = answer.question.policy_name, answer.question.asked
    if asked in CORRECT:
        return CORRECT[asked]
    if name in FIXES:
        return FIXES[name]
    if answer.schedule is not None and answer.schedule.mechanism == "steps":
        return "round-robin"
    return "fcfs" if name == "sfq" else "sfq"


def explained_text(answer: Answer, explanation: "Explanation | None") -> str:
    """Return the class of traffic that always shows what was found, a condition a line, each to be pasted back."""
    if explanation is None:
        return "why: nothing was found" if answer.schedule is None else "why: the time was too short to say"
    if not explanation.conditions:
        return "why: every schedule of the question shows it"
    others = ", the assumptions being kept" if answer.question.assume else ""
    lines = [f"why: every schedule that keeps these shows it, and none can go{others}"]
    return "\n".join(lines + [f'  --assume "{condition.text}"' for condition in explanation.conditions])


# ---- JSON ----


def verdict_of(answer: Answer) -> Verdict:
    """Return the verdict that the exit code stands for."""
    if answer.finding is Finding.UNDECIDED or (answer.question.maximise and not answer.proved_maximal):
        return Verdict.UNDECIDED
    return Verdict.VIOLATED if answer.finding is Finding.FOUND and not answer.question.maximise else Verdict.HOLDS


def as_json(answer: Answer, saved: str | None, explanation: "Explanation | None" = None) -> str:
    """Return the answer as JSON; its `witness` is the schedule, which `headgate replay` reads with --id.

    `explanation` are the conditions of the class of traffic that always shows it, or null.
    """
    from headgate.spec.schedules import schedule_text

    question, schedule, shown = answer.question, answer.schedule, answer.replay
    own = "" if isinstance(question.policy, str) else f" --policy {question.policy_name}"
    result: dict[str, Any] = {
        "id": schedule.name if schedule is not None else f"find-{question.asked.value}-{question.policy_name}",
        "question": question.asked.value,
        "policy": question.policy_name,
        "scope": scope_text(question),
        "verdict": answer.finding.value,
        "value": _exact(answer.value),
        "bound": _exact(answer.bound),
        "unit": answer.unit,
        "proved_maximal": answer.proved_maximal,
        "engine": answer.engine,
        "why": answer.why,
        "theorem": answer.theorem or None,
        "established": list(answer.established),
        "seconds": round(answer.seconds, 3),
        "finding": shown.finding if shown is not None else None,
        "explanation": [each.text for each in explanation.conditions] if explanation is not None else None,
        "replay": f"headgate replay - --id {schedule.name}{own}" if schedule is not None else None,
        "saved": saved if schedule is not None else None,
        "witness": json.loads(schedule_text(schedule)) if schedule is not None else None,
    }
    return json_text("find", verdict_of(answer), [result])


def _exact(value: Fraction | None) -> int | str | None:
    return None if value is None else exact_text(value)
