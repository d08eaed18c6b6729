"""Assumptions on a schedule in discrete steps, as a user types them: `cenq(0..3, t) >= t`.

    condition  = both { "or" both }                       both = single { "and" single }
    single     = "not" single | "(" condition ")" | sum comparator sum { comparator sum }
    comparator = "<" | "<=" | "==" | "!=" | ">=" | ">"
    sum        = product { ("+" | "-") product }          product = factor { "*" factor }
    factor     = "-" factor | "(" sum ")" | number | "t" | "T" | "N" | quantity "(" range "," range ")"
    range      = sum [ ".." sum ]                         of queues, then of steps; without quantities in it

There are N queues (0 .. N-1) and T steps (0 .. T-1). The quantities of a queue and a step, in packets:

    aenq  arrivals in the step                            deq   departures in the step
    cenq  arrivals in the steps up to and with it         cdeq  departures in the steps up to and with it
    backlog  what is left at the end of the step, cenq - cdeq

A comparison with a range holds if it holds for every queue and step of it; of the ranges in one comparison those of
queues must be the same, and so must those of steps, and they are gone through together. A condition with a free `t`
must hold for every step t for which all its steps lie in 0 .. T-1. `a <= b <= c` is `a <= b and b <= c`. Nothing is
ever evaluated as a program, and of two factors one must be free of quantities, so that all stays linear.
"""

from collections.abc import Callable, Iterator, Mapping

import attrs

from headgate.spec.errors import InputError
from headgate.spec.expression_tree import (
    Both,
    Comparison,
    Condition,
    Constant,
    Either,
    Negative,
    Node,
    Not,
    Operation,
    Quantity,
    Span,
    Term,
    Variable,
    comparisons_of,
    quantities_of,
    ranges_of,
    span_of,
    terms_of,
    value_of,
)

__all__ = ["COMPARATORS", "LONGEST", "QUANTITIES", "Expression", "ExpressionError", "parse_expression"]

QUANTITIES = ("aenq", "cenq", "deq", "cdeq", "backlog")
VARIABLES = ("t", "T", "N")
COMPARATORS = ("<=", ">=", "==", "!=", "<", ">")
# Two-character symbols first: the longest match is taken.
_SYMBOLS = (*COMPARATORS, "..", "(", ")", ",", "+", "-", "*")
_WORDS = ("and", "or", "not")

# A person types a line; these are far beyond it, and keep what a file can cost small.
LONGEST = 2000
_DEEPEST = 40
_MOST_SIGNS = 300
_MOST_DIGITS = 9
_MOST_CASES = 50_000


class ExpressionError(InputError):
    """An expression that cannot be read: one line with the column, and a `picture` with a caret under the token."""

    def __init__(self, text: str, column: int, expected: str, got: str = "", source: str = "expression") -> None:
        super().__init__(f"{source}, column {column + 1}", expected, got)
        self.text, self.column, self.source = text, column, source

    def __reduce__(self) -> tuple[object, ...]:
        """Return what pickling needs: the arguments of this class, not of its base."""
        return type(self), (self.text, self.column, self.expected, self.got, self.source)

    @property
    def picture(self) -> str:
        """The text and a caret under the token, on two lines; what a terminal would not print is a question mark."""
        shown = "".join(c if c.isprintable() else "?" for c in self.text)
        return f"{shown}\n{' ' * self.column}^"


@attrs.frozen
class Expression:
    """A condition as read from `text`, for `queues` queues and `steps` steps.

    `times` are the steps t for which it must hold: one of no meaning where no free t occurs.
    """

    text: str
    condition: Condition
    queues: int
    steps: int
    times: tuple[int, ...]

    def names(self, t: int) -> Mapping[str, int]:
        """Return what the variables stand for at step t."""
        return {"t": t, "T": self.steps, "N": self.queues}


@attrs.frozen
class _Token:
    kind: str  # "number", "name", "symbol" or "end"
    text: str
    column: int


def parse_expression(text: str, queues: int, steps: int, source: str = "expression") -> Expression:
    """Return the condition that `text` states of `queues` queues and `steps` steps.

    Raises ExpressionError, at the token, for the first thing that cannot be read or means nothing here; messages
    name the text by `source`.
    """
    if len(text) > LONGEST:
        raise ExpressionError(text[:60], 0, f"at most {LONGEST} characters", str(len(text)), source)
    parser = _Parser(text, list(_tokens(text, source)), source)
    condition = parser.whole()
    expression = Expression(text, condition, queues, steps, (0,))
    return _placed(expression, source)


