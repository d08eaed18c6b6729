"""The contract file: which device, which arbiter, and what each tenant was promised.

TOML with the essay's field names and units: gigabytes a second (1 GB/s = 1 byte/ns), ms for the burst, us for
the latency, MB = 2^20 bytes for quotas. What comes out is a `ContractSet` in bytes and nanoseconds.
Source of the fields: *Multi-Tenant KV Fabrics*, section 4; what was added is said in clause CT-1.
"""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, NoReturn

import attrs

from headgate.spec import devices
from headgate.spec.errors import InputError
from headgate.spec.links import implements
from headgate.spec.reading import (
    MismatchError,
    Rule,
    Steps,
    choice,
    decimal_text,
    exact,
    flag,
    parse_toml,
    path_of,
    place_of,
    read_text,
    shown,
    structure,
    text,
    whole,
)
from headgate.spec.vocabulary import POLICIES, TREATMENTS, Contract, ContractSet, Device, Excess, KeyValue, RefreshRule

__all__ = ["LIMIT_BYTES", "contracts_of", "parse_contracts", "read_contracts"]

LIMIT_BYTES = 2**20

_NS_PER_MS = 10**6
_NS_PER_US = 10**3
_BYTES_PER_MB = 2**20

_MAX_REQUEST = whole("the largest request, in bytes, 1 or more", least=1)
_BURST_DURATION = exact("a time above 0, in ms", above=0)
_TABLE_WORDS = "a list of lines with up_to_c and trefi_ns"
_POLICY_WORDS = f"a policy of this version ({', '.join(POLICIES)})"


def _policy(value: object) -> str:
    if isinstance(value, str) and value in POLICIES:
        return value
    raise MismatchError(_POLICY_WORDS, shown(value))


def _is_name(written: str) -> bool:
    # A recording's tenant column must be able to hold it.
    return written == written.strip() != "" and written.isprintable() and not set(written) & set(",\"'")


_NAME = text("a name of 1 to 64 printable characters, no comma or quote", longest=64, accepts=_is_name)


@attrs.frozen
class RefreshLine:
    """One line of a refresh table: the interval up to a temperature."""

    up_to_c: devices.Temperature
    trefi_ns: devices.Duration


@attrs.frozen
class DeviceTable:
    """`[device]`: a profile, or the numbers themselves."""

    profile: Annotated[str, choice("a device profile", devices.profiles())] | None = None
    peak_gbps: devices.Rate | None = None
    trfc_ns: devices.Duration | None = None
    trefi_ns: devices.Duration | None = None
    overhead_ns: devices.Overhead | None = None
    refresh: devices.RefreshName | None = None
    refresh_table: Annotated[tuple[RefreshLine, ...], Rule(_TABLE_WORDS)] | None = None
    max_temperature_c: devices.Temperature | None = None


@attrs.frozen
class ArbiterTable:
    """`[arbiter]`."""

    policy: Annotated[str, Rule(_POLICY_WORDS, _policy)]


@attrs.frozen
class TenantTable:
    """One `[[tenant]]`, in the units of the file."""

    name: Annotated[str, _NAME]
    guaranteed_gbps: devices.Rate | None = None
    burst_gbps: devices.Rate | None = None
    burst_duration_ms: Annotated[Fraction, _BURST_DURATION] | None = None
    priority: Annotated[int, whole("a priority, 0 (highest) or more", most=10**6)] | None = None
    latency_slo_us: Annotated[Fraction, exact("a time above 0, in us", above=0)] | None = None
    max_request_bytes: Annotated[int, _MAX_REQUEST] | None = None
    excess: Annotated[str, choice("what becomes of excess", [way.value for way in TREATMENTS])] | None = None
    best_effort: Annotated[bool, flag()] = False
    hbm_quota_mb: Annotated[int, whole("a quota in MB, 0 or more", most=10**12)] | None = None
    cxl_quota_mb: Annotated[int, whole("a quota in MB, 0 or more", most=10**12)] | None = None
    kv_floor_mb: Annotated[int, whole("a floor in MB, 0 or more", most=10**12)] | None = None
    page_color: Annotated[int, whole("a mask over banks, 1 or more", least=1, most=2**1024 - 1)] | None = None


