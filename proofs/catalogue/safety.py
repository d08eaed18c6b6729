"""The theorem that everything else is for: whatever is admitted keeps its guarantees, at every temperature.

The chain: the gate holds the guarantees within what is left at the hottest temperature, migration and bubbles taken
off; at any other temperature as much is left or more; what is left comes with a latency that no temperature changes;
and on such a server SFQ keeps its bound for every tenant, and its share of every window (the steps of sfq-delay and of
sfq-share, at this rate and this blackout).
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import z3

from headgate.model.admission import Admitted, admits, release, request
from headgate.model.bounds import sfq_delay
from headgate.model.capacity import Losses, kept_share, longest_dark
from headgate.model.refresh import Refresh, rate_latency, served_by
from headgate.proofs.catalogue.delay import sfq_delay_steps, sfq_share_steps
from headgate.proofs.decoding import schedule_of
from headgate.proofs.invariants import invariant
from headgate.proofs.oversubscription import oversubscription_attack
from headgate.proofs.symbolic import lift
from headgate.proofs.theorem import Expect, Obligation, Query, Theorem
from headgate.spec.vocabulary import Request, Schedule

__all__ = ["THEOREMS"]

# The essays' H200 when cold, with their migration of 5 % and a bubble of 2 ms in 50 ms.
PEAK, BLACKOUT_NS, BASE_NS = Fraction(4800), Fraction(295), Fraction(3900)
ESSAY_LOSSES = Losses(Fraction(1, 20), Fraction(2_000_000), Fraction(50_000_000))


def _gate() -> list[Obligation]:
    """The gate of AD-3, at the capacity of the hottest temperature."""
    total, guarantee, capacity = z3.Reals("total guarantee capacity")
    within = invariant("gate at the hottest", within_capacity=total <= capacity)
    given = (capacity > 0, guarantee > 0, total >= 0, within)
    _, after = request(Admitted(total), guarantee, capacity)
    gone = release(Admitted(total), guarantee)
    own, rest = z3.Reals("own rest")
    return [
        Obligation("at first nothing is admitted", (capacity > 0,),
                   invariant("gate at the hottest", within_capacity=lift(0) <= capacity)),
        Obligation("a tenant asks", given, invariant("gate at the hottest", within_capacity=after.total <= capacity)),
        Obligation("a tenant leaves", given, invariant("gate at the hottest", within_capacity=gone.total <= capacity)),
        Obligation("any tenant and the others fit", (own > 0, rest >= 0, own + rest == total, within),
                   admits([own, rest], capacity)),
    ]  # fmt: skip


def _temperature() -> list[Obligation]:
    """`hot` and `now` are the rates that refresh leaves; their intervals shrink as the temperature grows."""
    peak, blackout, hottest, interval, hot, now, kept = z3.Reals("peak blackout hottest interval hot now kept")
    given = (
        peak > 0, blackout > 0, hottest > blackout, interval >= hottest, kept > 0,
        hot * hottest == served_by(peak, Refresh(hottest, blackout)),
        now * interval == served_by(peak, Refresh(interval, blackout)),
    )  # fmt: skip
    times = z3.And(interval * hot <= interval * now, hot > 0)
    return [
        Obligation("as much is left of an interval, or more", given, times),
        Obligation("and so of the rate", (interval > 0, kept > 0, interval * hot <= interval * now), now >= hot),
        Obligation("with the losses taken off as well", (kept > 0, now >= hot), kept * now >= kept * hot),
    ]  # fmt: skip


def _supply() -> list[Obligation]:
    """Bubbles leave `awake` ns of t, in which the refresh clock runs and leaves `up` ns; migration takes its share."""
    peak, blackout, interval, refreshed = z3.Reals("peak blackout interval refreshed")
    migration, bubble, period, share, elapsed = z3.Reals("migration bubble period share elapsed")
    awake, up, bytes_left, rate, dark = z3.Reals("awake up bytes_left rate dark")
    here, lasts = z3.Reals("kept_here elapsed_after_dark")
    losses = Losses(migration, bubble, period)
    numbers = (
        peak > 0, blackout > 0, interval > blackout, migration >= 0, migration < 1, bubble >= 0, period > bubble,
        period * share == period - bubble, refreshed * interval == served_by(peak, Refresh(interval, blackout)),
    )  # fmt: skip
    positive = (share > 0, share <= 1, refreshed > 0)
    awakes, ups = share * (elapsed - bubble) <= awake, refreshed * (awake - blackout) <= peak * up
    kept, darks = refreshed * (1 - migration) * share, share * (dark - bubble) == blackout
    return [
        Obligation("the share that bubbles leave", numbers, z3.And(*positive)),
        Obligation("what they leave of a window", (*numbers[5:8], rate_latency(Refresh(period, bubble), elapsed)
                   <= period * awake), period * (share * (elapsed - bubble)) <= period * awake),
        Obligation("a period cancels", (period > 0, period * (share * (elapsed - bubble)) <= period * awake), awakes),
        Obligation("what refresh leaves of that", (peak > 0, interval > 0, numbers[-1],
                   rate_latency(Refresh(interval, blackout), awake) <= interval * up),
                   peak * rate_latency(Refresh(interval, blackout), awake) <= peak * (interval * up)),
        Obligation("in bytes", (interval > 0, numbers[-1],
                   peak * rate_latency(Refresh(interval, blackout), awake) <= peak * (interval * up)),
                   interval * (refreshed * (awake - blackout)) <= interval * (peak * up)),
        Obligation("an interval cancels",
                   (interval > 0, interval * (refreshed * (awake - blackout)) <= interval * (peak * up)), ups),
        Obligation("the rate is what is kept", numbers, kept == refreshed * kept_share(losses)),
        Obligation("the latency is the longest darkness", (*numbers, *positive, dark == longest_dark(losses, blackout)),
                   darks),
        Obligation("the latency in time awake", (*positive, awakes, darks),
                   share * (elapsed - dark) <= awake - blackout),
        Obligation("the bytes of a window", (*positive, ups, share * (elapsed - dark) <= awake - blackout),
                   refreshed * (share * (elapsed - dark)) <= peak * up),
        Obligation("less what migration takes", (migration < 1, bytes_left == (1 - migration) * (peak * up),
                   refreshed * (share * (elapsed - dark)) <= peak * up),
                   (1 - migration) * (refreshed * (share * (elapsed - dark))) <= bytes_left),
        Obligation("that is the rate that is kept, for so long", numbers, kept * (elapsed - dark) ==
                   (1 - migration) * (refreshed * (share * (elapsed - dark)))),
        Obligation("at the rate of the hottest temperature", (rate > 0, rate <= here, lasts >= 0,
                   here * lasts <= bytes_left), rate * lasts <= bytes_left),
        Obligation("and before the latency is over nothing is claimed", (rate > 0, elapsed <= dark, bytes_left >= 0),
                   rate * (elapsed - dark) <= bytes_left),
    ]  # fmt: skip


def _safety() -> list[Obligation]:
    return [*_gate(), *_temperature(), *_supply(), *sfq_delay_steps(), *sfq_share_steps()]


def _worst(tighter: Fraction) -> Query:
    """Two tenants who fill what is left exactly: of 2 B / ns half goes to migration, then bubbles, then refresh.

    All is there when a bubble begins, and behind it a blackout; the last byte has to wait for another bubble.
    """
    losses, refresh, peak = Losses(Fraction(1, 2), Fraction(3), Fraction(25)), Refresh(10, 2), Fraction(2)
    rate = Fraction(served_by(peak, refresh)) / refresh.interval * kept_share(losses)
    parameters: dict[str, Any] = {
        "weights": (rate / 2, rate / 2), "largest": (8, 9), "peak": peak, "interval": Fraction(refresh.interval),
        "blackout": Fraction(refresh.blackout), "migration": losses.migration, "bubble": losses.bubble_ns,
        "period": losses.period_ns, "tighter_by": tighter,
    }  # fmt: skip
    statement = "Every request of an admitted set finishes within SFQ's bound of its expected arrival."
    requests = (Request(0, 0, 8), Request(1, 0, 9))
    schedule = Schedule("AD-4", statement, "admission", "corrected", "safety", parameters, requests)
    return Query((z3.BoolVal(True),), lambda model: schedule)


def _forgotten(tighter: Fraction) -> Query:
    """One tenant alone with all that refresh leaves, a share of it migrating: any migration breaks the promise."""
    peak, interval, blackout, size = Fraction(5), 10, 2, z3.Int("size")
    parts = z3.Int("parts")
    refreshed = Fraction(served_by(peak, Refresh(interval, blackout))) / interval
    # All of `size` bytes within the first interval, behind one blackout; what migrates takes 1 / parts of the rate.
    bound = sfq_delay(z3.ToReal(size), 0, refreshed, blackout) - lift(tighter)
    rate = peak * (1 - 1 / z3.ToReal(parts))
    finish = blackout + z3.ToReal(size) / rate
    domain = (size >= 1, size <= 40, parts >= 2, parts <= 20, z3.ToReal(size) <= 8 * rate, finish > bound)
    heading = ("AD-4", "Every request of a set that fits what refresh leaves finishes within SFQ's bound.", "admission",
               "no-losses", "safety")  # fmt: skip
    parameters = {"weights": (refreshed,), "peak": peak, "interval": interval, "blackout": blackout,
                  "migration": 1 / z3.ToReal(parts), "tighter_by": tighter}  # fmt: skip

    def decode(model: z3.ModelRef) -> Schedule:
        return schedule_of(model, heading, parameters, [(0, 0, size)])

    return Query(domain, decode, (size, parts))


THEOREMS: Sequence[Theorem] = (
    Theorem(
        "admission-safety", ("AD-1", "AD-3", "AD-4", "BD-11", "PR-3"),
        "Every admitted set keeps its delays and shares at every temperature, migration and bubbles included.",
        "every horizon; any number of tenants, guarantees, sizes, rates, blackouts and intervals under SFQ",
        ("the interval never grows with temperature (RF-4), and the capacity is that of the hottest",
         "refresh and bubbles are periodic (refresh-rate-latency), and the refresh clock stands still in a bubble",
         "migration takes its share of every byte that is served", "the assumptions of sfq-delay but for the server's"),
        obligations=_safety, attack=_worst, invariants=("gate at the hottest",), partner="admission-safety",
        abstraction="all tenants but two are an environment; their shares are one aggregate",
    ),
    Theorem(
        "admission-no-losses", ("AD-4",),
        "A set that fits what refresh leaves keeps its delays while a share migrates.",
        "one tenant and one request, up to half of the traffic migrating", expect=Expect.REFUTED, attack=_forgotten,
    ),
    Theorem(
        "admission-mitigated", ("AD-2", "AD-4"),
        "What 0.85 of the peak admits is there when cold, with 5 % migrating and a bubble of 2 ms in 50.",
        "the essays' H200 when cold, equal tenants of 120 GB/s", expect=Expect.REFUTED,
        attack=oversubscription_attack(
            "essay", ("AD-2", "What 0.85 of the peak admits is there when cold, with migration and bubbles."), PEAK,
            Refresh(BASE_NS, BLACKOUT_NS), ESSAY_LOSSES,
        ),
    ),
)  # fmt: skip
