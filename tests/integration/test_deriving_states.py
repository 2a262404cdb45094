"""States on record where readings end: what lies between them and the outermost reading follows from both."""

from __future__ import annotations

import pytest

from energy.storage import Connection
from ingest.accounting.edits.model import Given, Kind
from ingest.accounting.edits.store import add
from tests.support.deriving import derive_all
from tests.support.deriving_world import forget_derived, tables
from tests.support.edits_world import NOW
from tests.support.register_world import Shown, instant, populate, registry, shown, store

BEFORE = Given(Kind.REPLACEMENT, "A", {"since": instant(-100).isoformat(), "new_start": "3"}, "tester", "replaced")
AFTER = Given(Kind.REPLACEMENT, "A", {"since": instant(300).isoformat(), "old_end": "134"}, "tester", "replaced")


@pytest.fixture
def connection(undone: Connection) -> Connection:
    """What a test does on it is undone."""
    return undone


@pytest.mark.parametrize(
    ("replaced", "late"),
    [
        (BEFORE, shown("A", -30, 99.0)),
        (AFTER, shown("A", 200, 120.0)),
        (BEFORE, Given(Kind.RATIO, "A", {"since": instant(-30).isoformat(), "ratio": "2"}, "tester", "corrected")),
        (AFTER, Given(Kind.RATIO, "A", {"since": instant(200).isoformat(), "ratio": "2"}, "tester", "corrected")),
    ],
)
async def test_what_comes_late_reaches_to_the_state_on_record(
    connection: Connection, replaced: Given, late: Given | Shown
) -> None:
    """The old meter's last readings, or a ratio, come after its removal was recorded: as if they had been there."""
    await populate(connection, registry([("A", "electricity", 1)]))
    await add(connection, [replaced], NOW)
    await store(connection, [shown("A", 60 + minute, 100 + minute / 15) for minute in range(0, 90, 15)])
    await derive_all(connection)
    if isinstance(late, Given):
        await add(connection, [late], NOW)
    else:
        await store(connection, [late])
    await derive_all(connection)
    stood = await tables(connection)
    await forget_derived(connection)
    await derive_all(connection)
    assert await tables(connection) == stood
