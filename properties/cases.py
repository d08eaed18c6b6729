"""Hypothesis strategies for what a review asks an implementation of each role, for tests of one's own.

    from headgate.properties.cases import BucketCase, cases

    @given(st.from_type(BucketCase))                      # numbers are drawn
    @given(cases("arbiter", "wfq", weights=[1, 10, 1]))   # of a policy, with numbers of one's own

A case is a configuration (what a factory is given by name) and calls; times are whole ns, sizes bytes. `st.from_type`
draws for the role's default policy, and for `Case` of any role.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from headgate.properties.review.case import Call, Case
from headgate.properties.review.declaring import declare

__all__ = [
    "CASES",
    "AdmissionCase",
    "AllocatorCase",
    "ArbiterCase",
    "BucketCase",
    "CacheCase",
    "Call",
    "Case",
    "MarkerCase",
    "ShaperCase",
    "cases",
]


@attrs.frozen
class BucketCase(Case):
    """Offers to a bucket."""


@attrs.frozen
class ShaperCase(Case):
    """What is submitted to a shaper."""


@attrs.frozen
class MarkerCase(Case):
    """Packets for a marker."""


@attrs.frozen
class ArbiterCase(Case):
    """Arrivals at an arbiter."""


@attrs.frozen
class AllocatorCase(Case):
    """What an allocator is asked for, and what comes back to it; how, a conductor settles by what it granted."""


@attrs.frozen
class CacheCase(Case):
    """What is touched, inserted, evicted, pinned and unpinned in a cache."""


@attrs.frozen
class AdmissionCase(Case):
    """Requests to a gate, and releases; "together" stands for two at once."""


CASES: Mapping[str, type[Case]] = MappingProxyType(
    {
        "bucket": BucketCase,
        "shaper": ShaperCase,
        "marker": MarkerCase,
        "arbiter": ArbiterCase,
        "allocator": AllocatorCase,
        "cache": CacheCase,
        "admission": AdmissionCase,
    }
)


# What is declared beside the numbers of a role, and changes what is drawn.
DECLARATIONS = ("clock", "floats", "goes_back", "keys", "legal_only", "single_threaded", "largest", "without")


def cases(role: str, policy: str | None = None, **declared: Any) -> SearchStrategy[Case]:
    """Return the cases of `role` under what is declared, as `headgate.properties.suite` takes it; else InputError.

    What is drawn is of the role's type (`CASES`).
    """
    how = {name: declared.pop(name) for name in DECLARATIONS if name in declared}
    suite, declaration = declare(role, policy, declared, **how)
    made = CASES[role]
    return suite.cases(declaration).map(lambda case: made(case.configuration, case.calls))


def _later(role: str) -> SearchStrategy[Case]:
    """Return the cases of `role`, whose suite is loaded when the first one is drawn."""
    return st.deferred(lambda: cases(role))


for _role, _made in CASES.items():
    st.register_type_strategy(_made, _later(_role))
st.register_type_strategy(Case, st.one_of(*(_later(role) for role in CASES)))