@attrs.frozen
class KeyValueTable:
    """`[kv]`: the model that is served, its cache, and when its tokens are due."""

    bytes_per_token: Annotated[int, whole("the bytes that a token leaves in the KV cache, 1 or more", least=1)]
    tokens_per_page: Annotated[int, whole("the tokens of a page, 1 to 10^6", least=1, most=10**6)]
    weight_bytes: Annotated[int, whole("the bytes of the weights, 0 or more")]
    ttft_slo_ms: Annotated[Fraction, exact("a time above 0, in ms", above=0)] | None = None
    itl_slo_ms: Annotated[Fraction, exact("a time above 0, in ms", above=0)] | None = None
    link_gbps: devices.Rate | None = None


@attrs.frozen
class ContractFile:
    """The file as a whole."""

    device: Annotated[DeviceTable, Rule("a [device] table")]
    arbiter: Annotated[ArbiterTable, Rule("an [arbiter] table")]
    tenant: Annotated[tuple[TenantTable, ...], Rule("one [[tenant]] table or more")]
    kv: Annotated[KeyValueTable, Rule("a [kv] table")] | None = None


@attrs.frozen
class _Places:
    """Names the places of one contract file; a tenant by its name too, where it has one."""

    source: str
    tables: dict[str, Any]

    def __call__(self, steps: Steps) -> str:
        """Return the place of the key that `steps` lead to."""
        if len(steps) < 2 or steps[0] != "tenant" or not isinstance(steps[1], int):
            return place_of(self.source, steps)
        name = self.tables["tenant"][steps[1]].get("name") if self._is_table(steps[1]) else None
        if not isinstance(name, str):
            return place_of(self.source, steps)
        key = f".{path_of(steps[2:])}" if steps[2:] else ""
        return f"{self.source}: tenant {shown(name)} ({path_of(steps[:2])}){key}"

    def _is_table(self, number: int) -> bool:
        return isinstance(self.tables["tenant"][number], dict)


def read_contracts(path: Path | str) -> ContractSet:
    """Return the contracts of a file; InputError, with the place, for the first thing that does not fit."""
    return parse_contracts(read_text(path, LIMIT_BYTES), str(path))


@implements("CT-1")
def parse_contracts(content: str, source: str = "<contracts>") -> ContractSet:
    """Return the contracts of a TOML text, named `source` in messages; InputError as `read_contracts`."""
    return contracts_of(parse_toml(content, source), source)


@implements("CT-1")
def contracts_of(tables: dict[str, Any], source: str = "<contracts>") -> ContractSet:
    """Return the contracts of the tables of a TOML text; InputError as `read_contracts`."""
    place = _Places(source, tables)
    file = structure(tables, ContractFile, place)
    if not file.tenant:
        raise InputError(place(["tenant"]), "one [[tenant]] table or more", "none")
    _check_names(file.tenant, place)
    device = _device(file.device, place)
    _check_colours(file.tenant, device, place)
    return ContractSet(
        device=device,
        policy=file.arbiter.policy,
        contracts=tuple(_contract(table, number, place) for number, table in enumerate(file.tenant)),
        source=source,
        kv=None if file.kv is None else _key_value(file.kv),
    )


def _key_value(table: KeyValueTable) -> KeyValue:
    return KeyValue(
        token_bytes=table.bytes_per_token,
        page_tokens=table.tokens_per_page,
        weight_bytes=table.weight_bytes,
        first_slo_ns=None if table.ttft_slo_ms is None else table.ttft_slo_ms * _NS_PER_MS,
        next_slo_ns=None if table.itl_slo_ms is None else table.itl_slo_ms * _NS_PER_MS,
        link_bytes_per_ns=table.link_gbps,
    )


