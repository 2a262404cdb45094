"""Connections to TimescaleDB."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

from energy.errors import SchemaError, StorageError
from energy.storage.errors import translating

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
"""A connection, from a pool or of its own."""
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

SQL_DIRECTORY = Path(__file__).with_name("migrations") / "sql"

_MOST_CONNECTIONS = 4
_HOST_AND_PORT = re.compile(r"\w+://(?:[^@/?#]*@)?([^@/?#]+)(?:[/?#][^@]*)?")
"""Nothing matches where it is in doubt what of a DSN is its password."""


class StorageSettings(msgspec.Struct, frozen=True):
    """The `[database]` table.

    Attributes:
        dsn: `postgresql://user@host:port/database`; a password comes better from the standard PGPASSFILE.
        connect_timeout_s: real seconds until a connection attempt is given up.
        answer_timeout_s: real seconds until a transaction that gets no answer is given up, and tried again on another
            connection, with twice as long each time in a row.
    """

    dsn: str
    connect_timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    answer_timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 30.0


@asynccontextmanager
async def open_pool(settings: StorageSettings) -> AsyncIterator[Pool]:
    """A pool that is closed at the end of the block; connections are made as they are needed.

    Raises:
        StorageError, PermissionRefusedError, SetupError: as `translating` says, on the first connection.
    """
    with translating(), _naming_the_server(settings.dsn):
        pool = await asyncpg.create_pool(
            settings.dsn, min_size=1, max_size=_MOST_CONNECTIONS, timeout=settings.connect_timeout_s
        )
    try:
        yield pool
    finally:
        with translating():
            await pool.close()


@asynccontextmanager
async def connect(settings: StorageSettings, session: Mapping[str, str] | None = None) -> AsyncIterator[Connection]:
    """One connection outside any pool, closed at the end of the block.

    Args:
        settings: which database.
        session: settings of the server for this connection only.

    Raises:
        StorageError, PermissionRefusedError, SetupError: as `translating` says.
    """
    with translating(), _naming_the_server(settings.dsn):
        connection = await asyncpg.connect(
            settings.dsn, timeout=settings.connect_timeout_s, server_settings=dict(session or {})
        )
    try:
        yield connection
    finally:
        connection.terminate()


async def plan_anew(connection: Connection) -> None:
    """Until the transaction ends, plan each statement for the arguments that it is given.

    A plan that is kept is made for arrays of ten. Where one unit is asked for now and a nation at the next time, such a
    plan takes minutes; what is asked for row by row, as references are, is better off with it.
    """
    await connection.execute("set local plan_cache_mode = force_custom_plan")


@contextmanager
def _naming_the_server(dsn: str) -> Iterator[None]:
    """The system's own errors do not say where nobody answered."""
    try:
        yield
    except OSError as error:  # a TimeoutError too
        if isinstance(error.__context__, asyncpg.PostgresError):  # what the server said before it hung up counts
            raise
        found = _HOST_AND_PORT.fullmatch(dsn)
        place = f" at {found[1]}" if found else ""
        reason = str(error) or type(error).__name__
        raise StorageError(f"the database{place} cannot be reached: {reason}") from error


def expected_revision() -> str:
    """The revision that this version of the software was written for."""
    return max(path.name.split("_")[0] for path in SQL_DIRECTORY.glob("*.sql"))


async def check_schema(connection: Connection) -> None:
    """Refuse to work on a schema of another version.

    Raises:
        SchemaError: the database was never migrated, or is older or newer than this version.
    """
    with translating():
        known = await connection.fetchval("select to_regclass('alembic_version') is not null")
        found = await connection.fetchval("select version_num from alembic_version") if known else None
    if found != expected_revision():
        raise SchemaError(
            f"the database's schema is {found or 'not there'}, this version expects {expected_revision()}",
            advice="Run `quotawatt migrate`.",
        )
