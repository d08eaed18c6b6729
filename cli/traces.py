"""A replay as trace events, for Perfetto and chrome://tracing ("Trace Event Format"): a track a lane.

Times are microseconds, written as decimals: exact where there is one of few digits, else cut after nine places. The
exact times are among the arguments of each event. A viewer knows of time only, and of nothing shorter than a ns: steps
and samples are drawn as a ns each, and fractions of a ns, of what is over soon, a thousand times as long; both is said
on a track of its own above the others.
"""

import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import attrs

from headgate.cli.lanes import apart, extent, unit_word
from headgate.cli.output import version
from headgate.model.replay import Lane, Mark, Replay
from headgate.spec.reading import decimal_text
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import Schedule

__all__ = ["facts", "trace_text"]

PLACES = 9
# A viewer takes the thread of its process's number for the main one.
PROCESS, FIRST_TRACK = 0, 1
ENLARGED_UNTIL = 10**4


class _Number(str):
    """A JSON number, as it is to be written: none of its digits goes through a float."""

    __slots__ = ()


@attrs.frozen
class _Clock:
    """How what the marks are counted in is drawn on an axis of us that shows nothing shorter than a ns."""

    unit: str
    us: Fraction

    @staticmethod
    def of(shown: Replay, lanes: Sequence[Lane]) -> "_Clock":
        """Draw a ns as a us where something is no whole ns and all is over soon, and as itself everywhere else."""
        times = [at for lane in lanes for mark in lane.marks for at in (mark.begin_ns, mark.end_ns)]
        tiny = any(at.denominator != 1 for at in times) and max(times) <= ENLARGED_UNTIL
        return _Clock(unit_word(shown), Fraction(1) if tiny else Fraction(1, 1000))

    @property
    def note(self) -> str:
        """What has to be said of the axis; "" where it is one of plain ns."""
        drawn = "us" if self.us == 1 else "ns"
        return "" if self.unit == drawn == "ns" else f"1 {self.unit} is drawn as 1 {drawn}"

    def drawn(self, time: Fraction) -> "_Number":
        """Return a time, or how long something lasts, as a number of us."""
        return _decimal(time * self.us)


def trace_text(schedule: Schedule, shown: Replay) -> str:
    """Return the replay as a JSON object with `traceEvents`, an event a line."""
    lanes = apart(shown.lanes)
    clock = _Clock.of(shown, lanes)
    if clock.note:
        lanes.insert(0, Lane("scale", (Mark(*extent(lanes), "scale", clock.note),)))
    events = [_meta("process_name", 0, name=f"headgate: {schedule.name or schedule.clause}")]
    for track, lane in enumerate(lanes, FIRST_TRACK):
        # Perfetto writes the number of a track behind its name.
        name = f"{lane.label}, track"
        events += [_meta("thread_name", track, name=name), _meta("thread_sort_index", track, sort_index=track)]
        events += [_event(mark, lane, track, schedule.clause, clock) for mark in lane.marks]
        events += _level_ends(lane, track, clock)
    rows = ",\n".join(f"    {_object(event)}" for event in events)
    scale = clock.note or "times are as they are"
    told = {"tool": "headgate", "version": version(), **facts(schedule, shown), "clock": shown.clock, "scale": scale}
    about = json.dumps(told)
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
    return {"ph": "M", "name": kind, "pid": PROCESS, "tid": track, "args": args}


def _event(mark: Mark, lane: Lane, track: int, clause: str, clock: _Clock) -> dict[str, Any]:
    where = {"cat": mark.kind, "pid": PROCESS, "tid": track, "ts": clock.drawn(mark.begin_ns)}
    exact = {f"begin_{clock.unit}": exact_text(mark.begin_ns), f"end_{clock.unit}": exact_text(mark.end_ns)}
    if mark.kind == "level":
        # A counter draws each of its arguments, so that it has no other; it holds until the next.
        return {"ph": "C", "name": lane.label, **where, "args": {"value": _decimal(mark.value or Fraction(0))}}
    name = " ".join(dict.fromkeys(word for word in (mark.kind, mark.text) if word))
    if mark.kind == "scale":
        name = mark.text
    if mark.kind == "violation":
        name = f"{clause} violated: {mark.text}" if mark.text else f"{clause} violated"
        where, exact = {**where, "cname": "terrible"}, exact | {"clause": clause}
    if mark.begin_ns == mark.end_ns:
        return {"ph": "i", "name": name, "s": "t", **where, "args": exact}
    return {"ph": "X", "name": name, **where, "dur": clock.drawn(mark.end_ns - mark.begin_ns), "args": exact}


def _level_ends(lane: Lane, track: int, clock: _Clock) -> list[dict[str, Any]]:
    """Return the last level once more, where it ends: a viewer draws nothing after the last event of all."""
    levels = [mark for mark in lane.marks if mark.kind == "level"]
    last = max(levels, key=lambda mark: mark.end_ns, default=None)
    if last is None or last.begin_ns == last.end_ns:
        return []
    return [_event(attrs.evolve(last, begin_ns=last.end_ns), lane, track, "", clock)]


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