def _check_names(tenants: Sequence[TenantTable], place: _Places) -> None:
    first: dict[str, int] = {}
    for number, table in enumerate(tenants):
        if table.name in first:
            other = first[table.name]
            _refuse(place, ["tenant", number, "name"], "a name of its own", f"the name of tenant[{other}]")
        first[table.name] = number


def _check_colours(tenants: Sequence[TenantTable], device: Device, place: _Places) -> None:
    """Refuse a mask over banks that the device does not have; a device without a geometry has any."""
    banks = None if device.geometry is None else device.geometry.banks
    for number, table in enumerate(tenants):
        mask = table.page_color
        if banks is not None and mask is not None and mask >> banks:
            words = f"a mask over the {banks} banks of a pseudo-channel of {device.name}"
            _refuse(place, ["tenant", number, "page_color"], words, f"one with bank {mask.bit_length() - 1}")


def _refuse(place: _Places, steps: Steps, expected: str, got: str = "nothing") -> NoReturn:
    raise InputError(place(steps), expected, got)


# ---- the device ----


def _device(table: DeviceTable, place: _Places) -> Device:
    device = _numbers(table, place) if table.profile is None else _from_profile(table, place)
    stated = {key: field for key, field in devices.FIELDS.items() if getattr(table, key) is not None}
    changes: dict[str, Any] = {}
    if table.refresh is not None:
        changes["refresh_rule"] = RefreshRule(table.refresh)
    if table.max_temperature_c is not None:
        changes["max_temperature_c"] = table.max_temperature_c
    sources = {field: place(["device", key]) for key, field in stated.items()}
    if table.refresh_table is not None:
        changes["refresh_table"] = tuple((line.up_to_c, line.trefi_ns) for line in table.refresh_table)
        sources["refresh_table"] = place(["device", "refresh_table"])
    device = attrs.evolve(device, provenance={**device.provenance, **sources}, **changes)
    _check_refresh_table(device, table, place)
    return device


def _check_refresh_table(device: Device, table: DeviceTable, place: _Places) -> None:
    """Refuse a table without its rule or the other way round, and one that is not safe (clause RF-9)."""
    steps: list[str | int] = ["device", "refresh_table"]
    is_wanted, lines = device.refresh_rule is RefreshRule.TABLE, device.refresh_table
    if is_wanted and not lines:
        _refuse(place, steps, f'{_TABLE_WORDS}, since refresh = "table"')
    if not is_wanted and table.refresh_table is not None:
        _refuse(place, steps, 'refresh = "table" beside it', f'"{device.refresh_rule.value}"')
    for number, (limit, interval) in enumerate(lines):
        if number and limit <= lines[number - 1][0]:
            words = f"a temperature above that of the line before ({decimal_text(lines[number - 1][0])})"
            _refuse(place, [*steps, number, "up_to_c"], words, decimal_text(limit))
        if number and interval > lines[number - 1][1]:
            words = f"an interval no longer than that of the line before ({decimal_text(lines[number - 1][1])})"
            _refuse(place, [*steps, number, "trefi_ns"], words, decimal_text(interval))
        if interval <= device.blackout_ns:
            words = f"an interval longer than trfc_ns + overhead_ns ({decimal_text(device.blackout_ns)})"
            _refuse(place, [*steps, number, "trefi_ns"], words, decimal_text(interval))
    if lines and lines[-1][0] < device.max_temperature_c:
        words = f"a line up to max_temperature_c ({decimal_text(device.max_temperature_c)})"
        _refuse(place, [*steps, len(lines) - 1, "up_to_c"], words, decimal_text(lines[-1][0]))


def _from_profile(table: DeviceTable, place: _Places) -> Device:
    for key in ("peak_gbps", "trfc_ns", "trefi_ns", "overhead_ns"):
        value = getattr(table, key)
        if value is not None:
            _refuse(place, ["device", key], "either profile or the numbers of a device", "both")
    return devices.profile(str(table.profile))


