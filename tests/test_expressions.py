"""The language of assumptions: what it reads, what it means, what it refuses, and that nothing in it is executed."""

import builtins
import pickle
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import z3

from headgate.model.conditions import History, history, holds
from headgate.proofs.symbolic import lift, symbolic, value
from headgate.spec.expressions import COMPARATORS, LONGEST, QUANTITIES, ExpressionError, parse_expression

QUEUES, STEPS = 3, 4
Numbers = tuple[tuple[int, ...], ...]


def seen(arrivals: Numbers, departures: Numbers | None = None) -> History:
    """Return a history; nothing departs unless it is said."""
    return history(arrivals, departures or ((0,) * len(arrivals[0]),) * len(arrivals))


# Three queues in four steps; queue 0 gets one a step, queue 1 two every other step, queue 2 nothing until the last.
ARRIVALS = ((1, 2, 0), (1, 0, 0), (1, 2, 0), (1, 0, 3))
DEPARTURES = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 1, 0))

MEANS = [
    ("cenq(0, t) >= t + 1", True),
    ("cenq(0..1, t) >= t", True),
    ("cenq(0..2, t) >= t", False),
    ("cenq(all, 3) >= 3", None),
    ("cenq(0..N-1, T-1) >= 3", True),
    ("aenq(1, 0..3) <= 2", True),
    ("aenq(1, 0..3) < 2", False),
    ("aenq(0, t) == aenq(0, t - 1)", True),  # from step 1 on: t - 1 has to be a step
    ("aenq(0, t) != 2 and deq(1, 2) == 1", True),
    ("cdeq(0, 3) - cdeq(1, 3) >= 0", False),
    ("backlog(1, 3) == 2 and backlog(0, 0) == 1", True),
    ("backlog(0..2, 3) == 3", False),
    ("backlog(0..2, 3) == 3 or cdeq(0, 3) + cdeq(1, 3) + cdeq(2, 3) == 3", True),
    ("not backlog(0..2, 3) == 3", True),  # not for every queue
    ("aenq(1, t) >= 2 or aenq(1, t) <= 0", True),  # one or the other, at each t
    ("cenq(0, 0..3) >= cdeq(0, 0..3)", True),  # gone through together
    ("cenq(0..1, 0..3) - cdeq(0..1, 0..3) == backlog(0..1, 0..3)", True),
    ("0 <= aenq(0..2, t) <= 3", True),
    ("0 <= aenq(0..2, t) <= 2", False),
    ("2 * cenq(0, t) - 3 * (1 - t) >= -1 * (1 - 1) - 1", True),
    ("- cenq(0, 3) == -4", True),
    ("T == 4 and N == 3", True),
    ("not (t == 2) or cenq(1, 2) == 4", True),
    ("cenq(2, T-2) == 0 and cenq(2, T-1) > 2", True),
]


@pytest.mark.parametrize(("text", "expected"), MEANS)
def test_meaning(text: str, expected: bool | None) -> None:
    """On integers, and on the solver's constants, the same."""
    if expected is None:
        with pytest.raises(ExpressionError):
            parse_expression(text, QUEUES, STEPS)
        return
    expression = parse_expression(text, QUEUES, STEPS)
    assert holds(expression, seen(ARRIVALS, DEPARTURES)) is expected
    tables = [tuple(tuple(lift(n) for n in row) for row in rows) for rows in (ARRIVALS, DEPARTURES)]
    with symbolic():
        term = holds(expression, history(*tables))
    assert value(term) is expected


def test_free_terms_are_constrained() -> None:
    """On open terms an assumption leaves exactly the values that satisfy it."""
    table = tuple(tuple(z3.Int(f"a{t}{q}") for q in range(2)) for t in range(2))
    solver = z3.SimpleSolver()
    solver.add(*(cell >= 0 for row in table for cell in row))
    with symbolic():
        solver.add(holds(parse_expression("cenq(0..1, t) == 2 * t + 1", 2, 2), history(table, table)))
    assert solver.check() == z3.sat
    model = solver.model()
    assert [[model[cell].as_long() for cell in row] for row in table] == [[1, 1], [2, 2]]


