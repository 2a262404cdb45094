"""A spool whose file is not what it was: nothing is overwritten, nothing is silently begun anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from collector.errors import SpoolCorruptError
from collector.spool.file import SpoolFile, spooled_readings
from collector.spool.layout import parts
from collector.spool.settings import SpoolSettings
from energy.errors import SchemaError, StorageError
from energy.metrics import exposition
from energy.wire import DroppedRange, DroppedTotal, decode_envelope
from tests.support.spool_world import (
    OTHER_STREAM,
    STREAM,
    database_of,
    kept_readings,
    numbers,
    opened,
    readings,
    spooling,
)

INDEX = "envelope_kept"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a spool may stand."""
    return tmp_path / "gw-1.sqlite3"


def begin(path: Path) -> None:
    """A spool with 200 envelopes."""
    with opened(path) as file:
        for number in range(200):
            file.append(readings(100, at=number * 100_000), (), 0)


def bad_header(path: Path) -> None:
    """The first bytes are gone."""
    path.write_bytes(bytes(16) + path.read_bytes()[16:])


def bad_middle(path: Path) -> None:
    """A disk gave back ones."""
    raw = bytearray(path.read_bytes())
    raw[4_096 : len(raw) // 2] = b"\xff" * (len(raw) // 2 - 4_096)
    path.write_bytes(raw)


def garbage(path: Path) -> None:
    """It never was a database, or it is an encrypted one."""
    path.write_bytes(b"power came back too late" * 100)


def emptied(path: Path) -> None:
    """A file system repaired itself."""
    path.write_bytes(b"")


def cut_short(path: Path) -> None:
    """Its end is missing."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def one_page(path: Path) -> None:
    """All but its first page is missing."""
    path.write_bytes(path.read_bytes()[:4_096])


def other_database(path: Path) -> None:
    """Somebody else's database stands in its place."""
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table spool (title text)")


def without_stream(path: Path) -> None:
    """Its one row of identity is gone."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("delete from spool")


def log_alone(path: Path) -> None:
    """The file is gone, and the log that belongs to it is not."""
    path.rename(path.with_name(path.name + "-wal"))


def emptied_with_log(path: Path) -> None:
    """The file is empty, its log is not: SQLite would take the log for a left-over and remove it."""
    with opened(path) as file:
        file.append(readings(1), (), 0)
        log = path.with_name(path.name + "-wal").read_bytes()
    assert log
    path.write_bytes(b"")
    path.with_name(path.name + "-wal").write_bytes(log)


DAMAGES = [
    bad_header,
    bad_middle,
    garbage,
    emptied,
    emptied_with_log,
    cut_short,
    one_page,
    other_database,
    without_stream,
    log_alone,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_file_is_set_aside_and_a_new_stream_begins(path: Path, damage: Callable[[Path], None]) -> None:
    """Nothing is overwritten: the old bytes are still there under another name, and the log says so."""
    begin(path)
    damage(path)
    before = {part.name: part.read_bytes() for part in parts(path)}
    file = SpoolFile(path, SpoolSettings())
    with capture_logs() as logs:
        aside = file.open(lambda: OTHER_STREAM, now_ms=77)
    try:
        assert aside == path.with_name("gw-1.sqlite3.damaged-77")
        assert {part.name.replace(".damaged-77", ""): part.read_bytes() for part in parts(aside)} == before
        assert [log["event"] for log in logs] == ["spool_set_aside"]
        state = file.state()
        assert (state.stream, state.last_seq, state.kept) == (OTHER_STREAM, 0, 0)
        file.append(readings(1), (), 0)
        assert numbers(file) == [1]
    finally:
        file.close()


def test_two_damaged_files_do_not_overwrite_each_other(path: Path) -> None:
    """Also when the clock stands still."""
    asides = []
    for number in range(3):
        path.write_bytes(b"damage number %d" % number)
        file = SpoolFile(path, SpoolSettings())
        asides.append(file.open(lambda: STREAM, now_ms=5))
        file.close()
    assert [aside and aside.read_bytes() for aside in asides] == [b"damage number %d" % number for number in range(3)]


def test_a_file_that_cannot_be_set_aside_stops_the_start(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that takes no new name: the file stays, and the message says what to do."""
    garbage(path)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StorageError, match="cannot be set aside: Permission denied"), opened(path):
        pass
    assert path.read_bytes().startswith(b"power")