def _numbers(table: DeviceTable, place: _Places) -> Device:
    if all(value is None for value in attrs.astuple(table)):
        _refuse(place, ["device"], f"a profile ({', '.join(devices.profiles())}) or the numbers of a device")
    device = Device(
        name="custom",
        peak_bytes_per_ns=_needed(table.peak_gbps, place, "peak_gbps"),
        refresh_ns=_needed(table.trfc_ns, place, "trfc_ns"),
        overhead_ns=Fraction(0) if table.overhead_ns is None else table.overhead_ns,
        base_interval_ns=_needed(table.trefi_ns, place, "trefi_ns"),
    )
    fault = devices.interval_fault(device)
    if fault:
        _refuse(place, ["device", "trefi_ns"], *fault)
    return device


def _needed(value: Fraction | None, place: _Places, key: str) -> Fraction:
    if value is None:
        _refuse(place, ["device", key], "a number, since no profile is named")
    return value


# ---- a tenant ----

_PROMISES = ("guaranteed_gbps", "burst_gbps", "burst_duration_ms", "priority", "latency_slo_us", "excess")


def _contract(table: TenantTable, number: int, place: _Places) -> Contract:
    steps: list[str | int] = ["tenant", number]
    promised = _best_effort(table, steps, place) if table.best_effort else _promised(table, steps, place)
    return attrs.evolve(
        promised,
        hbm_quota_bytes=_bytes(table.hbm_quota_mb),
        cxl_quota_bytes=_bytes(table.cxl_quota_mb),
        kv_floor_bytes=_bytes(table.kv_floor_mb),
        page_color=table.page_color,
    )


def _bytes(megabytes: int | None) -> int | None:
    return None if megabytes is None else megabytes * _BYTES_PER_MB


def _best_effort(table: TenantTable, steps: list[str | int], place: _Places) -> Contract:
    for key in _PROMISES:
        value = getattr(table, key)
        if value is not None:
            _refuse(place, [*steps, key], "no such key beside best_effort = true", shown(value))
    return Contract(
        table.name, max_request_bytes=table.max_request_bytes or 0, excess=Excess.BACKGROUND, best_effort=True
    )


def _promised(table: TenantTable, steps: list[str | int], place: _Places) -> Contract:
    if table.guaranteed_gbps is None:
        _refuse(place, [*steps, "guaranteed_gbps"], "a rate above 0, in GB/s, or best_effort = true")
    if table.max_request_bytes is None:
        _refuse(place, [*steps, "max_request_bytes"], _MAX_REQUEST.expected)
    burst, duration = _burst(table, table.guaranteed_gbps, steps, place)
    return Contract(
        name=table.name,
        guaranteed_bytes_per_ns=table.guaranteed_gbps,
        burst_bytes_per_ns=burst,
        burst_duration_ns=duration * _NS_PER_MS,
        max_request_bytes=table.max_request_bytes,
        priority=table.priority or 0,
        latency_slo_ns=None if table.latency_slo_us is None else table.latency_slo_us * _NS_PER_US,
        excess=Excess.IN_LINE if table.excess is None else Excess(table.excess),
    )


def _burst(
    table: TenantTable, guaranteed: Fraction, steps: list[str | int], place: _Places
) -> tuple[Fraction, Fraction]:
    """Return the burst rate (GB/s) and duration (ms); both may be left out, and then there is no burst."""
    burst, duration = table.burst_gbps, table.burst_duration_ms
    if burst is None and duration is None:
        return guaranteed, Fraction(0)
    if burst is None or burst < guaranteed:
        words = f"a rate of at least guaranteed_gbps ({decimal_text(guaranteed)})"
        _refuse(place, [*steps, "burst_gbps"], words, "nothing" if burst is None else decimal_text(burst))
    if duration is None:
        _refuse(place, [*steps, "burst_duration_ms"], _BURST_DURATION.expected)
    return burst, duration
