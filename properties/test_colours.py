"""What must hold of colours: where addresses lie, who shares a bank, how often requests meet (CO-1 to 4, 8, 9)."""

import itertools
import random
from collections.abc import Callable, Sequence
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model.memory.address_map import Location, address_of, bank_of_page, location_of, page_of, shares_bank
from headgate.model.memory.colours import (
    Dealing,
    banks_of,
    deal,
    dealt_holders,
    essay_mask,
    holders_of,
    is_dealt_to,
    masks_of,
    room_for,
)
from headgate.model.memory.conflicts import (
    Load,
    between,
    coloured_pairs,
    hit_any,
    own_pairs,
    pair_rate,
    same_bank_pairs,
    uncoloured_pairs,
)
from headgate.model.memory.pages import NOBODY
from headgate.model.replay import replay
from headgate.properties.oracles.allocator import common_banks
from headgate.spec.devices import profile, profiles
from headgate.spec.links import checks
from headgate.spec.vocabulary import Geometry, Request, Schedule

SMALL = st.builds(Geometry, *(st.integers(1, 3),) * 6, st.integers(1, 4), st.integers(1, 5))
ORDER = ("row", "bank", "stack", "channel", "pseudo_channel", "column")


def refusal_of(function: Callable[..., object], *arguments: object) -> str:
    """Return what the ValueError says; nothing, where there is none."""
    try:
        function(*arguments)
    except ValueError as refusal:
        return str(refusal)
    return ""


def fields_of(place: Location) -> tuple[int, ...]:
    """Return a place as a tuple, the part that changes most slowly first."""
    return tuple(getattr(place, name) for name in ORDER)


@checks("CO-1")
@given(SMALL)
@example(Geometry(3, 1, 2, 2, 1, 3, 2, 3))
def test_addresses_and_places_are_one_to_one(geometry: Geometry) -> None:
    """All of them: the addresses in order are the places in order, and back."""
    sizes = (
        geometry.rows,
        geometry.banks,
        geometry.stacks,
        geometry.channels,
        geometry.pseudo_channels,
        geometry.row_bytes,
    )
    places = [fields_of(location_of(geometry, address)) for address in range(geometry.capacity_bytes)]
    assert places == list(itertools.product(*map(range, sizes)))
    for address in range(geometry.capacity_bytes):
        assert address_of(geometry, location_of(geometry, address)) == address


@checks("CO-1")
@pytest.mark.parametrize("name", profiles())
def test_the_ends_of_every_shipped_device(name: str) -> None:
    """The first and the last byte, and none beyond."""
    geometry = profile(name).geometry
    assert geometry is not None
    assert set(fields_of(location_of(geometry, 0))) == {0}
    last = location_of(geometry, geometry.capacity_bytes - 1)
    assert (last.bank, last.row) == (geometry.banks - 1, geometry.rows - 1)
    assert (last.stack, last.channel) == (geometry.stacks - 1, geometry.channels - 1)
    for beyond in (-1, geometry.capacity_bytes):
        assert refusal_of(location_of, geometry, beyond).startswith("address: expected 0 to")


@checks("CO-1")
@given(SMALL)
def test_a_page_is_one_row_of_one_bank_number_everywhere(geometry: Geometry) -> None:
    """It lies in every pseudo-channel, in the bank that its number says."""
    for page in range(geometry.pages):
        first = page * geometry.page_bytes
        places = [location_of(geometry, address) for address in range(first, first + geometry.page_bytes)]
        assert {page_of(geometry, first + offset) for offset in range(geometry.page_bytes)} == {page}
        assert {place.bank for place in places} == {bank_of_page(page, geometry.banks)}
        assert len({place.row for place in places}) == 1
        assert len({(place.stack, place.channel, place.pseudo_channel) for place in places}) == geometry.lanes


masks = st.lists(st.integers(1, 2**6 - 1), min_size=1, max_size=3)


