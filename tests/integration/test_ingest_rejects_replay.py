"""Refused readings get in after all when the cause is mended: none twice, none lost, by the rules of all others."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

import ingest.rejects.replay
from energy.errors import StorageError
from energy.readings import Reading
from energy.storage import Connection, Pool
from energy.wire import Address, RefusalCode, encode_envelope
from ingest.checking.points import PointTable
from ingest.checking.verdicts import Bounds
from ingest.receiving.carrier import Delivery
from ingest.receiving.envelopes import from_gateway
from ingest.rejects.find import Chosen
from tests.support.ingest_world import (
    BOUNDS,
    GATEWAY,
    OTHER_GATEWAY,
    START_MS,
    STREAM,
    ListeningCarrier,
    message,
    received,
)
from tests.support.rejects_world import keep, register, replay, table, unknown

READINGS = "select round(extract(epoch from ts) * 1000)::int8, value from readings order by ts, point_id"


async def test_readings_of_a_point_registered_later_come_in(connection: Connection) -> None:
    """As one batch of who replays, marked in the rejects, with a dirty mark and in no envelope's account."""
    await keep(connection, message(unknown(5), seq=1), message(unknown(5, since=5), seq=2))
    await register(connection)
    sums = await replay(connection)
    assert (sums.rejects, sums.stored, sums.tried) == (10, 10, 10)
    assert await table(connection, READINGS) == [(START_MS + 1_000 * n, float(n)) for n in range(10)]
    (number,) = sums.batches
    assert await table(connection, "select distinct replayed_by, code from rejects") == [(number, "unknown_point")]
    (record,) = await connection.fetch("select * from ingest_batch where batch = $1", number)
    assert (record["worker"], record["offered"], record["stored"], record["rejected"]) == ("replay-tester", 10, 10, 0)
    assert await table(connection, "select batch from derivation_dirty") == [(number,)]
    assert await table(connection, f"select batch from batch_envelopes where batch = {number}") == []  # noqa: S608 - ours


async def test_a_second_replay_finds_nothing_to_do(connection: Connection) -> None:
    """What is replayed is not open any more."""
    await keep(connection, message(unknown(3)))
    await register(connection)
    await replay(connection)
    assert (await replay(connection)).tried == 0
    assert await connection.fetchval("select count(*) from ingest_batch") == 2


async def test_what_is_stored_already_is_not_stored_twice(connection: Connection) -> None:
    """The gateway sent some of it again meanwhile, one with another value: counted, and marked as dealt with."""
    await keep(connection, message(unknown(3)))
    await register(connection)
    points = await connection.fetchval("select point_id from point")

    now_known = PointTable.of([("gw-a-0", points, "gw-a")])
    same, other = unknown(1), [Reading("gw-a-0", START_MS + 1_000, 77.0, 0)]
    await keep(connection, message([*same, *other], seq=2), table=now_known)
    sums = await replay(connection)
    assert (sums.rejects, sums.stored, sums.duplicates, sums.conflicts) == (3, 1, 1, 1)
    assert await connection.fetchval("select count(*) from rejects where replayed_by is null") == 0


async def test_what_is_refused_still_stays_as_it_is(connection: Connection) -> None:
    """Beside others that come in: no second row, the sender's reason kept, today's reason told."""
    await keep(connection, message([*unknown(1), Reading("gw-b-0", START_MS, 1.0), Reading("nobody's", START_MS, 1.0)]))
    await register(connection, "gw-a")
    await register(connection, "gw-b")
    sums = await replay(connection)
    assert (sums.rejects, sums.stored) == (1, 1)
    assert sums.refused == {RefusalCode.NOT_OWNER: 1, RefusalCode.UNKNOWN_POINT: 1}
    assert sums.details[RefusalCode.UNKNOWN_POINT] == 'point "nobody\'s" is not registered'
    kept = await table(connection, "select point, code, replayed_by is null from rejects order by reject_id")
    assert kept == [
        ("gw-a-0", "unknown_point", False),
        ("gw-b-0", "unknown_point", True),
        ("nobody's", "unknown_point", True),
    ]


