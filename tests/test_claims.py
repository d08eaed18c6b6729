"""The register of the essays' claims: computed verdicts against those that were worked out apart, and its links."""

from collections import Counter
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.model.refresh import Enclosure
from headgate.proofs.claims import Check, Claim, Essay, Standing, agrees, claims, evidence, judge
from headgate.proofs.claims.quantities import correlation, kv_bytes, root
from headgate.proofs.manifest import manifest
from headgate.spec.clauses import clauses

# The verdicts, from an audit by hand; whatever is not named here is refuted.
EXPECTED = {
    Standing.STANDS: {
        "FAB": (2, 5, 40, 42),
        "PWR": (1, 3),
        "HOT": (9, 11, 13, 32),
        "MPS": (1, 2, 3, 9, 11, 12, 13, 14, 15, 23),
        "TAX": (1, 3, 5, 6, 12),
    },
    Standing.CONTRADICTED: {
        "FAB": (6, 11, 12, 14, 17, 18, 19, 20, 22, 24, 28, 32, 37, 38, 39),
        "HOT": (3, 4, 7, 8, 10, 21, 25, 26, 30, 33, 36, 40, 46),
        "MPS": (4, 17),
    },
    Standing.OPEN: {
        "FAB": (7, 15, 16, 21, 23, 26, 29, 33, 34, 35, 43, 44, 45, 46, 47),
        "PWR": (2, 4, 5),
        "HOT": (1, 5, 12, 16, 24, 28, 29, 34, 35, 37, 38, 41, 43, 44),
        "MPS": (6, 7, 18, 20, 21, 22, 24),
        "TAX": (4, 9, 11, 13, 14, 15),
    },
}


def expected(claim: Claim) -> Standing:
    series, _, number = claim.id.partition("-")
    named = [standing for standing, ids in EXPECTED.items() if int(number) in ids.get(series, ())]
    return named[0] if named else Standing.REFUTED


@pytest.mark.parametrize("claim", claims(), ids=lambda claim: claim.id)
def test_the_verdict_is_the_one_that_was_worked_out_by_hand(claim: Claim) -> None:
    assert judge(claim).standing is expected(claim)


def test_every_claim_has_a_number_of_its_own_and_nobody_else_is_named() -> None:
    ids = [claim.id for claim in claims()]
    counted = Counter(each.partition("-")[0] for each in ids)
    assert ids == [f"{series}-{number}" for series, most in counted.items() for number in range(1, most + 1)]
    assert {f"{series}-{number}" for named in EXPECTED.values() for series in named for number in named[series]} <= {
        *ids
    }
    assert {claim.essay for claim in claims()} == set(Essay)


def test_what_a_claim_names_is_there() -> None:
    verdicts = {name: verdict for each in manifest() for name, verdict in each.theorems}
    shipped = {each.name for each in (files("headgate.examples") / "schedules").iterdir()}
    for claim in claims():
        for name, verdict in evidence(claim):
            assert verdicts[name] == verdict, (claim.id, name)
        assert set(claim.clauses) <= set(clauses()), claim.id
        assert {f"{name}.json" for name in claim.schedules} <= shipped, claim.id


def test_no_verdict_is_without_a_ground() -> None:
    """What stands rests on a number that is said, or a theorem; what is open says what is missing; nobody is accused
    by a number alone without the rule that holds, or why.
    """
    for claim in claims():
        found = judge(claim)
        said = [check for check in found.checks if check.says]
        if found.standing is Standing.STANDS:
            assert said or claim.proved_by, claim.id
        if found.standing is Standing.OPEN:
            assert claim.missing, claim.id
        if claim.refuted_by:
            assert claim.schedules or claim.checks is not tuple, claim.id
            assert claim.corrected or claim.why, claim.id


def test_every_shipped_schedule_of_an_essay_belongs_to_a_claim() -> None:
    """A schedule whose name says that it shows an essay's fault is cited by a claim."""
    shipped = {each.name.removesuffix(".json") for each in (files("headgate.examples") / "schedules").iterdir()}
    cited = {name for claim in claims() for name in claim.schedules}
    assert {name for name in shipped if "essay" in name} <= cited


