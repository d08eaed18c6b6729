"""Hypothesis strategies: contracts, devices, servers, offers to one gate, and schedules of many tenants.

Everything drawn is an exact integer or Fraction. Most of it is small, so that what a property shrinks to can be read;
a share is at real scale (GB/s, MiB, ms). Schedules are mixed from named shapes (`Shape`); tests/test_strategies.py
shows that every corner that a rule has is reached within the ci profile.
"""

from hypothesis import strategies as st

from headgate.model.refresh import Refresh
from headgate.model.simulator import Server
from headgate.properties.strategies.machines import contract_sets, devices, long_run_rate, refreshes, servers
from headgate.properties.strategies.numbers import exponents, rates, temperatures
from headgate.properties.strategies.offered import Gate, Offer, gates, marker_rates, meter_rates, offers
from headgate.properties.strategies.tenants import contracts, tenant_sets
from headgate.properties.strategies.traffic import Scenario, Shape, scenarios, schedules
from headgate.spec.vocabulary import Contract, ContractSet, Device

__all__ = [
    "Gate",
    "Offer",
    "Scenario",
    "Shape",
    "contract_sets",
    "contracts",
    "devices",
    "exponents",
    "gates",
    "long_run_rate",
    "marker_rates",
    "meter_rates",
    "offers",
    "rates",
    "refreshes",
    "scenarios",
    "schedules",
    "servers",
    "temperatures",
    "tenant_sets",
]

st.register_type_strategy(Contract, contracts())
st.register_type_strategy(Device, devices())
st.register_type_strategy(Refresh, refreshes())
st.register_type_strategy(Server, servers())
st.register_type_strategy(ContractSet, contract_sets())
st.register_type_strategy(Scenario, scenarios())
