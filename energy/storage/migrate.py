"""Bring a database to this version's schema.

Alembic keeps the chain; each revision is a plain SQL file. Migrations go forward only: the way back is a backup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import sqlalchemy
from alembic import command, op
from alembic.config import Config
from alembic.util import CommandError

from energy.errors import PermissionRefusedError, SchemaError, SetupError, StorageError
from energy.storage.pool import SQL_DIRECTORY

_LOCK = 0x71775F6D69677261  # "qw_migra": one migration at a time per database

# libpq gives no SQLSTATE for a connection that failed. A server that speaks another language is taken for one that
# cannot be reached, as whatever is not named here.
_NOT_LET_IN = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|permission denied for database"
    r"|role .+ (does not exist|is not permitted to log in)"
)


def migrate(dsn: str) -> int:
    """Run what is missing of the chain, in one transaction, one process at a time; returns how many migrations.

    Raises:
        SetupError: the database cannot be reached with this DSN, or lacks the extension timescaledb.
        PermissionRefusedError: user or password are not accepted, or the user has not the rights.
        SchemaError: the schema is one that this version does not know.
        StorageError: the connection was lost on the way; nothing was changed.
    """
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: _connect(dsn), poolclass=sqlalchemy.NullPool
    )
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["applied"] = applied = list[object]()
    with _translating(), engine.begin() as connection:
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({_LOCK})")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return len(applied)


def run_sql_file(revision: str) -> None:
    """Run the SQL file of `revision` on the migration's own connection, all statements of it."""
    (file,) = SQL_DIRECTORY.glob(f"{revision}_*.sql")
    cursor = op.get_bind().connection.cursor()  # the driver's own: SQLAlchemy would prepare, and so allow one statement
    cursor.execute(file.read_bytes())


@contextmanager
def _translating() -> Iterator[None]:
    """SQLAlchemy wraps what its own statements raise; what the SQL files raise, on the driver's cursor, comes bare."""
    try:
        try:
            yield
        except sqlalchemy.exc.DBAPIError as wrapped:
            raise (wrapped.orig or wrapped) from wrapped
    except psycopg.errors.InsufficientPrivilege as error:
        raise PermissionRefusedError(
            f"the migration was refused: {error}", advice="Run it as a user who may create tables and the extension."
        ) from error
    except psycopg.errors.FeatureNotSupported as error:
        raise SetupError(
            f"the server has no TimescaleDB: {error}",
            advice="Install the extension (Debian 13: postgresql-17-timescaledb), or use `quotawatt stack up`.",
        ) from error
    except CommandError as error:
        raise SchemaError(
            f"the database's schema is not one of this version's: {error}", advice="Use the version that made it."
        ) from error
    except psycopg.OperationalError as error:
        raise StorageError(f"the migration was cut off: {error}", advice="Run it again.") from error


def _connect(dsn: str) -> psycopg.Connection[tuple[object, ...]]:
    try:
        return psycopg.connect(dsn, connect_timeout=10)
    except psycopg.ProgrammingError as error:
        raise SetupError(
            f"the DSN cannot be read: {error}", advice="Write it as postgresql://user@host:port/database."
        ) from error
    except psycopg.OperationalError as error:
        if _NOT_LET_IN.search(str(error)):
            raise PermissionRefusedError(
                f"the database does not let us in: {error}", advice="Check the user and password in the DSN."
            ) from error
        raise SetupError(
            f"the database cannot be reached: {error}", advice="Check the DSN and that the server runs."
        ) from error
