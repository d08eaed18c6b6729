"""Mutants of the delays that the guarantees of one file leave."""

from headgate.tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

# Why no theorem kills some of them.
APPLIED = "theorems bound the formulas; which numbers of a file go into them is held against executions"

MUTANTS = (
    Mutant("own-delay-without-what-is-in-the-way", "bounds", "(rate * blackout + in_way + ahead)",
           "(rate * blackout + 0 * in_way + ahead)", ("BD-15",)),
    Mutant("own-delay-without-the-releases", "bounds", "* _ns_per_byte(rate - released)",
           "* _ns_per_byte(rate + 0 * released)", ("BD-15",)),
    Mutant("second-turn-of-the-others-forgotten", "bounds", "(quanta + quanta + quantum + others)",
           "(quanta + quantum + others)", ("BD-15",)),
    Mutant("own-delay-without-background", "delays", "return _upper([sizes.others, *sizes.background])",
           "return _upper([sizes.others])", ("BD-15",), property_only=APPLIED),
    Mutant("own-delay-without-who-has-begun", "delays", "*(sizes.unit * kind.size + window * -kind.rate",
           "*(sizes.unit * 0 + window * -kind.rate", ("BD-15",), property_only=APPLIED),
    Mutant("own-delay-of-the-first-turn-alone", "delays",
           "yield drr_second_turn_delay(size, cost * g, quanta, in_way, supply.rate, blackout, late)",
           "yield drr_idle_delay(size, quanta, in_way, supply.rate, blackout)", ("BD-15",), property_only=APPLIED),
    Mutant("own-delay-of-a-later-split", "delays", "return bool(unit * ranks.kinds[count].cost + late >= most)",
           "return bool(unit * ranks.kinds[count].cost >= most)", ("BD-15",), property_only=APPLIED),
    Mutant("crowd-of-the-cheapest-request", "crowd", "return self._first(reversed(self.kinds), own)",
           "return self._first(self.kinds, own)", ("BD-15",), property_only=APPLIED),
    Mutant("crowd-with-the-own-request-among-the-others", "crowd", "- (own.size if self.places[own] < count else 0)",
           "- (own.size if self.places[own] < count - 1 else 0)", ("BD-15",), property_only=APPLIED),
    Mutant("crowd-of-who-is-alike-once", "crowd", "if own not in self._begun or self.counts[self.places[own]] > 1:",
           "if own not in self._begun:", ("BD-15",), property_only=APPLIED),
    Mutant("largest-request-of-one-split", "delays", "contract, own, vary, found + 1)", "contract, own, vary, 1)",
           ("BD-8",), property_only=APPLIED),
    Mutant("finish-an-interval-early", "simulator", "max(0, math.ceil(work / up) - 1)", "math.floor(work / up)",
           ("RF-1",), property_only="theorems follow a server that is up for so long, not when it is"),
)  # fmt: skip
