"""`headgate find`: a schedule that shows what is asked for, the largest value of all, or the proof that there is none.

Exit code 1: a schedule was found; 0: proved impossible, or, with --max, the maximum is proved; 2: bad usage or bad
input; 3: undecided, or, with --max, only a lower bound; 4: a fault of headgate.
"""

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import attrs
import click

from headgate.cli.exits import BadInput, Exit, InternalFault
from headgate.cli.find_text import as_json, as_text, explained_text
from headgate.cli.finding import ask_with_progress
from headgate.cli.output import Screen, format_option
from headgate.cli.own import named_policy
from headgate.cli.picture_file import PictureFile
from headgate.cli.places import OutputFile
from headgate.proofs.find.asking import NoReplayError
from headgate.proofs.find.checking import idle, is_of_steps
from headgate.proofs.find.question import Answer, Asked, Finding, Question, QuestionError, Span
from headgate.spec.contracts import read_contracts
from headgate.spec.errors import InputError
from headgate.spec.vocabulary import ContractSet, Device

__all__ = ["find"]

_NUMBER = re.compile(r"\d{1,15}(\.\d{1,15})?(/\d{1,15})?", re.ASCII)
_MASK = re.compile(r"0x[0-9a-fA-F]{1,64}|\d{1,18}", re.ASCII)
_SPAN = re.compile(r"(\d{1,10})\.\.(\d{1,10})", re.ASCII)


# Numbers of a mechanism: of buckets, of frames, of banks.
NUMBERS = ("rate", "depth", "level", "frames", "banks", "each")

if TYPE_CHECKING:
    from headgate.proofs.find.explain import Explanation

    _Type = click.ParamType[Any]
else:
    _Type = click.ParamType


class ExactNumber(_Type):
    """An exact number: whole, decimal, or a fraction such as 3/2."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """Return the number; a usage error for anything else."""
        if isinstance(value, Fraction):
            return value
        top, _, bottom = str(value).partition("/")
        if not _NUMBER.fullmatch(str(value)) or (bottom and int(bottom) == 0):
            self.fail(f"expected a number such as 40, 2.5 or 5/2, got {str(value)[:60]!r}", param, ctx)
        return Fraction(top) / Fraction(bottom or 1)


class MasksType(_Type):
    """Masks over banks with commas between them, as `page_color` has them: 0x3 for banks 0 and 1, or 3."""

    name = "M,M,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Return the masks; a usage error for anything else."""
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in str(value).split(",")]
        wrong = [part for part in parts if not _MASK.fullmatch(part)]
        if wrong:
            self.fail(f"expected masks such as 0x3,0xc, got {wrong[0][:60]!r}", param, ctx)
        return tuple(int(part, 16 if part.startswith("0x") else 10) for part in parts)


class SpanType(_Type):
    """Whole numbers from A to B."""

    name = "A..B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Span:
        """Return the span; a usage error for anything else."""
        if isinstance(value, Span):
            return value
        found = _SPAN.fullmatch(str(value))
        if found is None:
            self.fail(f"expected A..B, two whole numbers such as 1..4, got {str(value)[:60]!r}", param, ctx)
        return Span(int(found[1]), int(found[2]))


class NumbersType(_Type):
    """Exact numbers with commas between them."""

    name = "W,W,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Fraction, ...]:
        """Return the numbers; a usage error for anything else."""
        if isinstance(value, tuple):
            return value
        return tuple(ExactNumber().convert(part.strip(), param, ctx) for part in str(value).split(","))


def _bucket_options(command: Any) -> Any:
    words = {
        "rate": "Rate of the bucket in bytes per ns (else free, 1 to 4).",
        "depth": "Depth of the bucket in bytes (else free, 1 to 8).",
        "level": "What the bucket holds in step 0 (steps only).",
    }
    for name, text in reversed(words.items()):
        command = click.option(f"--{name}", type=ExactNumber(), help=text)(command)
    return command


