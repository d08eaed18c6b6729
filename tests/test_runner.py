"""The runner: what it concludes from the solver's answers, and that it cannot be led to a false success."""

from fractions import Fraction

import pytest
import z3

from headgate.model.bucket import Bucket, offer
from headgate.proofs.catalogue.buckets import THEOREMS
from headgate.proofs.decoding import offers_schedule
from headgate.proofs.runner import Limits, ReplayMismatch, prove, search
from headgate.proofs.symbolic import symbolic, value
from headgate.proofs.theorem import Expect, Kind, Obligation, Query, Theorem

X, Y = z3.Reals("x y")
ENVELOPE = next(theorem for theorem in THEOREMS if theorem.id == "bucket-envelope")
HEADING = ("TB-4", "statement", "bucket", "token", "overrun")


def theorem(*obligations: Obligation, **changes: object) -> Theorem:
    return Theorem("t", ("TB-4",), "s", "scope", obligations=lambda: list(obligations), **changes)  # type: ignore[arg-type]


def overrun(depth: int, size: int) -> Query:
    """A query that finds one offer of `size`, whether or not it overruns a bucket of `depth`."""
    decode = offers_schedule(HEADING, {"rate": 1, "depth": depth}, [0], [size])
    return Query((X == 1,), decode)


def test_what_follows_is_proved() -> None:
    result = prove(theorem(Obligation("step", (X > 1,), X > 0)))
    assert (result.kind, result.premises_satisfiable, result.as_expected) == (Kind.PROVED, True, True)


def test_a_horizon_makes_it_holds_to() -> None:
    assert prove(theorem(Obligation("step", (X > 1,), X > 0), horizon=3)).kind is Kind.HOLDS_TO


def test_contradicting_premises_prove_nothing() -> None:
    result = prove(theorem(Obligation("step", (X > 1, X < 0), X == 7)))
    assert (result.kind, result.premises_satisfiable) == (Kind.UNKNOWN, False)
    assert "premises contradict" in result.reason


def test_one_vacuous_obligation_spoils_the_rest() -> None:
    sound, vacuous = Obligation("sound", (X > 1,), X > 0), Obligation("vacuous", (X > 1, X < 0), X > 0)
    assert prove(theorem(sound, vacuous)).kind is Kind.UNKNOWN


def test_a_failed_step_without_a_schedule_is_unknown() -> None:
    result = prove(theorem(Obligation("step", (X > 1,), X > 2)))
    assert (result.kind, result.as_expected) == (Kind.UNKNOWN, False)
    assert "step is not proved" in result.reason


def test_a_failed_step_with_a_schedule_is_a_counterexample() -> None:
    def attack(tighter: Fraction) -> Query:
        rate, depth, size = z3.Ints("rate depth size")
        decode = offers_schedule(
            ("TB-7", "s", "bucket", "essay", "overrun"),
            {"rate": rate, "depth": depth, "sum_of_rates": 1, "capacity": 2}, [0], [size],
        )  # fmt: skip
        return Query((rate == 1, depth == 3, size == 5), decode)

    result = prove(theorem(Obligation("step", (X > 1,), X > 2), attack=attack))
    assert (result.kind, result.as_expected) == (Kind.COUNTEREXAMPLE, False)
    assert result.witness is not None
    assert result.witness.requests[0].bytes == 5


def test_a_failed_step_whose_one_schedule_breaks_nothing_is_unknown() -> None:
    """An attack that is one fixed schedule is always found: that it does not break the bound is no fault."""
    result = prove(theorem(Obligation("step", (X > 1,), X > 2), attack=lambda _: overrun(depth=8, size=5)))
    assert (result.kind, result.as_expected) == (Kind.UNKNOWN, False)
    assert "step is not proved, and t: the schedule found does not replay" in result.reason


def test_a_schedule_that_does_not_replay_is_an_internal_fault() -> None:
    with symbolic(), pytest.raises(ReplayMismatch, match="does not replay"):
        search(overrun(depth=8, size=5), Limits(), "t")


def test_a_bound_that_nothing_reaches_is_not_proved() -> None:
    def attack(tighter: Fraction) -> Query:
        return Query((X > 1, X < 0), lambda model: pytest.fail("nothing to decode"))

    result = prove(theorem(Obligation("step", (X > 1,), X > 0), attack=attack))
    assert (result.kind, result.tight) == (Kind.UNKNOWN, False)


def test_a_refutation_that_is_not_found_is_unknown() -> None:
    def attack(tighter: Fraction) -> Query:
        return Query((X > 1, X < 0), lambda model: pytest.fail("nothing to decode"))

    result = prove(Theorem("t", ("TB-7",), "s", "scope", expect=Expect.REFUTED, attack=attack))
    assert (result.kind, result.as_expected) == (Kind.UNKNOWN, False)


def test_a_resource_limit_ends_in_unknown() -> None:
    a, b, c, n = z3.Ints("a b c n")
    hard = Obligation("Fermat", (a > 0, b > 0, c > 0, n > 2), a * a * a + b * b * b != c * c * c)
    result = prove(theorem(hard), Limits(resources=20_000))
    assert (result.kind, result.as_expected) == (Kind.UNKNOWN, False)
    assert "gave up" in result.reason


def test_tight_bounds_are_shown_by_a_schedule_that_replays() -> None:
    result = prove(ENVELOPE)
    assert (result.kind, result.tight) == (Kind.PROVED, True)
    assert result.witness is not None


def test_verdicts_do_not_depend_on_what_ran_before() -> None:
    first, second = prove(ENVELOPE), prove(ENVELOPE)
    assert first.witness == second.witness


def test_a_rule_that_branches_on_a_term_is_refused() -> None:
    with symbolic(), pytest.raises(TypeError, match="branched on an open term"):
        bool(X == Y)
    with symbolic(), pytest.raises(TypeError, match="branched on an open term"):
        _ = X in (Y,)


def test_the_guard_is_taken_off_again() -> None:
    with symbolic():
        pass
    assert not bool(X == Y)


def test_constants_come_back_exactly() -> None:
    with symbolic():
        admitted, bucket = offer(Bucket(z3.RealVal(Fraction(7, 3))), z3.RealVal(2))
        assert value(admitted) is True
        assert value(bucket.level) == Fraction(1, 3)
        with pytest.raises(ValueError, match="not a constant"):
            value(X + 1)
