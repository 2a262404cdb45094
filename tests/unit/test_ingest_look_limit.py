"""Unknown codes ask the database only now and then."""

from __future__ import annotations

from ingest.checking.look_limit import LookLimit


def test_looks_are_limited_in_real_time() -> None:
    """Unknown codes cannot make ingest ask more often than once per interval."""
    now = [100.0]
    limit = LookLimit(2.0, lambda: now[0])
    assert limit.allows()
    limit.looked()
    now[0] = 101.9
    assert not limit.allows()
    now[0] = 102.0
    assert limit.allows()
