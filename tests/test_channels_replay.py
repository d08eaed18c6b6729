"""The claim that a request is late on a device of several channels."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import run
from headgate.tests.test_cli_main import one_line

Text = pytest.CaptureFixture[str]


def channels_file(tmp_path: Path, **changes: Any) -> str:
    """Return the shipped schedule, two granules in one of two channels, with changes."""
    shipped = resources.files("headgate.examples") / "schedules" / "channels-aimed.json"
    data = json.loads(shipped.read_text("utf-8"))
    data["parameters"] |= changes.pop("parameters", {})
    path = tmp_path / "channels.json"
    path.write_text(json.dumps(data | changes))
    return str(path)


def test_what_is_aimed_at_one_channel_is_late(tmp_path: Path, capsys: Text) -> None:
    """Two bytes each, 1 ns apart as promised: the one channel takes 2 ns for each."""
    assert run(["replay", channels_file(tmp_path)]) == 1
    text = capsys.readouterr().out
    assert "finishes 3 ns after its expected arrival, the bound is 2 ns" in " ".join(text.split())
    assert "\n  channel 0 " in text
    assert "\n  channel 1 " not in text


def test_what_is_spread_is_in_time(tmp_path: Path, capsys: Text) -> None:
    assert run(["replay", channels_file(tmp_path, parameters={"addresses": [0, 2]})]) == 0
    assert "finishes 2 ns after its expected arrival" in " ".join(capsys.readouterr().out.split())
    assert run(["replay", channels_file(tmp_path, parameters={"addresses": [0, 2], "tighter_by": 1})]) == 1


def test_a_request_in_two_channels_is_late_by_its_last_part(tmp_path: Path, capsys: Text) -> None:
    """Four bytes from the middle of a granule on: one in channel 0, two in channel 1, one in channel 0 again."""
    requests = [{"tenant": 0, "arrival_ns": 0, "bytes": 4}]
    file = channels_file(tmp_path, requests=requests, parameters={"addresses": [1], "latency": "3/2"})
    assert run(["replay", file, "--format", "json"]) == 1
    [result] = json.loads(capsys.readouterr().out)["results"]
    assert result["observed"] == 2
    texts = [[mark["text"] for mark in lane["marks"] if mark["kind"] == "service"] for lane in result["lanes"]]
    assert texts == [["2 B"], ["2 B"], []]


def test_a_tenant_that_sends_nothing(tmp_path: Path, capsys: Text) -> None:
    parameters = {"weights": [1, 1], "tenant": 1}
    assert run(["replay", channels_file(tmp_path, parameters=parameters)]) == 0
    assert "tenant 1 sends nothing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"channels": 0}, "parameters.channels, granule: expected 1 to 1000, and 1 or more"),
        ({"granule": "1/2"}, "parameters.granule: expected a whole number, got 1/2"),
        ({"addresses": [0]}, "parameters.addresses: expected 2 whole numbers, 0 or more"),
        ({"addresses": [0, -1]}, "parameters.addresses: expected 2 whole numbers, 0 or more"),
        ({"addresses": [0, "1/2"]}, "parameters.addresses: expected 2 whole numbers, 0 or more"),
        ({"addresses": [0, "x"]}, "parameters.addresses: expected exact numbers"),
        ({"addresses": 7}, "parameters.addresses: expected a list of exact numbers, got 7"),
        ({"tenant": 3}, "parameters.tenant: expected one of the 1 tenants, got 3"),
    ],
)
def test_channels_that_do_not_fit(parameters: dict[str, Any], said: str, tmp_path: Path, capsys: Text) -> None:
    assert run(["replay", channels_file(tmp_path, parameters=parameters)]) == 2
    assert said in one_line(capsys.readouterr().err)


def test_a_request_of_more_granules_than_can_be_walked(tmp_path: Path, capsys: Text) -> None:
    requests = [{"tenant": 0, "arrival_ns": 0, "bytes": 10**15}]
    assert run(["replay", channels_file(tmp_path, requests=requests, parameters={"addresses": [0]})]) == 2
    assert "parameters.granule: expected at most 1000000 granules" in one_line(capsys.readouterr().err)