def _tokens(text: str, source: str) -> Iterator[_Token]:
    column = 0
    while column < len(text):
        if text[column] == " ":
            column += 1
            continue
        token = _token_at(text, column)
        if token is None:
            raise ExpressionError(text, column, "a number, a name or one of " + " ".join(_SYMBOLS),
                                  repr(text[column]), source)  # fmt: skip
        if token.kind == "number" and len(token.text) > _MOST_DIGITS:
            raise ExpressionError(text, column, f"a number of at most {_MOST_DIGITS} digits",
                                  f"{len(token.text)} digits", source)  # fmt: skip
        yield token
        column += len(token.text)
    yield _Token("end", "", len(text))


def _token_at(text: str, column: int) -> _Token | None:
    for kind, first, others in (("number", _is_digit, _is_digit), ("name", _is_letter, _is_word)):
        if first(text[column]):
            end = column
            while end < len(text) and others(text[end]):
                end += 1
            return _Token(kind, text[column:end], column)
    for symbol in _SYMBOLS:
        if text.startswith(symbol, column):
            return _Token("symbol", symbol, column)
    return None


def _is_digit(character: str) -> bool:
    return "0" <= character <= "9"


def _is_letter(character: str) -> bool:
    return "a" <= character <= "z" or "A" <= character <= "Z"


def _is_word(character: str) -> bool:
    return _is_letter(character) or _is_digit(character) or character == "_"


class _Parser:
    """Recursive descent; `next` is the token that comes next."""

    def __init__(self, text: str, tokens: list[_Token], source: str) -> None:
        self.text, self.tokens, self.source = text, tokens, source
        self.position, self.depth, self.signs = 0, 0, 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.position]

    def fail(self, expected: str, at: _Token | None = None) -> ExpressionError:
        token = at or self.next
        got = "the end" if token.kind == "end" else repr(token.text[:40])
        return ExpressionError(self.text, token.column, expected, got, self.source)

    def take(self) -> _Token:
        self.position += 1
        return self.tokens[self.position - 1]

    def comes(self, *texts: str) -> bool:
        return self.next.kind in ("symbol", "name") and self.next.text in texts

    def want(self, text: str) -> None:
        if not self.comes(text):
            raise self.fail(f"'{text}'")
        self.take()

    def whole(self) -> Condition:
        begin = self.next
        condition = self.condition(self.either(), begin)
        if self.next.kind != "end":
            raise self.fail("an operator or the end")
        return condition

    def condition(self, node: Node, at: _Token) -> Condition:
        if isinstance(node, Comparison | Not | Both | Either):
            return node
        if self.next.kind == "end":
            raise self.fail("a comparator such as >=")
        raise self.fail("a condition", at)

    def term(self, node: Node, at: _Token) -> Term:
        if isinstance(node, Comparison | Not | Both | Either):
            raise self.fail("a number, not a condition", at)
        return node

    def either(self) -> Node:
        return self.junction("or", self.both, Either)

    def both(self) -> Node:
        return self.junction("and", self.single, Both)

    def junction(self, word: str, part: Callable[[], Node], make: type[Both] | type[Either]) -> Node:
        at = self.next
        first = part()
        if not self.comes(word):
            return first
        parts = [self.condition(first, at)]
        while self.comes(word):
            self.take()
            at = self.next
            parts.append(self.condition(part(), at))
        return make(tuple(parts))

    def single(self) -> Node:
        if not self.comes("not"):
            return self.comparison()
        self.deeper()
        self.take()
        at = self.next
        inner = Not(self.condition(self.single(), at))
        self.depth -= 1
        return inner

    def comparison(self) -> Node:
        at = self.next
        first = self.sum()
        if not self.comes(*COMPARATORS):
            return first
        left = self.term(first, at)
        links: list[Condition] = []
        while self.comes(*COMPARATORS):
            sign = self.take().text
            here = self.next
            right = self.term(self.sum(), here)
            links.append(Comparison(sign, left, right, at.column))
            left = right
        return links[0] if len(links) == 1 else Both(tuple(links))

    def sum(self) -> Node:
        return self.operations(("+", "-"), self.product)

    def product(self) -> Node:
        return self.operations(("*",), self.factor)

    def operations(self, signs: tuple[str, ...], part: Callable[[], Node]) -> Node:
        at = self.next
        node = part()
        while self.comes(*signs):
            sign = self.take()
            self.signs += 1
            if self.signs > _MOST_SIGNS:
                raise self.fail(f"at most {_MOST_SIGNS} signs + - * in all", sign)
            here = self.next
            left, right = self.term(node, at), self.term(part(), here)
            if sign.text == "*" and any(quantities_of(left)) and any(quantities_of(right)):
                raise self.fail("a product of which one factor is free of quantities", sign)
            node = Operation(sign.text, left, right)
        return node

    def factor(self) -> Node:
        self.deeper()
        node = self.factor_inside()
        self.depth -= 1
        return node

    def factor_inside(self) -> Node:
        token = self.next
        if token.kind == "number":
            return Constant(int(self.take().text))
        if self.comes("-"):
            self.take()
            at = self.next
            return Negative(self.term(self.factor(), at))
        if self.comes("("):
            self.take()
            inside = self.either()
            self.want(")")
            return inside
        if token.kind == "name" and token.text in QUANTITIES:
            return self.quantity()
        if token.kind == "name" and token.text in VARIABLES:
            return Variable(self.take().text)
        raise self.fail("a number, t, T, N or one of " + ", ".join(QUANTITIES))

    def quantity(self) -> Quantity:
        name = self.take().text
        self.want("(")
        queues = self.span()
        self.want(",")
        steps = self.span()
        self.want(")")
        return Quantity(name, queues, steps)

    def span(self) -> Span:
        at = self.next
        low = self.bound()
        if not self.comes(".."):
            return Span(low, None, at.column)
        self.take()
        return Span(low, self.bound(), at.column)

    def bound(self) -> Term:
        at = self.next
        node = self.term(self.sum(), at)
        if any(quantities_of(node)):
            raise self.fail("a queue or a step, which no quantity can say", at)
        return node

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.fail(f"at most {_DEEPEST} brackets and signs inside each other")


