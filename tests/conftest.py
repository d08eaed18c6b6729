"""Settles for this room, before a test is collected, what pyproject.toml cannot for an installed wheel."""

import os
from pathlib import Path

import pytest

from headgate.properties import profiles

# The checkout is asked whether the rules are right, an installed wheel whether it holds everything: it is spared what
# breaks rules, invariants and miniatures by hand, what proves each theorem by itself (`headgate verify` proves them
# all), and what measures.
IS_CHECKOUT = (Path(__file__).parents[1] / "pyproject.toml").exists()
ASKED_OF_THE_CHECKOUT = ("mutation", "miniatures", "invariants", "catalogue", "recheck", "peers")
collect_ignore = [] if IS_CHECKOUT else [f"test_{name}.py" for name in ASKED_OF_THE_CHECKOUT]


# pytest-xdist tells its workers how wide the terminal is; what is tested is what a pipe gets.
os.environ.pop("COLUMNS", None)


def pytest_configure(config: pytest.Config) -> None:
    """Load the Hypothesis profile, and make the marker known where no pyproject.toml does."""
    config.addinivalue_line("markers", "soak: takes minutes; left out unless asked for (`make soak`)")
    profiles.load()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables that tests recorded, also where they ran in another process; rows of one name make one table."""
    tables: dict[str, list[str]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, table in getattr(report, "user_properties", ()):
                kind, _, title = name.partition(": ")
                if kind in ("table", "row") and getattr(report, "when", "") == "call":
                    tables.setdefault(title, []).append(table)
    for title, rows in tables.items():
        terminalreporter.section(title)
        terminalreporter.write_line("\n".join(sorted(rows)))
