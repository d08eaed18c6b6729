"""The catalogue: every theorem gets its verdict, every witness replays, and the small ones are as small as can be."""

import functools
from fractions import Fraction

import attrs
import pytest

from headgate.model.arbiters import ARBITERS, ESSAY
from headgate.model.memory.allocator import Rules
from headgate.model.memory.pages import owner_frees
from headgate.model.replay import replay
from headgate.proofs.catalogue import catalogue
from headgate.proofs.catalogue.allocator_code import _unrolled
from headgate.proofs.catalogue.fair_queueing import _gap_attack
from headgate.proofs.runner import Limits, prove, search
from headgate.proofs.symbolic import symbolic
from headgate.proofs.table import unit_tenants
from headgate.proofs.theorem import Expect, Kind, Result
from headgate.spec.clauses import clauses
from headgate.spec.vocabulary import Schedule

THEOREMS = {theorem.id: theorem for theorem in catalogue()}
REFUTED = {
    "bucket-essay": 1, "bucket-paused": 2,
    "bucket-essay-depth": 400, "essay-tag": 4, "refresh-essay-interval": 1, "admission-essay": 0,
    "admission-race": 0,
    "admission-no-tax": 0,
    "fq-codel-rejoins": 5,
    "eviction-lru-floor": 3, "eviction-lru-starves": 18, "eviction-total-starves": 15, "eviction-total-floor": 3,
    "eviction-floorless": 5, "pages-now": 2, "pages-now-quota": 2, "pages-race": 0,
    "composed-no-tax": 24,
    "bytes-not-tokens": 5,
    "allocator-owner-only": 5, "allocator-at-once": 3, "colours-essay": 5,
    "wfq-nominal": 8,
    "promise-untreated": 3,
    "admission-no-losses": 1,
    "admission-mitigated": 0,
    "fcfs-starves": 3, "priority-starves": 3, "essay-starves": 3, "fr-fcfs-starves": 3,
    "round-robin-starves": 4, "priority-burst": 3, "channels-aimed": 2,
    "thermal-delay-settles": 0, "thermal-essay-inlet": 0, "thermal-essay-latch": 0,
    "placement-coolest": 0, "placement-essay": 0,
    "migration-switch-first": 2, "migration-overwritten": 4, "migration-unmarked": 5, "migration-seven-reads": 0,
}  # fmt: skip
TIGHT = {
    "bucket-envelope", "meter-window", "sfq-pairwise-gap", "scfq-pairwise-gap", "refresh-service-curve",
    "drr-pairwise-gap", "fq-codel-turns", "essay-wait-doubles",
    "wf2q-plus-delay",
    "refresh-postponed",
    "refresh-per-bank",
    "admission-safety",
    "drr-request-delay", "early-delay", "sfq-share", "wf2q-plus-share",
    "deadlines-own-delay", "wfq-own-delay", "scfq-own-delay", "drr-own-delay",
    "sfq-bypass", "scfq-bypass", "drr-bypass", "round-robin-bypass", "fr-fcfs-cap-bypass",
    "sfq-weighted-gap", "composed-backlog", "placement-moves",
}  # fmt: skip


@functools.cache
def proved(name: str) -> Result:
    return prove(THEOREMS[name])


def witness_of(name: str) -> Schedule:
    witness = proved(name).witness
    assert witness is not None
    return witness


def test_ids_are_unique() -> None:
    assert len(THEOREMS) == len(catalogue())


@pytest.mark.parametrize("name", sorted(THEOREMS))
def test_verdict(name: str) -> None:
    result = proved(name)
    assert (result.kind is Kind.HOLDS_TO) == (THEOREMS[name].horizon is not None)
    assert result.as_expected, f"{result.kind.value}: {result.reason}"
    assert result.premises_satisfiable
    if name in TIGHT:
        assert result.tight


def test_what_is_refuted_is_what_should_be() -> None:
    assert {name for name, theorem in THEOREMS.items() if theorem.expect is Expect.REFUTED} == set(REFUTED)