@checks("CO-2")
@given(masks)
@example([0b0011, 0b1100])
@example([0b0011, 0b0110])
@example([2**5, 2**5])
def test_disjoint_colours_share_no_bank_and_others_are_refused(colours: list[int]) -> None:
    """By the addresses of all the pages of two colours; a refusal names a bank that both have."""
    geometry = Geometry(2, 1, 2, 1, 2, 3, 2, 1)
    shared = {(a, b): common_banks(colours[a], colours[b]) for a, b in itertools.combinations(range(len(colours)), 2)}
    if not any(shared.values()):
        holders = holders_of(colours, geometry.banks)
        assert [{n for n, holder in enumerate(holders) if holder == t} for t in range(len(colours))] == [
            common_banks(mask, mask) for mask in colours
        ]
        assert masks_of(holders, len(colours)) == tuple(colours)
    else:
        words = refusal_of(holders_of, colours, geometry.banks)
        assert "disjoint colours" in words
        assert any(
            f"got bank {bank} in those of tenants {a} and {b}" in words
            for (a, b), both in shared.items()
            for bank in both
        )
    places = [location_of(geometry, address) for address in range(geometry.capacity_bytes)]
    for (a, b), both in shared.items():
        one = [place for place in places if colours[a] >> place.bank & 1]
        other = [place for place in places if colours[b] >> place.bank & 1]
        met = {left.bank for left in one for right in other if shares_bank(left, right)}
        assert met == both
        assert banks_of(colours[a]) == tuple(sorted(common_banks(colours[a], colours[a])))


@checks("CO-2")
@given(SMALL, st.data())
def test_a_bank_is_shared_iff_all_that_leads_to_it_is(geometry: Geometry, data: st.DataObject) -> None:
    """Stack, channel, pseudo-channel and bank; of any two addresses, near or far."""
    addresses = st.integers(0, geometry.capacity_bytes - 1)
    left, right = (location_of(geometry, data.draw(addresses)) for _ in range(2))
    assert shares_bank(left, right) == (fields_of(left)[1:5] == fields_of(right)[1:5])


@checks("CO-2")
def test_a_bank_that_is_not_there_is_refused() -> None:
    """The last bank is there, the next is not."""
    assert holders_of([0b1000], 4) == (NOBODY, NOBODY, NOBODY, 0)
    words = refusal_of(holders_of, [0b0001, 0b10000], 4)
    assert words.startswith("page_color of tenant 1: expected banks 0 to 3, got bank 4")


