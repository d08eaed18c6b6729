"""FQ-CoDel's two lists: queues that have just become active go before those that have had a turn.

A turn is one request: quantum and CoDel's drops are not modelled, the lists are. They are kept as one order of service,
all of NEW before all of OLD, so that a state is finite but for the counts. With `rejoins`, a queue that empties is
forgotten at once, and the next request takes it into NEW again: the fault that RFC 8290 warns of.
Source: T. Hoeiland-Joergensen, P. McKenney, D. Taht, J. Gettys, E. Dumazet, RFC 8290 (2018), sections 4.1 and 4.2.
"""

from typing import Any

import attrs

from headgate.model.algebra import all_, any_, choose, not_, same, where
from headgate.model.arbiters.common import Arrival, Policy, Stamp, Tenants
from headgate.spec.links import implements
from headgate.spec.units import Number

__all__ = ["FQ_CODEL", "FQ_CODEL_REJOINS", "Lists", "arrive", "fq_codel", "rest", "stamp", "start"]


@attrs.frozen
class Lists:
    """State: per tenant how many requests wait, whether it is in NEW, whether in OLD, and who goes before whom.

    `ahead[i][j]`: both are in a list, and i comes before j in the order of service.
    """

    queued: tuple[Number, ...]
    new: tuple[Any, ...]
    old: tuple[Any, ...]
    ahead: tuple[tuple[Any, ...], ...]


def start(tenants: Tenants) -> Lists:
    """Return the first state: both lists are empty."""
    nobody = (False,) * tenants.count
    return Lists((0,) * tenants.count, nobody, nobody, (nobody,) * tenants.count)


@implements("FC-1")
def arrive(state: Lists, tenant: Number, count: Number) -> Lists:
    """Return the state after `count` requests of `tenant` at once: one in no list joins NEW at its end.

    The end of NEW is after all of NEW, and before all of OLD.
    """
    everybody = range(len(state.queued))
    mine = [all_(same(tenant, k), count > 0) for k in everybody]
    joins = [all_(mine[k], not_(state.new[k]), not_(state.old[k])) for k in everybody]

    def before(i: int, j: int) -> Any:
        return any_(state.ahead[i][j], all_(joins[j], state.new[i]), all_(joins[i], state.old[j]))

    return Lists(
        tuple(where(mine[k], state.queued[k] + count, state.queued[k]) for k in everybody),
        tuple(any_(state.new[k], joins[k]) for k in everybody),
        state.old,
        tuple(tuple(before(i, j) for j in everybody) for i in everybody),
    )


@implements("FC-1")
def stamp(state: Lists, tenant: Number, arrival: Arrival) -> tuple[Lists, Stamp]:
    """Return (state, stamp): one request more; no tags, size and order of arrival alone."""
    return arrive(state, tenant, 1), Stamp(0, 0, arrival.size, arrival.order)


@implements("FC-1", "FC-2", "FC-4")
def fq_codel(name: str, rejoins: bool = False) -> Policy:
    """Return FQ-CoDel's lists; with `rejoins` a queue that empties leaves them at once, from NEW too."""

    def select(
        state: Lists, tenants: Tenants, heads: tuple[Stamp, ...], waiting: tuple[Any, ...]
    ) -> tuple[Any, Number, Lists]:
        """Return (found, tenant, state): the first in the order of service of those that wait.

        Who is empty and stood before it leaves the lists, which costs no service.
        """
        found, tenant = _first(state, waiting)
        everybody = range(len(waiting))
        served = [same(tenant, k) for k in everybody]
        empties = [all_(served[k], state.queued[k] <= 1) for k in everybody]
        stays = [all_(empties[k], state.new[k]) if not rejoins else False for k in everybody]
        passed = [
            all_(not_(waiting[k]), *(any_(not_(served[j]), state.ahead[k][j]) for j in everybody if j != k))
            for k in everybody
        ]
        gone = [any_(all_(empties[k], not_(stays[k])), passed[k]) for k in everybody]
        to_end = [all_(served[k], not_(gone[k])) for k in everybody]
        new = tuple(all_(state.new[k], not_(served[k])) for k in everybody)
        old = tuple(any_(to_end[k], all_(state.old[k], not_(gone[k]))) for k in everybody)
        listed = [any_(new[k], old[k]) for k in everybody]

        def before(i: int, j: int) -> Any:
            remain = all_(not_(served[i]), not_(served[j]), not_(gone[i]), not_(gone[j]))
            return False if i == j else any_(all_(to_end[j], listed[i]), all_(state.ahead[i][j], remain))

        ahead = tuple(tuple(before(i, j) for j in everybody) for i in everybody)
        queued = tuple(where(served[k], state.queued[k] - 1, state.queued[k]) for k in everybody)
        return found, tenant, Lists(queued, new, old, ahead)

    return Policy(name, start, stamp, select, rest)


def _first(state: Lists, waiting: tuple[Any, ...]) -> tuple[Any, Number]:
    """Return (found, tenant): of those that wait, the one before which none of them comes."""
    everybody = range(len(waiting))
    found, tenant = waiting[0], 0
    for k in everybody[1:]:
        before = choose(tenant, [state.ahead[k][j] for j in everybody])
        tenant = where(all_(waiting[k], any_(not_(found), before)), k, tenant)
        found = any_(found, waiting[k])
    return found, tenant


@implements("FC-2")
def rest(state: Lists) -> Lists:
    """Return the state at the end of a busy period: who is empty at the head of OLD leaves, and so do all."""
    nobody = (False,) * len(state.queued)
    return Lists(state.queued, nobody, nobody, (nobody,) * len(state.queued))


FQ_CODEL = fq_codel("fq-codel")
FQ_CODEL_REJOINS = fq_codel("fq-codel-rejoins", rejoins=True)
