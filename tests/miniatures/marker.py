"""Markers. Each is given cir, cbs, pir and pbs, and gives `mark(now, size)` a colour."""

from fractions import Fraction

from headgate.tests.miniatures import correct, wrong


@correct()
class Eager:
    """RFC 2698 as it is written: two buckets, brought up to date at every packet."""

    def __init__(self, cir: float, cbs: float, pir: float, pbs: float) -> None:
        self.cir, self.cbs, self.pir, self.pbs = cir, cbs, pir, pbs
        self.committed, self.peak, self.last = cbs, pbs, 0.0

    def fill(self, now: float) -> None:
        self.committed = min(self.cbs, self.committed + (now - self.last) * self.cir)
        self.peak = min(self.pbs, self.peak + (now - self.last) * self.pir)
        self.last = now

    def mark(self, now: float, size: int) -> str:
        self.fill(now)
        return self.colour(size)

    def colour(self, size: int) -> str:
        if self.peak < size:
            return "red"
        self.peak -= size
        if self.committed < size:
            return "yellow"
        self.committed -= size
        return "green"


@correct(clock="us", floats=True)
class InMicroseconds(Eager):
    """The same, on a clock of microseconds."""


@correct()
class Careful(Eager):
    """It refuses a peak rate below the committed one, as section 2 of the RFC has it."""

    def __init__(self, cir: float, cbs: float, pir: float, pbs: float) -> None:
        if pir < cir:
            raise ValueError("the PIR must be no less than the CIR")
        super().__init__(cir, cbs, pir, pbs)


@correct(numbers={"cir": "5"})
class CarefulAtFive(Careful):
    """The same, of a committed rate above those that are drawn."""


@correct()
class Timestamps:
    """No levels: two theoretical arrival times, in Fractions; colours as numbers."""

    def __init__(self, cir: int, cbs: int, pir: int, pbs: int) -> None:
        self.meters = [(cir, cbs), (pir, pbs)]
        self.arrivals = [Fraction(0), Fraction(0)]

    def after(self, number: int, now: int, size: int) -> Fraction | None:
        rate, burst = self.meters[number]
        after = max(Fraction(now), self.arrivals[number]) + Fraction(size, rate)
        return after if after <= now + Fraction(burst, rate) else None

    def mark(self, now: int, size: int) -> int:
        committed, peak = (self.after(number, now, size) for number in (0, 1))
        if peak is None:
            return 2
        self.arrivals[1] = peak
        if committed is None:
            return 1
        self.arrivals[0] = committed
        return 0


@correct()
class Heights:
    """Two counters that run down, told apart by name only at the end."""

    def __init__(self, cir: int, cbs: int, pir: int, pbs: int) -> None:
        self.rates, self.depths = (cir, pir), (cbs, pbs)
        self.heights, self.last = [0, 0], 0

    def mark(self, now: int, size: int) -> str:
        self.heights = [max(0, h - r * (now - self.last)) for h, r in zip(self.heights, self.rates, strict=True)]
        self.last = now
        green, passes = (h + size <= d for h, d in zip(self.heights, self.depths, strict=True))
        self.heights[1] += size * passes
        self.heights[0] += size * (passes and green)
        return ("green" if green else "yellow") if passes else "red"


@correct()
class ByDefinition:
    """Two logs, and all windows that end now."""

    def __init__(self, cir: int, cbs: int, pir: int, pbs: int) -> None:
        self.curves = ((pir, pbs), (cir, cbs))
        self.logs: tuple[list[tuple[int, int]], ...] = ([], [])

    def mark(self, now: int, size: int) -> str:
        for number, ((rate, burst), log) in enumerate(zip(self.curves, self.logs, strict=True)):
            total = size
            fits = size <= burst
            for at, given in reversed(log):
                total += given
                fits = fits and total <= burst + rate * (now - at)
            if not fits:
                return ("RED", "YELLOW")[number]
            log.append((now, size))
        return "GREEN"


# ---- wrong ----


@wrong("TC-2")
class OneRate(Eager):
    """RFC 2697, with one rate and an excess burst, taken for RFC 2698."""

    def fill(self, now: float) -> None:
        tokens, self.last = (now - self.last) * self.cir, now
        room = self.cbs - self.committed
        self.committed += min(tokens, room)
        self.peak = min(self.pbs, self.peak + max(0, tokens - room))

    def colour(self, size: int) -> str:
        if self.committed >= size:
            self.committed -= size
            return "green"
        if self.peak >= size:
            self.peak -= size
            return "yellow"
        return "red"


@wrong("TC-2")
class GreenPaysOnce(Eager):
    """What is green is not charged to the peak bucket."""

    def colour(self, size: int) -> str:
        before = self.peak
        colour = super().colour(size)
        if colour == "green":
            self.peak = before
        return colour


@wrong("TC-2")
class YellowPaysTwice(Eager):
    """What is yellow is charged to the committed bucket as well."""

    def colour(self, size: int) -> str:
        colour = super().colour(size)
        if colour == "yellow":
            self.committed = max(0, self.committed - size)
        return colour


@wrong("TC-2")
class RedPays(Eager):
    """What is red is charged to the peak bucket."""

    def colour(self, size: int) -> str:
        colour = super().colour(size)
        if colour == "red":
            self.peak = max(0, self.peak - size)
        return colour


@wrong("TC-2")
class CommittedFirst(Eager):
    """The committed bucket is asked first, so that green goes beyond the peak."""

    def colour(self, size: int) -> str:
        if self.committed >= size:
            self.committed -= size
            self.peak = max(0, self.peak - size)
            return "green"
        return super().colour(size)


@wrong("TC-2")
class Overflows(Eager):
    """Tokens for which the committed bucket has no room go to the peak bucket."""

    def fill(self, now: float) -> None:
        over = max(0, self.committed + (now - self.last) * self.cir - self.cbs)
        super().fill(now)
        self.peak = min(self.pbs, self.peak + over)


@wrong("TC-2")
class Strict(Eager):
    """A bucket that holds just the size does not suffice."""

    def colour(self, size: int) -> str:
        if self.peak <= size:
            return "red"
        return super().colour(size)


@wrong("TC-2")
class StartsEmpty(Eager):
    """Both buckets are empty in the beginning."""

    def __init__(self, cir: float, cbs: float, pir: float, pbs: float) -> None:
        super().__init__(cir, cbs, pir, pbs)
        self.committed = self.peak = 0


@wrong("TC-2")
class BothAtCommitted(Eager):
    """The peak bucket is filled at the committed rate."""

    def fill(self, now: float) -> None:
        peak, elapsed = self.peak, now - self.last
        super().fill(now)
        self.peak = min(self.pbs, peak + elapsed * self.cir)


@wrong("TC-2", clock="us", floats=True)
class WholeMicroseconds(Eager):
    """It counts whole microseconds, and forgets the rest at each packet."""

    def fill(self, now: float) -> None:
        elapsed = int(now - self.last)
        super().fill(self.last + elapsed)
        self.last = now


@wrong("TC-2")
class FillsOnGreen(Eager):
    """Its clock advances when something is green, and only then; until then the same time counts again."""

    def mark(self, now: float, size: int) -> str:
        last = self.last
        colour = super().mark(now, size)
        if colour != "green":
            self.last = last
        return colour
