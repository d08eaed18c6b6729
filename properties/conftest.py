"""Settles for this room, before a test is collected, what pyproject.toml cannot for an installed wheel."""

import pytest

from headgate.properties import profiles


def pytest_configure(config: pytest.Config) -> None:
    """Load the Hypothesis profile, and make the marker known where no pyproject.toml does."""
    config.addinivalue_line("markers", "soak: takes minutes; left out unless asked for (`make soak`)")
    profiles.load()
