"""The reader of recordings: what it takes, and one line for everything that it refuses."""

import gzip
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from headgate.spec.errors import InputError
from headgate.spec.recordings import COLUMNS, LONGEST_LINE_BYTES, Recording, Row

HEADER = ",".join(COLUMNS)
NAMES = ("a", "b c", "ü")


def read(path: Path) -> list[Row]:
    """Return the rows of a recording of tenants a, b c, ü."""
    with Recording(path, NAMES) as recording:
        return list(recording)


def refusal(path: Path) -> str:
    """Return the one line with which a recording is refused."""
    with pytest.raises(InputError) as caught:
        read(path)
    line = str(caught.value)
    assert line.isprintable()
    assert len(line) < 400
    return line.removeprefix(str(path))


def put(folder: Path, content: str | bytes, name: str = "r.csv") -> Path:
    """Write a recording."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


TAKEN = {
    "plain": f"{HEADER}\na,1,2,3,4\n",
    "no end of line": f"{HEADER}\na,1,2,3,4",
    "windows": f"{HEADER}\r\na,1,2,3,4\r\n",
    "byte order mark": f"\ufeff{HEADER}\na,1,2,3,4\n",
    "blank lines at the end": f"{HEADER}\na,1,2,3,4\n\n\r\n",
    "other order": "bytes,finish_ns,start_ns,arrival_ns,tenant\n4,3,2,1,a\n",
    "more columns": "gpu,tenant,arrival_ns,note,start_ns,finish_ns,bytes\n0,a,1,x y,2,3,4\n",
    "quotes": '"tenant",arrival_ns,start_ns,finish_ns,bytes\n"a","1",2,3,4\n',
    "leading zeros": f"{HEADER}\na,0001,2,3,04\n",
}


@pytest.mark.parametrize("case", TAKEN)
def test_taken(tmp_path: Path, case: str) -> None:
    assert read(put(tmp_path, TAKEN[case])) == [Row(2, 0, 1, 2, 3, 4)]


def test_json_lines(tmp_path: Path) -> None:
    lines = (
        '{"tenant": "b c", "arrival_ns": 1, "start_ns": 1, "finish_ns": 2, "bytes": 3, "note": {"x": [1.5]}}\n'
        '{"bytes": 3, "finish_ns": 2, "start_ns": 1, "arrival_ns": 1, "tenant": "\\u00fc"}\n'
    )
    assert read(put(tmp_path, lines)) == [Row(1, 1, 1, 1, 2, 3), Row(2, 2, 1, 1, 2, 3)]


def test_a_number_names_a_tenant_in_json(tmp_path: Path) -> None:
    line = '{"tenant": 7, "arrival_ns": 1, "start_ns": 1, "finish_ns": 2, "bytes": 3}\n'
    with Recording(put(tmp_path, line), ("7",)) as recording:
        assert [row.tenant for row in recording] == [0]


@pytest.mark.parametrize("name", ["r.csv.gz", "compressed"])
def test_gzip_by_name_or_by_content(tmp_path: Path, name: str) -> None:
    content = gzip.compress(f"{HEADER}\na,1,2,3,4\n".encode())
    assert read(put(tmp_path, content, name)) == [Row(2, 0, 1, 2, 3, 4)]


def test_where_the_reading_is(tmp_path: Path) -> None:
    path = put(tmp_path, f"{HEADER}\n" + "a,1,2,3,4\n" * 100_000)
    with Recording(path, NAMES) as recording:
        rows = iter(recording)
        next(rows)
        assert 0 < recording.position() < recording.size_bytes == path.stat().st_size
    assert recording.position() == recording.size_bytes


GOOD = "a,1,2,3,4\n"
WHOLE = "to be a whole number of at most 18 digits, got "
JSON = '{"tenant": "a", "arrival_ns": 1, "start_ns": 2, "finish_ns": 3, "bytes": 4}\n'
REFUSED: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", ": expected a recording, got an empty file"),
    "blank": ("\n\n", ": expected a recording, got empty lines"),
    "header only": (HEADER, ": expected at least one request, got none after the header"),
    "no header": (GOOD, ":1: expected a header with the columns"),
    "missing column": ("tenant,arrival_ns,start_ns,bytes\n", ":1: expected a header with the columns"),
    "duplicate column": (HEADER + ",bytes\n", ":1: expected each column once, got two named 'bytes'"),
    "other separator": (HEADER.replace(",", ";"), ":1: expected a header with the columns"),
    "blank between": (f"{HEADER}\n{GOOD}\n{GOOD}", ":3: expected a request, got an empty line"),
    "cell missing": (f"{HEADER}\na,1,2,3\n", ":2: expected 5 cells, as in the header, got 4"),
    "cell more": (f"{HEADER}\na,1,2,3,4,5\n", ":2: expected 5 cells, as in the header, got 6"),
    "only blanks": (f"{HEADER}\n  \n", ":2: expected 5 cells, as in the header, got 1"),
    "not a number": (f"{HEADER}\na,1,x,3,4\n", f":2: expected start_ns {WHOLE}'x'"),
    "blank before": (f"{HEADER}\na, 1,2,3,4\n", ":2: expected arrival_ns to be a whole number"),
    "plus": (f"{HEADER}\na,+1,2,3,4\n", ":2: expected arrival_ns to be a whole number"),
    "exponent": (f"{HEADER}\na,1e3,2,3,4\n", ":2: expected arrival_ns to be a whole number"),
    "escape": (f"{HEADER}\na,\x1b[31m,2,3,4\n", f":2: expected arrival_ns {WHOLE}'\\x1b"),
    "huge": (f"{HEADER}\na,1,2,{'9' * 5000},4\n", ":2: expected finish_ns to be a whole number of at most 18 digits"),
    "negative bytes": (f"{HEADER}\na,1,2,3,-4\n", ":2: expected bytes to be a whole number"),
    "no bytes": (f"{HEADER}\na,1,2,3,0\n", ":2: expected bytes to be at least 1, got 0"),
    "start before arrival": (f"{HEADER}\na,3,2,4,4\n", ":2: expected start_ns at or after arrival_ns 3, got 2"),
    "finish before start": (f"{HEADER}\na,1,3,2,4\n", ":2: expected finish_ns at or after start_ns 3, got 2"),
    "out of order": (f"{HEADER}\na,5,5,5,4\n{GOOD}", ":3: expected rows in order of arrival_ns, 5 or later"),
    "unknown tenant": (f"{HEADER}\nA,1,2,3,4\n", ":2: expected a tenant of the contracts ('a', 'b c', 'ü'), got 'A'"),
    "tenant in other bytes": (f"{HEADER}\nü,1,2,3,4\n".encode("latin-1"), r":2: expected a tenant of the contracts"),
    "open quote": (f'{HEADER}\n"a,1,2,3,4\n', ":2: expected cells between commas, quoted in pairs"),
    "nul": (f"{HEADER}\na,1,2\0,3,4\n", ":2: expected text, got a NUL byte"),
    "nul in a name": (f"{HEADER}\na\0,1,2,3,4\n", ":2: expected text, got a NUL byte"),
    "binary": (bytes(range(256)) * 40, ":1: expected text, got a NUL byte"),
    "other encoding": (HEADER.encode("utf-16"), ":1: expected text, got a NUL byte"),
    "not utf-8": (b"\xff\xfe", ":1: expected text in UTF-8, got byte 0xff"),
    "long line": (f"{HEADER}\n{'a' * (LONGEST_LINE_BYTES + 1)}", ":2: expected lines of at most 65536 bytes"),
    "no line at all": ("a" * 10**6, ":1: expected lines of at most 65536 bytes"),
    "json: not an object": (f"{JSON}[1]\n", ":2: expected a JSON object on each line, got '[1]'"),
    "json: broken": (f"{JSON}{JSON[:20]}\n", ":2: expected a JSON object on each line"),
    "json: two on a line": (JSON.strip() + JSON, ":1: expected a JSON object on each line"),
    "json: key missing": (JSON.replace("bytes", "size"), ":1: expected an object with the keys"),
    "json: key twice": (JSON.replace("}", ', "bytes": 4}'), ":1: expected each key once, got two named 'bytes'"),
    "json: not finite": (JSON.replace("3,", "NaN,"), f":1: expected finish_ns {WHOLE}'NaN'"),
    "json: infinite": (JSON.replace("3,", "-Infinity,"), ":1: expected finish_ns to be a whole number"),
    "json: float": (JSON.replace("3,", "3.0,"), f":1: expected finish_ns {WHOLE}'3.0'"),
    "json: truth": (JSON.replace("3,", "true,"), f":1: expected finish_ns {WHOLE}true"),
    "json: text": (JSON.replace("3,", '"3",'), f":1: expected finish_ns {WHOLE}the string"),
    "json: negative": (JSON.replace("3,", "-3,"), ":1: expected finish_ns to be a whole number"),
    "json: huge": (JSON.replace("3,", f"{'9' * 6000},"), ":1: expected finish_ns to be a whole number"),
    "json: no tenant": (JSON.replace('"a"', "null"), ":1: expected tenant to be a tenant's name, got null"),
    "json: unknown tenant": (JSON.replace('"a"', '"\\ud800"'), ":1: expected a tenant of the contracts"),
    "json: nested for ever": ('{"a":' * 12_000 + "\n", ":1: expected a JSON object on each line"),
    "json: lists for ever": ('{"a":' + "[" * 60_000 + "\n", ":1: expected a JSON object on each line"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(tmp_path: Path, case: str) -> None:
    content, answer = REFUSED[case]
    assert refusal(put(tmp_path, content)).startswith(answer)


def test_a_fault_far_into_the_file(tmp_path: Path) -> None:
    path = put(tmp_path, f"{HEADER}\n" + GOOD * 899_999 + "a,1,2,x,4\n" + GOOD)
    assert refusal(path).startswith(":900001: expected finish_ns to be a whole number")


def test_a_compressed_file_that_ends_too_soon(tmp_path: Path) -> None:
    whole = gzip.compress(f"{HEADER}\n{GOOD * 5000}".encode())
    assert ": expected an intact gzip file" in refusal(put(tmp_path, whole[:-12]))
    assert ": expected an intact gzip file" in refusal(put(tmp_path, whole[:5]))


def test_a_compressed_file_that_was_damaged(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(f"{HEADER}\n{GOOD * 50}".encode()))
    whole[-8] ^= 1
    assert ": expected an intact gzip file" in refusal(put(tmp_path, bytes(whole)))


def test_a_name_that_promises_gzip(tmp_path: Path) -> None:
    assert refusal(put(tmp_path, f"{HEADER}\n{GOOD}", "r.csv.gz")).startswith(":1: expected an intact gzip file")
    assert refusal(put(tmp_path, "", "empty.csv.gz")).endswith("an empty file")


def test_no_file(tmp_path: Path) -> None:
    assert refusal(tmp_path) == ": expected a recording that can be read, got a directory"
    assert refusal(tmp_path / "none.csv") == ": expected a recording that can be read, got no such file"


def test_a_path_that_cannot_be() -> None:
    with pytest.raises(InputError, match="a recording that can be read"):
        Recording("a\0b", NAMES)


AS_ORDINARY_USER = """
import os, sys
from headgate.spec.errors import InputError
from headgate.spec.recordings import Recording
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    Recording(sys.argv[1], ["a"])
except InputError as error:
    print(error)
"""


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_no_permission(tmp_path: Path) -> None:
    path = put(tmp_path, f"{HEADER}\n{GOOD}")
    path.chmod(0)
    command = [sys.executable, "-c", AS_ORDINARY_USER, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{path}: expected a recording that can be read, got no permission\n"


def test_many_tenants_are_not_all_listed(tmp_path: Path) -> None:
    with (
        Recording(put(tmp_path, f"{HEADER}\nx,1,2,3,4\n"), [str(n) for n in range(1000)]) as recording,
        pytest.raises(InputError, match="and 988 more"),
    ):
        list(recording)


@pytest.mark.parametrize(("name", "requests"), [("solo", 6066), ("backlogged", 14649)])
def test_the_shipped_recordings_can_be_read(name: str, requests: int) -> None:
    path = Path(str(files("headgate.examples") / "recordings" / f"{name}.csv.gz"))
    with Recording(path, ("0", "1", "2", "3")) as recording:
        assert sum(1 for _ in recording) == requests
    assert path.read_bytes()[4:8] == bytes(4), "compressed without a date, so that it can be made again"
