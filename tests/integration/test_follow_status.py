"""What is shown of a gateway after its statuses, wills and farewells, on whatever way and in whatever order."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from energy.clocks import DataClock
from energy.services import run_services
from energy.storage import Connection, Pool, StorageSettings
from energy.wire import Address, encode
from ingest.following.status import MOST_DROPPED, MOST_STREAMS, StatusFollower
from tests.support.eventually import eventually
from tests.support.follow_world import HOUR, NOON, REGION, follow, report, status, stream_name

OLD, NEW = stream_name(1), stream_name(2)
WILL = status(None, online=False)


@pytest.fixture
def connection(undone: Connection) -> Connection:
    """One connection."""
    return undone


@pytest.fixture
async def watching(pool: Pool) -> Any:
    """One connection to a database of the test's own, into which a service writes."""
    async with pool.acquire() as acquired:
        yield acquired


async def shown(connection: Connection) -> tuple[Any, ...]:
    """(online, stream, last_seq, kept_from) of the only gateway."""
    row = await connection.fetchrow("select online, stream, last_seq, kept_from from gateway_status")
    return tuple(row or ())


async def test_a_late_status_changes_nothing(connection: Connection) -> None:
    """Numbers only grow within a stream, whatever the clock of the gateway says."""
    await report(connection, "gw", status(OLD, 9, 5, at=NOON))
    for late in (status(OLD, 8, 5, at=NOON + HOUR), status(OLD, 9, 4, at=NOON + HOUR)):
        await report(connection, "gw", late)
    assert await shown(connection) == (True, OLD, 9, 5)
    await report(connection, "gw", status(OLD, 9, None, at=NOON - HOUR))
    assert await shown(connection) == (True, OLD, 9, None)
    await report(connection, "gw", status(OLD, 10, 10, at=NOON - 2 * HOUR))
    assert await shown(connection) == (True, OLD, 10, 10)


async def test_a_new_stream_counts_although_the_clock_is_wrong(connection: Connection) -> None:
    """A stream never heard of is new; a known one comes back only with a later status."""
    await report(connection, "gw", status(OLD, 9, 5, at=NOON))
    await report(connection, "gw", status(NEW, 1, 1, at=NOON - 9 * HOUR))
    assert await shown(connection) == (True, NEW, 1, 1)
    await report(connection, "gw", status(OLD, 9, 6, at=NOON - 10 * HOUR))
    assert await shown(connection) == (True, NEW, 1, 1)
    await report(connection, "gw", status(OLD, 9, 7, at=NOON))
    assert await shown(connection) == (True, OLD, 9, 7)


async def test_a_will_of_the_address_that_was_left_does_not_count(connection: Connection) -> None:
    """A gateway that went on to another broker, or to HTTP, is online until it is gone from there."""
    await report(connection, "gw", status(OLD, 1, 1), via="first")
    await report(connection, "gw", status(OLD, 1, 1), via="second")
    await report(connection, "gw", WILL, via="first")
    await report(connection, "gw", status(OLD, 1, 1, online=False), via="first")
    assert await shown(connection) == (True, OLD, 1, 1)
    await report(connection, "gw", status(OLD, 2, 1), via="http", carrier="http")
    await report(connection, "gw", WILL, via="second")
    carrier = "select online, carrier, via from gateway_status"
    assert tuple(await connection.fetchrow(carrier) or ()) == (True, "http", "http")
    await report(connection, "gw", status(OLD, 2, 1), via="second")
    await report(connection, "gw", WILL, via="second")
    assert tuple(await connection.fetchrow(carrier) or ()) == (False, "mqtt", "second")
    assert await shown(connection) == (False, OLD, 2, 1)


async def test_a_gateway_whose_first_message_is_its_will(connection: Connection) -> None:
    """Retained from before the platform was; the status that follows is taken."""
    await report(connection, "gw", WILL)
    assert await shown(connection) == (False, None, None, None)
    await report(connection, "gw", status(None, online=True))
    assert await shown(connection) == (True, None, None, None)
    await report(connection, "gw", status(OLD, 3, None))
    assert await shown(connection) == (True, OLD, 3, None)


