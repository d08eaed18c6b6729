"""The contract file reader: what it makes of a good file, and the exact line that each bad one gets."""

import os
import pickle
import subprocess
import sys
from fractions import Fraction
from importlib import resources
from pathlib import Path

import pytest

from headgate.model.admission import admits, safe_capacity
from headgate.model.bounds import sfq_delay
from headgate.spec.contracts import LIMIT_BYTES, parse_contracts, read_contracts
from headgate.spec.errors import InputError
from headgate.spec.reading import decimal_text
from headgate.spec.vocabulary import POLICIES, Contract, ContractSet, Device, Excess, RefreshRule

HEAD = '[device]\nprofile = "h200"\n[arbiter]\npolicy = "sfq"\n'
TENANT = """[[tenant]]
name = "chat"
guaranteed_gbps = 120
burst_gbps = 400
burst_duration_ms = 2.0
max_request_bytes = 65536
"""
GOOD = HEAD + TENANT
NUMBERS = '[device]\npeak_gbps = 1\ntrfc_ns = 400\ntrefi_ns = 3900.5\n[arbiter]\npolicy = "none"\n'
CHAT = 'f.toml: tenant "chat" (tenant[0])'
RATE = "expected a rate above 0, in GB/s (gigabytes, not gigabits)"
NAME = "expected a name of 1 to 64 printable characters, no comma or quote"
KEYS = (
    "name, guaranteed_gbps, burst_gbps, burst_duration_ms, priority, latency_slo_us, max_request_bytes, "
    "excess, best_effort, hbm_quota_mb, cxl_quota_mb, kv_floor_mb, page_color"
)


def changed(old: str, new: str, text: str = GOOD) -> str:
    """Return `text` with `old`, which must be there, replaced."""
    assert old in text
    return text.replace(old, new)


def with_table(lines: str) -> str:
    """Return a file whose device has these lines for its refresh table."""
    return changed('"h200"', f'"h200"\nrefresh = "table"\nrefresh_table = [{lines}]')