@checks("CO-3")
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 6))
@example(8, 4, 16)
@example(4, 4, 16)
@example(8, 2, 16)
def test_colours_are_there_iff_they_fit(tenants: int, count: int, banks: int) -> None:
    """Looked for among all sets of banks, where there are few; dealt out in order, they are found iff there."""
    dealing, found = Dealing(0), list[int]()
    for _ in range(tenants):
        granted, first, dealing = deal(dealing, count, banks)
        if granted:
            found.append(sum(1 << bank for bank in range(banks) if all(is_dealt_to(first, count, bank))))
    assert all(mask.bit_count() == count for mask in found)
    assert not any(common_banks(a, b) for a, b in itertools.combinations(found, 2))
    assert len(found) == min(tenants, banks // count)
    held = masks_of(dealt_holders(tenants, count, banks), tenants)
    assert held == (*found, *(0 for _ in range(tenants - len(found))))
    assert (len(found) == tenants) == room_for(count, banks, tenants)
    if banks <= 6:
        assert (len(found) == tenants) == are_there(tenants, count, frozenset(range(banks)))


def are_there(tenants: int, count: int, free: frozenset[int]) -> bool:
    """Return whether so many tenants find `count` banks each among `free`, by trying all of them."""
    if tenants == 0:
        return True
    return any(are_there(tenants - 1, count, free - set(chosen)) for chosen in itertools.combinations(free, count))


@checks("CO-4")
@given(st.integers(0, 3), st.integers(1, 8))
@example(0, 1)
def test_the_essays_colours_are_shared_by_tenants_four_apart(tenant: int, pages: int) -> None:
    """The very same banks; with two banks each all eight are apart, and dealt out in order four have a colour."""
    assert common_banks(essay_mask(tenant, 4, 16), essay_mask(tenant + 4, 4, 16)) == set(
        range(4 * tenant, 4 * tenant + 4)
    )
    assert not any(common_banks(essay_mask(a, 2, 16), essay_mask(b, 2, 16)) for a in range(8) for b in range(a))
    rows = [Request(tenant, 0, 1, 0, "allocate")] * 4 + [Request(tenant + 4, 0, 1, 0, "allocate")] * pages
    parameters = {"banks": 16, "rows": 4, "tenants": 8, "each": 4}
    found = replay(Schedule("CO-4", "", "allocator", "essay", "shared-bank", parameters, tuple(rows)))
    assert found.violated
    assert found.observed == 2
    found = replay(Schedule("CO-4", "", "allocator", "coloured", "shared-bank", parameters, tuple(rows)))
    assert not found.violated
    assert found.observed == 1


# Conflicts of random traffic.

loads = st.lists(st.builds(Load, st.integers(0, 2), st.integers(1, 2**4 - 1)), min_size=1, max_size=3)


def outcomes(crowd: Sequence[Load]) -> list[tuple[tuple[int, int], ...]]:
    """Return every way in which the requests can fall, as (tenant, bank) each; all are equally likely."""
    ways = [
        [(tenant, bank) for bank in sorted(common_banks(load.mask, load.mask))]
        for tenant, load in enumerate(crowd)
        for _ in range(load.requests)
    ]
    return list(itertools.product(*ways))


@checks("CO-8", "CO-9")
@given(loads)
@example([Load(2, 0b11), Load(2, 0b1100)])
@example([Load(2, 0b1111), Load(2, 0b1111)])
@example([Load(1, 0b0011), Load(1, 0b0110)])
def test_expected_pairs_are_the_mean_of_all_outcomes(crowd: list[Load]) -> None:
    """All pairs, those of two tenants, and those of one."""
    every = outcomes(crowd)
    pairs = [list(itertools.combinations(way, 2)) for way in every]
    met = sum(a[1] == b[1] for way in pairs for a, b in way)
    of_two = sum(a[1] == b[1] and a[0] != b[0] for way in pairs for a, b in way)
    assert same_bank_pairs(crowd) == Fraction(met, len(every))
    assert between(crowd) == Fraction(of_two, len(every))
    assert sum(own_pairs(load) for load in crowd) == Fraction(met - of_two, len(every))


@checks("CO-8", "CO-9")
@given(st.integers(1, 6), st.integers(0, 6), st.integers(1, 6))
@example(8, 1, 4)
@example(4, 2, 4)
def test_colours_gain_what_the_formulas_say(tenants: int, each: int, banks: int) -> None:
    """n (n - 1) / (2 m) becomes n (n - k) / (2 m), none of two tenants, and each tenant's own k-fold."""
    n, m = tenants * each, tenants * banks
    everywhere = (1 << m) - 1
    plain = [Load(each, everywhere)] * tenants
    coloured = [Load(each, ((1 << banks) - 1) << banks * tenant) for tenant in range(tenants)]
    assert same_bank_pairs(plain) == Fraction(uncoloured_pairs(n), 2 * m) == Fraction(n * (n - 1), 2 * m)
    assert (
        same_bank_pairs(coloured) == Fraction(coloured_pairs(n, tenants), 2 * m) == Fraction(n * (n - tenants), 2 * m)
    )
    assert between(coloured) == 0
    assert pair_rate(everywhere, everywhere) == Fraction(1, m)
    assert pair_rate(coloured[0].mask, coloured[0].mask) == tenants * Fraction(1, m)
    assert own_pairs(coloured[0]) == tenants * own_pairs(plain[0])
    assert same_bank_pairs(coloured) <= same_bank_pairs(plain)


@checks("CO-8")
@given(st.integers(1, 4), st.integers(1, 5))
@example(5, 4)
def test_the_chance_to_meet_any_other(requests: int, banks: int) -> None:
    """Counted over all outcomes: the first request meets some other one."""
    every = list(itertools.product(range(banks), repeat=requests))
    assert hit_any(requests, banks) == Fraction(sum(way[0] in way[1:] for way in every), len(every))


@checks("CO-8", "CO-9")
def test_a_simulation_comes_close() -> None:
    """Eight tenants of two requests on 16 banks, with fixed dice: 7.5 pairs without colours, 4 with."""
    dice, trials = random.Random(1), 4000
    met = {"plain": 0, "coloured": 0, "between": 0}
    for _ in range(trials):
        plain = [dice.randrange(16) for _ in range(16)]
        coloured = [(tenant, 2 * tenant + dice.randrange(2)) for tenant in range(8) for _ in range(2)]
        met["plain"] += sum(a == b for a, b in itertools.combinations(plain, 2))
        met["coloured"] += sum(a[1] == b[1] for a, b in itertools.combinations(coloured, 2))
        met["between"] += sum(a[1] == b[1] and a[0] != b[0] for a, b in itertools.combinations(coloured, 2))
    assert Fraction(uncoloured_pairs(16), 32) == Fraction(15, 2)
    assert Fraction(coloured_pairs(16, 8), 32) == 4
    assert abs(Fraction(met["plain"], trials) - Fraction(15, 2)) < Fraction(1, 5)
    assert abs(Fraction(met["coloured"], trials) - 4) < Fraction(1, 10)
    assert met["between"] == 0
