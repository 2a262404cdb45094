"""Databases next to the one that a DSN names: made for a demo or a test, and dropped again."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from energy.storage.errors import translating
from energy.storage.pool import StorageSettings, connect

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def with_database(dsn: str, name: str) -> str:
    """The same server, user and options, another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


async def create_database(dsn: str, name: str, *, template: str | None = None) -> str:
    """Make the database `name`, empty or as a copy of `template`, dropping one of that name; returns its DSN.

    Raises:
        ValueError: the name is no plain lower-case identifier.
        StorageError, PermissionRefusedError: as `translating` says.
    """
    await drop_database(dsn, name)
    source = f" template {_plain(template)}" if template else ""
    async with connect(StorageSettings(dsn)) as connection:
        with translating():
            await connection.execute(f"create database {_plain(name)}{source}")
    return with_database(dsn, name)


async def drop_database(dsn: str, name: str) -> None:
    """Drop the database `name` if it is there, ending what is connected to it.

    Raises:
        ValueError: the name is no plain lower-case identifier.
        StorageError, PermissionRefusedError: as `translating` says.
    """
    async with connect(StorageSettings(dsn)) as connection:
        with translating():
            await connection.execute(f"drop database if exists {_plain(name)} with (force)")


def _plain(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r}: a database name of a-z, 0-9 and _ expected")
    return name
