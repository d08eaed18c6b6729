"""`headgate review`: hold an implementation against the model, and show the smallest case that breaks a clause.

Exit code 0: conforming; 1: violating; 2: errored (it crashed, hung or broke the protocol), or bad usage.
"""

import shlex
from collections.abc import Collection
from typing import Any

import click

from headgate.cli.exits import BadInput, Exit
from headgate.cli.output import Screen, format_option
from headgate.cli.places import OutputFile

__all__ = ["review"]

ROLES = ("bucket", "shaper", "marker", "arbiter", "allocator", "cache", "admission")
# The numbers that some role knows, by their option; a list is written with commas.
NUMBERS = {
    "rate": "bytes a unit of the clock",
    "burst": "bytes at once",
    "window": "units of the clock",
    "cir": "committed rate, bytes a unit of the clock",
    "cbs": "committed burst, bytes",
    "pir": "peak rate, bytes a unit of the clock",
    "pbs": "peak burst, bytes",
    "weights": "one a tenant",
    "priorities": "one a tenant, 0 the best",
    "quanta": "bytes, one a tenant",
    "pages": "pages in all",
    "banks": "banks",
    "colors": "masks over the banks, one a tenant",
    "quotas": "pages, one a tenant",
    "frames": "pages that are resident at most",
    "floors": "pages that nobody else may evict, one a tenant",
    "capacity": "what is there to be admitted",
}
LISTS = ("weights", "priorities", "quanta", "colors", "quotas", "floors")


def _numbers(command: Any) -> Any:
    for name, meaning in reversed(NUMBERS.items()):
        shown = "N,N,.." if name in LISTS else "N"
        command = click.option(f"--{name}", metavar=shown, help=f"Fixed {name}: {meaning} (else drawn).")(command)
    return command


# The languages of drivers to start from: those of headgate.properties.review.templates, which is not loaded yet.
LANGUAGES = ("python", "stdio-python", "javascript", "go")


@click.command(short_help="Does this implementation keep the rule?")
@click.argument("target", metavar="package.module:factory", required=False)
@click.option(
    "--exec", "command", metavar="COMMAND", help="A process that speaks JSON lines, such as 'node driver.js'."
)
@click.option("--init", "begin", metavar="ROLE", help="Write a driver for this role to start from, and review nothing.")
@click.option("--language", type=click.Choice(LANGUAGES), help="Of that driver (python).")
@click.option("--output", metavar="FILE", help="Where it goes (standard output).")
@click.option("--role", type=click.Choice(ROLES), help="What the implementation is.")
@click.option("--policy", metavar="POLICY", help="What it is declared to be, such as token-bucket or sfq.")
@_numbers
@click.option("--clock", type=click.Choice(["ns", "us", "ms", "s"]), default="ns", help="The unit of its clock.")
@click.option("--float", "floats", is_flag=True, help="Its times are floats, not whole units.")
@click.option("--clock-goes-back", is_flag=True, help="Offer it times before the last one as well.")
@click.option("--tolerance", metavar="X", help="A share of depth or time that counts as equal (floats, 1/3: 1e-9).")
@click.option("--keys", type=click.IntRange(0, 1000), default=0, help="It keeps one bucket a key; use N keys.")
@click.option("--legal-only", is_flag=True, help="Offer nothing of 0, less, or too much; release what is held alone.")
@click.option("--largest", type=click.IntRange(1, 10**9), metavar="N", help="Offer 1 to N at a time (1: no sizes).")
@click.option("--without", default="", metavar="METHODS", help="What a cache lacks: pin, evict, or both with a comma.")
@click.option("--single-threaded", is_flag=True, help="Of a gate of admission: no second client asks in the middle.")
@click.option(
    "--profile",
    type=click.Choice(["quick", "ci", "explore"]),
    default="ci",
    show_default=True,
    help="quick: 300 cases or 10 s; ci: 3000 or a minute; explore: until stopped.",
)
@click.option(
    "--case-seconds",
    type=click.FloatRange(0.01, 3600),
    default=5.0,
    help="20 calls that take longer than so many seconds are taken to hang.",
    show_default=True,
)
@format_option()
def review(
    target: str | None, command: str | None, begin: str | None, role: str | None, form: str, **given: Any
) -> int:
    """Hold an implementation against the model: offer it what breaks others, and judge every answer exactly.

    package.module:factory is called with the role's numbers by name (rate=..., burst=...) and returns an object with
    the role's methods (bucket: offer(now, size) -> bool; arbiter: enqueue(now, tenant, size), dequeue(now) -> tenant).
    --init ROLE shows those of any role. What reads a clock, or lives on asyncio or in simpy, takes a few lines of
    headgate.properties.review.adapters, as the drivers in headgate.examples.review show.

    Not judged: FR-FCFS (arrivals at an arbiter have no row), and, behind --exec, two clients of a gate at once: a
    process is asked by one after the other, only a Python object by a second one in the middle of a request.

    Exit codes: 0 conforming, 1 violating, 2 errored or bad input.
    """
    from headgate.cli.review_report import as_json, as_text, progress_of
    from headgate.properties.review.again import look_again
    from headgate.properties.review.declared import Clock
    from headgate.properties.review.hunt import PROFILES, Outcome, hunt
    from headgate.properties.review.process import ProcessTarget
    from headgate.properties.review.targets import PythonTarget, Target, load_factory

    _check_usage(begin, form, given)
    if begin is not None:
        return _init(begin, given["language"] or LANGUAGES[0], given["output"])
    if role is None:
        raise BadInput(f"--role: expected one of {', '.join(ROLES)}")
    if (target is None) == (command is None):
        raise BadInput("expected an implementation: package.module:factory, or --exec COMMAND")
    suite, declared = _declared(role, given)

    def reach(clock: Clock) -> Target:
        if command is not None:
            return ProcessTarget(_words(command), role, clock, given["case_seconds"])
        assert target is not None
        return PythonTarget(load_factory(target), target, clock, given["case_seconds"])

    profile = PROFILES[given["profile"]]
    with progress_of(profile) as progress:
        found = hunt(suite, reach(declared.clock), declared, profile, progress)
    again = look_again(found, reach)
    click.echo(as_json(found, again) if form == "json" else as_text(found, Screen.of_stdout(), again))
    return {
        Outcome.CONFORMING: Exit.HOLDS,
        Outcome.VIOLATING: Exit.VIOLATED,
        Outcome.ERRORED: Exit.BAD_INPUT,
    }[found.outcome]


