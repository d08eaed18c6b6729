"""Theorems on colours: where an address lies, how many colours there are, and what they gain and cost."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.model.memory.address_map import Location, address_of, nested
from headgate.model.memory.colours import Dealing, deal, is_dealt_to, room_for
from headgate.model.memory.conflicts import coloured_pairs, uncoloured_pairs
from headgate.proofs.decoding import schedule_of
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Expect, Obligation, Query, Theorem
from headgate.spec.devices import profile, profiles
from headgate.spec.vocabulary import Geometry, Schedule

__all__ = ["THEOREMS"]


# ---- the address map ----


def _nesting() -> list[Obligation]:
    """One level of the map, of any size: numbers that are nested are told apart, and stay below the product."""
    outer, more, size, inner, other, outers = z3.Ints("outer more size inner other outers")
    within = (size >= 1, inner >= 0, inner < size, other >= 0, other < size)
    further = (*within, more >= 0, more * size >= 0)
    return [
        Obligation("what is beyond by whole units is beyond by a number", (size >= 1, more >= 0), more * size >= 0),
        Obligation("a larger outer number is a larger number", further,
                   nested(outer + 1 + more, size, other) > nested(outer, size, inner)),
        Obligation("the same outer number leaves the inner", (*within, nested(outer, size, inner) == nested(
            outer, size, other)), inner == other),
        Obligation("nested numbers stay below the product", (*further, outer == outers - 1 - more),
                   nested(outer, size, inner) < outers * size),
    ]  # fmt: skip


def _maps() -> list[Obligation]:
    """The shipped devices: two places with one address are one place, and every address is one of the device."""
    return [obligation for name in profiles() for obligation in _map(name, profile(name).geometry)]


def _place(name: str, geometry: Geometry) -> tuple[Location, Any]:
    place = Location(*z3.Ints([f"{name}_{field.name}" for field in attrs.fields(Location)]))
    sizes = (
        geometry.stacks,
        geometry.channels,
        geometry.pseudo_channels,
        geometry.banks,
        geometry.rows,
        geometry.row_bytes,
    )
    numbers = [getattr(place, field.name) for field in attrs.fields(Location)]
    return place, z3.And(*(z3.And(n >= 0, n < size) for n, size in zip(numbers, sizes, strict=True)))


LEVELS = ("bank", "stack", "channel", "pseudo_channel", "column")


def _levels(geometry: Geometry, place: Location) -> list[tuple[Any, int, Any]]:
    """Return the levels of the map, the rows first: (number so far, size, number within)."""
    sizes = (geometry.banks, geometry.stacks, geometry.channels, geometry.pseudo_channels, geometry.row_bytes)
    outer, levels = place.row, []
    for size, name in zip(sizes, LEVELS, strict=True):
        levels.append((outer, size, getattr(place, name)))
        outer = nested(*levels[-1])
    return levels


def _map(name: str, geometry: Geometry | None) -> list[Obligation]:
    """Level by level: what the numbers at a level say of those within is linear in a size that is known."""
    assert geometry is not None
    (left, is_left), (right, is_right) = _place("left", geometry), _place("right", geometry)
    one, other = address_of(geometry, left), address_of(geometry, right)
    same = z3.And(*(getattr(left, f.name) == getattr(right, f.name) for f in attrs.fields(Location)))
    told_apart = []
    for (outer, size, inner), (outers, _, inners) in zip(
        _levels(geometry, left), _levels(geometry, right), strict=True
    ):
        equal = nested(outer, size, inner) == nested(outers, size, inners)
        told_apart.append(z3.Implies(equal, z3.And(outer == outers, inner == inners)))
    outer, outers, inner, inners = z3.Ints("outer outers inner inners")
    return [
        *(
            Obligation(f"{name}: {level}s are told apart",
                       (inner >= 0, inner < size, inners >= 0, inners < size,
                        nested(outer, size, inner) == nested(outers, size, inners)),
                       z3.And(outer == outers, inner == inners))
            for level, (_, size, _) in zip(LEVELS, _levels(geometry, left), strict=True)
        ),
        Obligation(f"{name}: one address is one place", (is_left, is_right, *told_apart, one == other), same),
        Obligation(f"{name}: a place's address is the device's", (is_left,),
                   z3.And(one >= 0, one < geometry.capacity_bytes)),
    ]  # fmt: skip


# ---- how many colours there are ----


def _pigeonhole() -> list[Obligation]:
    """t tenants have been dealt b banks each; tenant i, any of them, from `first` on."""
    tenants, count, banks, start, first, bank = z3.Ints("tenants count banks start first bank")
    seen, taken, pairs = z3.Ints("seen taken pairs")

    def dealt(dealing: Dealing, tenants: Any) -> Any:
        return invariant(
            "dealt",
            in_order=dealing.next == tenants * count,
            within=dealing.next <= banks,
            before=z3.And(first >= 0, first + count <= dealing.next),
        )

    def counted(pairs: Any, seen: Any) -> Any:
        return invariant("pigeonhole", at_most_one_each=pairs <= seen)

    given = (count >= 1, banks >= 1, tenants >= 1, dealt(Dealing(start), tenants))
    granted, begin, after = deal(Dealing(start), count, banks)
    at_first = deal(Dealing(lift(0)), count, banks)
    own, new = is_dealt_to(first, count, bank), is_dealt_to(begin, count, bank)
    split = (tenants + 1) * count == tenants * count + count
    return [
        Obligation("one tenant more is a colour more", (count >= 1, tenants >= 0), split),
        Obligation("the first tenant", (count >= 1, banks >= count, first == 0), z3.And(
            at_first[0], dealt(at_first[2], lift(1)))),
        Obligation("the next tenant", (*given, split, granted), dealt(after, tenants + 1)),
        Obligation("granted iff all of them have room", (*given, split),
                   granted == room_for(count, banks, tenants + 1)),
        Obligation("what is dealt later is dealt to nobody else", (*given, granted, *new), z3.Not(z3.And(*own))),
        Obligation("and is there", (*given, granted, *new), z3.And(bank >= 0, bank < banks)),
        Obligation("so is what was dealt before", (*given, *own), z3.And(bank >= 0, bank < banks)),
        Obligation("of no banks nobody has any", (), counted(lift(0), lift(0))),
        Obligation("where colours are disjoint, a bank is one tenant's at most",
                   (counted(pairs, seen), taken >= 0, taken <= 1), counted(pairs + taken, seen + 1)),
        Obligation("so t tenants of b banks each do not exceed them", (counted(pairs, banks), pairs == tenants * count),
                   room_for(count, banks, tenants)),
    ]  # fmt: skip


def _essay(tighter: Fraction) -> Query:
    """The essay's colours: tenants `one` < `other` with a bank in common; `one` fills its banks' first rows."""
    each, banks, tenants = 4, 16, 8
    one, other, place, there = z3.Ints("one other place there")
    domain = (one >= 0, one < other, other < tenants, place >= 0, place < each, there >= 0, there < each,
              (one * each + place) % banks == (other * each + there) % banks, lift(int(tighter)) >= 0)  # fmt: skip
    heading = (
        "CO-4",
        "Eight tenants of four banks each, of 16, never share a bank.",
        "allocator",
        "essay",
        "shared-bank",
    )
    parameters = {"banks": banks, "rows": 2, "tenants": tenants, "each": each}

    def decode(model: z3.ModelRef) -> Schedule:
        found = schedule_of(model, heading, parameters, [*((one, k, 1) for k in range(each)), (other, each, 1)])
        return attrs.evolve(found, requests=tuple(attrs.evolve(r, operation="allocate") for r in found.requests))

    return Query(domain, decode, (one, other, place, there))


# ---- what colours gain and cost ----


def _price() -> list[Obligation]:
    """k tenants with c requests each, in colours of b banks: n = k c requests, m = k b banks; pairs times 2 m."""
    tenants, each, banks = z3.Reals("tenants each banks")
    requests, total = tenants * each, tenants * banks
    given = (tenants >= 1, each >= 0, banks >= 1)
    before, after = uncoloured_pairs(requests), coloured_pairs(requests, tenants)
    # Pairs within a tenant, 2 b times; and pairs of two tenants where nobody has a colour, 2 m times.
    own = tenants * uncoloured_pairs(each)
    met = before - own
    return [
        Obligation("coloured pairs are those of each tenant in its own banks", given, own * total == after * banks),
        Obligation("own conflicts rise by the number of tenants", given, own * total == own * banks * tenants),
        Obligation("the gain is n (k - 1) / (2 m)", given, before - after == requests * (tenants - 1)),
        Obligation("which is what tenants met of each other, less what each meets more of itself", given,
                   before - after == met - (tenants - 1) * own),
        Obligation("a product of numbers from 0 on is from 0 on", (requests >= 0, tenants >= 1),
                   requests * (tenants - 1) >= 0),
        Obligation("the expected pairs never rise", (*given, requests * (tenants - 1) >= 0,
                   before - after == requests * (tenants - 1)), after <= before),
    ]  # fmt: skip


THEOREMS: Sequence[Theorem] = (
    Theorem(
        "address-levels", ("CO-1",),
        "One level of the address map tells numbers apart and keeps them below the product.",
        "any sizes", obligations=_nesting,
        unpaired="a map that is one to one",
    ),
    Theorem(
        "address-maps", ("CO-1",), "In every shipped device two places with one address are one place.",
        "the geometries of the shipped profiles", obligations=_maps,
        unpaired="a map that is one to one",
    ),
    Theorem(
        "colours-pigeonhole", ("CO-3",),
        "t tenants of b banks each have disjoint colours among m banks iff t b <= m; dealing in order finds them.",
        "any numbers of tenants and banks", ("a bank is held for at most one tenant where colours are disjoint",),
        obligations=_pigeonhole, invariants=("dealt", "pigeonhole"), partner="colours-pigeonhole",
        abstraction="the pairs of a tenant and a bank of its colour, counted bank by bank",
    ),
    Theorem(
        "colours-essay", ("CO-4",), "Eight tenants of four banks each, of 16, never share a bank.",
        "the essay's tenants and banks", expect=Expect.REFUTED, attack=_essay,
    ),
    Theorem(
        "colours-price", ("CO-8", "CO-9"),
        "Colours turn n (n - 1) / (2 m) expected pairs into n (n - k) / (2 m), and k-fold a tenant's own.",
        "any numbers of tenants, of requests each, and of banks each",
        ("requests go to the banks of their colour independently, each bank equally likely",), obligations=_price,
        unpaired="an equation",
    ),
)  # fmt: skip
