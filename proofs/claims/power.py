"""*The Power Contract SLO*, the addendum of *Multi-Tenant KV Fabrics*."""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial

from headgate.proofs.claims.claim import Check, Claim, Essay
from headgate.proofs.claims.quantities import exact

__all__ = ["CLAIMS"]

_claim = partial(Claim, essay=Essay.POWER)

SUSTAINED_KW, PEAK_KW, GPUS = Fraction(120), Fraction(135), 72


def _ten_thousand() -> Sequence[Check]:
    racks = Fraction(10_000, GPUS)
    return (
        Check("10,000 GPUs, sustained", racks * SUSTAINED_KW / 1000, "MW", "17..20"),
        Check("at their peaks", racks * PEAK_KW / 1000, "MW", "17..20"),
    )


def _joules() -> Sequence[Check]:
    at_rate = 3800
    return (
        Check("0.42 J a token at 3,800 tokens a second (section 1 of the essay)", exact("0.42") * at_rate, "W"),
        Check("0.28 J", exact("0.28") * at_rate, "W"),
        Check("what 700 W leave a token", Fraction(700, at_rate), "J"),
    )


def _capacitors() -> Sequence[Check]:
    return (
        Check("a rack at its peak for 200 us", PEAK_KW * 200 / 1000, "J", "<= 32"),
        Check("how long 32 J last at the peak", 32 / PEAK_KW * 1000, "us", ">= 200"),
    )


def _cap() -> Sequence[Check]:
    return (
        Check("800 racks, sustained", 800 * SUSTAINED_KW / 1000, "MW"),
        Check("what the cap leaves a rack", Fraction(94_500, 800), "kW"),
    )


def _per_megawatt() -> Sequence[Check]:
    return (Check("from 81 to 96 %", Fraction(96, 81), "times"),)


CLAIMS = (
    _claim("PWR-1", section="1", says="Racks of 120 to 135 kW make 17 to 20 MW of 10,000 GPUs.", checks=_ten_thousand),
    _claim(
        "PWR-2",
        section="2",
        says="An H200 takes 0.42 J a token in FP16, and 0.28 J in FP8.",
        checks=_joules,
        missing=(
            "the model, the rate and the number of GPUs: at the rate of the essay's section 1 it is more than one may "
            "draw, 700 W"
        ),
    ),
    _claim(
        "PWR-3", section="8", says="Capacitors of 32 J carry a rack through an override of 200 us.", checks=_capacitors
    ),
    _claim(
        "PWR-4",
        section="9.1",
        says="800 racks run under a cap of 94.5 MW.",
        checks=_cap,
        missing="what each may then draw: the cap is 98 % of what section 1 calls sustained, for every rack",
    ),
    _claim(
        "PWR-5",
        section="9.1",
        says="Tokens a megawatt rise from 81 to 96 % of what is possible.",
        checks=_per_megawatt,
        missing="what is possible, and how it was derived",
    ),
)
