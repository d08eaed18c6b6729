"""What must hold of migration (MG-1 to MG-7)."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from headgate.model.bucket import full
from headgate.model.heat import migration
from headgate.model.heat.migration import ORDERS, Contents, Frames, Order
from headgate.model.memory.pages import DONE, NO_LEASE, NOBODY, Account, Bank, Page
from headgate.properties.oracles import heat as plain
from headgate.spec.links import checks

Operation = tuple[str, int]
NAMES = ("begin", "copy", "write", "switch", "abort", "read")
BLOCKS = 3


def flat(parts: list[list[Operation]]) -> list[Operation]:
    return [each for part in parts for each in part]


def operations() -> st.SearchStrategy[list[Operation]]:
    """Draw what happens to a page of three blocks, copies often enough that some are complete."""
    one = st.tuples(st.sampled_from((*NAMES, "copy", "copy", "copy", "write")), st.integers(0, BLOCKS - 1))
    whole = st.just([("copy", k) for k in range(BLOCKS)])
    return st.lists(st.one_of(one.map(lambda each: [each]), whole), max_size=16).map(flat)


COMPLETE: list[Operation] = [("begin", 0), ("copy", 0), ("copy", 1), ("copy", 2), ("switch", 0)]


def steps(order: Order, done: list[Operation]) -> Iterator[tuple[Contents, list[int], Any]]:
    """Yield, after each operation, the contents, the last write of each block, and what a switch or a read returned."""
    contents, last = migration.blank(BLOCKS), [0] * BLOCKS
    for number, (name, block) in enumerate(done, 1):
        said = None
        if name == "begin":
            contents = order.begin(contents)
        elif name == "copy":
            contents = order.copy_block(contents, block)
        elif name == "write":
            contents, last[block] = order.write(contents, block, number), number
        elif name == "switch":
            said, contents = order.switch(contents)
        elif name == "abort":
            contents = migration.abort(contents)
        else:
            said = migration.read(contents, block)
        yield contents, last, said


def play(order: Order, done: list[Operation]) -> tuple[Contents, list[int], list[bool]]:
    """Return the contents, the last write of each block, and of each read whether it was right."""
    contents, last, right = migration.blank(BLOCKS), [0] * BLOCKS, []
    for (name, block), (after, written, said) in zip(done, steps(order, done), strict=True):
        contents, last = after, written
        if name == "read":
            right.append(said == last[block])
    return contents, last, right


@checks("MG-2")
@given(operations())
@example([*COMPLETE[:4], ("write", 1), ("switch", 0), ("read", 1)])  # written between its copy and the switch
@example([*COMPLETE[:4], ("write", 1), ("copy", 1), ("switch", 0), ("read", 1)])
@example([*COMPLETE[:3], ("abort", 0), ("write", 0), ("begin", 0), ("copy", 2), ("switch", 0), ("read", 0)])
@example([*COMPLETE, ("write", 0), *COMPLETE, ("read", 0)])  # there and back
def test_every_read_returns_the_last_write(done: list[Operation]) -> None:
    """Whatever the interleaving; and a switch is made whenever nothing old is left."""
    copy, played = plain.Copy(BLOCKS), steps(ORDERS["copy-first"], done)
    for number, ((name, block), (contents, last, said)) in enumerate(zip(done, played, strict=True), 1):
        expected = copy.do(name, block, number)
        if name in ("switch", "read"):
            assert said == expected
        if name == "read":
            assert said == last[block]
        assert list(contents.home) == last == copy.frames[copy.table]
        assert contents.moving == (copy.old is not None)


@checks("MG-2")
@given(operations())
def test_a_copy_that_is_left_alone_arrives(done: list[Operation]) -> None:
    """From wherever it stands: copy every block, and switch."""
    contents, last, _ = play(ORDERS["copy-first"], done)
    contents = migration.begin(contents)
    for block in range(BLOCKS):
        contents = migration.copy_block(contents, block)
    switched, after = migration.switch(contents)
    assert switched
    assert list(after.home) == last
    assert after.away == contents.home


@checks("MG-4")
def test_the_page_table_first_loses_writes() -> None:
    """A read before the copy sees what was there, and the copy overwrites a write."""
    assert play(ORDERS["switch-first"], [("write", 0), ("begin", 0), ("read", 0)])[2] == [False]
    overwritten = [("begin", 0), ("write", 0), ("copy", 0), ("copy", 1), ("copy", 2), ("switch", 0), ("read", 0)]
    assert play(ORDERS["switch-first"], overwritten)[2] == [False]
    assert play(ORDERS["switch-first"], [("begin", 0), ("abort", 0), ("read", 0)])[2] == [False]
    assert play(ORDERS["switch-first"], [("write", 0), *COMPLETE, ("read", 0)])[2] == [True]


@checks("MG-5")
@given(operations())
@example([*COMPLETE[:2], ("write", 0), *COMPLETE[2:], ("read", 0)])
def test_a_write_that_marks_nothing_is_lost_only_if_a_copy_of_it_was_made(done: list[Operation]) -> None:
    """Without a write while a copy is under way, all is well; the example shows what happens with one."""
    quiet = [name for name, _ in done]
    written_meanwhile = any("begin" in quiet[:at] for at, name in enumerate(quiet) if name == "write")
    _, _, right = play(ORDERS["unmarked"], done)
    assert all(right) or written_meanwhile
    lost = [*COMPLETE[:2], ("write", 0), *COMPLETE[2:], ("read", 0)]
    assert play(ORDERS["unmarked"], lost)[2] == [False]
    assert play(ORDERS["copy-first"], lost)[2] == [True]


@checks("MG-1")
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=12),
    st.fractions(0, 4, max_denominator=4),
    st.integers(1, 30),
)
@example([(0, 5), (0, 1), (2, 1)], Fraction(1), 10)  # the whole depth at once; then two ns for one byte more
def test_migration_keeps_its_budget(asked: list[tuple[int, int]], rate: Fraction, depth: int) -> None:
    """In any window of what was granted; and what is refused would not have fitted some window."""
    budget, granted = full(depth), list[tuple[int, int]]()
    times = list(accumulate(gap for gap, _ in asked))
    for now, (gap, size) in zip(times, asked, strict=True):
        ok, budget = migration.afford(budget, rate, depth, gap, size)
        windows = [
            sum(2 * s for at, s in granted if at >= begin) + 2 * size - depth - rate * (now - begin)
            for begin in {now, *(at for at, _ in granted)}
        ]
        assert ok == all(excess <= 0 for excess in windows)
        if ok:
            granted.append((now, size))


def frames(draining: bool = True) -> Frames:
    """A page of tenant 7 under lease 3, and a free frame of its colour."""
    return Frames(
        Page(7, 3), Bank(7, draining, 1), Page(NOBODY, NO_LEASE), Bank(7, False, 0), Account(1, 0, 1)
    )  # fmt: skip


def as_text(given_frames: Frames) -> str:
    """Return frames as text, to compare them (the records of pages do not compare)."""
    return repr(given_frames)


@checks("MG-3")
@given(operations())
@example(COMPLETE)
def test_an_abort_is_as_if_nothing_had_begun(done: list[Operation]) -> None:
    """At whatever point; or, if all is copied, the lease is on the other frame, and the old one is free."""
    outcome, begun = migration.begin_frames(frames(), 7)
    assert outcome == DONE
    assert (begun.target.owner, begun.target.lease, begun.account.copies) == (7, NO_LEASE, 1)
    contents, last, _ = play(ORDERS["copy-first"], [("begin", 0), *(each for each in done if each[0] != "switch")])
    after, kept = migration.abort_frames(begun, contents, 7)
    assert not after.moving
    assert list(after.home) == last
    assert as_text(kept) == (as_text(frames()) if contents.moving else as_text(begun))
    switched, _, moved = migration.switch_frames(begun, contents, 7, 3)
    assert switched == (contents.moving and all(contents.clean))
    if switched:
        assert (moved.source.owner, moved.target.owner, moved.target.lease) == (NOBODY, 7, 3)
        assert (moved.home.used, moved.roof.used, moved.account.copies) == (0, 1, 0)
    else:
        assert as_text(moved) == as_text(begun)
    assert migration.begin_frames(frames(draining=False), 7)[0] != DONE


@checks("MG-6")
@given(st.integers(0, 60), st.integers(1, 100), st.integers(1, 100))
@example(13, 100, 85)
@example(12, 100, 85)
def test_a_move_pays_iff_it_takes_less_in_all(reads: int, hot: int, cold: int) -> None:
    """Pass by pass: one hot read and one cold write, then cold reads, against hot ones."""
    with_move = hot + cold + sum(cold for _ in range(reads))
    without = sum(hot for _ in range(reads))
    assert migration.wins_back(reads, hot, cold) == (with_move <= without)


@checks("MG-7")
def test_seven_reads_do_not_pay() -> None:
    """Fifteen per cent faster: seven reads win back one pass, and the copy is nearly two."""
    assert next(reads for reads in range(20) if migration.wins_back(reads, 100, 85)) == 13
