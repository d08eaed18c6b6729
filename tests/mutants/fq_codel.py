"""Mutants of FQ-CoDel's two lists."""

from headgate.tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

# Why no theorem kills some of them.
REST = "the theorem is about a busy period; what is left of the lists after it is held against the standard's"
LOOSE = "a looser bound is proved as well; that it is attained is held by a property"

MUTANTS = (
    Mutant("fq-codel-joins-old", "arbiters.fq_codel", "all_(joins[i], state.old[j])", "all_(joins[i], False)",
           ("FC-1",)),
    Mutant("fq-codel-joins-first", "arbiters.fq_codel", "all_(joins[j], state.new[i])", "all_(joins[i], state.new[j])",
           ("FC-1",)),
    Mutant("fq-codel-joins-again", "arbiters.fq_codel", "all_(mine[k], not_(state.new[k]), not_(state.old[k]))",
           "all_(mine[k], not_(state.new[k]))", ("FC-1",)),
    Mutant("fq-codel-last-first", "arbiters.fq_codel", "choose(tenant, [state.ahead[k][j] for j in everybody])",
           "choose(tenant, [state.ahead[j][k] for j in everybody])", ("FC-1",)),
    Mutant("fq-codel-stays-first", "arbiters.fq_codel", "all_(to_end[j], listed[i])", "all_(to_end[i], listed[j])",
           ("FC-1",)),
    Mutant("fq-codel-stays-new", "arbiters.fq_codel", "all_(state.new[k], not_(served[k]))", "all_(state.new[k], True)",
           ("FC-1",)),
    Mutant("fq-codel-forgets", "arbiters.fq_codel", "if not rejoins else False", "if rejoins else False",
           ("FC-2", "FC-3")),
    Mutant("fq-codel-never-leaves", "arbiters.fq_codel", "all_(empties[k], state.new[k])", "all_(empties[k], True)",
           ("FC-2",)),
    Mutant("fq-codel-empties-late", "arbiters.fq_codel", "state.queued[k] <= 1", "state.queued[k] <= 0",
           ("FC-2",)),
    Mutant("fq-codel-all-empty-leave", "arbiters.fq_codel",
           "*(any_(not_(served[j]), state.ahead[k][j]) for j in everybody if j != k)", "not_(served[k])", ("FC-2",)),
    Mutant("fq-codel-rest-forgotten", "arbiters.fq_codel",
           "return Lists(state.queued, nobody, nobody, (nobody,) * len(state.queued))", "return state", ("FC-2",),
           property_only=REST),
    Mutant("fq-codel-bypass-too-small", "bounds", "return fq_codel_turns() * (count - 1)", "return count - 1",
           ("FC-3",)),
    Mutant("fq-codel-bypass-loose", "bounds", "return fq_codel_turns() * (count - 1)",
           "return fq_codel_turns() * count", ("FC-3",),
           property_only=LOOSE),
)  # fmt: skip
