"""Blackouts, servers and devices, and whole contract files."""

import math
from fractions import Fraction

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from headgate.model.admission import safe_capacity
from headgate.model.refresh import Refresh
from headgate.model.simulator import Server
from headgate.properties.strategies.numbers import AT_REAL_SCALE, EITHER, RATES, rates, temperatures
from headgate.properties.strategies.tenants import tenant_sets
from headgate.spec.vocabulary import ContractSet, Device, RefreshRule

__all__ = ["contract_sets", "devices", "draw_server", "long_run_rate", "refreshes", "servers"]

# By how much a server that carries something is faster than it has to be: not at all, more often than not.
_SLACKS = st.sampled_from((Fraction(1), Fraction(1), Fraction(1), Fraction(5, 4), Fraction(2)))
_HALVES, _FEW = st.integers(4, 60), st.integers(1, 12)
_REAL_INTERVALS = st.sampled_from((Fraction(3900), Fraction(1950), Fraction(1_950_001, 1000)))
_REAL_BLACKOUTS = st.sampled_from((295, 385, 450)).map(Fraction)


@st.composite
def refreshes(draw: DrawFn) -> Refresh:
    """Draw blackouts: short ones and ones that take nearly everything; a share with the numbers of HBM."""
    return _refresh(draw, draw(AT_REAL_SCALE))


def _refresh(draw: DrawFn, real: bool) -> Refresh:
    if real:
        return Refresh(draw(_REAL_INTERVALS), draw(_REAL_BLACKOUTS))
    if draw(EITHER):
        # Of every few ns one is dark: the peak rate is then as round a number as the rate that is left.
        blackout = draw(_FEW)
        return Refresh(Fraction(blackout * draw(st.integers(2, 5))), Fraction(blackout))
    halves = draw(_HALVES)
    return Refresh(Fraction(halves, 2), Fraction(draw(st.integers(1, halves - 1)), 2))


@st.composite
def servers(draw: DrawFn, *, carrying: Fraction | None = None, dark: bool | None = None) -> Server:
    """Draw a server; with `carrying`, one whose long-run rate is that at least (exactly that, often).

    `dark` says whether it has blackouts (None: either).
    """
    return draw_server(draw, draw(AT_REAL_SCALE), carrying, dark)


def draw_server(draw: DrawFn, real: bool, carrying: Fraction | None, dark: bool | None) -> Server:
    if dark is None:
        dark = draw(EITHER)
    refresh = _refresh(draw, real) if dark else None
    if carrying is None:
        peak = draw(RATES)
    else:
        share = Fraction(1) if refresh is None else 1 - refresh.blackout / refresh.interval
        peak = carrying / share * draw(_SLACKS)
    # An offset of more than one interval is as good as any.
    offset = 0 if refresh is None else draw(st.integers(0, math.ceil(2 * refresh.interval)))
    return Server(peak, refresh, Fraction(offset))


def long_run_rate(server: Server) -> Fraction:
    """Return the rate R that a server keeps in the long run, in bytes per ns."""
    refresh = server.refresh
    return server.peak_bytes_per_ns * (1 if refresh is None else 1 - refresh.blackout / refresh.interval)


@st.composite
def devices(draw: DrawFn, *, carrying: Fraction | None = None, rule: RefreshRule = RefreshRule.CORRECTED) -> Device:
    """Draw a device that serves something up to 105 C; with `carrying`, that rate at least up to its maximum."""
    kind = draw(st.sampled_from(("small", "no refresh", "real")))
    if kind == "real":
        peak = Fraction(draw(st.sampled_from((3350, 4800))))
        base, refresh = 3900, draw(st.sampled_from((260, 295, 350, 410)))
        overhead = draw(st.sampled_from((0, 34, 45)))
    elif kind == "small":
        peak, base = draw(rates()), draw(st.integers(40, 100))
        refresh, overhead = draw(st.integers(1, 5)), draw(st.integers(0, 4))
    else:
        peak, base, refresh, overhead = draw(rates()), draw(st.integers(1, 100)), 0, 0
    hottest = draw(temperatures(40, 105))
    device = Device("device", peak, Fraction(refresh), Fraction(overhead), Fraction(base), rule, hottest)
    if carrying is None or safe_capacity(device, hottest) >= carrying:
        return device
    return attrs.evolve(device, peak_bytes_per_ns=peak * carrying / safe_capacity(device, hottest))


@st.composite
def contract_sets(
    draw: DrawFn, *, min_tenants: int = 2, max_tenants: int = 8, admissible: bool = True, policy: str = "sfq"
) -> ContractSet:
    """Draw a whole contract file; with `admissible`, the device carries the guarantees at every temperature."""
    tenants = draw(tenant_sets(min_tenants=min_tenants, max_tenants=max_tenants, best_effort=True))
    total = sum((c.guaranteed_bytes_per_ns for c in tenants), Fraction(0))
    return ContractSet(draw(devices(carrying=total if admissible else None)), policy, tenants)
