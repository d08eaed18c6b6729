"""The manifest and the catalogue say the same, and the comparison can complain."""

import attrs
import pytest
from cattrs.errors import ForbiddenExtraKeysError

from headgate.proofs.catalogue import catalogue
from headgate.proofs.manifest import Statement, faults, manifest, parse_manifest
from headgate.proofs.theorem import Expect

ONE = Statement("T1", "It holds.", "somebody", proved=tuple(t.id for t in catalogue()[:1]), scope="everywhere")


def test_the_manifest_and_the_catalogue_agree() -> None:
    """Add a theorem to the statement that it settles (proofs/manifest.toml), or a statement for it."""
    assert faults(manifest(), catalogue()) == []


def test_what_the_essays_say_is_refuted_or_a_gap() -> None:
    as_written = [each for each in manifest() if each.source.endswith("as written")]
    assert len(as_written) >= 10
    assert [each.id for each in as_written if each.proved or not (each.refuted or each.gap)] == []


def test_sentences_end() -> None:
    for each in manifest():
        assert each.says.endswith("."), each.id
        assert not each.gap or each.gap.endswith("."), each.id


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"proved": ()}, "T1: expected theorems or a gap with its reason, got neither"),
        ({"proved": ("no-such",)}, "T1: names theorem no-such, which does not exist"),
        ({"proved": (), "refuted": ONE.proved}, "T1: expects bucket-envelope to be refuted, the theorem says proved"),
        ({"scope": ""}, "T1: expected a scope"),
    ],
)
def test_a_fault_is_found(change: dict[str, tuple[str, ...]], line: str) -> None:
    theorem = catalogue()[:1]
    assert faults([ONE], theorem) == []
    assert line in faults([attrs.evolve(ONE, **change)], theorem)


def test_a_theorem_that_nobody_lists_is_found() -> None:
    assert faults([ONE], catalogue()[:2]) == ["bucket-exactness: no statement lists this theorem"]


def test_an_id_stands_once() -> None:
    assert faults([ONE, ONE], catalogue()[:1]) == ["T1: two statements of this id"]


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises((ForbiddenExtraKeysError, ExceptionGroup)):
        parse_manifest('[[statement]]\nid = "T1"\nsays = "s."\nsource = "x"\nproven = []\n')


def test_every_bound_names_who_stands_on_its_other_side() -> None:
    """A gate that never opens satisfies every upper bound, one that always does every lower one.

    So each theorem that is to be proved has a partner, says both itself, or says why nothing stands on its other side:
    what it says in words does not count.
    """
    known = {theorem.id: theorem for theorem in catalogue()}
    proved = [theorem for theorem in catalogue() if theorem.expect is Expect.PROVED]
    assert [t.id for t in proved if bool(t.partner) == bool(t.unpaired)] == []
    assert [t.id for t in catalogue() if t.partner and t.partner not in known] == []
    assert [t.id for t in catalogue() if t.partner and known[t.partner].expect is not Expect.PROVED] == []


def test_what_has_no_partner_is_not_tight_for_nothing() -> None:
    """A bound that a schedule attains is one; what stands unpaired all the same is a share of everybody's."""
    attained = {t.id for t in catalogue() if t.unpaired and t.attack is not None and t.expect is Expect.PROVED}
    assert attained == {"wf2q-plus-share"}
