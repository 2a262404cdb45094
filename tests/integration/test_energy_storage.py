"""Storage on a real TimescaleDB: migrations, errors, notifications, the effective view."""

from __future__ import annotations

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import permutations
from urllib.parse import urlsplit

import asyncpg
import pytest

from deploy.stack import Endpoints
from energy.errors import (
    PermissionRefusedError,
    QuotawattError,
    SchemaError,
    SetupError,
    StorageError,
    StorageRejectedError,
)
from energy.readings import content_order
from energy.storage import (
    KeyConflictError,
    Notifications,
    Pool,
    StorageSettings,
    check_schema,
    connect,
    open_pool,
    translating,
)
from energy.storage.databases import create_database, drop_database, with_database
from energy.storage.migrate import migrate
from energy.storage.pool import SQL_DIRECTORY

AT = datetime(2026, 3, 1, tzinfo=UTC)


async def test_several_migrations_at_once_make_one_schema(endpoints: Endpoints) -> None:
    """Services that start together may all migrate: the lock lets one through, the others find it done."""
    dsn = await create_database(endpoints.dsn, "several_migrations")
    with ThreadPoolExecutor(4) as threads:
        applied = list(threads.map(migrate, [dsn] * 4))
    assert sorted(applied) == [0, 0, 0, len(list(SQL_DIRECTORY.glob("*.sql")))]
    async with connect(StorageSettings(dsn)) as connection:
        await check_schema(connection)
        assert await connection.fetchval("select count(*) from alembic_version") == 1
    await drop_database(endpoints.dsn, "several_migrations")


async def test_a_database_that_was_never_migrated_is_refused(endpoints: Endpoints) -> None:
    """A service says what to run instead of failing on a missing table."""
    dsn = await create_database(endpoints.dsn, "never_migrated")
    async with connect(StorageSettings(dsn)) as connection:
        with pytest.raises(SchemaError, match="not there") as caught:
            await check_schema(connection)
    assert "quotawatt migrate" in caught.value.advice
    await drop_database(endpoints.dsn, "never_migrated")


async def test_a_schema_of_a_later_version_is_left_alone(dsn: str, pool: Pool) -> None:
    """Migrations go forward only: what a newer version has made is named, not guessed at."""
    await pool.execute("update alembic_version set version_num = '9999'")
    with pytest.raises(SchemaError, match="9999"):
        await asyncio.to_thread(migrate, dsn)


async def test_a_migration_without_rights_needs_a_person(endpoints: Endpoints) -> None:
    """Whether the first table is refused or only the extension, it is one clear message."""
    dsn = await create_database(endpoints.dsn, "migrated_without_rights")
    name_and_password = urlsplit(dsn).netloc.rpartition("@")[0]
    async with connect(StorageSettings(dsn)) as connection:
        await connection.execute("create role without_rights login password 'none'")
        try:
            for grant in ("select 1", "grant create on schema public to without_rights"):
                await connection.execute(grant)
                with pytest.raises(PermissionRefusedError, match="permission denied"):
                    await asyncio.to_thread(migrate, dsn.replace(name_and_password, "without_rights:none"))
        finally:
            await connection.execute("drop owned by without_rights; drop role without_rights")
    await drop_database(endpoints.dsn, "migrated_without_rights")


@pytest.mark.parametrize(
    ("dsn", "place"),
    [
        ("postgresql://me:secret@127.0.0.1:1/quotawatt", " at 127.0.0.1:1"),
        ("postgresql://me@127.0.0.1:1/quotawatt?password=secret", " at 127.0.0.1:1"),
        ("postgresql://127.0.0.1:1/quotawatt?password=secret@", ""),
    ],
)
async def test_a_server_that_does_not_answer_is_named_without_the_password(dsn: str, place: str) -> None:
    """So that the log says which one was meant."""
    for opening in (connect, open_pool):
        with pytest.raises(StorageError, match="cannot be reached") as caught:
            async with opening(StorageSettings(dsn)):
                pass
        assert str(caught.value).startswith(f"the database{place} cannot be reached")
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("who", ["quotawatt:wrong", "nobody-here:none"])
def test_a_migration_says_that_it_is_not_let_in(endpoints: Endpoints, who: str) -> None:
    """Trying again would be useless, and the server does run: another exit code than that of an address."""
    name_and_password = urlsplit(endpoints.dsn).netloc.rpartition("@")[0]
    with pytest.raises(PermissionRefusedError, match="let us in") as caught:
        migrate(endpoints.dsn.replace(name_and_password, who))
    assert "password" in caught.value.advice


