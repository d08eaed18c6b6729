"""A second look at what a review found: does it happen again, and would it conform, had it been declared otherwise?

A reviewer who declared too little, or not what the implementation promises, should learn it from the verdict. What is
said here excuses nobody: it is for the reviewer to know which declaration is true.
"""

import contextlib
from collections.abc import Callable, Iterator
from fractions import Fraction

import attrs

from headgate.properties.review.case import Errored, Violation
from headgate.properties.review.declared import Clock, Declared
from headgate.properties.review.declaring import FLOAT_TOLERANCE, ONLY, USED_BY, WITHOUT
from headgate.properties.review.hunt import FEW_CASES, Outcome, Profile, Review, conforms, hunt_only, run_case
from headgate.properties.review.suites.common import Suite
from headgate.properties.review.targets import Target

__all__ = ["Again", "look_again"]

Reach = Callable[[Clock], Target]

# Roles whose policies are told apart by any answer. An arbiter is held to bounds, and may keep those of others as well.
EXACT = ("bucket", "cache")
# How many cases each other declaration is tried with: thrice as many as showed the fault, and so many at least; and for
# how many seconds. Whoever is slow is tried with fewer, though twice as many as showed it.
LEAST_CASES, SECONDS = 300, 3.0


@attrs.frozen
class Again:
    """Whether the smallest case shows its fault once more, and what else it might be declared to be, as options."""

    happens: bool = True
    conforms_if: tuple[str, ...] = ()


def look_again(found: Review, reach: Reach) -> Again:
    """Return a second look at a review; `reach` makes targets, for a clock, as the one was that was reviewed."""
    if found.case is None or not found.asked:
        return Again()
    if not _happens(found, reach):
        return Again(happens=False)
    if found.error is not None and found.error.kind in ("hang", "gone"):
        return Again()
    return Again(True, tuple(_conforming(found, reach)))


def _happens(found: Review, reach: Reach) -> bool:
    assert found.case is not None
    try:
        with contextlib.closing(reach(found.declared.clock)) as target:
            run_case(found.suite, target, found.declared, found.case)
    except Violation:
        return found.outcome is Outcome.VIOLATING
    except Errored:
        return found.outcome is Outcome.ERRORED
    return False


def _conforming(found: Review, reach: Reach) -> Iterator[str]:
    """Yield the declarations under which nothing is found; two at once where no single one does."""
    singles = list(_others(found.suite, found.declared))
    alone = [words for words, declared in singles if _stands(found, reach, declared)]
    yield from alone
    if not alone:
        for words, declared in singles:
            if words.startswith("--policy"):
                for more, both in _others(found.suite, declared):
                    if more == "--legal-only" and _stands(found, reach, both):
                        yield f"{words} {more}"


def _stands(found: Review, reach: Reach, declared: Declared) -> bool:
    suite = found.suite
    profile = Profile(max(LEAST_CASES, 3 * found.cases), SECONDS + 3 * found.seconds)
    with contextlib.closing(reach(declared.clock)) as target:
        seeds = (conforms(suite, target, declared, case) for case in suite.seeds(declared))
        return all(seeds) and hunt_only(suite, target, declared, profile, max(FEW_CASES, 2 * found.cases))


def _others(suite: Suite, declared: Declared) -> Iterator[tuple[str, Declared]]:
    """Yield what else might be declared, one thing at a time, with the options that say so."""
    role = declared.role
    if role in ONLY["legal-only"] and not declared.legal:
        yield "--legal-only", attrs.evolve(declared, legal_only=True)
    if role in ONLY["largest"] and not declared.largest:
        yield "--largest 1", attrs.evolve(declared, largest=1)
    if role in ONLY["single-threaded"] and not declared.single_threaded:
        yield "--single-threaded", attrs.evolve(declared, single_threaded=True)
    if role in ONLY["without"] and not declared.without:
        yield from ((f"--without {name}", attrs.evolve(declared, without=WITHOUT[name])) for name in WITHOUT)
    if role in ("bucket", "shaper", "marker"):
        clock = attrs.evolve(declared.clock, whole=not declared.clock.whole)
        if not clock.whole and not declared.tolerance:
            yield "--float", attrs.evolve(declared, clock=clock, tolerance=FLOAT_TOLERANCE, rounds=True)
        if clock.whole and declared.rounds:
            yield "no --float", attrs.evolve(declared, clock=clock, tolerance=Fraction(0), rounds=False)
    for policy in suite.policies if role in EXACT else ():
        if policy != declared.policy and all(
            policy in USED_BY.get((role, name), (policy,)) for name in declared.numbers
        ):
            yield f"--policy {policy}", attrs.evolve(declared, policy=policy)
