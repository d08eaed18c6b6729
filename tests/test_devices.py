"""The shipped device profiles: their numbers, and how a wrong profile is refused."""

from fractions import Fraction

import attrs
import pytest

from headgate.spec.devices import GEOMETRY, parse_profile, profile, profiles
from headgate.spec.errors import InputError
from headgate.spec.vocabulary import Device, Geometry, RefreshRule

NUMBERS = {
    # name: peak (B/ns), tRFC, overhead, tREFI (ns)
    "h100": (3350, 350, 34, 3900),
    "h100-essay": (3350, 295, 0, 3900),
    "h200": (4800, 410, 34, 3900),
    "h200-essay": (4800, 295, 0, 3900),
}

GEOMETRIES = {
    "h100": Geometry(5, 16, 2, 2, 4, 4, 16384, 1024),
    "h100-essay": Geometry(8, 1, 1, 1, 1, 16, 655360, 1024),
    "h200": Geometry(6, 16, 2, 2, 4, 4, 24576, 1024),
    "h200-essay": Geometry(8, 1, 1, 1, 1, 16, 1155072, 1024),
}


def test_the_shipped_profiles() -> None:
    """There are these and no others."""
    assert profiles() == tuple(sorted(NUMBERS))


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name: str) -> None:
    """A profile holds its numbers, the corrected interval, and 95 C."""
    peak, refresh, overhead, interval = map(Fraction, NUMBERS[name])
    expected = Device(name, peak, refresh, overhead, interval, RefreshRule.CORRECTED, Fraction(95))
    assert profile(name) == attrs.evolve(expected, geometry=GEOMETRIES[name])


@pytest.mark.parametrize(
    ("name", "banks", "gibibytes"),
    [("h100", 32, 80), ("h200", 32, 144), ("h100-essay", 16, 80), ("h200-essay", 16, 141)],
)
def test_a_geometry_holds_what_the_device_is_sold_with(name: str, banks: int, gibibytes: int) -> None:
    """Banks, rows and channels multiply to the capacity, and every number has its source."""
    geometry = profile(name).geometry
    assert geometry is not None
    assert geometry.banks == banks
    assert geometry.capacity_bytes == gibibytes * 2**30 == geometry.pages * geometry.page_bytes
    assert {f"geometry.{key}" for key in GEOMETRY} <= set(profile(name).provenance)


def test_the_overhead_says_that_it_is_of_another_memory() -> None:
    """The one number that is not of the device itself says where it comes from."""
    for name in ("h100", "h200"):
        source = profile(name).provenance["overhead_ns"]
        assert "HBM2" in source
        assert "6 + 14 + 14" in source
        assert "tCK = 1 ns" in source


def test_a_profile_that_does_not_exist() -> None:
    """The message names those that do."""
    with pytest.raises(InputError) as refusal:
        profile("b200")
    assert str(refusal.value) == ('device profile: expected one of h100, h100-essay, h200, h200-essay, got "b200"')


GOOD = """
name = "x"
description = "a memory"
peak_gbps = {value = 1, source = "s"}
trfc_ns = {value = 100, source = "s"}
overhead_ns = {value = 0, source = "s"}
trefi_ns = {value = 1000.5, source = "s"}
refresh = {value = "essay", source = "s"}
max_temperature_c = {value = 95, source = "s"}
"""

WRONG = [
    (
        'trfc_ns = {value = 100, source = "s"}',
        "trfc_ns = 100",
        "trfc_ns: expected a table with value and source, got 100",
    ),
    ('{value = 100, source = "s"}', "{value = 100}", "trfc_ns.source: expected the source of this number, got nothing"),
    ('100, source = "s"', '100, source = " "', 'trfc_ns.source: expected the source of this number, got " "'),
    ("value = 0,", "value = -1,", "overhead_ns.value: expected a time of 0 or more, in ns, got -1"),
    (
        "1000.5",
        "100",
        "trefi_ns.value: expected an interval longer than trfc_ns + overhead_ns (100), got 100",
    ),
    ('"essay"', '"table"', 'refresh.value: expected a refresh rule (corrected, jedec, essay), got "table"'),
    ('description = "a memory"\n', "", "description: expected a text, got nothing"),
    (
        'name = "x"\n',
        'name = "x"\nbank_groups = {value = 4, source = "s"}\n',
        "stacks: expected a table with value and source, as bank_groups is given, got nothing",
    ),
]


def test_a_sound_profile_is_read() -> None:
    """The text that the refusals below start from is itself fine."""
    assert parse_profile(GOOD, "x.toml").base_interval_ns == Fraction(2001, 2)
    assert parse_profile(GOOD, "x.toml").refresh_rule is RefreshRule.ESSAY


@pytest.mark.parametrize(("old", "new", "message"), WRONG)
def test_a_wrong_profile_is_refused(old: str, new: str, message: str) -> None:
    """Each fault is refused at its key."""
    assert old in GOOD
    with pytest.raises(InputError) as refusal:
        parse_profile(GOOD.replace(old, new), "x.toml")
    assert str(refusal.value) == f"x.toml: {message}"
