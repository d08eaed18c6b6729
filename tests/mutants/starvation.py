"""Mutants of what shows that a tenant starves, and that it does not."""

from headgate.tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

# Why no theorem kills some of them.
LASSO = "what shows a lasso works on exact states of the simulator, a declared gap of the theorems (ST-1)"

MUTANTS = (
    Mutant("lasso-rest-of-service-forgotten", "lasso", "return max(rest, Fraction(0)), _since",
           "return Fraction(0), _since", ("ST-1",),
           property_only=LASSO),
    Mutant("lasso-queues-not-compared", "lasso", "_since(state, origin), waiting", "_since(state, origin), []",
           ("ST-1",),
           property_only=LASSO),
    Mutant("lasso-arbiter-not-compared", "lasso", "_since(state, origin), waiting", "None, waiting", ("ST-1",),
           property_only=LASSO),
    Mutant("lasso-order-of-arrival-forgotten", "lasso", "places.index(stamp.order)", "0", ("ST-1",),
           property_only=LASSO),
    Mutant("lasso-served-now-and-then", "lasso", "        if served:\n", "        if len(served) > 9:\n", ("ST-1",),
           property_only=LASSO),
    Mutant("lasso-idle-choices-count", "lasso", "if not all(waits == (sent > 0)", "if not all(sent >= 0", ("ST-1",),
           property_only=LASSO),
    Mutant("lasso-shares-not-counted", "lasso", "if sends != [", "if [] == [", ("ST-1",),
           property_only=LASSO),
    Mutant("lasso-turn-not-compared", "lasso", "is_same = begin.before == end.before or",
           "is_same = begin.before is not None or", ("ST-1",),
           property_only=LASSO),
    Mutant("lasso-out-of-contract", "lasso", 'return "" if after <= before', 'return "" if after >= 0', ("ST-1",),
           property_only=LASSO),
    Mutant("lasso-prefix-is-a-round", "lasso", "range(prefix[-1] + 1 if prefix else 0,", "range(0,", ("ST-1",),
           property_only=LASSO),
    Mutant("lasso-grows-by-the-round", "lasso", "Starved(Fraction(lasts - length), False",
           "Starved(Fraction(lasts), False", ("ST-1",),
           property_only=LASSO),
    Mutant("lasso-shows-nothing", "lasso", "if isinstance(found, Starved):", "if isinstance(found, int):", ("ST-2",)),
    Mutant("essay-tag-stands-still", "arbiters.essay", "return found, tenant, EssayTag(end)",
           "return found, tenant, state", ("ST-8",)),
    Mutant("essay-tag-of-the-arrival", "arbiters.essay", "maximum(state.virtual, arrival.at)", "arrival.at", ("ST-8",)),
    Mutant("bypass-counts-one-less", "replay.arbiter", "yield Fraction(len(before)), since",
           "yield Fraction(len(before) - 1), since", ("ST-5",)),
    Mutant("fr-fcfs-cap-counts-hits-alone", "arbiters.fr_fcfs", "is_oldest = choose(tenant, orders) <= first",
           "is_oldest = choose(tenant, orders) < first", ("FR-3",)),
    Mutant("drr-delay-without-turns", "bounds", "(others + turns * (quantum + largest))", "(others + turns * largest)",
           ("BD-4",)),
    Mutant("channels-delay-without-the-others", "channels", "parts * (Fraction(1) / rate) + blackout", "blackout",
           ("CH-3",)),
)  # fmt: skip
