"""Traps of deriving, one by one: each was laid where a shortcut could go wrong."""

from __future__ import annotations

import pytest

from energy.storage import Connection
from tests.support.deriving import derive_all, drained, worker
from tests.support.deriving_world import expected, intervals, minutely
from tests.support.register_world import populate, registry, shown, store

WORLD = registry([("E", "electricity", 1)])
_EDIT = """
with made as (
    insert into edit (point_id, kind, since, until, ratio, author, reason, recorded_at)
    select point_id, $1, $2, $3, $4, 'a', 'r', $2 from point where code = 'E' returning point_id
)
insert into derivation_dirty
select nextval('batch_id'), array_agg(point_id), array[$2::timestamptz], array['infinity'::timestamptz] from made
"""


@pytest.fixture
def connection(undone: Connection) -> Connection:
    """What a test does on it is undone."""
    return undone


async def _calm(connection: Connection, minutes: int = 40) -> None:
    """A register that is read every minute, one batch each."""
    await populate(connection, minutely(WORLD))
    for minute in range(minutes):
        await store(connection, [shown("E", minute, 10 * minute)])


async def test_a_batch_that_contradicts_itself_does_not_go_on_from_memory(connection: Connection) -> None:
    """The better one of two readings of a moment counts, though the other one is in the table of readings."""
    await _calm(connection)
    async with worker(connection) as deriver:
        await drained(deriver, connection)
        for minute in range(40, 60):
            one, other = shown("E", minute, 10 * minute + 3, quality=2), shown("E", minute, 10 * minute)
            await store(connection, [one])
            await connection.execute("delete from derivation_dirty")
            await store(connection, [other, shown("E", minute + 0.5, 10 * minute + 5)])
            await drained(deriver, connection)
        assert await intervals(connection) == await expected(connection)


async def test_a_contradiction_inside_a_batch_is_settled_by_content(connection: Connection) -> None:
    """Both come with one batch, before a reading that is plain: the marks show nothing of it, and either would do."""
    await _calm(connection, 45)
    async with worker(connection) as deriver:
        await drained(deriver, connection)
        await store(connection, [shown("E", 44.9, 455), shown("E", 44.9, 449), shown("E", 45.5, 460)])
        assert await connection.fetchval("select value from readings order by ts desc offset 1 limit 1") == 455
        assert (await drained(deriver, connection)).forward == 0
        assert await intervals(connection) == await expected(connection)


@pytest.mark.parametrize(("kind", "ratio"), [("ratio", 2), ("exclude", None)])
async def test_an_edited_point_does_not_go_on_from_memory(connection: Connection, kind: str, ratio: int | None) -> None:
    """What a person said of the past holds for what comes: readings are multiplied from there on."""
    await _calm(connection)
    async with worker(connection) as deriver:
        await drained(deriver, connection)
        since = shown("E", 20, 0).at / 1000
        await connection.execute(
            _EDIT.replace("$2", f"to_timestamp({since})")
            .replace("$3", f"to_timestamp({since + (0 if ratio else 120)})")
            .replace("$4", "$2"),
            kind,
            ratio,
        )
        await drained(deriver, connection)
        for minute in range(40, 60):
            await store(connection, [shown("E", minute, 10 * minute)])
            assert (await drained(deriver, connection)).forward == 0
        assert await intervals(connection) == await expected(connection)


async def test_a_reading_that_ends_a_dip_changes_what_was_said_of_its_beginning(connection: Connection) -> None:
    """The fall lies several readings, and quarter hours, before the reading that explains it."""
    await populate(connection, WORLD)
    values = [100, 110, 120, 50, 51, 52]
    await store(connection, [shown("E", 15 * number, value) for number, value in enumerate(values)])
    await derive_all(connection)
    before = await intervals(connection)
    await store(connection, [shown("E", 90, 130)])
    await derive_all(connection)
    after = await intervals(connection)
    assert after == await expected(connection)
    assert after[2] != before[2]


async def test_a_worker_that_was_away_does_not_go_on_from_what_it_remembers(connection: Connection) -> None:
    """Another worker took a reading's mark meanwhile, and the group comes back: its count of steps tells."""
    await _calm(connection, 45)
    async with worker(connection) as first:
        await drained(first, connection)
        async with worker(connection) as second:
            await connection.execute("update derivation_group set holder = $1", second._worker)
            await store(connection, [shown("E", 44.9, 540)])
            await drained(second, connection)
            await connection.execute("update derivation_group set holder = $1", first._worker)
        await store(connection, [shown("E", 45.5, 545)])
        assert (await drained(first, connection)).forward == 0
        assert await intervals(connection) == await expected(connection)
