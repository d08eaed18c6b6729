"""The benchmark of the interpreters runs, and what it calls numpy by hand computes the same."""

import numpy as np
import pytest

from headgate.benchmarks import interpreters
from headgate.model.arbiters import ARBITERS, Tenants
from headgate.model.batch import run_bucket, run_head_of_line


def test_it_prints_every_way_with_its_ratios(capsys: pytest.CaptureFixture[str]) -> None:
    assert interpreters.main(["--schedules", "3", "--steps", "2", "--depth", "3", "--repeats", "1"]) == 0
    printed = capsys.readouterr().out
    for name in ("integer interpreter", "plain oracle", "numpy interpreter, head of line", "numpy by hand"):
        assert name in printed
    assert printed.count("1.00 ") >= 2, "a baseline is its own measure"


def test_the_bucket_by_hand_is_the_rule() -> None:
    dice = np.random.default_rng(2)
    gaps, sizes = dice.integers(0, 1000, (30, 50)), dice.integers(64, 1 << 18, (30, 50))
    rule = run_bucket(interpreters.RATE, interpreters.DEPTH, gaps, sizes)
    assert (interpreters.bucket_by_hand(gaps, sizes) == rule).all()
    assert 0 < rule.mean() < 1


def test_sfq_by_hand_and_the_others_are_the_rule() -> None:
    dice = np.random.default_rng(2)
    sizes = dice.integers(1, 9, (8, 40, 20))
    costs = sizes * dice.integers(1, 9, (8, 1, 1))
    tenants = Tenants(8, tuple(range(8)), (0,) * 8, (8,) * 8)
    # Up to here no tenant can have run dry; from then on the loops by hand repeat the last request.
    rule = run_head_of_line(ARBITERS["sfq"], tenants, sizes, costs, 39)
    assert (interpreters.sfq_by_hand(costs)[:39] == rule).all()
    for lane in range(20):
        own = slice(lane, lane + 1)
        by_rule = interpreters.sfq_on_integers(tenants, sizes[:, :, own], costs[:, :, own])
        assert by_rule[:39] == rule[:, lane].tolist()
        assert interpreters.sfq_by_oracle(sizes[:, :, own], costs[:, :, own])[:39] == by_rule[:39]