def test_a_migration_says_what_is_wrong_with_its_dsn() -> None:
    """What is no DSN is named as such."""
    with pytest.raises(SetupError, match="DSN"):
        migrate("127.0.0.1")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select 1/0", StorageRejectedError),
        ("insert into quota_figure values (1)", StorageRejectedError),
        ("insert into gateway (code, region, unit_id) values ('g', '610300', 99)", StorageRejectedError),
        ("select * from no_such_table", SchemaError),
        ("select no_such_column from readings", SchemaError),
        ("do $$ begin raise deadlock_detected; end $$", StorageError),
        ("do $$ begin raise serialization_failure; end $$", StorageError),
        ("do $$ begin raise disk_full; end $$", StorageError),
        ("do $$ begin raise read_only_sql_transaction; end $$", StorageError),
        ("do $$ begin raise insufficient_privilege; end $$", PermissionRefusedError),
        ("select pg_terminate_backend(pg_backend_pid())", StorageError),
    ],
)
async def test_errors_say_what_to_do_next(pool: Pool, sql: str, expected: type[QuotawattError]) -> None:
    """Each failure of the database becomes retry, reject or stop."""
    async with pool.acquire() as connection:
        with pytest.raises(expected), translating():
            await connection.execute(sql)


async def test_a_value_that_asyncpg_cannot_encode_is_rejected(pool: Pool) -> None:
    """A value that does not fit its column is the data's fault: retrying it would never end."""
    with pytest.raises(StorageRejectedError), translating():
        await pool.execute("insert into readings values ($1, $2, 1.0, 0, 1)", AT, 2**40)


async def test_a_dsn_that_is_none_is_a_matter_of_setup() -> None:
    """A DSN that cannot be parsed is named at once, not retried as a lost connection."""
    with pytest.raises(SetupError, match="DSN"):
        async with open_pool(StorageSettings("http://127.0.0.1/")):
            pass


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (
            asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress"),
            "the connection to the database broke off in the middle of a statement",
        ),
        (
            asyncpg.TargetServerAttributeNotMatched("None of the hosts match the target attribute requirement"),
            "the database cannot be reached: None of the hosts match the target attribute requirement",
        ),
    ],
)
def test_states_of_the_driver_are_told_to_nobody(raised: Exception, told: str) -> None:
    """They stay as the cause; what the driver says of servers is passed on."""
    with pytest.raises(StorageError) as caught, translating():
        raise raised
    assert (str(caught.value), caught.value.__cause__) == (told, raised)


async def test_a_taken_key_is_told_apart(pool: Pool) -> None:
    """Ingest must see a key conflict as such, to merge the batch, and whose key it is: a chunk's index tells."""
    insert = "insert into readings values ($1, 1, 1.0, 0, 1)"
    await pool.execute(insert, AT)
    with pytest.raises(KeyConflictError) as caught, translating():
        await pool.execute(insert, AT)
    assert caught.value.constraint.endswith("_chunk_readings_point_ts")


@pytest.mark.parametrize("case", ["no such database", "no server", "wrong password"])
async def test_a_pool_that_cannot_open_says_why(endpoints: Endpoints, case: str) -> None:
    """No such database, no server, wrong password: three different next steps."""
    dsn, expected = {
        "no such database": (with_database(endpoints.dsn, "no_such_database"), SetupError),
        "no server": ("postgresql://127.0.0.1:1/none", StorageError),
        "wrong password": (_wrong_password(endpoints.dsn), PermissionRefusedError),
    }[case]
    with pytest.raises(expected):
        async with open_pool(StorageSettings(dsn)):
            pass


async def test_notifications_wake_and_the_bound_guarantees(database: StorageSettings, pool: Pool) -> None:
    """A NOTIFY ends the wait; without one, the bound does; a lost connection is taken up again."""
    async with Notifications(database, "readings") as notifications:
        await pool.execute("notify readings")
        assert await notifications.wait(10)
        assert not await notifications.wait(0.05)
        await pool.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where pid <> pg_backend_pid() and datname = current_database() and query like 'LISTEN%'"
        )
        async with asyncio.timeout(10):
            while not await notifications.wait(0.05):
                pass
        await pool.execute("notify readings")
        assert await notifications.wait(10)


async def test_effective_readings_ignore_the_order_of_arrival(pool: Pool) -> None:
    """Whatever row came first, the view shows the one that content order picks."""
    contents = [(0, 5.0), (0, 3.0), (1, 1.0), (3, math.nan)]
    best = min(contents, key=lambda content: content_order(*content))
    for point, order in enumerate(permutations(contents), start=1):
        first, *rest = order
        await pool.execute("insert into readings values ($1, $2, $3, $4, 1)", AT, point, first[1], first[0])
        for quality, value in rest:
            await pool.execute("insert into reading_conflicts values ($1, $2, $3, $4, 2)", point, AT, value, quality)
    rows = await pool.fetch("select point_id, value, quality from readings_effective")
    assert {(row["value"], row["quality"]) for row in rows} == {(best[1], best[0])}
    assert len(rows) == 24


async def test_uncontested_readings_are_effective_as_they_are(pool: Pool) -> None:
    """The view neither loses nor doubles rows that have no conflict."""
    rows = [(AT + timedelta(minutes=n), n % 7, n / 7, 0, 1) for n in range(200)]
    await pool.copy_records_to_table("readings", records=rows)
    found = await pool.fetch("select ts, point_id, value, quality, batch from readings_effective")
    assert sorted(tuple(row) for row in found) == sorted(rows)


def _wrong_password(dsn: str) -> str:
    scheme, rest = dsn.split("://", 1)
    user = rest.split("@", 1)[0].split(":", 1)[0]
    return f"{scheme}://{user}:wrong@{rest.split('@', 1)[1]}"
