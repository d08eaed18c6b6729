"""The layout of the house is computed, not promised: what ships, who imports whom, and where floats stand.

Each check is a function from a tree of files to a list of complaints. It runs on headgate as found here, a
checkout or an installed wheel, and a companion shows on a tiny wrong tree that it can complain.
"""

import ast
import contextlib
import importlib
import importlib.metadata
import importlib.resources
import tomllib
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
"""The folder that holds the rooms: the checkout, or `headgate` in site-packages."""

MAY_IMPORT = {
    "spec": set(),
    "model": {"spec"},
    "proofs": {"spec", "model"},
    "properties": {"spec", "model"},
    "cli": {"spec", "model", "proofs", "properties", "examples", "benchmarks"},
    "examples": {"spec", "model", "properties"},
    "benchmarks": {"spec", "model", "proofs", "properties", "cli", "examples"},
    "tests": {"spec", "model", "proofs", "properties", "cli", "examples", "benchmarks"},
}
"""Beside itself, what a room may import of headgate. proofs and properties meet only in files."""

EXACT_ROOMS = ("spec", "model")
"""Rooms whose results decide verdicts: int and Fraction only."""

REQUIRED_DATA = {
    "spec": ("clauses/*.md", "profiles/*.toml"),
    "examples": ("*.toml",),
}
"""Files that the commands read at run time, and that an import therefore does not miss."""


def is_checkout(root: Path) -> bool:
    """A checkout has the pyproject.toml that names headgate beside its rooms; an installed wheel has none."""
    pyproject = root / "pyproject.toml"
    return pyproject.is_file() and tomllib.loads(pyproject.read_text("utf-8"))["project"]["name"] == "headgate"


def get_files(folder: Path) -> list[Path]:
    """Every file that belongs to a folder: neither hidden nor compiled."""

    def is_own(path: Path) -> bool:
        parts = path.relative_to(folder).parts
        return path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in parts)

    return sorted(path for path in folder.rglob("*") if is_own(path))


def get_modules(root: Path, rooms: tuple[str, ...]) -> list[Path]:
    """Every Python file of the rooms."""
    return [path for room in rooms for path in get_files(root / room) if path.suffix == ".py"]


# What ships.


def get_files_in_wheel(root: Path) -> set[str]:
    """Ask setuptools itself which files of a checkout it would put into the wheel; relative to the root.

    MANIFEST.in is left out of it: the table of pyproject.toml alone has to name everything.
    """
    from setuptools import Distribution

    with contextlib.chdir(root):
        distribution = Distribution({"script_name": "setup.py"})
        distribution.parse_config_files(["pyproject.toml"])
        distribution.include_package_data = False
        build = distribution.get_command_obj("build_py")
        build.ensure_finalized()
        modules = {Path(file) for _, _, file in build.find_all_modules()}
        data = {Path(folder, name) for _, folder, _, names in build.data_files for name in names}
        return {path.as_posix() for path in modules | data}


def get_files_recorded() -> set[str]:
    """What the installed distribution says that it brought; relative to `headgate`."""
    files = importlib.metadata.files("headgate") or []
    return {"/".join(f.parts[1:]) for f in files if f.parts[0] == "headgate" and f.suffix != ".pyc"}


def find_unshipped(root: Path, shipped: set[str]) -> list[str]:
    """Complain about every file of a room that does not ship, and every shipped one that is not there."""
    there = {path.relative_to(root).as_posix() for room in MAY_IMPORT for path in get_files(root / room)}
    return [
        *(
            f"{name}: not shipped; does pyproject.toml list its package, or its kind of data?"
            for name in sorted(there - shipped)
        ),
        *(f"{name}: shipped, but not there" for name in sorted(shipped - there)),
    ]


def find_homeless(root: Path) -> list[str]:
    """Complain about Python files that stand in no room, and so would neither ship nor be checked."""
    here = [path for path in root.iterdir() if not path.name.startswith(".")]
    no_room = {*MAY_IMPORT, "build", "__pycache__"}
    folders = [path for path in here if path.is_dir() and path.name not in no_room]
    own = [path for path in folders if not (path / "pyvenv.cfg").exists()]
    files = [*here, *(file for folder in own for file in get_files(folder))]
    return [f"{path.relative_to(root).as_posix()}: stands in no room" for path in sorted(files) if path.suffix == ".py"]


