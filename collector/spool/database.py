"""SQLite as the spool uses it; the only importer of sqlite3, whose errors become ours here."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from collector.errors import SpoolCorruptError
from energy.errors import StorageError

_BROKEN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

Parameters = Sequence[object] | Mapping[str, object]


class Database:
    """A connection to a file, in autocommit mode; used by one thread at a time.

    Args:
        path: the file; made where there is none, unless `read_only`.
        read_only: change nothing.

    Raises:
        StorageError: the file cannot be opened.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        target = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
        with _translating(path):
            # Opened on one thread and used on another, one after the other: no lock of Python's is needed for that.
            self._connection = sqlite3.connect(target, uri=True, isolation_level=None, check_same_thread=False)

    def close(self) -> None:
        """Close the connection; harmless where it is closed."""
        self._connection.close()

    def execute(self, query: str, parameters: Parameters = ()) -> list[Any]:
        """Run a query to its end and return its rows, as tuples.

        Raises:
            StorageError: the disk refuses.
            SpoolCorruptError: the file is broken.
        """
        with _translating(self.path):
            return self._connection.execute(query, parameters).fetchall()

    def stream(self, query: str) -> Iterator[Any]:
        """The rows of a query, one by one; raises as `execute`."""
        with _translating(self.path):
            yield from self._connection.execute(query)

    def script(self, statements: str) -> None:
        """Run statements one after the other; no semicolon stands within one, nor within a comment."""
        for statement in statements.split(";"):
            self.execute(statement)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; on the disk when it ends, as far as `synchronous` says."""
        self.execute("begin immediate")
        try:
            yield
            self.execute("commit")
        except BaseException:
            # SQLite has rolled back by itself after some faults, such as a full disk, and not after others.
            if self._connection.in_transaction:
                self._connection.rollback()
            raise

    def used_bytes(self) -> int:
        """Bytes of the file that are in use: its pages without the free ones, those of this transaction included."""
        ((pages, free, size),) = self.execute(
            "select page_count, freelist_count, page_size"
            " from pragma_page_count, pragma_freelist_count, pragma_page_size"
        )
        return int((pages - free) * size)


@contextmanager
def _translating(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        # The code's low byte is the kind; the rest says more, such as that an index is what is broken.
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _BROKEN:
            raise SpoolCorruptError(f"{path}: {error}", advice="Start again: the file will be set aside.") from error
        raise StorageError(f"{path}: {error}", advice="Check the disk's space and health.") from error
