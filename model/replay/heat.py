"""Replays of heat: the thermal loop, the placement of a page, and its migration.

Claims of "thermal": "swing", distances from the equilibrium come back as they were, and are not all the same; "latch",
a stack rests at two temperatures; "inlet", the die warms by more than the water. Of "placement": "moves", a page moves
more often than a band allows. Of "migration": "win-back", a move does not pay; "lost-write", a read does not return
the last write. An operation of such a schedule is one of OPERATIONS, its row the block.
"""

from fractions import Fraction

from headgate.model.heat import migration
from headgate.model.heat.loop import clipped, delayed_step, is_settled
from headgate.model.heat.migration import ORDERS
from headgate.model.heat.placement import Home, average, essay_place, most_moves, place
from headgate.model.refresh import Refresh, corrected_interval, essay_interval, served_by
from headgate.model.replay.form import Lane, Mark, Replay, ReplayError
from headgate.model.replay.given import Given
from headgate.spec.units import Celsius

__all__ = ["CLAIMS", "OPERATIONS"]

OPERATIONS = ("begin", "copy", "write", "switch", "abort", "read")
# A fraction that is halved so often is still short.
MOST_STEPS, MOST_STACKS, MOST_BLOCKS = 200, 64, 256


def _swing(given: Given) -> Replay:
    """Claim "swing": after `steps` steps the distances are what they were, and they are not all the same."""
    rule = given.rule_of("as-given", "small-gain")
    gain, limit, decay = given.number("gain"), given.number("limit"), given.positive("decay")
    if decay >= 1:
        raise ReplayError(f"parameters.decay: expected less than 1, got {decay}")
    history = tuple(given.values("history"))
    if not 1 <= len(history) <= MOST_STEPS:
        raise ReplayError(f"parameters.history: expected 1 to {MOST_STEPS} distances, got {len(history)}")
    steps = given.whole_within("steps", 1, MOST_STEPS)
    reaction = clipped(min(gain, Fraction(1)) if rule == "small-gain" else gain, limit)
    now, seen = history, [history[0]]
    for _ in range(steps):
        now = delayed_step(now, decay, reaction)
        seen.append(now[0])
    again, swing = now == history, max(seen) - min(seen)
    marks = [Mark(Fraction(at), Fraction(at + 1), "level", value=x) for at, x in enumerate(seen)]
    lanes = [Lane("distance", tuple(marks))]
    violated = again and swing > 0
    if violated:
        lanes.append(Lane("violation", (Mark(Fraction(0), Fraction(steps), "violation", "for ever"),)))
    words = "come back as they were" if again else "do not come back as they were"
    finding = f"after {steps} steps the distances {words}, with a swing of {swing} C"
    return Replay(violated, swing if again else Fraction(0), Fraction(0), "C", finding, tuple(lanes), clock="steps")


def _latch(given: Given) -> Replay:
    """Claim "latch": the stack rests at `cold` and at `hot` under one and the same `ambient`."""
    curve = essay_interval if given.rule_of("essay", "corrected") == "essay" else corrected_interval
    ambient = given.number("ambient", least=None)
    resting = []
    for key in ("cold", "hot"):
        temperature = given.number(key, least=None)
        if is_settled(temperature, ambient, _heating(given, curve, temperature)):
            resting.append(temperature)
    apart = max(resting) - min(resting) if len(resting) == 2 else Fraction(0)
    at = " and ".join(f"{temperature} C" for temperature in resting) or "neither temperature"
    return Replay(apart > 0, apart, Fraction(0), "C", f"under {ambient} C the stack rests at {at}", ())


def _heating(given: Given, curve: object, temperature: Celsius) -> Fraction:
    peak, blackout, base = given.positive("peak"), given.positive("blackout"), given.positive("base_interval")
    if abs(temperature) > MOST_C:
        raise ReplayError(f"parameters: expected temperatures of at most {MOST_C} C, got {temperature}")
    interval = curve(base, temperature)  # type: ignore[operator]
    if interval.low != interval.high:
        raise ReplayError(f"parameters: expected a temperature whose interval is rational, got {temperature}")
    rate = served_by(peak, Refresh(interval.low, blackout)) / interval.low
    heating: Fraction = given.positive("resistance") * given.positive("watts") * rate
    return heating


MOST_C = 200


def _inlet(given: Given) -> Replay:
    """Claim "inlet": from the coolest water to the warmest the die warms by more than the water."""
    given.rule_of("sweep")
    inlets, dies = given.values("inlets"), given.values("dies")
    if len(inlets) != len(dies) or len(inlets) < 2:
        raise ReplayError("parameters.dies: expected a temperature for each of two inlets or more")
    pairs = sorted(zip(inlets, dies, strict=True))
    water, die = pairs[-1][0] - pairs[0][0], pairs[-1][1] - pairs[0][1]
    violated, bound = given.judge(die, water)
    return Replay(violated, die, bound, "C", f"{water} C of water warm the die by {die} C", ())


