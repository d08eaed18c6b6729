"""The parameters of a schedule, checked as they are read."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from headgate.model.arbiters import ARBITERS, Policy
from headgate.model.arbiters.wrong_tags import WRONG_TAGS
from headgate.model.replay.form import Replay, ReplayError
from headgate.spec.units import exact_text
from headgate.spec.vocabulary import Excess, Request, Schedule

__all__ = ["MOST_STEPS", "Given", "Runner"]

# A replay walks time; a file that asks for more steps than this is refused.
MOST_STEPS = 1_000_000


class Given:
    """The parameters of a schedule, checked as they are read."""

    def __init__(self, schedule: Schedule, rule: str, policy: Policy | None = None) -> None:
        self.requests, self.rule, self._parameters = schedule.requests, rule, schedule.parameters
        self._policy = policy

    def number(self, key: str, default: Fraction | None = None, least: Fraction | None = Fraction(0)) -> Fraction:
        given = self._parameters.get(key, default)
        if not isinstance(given, int | Fraction) or isinstance(given, bool):
            raise ReplayError(f"parameters.{key}: expected an exact number, got {given!r}")
        if least is not None and given < least:
            raise ReplayError(f"parameters.{key}: expected at least {least}, got {given}")
        return Fraction(given)

    def has(self, key: str) -> bool:
        return key in self._parameters

    def whole(self, key: str) -> int:
        given = self.number(key)
        if given != int(given):
            raise ReplayError(f"parameters.{key}: expected a whole number, got {given}")
        return int(given)

    def positive(self, key: str) -> Fraction:
        given = self.number(key)
        if given == 0:
            raise ReplayError(f"parameters.{key}: expected more than 0, got 0")
        return given

    def numbers(self, key: str, least: Fraction | None = None) -> list[Fraction]:
        """Return a list of numbers above 0, or of at least `least`."""
        given = self._parameters.get(key)
        if not isinstance(given, list | tuple) or not given:
            raise ReplayError(f"parameters.{key}: expected a list of exact numbers, got {given!r}")
        if not all(isinstance(n, int | Fraction) and not isinstance(n, bool) for n in given) or not all(
            n > 0 if least is None else n >= least for n in given
        ):
            words = "above 0" if least is None else f"of at least {least}"
            raise ReplayError(f"parameters.{key}: expected exact numbers {words}, got {given!r}")
        return [Fraction(n) for n in given]

    def values(self, key: str) -> list[Fraction]:
        given = self._parameters.get(key)
        if not isinstance(given, list | tuple):
            raise ReplayError(f"parameters.{key}: expected a list of exact numbers, got {given!r}")
        if not all(isinstance(n, int | Fraction) and not isinstance(n, bool) for n in given):
            raise ReplayError(f"parameters.{key}: expected exact numbers, got {given!r}")
        return [Fraction(n) for n in given]

    def priorities(self, tenants: int) -> list[int]:
        given = self._parameters.get("priorities", (0,) * tenants)
        if not isinstance(given, list | tuple) or len(given) != tenants:
            raise ReplayError(f"parameters.priorities: expected one for each of {tenants} tenants, got {given!r}")
        if not all(isinstance(n, int | Fraction) and 0 <= n <= 99 and n == int(n) for n in given):
            raise ReplayError(f"parameters.priorities: expected whole numbers from 0 to 99, got {given!r}")
        return [int(n) for n in given]

    def largest(self, tenants: int) -> list[int]:
        """Return the largest request of each tenant: as given, else the largest of all requests."""
        sent = max((request.bytes for request in self.requests), default=1)
        given = self._parameters.get("largest", (sent,) * tenants)
        if not isinstance(given, list | tuple) or len(given) != tenants:
            raise ReplayError(f"parameters.largest: expected one for each of {tenants} tenants, got {given!r}")
        if not all(isinstance(n, int | Fraction) and not isinstance(n, bool) and n > 0 and n == int(n) for n in given):
            raise ReplayError(f"parameters.largest: expected whole numbers above 0, got {given!r}")
        for number, request in enumerate(self.requests):
            if request.tenant < tenants and request.bytes > given[request.tenant]:
                raise ReplayError(f"requests[{number}].bytes: expected at most {given[request.tenant]}")
        return [int(n) for n in given]

    def list_of(self, key: str, default: list[Any]) -> list[Any]:
        given = self._parameters.get(key, default)
        if not isinstance(given, list | tuple):
            raise ReplayError(f"parameters.{key}: expected a list, got {given!r}")
        return list(given)

    def flags(self, key: str, tenants: int) -> list[bool]:
        given = self._parameters.get(key, (0,) * tenants)
        if not isinstance(given, list | tuple) or len(given) != tenants or not all(n in (0, 1) for n in given):
            raise ReplayError(f"parameters.{key}: expected 0 or 1 for each of {tenants} tenants, got {given!r}")
        return [n == 1 for n in given]

    def bursts(self, weights: list[Fraction]) -> list[tuple[Fraction, Fraction, Excess]]:
        """Return each tenant's burst rate, burst duration and what becomes of its excess."""
        rates, durations = self.numbers("burst_rates"), self.numbers("burst_durations", least=Fraction(0))
        ways = self._parameters.get("excess")
        names = [way.value for way in Excess]
        for key, given in (("burst_rates", rates), ("burst_durations", durations), ("excess", ways)):
            if not isinstance(given, list | tuple) or len(given) != len(weights):
                raise ReplayError(f"parameters.{key}: expected one for each of {len(weights)} tenants, got {given!r}")
        assert isinstance(ways, list | tuple)
        if any(rate < weight for rate, weight in zip(rates, weights, strict=True)):
            raise ReplayError(f"parameters.burst_rates: expected at least the weights, got {_listed(rates)}")
        if not all(way in names for way in ways):
            raise ReplayError(f"parameters.excess: expected {', '.join(names)}, got {ways!r}")
        return list(zip(rates, durations, map(Excess, ways), strict=True))

    def rule_of(self, *rules: str) -> str:
        if self.rule not in rules:
            raise ReplayError(f"rule: expected one of {', '.join(rules)}, got {self.rule}")
        return self.rule

    def whole_within(self, key: str, least: int, most: int, default: int | None = None) -> int:
        """Return a whole number from `least` to `most`."""
        given = self._parameters.get(key, default)
        if not isinstance(given, int | Fraction) or isinstance(given, bool) or given != int(given):
            raise ReplayError(f"parameters.{key}: expected a whole number, got {given!r}")
        if not least <= given <= most:
            raise ReplayError(f"parameters.{key}: expected {least} to {most}, got {given}")
        return int(given)

    def words(self, key: str) -> list[str]:
        """Return a list of words, as it is given; none where there is none."""
        given = self._parameters.get(key, ())
        if not isinstance(given, list | tuple) or not all(isinstance(word, str) for word in given):
            raise ReplayError(f"parameters.{key}: expected a list of words, got {given!r}")
        return [str(word) for word in given]

    def arbiter(self, key: str | None = None) -> Policy:
        """Return the policy of the rule, or the one that a parameter names."""
        if key is None:
            rules = {**ARBITERS, **WRONG_TAGS}
            return self._policy or rules[self.rule_of(*rules)]
        given = self._parameters.get(key)
        if not isinstance(given, str) or given not in ARBITERS:
            raise ReplayError(f"parameters.{key}: expected one of {', '.join(ARBITERS)}, got {given!r}")
        return ARBITERS[given]

    def tenant(self, key: str, tenants: int) -> int | None:
        """Return a tenant number; None where there is none."""
        if key not in self._parameters:
            return None
        given = self.number(key)
        if given >= tenants or given.denominator != 1:
            raise ReplayError(f"parameters.{key}: expected one of the {tenants} tenants, got {given}")
        return int(given)

    def pair(self, tenants: int) -> tuple[int, int]:
        """Return the two tenants that are compared: 0 and 1, unless given."""
        given = self._parameters.get("pair", (0, 1))
        fits = isinstance(given, list | tuple) and len(given) == 2 and given[0] != given[1]
        if not fits or not all(isinstance(n, int | Fraction) and n in range(tenants) for n in given):  # type: ignore[attr-defined]
            raise ReplayError(f"parameters.pair: expected two of the {tenants} tenants, got {given!r}")
        return int(given[0]), int(given[1])  # type: ignore[index]

    def within(self) -> Fraction | None:
        """Return by when everything must be over that counts, in ns; None where it is not said."""
        return self.number("within") if "within" in self._parameters else None

    def tighter(self) -> Fraction:
        return self.number("tighter_by", Fraction(0))

    def judge(self, observed: Fraction, bound: Fraction) -> tuple[bool, Fraction]:
        """Return (violated, bound): beyond the bound made tighter or, where it is given, at `at_least` or above it."""
        if "at_least" in self._parameters:
            least = self.number("at_least", least=None)
            return observed >= least, least
        return observed > bound - self.tighter(), bound - self.tighter()

    def judge_excess(self, total: Fraction, bound: Fraction) -> tuple[bool, Fraction, Fraction]:
        """Return (violated, observed, bound) of a total: itself, or its excess where `at_least` asks for one."""
        if "at_least" in self._parameters:
            least = self.number("at_least", least=None)
            return total - bound >= least, total - bound, least
        return total > bound, total, bound

    def asked_for(self) -> str:
        """Return what a finding calls the number that `judge` holds against."""
        return "asked for was" if "at_least" in self._parameters else "the bound is"

    def parameter(self, key: str) -> object:
        return self._parameters.get(key)

    def elapsed(self) -> Iterator[tuple[Request, int]]:
        last = 0
        for request in self.requests:
            yield request, request.arrival_ns - last
            last = request.arrival_ns


def _listed(numbers: list[Fraction]) -> str:
    return ", ".join(str(exact_text(number)) for number in numbers)


Runner = Callable[[Given], Replay]
"""Runs a claim: from the parameters to what was shown."""