def find_missing_data(folder: Traversable, patterns: tuple[str, ...]) -> list[str]:
    """Complain about every pattern that no file of a room matches."""
    with importlib.resources.as_file(folder) as place:
        return [f"{place.name}/{pattern}: no such file" for pattern in patterns if not any(place.glob(pattern))]


def test_every_file_ships() -> None:
    shipped = get_files_in_wheel(ROOT) if is_checkout(ROOT) else get_files_recorded()
    assert find_unshipped(ROOT, shipped) == []


def test_every_python_file_has_a_room() -> None:
    assert find_homeless(ROOT) == []


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_room_can_be_imported(room: str) -> None:
    package = importlib.import_module(f"headgate.{room}")
    assert package.__file__ is not None
    assert Path(package.__file__).resolve().parent == ROOT / room
    assert package.__doc__, "a room says in a sentence or two what it is for"
    assert (ROOT / room / "py.typed").is_file()


@pytest.mark.parametrize("room", REQUIRED_DATA)
def test_data_are_reached_through_the_package(room: str) -> None:
    assert find_missing_data(importlib.resources.files(f"headgate.{room}"), REQUIRED_DATA[room]) == []


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tiny house that is in order: every room, one module, one clause, and a packaging that ships them."""
    for room in MAY_IMPORT:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text('"""A room."""\n')
    (tmp_path / "spec" / "clauses").mkdir()
    (tmp_path / "spec" / "clauses" / "bucket.md").write_text("# Bucket\n")
    (tmp_path / "model" / "bucket.py").write_text("import headgate.spec\n")
    packages = [f"headgate.{room}" for room in MAY_IMPORT]
    folders = "\n".join(f'"headgate.{room}" = "{room}"' for room in MAY_IMPORT)
    (tmp_path / "pyproject.toml").write_text(
        f'[project]\nname = "headgate"\nversion = "0"\n[tool.setuptools]\npackages = {packages}\n'
        f'[tool.setuptools.package-dir]\n{folders}\n[tool.setuptools.package-data]\n"*" = ["**/*.md"]\n'
    )
    return tmp_path


def test_a_tree_in_order_draws_no_complaint(tree: Path) -> None:
    assert is_checkout(tree)
    assert find_unshipped(tree, get_files_in_wheel(tree)) == []
    assert find_homeless(tree) == []
    assert find_missing_data(tree / "spec", ("clauses/*.md",)) == []
    assert find_forbidden_imports(tree) == []
    assert find_floats(tree) == []


@pytest.mark.parametrize("name", ["spec/clauses/levels.py", "spec/profiles/h200.toml", "model/deep/__init__.py"])
def test_a_file_that_does_not_ship_is_found(tree: Path, name: str) -> None:
    (tree / name).parent.mkdir(exist_ok=True)
    (tree / name).write_text("")
    (complaint,) = find_unshipped(tree, get_files_in_wheel(tree))
    assert complaint.startswith(f"{name}: not shipped")


def test_a_shipped_file_that_is_not_there_is_found(tree: Path) -> None:
    shipped = get_files_in_wheel(tree)
    (tree / "model" / "bucket.py").unlink()
    assert find_unshipped(tree, shipped) == ["model/bucket.py: shipped, but not there"]


def test_a_python_file_without_a_room_is_found(tree: Path) -> None:
    (tree / "attic").mkdir()
    (tree / "attic" / "old.py").write_text("")
    (tree / "setup.py").write_text("")
    assert find_homeless(tree) == ["attic/old.py: stands in no room", "setup.py: stands in no room"]


def test_missing_data_are_found(tree: Path) -> None:
    assert find_missing_data(tree / "spec", ("clauses/*.md", "profiles/*.toml")) == [
        "spec/profiles/*.toml: no such file"
    ]


# Who imports whom.


def get_imports(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name of whatever a module imports or reaches by a literal name, inside functions too.

    A relative import is yielded with its leading dots.
    """
    for node in ast.walk(module):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module="headgate", names=names, level=0):
                yield from ((node.lineno, f"headgate.{alias.name}") for alias in names)
            case ast.ImportFrom(module=name, level=level):
                yield node.lineno, "." * level + (name or "")
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__" | "files")
                | ast.Attribute(attr="import_module" | "__import__" | "files"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield node.lineno, name


def find_fault(room: str, name: str) -> str | None:
    """Say what is wrong with a room's importing a name, or nothing."""
    first, _, rest = name.partition(".")
    if name.startswith("."):
        return "relative import"
    if first in MAY_IMPORT:
        return f"`{name}` is found only by accident, in the root of a checkout; import `headgate.{name}`"
    target = rest.partition(".")[0]
    if first != "headgate" or target in ("", room) or target in MAY_IMPORT[room]:
        return None
    return f"{room} may not import {name}"


def find_forbidden_imports(root: Path) -> list[str]:
    """Complain about every import that goes up, sideways between proofs and properties, or is relative."""
    return [
        f"{path.relative_to(root).as_posix()}:{line}: {fault}"
        for room in MAY_IMPORT
        for path in get_modules(root, (room,))
        for line, name in get_imports(ast.parse(path.read_bytes()))
        if (fault := find_fault(room, name))
    ]


def test_no_room_imports_upward() -> None:
    assert find_forbidden_imports(ROOT) == []


@pytest.mark.parametrize(
    ("room", "line", "complaint"),
    [
        ("spec", "import headgate.model", "spec may not import headgate.model"),
        ("spec", "from headgate.model import bucket", "spec may not import headgate.model"),
        ("model", "from headgate import proofs", "model may not import headgate.proofs"),
        (
            "proofs",
            "from headgate.properties.oracles import bucket",
            "proofs may not import headgate.properties.oracles",
        ),
        (
            "properties",
            "def late():\n    import headgate.proofs.runner",
            "properties may not import headgate.proofs.runner",
        ),
        ("cli", "from headgate.tests import wrong", "cli may not import headgate.tests"),
        (
            "model",
            "import importlib\nimportlib.import_module('headgate.cli.main')",
            "model may not import headgate.cli.main",
        ),
        ("model", "__import__('headgate.cli')", "model may not import headgate.cli"),
        (
            "proofs",
            "from importlib.resources import files\nfiles('headgate.examples')",
            "proofs may not import headgate.examples",
        ),
        ("model", "from .bucket import offer", "relative import"),
        ("model", "from . import bucket", "relative import"),
        ("tests", "import model", "only by accident"),
    ],
)
def test_a_forbidden_import_is_found(tree: Path, room: str, line: str, complaint: str) -> None:
    (tree / room / "wrong.py").write_text(f"{line}\n")
    (found,) = find_forbidden_imports(tree)
    assert found.startswith(f"{room}/wrong.py:")
    assert complaint in found


# Where floats stand.


def find_floats(root: Path) -> list[str]:
    """Complain about every float literal, and every call of float, in a room that decides verdicts."""
    complaints = []
    for path in get_modules(root, EXACT_ROOMS):
        for node in ast.walk(ast.parse(path.read_bytes())):
            match node:
                case ast.Constant(value=float() | complex()) | ast.Call(func=ast.Name(id="float")):
                    name = path.relative_to(root).as_posix()
                    complaints.append(f"{name}:{node.lineno}: {ast.unparse(node)}: a float may not decide a verdict")
    return complaints


def test_no_float_stands_in_a_rule() -> None:
    assert find_floats(ROOT) == []


@pytest.mark.parametrize("line", ["RATE = 0.85", "def rate():\n    return 1e3", "RATE = float('0.85')", "RATE = -2j"])
def test_a_float_is_found(tree: Path, line: str) -> None:
    (tree / "model" / "wrong.py").write_text(f"{line}\n")
    (complaint,) = find_floats(tree)
    assert complaint.startswith("model/wrong.py:")


def test_a_float_elsewhere_is_let_be(tree: Path) -> None:
    (tree / "cli" / "progress.py").write_text("SECONDS = 0.1\n")
    assert find_floats(tree) == []