REFUSED = [
    ("", 0, "a number, t, T, N or one of"),
    ("cenq(0, t", 9, "')'"),
    ("cenq(0 t) >= 1", 7, "','"),
    ("cenq(3, t) >= t", 5, "queues in 0..2"),
    ("cenq(0, 4) >= 1", 8, "steps in 0..3"),
    ("cenq(0, 2..1) >= 1", 8, "steps in 0..3"),
    ("cenq(0..3, 1) >= 1", 5, "queues in 0..2"),
    ("cenq(0..1, 1) >= cenq(1..2, 1)", 22, "the queues that the comparison goes through already"),
    ("aenq(0, t - 9) >= 0", 0, "steps of which some t"),
    ("cenq(0, cenq(1, 1)) >= 1", 8, "a queue or a step, which no quantity can say"),
    ("aenq(0, 1) * aenq(1, 1) >= 1", 11, "a product of which one factor is free of quantities"),
    ("1 + 2", 5, "a comparator such as >="),
    ("(1 < 2) + 1 >= 0", 0, "a number, not a condition"),
    ("1 and 2 > 1", 0, "a condition"),
    ("not 1 and 2 > 1", 4, "a condition"),
    ("1 < 2 3", 6, "an operator or the end"),
    ("1 = 2", 2, "a number, a name or one of"),
    ("x > 1", 0, "a number, t, T, N or one of"),
    ("tokens(0, 1) > 1", 0, "a number, t, T, N or one of"),
    ("1.5 > 1", 1, "a number, a name or one of"),
    ("aenq(0, 1) > 1e9", 14, "an operator or the end"),
    ("aenq(0, 1) > 1234567890", 13, "a number of at most 9 digits"),
    ("aenq(0, 1) > ²", 13, "a number, a name or one of"),
    ("aenq(0, 1)\n> 2", 10, "a number, a name or one of"),
    ("aenq(0, 1) > \x1b[31m2", 13, "a number, a name or one of"),
    ("(" * 60 + "1" + ")" * 60 + " > 0", 40, "at most 40 brackets and signs"),
    ("not " * 60 + "1 > 0", 160, "at most 40 brackets and signs"),
    ("-" * 60 + "1 > 0", 40, "at most 40 brackets and signs"),
    ("1" + "+1" * 990 + " > 0", 601, "at most 300 signs + - * in all"),
    ("+1".join(["1*" * 20 + "1"] * 20) + " > 0", 615, "at most 300 signs + - * in all"),
    ("1 > 0 and " * 300 + "1 > 0", 0, f"at most {LONGEST} characters"),
    ("__import__('os').system('true')", 0, "a number, a name or one of"),
    ("eval(1, 1) > 0", 0, "a number, t, T, N or one of"),
]


@pytest.mark.parametrize(("text", "column", "expected"), REFUSED, ids=range(len(REFUSED)))
def test_refusals_point_at_the_token(text: str, column: int, expected: str) -> None:
    """One line says where and what was expected, and a caret stands under the token."""
    with pytest.raises(ExpressionError) as refusal:
        parse_expression(text, QUEUES, STEPS, "--assume")
    error = refusal.value
    assert error.expected.startswith(expected)
    assert error.column == column
    assert str(error).startswith(f"--assume, column {column + 1}: expected ")
    assert str(error).isprintable()
    shown, caret = error.picture.split("\n")
    assert caret == " " * column + "^"
    assert shown.isprintable() or shown == ""


def test_too_many_cases_are_refused() -> None:
    with pytest.raises(ExpressionError, match="at most 50000 comparisons in all, got 262144"):
        parse_expression("aenq(0..63, 0..63) <= t", 64, 64)


def test_a_refusal_survives_pickling() -> None:
    with pytest.raises(ExpressionError) as refusal:
        parse_expression("cenq(0, t", QUEUES, STEPS)
    again = pickle.loads(pickle.dumps(refusal.value))
    assert (str(again), again.picture) == (str(refusal.value), refusal.value.picture)


# Random expressions, each drawn with a second meaning of its own: a function of the step t and of the tables.
Number = Callable[[int], int]
Truth = Callable[[int], bool]
SIGNS: dict[str, Callable[[int, int], bool]] = {
    "<=": int.__le__, ">=": int.__ge__, "==": int.__eq__, "!=": int.__ne__, "<": int.__lt__, ">": int.__gt__,
}  # fmt: skip


