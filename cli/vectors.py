"""`headgate vectors`: write the test vectors, or say which there are.

Exit code 0, or 2 where the folder cannot be written.
"""

import json
import textwrap
from pathlib import Path
from typing import Any

import click

from headgate.cli.output import Screen, format_option, json_text
from headgate.cli.places import OutputFolder
from headgate.spec.vocabulary import Verdict

__all__ = ["vectors"]


@click.command(short_help="Write the test vectors: fixed cases, with their answers.")
@click.argument("folder", metavar="[DIR]", required=False)
@format_option()
def vectors(folder: str | None, form: str) -> int:
    """Write JSON test vectors to DIR, a file a role; without DIR, say which there are.

    Every vector is a configuration, calls, and the answers of the reference model, with its clause, why it exists, and
    the kind of fault that it catches. examples/run_vectors.py shows how to consume them.

    Exit codes: 0 written or listed, 2 bad input.
    """
    from headgate.properties.review.vectors import file_text, vector_files

    out = None if folder is None else OutputFolder("DIR", folder)
    files = vector_files()
    if out is not None:
        _write(out, {name: file_text(table) for name, table in files.items()})
    click.echo(_as_json(files) if form == "json" else _as_text(files, folder, Screen.of_stdout()))
    return 0


def _write(out: OutputFolder, texts: dict[str, str]) -> None:
    out.refuse_foreign(texts, _is_ours)
    out.make()
    for name, text in texts.items():
        out.write(name, text)


def _is_ours(path: Path) -> bool:
    """Return whether a file holds test vectors."""
    try:
        table = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError):
        return False
    return isinstance(table, dict) and {"format", "role", "vectors"} == set(table)


def _as_text(files: dict[str, dict[str, Any]], folder: str | None, screen: Screen) -> str:
    if folder is not None:
        return "\n".join(f"{Path(folder) / name}: {len(table['vectors'])} vectors" for name, table in files.items())
    width = max(len(each["id"]) for table in files.values() for each in table["vectors"])
    lines = []
    for name, table in files.items():
        lines.append(screen.paint(name, "title"))
        for each in table["vectors"]:
            begin = f"  {each['id']:{width}} {each['clause']:5} "
            lines += textwrap.wrap(each["why"], screen.width, initial_indent=begin, subsequent_indent=" " * len(begin))
    return "\n".join(lines)


def _as_json(files: dict[str, dict[str, Any]]) -> str:
    told = ("id", "policy", "clause", "why", "catches")
    results = [
        {"id": each["id"], "role": table["role"], **{key: each[key] for key in told[1:]}}
        for table in files.values()
        for each in table["vectors"]
    ]
    return json_text("vectors", Verdict.HOLDS, results)