BAD = {
    # the file as a whole
    "empty": ("", "f.toml: device: expected a [device] table, got nothing"),
    "malformed": ("[device\n", "f.toml:1:8: expected valid TOML (expected ']' at the end of a table declaration)"),
    "cut short": ("a = ", "f.toml:1:5: expected valid TOML (invalid value)"),
    "cut short later": (HEAD + "x", "f.toml:5:2: expected valid TOML (expected '=' after a key in a key/value pair)"),
    "key twice": (GOOD + "burst_gbps = 1\n", "f.toml:11:15: expected valid TOML (cannot overwrite a value)"),
    "control character": (HEAD + "\x00", "f.toml:5:1: expected valid TOML (invalid statement)"),
    "nested": ("x = " + "[" * 100_000, "f.toml: expected TOML nested a few levels deep, got hundreds of levels"),
    "long integer": (
        changed("120", "1" * 5000),
        "f.toml: expected integers of at most 18 digits, got one of thousands",
    ),
    "no device": (TENANT, "f.toml: device: expected a [device] table, got nothing"),
    "device is no table": ("device = 3\n" + TENANT, "f.toml: device: expected a [device] table, got 3"),
    "no arbiter": (
        '[device]\nprofile = "h200"\n' + TENANT,
        "f.toml: arbiter: expected an [arbiter] table, got nothing",
    ),
    "no tenant": (HEAD, "f.toml: tenant: expected one [[tenant]] table or more, got nothing"),
    "empty list of tenants": (
        "tenant = []\n" + HEAD,
        "f.toml: tenant: expected one [[tenant]] table or more, got none",
    ),
    "single brackets": (
        changed("[[tenant]]", "[tenant]"),
        "f.toml: tenant: expected one [[tenant]] table or more, got a table",
    ),
    "tenant is no table": ("tenant = [1]\n" + HEAD, "f.toml: tenant[0]: expected a table of keys, got 1"),
    "unknown table": (GOOD + "[devise]\n", "f.toml: devise: expected a known key (did you mean device?)"),
    # names
    "name missing": (changed('name = "chat"\n', ""), f"f.toml: tenant[0].name: {NAME}, got nothing"),
    "name empty": (changed('"chat"', '""'), f'f.toml: tenant "" (tenant[0]).name: {NAME}, got ""'),
    "name with comma": (changed('"chat"', '"a,b"'), f'f.toml: tenant "a,b" (tenant[0]).name: {NAME}, got "a,b"'),
    "name of control characters": (
        changed('"chat"', '"\\u001b\\n"'),
        f'f.toml: tenant "\\x1b\\n" (tenant[0]).name: {NAME}, got "\\x1b\\n"',
    ),
    "name is a number": (changed('"chat"', "7"), f"f.toml: tenant[0].name: {NAME}, got 7"),
    "name twice": (
        GOOD + TENANT,
        'f.toml: tenant "chat" (tenant[1]).name: expected a name of its own, got the name of tenant[0]',
    ),
    # keys and units
    "unit of latency": (
        GOOD + "latency_slo_ms = 25\n",
        f"{CHAT}.latency_slo_ms: expected a known key (did you mean latency_slo_us?)",
    ),
    "gigabytes without time": (
        changed("guaranteed_gbps", "guaranteed_gb"),
        f"{CHAT}.guaranteed_gb: expected a known key (did you mean guaranteed_gbps?)",
    ),
    "gigabits": (
        changed("guaranteed_gbps", "guaranteed_gbit"),
        f"{CHAT}.guaranteed_gbit: expected a known key (did you mean guaranteed_gbps?)",
    ),
    "unit of duration": (
        changed("burst_duration_ms", "burst_duration_us"),
        f"{CHAT}.burst_duration_us: expected a known key (did you mean burst_duration_ms?)",
    ),
    "a strange key": (GOOD + '"q\\n" = 1\n', f'{CHAT}."q\\n": expected a known key ({KEYS})'),
    # numbers
    "negative rate": (changed("120", "-1"), f"{CHAT}.guaranteed_gbps: {RATE}, got -1"),
    "no rate": (changed("120", "0"), f"{CHAT}.guaranteed_gbps: {RATE}, got 0"),
    "not a number": (changed("120", "nan"), f"{CHAT}.guaranteed_gbps: {RATE}, got nan"),
    "infinite": (changed("120", "-inf"), f"{CHAT}.guaranteed_gbps: {RATE}, got -inf"),
    "an exponent that would fill memory": (
        changed("120", "1e999999999"),
        f"{CHAT}.guaranteed_gbps: {RATE}, got 1e999999999",
    ),
    "too large": (changed("120", "1e19"), f"{CHAT}.guaranteed_gbps: {RATE}, at most 10^18, got 1{'0' * 19}"),
    "a long hexadecimal": (
        changed("120", "0x" + "f" * 5000),
        f"{CHAT}.guaranteed_gbps: {RATE}, at most 10^18, got a number of 40 digits or more",
    ),
    "rate is a string": (changed("120", '"120"'), f'{CHAT}.guaranteed_gbps: {RATE}, got "120"'),
    "rate is true": (changed("120", "true"), f"{CHAT}.guaranteed_gbps: {RATE}, got true"),
    "rate is a table": (changed("120", "{a = 1}"), f"{CHAT}.guaranteed_gbps: {RATE}, got a table"),
    "rate is a list": (changed("120", "[120]"), f"{CHAT}.guaranteed_gbps: {RATE}, got a list"),
    "rate is a date": (changed("120", "1979-05-27"), f"{CHAT}.guaranteed_gbps: {RATE}, got a date or a time"),
    "no guarantee": (
        changed("guaranteed_gbps = 120\n", ""),
        f"{CHAT}.guaranteed_gbps: expected a rate above 0, in GB/s, or best_effort = true, got nothing",
    ),
    "burst below the guarantee": (
        changed("400", "80"),
        f"{CHAT}.burst_gbps: expected a rate of at least guaranteed_gbps (120), got 80",
    ),
    "burst just below the guarantee": (
        changed("400", "119.999999999"),
        f"{CHAT}.burst_gbps: expected a rate of at least guaranteed_gbps (120), got 119.999999999",
    ),
    "duration without a burst": (
        changed("burst_gbps = 400\n", ""),
        f"{CHAT}.burst_gbps: expected a rate of at least guaranteed_gbps (120), got nothing",
    ),
    "burst without a duration": (
        changed("burst_duration_ms = 2.0\n", ""),
        f"{CHAT}.burst_duration_ms: expected a time above 0, in ms, got nothing",
    ),
    "duration zero": (changed("2.0", "0.0"), f"{CHAT}.burst_duration_ms: expected a time above 0, in ms, got 0"),
    "latency zero": (
        GOOD + "latency_slo_us = 0\n",
        f"{CHAT}.latency_slo_us: expected a time above 0, in us, got 0",
    ),
    "no largest request": (
        changed("max_request_bytes = 65536\n", ""),
        f"{CHAT}.max_request_bytes: expected the largest request, in bytes, 1 or more, got nothing",
    ),
    "largest request zero": (
        changed("65536", "0"),
        f"{CHAT}.max_request_bytes: expected the largest request, in bytes, 1 or more, got 0",
    ),
    "largest request of half a byte": (
        changed("65536", "0.5"),
        f"{CHAT}.max_request_bytes: expected the largest request, in bytes, 1 or more, got 0.5",
    ),
    "largest request true": (
        changed("65536", "true"),
        f"{CHAT}.max_request_bytes: expected the largest request, in bytes, 1 or more, got true",
    ),
    "priority negative": (
        GOOD + "priority = -1\n",
        f"{CHAT}.priority: expected a priority, 0 (highest) or more, got -1",
    ),
    "quota negative": (
        GOOD + "hbm_quota_mb = -1\n",
        f"{CHAT}.hbm_quota_mb: expected a quota in MB, 0 or more, got -1",
    ),
    "colour is a string": (
        GOOD + 'page_color = "3"\n',
        f'{CHAT}.page_color: expected a mask over banks, 1 or more, got "3"',
    ),
    "colour without a bank": (
        GOOD + "page_color = 0x0\n",
        f"{CHAT}.page_color: expected a mask over banks, 1 or more, got 0",
    ),
    "colour beyond the banks": (
        GOOD + "page_color = 0x100000001\n",
        f"{CHAT}.page_color: expected a mask over the 32 banks of a pseudo-channel of h200, got one with bank 32",
    ),
    "excess without a treatment, which is there to be refuted": (
        GOOD + 'excess = "untreated"\n',
        f'{CHAT}.excess: expected what becomes of excess (shaped, in-line, background), got "untreated"',
    ),
    "excess unknown": (
        GOOD + 'excess = "dropped"\n',
        f'{CHAT}.excess: expected what becomes of excess (shaped, in-line, background), got "dropped"',
    ),
    # best effort
    "best effort is one": (GOOD + "best_effort = 1\n", f"{CHAT}.best_effort: expected true or false, got 1"),
    "best effort with a guarantee": (
        GOOD + "best_effort = true\n",
        f"{CHAT}.guaranteed_gbps: expected no such key beside best_effort = true, got 120",
    ),
    "best effort with a latency": (
        HEAD + '[[tenant]]\nname = "chat"\nbest_effort = true\nlatency_slo_us = 2.5\n',
        f"{CHAT}.latency_slo_us: expected no such key beside best_effort = true, got 2.5",
    ),
    # the arbiter and the device
    "policy unknown": (
        changed('"sfq"', '"fifo"'),
        f'f.toml: arbiter.policy: expected a policy of this version ({", ".join(POLICIES)}), got "fifo"',
    ),
    "profile unknown": (
        changed("h200", "b200"),
        'f.toml: device.profile: expected a device profile (h100, h100-essay, h200, h200-essay), got "b200"',
    ),
    "device without anything": (
        changed('profile = "h200"\n', ""),
        "f.toml: device: expected a profile (h100, h100-essay, h200, h200-essay) or the numbers of a device, "
        "got nothing",
    ),
    "profile and numbers": (
        changed('"h200"', '"h200"\npeak_gbps = 3'),
        "f.toml: device.peak_gbps: expected either profile or the numbers of a device, got both",
    ),
    "numbers without tRFC": (
        changed("trfc_ns = 400\n", "", NUMBERS + TENANT),
        "f.toml: device.trfc_ns: expected a number, since no profile is named, got nothing",
    ),
    "always dark": (
        changed("3900.5", "400", NUMBERS + TENANT),
        "f.toml: device.trefi_ns: expected an interval longer than trfc_ns + overhead_ns (400), got 400",
    ),
    "temperature": (
        changed('"h200"', '"h200"\nmax_temperature_c = 1000'),
        "f.toml: device.max_temperature_c: expected a temperature from -40 to 150, in C, got 1000",
    ),
    "refresh rule": (
        changed('"h200"', '"h200"\nrefresh = "jdec"'),
        'f.toml: device.refresh: expected a refresh rule (corrected, jedec, table, essay), got "jdec"',
    ),
    "no refresh table": (
        changed('"h200"', '"h200"\nrefresh = "table"'),
        "f.toml: device.refresh_table: expected a list of lines with up_to_c and trefi_ns, "
        'since refresh = "table", got nothing',
    ),
    "a refresh table for nothing": (
        changed('"h200"', '"h200"\nrefresh_table = [{up_to_c = 95, trefi_ns = 3900}]'),
        'f.toml: device.refresh_table: expected refresh = "table" beside it, got "corrected"',
    ),
    "refresh table out of order": (
        with_table("{up_to_c = 85, trefi_ns = 3900}, {up_to_c = 85, trefi_ns = 1950}"),
        "f.toml: device.refresh_table[1].up_to_c: expected a temperature above that of the line before (85), got 85",
    ),
    "refresh table that grows": (
        with_table("{up_to_c = 85, trefi_ns = 1950}, {up_to_c = 95, trefi_ns = 3900}"),
        "f.toml: device.refresh_table[1].trefi_ns: expected an interval no longer than that of the line before (1950), "
        "got 3900",
    ),
    "refresh table always dark": (
        with_table("{up_to_c = 95, trefi_ns = 444}"),
        "f.toml: device.refresh_table[0].trefi_ns: expected an interval longer than trfc_ns + overhead_ns (444), "
        "got 444",
    ),
    "refresh table too short": (
        with_table("{up_to_c = 85, trefi_ns = 3900}"),
        "f.toml: device.refresh_table[0].up_to_c: expected a line up to max_temperature_c (95), got 85",
    ),
    "refresh table of numbers": (
        with_table("3900"),
        "f.toml: device.refresh_table[0]: expected a table of keys, got 3900",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_gets_its_line(case: str) -> None:
    """Every bad input is refused with this very line."""
    text, line = BAD[case]
    with pytest.raises(InputError) as refusal:
        parse_contracts(text, "f.toml")
    assert str(refusal.value) == line


def test_every_policy_is_known_by_name() -> None:
    """Those that this version models are read, those of a later one are told apart from nonsense."""
    for policy in POLICIES:
        assert parse_contracts(changed('"sfq"', f'"{policy}"')).policy == policy


# ---- what a good file means ----


def test_units() -> None:
    """GB/s become bytes a ns, ms and us become ns, MB become 2^20 bytes; nothing is rounded."""
    text = GOOD + "latency_slo_us = 0.0001\nhbm_quota_mb = 1\ncxl_quota_mb = 2\npage_color = 0x3\npriority = 1\n"
    contract = Contract(
        name="chat",
        guaranteed_bytes_per_ns=Fraction(120),
        burst_bytes_per_ns=Fraction(400),
        burst_duration_ns=Fraction(2_000_000),
        max_request_bytes=65536,
        priority=1,
        latency_slo_ns=Fraction(1, 10),
        excess=Excess.IN_LINE,
        hbm_quota_bytes=2**20,
        cxl_quota_bytes=2**21,
        page_color=3,
    )
    assert parse_contracts(text).contracts == (contract,)


def test_no_burst_is_a_burst_at_the_guarantee() -> None:
    """Without the two keys of a burst, the contract is a single rate."""
    text = changed("burst_gbps = 400\nburst_duration_ms = 2.0\n", "")
    contract = parse_contracts(text).contracts[0]
    assert contract.burst_bytes_per_ns == 120
    assert contract.burst_duration_ns == 0


def test_best_effort() -> None:
    """A name is enough; the traffic is background."""
    text = HEAD + '[[tenant]]\nname = "batch"\nbest_effort = true\n'
    assert parse_contracts(text).contracts == (Contract("batch", excess=Excess.BACKGROUND, best_effort=True),)


def test_a_device_of_its_own() -> None:
    """The numbers of a device stand for a profile; each is sourced to its key."""
    device = parse_contracts(NUMBERS + TENANT, "f.toml").device
    assert device == Device("custom", Fraction(1), Fraction(400), Fraction(0), Fraction(7801, 2))
    assert device.provenance["base_interval_ns"] == "f.toml: device.trefi_ns"


def test_the_refresh_rule_of_a_profile_can_be_set() -> None:
    """The essay's interval can be asked for, on any device."""
    text = changed('"h200"', '"h200-essay"\nrefresh = "essay"')
    assert parse_contracts(text).device.refresh_rule is RefreshRule.ESSAY


def test_a_refresh_table() -> None:
    """Its lines, exactly, with the place that they come from."""
    lines = "{up_to_c = 85, trefi_ns = 3900}, {up_to_c = 95, trefi_ns = 1950.5}"
    device = parse_contracts(with_table(lines), "f.toml").device
    assert device.refresh_rule is RefreshRule.TABLE
    assert device.refresh_table == ((Fraction(85), Fraction(3900)), (Fraction(95), Fraction(3901, 2)))
    assert device.provenance["refresh_table"] == "f.toml: device.refresh_table"


def test_a_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    """What a Windows editor adds changes nothing."""
    path = tmp_path / "f.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert read_contracts(path).contracts == parse_contracts(GOOD).contracts


# ---- what is no file, or no text ----


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected some content, got an empty file"),
        (b" \n\t\n", "expected some content, got an empty file"),
        (b"\x7fELF\x01\xff", "expected UTF-8 text, got byte 0xff at offset 5"),
        (b"#" * (LIMIT_BYTES + 1), f"expected a file of at most {LIMIT_BYTES} bytes, got a larger one"),
    ],
)
def test_a_file_that_is_no_text(tmp_path: Path, content: bytes, message: str) -> None:
    """Empty, binary and endless files are refused before they are parsed."""
    path = tmp_path / "f.toml"
    path.write_bytes(content)
    with pytest.raises(InputError) as refusal:
        read_contracts(path)
    assert str(refusal.value) == f"{path}: {message}"


