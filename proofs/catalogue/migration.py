"""Theorems on migration: its budget, what readers see at any interleaving, who owns the frames, and when it pays."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import attrs
import z3

from headgate.model.algebra import where
from headgate.model.bucket import Bucket, envelope, full
from headgate.model.heat import migration
from headgate.model.heat.migration import ORDERS, Contents, Frames
from headgate.model.memory.pages import DONE, NO_LEASE, NOBODY, Account, Bank, Page
from headgate.proofs.decoding import schedule_of
from headgate.proofs.invariants import invariant
from headgate.proofs.symbolic import decide, lift
from headgate.proofs.theorem import Expect, Obligation, Query, Theorem
from headgate.spec.vocabulary import Schedule

__all__ = ["THEOREMS"]

# ---- the budget ----


def _budget() -> list[Obligation]:
    level, rate, depth, elapsed, granted, moved, size = z3.Reals("level rate depth elapsed granted moved size")

    def kept(level: Any, moved: Any, granted: Any) -> Any:
        return invariant("budget", level_in_range=z3.And(level >= 0, level <= depth),
                         traffic_is_charged=moved + level <= depth + granted)  # fmt: skip

    given = (depth > 0, rate >= 0, elapsed >= 0, size > 0, granted >= 0, kept(level, moved, granted))
    ok, after = migration.afford(Bucket(level), rate, depth, elapsed, size)
    refilled = z3.If(level + rate * elapsed < depth, level + rate * elapsed, depth)
    more = where(ok, moved + migration.traffic(size), moved)
    return [
        Obligation("a window begins", (depth > 0, level >= 0, level <= depth), kept(level, lift(0), lift(0))),
        Obligation("at first", (depth > 0,), kept(full(depth).level, lift(0), lift(0))),
        Obligation("a copy is asked for", given, kept(after.level, more, granted + rate * elapsed)),
        Obligation("so the traffic keeps the envelope", given, moved <= envelope(1, depth, granted)),
        Obligation("granted iff its traffic is there, read and written", given, ok == (2 * size <= refilled)),
    ]


def _pays() -> list[Obligation]:
    reads, hot, cold = z3.Reals("reads hot cold")
    given = (reads >= 0, hot > 0, cold > 0)
    essay = [migration.wins_back(lift(reads), lift(Fraction(100)), lift(Fraction(85))) for reads in (12, 13)]
    return [
        Obligation("it pays iff all passes together take no longer", given,
                   migration.wins_back(reads, hot, cold) == (hot + cold + reads * cold <= reads * hot)),
        Obligation("with 15 % the thirteenth read pays", (), z3.And(z3.Not(essay[0]), essay[1])),
    ]  # fmt: skip


def _seven(tighter: Fraction) -> Query:
    reads = z3.Int("reads")
    hot, cold = Fraction(100), Fraction(85)
    domain = (reads >= 7 - lift(int(tighter)), reads <= 7, z3.Not(migration.wins_back(z3.ToReal(reads), hot, cold)))
    heading = ("MG-7", "Where a read is 15 % faster, seven reads win back the copy.", "migration", "essay", "win-back")

    def decode(model: z3.ModelRef) -> Schedule:
        return schedule_of(model, heading, {"reads": reads, "hot": hot, "cold": cold}, [])

    return Query(domain, decode, (reads,))


# ---- what a reader sees ----

BLOCKS = range(1, 7)


def _contents(blocks: int) -> tuple[Contents, tuple[Any, ...]]:
    """Return a page in any state, and the last write of each block."""
    home, away, last = (tuple(z3.Ints([f"{name}{k}" for k in range(blocks)])) for name in ("home", "away", "last"))
    return Contents(home, away, tuple(z3.Bools([f"clean{k}" for k in range(blocks)])), z3.Bool("moving")), last


def _current(contents: Contents, last: Sequence[Any]) -> Any:
    parts = list(zip(contents.home, contents.away, contents.clean, last, strict=True))
    return invariant(
        "contents",
        home_is_current=z3.And(*(home == written for home, _, _, written in parts)),
        clean_is_copied=z3.And(*(
            z3.Implies(z3.And(contents.moving, clean), away == home) for home, away, clean, _ in parts
        )),
    )  # fmt: skip


def _reads() -> list[Obligation]:
    return [step for blocks in BLOCKS for step in _reads_of(blocks)]


def _reads_of(blocks: int) -> list[Obligation]:
    contents, last = _contents(blocks)
    block, number = z3.Ints("block number")
    given = (block >= 0, block < blocks, _current(contents, last))
    written = tuple(z3.If(block == k, number, old) for k, old in enumerate(last))
    switched, after = migration.switch(contents)
    steps = {
        "a copy is begun": (migration.begin(contents), last),
        "a block is copied": (migration.copy_block(contents, block), last),
        "a block is written": (migration.write(contents, block, number), written),
        "the page table is switched": (after, last),
        "a copy is given up": (migration.abort(contents), last),
    }
    blank = migration.blank(blocks)
    lifted = Contents(tuple(map(lift, blank.home)), tuple(map(lift, blank.away)), tuple(map(lift, blank.clean)),
                      lift(blank.moving))  # fmt: skip
    seen = z3.Or(*(z3.And(block == k, migration.read(contents, block) == w) for k, w in enumerate(last)))
    copied = migration.copy_block(contents, block)
    name = f"N = {blocks}: "
    return [
        Obligation(name + "at first", (), _current(lifted, [lift(0)] * blocks)),
        *(Obligation(name + what, given, _current(then, written)) for what, (then, written) in steps.items()),
        Obligation(name + "a read returns the last write", given, seen),
        Obligation(name + "switched iff every block is clean", given,
                   lift(switched) == z3.And(contents.moving, *contents.clean)),
        Obligation(name + "a block that is copied is clean", (*given, contents.moving),
                   z3.And(*(c == z3.Or(block == k, b)
                            for k, (c, b) in enumerate(zip(copied.clean, contents.clean, strict=True))))),
        Obligation(name + "a beginning keeps what was copied", given, z3.And(migration.begin(contents).moving, *(
            a == z3.And(contents.moving, b)
            for a, b in zip(migration.begin(contents).clean, contents.clean, strict=True)))),
        Obligation(name + "a copy that ends is under way no more", (*given, lift(switched)), z3.Not(after.moving)),
        Obligation(name + "nor one that is given up", given, z3.Not(lift(migration.abort(contents).moving))),
    ]  # fmt: skip


# ---- who owns the frames ----


def _frames() -> tuple[Frames, tuple[Any, ...], Any, Any]:
    """Return frames under a lease of the tenant, with no copy under way yet, and what is so."""
    tenant, lease = z3.Ints("tenant lease")
    source, target = Page(*z3.Ints("owner0 lease0")), Page(*z3.Ints("owner1 lease1"))
    home, roof = (Bank(z3.Int(f"holder{k}"), z3.Bool(f"draining{k}"), z3.Int(f"used{k}")) for k in (0, 1))
    frames = Frames(source, home, target, roof, Account(*z3.Ints("held copies quota")))
    return frames, (tenant >= 0, lease > NO_LEASE, source.owner == tenant, source.lease == lease), tenant, lease


def _same(left: Any, right: Any) -> Any:
    if hasattr(type(left), "__attrs_attrs__"):
        return z3.And(*(_same(getattr(left, f.name), getattr(right, f.name)) for f in attrs.fields(type(left))))
    return lift(left) == lift(right)


def _ownership() -> list[Obligation]:
    """From any state in which the page has its lease: a beginning, and then an abort, a switch, or a free."""
    frames, mine, tenant, lease = _frames()
    contents, _ = _contents(2)
    outcome, begun = migration.begin_frames(frames, tenant)
    free = (*mine, frames.target.lease == NO_LEASE)
    ready = (*free, outcome == DONE)
    copying = attrs.evolve(contents, moving=lift(True))
    aborted, freed = migration.abort_frames(begun, copying, tenant)
    done, after, moved = migration.switch_frames(begun, copying, tenant, lease)
    # the tenant has freed the page since: the source is somebody else's, or nobody's, or under a later lease
    lost = attrs.evolve(begun, source=Page(*z3.Ints("owner2 lease2")))
    gone = (*ready, z3.Or(lost.source.owner != tenant, lost.source.lease > lease, lost.source.lease == NO_LEASE))
    _, _, given_up = migration.switch_frames(lost, copying, tenant, lease)
    _, dropped = migration.abort_frames(lost, copying, tenant)
    untaken = z3.And(given_up.target.owner == NOBODY, dropped.target.owner == NOBODY,
                     _same(given_up.account, frames.account), _same(dropped.account, frames.account))  # fmt: skip
    return [
        Obligation("a copy is begun iff the page leaves and the target is free and the tenant's colour", free,
                   (outcome == DONE) == z3.And(frames.home.draining, frames.target.owner == NOBODY,
                                               frames.roof.holder == tenant, z3.Not(frames.roof.draining))),
        Obligation("refused, it changes nothing", (*free, outcome != DONE), _same(begun, frames)),
        Obligation("until the switch the page is where it was", ready, z3.And(
            _same(begun.source, frames.source), begun.target.lease == NO_LEASE, begun.target.owner == tenant)),
        Obligation("an abort leaves everything as it was", ready, z3.And(
            _same(freed, frames), z3.Not(lift(aborted.moving)))),
        Obligation("an abort without a copy changes nothing", (*free, z3.Not(contents.moving)),
                   _same(migration.abort_frames(frames, contents, tenant)[1], frames)),
        Obligation("a switch moves the lease, and frees the old frame", (*ready, lift(done)), z3.And(
            moved.target.owner == tenant, moved.target.lease == lease, moved.source.owner == NOBODY,
            moved.source.lease == NO_LEASE, _same(moved.account, frames.account), z3.Not(lift(after.moving)))),
        Obligation("where a block is not clean, nothing moves", (*ready, z3.Not(lift(done))), _same(moved, begun)),
        Obligation("what was freed during the copy stays free, and the target with it",
                   (*gone, *contents.clean), untaken),
    ]  # fmt: skip


# ---- other orders ----

OPERATIONS = ("begin", "copy", "write", "switch", "abort")


def _lost(rule: str, count: int, clause: str, statement: str) -> Query:
    """One block, and so many operations: then a read that does not return the last write."""
    order, contents, last = ORDERS[rule], migration.blank(1), lift(0)
    chosen = z3.Ints([f"operation{k}" for k in range(count)])
    for number, operation in enumerate(chosen, 1):
        ways = {
            "begin": order.begin(contents),
            "copy": order.copy_block(contents, 0),
            "write": order.write(contents, 0, number),
            "switch": order.switch(contents)[1],
            "abort": migration.abort(contents),
        }
        for code, name in enumerate(OPERATIONS):
            contents = where(operation == code, ways[name], contents) if code else ways[name]
        last = where(operation == OPERATIONS.index("write"), number, last)
    domain = (*(z3.And(o >= 0, o < len(OPERATIONS)) for o in chosen),
              lift(migration.read(contents, 0)) != lift(last))  # fmt: skip
    heading = (clause, statement, "migration", rule, "lost-write")

    def decode(model: z3.ModelRef) -> Schedule:
        found = schedule_of(model, heading, {"blocks": 1}, [(0, k, 1) for k in range(count + 1)])
        names = [*(OPERATIONS[int(decide(model, operation))] for operation in chosen), "read"]
        requests = [attrs.evolve(r, operation=name) for r, name in zip(found.requests, names, strict=True)]
        return attrs.evolve(found, requests=tuple(requests))

    return Query(domain, decode, tuple(chosen))


FIRST = "If the page table is switched as the copy is enqueued, every read returns the last write."
ONCE = "If the page table is switched after all blocks were copied once, every read returns the last write."


def _switch_first(tighter: Fraction) -> Query:
    """A write, a beginning, and a write that the copy overwrites; a stale read is shorter still."""
    return _lost("switch-first", 1, "MG-4", FIRST)


def _overwritten(tighter: Fraction) -> Query:
    """With all that was written before the copy already there: every read is of a block that was copied."""
    query = _lost("switch-first", 3, "MG-4", FIRST)
    chosen = query.smallest
    order = ("begin", "write", "copy")
    return Query((*query.constraints, *(o == OPERATIONS.index(name) for o, name in zip(chosen, order, strict=True))),
                 query.decode, query.smallest)  # fmt: skip


def _unmarked(tighter: Fraction) -> Query:
    return _lost("unmarked", 4, "MG-5", ONCE)


THEOREMS: Sequence[Theorem] = (
    Theorem(
        "migration-budget", ("MG-1",),
        "The traffic of migration is at most depth + rate t in any window; a copy is granted iff its traffic fits.",
        "every horizon; any rate, depth, sizes and times", obligations=_budget, invariants=("budget",),
        partner="migration-budget",
    ),
    Theorem(
        "migration-reads", ("MG-2",),
        "At any interleaving of copies, writes, switches and aborts every read returns the last write.",
        "every horizon; one step of the code, from any state that is sound", obligations=_reads,
        invariants=("contents",), limit="N = 2..6 blocks, and one",
        unpaired="an equation",
    ),
    Theorem(
        "migration-frames", ("MG-3",),
        "One of the two frames is the tenant's page; an abort leaves everything as it was before the copy.",
        "any page, banks and account", obligations=_ownership,
        unpaired="an equation",
    ),
    Theorem(
        "migration-switch-first", ("MG-4",), FIRST, "one block, one operation", expect=Expect.REFUTED,
        attack=_switch_first,
    ),
    Theorem(
        "migration-overwritten", ("MG-4",),
        "If the page table is switched as the copy is enqueued, a write is read once the copy is complete.",
        "one block, three operations", expect=Expect.REFUTED, attack=_overwritten,
    ),
    Theorem(
        "migration-unmarked", ("MG-5",), ONCE, "one block, four operations", expect=Expect.REFUTED, attack=_unmarked,
    ),
    Theorem(
        "migration-pays", ("MG-6",), "A move pays iff its reads, n (hot - cold), win back one read and one write.",
        "any times and number of reads", obligations=_pays, partner="migration-pays",
    ),
    Theorem(
        "migration-seven-reads", ("MG-7",), "Where a read is 15 % faster, seven reads win back the copy.",
        "reads of 100 and 85", expect=Expect.REFUTED, attack=_seven,
    ),
)  # fmt: skip
