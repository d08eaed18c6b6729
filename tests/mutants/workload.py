"""Mutants of the serving of a workload: blocks of pages, and the steps of a server."""

from headgate.tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

COUNTS = "a run over a whole trace: an oracle counts every page and token again"

MUTANTS = (
    Mutant("blocks-evict-the-whole-run", "memory.blocks", "run = min(run, left)", "run = run", ("WL-2",),
           property_only=COUNTS),
    Mutant("blocks-tie-stops-the-run", "memory.blocks", "max(1, most - second)", "most - second", ("EV-6", "WL-2"),
           property_only=COUNTS),
    Mutant("blocks-tie-to-the-higher", "memory.blocks", "if pages > most and", "if pages >= most and",
           ("EV-11", "WL-2"), property_only=COUNTS),
    Mutant("blocks-newest-goes-first", "memory.blocks", "(range(who + 1, len(self.resident)), range(who))",
           "(range(who), range(who + 1, len(self.resident)))", ("EV-10", "WL-2"), property_only=COUNTS),
    Mutant("blocks-below-the-floor", "memory.blocks", "return other, self.resident[other] - self.floor",
           "return other, self.resident[other]", ("EV-5", "WL-2"), property_only=COUNTS),
    Mutant("serving-last-token-is-stored", "memory.serving", "-(-(prompt + output - 1) // page_tokens)",
           "-(-(prompt + output) // page_tokens)", ("WL-1",), property_only=COUNTS),
    Mutant("serving-forgets-who-waits", "memory.serving", "            self.head.share.unfinished += 1\n", "",
           ("WL-1",), property_only=COUNTS),
    Mutant("serving-new-pages-come-back", "memory.serving", "again = used.missed - (seat.pages - seat.seen)",
           "again = used.missed", ("WL-3",), property_only=COUNTS),
    Mutant("serving-late-at-the-deadline", "memory.serving", "took > self.next_slo", "took >= self.next_slo", ("WL-3",),
           property_only=COUNTS),
    Mutant("serving-waits-for-nothing", "memory.serving", "        self.stored -= 1\n", "", ("WL-3",),
           property_only=COUNTS),
    Mutant("serving-forgets-its-tokens", "memory.serving", "        seat.given += self.step - seat.began\n", "",
           ("WL-1", "WL-3"), property_only=COUNTS),
    Mutant("serving-skips-a-hole", "memory.serving", "if wanted == self.missing:", "if wanted <= self.missing:",
           ("WL-2",), property_only=COUNTS),
)  # fmt: skip
