"""Refresh, by walking through time; and the temperature curve, by comparing whole powers."""

from fractions import Fraction

__all__ = ["encloses_halving", "finish", "interval_at", "is_dark", "least_service", "most_dark", "service"]

Number = Fraction | int


def is_dark(time: Number, interval: Number, blackout: Number, offset: Number = 0) -> bool:
    """Return whether `time` is in a blackout: one begins at -`offset` and at every `interval` before and after."""
    since = time + offset
    while since < 0:
        since = since + interval
    while since >= interval:
        since = since - interval
    return since < blackout


def service(begin: int, length: int, interval: int, blackout: int) -> int:
    """Return the ns of [begin, begin + length) that are not dark, counted one by one."""
    count = 0
    for time in range(begin, begin + length):
        if not is_dark(time, interval, blackout):
            count = count + 1
    return count


def least_service(length: int, interval: int, blackout: int) -> int:
    """Return the least service of a window of `length` ns, over all the phases at which it can begin."""
    return min(service(begin, length, interval, blackout) for begin in range(interval))


def finish(start: Number, work: Number, interval: Number, blackout: Number, offset: Number = 0) -> Fraction:
    """Return when `work` ns of service, begun at `start`, are done: blackout by blackout."""
    now, left = Fraction(start), Fraction(work)
    dark_from = Fraction(-offset)
    while dark_from + interval <= now:
        dark_from = dark_from + interval
    while left > 0:
        dark_until = dark_from + blackout
        if now < dark_until:
            now = dark_until
        next_dark = dark_from + interval
        if now + left <= next_dark:
            return now + left
        left = left - (next_dark - now)
        now = next_dark
        dark_from = next_dark
    return now


def encloses_halving(low: Fraction, high: Fraction, base: Fraction, degrees: Fraction) -> bool:
    """Return whether low <= base * 2**(-degrees/10) <= high, exactly.

    With degrees = a/b, both sides to the power of 10 b are rational: (x / base)**(10 b) against 2**(-a).
    """
    power = 10 * degrees.denominator
    target = Fraction(1, 2) ** degrees.numerator
    return (low / base) ** power <= target <= (high / base) ** power


def interval_at(table: list[tuple[Number, Number]], temperature: Number) -> Number:
    """Return the interval in force: that of the last line whose range, from the line before on, has been entered."""
    interval = table[0][1]
    for line in range(1, len(table)):
        if temperature > table[line - 1][0]:
            interval = table[line][1]
    return interval


def most_dark(length: int, interval: int, blackout: int, most: int) -> int:
    """Return the most dark ns of a window of `length` ns if up to `most` refreshes may be put off: every way tried.

    At every ns in which no refresh is on, one that is due may begin; it must, if more than `most` are due. The state is
    (ns since the last one became due, how many are due, ns left of the one that is on).
    """
    states = {(0, 1, 0)}
    reached: set[tuple[int, int, int]] = set()
    while states - reached:
        new = states - reached
        reached = reached | new
        states = {state for each in new for state, _ in _next(each, interval, blackout, most)}
    # By state: the most ns that are dark in as many ns from it on.
    dark = dict.fromkeys(reached, 0)
    for _ in range(length):
        dark = {state: max(dark[after] + lost for after, lost in _next(state, interval, blackout, most))
                for state in reached}  # fmt: skip
    return max(dark.values())


def _next(
    state: tuple[int, int, int], interval: int, blackout: int, most: int
) -> list[tuple[tuple[int, int, int], int]]:
    """Return the states that may follow after one ns, each with whether that ns was dark."""
    since, due, left = state
    begun = [(due, left)]
    if left == 0 and due > most:
        begun = [(due - 1, blackout)]
    elif left == 0 and due > 0:
        begun = [(due, 0), (due - 1, blackout)]
    answers = []
    for still_due, remaining in begun:
        lost = 0
        if remaining > 0:
            remaining = remaining - 1
            lost = 1
        if since + 1 == interval:
            answers.append(((0, still_due + 1, remaining), lost))
        else:
            answers.append(((since + 1, still_due, remaining), lost))
    return answers
