"""`headgate verify --report DIR`: one HTML page that needs nothing else, JUnit XML for CI, and the JSON.

Names come from files, so everything that is not made here is escaped: by `headgate.cli.markup` in the page, by the
XML writer in the JUnit file, where characters that XML cannot hold are replaced.
"""

import re
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree

from headgate.cli.markup import Markup, tag
from headgate.cli.output import readable, version
from headgate.cli.picture import picture
from headgate.cli.places import OutputFolder, marked
from headgate.model.replay import replay
from headgate.proofs.contract_row import ContractCheck
from headgate.proofs.theorem import Kind, Recheck, Result
from headgate.spec.vocabulary import Schedule, Verdict

__all__ = ["annotations", "refuse_foreign", "write_report"]

PAGE, JUNIT, DATA = "index.html", "junit.xml", "report.json"
# What each file of a report begins with, by which it is known again.
MARKS = {
    PAGE: '<meta name="generator" content="headgate',
    JUNIT: '<testsuites name="headgate"',
    DATA: '"tool": "headgate"',
}
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .2rem .8rem .2rem 0 }
td.n { text-align: right; font-variant-numeric: tabular-nums } tr { border-bottom: 1px solid #e4e7eb }
details { border-bottom: 1px solid #e4e7eb; padding: .4rem 0 } summary { cursor: pointer }
svg { max-width: 100%; height: auto; font: 11px system-ui, sans-serif } dt { float: left; clear: left; width: 9rem;
color: #627d98 } dd { margin-left: 9.5rem } .good { color: #2e8540 } .bad { color: #c0392b; font-weight: 600 }
.doubt { color: #b7791f; font-weight: 600 } code { font-size: .95em }
"""


def refuse_foreign(folder: OutputFolder) -> None:
    """Refuse a folder that holds a file of a report's name that is none of ours."""
    for name, mark in MARKS.items():
        folder.refuse_foreign([name], marked(mark, within=2000))


def write_report(
    folder: OutputFolder,
    results: Sequence[Result],
    checks: Sequence[ContractCheck],
    source: str,
    verdict: Verdict,
    data: str,
) -> None:
    """Write the three files; `data` is what `--format json` prints."""
    folder.make()
    folder.write(PAGE, _page(results, checks, source, verdict))
    folder.write(JUNIT, _junit(results, checks))
    folder.write(DATA, data + "\n")


# ---- the page ----


def _page(results: Sequence[Result], checks: Sequence[ContractCheck], source: str, verdict: Verdict) -> str:
    head = tag(
        "head", Markup('<meta charset="utf-8">'), Markup(f'{MARKS[PAGE]} {version()}">'),
        Markup('<meta name="viewport" content="width=device-width">'), tag("title", "headgate verify"),
        tag("style", Markup(STYLE)),
    )  # fmt: skip
    colour = {Verdict.HOLDS: "good", Verdict.VIOLATED: "bad"}.get(verdict, "doubt")
    body = tag(
        "body", tag("h1", "headgate verify"),
        tag("p", "Verdict: ", tag("span", verdict.value, class_=colour), f". {_counts(results)}"),
        *([tag("h2", "Theorems"), *map(_result, results)] if results else []),
        *([tag("h2", f"Contracts: {source}"), _checks(checks)] if checks else []),
    )  # fmt: skip
    return "<!doctype html>\n" + tag("html", head, "\n", body, lang="en") + "\n"


def _counts(results: Sequence[Result]) -> str:
    expected = sum(result.as_expected for result in results)
    seconds = sum(result.seconds for result in results)
    solver = f", {results[0].solver}" if results else ""
    return f"{expected} of {len(results)} theorems have the verdict that they should have ({seconds:.1f} s{solver})."


def _looks(kind: Kind, as_expected: bool) -> tuple[str, str]:
    """Return (class, words) of a verdict."""
    if kind is Kind.UNKNOWN:
        return "doubt", "unknown"
    words = kind.value.replace("_", " ")
    return (
        ("good", words) if as_expected else ("bad", words if kind is Kind.COUNTEREXAMPLE else f"{words}, unexpectedly")
    )


def _result(result: Result) -> Markup:
    theorem = result.theorem
    colour, words = _looks(result.kind, result.as_expected)
    tight = ", tight" if result.tight else ""
    summary = tag(
        "summary", tag("code", theorem.id), " ", tag("span", words + tight, class_=colour), f" {result.seconds:.2f} s"
    )
    facts = [tag(part, text) for name, text in _facts(result) for part, text in (("dt", name), ("dd", text))]
    drawn = [] if result.witness is None else _drawn(result.witness)
    is_open = None if result.as_expected else "open"
    return tag("details", summary, tag("p", theorem.statement), tag("dl", *facts), *drawn, open=is_open)


def _facts(result: Result) -> Iterator[tuple[str, str]]:
    theorem = result.theorem
    yield "clauses", ", ".join(theorem.clauses)
    yield "scope", theorem.scope
    yield from (("assumes", assumed) for assumed in theorem.assumptions)
    if theorem.abstraction:
        yield "abstracts", theorem.abstraction
    if theorem.limit:
        yield "only up to", theorem.limit
    if result.obligations:
        yield "obligations", str(result.obligations)
    if result.reason:
        yield "reason", result.reason
    for said in (result.recheck, result.spacer):
        if said is not None:
            yield said.solver, _opinion(said)


def _opinion(said: Recheck) -> str:
    words = {True: "agrees", False: "DISAGREES", None: "gives no answer"}[said.agrees]
    return f"{words} ({said.seconds:.2f} s){': ' if said.reason else ''}{said.reason}"


def _drawn(witness: Schedule) -> list[Markup]:
    shown = replay(witness)
    return [tag("p", readable(shown.finding)), picture(shown)]


def _checks(checks: Sequence[ContractCheck]) -> Markup:
    heads = tag("tr", *(tag("th", head) for head in ("row", "by", "verdict", "numbers", "premises")))
    return tag("div", tag("table", heads, *map(_check, checks)), *map(_harm, checks))


def _check(check: ContractCheck) -> Markup:
    colour, words = _looks(check.kind, check.kind is Kind.PROVED)
    verdict = tag("td", {"proved": "holds", "counterexample": "violated"}.get(words, words), class_=colour)
    premises = [
        tag("div", tag("span", "met" if p.met else "NOT met", class_="good" if p.met else "bad"), f": {p.says}")
        for p in check.premises
    ]
    by = check.theorem or ", ".join(check.clauses)
    return tag(
        "tr", tag("td", tag("code", check.id)), tag("td", tag("code", by)), verdict, tag("td", check.finding),
        tag("td", *premises),
    )  # fmt: skip


def _harm(check: ContractCheck) -> Markup:
    if check.witness is None:
        return Markup("")
    summary = tag("summary", tag("code", check.id), f" {check.witness.statement}")
    return tag("details", summary, *_drawn(check.witness), open="open")


# ---- JUnit ----


def _junit(results: Sequence[Result], checks: Sequence[ContractCheck]) -> str:
    root = ElementTree.Element("testsuites", name="headgate")
    suite = ElementTree.SubElement(root, "testsuite", name="theorems")
    for result in results:
        case = _case(suite, result.theorem.id, "headgate.theorems", result.seconds)
        if not result.as_expected:
            _fail(case, result.kind, result.reason or result.kind.value, result.theorem.statement)
    _count(suite)
    suite = ElementTree.SubElement(root, "testsuite", name="contracts")
    for check in checks:
        case = _case(suite, check.id, "headgate.contracts", 0.0)
        if check.kind is Kind.UNKNOWN and not check.owed:
            ElementTree.SubElement(case, "skipped", message=_legal(check.finding))
        elif check.kind is not Kind.PROVED:
            _fail(case, check.kind, check.finding, "\n".join([check.statement, *_unmet(check)]))
    _count(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _unmet(check: ContractCheck) -> list[str]:
    return [f"premise not met: {premise.says}" for premise in check.premises if not premise.met]


def _case(suite: ElementTree.Element, name: str, group: str, seconds: float) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", name=_legal(name), classname=group, time=f"{seconds:.3f}")


def _fail(case: ElementTree.Element, kind: Kind, message: str, text: str) -> None:
    """What is unknown is an error in the sense of JUnit: the test came to no verdict."""
    name = "error" if kind is Kind.UNKNOWN else "failure"
    ElementTree.SubElement(case, name, message=_legal(message), type=kind.value).text = _legal(text)


def _count(suite: ElementTree.Element) -> None:
    for key, path in (
        ("tests", "testcase"),
        ("failures", "testcase/failure"),
        ("errors", "testcase/error"),
        ("skipped", "testcase/skipped"),
    ):
        suite.set(key, str(len(suite.findall(path))))


def _legal(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


# ---- annotations ----


def annotations(results: Sequence[Result], checks: Sequence[ContractCheck], file: str | None, verdict: Verdict) -> str:
    """Return GitHub's workflow commands: an error for each row that is not as it should be, and the counts.

    `file` is the contract file, if the user gave one: its rows are shown there.
    """
    owed = [check for check in checks if check.owed or check.kind is Kind.COUNTEREXAMPLE]
    lines = [
        _annotation(f"{r.theorem.id}: {_looks(r.kind, False)[1]}", _lines(r.theorem.statement, r.reason), None)
        for r in results
        if not r.as_expected
    ]
    lines += [
        _annotation(
            f"{c.id}: {'unknown' if c.kind is Kind.UNKNOWN else 'violated'}",
            _lines(c.statement, c.finding, *_unmet(c)),
            file,
        )
        for c in checks
        if c in owed and c.kind is not Kind.PROVED
    ]
    held = sum(check.kind is Kind.PROVED for check in owed)
    summary = f"{verdict.value}. {_counts(results)} {held} of {len(owed)} checks of the contracts hold."
    return "\n".join([*lines, f"::notice title=headgate verify::{_data(summary)}"])


def _lines(*sentences: str) -> str:
    return "\n".join(sentence for sentence in sentences if sentence)


def _annotation(title: str, message: str, file: str | None) -> str:
    place = f"file={_property(file)}," if file is not None else ""
    return f"::error {place}title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
