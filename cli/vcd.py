"""A replay as a value change dump (IEEE 1364-2005, section 18), for GTKWave and its like: a module a lane.

For each kind of mark a lane has an event, which fires where one begins, a wire, which is 1 while one lasts, and, where
several begin at once, an integer that counts them; for a level an integer, unknown (x) where there is none. Each is
named after its lane, since viewers show no more than its own name; those of a violation after the clause. The timescale
is 1 ps or 1 fs, whichever makes every time exact; where neither does, times are rounded down, and a comment says so.

The form knows of time only: a step or a sample is written as a ns. A comment says so, the name of the outermost module,
and an integer that counts them. After the last change some time passes, so that it can be seen.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction

import attrs

from headgate.cli.lanes import unit_word
from headgate.cli.output import version
from headgate.model.replay import Lane, Mark, Replay
from headgate.spec.vocabulary import Schedule

__all__ = ["UnwritableError", "vcd_text"]

# Ticks in a ns. Readers keep times in 64 bits.
SCALES = {"1 ps": 1000, "1 fs": 10**6}
BEYOND = 2**63
LEAST_BITS = 32
PARTS = 20  # what passes after the last change, of the whole
FIRST, SIGNS = 33, 94  # the identifiers of variables are made of printable ASCII

Changes = list[tuple[int, str]]  # (tick, what is written there); of the same tick, in this order


class UnwritableError(Exception):
    """Times that the form cannot hold; `str()` says which it can."""


@attrs.frozen
class _Variable:
    kind: str
    bits: int
    name: str
    initial: str  # before the first change, with {} for its identifier; "" for none
    changes: Changes


def vcd_text(schedule: Schedule, shown: Replay) -> str:
    """Return the replay as VCD; UnwritableError for times that the form cannot hold."""
    lanes = [lane for lane in shown.lanes if lane.marks]
    times = [at for lane in lanes for mark in lane.marks for at in (mark.begin_ns, mark.end_ns)]
    scale = _scale(times)
    modules = [(lane.label, list(_variables(lane, SCALES[scale], schedule.clause))) for lane in lanes]
    comments = _comments(schedule, shown, lanes, times, scale)
    outermost, unit = "headgate", unit_word(shown)
    if unit != "ns":
        outermost += f"_1_{unit}_is_1_ns"
        modules.insert(0, (shown.clock, [_counted(shown.clock, int(max(times)), SCALES[scale])]))
    return "\n".join([*_header(comments, scale), *_body(outermost, modules, _until(times, SCALES[scale]))]) + "\n"


def _until(times: Sequence[Fraction], ticks: int) -> int:
    """Return the tick until which time passes: what happens at the very last one is cut off by the edge of a viewer."""
    length = max(times) - min(times)
    last = max(times)
    return min(max(_tick(last, ticks) + 1, _tick(last + (length / PARTS if length else 1), ticks)), BEYOND - 1)


def _scale(times: Sequence[Fraction]) -> str:
    """Return the coarsest timescale in which every time is whole, else the finest in which all are small enough."""
    if min(times) < 0 or max(times) * SCALES["1 ps"] >= BEYOND:
        raise UnwritableError("times from 0 to 2^63 ps, or a name in .svg, .png or .json")
    fits = [scale for scale, ticks in SCALES.items() if max(times) * ticks < BEYOND]
    return next((scale for scale in fits if _is_exact(times, scale)), fits[-1])


def _is_exact(times: Sequence[Fraction], scale: str) -> bool:
    return all((at * SCALES[scale]).denominator == 1 for at in times)


# ---- what is declared ----


def _comments(
    schedule: Schedule, shown: Replay, lanes: Sequence[Lane], times: Sequence[Fraction], scale: str
) -> Iterator[str]:
    verdict = "violated" if shown.violated else "holds"
    yield f"{schedule.clause} {verdict}: {schedule.statement}"
    yield f"rule {schedule.rule} ({schedule.mechanism}); claim {schedule.claim}; {shown.finding}"
    if unit_word(shown) != "ns":
        yield f"a {unit_word(shown)} is written as 1 ns: times are no times, but count {shown.clock}"
    if not _is_exact(times, scale):
        yield f"times that are not whole in {scale} are rounded down"
    levels = [mark.value for lane in lanes for mark in lane.marks if mark.value is not None]
    if any(level.denominator != 1 for level in levels):
        yield "levels that are not whole are rounded down"


def _header(comments: Iterator[str], scale: str) -> Iterator[str]:
    yield f"$version headgate {version()} $end"
    for comment in comments:
        yield f"$comment {_words(comment)} $end"
    yield f"$timescale {scale} $end"


def _words(text: str) -> str:
    """Return text that does not end the section that it stands in."""
    return text.replace("$", "$ ")


def _name(text: str) -> str:
    """Return a simple identifier."""
    return re.sub(r"\W", "_", text, flags=re.ASCII) or "_"


def _identifier(number: int) -> str:
    high, low = divmod(number, SIGNS)
    return (_identifier(high - 1) if high else "") + chr(FIRST + low)


# ---- what changes ----


def _variables(lane: Lane, ticks: int, clause: str) -> Iterator[_Variable]:
    kinds = list(dict.fromkeys(mark.kind for mark in lane.marks))
    for kind in kinds:
        marks = sorted((mark for mark in lane.marks if mark.kind == kind), key=lambda mark: mark.begin_ns)
        name = _name(
            f"{clause}_violated" if kind == "violation" else kind if kind == lane.label else f"{lane.label}_{kind}"
        )
        if kind == "level":
            yield _level(marks, ticks, name)
            continue
        begins = [_tick(mark.begin_ns, ticks) for mark in marks]
        yield _Variable("event", 1, f"{name}_at", "", [(tick, "1{}") for tick in dict.fromkeys(begins)])
        if len(set(begins)) < len(begins):
            yield _at_once(begins, name)
        if any(mark.begin_ns < mark.end_ns for mark in marks):
            yield _Variable("wire", 1, name, "0{}", list(_spans(marks, ticks)))


def _at_once(begins: Sequence[int], name: str) -> _Variable:
    """Return how many began when last one did: an event shows the first of them only."""
    changes = [(tick, f"b{count:b} {{}}") for tick, count in Counter(begins).items()]
    return _Variable("integer", LEAST_BITS, f"{name}_at_once", "bx {}", changes)


def _counted(clock: str, last: int, ticks: int) -> _Variable:
    """Return the number of each step or sample."""
    changes = [(at * ticks, f"b{at:b} {{}}") for at in range(last + 1)]
    return _Variable("integer", LEAST_BITS, clock, "bx {}", changes)


def _tick(at: Fraction, ticks: int) -> int:
    return int(at * ticks)  # at >= 0, so that this rounds down


def _spans(marks: Sequence[Mark], ticks: int) -> Iterator[tuple[int, str]]:
    """Yield where a wire turns 1 and 0; spans that meet or overlap are one."""
    steps: Counter[int] = Counter()
    for mark in marks:
        steps[_tick(mark.begin_ns, ticks)] += 1
        steps[_tick(mark.end_ns, ticks)] -= 1
    lasting = 0
    for tick, step in sorted(steps.items()):
        if (lasting > 0) != (lasting + step > 0):
            yield tick, "1{}" if lasting + step > 0 else "0{}"
        lasting += step


def _level(marks: Sequence[Mark], ticks: int, name: str) -> _Variable:
    values = [mark.value // 1 if mark.value is not None else 0 for mark in marks]
    bits = max(LEAST_BITS, *(value.bit_length() + 1 for value in values))
    changes: dict[int, str] = {}
    for mark, value in zip(marks, values, strict=True):
        # A level lasts until its end, unless the next begins there; one without length lasts until the next.
        changes[_tick(mark.begin_ns, ticks)] = f"b{value % 2**bits:b} {{}}"
        if mark.begin_ns < mark.end_ns:
            changes.setdefault(_tick(mark.end_ns, ticks), "bx {}")
    return _Variable("integer", bits, name, "bx {}", sorted(changes.items()))


def _body(outermost: str, modules: Sequence[tuple[str, Sequence[_Variable]]], until: int) -> Iterator[str]:
    named: list[str] = []
    initial: list[str] = []
    changes: Changes = []
    yield f"$scope module {outermost} $end"
    taken: set[str] = set()
    for label, variables in modules:
        scope = _name(label)
        while scope in taken:
            scope += "_"
        taken.add(scope)
        yield f"$scope module {scope} $end"
        for variable in variables:
            identifier = _identifier(len(named))
            named.append(identifier)
            yield f"$var {variable.kind} {variable.bits} {identifier} {variable.name} $end"
            initial += [variable.initial.replace("{}", identifier)] if variable.initial else []
            changes += [(tick, text.replace("{}", identifier)) for tick, text in variable.changes]
        yield "$upscope $end"
    yield from ("$upscope $end", "$enddefinitions $end", "$dumpvars", *initial, "$end")
    last = None
    for tick, text in sorted(changes, key=lambda change: change[0]):
        if tick != last:
            yield f"#{tick}"
            last = tick
        yield text
    if last is None or until > last:
        yield f"#{until}"
