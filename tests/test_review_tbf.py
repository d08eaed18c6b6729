"""The recording of the Linux kernel's token bucket filter: it conforms, and a filter that did not would be caught."""

from pathlib import Path

import attrs
import pytest

from headgate.examples.review import linux_tbf
from headgate.examples.review.linux_tbf import BURST, Datagram, judge, main, read

SHIPPED = Path(linux_tbf.__file__).parents[1] / "recordings" / "linux_tbf.csv"
Text = pytest.CaptureFixture[str]


def test_the_kernel_conforms(capsys: Text) -> None:
    datagrams = read(SHIPPED)
    assert len(datagrams) == 300
    assert {datagram.bytes for datagram in datagrams} == {100, 500, 1500, 4000, 9000, BURST}
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("conforming")


def moved(number: int, by_ns: int) -> list[Datagram]:
    """Return the recording with one departure moved."""
    datagrams = read(SHIPPED)
    datagrams[number] = attrs.evolve(datagrams[number], left_ns=datagrams[number].left_ns + by_ns)
    return datagrams


@pytest.mark.parametrize(("datagrams", "burst", "clause"), [
    (read(SHIPPED), BURST + 2000, "TB-5"),  # a deeper bucket would have let them go sooner
    (moved(150, -2_000_000), BURST, "TB-4"),
    (moved(150, 2_500_000), BURST, "TB-5"),
    (moved(299, -100_000_000), BURST, "AR-2"),
], ids=["depth", "early", "late", "order"])  # fmt: skip
def test_what_does_not_conform_is_caught(datagrams: list[Datagram], burst: int, clause: str) -> None:
    found = judge(datagrams, burst)
    assert found is not None
    assert found.clause == clause


@pytest.mark.parametrize(("text", "said"), [
    ("", "some content"),
    ("a,b\n", ":1: expected the columns sent_ns, left_ns, bytes, got a,b"),
    ("sent_ns,left_ns,bytes\n1,2\n", ":2: expected three whole numbers, got 1,2"),
    ("sent_ns,left_ns,bytes\n1,2,-3\n", ":2: expected three whole numbers"),
    ("sent_ns,left_ns,bytes\n5,6,1\n4,7,1\n", ":3: expected rows in the order in which they were sent"),
    ("sent_ns,left_ns,bytes\n0,6,1\n", "expected datagrams that are sent over some time, got 1 rows"),
])  # fmt: skip
def test_what_is_no_recording_is_refused(text: str, said: str, tmp_path: Path, capsys: Text) -> None:
    path = tmp_path / "tbf.csv"
    path.write_text(text)
    assert main([str(path)]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert said in shown.err