@pytest.fixture
def index_broken(path: Path) -> Path:
    """A spool of two readings whose index misses the second: nothing else is wrong with it."""
    with opened(path) as file:
        file.append(readings(1), (), 0)
        database = database_of(file)
        database.execute("pragma writable_schema = on")
        (row,) = database.execute("select * from sqlite_schema where name = ?", (INDEX,))
        database.execute("delete from sqlite_schema where name = ?", (INDEX,))
        database.execute("pragma writable_schema = reset")
        file.append(readings(1, at=9_000), (), 0)  # the index, out of sight, misses it
        database.execute("pragma writable_schema = on")
        database.execute("insert into sqlite_schema values (?, ?, ?, ?, ?)", row)
        database.execute("pragma writable_schema = reset")
    return path


def test_damage_that_only_an_index_shows_is_damage_too(index_broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite has a code of its own for it, below the one of a broken file: it is no fault of the disk that passes."""
    monkeypatch.setattr("collector.spool.layout.check", lambda _: None)  # it broke after the start
    with opened(index_broken) as file, pytest.raises(SpoolCorruptError):
        file.append((), (2,), 0)


def test_an_index_that_misses_something_is_made_anew(index_broken: Path) -> None:
    """The table has it all: stream, numbers and readings go on, and the log tells of it."""
    with capture_logs() as logs, opened(index_broken, stream=OTHER_STREAM) as file:
        assert kept_readings(file) == [*readings(1), *readings(1, at=9_000)]
        file.append(readings(1), (2,), 0)
        assert (file.state().stream, numbers(file)) == (STREAM, [1, 3])
    assert [log["event"] for log in logs] == ["spool_index_rebuilt"]
    assert list(index_broken.parent.glob("*damaged*")) == []


@pytest.fixture
def bit_rot(path: Path) -> Path:
    """A spool of three envelopes; the bytes of the second are not those that were written, and no page shows it."""
    with opened(path) as file:
        for number in range(3):
            file.append(readings(40, at=number * 40_000), (), 0)
        ((body,),) = database_of(file).execute("select body from envelope where seq = 2")
        spoilt = body[:60] + bytes([body[60] ^ 4]) + body[61:]
        database_of(file).execute("update envelope set body = ? where seq = 2", (spoilt,))
    return path


async def test_an_envelope_that_the_disk_spoilt_is_dropped_and_told(bit_rot: Path) -> None:
    """It would be sent wrong, or stop the rest for ever; the packing's checksum finds it."""
    async with spooling(bit_rot) as spool:
        rows = await spool.fetch(0, 10)
        assert [seq for seq, _ in rows] == [1, 3]
        sent = [one for _, body in rows for one in decode_envelope(body).readings]
        assert sent == [*readings(40, at=0), *readings(40, at=80_000)]
        assert spool.state().dropped == (DroppedRange(2, 2, "damaged"),)
        assert spool.state().dropped_total == DroppedTotal(1, 40)
        assert (spool.unconfirmed, spool.take_dropped()) == (2, {2})
        assert spool.changed.is_set()
    text = exposition()[0].decode()
    assert 'quotawatt_collector_dropped_readings_total{gateway="gw-1",reason="damaged"} 40' in text


async def test_a_spoilt_envelope_does_not_hide_those_behind_it(bit_rot: Path) -> None:
    """As many come as were asked for: fewer would say that nothing is left, and the rest would not be sent."""
    async with spooling(bit_rot) as spool:
        assert [seq for seq, _ in await spool.fetch(0, 2)] == [1, 3]
        assert [seq for seq, _ in await spool.fetch(1, 1)] == [3]


def test_an_audit_of_spoilt_bytes_says_so(bit_rot: Path) -> None:
    """It does not tell less than there was."""
    with pytest.raises(SpoolCorruptError, match="spoilt"):
        list(spooled_readings(bit_rot))


def test_a_spool_of_a_later_version_is_refused(path: Path) -> None:
    """It is neither read nor set aside."""
    with opened(path) as file:
        database_of(file).execute("update spool set version = 3")
    with pytest.raises(SchemaError, match="layout 3, this version knows 1 to 2"), opened(path):
        pass
    assert [one.name for one in path.parent.glob("*.sqlite3*")] == [path.name]


async def test_a_damaged_spool_is_counted_and_its_gateway_goes_on(path: Path) -> None:
    """The gateway has a new stream and takes readings again."""
    garbage(path)
    async with spooling(path) as spool:
        await spool.append(readings(3, at=1_800_000_000_000))
        assert spool.unconfirmed == 1
    assert b'quotawatt_collector_damaged_spools_total{gateway="gw-1"}' in exposition()[0]
    assert len(list(path.parent.glob("*.damaged-*"))) == 1
