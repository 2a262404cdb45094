"""What the tests of the architecture share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.source_tree import modules


@pytest.fixture(scope="package", autouse=True)
def source_forgotten() -> Iterator[None]:
    """The syntax of all files is let go afterwards: millions of objects, which every later collection would visit."""
    yield
    modules.cache_clear()
