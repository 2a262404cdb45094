"""The spool's file: what is kept, what leaves, what is reported."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from collector.errors import SpoolCorruptError
from collector.spool.file import SpoolFile, spooled_readings
from collector.spool.settings import SpoolSettings
from collector.spool.spool import Spool
from energy.clocks import DataClock
from energy.errors import SchemaError, SetupError, StorageError
from energy.metrics import exposition
from energy.readings import Reading
from energy.wire import DroppedRange, decode_envelope

STREAM = "0123456789abcdef" * 2
OTHER_STREAM = "fedcba9876543210" * 2
DAY_MS = 86_400_000


def readings(count: int, *, at: int = 1_000) -> list[Reading]:
    """Readings of one point, a second apart."""
    return [Reading("P-1", at + 1_000 * number, float(number)) for number in range(count)]


@contextmanager
def opened(path: Path, settings: SpoolSettings | None = None, *, stream: str = STREAM) -> Iterator[SpoolFile]:
    """An open spool at `path`."""
    file = SpoolFile(path, settings or SpoolSettings())
    file.open(lambda: stream, now_ms=0)
    try:
        yield file
    finally:
        file.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a spool may stand."""
    return tmp_path / "gw-1.sqlite3"


def test_a_round_is_cut_once_and_read_back_byte_for_byte(path: Path) -> None:
    """250 readings become three envelopes whose bytes are the same after a restart."""
    with opened(path) as file:
        file.append(readings(250), (), 0)
        first = file.fetch(0, 10)
    with opened(path, stream=OTHER_STREAM) as file:
        assert file.fetch(0, 10) == first
        assert file.state().stream == STREAM
    assert [seq for seq, _ in first] == [1, 2, 3]
    envelopes = [decode_envelope(body) for _, body in first]
    assert [len(envelope.readings) for envelope in envelopes] == [100, 100, 50]
    assert {envelope.stream for envelope in envelopes} == {STREAM}
    assert list(spooled_readings(path)) == readings(250)


def test_numbers_go_on_after_everything_left(path: Path) -> None:
    """A number is never given twice, also when the table was empty at the restart."""
    with opened(path) as file:
        file.append(readings(1), (), 0)
        file.append([], (1,), 0)
        assert file.state().kept == 0
    with opened(path) as file:
        file.append(readings(1), (), 0)
        assert [seq for seq, _ in file.fetch(0, 10)] == [2]
        assert file.state().last_seq == 2


def test_only_what_was_confirmed_leaves(path: Path) -> None:
    """Confirmations come in any order, twice, and for numbers that are long gone."""
    with opened(path) as file:
        for _ in range(5):
            file.append(readings(1), (), 0)
        file.append([], (4, 2, 2, 99), 0)
        state = file.state()
        assert [seq for seq, _ in file.fetch(0, 10)] == [1, 3, 5]
        assert (state.kept, state.kept_from) == (3, 1)
        assert state.kept_bytes == sum(len(body) for _, body in file.fetch(0, 10))


def test_confirmed_envelopes_stay_for_the_audit_when_asked(path: Path) -> None:
    """With keep_confirmed they are no longer offered, but the audit reads them and the platform may ask again."""
    with opened(path, SpoolSettings(keep_confirmed=True)) as file:
        file.append(readings(1), (), 0)
        file.append(readings(1, at=9_000), (1,), 0)
        assert [seq for seq, _ in file.fetch(0, 10)] == [2]
        assert file.state().kept == 1
        assert file.reopen([(1, 7)]) == 1
        assert [seq for seq, _ in file.fetch(0, 10)] == [1, 2]
        assert file.state().kept == 2
    assert len(list(spooled_readings(path))) == 2


def test_the_bound_on_size_drops_the_oldest_and_writes_it_down(path: Path) -> None:
    """What exceeds the bound leaves oldest first, as one range, and never the newest."""
    with opened(path, SpoolSettings(max_bytes=262_144)) as file:
        drops = [drop for _ in range(150) for drop in file.append(readings(100), (), 5)]
        state = file.state()
    assert state.kept_bytes <= 262_144
    assert drops
    assert [drop.seq for drop in drops] == list(range(1, len(drops) + 1))
    assert all(drop.readings == 100 for drop in drops)
    assert state.dropped == (DroppedRange(1, len(drops), "size"),)
    assert state.kept_from == len(drops) + 1
    assert state.last_seq == 150


def test_the_bound_on_age_looks_at_the_readings(path: Path) -> None:
    """What is too old leaves at the next round, in data time, and is a range with its own reason."""
    with opened(path, SpoolSettings(max_age_days=1)) as file:
        file.append(readings(1, at=0), (), 0)
        file.append(readings(1, at=DAY_MS), (), DAY_MS)
        assert file.state().kept == 2
        drops = file.append([], (), DAY_MS + 1)
        assert [(drop.seq, drop.reason) for drop in drops] == [(1, "age")]
        assert file.state().dropped == (DroppedRange(1, 1, "age"),)


def test_dropped_ranges_name_no_number_that_was_confirmed(path: Path) -> None:
    """A confirmed envelope between two dropped ones splits the range."""
    with opened(path, SpoolSettings(max_age_days=1)) as file:
        for _ in range(3):
            file.append(readings(1, at=0), (), 0)
        file.append([], (2,), 2 * DAY_MS)
        assert file.state().dropped == (DroppedRange(1, 1, "age"), DroppedRange(3, 3, "age"))


