"""The claims on isolation: what a replay shows, under the right rule and the wrong one, and what it refuses."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

import pytest

from headgate.model.replay import Replay, ReplayError, replay
from headgate.spec.vocabulary import Request, Schedule

Rows = Sequence[tuple[int, int, int]]


def shown(kind: tuple[str, str, str], parameters: Mapping[str, object], rows: Rows = ()) -> Replay:
    """Return the replay of a schedule of this (mechanism, rule, claim)."""
    mechanism, rule, claim = kind
    requests = tuple(Request(*row) for row in rows)
    return replay(Schedule("AR-9", "A claim.", mechanism, rule, claim, parameters, requests))


ROUNDS = ("arbiter", "drr", "round-gap")
PUT_OFF = ("refresh", "postponed", "put-off")
BANKS = ("refresh", "per-bank", "dark-banks")
PROMISE = ("policing", "untreated", "promise")
SAFETY = ("admission", "corrected", "safety")
NOMINAL = ("arbiter", "wfq", "gap")
OVER = ("admission", "no-losses", "oversubscription")

LATE_REFRESH = {"interval": 10, "blackout": 3, "postponed": 1, "begin": 10, "window": 7, "starts": (10, 13, 20)}
FOUR_BANKS = {"interval": 2, "blackout": 5, "banks": 4, "most": 3}
ALONE = {"guaranteed": 1, "burst": 1, "duration": 0, "max_request": 2, "peak": 1}
HALF_LEFT = {"weights": (2, 2), "peak": 10, "interval": 10, "blackout": 2, "migration": Fraction(1, 2)}


def test_drr_keeps_its_gap_in_rounds_and_strict_priority_does_not() -> None:
    rows = [(0, 0, 1)] * 8 + [(1, 0, 1)]
    drr = shown(ROUNDS, {"weights": (1, 1), "peak": 1}, rows)
    assert (drr.violated, drr.observed, drr.bound) == (False, 1, 3)
    priority = shown(("arbiter", "priority", "round-gap"), {"weights": (1, 1), "peak": 1}, rows)
    assert (priority.violated, priority.observed, priority.unit) == (True, 8, "rounds")
    assert [lane.label for lane in priority.lanes][-1] == "violation"


def test_nobody_beside_it_is_no_gap() -> None:
    assert shown(ROUNDS, {"weights": (1, 1), "peak": 1}, [(0, 0, 1)]).observed == 0


def test_a_refresh_put_off_takes_twice_as_long_at_once() -> None:
    """Six ns of darkness from 10 on: one ns of service in seven, where the curve has max(0, 4 - 3)."""
    put_off = shown(PUT_OFF, LATE_REFRESH)
    assert (put_off.violated, put_off.observed, put_off.bound) == (False, 1, 1)
    assert shown(PUT_OFF, {**LATE_REFRESH, "tighter_by": 1}).violated


def test_banks_that_are_dark_together_are_counted() -> None:
    """Five ns every two: three at a time."""
    assert (shown(BANKS, FOUR_BANKS).violated, shown(BANKS, FOUR_BANKS).observed) == (False, 3)
    assert shown(BANKS, {**FOUR_BANKS, "tighter_by": 1}).violated
    assert not shown(BANKS, {**FOUR_BANKS, "most": 2}).violated, "nothing is claimed of two: 5 > 2 * 2"


@pytest.mark.parametrize("flood", [1, 5])
def test_excess_without_treatment_makes_the_rest_late(flood: int) -> None:
    rows = [(0, 0, 2)] * (1 + flood) + [(0, 2, 2)]
    late = shown(PROMISE, ALONE, rows)
    assert (late.violated, late.observed, late.bound) == (True, 2 * (1 + flood), 2)
    for rule in ("shaped", "in-line", "background"):
        assert not shown(("policing", rule, "promise"), ALONE, rows).violated


def test_a_set_that_counts_all_losses_is_kept_and_one_that_forgets_migration_is_not() -> None:
    """Of 10 B / ns refresh leaves 8 and migration 4: two tenants of 2 fit, and 8 bytes each take 3.2 + 2 ns."""
    kept = shown(SAFETY, HALF_LEFT, [(0, 0, 8), (1, 0, 8)])
    assert (kept.violated, kept.observed, kept.bound) == (False, Fraction(26, 5), 6)
    forgotten = shown(("admission", "no-losses", "safety"), HALF_LEFT, [(0, 0, 8), (1, 0, 8)])
    assert (forgotten.violated, forgotten.observed, forgotten.bound) == (True, Fraction(26, 5), 4)
    assert not shown(SAFETY, {**HALF_LEFT, "weights": (2, 3)}, [(0, 0, 8)]).violated, "it is not admitted"


def test_a_bubble_puts_everything_off() -> None:
    """A bubble of 3 in 13, then a blackout of 2, then 3.2 ns of service."""
    bubbles = {**HALF_LEFT, "weights": (1, 1), "bubble": 3, "period": 13}
    shifted = shown(SAFETY, bubbles, [(0, 0, 8), (1, 0, 8)])
    assert (shifted.violated, shifted.observed) == (False, Fraction(41, 5))


def test_a_fluid_that_is_too_fast_is_followed() -> None:
    rows = [(0, 0, 1)] * 20 + [(1, 2, 1)] * 20
    parameters = {"weights": (1, 1), "peak": 1}
    assert not shown(NOMINAL, parameters, rows).violated
    assert shown(NOMINAL, {**parameters, "reference": 10}, rows).observed == 18


def test_losses_are_taken_off() -> None:
    cold = {"guarantees": (5,), "peak": 10, "blackout": 2, "interval": 10, "migration": Fraction(1, 2)}
    over = shown(OVER, cold)
    assert (over.violated, over.observed, over.bound) == (True, 5, 4)
    assert not shown(("admission", "corrected", "oversubscription"), cold).violated


REFUSED = [
    (ROUNDS, {"weights": (1,), "peak": 1}, (), r"parameters\.weights: expected at least two tenants"),
    (PUT_OFF, {**LATE_REFRESH, "starts": (10, 12, 20)}, (), r"starts\[1\]: expected from 13 to 20, got 12"),
    (PUT_OFF, {**LATE_REFRESH, "starts": (11, 14, 20)}, (), r"starts\[0\]: expected from 0 to 10, got 11"),
    (PUT_OFF, {**LATE_REFRESH, "window": 21}, (), r"starts: expected every refresh that is due by 31 ns"),
    (PUT_OFF, {**LATE_REFRESH, "starts": ("no",)}, (), r"starts: expected exact numbers of at least 0"),
    (BANKS, {**FOUR_BANKS, "banks": 65}, (), r"banks: expected a whole number of at most 64, got 65"),
    (BANKS, {**FOUR_BANKS, "blackout": 8}, (), r"blackout: expected less than 8"),
    (PROMISE, {**ALONE, "peak": Fraction(1, 2)}, (), r"expected a whole max_request, and burst and peak of at least"),
    (PROMISE, ALONE, [(1, 0, 1)], r"requests: expected tenant 0 alone"),
    (("policing", "dropped", "promise"), ALONE, (), r"rule: expected one of shaped, in-line, background, untreated"),
    (SAFETY, HALF_LEFT, [(0, 1, 8)], r"requests: expected all of them at 0 ns"),
    (SAFETY, HALF_LEFT, [(0, 0, 10**18)], r"expected a backlog of at most 1000000 refresh intervals"),
    (SAFETY, {**HALF_LEFT, "blackout": 10}, (), r"blackout: expected less than the interval 10"),
    (SAFETY, {**HALF_LEFT, "migration": 1}, (), r"expected a migration below 1, and a bubble below its period"),
    (OVER, {"guarantees": (1,), "peak": 1, "blackout": 0, "interval": 1, "bubble": 2}, (), "a bubble below"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "parameters", "rows", "message"), REFUSED)
def test_a_schedule_that_misfits_is_refused(
    kind: tuple[str, str, str], parameters: Mapping[str, object], rows: Rows, message: str
) -> None:
    with pytest.raises(ReplayError, match=message):
        shown(kind, parameters, rows)
