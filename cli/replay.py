"""`headgate replay`: run a schedule on the exact rules, and draw what happens.

Exit code 0: the schedule does not show its violation; 1: it does; 2: bad usage or bad input.
"""

import difflib
import json
import textwrap
from typing import Any

import attrs
import click

from headgate.cli.exits import BadInput, exit_for
from headgate.cli.output import Screen, format_option, json_text, number_text, readable, shorten
from headgate.cli.own import named_policy
from headgate.cli.picture_file import PictureFile
from headgate.cli.timeline import bars, timeline
from headgate.cli.traces import facts
from headgate.model.arbiters import Policy
from headgate.model.replay import Lane, Replay, ReplayError
from headgate.model.replay import replay as run_schedule
from headgate.spec.errors import InputError, one_line
from headgate.spec.loading import FOREIGN
from headgate.spec.reading import Unreadable, parse_json, read_text
from headgate.spec.schedules import LIMIT_BYTES, parse_schedule, schedule_of
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import Schedule, Verdict

__all__ = ["drawing", "replay"]


@click.command(short_help="Run a schedule on the exact rules and draw what happens.")
@click.argument("file", metavar="SCHEDULE.json")
@click.option(
    "--rule",
    "--policy",
    "rule",
    metavar="RULE",
    help="Another rule of the same mechanism, such as sfq or token, or your own policy, package.module:NAME.",
)
@click.option("--id", "theorem", metavar="ID", help="Which result, if the file is what `verify --format json` printed.")
@click.option("--picture", "out", metavar="OUT", help="Write the timeline: .svg, .png, .json (Perfetto) or .vcd.")
@format_option()
def replay(file: str, rule: str | None, theorem: str | None, out: str | None, form: str) -> int:
    """Run the schedule of a JSON file ("-": standard input) on the exact rules of its mechanism.

    Shows what it claims, the timeline, and whether the claim holds. What `headgate verify --witness` writes can be
    replayed, and so can the output of `headgate verify --format json`, with --id.

    Exit codes: 0 the schedule does not show a violation, 1 it does, 2 bad input.
    """
    drawn = PictureFile(out, (file,)) if out is not None else None
    schedule = _read(file, theorem)
    chosen = named_policy(rule) if rule is not None else None
    if chosen is not None:
        schedule = attrs.evolve(schedule, rule=chosen if isinstance(chosen, str) else chosen.name)
    try:
        shown = _shown(schedule, chosen)
        text = _as_json(schedule, shown) if form == "json" else _as_text(schedule, shown, Screen.of_stdout())
    except ReplayError as error:
        raise BadInput(_refusal(file, rule, str(error))) from error
    except ValueError as error:
        # Python refuses to write integers of more than 4300 digits.
        words = "expected numbers of a few digits, got some whose results have thousands"
        raise BadInput(f"{file}: {words}") from error
    if drawn is not None:
        drawn.write(schedule, shown)
    click.echo(text)
    return exit_for(_verdict(shown))


