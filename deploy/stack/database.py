"""Asks a PostgreSQL server whether it is what we need, and makes our database; the only module here with a driver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg
from psycopg import conninfo, errors, sql

from energy.errors import PermissionRefusedError, SetupError, StorageError
from energy.queries import load_queries

_CONNECT_SECONDS = 5
_SCHEMES = ("postgresql://", "postgres://")
_QUERIES = load_queries("deploy.stack", "database.sql")


class Place(NamedTuple):
    """Whose database where, as a DSN says it; empty where it leaves something out."""

    user: str
    host: str
    port: str
    name: str


def place_of(dsn: str) -> Place | None:
    """What `dsn` names; None when it is no URL of PostgreSQL's, which is the form that all our drivers read."""
    if not dsn.startswith(_SCHEMES):
        return None
    try:
        found = conninfo.conninfo_to_dict(dsn)
    except psycopg.Error:
        return None
    port = str(found.get("port") or "")
    if not all(part.isdecimal() for part in port.split(",") if part):  # one for each host
        return None
    return Place(str(found.get("user") or ""), str(found.get("host") or ""), port, str(found.get("dbname") or ""))


def is_up(dsn: str) -> bool:
    """Whether the server takes connections: False while it starts, recovers from a crash, or is not there.

    Raises:
        PermissionRefusedError: it refuses us.
        SetupError: the DSN or the server cannot serve, now or later.
    """
    try:
        with _connection(dsn):
            return True
    except StorageError:
        return False


def require_timescaledb(dsn: str) -> None:
    """Check a server that is not ours.

    Raises:
        StorageError: it does not answer.
        PermissionRefusedError: it refuses us.
        SetupError: it has no TimescaleDB.
    """
    with _connection(dsn) as connection:
        if connection.execute(sql.SQL(_QUERIES.extension_available)).fetchone() is None:
            raise SetupError(
                f"The server at {connection.info.host}:{connection.info.port} has no TimescaleDB.",
                advice="Install its package for that server's version, or use another server.",
            )


def make_database(maintenance_dsn: str, dsn: str, name: str) -> None:
    """Create the database and the extension where they are missing.

    Args:
        maintenance_dsn: the same server's database `postgres`.
        dsn: the database to make.
        name: its name.

    Raises:
        StorageError: the server went away.
        SetupError: it refused.
    """
    with _connection(maintenance_dsn) as connection:
        if connection.execute(sql.SQL(_QUERIES.database_exists), (name,)).fetchone() is None:
            connection.execute(sql.SQL(_QUERIES.create_database).format(name=sql.Identifier(name)))
    with _connection(dsn) as connection:
        connection.execute(sql.SQL(_QUERIES.create_extension))


@contextmanager
def _connection(dsn: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=_CONNECT_SECONDS) as connection:
            yield connection
    except (errors.InvalidPassword, errors.InvalidAuthorizationSpecification, errors.InsufficientPrivilege) as error:
        raise PermissionRefusedError(f"PostgreSQL refuses us: {_first_line(error)}") from error
    except psycopg.OperationalError as error:
        raise _of_connecting(error) from error
    except psycopg.Error as error:
        raise SetupError(f"PostgreSQL: {_first_line(error)}") from error


def _of_connecting(error: psycopg.OperationalError) -> SetupError | StorageError | PermissionRefusedError:
    """Split what libpq reports while connecting: it gives a text only, no code of the server's (psycopg 3)."""
    text = str(error)
    if "authentication failed" in text or "no password supplied" in text or "pg_hba.conf" in text:
        return PermissionRefusedError(f"PostgreSQL refuses us: {_first_line(error)}")
    if "does not exist" in text:
        return SetupError(f"PostgreSQL: {_first_line(error)}")
    return StorageError(f"PostgreSQL does not answer: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
