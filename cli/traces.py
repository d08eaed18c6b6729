"""A replay as trace events, for Perfetto and chrome://tracing ("Trace Event Format"): a track a lane.

Times are microseconds, written as decimals: exact where there is one of few digits, else cut after nine places. The
exact times, in ns, are among the arguments of each event.
"""

import json
from fractions import Fraction
from typing import Any

from headgate.cli.output import version
from headgate.model.replay import Lane, Mark, Replay
from headgate.spec.reading import decimal_text
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import Schedule

__all__ = ["facts", "trace_text"]

PLACES = 9


class _Number(str):
    """A JSON number, as it is to be written: none of its digits goes through a float."""

    __slots__ = ()


def trace_text(schedule: Schedule, shown: Replay) -> str:
    """Return the replay as a JSON object with `traceEvents`, an event a line."""
    events = [_meta("process_name", 0, name=f"headgate: {schedule.name or schedule.clause}")]
    for number, lane in enumerate((lane for lane in shown.lanes if lane.marks), 1):
        events += [_meta("thread_name", number, name=lane.label), _meta("thread_sort_index", number, sort_index=number)]
        events += [_event(mark, lane, number, schedule.clause) for mark in lane.marks]
    rows = ",\n".join(f"    {_object(event)}" for event in events)
    about = json.dumps({"tool": "headgate", "version": version(), **facts(schedule, shown)})
    return f'{{\n  "displayTimeUnit": "ns",\n  "otherData": {about},\n  "traceEvents": [\n{rows}\n  ]\n}}\n'


def facts(schedule: Schedule, shown: Replay) -> dict[str, Any]:
    """Return what JSON says of a replay, but for its timeline."""
    return {
        "id": schedule.name,
        "clause": schedule.clause,
        "statement": schedule.statement,
        "mechanism": schedule.mechanism,
        "rule": schedule.rule,
        "claim": schedule.claim,
        "violated": shown.violated,
        "observed": exact_text(shown.observed),
        "bound": exact_text(shown.bound),
        "unit": shown.unit,
        "finding": shown.finding,
    }


def _meta(kind: str, track: int, **args: Any) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": 1, "tid": track, "args": args}


def _event(mark: Mark, lane: Lane, track: int, clause: str) -> dict[str, Any]:
    where = {"cat": mark.kind, "pid": 1, "tid": track, "ts": _decimal(mark.begin_ns / 1000)}
    exact = {"begin_ns": exact_text(mark.begin_ns), "end_ns": exact_text(mark.end_ns)}
    if mark.kind == "level":
        # A counter draws each of its arguments, so that it has no other; it holds until the next.
        return {"ph": "C", "name": lane.label, **where, "args": {"level": _decimal(mark.value or Fraction(0))}}
    name = " ".join(word for word in (mark.kind, mark.text) if word)
    if mark.kind == "violation":
        name, exact = (
            f"{clause} violated: {mark.text}" if mark.text else f"{clause} violated",
            exact | {"clause": clause},
        )
    if mark.begin_ns == mark.end_ns:
        # An instant on its own track, but a violation across all of them.
        return {"ph": "i", "name": name, "s": "g" if mark.kind == "violation" else "t", **where, "args": exact}
    return {"ph": "X", "name": name, **where, "dur": _decimal((mark.end_ns - mark.begin_ns) / 1000), "args": exact}


def _decimal(value: Fraction) -> _Number:
    """Return a JSON number: exact where there is a short one, else cut (toward zero) after `PLACES`."""
    exact = decimal_text(value)
    if "/" not in exact:
        return _Number(exact)
    whole, rest = divmod(int(abs(value) * 10**PLACES), 10**PLACES)
    return _Number(f"{'-' if value < 0 else ''}{whole}.{rest:0{PLACES}d}")


def _object(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_object(each)}" for key, each in value.items()) + "}"
    return json.dumps(value)
