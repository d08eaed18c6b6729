"""`headgate claims`: the list, one in full, and the exit codes."""

import json
import re

import pytest

from headgate.cli.main import run
from headgate.proofs.claims import claims
from headgate.tests.test_cli_main import one_line

Text = pytest.CaptureFixture[str]


def test_the_list_has_every_claim_and_counts_them(capsys: Text) -> None:
    assert run(["claims"]) == 1
    out = capsys.readouterr().out
    assert all(f" {claim.id.ljust(8)}{claim.says[:30]}" in out for claim in claims())
    assert f"{len(claims())} claims" in out.splitlines()[-1]


@pytest.mark.parametrize("given", ["FAB-8", "fab-8", " Fab-8 "])
def test_one_in_full(given: str, capsys: Text) -> None:
    assert run(["claims", given]) == 1
    out = capsys.readouterr().out
    assert "Multi-Tenant KV Fabrics, section 5" in out
    assert "0.857... ms   said: 2.0" in out
    assert "bucket-essay-depth" in out
    assert "examples/schedules/bucket-essay-depth.json" in out
    assert out.splitlines()[-1].startswith("verdict: refuted")


def test_the_mark_of_a_number_stands_where_it_begins(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setattr("headgate.cli.output._is_unicode", lambda: True)
    run(["claims", "FAB-8"])
    marked = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ✗")]
    assert marked
    assert all(line.startswith("  ✗ how long a burst") for line in marked)


@pytest.mark.parametrize(("given", "code"), [("FAB-2", 0), ("HOT-17", 1), ("FAB-17", 1), ("TAX-13", 3)])
def test_the_exit_code_follows_the_verdict(given: str, code: int, capsys: Text) -> None:
    assert run(["claims", given]) == code
    capsys.readouterr()


def test_a_pattern_and_a_verdict_choose(capsys: Text) -> None:
    assert run(["claims", "pwr-*", "--verdict", "stands"]) == 0
    out = capsys.readouterr().out
    assert re.findall(r"^  \S (\S+)", out, re.M) == ["PWR-1", "PWR-3"]
    assert run(["claims", "FAB-2", "--verdict", "open"]) == 0
    assert capsys.readouterr().out == "none of them is open\n"


@pytest.mark.parametrize("given", ["FAB-200", "", "TB-4", "*X"])
def test_an_unknown_claim_is_refused_with_the_nearest(given: str, capsys: Text) -> None:
    assert run(["claims", given]) == 2
    assert "expected the id of a claim (such as " in one_line(capsys.readouterr().err)


def test_json_has_exact_numbers(capsys: Text) -> None:
    assert run(["claims", "FAB-8", "HOT-19", "--format", "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["command"] == "claims"
    assert told["verdict"] == "violated"
    burst = told["results"][0]["numbers"][0]
    assert burst["value"] == "6/7"
    assert burst["agrees"] is False
    assert set(told["results"][1]["numbers"][1]["value"]) == {"low", "high"}


def test_a_plain_screen_needs_no_signs_beyond_ascii(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headgate.cli.output._is_unicode", lambda: False)
    run(["claims"])
    run(["claims", "FAB-8"])
    assert capsys.readouterr().out.isascii()
