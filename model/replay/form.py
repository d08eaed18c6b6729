"""What a replay returns: the verdict, the numbers, and lanes of marks for a timeline."""

from fractions import Fraction

import attrs

from headgate.spec.vocabulary import Execution

__all__ = ["Lane", "Mark", "Replay", "ReplayError"]


class ReplayError(ValueError):
    """A schedule that does not say what its mechanism needs: the parameter, and what was expected."""


@attrs.frozen
class Mark:
    """Something on a timeline: a span, or an instant where `begin_ns == end_ns`; of a level, its `value` as well.

    Kinds: arrival, admitted, refused, hit, miss (instants), service, blackout, loop, violation, level (spans).
    """

    begin_ns: Fraction
    end_ns: Fraction
    kind: str
    text: str = ""
    value: Fraction | None = None


@attrs.frozen
class Lane:
    """One line of a timeline."""

    label: str
    marks: tuple[Mark, ...]


@attrs.frozen
class Replay:
    """What a replay showed: `violated` iff `observed` is beyond `bound` (both in `unit`).

    `clock` is what the marks of the lanes are counted in, where that is not time: "steps", or "samples".
    """

    violated: bool
    observed: Fraction
    bound: Fraction
    unit: str
    finding: str
    lanes: tuple[Lane, ...]
    execution: Execution | None = None
    clock: str = "ns"