async def test_todays_bounds_decide(connection: Connection) -> None:
    """Too old for one rule, good for a wider one; what was future when it came is now past."""
    old = message([Reading("gw-a-0", BOUNDS.earliest - 5, 1.0)], seq=1)
    future = message([Reading("gw-a-0", BOUNDS.latest + 5, 2.0)], seq=2)
    await register(connection)
    point_id = await connection.fetchval("select point_id from point")

    await keep(connection, old, future, table=PointTable.of([("gw-a-0", point_id, "gw-a")]))
    assert (await replay(connection)).refused == {RefusalCode.TOO_OLD: 1, RefusalCode.FUTURE: 1}
    later = Bounds(BOUNDS.earliest, BOUNDS.latest + 1_000)
    assert (await replay(connection, bounds=later)).refused == {RefusalCode.TOO_OLD: 1}
    wider = Bounds(BOUNDS.earliest - 1_000, BOUNDS.latest)
    assert (await replay(connection, bounds=wider)).stored == 1
    assert await connection.fetchval("select count(*) from readings") == 2


async def test_a_whole_message_is_decoded_again(connection: Connection) -> None:
    """Refused whole once, readable now: its readings come in; one that is refused is kept with a row of its own."""
    await keep(connection, received(GATEWAY.up, b"nonsense"))
    body = encode_envelope(STREAM, 3, [*unknown(2), Reading("nobody's", START_MS, 1.0)])
    await connection.execute("update rejects set payload = $1", body)
    http = from_gateway(ListeningCarrier("http"), None, "/v1/readings", b"nonsense", OTHER_GATEWAY)
    await keep(connection, http)
    other = encode_envelope(STREAM, 4, unknown(1, gateway="gw-b"))
    await connection.execute("update rejects set payload = $1 where carrier = 'http'", other)
    for gateway in ("gw-a", "gw-b"):
        await register(connection, gateway)
    sums = await replay(connection)
    assert (sums.rejects, sums.stored, sums.rejected) == (2, 3, 1)
    kept = await table(connection, "select carrier, gateway, point, code from rejects where replayed_by is null")
    assert kept == [("replay", "gw-a", "nobody's", "unknown_point")]
    assert await connection.fetchval("select count(*) from batch_envelopes where $1 = any(seq)", 4) == 0


async def test_what_cannot_be_replayed_is_said(connection: Connection) -> None:
    """Whole messages of other ways in, and payloads that somebody has changed; they hold up nothing."""
    deliveries = [
        Delivery(ListeningCarrier(name), None, name, b"x", GATEWAY, None, None, (), received(GATEWAY.up, b"x").refusal)
        for name in ("sparkplug", "csv")
    ]
    await keep(connection, *deliveries, received("no/topic", b"x"), message(unknown(2)))
    await connection.execute("update rejects set payload = 'spoiled' where reading_index = 1")
    await register(connection)
    sums = await replay(connection)
    assert (sums.rejects, sums.stored, sums.hopeless.total()) == (1, 1, 3)
    assert any("Sparkplug" in why for why in sums.hopeless)
    assert any("its payload is no reading" in why for why in sums.hopeless)
    assert sums.refused == {RefusalCode.MALFORMED: 1}


async def test_readings_that_the_database_refuses_stay_behind(connection: Connection) -> None:
    """The others of their piece come in, also those of a whole message among which one is refused."""
    await keep(connection, message(unknown(4)), received(GATEWAY.up, b"nonsense"))
    body = encode_envelope(STREAM, 9, unknown(3, since=10))
    await connection.execute("update rejects set payload = $1 where reading_index is null", body)
    await register(connection)
    await connection.execute("alter table readings add check (value not in (2, 11))")
    sums = await replay(connection)
    assert (sums.rejects, sums.stored, sums.rejected) == (4, 5, 1)
    assert sums.refused == {RefusalCode.STORAGE_REFUSED: 1}
    assert await connection.fetchval("select count(*) from readings") == 5
    still = await table(connection, "select code, point from rejects where replayed_by is null order by reject_id")
    assert still == [("unknown_point", "gw-a-0"), ("storage_refused", "gw-a-0")]


async def test_a_dry_run_changes_nothing(connection: Connection) -> None:
    """It says what a replay would do."""
    await keep(connection, message(unknown(3)))
    await register(connection)
    sums = await replay(connection, dry=True)
    assert (sums.rejects, sums.stored) == (3, 3)
    assert await connection.fetchval("select count(*) from readings") == 0
    assert await connection.fetchval("select count(*) from rejects where replayed_by is null") == 3
    assert (await replay(connection)).stored == 3


