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
    Mutant("own-delay-without-who-has-begun", "delays", "(*sizes.background, *(other.size + window * -other.rate",
           "(*sizes.background, *(other.size * 0 + window * -other.rate", ("BD-15",), property_only=APPLIED),
    Mutant("own-delay-of-the-first-turn-alone", "delays",
           "yield drr_second_turn_delay(size, cost * g, quanta, in_way, supply.rate, blackout, late)",
           "yield drr_idle_delay(size, quanta, in_way, supply.rate, blackout)", ("BD-15",), property_only=APPLIED),
)  # fmt: skip