def _memory_options(command: Any) -> Any:
    options = [
        click.option("--frames", type=ExactNumber(), help="Frames of the fast memory (eviction; else free)."),
        click.option("--pages", type=NumbersType(), help="Pages a tenant has (eviction).  [default: 2 each]"),
        click.option("--floors", type=NumbersType(), help="Pages a tenant is entitled to (eviction; else free)."),
        click.option("--banks", type=ExactNumber(), help="Banks (conflict; else those of --device or --contracts)."),
        click.option("--each", type=ExactNumber(), help="Banks a tenant asks for (conflict).  [default: 1]"),
        click.option("--colours", type=MasksType(), help="A mask over banks a tenant, such as 0x3,0xc (conflict)."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


# How a question says what the options are called that it is made of.
MEANT = (("a second policy", "--against"), ("the largest", "--at-least or --max"), ("(a horizon)", "--horizon"))


@click.command(short_help="Find a schedule that breaks a rule, or prove there is none.")
@click.argument("asked", metavar="QUESTION", type=click.Choice([asked.value for asked in Asked]))
@click.option(
    "--policy",
    metavar="POLICY",
    help="Who serves: an arbiter, a bucket, a rule of admission, eviction or colours, or your own package.module:NAME.",
)
@click.option("--against", metavar="POLICY", help="The second policy of a difference.")
@click.option("--tenants", type=int, help="How many tenants, or queues.  [default: 2]")
@click.option("--weights", type=NumbersType(), help="A weight a tenant, in bytes per ns.  [default: all 1]")
@click.option(
    "--priorities",
    type=NumbersType(),
    help="A priority a tenant, 0 the best.  [default: 0, or for priority the number]",
)
@click.option("--requests", type=int, help="Up to how many requests a schedule has.  [default: 4, conflict 12]")
@click.option("--horizon", type=int, metavar="STEPS", help="Ask the step model, of so many steps.")
@click.option("--sizes", type=SpanType(), help="Bytes of a request.  [default: 1..4]")
@click.option("--arrivals", type=SpanType(), help="ns (default 0..15), or requests per queue and step (0..4).")
@click.option("--within", type=int, metavar="NS", help="What counts must be over by then.")
@click.option("--same-step", is_flag=True, help="What arrives in a step can be served in it.")
@click.option("--victim", type=int, metavar="TENANT", help="Whose wait, gap, deficit or pages; else anybody's.")
@click.option("--at-least", type=ExactNumber(), help="The value to be reached.")
@click.option("--max", "maximise", is_flag=True, help="The largest value of all, with the proof that it is.")
@click.option("--device", metavar="PROFILE", help="The server: peak rate and blackouts at the hottest.")
@click.option("--contracts", metavar="FILE", help="Take tenants with a guarantee, policy and device from it.")
@_bucket_options
@_memory_options
@click.option("--assume", metavar="EXPR", multiple=True, help="What holds of every schedule (steps); repeatable.")
@click.option("--shows", metavar="EXPR", help="What a schedule must show, for the question condition.")
@click.option("--explain", is_flag=True, help="Say which arrivals always bring it, as expressions (steps).")
@click.option("--limit", type=ExactNumber(), metavar="SECONDS", help="Stop after so long, and say what is known.")
@click.option("--minimal", is_flag=True, help="The smallest schedule: fewest requests, then bytes, then time.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, help="Of the solver.")
@click.option("--save", metavar="FILE", help="Write the schedule, for headgate replay.")
@click.option("--picture", "out", metavar="OUT", help="Write its timeline: .svg, .png, .json (Perfetto) or .vcd.")
@format_option()
def find(asked: str, save: str | None, out: str | None, explain: bool, form: str, **options: Any) -> int:
    """Find a schedule that breaks a policy, within what is asked, or prove that there is none.

    QUESTION: wait, gap, deficit, difference, overrun, oversubscription (of a few requests, with arrivals in ns);
    service, blocked, wait, starvation, condition (of steps, with --horizon); eviction (a tenant within its floor loses
    a page; lru, total, floorless, lru-floor, resident), conflict (two tenants' pages in one bank; essay, coloured,
    masks, at-once).

    Every schedule is run on the exact model before it is shown. Such as:
    headgate find wait --policy priority --victim 1 --at-least 9

    Exit codes: 1 a schedule was found, 0 proved impossible (--max: the maximum is proved), 2 bad input, 3 undecided
    (--max: only a lower bound), 4 a fault of headgate.
    """
    question = _question(asked, {**options, "asked": asked})
    _refuse_idle(question, options)
    saved = OutputFile("--save", save, (options["contracts"],)) if save is not None else None
    drawn = PictureFile(out, (save, options["contracts"])) if out is not None else None
    if drawn is not None and question.asked is Asked.OVERSUBSCRIPTION:
        drawn.refuse_without_time()
    if explain:
        _refuse_explaining(question)
    try:
        answer, explanation = ask_with_progress(question, explain, click.get_current_context().obj)
    except QuestionError as error:
        raise BadInput(_by_options(str(error))) from error
    except NoReplayError as error:
        raise InternalFault(str(error)) from error
    if answer.schedule is not None and saved is not None:
        from headgate.spec.schedules import schedule_text

        saved.write(schedule_text(answer.schedule))
    if answer.schedule is not None and answer.replay is not None and drawn is not None:
        drawn.write(answer.schedule, answer.replay)
    click.echo(_shown(answer, save, form, explanation, explain))
    return exit_of(answer)


def _shown(answer: Answer, save: str | None, form: str, explanation: "Explanation | None", explain: bool) -> str:
    if form == "json":
        return as_json(answer, save, explanation)
    text = as_text(answer, save, Screen.of_stdout())
    return text if not explain else f"{text}\n\n{explained_text(answer, explanation)}"


def _by_options(refusal: str) -> str:
    """Return why a question is refused, with the options by which it was given."""
    place, colon, expected = refusal.partition(":")
    option = "--horizon" if place == "steps" else f"--{place.replace('_', '-')}"
    names = {name for each in find.params for name in each.opts}
    words = f"{option}{colon}{expected}" if option in names else refusal
    meant = [option for phrase, option in MEANT if phrase in refusal]
    return f"{words} ({meant[0]})" if meant else words


def _refuse_idle(question: Question, options: dict[str, Any]) -> None:
    """Refuse what is typed, a default as well, and means nothing to the question."""
    fields = {"horizon": "steps", "within": "within_ns"}
    typed = [name for name, value in options.items() if value is not None and value is not False and value != ()]
    refusal = idle(question, {fields.get(name, name) for name in typed})
    if refusal:
        raise BadInput(_by_options(refusal))


def _refuse_explaining(question: Question) -> None:
    if not is_of_steps(question):
        raise BadInput("--explain: expected --horizon STEPS, since a class of traffic is one of steps")
    if question.asked is Asked.STARVATION:
        raise BadInput("--explain: expected service, blocked, wait or condition, got starvation")


def exit_of(answer: Answer) -> Exit:
    """Return the exit code of an answer."""
    if answer.finding is Finding.UNDECIDED:
        return Exit.UNDECIDED
    if answer.question.maximise and answer.finding is Finding.FOUND:
        return Exit.HOLDS if answer.proved_maximal else Exit.UNDECIDED
    return Exit.VIOLATED if answer.finding is Finding.FOUND else Exit.HOLDS


# ---- the question ----


def _question(asked: str, options: dict[str, Any]) -> Question:
    agreed = read_contracts(options["contracts"]) if options["contracts"] is not None else None
    policy = options["policy"] or _policy_of_files(asked, options, agreed)
    if policy is None:
        raise BadInput("--policy: expected who serves, such as sfq, fcfs or priority; see headgate find --help")
    tenants, weights, priorities = _tenants(options, agreed)
    question = Question(
        asked=Asked(asked),
        policy=named_policy(policy),
        tenants=tenants,
        weights=weights,
        priorities=priorities,
        requests=options["requests"],
        steps=options["horizon"],
        sizes=options["sizes"] or Span(1, 4),
        arrivals=options["arrivals"],
        within_ns=options["within"],
        same_step=options["same_step"],
        victim=options["victim"],
        at_least=options["at_least"],
        maximise=options["maximise"],
        against=_against(options["against"]),
        device=_device(options["device"], agreed),
        contracts=agreed,
        parameters={name: options[name] for name in NUMBERS if options[name] is not None},
        floors=_wholes("floors", options["floors"]),
        pages=_wholes("pages", options["pages"]),
        colours=_colours(asked, options["colours"], agreed),
        limit_seconds=options["limit"],
        minimal=options["minimal"],
        seed=options["seed"],
    )
    return _with_expressions(question, options["assume"], options["shows"])


def _against(named: str | None) -> str | None:
    """Return the second policy: one of headgate's, since the schedule of a difference names it for whoever replays."""
    if named is not None and ":" in named:
        raise BadInput("--against: expected a policy of headgate's, such as sfq; your own is given by --policy")
    return named


def _tenants(options: dict[str, Any], agreed: ContractSet | None) -> tuple[int, tuple[Fraction, ...], tuple[int, ...]]:
    weights, priorities = options["weights"] or (), _wholes("priorities", options["priorities"], " from 0 to 99")
    if agreed is None:
        lists = (weights, priorities, *(options[name] or () for name in ("floors", "pages", "colours")))
        count = next((len(each) for each in lists if each), 2)
        return options["tenants"] if options["tenants"] is not None else count, weights, priorities
    given = [name for name in ("tenants", "weights", "priorities", "colours") if options[name] is not None]
    if given:
        raise BadInput(f"--{given[0]}: expected it from the contract file, which --contracts gives, or none")
    promised = agreed.guaranteed
    if not promised:
        raise InputError(agreed.source, "at least one tenant with a guarantee")
    if options["asked"] == Asked.CONFLICT.value:
        return len(promised), (), ()
    return (
        len(promised),
        tuple(contract.guaranteed_bytes_per_ns for contract in promised),
        tuple(min(99, contract.priority) for contract in promised),
    )


def _wholes(name: str, given: tuple[Fraction, ...] | None, which: str = "") -> tuple[int, ...]:
    if given is not None and any(number.denominator != 1 for number in given):
        raise BadInput(f"--{name}: expected whole numbers{which}")
    return tuple(int(number) for number in given or ())


def _policy_of_files(asked: str, options: dict[str, Any], agreed: ContractSet | None) -> str | None:
    """Return the policy that the rest of the command line implies: of colours it gives, the colours as they are."""
    if asked == Asked.CONFLICT.value:
        return "masks" if agreed is not None or options["colours"] is not None else None
    return agreed.policy if agreed is not None else None


def _colours(asked: str, given: tuple[int, ...] | None, agreed: ContractSet | None) -> tuple[int, ...]:
    if agreed is None or asked != Asked.CONFLICT.value:
        return given or ()
    masks = [contract.page_color for contract in agreed.guaranteed]
    if None in masks:
        raise InputError(agreed.source, "a page_color for each tenant with a guarantee")
    return tuple(mask for mask in masks if mask is not None)


def _device(name: str | None, agreed: ContractSet | None) -> Device | None:
    if name is None:
        return agreed.device if agreed is not None else None
    if agreed is not None:
        raise BadInput("--device: expected it from the contract file, which --contracts gives, or none")
    from headgate.spec.devices import profile

    return profile(name)


def _with_expressions(question: Question, assumed: Sequence[str], shows: str | None) -> Question:
    """Return the question with its expressions read, which are about its queues and steps."""
    if not assumed and shows is None:
        return question
    if not is_of_steps(question):
        option = "--assume" if assumed else "--shows"
        raise BadInput(f"{option}: expected --horizon STEPS, since expressions are about steps")
    from headgate.proofs.find.question import DEFAULT_STEPS
    from headgate.spec.expressions import parse_expression

    steps = DEFAULT_STEPS if question.steps is None else max(1, question.steps)  # fewer are refused with the rest
    read = tuple(parse_expression(text, question.tenants, steps, "--assume") for text in assumed)
    shown = parse_expression(shows, question.tenants, steps, "--shows") if shows is not None else None
    return attrs.evolve(question, steps=steps, assume=read, shows=shown)
