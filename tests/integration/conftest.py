"""What the integration tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Laws count no lines: each example runs the same ones again, which tests of single cases count."""
    for item in items:
        if item.path.parent == _HERE and item.path.stem.endswith("_law"):
            item.add_marker(pytest.mark.no_cover)
