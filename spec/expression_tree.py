"""What a condition on a schedule in discrete steps is made of; `headgate.spec.expressions` says how it is written."""

from collections.abc import Iterator, Mapping

import attrs

__all__ = [
    "Both",
    "Comparison",
    "Condition",
    "Constant",
    "Either",
    "Negative",
    "Node",
    "Not",
    "Operation",
    "Quantity",
    "Span",
    "Term",
    "Variable",
    "comparisons_of",
    "quantities_of",
    "ranges_of",
    "span_of",
    "terms_of",
    "value_of",
]


@attrs.frozen
class Constant:
    """A whole number."""

    value: int


@attrs.frozen
class Variable:
    """`t` (a step), `T` (how many steps) or `N` (how many queues)."""

    name: str


@attrs.frozen
class Span:
    """A range of queues or of steps, both ends in it; one value where `high` is None. `column` is where it stands."""

    low: "Term"
    high: "Term | None"
    column: int


@attrs.frozen
class Quantity:
    """One of QUANTITIES, of a range of queues and a range of steps."""

    name: str
    queues: Span
    steps: Span


@attrs.frozen
class Negative:
    """`- part`."""

    part: "Term"


@attrs.frozen
class Operation:
    """`left sign right`, the sign one of + - *."""

    sign: str
    left: "Term"
    right: "Term"


@attrs.frozen
class Comparison:
    """`left sign right`, the sign one of COMPARATORS; `column` is where it begins."""

    sign: str
    left: "Term"
    right: "Term"
    column: int


@attrs.frozen
class Not:
    """`not part`."""

    part: "Condition"


@attrs.frozen
class Both:
    """All of the parts."""

    parts: tuple["Condition", ...]


@attrs.frozen
class Either:
    """At least one of the parts."""

    parts: tuple["Condition", ...]


Term = Constant | Variable | Quantity | Negative | Operation
Condition = Comparison | Not | Both | Either
Node = Term | Condition


def terms_of(node: Node) -> Iterator[Term]:
    """Yield every term in `node`, itself included, those of its ranges too."""
    match node:
        case Both(parts) | Either(parts):
            for part in parts:
                yield from terms_of(part)
        case Not(part):
            yield from terms_of(part)
        case Comparison(_, left, right):
            yield from terms_of(left)
            yield from terms_of(right)
        case Operation(_, left, right):
            yield node
            yield from terms_of(left)
            yield from terms_of(right)
        case Negative(part):
            yield node
            yield from terms_of(part)
        case Quantity(_, queues, steps):
            yield node
            for span in (queues, steps):
                yield from terms_of(span.low)
                yield from () if span.high is None else terms_of(span.high)
        case _:
            yield node


def quantities_of(node: Node) -> Iterator[Quantity]:
    """Yield every quantity in `node`."""
    return (term for term in terms_of(node) if isinstance(term, Quantity))


def comparisons_of(condition: Condition) -> Iterator[Comparison]:
    """Yield every comparison in `condition`."""
    match condition:
        case Comparison():
            yield condition
        case Not(part):
            yield from comparisons_of(part)
        case Both(parts) | Either(parts):
            for part in parts:
                yield from comparisons_of(part)


def value_of(term: Term, names: Mapping[str, int]) -> int:
    """Return the value of a term without quantities."""
    match term:
        case Constant(value):
            return value
        case Variable(name):
            return names[name]
        case Negative(part):
            return -value_of(part, names)
        case Operation(sign, left, right):
            a, b = value_of(left, names), value_of(right, names)
            return a + b if sign == "+" else a - b if sign == "-" else a * b
    raise TypeError(f"a quantity has no value of its own: {term!r}")


def span_of(span: Span, names: Mapping[str, int]) -> range:
    """Return the queues or steps of a range."""
    low = value_of(span.low, names)
    return range(low, (low if span.high is None else value_of(span.high, names)) + 1)


def ranges_of(comparison: Comparison, names: Mapping[str, int]) -> tuple[range | None, range | None]:
    """Return the range of queues and that of steps that the comparison goes through; None where there is none."""
    found: list[range | None] = [None, None]
    for quantity in quantities_of(comparison):
        for place, span in enumerate((quantity.queues, quantity.steps)):
            if span.high is not None:
                found[place] = span_of(span, names)
    return found[0], found[1]
