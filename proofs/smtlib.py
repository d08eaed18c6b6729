"""Every query of a theorem as a self-contained text of SMT-LIB 2.6, for any other solver to answer.

An obligation gives two texts: its premises with the negated goal, which must be unsatisfiable, and its premises alone,
which must be satisfiable, or the first would say nothing. What an attack asks, where something is expected to be found,
gives one more that must be satisfiable. The same terms that the runner sends to Z3 are written here.
"""

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.proofs.symbolic import lift, symbolic
from headgate.proofs.theorem import Expect, Obligation, Query, Theorem

__all__ = ["HEADER", "Script", "index_text", "parts", "script_text", "scripts"]

HEADER = "; headgate: "
"""How the first line of every file that headgate wrote begins."""

# A conjunction or a sum of one term is that term; other solvers refuse the longer form.
_OF_ONE = ("and", "or", "+")
_TOKEN = re.compile(r"[()]|\|[^|]*\||[^\s()]+")


@attrs.frozen
class Script:
    """One query: its `constraints` should be satisfiable or not, as `expected` ("sat" or "unsat") says.

    `what` names the obligation; `name` is a file name without its ending, unique within the catalogue.
    """

    theorem: str
    name: str
    what: str
    expected: str
    meaning: str
    constraints: tuple[Any, ...]
    sorts: Mapping[str, str] = attrs.field(factory=dict, repr=False)

    @property
    def text(self) -> str:
        """The query in SMT-LIB."""
        lines = [f"{self.theorem}: {self.what}", self.meaning, f"Expected: {self.expected}."]
        return script_text(self.constraints, lines, self.sorts)

    @property
    def question(self) -> str:
        """The query without its comments: what a solver is sent, and by which two are known to be the same."""
        return script_text(self.constraints, [], self.sorts)


def scripts(theorem: Theorem) -> tuple[Script, ...]:
    """Return every query of `theorem`, in the order in which the runner asks them."""
    with symbolic():
        obligations = theorem.obligations() if theorem.obligations is not None else ()
        found = [script for number, each in enumerate(obligations) for script in _of_obligation(theorem, number, each)]
        attack = _expected_attack(theorem)
    searches = [] if attack is None else [_of_attack(theorem, attack)]
    return tuple(script for group in (found, searches) for script in _with_sorts(group))


def _with_sorts(group: Sequence[Script]) -> list[Script]:
    """Give each script the sorts of its constants: of the group at once, where no name has two."""
    try:
        shared = _sorts(lift(constraint) for script in group for constraint in script.constraints)
    except _TwoSorts:
        return [attrs.evolve(s, sorts=_sorts(lift(constraint) for constraint in s.constraints)) for s in group]
    return [attrs.evolve(script, sorts=shared) for script in group]


def _of_obligation(theorem: Theorem, number: int, obligation: Obligation) -> Iterator[Script]:
    name = f"{theorem.id}.{number:03d}-{_slug(obligation.name)}"
    yield Script(
        theorem.id, f"{name}.premises", obligation.name, "sat",
        "sat: the premises do not contradict each other, so that they prove something.", obligation.premises,
    )  # fmt: skip
    yield Script(
        theorem.id, f"{name}.goal", obligation.name, "unsat",
        "unsat: the premises entail the goal. sat: this step of the proof fails.",
        (*obligation.premises, z3.Not(lift(obligation.goal))),
    )  # fmt: skip


def _expected_attack(theorem: Theorem) -> Query | None:
    """Return the search that must find something: for a claim that holds, with the bound one step tighter."""
    if theorem.attack is None:
        return None
    return theorem.attack(Fraction(0) if theorem.expect is Expect.REFUTED else theorem.step)


def _of_attack(theorem: Theorem, query: Query) -> Script:
    refuted = theorem.expect is Expect.REFUTED
    what = "a schedule breaks the claim" if refuted else "a schedule breaks the bound one step tighter"
    meaning = f"sat: {what}. unsat: none does within the scope of the search."
    return Script(theorem.id, f"{theorem.id}.attack", what, "sat", meaning, query.constraints)