async def test_only_what_is_chosen_is_replayed(connection: Connection) -> None:
    """By gateway, code, point, way in and time of receipt."""
    both = (message(unknown(2)), message(unknown(1, gateway="gw-b"), sender=OTHER_GATEWAY))
    await keep(connection, *both)
    for gateway in ("gw-a", "gw-b"):
        await register(connection, gateway)
    received_at = await connection.fetchval("select max(received_at) from rejects")
    none = (
        Chosen(gateway="gw-c"),
        Chosen(code="future"),
        Chosen(point="gw-c-0"),
        Chosen(carrier="http"),
        Chosen(until=received_at),
        Chosen(open=False),
    )
    for chosen in none[:-1]:
        assert (await replay(connection, chosen)).tried == 0, chosen
    assert (await replay(connection, Chosen(gateway="gw-b", code="unknown_point", carrier="mqtt"))).stored == 1
    assert (await replay(connection, Chosen(point="gw-a-0", since=received_at, open=False))).stored == 2


async def test_many_come_in_pieces(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """By number and by bytes; a piece takes one reject at least, however large."""
    await keep(connection, message(unknown(10)), received("no/topic", b"x" * 100))
    await register(connection)
    monkeypatch.setattr(ingest.rejects.replay, "PIECE", 4)
    monkeypatch.setattr(ingest.rejects.replay, "PIECE_BYTES", 60)
    sums = await replay(connection)
    assert (sums.stored, sums.refused.total()) == (10, 1)
    assert len(sums.batches) >= 4


async def test_two_replays_at_once_store_everything_once(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes what the other has not."""
    async with pool.acquire() as first, pool.acquire() as second:
        await keep(first, *(message(unknown(100, since=100 * n), seq=n + 1) for n in range(10)))
        await register(first)
        monkeypatch.setattr(ingest.rejects.replay, "PIECE", 50)
        one, other = await asyncio.gather(replay(first), replay(second))
        assert one.stored + other.stored == 1_000
        assert one.conflicts + one.duplicates + other.conflicts + other.duplicates == 0
        assert await first.fetchval("select count(*) from readings") == 1_000
        assert await first.fetchval("select count(distinct replayed_by) from rejects") >= 20
        assert await first.fetchval("select sum(offered) from ingest_batch where worker = 'replay-tester'") == 1_000


@pytest.mark.parametrize("cut_after", ["readings", "rejects"])
async def test_a_replay_that_is_cut_off_leaves_no_half(
    pool: Pool, cut_after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection dies after readings, or marks, of a piece are written: the next one does the whole piece."""
    monkeypatch.setattr(ingest.rejects.replay, "PIECE", 10)
    async with pool.acquire() as own, pool.acquire() as killed:
        await keep(own, message(unknown(30)))
        await register(own)
        body = "begin perform pg_terminate_backend(pg_backend_pid()); return null; end"
        await own.execute(f"create function cut() returns trigger language plpgsql as $$ {body} $$")
        event, column = {"readings": ("insert", "value"), "rejects": ("update", "reading_index")}[cut_after]
        when = f"after {event} on {cut_after} for each row when (new.{column} = 15)"
        await own.execute(f"create trigger cut {when} execute function cut()")
        with pytest.raises(StorageError):
            await replay(killed)
        assert await own.fetchval("select count(*) from readings") == 10
        assert await own.fetchval("select count(*) from rejects where replayed_by is not null") == 10
        await own.execute(f"drop trigger cut on {cut_after}")
        assert (await replay(own)).stored == 20
        assert await own.fetchval("select count(*) from readings") == 30


async def test_addresses_are_of_the_sender_alone(connection: Connection) -> None:
    """A point whose owner changed since is replayed by the registry as it is now."""
    await keep(connection, message(unknown(1, gateway="gw-b"), sender=Address("610303", "gw-a")))
    await register(connection, "gw-b")
    assert (await replay(connection)).refused == {RefusalCode.NOT_OWNER: 1}
    await register(connection, "gw-a")
    await connection.execute(
        "update point set gateway_id = (select gateway_id from gateway where code = 'gw-a') where code = 'gw-b-0'"
    )
    assert (await replay(connection)).stored == 1


async def test_every_kind_of_number_comes_back_exactly(connection: Connection) -> None:
    """What JSON keeps is what COPY stores: no value, the least and the greatest double, a tenth."""
    values = [None, 5e-324, -1.7976931348623157e308, 0.1]
    sent = [Reading("gw-a-0", START_MS + n, value, 3 if value is None else 2) for n, value in enumerate(values)]
    await keep(connection, message(sent))
    await register(connection)
    await replay(connection)
    rows = await table(connection, "select value, quality from readings order by ts")
    assert msgspec.json.encode([row[0] if row[0] == row[0] else None for row in rows]) == msgspec.json.encode(values)
    assert [row[1] for row in rows] == [3, 2, 2, 2]
