"""The spool's file: envelopes cut once, numbered for ever, kept until confirmed.

Everything here blocks; `collector.spool.spool` calls it on threads. In-memory figures follow the commits, never the
other way round.
"""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import structlog

from collector.errors import SpoolCorruptError
from collector.spool import bounds, layout
from collector.spool.borders import BorderPicker, Split
from collector.spool.bounds import BORDER, REST, Drop
from collector.spool.database import Database
from collector.spool.lock import FileLock
from collector.spool.recent import Written
from collector.spool.settings import SpoolSettings
from collector.spool.state import Change, SpoolState, first_state, next_state
from energy.queries import load_queries
from energy.readings import Reading
from energy.wire import DropReason, decode_envelope, encode_envelope

_SQL = load_queries("collector.spool", "spool.sql")
_LOG_BYTES = 8 << 20
"""The write-ahead log is cut to this after a checkpoint; it is usually half of it (SQLite's 1 000 pages)."""
_ALL = 2**63 - 1
_PACKING = 1
"""zlib's fastest level: level 6 takes half as much time again and gains a fourteenth."""
_log = structlog.get_logger(__name__)


class Appended(msgspec.Struct, frozen=True):
    """What an append did besides keeping.

    Attributes:
        drops: what the bounds dropped.
        copies: readings that were on the disk already and were kept once more, as border readings.
        written: the envelopes that it made.
    """

    drops: list[Drop]
    copies: int
    written: list[Written]


