"""What must hold of the judges of window counters (WC-1 to 3): each choice is followed, other answers are accused."""

from fractions import Fraction
from itertools import product
from math import floor

from hypothesis import example, given
from hypothesis import strategies as st

from headgate.properties.review.case import Violation
from headgate.properties.review.suites.bucket_windows import FixedWindows, SlidingWindow, WeighedWindows
from headgate.spec.links import checks

Offers = list[tuple[int, int]]
"""Waits and sizes."""

BEGINS = ("multiples", "offers", "itself")
NUMBERS = st.tuples(st.integers(1, 6), st.integers(1, 8), st.booleans(), st.booleans())
OFFERS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 8)), min_size=1, max_size=20)
# Full, and asked again on the instant at which the window ends.
EDGE = ((3, 4, False, False), [(0, 4), (3, 4), (3, 4), (1, 1)])


def told(offers: Offers, depth: int) -> Offers:
    """Return times and sizes, none beyond the depth."""
    now, found = 0, []
    for wait, size in offers:
        now += wait
        found.append((now, min(size, depth)))
    return found


def by_windows(given: Offers, length: int, depth: int, begins: str, closed: bool, attempts: bool) -> list[bool]:
    """Return what a counter of fixed windows answers: one total a window, of whatever came since it began."""
    answers: list[bool] = []
    begin, totals = 0 if begins == "itself" else None, dict[int, int]()
    for now, size in given:
        if begins == "multiples":
            begin = length * (-(-now // length) - 1 if closed else now // length)
        elif begin is None or now > begin + length or (now == begin + length and not closed):
            begin = now
        fits = totals.get(begin, 0) + size <= depth
        totals[begin] = totals.get(begin, 0) + size * (fits or attempts)
        answers.append(fits)
    return answers


def by_weights(given: Offers, length: int, depth: int, floored: bool) -> list[bool]:
    """Return what two counters answer: a sum over all that was admitted, each by its window."""
    answers: list[bool] = []
    for now, size in given:
        number, into = divmod(now, length)
        admitted = [(at // length, bytes_) for (at, bytes_), fits in zip(given, answers, strict=False) if fits]
        before = sum(bytes_ for window, bytes_ in admitted if window == number - 1) * Fraction(length - into, length)
        used = sum(bytes_ for window, bytes_ in admitted if window == number)
        answers.append((floor(before) if floored else before) + used + size <= depth)
    return answers


def by_log(given: Offers, length: int, depth: int, closed: bool) -> list[bool]:
    """Return what a log answers: all that was admitted within the length before is added up each time."""
    answers: list[bool] = []
    for now, size in given:
        before = sum(
            bytes_
            for (at, bytes_), passed in zip(given, answers, strict=False)
            if passed and (now - at < length or (closed and now - at == length))
        )
        answers.append(before + size <= depth)
    return answers


def accused(judge: FixedWindows | SlidingWindow | WeighedWindows, given: Offers, answers: list[bool]) -> bool:
    """Return whether the judge accuses these answers."""
    try:
        for (now, size), answer in zip(given, answers, strict=True):
            judge.hear(now, size, answer, False)
    except Violation:
        return True
    return False


@checks("WC-1")
@given(NUMBERS, st.sampled_from(BEGINS), OFFERS, st.data())
def test_a_fixed_window_is_accused_iff_no_choice_answers_so(
    numbers: tuple[int, int, bool, bool], begins: str, offers: Offers, data: st.DataObject
) -> None:
    """Nothing that a counter answers is accused; with one answer turned round it is, unless another choice says so."""
    length, depth, attempts, closed = numbers
    given = told(offers, depth)
    exact = {"window": Fraction(length), "burst": Fraction(depth)}
    answers = by_windows(given, length, depth, begins, closed, attempts)
    assert not accused(FixedWindows(exact, Fraction(0), attempts), given, answers)
    turned = data.draw(st.integers(0, len(given) - 1))
    wrong = [answer != (number == turned) for number, answer in enumerate(answers)][: turned + 1]
    seen = given[: turned + 1]
    every = [by_windows(seen, length, depth, first, shut, attempts) for first, shut in product(BEGINS, (False, True))]
    assert accused(FixedWindows(exact, Fraction(0), attempts), seen, wrong) == (wrong not in every)


@checks("WC-2")
@given(NUMBERS, OFFERS, st.data())
def test_a_sliding_window_is_accused_iff_no_choice_answers_so(
    numbers: tuple[int, int, bool, bool], offers: Offers, data: st.DataObject
) -> None:
    """Nothing that a log answers is accused; with one answer turned round it is, unless the other end says so."""
    length, depth, _, closed = numbers
    given = told(offers, depth)
    exact = {"window": Fraction(length), "burst": Fraction(depth)}
    answers = by_log(given, length, depth, closed)
    assert not accused(SlidingWindow(exact, Fraction(0)), given, answers)
    turned = data.draw(st.integers(0, len(given) - 1))
    wrong = [answer != (number == turned) for number, answer in enumerate(answers)][: turned + 1]
    seen = given[: turned + 1]
    every = [by_log(seen, length, depth, shut) for shut in (False, True)]
    assert accused(SlidingWindow(exact, Fraction(0)), seen, wrong) == (wrong not in every)


@checks("WC-3")
@given(NUMBERS, OFFERS, st.data())
@example((4, 3, True, False), [(0, 3), (5, 1), (2, 2), (1, 1), (1, 1)], None)
def test_a_sliding_window_counter_is_accused_iff_no_choice_answers_so(
    numbers: tuple[int, int, bool, bool], offers: Offers, data: st.DataObject | None
) -> None:
    """Nothing that two counters answer is accused; with one answer turned round it is, unless rounding says so."""
    length, depth, floored, _ = numbers
    given = told(offers, depth)
    exact = {"window": Fraction(length), "burst": Fraction(depth)}
    answers = by_weights(given, length, depth, floored)
    assert not accused(WeighedWindows(exact, Fraction(0)), given, answers)
    turned = len(given) - 1 if data is None else data.draw(st.integers(0, len(given) - 1))
    wrong = [answer != (number == turned) for number, answer in enumerate(answers)][: turned + 1]
    seen = given[: turned + 1]
    every = [by_weights(seen, length, depth, down) for down in (False, True)]
    assert accused(WeighedWindows(exact, Fraction(0)), seen, wrong) == (wrong not in every)


@checks("WC-1", "WC-2")
@given(NUMBERS, OFFERS)
@example(*EDGE)
def test_floats_of_the_time_accuse_nobody(numbers: tuple[int, int, bool, bool], offers: Offers) -> None:
    """Times and length as floats of a tenth each, which no float is: what they decide at an end is let pass."""
    length, depth, by_offer, closed = numbers
    given = told(offers, depth)
    floats = [(now * 0.1, size) for now, size in given]
    exact = {"window": Fraction(length, 10) * 10**9, "burst": Fraction(depth)}
    nanoseconds = [(now * 10**8, size) for now, size in given]
    if by_offer:
        answers = floating_windows(floats, length * 0.1, depth, closed)
        assert not accused(FixedWindows(exact, Fraction(1, 10**9)), nanoseconds, answers)
    else:
        logged = floating_log(floats, length * 0.1, depth, closed)
        assert not accused(SlidingWindow(exact, Fraction(1, 10**9)), nanoseconds, logged)


def floating_windows(given: list[tuple[float, int]], length: float, depth: int, closed: bool) -> list[bool]:
    """Return what a counter in floats answers, its windows at multiples or, `closed`, from an offer on."""
    answers, number, used, end = [], -1.0, 0, -1.0
    for now, size in given:
        if closed and now >= end:
            end, used = now + length, 0
        if not closed and now // length != number:
            number, used = now // length, 0
        answers.append(used + size <= depth)
        used += size * answers[-1]
    return answers


def floating_log(given: list[tuple[float, int]], length: float, depth: int, closed: bool) -> list[bool]:
    """Return what a log in floats answers."""
    answers: list[bool] = []
    log: list[tuple[float, int]] = []
    for now, size in given:
        log = [(at, bytes_) for at, bytes_ in log if at > now - length or (closed and at == now - length)]
        answers.append(sum(bytes_ for _, bytes_ in log) + size <= depth)
        log += [(now, size)] * answers[-1]
    return answers