@pytest.mark.parametrize("damage", ["header", "middle", "not a database"])
def test_a_damaged_file_is_set_aside_and_a_new_stream_begins(path: Path, damage: str) -> None:
    """Nothing is overwritten: the old bytes are still there under another name."""
    with opened(path) as file:
        for _ in range(200):
            file.append(readings(100), (), 0)
    raw = bytearray(path.read_bytes())
    if damage == "header":
        raw[:16] = bytes(16)
    elif damage == "middle":
        raw[4_096 : len(raw) // 2] = b"\xff" * (len(raw) // 2 - 4_096)
    else:
        raw = bytearray(b"power came back too late" * 100)
    path.write_bytes(raw)
    file = SpoolFile(path, SpoolSettings())
    aside = file.open(lambda: OTHER_STREAM, now_ms=77)
    try:
        assert aside == path.with_name("gw-1.sqlite3.damaged-77")
        assert aside.read_bytes() == bytes(raw)
        state = file.state()
        assert (state.stream, state.last_seq, state.kept) == (OTHER_STREAM, 0, 0)
    finally:
        file.close()


def test_two_processes_cannot_share_a_spool(path: Path) -> None:
    """The second is told so, and the first goes on."""
    with opened(path) as file:
        with pytest.raises(SetupError, match="held by another process"), opened(path):
            pass
        file.append(readings(1), (), 0)


def test_a_full_disk_keeps_what_was_and_takes_more_when_there_is_room(path: Path) -> None:
    """The failed round is not half kept, and the figures still agree with the file."""
    with opened(path) as file:
        file.append(readings(10), (), 0)
        connection = file._connection
        (pages,) = connection.execute("pragma page_count").fetchone()
        connection.execute(f"pragma max_page_count = {pages}")
        with pytest.raises(StorageError, match="full"):
            file.append(readings(1000), (1,), 0)
        assert (file.state().last_seq, file.state().kept) == (1, 1)
        connection.execute("pragma max_page_count = 100000")
        file.append(readings(1000), (1,), 0)
        assert (file.state().last_seq, file.state().kept) == (11, 10)


def test_damage_that_only_an_index_shows_is_damage_too(path: Path) -> None:
    """SQLite has a code of its own for it, below the one of a broken file: it is no fault of the disk that passes."""
    with opened(path) as file:
        connection = file._connection
        index = connection.execute("select * from sqlite_schema where name = 'envelope_unconfirmed'").fetchone()
        connection.execute("pragma writable_schema = on")
        connection.execute("delete from sqlite_schema where name = 'envelope_unconfirmed'")
        connection.execute("pragma writable_schema = reset")
        file.append(readings(1), (), 0)  # the index, out of sight, misses it
        connection.execute("pragma writable_schema = on")
        connection.execute("insert into sqlite_schema values (?, ?, ?, ?, ?)", index)
        connection.execute("pragma writable_schema = reset")
        with pytest.raises(SpoolCorruptError):
            file.append((), (1,), 0)


def test_a_spool_of_a_later_version_is_refused(path: Path) -> None:
    """It is neither read nor set aside."""
    with opened(path) as file:
        file._connection.execute("update spool set version = 2")
    with pytest.raises(SchemaError, match="layout 2"), opened(path):
        pass
    assert path.exists()


def test_a_lock_that_cannot_be_made_is_a_clear_message(tmp_path: Path) -> None:
    """The directory is missing."""
    with pytest.raises(SetupError, match="cannot be made"), opened(tmp_path / "nowhere" / "gw-1.sqlite3"):
        pass


@pytest.fixture
def damaged(path: Path) -> Path:
    """A spool that is none."""
    path.write_bytes(b"power came back too late" * 100)
    return path


async def test_a_damaged_spool_is_counted_and_its_gateway_goes_on(damaged: Path) -> None:
    """The gateway has a new stream and takes readings again."""
    clock = DataClock()
    with ThreadPoolExecutor(1) as thread:
        spool = Spool("gw-1", SpoolFile(damaged, SpoolSettings()), clock, thread)
        await spool.open()
        try:
            await spool.append(readings(3, at=clock.now_ms()))
            assert spool.unconfirmed == 1
        finally:
            await spool.close()
    assert b'quotawatt_collector_damaged_spools_total{gateway="gw-1"}' in exposition()[0]
    assert len(list(damaged.parent.glob("*.damaged-*"))) == 1


async def test_confirmations_are_written_down_before_they_pile_up(path: Path) -> None:
    """A gateway that sends a long backlog and reads nothing new lets it go on disk too."""
    clock = DataClock()
    with ThreadPoolExecutor(1) as thread:
        spool = Spool("gw-1", SpoolFile(path, SpoolSettings(readings_per_envelope=1)), clock, thread)
        await spool.open()
        try:
            await spool.append(readings(100, at=clock.now_ms()))
            await spool.confirm(range(1, 11))
            assert (spool.unconfirmed, spool.state().kept) == (90, 100)
            assert [number for number, _ in await spool.fetch(0, 2)] == [11, 12]
            await spool.confirm(range(11, 81))
            assert (spool.unconfirmed, spool.state().kept) == (20, 20)
        finally:
            await spool.close()