def test_a_path_that_is_no_file(tmp_path: Path) -> None:
    """A missing file, a directory and a path that cannot be one."""
    for path, message in (
        (tmp_path / "none", "expected a readable file, got no such file or directory"),
        (tmp_path, "expected a readable file, got a directory"),
        ("a\x00b", "expected the path of a file, got embedded null byte"),
    ):
        with pytest.raises(InputError) as refusal:
            read_contracts(path)
        assert str(refusal.value) == str(path).replace("\x00", "\\x00") + f": {message}"


# Root may read everything, so root becomes somebody else first, after what must be imported has been.
AS_ORDINARY_USER = """
import os, sys
from headgate.spec.contracts import read_contracts
from headgate.spec.errors import InputError
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    read_contracts(sys.argv[1])
except InputError as error:
    print(error)
"""


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    """No permission is bad input, not a fault of headgate."""
    path = tmp_path / "f.toml"
    path.write_text(GOOD)
    path.chmod(0)
    command = [sys.executable, "-c", AS_ORDINARY_USER, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "permission denied" in done.stdout


def test_an_error_survives_pickling() -> None:
    """Worker processes hand errors back pickled."""
    error = InputError("f.toml: tenant", "one", "none")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_exact_numbers_are_shown_as_decimals() -> None:
    """A message shows what was written, and no more digits than that."""
    assert decimal_text(Fraction(1, 8)) == "0.125"
    assert decimal_text(Fraction(-7, 5)) == "-1.4"
    assert decimal_text(Fraction(1, 3)) == "1/3"
    assert decimal_text(120) == "120"


# ---- the examples ----


def example(name: str) -> ContractSet:
    """Return a contract file of the examples."""
    with resources.as_file(resources.files("headgate.examples") / name) as path:
        return read_contracts(path)


def test_the_eight_tenants_can_be_promised_what_they_are() -> None:
    """The default of `verify` is admissible at its hottest, and SFQ keeps every latency, background included."""
    contracts = example("h200_eight_tenants.toml")
    assert (len(contracts.contracts), contracts.policy, contracts.device.name) == (8, "sfq", "h200")
    device = contracts.device
    rate = safe_capacity(device, device.max_temperature_c)
    assert admits([c.guaranteed_bytes_per_ns for c in contracts.contracts], rate)
    every = sum(c.max_request_bytes for c in contracts.guaranteed)
    behind = max(c.max_request_bytes for c in contracts.contracts if c.excess is Excess.BACKGROUND)
    for contract in contracts.guaranteed:
        others = every - contract.max_request_bytes + behind
        delay = sfq_delay(contract.max_request_bytes, others, rate, device.blackout_ns)
        assert contract.latency_slo_ns is not None
        assert delay <= contract.latency_slo_ns


def test_the_contracts_of_the_recordings() -> None:
    """The essay's contract for three decode tenants; nothing was promised to the prefill."""
    contracts = example("h200_recordings.toml")
    assert contracts.policy == "none"
    assert [contract.name for contract in contracts.contracts] == ["0", "1", "2", "3"]
    assert contracts.contracts[0].best_effort
    for contract in contracts.guaranteed:
        assert contract.guaranteed_bytes_per_ns == 120
        assert contract.burst_bytes_per_ns == 400
        assert contract.burst_duration_ns == 2_000_000
        assert contract.latency_slo_ns == 25_000
        assert (contract.max_request_bytes, contract.excess) == (2**21, Excess.IN_LINE)
