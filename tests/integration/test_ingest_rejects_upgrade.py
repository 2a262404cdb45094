"""What was refused before this version can be listed and replayed with it."""

from __future__ import annotations

from energy.storage import Connection, StorageSettings, connect
from energy.storage.databases import create_database, drop_database
from energy.storage.pool import SQL_DIRECTORY
from ingest.rejects.find import Chosen, summary
from tests.support.ingest_world import GATEWAY, START_MS
from tests.support.rejects_world import register, replay, table

OLD = """insert into rejects (received_at, topic, stream, seq, reading_index, code, detail, payload)
values ('2026-03-01', $1, $2, 1, $3, $4, 'as it was told', $5)"""


async def migrate(connection: Connection, first: str, last: str) -> None:
    """Run the migrations from one number to another."""
    for file in sorted(SQL_DIRECTORY.glob("*.sql")):
        if first <= file.name[:4] <= last:
            await connection.execute(file.read_text(encoding="utf-8"))


async def test_rejects_of_an_older_version_are_replayed(dsn: str) -> None:
    """Their gateway comes from the topic, their point from the payload; what names neither stays, and says so."""
    name = f"{dsn.rsplit('/', 1)[1].partition('?')[0]}_old"
    old_dsn = await create_database(dsn, name)
    try:
        async with connect(StorageSettings(old_dsn)) as connection:
            await migrate(connection, "0001", "0004")
            reading = b'["gw-a-0",%d,5.0,0]' % START_MS
            for topic, stream, index, code, payload in (
                (GATEWAY.up, "a" * 32, 0, "unknown_point", reading),
                (GATEWAY.up, None, None, "malformed", b"\xff\x00nonsense"),
                ("qw/2/610303/gw-a/up", None, None, "unsupported_version", b"{}"),
                (GATEWAY.up, "a" * 32, 1, "unknown_point", b'["\\u0000",1,1.0,0]'),
            ):
                await connection.execute(OLD, topic, stream, index, code, payload)
            await migrate(connection, "0005", "9999")
            kinds = {(kind.gateway, kind.code, kind.point) for kind in await summary(connection, Chosen(), 10)}
            assert kinds == {
                ("gw-a", "unknown_point", "gw-a-0"),
                ("gw-a", "malformed", None),
                (None, "unsupported_version", None),
                ("gw-a", "unknown_point", None),
            }
            await register(connection)
            sums = await replay(connection)
            assert (sums.stored, sums.refused.total()) == (1, 3)
            assert await table(connection, "select value from readings") == [(5.0,)]
    finally:
        await drop_database(dsn, name)
