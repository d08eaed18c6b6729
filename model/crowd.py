"""Crowds: the tenants of a set, counted by what a delay depends on, and what holds of all of them but one.

A bound on one tenant asks for the others' sums and for their largest. Both come from sums over all, kept in order of
cost, so that a figure of one tenant costs hardly more in a set of hundreds than in one of eight.
"""

import functools
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

import attrs

from headgate.model.capacity import Supply
from headgate.spec.units import Bytes, BytesPerNs, ExactNs
from headgate.spec.vocabulary import Contract, Excess

__all__ = ["Crowd", "Group", "Kind", "Ranks"]


@attrs.frozen
class Group:
    """So many tenants with the same contract."""

    contract: Contract
    count: int = 1


@attrs.frozen(cache_hash=True)
class Kind:
    """What the delays of others depend on: the guarantee, the largest request, and whether excess is background."""

    rate: BytesPerNs
    size: Bytes
    is_background: bool

    @staticmethod
    def of(contract: Contract) -> "Kind":
        """Return the kind of a tenant that has a guarantee."""
        is_background = contract.excess is Excess.BACKGROUND
        return Kind(contract.guaranteed_bytes_per_ns, contract.max_request_bytes, is_background)

    @property
    def open(self) -> "Kind":
        """The same with a largest request of one byte, for a size that is left open."""
        return attrs.evolve(self, size=1)

    @property
    def cost(self) -> ExactNs:
        """L / g, in ns."""
        return self.size / self.rate


# Not compared: a crowd is asked for its sums as long as it is at hand, and is its own key.
@attrs.frozen(eq=False)
class Crowd:
    """The tenants of a set in groups, and what there is for them; only those with a guarantee are `guaranteed`."""

    guaranteed: tuple[Group, ...]
    best_effort: tuple[Contract, ...]
    supply: Supply

    @staticmethod
    def of(contracts: Sequence[Contract], supply: Supply) -> "Crowd":
        """Return the crowd of a contract file, a group a tenant."""
        promised = tuple(Group(contract) for contract in contracts if not contract.best_effort)
        return Crowd(promised, tuple(c for c in contracts if c.best_effort), supply)

    @functools.cached_property
    def total(self) -> BytesPerNs:
        """The sum of the guarantees."""
        return self.ranks.rates[-1]

    @property
    def is_admissible(self) -> bool:
        """Whether the guarantees sum to at most the rate (clause AD-1)."""
        return self.total <= self.supply.rate

    @functools.cached_property
    def ranks(self) -> "Ranks":
        """The kinds of the tenants, in order of cost."""
        return Ranks.of((Kind.of(group.contract), group.count) for group in self.guaranteed)

    @functools.cached_property
    def open_ranks(self) -> "Ranks":
        """The same, every largest request being one byte: what is asked of them is multiplied by the size left open."""
        return Ranks.of((kind.open, count) for kind, count in zip(self.ranks.kinds, self.ranks.counts, strict=True))

    @functools.cached_property
    def promised(self) -> tuple[Contract, ...]:
        """Of each kind of tenant the one with the shortest latency, if one was promised any."""
        shortest: dict[Kind, tuple[ExactNs, Contract]] = {}
        for group in self.guaranteed:
            kind, latency = Kind.of(group.contract), group.contract.latency_slo_ns
            if latency is not None and (kind not in shortest or latency < shortest[kind][0]):
                shortest[kind] = latency, group.contract
        return tuple(contract for _, contract in shortest.values())

    def and_more(self, contract: Contract, count: int) -> "Crowd":
        """Return the crowd with `count` more tenants that have the numbers of `contract`."""
        return attrs.evolve(self, guaranteed=(*self.guaranteed, Group(contract, count))) if count else self


@attrs.frozen(eq=False)
class Ranks:
    """The kinds of a crowd, cheapest (L / g) first, and how many there are of each.

    `rates` and `sizes` are the sums of the guarantees and of the largest requests of the first 0, 1, ... kinds. What
    is asked of them is asked without one tenant of the kind `own`, which is one of them.
    """

    kinds: tuple[Kind, ...]
    counts: tuple[int, ...]
    rates: tuple[BytesPerNs, ...]
    sizes: tuple[Bytes, ...]

    @staticmethod
    def of(found: Iterable[tuple[Kind, int]]) -> "Ranks":
        """Return the ranks of so many tenants of each kind, which may come more than once."""
        counted: Counter[Kind] = Counter()
        for kind, count in found:
            counted[kind] += count
        kinds = tuple(sorted(counted, key=lambda kind: kind.cost))
        rates = itertools.accumulate((counted[kind] * kind.rate for kind in kinds), initial=Fraction(0))
        sizes = itertools.accumulate((counted[kind] * kind.size for kind in kinds), initial=0)
        return Ranks(kinds, tuple(counted[kind] for kind in kinds), tuple(rates), tuple(sizes))

    @functools.cached_property
    def places(self) -> dict[Kind, int]:
        """The place of each kind."""
        return {kind: place for place, kind in enumerate(self.kinds)}

    def rate(self, count: int, own: Kind) -> BytesPerNs:
        """Return the sum of the others' guarantees, of the first `count` kinds."""
        return self.rates[count] - (own.rate if self.places[own] < count else 0)

    def size(self, count: int, own: Kind) -> Bytes:
        """Return the sum of the others' largest requests, of the first `count` kinds."""
        return self.sizes[count] - (own.size if self.places[own] < count else 0)

    def costliest(self, own: Kind) -> Kind | None:
        """Return the kind of the other whose requests cost most."""
        return self._first(reversed(self.kinds), own)

    def largest(self, own: Kind) -> Kind | None:
        """Return the kind of the other with the largest request."""
        return self._first(self._by_size, own)

    def largest_background(self, own: Kind) -> Kind | None:
        """Return the same, of those whose excess is background."""
        return self._first((kind for kind in self._by_size if kind.is_background), own)

    def begun(self, own: Kind) -> tuple[Kind, ...]:
        """Return the kinds of others of which one has the largest L - g w at some w of 0 or more.

        That is what such a request, having begun, takes beyond what its tenant could send in w ns.
        """
        if own not in self._begun or self.counts[self.places[own]] > 1:
            return self._begun
        return tuple(_envelope(kind for kind in self._by_size if kind != own))

    @functools.cached_property
    def _by_size(self) -> tuple[Kind, ...]:
        """The kinds, the largest request first, of equal ones that with the smallest guarantee."""
        return tuple(sorted(self.kinds, key=lambda kind: (-kind.size, kind.rate)))

    @functools.cached_property
    def _begun(self) -> tuple[Kind, ...]:
        return tuple(_envelope(self._by_size))

    def _first(self, kinds: Iterable[Kind], own: Kind) -> Kind | None:
        return next((kind for kind in kinds if kind != own or self.counts[self.places[own]] > 1), None)


def _envelope(kinds: Iterable[Kind]) -> Iterator[Kind]:
    """Yield those of `kinds` whose L - g w is the largest at some w >= 0; they come with the largest L first."""
    kept: list[Kind] = []
    for kind in kinds:
        if kept and kind.rate >= kept[-1].rate:
            continue
        while len(kept) > 1 and _meet(kept[-2], kind) <= _meet(kept[-2], kept[-1]):
            kept.pop()
        kept.append(kind)
    yield from kept


def _meet(one: Kind, other: Kind) -> ExactNs:
    """Return the w at which L - g w is the same of both; their guarantees differ."""
    return Fraction(one.size - other.size) / (one.rate - other.rate)
