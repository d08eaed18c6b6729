"""What must hold of contract files and device profiles (CT-1, CT-2), whatever is written into them."""

from fractions import Fraction

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headgate.spec.contracts import parse_contracts
from headgate.spec.devices import FIELDS, profile, profiles
from headgate.spec.errors import InputError
from headgate.spec.links import checks
from headgate.spec.reading import decimal_text
from headgate.spec.vocabulary import POLICIES, TREATMENTS, ContractSet, Excess, Geometry

MIB = 2**20


@attrs.frozen
class Written:
    """A tenant as it is written: the values by key, in the units of the file."""

    name: str
    guaranteed: Fraction
    more: Fraction
    duration: Fraction
    priority: int
    latency: Fraction | None
    largest: int
    excess: Excess
    quota: int | None

    def toml(self) -> str:
        """Return the table of the tenant."""
        latency = "" if self.latency is None else f"latency_slo_us = {decimal_text(self.latency)}\n"
        quota = "" if self.quota is None else f"hbm_quota_mb = {self.quota}\n"
        return (
            f'[[tenant]]\nname = "{self.name}"\nguaranteed_gbps = {decimal_text(self.guaranteed)}\n'
            f"burst_gbps = {decimal_text(self.guaranteed + self.more)}\n"
            f"burst_duration_ms = {decimal_text(self.duration)}\npriority = {self.priority}\n"
            f'max_request_bytes = {self.largest}\nexcess = "{self.excess.value}"\n{latency}{quota}'
        )


def decimals(least: int) -> st.SearchStrategy[Fraction]:
    """Draw exact decimals of up to six places; `least` is in millionths."""
    return st.integers(least, 10**12).map(lambda millionths: Fraction(millionths, 10**6))


names = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=64)
tenants = st.builds(
    Written,
    name=names,
    guaranteed=decimals(1),
    more=decimals(0),
    duration=decimals(1),
    priority=st.integers(0, 7),
    latency=st.none() | decimals(1),
    largest=st.integers(1, 10**18),
    excess=st.sampled_from(TREATMENTS),
    quota=st.none() | st.integers(0, 10**6),
)
sets = st.lists(tenants, min_size=1, max_size=4, unique_by=lambda tenant: tenant.name)


def head(policy: str = "sfq", device: str = "h200") -> str:
    """Return the tables that every contract file begins with."""
    return f'[device]\nprofile = "{device}"\n[arbiter]\npolicy = "{policy}"\n'


@checks("CT-1")
@given(sets, st.sampled_from(POLICIES), st.sampled_from(profiles()))
@example([Written("0", Fraction(1, 10), Fraction(0), Fraction(2), 0, None, 1, Excess.SHAPED, None)], "none", "h100")
def test_what_is_written_is_read_exactly(written: list[Written], policy: str, device: str) -> None:
    """Every number of a well-formed file arrives as it was written, in bytes and nanoseconds."""
    read = parse_contracts(head(policy, device) + "".join(tenant.toml() for tenant in written))
    assert (read.policy, read.device.name, len(read.contracts)) == (policy, device, len(written))
    for tenant, contract in zip(written, read.contracts, strict=True):
        assert contract.name == tenant.name
        assert contract.guaranteed_bytes_per_ns == tenant.guaranteed
        assert contract.burst_bytes_per_ns == tenant.guaranteed + tenant.more
        assert contract.burst_duration_ns == tenant.duration * 10**6
        assert contract.latency_slo_ns == (None if tenant.latency is None else tenant.latency * 1000)
        assert (contract.max_request_bytes, contract.priority) == (tenant.largest, tenant.priority)
        assert contract.excess is tenant.excess
        assert contract.hbm_quota_bytes == (None if tenant.quota is None else tenant.quota * MIB)


@checks("CT-1")
@given(tenants, decimals(1))
def test_a_burst_below_the_guarantee_is_refused(tenant: Written, below: Fraction) -> None:
    """A burst rate below the guarantee is refused at its key, however close it is."""
    burst = tenant.guaranteed + tenant.more
    text = head() + tenant.toml().replace(
        f"guaranteed_gbps = {decimal_text(tenant.guaranteed)}", f"guaranteed_gbps = {decimal_text(burst + below)}"
    )
    with pytest.raises(InputError) as refusal:
        parse_contracts(text, "f.toml")
    assert refusal.value.place == f'f.toml: tenant "{tenant.name}" (tenant[0]).burst_gbps'


@checks("CT-1")
@given(tenants, st.text(max_size=40), st.integers(0, 400))
@example(Written("a", Fraction(1), Fraction(1), Fraction(1), 0, None, 1, Excess.SHAPED, None), "\x1b[2J\n", 60)
def test_a_broken_file_is_refused_in_one_line_or_still_means_something(tenant: Written, noise: str, at: int) -> None:
    """With anything inserted anywhere, a file is read or refused with its name, in one printable line."""
    text = head() + tenant.toml()
    read = outcome(text[:at] + noise + text[at:])
    if isinstance(read, ContractSet):
        assert all(c.burst_bytes_per_ns >= c.guaranteed_bytes_per_ns for c in read.contracts)
    else:
        assert read.startswith("f.toml")
        assert read.isprintable()
        assert "expected" in read


def outcome(text: str) -> ContractSet | str:
    """Return what a text says, or the line with which it is refused."""
    try:
        return parse_contracts(text, "f.toml")
    except InputError as refusal:
        return str(refusal)


@checks("CT-2")
@given(st.sampled_from(profiles()))
def test_every_number_of_a_profile_has_a_source(name: str) -> None:
    """Each field that a profile fills stands beside a source of more than a word."""
    provenance = profile(name).provenance
    geometry = {f"geometry.{field.name}" for field in attrs.fields(Geometry)}
    assert set(provenance) == set(FIELDS.values()) | geometry
    assert all(len(source.split()) > 3 for source in provenance.values())


@checks("CT-2")
@given(st.sampled_from(profiles()), st.integers(-40, 150))
def test_a_number_of_a_contract_file_has_its_place_as_source(name: str, temperature: int) -> None:
    """What a contract file states itself is sourced to its own key, the rest to the profile."""
    text = head(device=name).replace("[arbiter]", f"max_temperature_c = {temperature}\n[arbiter]")
    read = parse_contracts(text + '[[tenant]]\nname = "a"\nbest_effort = true\n', "f.toml").device
    assert read.max_temperature_c == temperature
    assert read.provenance["max_temperature_c"] == "f.toml: device.max_temperature_c"
    assert read.provenance["refresh_ns"] == profile(name).provenance["refresh_ns"]
