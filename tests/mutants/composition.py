"""Mutants of the composition of buckets, a fair queue and a channel with refresh, and of what is told of a run."""

from headgate.tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

# Why no theorem kills some of them.
RUN = "the gate that admits a run, and what a tenant sends, are run on numbers; theorems take buckets and rates"
NUMBERS = "theorems state these rules on rates and sizes of their own; this one is about a run with numbers"
COUNT = "the schedules of the theorems have nothing before the wait; a property counts on every schedule"

MUTANTS = (
    Mutant("composed-delay-without-burst", "composition", "return deadline_delay(burst + size * -1,",
           "return deadline_delay(0 * size,", ("CP-1",)),
    Mutant("composed-delay-without-others", "composition", "size + others, rate, blackout, guaranteed)",
           "size, rate, blackout, guaranteed)", ("CP-1",)),
    Mutant("composed-delay-counts-itself-twice", "composition", "return deadline_delay(burst + size * -1,",
           "return deadline_delay(burst,", ("CP-1",)),
    Mutant("composed-calculus-without-blackout", "composition",
           "deadline_delay(burst, others, rate, blackout, guaranteed)",
           "deadline_delay(burst, others, rate, 0, guaranteed)", ("CP-1",)),
    Mutant("composed-backlog-without-blackout", "composition", "return envelope(rates, bursts, blackout)",
           "return envelope(rates, bursts, 0)", ("CP-2",)),
    Mutant("composed-backlog-loose", "composition", "return envelope(rates, bursts, blackout)",
           "return envelope(rates, bursts, blackout + blackout)", ("CP-2",)),
    Mutant("composed-tax-forgotten", "composition", "Room(peak, effective, effective)", "Room(peak, peak, peak)",
           ("CP-3",),
           property_only=NUMBERS),
    Mutant("composed-gate-open", "composition", "        if admitted:\n            yield request",
           "        if True:\n            yield request", ("CP-1",),
           property_only=RUN),
    Mutant("composed-gate-clock-stands-still", "composition", "last[tenant] = request.arrival_ns", "last[tenant] = 0",
           ("CP-1",),
           property_only=RUN),
    Mutant("composed-served-in-the-dark", "composition", "return Fraction(service_curve(refresh,",
           "return Fraction(now) + 0 * Fraction(service_curve(refresh,", ("CP-2",)),
    Mutant("decoding-reads-one-token", "composition", "return context * bytes_a_token", "return 1 * bytes_a_token",
           ("CP-4",),
           property_only=NUMBERS),
    Mutant("share-without-blackout", "composition", "sfq_delay(0, others, rate, blackout)) - own",
           "sfq_delay(0, others, rate, 0)) - own", ("CP-5",)),
    Mutant("share-without-own", "composition", "rate, blackout)) - own", "rate, blackout)) - 0 * own", ("CP-5",)),
    Mutant("bypass-counts-what-came-before", "replay.arbiter", "if s.start_ns >= since]", "if s is not None]",
           ("AR-5",),
           property_only=COUNT),
    Mutant("bypass-counts-from-the-first", "replay.arbiter", "services[0 if head is None else head + 1 : number]",
           "services[0:number]", ("AR-5",),
           property_only=COUNT),
)  # fmt: skip
