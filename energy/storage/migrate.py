"""Bring a database to this version's schema.

Alembic keeps the chain; each revision is a plain SQL file. Migrations go forward only: the way back is a backup.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
import sqlalchemy
from alembic import command, op
from alembic.config import Config

from energy.errors import PermissionRefusedError, SetupError
from energy.storage.pool import SQL_DIRECTORY

_LOCK = 0x71775F6D69677261  # "qw_migra": one migration at a time per database


def migrate(dsn: str) -> None:
    """Run what is missing of the chain, in one transaction, one process at a time.

    Raises:
        SetupError: the database cannot be reached, or lacks the extension timescaledb.
        PermissionRefusedError: user, password or rights.
    """
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: _connect(dsn), poolclass=sqlalchemy.NullPool
    )
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"select pg_advisory_xact_lock({_LOCK})")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except sqlalchemy.exc.ProgrammingError as error:
        raise PermissionRefusedError(f"the migration was refused: {error.orig}") from error
    except psycopg.errors.FeatureNotSupported as error:
        raise SetupError(
            f"the server has no TimescaleDB: {error}",
            advice="Install the extension (Debian 13: postgresql-17-timescaledb), or use `quotawatt stack up`.",
        ) from error


def run_sql_file(revision: str) -> None:
    """Run the SQL file of `revision` on the migration's own connection, all statements of it."""
    (file,) = SQL_DIRECTORY.glob(f"{revision}_*.sql")
    cursor = op.get_bind().connection.cursor()  # the driver's own: SQLAlchemy would prepare, and so allow one statement
    cursor.execute(file.read_bytes())


def _connect(dsn: str) -> psycopg.Connection[tuple[object, ...]]:
    try:
        return psycopg.connect(dsn, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise SetupError(
            f"the database cannot be reached: {error}", advice="Check the DSN and that the server runs."
        ) from error