def _placed(expression: Expression, source: str) -> Expression:
    """Return the expression with the steps for which it must hold, once every range is known to lie in bounds."""
    free = any(term == Variable("t") for term in terms_of(expression.condition))
    times = tuple(t for t in range(expression.steps) if _lies_in(expression, t)) if free else (0,)
    if not times:
        raise ExpressionError(expression.text, 0, f"steps of which some t puts all in 0..{expression.steps - 1}",
                              "none", source)  # fmt: skip
    for t in times:
        for comparison in comparisons_of(expression.condition):
            _refuse_misplaced(expression, comparison, expression.names(t), source)
    comparisons = list(comparisons_of(expression.condition))
    cases = sum(_cases(comparison, expression.names(t)) for t in times for comparison in comparisons)
    if cases > _MOST_CASES:
        raise ExpressionError(expression.text, 0, f"at most {_MOST_CASES} comparisons in all", str(cases), source)
    return attrs.evolve(expression, times=times)


def _lies_in(expression: Expression, t: int) -> bool:
    """Whether every range of steps that speaks of t lies in 0 .. T-1 at this t."""
    names = expression.names(t)
    for quantity in quantities_of(expression.condition):
        ends = [quantity.steps.low] + ([] if quantity.steps.high is None else [quantity.steps.high])
        for end in ends:
            if Variable("t") in terms_of(end) and not 0 <= value_of(end, names) < expression.steps:
                return False
    return True


def _refuse_misplaced(expression: Expression, comparison: Comparison, names: Mapping[str, int], source: str) -> None:
    seen: dict[str, range] = {}
    for quantity in quantities_of(comparison):
        sides = (("queue", quantity.queues, expression.queues), ("step", quantity.steps, expression.steps))
        for what, span, count in sides:
            given = span_of(span, names)
            text = str(given.start) if span.high is None else f"{given.start}..{given.stop - 1}"
            if len(given) == 0 or given.start < 0 or given.stop > count:
                raise ExpressionError(expression.text, span.column, f"{what}s in 0..{count - 1}", text, source)
            if span.high is not None and seen.setdefault(what, given) != given:
                words = f"the {what}s that the comparison goes through already"
                raise ExpressionError(expression.text, span.column, words, text, source)


def _cases(comparison: Comparison, names: Mapping[str, int]) -> int:
    queues, steps = ranges_of(comparison, names)
    return (1 if queues is None else len(queues)) * (1 if steps is None else len(steps))