def _check_usage(begin: str | None, form: str, given: dict[str, Any]) -> None:
    """Refuse what has no meaning together: a driver is written, or an implementation reviewed."""
    if not given["case_seconds"] >= 0:  # neither is a time that is not a number
        raise BadInput("--case-seconds: expected a number of seconds, got nan")
    if begin is not None:
        names = _typed({"begin", "language", "output", *(["form"] if form == "text" else [])})
        if names:
            raise BadInput(
                f"--init: expected it without {' and '.join(names)}: it writes a driver, and reviews nothing"
            )
    else:
        for name in ("language", "output"):
            if given[name] is not None:
                raise BadInput(f"--{name}: expected it with --init ROLE alone: it is the driver's")


def _typed(but: Collection[str]) -> list[str]:
    """Return what stands in the command line, but for some parameters, as a person calls it."""
    context = click.get_current_context()
    words = {"target": "an implementation", "form": "--format json"}
    return [
        words.get(param.name, param.opts[0])
        for param in context.command.params
        if param.name not in but and context.get_parameter_source(param.name) is click.core.ParameterSource.COMMANDLINE
    ]


def _init(role: str, language: str, output: str | None) -> int:
    """Write a driver; a file that is there already is left alone."""
    from headgate.properties.review.declaring import declare
    from headgate.properties.review.templates import template

    out = None if output is None else OutputFile("--output", output, is_new=True)
    suite, _ = declare(role)
    text = template(suite, language)
    if out is None:
        click.echo(text, nl=False)
        return Exit.HOLDS
    out.write(text)
    click.echo(f"{output}: a driver for the role {role}; its first lines say how to review it")
    return Exit.HOLDS


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise BadInput(
            f"--exec: expected a command as a shell would read it, got {command[:60]!r} ({error})"
        ) from error


def _declared(role: str, given: dict[str, Any]) -> tuple[Any, Any]:
    """Return the suite of `role` and what the options declare."""
    from headgate.properties.review.declaring import declare

    numbers = {name: given[name] for name in NUMBERS if given[name] is not None}
    how = {
        name: given[name]
        for name in ("policy", "clock", "floats", "tolerance", "keys", "legal_only", "single_threaded", "without")
    }
    back, largest = given["clock_goes_back"], given["largest"] or 0
    return declare(role, numbers=numbers, goes_back=back, largest=largest, **how)
