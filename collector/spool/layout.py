"""The layout of a spool's file: made whole or not at all, brought up from earlier versions, found to be sound."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import structlog

from collector.errors import SpoolCorruptError
from collector.spool.database import Database
from energy.errors import SchemaError, StorageError
from energy.queries import load_queries

VERSION = 2
"""Of the layout: 1 had one class of envelopes and bodies as they were sent."""

_SQL = load_queries("collector.spool", "layout.sql")
_TABLES = 3
_log = structlog.get_logger(__name__)


def make(path: Path, stream: str) -> None:
    """Make an empty spool under another name and move it to `path`: a crash leaves no half of one.

    Raises:
        StorageError: the disk refuses.
    """
    new = path.with_name(path.name + ".new")
    try:
        for part in parts(new):
            part.unlink()
        database = Database(new)
        try:
            with database.transaction():
                database.script(_SQL.create)
                database.execute(_SQL.begin_stream, (stream, VERSION))
        finally:
            database.close()
        new.replace(path)
        _sync_directory(path.parent)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}", advice="Check the disk's space and health.") from error


def parts(path: Path) -> Iterator[Path]:
    """The files that make a database, as far as they are there: itself and its logs."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            yield part


def set_aside(path: Path, now_ms: int) -> Path:
    """Give a damaged file another name, with all its parts, unchanged; returns it.

    Raises:
        StorageError: the disk refuses.
    """
    names = (path.with_name(f"{path.name}.damaged-{number}") for number in count(now_ms))
    aside = next(name for name in names if not any(parts(name)))
    try:
        for part in list(parts(path)):
            part.rename(aside.with_name(aside.name + part.name.removeprefix(path.name)))
    except OSError as error:
        raise StorageError(f"{path} cannot be set aside: {error.strerror}", advice="Move it away by hand.") from error
    return aside


def check_file(path: Path) -> None:
    """See that there is a file with something in it: SQLite would take an empty one for a new database.

    Raises:
        SpoolCorruptError: it is empty, or gone without its log.
    """
    if not path.exists() or path.stat().st_size == 0:
        raise SpoolCorruptError(f"{path} is empty or gone")


def check(database: Database) -> None:
    """See that a file is a sound spool; an index that misses something is made anew, since the table has it all.

    Raises:
        SpoolCorruptError: it is broken, or no spool.
        SchemaError: a later version made it.
    """
    path = database.path
    if database.execute(_SQL.tables) != [(_TABLES,)]:
        raise SpoolCorruptError(f"{path} is a database, but no spool")
    if (damage := _first(database, _SQL.integrity_check)) != "ok":
        if _first(database, _SQL.quick_check) != "ok":
            raise SpoolCorruptError(f"{path}: {damage}")
        _reindex(database)
        _log.error("spool_index_rebuilt", file=str(path), damage=damage)
    versions = database.execute(_SQL.version)
    if len(versions) != 1:
        raise SpoolCorruptError(f"{path} names no stream")
    if versions[0][0] not in range(1, VERSION + 1):
        raise SchemaError(f"{path} is of layout {versions[0][0]}, this version knows 1 to {VERSION}")


def upgrade(database: Database) -> None:
    """Bring the file to the present layout, in place and in one transaction: stream, numbers and envelopes stay."""
    ((version,),) = database.execute(_SQL.version)
    if version == 1:
        with database.transaction():
            database.script(_SQL.upgrade_1)
        _log.info("spool_upgraded", file=str(database.path), before=version, now=VERSION)


def _reindex(database: Database) -> None:
    with database.transaction():
        database.execute("reindex")
        if (damage := _first(database, _SQL.integrity_check)) != "ok":
            raise SpoolCorruptError(f"{database.path}: {damage}")


def _first(database: Database, query: str) -> str:
    return str(database.execute(query)[0][0])


def _sync_directory(directory: Path) -> None:
    """Have the new name itself on the disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
