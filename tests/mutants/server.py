"""Mutants of the server: refresh, channels, the event simulator."""

from headgate.tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

# Why no theorem kills some of them.
CLOCK = "theorems take any clock that does not go back; what the simulator tells is its own rule (AR-8)"
REFERENCE = "the theorem on WFQ takes the fluid at R; which rate the simulator gives it is its own rule"
CURVE = "the theorems take any interval: what a curve, a table or an enclosure gives is not theirs"
POSTPONED = "the curve of postponed refresh is held against every way to postpone, a declared gap (RF-10)"
BANKS = "per-bank refresh is a change of variables of RF-2, a declared gap (RF-11)"
ORDER = "the order within a queue is the simulator's: the arbiters that are proved see heads only (AR-2, PR-7)"
CHANNELS = "the clauses of several channels have no theorem, a declared gap"

MUTANTS = (
    Mutant("clock-not-told-before-a-stamp", "simulator", "told = self.policy.advance(self.state, policed.release_ns)",
           "told = self.state", ("AR-8",)),
    Mutant("clock-not-told-before-a-choice", "simulator", "self.state = self.policy.advance(self.state, now)",
           "self.state = self.state", ("AR-8",), property_only=CLOCK),
    Mutant("wfq-reference-of-the-peak", "simulator", "tenants_of(contracts, effective_rate_of(server))",
           "tenants_of(contracts, server.peak_bytes_per_ns)", ("WQ-2",), property_only=REFERENCE),
    Mutant("refresh-blackout-one-longer", "refresh", "return channel.phase >= refresh.blackout",
           "return channel.phase > refresh.blackout", ("RF-1",)),
    Mutant("refresh-blackout-serves", "refresh", "served = where(is_up(channel, refresh), elapsed, 0)",
           "served = elapsed", ("RF-1",)),
    Mutant("refresh-never-wraps", "refresh", "where(phase >= refresh.interval, 0, phase)",
           "where(phase > refresh.interval, 0, phase)", ("RF-1",)),
    Mutant("refresh-curve-optimistic", "refresh", "maximum(0, rest - refresh.blackout)", "rest", ("RF-2",)),
    Mutant("refresh-curve-pessimistic", "refresh", "+ maximum(0, rest - refresh.blackout)", "", ("RF-2",)),
    Mutant("refresh-latency-forgotten", "refresh", "* (elapsed - refresh.blackout)", "* elapsed", ("RF-3",)),
    Mutant("refresh-knee-moved", "refresh", "KNEE_C = 85\n", "KNEE_C = 95\n", ("RF-4",)),
    Mutant("refresh-halved-per-20", "refresh", "HALVING_C = 10\n", "HALVING_C = 20\n", ("RF-4",)),
    Mutant("refresh-enclosure-not-above", "refresh", "high = high * root_high // scale + 1\n    shift",
           "high = low\n    shift", ("RF-5",), property_only=CURVE),
    Mutant("refresh-worst-is-best", "refresh", "Refresh(refresh_interval(device, temperature).low",
           "Refresh(refresh_interval(device, temperature).high", ("RF-5",), property_only=CURVE),
    Mutant("refresh-jedec-knee-too-low", "refresh", "where(temperature > KNEE_C, base",
           "where(temperature >= KNEE_C, base", ("RF-8",)),
    Mutant("refresh-jedec-not-halved", "refresh", "base / 2, base)", "base, base)", ("RF-8",)),
    Mutant("refresh-table-line-too-low", "refresh", "where(temperature <= limit, line",
           "where(temperature < limit, line", ("RF-9",)),
    Mutant("refresh-table-first-line-beyond", "refresh", "interval = table[-1][1]", "interval = table[0][1]",
           ("RF-9",)),
    Mutant("refresh-postponed-for-nothing", "refresh", "rest) - postponed * refresh.blackout)", "rest))", ("RF-10",)),
    Mutant("refresh-postponed-negative", "refresh", "maximum(0, service_curve(", "maximum(-9, service_curve(",
           ("RF-10",), property_only=POSTPONED),
    Mutant("refresh-postponed-latency", "refresh", "- postponed * refresh.blackout * refresh.interval",
           "- postponed * refresh.blackout", ("RF-10",)),
    Mutant("refresh-bank-as-often-as-all", "refresh", "Refresh(interval * banks, blackout)",
           "Refresh(interval, blackout)", ("RF-11",)),
    Mutant("refresh-banks-strictly-apart", "refresh", "return blackout <= banks * interval",
           "return blackout < banks * interval", ("RF-11",)),
    Mutant("refresh-rate-without-tax", "refresh", "return peak * (refresh.interval - refresh.blackout)",
           "return peak * refresh.interval", ("RF-7",)),
    Mutant("simulator-arrival-after-choice", "simulator", "while self.to_come and self.to_come[0][0] <= now:",
           "while self.to_come and (self.to_come[0][0] < now or (self.to_come[0][0] == now and not any(self.queues) "
           "and not self.background)):", ("AR-7",)),
    Mutant("simulator-newest-first", "simulator", "return self.queues[tenant].popleft()[1]",
           "return self.queues[tenant].pop()[1]", ("AR-2",)),
    Mutant("simulator-background-first", "simulator", "        if any(waiting):",
           "        if any(waiting) and not self.background:", ("PR-7",), property_only=ORDER),
    Mutant("simulator-no-blackouts", "simulator", "    if refresh is None:", "    if refresh is None or work > 0:",
           ("RF-1",)),
    Mutant("channels-one-granule-off", "channels", "granule % interleave.channels",
           "(granule + 1) % interleave.channels", ("CH-1",), property_only=CHANNELS),
    Mutant("channels-granule-not-cut", "channels", "min(size, interleave.granule - offset)",
           "min(size, interleave.granule)", ("CH-1",), property_only=CHANNELS),
    Mutant("channels-whole-request-each", "channels", "attrs.evolve(addressed.request, bytes=share)",
           "addressed.request", ("CH-1",), property_only=CHANNELS),
    Mutant("channels-delay-without-excess", "channels", "excess * (Fraction(1) / guaranteed) + parts",
           "0 * guaranteed + parts", ("CH-3",)),
    Mutant("channels-share-of-the-whole", "channels", "share = (1 + imbalance) / channels", "share = 1 + imbalance",
           ("CH-3",), property_only=CHANNELS),
)  # fmt: skip
