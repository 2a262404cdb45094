"""What the database holds after batches were committed: exact counts, whatever was resent or refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from energy.errors import StorageRejectedError
from energy.readings import Reading
from energy.storage import Connection
from ingest.writing.search import find_refused, refusal_of
from ingest.writing.store import Outcome, Store, reserve_numbers
from tests.support.ingest_world import GATEWAY, START_MS, batch_of, message, received

COMMITTED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
STORE = Store("worker-1", lambda: COMMITTED_AT)
NAN = math.nan


def reading(at: int, value: float | None, quality: int = 0, point: str = "A-1") -> Reading:
    """A reading `at` ms after the start."""
    return Reading(point, START_MS + at, value, quality)


async def commit(connection: Connection, *readings: Sequence[Reading]) -> Outcome:
    """Commit one batch of one message per argument."""
    (number,) = await reserve_numbers(connection, 1)
    deliveries = [message(part, seq=number) for number, part in enumerate(readings, 1)]
    return await STORE.commit(connection, batch_of(*deliveries), number)


async def rows(connection: Connection, table: str) -> list[tuple[Any, ...]]:
    """(point, ms after the start, value, quality) of a table of readings, in the order of the key."""
    found = await connection.fetch(f"select * from {table} order by point_id, ts, quality, value")  # noqa: S608 - ours
    return [(r["point_id"], round(r["ts"].timestamp() * 1000) - START_MS, str(r["value"]), r["quality"]) for r in found]


async def test_what_copy_wrote_reads_back_exactly(connection: Connection) -> None:
    """Times to the millisecond, floats to the last bit, NaN and negative values, and the batch's number."""
    values = [0.1, -1e-300, 1.7976931348623157e308, 123456.789]
    outcome = await commit(
        connection,
        [reading(i * 7 - 9, value) for i, value in enumerate(values)],
        [reading(5, None, 3, "A-2"), reading(-3, 2.5, 2, "A-2")],
    )
    assert outcome == Outcome(6, 0, 0, 0, COMMITTED_AT)
    assert await rows(connection, "readings") == [
        *((11, i * 7 - 9, str(value), 0) for i, value in enumerate(values)),
        (12, -3, "2.5", 2),
        (12, 5, "nan", 3),
    ]
    (batch,) = await connection.fetch("select * from ingest_batch")
    assert dict(batch) == {
        "batch": (await connection.fetchval("select distinct batch from readings")),
        "worker": "worker-1",
        "received_at": datetime.fromtimestamp(START_MS / 1000, UTC),
        "committed_at": COMMITTED_AT,
        "envelopes": 2,
        "offered": 6,
        "stored": 6,
        "duplicates": 0,
        "conflicts": 0,
        "rejected": 0,
    }


async def test_dirty_marks_name_each_point_with_its_range(connection: Connection) -> None:
    """One row for the batch, encoded as arrays."""
    await commit(connection, [reading(50, 1.0), reading(10, 1.0), reading(30, 1.0), reading(7, 1.0, point="A-2")])
    (dirty,) = await connection.fetch("select points, since, until from derivation_dirty")
    at = [datetime.fromtimestamp((START_MS + ms) / 1000, UTC) for ms in (10, 7, 50, 7)]
    assert (dirty["points"], dirty["since"], dirty["until"]) == ([11, 12], at[:2], at[2:])


async def test_resent_readings_are_dropped_and_counted(connection: Connection) -> None:
    """The same envelope again, alone or among new readings, stores nothing twice and marks nothing needlessly."""
    first = [reading(1, 1.0), reading(2, None, 3)]
    await commit(connection, first)
    assert (await commit(connection, first)) == Outcome(0, 2, 0, 0, COMMITTED_AT)
    assert await connection.fetchval("select count(*) from derivation_dirty") == 1
    assert (await commit(connection, [*first, reading(3, 3.0)], first)) == Outcome(1, 4, 0, 0, COMMITTED_AT)
    assert await rows(connection, "readings") == [(11, 1, "1.0", 0), (11, 2, "nan", 3), (11, 3, "3.0", 0)]
    assert await rows(connection, "reading_conflicts") == []


