"""The spool's SQLite file: envelopes cut once, numbered for ever, kept until confirmed. The only importer of sqlite3.

Everything here blocks; `collector.spool` calls it on a thread of its own. In-memory figures follow the commits, never
the other way round.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import structlog

from collector.errors import SpoolCorruptError
from collector.spool.lock import FileLock
from collector.spool.settings import SpoolSettings
from energy.errors import SchemaError, StorageError
from energy.queries import load_queries
from energy.readings import Reading
from energy.wire import DroppedRange, decode_envelope, encode_envelope

_SQL = load_queries("collector.spool", "spool.sql")
_VERSION = 1
_BROKEN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_DROPS_REPORTED = 100
_DAY_MS = 86_400_000
_log = structlog.get_logger(__name__)


class SpoolState(msgspec.Struct, frozen=True):
    """What a spool holds.

    Attributes:
        stream: the stream's identity.
        last_seq: highest number ever given, 0 when none was.
        kept: unconfirmed envelopes.
        kept_bytes: their bodies' bytes.
        kept_from: the lowest number among them, None when there is none.
        dropped: what the bounds dropped, the newest hundred ranges, in order.
    """

    stream: str
    last_seq: int
    kept: int
    kept_bytes: int
    kept_from: int | None
    dropped: tuple[DroppedRange, ...]


class Drop(msgspec.Struct, frozen=True):
    """One envelope that a bound dropped: `reason` is size or age."""

    seq: int
    readings: int
    reason: str


class SpoolFile:
    """One gateway's spool; opened by `open`, used on one thread.

    Args:
        path: the file; made where there is none.
        settings: bounds and cutting.
    """

    def __init__(self, path: Path, settings: SpoolSettings) -> None:
        self.path = path
        self._settings = settings
        self._lock = FileLock(path.with_suffix(".lock"))
        self._connection: sqlite3.Connection
        self._stream = ""
        self._last_seq = self._kept = self._kept_bytes = 0

    def open(self, new_stream: Callable[[], str], now_ms: int) -> Path | None:
        """Open or make the file; a damaged one is set aside, and its new name returned.

        Args:
            new_stream: makes the identity of a new stream, 32 hexadecimal digits.
            now_ms: data time, which names a file set aside.

        Raises:
            SetupError: another process uses the spool.
            SchemaError: a later version made it.
            StorageError: the disk refuses.
        """
        self._lock.acquire()
        try:
            self._load(new_stream)
        except SpoolCorruptError as error:
            self._connection.close()
            aside = self._set_aside(now_ms)
            _log.error("spool_set_aside", file=str(aside), damage=str(error))
            self._load(new_stream)
            return aside
        except BaseException:
            self.close()
            raise
        return None

    def close(self) -> None:
        """Close the file; it can be opened again."""
        if hasattr(self, "_connection"):
            self._connection.close()
            del self._connection
        self._lock.release()

    def append(self, readings: Sequence[Reading], confirmed: Iterable[int], now_ms: int) -> list[Drop]:
        """Keep readings as one or more envelopes, let confirmed ones leave, hold the bounds: one commit.

        Args:
            readings: of one poll round; none is allowed.
            confirmed: numbers that may leave.
            now_ms: data time.

        Returns:
            What the bounds dropped.

        Raises:
            StorageError: the disk refuses; nothing was kept.
            SpoolCorruptError: the file broke.
        """
        with self._transaction():
            seq, kept, kept_bytes = self._last_seq, self._kept, self._kept_bytes
            for size in self._let_go(confirmed):
                kept, kept_bytes = kept - 1, kept_bytes - size
            for body, part in self._cut(readings, seq):
                seq, kept, kept_bytes = seq + 1, kept + 1, kept_bytes + len(body)
                row = (seq, body, len(part), part[0].at, part[-1].at, now_ms)
                self._connection.execute(_SQL.append, row)
            drops, sizes = self._over_bounds(kept_bytes, now_ms)
            self._record(drops, now_ms)
        self._last_seq, self._kept, self._kept_bytes = seq, kept - len(drops), kept_bytes - sum(sizes)
        return drops

    def fetch(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """The next `limit` unconfirmed envelopes numbered above `after`: (number, body), in order."""
        with _translating(self.path):
            return self._connection.execute(_SQL.fetch, (after, limit)).fetchall()

    def reopen(self, ranges: Iterable[tuple[int, int]]) -> int:
        """Make confirmed envelopes that are still here unconfirmed again; returns how many."""
        with self._transaction():
            sizes = [size for pair in ranges for (size,) in self._connection.execute(_SQL.reopen, pair).fetchall()]
        self._kept, self._kept_bytes = self._kept + len(sizes), self._kept_bytes + sum(sizes)
        return len(sizes)

    def state(self) -> SpoolState:
        """What the spool holds."""
        with _translating(self.path):
            rows = self._connection.execute(_SQL.drops, (_DROPS_REPORTED,)).fetchall()
            first = self._connection.execute(_SQL.fetch, (0, 1)).fetchone()
        dropped = tuple(DroppedRange(*row) for row in reversed(rows))
        kept_from = first[0] if first else None
        return SpoolState(self._stream, self._last_seq, self._kept, self._kept_bytes, kept_from, dropped)

    def _load(self, new_stream: Callable[[], str]) -> None:
        with _translating(self.path):
            self._connection = sqlite3.connect(self.path, isolation_level=None)
            self._connection.executescript(_SQL.set_up)
            (verdict,) = self._connection.execute(_SQL.check_file).fetchone()
            if verdict != "ok":
                raise SpoolCorruptError(f"{self.path}: {verdict}")
            self._connection.executescript(_SQL.create)
            row = self._connection.execute(_SQL.stream).fetchone()
            if row is None:
                row = (new_stream(), _VERSION)
                self._connection.execute(_SQL.begin_stream, row)
            self._stream, version = row
            if version != _VERSION:
                raise SchemaError(f"{self.path} is of layout {version}, this version knows {_VERSION}")
            (self._last_seq,) = self._connection.execute(_SQL.last_seq).fetchone()
            self._kept, self._kept_bytes = self._connection.execute(_SQL.kept).fetchone()

    def _set_aside(self, now_ms: int) -> Path:
        aside = self.path.with_name(f"{self.path.name}.damaged-{now_ms}")
        for suffix in ("", "-wal", "-shm"):
            part = self.path.with_name(self.path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
        return aside

    def _cut(self, readings: Sequence[Reading], last: int) -> Iterator[tuple[bytes, Sequence[Reading]]]:
        size = self._settings.readings_per_envelope
        for number, at in enumerate(range(0, len(readings), size), start=last + 1):
            part = readings[at : at + size]
            yield encode_envelope(self._stream, number, list(part)), part

    def _let_go(self, confirmed: Iterable[int]) -> Iterator[int]:
        query = _SQL.mark_confirmed if self._settings.keep_confirmed else _SQL.forget
        for seq in confirmed:
            for (size,) in self._connection.execute(query, (seq,)).fetchall():
                yield size

    def _over_bounds(self, kept_bytes: int, now_ms: int) -> tuple[list[Drop], list[int]]:
        """Delete from the oldest on until both bounds hold; what went, and its sizes."""
        drops: list[Drop] = []
        sizes: list[int] = []
        oldest_allowed = now_ms - self._settings.max_age_days * _DAY_MS
        while row := self._connection.execute(_SQL.oldest, (1,)).fetchone():
            seq, size, readings, last_at = row
            too_much = kept_bytes - sum(sizes) > self._settings.max_bytes
            if not too_much and last_at >= oldest_allowed:
                break
            self._connection.execute(_SQL.forget, (seq,)).fetchall()
            drops.append(Drop(seq, readings, "size" if too_much else "age"))
            sizes.append(size)
        return drops, sizes

    def _record(self, drops: Iterable[Drop], now_ms: int) -> None:
        for drop in drops:
            extended = (drop.seq, drop.readings, now_ms, drop.seq - 1, drop.reason)
            if self._connection.execute(_SQL.extend_drop, extended).rowcount == 0:
                row = (drop.seq, drop.seq, drop.reason, drop.readings, now_ms)
                self._connection.execute(_SQL.drop_range, row)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        connection = self._connection
        with _translating(self.path):
            try:
                connection.execute("begin immediate")
                yield
                connection.execute("commit")
            except BaseException:
                # SQLite has rolled back by itself after some faults, such as a full disk, and not after others.
                if connection.in_transaction:
                    connection.rollback()
                raise


def spooled_readings(path: Path) -> Iterator[Reading]:
    """Every reading in a spool's file, for an audit; nothing is changed.

    Raises:
        StorageError: the file cannot be read.
    """
    with _translating(path):
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            for (body,) in connection.execute(_SQL.bodies):
                yield from decode_envelope(body).readings
        finally:
            connection.close()


@contextmanager
def _translating(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        # The code's low byte is the kind; the rest says more, such as that an index is what is broken.
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _BROKEN:
            raise SpoolCorruptError(f"{path}: {error}", advice="Start again: the file will be set aside.") from error
        raise StorageError(f"{path}: {error}", advice="Check the disk's space and health.") from error