def parts(goal: Any) -> tuple[Any, ...]:
    """Return conjuncts that together say the same as `goal`; nested ones, and those behind an implication, too."""
    goal = lift(goal)
    if z3.is_and(goal):
        return tuple(part for child in goal.children() for part in parts(child))
    if z3.is_implies(goal):
        condition, then = goal.children()
        return tuple(z3.Implies(condition, part) for part in parts(then))
    return (goal,)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60]


# ---- the text ----


def script_text(constraints: Iterable[Any], comments: Sequence[str], sorts: Mapping[str, str]) -> str:
    """Return the query: a comment, the declarations in alphabetical order, an assertion a constraint.

    What is expected stands in the comment alone: a solver that is told it may answer accordingly, or not at all.
    """
    lines = [line for comment in comments for line in textwrap.wrap(comment, 112)]
    head = [f"{HEADER if number == 0 else '; '}{line}" for number, line in enumerate(lines)]
    head += ["(set-info :smt-lib-version 2.6)", "(set-logic ALL)"]
    asserted = _without_single("".join(f"(assert {lift(constraint).sexpr()})\n" for constraint in constraints))
    used = sorted({token[0] for token in _TOKEN.finditer(asserted)} & sorts.keys())
    declared = [f"(declare-fun {name} () {sorts[name]})" for name in used]
    return "\n".join([*head, *declared, f"{asserted}(check-sat)", ""])


class _TwoSorts(Exception):
    """A name that stands for constants of two sorts."""


def _sorts(terms: Iterable[Any]) -> dict[str, str]:
    """Return the sort of every free constant by its name, as SMT-LIB writes both."""
    found: dict[str, str] = {}
    seen: set[int] = set()
    stack = list(terms)
    while stack:
        term = stack.pop()
        if term.get_id() in seen:
            continue
        seen.add(term.get_id())
        below = term.children()
        stack += below
        if not below and term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            name, sort = term.sexpr(), term.sort().sexpr()
            if found.setdefault(name, sort) != sort:
                raise _TwoSorts(f"{name} is both {found[name]} and {sort}, which SMT-LIB cannot say")
    return found


def _without_single(text: str) -> str:
    """Return `text` with every conjunction, disjunction and sum of a single term replaced by that term."""
    drop: list[tuple[int, int]] = []
    stack: list[_Open] = []
    for token in _TOKEN.finditer(text):
        if token[0] == "(":
            stack.append(_Open(token.start()))
            continue
        if token[0] != ")":
            stack[-1].take(token)
            continue
        closed = stack.pop()
        if closed.head in _OF_ONE and closed.arguments == 1:
            drop += [(closed.begin, closed.first), (token.start(), token.end())]
        if stack:
            stack[-1].argument(closed.begin)
    for begin, end in sorted(drop, reverse=True):
        text = text[:begin] + text[end:]
    return text


class _Open:
    """An expression that is being read: where it begins, its head, and where its first argument begins."""

    def __init__(self, begin: int) -> None:
        self.begin, self.head, self.first, self.arguments = begin, "", 0, 0

    def take(self, token: re.Match[str]) -> None:
        """Take a word: the head, or an argument."""
        if not self.head and not self.arguments:
            self.head = token[0]
        else:
            self.argument(token.start())

    def argument(self, begin: int) -> None:
        """Count an argument."""
        self.first = self.first if self.arguments else begin
        self.arguments += 1


def index_text(written: Iterable[Script]) -> str:
    """Return the index of a folder of scripts: a line a file, its expected answer first."""
    lines = [f"{HEADER}{'index of queries: expected answer, file, theorem, obligation'}"]
    lines += [f"{s.expected:5}  {s.name}.smt2  {s.theorem}: {s.what}" for s in written]
    return "\n".join([*lines, ""])