async def test_contradictions_are_kept_and_never_overwrite(connection: Connection) -> None:
    """Another value or quality for a stored key goes beside it, once; content alone says which is effective."""
    await commit(connection, [reading(1, 5.0, 1)])
    better, same, worse = reading(1, 9.0, 0), reading(1, 5.0, 1), reading(1, 5.0, 2)
    outcome = await commit(connection, [better, same], [worse, better])
    assert outcome == Outcome(0, 2, 2, 0, COMMITTED_AT)
    assert (await commit(connection, [reading(1, 9.0, 0)])) == Outcome(0, 1, 0, 0, COMMITTED_AT)
    assert await rows(connection, "readings") == [(11, 1, "5.0", 1)]
    assert await rows(connection, "reading_conflicts") == [(11, 1, "9.0", 0), (11, 1, "5.0", 2)]
    assert await rows(connection, "readings_effective") == [(11, 1, "9.0", 0)]


async def test_one_key_twice_in_a_batch_is_resolved_first(connection: Connection) -> None:
    """The effective one is stored, the others are conflicts, in one statement that cannot trip over itself."""
    outcome = await commit(connection, [reading(1, 7.0), reading(1, 3.0), reading(1, None, 3), reading(2, 1.0)])
    assert outcome == Outcome(2, 0, 2, 0, COMMITTED_AT)
    assert await rows(connection, "readings") == [(11, 1, "3.0", 0), (11, 2, "1.0", 0)]
    assert await rows(connection, "reading_conflicts") == [(11, 1, "7.0", 0), (11, 1, "nan", 3)]


async def test_a_commit_whose_answer_was_lost_is_found(connection: Connection) -> None:
    """The same number is not committed twice: its outcome is asked for."""
    batch = batch_of(message([reading(1, 1.0), reading(1, 1.0)]))
    assert await STORE.committed(connection, batch, 77) is None
    outcome = await STORE.commit(connection, batch, 77)
    assert await STORE.committed(connection, batch, 77) == outcome == Outcome(1, 1, 0, 0, COMMITTED_AT)


async def test_rejects_are_kept_once_with_their_payload(connection: Connection) -> None:
    """What comes again is refused and counted again, but kept once; a message that cannot be read likewise."""
    unknown, nonsense = message([Reading("X-1", START_MS, 1.0)], seq=4), received(GATEWAY.up, b"\x00nonsense")
    for number in (1, 2):
        outcome = await STORE.commit(connection, batch_of(unknown, nonsense), number)
        assert outcome == Outcome(0, 0, 0, 2, COMMITTED_AT)
    kept = await connection.fetch("select source, seq, reading_index, code, payload from rejects order by seq")
    assert [tuple(row) for row in kept] == [
        (GATEWAY.up, 4, 0, "unknown_point", b'["X-1",%d,1.0,0]' % START_MS),
        (GATEWAY.up, None, None, "malformed", b"\x00nonsense"),
    ]
    assert await connection.fetchval("select sum(offered) from ingest_batch") == 4


async def test_the_rows_that_the_database_refuses_are_found(connection: Connection) -> None:
    """Halving names exactly the guilty rows, and leaves nothing behind."""
    await connection.execute("alter table readings add check (value < 1000)")
    guilty = {3, 4, 97}
    batch = batch_of(message([reading(i, 2000.0 if i in guilty else float(i)) for i in range(100)]))
    with pytest.raises(StorageRejectedError):
        await STORE.commit(connection, batch, 5)
    refused, detail = await find_refused(lambda part: refusal_of(connection, part), batch.rows)
    assert set(np.flatnonzero(refused)) == guilty
    assert "check constraint" in detail
    outcome = await STORE.commit(connection, batch.refusing(refused, detail), 5)
    assert outcome == Outcome(97, 0, 0, 3, COMMITTED_AT)
    assert await connection.fetchval("select count(*) from readings") == 97