def _refusal(file: str, rule: str | None, said: str) -> str:
    """Return why a schedule is not run; of a rule that was asked for, the option, and the name that was meant."""
    expected = said.removeprefix("rule: expected one of ")
    if rule is None or expected == said:
        return f"{file}: {shorten(said, 400)}"
    near = difflib.get_close_matches(rule, expected.rpartition(", got ")[0].split(", "), 1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"--rule: expected one of {shorten(expected, 400)}{hint}"


def _shown(schedule: Schedule, chosen: str | Policy | None) -> Replay:
    """Return the run; where a policy of the user's own fails, BadInput, since that is no fault of headgate's."""
    if not isinstance(chosen, Policy):
        return run_schedule(schedule)
    try:
        return run_schedule(schedule, chosen)
    except ReplayError:
        raise
    except FOREIGN as error:
        words = shorten(one_line(f"{type(error).__name__}: {error}"), 200)
        raise BadInput(f"--policy {chosen.name}: expected a policy that serves who waits, got {words}") from error


def _verdict(shown: Replay) -> Verdict:
    return Verdict.VIOLATED if shown.violated else Verdict.HOLDS


# ---- the file ----


def _read(file: str, theorem: str | None) -> Schedule:
    content = read_text("/dev/stdin" if file == "-" else file, LIMIT_BYTES)
    data = parse_json(content, file)
    if isinstance(data, dict) and data.get("tool") == "headgate":
        return _from_results(data, file, theorem)
    if theorem is not None:
        raise InputError(file, "what `headgate verify --format json` printed, as --id is given", "a schedule")
    return schedule_of(data, file)


def _from_results(data: dict[str, Any], file: str, theorem: str | None) -> Schedule:
    """Return the witness of one result of `headgate verify --format json`."""
    given = data.get("results")
    results = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    witnesses = {str(each.get("id")): each["witness"] for each in results if isinstance(each.get("witness"), dict)}
    if theorem not in witnesses:
        near = difflib.get_close_matches(theorem or "", witnesses, 3) or list(witnesses)[:3]
        hint = f" (such as {', '.join(near)})" if near else ""
        got = "no --id" if theorem is None else f"--id {theorem[:60]!r}"
        raise InputError(file, f"the id of a result that has a witness{hint}", got)
    # A float or an endless number becomes NaN, which the reader of schedules refuses with its place.
    witness = json.dumps(witnesses[theorem], default=lambda value: _unread(value))
    return parse_schedule(witness, f"{file}: {theorem}")


def _unread(value: object) -> float:
    assert isinstance(value, Unreadable)
    return float("nan")


# ---- text ----


def _as_text(schedule: Schedule, shown: Replay, screen: Screen) -> str:
    return "\n".join([*_heading(schedule, screen), "", drawing(schedule, shown, screen), "", *_ending(shown, screen)])


def _heading(schedule: Schedule, screen: Screen) -> list[str]:
    title = _title(schedule.clause)
    clause = f"{schedule.clause} {title}".strip()
    lines = [screen.paint(schedule.name or clause, "title")]
    lines += _wrapped(f"{schedule.clause}: " if not title else f"{clause}: ", schedule.statement, screen)
    lines.append(f"rule {schedule.rule} ({schedule.mechanism}); claim {schedule.claim}")
    tighter = schedule.parameters.get("tighter_by", 0)
    if tighter:
        lines.append(f"the bound is held {shorten(str(tighter), 40)} tighter than stated: nothing tighter holds")
    return lines


def _title(clause: str) -> str:
    from headgate.spec.clauses import clauses

    known = clauses().get(clause)
    return known.title if known is not None else ""


def _wrapped(before: str, text: str, screen: Screen) -> list[str]:
    return textwrap.wrap(before + text, screen.width, subsequent_indent="  ") or [before.strip()]


def drawing(schedule: Schedule, shown: Replay, screen: Screen) -> str:
    """Return the timeline of a replay, or, where its claim is not about time, the two numbers as bars."""
    drawn = timeline(shown.lanes, screen, shown.clock)
    if drawn:
        return drawn
    observed, bound = _words(schedule)
    rows = [
        (observed, shown.observed, f"{number_text(shown.observed)} {shown.unit}", "bad" if shown.violated else "good"),
        (bound, shown.bound, f"{number_text(shown.bound)} {shown.unit}", None),
    ]
    return bars(rows, screen)


def _words(schedule: Schedule) -> tuple[str, str]:
    return ("guarantees", "what is there") if schedule.mechanism == "admission" else ("observed", "bound")


def _ending(shown: Replay, screen: Screen) -> list[str]:
    verdict, colour = ("violated", "bad") if shown.violated else ("holds", "good")
    return [*_wrapped("", readable(shown.finding), screen), f"verdict: {screen.paint(verdict, colour)}"]


# ---- JSON ----


def _as_json(schedule: Schedule, shown: Replay) -> str:
    result = {**facts(schedule, shown), "clock": shown.clock, "lanes": [_lane(lane) for lane in shown.lanes]}
    return json_text("replay", _verdict(shown), [result])


def _lane(lane: Lane) -> dict[str, Any]:
    marks = []
    for mark in lane.marks:
        row: dict[str, Any] = {"begin_ns": exact_text(mark.begin_ns), "end_ns": exact_text(mark.end_ns)}
        row |= {"kind": mark.kind, "text": mark.text}
        if mark.value is not None:
            row["value"] = exact_text(mark.value)
        marks.append(row)
    return {"label": lane.label, "marks": marks}
