"""Device profiles: the numbers of a memory, each with its source.

A profile is a TOML file in `profiles/`; every number in it is a table of `value` and `source`. Contract files
name a profile, or give the numbers themselves under the same keys.
"""

import functools
from fractions import Fraction
from importlib import resources
from typing import Annotated

import attrs

from headgate.spec.errors import InputError
from headgate.spec.links import implements
from headgate.spec.reading import (
    Rule,
    Steps,
    choice,
    decimal_text,
    exact,
    parse_toml,
    place_of,
    structure,
    text,
    whole,
)
from headgate.spec.vocabulary import Device, Geometry, RefreshRule

__all__ = [
    "FIELDS",
    "GEOMETRY",
    "Duration",
    "Overhead",
    "Rate",
    "RefreshName",
    "Temperature",
    "interval_fault",
    "parse_profile",
    "profile",
    "profiles",
]

# The key of a number in a file, and the field of `Device` that it fills.
FIELDS = {
    "peak_gbps": "peak_bytes_per_ns",
    "trfc_ns": "refresh_ns",
    "overhead_ns": "overhead_ns",
    "trefi_ns": "base_interval_ns",
    "refresh": "refresh_rule",
    "max_temperature_c": "max_temperature_c",
}

# The keys of a geometry: a file has all of them, or none.
GEOMETRY = tuple(field.name for field in attrs.fields(Geometry))

Rate = Annotated[Fraction, exact("a rate above 0, in GB/s (gigabytes, not gigabits)", above=0)]
Duration = Annotated[Fraction, exact("a time above 0, in ns", above=0)]
Overhead = Annotated[Fraction, exact("a time of 0 or more, in ns", least=0)]
Temperature = Annotated[Fraction, exact("a temperature from -40 to 150, in C", least=-40, most=150)]
RefreshName = Annotated[str, choice("a refresh rule", [rule.value for rule in RefreshRule])]
# A profile holds no table.
_WITHOUT_TABLE = [rule.value for rule in RefreshRule if rule is not RefreshRule.TABLE]
ProfileRefreshName = Annotated[str, choice("a refresh rule", _WITHOUT_TABLE)]
Count = Annotated[int, whole("a number of units, 1 or more", least=1, most=2**40)]
Source = Annotated[str, text("the source of this number", longest=2000, accepts=lambda s: s.strip() != "")]
Prose = Annotated[str, text("a text", longest=4000)]


@attrs.frozen
class SourcedRate:
    """A rate, and where it comes from."""

    value: Rate
    source: Source


@attrs.frozen
class SourcedDuration:
    """A time, and where it comes from."""

    value: Duration
    source: Source


@attrs.frozen
class SourcedOverhead:
    """A time that may be 0, and where it comes from."""

    value: Overhead
    source: Source


@attrs.frozen
class SourcedTemperature:
    """A temperature, and where it comes from."""

    value: Temperature
    source: Source


@attrs.frozen
class SourcedRefresh:
    """A refresh rule, and where it comes from."""

    value: ProfileRefreshName
    source: Source


@attrs.frozen
class SourcedCount:
    """How many there are of something, and where that comes from."""

    value: Count
    source: Source


SourcedPart = Annotated[SourcedCount, Rule("a table with value and source")]


@attrs.frozen
class ProfileFile:
    """A profile as its file holds it; `FIELDS` says which field of `Device` each table fills.

    The tables of `GEOMETRY` are all there, or none of them is.
    """

    name: Prose
    description: Prose
    peak_gbps: Annotated[SourcedRate, Rule("a table with value and source")]
    trfc_ns: Annotated[SourcedDuration, Rule("a table with value and source")]
    overhead_ns: Annotated[SourcedOverhead, Rule("a table with value and source")]
    trefi_ns: Annotated[SourcedDuration, Rule("a table with value and source")]
    refresh: Annotated[SourcedRefresh, Rule("a table with value and source")]
    max_temperature_c: Annotated[SourcedTemperature, Rule("a table with value and source")]
    stacks: SourcedPart | None = None
    channels: SourcedPart | None = None
    pseudo_channels: SourcedPart | None = None
    stack_ids: SourcedPart | None = None
    bank_groups: SourcedPart | None = None
    group_banks: SourcedPart | None = None
    rows: SourcedPart | None = None
    row_bytes: SourcedPart | None = None


@functools.cache
def profiles() -> tuple[str, ...]:
    """Return the names of the shipped profiles, in alphabetical order."""
    folder = resources.files("headgate.spec") / "profiles"
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


@implements("CT-2")
@functools.cache
def profile(name: str) -> Device:
    """Return the shipped profile of that name; InputError where there is none."""
    if name not in profiles():
        raise InputError("device profile", f"one of {', '.join(profiles())}", f'"{name}"')
    content = (resources.files("headgate.spec") / "profiles" / f"{name}.toml").read_text(encoding="utf-8")
    return parse_profile(content, f"{name}.toml")


def parse_profile(content: str, source: str) -> Device:
    """Return the device that a profile's text describes; InputError for the first thing that does not fit."""

    def place(steps: Steps) -> str:
        return place_of(source, steps)

    file = structure(parse_toml(content, source), ProfileFile, place)
    given = {key: getattr(file, key) for key in GEOMETRY if getattr(file, key) is not None}
    missing = [key for key in GEOMETRY if key not in given]
    if given and missing:
        raise InputError(
            place([missing[0]]), f"a table with value and source, as {next(iter(given))} is given", "nothing"
        )
    device = _device(file, given)
    fault = interval_fault(device)
    if fault:
        raise InputError(place(["trefi_ns", "value"]), *fault)
    return device


def interval_fault(device: Device) -> tuple[str, str] | None:
    """Return (expected, got) for a refresh interval that the blackout fills, None for a sound one."""
    if device.base_interval_ns > device.blackout_ns:
        return None
    words = f"an interval longer than trfc_ns + overhead_ns ({decimal_text(device.blackout_ns)})"
    return words, decimal_text(device.base_interval_ns)


def _device(file: ProfileFile, layout: dict[str, SourcedCount]) -> Device:
    sources = {field: " ".join(getattr(file, key).source.split()) for key, field in FIELDS.items()}
    sources |= {f"geometry.{key}": " ".join(part.source.split()) for key, part in layout.items()}
    return Device(
        name=file.name,
        peak_bytes_per_ns=file.peak_gbps.value,
        refresh_ns=file.trfc_ns.value,
        overhead_ns=file.overhead_ns.value,
        base_interval_ns=file.trefi_ns.value,
        refresh_rule=RefreshRule(file.refresh.value),
        max_temperature_c=file.max_temperature_c.value,
        provenance=sources,
        geometry=Geometry(**{key: part.value for key, part in layout.items()}) if layout else None,
    )
