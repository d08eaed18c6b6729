"""The command `headgate`: finds the command that was asked for, and turns whatever ends it into an exit code.

Nothing is imported before it is needed: `headgate --help` loads neither a solver nor a model.
"""

import contextlib
import difflib
import errno
import gc
import importlib
import os
import sys
from collections.abc import Sequence

import attrs
import click

from headgate.cli.began import process_began
from headgate.cli.exits import BadInput, Exit, InternalFault
from headgate.spec.errors import InputError, one_line

__all__ = ["COMMANDS", "main", "run"]


@attrs.frozen
class Entry:
    """Where a command is defined, and what the list of commands says about it."""

    module: str
    summary: str


COMMANDS = {
    "verify": Entry("headgate.cli.verify", "Prove every theorem, and check a contract file."),
    "trace": Entry("headgate.cli.trace", "Did this run keep the contracts?"),
    "bound": Entry("headgate.cli.bound", "How late can each tenant be, and how many more fit?"),
    "find": Entry("headgate.cli.find", "Find a schedule that breaks a rule, or prove there is none."),
    "replay": Entry("headgate.cli.replay", "Run a schedule on the exact rules and draw what happens."),
    "replay-workload": Entry("headgate.cli.workload", "Serve a trace of requests: who is evicted, who is late?"),
    "review": Entry("headgate.cli.review", "Does this implementation keep the rule?"),
    "vectors": Entry("headgate.cli.vectors", "Write the test vectors: fixed cases, with their answers."),
    "claims": Entry("headgate.cli.claims", "Which claims of the essays stand?"),
    "spec": Entry("headgate.cli.spec", "Read the clauses, and what implements and proves them."),
}


class LazyGroup(click.Group):
    """A group that imports a command only when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported now, or None."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = getattr(importlib.import_module(entry.module), cmd_name.replace("-", "_"))
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that `args` begin with; BadInput, with the nearest name, where there is none."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = difflib.get_close_matches(name, COMMANDS, 1)
            hint = f"did you mean {near[0]}?" if near else "see headgate --help"
            raise BadInput(f"expected a command ({', '.join(COMMANDS)}), got {name[:60]!r}; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table above, so that none has to be imported."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from headgate.cli.output import version

    click.echo(f"headgate {version()}")
    ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 holds, 1 violated (and shown), 2 bad usage or bad input, 3 undecided, 4 a fault of headgate.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
def headgate() -> None:
    """Say whether GPU memory bandwidth is shared as the contracts of its tenants say: prove it, or show why not."""


def main() -> None:
    """Run the command line of this process and end it with the exit code."""
    if sys.stdout is None:  # closed by the caller (`>&-`); what opens it is open until the process ends
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    # Records of a long schedule live until the end: looking for garbage among them costs a fifth of the time.
    gc.set_threshold(100_000)
    code = run(sys.argv[1:], process_began())
    try:
        sys.stdout.flush()
    except OSError as error:  # what could not be written is dropped, lest the interpreter complain as it ends
        _silence_stdout()
        code = Exit.BROKEN_PIPE if error.errno == errno.EPIPE else code
    sys.exit(code)


def run(arguments: Sequence[str], began: float | None = None) -> int:
    """Run the command that `arguments` ask for; return the exit code. Only HEADGATE_DEBUG=1 shows a traceback.

    `began` is from when a limit counts, by `time.monotonic`; None: from when the command begins.
    """
    _never_fail_on_a_character()
    try:
        return _invoke(arguments, began)
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except click.ClickException as error:
        return _refuse_usage(error)
    except (BadInput, InputError) as error:
        code = _say(str(error), Exit.BAD_INPUT)
        # Of an expression a person sees where it went wrong as well; whatever reads a pipe gets its one line.
        if sys.stderr.isatty() and hasattr(error, "picture"):
            click.echo(error.picture, err=True)
        return code
    except OSError as error:
        return _refuse_file(error)
    except InternalFault as error:
        return _say(f"{error} (this is a fault of headgate, please report it)", Exit.INTERNAL_FAULT)
    except BaseException as error:  # also what ends a program: only a verdict may end one with a verdict's code
        return _admit_fault(error)


def _invoke(arguments: Sequence[str], began: float | None) -> int:
    """Run a command. Not by click's own `main`, which gives a broken pipe the exit code of a violation."""
    if "_HEADGATE_COMPLETE" in os.environ:
        return _complete(arguments)
    try:
        with headgate.make_context("headgate", list(arguments), obj=began) as context:
            code = headgate.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        code = end.exit_code
    return code if isinstance(code, int) else Exit.HOLDS


def _complete(arguments: Sequence[str]) -> int:
    """Answer a shell that completes a line: click does that, and then ends the program."""
    try:
        headgate.main(list(arguments), prog_name="headgate")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else Exit.HOLDS
    return Exit.HOLDS


def _never_fail_on_a_character() -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _refuse_usage(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return Exit.BAD_INPUT
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f" (see {context.command_path} --help)" if context is not None else ""
    # Of a choice click lists what there is, a line each.
    return _say(" ".join(error.format_message().split()).removesuffix(".") + hint, Exit.BAD_INPUT)


def _refuse_file(error: OSError) -> int:
    if error.errno == errno.EPIPE:
        return _silence_stdout()
    place = f"{error.filename}: " if isinstance(error.filename, str) else ""
    return _say(f"{place}{(error.strerror or 'the system refused it').lower()}", Exit.BAD_INPUT)


def _silence_stdout() -> int:
    """Let the interpreter end without a complaint about a reader that went away."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.BROKEN_PIPE


def _admit_fault(error: BaseException) -> int:
    if os.environ.get("HEADGATE_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    said = str(error).strip().partition("\n")[0][:200]
    name = type(error).__name__
    hint = "HEADGATE_DEBUG=1 shows where"
    return _say(f"internal fault: {name}{': ' if said else ''}{said} ({hint})", Exit.INTERNAL_FAULT)


def _say(line: str, code: Exit) -> int:
    click.echo(f"headgate: {one_line(' '.join(line.split(chr(10))))}", err=True)
    return code