def test_a_number_that_is_wrong_changes_the_verdict() -> None:
    """No figure is so loose that any number would agree with it."""
    for claim in claims():
        for check in judge(claim).checks:
            if check.says and agrees(check):
                low, _ = check.ends
                others = (low / 1000, low * 1000, -low - 1)
                assert not all(agrees(Check(check.what, other, says=check.says)) for other in others), (claim.id, check)


# ---- how figures are read ----


@given(st.fractions(-1000, 1000, max_denominator=999), st.integers(0, 3))
def test_a_figure_agrees_with_what_rounds_to_it_or_is_cut_off_to_it(value: Fraction, places: int) -> None:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    for way in (ROUND_HALF_UP, ROUND_DOWN):
        printed = exact.quantize(Decimal(1).scaleb(-places), rounding=way)
        assert agrees(Check("", value, says=str(printed)))
        beyond = printed + 2 * Decimal(1).scaleb(-places)
        assert not agrees(Check("", value, says=str(beyond)))


@pytest.mark.parametrize(
    ("says", "right", "wrong"),
    [
        ("> 4", "4.1", "4"),
        ("< 4", "3.9", "4"),
        (">= 4", "4", "3.9"),
        ("<= 4", "4", "4.1"),
        ("17..20", "16.7", "16.4"),
        ("17..20", "20.4", "21"),
        ("~50", "52.5", "52.6"),
        ("~40..60", "38", "37.9"),
        ("~40..60", "63", "63.1"),
        ("7.5", "7.59", "7.6"),
        ("-4.6", "-4.69", "-4.7"),
    ],
)
def test_how_a_figure_is_said(says: str, right: str, wrong: str) -> None:
    assert agrees(Check("", Fraction(right), says=says))
    assert not agrees(Check("", Fraction(wrong), says=says))


def test_an_irrational_number_agrees_only_if_all_of_its_enclosure_does() -> None:
    assert agrees(Check("", Enclosure(Fraction(1), Fraction(2)), says="<= 2"))
    assert not agrees(Check("", Enclosure(Fraction(1), Fraction(3)), says="<= 2"))


def test_a_figure_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected a decimal figure, got 'many'"):
        agrees(Check("", Fraction(1), says="many"))


@pytest.mark.parametrize(
    ("parts", "standing"),
    [
        ({}, Standing.STANDS),
        ({"missing": "a load"}, Standing.OPEN),
        ({"missing": "a load", "against": "section 2"}, Standing.CONTRADICTED),
        ({"against": "section 2", "fact": "a standard"}, Standing.REFUTED),
        ({"against": "section 2", "refuted_by": ("bucket-essay",)}, Standing.REFUTED),
        ({"checks": lambda: (Check("a", Fraction(1), says="2"),)}, Standing.REFUTED),
        ({"checks": lambda: (Check("a", Fraction(1), says="2", where="section 2"),)}, Standing.CONTRADICTED),
        ({"missing": "a load", "checks": lambda: (Check("a", Fraction(1), says="1"),)}, Standing.OPEN),
    ],
)
def test_what_makes_a_verdict(parts: dict[str, object], standing: Standing) -> None:
    claim = Claim("X-1", Essay.FABRICS, "1", "something", **parts)  # type: ignore[arg-type]
    assert judge(claim).standing is standing


# ---- what they count with ----


def test_the_cache_of_a_token_is_keys_and_values_of_every_layer() -> None:
    assert kv_bytes(1) == 80 * (64 * 128 + 64 * 128)
    assert kv_bytes(3, heads=8, each=2, layers=32) == 3 * 32 * (8 * 128 + 8 * 128) * 2


@given(st.fractions(0, 10**6, max_denominator=1000))
def test_a_root_is_enclosed(square: Fraction) -> None:
    enclosed = root(square)
    assert enclosed.low**2 <= square <= enclosed.high**2
    assert enclosed.high - enclosed.low <= Fraction(1, 10**12)


def test_correlation_is_pearsons() -> None:
    one, other = [Fraction(each) for each in (1, 2, 4)], [Fraction(each) for each in (1, 3, 3)]
    # by hand: they vary together by 8/3, alone by 14/3 and 8/3
    assert correlation(one, other) == root(Fraction(64, 112))
    with pytest.raises(ValueError, match="rise or fall together"):
        correlation(one, [-each for each in other])
