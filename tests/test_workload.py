"""`headgate replay-workload`: the files that it reads, what it counts, how it ends."""

import gc
import gzip
import json
import tracemalloc
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import pytest

from headgate.cli.main import run
from headgate.cli.workload_report import jain
from headgate.examples import whale_and_minnows
from headgate.model.memory.serving import PREEMPT, Job, Outcome, Server, serve
from headgate.properties.test_workload import settings
from headgate.spec.contracts import parse_contracts
from headgate.spec.errors import InputError
from headgate.spec.vocabulary import KeyValue
from headgate.spec.workloads import Arrival, Workload
from headgate.tests.test_strategies import draws

EXAMPLES = Path(str(files("headgate.examples")))
WORKLOAD = str(EXAMPLES / "workloads" / "whale_and_minnows.csv")
CONTRACTS = str(EXAMPLES / "h200_serving.toml")
OWN = "tenant,arrival_ns,prompt_tokens,output_tokens"
AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens"
MOONCAKE = '{"timestamp": 0, "input_length": 700, "output_length": 5, "hash_ids": [0, 1]}'

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Typed:
    """Return what runs the command and gives back (exit code, stdout, stderr)."""

    def type_(*arguments: str) -> tuple[int, str, str]:
        code = run(["replay-workload", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return type_


def written(folder: Path, *lines: str, name: str = "w.csv") -> str:
    """Write a workload."""
    (folder / name).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return str(folder / name)


def read(path: str) -> list[Arrival]:
    with Workload(path) as workload:
        return list(workload)


# ---- what is read ----


def test_each_form_is_read(tmp_path: Path) -> None:
    """Arrivals count from the first; columns in any order, others ignored."""
    own = read(written(tmp_path, "x,output_tokens,tenant,prompt_tokens,arrival_ns", "?,2,a,7,50", "?,3,b,9,80"))
    assert [row[:5] for row in own] == [(2, 0, 7, 2, "a"), (3, 30, 9, 3, "b")]
    times = ["2023-11-16 23:59:59.9999999", "2023-11-17 00:00:00.1", "2023-11-17T00:00:00.2+00:00"]
    azure = read(written(tmp_path, AZURE, *(f"{at},374,44" for at in times)))
    assert [row.arrival_ns for row in azure] == [0, 100_000_100, 200_000_100]
    mooncake = read(written(tmp_path, MOONCAKE, MOONCAKE.replace('"timestamp": 0', '"timestamp": 3'), name="m.jsonl"))
    assert [row[:4] for row in mooncake] == [(1, 0, 700, 5), (2, 3_000_000, 700, 5)]
    assert mooncake[1].blocks == (0, 1)


BAD = {
    "no header": (["a,0,1,2"], ":1: expected a header with the columns"),
    "twice": ([OWN + ",tenant", "a,0,1,1,a"], ":1: expected each column once, got two named 'tenant'"),
    "none": ([OWN], ": expected at least one request, got none after the header"),
    "gap": ([OWN, "a,0,1,1", "", "a,1,1,1"], ":3: expected a request, got an empty line"),
    "short row": ([OWN, "a,0,1"], ":2: expected 4 cells, as in the header, got 3"),
    "negative": ([OWN, "a,0,-5,1"], ":2: expected prompt_tokens to be a whole number, 0 or more"),
    "decimal": ([OWN, "a,0,1.5,1"], ":2: expected prompt_tokens to be a whole number"),
    "nothing to say": ([OWN, "a,0,1,0"], ":2: expected output_tokens to be 1 to 10^8 tokens, got 0"),
    "too long": ([OWN, "a,0,1000000000,1"], ":2: expected prompt_tokens to be 1 to 10^8 tokens"),
    "back": ([OWN, "a,5,1,1", "a,4,1,1"], ":3: expected rows in order of arrival_ns, got one that is 1 ns earlier"),
    "no day": ([AZURE, "2023-02-30 00:00:00,1,1"], ":2: expected TIMESTAMP to be a time such as"),
    "no time": ([AZURE, "yesterday,1,1"], ":2: expected TIMESTAMP to be a time such as"),
    "azure back": ([AZURE, "2023-01-02 00:00:00,1,1", "2023-01-01 00:00:00,1,1"], ":3: expected rows in order"),
    "no hashes": (['{"timestamp": 0, "input_length": 1, "output_length": 1}'], ":1: expected an object with the keys"),
    "odd hashes": ([MOONCAKE.replace("[0, 1]", '["a"]')], ":1: expected hash_ids to be a list of whole numbers"),
    "no list": (
        [MOONCAKE.replace("[0, 1]", "3")],
        ":1: expected hash_ids to be a list of whole numbers, 0 or more, of at most 18 digits, got 3",
    ),
    "minus hashes": (
        [MOONCAKE.replace("[0, 1]", "[0, -1]")],
        ":1: expected hash_ids to be a list of whole numbers, 0 or",
    ),
    "true hashes": ([MOONCAKE.replace("[0, 1]", "[0, true]")], ":1: expected hash_ids to be a list of whole numbers"),
    "huge hashes": (
        [MOONCAKE.replace("[0, 1]", "[0, 1" + "0" * 30 + "]")],
        ":1: expected hash_ids to be a list of whole",
    ),
    "few hashes": (
        [MOONCAKE, MOONCAKE.replace("[0, 1]", "[0]")],
        ":2: expected hash_ids to have one number for every 512 of 700 tokens, got 1",
    ),
    "many hashes": (
        [MOONCAKE.replace("[0, 1]", "[0, 1, 2]")],
        ":1: expected hash_ids to have one number for every 512",
    ),
    "no hash": ([MOONCAKE.replace("[0, 1]", "[]")], ":1: expected hash_ids to have one number for every 512"),
    "a hash twice": ([MOONCAKE.replace("[0, 1]", "[3, 3]")], ":1: expected hash_ids to differ, since each is of what"),
    "huge": ([MOONCAKE.replace("700", "7" + "0" * 5000)], ":1: expected "),
    "huge in CSV": ([OWN, "a,0,1,1", f"a,{10**40},1,1"], ":3: expected arrival_ns to be a whole number"),
    "minus time": ([OWN, "a,-3,1,1"], ":2: expected arrival_ns to be a whole number, 0 or more"),
    "back in JSON": (
        [MOONCAKE.replace('p": 0', 'p": 7'), MOONCAKE],
        ":2: expected rows in order of timestamp, got one",
    ),
    "text": ([MOONCAKE.replace("700", '"700"')], ":1: expected input_length to be a whole number"),
    "minus": ([MOONCAKE, MOONCAKE.replace("700", "-7")], ":2: expected input_length to be a whole number"),
    "no JSON": ([MOONCAKE, "{"], ":2: expected a JSON object on each line"),
    "a list": ([MOONCAKE, "[1]"], ":2: expected a JSON object on each line"),
    "key twice": ([MOONCAKE, '{"timestamp": 0, "timestamp": 1}'], ":2: expected a JSON object on each line, its keys"),
    "quotes": ([OWN, '"a,0,1,1'], ":2: expected cells between commas"),
    "NUL": ([OWN, "a\0,0,1,1"], ":2: expected text, got a NUL byte"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_workload(fault: str, tmp_path: Path) -> None:
    lines, message = BAD[fault]
    path = written(tmp_path, *lines)
    with pytest.raises(InputError) as refusal:
        read(path)
    assert str(refusal.value).startswith(path + message)


def test_files_that_are_none(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "lines").write_bytes(b"\n\n")
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "gzip").write_bytes(gzip.compress(Path(WORKLOAD).read_bytes(), mtime=0)[:3])
    (tmp_path / "latin").write_bytes(OWN.encode() + b"\n\xff,0,1,1\n")
    for name, words in (
        (".", "a directory"),
        ("none", "no such file"),
        ("empty", "an empty file"),
        ("latin", "UTF-8"),
        ("lines", "empty lines"),
        ("binary", ":1: expected text, got a NUL byte"),
        ("gzip", ":1: expected text in UTF-8"),
    ):
        code, out, err = typed(str(tmp_path / name), "--contracts", CONTRACTS)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert words in err


BARE = """[device]
profile = "h200"
[arbiter]
policy = "sfq"
[[tenant]]
name = "chat"
best_effort = true
"""
KV = "[kv]\nbytes_per_token = 4\ntokens_per_page = 2\nweight_bytes = 10\n"


def test_the_table_of_the_cache() -> None:
    """[kv] is optional; its numbers are exact, its times in ms, its keys known."""
    assert parse_contracts(BARE).kv is None
    assert parse_contracts(BARE + KV).kv == KeyValue(4, 2, 10)
    more = parse_contracts(BARE + KV + "ttft_slo_ms = 2.5\nitl_slo_ms = 0.1\nlink_gbps = 63.5\n").kv
    assert more == KeyValue(4, 2, 10, Fraction(2_500_000), Fraction(100_000), Fraction(127, 2))
    for text, words in (
        (KV + "itl_slo_us = 4\n", "kv.itl_slo_us: expected a known key (did you mean itl_slo_ms?)"),
        (KV.replace("= 4", "= 0"), "kv.bytes_per_token: expected the bytes that a token leaves"),
        (KV.replace("= 2", "= 2.5"), "kv.tokens_per_page: expected the tokens of a page"),
        (KV.replace("weight_bytes = 10\n", ""), "kv.weight_bytes: expected the bytes of the weights"),
        (KV + "ttft_slo_ms = 0\n", "kv.ttft_slo_ms: expected a time above 0, in ms"),
    ):
        with pytest.raises(InputError) as refusal:
            parse_contracts(BARE + text)
        assert words in str(refusal.value)


def test_bad_usage(typed: Typed, tmp_path: Path) -> None:
    def refused(*arguments: str) -> str:
        code, out, err = typed(*arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        return err

    contracts = tmp_path / "c.toml"
    contracts.write_text(BARE, "utf-8")
    assert "expected a [kv] table" in refused(WORKLOAD, "--contracts", str(contracts))
    contracts.write_text(BARE + KV, "utf-8")
    assert "csv:14: expected a tenant of the contracts ('chat'), got 'documents'" in refused(
        WORKLOAD, "--contracts", str(contracts)
    )
    contracts.write_text(BARE + KV.replace("= 10", "= 999999999999"), "utf-8")
    assert "kv.weight_bytes: expected weights that leave room" in refused(WORKLOAD, "--contracts", str(contracts))
    contracts.write_text(BARE + "kv_floor_mb = 900000\n" + KV, "utf-8")
    assert "expected floors (kv_floor_mb) of at most the" in refused(WORKLOAD, "--contracts", str(contracts))
    numbers = BARE.replace('profile = "h200"', "peak_gbps = 1\ntrfc_ns = 1\ntrefi_ns = 9")
    contracts.write_text(numbers + KV, "utf-8")
    assert "or --pages" in refused(WORKLOAD, "--contracts", str(contracts))
    mooncake = written(tmp_path, MOONCAKE, name="m.jsonl")
    assert "--tenant-by column" in refused(mooncake, "--contracts", CONTRACTS, "--tenant-by", "column")
    assert "ends in .svg" in refused(WORKLOAD, "--contracts", CONTRACTS, "--plot", str(tmp_path / "p.png"))
    assert "a folder that can be written" in refused(
        WORKLOAD, "--contracts", CONTRACTS, "--plot", str(tmp_path / "x" / "p.svg")
    )
    assert "--slots" in refused(WORKLOAD, "--contracts", CONTRACTS, "--slots", "0")


# ---- what is said ----

SMALL = ("--contracts", CONTRACTS, "--pages", "4819", "--admission", "slots", "--slots", "40")


def test_the_example_is_what_makes_it() -> None:
    assert Path(WORKLOAD).read_text("utf-8").splitlines() == list(whale_and_minnows.rows())


def test_json_is_exact_and_nothing_is_lost(typed: Typed) -> None:
    code, out, _ = typed(WORKLOAD, *SMALL, "--format", "json")
    found = json.loads(out, parse_float=pytest.fail)
    assert (code, found["command"], found["verdict"]) == (1, "replay-workload", "violated")
    shares = [r for r in found["results"] if r["kind"] == "share"]
    assert {(s["policy"], s["whales"]) for s in shares} == {
        *((p, w) for p in ("lru", "total", "resident") for w in (True, False)),
        (PREEMPT, True),
    }
    for share in shares:
        assert share["requests"] == share["done"] + share["refused"] + share["unfinished"]
        misses = share["misses"]
        missed = (
            misses["new"]
            + misses["forgotten"]
            + misses["no_frame"]
            + misses["preempted"]
            + sum(misses["evicted"].values())
        )
        assert share["uses"] == share["hits"] + missed
        assert share["whales"] or share["class"] != "whale" or not share["requests"]
    for policy in ("lru", "resident", PREEMPT):
        assert sum(s["requests"] for s in shares if s["policy"] == policy and s["whales"]) == 250
    lost = {p: sum(sum(s["evicted_for"].values()) for s in shares if (s["policy"], s["class"], s["whales"]) ==
            (p, "short", True)) for p in ("lru", "resident")}  # fmt: skip
    assert lost == {"lru": 611_083, "resident": 0}
    claims = [r for r in found["results"] if r["kind"] == "claim" and r["policy"] == "lru"]
    assert [claim["said"] for claim in claims] == ["about 80 %", "2 to 4 times"]
    assert 0.81 < Fraction(claims[0]["measured"]) < 0.83
    assert claims[1]["measured"] is None  # without whales nothing is evicted
    assert typed(WORKLOAD, *SMALL, "--format", "json")[1] == out


def test_what_is_too_large_is_refused_and_counted(typed: Typed, tmp_path: Path) -> None:
    file = written(tmp_path, OWN, "chat,0,32,1", "chat,0,96,2", "documents,5,64,33", "chat,9,64,1")
    code, out, _ = typed(file, "--contracts", CONTRACTS, "--pages", "3", "--policy", "lru")
    assert code == 0
    assert "lru: 4 requests = 3 done + 1 refused (PA-1) + 0 unfinished" in out
    assert "HOLDS: every token of what was not refused is in time" in out
    code, out, _ = typed(file, "--contracts", CONTRACTS, "--pages", "3", "--policy", "lru", "--until-ms", "30")
    assert "lru: 4 requests = 1 done + 1 refused (PA-1) + 2 unfinished" in out
    assert (code, "UNDECIDED: no token is late" in out) == (3, True)


def test_nothing_done_shows_nothing(typed: Typed, tmp_path: Path) -> None:
    file = written(tmp_path, OWN, "chat,0,64,1", "chat,1,64,33")
    code, out, _ = typed(file, "--contracts", CONTRACTS, "--pages", "1", "--policy", "lru")
    assert (code, "UNDECIDED" in out, "2 refused" in out) == (3, True, True)


def test_a_tenant_keeps_its_floor(typed: Typed, tmp_path: Path) -> None:
    """Under `resident`, a tenant whose floor is all of the memory loses fewer pages than one that has none."""
    text = Path(CONTRACTS).read_text("utf-8")

    def evicted(floor: int) -> tuple[int, int]:
        stated = text.replace('name = "documents"', f'name = "documents"\nkv_floor_mb = {floor}')
        contracts = written(tmp_path, stated, name="c.toml")
        _, out, _ = typed(WORKLOAD, "--contracts", contracts, *SMALL[2:], "--policy", "resident", "--format", "json")
        rows = [r for r in json.loads(out)["results"] if r["kind"] == "share" and r["whales"]]
        chat, documents = (
            sum(sum(r["evicted_for"].values()) for r in rows if r["tenant"] == name) for name in ("chat", "documents")
        )
        return chat, documents

    none, all_ = evicted(0), evicted(48190)
    assert none[1] > all_[1]
    assert none[0] <= all_[0]


def test_tenants_by_rule(typed: Typed, tmp_path: Path) -> None:
    """Each rule gives every request one tenant; the text of a row gives the same one whatever stands around it."""
    lines = [MOONCAKE.replace("700", str(550 + 40 * n)) for n in range(12)]
    file = written(tmp_path, *lines, name="m.jsonl")

    def by(rule: str, path: str = file) -> list[int]:
        _, out, _ = typed(path, "--contracts", CONTRACTS, "--policy", "lru", "--tenant-by", rule, "--format", "json")
        rows = [r for r in json.loads(out)["results"] if r["kind"] == "share" and r["whales"]]
        return [sum(r["requests"] for r in rows if r["tenant"] == name) for name in ("chat", "documents")]

    assert by("round-robin") == [6, 6]
    chat, documents = by("length")
    assert chat + documents == 12
    assert chat > documents - 3
    halves = [by("hash", written(tmp_path, *part, name="h.jsonl")) for part in (lines[:6], lines[6:])]
    assert [sum(pair) for pair in zip(*halves, strict=True)] == by("hash")


def test_a_picture(typed: Typed, tmp_path: Path) -> None:
    out = tmp_path / "p.svg"
    assert typed(WORKLOAD, *SMALL, "--plot", str(out))[0] == 1
    words = [e.text or "" for e in ElementTree.parse(out).getroot().iter("{http://www.w3.org/2000/svg}text")]
    assert {"of the memory, lru", "lru, with whales", "resident, without"} <= {*words}


# ---- the server ----

KEPT = KeyValue(1, 1, 1)


def test_memory_held_does_not_grow_with_the_workload() -> None:
    """Four times as many requests, and the peak is the same; so it is where they come faster than they are served."""

    def peak(requests: int) -> int:
        jobs: Iterator[Job] = (Job(n, 3, 4, 0, 0, (n, n + 1), 1) for n in range(requests))
        tracemalloc.start()
        outcome = serve(jobs, Server(9, Fraction(1, 2), KEPT, 4), "lru", 1, 1)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert outcome.shares[0][0].done == requests
        return most

    # Nothing waits for the collector, which would empty Python's own lists of free tuples; the first run fills those.
    gc.disable()
    try:
        peak(1500)
        assert peak(1500) < peak(400) + 20_000
    finally:
        gc.enable()


def test_jains_index() -> None:
    assert jain([5, 5, 5]) == 1
    assert jain([9, 0, 0]) == Fraction(1, 3)
    assert jain([0, 0]) is None


CORNERS: dict[str, Callable[[Outcome], bool]] = {
    "a page goes": lambda o: any(s.evicted for row in o.shares for s in row),
    "a page comes back": lambda o: any(sum(s.lost_to) for row in o.shares for s in row),
    "somebody is emptied": lambda o: any(s.preempted for row in o.shares for s in row),
    "a page is computed again": lambda o: any(s.recomputed for row in o.shares for s in row),
    "a page has no frame": lambda o: any(s.unseated for row in o.shares for s in row),
    "a request is refused": lambda o: any(s.refused for row in o.shares for s in row),
    "a request is not done": lambda o: any(s.unfinished for row in o.shares for s in row),
    "a page that others use is found": lambda o: any(s.found_used for row in o.shares for s in row),
    "a page in a free frame is found": lambda o: any(s.found_left for row in o.shares for s in row),
    "a page has been forgotten": lambda o: any(s.forgotten for row in o.shares for s in row),
    "the first token is late": lambda o: any(s.first_late for row in o.shares for s in row),
    "another token is late": lambda o: any(s.next_late for row in o.shares for s in row),
}


def test_settings_reach_the_corners() -> None:
    """Of a hundred settings, each corner is in two at least, under some rule."""
    drawn = draws(settings())
    outcomes = [[setting.served(rule) for rule in ("lru", "resident", PREEMPT)] for setting in drawn]
    for name, is_there in CORNERS.items():
        assert sum(any(is_there(outcome) for outcome in row) for row in outcomes) >= 2, name
