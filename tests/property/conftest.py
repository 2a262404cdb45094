"""What the property tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Their lines are not counted: each example runs the same ones again, and counting takes two fifths of the time."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.no_cover)