async def test_dropped_ranges_add_up_over_statuses(connection: Connection) -> None:
    """A status names only the newest hundred; the totals say how many of the missing ones were dropped long ago."""
    for start in (20, 1, 12):
        await report(connection, "gw", status(OLD, 40, 31, dropped=[(start, start + 4)], total=18))
    await follow(connection)
    (gap,) = await connection.fetch("select * from board.gap")
    assert (gap["missing"], gap["dropped_unnamed"], gap["to_come"]) == (15, 3, 10)
    assert gap["missing_numbers"] == "6-11 17-19 25-30"
    (row,) = await connection.fetch("select * from board.ledger")
    assert (row["dropped"], row["dropped_numbers"], row["difference"]) == (15, "1-5 12-16 20-24", 0)


async def test_no_status_that_can_be_sent_stops_the_others(watching: Connection, database: StorageSettings) -> None:
    """Odd words, ranges without end or the wrong way round, ever new streams: bounded, and the rest is kept."""
    statuses = StatusFollower(database, DataClock(), "broker")
    odd = Address(REGION, "gw-odd")
    texts = [
        rb'{"v":1,"online":true,"stream":"%032x","last_seq":%d,"kept_from":%d,"at":253402300799999,"dropped":['
        rb'{"first":9,"last":2,"reason":"\u0000\ud83d\ude00"},{"first":5,"last":9223372036854775807,"reason":"x"}]}'
        % (number, 2**63 - 1, 2**63 - 1)
        for number in range(3 * MOST_STREAMS)
    ]
    words = "y" * 99
    many = ",".join(f'{{"first":{n},"last":{n},"reason":"{words}"}}' for n in range(1, MOST_DROPPED + 100))
    texts.append(b'{"v":1,"online":true,"stream":"%032x","last_seq":5000,"dropped":[%s]}' % (99, many.encode()))
    for text in texts:
        statuses.note(odd.status, text)
    statuses.note(Address(REGION, "gw").status, encode(status(OLD, 7, 3)))
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(run_services([statuses], grace=5, stop=stop))

        async def written() -> bool:
            return bool(await watching.fetchval("select count(*) = 2 from gateway_status"))

        await eventually(written, 20)
        stop.set()
    await follow(watching)
    assert await watching.fetchval("select count(*) from gateway_stream") == MOST_STREAMS + 1
    dropped = "select jsonb_array_length(dropped), octet_length(dropped ->> 0) from gateway_status where gateway = $1"
    assert tuple(await watching.fetchrow(dropped, "gw-odd") or ()) < (MOST_DROPPED + 1, 99)
    assert await watching.fetchval("select sum(abs(difference)) from board.ledger") == 0


async def test_a_status_that_the_database_refuses_costs_only_itself(
    watching: Connection, database: StorageSettings
) -> None:
    """Whatever the reason: the others of the same second are written."""
    await watching.execute("alter table gateway_status add check (last_seq <> 13)")
    statuses = StatusFollower(database, DataClock())
    for number in range(20):
        statuses.heard(Address(REGION, f"gw-{number}"), status(OLD, number, None), carrier="mqtt")
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(run_services([statuses], grace=5, stop=stop))

        async def written() -> bool:
            return bool(await watching.fetchval("select count(*) = 19 from gateway_status"))

        await eventually(written, 20)
        stop.set()


async def test_numbers_announced_count_on_the_day_on_which_they_were_heard_of(connection: Connection) -> None:
    """A status tells of envelopes that have not come; a repetition on a later day adds nothing there."""
    await report(connection, "gw", status(OLD, 4, 1), at=NOON)
    await report(connection, "gw", status(OLD, 4, 1), at=NOON + timedelta(days=1))
    await report(connection, "gw", status(OLD, 9, 1), at=NOON + timedelta(days=2))
    rows = await connection.fetch("select expected::int, to_come::int, to_come_numbers from board.ledger order by day")
    assert [tuple(row) for row in rows] == [(4, 4, "1-4"), (0, 0, ""), (5, 5, "5-9")]