def _moves(given: Given) -> Replay:
    """Claim "moves": a page moves more often than PL-3 says for the band, the dwell time and the averages seen."""
    rule = given.rule_of("hysteresis", "coolest", "essay")
    stacks = given.whole_within("stacks", 1, MOST_STACKS)
    band, dwell, weight = given.positive("band"), given.whole_within("dwell", 0, 10**6), given.number("weight")
    if weight > 1:
        raise ReplayError(f"parameters.weight: expected at most 1, got {weight}")
    flat = given.values("temperatures")
    if not flat or len(flat) % stacks or len(flat) // stacks > MOST_STEPS:
        raise ReplayError(f"parameters.temperatures: expected 1 to {MOST_STEPS} samples of {stacks} stacks")
    rows = [flat[at : at + stacks] for at in range(0, len(flat), stacks)]
    averages, home, slew, moves = rows[0], Home(0, dwell), Fraction(0), []
    levels: list[Mark] = []
    for at, row in enumerate(rows):
        later = [average(before, sample, weight) for before, sample in zip(averages, row, strict=True)]
        slew = max(slew, *(abs(b - a) for a, b in zip(averages, later, strict=True)))
        averages = later
        if rule == "essay":
            moved, home = essay_place(home, averages, band, stacks - stacks // 2)
        else:
            moved, home = place(home, averages, *((band, dwell) if rule == "hysteresis" else (0, 0)))
        instant = Fraction(at)
        levels.append(Mark(instant, instant + 1, "level", value=Fraction(home.stack)))
        if moved:
            moves.append(Mark(instant, instant, "arrival", f"to stack {home.stack}"))
    most = Fraction(most_moves(len(rows) - 1, slew, band, dwell))
    violated, bound = given.judge(Fraction(len(moves)), most)
    lanes = [Lane("stack", tuple(levels)), Lane("moves", tuple(moves))]
    if violated:
        lanes.append(Lane("violation", (Mark(Fraction(0), Fraction(len(rows)), "violation", "too many moves"),)))
    finding = f"{len(moves)} moves in {len(rows)} samples, {given.asked_for()} {bound}"
    return Replay(violated, Fraction(len(moves)), bound, "moves", finding, tuple(lanes), clock="samples")


def _win_back(given: Given) -> Replay:
    """Claim "win-back": so many reads do not win back the copy."""
    rule = given.rule_of("essay", "corrected")
    reads, hot, cold = given.number("reads"), given.positive("hot"), given.positive("cold")
    pays = bool(migration.wins_back(reads, hot, cold))
    won, cost = reads * (hot - cold), hot + cold
    # the corrected rule leaves the page where it is, unless the move pays
    moved = rule == "essay" or pays
    finding = f"{reads} reads win {won}, the copy costs {cost}" + ("" if moved else "; the page is not moved")
    return Replay(moved and not pays, cost, won, "ns", finding, ())


def _lost_write(given: Given) -> Replay:
    """Claim "lost-write": a read returns another number than that of the last write of its block."""
    order = ORDERS[given.rule_of(*ORDERS)]
    blocks = given.whole_within("blocks", 1, MOST_BLOCKS)
    contents, last, wrong, marks = migration.blank(blocks), [0] * blocks, Fraction(0), []
    shown = ""
    for number, request in enumerate(given.requests, 1):
        operation, block = request.operation, request.row
        if operation not in OPERATIONS:
            raise ReplayError(f"requests[{number - 1}].operation: expected one of {', '.join(OPERATIONS)}")
        if block >= blocks:
            raise ReplayError(f"requests[{number - 1}].row: expected one of {blocks} blocks, got {block}")
        at = Fraction(request.arrival_ns)
        text = operation
        if operation == "begin":
            contents = order.begin(contents)
        elif operation == "copy":
            contents = order.copy_block(contents, block)
        elif operation == "switch":
            switched, contents = order.switch(contents)
            text = "switch" if switched else "switch refused"
        elif operation == "abort":
            contents = migration.abort(contents)
        elif operation == "write":
            contents, last[block] = order.write(contents, block, number), number
        else:
            seen = migration.read(contents, block)
            text = f"read {seen}"
            if seen != last[block]:
                wrong += 1
                shown = shown or f"; a read of block {block} returns {seen}, the last write is {last[block]}"
        marks.append(Mark(at, at, "violation" if text.startswith("read") and shown and wrong else "arrival", text))
    finding = f"{'1 read does' if wrong == 1 else f'{wrong} reads do'} not return the last write{shown}"
    return Replay(wrong > 0, wrong, Fraction(0), "reads", finding, (Lane("operations", tuple(marks)),))


CLAIMS = {
    ("thermal", "swing"): _swing,
    ("thermal", "latch"): _latch,
    ("thermal", "inlet"): _inlet,
    ("placement", "moves"): _moves,
    ("migration", "win-back"): _win_back,
    ("migration", "lost-write"): _lost_write,
}