class Drawn:
    """Draws expressions; what they mean is computed from the packets one by one."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        cells = [(t, q) for t in range(STEPS) for q in range(QUEUES)]
        self.came = {cell: dice.randrange(4) for cell in cells}
        self.left = {cell: dice.randrange(2) for cell in cells}

    def quantity(self) -> tuple[str, Number]:
        name, queue = self.dice.choice(QUANTITIES), self.dice.randrange(QUEUES)
        step = self.dice.choice([*map(str, range(STEPS)), "t", "T-1", "T - 1 - t"])
        where: Number = {"t": lambda t: t, "T-1": lambda t: STEPS - 1, "T - 1 - t": lambda t: STEPS - 1 - t}.get(
            step, lambda t: int(step)
        )

        def meaning(t: int) -> int:
            now = where(t)
            come, gone = ([packets[at, queue] for at in range(now + 1)] for packets in (self.came, self.left))
            return {
                "aenq": come[-1],
                "cenq": sum(come),
                "deq": gone[-1],
                "cdeq": sum(gone),
                "backlog": sum(come) - sum(gone),
            }[name]

        return f"{name}({queue}, {step})", meaning

    def number(self, depth: int) -> tuple[str, Number]:
        kind = self.dice.choice(["constant", "t", "quantity", "quantity"] + ["sum", "product", "minus"] * (depth > 0))
        if kind == "constant":
            constant = self.dice.randrange(9)
            return str(constant), lambda t: constant
        if kind == "t":
            return "t", lambda t: t
        if kind == "quantity":
            return self.quantity()
        text, inner = self.number(depth - 1)
        if kind == "minus":
            return f"-({text})", lambda t: -inner(t)
        if kind == "product":
            factor = self.dice.randrange(4)
            return f"{factor} * ({text})", lambda t: factor * inner(t)
        other, more = self.number(depth - 1)
        return f"({text} - ({other}))", lambda t: inner(t) - more(t)

    def condition(self, depth: int) -> tuple[str, Truth]:
        kind = self.dice.choice(["compare"] + ["and", "or", "not", "range"] * (depth > 0))
        if kind == "compare":
            (left, a), (right, b) = self.number(2), self.number(1)
            sign = self.dice.choice(COMPARATORS)
            return f"{left} {sign} {right}", lambda t: SIGNS[sign](a(t), b(t))
        if kind == "range":
            least = self.dice.randrange(3)
            low, high = sorted(self.dice.sample(range(QUEUES), 2))
            cells = [(t, q) for t in range(1, 3) for q in range(low, high + 1)]
            return f"aenq({low}..{high}, 1..2) >= {least}", lambda t: all(self.came[cell] >= least for cell in cells)
        text, inner = self.condition(depth - 1)
        if kind == "not":
            return f"not ({text})", lambda t: not inner(t)
        other, more = self.condition(depth - 1)
        joined = f"({text}) {kind} ({other})"
        if kind == "and":
            return joined, lambda t: inner(t) and more(t)
        return joined, lambda t: inner(t) or more(t)

    def tables(self) -> History:
        def table(packets: dict[tuple[int, int], int]) -> Numbers:
            return tuple(tuple(packets[t, q] for q in range(QUEUES)) for t in range(STEPS))

        return history(table(self.came), table(self.left))


@pytest.fixture
def _nothing_is_executed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within the test no text can be compiled or run, and no module loaded by a name."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("text was executed")

    with monkeypatch.context() as patched:
        for name in ("eval", "exec"):
            patched.setattr(builtins, name, refuse)
        yield


@pytest.mark.usefixtures("_nothing_is_executed")
def test_random_expressions_mean_what_they_say() -> None:
    """150 valid ones: the truth is that of the second meaning, at every step t."""
    dice = random.Random(1)
    truths = set()
    for _ in range(150):
        drawn = Drawn(dice)
        text, meaning = drawn.condition(3)
        expected = all(meaning(t) for t in range(STEPS))
        assert holds(parse_expression(text, QUEUES, STEPS), drawn.tables()) is expected, text
        truths.add(expected)
    assert truths == {True, False}


PIECES = (*QUANTITIES, *COMPARATORS, "(", ")", ",", "..", "+", "-", "*", "t", "T", "N", "0", "7", "and", "or", "not",
          " ", "eval", "__class__", ".", "[", "'", "\\", "\n", "é", "\x00", "/", "//", "=", "{", "lambda")  # fmt: skip


@pytest.mark.usefixtures("_nothing_is_executed")
def test_nonsense_is_refused_in_one_line() -> None:
    """150 random texts and cut or spoilt valid ones: read or refused, and never anything else."""
    dice = random.Random(2)
    refused = 0
    for _ in range(150):
        if dice.random() < 0.5:
            text = "".join(dice.choice(PIECES) for _ in range(dice.randrange(1, 20)))
        else:
            valid, _meaning = Drawn(dice).condition(2)
            at = dice.randrange(len(valid))
            text = valid[:at] + dice.choice(["", dice.choice(PIECES)]) + valid[at + dice.randrange(3) :]
        error = refusal_of(text)
        if error is None:
            assert holds(parse_expression(text, QUEUES, STEPS), seen(ARRIVALS, DEPARTURES)) in (True, False)
        else:
            assert str(error).isprintable()
            assert 0 <= error.column <= len(text)
            refused += 1
    assert 100 < refused < 150


def refusal_of(text: str) -> ExpressionError | None:
    """Return why `text` is refused, or None where it is read."""
    try:
        parse_expression(text, QUEUES, STEPS)
    except ExpressionError as error:
        return error
    return None