class SpoolFile:
    """One gateway's spool; opened by `open`, used by one thread at a time.

    Args:
        path: the file; made where there is none.
        settings: bounds and cutting.
        classes: keep readings nearest the quarter hours apart also where `settings.policy` does not need it.
    """

    def __init__(self, path: Path, settings: SpoolSettings, *, classes: bool = False) -> None:
        self.path = path
        self.settings = settings
        self._picker = BorderPicker() if classes or settings.policy == "thin" else None
        self._lock = FileLock(path.with_suffix(".lock"))
        self._database: Database
        self._state = SpoolState()

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
            aside = self._load_or_set_aside(now_ms)
            if not self.path.exists():
                layout.make(self.path, new_stream())
                self._load()
        except BaseException:
            self.close()
            raise
        return aside

    def close(self) -> None:
        """Close the file; it can be opened again."""
        if hasattr(self, "_database"):
            self._database.close()
            del self._database
        self._lock.release()

    def append(self, readings: Sequence[Reading], confirmed: Iterable[int], now_ms: int) -> Appended:
        """Keep readings as one or more envelopes, let confirmed ones leave, hold the bounds: one commit.

        Args:
            readings: of one poll round or several; none is allowed.
            confirmed: numbers that may leave.
            now_ms: data time.

        Raises:
            StorageError: the disk refuses; nothing was kept.
            SpoolCorruptError: the file broke.
        """
        written: list[Written] = []
        split = self._picker.split(readings) if self._picker else Split([], list(readings), 0, {})
        with self._commit() as change:
            for kind, count in self._let_go(confirmed):
                change.kept[kind] -= count
            for kind, part in self._cut(split):
                change.last_seq += 1
                change.kept[kind] += 1
                written.append(self._write(change.last_seq, kind, part, now_ms))
            change.dropped(bounds.hold(self._database, self.settings, now_ms))
        if self._picker:
            self._picker.keep(split)
        return Appended(change.drops, split.copies, written)

    def fetch(
        self, after: int, limit: int, *, until: int | None = None, border: bool | None = None
    ) -> tuple[list[tuple[int, bytes]], list[int]]:
        """The next unconfirmed envelopes, in order.

        Args:
            after: their numbers are above it.
            limit: at most so many.
            until: their numbers are at most this.
            border: of the class border only (true), of the rest only (false), of any.

        Returns:
            (number, body) of those that can be read, and the numbers of those whose bytes the disk has spoilt.
        """
        row = {"after": after, "until": _ALL if until is None else until, "limit": limit}
        if border is None:
            rows = self._database.execute(_SQL.fetch, row)
        else:
            rows = self._database.execute(_SQL.fetch_class, {**row, "class": BORDER if border else REST})
        sound: list[tuple[int, bytes]] = []
        spoilt: list[int] = []
        for seq, packed, body in rows:
            try:
                sound.append((seq, _unpacked(packed, body)))
            except zlib.error:
                spoilt.append(seq)
        return sound, spoilt

    def drop(self, numbers: Iterable[int], reason: DropReason, now_ms: int) -> list[Drop]:
        """Drop unconfirmed envelopes, and write it down."""
        with self._commit() as change:
            rows = [(seq, *row) for seq in numbers for row in self._database.execute(_SQL.forget, (seq,))]
            change.dropped([Drop(seq, kind, readings, reason) for seq, kind, readings in rows])
            bounds.record(self._database, change.drops, now_ms)
        return change.drops

    def reopen(self, ranges: Iterable[tuple[int, int]]) -> int:
        """Make confirmed envelopes that are still here unconfirmed again; returns how many."""
        before = self._state.kept
        with self._commit() as change:
            for pair in ranges:
                for (kind,) in self._database.execute(_SQL.reopen, pair):
                    change.kept[kind] += 1
        return self._state.kept - before

    def room(self) -> int:
        """Bytes that the disk has for the file, those that it takes already among them."""
        return shutil.disk_usage(self.path.parent).free + self.path.stat().st_size

    def state(self) -> SpoolState:
        """What the spool held at the last commit."""
        return self._state

    def _load_or_set_aside(self, now_ms: int) -> Path | None:
        try:
            if any(layout.parts(self.path)):
                self._load()
        except SpoolCorruptError as error:
            if hasattr(self, "_database"):
                self._database.close()
            aside = layout.set_aside(self.path, now_ms)
            _log.error("spool_set_aside", file=str(aside), damage=str(error))
            return aside
        return None

    def _load(self) -> None:
        layout.check_file(self.path)
        self._database = Database(self.path)
        layout.check(self._database)
        self._database.execute("pragma journal_mode = wal")
        self._database.execute(f"pragma journal_size_limit = {_LOG_BYTES}")
        self._database.execute(f"pragma synchronous = {self.settings.synchronous}")
        layout.upgrade(self._database)
        self._state = first_state(self._database)

    @contextmanager
    def _commit(self) -> Iterator[Change]:
        """One transaction; what it changes counts once it is on the disk."""
        change = Change.of(self._state)
        with self._database.transaction():
            yield change
            state = next_state(self._database, self._state, change)
        self._state = state

    def _cut(self, split: Split) -> Iterator[tuple[int, list[Reading]]]:
        """The readings of each envelope with its class; border readings first, as they are wanted first."""
        size = self.settings.readings_per_envelope
        for kind, readings in ((BORDER, split.border), (REST, split.rest)):
            for at in range(0, len(readings), size):
                yield kind, readings[at : at + size]

    def _write(self, seq: int, kind: int, part: list[Reading], now_ms: int) -> Written:
        body = encode_envelope(self._state.stream, seq, part)
        packed = zlib.compress(body, _PACKING)
        times = [reading.at for reading in part]
        self._database.execute(_SQL.append, (seq, kind, len(part), min(times), max(times), now_ms, packed))
        return Written(seq, kind, body)

    def _let_go(self, confirmed: Iterable[int]) -> list[tuple[int, int]]:
        """How many envelopes went, by class."""
        numbers = (msgspec.json.encode(list(confirmed)).decode(),)
        went: list[tuple[int, int]] = self._database.execute(_SQL.classes, numbers)
        if went:
            self._database.execute(_SQL.mark_confirmed if self.settings.keep_confirmed else _SQL.let_go, numbers)
        return went


def _unpacked(packed: int, body: bytes) -> bytes:
    """An envelope as it is sent; raises zlib.error where the disk has spoilt it."""
    return zlib.decompress(body) if packed else body


def spooled_readings(path: Path) -> Iterator[Reading]:
    """Every reading in a spool's file, for an audit, as often as it was kept; nothing is changed.

    Raises:
        StorageError: the file cannot be read.
        SpoolCorruptError: it is broken.
    """
    database = Database(path, read_only=True)
    try:
        for packed, body in database.stream(_SQL.bodies):
            yield from decode_envelope(_unpacked(packed, body)).readings
    except zlib.error as error:
        raise SpoolCorruptError(f"{path}: the bytes of an envelope are spoilt: {error}") from error
    finally:
        database.close()
