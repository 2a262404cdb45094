"""Traps seen in comparable systems, as far as what ingest stores is concerned."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from energy.readings import Reading
from energy.storage import Connection, StorageSettings, connect
from ingest.checking.batch import assemble
from ingest.checking.settings import CheckSettings
from ingest.checking.verdicts import Bounds
from ingest.writing.store import Outcome, Store
from tests.support.ingest_world import TABLE, batch_of, message

ZONE = "America/New_York"
"""A zone with an hour that comes twice; readings from China have none, but a server may stand anywhere."""
AUTUMN = datetime(2025, 11, 2, 1, 30, tzinfo=ZoneInfo(ZONE))
AT = datetime(2026, 3, 1, tzinfo=UTC)
STORE = Store("worker-1", lambda: AT)


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process lives in that zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", ZONE)
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
async def connection(database: StorageSettings) -> AsyncIterator[Connection]:
    """A session that lives in that zone too."""
    async with connect(database) as own:
        await own.execute(f"set timezone to '{ZONE}'")
        yield own


def ms(at: datetime) -> int:
    """Milliseconds since 1970 UTC."""
    return round(at.timestamp() * 1000)


@pytest.mark.usefixtures("far_away")
async def test_the_repeated_hour_in_autumn_does_not_overwrite_itself(connection: Connection) -> None:
    """Trap "time": local wall time in a key. Both half past ones are kept, by a process and a session of there."""
    first, second = AUTUMN.replace(fold=0), AUTUMN.replace(fold=1)
    assert ms(second) - ms(first) == 3_600_000
    readings = [Reading("A-1", ms(second), 2.0), Reading("A-1", ms(first), 1.0)]
    outcome = await STORE.commit(connection, batch_of(message(readings), bounds=Bounds(0, ms(AT))), 1)
    assert (outcome.stored, outcome.conflicts) == (2, 0)
    again = await STORE.commit(connection, batch_of(message(readings), bounds=Bounds(0, ms(AT))), 2)
    assert (again.stored, again.duplicates, again.conflicts) == (0, 2, 0)
    kept = await connection.fetch("select ts, value from readings_effective order by ts")
    assert [(ms(row["ts"]), row["value"]) for row in kept] == [(ms(first), 1.0), (ms(second), 2.0)]


@pytest.mark.usefixtures("far_away")
async def test_the_hour_that_spring_leaves_out_is_an_hour_like_any_other(connection: Connection) -> None:
    """Trap "time": local wall time in a key. Every minute of a day of 23 hours comes back as it was sent."""
    start = datetime(2025, 3, 9, 5, tzinfo=UTC)
    sent = [ms(start + timedelta(minutes=minute)) for minute in range(24 * 60)]
    readings = [Reading("A-1", at, float(number)) for number, at in enumerate(sent)]
    batch = batch_of(message(readings[:800]), message(readings[800:], seq=2), bounds=Bounds(0, ms(AT)))
    assert await STORE.commit(connection, batch, 1) == Outcome(1440, 0, 0, 0, AT)
    kept = await connection.fetch("select ts from readings order by value")
    assert [ms(row["ts"]) for row in kept] == sent


async def test_two_rows_with_one_key_are_resolved_before_the_statement(connection: Connection) -> None:
    """Trap "upsert": two rows with one key inside one statement fail for ever. PostgreSQL does so; our batch does not.

    The key stands thrice in the batch and once in the table, so that both ways of writing meet it.
    """
    at = ms(AT) - 1000
    row = "(timestamptz '2026-02-01 00:00:00+00', 11, 1.0, 0, 1)"
    with pytest.raises(asyncpg.CardinalityViolationError):
        await connection.execute(
            f"insert into readings values {row}, {row} on conflict (point_id, ts) do update set value = 0"  # noqa: S608 - ours
        )
    twice = [Reading("A-1", at, 3.0), Reading("A-1", at, 2.0), Reading("A-1", at, 2.0), Reading("A-2", at, 1.0)]
    batch = batch_of(message(twice), message([Reading("A-1", at, None, 3)], seq=2), bounds=Bounds(0, ms(AT)))
    assert await STORE.commit(connection, batch, 1) == Outcome(2, 1, 2, 0, AT)
    assert await STORE.commit(connection, batch, 2) == Outcome(0, 5, 0, 0, AT)
    effective = await connection.fetch("select point_id, value from readings_effective order by point_id")
    assert [tuple(row) for row in effective] == [(11, 2.0), (12, 1.0)]


async def test_one_key_many_times_goes_through_copy_as_one_row(connection: Connection) -> None:
    """Trap "COPY": one duplicate key fails the whole batch. A key repeated in a batch reaches the index once."""
    at = ms(AT) - 1000
    batch = batch_of(
        *(message([Reading("A-1", at, 2.0)] * 50, seq=seq) for seq in range(1, 21)), bounds=Bounds(0, ms(AT))
    )
    assert not batch.rows.contested
    assert await STORE.commit(connection, batch, 1) == Outcome(1, 999, 0, 0, AT)


async def test_late_readings_are_stored_and_derived_again(connection: Connection) -> None:
    """Trap "late data": silently ignored, or seen only within 30 minutes. However late, stored and marked as dirty."""
    ages = [timedelta(minutes=31), timedelta(days=40), timedelta(days=999)]
    allowed = round(CheckSettings().age_days * 86_400_000)
    bounds = Bounds.around(ms(AT), age_ms=allowed, future_ms=0)
    for number, age in enumerate(ages, 1):
        late = message([Reading("A-1", ms(AT - age), float(number))], seq=number)
        outcome = await STORE.commit(connection, assemble([late], TABLE, bounds, ms(AT)), number)
        assert (outcome.stored, outcome.rejected) == (1, 0)
    marks = await connection.fetch("select batch, points, since, until from derivation_dirty order by batch")
    assert [tuple(mark) for mark in marks] == [(n, [11], [AT - age], [AT - age]) for n, age in enumerate(ages, 1)]