@pytest.mark.parametrize("name", sorted(REFUTED))
def test_refutations_replay_and_are_minimal(name: str) -> None:
    witness = witness_of(name)
    assert replay(witness).violated
    assert len(witness.requests) == REFUTED[name]


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("bucket-essay", "token"),
        ("bucket-paused", "token"),
        ("essay-tag", "sfq"),
        ("essay-tag", "scfq"),
        ("refresh-essay-interval", "corrected"),
        ("admission-essay", "corrected"),
        ("admission-no-tax", "corrected"),
        ("admission-race", "atomic"),
        ("eviction-lru-floor", "resident"),
        ("eviction-lru-floor", "lru-floor"),
        ("eviction-lru-starves", "resident"),
        ("eviction-total-starves", "resident"),
        ("eviction-total-floor", "resident"),
        ("eviction-floorless", "resident"),
        ("eviction-lru-floor", "floorless"),
        ("eviction-lru-floor", "total"),
        ("eviction-total-starves", "floorless"),
        ("eviction-total-floor", "floorless"),
        ("eviction-total-floor", "lru"),
        ("eviction-floorless", "lru"),
        ("eviction-floorless", "total"),
        ("pages-now", "maximum"),
        ("pages-now-quota", "maximum"),
        ("pages-race", "maximum"),
        ("allocator-owner-only", "coloured"),
        ("allocator-at-once", "coloured"),
        ("colours-essay", "coloured"),
        ("wfq-nominal", "sfq"),
        ("admission-no-losses", "corrected"),
        ("admission-mitigated", "corrected"),
        ("promise-untreated", "shaped"),
        ("promise-untreated", "in-line"),
        ("promise-untreated", "background"),
        ("fcfs-starves", "sfq"),
        ("priority-starves", "sfq"),
        ("essay-starves", "sfq"),
        ("fr-fcfs-starves", "fr-fcfs-cap"),
        ("fr-fcfs-starves", "sfq"),
        ("round-robin-starves", "drr"),
        ("round-robin-starves", "sfq"),
        ("priority-burst", "sfq"),
        ("priority-burst", "early"),
        ("composed-no-tax", "corrected"),
        ("thermal-delay-settles", "small-gain"),
        ("thermal-essay-latch", "corrected"),
        ("placement-coolest", "hysteresis"),
        ("placement-essay", "hysteresis"),
        ("migration-switch-first", "copy-first"),
        ("migration-overwritten", "copy-first"),
        ("migration-unmarked", "copy-first"),
        ("migration-seven-reads", "corrected"),
    ],
)
def test_the_corrected_rule_keeps_what_the_essay_breaks(name: str, rule: str) -> None:
    assert not replay(witness_of(name), rule).violated


@pytest.mark.parametrize("name", sorted(TIGHT))
def test_a_tight_witness_breaks_only_the_tighter_bound(name: str) -> None:
    witness = witness_of(name)
    as_stated = attrs.evolve(witness, parameters={**witness.parameters, "tighter_by": 0})
    assert replay(witness).violated
    assert not replay(as_stated).violated


def test_three_requests_are_too_few_for_the_essay_tag() -> None:
    with symbolic():
        assert search(_gap_attack(ESSAY, unit_tenants(2, 2), 3, "FQ-9")(Fraction(0)), Limits(), "t") is None


def test_four_operations_are_too_few_for_a_page_freed_twice() -> None:
    with symbolic():
        rule = Rules(free=owner_frees)
        assert search(_unrolled(4, rule, "owner-only", Fraction(0)), Limits(), "t") is None
        assert search(_unrolled(5, Rules(), "coloured", Fraction(0)), Limits(), "t") is None


def test_the_attack_finds_what_is_wrong_with_fcfs() -> None:
    with symbolic():
        found = search(_gap_attack(ARBITERS["fcfs"], unit_tenants(2, 2), 4, "FQ-4")(Fraction(0)), Limits(), "t")
    assert found is not None
    assert len(found.requests) == 4


def test_every_clause_named_exists() -> None:
    known = set(clauses())
    assert {clause for theorem in THEOREMS.values() for clause in theorem.clauses} <= known


def test_a_theorem_says_its_scope() -> None:
    for theorem in THEOREMS.values():
        assert theorem.scope
        assert theorem.statement.endswith(".")
